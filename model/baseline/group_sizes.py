"""How many people each group of a trial had, as sentences and the heads of tables say. Pure.

A number belongs to the group whose name stands right beside it: before a bracket, `wool (n = 40)`, or behind
the number, `40 to wool`. Where two numbers stand side by side and one is known, the other is the other
group's. Statements of the allocation go before those of an analysis; where they differ, it abstains.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.baseline.counts import Count, counts_in
from model.baseline.paper import Finding, Sentence, any_case
from model.baseline.paper_columns import columns_of
from model.baseline.paper_groups import Group, Shorts, mentions
from model.baseline.paper_tables import Table
from model.baseline.paper_values import size_in
from model.baseline.sample_cues import N_IS, RANDOMISING, numbers_a_thing, of_group
from model.baseline.sample_size import total_of

__all__ = ["group_sizes"]

REACH = 110
"""Characters between a group's name and its number."""

SMALLEST = 4
"""Groups of fewer are no groups of a trial, and small numbers count other things."""

UNEVEN = 8
"""A group is not this many times smaller than its share of the whole."""

Named = Sequence[tuple[int, int, int]]
"""Start and end of a group's name in a sentence, and the group's number."""


@dataclass(frozen=True)
class _Size:
    group: int
    value: int
    weight: float
    quote: str


def group_sizes(
    paper: Sequence[Sentence], tables: Sequence[Table], groups: Sequence[Group], shorts: Shorts
) -> tuple[Finding | None, ...]:
    """For each group the number of its people, and the sentence or heading that tells it; None where it is unclear.

    The heads of tables are read where no sentence tells.
    """
    whole = total_of(paper)
    total = int(whole.value) if whole is not None and len(groups) > 1 else None
    told = [
        size
        for sentence in paper
        if sentence.about_its_sample
        for size in _sizes(sentence, groups, shorts)
        if _can_be(size.value, total, len(groups))
    ]
    return tuple(
        _agreed([size for size in told if size.group == number]) or _headed(tables, group, shorts, total)
        for number, group in enumerate(groups)
    )


def _can_be(size: int, total: int | None, groups: int) -> bool:
    return total is None or total / (UNEVEN * groups) <= size < total


def _agreed(told: Sequence[_Size]) -> Finding | None:
    votes: dict[int, float] = {}
    for size in told:
        votes[size.value] = votes.get(size.value, 0.0) + size.weight
    ranked = sorted(votes, key=lambda value: -votes[value])
    if not ranked or (len(ranked) > 1 and votes[ranked[0]] == votes[ranked[1]]):
        return None
    best = max((s for s in told if s.value == ranked[0]), key=lambda s: s.weight)
    return Finding(str(best.value), best.quote)


# Sentences ---------------------------------------------------------------------------------------

_NO_SIZE = any_case(
    r"^(?: \w+)?\s?(?:[,(;]\s?\d+(?:\.\d+)?\s?(?:%|percent)|/|(?:out )?of\b|%|\)?\s?(?:had|died|developed"
    r"|experienced|relapsed|completed|withdrew|discontinued|dropped|events?|deaths?)\b)"
)
_EVENT = re.compile(r"%\)? ?[\[(,] ?[nN]?\s?=?\s?$|\d\s?/\s?$|\b(?:every|each|to|than|least|most) $")
_CONTRAST = any_case(r"\b(?:compared|than|of whom|respectively)\b", r"\. ")
_APART = any_case(rf"{_CONTRAST.pattern}", r"\b(?:versus|vs)\b", r"[;)] ")
"""Between a name and a number that are not of one group."""

_BRACKETED = re.compile(r"[({\[,;:] ?(?:[nN]\s?=?\s?)?$")
_CLOSED = re.compile(r"(?: (?:\w+ ){0,2}\w+)?[)\];,]")
_GIVEN = any_case(
    r"^(?: (?:\w+ )?(?:patients?|participants?|subjects?|wom[ae]n|m[ae]n|children|adults|people|cases|individuals"
    r"|infants))?(?: were)?(?: \w+ly)?(?: (?:randomi[sz]ed|assigned|allocated|treated))?,? ?(?:to|in|into|on|for"
    r"|received?|receiving|with|without|got|of|given)?\b"
)
"""Between a number and the name of its group."""


def _sizes(sentence: Sentence, groups: Sequence[Group], shorts: Shorts) -> list[_Size]:
    """The numbers of a sentence that belong to a group."""
    text = sentence.text
    sizes = [c for c in counts_in(text) if _is_size(text, c)]
    if not sizes:
        return []
    named = sorted((a, b, who) for who, g in enumerate(groups) for a, b in mentions(text, g, shorts))
    owners = _in_order(text, sizes, named) or [_owner(text, c, sizes, named) for c in sizes]
    if len(groups) == 2 and len(sizes) == 2 and not _CONTRAST.search(text[sizes[0].end : sizes[1].start]):
        owners = _completed(owners)
    weight = (3.0 if RANDOMISING.search(text) else 1.0) * (1.5 if sentence.section == "abstract" else 1.0)
    return [
        _Size(who, c.value, weight * (1.5 if N_IS.search(text[: c.start]) else 1.0), text)
        for c, who in zip(sizes, owners, strict=True)
        if who is not None
    ]


def _is_size(text: str, count: Count) -> bool:
    """Whether a number counts the people of a group: no day, dose, event or share."""
    before, after = text[max(0, count.start - 40) : count.start], text[count.end :]
    if count.value < SMALLEST or numbers_a_thing(text, count):
        return False
    return not _NO_SIZE.match(after) and not _EVENT.search(before) and of_group(text, count)


def _in_order(text: str, sizes: Sequence[Count], named: Named) -> list[int | None]:
    """`n = 40 and n = 38 in wool and cotton, respectively`; empty where a sentence is not of this form."""
    said = text.find("respectively")
    if said < 0 or len(sizes) != 2 or said < sizes[1].start:
        return []
    behind = [who for a, _, who in named if sizes[1].end <= a < said]
    before = [who for _, b, who in named if b <= sizes[0].start]
    order = behind if len(behind) == 2 else before[-2:] if not behind else []
    return [*order] if len(set(order)) == 2 else [None, None]


def _owner(text: str, count: Count, sizes: Sequence[Count], named: Named) -> int | None:
    """The group beside a number: before its bracket, else behind it."""
    after = text[count.end :]
    if _BRACKETED.search(text[: count.start]) and _CLOSED.match(after):
        since = max((c.end for c in sizes if c.end <= count.start), default=0)
        near = [
            (b, who)
            for a, b, who in named
            if max(since, count.start - REACH) <= a and b <= count.start
            if not _APART.search(text[b : count.start])
        ]
        return max(near)[1] if near else None
    until = min((c.start for c in sizes if c.start >= count.end), default=len(text))
    near = [(a, who) for a, b, who in named if count.end <= a and b <= min(until, count.end + REACH)]
    return min(near)[1] if near and _GIVEN.match(after) else None


def _completed(owners: Sequence[int | None]) -> list[int | None]:
    """Of two numbers side by side, of which one is known, the other is the other group's."""
    first, second = owners
    if first is None and second is not None:
        return [1 - second, second]
    if second is None and first is not None:
        return [first, 1 - first]
    return [first, second]


# Tables ------------------------------------------------------------------------------------------


def _headed(tables: Sequence[Table], group: Group, shorts: Shorts, total: int | None) -> Finding | None:
    """`Wool (n = 40)` above a column, where all tables agree; the quote is that heading."""
    found: dict[int, str] = {}
    for table in tables:
        for row in table.rows:
            for column in columns_of(row, group, shorts):
                for piece in row.columns[column].split(" / "):
                    size = size_in(piece)
                    if size is not None and (total is None or size < total):
                        found.setdefault(size, piece)
    return Finding(str(next(iter(found))), next(iter(found.values()))) if len(found) == 1 else None
