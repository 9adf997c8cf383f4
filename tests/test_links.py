"""The check of outer links, against a server on this machine that answers in every way."""
import contextlib
import csv
import http.server
import json
import shutil
import sys
import threading
import time

import pytest

from common import ROOT, run

import links


class Host(http.server.BaseHTTPRequestHandler):
    """/301 and /302 lead to /200, /405 and /404-head refuse HEAD alone, /slow is late, /busy is so once; any other name is its status."""
    asked = []

    def answer(self):
        name = self.path.partition("?")[0].strip("/")
        Host.asked.append((self.command, name, self.headers["User-Agent"]))
        if name == "slow":
            time.sleep(1)
        head = self.command == "HEAD"
        busy = name == "busy" and sum(one == "busy" for _, one, _ in Host.asked) == 1
        code = 503 if busy else {"slow": 200, "busy": 200, "405": 405 if head else 200, "404-head": 404 if head else 200, "round": 301, "archive": 200}.get(name) or int(name)
        body = json.dumps({"archived_snapshots": {"closest": {"available": True, "status": "200", "timestamp": "20240907000000", "url": "http://web.archive.org/web/20240907000000/x"}}}).encode() if name == "archive" else b""
        self.send_response(code)
        if code in (301, 302):
            self.send_header("Location", "/round" if name == "round" else "/200")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # whoever asked has given up
            self.wfile.write(body)
    do_GET = do_HEAD = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr(links, "PAUSE", 0)
    monkeypatch.setattr(links, "TIMEOUT", 0.4)
    Host.asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_every_kind_of_answer_is_told_apart(host):
    wanted = {"200": ("ok", "200"), "301": ("moved", f"{host}/200"), "302": ("ok", "200"), "404": ("dead", "404"), "410": ("dead", "410"), "403": ("refused", "403"), "500": ("unreachable", "500"),
              "405": ("ok", "200"), "404-head": ("ok", "200"), "slow": ("unreachable", "no answer in 0.4 s"), "busy": ("ok", "200"), "round": ("dead", "redirects without end")}
    heard = {}
    assert links.check([f"{host}/{name}" for name in wanted], links.session(), lambda address, *answer: heard.__setitem__(address.rpartition("/")[2], answer))
    assert heard == wanted
    assert {agent for _, _, agent in Host.asked} == {links.AGENT}
    assert [(command, name) for command, name, _ in Host.asked if name == "405"] == [("HEAD", "405"), ("GET", "405")], "HEAD first, then GET"


def test_hosts_that_are_gone_do_not_pass_for_an_absent_network(monkeypatch):
    """What is left of an earlier run may be a few hosts that are not found: they are told, and the report goes on."""
    monkeypatch.setattr(links, "PAUSE", 0)
    heard = {}
    assert links.check(["http://127.0.0.1:9/a", "http://127.0.0.2:9/b"], links.session(), lambda address, *answer: heard.__setitem__(address, answer))
    assert set(heard.values()) == {("unreachable", links.NOBODY)} and len(heard) == 2


def test_a_host_is_asked_one_by_one_and_slowly(host, monkeypatch):
    monkeypatch.setattr(links, "PAUSE", 0.2)
    start = time.monotonic()
    links.check([f"{host}/200?{n}" for n in range(4)], links.session(), lambda *_: None)
    assert time.monotonic() - start > 0.6


@pytest.mark.slow
def test_offline_is_one_sentence_and_what_was_learnt_stays(tmp_path):
    for name in ("book", "data", "chapters"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.ipynb", "__pycache__"))
    (tmp_path / "index.md").write_text("# Front\n")
    known = links.addresses(tmp_path)
    first = next(iter(known))
    (tmp_path / "_build").mkdir()
    (tmp_path / "_build/links.csv").write_text(f"url,state,detail\n{first},ok,200\n", encoding="utf-8")
    code, said = run(sys.executable, "book/tools/links.py", cwd=tmp_path, env={"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}, timeout=120)
    assert code == 1 and "Traceback" not in said and said.strip().splitlines()[-1].startswith("No link was checked: this machine is offline"), said
    assert "1 known from an earlier run" in said and f"{first},ok,200" in (tmp_path / "_build/links.csv").read_text("utf-8")


def test_places_of_links_are_named():
    found = links.addresses(ROOT)
    report = "https://www.asahi.com/ajw/articles/15418435"
    assert {"index.md", "chapters/01_the_article.ipynb, cell 1", "README.md"} <= set(found[report])
    with (ROOT / "data/meetings.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert "data/meetings.csv, row 1, column source_url" in found[row["source_url"]]
    assert any(place.startswith("data/datapackage.json, table meetings, sources") for places in found.values() for place in places)


def test_a_stored_copy_is_kept_and_shown(host, tmp_path):
    path = tmp_path / "archived_copies.csv"
    shutil.copy(ROOT / "data/archived_copies.csv", path)
    for _ in range(2):  # the second time it is known
        links.copies([f"{host}/404"], links.session(), path, f"{host}/archive")
    assert path.read_text("utf-8").splitlines()[-1] == f"{host}/404,https://web.archive.org/web/20240907000000/x"
    assert [name for _, name, _ in Host.asked] == ["archive"]
    from book.site import pages
    shown = pages.credit({"source_url": f"{host}/404", "publisher": "Example"}, {f"{host}/404": "https://web.archive.org/x"})
    assert shown.endswith('(<a href="https://web.archive.org/x">stored copy</a>)')
    assert "stored copy" not in pages.credit({"source_url": f"{host}/404", "publisher": "Example"}, {})


def test_stored_copies_are_of_addresses_that_the_book_cites():
    found = links.addresses(ROOT)
    with (ROOT / "data/archived_copies.csv").open(encoding="utf-8", newline="") as file:
        stray = [row["url"] for row in csv.DictReader(file) if row["url"] not in found]
    assert not stray, f"data/archived_copies.csv: {stray} are cited nowhere; remove the rows"
