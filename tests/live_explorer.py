"""The explorer as a reader without a server meets it: every control of every question is moved, and the chart follows."""
import statistics
import time

from live import WIDGET, closed, elsewhere, listen, ready, server, until  # noqa: F401 (fixtures)

import explorer
from common import slowness

SHOWN = "ask => [...ask.querySelectorAll('svg.marks')].map(svg => svg.outerHTML.replace(/clip\\d+/g, '')).join()"


def moves(control):
    """Pairs (move, take it back) of a drop-down, a toggle or a slider's handle."""
    if control.get_attribute("role") == "slider":
        keys = ("ArrowRight", "ArrowLeft"), ("PageUp", "PageDown")  # inwards, one year and some
        for there, back in keys if "first" in control.get_attribute("aria-label") else [pair[::-1] for pair in keys]:
            yield lambda: control.press(there), lambda: control.press(back)
    elif control.get_attribute("type") == "checkbox":
        yield lambda: control.press("Space"), lambda: control.press("Space")
    else:
        first = control.evaluate("select => select.selectedIndex")
        for n in range(control.locator("option").count()):
            if n != first:
                yield lambda n=n: control.select_option(index=n), lambda: control.select_option(index=first)


def follows(ask, control):
    """Move a control until the chart changes, then back; return the seconds that the change took, or None."""
    before, patience = ask.evaluate(SHOWN), 4 * slowness()
    for move, back in moves(control):
        start = end = time.monotonic()
        move()
        while (now := ask.evaluate(SHOWN)) in (before, "") and end - start < patience:
            time.sleep(.01)
            end = time.monotonic()
        back()
        until(lambda: ask.evaluate(SHOWN) == before, "the chart is as before when a choice is taken back", 20)
        if now not in (before, ""):
            return end - start


def test_every_control_moves_the_chart(server, closed, elsewhere):
    page = listen(closed.new_page(viewport={"width": 1280, "height": 900}))
    page.goto(f"{server.address}/lite/run.html?path=chapters/10_explore.ipynb")
    frame = ready(page)
    page.click("#all")
    ask = frame.locator(".ask").first
    ask.locator("svg.marks").first.wait_for(timeout=120_000)
    frame.wait_for_timeout(8000)  # the panels below it come too
    for name, question in explorer.QUESTIONS.items():
        before = ask.evaluate(SHOWN)
        if name != "meetings":
            ask.get_by_label("Question").first.select_option(label=question.title)
            until(lambda: ask.evaluate(SHOWN) not in (before, ""), f"the question {name} is shown", 30)
        took = {}
        for label, options, _ in question.controls.values():
            handles = [f"{label}, first", f"{label}, last"] if isinstance(options, tuple) else [label]
            for handle in handles:
                control = ask.locator(".ask-choices").get_by_label(handle, exact=True)
                took[handle] = follows(ask, control)
        print(f"\n  {name}: the chart follows each of {len(took)} controls, in {1000 * statistics.median(filter(None, took.values())):.0f} ms as a rule, "
              f"{1000 * max(filter(None, took.values())):.0f} at most (aim {1000 * WIDGET:.0f})", end="")
        assert all(took.values()), f"{name}: nothing follows {[label for label, seconds in took.items() if not seconds]}"
    assert not page.wrong and not elsewhere.asked, (page.wrong, elsewhere.asked)
    page.close()
