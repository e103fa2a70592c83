"""The reported estimate and interval against those that the arms give. Pure.

The effect is computed by `effects.effect`, as for the synthesis. How far the arms' own rounding can move it is found
by moving each number by half a unit of its last printed digit.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from tools.synthesis.checks_numbers import Printed, last_unit, shown
from tools.synthesis.checks_rules import found
from tools.synthesis.distributions import critical
from tools.synthesis.effects import effect
from tools.synthesis.values import RATIOS, ArmData, Effect, EffectMeasure, Finding, StudyData

__all__ = ["check_recomputed"]

_STRIPPED = dict.fromkeys(("estimate", "estimate_lower", "estimate_upper", "estimate_se"))
_NAMES = ("estimate", "estimate_lower", "estimate_upper")


class Compared(NamedTuple):
    """The effect of the arms, the reported one, and what rounding may do between them."""

    data: StudyData
    measure: EffectMeasure
    y: float
    se: float
    said: float
    slack: float

    def natural(self, y: float) -> float:
        """A value of the scale of analysis as people read it."""
        return math.exp(min(y, 700.0)) if self.measure in RATIOS else y


def check_recomputed(
    data: StudyData,
    measure: EffectMeasure,
    *,
    adjusted: bool | None = None,
    printed: Printed | None = None,
    printed_arms: tuple[Printed, Printed] = ({}, {}),
) -> list[Finding]:
    """What the arms do not give of what is reported between them; nothing where one of both is missing.

    An estimate that is known to be unadjusted must follow from the arms. If that is not known, a small difference
    is a warning and one beyond the reported interval an error; of an adjusted one both are warnings.
    """
    said = _scaled(data.estimate, measure)
    if (
        said is None
        or measure in ("HR", "PROPORTION", "MEAN")
        or data.experimental is None
        or data.control is None
    ):
        return []
    made = effect(data.model_copy(update=_STRIPPED), measure)
    if not isinstance(made, Effect):
        return []
    texts = printed or {}
    assert data.estimate is not None
    unit = last_unit(data.estimate, texts.get("estimate"))
    slack = unit / data.estimate if measure in RATIOS else unit
    slack += _arms_slack(data, measure, made.y, printed_arms) + 0.05 * math.sqrt(made.v)
    compared = Compared(data, measure, made.y, math.sqrt(made.v), said, slack)
    findings = list(_estimate(compared, adjusted, texts))
    return findings + list(_interval(compared, texts))


def _arms_slack(data: StudyData, measure: EffectMeasure, y: float, printed: tuple[Printed, Printed]) -> float:
    """How far the effect can be moved by the rounding of the arms' means and SDs. Counts are exact."""
    if measure not in ("MD", "SMD"):
        return 0.0
    moved = 0.0
    for place, texts in zip(("experimental", "control"), printed, strict=True):
        arm: ArmData = getattr(data, place)
        for name in ("mean", "sd"):
            value = getattr(arm, name)
            other = arm.model_copy(update={name: value + last_unit(value, texts.get(name)) / 2})
            again = effect(data.model_copy(update={**_STRIPPED, place: other}), measure)
            moved += abs(again.y - y) if isinstance(again, Effect) else 0.0
    return moved


def _estimate(compared: Compared, adjusted: bool | None, texts: Printed) -> Iterator[Finding]:
    data, gap = compared.data, abs(compared.y - compared.said)
    if gap <= compared.slack:
        return
    assert data.experimental is not None
    assert data.control is not None
    arms = (data.experimental.arm, data.control.arm)
    said = shown(compared.data.estimate or 0.0, texts.get("estimate"))
    message = (
        f"{_say(data)} give {compared.measure} {compared.natural(compared.y):.4g}, but {said} is reported"
    )
    if abs(compared.y + compared.said) <= compared.slack and abs(compared.y) > 2 * compared.slack:
        yield found("arms-swapped", f"{message}: that is {arms[1]} against {arms[0]}.", arms=arms,
                    statistics=("estimate",))  # fmt: skip
        return
    lower, upper = (
        _scaled(data.estimate_lower, compared.measure),
        _scaled(data.estimate_upper, compared.measure),
    )
    if lower is not None and upper is not None:
        beyond = not lower - compared.slack <= compared.y <= upper + compared.slack
    else:
        beyond = gap > 2 * compared.se
    severe = adjusted is False or (adjusted is None and beyond)
    yield found("estimate-recomputed", f"{message}{_slip(compared)}.", arms=arms, statistics=("estimate",),
                severity="error" if severe else "warning")  # fmt: skip


def _slip(compared: Compared) -> str:
    """Whether a decimal point moved, or a logarithm was typed, explains the difference."""
    one, other = compared.natural(compared.y), compared.natural(compared.said)
    for factor in (10, 100):
        for ratio in (factor, 1 / factor):
            if one and abs(other / one / ratio - 1) < 0.02:
                return "; a decimal point may be misplaced"
    if compared.measure in RATIOS and abs(other - compared.y) < 0.02:
        return "; that is its logarithm"
    return ""


def _interval(compared: Compared, texts: Printed) -> Iterator[Finding]:
    """The width of the reported interval against z or t times the SE of the arms, with a fifth to spare."""
    data, measure = compared.data, compared.measure
    lower, upper = _scaled(data.estimate_lower, measure), _scaled(data.estimate_upper, measure)
    if lower is None or upper is None or upper <= lower:
        return
    half, slack = (upper - lower) / 2, 0.0
    for name in _NAMES[1:]:
        value = getattr(data, name)
        unit = last_unit(value, texts.get(name))
        slack += unit / (2 * value) if measure in RATIOS else unit / 2
    one, other = data.experimental, data.control
    assert one is not None
    assert other is not None
    df = (one.total or 0) + (other.total or 0) - 2
    least = critical(data.level) * compared.se
    most = critical(data.level, df) * compared.se if df >= 1 and measure in ("MD", "SMD") else least
    if least / 1.25 - slack <= half <= most * 1.25 + slack:
        return
    shown_ = f"{shown(data.estimate_lower or 0.0, texts.get(_NAMES[1]))} to "
    shown_ += shown(data.estimate_upper or 0.0, texts.get(_NAMES[2]))
    arms = (one.arm, other.arm)
    as_sd = _if_sd_is_se(data, measure)
    if (
        as_sd is not None
        and as_sd > 2 * compared.se
        and abs(math.log(half / (critical(data.level) * as_sd))) < 0.15
    ):
        message = f"{_say(data)}: the reported interval {shown_} fits only if both SDs are SEs."
        yield found("sd-is-se", message, arms=arms, statistics=("sd", *_NAMES[1:]))
        return
    ends = [compared.natural(compared.y + sign * least) for sign in (-1, 1)]
    message = f"{_say(data)} give an interval of {ends[0]:.4g} to {ends[1]:.4g}, but {shown_} is reported."
    yield found("interval-recomputed", message, arms=arms, statistics=_NAMES[1:])


def _if_sd_is_se(data: StudyData, measure: EffectMeasure) -> float | None:
    """SE of the mean difference if what is entered as SDs were SEs."""
    if measure != "MD" or data.experimental is None or data.control is None:
        return None
    return math.hypot(data.experimental.sd or 0.0, data.control.sd or 0.0)


def _say(data: StudyData) -> str:
    """Both arms as they were entered."""
    said = []
    for arm in (data.experimental, data.control):
        assert arm is not None
        if arm.events is not None and arm.mean is None:
            said.append(f"{arm.arm} {shown(arm.events)}/{shown(arm.total or 0.0)}")
        else:
            moments = f"{shown(arm.mean or 0.0)} (SD {shown(arm.sd or 0.0)}, n {shown(arm.total or 0.0)})"
            said.append(f"{arm.arm} {moments}")
    return " and ".join(said)


def _scaled(value: float | None, measure: EffectMeasure) -> float | None:
    """On the scale of analysis; None where there is none."""
    if value is None or not math.isfinite(value):
        return None
    if measure not in RATIOS:
        return value
    return math.log(value) if value > 0 else None
