"""A rationale step by step: from what a text names, along the concept graph, to what a criterion asks for. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tools.fulltext.quotes import locate, sentences
from tools.search.concept_graph import Step
from tools.search.concepts import HAS_ACTION, IS_A, Concepts, Path

__all__ = ["MOST_QUOTE", "Rationale", "natural", "rationale_of", "without_acronyms"]

MOST_QUOTE = 600
"""Characters of a quote, as the tasks allow."""

MOST_PATHS = 3
"""In one rationale: its readers are people."""

_WORDED = {
    IS_A: "{}: a kind of {}",
    HAS_ACTION: "{}: of the class {}",
}
"""Without a verb: headings stand in the singular and in the plural."""


class Rationale(NamedTuple):
    """Steps in plain words, and the sentence of the text from which they start."""

    text: str
    quote: str
    paths: tuple[Path, ...]


def rationale_of(concepts: Concepts, paths: Sequence[Path], text: str) -> Rationale | None:
    """The rationale of some paths; None where no short sentence of the text names where the longest one starts.

    Args:
        paths: one for each concept of the criterion. Those with steps go first; one that is the beginning of another
            is left out.
        text: what the record says; the quote is verbatim from it.
    """
    kept = tuple(sorted(_whole(paths), key=lambda path: not path.steps)[:MOST_PATHS])
    start = max(kept, key=lambda path: len(path.steps)).source
    quote = _naming(concepts, start, text)
    if quote is None:
        return None
    said = [sentence for path in kept for sentence in _told(path)]
    return Rationale(" ".join(dict.fromkeys(said)), quote, kept)


def _whole(paths: Sequence[Path]) -> list[Path]:
    return [
        path
        for path in dict.fromkeys(paths)
        if not any(path != other and other.names[: len(path.names)] == path.names for other in paths)
    ]


def _naming(concepts: Concepts, name: str, text: str) -> str | None:
    """The first sentence that names a concept, as it stands in the text."""
    for start, end in sentences(text):
        said = text[start:end]
        if len(said) <= MOST_QUOTE and name in concepts.named_in(said):
            found = locate(said, text)
            return found.text if found else None
    return None


def _told(path: Path) -> list[str]:
    """What the text names, then each step as a sentence; never whether the criterion is met."""
    return [f"The text names {natural(path.source)}.", *(f"{_step(step)}." for step in path.steps)]


def _step(step: Step) -> str:
    source, target = (step.source, step.target) if step.forward else (step.target, step.source)
    worded = _WORDED.get(step.kind)
    if worded is None:
        return f"{natural(source)} and {natural(target)}: {step.kind}"
    return worded.format(natural(source), natural(target))


def natural(name: str) -> str:
    """`Rhinitis, Allergic, Seasonal` in the order of speech; lists stay as they are."""
    parts = name.split(", ")
    return name if len(parts) > 3 or " and " in name else " ".join(reversed(parts))


def without_acronyms(text: str) -> str:
    """A text without words in capitals: one author's APAP is paracetamol, another's is a way to help people breathe."""
    return re.sub(r"\b[A-Z][A-Z0-9-]+s?\b", " ", text)
