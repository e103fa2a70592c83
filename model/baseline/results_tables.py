"""What the tables of a report hold of one outcome in one arm. Pure.

A cell belongs to an arm by the heading of its column, or by the label of its row where arms are rows; it is about
an outcome when label, section and, where arms are rows, heading have the words of the outcome. Where two cells
fit alike and differ, neither is taken.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from model.baseline.results_arms import Arms, arm_columns, is_arm_heading, side
from model.baseline.results_rows import fit_of, is_named, is_time, only_row_fit, rows_of_times
from model.baseline.results_sizes import size_at, size_noted, whole
from model.baseline.results_times import BASELINE, changes, describes, follow_ups, meant, times_in
from model.baseline.results_wanted import Wanted
from tools.extraction.numbers import Reading, reading_of, sizes_in
from tools.fulltext.tables import PaperTable, TableRow, bare, is_blank

__all__ = ["Cell", "cells_of"]


@dataclass(frozen=True)
class Cell:
    """A value of the arm in a table, with all that is known of it."""

    reading: Reading
    size: int | None
    """Participants, where the table tells them."""
    sized: bool
    """Whether the table tells a size at all: then no other counts, even if this one cannot be."""
    start: int
    end: int
    """The line up to the last cell that the value is read from: places in the canonical text."""
    line_end: int
    """Where the whole line ends."""
    title: str
    """What tells this value from the arm's others in the row: `6 months`."""
    label: str
    fit: float


@dataclass(frozen=True)
class _Row:
    """A row about the outcome; without cells where which value is meant cannot be told."""

    fit: float
    named: bool
    """Whether it has the whole name of the outcome."""
    cells: list[Cell]


def cells_of(tables: Sequence[PaperTable], wanted: Wanted, arms: Arms) -> tuple[list[Cell], frozenset[str]]:
    """The arm's value, or its values at several times; empty where none or more than one can be meant.

    Returns:
        The cells, and the values among which tables leave a choice.
    """
    found: list[_Row] = []
    used: list[PaperTable] = []
    for table in tables:
        described = describes(table)
        if described and not wanted.baseline:
            continue
        for one in _rows_of(table, wanted, arms):
            timed = [c for c in one.cells if _is_timed(c, wanted, described)]
            if timed or not one.cells:
                found.append(replace(one, cells=timed))
                used.append(table)
    near = [one for one in found if one.fit >= max(other.fit for other in found) - 0.1]
    best = [one.cells for one in near if one.named or not any(other.named for other in near)]
    if best and not wanted.baseline and _at_other_times(tables, used, wanted, arms):
        return [], frozenset()
    told = {tuple(_shown(c) for c in cells) for cells in best}
    if len(told) == 1 and best[0]:
        return best[0], frozenset()
    return [], frozenset(value for values in told for value, _ in values)


def _at_other_times(
    tables: Sequence[PaperTable], used: Sequence[PaperTable], wanted: Wanted, arms: Arms
) -> bool:
    """Whether a table whose arms cannot be told apart has the outcome at several times, and none was asked for.

    Then what another table tells is the value of one of those times, and which is meant nobody can know.
    """
    if times_in(wanted.text):
        return False
    return any(
        follow_ups(piece for path in row.columns[table.stub :] for piece in path) > 1
        and fit_of(row.label, row.section, table, wanted, arms.shorts)
        for table in tables
        if not any(table is one for one in used)
        for row in table.rows
    )


def _is_timed(cell: Cell, wanted: Wanted, described: bool) -> bool:
    """Whether a value is of the side of the intervention that is asked for, as far as its label tells."""
    if wanted.baseline:
        return described or BASELINE.search(f"{cell.label} | {cell.title}") is not None
    return BASELINE.search(cell.label) is None


def _shown(cell: Cell) -> tuple[str, str | None]:
    return cell.reading.value, cell.reading.spread


def _rows_of(table: PaperTable, wanted: Wanted, arms: Arms) -> Iterator[_Row]:
    """Rows about the outcome with how well they fit."""
    yield from _rows_of_times(table, wanted, arms)
    columns_of: dict[tuple[tuple[str, ...], ...], tuple[int, ...]] = {}
    for at, row in enumerate(table.rows):
        named = is_named(row.label, wanted)
        if row.columns not in columns_of:
            columns_of[row.columns] = arm_columns(row.columns, table.stub, arms)
        columns = columns_of[row.columns]
        if columns and not is_time(row, table):
            fit = fit_of(row.label, row.section, table, wanted, arms.shorts)
            fit = fit or only_row_fit(at, table, wanted, arms.shorts)
            cells = _in_columns(table, row, columns, wanted, arms, fit) if fit else None
            if cells is not None:
                yield _Row(fit, named, cells)
        elif not columns and (cells := _in_row(table, row, wanted, arms)):
            yield _Row(max(c.fit for c in cells), named, cells)


def _rows_of_times(table: PaperTable, wanted: Wanted, arms: Arms) -> Iterator[_Row]:
    """The rows below a heading that names the outcome, each of which says a time: one row with several values."""
    for rows in rows_of_times(table):
        section = rows[0].section
        under = " ".join(piece for row in rows for piece in row.label)
        fit = fit_of((section,), under, table, wanted, arms.shorts)
        columns = arm_columns(rows[0].columns, table.stub, arms) if fit else ()
        if not columns or any(row.columns != rows[0].columns for row in rows):
            continue
        made = [_in_columns(table, row, columns, wanted, arms, fit) for row in rows]
        asked = [(row, cells) for row, cells in zip(rows, made, strict=True) if cells is not None]
        if not asked:
            continue
        single = all(len(cells) == 1 for _, cells in asked)
        titled = [
            replace(cells[0], title=" ".join(row.label), label=section) for row, cells in asked if cells
        ]
        yield _Row(fit, is_named((section,), wanted), _meant(titled, wanted) if single else [])


# Cells -------------------------------------------------------------------------------------------


def _in_columns(
    table: PaperTable, row: TableRow, columns: Sequence[int], wanted: Wanted, arms: Arms, fit: float
) -> list[Cell] | None:
    """The values of a row in the arm's columns that are meant; none where more than one can be.

    None where the row holds nothing of the kind that is asked for.
    """
    made = _assembled(table, row, columns, wanted, arms, fit)
    cells = [cell for cell in made if cell is not None]
    if len(cells) < len(made):
        return []  # a value that cannot be read may be the one that is meant
    asked = [cell for cell in cells if wanted.fits(cell.reading)]
    return _meant(asked, wanted) if asked else None


_PERCENT_HEAD = re.compile(r"^\W*(?:%|per ?cent(?:age)?)\W*$", re.IGNORECASE)
_COUNT_HEAD = re.compile(r"^\W*(?:n|no\.?|number|events?|count)\W*$", re.IGNORECASE)
_SIZE_HEAD = re.compile(r"^\W*(?:n|no\.?|number|total)\W*$", re.IGNORECASE)
_SPREAD_HEAD = re.compile(
    r"^\W*(?:±\s?)?(?:s\.?d\.?|s\.?e\.?m?\.?|standard (?:deviation|error))\W*$", re.IGNORECASE
)
_LIMITS_HEAD = re.compile(
    r"^\W*(?:95 ?% ?)?(?:c\.?i\.?|confidence interval|iqr|range|min(?:imum)?|max(?:imum)?)\W*$", re.IGNORECASE
)
_VALUE_HEAD = re.compile(
    r"\b(?:mean|median|m|average|value|rate|score|prevalence|proportion)\b|%|per ?cent", re.IGNORECASE
)


def _inner(path: Sequence[str], columns: Sequence[int]) -> str:
    return path[-1] if path and (len(path) > 1 or len(columns) > 1) else ""


def _assembled(
    table: PaperTable, row: TableRow, columns: Sequence[int], wanted: Wanted, arms: Arms, fit: float
) -> list[Cell | None]:
    """The values of some columns with what stands beside them; None for what holds no value that can be read."""
    heads = {j: _inner(row.columns[j], columns) for j in columns}
    sized = _sized(table, heads)
    made: list[Cell | None] = []
    size: int | None = None
    for j in columns:
        text, head = row.cells[j].text, heads[j]
        if j in sized:
            size = whole(text)
        elif made and (last := made[-1]) is not None and _is_beside(head):
            made[-1] = _joined(last, text, head, table, row, j)
        elif is_blank(text) or (
            _PERCENT_HEAD.match(head) and any(_COUNT_HEAD.match(h) for h in heads.values())
        ):
            continue
        elif (cell := _cell(table, row, j, size, wanted, arms, fit)) is not None or not BASELINE.search(head):
            made.append(cell)
    return made


def _sized(table: PaperTable, heads: Mapping[int, str]) -> frozenset[int]:
    """The columns that count participants: an `N` beside means or rates, and not beside its percentage."""
    counts = [j for j, head in heads.items() if _SIZE_HEAD.match(head)]
    values = [h for h in heads.values() if _VALUE_HEAD.search(h) and not _PERCENT_HEAD.match(h)]
    return frozenset(counts) if values else frozenset()


def _is_beside(head: str) -> bool:
    """Whether a column holds what belongs to the value before it."""
    return bool(_SPREAD_HEAD.match(head) or _PERCENT_HEAD.match(head) or _LIMITS_HEAD.match(head))


def _joined(cell: Cell, text: str, head: str, table: PaperTable, row: TableRow, j: int) -> Cell:
    """A value with what the next column holds of it."""
    beside = reading_of(text, (head,), marks=table.marks)
    if beside is None:
        return cell
    reading = cell.reading
    if _SPREAD_HEAD.match(head) and reading.spread is None and beside.kind in ("number", "mean"):
        kind = "se" if re.search(r"s\.?\s?e|error", head, re.IGNORECASE) else "sd"
        reading = replace(reading, spread=beside.value, spread_kind=kind, kind="mean")  # type: ignore[arg-type]
    elif _LIMITS_HEAD.match(head) and beside.kind == "limits":
        reading = replace(reading, lower=beside.lower, upper=beside.upper, limits_kind=beside.limits_kind)
    elif _PERCENT_HEAD.match(head) and reading.kind in ("count", "number") and reading.value.isdigit():
        reading = replace(reading, percent=beside.value, kind="count")
    else:
        return cell
    return replace(cell, reading=reading, end=row.cells[j].end, size=cell.size)


def _cell(
    table: PaperTable, row: TableRow, j: int, size: int | None, wanted: Wanted, arms: Arms, fit: float
) -> Cell | None:
    """One cell read, by all that is told of it, nearest first; None where it holds no single value."""
    path, text = row.columns[j], row.cells[j].text
    label = " ".join(row.label)
    noted = [note for note in table.notes if note.mark and _has_mark(row.label, note.mark)]
    by_note = size_noted((note.text.removeprefix(note.mark) for note in noted), arms)
    several = bool(by_note) or any(sizes_in(piece) for piece in row.label)
    size = size or (by_note[0] if by_note else size_at(table, row, j, arms))
    marked = [
        note.text for note in table.notes if note in noted or (note.mark and _has_mark(path, note.mark))
    ]
    rest = [note.text for note in table.notes if not note.mark]
    layers = (
        label,
        path[-1] if path else "",
        *marked,
        row.section,
        " | ".join(path),
        *rest,
        table.caption,
        wanted.said,
    )
    reading = reading_of(text, layers, size, table.marks)
    if reading is None or reading.kind == "limits":
        return None
    return Cell(
        reading=reading,
        size=reading.total or size,
        sized=bool(reading.total or size or several),
        start=row.start,
        end=row.cells[j].end,
        line_end=row.end,
        title=" / ".join(path),
        label=f"{label} | {row.section}",
        fit=fit,
    )


def _has_mark(texts: Sequence[str], mark: str) -> bool:
    return any(bare(text, frozenset(mark)) != text for text in texts)


# Arms as rows ------------------------------------------------------------------------------------


def _in_row(table: PaperTable, row: TableRow, wanted: Wanted, arms: Arms) -> list[Cell]:
    """The values of a row that is the arm's own; its section, and the headings, name the outcome."""
    pieces = [*row.label, row.section]
    sides = [side(piece, arms) if piece and not _EMPTY_LABEL.fullmatch(piece) else None for piece in pieces]
    if sides.count(0) != 1 or any(which not in (0, None) for which in sides):
        return []
    others = [piece for piece, which in zip(row.label, sides, strict=False) if which is None and piece]
    own = next(piece for piece, which in zip(pieces, sides, strict=True) if which == 0)
    if not _has_counterpart(table, row, own, arms):
        return []
    found: list[Cell] = []
    for j in range(table.stub, len(row.cells)):
        if row.columns[j] and not is_arm_heading(row.columns[j]):
            continue
        fit = fit_of(
            others or [row.section], " ".join((row.section, *row.columns[j])), table, wanted, arms.shorts
        )
        if not fit:
            continue
        if found and _is_beside(row.columns[j][-1] if row.columns[j] else ""):
            found[-1] = _joined(found[-1], row.cells[j].text, row.columns[j][-1], table, row, j)
            continue
        cell = _cell(table, row, j, None, wanted, arms, fit)
        if cell is not None and wanted.fits(cell.reading):
            found.append(replace(cell, label=" | ".join(others)))
    if not found:
        return []
    best = max(c.fit for c in found)
    found = [c for c in found if c.fit >= best - 0.05]
    return _meant(found, wanted)


_EMPTY_LABEL = re.compile(r"[\W\d]*")


def _has_counterpart(table: PaperTable, row: TableRow, own: str, arms: Arms) -> bool:
    """Whether another row of the table is another arm's, named in the same place."""
    at = row.label.index(own) if own in row.label else -1
    for other in table.rows:
        piece = other.section if at < 0 else other.label[at] if at < len(other.label) else ""
        if piece and piece != own and side(piece, arms) not in (0, None):
            return True
    return False


def _meant(cells: list[Cell], wanted: Wanted) -> list[Cell]:
    """The values of a row that are meant, each titled by what tells it from the others."""
    if len(cells) == 1 and not wanted.baseline and BASELINE.search(cells[0].title):
        return cells if changes(cells[0].title) else []
    if len(cells) < 2:
        return cells
    kept = meant([c.title for c in cells], [c.label for c in cells], wanted)
    return [replace(cells[n], title=title) for n, title in kept]
