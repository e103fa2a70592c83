"""Step `evidence`: the numbers of every included report, who read them, and what the checks make of them.

The machine reads each report once per protocol. People may read too, each without seeing the other's; the table under
the gate holds what they agree on. Nothing of it is used before a person has approved it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.accounts import Key, entering, stale, unsettled
from graphs.consensus import agreed, digest, settled_by_hand
from graphs.deps import Deps
from graphs.evidence_table import table
from graphs.gates import cells_of, listing
from graphs.passes import lineage
from graphs.readers import asked, asked_in, still_asked, still_standing
from graphs.reading import Paper, read, unread
from graphs.registering import differences, registry_reading, report_of
from graphs.state import ReviewState
from graphs.steps.approve import studies_of
from graphs.steps.fulltext import read_text
from graphs.steps.judging import Batches, to_try_again
from tools.protocol import CtgovSource
from tools.registry.timing import unpublished
from tools.registry.trial import read as read_trial
from tools.schemas import Cell, Disposition, FullText, Outcome, Record, canonical_json, sha256_of
from tools.store import StoredOutcome
from tools.synthesis.reviewing import TableFinding

__all__ = ["PILOT", "evidence"]

PILOT = "waits for the pilot of the form"
"""Why a report is not read yet."""


def evidence(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Read what is new, then put the table under its gate."""
    keys = entering(deps.store, deps.pass_id, "evidence")
    revision = deps.revision_of("evidence")
    deps.store.add_outcomes(deps.pass_id, revision, stale(deps.store, deps.pass_id, "evidence", keys))
    piloting = _piloting(keys, deps)
    reading = keys[: deps.config.extraction.pilot] if piloting else keys
    standing = deps.store.standing(deps.pass_id, "evidence")
    open_ = set(unsettled(deps.store, deps.pass_id, "evidence", keys, revision))
    again = to_try_again("evidence", deps) | {i for i, s in standing.items() if s.outcome.reason == PILOT}
    wanted = [key for key in reading if key in open_ or key[0] in again]
    later = [key for key in keys[len(reading) :] if key in open_]
    deps.store.add_outcomes(deps.pass_id, revision, [_put_off(key, standing.get(key[0])) for key in later])
    _read(wanted, standing, deps)
    return {"evidence_id": _listed(reading, piloting, deps), "piloting": piloting}


def _piloting(keys: Sequence[Key], deps: Deps) -> bool:
    """Whether the form is still to be tried on a few reports: until a person has approved a table of this form."""
    if not 0 < deps.config.extraction.pilot < len(keys):
        return False
    passes = [*lineage(deps.store, deps.pass_id), deps.pass_id]
    for made in (made for each in passes for made, _at in deps.store.artefacts(each)):
        same = made.step == "evidence" and made.content.get("protocol_basis") == deps.basis["evidence"]
        approval = deps.store.approval(made.artefact_id) if same else None
        if approval is not None and approval.decision == "approve":
            return False
    return True


def _put_off(key: Key, before: StoredOutcome | None) -> Outcome:
    return Outcome(
        step="evidence",
        record_id=key[0],
        record_version=key[1],
        kind="waiting",
        reader="rule",
        reason=PILOT,
        attempt=1 if before is None else before.outcome.attempt + 1,
    )


# Reading -----------------------------------------------------------------------------------------


def _read(wanted: Sequence[Key], standing: Mapping[str, StoredOutcome], deps: Deps) -> None:
    records = deps.records(wanted)
    texts = deps.store.outcomes(deps.pass_id, "fulltext")
    papers = [
        Paper(record, read_text(texts[record.record_id].outcome, deps))
        for record in records
        if texts[record.record_id].outcome.kind == "passed"
    ]
    cells = read(papers, deps) | {
        record.record_id: unread(record, deps)
        for record in records
        if texts[record.record_id].outcome.kind != "passed"
    }
    entries = {paper.record.record_id: _entries(paper, deps) for paper in papers}
    with Batches(deps, "evidence", "evidence", len(records)) as batches:
        for record in records:
            key = record.record_id
            batches.add(_outcome(record, cells[key], entries.get(key, []), standing.get(key), deps))


def _outcome(
    record: Record,
    cells: Sequence[Cell],
    entries: Sequence[str],
    before: StoredOutcome | None,
    deps: Deps,
) -> Outcome:
    """One report's cells; those of a report that no machine can read are for people to fill."""
    content: dict[str, Any] = {
        "cells": [cell.model_dump(mode="json") for cell in cells],
        "attempt": deps.attempt,
        **({"registry": list(entries)} if entries else {}),
    }
    return Outcome(
        step="evidence",
        record_id=record.record_id,
        record_version=record.version,
        kind="waiting",
        reader=f"machine:{deps.engines['results'].name}",
        attempt=1 if before is None else before.outcome.attempt + 1,
        content=content,
    )


# The table ---------------------------------------------------------------------------------------


def _listed(keys: Sequence[Key], piloting: bool, deps: Deps) -> str:
    """The artefact of the gate: the table of all reports, as machine and people read them."""
    judged = deps.store.machine_outcomes(deps.pass_id, "evidence")
    newest = deps.store.artefact(deps.pass_id, "evidence")
    stored = [[*key, sha256_of(judged[key[0]].outcome.content)] for key in keys]
    alone = _only_registered(deps)
    listed, outcomes = [key[0] for key in keys], deps.config.extraction.outcomes
    machine = [Cell.model_validate(c) for i in listed for c in judged[i].outcome.content["cells"]]
    parts = asked(outcomes, deps.bias_tool, machine)
    people = still_standing(deps.store, deps.pass_id, parts)
    told = [f.model_dump(mode="json") for f in alone]
    needed = deps.config.extraction.people
    basis = sha256_of([deps.basis["evidence"], stored, digest(people.readings), needed, piloting, told])
    if newest is not None and newest.basis == basis:
        return newest.artefact_id
    missing = people.missing(listed, parts, needed) if needed > 1 else {}
    # Of a report that somebody still has to read nothing is shown but what the machine proposes.
    cells = agreed(machine, people.of(i for i in listed if i not in missing), needed)
    entries = {i: _stored_entries(judged[i].outcome, deps) for i in listed}
    several = [registry_reading(entry, outcomes) for own in entries.values() for entry in own]
    posted = list({each.nct_id: each for each in several}.values())  # two reports may name one entry
    cells += [cell for each in posted for cell in each.cells]
    if newest is not None:
        here = {*listed, *(report_of(each.nct_id) for each in posted)}
        before = still_asked(cells_of(newest.content), asked_in(newest.content), parts)
        cells = settled_by_hand(cells, [cell for cell in before if cell.report_id in here])
    beside = [*_beside(entries, cells, deps), *alone]
    lines = [
        Disposition(record_id=key[0], record_version=key[1], decision="pass", suggested_by="rule")
        for key in keys
    ]
    more = {
        "beside": [finding.model_dump(mode="json") for finding in beside],
        "entries": {i: [report_of(read_trial(e).nct_id) for e in own] for i, own in entries.items() if own},
        "texts": {report_of(each.nct_id): _text(each.text, deps) for each in posted},
        "people": {
            "needed": needed,
            "missing": missing,
            "read": sorted(people.readings),
        },
        "pilot": piloting,
    }
    made = deps.store.add_artefact(
        deps.pass_id,
        "evidence",
        listing(
            lines,
            deps.basis["evidence"],
            **table(cells, outcomes, deps.bias_tool, **more),
        ),
        author=f"machine:{deps.engines['results'].name}",
        basis=basis,
    )
    return made.artefact_id


def _text(text: FullText, deps: Deps) -> str:
    return deps.store.blobs.put(canonical_json(text).encode())


# Registers ---------------------------------------------------------------------------------------


def _entries(paper: Paper, deps: Deps) -> list[str]:
    """The registry entries that a report names, each kept whole; one that the registry does not know is left out."""
    named = dict.fromkeys((*paper.record.registry_ids, *paper.text.registry_ids))
    found = [_looked_up(name, deps) for name in named if name.startswith("NCT")]
    return [
        deps.store.blobs.put(canonical_json(dict(study)).encode()) for study in found if study is not None
    ]


def _looked_up(number: str, deps: Deps) -> Mapping[str, Any] | None:
    if deps.trials is None:
        return None
    return deps.trials(number, f"{deps.pass_id}/evidence/{deps.attempt}")


def _stored_entries(outcome: Outcome, deps: Deps) -> list[Mapping[str, Any]]:
    return [json.loads(deps.store.blobs.get(name)) for name in outcome.content.get("registry", ())]


def _beside(
    entries: Mapping[str, Sequence[Mapping[str, Any]]], cells: Sequence[Cell], deps: Deps
) -> list[TableFinding]:
    """Where each paper and its entries do not agree."""
    outcomes = deps.config.extraction.outcomes
    return [f for i, own in entries.items() for entry in own for f in differences(entry, i, cells, outcomes)]


def _only_registered(deps: Deps) -> list[TableFinding]:
    """Studies that may belong and are known from a register alone: ended, and their results are not in any paper.

    Counted from the day on which the register was last searched.
    """
    registers = {s.name for s in deps.config.sources if isinstance(s, CtgovSource)}
    searched = [
        str(search.result.parameters["searched_at"])[:10]
        for search in deps.store.searches(deps.pass_id)
        if search.source in registers
    ]
    if deps.trials is None or not searched:
        return []
    found = []
    for study in studies_of(deps):
        own = [i for i in study.report_ids if i.partition(":")[0] in registers]
        if study.state == "excluded" or len(own) < len(study.report_ids):
            continue
        entry = _looked_up(own[0].partition(":")[2], deps)
        if entry is not None:
            told = unpublished(read_trial(entry), as_of=max(searched))
            found += [TableFinding(report_id=own[0], finding=each) for each in told]
    return found
