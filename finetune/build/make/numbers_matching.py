"""Whether a number that a report prints is the one that people filled in, as it is or before they converted it. Pure.

Where the report prints a standard error or a confidence interval and people worked out the standard deviation, what is
printed is told from it by the same formulas (Cochrane Handbook 6.5.2), within rounding.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from math import sqrt
from typing import NamedTuple

from tools.extraction.numbers import Reading, percent_fits

__all__ = ["Gold", "match"]

Z95 = 1.959964


class Gold(NamedTuple):
    """What people read of one arm; None where they left it empty."""

    counted: bool
    """Whether the outcome counts participants."""
    value: Decimal | None
    spread: Decimal | None
    size: int | None


def match(reading: Reading, gold: Gold) -> tuple[Reading, str] | None:
    """What a printed value says of what people read, and what is printed beside it; None where it is another."""
    return _counted(reading, gold) if gold.counted else _measured(reading, gold)


def _counted(reading: Reading, gold: Gold) -> tuple[Reading, str] | None:
    if gold.value is None or gold.size is None or reading.spread is not None:
        return None
    events = int(gold.value)
    if reading.kind == "percent":
        return (reading, "") if _is_percentage(reading.value, events, gold.size) else None
    if not _equal(reading.value, gold.value) or reading.total not in (None, gold.size):
        return None
    if reading.percent is not None and not percent_fits(events, gold.size, reading.percent):
        return None
    if reading.kind not in ("count", "number") or reading.lower is not None:
        return None
    return replace(reading, kind="count"), ""


def _is_percentage(printed: str, events: int, size: int) -> bool:
    """Whether people come from a printed percentage to these events and no others."""
    percent = printed.lstrip("+-")
    return percent_fits(events, size, percent) and abs(float(percent) * size / 100 - events) < 0.5


def _measured(reading: Reading, gold: Gold) -> tuple[Reading, str] | None:
    if gold.value is None or reading.kind not in ("mean", "number") or not _equal(reading.value, gold.value):
        return None
    mean = replace(reading, kind="mean")
    if gold.spread is None:
        return (mean, "") if reading.spread is None and reading.lower is None else None
    if reading.spread is not None and reading.spread_kind != "se" and _equal(reading.spread, gold.spread):
        return mean, "Standard Deviation"
    if gold.size is None:
        return None
    if reading.spread is not None and reading.spread_kind != "sd" and _is_error(reading.spread, gold):
        return mean, "Standard Error"
    if reading.limits_kind in ("ci", "unknown") and _is_interval(reading, gold):
        return mean, "95% Confidence Interval"
    return None


def _equal(printed: str, gold: Decimal) -> bool:
    try:
        return Decimal(printed) == gold
    except InvalidOperation:
        return False


def _unit_of(printed: str) -> float:
    """One unit in the last place."""
    return float(10.0 ** -len(printed.partition(".")[2]))


def _is_error(printed: str, gold: Gold) -> bool:
    if gold.spread is None or not gold.size:
        return False
    return abs(float(gold.spread) / sqrt(gold.size) - float(printed)) <= 0.51 * _unit_of(printed)


def _is_interval(reading: Reading, gold: Gold) -> bool:
    """Whether limits are those of the mean: as far apart as the deviation says, by z or by t."""
    if gold.spread is None or not gold.size or reading.lower is None or reading.upper is None:
        return False
    width = float(reading.upper) - float(reading.lower)
    wanted = 2 * Z95 * float(gold.spread) / sqrt(gold.size)
    slack = _unit_of(reading.upper) + 0.02 * wanted
    return width > 0 and abs(width - wanted) <= slack
