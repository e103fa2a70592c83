"""Task `bias`: signalling questions of a risk-of-bias tool, answered from one report.

The engine answers questions; the judgement of a domain follows from them by the tool's own algorithm, and is a
person's (RoB 2, 22 August 2019).
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from model.engine import FitsQuestion, Keyed, Task
from model.tasks.paper import PaperInput, mismatch, paper_variables
from tools.schemas import Frozen

__all__ = ["TASK", "BiasAnswer", "BiasInput", "Signal", "SignallingAnswer", "SignallingQuestion"]

Signal = Literal["Y", "PY", "PN", "N", "NI", "NA"]
"""Yes, probably yes, probably no, no, no information; NA: not asked, because of an earlier answer."""


class SignallingQuestion(Frozen):
    """One question of the tool."""

    id: str = Field(description="The tool's own number, such as 1.2.")
    domain: str
    text: str
    options: tuple[Signal, ...] = Field(default=("Y", "PY", "PN", "N", "NI"), min_length=2)


class BiasInput(PaperInput):
    """The result that is appraised, and the questions about it."""

    result: str = Field(description="Outcome and comparison whose bias is asked about.")
    questions: tuple[SignallingQuestion, ...] = Field(min_length=1)


class SignallingAnswer(Frozen):
    """One answer with its evidence."""

    question_id: str = Field(max_length=20)
    quote: str = Field(default="", max_length=600, description="Verbatim; empty only for NI and NA.")
    answer: Signal
    rationale: str = Field(default="", max_length=600)


class BiasAnswer(FitsQuestion):
    """Every question exactly once, by its number."""

    answers: tuple[SignallingAnswer, ...] = Field(max_length=60)

    def misfit(self, asked: BiasInput) -> str | None:
        """Every question once, with one of its own options."""
        if told := mismatch(
            "questions", (q.id for q in asked.questions), [a.question_id for a in self.answers]
        ):
            return told
        options = {q.id: q.options for q in asked.questions}
        wrong = [a.question_id for a in self.answers if a.answer not in options[a.question_id]]
        return f"an answer that the question does not offer: {wrong}" if wrong else None


def variables(asked: BiasInput) -> dict[str, str]:
    """What the prompt is filled with."""
    lines = [f"- id {q.id} ({q.domain}; {', '.join(q.options)}): {q.text}" for q in asked.questions]
    return {"result": asked.result, "questions": "\n".join(lines), **paper_variables(asked)}


def _bounds(asked: BiasInput, question_id: str) -> Mapping[str, Any]:
    return {"answer": {"enum": list(next(q.options for q in asked.questions if q.id == question_id))}}


TASK = Task(
    "bias",
    BiasInput,
    BiasAnswer,
    variables,
    keyed=Keyed("answers", "question_id", lambda asked: [q.id for q in asked.questions], _bounds),
)
