"""Sphinx extension: Vega-Lite charts that are in the page before any script, and come alive when a reader wants it.

A notebook output of type `application/vnd.vegalite.v6+json` whose spec carries `usermeta.figure` becomes a numbered
figure; `{chart} <id>` shows it again on any page. README.md lists the options and what the spec must say.
"""
import difflib
import functools
import hashlib
import itertools
import json
import re
from pathlib import Path

import vl_convert
from docutils import nodes
from docutils.parsers.rst import directives
from myst_nb.core import render as mystnb
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

from . import faults, markup, pictures, work

HERE = Path(__file__).parent
MIME = [f"application/vnd.vegalite.v{version}+json" for version in (5, 6, 7)]
HTML = ("html", "dirhtml", "singlehtml")


class chart_figure(nodes.General, nodes.Element):
    """A figure: `chart` is its id; `use` "" where it is published, else how it is shown again. Children: the code, once moved here."""


class chart_words(nodes.TextElement):
    """Headline and subtitle for the search index; never written."""


def kept(env, kind):
    """What reading found: `published` (id -> [{doc, place, spec, rows}]), `faults` and `uses` (document -> list)."""
    return env.__dict__.setdefault("charts_" + kind, {})


# ---- reading ---------------------------------------------------------------------------------------------------

class ChartMime:
    """MyST-NB mime renderer: a published chart to its node, faults noted with document and cell."""
    mime_priority_overrides = [(builder, mime, 1) for mime, builder in itertools.product(MIME, HTML)]

    @staticmethod
    def handle_mime(renderer, data, inline):
        env = renderer.renderer.sphinx_env
        if inline or data.mime_type not in MIME or env is None or __name__ not in env.app.extensions:
            return None
        place = f"{env.doc2path(env.docname, base=False)}, cell {(data.cell_index or 0) + 1}"
        if wrong := faults.of(data.content):
            name = str((faults.figure_of(data.content) or {}).get("id"))
            kept(env, "faults").setdefault(env.docname, []).extend(f"{place}: chart {name if faults.ID.fullmatch(name) else 'without an id'}: {one}" for one in wrong)
            return []
        spec = json.loads(json.dumps(data.content))
        figure = spec["usermeta"]["figure"]
        found = kept(env, "published").setdefault(figure["id"], [])
        found.append({"doc": env.docname, "place": place, "spec": spec, "rows": markup.table(spec)})
        if len(found) > 1:  # `check` will say so
            return []
        kept_as(env.app, found[0])
        node = chart_figure("", chart_words("", f"{figure['title']}. {figure['subtitle']}"), chart=figure["id"], use="", title=figure["title"], names=["fig-" + figure["id"]])
        renderer.renderer.document.note_explicit_target(node, node)
        return [node]


def hook():
    """MyST-NB takes mime renderers from entry points only; an extension inside a book is not installed, so it joins the list."""
    if not hasattr(mystnb.load_mime_renders, "charts"):
        stock = mystnb.load_mime_renders
        mystnb.load_mime_renders = functools.wraps(stock)(lambda: [ChartMime, *stock()])
        mystnb.load_mime_renders.charts = True


class ChartDirective(SphinxDirective):
    """`{chart} <id>`: a published chart again, whole or `:bare:` (drawing, headline and subtitle), `:small:` (the narrow one) or `:mini:` (marks alone)."""
    required_arguments = 1
    option_spec = dict.fromkeys(("bare", "small", "mini"), directives.flag)

    def run(self):
        place = f"{self.env.doc2path(self.env.docname, base=False)}, line {self.get_source_info()[1]}"
        kept(self.env, "uses").setdefault(self.env.docname, []).append((self.arguments[0], place))
        return [chart_figure("", chart=self.arguments[0], use=next(iter(self.options), "whole"))]


class MoveCode(SphinxPostTransform):
    """A chart's input goes into its figure, other inputs are folded. Runs after MyST-NB picks outputs, before it hides cells."""
    default_priority = 50

    def run(self, **kwargs):
        for cell in list(self.document.findall(nodes.container)) if self.app.builder.name in HTML else ():
            source = cell.children and cell.get("nb_element") == "cell_code" and cell[0]
            if not source or source.get("nb_element") != "cell_code_source" or cell.get("hide_mode", "input") != "input":
                continue
            if figures := list(cell.findall(chart_figure)):
                cell.remove(source)
                figures[-1] += source
                cell.attributes.pop("hide_mode", None)
            elif self.config.charts_fold_code and "show-input" not in cell["cell_metadata"].get("tags", []):
                cell.attributes |= {"hide_mode": "input"} | dict.fromkeys(("prompt_show", "prompt_hide"), self.config.charts_fold_code)


def purge(app, env, docname):
    for name, found in kept(env, "published").items():
        found[:] = [one for one in found if one["doc"] != docname]
    for kind in ("faults", "uses"):
        kept(env, kind).pop(docname, None)


def check(app, env):
    """Stop the build with every fault at once; return the pages that show again a chart that was read anew."""
    said = [one for _, found in sorted(kept(env, "faults").items()) for one in found]
    published = {name: found for name, found in sorted(kept(env, "published").items()) if found}
    said += [f"{found[1]['place']}: chart id {name!r} is already used in {found[0]['place']}" for name, found in published.items() if len(found) > 1]
    for name, place in (use for uses in kept(env, "uses").values() for use in uses if use[0] not in published):
        said.append(f"{place}: no chart is published as {name!r}" + "".join(f"; did you mean {near!r}?" for near in difflib.get_close_matches(name, published, 1)))
    if said:
        raise ExtensionError("charts: " + "\ncharts: ".join(said), modname=__name__)
    if app.builder.format == "html" and published:
        assets(app)
    return [doc for doc, uses in kept(env, "uses").items() if any(published[name][0]["doc"] in app.charts_read for name, _ in uses)]


# ---- writing ---------------------------------------------------------------------------------------------------

def put(target, content):
    """Write a file unless it already says so; returns whether it was written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return bool((not target.exists() or target.read_bytes() != content) and target.write_bytes(content))


def assets(app):
    """Write style, script and runtime, named by their content; note the names in `app.charts_assets`."""
    for kind, file, folder in (("css", HERE / "charts.css", "_static"), ("js", HERE / "charts.js", "_static"), ("runtime", app.charts_work.get(vega(app)), app.config.charts_csv_base)):
        content = file.read_bytes()
        name = f"{'vega' if kind == 'runtime' else 'charts'}-{hashlib.sha256(content).hexdigest()[:10]}{file.suffix}"
        put(Path(app.outdir, folder, name), content)
        app.charts_assets[kind] = name if folder == "_static" else f"{folder}/{name}"


def vega(app):
    """Where the runtime is kept between builds."""
    return Path(app.doctreedir, f"vega-{vl_convert.__version__}-{hashlib.sha256((HERE / 'drawing.py').read_bytes()).hexdigest()[:10]}.js")


def kept_as(app, chart):
    """Where a chart's drawings are kept between builds, by what they are made of; has them drawn if they are not there."""
    widths, colors = sorted(app.config.charts_widths), {hex.lower(): name for hex, name in app.config.charts_colors.items()}
    made_with = [HERE / f"{name}.py" for name in ("drawing", "markup", "pictures", "work")] + [font for folder in app.config.charts_fonts for font in sorted(Path(app.srcdir, folder).rglob("*")) if font.is_file()]
    seed = json.dumps([chart["spec"], widths, colors, vl_convert.__version__, [hashlib.sha256(path.read_bytes()).hexdigest() for path in made_with]])
    target = Path(app.doctreedir, f"chart-{hashlib.sha256(seed.encode()).hexdigest()[:20]}.json")
    app.charts_work.ask(target, work.chart, chart["spec"], chart["rows"], widths, colors)
    return target


def drawn(app, chart):
    """A chart drawn at each width: {svgs, live, png, rows, colors}; `png` is a path. Raises what the drawing raised."""
    target, colors = app.charts_work.get(kept_as(app, chart)), {hex.lower(): name for hex, name in app.config.charts_colors.items()}
    return json.loads(target.read_text("utf-8")) | {"png": target.with_suffix(".png"), "rows": chart["rows"], "colors": colors}


def write_files(app, chart, made):
    """The downloads of a figure and, last, its live spec; returns file ending -> path in the site. Closed data: pictures only."""
    spec, figure, base = chart["spec"], chart["spec"]["usermeta"]["figure"], app.config.charts_csv_base
    path = (lambda ending: Path(app.outdir, base, f"{figure['id']}.{ending}"))
    files = ["svg", "png"]
    put(path("svg"), pictures.figure_svg(spec, made["svgs"][-1]).encode())
    put(path("png"), made["png"].read_bytes())
    if figure.get("download", True):
        put(path("csv"), markup.csv_text(made["rows"], figure["columns"]).encode())
        put(path("vl.json"), json.dumps(spec, ensure_ascii=False, indent=1).encode())
        files += ["csv", "vl.json"]
    content = markup.scripted(figure["id"], made["live"]).encode()
    files.append(f"{hashlib.sha256(content).hexdigest()[:10]}.js")
    put(path(files[-1]), content)
    list(map(Path.unlink, {*Path(app.outdir, base).glob(f"{figure['id']}.*.js")} - {path(files[-1])}))  # of an earlier build
    return {ending: f"{base}/{figure['id']}.{ending}" for ending in files}


def parts(writer, node, chart):
    """The HTML of a figure in two strings; its code stands between them."""
    builder, config, page = writer.builder, writer.builder.config, writer.builder.current_docname
    figure, here, there = chart["spec"]["usermeta"]["figure"], builder.get_target_uri(page), builder.get_target_uri(chart["doc"])
    first, taken, made = f"fig-{figure['id']}", writer.__dict__.setdefault("charts_taken", []), drawn(builder.app, chart)
    taken.append(first)
    key = first + (f"-{taken.count(first) + (page == chart['doc'])}" if node["use"] and (page == chart["doc"] or taken.count(first) > 1) else "")
    home = ("" if page == chart["doc"] else relative_uri(here, there)) + "#" + first
    if node["use"] not in ("", "whole"):
        return markup.again(figure, made, key, home, node["use"]), ""
    reach = (lambda url: url if re.match(r"https?://", url) else relative_uri(here, url.partition("#")[0]) + "".join(url.partition("#")[1:]))
    count = builder.env.toc_fignumbers.get(chart["doc"], {}).get("figure", {}).get(first)
    site, source = (config.charts_site_url or config.html_baseurl or "").rstrip("/"), builder.env.doc2path(chart["doc"], base=False)
    downloads = {ending: reach(path) for ending, path in write_files(builder.app, chart, made).items()}
    return markup.figure_parts(
        figure, made, key, late=bool({*(figure.get("tables") or ())} & {*config.charts_overdue}), number=config.numfig_format["figure"] % ".".join(map(str, count)) if count else "", home=home,
        tables=[(name, reach(config.charts_table_url.format(table=name))) for name in figure.get("tables") or () if config.charts_table_url],
        notebook=config.charts_notebook_url and reach(config.charts_notebook_url.format(source=source, doc=chart["doc"])),
        runtime=reach(builder.app.charts_assets["runtime"]), author=config.charts_citation_author or config.author, book=config.charts_citation_title or config.project,
        live=list(downloads.values())[-1], downloads=downloads, address=site and f"{site}/{there}#{first}")


def visit_figure(writer, node):
    chart = kept(writer.builder.env, "published")[node["chart"]][0]
    try:
        start, end = parts(writer, node, chart)
    except (ValueError, TypeError, AttributeError, LookupError, RuntimeError) as error:  # whatever a spec can make go wrong
        said = " ".join(map(str.strip, str(error).strip().splitlines()[:2]))  # Vega-Lite's reason stands on the second line; then come its own places
        raise ExtensionError(f"charts: {chart['place']}: the chart cannot be drawn: {said if type(error) is ValueError else f'{type(error).__name__}: {said}'}", modname=__name__) from None
    writer.body.append(start)
    for child in (child for child in node if not isinstance(child, chart_words)):
        writer.body.append('<details class="chart-code"><summary>How this chart is made</summary>')
        child.walkabout(writer)
        writer.body.append("</details>")
    writer.body.append(end)
    raise nodes.SkipNode


def skip(writer, node):
    raise nodes.SkipNode


def pages(app, pagename, templatename, context, doctree):
    """Style on pages that have a chart, script on those that have a whole figure."""
    uses = [node["use"] for node in doctree.findall(chart_figure)] if doctree is not None else []
    uses and app.add_css_file(app.charts_assets["css"])
    {"", "whole"} & set(uses) and app.add_js_file(app.charts_assets["js"], defer="defer")


def begin(app):
    app.charts_read, app.charts_assets = set(), {}
    app.charts_work = work.Work([str(Path(app.srcdir, folder)) for folder in app.config.charts_fonts], app.doctreedir)
    hook()
    app.builder.format == "html" and app.charts_work.ask(vega(app), work.runtime)


def setup(app):
    for name, default, types in (
            ("colors", {}, [dict]), ("widths", (328, 680), [tuple, list]), ("fonts", (), [tuple, list]), ("csv_base", "_charts", [str]),
            ("table_url", "", [str]), ("notebook_url", "_sources/{source}", [str]), ("site_url", "", [str]),
            ("overdue", (), [tuple, list]), ("citation_author", "", [str]), ("citation_title", "", [str]), ("fold_code", "Show the code", [str])):
        app.add_config_value(f"charts_{name}", default, "html", types)
    others = {builder: (skip, None) for builder in ("latex", "text", "man", "texinfo")}
    app.add_enumerable_node(chart_figure, "figure", lambda node: node.get("title"), html=(visit_figure, None), **others)
    app.add_node(chart_words, html=(skip, None), **others)
    app.add_directive("chart", ChartDirective)
    app.add_post_transform(MoveCode)
    app.connect("builder-inited", begin)
    app.connect("env-before-read-docs", lambda app, env, docnames: app.charts_read.update(docnames))
    app.connect("env-purge-doc", purge)
    app.connect("env-updated", check)
    app.connect("html-page-context", pages, priority=100)
    app.connect("build-finished", lambda app, error: app.charts_work.close())
    return {"version": "1", "env_version": 1, "parallel_read_safe": False, "parallel_write_safe": False}
