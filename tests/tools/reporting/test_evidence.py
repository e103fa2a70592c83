"""What a report knows about numbers: labels, and whose judgement of bias counts. All invented."""

import pytest

from tests.tools.reporting.numbers import TRIALS, data, judged
from tools.reporting.evidence import EvidenceData, StudyName


def two_reports(*cells):
    study = StudyName(study_id="s", label="Ash 2001", report_ids=("r1", "r2"))
    return data(cells=cells, studies=(study,), results=())


def test_every_report_has_the_label_of_its_study():
    assert two_reports().labels == {"r1": "Ash 2001", "r2": "Ash 2001"}
    assert list(data().labels) == [t.study_id for t in TRIALS]


def test_judgements_stand_by_study_and_domain_for_one_outcome():
    got = two_reports(
        judged("r1", "1", "low"), judged("r1", "overall", "high"), judged("r1", "1", "some", outcome="worry")
    )
    assert got.judgements("slept") == {"s": {"1": "low", "overall": "high"}}
    assert got.judgements("worry") == {"s": {"1": "some"}}
    assert got.judgements("other") == {}


def test_the_first_report_of_a_study_that_was_judged_speaks_for_it():
    both = two_reports(judged("r2", "1", "high"), judged("r1", "1", "low"))
    assert both.judgements("slept") == {"s": {"1": "low"}}
    assert two_reports(judged("r2", "1", "high")).judgements("slept") == {"s": {"1": "high"}}


def test_signalling_answers_open_judgements_and_unknown_studies_are_none():
    got = two_reports(
        judged("r1", "1.1", "Y"),
        judged("r1", "2", "low").model_copy(update={"value": None, "status": "not_found"}),
        judged("r9", "1", "low"),
    )
    assert got.judgements("slept") == {}


def test_a_level_that_the_tool_does_not_have_is_no_judgement():
    got = two_reports(judged("r1", "1", "serious"), judged("r1", "2", "low"))
    assert got.judgements("slept") == {"s": {"2": "low"}}


def test_without_a_tool_nothing_is_judged():
    assert two_reports(judged("r1", "1", "low")).model_copy(update={"tool": None}).judgements("slept") == {}


def test_a_review_without_numbers_has_nothing_of_it():
    empty = EvidenceData()
    assert (empty.labels, empty.judgements("slept"), empty.people) == ({}, {}, 0)


@pytest.mark.parametrize("given", [data(), EvidenceData()])
def test_it_comes_back_from_its_own_json(given):
    assert EvidenceData.model_validate_json(given.model_dump_json()) == given
