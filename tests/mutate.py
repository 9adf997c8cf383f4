"""Break copies of the project, one thing at a time, and see which test notices: `make mutate` (SEED=7 N=80 ONLY=date).

Each mutation is drawn from a family with a seed that is printed, made in a copy in a temporary folder, shown to the
cheapest tests that could see it until one fails, and taken back. A test counts as having noticed only if it passes
again without the mutation. "Renewed" means that whoever broke a table ran `make data` after it, so that hash and data
page agree with the breakage. Not drawn: what the book's rule leaves uncounted (`numerals.UNCOUNTED` outside a bound
phrase, ordinals to "third"), and, for renewed tables, cells that no stored chart draws. Exit code 1 if any survives.
"""
import argparse
import collections
import csv
import hashlib
import io
import json
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date, timedelta
from pathlib import Path

from common import ROOT

import files
import numerals

SPEC = "application/vnd.vegalite.v6+json"
PYTEST = [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", "--rootdir=.", "-x", "-q", "-rfE", "--no-header"]
UNITS = ["minutes", "per cent", "won", "million US dollars", "kilobytes", "degrees north", "days"]

#: What to run, by name and in order of cost. "run" is followed by a chapter, "browser" by a page, both by a mutation itself.
STAGES = {
    "data": ["tests/test_data.py", "-m", "not slow"],
    "prose": ["tests/test_prose.py", "-m", "not slow"],
    "pages": ["tests/test_dictionary.py", "-m", "not slow"],
    "stored": ["tests/test_notebooks.py", "tests/test_outputs.py", "-m", "not slow"],
    "run": ["tests/test_notebooks.py", "-k", "fresh_run and {}"],
    "built": ["tests/test_site.py", "tests/test_ledger.py", "-k", "not (browser or visit or axe or script or search or switch or two_ways)"],
    "browser": ["tests/test_site.py", "-k", "{}"],
}


class Copy:
    """A copy of the project that remembers what it was."""

    def __init__(self, folder):
        self.root, self.kept = files.project(ROOT, folder), {}
        self.built = self.root.with_name(self.root.name + "-built")
        if (ROOT / ".venv").exists():
            (self.root / ".venv").symlink_to(ROOT / ".venv")

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def write(self, path, text):
        """Write text, or remove the file for None."""
        self.keep(path)
        (self.root / path).unlink() if text is None else (self.root / path).write_text(text, encoding="utf-8")

    def replace(self, path, old, new):
        text = self.read(path)
        assert old in text and old != new, f"{path} no longer holds {old!r}: mend the mutation"
        self.write(path, text.replace(old, new, 1))

    def keep(self, path):
        file = self.root / path
        self.kept.setdefault(path, (file.read_bytes(), file.stat()))

    def restore(self):
        """Bytes and times as they were, so that the build's memory of unchanged pages holds too."""
        if not self.kept:
            return
        for path, (raw, stat) in self.kept.items():
            (self.root / path).write_bytes(raw)
            os.utime(self.root / path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        self.kept.clear()
        if self.built.exists():
            shutil.rmtree(self.root / "_build", ignore_errors=True)
            shutil.copytree(self.built, self.root / "_build")

    def package(self):
        return json.loads(self.read("data/datapackage.json"))

    def describe(self, package):
        self.write("data/datapackage.json", json.dumps(package, indent=1, ensure_ascii=False) + "\n")

    def rows(self, path):
        with (self.root / "data" / path).open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def put(self, path, rows):
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        self.write(f"data/{path}", out.getvalue())

    def notebook(self, path):
        return json.loads(self.read(path))

    def chapters(self):
        return sorted(f"chapters/{path.name}" for path in (self.root / "chapters").glob("*.ipynb"))

    def line(self, path, old, new):
        """Change one source line of a notebook and nothing of how it is stored."""
        self.replace(path, json.dumps(old, ensure_ascii=False), json.dumps(new, ensure_ascii=False))


def specs(copy):
    """(notebook, spec) of every stored chart."""
    for path in copy.chapters():
        for cell in copy.notebook(path)["cells"]:
            for output in cell.get("outputs", []):
                if SPEC in output.get("data", {}):
                    yield path, output["data"][SPEC]


# ---- tables ------------------------------------------------------------------------------------------------------

def text(value):
    """A value of a stored chart as its table would write it."""
    return re.sub(r"T00:00:00(\.0+)?$", "", value) if isinstance(value, str) else f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def drawn(copy):
    """{table: [(chapter, {column: text})]}: the rows of stored charts, the tables that they draw."""
    found = collections.defaultdict(list)
    for path, spec in specs(copy):
        for rows in spec.get("datasets", {}).values():
            shown = [{column: text(value) for column, value in row.items()} for row in rows] if isinstance(rows, list) else []
            for table in spec["usermeta"]["figure"]["tables"]:
                found[table] += [(Path(path).stem, row) for row in shown]
    return found


def cells(copy, fits, renewed):
    """(entry, row from 1, column, cell, chapters) of every cell of a table not computed that `fits(field, cell)`; renewed, of a few cells of each that are drawn.

    A row is drawn where a chart's row agrees with it in every column that the two share, three at the least.
    """
    seen = drawn(copy) if renewed else {}
    for entry in copy.package()["resources"]:
        if entry["class"] == "constructed" or "schema" not in entry:
            continue
        header, *rows = copy.rows(entry["path"])
        fields = entry["schema"]["fields"]
        for at, row in enumerate(rows, 1):
            there = {name: f"{float(cell):g}" if field["type"] in ("integer", "number") and cell else cell or None for name, field, cell in zip(header, fields, row)}
            chapters = collections.defaultdict(set)
            for chapter, shown in seen.get(entry["name"], ()):
                common = shown.keys() & there.keys()
                if len(common) >= 3 and all(shown[name] == there[name] for name in common):
                    for name in common:
                        chapters[name].add(chapter)
            for place, field in enumerate(fields):
                if row[place] and fits(field, row[place]) and (chapters[field["name"]] or not renewed):
                    yield entry, at, place, row[place], chapters[field["name"]]


def number(field, cell):
    return field["type"] in ("integer", "number") and float(cell) != 0


def changed_number(draw, cell):
    """Another number of the same length."""
    places = [n for n, sign in enumerate(cell) if sign.isdigit()]
    at = places[0] if len(places) == 1 else draw.choice(places[:2])
    return cell[:at] + draw.choice([digit for digit in "123456789" if digit != cell[at]]) + cell[at + 1:]


def other_day(draw, cell):
    if len(cell) == 10:
        return (date.fromisoformat(cell) - timedelta(days=draw.choice([1, 30, 365]))).isoformat()
    return str(int(cell[:4]) - 1) + cell[4:]


EDITS = {  # name: (which cells, what the cell becomes)
    "value": (number, changed_number),
    "date": (lambda field, cell: field["type"] in ("date", "yearmonth", "year"), other_day),
    "sign": (number, lambda draw, cell: cell.removeprefix("-") if cell.startswith("-") else f"-{cell}"),
    "country swapped": (lambda field, cell: cell in ("JPN", "KOR"), lambda draw, cell: "KOR" if cell == "JPN" else "JPN"),
    "source removed": (lambda field, cell: field["name"] == "source_url", lambda draw, cell: ""),
}


def edited(name, renewed=False):
    fits, change = EDITS[name]

    def mutate(copy, draw):
        choices = collections.defaultdict(list)
        for entry, *rest in cells(copy, fits, renewed and name != "source removed"):
            choices[entry["name"]].append((entry, *rest))
        entry, row, column, cell, chapters = draw.choice(choices[draw.choice(sorted(choices))])
        rows = copy.rows(entry["path"])
        rows[row][column] = change(draw, cell)
        copy.put(entry["path"], rows)
        return f"data/{entry['path']}, row {row}, {rows[0][column]}: {cell!r} became {rows[row][column]!r}", chapters
    return mutate


def moved(action, renewed=False):
    """A row dropped or repeated; renewed, one of which a chart draws a value."""
    def mutate(copy, draw):
        choices = collections.defaultdict(list)
        for entry, row, _, _, chapters in cells(copy, number, renewed):
            choices[entry["name"]].append((entry, row, chapters))
        entry, row, chapters = draw.choice(choices[draw.choice(sorted(choices))])
        rows = copy.rows(entry["path"])
        rows[row:row + 1] = [] if action == "dropped" else [rows[row], rows[row]]
        copy.put(entry["path"], rows)
        return f"data/{entry['path']}, row {row} {action}", chapters
    return mutate


def unit(copy, draw):
    package = copy.package()
    entry, field = draw.choice([(entry, field) for entry in package["resources"] for field in entry.get("schema", {}).get("fields", []) if field.get("unit")])
    old, field["unit"] = field["unit"], draw.choice([unit for unit in [*UNITS, f"thousand {field['unit']}"] if unit[:7] != field["unit"][:7]])
    copy.describe(package)
    return f"data/datapackage.json, {entry['name']}.{field['name']}: unit {old!r} became {field['unit']!r}", set()


def no_source(copy, draw):
    package = copy.package()
    entry = draw.choice(package["resources"])
    entry["sources"] = []
    copy.describe(package)
    return f"data/datapackage.json, {entry['name']}: sources removed", set()


def stale_hash(copy, draw):
    package = copy.package()
    entry = draw.choice(package["resources"])
    entry["hash"] = entry["hash"][:-1] + ("0" if entry["hash"][-1] != "0" else "1")
    copy.describe(package)
    return f"data/datapackage.json, {entry['name']}: hash of another file", set()


def by_hand(copy, draw):
    """A computed table edited, and its hash renewed without the script."""
    package = copy.package()
    entry = draw.choice([entry for entry in package["resources"] if entry["class"] == "constructed"])
    rows, places = copy.rows(entry["path"]), [n for n, field in enumerate(entry["schema"]["fields"]) if field["type"] in ("integer", "number")]
    row, column = draw.choice([(r, c) for r in range(1, len(rows)) for c in places if rows[r][c]])
    old, rows[row][column] = rows[row][column], changed_number(draw, rows[row][column])
    copy.put(entry["path"], rows)
    raw = (copy.root / "data" / entry["path"]).read_bytes()
    entry |= {"hash": f"sha256:{hashlib.sha256(raw).hexdigest()}", "bytes": len(raw)}
    copy.describe(package)
    return f"data/{entry['path']}, row {row}, {rows[0][column]}: {old} became {rows[row][column]}, hash renewed by hand", set()


# ---- prose -------------------------------------------------------------------------------------------------------

HIDDEN = re.compile(r"\]\([^)]*\)|`[^`]*`|<[^>]*>|(?m:^\s*\d+\.\s|^:{3,}.*$|^`{3,}.*$|^:[\w-]+:.*$|^\(.*\)=$)|CC BY 4\.0")


def sentences(copy):
    """(file, line, text with what readers do not see blanked) of every line of prose."""
    for path in copy.chapters():
        for cell in copy.notebook(path)["cells"]:
            if cell["cell_type"] == "markdown":
                yield from ((path, line, HIDDEN.sub(lambda found: " " * len(found[0]), line)) for line in cell["source"])
    for path in ("index.md", "chapters/about.md"):
        lines = copy.read(path).partition("\n---\n")[2].splitlines(keepends=True) if path == "index.md" else copy.read(path).splitlines(keepends=True)
        yield from ((path, line, HIDDEN.sub(lambda found: " " * len(found[0]), line)) for line in lines)


def prose(kind):
    fits = {"digit": lambda found: found.step != "date" and found.text[0].isdigit(), "date": lambda found: found.step == "date" or re.fullmatch(r"(1[89]|20)\d\d", found.text),
            "number word": lambda found: found.text[0].isalpha() and found.step != "date" and found.text.lower() not in numerals.UNCOUNTED}[kind]

    def mutate(copy, draw):
        path, line, found = draw.choice([(path, line, found) for path, line, shown in sentences(copy) for found in numerals.find(shown) if fits(found)])
        if kind == "number word":
            new = draw.choice([word for word in ("four", "seven", "eleven", "thirty", "half", "twice") if word != found.text.lower()])
            new = new.capitalize() if found.text[0].isupper() else new
        else:
            new = changed_number(draw, found.text)
            new = new if kind != "date" else re.sub(r"\d{4}", lambda year: str(int(year[0]) + draw.choice([-1, 1])), found.text)
        changed = line[:found.start] + new + line[found.end:]
        (copy.line if path.endswith(".ipynb") else copy.replace)(path, line, changed)
        return f"{path}: {found.text!r} became {new!r} in “{line[max(0, found.start - 30):found.end + 20].strip()}”", set()
    return mutate


def measure(copy, draw):
    """The unit after a number in prose."""
    swap = {"minutes": "hours", "hours": "minutes", "days": "weeks", "months": "years", "years": "months", "yen": "won", "won": "yen", "dollars": "won", "%": " million", "million": "billion"}
    pattern = re.compile(r"(?<=\d)(%)|(?<=\d )(" + "|".join(swap) + r")\b")
    path, line, found = draw.choice([(path, line, found) for path, line, shown in sentences(copy) for found in pattern.finditer(shown)])
    changed = line[:found.start()] + swap[found[0]] + line[found.end():]
    (copy.line if path.endswith(".ipynb") else copy.replace)(path, line, changed)
    return f"{path}: {found[0]!r} became {swap[found[0]]!r} in “{line[max(0, found.start() - 30):found.end() + 20].strip()}”", set()


# ---- charts ------------------------------------------------------------------------------------------------------

SWAPS = {
    "field": [(r'"(\w+)(:[QNOT]")', None)],
    "filter": [(r"(?<=[\w) ])(==)(?= )", "!="), (r"( > )", " < "), (r"( < )", " > "), (r"(\.eq\()", ".ne("), (r"(\.ne\()", ".eq("), (r"( >= )", " < "), (r"(?<=transform_filter\(\")(datum)", "!datum")],
    "aggregate": [(r'(?<=["\'])(sum)(?=[("\'])', "mean"), (r"(\.sum\(\))", ".max()"), (r"(\.max\(\))", ".min()"), (r"(\.size\(\))", ".nunique()"), (r'(?<=", ")(size)(?="\))', "max"), (r'(?<=["\'])(mean)(?=["\'])', "max"),
                  (r"(\.cumsum\(\))", ".cummax()"), (r"(\.min\(\))", ".max()"), (r"(\.mean\(\))", ".max()")],
    "title": [(r'(?<=^    title=")(\w+)', "Perhaps")],
    "alt": [(r'(?<=^    alt=")(\w+)', "Perhaps")],
}


def code(kind):
    """One thing in the code of a chart cell or of the cell before it, the stored output left alone."""
    def mutate(copy, draw):
        found = []
        for path in copy.chapters():
            sources = [cell["source"] for cell in copy.notebook(path)["cells"] if cell["cell_type"] == "code"]
            for source in sources[:-1]:
                fields = sorted(set(re.findall(r'"(\w+):[QNOT]"', "".join(source))))
                for line in source:
                    for pattern, new in SWAPS[kind]:
                        others = [new] if new else fields
                        found += [(path, line, match, other) for match in re.finditer(pattern, line) for other in others if other != match[1] and "add_params" not in line]
        path, line, match, new = draw.choice(found)
        changed = line[:match.start(1)] + new + line[match.end(1):]
        copy.line(path, line, changed)
        return f"{path}: {match[1].strip()!r} became {new.strip()!r} in “{line.strip()[:90]}”", {Path(path).stem}
    return mutate


def counted(words):
    """The numbers in a text that the book's rule counts."""
    return [found for found in numerals.find(words) if found.text.lower() not in numerals.UNCOUNTED]


def stored(kind):
    """One thing in a stored output."""
    def mutate(copy, draw):
        path, spec = draw.choice(list(specs(copy)))
        figure = spec["usermeta"]["figure"]
        if kind in ("headline", "number in a headline"):
            parts = [part for part in ("title", "subtitle", "alt", "note") if figure[part] and (kind == "headline" or counted(figure[part]))]
            if not parts:
                return mutate(copy, draw)
            part = draw.choice(parts)
            old = new = figure[part]
            if kind == "headline":
                new = old[:-1] + "!"
            else:
                found = draw.choice(counted(old))
                new = old[:found.start] + (changed_number(draw, found.text) if re.search(r"\d", found.text) else "ninety") + old[found.end:]
            copy.replace(path, f'"{part}": {json.dumps(old, ensure_ascii=False)}', f'"{part}": {json.dumps(new, ensure_ascii=False)}')
            return f"{path}: stored {part} of {figure['id']}: {old[:60]!r} became {new[:60]!r}", {Path(path).stem}
        if kind == "value":
            row, column = draw.choice([(row, column) for rows in spec["datasets"].values() if isinstance(rows, list) for row in rows for column, value in row.items() if isinstance(value, (int, float)) and not isinstance(value, bool)]
                                      or [(row, column) for rows in spec["datasets"].values() if isinstance(rows, list) for row in rows for column in row])
            new = {**row, column: row[column] + 1 if isinstance(row[column], (int, float)) else f"{row[column]}?"}
            copy.replace(path, *(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in (row, new)))
            return f"{path}: stored {column} of {figure['id']} is {new[column]} and not {row[column]}", {Path(path).stem}
        drawing = copy.read(f"figures/{figure['id']}.svg")
        old = draw.choice(re.findall(r">([^<>\n]{3,})</text>", drawing))
        copy.replace(f"figures/{figure['id']}.svg", f">{old}</text>", f">{old[::-1]}.</text>")
        if kind == "drawing and figure":
            copy.replace(path, f">{old}</text>".replace('"', '\\"'), f">{old[::-1]}.</text>".replace('"', '\\"'))
        return f"{kind} {figure['id']}: {old!r} is another text", {Path(path).stem}
    return mutate


def ledger_value(copy, draw):
    path = draw.choice([path for path in copy.chapters() if '{"phrase":' in copy.read(path)])
    text = copy.read(path)
    found = draw.choice(list(re.finditer(r'(?<=\n)\{"phrase":.*"values":\[(\d[\d.]*)', text)))
    copy.write(path, text[:found.start(1)] + str(float(found[1]) * 2 + 1) + text[found.end(1):])
    return f"{path}: a stored ledger value is {float(found[1]) * 2 + 1} and not {found[1]}", {Path(path).stem}


def gone(pattern):
    def mutate(copy, draw):
        path = draw.choice(sorted(path.relative_to(copy.root).as_posix() for path in copy.root.glob(pattern)))
        copy.write(path, None)
        return f"{path} deleted", set()
    return mutate


# ---- the site ----------------------------------------------------------------------------------------------------

TEMPLATE, STYLE = "book/theme/new_chapter/layout.html", "book/theme/new_chapter/static/new_chapter.css"
FOREIGN = [(TEMPLATE, "</head>", '<script src="https://cdn.jsdelivr.net/npm/vega@6"></script>\n</head>'), (STYLE, "@font-face", "@import url(https://fonts.googleapis.com/css?family=Lato);\n@font-face"),
           (TEMPLATE, "</head>", '<link rel="stylesheet" href="//cdn.example.org/x.css">\n</head>'), (TEMPLATE, "</head>", "<script>window.count = 1</script>\n</head>"),
           (TEMPLATE, '<html lang="', '<html data-lang="')]
PAGE = "02_twelve_meetings"  # has a drop-down
CONTROLS = [("book/charts/charts.js", 'input.addEventListener("input", () =>', 'input.addEventListener("input", () => null &&', "quick_quiet and {}"),
            ("book/charts/charts.js", 'holder.addEventListener("keydown"', 'holder.addEventListener("keyright"', "quick_quiet and {}"),
            ("book/theme/new_chapter/static/new_chapter.js", 'button.addEventListener("click"', 'button.addEventListener("clack"', "switch_reaches")]


def foreign(copy, draw):
    path, old, new = draw.choice(FOREIGN)
    copy.replace(path, old, new)
    return f"{path}: {new[:70]!r}", set()


def control(copy, draw):
    path, old, new, test = draw.choice(CONTROLS)
    copy.replace(path, old, new)
    return f"{path}: {new!r}", {test.format(PAGE)}


def link(pattern, spoil):
    def mutate(copy, draw):
        path, line, found = draw.choice([(path, line, found) for path, line, _ in sentences(copy) for found in re.finditer(pattern, line)])
        changed = line[:found.start(1)] + spoil(found[1]) + line[found.end(1):]
        (copy.line if path.endswith(".ipynb") else copy.replace)(path, line, changed)
        return f"{path}: {found[1]!r} became {spoil(found[1])!r}", set()
    return mutate


def no_chapter(copy, draw):
    line = draw.choice([line for line in copy.read("_toc.yml").splitlines(keepends=True) if "file:" in line])
    copy.replace("_toc.yml", line, "")
    return f"_toc.yml: {line.strip()!r} dropped", set()


#: Family: (stages in order of cost, how to break).
FAMILIES = {
    **{name: (["data"], edited(name)) for name in EDITS},
    **{f"{name}, renewed": (["make data", "data", "prose", "pages", "stored", "run"], edited(name, True)) for name in EDITS},
    "unit": (["data", "pages"], unit), "unit, renewed": (["make data", "data", "prose", "pages"], unit),
    "row dropped": (["data"], moved("dropped")), "row dropped, renewed": (["make data", "data", "prose", "pages", "stored", "run"], moved("dropped", True)),
    "row repeated": (["data"], moved("repeated")), "row repeated, renewed": (["make data", "data", "prose", "run"], moved("repeated", True)),
    "sources of a table removed": (["data"], no_source), "hash of another file": (["data"], stale_hash), "computed table edited": (["data", "pages"], by_hand),
    **{f"{kind} in prose": (["prose", "pages"], prose(kind)) for kind in ("digit", "date", "number word")}, "unit in prose": (["prose"], measure),
    **{f"chart's {kind} in code": (["run"], code(kind)) for kind in SWAPS},
    **{f"stored {kind}": (["stored", "prose", "pages", "run"], stored(kind)) for kind in ("headline", "value", "figure", "drawing and figure")},
    "number in a stored headline": (["prose"], stored("number in a headline")), "stored ledger value": (["prose", "run"], ledger_value), "figure deleted": (["stored"], gone("figures/[!c]*.svg")), "card deleted": (["stored"], gone("figures/card-*.png")),
    "something foreign in the theme": (["built"], foreign), "control": (["browser"], control), "chapter not in the contents": (["built"], no_chapter),
    "broken link": (["built"], link(r"\]\(([\w/]+\.(?:ipynb|md))\)", lambda to: to.replace(".", "_.", 1))),
    "broken cross-reference": (["built"], link(r"\{chart\} ([\w-]+)|\]\((#[\w-]+)\)", lambda to: f"{to}-2")),
}


# ---- running -----------------------------------------------------------------------------------------------------

class Runner:
    """Commands in a copy, each in a process group of its own so that an interruption ends all of them."""
    going, sound, lock, stopped = set(), {}, threading.Lock(), False

    def __init__(self, copy):
        self.copy = copy

    def run(self, *command):
        with self.lock:
            if self.stopped:
                raise KeyboardInterrupt
            process = subprocess.Popen(command, cwd=self.copy.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace", start_new_session=True)
            self.going.add(process)
        said = process.communicate()[0]
        self.going.discard(process)
        if self.stopped:
            raise KeyboardInterrupt
        return process.returncode, re.sub(r"\x1b\[[0-9;]*m", "", said)

    def stage(self, name, what):
        """What fails in a stage, or None."""
        if name == "make data":
            for tool in ("package", "dictionary"):
                for path in ("data/datapackage.json", *(f"data/{entry['path']}" for entry in self.copy.package()["resources"] if entry["class"] == "constructed"), *(f"chapters/{page.name}" for page in (self.copy.root / "chapters").glob("*.md"))):
                    self.copy.keep(path)
                code, said = self.run(sys.executable, f"book/tools/{tool}.py")
                if code:
                    return "make data: " + next(line for line in said.splitlines() if line and not line.startswith("  "))
            return None
        if name in ("built", "browser"):
            code, said = self.run(sys.executable, "book/tools/build.py")
            if code:
                return "strict build: " + next((line.strip() for line in said.splitlines() if re.search("WARNING|ERROR|Error", line)), said.strip()[-200:])
            if not self.copy.built.exists() and not self.copy.kept:
                shutil.copytree(self.copy.root / "_build", self.copy.built)
        code, said = self.run(*PYTEST, *(part.format(what) for part in STAGES[name]))
        if code in (0, 5):
            assert code == 0, f"stage {name} {what} holds no test:\n{said[-500:]}"
            return None
        lines = re.findall(r"(?m)^(?:FAILED|ERROR) (?:tests/)?(.+)$", said)
        return lines[0] if lines else said.strip()[-300:]

    def judge(self, family, seed):
        """Apply one mutation; return (what was done, which test noticed or None, seconds)."""
        start, (stages, mutate) = time.monotonic(), FAMILIES[family]
        try:
            if set(stages) & {"built", "browser"} and not self.copy.built.exists():
                fault = self.stage("built", "")
                assert not fault, f"the copy fails before anything is broken: {fault}"
                self.sound["built", ""] = True
            done, aim = mutate(self.copy, random.Random(seed))
            noticed = None
            for name in stages:
                for what in sorted(aim) if name in ("run", "browser") else [""]:
                    noticed = self.stage(name, what)
                    if noticed:
                        break
                if noticed:
                    break
            self.copy.restore()
            if noticed and not noticed.startswith(("make data", "strict build")) and not self.sound.get((name, what)):
                still = self.stage(name, what)
                assert not still, f"the tests fail before anything is broken, so they prove nothing: {still}"
                self.sound[name, what] = True
            return done, noticed, time.monotonic() - start
        finally:
            self.copy.restore()


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--seed", default=str(random.SystemRandom().randrange(10_000)))
    ask.add_argument("--number", default="80", help="how many mutations (at least one of each family)")
    ask.add_argument("--only", default="", help="families whose name holds this word")
    asked = ask.parse_args()
    for name, said in {"SEED": asked.seed, "N": asked.number}.items():
        if not re.fullmatch("[0-9]+", said):
            sys.exit(f"{name} takes a whole number, as in {name}=7, not {said!r}.")
    asked.seed, asked.number = int(asked.seed), int(asked.number)
    families = [family for family in FAMILIES if asked.only in family]
    if not families:
        sys.exit(f"No family of mutations has {asked.only!r} in its name; there are: {'; '.join(FAMILIES)}.")
    draw, plan = random.Random(asked.seed), []
    while len(plan) < max(asked.number, len(families)):
        plan += draw.sample(families, len(families))
    plan = [(family, f"{asked.seed}/{n}") for n, family in enumerate(plan[:max(asked.number, len(families))])]
    waiting, results, errors, workers = queue.SimpleQueue(), [], [], min(os.cpu_count() or 1, 2)
    for one in sorted(plan, key=lambda one: bool(set(FAMILIES[one[0]][0]) & {"built", "browser"})):
        waiting.put(one)
    print(f"{len(plan)} mutations from {len(families)} families, seed {asked.seed} ('make mutate SEED={asked.seed}' draws them again).", flush=True)

    def work(folder):
        runner = Runner(Copy(folder))
        while not errors:
            try:
                family, seed = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done, noticed, seconds = runner.judge(family, seed)
            except BaseException as error:
                return errors.append(f"{family} ({seed}): {type(error).__name__}: {error}")
            results.append((family, done, noticed))
            print(f"{len(results):3}/{len(plan)} {seconds:4.0f} s  {'caught  ' if noticed else 'SURVIVED'}  {family}: {done}\n" + (f"                     by {noticed[:150]}" if noticed else ""), flush=True)

    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        threads = [threading.Thread(target=work, args=(Path(folder) / f"copy{n}",)) for n in range(workers)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            Runner.stopped = True
            for process in list(Runner.going):
                os.killpg(process.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
    if errors:
        sys.exit(f"\nStopped: {errors[0]}")
    print(f"\n{'Family':40}{'drawn':>6}{'caught':>8}")
    for family in families:
        drawn_here = [noticed for name, _, noticed in results if name == family]
        print(f"{family:40}{len(drawn_here):6}{sum(map(bool, drawn_here)):8}")
    left = [(family, done) for family, done, noticed in results if not noticed]
    print(f"{'All':40}{len(results):6}{len(results) - len(left):8}   seed {asked.seed}")
    if left:
        sys.exit(f"\n{len(left)} survived; no test of the stages named saw them:\n" + "\n".join(f"  {family} ({', '.join(FAMILIES[family][0])}): {done}" for family, done in left))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the copies were removed.")
