"""One citation in the forms that different databases print, each by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.records.candidates import BLOCK, pairs
from tools.records.citation import citation, entry_number, folded, pages_of, volume_of
from tools.records.likeness import same_journal
from tools.schemas import Record


@pytest.mark.parametrize(
    ("printed", "pages"),
    [
        ("1008-12", ("1008", "1012")),
        ("1008-1012", ("1008", "1012")),
        ("221-8", ("221", "228")),
        ("S12-9", ("s12", "s19")),
        ("e1001-7", ("e1001", "e1007")),
        ("pp. 5\u20139", ("5", "9")),
        ("153-62; discussion 163", ("153", "162")),
        ("e0012345", ("e12345", "")),
        ("01-Jul", ("1", "7")),
        ("Jul-15", ("7", "15")),
        ("in press", ("", "")),
        ("", ("", "")),
    ],
)
def test_pages_are_written_out(printed, pages):
    assert pages_of(printed) == pages


@pytest.mark.parametrize(
    ("printed", "volume"),
    [("65 (Supplement 1)", "65"), ("Vol. 07", "7"), ("30 (11)", "30"), ("2)", ""), ("12-13", ""), ("", "")],
)
def test_a_volume_is_its_number_or_unknown(printed, volume):
    assert volume_of(printed) == volume


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Curr Opin Lipidol", "Current Opinion in Lipidology", True),
        ("J. Natl. Cancer Inst.", "Journal of the National Cancer Institute", True),
        ("Stroke. Conference: Invented Meeting 2017", "Stroke", True),
        ("Cardiology (Switzerland)", "Cardiology", True),
        ("The British journal of psychiatry : the journal of mental science", "Br J Psychiatry", True),
        ("JAMA", "Journal of the American Medical Association", True),
        ("Diabetes", "Diabetologia", False),
        ("Circulation", "Circulation Research", False),
        ("J Clin Oncol", "J Clin Nurs", False),
    ],
)
def test_journals_are_compared_word_by_word(one, other, same):
    first, second = (citation(Record(record_id="x", journal=name), 0).journal for name in (one, other))
    assert same_journal(first, second) is same
    assert same_journal(second, first) is same


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Effects of H<sub>2</sub>O: p<0.05 in \u03b2-cells", "effects of h2o p 0 05 in beta cells"),
        ("\u00dcber F\u00fc\u00dfe", "uber fusse"),
        ("  A\u2014B  ", "a b"),
    ],
)
def test_text_is_folded_to_plain_words(text, plain):
    assert folded(text) == plain


@pytest.mark.parametrize(
    ("title", "stays"),
    [
        ("[Warme Socken]. [German]", "warme socken"),
        ("RETRACTED: Warm socks", "warm socks"),
        ("RETRACTED ARTICLE: Warm socks", "warm socks"),
        ("[Warme Socken]", "warme socken"),
        ("Retraction of warm socks", "retraction of warm socks"),
    ],
)
def test_what_databases_hang_on_a_title_is_taken_off(title, stays):
    assert citation(Record(record_id="x", title=title), 0).title == stays


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"record_id": "ctgov:NCT00000001"}, "registry"),
        ({"doi": "10.1101/2020.01.02.20012345v2"}, "preprint"),
        ({"journal": "medRxiv"}, "preprint"),
        ({"journal": "Stroke. Conference: Invented Meeting"}, "conference"),
        ({"issue": "Suppl 1", "pages": "S12"}, "conference"),
        ({"issue": "Suppl 1", "pages": "S12-S40"}, "article"),
        ({"doi": "10.1101/gr.123456.107"}, "article"),
    ],
)
def test_the_kind_is_read_off_the_fields(fields, kind):
    assert citation(Record(**{"record_id": "x", **fields}), 0).kind == kind


def test_versions_of_a_preprint_share_their_doi():
    given = ("10.1101/2020.01.02.20012345v1", "10.1101/2020.01.02.20012345v2")
    assert len({citation(Record(record_id="x", doi=doi), 0).doi for doi in given}) == 1


def test_a_registry_entry_is_known_by_its_id_or_by_its_type():
    assert entry_number(Record(record_id="ctgov:NCT00000001")) == "NCT00000001"
    trial = Record(
        record_id="c:1", registry_ids=("NCT00000001",), publication_types=("Trial registry record",)
    )
    assert entry_number(trial) == "NCT00000001"
    assert entry_number(trial.model_copy(update={"publication_types": ()})) == ""


def met(*records: Record) -> set[tuple[int, int]]:
    return {(a, b) for a, b in pairs([citation(r, i) for i, r in enumerate(records)]).tolist()}


def test_a_misspelt_title_still_meets_its_other_print():
    one = Record(record_id="a", title="Warm woollen stockings against nocturnal chilblains in adults")
    other = Record(record_id="b", title="Warm woolen stockings against nocturnal chillblains in adults")
    assert met(one, other) == {(0, 1)}


def test_a_translated_title_is_met_by_its_place():
    one = Record(record_id="a", title="Warm socks", volume="3", pages="17", year=2001)
    other = Record(record_id="b", title="Warme Socken", volume="3", pages="17-20", year=2001)
    assert met(one, other) == {(0, 1)}


def test_a_word_that_thousands_share_does_not_make_thousands_squared():
    records = [
        Record(record_id=str(i), title="Editorial", volume=str(i), pages=str(i)) for i in range(10 * BLOCK)
    ]
    assert len(met(*records)) < 10 * BLOCK


@given(st.lists(st.sampled_from(["One title of words", "Another title of words", ""]), max_size=8))
def test_pairs_come_once_and_in_order(titles):
    found = pairs([citation(Record(record_id=str(i), title=t), i) for i, t in enumerate(titles)]).tolist()
    assert found == sorted(found)
    assert all(a < b for a, b in found)
    assert len({tuple(pair) for pair in found}) == len(found)
