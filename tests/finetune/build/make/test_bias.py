"""Bias: answers that reviewers wrote down with a quotation, in domains where RoB 2 comes to their judgement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.build.make.bias import Bias, told_in
from finetune.instructions import Instruction
from tests.finetune.build.make.annotated_world import corpus_of, made

NAMES = (
    "arising.from.the.randomization.process",
    "due.to.deviations.from.intended.interventions",
    "due.to.missing.outcome.data",
    "in.measurement.of.the.outcome",
    "in.selection.of.the.reported.result",
)
HEAD = ["dataset", "Analysis.name", "Study", "Study.year"]
HEAD += [f"Bias.{name}..{what}." for what in ("judgement", "support") for name in NAMES]

LOTS = "Adults were randomised by lots, drawn from sealed envelopes."
ALIKE = "At baseline both groups were equal in all that was measured."
TEXT = f"<p>1.1: Y; 1.2: PY. Quote: &quot;{LOTS}&quot;</p><p>1.3: N. Quote: &quot;{ALIKE}&quot;</p>"


def judged(text: str = TEXT, judgement: str = "Low risk", **more: str) -> list[str]:
    supports = [text, *(more.get(n, "") for n in "2345")]
    return [
        "CD000001_pub2_data", "Sneezing at 12 weeks", "Tea 2001", "2001", judgement,
        *(more.get(f"judged{n}", "") for n in "2345"), *supports,
    ]  # fmt: skip


def of(folder: Path, *rows: list[str]) -> tuple[list[Instruction], list[Any]]:
    return made(Bias(), corpus_of(folder, judged=(HEAD, *rows)))


def test_answers_with_their_quotations(tmp_path: Path) -> None:
    kept, refused = of(tmp_path, judged())
    assert refused == []
    (one,) = kept
    assert [(a["question_id"], a["answer"], a["quote"]) for a in one.answer["answers"]] == [
        ("1.1", "Y", LOTS), ("1.2", "PY", LOTS), ("1.3", "N", ALIKE),
    ]  # fmt: skip
    assert [p["text"] for p in one.asked["passages"]] == [LOTS, ALIKE]
    assert one.asked["result"] == "Sneezing at 12 weeks"
    assert one.about.reviews == ("rob2_support:CD000001",)
    assert one.about.studies[0].startswith("doc:")
    assert one.about.year == 2001


def test_what_the_whole_report_does_not_tell_a_part_of_it_does_not_either(tmp_path: Path) -> None:
    text = TEXT.replace("1.2: PY", "1.2: NI")
    (one,) = of(tmp_path, judged(text, "Some concerns"))[0]
    answers = {a["question_id"]: (a["answer"], a["quote"]) for a in one.answer["answers"]}
    assert answers["1.2"] == ("NI", "")


def test_a_quotation_is_evidence_only_for_what_it_speaks_of(tmp_path: Path) -> None:
    text = TEXT.replace(", drawn from sealed envelopes", " by the staff of the clinic")
    (one,) = of(tmp_path, judged(text))[0]
    assert [a["question_id"] for a in one.answer["answers"]] == ["1.1", "1.3"], "concealment is not shown"


def test_quotations_of_all_domains_are_the_passages(tmp_path: Path) -> None:
    more = "Three people were lost to follow-up in each of the groups."
    row = judged(**{"3": f"No answers here, but a &quot;{more}&quot;", "judged3": "Low risk"})
    (one,) = of(tmp_path, row)[0]
    assert [p["text"] for p in one.asked["passages"]] == [LOTS, ALIKE, more]
    assert {a["question_id"][0] for a in one.answer["answers"]} == {"1"}


@pytest.mark.parametrize(
    ("text", "judgement", "why"),
    [
        ("Everything was fine, we think.", "Low risk", "no answers to signalling questions in the text"),
        (TEXT, "High risk", "the answers do not lead to the judgement"),
        ("1.1: Y; 1.2: Y; 1.3: N.", "Low risk", "no answer with a quotation of the report"),
        (TEXT.replace("drawn", "[...] drawn").replace("At base", "(...) At base"), "Low risk",
         "no answer with a quotation of the report"),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, text: str, judgement: str, why: str) -> None:
    kept, refused = of(tmp_path, judged(text, judgement))
    assert (kept, [one.why for one in refused]) == ([], [why])


@pytest.mark.parametrize(
    ("text", "domain", "told"),
    [
        ('1.1: Y. Quote: "by the toss of a coin"', "1", [("1.1", "Y", 1)]),
        ("1.1 PY 1.2 NI 1.3 PN", "1", [("1.1", "PY", 0), ("1.2", "NI", 0), ("1.3", "PN", 0)]),
        ("1.1: Y. Note. 1.1: N.", "1", []),  # which of the two?
        ("1.1: Y. 2.1: N.", "1", []),  # another domain's
        ("2.1a: NI; 2.1b: PY; 2.2: PY.", "2", []),  # the variant for clusters
        ("In 11.1 Y-shaped tubes and 1.5 mg NIacin.", "1", []),
        ("", "1", []),
    ],
)
def test_reading_answers(text: str, domain: str, told: list[tuple[str, str, int]]) -> None:
    found = told_in(text, domain)
    assert [(t.question_id, t.answer, len(t.quotes)) for t in found] == told


def test_real_texts(shared_data: Path, tmp_path: Path) -> None:
    from finetune.build.corpus import Corpus
    from finetune.build.ingest import ingest
    from finetune.build.kinds import Shard
    from finetune.build.sources import Source

    path = shared_data / "meta_analysis" / "rob2_support.csv.gz"
    ingest([Source(name="rob2", kind="rob2_support", path=path)], tmp_path / "corpus")
    kept = [o for o in Bias()(Corpus(tmp_path / "corpus"), Shard()) if isinstance(o, Instruction)]
    assert len(kept) > 50
    for one in kept:
        shown = [p["text"] for p in one.asked["passages"]]
        for answer in one.answer["answers"]:
            assert (answer["answer"] == "NI") == (answer["quote"] == "")
            assert any(answer["quote"] in text for text in shown)
