"""What readers do, step by step: follow a number to its source, share a view, keep to the keyboard, listen, zoom, wait for a slow line."""
import copy
import csv
import re
from urllib.parse import quote

import pytest

from common import FRAMES, ROOT, Visit, axe, soup
from test_site import CHARTS, OVER, PAGES, READ, say

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chosen(book):
    """The first chapter and chart with a menu."""
    for page in CHARTS:
        found = re.search(r'id="(fig-[\w-]+)"(?:(?!</figure>).)*?<select', (book / page).read_text(encoding="utf-8"), re.S)
        if found:
            return page, found[1]
    pytest.fail("no chart of the book offers a menu")


def test_from_the_front_page_to_the_source_of_a_number(origin, browser):
    """Tap a key number, then a number of its chapter: the row it comes from stands marked on the screen and names its source."""
    with Visit(browser, f"{origin}/index.html", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True) as visit:
        page = visit.page
        page.locator(".key-numbers a").first.tap()
        page.wait_for_url("**/chapters/*.html")
        number = page.locator("main a.bound[href*='#row-']", has_text=re.compile(r"\d")).first
        words = number.inner_text()
        number.tap()
        page.wait_for_url("**/tables/*.html#row-*")
        row = page.locator("tr:target")
        said = re.sub(r"[\s,]+", "", row.inner_text())
        assert all(digits in said for digits in re.findall(r"[\d.]+", words.replace(",", ""))), f"{page.url}: the row does not hold {words!r}, the number that led to it: {said[:200]}"
        box, width = row.bounding_box(), page.evaluate("innerWidth")
        assert 0 <= box["y"] < 740 and width == 360, f"{page.url}: the row is not on the screen ({box})"
        plain = page.locator("tr[id]:not(:target)").first
        paint = "node => getComputedStyle(node).backgroundColor + getComputedStyle(node).boxShadow + getComputedStyle(node).outlineStyle"
        assert page.locator("tr[id]").count() == 1 or row.locator("th").evaluate(paint) != plain.locator("th").evaluate(paint), f"{page.url}: the row looks like any other"
        sources = row.locator("a[href^=http]")
        assert sources.count() and sources.first.is_visible(), f"{page.url}: the row links to no source"
        say([fault for fault in visit.faults if "ERR_ABORTED" not in fault], "faults on the way from the front page to a source")


CARD = """() => { const row = document.querySelector('tr:target'), heads = [...row.closest('table').querySelectorAll('thead th')].map(head => head.textContent);
  return [...row.cells].filter(cell => cell.checkVisibility()).map(cell => { const box = cell.getBoundingClientRect(), words = document.createRange(); words.selectNodeContents(cell); const said = words.getBoundingClientRect();
    return {kind: cell.className.split(' '), label: getComputedStyle(cell, '::before').content, head: heads[cell.cellIndex], text: cell.innerText,
      seen: document.elementsFromPoint(said.left + 1, said.top + 3).includes(cell), over: Math.max(box.right, said.right) > innerWidth || box.left < 0}; }); }"""


@pytest.mark.parametrize("width", [360, 1280])
def test_a_number_leads_to_its_value_its_label_its_source_and_its_doubt(origin, book, browser, width):
    """The row of a wide table that a number led to: what was quoted, under which name, from where and, if it is weak, why, all on the screen at once."""
    paths = sorted(book.glob("tables/*.html"))
    wide, rows = next((path.name, rows) for path in paths for rows in [soup(path).select("tr.quoted.weak:has(> .q):has(> .why)")] if rows and len(rows[0].find_all("td")) > 10)
    with Visit(browser, f"{origin}/tables/{wide}#{rows[0]['id']}", viewport={"width": width, "height": 740}) as visit:
        cells = visit.page.evaluate(CARD)
        faults = [f"{cell['head']}: called {cell['label']}" for cell in cells if cell["label"].strip('"').removeprefix('Weak: " "').removeprefix("Weak: ") != cell["head"]]
        faults += [f"{cell['head']}: {cell['text'][:40]!r} runs off the screen" for cell in cells if cell["over"]]
        seen = {kind for cell in cells if cell["seen"] for kind in [*cell["kind"], cell["head"]]}
        faults += [f"{what} is not on the screen" for what, kind in {"what the text quotes": "q", "why the row is weak": "why", "the source": "Source"}.items() if kind not in seen]
        faults += [visit.page.evaluate(OVER)] * bool(visit.page.evaluate(OVER)) + axe(visit.page)
        say(faults + visit.faults, f"faults of {visit.address} at {width} px")


def test_the_data_of_a_figure_can_be_read_on_a_phone(origin, book, browser):
    """Of a long table with long texts: it ends where the figure does, several rows show, dates stand on one line, heads stay, and the caption does not say the headline again."""
    page, id = next((page, table.find_parent("figure")["id"]) for page in CHARTS for table in soup(book / page).select(".chart-data table")
                    if len(table.select("tbody tr")) > 40 and any(len(cell.text) > 100 for cell in table.select("td")))
    with Visit(browser, f"{origin}/{page}", viewport={"width": 360, "height": 740}) as visit:
        figure = visit.page.locator(f"#{id}")
        figure.locator(".chart-data summary").click()
        room, box = figure.bounding_box(), figure.locator(".chart-scroll").bounding_box()
        faults = [f"the table ends {box['x'] + box['width'] - room['x'] - room['width']:.0f} px beyond its figure"] * (box["x"] + box["width"] > room["x"] + room["width"] + .5)
        lines = figure.locator("tbody tr").evaluate_all("rows => rows.map(row => row.getBoundingClientRect().bottom)")
        seen = sum(line <= box["y"] + box["height"] for line in lines)
        faults += [f"{seen} of {len(lines)} rows can be seen at once"] * (seen < 4)
        tall = figure.locator("tbody :is(th, td)").evaluate_all(r"cells => cells.filter(cell => { const words = document.createRange(); words.selectNodeContents(cell); return /^\d{4}-\d\d(-\d\d)?$/.test(cell.textContent) && words.getBoundingClientRect().height > 20 }).length")
        faults += [f"{tall} dates are broken into lines"] * bool(tall)
        caption = figure.locator("caption").inner_text()
        faults += [f"the caption says {caption!r}"] * (caption != f"{len(lines):,} rows")
        name = re.search(r'table "(.*)"', figure.locator(".chart-scroll").aria_snapshot())
        faults += [f"the table is called {name and name[1]!r}"] * (not name or len(name[1]) < len(caption) + 10)
        figure.locator(".chart-scroll").evaluate("box => box.scrollTo(0, 400)")
        faults += ["its heads are scrolled away"] * (figure.locator("thead th").first.bounding_box()["y"] < box["y"] - 1)
        say(faults + axe(visit.page, f"#{id}") + visit.faults, f"faults of the data of {id} on a phone")


def test_a_shared_link_shows_what_was_chosen(origin, browser, chosen):
    """Choose, copy the address, open it in another browser: the same choice, the same drawing, on the screen."""
    page, id = chosen
    drawing, views = f"document.querySelector('#{id} .chart-live svg').outerHTML.replace(/(id=\"|#)[\\w-]*\\d+/g, '')", []
    with Visit(browser, f"{origin}/{page}") as one:
        one.page.locator(f"#{id}").scroll_into_view_if_needed()
        one.page.mouse.wheel(0, 5)
        one.until(f"document.querySelector('#{id}').dataset.live === 'ready'", "the chart is alive")
        first = one.page.evaluate(drawing)
        menu = one.page.locator(f"#{id} select").first
        menu.select_option(index=menu.evaluate("menu => menu.options.length - 1 - (menu.selectedIndex === menu.options.length - 1)"))
        one.until("location.hash.includes('?')", "the address tells what is chosen")
        one.page.evaluate(FRAMES)
        link, views = one.page.url, [menu.input_value(), one.page.evaluate(drawing)]
        assert views[1] != first, f"{page}, {id}: the choice changes nothing"
    with Visit(browser, link) as two:
        two.until(f"document.querySelector('#{id}').dataset.live === 'ready'", f"{link} wakes its chart")
        two.page.evaluate(FRAMES)
        assert [two.page.locator(f"#{id} select").first.input_value(), two.page.evaluate(drawing)] == views, f"{link} does not show what was chosen"
        assert abs(two.page.locator(f"#{id}").bounding_box()["y"]) < 200, f"{link}: its chart is not on the screen"
        say(two.faults, f"faults of the shared link {link}")


def test_the_keyboard_alone_reaches_everything(origin, browser, chosen):
    """Tab by Tab: skip link, contents, chart, its menu, its data and its CSV; every stop is on the screen, marked, and none is a trap."""
    page, id = chosen
    with Visit(browser, f"{origin}/{page}") as visit:
        keys = visit.page.keyboard
        keys.press("Tab")
        assert visit.page.evaluate("document.activeElement.className") == "skip", f"{page}: the first Tab does not reach 'Skip to the text'"
        assert visit.page.evaluate("document.activeElement.getBoundingClientRect().left >= 0"), f"{page}: 'Skip to the text' is not seen when it has the focus"
        keys.press("Enter")
        assert visit.page.evaluate("document.activeElement.id") == "main", f"{page}: 'Skip to the text' does not lead to the text"
        wanted = {"its number": ".chart-number a", "its menu": ".chart-controls select", "the live chart": ".chart-live", "'Show the data'": ".chart-data summary",
                  "its table": ".chart-data .chart-scroll", "its CSV": "a[href$='.csv']", "how it is made": ".chart-code summary"}
        where = f"""async ([id, wanted]) => {{ await ({FRAMES})(); const node = document.activeElement, style = getComputedStyle(node), box = node.getBoundingClientRect(), figure = document.getElementById(id);
          return {{inside: figure.contains(node), past: !figure.contains(node) && !!(figure.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING),
            found: Object.keys(wanted).filter(name => figure.contains(node) && node.matches(wanted[name])), html: node.outerHTML.slice(0, 90),
            seen: box.bottom > 0 && box.top < innerHeight && box.width > 0, marked: style.outlineStyle !== 'none' || style.boxShadow !== 'none'}}; }}"""
        reached, faults = [], []
        for _ in range(400):
            keys.press("Tab")
            stop = visit.page.evaluate(where, [id, wanted])
            if stop["past"]:
                break
            faults += [f"{stop['html']} has the focus, but {what}" for what, bad in {"is not on the screen": not stop["seen"], "looks no different": not stop["marked"]}.items() if bad]
            reached += stop["found"]
            if "its number" in stop["found"]:
                visit.until(f"document.querySelector('#{id}').dataset.live === 'ready'", f"the focus wakes {id}")
            if "its menu" in stop["found"]:
                keys.press("ArrowDown" if visit.page.evaluate("document.activeElement.selectedIndex === 0") else "ArrowUp")
                visit.until(f"location.hash.startsWith('#{id}?')", f"an arrow key changes the menu of {id}")
            if "'Show the data'" in stop["found"]:
                keys.press("Enter")
        else:
            faults.append(f"400 Tabs do not lead past {id}")
        faults += [f"{id}: no Tab reaches {name}" for name in wanted if name not in reached]
        say(list(dict.fromkeys(faults)) + visit.faults, f"places of {page} that the keyboard does not reach")


def test_a_screen_reader_hears_what_a_page_is(origin, browser, chosen):
    """The tree that a screen reader reads: landmarks and their names, one top heading, figures with names, drawings with their alternative text, controls with labels."""
    page, id = chosen
    with Visit(browser, f"{origin}/{page}") as visit:
        tree = visit.page.locator("body").aria_snapshot()
        faults = [f"no {what}" for what, pattern in {
            "banner": r"(?m)^- banner", "main text": r"(?m)^ *- main", "foot": r"(?m)^- contentinfo", "list of what is on this page": 'navigation "On this page"',
            "next and previous": 'navigation "Next and previous"', "switch to a dark page": r'button "Dark page"', "link past the masthead": 'link "Skip to the text"'}.items() if not re.search(pattern, tree)]
        faults += [f"{tree.count('[level=1]')} top headings"] * (tree.count("[level=1]") != 1)
        for chart in CHARTS[page]:
            title = chart["title"].replace('"', '\\"')
            if f'figure "{title}"' not in tree:
                faults.append(f"{chart['id']}: its figure is not named by its headline")
            if f'img "{chart["alt"]}'.replace("\n", " ")[:90] not in tree.replace('\\"', '"'):
                faults.append(f"{chart['id']}: its drawing is not read by its alternative text")
        faults += [f"{kind} without a name" for kind in ("img", "link", "button", "combobox", "slider", "checkbox", "radio", "figure", "navigation", "region", "table") for _ in re.findall(rf"(?m)^ *- '?{kind}(?::|$)", tree)]
        visit.page.locator(f"#{id} .chart-number a").focus()
        visit.until(f"document.querySelector('#{id}').dataset.live === 'ready'", f"{id} is alive")
        figure = visit.page.locator(f"#{id}")
        live = figure.aria_snapshot()
        faults += [f"{id}, live: no {what}" for what, pattern in {"chart by its name": r'''- '?application ".{40,}''', "menu by its name": r'''- '?combobox "[^"]+''', "group of choices": r'''- '?group "Choices'''}.items() if not re.search(pattern, live)]
        faults += [f"{id}, live: the drawing is read twice"] * bool(re.search(r"(?m)^ *- '?img", live))
        figure.locator(".chart-live").focus()
        visit.page.keyboard.press("ArrowRight")
        said = figure.locator("[aria-live=polite]:not(:empty)").all_inner_texts()
        faults += [f"{id}: an arrow key is not told ({said})"] * (not any(re.search(r"\(1 of \d+\)", words) for words in said))
        say(faults, f"things that a screen reader does not hear on {page}")


def test_at_twice_the_size_nothing_is_lost(origin, browser, chosen):
    """200 % zoom on a laptop: half as many, twice as dense pixels. Contents, menu and chart work there."""
    page, id = chosen
    with Visit(browser, f"{origin}/{page}") as plain:
        whole = plain.page.evaluate(READ)
    with Visit(browser, f"{origin}/{page}", viewport={"width": 640, "height": 400}, device_scale_factor=2) as visit:
        there = set(visit.page.evaluate(READ))
        faults = [f"no longer shows {words[:80]!r}" for words in whole if words not in there] + [visit.page.evaluate(OVER)] * bool(visit.page.evaluate(OVER))
        visit.page.locator("details.contents > summary").click()
        drawer = visit.page.locator("nav.drawer").bounding_box()
        faults += [f"the contents run off the screen: {drawer}"] * (drawer["x"] < 0 or drawer["x"] + drawer["width"] > 640)
        last = visit.page.locator("nav.drawer a").last
        last.scroll_into_view_if_needed()
        faults += ["the last line of the contents cannot be reached"] * (not last.is_visible() or last.bounding_box()["y"] > 400)
        visit.page.keyboard.press("Escape")
        visit.scroll()
        faults += [visit.page.evaluate(OVER)] * bool(visit.page.evaluate(OVER))
        visit.page.locator(f"#{id} select").first.select_option(index=1)
        say(faults + visit.faults, f"faults of {page} at 200 %")


def test_without_script_the_book_is_whole(origin, browser, chosen):
    """Contents open, data unfold, a number leads to its row, and the same text is there."""
    page, id = chosen
    with Visit(browser, f"{origin}/{page}") as plain:
        whole = plain.page.evaluate(READ.replace("'svg, ", "'svg, .chart-controls, "))  # these are for a script to hear
    with Visit(browser, f"{origin}/{page}", java_script_enabled=False) as visit:
        there = set(visit.page.evaluate(READ))
        say([words for words in whole if words not in there], f"pieces of {page} that only a script shows")
        visit.page.locator(f"#{id} .chart-data summary").click()
        assert visit.page.locator(f"#{id} table").is_visible(), f"{page}: 'Show the data' of {id} does not open without script"
        visit.page.locator("details.contents > summary").click()
        visit.page.locator("nav.drawer a").first.click()
        assert visit.page.url.endswith("index.html"), f"the contents of {page} lead to {visit.page.url}"
        visit.page.goto(f"{origin}/search.html")
        assert "needs JavaScript" in visit.page.locator("noscript").inner_text(), "search.html does not say that it needs a script"


@pytest.mark.parametrize("page", [next(iter(CHARTS)), "chapters/methods.html"])
def test_a_phone_lays_out_a_page_in_parts(origin, browser, page):
    """Opened at its top, a page has its lower sections and drawings laid out after the rest, one by one, and nothing moves; opened at a place, or anew, it is whole at once."""
    page, phone = f"{origin}/{page}", {"viewport": {"width": 360, "height": 900}, "is_mobile": True, "has_touch": True}
    laid = "checkVisibility({contentVisibilityAuto: true})"
    left = f"[...document.querySelectorAll('main section > section > :first-child, main .chart-narrow svg > g')].filter(part => !part.{laid}).length"
    drawings = f"[...document.querySelectorAll('main .chart-narrow svg')].map(svg => [svg.{laid} && !svg.querySelector('g').{laid}, Math.round(svg.getBoundingClientRect().height)])"
    seen = "[...document.querySelectorAll('main :is(h1, h2, p, li)')].map(one => Math.round(one.getBoundingClientRect().top)).filter(top => top < innerHeight)"
    with Visit(browser, page, until="commit", **phone) as visit:
        visit.until(f"document.readyState !== 'loading' && performance.getEntriesByName('first-contentful-paint').length > 0 && {left} >= 3", "sections far below are left for later")
        before, drawn = visit.page.evaluate(seen), visit.page.evaluate(drawings)
        visit.until(f"{left} === 0", "all sections are laid out")
        visit.until("!document.querySelector('.afresh')", "the page is done with laying out")
        after, whole = visit.page.evaluate(seen), visit.page.evaluate(drawings)
        assert any(waits for waits, _ in drawn), "no drawing far below is left for later"
        assert [high for _, high in drawn] == [high for _, high in whole], f"drawings change their height when they are laid out: {drawn}, then {whole}"
        assert len(before) > 1 and after[:len(before)] == before, f"laying out the sections below moves what is read: from {before} to {after}"
        visit.page.reload(wait_until="load")
        assert visit.page.evaluate(left) == 0, "loaded anew, the page leaves sections for later: the reader's place would be lost"
        last = visit.page.evaluate("[...document.querySelectorAll('main figure.chart')].at(-1).id")
    with Visit(browser, page, until="commit", reduced_motion="no-preference", **phone) as visit:  # it glides there
        visit.page.locator("main p a").first.evaluate("(link, to) => { link.setAttribute('href', '#' + to); link.click(); }", last)
        visit.until(f"new Promise(done => {{ const was = scrollY; setTimeout(() => done(was > 0 && was === scrollY), 200); }})", "the jump to the last figure ends")
        top = visit.page.evaluate(f"document.getElementById('{last}').getBoundingClientRect().top")
        assert -5 < top < 120, f"a jump to the last figure as soon as the page is there ends {top:.0f} px from it"
    with Visit(browser, f"{page}#{last}", **phone) as visit:
        assert visit.page.evaluate(left) == 0, "opened at a figure, the page leaves sections above it for later: the figure would move"


def searched(browser, origin, words):
    """[(address, excerpt)] of what the search finds."""
    with Visit(browser, f"{origin}/search.html?q={quote(words)}") as visit:
        visit.page.locator("#search-status", has_text=re.compile("found")).wait_for()
        visit.settle()
        say(visit.faults, f"faults of the search for {words!r}")
        return [(result.locator("a").get_attribute("href"), result.locator("p, span").first.inner_text()) for result in visit.page.locator("#search-results li").all()]


@pytest.mark.parametrize("words", ["East Sea", "Moon Jae-in", "comfort women", "radar"])
def test_search_finds_a_phrase_first_and_shows_it(origin, book, browser, words):
    """Pages that have the words as they were typed come before others, each with the phrase in the middle of its excerpt; the others have every word, at the start of one."""
    faults, found, kinds = [], searched(browser, origin, words), []
    for link, excerpt in found:
        page, _, anchor = link.partition("#")
        if page.startswith("tables/"):
            continue
        main = soup(book / page).main
        part = copy.copy(main.find(id=anchor) if anchor else main)
        for unread in part.select("svg, fieldset, pre, script, .headerlink, .chart-source, .chart-links, details:not([open])"):
            unread.decompose()
        text, phrase = re.sub(r"\s+", " ", part.get_text(" ")), re.compile(rf"(?<!\w){words}(?!\w)", re.I)
        kinds.append(bool(phrase.search(text)))
        at = phrase.search(excerpt)
        if kinds[-1] and (not at or excerpt.startswith("…") and excerpt.endswith("…") and not 60 < at.start() < 180):
            faults.append(f"{link}: the phrase is {f'{at.start()} letters into' if at else 'not in'} {excerpt!r}")
        if not kinds[-1] and not any(re.search(rf"\b{word}(?:e?s)?\b", excerpt, re.I) for word in words.split()):
            faults.append(f"{link}: none of the words is whole in {excerpt!r}")
        faults += [f"{link}: no word begins with {word!r}" for word in words.lower().split() if not re.search(rf"\b{word}", main.get_text(" "), re.I)]
    faults += [f"pages with and without the phrase are found in the order {kinds}"] * (kinds != sorted(kinds, reverse=True))
    assert any(kinds), f"{words!r}: no chapter with these words is found"
    say(faults, f"faults of what is found for {words!r}")


def test_search_knows_american_spellings_and_says_when_it_finds_nothing(origin, browser):
    for typed, spelt in (("defense spending", "defence spending"), ("Normalization of relations", "normalisation of relations"), ("forced labor", "forced labour"), ("neighborhood", "neighbourhood")):
        found, also = ([link for link, _ in searched(browser, origin, words)] for words in (spelt, typed))
        assert found and found[0] == also[0] and set(found) <= set(also), f"{typed!r} finds {also[:3]} and not first, or not at all, what {spelt!r} finds: {found[:3]}"
    assert searched(browser, origin, "zzyzx relations") == searched(browser, origin, "of the") == [], "a word that stands nowhere, and words that stand everywhere, find nothing"


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("chapters/data_")])
def test_the_rows_of_the_dictionary_fit_a_phone(origin, browser, page):
    """All columns are seen without scrolling, no value is cut, and none says true or false."""
    with Visit(browser, f"{origin}/{page}", viewport={"width": 360, "height": 740}) as visit:
        visit.settle()
        tables = visit.page.evaluate("""() => [...document.querySelectorAll('main .table-scroll')].filter(box => box.checkVisibility()).map(box => [box.querySelector('thead').innerText.replace(/\\s+/g, ' '),
          box.scrollWidth - box.clientWidth, [...box.querySelectorAll('th, td')].filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.innerText),
          [...box.querySelectorAll('td')].map(cell => cell.innerText).filter(text => text === 'true' || text === 'false').length])""")
        faults = [f"{head}: {over} px of it are cut off" for head, over, *_ in tables if over > 0] + [f"{head}: {cut} run out of their cells" for head, _, cut, _ in tables if cut]
        faults += [f"{head}: {codes} cells say true or false" for head, *_, codes in tables if codes]
        assert tables, f"{page} shows no rows"
        say(faults + visit.faults, f"tables of {page} that a phone does not show whole")


def test_a_per_cent_sign_belongs_to_its_number(book):
    """In a large figure, in whichever of the two the author wrote it, and under the line of the link to its source."""
    faults, signs = [], 0
    for page in CHARTS:
        main = soup(book / page).main
        for item in main.select(".in-short li"):
            figure = item.strong
            rest = item.get_text().partition(figure.get_text())[2]
            signs += "%" in figure.get_text()
            faults += [f"{page}: {figure.get_text()} {rest[:30]}"] * (rest.lstrip().startswith("%") or any(link.get_text() != figure.get_text() for link in figure.select("a")))
        faults += [f"{page}: {link.get_text()}{link.next_sibling[:20]}, whose link ends before the sign" for link in main.select("a.bound") if str(link.next_sibling or "").startswith("%")]
    assert signs, "no large figure has a per cent sign: this test tests nothing"
    say(faults, "numbers that lack their sign")


BROKEN = r"""names => { const found = [], pattern = new RegExp(`[\uac00-\ud7a3]{2,}|\\b(?:${names.join('|')})\\b`, 'g'), walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const node = walk.currentNode; if (node.parentElement.closest('svg, pre, code, .chart-links')) continue;
    for (const word of node.data.matchAll(pattern)) { const range = document.createRange(); range.setStart(node, word.index); range.setEnd(node, word.index + word[0].length);
      found.push([word[0], new Set([...range.getClientRects()].map(box => Math.round(box.bottom / 10))).size]); } }
  return found; }"""


@pytest.mark.parametrize("page", ["chapters/02_twelve_meetings.html", "chapters/glossary.html"])
def test_names_are_not_broken(origin, browser, page):
    """Neither a word in Hangul nor a given name with a hyphen, at any of many widths."""
    with (ROOT / "data/leaders.csv").open(encoding="utf-8", newline="") as file:
        names = sorted({part for row in csv.DictReader(file) for part in re.findall(r"\w+-\w+", row["name"])})
    with Visit(browser, f"{origin}/{page}") as visit:
        visit.settle()
        seen, broken = set(), set()
        for width in range(320, 420, 4):
            visit.page.set_viewport_size({"width": width, "height": 800})
            found = visit.page.evaluate(BROKEN, names)
            seen |= {bool(re.match("[\uac00-\ud7a3]", word)) for word, _ in found}
            broken |= {word for word, lines in found if lines > 1}
        assert seen == {True, False}, f"{page} has no words in Hangul, or no given names with a hyphen: this test tests nothing"
        say(sorted(broken), f"words of {page} broken at the end of a line")


@pytest.mark.parametrize("page", ["index.html", next(iter(CHARTS))])
def test_a_slow_line_brings_text_and_drawings_first(origin, browser, page):
    """400 kbit/s and 400 ms away, fonts and chart scripts held back for good: the whole page can still be read, on the screen within 6 s."""
    held = []

    def slow(visit):
        visit.wire.send("Network.emulateNetworkConditions", {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000})
        visit.page.route(re.compile(r"\.woff2|_charts/|_static/charts-\w+\.js"), lambda route: held.append(route.request.url))
    with Visit(browser, f"{origin}/{page}", before=slow, until="commit") as visit:
        visit.until("performance.getEntriesByName('first-contentful-paint').length > 0 && !!document.querySelector('footer.foot')", "something is on the screen")
        paint = visit.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
        faults = [f"the first words are on the screen after {paint:.1f} s, not 6"] * (paint > 6)
        drawn = visit.page.evaluate("[...document.querySelectorAll('main figure.chart')].map(figure => [figure.id, [...figure.querySelectorAll('.chart-static svg')].filter(svg => svg.checkVisibility() && svg.getBoundingClientRect().height > 60).length])")
        faults += [f"#{id}: {count} drawings are seen" for id, count in drawn if count != 1]
        words = visit.page.locator("main").inner_text().split()
        faults += [f"only {len(words)} words can be read"] * (len(words) < 250)
        faults += ["text is invisible until its font arrives"] * visit.page.evaluate("[...document.fonts].some(face => face.status === 'loading' && !/swap|optional|fallback/.test(face.display))")
        faults += ["neither fonts nor chart scripts were held back: this test tests nothing"] * (not held)
        say(faults, f"faults of {page} on a slow line")
