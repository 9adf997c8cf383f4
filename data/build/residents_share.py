"""Koreans as a share of all foreign residents of Japan: computed where the counts are known, else as printed."""

from common import BuildError, read, write

COLUMNS = ["year", "as_of", "series", "share_pct", "status"]
SERIES = ("koreans_registered", "koreans_resident", "rok_resident")
LIMIT = 0.1  # points by which a computed share may differ from the printed one


def shares():
    """Return one dict per count that has a share; the three series have different rules and are not joined."""
    table = []
    for row in read("residents", ["year", "as_of", "series", "persons", "all_foreigners", "share_printed_pct"]):
        if row["series"] not in SERIES:
            continue
        printed = float(row["share_printed_pct"]) if row["share_printed_pct"] else None
        counted = row["persons"] and row["all_foreigners"]
        share = int(row["persons"]) / int(row["all_foreigners"]) * 100 if counted else printed
        if counted and printed is not None and abs(share - printed) > LIMIT:
            raise BuildError(f"residents.csv: {row['series']} {row['as_of']}: {share:.2f}% computed, {printed}% printed")
        if share is not None:
            table.append({"year": row["year"], "as_of": row["as_of"], "series": row["series"],
                          "share_pct": f"{share:.1f}", "status": "derived" if counted else "reported"})
    return table


if __name__ == "__main__":
    print(write("residents_share", COLUMNS, shares()))
