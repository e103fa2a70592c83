"""The funnel plot: each study's effect against its standard error, with pseudo confidence limits. Pure.

The limits are those within which 95 % of studies would lie without heterogeneity and without bias. Whether so
few studies can say anything is for the caller to decide: from ten on, by Cochrane Handbook 13.3.5.4.

Source: Sterne 2001 (standard error as vertical axis), doi:10.1016/S0895-4356(01)00377-8; Peters 2008
(contours of significance), doi:10.1016/j.jclinepi.2007.11.010.
"""

import math
from typing import Self

from pydantic import Field, model_validator

from tools.reporting.plots.drawing import EDGE, Disc, Drawing, Format, Picture, Point, Shape, box
from tools.reporting.plots.fonts import clean, text_width, wrapped
from tools.reporting.plots.printing import rendered
from tools.reporting.plots.scale import scale_for
from tools.reporting.plots.wording import MEASURES, percent_level
from tools.schemas import Frozen
from tools.synthesis.values import RATIOS, Effect, EffectMeasure, Pooled

__all__ = ["FunnelPlot", "drawing", "funnel"]

Z = 1.959963984540054
# Two-sided P by distance from no effect in standard errors, palest last.
CONTOURS = (
    (1.6448536269514722, "0.10 > P > 0.05", "#d4dae1"),
    (Z, "0.05 > P > 0.01", "#e4e8ed"),
    (2.575829303548901, "P < 0.01", "#f3f5f7"),
)
LEFT, RIGHT, HEIGHT = 74.0, 454.0, 290.0
MARGIN, SIZE = 16.0, 9.0


class FunnelPlot(Frozen):
    """The studies of one analysis, and the effect that the funnel stands on."""

    title: str = ""
    outcome: str = ""
    measure: EffectMeasure
    effects: tuple[Effect, ...] = Field(min_length=1)
    centre: Pooled | None = Field(default=None, description="None: points only, no funnel.")
    contours: bool = Field(default=False, description="Shade by significance against no effect.")
    footnotes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        measures = {x.measure for x in self.effects} | ({self.centre.measure} if self.centre else set())
        if other := sorted(measures - {self.measure}):
            raise ValueError(f"the plot is of {self.measure}, but holds {', '.join(other)}: draw them apart")
        if self.contours and self.measure in ("PROPORTION", "MEAN"):
            raise ValueError("single groups have no value of no effect: draw them without contours")
        for x in self.effects:
            if not (math.isfinite(x.y) and math.isfinite(x.v)):
                raise ValueError(f"{x.label}: effect or variance is not finite; leave it out")
        return self


def funnel(plot: FunnelPlot, file_format: Format) -> bytes:
    """The plot as an SVG, PNG or PDF file; same plot, same bytes."""
    return rendered(drawing(plot), file_format)


def drawing(plot: FunnelPlot) -> Drawing:
    """The plot as marks at places."""
    return _Funnel(plot).drawn()


class _Funnel:
    def __init__(self, plot: FunnelPlot) -> None:
        self.plot = plot
        self.picture = Picture()
        self.errors = [math.sqrt(x.v) for x in plot.effects]
        self.deepest = _ceiling(max(self.errors))
        edges = [plot.centre.y - Z * self.deepest, plot.centre.y + Z * self.deepest] if plot.centre else []
        # Logits have no round natural numbers, so that axis is labelled in logits.
        kind: EffectMeasure = "MEAN" if plot.measure == "PROPORTION" else plot.measure
        self.scale = scale_for(kind, [*(x.y for x in plot.effects), *edges], [], LEFT, RIGHT)
        self.top = MARGIN

    def y(self, error: float) -> float:
        """Height on the page; the most precise studies are on top."""
        return self.top + error / self.deepest * HEIGHT

    def drawn(self) -> Drawing:
        """The whole page."""
        self._titles()
        if self.plot.contours:
            self._contours()
        if self.plot.centre:
            self._limits(self.plot.centre)
        self._axes()
        for effect, error in zip(self.plot.effects, self.errors, strict=True):
            self.picture.add(Disc(self.scale.x(effect.y), self.y(error), 3.0, "#ffffff", "#1f3f77", 1.1))
        y = self._below()
        title = self.plot.title or self.plot.outcome or "Funnel plot"
        return self.picture.drawing(RIGHT + 20, y + MARGIN, title, self._description())

    def _titles(self) -> None:
        y = MARGIN - 4
        for text, bold in ((self.plot.title, True), (self.plot.outcome, False)):
            for line in wrapped(text, RIGHT - MARGIN, 11, bold=bold) if clean(text) else ():
                y += 15
                self.picture.text(MARGIN, y, line, size=11, bold=bold)
        self.top = y + 26

    def _axes(self) -> None:
        bottom, picture = self.y(self.deepest), self.picture
        corners = ((LEFT, self.top), (RIGHT, self.top), (RIGHT, bottom), (LEFT, bottom))
        for start, end in zip(corners, (*corners[1:], corners[0]), strict=True):
            picture.line(start, end)
        for value, label in self.scale.ticks:
            x = self.scale.x(value)
            picture.line((x, bottom), (x, bottom + 3.5))
            picture.text(x, bottom + 13, label, size=8.5, anchor="middle")
        for i in range(5):
            error = self.deepest * i / 4
            y = self.y(error)
            picture.line((LEFT - 3.5, y), (LEFT, y))
            picture.text(LEFT - 6, y + 3, f"{error:.6g}", size=8.5, anchor="end")
        picture.text((LEFT + RIGHT) / 2, bottom + 28, self._axis_name(), size=SIZE, anchor="middle")
        name = (
            "SE(log " + MEASURES[self.plot.measure] + ")" if self.plot.measure in RATIOS else "Standard error"
        )
        picture.text(
            MARGIN, self.top - 6, "SE(logit)" if self.plot.measure == "PROPORTION" else name, size=SIZE
        )

    def _axis_name(self) -> str:
        return MEASURES[self.plot.measure] + (" (logit)" if self.plot.measure == "PROPORTION" else "")

    def _limits(self, centre: Pooled) -> None:
        apex, base = self.y(0), self.y(self.deepest)
        x = self.scale.x(centre.y)
        self.picture.line((x, apex), (x, base), colour="#1f3f77", dash=(4, 3))
        for way in (-1, 1):
            end = self.scale.x(centre.y + way * Z * self.deepest)
            self.picture.line((x, apex), (end, base), colour="#1f3f77", dash=(2, 2))

    def _contours(self) -> None:
        """From the outside in: the whole ground, then ever narrower wedges around no effect."""
        base = self.y(self.deepest)
        self.picture.add(box(LEFT, self.top, RIGHT - LEFT, base - self.top, CONTOURS[-1][2]))
        fills = ("#ffffff", CONTOURS[0][2], CONTOURS[1][2])
        for (z, _, _), fill in reversed(tuple(zip(CONTOURS, fills, strict=True))):
            self.picture.add(Shape(self._wedge(z), fill))

    def _wedge(self, z: float) -> tuple[Point, ...]:
        """Where |effect| < z · SE, cut off at the frame."""
        apex, base = self.y(0), self.y(self.deepest)
        left, right = (self._side(way * z) for way in (-1, 1))
        return ((self.scale.x(0), apex), *right, (right[-1][0], base), (left[-1][0], base), *reversed(left))

    def _side(self, slope: float) -> tuple[Point, ...]:
        """The way of one border down to the frame's floor or wall."""
        end = slope * self.deepest
        wall = self.scale.high if slope > 0 else self.scale.low
        if self.scale.shows(end):
            return ((self.scale.x(end), self.y(self.deepest)),)
        return ((self.scale.x(wall), self.y(wall / slope)),)

    def _below(self) -> float:
        y = self.y(self.deepest) + 44
        if self.plot.contours:
            x = LEFT
            for words, fill in (("P > 0.10", "#ffffff"), *(c[1:] for c in CONTOURS)):
                self.picture.add(box(x, y - 8, 10, 10, fill, EDGE))
                self.picture.text(x + 14, y, words, size=8.5)
                x += 26 + text_width(words, 8.5)
            y += 14
        if self.plot.centre:
            told = f"Dashed: pooled effect and pseudo {percent_level(0.95)} confidence limits"
            self.picture.text(LEFT, y, told, size=8.5)
            y += 12
        for note in self.plot.footnotes:
            for line in wrapped(note, RIGHT - LEFT, 8.5, most=12):
                self.picture.text(LEFT, y, line, size=8.5)
                y += 12
        return y - 12

    def _description(self) -> str:
        points = "; ".join(
            f"{x.label}: {x.y:.4g}, standard error {e:.4g}"
            for x, e in zip(self.plot.effects, self.errors, strict=True)
        )
        return f"Funnel plot, {self._axis_name()}, on the scale of analysis. {points}."


def _ceiling(value: float) -> float:
    """A round number not below the value, so that four steps have short labels."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if n * power >= value * (1 - 1e-9))
