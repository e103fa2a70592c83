"""Task `query` by rules: blocks of PubMed terms from the elements of a question, sensitive before precise.

A block holds the MeSH heading that a phrase names, its entry terms and narrower headings as text words
(new records are not indexed yet), the phrase itself in its spellings, with its words near one another,
and truncated at the end. What is broader is added where only a qualifier such as *chronic* is dropped.

Source: PubMed User Guide, https://pubmed.ncbi.nlm.nih.gov/help/; Cochrane Handbook 4.4.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from model.baseline.words import GENERIC, PEOPLE, STOP, SYNONYMS, expanded, folded_words, spellings, telling
from model.engine import EngineRefused
from model.tasks.query import QueryAnswer, QueryInput
from tools.schemas import Block
from tools.search.query import QuerySyntaxError, Term, parse
from tools.search.vocabulary import Descriptor, Vocabulary, words

__all__ = ["MAX_BLOCKS", "MAX_TERMS", "blocks_of"]

MAX_BLOCKS = 6
MAX_TERMS = 48
"""Per block; a person reads them."""

MAX_ENTRY_TERMS = 16
MAX_NARROWER = 14
"""Of each concept: synonyms, and names of narrower headings."""

LONGEST = 5
"""Words of a phrase that is searched as it stands; longer ones are clauses, and taken apart."""

NEAR = 3
"""Words between those of a phrase, in either order: `biopsy of the left native kidney`."""

MIN_STEM = 4
"""Leading characters that PubMed wants before an asterisk."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


QUALIFIERS = _set("""
active acute advanced atypical childhood chronic confirmed current diagnosed early elective elevated established
existing high-dose incident initial intravenous late long-acting long-term low-dose mild moderate native new
newly older oral persistent pre-existing previous primary progressive recurrent refractory resistant routine
second-generation secondary severe short-acting short-term stable standard suspected symptomatic systematic
systemic topical uncomplicated unstable untreated young
""")
"""Words without which a phrase is broader and still about the same thing."""

_SPLIT = re.compile(r"[;\n]|,\s|\s+(?:or|and/or|versus|vs\.?|compared (?:with|to))\s+|\s/\s", re.IGNORECASE)
_AND = re.compile(
    r"\s+and\s+|\s+(?:with|who have|having|undergoing|receiving|treated with|on)\s+", re.IGNORECASE
)
_CLAUSE = re.compile(
    r"\s+(?:of|in|for|to|by|from|among|during|after|with|on|at|as|and|who|that|which)\s+", re.IGNORECASE
)
_LESS = re.compile(
    r"\b(?:and )?(?:at risk (?:for|of)|without|no|not|except|excluding|other than|(?:of|at) (?:any|all) \w+)\b.*",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\(([^()]*)\)")
_OF_PHRASE = re.compile(r"^(\w[\w-]*) of (?:the |an? )?((?:[\w-]+ ){0,2}[\w-]+)$", re.IGNORECASE)
_SEARCHABLE = re.compile(r"^[\w][\w '+./-]*$")


@dataclass
class _Terms:
    """Terms in the order of their use, each once; a phrase that holds a shorter one is not needed."""

    kept: list[str] = field(default_factory=list)
    phrases: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, term: str) -> None:
        """Take a term, if PubMed's grammar reads it as one."""
        if len(self.kept) >= MAX_TERMS or term in self.kept:
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
        if not _says_something(parts) or self._covered(parts):
            return
        self.phrases.append(parts)
        self.add(_tiab(phrase, open_end))

    def _covered(self, parts: Sequence[str]) -> bool:
        return any(_contains(parts, known) for known in self.phrases)


def blocks_of(asked: QueryInput, vocabulary: Vocabulary | None) -> QueryAnswer:
    """A block for each concept that has to be there.

    Raises:
        EngineRefused: no element has a word that can be searched for.
    """
    blocks: list[Block] = []
    for name, phrases in asked.elements.items():
        for number, concepts in enumerate(_concepts(phrases, vocabulary), start=1):
            terms = _terms(concepts, vocabulary)
            title = name if number == 1 else f"{name} {number}"
            if terms and terms not in [block.terms for block in blocks]:
                blocks.append(Block(name=title, terms=terms))
    if not blocks:
        raise EngineRefused(
            f"no word to search for in {dict(asked.elements)!r}. "
            "Remedy: name conditions or interventions in question.elements of review.yaml."
        )
    return QueryAnswer(blocks=tuple(blocks[:MAX_BLOCKS]))


# Concepts ----------------------------------------------------------------------------------------


def _concepts(phrases: Sequence[str], vocabulary: Vocabulary | None) -> list[list[str]]:
    """Groups of alternatives, all groups required.

    Several phrases are alternatives, one group. A single phrase that joins concepts by `and` or `with`
    gives a group for each part that the vocabulary knows: *dementia* and *atrial fibrillation* must both
    occur. A part it does not know would be searched by its very words, and lose what is worded otherwise:
    where another part is known, it is left to screening.
    """
    if len(phrases) == 1 and vocabulary is not None:
        parts = [
            part for part in map(_core, _AND.split(_plain(phrases[0]))) if part and not _SPLIT.search(part)
        ]
        known = [
            part for part in parts if _heading(expanded(part), vocabulary) and _says_something(words(part))
        ]
        if len(parts) > 1 and known:
            return [[part] for part in dict.fromkeys(known)][:3]
    found = [piece for phrase in phrases for piece in _alternatives(phrase, vocabulary)]
    return [list(dict.fromkeys(found))] if found else []


def _plain(phrase: str) -> str:
    """Without what is excluded or only feared; an aside in brackets is an alternative, kept by `_alternatives`."""
    return _LESS.sub("", _ASIDE.sub(" ", phrase)).strip()


def _alternatives(phrase: str, vocabulary: Vocabulary | None) -> Iterator[str]:
    asides = [inner for inner in _ASIDE.findall(phrase) if len(inner.split()) <= LONGEST]
    parts = [
        piece
        for text in (_plain(phrase), *asides)
        for part in _SPLIT.split(text)
        for piece in _AND.split(part)
    ]
    for core in map(_core, parts):
        if not core or not _says_something(words(core)):
            continue
        if len(words(core)) <= LONGEST:
            yield core
        else:
            yield from _from_clause(core, vocabulary)


def _core(part: str) -> str:
    """A phrase without those who have it and without leading small words: `adults with suspected CKD` is `CKD`."""
    kept = [word for word in part.replace("\N{EN DASH}", "-").split() if not _is_for_people(word)]
    while kept and _leading(kept[0]):
        kept.pop(0)
    while kept and (kept[-1].lower() in STOP or not words(kept[-1])):
        kept.pop()
    return " ".join(kept).strip(" .,:;?'\"")


def _is_for_people(word: str) -> bool:
    """`Adults`, and `and/or` between two of them."""
    parts = words(word)
    return any(part in PEOPLE for part in parts) or (len(parts) > 1 and all(part in STOP for part in parts))


def _leading(word: str) -> bool:
    plain = word.strip(".,:;?'\"").lower()
    return (
        plain in STOP
        or plain in ("suspected", "diagnosed", "established", "confirmed")
        or plain in _GENERIC_LEAD
    )


_GENERIC_LEAD = frozenset(
    {"treatment", "use", "management", "therapy", "aged", "adult", "undergoing", "receiving"}
)


def _from_clause(clause: str, vocabulary: Vocabulary | None) -> Iterator[str]:
    """The concepts of a long clause: the headings named in it, else its pieces between small words."""
    if vocabulary is not None:
        named = [found.name for found in vocabulary.find_in(expanded(clause)) if telling(found.name)]
        specific = [name for name in named if any(word not in GENERIC for word in words(name))]
        if specific:
            yield from specific[:4]
            return
    for piece in map(_core, _CLAUSE.split(clause)):
        if piece and _says_something(words(piece)):
            yield " ".join(piece.split()[-LONGEST:])


def _says_something(parts: Sequence[str]) -> bool:
    content = [word for word in parts if word not in STOP and word not in GENERIC and not word.isdigit()]
    return any(len(word) > 1 for word in content)


# Terms -------------------------------------------------------------------------------------------


def _terms(concepts: Sequence[str], vocabulary: Vocabulary | None) -> tuple[str, ...]:
    """The terms of a block: first what every concept needs, then the rest, so that no concept is cut off."""
    terms = _Terms()
    full = [expanded(concept) for concept in concepts]
    for concept, written in zip(concepts, full, strict=True):
        _own(concept, written, terms, vocabulary)
    for written in full:
        _broader(written, terms, vocabulary)
    for written in full:
        _synonyms(written, terms, vocabulary)
    for written in full:
        _near(written, terms)
    return tuple(terms.kept)


def _heading(written: str, vocabulary: Vocabulary | None) -> Descriptor | None:
    """The heading of a phrase, also without a last `disease`: MeSH has `Peptic Ulcer` alone."""
    if vocabulary is None:
        return None
    short = re.sub(r" (?:diseases?|disorders?|patients?|conditions?)$", "", written, flags=re.IGNORECASE)
    found = (vocabulary.lookup(name) for name in dict.fromkeys((written, short, *_variants(written))))
    return next((heading for heading in found if heading is not None), None)


def _unqualified(written: str) -> str:
    """The phrase without words such as `chronic`; empty when there are none, or nothing would be left."""
    parts = written.split()
    rest = [word for word in parts if word.lower() not in QUALIFIERS]
    return " ".join(rest) if len(rest) < len(parts) and _says_something([w.lower() for w in rest]) else ""


def _own(concept: str, written: str, terms: _Terms, vocabulary: Vocabulary | None) -> None:
    """The heading, and the phrase in its spellings and truncated."""
    if (heading := _heading(written, vocabulary)) is not None:
        terms.add(f'"{heading.name}"[mh]')
    if concept != written and _is_abbreviation(concept):
        terms.add(f"{concept}[tiab]")
    for phrase in _variants(written):
        terms.add_phrase(phrase)


def _is_abbreviation(text: str) -> bool:
    return " " not in text and len(text) > 1 and any(char.isupper() for char in text[1:])


def _variants(phrase: str) -> list[str]:
    """Spellings and organ names: kidney and renal, haemorrhage and hemorrhage; nearest first."""
    parts = phrase.split()
    options = [
        (word, *SYNONYMS.get(word.lower(), ())) if len(parts) <= LONGEST else (word,) for word in parts
    ]
    swapped = [" ".join(choice) for choice in product(*options)][:8]
    return list(dict.fromkeys(spelling for one in swapped for spelling in spellings(one)))


def _broader(written: str, terms: _Terms, vocabulary: Vocabulary | None) -> None:
    """The phrase without its qualifiers; and of what no heading names, the heading of its last word."""
    shorter = _unqualified(written)
    turned = _OF_PHRASE.match(written)
    if shorter:
        _own(shorter, shorter, terms, vocabulary)
    if turned:
        for phrase in _variants(f"{turned[2]} {turned[1]}"):
            terms.add_phrase(phrase)
    if vocabulary is None or _heading(written, vocabulary) or (shorter and _heading(shorter, vocabulary)):
        return
    last = turned[1] if turned else written.split()[-1]
    head = vocabulary.lookup(last) if last != written else None
    if head is not None and _says_something(words(last)):
        terms.add(f'"{head.name}"[mh]')
        terms.add(_tiab(last).replace("[tiab]", "[ti]"))


def _synonyms(written: str, terms: _Terms, vocabulary: Vocabulary | None) -> None:
    """Entry terms and narrower headings as text words: new records have no headings yet."""
    for phrase in filter(None, (written, _unqualified(written))):
        heading = _heading(phrase, vocabulary)
        if vocabulary is None or heading is None:
            continue
        # Names of substances have no plural, and a truncated one is the beginning of another.
        open_end = not any(number.startswith("D") for number in heading.tree_numbers)
        entries = [heading.name, *vocabulary.entry_terms(heading.name)]
        for term in (
            *_natural(entries)[:MAX_ENTRY_TERMS],
            *_natural(_nearest(heading, vocabulary))[:MAX_NARROWER],
        ):
            terms.add_phrase(term, open_end)


def _nearest(heading: Descriptor, vocabulary: Vocabulary) -> list[str]:
    """Narrower headings by levels below, the nearest first."""
    depth = {}
    for name in vocabulary.explode(heading.name):
        below = vocabulary.descriptor(name)
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


def _near(written: str, terms: _Terms) -> None:
    """The telling words close together, in either order; PubMed takes no asterisk there."""
    for phrase in _variants(written):
        kept = [
            word for word in phrase.split() if word.lower() not in QUALIFIERS and word.lower() not in STOP
        ]
        parts = words(" ".join(kept))
        if len(kept) > 1 and len(parts) <= LONGEST and _says_something(parts):
            terms.add(f'"{" ".join(parts)}"[tiab:~{NEAR}]')


def _tiab(phrase: str, open_end: bool = True) -> str:
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
