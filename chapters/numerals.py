"""Numbers as prose writes them: found in a sentence, and compared with a value by a stated rounding rule."""
import re
import unicodedata
from typing import NamedTuple

__all__ = ["Number", "UNCOUNTED", "find", "counted", "agrees"]

#: Words that are as often pronouns as numbers; they count only where a value is bound to them.
UNCOUNTED = {"zero", "one", "two"}


class Number(NamedTuple):
    """A number or date in a text: where it stands, its value, the step it is rounded to ("date" for dates, "vague" for "dozens of"), its hedge word."""
    start: int
    end: int
    value: float | str
    step: float | str
    hedge: str | None
    text: str


_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {**{word: n for n, word in enumerate(_UNITS)}, **{word: 10 * n for n, word in enumerate(_TENS, 2)},
          "dozen": 12, "hundred": 100, "thousand": 1000}
_WORDS |= {f"{tens}-{unit}": 10 * n + _WORDS[unit] for n, tens in enumerate(_TENS, 2) for unit in _UNITS[1:10]}
_ORDINALS = dict(zip("fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth".split(), range(4, 16))) | {
    f"{tens[:-1]}ieth": 10 * n for n, tens in enumerate(_TENS, 2)}
_FRACTIONS = {"half": 1 / 2, "two thirds": 2 / 3, "three quarters": 3 / 4, "two fifths": 2 / 5, "three fifths": 3 / 5, "four fifths": 4 / 5,
              **{f"{one} {part}": 1 / n for one in ("a", "an", "one") for part, n in {"third": 3, "quarter": 4, **_ORDINALS}.items() if n < 11},
              **dict.fromkeys("halve halves halved halving".split(), 1 / 2), **dict.fromkeys("twice double doubles doubled doubling".split(), 2.0),
              **dict.fromkeys("thrice triple triples tripled tripling trebled".split(), 3.0), **dict.fromkeys("quadruple quadrupled".split(), 4.0)}
_VAGUE = {"dozens of": 12, "hundreds of": 100, "thousands of": 1000, "millions of": 1e6, "billions of": 1e9}
_SCALES = {"hundred": 100, "thousand": 1000, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9, "trillion": 1e12, "tn": 1e12}
_MONTHS = "January February March April May June July August September October November December".split()
_alternatives = (lambda words: "|".join(sorted((word.replace(" ", "[ -]") for word in words), key=len, reverse=True)))
_TOKEN = re.compile(rf"""
    (?P<date>(?:\b(?P<day>\d{{1,2}})\s)?\b(?P<month>{"|".join(_MONTHS)})\s(?P<year>\d{{4}})\b | \b\d{{4}}-\d\d-\d\d\b)
  | (?<![\w.,])(?P<sign>[-−])?(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)(?!\d)(?:(?:st|nd|rd|th)\b|[\s-]?(?P<scale>{_alternatives(_SCALES)})\b)?
  | \b(?P<fraction>{_alternatives(_FRACTIONS)})\b(?!\s(?:country|countries|party|parties|state|states)\b)
  | \b(?P<vague>{_alternatives(_VAGUE)})\b(?!\s(?:dollars|yen|won)\b) | \b(?P<ordinal>{_alternatives(_ORDINALS)})\b | (?P<vulgar>[½¼¾⅓⅔])
  | \b(?P<word>{_alternatives(_WORDS)})(?:-?fold)?\b(?!-way)(?:[\s-](?P<wordscale>hundred|thousand|million|billion|trillion)\b)?""", re.X | re.I)
_HEDGE = re.compile(r"\b(about|around|roughly|some|nearly|almost|just under|over|more than|at least)\s+(?:US?\$|[$€£¥₩])?$", re.I)


def find(text):
    """Yield every number and date in `text`, in order. "First" to "third" and figures inside names (G7) are not numbers."""
    for found in _TOKEN.finditer(text):
        part = found.groupdict()
        hedge = _HEDGE.search(text[:found.start()])
        if part["date"]:
            month = _MONTHS.index(part["month"].capitalize()) + 1 if part["month"] else None
            value = (f"{part['year']}-{month:02d}" + (f"-{int(part['day']):02d}" if part["day"] else "")) if month else part["date"]
            step = "date"
        elif part["digits"]:
            digits, scale = part["digits"].replace(",", ""), _SCALES.get((part["scale"] or "").lower(), 1)
            value = float(digits) * scale * (-1 if part["sign"] else 1)
            step = scale * 10.0 ** -len(digits.partition(".")[2])
            if hedge and step == scale and float(digits):
                step *= 10 ** (len(digits) - len(digits.rstrip("0")))
        elif part["vague"]:
            value, step, hedge = _VAGUE[part["vague"].lower()], "vague", None
        elif part["ordinal"] or part["vulgar"]:
            value, step = (_ORDINALS[part["ordinal"].lower()], 1) if part["ordinal"] else (unicodedata.numeric(part["vulgar"]), 0.02)
        elif part["fraction"]:
            value, step = _FRACTIONS[part["fraction"].lower().replace("-", " ")], 0.1 if hedge else 0.02
        else:
            scale = _SCALES.get((part["wordscale"] or "").lower(), 1)
            value, step = _WORDS[part["word"].lower()] * scale, scale
        yield Number(found.start(), found.end(), value, step, hedge and hedge.group(1).lower(), found.group())


def counted(phrase, values):
    """The numbers of a phrase to which a number of `values` is bound: all of them, or if those are too many, all but the words in UNCOUNTED."""
    numbers = list(find(phrase))
    return numbers if len(numbers) <= values else [number for number in numbers if number.text.lower() not in UNCOUNTED]


def agrees(number, value):
    """Whether a number as written is `value` after rounding half up to the last digit shown (the stated rounding rule).

    A date agrees with its bare year. "Dozens of" needs two dozens to a hundred; so do the like. "About" also forgives trailing zeros; "nearly" needs a value below, "over" one above, by a twentieth at most.
    """
    shown, step, hedge = number.value, number.step, number.hedge
    if step == "date":
        return str(value)[:len(shown)] == shown
    value = getattr(value, "year", value[:4] if isinstance(value, str) else value)
    value, room = float(value), abs(shown) / 20
    if step == "vague":
        return 2 * shown <= value < (100 if shown == 12 else 100 * shown)
    if hedge in ("nearly", "almost", "just under"):
        return shown - room <= value < shown
    if hedge in ("over", "more than", "at least"):
        return shown <= value <= shown + room
    return shown - step / 2 - 1e-9 <= value < shown + step / 2 + 1e-9
