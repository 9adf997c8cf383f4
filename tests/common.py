"""What the tests share: the package, the chapters, the built book, a server and a browser."""
import functools
import gzip
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "chapters"), str(ROOT / "tests")]
os.environ.update(HOUSE_OUTPUT="stored", PYTHONHASHSEED="0", TZ="UTC", PYTHONDONTWRITEBYTECODE="1",
                  JUPYTER_PREFER_ENV_PATH="1", JUPYTER_PLATFORM_DIRS="1")

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


def copy_of_the_project(folder):
    """Copy what git would hold into `folder`; the copy uses this environment."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", ".venv", "_build", "__pycache__", ".hypothesis"))
    return folder


def run(*command, cwd=ROOT, env=None, timeout=300):
    """Run a command; return (exit code, everything it printed)."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, env={**os.environ, **(env or {})}, timeout=timeout,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """Folder of the built book: built once for all workers if `_build/html` is not up to date, then copied aside."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    site = shared / "book"
    with FileLock(shared / "book.lock"):
        if not site.exists():
            code, said = run(sys.executable, "book/tools/build.py")
            assert code == 0, f"the book does not build, so the tests of the site cannot run:\n{said}"
            shutil.copytree(ROOT / "_build/html", site.with_name("book.part"))
            site.with_name("book.part").rename(site)
    return site


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
        chromium = playwright.chromium.launch(executable_path=path.strip().splitlines()[-1], args=CHROME)
        yield chromium
        chromium.close()
