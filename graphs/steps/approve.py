"""Step `approve`: what people have decided becomes the review's result; what nobody decided waits.

Every report that passed title and abstract ends in one state, and reports become studies.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from graphs.accounts import Key, entering, stale
from graphs.deps import Deps
from graphs.passes import lineage, past_of
from graphs.state import ReviewState
from tools.records.linking import StudyGroup, about_leaders, as_told_by_all, studies
from tools.schemas import Outcome, Record, Study
from tools.store import StoredOutcome

__all__ = ["approve", "studies_of"]

State = Literal["included", "excluded", "ongoing", "awaiting_classification", "undecided"]

KIND = {
    "included": "passed",
    "excluded": "excluded",
    "ongoing": "waiting",
    "awaiting_classification": "waiting",
    "undecided": "waiting",
}

STANDING: tuple[State, ...] = ("included", "ongoing", "awaiting_classification", "undecided", "excluded")
"""A study is what its furthest report is: included if one report is."""


def approve(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Write the end state of every report; only what has changed."""
    keys = entering(deps.store, deps.pass_id, "approve")
    known = deps.store.outcomes(deps.pass_id, "approve")
    read = deps.store.outcomes(deps.pass_id, "fulltext")
    judged = deps.store.outcomes(deps.pass_id, "extract")
    rows = []
    for key in keys:
        outcome = _end(key, read.get(key[0]), judged.get(key[0]))
        before = known.get(key[0])
        if before is None or not _same(before.outcome, outcome):
            attempt = 1 if before is None else before.outcome.attempt + 1
            rows.append(outcome.model_copy(update={"attempt": attempt}))
    rows += stale(deps.store, deps.pass_id, "approve", keys)
    deps.store.add_outcomes(deps.pass_id, deps.revision_of("approve"), rows)
    return {"studies": sum(study.state == "included" for study in studies_of(deps))}


def studies_of(deps: Deps) -> list[Study]:
    """The reports that passed title and abstract as studies: by registry number, or by a person's word.

    In an update, the reports that the review included before stand first.
    """
    keys = entering(deps.store, deps.pass_id, "approve")
    ends = {key: stored.outcome for key, stored in deps.store.outcomes(deps.pass_id, "approve").items()}
    before = _included_before(deps)
    ends |= {record_id: _held(outcome, ends.get(record_id)) for record_id, outcome in before.items()}
    now = {record_id for record_id, _ in keys}
    reports = [(i, outcome.record_version) for i, outcome in before.items() if i not in now] + keys
    passes = [*lineage(deps.store, deps.pass_id), deps.pass_id]
    links = [link for each in passes for link, _at in deps.store.study_links(each)]
    known = {record_id for record_id, _ in reports}
    copies = _copies(known, passes, deps)
    by_hand = [link for each in links if set((link := about_leaders(each, copies)).report_ids) <= known]
    told = [as_told_by_all(record, copies.get(record.record_id, ())) for record in deps.records(reports)]
    return [_study(group, ends) for group in studies(told, by_hand)]


def _copies(leaders: set[str], passes: Sequence[str], deps: Deps) -> dict[str, list[Record]]:
    """The duplicates of each report: one may name a registration that the record which stands for it lacks."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in passes:
        for record_id, stored in deps.store.outcomes(each, "retrieve").items():
            leader = (
                stored.outcome.content.get("duplicate_of") if stored.outcome.kind == "duplicate" else None
            )
            if leader in leaders:
                found.setdefault(str(leader), []).append((record_id, stored.outcome.record_version))
    return {leader: deps.records(keys) for leader, keys in found.items()}


def _included_before(deps: Deps) -> dict[str, Outcome]:
    """The reports that earlier passes included, as they stand unless this pass decides otherwise."""
    included = past_of(deps.store, deps.pass_id).included()
    screened = deps.store.standing(deps.pass_id, "screen") if included else {}
    found = {}
    for record_id, version in included:
        now = screened.get(record_id)
        state: State = "excluded" if now is not None and now.outcome.kind == "excluded" else "included"
        reason = now.outcome.reason if now is not None and state == "excluded" else None
        found[record_id] = Outcome(
            step="approve",
            record_id=record_id,
            record_version=version,
            kind=KIND[state],
            reader="rule",
            reason=reason,
            content={"state": state},
        )
    return found


def _held(before: Outcome, now: Outcome | None) -> Outcome:
    """An earlier decision holds until a person has taken another."""
    decided = now is not None and now.content.get("state") in ("included", "excluded")
    return now if now is not None and decided and now.kind != "superseded" else before


def _study(group: StudyGroup, ends: Mapping[str, Outcome]) -> Study:
    reports = [ends[report_id] for report_id in group.report_ids if report_id in ends]
    states: Sequence[State] = [outcome.content["state"] for outcome in reports]
    state = next(s for s in STANDING if s in states)
    reason = next((o.reason for o in reports if o.content["state"] == state), None)
    return Study(
        study_id=group.study_id,
        report_ids=group.report_ids,
        state=state,
        reason=reason,
        grouped_by=group.grouped_by,
        doubts=group.doubts,
    )


def _end(key: Key, read: StoredOutcome | None, judged: StoredOutcome | None) -> Outcome:
    state, reason = _state(read, judged)
    return Outcome(
        step="approve",
        record_id=key[0],
        record_version=key[1],
        kind=KIND[state],
        reader="rule",
        reason=reason,
        content={"state": state},
    )


def _state(read: StoredOutcome | None, judged: StoredOutcome | None) -> tuple[State, str | None]:
    """Only a person's decision includes or excludes; the rest says what is missing."""
    if judged is not None and judged.outcome.reader.startswith("person:"):
        decision = judged.outcome.content["decision"]
        told: dict[str, State] = {"pass": "included", "exclude": "excluded", "wait": "undecided"}
        return told.get(decision, decision), judged.outcome.reason
    if read is not None and read.outcome.kind in ("waiting", "failed"):
        return "awaiting_classification", read.outcome.reason
    return "undecided", "nobody has decided about its full text"


def _same(one: Outcome, other: Outcome) -> bool:
    fields = ("kind", "record_version", "reason", "content")
    return all(getattr(one, field) == getattr(other, field) for field in fields)
