"""Numbers as they are printed, read or refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.synthesis.checks_numbers import NotANumber, decimals_of, last_unit, number_of, shown


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        (" 12.30 ", 12.3),
        ("12·3", 12.3),  # the Lancet's middle dot
        ("12∙3", 12.3),
        (".05", 0.05),
        ("5.", 5.0),
        ("−3.2", -3.2),  # U+2212
        ("–3.2", -3.2),  # en dash
        ("- 3.2", -3.2),
        ("+4", 4.0),
        ("1,234", 1234.0),
        ("1,234,567.8", 1234567.8),
        ("12\u2009345", 12345.0),
        ("12\u00a0345", 12345.0),
        ("12’345", 12345.0),
        ("34%", 34.0),
        ("34·5 %", 34.5),
        ("(3.2)", 3.2),
        ("3.2*", 3.2),
        ("3.2†", 3.2),
        ("1.2e-5", 1.2e-5),
        ("1.2 × 10−5", 1.2e-5),
        ("1·2x10^3", 1200.0),
        ("0", 0.0),
        ("0.000", 0.0),
    ],
)
def test_what_is_one_number_is_read(text: str, value: float) -> None:
    assert number_of(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("NR", "missing"),
        ("n/a", "missing"),
        ("Not reported", "missing"),
        ("—", "missing"),
        ("…", "missing"),
        ("<0.001", "below"),
        ("≤ 0·05", "below"),
        (">100", "above"),
        ("3–5", "range"),
        ("3 to 5", "range"),
        ("−3 to −1", "range"),
        ("12 (34%)", "several"),
        ("5.1 ± 2.0", "several"),
        ("12/34", "several"),
        ("12,3", "ambiguous"),
        ("0,123", "ambiguous"),
        ("1.234,5", "ambiguous"),
        ("12 345", "ambiguous"),
        ("twelve", "words"),
        ("12 mg", "words"),
        ("12²", "words"),
        ("½", "words"),
        ("1e999", "words"),
        ("٣", "words"),
        ("12.3.4", "words"),
        ("9" * 400, "words"),
    ],
)
def test_what_is_not_one_number_says_why(text: str, trouble: str) -> None:
    read = number_of(text)
    assert isinstance(read, NotANumber)
    assert read.trouble == trouble
    assert read.text == text
    assert read.why


def test_bounds_and_possible_meanings_are_kept() -> None:
    below, comma, spaced, ends = (number_of(text) for text in ("<0.001", "1.234,5", "12 345", "−3 to −1"))
    assert isinstance(below, NotANumber)
    assert below.bound == 0.001
    assert isinstance(comma, NotANumber)
    assert comma.possible == (1234.5,)
    assert isinstance(spaced, NotANumber)
    assert spaced.possible == (12345.0,)
    assert isinstance(ends, NotANumber)
    assert ends.possible == (-3.0, -1.0)


@given(st.text(max_size=90))
def test_any_text_is_a_finite_number_or_says_why(text: str) -> None:
    read = number_of(text)
    assert isinstance(read, NotANumber) or math.isfinite(read)


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=2))
def test_a_number_in_any_dress_is_the_same(number: object) -> None:
    plain = str(number)
    for text in (
        plain,
        plain.replace("-", "−"),
        plain.replace(".", "·"),
        f"{plain} %",
        f"{float(plain):,.2f}",
    ):
        assert number_of(text) == float(plain)
        assert decimals_of(text) == 2


def test_decimals_and_units_are_those_printed() -> None:
    assert [decimals_of(text) for text in ("12", "12.30", "1.2e-5", "1,234", "NR")] == [0, 2, 6, 0, None]
    assert last_unit(12.3) == pytest.approx(0.1)
    assert last_unit(12.0) == 1.0
    assert last_unit(12.0, "12.0") == pytest.approx(0.1)
    assert last_unit(1e-7) == pytest.approx(0, abs=1e-15)
    assert last_unit(math.inf) == 0.0
    assert shown(12.0) == "12"
    assert shown(12.0, "12·0") == "12·0"
