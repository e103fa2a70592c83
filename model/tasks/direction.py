"""Task `direction`: whether an intervention raised or lowered an outcome, as one report says, with evidence."""

from typing import Literal

from pydantic import Field

from model.engine import FitsQuestion, Task
from model.tasks.paper import PaperInput, paper_variables

__all__ = ["TASK", "Direction", "DirectionAnswer", "DirectionInput"]

Direction = Literal["increased", "decreased", "no_difference", "uncertain"]
"""Of the outcome under the intervention against the comparator: significantly more, less, or neither
(Evidence Inference, Lehman 2019). `uncertain`: the report does not tell."""


class DirectionInput(PaperInput):
    """A comparison and an outcome."""

    intervention: str = Field(min_length=1)
    comparator: str = Field(min_length=1)
    outcome: str = Field(min_length=1)


class DirectionAnswer(FitsQuestion):
    """The direction, and the passage that shows it."""

    quote: str = Field(default="", max_length=1000, description="Verbatim; empty only for `uncertain`.")
    direction: Direction
    rationale: str = Field(default="", max_length=600)


def variables(asked: DirectionInput) -> dict[str, str]:
    """What the prompt is filled with."""
    told = {"intervention": asked.intervention, "comparator": asked.comparator, "outcome": asked.outcome}
    return told | paper_variables(asked)


TASK = Task("direction", DirectionInput, DirectionAnswer, variables, label="direction")
