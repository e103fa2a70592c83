"""Which rows, footnotes and sentences results are read from. All reports are invented."""

import pytest

from model.baseline.results import results_of
from model.baseline.results_shorts import shorts_of
from tests.model.baseline.test_results import asked, results
from tools.fulltext.tables import tables_in

ARMS = {"group": "wool socks", "others": ("cotton socks",)}
HEAD = " | Wool (n = 40) | Cotton (n = 38) | P"


def read(*rows, outcome, head=HEAD, caption="Table 2 Outcomes.", notes=(), **names):
    table = [("Results", caption), ("Results", "\n".join((head, *rows)))]
    question = asked(*table, *(("Results", note) for note in notes), outcome=outcome, **{**ARMS, **names})
    passages = [p.model_copy(update={"kind": "caption"}) if p.text in notes else p for p in question.passages]
    return results_of(question.model_copy(update={"passages": tuple(passages)}))


def value(*rows, **names):
    found = read(*rows, **names).values
    return [v.value for v in found]


# Rows --------------------------------------------------------------------------------------------


def test_of_rows_that_fit_alike_the_one_with_the_whole_name_is_meant():
    text = "We took the Heel and Toe Warmth Questionnaire (HTWQ)."
    table = f"{HEAD}\nHTWQ Total Index | 31 ± 4 | 29 ± 4 | 0.1\nHTWQ Toe Index | 11 ± 2 | 10 ± 2 | 0.2"
    parts = (("Methods", text), ("Results", table))
    assert [v.value for v in results(*parts, outcome="HTWQ total index", **ARMS).values] == ["31"]
    assert [v.value for v in results(*parts, outcome="HTWQ", **ARMS).values] == ["31"]


def test_words_of_the_heading_line_add_nothing_to_a_row():
    rows = ("Foot movement (FM) |  |  | ", "Brisk FM (sessions/week) | 3 ± 1 | 2 ± 1 | 0.1")
    assert value(*rows, outcome="effects for brisk") == ["3"]
    assert value("Brisk snow shovelling | 3 ± 1 | 2 ± 1 | 0.1", outcome="effects for brisk") == []


def test_words_that_say_that_something_was_found_name_nothing():
    assert value("Any blister present | 6 (15.0%) | 12 (31.6%) | 0.1", outcome="blister occurrence") == ["6"]
    assert value("Blister treatment recorded | 6 (15.0%) | 12 (31.6%) | 0.1", outcome="blisters") == []


def test_a_row_about_another_place_is_not_taken_for_an_abbreviation_it_has():
    text = "The length of hut care unit (HCU) stay was noted."
    table = f"{HEAD}\nLength of HCU stay | 3.1 ± 1.0 | 2.9 ± 1.1 | 0.3"
    assert not results(("Methods", text), ("Results", table), outcome="length of stay", **ARMS).values


def test_what_a_condition_is_defined_by_makes_no_part_of_the_participants():
    assert value("Cold feet: toes<20 °C | 9 (22.5%) | 12 (31.6%) | 0.4", outcome="cold feet") == ["9"]
    assert value("Cold feet, age<20 | 9 (22.5%) | 12 (31.6%) | 0.4", outcome="cold feet") == []


def test_the_abbreviation_behind_a_general_name_names_the_measure():
    rows = ("TCS (FQ12) | 48 ± 3 | 47 ± 5 | 0.3", "MCS (FQ12) | 46 ± 8 | 45 ± 9 | 0.7")
    assert value(*rows, outcome="Comfort of feet - MCS (FQ12)") == ["46"]
    assert value(*rows, outcome="Comfort of feet - toes (FQ12)") == []


def test_a_heading_with_one_row_names_it_unless_it_sums_up_others():
    rows = (
        "Steps | 900 ± 10 | 880 ± 12 | 0.3",
        "Sock knowledge |  |  | ",
        "Named a fibre | 9 (22.5%) | 3 (7.9%) | 0.1",
    )
    assert value(*rows, outcome="sock knowledge") == ["9"]
    more = (*rows, "Named a sheep | 30 (75.0%) | 31 (81.6%) | 0.5")
    assert value(*more, outcome="sock knowledge") == []
    events = (
        "Steps | 900 ± 10 | 880 ± 12 | 0.3",
        "Adverse events |  |  | ",
        "Itch | 9 (22.5%) | 3 (7.9%) | 0.1",
    )
    assert value(*events, outcome="adverse events") == []


def test_rows_of_times_below_a_heading_are_one_row_with_several_values():
    rows = (
        "Toe warmth, mean (SD) |  |  | ",
        "Baseline | 20.1 (1.0) | 20.2 (1.1) | 0.8",
        "Week 4 | 24.0 (1.2) | 22.0 (1.3) | 0.1",
        "P (baseline vs week 4) | 0.01 | 0.02 | ",
        "Steps | 900 (10) | 880 (12) | 0.3",
    )
    assert value(*rows, outcome="toe warmth") == ["24.0"]
    later = (*rows[:3], "Week 8 | 25.0 (1.2) | 23.0 (1.3) | 0.1")
    found = read(*later, outcome="toe warmth").values
    assert [(v.title, v.value) for v in found] == [("Week 4", "24.0"), ("Week 8", "25.0")]
    assert value(*later, outcome="toe warmth at week 8") == ["25.0"]


@pytest.mark.parametrize("labels", [("No", "Yes"), ("Min", "Max"), ("Mean", "SD")])
def test_rows_of_answers_and_extremes_are_no_times(labels):
    rows = ("Toe warmth |  |  | ", *(f"{label} | {n} | {n + 1} | 0.1" for n, label in enumerate(labels, 5)))
    assert value(*rows, outcome="toe warmth") == []


def test_the_time_in_a_name_may_stand_above_the_columns():
    head = " | Wool | Wool | Cotton | Cotton\n | Week 4 | Week 8 | Week 4 | Week 8"
    row = "Toe warmth, mean (SD) | 24.0 (1.2) | 25.0 (1.2) | 22.0 (1.3) | 23.0 (1.3)"
    assert value(row, head=head, outcome="toe warmth at week 8") == ["25.0"]
    assert value(row, head=head, outcome="toe warmth at week 12") == []


def test_a_value_of_one_time_is_not_taken_where_another_table_has_several():
    table = f"{HEAD}\nToe warmth, mean (SD) | 24.0 (1.2) | 22.0 (1.3) | 0.1"
    times = "Outcome | Week 4 | Week 8\nToe warmth | 24.0 vs 22.0 | 25.0 vs 23.0"
    effects = "Outcome | Difference at follow-up | Effect size\nToe warmth | 2.0 | 0.4"
    first = (("Results", "Table 1 Feet."), ("Results", table), ("Results", "Table 2 More."))
    assert not results(*first, ("Results", times), outcome="toe warmth", **ARMS).values
    assert [v.value for v in results(*first, ("Results", effects), outcome="toe warmth", **ARMS).values] == [
        "24.0"
    ]


def test_a_column_of_one_dose_is_not_the_arm_of_several():
    head = " | Wool 5 mg (n = 20) | Wool 10 mg (n = 21) | Cotton (n = 38)"
    row = "Toe warmth, mean (SD) | 24.0 (1.2) | 25.0 (1.2) | 22.0 (1.3)"
    asked_for = {"head": head, "outcome": "toe warmth", "others": ("cotton",)}
    assert value(row, group="wool 5 or 10 mg", **asked_for) == []
    assert value(row, group="wool 10 mg", **asked_for) == ["25.0"]
    both = {**asked_for, "head": " | Wool 5–10 mg (n = 41) | Cotton (n = 38)"}
    assert value("Toe warmth | 24.5 ± 1.2 | 22.0 ± 1.3", group="wool 5 to 10 mg", **both) == ["24.5"]


# Footnotes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "note",
    [
        "Abbreviations: CF, cold feet; TW, toe warmth.",
        "CF: cold feet. TW: toe warmth",
        "CF cold feet, TW toe warmth",
        "TW = toe warmth; CF = cold feet",
    ],
)
def test_footnotes_explain_abbreviations(note):
    assert value("CF, n (%) | 9 (22.5) | 12 (31.6) | 0.4", outcome="cold feet", notes=(note,)) == ["9"]


def test_a_list_of_anything_else_explains_nothing():
    question = asked(
        ("Results", HEAD + "\nSteps | 1 | 2 | 0.1"),
        ("Results", "CF, based on a thermometer; TW, worn at home"),
    )
    assert shorts_of([], tables_in(question.passages), question.passages) == {}


def test_an_abbreviation_counts_with_all_of_its_words():
    rows = ("Mental comfort scale | 46 ± 8 | 45 ± 9 | 0.7", "Steps | 1 ± 1 | 2 ± 1 | 0.1")
    text = "We took the toe comfort scale (TCS)."
    table = "\n".join((HEAD, *rows))
    assert not results(("Methods", text), ("Results", table), outcome="TCS", **ARMS).values


def test_a_footnote_of_the_row_tells_its_sizes():
    rows = (
        "Toe warmtha, mean (SD) | 24.0 (1.2) | 22.0 (1.3) | 0.1",
        "Steps, mean (SD) | 9 (1) | 8 (1) | 0.2",
    )
    told = ("an = 31 in the wool group; n = 30 in the cotton group",)
    assert read(*rows, outcome="toe warmth", notes=told).denominator == 31
    assert read(*rows, outcome="steps", notes=told).denominator == 40
    assert read(*rows, outcome="toe warmth", notes=("an = 61 with a thermometer",)).denominator is None


# Sentences ---------------------------------------------------------------------------------------


def told(text, group="wool socks", other="cotton socks", outcome="blisters"):
    return [v.value for v in results(("Results", text), outcome=outcome, group=group, others=(other,)).values]


def test_one_named_arm_is_ahead_where_the_values_are():
    text = "More feet had blisters healed with wool (30/40 vs 21/41, p = 0.04)."
    assert (told(text), told(text, "cotton socks", "wool socks")) == (["30"], ["21"])
    other = "Wool healed blisters in more feet of those who came back to us (21/41 vs 30/40, p = 0.04)."
    assert (told(other), told(other, "cotton socks", "wool socks")) == ([], [])
    none = "Wool did not heal blisters in more feet of those who came back (30/40 vs 21/41, p = 0.4)."
    assert (told(none), told(none, "cotton socks", "wool socks")) == ([], [])


def test_a_pair_between_its_arms_is_in_their_order():
    text = "Blisters were fewer with wool (6/40 vs 12/38) than with cotton."
    assert (told(text), told(text, "cotton socks", "wool socks")) == (["6"], ["12"])


def test_a_p_value_may_stand_between_the_two_that_it_compares():
    text = "Blisters in the wool group (15%) were fewer (P < 0.01) than in the cotton group (32%)."
    assert (told(text), told(text, "cotton socks", "wool socks")) == (["15"], ["32"])
    assert (
        told("Blisters in the wool group (15%) were few (P < 0.01) and itch in the cotton group was 32%.")
        == []
    )


def test_the_outcome_may_follow_the_only_values():
    assert told("In the wool group 6 of 40 and in the cotton group 12 of 38 had blisters.") == ["6"]
    assert (
        told("In the wool group 6 of 40 and in the cotton group 12 of 38 withdrew, and blisters healed.")
        == []
    )


def test_the_first_of_two_limits_is_no_value():
    assert told("Blisters healed in fewer with cotton (63.5%) than with wool (68.3% to 79.8%).") == []


def test_a_part_of_the_participants_is_not_all_of_them():
    text = "who walked far, blisters were seen in 6/20 with wool and 9/19 with cotton."
    assert told(f"Among hikers {text}") == []
    assert told("Blisters were seen in 6/20 with wool and 9/19 with cotton.") == ["6"]


def test_numbers_that_are_part_of_a_name_are_no_values():
    assert (
        told("Blisters and sock-8 were seen with wool, whereas blisters and sock-1 rose with cotton.") == []
    )
