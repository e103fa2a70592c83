"""Task `characteristics`: the fields of an extraction form, from the passages of one report."""

from collections import Counter
from typing import Literal

from pydantic import Field

from model.engine import FitsQuestion, Task, boundary
from tools.schemas import FieldSpec, Frozen, Passage

__all__ = ["TASK", "CharacteristicsAnswer", "CharacteristicsInput", "FieldAnswer"]


class CharacteristicsInput(Frozen):
    """The form, and the report in reading order."""

    report_id: str
    title: str
    fields: tuple[FieldSpec, ...] = Field(min_length=1)
    passages: tuple[Passage, ...]


class FieldAnswer(Frozen):
    """One field: a value with its quote, or the statement that there is none."""

    field_id: str = Field(max_length=100)
    status: Literal["found", "not_reported", "not_found"] = Field(
        description="not_reported: the paper does not tell. not_found: nothing was recognised."
    )
    value: str | None = Field(default=None, max_length=2000)
    unit: str | None = Field(default=None, max_length=100)
    quote: str = Field(default="", max_length=600, description="Verbatim span that holds the value.")


class CharacteristicsAnswer(FitsQuestion):
    """Every field of the form exactly once, by id."""

    cells: tuple[FieldAnswer, ...] = Field(max_length=300)

    def misfit(self, asked: CharacteristicsInput) -> str | None:
        """Every field once, and a found field has a value."""
        wanted = Counter(f.id for f in asked.fields)
        given = Counter(c.field_id for c in self.cells)
        if wanted != given:
            return f"fields missing {sorted(wanted - given)}, unknown or doubled {sorted(given - wanted)}"
        empty = [c.field_id for c in self.cells if c.status == "found" and not (c.value or "").strip()]
        return f"found but without a value: {empty}" if empty else None


def variables(asked: CharacteristicsInput) -> dict[str, str]:
    """What the prompt is filled with."""
    text = "\n".join(p.text if p.kind != "caption" else f"[{p.section}] {p.text}" for p in asked.passages)
    return {
        "fields": "\n".join(_line(field) for field in asked.fields),
        "boundary": boundary(f"{asked.title}\n{text}"),  # both stand inside
        "title": asked.title,
        "text": text,
    }


def _line(field: FieldSpec) -> str:
    extras = [f"unit {field.unit}"] if field.unit else []
    extras += [f"options: {', '.join(field.options)}"] if field.options else []
    return f"- id {field.id} ({field.kind}): {field.question}" + (f" [{'; '.join(extras)}]" if extras else "")


TASK = Task("characteristics", CharacteristicsInput, CharacteristicsAnswer, variables)
