"""Task `characteristics`: the fields of an extraction form, from the passages of one report."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from model.engine import FitsQuestion, Keyed, Task, boundary
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
    quote: str = Field(default="", max_length=600, description="Verbatim span that holds the value.")
    status: Literal["found", "not_reported", "not_found"] = Field(
        description="not_reported: the paper does not tell. not_found: nothing was recognised."
    )
    value: str | None = Field(default=None, max_length=2000)
    unit: str | None = Field(default=None, max_length=100)
    # Set by the reader of a format without quotes, and no part of what a model is asked for.
    located: SkipJsonSchema[bool] = Field(
        default=False,
        exclude_if=lambda located: not located,
        description="The format has no quotes: the value is to be looked up in the text.",
    )


class CharacteristicsAnswer(FitsQuestion):
    """Every field of the form exactly once, by id."""

    cells: tuple[FieldAnswer, ...] = Field(max_length=300)

    def misfit(self, asked: CharacteristicsInput) -> str | None:
        """Every field once; a found field has a value, and a category one of its options."""
        wanted = Counter(f.id for f in asked.fields)
        given = Counter(c.field_id for c in self.cells)
        if wanted != given:
            return f"fields missing {sorted(wanted - given)}, unknown or doubled {sorted(given - wanted)}"
        empty = [c.field_id for c in self.cells if c.status == "found" and not (c.value or "").strip()]
        if empty:
            return f"found but without a value: {empty}"
        options = {f.id: f.options for f in asked.fields if f.options}
        other = [
            c.field_id for c in self.cells if c.value and c.value not in options.get(c.field_id, (c.value,))
        ]
        return f"a value that is none of the field's options: {other}" if other else None


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


def _bounds(asked: CharacteristicsInput, field_id: str) -> Mapping[str, Any]:
    """A category takes one of its options or nothing."""
    options = next(f.options for f in asked.fields if f.id == field_id)
    return {"value": {"enum": [*options, None]}} if options else {}


TASK = Task(
    "characteristics",
    CharacteristicsInput,
    CharacteristicsAnswer,
    variables,
    keyed=Keyed("cells", "field_id", lambda asked: [f.id for f in asked.fields], _bounds),
)
