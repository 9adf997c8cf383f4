"""The explorer of chapter 10: every question with every extreme of every control, and what it hands out."""
import base64
import functools
import itertools
import json
import re

import pytest

import explorer
import house
from common import package

CLOSED = {entry["name"] for entry in package()["resources"] if not entry["redistribute"]}


def extremes(options):
    """Values that a control can take at its ends: every option, both sides of a toggle, and years wide, narrow, early, late, reversed."""
    if options is bool:
        return [True, False]
    if isinstance(options, dict):
        return [*options.values()]
    first, last = options
    return [(first, last), (first, first), (last, last), (last, first), ((first + last) // 2, last)]


def every(name):
    """Choices that bring every extreme of every control together with every extreme of every other, and all toggles off with each."""
    controls = {key: (extremes(options), first) for key, (_, options, first) in explorer.QUESTIONS[name].controls.items()}
    off = {key: False for key, (values, _) in controls.items() if values == [True, False]}
    for one, two in itertools.combinations(controls, 2):
        for values in itertools.product(controls[one][0], controls[two][0]):
            yield {one: values[0], two: values[1]}
    for key, (values, _) in controls.items():
        yield from ({**off, key: value} for value in values)


@pytest.fixture(autouse=True)
def tables_read_once(monkeypatch):
    """A table is read and checked once, and handed out as a copy."""
    read = functools.lru_cache(maxsize=None)(house.load)
    monkeypatch.setattr(house, "load", lambda name: read(name).copy())


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
            assert set(answer.tables) <= {entry["name"] for entry in package()["resources"]}
    assert answered and refused, f"{name}: {answered} answers and {refused} refusals; both must occur"
