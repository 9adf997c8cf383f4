"""Every number that a reader meets, in prose, headlines, subtitles, notes and alternative texts, is bound to the data."""
import ast
import difflib
import json
import re

import pytest

from common import ROOT

import house
import numerals
from book.site import package

LEDGER, SPEC = "application/vnd.ledger+json", "application/vnd.vegalite.v6+json"
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
PAGES = [page for page in [ROOT / "index.md", *sorted((ROOT / "chapters").glob("*.md"))] if page.exists() and page.stem.split("_")[0] not in ("data", "corrections", "glossary")]  # those print tables, each row with its source


def plain(markdown):
    """Prose as a reader sees it: no front matter but its description, no code, addresses, labels, directive options or emphasis marks."""
    front = re.match(r"---\n(.*?)\n---\n", markdown, flags=re.S)
    said = re.search(r"(?m)^description: *(.+)$", front[1]) if front else None  # what search engines and link previews show
    text = (f"{said[1]}\n\n" if said else "") + markdown[front.end() if front else 0:]
    text = re.sub(r"^(`{3,}|:{3,})\{?(?:code|chart|figure|tableofcontents|raw).*?^\1`*:*\s*$", "", text, flags=re.S | re.M)
    text = re.sub(r"^\s*(?::{3,}.*|`{3,}.*|:[\w-]+:.*|\(.*\)=|\{\.[\w .-]+\})$", "", text, flags=re.M)
    text = re.sub(r"^\s*\d+\.\s|CC BY 4\.0", "", text, flags=re.M)
    text = re.sub(r"`[^`]*`|<[^>]*>", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\s+", " ", text.replace("*", ""))


def strings(node):
    """Every text in a chart's specification, furniture left out."""
    if isinstance(node, str):
        yield node.strip()
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key not in ("usermeta", "title", "description"):
            yield from strings(value)


def labels(cells, spec):
    """Words that were typed in code and are drawn inside a chart; expressions do not count, nor labels whose only numbers are years: those name a row."""
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code" and "house.ledger(" not in "".join(cell["source"])]
    typed = {node.value.strip() for source in code for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    drawn = {text for text in strings(spec) if re.search(r"[a-z]{2} ", text) and not re.search(r"datum|width|[=<>?]| [*/] ", text)}
    year = (lambda number: number.step == "date" or number.text.lower() in numerals.UNCOUNTED or re.fullmatch(r"(1[89]|20)\d\d", number.text))
    return [text for text in map(plain, sorted(typed & drawn)) if not all(map(year, numerals.find(text)))]


def blocks(path):
    """(where, text) for every piece of prose of a notebook, chart furniture and typed labels included."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    count = {"code": 0, "markdown": 0}
    for cell in cells:
        count[cell["cell_type"]] += 1
        first = ("".join(cell["source"]).strip().splitlines() or [""])[0][:70]
        place = f"{'code' if cell['cell_type'] == 'code' else 'prose'} cell {count[cell['cell_type']]} ({first})"  # as 'make notebooks' names it
        if cell["cell_type"] == "markdown":
            yield place, plain("".join(cell["source"]))
        for output in cell.get("outputs", []):
            figure = output.get("data", {}).get(SPEC, {}).get("usermeta", {}).get("figure")
            for part in ("title", "subtitle", "alt", "note") if figure else ():
                yield f"{place}, {part} of chart {figure['id']}", plain(figure[part] or "")
            for text in labels(cells, output["data"][SPEC]) if figure else ():
                yield f"{place}, a label in chart {figure['id']}", text


def bindings(path):
    return [entry for cell in json.loads(path.read_text("utf-8"))["cells"] for output in cell.get("outputs", [])
            for entry in output.get("data", {}).get(LEDGER, [])]


def unbound(text, phrases):
    """Numbers of `text` that lie in no phrase of the ledger."""
    covered = [found.span() for phrase in phrases for found in re.finditer(rf"(?<!\w){re.escape(plain(phrase).strip())}(?!\w)", text)]
    return [number for number in numerals.find(text)
            if number.text.lower() not in numerals.UNCOUNTED and not any(start <= number.start and number.end <= end for start, end in covered)]


def near(text, number, phrases):
    """The bound phrase that is most like the words around a number, for a message: most likely it says the right number."""
    close = difflib.get_close_matches(text[max(0, number.start - 25):number.end + 25], phrases, 1, 0.5)
    return f"; bound is “{close[0]}”" if close else ""


def complain(path, found, phrases):
    lines = [f"  {where}: {number.text!r} in “…{text[max(0, number.start - 40):number.end + 30]}…”{near(text, number, phrases)}" for where, text, number in found]
    pytest.fail(f"{path.relative_to(ROOT)}: {len(lines)} numbers in no ledger phrase; bind them in a chapter's ledger cell, or reword:\n" + "\n".join(lines), pytrace=False)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_number_of_a_chapter_is_bound(path):
    phrases = [entry["phrase"] for entry in bindings(path)]
    found = [(where, text, number) for where, text in blocks(path) for number in unbound(text, phrases)]
    if found:
        complain(path, found, phrases)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_ledger_phrase_is_in_print(path):
    printed = [text for _, text in blocks(path)] + [plain(page.read_text("utf-8")) for page in PAGES]
    stray = [entry["phrase"] for entry in bindings(path) if not any(plain(entry["phrase"]).strip() in text for text in printed)]
    if stray:
        pytest.fail(f"{path.relative_to(ROOT)}, ledger cell: no page says {stray}; the prose was changed, or the phrase mistyped", pytrace=False)
    assert bindings(path), f"{path.relative_to(ROOT)} stores no ledger; add one as the last cell and run 'make notebooks'"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_number_of_a_page_is_bound_in_a_chapter(path):
    phrases = [entry["phrase"] for chapter in CHAPTERS for entry in bindings(chapter)]
    text = plain(path.read_text("utf-8"))
    found = [("page", text, number) for number in unbound(text, phrases)]
    if found:
        complain(path, found, phrases)


def test_stored_ledgers_still_agree():
    """The notebook checks this when it runs; here the stored values are read again, so that an edited output is seen."""
    for chapter in CHAPTERS:
        for entry in bindings(chapter):
            for number, value in zip(numerals.counted(entry["phrase"], len(entry["values"])), entry["values"], strict=True):
                assert numerals.agrees(number, value), f"{chapter.name}: {entry['phrase']!r} says {number.text}, its stored value is {value}"


def test_a_number_leads_to_a_row_that_holds_its_value():
    """As stored: else a link tells a reader that a row says what it does not say."""
    faults = []
    for chapter in CHAPTERS:
        for entry in bindings(chapter):
            table = package.tables(ROOT)[entry["table"]]
            for row, value in ((row, value) for row, value in zip(entry["rows"], entry["values"], strict=bool(entry["rows"])) if row):
                cells = [cell for cell in table.rows[table.places[row]].values() if cell] if row in table.places else []
                if not any(value == cell or len(cell) > 3 and value.startswith(cell) if isinstance(value, str) else re.fullmatch(r"-?\d+(\.\d+)?", cell) and abs(float(cell) - value) <= 5e-7 for cell in cells):
                    faults.append(f"{chapter.name}, ledger: {entry['phrase']!r}: row {row} of data/{entry['table']}.csv does not hold {value}")
    assert not faults, "run 'make notebooks', which stores the ledgers anew:\n  " + "\n  ".join(faults)


def test_the_ledger_reads_cells_and_names_what_is_wrong():
    def said(phrase, *places, table="meetings"):
        with pytest.raises(ValueError) as error:
            house.ledger({table: {phrase: list(places)}})
        return str(error.value)
    meetings = house.load("meetings").set_index("n")
    minutes, number = int(meetings.duration_min[8]), len(meetings)
    entry = house.ledger({"meetings": {f"{minutes} minutes in {meetings.date[10]:%B %Y}, of {number}": ["8/duration_min", "10/date", number]}}).entries[0]
    assert entry["rows"] == ["8", "10", ""] and entry["values"] == [meetings.duration_min[8], meetings.date[10].isoformat()[:10], number]
    assert f"says {minutes + 1}, the data say {minutes} (meetings, row 8)" in said(f"{minutes + 1} minutes", "8/duration_min")
    assert f"the data say {minutes} (meetings" in said("a third", minutes) and "the data say 26.6426 (" in said("27.5", 26.642575558475688) and "the data say 1234567.5 (" in said("2 million", 1234567.5)
    assert "says 1 May 2024, the data say " + entry["values"][1] + " (meetings, row 10)" in said("1 May 2024", "10/date")
    assert "no row '88'; did you mean '8'?" in said("20 minutes", "88/duration_min")
    assert "no column 'duration'; did you mean 'duration_min'?" in said("20 minutes", "8/duration")
    blank = next(row["n"] for row in package.tables(ROOT)["timeline"].rows if not row["note"])
    assert f"'{blank}/note', which is blank" in said("20 minutes", f"{blank}/note", table="timeline")
    assert "no primary key" in said("20 minutes", "8/duration_min", table="world_land")
    assert "no table called 'meetings/8'" in said("20 minutes", 20, table="meetings/8")


def test_cells_are_named_as_the_notebooks_command_names_them():
    import run_notebooks
    notebook = run_notebooks.read(CHAPTERS[1])
    named = [where for where, _ in blocks(CHAPTERS[1])]
    for n, cell in enumerate(notebook.cells):
        if any(SPEC in output.get("data", {}) for output in cell.get("outputs", [])):
            assert any(where.startswith(f"{run_notebooks.say_cell(notebook, n)}, title of chart ") for where in named), f"{run_notebooks.say_cell(notebook, n)} has another name in {named}"


MEASURES = {r"(?:won|₩)\b": r"\bwon\b|krw", r"(?:yen|¥)\b": r"\byen\b|jpy", r"(?:US )?dollars?\b": r"dollar|usd", r"(?:minutes?|hours?)\b": r"minutes?\b",
            r"(?:kilobytes?|kB)\b": r"kilobyte", r"(?:days?|weeks?|months?|years?)\b": r"\b(?:date|day|month|year|period)"}


def test_a_phrase_speaks_of_what_its_table_measures():
    """A number bound with the wrong unit: currencies, times and sizes in a phrase are those of the columns it comes from."""
    faults = []
    for chapter in CHAPTERS:
        for entry in bindings(chapter):
            table = package.tables(ROOT)[entry["table"]]
            known = [f"{field['name'].replace('_', ' ')} {field['type']} {field.get('unit', '')} {field['title']} {field['description']}" for field in table.fields]
            known += [row.get(column, "") for row in table.rows for column in ("unit", "currency")] + [text for row in table.rows if table.key(row) in entry["rows"] for text in row.values()]
            phrase = plain(entry["phrase"])
            for number in numerals.find(phrase):
                for words, columns in MEASURES.items():
                    after = re.match(rf"[\s-]?{words}", phrase[number.end:])
                    sign = phrase[number.start - 1:number.start] in ("$", "¥", "₩", "€") and re.fullmatch(words, {"$": "dollars"}.get(phrase[number.start - 1], phrase[number.start - 1]))
                    if (after or sign) and not re.search(columns, " ".join(known).lower()):
                        faults.append(f"{chapter.name}: {entry['phrase']!r}: no column of data/{entry['table']}.csv is in {(after or sign)[0].strip()}")
    assert not faults, "phrases whose unit their table does not have:\n  " + "\n  ".join(faults)


def test_circled_numbers_are_those_of_the_key_moments():
    """① to ⑩ stand beside the date of their moment, or among words of its label."""
    faults, moments = [], house.load("key_moments").set_index("id")
    for path in CHAPTERS + PAGES:
        for where, text in blocks(path) if path.suffix == ".ipynb" else [("page", plain(path.read_text("utf-8")))]:
            for found in re.finditer("[①-⑩](?! to ⑩)(?<!to ⑩)", text):
                moment, near = moments.loc[ord(found[0]) - ord("①") + 1], text[max(0, found.start() - 70):found.end() + 40].lower()
                dated = re.search(r"(?:(\w+) )?(\d{4}) \($", text[max(0, found.start() - 25):found.start()])
                words = {word[:5].lower() for word in re.findall(r"[A-Za-z]{5,}", f"{moment.label} {moment.sentence}")}
                if dated and (int(dated[2]) != moment.date.year or dated[1] in numerals._MONTHS and dated[1] != f"{moment.date:%B}") or not dated and str(moment.date.year) not in near and not any(word in near for word in words):
                    faults.append(f"{path.name}, {where}: {found[0]} is {moment.label}, {moment.date:%B %Y}; the text says “{near}”")
    assert not faults, "circled numbers beside something else:\n  " + "\n  ".join(faults)


@pytest.mark.parametrize(("text", "found"), {
    "Twelve of 1,990 and twenty-one, 3.5bn, −4": ["Twelve", "1,990", "twenty-one", "3.5bn", "−4"], "the twelfth, a 13th, the sixtieth": ["twelfth", "13th", "sixtieth"],
    "half, two-thirds, a sixth, ¾": ["half", "two-thirds", "a sixth", "¾"], "tenfold, twice, doubled, trebled, dozens of": ["tenfold", "twice", "doubled", "trebled", "dozens of"],
    "two in three, 2 to 5%, 2023–24": ["two", "three", "2", "5", "2023", "24"], "6 September 2024, March 2023, 2024-09-06": ["6 September 2024", "March 2023", "2024-09-06"],
    "the G7, K-ETA, a third country, a two-way street, the first": []}.items())
def test_numbers_are_found(text, found):
    assert [number.text for number in numerals.find(text)] == found


@pytest.mark.parametrize(("text", "fits", "fails"), [
    ("590", 590.4, 590.6), ("9.46 million", 9459711, 9465001), ("about 590", 594, 596), ("nearly 600", 590, 600), ("over 100", 104, 106), ("half", 0.505, 0.52), ("about half", 0.54, 0.56),
    ("twelfth", 12, 11), ("tenfold", 10.4, 10.6), ("a sixth", 1 / 6, 1 / 5), ("dozens of", 30, 12), ("hundreds of", 200, 100), ("March 2023", "2023-03-06", "2023-04-06"), ("2018", "2018-10-30", "2019-01-01")])
def test_the_rounding_rule(text, fits, fails):
    number, = numerals.find(text)
    assert numerals.agrees(number, fits) and not numerals.agrees(number, fails)
