"""What a dialect without MeSH needs of a vocabulary: names, synonyms and what lies below a heading. Pure."""

from typing import Protocol

from tools.errors import InputFileError

__all__ = ["Expanded", "Thesaurus", "expand", "natural"]

MOST_BELOW = 300
"""More narrower headings than this are not written out: no service takes such a query."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class Thesaurus(Protocol):
    """`vocabulary.Vocabulary` has it."""

    def lookup(self, term: str) -> _Named | None:
        """The heading that this term names, or None."""
        ...

    def explode(self, name: str) -> tuple[str, ...]:
        """The heading and all below it, by name."""
        ...

    def entry_terms(self, name: str) -> tuple[str, ...]:
        """The synonyms of a heading."""
        ...


class Expanded:
    """A heading written out.

    Attributes:
        name: the heading itself, as the vocabulary spells it where there is one.
        below: the headings under it.
        synonyms: its entry terms, in natural order.
        complete: the explosion is all there.
    """

    def __init__(
        self, name: str, below: tuple[str, ...] = (), synonyms: tuple[str, ...] = (), *, complete: bool = True
    ) -> None:
        self.name, self.below, self.synonyms, self.complete = name, below, synonyms, complete


def expand(heading: str, thesaurus: Thesaurus | None, *, exploded: bool) -> Expanded:
    """Write a heading out as far as the vocabulary knows it; without one only itself."""
    found = thesaurus.lookup(heading) if thesaurus is not None else None
    if thesaurus is None or found is None:
        return Expanded(heading, complete=not exploded)
    try:
        below = tuple(name for name in thesaurus.explode(found.name) if name != found.name)
        synonyms = thesaurus.entry_terms(found.name)
    except InputFileError:  # the term names something that is no heading of the tree
        return Expanded(found.name, complete=not exploded)
    if not exploded:
        return Expanded(found.name, (), synonyms)
    if len(below) > MOST_BELOW:
        return Expanded(found.name, (), synonyms, complete=False)
    return Expanded(found.name, below, synonyms)


def natural(heading: str) -> str:
    """`Kidney Failure, Chronic` in the order in which people write it; others as they are."""
    parts = heading.split(", ")
    return f"{parts[1]} {parts[0]}" if len(parts) == 2 else heading
