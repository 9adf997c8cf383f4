"""The explorer of chapter 10: every question with every extreme of every control, and what it hands out."""
import ast
import base64
import functools
import io
import itertools
import json
import random
import re
import sys

import pandas as pd
import pytest

import explorer
import house
from common import ROOT, package, run

CLOSED = {entry["name"] for entry in package()["resources"] if not entry["redistribute"]}


def extremes(options):
    """Values that a control can take at its ends: every option, both sides of a toggle, and years wide, narrow, early, late, reversed."""
    if options is bool:
        return [True, False]
    if isinstance(options, dict):
        return [*options.values()]
    first, last = options
    return [(first, last), (first, first), (last, last), (last, first), ((first + last) // 2, last)]


def every(name, pairs=6):
    """Choices: every end of every control alone; a few pairs of ends, always the same; all toggles off, and each alone on."""
    ends = {key: extremes(options) for key, (_, options, _) in explorer.QUESTIONS[name].controls.items()}
    alone = [{key: value} for key, values in ends.items() for value in values]
    crossed = [{**one, **two} for one, two in itertools.combinations(alone, 2) if one.keys() != two.keys()]
    off = {key: False for key, values in ends.items() if values == [True, False]}
    return [*alone, *random.Random(name).sample(crossed, pairs), off, *({**off, key: True} for key in off)]


@pytest.fixture(autouse=True, scope="module")
def tables_read_once():
    """A table is read and checked once, and handed out as a copy."""
    read = functools.lru_cache(maxsize=None)(house.load)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house, "load", lambda name: read(name).copy())
        yield


@pytest.mark.slow
@pytest.mark.parametrize("name", explorer.QUESTIONS)
def test_every_extreme_has_an_answer_or_a_reason(name):
    """No traceback; a sentence always; a chart with rows, or neither, never one alone; nothing endless or missing in what is said."""
    answered = refused = 0
    for choices in every(name):
        answer = explorer.view(name, **choices)
        assert re.match(r"[\w'’].{40,}[.?!]$", answer.said, re.S) and not re.search(r"\b(nan|inf|None|NaT|<NA>)\b", answer.said), (choices, answer.said)
        if answer.chart is None:
            refused += 1
            assert answer.rows.empty and not answer.code, choices
        else:
            answered += 1
            assert len(answer.rows) and len(answer.code.splitlines()) == 5, choices
            assert ("download=\"%s.csv\"" % name in explorer.below(name, answer)) == (not CLOSED & set(answer.tables)), choices
    assert answered and refused, f"{name}: {answered} answers and {refused} refusals; both must occur"


@pytest.mark.parametrize(("name", "choices", "words"), [
    ("meetings", {"years": (2020, 2010)}, "run backwards, from 2020 to 2010"), ("meetings", dict.fromkeys(explorer.KINDS, False), "No kind of meeting"),
    ("meetings", {"years": (1985, 1986)}, "No row fits"), ("series", {"one": "Won for 100 yen", "two": "Won for 100 yen"}, "same series"),
    ("series", {"one": "North Korean missiles", "years": (1950, 1960)}, "no value from 1950 to 1960"),
    ("series", {"one": "Koreans among foreign residents of Japan", "two": "North Korean missiles", "years": (1980, 1984)}, "share no year"),
    ("visitors", {"KOR-JPN": False, "base": 2003}, "base year"), ("visitors", {"KOR-JPN": False, "JPN-KOR": False}, "Neither direction"),
    ("carried", {"years": (1990, 2019)}, "not proof"), ("carried", {"JPN": False, "KOR": False}, "Neither country"),
    ("polls", {"pollster": "nikkei"}, "No reading"), ("polls", {"JPN": False, "KOR": False}, "Neither side")])
def test_an_empty_or_impossible_choice_is_explained(name, choices, words):
    answer = explorer.view(name, **choices)
    assert words in answer.said and answer.chart is None, answer.said


def test_a_missing_table_and_a_mistyped_name_are_explained(monkeypatch):
    def gone(name):
        raise ValueError(f"data/{name}.csv is described in data/datapackage.json but is not there; bring the file back")
    with pytest.raises(ValueError, match="no question 'vistors'; there are meetings"):
        explorer.explore("vistors")
    with pytest.raises(ValueError, match="no control colour; it has by"):
        explorer.view("meetings", colour="red")
    for control, value, words in ("by", "nonsense", "is one of 'year'"), ("years", (2010,), "are two, such as"), ("moments", "yes", "True or False"):
        with pytest.raises(ValueError, match=words):
            explorer.view("series" if control == "moments" else "meetings", **{control: value})
    monkeypatch.setattr(house, "load", gone)
    assert "bring the file back" in explorer.view("polls").said


@pytest.mark.slow
def test_the_code_runs_alone_and_gives_the_shown_rows():
    """Run as a reader would, in a Python of its own; its rows and chart are those of the panel, and no line is too long to read."""
    wanted = {name: explorer.view(name) for name in explorer.QUESTIONS}
    script = ["import json"]
    for answer in wanted.values():
        lines = (code := explorer.laid_out(answer.code)).splitlines()
        body = ast.parse(code).body[2:]  # the first line imports, and turns the house style on
        assert len(body) == 4 and max(map(len, lines)) <= 160, code
        last = body[-1].lineno - 1
        script += [*lines[:last], f"chart = {lines[last]}", *lines[last + 1:], "print(json.dumps([rows.to_csv(index=False), chart.to_dict()]))"]
    code, said = run(sys.executable, "-c", "\n".join(script), cwd=ROOT / "chapters")
    assert code == 0, said
    for (rows, chart), (name, answer) in zip(map(json.loads, said.splitlines()[-len(wanted):]), wanted.items(), strict=True):
        assert rows == answer.rows.to_csv(index=False) and drawn(chart) == drawn(answer.chart.to_dict()), name


def drawn(spec):
    """A spec without the names that Altair numbers anew."""
    return re.sub(r"view_\d+", "view", json.dumps(spec, sort_keys=True))


@pytest.mark.parametrize("name", explorer.QUESTIONS)
def test_what_is_handed_out(name):
    """The CSV holds the rows that are shown; of a table that may not be copied there is none, and the reason stands in its place."""
    widget = explorer.panel(name)
    pick, choices, html = widget.children[1], widget.children[2].children, widget.children[-1].value
    links = dict(re.findall(r'download="([\w.]+)" href="data:[\w/-]+;base64,([^"]+)"', html))
    assert base64.b64decode(links[f"{name}.py"]).decode().strip() == explorer.laid_out(explorer.view(name).code)
    shown = [[cell for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in re.findall(r"<tr><td.*?</tr>", html)]
    assert len(shown) == len(explorer.view(name).rows)
    if CLOSED & set(explorer.view(name).tables):
        assert f"{name}.csv" not in links and "No CSV:" in html and "not offered for download" in html
    else:
        table = pd.read_csv(io.StringIO(base64.b64decode(links[f"{name}.csv"]).decode()))
        assert len(table) == len(shown) and list(table)[0] in explorer.QUESTIONS[name].columns
    assert all(control.description for control in (pick, *choices)), "a control has no label"


def test_choices_are_kept_when_another_question_is_looked_at():
    widget = explorer.panel("meetings")
    pick, choices, said = widget.children[1], widget.children[2], widget.children[3]
    before = said.value
    next(control for control in choices.children if control.description == "Years").value = (2010, 2015)
    chosen = said.value
    assert "2010 to 2015" in chosen != before
    pick.value = "polls"
    assert "State of relations" in said.value
    pick.value = "meetings"
    assert said.value == chosen


@functools.cache
def figures():
    """Specs of the charts that chapter 10 stores, by question in the order of `STORED`."""
    notebook = json.loads((ROOT / "chapters/10_explore.ipynb").read_text(encoding="utf-8"))
    specs = [data["application/vnd.vegalite.v6+json"] for cell in notebook["cells"] for output in cell.get("outputs", ()) if "image/svg+xml" in (data := output.get("data", {}))]
    return dict(zip(explorer.STORED, specs, strict=True))


def drawn_rows(name):
    """The rows of a stored figure's data table, all fields kept, and the names of its columns."""
    columns = figures()[name]["usermeta"]["figure"]["columns"]
    return max((rows for rows in figures()[name]["datasets"].values() if rows and columns.keys() <= rows[0].keys()), key=len), columns


def test_what_the_page_says_of_terms_and_of_breaks_is_so():
    figure = figures()["series"]["usermeta"]["figure"]
    for name, (table, *_) in explorer.SERIES.items():
        assert (f"“{name}”" in figure["download_note"]) == (table in CLOSED), f"{name}: {figure['download_note']}"
    assert not figure["download"] and figure["license"]["title"].startswith("Terms differ by series")
    polls, _ = drawn_rows("polls")
    lines = [(row["series"], row["answer"], row["country"], row["line"]) for row in polls if row["way"] == "not found"]
    assert lines and len(lines) == len({*lines}), "a line joins rounds of which the way of asking was not found"
    rounds = sorted((row["series"], row["answer"], row["country"], row["year"], row["line"]) for row in polls)
    assert all(here[:3] != there[:3] or here[4] <= there[4] for here, there in zip(rounds, rounds[1:])), "a line jumps over a round that stands apart"
    visitors, _ = drawn_rows("visitors")
    for one, two in zip(visitors, visitors[1:]):
        if one["direction"] == two["direction"]:
            assert (one["run"] != two["run"]) == (two["year"] - one["year"] > 1) and one["count"] == two["count"], f"{two}: a line breaks only where no figure was found"


def test_colour_is_not_alone():
    """The two countries are told apart by marks, or by words beside the bar, as well as by colour."""
    for name in ("visitors", "polls"):
        shapes = []
        json.loads(json.dumps(figures()[name]), object_hook=lambda node: shapes.append(node.get("shape")) or node)
        assert any(len({*shape["scale"]["range"]}) == 2 for shape in shapes if isinstance(shape, dict)), name
    rows, _ = drawn_rows("carried")
    assert all(row["name"].endswith(f" · by {row['carrier']}") for row in rows)


def test_axes_are_labelled_as_prose_writes_numbers():
    labels = re.findall(r">([\d.,]+[a-zA-Z]?)</text>", (ROOT / "figures/explore-series.svg").read_text(encoding="utf-8"))
    assert {"0", "0.5m", "1m", "500", "1,000", "1,500"} <= {*labels} and not [label for label in labels if label[-1] in "kM"], labels
