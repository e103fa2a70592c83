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
