"""Make the theme's fonts from the Source Serif 4 variable TrueType files (OFL 1.1).

    pip install fonttools brotli
    python book/theme/fonts.py FOLDER_WITH_SourceSerif4Variable-{Roman,Italic}.ttf

Writes text.woff2 (400 to 600), italic.woff2 (400) and display.woff2 (300, headlines)
into new_chapter/static/fonts and prints the metrics the fallback faces in
new_chapter.css are matched to. The face draws no circled numbers, so 1 to 10 are
composed from a ring and its own figures. The licence reserves the name "Source":
the subsets carry no name of their own.
"""
import sys
from pathlib import Path

from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

OUT = Path(__file__).parent / "new_chapter/static/fonts"
LETTERS = "".join(map(chr, range(32, 127)))
DISPLAY = LETTERS + "\u00a0·éŌōŪū\u2009–—‘’“”…−"
TEXT = DISPLAY + "§©°±½×£¥€₩ÉÜáäçèíïóöúüāĀēīŏŭ′″→"
COUNTED = "①②③④⑤⑥⑦⑧⑨⑩"


def circle(pen, x, y, r, clockwise):
    """Draw a circle of radius r around (x, y) with eight quadratic arcs."""
    k = 0.4142 * r
    a = [(r, 0), (r, k), (.7071 * r, .7071 * r), (k, r), (0, r), (-k, r), (-.7071 * r, .7071 * r), (-r, k),
         (-r, 0), (-r, -k), (-.7071 * r, -.7071 * r), (-k, -r), (0, -r), (k, -r), (.7071 * r, -.7071 * r), (r, -k)]
    a = [(round(x + p), round(y + q)) for p, q in a]
    if clockwise:
        a = [a[0]] + a[:0:-1]
    pen.moveTo(a[0])
    for i in range(1, 16, 2):
        pen.qCurveTo(a[i], a[(i + 1) % 16])
    pen.closePath()


def add_counted(font):
    """Add the glyphs ① to ⑩, each a ring round scaled figures of the font itself."""
    glyf, cmap, hmtx = font["glyf"], font.getBestCmap(), font["hmtx"]
    order = list(font.getGlyphOrder())
    cy, r = 330, 400
    pen = TTGlyphPen(None)
    circle(pen, 450, cy, r, True)
    circle(pen, 450, cy, r - 44, False)
    new = {"ring": pen.glyph()}
    for n, char in enumerate(COUNTED, 1):
        digits = [cmap[ord(d)] for d in str(n)]
        scale = .72 if n < 10 else .62
        width = sum(hmtx[d][0] for d in digits) * scale
        pen, x = TTGlyphPen({**{g: None for g in order}, "ring": None}), 450 - width / 2
        pen.addComponent("ring", (1, 0, 0, 1, 0, 0))
        for d in digits:
            pen.addComponent(d, (scale, 0, 0, scale, round(x), round(cy - 335 * scale)))
            x += hmtx[d][0] * scale
        new[f"counted{n}"] = pen.glyph()
    for name, glyph in new.items():
        glyf[name] = glyph
        hmtx[name] = (900, 50)
    font.setGlyphOrder(list(glyf.glyphOrder))
    if "gvar" in font:  # a composite follows its parts
        for name in font.getGlyphOrder():
            font["gvar"].variations.setdefault(name, [])
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap.update({ord(c): f"counted{n}" for n, c in enumerate(COUNTED, 1)})
    for name, glyph in new.items():
        glyph.recalcBounds(glyf)


def make(source, name, text, features, counted=False, **axes):
    font = instantiateVariableFont(TTFont(source), axes)
    for table in "HVAR", "MVAR", "STAT":  # gvar already holds the advances
        if table in font:
            del font[table]
    if counted:
        add_counted(font)
        text += COUNTED
    options = Options()
    options.layout_features = features
    options.hinting = False
    options.name_IDs = []
    options.flavor = "woff2"
    subset = Subsetter(options)
    subset.populate(text=text)
    subset.subset(font)
    font.flavor = "woff2"
    path = OUT / f"{name}.woff2"
    font.save(path)
    widths = font["hmtx"]
    cmap = font.getBestCmap()
    sample = "the quick brown fox jumps over the lazy dog and of to in is was that for it with as on be at by"
    mean = sum(widths[cmap[ord(c)]][0] for c in sample) / len(sample)
    print(f"{path.name}: {path.stat().st_size} bytes, mean advance {mean:.1f}/{font['head'].unitsPerEm}, "
          f"ascent {font['hhea'].ascent}, descent {font['hhea'].descent}")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    roman, italic = (folder / f"SourceSerif4Variable-{s}.ttf" for s in ("Roman", "Italic"))
    OUT.mkdir(parents=True, exist_ok=True)
    make(roman, "text", TEXT, ["kern", "liga", "tnum"], True, opsz=18, wght=(400, 600))
    make(italic, "italic", TEXT, ["kern", "liga"], opsz=18, wght=400)
    make(roman, "display", DISPLAY, ["kern", "liga"], opsz=44, wght=300)
