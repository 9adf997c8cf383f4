"""What the build makes of a chart, and what it refuses."""
import ast
import copy
import csv
import io
import json
import re
import tokenize
import xml.etree.ElementTree as ElementTree

import bs4
import pytest
import sample
from sample import build

import build as tool  # noqa: E402
from charts import markup  # noqa: E402

pytestmark = pytest.mark.slow


def soup(book, page):
    return bs4.BeautifulSoup((book / page).read_text("utf-8"), "html.parser")


def test_every_chart_is_a_whole_figure(book):
    page = soup(book, "one.html")
    figures = page.find_all("figure")
    assert [figure["data-chart"] for figure in figures] == list(sample.specs())
    for number, figure in enumerate(figures, 1):
        assert figure["id"] == "fig-" + figure["data-chart"]
        assert figure.select_one(".chart-number").text == f"Figure 1.{number}"
        drawings = figure.select(".chart-static svg")
        assert [round(float(svg["width"])) for svg in drawings] == pytest.approx([328, 680], abs=2)
        assert all(svg["role"] == "img" and 40 <= len(svg["aria-label"]) <= 300 for svg in drawings)
        assert figure.select_one(".chart-source").text.endswith("River survey · as of 23 November 2026 · CC BY 4.0")
        assert figure.select_one("details.chart-code").find("pre") and not page.select(".cell > .cell_input")
        assert figure.table.caption and all(head["scope"] == "col" for head in figure.table.thead.find_all("th"))
        assert figure.table.find_parent(attrs={"role": "region", "tabindex": "0"})
    ids = [element["id"] for element in page.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_many_sources_are_folded():
    parts = {"key": "k", "late": False, "number": "Figure 1", "home": "", "tables": [], "notebook": "", "runtime": "", "live": "", "downloads": {}, "author": "", "book": "", "address": ""}
    for many in (8, 9):
        figure = sample.specs()["dots"]["usermeta"]["figure"] | {"sources": [{"title": f"Gauge {n}", "url": f"https://example.org/{n}"} for n in range(many)]}
        made = bs4.BeautifulSoup("".join(markup.figure_parts(figure, {"svgs": [], "colors": {}, "live": {"controls": []}, "rows": []}, **parts)), "html.parser")
        folded, line = made.select_one("details.chart-sources"), made.select_one("p.chart-source").text
        assert bool(folded) == (many > 8) and len((folded or made).select("a[href^='https://example.org/']")) == many
        assert line.startswith("as of 23 November 2026" if many > 8 else "Source: Gauge 0; ") and line.endswith("CC BY 4.0")
        assert not folded or folded.summary.text == "The 9 sources"


def test_nothing_needs_inline_script_or_style(book):
    for page in ("one.html", "index.html", "deep/again.html"):
        text = (book / page).read_text("utf-8")
        assert not re.search(r'<[^>]*\s(style|on\w+)="', text) and "<style" not in text
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text)


def test_colours_become_custom_properties(book):
    figure = soup(book, "one.html").find(id="fig-two-lines")
    paints = {element[key] for element in figure.select(".chart-static svg *") for key in ("fill", "stroke") if element.get(key)}
    assert "var(--japan,#2f4b8f)" in paints and not any(paint.startswith("#") and paint in sample.COLORS for paint in paints)


def test_files_of_a_figure(book):
    files = {path.name for path in (book / "_charts").iterdir()}
    for name in sample.specs():
        assert {f"{name}.svg", f"{name}.png"} <= files
        assert ({f"{name}.csv", f"{name}.vl.json"} <= files) == (name != "map")
        root = ElementTree.parse(book / "_charts" / f"{name}.svg").getroot()
        text = " ".join(root.itertext())
        assert sample.specs()[name]["usermeta"]["figure"]["title"].split()[0] in text and "Source: River survey" in text
        assert (book / "_charts" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    rows = list(csv.DictReader(io.StringIO((book / "_charts" / "upper-by-year.csv").read_text("utf-8"))))
    assert len(rows) == 25 and list(rows[0]) == ["year", "level_m"]
    assert json.loads((book / "_charts" / "dots.vl.json").read_text("utf-8"))["usermeta"]["figure"]["id"] == "dots"


def test_the_table_has_every_row_that_is_drawn():
    drawn = [{"year": year, "name": f"no. {year}"} for year in range(2001, 2006)]
    spec = {"usermeta": {"figure": {"columns": {"year": "Year", "name": "Name"}}}, "datasets": {"names": drawn[:2], "lines": drawn}, "layer": [{"data": {"name": "names"}}, {"data": {"name": "lines"}}]}
    assert markup.table(spec) == drawn, "a layer that names some of the rows stands first in the spec, and the table has only its rows; see table() in book/charts/markup.py"


def test_closed_data_say_why(book):
    figure = soup(book, "one.html").find(id="fig-map")
    assert "keeps the coordinates to itself" in figure.select_one(".chart-closed").text
    assert [link.text for link in figure.select(".chart-links > a")] == ["SVG", "PNG", "Notebook"]


def test_shown_again(book):
    page = soup(book, "deep/again.html")
    whole, small = page.find_all("figure")
    assert whole.select_one(".chart-number a")["href"] == "../one.html#fig-two-lines" and whole.select_one(".chart-number").text == "Figure 1.2"
    assert whole.find("a", string="CSV")["href"] == "../_charts/two-lines.csv" and whole["data-runtime"].startswith("../_charts/vega-")
    assert len(small.select("svg")) == 1 and small.select_one(".chart-title a")["href"] == "../one.html#fig-dots"
    mini = page.select_one(".chart-mini svg")
    assert mini["aria-hidden"] == "true" and not mini.find("text")
    assert page.find("a", string="Figure 1.3")["href"] == "../one.html#fig-dots" and page.find("a", string="the map")["href"] == "../one.html#fig-map"


def test_assets_only_where_charts_are(book):
    assert "charts-" not in (book / "text.html").read_text("utf-8") and "vega" not in (book / "text.html").read_text("utf-8")
    assert re.search(r"charts-\w{10}\.css", (book / "index.html").read_text("utf-8")) and "charts-" in (book / "one.html").read_text("utf-8")
    assert not list((book / "_static").glob("vega*"))


def test_headlines_can_be_searched(book):
    assert "earli" in (book / "searchindex.js").read_text("utf-8")


def code_lines(path):
    """Lines that hold code: not blank, nor only comment or docstring."""
    text = path.read_text("utf-8")
    said = {line for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            for line in range(node.lineno, node.end_lineno + 1)}
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    code = {line for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in silent for line in range(token.start[0], token.end[0] + 1)}
    return len(code - said)


def test_core_stays_small():
    """What turns a spec into a figure, without the refusals, the pictures to download and what tests use: under 500 lines of code, and 300 of script."""
    core = [path for path in (sample.EXTENSION / "charts").glob("*.py") if path.name not in ("faults.py", "pictures.py", "checks.py")]
    assert sum(map(code_lines, core)) < 500, {path.name: code_lines(path) for path in core}
    assert len((sample.EXTENSION / "charts" / "charts.js").read_text("utf-8").splitlines()) < 300


# ---- what is refused -------------------------------------------------------------------------------------------

def test_faults_stop_the_build_and_name_the_cell(tmp_path):
    good = sample.specs()["dots"]

    def spoiled(name, **changes):
        made = copy.deepcopy(good)
        made["usermeta"]["figure"] |= {"id": name} | changes
        return made
    no_meta = {key: value for key, value in good.items() if key != "usermeta"}
    contents = [good, copy.deepcopy(good), no_meta, spoiled("no-title", title=""), spoiled("no-subtitle", subtitle=None), spoiled("no-alt", alt=None), spoiled("short-alt", alt="Dots."),
                spoiled("echo", alt="The gap was widest, early in the century: " + good["usermeta"]["figure"]["subtitle"]), spoiled("no-source", sources=[]),
                spoiled("columns", columns={"depth": "Depth"}), spoiled("Bad Id")]
    page = sample.notebook(contents)
    for cell in page.cells:
        if cell.cell_type == "markdown" and "numref" in cell.source:
            cell["source"] = "Words."
    folder = sample.write_book(tmp_path, [], pages={"index.md": "# Front\n\n```{chart} dotz\n```\n", "one.ipynb": page})
    code, said, _ = build(folder)
    assert code != 0
    for words in ("cell 6: chart id 'dots' is already used in one.ipynb, cell 4", "cell 8: chart without an id: usermeta.figure is missing", "cell 10: chart no-title: title is missing",
                  "cell 12: chart no-subtitle: subtitle is missing", "chart no-alt: alt is missing", "chart short-alt: alt has 5 characters", "chart echo: alt repeats the title",
                  "chart no-source: sources are missing", "no dataset in the spec has all of the columns depth", "'Bad Id' is not lower-case", "index.md, line 3: no chart is published as 'dotz'; did you mean 'dots'?"):
        assert words in said, (words, said[-3000:])
    told = tool.troubles(re.sub(r"\x1b\[[0-9;]*m", "", said))
    assert len(told) == 11 and all(re.match(r"charts: (one.ipynb, cell \d+|index.md, line 3): ", one) for one in told), "what 'make book' would say:\n" + "\n".join(told)
    again, said, _ = build(folder)
    assert again != 0 and "already used" in said, "the second build must fail too"


def test_hostile_words_stay_words(tmp_path):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`"
    spec = copy.deepcopy(sample.specs()["two-lines"])
    for row in (rows := next(iter(spec["datasets"].values()))):
        row["river"] = evil if row["river"] == "Lower" else "=HYPERLINK(\"http://x\")"
    spec["usermeta"]["figure"] |= {"title": "Two " + evil, "subtitle": evil, "alt": evil + " is written where words should be", "note": "*" + evil + "*",
                                   "columns": {"date": evil, "river": "River", "level_m": "Level (m)"}, "sources": [{"title": evil, "url": "javascript:alert(1)"}]}
    spec["layer"][0]["encoding"]["color"]["scale"]["domain"] = ["=HYPERLINK(\"http://x\")", evil]
    code, said, html = build(sample.write_book(tmp_path, [spec]), "-W", "-n")
    assert code == 0, said[-2000:]
    page = soup(html, "one.html")
    assert "alert(1)" not in "".join(script.text for script in page.find_all("script")) and not page.find_all("img")
    live = next((html / "_charts").glob("two-lines.*.js")).read_text("utf-8")
    assert "<" not in live and json.loads(re.fullmatch(r"\(window\.chartSpecs \?\?= \{\}\)\[\"two-lines\"\] = String\.raw`([^`$]*)`;\n", live)[1])["vega"]["data"]
    assert not page.find("a", href=re.compile("javascript"))
    cells = {row["river"] for row in csv.DictReader(io.StringIO((html / "_charts" / "two-lines.csv").read_text("utf-8")))}
    assert cells == {evil, "'=HYPERLINK(\"http://x\")"} and len(rows) == 50
    ElementTree.parse(html / "_charts" / "two-lines.svg")
