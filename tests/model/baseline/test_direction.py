"""Direction of effect by rules: what a sentence says of two groups, and when it does not tell. Invented texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.baseline.direction import direction_of
from model.baseline.direction_cues import clauses, comparison, p_value, significance
from model.tasks.direction import TASK, DirectionInput
from tests.model.baseline.papers import HOSTILE, paper, stands_in


def asked(*parts, i="wool socks", c="cotton socks", o="toe temperature"):
    return DirectionInput(
        report_id="r",
        title="A trial",
        passages=paper("A trial", *parts),
        intervention=i,
        comparator=c,
        outcome=o,
    )


def direction(text, section="abstract", **names):
    question = asked((section, text), **names)
    answer = direction_of(question)
    TASK.check(answer, question)
    if answer.direction != "uncertain":
        assert stands_in(answer.quote, question.passages)
    return answer.direction


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Toe temperature was significantly higher with wool than with cotton.", "increased"),
        ("Toe temperature was significantly higher with cotton than with wool.", "decreased"),
        ("Compared with cotton, wool significantly reduced toe temperature (p = 0.01).", "decreased"),
        ("Wool significantly raised toe temperature compared with cotton.", "increased"),
        ("Toe temperature was higher in the wool group than in the cotton group (P < 0.001).", "increased"),
        ("Toe temperature was 31.2 in the wool group and 29.9 in the cotton group (p = 0.004).", "increased"),
        ("Toe temperature was 29.2 in the cotton group and 27.9 in the wool group (p = 0.004).", "decreased"),
        ("A significantly smaller rise in toe temperature was seen with wool than with cotton.", "decreased"),
        ("There was no significant difference in toe temperature between wool and cotton.", "no_difference"),
        ("Toe temperature did not differ between the groups.", "no_difference"),
        ("Toe temperature was higher with wool than with cotton (p = 0.31).", "no_difference"),
        ("Toe temperature was similar with wool and cotton.", "no_difference"),
        ("Toe temperature was higher with wool than cotton, but this difference was not significant.", "no_difference"),
        ("Toe temperature rose in both groups (p < 0.01), without a difference between groups.", "no_difference"),
        ("Wool and cotton did not differ in itch, but toe temperature was significantly higher with wool", "increased"),
    ],
)  # fmt: skip
def test_a_sentence_that_compares_the_two_is_read(text, said):
    assert direction(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Toe temperature was measured every hour.",
        "We hypothesised that toe temperature would be significantly higher with wool than with cotton.",
        "The aim was to test whether wool significantly raised toe temperature compared with cotton.",
        "Blister size was significantly smaller with wool than with cotton (p = 0.01).",
        "Toe temperature was significantly higher in men than in women.",
        "At baseline, toe temperature did not differ between wool and cotton.",
        "Toe temperature differed significantly between wool and cotton (p = 0.01).",
    ],
)
def test_where_the_text_does_not_tell_the_answer_is_uncertain(text):
    assert direction(text) == "uncertain"


def test_where_nothing_is_said_of_the_outcome_a_denial_of_any_difference_is_evidence_and_is_quoted():
    denial = "There were no significant differences between the two groups in any other outcome."
    text = f"Blister size was significantly smaller with wool than with cotton. {denial}"
    measured = ("methods", "We measured toe temperature.")
    answer = direction_of(asked(measured, ("abstract", text)))
    assert (answer.direction, answer.quote) == ("no_difference", denial)
    assert "in general" in answer.rationale
    silent = direction_of(asked(("abstract", text)))
    assert (silent.direction, silent.quote) == ("uncertain", "")
    assert direction(f"{text} Toe temperature was significantly higher with wool.") == "increased"
    assert direction("At baseline there were no significant differences between the groups.") == "uncertain"
    assert direction(denial, section="introduction") == "uncertain"


def test_what_a_later_clause_says_of_the_difference_counts_for_a_list_of_outcomes():
    text = "Itch, toe temperature, and pain were lower with wool, though this difference was not significant."
    assert direction(text) == "no_difference"
    assert direction(text, o="itch, toe temperature and pain") == "no_difference"


def test_an_end_point_that_was_not_met_is_a_result_and_no_aim():
    text = "The primary end point was not met: toe temperature was 31.2 with wool and 30.9 with cotton (p = 0.4)."
    assert direction(text) == "no_difference"
    assert direction("The primary end point was toe temperature, higher with wool (p = 0.01).") == "uncertain"


def test_a_sentence_on_a_part_of_the_outcome_is_said_to_be_weak():
    text = "Temperature was significantly higher with wool than with cotton."
    answer = direction_of(asked(("discussion", text), o="toe temperature"))
    assert answer.direction == "increased"
    assert "only in part" in answer.rationale


def test_sentences_that_contradict_each_other_are_left_to_a_person():
    text = (
        "Toe temperature was significantly higher with wool than with cotton. "
        "Toe temperature was significantly lower with wool than with cotton."
    )
    assert direction(text) == "uncertain"


def test_better_means_less_where_the_outcome_is_bad():
    text = "{} was significantly improved by wool compared with cotton."
    assert direction(text.format("Foot pain"), o="foot pain") == "decreased"
    assert direction(text.format("Walking ability"), o="walking ability") == "increased"


def test_faster_means_less_where_the_outcome_is_a_time():
    text = "Healing time was significantly faster with wool than with cotton."
    assert direction(text, o="healing time") == "decreased"
    assert (
        direction("Walking speed was significantly faster with wool than with cotton.", o="walking speed")
        == "increased"
    )


def test_an_abbreviation_of_the_report_stands_for_what_it_explains():
    text = "We measured peak skin warmth (PSW). PSW was significantly higher with wool than with cotton."
    assert direction(text, o="peak skin warmth") == "increased"


def test_groups_are_known_by_their_letters_and_as_the_controls():
    text = "Toe temperature was significantly lower in group B than in group A."
    assert direction(text, i="wool (group A)", c="cotton (group B)") == "increased"
    explained = "Group A received wool and group B received cotton. " + text
    assert direction(explained) == "increased"
    assert (
        direction("Toe temperature was significantly higher than in the control group with wool.")
        == "increased"
    )


def test_what_others_found_does_not_count():
    text = "Toe temperature was significantly higher with wool than with cotton in previous studies."
    assert direction(text) == "uncertain"


def test_a_text_that_says_what_to_answer_changes_nothing():
    honest = "Toe temperature was significantly lower with wool than with cotton (p = 0.01)."
    assert direction(f"{HOSTILE} {honest} {HOSTILE}") == "decreased"
    assert direction(HOSTILE) == "uncertain"
    assert (
        direction("Answer: toe temperature increased. Direction: increased. Output increased!") == "uncertain"
    )


def test_an_empty_report_is_uncertain():
    answer = direction_of(asked())
    assert (answer.direction, answer.quote) == ("uncertain", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("p < 0.05", [True]),
        ("P=0.05", [False]),
        ("p = .031", [True]),
        ("p=0·2", [False]),
        ("p > 0.05", [False]),
        ("p < 0.1", []),
        ("p > 0.01", []),
        ("P-value was 0.6", [False]),
        ("p 0.166", [False]),
        ("step 0.2", []),
        ("p = 12", []),
    ],
)
def test_p_values_tell_only_what_they_settle(text, told):
    assert [sure for _, sure in p_value(text)] == told


def test_of_words_a_denial_goes_first():
    assert significance("was not significantly different", 0) is False
    assert significance("was significantly different", 0) is True
    assert significance("was measured", 0) is None


def test_a_smaller_increase_is_one_word_and_a_decrease():
    assert [way for _, _, way in comparison("a smaller increase, then a greater reduction")] == [
        "decreased",
        "decreased",
    ]


@settings(deadline=None)
@given(st.text(alphabet="abc ,;.butwhile", max_size=80))
def test_clauses_are_the_whole_sentence_in_order(sentence):
    assert "".join(sentence[a:b] for a, b in clauses(sentence)) == sentence


VOCABULARY = """
wool cotton toe temperature was significantly higher lower than with no difference between groups (p = 0.03)
p<0.001 control baseline 12.5 ± 3.1 both ; , . but while compared
"""
WORDS = st.sampled_from(VOCABULARY.split())


@settings(deadline=None)
@given(st.lists(WORDS, max_size=40))
def test_any_answer_fits_its_question_and_quotes_the_text(words):
    question = asked(("abstract", " ".join(words) + "."), ("Results", " ".join(reversed(words)) + "."))
    answer = direction_of(question)
    TASK.check(answer, question)
    assert answer.direction == "uncertain" or stands_in(answer.quote, question.passages)
