"""Gates: where the review stops until a person has decided about one exact thing.

A gate only reads. It opens on the newest revision of its step's artefact; an approval row for that
revision lets it go on, and without one it interrupts. What the graph is resumed with is ignored, so
neither a lost nor a doubled resume can decide anything.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphs.deps import Deps
from graphs.state import ReviewState
from tools.schemas import Artefact, Cell, Disposition, Outcome
from tools.store import StoredOutcome

__all__ = [
    "by_hand",
    "cells_of",
    "decisions",
    "dispositions_of",
    "gate",
    "listing",
    "obstacles",
    "told_notes",
]

KIND = {
    "pass": "passed",
    "exclude": "excluded",
    "wait": "waiting",
    "ongoing": "waiting",
    "awaiting_classification": "waiting",
}
"""Decision in a list to the kind of outcome it becomes."""


def gate(step: str, deps: Deps) -> Callable[[ReviewState], dict[str, Any]]:
    """The node that waits after `step`."""

    def wait(_state: ReviewState) -> dict[str, Any]:
        from langgraph.types import interrupt

        while True:
            artefact = deps.store.artefact(deps.pass_id, step)
            if artefact is None:
                raise LookupError(f"the {step} step left nothing to approve")
            approval = deps.store.approval(artefact.artefact_id)
            if approval is not None:
                return {"decision": approval.decision, f"{step}_id": artefact.artefact_id}
            interrupt({"gate": step, "artefact_id": artefact.artefact_id, "sha256": artefact.sha256})

    return wait


def dispositions_of(content: Mapping[str, Any]) -> list[Disposition]:
    """The list of decisions in an artefact of `screen` or `extract`; empty in others."""
    return [Disposition.model_validate(line) for line in content.get("dispositions", ())]


def cells_of(content: Mapping[str, Any]) -> list[Cell]:
    """The extraction table in an artefact of `extract`."""
    return [Cell.model_validate(cell) for cell in content.get("cells", ())]


def listing(lines: Sequence[Disposition], basis: str, **more: Any) -> dict[str, Any]:
    """The content of a list to be approved: how many of what, and every line."""
    return {
        "summary": dict(sorted(Counter(line.decision for line in lines).items())),
        "protocol_basis": basis,
        "dispositions": [line.model_dump(mode="json") for line in lines],
        **more,
    }


def told_notes(judged: Mapping[str, StoredOutcome], keys: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Record id to what a person should know about how its suggestion came about; nothing where all is plain."""
    notes = {}
    for record_id, _ in keys:
        content = judged[record_id].outcome.content
        told = [*content.get("verdict", {}).get("notes", ()), *content.get("notes", ())]
        if told:
            notes[record_id] = list(dict.fromkeys(told))
    return {"notes": notes} if notes else {}


def obstacles(artefact: Artefact, note: str = "") -> list[str]:
    """Why an artefact cannot be approved yet, each with its remedy; empty where nothing stands in the way.

    What only the machine could not tell apart has no value and stands in nobody's way.

    Args:
        artefact: what the gate shows.
        note: what the person says with the approval; it has to be there where numbers cannot be so.
    """
    people = artefact.content.get("people", {})
    found = [
        f"{report_id} is to be read by {short} more {'person' if short == 1 else 'people'}. Remedy: `form` and "
        "`enter`, each person alone, then `resume`."
        for report_id, short in people.get("missing", {}).items()
    ]
    found += [
        f"{' / '.join(filter(None, cell.key))}: {cell.reason}: {'; '.join(cell.readings)}. Remedy: settle it "
        "with `edit`."
        for cell in cells_of(artefact.content)
        if artefact.step == "evidence" and cell.status == "conflicting" and "person:" in cell.reader
    ]
    errors = [f for f in artefact.content.get("findings", ()) if f["finding"]["severity"] == "error"]
    if errors and not note.strip():
        found += [f"{f['report_id']}: {f['finding']['message']} [{f['finding']['rule']}]" for f in errors]
        found.append("Remedy: correct these numbers with `edit`, or say why they stand with --note.")
    return found


def by_hand(artefact: Artefact | None, basis: str) -> dict[tuple[str, str], Disposition]:
    """The lines that persons wrote into a list, by (record_id, version): a new list keeps them.

    Under another protocol they are stale: the person decided about other criteria.
    """
    if artefact is None or artefact.content.get("protocol_basis") != basis:
        return {}
    lines = dispositions_of(artefact.content)
    return {(x.record_id, x.record_version): x for x in lines if x.suggested_by.startswith("person:")}


def decisions(artefact: Artefact, by: str, standing: Mapping[str, StoredOutcome]) -> list[Outcome]:
    """What an approval means for each listed record. Pure.

    A line that a person edited is that person's own decision; all others are one bulk decision of
    whoever approves, and are reported as suggested by the machine.

    Args:
        artefact: the approved list.
        by: who approves.
        standing: record id to where it stands now.
    """
    return [
        Outcome(
            step=artefact.step,
            record_id=line.record_id,
            record_version=line.record_version,
            kind=KIND[line.decision],
            reader=line.suggested_by if line.suggested_by.startswith("person:") else f"person:{by}",
            reason=line.reason,
            attempt=standing[line.record_id].outcome.attempt + 1,
            content={"how": _how(line), "decision": line.decision, "artefact_id": artefact.artefact_id},
        )
        for line in dispositions_of(artefact.content)
    ]


def _how(line: Disposition) -> str:
    return "individual" if line.suggested_by.startswith("person:") else "bulk approval of machine suggestions"
