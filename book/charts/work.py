"""What takes long, done by other processes while pages are read and written."""
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from xml.sax.saxutils import escape

import vl_convert

from . import drawing, pictures


def runtime():
    return {".js": drawing.runtime().encode()}


def chart(spec, rows, widths, colors):
    """All that a chart needs drawn: its picture to download, and as JSON {svgs, live}. Raises ValueError."""
    figure = spec["usermeta"]["figure"]
    narrow = figure.get("phone") and {key: spec[key] for key in ("config", "datasets") if key in spec} | figure["phone"]
    pairs = [*drawing.compiled(narrow, widths[:1]), *drawing.compiled(spec, widths[1:])] if narrow else drawing.compiled(spec, widths)
    svgs = [svg for _, svg in pairs]
    made = {"svgs": svgs, "live": drawing.live(spec, [vega for vega, _ in pairs], rows, figure["columns"], colors)}
    return {".png": vl_convert.svg_to_png(pictures.figure_svg(spec, svgs[-1]), scale=2), ".json": json.dumps(made).encode()}


def _begin(parent, fonts, listed):
    """A worker leaves an interrupt to its parent, goes when the parent is gone, and draws with the listed fonts and vl-convert's own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()
    if fonts:  # else those of the machine, whose files vl-convert opens anew for each letter
        os.environ["FONTCONFIG_FILE"] = listed
    for folder in fonts:
        vl_convert.register_font_directory(folder)


class Work:
    """Files that other processes make: `ask` for one early, `get` it when it is needed."""

    def __init__(self, fonts, folder):
        """`fonts`: folders; `folder`: where to write a list of them."""
        self.fonts, self.listed, self.pool, self.jobs = fonts, Path(folder, "fonts.conf"), None, {}

    def ask(self, target, make, *arguments):
        """Have `target` made, unless it is there or asked for; `make` returns {suffix: content}, that of `target` last."""
        if target in self.jobs or target.exists():
            return
        if self.pool is None:  # a fork has all modules loaded; elsewhere than on Linux it is not safe
            self.listed.write_text(f"<fontconfig>{''.join(f'<dir>{escape(font)}</dir>' for font in self.fonts)}</fontconfig>", encoding="utf-8")
            context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
            self.pool = ProcessPoolExecutor(min(os.cpu_count() or 1, 8), context, _begin, (os.getpid(), self.fonts, str(self.listed)))
        self.jobs[target] = self.pool.submit(make, *arguments)

    def get(self, target):
        """Wait until `target` is made and written; returns it. Raises what `make` raised."""
        for suffix, content in self.jobs.pop(target).result().items() if target in self.jobs else ():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.with_suffix(suffix).write_bytes(content)
        return target

    def close(self):
        self.pool and self.pool.shutdown(cancel_futures=True)
