"""Text of unknown origin, made harmless for spreadsheets, reference managers and pages."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tools.reporting.text import cell_text, one_line, original_text, person, shown


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "  =", "\ufeff="]
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    assert cell_text(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize("text", ["-0.35", "+5", "-1e-05", "12", "Milk = sleep", "", "a-b", "'quoted'"])
def test_numbers_and_ordinary_text_stay_as_they_are(text: str) -> None:
    assert cell_text(text) == text


@pytest.mark.parametrize("text", ["-1+2", "-5 cmd", "+1|A", "-", "- 5"])
def test_what_only_begins_like_a_number_is_neutralised(text: str) -> None:
    assert cell_text(text) == "'" + text


@given(st.text())
@example("'=1")
@example("''-5")
@example("'-5")
def test_neutralising_can_be_undone_exactly(text: str) -> None:
    assert original_text(cell_text(text)) == text


@given(st.text(alphabet="=+-@ '\t\r\nx1＝.", max_size=8))
def test_no_cell_begins_a_formula(text: str) -> None:
    cell = cell_text(text).lstrip(" ")
    try:
        float(cell)
    except ValueError:
        assert not cell.startswith(tuple("=+-@\t\r＝"))


@given(st.text())
def test_one_line_holds_no_line_break_of_any_kind(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert "\x00" not in one_line(text)


def test_controls_that_reorder_are_spelt_out_and_ordinary_marks_stay() -> None:
    assert shown("safe\u202egpj.exe") == "safe⟦U+202E⟧gpj.exe"
    assert shown("a\u2067b\x00\x1bc") == "a⟦U+2067⟧b⟦U+0000⟧⟦U+001B⟧c"
    assert shown("سلام\u200f \u200c\nfine\t") == "سلام\u200f \u200c\nfine\t"


def test_a_person_is_called_by_name() -> None:
    assert (person("person:Ada"), person("baseline-1")) == ("Ada", "baseline-1")
