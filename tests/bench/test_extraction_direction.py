"""The bench of direction: figures by hand, and a run of the real engine over invented reports."""

import gzip
import json
from dataclasses import dataclass

import pytest

from bench.extraction_direction import (
    Direct,
    confusion,
    direction_row,
    direction_rows,
    directions,
    macro_f1,
    overlaps,
)
from model.baseline import BaselineEngine
from model.embedding import NoEmbedder
from tests.model.baseline.papers import paper
from tools.errors import InputFileError

TOLD = "Toe temperature was significantly higher with wool than with cotton (p = 0.01)."


@dataclass(frozen=True)
class Text:
    """An invented report."""

    kind: str
    title: str
    passages: tuple


class Shelf:
    """Two reports; that of PMC9 is not at hand."""

    def of(self, pmcid, pmid):
        if pmcid == "PMC9":
            return None
        kind = "full text" if pmcid == "PMC1" else "abstract"
        return Text(kind, "Wool socks", paper("Wool socks", ("abstract", TOLD)))


@pytest.fixture
def data(tmp_path):
    question = {"pmid": "1", "intervention": "wool", "comparator": "cotton", "outcome": "toe temperature"}
    rows = [
        {"pmcid": "PMC1", "label": "significantly increased", "evidence": [{"text": TOLD}]},
        {"pmcid": "PMC3", "label": "significantly decreased", "evidence": [{"text": TOLD}]},
        {"pmcid": "PMC5", "label": "no significant difference", "evidence": [{"text": "Elsewhere."}]},
        {"pmcid": "PMC2", "label": "significantly increased", "evidence": []},
        {"pmcid": "PMC9", "label": "significantly increased", "evidence": []},
    ]
    path = tmp_path / "extraction" / "evidence_inference.jsonl.gz"
    path.parent.mkdir()
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.write("\n".join(json.dumps(question | row) for row in rows))
    return tmp_path


def test_a_run_counts_the_part_asked_for_by_what_text_is_at_hand(data):
    found = list(directions(data, "held-out", Shelf(), BaselineEngine(None, NoEmbedder())))
    assert [(f.report, f.text, f.gold, f.said) for f in found] == [
        ("PMC1", "full text", "increased", "increased"),
        ("PMC3", "abstract with evidence", "decreased", "increased"),
        ("PMC5", "abstract without", "no_difference", "increased"),
    ]
    assert [f.grounded for f in found] == [True, True, True]
    assert [f.at_evidence for f in found] == [True, True, False]
    rows = {row["text"]: row for row in direction_rows(found)}
    assert rows["full text and abstract with evidence"]["accuracy_all"] == 0.5
    assert rows["all"]["accuracy_all"] == pytest.approx(1 / 3)
    assert confusion(found)["decreased"] == {"increased": 1}


def test_what_is_left_open_or_failed_counts_as_wrong_of_all():
    found = [
        Direct("1", "full text", "increased", "increased", True, True),
        Direct("1", "full text", "increased", "uncertain"),
        Direct("2", "full text", "decreased", "increased", False, True),
        Direct("3", "full text", "no_difference", ""),
    ]
    row = direction_row("all", found)
    assert (row["asked"], row["answered"], row["failed"]) == (4, 2, 1)
    assert (row["accuracy_all"], row["accuracy"], row["majority"]) == (0.25, 0.5, 0.5)
    assert (row["at_evidence"], row["grounded"]) == (0.5, 1.0)


def test_f1_is_of_the_classes_that_occur():
    assert macro_f1([("increased", "increased"), ("decreased", "increased")]) == pytest.approx(1 / 3)
    assert macro_f1([]) is None


def test_texts_overlap_by_half_of_their_words():
    assert overlaps("wool was warm", "Wool was warm and soft for all")
    assert not overlaps("wool was warm", "cotton is cold")
    assert not overlaps("", "wool")


def test_questions_that_cannot_be_read_are_said(tmp_path):
    with pytest.raises(InputFileError, match="Remedy"):
        list(directions(tmp_path, "all", Shelf(), BaselineEngine(None, NoEmbedder())))
