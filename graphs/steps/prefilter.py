"""Step `prefilter`: the records in order of nearness to the question, and the cut.

What lies below the cut is *not screened*, never *excluded*; a random sample of it is screened all the
same, so that a person can see what the cut costs.
"""

from collections.abc import Collection, Mapping
from typing import Any

from graphs.accounts import entering, stale
from graphs.deps import Deps
from graphs.passes import taken_up
from graphs.state import ReviewState
from graphs.steps.chase import only_by_citations
from tools.schemas import Outcome, Record
from tools.screening.rank import prefilter as cut_of

__all__ = ["prefilter", "question_of"]


def prefilter(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Rank all records anew whenever one of them is new; write only what has changed."""
    keys = entering(deps.store, deps.pass_id, "prefilter")
    known = deps.store.outcomes(deps.pass_id, "prefilter")
    revision = deps.revision_of("prefilter")
    outcomes = []
    again = taken_up(deps.store, deps.pass_id)
    for outcome in _ranked(deps.records(keys), again, deps):
        before = known.get(outcome.record_id)
        if before is not None and before.protocol_revision >= revision and _same(before.outcome, outcome):
            continue
        attempt = 1 if before is None else before.outcome.attempt + 1
        outcomes.append(outcome.model_copy(update={"attempt": attempt}))
    outcomes += stale(deps.store, deps.pass_id, "prefilter", keys)
    deps.store.add_outcomes(deps.pass_id, revision, outcomes)
    return {}


def question_of(deps: Deps) -> list[str]:
    """The statements that records are compared with: title, elements of the question, inclusion criteria."""
    elements = deps.store.artefact(deps.pass_id, "pico")
    assert elements is not None
    phrases = [phrase for part in elements.content["elements"].values() for phrase in part]
    statements = [deps.config.review.title, "; ".join(phrases)]
    statements += [criterion.text for criterion in deps.config.criteria if criterion.kind == "include"]
    return [statement for statement in statements if statement]


def _ranked(records: list[Record], again: Collection[str], deps: Deps) -> list[Outcome]:
    texts = {record.record_id: record.text for record in records if record.text.strip()}
    scores = deps.ranker.scores(question_of(deps), texts)
    settings = deps.config.prefilter
    # The cut was set for what databases give. What citations gave goes on, and takes no other record's place.
    chased = only_by_citations(deps)
    listed = {record_id: score for record_id, score in scores.items() if record_id not in chased}
    cut = cut_of(listed, keep=settings.keep, audit=settings.audit, seed=settings.seed)
    rank = {record_id: place for place, record_id in enumerate(cut.ranked, start=1)}
    # What a person has seen before and must see again is not lost to a ranking.
    kept, audit = set(cut.kept) | set(again), set(cut.audit) - set(again)
    return [_outcome(record, rank, scores, kept, audit) for record in records]


def _outcome(
    record: Record, rank: Mapping[str, int], scores: Mapping[str, float], kept: set[str], audit: set[str]
) -> Outcome:
    record_id = record.record_id
    # Without a word to compare nothing can be ranked low: a person must see it.
    goes_on = record_id not in rank or record_id in kept or record_id in audit
    content = {"rank": rank.get(record_id), "score": scores.get(record_id), "audit": record_id in audit}
    return Outcome(
        step="prefilter",
        record_id=record_id,
        record_version=record.version,
        kind="passed" if goes_on else "not_screened",
        reader="rule",
        content=content,
    )


def _same(one: Outcome, other: Outcome) -> bool:
    """Equal in everything but the number of the attempt."""
    fields = ("kind", "record_version", "content")
    return all(getattr(one, field) == getattr(other, field) for field in fields)
