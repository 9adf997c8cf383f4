"""The data package as pages need it: tables with their rows and addresses, charts that use them, bound phrases, what is due."""
import csv
import functools
import json
import os
import re
import subprocess
import zlib
from datetime import date, datetime, timezone
from pathlib import Path

CELLS, PACKED = 1500, 10_000  # at most on one page of a table: what a phone lays out in one go, and bytes that come in the first round of a connection
DESCRIPTOR = "data/datapackage.json"
SPEC, LEDGER = "application/vnd.vegalite.v6+json", "application/vnd.ledger+json"
KINDS = {"curated": "gathered by hand, each row with its source", "verbatim": "official or published series, as printed",
         "constructed": "worked out by a script from other tables of this package", "record": "the book's own records"}
WEAK = {"confidence": ("medium", "low"), "status": ("second-hand", "estimated", "derived")}


def day(iso):
    """`2026-11-23` as `23 November 2026`; a month or year as far as it goes."""
    parts = str(iso or "").split("-")
    moment = date(*map(int, (parts + ["1", "1"])[:3]))
    return f"{moment.day} {moment:%B %Y}" if len(parts) == 3 else f"{moment:%B %Y}" if len(parts) == 2 else parts[0]


def grouped(text):
    """A number with thousands marked from five digits on, and a true minus; other text as it is."""
    whole, dot, rest = text.partition(".")
    return (f"{int(whole):,}" if len(whole.lstrip("-")) > 4 else whole).replace("-", "−") + dot + rest if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def in_order(row):
    """Sort key of a row of corrections.csv: its day, then the number at the end of its id."""
    return row["date"], int(row["id"].rpartition("-")[2])


def today(root):
    """The book's day: SOURCE_DATE_EPOCH, else the last commit, else the day on which the newest table was checked."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    if not seconds and (Path(root) / ".git").exists():
        try:
            seconds = subprocess.run(["git", "-C", str(root), "log", "-1", "--format=%ct"], capture_output=True, text=True).stdout.strip()
        except OSError:  # no git
            pass
    if seconds:
        return datetime.fromtimestamp(int(seconds), timezone.utc).date().isoformat()
    return max(table.entry["retrieved"] for table in tables(root).values())


def gathered(root):
    """The day as of which the data are: the newest on which a table was gathered, the book's records of itself left out."""
    return max(table.entry["retrieved"] for table in tables(root).values() if table.entry["class"] != "record")


def overdue(tables, on):
    """Tables that should have been checked again before the ISO day `on`, the longest overdue first."""
    return sorted((table for table in tables if (table.entry["due"] or on) < on), key=lambda table: table.entry["due"])


class Table:
    """One resource of the package. `rows` are dicts of text as in the CSV; a map has none."""

    def __init__(self, root, entry):
        self.path, self.entry, self.name = Path(root) / "data" / entry["path"], entry, entry["name"]
        self.fields = entry.get("schema", {}).get("fields", [])
        self.key_fields = entry.get("schema", {}).get("primaryKey", [])

    @functools.cached_property
    def rows(self):
        if not self.fields:
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def key(self, row):
        """Primary key of a row as the ledger writes it: its parts joined by a slash."""
        return "/".join(row[name] for name in self.key_fields)

    @functools.cached_property
    def places(self):
        """Primary key -> number of the row, from 0."""
        return {self.key(row): number for number, row in enumerate(self.rows)}

    @functools.cached_property
    def copies(self):
        """Cited address -> address of a stored copy of its page, where one is known."""
        with self.path.with_name("archived_copies.csv").open(encoding="utf-8", newline="") as file:
            return {row["url"]: row["archive_url"] for row in csv.DictReader(file)}

    @functools.cached_property
    def pages(self):
        if not self.rows or not self.entry["redistribute"]:  # of a closed table only a few rows are shown
            return 1
        return max(-(-len(self.rows) * len(self.fields) // CELLS), -(-len(zlib.compress(self.path.read_bytes())) // PACKED))

    def part(self, page):
        """First and last+1 row of a page, counted from 0: parts are of one size."""
        size = -(-len(self.rows) // self.pages)
        return page * size, min(len(self.rows), (page + 1) * size)

    def page(self, page=0):
        return f"tables/{self.name}" + (f"-{page + 1}" if page else "")

    def address(self, key=""):
        """Page of the table in the site, at the row with this key; ValueError if there is none."""
        if not key:
            return f"{self.page()}.html"
        if key not in self.places:
            raise ValueError(f"data/{self.entry['path']} has no row with the key {key!r}")
        page = next(page for page in range(self.pages) if self.places[key] < self.part(page)[1])
        return f"{self.page(page)}.html#{anchor(key)}"


def anchor(key):
    return "row-" + re.sub(r"[^\w.-]+", "-", key)


def weak(row):
    """Whether a row says of itself that it rests on a weak source or is not a reported value."""
    return any(row.get(column) in marks for column, marks in WEAK.items())


def parsed(path):
    """The JSON of a file; raises ValueError that names it."""
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.parent.name}/{path.name} is not valid JSON: {error}") from None


@functools.lru_cache(maxsize=4)
def _tables(root, stamp):
    resources = parsed(Path(root) / DESCRIPTOR)["resources"]
    return {entry["name"]: Table(root, entry) for entry in resources}


def tables(root):
    """Tables by name; read again when any file in data/ has changed."""
    return _tables(str(root), tuple(sorted((path.name, path.stat().st_mtime_ns) for path in (Path(root) / "data").glob("*.*"))))


def outputs(root, mime):
    """(docname, content) of every stored output of this kind, chapter by chapter."""
    for path in sorted((Path(root) / "chapters").glob("*.ipynb")):
        for cell in parsed(path)["cells"]:
            for output in cell.get("outputs", []):
                if mime in output.get("data", {}):
                    yield f"chapters/{path.stem}", output["data"][mime]


def charts(root, docs):
    """{table: [(chart id, headline, docname)]} of the charts in these documents."""
    found = {}
    for doc, spec in outputs(root, SPEC):
        figure = spec.get("usermeta", {}).get("figure") or {}
        for table in figure.get("tables") or [] if doc in docs else []:
            found.setdefault(table, []).append((figure["id"], figure["title"], doc))
    return found


def public(root):
    """The descriptor as it goes with the downloads: the tables that may be republished, so that every path in it is a file."""
    package = parsed(Path(root) / DESCRIPTOR)
    package["resources"] = [entry for entry in package["resources"] if entry["redistribute"]]
    return json.dumps(package, indent=1, ensure_ascii=False) + "\n"
