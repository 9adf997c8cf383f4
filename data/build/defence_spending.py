"""Military spending in dollars, implied by its share of output, for the years of one vintage of output only."""

from common import BuildError, read, write

COLUMNS = ["year", "country", "milex_pct_gdp", "milex_usd_bn", "status"]
VINTAGE = "wdi_2026_06"  # the one release that holds rebased output for both countries
FIRST = 2018


def spending():
    """Return one dict per country and year that has a share; dollars are current and blank before 2018."""
    output = {}
    for row in read("gdp_population", ["year", "country", "measure", "vintage", "value"]):
        if (row["measure"], row["vintage"]) == ("gdp_current", VINTAGE):
            output[row["country"], int(row["year"])] = float(row["value"])
    table = []
    for row in read("defence_share", ["year", "country", "milex_pct_gdp"]):
        key = row["country"], int(row["year"])
        if key[1] >= FIRST and key not in output:
            raise BuildError(f"gdp_population.csv: no gdp_current of vintage {VINTAGE} for {key[0]} {key[1]}, which defence_share needs")
        implied = float(row["milex_pct_gdp"]) / 100 * output[key] / 1e9 if key[1] >= FIRST else None
        table.append({"year": key[1], "country": key[0], "milex_pct_gdp": row["milex_pct_gdp"],
                      "milex_usd_bn": None if implied is None else f"{implied:.1f}",
                      "status": "reported" if implied is None else "derived"})
    return table


if __name__ == "__main__":
    print(write("defence_spending", COLUMNS, spending()))
