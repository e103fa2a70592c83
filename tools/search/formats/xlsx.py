"""Excel workbooks (XLSX) as rows of text, through openpyxl in read-only mode.

A workbook is a zip archive of XML. Before openpyxl sees it, its sizes, its ratio and its XML are looked at:
openpyxl itself sets no limits, and its own documentation says that it does not guard against XML bombs.
"""

import datetime
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from tools.errors import InputFileError
from tools.search.citation_text import Problem
from tools.search.formats.table import Columns, Row, recognised

__all__ = ["MAX_UNPACKED", "rows"]

MAX_UNPACKED = 200 * 1024 * 1024
"""Bytes of all parts of the archive together."""

_MAX_PARTS = 1_000
_MAX_RATIO = 100
_SMALL = 10 * 1024 * 1024
"""Bytes up to which any ratio is harmless."""

_MARKUP_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)|<\x00!\x00[DE]|\x00<\x00![\x00][DE]")


def rows(stream: IO[bytes], columns: Columns, problems: list[Problem]) -> Iterator[Row]:
    """Rows of the sheet that holds the citations: the first with headers that we know, else the first.

    Raises:
        InputFileError: no workbook, damaged, or of a size or form that is not safe to open.
    """
    _checked(stream)
    import openpyxl

    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=False, keep_links=False)
    except Exception as e:  # whatever a damaged part makes openpyxl stumble over
        raise InputFileError(f"the workbook cannot be opened ({e}). Save it again as XLSX or CSV") from e
    try:
        sheet = _sheet(book, columns, problems)
        formulas, width = 0, 0
        for number, cells in enumerate(_cells(sheet), 1):
            width = max(width, len(cells))
            # Empty cells at the end of a row are not stored.
            texts = [*map(_text, cells), *[""] * (width - len(cells))]
            formulas += sum(text.startswith("=") for text in texts)
            yield Row(f"row {number}", texts)
        if formulas:
            what = f"{formulas} cells begin with = and are kept as text, never calculated"
            problems.append(Problem(place=f"sheet {sheet.title}", what=what))
    finally:
        book.close()


def _checked(stream: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            if not any(part.filename == "xl/workbook.xml" for part in parts):
                raise InputFileError("a zip archive, but no Excel workbook. Unpack it, and name its files")
            if len(parts) > _MAX_PARTS or any(part.flag_bits & 1 for part in parts):
                raise InputFileError(
                    "a workbook with too many or encrypted parts. Save it again, without password"
                )
            size = sum(part.file_size for part in parts)
            packed = max(1, sum(part.compress_size for part in parts))
            if size > MAX_UNPACKED or (size > _SMALL and size / packed > _MAX_RATIO):
                raise InputFileError(
                    f"the workbook unpacks to {size // 2**20} MB, {size // packed} times its size, which is "
                    "refused. Save the citations alone, as CSV"
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _without_declarations(archive, part)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as e:
        raise InputFileError(f"the workbook is damaged ({e}). Save or export it again") from e
    except zipfile.zlib.error as e:  # type: ignore[attr-defined]
        raise InputFileError(f"the workbook is damaged ({e}). Save or export it again") from e


def _without_declarations(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    # Reading stops at the declared size, so that the sum above is a limit. ECMA-376 allows no document
    # type, so nothing honest is refused.
    before = b""
    with archive.open(part) as xml:
        while piece := xml.read(1 << 20):
            if _MARKUP_DECLARATION.search(before + piece):
                raise InputFileError(
                    f"{part.filename} in the workbook declares a document type or entities, which is not safe. "
                    "Save the citations as CSV"
                )
            before = piece[-16:]


def _sheet(book: Any, columns: Columns, problems: list[Problem]) -> Any:
    sheets = [sheet for sheet in book.worksheets if next(_cells(sheet), None) is not None]
    if not sheets:
        raise InputFileError("the workbook holds no cells. Export the search again")
    chosen = next((sheet for sheet in sheets if _has_citations(sheet, columns)), sheets[0])
    for sheet in sheets:
        if sheet is not chosen and any(any(cells) for cells in islice(_cells(sheet), 5)):
            problems.append(Problem(place=f"sheet {sheet.title}", what="another sheet, not read"))
    return chosen


def _has_citations(sheet: Any, columns: Columns) -> bool:
    for cells in islice(_cells(sheet), 20):
        try:
            known = recognised([_text(value) for value in cells], columns)
        except InputFileError:
            continue
        if "title" in known and len(known) > 1:
            return True
    return False


def _cells(sheet: Any) -> Iterator[tuple[Any, ...]]:
    # Some programs state wrong dimensions, and openpyxl would stop there.
    sheet.reset_dimensions()
    try:
        yield from sheet.iter_rows(values_only=True)
    except InputFileError:
        raise
    except Exception as e:  # a damaged sheet, in whatever way
        raise InputFileError(f"a sheet of the workbook is damaged ({e}). Save it again as XLSX or CSV") from e


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
