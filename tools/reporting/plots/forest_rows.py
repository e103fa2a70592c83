"""The rows and columns of a forest plot, before anything has a place: what stands in which cell. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.reporting.plots.forest_values import ForestLine, ForestPlot
from tools.reporting.plots.scale import plotted
from tools.reporting.plots.wording import (
    MEASURES,
    amount,
    count,
    decimals_for,
    decimals_of,
    heterogeneity,
    interval,
    interval_note,
    limits,
    overall_test,
    percent_level,
)
from tools.synthesis.values import RATIOS, ArmData, Effect, NotEstimable, Pooled

__all__ = ["Column", "Mark", "Row", "columns", "rows"]

Kind = Literal["events", "means", "generic"]
Arm = Literal["experimental", "control", ""]


@dataclass(frozen=True)
class Mark:
    """What a row shows on the axis, in axis values. `weight` in percent; None where weights are unknown."""

    kind: Literal["study", "diamond", "prediction"]
    y: float
    lower: float
    upper: float
    weight: float | None = None


@dataclass(frozen=True)
class Column:
    """A column of data: its heading, the arm it belongs to, and which number of the arm it holds."""

    head: str
    arm: Arm
    statistic: str


@dataclass(frozen=True)
class Row:
    """One line of the table. `wide` rows are statements that run across the columns."""

    label: str
    cells: tuple[str, ...] = ()
    weight: str = ""
    effect: str = ""
    mark: Mark | None = None
    bold: bool = False
    wide: bool = False
    study_id: str = ""


def _kind(plot: ForestPlot) -> Kind:
    """Which data the columns hold: what the measure is computed from, where at least one study has it."""
    statistics = {"OR": "events", "RR": "events", "RD": "events", "PROPORTION": "events"}
    wanted = statistics.get(plot.measure, "" if plot.measure == "HR" else "mean")
    if wanted and any(_number(x, "experimental", wanted) is not None for x in plot.lines):
        return "events" if wanted == "events" else "means"
    return "generic"


def columns(plot: ForestPlot) -> tuple[Column, ...]:
    """The columns between study and weight."""
    per_arm = {
        "events": (("Events", "events"), ("Total", "total")),
        "means": (("Mean", "mean"), ("SD", "sd"), ("Total", "total")),
        "generic": (("Total", "total"),),
    }[_kind(plot)]
    arms: tuple[Arm, ...] = ("experimental", "control")
    if plot.measure in ("PROPORTION", "MEAN"):
        arms = ("experimental",)
    found = [Column(head, arm, statistic) for arm in arms for head, statistic in per_arm]
    if _kind(plot) != "generic":
        return tuple(found)
    told = [c for c in found if any(_number(x, c.arm, c.statistic) is not None for x in plot.lines)]
    scale = f"log[{MEASURES[plot.measure]}]" if plot.measure in RATIOS else MEASURES[plot.measure]
    scale = "logit" if plot.measure == "PROPORTION" else scale
    return (Column(scale, "", "y"), Column("SE", "", "se"), *told)


def _arm(line: ForestLine, arm: Arm) -> ArmData | None:
    return getattr(line.data, arm) if line.data and arm else None


def _number(line: ForestLine, arm: Arm, statistic: str) -> float | None:
    data = _arm(line, arm)
    value = getattr(data, statistic) if data else None
    return None if value is None else float(value)


def rows(plot: ForestPlot) -> tuple[Row, ...]:
    """All lines of the table, in order."""
    return tuple(_Rows(plot).all())


class _Rows:
    def __init__(self, plot: ForestPlot) -> None:
        self.plot = plot
        self.columns = columns(plot)
        self.precision = {c: _precision(plot, c) for c in self.columns if c.arm}
        self.weights = _weights(plot)
        self.decimals = decimals_for(plot.measure, [_half_width(x, plot.level) for x in plot.effects])

    def all(self) -> Iterable[Row]:
        for number, (group, weights) in enumerate(zip(self.plot.groups, self.weights, strict=True)):
            if number and (group.name or group.pooled):
                yield Row("")
            if group.name:
                yield Row(group.name, bold=True)
            of_effects = iter(weights)
            for x in group.lines:
                yield self._study(x, next(of_effects)) if isinstance(x, Effect) else self._not_estimable(x)
            if group.pooled:
                yield from self._pooled("Subtotal", group.pooled, group.lines, _share(weights))
        if self.plot.overall:
            if len(self.plot.groups) > 1 or self.plot.groups[0].pooled:
                yield Row("")
            yield from self._pooled("Total", self.plot.overall, self.plot.lines, 100.0)
            if note := interval_note(self.plot.overall):
                yield Row(note, wide=True)
        if self.plot.subgroup_test:
            yield Row(self.plot.subgroup_test, wide=True)

    def _not_estimable(self, line: NotEstimable) -> Row:
        return Row(line.label, self._cells(line), effect="Not estimable", study_id=line.study_id)

    def _study(self, line: Effect, weight: float | None) -> Row:
        lower, upper = limits(line, self.plot.level)
        return Row(
            line.label,
            self._cells(line),
            "" if weight is None else f"{weight:.1f}%",
            interval(line.y, lower, upper, line.measure, self.decimals),
            self._mark("study", line.y, lower, upper, weight),
            study_id=line.study_id,
        )

    def _cells(self, line: ForestLine) -> tuple[str, ...]:
        return tuple(self._cell(line, c) for c in self.columns)

    def _cell(self, line: ForestLine, column: Column) -> str:
        if column.arm:
            return count(_number(line, column.arm, column.statistic), self.precision[column])
        if not isinstance(line, Effect):
            return ""
        return amount(line.y if column.statistic == "y" else math.sqrt(line.v), 4)

    def _mark(
        self,
        kind: Literal["study", "diamond", "prediction"],
        y: float,
        lower: float,
        upper: float,
        weight: float | None,
    ) -> Mark:
        y, lower, upper = (plotted(v, self.plot.measure) for v in (y, lower, upper))
        return Mark(kind, y, lower, upper, weight)

    def _pooled(
        self, name: str, p: Pooled, lines: Sequence[ForestLine], share: float | None
    ) -> Iterable[Row]:
        m = self.plot.measure
        yield Row(
            f"{name} ({percent_level(p.level)} CI)",
            tuple(self._sum(c, lines) if c.statistic == "total" else "" for c in self.columns),
            "" if share is None else f"{share:.1f}%",
            interval(p.y, p.lower, p.upper, m, self.decimals),
            self._mark("diamond", p.y, p.lower, p.upper, share),
            bold=True,
        )
        if p.prediction_lower is not None and p.prediction_upper is not None:
            low, high = p.prediction_lower, p.prediction_upper
            yield Row(
                f"{percent_level(p.level)} prediction interval",
                effect=interval(None, low, high, m, self.decimals),
                mark=self._mark("prediction", p.y, low, high, None),
            )
        events = tuple(self._sum(c, lines) if c.statistic == "events" else "" for c in self.columns)
        if any(events):
            yield Row("Total events", events)
        yield from (Row(t, wide=True) for t in (heterogeneity(p), overall_test(p)) if t)

    def _sum(self, column: Column, lines: Sequence[ForestLine]) -> str:
        """Over the rows that stand above; empty where one of them is unknown, as a part is not the sum."""
        known = [_number(x, column.arm, column.statistic) for x in lines]
        return (
            ""
            if None in known
            else count(math.fsum(v for v in known if v is not None), self.precision[column])
        )


def _precision(plot: ForestPlot, column: Column) -> int:
    """Decimals of a column: as the numbers have them, up to two, or four where two would round one away."""
    known = [v for x in plot.lines if (v := _number(x, column.arm, column.statistic)) is not None]
    small = any(0 < abs(v) < 0.05 for v in known)
    return decimals_of(known, 4 if small else 2)


def _share(weights: Sequence[float | None]) -> float | None:
    known = [w for w in weights if w is not None]
    return math.fsum(known) if len(known) == len(weights) else None


def _half_width(effect: Effect, level: float) -> float:
    lower, upper = (plotted(v, effect.measure) for v in limits(effect, level))
    return (upper - lower) / 2


def _weights(plot: ForestPlot) -> list[tuple[float | None, ...]]:
    """Weights in percent, for each group in the order of its effects: of the overall pooling, else of its own."""
    if plot.overall:
        left = iter(plot.overall.weights)
        return [tuple(next(left) for _ in g.effects) for g in plot.groups]
    return [g.pooled.weights if g.pooled else (None,) * len(g.effects) for g in plot.groups]
