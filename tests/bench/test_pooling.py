"""What the bench reads, infers and refuses, on invented rows; and on the real ones that they come out."""

import csv
import gzip
import json
import math

import pytest

from bench.pooling import main
from bench.pooling_metadat import measured, shape_of
from bench.pooling_pairwise import judged, read, recomputed
from bench.pooling_printed import Vector
from bench.pooling_weights import weighed
from tools.errors import InputFileError

HEAD = [
    "dataset", "Analysis.group", "Analysis.number", "Analysis.name", "Subgroup", "Study", "GIV.Mean", "GIV.SE",
    "Experimental.mean", "Experimental.SD", "Experimental.cases", "Experimental.N", "Control.mean", "Control.SD",
    "Control.cases", "Control.N", "Variance", "Weight", "Mean", "CI.start", "CI.end",
]  # fmt: skip


def row(number, **known):
    made = dict.fromkeys(HEAD, "0.0") | {
        "dataset": "invented",
        "Analysis.number": str(number),
        "Subgroup": "",
    }
    made |= {"Study": "Sock 2001", "Weight": "", "Mean": "", "CI.start": "", "CI.end": ""}
    return made | {name.replace("_", "."): str(value) for name, value in known.items()}


def rows_of(tmp_path, rows):
    path = tmp_path / "pairwise_effects.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, HEAD)
        writer.writeheader()
        writer.writerows(rows)
    return path


def published(y, v, ratio=True):
    half = 1.959963984540054 * math.sqrt(v)
    values = [math.exp(x) if ratio else x for x in (y, y - half, y + half)]
    return {"Mean": f"{values[0]:.6f}", "CI_start": f"{values[1]:.6f}", "CI_end": f"{values[2]:.6f}"}


def counts(a, n1, c, n2):
    return {"Experimental_cases": a, "Experimental_N": n1, "Control_cases": c, "Control_N": n2}


OR = published(math.log(0.25), 1 / 10 + 1 / 40 + 1 / 20 + 1 / 20)
RR = published(math.log(0.4), 1 / 10 - 1 / 50 + 1 / 20 - 1 / 40)


def test_the_measure_of_an_analysis_is_that_of_most_of_its_rows(tmp_path):
    rows = [
        *(row(1, **counts(10, 50, 20, 40), **OR) for _ in range(2)),
        row(1, **counts(10, 50, 20, 40), **RR),
        row(2, **counts(10, 50, 20, 40), **RR),
    ]
    found = list(judged(read(rows_of(tmp_path, rows))))
    assert [(one.measure, one.ok) for one in found] == [
        ("OR", True),
        ("OR", True),
        ("OR", False),
        ("RR", True),
    ]
    assert found[2].reason == "the effect differs"
    assert [one.ok_by_siblings for one in found] == [False, False, False, None]


def test_a_row_does_not_choose_for_itself(tmp_path):
    """Three rows of OR: each is judged by the two others."""
    rows = [row(1, **counts(10, 50, 20, 40), **OR) for _ in range(3)]
    assert all(one.ok_by_siblings for one in judged(read(rows_of(tmp_path, rows))))


def test_contrasts_means_and_rows_without_effect(tmp_path):
    means = {
        "Experimental_mean": 3,
        "Experimental_SD": 2,
        "Experimental_N": 16,
        "Control_SD": 2,
        "Control_N": 16,
    }
    rows = [
        row(1, GIV_Mean=0.5, GIV_SE=0.2, **published(0.5, 0.04)),
        row(2, GIV_Mean=0.5, GIV_SE=0.2, **published(0.5, 0.04, ratio=False)),
        row(3, **means, **published(3, 0.5, ratio=False)),
        row(4, **counts(0, 9, 0, 9)),
        row(5, **counts(1, 9, 2, 9)),
        row(6, **counts(0, 9, 0, 9), **RR),
    ]
    found = list(judged(read(rows_of(tmp_path, rows))))
    assert [(one.row.kind, one.measure, one.ok) for one in found] == [
        ("contrast", "ratio", True),
        ("contrast", "difference", True),
        ("means", "MD", True),
        ("counts", None, True),
        ("counts", None, False),
        ("counts", "RR", False),
    ]
    assert found[4].reason == "an effect here, none published"
    assert found[5].reason.startswith("not estimable here")


def test_the_sixth_decimal_counts(tmp_path):
    off = RR | {"CI_end": f"{float(RR['CI_end']) + 2e-6:.6f}"}
    one = read(rows_of(tmp_path, [row(1, **counts(10, 50, 20, 40), **off)]))[0]
    assert recomputed(one, "RR") == "the upper limit differs"


def test_weights_tell_the_model(tmp_path):
    """Two differences with variances 1/2 and 1: weights 2/3 and 1/3 under a common effect only, as they differ."""
    one = {"Experimental_SD": 2, "Experimental_N": 16, "Control_SD": 2, "Control_N": 16}
    other = {"Experimental_SD": 2, "Experimental_N": 8, "Control_SD": 2, "Control_N": 8}
    rows = [
        row(1, **one, Experimental_mean=9, Weight="66.666667", **published(9, 0.5, ratio=False)),
        row(1, **other, Experimental_mean=1, Weight="33.333333", **published(1, 1, ratio=False)),
        row(2, **one, Experimental_mean=9, Weight="60.0", **published(9, 0.5, ratio=False)),
        row(2, **other, Experimental_mean=1, Weight="40.0", **published(1, 1, ratio=False)),
    ]
    found = list(weighed(list(judged(read(rows_of(tmp_path, rows))))))
    assert [(one.studies, one.models) for one in found] == [(2, ("common",)), (2, ())]


def test_a_printed_number_is_met_to_its_last_digit():
    assert Vector("d", "y", "-0.43", -0.4349).met
    assert not Vector("d", "y", "-0.43", -0.4351).met
    assert not Vector("d", "y", "-0.430", -0.4349).met
    assert Vector("d", "y", "0.3711", 0.37099, stopped=0.37105).met_as_stopped
    assert not Vector("d", "y", "0.3711", 0.37099).met_as_stopped


def test_a_data_set_is_computed_beside_pymare(tmp_path):
    path = tmp_path / "dat.invented.csv"
    path.write_text(
        "id,ai,n1i,ci,n2i\n1,3,20,9,20\n2,5,30,6,30\n3,0,9,0,9\n4,2,40,11,40\n5,,,,\n", encoding="utf-8"
    )
    found = measured(path)
    assert (found["data"], found["measure"], found["state"]) == ("invented", "OR", "computed")
    assert (found["rows"], found["effects"], found["not_estimable"]) == (5, 3, 2)
    assert sum(found["why_not"].values()) == 2
    assert found["same"]
    assert found["never_less_likely"]


def test_columns_tell_what_a_file_holds(tmp_path):
    assert shape_of(["yi", "vi", "year"]).measure == "MD"
    assert shape_of(["cpos", "cneg", "tpos", "tneg"]).measure == "OR"
    assert shape_of(["ri", "ni"]) is None
    path = tmp_path / "dat.correlations.csv"
    path.write_text("ri,ni\n0.3,20\n", encoding="utf-8")
    assert measured(path) == {"data": "correlations", "state": "another kind of data"}


def test_what_is_not_there_is_said(tmp_path, capsys):
    assert main(["--data", str(tmp_path)]) == 2
    assert "metadat" in capsys.readouterr().err
    (tmp_path / "pairwise_effects.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(InputFileError, match="Remedy"):
        read(tmp_path / "pairwise_effects.csv.gz")


@pytest.mark.shared
def test_cochranes_rows_and_weights_come_out(shared_data):
    found = list(judged(read(shared_data / "meta_analysis" / "pairwise_effects.csv.gz")))
    assert len(found) == 12_000
    assert sum(one.ok for one in found) / len(found) >= 0.99
    asked = [one.ok_by_siblings for one in found if one.ok_by_siblings is not None]
    assert sum(asked) / len(asked) >= 0.99
    analyses = list(weighed(found))
    assert len(analyses) > 1000
    assert sum(bool(one.models) for one in analyses) / len(analyses) >= 0.99


@pytest.mark.shared
def test_it_prints_and_writes_what_it_measured(shared_data, tmp_path, capsys):
    """All of the real folder's small files that the vectors need, and a table of one row."""
    folder = shared_data / "meta_analysis" / "metadat"
    names = ("raudenbush1985", "normand1999", "lee2004", "yusuf1985", "collins1985b", "hine1989", "aloe2013")
    (tmp_path / "metadat").mkdir()
    for name in names:
        (tmp_path / "metadat" / f"dat.{name}.csv").write_bytes((folder / f"dat.{name}.csv").read_bytes())
    rows_of(tmp_path, [row(1, **counts(10, 50, 20, 40), **RR)])
    out = tmp_path / "out.json"
    assert main(["--data", str(tmp_path), "--out", str(out)]) == 0
    summary = json.loads(out.read_text(encoding="utf-8"))["summary"]
    assert summary["vectors_ok"] == summary["vectors_total"] > 200
    assert (summary["recomputed_share"], summary["by_siblings_share"], summary["weights_share"]) == (
        1,
        None,
        None,
    )
    assert (summary["metadat_files"], summary["metadat_sets"], summary["pymare_same"]) == (7, 6, 6)
    assert "of another kind: aloe2013" in capsys.readouterr().out
