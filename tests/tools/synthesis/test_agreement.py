"""Readings of one cell, compared; two extractors, compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.synthesis.agreement import CEILING, PRIORS, Reading, compare, double_extraction, kappa, same


def reading(value: str | None, kind: str = "person", reader: str = "", unit: str = "") -> Reading:
    return Reading(reader=reader or kind, kind=kind, value=value, unit=unit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("12·30", ""), ("12.3", "")),
        (("12.3", ""), ("12.34", "")),
        (("1,234", ""), ("1234", "")),
        (("−3.2", ""), ("-3.2", "")),
        (("12", "months"), ("1", "year")),
        (("12", "mg"), ("12", "milligrams")),
        (("12", "mg"), ("12", "")),
        (("Low  risk", ""), ("low risk.", "")),
        (("NR", ""), ("not reported", "")),
    ],
)
def test_the_same_in_other_words(one: tuple[str, str], other: tuple[str, str]) -> None:
    first, second = reading(one[0], unit=one[1]), reading(other[0], unit=other[1])
    assert same(first, second)
    assert same(second, first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("12.3", ""), ("12.4", "")),
        (("12", ""), ("12.4", "")),  # whole numbers are counts
        (("12", "months"), ("12", "weeks")),
        (("12", "mg"), ("12", "g")),
        (("12", ""), ("NR", "")),
        (("12", ""), ("12 (34%)", "")),
        (("low", ""), ("high", "")),
        ((None, ""), ("12", "")),
        ((None, ""), (None, "")),
    ],
)
def test_not_the_same(one: tuple[str | None, str], other: tuple[str | None, str]) -> None:
    assert not same(reading(one[0], unit=one[1]), reading(other[0], unit=other[1]))


def test_agreement_raises_and_the_most_exact_spelling_stays() -> None:
    alone = compare([reading("12.3", "engine")])
    both = compare([reading("12.3", "engine"), reading("12.34", "reader", unit="mg")])
    assert (alone.status, alone.value, alone.confidence) == ("single", "12.3", PRIORS["engine"])
    assert "Only engine" in alone.note
    assert (both.status, both.value, both.unit) == ("agreed", "12.34", "mg")
    assert both.confidence == pytest.approx(1 - 0.4 * 0.25)
    assert both.values == (("12.34 mg", ("engine", "reader")),)


def test_a_conflict_keeps_both_values_and_lowers() -> None:
    made = compare([reading("12", "engine"), reading("21", "reader"), reading("12", "person")])
    assert (made.status, made.value) == ("conflicting", None)
    assert made.values == (("12", ("engine", "person")), ("21", ("reader",)))
    assert made.confidence == pytest.approx((1 - 0.4 * 0.2) * 0.25)
    assert made.note == "Readings differ: 12 (engine, person); 21 (reader)."


def test_abstaining_is_neither_agreement_nor_conflict() -> None:
    assert compare([reading("12"), reading(None, "engine")]).status == "single"
    nobody = compare([reading(None), reading(None, "engine")])
    assert (nobody.status, nobody.value, nobody.confidence) == ("none", None, None)
    assert compare([]).status == "none"


def test_saying_that_nothing_is_reported_contradicts_a_value() -> None:
    assert compare([reading("12"), reading("NR", "engine")]).status == "conflicting"
    assert compare([reading("n/a"), reading("NR", "engine")]).status == "agreed"


def test_agreement_by_rounding_has_to_hold_for_every_pair() -> None:
    """12.3 agrees with 12.26 and with 12.34, which do not agree with each other."""
    assert compare([reading("12.3"), reading("12.26"), reading("12.34")]).status == "conflicting"


kinds = st.sampled_from(sorted(PRIORS))


@given(st.lists(st.tuples(st.sampled_from(["1", "2", "NR", None]), kinds), max_size=6))
def test_one_more_agreeing_reader_never_lowers_and_a_conflict_never_raises(
    cells: list[tuple[str | None, str]],
) -> None:
    before = compare([reading(value, kind) for value, kind in cells])
    if before.confidence is None:
        return
    assert 0 < before.confidence <= CEILING
    agreeing = [value for value, _ in cells if value is not None]
    if before.status != "conflicting":
        raised = compare([*(reading(value, kind) for value, kind in cells), reading(agreeing[0], "engine")])
        lowered = compare([*(reading(value, kind) for value, kind in cells), reading("3", "engine")])
        assert raised.confidence is not None
        assert lowered.confidence is not None
        assert raised.confidence >= before.confidence
        assert lowered.confidence < before.confidence


# Two extractors ----------------------------------------------------------------------------------


def pairs(yes_yes: int, yes_no: int, no_yes: int, no_no: int) -> list[tuple[str, str]]:
    return [
        *([("yes", "yes")] * yes_yes),
        *([("yes", "no")] * yes_no),
        *([("no", "yes")] * no_yes),
        *([("no", "no")] * no_no),
    ]


def test_kappa_by_hand() -> None:
    """20, 5, 10, 15: observed 0.70, by chance 0.5·0.6 + 0.5·0.4 = 0.50, kappa 0.40."""
    value, why = kappa(pairs(20, 5, 10, 15))
    assert value == pytest.approx(0.4)
    assert why == ""
    assert kappa(pairs(5, 0, 0, 5))[0] == 1.0
    assert kappa(pairs(0, 5, 5, 0))[0] == -1.0


def test_kappa_that_is_not_defined_says_why() -> None:
    assert kappa([]) == (None, "no cell was answered by both")
    value, why = kappa(pairs(5, 0, 0, 0))
    assert value is None
    assert "chance is complete" in why


def test_double_extraction_counts_and_lists() -> None:
    def cell(*values: str | None) -> list[Reading]:
        return [reading(value, reader=name) for name, value in zip(("ab", "cd"), values, strict=True)]

    cells = {
        "b:total": cell("1,234", "1234"),
        "a:risk": cell("low", "high"),
        "c:mean": cell("12.3", "12.34"),
        "d:risk": cell("low", None),
        "e:risk": cell(None, "high"),
        "f:risk": cell(None, None),
        "g:risk": cell("low", "Low"),
    }
    made = double_extraction(cells, first="ab", second="cd")
    assert (made.cells, made.both, made.agreed, made.percent) == (6, 4, 3, 75.0)
    assert (made.conflicting, made.only_first, made.only_second) == (("a:risk",), ("d:risk",), ("e:risk",))
    # Categories 1234, 12.3, low, low against 1234, 12.3, high, low: (0.75 − 0.25) / 0.75.
    assert made.kappa == pytest.approx((0.75 - (1 + 1 + 2 * 1) / 16) / (1 - 4 / 16))
    nothing = double_extraction({}, first="ab", second="cd")
    assert (nothing.percent, nothing.kappa, nothing.why_no_kappa) == (
        None,
        None,
        "no cell was answered by both",
    )
