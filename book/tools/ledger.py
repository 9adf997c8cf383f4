"""Print every number that the prose is bound to: `python book/tools/ledger.py [words]`, what `make ledger` runs.

One block a phrase: the chapter, the phrase, the values bound to it, the rows of the table that they come from and where
those have them from. Words given keep the phrases, tables and chapters that hold them. Reads the stored ledgers and runs nothing.
"""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import files  # noqa: E402
from book.site import package  # noqa: E402


def sources(table, row):
    """Where a row has its value from, or what its table names; (title, address) pairs."""
    if row and row.get("source_url"):
        return [(row.get(f"publisher{n}", ""), row[f"source_url{n}"]) for n in ("", "_2") if row.get(f"source_url{n}")]
    return [(source["title"], source.get("path", "")) for source in table.entry["sources"]]


def said(doc, entry, tables):
    """A binding as lines of text."""
    if entry["table"] not in tables:
        raise ValueError(f"{doc}: {entry['phrase']!r} is bound to the table {entry['table']}, which is not there: run 'make notebooks'")
    table = tables[entry["table"]]
    lines = [f"{doc}: {entry['phrase']}", f"    = {', '.join(map(str, entry['values']))}"]
    for key in dict.fromkeys(entry["rows"] or [""]):
        if key and key not in table.places:
            raise ValueError(f"{doc}: {entry['phrase']!r} is bound to row {key} of data/{table.path.name}, which is not there: run 'make notebooks'")
        row = table.rows[table.places[key]] if key else None
        rows = f"row {key}" if row else f"worked out from {len(table.rows):,} rows" if table.rows else "the whole file"
        lines += [f"    data/{table.path.name}, {rows}", *(f"      {title}{': ' * bool(address)}{address}" for title, address in sources(table, row))]
    return "\n".join(lines)


def main(words):
    tables, count = package.tables(ROOT), 0
    for doc, entries in package.outputs(ROOT, package.LEDGER):
        for entry in entries:
            if all(word.lower() in f"{doc} {entry['phrase']} {entry['table']}/{' '.join(entry['rows'])}".lower() for word in words):
                print(said(doc, entry, tables), end="\n\n")
                count += 1
    print(f"{count:,} phrases" + (f" with {' '.join(words)}" if words else "") + ", each checked against its table when the chapters run and by the tests.")


if __name__ == "__main__":
    files.told(lambda: main(sys.argv[1:]), sys.exit)
