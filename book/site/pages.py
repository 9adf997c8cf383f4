"""The HTML of table pages and of a chapter's ledger. Every word from a table is escaped here."""
import re
from html import escape

from ..theme.new_chapter import tongues
from .package import KINDS, WEAK, anchor, day, grouped, weak

SOURCES = ("source_url", "publisher", "source_url_2", "publisher_2")


def words(text):
    """Text for print: escaped, Japanese and Korean marked as in prose."""
    return "".join(f'<span lang="{language}">{escape(part)}</span>' if language else escape(part) for part, language in tongues(text))


def link(text, url, name=""):
    """An anchor, or the bare text where the address is neither http(s) nor local; `name` is what it is called where its text does not say enough."""
    fine = url and (re.match(r"https?://", url) or not re.match(r"[^/?#]*:", url))
    label = f' aria-label="{escape(name)}"' if name else ""
    return f'<a href="{escape(url)}"{label}>{words(text)}</a>' if fine else words(text)


def listed(names, fact="li"):
    return "".join(f"<{fact}>{name}</{fact}>" for name in names)


def rules(field, table, reach):
    """A column's constraints in words."""
    said, limits = [], field.get("constraints", {})
    said += ["always given"] * bool(limits.get("required")) + ["unique"] * bool(limits.get("unique"))
    if "enum" in limits:
        said.append("one of " + ", ".join(f"<code>{escape(str(item))}</code>" for item in limits["enum"]))
    bounds = [escape(f"{word} {limits[side]}") for side, word in (("minimum", "from"), ("maximum", "to")) if side in limits]
    said += [" ".join(bounds)] * bool(bounds)
    if "pattern" in limits:
        said.append(f"pattern <code>{escape(limits['pattern'])}</code>")
    for key in table.entry["schema"].get("foreignKeys", []):
        if field["name"] in key["fields"]:
            other, column = key["reference"]["resource"] or table.name, key["reference"]["fields"][key["fields"].index(field["name"])]
            said.append(f"{link(column, reach(f'tables/{other}.html'))} in {escape(other)}")
    return "; ".join(said)


def wide(text):
    """Class of a cell whose text may wrap; shorter ones, dates above all, stay whole."""
    return ' class="t"' if len(text) > 24 else ""


def data(content, kind="", label=""):
    """A cell; one of a row that is quoted bears the name of its column, with which site.css shows the row as a card to the reader whom a number led there."""
    kind = kind.strip()
    return "<td" + (f' class="{kind}"' if kind else "") + (f' data-l="{escape(label)}"><span>{content}</span></td>' if label else f">{content}</td>")


def cell(field, text, label="", values=()):
    """One value as a cell: numbers with thousands marked, yes and no; of a quoted row (it has a `label`) marked where it is one of the quoted `values` or why the row is weak."""
    name, kind = field["name"], field["type"]
    if text == "":
        return "<td></td>"
    also = (" q" if any(same(text, value) for value in values) else "") + (" why" if label and text in WEAK.get(name, ()) else " note" if label and name == "note" else "")
    if kind in ("integer", "number") and name not in ("n", "id"):
        return data(escape(grouped(text)), "n" + also, label)
    if kind == "boolean":
        return data("yes" if text == "true" else "no", also, label)
    return data(words(re.sub(r";(?=[^ ])", "; ", text)), ("t" if len(text) > 24 else "") + also, label)


def same(text, value):
    """Whether a cell holds a bound value: a number, or a date, of which a table may have the month alone."""
    try:
        return abs(float(text) - float(value)) < 1e-9
    except ValueError:
        return value in (text, f"{text}-01")


def heading(field):
    """The name of a column with its unit, in plain text."""
    return field["title"] + (f" ({field['unit']})" if field.get("unit") else "")


def credit(row, copies):
    """A row's sources as links that bear the publisher's name, and stored copies where they are known."""
    pairs = [(row.get(publisher) or re.sub(r"^https?://(www\.)?|/.*", "", row.get(url) or ""), row.get(url)) for url, publisher in (SOURCES[:2], SOURCES[2:])]
    return "; ".join(link(name, url) + (f" ({link('stored copy', copies[url])})" if url in copies else "") for name, url in pairs if name)


def body(table, rows, label, quoted):
    """Rows as a table in a named region that keys can scroll; an anchor on each row; weak rows marked in words and by their edge, quoted ones ready to be a card."""
    shown = [field for field in table.fields if field["name"] not in SOURCES and any(row[field["name"]] for row in table.rows)]
    first = next((field for field in shown if field["name"] in table.key_fields), shown[0])
    shown = [first, *(field for field in shown if field is not first)]
    sourced = any(row.get("source_url") or row.get("publisher") for row in table.rows)
    names = [f'<th scope="col"{" class=n" if field["type"] in ("integer", "number") and field["name"] not in ("n", "id") else ""}>{words(field["title"])}'
             + (f' <span>({escape(field["unit"])})</span>' if field.get("unit") else "") + "</th>" for field in shown]
    lines = []
    for row in rows:
        marked, cited = weak(row), (table.name, table.key(row)) in quoted
        values = quoted[table.name, table.key(row)] if cited else ()
        cells = [cell(field, row[field["name"]], heading(field) * cited, values) for field in shown[1:]] + ([data(credit(row, table.copies), "t note" if cited else "t", "Source" * cited)] if sourced else [])
        head = ("<i>weak</i> " if marked else "") + words(row[first["name"]])
        kinds, named = " ".join(["weak"] * marked + ["quoted"] * cited), f' data-l="{escape(heading(first))}"' if cited else ""
        lines.append(f'<tr id="{escape(anchor(table.key(row)))}"' + (f' class="{kinds}"' if kinds else "")
                     + f'><th scope="row"{wide(row[first["name"]])}{named}>{f"<span>{head}</span>" if cited else head}</th>{"".join(cells)}</tr>')
    return (f'<div class="rows" role="region" tabindex="0" aria-label="{escape(label)}"><table><thead><tr>{"".join(names)}'
            + ('<th scope="col">Source</th>' if sourced else "") + f'</tr></thead><tbody>{"".join(lines)}</tbody></table></div>')


def turn(table, page, reach):
    """Links between the pages of a long table."""
    def name(number):
        first, last = table.part(number)
        span = f"{table.key(table.rows[first]).split('/')[0]} to {table.key(table.rows[last - 1]).split('/')[0]}"
        return f"Rows {first + 1:,} to {last:,}" + (f" ({span})" if table.key_fields[0] in ("month", "year") else "")
    parts = [f"<b>{escape(name(n))}</b>" if n == page else link(name(n), reach(f"{table.page(n)}.html")) for n in range(table.pages)]
    return f'<nav class="parts" aria-label="Pages of this table"><ul>{listed(parts)}</ul></nav>' if table.pages > 1 else ""


def facts(table, reach, late):
    """What a reader wants to know of a table before its rows, as a list of terms."""
    entry = table.entry
    terms = "; ".join(f"{link(one['title'], one.get('path'))}, checked {day(one['checked'])} ({escape(one['how'])})" for one in entry["licenses"])
    sources = "<br>".join(link(one["title"], one.get("path")) + f", {escape(one['publisher'])}" for one in entry["sources"])
    script = f" (<code>data/{escape(entry['built_by'])}</code>)" if entry.get("built_by") else ""
    due = f"next due {day(entry['due'])}" if entry["due"] else "settled history, not due again"
    checked = f"{day(entry['retrieved'])}; {due}" + (' <strong class="late">Overdue: it may have been superseded.</strong>' if late else "")
    files = f"{link('datapackage.json', reach('data/datapackage.json'))} describes every table"
    got = (f"{link(table.path.name, reach(f'data/{table.path.name}'))} ({max(1, round(entry['bytes'] / 1000))} kB); {files}" if entry["redistribute"]
           else f"None. {escape(entry['redistribute_note'])}")
    size = [("Rows", f"{len(table.rows):,}")] if table.fields else []
    pairs = [("Kind", KINDS[entry["class"]] + script), ("Coverage", words(entry["coverage"])), *size, ("Sources", sources), ("Licence", terms), ("Checked", checked), ("Download", got)]
    return "<dl class=\"facts\">" + "".join(f"<div><dt>{term}</dt><dd>{said[:1].upper() + said[1:]}</dd></div>" for term, said in pairs) + "</dl>"


def table_page(table, page, charts, reach, home, late, quoted):
    """A page of a table as HTML. `reach` turns an address in the site into one from this page; `home` is that of what the dictionary says of the table, or "".

    Of a table that may not be republished only the rows that a chapter quotes, {(table, key): values} in `quoted`, are shown.
    """
    entry, (first, last) = table.entry, table.part(page)
    back = link("The data", reach(home)) if home else "The data"
    parts = [f'<section class="table-page"><p class="kicker"><span>{back}</span> <span>{escape(table.name)}</span></p><h1>{words(entry["title"])}</h1>']
    if page == 0:
        parts += [f'<p class="standfirst">Each row is {words(entry["row"][:1].lower() + entry["row"][1:])}.</p><p>{words(entry["description"])}</p>', facts(table, reach, late)]
        if entry["caveats"]:
            parts.append(f"<h2>Before you use it</h2><ul>{listed(map(words, entry['caveats']))}</ul>")
        if charts:
            parts.append("<h2>Charts that draw on it</h2><ul>" + listed(link(title, reach(f"{doc}.html#fig-{id}")) for id, title, doc in charts) + "</ul>")
        if table.fields:
            lines = "".join(f'<tr><th scope="row"><code>{field["name"]}</code></th><td class="t">{words(field["description"])}</td><td>{field["type"]}</td>'
                            f'<td>{escape(field.get("unit", ""))}</td><td class="t">{rules(field, table, reach)}</td></tr>' for field in table.fields)
            head = "".join(f'<th scope="col">{word}</th>' for word in ("Column", "Meaning", "Type", "Unit", "Rules"))
            parts.append(f'<h2>Columns</h2><div class="rows" role="region" tabindex="0" aria-label="Columns of {escape(entry["title"])}">'
                         f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>")
    rows = table.rows[first:last] if entry["redistribute"] else [row for row in table.rows if (table.name, table.key(row)) in quoted]
    if rows:
        parts.append("<h2>Rows</h2>" if page == 0 else f"<h2>Rows {first + 1:,} to {last:,}</h2>")
        count = sum(map(weak, table.rows))
        if count and entry["redistribute"]:
            parts.append(f'<p class="small">Marked <em>weak</em>: {count:,} of {len(table.rows):,} rows, whose confidence is medium or low or whose value is second-hand, estimated or derived.</p>')
        parts += [turn(table, page, reach), body(table, rows, f"Rows of {entry['title']}", quoted)]
    if not entry["redistribute"]:
        here = "the rows that a chapter quotes one by one stand here" if rows else "no chapter quotes a row of it one by one, so none stands here"
        parts.append(f'<p class="small">No copy of this table is offered, as said above: {here}; the values that a chart draws stand under the chart.</p>')
    elif table.fields and not rows:
        parts.append("<h2>Rows</h2><p>There are none yet.</p>")
    return "".join(parts) + "</section>"


def shown(value):
    """A bound value for print: a date in words, a number to four digits after the point at most."""
    if isinstance(value, str):
        return escape(day(value)) if re.fullmatch(r"\d{4}(-\d\d){0,2}", value) else words(value)
    return f"{value:,.4f}".rstrip("0").rstrip(".").replace("-", "−") if abs(value) >= 10000 else f"{value:.4f}".rstrip("0").rstrip(".").replace("-", "−")


def ledger(entries, tables, reach):
    """Every bound phrase of a chapter with its values and where they come from, folded."""
    def places(entry):
        table = tables[entry["table"]]
        return ", ".join([link(table.entry["title"], reach(table.address())), *(link(f"row {row}", reach(table.address(row))) for row in dict.fromkeys(entry["rows"]) if row)])
    lines = "".join(f'<tr><th scope="row" class="t">{words(entry["phrase"])}</th><td class="t">{" · ".join(map(shown, entry["values"]))}</td><td class="t">{places(entry)}</td></tr>' for entry in entries)
    return ('<details class="ledger"><summary>Every number in this chapter, and where it comes from</summary>'
            '<div class="rows" role="region" tabindex="0" aria-label="Numbers in this chapter and their tables"><table><thead><tr><th scope="col">In the text</th>'
            f'<th scope="col">In the data</th><th scope="col">Table</th></tr></thead><tbody>{lines}</tbody></table></div></details>')
