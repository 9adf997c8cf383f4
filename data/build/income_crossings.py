"""The year South Korea's income per head passed Japan's, by yardstick and vintage."""

from common import write
from income_ratio import ratios

COLUMNS = ["measure", "vintage", "first_year", "last_year", "crossed_in", "ahead_since", "last_kor_per_100_jpn"]


def crossings():
    """Return one dict per series of two years or more: first year above 100, start of the unbroken lead, and where the series ends.

    A series that starts above 100 has no year of crossing: when it crossed lies outside it.
    """
    series = {}
    for row in ratios():
        series.setdefault((row["measure"], row["vintage"]), []).append((row["year"], float(row["kor_per_100_jpn"])))
    table = []
    for (measure, vintage), points in sorted(series.items()):
        if len(points) < 2:
            continue
        above = [year for year, ratio in points if ratio > 100]
        below = [year for year, ratio in points if ratio <= 100]
        crossed = above[0] if above and below and below[0] < above[0] else None
        lead = [year for year in above if not below or year > below[-1]]
        table.append({"measure": measure, "vintage": vintage, "first_year": points[0][0], "last_year": points[-1][0],
                      "crossed_in": crossed, "ahead_since": lead[0] if lead and below else None,
                      "last_kor_per_100_jpn": f"{points[-1][1]:.2f}"})
    return table


if __name__ == "__main__":
    print(write("income_crossings", COLUMNS, crossings()))
