"""What a person is shown, as text: a gate, the state of the review, its trace."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphs.gates import cells_of, dispositions_of
from tools.reporting.text import cell_text
from tools.schemas import Artefact, Record
from tools.store import Event, StoredOutcome

__all__ = ["gate_files", "gate_text", "trace_text"]

LISTED = 12
"""Lines of a long list on the terminal; the whole of it is in the file."""


def gate_text(artefact: Artefact, files: Sequence[Path]) -> str:
    """What is to be approved at a gate, and the hash of exactly that."""
    body = {"pico": _elements, "query": _strategy}.get(artefact.step, _list)(artefact.content)
    made = f"Gate `{artefact.step}`, revision {artefact.revision} by {_who(artefact.author)}"
    rest = [f"The whole list: {path}" for path in files]
    return "\n".join([made, "", body, "", *rest, f"Hash of what is shown: {artefact.sha256}"])


def _who(author: str) -> str:
    """A machine without a language model says so wherever it speaks."""
    return f"{author} (rules and embeddings, no language model)" if "machine:baseline" in author else author


def _elements(content: Mapping[str, Any]) -> str:
    rows = [f"  {name}: {'; '.join(phrases) or '(nothing)'}" for name, phrases in content["elements"].items()]
    return "\n".join([f"Elements of the question ({content['framework']}):", *rows])


def _strategy(content: Mapping[str, Any]) -> str:
    blocks = [f"  {block['name']}: {' OR '.join(block['terms'])}" for block in content["blocks"]]
    notes = [f"  note: {note}" for note in content["notes"]]
    return "\n".join(
        [
            "Search strategy (PubMed syntax):",
            f"  {content['text']}",
            *(["", *blocks] if blocks else []),
            *notes,
        ]
    )


def _list(content: Mapping[str, Any]) -> str:
    lines = dispositions_of(content)
    counted = ", ".join(f"{n} {decision}" for decision, n in content["summary"].items()) or "nothing"
    flagged = sum(line.flagged for line in lines)
    by_hand = sum(line.suggested_by.startswith("person:") for line in lines)
    shown = [
        f"  {line.decision:<8} {line.record_id}" + (f"  ({line.reason})" if line.reason else "")
        for line in lines[:LISTED]
    ]
    rest = [f"  … and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    told = f"{len(lines)} suggestions: {counted}; {flagged} without evidence found; {by_hand} by a person."
    return "\n".join([told, *shown, *rest])


def gate_files(
    artefact: Artefact, records: Mapping[str, Record], verdicts: Mapping[str, StoredOutcome]
) -> dict[str, str]:
    """File name to CSV: the whole list of a gate, to be looked at, changed, and given to `edit --file`."""
    lines = dispositions_of(artefact.content)
    if not lines:
        return {}
    name = f"{artefact.step}-{artefact.revision}"
    head = ["record_id", "decision", "reason", "flagged", "score", "title", "evidence"]
    rows = [
        [
            line.record_id,
            line.decision,
            line.reason or "",
            "yes" if line.flagged else "",
            "" if line.score is None else f"{line.score:.3f}",
            records[line.record_id].title,
            _evidence(verdicts.get(line.record_id)),
        ]
        for line in lines
    ]
    files = {f"{name}.csv": _csv(head, rows)}
    if cells := cells_of(artefact.content):
        head = ["report_id", "field_id", "value", "unit", "quote", "status", "section"]
        quoted = [
            [
                c.report_id,
                c.field_id,
                c.value or "",
                c.unit or "",
                c.quote.text if c.quote else "",
                c.status,
                c.section,
            ]
            for c in cells
        ]
        files[f"{name}-cells.csv"] = _csv(head, quoted)
    return files


def _evidence(stored: StoredOutcome | None) -> str:
    verdicts = [] if stored is None else stored.outcome.content.get("verdict", {}).get("verdicts", [])
    said = [
        f"{v['criterion_id']}: {v['label']}" + (f" “{v['quote']['text']}”" if v["quote"] else "")
        for v in verdicts
    ]
    return " | ".join(said)


def _csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([[cell_text(value) for value in row] for row in rows])
    return out.getvalue()


def trace_text(events: Sequence[Event]) -> str:
    """Every step with its inputs, outputs and duration, and what people did between them."""
    lines = []
    for event in events:
        took = "" if event.seconds is None else f" {event.seconds:.3f} s"
        told = " ".join(
            f"{key}={value}" for key, value in event.content.items() if value not in ({}, None, "")
        )
        lines.append(f"{event.at}  {event.step:<10} {event.kind:<9}{took}  {told}".rstrip())
    return "\n".join(lines)
