"""The HTML of a figure and the text of its CSV. Every word that comes from a spec is escaped here."""
import csv
import io
import json
import math
import re
from datetime import date
from html import escape

from . import drawing


def day(iso):
    """`2026-11-23` as `23 November 2026`; anything else as it is."""
    moment = re.fullmatch(r"\d{4}-\d\d-\d\d", str(iso)) and date.fromisoformat(iso)
    return f"{moment.day} {moment:%B %Y}" if moment else str(iso)


def table(spec):
    """The rows a figure stands for: the longest dataset in the spec whose rows have all the figure's fields (of several as long, the first), or None."""
    wanted = spec["usermeta"]["figure"]["columns"]
    inline = (node["data"].get("values") for node in drawing.walk(spec) if isinstance(node.get("data"), dict))
    whole = (rows for rows in [*spec.get("datasets", {}).values(), *inline] if isinstance(rows, list) and rows and all(isinstance(row, dict) and wanted.keys() <= row.keys() for row in rows))
    rows = max(whole, key=len, default=None)  # a layer of names may carry some of the rows
    return rows and [dict(zip(wanted, row)) for row in zip(*(_column([row[field] for row in rows]) for field in wanted))]


def _column(values):
    """Dates without their midnight, and without the day or month where a whole column has only firsts."""
    present = [value for value in values if value not in (None, "")]
    if not present or not all(isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d(T00:00:00(\.0+)?)?", value) for value in present):
        return values
    length = 10 if len(set(present)) < 3 or any(value[8:10] != "01" for value in present) else 7 if any(value[5:7] != "01" for value in present) else 4
    return [value and value[:length] for value in values]


def blank(value):
    return value is None or isinstance(value, float) and math.isnan(value)


def csv_text(rows, fields):
    """The rows as CSV; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    def safe(value):
        if isinstance(value, str):
            return "'" * value.startswith(tuple("=+-@\t")) + value.replace("\r", " ")
        return "" if blank(value) else str(value).lower() if isinstance(value, bool) else value
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[safe(field) for field in fields], *([safe(row[field]) for field in fields] for row in rows)])
    return out.getvalue()


def cell(value):
    if blank(value) or isinstance(value, bool):
        return "–" if blank(value) else "yes" if value else "no"
    if isinstance(value, (int, float)):
        value = int(value) if float(value).is_integer() else round(value, 4)
        return (f"{value:,}" if abs(value) >= 10000 else str(value)).replace("-", "−")
    return escape(str(value))


def data_table(figure, rows, key):
    """The accessible table: named by the headline and its caption, which says how long it is; heads with units; in a region that keys can scroll."""
    numeric = {field: all(isinstance(row[field], (int, float, type(None))) and not isinstance(row[field], bool) for row in rows) for field in figure["columns"]}
    mark = {field: ' class="n"' if number else "" for field, number in numeric.items()}
    head = "".join(f'<th scope="col"{mark[field]}>{escape(str(label))}</th>' for field, label in figure["columns"].items())
    first, *rest = figure["columns"]
    body = "".join(f'<tr><th scope="row"{mark[first]}>{cell(row[first])}</th>' + "".join(f"<td{mark[field]}>{cell(row[field])}</td>" for field in rest) + "</tr>" for row in rows)
    return (f'<div class="chart-scroll" role="region" tabindex="0" aria-labelledby="{key}-title {key}-caption"><table aria-labelledby="{key}-title {key}-caption"><caption id="{key}-caption">'
            f'{len(rows):,} row{"s" * (len(rows) != 1)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def scripted(name, data):
    """A classic script that leaves `data` as JSON text under `name`; unlike a fetched file it also loads from a folder on disk."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "&<>`$\u2028\u2029"})
    return f"(window.chartSpecs ??= {{}})[{json.dumps(name)}] = String.raw`{text}`;\n"


def control(one, key):
    """A reader control as a labelled form element; its fieldset keeps it disabled until the chart is live."""
    kind, label, value, data = one["kind"], escape(str(one["label"])), one.get("value"), f'data-param="{escape(one["param"])}"'
    options = [None, *one["values"]] if kind == "point" else one.get("options", [])
    options = [(escape(json.dumps(option)), option == value, escape("all" if text is None else str(text)))
               for option, text in zip(options, one.get("labels") or options)]
    if kind in ("select", "point"):
        inner = "".join(f'<option value="{option}"{" selected" * chosen}>{text}</option>' for option, chosen, text in options)
        return f'<label class="chart-control">{label} <select {data} autocomplete="off">{inner}</select></label>'
    if kind == "radio":
        inner = "".join(f'<label><input type="radio" name="{key}-{escape(one["param"])}" {data} value="{option}"{" checked" * chosen}> {text}</label>' for option, chosen, text in options)
        return f'<div class="chart-control" role="radiogroup" aria-label="{label}"><span>{label}</span> {inner}</div>'
    if kind == "checkbox":
        return f'<label class="chart-control"><input type="checkbox" {data}{" checked" * bool(value)}> {label}</label>'
    if kind in ("interval", "clear"):
        ends = "".join(f'<label>{word} <input type="range" min="0" max="200" value="{200 * end}" {data} autocomplete="off" data-end="{end}"> <span class="chart-value"></span></label>' for end, word in enumerate(("from", "to")))
        group = f'role="group" aria-label="{label}"><span>{label}</span> {ends} ' if kind == "interval" else ">"
        return f'<div class="chart-control" {group}<button type="button" {data} data-clear>{"Clear" if kind == "interval" else label}</button></div>'
    limits = "".join(f' {side}="{escape(str(one[side]))}"' for side in ("min", "max", "step") if side in one)
    shown = escape("" if value is None else str(value))
    return f'<label class="chart-control">{label} <input type="{escape(kind)}" {data} autocomplete="off"{limits} value="{shown}"> <span class="chart-value">{shown if kind == "range" else ""}</span></label>'


def link(text, url, extra=""):
    """An anchor, or the bare text where the address is neither http(s) nor local."""
    fine = url and (re.match(r"https?://", url) or not re.match(r"[^/?#]*:", url))
    return f'<a href="{escape(url)}"{extra}>{escape(text)}</a>' if fine else escape(text)


def drawings(figure, made, key, only=False):
    """The drawings in one box, narrow first; CSS shows the one that fits."""
    kinds = [("chart-only", made["svgs"][0])] if only else zip(("chart-narrow", "chart-wide"), made["svgs"])
    return '<div class="chart-drawing">' + "".join(f'<div class="chart-static {kind}">{drawing.inline_svg(svg, f"{key}-{kind}-", made["colors"], figure["alt"])}</div>'
                                                   for kind, svg in kinds) + "</div>"


def again(figure, made, key, home, use):
    """A chart shown again without its furniture: `bare` and `small` with subtitle, the headline linked to its figure, `mini` marks alone, as decoration."""
    if use == "mini":
        return f'<div class="chart-mini mini">{drawing.inline_svg(made["svgs"][0], key + "-", made["colors"], "")}</div>\n'
    return (f'<figure class="chart chart-bare" id="{key}" data-chart="{figure["id"]}" aria-labelledby="{key}-title"><figcaption><p class="chart-title" id="{key}-title">'
            f'{link(figure["title"], home)}</p><p class="chart-subtitle">{escape(figure["subtitle"])}</p></figcaption>{drawings(figure, made, key, use == "small")}</figure>\n')


def figure_parts(figure, made, key, *, late, number, home, tables, notebook, runtime, live, downloads, author, book, address):
    """A full figure in two strings; between them the caller may write the code that made it.

    `late` marks data that should have been checked again; `home` is the address of the figure where it was published, `address` the same in full or ""; `downloads` maps a
    file ending to an address; `tables` holds pairs (name, address).
    """
    title, label, controls = escape(figure["title"]), escape(number or "Link"), "".join(control(one, key) for one in made["live"]["controls"])
    said = " · ".join(f"{escape(str(one['label']))} <b>{escape(str(dict(zip(one.get('options', ()), one.get('labels') or one.get('options', ()))).get(one['value'], one['value'])))}</b>"
                      for one in made["live"]["controls"] if one["kind"] in ("select", "radio", "range") and one.get("value") is not None)
    parts = [f'<figure class="chart" id="{key}" data-chart="{figure["id"]}" data-runtime="{escape(runtime)}" data-spec="{escape(live)}" aria-labelledby="{key}-title"><figcaption>'
             f'<p class="chart-number"><a href="{escape(home)}" aria-label="{label}: link to this figure">{label}</a></p>'
             f'<p class="chart-title" id="{key}-title">{title}</p><p class="chart-subtitle">{escape(figure["subtitle"])}</p></figcaption>',
             f'<p class="chart-choice">{said}</p>' * bool(said) + (f'<fieldset class="chart-controls" disabled><legend>Choices for this chart</legend>{controls}</fieldset>' if controls else ""), drawings(figure, made, key)]
    if figure.get("note"):
        parts.append('<p class="chart-note">' + re.sub(r"\*(.+?)\*", r"<em>\1</em>", escape(figure["note"])) + "</p>")
    dated = f'as of <time datetime="{escape(str(figure["as_of"]))}">{escape(day(figure["as_of"]))}</time>' if figure.get("as_of") else ""
    dated += ' <strong class="chart-late">(overdue for a check: it may have been superseded)</strong>' if late else ""
    terms = link(figure["license"]["title"], figure["license"].get("url")) if (figure.get("license") or {}).get("title") else ""
    listed, many = "; ".join(link(source["title"], source.get("url")) for source in figure["sources"]), len(figure["sources"]) > 8
    parts.append(f'<details class="chart-sources"><summary>The {len(figure["sources"])} sources</summary><p>{listed}</p></details>' * many
                 + f'<p class="chart-source">{" · ".join(filter(None, ["" if many else "Source: " + listed, dated, terms]))}</p>')
    if not figure.get("download", True):
        parts.append(f'<p class="chart-note chart-closed">No data file: {escape(figure.get("download_note") or "the terms of the source do not allow it.")}</p>')
    full = "".join(f"<p>{link('The full table: ' + name, url)}</p>" for name, url in tables)
    parts.append(f'<div class="chart-links"><details class="chart-data"><summary>Show the data</summary>{data_table(figure, made["rows"], key)}{full}</details>')
    parts += [f'<a href="{escape(downloads[ending])}" download aria-label="Download {name}: {title}">{name}</a>'
              for name, ending in (("CSV", "csv"), ("SVG", "svg"), ("PNG", "png"), ("Vega-Lite", "vl.json")) if ending in downloads]
    parts.append(link("Notebook", notebook, f' aria-label="Notebook of {label}"') if notebook else "")
    words = [author, f"“{figure['title']}”", " in ".join(filter(None, [number, book])), figure.get("as_of") and f"data as of {day(figure['as_of'])}", address]
    parts.append(f'<details class="chart-cite"><summary>Copy citation</summary><p><span>{escape(", ".join(filter(None, words)))}</span> '
                 '<button type="button" class="chart-copy" hidden>Copy</button> <span role="status"></span></p></details>')
    return "".join(parts), "</div></figure>\n"
