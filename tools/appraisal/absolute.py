"""Absolute effects for a summary of findings: from a relative effect and an assumed risk to events per 1,000. Pure.

Corresponding risk from the assumed risk p (Cochrane Handbook 14.1.5 and 15.4.4; for HR of proportional hazards over the
same time 15.4.4): RR p·RR; OR p·OR ÷ (1 − p + p·OR); RD p + RD; HR 1 − (1 − p)^HR. The limits come from the limits of
the effect with p held fixed, so the uncertainty of p itself is not in them.
"""

import math
from collections.abc import Sequence
from statistics import median

from pydantic import Field

from tools.errors import ConfigError
from tools.schemas import Frozen
from tools.synthesis.pooling import natural
from tools.synthesis.values import EffectMeasure, Pooled, StudyData

__all__ = ["AbsoluteEffect", "AssumedRisk", "absolute_effect", "control_risk"]


class AssumedRisk(Frozen):
    """The risk without the intervention, and where it comes from."""

    risk: float = Field(ge=0, le=1, description="Proportion with the event.")
    source: str = Field(
        min_length=1, description="As the footnote says it: `median of the control groups …`."
    )


class AbsoluteEffect(Frozen):
    """Risks as proportions, differences as proportions; negative: fewer with the intervention."""

    assumed: AssumedRisk
    risk: float = Field(description="With the intervention.")
    lower: float
    upper: float
    notes: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[float, float, float]:
        """Risk with the intervention minus the assumed risk: estimate, lower and upper limit."""
        base = self.assumed.risk
        return self.risk - base, self.lower - base, self.upper - base


def control_risk(studies: Sequence[StudyData]) -> AssumedRisk:
    """The median of the control groups' risks (Cochrane Handbook 14.1.5).

    Raises:
        ConfigError: no control group has both events and total.
    """
    risks = [
        s.control.events / s.control.total
        for s in studies
        if s.control and s.control.events is not None and s.control.total
    ]
    if not risks:
        raise ConfigError("assumed risk: no control group has events and total; give a risk and its source.")
    left_out = len(studies) - len(risks)
    word = "study" if len(risks) == 1 else "studies"
    without = f" ({left_out} without numbers)" if left_out else ""
    return AssumedRisk(
        risk=median(risks), source=f"median of the control groups of {len(risks)} {word}{without}"
    )


def absolute_effect(pooled: Pooled, assumed: AssumedRisk) -> AbsoluteEffect:
    """The risk with the intervention that a pooled effect means for an assumed risk.

    Raises:
        ConfigError: the measure has no corresponding risk, or a ratio meets an assumed risk of 0, from which no
            ratio leads anywhere.
    """
    if pooled.measure not in ("OR", "RR", "RD", "HR"):
        raise ConfigError(f"absolute effect: {pooled.measure} has none; leave out the assumed risk.")
    if pooled.measure != "RD" and assumed.risk == 0:
        raise ConfigError(
            f"assumed risk: 0 ({assumed.source}) stays 0 with any {pooled.measure}; give a risk that is not 0."
        )
    risks = [_corresponding(pooled.measure, y, assumed.risk) for y in (pooled.y, pooled.lower, pooled.upper)]
    kept = [min(max(risk, 0.0), 1.0) for risk in risks]
    notes = ("Cut at the ends of the scale, 0 and 1,000 per 1,000.",) if kept != risks else ()
    return AbsoluteEffect(assumed=assumed, risk=kept[0], lower=kept[1], upper=kept[2], notes=notes)


def _corresponding(measure: EffectMeasure, y: float, p: float) -> float:
    """Before it is kept within 0 and 1."""
    if measure == "RD":
        return p + y
    ratio = natural(measure, y)
    if math.isinf(ratio):
        return 1.0
    if measure == "RR":
        return p * ratio
    if measure == "OR":
        return p * ratio / (1 - p + p * ratio)
    return 1.0 - math.pow(1 - p, ratio)
