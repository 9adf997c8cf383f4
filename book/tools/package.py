"""Bring `data/` into agreement with itself after an edit.

`python book/tools/package.py` (what `make data` runs) rebuilds each constructed table, loads every table as the
chapters do, and writes hash, bytes and rows of each into `data/datapackage.json`. What does not load is named, and
the descriptor is left as it was.
"""
import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
DESCRIPTOR = DATA / "datapackage.json"
sys.path.insert(0, str(ROOT / "chapters"))


def stamp(entry):
    """What the descriptor says about a file's bytes: hash, bytes and, for a table, rows."""
    raw = (DATA / entry["path"]).read_bytes()
    now = {"hash": f"sha256:{hashlib.sha256(raw).hexdigest()}", "bytes": len(raw)}
    if "schema" in entry:
        now["rows"] = sum(1 for _ in csv.reader(raw.decode("utf-8").splitlines(keepends=True))) - 1
    return now


def rebuild(resources):
    """Run the script of each constructed table once; they write into data/ themselves, whole or not at all."""
    for script in dict.fromkeys(entry["built_by"] for entry in resources if entry["class"] == "constructed"):
        run = subprocess.run([sys.executable, script], cwd=DATA, text=True, capture_output=True)
        if run.returncode:
            sys.exit(f"data/{script} failed: {run.stderr.strip() or run.stdout.strip()}")
        print(f"  data/{script}: {', '.join(Path(line).name for line in run.stdout.split())}")


def main():
    import house
    try:
        text = DESCRIPTOR.read_text(encoding="utf-8")
        package = json.loads(text)
    except ValueError as error:
        sys.exit(f"data/datapackage.json is not valid JSON: {error}")
    for path in sorted(DATA.glob("*.csv")):
        if path.name not in {entry["path"] for entry in package["resources"]}:
            sys.exit(f"data/{path.name} is not in data/datapackage.json: describe it there, or remove it")
    for entry in package["resources"]:
        if not (DATA / entry["path"]).exists() and entry["class"] != "constructed":
            sys.exit(f"data/{entry['path']}: no such file, though data/datapackage.json describes it; bring it back or remove its entry")
    rebuild(package["resources"])
    errors, renewed = [], []
    for entry in package["resources"]:
        try:
            if "schema" in entry:
                house.load(entry["name"])
            now = stamp(entry)
        except ValueError as error:
            errors.append(str(error))
        else:
            if any(entry.get(key) != value for key, value in now.items()):
                renewed.append(entry["name"])
                entry.update(now)
    if errors:
        sys.exit("\n".join([*errors, "data/datapackage.json was left as it was."]))
    written = json.dumps(package, indent=1, ensure_ascii=False) + "\n"
    if written != text:
        new = DESCRIPTOR.with_name(".datapackage.json.new")
        new.write_text(written, encoding="utf-8")
        os.replace(new, DESCRIPTOR)
    print(f"{len(package['resources'])} tables are sound; " + (f"hash renewed: {', '.join(renewed)}. Run 'make notebooks' next." if renewed else "nothing had changed."))


if __name__ == "__main__":
    main()
