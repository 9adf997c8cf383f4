"""Choose one rate a year (Federal Reserve where it has one, else Penn) and compute won per 100 yen."""

from common import BuildError, read, write

COLUMNS = ["year", "jpy_per_usd", "krw_per_usd", "krw_per_100jpy", "jpy_provider", "krw_provider"]
LIMIT = 1.0  # per cent by which the two providers may differ in a year that both cover


def rates():
    """Return one dict per year from 1950; the cross rate is blank until the won has a rate."""
    book = {}
    for row in read("exchange_rates_usd", ["year", "currency", "provider", "per_usd"]):
        book[row["currency"], int(row["year"]), row["provider"]] = float(row["per_usd"])
    table = []
    for year in sorted({key[1] for key in book}):
        chosen = {}
        for currency in ("JPY", "KRW"):
            fred, penn = book.get((currency, year, "FRED")), book.get((currency, year, "PWT"))
            if fred and penn and abs(fred / penn - 1) * 100 > LIMIT:
                raise BuildError(f"exchange_rates_usd.csv: {currency} {year}: FRED {fred} and PWT {penn} differ by more than {LIMIT}%")
            chosen[currency] = (fred, "FRED") if fred else (penn, "PWT" if penn else None)
        (yen, yen_from), (won, won_from) = chosen["JPY"], chosen["KRW"]
        if not yen:
            raise BuildError(f"exchange_rates_usd.csv: {year} has a rate of the won and none of the yen; add it, or remove the other")
        table.append({"year": year, "jpy_per_usd": yen, "krw_per_usd": won,
                      "krw_per_100jpy": f"{won / yen * 100:.4f}" if won else None,
                      "jpy_provider": yen_from, "krw_provider": won_from})
    return table


if __name__ == "__main__":
    print(write("exchange_rates", COLUMNS, rates()))
