"""What a stranger's data, words and files may do: be refused in a sentence, or stand in the page as what they are."""
import ast
import csv
import io
import json
import re
import subprocess
from html import unescape
from types import SimpleNamespace
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from hypothesis import example, given, strategies
from markdown_it import MarkdownIt
from sphinx.errors import ExtensionError

from common import NOTEBOOKS, ROOT, soup
from test_bad_data import JSON, fuzz, paths, planted

import charts  # noqa: E402
import dictionary  # noqa: E402
import house  # noqa: E402
from book.site import pages  # noqa: E402
from charts import drawing, faults, markup  # noqa: E402

EVIL = ["</script><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "java\nscript:alert(1)", "\t=HYPERLINK(\"http://x\")", "`${alert(1)}`", "{{ x }}", "]]>",
        "\u202e\u2028", "\0", "\ud800", "é" * 20_000, "&lt;script&gt;", "url(#x) url(http://x)"]
HOSTILE = strategies.one_of(strategies.sampled_from(EVIL), JSON)
SPECS = [output["data"][charts.MIME[1]] for path in NOTEBOOKS for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
         for output in cell.get("outputs", []) if charts.MIME[1] in output.get("data", {})]
SPEC = SPECS[0]
PLACES = sorted((at for at in paths(SPEC) if at and at[:2] in (("config",), ("config", "title"), ("config", "font"), ("config", "background")) or at and at[0] != "config"), key=str)


class Here:
    """What the build has other processes do, done where it is asked for."""

    def __init__(self):
        self.jobs = {}

    def ask(self, target, make, *arguments):
        self.jobs[target] = make, arguments

    def get(self, target):
        make, arguments = self.jobs[target]
        for suffix, content in make(*arguments).items():
            target.with_suffix(suffix).write_bytes(content)
        return target


# ---- charts ----------------------------------------------------------------------------------------------------

def figure(spec, folder, overdue=()):
    """What the build makes of one stored chart: the sentences that refuse it (a list), or its HTML."""
    config = SimpleNamespace(charts_widths=(328, 680), charts_colors={"#2f4b8f": "--japan"}, charts_fonts=(), charts_csv_base="_charts", charts_table_url="tables/{table}.html",
                             charts_notebook_url="_sources/{source}", charts_site_url="", charts_citation_author="", charts_citation_title="", charts_overdue=overdue,
                             html_baseurl="", author="A", project="B", numfig_format={"figure": "Figure %s"})
    app = SimpleNamespace(config=config, outdir=folder, doctreedir=folder, extensions=["charts"], charts_assets={"runtime": "_charts/vega.js"}, charts_work=Here())
    env = SimpleNamespace(app=app, docname="one", doc2path=lambda doc, base: f"{doc}.ipynb", toc_fignumbers={})
    reader = SimpleNamespace(renderer=SimpleNamespace(sphinx_env=env, document=SimpleNamespace(note_explicit_target=lambda *_: None)))
    made = charts.ChartMime.handle_mime(reader, SimpleNamespace(mime_type=charts.MIME[1], content=spec, cell_index=1), False)
    if not made:
        return [said for found in charts.kept(env, "faults").values() for said in found]
    writer = SimpleNamespace(builder=SimpleNamespace(config=config, env=env, app=app, current_docname="one", get_target_uri=lambda doc: f"{doc}.html"), body=[])
    try:
        with pytest.raises(nodes.SkipNode):
            charts.visit_figure(writer, made[0])
    except ExtensionError as error:
        return [str(error)]
    return "".join(writer.body)


def test_a_spec_that_vega_lite_cannot_compile_is_refused_with_its_reason(tmp_path):
    said, = figure(next(spec for spec in SPECS if "mark" in spec) | {"mark": "lin"}, tmp_path)
    assert re.match(r"charts: .*: the chart cannot be drawn: Vega-Lite to Vega conversion failed: TypeError: .{20}", said) and "\n" not in said, said


def harmless(markup_text, place):
    """No script, handler or address that runs, in HTML as in SVG."""
    for node in BeautifulSoup(markup_text, "html.parser").find_all(True):
        assert node.name.lower() not in ("script", "style", "iframe", "object", "embed", "foreignobject", "animate", "set"), f"{place}: <{node.name}>"
        for name, value in node.attrs.items():
            assert not name.lower().startswith("on") and name.lower() not in ("style", "srcdoc", "formaction"), f"{place}: <{node.name} {name}={value!r}>"
            if name.lower() in ("href", "xlink:href", "src", "action"):
                assert scheme(value) in ("", "http", "https", "data"), f"{place}: {name}={value!r}"
                assert scheme(value) != "data" or node.name == "image", f"{place}: {name}={value!r}"


def scheme(address):
    """The scheme as a browser reads it: blanks and control characters at the ends go, line ends and tabs anywhere."""
    found = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", re.sub(r"[\t\n\r]", "", address.strip("".join(map(chr, range(33))))))
    return found[1].lower() if found else ""


@fuzz(25)
@given(changes=strategies.lists(strategies.tuples(strategies.sampled_from(PLACES), HOSTILE), min_size=1, max_size=2))
@example(changes=[(("usermeta", "figure", "as_of"), "2026-13-45")])
@example(changes=[(("usermeta", "figure", "id"), "a" * 300)])
@example(changes=[(("config", "title", "color"), '#000"/><script>alert(1)</script><text fill="#000')])
@example(changes=[(("usermeta", "figure", "sources", 0, "url"), "java\nscript:alert(1)")])
def test_any_chart_is_drawn_as_it_is_or_refused_by_name(tmp_path, changes):
    spec = SPEC
    for at, value in changes:
        try:
            spec = planted(spec, at, value)
        except (LookupError, TypeError):  # the first change took the place of the second away
            pass
    made = figure(spec, tmp_path)
    if isinstance(made, list):
        assert made and all("one.ipynb, cell 2: " in said for said in made), f"{changes!r}: {made}"
        return
    harmless(made, changes)
    for path in (tmp_path / "_charts").glob("*"):
        if path.suffix == ".svg":
            ElementTree.parse(path)
            harmless(path.read_text(encoding="utf-8"), f"{changes!r}, {path.name}")
        if path.suffix == ".js":
            assert not re.search(r"[<>&\u2028\u2029]|\$\{", path.read_text(encoding="utf-8")), f"{changes!r}: {path.name} is not inert"
        path.unlink()


@pytest.mark.parametrize("spec", [None, [], "x", 1, {}, {"usermeta": []}, {"usermeta": {"figure": "x"}}, float("nan")], ids=repr)
def test_an_output_that_is_no_chart_is_refused(tmp_path, spec):
    assert "usermeta.figure is missing" in figure(spec, tmp_path)[0] or "infinite or none" in figure(spec, tmp_path)[0]


def test_deep_nesting_is_refused(tmp_path):
    deep = json.loads("[" * 900 + "]" * 900)
    assert "nesting" in figure({**SPEC, "transform": deep}, tmp_path)[0]


def test_every_stored_chart_draws_fields_that_it_has():
    found = [f"{spec['usermeta']['figure']['id']}: {said}" for spec in SPECS for said in faults.of(spec)]
    assert not found, "\n".join(found)


def drawing_of(*views, **more):
    """A figure on the data `d`: river, year and level; the views are layers that draw the fields which they name."""
    return {"datasets": {"d": [{"river": "Upper", "year": 2000}, {"river": "Lower", "year": 2000, "level": 3.4}]}, "data": {"name": "d"}, "layer": list(views), "usermeta": {"figure": SPEC["usermeta"]["figure"] | {
        "columns": {"river": "River", "year": "Year"}, "phone": None}}} | more


def x(field, *transform, **more):
    return {"mark": "bar", "encoding": {"x": {"field": field}}, "transform": list(transform)} | more


COUNT, PART = {"aggregate": [{"op": "count", "as": "many"}], "groupby": ["river"]}, {"calculate": "datum.level * 2", "as": "twice"}


@pytest.mark.parametrize(("spec", "quoted"), [
    (drawing_of(x("level")), ""), (drawing_of(x("levle")), "levle level"), (drawing_of(x("twice", PART)), ""), (drawing_of(x("twice")), "twice"),
    (drawing_of(x("level"), transform=[PART], encoding={"y": {"field": "twise"}}), "twise twice"), (drawing_of(x("many", COUNT)), ""), (drawing_of(x("level", COUNT)), "level"),
    (drawing_of(x("key", {"fold": ["year", "level"]})), ""), (drawing_of(x("start_end", {"bin": True, "field": "level", "as": "start"})), ""),
    (drawing_of(x("lat", {"lookup": "river", "from": {"data": {"url": "x.csv"}, "key": "river", "fields": ["lat"]}})), ""), (drawing_of(x("any", {"pivot": "river", "value": "level"})), ""),
    (drawing_of(x("level", data={"values": [{"leval": 1}]})), "level leval"), (drawing_of(x("level", data={"url": "x.csv"})), ""), (drawing_of(x("name", data={"name": "d", "format": {"type": "topojson"}})), ""),
    (drawing_of(x("properties.name")), ""), (drawing_of(x({"repeat": "column"})), ""), (drawing_of(x("level"), {"mark": "text", "encoding": {"text": {"condition": {"test": "1", "field": "leve"}}}}), "leve level"),
    (drawing_of({"mark": "bar", "encoding": {"y": {"field": "river", "sort": {"field": "levels", "op": "mean"}}}}), "levels level"), (drawing_of({"mark": "bar", "encoding": {"tooltip": [{"field": "year"}, {"field": "yaer"}]}}), "yaer year"),
    (drawing_of(vconcat=[{"facet": {"row": {"field": "revir"}}, "spec": x("level")}]), "revir river")])
def test_a_field_that_no_data_have_is_refused(spec, quoted):
    """Named with the column nearest to it, if one is near; without a word where the fields cannot be told."""
    assert " ".join(re.findall(r"'(\w+)'", " ".join(faults.of(spec)))) == quoted


def test_charts_of_an_overdue_table_say_so(tmp_path):
    assert "overdue for a check" not in figure(SPEC, tmp_path, ["another_table"])
    assert "overdue for a check" in figure(SPEC, tmp_path, [SPEC["usermeta"]["figure"]["tables"][0]])


TAGS = strategies.sampled_from(["script", "SCRIPT", "style", "foreignObject", "iframe", "animate", "set", "use", "a", "g", "text", "path", "image"])
NAMES = strategies.sampled_from(["onload", "ONCLICK", "href", "HREF", "style", "fill", "id", "d", "transform", "clip-path", "class"])
VALUES = strategies.sampled_from(["alert(1)", "javascript:alert(1)", "url(http://x)", "url(#a)", "\"><script>", "translate(1,1)", "data:text/html,x", "M0,0"])
ELEMENTS = strategies.recursive(
    strategies.builds(ElementTree.Element, TAGS, strategies.dictionaries(NAMES, VALUES, max_size=3)),
    lambda inner: strategies.builds(lambda tag, inside: (node := ElementTree.Element(tag), node.extend(inside))[0], TAGS, strategies.lists(inner, max_size=3)), max_leaves=6)


@fuzz(150)
@given(inside=strategies.lists(ELEMENTS, max_size=4), words=strategies.text(strategies.characters(codec="utf-8", categories=["L", "N", "P", "S", "Z"])))
def test_any_svg_goes_into_the_page_without_what_could_run(inside, words):
    root = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "width": "10", "height": "10"})
    root.extend(inside)
    root.append(text := ElementTree.Element("text"))
    text.text = words
    made = drawing.inline_svg(ElementTree.tostring(root, encoding="unicode"), "x-", {}, "A drawing")
    harmless(made, "inline_svg")
    assert "url(http" not in made and unescape(made).count(words)


@fuzz(100)
@given(text=strategies.one_of(strategies.text(max_size=60), strategies.sampled_from(["", "<svg", "<svg/>", "<svg width='1' height='1'>", "<svg width=\"1.2.3\" height=\"2\"/>", "<!DOCTYPE x [<!ENTITY a 'b'>]><svg>&a;</svg>"])))
def test_what_is_no_drawing_is_refused(text):
    with pytest.raises(ValueError, match="drawing"):
        drawing.inline_svg(text, "x-", {}, "A drawing")


@fuzz(200)
@given(address=strategies.one_of(strategies.text(max_size=20), strategies.builds("{}{}{}{}".format, strategies.sampled_from(["", " ", "\x01", "\n"]), strategies.sampled_from(["java", "JAVA", "vb", "data", "x-"]),
                                 strategies.sampled_from(["", "\n", "\t", "\r"]), strategies.sampled_from(["script:alert(1)", ":text/html,x", "y:z"]))))
def test_no_address_can_run(address):
    for link in (markup.link, pages.link):
        harmless(link("words", address), repr(address))


@fuzz(80)
@given(words=strategies.text(strategies.characters(codec="utf-8", categories=["L", "N", "P", "S", "Z"]), max_size=20),
       address=strategies.text(strategies.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=20))
def test_words_and_addresses_of_a_table_stay_what_they_are_in_markdown(words, address):
    shown = BeautifulSoup(MarkdownIt().render(f"- seen: {dictionary.link(words, f'https://example.org/{address}')}"), "html.parser")
    assert [tag.name for tag in shown.find_all(True)] == ["ul", "li", "a"] and shown.li.text == f"seen: {shown.a.text}", str(shown)
    assert shown.a.text.split() == words.split(), str(shown)


# ---- tables ----------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def formulas(text):
    """Cells of a CSV that a spreadsheet would run: they begin with a sign of a formula and are not plain numbers."""
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row if cell[:1] in tuple("=+-@\t\r") and not NUMBER.fullmatch(cell)]


def test_no_table_holds_a_formula():
    for path in sorted((ROOT / "data").glob("*.csv")):
        found = formulas(path.read_text(encoding="utf-8"))
        assert not found, f"data/{path.name}: a spreadsheet would run {found[:3]}: reword, so that no text begins with = + - @"


@fuzz(150)
@given(values=strategies.lists(strategies.one_of(strategies.none(), strategies.booleans(), strategies.integers(), strategies.floats(allow_infinity=False), strategies.builds(
    "{}{}".format, strategies.sampled_from(["x", *"=+-@\t\r\n", "-1+"]), strategies.text(strategies.characters(codec="utf-8"), max_size=12))), min_size=1, max_size=4))
def test_no_figure_offers_a_formula(values):
    text = markup.csv_text([{"a": value} for value in values], {"a": "A"})
    assert not formulas(text), repr(text)
    cells = [(row or [""])[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert len(cells) == len(values)
    for cell, value in zip(cells, values):
        assert not isinstance(value, str) or cell.removeprefix("'") == value.replace("\r", " ").removeprefix("'"), f"{value!r} became {cell!r}"


# ---- chapters and the repository -------------------------------------------------------------------------------

def test_chapters_run_nothing_but_charts():
    """A run of the notebooks changes outputs and figures only: no cell imports or writes anything else, reads another address, or reaches through house for what it imports."""
    faults = []
    for path in NOTEBOOKS:
        for number, cell in enumerate((cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"), 1):
            for node in ast.walk(ast.parse("".join(cell["source"]))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                called = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
                faults += [f"{path.name}, code cell {number}: imports {name}" for name in names if name.partition(".")[0] not in ("altair", "pandas", "house", "ipywidgets", "IPython", "json", "math") and (path.stem, name) != ("10_explore", "explorer")]
                faults += [f"{path.name}, code cell {number}: calls {called}" for _ in [0] if re.fullmatch(r"open|exec|eval|compile|__import__|system|save|to_(csv|json|excel|parquet|pickle|sql|html)|read_(?!text$)\w+|write\w*|unlink|mkdir|urlopen|UrlData", called)]
                reached = [node.attr] if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "house" else [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) and node.module == "house" else []
                faults += [f"{path.name}, code cell {number}: takes house.{name}, which is not in house.__all__" for name in reached if name not in house.__all__]
    assert not faults, "chapters load with house.load and show charts and tables; they write no files and read no address:\n  " + "\n  ".join(faults)


def tracked():
    """(name, text) of every text file that git holds or would hold."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, listed):
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            pass


SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}|\bgithub_pat_\w{20,}|\bxox[abpr]-\w{8,}|\bsk-[\w-]{24,}|(?i:password|passwd|api_?key|secret|token)\s*[=:]\s*['\"][^'\"\s]{8,}['\"]"
                     r"|://[^\s/:@]+:[^\s/@$]+@")
PERSONAL = re.compile(r"(?<=\w)@(?!example\.org)[\w-]+\.(?:com|org|net|io|jp|kr|dev)\b|(?<![\w.])/(?:home|Users)/\w+|(?<![\w.])/root/")


def test_no_secret_and_no_address_of_a_person():
    faults = [f"{name}: {found.group()[:60]!r}" for name, text in tracked() if not name.endswith(("requirements.txt", "OFL.txt", "test_safety.py"))
              for kind in (SECRETS, PERSONAL) for found in kind.finditer(text)]
    assert not faults, "secrets, e-mail addresses or folders of a person:\n  " + "\n  ".join(faults[:20])
    made_up = ["AKIA" + "A" * 16, "ghp_" + "a" * 36, "https://me:pass@host", "token = 'abcdefgh1'", "me@mail.com", "/home/me"]
    assert all(SECRETS.search(text) or PERSONAL.search(text) for text in made_up)


def test_no_merge_is_left_unsettled():
    faults = [f"{name}, line {text.count(chr(10), 0, found.start()) + 1}" for name, text in tracked() for found in re.finditer(r"(?m)^(<{7}|>{7}|\|{7}) ", text)]
    assert not faults, "marks of a merge; keep one side, then take them out: " + ", ".join(faults)


def test_commands_and_files_that_words_name_are_there():
    """Commands in pages and in what programs and tests say; paths and links in the pages about the project. NN_topic stands for any chapter."""
    faults, targets = [], set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    texts = {name: text for name, text in tracked() if not name.endswith((".csv", ".svg", ".txt"))}
    read = set(re.findall(r"\$[$({]+([A-Z]+)", texts["Makefile"])) | {found for name, text in texts.items() for found in re.findall(r"environ(?:\.get\(|\[)[\"']([A-Z_]+)|\$\{([A-Z]+):?-" if name.endswith((".py", ".sh")) else r"(?!)", text) for found in found}
    for name, text in texts.items():
        for command, target, given in re.findall(r"(?:[`']|^ *)(make(?: -\w+)* ([a-z-]+)((?: [A-Z]+=[^\s`']*)*))(?=[`'\s])" if name.endswith(".md") else r"[`'](make ([a-z-]+)((?: [A-Z]+=[^\s`']*)*))(?=[`' ])", text, re.M):
            faults += [f"{name}: {command!r}: the Makefile has no {target}"] * (target not in targets)
            faults += [f"{name}: {command!r}: nothing reads {variable}" for variable in re.findall("([A-Z]+)=", given) if variable not in read]
        if name.endswith(".md") and not name.startswith("chapters/"):
            for path in re.findall(r"`((?:data|chapters|book|tests|figures|\.ci|\.binder|\.github|\.githooks)/[\w./*-]*|[A-Z]+\.(?:md|cff)|LICENSE|Makefile|_toc\.yml|_config\.yml)`", text) + re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
                faults += [f"{name}: there is no {path}"] * ("_topic" not in path and not any([*(ROOT / place).glob(path)] for place in (".", (ROOT / name).parent)))
    assert not faults, "a command, file or variable was renamed, or is misspelt:\n  " + "\n  ".join(faults)


def test_every_lock_is_audited_by_the_public_ci():
    flow = yaml.safe_load((ROOT / ".github/workflows/audit.yml").read_text(encoding="utf-8"))
    steps = [step.get("run", "") for step in flow["jobs"]["audit"]["steps"]]
    assert "python -m pip install --require-hashes -r .github/requirements.txt" in steps, "pip-audit itself comes from a lock with hashes"
    command = next(step for step in steps if "pip-audit --" in step)
    assert "--require-hashes" in command and "schedule" in flow.get("on", flow.get(True)), "the audit reads locks with hashes, and runs without a push too"
    listed = subprocess.run(["sh", "-c", command.partition("|")[0]], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    locks = {name for name, text in tracked() if re.search(r"(?m)^\s+--hash=sha256:", text) and name.endswith(".txt")}
    assert locks and locks == set(filter(None, listed)), f"the audit misses {sorted(locks - set(listed))}"


# ---- what is offered -------------------------------------------------------------------------------------------

@pytest.mark.slow
def test_downloads_are_plain_files(book):
    """What a page offers to save is a file of the book, of a kind that runs nothing, and is what its name says."""
    faults, offered = [], set()
    for page in book.rglob("*.html"):
        for link in soup(page).select("a[download], a[href*='/data/'], a[href^='data/']"):
            target = (page.parent / urlsplit(link["href"]).path).resolve()
            if not urlsplit(link["href"]).scheme and target.suffix != ".html":
                offered.add(target)
    for path in offered:
        name, raw = path.relative_to(book.resolve()).as_posix(), path.read_bytes()
        if path.suffix == ".csv":
            faults += [f"{name}: {cell!r} would run in a spreadsheet" for cell in formulas(raw.decode("utf-8"))]
        elif path.suffix in (".json", ".ipynb"):
            json.loads(raw)
        elif path.suffix == ".svg":
            ElementTree.fromstring(raw)
            harmless(raw.decode("utf-8"), name)
        elif not (path.suffix == ".png" and raw.startswith(b"\x89PNG")):
            faults.append(f"{name}: not a kind of file that readers expect")
    faults += [f"{path.relative_to(book)}: a link or a program" for path in book.rglob("*") if path.is_symlink() or path.is_file() and path.stat().st_mode & 0o111]
    assert len(offered) > 100 and not faults, f"{len(offered)} downloads:\n  " + "\n  ".join(faults[:20])


# ---- reproduction ----------------------------------------------------------------------------------------------

def test_the_first_difference_is_named_with_its_line(tmp_path):
    import reproduce
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "lite").mkdir(parents=True)
        (folder / "b.html").write_text("<p>\nsame\n</p>\n")
        (folder / "lite/x.js").write_text(folder.name)
        (folder / "a.pdf").write_text(folder.name)
        (folder / ".buildinfo").write_text(folder.name)
    assert reproduce.difference(one, two) is None
    (two / "b.html").write_text("<p>\nother\n</p>\n")
    assert reproduce.difference(one, two) == "b.html, line 2: 'same' became 'other'"
    (two / "b.html").write_text("<p>\nsame\n</p>\n\n")
    assert reproduce.difference(one, two).startswith("b.html, line 5: ")
    (one / "a.html").touch()
    assert reproduce.difference(one, two) == "a.html is made only once"
