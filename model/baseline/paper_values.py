"""Numbers as reports print them, read as answers write them: `1,234`, `3·5` and `−2`. Pure.

What stands in a cell or behind a group's name has one of a few set forms. A form that is none of these is
no value: a wrong number is worse than none.
"""

import re
from dataclasses import dataclass

from tools.extraction.forms import MAX_CELL, MOST_PEOPLE, NUM, plain, readable

__all__ = ["MOST_PEOPLE", "NUM", "Value", "cell_value", "dispersion", "param", "plain", "readable", "size_in"]

_MARKS = r"[\s*†‡§¶#\u00aa\u00ba\u2070-\u209f^]*"
_TO = r"\s?(?:[-–−‐‑—,;]|to|and)\s?"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"{pattern}{_MARKS}", re.IGNORECASE)


def _n(name: str) -> str:
    return rf"(?P<{name}>{NUM})"


_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("spread", _form(rf"{_n('v')}\s?%?\s?\(?(?:±|\+/-|\+-)\s?{_n('s')}\)?\s?%?")),
    ("share", _form(rf"(?P<v>\d[\d,]*)\s?(?:/|of)\s?(?P<d>\d[\d,]*)(?:\s?[\[(;,]\s?{_n('p')}\s?%?\s?[\])]?)?")),
    ("share", _form(rf"{_n('p')}\s?%?\s?[\[(]\s?(?P<v>\d[\d,]*)\s?/\s?(?P<d>\d[\d,]*)\s?[\])]")),
    ("count", _form(rf"(?P<v>\d[\d,]*)\s?[\[(;,]\s?{_n('p')}\s?%\s?[\])]?")),
    ("count", _form(rf"{_n('p')}\s?%\s?[\[(]\s?(?:n ?= ?)?(?P<v>\d[\d,]*)\s?[\])]")),
    ("limits", _form(rf"{_n('v')}\s?%?\s?[\[(](?:95\s?%\s?CI[:,]?\s?)?{_n('l')}\s?%?{_TO}{_n('u')}\s?%?[\])]")),
    ("either", _form(rf"{_n('v')}\s?[\[(]\s?{_n('s')}\s?[\])]")),
    ("percent", _form(rf"{_n('v')}\s?%")),
    ("single", _form(_n("v"))),
)  # fmt: skip
"""How cells are printed, surest first; each must be the whole of the cell."""


@dataclass(frozen=True)
class Value:
    """One value and what is printed beside it, in plain digits."""

    value: str
    spread: str | None = None
    lower: str | None = None
    upper: str | None = None
    percent: str | None = None
    """The percentage printed beside a count."""
    denominator: int | None = None
    kind: str = "single"
    """`count`, `percent`, `spread`, `limits`, or `single`."""


def cell_value(cell: str, told: str = "") -> Value | None:
    """What a cell holds; None where it holds anything but one value in a set form.

    Args:
        cell: its text.
        told: what row, column and caption say of it: `n (%)`, `mean (SD)`.
    """
    if len(cell) > MAX_CELL or not readable(cell):
        return None
    for kind, form in _FORMS:
        hit = form.fullmatch(cell.strip())
        if hit is not None:
            return _read(kind, {k: plain(v) for k, v in hit.groupdict().items() if v is not None}, told)
    return None


def _read(kind: str, got: dict[str, str], told: str) -> Value | None:
    if kind == "share":
        if (
            not int(got["v"]) <= int(got["d"]) <= MOST_PEOPLE
        ):  # a blood pressure, men/women, or a typing error
            return None
        # Without its percentage `8/20` may be men and women.
        sure = "p" in got or re.search(r"/\s?N\b|\bn\s?\(?%|number|proportion|events?", told) is not None
        if not sure and re.search(r"\w\s?/\s?\w", told):
            return None
        return Value(got["v"], percent=got.get("p"), denominator=int(got["d"]), kind="count")
    if kind == "count":
        return Value(got["v"], percent=got["p"], kind="count")
    if kind == "either":
        return _number_in_brackets(got, told)
    if kind == "limits":
        if not float(got["l"]) <= float(got["v"]) <= float(got["u"]):
            return None
        return Value(got["v"], lower=got["l"], upper=got["u"], kind="limits")
    if kind == "single" and _PERCENT.search(told) and not _COUNT.search(told):
        kind = "percent"
    return Value(got["v"], got.get("s"), kind=kind)


_PERCENT = re.compile(r"%|\bper ?cent|\bpercentage", re.IGNORECASE)
_COUNT = re.compile(r"\b(?:n|no\.?|number)\b(?!\s?=)", re.IGNORECASE)
_COUNT_AND_PERCENT = re.compile(
    r"\b(?:n|no\.?|number|events?)\b[^|]{0,25}?[\[(,;/]?\s?%|\(%\)|\bn\s?\[%\]", re.IGNORECASE
)
_SPREAD = re.compile(r"\b(?:s\.?d\.?|s\.?e\.?m?\.?|standard (?:deviation|error)s?)\b|±", re.IGNORECASE)


def _number_in_brackets(got: dict[str, str], told: str) -> Value | None:
    """`12 (40)` is a count with its percentage, or a mean with its spread: only where it is told, which."""
    if re.search(r"%\s?[(,/]\s?(?:n|no)\b", told, re.IGNORECASE):
        return Value(got["s"], percent=got["v"], kind="count") if got["s"].isdigit() else None
    count, spread = _COUNT_AND_PERCENT.search(told) is not None, _SPREAD.search(told) is not None
    whole = got["v"].isdigit()
    if whole and count and not spread:
        return Value(got["v"], percent=got["s"], kind="count")
    if spread and not (whole and count):
        return Value(got["v"], got["s"], kind="spread")
    return Value(got["v"])


# What the number is ------------------------------------------------------------------------------

_DISPERSION: tuple[tuple[str, str], ...] = (
    ("Standard Error", r"\bS\.?E\.?M?\.?\b|standard errors?"),
    ("Standard Deviation", r"\bS\.?D\.?s?\b|standard deviations?"),
    ("Inter-Quartile Range", r"\bI\.?Q\.?R\.?\b|inter-?\s?quartile|25th"),
    ("95% Confidence Interval", r"\bC\.?I\.?s?\b|confidence (?:interval|limit)s?"),
    ("Full Range", r"\brange\b|min(?:imum)?\s?[-–,]\s?max"),
)


def dispersion(value: Value, told: str) -> str:
    """The kind of spread or limits, in ClinicalTrials.gov's words; empty where it is not told, or told twice."""
    if value.spread is None and value.lower is None:
        return ""
    wanted = 2 if value.lower is None else 5  # the first two are one number, the others are limits
    among = _DISPERSION[:2] if wanted == 2 else _DISPERSION[2:]
    named = [name for name, pattern in among if re.search(pattern, told, re.IGNORECASE)]
    return named[0] if len(named) == 1 else ""


def param(value: Value, told: str) -> str:
    """The kind of number, in ClinicalTrials.gov's words; `NUMBER` where nothing more is told."""
    if value.kind == "count":
        return "COUNT_OF_PARTICIPANTS"
    if value.kind == "percent":
        return "NUMBER"
    mean, median = re.search(r"\bmeans?\b", told, re.IGNORECASE), re.search(r"\bmedian", told, re.IGNORECASE)
    if mean is not None and median is None:
        return "MEAN"
    return "MEDIAN" if median is not None and mean is None else "NUMBER"


_SIZE = re.compile(r"\bN\s?=\s?(\d{1,3}(?:,\d{3})+|\d+)\b", re.IGNORECASE)


def size_in(text: str) -> int | None:
    """The one `n = …` of a text; None where there is none, or several differ.

    >>> size_in("Wool (n = 1,204)"), size_in("n=5, later n=4")
    (1204, None)
    """
    found = {int(plain(hit)) for hit in _SIZE.findall(text)}
    size = found.pop() if len(found) == 1 else None
    return size if size is None or size <= MOST_PEOPLE else None
