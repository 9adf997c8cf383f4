"""The snippets of the page on using the data, run as they are printed; all print the same two numbers, which the tables hold."""
import re
import sys

import pytest

import house
from common import ROOT, run

PAGE = (ROOT / "chapters/use_the_data.md").read_text(encoding="utf-8")
BLOCKS = {code.split()[1]: code for code in re.findall(r"(?ms)^```\{code-block\} python\n(.*?)^```$", PAGE)}


def wanted():
    return f"{house.load('meetings').duration_min.sum()} {house.load('evacuations').partner_headline.sum()}"


@pytest.mark.slow
@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
def test_snippets_read_the_tables_of_a_clone(library):
    code, said = run(sys.executable, "-c", BLOCKS[library])
    assert code == 0 and said.split() == wanted().split(), said


def test_the_page_says_what_the_lines_print():
    assert f"prints `{wanted()}`:" in PAGE, f"chapters/use_the_data.md does not say that its lines print {wanted()}"


def test_polars_needs_to_see_every_row():
    import polars
    path = ROOT / "data/gdp_population.csv"
    with pytest.raises(polars.exceptions.ComputeError, match="could not parse"):
        polars.read_csv(path, try_parse_dates=True)
    assert len(polars.read_csv(path, try_parse_dates=True, infer_schema_length=None)) == len(house.load("gdp_population"))


@pytest.mark.slow
def test_pandas_and_polars_read_by_address(origin):
    whole = 'pl.read_csv(__import__("urllib.request").request.urlopen(f"{base}/'
    for library in ("pandas", "polars"):
        code = re.sub(r'pl\.read_csv\(f"\{base\}/(\w+\.csv")', lambda found: f"{whole}{found[1]}).read()", BLOCKS[library])  # as the page says
        code, said = run(sys.executable, "-c", code.replace('base = "data"', f'base = "{origin}/data"'))
        assert code == 0 and said.split() == wanted().split(), said


@pytest.mark.slow
def test_javascript_reads_the_tables_of_the_site(origin, browser):
    script = re.search(r"(?ms)^```\{code-block\} js\n(.*?)^```$", PAGE)[1]
    page = browser.new_page()
    page.goto(f"{origin}/chapters/use_the_data.html")
    said = page.evaluate("(async () => { let said = ''; const console = { log: (...words) => { said = words.join(' '); } };\n" + script + "\nreturn said; })()")
    page.close()
    assert said == wanted()


def test_what_is_not_run_says_so():
    assert re.search(r"## R\n\n\*Not tested here\.\*", PAGE) and len(re.findall(r"(?m)^```\{code-block\} \w+$", PAGE)) == len(BLOCKS) + 2
