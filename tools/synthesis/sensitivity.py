"""What a pooled effect depends on: one study, the order in time, the subgroup, small studies. Pure.

Each function takes the same keywords as `pooling.pool`. Subgroups: Cochrane Handbook 10.11.3.1. Small studies: Egger et
al. 1997, doi:10.1136/bmj.315.7109.629; ten studies at least: Sterne et al. 2011, doi:10.1136/bmj.d4002.
"""

import math
from collections.abc import Sequence
from typing import TypedDict, Unpack

from tools.schemas import Frozen
from tools.synthesis.distributions import chi2_p, critical, two_sided_p
from tools.synthesis.pooling import CannotPool, MixedMeasures, pool
from tools.synthesis.values import Effect, Interval, Pooled, PoolingModel, Prediction, Tau2Method

__all__ = [
    "AsymmetryTest",
    "Choices",
    "Funnel",
    "FunnelPoint",
    "Step",
    "Subgroup",
    "Subgroups",
    "TooFewStudies",
    "cumulative",
    "egger",
    "funnel",
    "leave_one_out",
    "subgroups",
]

MIN_FUNNEL = 10
"""Below so many studies a test for asymmetry of the funnel has too little power (Handbook 13.3)."""


class TooFewStudies(CannotPool):
    """The method says nothing with so few studies."""


class Choices(TypedDict, total=False):
    """The keywords of `pooling.pool` but the model, which is always given."""

    tau2_method: Tau2Method
    interval: Interval
    prediction: Prediction | None
    level: float


class Step(Frozen):
    """A pooled effect and the study that was left out of it or newly taken into it."""

    study_id: str
    label: str
    year: int | None = None
    pooled: Pooled


class Subgroup(Frozen):
    """The studies of one subgroup, pooled by themselves: own τ², own interval."""

    name: str
    pooled: Pooled


class Subgroups(Frozen):
    """Subgroups in the order of their first study, and whether their effects differ."""

    groups: tuple[Subgroup, ...]
    q_between: float
    df: int
    p: float
    i2_between: float
    """Per cent of the difference between subgroups that chance would not make."""


class AsymmetryTest(Frozen):
    """Egger's regression of effect/SE on 1/SE; an intercept off 0 tells that small studies differ."""

    k: int
    intercept: float
    se: float
    lower: float
    upper: float
    t: float
    df: int
    p: float
    slope: float
    """Effect that a study of infinite size would have."""
    level: float
    notes: tuple[str, ...] = ()


class FunnelPoint(Frozen):
    """One study in the funnel; both on the scale of analysis."""

    label: str
    y: float
    se: float


class Funnel(Frozen):
    """A funnel plot's coordinates: points, centre, and half the width of the funnel per unit of SE."""

    points: tuple[FunnelPoint, ...]
    centre: float
    slope: float
    """The limits at a SE are centre ± slope · SE."""
    notes: tuple[str, ...] = ()


def leave_one_out(
    effects: Sequence[Effect], *, model: PoolingModel, **choices: Unpack[Choices]
) -> tuple[Step, ...]:
    """Pool once without each study; a step names the one left out. In the order of the effects.

    A study that is in it more than once (several subgroups, several arms) is left out as a whole.

    Raises:
        TooFewStudies: fewer than two studies.
        CannotPool: as `pool`.
    """
    studies = {effect.study_id: effect for effect in reversed(effects)}
    if len(studies) < 2:
        raise TooFewStudies("Leaving one out needs two studies. Remedy: none; report the study as it is.")
    ordered = [effect for effect in effects if studies[effect.study_id] is effect]
    return tuple(
        _step(left, pool([e for e in effects if e.study_id != left.study_id], model=model, **choices))
        for left in ordered
    )


def cumulative(
    effects: Sequence[Effect], *, model: PoolingModel, **choices: Unpack[Choices]
) -> tuple[Step, ...]:
    """Pool the first study, the first two, and so on by year, then label; a step names the one that came in.

    Studies without a year come last, where their steps show `year` None.

    Raises:
        CannotPool: as `pool`.
    """
    unknown = math.inf
    ordered = sorted(effects, key=lambda e: (unknown if e.year is None else e.year, e.label, e.study_id))
    if not ordered:
        pool((), model=model, **choices)
    return tuple(
        _step(effect, pool(ordered[: place + 1], model=model, **choices))
        for place, effect in enumerate(ordered)
    )


def _step(effect: Effect, pooled: Pooled) -> Step:
    return Step(study_id=effect.study_id, label=effect.label, year=effect.year, pooled=pooled)


def subgroups(effects: Sequence[Effect], *, model: PoolingModel, **choices: Unpack[Choices]) -> Subgroups:
    """Pool each `Effect.subgroup` by itself and test whether the pooled effects differ.

    The test is Cochran's Q of the subgroups' effects with their standard errors; it holds for each model.

    Raises:
        TooFewStudies: fewer than two subgroups, or an effect without one.
        CannotPool: as `pool`.
    """
    if any(not effect.subgroup for effect in effects):
        without = ", ".join(effect.label for effect in effects if not effect.subgroup)
        raise TooFewStudies(f"No subgroup is given for {without}. Remedy: give one, or leave the study out.")
    names = list(dict.fromkeys(effect.subgroup for effect in effects))
    if len(names) < 2:
        raise TooFewStudies(
            "A test for subgroup differences needs two subgroups. Remedy: pool them together."
        )
    if len({effect.measure for effect in effects}) > 1:
        raise MixedMeasures("The subgroups hold effects of several measures. Remedy: compute one measure.")
    groups = tuple(
        Subgroup(name=name, pooled=pool([e for e in effects if e.subgroup == name], model=model, **choices))
        for name in names
    )
    weights = [1 / group.pooled.se**2 for group in groups]
    mean = math.fsum(w * g.pooled.y for w, g in zip(weights, groups, strict=True)) / math.fsum(weights)
    q = math.fsum(w * (g.pooled.y - mean) ** 2 for w, g in zip(weights, groups, strict=True))
    df = len(groups) - 1
    i2 = max(0.0, 100 * (q - df) / q) if q > 0 else 0.0
    return Subgroups(groups=groups, q_between=q, df=df, p=chi2_p(q, df), i2_between=i2)


def egger(effects: Sequence[Effect], *, level: float = 0.95) -> AsymmetryTest:
    """Egger's test for asymmetry of the funnel, t with k − 2 degrees of freedom.

    Raises:
        TooFewStudies: fewer than ten studies, or all of one size.
        MixedMeasures: more than one measure.
    """
    k = len(effects)
    if k < MIN_FUNNEL:
        raise TooFewStudies(
            f"{k} studies: a test for asymmetry of the funnel needs {MIN_FUNNEL} at least. "
            "Remedy: none; say in the report that it was not done."
        )
    if len({effect.measure for effect in effects}) > 1:
        raise MixedMeasures("A funnel of several measures says nothing. Remedy: compute one measure.")
    x = [1 / math.sqrt(effect.v) for effect in effects]
    z = [effect.y / math.sqrt(effect.v) for effect in effects]
    mean_x, mean_z = math.fsum(x) / k, math.fsum(z) / k
    spread = math.fsum((value - mean_x) ** 2 for value in x)
    if spread <= 1e-12 * k * mean_x**2:
        raise TooFewStudies(
            "All studies have the same standard error. Remedy: none; the test cannot be done."
        )
    slope = math.fsum((a - mean_x) * (b - mean_z) for a, b in zip(x, z, strict=True)) / spread
    intercept = mean_z - slope * mean_x
    residual = math.fsum((b - intercept - slope * a) ** 2 for a, b in zip(x, z, strict=True)) / (k - 2)
    se = math.sqrt(residual * (1 / k + mean_x**2 / spread))
    if not se > 0:
        raise TooFewStudies(
            "The effects lie exactly on a line. Remedy: look whether a study was entered twice."
        )
    half = critical(level, k - 2) * se
    return AsymmetryTest(
        k=k, intercept=intercept, se=se, lower=intercept - half, upper=intercept + half,
        t=intercept / se, df=k - 2, p=two_sided_p(intercept / se, k - 2), slope=slope, level=level,
        notes=_asymmetry_notes(effects),
    )  # fmt: skip


def _asymmetry_notes(effects: Sequence[Effect]) -> tuple[str, ...]:
    if effects[0].measure in ("OR", "SMD", "PROPORTION"):
        return (
            "effect and standard error of this measure depend on each other, which alone makes the test "
            "find asymmetry too often (Handbook 13.3)",
        )
    return ()


def funnel(effects: Sequence[Effect], *, centre: float, level: float = 0.95) -> Funnel:
    """Coordinates of a funnel plot around `centre`, which is best the common-effect mean.

    Below ten studies the points are still given, with a note: their shape is not to be read.
    """
    few = f"{len(effects)} studies: below {MIN_FUNNEL} the shape of the funnel is not to be read"
    return Funnel(
        points=tuple(FunnelPoint(label=e.label, y=e.y, se=math.sqrt(e.v)) for e in effects),
        centre=centre,
        slope=critical(level),
        notes=(few,) if len(effects) < MIN_FUNNEL else (),
    )
