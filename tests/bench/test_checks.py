"""The bench of the checks reads, plants and counts as it says."""

import gzip
import json
import random
from pathlib import Path

import pytest

from bench.checks import main
from bench.checks_plants import PLANTS, planted
from bench.checks_rows import FILE, Line, as_printed, lines_of
from tools.errors import InputFileError

HEADER = (
    "dataset,Analysis.group,Analysis.number,Study,GIV.SE,Experimental.mean,Experimental.SD,Experimental.cases,"
    "Experimental.N,Control.mean,Control.SD,Control.cases,Control.N,Mean,CI.start,CI.end"
)
# Invented rows. 15/100 against 30/100: RR 0.5 (0.2867 to 0.8720); 12/80 against 24/80 alike.
# Means 30 and 27, SDs 10, 100 each: MD 3 (0.228 to 5.772).
ROWS = (
    "CD000001_data,1,1,Sock 2001,0,0,0,15,100,0,0,30,100,0.5,0.286713,0.871953",
    "CD000001_data,1,1,Sock 2002,0,0,0,12,80,0,0,24,80,0.5,0.268855,0.929870",
    "CD000001_data,1,2,Sock 2003,0,30,10,0,100,27,10,0,100,3.0,0.228192,5.771808",
    "CD000002_data,1,1,Sock 2004,0,0,0,15,100,0,0,30,100,0.5,0.286713,0.871953",
    "CD000001_data,1,3,Sock 2005,0.2,0,0,0,50,0,0,0,50,0.8,0.540566,1.183943",
    "CD000001_data,1,4,Sock 2006,0,0,0,0,50,0,0,0,50,,,",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with gzip.open(tmp_path / FILE, "wt", encoding="utf-8") as file:
        file.write("\n".join((HEADER, *ROWS)) + "\n")
    return tmp_path


def test_parts_and_measures(folder: Path) -> None:
    lines = lines_of(folder / FILE, "held-out")
    assert [(line.data.label, line.measure, line.recomputable) for line in lines] == [
        ("Sock 2001", "RR", True),
        ("Sock 2002", "RR", True),
        ("Sock 2003", "MD", True),
        ("Sock 2005", "OR", False),  # an estimate of its own
    ]
    assert [line.data.label for line in lines_of(folder / FILE, "design")] == ["Sock 2004"]
    assert len(lines_of(folder / FILE, "all")) == 5
    assert all(line.findings() == [] for line in lines)


def test_numbers_are_rounded_as_papers_print_them() -> None:
    assert [as_printed(value) for value in (0.871953, -3.0, 0.012345, 0.0, 120.5)] == [
        "0.87", "-3.00", "0.012", "0.00", "120.50",
    ]  # fmt: skip


def line(folder: Path, label: str) -> Line:
    return next(line for line in lines_of(folder / FILE, "held-out") if line.data.label == label)


@pytest.mark.parametrize(
    ("kind", "label", "rule"),
    [
        ("SE entered as SD, both arms", "Sock 2003", "sd-is-se"),
        ("SE entered as SD, one arm", "Sock 2003", "sd-looks-like-se"),
        ("arms exchanged", "Sock 2001", "arms-swapped"),
        ("events and total exchanged", "Sock 2001", "events-exceed-total"),
        ("events times ten", "Sock 2001", "events-exceed-total"),
        ("digits of the events exchanged", "Sock 2002", "estimate-recomputed"),
        ("percent typed as the count", "Sock 2002", "estimate-recomputed"),
        ("mean times ten", "Sock 2003", "scale-differs"),
        ("SD times ten", "Sock 2003", "interval-recomputed"),
        ("estimate times ten", "Sock 2001", "estimate-outside-interval"),
        ("limits of the interval exchanged", "Sock 2003", "interval-order"),
    ],
)
def test_what_is_planted_is_caught_by_its_rule(folder: Path, kind: str, label: str, rule: str) -> None:
    for seed in range(6):
        wrong = planted(line(folder, label), kind, random.Random(seed))
        assert wrong is not None
        found = {finding.rule for finding in wrong.findings()}
        if rule in found:
            return
        assert found, "every one of these is caught by some rule"
    raise AssertionError(f"{rule} never spoke")


def test_a_row_that_cannot_have_an_error_is_not_counted(folder: Path) -> None:
    draw = random.Random(1)
    assert planted(line(folder, "Sock 2001"), "SD times ten", draw) is None
    assert (
        planted(line(folder, "Sock 2001"), "percent typed as the count", draw) is None
    )  # of 100 it is the count
    assert planted(line(folder, "Sock 2005"), "arms exchanged", draw) is None
    assert planted(line(folder, "Sock 2001"), "minus of the lower limit lost", draw) is None


def test_the_table_and_the_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    main(["--data", str(folder), "--out", str(out)])
    assert "errors_per_1000 0.0" in capsys.readouterr().out
    made = json.loads(out.read_text(encoding="utf-8"))
    assert (made["summary"]["rows"], made["summary"]["rows_with_both_arms"]) == (4, 3)
    kinds = [row["rule"] for row in made["rows"] if row["what"] == "planted"]
    assert set(kinds) <= set(PLANTS)
    swapped = next(row for row in made["rows"] if row["rule"] == "events and total exchanged")
    assert (swapped["rows"], swapped["caught_arms_only"], swapped["as_error"]) == (2, 1.0, 1.0)
    main(["--data", str(folder), "--out", str(out)])
    again = json.loads(out.read_text(encoding="utf-8"))
    assert again["rows"] == made["rows"]


def test_a_missing_file_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="--data is the folder"):
        lines_of(tmp_path / FILE, "all")


@pytest.mark.shared
def test_published_rows_of_some_reviews_raise_no_errors(shared_data: Path) -> None:
    lines = lines_of(shared_data / "meta_analysis" / FILE, "held-out")
    assert len(lines) > 7_000
    some = lines[::20]
    errors = [finding for each in some for finding in each.findings() if finding.severity == "error"]
    assert len(errors) <= len(some) / 100
