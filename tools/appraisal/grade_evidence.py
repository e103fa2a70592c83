"""What is known of one outcome for GRADE, and what it suggests: the values. Pure."""

from typing import Literal

from pydantic import Field

from tools.appraisal.grade import Design, GradeDomain
from tools.appraisal.overrides import Appraisal
from tools.appraisal.tool import Colour, Tool
from tools.schemas import Frozen
from tools.synthesis.values import Effect, Pooled

__all__ = ["OutcomeEvidence", "Risk", "Suggestion", "no_effect", "risk_of", "short"]

Risk = Literal["low", "some", "high"]


class OutcomeEvidence(Frozen):
    """What is known of one outcome. None: not known."""

    design: Design
    pooled: Pooled | None = Field(description="None: not pooled; then most domains cannot be suggested.")
    effects: tuple[Effect, ...] = Field(default=(), description="In the order of the pooled weights.")
    risks: tuple[tuple[str, Risk | None], ...] = Field(
        default=(), description="Final overall judgement of each study's result, by study id."
    )
    participants: float | None = None
    events: float | None = Field(
        default=None, description="Of both groups together, for dichotomous outcomes."
    )
    information_size: float | None = Field(
        default=None, description="Optimal information size in participants, where it was calculated."
    )
    thresholds: tuple[float, float] | None = Field(
        default=None,
        description="Important effect downwards and upwards, natural scale: (0.75, 1.25), (-5, 5).",
    )
    egger_p: float | None = Field(default=None, ge=0, le=1)
    assumed_risk: float | None = Field(
        default=None, gt=0, lt=1, description="For an odds ratio's size as a RR."
    )


class Suggestion(Frozen):
    """What the data say about one domain."""

    domain: GradeDomain
    steps: int | None = Field(description="None: the data cannot tell.")
    words: str = Field(description="Why, with the numbers.")
    numbers: tuple[tuple[str, float], ...] = ()
    source: str


_RISK_OF_COLOUR: dict[Colour, Risk | None] = {
    "low": "low",
    "some": "some",
    "high": "high",
    "critical": "high",
    "none": None,
}


def risk_of(tool: Tool, appraisal: Appraisal) -> Risk | None:
    """The final overall judgement by its colour class, so that every tool's levels fit; None where there is none."""
    final = appraisal.overall.final
    return None if final is None else _RISK_OF_COLOUR[tool.level(final).colour]


def no_effect(pooled: Pooled) -> float | None:
    """No effect on the scale of analysis; None for measures of one group."""
    return None if pooled.measure in ("PROPORTION", "MEAN") else 0.0


def short(x: float) -> str:
    """Three digits, for sentences."""
    return f"{x:.3g}".replace("-", "−")
