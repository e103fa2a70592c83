"""What a person is shown, as text: a gate, the state of the review, its trace."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.showing_evidence import evidence_files, evidence_text, synthesis_files, synthesis_text
from graphs.gates import cells_of, dispositions_of
from tools.reporting.text import cell_text
from tools.schemas import Artefact, Disposition, Record, RecordVerdict, Strategy
from tools.screening.calibration import calibrate
from tools.store import Event, StoredOutcome

__all__ = ["gate_files", "gate_text", "trace_text"]

LISTED = 12
"""Lines of a long list on the terminal; the whole of it is in the file."""

MANY_LINES = 40
"""Of a strategy: beyond this the terminal shows only the lines that join others."""


def gate_text(artefact: Artefact, files: Sequence[Path]) -> str:
    """What is to be approved at a gate, and the hash of exactly that."""
    body = _BODIES.get(artefact.step, _list)(artefact.content)
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
    """The strategy with hits line by line, and everything a searcher would want to know before signing it."""
    strategy = _as_strategy(content)
    parts = [
        ["Search strategy (PubMed syntax):", f"  {strategy.text}"],
        _counted_lines(strategy),
        _known(strategy),
        _set_aside(strategy),
        _attempts(strategy),
        [f"  seems to ask the same: PMID {x.pmid} ({x.year}) {x.title}" for x in strategy.earlier_reviews],
        [f"  note: {note}" for note in strategy.notes],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _as_strategy(content: Mapping[str, Any]) -> Strategy:
    return Strategy.model_validate({k: v for k, v in content.items() if k in Strategy.model_fields})


def _strategy_csv(strategy: Strategy) -> str:
    """Every line with its hits, then what was set aside."""
    rows = [
        [f"#{number}", line.text, line.label, "" if line.hits is None else str(line.hits), ""]
        for number, line in enumerate(strategy.lines, start=1)
    ]
    rows += [["", x.term, x.block, "" if x.hits is None else str(x.hits), x.why] for x in strategy.set_aside]
    return _csv(["line", "text", "concept", "hits", "set aside because"], rows)


def _counted_lines(strategy: Strategy) -> list[str]:
    if not strategy.counted_in:
        return [f"  {block.name}: {' OR '.join(block.terms)}" for block in strategy.blocks]
    width = max(len(f"{line.hits or 0:,}") for line in strategy.lines)
    rows = [f"Line by line, with hits in {strategy.counted_in}:"]
    joined_only = len(strategy.lines) > MANY_LINES
    for number, line in enumerate(strategy.lines, start=1):
        if joined_only and not (line.label or line.text.startswith("#")):
            continue
        hits = "?" if line.hits is None else f"{line.hits:,}"
        name = f"  ({line.label})" if line.label else ""
        rows.append(f"  #{number:<4}{hits:>{width}}  {_shortened(line.text)}{name}")
    if joined_only:
        rows.append(f"  … and each of the {len(strategy.lines)} lines in the file below")
    return rows


def _shortened(text: str) -> str:
    """A long run of `#1 OR #2 OR …` by its ends."""
    return text if len(text) <= 100 or not text.startswith("#") else f"{text[:40]} … {text[-20:]}"


def _known(strategy: Strategy) -> list[str]:
    if not strategy.known_studies:
        return []
    rows = []
    for use in ("building", "validation"):
        held = [x for x in strategy.known_studies if x.use == use and x.found is not None]
        if held:
            rows.append(f"  {use}: {sum(bool(x.found) for x in held)} of {len(held)} found")
    return ["Known relevant studies:", *(rows or ["  none of them could be looked up"])]


def _set_aside(strategy: Strategy) -> list[str]:
    rows = [f"  set aside from {x.block}: {x.term} ({x.why})" for x in strategy.set_aside[:LISTED]]
    more = len(strategy.set_aside) - LISTED
    return [*rows, f"  … and {more} more terms set aside, in the file below"] if more > 0 else rows


def _attempts(strategy: Strategy) -> list[str]:
    if len(strategy.attempts) < 2:
        return []
    rows = [
        f"  {n}: {'?' if x.hits is None else x.hits} hits, misses {', '.join(x.missed) or 'none'}"
        + (f"; added {', '.join(x.added)}" if x.added else "")
        for n, x in enumerate(strategy.attempts, start=1)
    ]
    return ["Attempts:", *rows]


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
    changed = [
        f"  {x['record_id']}: {'; '.join(x['changes'])} (was: {x['was'].replace('_', ' ')})"
        for x in content.get("changed", ())
    ]
    heading = ["Changed since an earlier pass decided about them:"] if changed else []
    return "\n".join([told, *shown, *rest, *heading, *changed, *_notes(content)])


def _notes(content: Mapping[str, Any]) -> list[str]:
    """How suggestions came about, where that is not plain."""
    told = [f"  {record_id}: {'; '.join(notes)}" for record_id, notes in content.get("notes", {}).items()]
    more = [f"  … and {len(told) - LISTED} more, in the file below"] if len(told) > LISTED else []
    return ["What to know about some of them:", *told[:LISTED], *more] if told else []


def gate_files(
    artefact: Artefact, records: Mapping[str, Record], verdicts: Mapping[str, StoredOutcome]
) -> dict[str, str]:
    """File name to CSV: the whole list of a gate, to be looked at, changed, and given to `edit --file`."""
    if artefact.step in _FILES:
        return _FILES[artefact.step](artefact)
    if artefact.step == "query":
        return {f"query-{artefact.revision}.csv": _strategy_csv(_as_strategy(artefact.content))}
    lines = dispositions_of(artefact.content)
    if not lines:
        return {}
    name = f"{artefact.step}-{artefact.revision}"
    head = ["record_id", "decision", "reason", "flagged", "score", "title", "evidence", "notes"]
    head += ["p_passes", "p_is"]
    notes = artefact.content.get("notes", {})
    weighed = _weighed(lines, verdicts)
    rows = [
        [
            line.record_id,
            line.decision,
            line.reason or "",
            "yes" if line.flagged else "",
            "" if line.score is None else f"{line.score:.3f}",
            records[line.record_id].title,
            _evidence(verdicts.get(line.record_id)),
            "; ".join(notes.get(line.record_id, ())),
            *weighed.get(line.record_id, ("", "")),
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


_BODIES = {
    "pico": _elements,
    "query": _strategy,
    "evidence": evidence_text,
    "synthesis": synthesis_text,
}
_FILES = {"evidence": evidence_files, "synthesis": synthesis_files}


def _weighed(
    lines: Sequence[Disposition], verdicts: Mapping[str, StoredOutcome]
) -> dict[str, tuple[str, str]]:
    """Record id to the probability that it passes, and what kind of probability that is.

    Calibrated on the lines that persons decided one by one; a bulk approval repeats the machine's own opinion.
    """
    told = {line.record_id: p for line in lines if (p := _p_passes(verdicts.get(line.record_id))) is not None}
    by_hand = [
        line
        for line in lines
        if line.suggested_by.startswith("person:")
        and line.decision in ("pass", "exclude")
        and line.record_id in told
    ]
    fitted = calibrate([told[x.record_id] for x in by_hand], [x.decision == "pass" for x in by_hand])
    if fitted is None:
        return {key: (f"{p:.3f}", "the model's own, uncalibrated") for key, p in told.items()}
    kind = f"calibrated on {fitted.passed + fitted.excluded} decisions of persons"
    return {key: (f"{fitted(p):.3f}", kind) for key, p in told.items()}


def _p_passes(stored: StoredOutcome | None) -> float | None:
    verdict = None if stored is None else stored.outcome.content.get("verdict")
    return None if verdict is None else RecordVerdict.model_validate(verdict).p_passes


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
