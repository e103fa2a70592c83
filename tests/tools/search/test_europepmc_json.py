"""Results of Europe PMC as records."""

import gzip
import json

import pytest

from tools.schemas import Correction
from tools.search.europepmc_json import UnreadableResult, key_of, plain_text, read_result

CORE = {
    "id": "12345678",
    "source": "MED",
    "pmid": "12345678",
    "pmcid": "PMC7654321",
    "doi": "10.1234/INV.Cough",
    "title": "Snail syrup in <i>invented</i> cough.",
    "authorString": "Ada A, The Snail Group.",
    "authorList": {
        "author": [
            {"fullName": "Ada A", "firstName": "Anna", "lastName": "Ada", "initials": "A"},
            {"collectiveName": "The Snail Group"},
        ]
    },
    "journalInfo": {
        "issue": "2",
        "volume": "7",
        "yearOfPublication": 2021,
        "journal": {"title": "Journal of Invention", "medlineAbbreviation": "J Inv", "issn": "1234-5678"},
    },
    "pubYear": "2021",
    "pageInfo": "107-114",
    "abstractText": "<h4>Background</h4>Cough lasts.<h4>Results: </h4><p>P<0.001 for n<b and c>d; 5 m<sup>2</sup> "
    "&amp; NCT01234567.</p>",
    "language": "eng",
    "pubTypeList": {"pubType": ["Randomized Controlled Trial", "research-article"]},
    "meshHeadingList": {"meshHeading": [{"majorTopic_YN": "Y", "descriptorName": "Cough"}]},
    "keywordList": {"keyword": ["Snails"]},
    "commentCorrectionList": {
        "commentCorrection": [
            {"id": "999", "source": "MED", "type": "Retraction in", "reference": "J Inv. 2022;8(1):1"},
            {"id": "PPR5", "source": "PPR", "type": "Preprint in"},
        ]
    },
    "firstIndexDate": "2021-03-04",
    "dateOfRevision": "2022-05-06",
    "firstPublicationDate": "2021-03-01",
}
"""Invented."""


def test_every_field_of_a_record_comes_from_its_place():
    record = read_result(CORE)
    assert record.record_id == "europepmc:MED:12345678"
    assert record.title == "Snail syrup in invented cough."
    assert record.authors == ("Ada, Anna", "The Snail Group")
    assert (record.pmid, record.pmcid, record.doi) == ("12345678", "PMC7654321", "10.1234/inv.cough")
    assert (record.year, record.journal, record.issn) == (2021, "Journal of Invention", "1234-5678")
    assert (record.volume, record.issue, record.pages) == ("7", "2", "107-114")
    assert record.publication_types == ("Randomized Controlled Trial", "research-article")
    assert (record.mesh, record.keywords, record.language) == (("Cough",), ("Snails",), "eng")
    assert (record.created, record.updated) == ("2021-03-04", "2022-05-06")
    assert record.registry_ids == ("NCT01234567",)
    assert record.url == "https://europepmc.org/article/MED/12345678"


def test_a_retraction_is_known_by_the_notice_alone():
    record = read_result(CORE)
    assert record.retracted
    assert record.corrections == (
        Correction(kind="RetractionIn", citation="J Inv. 2022;8(1):1", pmid="999"),
        Correction(kind="PreprintIn", citation="PPR:PPR5"),
    )


def test_the_abstract_keeps_its_sections_and_every_sign_that_is_no_tag():
    assert read_result(CORE).abstract == (
        "Background: Cough lasts.\nResults: P<0.001 for n<b and c>d; 5 m2 & NCT01234567."
    )


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("plain", "plain"),
        ("<b>bold</b> <unknown>kept</unknown>", "bold <unknown>kept</unknown>"),
        ("one<br/>two<p>three</p>four", "one\ntwo\nthree\nfour"),
        ("<jats:sec><jats:title>Aim</jats:title><jats:p>To see.</jats:p></jats:sec>", "Aim: To see."),
        ("age <18 and >65", "age <18 and >65"),
        ("a &lt;b&gt; c", "a <b> c"),
        ("<h4></h4>text", "text"),
        ("", ""),
    ],
)
def test_markup_goes_and_text_stays(marked, plain):
    assert plain_text(marked) == plain


def test_a_preprint_says_so_once():
    record = read_result(
        {"id": "PPR7", "source": "PPR", "title": "x", "pubTypeList": {"pubType": ["Preprint"]}}
    )
    assert (record.record_id, record.pmid) == ("europepmc:PPR:PPR7", None)
    assert record.publication_types == ("Preprint",)


@pytest.mark.parametrize(
    "result",
    [{}, {"id": "1"}, {"source": "MED"}, {"id": "1 2", "source": "MED"}, {"id": "1", "source": "../x"}],
)
def test_an_id_names_nothing_without_its_source(result):
    assert key_of(result) is None
    with pytest.raises(UnreadableResult):
        read_result(result)


def test_another_shape_names_the_record():
    with pytest.raises(UnreadableResult, match="MED:12345678"):
        read_result(CORE | {"journalInfo": "a text"})


@pytest.mark.shared
def test_real_results_are_read(shared_data):
    read = {}
    for path in (shared_data / "api_captures" / "europepmc").glob("search_*.json.gz"):
        for result in json.loads(gzip.decompress(path.read_bytes()))["resultList"]["result"]:
            record = read_result(result)
            read[record.pmid] = record
    trial = read["22663011"]
    assert trial.doi == "10.1056/nejmoa1203421"
    assert trial.authors[0] == "Flaherty, KT"
    assert trial.authors[-1] == "METRIC Study Group"
    assert (trial.year, trial.volume, trial.issue, trial.pages) == (2012, "367", "2", "107-114")
    assert "randomized controlled trial" in trial.publication_types
    assert read["20516115"].pmcid == "PMC3040717"
