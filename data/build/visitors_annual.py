"""Add up the monthly visitors by year and check the sums against the published annual figures.

A year is the sum of its months when one count has all twelve to the last person; otherwise it is the
published figure, where there is one. The press figures of the Korea Tourism Organization are its own count.
"""

from common import BuildError, one_of, read, write

COUNT = {"jnto": "jnto", "kto": "kto", "kto-press": "kto", "moj-kr": "moj-kr"}
MAIN = {"KOR-JPN": "jnto", "JPN-KOR": "kto"}
RANK = ("final", "provisional", "estimate")
OPEN = "2022"  # published figures from this year on came through the press and may still be revised
PARTIAL = {("kto", "2020"), ("kto", "2022"), ("kto", "2023"), ("kto", "2024")}  # years with some months only
TOLERANCE = 0.001  # share of the published figure: earlier vintages and months rounded to the thousand
COLUMNS = ["year", "direction", "from_country", "to_country", "visitors", "count", "main_series", "basis", "status",
           "months_found", "sum_of_months", "published", "difference"]


def number(name, row, column):
    """Return row[column] as an integer; raise BuildError when it is not one."""
    if not row[column].isdigit():
        raise BuildError(f"{name}.csv: column {column!r}: {row[column]!r} is not a whole number: {row}")
    return int(row[column])


def years():
    """Return one dict per year, direction and count, in that order."""
    monthly, published = {}, {}
    for row in read("visitors_monthly", ["month", "direction", "visitors", "series", "status", "rounded_to"]):
        count = COUNT[one_of("visitors_monthly", row, "series", COUNT)]
        one_of("visitors_monthly", row, "direction", MAIN)
        one_of("visitors_monthly", row, "status", RANK)
        months = monthly.setdefault((row["month"][:4], row["direction"], count), {})
        if row["month"] in months:
            raise BuildError(f"visitors_monthly.csv: column 'month': {row['month']!r} twice for {row['direction']} {count}")
        months[row["month"]] = row
    for row in read("visitors_annual_published", ["year", "direction", "count", "visitors", "rounded_to"]):
        if row["count"] in COUNT.values():
            published[row["year"], row["direction"], row["count"]] = row
    newest = {count: max(name for name, _, other in monthly if other == count) for _, _, count in monthly}
    for name, direction, count in sorted(monthly):
        found = len(monthly[name, direction, count])
        if found < 12 and name != newest[count] and (count, name) not in PARTIAL:
            raise BuildError(f"visitors_monthly.csv: column 'month': {name} {direction} {count} has {found} months, not 12")
    table = [year(*key, monthly.get(key, {}), published.get(key)) for key in sorted(monthly.keys() | published.keys())]
    return [row for row in table if row]


def year(name, direction, count, months, figure):
    """Return the row of one year, or None when it has neither twelve exact months nor a published figure."""
    total = sum(number("visitors_monthly", row, "visitors") for row in months.values()) if len(months) == 12 else None
    exact = total is not None and all(row["rounded_to"] == "1" for row in months.values())
    printed = number("visitors_annual_published", figure, "visitors") if figure else None
    if not exact and printed is None:
        return None
    difference = total - printed if total is not None and figure else None
    if difference and abs(difference) > TOLERANCE * printed:
        raise BuildError(f"visitors_annual: {name} {direction} {count}: the months make {total}, the published figure is "
                         f"{printed}: more than {TOLERANCE:.1%} apart")
    if exact:
        status = max((row["status"] for row in months.values()), key=RANK.index)
    else:
        status = "estimate" if figure["rounded_to"] != "1" else "provisional" if name >= OPEN else "final"
    start, end = direction.split("-")
    return {"year": name, "direction": direction, "from_country": start, "to_country": end,
            "visitors": total if exact else printed, "count": count,
            "main_series": "true" if MAIN[direction] == count else "false", "basis": "months" if exact else "published",
            "status": status, "months_found": len(months), "sum_of_months": total, "published": printed,
            "difference": difference}


if __name__ == "__main__":
    print(write("visitors_annual", COLUMNS, years()))
