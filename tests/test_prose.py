"""Every number that a reader meets, in prose, headlines, subtitles, notes and alternative texts, is bound to the data."""
import json
import re

import pytest

import house
import numerals
from common import ROOT  # noqa: F401  (the repository; puts chapters/ on the path)

LEDGER, SPEC = "application/vnd.ledger+json", "application/vnd.vegalite.v6+json"
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
PAGES = [page for page in [ROOT / "index.md", *sorted((ROOT / "chapters").glob("*.md"))] if page.exists() and page.stem not in ("data", "corrections", "glossary")]  # those three print tables, each row with its source


def plain(markdown):
    """Prose as a reader sees it: no front matter, code, addresses, labels, directive options or emphasis marks."""
    text = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.S)
    text = re.sub(r"^(`{3,}|:{3,})\{?(?:code|chart|figure|tableofcontents|raw).*?^\1`*:*\s*$", "", text, flags=re.S | re.M)
    text = re.sub(r"^\s*(?::{3,}.*|`{3,}.*|:[\w-]+:.*|\(.*\)=|\{\.[\w .-]+\})$", "", text, flags=re.M)
    text = re.sub(r"^\s*\d+\.\s|CC BY 4\.0", "", text, flags=re.M)
    text = re.sub(r"`[^`]*`|<[^>]*>", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\s+", " ", text.replace("*", ""))


def blocks(path):
    """(where, text) for every piece of prose of a notebook, chart furniture included."""
    for place, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"], 1):
        if cell["cell_type"] == "markdown":
            yield f"cell {place}", plain("".join(cell["source"]))
        for output in cell.get("outputs", []):
            figure = output.get("data", {}).get(SPEC, {}).get("usermeta", {}).get("figure")
            for part in ("title", "subtitle", "alt", "note") if figure else ():
                yield f"cell {place}, {part} of chart {figure['id']}", plain(figure[part] or "")


def bindings(path):
    return [entry for cell in json.loads(path.read_text("utf-8"))["cells"] for output in cell.get("outputs", [])
            for entry in output.get("data", {}).get(LEDGER, [])]


def moments():
    """The dates of key moments as prose may write them: day, month and year, or year alone."""
    for date in house.load("key_moments").date:
        yield from (date.strftime("%Y-%m-%d"), date.strftime("%Y-%m"), float(date.year))


def unbound(text, phrases, exempt):
    """Numbers of `text` that lie in no phrase of the ledger."""
    covered = [found.span() for phrase in phrases for found in re.finditer(rf"(?<!\w){re.escape(plain(phrase).strip())}(?!\w)", text)]
    return [number for number in numerals.find(text)
            if number.text.lower() not in numerals.UNCOUNTED and number.value not in exempt
            and not any(start <= number.start and number.end <= end for start, end in covered)]


def counted(entry):
    """The numbers of a phrase that a value is bound to."""
    numbers = list(numerals.find(entry["phrase"]))
    return numbers if len(numbers) == len(entry["values"]) else [n for n in numbers if n.text.lower() not in numerals.UNCOUNTED]


def complain(path, found):
    lines = [f"  {where}: {number.text!r} in “…{text[max(0, number.start - 40):number.end + 30]}…”" for where, text, number in found]
    pytest.fail(f"{path.relative_to(ROOT)}: {len(lines)} numbers in no ledger phrase; bind them in a chapter's ledger cell, or reword:\n" + "\n".join(lines), pytrace=False)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_number_of_a_chapter_is_bound(path):
    phrases, exempt = [entry["phrase"] for entry in bindings(path)], set(moments())
    found = [(where, text, number) for where, text in blocks(path) for number in unbound(text, phrases, exempt)]
    if found:
        complain(path, found)


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
    text, exempt = plain(path.read_text("utf-8")), set(moments())
    found = [("page", text, number) for number in unbound(text, phrases, exempt)]
    if found:
        complain(path, found)


def test_stored_ledgers_still_agree():
    """The notebook checks this when it runs; here the stored values are read again, so that an edited output is seen."""
    for chapter in CHAPTERS:
        for entry in bindings(chapter):
            for number, value in zip(counted(entry), entry["values"], strict=True):
                assert numerals.agrees(number, value), f"{chapter.name}: {entry['phrase']!r} says {number.text}, its stored value is {value}"
