"""List the tables that should have been checked again: `python book/tools/stale.py [YYYY-MM-DD]`, what `make stale` runs.

The day is the one given, else SOURCE_DATE_EPOCH, else that of the last commit.
"""
import re
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import files  # noqa: E402
from book.site import package  # noqa: E402


def is_day(text):
    """Whether `text` is YYYY-MM-DD and in the calendar; only such days can be compared as text."""
    try:
        return bool(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and bool(date.fromisoformat(text))
    except (TypeError, ValueError):
        return False


def descriptor_faults(entries):
    """What is wrong with `retrieved`, `due` and `sources` of the resources of datapackage.json, a list of sentences; `due` may be null."""
    found = []
    for entry in entries:
        place = f"data/datapackage.json, table {entry['name']}"
        for field in ("retrieved", "due"):
            if field not in entry or not is_day(entry[field]) and (field, entry[field]) != ("due", None):
                said = f"is {entry[field]!r}, which is no day" if field in entry else "is missing"
                found.append(f"{place}: {field} {said}; write it as 2027-06-01" + (", or null if the table is never due" if field == "due" else ""))
        sources = entry.get("sources")
        if not isinstance(sources, list) or not sources or not all(isinstance(source, dict) and source.get("title") for source in sources):
            found.append(f"{place}: sources is missing or empty, or one has no title; name at least one, with title, publisher and path")
    return found


def main():
    found = list(package.tables(ROOT).values())
    if wrong := descriptor_faults(table.entry for table in found):
        sys.exit("\n".join(wrong))
    try:
        on = date.fromisoformat(sys.argv[1]).isoformat() if sys.argv[1:] else package.today(ROOT)
    except (ValueError, OverflowError):
        sys.exit(f"{sys.argv[1]!r} is not a day: write it as 2027-06-01" if sys.argv[1:] else "SOURCE_DATE_EPOCH is not a number of seconds: mend or unset it")
    late = package.overdue(found, on)
    for table in late:
        source = table.entry["sources"][0]
        print(f"  {table.name}: checked {table.entry['retrieved']}, due {table.entry['due']}; {source.get('path') or source.get('publisher') or source['title']}")
    if late:
        print(f"{len(late)} of {len(found)} tables are due on {on}. Check them against their sources, mend what changed, and set retrieved and due in data/datapackage.json; then 'make data' and 'make notebooks', since pages and charts tell those days.")
    else:
        coming = min((table for table in found if table.entry["due"]), key=lambda table: table.entry["due"], default=None)
        print(f"No table is due on {on}." + (f" The next is {coming.name}, on {coming.entry['due']}." if coming else ""))


if __name__ == "__main__":
    files.told(main, sys.exit)
