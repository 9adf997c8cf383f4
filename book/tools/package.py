"""Bring `data/` into agreement with itself after an edit.

`python book/tools/package.py` (what `make data` runs) works in a copy: it puts each value of `corrections.csv` in its
place, rebuilds the constructed tables, loads every table as the chapters do, and writes hash, bytes and rows of each
into the descriptor. Only when all of it is sound does anything in `data/` change; else what is wrong is named.
"""
import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
sys.path[:0] = [str(ROOT), str(ROOT / "chapters")]

import files  # noqa: E402
import house  # noqa: E402
import stale  # noqa: E402
from book.site.package import in_order, tables  # noqa: E402


def stop(message):
    sys.exit(f"{message}\ndata/ was left as it was.")


def correct(root):
    """Put the corrected values in their tables; return {table: {(row's number, column): correction's id}} of those that had others. Raises ValueError for a correction that does not fit its table."""
    house.load("corrections")
    found, now = tables(root), {}
    for row in sorted(found["corrections"].rows, key=in_order):
        place, table = f"data/corrections.csv, {row['id']}", found.get(row["table"])
        if table is None or not table.fields:
            raise ValueError(f"{place}: there is no table {row['table']!r}{house.near(row['table'], found) or '; the names are in data/datapackage.json'}")
        if row["was"] == row["now"]:
            raise ValueError(f"{place}: was and now are both {row['now']!r}; say the value as it was and as it is to be, or remove the line")
        if row["column"] == "row":
            continue
        if table.entry["class"] == "constructed":
            raise ValueError(f"{place}: {table.name} is worked out by data/{table.entry['built_by']}; correct the table that it reads")
        if row["column"] in table.entry["schema"]["primaryKey"]:
            raise ValueError(f"{place}: {row['column']} is part of the key of {table.name}, by which rows are found; edit data/{table.path.name} by hand, and give 'row' as the column here")
        house.raw_rows(table.entry)  # says what is wrong with a file that cannot be read
        for kind, word, known, named in (("row", row["row_key"], table.places, f"a row is named by its {' / '.join(table.key_fields)}"), ("column", row["column"], [field["name"] for field in table.fields], "the names are in data/datapackage.json")):
            if word not in known:
                raise ValueError(f"{place}: data/{table.path.name} has no {kind} {word!r}{house.near(word, known) or f'; {named}'}")
        cells, column = table.rows[table.places[row["row_key"]]], row["column"]
        _, value, _ = now.get((table.name, row["row_key"], column), (None, cells[column], None))
        now[table.name, row["row_key"], column] = cells, row["now"] if value == row["was"] else value, row
    changed = {}
    for (name, key, column), (cells, value, row) in now.items():
        if value != row["now"]:
            raise ValueError(f"data/corrections.csv, {row['id']}: data/{name}.csv, row {key}, column {column} is {value!r}, neither {row['was']!r} nor {row['now']!r}; mend the one that is wrong")
        if cells[column] != value:
            cells[column] = value
            changed.setdefault(name, {})[found[name].places[key] + 1, column] = row["id"]
    for name in changed:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([found[name].rows[0].keys(), *(row.values() for row in found[name].rows)])
        found[name].path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return changed


def rebuild(data, resources):
    """Run the script of each constructed table once; return a sentence on each table that it changed. Raises ValueError with what a script says."""
    made = [entry for entry in resources if entry["class"] == "constructed"]
    before = {entry["name"]: digest(data / entry["path"]) for entry in made if (data / entry["path"]).exists()}
    for script in dict.fromkeys(entry["built_by"] for entry in made):
        run = subprocess.run([sys.executable, script], cwd=data, text=True, capture_output=True)
        if run.returncode:
            said = (run.stderr or run.stdout).strip().splitlines() or [f"exit code {run.returncode}"]
            raise ValueError(f"data/{script} failed: {said[-1]}")
    return [f"data/{entry['path']}: rebuilt by data/{entry['built_by']}" + "; an edit made by hand is gone" * (before.get(entry["name"], entry.get("hash")) != entry.get("hash"))
            for entry in made if (data / entry["path"]).exists() and before.get(entry["name"]) != digest(data / entry["path"])]


def digest(path):
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def stamp(data, entry):
    """What the descriptor says about a file's bytes: hash, bytes and, for a table, rows."""
    raw = (data / entry["path"]).read_bytes()
    now = {"hash": digest(data / entry["path"]), "bytes": len(raw)}
    if "schema" in entry:
        cells = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline="")))
        now["rows"] = len(cells) - 1
        for number, column, cell in ((number, column, cell) for number, row in enumerate(cells) for column, cell in zip(cells[0], row)):
            if re.match(r"[=+@\t\r-]", cell) and not re.fullmatch(r"[+-]?\d+(\.\d+)?", cell):
                raise ValueError(f"data/{entry['path']}, row {number}, column {column}: {cell[:60]!r} would run as a formula in a spreadsheet; reword it")
        if entry["name"] == "corrections" and len(cells) > 1:
            now["retrieved"] = max(entry["retrieved"], *(row[cells[0].index("date")] for row in cells[1:]))
    return now


def sound(root, text):
    """Do all of it in the copy of the project's data at `root`; return what was done in sentences, names of the renewed tables and the descriptor's new text."""
    data, package = root / "data", json.loads(text)
    described = {entry["path"] for entry in package["resources"]}
    for path in sorted(data.glob("*.csv")):
        if path.name not in described:
            raise ValueError(f"data/{path.name} is not in data/datapackage.json: describe it there, or remove it")
    for entry in package["resources"]:
        if not (data / entry["path"]).exists() and entry["class"] != "constructed":
            raise ValueError(f"data/{entry['path']}: no such file, though data/datapackage.json describes it; bring it back or remove its entry")
    if wrong := stale.descriptor_faults(package["resources"]):
        raise ValueError("\n".join(wrong))
    corrected = correct(root)
    for entry in package["resources"]:
        if "schema" in entry and entry["class"] != "constructed":
            try:
                house.load(entry["name"])  # before the scripts that read it, which cannot say what is wrong with it
            except ValueError as error:
                wanted = [id for (row, column), id in corrected.get(entry["name"], {}).items() if f"{error}".startswith(f"data/{entry['path']}, row {row}, column {column}: ")]
                raise ValueError(f"{error}" + "".join(f"; data/corrections.csv, {id} would have it so" for id in wanted)) from None
    done = [*(f"data/{name}.csv: corrected" for name in sorted(corrected)), *rebuild(data, package["resources"])]
    errors, renewed = [], []
    for entry in package["resources"]:
        try:
            house.load(entry["name"])
            now = stamp(data, entry)
        except ValueError as error:
            errors.append(str(error))
        else:
            if any(entry.get(key) != value for key, value in now.items()):
                renewed.append(entry["name"])
                entry.update(now)
    if errors:
        raise ValueError("\n".join(errors))
    return done, renewed, json.dumps(package, indent=1, ensure_ascii=False) + "\n"


def main():
    with tempfile.TemporaryDirectory(prefix="data-") as folder:
        copy = Path(folder) / "data"
        shutil.copytree(DATA, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        house.DATA = copy
        before = {DATA / path.name: path.read_bytes() for path in copy.iterdir() if path.suffix in (".csv", ".json")}
        try:
            text = (copy / "datapackage.json").read_text(encoding="utf-8")
            done, renewed, written = sound(Path(folder), text)
        except json.JSONDecodeError as error:
            stop(f"data/datapackage.json is not valid JSON: {error}")
        except ValueError as error:
            stop(str(error))
        except (LookupError, TypeError, AttributeError) as error:
            stop(f"data/datapackage.json does not describe the tables ({type(error).__name__}: {error}); compare it with the last good one")
        files.replace({**{DATA / path.name: path.read_bytes() for path in sorted(copy.glob("*.csv"))}, DATA / "datapackage.json": written}, was=before)
    for sentence in done:
        print(f"  {sentence}")
    count = len(json.loads(written)["resources"])
    print(f"{count} tables are sound; " + (f"hash renewed: {', '.join(renewed)}. Run 'make notebooks' next." if renewed else "no hash changed. After an edit of a title, source or day in data/datapackage.json run 'make notebooks'."))


if __name__ == "__main__":
    files.told(main, stop)
