"""From a Vega-Lite spec to what a page needs: drawings at fixed widths and a Vega spec.

Nothing here knows Sphinx. `colors` maps a colour (lower-case hex) to the CSS custom property that replaces it.
"""
import copy
import json
import re
from datetime import datetime, timezone
from html import escape
from xml.etree import ElementTree

import vl_convert

CONTINUOUS = {"linear", "log", "pow", "sqrt", "symlog", "time", "utc", "sequential", "diverging"}
DRAWN = {"g", "a", "path", "rect", "line", "circle", "ellipse", "polygon", "polyline", "text", "tspan", "image", "defs", "clipPath", "linearGradient", "radialGradient", "stop", "pattern", "mask"}
DROPPED = {"role", "style", "class", "font-family", "pointer-events", "target", "cursor", "{http://www.w3.org/1999/xlink}href", "href"}
DEFAULTS = {"opacity": "1", "stroke-width": "1", "transform": "translate(0,0)", "fill-opacity": "1", "stroke-opacity": "1", "text-anchor": "start"}
SHAPE = {"d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy", "r"}


def runtime():
    """The Vega runtime as one classic script (about 900 KB) that sets `window.vegaEmbed` and nothing else."""
    return "(function(){" + vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;") + "})();"


def walk(node):
    """Every dict in a JSON value, outermost first."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


def leaves(view):
    """The single or layered views of a spec, through any concatenation, facet or repeat."""
    children = view.get("vconcat") or view.get("hconcat") or view.get("concat") or ([view["spec"]] if "spec" in view else None)
    return [leaf for child in children for leaf in leaves(child)] if children else [view]


def size(svg):
    """Width and height of an SVG text, in px. Raises ValueError if it says none."""
    found = [re.search(rf'<svg[^>]*\b{side}="(\d+(?:\.\d+)?)"', svg) for side in ("width", "height")]
    if not all(found):
        raise ValueError("a drawing without width and height")
    return tuple(float(one[1]) for one in found)


def tree(svg):
    """The root of an SVG text. Raises ValueError if it is not XML."""
    try:
        return ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"the drawing is not XML: {error}") from None


def renumbered(svg):
    """An SVG text with its clips and gradients numbered from 0; Vega counts on through all that one process draws."""
    ids = {}
    return re.sub(r'(id="|url\(#)((?:clip|gradient_)\d+)', lambda hit: f"{hit[1]}{re.sub(r'[0-9]+', '', hit[2])}{ids.setdefault(hit[2], len(ids))}", svg)


def compiled(spec, widths):
    """Compile `spec` once a width, so that the whole drawing, axes included, is that wide: [(vega, svg), ...]. Raises ValueError."""
    spec = {key: value for key, value in copy.deepcopy(spec).items() if key not in ("title", "usermeta", "description")}
    spec |= {"background": "transparent", "padding": {"left": 1, "top": 4, "right": 3, "bottom": 2}}
    views, made, spare = [view for view in leaves(spec) if view.get("width", "container") == "container"], [], 60
    simple = views and views[0] is spec and not {"row", "column", "facet"} & set(spec.get("encoding", {}))
    if simple:
        spec["autosize"], spare = {"type": "fit-x", "contains": "padding"}, 0
    for width in widths:
        tried = []
        while not tried or views and not simple and len(tried) < 4 and abs(tried[-1][1] - width) > 1:  # axes and headers take what they take
            if tried:
                rise = (tried[-1][1] - tried[-2][1]) / (tried[-1][0] - tried[-2][0] or 1) if len(tried) > 1 else 1
                spare = width - tried[-1][0] + (tried[-1][1] - width) / (rise or 1)
            for view in views:
                view["width"] = max(int(width - spare), 40)
            vega = vl_convert.vegalite_to_vega(spec)
            svg = renumbered(vl_convert.vega_to_svg(vega))
            tree(svg)
            tried.append((width - spare, size(svg)[0], vega, svg))
        made.append(min(tried, key=lambda one: abs(one[1] - width))[2:])
    return made


def hexed(colour):
    """A colour as lower-case hex where it is given as hex or rgb()."""
    return "#%02x%02x%02x" % tuple(map(int, re.findall(r"\d+", colour))) if re.fullmatch(r"rgb\(\d+(, ?\d+){2}\)", colour) else colour.lower()


def thinned(path):
    """A long path of straight lines with relative points, those under a pixel from the last left out; other paths as they are."""
    if len(path) < 1500 or re.search(r"[^MLZ\d.,e-]", path):
        return path
    written, at = "", (0, 0)
    for ring in path.split("M")[1:]:
        points = [tuple(round(10 * float(number)) for number in point.split(",")) for point in ring.rstrip("Z").split("L")]
        kept = points[:1]
        for x, y in points[1:]:
            if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= 10:
                kept.append((x, y))
        if len(kept) > 2 or not ring.endswith("Z"):
            written += "m" + "l".join(f"{(x - a) / 10:g},{(y - b) / 10:g}" for (x, y), (a, b) in zip(kept, [at, *kept])) + "z" * ring.endswith("Z")
            at = kept[0] if ring.endswith("Z") else kept[-1]
    return written


def _markup(element, prefix, colors, mini):
    """An SVG element as lean HTML: no styles, roles, links or fonts; ids prefixed; colours as custom properties."""
    tag, kind, attributes = element.tag.rpartition("}")[2], element.get("class", ""), {}
    if (kind in ("background", "foreground") and not (element.get("fill") or element.get("stroke")) or tag not in DRAWN
            or mini and (tag == "text" or re.search(r"role-(axis|legend)", kind))):
        return ""
    for name, value in element.attrib.items():
        if name.lower() in DROPPED or name.lower().startswith(("aria-", "on", "{")) or DEFAULTS.get(name) == value or re.search(r"url\(\s*(?!#)", value):
            continue
        if name in ("fill", "stroke", "stop-color") and hexed(value) in colors:
            value = f"var({colors[hexed(value)]},{hexed(value)})"
        value = thinned(value) if name == "d" else value
        if name in SHAPE:
            value = re.sub(r"-?\d+\.\d{2,}(?:e-?\d+)?", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), value)
        attributes[name] = prefix + value if name == "id" else value.replace("url(#", f"url(#{prefix}")
    if tag == "image":
        attributes["href"] = next((value for name, value in element.attrib.items() if name.endswith("href") and value.startswith("data:image/")), "")
    inside = escape(element.text or "", quote=False) + "".join(
        _markup(child, prefix, colors, mini) + escape(child.tail or "", quote=False) for child in element)
    if tag in ("g", "a") and (not attributes or not inside):
        return inside
    tag, written = "g" if tag == "a" else tag, "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}>{inside}</{tag}>" if inside or tag == "text" else f"<{tag}{written}/>"


def inline_svg(svg, prefix, colors, label):
    """A drawing for the page named `label`, its ids prefixed; without a label it is decoration, with neither text nor axes."""
    (width, height), root = size(svg), tree(svg)
    inside = "".join(_markup(child, prefix, colors, not label) for child in root if child.get("fill") != "transparent")
    named = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true" focusable="false"'
    return f'<svg width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" {named}>{inside}</svg>'


# ---- the live form ---------------------------------------------------------------------------------------------

def _recoloured(node, colors):
    """Vega's JSON with hex colours turned into custom properties, save in data and in scales that mix colours."""
    if isinstance(node, dict):
        skip = {"values"} | ({"range"} if node.get("type") in CONTINUOUS and "domain" in node else set())
        return {name: value if name in skip else _recoloured(value, colors) for name, value in node.items()}
    if isinstance(node, list):
        return [_recoloured(value, colors) for value in node]
    property = (lambda hex: f"var({colors[hex.lower()]},{hex.lower()})" if hex.lower() in colors else hex)
    return re.sub(r"""(^|["'])(#[0-9a-fA-F]{6})($|["'])""", lambda hit: hit[1] + property(hit[2]) + hit[3], node) if isinstance(node, str) else node


def _difference(one, other, path=()):
    """Pairs [path, value] that turn `one` into `other`; both are JSON."""
    for kind, keys in ((dict, lambda node: node.keys()), (list, lambda node: range(len(node)))):
        if isinstance(one, kind) and isinstance(other, kind) and keys(one) == keys(other):
            return [pair for key in keys(one) for pair in _difference(one[key], other[key], (*path, key))]
    return [] if one == other else [[list(path), other]]


def milliseconds(value):
    """A number as it is, an ISO date, month or year as milliseconds since 1970, anything else None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        moment = datetime.fromisoformat(str(value) + ("0000-01-01"[len(str(value)):] if len(str(value)) in (4, 7) else ""))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp() * 1000


def _selections(spec, vega, rows, labels):
    """Controls for the selections that a reader makes in the drawing: a legend, clicked marks with fields, a brush."""
    stores = {signal["name"].removesuffix("_tuple_fields"): signal["value"] for node in walk(vega) for signal in node.get("signals", ())
              if signal.get("name", "").endswith("_tuple_fields")}
    for view in walk({key: value for key, value in spec.items() if key not in ("datasets", "data", "usermeta")}):
        for param in view["params"] if isinstance(view.get("params"), list) else ():
            select, fields = param.get("select"), stores.get(param.get("name"))
            if not select or not fields or isinstance(param.get("bind"), dict) or param.get("bind") == "scales":
                continue
            name, select, base = fields[0]["field"], {"type": select} if isinstance(select, str) else select, {"param": param["name"], "fields": fields}
            if select["type"] == "point":
                values = list(dict.fromkeys(row[name] for row in rows if row.get(name) is not None))
                if len(fields) == 1 and 1 < len(values) <= 60 and "over" not in json.dumps(select.get("on", "")):
                    yield base | {"kind": "point", "label": labels.get(name, "Highlight"), "values": values}
                continue
            inner = next((one for one in walk(spec) if one.get("field") and name.endswith(str(one["field"])) and "type" in one), {})
            found = [number for row in rows if (number := milliseconds(row.get(inner.get("field")))) is not None]
            if len(fields) == 1 and fields[0]["type"] == "R" and found and min(found) < max(found):
                yield base | {"kind": "interval", "label": labels.get(inner["field"], "Range"), "channel": fields[0]["channel"],
                              "low": min(found), "high": max(found), "time": inner["type"] == "temporal"}
            else:
                yield base | {"kind": "clear", "label": "Clear the selection"}


def live(spec, vegas, rows, labels, colors):
    """What the script needs: {vega, patches, data, controls}; `patches[i]` turns the Vega spec into that of the i-th width; data stand once."""
    data, vegas = [], [_recoloured(vega, colors) for vega in vegas]
    for marked in (node for vega in vegas for node in walk(vega) if "tooltip" in node):  # the tooltip says what the long description would
        marked.pop("description", None)
    controls = [{"kind": bind.get("input", "text"), "param": signal["name"], "label": bind.get("name") or signal["name"], "value": signal.get("value"),
                 **{key: bind[key] for key in ("options", "labels", "min", "max", "step") if key in bind}}
                for signal in vegas[-1].get("signals", ()) if isinstance(bind := signal.get("bind"), dict)]
    for signal in (signal for vega in vegas for signal in vega.get("signals", ())):
        signal.pop("bind", None)
    for source in (source for vega in vegas for source in vega.get("data", ()) if isinstance(source.get("values"), list)):
        if source["values"] not in data:
            data.append(source["values"])
        source["values"] = data.index(source["values"])
    return {"vega": vegas[-1], "patches": [_difference(vegas[-1], vega) for vega in vegas], "data": data, "controls": controls + list(_selections(spec, vegas[-1], rows, labels))}
