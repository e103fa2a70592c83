"""Task `results`: what one group of a trial scored in one outcome, from one report."""

from typing import Literal

from pydantic import Field

from model.engine import FitsQuestion, Task
from model.tasks.paper import NUMBER, PaperInput, paper_variables
from tools.schemas import Frozen

__all__ = ["TASK", "OutcomeMeasure", "ResultValue", "ResultsAnswer", "ResultsInput", "TrialGroup"]


class OutcomeMeasure(Frozen):
    """An outcome as a register or a protocol defines it."""

    title: str
    description: str = ""
    time_frame: str = ""


class TrialGroup(Frozen):
    """The arm whose result is asked for."""

    title: str
    description: str = ""


class ResultsInput(PaperInput):
    """One outcome in one group."""

    outcome: OutcomeMeasure
    group: TrialGroup
    others: tuple[TrialGroup, ...] = Field(
        default=(),
        description="The trial's other arms, where known, for rules to tell the asked one from them.",
    )


class ResultValue(Frozen):
    """One number of the result, as the report gives it."""

    quote: str = Field(default="", max_length=600, description="Verbatim span that holds the value.")
    title: str = Field(
        default="",
        max_length=200,
        description="Category or time point it stands for; empty when there is one.",
    )
    value: str = Field(pattern=NUMBER, description="Plain digits.")
    spread: str | None = Field(default=None, pattern=NUMBER, description="SD, SE or the like.")
    lower: str | None = Field(default=None, pattern=NUMBER, description="Lower limit.")
    upper: str | None = Field(default=None, pattern=NUMBER, description="Upper limit.")


class ResultsAnswer(FitsQuestion):
    """The result of one group; nothing is computed or converted."""

    status: Literal["found", "not_reported", "not_found"] = Field(
        description="not_reported: the report does not tell. not_found: nothing was recognised."
    )
    param_type: str = Field(default="", max_length=60, description="MEAN, MEDIAN, COUNT_OF_PARTICIPANTS, …")
    dispersion_type: str = Field(default="", max_length=60, description="Standard Deviation, 95% CI, …")
    unit: str = Field(default="", max_length=100)
    time_frame: str = Field(default="", max_length=300)
    denominator_unit: str = Field(default="", max_length=60, description="Such as Participants.")
    denominator: int | None = Field(default=None, ge=0, le=10_000_000, description="How many were analysed.")
    values: tuple[ResultValue, ...] = Field(default=(), max_length=20)

    def misfit(self, asked: ResultsInput) -> str | None:
        """Values exactly where they are said to be found."""
        if (self.status == "found") != bool(self.values):
            return f"status {self.status} with {len(self.values)} values"
        return None


def variables(asked: ResultsInput) -> dict[str, str]:
    """What the prompt is filled with."""
    outcome, group = asked.outcome, asked.group
    told = [
        outcome.title,
        outcome.description,
        f"Time frame: {outcome.time_frame}" if outcome.time_frame else "",
    ]
    return {
        "outcome": "\n".join(filter(None, told)),
        "group": "\n".join(filter(None, (group.title, group.description))),
        **paper_variables(asked),
    }


TASK = Task("results", ResultsInput, ResultsAnswer, variables)
