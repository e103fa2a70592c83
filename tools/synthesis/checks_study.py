"""Checks of one study's line of one analysis: its arms side by side, and what is reported between them. Pure."""

import math
from collections.abc import Iterator, Mapping
from datetime import date

from pydantic import Field

from tools.schemas import Frozen
from tools.synthesis import units
from tools.synthesis.checks_arm import check_arm
from tools.synthesis.checks_contrast import check_contrast
from tools.synthesis.checks_numbers import shown
from tools.synthesis.checks_recomputed import check_recomputed
from tools.synthesis.checks_rules import found
from tools.synthesis.conversions import Kind
from tools.synthesis.values import ArmData, EffectMeasure, Finding, StudyData

__all__ = ["CONTINUOUS", "Reported", "check_dates", "check_study"]

CONTINUOUS: tuple[EffectMeasure, ...] = ("MD", "SMD", "MEAN")

UNLIKE_SD = 3.0
"""Ratio of the arms' SDs from which it is said. bench.checks measures how often that is on published rows."""

UNLIKE_MEANS = 3.0
"""Difference of means in SDs from which it is said. bench.checks measures how often that is on published rows."""


class Reported(Frozen):
    """What a report says of a line beside the numbers of its arms. Everything is optional."""

    p_value: float | None = None
    p_text: str = Field(default="", description="As printed: `0.03`, `<0.001`. Read where p_value is None.")
    total: float | None = Field(default=None, description="Participants analysed in the whole study.")
    all_arms: bool = Field(default=False, description="The two arms are all there are.")
    adjusted: bool | None = Field(
        default=None, description="Of the estimate: for covariates, clusters. None: not said."
    )
    printed: Mapping[str, str] = Field(default_factory=dict, description="Of estimate, estimate_lower, …")
    printed_experimental: Mapping[str, str] = Field(default_factory=dict)
    printed_control: Mapping[str, str] = Field(default_factory=dict)
    unit_experimental: str = ""
    unit_control: str = ""
    scale: tuple[float, float] | None = Field(default=None, description="Lowest and highest possible score.")
    integer_valued: bool = Field(default=False, description="Each participant scores a whole number.")
    arm_level: float = Field(default=0.95, gt=0, lt=1, description="Of the arms' own intervals.")


NOTHING = Reported()


def check_study(data: StudyData, *, measure: EffectMeasure, reported: Reported = NOTHING) -> list[Finding]:
    """What does not fit in one line: within each arm, between the arms, estimate, interval, p, and recomputed.

    The arms are checked as `measure` needs them: events for OR, RR, RD, HR; means for MD and SMD.
    """
    findings: list[Finding] = []
    kind: Kind = "continuous" if measure in CONTINUOUS else "dichotomous"
    for arm, printed in (
        (data.experimental, reported.printed_experimental),
        (data.control, reported.printed_control),
    ):
        if arm is not None:
            findings += check_arm(arm, kind=kind, printed=printed, level=reported.arm_level, scale=reported.scale,
                                  integer_valued=reported.integer_valued)  # fmt: skip
    findings += _arms(data, measure, reported)
    findings += check_contrast(
        data, measure, p_value=reported.p_value, p_text=reported.p_text, printed=reported.printed
    )
    printed_arms = (reported.printed_experimental, reported.printed_control)
    findings += check_recomputed(data, measure, adjusted=reported.adjusted, printed=reported.printed,
                                 printed_arms=printed_arms)  # fmt: skip
    return findings


def check_dates(
    *,
    start: date | None = None,
    end: date | None = None,
    published: date | None = None,
    follow_up_days: float | None = None,
) -> list[Finding]:
    """Whether a study's dates can be so. Follow-up gets 31 days' grace, as dates are often given as months."""
    findings = []
    for earlier, later, words in (
        (start, end, "ends on {1} and starts on {0}"),
        (start, published, "is published on {1} and starts on {0}"),
    ):
        if earlier is not None and later is not None and later < earlier:
            message = f"The study {words.format(earlier.isoformat(), later.isoformat())}."
            findings.append(found("dates-order", message))
    if start is not None and end is not None and follow_up_days is not None and start <= end:
        length = (end - start).days
        if follow_up_days > length + 31:
            message = f"A follow-up of {shown(follow_up_days)} days in a study of {length} days "
            message += f"({start.isoformat()} to {end.isoformat()})."
            findings.append(found("follow-up-too-long", message))
    return findings


def _arms(data: StudyData, measure: EffectMeasure, reported: Reported) -> list[Finding]:
    one, other = data.experimental, data.control
    if one is None or other is None:
        return []
    findings = [
        *_totals(one, other, data, reported),
        *_same_numbers(one, other),
        *_units(one, other, reported),
    ]
    if measure in CONTINUOUS:
        findings += [*_spread(one, other), *_distance(one, other)]
    return findings


def _totals(one: ArmData, other: ArmData, data: StudyData, reported: Reported) -> Iterator[Finding]:
    if one.total is None or other.total is None or reported.total is None or data.design == "crossover":
        return
    together = one.total + other.total
    said = (
        f"{one.arm} {shown(one.total)} + {other.arm} {shown(other.total)} = {shown(together)}, but the study "
    )
    said += f"has {shown(reported.total)} participants."
    names, arms = ("total",), (one.arm, other.arm)
    if together > reported.total:
        yield found("arms-exceed-total", said, arms=arms, statistics=names)
    elif together < reported.total and reported.all_arms:
        yield found("arms-short-of-total", said, arms=arms, statistics=names)


def _same_numbers(one: ArmData, other: ArmData) -> Iterator[Finding]:
    """Numbers that rarely agree by chance: mean with SD, or many events with total."""
    same = [name for name in ("total", "events", "mean", "sd", "se", "median", "q1", "q3")
            if getattr(one, name) is not None and getattr(one, name) == getattr(other, name)]  # fmt: skip
    spread = {"sd", "se", "q1", "q3"} & set(same)
    centre = {"mean", "median"} & set(same) and (one.mean or one.median)
    counted = {"total", "events"} <= set(same) and 10 <= (one.events or 0) <= (one.total or 0) - 10
    if not (centre and spread) and not counted:
        return
    if counted and _differ(one, other, "mean", "median"):
        return
    said = ", ".join(f"{name} {shown(getattr(one, name))}" for name in same)
    yield found("same-numbers", f"{one.arm} and {other.arm} both have {said}.", arms=(one.arm, other.arm),
                statistics=same)  # fmt: skip


def _differ(one: ArmData, other: ArmData, *names: str) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _units(one: ArmData, other: ArmData, reported: Reported) -> Iterator[Finding]:
    arms = (one.arm, other.arm)
    first, second = reported.unit_experimental, reported.unit_control
    if units.relation(first, second) in ("convertible", "different"):
        yield found("units-differ", f"{one.arm} is in {first}, {other.arm} in {second}.", arms=arms)
    shares = sorted((arm.percent, arm.arm) for arm in (one, other) if arm.percent is not None)
    if len(shares) == 2 and 0 < shares[0][0] < 1 and _proportion_for_percent(one, other):
        message = f"{shares[0][1]} has {shown(shares[0][0])}, {shares[1][1]} {shown(shares[1][0])} %."
        yield found("percent-scale", message, arms=arms, statistics=("percent",))


def _proportion_for_percent(one: ArmData, other: ArmData) -> bool:
    """Whether exactly one arm's percent is its share of events as a proportion, by its own events and total."""
    as_proportion = []
    for arm in (one, other):
        if arm.percent is None or not arm.total or arm.events is None:
            return False
        as_proportion.append(arm.events > 0 and abs(arm.percent - arm.events / arm.total) < 0.006)
    return as_proportion[0] != as_proportion[1]


def _spread(one: ArmData, other: ArmData) -> Iterator[Finding]:
    if not one.sd or not other.sd or min(one.sd, other.sd) <= 0 or not one.total or not other.total:
        return
    small, large = sorted((one, other), key=lambda arm: arm.sd or 0.0)
    assert small.sd is not None
    assert large.sd is not None
    ratio = large.sd / small.sd
    arms, names = (small.arm, large.arm), ("sd",)
    as_sd = small.sd * math.sqrt(max(0.0, small.total or 0.0))
    said = f"SD {shown(small.sd)} in {small.arm}, {shown(large.sd)} in {large.arm}"
    if ratio >= 3 and 0.67 < as_sd / large.sd < 1.5:
        message = f"{said}; as an SE, {shown(small.sd)} would mean an SD of {as_sd:.4g}."
        yield found("sd-looks-like-se", message, arms=arms, statistics=names)
    elif ratio >= UNLIKE_SD:
        yield found("unlike-sd", f"{said}, {ratio:.3g} times as much.", arms=arms, statistics=names)


def _distance(one: ArmData, other: ArmData) -> Iterator[Finding]:
    if one.mean is None or other.mean is None or not one.sd or not other.sd:
        return
    sd = math.sqrt((one.sd**2 + other.sd**2) / 2)
    distance = abs(one.mean - other.mean) / sd if sd > 0 else 0.0
    slip = units.slip_of_scale(abs(one.mean), abs(other.mean)) if one.mean * other.mean > 0 else None
    arms = (one.arm, other.arm)
    said = f"means {shown(one.mean)} in {one.arm} and {shown(other.mean)} in {other.arm}"
    if distance >= 2 and slip is not None:
        yield found(
            "scale-differs", f"{said}: their ratio is that of {slip}.", arms=arms, statistics=("mean",)
        )
    elif distance >= UNLIKE_MEANS:
        message = f"{said} are {distance:.3g} SDs apart ({shown(one.sd)}, {shown(other.sd)})."
        yield found("unlike-means", message, arms=arms, statistics=("mean", "sd"))
