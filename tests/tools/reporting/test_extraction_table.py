"""The extraction table as people and machines get it; cells are invented."""

import csv
import io
import json
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.reporting.extraction_table import ExtractionTable, extraction_csv, extraction_json, extraction_xlsx
from tools.reporting.text import original_text
from tools.schemas import Cell, FieldSpec, Quote


def outcome(field: str, value: str | None, arm: str, **more: object) -> Cell:
    given: dict[str, object] = {"status": "grounded" if value is not None else "not_reported"}
    return Cell(
        report_id="pmid:1",
        outcome="sleep",
        time_point="12 weeks",
        field_id=field,
        arm=arm,
        value=value,
        **given | more,
    )  # type: ignore[arg-type]


def table() -> ExtractionTable:
    return ExtractionTable(
        cells=(
            Cell(
                report_id="pmid:1",
                field_id="country",
                status="grounded",
                value="=HYPERLINK(1)",
                quote=Quote(text="in -Nowhere-", start=4, end=16),
                reader="person:Ada",
                confidence=0.75,
            ),
            outcome("events", "3", "tea"),
            outcome("total", "40", "tea"),
            outcome("events", "-2.50", "water", unit="nights"),
            outcome("total", None, "water"),
            outcome("events", "9", "water", status="ungrounded", reader="registry"),
        ),
        labels=(("pmid:1", "Ash 2001"),),
        fields=(
            FieldSpec(id="total", kind="number", question="How many?"),
            FieldSpec(id="events", kind="number", question="How many had it?"),
        ),
    )


def read(made: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"), newline="")))


def test_wide_rows_are_report_outcome_time_point_and_arm() -> None:
    rows = read(extraction_csv(table(), "wide"))
    places = [(r["outcome"], r["time_point"], r["arm"], r["reading"]) for r in rows]
    assert places == [
        ("", "", "", "1"),
        ("sleep", "12 weeks", "tea", "1"),
        ("sleep", "12 weeks", "water", "1"),
        ("sleep", "12 weeks", "water", "2"),
    ]
    assert [r["total"] for r in rows] == ["", "40", "[not reported]", ""]
    assert [r["events"] for r in rows] == ["", "3", "-2.50", "9 [to be checked]"]
    assert [r["events unit"] for r in rows] == ["", "", "nights", ""]
    assert list(rows[0])[6:] == ["total", "events", "events unit", "country"], "the form's order comes first"


def test_a_unit_that_all_cells_share_stands_in_the_heading() -> None:
    cells = tuple(outcome("dose", v, arm, unit="mg") for v, arm in (("5", "tea"), ("6", "water")))
    assert list(read(extraction_csv(ExtractionTable(cells=cells), "wide"))[0])[-1] == "dose (mg)"


def test_long_rows_keep_quote_reader_and_confidence() -> None:
    first, *_, last = read(extraction_csv(table()))
    assert (first["quote"], first["quote_start"], first["quote_end"], first["located"]) == (
        "in -Nowhere-",
        "4",
        "16",
        "no",
    )
    assert (first["reader"], first["confidence"], first["report"]) == ("person:Ada", "0.75", "Ash 2001")
    assert (last["status"], last["value"], last["question"]) == ("ungrounded", "9", "How many had it?")
    assert last["confidence"] == ""


def test_csv_runs_no_formula_and_can_be_undone() -> None:
    cell = read(extraction_csv(table()))[0]["value"]
    assert cell == "'=HYPERLINK(1)"
    assert original_text(cell) == "=HYPERLINK(1)"


def test_json_keeps_every_cell_as_it_is() -> None:
    whole = json.loads(extraction_json(table()))
    assert tuple(Cell.model_validate(c) for c in whole["cells"]) == table().cells
    assert whole["labels"] == {"pmid:1": "Ash 2001"}


def sheets(made: bytes) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(made))
    assert book.sheetnames == ["Table", "Cells"]
    wide, long = (list(book[name].iter_rows(values_only=True)) for name in book.sheetnames)
    return wide, long


def test_a_workbook_holds_numbers_as_numbers_and_never_a_formula() -> None:
    made = extraction_xlsx(table())
    wide, _ = sheets(made)
    events = wide[0].index("events")
    assert [row[events] for row in wide[1:]] == [None, 3, -2.5, "9 [to be checked]"]
    book = openpyxl.load_workbook(io.BytesIO(made))
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "n"}
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        assert not any(b"<f>" in parts.read(n) or b"<hyperlink" in parts.read(n) for n in parts.namelist())


@pytest.mark.parametrize(
    "text", ["007", "1e5", "12345678901234567890", "0.1234567890123456", "+5", "1,000", " 3"]
)
def test_what_a_spreadsheet_would_change_stays_text(text: str) -> None:
    wide, _ = sheets(extraction_xlsx(ExtractionTable(cells=(outcome("total", text, "tea"),))))
    assert wide[1][-1] == text


def test_identifiers_are_never_numbers() -> None:
    cell = Cell(report_id="12345", field_id="total", arm="2", status="grounded", value="4")
    wide, _ = sheets(extraction_xlsx(ExtractionTable(cells=(cell,))))
    assert (wide[1][0], wide[1][4], wide[1][6]) == ("12345", "2", 4)


def test_a_text_too_long_for_a_cell_says_so() -> None:
    wide, _ = sheets(extraction_xlsx(ExtractionTable(cells=(outcome("note", "y" * 40_000, "tea"),))))
    text = str(wide[1][-1])
    assert len(text) <= 32_767
    assert text.endswith("… [40000 characters; whole in the JSON export]")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20)), max_size=6))
def test_any_text_is_written_and_read_again(values: list[tuple[str, str, str]]) -> None:
    cells = tuple(
        Cell(report_id="r", field_id=field, arm=arm, status="grounded", value=value)
        for field, arm, value in values
    )
    made = ExtractionTable(cells=cells)
    rows = read(extraction_csv(made))
    assert [original_text(r["value"]) for r in rows] == [v for *_, v in values]
    assert json.loads(extraction_json(made))["cells"] == [c.model_dump(mode="json") for c in cells]
    wide, long = sheets(extraction_xlsx(made))
    assert len(long) == len(cells) + 1
    assert len(wide) <= len(cells) + 1


def test_nothing_is_lost_in_the_wide_layout() -> None:
    cells = tuple(outcome("events", str(i), "tea") for i in range(5))
    rows = read(extraction_csv(ExtractionTable(cells=cells), "wide"))
    assert [(r["reading"], r["events"]) for r in rows] == [(str(i + 1), str(i)) for i in range(5)]


def test_two_workbooks_of_one_table_are_the_same_file() -> None:
    made = extraction_xlsx(table())
    assert made == extraction_xlsx(table())
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        assert {i.date_time for i in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert parts.read("docProps/core.xml").count(b"1980-01-01T00:00:00Z") == 2
        assert parts.namelist()[0] == "[Content_Types].xml"
