"""Task `arms`: the arms of a trial, as a register would list them, from one report."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from model.engine import FitsQuestion, Task
from model.tasks.paper import PaperInput, paper_variables
from tools.schemas import Frozen

__all__ = ["TASK", "Arm", "ArmType", "ArmsAnswer", "ArmsInput"]

ArmType = Literal[
    "EXPERIMENTAL", "ACTIVE_COMPARATOR", "PLACEBO_COMPARATOR", "SHAM_COMPARATOR", "NO_INTERVENTION", "OTHER"
]
"""ClinicalTrials.gov, data element "Arm type"."""


class ArmsInput(PaperInput):
    """The report whose arms are asked for."""


class Arm(Frozen):
    """One arm: a group of participants, and what they were assigned to."""

    quote: str = Field(default="", max_length=600, description="Verbatim span that tells of this arm.")
    label: str = Field(max_length=200, description="Short name, as the report uses it.")
    type: ArmType
    description: str = Field(
        default="", max_length=1000, description="Dose, schedule and length, as reported."
    )
    interventions: tuple[Annotated[str, StringConstraints(max_length=200)], ...] = Field(
        default=(), max_length=20, description="Names of what was given, such as `Drug: Metformin`."
    )


class ArmsAnswer(FitsQuestion):
    """Every arm once; none where the report has none, or none was recognised."""

    status: Literal["found", "not_reported", "not_found"] = Field(
        description="not_reported: the report tells of no arms. not_found: none was recognised."
    )
    arms: tuple[Arm, ...] = Field(default=(), max_length=20)

    def misfit(self, asked: ArmsInput) -> str | None:
        """Arms exactly where they are said to be found, each under a name of its own."""
        if (self.status == "found") != bool(self.arms):
            return f"status {self.status} with {len(self.arms)} arms"
        labels = [arm.label.strip().casefold() for arm in self.arms]
        if "" in labels or len(set(labels)) < len(labels):
            return "an arm without a label, or two with the same"
        return None


def variables(asked: ArmsInput) -> dict[str, str]:
    """What the prompt is filled with."""
    return paper_variables(asked)


TASK = Task("arms", ArmsInput, ArmsAnswer, variables)
