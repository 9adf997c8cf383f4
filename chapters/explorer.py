"""The explorer of chapter 10: five questions to the book's tables, each with choices, and an answer that can be checked.

Public name: `explore`. A question writes five statements of pandas and Altair from the reader's choices, one a line;
those are then run, so that what a reader sees is what they give. Live, controls choose and the answer follows; in the stored
form (HOUSE_OUTPUT=stored) the same questions are charts whose controls need no kernel.
"""
import base64
import io
import os
import re
import sys
import tokenize
from dataclasses import dataclass, field
from html import escape

import altair as alt
import pandas as pd

import house

__all__ = ["explore"]

INK, PAPER, MUTED, RULE, WEAK, JAPAN, KOREA = (house.PALETTE[name] for name in ("ink", "paper", "muted", "rule", "weak", "japan", "korea"))
WAY = {"KOR-JPN": "South Koreans to Japan", "JPN-KOR": "Japanese to South Korea"}
COLOURS = {"JPN": JAPAN, "KOR": KOREA, "KOR-JPN": KOREA, "JPN-KOR": JAPAN}
MARKS = {"JPN": "circle", "KOR": "square", "JPN-KOR": "circle", "KOR-JPN": "square"}  # so that colour is not alone in telling the two apart
#: Codes of the tables, as readers see them.
WORDS = {"jnto": "Japan National Tourism Organization", "kto": "Korea Tourism Organization", "kto-press": "Korea Tourism Organization, in the press", "moj-kr": "South Korea's justice ministry",
         "cabinet_office_2024_12": "Japan's Cabinet Office, December 2024", "gapminder": "Gapminder", "wdi_2026_06": "World Bank, June 2026", "wdi_2026_07": "World Bank, July 2026", "wdi_before_rebasing": "World Bank, before rebasing",
         "koreans_registered": "registered foreigners, with Chosen status", "koreans_resident": "residents, with Chosen status", "rok_resident": "South Korean nationals only",
         "importers": "importers' own records", "KOR": "South Korean customs", "carried_partner": "carried the other's people", "shared_charter": "shared charter", "help_on_the_way": "help on the way"}
IMPORTS = "import altair as alt, pandas as pd, house; house.enable()"


class Nothing(Exception):
    """A choice that has no answer; the message is the sentence that the reader gets."""


@dataclass
class View:
    """An answer: the sentence, and, unless the choice has none, five statements, the rows and the chart they give."""
    said: str
    code: str = ""
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    chart: object = None
    tables: tuple = ()


def number(value):
    """A number as prose writes it: 9,459,711, 590, 25.5."""
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:,.1f}"


def listed(words):
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def plural(count, one, many=None):
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def span(choices):
    """The years chosen, as a condition on `{}`; raises Nothing where they run backwards."""
    first, last = choices["years"]
    if first > last:
        raise Nothing(f"The years run backwards, from {first} to {last}: let the first be the earlier one.")
    return f"{first} <= {{}} <= {last}"


def coloured(column, names, keys):
    """Encoding that gives each of `names` the colour of its country, with a legend above."""
    return f"alt.Color('{column}:N', title=None).scale(domain={names}, range={[COLOURS[key] for key in keys]})"


def shaped(column, names, keys):
    """Encoding that gives the points of each of `names` the mark of its country as well."""
    return f"alt.Shape('{column}:N', title=None).scale(domain={names}, range={[MARKS[key] for key in keys]})"


# ---- leader meetings ---------------------------------------------------------------------------------------------

KINDS = {"visit": "Visits", "margins": "On the margins of other events", "informal": "Talks that one side called informal", "brief": "Greetings and corridor talks"}
GROUPS = {"year": "rows.date.dt.year", "pair": "rows.jp_leader + ' and ' + rows.kr_leader", "place": "rows.country.map(house.COUNTRIES).fillna('third countries')"}


def write_meetings(choices):
    kinds = [kind for kind in KINDS if choices[kind]]
    if not kinds:
        raise Nothing("No kind of meeting is switched on, so there is nothing to count: switch on at least one.")
    group, years = choices["by"], span(choices).format("date.dt.year")
    table = 'house.load("leader_meetings")'
    if "brief" in kinds:
        table = f"pd.concat([{table}, house.load(\"brief_encounters\").query(\"not counted and duration_min.fillna(1) > 0\").assign(kind='brief')])"
    weak = "" if choices["weak"] else " and confidence == 'high'"
    first, last = choices["years"]
    along = (f"alt.X('year:Q', title=None).scale(domain=[{first - 1}, {last + 1}], nice=False).axis(format='d', tickMinStep=1), alt.Y('n:Q', title='meetings').scale(domain=[0, max(rows.n) + 1]).axis(tickMinStep=1)"
             if group == "year" else f"alt.X('n:Q', title='meetings').scale(domain=[0, max(rows.n) + 1]).axis(tickMinStep=1), alt.Y('{group}:N', title=None, sort='-x').axis(labelLimit=280)")
    fills = {"visit": INK, "margins": PAPER, "informal": RULE, "brief": WEAK}
    return ("leader_meetings",) + ("brief_encounters",) * ("brief" in kinds), "\n".join([
        IMPORTS,
        f"rows = {table}.query(\"{years} and kind in {kinds}{weak}\").sort_values('date')",
        f"rows = rows.assign({group}={GROUPS[group]}, kind=rows.kind.map(house.MEETINGS)).assign(n=lambda m: m.groupby('{group}').cumcount() + 1)",
        f"dots = alt.Chart(rows, width=600{', height=alt.Step(22)' * (group != 'year')}).mark_point(size={110 if group != 'year' else 70}, opacity=1, stroke='{INK}', strokeWidth=1.4)",
        f"dots.encode({along}, fill=alt.Fill('kind:N', title=None).scale(domain={[house.MEETINGS[kind] for kind in kinds]}, range={[fills[kind] for kind in kinds]}), tooltip=[*map(alt.Tooltip, ['date:T', 'jp_leader', 'kr_leader', 'city', 'kind'])])"])


def tell_meetings(rows, choices):
    first, last = choices["years"]
    counted = rows.groupby(choices["by"]).size().sort_values(ascending=False)
    most = counted[counted.eq(counted.iloc[0])].index
    led = (f"; {'most' if choices['by'] != 'place' else 'more in ' + most[0] + ' than elsewhere'}, {counted.iloc[0]}{', in ' + listed(map(str, sorted(most))) if choices['by'] == 'year' else ', by ' + listed(most) if choices['by'] == 'pair' else ''}"
           if len(counted) > 1 and len(most) <= 3 else "")
    thin = ("Before 1993 only visits are on file, from 1993 to 1997 the list is partial, and before 1983 nothing was found." if first < 1998 else
            "The list is complete or nearly so from 1998; what was not found may still have taken place.")
    return f"By this rule, {first} to {last} has {plural(len(rows), 'meeting')} of the two leaders{led}. A count is worth no more than its rule: say which you used. {thin}"


# ---- two series --------------------------------------------------------------------------------------------------

YEAR = "pd.to_datetime(t.year, format='%Y')"
#: name: (table, rows as an expression, date, value, unit, part: lines of different parts are not joined)
SERIES = {
    "South Koreans to Japan, by month": ("visitors_monthly", "house.load('visitors_monthly').query(\"main_series and direction == 'KOR-JPN'\")", "t.month", "t.visitors", "visitors a month", "t.series"),
    "Japanese to South Korea, by month": ("visitors_monthly", "house.load('visitors_monthly').query(\"main_series and direction == 'JPN-KOR'\")", "t.month", "t.visitors", "visitors a month", "t.series"),
    "South Koreans to Japan, by year": ("visitors_annual", "house.load('visitors_annual').query(\"main_series and direction == 'KOR-JPN'\")", YEAR, "t.visitors", "visitors a year", "t['count']"),
    "Japanese to South Korea, by year": ("visitors_annual", "house.load('visitors_annual').query(\"main_series and direction == 'JPN-KOR'\")", YEAR, "t.visitors", "visitors a year", "t['count']"),
    "Leaders' meetings": ("leader_meetings", "house.load('leader_meetings').date.dt.year.value_counts().reindex(range(1998, 2026), fill_value=0).rename_axis('year').reset_index(name='meetings')", YEAR, "t.meetings", "meetings a year", "'all kinds'"),
    "North Korean missiles": ("missile_years", "house.load('missile_years').query('complete')", YEAR, "t.missiles", "missiles a year", "'complete years'"),
    "Won for 100 yen": ("exchange_rates", "house.load('exchange_rates')", YEAR, "t.krw_per_100jpy", "won, average of the year", "'annual average'"),
    "South Korea's income per head, 2015 dollars": ("income_ratio", "house.load('income_ratio').query(\"measure == 'gdp_per_head_constant_2015'\")", YEAR, "t.kor_per_100_jpn", "per 100 of Japan's", "t.vintage"),
    "South Korea's income per head, purchasing power": ("income_ratio", "house.load('income_ratio').query(\"measure == 'gdp_per_head_ppp_2021'\")", YEAR, "t.kor_per_100_jpn", "per 100 of Japan's", "t.vintage"),
    "South Korea's income per head, current dollars": ("income_ratio", "house.load('income_ratio').query(\"measure == 'gdp_per_head_current'\")", YEAR, "t.kor_per_100_jpn", "per 100 of Japan's", "t.vintage"),
    "Japan's military spending": ("defence_share", "house.load('defence_share').query(\"country == 'JPN'\")", YEAR, "t.milex_pct_gdp", "% of output", "'annual share'"),
    "South Korea's military spending": ("defence_share", "house.load('defence_share').query(\"country == 'KOR'\")", YEAR, "t.milex_pct_gdp", "% of output", "'annual share'"),
    "Votes alike at the United Nations": ("un_votes", "house.load('un_votes')", YEAR, "t.agreement_pct", "% of roll calls", "t.series"),
    "Japanese who feel close to South Korea": ("affinity", "house.load('affinity').rename(columns={'survey_year': 'year'})", YEAR, "t.feel_affinity_pct", "% of those asked", "t['mode']"),
    "Koreans among foreign residents of Japan": ("residents_share", "house.load('residents_share')", "t.as_of", "t.share_pct", "% of all foreign residents", "t.series"),
    "Trade between the two": ("trade", "house.load('trade')", YEAR, "t.total_usd_mn", "million US dollars a year", "t.reporter"),
    "Organisations that both belong to": ("shared_organisations", "house.load('shared_organisations')", YEAR, "t.shared_organisations", "organisations", "'full members'"),
}


def take(name):
    """The expression for the rows of a series in one form: date, series, value, part, and where they come from."""
    _, rows, date, value, _, part = SERIES[name]
    given = ", ".join(f"{column}={text}" if text.startswith("'") else f"{column}=lambda t: {text}" for column, text in (("date", date), ("value", value), ("part", part)))
    return f"{rows}.assign(what={name!r}, {given})"


def write_series(choices):
    one, two = choices["one"], choices["two"]
    if one == two:
        raise Nothing(f"Both choices are the same series, {one}: pick another for one of them.")
    kept = f"rows = pd.concat([one, two]).reindex(columns=['date', 'what', 'value', 'part', 'status', 'publisher', 'source_url']).dropna(subset='value').query(\"{span(choices).format('date.dt.year')}\").assign(run=lambda t: t.groupby('what').date.diff().dt.days.gt(400).cumsum())"
    lines = [IMPORTS, f"one = {take(one)}", f"two = {take(two)}", kept]
    rows, _ = run("\n".join([*lines, "None"]))
    for name in (one, two):
        if name not in set(rows.what):
            raise Nothing(f"{name} has no value from {choices['years'][0]} to {choices['years'][1]}: widen the years, or pick another series.")
    shared = years_of(rows, one) & years_of(rows, two)
    if not shared:
        raise Nothing(f"The two series share no year from {choices['years'][0]} to {choices['years'][1]}: {one} has {extent(rows, one)}, {two} has {extent(rows, two)}.")
    moments = f" + (moment := alt.Chart(house.load('key_moments').query(\"'{rows.date.min():%Y-%m-%d}' <= date <= '{rows.date.max():%Y-%m-%d}'\").assign(mark=lambda m: m.id.map(lambda n: chr(9311 + n)))).encode(alt.X('date:T'), tooltip=[*map(alt.Tooltip, ['date:T', 'label'])])).mark_rule(strokeDash=[3, 3]) + moment.mark_text(fontSize=14, dy=-8).encode(alt.YValue(0), alt.Text('mark'))" if choices["moments"] else ""
    line = "mark_line(point={'size': 14}, clip=True)"
    axis = f"alt.X('date:T', title=None).scale(domain=['{rows.date.min():%Y-%m-%d}', '{rows.date.max():%Y-%m-%d}'])"
    if choices["shown"] == "panels":
        units = [SERIES[name][4] for name in (one, two)]
        last = f"alt.vconcat(*[alt.Chart(panel, width=600, height=170, title=alt.Title(what, subtitle=unit, offset=26, frame='group')).{line}.encode({axis}, alt.Y('value:Q', title=None), detail=[*map(alt.Detail, ['part', 'run'])], tooltip=[*map(alt.Tooltip, ['date:T', 'value', 'part'])]){moments} for (what, panel), unit in zip(rows.drop(columns=['status', 'publisher', 'source_url']).groupby('what', sort=False), {units})])"
    else:
        means = rows.assign(value=rows.value.astype(float)).groupby([rows.what, rows.date.dt.year]).value.mean()
        bases = [year for year in sorted(shared) if means[one, year] and means[two, year]]
        if not bases:
            raise Nothing("The two series share no year in which both are above zero, so neither can be set to 100: show them in two panels.")
        lines[3] += f".assign(index=lambda t: (100 * t.value.astype(float) / t.what.map(t[t.date.dt.year.eq({bases[0]})].groupby('what').value.mean().astype(float))).round(1))"
        last = f"alt.Chart(rows.drop(columns=['status', 'publisher', 'source_url']), width=600, height=330).{line}.encode({axis}, alt.Y('index:Q', title='{bases[0]} = 100'), alt.Color('what:N', title=None).scale(domain={[one, two]}, range={[INK, WEAK]}).legend(labelLimit=330, columns=1), detail=[*map(alt.Detail, ['part', 'run'])], tooltip=[*map(alt.Tooltip, ['date:T', 'what', 'value', 'index'])]){moments}"
    return tuple(dict.fromkeys([SERIES[one][0], SERIES[two][0], *["key_moments"] * choices["moments"]])), "\n".join([*lines, last])


def years_of(rows, name):
    return set(rows[rows.what.eq(name)].date.dt.year)


def extent(rows, name):
    years = years_of(rows, name)
    return f"{min(years)} to {max(years)}" if len(years) > 1 else f"{min(years)}"


def tell_series(rows, choices):
    shared = years_of(rows, choices["one"]) & years_of(rows, choices["two"])
    told = []
    for name in (choices["one"], choices["two"]):
        own = rows[rows.what.eq(name)].sort_values("date")
        form = "%B %Y" if SERIES[name][2] != YEAR else "%Y"
        told.append(f"{name}: {number(own.value.iloc[0])} in {own.date.iloc[0].strftime(form)}, {number(own.value.iloc[-1])} in {own.date.iloc[-1].strftime(form)} ({SERIES[name][4]})")
    broken = " Lines break where the way of counting changes: do not read a step there as a change." if rows.groupby("what").part.nunique().max() > 1 else ""
    return f"{'; '.join(told)}. They share {plural(len(shared), 'year')}. Two lines that turn together do not show that one moved the other; a numbered moment says when, never why.{broken}"


# ---- visitors ----------------------------------------------------------------------------------------------------

def write_visitors(choices):
    ways = [way for way in WAY if choices[way]]
    if not ways:
        raise Nothing("Neither direction is switched on: switch on at least one.")
    base, monthly = choices["base"], choices["step"] == "month"
    table, date = ("visitors_monthly", "month") if monthly else ("visitors_annual", "year")
    key, where = ("t.direction + t.month.dt.strftime('%m')", "rows.month.dt.year") if monthly else ("t.direction", "rows.year")
    years = span(choices).format("month.dt.year" if monthly else "year")
    gap = "" if monthly else ".sort_values(['direction', 'year']).assign(run=lambda t: t.groupby('direction').year.diff().gt(1).cumsum())"  # no line across years not found
    lines = ["series"] if monthly else ["count", "run"]
    points = "alt.X('month:T', title=None)" if monthly else "alt.X('year:Q', title=None).scale(zero=False, nice=False).axis(format='d', tickMinStep=1)"
    return (table,), "\n".join([
        IMPORTS,
        f"rows = house.load('{table}').query(\"main_series and direction in {ways}\").assign(who=lambda t: t.direction.map({WAY}), key=lambda t: {key})",
        f"base = rows[{where}.eq({base})].set_index('key').visitors",
        f"rows = rows.assign(pct=(100 * rows.visitors / rows.key.map(base)).astype(float).round(1)).dropna(subset='pct').query(\"{years}\"){gap}",
        f"alt.Chart(rows[{[date, 'who', 'visitors', 'pct', *lines]}], width=600, height=330).mark_line(point={{'size': {14 if monthly else 50}}}).encode({points}, alt.Y('pct:Q', title='% of {'the same month of ' if monthly else ''}{base}'), {coloured('who', [WAY[way] for way in ways], ways)}, {shaped('who', [WAY[way] for way in ways], ways)}, detail=[*map(alt.Detail, {lines})], tooltip=[*map(alt.Tooltip, ['{date}{':T' if monthly else ''}', 'who', 'visitors', 'pct'])]) + alt.Chart(pd.DataFrame({{'pct': [100]}})).mark_rule(color='{INK}').encode(alt.Y('pct:Q'))"])


def tell_visitors(rows, choices):
    step, base = choices["step"], choices["base"]
    told = []
    for way in [way for way in WAY if choices[way]]:
        own = rows[rows.direction.eq(way)].sort_values(step)
        if own.empty:
            told.append(f"for {WAY[way]} no figure of {base} was found to set these years against, so that line is missing")
        else:
            last, when = own.iloc[-1], f"{own.month.iloc[-1]:%B %Y}" if step == "month" else str(own.year.iloc[-1])
            told.append(f"{WAY[way]}: {number(last.visitors)} in {when}, {number(last.pct)}% of {'the same month of ' * (step == 'month')}{base}")
    return (f"{'; '.join(told)}. The base year decides how this looks, and no base shows what travel would have been without a quarrel or a pandemic. "
            f"Each arrival counts, so one traveller can count twice; a line breaks where {'its source changes' if step == 'month' else 'no figure was found'}.")


# ---- evacuations -------------------------------------------------------------------------------------------------

CRISES = ["conflict", "unrest", "attack", "epidemic", "disaster"]
PEOPLE = {"announced": ("rows.partner_headline", "people, as announced"), "citizens": ("rows.citizens_partner", "citizens only"),
          "relatives": ("rows.citizens_partner + rows.relatives_partner.fillna(0)", "citizens and their relatives"), "operations": ("1", "flights, convoys and other operations")}
CARRIED = {"JPN": "South Koreans, by Japan", "KOR": "Japanese, by South Korea"}
OTHER = {"JPN": "KOR", "KOR": "JPN"}  # the colour is of those carried, as in the chapters


def write_carried(choices):
    operators = [country for country in house.COUNTRIES if choices[country]]
    if not operators:
        raise Nothing("Neither country is switched on as the carrier: switch on at least one.")
    kind = "" if choices["crisis"] == "all" else f" and crisis_kind == '{choices['crisis']}'"
    people, unit = PEOPLE[choices["count"]]
    by = [CARRIED[country] for country in operators]
    return ("evacuations",), "\n".join([
        IMPORTS,
        f"rows = house.load('evacuations').query(\"joint and partner_headline.fillna(1) > 0 and operator_country in {operators} and {span(choices).format('month.dt.year')}{kind}\")",
        f"rows = rows.assign(people={people}, by=rows.operator_country.map({CARRIED}), operation=rows.month.dt.strftime('%b %Y') + ', ' + rows.place).assign(figure=lambda t: t.people.astype('string').fillna('no figure published') + ', by ' + t.operator_country.map(house.COUNTRIES), at=lambda t: t.people.fillna(0))",
        f"bars = alt.Chart(rows, width=330, height=alt.Step(15)).encode(alt.Y('operation:N', sort=[*rows.operation], title=None).axis(labelLimit=330), alt.X('people:Q', title='{unit}').axis(tickMinStep=1), alt.YOffset('by:N').scale(domain={by}))",
        f"bars.mark_bar().encode({coloured('by', by, [OTHER[country] for country in operators])}, tooltip=[*map(alt.Tooltip, ['date:T', 'place', 'by', 'people'])]) + bars.mark_text(align='left', dx=5).encode(alt.X('at:Q', title='{unit}'), alt.Text('figure:N'))"])


def tell_carried(rows, choices):
    unit = PEOPLE[choices["count"]][1]
    told = []
    for country, other in (("JPN", "South Koreans"), ("KOR", "Japanese")):
        own = rows[rows.operator_country.eq(country)]
        if choices[country]:
            told.append(f"{house.COUNTRIES[country]} carried {other} {plural(len(own), 'time')}" if choices["count"] == "operations" else
                        f"{house.COUNTRIES[country]} carried {number(own.people.sum())} {other} ({unit}) in {plural(int(own.people.notna().sum()), 'operation')}")
    blank = int(rows.partner_headline.isna().sum())
    blanks = f" Of {plural(blank, 'more operation' if choices['count'] != 'operations' else 'operation')} no figure was published: blank is not zero." if blank else ""
    return f"{choices['years'][0]} to {choices['years'][1]}: {'; '.join(told)}.{blanks} A few relatives of other nationality make the difference between the ways of counting, so name yours."


# ---- polls -------------------------------------------------------------------------------------------------------

ASKED = {"impression": "Impression of the other country", "relations": "State of relations", "trust": "Can the other country be trusted?", "closeness": "Feel close to it?",
         "liking": "Like or dislike it?", "favourability": "Favourable view of it?", "people": "Favourable view of its people?"}


POLLSTERS = {"every pollster": "all", "Asahi and Dong-A": "asahi-donga", "Dong-A": "donga", "East Asia Institute": "eai", "East Asia Institute, API and KEI": "eai-api-kei",
             "Gallup Korea": "gallup-korea", "Genron NPO and East Asia Institute": "genron-eai", "Japan Press Research Institute": "jpri", "Korea Economic Research Institute": "keri",
             "Mainichi and Chosun": "mainichi-chosun", "NHK and KBS": "nhk-kbs", "Nikkei": "nikkei", "Yomiuri and Hankook": "yomiuri-hankook"}


def write_polls(choices):
    asked = [country for country in house.COUNTRIES if choices[country]]
    if not asked:
        raise Nothing("Neither side is switched on: switch on the Japanese, the South Koreans, or both.")
    only = "" if choices["pollster"] == "all" else f" and pollster == '{choices['pollster']}'"
    names = [f"asked in {house.COUNTRIES[country]}" for country in asked]
    return ("polls",), "\n".join([
        IMPORTS,
        f"rows = house.load('polls').query(\"question == '{choices['question']}' and {'' if choices['friendly'] else 'not '}positive and country in {asked} and {span(choices).format('year')}{only}\")",
        f"rows = rows.assign(asked='asked in ' + rows.country.map(house.COUNTRIES), line=(rows['mode'].isna() | rows['mode'].ne(rows.groupby(['pollster', 'country'])['mode'].shift())).groupby([rows.pollster, rows.country]).cumsum(), shown=rows.status.eq('second-hand').map({{True: '{PAPER}'}}).fillna(rows.country.map({ {country: COLOURS[country] for country in house.COUNTRIES} })))",
        f"poll = alt.Chart(rows, width=600, height=120).encode(alt.X('year:Q', title=None).scale(zero=False, padding=12).axis(format='d', tickMinStep=1), alt.Y('value_pct:Q', title='%').scale(domain=[0, 100]).axis(tickCount=3), {coloured('asked', names, asked)}, {shaped('asked', names, asked)}, alt.Detail('line:N'), tooltip=[*map(alt.Tooltip, ['year', 'asked', 'value_pct', 'mode', 'fieldwork'])])",
        "alt.layer(poll.mark_line(), poll.mark_point(size=55, opacity=1, filled=False, strokeWidth=2).encode(fill=alt.Fill('shown:N', scale=None))).facet(row=alt.Row('pollster_name:N', title=None).header(labelAngle=0, labelOrient='top', labelAnchor='start'))"])


def tell_polls(rows, choices):
    told = []
    for country in [country for country in house.COUNTRIES if choices[country]]:
        own = rows[rows.country.eq(country)].sort_values(["year", "pollster"])
        told.append(f"asked in {house.COUNTRIES[country]}: {number(own.value_pct.iloc[-1])}% in {own.year.iloc[-1]} ({own.pollster_name.iloc[-1]}), the latest of {plural(len(own), 'reading')}" if len(own) else f"in {house.COUNTRIES[country]} nobody was asked this in these years, as far as was found")
    answer = "the friendly answer" if choices["friendly"] else "the unfriendly answer"
    second = " Hollow dots were read in copies of a named report." if rows.status.eq("second-hand").any() else ""
    return f"{ASKED[choices['question']].rstrip('?')}: share who gave {answer}, {'; '.join(told)}. Compare only within one pollster and one way of asking; no line joins two.{second}"


# ---- questions and their controls ---------------------------------------------------------------------------------

@dataclass
class Question:
    """`controls`: {name: (label, options, value first shown)}; options are {words: value}, bool for a toggle, (first, last) for years."""
    title: str
    controls: dict
    write: object
    tell: object
    columns: dict
    empty: str = "No row fits this choice: widen the years, or switch more kinds on."


QUESTIONS = {
    "meetings": Question("How often did the leaders meet, by my rule?", {
        "by": ("Count by", {"year": "year", "pair of leaders": "pair", "place": "place"}, "year"), "years": ("Years", (1983, 2026), (1998, 2026)),
        **{kind: (label, bool, kind != "brief") for kind, label in KINDS.items()}, "weak": ("Meetings known from weak sources", bool, True)},
        write_meetings, tell_meetings, {"date": "Date", "jp_leader": "Japan", "kr_leader": "South Korea", "city": "City", "kind": "Kind", "confidence": "Confidence"}),
    "series": Question("How do two series run beside each other?", {
        "one": ("First series", {name: name for name in SERIES}, "South Koreans to Japan, by month"), "two": ("Second series", {name: name for name in SERIES}, "Won for 100 yen"),
        "shown": ("Show", {"two panels, one time axis": "panels", "both as an index": "index"}, "panels"), "years": ("Years", (1950, 2026), (1996, 2026)), "moments": ("Key moments", bool, True)},
        write_series, tell_series, {"date": "Date", "what": "Series", "value": "Value", "part": "Count", "status": "Status"}),
    "visitors": Question("How much travel, against which year?", {
        "base": ("Base year", {str(year): year for year in range(1996, 2026)}, 2018), "step": ("By", {"month": "month", "whole year": "year"}, "month"), "years": ("Years", (1989, 2026), (2010, 2026)),
        **{way: (label, bool, True) for way, label in WAY.items()}},
        write_visitors, tell_visitors, {"month": "Month", "year": "Year", "who": "Travellers", "visitors": "Visitors", "pct": "% of the base", "status": "Status"},
        "No figure of the base year, or none of these years, was found for this direction: take another base year or widen the years. Japanese figures by month begin in 2009 and lack June 2020 to December 2021."),
    "carried": Question("Who carried whom out of a crisis?", {
        "count": ("Count", {words: key for key, (_, words) in PEOPLE.items()}, "announced"), "crisis": ("Crisis", {"every kind": "all", **{kind: kind for kind in CRISES}}, "all"), "years": ("Years", (1990, 2026), (2020, 2026)),
        **{country: (f"Carried by {name}", bool, True) for country, name in house.COUNTRIES.items()}},
        write_carried, tell_carried, {"operation": "Operation", "by": "Carried", "figure": "Number", "crisis_kind": "Crisis", "joint_kind": "How", "confidence": "Confidence"},
        "No operation that took citizens of the other country along was found for this choice. The first on file is of March 2020; that is what was found, not proof that none came earlier."),
    "polls": Question("What do the two peoples say of each other?", {
        "question": ("Asked about", {words: key for key, words in ASKED.items()}, "relations"), "pollster": ("Pollster", POLLSTERS, "all"), "years": ("Years", (1995, 2025), (2010, 2025)),
        "friendly": ("The friendly answer (off: the unfriendly one)", bool, True), **{country: (f"Asked in {name}", bool, True) for country, name in house.COUNTRIES.items()}},
        write_polls, tell_polls, {"year": "Year", "pollster_name": "Poll", "asked": "Asked", "value_pct": "%", "mode": "How", "status": "Status"},
        "No reading was found for this question, pollster, side and time: take another pollster or widen the years. Each pollster asks only some of the questions."),
}


def run(code):
    """Run the lines of a view; return the rows and the chart that they give."""
    *lines, last = code.splitlines()
    names = {}
    exec("\n".join(lines), names)
    return names["rows"], eval(last, names) if len(names["rows"]) else None


def view(name, **choices):
    """Answer question `name` for these choices (controls left out stand as first shown). Raises ValueError for what no control offers."""
    if name not in QUESTIONS:
        raise ValueError(f"there is no question {name!r}; there are {listed(list(QUESTIONS))}")
    question = QUESTIONS[name]
    if strange := set(choices) - set(question.controls):
        raise ValueError(f"question {name!r} has no control {listed(sorted(strange))}; it has {listed(list(question.controls))}")
    for control, value in choices.items():
        _, offered, _ = question.controls[control]
        if offered is bool and not isinstance(value, bool):
            raise ValueError(f"{control} of question {name!r} is True or False, not {value!r}")
        if isinstance(offered, dict) and value not in offered.values():
            raise ValueError(f"{control} of question {name!r} is one of {listed([*map(repr, offered.values())])}, not {value!r}")
        if isinstance(offered, tuple) and not (isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(year, int) for year in value)):
            raise ValueError(f"{control} of question {name!r} are two, such as {offered}, not {value!r}")
    choices = {**{control: value for control, (_, _, value) in question.controls.items()}, **choices}
    try:
        tables, code = question.write(choices)
        rows, chart = run(code)
    except Nothing as why:
        return View(str(why))
    except ValueError as error:  # a table that is not there or broken: house.load says which, where and how to mend it
        return View(f"The table cannot be read: {error}")
    if rows.empty:
        return View(question.empty)
    return View(question.tell(rows, choices), code, rows, chart, tables)


# ---- the panel ----------------------------------------------------------------------------------------------------

STYLE = f"""<style>
.ask {{ background: {PAPER}; color: {INK}; border-top: 3px solid {INK}; padding: 18px 20px; max-width: 800px; font: 14px/1.5 Arial, 'Liberation Sans', sans-serif; }}
.ask .widget-label, .ask .widget-label-basic, .ask .widget-readout {{ color: {INK}; font: 13px Arial, 'Liberation Sans', sans-serif; height: auto; overflow: visible; text-align: left; }}
.ask .widget-dropdown, .ask .widget-slider {{ flex-flow: column; align-items: stretch; width: auto; min-width: 190px; height: auto; margin: 4px 18px 8px 0; overflow: visible; }}
.ask .widget-dropdown > select {{ background-color: {PAPER}; color: {INK}; border: 0; border-bottom: 2px solid {INK}; border-radius: 0; font: bold 14px Arial, 'Liberation Sans', sans-serif; height: 32px; max-width: 340px; }}
.ask .widget-slider {{ min-width: 260px; padding-right: 12px; }} .ask .widget-dropdown > *, .ask .widget-slider > * {{ flex: none !important; }} .ask .widget-slider .slider-container {{ margin: 12px 8px 4px; }}
.ask .noUi-connect, .ask .widget-slider .noUi-connects {{ background: {RULE}; }} .ask .noUi-connect {{ background: {INK} !important; }}
.ask .noUi-handle {{ background: {PAPER} !important; border: 2px solid {INK} !important; }}
.ask .widget-checkbox {{ width: auto; height: auto; margin: 3px 18px 3px 0; overflow: visible; }} .ask .widget-checkbox input {{ accent-color: {INK}; width: 17px; height: 17px; }}
.ask select:focus-visible, .ask input:focus-visible, .ask .noUi-handle:focus, .ask a:focus-visible, .ask summary:focus-visible, .ask .scroll:focus-visible {{ outline: 3px solid {JAPAN} !important; outline-offset: 2px; }}
.ask-choices {{ flex-flow: row wrap; align-items: flex-end; border-bottom: 1px solid {RULE}; padding-bottom: 10px; overflow: visible; }} .ask-pick select {{ font-size: 19px !important; height: 38px !important; max-width: 100% !important; font-family: Georgia, serif !important; }}
.ask .said {{ font: 18px/1.5 Georgia, 'Times New Roman', serif; margin: 12px 0; max-width: 66ch; color: {INK}; }} .ask .small {{ color: {MUTED}; font-size: 13px; }}
.ask .scroll {{ max-height: 260px; overflow: auto; border-top: 1px solid {RULE}; border-bottom: 1px solid {RULE}; }} .ask table {{ border-collapse: collapse; font-size: 13px; color: {INK}; margin: 0; }} .ask .widget-html-content, .ask .small {{ line-height: 1.45; }}
.ask th, .ask td {{ text-align: left !important; padding: 4px 14px 4px 0; border-bottom: 1px solid {RULE}; vertical-align: top; background: {PAPER}; min-width: 4.5em; max-width: 280px; }} .ask td.d {{ white-space: nowrap; }} .ask thead th {{ position: sticky; top: 0; }} .ask td.n {{ text-align: right !important; font-variant-numeric: tabular-nums; }}
.ask a {{ color: {JAPAN}; text-decoration: underline; }} .ask a.get {{ display: inline-block; color: {INK}; border: 2px solid {INK}; padding: 5px 12px; margin: 10px 10px 6px 0; text-decoration: none; font-weight: bold; }} .ask a.get:hover {{ background: {INK}; color: {PAPER}; }}
.ask summary {{ cursor: pointer; font-weight: bold; padding: 6px 0; }} .ask pre {{ background: #f5f1e6; color: {INK}; padding: 12px; overflow-x: auto; font-size: 12px; white-space: pre-wrap; overflow-wrap: anywhere; }} .ask .drawing {{ overflow-x: auto; }} .ask img {{ max-width: 100%; min-width: 460px; height: auto; }}
</style><script>window.askNames ??= new MutationObserver(() => document.querySelectorAll(".ask [role=slider]:not([aria-label])").forEach(handle =>
  handle.ariaLabel = handle.closest(".widget-slider").querySelector(".widget-label").textContent + (handle.matches(".noUi-handle-lower") ? ", first" : ", last")));
askNames.observe(document.body, {{childList: true, subtree: true}});</script>"""  # ipywidgets leaves the handles of a slider without a name


def control(label, options, value):
    import ipywidgets
    if options is bool:
        return ipywidgets.Checkbox(description=label, value=value, indent=False)
    if isinstance(options, dict):
        return ipywidgets.Dropdown(description=label, options=[*options.items()], value=value, style={"description_width": "initial"})
    return ipywidgets.IntRangeSlider(description=label, min=options[0], max=options[1], value=value, continuous_update=False, readout_format="d", style={"description_width": "initial"})


def cell(value):
    if pd.isna(value):
        return "<td></td>"
    if isinstance(value, pd.Timestamp):
        return f'<td class="d">{value:%Y-%m-%d}</td>'
    plain = isinstance(value, str) or 1000 < value < 2100 and float(value).is_integer()  # a year wants no thousands mark
    return f"<td>{escape(str(WORDS.get(value, value)))}</td>" if plain else f'<td class="n">{value:,g}</td>' if abs(value) < 1e5 else f'<td class="n">{value:,.0f}</td>'


def download(name, text, kind, words):
    return f'<a class="get" download="{name}" href="data:{kind};base64,{base64.b64encode(text.encode()).decode()}">{words}</a>'


def laid_out(code, width=88):
    """The statements with long ones broken after commas and before method calls, inside brackets, so that each stays one."""
    shown = []
    for line in code.splitlines():
        (name, body), start, pieces = re.match(r"(\w+ = )?(.*)", line).groups(""), 0, []
        tokens = [*tokenize.generate_tokens(io.StringIO(body).readline)]
        ends = [token.end[1] + 1 if token.string == "," else token.start[1] for before, token in zip(tokens, tokens[1:]) if token.string == "," or before.string == ")" and token.string == "."]
        for end, following in zip(ends, [*ends[1:], len(body)]):
            if following - start > width:
                pieces, start = [*pieces, body[start:end].rstrip()], end
        shown.append(f"{name}({(chr(10) + '    ').join([*pieces, body[start:]])})" if pieces else line)
    return "\n".join(shown)


def drawn(chart, words):
    """The chart as a notebook's output. A drawing comes at once, where Vega would be sent anew; Python in the browser has the page's own Vega."""
    if sys.platform == "emscripten":
        return alt.renderers.get()(chart.properties(description=words).to_dict())
    import vl_convert
    svg = base64.b64encode(vl_convert.vegalite_to_svg(chart.to_dict()).encode()).decode()
    return {"text/html": f'<div class="drawing" tabindex="0"><img alt="{escape(words)}" src="data:image/svg+xml;base64,{svg}"></div>'}


def output(data):
    """Rich data as what an Output widget holds."""
    return {"output_type": "display_data", "data": data, "metadata": {}},


def below(name, answer):
    """What stands under a chart: rows with their sources, the CSV or why there is none, and the code."""
    columns = {column: label for column, label in QUESTIONS[name].columns.items() if column in answer.rows}
    kept = [*columns, *(column for column in ("publisher", "source_url") if column in answer.rows)]
    entries = [house._resource(table) for table in answer.tables]
    links = [f'<a href="{escape(source["path"])}" target="_blank" rel="noopener">{escape(source["title"])}</a>' if source.get("path") else escape(source["title"]) for entry in entries for source in entry["sources"]]
    sourced = "publisher" in answer.rows
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in [*columns.values(), *["Source"] * sourced])
    lines = []
    for row in answer.rows.to_dict("records"):
        url, source = row.get("source_url"), row.get("publisher")
        credit = "" if not sourced else "<td></td>" if pd.isna(source) else f'<td><a href="{escape(url)}" target="_blank" rel="noopener">{escape(source)}</a></td>' if isinstance(url, str) and url.startswith("http") else f"<td>{escape(source)}</td>"
        lines.append(f"<tr>{''.join(cell(row[column]) for column in columns)}{credit}</tr>")
    closed = [entry for entry in entries if not entry["redistribute"]]
    csv = ("".join(f'<p class="small">No CSV: {escape(entry["redistribute_note"])}</p>' for entry in closed) or
           download(f"{name}.csv", answer.rows[kept].to_csv(index=False), "text/csv", f"Get these rows as CSV ({len(answer.rows):,})"))
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="The rows behind the chart"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
            f'<p class="small">{plural(len(answer.rows), "row")} of {listed([f"<code>{table}</code>" for table in answer.tables])}. Source: {"; ".join(dict.fromkeys(links))}. As of {min(entry["retrieved"] for entry in entries)}.</p>'
            f'{csv}{download(f"{name}.py", laid_out(answer.code) + chr(10), "text/x-python", "Get the code")}'
            f'<details><summary>Five statements that give this chart and these rows</summary><pre tabindex="0">{escape(laid_out(answer.code))}</pre></details>')


def panel(name):
    """Controls, chart, sentence and rows as one widget; each question keeps its choices when another is looked at."""
    import ipywidgets
    pages, pick = {}, control("Question", {question.title: key for key, question in QUESTIONS.items()}, name).add_class("ask-pick")
    choices, said, drawing, rest = ipywidgets.Box().add_class("ask-choices"), ipywidgets.HTML(), ipywidgets.Output(), ipywidgets.HTML()

    def answer(*_):
        found = view(pick.value, **{key: widget.value for key, widget in pages[pick.value].items()})
        said.value = f'<p class="said" role="status">{escape(found.said)}</p>'
        drawing.outputs = () if found.chart is None else output(drawn(found.chart, found.said))
        rest.value = "" if found.chart is None else below(pick.value, found)

    def turn(*_):
        if pick.value not in pages:
            pages[pick.value] = {key: control(*given) for key, given in QUESTIONS[pick.value].controls.items()}
            for widget in pages[pick.value].values():
                widget.observe(answer, "value")
        choices.children = [*pages[pick.value].values()]
        answer()

    pick.observe(turn, "value")
    turn()
    return ipywidgets.VBox([ipywidgets.Output(outputs=output({"text/html": STYLE})), pick, choices, said, drawing, rest]).add_class("ask")


# ---- the same questions on the page, without a kernel --------------------------------------------------------------

def choose(name, options, words, start=None):
    return alt.param(name, value=start or options[0], bind=alt.binding_select(options=[*options], name=words))


def stored_meetings():
    rule = choose("rule", ["every meeting", "visits only", "all but informal talks", "all but weakly sourced"], "Count")
    rows = house.load("leader_meetings").assign(year=lambda m: m.date.dt.year, told=lambda m: m.kind.map(house.MEETINGS))[["date", "year", "jp_leader", "kr_leader", "city", "kind", "told", "confidence"]]
    dots = (alt.Chart(rows).transform_filter("rule == 'every meeting' || (rule == 'visits only' && datum.kind == 'visit') || (rule == 'all but informal talks' && datum.kind != 'informal') || (rule == 'all but weakly sourced' && datum.confidence == 'high')")
        .transform_window(n="row_number()", groupby=["year"], sort=[alt.SortField("date")]).mark_point(size=alt.expr("width < 400 ? 26 : 62"), opacity=1, stroke=INK, strokeWidth=1.3)
        .encode(alt.X("year:Q", title=None).scale(domain=[1982, 2027], nice=False).axis(format="d", tickCount=6), alt.Y("n:Q", title=None).scale(domain=[0, 8]).axis(tickCount=4),
                fill=alt.when("datum.kind == 'visit'").then(alt.value(INK)).otherwise(alt.value(PAPER)), tooltip=["date:T", "jp_leader", "kr_leader", "city", "told"]))
    return house.publish(dots.add_params(rule).properties(height=230), id="explore-meetings", table="leader_meetings", title="Ninety-one meetings by the widest rule, 38 if only visits count",
        subtitle="One dot for each meeting of the two leaders, by year. Filled: a visit to the other country; hollow: elsewhere, or informal",
        alt="Columns of dots by year. They thin out around two gaps and are tallest near the right end. A control counts visits only, or leaves out informal talks or weakly sourced meetings.",
        columns={"date": "Date", "jp_leader": "Prime minister", "kr_leader": "President", "city": "City", "told": "Kind"},
        note="Before the late nineties the list is thin: visits only at first, then partial. A gap there is a gap in the list.")


def stored_series():
    frames = []
    for name, (table, *_, unit, _) in SERIES.items():
        own = eval(take(name), {"house": house, "pd": pd})[["date", "what", "value", "part"]].dropna(subset="value")
        if "by month" in name:  # by quarter: a page's figure wants a third of the rows
            own = own.groupby(["what", "part", own.date.dt.to_period("Q").dt.start_time])["value"].mean().round().reset_index()
        frames.append(own.assign(value=own.value.astype(float).round(2), part=own.part.replace(WORDS), unit=unit, run=own.date.diff().dt.days.gt(400).cumsum()))
    rows = pd.concat(frames)
    rows = rows[rows.date.ge("1990")].assign(date=lambda t: t.date.dt.strftime("%Y-%m-%d"))
    names = [name for name in SERIES if name in set(rows.what)]
    millions = [name for name in names if SERIES[name][4].startswith("visitors")]
    upper, lower = choose("upper", names, "Above"), choose("lower", names, "Below", "Won for 100 yen")
    time = alt.X("date:T", title=None).scale(domain=["1990-01-01", "2026-12-31"]).axis(format="%Y", tickCount=6)
    moments = house.load("key_moments").query("date > '1998'").assign(mark=lambda m: m.id.map(lambda n: chr(9311 + n)), lift=lambda m: m.id.map({5: -16, 7: -30, 9: -16}).fillna(-2))[["date", "mark", "lift"]]
    moment, layers = alt.Chart(moments).encode(alt.X("date:T")), []
    for param, (top, foot) in (("upper", (50, 175)), ("lower", (245, 370))):
        one = alt.Chart(rows).transform_filter(f"datum.what == {param}")
        layers += [one.mark_line(color=INK, point={"size": 12, "color": INK, "aria": False}, aria=False).encode(time, alt.Y("value:Q", title=None).scale(range=[foot, top]).axis(tickCount=3, orient="left", minExtent=52, labelExpr=f"datum.value && indexof({millions}, {param}) >= 0 ? format(datum.value / 1e6, ',') + 'm' : format(datum.value, ',')"), detail=["part:N", "run:N"], tooltip=["date:T", "what:N", "value:Q"]),
                   *(one.transform_aggregate(unit="min(unit)", groupby=["what"]).mark_text(align="left", baseline="bottom", color=shade).encode(text=f"{word}:N", x=alt.value(0), y=alt.value(top - up)) for word, shade, up in (("what", INK, 26), ("unit", MUTED, 11)))]
    chart = alt.layer(moment.mark_rule(strokeDash=[3, 3]), moment.mark_text(fontSize=14, baseline="bottom").encode(y=alt.value(alt.expr("datum.lift")), text="mark:N"), *layers).resolve_scale(y="independent")
    closed = [name for name in names if not house._resource(SERIES[name][0])["redistribute"]]
    return house.publish(chart.add_params(upper, lower).properties(height=375), id="explore-series", table=[*dict.fromkeys([table for table, *_ in SERIES.values()]), "key_moments"], title="Trips to Japan reached a record in early 2026; a hundred yen cost a third less in 2025 than in 2012",
        subtitle="Two series of your choice since 1990, one above the other, each on its own scale. Circled numbers: key moments; m: million",
        alt="Two panels share a time axis: above, South Koreans going to Japan, climbing with two falls; below, the price of the yen in won, swinging. Dashed lines mark numbered moments. Two controls choose the series.",
        columns={"date": "Date", "what": "Series", "value": "Value", "unit": "Unit", "part": "Count"},
        note="A line breaks where the way of counting changes or a year is missing. Monthly counts are drawn as means of quarters. That two lines turn together does not show that one moved the other.",
        terms=("Terms differ by series: see each table", f"no open licence was found for {listed([f'“{name}”' for name in closed])}. Every other series can be downloaded from its own table."))


def stored_visitors():
    rows = house.load("visitors_annual").query("main_series")[["year", "direction", "visitors", "count"]].sort_values(["direction", "year"])
    rows["run"] = rows.groupby("direction").year.diff().gt(1).cumsum()  # no line across years not found
    both = sorted(rows[rows.direction.eq("KOR-JPN")].year)
    rows = rows.assign(direction=rows.direction.map(WAY), count=rows["count"].map(WORDS))
    base = choose("base", [str(year) for year in both], "Base year", "2018")
    names = pd.DataFrame({"direction": [WAY["JPN-KOR"], WAY["KOR-JPN"]], "mark": ["●", "■"], "up": [14, 32]})
    flow = (alt.Chart(rows).transform_calculate(then="datum.year == toNumber(base) ? datum.visitors : null").transform_joinaggregate(base_visitors="max(then)", groupby=["direction"])
        .transform_filter("isValid(datum.base_visitors) && datum.base_visitors > 0").transform_calculate(pct="100 * datum.visitors / datum.base_visitors"))
    colour, shape = (encoding("direction:N", legend=None).scale(domain=[*WAY.values()], range=[look[way] for way in WAY]) for encoding, look in ((alt.Color, COLOURS), (alt.Shape, MARKS)))
    line = flow.encode(alt.X("year:Q", title=None).scale(domain=[1989, 2026], nice=False).axis(format="d", tickCount=6), alt.Y("pct:Q", title=None).axis(labelExpr="datum.label + '%'", tickCount=5, minExtent=52), colour)
    chart = (alt.Chart(pd.DataFrame({"pct": [100]})).mark_rule(color=INK).encode(alt.Y("pct:Q"))
        + line.mark_line(aria=False).encode(detail="run:N") + line.mark_point(size=40, opacity=1, aria=False).encode(shape, tooltip=["year:Q", "direction:N", "visitors:Q", alt.Tooltip("pct:Q", format=".0f", title="% of the base year")])
        + alt.Chart(names).transform_calculate(text="datum.mark + ' ' + datum.direction").mark_text(align="left", fontWeight="bold").encode(x=alt.value(4), y=alt.value(alt.expr("datum.up")), text="text:N", color=alt.Color("direction:N", legend=None).scale(domain=[*WAY.values()], range=[house.PALETTE["korea_text"], JAPAN])))
    return house.publish(chart.resolve_scale(color="independent").add_params(base).properties(height=300), id="explore-base-year", table="visitors_annual", title="Against 2018 both ways stood about a quarter higher in 2025; against 2012 one stood 363% higher, the other 4%",
        subtitle="Visitors a year as % of the base year. South Koreans to Japan (orange squares), Japanese to South Korea (blue dots). Line across: level with the base year",
        alt="Two lines, one with squares and one with dots, of travellers as a share of a base year, one falling to almost nothing in the pandemic, the other less far in the years found, both above the base since. A control changes the base year.",
        columns={"year": "Year", "direction": "Direction", "visitors": "Visitors", "count": "Count"},
        note="Where no Japanese figure of the base year was found, the blue line is missing. Lines break where no figure was found. No base shows what travel would have been without a quarrel or a pandemic.")


def stored_carried():
    rows = view("carried", years=(1990, 2026)).rows
    rows = pd.concat([rows.assign(basis=words, people=pd.to_numeric(eval(people, {"rows": rows})), place=rows.month.dt.strftime("%Y-%m ") + rows.id) for people, words in PEOPLE.values() if words[0] != "f"])
    rows = rows.assign(label=lambda t: t.people.astype("string").fillna("no figure"), people=lambda t: t.people.astype(float).fillna(0), carrier=rows.operator_country.map(house.COUNTRIES).mask(rows.joint_kind.eq("shared_charter").fillna(False), "both, hired together"),
        name=lambda t: t.month.dt.strftime("%b %Y, ") + t.place_countries.str[:3].map(house.load("countries").set_index("code").name_en) + " · by " + t.carrier)[["id", "operation", "name", "operator_country", "carrier", "basis", "people", "label"]]
    basis = choose("basis", [*dict.fromkeys(rows.basis)], "Count")
    bar = alt.Chart(rows).transform_filter("datum.basis == basis").encode(alt.Y("id:N", title=None).axis(None), alt.X("people:Q", title=None).scale(domain=[0, 70]).axis(None))
    chart = (bar.mark_bar(height=9, yOffset=8).encode(alt.Color("operator_country:N", legend=None).scale(domain=["KOR", "JPN"], range=[JAPAN, KOREA]), opacity=alt.when("datum.carrier == 'both, hired together'").then(alt.value(0.4)).otherwise(alt.value(1)), tooltip=["operation:N", "carrier:N", "basis:N", "people:Q"])
        + bar.mark_text(align="left", dx=5, dy=8).encode(text="label:N") + bar.mark_text(align="left", dy=-6, color=MUTED).encode(x=alt.value(0), text="name:N"))
    return house.publish(chart.add_params(basis).properties(height=alt.Step(34)), id="explore-carried", table=["evacuations", "countries"], title="Of the operations that one side ran alone, South Korea’s are known to have taken most of the other’s people, by every count",
        subtitle="People of the other country on board each operation, and who carried them. Blue: Japanese carried by South Korea; orange: South Koreans carried by Japan; pale: a charter hired together",
        alt="Bars by operation in order of time, each with its carrier: pandemic charters first, then Sudan, Israel and the Gulf. The longest is a charter hired together, then come South Korean flights carrying Japanese. Two operations have no figure. A control changes the count.",
        columns={"operation": "Operation", "carrier": "Carried by", "basis": "Count", "label": "People"},
        note="Named by the first country left. No figure means that none was published, not that nobody was on board.")


def stored_polls():
    rows = house.load("polls")
    rows = rows.assign(series=rows.question.map(ASKED).str.rstrip("?") + ": " + rows.pollster.map({key: words for words, key in POLLSTERS.items()}), answer=rows.positive.map({True: "friendly", False: "unfriendly"}), country=rows.country.map(house.COUNTRIES), way=rows["mode"].fillna("not found"))
    each = ["series", "answer", "country"]
    rows = rows[rows.groupby("series").year.transform("nunique").ge(3)].sort_values([*each, "year"])
    apart = rows.way.eq("not found") | rows.way.ne(rows.groupby(each).way.shift())  # a line does not jump over rounds asked in another way
    rows = rows.assign(line=apart.groupby([rows[name] for name in each]).cumsum())[["year", *each, "value_pct", "way", "line", "status"]]
    series = choose("series", sorted(rows.series.unique()), "Poll", "State of relations: Yomiuri and Hankook")
    answer = alt.param("answer", value="friendly", bind=alt.binding_radio(options=["friendly", "unfriendly"], name="Answer"))
    colour, shape, fill = (encoding("country:N", legend=None).scale(domain=[*house.COUNTRIES.values()], range=[look[country] for country in house.COUNTRIES]) for encoding, look in ((alt.Stroke, COLOURS), (alt.Shape, MARKS), (alt.Fill, COLOURS)))
    point = alt.Chart(rows).transform_filter("datum.series == series && datum.answer == answer").encode(alt.X("year:Q", title=None).scale(domain=[1994, 2026], nice=False).axis(format="d", tickCount=6), alt.Y("value_pct:Q", title=None).scale(domain=[0, 100]).axis(tickCount=4, labelExpr="datum.label + '%'"),
        colour, tooltip=["year:Q", "country:N", "value_pct:Q", "way:N", "status:N"])
    names = pd.DataFrame({"country": [*house.COUNTRIES.values()], "mark": ["●", "■"], "up": [12, 30]})
    chart = (point.mark_line(aria=False).encode(detail="line:N") + point.mark_point(size=60, opacity=1, aria=False).encode(shape, fill=alt.when("datum.status == 'second-hand'").then(alt.value(PAPER)).otherwise(fill))
        + alt.Chart(names).transform_calculate(text="datum.mark + ' asked in ' + datum.country").mark_text(align="left", fontWeight="bold").encode(x=alt.value(4), y=alt.value(alt.expr("datum.up")), text="text:N", color=alt.Color("country:N", legend=None).scale(domain=[*house.COUNTRIES.values()], range=[JAPAN, house.PALETTE["korea_text"]])))
    return house.publish(chart.resolve_scale(color="independent").add_params(series, answer).properties(height=280), id="explore-polls", table="polls", title="Relations are good, said 6% in South Korea and 13% in Japan in 2020; in 2025 it was 55% and 52%",
        subtitle="Share who gave the answer, of Japanese asked about South Korea (blue dots) and South Koreans asked about Japan (orange squares). Hollow: read in a copy of a named report",
        alt="One poll, dots for Japan and squares for South Korea: the share who call relations good falls to 13% and 6% by 2020 and is above half in both by 2025. Controls choose another pollster and question, and the friendly or the unfriendly answer.",
        columns={"year": "Year", "series": "Question and pollster", "answer": "Answer", "country": "Asked in", "value_pct": "Share (%)", "way": "How"},
        note="Polls with fewer rounds are in the table only. No line joins two ways of asking. A round whose way of asking was not found stands alone.")


STORED = {"meetings": stored_meetings, "series": stored_series, "visitors": stored_visitors, "carried": stored_carried, "polls": stored_polls}


def explore(name):
    """Return question `name` as a panel with controls, or, in the stored form, as a published chart; the names are in `QUESTIONS`."""
    if name not in QUESTIONS:
        raise ValueError(f"there is no question {name!r}; there are {listed(list(QUESTIONS))}")
    return STORED[name]() if os.environ.get("HOUSE_OUTPUT") == "stored" else panel(name)
