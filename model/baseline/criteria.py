"""A criterion, taken apart into what the rules can look for. Pure but for the vocabulary it reads."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from model.baseline.cues import kinds_named
from model.baseline.kinds import KINDS
from model.baseline.words import GENERIC, PEOPLE, STOP, SYNONYMS, expanded, folded_words, telling
from tools.schemas import Criterion
from tools.search.vocabulary import Vocabulary, words

__all__ = ["Concept", "Prepared", "prepare", "split_items"]

Phrase = tuple[str, ...]

MOST_SYNONYMS = 60
"""Synonyms of one item: a heading can have hundreds below it, and the first are the nearest."""

MOST_WORDS = 45
"""Words of a statement; what is longer is prose."""

MOST_NARROWER = 25
"""Narrower headings of one item; a heading with more below it is too broad to be meant by each of them."""


@dataclass(frozen=True)
class Concept:
    """What must occur together: any one of the phrases stands for the concept."""

    label: str
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class Prepared:
    """A criterion as the rules look for it.

    All `concepts` must be there (each in any of its phrases), or one of `kinds`.
    """

    criterion: Criterion
    concepts: tuple[Concept, ...]
    kinds: frozenset[str]
    prose: bool
    """Too long to be one statement: what it wants and what it does not cannot be told apart by rules."""
    only_kinds: bool
    """Every item of the criterion names a kind of study or of those studied: nothing else to look for."""
    denied: bool
    """The criterion is put as a denial, such as "not in English": finding its words speaks against it."""
    about_people: bool
    ages: frozenset[str]
    """`child` and `adult`, as far as the criterion names them."""


_DENIED = re.compile(
    r"^\W*(?:(?:the|they|this) )?(?:study|studies|paper|article|report)?s?\s*"
    r"(?:not\b|no\b|did not|does not|do not|is not|are not|was not|were not|without|absence of|lack of)",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b(?:not (?:be )?(?:eligible|included|considered)|ineligible|excluded)\b", re.IGNORECASE
)
_LABEL = re.compile(
    r"^\s*(?:population|participants?|patients|intervention|exposure|comparators?|comparison|control|outcomes?|concept"
    r"|context|index test|reference (?:test|standard)|diagnosis|study designs?|setting|design|[PICOES])\s*:\s*",
    re.IGNORECASE,
)
_HARD = re.compile(r"[;\n]|(?:^|\s)\d+[.)]\s")
_ALTERNATIVES = re.compile(
    r"\s*,\s*(?:and/or\s+|or\s+|and\s+)?|\s+and/or\s+|\s+or\s+|\s*/\s*(?=[A-Za-z]{4})", re.IGNORECASE
)
_CONJUNCTION = re.compile(
    r"\s+(?:and|with|who|whose|in|among|after|during|at risk (?:for|of)|for)\s+", re.IGNORECASE
)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def prepare(criterion: Criterion, vocabulary: Vocabulary | None) -> Prepared:
    """Take a criterion apart, with the vocabulary's synonyms and narrower headings where it has them."""
    text = _LABEL.sub("", criterion.text)
    everything = " ; ".join((text, *criterion.terms))
    prose = not criterion.terms and len(words(text)) > MOST_WORDS
    denied = _DENIED.search(text) is not None or _REFUSED.search(text) is not None
    items = list(criterion.terms) or split_items(text)
    design = (criterion.element or "").lower().replace("_", " ") in ("design", "study design")
    named = {item: kinds_named(item) if design else _kinds_of(item) for item in items}
    topical = [item for item in items if not named[item]]
    kinds = frozenset[str]() if prose else _all_kinds(criterion, text, named.values(), design)
    return Prepared(
        criterion=criterion,
        concepts=_listed(topical, vocabulary) if criterion.terms else _concepts(text, vocabulary),
        kinds=kinds,
        prose=prose,
        only_kinds=bool(kinds) and not topical,
        denied=denied and not prose,
        about_people=bool(PEOPLE.intersection(words(everything))),
        ages=_ages(kinds, everything),
    )


def _ages(kinds: frozenset[str], text: str) -> frozenset[str]:
    """`Older adults` in a list of groups does not say that only adults are wanted."""
    plain = re.search(r"(?<!older )\b(?:adults?|grown-?ups?)\b", text, re.IGNORECASE)
    return kinds & ({"child", "adult"} if plain else {"child"})


def _all_kinds(
    criterion: Criterion, text: str, by_item: Iterable[frozenset[str]], design: bool
) -> frozenset[str]:
    """The kinds that a criterion names: of its terms, and of its text where that is about the design."""
    if not criterion.terms:
        return kinds_named(text)
    return frozenset[str]().union(*by_item, kinds_named(text) if design else ())


def split_items(text: str) -> list[str]:
    """The items of a criterion that is written as a list; a sentence comes back whole."""
    parts = [part.strip(" .:-") for part in _HARD.split(_ASIDE.sub(" ", text))]
    parts = [part for part in parts if part]
    return parts or [text.strip()]


def _kinds_of(item: str) -> frozenset[str]:
    """Kinds that an item is about: nothing much is left when their names are taken away.

    `Adults with frostbite` names adults and is about frostbite.
    """
    found = kinds_named(item)
    rest = item
    for name in found:
        rest = KINDS[name].named.sub(" ", rest)
    left = [word for word in words(rest) if word not in GENERIC and word not in STOP and len(word) > 2]
    return found if len(left) <= len(words(item)) // 4 else frozenset()


def _concepts(text: str, vocabulary: Vocabulary | None) -> tuple[Concept, ...]:
    """The concepts of free text: lists are alternatives, `with`, `in` and `and` join what must come together."""
    plain = _ASIDE.sub(" ", text)
    parts = [part for part in _HARD.split(plain) if part.strip()]
    if len(parts) > 1 or plain.count(",") > 1:
        items = [item for part in parts for item in _ALTERNATIVES.split(part)]
        concept = _concept(items, vocabulary)
        return (concept,) if concept else ()
    concepts: list[Concept] = []
    for piece in _CONJUNCTION.split(plain):
        concept = _concept(_ALTERNATIVES.split(piece), vocabulary)
        if concept is not None and concept.phrases not in [known.phrases for known in concepts]:
            concepts.append(concept)
    return tuple(concepts)


def _listed(items: Iterable[str], vocabulary: Vocabulary | None) -> tuple[Concept, ...]:
    """A criterion's own terms: any of them will do."""
    phrases = [phrase for item in items for phrase in _phrases(item, vocabulary)]
    return (Concept("; ".join(items), tuple(dict.fromkeys(phrases))),) if phrases else ()


def _concept(items: Iterable[str], vocabulary: Vocabulary | None) -> Concept | None:
    """Items that can stand for one another, as one concept; None when none of them tells anything."""
    kept = [item.strip(" .?:") for item in items if _names_something(item)]
    phrases = [phrase for item in kept for phrase in _phrases(item, vocabulary)]
    return Concept(" or ".join(kept), tuple(dict.fromkeys(phrases))) if phrases else None


def _names_something(item: str) -> bool:
    return any(word not in GENERIC and not word.isdigit() for word in words(item) if telling(word))


def _phrases(item: str, vocabulary: Vocabulary | None) -> list[Phrase]:
    """An item's own words, and what the vocabulary says in their place; nearest first."""
    full = expanded(item)
    found = [telling(item), telling(full)]
    if item != full:
        found.append(folded_words(item))
    if vocabulary is not None:
        found += _from_vocabulary(full, vocabulary)
    found += _with_synonyms(telling(full))
    return [phrase for phrase in dict.fromkeys(found) if phrase and any(len(word) > 1 for word in phrase)]


def _from_vocabulary(item: str, vocabulary: Vocabulary) -> list[Phrase]:
    heading = vocabulary.lookup(item) or vocabulary.lookup(" ".join(_core(item)))
    if heading is None:
        return []
    narrower = [name for name in vocabulary.explode(heading.name) if name != heading.name]
    near = [heading.name, *vocabulary.entry_terms(heading.name)]
    if len(narrower) <= MOST_NARROWER:
        near += narrower
        near += [term for name in narrower for term in vocabulary.entry_terms(name)]
    return [_whole(term) for term in near if _whole(term)][:MOST_SYNONYMS]


def _core(item: str) -> list[str]:
    return [
        word for word in words(item) if word not in PEOPLE and word not in ("suspected", "diagnosed", "any")
    ]


def _whole(term: str) -> Phrase:
    """A vocabulary's term keeps generic words, as without them `Kidney Disease` would be any kidney."""
    return tuple(word for word in folded_words(term) if word not in ("and", "of", "the", "in"))


def _with_synonyms(phrase: Phrase) -> list[Phrase]:
    """The phrase with words in the place of their synonyms; at most a handful."""
    if not 1 <= len(phrase) <= 4:
        return []
    options = [(word, *map(_fold_one, SYNONYMS.get(word, ()))) for word in phrase]
    return [tuple(choice) for choice in product(*options)][1:8]


def _fold_one(word: str) -> str:
    return folded_words(word)[0]
