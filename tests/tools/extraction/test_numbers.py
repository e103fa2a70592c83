"""Numbers in cells and sentences: every set form, what is told of it, and what is no number. All texts are invented."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.extraction.forms import form_of, plain
from tools.extraction.numbers import p_values, percent_fits, reading_of, readings_in, sizes_in, told_by


def read(cell, *layers, total=None, marks=""):
    return reading_of(cell, layers, total, frozenset(marks))


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("12", "number", "12"),
        ("1,204", "number", "1204"),
        ("1\u2009204", "number", "1204"),
        ("3·5", "number", "3.5"),
        ("− 2.4", "number", "-2.4"),
        ("+11.2*", "number", "11.2"),
        ("2. 54", "number", "2.54"),
        ("45%", "percent", "45"),
        ("(72)", "number", "72"),
        ("12 (40%)", "count", "12"),
        ("238(73%)", "count", "238"),
        ("40% (12)", "count", "12"),
        ("12/30 (40%)", "count", "12"),
        ("3 of 20", "count", "3"),
        ("31.2 ± 0.8", "mean", "31.2"),
        ("31.2 +/- 0.8", "mean", "31.2"),
        ("31.2 ± 0.8^ab", "mean", "31.2"),
        ("14/15^a(93%)", "count", "14"),
        ("79** [54–89]", "number", "79"),
        ("−3.3 ± 3.6 [−4.3, -2.3]", "mean", "-3.3"),
        ("9.1 (7.2–10.7) p < 0.001", "number", "9.1"),
        ("0,64 ± 0,37", "mean", "0.64"),
        ("1 (<1)", "count", "1"),
        ("1/320 (<1%)", "count", "1"),
    ],
)
def test_the_form_of_a_cell_tells_its_kind(cell, kind, value):
    found = read(cell)
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize(
    "cell",
    ["", "–", "n.a.", "<0.001", "Wool", "120/80/60", "1 to 2 to 3", "1" * 13, "٣", "x" * 90, "5^th", "10^9"],
)
def test_what_has_no_set_form_is_no_number(cell):
    assert read(cell) is None


@pytest.mark.parametrize(
    ("layers", "kind"),
    [
        ((), "unknown"),
        (("Weight, mean ± SD",), "sd"),
        (("Weight", "Values are means ± SEM."), "se"),
        (("Weight, mean ± SE", "Values are mean ± SD."), "se"),
        (("Weight", "mean ± SD or mean ± SE"), "unknown"),
        (("Weight", "mean (standard deviation)"), "sd"),
    ],
)
def test_a_spread_is_named_by_the_nearest_text_that_names_one_and_never_assumed(layers, kind):
    assert read("31.2 ± 0.8", *layers).spread_kind == kind


def test_a_number_in_brackets_is_what_the_heading_says():
    assert read("12 (40)", "n (%)").percent == "40"
    assert read("55.5 (12.3)", "mean (SD)").spread == "12.3"
    assert read("40 (12)", "% (n)").value == "40"  # a count may have any percentage beside it
    assert read("30.5 (12)", "% (n)").value == "12"


def test_a_number_in_brackets_that_nothing_names_is_told_by_arithmetic_alone():
    assert (read("12 (40)", total=30).kind, read("12 (40)", total=30).percent) == ("count", "40")
    alone = read("12 (40)", total=50)
    assert (alone.kind, alone.value, alone.spread, alone.percent) == ("number", "12", None, None)


def test_a_heading_that_says_both_forms_is_settled_by_the_number():
    both = "Mean (SD) or n (%)"
    assert read("74 (64.9%)", both).kind == "count"
    assert read("55.5 (12.3)", both).spread_kind == "sd"
    assert read("74 (64.9)", both, total=114).kind == "count"
    assert read("74 (12)", both, total=114) is None  # either


def test_limits_hold_their_value_and_are_named_by_what_is_told():
    found = read("4 (2–6)", "median (IQR)")
    assert (found.kind, found.lower, found.upper, found.limits_kind) == ("median", "2", "6", "iqr")
    assert read("−0.89 (−1.53, −0.25) b", "Mean (95% CI)", marks="b").lower == "-1.53"
    assert read("8.2 (5.9 to 13.5)").limits_kind == "unknown"
    assert read("8.2 (9.9 to 13.5)") is None
    assert (read("−3.55 to 2.54", "95% CI").kind, read("−3.55 to 2.54", "95% CI").upper) == ("limits", "2.54")


def test_participants_behind_a_value_are_its_denominator():
    assert (read("9.3 ± 0.4 (n = 14)").value, read("9.3 ± 0.4 (n = 14)").total) == ("9.3", 14)


def test_a_share_whose_percentage_does_not_fit_is_none():
    assert read("12/30 (40.0%)").total == 30
    assert read("12/30 (60.0%)") is None
    assert percent_fits(1, 26, "3.9")
    assert not percent_fits(1, 26, "4.9")
    assert not percent_fits(1, 0, "0")


def test_marks_of_footnotes_are_letters_only_where_the_table_explains_them():
    assert read("1.2 (0.4)e", "mean (SD)") is None
    assert read("1.2 (0.4)e", "mean (SD)", marks="e").spread == "0.4"


def test_words_beside_numbers_are_told():
    assert told_by("n=40") == frozenset()
    assert "percent" not in told_by("mean (95% CI)")
    assert {"median", "iqr"} <= told_by("Median [interquartile range]")


def test_a_sentence_gives_its_values_in_order_without_p_values():
    text = "Toes were 31.2 ± 0.8 °C with wool and 29.9 ± 0.9 °C with cotton (mean ± SD, P = 0.004; 6/40 vs 12 (31.6%))."
    found = list(readings_in(text))
    assert [(r.value, r.spread or r.percent or r.total) for r in found] == [
        ("31.2", "0.8"),
        ("29.9", "0.9"),
        ("6", 40),
        ("12", "31.6"),
    ]
    assert found[0].spread_kind == "sd"
    assert text[found[1].start : found[1].end] == "29.9 ± 0.9"


def test_a_number_that_is_part_of_a_name_is_no_value_of_a_sentence():
    assert [r.value for r in readings_in("ABC-8 was 12 with wool")] == ["12"]


def test_p_values_and_sizes_are_read_apart():
    assert [(p.sign, p.value) for p in p_values("P<0·001, p = .34, group 1")] == [
        ("<", "0.001"),
        ("=", ".34"),
    ]
    assert sizes_in("Wool (n = 1,204), N=38") == (1204, 38)


@given(st.text(alphabet="0123456789.,·±()[]%–− /ne=abSD", max_size=30))
def test_any_cell_is_read_or_refused_and_gives_plain_digits(cell):
    found = reading_of(cell, ("n (%) or mean ± SD",), 40)
    if found is not None:
        for number in (found.value, found.spread, found.lower, found.upper, found.percent):
            assert not number or re.fullmatch(r"-?(?:\d+(?:\.\d+)?|\.\d+)", number)
    assert form_of(cell) is None or plain(form_of(cell).value) == form_of(cell).value


@given(st.text(alphabet="0123456789.,·±()%–− vsandwol=npP<", max_size=60))
def test_readings_of_any_sentence_stand_at_their_places_in_order(text):
    found = list(readings_in(text))
    assert all(0 <= r.start < r.end <= len(text) for r in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
