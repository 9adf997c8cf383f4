"""The code that every chapter shares: load a table, publish a chart, bind the numbers in the prose.

Public names: `load`, `known`, `publish`, `ledger`, `enable`, `DATA`, `PALETTE`, `COUNTRIES`, `MEETINGS`. The module stands beside the notebooks so that
`import house` works uninstalled wherever they run. What concerns only the built site lives in `book/`.
"""
import csv
import difflib
import functools
import io
import json
import os
import re
import sys
import textwrap
import uuid
from pathlib import Path

import altair
import pandas as pd
from altair.utils.schemapi import UndefinedType

import numerals

__all__ = ["load", "known", "publish", "ledger", "enable", "DATA", "PALETTE", "COUNTRIES", "MEETINGS"]

#: The folder of the tables.
DATA = Path(__file__).resolve().parent.parent / "data"

#: One colour per country, tied to neither flag; ink for both together. The site maps each to a light and a dark value.
PALETTE = {"paper": "#fffdf8", "ink": "#1d1d1b", "muted": "#5c584f", "rule": "#d9d3c5", "japan": "#2f4b8f",
           "korea": "#d9622b", "korea_text": "#b8501c", "both": "#4a4a46", "weak": "#8a8578"}

#: What readers see in place of a table's codes: the two countries, and the kinds of meeting.
COUNTRIES = {"JPN": "Japan", "KOR": "South Korea"}
MEETINGS = {"visit": "visit", "margins": "on the margins of another event", "informal": "informal talk", "brief": "greeting or corridor talk"}


@functools.lru_cache(maxsize=None)
def _resources(stamp):
    """Resource entries of the package by name; `stamp` (the descriptor's mtime) keeps the cache honest."""
    try:
        return {entry["name"]: entry for entry in json.loads((DATA / "datapackage.json").read_text("utf-8"))["resources"]}
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ValueError(f"data/datapackage.json does not list tables ({type(error).__name__}: {error}); mend it, or bring back the last good one") from None


def _resource(name):
    resources = _resources((DATA / "datapackage.json").stat().st_mtime_ns)
    if name not in resources:
        raise ValueError(f"there is no table called {name!r}; the names are in data/datapackage.json{near(name, resources)}")
    return resources[name]


def near(word, known):
    """The end of a message about an unknown word: the known one that is most like it, if any is."""
    return "".join(f"; did you mean {match!r}?" for match in difflib.get_close_matches(str(word), known, 1))


def raw_rows(entry):
    """Header and raw rows of a table's CSV; fails on bytes that are not UTF-8, on what a merge left and on ragged rows."""
    place = f"data/{entry['path']}"
    try:
        raw = (DATA / entry["path"]).read_bytes()
        text = raw.decode("utf-8")
    except FileNotFoundError:
        raise ValueError(f"{place} is described in data/datapackage.json but is not there; bring the file back") from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{place}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8") from None
    if left := re.search("(?m)^(<{7}|={7}|>{7})( |$)", text):
        raise ValueError(f"{place}, line {text.count(chr(10), 0, left.start()) + 1}: a merge was left unfinished here; keep the rows that hold and remove the lines that begin with <<<<<<<, ======= and >>>>>>>")
    if text.startswith("\ufeff"):
        raise ValueError(f"{place}: begins with a byte-order mark; save the file as UTF-8 without one")
    if "\r" in text:
        raise ValueError(f"{place}, line {text.count(chr(10), 0, text.index(chr(13))) + 1}: ends in a carriage return; save the file with plain line feeds, as Unix has them")
    reader, rows, begun = csv.reader(io.StringIO(text, newline=""), strict=True), [], 1
    try:
        for row in reader:
            rows.append(row)
            begun = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{place}, line {begun}: not a CSV file from here on ({error}); check the quotes of the row that begins there") from None
    header, *rows = rows or [[]]
    wanted = [field["name"] for field in entry["schema"]["fields"]]
    if len(header) == 1 < len(wanted) and (parting := re.search("[;\t|]", header[0])):
        raise ValueError(f"{place}, header: cells are parted by {parting[0]!r}, not by commas; save the file with commas")
    for column in [*wanted, *header]:
        if (column in wanted) != (column in header):
            fault = "is missing" if column in wanted else "is not in data/datapackage.json"
            raise ValueError(f"{place}, header: column {column!r} {fault}; make the two agree")
    if header != wanted:
        raise ValueError(f"{place}, header: columns stand in another order than in data/datapackage.json: {', '.join(wanted)}")
    for number, row in enumerate(rows, 1):
        if not row:
            raise ValueError(f"{place}, row {number}: is blank; remove the line")
        if len(row) != len(header):
            raise ValueError(f"{place}, row {number}: {len(row)} cell{'s' * (len(row) != 1)} for {len(header)} column{'s' * (len(header) != 1)}; quote a cell that holds a comma")
    return header, rows


#: How values are written, in ASCII digits; what pandas would also read ("2023-8-18", "+20", "1e3") is not what others expect.
FORMS = {"integer": "-?[0-9]+", "year": "[0-9]{4}", "number": r"-?[0-9]+(\.[0-9]+)?", "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "yearmonth": "[0-9]{4}-[0-9]{2}"}

#: How to write a value of a type whose name does not say it.
FORM = {"boolean": " (true or false)", "date": " (YYYY-MM-DD)", "yearmonth": " (YYYY-MM)", "year": " (YYYY)"}


def _cast(cells, field):
    """A column of text as its declared type; what does not fit becomes missing."""
    kind = field["type"]
    if kind in FORMS:
        cells = cells.where(cells.str.fullmatch(FORMS[kind]).fillna(False))
    if kind in ("integer", "year"):
        numbers = pd.to_numeric(cells)
        return numbers.astype("int64") if numbers.notna().all() else numbers.astype("Int64")
    if kind == "number":
        return pd.to_numeric(cells).astype("float64")
    if kind == "boolean":
        flags = cells.map({"true": True, "false": False}).astype("boolean")
        return flags.astype("bool") if flags.notna().all() else flags
    if kind in ("date", "yearmonth"):
        return pd.to_datetime(cells, format="%Y-%m-%d" if kind == "date" else "%Y-%m", errors="coerce")
    if kind != "string":
        raise TypeError(f"column {field['name']} has the unknown type {kind!r}")
    return cells


def _faults(cells, values, field):
    """Pairs (mask, rule) for everything a column's declaration forbids."""
    rules, present = field.get("constraints", {}), values.notna()

    def limit(side):
        if pd.isna(bound := _cast(pd.Series([str(rules[side])], dtype="str"), field)[0]):
            raise TypeError(f"column {field['name']}: {side} {rules[side]!r} is not a valid {field['type']}{FORM.get(field['type'], '')}")
        return bound
    yield cells.notna() & ~present, f"is not a valid {field['type']}{FORM.get(field['type'], '')}"
    yield cells.isna() & bool(rules.get("required")), "is required; leave no blank here"
    if "enum" in rules:
        yield present & ~cells.isin([str(item) for item in rules["enum"]]), f"is not one of {', '.join(map(str, rules['enum']))}"
    if "pattern" in rules:
        yield present & ~cells.str.fullmatch(rules["pattern"]).fillna(False).astype(bool), f"does not match the pattern {rules['pattern']}"
    if "minimum" in rules:
        yield present & (values < limit("minimum")).fillna(False), f"is below the minimum {rules['minimum']}"
    if "maximum" in rules:
        checked = "; where the table was checked later than that, raise this limit and `retrieved` in data/datapackage.json" * (field["type"] == "date")
        yield present & (values > limit("maximum")).fillna(False), f"is above the maximum {rules['maximum']}{checked}"
    if rules.get("unique"):
        yield present & cells.duplicated(), "stands in an earlier row too and must be unique"


def load(name):
    """Return table `name` of the data package as a typed DataFrame, one row a row of the CSV; a map, as its JSON object.

    Types come from `data/datapackage.json`: dates and year-months are datetimes, integers with gaps are `Int64`,
    blanks are missing. Raises ValueError naming file, row, column, value and rule at the first cell that breaks one.
    """
    entry = _resource(name)
    try:
        return _table(name, _stamp("datapackage.json"), _stamp(entry["path"])).copy() if "schema" in entry else json.loads((DATA / entry["path"]).read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"data/{entry['path']}: is not valid JSON ({error}); bring back the last good one") from None
    except Exception as error:  # a malformed entry can fail anywhere
        if isinstance(error, ValueError) and "data/" in str(error):
            raise
        raise ValueError(f"data/datapackage.json, table {name}: its entry cannot be used ({type(error).__name__}: {error}); compare it with that of another table") from error


def _stamp(file):
    """What tells one state of a file in `DATA` from another; None if it is not there."""
    try:
        state = (DATA / file).stat()
    except FileNotFoundError:
        return None
    return str(DATA), state.st_mtime_ns, state.st_size


@functools.lru_cache(maxsize=None)
def _table(name, described, stored):
    """A table as its entry in the descriptor says, read again only if its file or the descriptor has changed; see `load`."""
    entry = _resource(name)
    place, schema = f"data/{entry['path']}", entry["schema"]
    header, rows = raw_rows(entry)
    text = pd.DataFrame(rows, columns=header, dtype="str").replace("", pd.NA)
    typed = {}
    for field in schema["fields"]:
        column = field["name"]
        typed[column] = _cast(text[column], field)
        for mask, rule in _faults(text[column], typed[column], field):
            if mask.any():
                row = int(mask.to_numpy().argmax())
                raise ValueError(f"{place}, row {row + 1}, column {column}: {rows[row][header.index(column)]!r} {rule}")
    if (key := schema.get("primaryKey", [])) and text[key].duplicated().any():
        row = int(text[key].duplicated().to_numpy().argmax())
        raise ValueError(f"{place}, row {row + 1}, column {', '.join(key)}: the key {' / '.join(text.loc[row, key])!r} stands in an earlier row too")
    for link in schema.get("foreignKeys", []):
        target, (column, *_), (other, *_) = link["reference"]["resource"], link["fields"], link["reference"]["fields"]
        names, cells = raw_rows(_resource(target or entry["name"]))
        known = {cell[names.index(other)] for cell in cells}
        for row, value in enumerate(text[column].fillna("")):
            if value and value not in known:
                raise ValueError(f"{place}, row {row + 1}, column {column}: {value!r} is not in data/{_resource(target or entry['name'])['path']}, column {other}")
    return pd.DataFrame(typed)


def known(rows):
    """Dates as far as they are known: a Series of ISO text, `2023`, `2023-08` or `2023-08-18`, from the columns `date` and `date_precision` (year, month or day) of a table."""
    return pd.Series([day[:{"year": 4, "month": 7, "day": 10}[precision]] for day, precision in zip(rows.date.dt.strftime("%Y-%m-%d"), rows.date_precision)], rows.index, dtype="str")


def _theme():
    """House style as a Vega-Lite config: no frame, few gridlines, quiet axes, text never under 11 px."""
    font, p = "Arial, 'Liberation Sans', sans-serif", PALETTE
    return altair.theme.ThemeConfig(config={
        "font": font, "background": p["paper"], "padding": 4, "view": {"stroke": None},
        "title": {"anchor": "start", "frame": "bounds", "color": p["ink"], "fontSize": 17, "fontWeight": 600, "offset": 14,
                  "subtitleColor": p["muted"], "subtitleFontSize": 13, "subtitlePadding": 5},
        "axis": {"labelColor": p["muted"], "titleColor": p["muted"], "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
                 "gridColor": p["rule"], "domainColor": p["rule"], "tickColor": p["rule"], "labelPadding": 5},
        "axisX": {"grid": False}, "axisY": {"domain": False, "ticks": False},
        "legend": {"labelColor": p["ink"], "titleColor": p["muted"], "labelFontSize": 12, "titleFontSize": 12, "orient": "top"},
        "header": {"labelColor": p["ink"], "titleColor": p["muted"], "labelFontSize": 13},
        "text": {"color": p["ink"], "fontSize": 12}, "rule": {"color": p["rule"]},
        "bar": {"color": p["both"]}, "point": {"color": p["both"], "filled": True}, "line": {"color": p["both"], "strokeWidth": 2},
        "range": {"category": [p["japan"], p["korea"], p["both"], p["weak"]]}})


def _stored(spec, **_):
    """The stored form of a published chart: its Vega-Lite spec, and an SVG for viewers that do not draw specs."""
    import vl_convert
    figure = spec.get("usermeta", {}).get("figure")
    if not figure:
        raise ValueError("this chart was not published: pass it through house.publish first")
    furniture = ("usermeta", "title", "description", "datasets")
    used = set(re.findall(r"\w+", json.dumps([{part: value for part, value in spec.items() if part not in furniture}, *map(figure.get, ("columns", "phone"))])))
    spec["datasets"] = {name: [{field: value for field, value in row.items() if field in used} for row in rows] if isinstance(rows, list) else rows
                        for name, rows in spec.get("datasets", {}).items()}  # a chart carries only the columns it draws
    drawn = {**spec, "width": 640} if spec.get("width") == "container" else spec
    svg = re.sub(r"-?\d+\.\d{4,}(?:e-?\d+)?", lambda number: f"{round(float(number[0]), 2):g}", vl_convert.vegalite_to_svg(drawn))  # as fine as a screen shows
    return {"application/vnd.vegalite.v6+json": spec, "image/svg+xml": svg,
            "text/plain": f"{figure['id']}: {figure['title']}"}


def _browser(spec, **_):
    """A chart where Python itself runs in the reader's browser: drawn by the site's own Vega, which lies beside the notebook's page."""
    place, text = f"chart-{uuid.uuid4().hex}", json.dumps(spec).replace("<", "\\u003c")
    return {"text/html": f"""<div id="{place}" style="width: 100%"></div><script>
(window.houseVega ??= new Promise((done, failed) => document.head.append(Object.assign(document.createElement("script"), {{src: "../vega.js", onload: done, onerror: failed}}))))
  .then(() => drawChart("{place}", {text}), () => {{ document.getElementById("{place}").textContent = "The chart is not drawn: vega.js did not load."; }});
</script>"""}


def enable():
    """Turn on the house style. Charts are live, with no network, unless HOUSE_OUTPUT=stored asks for the form the book keeps."""
    altair.theme.register("house", enable=True)(_theme)
    altair.renderers.register("house", _stored)
    altair.renderers.register("browser", _browser)
    if os.environ.get("HOUSE_OUTPUT") == "stored":
        altair.renderers.enable("house")
    elif sys.platform == "emscripten":
        altair.renderers.enable("browser")
    else:
        altair.renderers.enable("html", template="inline")


def _parts(chart, data=None):
    """The single views of a chart, each with the data frame it draws, which may be that of the view it stands in."""
    data = chart.data if isinstance(getattr(chart, "data", None), pd.DataFrame) else data
    inner = [part for group in ("layer", "vconcat", "concat") for part in getattr(chart, group, ())]
    return [pair for part in inner for pair in _parts(part, data)] if inner else [(chart, data)]


def _name_tips(chart, labels):
    """Have tooltips call fields by the names of the data table and write dates and large numbers for readers, where the chart does not say.

    In a chart without any, its marks tell what the data table says of them.
    """
    parts, silent = _parts(chart), True
    for part, _ in parts:
        tips = getattr(getattr(part, "encoding", None), "tooltip", ())
        for tip in tips if isinstance(tips, list) else [tips] if isinstance(tips, altair.Tooltip) else ():
            silent = False
            told = isinstance(tip.shorthand, str) and re.fullmatch(r"(?:\w+\()?(\w+)\)?(?::(\w))?", tip.shorthand)  # date:T, sum(missiles):Q; not count()
            if not told:
                continue
            field, kind = told.groups()
            for key, value in {"title": labels.get(field, field.replace("_", " ").capitalize()),
                               "format": {"T": "%B %Y" if field == "month" else "%-d %B %Y", "Q": "" if field == "year" else ","}.get(kind, "")}.items():
                if value and isinstance(tip[key], UndefinedType):
                    tip[key] = value
    for part, data in parts if silent else ():
        mark = part.mark if isinstance(part.mark, str) else part.mark.type
        shown = [field for field in labels if data is not None and field in data] if mark in ("point", "circle", "bar", "line", "area", "rect", "tick") else []
        if shown and not isinstance(part.encoding, UndefinedType):
            part.encoding.tooltip = [altair.Tooltip(field=field, title=labels[field], **_written(data[field])) for field in shown]


def _written(values):
    """How a tooltip writes a column; one with gaps is left to the viewer, since Vega would write a gap as 0 or 1970."""
    if values.hasnans or not (dates := pd.api.types.is_datetime64_any_dtype(values)) and not pd.api.types.is_float_dtype(values):
        return {"type": "nominal"}
    months = dates and (values.dt.day == 1).all() and values.nunique() > 2
    return {"type": "temporal", "format": "%B %Y" if months else "%-d %B %Y"} if dates else {"type": "quantitative", "format": ",.1~f" if values.abs().max() >= 20 else ",.2~f"}


def publish(chart, *, id=None, title=None, subtitle=None, alt=None, table=None, columns=None, note=None, phone=None, terms=None):
    """Return `chart` with everything its figure needs: headline, measure, description, sources and as-of date.

    `id` names the chart in links and files: lower-case words joined by hyphens, one of its own in the book.
    `title` is the finding, `subtitle` measure, unit and period, `alt` says in 40 to 300 characters what the drawing
    shows. `table` names the table or tables drawn; sources, licence and as-of date (the oldest, if several) come from
    their descriptor. `columns` maps the fields of the figure's data table to labels with units, which tooltips use too.
    `note` is a remark under the drawing; words between asterisks are set in italics.
    `phone` may be another drawing of the same data frames for narrow screens. The tables that may not be passed on,
    or else the first, give licence and reason; where these are not true of the whole, `terms` is the pair to say. Raises ValueError.
    """
    if not isinstance(id, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise ValueError(f"chart id {id!r}: use lower-case words joined by hyphens")
    for label in [label for label, words in {"title": title, "subtitle": subtitle, "alt": alt, "table": table, "columns": columns}.items() if not words]:
        raise ValueError(f"chart {id}: {label} is empty")
    if not isinstance(columns, dict):
        raise ValueError(f"chart {id}: columns has to map fields to labels, {{'year': 'Year'}}, not {columns!r}")
    if not 40 <= len(alt) <= 300 or alt.strip(" .") == title.strip(" ."):
        raise ValueError(f"chart {id}: alt has {len(alt)} characters; say in 40 to 300 what the drawing shows, not the title again")
    tables = [table] if isinstance(table, str) else list(table)
    entries = [_resource(name) for name in tables]
    sources = {source["title"]: {"title": source["title"], "url": source.get("path"), "publisher": source.get("publisher")}
               for entry in entries for source in entry["sources"]}
    closed = [entry for entry in entries if not entry["redistribute"]]
    licenses = {license["title"]: license.get("path") for license in (entry["licenses"][0] for entry in closed or entries[:1])}
    chart = chart.copy()
    if isinstance(chart, altair.LayerChart) or isinstance(chart, altair.Chart) and isinstance(chart.width, UndefinedType):
        chart = chart.properties(width="container")
    chart.title = {"text": textwrap.wrap(title, 66), "subtitle": textwrap.wrap(subtitle, 92)}
    chart.description = alt
    phone = phone and phone.copy()
    for drawing in filter(None, (chart, phone)):
        _name_tips(drawing, columns)
    narrow = phone and {part: value for part, value in phone.to_dict().items() if part not in ("$schema", "config", "datasets")}
    chart.usermeta = {"figure": {
        "id": id, "title": title, "subtitle": subtitle, "alt": alt, "note": note, "columns": columns, "tables": tables,
        "sources": list(sources.values()), "license": {"title": terms[0] if terms else "; ".join(licenses), "url": None if terms or len(licenses) > 1 else [*licenses.values()][0]},
        "as_of": min(entry["retrieved"] for entry in entries),
        "download": not closed, "download_note": (terms[1] if terms else " ".join(dict.fromkeys(entry["redistribute_note"] for entry in closed))) if closed else None, **({"phone": narrow} if phone else {})}}
    return chart


class _Ledger:
    """Checked bindings; shows itself as a line of text, and as JSON for the site, which links each number to its table or row."""

    def __init__(self, entries):
        self.entries = entries

    def _repr_mimebundle_(self, **_):
        return {"text/plain": f"{len(self.entries)} phrases agree with the data", "application/vnd.ledger+json": self.entries}


def _cells(name):
    """A reader of single cells of a table: it turns "key/column" into (key, value) and raises ValueError where that is no cell."""
    entry, frame = _resource(name), load(name)
    if not (key := entry.get("schema", {}).get("primaryKey")):
        raise ValueError(f"the ledger asks data/{entry['path']} for a cell, but it has no primary key to name its rows by")
    header, rows = raw_rows(entry)
    parts = [header.index(part) for part in key]
    places = {"/".join(row[part] for part in parts): number for number, row in enumerate(rows)}

    def read(path):
        key, _, column = path.rpartition("/")
        for kind, word, known in (("row", key, places), ("column", column, header)):
            if word not in known:
                raise ValueError(f"the ledger asks data/{entry['path']} for {path!r}, but it has no {kind} {word!r}{near(word, known)}")
        if pd.isna(value := frame[column].iat[places[key]]):
            raise ValueError(f"the ledger asks data/{entry['path']} for {path!r}, which is blank")
        return key, value
    return read


def _said(value):
    """A value as a message says it: a date as its day, a number as far as anybody reads it."""
    return value.isoformat()[:10] if hasattr(value, "isoformat") else f"{value:.{6 if abs(value) < 1e6 else 15}g}" if isinstance(value, float) else str(value)


def ledger(bindings):
    """Check that each phrase of the prose says what the data say; raise ValueError listing every one that does not.

    `bindings` maps a table to {phrase: value}: a number, a date, or a list of them in the order in which they stand
    in the phrase, each in the unit written (49.15 for "49%"). A value that is one cell of the table is named by its
    place, "key/column" ("2011/agreement_pct"): its number then leads readers to that row.
    """
    checked, wrong, cells = [], [], functools.cache(_cells)
    for name, phrases in bindings.items():
        _resource(name)
        for phrase, values in phrases.items():
            values = list(values) if isinstance(values, (list, tuple)) else [values]
            pairs = [cells(name)(value) if isinstance(value, str) and "/" in value else ("", value) for value in values]
            rows, values = [row for row, _ in pairs], [value for _, value in pairs]
            numbers = numerals.counted(phrase, len(values))
            if len(numbers) != len(values):
                wrong.append(f"{phrase!r} holds {len(numbers)} numbers, {len(values)} values are bound to it")
            for number, value, row in zip(numbers, values, rows):
                try:
                    agrees = numerals.agrees(number, value)
                except (TypeError, ValueError):
                    agrees = False
                if not agrees:
                    wrong.append(f"{phrase!r} says {number.text}, the data say {_said(value)} ({name}{f', row {row}' * bool(row)})")
            checked.append({"phrase": phrase, "table": name, "rows": rows if any(rows) else [], "values": [
                value.isoformat()[:10] if hasattr(value, "isoformat") else value if isinstance(value, str) else round(float(value), 6) for value in values]})
    if wrong:
        raise ValueError("the prose no longer agrees with the data:\n  " + "\n  ".join(wrong))
    return _Ledger(checked)
