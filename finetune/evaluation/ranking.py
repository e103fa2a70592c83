"""Screening as LEADS measures it: recall among the first 10, 20, 50 and 100 of a review's candidates, and AUROC.

Records are ranked by LEADS' mean score over the criteria, equals by similarity (mean cosine with title and inclusion
criteria), then by id. Nothing may be won by not answering, so a record without a usable answer has the worst score it
could have been given: an included one stands behind all others and is never found, however short the list; any other
is taken for one that fulfils all criteria. Each review counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune.evaluation.items import asked
from finetune.evaluation.reviews import Candidate, Reviewed, size_of
from finetune.evaluation.sheet import Key, Sheet
from model.embedding import Embedder
from model.engine import Engine, Request
from model.tasks.screen import TASK, ScreenInput
from tools.errors import EngineError
from tools.screening.metrics import auroc
from tools.screening.verdicts import mean_score

__all__ = ["ALONE", "DEPTHS", "Ranked", "measured", "note_ranking", "ranked", "scores_of", "similarities"]

TABLE = "screening"
DEPTHS = (10, 20, 50, 100)
BEST = 1.0
"""The highest mean score."""

ALONE = "similarity alone"
"""The ranking without an engine, as LEADS' `Dense`."""


@dataclass(frozen=True)
class Ranked:
    """A candidate in its place; `place` is shared by those that neither score nor similarity tells apart."""

    record_id: str
    place: int
    included: bool
    answered: bool


def similarities(review: Reviewed, candidates: Sequence[Candidate], embedder: Embedder) -> dict[str, float]:
    """Record id to mean cosine with the review's statements, rounded as the prefilter does."""
    texts = [one.record.text for one in candidates]
    cosines = embedder.encode(texts) @ embedder.encode(review.statements).T
    return {
        one.record.record_id: round(float(mean), 6)
        for one, mean in zip(candidates, cosines.mean(axis=1), strict=True)
    }


def scores_of(
    review: Reviewed, candidates: Sequence[Candidate], engine: Engine, name: str
) -> dict[str, float | None]:
    """Record id to LEADS' mean score; None where there is no usable answer.

    Raises:
        Stopped: the engine cannot be reached any more.
    """
    requests = [
        Request(
            TASK,
            ScreenInput(
                record_id=one.record.record_id,
                criteria=review.criteria,
                text=one.record.text,
                title=one.record.title,
                publication_types=one.record.publication_types,
                mesh=one.record.mesh,
            ),
        )
        for one in candidates
    ]
    told = asked(engine, requests, f"{name}, {review.review_id}")
    return {
        one.record.record_id: None
        if isinstance(answer, EngineError)
        else mean_score(review.criteria, {v.criterion_id: v.label for v in answer.value.verdicts})
        for one, answer in zip(candidates, told, strict=True)
    }


def ranked(
    candidates: Sequence[Candidate], scores: Mapping[str, float | None], similarity: Mapping[str, float]
) -> list[Ranked]:
    """All candidates, best first."""

    def key(one: Candidate) -> tuple[bool, float, float]:
        record_id = one.record.record_id
        score = scores[record_id]
        if score is None:
            return one.included, -BEST, -similarity[record_id]
        return False, -score, -similarity[record_id]

    order = sorted(candidates, key=lambda one: (*key(one), one.record.record_id))
    made: list[Ranked] = []
    for place, one in enumerate(order):
        same = bool(made) and key(order[place - 1]) == key(one)
        record_id = one.record.record_id
        made.append(
            Ranked(record_id, made[-1].place if same else place, one.included, scores[record_id] is not None)
        )
    return made


def measured(order: Sequence[Ranked]) -> dict[str, float | None]:
    """Recall at each depth, and AUROC; None where nothing or everything was included."""
    total = sum(one.included for one in order)
    told: dict[str, float | None] = {
        f"recall@{k}": sum(one.included and one.answered for one in order[:k]) / total if total else None
        for k in DEPTHS
    }
    told["AUROC"] = auroc([-one.place for one in order], [one.included for one in order])
    return told


def note_ranking(sheet: Sheet, engine: str, review: Reviewed, topic: str, order: Sequence[Ranked]) -> None:
    """Enter one review's ranking: among all reviews, those of its topic, and those of its size."""
    targets = sum(one.included for one in order)
    groups = ["all reviews", *([f"topic {topic}"] if topic else []), f"targets {size_of(targets)}"]
    for group in groups:
        for measure, value in measured(order).items():
            if value is not None:
                sheet.mean(Key(TABLE, group, measure), engine, review.review_id, value)
    if engine != ALONE:
        lost = sum(not one.answered for one in order)
        sheet.mean(Key(TABLE, "all reviews", "no usable answer"), engine, review.review_id, lost, len(order))
