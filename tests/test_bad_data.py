"""Bad data stop everything with one message: file, row, column, value, rule. Each test breaks a copy in one way."""
import copy as copying
import csv
import json
import os
import shutil
import sys

import altair
import pytest
from hypothesis import HealthCheck, given, settings, strategies

import house
from common import ROOT, package, run

TABLE = "leader_meetings"
MORE = int(os.environ.get("FUZZ", 1))


def fuzz(examples):
    """Settings of a fuzz test: quick and the same on every run; `make check FUZZ=50` tries fifty times as many, drawn anew."""
    return settings(max_examples=examples * MORE, derandomize=MORE == 1, deadline=None, database=None,
                    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


#: Any JSON value, NaN and characters that no file can hold among them.
JSON = strategies.recursive(
    strategies.one_of(strategies.none(), strategies.booleans(), strategies.integers(), strategies.floats(), strategies.text(strategies.characters(codec=None), max_size=30)),
    lambda inner: strategies.one_of(strategies.lists(inner, max_size=3), strategies.dictionaries(strategies.text(max_size=8), inner, max_size=3)), max_leaves=6)


def paths(node, at=()):
    """Every place in a JSON value as a tuple of keys; of long lists the first three entries."""
    yield at
    for key, value in node.items() if isinstance(node, dict) else enumerate(node[:3]) if isinstance(node, list) else ():
        yield from paths(value, (*at, key))


def planted(node, at, value):
    """A copy of a JSON value with another value at one place."""
    node = copying.deepcopy(node)
    *above, last = at
    inner = node
    for key in above:
        inner = inner[key]
    inner[last] = value
    return node

FILE = f"data/{TABLE}.csv"


class Copy:
    """A copy of data/ that house.load reads, and ways to break it."""

    def __init__(self, root):
        self.root, self.csv, self.descriptor = root, root / FILE, root / "data/datapackage.json"

    def cells(self):
        with self.csv.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def write(self, cells):
        with self.csv.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(cells)

    def set(self, row, column, value):
        cells = self.cells()
        cells[row][cells[0].index(column)] = value
        self.write(cells)

    def describe(self, change):
        package = json.loads(self.descriptor.read_text(encoding="utf-8"))
        change(next(entry for entry in package["resources"] if entry["name"] == TABLE))
        self.descriptor.write_text(json.dumps(package, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@pytest.fixture
def copy(tmp_path, monkeypatch):
    for folder in ("data", "chapters", "book"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.ipynb", "__pycache__"))
    monkeypatch.setattr(house, "DATA", tmp_path / "data")
    house._resources.cache_clear()
    yield Copy(tmp_path)
    house._resources.cache_clear()


def message(call, *arguments):
    """The one line that a call fails with."""
    with pytest.raises(ValueError) as caught:
        call(*arguments)
    said = str(caught.value)
    assert "\n" not in said and len(said) < 1500, f"not one clear line: {said[:400]}"
    return said


def drop_column(copy):
    copy.write([[cell for n, cell in enumerate(row) if n != copy.cells()[0].index("city")] for row in copy.cells()])


def add_column(copy):
    copy.write([row + ["mood" if n == 0 else "warm"] for n, row in enumerate(copy.cells())])


def swap_columns(copy):
    copy.write([[row[1], row[0], *row[2:]] for row in copy.cells()])


def short_row(copy):
    cells = copy.cells()
    copy.write([*cells[:4], cells[4][:-1], *cells[5:]])


def repeat_row(copy):
    cells = copy.cells()
    copy.write([*cells[:4], cells[3], *cells[4:]])


def merged(copy):
    lines = copy.csv.read_text("utf-8").splitlines()
    copy.csv.write_text("\n".join([*lines[:4], "<<<<<<< HEAD", lines[4], "=======", lines[4].replace("high", "low"), ">>>>>>> other", *lines[5:], ""]), encoding="utf-8")


def open_quote(copy):
    """A quote that nothing ends: whatever comes after it, to the end of the file, is one cell."""
    lines = copy.csv.read_text("utf-8").replace('"', "").splitlines()
    copy.csv.write_text("\n".join([*lines[:4], lines[4].replace(",", ',"', 1), *lines[5:], ""]), encoding="utf-8")


def cut_in_two(copy):
    copy.csv.write_bytes(copy.csv.read_bytes().replace(b"Tokyo", b"To\xffkyo", 1))


def empty_file(copy):
    copy.csv.write_bytes(b"")


def correction(copy):
    """One line in corrections.csv, whatever stands there, for a row of the table that is to be broken."""
    path = copy.root / "data/corrections.csv"
    path.write_text(path.read_text("utf-8").partition("\n")[0] + f"\n2026-11-23-1,2026-11-23,{TABLE},{copy.cells()[1][0]},city,Seoul,Tokyo,A test.,https://example.org,Example,high,\n", "utf-8")


def drop_year(copy, table, year, word=""):
    path = copy.root / f"data/{table}.csv"
    path.write_text("".join(line for line in path.read_text("utf-8").splitlines(True) if not (year in line.split(",") and word in line)), encoding="utf-8")


BREAKAGES = {
    "missing column": (drop_column, ["header", "'city'", "missing"]),
    "extra column": (add_column, ["header", "'mood'", "datapackage.json"]),
    "columns in another order": (swap_columns, ["header", "order"]),
    "a row with a cell too few": (short_row, ["row 4", "cells"]),
    "a row of one cell": (lambda copy: copy.write([*copy.cells()[:4], ["alone"], *copy.cells()[4:]]), ["row 4: 1 cell for 16 columns; quote"]),
    "a merge left unfinished": (merged, ["line 5: a merge was left unfinished here", "keep the rows that hold and remove"]),
    "a quote without its end": (open_quote, ["line 5: not a CSV file from here on (unexpected end of data)", "quotes of the row that begins there"]),
    "duplicate key": (repeat_row, ["row 4", "id", "earlier row"]),
    "impossible date": (lambda copy: copy.set(3, "date", "2023-02-30"), ["row 3", "column date", "'2023-02-30'", "valid date (YYYY-MM-DD)"]),
    "a date of another form": (lambda copy: copy.set(3, "date", "30 May 2023"), ["row 3", "column date", "'30 May 2023'", "valid date"]),
    "a date in the future": (lambda copy: copy.set(3, "date", "2123-05-01"), ["row 3", "column date", "'2123-05-01'", "maximum"]),
    "unknown country": (lambda copy: copy.set(5, "country", "ZZZ"), ["row 5", "column country", "'ZZZ'", "countries.csv"]),
    "unknown leader": (lambda copy: copy.set(5, "jp_leader", "Abe Shinzou"), ["row 5", "column jp_leader", "'Abe Shinzou'", "leaders.csv"]),
    "empty source": (lambda copy: copy.set(6, "source_url", ""), ["row 6", "column source_url", "required"]),
    "empty publisher": (lambda copy: copy.set(6, "publisher", ""), ["row 6", "column publisher", "required"]),
    "a word that is not in the list": (lambda copy: copy.set(7, "confidence", "certain"), ["row 7", "column confidence", "'certain'", "high, medium, low"]),
    "a byte that is not UTF-8": (cut_in_two, ["line", "0xff", "UTF-8"]),
    "an empty file": (empty_file, ["header"]),
    "a byte-order mark": (lambda copy: copy.csv.write_bytes(b"\xef\xbb\xbf" + copy.csv.read_bytes()), ["byte-order mark", "UTF-8 without one"]),
    "line ends of Windows": (lambda copy: copy.csv.write_bytes(copy.csv.read_bytes().replace(b"\n", b"\r\n")), ["line 1", "carriage return"]),
    "semicolons": (lambda copy: copy.csv.write_text("\n".join(map(";".join, copy.cells())), encoding="utf-8"), ["header", "';'", "commas"]),
    "a blank line": (lambda copy: copy.write([*copy.cells()[:4], [], *copy.cells()[4:]]), ["row 4", "blank"]),
    "a date without its noughts": (lambda copy: copy.set(3, "date", "2023-8-18"), ["row 3", "column date", "'2023-8-18'", "valid date"]),
}


@pytest.mark.parametrize(("breakage", "words"), BREAKAGES.values(), ids=BREAKAGES)
def test_load_names_the_fault(copy, breakage, words):
    house.load(TABLE)
    breakage(copy)
    said = message(house.load, TABLE)
    missing = [word for word in [FILE, *words] if word not in said]
    assert not missing, f"the message {said!r} does not name {missing}"


def test_load_names_a_number_that_is_none_and_one_out_of_range(copy):
    copy.csv = copy.root / "data/meetings.csv"
    for value, rule in {"about an hour": "valid integer", "+20": "valid integer", "２０": "valid integer", "-5": "minimum"}.items():
        copy.set(2, "duration_min", value)
        said = message(house.load, "meetings")
        assert all(word in said for word in ["data/meetings.csv", "row 2", "column duration_min", repr(value), rule]), said
    copy.csv = copy.root / "data/leader_terms.csv"
    copy.set(2, "acting", "TRUE")
    assert "data/leader_terms.csv, row 2, column acting: 'TRUE' is not a valid boolean (true or false)" in message(house.load, "leader_terms")


def test_load_of_an_unknown_table_suggests_the_known_one(copy):
    assert "'leader_meetings'" in message(house.load, "leader_meeting")
    assert "datapackage.json" in message(house.load, "weather")


@pytest.mark.parametrize(("part", "words"), [({"table": None}, "table is empty"), ({"table": []}, "table is empty"), ({"alt": ...}, "chart a-chart: alt is empty"), ({"id": ...}, "chart id None"), ({"columns": ...}, "columns is empty"), ({"alt": None}, "alt is empty"), ({"id": None}, "chart id None"),
                                             ({"columns": ["n"]}, "columns has to map"), ({"table": "meeting"}, "did you mean 'meetings'"), ({"alt": "Dots."}, "alt has 5 characters")])
def test_publish_says_what_a_figure_lacks(part, words):
    figure = {"id": "a-chart", "title": "Twelve", "subtitle": "Meetings", "alt": "Twelve dots, one for each meeting of the two leaders.", "table": "meetings", "columns": {"n": "Number"}}
    with pytest.raises(ValueError, match=words):  # ... stands for what was not said at all
        house.publish(altair.Chart(), **{key: value for key, value in {**figure, **part}.items() if value is not ...})


BY_DATA_COMMAND = {
    "a row that a script reads": (lambda copy: copy.write([row[:6] if number == 4 else row for number, row in enumerate(copy.cells())]), [FILE, "row 4", "6 cells", "left as it was"]),
    "edited while it runs": (lambda copy: copy.root.joinpath("data/build/trade.py").open("a").write(f"\nopen({str(copy.csv)!r}, 'a').write(' ')\n"), [f"{TABLE}.csv was changed while this ran", "left as it was"]),
    "semicolons in a table with a correction": (lambda copy: (correction(copy), copy.csv.write_text("\n".join(map(";".join, copy.cells())), encoding="utf-8")), [FILE, "header", "';'", "left as it was"]),
    "a short row in a table with a correction": (lambda copy: (correction(copy), short_row(copy)), [FILE, "row 4", "cells", "left as it was"]),
    "a map cut short": (lambda copy: copy.root.joinpath("data/world_land.json").write_text('{"type": '), ["data/world_land.json", "not valid JSON", "left as it was"]),
    "a year taken out of a span": (lambda copy: drop_year(copy, "trade_flows", "1990"), ["trade_flows.csv", "1990", "left as it was"]),
    "a won without its yen": (lambda copy: drop_year(copy, "exchange_rates_usd", "1970", "JPY"), ["exchange_rates_usd.csv", "1970", "left as it was"]),
    "table gone": (lambda copy: copy.csv.unlink(), [FILE, "no such file"]),
    "table not described": (lambda copy: shutil.copy(copy.csv, copy.csv.with_name("stray.csv")), ["data/stray.csv", "describe it"]),
    "a day that is none": (lambda copy: copy.describe(lambda entry: entry.update(due="2027-6-1")), [f"table {TABLE}: due is '2027-6-1'", "left as it was"]),
    "descriptor that is no JSON": (lambda copy: copy.descriptor.write_text("{"), ["data/datapackage.json", "not valid JSON"]),
}


@pytest.mark.slow
@pytest.mark.parametrize(("breakage", "words"), BY_DATA_COMMAND.values(), ids=BY_DATA_COMMAND)
def test_make_data_refuses_and_overwrites_nothing(copy, breakage, words):
    breakage(copy)
    before = copy.descriptor.read_bytes()
    code, said = run(sys.executable, "book/tools/package.py", cwd=copy.root)
    assert code == 1 and "Traceback" not in said, said
    assert all(word in said for word in words), said
    assert copy.descriptor.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "file"), [("stale", "data/datapackage.json"), ("ledger", "chapters/04_x.ipynb"), ("dictionary", "chapters/04_x.ipynb"), ("links", "chapters/04_x.ipynb"), ("cards", "chapters/04_x.ipynb")])
def test_a_command_names_the_file_that_a_merge_left_broken(copy, tool, file):
    path = copy.root / file
    path.write_text("<<<<<<< ours\n{}\n=======\n", encoding="utf-8")
    (copy.root / "index.md").write_text("# Front\n", encoding="utf-8")
    (copy.root / "_toc.yml").write_text("format: jb-book\nroot: index\n", encoding="utf-8")
    code, said = run(sys.executable, f"book/tools/{tool}.py", cwd=copy.root)
    assert code == 1 and "Traceback" not in said and f"{file} is not valid JSON" in said, said


@fuzz(60)
@given(raw=strategies.one_of(strategies.binary(max_size=300), strategies.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_give_a_clear_error(copy, raw):
    """Whatever stands in the file, the answer is a ValueError that names it."""
    copy.csv.write_bytes(raw)
    with pytest.raises(ValueError, match=FILE):
        house.load(TABLE)


@fuzz(60)
@given(cell=strategies.text(strategies.characters(blacklist_categories=["Cs"]), max_size=40), column=strategies.sampled_from(["date", "country", "confidence", "id"]))
def test_any_cell_loads_or_is_named(copy, cell, column):
    cells = copy.cells() if not hasattr(copy, "kept") else copy.kept
    copy.kept = [list(row) for row in cells]
    cells = [list(row) for row in cells]
    cells[2][cells[0].index(column)] = cell
    copy.write(cells)
    try:
        house.load(TABLE)
    except ValueError as error:
        assert FILE in str(error)


@fuzz(80)
@given(place=strategies.sampled_from(sorted((at for at in paths(next(entry for entry in package()["resources"] if entry["name"] == TABLE)) if at), key=str)), value=JSON)
def test_any_descriptor_loads_or_is_named(copy, place, value):
    """Whatever one of its places holds, the table loads or the answer is a ValueError that names a file of data/."""
    if not hasattr(copy, "package"):
        copy.package = json.loads(copy.descriptor.read_text(encoding="utf-8"))
    package = {**copy.package, "resources": [planted(entry, place, value) if entry["name"] == TABLE else entry for entry in copy.package["resources"]]}
    copy.descriptor.write_text(json.dumps(package), encoding="utf-8")
    house._resources.cache_clear()
    try:
        house.load(TABLE)
    except ValueError as error:
        assert "data/" in str(error), f"{place} = {value!r}: {error}"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"resources": 1}', '{"resources": [1]}', '{"resources": [{"path": "x.csv"}]}', "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass")])
def test_a_descriptor_of_another_shape_is_named(copy, text):
    copy.descriptor.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert "data/datapackage.json" in message(house.load, TABLE)
