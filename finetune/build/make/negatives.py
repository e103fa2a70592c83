"""Which records of a review are asked about: what it included, and hard negatives beside it.

Hard negatives are what a reader could take for an included record. First come records that the reviewers themselves
excluded in the same search, those most like the included ones before the others. A review of which only the included
records are known is given neighbours from the corpus: like its included records, but below a ceiling, since a record
that is very like them may be one that the review would have included had it found it. Such records are *not included*,
and nobody has judged them; an engine must find what rules them out. Some records are drawn at random, so that the far
ones are not forgotten. Everything is a function of the corpus and the settings.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from pydantic import Field

from finetune.build.kinds import Candidate, Review, Shard
from finetune.build.make.judging import studies_of_record
from finetune.build.make.likeness import Alone
from finetune.build.make.second_reading import words_of
from tools.schemas import Frozen, Record, sha256_of

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["DRAWN", "NegativeSettings", "Negatives", "Origin", "Picked", "SetApart"]

Origin = Literal["included", "excluded", "near", "random"]
"""included  by the reviewers
excluded  by the reviewers, of the records that their search found
near      not included, from the corpus, like what was included
random    not included, from the corpus, drawn by chance"""


DRAWN = ("eligibility-near", "eligibility-random")
"""How instructions begin (`About.how`) that ask about a record which was drawn for a review from the whole corpus. One
such record serves many reviews; were they tied together by it, nearly all of a large build would be one component."""


class NegativeSettings(Frozen):
    """How many records of a review are asked about, and which."""

    most_included: int = Field(default=40, ge=0, description="Included records per review.")
    per_included: float = Field(
        default=3.0, ge=0, description="Records not included that are asked about, per included one."
    )
    fewest: int = Field(
        default=20, ge=0, description="Records not included per review, whatever it included."
    )
    most: int = Field(default=120, ge=0, description="Records not included per review, at most.")
    random_share: float = Field(default=0.4, ge=0, le=1, description="Of them, drawn at random.")
    looked_at: int = Field(
        default=120, ge=1, description="Records per review whose likeness is computed, chosen by their words."
    )
    pool: int = Field(
        default=10_000, ge=0, description="Records of the corpus that serve reviews without candidates."
    )
    ceiling: float = Field(
        default=0.75,
        ge=-1,
        le=1,
        description="Cosine with an included record from which an unjudged record is no negative.",
    )


FULL_TEXT, ABSTRACT = "after full text", "by title and abstract"


class Picked(NamedTuple):
    """A record that is asked about."""

    record: Record
    origin: Origin
    stage: str = ""
    """Where the reviewers decided, as it is put in a sentence; empty where nobody did."""
    like: float | None = None
    """Cosine with the nearest included record, where it was computed."""

    @property
    def included(self) -> bool:
        """Whether the review included it."""
        return self.origin == "included"


class SetApart(NamedTuple):
    """A record that is not asked about, and why."""

    record: Record
    why: str


class Negatives:
    """Chooses records. The words of the corpus are read once, when a review without candidates needs them."""

    def __init__(self, likeness: Alone, settings: NegativeSettings | None = None) -> None:
        self.likeness = likeness
        self.settings = settings or NegativeSettings()
        self._pool: _Pool | None = None

    def __call__(self, corpus: Corpus, review: Review) -> tuple[list[Picked], list[SetApart]]:
        """The records to ask about, included ones first, in the order in which they are asked; and the others.

        Records beyond the settings' limits are in neither list: nobody looked at them.
        """
        candidates = corpus.candidates(review.review_id)
        included, apart = _included(corpus, review, candidates)
        included = included[: self.settings.most_included]
        stages = {c.record.record_id: _stage(c) for c in candidates}
        picked = [Picked(r, "included", stages.get(r.record_id, FULL_TEXT)) for r in included]
        told = [c for c in candidates if c.included is False]
        if told:
            excluded, unfit = _excluded(told)
            judged = self._judged(review, included, excluded)
            judged = [one._replace(stage=stages[one.record.record_id]) for one in judged]
            return [*picked, *judged], [*apart, *unfit]
        if not included:
            return picked, apart
        unjudged, unfit = self._unjudged(corpus, review, included)
        return [*picked, *unjudged], [*apart, *unfit]

    def wanted(self, included: int) -> int:
        """How many records that were not included are asked about."""
        settings = self.settings
        return min(settings.most, max(settings.fewest, math.ceil(settings.per_included * included)))

    def _judged(self, review: Review, included: Sequence[Record], excluded: Sequence[Record]) -> list[Picked]:
        near, rest = self._ranked(review, included, excluded)
        drawn = [Picked(record, "excluded") for record in _by_chance(review, rest)]
        return _mixed(
            [one._replace(origin="excluded") for one in near],
            drawn,
            self.wanted(len(included)),
            self.settings.random_share,
        )

    def _unjudged(
        self, corpus: Corpus, review: Review, included: Sequence[Record]
    ) -> tuple[list[Picked], list[SetApart]]:
        if self._pool is None:
            self._pool = _Pool(corpus, self.settings.pool)
        own = _Known(review, included)
        nearest = self._pool.nearest(included, self.settings.looked_at)
        apart = [
            SetApart(record, "same study as an included record") for record in nearest if own.has(record)
        ]
        near, _ = self._ranked(review, included, [record for record in nearest if not own.has(record)])
        above = [one for one in near if (one.like or 0.0) >= self.settings.ceiling]
        apart += [SetApart(one.record, "too like an included record to be called excluded") for one in above]
        fit = [one for one in near if one not in above]
        taken = {record.record_id for record in nearest}
        others = [r for r in self._pool.records if r.record_id not in taken and not own.has(r)]
        drawn = [Picked(record, "random") for record in _by_chance(review, others)]
        return _mixed(fit, drawn, self.wanted(len(included)), self.settings.random_share), apart

    def _ranked(
        self, review: Review, included: Sequence[Record], others: Sequence[Record]
    ) -> tuple[list[Picked], list[Record]]:
        """Others by falling likeness to the nearest included record, as many as are looked at; and the rest."""
        anchors = [record.text for record in included] or [review.question or review.title]
        chosen, rest = _by_words(anchors, others, self.settings.looked_at)
        if not chosen:
            return [], rest
        cosines = self.likeness.encode([r.text for r in chosen]) @ self.likeness.encode(anchors).T
        like = np.round(cosines.max(axis=1).astype(float), 6)
        near = [Picked(record, "near", like=float(one)) for record, one in zip(chosen, like, strict=True)]
        return sorted(near, key=lambda one: (-(one.like or 0.0), one.record.record_id)), rest


# Labelled candidates -----------------------------------------------------------------------------


def _included(
    corpus: Corpus, review: Review, candidates: Sequence[Candidate]
) -> tuple[list[Record], list[SetApart]]:
    """What was included, in an order that depends on the ids alone; and what has nothing to read."""
    found = {c.record.record_id: c.record for c in candidates if c.included}
    pmids = {record.pmid for record in found.values()}
    known = corpus.records(pmid for pmid in review.included if pmid not in pmids)
    records = [*found.values(), *(known[pmid] for pmid in sorted(known))]
    apart = [SetApart(record, "nothing to read") for record in records if not record.text.strip()]
    return _by_chance(review, [record for record in records if record.text.strip()]), apart


def _excluded(told: Iterable[Candidate]) -> tuple[list[Record], list[SetApart]]:
    """What the reviewers excluded on title and abstract, as far as it can be told."""
    fit: list[Record] = []
    apart: list[SetApart] = []
    for candidate in told:
        record = candidate.record
        if candidate.ta and candidate.final is False:
            apart.append(SetApart(record, "excluded after full text, the reason is not in the abstract"))
        elif not record.abstract.strip():
            apart.append(SetApart(record, "no abstract: too little to exclude by"))
        else:
            fit.append(record)
    return fit, apart


def _stage(candidate: Candidate) -> str:
    """Where the reviewers' last word was spoken."""
    if candidate.final is None or (candidate.ta is False and candidate.final is False):
        return ABSTRACT
    if candidate.final is False:
        return "at a stage that is not told"
    return FULL_TEXT


class _Known:
    """The studies of a review, by all their names."""

    def __init__(self, review: Review, included: Sequence[Record]) -> None:
        self.names = {f"pmid:{pmid}" for pmid in review.included}
        self.titles = set()
        for record in included:
            self.names.update(studies_of_record(record))
            self.titles.add(_folded(record.title))

    def has(self, record: Record) -> bool:
        """Whether a record is, or tells of the same study as, what the review included."""
        return (
            bool(self.names.intersection(studies_of_record(record))) or _folded(record.title) in self.titles
        )


def _folded(title: str) -> str:
    return " ".join(title.casefold().strip(" .[]").split())


# Order -------------------------------------------------------------------------------------------


def _by_chance(review: Review, records: Iterable[Record]) -> list[Record]:
    """In an order of its own for each review, whichever way the records came."""
    return sorted(records, key=lambda record: sha256_of([review.review_id, record.record_id]))


def _mixed(near: Sequence[Picked], drawn: Sequence[Picked], wanted: int, share: float) -> list[Picked]:
    """Near and drawn ones in turn by their share, none twice, until enough; where one kind runs out, the other."""
    queues = {"near": list(near), "drawn": list(drawn)}
    mixed: list[Picked] = []
    taken: set[str] = set()
    draws = 0
    while len(mixed) < wanted and (queues["near"] or queues["drawn"]):
        draw = bool(queues["drawn"]) and (draws < share * (len(mixed) + 1) - 1e-9 or not queues["near"])
        one = queues["drawn" if draw else "near"].pop(0)
        if one.record.record_id not in taken:
            taken.add(one.record.record_id)
            mixed.append(one)
            draws += draw
    return mixed


def _by_words(
    anchors: Sequence[str], records: Sequence[Record], most: int
) -> tuple[list[Record], list[Record]]:
    """The records that share most of the anchors' rarer words, and the rest; ties by id."""
    if len(records) <= most:
        return sorted(records, key=lambda record: record.record_id), []
    words = {record.record_id: words_of(record.text) for record in records}
    weights = _rarity(words.values())
    wanted = frozenset[str]().union(*(words_of(anchor) for anchor in anchors))
    score = {
        name: math.fsum(weights[word] for word in own & wanted) / math.sqrt(1 + len(own))
        for name, own in words.items()
    }
    ranked = sorted(records, key=lambda record: (-round(score[record.record_id], 9), record.record_id))
    return ranked[:most], ranked[most:]


def _rarity(texts: Iterable[frozenset[str]]) -> Mapping[str, float]:
    counts: Counter[str] = Counter()
    total = 0
    for words in texts:
        counts.update(words)
        total += 1
    return {word: math.log((total + 1) / (count + 1)) + 1 for word, count in counts.items()}


SAMPLED = 100
"""Records that are looked at, at most, for each that the pool takes."""


class _Pool:
    """Records of the corpus with an abstract, and an index of their words."""

    def __init__(self, corpus: Corpus, most: int) -> None:
        # Of a corpus as large as PubMed a share is enough to choose from, and is read in minutes.
        share = Shard(0, corpus.share_of(SAMPLED * most)) if most else Shard()
        whole = (record for record in corpus.all_records(share) if record.abstract.strip())
        self.records = tuple(heapq.nsmallest(most, whole, key=lambda record: sha256_of(record.record_id)))
        self._words = [words_of(record.text) for record in self.records]
        self._weights = _rarity(self._words)
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, words in enumerate(self._words):
            for word in words:
                self._places[word].append(place)

    def nearest(self, included: Sequence[Record], most: int) -> list[Record]:
        """The records that share most of the included ones' rarer words; ties by place."""
        wanted = frozenset[str]().union(*(words_of(record.text) for record in included))
        score: dict[int, float] = defaultdict(float)
        for word in sorted(wanted):
            for place in self._places.get(word, ()):
                score[place] += self._weights[word]
        ranked = sorted(
            score, key=lambda place: (-round(score[place] / math.sqrt(1 + len(self._words[place])), 9), place)
        )
        return [self.records[place] for place in ranked[:most]]
