"""The book's charts from a folder on disk, with every choice they offer. Labels as readers see them: none overlaps another, leaves its drawing or is under 11 px, and no drawing lies over the text, whatever is chosen."""
import importlib.util

import pytest

from common import FRAMES, LIVE, ROOT, Visit, axe
from test_site import CHARTS, say, screens

pytestmark = pytest.mark.slow
WIDTHS = (1280, 360, 320)
REDRAWN = f"""{LIVE}.every(figure => {{ const shown = [...figure.querySelectorAll('.chart-static')].find(one => one.getClientRects().length).querySelector('svg');
  const live = figure.querySelectorAll('.chart-live svg'); return live.length === 1 && Math.abs(live[0].viewBox.baseVal.width - shown.viewBox.baseVal.width) < 24; }})"""
OVER = """id => { const end = part => Element.prototype.getBoundingClientRect.call(document.querySelector(`#${id} ${part}`)).bottom;
  return end('.chart-live svg') - end('.chart-drawing'); }"""


def checker():
    """`label_faults` from the extension's file: the extension itself needs Sphinx."""
    found = importlib.util.spec_from_file_location("chart_checks", ROOT / "book/charts/checks.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.label_faults


def choices(figure):
    """Make every choice that a figure's controls offer, one after the other, and put it back; yields what is chosen."""
    for menu in figure.locator(".chart-controls select").all():
        first = menu.input_value()
        for value in menu.locator("option").evaluate_all("options => options.map(option => option.value)"):
            menu.select_option(value)
            yield value
        menu.select_option(first)
    for button in figure.locator(".chart-controls [type=radio]").all():
        button.check()
        yield button.get_attribute("value")
    for box in figure.locator(".chart-controls [type=checkbox]").all():
        for _ in range(2):
            box.click()
            yield f"the box {'ticked' if box.is_checked() else 'empty'}"
    for slider in figure.locator(".chart-controls [type=range]").all():
        low, high, step, first = slider.evaluate("one => [one.min, one.max, one.step || 1, one.value].map(Number)")
        steps = round((high - low) / step)
        for place in sorted({round(steps * part / 8) for part in range(9)}):
            slider.fill(f"{low + place * step:g}")
            yield f"slider at {low + place * step:g}"
        slider.fill(f"{first:g}")


@pytest.mark.parametrize("page", ["index.html", *CHARTS])
def test_labels_can_be_read(book, browser, page):
    """As drawn, in light and dark and at every width, then as live charts, after every choice of their controls, wide and narrowest."""
    label_faults, faults = checker(), []
    with Visit(browser, (book / page).as_uri()) as visit:
        visit.settle()
        if page in CHARTS:
            visit.page.emulate_media(color_scheme="dark")
            faults += [f"dark, drawn: {said}" for said in axe(visit.page, "main figure.chart", colours_only=True)]  # the rest is read in the dark on the visit to a server
            visit.page.emulate_media(color_scheme="light")
        faults += screens(visit, "drawn")
        for width in WIDTHS:
            visit.page.set_viewport_size({"width": width, "height": 800})
            faults += [f"{width} px, drawn: {fault}" for fault in label_faults(visit.page)]
        visit.scroll()
        states = visit.page.evaluate(f"Object.fromEntries({LIVE}.map(figure => [figure.dataset.chart, figure.dataset.live]))")
        say([f"{chart['id']} is {states.get(chart['id'])}" for chart in CHARTS.get(page, ()) if states.get(chart["id"]) != "ready"], f"charts of {page} that do not come alive from disk")
        for width in reversed(WIDTHS):
            visit.page.set_viewport_size({"width": width, "height": 800})
            visit.until(REDRAWN, f"the charts are redrawn at {width} px")
            faults += [f"{width} px, live: {fault}" for fault in label_faults(visit.page)]
            for chart in CHARTS.get(page, ()) if width != 360 else ():
                for chosen in choices(visit.page.locator(f"#fig-{chart['id']}")):
                    visit.page.evaluate(FRAMES)
                    faults += [f"{width} px, {chosen}: {fault}" for fault in label_faults(visit.page, within=f"#fig-{chart['id']}")]
                    over = visit.page.evaluate(OVER, f"fig-{chart['id']}")  # a list that a reader makes longer pushes the rest of the page down
                    faults += [f"{width} px, {chosen}: {chart['id']}: {over:.0f} px of the drawing lie over what follows"] * (over > 10)  # the browser measures text a little otherwise than the build
        say(faults + list(dict.fromkeys(visit.faults)), f"faults of charts and labels of {page}, from disk")
