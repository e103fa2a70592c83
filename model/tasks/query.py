"""Task `query`: concept blocks of a PubMed strategy from the elements of a question."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from model.engine import FitsQuestion, Keyed, Task, boundary
from tools.schemas import Block, Frozen

__all__ = ["TASK", "KnownStudy", "Missed", "QueryAnswer", "QueryInput"]


class KnownStudy(Frozen):
    """A record that the strategy should find: from it the engine may learn words. Its text is data."""

    record_id: str
    title: str
    abstract: str = ""
    mesh: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


class Missed(Frozen):
    """A known study that the previous strategy does not find, and why."""

    study: KnownStudy
    lacks: tuple[str, ...] = Field(description="Names of the previous blocks of which it holds no term.")


class QueryInput(Frozen):
    """Elements to search for. Outcomes are left out by the caller unless the protocol wants them.

    With `previous` the engine is asked to revise: to add what would find the missed studies.
    """

    title: str
    framework: str
    elements: dict[str, tuple[str, ...]] = Field(
        description="Element name to its phrases; only searched ones."
    )
    target: Literal["publications", "trials"] = Field(
        default="publications", description="What is searched: a bibliographic database, or a trial register."
    )
    known: tuple[KnownStudy, ...] = Field(
        default=(), description="Known relevant studies to learn words from."
    )
    previous: tuple[Block, ...] = Field(
        default=(), description="Blocks of the strategy that is to be revised."
    )
    missed: tuple[Missed, ...] = ()


TARGETS = {
    "publications": "PubMed, a bibliographic database",
    "trials": "ClinicalTrials.gov, a trial register",
}
"""What is searched, in the words of a prompt."""

MAX_TERMS, MAX_CHARS = 300, 300
"""Of one block, and of a name or term."""

MAX_SPOKEN = 40
"""Terms of a block that a language model is asked for at once: more would not fit into an answer of 1,024 tokens, and
a model that has lost its thread repeats itself until it is cut off. Samples are united."""

MAX_NOTE = 600
"""Characters of a note."""


def _bounded(schema: dict[str, Any]) -> None:
    # `Block` has no bounds of its own, as people write blocks too; a model without bounds may never stop.
    text = {"type": "string", "maxLength": MAX_CHARS}
    terms = {
        "type": "array",
        "items": text,
        "minItems": 1,
        "maxItems": MAX_SPOKEN,
        "description": "Each with its field tag.",
    }
    schema["items"] = {
        "type": "object",
        "properties": {"name": text, "terms": terms},
        "required": ["name", "terms"],
        "additionalProperties": False,
    }


class QueryAnswer(FitsQuestion):
    """One block per concept; terms in PubMed syntax with field tags, to be joined by OR."""

    blocks: tuple[Block, ...] = Field(min_length=1, max_length=6, json_schema_extra=_bounded)
    # Not in the schema that a language model is shown: a model has no rules of its own to report on.
    notes: SkipJsonSchema[tuple[Annotated[str, StringConstraints(max_length=MAX_NOTE)], ...]] = Field(
        default=(), max_length=20, description="What is left out of the strategy, and why; for the reviewer."
    )

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
    studies = _studies(asked)
    return {
        "framework": asked.framework,
        "title": asked.title,
        "target": TARGETS[asked.target],
        "elements": "\n".join(f"- {name}: {'; '.join(phrases)}" for name, phrases in asked.elements.items()),
        "boundary": boundary(studies),
        "studies": studies,
        "previous": "\n".join(f"- {block.name}: {' OR '.join(block.terms)}" for block in asked.previous)
        or "(none: this is the first draft)",
    }


def _studies(asked: QueryInput) -> str:
    """Titles and indexing of the studies that are to be found; of missed ones the abstract and the lack too."""
    missed = {one.study.record_id for one in asked.missed}
    lines = [_indexed(study) for study in asked.known if study.record_id not in missed]
    for one in asked.missed:
        lines.append(
            f"MISSED, no term of {', '.join(one.lacks)} | {_indexed(one.study)} | {one.study.abstract}"
        )
    return "\n".join(lines) or "(none)"


def _indexed(study: KnownStudy) -> str:
    return " | ".join(filter(None, (study.title, "; ".join(study.mesh), "; ".join(study.keywords))))


TASK = Task(
    "query",
    QueryInput,
    QueryAnswer,
    variables,
    keyed=Keyed("blocks", "name", lambda asked: list(asked.elements)),
)
