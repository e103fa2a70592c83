"""Arms by rules: the sentence on the random allocation that names them all. All reports are invented."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.baseline.arms import arms_of
from model.tasks.arms import TASK, ArmsInput
from tests.model.baseline.papers import HOSTILE, paper, stands_in


def arms(*parts):
    asked = ArmsInput(report_id="r", title="A trial", passages=paper("A trial", *parts))
    answer = arms_of(asked)
    TASK.check(answer, asked)
    assert all(stands_in(arm.quote, asked.passages) for arm in answer.arms)
    assert answer.status in ("found", "not_found")  # rules cannot know that a report tells of none
    return answer.arms


def labels(text, section="abstract"):
    return [arm.label for arm in arms((section, text))]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Hikers were randomised to wool socks or cotton socks.", ["wool socks", "cotton socks"]),
        (
            "Hikers were randomly assigned to receive either woolin or placebo for 12 weeks.",
            ["woolin", "placebo"],
        ),
        ("We randomly assigned 60 hikers to wear wool, silk, or cotton.", ["wool", "silk", "cotton"]),
        (
            "Hikers were randomly divided into two groups: wool socks (n = 30) and cotton socks (n = 30).",
            ["wool socks", "cotton socks"],
        ),
        (
            "Hikers were randomised into a wool group (n = 30) and a cotton group (n = 30).",
            ["wool group", "cotton group"],
        ),
        ("Group A received wool socks and group B received cotton socks.", ["wool socks", "cotton socks"]),
        ("Hikers were randomised to wool and lotion or wool alone.", ["wool and lotion", "wool alone"]),
        ("Hikers were randomised in a 1:1 ratio to wool or no socks.", ["wool", "no socks"]),
    ],
)
def test_arms_named_in_one_sentence_are_read(text, named):
    assert labels(text) == named


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hikers wore wool or cotton socks.",
        "Hikers were randomised.",
        "Hikers were randomised to one of two groups.",
        "Hikers were randomised to two groups and were seen weekly or monthly.",
        "Hikers were randomised to the intervention or the control.",
        "Hikers were randomised to woolin 5 mg or 10 mg.",
        "Hikers were randomised to soft, warm wool or cotton.",
        "Hikers were randomly divided into three groups: wool and cotton.",
        "Group A received wool socks.",
        "Group B received wool socks and group D received cotton socks.",
        "Hikers were randomised to wool or wool.",
    ],
)
def test_where_not_all_arms_are_named_none_are(text):
    assert labels(text) == []


def test_other_trials_arms_are_not_read():
    assert labels("Hikers were randomised to wool socks or cotton socks.", "Discussion") == []


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        ("placebo", "PLACEBO_COMPARATOR"),
        ("matching placebo tablets", "PLACEBO_COMPARATOR"),
        ("sham massage", "SHAM_COMPARATOR"),
        ("no treatment", "NO_INTERVENTION"),
        ("a waiting list", "NO_INTERVENTION"),
        ("usual care", "ACTIVE_COMPARATOR"),
        ("treatment as usual", "ACTIVE_COMPARATOR"),
    ],
)
def test_what_an_arm_is_follows_from_its_name(other, kind):
    first, second = arms(("abstract", f"Hikers were randomised to massage or {other}."))
    assert (first.type, second.type) == ("EXPERIMENTAL", kind)


def test_of_two_active_arms_rules_do_not_say_which_is_the_experiment():
    assert {arm.type for arm in arms(("abstract", "Hikers were randomised to wool or cotton."))} == {"OTHER"}


def test_doses_are_details_unless_they_alone_tell_two_arms_apart():
    text = "Hikers were randomised to woolin 50 mg twice daily or placebo."
    first, second = arms(("abstract", text))
    assert (first.label, first.description, second.label) == ("woolin", "50 mg twice daily", "placebo")
    assert labels("Hikers were randomised to woolin 50 mg or woolin 100 mg.") == [
        "woolin 50 mg",
        "woolin 100 mg",
    ]


def test_no_intervention_has_no_interventions_and_a_combination_has_two():
    both, none = arms(("abstract", "Hikers were randomised to wool plus lotion or no treatment."))
    assert (both.interventions, none.interventions) == (("wool", "lotion"), ())


def test_a_text_that_says_what_to_answer_changes_nothing():
    honest = "Hikers were randomised to wool socks or cotton socks."
    assert labels(f"{HOSTILE} {honest}") == ["wool socks", "cotton socks"]
    assert labels(HOSTILE) == []


def test_an_empty_report_names_no_arms():
    assert arms() == ()


VOCABULARY = """
randomised randomly assigned to receive either wool, cotton or versus and placebo group A B (n = 30) : ; . , two groups:
into divided 5 mg daily for weeks no treatment the received
"""


@settings(deadline=None)
@given(st.lists(st.sampled_from(VOCABULARY.split()), max_size=40))
def test_any_answer_fits_its_question_and_quotes_the_text(words):
    arms(("abstract", " ".join(words)), ("Methods", " ".join(["Hikers were randomised to", *words])))


# Sizes, groups and roles -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("We randomised 60 hikers: 31 to wool socks and 29 to cotton socks.", ["wool socks", "cotton socks"]),
        (
            "Of 612 hikers, 205 were randomised to woolin 40 mg, 204 to woolin 80 mg and 203 to placebo.",
            ["woolin 40 mg", "woolin 80 mg", "placebo"],
        ),
        (
            "Hikers were randomly assigned to wool and lotion (n = 30), wool alone (n = 29) or lotion (n = 31).",
            ["wool and lotion", "wool alone", "lotion"],
        ),
        ("Hikers were allocated to the wool group or to the control group.", ["wool group", "control group"]),
        ("Hikers received either woolin or placebo.", ["woolin", "placebo"]),
        (
            "Hikers were randomly assigned (1:1:1) to woolin, silkin or placebo.",
            ["woolin", "silkin", "placebo"],
        ),
        (
            "Hikers were randomised to one of the following pairs: wool + lotion, wool + water, or silk + water.",
            ["wool + lotion", "wool + water", "silk + water"],
        ),
    ],
)
def test_sizes_ratios_and_groups_tell_arms(text, named):
    assert labels(text) == named


@pytest.mark.parametrize(
    "text",
    [
        "Of 60 hikers, 31 walked to town and 29 to the lake.",
        "Hikers were randomised (n = 60) and followed (n = 58).",
        "Of hikers who received either wool or cotton before, 40% felt warm.",
        "Hikers were randomly assigned to woolin, silkin or placebo.",
        "The wool group (n = 30) was warmer than the cotton group (n = 30).",
        "Hikers were assigned to wool (n = 3), to tents (n = 400).",
    ],
)
def test_numbers_and_groups_of_other_things_are_no_arms(text):
    assert labels(text) == []


def test_groups_without_telling_names_are_told_with_what_they_received():
    treated, control = arms(
        ("abstract", "We compared an intervention group with a control group."),
        ("Methods", "The intervention group received wool socks. The control group received no socks."),
    )
    assert (treated.label, treated.type, treated.description) == (
        "intervention group",
        "EXPERIMENTAL",
        "wool socks",
    )
    assert (control.label, control.type, control.interventions) == ("control group", "NO_INTERVENTION", ())
    assert treated.interventions == ("wool socks",)
    assert treated.quote == "The intervention group received wool socks."


def test_roles_that_are_named_once_are_no_arms():
    assert labels("An intervention group walked beside a control group.") == []


# Tables ------------------------------------------------------------------------------------------

RANDOM = ("abstract", "Hikers were randomly assigned to get wool, silk, or cotton.")
THREE = "Feet | Wool (n=20) | Silk (n=21) | Cotton (n=19) | Total (n=60) | P value"


def of_tables(*parts):
    return [arm.label for arm in arms(*parts)]


def test_arms_stand_over_the_columns_of_a_table_and_totals_and_p_values_are_none():
    found = arms(
        RANDOM,
        ("Results", "Table 1 Hikers at baseline"),
        ("Results", f"{THREE}\nAge | 40 | 41 | 40 | 40 | 0.9"),
    )
    assert [arm.label for arm in found] == ["Wool", "Silk", "Cotton"]
    assert all("(n=20) | Silk (n=21)" in arm.quote for arm in found)


def test_the_label_is_that_of_the_table_and_the_details_are_those_of_the_sentence():
    treated, control = arms(
        ("abstract", "Hikers were randomised to woolin 50 mg twice daily or matching placebo."),
        ("Results", "Toes | Woolin group | Control group\nWarm | 12 | 3"),
    )
    assert (treated.label, treated.description) == ("Woolin group", "50 mg twice daily")
    assert (control.label, control.type, control.description) == (
        "Control group",
        "PLACEBO_COMPARATOR",
        "matching placebo",
    )
    assert "twice daily" in treated.quote  # a description has the sentence that tells it for its quote


def test_an_abbreviation_over_a_column_is_the_arm_it_stands_for():
    found = arms(
        ("abstract", "Hikers were randomised to warm wool socks (WWS) or thin cotton socks (TCS)."),
        ("Results", "Toes | TCS | WWS\nWarm | 3 | 12"),
    )
    assert [(arm.label, arm.description) for arm in found] == [
        ("TCS", "thin cotton socks (TCS)"),
        ("WWS", "warm wool socks (WWS)"),
    ]


def test_times_and_statistics_under_an_arm_are_none():
    head = "Toes | Wool (n = 20) | Wool (n = 20) | Placebo (n = 21) | Placebo (n = 21)"
    table = f"{head}\nToes | Week 4, mean (SD) | Week 8, mean (SD) | Week 4, mean (SD) | Week 8, mean (SD)"
    said = ("abstract", "Wool was compared with placebo.")
    assert of_tables(said, ("Results", f"{table}\nHeat | 1.2 (0.3) | 1.4 (0.2) | 1.1 (0.4) | 1.2 (0.2)")) == [
        "Wool",
        "Placebo",
    ]


@pytest.mark.parametrize(
    "head",
    [
        "Toes | Men (n = 30) | Women (n = 30)",
        "Toes | Baseline | Week 4",
        "Toes | Mean | SD",
        "Toes | High risk (n = 20) | Low risk (n = 40)",
        "Toes | Hikers with frostbite | Healthy controls",
        "Toes | Norland | Estmark",
        "Toes | Responders | Non-responders",
        "Toes | Wool (n = 60) | P value",
    ],
)
def test_subgroups_times_and_places_over_columns_are_no_arms(head):
    said = ("abstract", "Hikers with frostbite were randomised, and responders and their toes were followed.")
    assert of_tables(said, ("Results", f"{head}\nWarm | 12 | 30")) == []


def test_doses_over_columns_are_arms_of_their_own():
    head = "Toes | Woolin 20 mg (n=52) | Woolin 40 mg (n=51) | Placebo (n=51)"
    said = ("abstract", "Hikers were randomised to placebo or woolin 20 or 40 mg daily.")
    found = arms(said, ("Results", f"{head}\nWarm | 12 | 14 | 3"))
    assert [(arm.label, arm.type) for arm in found] == [
        ("Woolin 20 mg", "EXPERIMENTAL"),
        ("Woolin 40 mg", "EXPERIMENTAL"),
        ("Placebo", "PLACEBO_COMPARATOR"),
    ]


@pytest.mark.parametrize(
    ("doses", "named"),
    [
        (
            "20 mg daily (n=52) | 40 mg daily (n=51) | (n=51)",
            ["Woolin 20 mg daily", "Woolin 40 mg daily", "Placebo"],
        ),
        ("20 mg (n=52) | 40 mg (n=51) | (n=51)", []),  # looks like a line of values
    ],
)
def test_a_dose_under_the_name_of_its_drug_belongs_to_the_name(doses, named):
    table = f"Toes | Woolin | Woolin | Placebo\nToes | {doses}\nWarm | 12 | 14 | 3"
    said = ("abstract", "Hikers were randomised to placebo or one of two doses of woolin.")
    assert of_tables(said, ("Results", table)) == named


def test_letters_are_joined_with_what_they_received():
    found = arms(
        (
            "abstract",
            "Hikers were randomly divided. Group A received wool socks and group B received sham socks.",
        ),
        ("Results", "Toes | Group A | Group B\nWarm | 12 | 3"),
    )
    assert [(arm.label, arm.description, arm.type) for arm in found] == [
        ("Group A", "wool socks", "EXPERIMENTAL"),
        ("Group B", "sham socks", "SHAM_COMPARATOR"),
    ]


# Contradictions ----------------------------------------------------------------------------------

TWO = "Hikers were randomised to wool or placebo."
COLUMNS = "Toes | Wool (n=20) | Silk (n=21) | Placebo (n=19)\nWarm | 12 | 14 | 3"


def test_of_two_contradicting_sources_none_is_believed_where_nothing_decides():
    assert of_tables(("abstract", f"{TWO} Silk was worn too."), ("Results", COLUMNS)) == []


def test_the_sizes_that_add_up_to_all_decide():
    said = f"A total of 60 hikers were randomised. {TWO} Silk was worn too."
    assert of_tables(("abstract", said), ("Results", COLUMNS)) == ["Wool", "Silk", "Placebo"]


def test_the_number_of_groups_that_is_said_decides():
    said = f"{TWO} Silk was worn too. There were three parallel groups."
    assert of_tables(("abstract", said), ("Results", COLUMNS)) == ["Wool", "Silk", "Placebo"]


def test_a_table_that_lacks_a_group_that_is_said_to_be_there_is_not_believed():
    said = "Hikers took part in a trial of wool and placebo with three groups."
    assert of_tables(("abstract", said), ("Results", "Toes | Wool | Placebo\nWarm | 12 | 3")) == []


# Types -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Hikers were randomised to wool or control.", ["EXPERIMENTAL", "ACTIVE_COMPARATOR"]),
        ("Hikers were randomised to wool plus placebo or silk plus placebo.", ["OTHER", "OTHER"]),
        (
            "Hikers were randomised to wool plus lotion or placebo plus lotion.",
            ["EXPERIMENTAL", "PLACEBO_COMPARATOR"],
        ),
        (
            "Hikers were randomised to wool plus usual care or usual care.",
            ["EXPERIMENTAL", "ACTIVE_COMPARATOR"],
        ),
        ("Hikers were randomised to wool or no socks (control).", ["EXPERIMENTAL", "NO_INTERVENTION"]),
    ],
)
def test_what_all_arms_get_tells_no_type(text, kinds):
    assert [arm.type for arm in arms(("abstract", text))] == kinds


HEADS = [
    "Wool (n = 3)",
    "Placebo",
    "Control",
    "Week 4",
    "P value",
    "Total",
    "",
    "Group A",
    "12",
    "Silk, n (%)",
]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(HEADS), min_size=2, max_size=6), min_size=1, max_size=4))
def test_any_table_gives_an_answer_that_fits(rows):
    table = "\n".join(" | ".join(["Toes", *row]) for row in rows)
    arms(("abstract", "Hikers were randomised to wool or placebo."), ("Results", table))
