"""The bench's arithmetic by hand, its noise, and what it prints for a small table."""

import csv
import gzip
import json

import pytest

from bench.dedupe import (
    by_identifier,
    by_title_or_doi,
    confused,
    exponent,
    main,
    read_labelled,
    with_a_person,
)
from bench.noise import generate
from tools.records.dedupe import Doubt, Group
from tools.schemas import Record


def test_a_grouping_is_judged_by_its_kept_records():
    """Five duplicates: two beside their own, one alone, two beside two kept ones of which one is lost."""
    groups = [("K1", "d1", "d2"), ("d3",), ("K2", "K3", "d4", "d5"), ("K4",)]
    assert confused(groups, frozenset({"K1", "K2", "K3", "K4"})) == {
        "records": 9,
        "duplicates": 5,
        "sensitivity_automatic": 4 / 5,
        "specificity": 3 / 4,
        "false_merges": 1,
    }


def test_a_person_joins_a_lone_duplicate_and_never_two_kept_records():
    groups = [Group(leader_id=i, member_ids=(i,)) for i in ("K1", "d1", "K2")]
    doubts = [Doubt(first_id=a, second_id=b, reason="") for a, b in (("K1", "K2"), ("K1", "d1"))]
    assert with_a_person(groups, doubts, frozenset({"K1", "K2"})) == [["K1", "d1"], ["K2"]]


def test_the_rules_beside_ours():
    records = [
        Record(record_id="a", title="Socks", year=2001, doi="10.1/x"),
        Record(record_id="b", title="SOCKS.", year=2001),
        Record(record_id="c", title="Gloves", doi="10.1/x"),
    ]
    assert by_title_or_doi(records) == [["a", "b", "c"]]
    assert by_identifier(records) == [["a"], ["b"], ["c"]]


def test_growth_is_a_slope():
    rows = [{"records": n, "seconds": n**2 / 100} for n in (10, 20, 40)]
    assert exponent(rows) == pytest.approx(2.0)


TEXTS = [
    Record(record_id=str(i), title=f"Invented text number {i} about socks", abstract="Feet. " * 40)
    for i in range(30)
]
PRINTED = [
    Record(record_id="p", authors=("Arden, Ann", "Birch, Carl"), journal="Annals of Footwear", year=2001)
]


def test_noise_has_a_seed_and_a_truth():
    one, again, other = (generate(120, TEXTS, PRINTED, seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert len(one.records) == len(one.truth) == len({r.record_id for r in one.records}) == 120
    assert len(set(one.truth)) < 120


def test_it_prints_and_writes_what_it_measured(tmp_path, capsys):
    head = ["author", "title", "year", "journal", "abstract", "doi", "number", "pages", "volume", "isbn"]
    head += ["record_id", "label", "source"]
    row = [
        "Arden A.Birch C.",
        "Warm socks for cold feet in adults",
        "2001",
        "Feet",
        "NA",
        "NA",
        "1",
        "5-9",
        "3",
        "NA",
    ]
    other = [
        "Dorn E.",
        "Gloves for cold hands in children",
        "2002",
        "Hands",
        "NA",
        "NA",
        "2",
        "1-4",
        "8",
        "NA",
    ]
    path = tmp_path / "labelled.csv.gz"
    with gzip.open(path, "wt", encoding="latin-1", newline="") as out:
        rows = [[*row, "1", "x", "unique"], [*row, "2", "x", "duplicate"], [*other, "3", "x", "unique"]]
        csv.writer(out).writerows([head, *rows])
    assert read_labelled(path).records[0].authors == ("Arden A.", "Birch C.")
    assert main(["--labelled", str(path), "--out", str(tmp_path / "out.json")]) == 0
    summary = json.loads((tmp_path / "out.json").read_text())["summary"]
    assert (summary["sensitivity"], summary["specificity"], summary["false_merges"]) == (1.0, 1.0, 0)
    assert "title+year or DOI" in capsys.readouterr().out


def test_a_file_that_is_not_there_ends_with_a_remedy(tmp_path, capsys):
    assert main(["--labelled", str(tmp_path / "none.csv.gz")]) == 2
    assert "Remedy" in capsys.readouterr().err


@pytest.mark.shared
def test_labelled_duplicates_are_found_and_nothing_is_joined_wrongly(shared_data, tmp_path):
    labelled = shared_data / "dedup" / "labelled_1845.csv.gz"
    assert main(["--labelled", str(labelled), "--out", str(tmp_path / "out.json")]) == 0
    summary = json.loads((tmp_path / "out.json").read_text())["summary"]
    assert summary["sensitivity"] >= 0.98
    assert summary["false_merges"] == 0
    assert summary["pairs_for_a_person"] <= 30
