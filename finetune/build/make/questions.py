"""Instructions of the task `question`: a plain question about a comparison, and some records that may answer it.

Question and answer come from what people read in reports (Evidence Inference 2.0, see `directions`): who asks whether
an intervention changes an outcome gets what people found, with the passage they marked. The sources are the abstract of
that report among abstracts of others that are near in topic. Where that report is not among the sources, and no other
source names intervention and outcome, the right answer is that it is not in the records.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from finetune.build.kinds import Shard
from finetune.build.make import annotated as read
from finetune.build.make.directions import Asked, asked_in, contradicts
from finetune.instructions import About, Instruction, Refusal, instruction
from model.tasks.direction import Direction
from model.tasks.question import TASK, QuestionAnswer, QuestionInput, SourceText, Statement
from tools.fulltext import relevance
from tools.schemas import Record

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Questions", "Settings"]

LONGEST = 600
"""Characters of a quote (`model.tasks.question`)."""
MOST_WORDS = 20
"""Of a name in a plain question."""
NAMED = 0.6
"""Share of the telling words of a name that a quote must have, and that no other source may have."""

WORDINGS = (
    "What is the effect of {intervention} on {outcome}, compared with {comparator}?",
    "Does {intervention} change {outcome} compared with {comparator}?",
    "Compared with {comparator}, how does {intervention} affect {outcome}?",
    "Is there a difference in {outcome} between {intervention} and {comparator}?",
    "{intervention} versus {comparator}: what was found for {outcome}?",
    "Which evidence is there that {intervention} raises or lowers {outcome}, against {comparator}?",
)
FOUND: dict[Direction, str] = {
    "increased": "In this study {outcome} was significantly higher or more frequent with {intervention} than with "
    "{comparator}.",
    "decreased": "In this study {outcome} was significantly lower or less frequent with {intervention} than with "
    "{comparator}.",
    "no_difference": "This study found no significant difference in {outcome} between {intervention} and {comparator}.",
}


@dataclass(frozen=True)
class Settings:
    """How the sources of a question are chosen."""

    sources: int = 5
    """At most so many."""
    characters: int = 12_000
    """Of all sources together: some 3,000 tokens, so that a question fits a context of 4,096."""
    absent_of: int = 8
    """In one of so many questions the report that answers it is left out."""


class _Text(NamedTuple):
    """An abstract that can be a source."""

    record: Record
    weights: dict[str, float]
    """Stem to weight; their squares sum to 1."""


class Questions:
    """The maker. It asks no engine."""

    name = "questions"

    def __init__(self, settings: Settings | None = None) -> None:
        """
        Args:
            settings: number and length of the sources.
        """
        self._settings = settings or Settings()

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """Instructions of one part of the annotations; the other sources come from all of them."""
        shelf = _Shelf(corpus)
        for one in asked_in(corpus, shard):
            if not isinstance(one, Refusal):
                yield self._made(one, shelf)

    def _made(self, one: Asked, shelf: _Shelf) -> Instruction | Refusal:
        if any(len(name.split()) > MOST_WORDS for name in one.words):
            return _refused(one, "a name too long for a plain question")
        own = shelf.of(one)
        if own is None:
            return _refused(one, "no abstract of the report")
        if read.nth(f"absent {one.annotation.annotation_id}", self._settings.absent_of) == 0:
            return self._absent(one, own, shelf)
        quote = _quote(one, own.record)
        if quote is None:
            return _refused(
                one, "no marked passage of the abstract names the outcome and tells what was found"
            )
        others = self._others(one, own, shelf, len(own.record.text))
        if not others:
            return _refused(one, "no other source that is near in topic and does not answer")
        names = _names(one)
        answer = QuestionAnswer(
            status="answered",
            statements=(
                Statement(
                    record_id=own.record.record_id, quote=quote, text=FOUND[one.direction].format(**names)
                ),
            ),
        )
        sources = _mixed([own, *others], one)
        why = f"annotators said {one.annotation.body['label']!r} and marked the quote"
        origin = self._about(one, "questions-answered", sources, why)
        return instruction(TASK.id, _question(one, names, sources), answer, origin)

    def _absent(self, one: Asked, own: _Text, shelf: _Shelf) -> Instruction | Refusal:
        others = self._others(one, own, shelf, 0)
        if not others:
            return _refused(one, "no other source that is near in topic and does not answer")
        sources = _mixed(others, one)
        why = "the report that answers it is not among the sources, and none of them names intervention and outcome"
        origin = self._about(one, "questions-absent", sources, why)
        answer = QuestionAnswer(status="not_in_the_records")
        return instruction(TASK.id, _question(one, _names(one), sources), answer, origin)

    def _others(self, one: Asked, own: _Text, shelf: _Shelf, taken: int) -> list[_Text]:
        """The nearest abstracts that do not speak of the same comparison, as many as fit."""
        most = 1 + read.nth(f"sources {one.annotation.annotation_id}", max(1, self._settings.sources - 1))
        kept: list[_Text] = []
        left = self._settings.characters - taken
        for other in shelf.near(own):
            if len(kept) == most:
                break
            if len(other.record.text) <= left and not _answers(one, other.record):
                kept.append(other)
                left -= len(other.record.text)
        return kept

    def _about(self, one: Asked, how: str, sources: Sequence[_Text], *why: str) -> About:
        records = [each.record for each in sources]
        own = read.studies_of(one.annotation, None, None)
        named = [f"pmid:{r.pmid}" for r in records if r.pmid] + [
            f"pmcid:{r.pmcid}" for r in records if r.pmcid
        ]
        years = [record.year for record in records if record.year is not None]
        return About(
            source=one.annotation.source,
            licence=one.annotation.licence,
            how=how,
            studies=tuple(dict.fromkeys((*own, *named))),
            year=max(years, default=None),
            evidence=why,
        )


def _question(one: Asked, names: dict[str, str], sources: Sequence[_Text]) -> QuestionInput:
    wording = WORDINGS[read.nth(f"wording {one.annotation.annotation_id}", len(WORDINGS))]
    said = wording.format(**names)
    return QuestionInput(
        question=said[0].upper() + said[1:],
        sources=tuple(
            SourceText(record_id=r.record_id, title=r.title, text=r.abstract)
            for r in (each.record for each in sources)
        ),
    )


def _names(one: Asked) -> dict[str, str]:
    """The parts of the question as they stand in a sentence."""
    parts = {"intervention": one.intervention, "comparator": one.comparator, "outcome": one.outcome}
    return {name: _in_sentence(said) for name, said in parts.items()}


def _in_sentence(said: str) -> str:
    said = said.rstrip(" .;,")
    first, _, rest = said.partition(" ")
    lower = first.lower() if first.lower() in ("the", "a", "an") or first[1:].islower() else first
    return f"{lower} {rest}".strip()


def _mixed(texts: Sequence[_Text], one: Asked) -> list[_Text]:
    """In an order that tells nothing."""
    return sorted(
        texts, key=lambda t: read.nth(f"{one.annotation.annotation_id} {t.record.record_id}", 10**9)
    )


def _refused(one: Asked, why: str) -> Refusal:
    return read.refused(TASK.id, one.annotation, why)


# Evidence ----------------------------------------------------------------------------------------


def _quote(one: Asked, record: Record) -> str | None:
    """The marked passage in the abstract that names the outcome best; None where none does."""
    text = read.passages_of(record)
    spans = [str(each.get("text", "")).strip() for each in one.annotation.body.get("evidence") or ()]
    places = [read.span_in(span, text, LONGEST) for span in spans if span]
    wanted = read.names(one.outcome, relevance.abbreviations([record.text]))
    found = {
        place[1].text
        for place in places
        if place is not None
        and read.covered(wanted, place[1].text) >= NAMED
        and not contradicts(one, place[1].text)
    }
    return min(found, key=lambda q: (-read.covered(wanted, q), len(q), q), default=None)


def _answers(one: Asked, record: Record) -> bool:
    """Whether another record may speak of the same comparison and outcome."""
    known = relevance.abbreviations([record.text])
    given = read.covered(read.names(_plain(one.intervention), known), record.text)
    return given >= NAMED and read.covered(read.names(one.outcome, known), record.text) > 0


def _plain(name: str) -> str:
    """A name without brackets and doses."""
    short = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\b\d[\d.,/–-]*\s?\w{0,6}\b", " ", name)
    return short if relevance.terms(short) else name


# Near in topic -----------------------------------------------------------------------------------


class _Shelf:
    """The abstracts of all reports that people annotated with a direction, and how near they are to each other."""

    def __init__(self, corpus: Corpus) -> None:
        pmids = {a.pmid for a in corpus.annotations("direction") if a.pmid}
        records = [r for _, r in sorted(corpus.records(sorted(pmids)).items()) if r.abstract.strip()]
        counts = [Counter(relevance.terms(record.text)) for record in records]
        having = Counter(stem for count in counts for stem in count)
        rare = {stem: math.log(1 + len(records) / n) for stem, n in having.items()}
        self._texts = {
            record.pmid: _Text(record, _weights(count, rare))
            for record, count in zip(records, counts, strict=True)
        }
        self._near: dict[str, list[_Text]] = {}

    def of(self, one: Asked) -> _Text | None:
        """The abstract of the report that was asked about."""
        return self._texts.get(one.annotation.pmid)

    def near(self, own: _Text) -> list[_Text]:
        """Other abstracts, nearest first: by the cosine of their stems, rare ones weighing more."""
        name = own.record.record_id
        if name not in self._near:
            others = [other for other in self._texts.values() if other.record.record_id != name]
            others.sort(key=lambda other: (-_cosine(own, other), other.record.record_id))
            self._near = {name: others}  # rows about one report mostly stand together
        return self._near[name]


def _weights(count: Counter[str], rare: dict[str, float]) -> dict[str, float]:
    raw = {stem: (1 + math.log(n)) * rare[stem] for stem, n in sorted(count.items())}
    length = math.sqrt(sum(w * w for w in raw.values())) or 1.0
    return {stem: w / length for stem, w in raw.items()}


def _cosine(one: _Text, other: _Text) -> float:
    return round(sum(w * other.weights.get(stem, 0.0) for stem, w in one.weights.items()), 9)
