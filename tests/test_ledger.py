"""The ledger in print: in the built book a number in a paragraph leads to its table or row."""
import copy
import re
import sys

import pytest

import numerals
from common import pages, run, soup

UNLINKED = ".in-short, .key-numbers, .chapter-cards, figure, details, table, svg, nav, pre, .kicker, .citation"  # these are links themselves, or stand in the list at the end
PAGES = [page for page in pages() if not re.search("/(data(_.*)?|corrections|glossary).html", page)]  # those print tables


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_number_in_a_paragraph_leads_to_its_table(book, page):
    main = copy.copy(soup(book / page).main)
    for node in main.select(UNLINKED):
        node.decompose()
    faults, bound = [], 0
    for paragraph in main.find_all("p"):
        text, links = "", []
        for words in paragraph.find_all(string=lambda words: not words.find_parent("code")):
            links += [(len(text), len(text) + len(words), words.find_parent("a"))] if words.find_parent("a") else []
            text += words
        for number in numerals.find(text):
            within = [link for start, end, link in links if start <= number.start and number.end <= end]
            bound += any("bound" in link.get("class", []) for link in within)
            if not within and number.text.lower() not in numerals.UNCOUNTED:
                faults.append(f"{number.text!r} in “{text[max(0, number.start - 40):number.end + 30]}”")
    assert not faults, f"{page}: {len(faults)} numbers that lead nowhere:\n  " + "\n  ".join(faults)
    assert bound, f"{page} has no bound number at all"


@pytest.mark.slow
def test_the_list_can_be_cut_short():
    code, said = run("sh", "-c", f"'{sys.executable}' book/tools/ledger.py | head -1")
    assert code == 0 and said.count("\n") == 1 and said.startswith("chapters/"), said
