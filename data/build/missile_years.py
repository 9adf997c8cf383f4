"""Count North Korean missiles by year, with the CSIS count of events beside them.

Missiles come from missile_tests alone. Events are another unit and are copied, never added.
"""

from common import BuildError, one_of, read, write

OUTCOMES = ("success", "failure", "unknown")
TYPES = ("srbm", "mrbm", "irbm", "icbm", "slbm", "hgv", "slv", "unknown")
SUMS = ("missiles", "after_memorandum", *(f"outcome_{outcome}" for outcome in OUTCOMES), *(f"type_{kind}" for kind in TYPES))
COLUMNS = ["year", "complete", *SUMS, "csis_events", "csis_nuclear_tests"]
LAST_COMPLETE = 2025  # the missile data end on 18 April 2026


def whole(name, row, column):
    """Return row[column] as an int; raise BuildError when it is not a whole number of zero or more."""
    if not row[column].isascii() or not row[column].isdigit():
        raise BuildError(f"{name}.csv: column {column!r}: {row[column]!r} is not a whole number: {row}")
    return int(row[column])


def years():
    """Return one dict per year from the first launch to the last, years without a launch included."""
    tests = read("missile_tests", ["year", "type", "outcome", "missiles", "after_memorandum"])
    events = {whole("missile_events", row, "year"): row
              for row in read("missile_events", ["year", "missile_events", "nuclear_tests"])}
    counts, seen = {}, set()
    for row in tests:
        key = (row["year"], one_of("missile_tests", row, "type", TYPES), one_of("missile_tests", row, "outcome", OUTCOMES))
        if key in seen:
            raise BuildError(f"missile_tests.csv: {key} stands in two rows; one row a year, type and outcome")
        seen.add(key)
        year = counts.setdefault(whole("missile_tests", row, "year"), dict.fromkeys(SUMS, 0))
        for column in ("missiles", f"type_{row['type']}", f"outcome_{row['outcome']}"):
            year[column] += whole("missile_tests", row, "missiles")
        year["after_memorandum"] += whole("missile_tests", row, "after_memorandum")
    span = range(min(counts), max(counts) + 1)
    missing = sorted(set(span) - set(events))
    if missing:
        raise BuildError(f"missile_events.csv: column 'year': no row for {missing[0]}; write 0 where nothing was fired")
    return [{"year": year, "complete": str(year <= LAST_COMPLETE).lower(), **counts.get(year, dict.fromkeys(SUMS, 0)),
             "csis_events": whole("missile_events", events[year], "missile_events"),
             "csis_nuclear_tests": whole("missile_events", events[year], "nuclear_tests")} for year in span]


if __name__ == "__main__":
    print(write("missile_years", COLUMNS, years()))
