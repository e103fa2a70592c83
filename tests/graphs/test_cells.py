"""What answers become: cells with quotes that stand in the report, and nothing guessed. The paper is invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.cells import (
    ROLES,
    arm_cells,
    beside,
    bias_cells,
    blanks_of,
    by_rules,
    direction_cells,
    evidence_of,
    failed,
    field_cells,
    number_evidence,
    participant_cells,
    result_cells,
    role_of_type,
    section_at,
)
from model.engine import Answer, AnswerRejected
from model.tasks.arms import Arm, ArmsAnswer
from model.tasks.bias import BiasAnswer, SignallingAnswer
from model.tasks.characteristics import CharacteristicsAnswer, FieldAnswer
from model.tasks.direction import DirectionAnswer
from model.tasks.participants import GroupValue, ParticipantsAnswer
from model.tasks.results import OutcomeMeasure, ResultsAnswer, ResultsInput, ResultValue, TrialGroup
from tests.graphs.tables import RELAPSE, SLEPT, WORRY, cell, paper
from tools.evidence_settings import MeasureSpec

PAPER = paper()
WORDS = paper(
    ("Results", "Mean worry was 12.3 (SD 4.5) with syrup, n = 40. In all, 160 or 40.5 % wrote n = 405.")
)
BASE = cell("", outcome="slept", arm="Syrup")


def result(spec=SLEPT, text=PAPER, quote="", *, value="30", **told):
    """The cells of one arm of which a report gives one value, by statistic."""
    given_value = {name: told.pop(name) for name in ("spread", "lower", "upper") if name in told}
    answer = ResultsAnswer(
        status="found", values=(ResultValue(value=value, quote=quote, **given_value),), **told
    )
    cells = result_cells(blanks_of(BASE, spec), spec, Answer(answer, raw="", key="k1"), text)
    assert all(c.call_key == "k1" for c in cells)
    assert len({c.key for c in cells}) == len(cells)
    return {c.field_id: c for c in cells}


# Evidence ----------------------------------------------------------------------------------------


def test_a_quote_that_stands_in_the_report_grounds_a_value_and_names_its_section():
    got = evidence_of("30", "30 of 40 with snail syrup", PAPER)
    assert (got["status"], got["section"]) == ("grounded", "Results")
    quote = got["quote"]
    assert PAPER.canonical[quote.start : quote.end] == quote.text == "30 of 40 with snail syrup"


def test_an_invented_quote_grounds_nothing_and_the_value_is_kept_flagged():
    got = evidence_of("30", "35 of 40 with snail syrup", PAPER)
    assert (got["value"], got["status"], got["quote"], got["section"]) == ("30", "ungrounded", None, "")


def test_a_value_without_quote_is_looked_up_only_where_it_stands_once():
    assert evidence_of("tap water (n = 41)", "", PAPER)["status"] == "located"
    assert evidence_of("snail syrup", "", PAPER)["status"] == "ungrounded"


@given(st.text(max_size=30), st.text(max_size=60))
def test_whatever_is_said_a_quote_is_the_reports_own_words(value, quote):
    got = evidence_of(value, quote, PAPER)
    found = got["quote"]
    assert (found is None) == (got["status"] == "ungrounded")
    assert found is None or PAPER.canonical[found.start : found.end] == found.text


def test_an_offset_lies_in_the_section_that_begins_before_it():
    start = PAPER.passages[1].start
    assert [section_at(n, PAPER) for n in (0, start - 1, start, 10**6)] == [
        "Methods",
        "Methods",
        "Results",
        "Results",
    ]


# Arms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "side"),
    [("EXPERIMENTAL", "experimental"), ("PLACEBO_COMPARATOR", "control"), ("OTHER", "other"), ("", "other")],
)
def test_a_type_of_arm_suggests_its_side(kind, side):
    assert role_of_type(kind) == side
    assert side in ROLES


def test_each_arm_has_a_name_a_role_and_where_told_a_description():
    arms = (
        Arm(label=" Snail syrup ", type="EXPERIMENTAL", quote="to snail syrup (n = 40)", description="5 ml"),
        Arm(label="Tap water", type="PLACEBO_COMPARATOR", quote="was never written"),
    )
    cells = arm_cells(cell("arm"), Answer(ArmsAnswer(status="found", arms=arms), raw=""), PAPER)
    assert [(c.arm, c.field_id, c.value) for c in cells] == [
        ("Snail syrup", "arm", "Snail syrup"),
        ("Snail syrup", "arm_role", "experimental"),
        ("Snail syrup", "arm_description", "5 ml"),
        ("Tap water", "arm", "Tap water"),
        ("Tap water", "arm_role", "control"),
    ]
    assert [c.status for c in cells] == ["grounded"] * 3 + ["ungrounded"] * 2


@pytest.mark.parametrize("status", ["not_found", "not_reported"])
def test_no_arms_are_one_cell_that_says_so(status):
    (one,) = arm_cells(cell("arm"), Answer(ArmsAnswer(status=status), raw=""), PAPER)
    assert (one.value, one.status, one.arm) == (None, status, "")


# Results -----------------------------------------------------------------------------------------


def test_counts_of_an_arm_with_their_denominator_in_the_same_quote():
    got = result(quote="30 of 40 with snail", denominator=40, param_type="COUNT_OF_PARTICIPANTS")
    assert (got["events"].value, got["total"].value) == ("30", "40")
    assert got["events"].quote == got["total"].quote
    assert {c.status for c in got.values()} == {"grounded"}


def test_a_denominator_elsewhere_is_looked_up_as_a_group_size_and_says_so():
    got = result(quote="30 of 40 with snail", denominator=41)
    assert got["total"].quote is not None
    assert (got["total"].quote.text, got["total"].status, got["total"].section) == (
        "n = 41",
        "located",
        "Methods",
    )


@pytest.mark.parametrize("denominator", [160, 40])
def test_digits_of_another_number_are_no_denominator(denominator):
    """40 is not 40.5 nor 405, and 160 stands without n: what is not printed as a group size is flagged."""
    got = result(text=WORDS, quote="40.5 % wrote n = 405", denominator=denominator)
    if denominator == 40:
        assert got["total"].quote is not None
        assert (got["total"].quote.text, got["total"].status) == ("n = 40", "located")
    else:
        assert (got["total"].status, got["total"].quote) == ("ungrounded", None)


def test_a_mean_with_its_sd_and_what_is_missing_is_not_found():
    got = result(
        WORRY, WORDS, "12.3 (SD 4.5)", value="12.3", spread="4.5", dispersion_type="Standard Deviation"
    )
    assert {n: (c.value, c.status) for n, c in got.items()} == {
        "mean": ("12.3", "grounded"),
        "sd": ("4.5", "grounded"),
        "total": (None, "not_found"),
    }
    assert got["mean"].unit == "points"


@pytest.mark.parametrize("said", ["", "dispersion", "±"])
def test_a_spread_without_a_name_is_a_conflict_and_no_sd(said):
    got = result(WORRY, WORDS, "12.3 (SD 4.5)", value="12.3", spread="4.5", dispersion_type=said)
    assert (got["sd"].value, got["sd"].status, got["sd"].readings) == (None, "conflicting", ("spread: 4.5",))
    assert "se" not in got


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("Standard Error", {"se"}),
        ("SEM", {"se"}),
        ("Inter-Quartile Range", {"q1", "q3"}),
        ("Full Range", {"minimum", "maximum"}),
        ("95% Confidence Interval", {"ci_lower", "ci_upper"}),
    ],
)
def test_what_is_given_instead_of_an_sd_stands_under_its_own_name(said, names):
    given_numbers = {"spread": "4.5"} if names == {"se"} else {"lower": "1", "upper": "9"}
    got = result(WORRY, WORDS, "12.3 (SD 4.5)", value="5", dispersion_type=said, **given_numbers)
    assert set(got) - {"mean", "sd", "total"} == names
    assert (got["sd"].value, got["sd"].status) == (None, "not_found")


@pytest.mark.parametrize("said", ["", "Standard Deviation", "SEM", "spread"])
def test_limits_without_a_name_are_not_taken_for_a_confidence_interval(said):
    got = result(WORRY, WORDS, "12.3 (SD 4.5)", value="5", lower="1", upper="9", dispersion_type=said)
    assert {n: (c.value, c.readings) for n, c in got.items() if n.startswith("ci_")} == {
        "ci_lower": (None, ("limit: 1",)),
        "ci_upper": (None, ("limit: 9",)),
    }


@pytest.mark.parametrize(
    ("spec", "kind", "unit", "name"),
    [
        (SLEPT, "COUNT_OF_PARTICIPANTS", "Participants", "events"),
        (SLEPT, "NUMBER", "percentage of participants", "percent"),
        (SLEPT, "NUMBER", "%", "percent"),
        (WORRY, "MEDIAN", "points", "median"),
        (WORRY, "GEOMETRIC_MEAN", "points", "geometric_mean"),
        (WORRY, "LEAST_SQUARES_MEAN", "points", "mean"),
        (WORRY, "COUNT_OF_PARTICIPANTS", "Participants", "events"),
        (SLEPT, "MEAN", "nights", "mean"),
    ],
)
def test_the_kind_of_number_decides_under_which_name_it_stands(spec, kind, unit, name):
    got = result(spec, WORDS, value="5", param_type=kind, unit=unit)
    assert [n for n, c in got.items() if c.value == "5"] == [name]


@pytest.mark.parametrize(
    ("quote", "percent"),
    [
        ("Slept | 30 (75.0%) | 12 (31.6%)", "75.0"),
        ("Slept | 30 (75.0) | 12 (31.6)", "75.0"),
        ("Slept | 130 (75.0%) | 12 (31.6%)", None),
        ("Slept | 30 (12 to 40) | 12", None),
        ("Slept | 30 (75.0%) | 30 (78.9%)", None),
    ],
)
def test_a_percentage_right_behind_a_count_is_read_with_it_for_the_checks(quote, percent):
    got = result(SLEPT, paper(("Results", quote)), quote, param_type="COUNT_OF_PARTICIPANTS")
    assert (got["percent"].value if "percent" in got else None) == percent
    if percent is not None:
        assert (got["percent"].status, got["percent"].quote.text, got["percent"].unit) == (
            "grounded",
            quote,
            "percent",
        )


def test_several_numbers_are_a_conflict_in_every_cell_and_all_are_listed():
    answer = ResultsAnswer(
        status="found", values=(ResultValue(value="30", title="week 6"), ResultValue(value="33"))
    )
    cells = result_cells(blanks_of(BASE, SLEPT), SLEPT, Answer(answer, raw=""), PAPER)
    assert [(c.field_id, c.value, c.status) for c in cells] == [
        ("events", None, "conflicting"),
        ("total", None, "conflicting"),
    ]
    assert cells[0].readings == ("week 6: 30", "value: 33")


@pytest.mark.parametrize("status", ["not_found", "not_reported"])
def test_nothing_found_leaves_every_wanted_number_open(status):
    cells = result_cells(blanks_of(BASE, WORRY), WORRY, Answer(ResultsAnswer(status=status), raw=""), PAPER)
    assert [(c.field_id, c.value, c.status) for c in cells] == [
        (n, None, status) for n in ("mean", "sd", "total")
    ]


def test_a_failure_is_no_answer_and_says_what_happened():
    blanks = blanks_of(BASE, SLEPT)
    error = AnswerRejected("no JSON", raw="oops")
    cells = failed(blanks, error)
    assert [(c.status, c.value, c.reason) for c in cells] == [("failed", None, "malformed: no JSON")] * 2


# Participants and fields -------------------------------------------------------------------------


def test_values_of_groups_stand_in_their_arms_with_the_spread_beside():
    spec = MeasureSpec(id="age", title="Age", unit="years")
    blanks = [cell("age", arm=name) for name in ("Syrup", "Water")]
    values = (
        GroupValue(group_id="g2", status="not_reported", note="only overall"),
        GroupValue(group_id="g1", status="found", value="12.3", spread="4.5", quote="12.3 (SD 4.5)"),
    )
    cells = participant_cells(blanks, spec, Answer(ParticipantsAnswer(values=values), raw=""), WORDS)
    assert [(c.arm, c.field_id, c.value, c.status) for c in cells] == [
        ("Syrup", "age", "12.3", "grounded"),
        ("Syrup", "age_spread", "4.5", "grounded"),
        ("Water", "age", None, "not_reported"),
    ]
    assert cells[2].reason == "only overall"


def fields(*answers):
    blanks = [cell(a.field_id, outcome="relapse", arm="A vs B") for a in answers]
    return field_cells(blanks, Answer(CharacteristicsAnswer(cells=answers), raw="", key="k"), PAPER)


def test_an_estimate_is_held_as_plain_digits():
    (one,) = fields(FieldAnswer(field_id="estimate", status="found", value="0·70", quote="30 of 40 with"))
    assert (one.value, one.status) == ("0.70", "grounded")


@pytest.mark.parametrize("said", ["0.70 (0.50 to 0.98)", "about a third", "not reached", "0,70"])
def test_an_estimate_in_words_is_no_number_and_the_words_stay(said):
    (one,) = fields(FieldAnswer(field_id="estimate", status="found", value=said, quote="30 of 40 with"))
    assert (one.value, one.status, one.quote) == (None, "not_found", None)
    assert one.readings == (f"machine:rules: {said}",)
    assert "is no number" in one.reason


def test_fields_in_words_stay_as_they_are():
    (one,) = fields(FieldAnswer(field_id="country", status="found", value="Norway & Iceland", unit="x"))
    assert (one.value, one.unit, one.status) == ("Norway & Iceland", "x", "ungrounded")


def test_wanted_numbers_follow_the_kind_of_outcome():
    wanted = {spec.id: [c.field_id for c in blanks_of(BASE, spec)] for spec in (SLEPT, WORRY, RELAPSE)}
    assert wanted == {
        "slept": ["events", "total"],
        "worry": ["mean", "sd", "total"],
        "relapse": ["estimate", "estimate_lower", "estimate_upper"],
    }


# A model beside the rules ------------------------------------------------------------------------


def test_rules_that_read_the_same_raise_confidence_and_others_are_a_reason_to_look():
    model = [cell("events", "30", outcome="slept", arm="Syrup", reader="machine:big")]
    alone, same, other = (
        beside(model, rules)[0]
        for rules in ({}, {"events": cell("events", "30")}, {"events": cell("events", "31")})
    )
    assert alone.confidence is not None
    assert same.confidence is not None
    assert other.confidence is not None
    assert other.confidence < alone.confidence < same.confidence
    assert {alone.value, same.value, other.value} == {"30"}
    assert other.readings == ("machine:big: 30", "rules: 31")
    assert "differ" in other.reason
    assert same.reason == ""


def test_what_only_the_rules_read_fills_nothing_and_is_shown():
    (got,) = beside([cell("events", None, reader="machine:big")], {"events": cell("events", "31")})
    assert (got.value, got.status, got.readings) == (
        None,
        "not_found",
        ("machine:big: not_found", "rules: 31"),
    )


def test_the_rules_read_the_same_question():
    asked = ResultsInput(
        report_id="r1",
        title="Syrup",
        passages=PAPER.passages,
        outcome=OutcomeMeasure(title="Slept through"),
        group=TrialGroup(title="Snail syrup"),
    )
    cells = by_rules(blanks_of(BASE, SLEPT), SLEPT, asked, PAPER)
    assert set(cells) >= {"events", "total"}
    assert all(c.value is None or c.quote is not None for c in cells.values())


# Directions and bias -----------------------------------------------------------------------------


def test_an_uncertain_direction_is_none():
    quote = "Sleeping through were 30 of 40"
    said = [DirectionAnswer(direction=d, quote=quote) for d in ("increased", "uncertain")]
    cells = [direction_cells(cell("direction"), Answer(one, raw=""), PAPER)[0] for one in said]
    assert [(c.value, c.status) for c in cells] == [("increased", "grounded"), (None, "not_found")]


def signalled(answer, quote="", *, rules=False):
    said = BiasAnswer(
        answers=(SignallingAnswer(question_id="1.1", answer=answer, quote=quote, rationale="why"),)
    )
    (one,) = bias_cells([cell("bias/1.1", outcome="slept")], Answer(said, raw=""), PAPER, by_rules=rules)
    return one


def test_answers_about_bias_rest_on_a_quote():
    got = signalled("Y", "We assigned people")
    assert (got.value, got.status, got.reason) == ("Y", "grounded", "why")
    assert signalled("Y", "nobody wrote this").status == "ungrounded"


def test_no_information_is_an_answer_of_a_model_and_none_of_rules():
    assert (signalled("NI").value, signalled("NI").status) == ("NI", "not_reported")
    assert (signalled("NI", rules=True).value, signalled("NI", rules=True).status) == (None, "not_found")
    assert signalled("Y", "We assigned people", rules=True).value == "Y"


def test_hostile_words_in_an_answer_are_only_words():
    wild = "=1+1\n<script>$x_y$</script>"
    arms = (Arm(label=wild, type="OTHER", quote=wild),)
    cells = arm_cells(cell("arm"), Answer(ArmsAnswer(status="found", arms=arms), raw=""), PAPER)
    assert [c.value for c in cells] == [wild, "other"]
    assert all(c.quote is None for c in cells)


def test_a_quote_without_the_number_is_no_evidence_of_it():
    told = number_evidence("31", "30 of 40 with snail syrup", paper())
    assert (told["status"], told["value"]) == ("ungrounded", "31")
    assert told["reason"] == "the number does not stand in its quote"
    assert number_evidence("30", "30 of 40 with snail syrup", paper())["status"] == "grounded"
