"""Add totals, balance and shares to the trade flows, and check them against printed official figures.

The flows come from trade_flows, the official figures from trade_official. The two differ in reporter
before 2015, so the tolerances below are wide enough for freight and small early values, and no wider.
"""
from decimal import Decimal

from common import BuildError, read, write

X, M, TOTAL = "kor_exports_to_jpn_usd_mn", "kor_imports_from_jpn_usd_mn", "total_printed_usd_mn"
SHARES = ["jpn_share_of_kor_trade_pct", "kor_share_of_jpn_trade_pct"]
COLUMNS = ["year", X, M, "total_usd_mn", "kor_balance_usd_mn", *SHARES, "reporter", "status", "note"]
LIMITS = {"total_trade": 6, "kor_balance": 16, "kor_balance_sum": 6}  # per cent
GAP_YEARS = 1  # 2017 has no balance; a span may miss this many years


def number(row, column):
    """Return a cell of trade_flows as a Decimal, or None when it is blank."""
    try:
        return Decimal(row[column]) if row[column] else None
    except ArithmeticError:
        raise BuildError(f"trade_flows.csv: year {row['year']}, column {column!r}: {row[column]!r} is not a number") from None


def flows():
    """Return the yearly rows with total and balance (South Korea's exports less its imports), in million dollars."""
    table = []
    for row in read("trade_flows", ["year", X, M, TOTAL, *SHARES, "reporter", "status", "note"]):
        sold, bought, printed = number(row, X), number(row, M), number(row, TOTAL)
        both = sold is not None and bought is not None
        total = sold + bought if both else printed
        if both and printed is not None and abs(total - printed) > 1:
            raise BuildError(f"trade_flows.csv: year {row['year']}: flows add up to {total}, printed total is {printed}")
        table.append({**{column: row[column] for column in ["year", X, M, *SHARES, "reporter", "status", "note"]},
                      "total_usd_mn": total, "kor_balance_usd_mn": sold - bought if both else None})
    return table


def check(table):
    """Raise BuildError when a total, a balance or a sum of balances strays from South Korea's printed figure."""
    year = {int(row["year"]): row for row in table}
    columns = ["first_year", "last_year", "measure", "reporter", "value_usd_mn"]
    for row in read("trade_official", columns):
        first, last, measure = int(row["first_year"]), int(row["last_year"]), row["measure"]
        if measure not in LIMITS or row["reporter"] != "KOR" or not row["value_usd_mn"] or first < min(year):
            continue
        if absent := [y for y in range(first, last + 1) if y not in year]:
            raise BuildError(f"trade_flows.csv: year {absent[0]} is missing, inside a span of trade_official ({measure} {first}-{last}); add it, blank if not known")
        column = "total_usd_mn" if measure == "total_trade" else "kor_balance_usd_mn"
        ours = [year[y][column] for y in range(first, last + 1)]
        known = [value for value in ours if value is not None]
        if len(ours) - len(known) > GAP_YEARS:
            raise BuildError(f"trade: {measure} {first}-{last}: {len(ours) - len(known)} years without a value")
        if not known:
            continue
        # For this check alone, a missing year inside a span stands at the mean of its neighbours.
        filled = sum(value if value is not None else (year[y - 1][column] + year[y + 1][column]) / 2
                     for y, value in zip(range(first, last + 1), ours))
        printed = Decimal(row["value_usd_mn"])
        stray = abs(filled / printed - 1) * 100
        if stray > LIMITS[measure]:
            raise BuildError(f"trade: {measure} {first}-{last}: {filled} is {stray:.1f}% from the printed {printed}; "
                             f"{LIMITS[measure]}% is allowed")


def trade():
    """Return the checked rows of trade.csv, one a year."""
    table = flows()
    check(table)
    return table


if __name__ == "__main__":
    print(write("trade", COLUMNS, trade()))
