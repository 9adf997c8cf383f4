"""Every table against data/datapackage.json: what it declares, what its sources and keys say, what its bytes are."""
import csv
import hashlib
import json
import re
import shutil
import sys
from datetime import datetime

import pytest
from frictionless import Package

import house
from book.site.package import KINDS
from common import ROOT, package, run

DATA = ROOT / "data"
FILES = {entry["name"]: entry for entry in package()["resources"]}
TABLES = {name: entry for name, entry in FILES.items() if "schema" in entry}
EVERY = pytest.mark.parametrize("entry", TABLES.values(), ids=TABLES)
EVERY_FILE = pytest.mark.parametrize("entry", FILES.values(), ids=FILES)
ABOUT = ["name", "path", "scheme", "format", "mediatype", "encoding", "title", "row", "description", "class", "coverage", "caveats",
         "chapters", "redistribute", "retrieved", "due", "sources", "licenses", "hash", "bytes"]


def rows(entry):
    """Rows of a table as dicts of text, numbered from 1 as messages count them."""
    with (DATA / entry["path"]).open(encoding="utf-8", newline="") as file:
        return list(enumerate(csv.DictReader(file), 1))


def test_package_is_valid_and_foreign_keys_hold():
    report = Package(str(DATA / "datapackage.json")).validate()
    faults = [error.message for error in report.errors]
    faults += [f"data/{task.place}: {error.message}" for task in report.tasks for error in task.errors]
    assert not faults, "frictionless finds faults:\n  " + "\n  ".join(faults[:20])


def test_every_table_is_described_and_every_description_has_its_table():
    described = {entry["path"] for entry in FILES.values()}
    there = {path.name for path in DATA.iterdir() if path.suffix in (".csv", ".json", ".geojson") and path.name != "datapackage.json"}
    assert described == there, (f"not in data/datapackage.json: {sorted(there - described)}; described but not in data/: "
                                f"{sorted(described - there)}. Describe or remove them, then 'make data'")
    assert len(FILES) == len(package()["resources"]), "two tables in data/datapackage.json have one name"


UNITS = {  # what a column's name says of its unit; a count has a noun, which its name holds or leaves open
    r"_min$": "minutes", r"_pct(_gdp)?$": "per ?cent", r"_usd_mn$": "million US dollars", r"_usd_bn$": "billion US dollars", r"_jpy_bn$": "billion yen", r"_krw$": "won",
    r"_jpy(_stated)?$": "yen", r"jpy_per_usd$": "yen per US dollar", r"krw_per_usd$": "won per US dollar", r"krw_per_100jpy$": "won per 100 yen", r"^per_usd$": "per US dollar",
    r"_per_100_jpn$": "per cent of Japan", r"^amount$": "see currency", r"_kb$": "kilobytes", r"_s$": "seconds", r"_ms$": "milliseconds", r"_px$": "pixels", r"_days$": "days", r"_age$": "years",
    r"^latitude$": "degrees north", r"^longitude$": "degrees east", r"^months_": "months", r"events": "events", r"tests": "tests", r"votes": "roll calls", r"organisations": "organisations",
    r"missiles|^(outcome|type)_|^after_memorandum": "missiles", "": "people|persons|victims"}


@EVERY
def test_units_are_those_that_the_columns_name(entry):
    for field in entry["schema"]["fields"]:
        named = next(unit for name, unit in UNITS.items() if re.search(name, field["name"]))
        assert "unit" not in field or re.fullmatch(named, field["unit"]), f"data/datapackage.json, table {entry['name']}, column {field['name']}: unit {field['unit']!r}, its name says {named!r}"
        assert "unit" in field or named == "people|persons|victims" or field["type"] not in ("integer", "number"), f"data/datapackage.json, table {entry['name']}, column {field['name']}: no unit, its name says {named!r}"


@EVERY_FILE
def test_descriptor_says_what_readers_need(entry):
    place = f"data/datapackage.json, table {entry['name']}"
    missing = [key for key in ABOUT + ["type", "rows"] * ("schema" in entry) if key not in entry]
    assert not missing, f"{place}: {', '.join(missing)} missing"
    assert entry["class"] in KINDS, f"{place}: class {entry['class']!r} is not one of {', '.join(KINDS)}"
    assert entry["class"] == "record" or {source["publisher"] for source in entry["sources"]} != {"A New Chapter contributors"} or "source_url" in {field["name"] for field in entry["schema"]["fields"]}, f"{place}: its only source is this book, so its class is record"
    assert entry["class"] != "constructed" or entry.get("built_by"), f"{place}: a constructed table names its script in built_by"
    assert entry["redistribute"] or entry.get("redistribute_note"), f"{place}: redistribute is false, so redistribute_note says why"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["retrieved"]), f"{place}: retrieved is not a day, YYYY-MM-DD"
    assert entry["due"] is None or entry["due"] > entry["retrieved"], f"{place}: due is not after retrieved"
    assert entry["sources"] and all(source.get("title") and source.get("publisher") for source in entry["sources"]), f"{place}: a source lacks title or publisher"
    assert all(source["path"].startswith("http") for source in entry["sources"] if source.get("path")), f"{place}: a source's path is not a web address"
    assert all(license.get("checked") and license.get("how") for license in entry["licenses"]), f"{place}: a licence lacks checked (date) or how"
    assert entry["format"] != "csv" or entry.get("schema", {}).get("primaryKey"), f"{place}: no schema with a primaryKey"
    for field in entry.get("schema", {}).get("fields", []):
        assert field.get("title") and field.get("description"), f"{place}, column {field['name']}: no title or description"
        assert re.fullmatch(r"[a-z][a-z0-9_]*", field["name"]), f"{place}, column {field['name']}: not snake_case"


def test_the_day_on_which_a_record_ends_is_that_of_its_last_row():
    """Where coverage or a caveat names it."""
    for entry in TABLES.values():
        for day in re.findall(r"(?:record ends on|^Nothing later than) (\d+ [A-Z][a-z]+ \d{4})", "\n".join([entry["coverage"], *entry["caveats"]]), re.M):
            last = max(row["date"] for _, row in rows(entry))
            assert datetime.strptime(day, "%d %B %Y").date().isoformat() == last, f"data/datapackage.json, table {entry['name']}: coverage or caveats say {day}, the last row is of {last}"


@EVERY_FILE
def test_bytes_are_those_described(entry):
    raw = (DATA / entry["path"]).read_bytes()
    now = {"hash": f"sha256:{hashlib.sha256(raw).hexdigest()}", "bytes": len(raw)}
    now |= {"rows": len(rows(entry))} if "schema" in entry else {}
    said = {key: entry.get(key) for key in now}
    assert now == said, f"data/{entry['path']} is not the file that data/datapackage.json describes ({said} there, {now} here): 'make data' checks the edit and renews it"


@EVERY
def test_file_is_plain(entry):
    raw, place = (DATA / entry["path"]).read_bytes(), f"data/{entry['path']}"
    assert b"\r" not in raw, f"{place}: carriage returns; use LF line ends"
    assert not raw.startswith(b"\xef\xbb\xbf"), f"{place}: byte order mark; save as plain UTF-8"
    assert raw.endswith(b"\n") and not raw.endswith(b"\n\n"), f"{place}: end the file with one line end"
    for number, row in rows(entry):
        for column, cell in row.items():
            where = f"{place}, row {number}, column {column}: {cell!r}"
            assert not re.match(r"[=@\t]|[+-](?![\d.])", cell), f"{where} would run as a formula in a spreadsheet; reword it"
            assert cell == cell.strip(), f"{where} has blanks at its ends"
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\ufeff]", cell), f"{where} holds invisible characters"


@EVERY
def test_loads_as_the_chapters_load_it(entry):
    table = house.load(entry["name"])
    assert len(table) == entry["rows"], f"data/{entry['path']}: {len(table)} rows load, data/datapackage.json says {entry['rows']}; 'make data' counts again"
    wanted = [field["name"] for field in entry["schema"]["fields"]]
    assert list(table.columns) == wanted, f"house.load({entry['name']!r}) gives the columns {list(table.columns)}, data/datapackage.json lists {wanted}"


@EVERY
def test_rows_carry_their_sources(entry):
    fields = {field["name"]: field for field in entry["schema"]["fields"]}
    place = f"data/{entry['path']}"
    if entry["class"] == "curated" and entry["name"] != "countries":
        lacking = {"source_url", "publisher", "confidence", "note"} - set(fields)
        assert not lacking, f"{place}: a curated table has the columns {', '.join(sorted(lacking))}"
        assert fields["confidence"].get("constraints", {}).get("enum") == ["high", "medium", "low"], f"{place}: confidence has the enum high, medium, low"
    for number, row in rows(entry):
        for column in ("source_url", "publisher", "confidence"):
            if column in row and (column == "source_url" or entry["class"] == "curated"):
                assert row[column], f"{place}, row {number}, column {column}: empty; every row says where it comes from"
        for column in ("source_url", "source_url_2"):
            if row.get(column):
                assert re.fullmatch(r"https?://[a-z0-9.-]+\.[a-z]{2,}(:\d+)?(/[^\s<>\"]*)?", row[column]), f"{place}, row {number}, column {column}: {row[column]!r} is not a public web address"
        if row.get("source_url_2") or row.get("publisher_2"):
            assert row.get("publisher_2"), f"{place}, row {number}: source_url_2 without publisher_2"


@EVERY
def test_dates_do_not_lie_after_the_day_of_retrieval(entry):
    for field in entry["schema"]["fields"]:
        if field["type"] in ("date", "yearmonth", "year") and not re.search(r"due|planned|deadline|expires|until|checked|end", field["name"]):
            for number, row in rows(entry):
                value = row[field["name"]]
                assert value <= entry["retrieved"][:len(value)], (f"data/{entry['path']}, row {number}, column {field['name']}: {value} "
                                                                  f"lies after {entry['retrieved']}, the day the table was retrieved")


@EVERY
def test_countries_and_leaders_are_the_books_own(entry):
    """A column that holds countries or leaders refers to the one list of them."""
    linked = {name for link in entry["schema"].get("foreignKeys", []) for name in link["fields"]}
    for field in entry["schema"]["fields"]:
        name = field["name"]
        if field["type"] == "string" and re.fullmatch(r"(.*_)?country|(jp|kr)_leader", name):
            assert name in linked or "enum" in field.get("constraints", {}), f"data/datapackage.json, table {entry['name']}, column {name}: give it a foreignKey to countries.code or leaders.name"


def test_countries_agree_with_cities_and_ids():
    """A city lies in one country, whichever table names it; an id that names a country (asahi-2010-jpn) belongs to a row of it."""
    faults, where = [], {}
    for entry in TABLES.values():
        if "country" in {field["name"] for field in entry["schema"]["fields"]}:
            for number, row in rows(entry):
                place = f"data/{entry['path']}, row {number}"
                if row.get("city"):
                    country, first = where.setdefault(row["city"], (row["country"], place))
                    faults += [f"{place}: {row['city']} lies in {row['country']}, but in {country} in {first}"] * (row["country"] != country)
                named = set(row.get("id", "").lower().split("-")) & {"jpn", "kor"}
                faults += [f"{place}, column country: {row['country']}, but its id is {row.get('id')}"] * (len(named) == 1 and row["country"].lower() not in named)
    assert not faults, "one of the two is wrong:\n  " + "\n  ".join(faults)


def test_rows_stand_in_the_order_of_their_key_or_date():
    for entry in TABLES.values():
        table = [row for _, row in rows(entry)]
        kinds = {field["name"]: field["type"] for field in entry["schema"]["fields"]}
        def ordered(names):
            keys = [tuple(float(row[name] or "-inf") if kinds[name] in ("integer", "number", "year") else row[name] for name in names) for row in table]
            return keys == sorted(keys) or keys == sorted(keys, reverse=True)
        candidates = [entry["schema"]["primaryKey"]] + [[name] for name, kind in kinds.items() if kind in ("date", "yearmonth", "year")] + [[next(iter(kinds))]]
        assert any(ordered(names) for names in candidates), f"data/{entry['path']}: rows stand in no order of key or date; sort them"


@pytest.mark.parametrize("script", sorted({entry["built_by"] for entry in TABLES.values() if entry["class"] == "constructed"}))
def test_constructed_tables_are_what_their_script_makes(script, tmp_path):
    shutil.copytree(ROOT / "chapters", tmp_path / "chapters", ignore=shutil.ignore_patterns("*.ipynb", "__pycache__"))
    shutil.copytree(DATA, tmp_path / "data", ignore=shutil.ignore_patterns("__pycache__"))
    made = [entry["path"] for entry in TABLES.values() if entry.get("built_by") == script]
    for path in made:
        (tmp_path / "data" / path).unlink()
    code, said = run(sys.executable, script, cwd=tmp_path / "data")
    assert code == 0, f"data/{script} fails:\n{said}"
    for path in made:
        assert (tmp_path / "data" / path).exists(), f"data/{script} does not write data/{path}"
        assert (tmp_path / "data" / path).read_bytes() == (DATA / path).read_bytes(), f"data/{path} is not what data/{script} makes of the tables it reads: edit those, then 'make data'"


def test_descriptor_is_written_in_one_way():
    text = (DATA / "datapackage.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n", "data/datapackage.json is not indented by one blank with plain UTF-8 text: 'make data' after an edit writes it so"
