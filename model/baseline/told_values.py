"""A group's value in a sentence: the number that stands right beside the group's name. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from model.baseline.direction_cues import WITHIN, clauses, comparison
from model.baseline.outcome_words import share
from model.baseline.paper_columns import Asked
from model.baseline.paper_groups import Group, Shorts, keys, mentions, tokens
from model.baseline.paper_values import MOST_PEOPLE, NUM, Value, plain, readable

__all__ = ["Told", "told_of"]


@dataclass(frozen=True)
class Told:
    """A value, and the sentence that tells it."""

    value: Value
    quote: str
    before: str
    """The sentence up to the value, which says whether it is a mean."""


_APART = r"(?<![\w.,·±/=<>(–−-])(?<!than )(?<!least )(?<!to )(?<!by )(?<!about )"
"""What does not stand before a value: a bound, or a part of another number."""

_NO_TIME = (
    r"(?<!after )(?<!at )(?<!in )(?<!for )(?<!from )(?<!since )(?<!during )(?<!within )(?<!day )(?<!week )(?<!month )"
    r"(?<!year )"
)
"""What does not stand before a mean: what makes it a time."""

_VALUE = (
    r"(?:(?P<c>\d[\d,]*)\s?(?:/|\bof\b"
    r"|\bout of\b)\s?(?P<d>\d[\d,]*)(?:\s?\w+){0,1}?(?:\s?[(\[](?P<cp>"
    rf"{NUM})\s?%[)\]])?|(?P<k>\d[\d,]*)\s?(?:patients|participants|subjects|women|men|children"
    rf"|cases)?\s?[(\[](?P<kp>{NUM})\s?%"
    rf"[)\]]|{_NO_TIME}(?P<v>{NUM})\s?(?P<u>%|[a-zA-Zµμ°]{{1,6}}(?:/[a-zA-Z0-9]+)?)?(?:\s?(?:±|\+/-)\s?(?P<s>{NUM})"
    rf"|\s?[(\[,]\s?(?:±|SD|SE|SEM)[:=]?\s?(?P<s2>{NUM})[)\]]?)?)"
)
_NOT_AFTER = (
    r"(?!\s?(?:%\s?(?:CI|confidence)|[-–]?(?:week|month|day|year|hour|min|fold|times\b)|mg|µg|μg|ml\b|IU"
    r"|[-–]\s?\d|[.,·]?\d|/|:"
    r"|\)?\s?%?\s?(?:\([^)]*\)\s?)?(?:\w+ )?(?:lower|higher|less|more|fewer|greater|shorter|longer|larger"
    r"|smaller|reduction|increase|decrease)\b))"
)
_GAP_FORWARD = (
    r"(?:\s?\(\s?n\s?=\s?\d+\s?\))?(?:\s(?:group|arm|patients|participants|subjects|women|men|children))?"
)
_FORWARD = re.compile(
    rf"^{_GAP_FORWARD}(?:\s?[(\[:=]\s?(?:mean|median)?\s?|,?\s(?:was|were|had|had a \w+ of|of|averaged|showed"
    rf"|at|is)\s)"
    rf"(?:a |an )?(?:mean |median )?(?:of )?{_VALUE}{_NOT_AFTER}"
)
_BACKWARD = re.compile(
    rf"{_APART}{_VALUE}(?:\s?(?:years?|yrs?|days?|weeks?|months?|hours?|h|min|°C|kg|g|cm|mm|m|kg/m2|mmHg"
    rf"|points?|patients|participants|subjects|women|men|children|episodes|cases))?[)\]]?"
    r"\s(?:in|for|with|of|among|after|on|by)\s(?:the\s|patients (?:in|on|receiving) (?:the\s)?|those (?:in"
    r"|on) (?:the\s)?)?$"
)
_P = re.compile(r"(?:\bp\s?(?:[<>=≤≥]|value)[\s\d.=<>]*|\bCI\b[\s:]*|\bn\s?=\s?|[±]\s?)$", re.IGNORECASE)
_DIFFERENCE = re.compile(
    r"\bdifferences? (?:in|between|of|was|were)\b|\bratio\b|\breduction of\b|\b(?:compared"
    r"|corresponding) (?:with|to) [\d(]",
    re.IGNORECASE,
)
"""The numbers of such a sentence are of both groups together."""


def told_of(sentence: str, asked: Asked, group: Group, shorts: Shorts) -> Iterator[Told]:
    """The values of a group that a sentence about the outcome gives."""
    if WITHIN.search(sentence) or _DIFFERENCE.search(sentence):
        return
    if len(mentions(sentence, group, shorts)) != 1:  # `(A: 28; B: 26) and … (A: 29; B: 27)`: which is which?
        return
    for start, end in clauses(sentence):
        clause = sentence[start:end]
        if share(asked.weights, keys(clause, shorts)) < 0.6:
            continue
        # `24 in the placebo group (mean age 52) and 23 in …`: numbers before the measure's name count people.
        named = min(t.start for t in tokens(clause, shorts) if t.keys & asked.weights.keys())
        if _COUNTED.search(clause, 0, named):
            continue
        for a, b in mentions(clause, group, shorts):
            found = _beside(clause, a, b)
            if found is not None and named < found[0] and (value := _value(found[1])) is not None:
                yield Told(value, sentence, clause)


def _beside(clause: str, start: int, end: int) -> tuple[int, re.Match[str]] | None:
    """The number beside a group's name, and where it begins."""
    forward = _FORWARD.match(clause[end:])
    if forward is not None:
        return end + forward.start(_first(forward)), forward
    begin = max(0, start - _WINDOW)
    before = clause[begin:start]
    for hit in _BACKWARD.finditer(before):
        if not _P.search(before[: hit.start()]):
            return begin + hit.start(_first(hit)), hit
    return None


_COUNTED = re.compile(r"(?<![\w.-])\d[\d.,]*(?![\d.,]*[\s-]?(?:weeks?|months?|days?|years?|hours?|min|h\b))")

_WINDOW = 80
"""Characters before a group's name in which its value may stand."""


def _first(hit: re.Match[str]) -> str:
    return next(name for name in ("c", "k", "v") if hit[name] is not None)


def _value(hit: re.Match[str]) -> Value | None:
    if not readable(hit.group()) or comparison(hit.group()):
        return None
    if hit["c"] is not None:
        count, size = int(plain(hit["c"])), int(plain(hit["d"]))
        if not count <= size <= MOST_PEOPLE:
            return None
        return Value(str(count), percent=hit["cp"], denominator=size, kind="count")
    if hit["k"] is not None:
        return Value(plain(hit["k"]), percent=plain(hit["kp"]), kind="count")
    spread = hit["s"] or hit["s2"]
    if hit["u"] == "%" and spread is None:
        return Value(plain(hit["v"]), kind="percent")
    return Value(plain(hit["v"]), plain(spread) if spread else None, kind="spread" if spread else "single")
