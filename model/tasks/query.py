"""Task `query`: concept blocks of a PubMed strategy from the elements of a question."""

from typing import Any

from pydantic import Field

from model.engine import FitsQuestion, Task
from tools.schemas import Block, Frozen

__all__ = ["TASK", "QueryAnswer", "QueryInput"]


class QueryInput(Frozen):
    """Elements to search for. Outcomes are left out by the caller unless the protocol wants them."""

    title: str
    framework: str
    elements: dict[str, tuple[str, ...]] = Field(
        description="Element name to its phrases; only searched ones."
    )


MAX_TERMS, MAX_CHARS = 300, 300
"""Of one block, and of a name or term."""


def _bounded(schema: dict[str, Any]) -> None:
    # `Block` has no bounds of its own, as people write blocks too; a model without bounds may never stop.
    text = {"type": "string", "maxLength": MAX_CHARS}
    terms = {"type": "array", "items": text, "maxItems": MAX_TERMS, "description": "Each with its field tag."}
    schema["items"] = {
        "type": "object",
        "properties": {"name": text, "terms": terms},
        "required": ["name", "terms"],
        "additionalProperties": False,
    }


class QueryAnswer(FitsQuestion):
    """One block per concept; terms in PubMed syntax with field tags, to be joined by OR."""

    blocks: tuple[Block, ...] = Field(min_length=1, max_length=6, json_schema_extra=_bounded)

    def misfit(self, asked: QueryInput) -> str | None:
        """A block without terms would silently widen the search to everything."""
        empty = [b.name for b in self.blocks if not b.terms]
        if empty:
            return f"blocks without terms: {empty}"
        if any(
            len(b.terms) > MAX_TERMS or len(text) > MAX_CHARS
            for b in self.blocks
            for text in (b.name, *b.terms)
        ):
            return f"a block with more than {MAX_TERMS} terms, or a term of more than {MAX_CHARS} characters"
        return None


def variables(asked: QueryInput) -> dict[str, str]:
    """What the prompt is filled with."""
    return {
        "framework": asked.framework,
        "title": asked.title,
        "elements": "\n".join(f"- {name}: {'; '.join(phrases)}" for name, phrases in asked.elements.items()),
    }


TASK = Task("query", QueryInput, QueryAnswer, variables)
