"""Step `extract`: full-text eligibility and the extraction form, for every report that could be read."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.accounts import Key, entering, stale, unsettled
from graphs.deps import Deps
from graphs.gates import by_hand, listing, told_notes
from graphs.state import ReviewState
from graphs.steps.fulltext import read_text
from graphs.steps.judging import Batches, answered_by, at_stage, screen_input, to_try_again, verdict_of
from model.engine import Answer, Request
from model.pool import ask_all
from model.tasks import characteristics, screen
from tools.errors import EngineError
from tools.fulltext.quotes import locate, locate_once
from tools.schemas import (
    Cell,
    Disposition,
    Failed,
    FullText,
    Outcome,
    Record,
    RecordVerdict,
    sha256_of,
)
from tools.store import StoredOutcome

__all__ = ["extract"]


def extract(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Judge and extract what is new, then list both for the gate."""
    keys = entering(deps.store, deps.pass_id, "extract")
    revision = deps.revision_of("extract")
    deps.store.add_outcomes(deps.pass_id, revision, stale(deps.store, deps.pass_id, "extract", keys))
    open_ = set(unsettled(deps.store, deps.pass_id, "extract", keys, revision))
    texts = deps.store.outcomes(deps.pass_id, "fulltext")
    legible = {key[0] for key in keys if texts[key[0]].outcome.kind == "passed"}
    again = (to_try_again("extract", deps) | _became_legible(deps)) & legible
    standing = deps.store.standing(deps.pass_id, "extract")
    for_people = [key for key in keys if key in open_ and key[0] not in legible]
    deps.store.add_outcomes(
        deps.pass_id, revision, [_unread(key, texts, standing.get(key[0]), deps) for key in for_people]
    )
    wanted = [key for key in keys if key[0] in legible and (key in open_ or key[0] in again)]
    readable = {record_id: read_text(texts[record_id].outcome, deps) for record_id, _ in wanted}
    records = deps.records(wanted)
    verdicts = _judge(records, readable, deps)
    cells, notes = _fill_in(records, readable, deps)
    with Batches(deps, "extract", "extraction", len(records)) as batches:
        for record in records:
            key = record.record_id
            told = (verdicts[key], cells[key], notes[key])
            batches.add(_outcome(record, *told, standing.get(key), deps))
    return {"extract_id": _listed(keys, deps)}


UNREADABLE = "unreadable"
"""Kind of the failure of a report that was retrieved and that no machine can read."""


def _unread(
    key: Key, texts: Mapping[str, StoredOutcome], before: StoredOutcome | None, deps: Deps
) -> Outcome:
    """A report for people alone: nobody is asked, and it waits in the list with the reason."""
    failure = Failed(record_id=key[0], kind=UNREADABLE, reason=texts[key[0]].outcome.reason or UNREADABLE)
    return Outcome(
        step="extract",
        record_id=key[0],
        record_version=key[1],
        kind="failed",
        reader=f"machine:{deps.engines['characteristics'].name}",
        reason=failure.reason,
        attempt=1 if before is None else before.outcome.attempt + 1,
        content={"failure": failure.model_dump(mode="json"), "cells": [], "attempt": deps.attempt},
    )


def _became_legible(deps: Deps) -> set[str]:
    """Reports that could not be read when they were listed, and on which nobody has decided."""
    undecided = {
        record_id
        for record_id, stored in deps.store.standing(deps.pass_id, "extract").items()
        if not stored.outcome.reader.startswith("person:")
    }
    return undecided & {
        record_id
        for record_id, stored in deps.store.machine_outcomes(deps.pass_id, "extract").items()
        if stored.outcome.content.get("failure", {}).get("kind") == UNREADABLE
    }


def _judge(
    records: Sequence[Record], texts: Mapping[str, FullText], deps: Deps
) -> dict[str, RecordVerdict | Failed]:
    criteria = at_stage(deps.config.criteria, "full_text")
    if not criteria:
        passing = {
            r.record_id: RecordVerdict(record_id=r.record_id, verdicts=(), suggestion="pass", score=0.0)
            for r in records
        }
        return dict(passing)
    asked = [screen_input(record, criteria, texts[record.record_id].canonical) for record in records]
    verdicts: dict[str, RecordVerdict | Failed] = {}

    def landed(position: int, result: Answer[screen.ScreenAnswer] | EngineError) -> None:
        verdicts[asked[position].record_id] = verdict_of(asked[position], result, can_exclude=True)
        deps.progress("full-text eligibility", len(verdicts), len(asked))

    requests = (Request(screen.TASK, question, attempt=deps.attempt) for question in asked)
    ask_all(deps.engines["screen"], requests, in_flight=deps.in_flight["screen"], landed=landed)
    return verdicts


def _fill_in(
    records: Sequence[Record], texts: Mapping[str, FullText], deps: Deps
) -> tuple[dict[str, list[Cell]], dict[str, tuple[str, ...]]]:
    """Report to its cells, and to what a person should know about how they came about.

    A field that was filled in before, asked in the same words of the same engine about the same text, is not asked
    again: a change of the form touches only what it changes.
    """
    kept = {record.record_id: _kept(record, deps) for record in records}
    asked = [
        characteristics.CharacteristicsInput(
            report_id=record.record_id,
            title=record.title,
            fields=open_,
            passages=texts[record.record_id].passages,
        )
        for record in records
        if (open_ := tuple(f for f in deps.config.form if f.id not in kept[record.record_id]))
    ]
    cells: dict[str, list[Cell]] = {}
    notes: dict[str, tuple[str, ...]] = {record.record_id: () for record in records}

    def landed(position: int, result: Answer[characteristics.CharacteristicsAnswer] | EngineError) -> None:
        question = asked[position]
        notes[question.report_id] = result.notes if isinstance(result, Answer) else ()
        cells[question.report_id] = _cells(question, texts[question.report_id], result)
        deps.progress("extraction", len(cells), len(asked))

    requests = (Request(characteristics.TASK, question, attempt=deps.attempt) for question in asked)
    engine = deps.engines["characteristics"]
    ask_all(engine, requests, in_flight=deps.in_flight["characteristics"], landed=landed)
    whole = {key: {**own, **{c.field_id: c for c in cells.get(key, ())}} for key, own in kept.items()}
    return {key: [own[f.id] for f in deps.config.form] for key, own in whole.items()}, notes


def _kept(record: Record, deps: Deps) -> dict[str, Cell]:
    """Field to the cell that stands from before."""
    before = deps.store.machine_outcomes(deps.pass_id, "extract").get(record.record_id)
    if before is None or before.outcome.record_version != record.version:
        return {}
    then, now = before.outcome.content.get("fields", {}), _fields(deps)
    cells = (Cell.model_validate(cell) for cell in before.outcome.content["cells"])
    return {
        cell.field_id: cell
        for cell in cells
        if cell.status != "failed" and cell.field_id in now and then.get(cell.field_id) == now[cell.field_id]
    }


def _fields(deps: Deps) -> dict[str, str]:
    """Field to a hash of all that its cell depends on, besides the text."""
    engine = [[u.name, u.prompt, u.parameters] for u in deps.engine_uses if u.task == "characteristics"]
    return {f.id: sha256_of([f.model_dump(mode="json"), engine])[:16] for f in deps.config.form}


def _cells(
    asked: characteristics.CharacteristicsInput,
    text: FullText,
    result: Answer[characteristics.CharacteristicsAnswer] | EngineError,
) -> list[Cell]:
    if isinstance(result, EngineError):
        why = f"{result.kind}: {result}"
        return [
            Cell(
                report_id=asked.report_id,
                field_id=f.id,
                status="failed",
                reason=why,
                call_key=result.call_key,
            )
            for f in asked.fields
        ]
    answers = {answer.field_id: answer for answer in result.value.cells}
    return [_cell(asked.report_id, answers[f.id], text, result.key_of(f.id)) for f in asked.fields]


def _cell(report_id: str, answer: characteristics.FieldAnswer, text: FullText, call_key: str) -> Cell:
    """A found value is only as good as its quote: one that is not in the text is flagged, never dropped."""
    base = Cell(report_id=report_id, field_id=answer.field_id, status="not_found", call_key=call_key)
    if answer.status != "found":
        return base.model_copy(update={"status": answer.status})
    if answer.located and not answer.quote:  # an answer in a format that has no quotes
        quote = locate_once(answer.value or "", text.canonical)
    else:
        quote = locate(answer.quote, text.canonical)
    status = "ungrounded" if quote is None else "located" if quote.located else "grounded"
    section = "" if quote is None else _section(quote.start, text)
    told = {"status": status, "value": answer.value, "unit": answer.unit, "quote": quote, "section": section}
    return base.model_copy(update=told)


def _section(offset: int, text: FullText) -> str:
    return next((p.section for p in reversed(text.passages) if p.start <= offset), "")


def _outcome(
    record: Record,
    verdict: RecordVerdict | Failed,
    cells: Sequence[Cell],
    notes: tuple[str, ...],
    before: StoredOutcome | None,
    deps: Deps,
) -> Outcome:
    failed = isinstance(verdict, Failed)
    return Outcome(
        step="extract",
        record_id=record.record_id,
        record_version=record.version,
        kind="failed" if failed else "waiting",
        reader=answered_by(verdict, deps),
        reason=verdict.reason,
        attempt=1 if before is None else before.outcome.attempt + 1,
        content={
            ("failure" if failed else "verdict"): verdict.model_dump(mode="json"),
            "cells": [cell.model_dump(mode="json") for cell in cells],
            "fields": _fields(deps),
            "attempt": deps.attempt,
            **({"notes": list(notes)} if notes else {}),
        },
    )


def _listed(keys: Sequence[Key], deps: Deps) -> str:
    """The artefact of the gate: a line per report, and the whole extraction table."""
    judged = deps.store.machine_outcomes(deps.pass_id, "extract")
    newest = deps.store.artefact(deps.pass_id, "extract")
    stored = [[*key, sha256_of(judged[key[0]].outcome.content)] for key in keys]
    basis = sha256_of([deps.basis["extract"], stored])
    if newest is not None and newest.basis == basis:
        return newest.artefact_id
    own = by_hand(newest, deps.basis["extract"])
    lines = [own.get(key) or _line(key, judged[key[0]]) for key in keys]
    cells = [cell for key in keys for cell in judged[key[0]].outcome.content["cells"]]
    made = deps.store.add_artefact(
        deps.pass_id,
        "extract",
        listing(lines, deps.basis["extract"], cells=cells, **told_notes(judged, keys)),
        author=f"machine:{deps.engines['characteristics'].name}",
        basis=basis,
    )
    return made.artefact_id


def _line(key: Key, stored: StoredOutcome) -> Disposition:
    content = stored.outcome.content
    line = Disposition(
        record_id=key[0], record_version=key[1], decision="wait", suggested_by=stored.outcome.reader
    )
    if "failure" in content:
        return line.model_copy(update={"reason": f"failed: {content['failure']['kind']}"})
    verdict = RecordVerdict.model_validate(content["verdict"])
    told = {
        "decision": verdict.suggestion,
        "reason": verdict.reason,
        "flagged": verdict.flagged,
        "score": verdict.score,
    }
    return line.model_copy(update=told)
