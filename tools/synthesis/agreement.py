"""Several readings of one cell: whether they agree, how sure that makes us, and how two extractors agree. Pure.

A reading is what one person, engine, deterministic reader or registry says. Two readings agree when they say the
same after units, number formats and printed rounding are levelled: 12·3 and 12.30, 1 year and 12 months, 12.3 and
12.34 (one printed with fewer digits). An abstention is no reading: it neither agrees nor disagrees.

The confidences are documented priors, not measured probabilities: they put cells in order for a person to look at.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from tools.schemas import Frozen
from tools.synthesis import units
from tools.synthesis.checks_numbers import decimals_of, number_of

__all__ = [
    "PRIORS",
    "Agreement",
    "DoubleExtraction",
    "Reading",
    "compare",
    "double_extraction",
    "kappa",
    "same",
]

ReaderKind = Literal["person", "registry", "reader", "engine"]

PRIORS: dict[ReaderKind, float] = {"person": 0.80, "registry": 0.90, "reader": 0.75, "engine": 0.60}
"""How far a lone reading is trusted.

person: extractors without help in LEADS' user study. engine: a language model, right on 57 % of numeric results by
hand in the same paper (arXiv 2501.16255). registry: posted by the trial's own team; reader: a pattern that names
its cell; these two are assumptions without a source.
"""

CEILING = 0.99
"""No agreement makes a cell certain: readings share the page and its misprints."""


class Reading(Frozen):
    """What one reader says a cell holds."""

    reader: str = Field(description="Who: initials, name of the engine, of the pattern, or of the registry.")
    kind: ReaderKind
    value: str | None = Field(
        description="As read. None: it abstained. `NR`: it says that nothing is reported."
    )
    unit: str = ""
    quote: str = Field(default="", description="The place it rests on, verbatim.")


class Agreement(Frozen):
    """The readings of one cell, compared."""

    status: Literal["agreed", "conflicting", "single", "none"] = Field(
        description="agreed: two or more, all the same. single: one alone. none: all abstained."
    )
    value: str | None = Field(
        description="What they agree on, in its most exact spelling; None when conflicting."
    )
    unit: str = ""
    confidence: float | None = Field(description="0 to 1, see `PRIORS`; None where nobody read anything.")
    values: tuple[tuple[str, tuple[str, ...]], ...] = Field(
        description="Each different value, with unit, and its readers; most trusted first."
    )
    note: str = Field(default="", description="One sentence for the person who looks.")


class DoubleExtraction(Frozen):
    """Two extractors' cells, compared cell by cell."""

    first: str
    second: str
    cells: int = Field(description="Cells that at least one of them has answered.")
    both: int = Field(description="Cells that both have answered; percent and kappa are of these.")
    agreed: int
    percent: float | None = Field(description="100 × agreed / both; None where both is 0.")
    kappa: float | None = Field(description="Cohen's kappa over the answers; None where it is not defined.")
    why_no_kappa: str = ""
    conflicting: tuple[str, ...] = Field(description="Ids of cells for consensus.")
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


# Comparing ---------------------------------------------------------------------------------------


def compare(readings: Sequence[Reading]) -> Agreement:
    """Whether the readings of one cell agree, and how far the result can be trusted.

    With readings that agree, the confidence is 1 − ∏(1 − prior), at most 0.99. With a conflict it is that of the
    best supported value times ∏(1 − prior) of those against it, so a conflict is always below a lone reading; the
    value is left open. Agreement is not transitive through rounding, so every pair must agree.
    """
    given = [reading for reading in readings if reading.value is not None]
    if not given:
        return Agreement(status="none", value=None, confidence=None, values=(), note="Nobody read a value.")
    groups = _groups(given)
    supports = [1 - _doubt(group) for group in groups]
    order = sorted(range(len(groups)), key=lambda i: (-supports[i], i))
    values = tuple(
        (_spelt(_sharpest(groups[i])), tuple(reading.reader for reading in groups[i])) for i in order
    )
    best = groups[order[0]]
    if len(groups) > 1:
        against = _doubt(reading for group in groups if group is not best for reading in group)
        said = "; ".join(f"{value} ({', '.join(readers)})" for value, readers in values)
        return Agreement(status="conflicting", value=None, confidence=round(supports[order[0]] * against, 4),
                         values=values, note=f"Readings differ: {said}.")  # fmt: skip
    chosen = _sharpest(best)
    return Agreement(
        status="agreed" if len(best) > 1 else "single",
        value=chosen.value,
        unit=chosen.unit,
        confidence=round(min(CEILING, supports[order[0]]), 4),
        values=values,
        note="" if len(best) > 1 else f"Only {chosen.reader} read a value.",
    )


def same(one: Reading, other: Reading) -> bool:
    """Whether two readings say the same. A missing unit is taken to be the other's; an abstention equals nothing."""
    if one.value is None or other.value is None:
        return False
    first, second = number_of(one.value), number_of(other.value)
    if isinstance(first, float) != isinstance(second, float):
        return False
    if not isinstance(first, float) or not isinstance(second, float):
        return _word(one.value) == _word(other.value)
    if not one.unit or not other.unit or units.relation(one.unit, other.unit) == "same":
        return _same_number(one.value, first, other.value, second)
    there = units.converted(second, other.unit, one.unit)
    # Without digits of its own the converted number is compared by value.
    return there is not None and abs(there - first) <= 1e-9 * max(abs(there), abs(first))


def _same_number(text: str, value: float, other_text: str, other: float) -> bool:
    """Equal when rounded to the fewer printed decimals; `12` may stand for 12.34 only where a point is printed."""
    if value == other:
        return True
    fewer = min(decimals_of(text) or 0, decimals_of(other_text) or 0)
    # Whole numbers are mostly counts: 12 and 12.4 stay different.
    return fewer > 0 and abs(value - other) <= 0.5 * 10.0**-fewer + 1e-12 * max(abs(value), abs(other))


def _groups(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Readings that all agree with one another, in the order of their first."""
    groups: list[list[Reading]] = []
    for reading in readings:
        home = next((group for group in groups if all(same(reading, other) for other in group)), None)
        if home is None:
            groups.append([reading])
        else:
            home.append(reading)
    return groups


def _doubt(readings: Iterable[Reading]) -> float:
    """Chance that all of these are wrong, if they err independently."""
    doubt = 1.0
    for reading in readings:
        doubt *= 1 - PRIORS[reading.kind]
    return doubt


def _sharpest(readings: Sequence[Reading]) -> Reading:
    """The reading with the most decimals; of equals one with a unit, then the first."""
    return max(readings, key=lambda reading: (decimals_of(reading.value or "") or 0, bool(reading.unit)))


def _spelt(reading: Reading) -> str:
    return f"{reading.value} {reading.unit}".strip()


def _word(text: str) -> str:
    read = number_of(text)
    if not isinstance(read, float) and read.trouble in ("missing", "empty"):
        return "not reported"
    return re.sub(r"\s+", " ", text).strip().rstrip(".").casefold()


# Two extractors ----------------------------------------------------------------------------------


def double_extraction(cells: Mapping[str, Sequence[Reading]], *, first: str, second: str) -> DoubleExtraction:
    """How two extractors agree over a set of cells, each blind to the other (MECIR C46).

    `cells`: id of a cell → its readings; of a reader with several the last counts. Kappa treats each different
    answer as a category, numbers that are the same as one; it is meant for cells of a few categories.
    """
    pairs: list[tuple[Reading, Reading]] = []
    conflicting: list[str] = []
    only_first: list[str] = []
    only_second: list[str] = []
    for cell_id in sorted(cells):
        by_reader = {reading.reader: reading for reading in cells[cell_id] if reading.value is not None}
        one, other = by_reader.get(first), by_reader.get(second)
        if one is None and other is None:
            continue
        if one is None or other is None:
            (only_second if one is None else only_first).append(cell_id)
            continue
        pairs.append((one, other))
        if not same(one, other):
            conflicting.append(cell_id)
    agreed = len(pairs) - len(conflicting)
    value, why = kappa(
        [(_category(one), _category(one if same(one, other) else other)) for one, other in pairs]
    )
    return DoubleExtraction(
        first=first,
        second=second,
        cells=len(pairs) + len(only_first) + len(only_second),
        both=len(pairs),
        agreed=agreed,
        percent=100 * agreed / len(pairs) if pairs else None,
        kappa=value,
        why_no_kappa=why,
        conflicting=tuple(conflicting),
        only_first=tuple(only_first),
        only_second=tuple(only_second),
    )


def kappa(pairs: Sequence[tuple[str, str]]) -> tuple[float | None, str]:
    """Cohen's kappa of pairs of categories, and why it is not defined where it is None (Cohen 1960).

    (p_o − p_e) / (1 − p_e); not defined without pairs, nor where both always give one and the same category.
    """
    if not pairs:
        return None, "no cell was answered by both"
    n = len(pairs)
    observed = sum(one == other for one, other in pairs) / n
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(count * others[category] for category, count in ones.items()) / n**2
    if expected == 1:
        return None, "both gave the same one category throughout, so agreement by chance is complete"
    return (observed - expected) / (1 - expected), ""


def _category(reading: Reading) -> str:
    number = number_of(reading.value or "")
    if not isinstance(number, float):
        return _word(reading.value or "")
    return f"{number:.12g} {units.normal_unit(reading.unit)}".strip()
