"""South Korea's income per head as a percentage of Japan's, for every yardstick and vintage apart."""

from common import BuildError, read, write

COLUMNS = ["measure", "vintage", "year", "kor_value", "jpn_value", "kor_per_100_jpn"]


def ratios():
    """Return one dict per measure, vintage and year in which both countries have a value."""
    book = {}
    for row in read("gdp_population", ["year", "country", "measure", "vintage", "value"]):
        if row["measure"].startswith("gdp_per_head_"):
            key = row["measure"], row["vintage"], int(row["year"])
            book.setdefault(key, {})[row["country"]] = row["value"]
    table = []
    for (measure, vintage, year), value in sorted(book.items()):
        if len(value) < 2:
            continue
        if float(value["JPN"]) <= 0:
            raise BuildError(f"gdp_population.csv: {measure}, {vintage}, JPN {year}: {value['JPN']!r} is not above zero")
        table.append({"measure": measure, "vintage": vintage, "year": year, "kor_value": value["KOR"], "jpn_value": value["JPN"],
                      "kor_per_100_jpn": f"{float(value['KOR']) / float(value['JPN']) * 100:.2f}"})
    return table


if __name__ == "__main__":
    print(write("income_ratio", COLUMNS, ratios()))
