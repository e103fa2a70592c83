"""Checks across the rows of one report, and across studies of one outcome. Pure."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from statistics import median

from pydantic import Field

from tools.schemas import Frozen
from tools.synthesis import units
from tools.synthesis.checks_numbers import shown
from tools.synthesis.checks_rules import found
from tools.synthesis.values import ArmData, Finding, StudyData

__all__ = ["ReportRow", "check_report", "check_studies"]

_VALUES = ("total", "events", "percent", "mean", "sd", "se", "ci_lower", "ci_upper", "median", "q1", "q3",
           "minimum", "maximum")  # fmt: skip


class ReportRow(Frozen):
    """One line of a report's tables: an outcome at a time, with the arms given there."""

    outcome: str
    time_point: str = ""
    unit: str = ""
    arms: tuple[ArmData, ...]
    all_arms: bool = Field(default=False, description="These are all the arms of the study.")

    @property
    def name(self) -> str:
        """As messages name it."""
        return f"{self.outcome} at {self.time_point}" if self.time_point else self.outcome


def check_report(
    rows: Sequence[ReportRow], *, total_randomised: int | None = None, crossover: bool = False
) -> list[Finding]:
    """What does not fit across one report: arms against the whole, the same arm in different rows, copied rows.

    Rows come in the order of the report. In a crossover trial everybody is in every arm, so arms are not summed.
    """
    findings: list[Finding] = []
    if total_randomised is not None and not crossover:
        for row in rows:
            findings += _sum(row, "total", total_randomised, must_reach=False)
            findings += _sum(row, "randomised", total_randomised, must_reach=row.all_arms)
    findings += _randomised(rows)
    for one, other in combinations(rows, 2):
        findings += [*_copied(one, other), *_row_units(one, other)]
    return _unique(findings)


def check_studies(rows: Sequence[StudyData]) -> list[Finding]:
    """Studies of one outcome on one scale side by side: an SD that is an SE, a slip of units, one study twice.

    It takes four studies with means for the first two. The caller leaves out studies on other scales.
    """
    findings = list(_twice(rows))
    moments = [(row, *found_) for row in rows if (found_ := _pooled(row)) is not None]
    if len(moments) < 4:
        return findings
    for row, mean, sd, total in moments:
        others = [entry for entry in moments if entry[0] is not row]
        usual_sd = median(entry[2] for entry in others)
        usual_mean = median(abs(entry[1]) for entry in others)
        as_sd = sd * math.sqrt(total)
        said = f"{row.label}: SD {shown(sd)}, where the other studies have {usual_sd:.4g} (median)"
        slip = units.slip_of_scale(abs(mean), usual_mean) if mean and usual_mean else None
        if slip is not None and units.slip_of_scale(sd, usual_sd) == slip:
            message = f"{row.label}: mean {shown(mean)} and SD {shown(sd)}, where the other studies have "
            message += f"{usual_mean:.4g} and {usual_sd:.4g}: the ratio is that of {slip}."
            findings.append(found("scale-differs", message, statistics=("mean", "sd")))
        elif usual_sd >= 3 * sd and 0.5 < as_sd / usual_sd < 2:
            message = f"{said}; as an SE it would mean an SD of {as_sd:.4g}."
            findings.append(found("sd-looks-like-se", message, statistics=("sd",)))
    return findings


def _sum(row: ReportRow, name: str, whole: int, *, must_reach: bool) -> Iterator[Finding]:
    known = [(arm.arm, float(value)) for arm in row.arms if (value := getattr(arm, name)) is not None]
    together = sum(value for _, value in known)
    said = f"{row.name}: {' + '.join(f'{arm} {shown(value)}' for arm, value in known)} = {shown(together)}, "
    said += f"but {whole} were randomised."
    arms, names = tuple(arm for arm, _ in known), (name,)
    if together > whole:
        yield found("arms-exceed-total", said, arms=arms, statistics=names)
    elif must_reach and len(known) == len(row.arms) and together < whole:
        yield found("arms-short-of-total", said, arms=arms, statistics=names)


def _randomised(rows: Sequence[ReportRow]) -> Iterator[Finding]:
    seen: dict[str, dict[int, str]] = {}
    for row in rows:
        for arm in row.arms:
            if arm.randomised is not None:
                seen.setdefault(arm.arm, {}).setdefault(arm.randomised, row.name)
    for name, numbers in seen.items():
        if len(numbers) > 1:
            said = ", ".join(f"{number} in {place}" for number, place in numbers.items())
            message = f"{name}: different numbers of randomised participants, {said}."
            yield found("randomised-differs", message, arms=(name,), statistics=("randomised",))


def _copied(one: ReportRow, other: ReportRow) -> Iterator[Finding]:
    """Two rows under different names with the same numbers throughout, of which enough are telling."""
    if one.name == other.name or len(one.arms) != len(other.arms) or len(one.arms) < 2:
        return
    numbers = [_numbers(arm) for arm in one.arms]
    if numbers != [_numbers(arm) for arm in other.arms]:
        return
    telling = sum(value not in (0, 100) for arm in numbers for name, value in arm if name != "total")
    if telling >= 2:
        message = f"{one.name} and {other.name} have the same numbers: {_said(one.arms)}."
        yield found("row-repeated", message, arms=tuple(arm.arm for arm in one.arms))


def _row_units(one: ReportRow, other: ReportRow) -> Iterator[Finding]:
    """One outcome in two units, which is right in some tables and a misreading in others."""
    if one.outcome.strip().casefold() != other.outcome.strip().casefold():
        return
    if units.relation(one.unit, other.unit) in ("convertible", "different"):
        message = f"{one.name} is in {one.unit}, {other.name} in {other.unit}."
        yield found("units-differ", message, severity="warning")


def _twice(rows: Sequence[StudyData]) -> Iterator[Finding]:
    """Two studies with the same numbers in both arms, of which at least four are ten or more."""
    seen: dict[tuple[tuple[tuple[str, float], ...], ...], StudyData] = {}
    for row in rows:
        arms = [arm for arm in (row.experimental, row.control) if arm is not None]
        key = tuple(tuple(_numbers(arm)) for arm in arms)
        if len(arms) < 2 or sum(value >= 10 for numbers in key for _, value in numbers) < 4:
            continue
        first = seen.setdefault(key, row)
        if first.study_id != row.study_id:
            yield found(
                "study-repeated", f"{first.label} and {row.label} have the same numbers: {_said(arms)}."
            )


def _numbers(arm: ArmData) -> list[tuple[str, float]]:
    return [(name, value) for name in _VALUES if (value := getattr(arm, name)) is not None]


def _said(arms: Sequence[ArmData]) -> str:
    """Arms with their numbers, for a message."""
    each = (
        f"{arm.arm} {', '.join(f'{name} {shown(value)}' for name, value in _numbers(arm))}" for arm in arms
    )
    return "; ".join(each)


def _pooled(row: StudyData) -> tuple[float, float, float] | None:
    """Mean of both arms, pooled SD and participants of one arm, where both arms have them."""
    arms = [arm for arm in (row.experimental, row.control) if arm is not None]
    if len(arms) < 2 or any(arm.mean is None or not arm.sd or arm.sd < 0 or not arm.total for arm in arms):
        return None
    means, sds, totals = ([float(getattr(arm, name)) for arm in arms] for name in ("mean", "sd", "total"))
    return sum(means) / 2, math.sqrt(sum(sd**2 for sd in sds) / 2), max(0.0, sum(totals) / 2)


def _unique(findings: Sequence[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))
