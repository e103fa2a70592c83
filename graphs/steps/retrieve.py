"""Step `retrieve`: the approved strategy, run against every source of the protocol."""

from collections.abc import Sequence
from typing import Any

from graphs.accounts import Key, current_searches, entering, stale, unsettled
from graphs.deps import Deps
from graphs.passes import Past, lineage, past_of
from graphs.state import ReviewState
from graphs.steps.searching import CARRIED, search_all
from tools.records.decisions import DuplicateDecision
from tools.records.dedupe import RECIPE, Group, SortedOut, sort_out
from tools.schemas import Outcome, Record, sha256_of

__all__ = ["duplicate_decisions", "retrieve"]


def retrieve(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Search what has not been searched with this strategy, then sort out duplicates.

    A source that fails stops the step; the sources that had answered keep their answers.
    """
    strategy = deps.store.artefact(deps.pass_id, "query")
    assert strategy is not None
    search_all(str(strategy.content["text"]), deps)
    keys = entering(deps.store, deps.pass_id, "retrieve")
    _sort_out(keys, deps)
    return {"search_ids": current_searches(deps.store, deps.pass_id)}


def _sort_out(keys: Sequence[Key], deps: Deps) -> None:
    """Settle where every record stands, and keep what is to be shown to a person as the step's artefact.

    Nothing is compared again while records, decisions and rules are the same. The artefact comes last, so
    that a kill before it leaves nothing half done.
    """
    past = past_of(deps.store, deps.pass_id)
    besides = past.besides({record_id for record_id, _ in keys})
    decided = duplicate_decisions(deps)
    carried = _carried(deps) if past.known else set()
    told = [RECIPE, keys, besides, sorted(carried), [d.model_dump(mode="json") for d in decided]]
    basis = sha256_of(told)
    newest = deps.store.artefact(deps.pass_id, "retrieve")
    revision = deps.revision_of("retrieve")
    new = set(unsettled(deps.store, deps.pass_id, "retrieve", keys, revision))
    gone = stale(deps.store, deps.pass_id, "retrieve", keys)
    if newest is not None and newest.basis == basis and not new and not gone:
        return
    found = deps.records(keys)
    out = sort_out(_with_the_past(found, deps.records(besides), past), decided)
    deps.store.add_outcomes(deps.pass_id, revision, [*_settled(found, new, out, past, carried, deps), *gone])
    content = out.model_dump(mode="json", include={"doubts", "links"})
    deps.store.add_artefact(deps.pass_id, "retrieve", content, author="rule", basis=basis)


def duplicate_decisions(deps: Deps) -> list[DuplicateDecision]:
    """What people said about duplicates, in this pass and in those that it builds on, oldest first."""
    passes = [*lineage(deps.store, deps.pass_id), deps.pass_id]
    return [decision for each in passes for decision, _at in deps.store.duplicate_decisions(each)]


def _settled(
    found: Sequence[Record], new: set[Key], out: SortedOut, past: Past, carried: set[str], deps: Deps
) -> list[Outcome]:
    """Passed or duplicate, for every record whose standing is new or has changed."""
    known = deps.store.outcomes(deps.pass_id, "retrieve")
    groups = {record_id: group for group in out.groups for record_id in group.member_ids}
    doubtful: dict[str, list[str]] = {}
    for doubt in out.doubts:
        first, second = groups[doubt.first_id].leader_id, groups[doubt.second_id].leader_id
        doubtful.setdefault(second, []).append(f"{first}: {doubt.reason}")
    outcomes = []
    for record in found:
        group = groups[record.record_id]
        outcome = _standing(record, group, doubtful.get(record.record_id, []))
        if not _parted(record, group, past):
            outcome = past.outcome(record, record.record_id in carried) or outcome
        before = known.get(record.record_id)
        if before is None or (record.record_id, record.version) in new or not _same(before.outcome, outcome):
            attempt = 1 if before is None else before.outcome.attempt + 1
            outcomes.append(outcome.model_copy(update={"attempt": attempt}))
    return outcomes


def _parted(record: Record, group: Group, past: Past) -> bool:
    """It was a duplicate in an earlier pass, and a person has said that it is none."""
    before = past.known.get(record.record_id)
    return before is not None and before.state == "duplicate" and group.leader_id == record.record_id


def _same(one: Outcome, other: Outcome) -> bool:
    """Equal in everything but the number of the attempt."""
    return all(getattr(one, field) == getattr(other, field) for field in ("kind", "reason", "content"))


def _with_the_past(found: Sequence[Record], besides: Sequence[Record], past: Past) -> list[Record]:
    """What an earlier pass knows comes first, so that it stands for what is found now, never the reverse."""
    known = [record for record in found if record.record_id in past.known]
    new = [record for record in found if record.record_id not in past.known]
    return [*besides, *known, *new]


def _carried(deps: Deps) -> set[str]:
    """Records that this update has taken up from the pass before."""
    return {
        record_id
        for search in deps.store.searches(deps.pass_id)
        if search.source == CARRIED
        for record_id, _ in deps.store.hits(search.search_id)
    }


def _standing(record: Record, group: Group, doubtful: Sequence[str]) -> Outcome:
    record_id, version = record.record_id, record.version
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
