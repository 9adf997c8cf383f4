"""The data dictionary, the table pages, the ledger in print, the corrections and their feed, and what is due."""
import copy
import gzip
import json
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document

from common import NOTEBOOKS, REPOSITORY, ROOT, SITE, run, soup

import dictionary
import house
import numerals
import package as make_data
import stale
from book.site import extension, feed, package, pages

TABLES = package.tables(ROOT)
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = '<script>alert("x")</script> & \'=1+1'
CORRECTION = {"id": "2026-12-01-1", "date": "2026-12-01", "table": "meetings", "row_key": "8", "column": "duration_min", "was": "30", "now": "20", "reason": HOSTILE,
              "source_url": "https://example.org/", "publisher": "Example", "confidence": "high", "note": ""}


def parsed(html):
    return BeautifulSoup(html, "html.parser")


# ---- generated pages -------------------------------------------------------------------------------------------

def test_generated_pages_are_fresh():
    for path, text in dictionary.render(ROOT).items():
        name = path.relative_to(ROOT)
        assert path.exists(), f"{name} is missing: 'make data' writes it"
        assert path.read_text("utf-8") == text, f"{name} is stale: data/ or a chart has changed since it was written; 'make data' writes it anew"


def test_the_dictionary_says_of_every_table_what_readers_need():
    index, *parts = (text for path, text in dictionary.render(ROOT).items() if path.stem.split("_")[0] == "data")
    for name, table in TABLES.items():
        assert index.count(f"`table-{name}`") == 1, f"chapters/data.md does not list the table {name}, or twice"
        block = "\n".join(parts).split(f"(table-{name})=\n")
        assert len(block) == 2, f"the data pages have {len(block) - 1} blocks for the table {name}, not one"
        block, entry = block[1].split("\n(table-")[0], table.entry
        for what, said in {"title": entry["title"], "row": entry["row"][1:], "coverage": entry["coverage"], "day of the check": package.day(entry["retrieved"]), "licence": entry["licenses"][0]["title"],
                           "first caveat": (entry["caveats"] or [""])[0], "reason for no download": entry.get("redistribute_note", "")}.items():
            assert dictionary.md(said) in block, f"data pages, {name}: its {what} is missing"
        assert ("**Beware:**" in block) == bool(entry["caveats"]), f"data pages, {name}: 'Beware:' with nothing after it, or a caveat without it"
        heads = re.findall(r"(?m)^\| (.*) \|$", block)[:1]
        bare = [field["title"] for field in table.fields if field.get("unit") and dictionary.md(field["title"]) in " | ".join(heads).split(" | ")]
        assert not bare, f"data pages, {name}: the heads of {bare} do not say their unit"
        assert f"](../data/{table.path.name})" in block, f"data pages, {name}: no link to the table"
        assert (f"[CSV](../data/{table.path.name})" in block or f"[JSON](../data/{table.path.name})" in block) == entry["redistribute"], f"data pages, {name}: a download is offered against its terms, or missing"
        for field in table.fields:
            assert f"`{field['name']}`" in block or field["name"] in dictionary.SOURCED, f"data pages, {name}: column {field['name']} is missing"


# ---- addresses -------------------------------------------------------------------------------------------------

def test_every_row_has_an_address_of_its_own():
    for name, table in TABLES.items():
        found = [table.address(key) for key in table.places]
        assert len(set(found)) == len(table.rows), f"data/{table.path.name}: two keys make one anchor; tell them apart by more than punctuation"
        sizes = [last - first for first, last in map(table.part, range(table.pages))]
        small = max(sizes) * len(table.fields) < package.CELLS + len(table.fields) or not table.entry["redistribute"]  # a closed table shows few of its rows
        assert sum(sizes) == len(table.rows) and small, f"{name}: pages of {sizes} rows"


def test_a_row_on_a_later_page_is_found_there():
    long = max(TABLES.values(), key=lambda table: len(table.rows))
    assert long.pages > 1
    last = list(long.places)[-1]
    assert long.address(last) == f"tables/{long.name}-{long.pages}.html#{package.anchor(last)}"
    assert long.address() == f"tables/{long.name}.html"
    with pytest.raises(ValueError, match="no row with the key 'nowhere'"):
        long.address("nowhere")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_ledger_entry_leads_to_a_table_or_row(path):
    for doc, entries in package.outputs(ROOT, package.LEDGER):
        for entry in entries if doc.endswith(path.stem) else ():
            assert entry["table"] in TABLES, f"{path.name}: {entry['phrase']!r} is bound to {entry['table']!r}, which is no table"
            lacking = {row for row in entry["rows"] if row} - set(TABLES[entry["table"]].places)
            assert not lacking, f"{path.name}: {entry['phrase']!r} is bound to rows {lacking}, which data/{entry['table']}.csv lacks"
            assert len(entry["rows"]) in (0, len(entry["values"])), f"{path.name}: {entry['phrase']!r} has {len(entry['values'])} values and {len(entry['rows'])} rows"


# ---- table pages -----------------------------------------------------------------------------------------------

@pytest.fixture
def hostile(tmp_path):
    """A table whose every word wants to be a script."""
    entry = json.loads(json.dumps(TABLES["corrections"].entry))
    entry |= {"title": HOSTILE, "row": HOSTILE, "description": HOSTILE, "coverage": HOSTILE, "caveats": [HOSTILE], "sources": [{"title": HOSTILE, "path": "javascript:alert(1)", "publisher": HOSTILE}]}
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("build"))
    table = package.Table(tmp_path, entry)
    table.rows = [{**CORRECTION, "note": HOSTILE, "source_url": "javascript:alert(1)", "publisher": HOSTILE, "confidence": "low"}]
    return table


def test_hostile_text_stays_text(hostile):
    shown = parsed(pages.table_page(hostile, 0, [("x", HOSTILE, "chapters/x")], lambda to: to, "", True, set()))
    assert not shown.find("script") and shown.get_text().count(HOSTILE) >= 8
    assert not [link["href"] for link in shown.find_all("a") if "javascript" in link["href"]]
    shown = parsed(pages.ledger([{"phrase": HOSTILE, "table": "meetings", "rows": [], "values": [HOSTILE]}], TABLES, lambda to: to))
    assert not shown.find("script") and shown.get_text().count(HOSTILE) == 2


def test_weak_rows_and_overdue_tables_are_marked(hostile):
    shown = parsed(pages.table_page(hostile, 0, [], lambda to: to, "", True, set()))
    assert [row["class"] for row in shown.select("tr[id]")] == [["weak"]] and "weak" in shown.select_one("tr[id] th").get_text() and "Overdue" in shown.get_text()
    hostile.rows[0]["confidence"] = "high"
    shown = parsed(pages.table_page(hostile, 0, [], lambda to: to, "", False, set()))
    assert not shown.select("tr.weak") and "Overdue" not in shown.get_text()


def test_a_closed_table_shows_the_rows_that_are_quoted_and_no_other():
    closed = next(table for table in TABLES.values() if not table.entry["redistribute"] and len(table.rows) > 2)
    key = closed.key(closed.rows[1])
    shown = parsed(pages.table_page(closed, 0, [], lambda to: to, "", False, {(closed.name, key): ()}))
    assert [row["id"] for row in shown.select("tr[id]")] == [package.anchor(key)]
    assert not parsed(pages.table_page(closed, 0, [], lambda to: to, "", False, set())).select("tr[id]")


def test_values_are_shown_as_they_are():
    number, text = {"name": "persons", "type": "integer"}, {"name": "place", "type": "string"}
    assert [parsed(pages.cell(number, value)).get_text() for value in ("1234567", "-1234567.50", "1998", "about")] == ["1,234,567", "−1,234,567.50", "1998", "about"]
    assert parsed(pages.cell({"name": "n", "type": "integer"}, "12345")).get_text() == "12345"
    assert [parsed(pages.cell(text, value)).get_text() for value in ("a;b", "")] == ["a; b", ""]
    assert [pages.shown(value) for value in (12.0, 0.491525, 1234567.0, -3.5, "2022-09-21", "2022-09")] == ["12", "0.4915", "1,234,567", "−3.5", "21 September 2022", "September 2022"]


# ---- numbers in prose ------------------------------------------------------------------------------------------

def bind(*content, ledger=("590 minutes of talks", "Seoul's 12 meetings"), rows=(), doc="chapters/x", path="chapters/x.ipynb", classes=()):
    """Links that the transform makes in a paragraph: [(text, address)]."""
    document = new_document("x", get_default_settings())
    box = nodes.container("", nodes.paragraph("", "", *content), classes=list(classes))
    document += box
    builder = SimpleNamespace(get_target_uri=lambda name: f"{name}.html")
    entries = [{"phrase": phrase, "table": "meetings", "rows": ["8"] * phrase.startswith("590") or rows, "values": [0] * len(list(numerals.find(phrase)))} for phrase in ledger]
    document.settings.env = SimpleNamespace(app=SimpleNamespace(srcdir=ROOT, builder=builder), docname=doc, doc2path=lambda name: path, book_ledgers=[("chapters/x", entries)])
    extension.Bind(document).run()
    return [(link.astext(), link["refuri"]) for link in document.findall(nodes.reference) if "bound" in link["classes"]]


def test_bound_phrases_become_links():
    assert bind(nodes.Text("In all 590 minutes\nof talks, and Seoul’s 12 meetings.")) == [("590", "../tables/meetings.html#row-8"), ("12", "../tables/meetings.html")]
    assert bind(nodes.Text("1590 minutes of talks"), nodes.Text(" or 590 minutes of talksome")) == []
    assert bind(nodes.strong("", "590"), nodes.Text(" minutes of talks")) == [("590", "../tables/meetings.html#row-8")]
    assert bind(nodes.Text("Seoul's 12 "), nodes.emphasis("", "meetings")) == [("12", "../tables/meetings.html")]
    each = [("30", "../tables/meetings.html#row-1"), ("12", "../tables/meetings.html"), ("45", "../tables/meetings.html#row-2")]
    assert bind(nodes.Text("30 minutes, of 12 meetings, and "), nodes.strong("", "45"), ledger=["30 minutes, of 12 meetings, and 45"], rows=["1", "", "2"]) == each
    assert bind(nodes.strong("", "12"), nodes.Text(" or "), nodes.strong("", "12"), ledger=["12 or 12"], rows=["1", "2"]) == [("12", "../tables/meetings.html#row-1"), ("12", "../tables/meetings.html#row-2")]


def test_bound_phrases_stay_plain_where_a_link_would_break_something():
    assert bind(nodes.reference("", "590 minutes of talks", refuri="x")) == []
    assert bind(nodes.literal("", "590 minutes of talks")) == []
    assert bind(nodes.Text("590 minutes of talks"), classes=["chapter-cards"]) == []
    assert bind(nodes.Text("590 minutes of talks"), classes=["in-short"]) == []
    assert bind(nodes.strong("", "590"), nodes.Text(" minutes of talks"), classes=["in-short"]) == [("590", "../tables/meetings.html#row-8")]


def test_a_page_without_a_kernel_uses_every_ledger_and_a_chapter_its_own():
    assert bind(nodes.Text("590 minutes of talks"), doc="index", path="index.md") == [("590", "tables/meetings.html#row-8")]
    assert bind(nodes.Text("590 minutes of talks"), doc="chapters/y", path="chapters/y.ipynb") == []
    assert bind(nodes.Text("590 minutes of talks"), doc="chapters/data", path="chapters/data.md") == []


# ---- corrections -----------------------------------------------------------------------------------------------

def test_the_feed_is_atom_with_and_without_an_address():
    later = {**CORRECTION, "id": "2026-12-05-1", "date": "2026-12-05", "row_key": "9"}
    for site in ("", "https://example.org/book/"):
        tree = ET.fromstring(feed.atom("A & B", "Us", [CORRECTION, later], "2026-11-23", site))
        entries = tree.findall(f"{ATOM}entry")
        assert [entry.findtext(f"{ATOM}updated") for entry in entries] == ["2026-12-05T00:00:00Z", "2026-12-01T00:00:00Z"] and tree.findtext(f"{ATOM}updated") == "2026-12-05T00:00:00Z"
        assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", node.text) for node in tree.iter(f"{ATOM}id")) and len({node.text for node in tree.iter(f"{ATOM}id")}) == 3
        assert HOSTILE in entries[1].findtext(f"{ATOM}content") and not list(entries[1].find(f"{ATOM}content"))
        links = [link.get("href") for link in tree.iter(f"{ATOM}link")]
        assert links == ([f"https://example.org/book/{page}" for page in ("corrections.xml", "chapters/corrections.html", "chapters/corrections.html#correction-2026-12-05-1", "chapters/corrections.html#correction-2026-12-01-1")] if site else [])
    assert ET.fromstring(feed.atom("A", "Us", [], "2026-11-23")).findtext(f"{ATOM}updated") == "2026-11-23T00:00:00Z"
    assert "urn:uuid:e117dc3d-ed62-50d3-8cf8-4e72f1ad88c6" in feed.atom("A", "Us", [], "2026-11-23"), "the feed's id must never change: readers would get every entry again"


def test_corrections_are_what_the_tables_say_now():
    newest = {(row["table"], row["row_key"], row["column"]): row for row in sorted(TABLES["corrections"].rows, key=package.in_order)}
    for (name, key, column), row in newest.items():
        place = f"data/corrections.csv, {row['id']}"
        assert name in TABLES, f"{place}: there is no table {name!r}"
        if column == "row":
            assert (key in TABLES[name].places) == bool(row["now"]), f"{place}: the row {key!r} of data/{name}.csv is not as it says"
            continue
        assert key in TABLES[name].places, f"{place}: data/{name}.csv has no row {key!r}"
        now = TABLES[name].rows[TABLES[name].places[key]].get(column)
        assert now == row["now"], f"{place}: data/{name}.csv, row {key}, column {column} is {now!r}, not {row['now']!r}"


def only(root, *lines):
    """Have the copy's corrections.csv hold these lines and none of the live ones, which may have the same ids."""
    file = root / "data/corrections.csv"
    file.write_text(file.read_text("utf-8").partition("\n")[0] + "\n" + "".join(f"{line},It was misread.,https://example.org/,Example,high,\n" for line in lines), "utf-8")


#: The cell that these tests correct, as it is and as they would have it.
WAS = TABLES["meetings"].rows[7]["duration_min"]
NOW = str(int(WAS) + 5)


@pytest.fixture
def corrected(tmp_path):
    """A copy of the project, and a way to write lines into its corrections.csv and run `make data`: corrected(*lines) -> (exit code, what it says)."""
    for name in ("data", "chapters", "book"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "_toc.yml", tmp_path)

    def correct(*lines):
        if lines:
            only(tmp_path, *lines)
        return run(sys.executable, "book/tools/package.py", cwd=tmp_path)
    return tmp_path, correct


@pytest.mark.slow
def test_one_line_corrects_a_value_everywhere(corrected):
    """The table, its hash, what is worked out from it, the corrections page and the feed; an edit by hand beside it is renewed too. A second run changes nothing, and the chapters name what is no longer true."""
    root, correct = corrected
    made = root / "data/pair_totals.csv"
    made.write_bytes(made.read_bytes().replace(b"complete", b"partial", 1))
    edited = root / "data/glossary.csv"
    edited.write_bytes(edited.read_bytes().replace(b"Prime minister of Japan from", b"A prime minister of Japan from", 1))
    before = package.tables(root)["meetings"].entry["hash"]
    code, said = correct(f"2026-12-01-1,2026-12-01,meetings,8,duration_min,{WAS},{NOW}")
    assert code == 0 and "data/meetings.csv: corrected" in said and re.search(r"hash renewed: .*glossary.*meetings.*Run 'make notebooks' next", said), said
    assert re.findall("(?m)^  data/.*(?:rebuilt|build).*", said) == ["  data/pair_totals.csv: rebuilt by data/build/pair_totals.py; an edit made by hand is gone"] and made.read_bytes() == (ROOT / "data/pair_totals.csv").read_bytes(), said
    found = package.tables(root)
    assert found["meetings"].rows == [{**row, "duration_min": NOW} if row["n"] == "8" else row for row in TABLES["meetings"].rows]
    assert found["meetings"].entry["hash"] != before and found["corrections"].entry["retrieved"] == max("2026-12-01", TABLES["corrections"].entry["retrieved"])
    code, said = run(sys.executable, "book/tools/dictionary.py", cwd=root)
    page = (root / "chapters/corrections.md").read_text("utf-8")
    assert code == 0 and "(correction-2026-12-01-1)=\n## 1 December 2026: meetings" in page and f"{WAS} became **{NOW}**" in page and "No correction" not in page
    assert f"row 8, duration_min: {WAS} became {NOW}." in feed.atom("A", "Us", found["corrections"].rows, "")
    code, said = correct()
    assert code == 0 and "no hash changed. After an edit of a title, source or day in data/datapackage.json run 'make notebooks'" in said and "corrected" not in said and "rebuilt" not in said, said
    code, said = run(sys.executable, "book/tools/run_notebooks.py", "chapters/02_twelve_meetings.ipynb", cwd=root)
    total = sum(int(row["duration_min"]) for row in TABLES["meetings"].rows)
    assert code == 1 and "the prose no longer agrees with the data" in said and re.search(rf"'{total}[^']*' says {total}, the data say {total + 5}", said), said


@pytest.mark.slow
def test_with_a_correction_made_the_tests_of_corrections_still_pass(corrected):
    """Else nobody could make the first one: what the tests put into their copies must not clash with what is live."""
    root, correct = corrected
    shutil.copytree(ROOT / "tests", root / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    code, said = correct(f"2026-12-01-1,2026-12-01,meetings,8,duration_min,{WAS},{NOW}")
    assert code == 0, said
    code, said = run(sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", "--rootdir=.", "-q", "-m", "not slow", "-k", "refused and old or reads_cells", *(f"tests/test_{name}.py" for name in ("dictionary", "bad_data", "prose")), cwd=root)
    assert code == 0, said


UNFIT = {
    "meetings,8,duration_min,999,998": ["2026-12-01-1", "data/meetings.csv, row 8", "duration_min", "neither '999' nor '998'"],
    "meeting,8,duration_min,30,20": ["there is no table 'meeting'; did you mean 'meetings'?"],
    "weather,8,duration_min,30,20": ["there is no table 'weather'; the names are in data/datapackage.json"],
    "meetings,88,duration_min,30,20": ["data/meetings.csv has no row '88'; did you mean '8'?"],
    "meetings,north,duration_min,30,20": ["data/meetings.csv has no row 'north'; a row is named by its n"],
    "meetings,8,duration,30,20": ["data/meetings.csv has no column 'duration'; did you mean 'duration_min'?"],
    "meetings,8,duration_min,20,20": ["2026-12-01-1: was and now are both '20'; say the value as it was"],
    "leader_meetings,2024-09-06-kishida-yoon,id,a,b": ["part of the key of leader_meetings", "by hand", "'row'"],
    "trade,2020,total_usd_mn,1,2": ["data/build/trade.py", "correct the table that it reads"]}


@pytest.mark.parametrize(("line", "words"), UNFIT.items(), ids=["old value", "table", "far from any table", "row", "far from any row", "column", "no change", "key", "constructed"])
def test_a_correction_that_does_not_fit_is_refused(tmp_path, monkeypatch, line, words):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.setattr(house, "DATA", tmp_path / "data")
    only(tmp_path, f"2026-12-01-1,2026-12-01,{line}")
    with pytest.raises(ValueError) as caught:
        make_data.correct(tmp_path)
    assert all(word in str(caught.value) for word in words), caught.value


def test_corrections_of_one_value_follow_each_other(tmp_path, monkeypatch):
    """There and back again, and on: the newest holds, whether or not the older ones were put in place before."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.setattr(house, "DATA", tmp_path / "data")
    lines = []
    for number, (old, new) in enumerate([(WAS, NOW), (NOW, WAS), (WAS, NOW + "0")], 8):  # the tenth comes after the ninth
        lines.append(f"2026-12-01-{number},2026-12-01,meetings,8,duration_min,{old},{new}")
        only(tmp_path, *lines)
        if number != 9:
            make_data.correct(tmp_path)
            assert package.tables(tmp_path)["meetings"].rows[7]["duration_min"] == new


@pytest.mark.slow
def test_a_correction_that_breaks_a_rule_changes_nothing(corrected):
    root, correct = corrected
    before = {path.name: path.read_bytes() for path in (root / "data").glob("*.*") if path.name != "corrections.csv"}
    code, said = correct(f"2026-12-01-1,2026-12-01,meetings,8,duration_min,{WAS},-5")
    assert code == 1 and all(word in said for word in ["data/meetings.csv, row 8, column duration_min", "'-5'", "minimum", "data/corrections.csv, 2026-12-01-1 would have it so", "data/ was left as it was"]) and "Traceback" not in said and ": corrected" not in said, said
    assert {path.name: path.read_bytes() for path in (root / "data").glob("*.*") if path.name != "corrections.csv"} == before


def test_make_data_refuses_what_a_spreadsheet_would_run(tmp_path):
    for cell in ("=1+1", "@SUM(A1)", "-1+1", "+cmd", "-3.5", "+4", "plain"):
        (tmp_path / "x.csv").write_text(f"a,b\n1,{cell}\n", encoding="utf-8")
        entry = {"name": "x", "path": "x.csv", "schema": {}}
        if cell in ("-3.5", "+4", "plain"):
            assert make_data.stamp(tmp_path, entry)["rows"] == 1
            continue
        with pytest.raises(ValueError, match="data/x.csv, row 1, column b: .* would run as a formula"):
            make_data.stamp(tmp_path, entry)


# ---- what is due -----------------------------------------------------------------------------------------------

def test_due_tables_are_listed(monkeypatch):
    first = min((table for table in TABLES.values() if table.entry["due"]), key=lambda table: table.entry["due"])
    assert package.overdue(TABLES.values(), first.entry["due"]) == []
    late = package.overdue(TABLES.values(), "2099-01-01")
    assert late[0].entry["due"] == first.entry["due"] and {table.name for table in late} == {name for name, table in TABLES.items() if table.entry["due"]}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795000000")
    assert package.today(ROOT) == "2026-11-18"
    code, said = run(sys.executable, "book/tools/stale.py", "2099-01-01")
    assert code == 0 and all(f"{table.name}: checked {table.entry['retrieved']}, due {table.entry['due']}" in said for table in late) and "set retrieved and due in data/datapackage.json; then 'make data' and 'make notebooks'" in said, said
    code, said = run(sys.executable, "book/tools/stale.py")
    assert code == 0 and "No table is due on 2026-11-18" in said, said
    code, said = run(sys.executable, "book/tools/stale.py", "soon")
    assert code == 1 and "'soon' is not a day" in said, said


@pytest.mark.parametrize(("field", "value", "words"), [
    ("due", "2026-6-1", "due is '2026-6-1', which is no day"), ("due", "20260601", "no day"), ("due", "2027-02-29", "no day"), ("due", ..., "due is missing"), ("retrieved", None, "retrieved is None, which is no day"),
    ("retrieved", 2026, "no day"), ("retrieved", ..., "retrieved is missing"), ("sources", [], "sources is missing or empty"), ("sources", ..., "sources is missing"), ("sources", [{"title": ""}], "has no title")])
def test_a_table_that_does_not_say_when_it_is_due_is_named(tmp_path, monkeypatch, field, value, words):
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("*.csv"))
    written = json.loads((tmp_path / "data/datapackage.json").read_text("utf-8"))
    entry = next(entry for entry in written["resources"] if entry["due"])
    entry[field] = value
    if value is ...:
        del entry[field]
    (tmp_path / "data/datapackage.json").write_text(json.dumps(written), "utf-8")
    monkeypatch.setattr(stale, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["stale.py", "2099-01-01"])
    with pytest.raises(SystemExit) as caught:
        stale.main()
    assert words in (said := str(caught.value)) and said.startswith(f"data/datapackage.json, table {entry['name']}: {field} ") and "\n" not in said, said


# ---- the built book --------------------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_has_its_page(book, table):
    uses, seen, weak = package.charts(ROOT, {path.relative_to(book).as_posix().removesuffix(".html") for path in book.glob("chapters/*.html")}), [], 0
    for page in range(table.pages):
        raw = (book / f"{table.page(page)}.html").read_bytes()
        assert len(gzip.compress(raw, 9)) < 30_000, f"{table.page(page)}.html weighs {len(gzip.compress(raw, 9))} bytes gzipped"
        tree = soup(book / f"{table.page(page)}.html")
        seen += [row["id"] for row in tree.select("tr[id]")]
        weak += len(tree.select("tr[id].weak"))
        if page == 0:
            text = re.sub(r"\s+", " ", tree.get_text(" "))
            for said in (table.entry["title"], table.entry["description"], table.entry["coverage"], *table.entry["caveats"], package.day(table.entry["retrieved"]), table.entry.get("redistribute_note", "")):
                assert re.sub(r"\s+", " ", said) in text, f"tables/{table.name}.html does not say {said!r}"
            links = {link["href"] for link in tree.find_all("a", href=True)}
            assert {source["path"] for source in table.entry["sources"] if source.get("path")} <= links
            assert {f"../{doc}.html#fig-{id}" for id, _, doc in uses.get(table.name, [])} <= links, f"tables/{table.name}.html lacks a chart that draws on it"
            assert (f"../data/{table.path.name}" in links) == table.entry["redistribute"]
    if table.entry["redistribute"]:
        assert seen == [package.anchor(key) for key in table.places] and weak == sum(map(package.weak, table.rows))
    else:
        quoted = {package.anchor(row) for _, entries in package.outputs(ROOT, package.LEDGER) for entry in entries if entry["table"] == table.name for row in entry["rows"]}
        assert set(seen) <= quoted, f"tables/{table.name}.html shows rows that no chapter quotes, against the table's terms"
    file = book / "data" / table.path.name
    assert file.exists() == table.entry["redistribute"], f"{table.path.name} is offered against its terms, or missing"
    assert not file.exists() or file.read_bytes() == table.path.read_bytes()


@pytest.mark.slow
def test_the_descriptor_offered_describes_the_files_offered(book):
    described = {entry["path"] for entry in json.loads((book / "data/datapackage.json").read_text("utf-8"))["resources"]}
    assert described == {path.name for path in (book / "data").iterdir()} - {"datapackage.json"}
    led = {(page.parent / link["href"]).resolve() for page in book.rglob("*.html") for link in soup(page).select("a[href$='datapackage.json']") if "://" not in link["href"]}
    files = {link["href"]: link.get("aria-label", "") for page in (book / "chapters").glob("data_*.html") for link in soup(page).find_all("a", string=["CSV", "JSON"])}
    assert len(set(files.values())) == len(files) >= 40 and all(re.match("(CSV|JSON) of .", name) for name in files.values()), f"links to files are called {files}"
    assert led == {(book / "data/datapackage.json").resolve()}, f"links to the descriptor lead to {led}: another copy of it stands beside no file and names tables that are not offered"


@pytest.mark.slow
def test_chapters_print_their_ledger_and_link_their_numbers(book):
    for doc, entries in package.outputs(ROOT, package.LEDGER):
        page = book / f"{doc}.html"
        if not page.exists():
            continue
        tree = soup(page)
        printed = [row.th.get_text() for row in tree.select("details.ledger tbody tr")]
        assert printed == [entry["phrase"] for entry in entries], f"{doc}: the ledger in print is not the stored one"
        bound = tree.select("main a.bound")
        assert len(bound) >= 5, f"{doc}: only {len(bound)} numbers of the prose lead to their table"
        assert all(link.get("title", "").startswith("From the table") and not link.find_parents("a") for link in bound)


@pytest.mark.slow
def test_the_first_use_of_a_term_in_a_chapter_leads_to_the_glossary(book):
    """Once a chapter, where its prose first has the term; to the entry of that name, which is no person's; never from a heading, a figure or a table."""
    bare = (lambda text: re.sub(r"\s+", " ", extension.fold(text)).strip("'\"").casefold())
    entries = {f"glossary.html#{name['id']}": {bare(part) for part in [*re.split(r" \(|; |\)", name.get_text()), *(also.get_text() for also in name.parent.select("em"))]} for name in soup(book / "chapters/glossary.html").select("dt [id]")}
    people = {f"glossary.html#term-{row['id']}" for row in TABLES["glossary"].rows if row["kind"] == "person"}
    chapters, faults = {path.stem: copy.copy(soup(path).main) for path in sorted(book.glob("chapters/[0-9]*.html"))}, []
    linked = {(bare(link.get_text()), link["href"]) for main in chapters.values() for link in main.select("a.term")}
    faults += [f"{words!r} leads to {to}, which is not its entry" for words, to in linked if not {words, words.removesuffix("s")} & entries.get(to, set())]
    faults += [f"{words!r} is a person" for words, to in linked if to in people]
    for page, main in chapters.items():
        links = main.select("a.term")
        faults += [f"{page}: {link.get_text()!r} is linked outside the prose" for link in links if not link.find_parent("p") or link.find_parent(["h1", "h2", "h3", "h4", "figure", "table", "details", "pre", "code"])]
        for node in main.select("figure, details, table, nav, pre, code, .in-short, .run, a:not(.term)"):
            node.decompose()
        for link in links:
            link.string = f"[{link.get_text()}]"
        prose = re.sub(r"\s+", " ", extension.fold(" ".join(paragraph.get_text() for paragraph in main.find_all("p")))).casefold()
        for to in {to for _, to in linked}:
            names = "|".join(re.escape(words) for words, other in linked if other == to)
            uses = [use[1] for use in re.finditer(rf"(?<!\w)(\[?)['\"]?(?:{names})(?!\w)", prose)]
            if uses != ["["] * (len(uses) > 0) + [""] * (len(uses) - 1) or [link["href"] for link in links].count(to) != bool(uses):
                faults.append(f"{page}: of {len(uses)} uses of {names}, those with a link are {[n for n, use in enumerate(uses, 1) if use]}, not the first alone")
    assert len(linked) >= 15 and not faults, f"{len(linked)} terms are linked; {len(faults)} faults:\n  " + "\n  ".join(faults)


@pytest.mark.slow
def test_the_book_says_how_to_cite_it_and_where_to_report_an_error(book, published):
    """As CITATION.cff has it; with addresses where the book knows its own, and saying so where it does not."""
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    day = re.search(r"The data are as of (\d+ \w+ \d{4})", (ROOT / "index.md").read_text("utf-8"))[1]
    line = f"{said['authors'][0]['name']} ({said['date-released'][:4]}). {said['title']}. Version {said['version']}, data as of {day}."
    for folder, site, home in ((book, "", ""), (published, f" {SITE}", REPOSITORY)):
        about, corrections = soup(folder / "chapters/about.html").main, soup(folder / "chapters/corrections.html").main
        assert about.select_one("blockquote .citation").get_text() == line + site
        assert [link["href"] for link in about.find_all("a", string="the repository")] == [home] * bool(home)
        for page in (about, corrections):
            text = re.sub(r"\s+", " ", page.get_text())
            assert [link["href"] for link in page.select("a[href$='/issues']")] == [f"{home}/issues"] * bool(home)
            assert ("To report an error, open one of the repository’s issues" if home else "built without the address of its repository") in text and "puts the new value" not in text


@pytest.mark.slow
def test_the_feed_is_in_the_book(book):
    tree = ET.parse(book / "corrections.xml").getroot()
    assert len(tree.findall(f"{ATOM}entry")) == len(TABLES["corrections"].rows)
    for page, link in (("index.html", "corrections.xml"), ("chapters/corrections.html", "../corrections.xml")):
        found = soup(book / page).select_one("link[rel=alternate][type='application/atom+xml']")
        assert found and found["href"] == link, f"{page} does not announce the feed"
