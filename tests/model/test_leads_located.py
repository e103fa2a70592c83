"""A value without a quote: looked up where it stands once, and marked as looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.steps.extract import _cell  # the rule a cell gets its standing by
from model.forms import form
from model.tasks import ALL
from model.tasks.characteristics import CharacteristicsAnswer, FieldAnswer
from tests.model.leads_questions import QUESTIONS, request
from tools.fulltext.quotes import locate_once
from tools.schemas import FullText, Passage

TEXT = "Wool socks. In all, 1,204 runners took part; 12 of the runners wore merino wool. Merino is warm."


@pytest.mark.parametrize("value", ["1,204", "1,204 runners", "merino wool", " took part\n"])
def test_what_occurs_once_is_located(value):
    quote = locate_once(value, TEXT)
    assert quote.located
    assert TEXT[quote.start : quote.end] == quote.text == value.strip()


@pytest.mark.parametrize(
    "value",
    [
        "runners",  # twice
        "Wool  socks",  # another spelling
        "Merino Wool",  # other letters
        "204 runners",  # part of a number
        "12",  # too short to prove anything
        "cotton",
        "",
    ],
)
def test_what_does_not_occur_exactly_once_is_not(value):
    assert locate_once(value, TEXT) is None


@given(st.text(alphabet="ab ", max_size=30), st.text(alphabet="ab ", max_size=8))
def test_located_once_means_that_it_stands_nowhere_else(text, value):
    quote = locate_once(value, text)
    if quote is not None:
        assert quote.text not in (text[: quote.start].split() + text[quote.end :].split())


def cell(**told):
    text = FullText(
        report_id="lib:1",
        source="test",
        canonical=TEXT,
        passages=(Passage(section="Results", kind="paragraph", start=0, text=TEXT),),
    )
    return _cell("lib:1", FieldAnswer(field_id="size", status="found", **told), text, "key")


def test_a_cell_tells_a_value_that_was_looked_up_from_one_that_was_quoted():
    looked_up = cell(value="1,204 runners", located=True)
    assert (looked_up.status, looked_up.quote.located, looked_up.section) == ("located", True, "Results")
    assert cell(value="1,204 runners", quote="1,204 runners").status == "grounded"
    assert cell(value="runners", located=True).status == "ungrounded"
    assert cell(value="1,204 runners").status == "ungrounded"  # a quote was asked for, and not given


def test_an_answer_in_the_leads_format_asks_for_the_look_up():
    raw = '[{"name": "size", "value": "Ninety"}, {"name": "design", "value": "trial"}, {"name": "socks", "value": ""}]'
    cells = form("leads", ALL["characteristics"]).read(request("characteristics"), raw).cells
    assert [answer.located for answer in cells] == [True, True, False]


def test_no_model_is_asked_whether_its_value_was_located():
    assert "located" not in str(CharacteristicsAnswer.model_json_schema())
    assert "located" not in str(form("ours", ALL["characteristics"]).schema(QUESTIONS["characteristics"]))
