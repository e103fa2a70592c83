"""Terms for the blocks of a strategy, taken from where a searcher takes them: question, included records, vocabulary.

A term that stands in none of the three is *stray*, and is never taught: a model that learns stray terms learns to
make terms up. Each term is told its origin once it is made, by looking for it anew (`origin_of`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from finetune.build.make.search_evidence import Evidence, worded_in
from model.baseline.query_concepts import LONGEST, says_something, wanted
from model.baseline.query_headings import Lookup, variants
from model.baseline.query_terms import members, tiab
from model.baseline.words import STOP, expanded
from model.tasks.query import QueryInput
from tools.search.query import QuerySyntaxError, Term, parse, render
from tools.search.vocabulary import Descriptor, words

__all__ = [
    "ORIGINS",
    "Element",
    "candidates",
    "covers",
    "elements_of",
    "origin_of",
    "own_terms",
    "text_words_of",
]

ORIGINS = ("the question", "the text of an included record", "the indexing of one", "the vocabulary")
"""Where a term can come from, the nearest first."""

FEW = 4
"""One record in so many is few."""

MOST_SYNONYMS = 30
"""Entry terms of one heading that no included record uses."""

_SEARCHABLE = re.compile(r"^[\w][\w '+./-]*$")


class Element(NamedTuple):
    """One searched element of a question: its phrases, and what of them can be searched for."""

    name: str
    phrases: tuple[str, ...]
    concepts: tuple[str, ...]
    headings: tuple[Descriptor, ...]
    """Of its concepts."""
    below: frozenset[str]
    """Names of those headings, of all below them, and of what has their action."""


def elements_of(phrases: Mapping[str, Sequence[str]], framework: str, lookup: Lookup) -> Iterator[Element]:
    """The elements of which something can be searched for.

    Of an element with several parts that must come together, as those who have one thing and another, the first
    part is taken: further ones are left to screening.
    """
    for name, said in phrases.items():
        asked = QueryInput(title="", framework=framework, elements={name: tuple(said)})
        blocks, _ = wanted(asked, lookup)
        if blocks:
            concepts = blocks[0].concepts
            headings = {h.ui: h for concept in concepts if (h := lookup.heading(concept)) is not None}
            yield Element(
                name, tuple(said), concepts, tuple(headings.values()), _below(headings.values(), lookup)
            )


def _below(headings: Iterable[Descriptor], lookup: Lookup) -> frozenset[str]:
    vocabulary = lookup.vocabulary
    if vocabulary is None:
        return frozenset()
    found: set[str] = set()
    for heading in headings:
        found.update(vocabulary.explode(heading.name))
        if any(number.startswith("D27") for number in heading.tree_numbers):
            for name in vocabulary.explode(heading.name):
                found.update(vocabulary.with_action(name))
    return frozenset(found)


# Making ------------------------------------------------------------------------------------------


def candidates(element: Element, evidence: Evidence, lookup: Lookup) -> tuple[str, ...]:
    """Terms of a block, each once, in PubMed syntax: headings, then text words; the nearest origin first."""
    made: dict[str, None] = {}
    for heading in element.headings:
        _add(made, f'"{heading.name}"[mh]')
    own = sorted((evidence.indexed | evidence.named) & element.below)
    for name in own:
        _add(made, f'"{name}"[mh]')
    for phrase, is_open in _phrases(element, evidence, lookup, own):
        _add(made, _text_word(phrase, is_open))
    return tuple(made)


def own_terms(element: Element, lookup: Lookup) -> frozenset[str]:
    """The question's own terms: the headings of its concepts, and its concepts in their spellings."""
    made: dict[str, None] = {}
    for heading in element.headings:
        _add(made, f'"{heading.name}"[mh]')
    for phrase, is_open in _own_phrases(element, lookup):
        _add(made, _text_word(phrase, is_open))
    return frozenset(made)


def _own_phrases(element: Element, lookup: Lookup) -> Iterator[tuple[str, bool]]:
    for concept in element.concepts:
        for phrase in (*variants(concept), *variants(expanded(concept))):
            yield phrase, not _is_substance(concept, lookup)


def _phrases(
    element: Element, evidence: Evidence, lookup: Lookup, own: Sequence[str]
) -> Iterator[tuple[str, bool]]:
    """Phrases, and whether their last word may go on: names of substances have no plural."""
    yield from _own_phrases(element, lookup)
    for concept in element.concepts:
        for phrase in _shortened(concept, evidence, lookup):
            yield phrase, not _is_substance(concept, lookup)
    for name in sorted(element.below):
        if evidence.says(name):
            yield name, not _is_substance(name, lookup)
    for name in dict.fromkeys([*(h.name for h in element.headings), *own]):
        for phrase in _names(name, lookup):
            yield phrase, not _is_substance(name, lookup)
    for heading in element.headings:
        if lookup.vocabulary is not None:
            for name in filter(evidence.says, members(heading, lookup.vocabulary)):
                yield name, False


def _shortened(concept: str, evidence: Evidence, lookup: Lookup) -> Iterator[str]:
    """How records word a concept; one without a heading that few of them word so, also without its first words."""
    found = list(worded_in(evidence, concept))
    yield from found
    parts = expanded(concept).split()
    if lookup.heading(concept) is None and len(found) * FEW < len(evidence.records):
        for start in range(1, len(parts) - 1):
            shorter = " ".join(parts[start:])
            if more := list(worded_in(evidence, shorter)):
                yield from (shorter, *more)
                return


def _is_substance(name: str, lookup: Lookup) -> bool:
    """A chemical, and no class of them by what they do: those have plurals."""
    heading = lookup.heading(name)
    numbers = () if heading is None else heading.tree_numbers
    return any(number.startswith("D") for number in numbers) and not any(n.startswith("D27") for n in numbers)


def text_words_of(term: str) -> frozenset[str]:
    """The name of a heading as text words, as they may stand among the candidates; none of what is no heading."""
    read = parse(term)
    if not isinstance(read, Term) or read.field != "mh":
        return frozenset()
    made: dict[str, None] = {}
    for is_open in (False, True):
        _add(made, _text_word(_in_order(read.heading), is_open))
    return frozenset(made)


def _in_order(name: str) -> str:
    """`Fever, Late` as it is said."""
    head, comma, tail = name.partition(", ")
    return f"{tail} {head}" if comma and "," not in tail else name


def _names(heading: str, lookup: Lookup) -> Iterator[str]:
    """The heading and its synonyms in natural order, each set of words once."""
    seen: set[tuple[str, ...]] = set()
    for name in filter(words, [heading, *lookup.synonyms(heading)][:MOST_SYNONYMS]):
        natural = _in_order(name)
        if (key := tuple(sorted(words(natural)))) not in seen:
            seen.add(key)
            yield natural


def _text_word(phrase: str, is_open: bool) -> str:
    """A phrase as a term; empty where it cannot be searched, or says nothing alone."""
    parts = words(phrase)
    usable = (
        _SEARCHABLE.match(phrase)
        and 0 < len(parts) <= LONGEST
        and not any(part in STOP for part in parts)
        and says_something(parts)
    )
    return tiab(phrase, is_open) if usable else ""


def _add(made: dict[str, None], text: str) -> None:
    try:
        term = parse(text) if text else None
    except QuerySyntaxError:
        return  # a name with signs that no search can hold; its synonyms remain
    if isinstance(term, Term):
        made.setdefault(render(term))


# Checking ----------------------------------------------------------------------------------------


def origin_of(text: str, element: Element, evidence: Evidence, lookup: Lookup) -> str | None:
    """Where a term comes from, looked up anew: one of `ORIGINS`; None for a stray term."""
    term = parse(text)
    if not isinstance(term, Term):
        return None
    if term.field == "mh":
        return _origin_of_heading(term.heading, element, evidence)
    said = f" {' '.join(words(' | '.join(element.phrases)))} "
    if f" {' '.join(words(term.text))}{'' if term.truncated else ' '}" in said:
        return ORIGINS[0]
    if evidence.says(term.text, term.truncated):
        return ORIGINS[1]
    known = {heading.name for heading in element.headings}
    known |= (evidence.indexed | evidence.named) & element.below
    return ORIGINS[3] if any(_names_it(term, name, lookup) for name in sorted(known)) else None


def _origin_of_heading(name: str, element: Element, evidence: Evidence) -> str | None:
    if name in {heading.name for heading in element.headings}:
        return ORIGINS[0]
    if name not in element.below:
        return None
    if name in evidence.indexed:
        return ORIGINS[2]
    return ORIGINS[3] if name in evidence.named else None


def covers(wide: str, narrow: str) -> bool:
    """Whether all that one text-word term finds is found by another, whose words stand in it together."""
    terms = parse(wide), parse(narrow)
    if wide == narrow or not all(isinstance(one, Term) and one.field == "tiab" for one in terms):
        return False
    outer, inner = (one for one in terms if isinstance(one, Term))
    sought = f" {' '.join(words(outer.text))}{'' if outer.truncated else ' '}"
    text = f" {' '.join(words(inner.text))}{'' if inner.truncated else ' '}"
    return sought in text


def _names_it(term: Term, heading: str, lookup: Lookup) -> bool:
    """Whether this is one of the vocabulary's names of the heading, in the order of speech."""
    own = words(term.text)
    for name in _names(heading, lookup):
        parts = words(name)
        same = parts[-1].startswith(own[-1]) if term.truncated else parts[-1:] == own[-1:]
        if same and parts[:-1] == own[:-1]:
            return True
    return False
