"""What of a paper a question holds."""

import pytest

from finetune.build.kinds import Paper
from finetune.build.make.papers import Reading, doc_id, holds, report_of_paper, report_of_record, show
from tools.schemas import FullText, Passage, Record

FILLER = "The staff had been trained for this purpose, and nothing else was noted on that morning. " * 8


def paper(*texts: tuple[str, str]) -> Paper:
    passages, start = [], 0
    for section, text in texts:
        kind = "title" if section == "" else "paragraph"
        passages.append(Passage(section=section, kind=kind, start=start, text=text))
        start += len(text) + 1
    full = FullText(
        report_id="PMC1",
        source="invented",
        canonical="\n".join(p.text for p in passages),
        passages=tuple(passages),
    )
    return Paper(
        report_id="PMC1", source="invented", licence="CC0", pmid="1", pmcid="PMC1", title="Brauxin for dolitis",
        year=2019, text=full,
    )  # fmt: skip


LONG = paper(
    ("", "Brauxin for dolitis"),
    ("Results", "Pain after twelve weeks was 31.2 points with brauxin."),
    ("Discussion", FILLER),
    ("Discussion", FILLER + "Costs were 204 crowns."),
    ("Discussion", FILLER),
)


def test_a_report_that_fits_is_shown_whole() -> None:
    shown = show(report_of_paper(LONG), "results", ["pain"], ["31.2 points"], Reading(characters=None))
    assert shown is not None
    assert shown.whole
    assert shown.passages == LONG.text.passages


def test_a_budget_keeps_what_is_near_the_question() -> None:
    shown = show(report_of_paper(LONG), "results", ["pain"], ["31.2 points"], Reading(characters=900))
    assert shown is not None
    assert not shown.whole
    assert sum(len(p.text) + 1 for p in shown.passages) <= 900
    assert holds(shown.passages, "31.2 points with brauxin")


def test_evidence_that_the_budget_cuts_away_is_refused_or_shown_whole() -> None:
    report = report_of_paper(LONG)
    assert show(report, "results", ["pain"], ["Costs were 204 crowns"], Reading(characters=900)) is None
    whole = show(report, "results", ["pain"], ["Costs were 204 crowns"], Reading(900, "whole"))
    assert whole is not None
    assert whole.whole
    assert show(report, "results", ["pain"], ["it stands nowhere"], Reading(900, "whole")) is None


def test_a_quote_across_two_passages_is_held_by_neither() -> None:
    text = report_of_paper(LONG).passages
    assert not holds(text, "dolitis\nPain after")
    assert not holds(text, "1.2 points")


def test_ids_of_a_paper_and_of_a_text_without_any() -> None:
    assert report_of_paper(LONG).studies == ("pmid:1", "pmcid:PMC1")
    nameless = report_of_paper(LONG.model_copy(update={"pmid": None, "pmcid": None}))
    assert nameless.studies == (doc_id("BRAUXIN, for dolitis."),)
    assert doc_id("Brauxin for dolitis") != doc_id("Brauxin for dolosis")


@pytest.mark.parametrize("title", ["Brauxin for dolitis", ""])
def test_an_abstract_as_passages(title: str) -> None:
    record = Record(
        record_id="pubmed:2", title=title, abstract="Forty adults took brauxin.", pmid="2", year=2020
    )
    report = report_of_record(record, "pool", "unknown")
    assert report is not None
    assert not report.full_text
    assert report.studies == ("pmid:2",)
    for passage in report.passages:
        if title:
            assert record.text[passage.start : passage.start + len(passage.text)] == passage.text
    assert report_of_record(record.model_copy(update={"abstract": " "}), "pool", "unknown") is None
