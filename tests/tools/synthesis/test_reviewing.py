"""The checks over a whole extraction table: what is noticed, where, and how often. Numbers are invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.synthesis.tables import OUTCOMES, RELAPSE, SLEPT, WORRY, arm, between, number_cell, role
from tools.synthesis.checks import RULES
from tools.synthesis.reviewing import findings
from tools.synthesis.values import STATISTICS

SOUND = [
    *arm("Tea", "experimental", events=3, total=40, percent="7.5"),
    *arm("Water", "control", events=9, total=41, percent="22.0"),
    *arm("Tea", of=WORRY, mean="10.1", sd="2.5", total=40),
    *arm("Water", of=WORRY, mean="11.3", sd="2.7", total=41),
    *between("Tea vs Water", estimate="0.70", estimate_lower="0.50", estimate_upper="0.98", p_value="0.038"),
]


def rules(cells, outcomes=OUTCOMES):
    return [found.finding.rule for found in findings(cells, outcomes)]


def changed(arm_name, statistic, value, of=SLEPT):
    """The sound table with one number planted."""
    key = ("r1", of.id, "", arm_name, statistic)
    assert any(cell.key == key for cell in SOUND)
    return [c.model_copy(update={"value": value}) if c.key == key else c for c in SOUND]


def test_a_sound_table_has_no_findings():
    assert findings(SOUND, OUTCOMES) == []


@pytest.mark.parametrize("cells", [[], [role("Tea", "control")], [number_cell("Tea", "events", None)]])
def test_a_table_without_numbers_has_no_findings(cells):
    assert findings(cells, OUTCOMES) == []


@pytest.mark.parametrize(
    ("arm_name", "statistic", "value", "of", "rule"),
    [
        ("Tea", "events", "43", SLEPT, "events-exceed-total"),
        ("Tea", "percent", "17.5", SLEPT, "percent-of-total"),
        ("Water", "sd", "-2.7", WORRY, "negative"),
        ("Tea vs Water", "estimate", "1.70", RELAPSE, "estimate-outside-interval"),
        ("Tea vs Water", "estimate_lower", "-0.5", RELAPSE, "ratio-not-positive"),
        ("Tea vs Water", "p_value", "0.38", RELAPSE, "p-value"),
    ],
)
def test_a_planted_error_is_found_with_its_rule_and_its_place(arm_name, statistic, value, of, rule):
    found = findings(changed(arm_name, statistic, value, of), OUTCOMES)
    assert rule in RULES
    assert rule in [f.finding.rule for f in found]
    assert {(f.report_id, f.outcome) for f in found} == {("r1", of.id)}


def test_two_arms_are_compared_even_where_no_estimate_stands_between_them():
    copied = [
        *arm("Tea", of=WORRY, mean="10.1", sd="2.5", total=40),
        *arm("Water", of=WORRY, mean="10.1", sd="2.5", total=41),
    ]
    assert rules(copied) == ["same-numbers"]


def test_arms_in_different_units_are_noticed():
    cells = [
        *arm("Tea", of=WORRY, mean="10.1", sd="2.5", total=40),
        *arm("Water", of=WORRY, mean="11.3", sd="2.7", total=41),
    ]
    units = {"Tea": "days", "Water": "weeks"}
    assert rules([c.model_copy(update={"unit": units[c.arm]}) for c in cells]) == ["units-differ"]


def test_an_estimate_that_does_not_follow_from_its_arms_is_an_error():
    arms = [
        *arm("Tea", of=WORRY, mean="10.0", sd="2.0", total=100),
        *arm("Water", of=WORRY, mean="12.0", sd="2.0", total=100),
    ]
    right = between("Tea vs Water", of=WORRY, estimate="-2.0", estimate_lower="-2.55", estimate_upper="-1.45")
    assert rules([*arms, *right]) == []
    swapped = between("Tea vs Water", of=WORRY, estimate="2.0", estimate_lower="1.45", estimate_upper="2.55")
    assert rules([*arms, *swapped]) == ["arms-swapped"]
    other_way = between(
        "Water vs Tea", of=WORRY, estimate="2.0", estimate_lower="1.45", estimate_upper="2.55"
    )
    assert rules([*arms, *other_way]) == []
    far = between("Tea vs Water", of=WORRY, estimate="-6.0", estimate_lower="-6.55", estimate_upper="-5.45")
    (finding,) = findings([*arms, *far], OUTCOMES)
    assert (finding.finding.rule, finding.finding.severity) == ("estimate-recomputed", "error")


@pytest.mark.parametrize(
    ("name", "estimate", "lower", "upper"),
    [
        ("risk ratio", "0.50", "0.34", "0.73"),
        ("odds ratio", "0.38", "0.22", "0.65"),
        ("risk difference", "-0.20", "-0.30", "-0.10"),
    ],
)
def test_whichever_measure_counts_are_compared_by_it_is_no_error(name, estimate, lower, upper):
    """30/150 against 60/150: RR 0.5, OR 0.375, RD −0.2, intervals by the usual formulas."""
    arms = [*arm("Tea", events=30, total=150), *arm("Water", events=60, total=150)]
    told = between("Tea vs Water", of=SLEPT, estimate=estimate, estimate_lower=lower, estimate_upper=upper)
    assert rules([*arms, *told]) == [], name


def test_an_estimate_that_is_no_measure_of_the_counts_is_an_error():
    arms = [*arm("Tea", events=30, total=150), *arm("Water", events=60, total=150)]
    told = between("Tea vs Water", of=SLEPT, estimate="0.80", estimate_lower="0.70", estimate_upper="0.91")
    assert "estimate-recomputed" in rules([*arms, *told])


def test_an_estimate_between_arms_that_have_no_rows_is_checked_by_itself():
    told = between("Drug vs Placebo", of=SLEPT, estimate="1.70", estimate_lower="0.50", estimate_upper="0.98")
    assert "estimate-outside-interval" in rules(told)


def test_printed_digits_say_how_far_a_number_may_be_off():
    def row(percent):
        return arm("Tea", events=1, total=3, percent=percent)

    assert rules(row("33")) == rules(row("33.3")) == rules(row("33.33")) == []
    assert rules(row("33.00")) == ["percent-of-total"]


def test_outcomes_that_the_protocol_does_not_name_are_not_checked():
    assert findings(changed("Tea", "events", "43"), [WORRY]) == []


def test_each_finding_stands_once_however_many_pairs_an_arm_is_in():
    cells = [
        *arm("Tea", events=43, total=40),
        *arm("Water", events=9, total=41),
        *arm("Walks", events=8, total=45),
        *between("Tea vs Water", of=SLEPT, estimate="0.34", p_value="0.1"),
        *between("Tea vs Walks", of=SLEPT, estimate="0.42", p_value="0.1"),
    ]
    found = findings(cells, OUTCOMES)
    assert [f.finding.rule for f in found].count("events-exceed-total") == 1


def test_time_points_and_reports_are_places_of_their_own():
    cells = [
        *arm("Tea", events=43, total=40, time_point="6 weeks"),
        *arm("Tea", events=3, total=40, time_point="1 year"),
        *arm("Tea", events=43, total=40, report_id="r2"),
    ]
    places = [(f.report_id, f.time_point) for f in findings(cells, OUTCOMES)]
    assert places == [("r1", "6 weeks"), ("r2", "")]


_value = st.sampled_from([None, "0", "-1", "3", "40", "1e9", "0.5", "99999999", "NR", "12.345", "", "inf"])


@given(
    st.dictionaries(
        st.tuples(
            st.sampled_from(["A", "B", "A vs B", "B vs A"]),
            st.sampled_from(STATISTICS),
            st.sampled_from([SLEPT, WORRY, RELAPSE]),
        ),
        _value,
        max_size=16,
    )
)
def test_whatever_a_table_holds_the_checks_get_through_it_and_name_known_rules(table):
    cells = [number_cell(arm_name, name, value, of=of) for (arm_name, name, of), value in table.items()]
    found = findings(cells, OUTCOMES)
    assert {f.finding.rule for f in found} <= RULES.keys()
    assert len({f.model_dump_json() for f in found}) == len(found)
    assert found == findings(cells, OUTCOMES)
