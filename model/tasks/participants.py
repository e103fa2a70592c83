"""Task `participants`: one baseline characteristic of the participants, per group, from one report."""

from typing import Literal

from pydantic import Field

from model.engine import FitsQuestion, Keyed, Task
from model.tasks.paper import NUMBER, PaperInput, mismatch, paper_variables
from tools.schemas import Frozen

__all__ = ["TASK", "Group", "GroupValue", "Measure", "ParticipantsAnswer", "ParticipantsInput"]


class Group(Frozen):
    """A group of participants whose values are asked for."""

    id: str = Field(description="Short and unique, such as BG000.")
    title: str
    description: str = ""


class Measure(Frozen):
    """What is measured. Its kinds are those of ClinicalTrials.gov's baseline measures."""

    title: str = Field(description="Such as Age, or Sex: Female, Male.")
    category: str = Field(default="", description="The one category that is asked for, such as Female.")
    param_type: str = Field(default="NUMBER", description="MEAN, MEDIAN, COUNT_OF_PARTICIPANTS, NUMBER, …")
    unit: str = Field(default="", description="Unit of measurement, such as years or Participants.")
    description: str = ""


class ParticipantsInput(PaperInput):
    """One measure, and the groups it is asked for."""

    measure: Measure
    groups: tuple[Group, ...] = Field(min_length=1)


class GroupValue(Frozen):
    """The value of one group, as the report gives it: nothing is computed or converted."""

    group_id: str = Field(max_length=100)
    quote: str = Field(default="", max_length=600, description="Verbatim span that holds the value.")
    status: Literal["found", "not_reported", "not_found"] = Field(
        description="not_reported: the report does not tell. not_found: nothing was recognised."
    )
    value: str | None = Field(default=None, pattern=NUMBER, description="Plain digits.")
    spread: str | None = Field(
        default=None, pattern=NUMBER, description="The dispersion beside it, such as the SD."
    )
    note: str = Field(
        default="", max_length=300, description="What the reader must know, such as the kind of spread."
    )


class ParticipantsAnswer(FitsQuestion):
    """Every group exactly once, by id."""

    values: tuple[GroupValue, ...] = Field(max_length=50)

    def misfit(self, asked: ParticipantsInput) -> str | None:
        """Every group once, and a found one has a value."""
        if told := mismatch("groups", (g.id for g in asked.groups), [v.group_id for v in self.values]):
            return told
        empty = [v.group_id for v in self.values if (v.status == "found") != (v.value is not None)]
        return f"found without a value, or a value that was not found: {empty}" if empty else None


def variables(asked: ParticipantsInput) -> dict[str, str]:
    """What the prompt is filled with."""
    measure = asked.measure
    lines = [
        f"Measure: {measure.title}",
        f"Category: {measure.category}" if measure.category else "",
        f"Kind of number: {measure.param_type}",
        f"Unit: {measure.unit}" if measure.unit else "",
        f"More: {measure.description}" if measure.description else "",
    ]
    return {
        "measure": "\n".join(filter(None, lines)),
        "groups": "\n".join(
            f"- id {g.id}: {g.title}" + (f": {g.description}" if g.description else "") for g in asked.groups
        ),
        **paper_variables(asked),
    }


TASK = Task(
    "participants",
    ParticipantsInput,
    ParticipantsAnswer,
    variables,
    keyed=Keyed("values", "group_id", lambda asked: [g.id for g in asked.groups]),
)
