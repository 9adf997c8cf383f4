"""Pictures of charts that make sense away from their page. Not part of the core: only what is downloaded uses it."""
import textwrap
from html import escape

from . import drawing


def figure_svg(spec, svg=None, width=680):
    """The chart as an SVG that makes sense alone: headline, subtitle, drawing, note and source on the spec's background.

    `svg` is the drawing if it is there already; else it is drawn `width` px wide. Raises ValueError if it cannot be drawn.
    """
    figure, config = spec["usermeta"]["figure"], spec.get("config", {})
    ink, quiet = (config.get("title", {}).get(key, other) for key, other in (("color", "#000000"), ("subtitleColor", "#555555")))
    svg = svg or drawing.compiled(spec, [width])[0][1]
    (wide, tall), rows, y = drawing.size(svg), [], 8.0

    def write(words, height, weight, colour):
        nonlocal y
        for line in textwrap.wrap(words, int(wide / height / (0.56 if weight == "bold" else 0.5))):
            y += height * 1.3
            rows.append(f'<text x="12" y="{y:.0f}" font-size="{height}" font-weight="{weight}" fill="{escape(str(colour))}">{escape(line)}</text>')
    write(figure["title"], 19, "bold", ink)
    write(figure["subtitle"], 13, "normal", quiet)
    rows.append(f'<g transform="translate(12,{y + 12:.0f})">{svg[svg.index(">", svg.index("<svg")) + 1:svg.rindex("</svg>")]}</g>')
    y += tall + 18
    write((figure.get("note") or "").replace("*", ""), 11, "normal", quiet)
    write("Source: " + "; ".join(source["title"] for source in figure["sources"]) + (f". As of {figure['as_of']}." if figure.get("as_of") else "."), 11, "normal", quiet)
    w, h = f"{wide + 24:.0f}", f"{y + 12:.0f}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
            f'font-family="{escape(config.get("font", "Arial, sans-serif"))}"><title>{escape(figure["title"])}</title><desc>{escape(figure["alt"])}</desc>'
            f'<rect width="{w}" height="{h}" fill="{escape(config.get("background") or "#ffffff")}"/>' + "\n".join(rows) + "</svg>\n")
