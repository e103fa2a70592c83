"""A printed number beside ours, and why the last digits of a stepped estimate may differ.

metafor finds τ² by ML, REML and EB (which is PM) in steps and stops where a step is 0.00001 or smaller, short of the
maximum; where more digits were printed than that leaves, ours, which is the maximum, cannot round to them. For those
`stopped` is the number at the τ² of the same steps with the same stop: it has to round to what was printed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.synthesis.distributions import critical
from tools.synthesis.effects import effect
from tools.synthesis.heterogeneity import i2_of, q_statistic, tau2_of, weighted
from tools.synthesis.values import (
    ArmData,
    Effect,
    EffectMeasure,
    NotEstimable,
    Pooled,
    StudyData,
    Tau2Method,
)

__all__ = ["Vector", "effects_of", "fields", "given", "stopped", "study", "study_of_means"]


@dataclass(frozen=True)
class Vector:
    """One printed number beside ours."""

    data: str
    what: str
    printed: str
    ours: float
    stopped: float | None = None
    """The same number where the steps towards τ² stop as metafor's do; None where nothing is stepped."""

    @property
    def met(self) -> bool:
        """Whether ours rounds to what was printed; the last digit may be a tie."""
        return self._rounds(self.ours)

    @property
    def met_as_stopped(self) -> bool:
        """Whether it would, had we stopped where metafor does."""
        return self.stopped is not None and self._rounds(self.stopped)

    def _rounds(self, value: float) -> bool:
        digits = len(self.printed.partition(".")[2])
        return abs(value - float(self.printed)) <= 0.5 * 10.0**-digits * (1 + 1e-9) + 1e-12


STOP = 1e-5
"""Size of the step in τ² at which metafor ends (`threshold` of `rma.uni`)."""


def study(study_id: str, a: float, n1: float, c: float, n2: float, *, year: int | None = None) -> StudyData:
    """Two arms with events and participants."""
    return StudyData(
        study_id=study_id, label=study_id, year=year,
        experimental=ArmData(arm="experimental", events=a, total=n1),
        control=ArmData(arm="control", events=c, total=n2),
    )  # fmt: skip


def study_of_means(study_id: str, one: Sequence[float], other: Sequence[float]) -> StudyData:
    """Two arms, each with participants, mean and SD."""
    return StudyData(
        study_id=study_id, label=study_id,
        experimental=ArmData(arm="experimental", total=one[0], mean=one[1], sd=one[2]),
        control=ArmData(arm="control", total=other[0], mean=other[1], sd=other[2]),
    )  # fmt: skip


def fields(
    data: str, pooled: Pooled, *, of: Sequence[Effect] | None = None, **printed: str
) -> Iterator[Vector]:
    """Vectors of some fields; `of`: the effects, where τ² was found in steps by metafor."""
    early = stopped(of, pooled) if of is not None else {}
    for what, number in printed.items():
        yield Vector(data, what, number, getattr(pooled, what), early.get(what))


def stopped(made: Sequence[Effect], pooled: Pooled) -> dict[str, float]:
    """What follows from the τ² at which metafor stops."""
    ys, vs = [one.y for one in made], [one.v for one in made]
    tau2 = _stepped(ys, vs, pooled.tau2_method or "REML")
    mean, i2 = weighted(ys, vs, tau2), i2_of(tau2, vs)
    half = critical(pooled.level) * math.sqrt(tau2 + mean.v)
    found = {"tau2": tau2, "y": mean.y, "se": math.sqrt(mean.v), "i2": i2, "h2": 1 / (1 - i2 / 100)}
    if pooled.prediction == "normal":
        found |= {"prediction_lower": mean.y - half, "prediction_upper": mean.y + half}
    return found


def _stepped(ys: Sequence[float], vs: Sequence[float], method: Tau2Method) -> float:
    """τ² by Fisher scoring from the estimate of Hedges and Olkin (Viechtbauer 2005, formulas 13 to 15 and 21)."""
    tau2 = tau2_of(ys, vs, "HE")
    while True:
        weights = [1 / (v + tau2) for v in vs]
        total, squares, cubes = (math.fsum(w**power for w in weights) for power in (1, 2, 3))
        mean = weighted(ys, vs, tau2).y
        trace = total - squares / total
        fit = math.fsum((w * (y - mean)) ** 2 for w, y in zip(weights, ys, strict=True))
        if method == "ML":
            step = (fit - total) / squares
        elif method == "REML":
            step = (fit - trace) / (squares - 2 * cubes / total + (squares / total) ** 2)
        else:
            step = (q_statistic(ys, vs, tau2) * len(ys) / (len(ys) - 1) - len(ys)) / total
        moved = max(-tau2, step)
        tau2 += moved
        if abs(moved) <= STOP:
            return tau2


def effects_of(studies: Sequence[StudyData], measure: EffectMeasure) -> list[Effect]:
    made = [effect(data, measure) for data in studies]
    return [one for one in made if not isinstance(one, NotEstimable)]


def given(ys: Sequence[float], vs: Sequence[float], names: Sequence[str] | None = None) -> list[Effect]:
    """Effects as they were published."""
    return [
        Effect(study_id=f"{place:02}", label=f"{place:02}", measure="SMD", y=y, v=v,
               subgroup=names[place] if names else "")
        for place, (y, v) in enumerate(zip(ys, vs, strict=True))
    ]  # fmt: skip
