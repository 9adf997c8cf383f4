"""Copies of the chapters for Colab: `python book/live/colab.py` (what `make colab` runs) writes `_build/colab`.

Colab opens one notebook and no file beside it, so each copy begins with a cell that fetches the book at its release tag
(BOOK_RELEASE; else the tag or commit checked out) and installs what Colab has in another version. The rest is the
chapter as it is. Publishing puts the copies on the branch that `new_chapter_colab_branch` in `_config.yml` names.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "book/tools"))

import files  # noqa: E402
from build import configuration, swap  # noqa: E402

OUT = ROOT / "_build/colab"
RUNNING = ("numpy", "ipywidgets")  # Colab has loaded its own by the time a cell runs
CELL = """# Only here, on Colab: fetch the book as of {release}, and the versions that it was written with.
import io, sys, tarfile, urllib.request
with tarfile.open(fileobj=io.BytesIO(urllib.request.urlopen("{archive}").read())) as book:
    book.extractall("{folder}", filter="data")
    chapters = "{folder}/" + book.getnames()[0].split("/")[0] + "/chapters"
%pip install --quiet {packages}
%cd -q {{chapters}}
sys.path.insert(0, chapters)"""


def packages():
    """The pins of .binder/requirements.txt that Colab needs."""
    return [pin for pin in re.findall(r"(?m)^\S+==\S+", (ROOT / ".binder/requirements.txt").read_text("utf-8")) if pin.split("==")[0] not in RUNNING]


def copy(notebook, release, archive, folder="/content"):
    """A chapter (the JSON of its file) with the first cell it needs on Colab."""
    source = CELL.format(release=release, archive=archive, folder=folder, packages=" ".join(packages()))
    cell = {"cell_type": "code", "execution_count": None, "id": "colab-set-up", "metadata": {}, "outputs": [], "source": source.splitlines(keepends=True)}
    return {**notebook, "cells": [cell, *notebook["cells"]]}


def git(*words):
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True)
    return done.stdout.strip() if not done.returncode else ""


def main():
    (ROOT / "_build").mkdir(exist_ok=True)
    repository = (yaml.safe_load(configuration().read_text("utf-8")).get("repository") or {}).get("url", "").rstrip("/").removesuffix(".git")
    release = os.environ.get("BOOK_RELEASE") or git("describe", "--tags", "--exact-match") or git("rev-parse", "HEAD")
    if not repository.startswith("https://github.com/"):
        sys.exit("Colab opens notebooks from GitHub only: set repository.url in _config.yml, or BOOK_REPOSITORY, to the book's address there.")
    if not release:
        sys.exit("There is no tag and no commit to fetch the book at: set BOOK_RELEASE.")
    new = OUT.with_name("colab.new")
    shutil.rmtree(new, ignore_errors=True)
    (new / "chapters").mkdir(parents=True)
    chapters = sorted((ROOT / "chapters").glob("*.ipynb"))
    for path in chapters:
        made = copy(json.loads(path.read_text("utf-8")), release, f"{repository}/archive/{release}.tar.gz")
        (new / "chapters" / path.name).write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (new / "README.md").write_text(f"The chapters of {repository} as Colab opens them, written by `make colab`. Do not edit them here.\n", encoding="utf-8")
    swap(new, OUT)
    print(f"{len(chapters)} chapters for Colab, at {release}, are in {OUT.relative_to(ROOT)}/.")


if __name__ == "__main__":
    files.told(main, lambda what: sys.exit(f"\nThe copies for Colab were not made: {what}"))
