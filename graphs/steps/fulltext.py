"""Step `fulltext`: the full text of every report that passed, found and read.

*Not found* waits and is looked for again at each resume; *found but unreadable* is a failure that a
person resolves. Neither is ever an exclusion.
"""

from typing import Any

from graphs.accounts import entering, stale, unsettled
from graphs.deps import Deps
from graphs.state import ReviewState
from graphs.steps.judging import Batches
from tools.errors import InputFileError
from tools.fulltext.finding import Found
from tools.fulltext.identity import wrong_paper
from tools.fulltext.jats import UnreadableFullText
from tools.fulltext.languages import needs_translation
from tools.schemas import FullText, Outcome, Record, canonical_json
from tools.store import StoredOutcome

__all__ = ["fulltext", "read_text"]


def fulltext(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Look for what is new or was not found before."""
    keys = entering(deps.store, deps.pass_id, "fulltext")
    revision = deps.revision_of("fulltext")
    deps.store.add_outcomes(deps.pass_id, revision, stale(deps.store, deps.pass_id, "fulltext", keys))
    standing = deps.store.outcomes(deps.pass_id, "fulltext")
    open_ = set(unsettled(deps.store, deps.pass_id, "fulltext", keys, revision))
    # What was not there, or could not be read, may have been brought or replaced meanwhile.
    missing = {record_id for record_id, s in standing.items() if s.outcome.kind in ("waiting", "failed")}
    wanted = [key for key in keys if key in open_ or key[0] in missing]
    with Batches(deps, "fulltext", "full texts", len(wanted)) as batches:
        for record in deps.records(wanted):
            before = standing.get(record.record_id)
            outcome = _sought(record, before, deps)
            is_new = (record.record_id, record.version) in open_
            if is_new or before is None or _differs(before.outcome, outcome):
                batches.add(outcome)
    return {}


def read_text(outcome: Outcome, deps: Deps) -> FullText:
    """The parsed full text behind a passed outcome of this step."""
    return FullText.model_validate_json(deps.store.blobs.get(outcome.content["text"]))


def _sought(record: Record, before: StoredOutcome | None, deps: Deps) -> Outcome:
    outcome = _retrieved(record, before, deps)
    # Told with the report's status and never a reason to leave it out: somebody can translate it.
    foreign = needs_translation(record.language, deps.config.fulltext.languages)
    if not foreign:
        return outcome
    return outcome.model_copy(update={"content": {**outcome.content, "needs_translation": foreign}})


def _retrieved(record: Record, before: StoredOutcome | None, deps: Deps) -> Outcome:
    base = Outcome(
        step="fulltext",
        record_id=record.record_id,
        record_version=record.version,
        kind="waiting",
        reader="rule",
        attempt=1 if before is None else before.outcome.attempt + 1,
    )
    try:
        found = deps.texts.find(record, look=base.attempt)
    except InputFileError as e:
        return base.model_copy(update={"kind": "failed", "reason": f"unreadable: {e}"})
    if not isinstance(found, Found):
        told = {"reason": f"not retrieved: {found.reason}", "content": {"why": found.reason}}
        return base.model_copy(update=told)
    try:
        text = deps.texts.read(record, found, look=base.attempt)
    except UnreadableFullText as e:
        why = {"source": found.source, "unreadable": e.kind}
        return base.model_copy(update={"kind": "failed", "reason": f"unreadable: {e}", "content": why})
    content = {
        "text": deps.store.blobs.put(canonical_json(text).encode()),
        "source": found.source,
        "warnings": [*text.warnings, *wrong_paper(record, text)],
    }
    return base.model_copy(update={"kind": "passed", "content": content})


def _differs(one: Outcome, other: Outcome) -> bool:
    return (one.kind, one.reason) != (other.kind, other.reason)
