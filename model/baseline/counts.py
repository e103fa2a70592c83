"""Counts as reports write them, in digits or in words, with their places. Pure."""

import re
from dataclasses import dataclass

__all__ = ["Count", "count_of", "counts_in"]

_UNITS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_UNITS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORTH = {word: value for value, word in enumerate(_UNITS, start=1)}
_WORTH |= dict(zip(_TENS, range(20, 100, 10), strict=True))
_TIMES = {"hundred": 100, "thousand": 1000}

_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_SMALL = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{_UNIT}))?|(?:{_UNIT}))"
_AND = r"(?:[ -]and[ -]|, |[ -])"
_HUNDREDS = rf"(?:(?:{_SMALL}[ -])?hundred(?:{_AND}{_SMALL})?)"
_WORDS = (
    rf"(?:(?:(?:{_HUNDREDS}|{_SMALL})[ -])?thousand(?:{_AND}(?:{_HUNDREDS}|{_SMALL}))?|{_HUNDREDS}|{_SMALL})"
)
_SPACES = "\u2009\u202f\u00a0 "
_DIGITS = rf"\d{{1,3}}(?:,\d{{3}})+|[1-9]\d{{0,2}}(?:[{_SPACES}]\d{{3}})+|\d+"

_COUNT = re.compile(
    rf"(?<![\w.,/=·+±–−-])(?<![<>≤≥~]\s)(?:(?P<d>{_DIGITS})(?![\d%]|[.,·/]\d|\s?(?:%|percent\b|per cent\b)|-\w)"
    rf"|(?P<w>\b{_WORDS})\b(?!-))",
    re.IGNORECASE,
)
"""A whole number that is no part of a decimal, a fraction, a range, a percentage or a compound."""


@dataclass(frozen=True)
class Count:
    """A whole number at its place."""

    start: int
    end: int
    value: int


def count_of(text: str) -> int:
    """A count in digits or words.

    >>> count_of("1,204"), count_of("Forty-two"), count_of("two hundred and one")
    (1204, 42, 201)

    Raises:
        KeyError: when a word is no number.
    """
    if text[0].isdigit():
        return int(re.sub(r"\D", "", text))
    whole = part = 0
    for word in re.findall(r"[a-z]+", text.lower()):
        if word == "and":
            continue
        if word == "thousand":
            whole, part = whole + (part or 1) * 1000, 0
        elif word == "hundred":
            part = (part or 1) * 100
        else:
            part += _WORTH[word]
    return whole + part


def counts_in(text: str) -> list[Count]:
    """The whole numbers of a text in order; `n=40` is one, `4.0`, `40%` and `40-year` are none."""
    return [Count(*hit.span(), count_of(hit.group())) for hit in _COUNT.finditer(_blanked(text))]


def _blanked(text: str) -> str:
    """`n=40` with a blank for the sign, so that the number stands alone; places stay."""
    return re.sub(r"(?<=[nN])(\s?)=", lambda hit: " " * len(hit.group()), text)
