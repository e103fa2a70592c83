"""Included records as the makers of strategies read them: their words, their headings, their names for a concept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from model.baseline.words import STOP, expanded, folded_words, telling
from tools.schemas import Record
from tools.search.vocabulary import Vocabulary, words

__all__ = ["Evidence", "worded_in"]

WIDER = 2
"""Words that may stand between those of a concept for a record's wording to be taken as its name."""

_SHORT = re.compile(r"\((?P<short>[A-Z][A-Za-z0-9-]{1,7})\)")


class Evidence:
    """Included records, as terms are looked for in them."""

    def __init__(self, records: Sequence[Record], vocabulary: Vocabulary) -> None:
        self.records, self.vocabulary = tuple(records), vocabulary
        self.texts = tuple(
            f"{record.title}\n{record.abstract}\n{'; '.join(record.keywords)}" for record in records
        )

    @cached_property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The words of each record, as the index sees them."""
        return tuple(tuple(words(text)) for text in self.texts)

    @cached_property
    def _joined(self) -> str:
        return " | ".join(f" {' '.join(parts)} " for parts in self.parts)

    @cached_property
    def indexed(self) -> frozenset[str]:
        """Headings that indexers gave to a record, by the vocabulary's names."""
        found = (self.vocabulary.descriptor(name) for record in self.records for name in record.mesh)
        return frozenset(one.name for one in found if one is not None)

    @cached_property
    def named(self) -> frozenset[str]:
        """Headings that the text of a record names."""
        return frozenset(one.name for text in self.texts for one in self.vocabulary.find_in(text))

    def says(self, phrase: str, truncated: bool = False) -> bool:
        """Whether a record has these very words together; the last may go on where it is truncated."""
        return f" {' '.join(words(phrase))}{'' if truncated else ' '}" in self._joined


def worded_in(evidence: Evidence, concept: str) -> Iterator[str]:
    """How included records word a concept: their shortest runs of words that hold all its telling ones.

    Also the abbreviation that a record gives in brackets behind such words.
    """
    wanted_words = frozenset(telling(expanded(concept)))
    if not wanted_words:
        return
    for text in evidence.texts:
        for sentence in re.split(r"[.;:?!\n,]", text):
            if (run := _run(sentence, wanted_words)) is not None:
                yield run
                short = _SHORT.search(sentence, sentence.find(run) + len(run))
                if short is not None and _spells(short["short"], run):
                    yield short["short"]


def _run(sentence: str, wanted_words: frozenset[str]) -> str | None:
    """The first run of a sentence's words that holds these, folded, and no stop word; None where none is short enough.

    A hyphen splits: of `timolol-treated eyes` the drug is `timolol`.
    """
    spans = [found.span() for found in re.finditer(r"[^\W_]+", sentence)]
    folded = [frozenset(folded_words(sentence[start:end])) for start, end in spans]
    for length in range(1, len(wanted_words) + WIDER + 1):
        for at in range(len(spans) - length + 1):
            inside = folded[at : at + length]
            if wanted_words <= frozenset[str]().union(*inside) and not any(STOP & one for one in inside):
                return sentence[spans[at][0] : spans[at + length - 1][1]]
    return None


def _spells(short: str, run: str) -> bool:
    """Whether an abbreviation begins as its phrase: CKD, chronic kidney disease."""
    letters = [char.lower() for char in short if char.isalpha()]
    initials = [word[0].lower() for word in re.split(r"[\s-]+", run) if word]
    return len(initials) > 1 and letters[: len(initials)] == initials
