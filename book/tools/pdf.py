"""Print the built book as one PDF: `python book/tools/pdf.py` (what `make pdf` runs) writes `_build/a-new-chapter.pdf`.

The pages are joined in reading order into one document with a contents page, printed by a headless Chromium with the
book's own print style, and printed once more when the page numbers of the contents are known. Links between pages lead
to their place in the PDF. A run that fails leaves the last PDF as it was.
"""
import html
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

import files

ROOT = Path(__file__).resolve().parents[2]
SITE, PDF, WORK = ROOT / "_build/html", ROOT / "_build/a-new-chapter.pdf", ROOT / "_build/pdf"
DEAD = "script, button, form, .headerlink, .run, .code-fold, .chart-code, .chart-links, .chart-controls, .chart-readout, .chart-live"
STYLE = """
:root[data-theme] { --paper: #fff } a:not([href]) { text-decoration: none !important; color: inherit }
.ledger table { width: 100%; font-size: 7.5pt; line-height: 1.25 } .ledger :is(td, th) { padding: .6mm 3mm .6mm 0 } .ledger :is(td, th):first-child { width: 50% }
@page { size: A4; margin: 18mm 16mm 20mm; @bottom-center { content: counter(page); font: 9pt Georgia, serif; color: #5c584f } }
@page :first { @bottom-center { content: none } }
body > div.page-of-book { break-before: page }
.page-of-book main, .toc main { padding: 0 }
.toc h1 { font-size: 38pt; margin: 20mm 0 8mm } .toc h2 { margin: 14mm 0 4mm }
.toc ol { list-style: none; padding: 0; margin: 0 } .toc ol ol { padding-left: 7mm; font-size: .86em; color: #5c584f }
.toc li > a { display: flex; gap: 1em; padding: .6mm 0; text-decoration: none; color: inherit } .toc li > a b { margin-left: auto; font-weight: 400 }
.toc > main > ol > li { break-inside: avoid; margin-top: 2.5mm }
main a[href^="http"]::after { content: none }
.page-of-book .chart-drawing svg { max-height: 225mm }
"""


def stop(message):
    sys.exit(f"The PDF was not made: {message}" + (f" The last one is still {PDF.relative_to(ROOT)}." if PDF.exists() else ""))


def browser():
    found = subprocess.run(["sh", str(ROOT / "tests/browser.sh")], capture_output=True, text=True)
    if found.returncode:
        stop((found.stderr.strip().splitlines() or ["no browser was found."])[-1].replace("The browser tests need", "it needs"))
    return found.stdout.strip().splitlines()[-1]


def reading_order(site):
    """Addresses of the pages as the front page's contents list them, the front page first."""
    front = BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")
    return list(dict.fromkeys(["index.html", *(normpath(link["href"]) for link in front.select("nav.drawer a[href]"))]))


def joined(site, order, address):
    """One HTML document of all pages, with `{{id}}` where the contents give the page of a place; `address`: where pages that are not in it can be read, or ''."""
    places, styles, bodies, listed, title = {page: f"p{n}" for n, page in enumerate(order)}, {}, [], [], ""
    for page, key in places.items():
        soup = BeautifulSoup((site / page).read_text(encoding="utf-8"), "html.parser")
        title = title or soup.title.get_text()
        styles.update({normpath(join(dirname(page), urlsplit(link["href"]).path)): 1 for link in soup.select("link[rel=stylesheet]")})
        main = soup.main
        for node in main.select(DEAD):
            node.decompose()
        for narrow in main.select(".chart-narrow"):
            narrow.decompose()
        for details in main.select("details"):
            details["open"] = ""
        lead(main, page, key, places, address)
        sections = [(node["id"], heading(node.h2)) for node in main.select("section[id]") if node.h2 and node.find(["h1", "h2"]) is node.h2]
        listed.append((key, heading(main.h1), sections if page.split("/")[-1][:2].isdigit() else []))
        main.attrs, main["id"] = {}, key
        bodies.append(f'<div class="page-of-book {" ".join(soup.body.get("class", []))}">{main}</div>')
    line = (lambda id, words: f'<a href="#{id}"><span>{html.escape(words)}</span><b>{{{{{id}}}}}</b></a>')
    entries = "".join(f"<li>{line(key, words if n else 'Front page')}" + ("<ol>" + "".join(f"<li>{line(*one)}</li>" for one in parts) + "</ol>" if parts else "") + "</li>"
                      for n, (key, words, parts) in enumerate(listed))
    links = "".join(f'<link rel="stylesheet" href="../html/{name}">' for name in styles)
    return (f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{html.escape(title)}</title>{links}<style>{STYLE}</style></head>'
            f'<body><div class="toc"><main><h1>{html.escape(title)}</h1><h2>Contents</h2><ol>{entries}</ol></main></div>{"".join(bodies)}</body></html>')


def filled(document, numbers):
    """The document with the pages of `numbers`, {id: page in the PDF}, in its contents; blank where one is not known."""
    return re.sub(r"\{\{(p\d+(?:-[\w.-]+)?)\}\}", lambda place: str(numbers.get(place[1], "")), document)


def heading(node):
    return " ".join(node.get_text().split()) if node else ""


def lead(main, page, key, places, address):
    """Make ids unique in the whole document and let links, references and pictures lead there or out of it."""
    within = (lambda id: f"{key}-{id}")
    for node in main.find_all(True):
        for name in ("id", "for", "aria-labelledby", "aria-describedby"):
            if node.get(name):
                node[name] = " ".join(map(within, node[name].split()))
        for name, value in list(node.attrs.items()):
            if isinstance(value, str) and "url(#" in value:
                node[name] = value.replace("url(#", f"url(#{key}-")
        for name in ("href", "xlink:href", "src"):
            value = node.get(name)
            if not value or re.match(r"[a-z]+:|//", value):
                continue
            path, anchor = unquote(urlsplit(value).path), urlsplit(value).fragment.partition("?")[0]
            target = normpath(join(dirname(page), path)) if path else page
            if target in places:
                node[name] = f"#{places[target]}" + (f"-{anchor}" if anchor else "")
            elif name == "src":
                node[name] = f"../html/{target}"
            elif address:
                node[name] = f"{address}/{target}" + (f"#{anchor}" if anchor else "")
            else:
                del node[name]


def numbered(pdf):
    """{id: page number} of the places that links in a PDF of Chromium lead to."""
    objects = {int(found[1]): found[2] for found in re.finditer(rb"(?:^|\n)(\d+) 0 obj\s?(.*?)endobj", pdf, re.S)}
    pages = []

    def walk(number):
        body = objects[number]
        kids = re.search(rb"/Kids\s*\[(.*?)\]", body, re.S)
        for kid in re.findall(rb"(\d+) 0 R", kids[1]) if kids else ():
            walk(int(kid))
        if not kids:
            pages.append(number)
    tops = [number for number, body in objects.items() if re.search(rb"/Type\s*/Pages\b", body) and not re.search(rb"/Parent\b", body)]
    for top in tops:
        walk(top)
    at = {number: place for place, number in enumerate(pages, 1)}
    return {name.decode(): at[int(page)] for body in objects.values()
            for name, page in re.findall(rb"/(p\d+(?:-[\w.-]+)?)\s*\[\s*(\d+) 0 R\s*/XYZ", body) if int(page) in at}


def printed(chromium, source, target):
    """Print an HTML file as PDF; return its bytes. Raises ValueError with what the browser says."""
    target.unlink(missing_ok=True)
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--no-first-run", "--disable-background-networking", "--font-render-hinting=none",
               f"--user-data-dir={WORK / 'profile'}", "--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={target}", source.as_uri()]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise ValueError("the browser did not finish in ten minutes.") from None
    made = target.read_bytes() if target.exists() else b""
    if said.returncode or not made.startswith(b"%PDF") or b"%%EOF" not in made[-64:]:
        raise ValueError(f"the browser failed: {(said.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
    return made


def main():
    start, address = time.monotonic(), os.environ.get("BOOK_SITE", "").rstrip("/")
    if not (SITE / "index.html").exists():
        stop("there is no built book; run 'make book' first.")
    chromium = browser()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    source, target, numbers = WORK / "book.html", WORK / "book.pdf", {}
    try:
        order = reading_order(SITE)
        print(f"Joining {len(order)} pages ...", flush=True)
        document = joined(SITE, order, address)
        for step in ("printing", "printing with page numbers in the contents"):
            source.write_text(filled(document, numbers), encoding="utf-8")
            print(f"  {step} ...", flush=True)
            numbers = numbered(printed(chromium, source, target))
        target.replace(PDF)
    except ValueError as error:
        stop(str(error))
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    print(f"The PDF is {PDF.relative_to(ROOT)}: {PDF.stat().st_size / 1e6:.1f} MB, {time.monotonic() - start:.0f} s.")


if __name__ == "__main__":
    files.told(main, stop)
