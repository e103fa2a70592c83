"""An effect on the way: computed, or why not. Whatever the numbers are, nobody outside meets an exception. Pure."""

import math
from collections.abc import Callable
from typing import NamedTuple

from tools.synthesis.values import Effect, EffectMeasure, NotEstimable, StudyData

__all__ = ["Estimated", "Unusable", "answer"]

OUT_OF_RANGE = "The numbers are too large or too small to compute with."


class Unusable(Exception):
    """Why an effect cannot be computed, in words for a clinician. It does not leave this package."""


class Estimated(NamedTuple):
    """Effect on the scale of analysis, its variance, and what a reader should know of how it came about."""

    y: float
    v: float
    notes: tuple[str, ...] = ()


def answer(
    data: StudyData, measure: EffectMeasure, compute: Callable[[], Estimated]
) -> Effect | NotEstimable:
    """The effect that `compute` makes of the study, or what stood in its way."""
    try:
        made = compute()
    except Unusable as e:
        why = str(e)
    except (ArithmeticError, ValueError):  # what `math` raises for numbers out of range
        why = OUT_OF_RANGE
    else:
        if math.isfinite(made.y) and 0 < made.v < math.inf:
            return Effect(
                study_id=data.study_id, label=data.label, measure=measure, y=made.y, v=made.v,
                subgroup=data.subgroup, year=data.year, data=data, notes=(*data.notes, *made.notes),
            )  # fmt: skip
        why = OUT_OF_RANGE
    return NotEstimable(
        study_id=data.study_id, label=data.label, measure=measure, why=why, subgroup=data.subgroup, data=data
    )
