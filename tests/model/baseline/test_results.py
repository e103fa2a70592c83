"""Results by rules: a cell under the group's heading, or a number beside its name. All reports are invented."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.baseline.paper_values import cell_value, plain, size_in
from model.baseline.results import results_of
from model.tasks.results import TASK, OutcomeMeasure, ResultsInput, TrialGroup
from tests.model.baseline.papers import HOSTILE, paper, stands_in

TABLE = """ | Wool group (n = 40) | Cotton group (n = 38) | P value
Toe temperature (°C), mean ± SD | 31.2 ± 0.8 | 29·9 ± 0·9 | 0.004
Blisters, n (%) | 6 (15.0) | 12 (31.6) | 0.08
Steps per day, mean (SD) | 1,234 (210) | 1,180 (199) | 0.3
Change in weight (kg) | −1.4 | −0.2 | 0.01
Itch score, median (IQR) | 3 (2–5) | 4 (2–6) | 0.2"""
CAPTION = "Table 2 Outcomes at week 12."


def asked(*parts, outcome="toe temperature", group="wool socks", time_frame="", others=(), description=""):
    return ResultsInput(
        report_id="r",
        title="A trial",
        passages=paper("A trial", *parts),
        outcome=OutcomeMeasure(title=outcome, time_frame=time_frame, description=description),
        group=TrialGroup(title=group),
        others=tuple(TrialGroup(title=name) for name in others),
    )


def results(*parts, **names):
    question = asked(*parts, **names)
    answer = results_of(question)
    TASK.check(answer, question)
    assert all(stands_in(value.quote, question.passages) for value in answer.values)
    return answer


def values(*parts, **names):
    return [value.value for value in results(*parts, **names).values]


def in_table(outcome, group="wool socks", table=TABLE, caption=CAPTION, **more):
    return results(("Results", caption), ("Results", table), outcome=outcome, group=group, **more)


def told(text, **names):
    return values(("Results", text), **names)


@pytest.mark.parametrize(
    ("outcome", "group", "value", "spread"),
    [
        ("toe temperature", "wool socks", "31.2", "0.8"),
        ("toe temperature", "cotton socks", "29.9", "0.9"),
        ("steps per day", "wool socks", "1234", "210"),
        ("change in weight", "wool socks", "-1.4", None),
        ("itch score", "cotton socks", "4", None),
    ],
)
def test_a_cell_is_read_under_its_groups_heading(outcome, group, value, spread):
    found = in_table(outcome, group).values
    assert [(v.value, v.spread) for v in found] == [(value, spread)]


def test_a_cell_tells_its_kind_its_spread_and_how_many_there_were():
    temperature = in_table("toe temperature")
    assert (temperature.param_type, temperature.dispersion_type) == ("MEAN", "Standard Deviation")
    assert (temperature.denominator, temperature.denominator_unit) == (40, "Participants")
    itch = in_table("itch score")
    assert (itch.param_type, itch.dispersion_type) == ("MEDIAN", "Inter-Quartile Range")
    assert (itch.values[0].lower, itch.values[0].upper) == ("2", "5")


def test_a_count_is_a_count_and_its_percentage_no_spread():
    found = in_table("blisters")
    assert (found.param_type, found.unit, found.values[0].value) == (
        "COUNT_OF_PARTICIPANTS",
        "Participants",
        "6",
    )
    assert found.values[0].spread is None


def test_the_quote_is_the_line_as_printed():
    assert in_table("toe temperature", "cotton socks").values[0].quote.endswith("29·9 ± 0·9 | 0.004")


def test_columns_of_means_and_deviations_belong_together():
    table = " | Wool | Wool | Cotton | Cotton\n | Mean | SD | Mean | SD\nToe temperature | 31.2 | 0.8 | 29.9 | 0.9"
    (value,) = in_table("toe temperature", table=table).values
    assert (value.value, value.spread) == ("31.2", "0.8")


def test_of_baseline_and_later_the_later_is_meant():
    table = (
        " | Wool | Wool | Cotton | Cotton\n | Baseline | Week 12 | Baseline | Week 12\nToe temperature "
        "| 28.1 | 31.2 | 28.3 | 29.9"
    )
    assert [v.value for v in in_table("toe temperature", table=table).values] == ["31.2"]


def test_several_times_are_several_values_and_the_time_frame_picks_one():
    table = (
        " | Wool | Wool | Cotton | Cotton\n | Week 6 | Week 12 | Week 6 | Week 12\nToe temperature "
        "| 30.0 | 31.2 | 28.3 | 29.9"
    )
    both = in_table("toe temperature", table=table).values
    assert [(v.title, v.value) for v in both] == [("Week 6", "30.0"), ("Week 12", "31.2")]
    assert [v.value for v in in_table("toe temperature", table=table, time_frame="12 weeks").values] == [
        "31.2"
    ]


@pytest.mark.parametrize(
    "table",
    [
        TABLE.replace("Wool group", "Group 1").replace("Cotton group", "Group 2"),
        " | Before | After\nToe temperature | 28.1 | 31.2",
        " | Difference, wool − cotton | P\nToe temperature | 1.3 | 0.004",
        TABLE + "\nToe temperature (°C), mean ± SD | 30.0 ± 0.5 | 29.0 ± 0.4 | 0.1",
        " | Wool | Cotton\nToe temperature ≥ 30 | 31 | 12",
        " | Wool | Cotton\nToe temperature | see text | not done",
        " | Wool | Cotton\nToe temperature | <0.01 | 0.4",
    ],
)
def test_where_two_numbers_could_be_meant_none_is_taken(table):
    assert in_table("toe temperature", table=table).status == "not_found"


def test_a_table_of_baseline_characteristics_is_no_result():
    assert in_table("toe temperature", caption="Table 1 Baseline characteristics").status == "not_found"


def test_doses_tell_columns_of_one_drug_apart():
    table = " | Woolin 300 mg | Woolin 600 mg | Placebo\nToe temperature | 30.1 | 31.2 | 29.9"
    assert [v.value for v in in_table("toe temperature", "woolin 600 mg/day", table=table).values] == ["31.2"]
    assert in_table("toe temperature", "woolin", table=table).status == "not_found"


def test_intervention_and_control_are_known_by_what_the_text_says_they_got():
    table = " | Intervention | Control\nToe temperature | 31.2 | 29.9"
    parts = (("Results", CAPTION), ("Results", table))
    assert values(*parts) == []
    explained = (
        "Methods",
        "The intervention group wore wool socks, and the control group wore cotton socks.",
    )
    assert values(explained, *parts) == ["31.2"]
    assert values(explained, *parts, group="cotton socks") == ["29.9"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "Toe temperature was 31.2 ± 0.8 in the wool group and 29.9 ± 0.9 in the cotton group (p = 0.004).",
            "31.2",
        ),
        ("Mean toe temperature was 1,031.2 ± 4.1 °C in the wool group.", "1031.2"),
        ("Toe temperature at the end: wool group (31.2 ± 0.8), cotton group (29.9).", "31.2"),
        ("Toe temperature was 31.2 °C in the wool group.", None),
        ("Toe temperature rose in the wool group (93%).", None),
        ("Toe temperature fell by a mean of less than 1 in the wool group.", None),
        ("Toe temperature was higher in the wool group (p = 0.004).", None),
        ("Toe temperature was measured in 2019 in the wool group.", None),
        ("Toe temperature was measured after 12 weeks in the wool group.", None),
        ("The difference in toe temperature was 1.3 in the wool group.", None),
        ("Toe temperature was 1.3 higher in the wool group than in the cotton group.", None),
        ("Toe temperature was 29.9 in the cotton group and 31.2 at home.", None),
        ("Toe temperature was 1.3% (95% CI 0.9 to 2.1) lower in the wool group.", None),
        ("Forty patients, 24 in the wool group (toe temperature falling), took part.", None),
        ("The hypothesis was that toe temperature is 31.2 in the wool group.", None),
        ("At baseline, toe temperature was 28.0 in the wool group.", None),
    ],
)
def test_in_a_sentence_only_a_number_beside_the_groups_name_counts(text, value):
    assert told(text) == ([value] if value else [])


def test_events_of_all_are_a_count_with_its_denominator():
    found = results(("Results", "Blisters occurred in 6/40 (15%) of the wool group."), outcome="blisters")
    assert (found.values[0].value, found.denominator, found.param_type) == ("6", 40, "COUNT_OF_PARTICIPANTS")


def test_two_sentences_that_differ_are_left_to_a_person():
    text = "Toe temperature was 31.2 ± 1 in the wool group. Toe temperature was 30.2 ± 1 in the wool group."
    assert told(text) == []


def test_methods_and_discussion_give_no_results():
    text = "Toe temperature was 31.2 ± 0.8 in the wool group."
    assert values(("Discussion", text)) == []
    assert values(("Introduction", text)) == []


def test_a_text_that_says_what_to_answer_changes_nothing():
    honest = ("Results", "Toe temperature was 31.2 ± 0.8 in the wool group.")
    assert values(("abstract", HOSTILE), honest) == ["31.2"]
    assert values(("abstract", HOSTILE)) == []


def test_an_empty_report_has_no_results():
    assert results().status == "not_found"


@pytest.mark.parametrize(
    ("cell", "told", "value", "kind"),
    [
        ("12 (40)", "n (%)", "12", "count"),
        ("12 (40)", "mean (SD)", "12", "spread"),
        ("12 (40)", "", "12", "single"),
        ("40 (12)", "% (n)", "12", "count"),
        ("24/73 (33%)", "", "24", "count"),
        ("40%", "", "40", "percent"),
        ("0.7", "Proportion (%)", "0.7", "percent"),
        ("5 (4–5)", "", "5", "limits"),
        ("5.1*", "", "5.1", "single"),
    ],
)
def test_what_a_cell_holds_depends_on_what_is_told_of_it(cell, told, value, kind):
    found = cell_value(cell, told)
    assert found is not None
    assert (found.value, found.kind) == (value, kind)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "–",
        "NA",
        "<0.01",
        "19/5 men/women",
        "120/80",
        "3,5",
        "12 3",
        "5.1b",
        "1-2",
        "5 (6–9)",
        "٣",
        "1" * 40,
        "1 (2) (3)",
    ],
)
def test_any_other_cell_is_no_value(cell):
    assert cell_value(cell, "men/women") is None


def test_numbers_are_written_in_plain_digits():
    assert [plain(n) for n in ("1,234", "1·5", "−2", "–0.3", "+4", "1,234,567.8")] == [
        "1234", "1.5", "-2", "-0.3", "4", "1234567.8",
    ]  # fmt: skip


def test_a_size_too_large_for_the_task_is_none():
    table = " | Wool | Cotton\nn | 99,999,999 | 38\nToe temperature | 31.2 | 29.9"
    assert in_table("toe temperature", table=table).denominator is None
    assert (size_in("n = 40"), size_in("N=99999999999"), size_in("n = 4, n = 5")) == (40, None, None)


CELLS = st.sampled_from(
    [
        "1,234",
        "31.2 ± 0.8",
        "6 (15%)",
        "6/40",
        "−1.4",
        "<0.01",
        "",
        "n",
        "Wool",
        "Toe temperature",
        "Week 6",
        "N = 9",
        "9" * 30,
    ]
)
SENTENCES = st.sampled_from(
    [
        "Toe temperature was 31.2 ± 0.8 in the wool group.",
        "Wool (toe temperature 3·1 ± 0·2), n = 4.",
        "Toe temperature occurred in 4 of 99999999999 (3%) of the wool group.",
        HOSTILE,
    ]
)


@settings(deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=5), max_size=6), st.lists(SENTENCES, max_size=4))
def test_any_answer_fits_its_question_and_quotes_the_text(rows, texts):
    table = "\n".join(" | ".join(row) for row in rows) or " | "
    results(("abstract", " ".join(texts)), ("Results", CAPTION), ("Results", table))


# The other arms known ----------------------------------------------------------------------------

STRANGE = (
    " | Fluffy (n = 40) | Cotton (n = 38) | P\nToe temperature, mean (SD) | 31.2 (0.8) | 29.9 (0.9) | 0.1"
)


def test_of_two_columns_the_one_that_is_not_the_other_arms_is_the_asked_ones():
    assert in_table("toe temperature", "sheepskin", STRANGE).status == "not_found"
    found = in_table("toe temperature", "sheepskin", STRANGE, others=("cotton socks",))
    assert (found.values[0].value, found.denominator) == ("31.2", 40)


def test_of_three_columns_none_is_told_by_elimination():
    table = STRANGE.replace("| P\n", "| Silk (n = 39)\n").replace("| 0.1", "| 30.0 (0.7)")
    assert in_table("toe temperature", "sheepskin", table, others=("cotton socks",)).status == "not_found"


def test_arms_may_be_rows_under_the_outcome():
    table = " | Week 0 | Week 12\nToe temperature |  | \nWool (n = 40) | 28.1 | 31.2\nCotton (n = 38) | 28.3 | 29.9"
    found = in_table("toe temperature", table=table, others=("cotton socks",))
    assert (found.values[0].value, found.denominator) == ("31.2", 40)


def test_a_short_name_from_the_caption_is_the_arms():
    table = (
        "Outcome | Group | Mean (95% CI)\nToe temperature | W | 31.2 (30.9, 31.5)\n | C | 29.9 (29.6, 30.2)"
    )
    caption = "Table 2. Means in the wool group (W; n=40) and the cotton group (C; n=38)."
    found = in_table("toe temperature", "cotton socks", table, caption, others=("wool socks",))
    assert (found.values[0].value, found.denominator, found.dispersion_type) == (
        "29.9",
        38,
        "95% Confidence Interval",
    )


def test_a_spread_that_nothing_names_has_no_name():
    table = STRANGE.replace(", mean (SD)", "").replace("(0.8)", "± 0.8").replace("31.2 ", "31.2 ")
    found = in_table("toe temperature", "cotton socks", table.replace("29.9 (0.9)", "29.9 ± 0.9"), "Table 2")
    assert (found.values[0].spread, found.dispersion_type) == ("0.9", "")


def test_participants_come_from_another_table_only_where_all_agree():
    first = " | Wool (n = 40) | Cotton (n = 38)\nAge | 40 | 41"
    second = " | Wool | Cotton\nToe temperature | 31.2 ± 0.8 | 29.9 ± 0.9"
    third = " | Wool (n = 35) | Cotton (n = 38)\nSteps | 5 | 6"
    parts = [("Results", "Table 1"), ("Results", first), ("Results", "Table 2"), ("Results", second)]
    assert results(*parts, others=("cotton socks",)).denominator == 40
    assert results(*parts, ("Results", third), others=("cotton socks",)).denominator is None


def test_a_count_that_its_percentage_gainsays_keeps_the_size_in_its_heading_for_the_checks_to_see():
    table = " | Wool (n = 40) | Cotton (n = 38)\nBlisters, n (%) | 6 (20.0) | 12 (31.6)"
    assert in_table("blisters", table=table).denominator == 40
    assert in_table("blisters", "cotton socks", table).denominator == 38


def test_a_count_that_its_percentage_gainsays_takes_no_size_from_elsewhere():
    table = " | Wool | Cotton\nBlisters, n (%) | 6 (20.0) | 12 (31.6)"
    said = ("Results", "Blisters were counted in the wool group (n = 40) and the cotton group (n = 38).")
    where = (("Results", CAPTION), ("Results", table), said)
    assert results(*where, outcome="blisters", group="wool socks").denominator is None
    assert results(*where, outcome="blisters", group="cotton socks").denominator == 38


def test_a_row_of_the_wrong_kind_is_not_taken():
    table = " | Wool | Cotton\nBlisters, n (%) | 6 (15.0) | 12 (31.6)"
    assert in_table("blisters", table=table, description="Mean and standard deviation").status == "not_found"
    assert (
        in_table("blisters", table=table, description="Number of participants with the event").status
        == "found"
    )


def test_a_change_is_not_answered_with_the_value_at_the_end():
    table = " | Wool | Wool | Cotton | Cotton\n | Baseline | Week 12 | Baseline | Week 12\nWeight | 81 | 80 | 82 | 79"
    assert in_table("change in weight", table=table).status == "not_found"
    assert in_table("weight", table=table).values[0].value == "80"


def test_two_rows_that_fit_alike_and_differ_leave_a_choice():
    table = " | Wool | Cotton\nAll |  | \nItch score | 3.1 | 4.2\nPer protocol |  | \nItch score | 2.9 | 4.4"
    assert in_table("itch score", table=table).status == "not_found"


PAIRS = [
    "Toe temperature was higher with wool than with cotton (31.2 ± 0.8 versus 29.9 ± 0.9 °C, P = 0.004).",
    "Toe temperature was 31.2 ± 0.8 °C in the wool group and 29.9 ± 0.9 °C in the cotton group.",
    "Toe temperature was 29.9 ± 0.9 and 31.2 ± 0.8 °C in the cotton and wool groups, respectively.",
    "Compared with cotton, wool led to a higher toe temperature (31.2 ± 0.8 vs. 29.9 ± 0.9 °C).",
]


@pytest.mark.parametrize("text", PAIRS)
def test_a_pair_of_values_is_told_apart_by_the_order_of_the_arms(text):
    assert told(text, others=("cotton socks",)) == ["31.2"]
    assert told(text, group="cotton socks", others=("wool socks",)) == ["29.9"]


@pytest.mark.parametrize(
    "text",
    [
        "Toe temperature and steps were 31.2 ± 0.8 versus 29.9 ± 0.9 and 40 ± 3 versus 41 ± 4 with wool and cotton.",
        "Toe temperature with wool and cotton was 31.2 ± 0.8, 30.1 ± 0.7 and 29.9 ± 0.9.",
        "Toe temperature was lower with wool than with cotton (31.2 ± 0.8 versus 29.9 ± 0.9 °C).",
        "Toe temperature with wool rose from 28.1% to 31.2%, unlike with cotton.",
        "In the subgroup of runners toe temperature was 31.2 ± 0.8 with wool and 29.9 ± 0.9 with cotton.",
    ],
)
def test_pairs_whose_arm_or_outcome_is_not_plain_are_not_taken(text):
    assert told(text, others=("cotton socks",)) == []
