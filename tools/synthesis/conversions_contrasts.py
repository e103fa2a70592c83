"""Conversions that take two groups, two time points or an estimate between groups. Pure.

`Handbook` is the Cochrane Handbook for Systematic Reviews of Interventions, version 6.
"""

import math
from collections.abc import Sequence
from typing import Literal

from tools.synthesis.checks_numbers import shown
from tools.synthesis.conversions_medians import Computed, NotComputed
from tools.synthesis.distributions import critical
from tools.synthesis.values import ArmData, Conversion, StudyData

__all__ = [
    "change_correlation",
    "change_mean",
    "change_sd",
    "combine_arms",
    "from_p_value",
    "from_t",
    "sd_from_difference_se",
    "se_from_interval",
    "se_from_p_value",
]

# Standard errors of estimates --------------------------------------------------------------------


def se_from_interval(
    lower: float, upper: float, level: float = 0.95, *, ratio: bool = False, df: float | None = None
) -> Computed:
    """SE of an estimate from its interval; of a ratio that of its natural logarithm.

    `df`: degrees of freedom where the interval was made with t (Handbook 6.5.2.3), None for the normal.
    """
    if ratio and lower <= 0:
        return NotComputed(to="se", why=f"the lower limit {shown(lower)} of a ratio has no logarithm")
    if upper < lower:
        return NotComputed(
            to="se", why=f"the limits {shown(lower)} and {shown(upper)} are in the wrong order"
        )
    width = math.log(upper) - math.log(lower) if ratio else upper - lower
    limits = "ln(upper) − ln(lower)" if ratio else "upper − lower"
    inputs = (("lower", lower), ("upper", upper), ("level", level))
    if df is None:
        section = "Handbook 6.3.2" if ratio else "Handbook 6.3.1"
        return Conversion(to="se", value=width / (2 * critical(level)), inputs=inputs,
                          formula=f"SE = ({limits}) / (2 × z), z = {critical(level):.4g}", source=section)  # fmt: skip
    return Conversion(to="se", value=width / (2 * critical(level, df)), inputs=(*inputs, ("df", df)),
                      formula=f"SE = ({limits}) / (2 × t), t of {df:g} degrees of freedom",
                      source="Handbook 6.5.2.3")  # fmt: skip


def se_from_p_value(
    estimate: float, p_value: float, *, ratio: bool = False, df: float | None = None
) -> Computed:
    """SE of an estimate from its exact two-sided p value; of a ratio that of its natural logarithm.

    Refused for p = 1 and p = 0 (as printed 0.000) and for an estimate of no effect, which say nothing.
    """
    if not 0 < p_value < 1:
        return NotComputed(to="se", why=f"p = {shown(p_value)} corresponds to no finite statistic")
    if ratio and estimate <= 0:
        return NotComputed(to="se", why=f"a ratio cannot be {shown(estimate)}")
    y = math.log(estimate) if ratio else estimate
    if y == 0:
        return NotComputed(
            to="se", why="an estimate of exactly no effect has a statistic of zero, whatever its SE"
        )
    statistic = critical(1 - p_value, df)
    name = "z" if df is None else f"t of {df:g} degrees of freedom"
    inputs = (("estimate", estimate), ("p_value", p_value))
    return Conversion(to="se", value=abs(y) / statistic, inputs=inputs if df is None else (*inputs, ("df", df)),
                      formula=f"SE = |{'ln(estimate)' if ratio else 'estimate'}| / {statistic:.4g}, the {name} at p",
                      source=f"Handbook {'6.3.2' if ratio else '6.3.1' if df is None else '6.5.2.3'}")  # fmt: skip


# SDs of two arms from what is between them -------------------------------------------------------


def sd_from_difference_se(se: float, n_experimental: float, n_control: float) -> Computed:
    """The SD of both groups, taken as equal, from the SE of the difference of their means."""
    if se < 0 or n_experimental <= 0 or n_control <= 0:
        return NotComputed(to="sd", why="an SE below zero, or a group of nobody")
    return Conversion(to="sd", value=se / math.sqrt(1 / n_experimental + 1 / n_control),
                      inputs=(("se", se), ("n_experimental", n_experimental), ("n_control", n_control)),
                      formula="SD = SE of the difference / √(1/n₁ + 1/n₂), the same in both arms",
                      source="Handbook 6.5.2.3", approximate=True)  # fmt: skip


def from_t(data: StudyData, t: float) -> tuple[StudyData, tuple[Conversion, ...]] | NotComputed:
    """SDs of both arms from the t of an unpaired t test; an SD that is reported stays as it is.

    The difference is that of the arms' means, else the reported estimate.
    """
    if t == 0:
        return NotComputed(to="sd", why="t = 0 says nothing about the SD")
    known = _difference(data)
    if isinstance(known, NotComputed):
        return known
    difference, n1, n2 = known
    se = Conversion(to="estimate_se", value=abs(difference / t), inputs=(("difference", difference), ("t", t)),
                    formula="SE of the difference = |difference / t|", source="Handbook 6.5.2.3")  # fmt: skip
    return _with_sd(data, se, n1, n2)


def from_p_value(data: StudyData, p_value: float) -> tuple[StudyData, tuple[Conversion, ...]] | NotComputed:
    """SDs of both arms from the exact two-sided p value of an unpaired t test (n₁ + n₂ − 2 degrees of freedom)."""
    known = _difference(data)
    if isinstance(known, NotComputed):
        return known
    difference, n1, n2 = known
    se = se_from_p_value(difference, p_value, df=n1 + n2 - 2)
    if isinstance(se, NotComputed):
        return NotComputed(to="sd", why=se.why)
    return _with_sd(data, se.model_copy(update={"to": "estimate_se"}), n1, n2)


def _difference(data: StudyData) -> tuple[float, float, float] | NotComputed:
    """Difference of means and both totals."""
    one, other = data.experimental, data.control
    if one is None or other is None or one.total is None or other.total is None:
        return NotComputed(to="sd", why="the totals of both arms are not known")
    if one.total + other.total <= 2 or one.total <= 0 or other.total <= 0:
        return NotComputed(to="sd", why="the arms are too small for a t test")
    if one.mean is not None and other.mean is not None:
        return one.mean - other.mean, one.total, other.total
    if data.estimate is not None:
        return data.estimate, one.total, other.total
    return NotComputed(to="sd", why="neither both means nor their difference is known")


def _with_sd(
    data: StudyData, se: Conversion, n1: float, n2: float
) -> tuple[StudyData, tuple[Conversion, ...]] | NotComputed:
    assert data.experimental is not None
    assert data.control is not None
    if data.experimental.sd is not None and data.control.sd is not None:
        return data, ()
    sd = sd_from_difference_se(se.value, n1, n2)
    if isinstance(sd, NotComputed):
        return sd
    if not (math.isfinite(sd.value) and sd.value > 0):
        return NotComputed(to="sd", why="the difference is zero, so its SE cannot be told from the test")
    arms = {
        place: arm if arm.sd is not None else arm.model_copy(update={"sd": sd.value})
        for place, arm in (("experimental", data.experimental), ("control", data.control))
    }
    made = (se, sd)
    return data.model_copy(update={**arms, "conversions": (*data.conversions, *made)}), made


# Change from baseline ----------------------------------------------------------------------------


def change_mean(baseline: float, final: float) -> Conversion:
    """Mean change, final less baseline. It holds where both means are of the same participants."""
    return Conversion(to="mean", value=final - baseline, inputs=(("baseline", baseline), ("final", final)),
                      formula="mean change = final mean − baseline mean", source="Handbook 6.5.2.8")  # fmt: skip


def change_sd(sd_baseline: float, sd_final: float, correlation: float) -> Computed:
    """SD of the changes from both SDs and the correlation of baseline and final values, which is mostly assumed."""
    if not -1 <= correlation <= 1:
        return NotComputed(to="sd", why=f"a correlation cannot be {shown(correlation)}")
    if sd_baseline < 0 or sd_final < 0:
        return NotComputed(to="sd", why="an SD cannot be below zero")
    variance = sd_baseline**2 + sd_final**2 - 2 * correlation * sd_baseline * sd_final
    return Conversion(
        to="sd",
        value=math.sqrt(max(0.0, variance)),
        inputs=(("sd_baseline", sd_baseline), ("sd_final", sd_final), ("correlation", correlation)),
        formula="SD of change = √(SD_baseline² + SD_final² − 2 × r × SD_baseline × SD_final)",
        source="Handbook 6.5.2.8",
        approximate=True,
    )


def change_correlation(sd_baseline: float, sd_final: float, sd_change: float) -> Computed:
    """The correlation of baseline and final values that three SDs of the same participants imply."""
    if sd_baseline <= 0 or sd_final <= 0 or sd_change < 0:
        return NotComputed(to="correlation", why="the correlation takes SDs above zero")
    value = (sd_baseline**2 + sd_final**2 - sd_change**2) / (2 * sd_baseline * sd_final)
    if not -1 <= value <= 1:
        return NotComputed(
            to="correlation", why=f"the SDs imply a correlation of {value:.3g}, which cannot be"
        )
    return Conversion(
        to="correlation",
        value=value,
        inputs=(("sd_baseline", sd_baseline), ("sd_final", sd_final), ("sd_change", sd_change)),
        formula="r = (SD_baseline² + SD_final² − SD_change²) / (2 × SD_baseline × SD_final)",
        source="Handbook 6.5.2.8",
    )


# Arms together -----------------------------------------------------------------------------------


def combine_arms(
    arms: Sequence[ArmData], *, kind: Literal["dichotomous", "continuous"], name: str
) -> tuple[ArmData, tuple[Conversion, ...]] | NotComputed:
    """Two or more arms of different participants as one, as for trials with several doses.

    Dichotomous: events and totals are summed. Continuous: the mean is weighted by the totals and the SD is that
    of all participants together, which is exact and more than a pooled SD where the means differ.
    """
    wanted = ("total", "events") if kind == "dichotomous" else ("total", "mean", "sd")
    if len(arms) < 2:
        return NotComputed(to="arm", why="it takes two arms or more to combine")
    missing = [f"{key} of {arm.arm}" for arm in arms for key in wanted if getattr(arm, key) is None]
    if missing:
        return NotComputed(to="arm", why=f"not known: {', '.join(missing)}")
    if any(arm.total is not None and arm.total <= 0 for arm in arms):
        return NotComputed(to="arm", why="an arm has no participants")
    inputs = tuple((f"{key} of {arm.arm}", float(getattr(arm, key))) for arm in arms for key in wanted)
    values = _summed(arms) if kind == "dichotomous" else _together(arms)
    formulas = {
        "total": "N = N₁ + N₂",
        "events": "events = events₁ + events₂",
        "mean": "M = (N₁M₁ + N₂M₂) / (N₁ + N₂)",
        "sd": "SD = √(((N₁−1)SD₁² + (N₂−1)SD₂² + N₁N₂/(N₁+N₂) (M₁−M₂)²) / (N₁+N₂−1))",
    }
    made = tuple(
        Conversion(
            to=key,
            value=value,
            inputs=inputs,
            formula=formulas[key],
            source="Handbook 6.5.2.10, table 6.5.a" if kind == "continuous" else "Handbook 23.3.4",
        )
        for key, value in values.items()
    )
    randomised = [arm.randomised for arm in arms if arm.randomised is not None]
    whole = sum(randomised) if len(randomised) == len(arms) else None
    return ArmData(arm=name, randomised=whole, **values), made


def _summed(arms: Sequence[ArmData]) -> dict[str, float]:
    return {key: sum(float(getattr(arm, key)) for arm in arms) for key in ("total", "events")}


def _together(arms: Sequence[ArmData]) -> dict[str, float]:
    """Total, mean and SD of the participants of all arms (the table's formula, one arm after the other)."""
    n, mean, sd = _moments(arms[0])
    for arm in arms[1:]:
        more, its_mean, its_sd = _moments(arm)
        both = n + more
        squares = (n - 1) * sd**2 + (more - 1) * its_sd**2 + n * more / both * (mean - its_mean) ** 2
        mean, sd, n = (n * mean + more * its_mean) / both, math.sqrt(squares / (both - 1)), both
    return {"total": n, "mean": mean, "sd": sd}


def _moments(arm: ArmData) -> tuple[float, float, float]:
    assert arm.total is not None
    assert arm.mean is not None
    assert arm.sd is not None
    return arm.total, arm.mean, arm.sd
