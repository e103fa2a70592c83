"""The axis of effects: which range it shows, where its ticks stand, where a value falls on the page. Pure.

Ratios are drawn on their logarithms and labelled with the ratio, so that 0.5 and 2 are equally far from 1
(Cochrane Handbook 10.10.1); proportions are drawn as proportions, although they are pooled on the logit scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tools.synthesis.pooling import natural
from tools.synthesis.values import RATIOS, EffectMeasure

__all__ = ["Scale", "finite", "null_value", "plotted", "scale_for"]

_RATIO_TICKS: tuple[tuple[float, ...], ...] = (
    (0.8, 0.9, 1, 1.1, 1.25),
    (0.67, 0.8, 1, 1.25, 1.5),
    (0.5, 0.7, 1, 1.5, 2),
    (0.2, 0.5, 1, 2, 5),
    (0.1, 0.2, 0.5, 1, 2, 5, 10),
    (0.05, 0.2, 1, 5, 20),
    (0.02, 0.1, 1, 10, 50),
    (0.01, 0.1, 1, 10, 100),
    (0.005, 0.1, 1, 10, 200),
    (0.001, 0.1, 1, 10, 1000),
    (0.0001, 0.01, 1, 100, 10_000),
    (1e-6, 0.001, 1, 1000, 1e6),
)
"""Ranges for ratios, narrowest first; the ends are the first and the last tick. The widest is never widened:
what lies beyond it gets an arrow."""

_WANTED_SHARE = 0.8  # of the studies' limits; a few wide intervals get arrows instead of squeezing the others
_FEW = 12  # limits: up to six studies
_WIDEST_FOR_INTERVALS = 1000.0


def plotted(y: float, measure: EffectMeasure) -> float:
    """From the scale of analysis to that of the axis, which differ for proportions only."""
    return natural(measure, y) if measure == "PROPORTION" else y


def null_value(measure: EffectMeasure) -> float | None:
    """No effect on the scale of the axis; None for single groups."""
    return None if measure in ("PROPORTION", "MEAN") else 0.0


def finite(values: Sequence[float | None]) -> list[float]:
    """Those that are numbers."""
    return [v for v in values if v is not None and math.isfinite(v)]


@dataclass(frozen=True)
class Scale:
    """Axis values from `low` to `high`, drawn from `left` to `right` in points."""

    low: float
    high: float
    left: float
    right: float
    ticks: tuple[tuple[float, str], ...]

    def x(self, value: float) -> float:
        """Place on the page; what lies outside lands on the end."""
        inside = min(max(value, self.low), self.high)
        return self.left + (inside - self.low) / (self.high - self.low) * (self.right - self.left)

    def shows(self, value: float) -> bool:
        """Whether the value lies within the axis."""
        return self.low <= value <= self.high


def scale_for(
    measure: EffectMeasure, needed: Sequence[float], wanted: Sequence[float], left: float, right: float
) -> Scale:
    """An axis that shows every `needed` value and most of the `wanted` ones.

    Args:
        measure: Decides the kind of axis.
        needed: Axis values that must be seen: point estimates, pooled limits.
        wanted: Axis values that may be cut off: limits of single studies.
        left: Where the axis begins, in points.
        right: Where it ends.
    """
    needed, wanted = finite(needed), finite(wanted)
    if measure in RATIOS:
        return _ratio_scale(needed, wanted, left, right)
    if measure == "PROPORTION":
        return _proportion_scale([*needed, *wanted], left, right)
    if measure == "MEAN":
        return _open_scale([*needed, *wanted] or [0.0], left, right)
    return _symmetric_scale(max(map(abs, [*needed, *_most(wanted, needed)]), default=1.0), left, right)


def _most(wanted: list[float], needed: list[float]) -> list[float]:
    """The wanted values without the farthest, where these lie so far out that they would squeeze the rest."""
    by_distance = sorted(wanted, key=abs)
    kept = by_distance[: math.ceil(_WANTED_SHARE * len(by_distance))]
    reach = max(map(abs, [*kept, *needed]), default=0.0)
    room = 3.0 if len(wanted) <= _FEW else 1.3
    return by_distance if by_distance and abs(by_distance[-1]) <= room * reach else kept


def _ratio_scale(needed: list[float], wanted: list[float], left: float, right: float) -> Scale:
    widest = math.log(_WIDEST_FOR_INTERVALS)
    reach = max([*map(abs, needed), *(min(abs(w), widest) for w in _most(wanted, needed))], default=0.5)
    fitting = (t for t in _RATIO_TICKS if math.log(t[-1]) >= reach - 1e-9)
    ticks = next(fitting, _RATIO_TICKS[-1])
    end = math.log(ticks[-1])
    return Scale(-end, end, left, right, tuple((math.log(t), _label(t)) for t in ticks))


def _symmetric_scale(reach: float, left: float, right: float) -> Scale:
    end = _nice_above(reach)
    ticks = tuple((end * f, _label(end * f)) for f in (-1.0, -0.5, 0.0, 0.5, 1.0))
    return Scale(-end, end, left, right, ticks)


def _nice_above(value: float) -> float:
    """The smallest of 1, 2, 4, 5 × 10ⁿ that is not below the value."""
    value = max(value, 1e-9)
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 2, 4, 5, 10, 20) if n * power >= value * (1 - 1e-9))


def _proportion_scale(values: list[float], left: float, right: float) -> Scale:
    top = max(values, default=1.0)
    end = next(e for e in (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.5, 1.0) if e >= top or e == 1.0)
    ticks = tuple((end * f, _label(end * f)) for f in (0.0, 0.25, 0.5, 0.75, 1.0))
    return Scale(0.0, end, left, right, ticks)


def _open_scale(values: list[float], left: float, right: float) -> Scale:
    """For means: whole steps that cover the values, zero only if they reach it."""
    low, high = min(values), max(values)
    step = _nice_above(((high - low) or abs(high) or 1.0) / 4)
    first = math.floor(low / step)
    last = max(math.ceil(high / step), first + 1)
    every = max(1, math.ceil((last - first) / 6))
    ticks = tuple((i * step, _label(i * step)) for i in range(first, last + 1, every))
    # Rounding may put an end a hair inside the values.
    return Scale(min(first * step, low), max(last * step, high), left, right, ticks)


def _label(value: float) -> str:
    if value == 0:
        return "0"
    text = f"{value:.6g}" if abs(value) < 1e7 else f"{value:.0e}"
    return text.replace("-", "−")
