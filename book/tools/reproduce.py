"""Prove that the same sources give the same book: `python book/tools/reproduce.py` (what `make reproduce` runs).

In a copy of the project, tables, outputs, figures and generated pages are made again and compared with those that are
stored. Then two copies, in folders of other names and lengths and with another time zone, language and order of hashes,
are built, and every file of the two books is compared. What differs first is named with its line. The PDF, the live
folder and `.buildinfo` are left out, and the cards for link previews are not drawn again: tests do that. The day is that of the last commit, as in every build.
"""
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import build
import files

ROOT = Path(__file__).resolve().parents[2]
MADE = ("data", "chapters", "figures")
LEFT_OUT = re.compile(r"(^|/)\.|(^|/)__pycache__/|^lite/|\.pdf$")
PLACES = {"one": {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}, "another/folder with a longer name": {"PYTHONHASHSEED": "2", "TZ": "Asia/Seoul", "LC_ALL": "ko_KR.UTF-8"}}


def stop(message):
    sys.exit(f"\nNot reproduced: {message}")


def run(folder, tool, **environment):
    """Run a command of the copy in `folder`; stop with the last it says if it fails."""
    day = {"SOURCE_DATE_EPOCH": build.last_commit()} if build.last_commit() else {}
    done = subprocess.run([sys.executable, f"book/tools/{tool}.py"], cwd=folder, env={**os.environ, **day, **environment},
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    if done.returncode:
        stop(f"{tool}.py failed in a copy of the project:\n{done.stdout.strip()[-1500:]}")


def difference(one, two):
    """The first difference between two folders, files in order of their names, as a sentence; None if there is none."""
    names = [{path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} for folder in (one, two)]
    for name in sorted(name for name in names[0] | names[1] if not LEFT_OUT.search(name)):
        if name not in names[0] & names[1]:
            return f"{name} is made only {'once' if name in names[0] else 'the second time'}"
        first, second = ((folder / name).read_bytes() for folder in (one, two))
        if first != second:
            line, (old, new) = next((n, pair) for n, pair in enumerate(zip_longest(first.split(b"\n"), second.split(b"\n"), fillvalue=b"(no line)"), 1) if pair[0] != pair[1])
            at = next((n for n, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
            shown = (lambda text: repr(text[max(0, at - 40):at + 60].decode("utf-8", "replace")))
            return f"{name}, line {line}: {shown(old)} became {shown(new)}"
    return None


def main():
    with tempfile.TemporaryDirectory(prefix="reproduce-") as folder:
        copies = [Path(folder) / place for place in PLACES]
        for copy in copies:
            files.project(ROOT, copy)
        print("Making tables, outputs, figures and pages again ...", flush=True)
        for tool in ("package", "run_notebooks", "dictionary"):
            run(copies[0], tool)
        for part in MADE:
            if found := difference(ROOT / part, copies[0] / part):
                stop(f"what is stored is not what the sources give: {part}/{found}")
        print("Building the book twice ...", flush=True)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda copy, changed: run(copy, "build", **changed), copies, PLACES.values()))
        sites = [copy / "_build/html" for copy in copies]
        if found := difference(*sites):
            stop(f"two builds differ: {found}")
        print(f"The same sources gave the same tables, outputs and figures, and twice the same book: {sum(path.is_file() for path in sites[0].rglob('*'))} files.")


if __name__ == "__main__":
    files.told(main, stop)
