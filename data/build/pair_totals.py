"""Count the bilateral meetings of each pair of leaders.

Counts come from leader_meetings alone. Pairs without a meeting are in the table, with zeros,
when brief_encounters knows them: they are the pairs that governed together and never sat down.
"""

from common import BuildError, day, one_of, read, write

KINDS = ("visit", "margins", "informal")
COLUMNS = ["jp_leader", "kr_leader", "meetings", "visits", "margins", "informal", "in_japan", "in_south_korea",
           "in_third_country", "low_confidence", "first_date", "last_date", "span_days", "mean_gap_days", "record"]
# The list of meetings is complete from the presidency of Kim Dae-jung, partial before and thin before 1993.
RECORD = {"Chun Doo-hwan": "incomplete", "Roh Tae-woo": "incomplete", "Kim Young-sam": "partial"}


def totals():
    """Return one dict per pair, ordered by the two names."""
    meetings = read("leader_meetings", ["date", "jp_leader", "kr_leader", "country", "kind", "confidence"])
    brief = read("brief_encounters", ["date", "jp_leader", "kr_leader"])
    pairs = {}
    for row in meetings:
        one_of("leader_meetings", row, "kind", KINDS)
        pairs.setdefault((row["jp_leader"], row["kr_leader"]), []).append(row)
    for row in brief:
        pairs.setdefault((row["jp_leader"], row["kr_leader"]), [])
    table = [total(*pair, pairs[pair]) for pair in sorted(pairs)]
    if sum(row["meetings"] for row in table) != len(meetings):
        raise BuildError("pair_totals: the pairs do not add up to the rows of leader_meetings")
    return table


def total(jp_leader, kr_leader, rows):
    """Return the counts of one pair; the mean gap needs three meetings or more."""
    dates = sorted(day("leader_meetings", row, "date") for row in rows)
    span = (dates[-1] - dates[0]).days if dates else None
    kind = [row["kind"] for row in rows]
    place = [row["country"] for row in rows]
    return {
        "jp_leader": jp_leader, "kr_leader": kr_leader, "meetings": len(rows),
        "visits": kind.count("visit"), "margins": kind.count("margins"), "informal": kind.count("informal"),
        "in_japan": place.count("JPN"), "in_south_korea": place.count("KOR"),
        "in_third_country": len(rows) - place.count("JPN") - place.count("KOR"),
        "low_confidence": sum(row["confidence"] == "low" for row in rows),
        "first_date": dates[0] if dates else None, "last_date": dates[-1] if dates else None, "span_days": span,
        "mean_gap_days": f"{span / (len(dates) - 1):.1f}" if len(dates) > 2 else None,
        "record": RECORD.get(kr_leader, "complete"),
    }


if __name__ == "__main__":
    print(write("pair_totals", COLUMNS, totals()))
