"""The concepts of a question: which of its phrases must occur together, which stand for one another. Pure rules.

A strategy needs few concepts: who or what is studied, and what is done to them. Each more is ANDed and
loses studies whose abstract does not mention it, so what is said of people in general, of designs, of
outcomes and of aspects such as safety is left to screening, and said so (Cochrane Handbook 4.4.2).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.baseline.query_headings import Lookup
from model.baseline.words import GENERIC, PEOPLE, QUALIFIERS, STOP, VAGUE, fold, folded_words
from model.tasks.query import QueryInput
from tools.search.vocabulary import words

__all__ = ["LONGEST", "Wanted", "says_something", "wanted"]

LONGEST = 5
"""Words of a phrase that is searched as it stands; longer ones are clauses, and taken apart."""

MOST_OF_TITLE = 3
"""Blocks from a title alone: the further ones are mostly circumstances."""

SHORTEST = 6
"""Letters of a topic that no heading names."""

MOST_TOGETHER = 2
"""Blocks from those who are studied."""

_SPLIT = re.compile(
    r"[;\n]|,\s|\s+(?:or|and/or|versus|vs\.?|compared (?:with|to))\s+|\s/\s|(?<=[a-z]{4})/(?=[a-z]{4})",
    re.IGNORECASE,
)
_AND = re.compile(r"\s+and\s+|\s+&\s+", re.IGNORECASE)
_TOGETHER = re.compile(
    r"\s+and\s+(?!/)|\s+(?:who are )?(?:currently )?(?:being )?"
    r"(?:with|who have|having|undergoing|receiving|taking|treated with|on)\s+",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\s+(?:(?:delivered|based|given|provided|administered|performed|presenting|resulting|compared|combined) (?=\w+ ))?"
    r"(?:of|in|for|to|by|from|among|during|after|before|with|on|at|as|and|who|that|which|between|within"
    r"|using|through|without|towards?|into|via|prevents?|reduces?|improves?|affects?|is|are|be|can|does|do)\s+",
    re.IGNORECASE,
)
_LESS = re.compile(
    r"\b(?:and )?(?:(?:for|in|to) whom|whose|at risk (?:for|of)|without|no|not|except|excluding|other than"
    r"|indications? for|aged (?=\d)|(?:of|at) (?:any|all) \w+)\b.*",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"[<>=\u2264\u2265%]|\b\d+ (?:years?|months?|weeks?|days?|mg|g|ml)\b|^e\.?g|^i\.?e", re.IGNORECASE
)
"""An aside that limits: no other name of what stands before it."""

_ASIDE = re.compile(r"\(([^()]*)\)")
_ACT = re.compile(
    r"^(?:(?:routine|systematic(?:al)?|long-term|short-term|early|continued|regular) )?(?:discontinuation|withdrawal"
    r"|cessation|initiation|continuation|administration|prescription|provision|implementation|introduction|use"
    r"|usage|management|treatment|therapy|effects?|efficacy|effectiveness|safety|benefits?|harms?|impact"
    r"|role|prevalence|incidence|prevention|diagnosis|detection|rates?|types?|forms?|levels?|addition)"
    r" (?:of|with|by|using|for) (?:the |an? )?",
    re.IGNORECASE,
)
"""What is done with an intervention, or asked about it; what follows is the concept."""

_DESIGN = re.compile(
    r"\b(?:(?:a|an|the) )?(?:(?:rapid|living|updated?|scoping|systematic|umbrella|narrative|integrative"
    r"|mixed[- ]methods|critical|literature|network|individual patient data|cochrane|drug class|evidence"
    r"|comparative effectiveness) )*"
    r"(?:reviews?|meta[- ]?analys[ei]s|overviews?|synthes[ei]s|mapping|maps?|protocols?"
    r"|randomi[sz]ed (?:controlled |clinical )*(?:trials?|studies)|(?:controlled|clinical|observational|cohort"
    r"|case[- ]control|cross-sectional|quantitative|qualitative|controlled) (?:trials?|studies))\b"
    r"(?: (?:and|of|with)(?= |$))?",
    re.IGNORECASE,
)
"""Designs, of the review or of its studies: never a concept of the question."""

_ASPECTS = (
    "E05.318", "E05.337", "E05.581", "H", "K", "M01", "N01.224", "N03.219", "N03.349", "N05", "N06.850.135",
    "N06.850.490", "N06.850.505", "N06.850.520", "V",
)  # fmt: skip
"""Trees of MeSH that say how, by whom and how well something is studied: statistics, quality, persons, designs."""


@dataclass(frozen=True)
class Wanted:
    """A block that is wanted: its name, and the concepts that stand for one another in it."""

    name: str
    concepts: tuple[str, ...]


def wanted(asked: QueryInput, lookup: Lookup) -> tuple[tuple[Wanted, ...], tuple[str, ...]]:
    """The blocks of a question, from its elements or, where none is filled, from its title; and what was left out."""
    notes: list[str] = []
    blocks: list[Wanted] = []
    elements = {name: phrases for name, phrases in asked.elements.items() if phrases}
    for name, phrases in elements.items():
        groups = _of_element(name, phrases, lookup, notes)
        if not groups:
            notes.append(f"{name}: no word of {'; '.join(phrases)!r} can be searched for; left to screening")
        have = {lookup.key(concept) for block in blocks for concept in block.concepts}
        new = [tuple(c for c in concepts if lookup.key(c) not in have) for concepts in groups]
        for number, concepts in enumerate(filter(None, new), start=1):
            blocks.append(Wanted(name if number == 1 else f"{name} {number}", concepts))
    if asked.title and (not blocks or elements.keys() <= {"population"}):
        blocks += _completed(blocks, _of_title(asked.title, lookup, notes, len(blocks)), lookup)
    return tuple(blocks), tuple(notes)


def _completed(
    blocks: Sequence[Wanted], found: Sequence[tuple[str, ...]], lookup: Lookup
) -> Iterator[Wanted]:
    """What the title names beside those who are studied: one concept more, or all where there is none yet."""
    have = {key for block in blocks for concept in block.concepts for key in _keys(concept, lookup)}
    new = [concepts for concepts in found if not any(have & _keys(c, lookup) for c in concepts)]
    for number, concepts in enumerate(new[: MOST_OF_TITLE if not blocks else 1], start=1):
        yield Wanted("topic" if number == 1 else f"topic {number}", concepts)


def _keys(concept: str, lookup: Lookup) -> frozenset[str]:
    """By what two concepts are seen to overlap: the heading, and the telling words."""
    telling = (word for word in folded_words(concept) if says_something([word]))
    return frozenset((lookup.key(concept), *telling))


def says_something(parts: Sequence[str]) -> bool:
    """Whether some word is more than grammar, people, or what every paper says."""
    return any(
        len(word) > 1
        and not word.isdigit()
        and word not in _SAYS_NOTHING
        and fold(word) not in _SAYS_NOTHING
        and not _ADVERB.fullmatch(word)
        for word in parts
    )


_SAYS_NOTHING = STOP | GENERIC | QUALIFIERS | VAGUE
_ADVERB = re.compile(r"\w{3,}(?:al|ent|ant|ous|ive|ic|ed|mon|ain|ear|ight)ly")


# Elements ----------------------------------------------------------------------------------------


def _of_element(name: str, phrases: Sequence[str], lookup: Lookup, notes: list[str]) -> list[tuple[str, ...]]:
    """Groups of alternatives, all groups required.

    Several phrases are alternatives, one group: but what is common to all of those who are studied is
    required alone. Those who have one thing *and* another are two groups, as far as the vocabulary knows
    them: an unknown part would be searched by its very words, and lose what is worded otherwise.
    """
    joined = [_together(phrase, lookup) for phrase in phrases]
    if all(len(parts) > 1 for parts in joined) or (len(joined) > 1 and any(len(p) > 1 for p in joined)):
        if len(joined) == 1:
            kept = [
                part
                for number, part in enumerate(joined[0][:MOST_TOGETHER])
                if number == 0 or not all(_is_symptom(concept, lookup) for concept in part)
            ]
            _say_left_out(name, [c for part in joined[0] if part not in kept for c in part], notes)
            return kept
        if common := _common(joined, lookup):
            rest = [c for parts in joined for part in parts for c in part if c not in common]
            _say_left_out(name, rest, notes)
            return [common]
    found = list(dict.fromkeys(piece for phrase in phrases for piece in _alternatives(phrase, lookup)))
    telling = [piece for piece in found if not _is_aspect(piece, lookup)]
    if telling and len(telling) < len(found):
        _say_left_out(name, [piece for piece in found if piece not in telling], notes)
    return [tuple(telling or found)] if found else []


def _say_left_out(name: str, concepts: Sequence[str], notes: list[str]) -> None:
    if concepts:
        listed = ", ".join(dict.fromkeys(concepts))
        notes.append(f"{name}: {listed} is not required, as studies may not say so; left to screening")


def _together(phrase: str, lookup: Lookup) -> list[tuple[str, ...]]:
    """What those who are studied have all at once, as far as the vocabulary knows it; empty for others."""
    plain = _plain(phrase)
    if not any(_is_for_people(word) for word in plain.split()):
        return []
    parts = [tuple(_cores(part, lookup)) for part in _TOGETHER.split(plain)]
    known = [
        part
        for part in parts
        if part and any(lookup.heading(one) for one in part) and not all(_is_aspect(c, lookup) for c in part)
    ]
    concepts = list(dict.fromkeys(known))
    lasting = [part for part in concepts if not all(_is_symptom(concept, lookup) for concept in part)]
    return [*lasting, *(part for part in concepts if part not in lasting)] if lasting else concepts


def _is_symptom(concept: str, lookup: Lookup) -> bool:
    """Pain, agitation, seizures: what abstracts about an illness need not name."""
    heading = lookup.heading(concept)
    return heading is not None and any(number.startswith("C23.888") for number in heading.tree_numbers)


def _common(joined: Sequence[Sequence[tuple[str, ...]]], lookup: Lookup) -> tuple[str, ...]:
    """The group that every phrase has, by its headings; empty when there is none."""

    def keys(group: tuple[str, ...]) -> frozenset[str]:
        return frozenset(lookup.key(concept) for concept in group)

    first, *others = (parts for parts in joined)
    for group in first:
        if all(any(keys(group) & keys(other) for other in parts) for parts in others):
            return group
    return ()


def _is_aspect(concept: str, lookup: Lookup) -> bool:
    """Whether it says how something is studied rather than what."""
    heading = lookup.heading(concept)
    if heading is None or not heading.tree_numbers:
        return False
    return all(number.startswith(_ASPECTS) for number in heading.tree_numbers)


def _plain(phrase: str) -> str:
    """Without what is excluded or only feared; an aside in brackets is an alternative, kept by `_alternatives`."""
    return _LESS.sub("", _ASIDE.sub(" ", phrase)).strip()


def _alternatives(phrase: str, lookup: Lookup) -> Iterator[str]:
    asides = [_LESS.sub("", inner) for inner in _ASIDE.findall(phrase)]
    listed = [
        inner
        for inner in asides
        if not _LIMIT.search(inner) and (len(inner.split()) <= LONGEST or "," in inner)
    ]
    for text in (_plain(phrase), *listed):
        yield from _cores(text, lookup)


def _cores(text: str, lookup: Lookup) -> Iterator[str]:
    for part in _SPLIT.split(_DESIGN.sub(" ", text)):
        for piece in _AND.split(part):
            core = _core(piece)
            if not core or not says_something(words(core)):
                continue
            if len(words(core)) <= LONGEST and (not _is_clause(core) or lookup.has(core)):
                yield core
            else:
                yield from _from_clause(core, lookup)


def _is_clause(core: str) -> bool:
    """A phrase with a small word in it, other than in `biopsy of the kidney`."""
    return any(word in STOP and word not in ("of", "the") for word in core.lower().split()[1:-1])


def _core(part: str) -> str:
    """A phrase without those who have it and without leading small words: `adults with suspected CKD` is `CKD`."""
    kept = [word for word in _tidy(part).split() if not _is_for_people(word)]
    while kept and _leading(kept[0]):
        kept.pop(0)
    while kept and (kept[-1].lower() in STOP or not words(kept[-1])):
        kept.pop()
    text = " ".join(kept).strip(" .,:;?'\"")
    shorter = _ACT.sub("", text)
    return _core(shorter) if shorter != text and says_something(words(shorter)) else text


def _tidy(text: str) -> str:
    """One kind of dash and apostrophe, and no trade marks."""
    plain = text.replace("\N{EN DASH}", "-").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return re.sub("[\N{REGISTERED SIGN}\N{TRADE MARK SIGN}]", "", plain)


def _is_for_people(word: str) -> bool:
    """`Adults`, and `and/or` between two of them."""
    parts = words(word)
    return any(part in PEOPLE for part in parts) or (len(parts) > 1 and all(part in STOP for part in parts))


def _leading(word: str) -> bool:
    plain = word.strip(".,:;?'\"").lower()
    return plain in STOP or plain in _LEAD or _DOING.fullmatch(plain) is not None


_DOING = re.compile(
    r"(?:assess|characteri[sz]|compar|confirm|deliver|detect|determin|diagnos|estimat|evaluat|examin|exclud|identify"
    r"|identif|improv|increas|investigat|manag|measur|monitor|predict|prevent|promot|reduc|screen|support|treat"
    r"|understand)(?:ing|e|es)?"
)
"""What a review does with its concepts."""


_LEAD = frozenset(
    {
        "suspected", "diagnosed", "established", "confirmed", "treatment", "use", "management", "therapy", "aged",
        "adult", "undergoing", "receiving", "current", "currently", "being", "different", "various",
    }
)  # fmt: skip


def _from_clause(clause: str, lookup: Lookup) -> Iterator[str]:
    """The concept of a clause: its first piece that has a heading, as English puts the main thing first.

    Without one, the disease named in it, else its first piece. Of a compound without small words only the end
    says what it is: `drug-induced ulcer` is no drug.
    """
    pieces = [piece for piece in map(_core, _CLAUSE.split(clause)) if says_something(words(piece))]
    headed = [
        piece for piece in pieces if lookup.heading(piece) is not None and not _is_aspect(piece, lookup)
    ]
    named = (
        [name for name in lookup.named_in(clause) if says_something(words(name))] if len(pieces) > 1 else []
    )
    for concept in (headed or _diseases_first(named, lookup) or pieces)[:1]:
        yield " ".join(concept.split()[-LONGEST:])


def _diseases_first(names: Sequence[str], lookup: Lookup) -> list[str]:
    def is_other(name: str) -> bool:
        heading = lookup.heading(name)
        return heading is None or not any(number.startswith(("C", "F03")) for number in heading.tree_numbers)

    return sorted(names, key=is_other)


# Title -------------------------------------------------------------------------------------------


def _of_title(title: str, lookup: Lookup, notes: list[str], have: int) -> list[tuple[str, ...]]:
    """The concepts of a title: its pieces between small words, without designs and aspects.

    Those that have a heading are required; phrases without one only where fewer than two have. `have`: blocks
    that there are already.
    """
    text = " ".join(
        _DESIGN.sub(" ", part) for part in re.split(r"[:?.]\s|[:?.]$|\s[-\N{EN DASH}]\s", _tidy(title))
    )
    pieces = [
        tuple(dict.fromkeys(_cores(piece, lookup)))
        for part in re.split(r"\s{2,}", _LESS.sub("", _ASIDE.sub(" ", text)))
        for piece in _pieces(part)
    ]
    found = list(dict.fromkeys(piece for piece in pieces if piece))
    topics = [piece for piece in found if not all(_is_aspect(concept, lookup) for concept in piece)] or found
    headed = [piece for piece in topics if any(lookup.heading(concept) for concept in piece)]
    phrases = [piece for piece in topics if piece not in headed and max(map(len, piece)) >= SHORTEST]
    phrases.sort(key=lambda piece: -max(len(folded_words(concept)) > 1 for concept in piece))
    kept = headed[:MOST_OF_TITLE]
    kept += phrases[: max(0, 2 - have - len(kept))]
    left_out = [concept for piece in found if piece not in kept for concept in piece]
    if not have:
        _say_left_out("title", left_out, notes)
    return kept


def _pieces(text: str) -> list[str]:
    """Between small words; alternatives, joined by `and` or `or`, stay together."""
    return re.split(_CLAUSE.pattern.replace("|and|", "|"), f" {text} ", flags=re.IGNORECASE)
