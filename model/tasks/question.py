"""Task `question`: a plain question, answered from the review's own records and from nothing else."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from model.engine import FitsQuestion, Task, boundary
from tools.schemas import Frozen

__all__ = ["TASK", "QuestionAnswer", "QuestionInput", "SourceText", "Statement"]


class SourceText(Frozen):
    """One record that may be answered from."""

    record_id: str
    title: str = ""
    text: str


class QuestionInput(Frozen):
    """What a person asks, and the records that were found for it."""

    question: str = Field(min_length=1)
    sources: tuple[SourceText, ...] = ()


class Statement(Frozen):
    """One sentence of the answer, with the record and the passage it rests on."""

    record_id: str = Field(max_length=200)
    quote: str = Field(max_length=600, description="Verbatim span of that record.")
    text: str = Field(max_length=1000)


class QuestionAnswer(FitsQuestion):
    """Statements that rest on records; none where the records do not answer."""

    status: Literal["answered", "not_in_the_records"]
    statements: tuple[Statement, ...] = Field(default=(), max_length=20)

    def misfit(self, asked: QuestionInput) -> str | None:
        """A statement must cite a record that was given, and quote it."""
        if (self.status == "answered") != bool(self.statements):
            return f"status {self.status} with {len(self.statements)} statements"
        known = {source.record_id for source in asked.sources}
        unknown = [s.record_id for s in self.statements if s.record_id not in known]
        if unknown:
            return f"statements cite records that were not given: {unknown}"
        return "a statement without a quote" if any(not s.quote.strip() for s in self.statements) else None


def variables(asked: QuestionInput) -> dict[str, str]:
    """What the prompt is filled with."""
    told = "\n\n".join(f"[{s.record_id}] {s.title}\n{s.text}" for s in asked.sources)
    return {
        "question": asked.question,
        "boundary": boundary(f"{asked.question}\n{told}"),
        "records": told or "(none)",
    }


def _limits(asked: QuestionInput) -> Mapping[str, Mapping[str, Any]]:
    """Only records that were given can be cited."""
    given = list(dict.fromkeys(source.record_id for source in asked.sources))
    return {"Statement": {"record_id": {"enum": given}}} if given else {}


TASK = Task("question", QuestionInput, QuestionAnswer, variables, limits=_limits)
