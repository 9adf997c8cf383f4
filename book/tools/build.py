"""Build the book strictly: `_build/html` is replaced only by a book that built without a warning.

`python book/tools/build.py` (what `make book` runs) works in `_build/work`, which keeps Sphinx's memory of unchanged
pages. Whatever interrupts or fails, the last good book stays in `_build/html`, and the next run starts afresh.
"""
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import yaml

import files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from book.site import package  # noqa: E402

BUILD, SITE, WORK = ROOT / "_build", ROOT / "_build/html", ROOT / "_build/work"
LITE = BUILD / "lite"  # the notebooks in the browser, made by book/live/lite.py; a part of the book if BOOK_LIVE is set
LOG = BUILD / "book.log"
SHARED = ["_config.yml", "_toc.yml", "requirements.txt", "book", "data"]  # a change here can touch any page
PAGES = ["CITATION.cff", "index.md", "chapters", "figures"]


def fingerprint(names, root=ROOT):
    """Hash of the files under `names` and of what the environment says about the site."""
    digest = hashlib.sha256()
    for name in names:
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(root).parts)
            if path.is_file() and not hidden:
                digest.update(f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for key in sorted(os.environ):
        if key.startswith("BOOK_") or key == "SOURCE_DATE_EPOCH":
            digest.update(f"{key}={os.environ[key]}\n".encode())
    return f"{sys.version_info[:2]} {digest.hexdigest()}"


def read(path):
    return path.read_text() if path.exists() else ""


def stop(message):
    sys.exit(f"\nThe book was not built: {message}" + (f"\nThe last good book is still in {SITE.relative_to(ROOT)}/." if SITE.exists() else ""))


def last_commit():
    """Seconds of the last commit, so that the same sources always build the same book; nothing outside git."""
    asked = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%ct"], capture_output=True, text=True) if shutil.which("git") and (ROOT / ".git").exists() else None
    return asked.stdout.strip() if asked and asked.returncode == 0 else ""


def configuration():
    """Path of the configuration: _config.yml, or a copy with what BOOK_SITE, BOOK_REPOSITORY and BOOK_LIVE add."""
    site, repository = os.environ.get("BOOK_SITE", "").rstrip("/"), os.environ.get("BOOK_REPOSITORY", "").rstrip("/")
    if not site and not repository and not os.environ.get("BOOK_LIVE"):
        return ROOT / "_config.yml"
    try:
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        stop(f"_config.yml is not YAML: {error}")
    if site:
        config.setdefault("html", {})["baseurl"] = f"{site}/"
    if repository:
        config.setdefault("repository", {})["url"] = repository
    if os.environ.get("BOOK_LIVE"):
        config["sphinx"]["config"]["new_chapter_run"] = "lite/run.html?path={path}"
    local = config.get("sphinx", {}).get("local_extensions", {})  # these are found from the folder of the configuration
    local.update({name: str(ROOT / folder) for name, folder in local.items()})
    path = BUILD / "config.yml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def alone():
    """Wait until no other build works in _build; the open file that is returned holds the lock."""
    lock = (BUILD / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another build is at work: waiting for it ...", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def troubles(log):
    """The lines of a build's log that say what is wrong: warnings, errors, and the words of what was raised, without where."""
    found, raised = [], False
    for line in log.splitlines():
        if re.match(r"\w[\w ]* error( \(.*\))?:$", line):  # Sphinx names the kind, then on lines of their own come the words
            raised = True
        elif not line.strip() or line.startswith("Traceback "):
            raised = False
        elif raised or re.search(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b|^\w*(Error|Exception)(: \S|$)", line):
            line = re.sub(r"(\.ipynb):(\d+)(\d{4})\b", lambda at: f"{at[1]}, cell {at[2]}, line {int(at[3])}", line)  # as MyST-NB counts
            line = re.sub(r"^(Handler <function \S+) at 0x\w+>", r"\1>", line)
            found.append(line.strip().replace(f"{ROOT}{os.sep}", ""))
    return found


def sphinx(lock):
    """Run jupyter-book in WORK, with a word on its progress; return its exit code.

    It keeps the lock and ends when its input does, so that not even a build that was killed leaves one at work.
    """
    start = "import gc, os, sys, threading; gc.set_threshold(100_000, 20, 20); threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start(); from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", str(ROOT),
               "-W", "-n", "--keep-going", "--config", str(configuration()), "--path-output", str(WORK)]
    stage = ""
    with LOG.open("w", encoding="utf-8") as log, subprocess.Popen(
            command, cwd=ROOT, text=True, encoding="utf-8", errors="replace", pass_fds=[lock.fileno()], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "TZ": "UTC"}) as run:  # charts are drawn in local time
        for line in run.stdout:
            line = re.sub(r"\x1b\[[0-9;]*m|\x08", "", line)
            log.write(line)
            found = re.match(r"(reading sources|writing output|dumping search index)(?:\.\.\. \[| in)", line.strip())
            if found and found[1] != stage:
                stage = found[1]
                print(f"  {stage} ...", flush=True)
    return run.returncode


def forget(finished):
    """Start afresh; from a run that finished keep the drawings of the last week, which are named by all that they are made of."""
    doctrees, spare = WORK / "_build/.doctrees", BUILD / "drawings"
    shutil.rmtree(spare, ignore_errors=True)
    spare.mkdir()
    for path in (path for kind in ("chart-*", "vega-*") for path in doctrees.glob(kind)) if finished else ():
        if time.time() - path.stat().st_mtime < 7 * 86400:
            path.rename(spare / path.name)
    shutil.rmtree(WORK, ignore_errors=True)
    doctrees.parent.mkdir(parents=True)
    spare.rename(doctrees)


def swap(new, old):
    """Put the folder `new` in the place of `old`; the gap is two renames long and `main` mends a run that ended in it."""
    spare = old.with_name(old.name + ".last")
    shutil.rmtree(spare, ignore_errors=True)
    if old.exists():
        old.rename(spare)
    new.rename(old)
    shutil.rmtree(spare, ignore_errors=True)


def main():
    start = time.monotonic()
    os.environ.setdefault("SOURCE_DATE_EPOCH", last_commit())
    if not os.environ["SOURCE_DATE_EPOCH"]:
        del os.environ["SOURCE_DATE_EPOCH"]
    try:
        date.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", 0)))
    except (ValueError, OverflowError, OSError):
        stop(f"SOURCE_DATE_EPOCH is {os.environ['SOURCE_DATE_EPOCH']!r}, not a number of seconds: mend or unset it.")
    BUILD.mkdir(exist_ok=True)
    lock = alone()
    spare, fresh = SITE.with_name("html.last"), SITE.with_name("html.new")
    if spare.exists() and not SITE.exists():
        spare.rename(SITE)
    index = SITE / "index.html"
    live = bool(os.environ.get("BOOK_LIVE"))
    built = fingerprint(SHARED + PAGES) + live * read(LITE / "made-from")
    if index.exists() and read(BUILD / "built-from") == built:
        print(f"Nothing has changed. The book is {index.relative_to(ROOT)}")
        return
    if (ROOT / package.DESCRIPTOR).exists():
        package.parsed(ROOT / package.DESCRIPTOR)  # which Sphinx would say in the words of a handler
    memory = WORK / "finished"
    shared = fingerprint(SHARED) + " " + " ".join(sorted(path.name for path in (ROOT / "figures").glob("*")))
    if read(memory) != shared:
        forget(finished=memory.exists())
    memory.unlink(missing_ok=True)
    print("Building the book ...", flush=True)
    if sphinx(lock) or not (WORK / "_build/html/index.html").exists():
        tail = troubles(read(LOG)) or read(LOG).splitlines()[-8:]
        stop("a warning counts as an error.\n  " + "\n  ".join(dict.fromkeys(tail)) + f"\nThe whole log is {LOG.relative_to(ROOT)}.")
    for card in sorted((ROOT / "figures").glob("card-*.png")):  # where the theme's og:image looks
        (WORK / "_build/html/_images").mkdir(exist_ok=True)
        shutil.copy(card, WORK / "_build/html/_images")
    memory.write_text(shared)
    print("  putting it in place ...", flush=True)
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(WORK / "_build/html", fresh, ignore=shutil.ignore_patterns(".buildinfo*", ".doctrees"))
    if live:
        shutil.copytree(LITE, fresh / "lite")
    elif (SITE / "lite").exists():
        print("  this book has no live notebooks any more: 'make live' builds it with them")
    (BUILD / "built-from").unlink(missing_ok=True)
    swap(fresh, SITE)
    (BUILD / "built-from").write_text(built)
    print(f"The book is {index.relative_to(ROOT)} ({time.monotonic() - start:.0f} s). 'make serve' serves it to a browser.")


if __name__ == "__main__":
    files.told(main, stop)
