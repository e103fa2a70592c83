"""Task `screen`: each eligibility criterion, judged on one text, with its evidence."""

from collections import Counter

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from model.engine import FitsQuestion, Keyed, Task, boundary
from tools.schemas import Criterion, Frozen, Label

__all__ = ["TASK", "Judgement", "ScreenAnswer", "ScreenInput"]


class ScreenInput(Frozen):
    """What a reader has before them: criteria, and the text of one record or report."""

    record_id: str
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    text: str = Field(description="Title and abstract, or the passages of a full text.")
    title: str = ""
    publication_types: tuple[str, ...] = ()
    mesh: tuple[str, ...] = ()


class Judgement(Frozen):
    """One criterion's verdict."""

    criterion_id: str = Field(max_length=100)
    # The evidence comes first: what is generated later can rest on it.
    quote: str = Field(
        default="", max_length=600, description="Verbatim span of the text; empty only for UNCERTAIN."
    )
    label: Label = Field(
        description="Does the text meet the criterion? For an exclusion criterion, YES excludes."
    )
    rationale: str = Field(default="", max_length=600)
    # No language model is asked for it: what a model says of its own certainty is no probability.
    confidence: SkipJsonSchema[float | None] = Field(default=None, ge=0, le=1)


class ScreenAnswer(FitsQuestion):
    """Every criterion exactly once, by id."""

    verdicts: tuple[Judgement, ...] = Field(max_length=100)

    def misfit(self, asked: ScreenInput) -> str | None:
        """A missing, doubled or unknown criterion makes the whole answer unusable."""
        wanted = Counter(c.id for c in asked.criteria)
        given = Counter(v.criterion_id for v in self.verdicts)
        if wanted == given:
            return None
        return f"criteria missing {sorted(wanted - given)}, unknown or doubled {sorted(given - wanted)}"


def variables(asked: ScreenInput) -> dict[str, str]:
    """What the prompt is filled with: criteria first, so that servers can reuse the prefix; the text last."""
    criteria = [f"- id {c.id} ({c.kind}): {c.text}" for c in asked.criteria]
    return {"criteria": "\n".join(criteria), "boundary": boundary(asked.text), "text": asked.text}


TASK = Task(
    "screen",
    ScreenInput,
    ScreenAnswer,
    variables,
    keyed=Keyed("verdicts", "criterion_id", lambda asked: [c.id for c in asked.criteria]),
    label="label",
)
