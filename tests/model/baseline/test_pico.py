"""Questions taken apart by rules. All questions are invented."""

import pytest

from model.baseline.pico import elements_of
from model.tasks.pico import TASK, PicoInput

PICO = ("population", "intervention", "comparator", "outcome")


def read(question, elements=PICO, title="", **given):
    asked = PicoInput(title=title, question=question, framework="PICO", elements=elements, given=given)
    answer = elements_of(asked)
    TASK.check(answer, asked)
    return {element.name: element.phrases for element in answer.elements}


@pytest.mark.parametrize(
    "question",
    [
        "P: adults with cold feet\nI: wool socks\nC: cotton socks\nO: warmth; blisters",
        "Population: adults with cold feet. Intervention: wool socks. Comparison: cotton socks. "
        "Outcomes: warmth; blisters",
        "P (population): adults with cold feet I: wool socks C: cotton socks O: 1. warmth 2. blisters S: trials only",
    ],
)
def test_labelled_text_is_read_as_labelled(question):
    assert read(question) == {
        "population": ("adults with cold feet",),
        "intervention": ("wool socks",),
        "comparator": ("cotton socks",),
        "outcome": ("warmth", "blisters"),
    }


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (
            "What is the effect of wool socks compared with cotton socks on blisters among people with cold feet?",
            {
                "population": ("people with cold feet",),
                "intervention": ("wool socks",),
                "comparator": ("cotton socks",),
                "outcome": ("blisters",),
            },
        ),
        (
            "What are the benefits and harms of wool socks among hikers and people with cold feet "
            "in terms of warmth, pain, and cost?",
            {"intervention": ("wool socks",), "outcome": ("warmth", "pain", "cost")},
        ),
        (
            "Should patients with cold feet be treated with wool socks compared to cotton socks?",
            {
                "population": ("patients with cold feet",),
                "intervention": ("wool socks",),
                "comparator": ("cotton socks",),
            },
        ),
        (
            "Does wool reduce blisters compared with cotton in adults with cold feet?",
            {
                "population": ("adults with cold feet",),
                "intervention": ("wool",),
                "comparator": ("cotton",),
                "outcome": ("blisters",),
            },
        ),
        (
            "Efficacy and safety of wool socks for cold feet: a systematic review",
            {"population": ("cold feet",), "intervention": ("wool socks",)},
        ),
    ],
)
def test_common_forms_of_a_question_are_read(question, found):
    answer = read(question)
    assert {name: answer[name] for name in found} == found


@pytest.mark.parametrize("question", ["Socks.", "On the history of the sock", "What do we know?"])
def test_what_the_text_does_not_tell_stays_empty(question):
    assert set(read(question).values()) == {()}


def test_what_was_given_is_kept_and_goes_before_what_is_read():
    answer = read("P: adults\nI: wool", population=("hikers", "walkers"))
    assert (answer["population"], answer["intervention"]) == (("hikers", "walkers"), ("wool",))


def test_the_title_is_read_when_the_question_tells_nothing():
    answer = read("See the protocol.", title="Effects of wool socks in people with cold feet")
    assert (answer["population"], answer["intervention"]) == (("people with cold feet",), ("wool socks",))


def test_other_frameworks_have_their_own_labels():
    accuracy = ("population", "index_test", "reference_test", "diagnosis")
    text = "P: hikers\nIndex test: touch\nReference standard: thermometer\nD: cold feet"
    assert read(text, accuracy) == {
        "population": ("hikers",),
        "index_test": ("touch",),
        "reference_test": ("thermometer",),
        "diagnosis": ("cold feet",),
    }
    scoping = ("population", "concept", "context")
    assert read("Population: hikers. Concept: warmth. Context: the Alps", scoping)["context"] == ("the Alps",)
    assert read("C: warmth", scoping) == {"population": (), "concept": (), "context": ()}


def test_a_letter_in_running_text_is_no_label():
    assert read("Should we give vitamin c: yes or no?")["comparator"] == ()


def test_lists_are_cut_at_commas_but_not_inside_brackets():
    assert read("O: warmth, pain (at rest, walking) and cost")["outcome"] == (
        "warmth",
        "pain (at rest, walking)",
        "cost",
    )
