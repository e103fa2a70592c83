"""What is reported where studies are not pooled: effects side by side, p values combined, directions counted. Pure.

SWiM guideline: Campbell et al. 2020, doi:10.1136/bmj.l6890. Methods: Cochrane Handbook 12.2. Studies are never counted
by statistical significance: that answers no question a reader has and misleads where studies are small.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from tools.schemas import Frozen
from tools.synthesis.distributions import binomial_limits, binomial_p, chi2_p, upper_p
from tools.synthesis.pooling import MixedMeasures, NothingToPool, WrongModel
from tools.synthesis.values import Effect, EffectMeasure

__all__ = [
    "CombinedP",
    "Directions",
    "Group",
    "combine_p",
    "directions",
    "groups",
    "one_sided_p",
    "summarise",
]

Better = Literal["higher", "lower"]
"""Which direction of the effect favours the experimental arm."""


class Directions(Frozen):
    """Studies by the direction of their effect, whatever its size or significance (Handbook 12.2.1.3)."""

    favours_experimental: int
    favours_control: int
    neither: int = Field(description="Effects of exactly nothing; they are not in the share.")
    share: float | None = Field(description="Of those with a direction; None where no study has one.")
    lower: float | None
    upper: float | None
    level: float
    p: float | None = Field(description="Sign test, two-sided; a p value of 1 is no evidence of no effect.")
    source: str = "exact binomial (Clopper and Pearson 1934)"


class CombinedP(Frozen):
    """Fisher's method: evidence of an effect in at least one study, not of its size (Handbook 12.2.1.2)."""

    k: int
    chi2: float
    df: int
    p: float


class Group(Frozen):
    """Effects of one group, side by side; on the scale of analysis."""

    name: str
    measure: EffectMeasure
    k: int
    smallest: float
    q1: float
    median: float
    q3: float
    largest: float
    labels: tuple[str, ...] = Field(description="Studies, from the smallest effect to the largest.")
    directions: Directions | None = None


def summarise(
    effects: Sequence[Effect], *, name: str = "", better: Better | None = None, level: float = 0.95
) -> Group:
    """Range, median and quartiles of the effects of one measure; directions too where it is known what is better.

    Quartiles by linear interpolation between the ordered effects. The median is of studies, not of participants.

    Raises:
        NothingToPool: no effects.
        MixedMeasures: more than one measure.
    """
    if not effects:
        raise NothingToPool("No study has an effect to summarise. Remedy: list the studies and why.")
    measures = sorted({effect.measure for effect in effects})
    if len(measures) > 1:
        raise MixedMeasures(
            f"Effects of {' and '.join(measures)} have no common range. "
            "Remedy: compute one measure, or count directions."
        )
    ordered = sorted(effects, key=lambda effect: (effect.y, effect.label, effect.study_id))
    ys = [effect.y for effect in ordered]
    return Group(
        name=name, measure=effects[0].measure, k=len(ys), smallest=ys[0], q1=_quantile(ys, 0.25),
        median=_quantile(ys, 0.5), q3=_quantile(ys, 0.75), largest=ys[-1],
        labels=tuple(effect.label for effect in ordered),
        directions=None if better is None else directions(effects, better=better, level=level),
    )  # fmt: skip


def groups(
    effects: Sequence[Effect], *, better: Better | None = None, level: float = 0.95
) -> tuple[Group, ...]:
    """`summarise` for each subgroup and measure, in the order of their first study.

    Raises:
        NothingToPool: no effects.
    """
    keys = list(dict.fromkeys((effect.subgroup, effect.measure) for effect in effects))
    if not keys:
        raise NothingToPool("No study has an effect to summarise. Remedy: list the studies and why.")
    return tuple(
        summarise(
            [e for e in effects if (e.subgroup, e.measure) == (name, measure)],
            name=name, better=better, level=level,
        )
        for name, measure in keys
    )  # fmt: skip


def directions(effects: Iterable[Effect], *, better: Better, level: float = 0.95) -> Directions:
    """Count effects for and against the experimental arm; measures may differ, as only the sign counts.

    Raises:
        WrongModel: a single-group measure, which has no direction.
    """
    signs = [_sign(effect, better) for effect in effects]
    for_it, against = sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs)
    n = for_it + against
    limits = binomial_limits(for_it, n, level) if n else None
    return Directions(
        favours_experimental=for_it, favours_control=against, neither=len(signs) - n,
        share=for_it / n if n else None, lower=limits and limits.lower, upper=limits and limits.upper,
        level=level, p=binomial_p(for_it, n) if n else None,
    )  # fmt: skip


def one_sided_p(effect: Effect, *, better: Better) -> float:
    """Probability of an effect so good or better for the experimental arm if there were none.

    Raises:
        WrongModel: a single-group measure.
    """
    return upper_p(_sign(effect, better) * abs(effect.y) / math.sqrt(effect.v))


def combine_p(p_values: Sequence[float]) -> CombinedP:
    """Fisher 1932: −2 Σ ln p against χ² with 2k degrees of freedom. The p values are one-sided, in one direction.

    Raises:
        NothingToPool: no p value, or one that is not above 0 and at most 1.
    """
    if not p_values:
        raise NothingToPool("There is no p value to combine.")
    for p in p_values:
        if not 0 < p <= 1:
            raise NothingToPool(f"{p:g} is not a p value. Remedy: give exact ones; `p < 0.001` is not one.")
    k, chi2 = len(p_values), -2 * math.fsum(math.log(p) for p in p_values)
    return CombinedP(k=k, chi2=chi2, df=2 * k, p=chi2_p(chi2, 2 * k))


def _sign(effect: Effect, better: Better) -> int:
    if effect.measure in ("PROPORTION", "MEAN"):
        raise WrongModel(f"{effect.label}: a {effect.measure.lower()} of one group favours no arm.")
    sign = (effect.y > 0) - (effect.y < 0)
    return sign if better == "higher" else -sign


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
