"""An effect and its variance from a reported estimate with its standard error or interval. Pure.

Cochrane Handbook 6.3: ratios on the scale of logarithms, proportions on that of logits, everything else as it is.
"""

import math

from tools.synthesis.distributions import critical
from tools.synthesis.estimated import Estimated, Unusable
from tools.synthesis.values import RATIOS, EffectMeasure, StudyData

__all__ = ["reported"]

SLACK = 1e-9
"""Relative: limits may miss the estimate by no more than what arithmetic loses."""

ASKEW = 0.1
"""Of its width: an interval whose middle is this far from the estimate is not explained by rounding alone."""


def reported(data: StudyData, measure: EffectMeasure) -> Estimated:
    """Effect and variance from `data.estimate` with `data.estimate_se`, else with both limits of its interval.

    The interval of a mean difference or a mean is read as one of Student's t where the participants are known (Handbook
    6.5.2.3), every other as one of the normal distribution, at `data.level`.

    Raises:
        Unusable: nothing reported, no SE and no interval, or numbers that cannot be so.
    """
    y = _scaled(_finite(data.estimate, "estimate"), measure, "estimate")
    limits = _limits(data, measure, y)
    if data.estimate_se is not None:
        se = _finite(data.estimate_se, "standard error")
        if not se > 0:
            raise Unusable(f"The reported standard error is {se:g}; it has to be above zero.")
        if measure == "PROPORTION":  # reported on the natural scale: delta method
            se = se * (1 + math.exp(y)) ** 2 / math.exp(y)
        return Estimated(y, se**2, ("from the reported estimate and its standard error",))
    if limits is None:
        raise Unusable(
            "An estimate is reported without a standard error and without both limits of an interval."
        )
    lower, upper = limits
    df = _df(data, measure)
    se = (upper - lower) / (2 * critical(data.level, df))
    which = "" if df is None else f", t with {df:g} degrees of freedom"
    notes = [f"from the reported estimate and its {data.level:.4g} interval{which}"]
    if abs(y - (lower + upper) / 2) > ASKEW * (upper - lower):
        notes.append(
            "the interval is not symmetric about the estimate on the scale of analysis: look at both again"
        )
    return Estimated(y, se**2, tuple(notes))


def _limits(data: StudyData, measure: EffectMeasure, y: float) -> tuple[float, float] | None:
    """Both limits on the scale of analysis, where both are reported; checked."""
    if data.estimate_lower is None or data.estimate_upper is None:
        return None
    low, high = _finite(data.estimate_lower, "lower limit"), _finite(data.estimate_upper, "upper limit")
    if not low < high:
        raise Unusable(f"The lower limit ({low:g}) is not below the upper limit ({high:g}).")
    lower, upper = _scaled(low, measure, "lower limit"), _scaled(high, measure, "upper limit")
    slack = SLACK * (abs(lower) + abs(upper))
    if not lower - slack <= y <= upper + slack:
        raise Unusable(f"The interval {low:g} to {high:g} does not contain the estimate {data.estimate:g}.")
    return lower, upper


def _scaled(value: float, measure: EffectMeasure, what: str) -> float:
    if measure in RATIOS:
        if not value > 0:
            raise Unusable(f"The {what} of a ratio is {value:g}; it has to be above zero.")
        return math.log(value)
    if measure == "PROPORTION":
        if not 0 < value < 1:
            raise Unusable(f"The {what} of a proportion is {value:g}; it has to lie between 0 and 1.")
        return math.log(value / (1 - value))
    if measure == "RD" and what == "estimate" and abs(value) > 1:
        raise Unusable(
            f"A risk difference of {value:g} cannot be; it lies between −1 and 1 (is it in per cent?)."
        )
    return value


def _finite(value: float | None, what: str) -> float:
    if value is None:
        raise Unusable("No estimate is reported.")
    if not math.isfinite(value):
        raise Unusable(f"The reported {what} is infinite or not a number.")
    return value


def _df(data: StudyData, measure: EffectMeasure) -> float | None:
    if measure not in ("MD", "MEAN"):
        return None
    arms = (data.experimental,) if measure == "MEAN" else (data.experimental, data.control)
    totals = [arm.total for arm in arms if arm is not None and arm.total is not None]
    if len(totals) < len(arms) or not all(math.isfinite(total) and total > 1 for total in totals):
        return None
    return sum(totals) - len(arms)
