"""A person's own reading of the numbers: the blank form, and what they wrote into it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from agent.commands import Done, open_gate, texts_of, whoami
from agent.home import Clock, Home, system_clock
from agent.review import Review
from tools.errors import ConfigError, NotAllowed
from tools.evidence_settings import WANTED
from tools.reporting.text import cell_text
from tools.schemas import Artefact, Cell
from tools.store import Event

__all__ = ["blank_form", "enter", "form"]


def form(given: Path, *, by: str | None, folder: Path | None = None) -> Done:
    """Write the form for one person: every number that is wanted, without what others read.

    Raises:
        NotAllowed: the gate `evidence` is not open.
    """
    with Review.open(Home.of(given, folder)) as review:
        artefact = open_gate(review, "evidence")
        name = by or whoami()
        review.home.gates.mkdir(parents=True, exist_ok=True)
        path = review.home.gates / f"form-{_file_name(name)}.csv"
        path.write_text(blank_form(artefact), encoding="utf-8")
    told = f"The form for {name}: {path}"
    return Done(
        f"{told}\nFill in value, unit and quote; a line without a value says that the report does not tell."
    )


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.casefold()) or "person"


def blank_form(artefact: Artefact) -> str:
    """The table without values, as CSV: no reading of a person or a machine is in it."""
    from graphs.cells import BIAS
    from graphs.evidence_edits import COLUMNS
    from graphs.evidence_table import outcomes_of, tool_of
    from graphs.gates import cells_of, dispositions_of

    # Entries of registers are read by rules; people see them beside the papers.
    reports = {line.record_id for line in dispositions_of(artefact.content)}
    tool = tool_of(artefact.content)
    texts = {} if tool is None else {f"{BIAS}{q.id}": q.text for d in tool.domains for q in d.questions}
    # Only what every row wants: a line more would tell that the machine has found a number there.
    wanted = {(spec.id, name) for spec in outcomes_of(artefact.content) for name in WANTED[spec.kind]}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*COLUMNS, "question"])
    for cell in cells_of(artefact.content):
        if cell.report_id not in reports or not _asked_of_people(cell, texts, wanted):
            continue
        place = (cell.report_id, cell.outcome, cell.time_point, cell.arm, cell.field_id)
        row = [*place, "", "", "", "", texts.get(cell.field_id, "")]
        writer.writerow([cell_text(value) for value in row])
    return out.getvalue()


def _asked_of_people(cell: Cell, questions: dict[str, str], wanted: set[tuple[str, str]]) -> bool:
    """Numbers and signalling questions; arms and judgements are proposed, and settled at the gate."""
    from graphs.cells import BIAS

    if cell.field_id.startswith(BIAS):
        return cell.field_id in questions
    return (cell.outcome, cell.field_id) in wanted


def enter(
    given: Path,
    *,
    file: Path,
    by: str | None,
    folder: Path | None = None,
    clock: Clock = system_clock,
) -> Done:
    """Store what one person read. Nobody is shown it before enough people have read the same report.

    Raises:
        NotAllowed: the gate is not open, or this person has read it all before.
        ConfigError: the file is missing or a line does not fit; then nothing of it is stored.
    """
    from graphs.edits import rows_of
    from graphs.evidence_edits import read_lines

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{file} cannot be read as text: {e}. Remedy: give an existing UTF-8 file.") from e
    name = by or whoami()
    with Review.open(Home.of(given, folder), clock) as review:
        artefact = open_gate(review, "evidence")
        _check_name(review, name)
        cells = read_lines(artefact.content, rows_of(text), name, texts_of(review, artefact))
        if _nothing_new(review, artefact, name, cells):
            raise NotAllowed(f"{name} has entered exactly this before; nothing was stored.")
        store_reading(review, artefact, cells, name)
    quoted = sum(cell.quote is not None for cell in cells)
    told = f"Stored {len(cells)} cells of {name}, {quoted} with a quote that stands in the report."
    return Done(f"{told}\nWhen everybody has entered, see what is agreed: python -m agent resume {given}")


def _check_name(review: Review, name: str) -> None:
    """One person under two spellings must not count as two.

    Raises:
        NotAllowed: somebody has entered under nearly this name.
    """
    plain = " ".join(name.casefold().split())
    for known in dict.fromkeys(reading.by for reading in review.store.readings(review.pass_id)):
        if known != name and " ".join(known.casefold().split()) == plain:
            raise NotAllowed(
                f"{known!r} has entered before, and {name!r} looks like the same person. Remedy: give the name as "
                "before, or one that tells the two apart."
            )


def _nothing_new(review: Review, artefact: Artefact, name: str, cells: Sequence[Cell]) -> bool:
    from graphs.readers import asked_in, still_standing

    before = still_standing(review.store, review.pass_id, asked_in(artefact.content)).readings.get(name, {})
    return all(before.get(cell.key) == cell for cell in cells)


def store_reading(review: Review, artefact: Artefact, cells: Sequence[Cell], by: str) -> None:
    """Insert a reading of the reports in a table, and say so in the log."""
    review.store.add_reading(review.pass_id, artefact.artefact_id, cells, by)
    reports = sorted({cell.report_id for cell in cells})
    review.store.log(
        review.pass_id, Event("evidence", "entered", {"by": by, "cells": len(cells), "reports": reports})
    )
