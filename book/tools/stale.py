"""List the tables that should have been checked again: `python book/tools/stale.py [YYYY-MM-DD]`, what `make stale` runs.

The day is the one given, else SOURCE_DATE_EPOCH, else that of the last commit.
"""
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from book.site import package  # noqa: E402


def main():
    try:
        on = date.fromisoformat(sys.argv[1]).isoformat() if sys.argv[1:] else package.today(ROOT)
    except ValueError:
        sys.exit(f"{sys.argv[1]!r} is not a day: write it as 2027-06-01" if sys.argv[1:] else "SOURCE_DATE_EPOCH is not a number of seconds: mend or unset it")
    found = list(package.tables(ROOT).values())
    late = package.overdue(found, on)
    for table in late:
        print(f"  {table.name}: checked {table.entry['retrieved']}, due {table.entry['due']}; {table.entry['sources'][0].get('path') or table.entry['sources'][0]['publisher']}")
    if late:
        print(f"{len(late)} of {len(found)} tables are due on {on}. Check them against their sources, mend what changed, and set retrieved and due in data/datapackage.json.")
    else:
        coming = min((table for table in found if table.entry["due"]), key=lambda table: table.entry["due"], default=None)
        print(f"No table is due on {on}." + (f" The next is {coming.name}, on {coming.entry['due']}." if coming else ""))


if __name__ == "__main__":
    main()
