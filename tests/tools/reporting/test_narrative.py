"""What may stand in a narrative summary: only sentences whose every number is in a cited cell. Invented cells."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.reporting.narrative import Fact, Said, numbers_of, supported

FACTS = (
    Fact(id="c1", label="Snail syrup, mean at week 12", value="5.50 nights"),
    Fact(id="c2", label="Water, n", value="1,204"),
    Fact(id="c3", label="Coughing, snail syrup", value="12/40 (30%)"),
    Fact(id="r1", label="Mean difference, random effects, 3 studies", value="−0.8 (95% CI −1.5 to −0.1)"),
)


def checked(text, *cells):
    narrative = supported([Said(text=text, cells=cells)], FACTS)
    if narrative.sentences:
        assert (narrative.sentences[0].text, narrative.dropped) == (text, ())
        return None
    return narrative.dropped[0].reason


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("With snail syrup, the mean was 5.5 nights at week 12.", ["c1"]),
        ("The mean was 5.50 nights.", ["c1"]),
        ("Water was given to 1204 adults.", ["c2"]),
        ("Water was given to 1\u2009204 adults.", ["c2"]),
        ("With snail syrup, 12 of 40 coughed (30 per cent).", ["c3"]),
        ("With snail syrup, twelve of forty coughed.", ["c3"]),
        ("Over three studies, the pooled difference was -0.80 (95% CI -1.5 to -0.1).", ["r1"]),
        ("Those with water were 1,204, and 12 of 40 coughed.", ["c2", "c3"]),
        ("COVID-19 and HbA1c were not looked at.", ["c2"]),
        ("One of the studies gave snail syrup.", ["c1"]),
    ],
)
def test_a_sentence_stands_whose_numbers_are_in_its_cells(text, cells):
    assert checked(text, *cells) is None


@pytest.mark.parametrize(
    ("text", "cells", "reason"),
    [
        ("The mean was 5.6 nights.", ["c1"], "do not hold: 5.6"),
        ("The mean was about 6 nights.", ["c1"], "do not hold: 6"),
        ("The mean was 5.5 nights.", ["c2"], "do not hold: 5.5"),
        ("The pooled difference was 0.8.", ["r1"], "do not hold: 0.8"),
        ("Of them, 30 coughed.", ["c3"], "do not hold: 30"),
        ("Of them, 12% coughed.", ["c3"], "do not hold: 12%"),
        ("Seven studies were pooled.", ["r1"], "do not hold: Seven"),
        ("Twenty-two coughed.", ["c3"], "do not hold: Twenty-two"),
        ("Snail syrup halved coughing.", ["c3"], "amounts that its cells do not hold: halved"),
        ("A third of them coughed.", ["c3"], "do not hold: third"),
        ("Coughing rose 3-fold.", ["c3"], "do not hold: 3"),
        ("Snail syrup helped.", [], "cites no cell"),
        ("Snail syrup helped.", ["c9", "c1"], "do not exist: c9"),
        ("  ", ["c1"], "says nothing"),
    ],
)
def test_any_other_sentence_is_dropped_and_listed_with_the_reason(text, cells, reason):
    assert reason in checked(text, *cells)


def test_order_is_kept_and_nothing_is_lost():
    sentences = [
        Said(text="It was 5.5.", cells=("c1",)),
        Said(text="It was 7.", cells=("c1",)),
        Said(text="They were 1204.", cells=("c2",)),
    ]
    narrative = supported(sentences, FACTS)
    assert [said.text for said in narrative.sentences] == ["It was 5.5.", "They were 1204."]
    assert [(d.text, d.cells) for d in narrative.dropped] == [("It was 7.", ("c1",))]
    assert supported([], FACTS).sentences == ()


def test_two_cells_with_one_id_are_refused():
    with pytest.raises(ValueError, match="Remedy"):
        supported([], [*FACTS, FACTS[0]])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.80 and .8", ["0.80", "0.8"]),
        ("3-5 nights", ["3", "5"]),
        ("−2 to –3", ["-2", "-3"]),
        ("1,204.5", ["1204.5"]),
        ("2·5", ["2.5"]),
        ("1e-3", ["0.001"]),
        ("12 of twenty-one", ["12", "21"]),
        ("T2 I² H1N1 COVID-19", []),
    ],
)
def test_numbers_are_read_by_their_value(text, numbers):
    assert [number for number, _ in numbers_of(text)] == [Decimal(number) for number in numbers]


@given(
    st.decimals(min_value=0, max_value=99_999, places=2), st.decimals(min_value=0, max_value=99_999, places=2)
)
def test_a_number_stands_if_and_only_if_it_is_that_of_the_cell(own, told):
    narrative = supported(
        [Said(text=f"It was {told:,} nights.", cells=("c",))], [Fact(id="c", label="Mean", value=str(own))]
    )
    assert bool(narrative.sentences) == (own == told)


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_sentence_that_repeats_a_cell_always_stands_unless_it_is_empty(label, value):
    text = f"{label} ; {value}"
    narrative = supported([Said(text=text, cells=("c",))], [Fact(id="c", label=label, value=value)])
    assert narrative.sentences or not text.strip()
