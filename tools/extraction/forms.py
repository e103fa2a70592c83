"""The set forms in which reports print numbers, before anything is said of what they mean. Pure.

`12/40 (30%)`, `3·5 ± 0·8`, `4 (2–6)`, `−1.4`: what is none of these is no number. Digits that come back are plain.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast

__all__ = [
    "MAX_CELL",
    "MOST_PEOPLE",
    "NUM",
    "PLUS_MINUS",
    "TO",
    "UNIT",
    "WHOLE",
    "Form",
    "FormName",
    "form_of",
    "plain",
    "readable",
]

_THOUSANDS = r"\d{1,3}(?:[,\u2009\u202f]\d{3})+"
WHOLE = rf"(?:{_THOUSANDS}|\d+)"
NUM = rf"(?:[-−–+]\s?)?(?:{_THOUSANDS}|\d+)?(?:(?<=\d)[.·]\d+|(?<!\d)[.·]\d+|(?<=\d))"
"""One number with its sign. A comma parts thousands; a decimal comma cannot be told from a list."""

MOST_PEOPLE = 10_000_000
"""Participants that a group may have, as the task `results` says."""

MAX_CELL = 80
"""Characters of a cell that holds one value."""

_MARKS = r"[\s*†‡§¶#\u00aa\u00ba\u2070-\u209f^]*"
TO = r"\s?(?:[-–−‐‑—,;]|to|and)\s?"
PLUS_MINUS = r"(?:±|\+/[-−–]|\+[-−–])"
_LONG = re.compile(r"\d{12}")


def plain(printed: str) -> str:
    """A printed number in plain digits.

    >>> plain("1,234"), plain("3·5"), plain("− 2"), plain("+11.2")
    ('1234', '3.5', '-2', '11.2')
    """
    digits = re.sub(r"[\s,\u2009\u202f]", "", printed).replace("·", ".")
    return re.sub(r"^[−–]", "-", digits).removeprefix("+")


def readable(printed: str) -> bool:
    """Whether the digits are those that answers are written in, and no number is absurdly long."""
    return all(c.isascii() for c in printed if c.isdecimal()) and _LONG.search(printed) is None


# Forms -------------------------------------------------------------------------------------------


FormName = Literal["spread", "share", "count", "limits", "either", "percent", "single", "interval"]


@dataclass(frozen=True)
class Form:
    """What a cell looks like, before anything is said of what it means; numbers in plain digits."""

    name: "FormName"
    """`either` is `12 (40)`: a count with its percentage, or a mean with its spread."""
    value: str = ""
    second: str = ""
    """What stands behind ± or in brackets."""
    percent: str = ""
    total: str = ""
    lower: str = ""
    upper: str = ""
    inside: str = ""
    """The word printed in the brackets, such as `SD`."""


def _n(name: str) -> str:
    return rf"(?P<{name}>{NUM})"


_INSIDE = r"(?P<inside>(?:SD|SE|SEM|IQR|range|95\s?%\s?CI|CI)\b\s?[:=,]?\s?)?"
UNIT = r"(?:\s?%)?"
_UNDER_ONE = r"<\s?(?:1|0?[.·]\d+)"
"""A percentage too small to be printed: the `<1` of `1 (<1)`."""

_SHAPES: tuple[tuple[str, str], ...] = (
    ("spread", rf"{_n('value')}{UNIT}\s?\(?{PLUS_MINUS}\s?(?P<inside>S\.?[DE]\.?M?\.?\s?)?{_n('second')}\)?{UNIT}"
               rf"(?:\s?[\[(]\s?(?P<lower>{NUM}){TO}(?P<upper>{NUM})\s?[\])])?"),
    ("share", rf"(?P<value>{WHOLE})\s?(?:/|of)\s?(?P<total>{WHOLE})"
              rf"(?:\s?[\[(;,]\s?(?:{_n('percent')}|{_UNDER_ONE})\s?%?\s?[\])]?)?"),
    ("share", rf"{_n('percent')}\s?%?\s?[\[(]\s?(?P<value>{WHOLE})\s?/\s?(?P<total>{WHOLE})\s?[\])]"),
    ("count", rf"(?P<value>{WHOLE})\s?[\[(;,]\s?{_n('percent')}\s?%\s?[\])]?"),
    ("count", rf"{_n('percent')}\s?%\s?[\[(]\s?(?:n ?= ?)?(?P<value>{WHOLE})\s?[\])]"),
    ("count", rf"(?P<value>{WHOLE})\s?[\[(]\s?{_UNDER_ONE}\s?%?\s?[\])]"),
    ("limits", rf"{_n('value')}{UNIT}\s?[\[(;,]\s?{_INSIDE}{_n('lower')}{UNIT}{TO}{_n('upper')}{UNIT}\s?[\])]?"),
    ("either", rf"{_n('value')}\s?[\[(]\s?{_INSIDE}{_n('second')}\s?[\])]"),
    ("percent", rf"\(?{_n('value')}\s?%\)?"),
    ("single", rf"{_n('value')}|\(\s?(?P<alone>{NUM})\s?\)"),
    ("interval", rf"[\[(]?\s?{_n('lower')}{UNIT}(?:{TO}){_n('upper')}{UNIT}\s?[\])]?"),
)  # fmt: skip
"""Surest first; each must be the whole of the cell but for marks of footnotes."""

_FORMS = tuple((name, re.compile(rf"(?:{shape}){_MARKS}", re.IGNORECASE)) for name, shape in _SHAPES)


def form_of(text: str, marks: frozenset[str] = frozenset()) -> Form | None:
    """The set form that the whole of a cell has; None where it has none.

    Args:
        text: the cell.
        marks: letters that the table explains in footnotes, so that the `e` of `1.2 (0.4)e` is one.
    """
    text = _undressed(text.strip())
    if len(text) > MAX_CELL or not readable(text):
        return None
    if marks and text[-1:] in marks and len(text) > 1 and (text[-2].isdigit() or text[-2] in ")] ^*"):
        text = text[:-1].rstrip()
    for name, form in _FORMS:
        hit = form.fullmatch(text)
        if hit is not None and (made := _form(name, hit)) is not None:
            return made
    return None


_RAISED = re.compile(
    r"(?<=[\d)\]%*])\s?\^(?:(?!st|nd|rd|th)[a-zA-Z]{1,3}|[*†‡§¶#])(?:,\s?[a-z*†‡§¶#](?![\w.]))*(?![\w.])"
)
_STARS = re.compile(r"(?<=[\d)%])\s?[*†‡§¶#]+(?=\s?[\[(±])")
_P_BEHIND = re.compile(r"(?<=[\d)\]])\s?[;,]?\s?\(?p\s?[=<>≤]\s?[01]?[.·]\d+\)?$", re.IGNORECASE)
_DECIMAL_COMMAS = re.compile(rf"[-−–]?\s?\d+,\d{{1,2}}\s?{PLUS_MINUS}\s?\d+,\d{{1,2}}")


def _undressed(text: str) -> str:
    """A cell without what is no part of its value: raised letters, stars, a p-value behind it.

    >>> _undressed("79.4^ab ± 3.1"), _undressed("12* [10–14]"), _undressed("0,64 ± 0,37")
    ('79.4 ± 3.1', '12 [10–14]', '0.64 ± 0.37')
    """
    text = re.sub(r"(?<=\d)[.·] (?=\d)", ".", text)  # `2. 54`, as typesetters leave it
    text = _P_BEHIND.sub("", _STARS.sub("", _RAISED.sub("", text))).strip()
    # On both sides of ± a comma before one or two digits parts no thousands and no list.
    return text.replace(",", ".") if _DECIMAL_COMMAS.fullmatch(text) else text


def _form(name: str, hit: re.Match[str]) -> Form | None:
    got = {key: value for key, value in hit.groupdict().items() if value is not None}
    inside = got.pop("inside", "").strip(" :=,")
    got["value"] = got.pop("alone", got.get("value", ""))
    numbers = {key: plain(value) for key, value in got.items() if value}
    if name == "share" and not int(numbers["value"]) <= int(numbers["total"]) <= MOST_PEOPLE:
        return None  # a blood pressure, men/women, or a typing error
    return Form(cast(FormName, name), inside=inside, **numbers)
