"""Make the theme's fonts from the Source Serif 4 variable TrueType files (OFL 1.1).

    pip install fonttools brotli
    python book/theme/fonts.py FOLDER_WITH_SourceSerif4Variable-{Roman,Italic}.ttf

The npm package "source-serif" holds both in its folder VAR.

Writes roman.woff2 (weights 300, for headlines, to 600) and italic.woff2 (400) into
new_chapter/static/fonts, each with the signs that most pages need, small enough for a
browser to get it in one round trip; the others are in roman-rest.woff2 and
italic-rest.woff2. Prints what new_chapter.css has to say of them: the unicode-range, and
the metrics that the fallback faces are matched to. The source draws 400 as well; going
straight from 300 to 600 saves a fifth of the file, and the axis is bent so that 400 is as
dark as theirs.
The face draws no circled numbers, so 1 to 10 are composed from a ring and its own
figures. The licence reserves the name "Source": the subsets carry no name of their own.
"""
import sys
from pathlib import Path

from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._f_v_a_r import Axis
from fontTools.ttLib.tables._g_v_a_r import TupleVariation
from fontTools.varLib.instancer import instantiateVariableFont

OUT = Path(__file__).parent / "new_chapter/static/fonts"
FIRST = "".join(chr(n) for n in range(32, 127) if chr(n) not in "$*+<=>@[\\]^`{|}~") + "\u00a0©·–—‘’“”"
REST = "$*+<=>@[\\]^`{|}~\u2009§°±½×£¥€₩ÉÜáäçèéíïóöúüĀāĒēīŌōŏŪūŭ…′″→−"
RARELY_SLANTED = "\"#%&/;_©·"
LIGATURES = {("f", "i"), ("f", "l"), ("f", "f")}
OPTICAL = 24  # between a text size and a headline: one file draws both
BEND = {-1: -1, 0: 0, 1 / 3: .6, 1: 1}  # 400 sits here on the straight way from 300 to 600: the closest outlines
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


def still(source, **axes):
    font = instantiateVariableFont(TTFont(source), axes)
    for table in "HVAR", "MVAR", "STAT":
        if table in font:
            del font[table]
    return font


def between(source, low, high, kerning, **axes):
    """A font with one straight weight axis from `low` to `high`, kerned as at weight `kerning`."""
    font, heavy = still(source, wght=low, **axes), still(source, wght=high, **axes)
    font["GPOS"] = still(source, wght=kerning, **axes)["GPOS"]
    axis = Axis()
    axis.axisTag, axis.minValue, axis.defaultValue, axis.maxValue = "wght", low, low, high
    font["name"].setName("Weight", 256, 3, 1, 0x409)
    axis.axisNameID = 256
    font["fvar"] = newTable("fvar")
    font["fvar"].axes, font["fvar"].instances = [axis], []
    font["avar"] = newTable("avar")
    font["avar"].segments = {"wght": BEND}
    font["gvar"] = newTable("gvar")
    font["gvar"].version, font["gvar"].reserved, font["gvar"].variations = 1, 0, {}
    for name in font.getGlyphOrder():
        start, ends = (f["glyf"]._getCoordinatesAndControls(name, f["hmtx"].metrics) for f in (font, heavy))
        deltas = [(x - u, y - v) for (x, y), (u, v) in zip(ends[0], start[0])]
        variation = TupleVariation({"wght": (0, 1, 1)}, deltas)
        if start[1].numberOfContours > 0:
            variation.optimize(start[0], start[1].endPts)
        font["gvar"].variations[name] = [variation] if any(d and any(d) for d in deltas) else []
    return font


def join_only(font, joined):
    """Keep only these ligatures."""
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in (getattr(sub, "ExtSubTable", sub) for sub in lookup.SubTable):
            for first, found in getattr(table, "ligatures", {}).items():
                found[:] = [ligature for ligature in found if (first, *ligature.Component) in joined]


def ranges(text):
    """A CSS unicode-range of these characters."""
    spans = []
    for code in sorted(map(ord, text)):
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return ", ".join(f"U+{low:X}" + f"-{high:X}" * (high > low) for low, high in spans)


def save(font, name, text, features):
    """Subset a font to `text` and write it as woff2."""
    join_only(font, LIGATURES)
    options = Options()
    options.layout_features = features
    options.hinting = False
    options.name_IDs = []
    subset = Subsetter(options)
    subset.populate(text=text)
    subset.subset(font)
    font.flavor = "woff2"
    path = OUT / f"{name}.woff2"
    font.save(path)
    print(f"{path.name}: {path.stat().st_size} bytes\n  unicode-range: {ranges(text)}")
    weights = ((400, 600) if "fvar" in font else (400,)) if "a" in text else ()
    for weight in weights:
        drawn = instantiateVariableFont(TTFont(path), {"wght": weight}) if "fvar" in font else font
        cmap = drawn.getBestCmap()
        sample = "the quick brown fox jumps over the lazy dog and of to in is was that for it with as on be at by"
        mean = sum(drawn["hmtx"][cmap[ord(c)]][0] for c in sample) / len(sample)
        print(f"  at {weight}: mean advance {mean:.1f}/{drawn['head'].unitsPerEm}, ascent {drawn['hhea'].ascent}, descent {drawn['hhea'].descent}")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    roman, italic = (folder / f"SourceSerif4Variable-{s}.ttf" for s in ("Roman", "Italic"))
    OUT.mkdir(parents=True, exist_ok=True)
    for name, text in ("roman", FIRST + COUNTED), ("roman-rest", REST):
        font = between(roman, 300, 600, 400, opsz=OPTICAL)
        add_counted(font)
        save(font, name, text, ["kern", "liga", "tnum"])
    for name, text in ("italic", "".join(c for c in FIRST if c not in RARELY_SLANTED)), ("italic-rest", REST + RARELY_SLANTED):
        save(still(italic, wght=400, opsz=OPTICAL), name, text, ["liga"])  # its kerning would add a quarter
