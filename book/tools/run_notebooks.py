"""Run chapters and keep what they show: stored outputs in the notebook, one SVG per chart in `figures/`.

`python book/tools/run_notebooks.py [chapters/02_*.ipynb ...]` (what `make notebooks` runs). Chapters run side by side,
each in a kernel of its own. A chapter's files are written only when all of it has run: one that fails leaves them as
they were, and the command says which cell failed and why, and exits 1. The same data give the same bytes.
"""
import asyncio
import atexit
import copy
import hashlib
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4.rwbase import split_lines

import files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from book.charts import faults  # noqa: E402

CHAPTERS, FIGURES = ROOT / "chapters", ROOT / "figures"
SPEC, SVG, WIDGET = "application/vnd.vegalite.v6+json", "image/svg+xml", "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TIMEOUT = 300  # seconds a cell may take


class Broken(Exception):
    """A chapter that cannot be stored; the message says where and why."""


def cells_with_ids(raw):
    """Give a cell that has no id one that depends on its place and text alone, so that two runs agree."""
    for place, cell in enumerate(raw["cells"]):
        if not cell.get("id"):
            cell["id"] = hashlib.sha256(f"{place}{''.join(cell['source'])}".encode()).hexdigest()[:8]
    raw["nbformat"], raw["nbformat_minor"] = 4, 5
    return raw


def read(path):
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return nbformat.reads(json.dumps(cells_with_ids(raw)), as_version=4)
    except (ValueError, KeyError, TypeError, nbformat.ValidationError) as error:
        raise Broken(f"not a notebook: {str(error)[:200]}") from None


def say_cell(notebook, place):
    code = [n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    first = notebook.cells[place].source.strip().splitlines() or [""]
    return f"code cell {code.index(place) + 1} ({first[0][:70]})"


async def execute(notebook):
    """Run all cells in place; raise Broken at the first that raises."""
    client = NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False,
                            extra_arguments=["--log-level=50"], shutdown_kernel="immediate",  # kernels have nothing to tell a reader
                            resources={"metadata": {"path": str(CHAPTERS)}})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    try:
        await client.async_execute()
    except CellExecutionError as error:
        code = [n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        place, raised = next(((n, output) for n in code for output in notebook.cells[n].outputs if output.output_type == "error"), (code[client.code_cells_executed - 1], error))
        raise Broken(f"{say_cell(notebook, place)} raised {raised.ename}: {raised.evalue}") from None
    except CellTimeoutError:
        raise Broken(f"a cell took longer than {TIMEOUT} s") from None
    except DeadKernelError:
        raise Broken("the kernel died (out of memory?)") from None
    except RuntimeError as error:  # as nbclient says of a kernel that does not start
        raise Broken(f"the kernel did not start: {error}; run the command again") from None
    finally:  # interrupted, nbclient may leave its kernel to the end of Python, where ending it fails
        atexit.unregister(client._cleanup_kernel)
        if client.km and client.km.has_kernel:
            await client.km.shutdown_kernel(now=True)


def tidy(notebook):
    """Keep what a reader needs and nothing of the machine; return {chart id: svg}."""
    figures = {}
    kept = {key: value for key, value in notebook.metadata.items() if key not in ("kernelspec", "language_info", "widgets")}
    notebook.metadata = nbformat.from_dict({**kept, "kernelspec": KERNEL, "language_info": {"name": "python"}})
    for place, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise Broken(f"{say_cell(notebook, place)} wrote to stderr, which readers would see: {output.text.strip()[:300]}")
            if str(ROOT) in json.dumps(output, ensure_ascii=False):
                raise Broken(f"{say_cell(notebook, place)} shows a path of this machine ({ROOT}); print a relative one")
            data = output.get("data", {})
            data.pop(WIDGET, None)
            if SPEC in data:
                id = data[SPEC].get("usermeta", {}).get("figure", {}).get("id")
                if not id or SVG not in data:
                    raise Broken(f"{say_cell(notebook, place)} draws a chart that house.publish did not make")
                if found := faults.of(data[SPEC]):
                    raise Broken(f"{say_cell(notebook, place)}: chart {id}: {'; '.join(found)}")
                if id in figures:
                    raise Broken(f"{say_cell(notebook, place)} publishes {id!r}, which an earlier cell has published")
                figures[id] = data[SVG] if data[SVG].endswith("\n") else data[SVG] + "\n"
    return figures


def dense(value, depth):
    """JSON with a line for each entry down to `depth` and none below: a row of a chart's data is one line."""
    entries = ([f"{json.dumps(key)}: {dense(item, depth - 1)}" for key, item in value.items()] if isinstance(value, dict) else
               [dense(item, depth - 1) for item in value] if isinstance(value, list) else [])
    if not depth or not entries:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(entries) + "\n" + closing


def text(notebook):
    """The notebook as it is stored: an ordinary .ipynb, keys in a fixed order, charts dense and in their own order."""
    plain, blocks = json.loads(json.dumps(split_lines(copy.deepcopy(notebook)))), []
    cells = [{key: cell[key] for key in sorted(cell)} for cell in plain.pop("cells")]
    for cell in cells:
        for output in cell.get("outputs", []):
            for kind, value in output.get("data", {}).items():
                if kind.endswith("json"):
                    output["data"][kind] = f"\ue000{len(blocks)}\ue000"
                    blocks.append(dense(value, 3 if isinstance(value, dict) else 1))  # a binding of the ledger is one line
    stored = json.dumps({"cells": cells, **{key: plain[key] for key in sorted(plain)}}, indent=1, ensure_ascii=False)
    return re.sub('"\ue000([0-9]+)\ue000"', lambda block: blocks[int(block[1])], stored) + "\n"


def published(path):
    """Ids of the charts in a stored notebook."""
    try:
        return ids(read(path))
    except Broken as error:
        sys.exit(f"{path.relative_to(ROOT)}: {error}")


def ids(notebook):
    found = [output.get("data", {}).get(SPEC, {}).get("usermeta", {}).get("figure", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [figure["id"] for figure in found if figure]


def remove(id):
    """Remove the figure of a chart that is gone or has another name, and say so."""
    if (old := FIGURES / f"{id}.svg").exists():
        print(f"  figures/{old.name}: no chapter publishes it any more, removed")
        old.unlink()


async def chapter(path, slots, owners):
    """Run one chapter and write its files; return an error message or None. `owners`: {chart id: chapter}."""
    async with slots:
        start = time.monotonic()
        print(f"  {path.stem}: running ...", flush=True)
        try:
            before = path.read_bytes()
            notebook = read(path)
            stored = ids(notebook)
            await execute(notebook)
            figures = tidy(notebook)
            for id in figures:
                if owners.setdefault(id, path.stem) != path.stem:
                    raise Broken(f"chart id {id!r} belongs to {owners[id]} already")
            FIGURES.mkdir(exist_ok=True)
            files.replace({**{FIGURES / f"{id}.svg": svg for id, svg in figures.items()}, path: text(notebook)}, was={path: before})
            for id in stored:
                if owners.get(id, path.stem) == path.stem and id not in figures:
                    remove(id)
        except (Broken, files.Changed) as error:
            return f"{path.relative_to(ROOT)}: {error}"
        except OSError as error:
            return f"{path.relative_to(ROOT)}: {files.reason(error)}"
        print(f"  {path.stem}: done in {time.monotonic() - start:.0f} s, {len(figures)} charts", flush=True)


async def run(paths):
    everything = sorted(CHAPTERS.glob("*.ipynb"))
    owners = {}
    for other in everything:
        if other not in paths:
            owners.update(dict.fromkeys(published(other), other.stem))
    loop, whole = asyncio.get_running_loop(), asyncio.current_task()

    def interrupt():
        loop.set_exception_handler(lambda *_: None)  # nbclient goes on looking after the kernels that this ends
        whole.cancel()

    for kind in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(kind, interrupt)
    loop.add_signal_handler = loop.remove_signal_handler = lambda *_: None  # nbclient would put its own in place
    slots = asyncio.Semaphore(max(2, os.cpu_count() or 2))
    async with asyncio.TaskGroup() as group:  # which waits, when interrupted, until every kernel is down
        chapters = [group.create_task(chapter(path, slots, owners)) for path in paths]
    errors = [task.result() for task in chapters if task.result()]
    if not errors and paths == everything:  # a chapter not yet run publishes figures that it does not yet store
        kept = {id for path in everything for id in published(path)}
        for old in FIGURES.glob("*.svg"):
            if old.stem not in kept:
                remove(old.stem)
    return errors


def main(names):
    paths = [Path(name).resolve() for name in names] or sorted(CHAPTERS.glob("*.ipynb"))
    for path in paths:
        if not path.is_file():
            sys.exit(f"there is no chapter {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}; give the file, for example chapters/02_twelve_meetings.ipynb")
        if path.parent != CHAPTERS or path.suffix != ".ipynb":
            sys.exit(f"{path} is no chapter: chapters are the notebooks in {CHAPTERS.relative_to(ROOT)}/")
    os.environ.update(HOUSE_OUTPUT="stored", PYTHONHASHSEED="0", TZ="UTC", PYTHONDONTWRITEBYTECODE="1")
    print(f"Running {len(paths)} chapter{'s' * (len(paths) != 1)} ...", flush=True)
    try:
        errors = asyncio.run(run(paths))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if errors:
        sys.exit("\n".join(["", *errors, "", "What failed was left as it was; mend it and run 'make notebooks' again."]))
    print("All stored outputs and figures are up to date.")


def stop(message):
    sys.exit(f"\nChapters not yet done were left as they were: {message}")


if __name__ == "__main__":
    files.told(lambda: main(sys.argv[1:]), stop)
