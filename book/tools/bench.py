"""Weigh every page and time the build: `python book/tools/bench.py` (what `make bench` runs), tables on stdout.

A page's weight is what its first load takes before a reader does anything: page, styles and scripts gzipped, and the fonts
that the styles name. The build is timed in a copy of the project, new and after one edit, for this book and for it
with 10 and 50 chapters more, which are copies of its first with ids of their own. `--weights` leaves the builds out.
"""
import functools
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from bs4 import BeautifulSoup

import files

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build/html"
SPEC, CHAPTERS = "application/vnd.vegalite.v6+json", (10, 50)


@functools.lru_cache(maxsize=None)
def zipped(path):
    return len(gzip.compress(path.read_bytes(), 9, mtime=0))


@functools.lru_cache(maxsize=None)
def fonts(style):
    return {(style.parent / name).resolve() for name in re.findall(r"url\(['\"]?([^'\")]+\.woff2)", style.read_text(encoding="utf-8"))}


def weight(page):
    """Bytes of a page's first load: (page, styles, scripts, fonts; of these a browser fetches only the ones whose letters the page has)."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    local = (lambda nodes, name: {(page.parent / node[name].partition("?")[0]).resolve() for node in nodes if "://" not in node[name]})
    styles, scripts = local(soup.select("link[rel=stylesheet]"), "href"), local(soup.select("script[src]"), "src")
    scripts |= {(page.parent / address.partition("?")[0]).resolve() for node in soup.select("script[data-later]") for address in node["data-later"].split()}
    faces = set().union(*map(fonts, styles))
    return zipped(page), sum(map(zipped, styles)), sum(map(zipped, scripts)), sum(face.stat().st_size for face in faces)


def weights(site):
    print(f"{'Page (kB, gzip)':44}{'page':>8}{'styles':>8}{'scripts':>8}{'fonts':>8}{'all':>8}")
    for page in sorted(site.rglob("*.html")):
        parts = weight(page)
        print(f"{page.relative_to(site).as_posix():44}" + "".join(f"{size / 1000:8.1f}" for size in (*parts, sum(parts))))


def copied(notebook, mark):
    """A chapter's notebook as another chapter: its charts and labels have `mark` after their names."""
    ids = [output["data"][SPEC]["usermeta"]["figure"] for cell in notebook["cells"] for output in cell.get("outputs", []) if SPEC in output.get("data", {})]
    names = "|".join(sorted((re.escape(figure["id"]) for figure in ids), key=len, reverse=True))
    for figure in ids:
        figure["id"] += mark
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = re.sub(rf"(fig-|\{{chart\}} )({names})\b(?!-)", rf"\1\2{mark}", "".join(cell["source"]))
            cell["source"] = re.sub(r"(?m)^\(([\w-]+)\)=$", rf"(\1{mark})=", text)
    return notebook


def enlarge(project, count):
    """Give the project `count` copies of its first chapter, none that an earlier call made among them."""
    chapters = project / "chapters"
    for old in chapters.glob("9??_copy.ipynb"):
        old.unlink()
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    first = sorted(ROOT.glob("chapters/[0-9]*.ipynb"))[0].read_text(encoding="utf-8")
    for n in range(900, 900 + count):
        (chapters / f"{n}_copy.ipynb").write_text(json.dumps(copied(json.loads(first), f"-{n}"), ensure_ascii=False), encoding="utf-8")
        (toc["parts"][-1] if "parts" in toc else toc)["chapters"].append({"file": f"chapters/{n}_copy"})
    (project / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")


def build(project):
    """Seconds that the project's own build takes. Raises RuntimeError with the last it says."""
    start = time.monotonic()
    run = subprocess.run([sys.executable, "book/tools/build.py"], cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if run.returncode:
        raise RuntimeError((run.stdout + run.stderr).strip()[-1500:])
    return time.monotonic() - start


def edit(project):
    """One change as an author makes it: a sentence more in a chapter."""
    path = sorted(project.glob("chapters/[0-9]*.ipynb"))[0]
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"][1]
    cell["source"] = "".join(cell["source"]) + "\n\nThis sentence is new.\n"
    path.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")


def times():
    print(f"\n{'Build (s)':44}{'full':>8}{'one edit':>10}{'nothing':>10}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder) / "book"
        files.project(ROOT, project)
        for count in (0, *CHAPTERS):
            print(f"  building {'this book' if not count else f'with {count} chapters more'} ...", file=sys.stderr, flush=True)
            shutil.rmtree(project / "_build", ignore_errors=True)
            shutil.copytree(ROOT / "chapters", project / "chapters", dirs_exist_ok=True)
            enlarge(project, count)
            full = build(project)
            edit(project)
            changed = build(project)
            print(f"{'this book' + (f' and {count} chapters more' if count else ''):44}{full:8.0f}{changed:10.0f}{build(project):10.1f}", flush=True)


def main():
    if not (SITE / "index.html").exists():
        sys.exit("There is no built book to weigh: run 'make book' first.")
    weights(SITE)
    if "--weights" not in sys.argv:
        try:
            times()
        except RuntimeError as error:
            sys.exit(f"\nA copy of the book did not build, so there are no times:\n{error}")


def stop(message):
    sys.exit(f"\nThe copy was removed: {message}")


if __name__ == "__main__":
    files.told(main, stop)
