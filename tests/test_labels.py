"""The book's charts from a folder on disk, with every choice they offer. Labels as readers see them: none overlaps another, leaves its drawing, is pale or under 11 px, and no drawing lies over the text, whatever is chosen."""
import pytest

from charts import checks
from common import FRAMES, LIVE, Visit
from test_site import CHARTS, WIDTHS, say, screens

pytestmark = pytest.mark.slow
REDRAWN = f"""{LIVE}.every(figure => {{ const shown = [...figure.querySelectorAll('.chart-static')].find(one => one.getClientRects().length).querySelector('svg');
  const live = figure.querySelectorAll('.chart-live svg'); return live.length === 1 && Math.abs(live[0].viewBox.baseVal.width - shown.viewBox.baseVal.width) < 24; }})"""


END = "part => Element.prototype.getBoundingClientRect.call(figure.querySelector(part)).bottom"  # of a part of a figure
# Makes every choice that a figure's controls offer, one after the other, and puts it back. [what is chosen, faults of labels, px of the drawing over what follows, another choice of that control with the same drawing]
CHOICES = f"""async id => {{ const faults = {checks.SCRIPT}, frames = {FRAMES}, figure = document.getElementById(id), found = [], drawn = new Map(), ticked = figure.querySelectorAll('[type=radio]:checked'); let group;
  const end = {END}, drawing = () => [...figure.querySelectorAll('.chart-live svg :is(path, text, line, rect)')].map(mark => mark.outerHTML).join('');
  const choose = async (control, value, said = value) => {{ const before = drawing(); control[control.type === 'checkbox' || control.type === 'radio' ? 'checked' : 'value'] = value;
    control.dispatchEvent(new Event('input', {{bubbles: true}}));
    for (let wait = 0; wait < 4 && (!wait || drawing() === before); wait += 1) await frames();
    const same = drawn.get(drawing()) ?? said; drawn.set(drawing(), same);
    found.push([said, faults([11, `#${{id}}`]), end('.chart-live svg') - end('.chart-drawing'), same === said ? null : same]); }};
  for (const control of figure.querySelectorAll('.chart-controls :is(select, [type=radio], [type=checkbox], [type=range])')) {{ const first = control.value; if (group !== (group = control.type === 'radio' ? control.name : control)) drawn.clear();
    if (control.type === 'radio') await choose(control, true, first);
    else if (control.type === 'checkbox') for (const tick of [!control.checked, control.checked]) await choose(control, tick, tick ? 'the box ticked' : 'the box empty');
    else {{ const [low, high, step] = [control.min, control.max, control.step || 1].map(Number), steps = Math.round((high - low) / step), eighths = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8].map(part => Math.round(steps * part / 8)));
      for (const value of control.options ? [...control.options].map(option => option.value) : [...eighths].map(place => low + place * step)) await choose(control, value, control.options ? value : `slider at ${{value}}`);
      await choose(control, first, control.options ? first : `slider at ${{first}}`); }} }}
  for (const radio of ticked) await choose(radio, true, radio.value);
  return found; }}"""
OVER = f"""() => {LIVE}.map(figure => {{ const end = {END};
  return [figure.dataset.chart, end('.chart-live svg') - end('.chart-drawing')]; }})"""


@pytest.mark.parametrize("page", ["index.html", *CHARTS])
def test_labels_can_be_read(book, browser, page):
    """As drawn at every width, then as live charts, after every choice of their controls too, wide and narrowest."""
    def labels(width):
        faults = checks.label_faults(visit.page)
        if width == WIDTHS[-1]:
            visit.page.emulate_media(color_scheme="dark")
            faults += [f"dark: {said}" for said in checks.label_faults(visit.page)]
            visit.page.emulate_media(color_scheme="light")
        return faults

    def live(width):
        faults = labels(width) + [f"{chart}: {over:.0f} px of the live drawing lie over what follows" for chart, over in visit.page.evaluate(OVER) if over > 10]
        for chart in CHARTS[page] if width in (WIDTHS[0], WIDTHS[-1]) else ():
            for chosen, found, over, same in visit.page.evaluate(CHOICES, f"fig-{chart['id']}"):
                faults += [f"{chart['id']}: {chosen!r} draws what {same!r} draws"] * (same is not None)
                faults += [f"{chosen}: {fault}" for fault in found]
                # A list that a reader makes longer pushes the rest of the page down; the browser measures text a little otherwise than the build.
                faults += [f"{chosen}: {chart['id']}: {over:.0f} px of the drawing lie over what follows"] * (over > 10)
        return faults
    with Visit(browser, (book / page).as_uri()) as visit:
        visit.settle()
        faults = screens(visit, "drawn", also=labels)
        if page not in CHARTS:
            return say(faults + list(dict.fromkeys(visit.faults)), f"faults of drawings and labels of {page}, from disk")
        visit.scroll()
        states = visit.page.evaluate(f"Object.fromEntries({LIVE}.map(figure => [figure.dataset.chart, figure.dataset.live]))")
        say([f"{chart['id']} is {states.get(chart['id'])}" for chart in CHARTS[page] if states.get(chart["id"]) != "ready"], f"charts of {page} that do not come alive from disk")
        faults += screens(visit, "live", REDRAWN, live)
        say(faults + list(dict.fromkeys(visit.faults)), f"faults of charts and labels of {page}, from disk")
