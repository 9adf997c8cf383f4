"""Write the data dictionary (`chapters/data.md` and its parts), `chapters/glossary.md` and `chapters/corrections.md` from `data/` and the chapters' stored charts.

`python book/tools/dictionary.py` (part of `make data` and `make notebooks`). The pages say nothing that is not there,
and are written only if they change; `render` gives their text to the tests.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import files  # noqa: E402
from book.site import package  # noqa: E402

#: Tables that no one chapter owns; the others stand under the chapter that is named first in the descriptor.
SHARED = ("key_moments", "leaders", "leader_terms", "countries", "world_land", "glossary", "corrections", "archived_copies")
THEMES = {"02": "Meetings of leaders", "03": "Sixty years", "04": "Court-ordered damages", "05": "The low point, and opinion", "06": "Crossing the strait",
          "07": "Getting people out", "08": "The neighbourhood", "01": "The article and after", "09": "The article and after", "me": "How the book was checked", "shared": "Shared by all chapters"}
#: The dictionary's pages, {file: (heading, themes)}: on each as much as a phone gets in the first round of a connection. A theme that none has goes to the last.
PARTS = {"data_sixty_years": ("The data: leaders and sixty years", ("Meetings of leaders", "Sixty years")),
         "data_people": ("The data: damages, opinion, travel and evacuations", ("Court-ordered damages", "The low point, and opinion", "Crossing the strait", "Getting people out")),
         "data_neighbourhood": ("The data: the neighbourhood, and what chapters share", ())}
OURS = "CC-BY-4.0"
PREVIEW, WIDTH, CAVEATS = 4, 32, 1  # columns of a preview, characters of a cell, caveats before "more": the page has to stay light

SOURCED = ("source_url", "publisher", "source_url_2", "publisher_2", "confidence", "note")


def md(text):
    """Text that Markdown leaves as it is."""
    return re.sub(r"([\\`*_\[\]<>{}|#~$])", r"\\\1", re.sub(r"\s+", " ", str(text)))


def link(text, address):
    return f"[{md(text)}](<{address.replace('<', '%3C').replace('>', '%3E')}>)" if address else md(text)


def theme(table):
    """The heading that a table stands under: that of its first chapter; a chapter without one lends the words of its file's name."""
    chapter = "shared" if table.name in SHARED or not table.entry["chapters"] else table.entry["chapters"][0]
    return THEMES.get(chapter if chapter == "shared" else chapter[:2]) or chapter.split("_", 1)[-1].replace("_", " ").capitalize()


def preview(table):
    """The first and the last row, in the columns that say most at a glance."""
    rows = table.rows
    chosen = [rows[n] for n in sorted({0, len(rows) // 2, len(rows) - 1})] if rows else []
    dull = re.compile(r"source_url|publisher|confidence|note|status|date_precision|acting|_2$|^n$")
    names = [field for field in table.fields if not dull.search(field["name"]) and sum(bool(row[field["name"]]) for row in chosen) > 1]
    names = [field for field in names if field["name"] != "id"] or table.fields
    measured = next((field for field in names[PREVIEW:] if field["type"] in ("integer", "number")), None)
    names = names[:PREVIEW]
    if measured and not any(field.get("unit") for field in names):
        names[-1] = measured
    if not rows:
        return []
    cut = (lambda text: text if len(text) <= WIDTH else text[:WIDTH].rsplit(" ", 1)[0].rstrip(",;") + " …")
    align = ["--:" if field["type"] in ("integer", "number") else "---" for field in names]
    counts = [field for field in names if field["type"] in ("integer", "number") and field["name"] not in ("n", "id")]
    heads = [field["title"] + (f" ({field['unit']})" if field.get("unit") else "") for field in names]
    return [f"| {' | '.join(map(md, heads))} |", f"| {' | '.join(align)} |",
            *(f"| {' | '.join(md(cut(package.grouped(row[field['name']]) if field in counts else row[field['name']])) for field in names)} |" for row in chosen[::len(chosen) - 1 or 1]), ""]


def block(table, charts):
    """All that the dictionary says of one table, as lines."""
    entry, file = table.entry, f"../data/{table.path.name}"
    kind = {"curated": "curated", "verbatim": "official or published series", "record": "the book's own records", "constructed": f"worked out by `data/{entry.get('built_by')}`"}[entry["class"]]
    due = f"due again {package.day(entry['due'])}" if entry["due"] else "settled"
    count = f"{len(table.rows):,} rows" if table.rows else "no row yet" if table.fields else "a map"
    yield from (f"(table-{table.name})=", f"### {md(entry['title'])}", "", f"{md(entry['description'])} Each row is {md(entry['row'][:1].lower() + entry['row'][1:])}.", "")
    yield from preview(table)
    got = f"[CSV]({file})" if table.fields and entry["redistribute"] else f"[JSON]({file})" if entry["redistribute"] else "no download"
    label = f"All {count}" if len(table.rows) > 1 else "The table"
    yield from (f"[{label}: `{table.name}`]({file}) · {got} · {md(entry['coverage'])} · {kind} · checked {package.day(entry['retrieved'])}, {due}", "")
    if charts:
        yield from ("Charts: " + ", ".join(f"{{numref}}`fig-{id}`" for id, *_ in charts), "")
    yield from ("<details>", "<summary>Columns, sources, licence, caveats</summary>", "")
    if table.fields:
        columns = [f"`{field['name']}`" + (f" ({md(field['unit'])})" if field.get("unit") else "") for field in table.fields if field["name"] not in SOURCED]
        rest = "; source, publisher, confidence and note of each row" if any(field["name"] == "source_url" for field in table.fields) else ""
        yield from ("**Columns:** " + ", ".join(columns) + rest + ".", "")
    yield from ("**Sources:** " + md("; ".join(dict.fromkeys(one["publisher"] for one in entry["sources"]))) + ".", "")
    yield from ("**Licence:** " + "; ".join(f"{md(one['title'])}, checked {package.day(one['checked'])}" for one in entry["licenses"]) + ".", "")
    if not entry["redistribute"]:
        yield from (f"**No download:** {md(entry['redistribute_note'])}", "")
    more = len(entry["caveats"]) - CAVEATS
    if entry["caveats"]:
        yield from ("**Beware:** " + " ".join(map(md, entry["caveats"][:CAVEATS])) + (f" ({more} more on its page.)" if more > 0 else ""), "")
    yield from ("</details>", "")


def by_theme(tables, themes=None):
    """(heading, its tables) of these themes, of all by default; headings without a table are left out."""
    for heading in themes or dict.fromkeys([*THEMES.values(), *map(theme, tables.values())]):
        mine = [table for table in tables.values() if theme(table) == heading]
        if mine:
            yield heading, mine


def dictionary(root):
    """{page's name: its lines}: the list of all tables, then their descriptions."""
    tables = package.tables(root)
    listed = {f"chapters/{name}" for name in re.findall(r"chapters/([\w-]+)", (root / "_toc.yml").read_text("utf-8"))}
    charts, closed = package.charts(root, listed), sum(not table.entry["redistribute"] for table in tables.values())
    own = sum(table.entry["redistribute"] and any(one["name"] != OURS for one in table.entry["licenses"]) for table in tables.values())
    rows = sum(len(table.rows) for table in tables.values())
    made = "<!-- Written by book/tools/dictionary.py from data/datapackage.json: edit that, then `make data`. -->"
    lines = [made, "# The data", "",
                f"Every number in the book comes from one of {len(tables)} files, {rows:,} rows in all. Each is described one link away: its columns, the first and the last row, where they come from, "
                "on what terms, and what to beware of. From there another link leads to all its rows with their sources, and to what each column means.", "",
                "[The descriptor](../data/datapackage.json) is a Data Package: `frictionless` and like tools read all tables with their types; `pandas.read_csv` reads any of them alone. "
                f"For {closed} of the tables no file is offered, because their sources do not allow a copy or state no terms: their pages say which. "
                f"Of the rest, {own} are wholly or in part under open licences other than the book's CC BY; each table names its own.", ""]
    for heading, mine in by_theme(tables):
        lines += [f"## {heading}", "", *(f"- {{ref}}`table-{table.name}`" + (f", {len(table.rows):,} rows" if len(table.rows) > 1 else "") + f". {md(re.split(r'(?<=[.])(?= [A-Z])', table.entry['description'])[0])}" for table in mine), ""]
    placed = {heading for _, themes in PARTS.values() for heading in themes}
    found = {"data": lines}
    for name, (title, themes) in PARTS.items():
        found[name] = [made, f"# {title}", "", "Part of [the list of all tables](data.md).", ""]
        for heading, mine in by_theme(tables, themes or [heading for heading, _ in by_theme(tables) if heading not in placed]):
            found[name] += [f"## {heading}", "", *(line for table in mine for line in block(table, charts.get(table.name, [])))]
    return found


def corrections(root):
    table = package.tables(root).get("corrections")
    rows = sorted(table.rows, key=package.in_order, reverse=True) if table else []
    yield from ("<!-- Written by book/tools/dictionary.py from data/corrections.csv: edit that, then `make data`. -->", "# Corrections", "",
                "When a value in this book turns out to be wrong after it was published, the table is corrected, every chart and sentence that rests on it is made again, and the change is listed here "
                "with its old value, its new one and the evidence.", "")
    if not rows:
        yield from ("No correction has been made since publication. Errors found while the tables were checked before that were mended in place; "
                    "the methods page says how many were looked for and found.", "")
    for row in rows:
        yield from (f"(correction-{row['id']})=", f"## {package.day(row['date'])}: {md(row['table'])}, {md(row['column'])}", "",
                    f"Row {md(row['row_key'])} of [{md(row['table'])}](../data/{package.tables(root)[row['table']].path.name}): "
                    f"{md(row['was']) or 'blank'} became **{md(row['now']) or 'blank'}**. {md(row['reason'])} Source: {link(row['publisher'], row['source_url'])}.", "")
    yield from ("```{report-error}", "```", "", '<p>The list is also <a href="../corrections.xml">a feed</a>, and <a href="../tables/corrections.html">a table</a> like any other.</p>', "")


def glossary(root):
    kinds = {"person": "People", "body": "Bodies", "agreement": "Agreements and papers", "place": "Places", "term": "Words"}
    rows = package.tables(root)["glossary"].rows
    yield from ("<!-- Written by book/tools/dictionary.py from data/glossary.csv: edit that, then `make data`. -->", "# Glossary", "",
                "The people, bodies, papers, places and words of this book in English, Japanese and Korean. Where a word is disputed, the entry says which one the book uses and why. "
                "Of the leaders, those with a larger part are here; [the table of leaders](../data/leaders.csv) has every one. Names stand family name first, as both languages write them.", "")
    for kind, heading in kinds.items():
        yield from (f"## {heading}", "")
        for row in sorted((row for row in rows if row["kind"] == kind), key=lambda row: row["term_en"].lower().strip('"')):
            names = " · ".join(md(row[name]) for name in ("term_ja", "term_ko") if row[name])
            said = " ".join(md(row[part]) for part in ("definition", "usage") if row[part])
            yield from (f"[{md(row['term_en'])}]{{#term-{row['id']}}}" + f", also *{md(row['also_en'])}*" * bool(row["also_en"]) + (f" ({names})" if names else ""), f": {said} Source: {link(row['publisher'], row['source_url'])}.", "")


def render(root=ROOT):
    """{path: text} of the pages."""
    root = Path(root)
    found = {**dictionary(root), "glossary": glossary(root), "corrections": corrections(root)}
    return {root / f"chapters/{name}.md": re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n" for name, lines in found.items()}


def main():
    pages = render()
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text]
    files.replace(pages)
    for path in stale:
        print(f"  {path.relative_to(ROOT)} written")


def stop(message):
    sys.exit(f"The data pages were left as they were: {message}")


if __name__ == "__main__":
    files.told(main, stop)
