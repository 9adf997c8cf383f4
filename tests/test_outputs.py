"""What is made beside the site: cards for link previews, the PDF, the table of weights."""
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from xml.sax.saxutils import escape

import numpy
import pytest
import yaml
from bs4 import BeautifulSoup

from common import NOTEBOOKS, ROOT, SITE, pages, run

CARDS = {path.stem.removeprefix("card-"): path for path in sorted((ROOT / "figures").glob("card-*.png"))}
PAGES = {page.split("/")[-1].removesuffix(".html") for page in pages()}


def pixels(png):
    """Array (height, width, 3) of an indexed PNG whose lines are not filtered, as cards.py writes them."""
    at, parts = 8, {}
    assert png[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        parts[kind] = parts.get(kind, b"") + png[at + 8:at + 8 + length]
        at += length + 12
    width, height, depth, colour = struct.unpack(">IIBB", parts[b"IHDR"][:10])
    lines = numpy.frombuffer(zlib.decompress(parts[b"IDAT"]), "u1").reshape(height, width + 1)
    assert (depth, colour) == (8, 3) and not lines[:, 0].any(), "not an indexed PNG with plain lines"
    return numpy.frombuffer(parts[b"PLTE"], "u1").reshape(-1, 3)[lines[:, 1:]].astype(int)


# ---- fonts -------------------------------------------------------------------------------------------------------

DRAWS = """
import json, sys
sys.path.insert(0, sys.argv[1] + "/book")
import vl_convert
from charts import work

def drawn(texts):
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text y="30" font-family="{}">{}</text></svg>'
    nothing = [vl_convert.svg_to_png(picture.format("sans-serif", text)) for text in ("", chr(0x10fffd))]  # the second: the box of a lacking sign
    return {".json": json.dumps([text for text, family in texts if vl_convert.svg_to_png(picture.format(family, text)) not in nothing]).encode()}

if __name__ == "__main__":
    from pathlib import Path
    target = Path(sys.argv[2], "drawn.json")
    at_work = work.Work([sys.argv[3]], sys.argv[2])
    at_work.ask(target, drawn, json.loads(sys.argv[4]))
    print(at_work.get(target).read_text())
    at_work.close()
"""


@pytest.mark.slow
def test_pictures_are_drawn_with_the_books_fonts_alone(tmp_path):
    fonts = ROOT / yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]["charts_fonts"][0]
    signs = sorted({sign for path in (ROOT / "figures").glob("*.svg") for sign in "".join(re.findall(r">([^<]*)</text>", path.read_text(encoding="utf-8"))) if not sign.isspace()})
    assert "A" in signs and "①" in signs
    machine = tmp_path / "home/.local/share/fonts"
    machine.mkdir(parents=True)
    (machine / "New.ttf").write_bytes(next(fonts.glob("*.ttf")).read_bytes().replace("New Chapter".encode("utf-16-be"), "Old Machine".encode("utf-16-be")))
    (tmp_path / "draws.py").write_text(DRAWS)
    said = subprocess.run([sys.executable, tmp_path / "draws.py", ROOT, tmp_path, fonts, json.dumps([("installed", "Old Machine"), ("ours", "New Chapter"), *((sign, "sans-serif") for sign in signs)])],
                          capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path / "home"), "XDG_DATA_HOME": str(tmp_path / "home/.local/share")})
    drawn = json.loads(said.stdout)
    lacking = [sign for sign in signs if sign not in drawn and escape(sign) == sign]
    assert "ours" in drawn and not lacking, f"the fonts in {fonts.relative_to(ROOT)} and vl-convert's own lack {lacking}: add a font that has them, see charts_fonts in book/charts/README.md"
    assert "installed" not in drawn, "a font of the machine was used: pictures would differ from one machine to the next"


# ---- cards -------------------------------------------------------------------------------------------------------

def test_every_chapter_has_a_card_of_the_right_size():
    wanted = {"index", *(path.stem for path in NOTEBOOKS if '"figure":' in path.read_text(encoding="utf-8"))} & PAGES
    assert wanted <= set(CARDS) and set(CARDS) <= PAGES, f"figures/ lacks cards for {sorted(wanted - set(CARDS))} or has too many, {sorted(set(CARDS) - PAGES)}: 'make cards'"
    for page, path in CARDS.items():
        png = path.read_bytes()
        assert struct.unpack(">II", png[16:24]) == (1200, 630), f"{path.name}: not 1200 by 630"
        assert 8_000 < len(png) < 120_000, f"{path.name}: {len(png)} bytes"


@pytest.mark.slow
def test_cards_are_what_the_tool_makes():
    """Pixel by pixel, with room for another machine's way of smoothing edges."""
    import cards
    for page, png, id in cards.cards():
        assert page in CARDS, f"no card for {page}: 'make cards'"
        stored = CARDS[page].read_bytes()
        if stored == png:
            continue
        apart = (abs(pixels(stored) - pixels(png)) > 48).any(axis=2).mean()
        assert apart < 0.01, f"card-{page}.png is not what its chart {id!r} draws now ({apart:.1%} of it differs): 'make cards'"


def test_cards_carry_their_words():
    """A font that is not found would leave blank paper without an error: the title's band has ink in it, and so has the chart's."""
    for page, path in CARDS.items():
        red = pixels(path.read_bytes())[..., 0]
        for name, top, bottom in (("kicker", 30, 62), ("title", 66, 124), ("chart", 300, 600)):
            assert (red[top:bottom] < 128).sum() > 300, f"{path.name}: its {name} is blank"


def test_a_card_that_names_no_chart_of_its_chapter_is_refused(tmp_path):
    import cards
    import json
    (tmp_path / "chapters").mkdir()
    path = next(path for path in NOTEBOOKS if path.stem in CARDS)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["card"] = "no-such-chart"
    (tmp_path / "chapters" / path.name).write_text(json.dumps(notebook), encoding="utf-8")
    (tmp_path / "index.md").write_text("# Front")
    (tmp_path / "_config.yml").write_text('title: "A book"\n')
    with pytest.raises(ValueError, match=f"{path.name}.*no-such-chart"):
        list(cards.cards(tmp_path))


@pytest.mark.slow
def test_tags_name_the_cards_once_the_site_has_an_address(published):
    site, faults = published, []
    for page in sorted(site.rglob("*.html")):
        tags = {node.get("property") or node.get("name"): node.get("content") for node in BeautifulSoup(page.read_text(encoding="utf-8").partition("</head>")[0], "html.parser").find_all("meta")}
        name, image = page.relative_to(site).as_posix(), tags.get("og:image", "")
        here = re.sub(r"(^|/)index\.html$", r"\1", name)
        if name in ("search.html", "404.html"):
            faults += [f"{name}: tags are {tags}"] * ("robots" in tags or "og:url" in tags or "og:image" in tags)
            continue
        if tags.get("og:url") != SITE + here or "robots" in tags:
            faults.append(f"{name}: og:url is {tags.get('og:url')}")
        if not image.startswith(SITE) or not (site / image.removeprefix(SITE)).is_file():
            faults.append(f"{name}: og:image {image!r} is no file of the site")
        elif page.stem in CARDS and not image.endswith(f"/card-{page.stem}.png"):
            faults.append(f"{name}: og:image is {image}, its own card is card-{page.stem}.png")
        if tags.get("og:title" if page.stem in CARDS else "og:site_name", "?") not in tags.get("og:image:alt", ""):
            faults.append(f"{name}: og:image:alt {tags.get('og:image:alt')!r} does not say what the card does")
        if tags.get("twitter:card") != "summary_large_image" or not tags.get("og:title"):
            faults.append(f"{name}: tags are {tags}")
    assert not faults, f"{len(faults)} faults:\n  " + "\n  ".join(faults[:15])


# ---- PDF ---------------------------------------------------------------------------------------------------------

def test_the_pdf_joins_pages_with_unique_ids_and_links_that_arrive(tmp_path):
    """Two small pages: every id once, every link inside, drawings for the width of paper, nothing to press."""
    import pdf
    (tmp_path / "chapters").mkdir()
    top = '<html><head><title>Book</title><link rel="stylesheet" href="{up}s.css?v=1"></head><body class="x">'
    (tmp_path / "index.html").write_text(top.format(up="") + '<nav class="drawer"><a href="chapters/01_a.html">A</a></nav><main id="main"><h1>Front</h1>'
                                         '<a href="chapters/01_a.html#b">to b</a><a href="tables/t.html#r">row</a><section id="b"></section></main></body></html>')
    (tmp_path / "chapters/01_a.html").write_text(
        top.format(up="../") + '<main id="main"><h1>A<a class="headerlink">#</a></h1><section id="b"><h2>B</h2><a href="../index.html">home</a><a href="#b?x=1">here</a>'
        '<svg aria-labelledby="b c"><clipPath id="c"></clipPath><g clip-path="url(#c)"></g></svg><button>Copy</button><script>1</script></section></main></body></html>')
    order = pdf.reading_order(tmp_path)
    assert order == ["index.html", "chapters/01_a.html"]
    soup = BeautifulSoup(pdf.filled(pdf.joined(tmp_path, order, ""), {"p1": 7}), "html.parser")
    ids = [node["id"] for node in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = [link["href"] for link in soup.select("a[href]")]
    assert all(link[1:] in ids for link in links) and "#p1-b" in links, links
    assert soup.select_one("g")["clip-path"] == "url(#p1-c)" and soup.svg["aria-labelledby"] == "p1-b p1-c"
    assert soup.select_one('.toc a[href="#p1"] b').text == "7" and "{{" not in soup.get_text() and not soup.select("button, script, .headerlink")
    away = pdf.filled(pdf.joined(tmp_path, order, "https://example.org"), {})
    assert 'href="https://example.org/tables/t.html#r"' in away


@pytest.mark.slow
def test_the_pdf_has_contents_page_numbers_and_links(book, tmp_path, monkeypatch):
    import shutil

    import pdf
    shutil.copytree(book, tmp_path / "_build/html")
    for name, path in (("ROOT", tmp_path), ("SITE", tmp_path / "_build/html"), ("PDF", tmp_path / "_build/book.pdf"), ("WORK", tmp_path / "_build/pdf")):
        monkeypatch.setattr(pdf, name, path)
    code, chromium = run("sh", "tests/browser.sh")
    assert code == 0, chromium
    monkeypatch.setattr(pdf, "browser", lambda: chromium.strip().splitlines()[-1])
    pdf.main()
    made, order = pdf.PDF.read_bytes(), pdf.reading_order(pdf.SITE)
    found = pdf.numbered(made)
    starts = [found[f"p{n}"] for n in range(len(order))]
    assert starts == sorted(set(starts)) and starts[0] > 1, f"pages begin at {starts}"
    assert len(re.findall(rb"/Type\s*/Page\b", made)) > len(order) and starts[-1] > len(order)
    assert b"/Outlines" in made, "no bookmarks"
    wanted = {name.decode() for name in re.findall(rb"/Dest\s*/(p\d+[\w.-]*)", made)}
    assert len(wanted) > len(order) and wanted <= set(found), f"links that lead nowhere: {sorted(wanted - set(found))[:10]}"
    assert not pdf.WORK.exists(), "the working folder is left"
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", "-layout", pdf.PDF, "-"], capture_output=True, text=True).stdout.split("\f")
        assert "Contents" in text[0] and re.search(rf"\b{starts[0]}\b", text[0])
        lacking = [n for n, words in enumerate(text[1:-1], 2) if not words.strip().endswith(str(n))]
        assert not lacking, f"PDF pages without their number in the foot: {lacking[:10]}"


def test_no_browser_is_one_sentence_and_the_last_pdf_stays(tmp_path, monkeypatch):
    import pdf
    site, last = tmp_path / "_build/html", tmp_path / "_build/book.pdf"
    site.mkdir(parents=True)
    (site / "index.html").write_text('<html><title>B</title><body><main><h1>B</h1></main></body></html>')
    last.write_bytes(b"%PDF the last good one")
    for name, path in (("ROOT", tmp_path), ("SITE", site), ("PDF", last), ("WORK", tmp_path / "_build/pdf")):
        monkeypatch.setattr(pdf, name, path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/browser.sh").write_text('echo "The browser tests need Chromium: get one." >&2; exit 1\n')
    with pytest.raises(SystemExit, match="^The PDF was not made: it needs Chromium.*The last one is still _build/book.pdf.$"):
        pdf.main()
    (tmp_path / "tests/browser.sh").write_text("echo /bin/false\n")
    with pytest.raises(SystemExit, match="The PDF was not made: the browser failed"):
        pdf.main()
    assert last.read_bytes() == b"%PDF the last good one" and not (tmp_path / "_build/pdf").exists()


# ---- weights -----------------------------------------------------------------------------------------------------

def test_a_weight_counts_page_styles_scripts_and_fonts_once(tmp_path):
    import bench
    (tmp_path / "a.woff2").write_bytes(b"x" * 1000)
    (tmp_path / "s.css").write_text("@font-face{src:url(a.woff2)} p{font:url(a.woff2)}")
    (tmp_path / "s.js").write_text("1")
    (tmp_path / "p.html").write_text('<link rel="stylesheet" href="s.css?v=2"><script src="s.js"></script><script src="https://example.org/x.js"></script>')
    page, styles, scripts, fonts = bench.weight(tmp_path / "p.html")
    assert (page, styles, scripts, fonts) == (*(bench.zipped(tmp_path / name) for name in ("p.html", "s.css", "s.js")), 1000)


def test_a_copied_chapter_has_charts_and_labels_of_its_own():
    import json

    import bench
    first = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    ids = lambda notebook: re.findall(r'"figure": \{"id": "([^"]+)"', json.dumps(notebook))
    before = ids(first)
    after = ids(bench.copied(first, "-900"))
    assert before and after == [f"{id}-900" for id in before]
    prose = "".join("".join(cell["source"]) for cell in first["cells"] if cell["cell_type"] == "markdown")
    assert not [id for id in before if re.search(rf"fig-{id}\b(?!-)", prose)]
