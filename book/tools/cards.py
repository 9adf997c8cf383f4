"""Draw `figures/card-<page>.png`, the pictures of link previews: 1200 × 630, one for each chapter and one for the front page.

`python book/tools/cards.py` (what `make cards` runs) reads the stored charts and runs nothing. A card has the book's
title, the chapter's title and its headline chart: the one that the notebook's metadata name as `card`, else the one
that stands for the chapter on the front page, else the first; of the last two kinds only one that can be read at this size.
The same sources give the same picture on every machine: the two faces come with vl-convert and this folder.

fonts/NewChapter.ttf is the theme's roman.woff2 at weight 380, renamed (SIL Open Font License 1.1), because vl-convert reads
no woff2: `fonttools varLib.instancer roman.woff2 wght=380`, then the names and `flavor = None`.
"""
import json
import os
import re
import struct
import sys
import textwrap
import zlib
from html import escape
from pathlib import Path

import numpy
import vl_convert

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

import files  # noqa: E402
from book.site import package  # noqa: E402
from charts import drawing  # noqa: E402

SPEC = "application/vnd.vegalite.v6+json"
WIDTH, HEIGHT, MARGIN = 1200, 630, 48
SERIF, SANS = "New Chapter", "Liberation Sans"
INK, MUTED, RULE, PAPER = "#1d1d1b", "#5c584f", "#d9d3c5", "#fffdf8"
SMALLEST, LARGEST = 0.8, 1.8  # scales between which a drawing, its letters 11 px and more, suits a card

os.environ["TZ"] = "UTC"  # charts are drawn in local time
vl_convert.register_font_directory(str(Path(__file__).parent / "fonts"))


def text(words, y, size, face=SANS, colour=INK, weight="normal"):
    return f'<text x="{MARGIN}" y="{y:.0f}" font-family="{face}" font-size="{size:g}" font-weight="{weight}" fill="{colour}">{escape(words)}</text>'


def counted(found):
    """Text with circled numbers, which only the serif has: alone they are set in it, among words they become (1)."""
    words = found[0].strip()
    if re.fullmatch("[①-⑩]", words):
        return f'<tspan font-family="{SERIF}" font-weight="normal">{words}</tspan>'
    return re.sub("[①-⑩]", lambda one: f"({ord(one[0]) - ord('①') + 1})", found[0])


def drawn(spec, top):
    """The chart drawn as large as fits between `top` and the foot, in the middle: (SVG group, scale)."""
    spec = json.loads(json.dumps(spec).replace("Arial, 'Liberation Sans', sans-serif", SANS))
    width, height = WIDTH - 2 * MARGIN, HEIGHT - 30 - top
    tall = drawing.size(drawing.compiled(spec, [800])[0][1])[1]
    svg = drawing.compiled(spec, [min(max(int(width * tall / height), 700), int(width / SMALLEST))])[0][1]
    wide, tall = drawing.size(svg)
    scale = min(width / wide, height / tall, LARGEST)
    inside = svg[svg.index(">", svg.index("<svg")) + 1:svg.rindex("</svg>")]
    return f'<g transform="translate({(WIDTH - wide * scale) / 2:.1f},{top + (height - tall * scale) / 2:.1f}) scale({scale:.4f})">{inside}</g>', scale


def card(kicker, title, spec):
    """One card: (SVG, scale of its drawing)."""
    figure, room = spec["usermeta"]["figure"], WIDTH - 2 * MARGIN
    rows, y = [text(kicker, 54, 22, SERIF, MUTED)], 60
    size = min(58, max(42, room / 0.48 / len(title)))  # the mean advance of the face is under 0.48 em
    for line in textwrap.wrap(title, int(room / 0.48 / size + 0.5)):
        y += size * 1.06
        rows.append(text(line, y, size, SERIF))
    y += 12
    for line in textwrap.wrap(figure["title"], 96):
        y += 29
        rows.append(text(line, y, 22, weight="bold"))
    y += 2
    for line in textwrap.wrap(figure["subtitle"], 140, break_on_hyphens=False):
        y += 22
        rows.append(text(line, y, 17, colour=MUTED))
    picture, scale = drawn(spec, y + 18)
    inside = re.sub(r"(?<=>)[^<>]*[①-⑩][^<>]*(?=<)", counted, "".join(rows) + picture)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/><rect width="{WIDTH}" height="6" fill="{INK}"/>{inside}</svg>'), scale


def small(png):
    """vl-convert's PNG (RGBA, each line filtered by its left neighbour) with a palette of 256 colours: a quarter of the bytes."""
    at, body = 8, b""
    while at < len(png):
        length, = struct.unpack(">I", png[at:at + 4])
        body += png[at + 8:at + 8 + length] if png[at + 4:at + 8] == b"IDAT" else b""
        at += length + 12
    lines = numpy.frombuffer(zlib.decompress(body), "u1").reshape(HEIGHT, 1 + 4 * WIDTH)
    if (lines[:, 0] != 1).any():
        return png
    pixels = numpy.cumsum(lines[:, 1:].reshape(HEIGHT, WIDTH, 4), axis=1, dtype="u1")[..., :3].astype("i4")
    codes, back, counts = numpy.unique(pixels @ [65536, 256, 1], return_inverse=True, return_counts=True)
    colours = numpy.stack([codes >> 16, codes >> 8 & 255, codes & 255], 1)
    palette = colours[numpy.lexsort((codes, -counts))[:256]]
    nearest = ((colours[:, None] - palette[None]) ** 2).sum(2).argmin(1).astype("u1")
    plain = numpy.pad(nearest[back].reshape(HEIGHT, WIDTH), ((0, 0), (1, 0)))
    chunk = (lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)) + chunk(b"PLTE", palette.astype("u1").tobytes())
            + chunk(b"IDAT", zlib.compress(plain.tobytes(), 9)) + chunk(b"IEND", b""))


def chapters(root):
    """{page: (title, chart named in the metadata or None, {chart id: spec})} of the notebooks that have a chart."""
    found = {}
    for path in sorted((root / "chapters").glob("*.ipynb")):
        notebook = package.parsed(path)
        titles = [title for cell in notebook["cells"] if cell["cell_type"] == "markdown" for title in re.findall(r"(?m)^# (.+)", "".join(cell["source"]))]
        if not titles:
            raise ValueError(f"chapters/{path.name} has no title: begin its first cell with '# '")
        specs = [output["data"][SPEC] for cell in notebook["cells"] for output in cell.get("outputs", []) if SPEC in output.get("data", {})]
        specs = {spec["usermeta"]["figure"]["id"]: spec for spec in specs if "figure" in spec.get("usermeta", {})}
        if specs:
            found[path.stem] = titles[0], notebook["metadata"].get("card"), specs
    return found


def cards(root=ROOT):
    """Yield (page, PNG, chart id) of every card. Raises ValueError if a chapter names a chart that it does not publish."""
    front, found = (root / "index.md").read_text(encoding="utf-8"), chapters(root)
    book = re.search(r'(?m)^title: *"?(.+?)"? *$', (root / "_config.yml").read_text(encoding="utf-8"))[1]
    every = {id: spec for _, _, specs in found.values() for id, spec in specs.items()}
    first, *shown = [id for id in re.findall(r"\{chart\} (\S+)", front) if id in every] or every
    for page, (title, asked, specs) in {"index": (book, first, every), **found}.items():
        if asked and asked not in specs:
            raise ValueError(f"chapters/{page}.ipynb: its metadata name {asked!r} as card, but it publishes {', '.join(specs)}")
        number, best = re.match(r"(\d+)_", page), None
        kicker = "One news report, turned into data" if page == "index" else book + (f" · Chapter {int(number[1])}" if number else "")
        for id in [asked] if asked else dict.fromkeys([*(id for id in shown if id in specs), *specs]):
            svg, scale = card(kicker, title, specs[id])
            if best is None or scale > best[0]:
                best = scale, id, svg
            if scale >= SMALLEST:
                break
        yield page, small(vl_convert.svg_to_png(best[2])), best[1]


def stop(message):
    sys.exit(f"The cards were left as they were: {message}")


def main():
    folder, made = ROOT / "figures", {}
    try:
        for page, png, id in cards():
            made[folder / f"card-{page}.png"] = png
            print(f"  card-{page}.png: {id}, {len(png) // 1000} kB", flush=True)
    except ValueError as error:
        stop(str(error).strip().splitlines()[0])
    files.replace(made)
    for old in set(folder.glob("card-*.png")) - made.keys():
        print(f"  {old.name}: no such chapter any more, removed")
        old.unlink()
    print(f"{len(made)} cards are up to date in figures/.")


if __name__ == "__main__":
    files.told(main, stop)
