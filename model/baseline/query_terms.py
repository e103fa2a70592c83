"""The terms of one concept block, in ten ways: each sample of the task `query` widens the same core otherwise.

The core is the heading, the phrase in its spellings, and what it is without its qualifier. New records have
no headings yet, so all that a heading means is searched as text words too.

Source: PubMed User Guide, https://pubmed.ncbi.nlm.nih.gov/help/; Cochrane Handbook 4.4.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from model.baseline.newer import names_for
from model.baseline.query_concepts import LONGEST, says_something
from model.baseline.query_headings import Lookup, unqualified, variants
from model.baseline.words import (
    ABBREVIATIONS,
    GENERIC,
    ORGANS,
    QUALIFIERS,
    STOP,
    expanded,
    fold,
    folded_words,
    spellings,
)
from tools.search.query import QuerySyntaxError, Term, parse
from tools.search.vocabulary import Descriptor, Vocabulary, words

__all__ = ["MAX_TERMS", "MAX_WIDENED", "SAMPLES", "terms_of"]

MAX_TERMS = 60
"""Of a block of the core strategy; a person reads them."""

MAX_WIDENED = 150
"""Of a block of a sample that goes through a whole branch of the vocabulary."""

MAX_ENTRY_TERMS = 16
MAX_NARROWER = 14
"""Of each concept in the core strategy: synonyms, and names of narrower headings."""

MAX_OF_NARROWER = 4
"""Synonyms of each narrower heading, where all are gone through."""

NEAR, FAR = 3, 6
"""Words between those of a phrase, in either order: `biopsy of the left native kidney`."""

MOST_ENDING = 8
"""Headings that end in a word which is searched for alone in titles."""

MIN_STEM = 4
"""Leading characters that PubMed wants before an asterisk."""

MIN_SHARED_STEM = 6
"""Letters of a stem that noun and adjective share; a shorter one begins too many other words."""

_ENDING = re.compile(
    r"(?:ations?|ions?|iases|iasis|os[ei]s|ias?|ments?|it(?:y|ies)|i[cv]es?|ics?|als?|isms?|ies|y)$"
)
_OF_PHRASE = re.compile(r"^(\w[\w-]*) of (?:the |an? )?((?:[\w-]+ ){0,2}[\w-]+)$", re.IGNORECASE)
_SEARCHABLE = re.compile(r"^[\w][\w '+./-]*$")
_PLAIN_NAME = re.compile(r"^[a-z]{5,}$", re.IGNORECASE)


@dataclass
class _Terms:
    """Terms in the order of their use, each once; a phrase that holds a shorter one is not needed."""

    most: int
    kept: list[str] = field(default_factory=list)
    phrases: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, term: str) -> None:
        """Take a term, if PubMed's grammar reads it as one."""
        if len(self.kept) >= self.most or term in self.kept:
            return
        try:
            if isinstance(parse(term), Term):
                self.kept.append(term)
        except QuerySyntaxError:
            return  # a vocabulary's name with signs that no search can hold; its synonyms remain

    def add_phrase(self, phrase: str, open_end: bool = True) -> None:
        """Take a phrase as text words, unless it says nothing or another one covers it.

        `open_end`: its last word may go on, as in a plural.
        """
        parts = tuple(words(phrase))
        # PubMed's stop words break a phrase; its telling words near one another are searched by `_near`.
        if not _SEARCHABLE.match(phrase) or any(part in STOP for part in parts):
            return
        if not says_something(parts) or self._covered(parts):
            return
        self.phrases.append(parts)
        self.add(tiab(phrase, open_end))

    def _covered(self, parts: Sequence[str]) -> bool:
        return any(_contains(parts, known) for known in self.phrases)


def terms_of(concepts: Sequence[str], lookup: Lookup, sample: int) -> tuple[str, ...]:
    """The terms of a block: first what every concept needs, then the rest, so that no concept is cut off."""
    widen = _WAYS[sample % SAMPLES]
    terms = _Terms(MAX_TERMS if sample % SAMPLES == 0 else MAX_WIDENED)
    full = [expanded(concept) for concept in concepts]
    for concept, written in zip(concepts, full, strict=True):
        _own(concept, written, terms, lookup)
    for written in full:
        _broader(written, terms, lookup)
    for concept, written in zip(concepts, full, strict=True):
        widen(concept, written, terms, lookup)
    return tuple(terms.kept)


# Core --------------------------------------------------------------------------------------------


def _own(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """The heading, and the phrase in its spellings and truncated."""
    if (heading := lookup.heading(concept)) is not None:
        terms.add(f'"{heading.name}"[mh]')
    if concept != written and is_abbreviation(concept):
        terms.add(f"{concept}[tiab]")
    for phrase in variants(written):
        terms.add_phrase(phrase)
    if heading is not None:
        terms.add_phrase(_uninverted(heading.name), not _is_substance(heading))


def is_abbreviation(text: str) -> bool:
    """`CKD`, `mTOR`."""
    return " " not in text and len(text) > 1 and any(char.isupper() for char in text[1:])


def _broader(written: str, terms: _Terms, lookup: Lookup) -> None:
    """The phrase without its qualifiers; and of what no heading names, the heading of its last word."""
    shorter = unqualified(written)
    turned = _OF_PHRASE.match(written)
    if shorter:
        _own(shorter, shorter, terms, lookup)
    for name in names_for(written) or names_for(shorter):
        _newer(name, terms)
    if (trimmed := _trimmed(written)) != written and lookup.heading(written) is None:
        _own(trimmed, trimmed, terms, lookup)
    if turned:
        for phrase in variants(f"{turned[2]} {turned[1]}"):
            terms.add_phrase(phrase)
    if lookup.vocabulary is None or lookup.heading(written) or (shorter and lookup.heading(shorter)):
        return
    last = turned[1] if turned else written.split()[-1]
    head = lookup.vocabulary.lookup(last) if last != written else None
    if head is not None and says_something(words(last)) and _is_thing(head):
        terms.add(f'"{head.name}"[mh]')
        terms.add(tiab(last).replace("[tiab]", "[ti]"))


def _newer(name: str, terms: _Terms) -> None:
    """Another name from the table of new concepts; a name in capitals is no stem."""
    if is_abbreviation(name.replace(" ", "")):
        terms.add(tiab(name, open_end=False))
    else:
        for form in spellings(name):
            terms.add_phrase(form)


def _trimmed(phrase: str) -> str:
    """Without words at the end that say nothing: of `imaging modalities` only imaging can be searched for."""
    parts = phrase.split()
    while (
        len(parts) > 1
        and not says_something(words(parts[-1]))
        and says_something(words(" ".join(parts[:-1])))
    ):
        parts.pop()
    return " ".join(parts)


def _is_thing(heading: Descriptor) -> bool:
    """Organs, organisms, diseases, chemicals, procedures; no whole tree, nothing of philosophy or administration."""
    return any(
        number.startswith(("A", "B", "C", "D", "E", "F03", "G")) and "." in number
        for number in heading.tree_numbers
    )


# Ways to widen -----------------------------------------------------------------------------------


def _sensibly(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 0: the first synonyms, the nearest narrower headings, and the words near one another."""
    for heading in _headings(written, lookup):
        open_end = not _is_substance(heading)
        for term in (
            *_natural(_entries(heading, lookup))[:MAX_ENTRY_TERMS],
            *_natural(_nearest(heading, lookup))[:MAX_NARROWER],
        ):
            terms.add_phrase(term, open_end)
    _near(written, terms, NEAR)


def _by_all_synonyms(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 1: every synonym, also those that are no natural phrases at first sight."""
    for heading in _headings(written, lookup):
        for term in _natural(_entries(heading, lookup)):
            for form in variants(term):
                terms.add_phrase(form, not _is_substance(heading))


def _by_narrower(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 2: the names of everything below the heading."""
    for heading in _headings(written, lookup):
        below = _nearest(heading, lookup)
        for name in _natural(below):
            for form in spellings(name):
                terms.add_phrase(form, not _is_substance(heading))
        for name in below:
            for term in _natural(lookup.synonyms(name))[:MAX_OF_NARROWER]:
                for form in spellings(term):
                    terms.add_phrase(form, not _is_substance(heading))


def _by_members(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 3: of a class of drugs, the substances that act so, and the action itself."""
    for heading in _headings(written, lookup):
        if not _is_class(heading) or lookup.vocabulary is None:
            continue
        terms.add(f'"{heading.name}"[pa]')
        for name in members(heading, lookup.vocabulary):
            terms.add_phrase(name, open_end=False)


def _by_distance(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 4: the words of the phrase and of its synonyms further apart, in either order."""
    _near(written, terms, FAR)
    for heading in _headings(written, lookup):
        for name in _natural(_entries(heading, lookup))[:MAX_ENTRY_TERMS]:
            _near(name, terms, FAR, respelt=False)


def _by_title(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 5: titles, where the words may stand anywhere and a single one says what it is about."""
    for phrase in variants(unqualified(written) or written):
        parts = [word for word in words(phrase) if word not in STOP and word not in GENERIC]
        if len(parts) > 1:
            terms.add(f'"{" ".join(parts)}"[ti:~{3 * FAR}]')
        if 0 < len(parts) < 3 and says_something(parts[-1:]) and _is_rare(parts[-1], lookup):
            terms.add(tiab(parts[-1]).replace("[tiab]", "[ti]"))


def _is_rare(word: str, lookup: Lookup) -> bool:
    """A word that ends few names tells what is meant: `fibrillation`, not `failure`; an organ never does."""
    if lookup.vocabulary is None or fold(word) in ORGANS:
        return False
    return len(lookup.vocabulary.ending_in(word)) <= MOST_ENDING


def _by_abbreviation(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 6: abbreviations, the known ones and the initials of a long phrase, with their plurals."""
    for short, long in ABBREVIATIONS.items():
        if folded_words(long) == folded_words(written):
            terms.add(f"{short}[tiab]")
    for heading in _headings(written, lookup):
        for name in _entries(heading, lookup):
            if is_abbreviation(name) and name.isalpha():
                terms.add(f"{name}[tiab]")
    parts = re.split(r"[\s-]+", written)
    if len(parts) > 2 and all(part.isalpha() for part in parts):
        initials = "".join(part[0] for part in parts if part.lower() not in STOP).upper()
        for form in (initials, f"{initials}s"):
            terms.add(f"{form}[tiab]")


def _by_spelling(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 7: with, without and instead of hyphens: `anti-psychotic`, `antipsychotic`, `non steroidal`."""
    names = [written, *(_uninverted(h.name) for h in _headings(written, lookup))]
    for name in names:
        for form in _hyphened(name):
            for phrase in variants(form):
                terms.add_phrase(phrase)


def _by_head(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 8: without the first word of a long phrase; and neighbours of a procedure that bear its words."""
    parts = written.split()
    if len(parts) > 2 and lookup.heading(concept) is None:
        for phrase in variants(" ".join(parts[1:])):
            terms.add_phrase(phrase)
    for heading in _headings(written, lookup):
        for name in _related_procedures(heading, written, lookup):
            terms.add(f'"{name}"[mh]')
            terms.add_phrase(_uninverted(name))


def _by_stem(concept: str, written: str, terms: _Terms, lookup: Lookup) -> None:
    """Sample 9: names of one word down to the stem that noun and adjective share: `schizophren*`."""
    names = [written, *(name for heading in _headings(written, lookup) for name in _entries(heading, lookup))]
    for name in dict.fromkeys(name.lower() for name in names):
        if name.isalpha() and says_something([name]) and (ending := _ENDING.search(name)):
            stem = name[: ending.start()]
            if len(stem) >= MIN_SHARED_STEM:
                for form in spellings(stem):
                    terms.add(f"{form}*[tiab]")


_WAYS = (
    _sensibly,
    _by_all_synonyms,
    _by_narrower,
    _by_members,
    _by_distance,
    _by_title,
    _by_abbreviation,
    _by_spelling,
    _by_head,
    _by_stem,
)
SAMPLES = len(_WAYS)
"""Different strategies; a further sample repeats the first."""


# Vocabulary --------------------------------------------------------------------------------------


def _headings(written: str, lookup: Lookup) -> list[Descriptor]:
    """Of the phrase, and of the phrase without its qualifiers."""
    found = (lookup.heading(phrase) for phrase in (written, unqualified(written)) if phrase)
    return list({heading.ui: heading for heading in found if heading is not None}.values())


def _entries(heading: Descriptor, lookup: Lookup) -> list[str]:
    return [heading.name, *lookup.synonyms(heading.name)]


def _is_substance(heading: Descriptor) -> bool:
    """Names of substances have no plural, and a truncated one is the beginning of another."""
    return any(number.startswith("D") for number in heading.tree_numbers)


def _is_class(heading: Descriptor) -> bool:
    """A class by what its substances do; MeSH keeps these apart from chemical structures."""
    return any(number.startswith("D27") for number in heading.tree_numbers)


def members(heading: Descriptor, vocabulary: Vocabulary) -> list[str]:
    """Names, of one word, of the substances of a class of drugs and of the classes below it."""
    names: dict[str, None] = {}
    for name in (heading.name, *vocabulary.explode(heading.name)):
        names.update(dict.fromkeys(vocabulary.with_action(name)))
    return [name for name in names if _PLAIN_NAME.match(name)]


def _nearest(heading: Descriptor, lookup: Lookup) -> list[str]:
    """Narrower headings by levels below, the nearest first."""
    assert lookup.vocabulary is not None
    depth = {}
    for name in lookup.vocabulary.explode(heading.name):
        below = lookup.vocabulary.descriptor(name)
        if below is None or below.name == heading.name:
            continue
        levels = [
            number.count(".") - top.count(".")
            for number in below.tree_numbers
            for top in heading.tree_numbers
            if number.startswith(f"{top}.")
        ]
        depth[name] = min(levels, default=0)
    return sorted(depth, key=lambda name: (depth[name], name))


def _related_procedures(heading: Descriptor, written: str, lookup: Lookup) -> list[str]:
    """Procedures of the same branch whose names hold a telling word of the phrase.

    One procedure is named by its techniques, which MeSH puts into neighbouring branches: percutaneous
    coronary intervention is not below revascularization.
    """
    branches = {".".join(n.split(".")[:2]) for n in heading.tree_numbers if n.startswith(("E02", "E04"))}
    modifiers = set(folded_words(written)[:-1])
    if not branches or not modifiers or lookup.vocabulary is None:
        return []
    found = []
    for branch in sorted(branches):
        for name in lookup.vocabulary.below(branch):
            if modifiers & set(folded_words(name)):
                found.append(name)
    return found[:MAX_NARROWER]


def _natural(names: Iterable[str]) -> list[str]:
    """In natural word order, each set of words once, without those too long for a phrase."""
    turned = [_uninverted(name) for name in names]
    usable = [name for name in turned if _SEARCHABLE.match(name) and len(name.split()) <= LONGEST]
    once = {folded_words(name): name for name in reversed(usable)}
    return sorted(once.values(), key=usable.index)


def _uninverted(name: str) -> str:
    """`Renal Insufficiency, Chronic` is `Chronic Renal Insufficiency`; lists stay as they are."""
    head, comma, tail = name.partition(", ")
    return f"{tail} {head}" if comma and "," not in tail else name


# Text words --------------------------------------------------------------------------------------


def _near(written: str, terms: _Terms, distance: int, respelt: bool = True) -> None:
    """The telling words close together, in either order; PubMed takes no asterisk there."""
    for phrase in variants(written) if respelt else [written]:
        kept = [
            word for word in phrase.split() if word.lower() not in QUALIFIERS and word.lower() not in STOP
        ]
        parts = words(" ".join(kept))
        if len(kept) > 1 and len(parts) <= LONGEST and says_something(parts):
            terms.add(f'"{" ".join(parts)}"[tiab:~{distance}]')


def _hyphened(name: str) -> list[str]:
    joined = re.sub(
        r"\b(anti|non|pre|post|co|re|multi|inter|intra|self)[- ](?=[a-z]{3})", r"\1", name, flags=re.I
    )
    apart = re.sub(r"\b(anti|non|pre|post|multi)(?=[a-z]{4})", r"\1-", joined, flags=re.I)
    return list(dict.fromkeys((joined, apart, name.replace("-", " "))))


def tiab(phrase: str, open_end: bool = True) -> str:
    """A text-word term: lower case unless it is an abbreviation, plural and singular by an asterisk."""
    parts = [word if word.isupper() and len(word) > 1 else word.lower() for word in phrase.split()]
    parts[-1] = _stem(parts[-1]) if open_end else parts[-1]
    text = " ".join(parts)
    return f'"{text}"[tiab]' if len(parts) > 1 or not re.fullmatch(r"[\w*-]+", text) else f"{text}[tiab]"


def _stem(word: str) -> str:
    """A word with its endings open: `biopsy` is `biops*`. Short words stay: their stems are other words."""
    if word.isupper() or not word.isalpha() or word.endswith("us"):
        return word
    for ending in ("ies", "y", "es", "is", "s"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= MIN_STEM + 1 and not (ending == "s" and word.endswith("ss")):
            return f"{stem}*"
    return f"{word}*" if len(word) >= MIN_STEM + 1 else word


def _contains(parts: Sequence[str], inner: Sequence[str]) -> bool:
    """Whether the words of `inner` stand together in `parts`; its last may begin one, as it is truncated."""
    n = len(inner)
    if n > len(parts):
        return False
    stem = _stem(inner[-1]).rstrip("*")
    for at in range(len(parts) - n + 1):
        whole = tuple(parts[at : at + n - 1]) == tuple(inner[:-1])
        if whole and (
            parts[at + n - 1] == inner[-1] or ("*" in _stem(inner[-1]) and parts[at + n - 1].startswith(stem))
        ):
            return True
    return False
