"""Sphinx extension: Vega-Lite charts that are in the page before any script, and come alive when a reader wants it.

A notebook output of type `application/vnd.vegalite.v*+json` whose spec carries `usermeta.figure` becomes a numbered
figure; `{chart} <id>` shows it again on any page. README.md lists the options and what the spec must say.
"""
import difflib
import functools
import hashlib
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

from . import drawing, markup

HERE = Path(__file__).parent
MIME = re.compile(r"application/vnd\.vegalite\.v\d+(\.\d+)*\+json")
HTML = ("html", "dirhtml", "singlehtml")


class chart_figure(nodes.General, nodes.Element):
    """A figure: `chart` is its id, `use` None where it is published, else {bare, small}. Children: the code, once moved here."""


class chart_words(nodes.TextElement):
    """Headline and subtitle for the search index; never written."""


class folded(nodes.General, nodes.Element):
    """Code behind a summary."""


def charts(env):
    """The published charts: id -> list of {doc, place, spec, rows}; more than one is a fault."""
    return env.__dict__.setdefault("charts_published", {})


def notes(env, kind):
    """Per document, what was met while reading: `faults` (messages) or `uses` (ids and places)."""
    return env.__dict__.setdefault("charts_" + kind, {})


# ---- reading ---------------------------------------------------------------------------------------------------

def faults(spec):
    """What a spec lacks to be a figure: a list of plain sentences."""
    figure = (spec.get("usermeta") or {}).get("figure")
    if not isinstance(figure, dict):
        return ["the chart has no usermeta.figure (title, subtitle, alt, sources, columns and id belong there)"]
    found = [f"{key} is missing" for key in ("title", "subtitle", "alt") if not isinstance(figure.get(key), str) or not figure[key].strip()]
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(figure.get("id") or "")):
        found.append("id is missing" if not figure.get("id") else f"id {figure['id']!r} is not lower-case words joined by hyphens")
    if not any("missing" in one and one.startswith("alt") for one in found):
        alt, plain = figure["alt"].strip(), (lambda text: re.sub(r"\W+", " ", str(text)).strip().lower())
        if not 40 <= len(alt) <= 300:
            found.append(f"alt has {len(alt)} characters; say in 40 to 300 what the drawing shows")
        elif plain(alt) in (plain(figure.get("title")), plain(f"{figure.get('title')} {figure.get('subtitle')}")):
            found.append("alt repeats the title; say what the drawing shows")
    sources = figure.get("sources")
    if not isinstance(sources, list) or not sources or not all(isinstance(one, dict) and one.get("title") for one in sources):
        found.append("sources are missing")
    if not isinstance(figure.get("columns"), dict) or not figure["columns"]:
        found.append("columns are missing")
    elif not found and markup.table(spec) is None:
        found.append(f"no dataset in the spec has all of the columns {', '.join(figure['columns'])}")
    return found


class ChartMime:
    """MyST-NB mime renderer: a published chart to its node, faults noted with document and cell."""
    mime_priority_overrides = [(name, f"application/vnd.vegalite.v{n}+json", 1) for name in HTML for n in (5, 6, 7)]

    @staticmethod
    def handle_mime(renderer, data, inline):
        env = renderer.renderer.sphinx_env
        if inline or not MIME.fullmatch(data.mime_type) or env is None or "charts" not in env.app.extensions:
            return None
        place = f"{env.doc2path(env.docname, base=False)}, cell {(data.cell_index or 0) + 1}"
        spec = json.loads(json.dumps(data.content) if not isinstance(data.content, str) else data.content)
        wrong = faults(spec)
        name = ((spec.get("usermeta") or {}).get("figure") or {}).get("id")
        if wrong:
            notes(env, "faults").setdefault(env.docname, []).extend(f"{place}: chart {name or 'without an id'}: {one}" for one in wrong)
            return []
        known = charts(env).setdefault(name, [])
        known.append({"doc": env.docname, "place": place, "spec": spec, "rows": markup.table(spec)})
        if len(known) > 1:
            return []
        figure = spec["usermeta"]["figure"]
        node = chart_figure("", chart_words("", f"{figure['title']}. {figure['subtitle']}"), chart=name, use=None, title=figure["title"], names=[f"fig-{name}"])
        renderer.renderer.document.note_explicit_target(node, node)
        return [node]


def hook():
    """MyST-NB takes mime renderers from entry points only; an extension inside a book is not installed, so it joins the list."""
    if not hasattr(mystnb.load_mime_renders, "charts"):
        stock = mystnb.load_mime_renders
        mystnb.load_mime_renders = functools.wraps(stock)(lambda: [ChartMime, *stock()])
        mystnb.load_mime_renders.charts = True


class ChartDirective(SphinxDirective):
    """`{chart} <id>`: a published chart again. `:bare:` only drawing and headline; `:small:` only the narrow drawing, bare."""
    required_arguments = 1
    option_spec = {"bare": directives.flag, "small": directives.flag}

    def run(self):
        name, (source, line) = self.arguments[0], self.get_source_info()
        notes(self.env, "uses").setdefault(self.env.docname, []).append((name, f"{self.env.doc2path(self.env.docname, base=False)}, line {line}"))
        return [chart_figure("", chart=name, use={"bare": "bare" in self.options or "small" in self.options, "small": "small" in self.options})]


class MoveCode(SphinxPostTransform):
    """A chart's input goes into its figure; other inputs are folded. Runs after MyST-NB picks outputs, before it hides cells."""
    default_priority = 50

    def run(self, **kwargs):
        if self.app.builder.name not in HTML:
            return
        for cell in list(self.document.findall(nodes.container)):
            source = cell.children and cell.get("nb_element") == "cell_code" and cell[0]
            if not source or source.get("nb_element") != "cell_code_source" or cell.get("hide_mode") in ("all", "output", "input+output"):
                continue
            figures = list(cell.findall(chart_figure))
            if figures:
                cell.remove(source)
                figures[-1] += source
            elif self.config.charts_fold_code and "show-input" not in cell.get("cell_metadata", {}).get("tags", []):
                cell.replace(source, folded("", source, summary=self.config.charts_fold_code))
            cell.attributes.pop("hide_mode", None)


def purge(app, env, docname):
    for name, found in list(charts(env).items()):
        charts(env)[name] = [one for one in found if one["doc"] != docname]
    for kind in ("faults", "uses"):
        notes(env, kind).pop(docname, None)


def merge(app, env, docnames, other):
    for name, found in charts(other).items():
        charts(env).setdefault(name, []).extend(one for one in found if one["doc"] in docnames)
    for kind in ("faults", "uses"):
        notes(env, kind).update({doc: said for doc, said in notes(other, kind).items() if doc in docnames})


def check(app, env):
    """Stop the build with every fault at once; return the pages that show again a chart read anew."""
    said = [one for doc in sorted(notes(env, "faults")) for one in notes(env, "faults")[doc]]
    for name, found in sorted(charts(env).items()):
        if len(found) > 1:
            said.append(f"{found[1]['place']}: chart id {name!r} is already used in {found[0]['place']}")
    names = [name for name, found in charts(env).items() if found]
    for uses in notes(env, "uses").values():
        for name, place in uses:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                said.append(f"{place}: no chart is published as {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if said:
        raise ExtensionError("charts: " + "\ncharts: ".join(said), modname="charts")
    if app.builder.format == "html" and names:
        assets(app)
    return [doc for doc, uses in notes(env, "uses").items() if any(charts(env)[name][0]["doc"] in app.charts_read for name, _ in uses)]


# ---- writing ---------------------------------------------------------------------------------------------------

def assets(app):
    """Write script, style and runtime, named by their content, and note the names."""
    app.charts_assets = {}
    kept = Path(app.doctreedir) / f"vega-{vl_convert.__version__}.js"
    if not kept.exists():
        kept.write_text(drawing.runtime(), "utf-8")
    for kind, file, folder in (("css", HERE / "charts.css", "_static"), ("js", HERE / "charts.js", "_static"), ("runtime", kept, app.config.charts_csv_base)):
        content = file.read_bytes()
        stem = "vega" if kind == "runtime" else "charts"
        target = Path(app.outdir) / folder / f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}{file.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.write_bytes(content)
        app.charts_assets[kind] = target.name if folder == "_static" else f"{folder}/{target.name}"


def drawn(app, chart):
    """A chart compiled and drawn at each width: {svgs, live, rows, colors}; kept between builds by its content."""
    config, spec, rows = app.config, chart["spec"], chart["rows"]
    colors = {hex.lower(): name for hex, name in config.charts_colors.items()}
    seed = json.dumps([spec, config.charts_widths, colors, config.charts_fonts, vl_convert.__version__, (HERE / "drawing.py").read_text("utf-8")])
    kept = Path(config.charts_cache or app.doctreedir, f"chart-{hashlib.sha256(seed.encode()).hexdigest()[:20]}.json")
    kept = kept if kept.is_absolute() else Path(app.srcdir) / kept
    if kept.exists():
        made = json.loads(kept.read_text("utf-8"))
    else:
        try:
            pairs = [drawing.compiled(spec, width) for width in sorted(config.charts_widths)]
        except ValueError as error:
            raise ExtensionError(f"charts: {chart['place']}: the chart cannot be drawn: {str(error).strip().splitlines()[0]}", modname="charts") from error
        live = drawing.live(spec, [vega for vega, _ in pairs], rows, spec["usermeta"]["figure"]["columns"], colors)
        made = {"svgs": [svg for _, svg in pairs], "live": live}
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(made), "utf-8")
    return made | {"rows": rows, "colors": colors}


def write_files(app, chart, made):
    """The downloads of a figure; returns file ending -> path in the site. Closed data: pictures only."""
    spec, figure = chart["spec"], chart["spec"]["usermeta"]["figure"]
    whole = drawing.figure_svg(spec, made["svgs"][-1])
    files = {"svg": whole.encode(), "png": None}
    if figure.get("download", True):
        files |= {"csv": markup.csv_text(made["rows"], figure["columns"]).encode(), "vl.json": json.dumps(spec, ensure_ascii=False, indent=1).encode()}
    base = Path(app.outdir) / app.config.charts_csv_base
    for ending, content in files.items():
        target = base / f"{figure['id']}.{ending}"
        if ending == "png":
            svg = base / f"{figure['id']}.svg"
            if target.exists() and svg.exists() and target.stat().st_mtime >= svg.stat().st_mtime:
                continue
            content = vl_convert.svg_to_png(whole, scale=2)
        if not target.exists() or target.read_bytes() != content:
            target.write_bytes(content)
    return {ending: f"{app.config.charts_csv_base}/{figure['id']}.{ending}" for ending in files}


def visit_figure(writer, node):
    app, env, page = writer.builder.app, writer.builder.env, writer.builder.current_docname
    chart, config = charts(env)[node["chart"]][0], writer.builder.config
    figure, here = chart["spec"]["usermeta"]["figure"], writer.builder.get_target_uri(page)
    taken = writer.__dict__.setdefault("charts_keys", set())
    key = f"fig-{figure['id']}"
    if node["use"] and (page == chart["doc"] or key in taken):
        key = next(name for n in range(2, 99) if (name := f"fig-{figure['id']}-{n}") not in taken)
    taken.add(key)
    home_page = writer.builder.get_target_uri(chart["doc"])
    home = (relative_uri(here, home_page) if page != chart["doc"] else "") + f"#fig-{figure['id']}"
    reach = (lambda url: url if re.match(r"https?://", url) else relative_uri(here, url))
    made = drawn(app, chart)
    if node["use"] and node["use"]["bare"]:
        writer.body.append(markup.bare(figure, made, key, home=home, small=node["use"]["small"]) + "\n")
        raise nodes.SkipNode
    downloads = write_files(app, chart, made)
    count = env.toc_fignumbers.get(chart["doc"], {}).get("figure", {}).get(f"fig-{figure['id']}")
    site = (config.charts_site_url or config.html_baseurl or "").rstrip("/")
    writer.body.append(markup.opening(
        figure, made, key, number=config.numfig_format["figure"] % ".".join(map(str, count)) if count else "", home=home,
        tables=[(name, reach(config.charts_table_url.format(table=name))) for name in figure.get("tables") or [] if config.charts_table_url],
        notebook=config.charts_notebook_url and reach(config.charts_notebook_url.format(source=env.doc2path(chart["doc"], base=False), doc=chart["doc"])),
        runtime=reach(app.charts_assets["runtime"]), downloads={ending: reach(path) for ending, path in downloads.items()},
        author=config.charts_citation_author or config.author, book=config.charts_citation_title or config.project,
        site=f"{site}/{home_page}" if site and page == chart["doc"] else site and f"{site}/{home_page}"))
    sources = [child for child in node if not isinstance(child, chart_words)]
    if sources:
        writer.body.append('<details class="chart-code"><summary>How this chart is made</summary>')
        for child in sources:
            child.walkabout(writer)
        writer.body.append("</details>")
    writer.body.append("</figure>\n")
    raise nodes.SkipNode


def visit_folded(writer, node):
    writer.body.append(f'<details class="chart-code chart-folded"><summary>{writer.encode(node["summary"])}</summary>')


def depart_folded(writer, node):
    writer.body.append("</details>")


def skip(writer, node):
    raise nodes.SkipNode


def pages(app, pagename, templatename, context, doctree):
    """Script and style only on pages that have a chart or folded code."""
    if doctree is not None and getattr(app, "charts_assets", None) and (any(doctree.findall(chart_figure)) or any(doctree.findall(folded))):
        app.add_css_file(app.charts_assets["css"])
        if any(doctree.findall(chart_figure)):
            app.add_js_file(app.charts_assets["js"], defer="defer")


def start(app):
    app.charts_read = set()
    hook()
    for folder in app.config.charts_fonts:
        vl_convert.register_font_directory(str(Path(app.srcdir, folder)))


def setup(app):
    for name, default, types in (
            ("charts_colors", {}, [dict]), ("charts_widths", (328, 680), [tuple, list]), ("charts_fonts", [], [tuple, list]),
            ("charts_csv_base", "_charts", [str]), ("charts_table_url", "", [str]), ("charts_notebook_url", "_sources/{source}", [str]),
            ("charts_site_url", "", [str]), ("charts_citation_author", "", [str]), ("charts_citation_title", "", [str]),
            ("charts_fold_code", "Show the code", [str]), ("charts_cache", "", [str])):
        app.add_config_value(name, default, "env" if name == "charts_fold_code" else "html", types)
    others = {builder: (skip, None) for builder in ("latex", "text", "man", "texinfo")}
    app.add_enumerable_node(chart_figure, "figure", lambda node: node.get("title"), html=(visit_figure, None), **others)
    app.add_node(chart_words, html=(skip, None), **others)
    app.add_node(folded, html=(visit_folded, depart_folded), **others)
    app.add_directive("chart", ChartDirective)
    app.add_post_transform(MoveCode)
    app.connect("builder-inited", start)
    app.connect("env-before-read-docs", lambda app, env, docnames: app.charts_read.update(docnames))
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", check)
    app.connect("html-page-context", pages)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
