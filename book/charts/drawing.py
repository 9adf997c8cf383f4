"""From a Vega-Lite spec to what a page needs: drawings at fixed widths, an image that stands alone, a Vega spec.

Nothing here knows Sphinx. Colours are hex strings; `colors` maps a hex to the CSS custom property that replaces it.
"""
import copy
import json
import re
import textwrap
from datetime import datetime, timezone
from html import escape
from xml.etree import ElementTree

import vl_convert

XLINK = "{http://www.w3.org/1999/xlink}href"
CONTINUOUS = {"linear", "log", "pow", "sqrt", "symlog", "time", "utc", "sequential", "diverging"}
DROPPED = {"role", "style", "class", "font-family", "pointer-events", "href", "target", "cursor"}
DEFAULTS = {"opacity": "1", "stroke-width": "1", "transform": "translate(0,0)", "fill-opacity": "1", "stroke-opacity": "1", "text-anchor": "start"}


def runtime():
    """The Vega runtime as one classic script (about 900 KB) that sets `window.vegaEmbed` and nothing else."""
    return "(function(){" + vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;") + "})();"


def leaves(view):
    """The single or layered views of a spec, through any concatenation, facet or repeat."""
    for key in ("vconcat", "hconcat", "concat"):
        if key in view:
            return [leaf for child in view[key] for leaf in leaves(child)]
    return leaves(view["spec"]) if "spec" in view else [view]


def compiled(spec, width):
    """Compile `spec` to Vega so that the whole drawing, axes included, is `width` px wide; returns (vega, svg)."""
    spec = {key: value for key, value in copy.deepcopy(spec).items() if key not in ("title", "usermeta", "description")}
    spec |= {"background": "transparent", "padding": {"left": 1, "top": 4, "right": 3, "bottom": 2}}
    views = [view for view in leaves(spec) if view.get("width", "container") == "container"]
    simple = views and views[0] is spec and not {"row", "column", "facet"} & set(spec.get("encoding", {}))
    if simple:
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}

    def attempt(inner):
        for view in views:
            view["width"] = max(int(inner), 40)
        vega = vl_convert.vegalite_to_vega(spec)
        svg = vl_convert.vega_to_svg(vega)
        return vega, svg, float(re.search(r'\bwidth="([\d.]+)"', svg)[1])
    if simple or not views:
        return attempt(width)[:2]
    tried = [(width - 60, attempt(width - 60))]
    while abs(tried[-1][1][2] - width) > 1 and len(tried) < 4:  # axes and headers take what they take: find what is left
        (inner, (*_, outer)), slope = tried[-1], 1
        if len(tried) > 1 and tried[-2][0] != inner:
            slope = (outer - tried[-2][1][2]) / (inner - tried[-2][0]) or 1
        tried.append((inner - (outer - width) / slope, attempt(inner - (outer - width) / slope)))
    return min(tried, key=lambda one: abs(one[1][2] - width))[1][:2]


def hexed(colour):
    """A colour as lower-case hex where it is given as hex or rgb()."""
    found = re.fullmatch(r"rgb\((\d+), ?(\d+), ?(\d+)\)", colour)
    return "#%02x%02x%02x" % tuple(map(int, found.groups())) if found else colour.lower()


def _markup(element, prefix, colors):
    """An SVG element as lean HTML: no styles, roles, links or fonts; ids prefixed; colours as custom properties."""
    tag = element.tag.rpartition("}")[2]
    kind = element.get("class", "")
    if kind in ("background", "foreground") and not (element.get("fill") or element.get("stroke")) or tag in ("script", "style", "foreignObject"):
        return ""
    attributes = {}
    for name, value in element.attrib.items():
        if name == XLINK or name == "href":
            if tag == "image" and value.startswith("data:image/"):
                attributes["href"] = value
        elif not (name in DROPPED or name.startswith(("aria-", "{", "on")) or DEFAULTS.get(name) == value):
            if name in ("fill", "stroke", "stop-color"):
                value = f"var({colors[hexed(value)]},{hexed(value)})" if hexed(value) in colors else value
            if name in ("d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy", "r"):
                value = re.sub(r"-?\d+\.\d{2,}(?:e-?\d+)?", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), value)
            value = re.sub(r"url\(#", f"url(#{prefix}", value)
            attributes[name] = prefix + value if name == "id" else value
    inside = escape(element.text or "", quote=False) + "".join(
        _markup(child, prefix, colors) + escape(child.tail or "", quote=False) for child in element)
    if tag in ("g", "a") and (not attributes or not inside):
        return inside
    tag = "g" if tag == "a" else tag
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}>{inside}</{tag}>" if inside or tag == "text" else f"<{tag}{written}/>"


def inline_svg(svg, prefix, colors, label):
    """A drawing for the page, named by `label`; every id starts with `prefix`."""
    root = ElementTree.fromstring(svg)
    width, height = (round(float(root.get(side))) for side in ("width", "height"))
    inside = "".join(_markup(child, prefix, colors) for child in root if child.get("fill") != "transparent")
    return (f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{inside}</svg>')


def figure_svg(spec, svg=None, width=680):
    """The chart as an SVG that makes sense alone: headline, subtitle, drawing, note, source, on the spec's background."""
    figure, config = spec["usermeta"]["figure"], spec.get("config", {})
    style = config.get("title", {})
    ink, quiet = style.get("color", "#000000"), style.get("subtitleColor", "#555555")
    svg = svg or compiled(spec, width)[1]
    wide, tall = (float(re.search(rf'\b{side}="([\d.]+)"', svg)[1]) for side in ("width", "height"))
    rows, y = [], 8.0

    def write(words, size, weight, colour):
        nonlocal y
        for line in textwrap.wrap(words, int(wide / size / (0.56 if weight == "bold" else 0.5))):
            y += size * 1.3
            rows.append(f'<text x="12" y="{y:.0f}" font-size="{size}" font-weight="{weight}" fill="{colour}">{escape(line)}</text>')
    write(figure["title"], 19, "bold", ink)
    write(figure["subtitle"], 13, "normal", quiet)
    y += 12
    inner = svg[svg.index(">", svg.index("<svg")) + 1:svg.rindex("</svg>")]
    rows.append(f'<g transform="translate(12,{y:.0f})">{inner}</g>')
    y += tall + 6
    write(plain(figure.get("note") or ""), 11, "normal", quiet)
    names = "; ".join(source["title"] for source in figure["sources"])
    write(f"Source: {names}" + (f". As of {figure['as_of']}." if figure.get("as_of") else "."), 11, "normal", quiet)
    w, h = f"{wide + 24:.0f}", f"{y + 12:.0f}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
            f'font-family="{escape(config.get("font", "Arial, sans-serif"))}"><title>{escape(figure["title"])}</title>'
            f'<desc>{escape(figure["alt"])}</desc><rect width="{w}" height="{h}" fill="{config.get("background", "#ffffff")}"/>' + "\n".join(rows) + "</svg>\n")


def plain(note):
    return re.sub(r"\*(.+?)\*", r"\1", note)


# ---- the live form ---------------------------------------------------------------------------------------------

def _recoloured(node, colors, key=None):
    """Vega's JSON with hex colours turned into custom properties, save in data and in scales that mix colours."""
    if isinstance(node, dict):
        skip = {"values"} | ({"range"} if node.get("type") in CONTINUOUS and "domain" in node else set())
        return {name: value if name in skip else _recoloured(value, colors, name) for name, value in node.items()}
    if isinstance(node, list):
        return [_recoloured(value, colors, key) for value in node]
    if isinstance(node, str):
        if node.lower() in colors:
            return f"var({colors[node.lower()]},{node.lower()})"
        return re.sub(r"""(["'])(#[0-9a-fA-F]{6})\1""", lambda hit: f"{hit[1]}var({colors[hit[2].lower()]},{hit[2]}){hit[1]}"
                      if hit[2].lower() in colors else hit[0], node)
    return node


def _difference(one, other, path=()):
    """Pairs [path, value] that turn `one` into `other`; both are JSON."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [pair for key in one for pair in _difference(one[key], other[key], (*path, key))]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [pair for index, (a, b) in enumerate(zip(one, other)) for pair in _difference(a, b, (*path, index))]
    return [] if one == other else [[list(path), other]]


def _walk(node):
    if isinstance(node, (dict, list)):
        if isinstance(node, dict):
            yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from _walk(child)


def milliseconds(value):
    """A number as it is, an ISO date as milliseconds since 1970 (local midnight is taken as UTC), anything else None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp() * 1000


def _selections(spec, vega, rows, labels):
    """Controls for the selections that a reader makes in the drawing: a legend, clicked marks with fields, a brush."""
    stores = {signal["name"].removesuffix("_tuple_fields"): signal["value"] for node in _walk(vega) for signal in node.get("signals", ())
              if signal.get("name", "").endswith("_tuple_fields")}
    for view in _walk({key: value for key, value in spec.items() if key not in ("datasets", "data", "usermeta")}):
        for param in view.get("params", ()) if isinstance(view.get("params"), list) else ():
            select = param.get("select")
            select = {"type": select} if isinstance(select, str) else select
            fields = stores.get(param.get("name"))
            if not select or not fields or isinstance(param.get("bind"), dict) or param.get("bind") == "scales":
                continue
            name = fields[0]["field"]
            label, base = labels.get(name), {"param": param["name"], "fields": fields}
            if select["type"] == "point":
                values = list(dict.fromkeys(row[name] for row in rows if row.get(name) is not None))
                if len(fields) == 1 and 1 < len(values) <= 60 and "over" not in json.dumps(select.get("on", "")):
                    yield base | {"kind": "point", "label": label or "Highlight", "values": values}
            else:
                inner = next((one for one in _walk(view) if one.get("field") in (name, label) or name.endswith(str(one.get("field", "\0")))), {})
                found = [number for row in rows if (number := milliseconds(row.get(inner.get("field", name)))) is not None]
                if len(fields) == 1 and fields[0]["type"] == "R" and found and min(found) < max(found):
                    yield base | {"kind": "interval", "label": labels.get(inner.get("field"), "Range"), "channel": fields[0]["channel"],
                                  "low": min(found), "high": max(found), "time": inner.get("type") == "temporal"}
                else:
                    yield base | {"kind": "clear", "label": "Clear the selection"}


def live(spec, vegas, rows, labels, colors):
    """What the script needs: {vega, patches, controls}; `patches[i]` turns the Vega spec into that of the i-th width."""
    controls = []
    for signal in vegas[-1].get("signals", ()):
        if isinstance(signal.get("bind"), dict):
            bind = signal["bind"]
            controls.append({"kind": bind.get("input", "text"), "param": signal["name"], "label": bind.get("name") or labels.get(signal["name"], signal["name"]),
                             "value": signal.get("value"), **{key: bind[key] for key in ("options", "labels", "min", "max", "step") if key in bind}})
    controls += _selections(spec, vegas[-1], rows, labels)
    vegas = [_recoloured(vega, colors) for vega in vegas]
    for vega in vegas:
        vega.pop("$schema", None)
        for signal in vega.get("signals", ()):
            signal.pop("bind", None)
    return {"vega": vegas[-1], "patches": [_difference(vegas[-1], vega) for vega in vegas], "controls": controls}
