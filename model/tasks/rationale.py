"""Task `rationale`: why a text does or does not meet a criterion, for a verdict that stands already."""

from pydantic import Field

from model.engine import FitsQuestion, Task, boundary
from tools.schemas import Criterion, Frozen, Label

__all__ = ["TASK", "RationaleAnswer", "RationaleInput"]


class RationaleInput(Frozen):
    """A person's or a machine's verdict, and the text it is about."""

    record_id: str
    criterion: Criterion
    label: Label
    text: str


class RationaleAnswer(FitsQuestion):
    """Reasons that rest on the text, or the statement that it gives none for this verdict."""

    quote: str = Field(default="", max_length=600, description="Verbatim; empty only when unsupported.")
    supported: bool = Field(description="Whether the text bears the verdict out.")
    rationale: str = Field(min_length=1, max_length=600)

    def misfit(self, asked: RationaleInput) -> str | None:
        """A rationale without a word explains nothing."""
        return None if self.rationale.strip() else "the rationale is empty"


def variables(asked: RationaleInput) -> dict[str, str]:
    """What the prompt is filled with."""
    return {
        "criterion": f"({asked.criterion.kind}) {asked.criterion.text}",
        "label": asked.label,
        "boundary": boundary(asked.text),
        "text": asked.text,
    }


TASK = Task("rationale", RationaleInput, RationaleAnswer, variables)
