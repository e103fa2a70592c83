"""Words and sentences as the rules compare them. All texts are invented."""

import re

import pytest

from model.baseline.reading import MAX_QUOTE, Reading
from model.baseline.words import expanded, fold, folded_words, spellings, telling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Renal", "kidneys"),
        ("haemorrhage", "hemorrhages"),
        ("randomised", "Randomized"),
        ("biopsies", "biopsy"),
        ("tumour", "tumors"),
        ("paediatric", "pediatric"),
        ("anaemia", "anemia"),
        ("oesophageal", "esophageal"),
        ("behaviour", "behaviors"),
    ],
)
def test_one_word_in_two_spellings_is_one_word(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("liver", "kidney"), ("hypertension", "hypotension"), ("insulin", "inulin"), ("gastritis", "gastric")],
)
def test_different_words_stay_different(one, other):
    assert fold(one) != fold(other)


def test_people_and_generic_words_do_not_name_a_concept():
    assert telling("Adults with suspected kidney disease") == ("kidney",)


def test_a_phrase_of_generic_words_keeps_what_it_has():
    assert telling("the study") == ("study",)


def test_abbreviations_are_written_out_but_parts_of_words_are_not():
    assert expanded("people with CKD") == "people with chronic kidney disease"
    assert expanded("NSAIDs") == "non-steroidal anti-inflammatory agents"
    assert expanded("anti-AF and AFTER") == "anti-AF and AFTER"


@pytest.mark.parametrize(
    ("american", "british"),
    [
        ("pediatric leukemia", "paediatric leukaemia"),
        ("hemorrhage", "haemorrhage"),
        ("esophagus", "oesophagus"),
    ],
)
def test_both_spellings_are_offered_from_either(american, british):
    assert {american, british} <= set(spellings(american))
    assert {american, british} <= set(spellings(british))


def test_no_spelling_is_invented():
    assert spellings("academic epidemic") == ("academic epidemic",)
    assert spellings("gastroesophageal reflux") == ("gastroesophageal reflux",)


TEXT = (
    "Wool socks in winter.\nSixty adults wore socks. None had a history of frostbite, without diabetes. "
    "We took a biopsy of the left native kidney. Wool was then used by all. Later, socks of cotton were bought."
)
READING = Reading(TEXT)


def test_a_phrase_is_found_in_either_order_when_its_words_stand_close():
    hit = READING.find(folded_words("renal biopsy"))
    assert hit is not None
    assert (hit.share, READING.sentence(hit.sentence)) == (1, "We took a biopsy of the left native kidney.")


def test_the_earliest_full_sentence_is_the_evidence():
    hit = READING.find(("wool", "sock"))
    assert hit is not None
    assert READING.in_title(hit.sentence)


def test_a_share_of_the_words_is_told_as_a_share():
    hit = READING.find(("wool", "glove"))
    assert hit is not None
    assert hit.share == 0.5


def test_words_far_apart_are_not_a_phrase():
    far = Reading("Wool was compared over many long and very cold winters with new cotton socks.")
    hit = far.find(("wool", "sock"))
    assert hit is not None
    assert hit.share == 0.75


def test_what_is_denied_is_told_as_denied():
    hit = READING.find(folded_words("diabetes"))
    assert hit is not None
    assert hit.denied
    assert READING.search(re.compile("diabetes")) is None


def test_an_absent_word_is_not_found():
    assert READING.find(("glove",)) is None
    assert Reading("").find(("glove",)) is None


def test_a_quote_never_exceeds_what_an_answer_may_hold_and_stays_verbatim():
    long = Reading("word " * 400)
    assert len(long.quote(0)) <= MAX_QUOTE
    assert long.quote(0) in long.text
    assert not long.quote(0).endswith("wor")
