"""Step `screen`: every criterion judged on title and abstract; the machine suggests, a person decides."""

from typing import Any

from graphs.accounts import Key, entering, stale, unsettled
from graphs.deps import Deps
from graphs.gates import by_hand, listing, told_notes
from graphs.passes import changed_since, decided_before
from graphs.state import ReviewState
from graphs.steps.judging import Batches, answered_by, at_stage, screen_input, to_try_again, verdict_of
from model.engine import Answer, Request
from model.pool import ask_all
from model.tasks.screen import TASK, ScreenAnswer
from tools.errors import EngineError
from tools.schemas import Disposition, Failed, Outcome, Record, RecordVerdict, sha256_of
from tools.store import StoredOutcome

__all__ = ["screen"]


def screen(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Judge what has not been judged under these criteria, then list what follows for the gate."""
    keys = entering(deps.store, deps.pass_id, "screen")
    revision = deps.revision_of("screen")
    deps.store.add_outcomes(deps.pass_id, revision, stale(deps.store, deps.pass_id, "screen", keys))
    _judge(deps.records(_to_ask(keys, deps)), deps)
    if "screen" not in deps.config.gates:
        _pass_on(keys, deps)
    return {"screen_id": _listed(keys, deps)}


def _to_ask(keys: list[Key], deps: Deps) -> list[Key]:
    """New records, those whose criteria changed, and failures that a person wants tried again."""
    open_ = set(unsettled(deps.store, deps.pass_id, "screen", keys, deps.revision_of("screen")))
    again = to_try_again("screen", deps)
    return [key for key in keys if key in open_ or key[0] in again]


def _judge(records: list[Record], deps: Deps) -> None:
    criteria = at_stage(deps.config.criteria, "title_abstract")
    standing = deps.store.standing(deps.pass_id, "screen")
    readable = [record for record in records if record.text.strip() and criteria]
    asked = [screen_input(record, criteria, record.text) for record in readable]
    requests = (Request(TASK, question, attempt=deps.attempt) for question in asked)
    with Batches(deps, "screen", "screening", len(records)) as batches:

        def landed(position: int, result: Answer[ScreenAnswer] | EngineError) -> None:
            record = readable[position]
            verdict = verdict_of(asked[position], result, can_exclude=bool(record.abstract.strip()))
            batches.add(_outcome(record, verdict, standing.get(record.record_id), deps))

        for record in records:
            if not record.text.strip() or not criteria:
                unasked = _without_asking(record)
                batches.add(_outcome(record, unasked, standing.get(record.record_id), deps))
        ask_all(deps.engines["screen"], requests, in_flight=deps.in_flight["screen"], landed=landed)


def _without_asking(record: Record) -> RecordVerdict | Failed:
    """Nothing to read is a failure for a person; no criterion at this stage lets everybody pass."""
    if not record.text.strip():
        return Failed(record_id=record.record_id, kind="no_text", reason="neither title nor abstract")
    return RecordVerdict(record_id=record.record_id, verdicts=(), suggestion="pass", score=0.0)


def _outcome(
    record: Record, verdict: RecordVerdict | Failed, before: StoredOutcome | None, deps: Deps
) -> Outcome:
    """Until a person has spoken a judged record waits, whatever the machine suggests."""
    failed = isinstance(verdict, Failed)
    key = "failure" if failed else "verdict"
    return Outcome(
        step="screen",
        record_id=record.record_id,
        record_version=record.version,
        kind="failed" if failed else "waiting",
        reader=answered_by(verdict, deps),
        reason=verdict.reason,
        attempt=1 if before is None else before.outcome.attempt + 1,
        content={key: verdict.model_dump(mode="json"), "attempt": deps.attempt},
    )


def _pass_on(keys: list[Key], deps: Deps) -> None:
    """Without a gate: what is suggested to pass goes on; what is suggested to be excluded keeps waiting."""
    standing = deps.store.outcomes(deps.pass_id, "screen")
    rows = [
        Outcome(
            step="screen",
            record_id=record_id,
            record_version=version,
            kind="passed",
            reader="rule",
            attempt=standing[record_id].outcome.attempt + 1,
            content={"how": "machine"},
        )
        for record_id, version in keys
        if standing[record_id].outcome.kind == "waiting"
        and standing[record_id].outcome.content.get("verdict", {}).get("suggestion") == "pass"
    ]
    deps.store.add_outcomes(deps.pass_id, deps.revision_of("screen"), rows)


def _listed(keys: list[Key], deps: Deps) -> str:
    """The artefact of the gate: one line per record. An edited list stays as long as its records do."""
    verdicts = deps.store.machine_outcomes(deps.pass_id, "screen")
    newest = deps.store.artefact(deps.pass_id, "screen")
    judged = [[*key, sha256_of(verdicts[key[0]].outcome.content)] for key in keys]
    basis = sha256_of([deps.basis["screen"], judged])
    if newest is not None and newest.basis == basis:
        return newest.artefact_id
    before = decided_before(deps.store, deps.pass_id, deps.basis["screen"])
    own = {**before, **by_hand(newest, deps.basis["screen"])}
    lines = [own.get(key) or _line(key, verdicts[key[0]]) for key in keys]
    made = deps.store.add_artefact(
        deps.pass_id,
        "screen",
        listing(lines, deps.basis["screen"], **_changed(keys, deps), **told_notes(verdicts, keys)),
        author=f"machine:{deps.engines['screen'].name}",
        basis=basis,
    )
    return made.artefact_id


def _changed(keys: list[Key], deps: Deps) -> dict[str, Any]:
    """What a person should know of records that an earlier pass had decided on; nothing in a first pass."""
    since = changed_since(deps.store, deps.pass_id)
    told = [
        {"record_id": record_id, "was": since[record_id][0], "changes": list(since[record_id][1])}
        for record_id, _ in keys
        if record_id in since
    ]
    return {"changed": told} if told else {}


def _line(key: Key, stored: StoredOutcome) -> Disposition:
    record_id, version = key
    content, reader = stored.outcome.content, stored.outcome.reader
    if "failure" in content:
        reason = f"failed: {content['failure']['kind']}"
        return Disposition(
            record_id=record_id, record_version=version, decision="wait", reason=reason, suggested_by=reader
        )
    verdict = RecordVerdict.model_validate(content["verdict"])
    return Disposition(
        record_id=record_id,
        record_version=version,
        decision=verdict.suggestion,
        reason=verdict.reason,
        suggested_by=reader,
        flagged=verdict.flagged,
        score=verdict.score,
    )
