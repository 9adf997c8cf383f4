"""What readers meet in a browser: drawings first, live charts on demand, and drawings again when anything fails."""
import json
import re

import pytest
import sample
from common import axe

from charts.checks import label_faults

pytestmark = pytest.mark.slow


def wake(page, name):
    """Bring a chart to life as a reader would."""
    page.locator(f"#fig-{name}").scroll_into_view_if_needed()
    page.mouse.move(5, 5)
    page.mouse.move(9, 9)
    page.wait_for_selector(f"#fig-{name}[data-live=ready]", timeout=15000)


def until(page, truth):
    """Wait until a script expression holds; wait_for_function would need eval, which the page forbids."""
    for _ in range(100):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {truth}")


def seen(page, name):
    return page.eval_on_selector_all(f"#fig-{name} .chart-live .mark-symbol.role-mark path", "all => all.length")


def test_nothing_loads_before_the_reader_moves(visit, site):
    page = visit(site + "one.html")
    page.evaluate("dispatchEvent(new PointerEvent('pointermove', { clientX: 90, clientY: 90 }))")  # what a browser tells of a pointer at rest
    page.wait_for_timeout(800)
    assert not [url for url in page.asked if "vega" in url] and not page.said, f"asked for {page.asked}, said {page.said}"
    assert page.eval_on_selector_all(".chart-static svg", "all => all.filter(one => one.checkVisibility()).length") == len(sample.specs())


@pytest.mark.parametrize("width", [360, 1280])
def test_all_come_alive_and_nothing_moves(visit, site, width):
    page = visit(site + "one.html", width)
    assert not label_faults(page), label_faults(page)
    assert width < 1280 or not faults_of_axe(page), faults_of_axe(page)
    page.evaluate("window.shift = 0; new PerformanceObserver(list => { for (const one of list.getEntries()) shift += one.value }).observe({ type: 'layout-shift', buffered: true })")
    tall = page.evaluate("document.documentElement.scrollHeight")
    for name in sample.specs():
        wake(page, name)
    assert page.evaluate("shift") < .001 and page.evaluate("document.documentElement.scrollHeight") == tall
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert sum("vega" in url for url in page.asked) == 1 and {url.split("/")[2] for url in page.asked if "//" in url} == {site.split("/")[2]}
    assert page.said == [], page.said
    assert not label_faults(page), label_faults(page)
    assert width == 1280 or not faults_of_axe(page), faults_of_axe(page)


def faults_of_axe(page):
    """As drawn and with one figure unfolded, in light and dark."""
    said = []
    page.evaluate("document.querySelectorAll('#fig-dots details').forEach(one => one.open = true)")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        said += [f"{scheme}: {found}" for found in axe(page, colours_only=scheme == "dark")]
    page.evaluate("document.querySelectorAll('#fig-dots details').forEach(one => one.open = false)")
    return said


def test_controls_drive_the_chart_and_the_address(visit, site):
    page = visit(site + "one.html")
    form = page.locator("#fig-chosen .chart-controls")
    assert form.get_attribute("disabled") is not None
    wake(page, "chosen")
    assert form.get_attribute("disabled") is None
    before = seen(page, "chosen")
    page.get_by_label("with at least (m)").fill("3.5")
    page.get_by_label("Show the river").select_option(label="Lower")
    page.get_by_label("square").check()
    page.get_by_label("Mark 2010").check()
    until(page, "location.hash.includes('mark')")
    assert 0 < seen(page, "chosen") < before
    assert page.evaluate("decodeURIComponent(location.hash)") == '#fig-chosen?which="Lower"&least=3.5&mark=true&shape="square"'
    again = visit(page.url)
    again.wait_for_selector("#fig-chosen[data-live=ready]")
    until(again, "document.querySelector('#fig-chosen [type=range]').value === '3.5'")
    assert again.get_by_label("Show the river").input_value() == '"Lower"' and again.get_by_label("square").is_checked() and seen(again, "chosen") == seen(page, "chosen")
    assert again.evaluate("Math.abs(document.querySelector('#fig-chosen').getBoundingClientRect().top) < 200")


@pytest.mark.parametrize(("address", "chart"), [("#fig-chosen?which=%E3%81&least=99&mark=5&shape=star", "chosen"), ("#fig-chosen?which=foo&least=-1&shape=null", "chosen"), ("#fig-brushed?brush=5&pick=[1]", "brushed"),
                                                  ("#fig-brushed?brush=[1,2]&pick=foo", "brushed")], ids=["cut short", "not offered", "of another kind", "out of bounds"])
def test_an_address_that_makes_no_sense_is_passed_over(visit, site, address, chart):
    """The chart comes alive as it is first shown, and later choices reach the address; so does every other chart."""
    page = visit(site + "one.html" + address)
    page.wait_for_selector(f"#fig-{chart}[data-live=ready]")
    page.wait_for_timeout(200)
    drawn, form = [f"[...document.querySelectorAll('#fig-{chart} {part}')].map(one => {said}).join()" for part, said in (
        (".chart-live .mark-symbol.role-mark path", "one.getAttribute('d') + one.getAttribute('opacity')"), (".chart-controls :is(select, input)", "one.value + one.checked"))]
    plain = visit(site + "one.html")
    wake(plain, chart)
    assert page.evaluate(drawn) == plain.evaluate(drawn) and page.evaluate(form) == plain.evaluate(form), "the address was not passed over"
    page.locator(f"#fig-{chart} .chart-controls select").first.select_option(index=1)
    until(page, "location.hash.includes('Upper') || location.hash.includes('Lower')")
    wake(page, "dots")
    assert not page.locator(".chart-copy[hidden]").count() and page.said == [], page.said


def test_brush_and_legend_have_form_controls(visit, site):
    page = visit(site + "one.html")
    wake(page, "brushed")
    figure = page.locator("#fig-brushed")
    strong = "all => all.filter(one => one.getAttribute('opacity') === '1' || !one.hasAttribute('opacity')).length"
    marks = "#fig-brushed .chart-live .mark-symbol.role-mark path"
    whole = page.eval_on_selector_all(marks, strong)
    figure.get_by_role("combobox", name="River").select_option(label="Upper")
    until(page, f"({strong})([...document.querySelectorAll({json.dumps(marks)})]) === {whole / 2}")
    figure.get_by_role("slider", name="from").focus()
    for _ in range(10):
        page.keyboard.press("PageUp")
    page.wait_for_timeout(200)
    assert 0 < page.eval_on_selector_all(marks, strong) < whole / 2
    until(page, "location.hash.includes('brush')")
    figure.get_by_role("button", name="Clear").click()
    page.wait_for_timeout(200)
    assert page.eval_on_selector_all(marks, strong) == whole / 2
    page.locator("#fig-brushed .chart-note, #fig-brushed .chart-source").first.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    box = page.locator("#fig-brushed .chart-live svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] * .4, box["y"] + box["height"] * .5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * .7, box["y"] + box["height"] * .5, steps=4)
    page.mouse.up()
    page.wait_for_timeout(400)
    brush = page.locator("#fig-brushed .chart-live [class$=brush_brush] path").evaluate("path => path.getBoundingClientRect().toJSON()")
    where = [(brush["x"] - box["x"]) / box["width"], brush["width"] / box["width"]]
    assert abs(where[0] - .4) < .01 and abs(where[1] - .3) < .01, f"the brush follows the pointer in a scaled drawing: {where}"
    assert figure.get_by_role("slider", name="from").input_value() != "0"


def test_brush_of_an_inner_view(visit, site):
    page = visit(site + "one.html")
    wake(page, "linked")
    bars = "document.querySelector('#fig-linked .chart-live [class*=concat_1_marks] path').getBoundingClientRect().width.toFixed(1)"
    before = page.evaluate(bars)
    page.locator("#fig-linked").get_by_role("slider", name="from").focus()
    for _ in range(8):
        page.keyboard.press("PageUp")
    page.wait_for_timeout(300)
    assert page.evaluate(bars) != before
    page.locator("#fig-linked").get_by_role("button", name="Clear").click()
    page.wait_for_timeout(300)
    assert page.evaluate(bars) == before


def test_keyboard_reads_points_and_reaches_everything(visit, site):
    page = visit(site + "one.html")
    page.locator("#fig-upper-by-year .chart-number a").focus()
    page.wait_for_selector("#fig-upper-by-year[data-live=ready]")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className").startswith("chart-live")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "2001" in page.locator("#fig-upper-by-year .chart-readout").text_content() and "2 of 25" in page.locator("#fig-upper-by-year .chart-readout").text_content()
    assert page.locator(".chart-tip").is_visible()
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Show the data":
            break
    page.keyboard.press("Enter")
    assert page.locator("#fig-upper-by-year table").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "chart-scroll"
    while page.evaluate("document.activeElement.textContent") != "CSV":
        page.keyboard.press("Tab")
    with page.expect_download() as loaded:
        page.keyboard.press("Enter")
    assert loaded.value.suggested_filename == "upper-by-year.csv"


def test_touch_shows_a_tooltip(visit, site):
    page = visit(site + "one.html", 360, has_touch=True, is_mobile=True)
    page.locator("#fig-dots").scroll_into_view_if_needed()
    page.evaluate("dispatchEvent(new Event('scroll'))")
    page.wait_for_selector("#fig-dots[data-live=ready]")
    page.locator("#fig-dots .chart-live .mark-symbol.role-mark path").first.tap()
    page.wait_for_selector(".chart-tip:not([hidden])")
    assert "level_m" in page.locator(".chart-tip").text_content()
    page.wait_for_timeout(300)  # the pointer that stood for the finger is gone by now
    assert page.locator(".chart-tip").is_visible(), "the tooltip goes with the finger"
    page.touchscreen.tap(3, 3)
    until(page, "document.querySelector('.chart-tip').hidden")


def test_without_scripts(visit, site):
    page = visit(site + "one.html", java_script_enabled=False)
    assert page.locator("#fig-chosen .chart-drawing svg:visible").count() == 1 and not page.locator("#fig-chosen .chart-controls").is_visible()
    assert page.locator("#fig-chosen .chart-choice").inner_text() == "Show the river Upper · with at least (m) 0 · Points round", "no words say which view is drawn"
    page.locator("#fig-chosen summary", has_text="Show the data").click()
    assert page.locator("#fig-chosen table").is_visible()


def test_from_the_file_system(visit, book):
    page = visit((book / "one.html").as_uri())
    wake(page, "chosen")
    assert page.said == []


@pytest.mark.parametrize("harm", ["missing", "damaged", "corrupt", "broken"])
def test_failures_leave_the_drawing(visit, site, book, harm):
    def before(page):
        if harm == "missing":
            page.route("**/vega-*.js", lambda route: route.fulfill(status=404, body=""))
        elif harm == "damaged":
            page.route("**/vega-*.js", lambda route: route.fulfill(body="/* half a file */", content_type="text/javascript"))
        else:
            def spoil(route):
                text = (book / "_charts" / route.request.url.split("/")[-1]).read_text("utf-8")
                text = text.replace("`{", "`{{") if harm == "corrupt" else text.replace('"type":"linear"', '"type":"nonsense"')
                route.fulfill(body=text, content_type="text/javascript")
            page.route(re.compile(r"_charts/[\w-]+\.[0-9a-f]+\.js"), spoil)
    page = visit(site + "one.html", before=before)
    for name in ("two-lines", "chosen"):
        page.locator(f"#fig-{name}").scroll_into_view_if_needed()
        page.mouse.move(5, 5)
        page.mouse.move(8, 8)
        page.wait_for_selector(f"#fig-{name}[data-live=failed]")
        assert page.locator(f"#fig-{name} .chart-static svg:visible").count() == 1 and not page.locator(f"#fig-{name} .chart-controls").is_visible()
    assert page.locator("#fig-chosen .chart-choice").is_visible()
    assert len(page.said) <= 1, page.said


def test_dark_and_print(visit, site):
    page = visit(site + "one.html", color_scheme="dark")
    fill = "getComputedStyle(document.querySelector('#fig-upper-by-year .chart-wide path[fill*=japan]')).fill"
    assert page.evaluate(fill) == "rgb(143, 168, 234)"
    wake(page, "chosen")
    assert not page.locator("#fig-chosen .chart-choice").is_visible()
    page.get_by_label("Show the river").select_option(label="Lower")
    page.emulate_media(media="print")
    assert "Show the river Upper" in page.locator("#fig-chosen .chart-choice").inner_text(), "a print shows the view that the headline describes, and names it"
    assert page.locator("#fig-chosen .chart-static svg:visible").count() == 1
    assert not any(page.locator(f"#fig-chosen {one}").first.is_visible() for one in (".chart-controls", ".chart-links", ".chart-live"))


def test_in_another_theme(visit, tmp_path):
    """Jupyter Book's own, which knows none of the colours: all that a figure says can be read, and number, headline and subtitle stand one under the other."""
    code, said, html = sample.build(sample.write_book(tmp_path, [sample.specs()["chosen"]], theme={"html_theme": "sphinx_book_theme"}))
    assert code == 0, said[-2000:]
    page = visit((html / "one.html").as_uri(), color_scheme="dark")
    page.evaluate("document.querySelectorAll('.chart-data, .chart-cite').forEach(one => one.open = true)")
    boxes = [page.locator(f".chart-{one}").first.bounding_box() for one in ("number", "title", "subtitle")]
    assert all(one["y"] + one["height"] <= other["y"] + 1 for one, other in zip(boxes, boxes[1:])), f"they run together: {boxes}"
    assert boxes[0]["x"] == page.locator(".chart-source").bounding_box()["x"] == page.locator(".chart-scroll table").bounding_box()["x"], "not all of the figure begins at one left edge"
    wake(page, "chosen")
    assert page.evaluate("getComputedStyle(document.querySelector('figure.chart')).backgroundColor") == "rgb(255, 255, 255)", "the drawing's dark letters stand on whatever the page is"
    said = axe(page, "figure.chart", colours_only=True)
    assert not said, said


def test_narrowing_the_window_redraws(visit, site):
    page = visit(site + "one.html")
    wake(page, "chosen")
    page.get_by_label("Show the river").select_option(label="Lower")
    page.set_viewport_size({"width": 360, "height": 800})
    until(page, "document.querySelector('#fig-chosen .chart-live svg').viewBox.baseVal.width < 400")
    assert page.locator("#fig-chosen .chart-live").count() == 1
    page.wait_for_timeout(300)
    assert page.get_by_label("Show the river").input_value() == '"Lower"'


def test_the_checker_sees_faults(visit, site):
    page = visit(site + "one.html")
    page.evaluate("""() => { const text = document.querySelector('#fig-upper-by-year .chart-wide text'), twin = text.cloneNode(true);
      twin.textContent = text.textContent + '99'; text.after(twin); const away = text.cloneNode(true); away.setAttribute('x', -300); away.setAttribute('font-size', '6px'); text.after(away);
      const pale = text.cloneNode(true); pale.setAttribute('x', 300); pale.setAttribute('fill', '#ddd'); text.after(pale);
      const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect'), white = text.cloneNode(true); ground.setAttribute('width', 900); ground.setAttribute('height', 900); ground.setAttribute('fill', '#fff');
      white.textContent = 'on white'; white.setAttribute('fill', '#eee'); text.after(ground, white); }""")
    found = " ".join(label_faults(page))
    assert "overlaps" in found and "leaves the drawing" in found and "px high" in found and '"2000" has a contrast of 1.4 to 1' in found and '"on white" has a contrast of 1.2 to 1' in found, found
