"""What is wrong with a spec, found when it is read: before it can stop the drawing or reach a page."""
import re

from . import markup

UNFIT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # characters that XML or UTF-8 cannot hold
DEEPEST = 60  # levels of nesting
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
    return found
