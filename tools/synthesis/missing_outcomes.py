"""Events of participants whose outcome is not known: imputed cases, and informative missingness odds ratios. Pure.

Higgins, White and Wood 2008, doi:10.1177/1740774508091600; White, Higgins and Wood 2008, doi:10.1002/sim.3008. Missing
are `ArmData.randomised` − `ArmData.total`. The trials' conclusion should hold under each assumption that could be true.
"""

import math
from typing import Literal, NamedTuple

from tools.synthesis.adjusting import CannotAdjust
from tools.synthesis.effects import effect
from tools.synthesis.estimated import Estimated, answer
from tools.synthesis.values import ArmData, Conversion, Effect, EffectMeasure, NotEstimable, StudyData

__all__ = ["SCENARIOS", "Scenario", "imputed", "with_imor"]

Scenario = Literal["ICA-0", "ICA-1", "ICA-b", "ICA-w", "ICA-pC", "ICA-pE", "ICA-p"]

SCENARIOS: dict[Scenario, str] = {
    "ICA-0": "none of the missing had the event",
    "ICA-1": "all of the missing had the event",
    "ICA-b": "best case for the experimental arm",
    "ICA-w": "worst case for the experimental arm",
    "ICA-pC": "the missing of both arms have the risk observed in the control arm",
    "ICA-pE": "the missing of both arms have the risk observed in the experimental arm",
    "ICA-p": "the missing have the risk observed in their own arm",
}
"""Imputed case analyses, by the names of Higgins et al. 2008."""

SOURCE = "Higgins, White and Wood 2008, doi:10.1177/1740774508091600"


class _Seen(NamedTuple):
    events: float
    observed: float
    randomised: float

    @property
    def risk(self) -> float:
        return self.events / self.observed

    @property
    def missing(self) -> float:
        return self.randomised - self.observed

    def corrected(self) -> "_Seen":
        return _Seen(self.events + 0.5, self.observed + 1, self.randomised + 1)


def imputed(data: StudyData, scenario: Scenario, *, event_is_bad: bool) -> StudyData:
    """The study with everyone randomised in its arms, the missing as the scenario has them.

    The imputed are counted as if they had been seen, so the interval is too narrow (a note says so): read the estimate.

    Args:
        data: both arms with events, total and randomised.
        scenario: see `SCENARIOS`.
        event_is_bad: turns best and worst case round, and nothing else.

    Raises:
        CannotAdjust: numbers missing, or fewer randomised than analysed.
    """
    one, other = _seen(data, data.experimental, "experimental"), _seen(data, data.control, "control")
    risks: dict[Scenario, tuple[float, float]] = {
        "ICA-0": (0.0, 0.0),
        "ICA-1": (1.0, 1.0),
        "ICA-b": (0.0, 1.0) if event_is_bad else (1.0, 0.0),
        "ICA-w": (1.0, 0.0) if event_is_bad else (0.0, 1.0),
        "ICA-pC": (other.risk, other.risk),
        "ICA-pE": (one.risk, one.risk),
        "ICA-p": (one.risk, other.risk),
    }
    assert data.experimental is not None
    assert data.control is not None
    first, made_first = _filled(data.experimental, one, risks[scenario][0], scenario)
    second, made_second = _filled(data.control, other, risks[scenario][1], scenario)
    missing = f"{one.missing:g} and {other.missing:g} missing"
    note = (
        f"{scenario}: {SCENARIOS[scenario]} ({missing}); the interval is too narrow, it counts them as seen"
    )
    return data.model_copy(
        update={
            "experimental": first,
            "control": second,
            "conversions": (*data.conversions, made_first, made_second),
            "notes": (*data.notes, note),
        }
    )


def with_imor(
    data: StudyData, measure: EffectMeasure, *, experimental: float, control: float
) -> Effect | NotEstimable:
    """The effect if the odds of the event among the missing were IMOR times those among the seen, for each arm.

    With p the risk seen, m the share missing and δ the IMOR, the risk among the missing is p' = δp/(1 − p + δp) and in
    the arm p* = (1 − m)p + mp'. Its variance is that of the seen and of the share missing, by the delta method:
    (1 − m + mδ/(1 − p + δp)²)² p(1 − p)/n + (p' − p)² m(1 − m)/N. IMOR 1: missing at random.

    Raises:
        CannotAdjust: a measure other than OR, RR and RD, an IMOR that is not above 0, or as `imputed`.
    """
    if measure not in ("OR", "RR", "RD"):
        raise CannotAdjust(f"An IMOR makes no {measure}; it is of OR, RR and RD.")
    for value in (experimental, control):
        if not (math.isfinite(value) and value > 0):
            raise CannotAdjust(f"The IMOR is {value:g}; it has to be above zero.")
    one, other = _seen(data, data.experimental, "experimental"), _seen(data, data.control, "control")
    plain = effect(data, measure)
    if isinstance(plain, NotEstimable):
        return plain

    def compute() -> Estimated:
        used = (one, other)
        if any(seen.events in (0, seen.observed) for seen in used):
            used = (one.corrected(), other.corrected())
        (p1, v1), (p2, v2) = _risk(used[0], experimental), _risk(used[1], control)
        if measure == "OR":
            y = math.log(p1 / (1 - p1)) - math.log(p2 / (1 - p2))
            v = v1 / (p1 * (1 - p1)) ** 2 + v2 / (p2 * (1 - p2)) ** 2
        elif measure == "RR":
            y, v = math.log(p1 / p2), v1 / p1**2 + v2 / p2**2
        else:
            y, v = p1 - p2, v1 + v2
        note = f"IMOR {experimental:g} experimental, {control:g} control (White, Higgins and Wood 2008)"
        corrected = (
            ("0.5 was added to each cell because one of them is zero",) if used != (one, other) else ()
        )
        return Estimated(y, v, (*corrected, note))

    return answer(data, measure, compute)


def _risk(seen: _Seen, imor: float) -> tuple[float, float]:
    """Risk among everyone randomised, and its variance."""
    p, share = seen.risk, seen.missing / seen.randomised
    below = 1 - p + imor * p
    unseen = imor * p / below
    slope = 1 - share + share * imor / below**2
    v = slope**2 * p * (1 - p) / seen.observed + (unseen - p) ** 2 * share * (1 - share) / seen.randomised
    return (1 - share) * p + share * unseen, v


def _seen(data: StudyData, arm: ArmData | None, place: str) -> _Seen:
    if arm is None or arm.events is None or arm.total is None or arm.randomised is None:
        raise CannotAdjust(
            f"{data.label}: events, analysed and randomised of the {place} arm are not all known."
        )
    if not 0 <= arm.events <= arm.total or not 0 < arm.total < math.inf:
        raise CannotAdjust(
            f"{data.label}: {arm.events:g} events of {arm.total:g} analysed in the {place} arm cannot be."
        )
    if arm.randomised < arm.total:
        raise CannotAdjust(
            f"{data.label}: {arm.total:g} analysed of {arm.randomised} randomised in the {place} arm cannot be. "
            "Remedy: look whether the total counts somebody twice."
        )
    return _Seen(arm.events, arm.total, float(arm.randomised))


def _filled(arm: ArmData, seen: _Seen, risk: float, scenario: Scenario) -> tuple[ArmData, Conversion]:
    events = seen.events + seen.missing * risk
    made = Conversion(
        to="events",
        value=events,
        inputs=(
            (f"events of {arm.arm}", seen.events),
            ("missing", seen.missing),
            ("risk of the missing", risk),
        ),
        formula=f"events + missing × risk of the missing ({scenario})",
        source=SOURCE,
    )
    return arm.model_copy(update={"events": events, "total": seen.randomised, "percent": None}), made
