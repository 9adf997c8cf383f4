"""A small book about two rivers, written into a folder: what the tests of the extension build and read."""
import json
import os
import subprocess
import sys
from pathlib import Path

import altair as alt
import nbformat
import pandas as pd

EXTENSION = Path(__file__).resolve().parents[2] / "book"
COLORS = {"#fffdf8": "--paper", "#1d1d1b": "--ink", "#5c584f": "--muted", "#d9d3c5": "--rule", "#2f4b8f": "--japan", "#d9622b": "--korea",
          "#b8501c": "--korea-text", "#4a4a46": "--both", "#8a8578": "--weak"}
BLUE, RED, INK, QUIET, RULE = "#2f4b8f", "#d9622b", "#1d1d1b", "#5c584f", "#d9d3c5"
CONFIG = {"font": "Arial, 'Liberation Sans', sans-serif", "background": "#fffdf8", "view": {"stroke": None},
          "title": {"color": INK, "subtitleColor": QUIET},
          "axis": {"labelColor": QUIET, "titleColor": QUIET, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": RULE,
                   "domainColor": RULE, "tickColor": RULE}, "axisX": {"grid": False}, "axisY": {"domain": False, "ticks": False},
          "header": {"labelColor": INK, "labelFontSize": 13, "title": None}, "text": {"fontSize": 12, "color": INK},
          "legend": {"labelFontSize": 12, "titleFontSize": 12, "orient": "top", "labelColor": INK, "titleColor": QUIET}}
CSS = """
:root { --paper: #fffdf8; --ink: #1d1d1b; --muted: #5c584f; --rule: #d9d3c5; --japan: #2f4b8f; --korea: #d9622b; --korea-text: #b8501c; --both: #4a4a46; --weak: #8a8578;
  --serif: Georgia, serif; --sans: Arial, 'Liberation Sans', sans-serif; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --scheme: dark; --paper: #15161a; --ink: #ece8df; --muted: #a8a397; --rule: #3a3b40; --japan: #8fa8ea; --korea: #e8794a; --korea-text: #f0936a;
  --both: #c9c4b8; --weak: #8f8b80; } }
html { background: var(--paper); color: var(--ink); } body { margin: 0 auto; padding: 0 16px; max-width: 780px; font: 18px/1.6 Georgia, serif; }
a { color: inherit } h1 { font-size: 2rem; line-height: 1.15 } pre { overflow-x: auto; font-size: 13px } .headerlink { display: none }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 2rem }
"""
LAYOUT = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'">
<title>{{ title|striptags|e }}</title><meta name="description" content="Two rivers">
<link rel="icon" href="data:,">{%- for css in css_files if 'charts-' in css.filename or 'sample' in css.filename %}{{ css_tag(css) }}{% endfor %}
{%- for js in script_files if js.filename and 'charts-' in js.filename %}{{ js_tag(js) }}{% endfor %}</head><body><main>{{ (body or '').split('<script type="text/x-thebe-config">')[0] }}</main></body></html>
"""

OPTIONS = """search_bar_text launch_buttons path_to_docs repository_url repository_branch extra_footer home_page_in_toc announcement analytics
use_repository_button use_edit_page_button use_issues_button""".split()


def spec(chart, name, title, columns, *, subtitle="Metres above the gauge, yearly means, 2000 to 2024", alt=None, **more):
    """A chart as the extension wants it: a Vega-Lite spec with `usermeta.figure`."""
    chart = chart.properties(title={"text": title, "subtitle": subtitle}).to_dict()
    figure = {"id": name, "title": title, "subtitle": subtitle, "alt": alt or f"A drawing of {name} that shows how the two rivers differ over the years.", "note": None,
              "columns": columns, "sources": [{"title": "River survey", "url": "https://example.org/survey", "publisher": "Survey office"}], "tables": ["levels"],
              "license": {"title": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}, "as_of": "2026-11-23", "download": True, "download_note": None}
    return {**chart, "usermeta": {"figure": figure | more}, "config": CONFIG}


def levels():
    years = range(2000, 2025)
    rows = [{"year": year, "date": f"{year}-01-01T00:00:00", "river": river, "level_m": round(base + (year * 7 % 11) / 6 + slope * (year - 2000), 2)}
            for river, base, slope in (("Upper", 2.0, .05), ("Lower", 3.4, -.04)) for year in years]
    return pd.DataFrame(rows)


def specs():
    """One chart of every kind that the extension promises to carry, by id."""
    table, fields = levels(), {"year": "Year", "river": "River", "level_m": "Level (m)"}
    color = alt.Color("river:N", scale=alt.Scale(domain=["Upper", "Lower"], range=[BLUE, RED]), legend=None)
    base = alt.Chart(table)
    bar = alt.Chart(table[table.river == "Upper"]).mark_bar(color=BLUE).encode(
        x=alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)), y=alt.Y("level_m:Q", title="Level (m)"), tooltip=["year", "level_m"])
    line = base.mark_line().encode(x=alt.X("date:T", title=None), y=alt.Y("level_m:Q", title=None), color=color)
    ends = base.transform_filter("datum.year == 2024").mark_text(align="right", dy=alt.expr("datum.river == 'Upper' ? -22 : 20")).encode(
        x="date:T", y="level_m:Q", text="river:N", color=alt.Color("river:N", scale=alt.Scale(domain=["Upper", "Lower"], range=[BLUE, "#b8501c"]), legend=None))
    dots = base.mark_point(filled=True, size=70).encode(x=alt.X("level_m:Q", title="Level (m)", axis=alt.Axis(tickCount=5)), y=alt.Y("year:O", title=None), color=color, tooltip=["river", "year", "level_m"])
    spans = base.mark_rule(color=RULE, strokeWidth=2).encode(x="min(level_m):Q", x2="max(level_m):Q", y="year:O")
    square = (lambda x, y, side: {"type": "Polygon", "coordinates": [[[x, y], [x, y + side], [x + side, y + side], [x + side, y], [x, y]]]})
    lands = [{"type": "Feature", "properties": {"name": name, "area_km2": area}, "geometry": square(x, y, side)} for name, area, x, y, side in
             (("North field", 16, 128, 34, 4), ("South field", 9, 134, 33, 3))]
    land = alt.Chart(alt.Data(values=lands)).mark_geoshape(stroke="#fffdf8").encode(
        color=alt.Color("properties.name:N", scale=alt.Scale(range=[BLUE, RED]), legend=None), tooltip=["properties.name:N"]).project("mercator").properties(height=260)
    towns = pd.DataFrame({"town": ["Ford", "Mill"], "lon": [130.0, 135.5], "lat": [36.0, 34.5]})
    names = alt.Chart(towns).mark_text(align="left", dx=6).encode(longitude="lon:Q", latitude="lat:Q", text="town:N", color=alt.when("datum.town == 'Ford'").then(alt.value("#fffdf8")).otherwise(alt.value(INK)))
    places = alt.Chart(towns).mark_circle(color=INK, size=40).encode(longitude="lon:Q", latitude="lat:Q", tooltip=["town"])
    part = base.mark_area(opacity=.85).encode(x=alt.X("date:T", title=None), y=alt.Y("level_m:Q", title="Level (m)"), color=color).properties(height=110)
    stack = alt.vconcat(*[part.transform_filter(f"datum.river == '{river}'").properties(width="container", title=alt.Title(river, anchor="start", fontSize=13)) for river in ("Upper", "Lower")])
    rows = part.encode(row=alt.Row("river:N", header=alt.Header(labelAngle=0, labelAlign="left")))
    which = alt.param(name="which", value="Upper", bind=alt.binding_select(options=["Upper", "Lower"], name="Show the river"))
    least = alt.param(name="least", value=0, bind=alt.binding_range(min=0, max=5, step=.5, name="with at least (m)"))
    mark = alt.param(name="mark", value=False, bind=alt.binding_checkbox(name="Mark 2010"))
    shape = alt.param(name="shape", value="circle", bind=alt.binding_radio(options=["circle", "square"], labels=["round", "square"], name="Points"))
    chosen = base.transform_filter("datum.river == which && datum.level_m >= least").mark_point(filled=True, size=60, shape=alt.expr("shape")).encode(
        x=alt.X("year:Q", title=None, scale=alt.Scale(domain=[2000, 2024]), axis=alt.Axis(format="d")), y=alt.Y("level_m:Q", title="Level (m)", scale=alt.Scale(domain=[0, 6])),
        color=alt.condition("mark && datum.year == 2010", alt.value(RED), alt.value(BLUE)), tooltip=["year", "river", "level_m"]).add_params(which, least, mark, shape)
    brush, pick = alt.selection_interval(name="brush", encodings=["x"]), alt.selection_point(name="pick", fields=["river"], bind="legend")
    brushed = base.mark_circle(size=60).encode(x=alt.X("date:T", title=None), y=alt.Y("level_m:Q", title="Level (m)"), tooltip=["year", "river", "level_m"],
                                               color=alt.Color("river:N", scale=alt.Scale(domain=["Upper", "Lower"], range=[BLUE, RED]), title="River"),
                                               opacity=alt.condition(brush & pick, alt.value(1), alt.value(.15))).add_params(brush, pick)
    above = part.encode(opacity=alt.condition(alt.selection_interval(name="span", encodings=["x"]), alt.value(1), alt.value(.3)))
    linked = alt.vconcat(above.mark_circle().properties(width="container").add_params(alt.selection_interval(name="span", encodings=["x"])),
                         base.transform_filter(alt.selection_interval(name="span", encodings=["x"])).mark_bar().encode(x="mean(level_m):Q", y=alt.Y("river:N", title=None), color=color).properties(width="container"))
    wide = {"width": "container"}
    phone = dots.encode(y=alt.Y("level_m:Q"), x=alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))).to_dict()
    phone = {key: phone[key] for key in ("data", "mark", "encoding")}
    return {one["usermeta"]["figure"]["id"]: one for one in (
        spec(bar.properties(**wide), "upper-by-year", "The upper river rose in most years", {"year": "Year", "level_m": "Level (m)"}, note="The gauge was *moved* in 2011.", tables=["levels", "gauges"]),
        spec((line + ends).resolve_scale(color="independent").properties(**wide), "two-lines", "The two rivers have drawn closer since 2000", {"date": "Year", "river": "River", "level_m": "Level (m)"}),
        spec((spans + dots).properties(**wide), "dots", "The gap was widest early in the century", fields, phone=phone),
        spec((land + names + places).properties(**wide), "map", "Both gauges stand near a town", {"town": "Town", "lon": "Longitude (°E)", "lat": "Latitude (°N)"}, subtitle="Fields and towns",
             download=False, download_note="The survey office keeps the coordinates to itself."),
        spec(stack, "stack", "Seen apart, each river keeps its own pace", fields),
        spec(rows, "rows", "The same, one row for each river", fields),
        spec(chosen.properties(**wide), "chosen", "Few years passed five metres on either river", fields),
        spec(brushed.properties(**wide), "brushed", "A span of years can be picked out from the rest", {"date": "Date", "river": "River", "level_m": "Level (m)"}),
        spec(linked, "linked", "The mean of a span follows from the span", {"date": "Date", "river": "River", "level_m": "Level (m)"}))}


def chart_cell(content, tags=()):
    figure = (content.get("usermeta") or {}).get("figure") or {}
    output = nbformat.v4.new_output("execute_result", {"application/vnd.vegalite.v6+json": content, "text/plain": f"{figure.get('id')}: chart"}, execution_count=1)
    return nbformat.v4.new_code_cell("chart  # the code of this chart", outputs=[output], execution_count=1, metadata={"tags": list(tags)})


def notebook(contents, title="# Two rivers", before=()):
    """A notebook: a heading, a set-up cell, then for each spec a line of prose and its chart cell."""
    cells = [nbformat.v4.new_markdown_cell(title), nbformat.v4.new_code_cell("import rivers", metadata={"tags": ["hide-input"]}), *before]
    for content in contents:
        name = ((content.get("usermeta") or {}).get("figure") or {}).get("id")
        cells += [nbformat.v4.new_markdown_cell(f"Some words before the chart. See {{numref}}`fig-{name}`." if name else "Words."), chart_cell(content, ["hide-input"])]
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}})
    for index, cell in enumerate(made.cells):
        cell["id"] = f"cell-{index}"
    return made


def write_book(folder, contents=None, pages=None, options=None, theme=None):
    """Write a book: `index.md`, `one.ipynb` holding `contents`, more `pages` (name -> text or notebook), config and layout."""
    folder = Path(folder)
    (folder / "_theme" / "plain" / "static").mkdir(parents=True, exist_ok=True)
    contents = list(specs().values()) if contents is None else contents
    ids = [one["usermeta"]["figure"]["id"] for one in contents if "usermeta" in one]
    front = "# Front page\n\n" + (f"The first is {{numref}}`fig-{ids[0]}`.\n\n```{{chart}} {ids[0]}\n:bare:\n```\n" if ids else "")
    pages = {"index.md": front, "one.ipynb": notebook(contents), **(pages or {})}
    for name, page in pages.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(page if isinstance(page, str) else json.dumps(page), "utf-8")
    others = [f"  - file: {name.rpartition('.')[0]}\n" for name in pages if name != "index.md"]
    (folder / "_toc.yml").write_text("format: jb-book\nroot: index\noptions:\n  numbered: true\nchapters:\n" + "".join(others), "utf-8")
    config = {"html_theme": "plain", "html_theme_path": ["_theme"], "nb_ipywidgets_js": {}, "numfig_format": {"figure": "Figure %s"},
              "charts_colors": COLORS, "charts_table_url": "data.html#{table}", "charts_citation_author": "The river people", "charts_citation_title": "Two Rivers", **(theme or {}), **(options or {})}
    (folder / "_config.yml").write_text(json.dumps({
        "title": "Two Rivers", "author": "The river people", "only_build_toc_files": True, "execute": {"execute_notebooks": "off"}, "parse": {"myst_enable_extensions": ["colon_fence"]},
        "html": {"use_issues_button": False, "use_repository_button": False}, "sphinx": {"local_extensions": {"charts": str(EXTENSION)}, "config": config}}, indent=1), "utf-8")
    plain = folder / "_theme" / "plain"
    (plain / "theme.conf").write_text("[theme]\ninherit = basic\nstylesheet = sample.css\n[options]\n" + "".join(f"{name} =\n" for name in OPTIONS), "utf-8")
    (plain / "layout.html").write_text(LAYOUT, "utf-8")
    (plain / "static" / "sample.css").write_text(CSS, "utf-8")
    return folder


def build(folder, *flags):
    """Run jupyter-book on a written book; returns (exit code, output, html folder)."""
    run = subprocess.run([sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(folder), "--path-output", str(folder / "out"), *flags],
                         capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    return run.returncode, run.stdout + run.stderr, folder / "out" / "_build" / "html"


if __name__ == "__main__":
    write_book(sys.argv[1])
