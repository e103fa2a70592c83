"""One analysis as exports need it: what was compared, which studies are in it, what was pooled. Pure."""

from typing import Self

from pydantic import Field, model_validator

from tools.schemas import Frozen
from tools.synthesis.values import Effect, EffectMeasure, NotEstimable, Pooled

__all__ = ["Analysis"]


class Analysis(Frozen):
    """One outcome of one comparison, as it was analysed."""

    analysis_id: str = Field(min_length=1, description="Unique in the review, such as `1.1`.")
    comparison: str = ""
    outcome: str
    time_point: str = ""
    measure: EffectMeasure
    experimental: str = Field(default="Experimental", description="Name of the experimental intervention.")
    control: str = "Control"
    lines: tuple[Effect | NotEstimable, ...] = Field(description="Studies, in the order of the plot.")
    pooled: Pooled | None = Field(
        default=None, description="Over all lines with an effect; None: not pooled."
    )

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The lines with an effect."""
        return tuple(x for x in self.lines if isinstance(x, Effect))

    @property
    def name(self) -> str:
        """Outcome and time point, as one name."""
        return f"{self.outcome}, {self.time_point}" if self.time_point else self.outcome

    @model_validator(mode="after")
    def _of_one_measure(self) -> Self:
        measures = {x.measure for x in self.lines} | ({self.pooled.measure} if self.pooled else set())
        if other := sorted(measures - {self.measure}):
            raise ValueError(
                f"analysis {self.analysis_id} is of {self.measure}, but holds {', '.join(other)}"
            )
        if self.pooled and len(self.pooled.weights) != len(self.effects):
            raise ValueError(f"analysis {self.analysis_id}: pool exactly its {len(self.effects)} effects")
        return self
