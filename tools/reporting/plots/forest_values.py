"""What a forest plot shows, as values. Pure."""

import math
from typing import Self

from pydantic import Field, model_validator

from tools.reporting.plots.judgements import ROB2, Judgement, look_up
from tools.schemas import Frozen
from tools.synthesis.values import Effect, EffectMeasure, NotEstimable, Pooled

__all__ = ["ForestGroup", "ForestLine", "ForestPlot", "StudyBias"]

ForestLine = Effect | NotEstimable


class StudyBias(Frozen):
    """Risk of bias of one study's result."""

    study_id: str
    judgements: tuple[tuple[str, str], ...] = Field(
        description="Domain and judgement id, in order of domains."
    )


class ForestGroup(Frozen):
    """The studies of one subgroup, or all of them; without a name there is no heading."""

    name: str = ""
    lines: tuple[ForestLine, ...]
    pooled: Pooled | None = Field(default=None, description="None: the group has no subtotal.")

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The lines that have an effect."""
        return tuple(x for x in self.lines if isinstance(x, Effect))

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        _check_weights(self.pooled, len(self.effects), f"group {self.name!r}")
        return self


class ForestPlot(Frozen):
    """One analysis to be drawn. Nothing is computed from it but places, sums of rows and study intervals."""

    title: str = ""
    outcome: str = ""
    measure: EffectMeasure
    experimental: str = Field(default="Experimental", description="Name of the experimental arm.")
    control: str = "Control"
    favours_left: str = Field(default="", description="Such as `Favours experimental`; empty: no caption.")
    favours_right: str = ""
    groups: tuple[ForestGroup, ...]
    overall: Pooled | None = Field(default=None, description="None: not pooled, and no diamond is drawn.")
    subgroup_test: str = Field(
        default="", description="`Test for subgroup differences: …`, as it shall stand."
    )
    level: float = Field(default=0.95, gt=0, lt=1, description="Of the studies' intervals.")
    bias: tuple[StudyBias, ...] = ()
    judgements: tuple[Judgement, ...] = ROB2
    footnotes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[ForestLine, ...]:
        """All rows of studies, in order."""
        return tuple(x for g in self.groups for x in g.lines)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """All rows with an effect, in order."""
        return tuple(x for g in self.groups for x in g.effects)

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains of risk of bias in order of first mention."""
        return tuple(dict.fromkeys(domain for b in self.bias for domain, _ in b.judgements))

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if not self.lines:
            raise ValueError("a forest plot needs at least one study: there is nothing to draw")
        other = sorted({x.measure for x in (*self.lines, *self._pooled)} - {self.measure})
        if other:
            raise ValueError(f"the plot is of {self.measure}, but holds {', '.join(other)}: draw them apart")
        for x in self.effects:
            if not (math.isfinite(x.y) and math.isfinite(x.v)):
                raise ValueError(f"{x.label}: effect or variance is not finite; pass it as NotEstimable")
        for p in self._pooled:
            if not all(map(math.isfinite, (p.y, p.lower, p.upper))):
                raise ValueError("a pooled effect is not finite: it cannot be drawn, leave it out")
        _check_weights(self.overall, len(self.effects), "the overall effect")
        for study in self.bias:
            for _, judgement in study.judgements:
                look_up(judgement, self.judgements)
        return self

    @property
    def _pooled(self) -> tuple[Pooled, ...]:
        return tuple(p for p in (self.overall, *(g.pooled for g in self.groups)) if p)


def _check_weights(pooled: Pooled | None, effects: int, of_what: str) -> None:
    if pooled is not None and len(pooled.weights) != effects:
        raise ValueError(
            f"{of_what}: {len(pooled.weights)} weights for {effects} effects; pool exactly the effects that are drawn"
        )
