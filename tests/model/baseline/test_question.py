"""Questions by rules: sentences of the records, verbatim, or the statement that there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.baseline.question import MOST, sentences_for
from model.tasks.question import TASK, QuestionInput, SourceText

SOCKS = SourceText(
    record_id="lib:1",
    title="Wool socks in walkers",
    text="Sixty walkers wore wool socks. Their toes stayed warm. Funding came from a mill.",
)
GLOVES = SourceText(record_id="lib:2", title="Gloves", text="Twenty skiers wore leather gloves for 9 days.")


def no_vectors(texts):
    return np.zeros((len(texts), 4), np.float32)


def ask(question, *sources, encode=no_vectors):
    asked = QuestionInput(question=question, sources=sources)
    told = sentences_for(asked, encode)
    TASK.check(told, asked)
    return told


def test_the_sentence_with_the_questions_words_is_the_answer():
    told = ask("Who wore leather gloves?", SOCKS, GLOVES)
    (only,) = told.statements
    assert (only.record_id, only.quote) == ("lib:2", "Twenty skiers wore leather gloves for 9 days.")
    assert only.text == only.quote, "the rules compose nothing"


def test_a_question_for_a_number_is_answered_by_sentences_with_one():
    told = ask("How many walkers wore wool socks?", SOCKS)
    assert [s.quote for s in told.statements] == ["Sixty walkers wore wool socks."]
    assert "Wool socks in walkers" in [
        s.quote for s in ask("Which walkers wore wool socks?", SOCKS).statements
    ]


@pytest.mark.parametrize("question", ["What of penguins?", "?", "the of and", "How many penguins?"])
def test_what_the_records_do_not_tell_is_said_to_be_not_there(question):
    told = ask(question, SOCKS, GLOVES)
    assert (told.status, told.statements) == ("not_in_the_records", ())


def test_no_records_no_answer():
    assert ask("Who wore gloves?").status == "not_in_the_records"


def test_nearness_takes_what_words_alone_would_not(likeness):
    """Of three words one is there; the mark makes question and sentence alike."""
    source = SourceText(record_id="lib:3", text="Mittens ~ kept hands warm. Gloves were cold.")
    question = "Did mittens ~ prevent frostbite?"
    assert ask(question, source).status == "not_in_the_records"
    told = ask(question, source, encode=likeness.encode)
    assert [s.quote for s in told.statements] == ["Mittens ~ kept hands warm."]


def test_likeness_without_a_common_word_is_not_asked_for(likeness):
    assert ask("Frostbite ~?", SOCKS, encode=likeness.encode).status == "not_in_the_records"
    assert likeness.calls == []


def test_the_best_come_first_and_not_without_end():
    many = [
        SourceText(record_id=f"lib:{n}", text=f"Trial {n}: wool socks. Wool socks and gloves {n}.")
        for n in range(30)
    ]
    told = ask("Who compared wool socks and gloves?", *many)
    assert len(told.statements) == MOST
    assert all("gloves" in s.quote for s in told.statements)
    assert [s.record_id for s in told.statements] == [f"lib:{n}" for n in range(MOST)]


def test_the_same_record_given_twice_says_it_once():
    assert len(ask("Who wore leather gloves?", GLOVES, GLOVES).statements) == 1


def test_a_title_that_stands_in_the_text_is_not_said_twice():
    source = SourceText(record_id="lib:4", title="Wool socks", text="Wool socks\nThey were warm.")
    assert [s.quote for s in ask("What of wool socks?", source).statements] == ["Wool socks"]


def test_a_long_sentence_is_cut_at_a_word():
    source = SourceText(record_id="lib:5", text="Wool socks " + "are warm and " * 100)
    (said,) = ask("What of wool socks?", source).statements
    assert len(said.quote) <= 600
    assert source.text.startswith(said.quote)


@given(st.text(min_size=1), st.lists(st.text(), max_size=3))
def test_any_question_to_any_records_is_answered_in_form_and_verbatim(question, texts):
    sources = [SourceText(record_id=f"lib:{n}", text=text) for n, text in enumerate(texts)]
    by_id = {s.record_id: s.text for s in sources}
    assert all(s.quote in by_id[s.record_id] for s in ask(question, *sources).statements)
