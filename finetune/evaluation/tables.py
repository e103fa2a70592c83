"""The tables of values: extraction, criteria of screening, and the other tasks that give labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from finetune.evaluation.cells import ABSTAINS, LABELS, Cell, grounded, right
from finetune.evaluation.matching import Likeness
from finetune.evaluation.sheet import Key, Sheet

__all__ = ["TABLE_OF", "confusion", "note_cells"]

TABLE_OF: Mapping[str, str] = {
    "screen": "criteria",
    "characteristics": "extraction",
    "arms": "extraction",
    "participants": "extraction",
    "results": "extraction",
    "direction": "extraction",
    "bias": "other tasks",
    "rationale": "other tasks",
}
"""Task to the table its figures stand in."""

SECOND = {"text": "word for word", "number": "within 1 %"}


def note_cells(sheet: Sheet, engine: str, cells: Sequence[Cell], likeness: Likeness) -> None:
    """Enter an engine's cells into the tables."""
    for cell in cells:
        _values(sheet, engine, cell, likeness)
        if cell.name in ("arm", "more arms") and (cell.failed or cell.said is not None):
            _note(sheet, engine, cell, "arms told that are right", right(cell, likeness)[0])
        if cell.main:
            _abstentions(sheet, engine, cell)
        _note(sheet, engine, cell, "quote stands in the text", grounded(cell))


def _note(sheet: Sheet, engine: str, cell: Cell, measure: str, held: bool | None) -> None:
    if held is not None:
        sheet.mean(Key(TABLE_OF[cell.task], cell.task, measure), engine, cell.cluster, float(held))


def _values(sheet: Sheet, engine: str, cell: Cell, likeness: Likeness) -> None:
    """Accuracy among what has a true value; labels have one always."""
    if cell.truth is None:
        return
    first, second = right(cell, likeness)
    if cell.kind == "label":
        _note(sheet, engine, cell, f"{cell.name}: accuracy", first)
        if cell.task in LABELS:
            key = Key(TABLE_OF[cell.task], cell.task, f"{cell.name}: macro-F1")
            said = None if cell.failed else cell.said
            sheet.label(key, LABELS[cell.task], engine, cell.cluster, cell.truth, said)
        return
    rule = "cosine" if cell.kind == "text" else "exact"
    _note(sheet, engine, cell, f"{cell.name}: {rule}", first)
    _note(sheet, engine, cell, f"{cell.name}: {SECOND[cell.kind]}", second)


def _abstentions(sheet: Sheet, engine: str, cell: Cell) -> None:
    """No usable answer is neither a value nor an abstention, and counts against the engine in both lines."""
    _note(sheet, engine, cell, "no usable answer", bool(cell.failed))
    word = ABSTAINS.get(cell.task)
    abstained = not cell.failed and (cell.said is None or cell.said == word)
    if cell.truth is None or cell.truth == word:
        _note(sheet, engine, cell, "not reported: recognised", abstained)
    else:
        _note(sheet, engine, cell, "reported, not told", abstained or bool(cell.failed))
    if word and not cell.failed:
        _note(sheet, engine, cell, f"share of {word}", abstained)


def confusion(cells: Sequence[Cell]) -> dict[str, dict[str, dict[str, int]]]:
    """Task to truth to what was said, in counts; `no usable answer` is a column of its own."""
    told: dict[str, dict[str, dict[str, int]]] = {}
    for cell in cells:
        if cell.task not in LABELS or cell.truth is None:
            continue
        columns = dict.fromkeys((*LABELS[cell.task], "no usable answer"), 0)
        row = told.setdefault(cell.task, {name: dict(columns) for name in LABELS[cell.task]})[cell.truth]
        row["no usable answer" if cell.failed or cell.said is None else cell.said] += 1
    return told
