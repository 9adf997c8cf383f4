"""Sphinx extension of this book alone: a page for every table, numbers in prose that lead to their rows and terms that lead to the glossary, corrections as a feed, how to cite and where to report.

Reads `data/` and the stored outputs of `chapters/`. A link to `data/<name>.csv` in a page leads to the table's page in
the site; one whose text is "CSV", or to the descriptor, to the file. Nothing is configured here but through `html_baseurl`, `project` and the theme's `repository_url`.
"""
import functools
import hashlib
import re
import sys
from html import unescape
from pathlib import Path

import yaml
from docutils import nodes
from docutils.utils import new_document
from myst_nb.core import render as mystnb
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging, osutil
from sphinx.util.docutils import SphinxDirective

from ..theme.new_chapter import chapter_number, repository
from . import feed, package, pages

HTML = ("html", "dirhtml", "singlehtml")
GENERATED = re.compile("chapters/(data|data_.*|corrections)")
LINKED = {"chapter-cards", "key-numbers"}  # lists whose items are links already
# Bodies, papers, places and words lead to their entry; people do not, whose names would fill pages with links, nor do words that stand everywhere and that readers know.
UNLED_KINDS, UNLED = {"person"}, {"korea", "north-korea", "meeting", "visitors"}
CSS = (Path(__file__).parent / "site.css").read_bytes()
STYLE = f"site-{hashlib.sha256(CSS).hexdigest()[:10]}.css"


def relative_uri(here, to):
    """Address `to` seen from page `here`, with its anchor (Sphinx's own loses it)."""
    page, mark, anchor = to.partition("#")
    return osutil.relative_uri(here, page) + mark + anchor


class ledger_table(nodes.General, nodes.Element):
    """The ledger of a chapter; `entries` as `house.ledger` stored them."""


class LedgerMime:
    """MyST-NB mime renderer for a chapter's ledger."""
    mime_priority_overrides = [(name, package.LEDGER, 1) for name in HTML]

    @staticmethod
    def handle_mime(renderer, data, inline):
        return None if inline or data.mime_type != package.LEDGER else [ledger_table(entries=list(data.content))]


def hook():
    """MyST-NB takes mime renderers from entry points only; an extension inside a book is not installed, so it joins the list."""
    if not hasattr(mystnb.load_mime_renders, "ledger"):
        stock = mystnb.load_mime_renders
        mystnb.load_mime_renders = functools.wraps(stock)(lambda: [LedgerMime, *stock()])
        mystnb.load_mime_renders.ledger = True


def visit_ledger(writer, node):
    here, root = writer.builder.get_target_uri(writer.builder.current_docname), writer.builder.app.srcdir
    writer.body.append(pages.ledger(node["entries"], package.tables(root), lambda to: relative_uri(here, to)))
    raise nodes.SkipNode


def skip(writer, node):
    raise nodes.SkipNode


class TableLinks(SphinxTransform):
    """A link to a file of the package leads to its table's page, where the file is offered; one that says "CSV" to the file."""
    default_priority = 500  # before Sphinx collects files to copy

    def apply(self, **kwargs):
        known = {f"data/{table.path.name}": table for table in package.tables(self.app.srcdir).values()}
        for node in list(self.document.findall(addnodes.download_reference)):
            to, text = self.env.relfn2path(node["reftarget"], self.env.docname)[0], node.astext()
            table, reach = known.get(to), functools.partial(relative_uri, self.app.builder.get_target_uri(self.env.docname))
            if table and text in ("CSV", "JSON") and table.entry["redistribute"]:
                node.replace_self(nodes.raw("", pages.link(text, reach(to), f"{text} of {table.name.replace('_', ' ')}"), format="html"))  # a node for links has no place for a name
            elif table or to == package.DESCRIPTOR:  # Sphinx's copy of it would stand alone, and name tables that are not offered
                node.replace_self(nodes.reference("", "", *node.children, internal=True, refuri=reach(table.address() if table else to)))


# ---- words that depend on where the book stands -----------------------------------------------------------------

def linked(text, address):
    """The text as a link, or as it is where there is no address."""
    return nodes.reference("", text, refuri=address) if address else nodes.Text(text)


class Citation(SphinxDirective):
    """`{citation}`: how to cite the book, from CITATION.cff, with the day of the data and, where the site has one, its address."""

    def run(self):
        path = Path(self.env.srcdir, "CITATION.cff")
        self.env.note_dependency(str(path))
        said, site = yaml.safe_load(path.read_text("utf-8")), self.config.html_baseurl
        names = " and ".join(author.get("name") or f"{author['given-names']} {author['family-names']}" for author in said["authors"])
        line = nodes.paragraph("", "", nodes.Text(f"{names} ({str(said['date-released'])[:4]}). "), nodes.emphasis("", said["title"]),
                               nodes.Text(f". Version {said['version']}, data as of {package.day(package.gathered(self.env.srcdir))}."), classes=["citation"])
        line += [nodes.Text(" "), linked(site, site)] if site else []
        where = nodes.paragraph("", "", nodes.Text("The file "), nodes.literal("", path.name), nodes.Text(" in "),
                                linked("the repository", repository(self.config.html_theme_options)), nodes.Text(" has the same in machine-readable form."))
        return [nodes.block_quote("", line), where]


class ReportError(SphinxDirective):
    """`{report-error}`: where to report an error, as far as this copy of the book knows."""

    def run(self):
        home = repository(self.config.html_theme_options)
        said = ([nodes.Text("To report an error, open one of "), linked("the repository’s issues", f"{home}/issues"), nodes.Text(": name the page")] if home else
                [nodes.Text("This copy of the book was built without the address of its repository, where errors are reported as issues. Tell whoever gave you the copy: name the page")])
        return [nodes.paragraph("", "", *said, nodes.Text(" and the number and, if you can, a source that says otherwise."))]


# ---- numbers and terms in prose --------------------------------------------------------------------------------

def fold(text):
    """Text as phrases and prose compare: straight quotes, one kind of blank; as many characters as before."""
    return text.translate(str.maketrans("‘’“”\n\t\u00a0", "''\"\"   "))


def phrases(env, doc):
    """{folded phrase: entry} that may stand in a document: its own ledger, or every chapter's where it has no kernel."""
    if GENERATED.fullmatch(doc):
        return {}
    found = {}
    for chapter, entries in env.book_ledgers:
        if chapter == doc or not env.doc2path(doc).endswith(".ipynb"):
            for entry in entries:
                smart = re.sub(r"\.\.\.", "…", entry["phrase"]).replace("---", "—").replace("--", "–").replace("*", "")
                found.setdefault(fold(re.sub(r"\s+", " ", smart)).strip(), entry)
    return found


def terms(env, doc):
    """Pattern of the glossary's terms, the longest first, that a chapter links, and the addresses of their entries by number of group; nothing for other documents."""
    if not chapter_number(doc) or "chapters/glossary" not in env.found_docs:
        return re.compile("(?!)"), []
    rows = [row for row in package.tables(env.srcdir)["glossary"].rows if row["kind"] not in UNLED_KINDS and row["id"] not in UNLED]
    pairs = [(fold(name), row["id"]) for row in rows for name in re.split(r" \(|; |\)", f"{row['term_en']}; {row['also_en']}") if name]  # brackets hold another name; two with a slash are one: the book always writes both
    pairs.sort(key=lambda pair: len(pair[0]), reverse=True)
    # In the middle of a sentence only the first letter changes; quotation marks may be missing.
    groups = ["(" + re.sub("[A-Z]", r"(?i:\g<0>)", re.escape(name), count=1).translate({39: "'?", 34: '"?'}) + "s?)" for name, _ in pairs]
    return re.compile(rf"(?<!\w)(?:{'|'.join(groups)})(?!\w)"), [f"chapters/glossary.html#term-{id}" for _, id in pairs]


class Bind(SphinxPostTransform):
    """Each number of a bound phrase, with its per cent sign, becomes a quiet link to its table or row, each term of the glossary where a chapter first uses it one to its entry."""
    default_priority = 220  # after the theme has told its lists
    formats = ("html",)

    def run(self, **kwargs):
        bound, (term, entries) = phrases(self.env, self.env.docname), terms(self.env, self.env.docname)
        if not bound and not entries:
            return
        import numerals
        ordered, known, led = sorted(bound, key=len, reverse=True), package.tables(self.app.srcdir), set()
        for paragraph in list(self.document.findall(nodes.paragraph)):
            above = {name for node in up(paragraph) for name in node.get("classes", [])}
            if above & LINKED:
                continue
            leaves, text, spans = list(paragraph.findall(nodes.Text)), "", {}
            starts, found = [], []
            for leaf in leaves:
                starts.append(len(text))
                text += "\0" * len(leaf) if isinstance(leaf.parent, (nodes.literal, nodes.raw, nodes.math)) else fold(str(leaf))
            for match, entry in ((match, bound[phrase]) for phrase in ordered if phrase in text for match in re.finditer(rf"(?<!\w){re.escape(phrase)}(?!\w)", text)):
                table = known[entry["table"]]
                for row, number in zip(entry["rows"] or [""] * len(entry["values"]), numerals.counted(match[0], len(entry["values"]))):
                    said = {"classes": ["bound"], "reftitle": f"From the table “{table.entry['title']}”" + (f", row {row}" if row else "")}
                    end = match.start() + number.end
                    found.append((match.start() + number.start, end + (text[end:end + 1] == "%"), table.address(row), said))
            if "in-short" not in above and not any(isinstance(node, (nodes.table, nodes.figure)) for node in up(paragraph)):
                found += [(*match.span(), entries[match.lastindex - 1], {"classes": ["term"]}) for match in term.finditer(text)]
            for first, last, address, said in found:
                within = [place for place, start in enumerate(starts) if start <= first and last <= start + len(leaves[place])]
                for place in (place for place in within if address not in led and self.open(leaves[place], paragraph, "in-short" in above)):
                    taken = spans.setdefault(place, [])  # phrases may overlap: a number belongs to the longest
                    if not any(first < stop and begun < last for begun, stop, *_ in taken):
                        taken.append((first, last, address, said))
                        led |= {address} & set(entries)  # a term once, a number wherever it stands
            for place, links in spans.items():
                self.link(leaves[place], starts[place], sorted(links, key=lambda link: link[0]))

    @staticmethod
    def open(leaf, paragraph, strong_only):
        """Whether a text may hold a link: not inside another, nor in code; in a list of three findings, only its large number."""
        kinds = [type(node) for node in up(leaf.parent, paragraph)]
        closed = any(issubclass(kind, (nodes.reference, addnodes.download_reference, nodes.literal, nodes.raw, nodes.footnote_reference, nodes.math)) for kind in kinds)
        return not closed and (not strong_only or nodes.strong in kinds)

    def link(self, leaf, begin, links):
        here, parts, end = self.app.builder.get_target_uri(self.env.docname), [], 0
        for start, stop, address, said in ((start - begin, stop - begin, *to) for start, stop, *to in links):
            parts += [nodes.Text(str(leaf)[end:start]), nodes.reference("", str(leaf)[start:stop], internal=True, refuri=relative_uri(here, address), **said)]
            end = stop
        leaf.parent.replace(leaf, [part for part in [*parts, nodes.Text(str(leaf)[end:])] if part.astext()])


class Names(SphinxPostTransform):
    """Given names with a hyphen, of the leaders and of the glossary's people, are not broken at the end of a line; the letters stay as they are, to be found and copied."""
    default_priority = 230  # after Bind, which wants the text in one piece
    formats = ("html",)

    def run(self, **kwargs):
        known = package.tables(self.app.srcdir)
        people = [row["name"] for row in known["leaders"].rows] + [row["term_en"] for row in known["glossary"].rows if row["kind"] == "person"]
        given = {part for name in people for part in re.findall(r"\w+-\w+", name)}
        name = re.compile(rf"(?<![\w-])({'|'.join(sorted(map(re.escape, given)))})(?![\w-])")
        for text in list(self.document.findall(lambda node: isinstance(node, nodes.Text) and name.search(node))) if given else []:
            if not any(isinstance(node, (nodes.literal, nodes.literal_block, nodes.raw, nodes.math)) for node in up(text.parent)):
                text.parent.replace(text, [nodes.inline("", part, classes=["name"]) if n % 2 else nodes.Text(part) for n, part in enumerate(name.split(text)) if part])


class Shown(SphinxPostTransform):
    """The rows that the dictionary shows of a table: yes and no for true and false, as on the table's page, and codes that may break after an underscore or a slash."""
    default_priority = 230
    formats = ("html",)

    def run(self, **kwargs):
        for text in [text for cell in self.document.findall(nodes.entry) for text in cell.findall(nodes.Text)] if GENERATED.fullmatch(self.env.docname) else ():
            parts = re.split(r"(?<=\w[_/])(?=\w)", {"true": "yes", "false": "no"}.get(text, text))
            breaks = [nodes.raw("", "<wbr>", format="html") for _ in parts[1:]]
            text.parent.replace(text, [node for pair in zip(map(nodes.Text, parts), [*breaks, None]) for node in pair if node is not None])


def up(node, stop=None):
    """A node and what it stands in, up to and without `stop`."""
    while node is not None and node is not stop:
        yield node
        node = node.parent


# ---- pages and files -------------------------------------------------------------------------------------------

def due(app, config):
    """Tell the charts which tables are overdue."""
    config.charts_overdue = [table.name for table in package.overdue(package.tables(app.srcdir).values(), package.today(app.srcdir))]


def prepare(app, env, docnames):
    """Read the ledgers; a binding that leads nowhere stops the build."""
    env.book_ledgers = [(doc, entries) for doc, entries in package.outputs(app.srcdir, package.LEDGER) if doc in env.found_docs]
    env.book_read = set(docnames)
    known, wrong = package.tables(app.srcdir), []
    for doc, entries in env.book_ledgers:
        for entry in entries:
            try:
                for row in entry["rows"] or [""]:
                    known[entry["table"]].address(row)
            except (KeyError, ValueError) as error:
                wrong.append(f"{doc}.ipynb, ledger: {entry['phrase']!r}: " + (f"there is no table {error}" if isinstance(error, KeyError) else str(error)))
    for fault in wrong:
        logging.getLogger(__name__).error(fault)  # the build names errors, and only the kind of what is raised
    if wrong:
        raise ExtensionError("; ".join(wrong), modname="book.site")


def again(app, env):
    """Pages without a kernel are written anew when a chapter, and so perhaps its ledger, was read."""
    plain = [doc for doc in env.found_docs if not env.doc2path(doc).endswith(".ipynb")]
    return plain if any(env.doc2path(doc).endswith(".ipynb") for doc in env.book_read) else []


def table_pages(app):
    """One page for each table, more where it is long."""
    if app.builder.format != "html":
        return
    found, uses = package.tables(app.srcdir), package.charts(app.srcdir, app.env.found_docs)
    late = set(app.config.charts_overdue)
    quoted = {}
    for entry in (entry for _, entries in app.env.book_ledgers for entry in entries):
        for row, value in zip(entry["rows"], entry["values"]):
            quoted.setdefault((entry["table"], row), set()).add(value)
    described, read = app.env.get_domain("std").anonlabels, {}
    for table in found.values():
        home = "{}.html#{}".format(*described[f"table-{table.name}"]) if f"table-{table.name}" in described else ""
        for page in range(table.pages):
            name, (first, last) = table.page(page), table.part(page)
            html = pages.table_page(table, page, uses.get(table.name, []), lambda to: relative_uri(f"{name}.html", to), home, table.name in late, quoted)
            title = f"Data: {table.entry['title']}" + (f", rows {first + 1:,} to {last:,}" if page else "")
            read[name] = pages.escape(title), html
            yield name, {"title": pages.escape(title), "description": f"{title}. {table.entry['description']}"[:280], "body": html}, "page.html"
    let_find(app.builder, read)


def let_find(builder, found):
    """Put pages, {name: (title, HTML)}, into the search index, without numbers; Sphinx would take out what is no document when it writes the index."""
    keep = builder.indexer.prune
    for name, (title, html) in found.items():
        page = new_document(name)
        page += nodes.paragraph("", " ".join(dict.fromkeys(re.findall(r"[^\W\d_][\w-]*", unescape(re.sub("<[^>]*>", " ", html))))))
        builder.indexer.feed(name, f"{name}.html", title, page)
    builder.indexer.prune = lambda docs: keep([*docs, *found])


def write_style(app):
    """Put the style where the theme finds it."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    static.mkdir(parents=True, exist_ok=True)
    (static / STYLE).write_bytes(CSS)


def style(app, pagename, templatename, context, doctree):
    """The style where it is used, and the feed in every page's head (through the theme's `metatags`)."""
    if pagename.startswith("tables/") or doctree is not None:
        app.add_css_file(STYLE)
    root = context["pathto"]("corrections.xml", 1)
    context["metatags"] = context.get("metatags", "") + f'<link rel="alternate" type="application/atom+xml" title="Corrections" href="{root}">'


def files(app, error):
    """Downloads, plain copies, none of a table that may not be republished; the feed; of a site that has an address, its map."""
    if error or app.builder.format != "html":
        return
    out, found, site = Path(app.outdir), package.tables(app.srcdir), app.config.html_baseurl or ""
    made = {package.DESCRIPTOR: package.public(app.srcdir).encode()}
    made |= {f"data/{table.path.name}": table.path.read_bytes() for table in found.values() if table.entry["redistribute"]}
    if "corrections" in found:
        table = found["corrections"]
        made["corrections.xml"] = feed.atom(app.config.html_title or app.config.project, app.config.author, table.rows, table.entry["retrieved"], site).encode()
    if site:
        listed = ["" if doc == app.config.root_doc else f"{doc}.html" for doc in sorted(app.env.found_docs)]
        listed += [f"{table.page(page)}.html" for table in found.values() for page in range(table.pages)]
        made["sitemap.xml"] = feed.sitemap(listed, site).encode()
        made["robots.txt"] = f"User-agent: *\nAllow: /\nSitemap: {site.rstrip('/')}/sitemap.xml\n".encode()  # read only where the site is the root of its host
    for name, content in made.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)


def setup(app):
    sys.path.append(str(Path(app.srcdir) / "chapters"))  # for numerals, which reads numbers in prose
    hook()
    app.add_node(ledger_table, html=(visit_ledger, None), **{builder: (skip, None) for builder in ("latex", "text", "man", "texinfo")})
    app.add_directive("citation", Citation)
    app.add_directive("report-error", ReportError)
    app.add_transform(TableLinks)
    app.add_post_transform(Bind)
    app.add_post_transform(Names)
    app.add_post_transform(Shown)
    app.connect("config-inited", due)
    app.connect("builder-inited", write_style)
    app.connect("env-before-read-docs", prepare)
    app.connect("env-updated", again)
    app.connect("html-collect-pages", table_pages)
    app.connect("html-page-context", style)
    app.connect("build-finished", files)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
