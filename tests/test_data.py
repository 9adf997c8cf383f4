"""Every table against data/datapackage.json: what it declares, what its sources and keys say, what its bytes are."""
import csv
import difflib
import hashlib
import itertools
import json
import re
import shutil
import sys
import unicodedata
from datetime import date, datetime

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
    assert entry["redistribute"] != any(license["name"] == "other-closed" for license in entry["licenses"]), f"{place}: redistribute is {str(entry['redistribute']).lower()}; it is false where a licence is other-closed and only there: mend the one or the other"
    assert entry["redistribute"] != bool(entry.get("redistribute_note")), f"{place}: redistribute_note says why redistribute is false, and stands only there"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["retrieved"]), f"{place}: retrieved is not a day, YYYY-MM-DD"
    assert entry["due"] is None or entry["due"] > entry["retrieved"], f"{place}: due is not after retrieved"
    assert entry["due"] is None or int(entry["due"][:4]) * 12 + int(entry["due"][5:7]) <= int(entry["retrieved"][:4]) * 12 + int(entry["retrieved"][5:7]) + 24, f"{place}: due, {entry['due']}, is more than two years after retrieved, {entry['retrieved']}: is the year right?"
    assert entry["sources"] and all(source.get("title") and source.get("publisher") for source in entry["sources"]), f"{place}: a source lacks title or publisher"
    assert all(source["path"].startswith("http") for source in entry["sources"] if source.get("path")), f"{place}: a source's path is not a web address"
    assert all(license.get("checked") and license.get("how") for license in entry["licenses"]), f"{place}: a licence lacks checked (date) or how"
    assert entry["format"] != "csv" or entry.get("schema", {}).get("primaryKey"), f"{place}: no schema with a primaryKey"
    for field in entry.get("schema", {}).get("fields", []):
        assert field.get("title") and field.get("description"), f"{place}, column {field['name']}: no title or description"
        assert re.fullmatch(r"[a-z][a-z0-9_]*", field["name"]), f"{place}, column {field['name']}: not snake_case"


#: What the sources do not let the book pass on. A table that leaves this list is offered for download: read its terms again first.
CLOSED = {"militarised_disputes", "missile_events", "missile_tests", "missile_years", "plan_polls", "polls", "shared_organisations", "trade", "trade_flows"}


def test_closed_tables_are_these_and_a_licence_has_one_address():
    closed = {name for name, entry in FILES.items() if not entry["redistribute"]}
    assert closed == CLOSED, f"data/datapackage.json: redistribute differs from CLOSED in tests/test_data.py for {', '.join(sorted(closed ^ CLOSED))}: if the terms were read and are so, change both"
    paths = {}
    for name, entry in [("the whole package", package()), *FILES.items()]:
        for license in entry["licenses"]:
            first = paths.setdefault(license["name"], (license["path"], name))
            assert license["name"] == "other-closed" or license["path"] == first[0], f"data/datapackage.json, {name}: {license['name']} lies at {license['path']}, but in {first[1]} at {first[0]}: give both one address"


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


TYPING = {  # what a copy from a page or a slip of the keyboard leaves in a cell: what is said of it, and what finds it in (cell, column)
    "is not in Unicode's composed form (NFC), so that a search misses it; type it again": lambda cell, column: not unicodedata.is_normalized("NFC", cell),
    "holds a blank that is none of the plain ones; type blanks again": lambda cell, column: re.search("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]", cell),
    "holds two blanks in a row; one is enough": lambda cell, column: "  " in cell,
    "was read in another encoding than it was written in; copy the words again": lambda cell, column: re.search("\ufffd|â€|[ÃÂ][\x80-\xbf]|ï¿½", cell),
    "holds HTML; say it in plain text": lambda cell, column: re.search(r"</?[a-zA-Z][^<>]*>|&(#\d+|amp|nbsp|quot|lt|gt);", cell),
    "holds the mark of a merge; settle it": lambda cell, column: re.search("<{7}|>{7}|={7}", cell),
    "is Korean, the column's name says Japanese": lambda cell, column: column.endswith("_ja") and re.search("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]", cell),
    "is Japanese, the column's name says Korean": lambda cell, column: column.endswith("_ko") and re.search("[\u3040-\u30ff]", cell)}


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
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\ufeff]", cell), f"{where} holds invisible characters"
            for fault, found in TYPING.items():
                assert not found(cell, column), f"{where} {fault}"


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


#: Columns whose values, where a row has both, stand in this order.
ORDERED = ["date date_end", "took_office left_office", "signed in_force ended", "signed ended", "award_min_krw award_max_krw total_award_krw", "award_min_krw total_award_krw", "fieldwork_start fieldwork_end", "first_year last_year", "first_date last_date",
           "low_05 ideal_point high_95", "first_kb all_kb", "accepted_new cumulative_accepted", "after_memorandum missiles", "same_votes votes_both_cast", "opposite_votes votes_both_cast", "persons all_foreigners", "nationals_helped people_helped"]


@EVERY
def test_a_row_agrees_with_itself(entry):
    """What ends does not end before it began, a part is not more than the whole, a year is that of the date beside it, and days and hours exist."""
    faults, kinds, keys = [], {field["name"]: field["type"] for field in entry["schema"]["fields"]}, {}
    pairs = [pair for names in ORDERED for pair in itertools.pairwise(names.split()) if set(pair) <= set(kinds)]
    pairs += [(part, "date") for part in ("year", "month") if {part, "date"} <= set(kinds)] + [("year", "as_of")] * ({"year", "as_of"} <= set(kinds))
    for number, row in rows(entry):
        place = f"data/{entry['path']}, row {number}"
        for one, two in pairs:
            low, high = (float(row[name]) if kinds[name] in ("integer", "number") and row[name] else row[name] for name in (one, two))
            part = one in ("year", "month")
            if row[one] and row[two] and (row[one] != row[two][:len(row[one])] if part else low > high):
                faults.append(f"{place}: {one} {row[one]} {'is not that of' if part else 'is more than, or after,'} {two} {row[two]}")
        key = tuple(row[name].casefold() for name in entry["schema"]["primaryKey"])
        if keys.setdefault(key, number) != number:
            faults.append(f"{place}: its key {'/'.join(key)} is that of row {keys[key]}, but for capitals")
        for column, cell in row.items():
            faults += [f"{place}, column {column}: {cell!r}: there is no {hour}" for hour in re.findall(r"(?<![\d:])\d{1,2}:\d\d(?![\d:])", cell) if not re.fullmatch("([01]?\\d|2[0-3]):[0-5]\\d", hour) and not cell.startswith("http")]
            for day in re.findall(r"(?<![\d-])\d{4}-\d\d-\d\d(?!\d)", "" if cell.startswith("http") else cell):
                try:
                    date.fromisoformat(day)
                except ValueError:
                    faults.append(f"{place}, column {column}: {cell!r}: there is no {day}")
        if kinds.keys() >= {"id", "date"} and (day := re.match(r"\d{4}-\d\d-\d\d", row["id"])):
            faults += [f"{place}, column id: {row['id']}, but its date is {row['date']}"] * (day[0] != row["date"])
    assert not faults, "one of the two is wrong:\n  " + "\n  ".join(faults)


def test_leaders_stand_on_their_own_side():
    sides = {row["name"]: row["country"] for _, row in rows(TABLES["leaders"])}
    for entry in TABLES.values():
        for column, country in {"jp_leader": "JPN", "kr_leader": "KOR"}.items():
            for number, row in rows(entry) if column in {field["name"] for field in entry["schema"]["fields"]} else ():
                assert sides.get(row[column], country) == country, f"data/{entry['path']}, row {number}, column {column}: {row[column]} is a leader of {sides[row[column]]} (data/leaders.csv); put each in the column of their country"


def test_no_city_is_spelt_in_two_ways():
    first = {row["city"]: f"data/{entry['path']}, row {number}" for entry in TABLES.values() for number, row in rows(entry) if row.get("city")}
    alike = [f"{one} ({first[one]}) and {two} ({first[two]})" for one, two in itertools.combinations(sorted(first), 2) if difflib.SequenceMatcher(None, one.casefold(), two.casefold()).ratio() > .85]
    assert not alike, f"one city, it seems, in two spellings: {'; '.join(alike)}; if they are two, exempt them here"


def test_tables_of_meetings_agree():
    """A meeting of Kishida and Yoon stands in two tables; so does one since the article; its id is its date and the family names, as is that of a greeting."""
    def days(name, wanted):
        return {row["date"] for _, row in rows(TABLES[name]) if wanted(row)}
    began = min(days("since_the_article", bool))
    for other, wanted, these in (("meetings", bool, lambda row: (row["jp_leader"], row["kr_leader"]) == ("Kishida Fumio", "Yoon Suk Yeol")), ("since_the_article", lambda row: row["category"] == "summit", lambda row: row["date"] >= began)):
        apart = days("leader_meetings", these) ^ days(other, wanted)
        assert not apart, f"data/leader_meetings.csv and data/{other}.csv differ in the meetings of {', '.join(sorted(apart))}: a meeting goes into both"
    for entry in (TABLES["leader_meetings"], TABLES["brief_encounters"]):
        for number, row in rows(entry):
            wanted = "-".join([row["date"], *(row[column].split()[0].lower() for column in ("jp_leader", "kr_leader"))])
            assert row["id"] == wanted and row.get("meeting_id", "") in ("", wanted), f"data/{entry['path']}, row {number}: id {row['id']}, by its date and leaders it is {wanted}; foreign keys name it too"


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
