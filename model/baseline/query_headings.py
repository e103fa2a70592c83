"""Phrases to headings, as a searcher looks them up: without a tail, by another spelling, by the last words.

What MeSH calls otherwise is found by degrees: the phrase, its spellings, the phrase without qualifiers,
its last words, and at the very end the nearest spelling of a word that no heading knows.
"""

import re
from collections.abc import Iterator
from itertools import product
from weakref import WeakKeyDictionary

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from model.baseline.words import (
    GENERIC,
    QUALIFIERS,
    STOP,
    SYNONYMS,
    VAGUE,
    american,
    expanded,
    folded_words,
    spellings,
)
from tools.search.vocabulary import Descriptor, Vocabulary, words

__all__ = ["Lookup", "unqualified", "variants"]

MOST_SWAPPED = 5
"""Words of a phrase in which each organ is also searched by its other name."""

LONG_ENOUGH = 8
"""Letters of a word that may be misspelt; shorter ones are too often another word."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAIL = re.compile(r" (?:diseases?|disorders?|patients?|conditions?|syndromes?)$", re.IGNORECASE)
_TAILS = ("diseases", "disorders")
_SALTS = _set("""
hydrochloride sodium potassium calcium maleate fumarate tartrate mesylate succinate acetate phosphate
sulfate sulphate bromide citrate besylate hydrobromide chloride malate dihydrate
""")
_ACTS = _set("""
screening testing test tests assay assays level levels scan scans scanning imaging measurement therapy
therapies treatment treatments supplementation supplements intake use detection assessment administration
intervention interventions program programs programme programmes training prophylaxis infusion injection
injections involvement exposure
""")
"""What is done with a thing; MeSH has the thing alone: `D-dimer test`."""


def variants(phrase: str) -> list[str]:
    """Spellings and organ names: kidney and renal, haemorrhage and hemorrhage; nearest first."""
    parts = phrase.split()
    options = [
        (word, *SYNONYMS.get(word.lower(), ())) if len(parts) <= MOST_SWAPPED else (word,) for word in parts
    ]
    swapped = [" ".join(choice) for choice in product(*options)][:8]
    return list(dict.fromkeys(spelling for one in swapped for spelling in spellings(one)))


def unqualified(written: str) -> str:
    """The phrase without words such as `chronic`; empty when there are none, or nothing would be left."""
    parts = written.split()
    rest = [word for word in parts if word.lower() not in QUALIFIERS]
    return " ".join(rest) if len(rest) < len(parts) and _tells([w.lower() for w in rest]) else ""


def _tells(parts: list[str]) -> bool:
    common = STOP | GENERIC | VAGUE
    return any(len(word) > 1 and word not in common and not word.isdigit() for word in parts)


class Lookup:
    """A vocabulary, or none, as the rules of `query` ask it. Remembers what it found."""

    def __init__(self, vocabulary: Vocabulary | None) -> None:
        self.vocabulary = vocabulary
        self._found: dict[str, Descriptor | None] = {}

    def heading(self, phrase: str) -> Descriptor | None:
        """The heading of a phrase; abbreviations are written out."""
        if phrase not in self._found:
            self._found[phrase] = self._heading(expanded(phrase)) or (
                self.vocabulary.lookup(phrase) if self.vocabulary is not None and len(phrase) > 2 else None
            )
        return self._found[phrase]

    def has(self, phrase: str) -> bool:
        """Whether the vocabulary knows the phrase as it stands."""
        return self.vocabulary is not None and self.vocabulary.lookup(phrase) is not None

    def key(self, concept: str) -> str:
        """What two concepts must share to be the same."""
        heading = self.heading(concept)
        return heading.ui if heading else " ".join(sorted(folded_words(concept)))

    def _heading(self, written: str) -> Descriptor | None:
        if self.vocabulary is None or not written:
            return None
        found = map(self.vocabulary.lookup, dict.fromkeys(self._names(written)))
        return next((heading for heading in found if heading is not None), None) or self._completed(written)

    def _names(self, written: str) -> Iterator[str]:
        yield written
        short = _TAIL.sub("", written)
        yield short  # MeSH has `Peptic Ulcer` alone
        yield from variants(written)
        if short != written:
            yield from (f"{short} {tail}" for tail in _TAILS)
        if (plain := unqualified(written)) and plain != written:
            yield plain
        parts = written.split()
        if len(parts) > 1 and parts[-1].lower() in _SALTS:
            yield " ".join(parts[:-1])
        if len(parts) > 1 and parts[-1].lower() in _ACTS:
            yield " ".join(parts[:-1])
        # English puts what a thing is at the end: `postmenopausal hormone replacement therapy`.
        for start in range(1, len(parts) - 1):
            tail = parts[start:]
            if _tells([word.lower() for word in tail[:-1]]):
                yield " ".join(tail)
        if len(parts) == 1 and (meant := self._misspelt(written.lower())):
            yield meant

    def _completed(self, written: str) -> Descriptor | None:
        """The one heading that ends in this word: `Muscle Spasticity`."""
        if self.vocabulary is None or " " in written or not _tells([written.lower()]):
            return None
        ending = self.vocabulary.ending_in(written)
        return ending[0] if len(ending) == 1 else None

    def synonyms(self, name: str) -> tuple[str, ...]:
        """Of the heading of this name; none without a vocabulary."""
        return () if self.vocabulary is None else self.vocabulary.entry_terms(name)

    def named_in(self, clause: str) -> list[str]:
        """Names of the telling headings in a clause."""
        if self.vocabulary is None:
            return []
        named = (found.name for found in self.vocabulary.find_in(american(expanded(clause))))
        return [name for name in named if _tells(words(name))]

    def _misspelt(self, word: str) -> str:
        """The vocabulary's word that is nearest to one that it does not know; empty when none is near."""
        if self.vocabulary is None or len(word) < LONG_ENOUGH or not word.isalpha():
            return ""
        names, seen = _single_words(self.vocabulary)
        if word in seen:
            return ""
        wrong = 1 if len(word) < LONG_ENOUGH + 2 else 2
        near = process.extractOne(
            word, names.get(word[0], ()), scorer=DamerauLevenshtein.distance, score_cutoff=wrong
        )
        return str(near[0]) if near else ""


_Names = tuple[dict[str, tuple[str, ...]], frozenset[str]]
_WORDS: "WeakKeyDictionary[Vocabulary, _Names]" = WeakKeyDictionary()


def _single_words(vocabulary: Vocabulary) -> _Names:
    """All names of one word, by first letter; and all words of all names. Read once for each vocabulary."""
    if vocabulary not in _WORDS:
        by_letter: dict[str, set[str]] = {}
        seen: set[str] = set()
        for _, term in vocabulary.terms():
            parts = words(term)
            seen.update(parts)
            if len(parts) == 1 and len(parts[0]) >= LONG_ENOUGH - 1 and parts[0].isalpha():
                by_letter.setdefault(parts[0][0], set()).add(parts[0])
        _WORDS[vocabulary] = {k: tuple(sorted(found)) for k, found in by_letter.items()}, frozenset(seen)
    return _WORDS[vocabulary]
