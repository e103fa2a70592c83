"""Numbers as reports print them: `12/40 (30%)`, `3·5 ± 0·8`, `4 (2–6)`, `p < 0.001`. Pure.

A number is read in one of a few set forms; what is none of these is no reading. What stands beside a value is
named only where the table or sentence names it: without a word for it, ± may be a standard deviation or a
standard error, and the reading says `unknown`.

Forms after the guides that journals print them by: SAMPL (Lang and Altman 2013), items on summarising data.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tools.extraction.forms import MOST_PEOPLE, NUM, PLUS_MINUS, TO, UNIT, WHOLE, Form, form_of, plain

__all__ = [
    "PValue",
    "Reading",
    "Told",
    "p_values",
    "percent_fits",
    "reading_of",
    "readings_in",
    "sizes_in",
    "told_by",
]

# What is told of them ----------------------------------------------------------------------------

Told = Literal["sd", "se", "ci", "iqr", "range", "mean", "median", "percent", "count", "share"]

_WORDS: tuple[tuple[Told, str, re.RegexFlag], ...] = (
    ("sd", r"\bS\.?D\.?s?(?![A-Za-z])|\b[Ss]tandard [Dd]eviations?|\bsd\b", re.NOFLAG),
    ("se", r"\bS\.?E\.?(?:M\.?)?s?(?![A-Za-z])|\b[Ss]tandard [Ee]rrors?|\bsem?\b", re.NOFLAG),
    ("ci", r"\bC\.?I\.?s?\b|confidence (?:interval|limit)s?", re.IGNORECASE),
    ("iqr", r"\bI\.?Q\.?R\.?\b|inter-?\s?quartile|quartiles?\b|25th|\bQ1\b", re.IGNORECASE),
    ("range", r"(?<!quartile )\brange\b|min(?:imum)?\s?[-–,/]\s?max", re.IGNORECASE),
    ("mean", r"\b(?:means?|averages?)\b|^\W*M\W*$", re.IGNORECASE),
    ("median", r"\bmedians?\b", re.IGNORECASE),
    ("share", r"\b(?:n|no\.?|numbers?|events?|counts?)\b[^|;%]{0,25}?[\[(,;/]?\s?(?:%|per ?cent(?:age)?)"
              r"|%\s?[\[(,/]\s?(?:n|no)\b", re.IGNORECASE),
    ("percent", r"%(?!\s?(?:CI|confidence))|\bper ?cent|\bpercentages?\b", re.IGNORECASE),
    ("count", r"\b(?:n|no\.?|numbers?|counts?)\b(?!\s?=)", re.IGNORECASE),
)  # fmt: skip
_TOLD = tuple((name, re.compile(pattern, flags)) for name, pattern, flags in _WORDS)


def told_by(layer: str) -> frozenset[Told]:
    """What one text (a label, a heading, a footnote) says of the numbers beside it.

    >>> sorted(told_by("Weight (kg), mean ± SD")), sorted(told_by("Blisters, n (%)"))
    (['mean', 'sd'], ['count', 'percent', 'share'])
    """
    return frozenset(name for name, pattern in _TOLD if pattern.search(layer))


def _nearest(layers: Sequence[frozenset[Told]], among: Sequence[Told]) -> Told | None:
    """What the nearest layer says that says anything of these; None where it says more than one."""
    for layer in layers:
        said = [name for name in among if name in layer]
        if said:
            return said[0] if len(said) == 1 else None
    return None


# Readings ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """One value with what is printed beside it, in plain digits."""

    kind: Literal["count", "percent", "mean", "median", "number", "limits"]
    """`number`: nothing says what it is. `limits`: an interval without its value."""
    value: str = ""
    spread: str | None = None
    spread_kind: Literal["sd", "se", "unknown"] | None = None
    lower: str | None = None
    upper: str | None = None
    limits_kind: Literal["ci", "iqr", "range", "unknown"] | None = None
    percent: str | None = None
    total: int | None = None
    """Denominator printed with it: the 40 of `12/40`."""
    start: int = 0
    end: int = 0
    """Where it stands in the text it was read from."""


def percent_fits(count: float, total: float, percent: str) -> bool:
    """Whether a printed percentage is that of a count, as rounding to its digits goes.

    >>> percent_fits(6, 40, "15.0"), percent_fits(6, 40, "16"), percent_fits(1, 26, "3.9")
    (True, False, True)
    """
    if total <= 0:
        return False
    digits = len(percent.partition(".")[2])
    # One unit in the last place: 3.846 % is printed as 3.8 and, rounded up, as 3.9.
    return bool(abs(100 * count / total - float(percent)) < 1.001 * 10.0**-digits)


def reading_of(
    text: str, layers: Sequence[str] = (), total: int | None = None, marks: frozenset[str] = frozenset()
) -> Reading | None:
    """What a cell holds; None where it holds anything but one value in a set form.

    Args:
        text: the cell.
        layers: what is said of it, nearest first: row's label, column's heading, caption, footnotes.
        total: participants of the group, where the table tells it: `12 (40)` of 30 is a count.
        marks: see `form_of`.
    """
    own = _OWN_SIZE.search(text)
    form = form_of(text if own is None else text[: own.start()], marks)
    if form is None:
        return None
    said = [told_by(layer) for layer in (form.inside, *layers)]
    made = _READERS[form.name](form, said, total)
    if made is None:
        return None
    if own is not None and made.total is None:
        made = replace(made, total=int(plain(own[1])))
    start = len(text) - len(text.lstrip())
    return replace(made, start=start, end=start + len(text.strip()))


_OWN_SIZE = re.compile(rf"(?<=\S)\s?[,;]?\s?[\[(]\s?n\s?=\s?({WHOLE})\s?[\])]\s*$", re.IGNORECASE)
"""Participants printed behind a value: `9.3 ± 0.4 (n = 14)`."""


def _spread(form: Form, said: Sequence[frozenset[Told]], _total: int | None) -> Reading | None:
    kind = _nearest(said, ("sd", "se"))
    return Reading("mean", form.value, spread=form.second, spread_kind=_sd_or_se(kind))


def _sd_or_se(kind: Told | None) -> Literal["sd", "se", "unknown"]:
    if kind == "sd":
        return "sd"
    return "se" if kind == "se" else "unknown"


def _share(form: Form, said: Sequence[frozenset[Told]], _total: int | None) -> Reading | None:
    # `8/20` may be men and women, unless its percentage or a word says that it is a part of the whole.
    if form.percent and not percent_fits(int(form.value), int(form.total), form.percent):
        return None
    return Reading("count", form.value, percent=form.percent or None, total=int(form.total))


def _count(form: Form, _said: Sequence[frozenset[Told]], total: int | None) -> Reading | None:
    return Reading("count", form.value, percent=form.percent or None)


def _limits(form: Form, said: Sequence[frozenset[Told]], _total: int | None) -> Reading | None:
    if not float(form.lower) <= float(form.value) <= float(form.upper):
        return None
    named = _nearest(said, ("ci", "iqr", "range"))
    kind = named if named in ("ci", "iqr", "range") else "unknown"
    return replace(_centred(form, said), lower=form.lower, upper=form.upper, limits_kind=kind)


def _centred(form: Form, said: Sequence[frozenset[Told]]) -> Reading:
    centre = _nearest(said, ("mean", "median"))
    if centre == "mean":
        return Reading("mean", form.value)
    return Reading("median" if centre == "median" else "number", form.value)


def _either(form: Form, said: Sequence[frozenset[Told]], total: int | None) -> Reading | None:
    """`12 (40)`: by what is told, else by arithmetic, else only the value counts."""
    whole = form.value.isdigit()
    counted = whole and total is not None and percent_fits(int(form.value), total, form.second)
    for layer in said:
        spread, share = bool(layer & {"sd", "se"}), "share" in layer
        if spread and share and not counted and whole:
            return None  # `mean (SD) or n (%)`, and the number may be either
        if share and (counted or not spread):
            return _counted(form, layer)
        if spread:
            kind = _nearest([layer], ("sd", "se"))
            return Reading("mean", form.value, spread=form.second, spread_kind=_sd_or_se(kind))
    if counted:
        return Reading("count", form.value, percent=form.second)
    return None if _nearest(said, ("percent",)) else _centred(form, said)


def _counted(form: Form, layer: frozenset[Told]) -> Reading | None:
    if form.value.isdigit() and 0 <= float(form.second) <= 100:
        return Reading("count", form.value, percent=form.second)
    if form.second.isdigit() and 0 <= float(form.value) <= 100:  # `30.0 (12)` under `% (n)`
        return Reading("count", form.second, percent=form.value)
    return None


def _percent(form: Form, _said: Sequence[frozenset[Told]], _total: int | None) -> Reading | None:
    return Reading("percent", form.value)


def _single(form: Form, said: Sequence[frozenset[Told]], _total: int | None) -> Reading | None:
    for layer in said:
        if "share" in layer or layer & {"count", "percent"} == {"count", "percent"}:
            break
        if "count" in layer and form.value.isdigit():
            return Reading("count", form.value)
        if layer & {"mean", "median"}:
            break
        if "percent" in layer:
            return Reading("percent", form.value)
    return _centred(form, said)


def _interval(form: Form, said: Sequence[frozenset[Told]], _total: int | None) -> Reading | None:
    if not float(form.lower) <= float(form.upper):
        return None
    named = _nearest(said, ("ci", "iqr", "range"))
    kind = named if named in ("ci", "iqr", "range") else "unknown"
    return Reading("limits", lower=form.lower, upper=form.upper, limits_kind=kind)


_READERS = {
    "spread": _spread,
    "share": _share,
    "count": _count,
    "limits": _limits,
    "either": _either,
    "percent": _percent,
    "single": _single,
    "interval": _interval,
}


# Sentences ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PValue:
    """A p-value as printed: `<` and `0.001`."""

    sign: str
    value: str
    start: int
    end: int


_P = re.compile(
    r"\bp(?:[- ]?values?)?\s?(?P<sign>[<>=≤≥]|<=|>=|was|of)\s?(?P<value>[01]?[.·]\d+|0|1)(?!\d)",
    re.IGNORECASE,
)


def p_values(text: str) -> Iterator[PValue]:
    """The p-values of a text in order.

    >>> [(p.sign, p.value) for p in p_values("fewer (P<0·001), not pain (p = .34)")]
    [('<', '0.001'), ('=', '.34')]
    """
    for hit in _P.finditer(text):
        yield PValue(hit["sign"], plain(hit["value"]), hit.start(), hit.end())


_IN_TEXT = re.compile(
    r"(?<![\w.,·^])(?<![±/=<>≤≥])(?<![±/=<>≤≥]\s)(?<![A-Za-z][-‐‑])"
    r"(?:"
    rf"(?P<a>{NUM}(?:\s?[a-zA-Z°%]{{1,4}}(?:/[a-zA-Z]+)?)?\s?\(?{PLUS_MINUS}\s?{NUM}\)?)"
    rf"|(?P<b>{WHOLE}\s?(?:/|\b(?:out )?of\b\s)\s?{WHOLE}(?:\s?[\[(,]\s?{NUM}\s?%\s?[\])]?)?)"
    rf"|(?P<c>{NUM}\s?%?\s?[\[(]\s?{WHOLE}\s?/\s?{WHOLE}\s?[\])])"
    rf"|(?P<d>{WHOLE}\s?[\[(]\s?{NUM}\s?%\s?[\])])"
    rf"|(?P<e>{NUM}\s?%\s?[\[(]\s?(?:n ?= ?)?{WHOLE}\s?[\])])"
    rf"|(?P<f>{NUM}(?:\s?[a-zA-Z°%]{{1,7}}(?:/[a-zA-Z]+)?)?\s?[\[(,;]\s?"
    rf"(?:(?:SD|SE|SEM|IQR|range|95\s?%\s?(?:CI|confidence interval)"
    rf"|CI)\b\s?[:=,]?\s?){NUM}{UNIT}(?:{TO}{NUM}{UNIT})?\s?[\])]?)"
    rf"|(?P<g>{NUM}\s?[\[(]\s?{NUM}\s?[\])])"
    rf"|(?P<h>{NUM}\s?%(?!\s?(?:CI|confidence)))"
    rf"|(?P<i>{NUM})"
    r")(?![\w·]|[.,]\d|\s?/\s?\d)"
)
_UNIT_INSIDE = re.compile(
    rf"(?<=\d)\s?(?!to\b|of\b|and\b|out\b)[a-zA-Z°]{{1,7}}(?:/[a-zA-Z]+)?(?=\s?[\[(,;]|\s?{PLUS_MINUS})"
)


def readings_in(text: str, layers: Sequence[str] = ()) -> Iterator[Reading]:
    """The values that a sentence gives, in order, with their places; p-values are left out.

    A sentence says what its numbers are for all of them together: `mean (SD)` anywhere in it tells what the
    brackets hold. Names of doses and times are not told from values here: callers know what they ask for.
    """
    taken = [(p.start, p.end) for p in p_values(text)]
    for hit in _IN_TEXT.finditer(text):
        if any(start < hit.end() and hit.start() < end for start, end in taken):
            continue
        printed = re.sub(r"\bout of\b", "of", _UNIT_INSIDE.sub("", hit.group()))
        made = reading_of(printed, (text, *layers))
        if made is not None:
            yield replace(made, start=hit.start(), end=hit.end())


_SIZE = re.compile(rf"\bN\s?=\s?({WHOLE})(?![\d.,]*\d)", re.IGNORECASE)


def sizes_in(text: str) -> tuple[int, ...]:
    """Every `n = …` of a text, in order.

    >>> sizes_in("Wool (n = 1,204)"), sizes_in("n=5, later n=4")
    ((1204,), (5, 4))
    """
    found = (int(plain(hit)) for hit in _SIZE.findall(text))
    return tuple(size for size in found if size <= MOST_PEOPLE)
