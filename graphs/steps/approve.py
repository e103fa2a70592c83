"""Step `approve`: what people have decided becomes the review's result; what nobody decided waits.

Every report that passed title and abstract ends in one state, and reports become studies.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from graphs.accounts import Key, entering, stale
from graphs.deps import Deps
from graphs.state import ReviewState
from tools.records.linking import StudyGroup, studies
from tools.schemas import Outcome, Study
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
    """The reports that passed title and abstract as studies: by registry number, or by a person's word."""
    keys = entering(deps.store, deps.pass_id, "approve")
    ends = {key: stored.outcome for key, stored in deps.store.outcomes(deps.pass_id, "approve").items()}
    links = [link for link, _at in deps.store.study_links(deps.pass_id)]
    known = {record_id for record_id, _ in keys}
    by_hand = [link for link in links if set(link.report_ids) <= known]
    return [_study(group, ends) for group in studies(deps.records(keys), by_hand)]


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
