"""What the tests share: the package, the chapters, the built book, a server and a browser."""
import contextlib
import functools
import gzip
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from importlib import resources
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("chapters", "tests")]
sys.path += [str(ROOT / part) for part in (".", "book", "book/tools", "book/live")]
os.environ.update(HOUSE_OUTPUT="stored", PYTHONHASHSEED="0", TZ="UTC", PYTHONDONTWRITEBYTECODE="1",
                  JUPYTER_PREFER_ENV_PATH="1", JUPYTER_PLATFORM_DIRS="1")

import files  # noqa: E402

NOTEBOOKS = sorted((ROOT / "chapters").glob("*.ipynb"))  # chapters have a number; the methods page is a notebook too
CHROME = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--font-render-hinting=none"]


def package():
    """The data package as it stands in data/datapackage.json."""
    return json.loads((ROOT / "data/datapackage.json").read_text(encoding="utf-8"))


def pages():
    """Addresses of the book's pages, in reading order, from _toc.yml."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            name = node.get("root") or node.get("file")
            if name:
                found.append(f"{name.removesuffix('.md').removesuffix('.ipynb')}.html")
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
            walk(child)
    walk(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    return found


@functools.lru_cache(maxsize=None)
def soup(path):
    """A page, parsed once for all tests of a worker, which leave it as it is."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def run(*command, cwd=ROOT, env=None, timeout=300):
    """Run a command; return (exit code, everything it printed)."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, env={**os.environ, **(env or {})}, timeout=timeout,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout


def slowness():
    """How many times slower this machine is at the moment than the one that limits in seconds are meant for, at least 1: one on which Python adds up ten million numbers in 0.3 s."""
    start = time.perf_counter()
    sum(number for number in range(10_000_000))
    return max(1, (time.perf_counter() - start) / .3)


def once(tmp_path_factory, name, make):
    """Folder `name` that all workers share: `make(folder)` fills it, once."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, part = shared / name, shared / f"{name}.part"
    with FileLock(shared / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(part, ignore_errors=True)
            make(part)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """Folder of the built book: built if `_build/html` is not up to date, then copied aside."""
    def make(folder):
        code, said = run(sys.executable, "book/tools/build.py")
        assert code == 0, f"the book does not build, so the tests of the site cannot run:\n{said}"
        shutil.copytree(ROOT / "_build/html", folder)
    return once(tmp_path_factory, "book", make)


SITE, REPOSITORY = "https://example.org/chapter/", "https://github.com/example/book"


@pytest.fixture(scope="session")
def published(tmp_path_factory, book):
    """Folder of the book as it is built when it has an address and a repository."""
    def make(folder):
        clone = files.project(ROOT, folder.with_name("published-project"))
        shutil.copytree(ROOT / "_build/work", clone / "_build/work")
        code, said = run(sys.executable, "book/tools/build.py", cwd=clone, env={"BOOK_SITE": SITE, "BOOK_REPOSITORY": REPOSITORY}, timeout=900)
        assert code == 0, f"with BOOK_SITE and BOOK_REPOSITORY set the book does not build:\n{said}"
        (clone / "_build/html").rename(folder)
    return once(tmp_path_factory, "published", make)


@functools.lru_cache
def _gzipped(path, changed):
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Static files, gzipped where a real host would gzip them, so that bytes on the wire are those of readers."""
    protocol_version = "HTTP/1.1"
    plain = (".woff2", ".png", ".jpg", ".ico", ".zip", ".whl")

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            return self.send_error(404)
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)) + ("; charset=utf-8" if path.suffix in (".html", ".css", ".js", ".svg") else ""))
        if path.suffix not in self.plain and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = _gzipped(str(path), path.stat().st_mtime_ns)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the page was left
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def origin(book):
    """Address of a server of the built book on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(book)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; one for each worker."""
    from playwright.sync_api import sync_playwright
    code, path = run("sh", "tests/browser.sh")
    assert code == 0, path
    with sync_playwright() as playwright:
        chromium = Chromium(lambda: playwright.chromium.launch(executable_path=path.strip().splitlines()[-1], args=CHROME))
        yield chromium
        chromium.close()


class Chromium:
    """A browser that can be started anew: one that has stopped painting a window may paint the next one no more either."""

    def __init__(self, launch):
        self.launch, self.process = launch, launch()

    def __getattr__(self, name):
        return getattr(self.process, name)

    def renew(self):
        self.process.close()
        self.process = self.launch()


WATCH = """
  window.shift = 0, window.moved = [];
  new PerformanceObserver(list => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) { window.shift += entry.value;
    window.moved.push(`${entry.value.toFixed(3)} after ${Math.round(entry.startTime)} ms: ` + entry.sources.map(({node, previousRect: a, currentRect: b}) =>
      `${(node?.outerHTML ?? node?.data ?? 'something').slice(0, 70)} from ${[a.x, a.y, a.width, a.height].map(Math.round)} to ${[b.x, b.y, b.width, b.height].map(Math.round)}`).slice(0, 3).join('; ')); } })
    .observe({type: 'layout-shift', buffered: true});"""
LIVE = "[...document.querySelectorAll('main figure.chart')].filter(figure => figure.dataset.spec)"
FRAMES = "() => new Promise(done => { requestAnimationFrame(() => requestAnimationFrame(done)); setTimeout(done, 250); })"  # a page that is not painted has no frames
PAINTED = "() => new Promise(done => { requestAnimationFrame(() => done(true)); setTimeout(() => done(false), 1000); })"
SCROLL = f"""async () => {{ const frames = {FRAMES}, end = performance.now() + 30000;
  for (let y = 0; y < document.documentElement.scrollHeight; y += 400) {{ window.scrollTo(0, y); await frames(); }}
  for (const figure of {LIVE}) {{ figure.scrollIntoView({{block: 'center'}});
    while (!['ready', 'failed'].includes(figure.dataset.live)) {{
      if (performance.now() > end) return [figure.id, figure.dataset.live ?? 'asleep'];
      await frames(); }} }} }}"""


class Visit:
    """One page in one browser context, with what it fetched and what it complained of; `before(visit)` is called before it is asked for."""

    def __init__(self, browser, address, before=None, until="load", **context):
        self.address, self.faults, self.bytes, self.fetched, self.under_way, self.unpainted, self.browser = address, [], 0, [], set(), False, browser
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **context})  # scrolls at once
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        home = "file://" if address.startswith("file:") else "/".join(address.split("/")[:3]) + "/"
        self.wire = self.context.new_cdp_session(self.page)
        self.wire.send("Network.enable")
        self.wire.on("Network.loadingFinished", lambda event: setattr(self, "bytes", self.bytes + event["encodedDataLength"]))
        self.page.on("request", lambda request: (self.fetched.append(request.url), self.under_way.add(request)))
        for end in ("requestfinished", "requestfailed"):
            self.page.on(end, lambda request: self.under_way.discard(request))
        self.page.on("request", lambda request: None if request.url.startswith((home, "data:", "blob:")) else self.faults.append(f"asks a third party: {request.url}"))
        self.page.on("requestfailed", lambda request: self.faults.append(f"does not get {request.url}: {request.failure}"))
        self.page.on("response", lambda response: self.faults.append(f"{response.status} for {response.url}") if response.status >= 400 else None)
        self.page.on("console", lambda message: self.faults.append(f"console {message.type}: {message.text[:200]}") if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.faults.append(f"script error: {error.message[:160]} {(error.stack or '').strip()[-160:]}"))
        if before:
            before(self)
        self.page.goto(address, wait_until=until)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()
        if self.unpainted:
            self.browser.renew()

    def settle(self):
        """Wait until nothing more is fetched: no script left for later, and nothing under way twice, a tenth of a second apart. Sections that wait to be laid out wait no longer."""
        self.page.evaluate("document.documentElement.classList.remove('afresh')")
        self.until("!document.querySelector('script[data-later]')", "the scripts that wait for the page are asked for")
        for _ in range(150):
            quiet = not self.under_way
            self.page.wait_for_timeout(100)
            if quiet and not self.under_way:
                return self
        pytest.fail(f"{self.address}: still fetches {[request.url for request in self.under_way]} after 15 s")

    def until(self, condition, what):
        """Wait for a condition; asked from outside, since the page's own policy forbids it to evaluate text."""
        for _ in range(3):
            for _ in range(330):
                if self.page.evaluate(condition):
                    return
                self.page.wait_for_timeout(30)
            self.wake()
        pytest.fail(f"{self.address}: waited half a minute until {what}{self.stuck()}")

    def wake(self):
        """Make Chromium paint this window again: now and then it stops, which no reader's page does. A picture of it starts it, unless that too gets stuck."""
        from playwright.sync_api import Error
        self.page.bring_to_front()
        with contextlib.suppress(Error):
            self.page.screenshot(timeout=5_000)

    def stuck(self):
        """Nothing if the page is painted, else the words at which pytest.ini has a test run once more, in a new browser."""
        self.unpainted = not self.page.evaluate(PAINTED)
        return ". Chromium no longer paints this window" if self.unpainted else ""

    def scroll(self):
        """Scroll past everything, as a reader does, until every chart has come alive."""
        self.page.mouse.wheel(0, 10)
        asleep = self.page.evaluate(SCROLL)
        if asleep and self.stuck():
            self.wake()
            asleep = self.page.evaluate(SCROLL)
        assert not asleep, f"{self.address}: scrolled past, but after half a minute #{asleep[0]} is {asleep[1]}{self.stuck()}"
        return self.settle()


AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]  # the rules that read colours: all that can change with the scheme
RUN_AXE = """async ([within, runOnly]) => { const away = [], put = (node, parts) => { const inside = document.createDocumentFragment(); inside.append(...parts); away.push([node, inside]); };
  for (const body of document.querySelectorAll('tbody')) put(body, [...body.rows].slice(40));
  for (const details of document.querySelectorAll('details:not([open])')) put(details, [...details.childNodes].filter(node => node.nodeName !== 'SUMMARY'));
  for (const node of document.querySelectorAll('body *')) if (node.isConnected && node.firstElementChild && getComputedStyle(node).display === 'none') put(node, [...node.childNodes]);
  try { return (await axe.run(within || document, {runOnly, resultTypes: ['violations']})).violations; }
  finally { away.reverse().forEach(([node, inside]) => node.append(inside)); } }"""


def axe(page, within=None, colours_only=False):
    """Violations of axe's rules on the page or within a selector, a sentence each. What is folded or not drawn is put away meanwhile, since axe finds no fault in hidden nodes but goes through them all; so are rows of a table after the fortieth, which are made as the others are."""
    page.evaluate(f"window.axe || (() => {{ {AXE} }})()")
    found = page.evaluate(RUN_AXE, [within, {"type": "rule", "values": COLOURS} if colours_only else {"type": "tag", "values": TAGS}])
    return [f"{violation['id']}: {violation['help']}: {node['html'][:140]}" for violation in found for node in violation["nodes"][:3]]
