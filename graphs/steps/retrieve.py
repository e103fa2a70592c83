"""Step `retrieve`: the approved strategy, run against every source of the protocol."""

from collections.abc import Sequence
from typing import Any

from graphs.accounts import Key, current_searches, entering, stale, unsettled
from graphs.deps import Deps, SourceUse
from graphs.state import ReviewState
from tools.records.dedupe import Group, doubts, group
from tools.schemas import Outcome, sha256_of
from tools.search import query as queries

__all__ = ["retrieve"]


def retrieve(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Search what has not been searched with this strategy, then sort out duplicates.

    A source that fails stops the step; the sources that had answered keep their answers.
    """
    strategy = deps.store.artefact(deps.pass_id, "query")
    assert strategy is not None
    for use in deps.sources:
        _search(str(strategy.content["text"]), use, deps)
    keys = entering(deps.store, deps.pass_id, "retrieve")
    deps.store.add_outcomes(
        deps.pass_id,
        deps.revision_of("retrieve"),
        [*_settled(keys, deps), *stale(deps.store, deps.pass_id, "retrieve", keys)],
    )
    return {"search_ids": current_searches(deps.store, deps.pass_id)}


def _search(text: str, use: SourceUse, deps: Deps) -> None:
    name = use.source.name
    basis = sha256_of([text, use.settings, use.dates.model_dump(), use.limit])
    earlier = [search for search in deps.store.searches(deps.pass_id) if search.source == name]
    if earlier and earlier[-1].basis == basis:
        return
    search_id = f"{deps.pass_id}/{name}/{len(earlier) + 1}"
    result = use.source.search(queries.parse(text), search_id=search_id, dates=use.dates, limit=use.limit)
    deps.store.add_search(deps.pass_id, search_id, use.source.kind, basis, result)


def _settled(keys: Sequence[Key], deps: Deps) -> list[Outcome]:
    """Passed or duplicate, for every record whose standing is new or has changed."""
    revision = deps.revision_of("retrieve")
    known = deps.store.standing(deps.pass_id, "retrieve")
    new = set(unsettled(deps.store, deps.pass_id, "retrieve", keys, revision))
    records = deps.records(keys)
    groups = {record_id: g for g in group(records) for record_id in g.member_ids}
    doubtful: dict[str, list[str]] = {}
    for doubt in doubts(records):
        doubtful.setdefault(doubt.second_id, []).append(f"{doubt.first_id}: {doubt.reason}")
    outcomes = []
    for key in keys:
        outcome = _standing(key, groups[key[0]], doubtful.get(key[0], []))
        before = known.get(key[0])
        if key in new or before is None or before.outcome.kind != outcome.kind:
            attempt = 1 if before is None else before.outcome.attempt + 1
            outcomes.append(outcome.model_copy(update={"attempt": attempt}))
    return outcomes


def _standing(key: Key, group: Group, doubtful: Sequence[str]) -> Outcome:
    record_id, version = key
    if group.leader_id == record_id:
        content = {"possible_duplicates": list(doubtful)} if doubtful else {}
        return Outcome(
            step="retrieve",
            record_id=record_id,
            record_version=version,
            kind="passed",
            reader="rule",
            content=content,
        )
    return Outcome(
        step="retrieve",
        record_id=record_id,
        record_version=version,
        kind="duplicate",
        reader="rule",
        reason=group.reason,
        content={"duplicate_of": group.leader_id},
    )
