"""Ask every address outside the book whether it still answers: `python book/tools/links.py`, what `make links` runs.

Reads the addresses of prose, tables and descriptor, each with its places. One request a second to a host, many hosts side
by side, HEAD before GET. `_build/links.csv` keeps what was learnt, so that an interrupted run goes on where it was;
`--again` starts anew, `--host` keeps to hosts that hold a word, `--copies` looks up in the Internet Archive a stored copy
of each dead address and adds it to data/archived_copies.csv. Exit code 1 if an address is dead.
"""
import argparse
import concurrent.futures
import csv
import io
import re
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import files  # noqa: E402
from book.site import package  # noqa: E402

AGENT = "a-new-chapter-links/1.0 (checks once in a while whether cited pages still answer)"
ARCHIVE = "https://archive.org/wayback/available"
PAUSE, TIMEOUT, SIDE_BY_SIDE = 1.0, 20, 8  # seconds between requests to one host, seconds, hosts
NOBODY = "no connection"
ENOUGH = 5  # hosts of which not one is found: the network is away
COLUMNS = ["url", "state", "detail"]
STATES = {"ok": "answer", "moved": "have moved for good", "refused": "refuse machines or ask for a password: look yourself", "unreachable": "could not be reached: try again", "dead": "are dead"}


def addresses(root):
    """{address: [place]} of every link that leaves the book."""
    found = defaultdict(list)
    for table in package.tables(root).values():
        for number, row in enumerate(table.rows, 1):
            for column, cell in row.items():
                if re.match(r"https?://\S+$", cell):
                    found[cell].append(f"data/{table.path.name}, row {number}, column {column}")
        for kind in ("sources", "licenses"):
            for one in table.entry[kind]:
                if one.get("path"):
                    found[one["path"]].append(f"data/datapackage.json, table {table.name}, {kind}")
    pages = [root / "index.md", root / "README.md", *sorted((root / "chapters").glob("*.md")), *sorted((root / "chapters").glob("*.ipynb"))]
    for path in (page for page in pages if page.exists() and not page.read_text("utf-8").startswith("<!-- Written by book/tools")):  # those print tables
        cells = package.parsed(path)["cells"] if path.suffix == ".ipynb" else [{"cell_type": "markdown", "source": path.read_text("utf-8")}]
        for number, cell in enumerate(cells, 1):
            for address in re.findall(r"\]\(<?(https?://[^)\s>]+)", "".join(cell["source"])) if cell["cell_type"] == "markdown" else ():
                found[address].append(f"{path.relative_to(root)}" + f", cell {number}" * (path.suffix == ".ipynb"))
    return dict(found)


def session():
    made = requests.Session()
    made.headers["User-Agent"] = AGENT
    again = Retry(total=2, connect=1, read=False, backoff_factor=PAUSE, status_forcelist=(429, 502, 503, 504), allowed_methods=None, raise_on_status=False)
    for scheme in ("https://", "http://"):
        made.mount(scheme, HTTPAdapter(max_retries=again))
    return made


def ask(http, address):
    """(state, detail) of one address."""
    try:
        answer = http.head(address, timeout=TIMEOUT, allow_redirects=True)
        if answer.status_code >= 400:  # many hosts answer HEAD wrongly
            time.sleep(PAUSE)
            with http.get(address, timeout=TIMEOUT, allow_redirects=True, stream=True) as answer:
                pass
    except requests.TooManyRedirects:
        return "dead", "redirects without end"
    except requests.Timeout:
        return "unreachable", f"no answer in {TIMEOUT} s"
    except requests.exceptions.SSLError:
        return "unreachable", "its certificate is not good"
    except requests.ConnectionError:
        return "unreachable", NOBODY
    except requests.RequestException as error:
        return "unreachable", type(error).__name__
    code = answer.status_code
    if code >= 400:
        return "refused" if code in (401, 403, 405, 406, 429, 451) else "unreachable" if code >= 500 else "dead", str(code)
    to = urldefrag(answer.url)[0]
    lasting = answer.history and all(step.status_code in (301, 308) for step in answer.history)
    return ("moved", to) if lasting and to != urldefrag(address)[0] else ("ok", str(code))


def check(unasked, http, learnt):
    """Ask all addresses in `unasked`, host by host; `learnt(address, state, detail)` hears of each. Stops when the network is away."""
    hosts, heard, lock, away = defaultdict(list), {}, threading.Lock(), threading.Event()
    for address in unasked:
        hosts[urlsplit(address).netloc].append(address)

    def host(name):
        for place, address in enumerate(hosts[name]):
            if away.is_set():
                return
            time.sleep(PAUSE * bool(place))
            state, detail = ask(http, address)
            with lock:
                heard[name] = detail
                if len(heard) >= ENOUGH and set(heard.values()) == {NOBODY}:
                    away.set()  # no host at all can be found
                elif not away.is_set():
                    learnt(address, state, detail)
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            list(pool.map(host, sorted(hosts, key=lambda name: -len(hosts[name]))))
        except BaseException:
            away.set()
            raise
    return not away.is_set()


def copies(dead, http, path, archive=ARCHIVE):
    """Add the newest stored copy of each address that is gone to the table at `path`; return how many were found."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["url"]: row for row in csv.DictReader(file)}
    before, was = len(rows), {path: path.read_bytes()}
    try:
        for address in dead:
            if address not in rows:
                time.sleep(PAUSE)
                copy = http.get(archive, params={"url": address}, timeout=TIMEOUT).json().get("archived_snapshots", {}).get("closest", {})
                if copy.get("available") and copy.get("status") == "200":
                    rows[address] = {"url": address, "archive_url": copy["url"].replace("http:", "https:", 1)}
    finally:  # what was found before the archive stopped answering is kept
        text = io.StringIO()
        table = csv.DictWriter(text, ["url", "archive_url"], lineterminator="\n")
        table.writeheader()
        table.writerows(rows[address] for address in sorted(rows))
        files.replace({path: text.getvalue()}, was=was)
    return len(rows) - before


def main():
    wish = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wish.add_argument("--host", default="", help="only hosts that hold this word")
    wish.add_argument("--again", action="store_true", help="forget what an earlier run learnt")
    wish.add_argument("--copies", action="store_true", help="look up stored copies of dead addresses")
    asked, places, memory = wish.parse_args(), addresses(ROOT), ROOT / "_build/links.csv"
    memory.parent.mkdir(exist_ok=True)
    known = {}
    if memory.exists() and not asked.again:
        with memory.open(encoding="utf-8", newline="") as file:
            known = {row["url"]: (row["state"], row["detail"]) for row in csv.DictReader(file) if row["url"] in places and row["state"] != "unreachable"}
    wanted = [address for address in places if asked.host in urlsplit(address).netloc]
    if not wanted:
        sys.exit(f"No cited address has {asked.host!r} in its host's name.")
    unasked, http = [address for address in wanted if address not in known], session()
    print(f"{len(wanted):,} addresses on {len({urlsplit(address).netloc for address in wanted}):,} hosts; {len(wanted) - len(unasked):,} known from an earlier run ('--again' forgets them).", flush=True)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *([address, *answer] for address, answer in known.items())])
    files.replace({memory: text.getvalue()})
    with memory.open("a", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")

        def learnt(address, state, detail):
            known[address] = state, detail
            table.writerow([address, state, detail])
            file.flush()
            done = sum(one in known for one in unasked)
            if state != "ok" or done % 25 == 0:
                print(f"  {done:5,}/{len(unasked):,}  {state:11} {address}", flush=True)
        if not check(unasked, http, learnt):
            sys.exit("No link was checked: this machine is offline, or no host can be reached from it.")
    dead = [address for address in wanted if known[address][0] == "dead"]
    with (ROOT / "data/archived_copies.csv").open(encoding="utf-8", newline="") as file:
        stored = {row["url"]: row["archive_url"] for row in csv.DictReader(file)}
    for state in list(STATES)[1:]:
        those = [address for address in wanted if known[address][0] == state]
        print(f"\n{len(those):,} {STATES[state]}" + ":" * bool(those))
        for address in those:
            print(f"  {address} ({known[address][1]})", *(f"      {place}" for place in places[address]), *([f"      stored copy: {stored[address]}"] if address in stored else []), sep="\n")
    print(f"\n{sum(known[address][0] == 'ok' for address in wanted):,} of {len(wanted):,} answer.")
    gone = dead + [address for address in wanted if known[address][1] == NOBODY]  # other hosts were found
    if asked.copies and gone:
        print(f"{copies(gone, http, ROOT / 'data/archived_copies.csv')} stored copies found and added to data/archived_copies.csv: run 'make data' next.")
    sys.exit(1 if dead else 0)


if __name__ == "__main__":
    files.told(main, lambda what: sys.exit(f"\nStopped: {what} What was learnt is kept, and the next run goes on from there."))
