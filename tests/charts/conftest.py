"""The sample book, built once, and a server; the browser is the one of all tests."""
import functools
import http.server
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `sample`; the extension itself is found as in every other test
import sample  # noqa: E402
from common import once  # noqa: E402


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """The html folder of a book with every kind of chart, shown again on a second page."""
    pages = {"deep/again.md": "# Again\n\n```{chart} two-lines\n```\n\n```{chart} dots\n:small:\n```\n\n```{chart} map\n:mini:\n```\n\nSee {numref}`fig-dots` and [the map](#fig-map).\n",
             "text.md": "# Only words\n\nNo chart here.\n"}

    def make(folder):
        folder.mkdir()
        code, said, html = sample.build(sample.write_book(folder.with_name("sample-source"), pages=pages), "-W", "-n", "--keep-going")
        assert code == 0, said[-3000:]
        html.rename(folder / "html")
    return once(tmp_path_factory, "sample", make) / "html"


@pytest.fixture(scope="session")
def site(book):
    """The address of the built book, served."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(book)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture
def visit(browser):
    """Open a page: visit(url, width=1280, **context) -> page with `.said` (console) and `.asked` (requests)."""
    opened = []

    def go(url, width=1280, before=None, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        opened.append(context)
        page = context.new_page()
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        if before:
            before(page)
        page.goto(url)
        return page
    yield go
    for context in opened:
        context.close()
