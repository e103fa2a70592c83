"""Task `query`: concept blocks of a PubMed strategy from the elements of a question."""

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


class QueryAnswer(FitsQuestion):
    """One block per concept; terms in PubMed syntax with field tags, to be joined by OR."""

    blocks: tuple[Block, ...] = Field(min_length=1, max_length=6)

    def misfit(self, asked: QueryInput) -> str | None:
        """A block without terms would silently widen the search to everything."""
        empty = [b.name for b in self.blocks if not b.terms]
        return f"blocks without terms: {empty}" if empty else None


def variables(asked: QueryInput) -> dict[str, str]:
    """What the prompt is filled with."""
    return {
        "framework": asked.framework,
        "title": asked.title,
        "elements": "\n".join(f"- {name}: {'; '.join(phrases)}" for name, phrases in asked.elements.items()),
    }


TASK = Task("query", QueryInput, QueryAnswer, variables)
