"""Task `summary`: what the cells of one outcome say, in sentences that each cite the cells they rest on.

Whether the numbers of a sentence stand in its cells is checked afterwards, by `tools.reporting.narrative`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from model.engine import FitsQuestion, Task, boundary
from tools.schemas import Frozen

__all__ = ["TASK", "SummaryAnswer", "SummaryCell", "SummaryInput", "SummarySentence"]


class SummaryCell(Frozen):
    """A cell of the table, or a line of pooled results."""

    id: str = Field(min_length=1, max_length=40, description="Short and unique, such as c12.")
    label: str = Field(
        max_length=300, description="What it is a value of: study, arm, statistic, time point."
    )
    value: str = Field(max_length=300, description="As text, with its unit.")


class SummaryInput(Frozen):
    """One outcome or analysis: its cells, and what was computed from them."""

    outcome: str = Field(min_length=1, max_length=300)
    cells: tuple[SummaryCell, ...] = Field(min_length=1)
    results: tuple[SummaryCell, ...] = Field(default=(), description="Pooled results, in lines.")

    @property
    def every(self) -> tuple[SummaryCell, ...]:
        """All that may be cited: results first."""
        return (*self.results, *self.cells)


class SummarySentence(Frozen):
    """One sentence, and the cells it rests on."""

    cites: tuple[Annotated[str, StringConstraints(max_length=40)], ...] = Field(
        min_length=1, max_length=30, description="Ids of these cells."
    )
    text: str = Field(max_length=700)


class SummaryAnswer(FitsQuestion):
    """Sentences in their order; none where the cells give nothing to say."""

    status: Literal["summarised", "nothing_to_say"]
    sentences: tuple[SummarySentence, ...] = Field(default=(), max_length=40)

    def misfit(self, asked: SummaryInput) -> str | None:
        """A sentence must cite cells that were given."""
        if (self.status == "summarised") != bool(self.sentences):
            return f"status {self.status} with {len(self.sentences)} sentences"
        known = {cell.id for cell in asked.every}
        unknown = sorted({cell for said in self.sentences for cell in said.cites} - known)
        if unknown:
            return f"sentences cite cells that were not given: {unknown}"
        return "a sentence without a text" if any(not s.text.strip() for s in self.sentences) else None


def variables(asked: SummaryInput) -> dict[str, str]:
    """What the prompt is filled with."""
    told = [_lines(cells) for cells in (asked.results, asked.cells)]
    return {
        "outcome": asked.outcome,
        "boundary": boundary("\n".join((asked.outcome, *told))),
        "results": told[0] or "(none)",
        "cells": told[1],
    }


def _lines(cells: tuple[SummaryCell, ...]) -> str:
    return "\n".join(f"[{cell.id}] {cell.label}: {cell.value}" for cell in cells)


def _limits(asked: SummaryInput) -> Mapping[str, Mapping[str, Any]]:
    """Only cells that were given can be cited."""
    given = list(dict.fromkeys(cell.id for cell in asked.every))
    return {"SummarySentence": {"cites": {"items": {"type": "string", "enum": given}}}}


TASK = Task("summary", SummaryInput, SummaryAnswer, variables, limits=_limits)
