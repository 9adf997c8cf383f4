"""The book's theme: a newspaper feature rather than software documentation.

Registers the theme `new_chapter`, tidies what the readers' pages carry (scripts, styles
and inline styles of jupyter-book's default extensions) and gives the templates their
parts: contents, on-this-page, foot, launch links, description.
"""
import re
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit
from zlib import crc32

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

HERE = Path(__file__).parent
# Scripts and styles that jupyter-book's default extensions add to every page under any theme.
UNUSED = re.compile(
    r"thebe|togglebutton|copybutton|clipboard|design-tabs|sphinx-design|sphinx-book-theme|mystnb"
    r"|pygments|basic\.css|doctools|documentation_options|sphinx_highlight|new_chapter\.css")
TOKENS = {"c1", "gp", "k", "kn", "ow", "s1", "s2", "mi", "mf"}  # the parts of code that new_chapter.css colours
VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>\s*')  # docutils names it again, after layout.html
STOCK_REPOSITORY = "https://github.com/executablebooks/jupyter-book"
LANGUAGE = re.compile("([\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]+(?:[ ·][\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]+)*)"
                      "|([\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)")


class table_scroll(nodes.General, nodes.Element):
    """A table in a region of its own that can be scrolled sideways, also with the keyboard."""


def visit_table_scroll(self, node):
    self.body.append(f'<div class="table-scroll" role="region" tabindex="0" aria-label="{escape(node["label"])}">\n')


def depart_table_scroll(self, node):
    self.body.append("</div>\n")


class Furnish(SphinxPostTransform):
    """Give plain notebooks their newspaper furniture, in HTML only."""

    default_priority = 210  # after MyST-NB has folded the code away
    formats = ("html",)

    def run(self, **kwargs):
        self.opener()
        self.asides()
        self.cells()
        self.tables()
        self.languages()

    def opener(self):
        """Standfirst, question and "In short", told by their place after the page's title."""
        first = next(iter(self.document.findall(nodes.section)), None)
        if first is None or not chapter_number(self.env.docname):
            return
        body = first.children[1:]
        if body and only(body[0], nodes.emphasis) and not body[0]["classes"]:
            self.env.metadata[self.env.docname].setdefault("question", body[0].astext())
            first.remove(body.pop(0))
        if body and isinstance(body[0], nodes.paragraph) and not body[0]["classes"]:
            body[0]["classes"].append("standfirst")
        for label, items in zip(body, body[1:]):
            if (isinstance(label, nodes.paragraph) and label.astext().strip(" :") == "In short"
                    and isinstance(items, nodes.bullet_list)):
                label["classes"].append("label")
                items["classes"].append("in-short")
                self.per_cent(items)
                break

    @staticmethod
    def per_cent(items):
        """A per cent sign after a large number is a part of it."""
        for strong in list(items.findall(nodes.strong)):
            number, after = strong.children[-1] if strong.children else None, strong.next_node(descend=False, siblings=True)
            if isinstance(number, nodes.Text) and number[-1:].isdigit() and isinstance(after, nodes.Text) and after.startswith("%"):
                strong.replace(number, nodes.Text(f"{number}%"))
                strong.parent.replace(after, nodes.Text(after[1:]))

    def asides(self):
        for note in self.document.findall(nodes.sidebar):
            title = note.children[0] if note.children else None
            if isinstance(title, nodes.title) and not title.astext():
                note.remove(title)

    def cells(self):
        """Put folded code under what it makes, and code that only prepares into the fold of the cell that follows."""
        for cell in reversed(list(self.document.findall(lambda node: is_part(node, "cell_code")))):
            fold = cell.children[0] if cell.children else None
            if type(fold).__name__ != "HideCodeCellNode":
                continue
            output = len(cell.children) > 1
            fold["prompt_show"] = fold["prompt_hide"] = "How this is made" if output else "The code"
            if output:
                cell.remove(fold)
                cell.append(fold)
                continue
            after = cell.next_node(descend=False, siblings=True)
            sources = [s for s in after.findall(lambda node: is_part(node, "cell_code_source"))] if is_part(after, "cell_code") else []
            if sources and sources[-1].parent is not after:
                sources[-1].insert(0, [part for source in fold.children for part in source.children])
                cell.parent.remove(cell)

    def tables(self):
        for n, table in enumerate(list(self.document.findall(nodes.table)), 1):
            title = next(iter(table.findall(nodes.title)), None)
            frame = table_scroll(label=f"Table {n}" + (f": {title.astext()}" if title else ""))
            table.replace_self(frame)
            frame.append(table)

    def languages(self):
        """Mark Hangul and kanji, so that they are set in the right face and read in the right voice."""
        for text in list(self.document.findall(nodes.Text)):
            parent = text.parent
            if (not LANGUAGE.search(text) or isinstance(parent, (nodes.literal, nodes.literal_block, nodes.raw))
                    or any(c.startswith("language-") for c in parent.get("classes", []))):
                continue
            parent.replace(text, [nodes.inline("", words, classes=[f"language-{language}"]) if language else nodes.Text(words) for words, language in tongues(text)])


def tongues(text):
    """Parts of a text in their order, each (words, language): "ko" where it is Hangul, "ja" where kanji or kana, else ""."""
    end = 0
    for match in LANGUAGE.finditer(text):
        yield from [(text[end:match.start()], "")] * (match.start() > end)
        yield match[0], "ko" if match[1] else "ja"
        end = match.end()
    yield from [(text[end:], "")] * (end < len(text))


def is_part(node, kind):
    """True if the node is this part of a notebook cell."""
    return isinstance(node, nodes.container) and node.get("nb_element") == kind


def only(node, kind):
    """True if the node is a paragraph that holds one inline node of this kind and nothing else."""
    return isinstance(node, nodes.paragraph) and len(node.children) == 1 and isinstance(node.children[0], kind)


def chapter_number(name):
    """The number a page's file name begins with (`chapters/02_topic` is 2), or None."""
    match = re.match(r"(\d+)_", name.rsplit("/", 1)[-1])
    return int(match[1]) if match else None


def clean(body):
    """The page's HTML without inline scripts and styles, which the security policy would refuse."""
    body = re.sub(r"<script\b(?![^>]*\b(?:src=|type=.application/))[^>]*>.*?</script>\s*", "", body, flags=re.S)
    body = re.sub(r"<style\b[^>]*>.*?</style>\s*", "", body, flags=re.S)
    body = re.sub(r'(<t[hd]\b[^<>]*?) style="text-align: ?(\w+);?"', r'\1 class="text-\2"', body)
    body = re.sub(r'(<[a-zA-Z][^<>]*?)\sstyle="[^"]*"', r"\1", body)
    body = re.sub(r'<details class="admonition hide [^"]*">\s*<summary[^>]*>\s*<p[^>]*>(.*?)</p>.*?</summary>',
                  r'<details class="code-fold">\n<summary>\1</summary>', body, flags=re.S)
    body = re.sub(r'<aside class="([^"]*\bmargin\b[^"]*)">', r'<aside class="\1" role="note">', body)
    body = re.sub(r'<div class="output text_html">(?=(?:\s*<div>)?\s*<table)',
                  '<div class="output text_html table-scroll" role="region" tabindex="0" aria-label="Output table">', body)
    body = re.sub(r"<pre>.*?</pre>", quiet, body, flags=re.S)
    return body.replace(' border="1"', "").replace("<th></th>", "<td></td>")


def quiet(code):
    """A block of code without marks that no style uses: they are two thirds of its weight."""
    return re.sub(r'<span class="(\w+)">([^<]*)</span>', lambda mark: mark[0] if mark[1] in TOKENS else mark[2], code[0]).replace("<span></span>", "")


def description(doctree):
    """The page's first paragraph, cut at a sentence if it is long."""
    section = next(iter(doctree.findall(nodes.section)), doctree)
    for child in section.findall(nodes.paragraph):
        text = " ".join(child.astext().split())
        if len(text) > 40:
            if len(text) <= 200:
                return text
            head = text[:200]
            return head[:head.rfind(". ") + 1] or head[:head.rfind(" ")] + " …"
    return ""


def contents(app, pathto, pagename):
    """The book's contents: [(part title or None, [(number, title, link, current)])]."""
    env, parts = app.env, []
    for toctree in env.tocs[app.config.root_doc].findall(addnodes.toctree):
        pages = [(chapter_number(doc), title or env.titles[doc].astext(), pathto(doc), doc == pagename)
                 for title, doc in toctree["entries"] if doc in env.titles]
        parts.append((toctree.get("caption"), pages))
    return parts


@lru_cache
def version_of(name):
    """A short hash of one of the theme's files, so that a browser never mixes two editions of them."""
    return f"{crc32((HERE / 'static' / name).read_bytes()):08x}"


def one_style(app, files):
    """Write the theme's style and those of extensions as one file, so that a page waits for one; returns its name and the files left out (those not in `_static` itself)."""
    static, parts, left = Path(app.outdir, "_static"), [HERE / "static/new_chapter.css"], []
    for file in files:
        path = Path(app.outdir, urlsplit(str(file.filename)).path)
        if path.parent == static and path.is_file():
            parts.append(path)
        else:
            left.append(file)
    text = b"\n".join(path.read_bytes() for path in parts)
    made = static / f"style-{crc32(text):08x}.css"
    if not made.exists():
        static.mkdir(parents=True, exist_ok=True)
        made.write_bytes(text)
    return made.name, left


def launch(options, docname, suffix, copies):
    """Links that open the notebook in Binder or Colab: [(name, address)], empty without a repository. `copies`: the branch that Colab opens."""
    buttons = options.get("launch_buttons") or {}
    url = urlsplit(repository(options))
    if suffix != ".ipynb" or not url.netloc:
        return []
    branch = options.get("repository_branch") or "main"
    folder = (options.get("path_to_docs") or "").strip("/")
    path = quote(f"{folder}/{docname}{suffix}".lstrip("/"))
    name = url.path.strip("/").removesuffix(".git")
    links = []
    if hub := (buttons.get("binderhub_url") or "").rstrip("/"):
        kind = {"github.com": "gh", "gitlab.com": "gl"}.get(url.netloc)
        where = f"{kind}/{name if kind == 'gh' else quote(name, safe='')}" if kind else f"git/{quote(url.geturl(), safe='')}"
        links.append(("Binder", f"{hub}/v2/{where}/{branch}?urlpath=lab/tree/{path}"))
    if (colab := (buttons.get("colab_url") or "").rstrip("/")) and url.netloc == "github.com":
        links.append(("Colab", f"{colab}/github/{name}/blob/{copies or branch}/{path}"))
    return links


def repository(options):
    """The repository's address, or "" (jupyter-book's stock value counts as not set)."""
    url = (options.get("repository_url") or "").rstrip("/")
    return "" if url == STOCK_REPOSITORY else url


def from_anywhere(app, pagename, templatename, context, doctree):
    """Let the links of 404.html begin with the site's address, if it has one: it is shown at whatever address was asked for (`html-page-context`, before others use `pathto`)."""
    if templatename == "404.html" and app.config.html_baseurl:
        near, base = context["pathto"], app.config.html_baseurl.rstrip("/") + "/"
        context["pathto"] = lambda *place: urljoin(base, near(*place))


def furnish_page(app, pagename, templatename, context, doctree):
    """Fill the context of one page (`html-page-context`)."""
    env, options, pathto = app.env, app.config.html_theme_options or {}, context["pathto"]
    keep = lambda f: getattr(f, "filename", None) and "://" not in str(f.filename) and not UNUSED.search(str(f.filename))
    scripts = [f for f in context["script_files"] if keep(f)]
    later = [f for f in scripts if set(f.attributes) <= {"defer", "async"}]
    context["script_files"] = [f for f in scripts if f not in later]
    context["later"] = [pathto(str(f.filename), 1) for f in later]
    context["one_style"], context["css_files"] = one_style(app, [f for f in context["css_files"] if keep(f)])
    context["metatags"] = VIEWPORT.sub("", context.get("metatags") or "")
    meta = context.get("meta") or {}
    if context.get("body"):
        context["body"] = clean(context["body"])
    root = app.config.root_doc
    context["author"] = app.config.author
    context["book_title"] = app.config.html_title
    context["masthead"], _, context["edition"] = map(str.strip, app.config.html_title.partition(":"))
    context["mark"] = "data:image/svg+xml," + quote((HERE / "mark.svg").read_text("utf-8").strip())
    context["version_of"] = version_of
    context["contents"] = contents(app, pathto, pagename)
    context["number"] = chapter_number(pagename) if doctree else None
    context["question"] = meta.get("question") or env.metadata.get(pagename, {}).get("question", "")
    context["kind"] = ("front" if pagename == root else "chapter" if context["number"] else
                       "search" if templatename == "search.html" else "plain")
    context["on_page"] = []
    if doctree:
        top = next(iter(doctree.findall(nodes.section)), doctree)
        context["on_page"] = [(s["ids"][0], s.next_node(nodes.title).astext())
                              for s in top.children if isinstance(s, nodes.section)]
        context["description"] = meta.get("description") or description(doctree)
    suffix = Path(env.doc2path(pagename)).suffix if pagename in env.found_docs else ""
    context["launch"] = launch(options, pagename, suffix, app.config.new_chapter_colab_branch)
    context["run_here"] = pathto(app.config.new_chapter_run.format(path=quote(f"{pagename}{suffix}")), 1) if suffix == ".ipynb" and app.config.new_chapter_run else ""
    context["run_size"] = app.config.new_chapter_run_size
    context["notebook"] = (pathto(f"_sources/{context['sourcename']}", 1)
                           if suffix == ".ipynb" and context.get("sourcename") else "")
    context["repository"] = repository(options)
    last = {doc.rsplit("/", 1)[-1]: doc for doc in env.found_docs if doc in env.titles}
    names = [n.strip() for n in (context.get("theme_foot") or "").split(",")]
    context["foot"] = [(env.titles[last[n]].astext(), pathto(last[n])) for n in names if n in last]
    context["csp"] = "" if str(meta.get("csp", "")).lower() in ("off", "false") else context.get("theme_csp")
    base = "" if templatename in ("search.html", "404.html") else (app.config.html_baseurl or "").rstrip("/")
    # "index.html" is the address of the folder it lies in
    context["pageurl"] = f"{base}/{'' if pagename == root else pagename + '.html'}" if base else None
    page = pagename.rsplit("/", 1)[-1]
    own = pagename in env.titles and pagename != root and Path(app.srcdir, "figures", f"card-{page}.png").exists()
    card = (context.get("theme_card") or "").format(page=page if own else root)
    context.setdefault("card", f"{base}/{card}" if base and card else "")
    context["card_title"] = env.titles[pagename].astext() if own else app.config.html_title


def index_what_is_read(app):
    """Keep code out of the search index: an excerpt shows none, so a page found by it would not say why."""
    if app.builder.format != "html":
        return
    stock = app.builder.index_page

    def index_page(name, doctree, title):
        read = doctree.deepcopy()
        for code in list(read.findall(nodes.literal_block)):
            code.parent.remove(code)
        stock(name, read, title)
    app.builder.index_page = index_page


def drop_stock_theme(app):
    """Stop the stock theme's page hooks: they run under any theme and fail without a repository."""
    for listener in list(app.events.listeners.get("html-page-context", [])):
        if (listener.handler.__module__ or "").startswith("sphinx_book_theme"):
            app.disconnect(listener.id)


def setup(app):
    # Sphinx does not notice changes in a theme's own files; a setting that differs makes it write every page again.
    files = sorted(f for f in HERE.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    app.add_config_value("new_chapter_edition", f"{crc32(b''.join(f.read_bytes() for f in files)):08x}", "html")
    for name in ("run", "run_size", "colab_branch"):
        app.add_config_value(f"new_chapter_{name}", "", "html", [str])
    app.add_html_theme("new_chapter", str(HERE))
    app.add_node(table_scroll, html=(visit_table_scroll, depart_table_scroll))
    app.add_post_transform(Furnish)
    app.connect("builder-inited", drop_stock_theme)
    app.connect("builder-inited", index_what_is_read)
    app.connect("html-collect-pages", lambda app: [("404", {}, "404.html")])
    app.connect("html-page-context", from_anywhere, priority=100)
    app.connect("html-page-context", furnish_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
