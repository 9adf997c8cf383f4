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
    try:
        moment = date.fromisoformat(iso)
    except (TypeError, ValueError):
        return str(iso or "")
    return f"{moment.day} {moment:%B %Y}"


def table(spec):
    """The rows a figure stands for: the first dataset in the spec whose rows have all the figure's fields, or None."""
    wanted = set(spec["usermeta"]["figure"]["columns"])
    inline = (node["data"]["values"] for node in drawing._walk(spec) if isinstance(node.get("data"), dict) and "values" in node["data"])
    for rows in [*spec.get("datasets", {}).values(), *inline]:
        if isinstance(rows, list) and rows and isinstance(rows[0], dict) and all(wanted <= row.keys() for row in rows):
            columns = {field: _column([row[field] for row in rows]) for field in spec["usermeta"]["figure"]["columns"]}
            return [dict(zip(columns, row)) for row in zip(*columns.values())]
    return None


def _column(values):
    """Dates without their midnight, and without the day or month where a whole column has only firsts."""
    present = [value for value in values if value is not None]
    if not present or not all(isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d(T00:00:00(\.0+)?)?", value) for value in present):
        return values
    length = 10 if len(set(present)) < 3 or any(value[8:10] != "01" for value in present) else 7 if any(value[5:7] != "01" for value in present) else 4
    return [value and value[:length] for value in values]


def csv_text(rows, fields):
    """The rows as CSV; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    def safe(value):
        if value is None or isinstance(value, float) and math.isnan(value):
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        return "'" + value if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(safe, fields))
    writer.writerows([safe(row[field]) for field in fields] for row in rows)
    return out.getvalue()


def cell(value):
    if value is None or isinstance(value, float) and math.isnan(value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        value = int(value) if float(value).is_integer() else round(value, 4)
        return f"{value:,}".replace("-", "−") if abs(value) >= 10000 else str(value).replace("-", "−")
    return escape(str(value))


def data_table(figure, rows, key):
    """The accessible table: caption with scope and units, column heads with units, in a named region that keys can scroll."""
    numeric = {field: all(isinstance(row[field], (int, float, type(None))) and not isinstance(row[field], bool) for row in rows) for field in figure["columns"]}
    head = "".join(f'<th scope="col"{" class=n" if numeric[field] else ""}>{escape(label)}</th>' for field, label in figure["columns"].items())
    body = []
    for row in rows:
        cells = [f"<td class=n>{cell(row[field])}</td>" if numeric[field] else f"<td>{cell(row[field])}</td>" for field in figure["columns"]]
        body.append("<tr>" + re.sub(r"^<td(.*)</td>$", r'<th scope="row"\1</th>', cells[0], flags=re.S) + "".join(cells[1:]) + "</tr>")
    count = f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"
    return (f'<div class="chart-scroll" role="region" tabindex="0" aria-labelledby="{key}-caption"><table><caption id="{key}-caption">'
            f'{escape(figure["title"])}: {escape(figure["subtitle"])} ({count})</caption><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>')


def _scripted(data):
    """JSON that cannot close its own script element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _options(values, labels, current):
    return "".join(f'<option value="{escape(json.dumps(value))}"{" selected" if value == current else ""}>{escape(str(text if text is not None else "all"))}</option>'
                   for value, text in zip(values, labels))


def control(one, key):
    """A reader control as a labelled form element; disabled by its fieldset until the chart is live."""
    label, value, name = escape(str(one["label"])), one.get("value"), f'{key}-{re.sub(r"[^A-Za-z0-9_-]", "", one["param"])}'
    data = f'data-param="{escape(one["param"])}"'
    if one["kind"] in ("select", "radio") and "options" in one:
        texts = one.get("labels") or one["options"]
        if one["kind"] == "select":
            return f'<label class="chart-control">{label} <select {data}>{_options(one["options"], texts, value)}</select></label>'
        buttons = "".join(f'<label><input type="radio" name="{name}" {data} value="{escape(json.dumps(option))}"{" checked" if option == value else ""}> '
                          f'{escape(str(text))}</label>' for option, text in zip(one["options"], texts))
        return f'<div class="chart-control" role="radiogroup" aria-label="{label}"><span>{label}</span> {buttons}</div>'
    if one["kind"] == "checkbox":
        return f'<label class="chart-control"><input type="checkbox" {data}{" checked" if value else ""}> {label}</label>'
    if one["kind"] == "range":
        limits = " ".join(f'{side}="{escape(str(one[side]))}"' for side in ("min", "max", "step") if side in one)
        return (f'<label class="chart-control">{label} <input type="range" {data} {limits} value="{escape(str(value))}" autocomplete="off"> '
                f'<output>{escape(str(value))}</output></label>')
    if one["kind"] == "point":
        return f'<label class="chart-control">{label} <select {data}>{_options([None, *one["values"]], ["all", *one["values"]], None)}</select></label>'
    clear = f'<button type="button" {data} data-clear>{"Clear" if one["kind"] == "interval" else label}</button>'
    if one["kind"] == "interval":
        ends = "".join(f'<label>{word} <input type="range" min="0" max="200" value="{start}" {data} data-end="{end}" autocomplete="off"> <output></output></label>'
                       for word, end, start in (("from", 0, 0), ("to", 1, 200)))
        return f'<div class="chart-control" role="group" aria-label="{label}"><span>{label}</span> {ends} {clear}</div>'
    return f'<div class="chart-control">{clear}</div>' if one["kind"] == "clear" else (
        f'<label class="chart-control">{label} <input type="{escape(one["kind"])}" {data} value="{escape(str(value or ""))}"></label>')


def link(text, url, extra=""):
    """An anchor, or the bare text where the address is neither http(s) nor local."""
    fine = url and (re.match(r"https?://", url) or not re.match(r"\s*[a-zA-Z][\w+.-]*:", url))
    return f'<a href="{escape(url)}"{extra}>{escape(text)}</a>' if fine else escape(text)


def opening(figure, made, key, *, number, home, tables, notebook, runtime, downloads, author, book, site):
    """A full figure up to the end of its links; the caller adds the code (if any) and closes it.

    `made` is what `drawn` returned; `home` the address of the figure where it was published; `downloads` maps a file
    ending to its address; `tables` is a list of (name, address).
    """
    title, full = escape(figure["title"]), f"{site}{home}" if site else ""
    label = escape(number) if number else "Link"
    parts = [f'<figure class="chart" id="{key}" data-chart="{figure["id"]}" data-runtime="{escape(runtime)}" aria-labelledby="{key}-title">'
             f'<figcaption><p class="chart-number"><a href="{escape("#" + key if home.endswith("#" + key) else home)}" aria-label="{label}: link to this figure">{label}</a></p>'
             f'<p class="chart-title" id="{key}-title">{title}</p><p class="chart-subtitle">{escape(figure["subtitle"])}</p></figcaption>']
    controls = made["live"]["controls"]
    if controls:
        parts.append(f'<fieldset class="chart-controls" disabled><legend>Choices for this chart</legend>{"".join(control(one, key) for one in controls)}</fieldset>')
    parts.append(drawings(figure, made, key))
    if figure.get("note"):
        parts.append('<p class="chart-note">' + re.sub(r"\*(.+?)\*", r"<em>\1</em>", escape(figure["note"])) + "</p>")
    sources = "; ".join(link(source["title"], source.get("url")) for source in figure["sources"])
    dated = f' <span class="chart-dot">·</span> as of <time datetime="{escape(str(figure["as_of"]))}">{escape(day(figure["as_of"]))}</time>' if figure.get("as_of") else ""
    terms = figure.get("license") or {}
    terms = f' <span class="chart-dot">·</span> {link(terms["title"], terms.get("url"))}' if terms.get("title") else ""
    parts.append(f'<p class="chart-source">Source: {sources}{dated}{terms}</p><div class="chart-links">')
    parts.append(f'<details class="chart-data"><summary>Show the data</summary>{data_table(figure, made["rows"], key)}'
                 + "".join(f"<p>{link('The full table: ' + name, url)}</p>" for name, url in tables) + "</details>")
    files = [("CSV", "csv"), ("SVG", "svg"), ("PNG", "png"), ("Vega-Lite", "vl.json")]
    parts.append("".join(f'<a href="{escape(downloads[ending])}" download aria-label="Download {name}: {title}">{name}</a>' for name, ending in files if ending in downloads))
    if notebook:
        parts.append(link("Notebook", notebook, f' aria-label="Notebook of {label}"'))
    words = [author, f"“{figure['title']}”", " in ".join(filter(None, [number, book])), figure.get("as_of") and f"data as of {day(figure['as_of'])}", full]
    parts.append(f'<details class="chart-cite"><summary>Copy citation</summary><p><span>{escape(", ".join(filter(None, words)))}</span> '
                 f'<button type="button" class="chart-copy" hidden>Copy</button> <span role="status"></span></p></details>')
    parts.append("</div>")
    if not figure.get("download", True):
        parts.append(f'<p class="chart-note chart-closed">No data file: {escape(figure.get("download_note") or "the terms of the source do not allow it")}</p>')
    parts.append(f'<script type="application/json" class="chart-spec">{_scripted({**made["live"], "columns": figure["columns"]})}</script>')
    return "".join(parts)


def drawings(figure, made, key, narrow_only=False):
    """The drawings in one box, narrow first; CSS shows the one that fits."""
    shown = made["svgs"][:1] if narrow_only else made["svgs"]
    kinds = ["chart-narrow", "chart-wide"] if len(shown) > 1 else ["chart-only"]
    inner = "".join(f'<div class="chart-static {kind}">{drawing.inline_svg(svg, f"{key}-{index}-", made["colors"], figure["alt"])}</div>'
                    for index, (kind, svg) in enumerate(zip(kinds, shown)))
    return f'<div class="chart-drawing">{inner}</div>'


def bare(figure, made, key, *, home, small):
    """Only the drawing under its headline, which links to the full figure."""
    return (f'<figure class="chart chart-bare" id="{key}" data-chart="{figure["id"]}" aria-labelledby="{key}-title"><figcaption>'
            f'<p class="chart-title" id="{key}-title">{link(figure["title"], home)}</p></figcaption>{drawings(figure, made, key, small)}</figure>')
