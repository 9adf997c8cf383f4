"""Each chapter as it is stored: its shape, its charts, and a fresh run against its outputs."""
import ast
import asyncio
import json
import re
import statistics
import sys
import xml.etree.ElementTree as ElementTree
from datetime import datetime

import pytest
import yaml

from common import NOTEBOOKS, ROOT, package, run

import files
import house
import run_notebooks

SPEC, SVG = run_notebooks.SPEC, run_notebooks.SVG
CHAPTERS = [path for path in NOTEBOOKS if path.name[0].isdigit()]
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
FREE = ("01_", "10_")  # the article and the explorer keep to no limit on code cells
TABLES = {entry["name"]: entry for entry in package()["resources"]}
OTHERS_COLOURS = {"explore-carried"}  # its bars stand for the citizens carried, each in the colour of the country that carried them
FILTERED = {("affinity", "1988-10-01T00:00:00")}  # values beyond the ends of an axis that a layer's filter takes out
FIGURE = {"id", "title", "subtitle", "alt", "note", "columns", "sources", "tables", "license", "as_of", "download", "download_note"}


def cells(path, kind):
    """(number, source, outputs) of the code or markdown cells of a chapter, numbered from 1 among their kind."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [(n, "".join(cell["source"]), cell.get("outputs", [])) for n, cell in enumerate(
        (cell for cell in notebook["cells"] if cell["cell_type"] == kind), 1)]


def charts(path):
    """(place, spec, svg) of every stored chart of a chapter."""
    return [(f"{path.name}, code cell {n}", output["data"][SPEC], "".join(output["data"][SVG]))
            for n, _, outputs in cells(path, "code") for output in outputs if SPEC in output.get("data", {})]


def walk(node):
    """Every (key, value) in a spec, however deep, data left out."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            if key not in ("datasets", "values"):
                yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def views(node, data=None, encoding={}):
    """Views of a spec, each a list of its layers: (name of the data, encoding, whether it is cut at the axes' ends)."""
    data, encoding = node.get("data", {}).get("name", data), {**encoding, **node.get("encoding", {})}
    inner = [view for inside in [*node.get("vconcat", []), *node.get("layer", []), *filter(None, [node.get("spec")])] for view in views(inside, data, encoding)]
    return [[(data, encoding, "'clip': True" in str(node["mark"]))]] if "mark" in node else [[layer for view in inner for layer in view]] if "layer" in node else inner


def place_on_scale(value):
    """A number or a day as a number; None for what is neither."""
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value if isinstance(value, (int, float)) else None
    except ValueError:
        return None


def outside(spec):
    """What no reader sees, because the axis that it lies on ends before it: a sentence each, of the drawing and of its form for phones."""
    figure = spec["usermeta"]["figure"]
    for view in (view for drawing in filter(None, (spec, figure.get("phone"))) for view in views(drawing)):
        for axis in "xy":
            scales = [encoding[axis].get("scale") or {} for _, encoding, _ in view if encoding.get(axis, {}).get("type") in ("quantitative", "temporal")]
            ends = sorted((end for scale in scales if isinstance(scale.get("domain"), list) for end in scale["domain"] if place_on_scale(end) is not None), key=place_on_scale)
            for data, encoding, cut in view if ends and not any(scale.get("clamp") for scale in scales) else ():
                for field in [encoding[name]["field"] for name in (axis, f"{axis}2") if not cut and isinstance(encoding.get(name, {}).get("field"), str)]:
                    for value in {row[field]: 0 for row in spec["datasets"].get(data, []) if place_on_scale(row.get(field)) is not None and (figure["id"], row[field]) not in FILTERED}:
                        if not place_on_scale(ends[0]) <= place_on_scale(value) <= place_on_scale(ends[-1]):
                            yield f"{field} {value} lies outside the {axis} axis, which goes from {ends[0]} to {ends[-1]}; widen the domain of its scale, or, if a filter takes the value out, add it to FILTERED"


def words(path):
    """Number of words that a reader reads in the prose of a chapter."""
    prose = "\n".join(source for _, source, _ in cells(path, "markdown"))
    prose = re.sub(r"^(:{3,}|`{3,}).*$|\]\([^)]*\)|<[^>]+>|\{[^}]*\}", " ", prose, flags=re.M)
    return len(re.findall(r"[^\W_]+(?:[-'’.,][^\W_]+)*", prose))


def test_there_are_chapters_and_the_front_page_lists_them():
    assert CHAPTERS, "chapters/ holds no notebook whose name begins with a number"
    front = (ROOT / "index.md").read_text(encoding="utf-8")
    lacking = [path.name for path in CHAPTERS if f"](chapters/{path.name})" not in front.partition("## The chapters")[2]]
    assert not lacking, f"index.md does not list {lacking} among its chapters"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_shape(path):
    code, prose = cells(path, "code"), cells(path, "markdown")
    sizes = [sum(bool(line.strip()) for line in source.splitlines()) for _, source, _ in code]
    tree = [(n, node) for n, source, _ in code for node in ast.walk(ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", source)))]
    imports = sum(isinstance(node, (ast.Import, ast.ImportFrom)) for _, node in tree)
    faults = [f"code cell {n}: defines {node.name!r}; chapters define nothing, move it to house.py or the data" for n, node in tree
              if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    if not path.name.startswith(FREE):
        if not 8 <= len(code) <= 24:
            faults.append(f"{len(code)} code cells; a chapter has 8 to 24")
        if statistics.median(sizes) > 12:
            faults.append(f"the median code cell has {statistics.median(sizes)} lines; 12 at most")
        faults += [f"code cell {n}: {size} lines; 20 at most" for n, size in enumerate(sizes[:-1], 1) if size > 20]  # the ledger is a list, not code
    if imports > 3:
        faults.append(f"{imports} imports; 3 at most")
    if len(prose) <= len(code):
        faults.append(f"{len(prose)} prose cells for {len(code)} code cells; more prose than code")
    if not 900 <= words(path) <= 1800:
        faults.append(f"{words(path)} words; 900 to 1,800")
    if path.stat().st_size > 400_000:
        faults.append(f"{path.stat().st_size / 1000:.0f} KB; under 400 (draw fewer rows or columns)")
    opening = prose[0][1] if prose else ""
    if not re.match(r"(\([\w-]+\)=\n)?# \S", opening):
        faults.append("the first cell does not begin with a '# ' title")
    everything = "\n".join(source for _, source, _ in prose)
    faults += [f"no {said!r}; every chapter has it" for said in ("In short", "Where the numbers come from") if said.lower() not in everything.lower()]
    if len(re.findall(r"does not (?:show|say|tell|prove)|do not (?:show|say|tell|prove)|cannot (?:show|say|tell)", everything)) < 2:
        faults.append("says what its charts do not show fewer than twice")
    if not code or "house.ledger(" not in code[-1][1]:
        faults.append("the last code cell is not the ledger (house.ledger)")
    assert not faults, f"chapters/{path.name}:\n  " + "\n  ".join(faults)


@EACH
def test_is_stored_as_the_command_stores_it(path):
    assert run_notebooks.text(run_notebooks.read(path)) == path.read_text(encoding="utf-8"), f"chapters/{path.name} was saved by another program: run 'make notebooks ONLY=chapters/{path.name}'"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    faults = [f"code cell {n}: execution count {cell['execution_count']}; not one run from top to bottom" for n, cell in enumerate(code, 1) if cell["execution_count"] != n]
    faults += [f"code cell {n}: keeps the time of its run" for n, cell in enumerate(code, 1) if "execution" in cell["metadata"]]
    for n, cell in enumerate(code, 1):
        for output in cell["outputs"]:
            kinds = set(output.get("data", {}))
            if output["output_type"] == "error" or output.get("name") == "stderr":
                faults.append(f"code cell {n}: stores an error or warning")
            if "house.publish(" in "".join(cell["source"]) and SPEC not in kinds:
                faults.append(f"code cell {n}: publishes a chart but stores {sorted(kinds) or output.get('name')} beside it")
            if re.search(r"vnd\.jupyter\.widget|javascript", " ".join(kinds)):
                faults.append(f"code cell {n}: stores a widget or script, which the page would fetch code for")
    ids = [cell["id"] for cell in notebook["cells"]]
    faults += [f"cell id {id!r} stands twice" for id in {id for id in ids if ids.count(id) > 1}]
    assert not faults, f"chapters/{path.name}: run 'make notebooks'\n  " + "\n  ".join(faults)


@EACH
def test_every_chart_cell_stores_its_chart(path):
    published = [n for n, source, _ in cells(path, "code") if re.search(r"house\.publish\b|explorer\.explore\b", source)]
    stored = [n for n, _, outputs in cells(path, "code") for output in outputs if {SPEC, SVG, "text/plain"} <= set(output.get("data", {}))]
    assert published or path not in CHAPTERS, f"chapters/{path.name} publishes no chart"
    assert stored == published, f"chapters/{path.name}: code cells {published} publish charts, cells {stored} store one: run 'make notebooks', and let a cell end in the chart"


@EACH
def test_charts_carry_what_their_figures_need(path):
    faults = []
    for place, spec, svg in charts(path):
        figure = spec.get("usermeta", {}).get("figure", {})
        place = f"{place} ({figure.get('id')})"
        if lacking := FIGURE - set(figure):
            faults.append(f"{place}: usermeta.figure lacks {sorted(lacking)}")
            continue
        if spec.get("description") != figure["alt"]:
            faults.append(f"{place}: description and alt differ")
        rows = list(spec.get("datasets", {}).values()) or [[]]
        if not any(all(set(figure["columns"]) <= set(row) for row in table) and table for table in rows):
            faults.append(f"{place}: no dataset has all of the columns {list(figure['columns'])}")
        if painted := {field for table in rows if isinstance(table, list) for row in table for field, value in row.items() if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value)}:
            faults.append(f"{place}: its data hold colours ({', '.join(painted)}), which the dark page cannot change; put them in the encoding")
        entries = [TABLES[name] for name in figure["tables"]]
        if figure["as_of"] != (oldest := min(entry["retrieved"] for entry in entries)):
            faults.append(f"{place}: says that its data are as of {figure['as_of']}, data/datapackage.json says {oldest}: run 'make notebooks'")
        if {source["title"]: source["url"] for source in figure["sources"]} != (sources := {source["title"]: source.get("path") for entry in entries for source in entry["sources"]}):
            faults.append(f"{place}: names the sources {[source['title'] for source in figure['sources']]}, data/datapackage.json {[*sources]}, or gives other addresses: run 'make notebooks'")
        faults += [f"{place}: {said}" for said in dict.fromkeys(outside(spec))]
        for domain, colours in [] if figure["id"] in OTHERS_COLOURS else [(value["domain"], value["range"]) for key, value in [*walk(spec), *walk(figure.get("phone"))] if key == "scale" and value and {"domain", "range"} <= set(value)]:
            for name, colour in zip(domain, colours):
                if (country := re.match("(JPN|Japan)|(KOR|South Korea)", str(name))) and re.match("#", str(colour)) and colour not in (own := [house.PALETTE[key] for key in (["japan"] if country[1] else ["korea", "korea_text"])]):
                    faults.append(f"{place}: {name} is drawn in {colour}, its colour is {own[0]} (house.PALETTE)")
        for key, value in walk(spec):
            if key == "tooltip":
                faults += [f"{place}: a tooltip calls {tip['field']!r} {tip.get('title')!r}; say it in words" for tip in (value if isinstance(value, list) else [value]) if "field" in tip and re.search(r"^$|_|^[A-Z]?[a-z]+\(|^[Pp]ct$", tip.get("title", ""))]
            if key == "hconcat":
                faults.append(f"{place}: hconcat does not fit a phone; stack with vconcat")
            if key.lower().endswith("fontsize") and isinstance(value, (int, float)) and value < 11:
                faults.append(f"{place}: {key} {value}; chart text is 11 px or more")
            if key in ("url", "href") and isinstance(value, str) and re.match(r"(https?:)?//", value) and "usermeta" not in key and value not in json.dumps(spec["usermeta"]):
                faults.append(f"{place}: reaches for {value}; charts hold their data")
        try:
            drawn = ElementTree.fromstring(svg)
        except ElementTree.ParseError as error:
            faults.append(f"{place}: its SVG is broken: {error}")
            continue
        if not [node for node in drawn.iter() if node.tag.endswith("}text") and (node.text or "").strip()]:
            faults.append(f"{place}: its SVG holds no text; is a font name unknown?")
    assert not faults, "charts that cannot become figures:\n  " + "\n  ".join(faults)


def test_a_colour_of_a_chart_is_that_of_the_page():
    """Charts name the light values, which the site puts tokens in place of; dark is one set of colours, whether the system or the reader asks for it."""
    css = (ROOT / "book/theme/new_chapter/static/new_chapter.css").read_text(encoding="utf-8")
    light, system, chosen = (re.search(rf"(?s)(?:^|[}}{{]) *{re.escape(selector)} \{{(.*?)\}}", css, re.M)[1] for selector in (":root", ":root:not([data-theme=light])", ":root[data-theme=dark]"))
    assert system.split() == chosen.split(), f"new_chapter.css: the dark of the system and the dark that a reader chooses differ in {sorted(set(re.findall('[^;]+;', system)) ^ set(re.findall('[^;]+;', chosen)))}; make the two blocks alike"
    tokens, dark = dict(re.findall(r"(--[\w-]+): (#\w+);", light)), dict(re.findall(r"(--[\w-]+): (#\w+);", system))
    named = {token: colour for colour, token in yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]["charts_colors"].items()}
    apart = [f"{token} is {colour} in _config.yml, {tokens.get(token)} in :root of new_chapter.css" for token, colour in named.items() if tokens.get(token) != colour]
    apart += [f"{token} is {named.get(token)} in _config.yml, {colour} in house.PALETTE" for token, colour in ((f"--{name.replace('_', '-')}", colour) for name, colour in house.PALETTE.items()) if named.get(token) != colour]
    assert not apart and set(tokens) == set(dark), f"charts_colors, house.PALETTE and new_chapter.css give other colours: {apart or set(tokens) ^ set(dark)}; they are one"


def test_figures_are_the_stored_drawings():
    stored = {}
    for path in NOTEBOOKS:
        for place, spec, svg in charts(path):
            id = spec["usermeta"]["figure"]["id"]
            assert id not in stored, f"{place}: chart id {id!r} is taken by {stored[id][0]}"
            stored[id] = place, svg
    there = {path.stem for path in (ROOT / "figures").glob("*.svg")}
    assert there == set(stored), f"figures/ lacks {sorted(set(stored) - there)}, holds {sorted(there - set(stored))} that no chapter publishes: run 'make notebooks'"
    for id, (place, svg) in stored.items():
        assert (ROOT / f"figures/{id}.svg").read_text(encoding="utf-8").strip() == svg.strip(), f"figures/{id}.svg is not what {place} stores: run 'make notebooks'"


def differences(said):
    """What nbval says, in a line or a few for each cell: the error, or where the first difference is."""
    told, parts = [], re.split(r"(?m)^_{3,} \S+::Cell (\d+) _{3,}$", said.partition("= short test summary")[0])
    for number, text in zip(parts[1::2], parts[2::2]):
        raised = re.findall(r"(?ms)^(\w+(?:Error|Exception|Interrupt)\b: .*?)\s*\Z", text)
        stored, now = (re.search(rf"{mark}.*?\n(.*?)\n(?:=+|>>>+)", text, re.S) for mark in ("<<<+ Reference", "={{3,}} disagrees"))
        if raised:
            if not (raised[0].startswith("NameError") and told):  # what follows from a cell that failed
                told.append(f"code cell {int(number) + 1} raises {raised[0]}")
        elif stored and now:
            at = next((n for n, (one, two) in enumerate(zip(stored[1], now[1])) if one != two), 0)
            told.append(f"code cell {int(number) + 1} stores ...{stored[1][max(0, at - 60):at + 60]}..., a fresh run gives ...{now[1][max(0, at - 60):at + 60]}...")
        else:
            told.append(f"code cell {int(number) + 1}: " + " ".join(re.sub(r"(?s)Input:.*?Traceback:", "", text).split())[:600])
    return "\n".join(told) or said[-2000:]


@pytest.mark.slow
@EACH
def test_a_fresh_run_gives_the_stored_outputs(path):
    """nbval in strict mode: every output of every cell, charts with all their data."""
    code, said = run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "300",
                     "-q", "--no-header", "--tb", "short", "-c", "tests/pytest.ini", "-n0", "--rootdir", ROOT, path)
    said = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert code == 0, f"chapters/{path.name} no longer gives its stored outputs. If the change is meant, run 'make notebooks ONLY=chapters/{path.name}' and look at the difference.\n{differences(said)}"
    counted = re.search(r"(\d+) passed", said)
    assert counted and int(counted[1]) == len(cells(path, "code")), f"chapters/{path.name}: not every cell was compared:\n{said[-800:]}"


NOTEBOOK = {"cells": [], "metadata": {"kernelspec": run_notebooks.KERNEL, "language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.slow
def test_charts_are_live_without_the_variable():
    """In Lab, VS Code or Colab the same cell draws a live chart that fetches nothing."""
    code, said = run(sys.executable, "-c", "import json\n" + CHART.replace("house.publish(", "chart = house.publish(") + "\nprint(json.dumps(chart._repr_mimebundle_()))",
                     cwd=ROOT / "chapters", env={"HOUSE_OUTPUT": ""})
    assert code == 0, f"house.publish gives no live chart:\n{said[-1500:]}"
    bundle = json.loads(said.strip().splitlines()[-1])
    bundle = bundle[0] if isinstance(bundle, list) else bundle
    html = bundle.get("text/html", "")
    assert "vega" in html, f"a live chart is {sorted(bundle)}, not HTML"
    fetched = re.findall(r"<(?:script|link)[^>]+(?:src|href)=[^>]+>|import\([^)]*https?:[^)]*\)", html[:5000] + html[-5000:])
    assert not fetched, f"a live chart fetches {fetched}"


CHART = '''import altair as alt
import house
house.enable()
meetings = house.load("meetings")
house.publish(alt.Chart(meetings).mark_point().encode(alt.X("date:T"), alt.Y("n:Q")), id="a-chart", title="Twelve", subtitle="Meetings",
              alt="Twelve dots, one for each meeting of the two leaders, along a line of time.", table="meetings", columns={"n": "Number"})'''


ODD = {
    "03_warning": ('import warnings\nwarnings.warn("old")', ["stderr", "old"]),
    "04_path": ("import os\nos.getcwd()", ["path of this machine"]),
    "05_unpublished": ('import altair as alt, house\nhouse.enable()\nalt.Chart(house.load("meetings")).mark_point()', ["house.publish"]),
    "06_taken": (CHART, ["a-chart", "01_good"]),
    "07_misspelt": (CHART.replace("a-chart", "c-chart").replace('"n:Q"', '"m:Q"'), ["c-chart", "y draws the field 'm'"]),
    "08_columns": (CHART.replace("a-chart", "d-chart").replace('{"n"', '{"nn"'), ["d-chart", "the columns nn"])}


@pytest.mark.slow
def test_a_chapter_that_fails_or_is_odd_leaves_its_files_and_says_why(tmp_path):
    """First one chapter that is good and one that fails; then the good one again, beside chapters with something that readers must not see."""
    folder = files.project(ROOT, tmp_path / "copy")
    for path in [*(folder / "chapters").glob("*.ipynb"), *(folder / "figures").glob("*.svg")]:
        path.unlink()

    def write(name, *sources):
        made = {**NOTEBOOK, "cells": [{"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None} for source in sources]}
        (folder / f"chapters/{name}.ipynb").write_text(json.dumps(made), encoding="utf-8")
        return folder / f"chapters/{name}.ipynb"
    good, bad = write("01_good", CHART), write("02_bad", CHART.replace("a-chart", "b-chart"), "meetings.weather")
    edited = write("03_edited", "from pathlib import Path\npath = Path('03_edited.ipynb')\npath.write_text(path.read_text() + ' ')")
    before = bad.read_bytes()
    code, said = run(sys.executable, "book/tools/run_notebooks.py", cwd=folder)
    assert code == 1 and "Traceback" not in said, said
    assert all(word in said for word in ("chapters/02_bad.ipynb", "code cell 2", "meetings.weather", "AttributeError")), said
    assert bad.read_bytes() == before and not (folder / "figures/b-chart.svg").exists(), "a failed chapter was written"
    assert (folder / "figures/a-chart.svg").exists() and charts(good), "the good chapter beside it was not written"
    assert "chapters/03_edited.ipynb: 03_edited.ipynb was changed while this ran" in said and edited.read_text(encoding="utf-8").endswith(" "), f"an edit made while the chapter ran was lost:\n{said}"
    bad.unlink()
    edited.write_text("{", encoding="utf-8")
    code, said = run(sys.executable, "book/tools/run_notebooks.py", "chapters/01_good.ipynb", cwd=folder)
    assert code == 1 and said.strip().splitlines()[-1].startswith("chapters/03_edited.ipynb: not a notebook") and "Traceback" not in said, said
    edited.unlink()
    before = {path: path.read_bytes() for path in [good, *(write(name, source) for name, (source, _) in ODD.items())]}
    code, said = run(sys.executable, "book/tools/run_notebooks.py", cwd=folder)
    told = {name: next((line for line in said.splitlines() if f"chapters/{name}.ipynb:" in line), "") for name in ODD}
    assert code == 1 and all(word in told[name] for name, (_, words) in ODD.items() for word in words), said
    assert {path: path.read_bytes() for path in before} == before, "a refused chapter was written, or a second run of the good one gave other bytes"


def test_a_kernel_that_does_not_start_is_said(monkeypatch):
    async def silent(self):
        raise RuntimeError("Kernel didn't respond in 60 seconds")
    monkeypatch.setattr(run_notebooks.NotebookClient, "async_execute", silent)
    before = CHAPTERS[0].read_bytes()
    said = asyncio.run(run_notebooks.chapter(CHAPTERS[0], asyncio.Semaphore(), {}))
    assert said == f"chapters/{CHAPTERS[0].name}: the kernel did not start: Kernel didn't respond in 60 seconds; run the command again"
    assert CHAPTERS[0].read_bytes() == before
