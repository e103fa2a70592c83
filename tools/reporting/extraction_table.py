"""The extraction table as CSV, XLSX and JSON, long or wide. Pure: same cells in, same bytes out.

Long: one row per cell, with its quote and where it stands. Wide: one row per report, outcome, time point and
arm, one column per field, as people read tables. A cell without a value shows its status in brackets, so that
"not reported" never looks like "not asked".

CSV neutralises formulas (`text.cell_text`). XLSX needs no such thing: text is stored as text, numbers as
numbers, there are no formulas and no links. JSON keeps everything as it is, for machines.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tools.reporting.text import cell_text, shown
from tools.reporting.workbook import fixed_bytes
from tools.schemas import Cell, FieldSpec, Frozen

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["ExtractionTable", "Layout", "extraction_csv", "extraction_json", "extraction_xlsx"]

Layout = Literal["long", "wide"]
Table = tuple[Sequence[str], list[list[str]]]

_LONG = (
    *("row", "report_id", "report", "outcome", "time_point", "arm", "field_id", "question", "value", "unit"),
    *(
        "status",
        "confidence",
        "reader",
        "readings",
        "quote",
        "quote_start",
        "quote_end",
        "located",
        "section",
    ),
    *("reason", "call_key"),
)
_WIDE = ("report_id", "report", "outcome", "time_point", "arm", "reading")
_WITHOUT_VALUE = {
    "not_reported": "[not reported]",
    "not_found": "[not found]",
    "conflicting": "[conflicting]",
    "failed": "[failed]",
}
_TO_CHECK = " [to be checked]"


class ExtractionTable(Frozen):
    """Cells with the words that people know them by."""

    cells: tuple[Cell, ...]
    labels: tuple[tuple[str, str], ...] = Field(default=(), description="Report id and its label.")
    fields: tuple[FieldSpec, ...] = Field(default=(), description="The form; its order is that of columns.")


def extraction_csv(table: ExtractionTable, layout: Layout = "long") -> bytes:
    """RFC 4180 in UTF-8 with a byte-order mark; formulas neutralised, which `text.original_text` undoes."""
    columns, rows = _laid_out(table, layout)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell_text(name) for name in columns])
    writer.writerows([cell_text(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def extraction_json(table: ExtractionTable) -> bytes:
    """Everything, unchanged; keys in alphabetical order."""
    whole = table.model_dump(mode="json")
    whole["labels"] = dict(table.labels)
    return (json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def extraction_xlsx(table: ExtractionTable) -> bytes:
    """One workbook with the sheets `Table` (wide) and `Cells` (long)."""
    from openpyxl import Workbook

    book = Workbook()
    sheets = (book.active, book.create_sheet())
    for sheet, title, layout in zip(sheets, ("Table", "Cells"), _LAYOUTS, strict=True):
        assert sheet is not None
        sheet.title = title
        _fill(sheet, *_laid_out(table, layout))
    out = io.BytesIO()
    book.save(out)
    return fixed_bytes(out.getvalue())


_LAYOUTS: tuple[Layout, Layout] = ("wide", "long")


# Layouts -----------------------------------------------------------------------------------------


def _laid_out(table: ExtractionTable, layout: Layout) -> Table:
    return _long(table) if layout == "long" else _wide(table)


def _long(table: ExtractionTable) -> Table:
    labels, fields = dict(table.labels), {f.id: f for f in table.fields}
    rows = []
    for number, cell in enumerate(table.cells, 1):
        field = fields.get(cell.field_id)
        row = {
            **{name: str(getattr(cell, name) or "") for name in _LONG if name in Cell.model_fields},
            "row": str(number),
            "report": labels.get(cell.report_id, ""),
            "question": field.question if field else "",
            "unit": cell.unit or (field.unit if field else None) or "",
            "confidence": "" if cell.confidence is None else repr(cell.confidence),
            "readings": "; ".join(cell.readings),
        }
        row |= {"quote": "", "quote_start": "", "quote_end": "", "located": ""}
        if q := cell.quote:
            row |= {"quote": q.text, "quote_start": str(q.start), "quote_end": str(q.end)}
            row["located"] = "yes" if q.located else "no"
        rows.append([row[name] for name in _LONG])
    return _LONG, rows


def _wide(table: ExtractionTable) -> Table:
    """Rows in order of first mention. A second cell for the same place opens a second row, `reading` 2."""
    labels = dict(table.labels)
    fields = _field_ids(table)
    units = {f: _units(table, f) for f in fields}
    rows: dict[tuple[str, str, str, str, int], dict[str, Cell]] = {}
    for cell in table.cells:
        place = (cell.report_id, cell.outcome, cell.time_point, cell.arm)
        reading = next(
            n for n in range(1, len(table.cells) + 1) if cell.field_id not in rows.get((*place, n), {})
        )
        rows.setdefault((*place, reading), {})[cell.field_id] = cell
    columns = [*_WIDE]
    for f in fields:
        columns += [f"{f} ({units[f][0]})"] if len(units[f]) == 1 else [f, f"{f} unit"] if units[f] else [f]
    filled = []
    for (report, outcome, time_point, arm, reading), cells in rows.items():
        row = [report, labels.get(report, ""), outcome, time_point, arm, str(reading)]
        for f in fields:
            cell_of = cells.get(f)
            row.append(_shown(cell_of) if cell_of else "")
            if len(units[f]) > 1:
                row.append((cell_of.unit or "") if cell_of else "")
        filled.append(row)
    return columns, filled


def _field_ids(table: ExtractionTable) -> tuple[str, ...]:
    """Fields that have cells, in the order of the form, then of first mention."""
    used = dict.fromkeys(c.field_id for c in table.cells)
    return tuple(dict.fromkeys([*(f.id for f in table.fields if f.id in used), *used]))


def _units(table: ExtractionTable, field_id: str) -> tuple[str, ...]:
    """Units of a field: one goes into the heading, several need a column, and so do cells that have none."""
    told = dict.fromkeys(c.unit or "" for c in table.cells if c.field_id == field_id and c.value is not None)
    return () if set(told) <= {""} else tuple(told)


def _shown(cell: Cell) -> str:
    """A value as a table shows it; one without evidence says so, and so does a missing one."""
    if cell.value is None:
        return _WITHOUT_VALUE.get(cell.status, f"[{cell.status}]")
    return cell.value + (_TO_CHECK if cell.status == "ungrounded" else "")


# Workbook ----------------------------------------------------------------------------------------

_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,14})?")
_MOST_DIGITS = 15  # what a spreadsheet keeps of a number
_MOST_CHARACTERS = 32_767  # what a spreadsheet keeps of a text
_WIDEST_COLUMN = 60
_NEVER_NUMBERS = frozenset(
    {"report_id", "report", "outcome", "time_point", "arm", "field_id", "quote", "call_key"}
)


def _number(text: str) -> float | int | None:
    """The number that a text is, where a spreadsheet keeps it without loss: not 007, not 1e5, not 20 digits."""
    if not _PLAIN_NUMBER.fullmatch(text) or sum(ch.isdigit() for ch in text) > _MOST_DIGITS:
        return None
    return float(text) if "." in text else int(text)


def _fill(sheet: "Worksheet", columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    widths = [len(name) for name in columns]
    for x, name in enumerate(columns, 1):
        _put_text(sheet, 1, x, name)
        sheet.cell(1, x).font = Font(bold=True)
    for y, row in enumerate(rows, 2):
        for x, (name, value) in enumerate(zip(columns, row, strict=True), 1):
            if not value:
                continue
            number = None if name in _NEVER_NUMBERS else _number(value)
            if number is None:
                _put_text(sheet, y, x, value)
            else:
                sheet.cell(y, x, number)
            widths[x - 1] = max(widths[x - 1], len(value))
    for x, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(x)].width = min(width + 2, _WIDEST_COLUMN)
    sheet.freeze_panes = "A2"


def _put_text(sheet: "Worksheet", row: int, column: int, text: str) -> None:
    """Store text as text: openpyxl would take `=1+1` for a formula, and refuse control characters."""
    cell = sheet.cell(row, column)
    cell.value = _fitting(shown(text))
    cell.data_type = "s"


def _fitting(text: str) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    note = f" … [{len(text)} characters; whole in the JSON export]"
    return text[: _MOST_CHARACTERS - len(note)] + note
