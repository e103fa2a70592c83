"""Checks of an estimate between two arms against its own interval, SE and p value. Pure.

z = estimate / SE, with the SE from the interval (Altman and Bland 2011, doi:10.1136/bmj.d2090); ratios on the scale
of logarithms. Each number is taken to lie within one unit of its last printed digit.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from tools.synthesis.checks_numbers import NotANumber, Printed, last_unit, number_of, shown
from tools.synthesis.checks_rules import found
from tools.synthesis.distributions import critical, two_sided_p
from tools.synthesis.values import RATIOS, EffectMeasure, Finding, StudyData

__all__ = ["check_contrast"]


class PValue(NamedTuple):
    """A p value as printed: exact, or only on which side of a bound it lies."""

    low: float
    high: float
    said: str


class Line(NamedTuple):
    """Estimate and limits on the scale of analysis, each with how far rounding reaches."""

    y: float
    lower: float
    upper: float
    slack_y: float
    slack_lower: float
    slack_upper: float


def check_contrast(
    data: StudyData,
    measure: EffectMeasure,
    *,
    p_value: float | None = None,
    p_text: str = "",
    printed: Printed | None = None,
) -> list[Finding]:
    """What does not fit among the estimate, its interval, its SE and p; `p_text` is read where `p_value` is None."""
    texts = printed or {}
    p, findings = _p(p_value, p_text)
    findings += _positive(data, measure)
    if findings:
        return findings
    line = _line(data, measure, texts)
    if line is not None:
        findings += [
            *_order(data, line, texts),
            *_centre(data, measure, line, texts),
            *_se(data, measure, line, texts),
        ]
    se = _se_reach(data, line, texts)
    if p is not None and data.estimate is not None and se is not None and not findings:
        findings += _p_value(data, measure, p, se, line, texts)
    return findings


# Reading -----------------------------------------------------------------------------------------


def _p(p_value: float | None, p_text: str) -> tuple[PValue | None, list[Finding]]:
    """The p value, or the finding that it is none. A text that says nothing (NR, NS) is no finding."""
    text = p_text.casefold().removeprefix("p").strip().removeprefix("=").strip()
    if p_value is None and not text:
        return None, []
    read = p_value if p_value is not None else number_of(text)
    if isinstance(read, NotANumber):
        if read.bound is None or not 0 <= read.bound <= 1:
            return None, []
        bounds = (0.0, read.bound) if read.trouble == "below" else (read.bound, 1.0)
        return PValue(*bounds, p_text.strip()), []
    if not 0 <= read <= 1:
        rule = "negative" if read < 0 else "p-range"
        return None, [
            found(rule, f"p = {shown(read, p_text)} is not between 0 and 1.", statistics=("p_value",))
        ]
    unit = last_unit(read, text or None)
    return PValue(max(0.0, read - unit), min(1.0, read + unit), f"p = {shown(read, p_text)}"), []


def _positive(data: StudyData, measure: EffectMeasure) -> list[Finding]:
    findings = []
    if data.estimate_se is not None and data.estimate_se < 0:
        message = f"The SE of the estimate is {shown(data.estimate_se)}."
        findings.append(found("negative", message, statistics=("estimate_se",)))
    if measure not in RATIOS:
        return findings
    for name, value in (
        ("estimate", data.estimate),
        ("estimate_lower", data.estimate_lower),
        ("estimate_upper", data.estimate_upper),
    ):
        # A lower limit of 0.00 is the rounding of a small one.
        if value is not None and (value < 0 or (value == 0 and name != "estimate_lower")):
            message = f"{name.replace('_', ' ')} of the {measure} is {shown(value)}; a ratio is above zero."
            findings.append(found("ratio-not-positive", message, statistics=(name,)))
    return findings


def _line(data: StudyData, measure: EffectMeasure, texts: Printed) -> Line | None:
    known = (data.estimate, data.estimate_lower, data.estimate_upper)
    if any(value is None or not math.isfinite(value) for value in known):
        return None
    named = dict(zip(("estimate", "estimate_lower", "estimate_upper"), known, strict=True))
    values, slacks = [], []
    for name, value in named.items():
        assert value is not None
        unit = last_unit(value, texts.get(name))
        if measure not in RATIOS:
            values.append(value)
            slacks.append(unit)
            continue
        values.append(math.log(value) if value > 0 else -math.inf)
        slacks.append(math.log(value) - math.log(value - unit) if value > unit else math.inf)
    return Line(*values, *slacks)


# Checking ----------------------------------------------------------------------------------------

_NAMES = ("estimate", "estimate_lower", "estimate_upper")


def _say(data: StudyData, texts: Printed) -> str:
    shown_ = [shown(getattr(data, name) or 0.0, texts.get(name)) for name in _NAMES]
    return f"{shown_[0]} ({shown_[1]} to {shown_[2]})"


def _order(data: StudyData, line: Line, texts: Printed) -> Iterator[Finding]:
    said = _say(data, texts)
    if line.lower - line.upper > 0:
        yield found("interval-order", f"{said}: the limits are in the wrong order.", statistics=_NAMES[1:])
    elif (
        line.y + line.slack_y < line.lower - line.slack_lower
        or line.y - line.slack_y > line.upper + line.slack_upper
    ):
        message = f"{said}: the estimate is outside its interval."
        yield found("estimate-outside-interval", message, statistics=_NAMES)


def _centre(data: StudyData, measure: EffectMeasure, line: Line, texts: Printed) -> Iterator[Finding]:
    """Symmetric, on the scale of logarithms for ratios; a tenth of the width is left to other kinds of intervals."""
    if not all(map(math.isfinite, line)) or not line.lower <= line.y <= line.upper:
        return
    off = abs((line.upper - line.y) - (line.y - line.lower)) / 2
    slack = line.slack_y + (line.slack_lower + line.slack_upper) / 2
    if off <= slack + 0.1 * (line.upper - line.lower):
        return
    middle = (line.lower + line.upper) / 2
    middle = math.exp(middle) if measure in RATIOS else middle
    message = f"{_say(data, texts)}: the middle of the interval is {middle:.4g}"
    message += " (of the logarithms)." if measure in RATIOS else "."
    yield found("estimate-off-centre", message, statistics=_NAMES)


def _se(data: StudyData, measure: EffectMeasure, line: Line, texts: Printed) -> Iterator[Finding]:
    """SE against interval, by z and by t of the arms; a twentieth is left to degrees of freedom we do not know."""
    if data.estimate_se is None or data.estimate_se <= 0 or not all(map(math.isfinite, line)):
        return
    width, slack = line.upper - line.lower, line.slack_lower + line.slack_upper
    if width <= 0:
        return
    unit = last_unit(data.estimate_se, texts.get("estimate_se"))
    most = 2 * _widest(data) * (data.estimate_se + unit) * 1.05
    least = 2 * critical(data.level) * (data.estimate_se - unit) * 0.95
    if width - slack > most or width + slack < least:
        implied = width / (2 * critical(data.level))
        of = "logarithm's SE" if measure in RATIOS else "SE"
        message = f"{_say(data, texts)} implies that the {of} is {implied:.4g}, but it is "
        message += f"{shown(data.estimate_se, texts.get('estimate_se'))}."
        yield found("estimate-se", message, statistics=("estimate_se", *_NAMES[1:]))


def _widest(data: StudyData) -> float:
    """The largest multiplier with which the interval may have been made: t of both arms, z where unknown."""
    totals = [
        arm.total for arm in (data.experimental, data.control) if arm is not None and arm.total is not None
    ]
    df = sum(totals) - 2
    return critical(data.level, df) if len(totals) == 2 and df >= 1 else critical(data.level)


def _se_reach(data: StudyData, line: Line | None, texts: Printed) -> tuple[float, float] | None:
    """Least and greatest SE that the reported interval, else the reported SE, allows."""
    if line is not None and all(map(math.isfinite, line)) and line.upper > line.lower:
        width, slack = line.upper - line.lower, line.slack_lower + line.slack_upper
        return max(0.0, width - slack) / (2 * _widest(data)), (width + slack) / (2 * critical(data.level))
    if data.estimate_se is not None and data.estimate_se > 0:
        unit = last_unit(data.estimate_se, texts.get("estimate_se"))
        return max(0.0, data.estimate_se - unit), data.estimate_se + unit
    return None


def _p_value(
    data: StudyData,
    measure: EffectMeasure,
    p: PValue,
    se: tuple[float, float],
    line: Line | None,
    texts: Printed,
) -> Iterator[Finding]:
    """The printed p against the one of estimate and SE. Compared as z, as p values are on no even scale."""
    assert data.estimate is not None
    y = math.log(data.estimate) if measure in RATIOS else data.estimate
    unit = last_unit(data.estimate, texts.get("estimate"))
    slack = unit / data.estimate if measure in RATIOS else unit
    least = max(0.0, abs(y) - slack) / se[1] if se[1] > 0 else math.inf
    most = (abs(y) + slack) / se[0] if se[0] > 0 else math.inf
    z_low, z_high = _z(p.high), _z(p.low)
    gap = max(least - z_high, z_low - most)
    if gap <= max(0.25, 0.1 * min(least, z_low)):
        return
    z = 2 * abs(y) / (se[0] + se[1])
    message = (
        f"{_say(data, texts) if line is not None else shown(data.estimate)} gives p ≈ {two_sided_p(z):.2g}, "
    )
    message += f"but the report says {p.said}."
    alpha = 1 - data.level
    apart = (two_sided_p(least) < 0.8 * alpha and p.low > 1.2 * alpha) or (
        two_sided_p(most) > 1.2 * alpha and p.high < 0.8 * alpha
    )
    yield found("p-significance" if apart else "p-value", message, statistics=("p_value", *_NAMES))


def _z(p: float) -> float:
    """The z of a two-sided p; infinite for 0."""
    if p <= 0:
        return math.inf
    return critical(1 - p) if p < 1 else 0.0
