"""The live notebooks as readers meet them; `make test-live` runs this, `make test` does not (some minutes, and `make live`'s downloads).

A browser that can reach nothing but the book presses "Run this chapter" on every chapter and runs it to the end. A new
chapter is covered by being there; what moves a chapter's controls has a file of its own, as live_explorer.py.
"""
import functools
import http.server
import json
import math
import os
import re
import subprocess
import sys
import threading
import time

import pytest

from common import CHROME, NOTEBOOKS, ROOT, _Handler, run, slowness

import files

SITE = ROOT / "_build/html"
SPEC, LEDGER = "application/vnd.vegalite.v6+json", "application/vnd.ledger+json"
MOST, AIM, WIDGET = 40, 20, .3  # seconds: to a chapter's first output at most, and as aimed; to a widget's answer, as aimed
CHROMIUMS = re.compile(r"(https?://)?(update|content-autofill|optimizationguide-pa|safebrowsing)\.googleapis\.com|(https?://)?(accounts|clients\d?)\.google\.com")  # what the browser asks for itself
PANEL = "[...(window.jupyterapp?.shell?.widgets('main') || [])].find(one => one.sessionContext)"


class Server(http.server.ThreadingHTTPServer):
    """The book on this machine; counts what it sends, and fails on demand."""
    daemon_threads = True

    def __init__(self, folder=SITE):
        self.sent, self.failing = {}, ()
        super().__init__(("127.0.0.1", 0), functools.partial(Book, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """A reader who left: nothing to tell."""


class Book(_Handler):
    def do_GET(self):
        if any(name in self.path for name in self.server.failing):
            return self.send_error(503)
        super().do_GET()

    def send_header(self, name, value):
        if name == "Content-Length":
            self.server.sent[self.path] = self.server.sent.get(self.path, 0) + int(value)
        super().send_header(name, value)


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """The proxy that every request to another host goes to: it notes the host and says no."""
    def refuse(self):
        if not CHROMIUMS.match(self.path):
            self.server.asked.append(self.path)
        self.send_error(502)
    do_GET = do_POST = do_HEAD = do_CONNECT = do_OPTIONS = refuse

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    assert (SITE / "lite/run.html").exists(), "this book has no live notebooks: 'make live' first"
    server = Server()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def elsewhere():
    """A refusing proxy; `.asked` lists what was asked of other hosts."""
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    proxy.daemon_threads, proxy.asked = True, []
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy
    proxy.shutdown()


@pytest.fixture(scope="module")
def closed(elsewhere):
    """A Chromium that reaches this machine and nothing else."""
    from playwright.sync_api import sync_playwright
    code, path = run("sh", "tests/browser.sh")
    assert code == 0, path
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path.strip().splitlines()[-1], args=[*CHROME, f"--proxy-server=127.0.0.1:{elsewhere.server_port}"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def reader(closed):
    """One reader's browser: what it has loaded for one chapter it keeps for the next."""
    context = closed.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def listen(page):
    """Note in `page.wrong` what a reader's browser complains of."""
    page.wrong = []
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def until(truth, what, seconds=60, every=.05):
    """Wait until `truth()` holds; return it."""
    end = time.monotonic() + seconds
    while not (found := truth()):
        assert time.monotonic() < end, f"after {seconds} s, still not: {what() if callable(what) else what}"
        time.sleep(every)
    return found


def said(page):
    return page.locator("#said").text_content() + (page.locator(".note").text_content() if page.locator(".note").count() else "")


def ready(page, seconds=240):
    """Wait until the line says that cells can be run; return the notebook's frame."""
    until(lambda: said(page).startswith("Ready"), lambda: f"ready; the page says {said(page)!r}", seconds * slowness(), .2)
    return page.frames[1]


def state(frame):
    """[{outputs, count, source}] of the code cells."""
    return frame.evaluate(f"""() => {{ const panel = {PANEL}, cells = panel.content.model.cells, found = [];
      for (let n = 0; n < cells.length; n++) {{ const cell = cells.get(n); if (cell.type === "code") found.push({{outputs: cell.outputs.toJSON(), count: cell.executionCount, source: cell.sharedModel.source}}); }}
      return found; }}""")


def run_all(page, frame):
    """Press "Run all cells"; return (seconds to the first live output, all code cells when done)."""
    going = f"""() => {{ const panel = {PANEL}, found = []; let drawn = false, wrong = false;
      for (const {{model}} of panel.content.widgets) {{ if (model.type !== "code") continue;
        found.push(!!model.executionCount);
        for (let n = 0; n < model.outputs.length; n++) {{ const {{type, data}} = model.outputs.get(n); wrong ||= type === "error"; drawn ||= !!model.executionCount && `${{data["text/html"]}}`.includes("drawChart"); }} }}
      return [drawn, wrong || found.every(done => done) && panel.sessionContext.kernelDisplayStatus === "idle"]; }}"""
    patience, start, first = 240 * slowness(), time.monotonic(), None
    page.click("#all")
    while True:
        drawn, ended = frame.evaluate(going)
        if drawn and first is None:
            first = time.monotonic() - start
        if ended:
            return first, state(frame)
        assert time.monotonic() - start < patience, "the chapter does not come to its end"
        time.sleep(.1)


def same(one, other):
    """Whether two JSON values agree; floats to nine figures."""
    if isinstance(one, float) or isinstance(other, float):
        return isinstance(one, (int, float)) and isinstance(other, (int, float)) and math.isclose(one, other, rel_tol=1e-9)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def joined(text):
    return "".join(text) if isinstance(text, list) else text


def differences(cells, path):
    """What a live run shows otherwise than the stored outputs of a chapter do."""
    stored = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    found = [] if len(stored) == len(cells) else [f"{len(cells)} code cells, stored are {len(stored)}"]
    for n, (old, new) in enumerate(zip(stored, cells), 1):
        found += [f"cell {n}: {output.get('ename')}: {output.get('evalue')}{output.get('text', '')}" for output in new["outputs"] if output["output_type"] in ("error", "stream") and output.get("name") != "stdout"]
        if len(old["outputs"]) != len(new["outputs"]):
            found.append(f"cell {n}: {len(new['outputs'])} outputs, stored are {len(old['outputs'])}")
        for was, now in zip(old["outputs"], new["outputs"]):
            was, now = was.get("data", was), now.get("data", now)
            if SPEC in was and "application/vnd.jupyter.widget-view+json" in now:
                continue  # a panel of the explorer, for the chart that stands for it: live_explorer.py moves its controls
            if SPEC in was:
                live = json.loads(re.search(r'drawChart\("[\w-]+", (\{.*\})\), ', joined(now["text/html"]))[1])
                for name, rows in was[SPEC].get("datasets", {}).items():
                    have = live["datasets"].get(name, [])
                    have = [{key: row[key] for key in kept if key in row} for row, kept in zip(have, rows)] if isinstance(rows, list) else have
                    if not same(have, rows):
                        found.append(f"cell {n}: the chart {was[SPEC]['usermeta']['figure']['id']} draws other data")
                if not same({**live, "datasets": 0}, {**was[SPEC], "datasets": 0}):
                    found.append(f"cell {n}: the chart {was[SPEC]['usermeta']['figure']['id']} is another one")
            elif LEDGER in was and not same(was[LEDGER], now.get(LEDGER)):
                found.append(f"cell {n}: the ledger says otherwise")
            elif joined(was.get("text/plain", was.get("text", ""))) != joined(now.get("text/plain", now.get("text", ""))):
                found.append(f"cell {n}: says {joined(now.get('text/plain', now.get('text', '')))!r}")
    return found


def charts(path):
    """The stored specs of a chapter."""
    return [output["data"][SPEC] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] for output in cell.get("outputs", []) if SPEC in output.get("data", {})]




def drawn(frame, wanted):
    """Wait until as many charts as wanted are drawn; return how many are, with marks that know their data."""
    count = lambda: frame.evaluate("""() => [...document.querySelectorAll(".vega-embed svg.marks")].filter(svg => [...svg.querySelectorAll("[class*=mark-] > *")].some(mark => mark.__data__)).length""")
    until(lambda: count() >= wanted, lambda: f"{wanted} live charts, but {count()}")
    return count()


def latency(frame, slider, answer, steps=3):
    """Seconds from a key press on `slider` to a change of the text of `answer`, the median of `steps`."""
    times = []
    slider.focus()
    for _ in range(steps):
        before, start = answer.inner_html(), time.monotonic()
        slider.press("ArrowRight")
        until(lambda: answer.inner_html() != before, "the widget answers", 10, .01)
        times.append(time.monotonic() - start)
    return sorted(times)[steps // 2]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_runs_as_it_is_stored(path, server, reader, elsewhere):
    page = listen(reader.new_page())
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.address}/chapters/{path.stem}.html", wait_until="networkidle")
    assert not any("/lite/" in url for url in asked), "a page loads the live notebooks before Run is pressed"
    cold, start = not any("/lite/" in name for name in server.sent), time.monotonic()
    page.click("p.run a.here")
    frame = ready(page)
    before = time.monotonic() - start
    assert frame.evaluate(f"{PANEL}.context.path") == f"chapters/{path.name}"
    first, cells = run_all(page, frame)
    if cold:
        loaded, stated = sum(size for name, size in server.sent.items() if name.startswith("/lite/")) / 1e6, float(re.search(r"new_chapter_run_size: about ([\d.]+) MB", (ROOT / "_config.yml").read_text(encoding="utf-8"))[1])
        print(f"\n  the first chapter loads {loaded:.1f} MB, its page says about {stated:g}", end="")
        assert abs(loaded - stated) < 1, "set new_chapter_run_size in _config.yml to what is loaded"
    faults = differences(cells, path)
    assert not faults, "\n".join(faults)
    wanted = len(charts(path))
    if wanted:
        for chart in frame.locator(".vega-embed").all():  # JupyterLab draws what is near the screen
            chart.scroll_into_view_if_needed()
    drawn(frame, wanted)
    print(f"\n  {path.stem}: first output {before + (first or 0):.1f} s after Run was pressed, aim {AIM} ({'nothing loaded before' if cold else 'Python in the cache'}), all {len(cells)} cells and {wanted} charts agree with the stored ones", end="")
    assert not page.wrong, page.wrong
    assert not elsewhere.asked, f"asked of other hosts: {elsewhere.asked}"
    page.close()
    limit = MOST * slowness()
    assert before + (first or 0) < limit, f"too slow for a reader: the limit is {MOST} s, on this machine {limit:.0f} s, since it is slower than the limit is meant for"


def test_a_widget_answers_at_once(server, reader):
    """A slider made in the notebook drives a line of text and a chart."""
    page = listen(reader.new_page())
    path = next(path for path in NOTEBOOKS if charts(path))
    page.goto(f"{server.address}/lite/run.html?path=chapters/{path.name}")
    frame = ready(page)
    frame.evaluate(f"""() => {{ const {{content}} = {PANEL}; content.model.sharedModel.insertCell(0, {{cell_type: "code", source: `import altair, house, ipywidgets, pandas
house.enable()
@ipywidgets.interact(n=(2, 20))
def show(n=5):
    display(altair.Chart(pandas.DataFrame({{"x": range(n), "y": range(n)}})).mark_point().encode(x="x:Q", y="y:Q"))`}}); content.activeCellIndex = 0; }}""")
    frame.evaluate("jupyterapp.commands.execute('notebook:run-cell')")
    answer = frame.locator(".jp-Cell").first.locator(".widget-output")
    answer.locator("svg.marks").wait_for(timeout=30000)
    took = latency(frame, frame.locator(".jp-Cell").first.get_by_role("slider"), answer)
    print(f"\n  a slider redraws a chart {1000 * took:.0f} ms after a key press (aim {1000 * WIDGET:.0f})", end="")
    assert not page.wrong, page.wrong
    page.close()


def test_reset_brings_the_chapter_back(server, reader):
    """An error and edited files, the shared module's too, are gone after "Reset this notebook"."""
    path = next(path for path in NOTEBOOKS if charts(path))
    page = listen(reader.new_page())
    page.goto(f"{server.address}/lite/run.html?path=chapters/{path.name}")
    frame = ready(page)
    frame.evaluate(f"() => {{ const panel = {PANEL}; [...panel.content.model.cells].find(cell => cell.type === 'code').sharedModel.setSource('1 / 0'); return panel.context.save(); }}")
    frame.evaluate("jupyterapp.serviceManager.contents.save('chapters/house.py', {type: 'file', format: 'text', content: 'raise SystemError'})")
    _, cells = run_all(page, frame)
    assert [output["evalue"] for cell in cells for output in cell["outputs"] if output["output_type"] == "error"] == ["division by zero"]
    page.reload()
    frame = ready(page)
    assert any(cell["source"] == "1 / 0" for cell in state(frame)), "what a reader saved is not there on the next visit"
    page.click("#reset")
    until(lambda: not said(page).startswith("Ready"), "the reset begins")
    frame = ready(page)
    _, cells = run_all(page, frame)
    assert not differences(cells, path), differences(cells, path)
    page.close()


@pytest.mark.parametrize("lack, words", [("delete window.WebAssembly", "WebAssembly"), ("delete Navigator.prototype.serviceWorker", "storing"),
                                         ("Object.defineProperty(window, 'indexedDB', {get() { throw new DOMException('denied', 'SecurityError') }})", "storing"),
                                         ("ServiceWorkerContainer.prototype.register = () => Promise.reject(new DOMException('denied', 'SecurityError'))", "storing")])
def test_a_browser_that_cannot_says_so_and_names_other_ways(lack, words, server, closed):
    context = closed.new_context(viewport={"width": 360, "height": 740})
    context.add_init_script(lack)
    page = context.new_page()
    page.goto(f"{server.address}/chapters/{NOTEBOOKS[0].stem}.html")
    page.click("p.run a.here")
    until(lambda: words in said(page) and page.locator(".note li").count(), lambda: said(page))
    links = {link.text_content(): link.evaluate("link => link.href") for link in page.locator(".note a").all()}
    on_page = context.request.get(f"{server.address}/chapters/{NOTEBOOKS[0].stem}.html").text()
    for name in ("Binder", "Colab"):
        assert (f"Run it in {name}" in links) == (f">{name}</a>" in on_page), f"{name}: {links}"
    for name in ("Download the notebook", "Back to the book"):
        assert context.request.get(links[name]).ok, f"{name} leads nowhere: {links}"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_a_lost_connection_says_which_part_and_can_be_tried_again(server, closed):
    context = closed.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    server.failing = ("/numpy-",)
    try:
        page.goto(f"{server.address}/lite/run.html?path=chapters/{NOTEBOOKS[0].name}")
        until(lambda: "connection was lost while loading numpy-" in said(page), lambda: said(page))
    finally:
        server.failing = ()
    page.get_by_role("link", name="Try again").click()
    ready(page)
    context.close()


@pytest.mark.parametrize("path", ["", "chapters/../../secret.ipynb", "chapters/99_nowhere.ipynb", "<b>.ipynb"])
def test_an_address_of_no_chapter_says_so(path, server, closed):
    page = closed.new_page()
    page.goto(f"{server.address}/lite/run.html?path={path}")
    until(lambda: "There is no such chapter" in said(page), lambda: said(page))
    page.context.close()


def test_the_site_stays_small():
    whole = sum(path.stat().st_size for path in (SITE / "lite").rglob("*") if path.is_file())
    print(f"\n  the live notebooks add {whole / 1e6:.1f} MB to the site", end="")
    assert whole < 50e6


def test_the_second_visit_works_offline(reader, server, elsewhere):
    """Last with this server: it is switched off."""
    path = [path for path in NOTEBOOKS if charts(path)][1]
    server.shutdown()
    server.server_close()
    page = reader.new_page()
    page.goto(f"{server.address}/lite/run.html?path=chapters/{path.name}")
    frame = ready(page)
    _, cells = run_all(page, frame)
    assert not differences(cells, path), differences(cells, path)
    drawn(frame, 1)
    page.close()
    assert not elsewhere.asked, elsewhere.asked


def test_lab_draws_charts_with_nothing_from_elsewhere(closed, elsewhere, tmp_path):
    """`make lab`, on a copy of the book."""
    folder = files.project(ROOT, tmp_path / "copy")
    path = next(path for path in NOTEBOOKS if charts(path))
    recipe = re.search(r"(?m)^lab:.*\n\t@\$\(PY\) (-m jupyterlab .*?) `", (ROOT / "Makefile").read_text(encoding="utf-8"))[1]
    env = {key: value for key, value in os.environ.items() if key != "HOUSE_OUTPUT"}
    lab = subprocess.Popen([sys.executable, *recipe.split(), "--no-browser", "--allow-root", "--ServerApp.port=0", "--IdentityProvider.token="], cwd=folder, text=True,
                           env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        address = next(re.search(r"http://(?:127\.0\.0\.1|localhost):\d+", line)[0] for line in lab.stdout if re.search(r"http://(127\.0\.0\.1|localhost):\d+/lab", line))
        threading.Thread(target=lab.stdout.read, daemon=True).start()
        page = listen(closed.new_context(viewport={"width": 1280, "height": 900}).new_page())
        page.goto(f"{address}/lab/tree/chapters/{path.name}?reset")
        page.get_by_text("| Idle").wait_for(timeout=120000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        until(lambda: page.locator(".vega-embed :is(canvas, svg)").count(), "a chart is drawn", 90)  # JupyterLab keeps those near the screen
        assert not page.wrong, page.wrong
        assert not elsewhere.asked, elsewhere.asked
        page.context.close()
    finally:
        lab.terminate()
        lab.wait(20)
