"""Studies of ClinicalTrials.gov as records: invented ones by heart, real ones without loss."""

import copy
import gzip
import json
from typing import Any

import pytest

from tools.schemas import Correction
from tools.search.ctgov_json import UNKNOWN_ENROLLMENT, UnreadableStudy, nct_of, read_study, studies_of

STUDY: dict[str, Any] = {
    "protocolSection": {
        "identificationModule": {
            "nctId": "NCT01234567",
            "nctIdAliases": ["NCT07654321"],
            "orgStudyIdInfo": {"id": "001"},
            "secondaryIdInfos": [
                {"id": "2009-012345-67", "type": "EUDRACT_NUMBER"},
                {"id": "ISRCTN12345678", "type": "REGISTRY"},
                {"id": "S64737", "type": "OTHER"},
            ],
            "briefTitle": "Snail syrup",
            "officialTitle": "Snail Syrup in\nInvented Cough",
        },
        "statusModule": {
            "overallStatus": "ACTIVE_NOT_RECRUITING",
            "startDateStruct": {"date": "2016-07", "type": "ACTUAL"},
            "studyFirstPostDateStruct": {"date": "2015-03-04", "type": "ESTIMATED"},
            "resultsFirstPostDateStruct": {"date": "2020-01-02"},
            "lastUpdatePostDateStruct": {"date": "2021-05-06"},
        },
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "Institute of Invention"}},
        "descriptionModule": {"briefSummary": "For cough \\[dry\\].\n\nP<0.05 is hoped for."},
        "conditionsModule": {"conditions": ["Cough", "Dry Throat"], "keywords": ["snail"]},
        "designModule": {
            "studyType": "INTERVENTIONAL",
            "phases": ["PHASE1", "PHASE2"],
            "designInfo": {
                "allocation": "RANDOMIZED",
                "interventionModel": "PARALLEL",
                "maskingInfo": {"masking": "DOUBLE", "whoMasked": ["PARTICIPANT", "INVESTIGATOR"]},
            },
            "enrollmentInfo": {"count": 40, "type": "ACTUAL"},
        },
        "armsInterventionsModule": {
            "armGroups": [{"label": "Syrup", "type": "EXPERIMENTAL", "description": "Thrice a day"}],
            "interventions": [{"type": "DRUG", "name": "Snail syrup", "otherNames": ["SS1"]}],
        },
        "outcomesModule": {"primaryOutcomes": [{"measure": "Nights slept", "timeFrame": "4 weeks"}]},
        "eligibilityModule": {
            "eligibilityCriteria": "Inclusion Criteria:\n\n* Cough",
            "sex": "ALL",
            "minimumAge": "18 Years",
        },
        "referencesModule": {
            "references": [
                {"pmid": "111", "type": "RESULT", "citation": "Invented A. 2019."},
                {"type": "BACKGROUND", "citation": "Invented B."},
                {"pmid": "222", "type": "DERIVED", "retractions": [{"pmid": "333", "source": "J Inv"}]},
            ]
        },
    },
    "derivedSection": {
        "conditionBrowseModule": {"meshes": [{"id": "D003371", "term": "Cough"}]},
        "interventionBrowseModule": {"meshes": [{"id": "D1", "term": "Snails"}]},
    },
    "hasResults": True,
}
"""Invented."""


def test_every_field_of_a_record_comes_from_its_place():
    record = read_study(STUDY)
    assert record.record_id == "ctgov:NCT01234567"
    assert record.title == "Snail Syrup in Invented Cough"
    assert record.authors == ("Institute of Invention",)
    assert (record.year, record.created, record.updated) == (2015, "2015-03-04", "2021-05-06")
    assert record.publication_types == (
        "Registry entry", "Interventional study", "Phase 1", "Phase 2", "Results posted"
    )  # fmt: skip
    assert record.mesh == ("Cough", "Snails")
    assert record.keywords == ("snail",)
    assert record.url == "https://clinicaltrials.gov/study/NCT01234567"


def test_a_sponsors_own_numbers_are_no_registrations():
    assert read_study(STUDY).registry_ids == (
        "NCT01234567", "NCT07654321", "EudraCT 2009-012345-67", "ISRCTN12345678"
    )  # fmt: skip


def test_references_keep_who_declared_them_and_what_became_of_them():
    record = read_study(STUDY)
    assert record.corrections == (
        Correction(kind="ResultReference", citation="Invented A. 2019.", pmid="111"),
        Correction(kind="BackgroundReference", citation="Invented B."),
        Correction(kind="DerivedReference", pmid="222"),
        Correction(kind="ReferenceRetractedIn", citation="J Inv", pmid="333"),
    )
    assert not record.retracted  # a paper was, not the entry


def test_the_text_has_one_labelled_line_for_each_section():
    assert read_study(STUDY).abstract.splitlines() == [
        "SUMMARY: For cough [dry]. P<0.05 is hoped for.",
        "CONDITIONS: Cough; Dry Throat",
        "DESIGN: interventional; phase 1; phase 2; randomized; parallel; masking: double (participant, investigator); "
        "enrollment 40 (actual)",
        "ARMS: Syrup (experimental): Thrice a day",
        "INTERVENTIONS: drug: Snail syrup (SS1)",
        "PRIMARY OUTCOMES: Nights slept [4 weeks]",
        "ELIGIBILITY: Inclusion Criteria: * Cough; sex: all; minimum age: 18 Years",
        "STATUS: active not recruiting; start 2016-07; first posted 2015-03-04; results first posted 2020-01-02; "
        "last update posted 2021-05-06",
    ]


def changed(**modules: Any) -> dict[str, Any]:
    study = copy.deepcopy(STUDY)
    for name, fields in modules.items():
        study["protocolSection"][name].update(fields)
    return study


def test_an_unknown_number_of_participants_is_no_number():
    study = changed(designModule={"enrollmentInfo": {"count": UNKNOWN_ENROLLMENT}})
    assert "enrollment" not in read_study(study).abstract


def test_without_an_official_title_the_brief_one_stands():
    study = changed(identificationModule={"officialTitle": None})
    assert read_study(study).title == "Snail syrup"


def test_a_bare_entry_is_a_record():
    record = read_study({"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}})
    assert (record.record_id, record.title, record.abstract, record.year) == (
        "ctgov:NCT00000001",
        "",
        "",
        None,
    )
    assert record.publication_types == ("Registry entry",)


@pytest.mark.parametrize("study", [{}, {"protocolSection": {"identificationModule": {"nctId": "XYZ"}}}])
def test_without_a_number_it_is_no_study(study):
    assert nct_of(study) is None
    with pytest.raises(UnreadableStudy, match="NCT number"):
        read_study(study)


def test_another_shape_names_the_study():
    with pytest.raises(UnreadableStudy, match="NCT01234567"):
        read_study(changed(conditionsModule={"keywords": 5}))


def test_a_document_of_another_kind_is_refused_with_its_keys():
    with pytest.raises(UnreadableStudy, match="hitCount"):
        list(studies_of({"hitCount": 3}))


def test_the_old_api_says_the_same():
    old = {
        "ProtocolSection": {
            "IdentificationModule": {"NCTId": "NCT00000009", "OfficialTitle": "Old", "BriefTitle": "O"},
            "StatusModule": {
                "OverallStatus": "Not yet recruiting",
                "StartDateStruct": {"StartDate": "March 2021"},
                "StudyFirstPostDateStruct": {"StudyFirstPostDate": "March 3, 2021"},
            },
            "ConditionsModule": {"ConditionList": {"Condition": ["Cough"]}},
            "DesignModule": {
                "StudyType": "Observational",
                "PhaseList": {"Phase": ["Not Applicable"]},
                "DesignInfo": {"DesignObservationalModelList": {"DesignObservationalModel": ["Cohort"]}},
                "EnrollmentInfo": {"EnrollmentCount": "168", "EnrollmentType": "Anticipated"},
            },
            "ReferencesModule": {
                "ReferenceList": {"Reference": [{"ReferencePMID": "5", "ReferenceType": "result"}]}
            },
        }
    }
    (study,) = studies_of({"FullStudiesResponse": {"FullStudies": [{"Rank": 1, "Study": old}]}})
    record = read_study(study)
    assert (record.title, record.year, record.created) == ("Old", 2021, "2021-03-03")
    assert record.abstract.splitlines() == [
        "CONDITIONS: Cough",
        "DESIGN: observational; cohort; enrollment 168 (anticipated)",
        "STATUS: not yet recruiting; start 2021-03; first posted 2021-03-03",
    ]
    assert record.corrections == (Correction(kind="ResultReference", pmid="5"),)


@pytest.mark.shared
def test_all_real_studies_are_read_without_loss(shared_data):
    files = [
        *(shared_data / "ctgov" / "studies").glob("*.json.gz"),
        *(shared_data / "api_captures" / "ctgov").glob("*.json.gz"),
        shared_data / "ctgov" / "results_1.json.gz",
        shared_data / "ctgov" / "covid-19-search.json.gz",
    ]
    read = 0
    for path in files:
        for study in studies_of(json.loads(gzip.decompress(path.read_bytes()))):
            record = read_study(study)
            protocol = study["protocolSection"]
            assert record.title, path
            text = record.abstract
            conditions = protocol.get("conditionsModule", {}).get("conditions", [])
            names = [x["name"] for x in protocol.get("armsInterventionsModule", {}).get("interventions", [])]
            outcomes = protocol.get("outcomesModule", {})
            measures = [x["measure"] for kind in outcomes.values() for x in kind]
            for said in (*conditions, *names, *measures):
                assert " ".join(said.replace("\\", "").split()) in text.replace("\\", ""), (path, said)
            references = protocol.get("referencesModule", {}).get("references", [])
            assert {r["pmid"] for r in references if r.get("pmid")} <= {c.pmid for c in record.corrections}
            assert (record.created is None) == (
                "studyFirstPostDateStruct" not in protocol.get("statusModule", {})
            )
            read += 1
    assert read == 241
