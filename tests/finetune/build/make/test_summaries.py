"""Summaries: cells of people's numbers, effects by the product's formulas, sentences that the check lets stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.build.make.summaries import Summaries
from finetune.instructions import Instruction
from tests.finetune.build.make.annotated_world import corpus_of, made, numbers
from tools.reporting.narrative import Fact, Said, supported

MAKER = Summaries()


def checked(one: Instruction) -> None:
    cells = [*one.asked["results"], *one.asked["cells"]]
    facts = [Fact(id=c["id"], label=c["label"], value=c["value"]) for c in cells]
    said = [Said(text=s["text"], cells=s["cites"]) for s in one.answer["sentences"]]
    assert supported(said, facts).dropped == ()


def test_arms_and_their_difference_are_told(tmp_path: Path) -> None:
    kept, refused = made(MAKER, corpus_of(tmp_path, rows=(numbers(),)))
    assert refused == []
    (one,) = kept
    checked(one)
    assert [c["value"] for c in one.asked["cells"]] == [
        "mean 12.5 (SD 3.25), 50 participants",
        "mean 17.75 (SD 4.5), 41 participants",
        # 12.5 - 17.75 = -5.25; SE = sqrt(3.25^2/50 + 4.5^2/41) = 0.8400; +-1.96 SE = -6.90 to -3.60
        "-5.25 (-6.90 to -3.60)",
    ]
    assert len(one.answer["sentences"]) == 2
    assert one.about.studies == ("pmid:90000001", "pmcid:PMC90000001")


def test_trials_with_one_outcome_are_pooled(tmp_path: Path) -> None:
    other = {"pmid": "90000002", "pmcid": "PMC90000002", "outcome": "elbow stiffness SCORE"}
    kept, _ = made(MAKER, corpus_of(tmp_path, rows=(numbers(1), numbers(2, **other))))
    (one,) = kept
    checked(one)
    assert one.asked["results"][0]["value"].startswith("MD -5.25 (95% CI ")
    assert one.answer["sentences"][0]["cites"] == ["r1", "r2"]
    assert set(one.about.studies) == {
        "pmid:90000001",
        "pmcid:PMC90000001",
        "pmid:90000002",
        "pmcid:PMC90000002",
    }


def test_three_arms_of_one_trial_share_a_cell_and_are_not_pooled(tmp_path: Path) -> None:
    third = numbers(2, intervention="Tea", intervention_mean=14.0)
    kept, _ = made(MAKER, corpus_of(tmp_path, rows=(numbers(1), third)))
    (one,) = kept
    labels = [cell["label"] for cell in one.asked["cells"]]
    assert len([label for label in labels if label.endswith(", Placebo")]) == 1
    assert one.asked["results"] == []


def test_events_give_a_risk_ratio(tmp_path: Path) -> None:
    row = numbers(outcome="Sneezing", outcome_type="binary", intervention_events=8, comparator_events=20)
    kept, _ = made(MAKER, corpus_of(tmp_path, rows=(row,)))
    # (8/50) / (20/41) = 0.328
    assert kept[0].asked["cells"][2]["value"].startswith("0.33 (")
    assert kept[0].asked["cells"][0]["value"] == "8 of 50 participants"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"intervention_mean": ""}, "a number is missing"),
        ({"intervention": "tea " * 60}, "a name too long for a cell"),
        ({"outcome_type": "binary", "intervention_events": 60, "comparator_events": 2},
         "more events than participants"),
        ({"outcome_type": "rhyme"}, "a part of the question is not named"),
        ({"intervention": "two cups", "comparator": "half a cup", "outcome": "a third of wool"},
         ""),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, changes: dict, why: str) -> None:
    kept, refused = made(MAKER, corpus_of(tmp_path, rows=(numbers(**changes),)))
    if why:
        assert (kept, [(one.why, one.task) for one in refused]) == ([], [(why, "summary")])
    else:
        for one in kept:
            checked(one)
