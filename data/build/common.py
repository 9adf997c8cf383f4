"""Helpers for the constructed tables: read from the package, write it back whole or not at all."""
import csv
import io
import os
from datetime import date
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent


class BuildError(SystemExit):
    """A table cannot be built; the message names file, row, column, value and rule."""


def read(name, columns):
    """Return the rows of data/<name>.csv as dicts of strings.

    Raises BuildError when the file, or a column that the build needs, is missing or the file is empty.
    """
    path = DATA / f"{name}.csv"
    if not path.exists():
        raise BuildError(f"{path.name}: no such table")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise BuildError(f"{path.name}: no rows")
    missing = [column for column in columns if column not in rows[0]]
    if missing:
        raise BuildError(f"{path.name}: column {missing[0]!r} is missing")
    return rows


def day(name, row, column):
    """Return row[column] as a date; raise BuildError when it is not YYYY-MM-DD."""
    try:
        return date.fromisoformat(row[column])
    except ValueError:
        raise BuildError(f"{name}.csv: column {column!r}: {row[column]!r} is not a date (YYYY-MM-DD): {row}") from None


def one_of(name, row, column, allowed):
    """Return row[column]; raise BuildError when it is not one of the allowed words."""
    if row[column] not in allowed:
        raise BuildError(f"{name}.csv: column {column!r}: {row[column]!r} is not one of {sorted(allowed)}: {row}")
    return row[column]


def render(columns, rows):
    """Return the bytes of a table: UTF-8, LF, blank for None. The same rows always give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if row[column] is None else row[column] for column in columns] for row in rows])
    return text.getvalue().encode("utf-8")


def write(name, columns, rows):
    """Write data/<name>.csv beside its place first, so that a failure leaves the old table in place."""
    path = DATA / f"{name}.csv"
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_bytes(render(columns, rows))
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    return path
