"""Questions: the marked passage answers, the other sources do not, and without the report nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.build.make.questions import FOUND, Questions, Settings
from tests.finetune.build.make.annotated_world import QUOTE, corpus_of, direction, made, record

ALWAYS = Settings(absent_of=10**9)
NEVER = Settings(absent_of=1)

OWN = record("90000001", "Brauxin for dolitis", f"We gave tablets for dolitis each morning. {QUOTE}", 2021)
OTHER = record(
    "90000002", "Tea for dolitis", "We gave tea for dolitis each morning. Stiffness was low.", 2019
)
RIVAL = record(
    "90000003", "Brauxin again for dolitis", "We gave brauxin for dolitis each morning. Sneezing was rare."
)
FAR = record("90000004", "Wool on the moon", "Nothing was knitted there, and nothing will be.")


def elsewhere(pmid: str) -> dict[str, object]:
    return direction(
        pmid, pmid=pmid, pmcid=f"PMC{pmid}", outcome="stiffness", intervention="tea", evidence=[]
    )


UNTOLD = "no marked passage of the abstract names the outcome and tells what was found"
ROWS = (direction(), *(elsewhere(each["pmid"]) for each in (OTHER, RIVAL, FAR)))
RECORDS = (OWN, OTHER, RIVAL, FAR)


def test_the_marked_passage_answers_and_rivals_are_no_sources(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, records=RECORDS, directions=ROWS)
    kept, _ = made(Questions(ALWAYS), corpus)
    (one,) = [k for k in kept if k.answer["status"] == "answered"]
    names = {"intervention": "brauxin", "comparator": "placebo", "outcome": "sneezing"}
    assert one.answer["statements"] == [
        {"record_id": "pubmed:90000001", "quote": QUOTE, "text": FOUND["decreased"].format(**names)}
    ]
    sources = {source["record_id"] for source in one.asked["sources"]}
    assert "pubmed:90000001" in sources
    assert "pubmed:90000003" not in sources, "it speaks of brauxin and sneezing, too"
    assert len(sources) > 1
    assert set(one.about.studies) >= {"pmid:90000001", "pmcid:PMC90000001"} | {
        name.replace("pubmed", "pmid") for name in sources
    }
    assert one.about.year == 2021


def test_without_the_report_it_is_not_in_the_records(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, records=RECORDS, directions=ROWS)
    kept, _ = made(Questions(NEVER), corpus)
    (one,) = [k for k in kept if "brauxin" in k.asked["question"].lower()]
    assert one.answer == {"status": "not_in_the_records", "statements": []}
    sources = [source["record_id"] for source in one.asked["sources"]]
    assert sources
    assert not {"pubmed:90000001", "pubmed:90000003"} & set(sources)
    assert "pmid:90000001" in one.about.studies, "the question was made from it"


def test_near_in_topic_comes_first(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, records=RECORDS, directions=ROWS)
    kept, _ = made(Questions(Settings(sources=2, absent_of=10**9)), corpus)
    (one,) = [k for k in kept if k.answer["status"] == "answered"]
    assert {s["record_id"] for s in one.asked["sources"]} == {"pubmed:90000001", "pubmed:90000002"}


@pytest.mark.parametrize(
    ("changes", "records", "why"),
    [
        ({}, (OWN,), "no other source that is near in topic and does not answer"),
        ({}, (OWN, RIVAL), "no other source that is near in topic and does not answer"),
        ({}, (OTHER,), "no abstract of the report"),
        ({"outcome": "hiccups"}, RECORDS, UNTOLD),
        ({"intervention": "very " * 30}, RECORDS, "a name too long for a plain question"),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, changes: dict, records: tuple, why: str) -> None:
    rows = (direction(**changes), *ROWS[1:])
    kept, refused = made(Questions(ALWAYS), corpus_of(tmp_path, records=records, directions=rows))
    assert not [k for k in kept if k.answer["status"] == "answered"]
    assert why in [one.why for one in refused if one.what == "evidence_inference:1"]


def test_sources_keep_to_their_length(tmp_path: Path) -> None:
    long = record("90000005", "Tea for dolitis once more", "We gave tea for dolitis each morning. " * 50)
    rows = (*ROWS, elsewhere("90000005"))
    corpus = corpus_of(tmp_path, records=(*RECORDS, long), directions=rows)
    kept, _ = made(Questions(Settings(characters=600, absent_of=10**9)), corpus)
    (one,) = [k for k in kept if k.answer["status"] == "answered"]
    assert sum(len(s["title"]) + 1 + len(s["text"]) for s in one.asked["sources"]) <= 600
