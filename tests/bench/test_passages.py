"""The passages bench: figures by hand, and a run from end to end over an invented paper."""

import gzip
import json

import pytest

from bench import passages
from bench.passages import Asked, Paper, Read, first, numbers_in, row_of, shuffled
from tools.errors import InputFileError
from tools.schemas import Passage

WARM = "Toe temperature was significantly higher with wool than with cotton (p = 0.01)."
PAD = " ".join(f"The loom was cleaned on day {n} by its owner." for n in range(400, 440))
XML = f"""<article><front><article-meta><title-group><article-title>Wool socks</article-title></title-group>
<abstract><p>Itching did not differ.</p></abstract>
</article-meta></front><body><sec><title>Introduction</title><p>{PAD}</p></sec><sec><title>Results</title>
<p>{WARM}</p><table-wrap><label>Table 2</label><caption><p>Toe temperature</p></caption>
<table><tr><th/><th>Wool</th><th>Cotton</th></tr><tr><td>Warmth</td><td>31.2</td><td>29.9</td></tr></table>
</table-wrap></sec></body></article>"""


def zipped(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.write(text)


@pytest.fixture
def data(tmp_path):
    """One paper, whose questions are answered in its results; one of which the text is not at hand."""
    question = {"pmcid": "PMC5", "intervention": "wool", "comparator": "cotton", "outcome": "toe temperature"}
    asked = [
        question | {"evidence": [{"text": "Toe temperature was significantly  higher with wool"}]},
        question | {"outcome": "itching", "evidence": [{"text": "Itching did not differ."}]},
        question | {"evidence": [{"text": "This stands in no paper."}]},
        question | {"pmcid": "PMC9", "evidence": [{"text": WARM}]},
    ]
    empty = {f"{arm}_{name}": "" for arm in ("intervention", "comparator")
             for name in ("events", "group_size", "mean", "standard_deviation")}  # fmt: skip
    numbers = (
        empty | question | {"outcome_type": "continuous", "intervention_mean": -31.2, "comparator_mean": 29.9}
    )
    numbers["intervention_group_size"] = 1234
    zipped(tmp_path / "extraction" / "evidence_inference.jsonl.gz", "\n".join(map(json.dumps, asked)))
    zipped(tmp_path / "extraction" / "numeric_outcomes.jsonl.gz", json.dumps(numbers))
    zipped(tmp_path / "jats" / "PMC5.nxml.gz", XML)
    return tmp_path


def test_a_run_counts_what_each_way_reads(data, tmp_path, capsys):
    out = tmp_path / "passages.json"
    assert passages.main(["--data", str(data), "--budgets", "600", "9000", "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    rows = {(row["task"], row["characters"], row["way"]): row for row in written["rows"]}
    ours, cut = rows["direction", 600, "ours"], rows["direction", 600, "first"]
    assert (ours["asked"], ours["asked_beyond"]) == (2, 1), "what stands in no paper at hand is not asked"
    assert (ours["evidence"], ours["beyond"]) == (1.0, 1.0)
    assert (cut["evidence"], cut["beyond"]) == (0.5, 0.0)
    assert 0 < ours["read"] < 0.4
    assert (rows["results", 600, "ours"]["values"], rows["results", 600, "first"]["values"]) == (1.0, 0.0)
    assert rows["results", 600, "ours"]["numbers"] == 1.0, (
        "a number that the paper does not print is not asked"
    )
    for task in ("direction", "results"):
        for way in passages.WAYS:
            assert rows[task, 9000, way]["read"] == pytest.approx(1.0)
    assert written["summary"]["fit_whole"] == {"600": 0.0, "9000": 1.0}
    assert "held-out" in capsys.readouterr().out


def test_only_the_part_that_is_asked_for_is_read(data, tmp_path):
    out = tmp_path / "passages.json"
    assert passages.main(["--data", str(data), "--part", "design", "--out", str(out)]) == 0
    assert all(row["asked"] == 0 and row["read"] is None for row in json.loads(out.read_text())["rows"])


def test_data_that_is_not_there_ends_with_a_remedy(tmp_path, capsys):
    assert passages.main(["--data", str(tmp_path)]) == InputFileError("").exit_status
    assert "Remedy" in capsys.readouterr().err


def placed(*texts):
    made, start = [], 0
    for kind, text in texts:
        section = "" if kind == "title" else "Results"
        made.append(Passage(section=section, kind=kind, start=start, text=text))
        start += len(text) + 1
    return tuple(made)


PAPER = Paper(
    "PMC1", placed(("title", "Socks"), ("table", "Wool | 3\nCotton | 8"), ("paragraph", "Of 3, 2 fell."))
)
ASKED = Asked("results", PAPER, ("falls",), values=(3.0, 8.0), numbers=frozenset({3.0, 8.0, 2.0}))


def test_both_values_have_to_stand_in_one_passage_which_may_be_in_pieces():
    _, whole, other = PAPER.passages
    one, two = (
        whole.model_copy(update={"text": "Wool | 3"}),
        whole.model_copy(update={"start": whole.start + 9, "text": "Cotton | 8"}),
    )
    assert Read(ASKED, (whole,)).has_values
    assert Read(ASKED, (one, two)).has_values
    assert not Read(ASKED, (two, other)).has_values
    row = row_of("results", 100, "ours", [Read(ASKED, (two, other)), Read(ASKED, (whole,))])
    assert (row["values"], row["numbers"], row["papers"]) == (0.5, 5 / 6, 1)
    assert row["read"] == pytest.approx((11 + 14 + 20) / (2 * (6 + 20 + 14)))


def test_the_peers_keep_to_the_budget():
    assert [p.text for p in first(ASKED, 10)] == ["Socks", "Wool"]
    assert [p.text for p in shuffled(ASKED, 20)] == ["Socks", "Of 3, 2 fell."]
    assert shuffled(ASKED, 60) == list(PAPER.passages)


def test_numbers_are_read_as_papers_write_them():
    assert numbers_in("1,204 of 2·5 (−3.0), group B12, 0.05.") == {1204.0, 2.5, 3.0, 0.05}
