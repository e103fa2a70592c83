"""What kind of mistake a miss is: rules in a fixed order, the first that holds decides. Pure.

format              there was an answer, and it could not be read, or was cut off
not answered        no answer at all: too long for the model, refused, overloaded
abstained wrongly   said not to be there, though the right value's quote (or the value) stands in the text given
missing context     said not to be there or wrong, and the right value does not stand in the text that was given
unit confusion      the right value times a power of ten or another factor between units; a standard error for a
                    standard deviation; another unit told beside it
calculation error   follows by arithmetic from true numbers of the same answer: a percentage for a count or the
                    other way round, a complement, a sum or a difference of two
hallucination       the value does not stand in the text that was given
in part             a text that shares half of its telling words, or more, with the right one
wrong place         the value stands there, and belongs to something else: another arm, outcome, time, or (for what
                    is not reported) to nothing that was asked
misread             a label: the quote is the right one or stands in the text, and the label is wrong; or the wrong
                    kind of number was named (a mean for a median)
unsupported label   a label whose quote does not stand in the text

A number is looked for among the numbers of the text, a text word for word after folding, and else by its words: at
least half of those with four letters or more, as extracted texts are seldom verbatim.

What stands beside a value (its spread, its unit) is not counted again where the value itself was not told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import permutations
from math import isclose, log10, sqrt
from typing import Any, NamedTuple

from finetune.evaluation.cells import ABSTAINS, Cell, right
from finetune.evaluation.matching import Likeness, folded, number_of, numbers_in
from tools.fulltext.quotes import locate
from tools.synthesis.units import converted, relation, slip_of_scale

__all__ = ["CATEGORIES", "Miss", "misses_of", "report_of", "sorted_miss"]

CATEGORIES = (
    "format",
    "not answered",
    "abstained wrongly",
    "missing context",
    "unit confusion",
    "calculation error",
    "hallucination",
    "in part",
    "wrong place",
    "misread",
    "unsupported label",
)

UNREADABLE = frozenset({"malformed", "truncated"})
CLOSE = 0.002
"""Relative; numbers that were computed are rounded."""

CODES = frozenset({"param_type", "dispersion_type"})
"""Slots whose values are words of the register, and stand in no paper."""

DEVIATIONS = frozenset({"standard deviation", "standard error", "sd", "se"})

EXAMPLES = 5
MOST_CHARS = 300


class Miss(NamedTuple):
    """A wrong cell, and what kind of mistake it is."""

    cell: Cell
    category: str
    why: str


def misses_of(cells: Iterable[Cell], likeness: Likeness) -> list[Miss]:
    """Every cell that is wrong by the rule of its kind, sorted; what only follows from another miss is left out."""
    known = list(cells)
    told = {cell.example_id for cell in known if cell.main and cell.said is not None}
    return [
        Miss(cell, *sorted_miss(cell))
        for cell in known
        if not right(cell, likeness)[0]
        and (_alone(cell) or (not cell.failed and (cell.said is not None or cell.example_id in told)))
    ]


def _alone(cell: Cell) -> bool:
    """Whether a cell is the answer to its question, and not something beside it."""
    return cell.main or cell.task == "rationale"


def sorted_miss(cell: Cell) -> tuple[str, str]:
    """Category of a wrong cell, and the rule that held, in words."""
    if cell.failed:
        return ("format" if cell.failed in UNREADABLE else "not answered"), cell.failed
    if cell.kind == "label":
        return _label(cell)
    if cell.truth is None:
        there = _stands(cell, cell.said or "")
        return ("wrong place", "stands in the text, and is not what was asked") if there else _invented()
    if cell.said is None:
        if _given(cell):
            return "abstained wrongly", "the right value stands in the text"
        return "missing context", "the right value does not stand in the text"
    return _number(cell) if cell.kind == "number" else _text(cell)


def _invented() -> tuple[str, str]:
    return "hallucination", "the value does not stand in the text"


def _text(cell: Cell) -> tuple[str, str]:
    if cell.task == "results" and cell.slot == "unit":
        return "unit confusion", "another unit"
    if cell.task == "results" and cell.slot in CODES:
        spreads = {folded(cell.truth or ""), folded(cell.said or "")} <= DEVIATIONS
        return ("unit confusion", "SD and SE") if spreads else ("misread", "another kind of number")
    one, other = _words(cell.truth or ""), _words(cell.said or "")
    if one & other and 2 * len(one & other) >= min(len(one), len(other)):
        return "in part", "shares half of its telling words"
    if not _stands(cell, cell.said or ""):
        return _invented()
    if not _given(cell):
        return "missing context", "the right value does not stand in the text"
    return "wrong place", "stands in the text, and is another value"


def _label(cell: Cell) -> tuple[str, str]:
    word = ABSTAINS.get(cell.task)
    if cell.said is None or (cell.said == word and cell.truth != word):
        if cell.truth_quote and not _quoted(cell.truth_quote, cell.text):
            return "missing context", "the right quote does not stand in the text"
        return (
            "abstained wrongly",
            "the right quote stands in the text" if cell.truth_quote else "no quote known",
        )
    if cell.task == "rationale" and not cell.said_quote:  # what is not supported has no quote
        return "misread", "no quote is due"
    if not cell.said_quote or not _quoted(cell.said_quote, cell.text):
        return "unsupported label", "its quote does not stand in the text" if cell.said_quote else "no quote"
    same = cell.truth_quote and (cell.truth_quote in cell.said_quote or cell.said_quote in cell.truth_quote)
    return "misread", "the right quote" if same else "another quote"


# Numbers -----------------------------------------------------------------------------------------


def _number(cell: Cell) -> tuple[str, str]:
    said, truth = number_of(cell.said), number_of(cell.truth)
    if said is None or truth is None:
        return _text(cell)
    for category, told in (
        ("unit confusion", _unit_confusion(cell, said, truth)),
        ("calculation error", _calculated(cell, said, truth)),
    ):
        if told:
            return category, told
    if abs(said) not in _numbers(cell.text):
        return _invented()
    if not _given(cell):
        return "missing context", "the right number does not stand in the text"
    return "wrong place", "stands in the text, and belongs to something else"


def _unit_confusion(cell: Cell, said: float, truth: float) -> str:
    """What mistaken unit, or SD and SE, explains a number; empty where none does."""
    if not truth or not said or (said < 0) != (truth < 0):
        return ""
    ratio = said / truth
    power = round(log10(ratio))
    if power and isclose(ratio, 10.0**power, rel_tol=1e-6):
        return f"the right value times 10^{power}"
    if relation(cell.unit, cell.said_unit) == "convertible":
        expected = converted(truth, cell.unit, cell.said_unit)
        if expected is not None and isclose(said, expected, rel_tol=CLOSE):
            return f"in {cell.said_unit} for {cell.unit}"
    if cell.name == "spread" and cell.total and cell.total > 1:
        root = sqrt(cell.total)
        for factor, told in (
            (1 / root, "standard error for deviation"),
            (root, "standard deviation for error"),
        ):
            if isclose(ratio, factor, rel_tol=0.02):
                return told
    return slip_of_scale(abs(said), abs(truth), CLOSE) or ""


def _calculated(cell: Cell, said: float, truth: float) -> str:
    """Which arithmetic on true numbers gives what was said; empty where none does."""
    total = cell.total
    if total:
        for told, made in (
            ("percentage for a count", 100 * truth / total),
            ("proportion for a count", truth / total),
            ("count for a percentage", truth * total / 100),
            ("those without the event", total - truth),
        ):
            if _rounded(said, made):
                return told
    if 0 <= truth <= 100 and "%" in cell.unit + cell.said_unit and _rounded(said, 100 - truth):
        return "complement of the percentage"
    # What stands in the text may simply have been taken from another place.
    if abs(said) in _numbers(cell.text):
        return ""
    for one, other in permutations(cell.others, 2):
        if _rounded(said, one - other):
            return f"difference of {one:g} and {other:g}"
        if one < other and _rounded(said, one + other):
            return f"sum of {one:g} and {other:g}"
    return ""


def _rounded(said: float, made: float) -> bool:
    """Whether a number is another one, rounded as it is printed."""
    digits = len(f"{said:.10f}".rstrip("0").partition(".")[2])
    return made != 0 and abs(said - made) <= 0.5 * 10.0**-digits + 1e-9


# Standing in the text ----------------------------------------------------------------------------


def _given(cell: Cell) -> bool:
    """Whether the right value stands in what the engine was given."""
    return bool(cell.truth_quote and _quoted(cell.truth_quote, cell.text)) or _stands(cell, cell.truth or "")


def _stands(cell: Cell, value: str) -> bool:
    number = number_of(value) if cell.kind == "number" else None
    if number is not None:
        return abs(number) in _numbers(cell.text)
    if _quoted(value, cell.text) or folded(value) in _folded(cell.text):
        return True
    told = _words(value)
    return bool(told) and 2 * len(told & _words(cell.text)) >= len(told)


def _quoted(quote: str, text: str) -> bool:
    return quote in text or locate(quote, text) is not None


@lru_cache(maxsize=64)
def _numbers(text: str) -> frozenset[float]:
    return numbers_in(text)


@lru_cache(maxsize=64)
def _folded(text: str) -> str:
    return folded(text)


@lru_cache(maxsize=256)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]{4,}", text.casefold()))


# Report ------------------------------------------------------------------------------------------


def report_of(misses: Sequence[Miss]) -> dict[str, Any]:
    """Counts by category, and by task, and up to five examples of each category."""
    by_task: dict[str, Counter[str]] = {}
    examples: dict[str, list[dict[str, Any]]] = {}
    for miss in misses:
        by_task.setdefault(miss.cell.task, Counter())[miss.category] += 1
        kept = examples.setdefault(miss.category, [])
        if len(kept) < EXAMPLES:
            kept.append(_example(miss))
    total = Counter(miss.category for miss in misses)
    return {
        "misses": len(misses),
        "by_category": {name: total[name] for name in CATEGORIES if total[name]},
        "by_task": {
            task: {name: n[name] for name in CATEGORIES if n[name]} for task, n in sorted(by_task.items())
        },
        "examples": {name: examples[name] for name in CATEGORIES if name in examples},
    }


def _example(miss: Miss) -> dict[str, Any]:
    cell = miss.cell
    told = {
        "task": cell.task,
        "example_id": cell.example_id,
        "slot": cell.slot,
        "right": cell.truth,
        "said": cell.said,
        "said_quote": cell.said_quote,
        "why": miss.why,
    }
    return {key: value[:MOST_CHARS] if isinstance(value, str) else value for key, value in told.items()}
