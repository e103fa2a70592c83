"""From cells to rows, and what a cell's text is as a number."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.synthesis.tables import RELAPSE, SLEPT, WORRY, arm, between, number_cell, role, told
from tools.synthesis.checks_numbers import number_of
from tools.synthesis.rows import BETWEEN, arm_rows, between_rows, number, plain, row_cells
from tools.synthesis.values import STATISTICS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        ("-0.4", -0.4),
        ("007", 7.0),
        (".5", 0.5),
        ("1,234", 1234.0),
        ("12·3", 12.3),
        ("−3", -3.0),
    ],
)
def test_a_cell_that_holds_one_number_is_that_number(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "NR",
        "about 20",
        "12 (34%)",
        "3-5",
        "<0.001",
        "12,3",
        "1_000",
        "１２",
        "٣",
        "inf",
        "nan",
        "1e999",
    ],
)
def test_a_cell_that_holds_no_number_is_none_and_never_zero(text):
    assert number(text) is None


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ("1,234", "1234"),
        ("12·30", "12.30"),
        ("−3.5", "-3.5"),
        ("12%", "12"),
        (" 7 ", "7"),
        ("2e5", "200000"),
        ("1.2 × 10⁻", None),
        ("1.2e-5", "0.000012"),
        ("0.0", "0.0"),
    ],
)
def test_what_people_write_is_held_as_plain_digits_with_its_decimals(written, held):
    if held is None:
        with pytest.raises(ValueError, match="is no number"):
            plain(written)
    else:
        assert plain(written) == held


@given(st.text(max_size=30))
def test_plain_digits_are_the_number_that_the_checks_read_or_a_refusal(text):
    read = number_of(text)
    if isinstance(read, float):
        assert number(plain(text)) == pytest.approx(read, rel=1e-12)
        assert plain(plain(text)) == plain(text)
    else:
        with pytest.raises(ValueError, match="is no number"):
            plain(text)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), st.integers(0, 6))
def test_a_printed_number_keeps_value_and_decimals(value, decimals):
    printed = f"{value:.{decimals}f}"
    assert plain(printed) in (printed, printed.removeprefix("-") if float(printed) == 0 else printed)
    assert number(printed) == float(printed)


@given(st.text(max_size=12))
def test_no_text_at_all_makes_a_number_that_is_not_finite(text):
    value = number(text)
    assert value is None or math.isfinite(value)


def test_an_arm_of_which_nothing_is_known_has_a_row_of_unknowns():
    (row,) = arm_rows([number_cell("Tea", "events", None), number_cell("Tea", "total", None)])
    assert (row.data.arm, row.data.events, row.data.total) == ("Tea", None, None)
    assert len(row.cells) == 2


def test_zero_is_a_number_and_stays_apart_from_unknown():
    (row,) = arm_rows(arm("Tea", events=0, total=40, percent=None))
    assert (row.data.events, row.data.percent) == (0.0, None)


def test_estimates_between_arms_are_no_numbers_of_an_arm_and_the_other_way_round():
    cells = [*arm("Tea", events=3), *between("Tea vs Water", estimate="0.7", p_value="0.04")]
    assert [row.data.arm for row in arm_rows(cells)] == ["Tea"]
    (row,) = between_rows(cells)
    assert (row.arms, row.values) == ("Tea vs Water", {"estimate": 0.7, "p_value": 0.04})


def test_an_estimate_in_words_is_left_out_of_the_values_and_keeps_its_cell():
    (row,) = between_rows(between("Tea vs Water", estimate="not reached", estimate_lower="0.5"))
    assert row.values == {"estimate_lower": 0.5}
    assert [cell.field_id for cell in row.cells] == ["estimate", "estimate_lower"]


def test_outcomes_time_points_reports_and_arms_make_rows_of_their_own():
    cells = [
        *arm("Tea", events=1),
        *arm("Tea", events=2, time_point="6 weeks"),
        *arm("Tea", events=3, report_id="r2"),
        *arm("Water", events=4),
        *arm("Tea", of=WORRY, mean=5),
    ]
    rows = arm_rows(cells)
    assert [(r.report_id, r.outcome, r.time_point, r.data.arm) for r in rows] == [
        ("r1", SLEPT.id, "", "Tea"),
        ("r1", SLEPT.id, "6 weeks", "Tea"),
        ("r2", SLEPT.id, "", "Tea"),
        ("r1", SLEPT.id, "", "Water"),
        ("r1", WORRY.id, "", "Tea"),
    ]
    assert [r.data.events for r in rows[:4]] == [1, 2, 3, 4]


def test_how_many_were_randomised_stands_in_every_row_of_the_arm_and_makes_none():
    assigned = told("randomised", "45").model_copy(update={"arm": "Tea"})
    (row,) = arm_rows([*arm("Tea", events=3, total=40), assigned])
    assert (row.data.randomised, row.data.total) == (45, 40)
    assert arm_rows([assigned]) == []
    half = assigned.model_copy(update={"value": "45.5"})
    assert arm_rows([*arm("Tea", events=3), half])[0].data.randomised is None


def test_cells_about_no_outcome_or_no_arm_make_no_row():
    bias = number_cell("", "bias/1.1", "Y", of=SLEPT)
    assert row_cells([role("Tea", "control"), told("country", "Norway"), bias]) == {}
    direction = number_cell("Tea vs Water", "direction", "increased", of=RELAPSE)
    assert arm_rows([direction]) == []
    assert between_rows([direction]) == []


@given(st.permutations([*arm("Tea", events=1, total=2), *arm("Water", events=3, total=4, percent=None)]))
def test_the_order_of_cells_changes_no_row(cells):
    found = {row.data.arm: row.data for row in arm_rows(cells)}
    assert (found["Tea"].events, found["Tea"].total) == (1, 2)
    assert (found["Water"].events, found["Water"].total, found["Water"].percent) == (3, 4, None)


def test_every_statistic_is_of_an_arm_or_between_arms_and_finds_its_place():
    for name in STATISTICS:
        cells = [number_cell("x", name, "5")]
        arms, pairs = arm_rows(cells), between_rows(cells)
        assert (len(arms), len(pairs)) == ((0, 1) if name in BETWEEN else (1, 0))
        assert pairs[0].values == {name: 5.0} if pairs else getattr(arms[0].data, name) == 5.0
