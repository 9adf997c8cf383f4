"""Make the notebooks that run in the reader's browser: `_build/lite`, which `book/tools/build.py` takes into the book.

`python book/live/lite.py [FOLDER]` (what `make live` runs first). FOLDER, if given, is where parts come from instead of
the network. `_build/lite` is replaced only by one that was made whole, and kept while nothing it is made from has changed.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "book/tools")]

import runtime  # noqa: E402
import files  # noqa: E402
from build import BUILD, alone, fingerprint, read, swap  # noqa: E402
from charts import drawing  # noqa: E402

LITE, WORK, HERE = ROOT / "_build/lite", ROOT / "_build/lite.new", Path(__file__).parent
MADE_FROM = ["chapters", "data", "book/live", "book/charts/drawing.py", "requirements.txt"]
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"


def contents(folder):
    """What a reader finds in the notebooks' file system: the chapters, what they import, and the tables."""
    for name, kinds in (("chapters", ("*.ipynb", "*.py")), ("data", ("*.csv", "*.json", "*/*.csv", "*/*.json"))):
        for path in (path for kind in kinds for path in sorted((ROOT / name).glob(kind))):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def jupyterlite(source, out):
    """Build JupyterLite for the files in `source`; raise Broken with what it said."""
    (source / "jupyter_lite_config.json").write_text(json.dumps({"LiteBuildConfig": {
        "apps": ["notebooks", "edit", "tree"], "no_sourcemaps": True, "no_unused_shared_packages": True, "federated_extensions": [str(runtime.KERNEL)], "contents": ["files"]}}))
    (source / "jupyter-lite.json").write_text(json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": {
        "appName": "A New Chapter", "appUrl": "./tree", "faviconUrl": "./notebooks/favicon.ico", "exposeAppInBrowser": True}}))
    (source / "overrides.json").write_text(json.dumps({"@jupyterlab/apputils-extension:themes": {"adaptive-theme": True}}))
    log = out.with_name("lite.log")
    with log.open("w") as said:
        code = subprocess.run([sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", source, "--config", source / "jupyter_lite_config.json", "--output-dir", out],
                              cwd=source, env={**os.environ, "PYTHONPATH": str(runtime.TOOLS)}, stdout=said, stderr=subprocess.STDOUT).returncode
    if code or not (out / "notebooks/index.html").exists():
        tail = "\n  ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-6:])
        raise runtime.Broken(f"JupyterLite could not be built. Its last words, all of them in {log.relative_to(ROOT)}:\n  {tail}")


def settings(out, python):
    """Point the kernel at our own Python, everything it needs loaded at the start and nothing ever asked for elsewhere."""
    path = out / "jupyter-lite.json"
    config = json.loads(path.read_text("utf-8"))
    kernel = config["jupyter-config-data"].setdefault("litePluginSettings", {}).setdefault(KERNEL, {})
    kernel |= {"pyodideUrl": f"./static/{python}/start.mjs", "disablePyPIFallback": True, "loadPyodideOptions": {"packages": runtime.READY}}
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")


def make(given):
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    print("Making the notebooks that run in the browser ...", flush=True)
    sizes = runtime.assemble(WORK / "python", given)
    shutil.copyfile(HERE / "site/start.mjs", WORK / "python/start.mjs")
    sizes["start.mjs"] = (WORK / "python/start.mjs").stat().st_size
    digest = hashlib.sha256(b"".join((WORK / "python" / file).read_bytes() for file in ("pyodide-lock.json", "start.mjs"))).hexdigest()
    name = f"python-{digest[:10]}"  # another name for other contents: browsers may keep it for good
    contents(WORK / "source/files")
    print("  building JupyterLite ...", flush=True)
    out = WORK / "lite"
    jupyterlite(WORK / "source", out)
    (out / "static").mkdir(exist_ok=True)
    os.replace(WORK / "python", out / "static" / name)
    settings(out, name)
    os.replace(out / "static" / name / "NOTICE", out / "NOTICE")
    (out / "vega.js").write_text(drawing.runtime() + (HERE / "site/chart.js").read_text("utf-8"), encoding="utf-8")
    for spare in [*out.glob("build/*.eot"), *out.glob("build/fa-*.svg"), *out.glob("build/*.ttf"), *out.glob("rspack*")]:
        spare.unlink()  # fonts for browsers without WebAssembly
    worker = out / "service-worker.js"
    worker.write_text((HERE / "site/offline.js").read_text("utf-8") + worker.read_text("utf-8"), encoding="utf-8")
    loaded = {f"static/{name}/{file}": size for file, size in sizes.items() if file != "NOTICE"} | {"vega.js": (out / "vega.js").stat().st_size}
    (out / "run.html").write_text((HERE / "site/run.html").read_text("utf-8").replace("{parts}", json.dumps(loaded)), encoding="utf-8")
    for file in ("run.js", "run.css"):
        shutil.copyfile(HERE / "site" / file, out / file)
    return out


def stop(message):
    sys.exit(f"\nThe live notebooks were not made: {message}")


def main():
    given = sys.argv[1] if sys.argv[1:] else ""
    if given and not Path(given).is_dir():
        stop(f"there is no folder {given}.")
    made_from = fingerprint(MADE_FROM)
    if read(LITE / "made-from") == made_from:
        return
    BUILD.mkdir(exist_ok=True)
    with alone():  # two at once would take each other's work away
        try:
            out = make(given and Path(given).resolve())
            (out / "made-from").write_text(made_from)
            swap(out, LITE)
        except runtime.Broken as error:
            stop(error)
        finally:
            shutil.rmtree(WORK, ignore_errors=True)
    size = sum(path.stat().st_size for path in LITE.rglob("*") if path.is_file())
    print(f"  {LITE.relative_to(ROOT)} is ready: {size / 1e6:.0f} MB.")


if __name__ == "__main__":
    files.told(main, stop)
