"""Dividing a text that is too long into parts: between sections, paragraphs, sentences, and nothing lost. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from tools.fulltext.quotes import sentences

__all__ = ["Indivisible", "Unit", "divided"]


@dataclass(frozen=True)
class Unit:
    """A stretch of a text that is kept together, as long as it fits."""

    text: str
    section: str
    """Path of headings, such as `Methods > Randomisation`."""
    source: int
    """Which passage, line or record it belongs to."""
    at: int = 0
    """Where in that it begins, in characters."""
    torn: bool = False
    """It begins inside a sentence."""

    @property
    def chapter(self) -> str:
        """The section of the highest level."""
        return self.section.split(" > ")[0]


class Indivisible(Exception):
    """Not even one character fits."""


def divided(units: Sequence[Unit], fits: Callable[[Sequence[Unit]], bool]) -> list[list[Unit]]:
    """Units in parts that fit, none of them empty, in order; together they hold every character.

    Args:
        units: what is to be read.
        fits: whether the question about some units fits; fewer units are expected to fit where more do, and a part
            is only made of what was seen to fit.

    Raises:
        Indivisible: a single character does not fit.
    """
    left, parts = list(units), []
    guess = (len(left) + 1) // 2  # a text that fits whole is not divided
    while left:
        count = _most(left, fits, guess)
        if count < len(left) and not fits(left[count : count + 1]):
            left[count : count + 1] = _finer(left[count])
            guess = count + 1
            continue
        count = _at_a_section(left, count, fits)
        parts.append(left[:count])
        left, guess = left[count:], _as_long(left[:count], left[count:])
    return parts


def _most(units: Sequence[Unit], fits: Callable[[Sequence[Unit]], bool], guess: int) -> int:
    """How many of the first units fit together: so many were seen to fit, and one more not to.

    The search begins at a guess, since a count costs as much as the text is long.
    """
    low, high, step = 0, len(units) + 1, 1
    probe = min(max(guess, 1), len(units))
    while high - low > 1:
        low, high = (probe, high) if fits(units[:probe]) else (low, probe)
        if high > len(units):
            probe, step = min(low + step, len(units)), step * 2
        else:
            probe = (low + high) // 2
    return low


def _as_long(before: Sequence[Unit], units: Sequence[Unit]) -> int:
    """How many of the units are as long as the part before them."""
    longest = sum(len(unit.text) for unit in before)
    return sum(length <= longest for length in accumulate(len(unit.text) for unit in units))


def _at_a_section(units: Sequence[Unit], count: int, fits: Callable[[Sequence[Unit]], bool]) -> int:
    """Where to end a part of at most `count` units: before a section that fits into a part of its own."""
    levels: tuple[Callable[[Unit], str], ...] = (lambda unit: unit.chapter, lambda unit: unit.section)
    for level in levels:
        if count == len(units) or level(units[count - 1]) != level(units[count]):
            return count
        begin, end = count, count
        while begin and level(units[begin - 1]) == level(units[count]):
            begin -= 1
        while end < len(units) and level(units[end]) == level(units[count]):
            end += 1
        if begin and fits(units[begin:end]) and fits(units[:begin]):
            return begin
    return count


def _finer(unit: Unit) -> list[Unit]:
    """The pieces of a unit that does not fit alone: its lines, its sentences, or two halves.

    Raises:
        Indivisible: it is a single character.
    """
    lines = unit.text.splitlines(keepends=True)
    if len(lines) > 1:
        return _cut(unit, list(accumulate(len(line) for line in lines[:-1])))
    if len(spans := sentences(unit.text)) > 1:
        return _cut(unit, [start for start, _ in spans[1:]])
    return _cut(unit, [_middle(unit.text)], torn=True)


def _middle(text: str) -> int:
    """Where to cut a sentence: after the space nearest to its middle, else between two letters.

    Raises:
        Indivisible: there is no place inside.
    """
    if len(text) < 2:
        raise Indivisible
    half = len(text) // 2
    places = [at for at in range(1, len(text)) if text[at - 1].isspace() and not text[at].isspace()]
    places = places or [at for at in range(1, len(text)) if not unicodedata.combining(text[at])] or [half]
    return min(places, key=lambda at: abs(at - half))


def _cut(unit: Unit, cuts: Sequence[int], *, torn: bool = False) -> list[Unit]:
    edges = [0, *cuts, len(unit.text)]
    return [
        replace(unit, text=unit.text[start:end], at=unit.at + start, torn=torn if start else unit.torn)
        for start, end in pairwise(edges)
    ]
