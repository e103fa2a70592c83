"""Baseline measures per group by rules: the column is the group's, the number of the kind asked for. Invented texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.baseline.participants import participants_of
from model.tasks.participants import TASK, Group, Measure, ParticipantsInput
from tests.model.baseline.papers import HOSTILE, paper, stands_in

CAPTION = "Table 1 Baseline characteristics of the hikers."
TABLE = """Characteristic | Wool (n = 40) | Cotton (n = 38) | P
Age, years, mean (SD) | 44.1 (9.5) | 45·3 (10.2) | 0.6
Age ≥ 65 | 4 (10) | 5 (13) | 0.7
Sex, n (%) |  |  |
Female | 22 (55.0) | 20 (52.6) | 0.8
Male | 18 (45.0) | 18 (47.4) | 0.8
Weekly distance (km), median (IQR) | 12 (8–20) | 11 (7–19) | 0.4
Smokers, % | 12.5 | 13.2 | 0.9"""

AGE = Measure(title="Age, Continuous", param_type="MEAN", unit="years")
WOMEN = Measure(
    title="Sex: Female, Male", category="Female", param_type="COUNT_OF_PARTICIPANTS", unit="Participants"
)
DISTANCE = Measure(title="Weekly distance", param_type="MEDIAN", unit="km")
GROUPS = (Group(id="BG000", title="Wool socks"), Group(id="BG001", title="Cotton socks"))


def participants(measure, *parts, groups=GROUPS):
    asked = ParticipantsInput(
        report_id="r", title="A trial", passages=paper("A trial", *parts), measure=measure, groups=groups
    )
    answer = participants_of(asked)
    TASK.check(answer, asked)
    for value in answer.values:
        assert value.status == "not_found" or stands_in(value.quote, asked.passages)
    return answer.values


def values(measure, *parts, **names):
    return [value.value for value in participants(measure, *parts, **names)]


def in_table(measure, table=TABLE, caption=CAPTION, **names):
    return values(measure, ("Results", caption), ("Results", table), **names)


def test_each_group_has_the_value_of_its_column():
    wool, cotton = participants(AGE, ("Results", CAPTION), ("Results", TABLE))
    assert (wool.group_id, wool.value, wool.spread, wool.note) == (
        "BG000",
        "44.1",
        "9.5",
        "Standard Deviation",
    )
    assert (cotton.group_id, cotton.value, cotton.spread) == ("BG001", "45.3", "10.2")
    assert cotton.quote == "Age, years, mean (SD) | 44.1 (9.5) | 45·3 (10.2) | 0.6"


def test_groups_answer_by_id_whatever_their_order():
    assert in_table(AGE, groups=GROUPS[::-1]) == ["45.3", "44.1"]


def test_a_count_is_a_count_and_a_percentage_a_percentage():
    assert in_table(WOMEN) == ["22", "20"]
    share = WOMEN.model_copy(update={"param_type": "NUMBER", "unit": "percentage of participants"})
    assert in_table(share) == ["55.0", "52.6"]
    assert in_table(Measure(title="Smokers", param_type="COUNT_OF_PARTICIPANTS")) == [None, None]
    assert in_table(Measure(title="Smokers", param_type="NUMBER", unit="percent")) == ["12.5", "13.2"]


def test_women_are_females():
    assert in_table(WOMEN, table=TABLE.replace("Female |", "Women |")) == ["22", "20"]
    assert in_table(WOMEN, table=TABLE.replace("Female |", "Men |")) == [None, None]


def test_a_median_is_no_mean():
    assert in_table(DISTANCE) == ["12", "11"]
    assert in_table(DISTANCE.model_copy(update={"param_type": "MEAN"})) == [None, None]
    assert in_table(AGE.model_copy(update={"param_type": "MEDIAN"})) == [None, None]


def test_a_range_without_a_word_on_it_may_be_that_of_a_median():
    assert in_table(AGE, table=" | Wool | Cotton\nAge (years) | 44 (21–70) | 45 (20–71)") == [None, None]


@pytest.mark.parametrize(
    "table",
    [
        " | Group 1 | Group 2\nAge (years) | 44.1 | 45.3",
        " | All hikers\nAge (years) | 44.7",
        " | Wool | Cotton\nAge ≥ 65 years | 4 | 5",
        " | Wool | Cotton\nFemale/male | 22/18 | 20/18",
        " | Wool | Cotton\nAge (years) | 44.1 | 45.3\nAge (years) | 43.9 | 45.0",
        " | P\nAge (years) | 0.6",
    ],
)
def test_where_the_table_does_not_tell_nothing_is_found(table):
    assert in_table(AGE, table=table) == [None, None]
    assert in_table(WOMEN, table=table) == [None, None]


def test_a_table_of_results_is_no_baseline_but_its_baseline_column_is():
    later = " | Wool | Cotton\nBody weight (kg), mean | 71.0 | 72.0"
    weight = Measure(title="Body weight", param_type="MEAN", unit="kg")
    assert in_table(weight, later, "Table 3 Outcomes.") == [None, None]
    heads = " | Wool | Wool | Cotton | Cotton\n | Baseline | Week 12 | Baseline | Week 12\n"
    both = heads + "Body weight (kg) | 71 | 69 | 72 | 73"
    assert in_table(weight, both, "Table 3 Outcomes.") == ["71", "72"]


def test_the_text_is_read_where_no_table_tells():
    text = "Mean age was 44.1 ± 9.5 years in the wool group and 45.3 ± 10.2 years in the cotton group."
    wool, cotton = participants(AGE, ("Results", text))
    assert (wool.value, wool.spread, cotton.value) == ("44.1", "9.5", "45.3")


@pytest.mark.parametrize(
    "text",
    [
        "We studied 78 hikers, 40 in the wool group (mean age 44.1 years) and 38 in the cotton group.",
        "Mean age did not differ (p = 0.6) between the wool group and the cotton group.",
        "In 2019, mean age was measured in the wool group.",
        "Mean age was 44.7 years.",
    ],
)
def test_traps_in_sentences_give_nothing(text):
    assert values(AGE, ("Results", text)) in ([None, None], ["44.1", None])


def test_a_text_that_says_what_to_answer_changes_nothing():
    parts = (("Results", CAPTION), ("Results", TABLE))
    assert values(AGE, ("abstract", HOSTILE), *parts) == ["44.1", "45.3"]
    assert values(AGE, ("abstract", HOSTILE)) == [None, None]


def test_an_empty_report_finds_nothing_for_every_group():
    assert values(AGE) == [None, None]


def test_one_group_alone_and_groups_of_one_name_are_answered():
    assert in_table(AGE, groups=GROUPS[:1]) == ["44.1"]
    twins = (Group(id="a", title="Wool"), Group(id="b", title="Wool"))
    assert len(in_table(AGE, groups=twins)) == 2


LINES = st.sampled_from(
    [*TABLE.split("\n"), "Age | 44 | 45 | 46", " | Wool | Wool | Cotton", "Age | ٤٤ | 4,5", "9" * 40 + " | 1"]
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=8), st.sampled_from([AGE, WOMEN, DISTANCE]))
def test_any_answer_fits_its_question_and_quotes_the_text(lines, measure):
    participants(measure, ("abstract", HOSTILE), ("Results", CAPTION), ("Results", "\n".join(lines) or " | "))
