"""The bench of arms: figures by hand, and a run of the real engine over invented reports."""

import gzip
import json
from dataclasses import dataclass

import pytest

from bench.extraction_arms import Listed, arms_rows, heads, matches, row_of
from model.baseline import BaselineEngine
from model.baseline.paper_groups import read_shorts
from model.embedding import NoEmbedder
from model.tasks.arms import Arm
from tests.model.baseline.papers import paper
from tools.errors import InputFileError

TOLD = "Hikers were randomised to wool socks or cotton socks."
TABLE = "Age | Wool (n = 20) | Cotton (n = 21) | Total (n = 41)"


def arm(label, kind="OTHER", quote="", description=""):
    return Arm(label=label, type=kind, quote=quote, description=description)


@dataclass(frozen=True)
class Text:
    """An invented report."""

    kind: str
    title: str
    passages: tuple


class Shelf:
    """PMC1 names its arms, PMC3 does not, PMC5 is an abstract, PMC9 is not at hand."""

    def of(self, pmcid, pmid):
        if pmcid == "PMC9":
            return None
        said = TOLD if pmcid != "PMC3" else "Hikers wore socks."
        kind = "abstract" if pmcid == "PMC5" else "full text"
        return Text(kind, "Socks", paper("Socks", ("abstract", said), ("Results", TABLE)))


@pytest.fixture
def data(tmp_path):
    pair = {"pmid": "1", "intervention": "woollen socks", "comparator": " cotton"}
    rows = [
        pair | {"pmcid": "PMC1"},
        pair | {"pmcid": "PMC1", "comparator": "silk"},
        pair | {"pmcid": "PMC2"},
        *(pair | {"pmcid": pmcid} for pmcid in ("PMC3", "PMC5", "PMC9")),
    ]
    folder = tmp_path / "extraction"
    folder.mkdir()
    for name, some in (("evidence_inference", rows), ("numeric_outcomes", rows[:1])):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as out:
            out.write("\n".join(map(json.dumps, some)))
    return tmp_path


def test_a_run_counts_full_texts_of_the_part_and_both_names_of_a_pair(data):
    rows = arms_rows(data, "held-out", Shelf(), BaselineEngine(None, NoEmbedder()))
    assert [row["text"] for row in rows] == ["evidence_inference", "numeric_outcomes", "both"]
    first, second, both = rows
    assert (first["reports"], first["answered"], first["pairs"], first["failed"]) == (2, 1, 3, 0)
    assert (first["matched"], first["matched_of_answered"]) == (pytest.approx(1 / 3), 0.5)
    assert (first["known"], first["number"], first["grounded"]) == (1, 1.0, 1.0)
    assert (second["reports"], second["matched"]) == (1, 1.0)
    assert both["pairs"] == 3  # the same pair of two data sets is asked once
    (none, *_) = arms_rows(data, "design", Shelf(), BaselineEngine(None, NoEmbedder()))
    assert (none["reports"], none["matched_of_answered"]) == (1, 1.0)


def test_a_failed_question_is_no_missing_arm():
    row = row_of("x", [Listed("1", (("wool", "silk"),), None, ())])
    assert (row["failed"], row["answered"], row["matched"], row["number"]) == (1, 0, 0.0, None)


@pytest.mark.parametrize(
    ("pair", "arms", "expected"),
    [
        (("wool", "cotton"), ("Wool", "Cotton"), True),
        (("wool", "cotton"), ("Cotton", "Wool", "Silk"), True),
        (("wool", "cotton"), ("Wool and cotton", "Silk"), False),  # one arm is not both
        (("wool", "cotton"), ("Wool",), False),
        (("warm wool socks (WWS)", "cotton"), ("WWS", "Cotton"), True),
        (("wool", "cotton"), (), False),
    ],
)
def test_names_match_by_words_and_abbreviations_each_its_own_arm(pair, arms, expected):
    shorts = read_shorts(["We gave warm wool socks (WWS)."])
    assert matches(pair, [arm(label) for label in arms], shorts) is expected


def test_comparators_match_by_their_role_only_where_there_is_one():
    wool, control = arm("Wool", "EXPERIMENTAL"), arm("Control", "ACTIVE_COMPARATOR")
    assert matches(("wool", "no socks"), [wool, control], {})
    assert not matches(("wool", "no socks"), [wool, control, arm("Placebo", "PLACEBO_COMPARATOR")], {})
    assert not matches(("wool", "silk"), [wool, control], {})


def test_the_number_of_arms_is_that_of_sized_columns():
    assert heads(paper("Socks", ("Results", TABLE))) == 2
    assert heads(paper("Socks", ("Results", "Age | Wool | Cotton"))) is None


def test_a_wrong_number_and_a_quote_that_is_none_are_counted():
    passages = paper("Socks", ("Results", TABLE))
    three = (*(arm(label, quote="Wool (n = 20)") for label in ("Wool", "Cotton")), arm("Silk", quote="Silk"))
    row = row_of("x", [Listed("1", (), three, passages)])
    assert (row["known"], row["number"], row["grounded"]) == (1, 0.0, pytest.approx(2 / 3))


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(InputFileError, match="Remedy"):
        arms_rows(tmp_path, "all", Shelf(), BaselineEngine(None, NoEmbedder()))
