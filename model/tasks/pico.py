"""Task `pico`: the elements of a review question, from what the reviewer wrote."""

from typing import Annotated

from pydantic import Field, StringConstraints

from model.engine import FitsQuestion, Keyed, Task
from tools.schemas import Frozen

__all__ = ["TASK", "Element", "PicoAnswer", "PicoInput"]


MAX_SPOKEN = 30
"""Phrases of an element that a language model is asked for: questions name fewer, and lists without end are cut off."""


class PicoInput(Frozen):
    """A question in free or labelled text ("P: adults with CKD …") and its framework."""

    title: str
    question: str
    framework: str = Field(description="PICO, PECO, PCC or PIRD.")
    elements: tuple[str, ...] = Field(description="Names of the framework's elements, in order.")
    given: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Elements the reviewer filled in already; kept as they are."
    )


class Element(Frozen):
    """One element of the framework, in the reviewer's words."""

    name: str = Field(max_length=100)
    phrases: tuple[Annotated[str, StringConstraints(max_length=1000)], ...] = Field(
        max_length=200,
        json_schema_extra={"maxItems": MAX_SPOKEN},
        description="Concepts; empty when the question does not tell.",
    )


class PicoAnswer(FitsQuestion):
    """Every element of the framework once."""

    elements: tuple[Element, ...] = Field(max_length=20)

    def misfit(self, asked: PicoInput) -> str | None:
        """Each element of the framework must be answered exactly once."""
        names = [e.name for e in self.elements]
        if sorted(names) != sorted(asked.elements):
            return f"elements {names} do not match {list(asked.elements)}"
        return None


def variables(asked: PicoInput) -> dict[str, str]:
    """What the prompt is filled with."""
    given = [f"- {name}: {'; '.join(phrases)}" for name, phrases in asked.given.items() if phrases]
    return {
        "framework": asked.framework,
        "elements": "\n".join(f"- {name}" for name in asked.elements),
        "title": asked.title,
        "question": asked.question,
        "given": "\n".join(given) or "- nothing",
    }


TASK = Task(
    "pico", PicoInput, PicoAnswer, variables, keyed=Keyed("elements", "name", lambda asked: asked.elements)
)
