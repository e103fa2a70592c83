"""Task `screen` by rules: a verdict per criterion, with the sentence that supports it.

The words of a criterion, its terms and the vocabulary's synonyms are looked for; where they do not
settle it, sentences are compared with it by their embeddings. NO (or YES to an exclusion) needs positive
evidence of the contrary, since a missed study is the worst mistake: silence is UNCERTAIN.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from model.baseline.criteria import Concept, Prepared, prepare
from model.baseline.cues import Sign, contradicts, signs
from model.baseline.kinds import DESIGNS
from model.baseline.reading import Hit, Reading, read
from model.baseline.words import telling
from model.embedding import Vectors
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tools.schemas import Criterion, Label
from tools.search.vocabulary import Vocabulary

__all__ = ["Encode", "Screener"]

Encode = Callable[[Sequence[str]], Vectors]
"""Embeds texts, perhaps together with those of other records."""

RATIONALE = "Rules, no language model: "

FULL = 0.999
PART = 0.5
"""Share of a criterion's concepts that must be found for YES and for PARTIAL."""

NEAR_TEXT = 0.30
"""Cosine of record and criterion from which its sentences are looked at; most pairs lie below."""

NEAR_SENTENCE = 0.55
"""Cosine of sentence and criterion from which they speak of the same thing. MiniLM puts two sentences of
one field at 0.2 to 0.4, paraphrases at 0.6 and above."""

CANDIDATES = 3
"""Sentences per record that are compared."""


@dataclass(frozen=True)
class _Found:
    """A label with its evidence, before it is worded."""

    label: Label
    confidence: float
    why: str
    quote: str = ""


class Screener:
    """Judges records. Criteria are taken apart once and kept."""

    def __init__(self, vocabulary: Vocabulary | None) -> None:
        self._prepare = lru_cache(maxsize=512)(lambda criterion: prepare(criterion, vocabulary))

    def judge(self, asked: ScreenInput, encode: Encode) -> ScreenAnswer:
        """Every criterion, in the order asked."""
        reading = read(asked.text, asked.title)
        prepared = [self._prepare(criterion) for criterion in asked.criteria]
        found = signs(reading, asked.publication_types, asked.mesh)
        wanted = [p for p in prepared if p.criterion.kind == "include"]
        verdicts = {p.criterion.id: _lexical(p, reading, found, wanted) for p in prepared}
        open_ = [p.criterion for p in prepared if _worth_comparing(p, verdicts[p.criterion.id])]
        if open_ and reading.spans:
            verdicts |= _semantic(open_, reading, encode)
        return ScreenAnswer(verdicts=tuple(_worded(c, verdicts[c.id]) for c in asked.criteria))


def _worded(criterion: Criterion, found: _Found) -> Judgement:
    return Judgement(
        criterion_id=criterion.id,
        label=found.label,
        quote="" if found.label == "UNCERTAIN" else found.quote,
        rationale=(RATIONALE + found.why)[:600],
        confidence=round(found.confidence, 3),
    )


# Words -------------------------------------------------------------------------------------------


def _lexical(
    prepared: Prepared, reading: Reading, found: dict[str, Sign], wanted: Sequence[Prepared]
) -> _Found:
    if not reading.spans:
        return _Found("UNCERTAIN", 0.0, "there is no text to read.")
    if prepared.criterion.kind == "include":
        return _inclusion(prepared, reading, found)
    return _exclusion(prepared, reading, found, wanted)


def _inclusion(prepared: Prepared, reading: Reading, found: dict[str, Sign]) -> _Found:
    if prepared.denied:
        return _denied_inclusion(prepared, found)
    against = _contradiction(prepared, found)
    by_kind = _by_kind(prepared, found)
    if by_kind is not None and by_kind.label == "YES":
        return by_kind
    topical = _topical(prepared.concepts, reading)
    if prepared.prose and topical.label == "YES":
        topical = replace(topical, label="PARTIAL", confidence=0.3)
    # Words of a criterion do not make up for animals in the place of people.
    if against is not None and (topical.label != "YES" or not prepared.only_kinds):
        return against
    return by_kind if by_kind is not None and topical.label == "UNCERTAIN" else topical


def _denied_inclusion(prepared: Prepared, found: dict[str, Sign]) -> _Found:
    """ "Reviews are not eligible", put among the inclusion criteria: an exclusion, its verdict turned."""
    kind = _excluded_kind(prepared, found, ())
    if kind is not None and kind.label == "YES":
        return replace(kind, label="NO")
    # "No stroke" and "strokes were rare" look alike to rules.
    return _Found("UNCERTAIN", 0.0, "a criterion that denies something is for a person.")


def _exclusion(
    prepared: Prepared, reading: Reading, found: dict[str, Sign], wanted: Sequence[Prepared]
) -> _Found:
    """YES only on a sure sign, or on words in the title, with nothing there that speaks for inclusion."""
    topical = _topical(prepared.concepts, reading)
    if prepared.denied:
        if topical.label == "YES":
            return replace(topical, label="NO", why=f"what must not be missing is there: {topical.why}")
        return _Found("UNCERTAIN", 0.0, "that something is missing cannot be seen by rules.")
    if prepared.prose:
        return _Found("UNCERTAIN", 0.0, "too long a text for rules; for a person.")
    kind = _excluded_kind(prepared, found, wanted)
    if kind is not None:
        return kind
    if topical.label == "YES" and prepared.criterion.terms:
        return _excluded_topic(prepared, topical, reading, wanted)
    if topical.label in ("YES", "PARTIAL"):
        return replace(topical, label="PARTIAL" if topical.label == "YES" else "UNCERTAIN")
    other = _other_design(prepared, found)
    return other or topical


def _excluded_kind(prepared: Prepared, found: dict[str, Sign], wanted: Sequence[Prepared]) -> _Found | None:
    welcome = frozenset().union(*(p.kinds for p in wanted)) if wanted else frozenset()
    for name in sorted(prepared.kinds & found.keys()):
        sign = found[name]
        if name in welcome or any(kind in found and found[kind].sure for kind in welcome & DESIGNS):
            continue
        if name == "child" and "adult" in found:
            continue
        certain = sign.sure and (name not in ("child", "adult", "cohort", "cross_sectional") or sign.in_title)
        return _Found(
            "YES" if certain else "PARTIAL",
            0.85 if certain else 0.4,
            f"{_plain(name)}: {sign.why}.",
            sign.quote,
        )
    return None


def _excluded_topic(
    prepared: Prepared, topical: _Found, reading: Reading, wanted: Sequence[Prepared]
) -> _Found:
    element = prepared.criterion.element
    rivals = [p for p in wanted if p.criterion.element == element and p.concepts]
    title = read(reading.title)
    # A study that measures what is not asked for may measure what is, too.
    if element in ("outcome", "comparator", "comparison"):
        return replace(topical, label="PARTIAL", confidence=0.3)
    # Term by term and word for word: without its small words, "we report a case" is in "120 cases", too.
    in_title = any(_verbatim(term).search(reading.title) for term in prepared.criterion.terms)
    if in_title and not any(_topical(rival.concepts, title).label == "YES" for rival in rivals):
        return replace(topical, confidence=0.7, why=f"named in the title: {topical.why}")
    return replace(
        topical, label="PARTIAL", confidence=0.3, why=f"mentioned, not in the title alone: {topical.why}"
    )


def _verbatim(term: str) -> re.Pattern[str]:
    """A reviewer's term as whole words in any case, singular or plural."""
    words = [re.escape(word) for word in re.split(r"[\s-]+", term.strip())]
    return re.compile(r"\b" + r"[\s-]+".join(words) + r"(?:e?s)?\b", re.IGNORECASE)


def _other_design(prepared: Prepared, found: dict[str, Sign]) -> _Found | None:
    """NO to an exclusion by design: the report shows another one."""
    if not prepared.only_kinds or not prepared.kinds & DESIGNS:
        return None
    for name in ("trial", "cohort", "case_control", "cross_sectional", "systematic_review", "qualitative"):
        sign = found.get(name)
        if sign is not None and sign.sure and name not in prepared.kinds and sign.quote:
            return _Found("NO", 0.7, f"{_plain(name)} instead: {sign.why}.", sign.quote)
    return None


def _by_kind(prepared: Prepared, found: dict[str, Sign]) -> _Found | None:
    """What signs of the wanted kinds say; the surest first."""
    wanted = [found[name] for name in sorted(prepared.kinds & found.keys())]
    if not prepared.only_kinds:  # adults are wanted, and something else too: the words decide
        wanted = [sign for sign in wanted if sign.kind in DESIGNS]
        if prepared.concepts and not prepared.criterion.terms:
            return None
    if not wanted:
        return None
    best = max(wanted, key=lambda sign: (sign.sure, sign.in_title))
    label: Label = "YES" if best.sure else "PARTIAL"
    return _Found(
        label,
        0.9 if best.in_title else 0.75 if best.sure else 0.45,
        f"{_plain(best.kind)}: {best.why}.",
        best.quote,
    )


def _contradiction(prepared: Prepared, found: dict[str, Sign]) -> _Found | None:
    """Positive evidence that an inclusion criterion cannot be met."""
    designs = prepared.kinds & DESIGNS
    for sign in found.values():
        if prepared.only_kinds and contradicts(sign, designs, found):
            return _Found("NO", 0.8, f"{_plain(sign.kind)}: {sign.why}.", sign.quote)
    animal, child, adult = (found.get(name) for name in ("animal", "child", "adult"))
    if animal and animal.sure and prepared.about_people and "animal" not in prepared.kinds:
        return _Found("NO", 0.85, f"studied in animals: {animal.why}.", animal.quote)
    if child and child.in_title and adult is None and prepared.ages == {"adult"}:
        return _Found("NO", 0.75, f"studied in children only: {child.why}.", child.quote)
    if adult and adult.in_title and child is None and prepared.ages == {"child"}:
        return _Found("NO", 0.7, f"studied in adults only: {adult.why}.", adult.quote)
    return None


def _topical(concepts: Sequence[Concept], reading: Reading) -> _Found:
    """How many of the concepts occur, affirmed; the sentence of the best supported one is the evidence."""
    if not concepts:
        return _Found("UNCERTAIN", 0.0, "its words are too general to look for.")
    hits = [_best(concept, reading) for concept in concepts]
    shares = [0.0 if hit is None or hit.denied else hit.share for hit in hits]
    share = sum(shares) / len(shares)
    best = max(range(len(hits)), key=lambda i: (shares[i], -i))
    hit = hits[best]
    if hit is None or share < PART:
        return _Found("UNCERTAIN", share, "too few of its words occur.")
    missing = [c.label for c, s in zip(concepts, shares, strict=True) if s < FULL]
    where = "title" if reading.in_title(hit.sentence) else "text"
    lacking = f"; not found: {'; '.join(missing)[:200]}" if missing else ""
    why = f"{concepts[best].label[:200]!r} in the {where}{lacking}"
    if share >= FULL:
        return _Found("YES", 0.9 if where == "title" else 0.75, f"{why}.", reading.quote(hit.sentence))
    return _Found("PARTIAL", 0.6 * share, f"{why}.", reading.quote(hit.sentence))


def _best(concept: Concept, reading: Reading) -> Hit | None:
    """The best sentence of any of its phrases. Of two words one alone proves nothing."""
    found = [(phrase, reading.find(phrase)) for phrase in concept.phrases]
    hits = [hit for phrase, hit in found if hit is not None and (hit.share >= FULL or len(phrase) > 2)]
    return max(hits, key=lambda hit: (not hit.denied, hit.share, -hit.sentence), default=None)


def _plain(kind: str) -> str:
    return kind.replace("_", " ")


# Meaning -----------------------------------------------------------------------------------------


def _worth_comparing(prepared: Prepared, found: _Found) -> bool:
    """Whether embeddings can add something: they know likeness, neither denial nor design."""
    topic = bool(prepared.concepts) and not prepared.only_kinds and not prepared.denied
    return topic and found.label == "UNCERTAIN" and prepared.criterion.kind == "include"


def _semantic(criteria: Sequence[Criterion], reading: Reading, encode: Encode) -> dict[str, _Found]:
    """PARTIAL for criteria that a sentence is much like; likeness alone is never a YES."""
    statements = encode([criterion.text for criterion in criteria])
    whole = (encode([reading.text]))[0]
    near = [i for i, similarity in enumerate(statements @ whole) if similarity >= NEAR_TEXT]
    if not near:
        return {}
    chosen = _candidates([criteria[i] for i in near], reading)
    vectors = encode([reading.sentence(index) for index in chosen])
    verdicts = {}
    for i in near:
        cosines = vectors @ statements[i]
        best = int(np.argmax(cosines))
        if (cosine := float(cosines[best])) >= NEAR_SENTENCE:
            why = f"a sentence is like the criterion (cosine {cosine:.2f})."
            verdicts[criteria[i].id] = _Found("PARTIAL", cosine / 2, why, reading.quote(chosen[best]))
    return verdicts


def _candidates(criteria: Sequence[Criterion], reading: Reading) -> list[int]:
    """The title, and the sentences that share most words with the criteria."""
    wanted = [word for criterion in criteria for word in telling(criterion.text)]
    return list(dict.fromkeys([0, *reading.overlap(wanted)]))[:CANDIDATES]
