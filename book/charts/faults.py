"""What is wrong with a spec, found when it is read: before it can stop the drawing or reach a page."""
import difflib
import re

from . import markup

UNFIT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # characters that XML or UTF-8 cannot hold
DEEPEST = 60  # levels of nesting
MADE = {"fold": ["key", "value"], "density": ["value", "density"], "quantile": ["prob", "value"]}  # what these transforms name where they do not say
ID = re.compile(r"(?=.{1,80}$)[a-z0-9]+(-[a-z0-9]+)*")


def unfit(node, depth=0):
    """What in a JSON value no page can hold, in words; None if there is nothing."""
    if depth > DEEPEST:
        return f"more than {DEEPEST} levels of nesting"
    if isinstance(node, str):
        return f"the character {bad[0]!r}" if (bad := UNFIT.search(node)) else None
    if isinstance(node, (int, float)):
        return None if abs(node) < 1e300 else "a number that is infinite or none"
    return next(filter(None, (unfit(child, depth + 1) for child in [*node, *(node.values() if isinstance(node, dict) else ())])), None) if node else None


# ---- fields that no data have ----------------------------------------------------------------------------------

def dicts(value):
    """The objects in a value that is one or a list of them."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def names(*values):
    """The texts in values that are one or a list of them."""
    return {one for value in values for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)}


def columns(rows, form=None):
    """The fields of inline rows; None where they cannot be told, as from a map or a text."""
    plain = not form or isinstance(form, dict) and form.keys() <= {"parse"}
    return set().union(*rows) if plain and isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows) else None


def after(known, step):
    """The fields there are after a transform of the fields `known`; None where they cannot be told."""
    if known is None or "pivot" in step or step.get("params"):
        return None
    made = names(step.get("as") or next((MADE[kind] for kind in MADE if kind in step), None), *(step.get(key) for key in ("impute", "regression", "loess", "on")))
    made |= names(*(one.get("as") for key in ("aggregate", "joinaggregate", "window") for one in dicts(step.get(key))), *(one.get("fields") for one in dicts(step.get("from"))))
    made |= {f"{name}_end" for name in made if step.keys() & {"bin", "stack", "timeUnit"}}
    return made | (names(step.get("groupby")) if step.keys() & {"aggregate", "density", "quantile", "regression", "loess"} else known)


def lost(view, sets, known=None, encoding={}):
    """Sentences on fields that a view draws and nothing gives it. `known` fields and `encoding` come from the views it stands in; `sets`: name -> fields."""
    for data in dicts(view.get("data", [])):
        known = columns(data["values"], data.get("format")) if "values" in data else None if "format" in data else sets.get(str(data.get("name")))
    for step in dicts(view.get("transform")):
        known = after(known, step)
    encoding = encoding | (dicts(view.get("encoding")) or [{}])[0]
    inner = [child for key in ("layer", "vconcat", "hconcat", "concat", "spec") for child in dicts(view.get(key))]
    drawn = [] if inner else [*encoding.items()]
    drawn += [(key, one) for facet in dicts(view.get("facet")) for key, one in (("facet", facet), ("row", facet.get("row")), ("column", facet.get("column")))]
    for channel, part in ((channel, part) for channel, value in drawn for one in dicts(value) for part in (one, *dicts(one.get("sort")), *dicts(one.get("condition")))):
        field = part.get("field")
        if known is not None and isinstance(field, str) and field not in known and not re.search(r"[.\[\\]|^\*?$", field):  # a path into a cell cannot be told
            near = difflib.get_close_matches(field, known, 1)
            yield f"{channel} draws the field {field!r}, which is no column of its data and which no transform makes" + "".join(f"; did you mean {one!r}?" for one in near)
    for child in inner:
        yield from lost(child, sets, known, encoding)


def lost_fields(spec):
    """The same of a whole spec and of its view for phones, each once."""
    sets = {name: columns(rows) for name, rows in spec.get("datasets", {}).items()}
    return list(dict.fromkeys(said for view in (spec, *dicts(figure_of(spec).get("phone"))) for said in lost(view, sets)))


# ---- what a figure must say ------------------------------------------------------------------------------------

def figure_of(spec):
    """`usermeta.figure` of a spec, or None."""
    meta = spec.get("usermeta") if isinstance(spec, dict) else None
    figure = meta.get("figure") if isinstance(meta, dict) else None
    return figure if isinstance(figure, dict) else None


def of(spec):
    """What a spec lacks to be a figure: a list of plain sentences."""
    if strange := unfit(spec):
        return [f"the spec holds {strange}"]
    text, figure = (lambda *values: all(value is None or isinstance(value, str) for value in values)), figure_of(spec)
    if figure is None:
        return ["usermeta.figure is missing (id, title, subtitle, alt, sources and columns belong there)"]
    name, sources, columns, alt = str(figure.get("id") or ""), figure.get("sources"), figure.get("columns"), str(figure.get("alt") or "").strip()
    plain = (lambda *keys: re.sub(r"\W+", " ", " ".join(str(figure.get(key)) for key in keys)).strip().lower())
    found = [f"{key} is missing" for key in ("id", "title", "subtitle", "alt") if not str(figure.get(key) or "").strip()]
    found += [f"{key} is not text" for key in ("id", "title", "subtitle", "alt", "note", "as_of", "download_note") if not text(figure.get(key))]
    found += [f"{key} is not a JSON object" for key in ("datasets", "config") if not isinstance(spec.get(key, {}), dict)]
    if name and not ID.fullmatch(name):
        found.append(f"id {name[:80]!r} is not lower-case words joined by hyphens, 80 characters at most")
    if alt and not 40 <= len(alt) <= 300:
        found.append(f"alt has {len(alt)} characters; say in 40 to 300 what the drawing shows")
    elif alt and plain("alt") in (plain("title"), plain("title", "subtitle")):
        found.append("alt repeats the title; say what the drawing shows")
    if not isinstance(sources, list) or not sources or not all(isinstance(one, dict) and one.get("title") and text(one["title"], one.get("url")) for one in sources):
        found.append("sources are missing, or one has no title or an address that is not text")
    if (license := figure.get("license")) and not (isinstance(license, dict) and text(license.get("title"), license.get("url"))):
        found.append("license has no title and url that are text")
    if (tables := figure.get("tables")) and not (isinstance(tables, list) and all(tables) and text(*tables)):
        found.append("tables is not a list of names")
    if not isinstance(columns, dict) or not columns or not text(*columns.values()):
        found.append("columns are missing, or a label is not text")
    elif not found and (rows := markup.table(spec)) is None:
        found.append(f"no dataset in the spec has all of the columns {', '.join(columns)}")
    elif not found and (nested := next((field for row in rows for field, value in row.items() if isinstance(value, (dict, list))), None)):
        found.append(f"column {nested} holds lists or objects; a cell of the data table is text, a number or nothing")
    return found or lost_fields(spec)
