"""The built book as readers meet it: read from disk, and driven in a headless Chromium."""
import copy
import re
import subprocess
import sys
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

import pytest

from common import FRAMES, LIVE, NOTEBOOKS, REPOSITORY, ROOT, SITE, Visit, axe, package, pages, run, soup
from test_notebooks import charts

import explorer
import house
import files
from theme.new_chapter import LANGUAGE

pytestmark = pytest.mark.slow
TABLES = package()["resources"]
# Of the generated pages of tables a browser opens those that strain it most; those from disk are all read.
STRAINED = {max(TABLES, key=lambda entry: entry.get("rows", 0))["name"], max(TABLES, key=lambda entry: len(entry.get("schema", {}).get("fields", [])))["name"],
            next((entry["name"] for entry in TABLES if not entry["redistribute"]), TABLES[0]["name"])}
PAGES = [*pages(), "search.html", "404.html"]
EACH = pytest.mark.parametrize("page", PAGES + [f"tables/{name}.html" for name in sorted(STRAINED)])
DRAWN = {f"chapters/{path.stem}.html": [spec["usermeta"]["figure"] for _, spec, _ in charts(path)] for path in NOTEBOOKS}
CHARTS = {page: figures for page, figures in DRAWN.items() if figures and page in PAGES}
KB = 1024
FIRST_TEXT, FIRST_CHAPTER, ALL = 70 * KB, 120 * KB, 450 * KB  # gzip, on the wire


# ---- from disk ---------------------------------------------------------------------------------------------------

@pytest.fixture
def site(book):
    """{address: parsed page} of every page of the book."""
    return {path.relative_to(book).as_posix(): soup(path) for path in sorted(book.rglob("*.html"))}


def say(faults, what):
    assert not faults, f"{len(faults)} {what}:\n  " + "\n  ".join(str(fault) for fault in faults[:25])


def test_every_page_is_built_and_tested(site):
    generated = {page for page in site if re.fullmatch(r"tables/[a-z0-9_]+(-\d+)?\.html", page)}
    left = set(DRAWN) - set(PAGES)
    assert not left, f"notebooks that _toc.yml leaves out: {sorted(left)}"
    missing, stray = set(PAGES) - set(site), set(site) - set(PAGES) - generated
    assert not missing, f"_toc.yml names pages that were not built: {sorted(missing)}"
    assert not stray, f"pages that _toc.yml does not name, and no test reads: {sorted(stray)}"


def test_links_lead_somewhere(site, book):
    """Every address inside the book is a file, every anchor an id; no page names a file outside the book."""
    anchors = {page: {node["id"] for node in tree.find_all(id=True)} for page, tree in site.items()}
    faults = []
    for page, tree in site.items():
        for node in tree.find_all(True):
            for attribute in ("href", "src", "data-src", "poster", "action"):
                address = node.get(attribute)
                if address is None or node.name == "use" or urlsplit(address).scheme in ("http", "https", "mailto", "data", "urn"):
                    continue
                target, anchor = urldefrag(urljoin(f"/{page}", address))
                target = unquote(urlsplit(target).path).lstrip("/") or "index.html"
                target = target + "index.html" if target.endswith("/") else target
                if address.startswith("/") or not (book / target).is_file():
                    faults.append(f"{page}: <{node.name} {attribute}={address!r}> leads nowhere")
                elif anchor and target in anchors and unquote(anchor) not in anchors[target] and not anchor.startswith(("!", ":~:")):
                    faults.append(f"{page}: {address!r}: {target} has no anchor #{anchor}")
    say(faults, "broken links")


def test_nothing_is_fetched_from_elsewhere(site, book):
    faults = []
    for page, tree in site.items():
        for node in tree.find_all(["script", "link", "img", "iframe", "source", "video", "audio", "object", "embed", "image", "use", "base", "form"]):
            for attribute in ("src", "href", "srcset", "data", "action", "xlink:href"):
                address = node.get(attribute)
                inert = node.name == "link" and set(node.get("rel", [])) & {"canonical", "alternate", "license", "next", "prev", "me"}
                if address and not inert and re.match(r"(?:[a-z][a-z+.-]*:)?//", address):
                    faults.append(f"{page}: <{node.name} {attribute}={address!r}>")
    for path in book.rglob("*.css"):
        faults += [f"{path.relative_to(book)}: {found}" for found in re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)'\"]+", path.read_text(encoding="utf-8"))]
    say(faults, "things come from another host")


#: All that a page may load and do. What a directive leaves out falls back to default-src, but for the last two, which then allow everything.
POLICY = {"default-src": "'self'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:", "font-src": "'self'", "connect-src": "'self'", "object-src": "'none'", "base-uri": "'self'", "form-action": "'self'"}


def test_policy_forbids_what_the_book_does_not_need(site):
    faults = []
    for page, tree in site.items():
        meta = tree.find("meta", attrs={"http-equiv": re.compile("content-security-policy", re.I)})
        if not meta:
            faults.append(f"{page}: no Content-Security-Policy")
            continue
        directives, wanted = [" ".join(part.split()) for part in meta["content"].split(";") if part.strip()], [f"{name} {values}" for name, values in POLICY.items()]
        if sorted(directives) != sorted(wanted):  # of two with one name a browser takes the first
            faults.append(f"{page}: its policy says {sorted({part for part in directives if part not in wanted or directives.count(part) > 1})} and lacks {sorted(set(wanted) - set(directives))}: mend csp in theme.conf, or, if that is meant, POLICY here")
        for node in tree.find_all(["script", "style"]):
            inline = node.name == "style" or not node.get("src") and node.get("type", "") not in ("application/json", "application/ld+json", "text/plain")
            if inline:
                faults.append(f"{page}: inline <{node.name}>: {node.get_text()[:60]!r}")
            if node.name == "script" and node.get("src") and node.find_parent("body") is None and tree.head and meta.find_previous("script") is not None:
                faults.append(f"{page}: a script stands before the policy")
        for node in tree.find_all(True):
            found = [name for name in node.attrs if name == "style" or name.startswith("on")]
            found += [name for name, value in node.attrs.items() if isinstance(value, str) and value.strip().lower().startswith("javascript:")]
            faults += [f"{page}: <{node.name} {name}={str(node[name])[:60]!r}>" for name in found]
    say(faults, "breaches of the content policy")


def test_no_leftovers_of_the_machinery(site):
    """What a book that built green can still show: a traceback, a chart's repr, a raw role, an unresolved reference."""
    faults = []
    for page, tree in site.items():
        unread = {id(node) for node in tree.body.select("script, svg, div.cell_input, pre, code")}
        text = " ".join(words for words in tree.body.strings if not any(id(parent) in unread for parent in words.parents))
        for leftover in (r"Traceback", r"alt\.(?:Chart|LayerChart|VConcatChart)\(", r"<VegaLite", r"\{(?:figure|margin|note|numref|ref|doc|term)\}", r"\bundefined\b",
                         r"\bNaN\b", r":::", r"\[object Object\]", r"\bTODO\b|\bFIXME\b|\bTBD\b|lorem ipsum", r"/(?:home|root|work|tmp|Users)/"):
            faults += [f"{page}: {text[max(0, found.start() - 40):found.end() + 30]!r}" for found in re.finditer(leftover, text)]
    say(faults, "leftovers that readers would see")


def test_pages_say_what_they_are(site):
    faults = []
    for page, tree in site.items():
        head = {"a <title>": tree.title and tree.title.get_text().strip(), "a language": tree.html.get("lang"), "a viewport": tree.find("meta", attrs={"name": "viewport"}),
                "exactly one <h1>": len(tree.find_all("h1")) == 1, "one <main>": len(tree.find_all("main")) == 1}
        if page not in ("search.html", "404.html"):
            head["a description"] = (tree.find("meta", attrs={"name": "description"}) or {}).get("content", "").strip()
        faults += [f"{page}: not {what}" for what, there in head.items() if not there]
        ids = [node["id"] for node in tree.find_all(id=True)]
        faults += [f"{page}: id {id!r} stands {ids.count(id)} times" for id in sorted({id for id in ids if ids.count(id) > 1})]
        levels = [int(node.name[1]) for node in tree.find_all(re.compile("^h[1-6]$"))]
        faults += [f"{page}: a heading jumps from h{one} to h{two}" for one, two in zip(levels, levels[1:]) if two > one + 1]
        silent = [words for words in tree.select_one("main").strings if LANGUAGE.search(words) and not words.find_parent(lang=re.compile("ja|ko")) and not words.find_parent(["svg", "code", "pre", "figure"])]
        faults += [f"{page}: {words[:40]!r} is in a language that it does not name" for words in silent[:3]]
    titles = [tree.title.get_text() for page, tree in site.items()]
    faults += [f"the title {title!r} belongs to two pages" for title in {title for title in titles if titles.count(title) > 1}]
    say(faults, "pages lack something")


def test_every_table_has_its_page_and_offers_only_what_it_may(site, book):
    faults = []
    for entry in TABLES:
        page, file = f"tables/{entry['name']}.html", book / "data" / entry["path"]
        if page not in site:
            faults.append(f"{page} is not built")
        elif entry["title"] not in re.sub(r"\s+", " ", site[page].get_text(" ")):
            faults.append(f"{page} does not show its title")
        if file.exists() != entry["redistribute"]:
            faults.append(f"data/{entry['path']} is {'offered, though its terms forbid it' if file.exists() else 'not offered, though its terms allow it'}")
        elif file.exists() and file.read_bytes() != (ROOT / "data" / entry["path"]).read_bytes():
            faults.append(f"data/{entry['path']} in the book is not the table of the project")
    say(faults, "faults of the pages of tables")


CODE = "|".join([*map(re.escape, {*explorer.WORDS, *house.COUNTRIES, *explorer.WAY}), "seoul|tokyo|margins|informal", r"[a-z0-9]+(_[a-z0-9]+)+", r"\d{4}-\d\d-\d\dT.*"])


@pytest.mark.parametrize("page", CHARTS)
def test_every_chart_is_a_whole_figure(site, page):
    """Headline, drawing, alternative text, source, as-of date, data table and, where terms allow, downloads."""
    faults, titles = [], {entry["name"]: entry for entry in package()["resources"]}
    for chart in CHARTS[page]:
        figure = site[page].find(id=f"fig-{chart['id']}")
        if figure is None or figure.name != "figure":
            faults.append(f"{chart['id']}: no <figure id>")
            continue
        text = re.sub(r"\s+", " ", figure.get_text(" "))
        if re.sub(r"\s+", " ", chart["title"]) not in text:
            faults.append(f"{chart['id']}: does not show its headline")
        if not figure.find("svg"):
            faults.append(f"{chart['id']}: no drawing that works without script")
        if chart["alt"] not in str(figure).replace("&quot;", '"').replace("&#39;", "'").replace("&#x27;", "'").replace("&amp;", "&"):
            faults.append(f"{chart['id']}: its alternative text is gone")
        if not any(source["title"] in text or (source["publisher"] or "-") in text for source in chart["sources"]):
            faults.append(f"{chart['id']}: names no source")
        if not figure.find("table"):
            faults.append(f"{chart['id']}: no data table")
        codes = {cell.text for cell in figure.select(".chart-data td, .chart-data tbody th") if re.fullmatch(CODE, cell.text)}
        if codes:
            faults.append(f"{chart['id']}: its data table shows the codes {sorted(codes)}; give the chart a column of words")
        closed = not all(titles[table]["redistribute"] for table in chart["tables"])
        offers = [link["href"] for link in figure.find_all("a", href=True) if re.search(r"\.csv$|\.vl\.json$|spec.*\.json$", link["href"])]
        if closed and offers:
            faults.append(f"{chart['id']}: offers {offers}, though the terms of {chart['tables']} forbid it")
        if not closed and not offers:
            faults.append(f"{chart['id']}: offers no CSV")
    say(faults, f"faults in the figures of {page}")


# ---- in a browser ------------------------------------------------------------------------------------------------

ALIVE = ":is(.chart-live, .chart-controls, .chart-readout)"  # all that changes when a chart comes alive
WIDTHS = (320, 360, 640, 768, 1280)  # 640 is a window of 1280 at 200 % zoom
PAPER = "() => getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor"
READ = """() => { const found = [], seen = node => node.checkVisibility() || getComputedStyle(node).display === 'contents' && seen(node.parentElement), walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const node = walk.currentNode;
    if (node.data.trim() && !node.parentElement.closest('svg, .chart-readout, .chart-value') && seen(node.parentElement)) found.push(node.data.trim()); }
  return found; }"""
OVER = """() => { const room = document.documentElement.clientWidth, over = document.documentElement.scrollWidth - room;
  if (over <= 0) return null;
  const wide = [...document.querySelectorAll('main *')].find(node => node.getBoundingClientRect().right > room + 0.5);
  return `${over} px too wide: ${wide ? wide.outerHTML.slice(0, 120) : 'unknown'}`; }"""
PRINTED = """() => [...document.querySelectorAll('button, select, input, textarea, .chart-live, .chart-controls')].filter(node => node.checkVisibility()).map(node => `prints ${node.outerHTML.slice(0, 80)}`)
  .concat([...document.querySelectorAll('main figure.chart')].filter(figure => figure.querySelector('.chart-static') && [...figure.querySelectorAll('.chart-static svg')].filter(svg => svg.checkVisibility()).length !== 1)
    .map(figure => `${figure.id} does not print as one drawing`))
  .concat([...document.querySelectorAll('main figure.chart')].filter(figure => figure.querySelector('.chart-sources p')?.checkVisibility() === false).map(figure => `${figure.id} prints without its sources`))"""


def test_only_what_the_browser_stopped_painting_is_tried_again(browser, tmp_path):
    (tmp_path / "page.html").write_text("<!DOCTYPE html><title>Still</title>", encoding="utf-8")
    first = browser.process
    with Visit(browser, (tmp_path / "page.html").as_uri()) as visit:
        assert visit.stuck() == "", "a page that is painted counts as stuck"
    assert browser.process is first
    with Visit(browser, (tmp_path / "page.html").as_uri(), lambda visit: visit.page.add_init_script("window.requestAnimationFrame = () => 0")) as visit:
        words = visit.stuck()
    assert browser.process is not first and not first.is_connected(), "what is tried again runs in the browser that stopped painting"
    (tmp_path / "test_twice.py").write_text(f"""seen = []\n
def test_not_painted():
    seen.append(1)
    assert len(seen) > 1, "#fig-a is asleep{words}"\n
def test_wrong():
    assert False, "#fig-a is asleep"\n""", encoding="utf-8")
    code, said = run(sys.executable, "-m", "pytest", "-c", ROOT / "tests/pytest.ini", f"--rootdir={tmp_path}", tmp_path / "test_twice.py")
    assert code == 1 and "1 failed, 1 passed, 1 rerun" in said, said


TOLD = """figure => { const told = [], chart = figure.querySelector('.chart-live');
  for (const key of ['Home', ...Array(12).fill('ArrowRight'), 'End']) { chart.dispatchEvent(new KeyboardEvent('keydown', {key})); told.push(document.querySelector('.chart-tip:not([hidden])') ? figure.querySelector('.chart-readout').textContent.trim() : ''); }
  return [...new Set(told)]; }"""  # what a chart tells of its first points and its last, while its tooltip shows
SEEN = """() => Object.fromEntries([...document.querySelectorAll('figure.chart')].map(figure => [figure.id, [...figure.querySelectorAll('.chart-drawing svg')].filter(svg => svg.checkVisibility())
  .map(svg => svg.getBoundingClientRect().toJSON()).filter(box => box.width > 200 && box.height > 60)]))"""


def test_axe_sees_faults_and_leaves_the_page_as_it_was(browser):
    page = browser.new_page()
    page.set_content("""<!DOCTYPE html><html lang="en"><title>Faults</title><main><h1>Faults</h1><p style="color:#bbb;background:#fff">Pale</p><input style="height:30px"><div hidden>Put <b>away</b> too</div>
      <details><summary>More of what is folded here</summary>Folded <p>and <b>kept</b></p>!</details>
      <details open><summary>Less of what is folded here</summary><i style="color:#ccc;background:#fff">Pale too</i></details></main></html>""")
    before = page.content()
    found = axe(page)
    assert {said.partition(":")[0] for said in found} >= {"color-contrast", "label"} and sum("color-contrast" in said for said in found) == 2, found
    assert {said.partition(":")[0] for said in axe(page, "details", colours_only=True)} == {"color-contrast"}
    assert page.content() == before, "what was put away is not put back as it was"
    page.close()


def screens(visit, state, ready="true", also=lambda width: []):
    """Faults at every width, widest first, once `ready` holds: what runs off the screen, what can be read at 1280 px but not there, and what `also` finds."""
    faults, whole = [], None
    for width in reversed(WIDTHS):
        visit.page.set_viewport_size({"width": width, "height": 800})
        visit.page.evaluate(FRAMES)
        visit.until(ready, f"the charts are redrawn at {width} px")
        over, text = visit.page.evaluate(OVER), visit.page.evaluate(READ)
        whole = whole or text
        lost = [words for words in dict.fromkeys(whole) if words not in set(text)]
        faults += [f"{width} px, {state}: {over}"] * bool(over) + [f"{width} px, {state}: no longer shows {words[:80]!r}" for words in lost]
        faults += [f"{width} px, {state}: {said}" for said in also(width)]
    visit.page.set_viewport_size({"width": 1280, "height": 800})
    return faults


def answers(visit, page):
    """Faults of the page's charts: dead, not drawn, or deaf to arrow keys and controls. Waits until each choice shows in drawing and address."""
    states = visit.page.evaluate(f"Object.fromEntries({LIVE}.map(figure => [figure.dataset.chart, figure.dataset.live]))")
    faults = [f"{chart['id']}: did not come alive" for chart in CHARTS[page] if states.get(chart["id"]) != "ready"]
    for chart in () if faults else CHARTS[page]:
        figure = visit.page.locator(f"#fig-{chart['id']}")
        drawing = figure.locator(".chart-live svg")
        box = drawing.bounding_box() if drawing.count() else None
        if not box or box["width"] < 200 or box["height"] < 60:
            faults.append(f"{chart['id']}: nothing is drawn")
            continue
        figure.locator(".chart-live").focus()
        visit.page.keyboard.press("ArrowRight")
        told = [re.sub(r" \(\d+ of \d+\)$", "", said) for said in figure.evaluate(TOLD)]
        if not all(told):
            faults.append(f"{chart['id']}: the arrow keys read no value")
        for name, value in (part.partition(": ")[::2] for said in told for part in re.split(r"; (?=[^;]+: )", said)):
            if name[:1].islower() or re.fullmatch(CODE, value) or re.search(r"\.\d{5}|undefined|null|NaN", value):
                faults.append(f"{chart['id']}: a touch is told {name}: {value[:60]}; give its mark a tooltip with words for readers")
                break
        controls = figure.locator(".chart-controls").locator("select, [type=checkbox], [type=radio]:not(:checked)").all()
        for control in controls:
            drawing.evaluate("svg => { window.was = svg.outerHTML; }")
            if control.evaluate("control => control.tagName") == "SELECT":
                values = control.locator("option").evaluate_all("options => options.map(option => option.value)")
                control.select_option(next(value for value in values if value != control.input_value()))
            else:
                control.click()
            visit.until(f"document.querySelector('#fig-{chart['id']} .chart-live svg').outerHTML !== window.was", f"a choice changes the drawing of {chart['id']}")
        if controls:
            visit.until(f"location.hash.startsWith('#fig-{chart['id']}?')", f"the address tells what is chosen in {chart['id']}")
    return faults


@EACH
def test_a_visit_is_quick_quiet_still_and_open_to_all(origin, browser, page):
    """One visit, from first load to paper: bytes, third parties, console, axe, movement, then what has come alive: axe again,
    now in dark too, keys and controls; print. Pages without charts at every width too; for the others, and the drawings in dark, see test_labels."""
    with Visit(browser, f"{origin}/{page}") as visit:
        visit.settle()
        first, vega = visit.bytes, [url for url in visit.fetched if re.search(r"vega", url, re.I)]
        budget = FIRST_CHAPTER if page in CHARTS or page == "index.html" else FIRST_TEXT
        faults = [f"first load {first / KB:.1f} KB, budget {budget / KB:.0f}"] * (first > budget)
        faults += [f"fetches {vega} before the reader does anything"] * bool(vega)
        faults += [f"light: {said}" for said in axe(visit.page)]
        visit.scroll()
        visit.page.wait_for_timeout(250)
        faults += [f"{visit.bytes / KB:.1f} KB in all, budget {ALL / KB:.0f}"] * (visit.bytes > ALL)
        shift = visit.page.evaluate("window.shift")
        faults += [f"layout shift {shift:.3f}, budget 0.01: {' | '.join(visit.page.evaluate('window.moved')[:4])}"] * (shift > 0.01)
        if page in CHARTS:
            faults += [f"light, live: {said}" for said in axe(visit.page, ALIVE)]
        paper = visit.page.evaluate(PAPER)
        visit.page.emulate_media(color_scheme="dark")
        faults += ["the system's dark scheme does not change the page"] * (visit.page.evaluate(PAPER) == paper)
        faults += [f"dark: {said}" for said in axe(visit.page, colours_only=True)]
        visit.page.emulate_media(color_scheme="light")
        if page in CHARTS:
            faults += answers(visit, page)
        elif page != "index.html":  # see test_labels
            faults += screens(visit, "static")
        visit.page.emulate_media(media="print")
        faults += [] if page == "search.html" else visit.page.evaluate(PRINTED)
        say(faults + list(dict.fromkeys(visit.faults)), f"faults on a visit to {page}")


@pytest.mark.parametrize("page", CHARTS)
def test_charts_are_there_without_script(origin, browser, page):
    """Every drawing once, and nothing to press that would do nothing."""
    faults = []
    with Visit(browser, f"{origin}/{page}", java_script_enabled=False) as visit:
        for width in (360, 1280):
            visit.page.set_viewport_size({"width": width, "height": 800})
            drawn = visit.page.evaluate(SEEN)
            for chart in CHARTS[page]:
                boxes = drawn.get(f"fig-{chart['id']}", [])
                if len(boxes) != 1:
                    faults.append(f"{width} px: {chart['id']}: {len(boxes)} drawings are seen, not one")
                elif boxes[0]["left"] < 0 or boxes[0]["right"] > width + 0.5:
                    faults.append(f"{width} px: {chart['id']}: the drawing runs off the screen")
            faults += [f"{width} px: shows {dead[:100]}, which needs a script" for dead in visit.page.evaluate("[...document.querySelectorAll('button, select, input')].filter(node => node.checkVisibility()).map(node => node.outerHTML)")]
        say(faults + visit.faults, f"faults of {page} for readers without script")


def test_search_finds(origin, book, browser):
    for address in (f"{origin}/search.html?q=meetings", (book / "search.html").as_uri() + "?q=meetings"):
        with Visit(browser, address) as visit:
            visit.page.locator("main a[href*='chapters/']").first.wait_for()
            say(visit.faults, f"faults of the search at {address}")


@pytest.mark.parametrize("words", ["ukishima", "page weight", "Yang Geum-deok"])
def test_search_quotes_what_a_reader_sees(origin, book, browser, words):
    """An excerpt is words that stand one after another on its page, outside drawings, controls, code and what is folded away, and has one of those looked for."""
    shown = {}
    with Visit(browser, f"{origin}/search.html?q={quote(words)}") as visit:
        visit.page.locator("#search-status", has_text="Pages found").wait_for()
        visit.settle()
        results = [(result.locator("a").get_attribute("href"), " ".join(result.locator("p, span").all_inner_texts())) for result in visit.page.locator("#search-results li").all()]
        say(visit.faults, f"faults of the search for {words!r}")
    faults = []
    for link, excerpt in (result for result in results if result[1].strip() != "(a table)"):
        page = urldefrag(link)[0]
        if page not in shown:
            main = copy.copy(soup(book / page).main)
            for unread in main.select("svg, fieldset, pre, .chart-source, .chart-links, details:not([open]), .headerlink"):
                unread.decompose()
            for block in main.find_all(["p", "li", "h1", "h2", "h3", "h4", "dt", "dd", "th", "td", "figcaption"]):
                block.append(" ")
            shown[page] = re.sub(r"\s+", " ", main.get_text())
        faults += [f"{link}: {excerpt!r} does not stand there"] * (excerpt.strip("… ") not in f" {shown[page]} " or not excerpt)
        faults += [f"{link}: {excerpt!r} has none of the words"] * (not any(word in excerpt.lower() for word in words.lower().split()))
    kinds = [link.split("/")[0] for link, _ in results]
    assert {"chapters", "tables"} == set(kinds) and kinds == sorted(kinds), f"{words!r} finds pages of {kinds}, not chapters, then tables"
    say(faults, f"excerpts for {words!r} that no reader would know again")


@pytest.mark.parametrize("page", ["index.html", next(iter(CHARTS))])
def test_a_first_visit_is_set_in_the_books_face(origin, browser, page):
    with Visit(browser, f"{origin}/{page}") as visit:
        visit.settle()
        asked = visit.page.context.new_cdp_session(visit.page)
        asked.send("DOM.enable")
        asked.send("CSS.enable")
        root = asked.send("DOM.getDocument")["root"]["nodeId"]
        for place in ("main h1", "main p"):
            node = asked.send("DOM.querySelector", {"nodeId": root, "selector": place})["nodeId"]
            faces = asked.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
            assert any(face["isCustomFont"] for face in faces), f"{page}: {place} is drawn in {[face['familyName'] for face in faces]}, not in the book's face: is it preloaded?"


def test_theme_switch_reaches_page_and_charts_and_is_kept(origin, browser):
    page = next(iter(CHARTS))
    with Visit(browser, f"{origin}/{page}") as visit:
        paint = "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('main figure svg text')).fill]"
        light, button = visit.page.evaluate(paint), visit.settle().page.locator("header button.theme")
        assert button.get_attribute("aria-pressed") == "false", "the page is light, but a screen reader hears that the button for the dark one is pressed"
        button.click()
        dark = visit.page.evaluate(paint)
        assert button.get_attribute("aria-pressed") == "true", "the page is dark, but a screen reader does not hear that the button is pressed"
        assert light[0] != dark[0], "the switch does not change the page"
        assert light[1] != dark[1], "the switch does not reach the text of charts"
        assert not visit.settle().faults, f"{page}: the switch draws complaints: {visit.faults}"
        visit.page.reload()
        assert visit.page.evaluate(paint) == dark, "the choice is forgotten on the next page"
        visit.until("document.querySelector('button.theme').ariaPressed === 'true'", "the button shows the choice on the next page too")
        visit.until("[...document.querySelectorAll('meta[name=theme-color]')].every(bar => Object.assign(new Option().style, {color: bar.content}).color === getComputedStyle(document.body).backgroundColor)",
                    "the browser's own bar takes the colour of the page that the reader chose")


def test_two_ways_of_publishing(published):
    """With the addresses set, pages carry absolute tags and launch links."""
    chapter = next(iter(CHARTS))
    tree = soup(published / chapter)
    assert tree.find("link", rel="canonical")["href"] == SITE + chapter, "BOOK_SITE is set, but the page's canonical address is not under it"
    launches = [link["href"] for link in tree.find_all("a", href=True) if "example/book" in link["href"]]
    assert len(launches) >= 2, f"BOOK_REPOSITORY is set, but the page links only to {launches}"
    assert any("/blob/colab/chapters/" in launch for launch in launches), f"Colab has to open the copies on the branch for it, not {launches}"
    assert re.search(r"runs only in the book’s folder\.$", tree.select_one("p.run").get_text()) and tree.select("p.run a")[-1]["href"] == REPOSITORY


def test_a_published_book_has_a_map_and_a_page_for_addresses_that_lead_nowhere(published):
    """The map names every page by its own address; every link of 404.html begins with the site's, since it is shown at any depth."""
    wanted = {link["href"] for path in published.rglob("*.html") for link in soup(path).find_all("link", rel="canonical")}
    mapped = re.findall("<loc>(.*?)</loc>", (published / "sitemap.xml").read_text(encoding="utf-8"))
    assert len(mapped) == len(set(mapped)) > len(TABLES) and set(mapped) == wanted, f"sitemap.xml and the pages' addresses differ in {wanted ^ set(mapped)}"
    assert f"Sitemap: {SITE}sitemap.xml" in (published / "robots.txt").read_text(encoding="utf-8")
    links = [address for node in soup(published / "404.html").find_all(True) for name in ("href", "src", "data-later") for address in [node.get(name)] if address]
    near = [address for address in links if not address.startswith((SITE, REPOSITORY, "data:", "#main"))]
    assert len(links) > 20 and not near, f"404.html has addresses that lead nowhere from another folder: {near}"


def test_a_build_that_stops_in_one_of_two_ways_leaves_the_last_good_book(tmp_path):
    """A warning, then a kill: `_build/html` of a book of two pages stays as it was, and the next build recovers by itself."""
    folder = files.project(ROOT, tmp_path / "copy")
    for path in [*(folder / "chapters").glob("*.md"), *(folder / "chapters").glob("*.ipynb"), *(folder / "figures").iterdir()]:
        path.unlink()
    index, built = folder / "index.md", folder / "_build/html/index.html"
    (folder / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: chapters/01_words\n", encoding="utf-8")
    (folder / "chapters/01_words.md").write_text("# Words\n\nAnd more of them.\n", encoding="utf-8")
    index.write_text("# Front\n\nThe first edition.\n", encoding="utf-8")
    code, said = run(sys.executable, "book/tools/build.py", cwd=folder)
    assert code == 0, said
    kept = built.read_bytes()
    index.write_text("# Front\n\n[Nowhere](chapters/99_nowhere.md)\n", encoding="utf-8")
    code, said = run(sys.executable, "book/tools/build.py", cwd=folder)
    assert code == 1 and "index.md" in said and "99_nowhere" in said and "Traceback" not in said, said
    assert built.read_bytes() == kept, "a build that failed changed the last good book"
    index.write_text("# Front\n\nThe second edition.\n", encoding="utf-8")
    going = subprocess.Popen([sys.executable, "book/tools/build.py"], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in going.stdout:
        if "reading sources" in line:
            going.kill()
    assert going.wait() != 0 and built.read_bytes() == kept, "a build that was killed changed the last good book"
    code, said = run(sys.executable, "book/tools/build.py", cwd=folder)
    assert code == 0 and b"The second edition." in built.read_bytes(), f"the build does not recover by itself:\n{said}"


def test_without_addresses_nothing_is_absolute(site, book):
    if re.search(r"(?m)^\s*(?:url|baseurl): *\"?http", (ROOT / "_config.yml").read_text(encoding="utf-8")):
        return  # the book has an address of its own
    for page, tree in site.items():
        assert not tree.find("link", rel="canonical"), f"{page}: a canonical address, though none is configured"
        launches = [link["href"] for link in tree.select("p.run a[href^=http]")]
        assert not launches, f"{page}: launch links {launches}, though no repository is configured"
    assert not (book / "sitemap.xml").exists() and not (book / "robots.txt").exists(), "a map of addresses, though none is configured"


def test_a_book_without_live_notebooks_offers_the_other_ways(site):
    for page, tree in site.items():
        assert not tree.select("a[href*='lite/']"), f"{page}: a link to live notebooks that 'make book' does not build"
        assert not page.startswith("chapters/0") or tree.select("p.run a[download]") and "book’s folder" in tree.select_one("p.run").get_text(), f"{page}: the notebook is not offered, or not with what it needs"
