"""The extraction bench: figures by hand, and a run from end to end over invented reports."""

import gzip
import json

import pytest

from bench import extraction
from bench.extraction import Direct, Numeric, direction_row, macro_f1, numeric_row, overlaps
from model.tasks.results import ResultsAnswer, ResultValue
from tools.errors import InputFileError

ABSTRACT = "Toe temperature was significantly higher with wool than with cotton (p = 0.01)."
XML = """<article><front><article-meta><title-group><article-title>Wool socks</article-title></title-group>
</article-meta></front><body><sec><title>Results</title>
<table-wrap><label>Table 2</label><caption><p>Outcomes</p></caption>
<table><tr><th/><th>Wool</th><th>Cotton</th></tr><tr><td>Toe temperature</td><td>31.2</td><td>29.9</td></tr></table>
</table-wrap></sec></body></article>"""


def zipped(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.write(text)


@pytest.fixture
def data(tmp_path):
    """An abstract with its evidence, one without, and a full text with numbers."""
    question = {"intervention": "wool", "comparator": "cotton", "outcome": "toe temperature"}
    asked = [
        {"pmcid": "PMC1", "pmid": "1", "label": "significantly increased", "evidence": [{"text": ABSTRACT}]},
        {
            "pmcid": "PMC3",
            "pmid": "3",
            "label": "no significant difference",
            "evidence": [{"text": "None differed."}],
        },
        {"pmcid": "PMC2", "pmid": "1", "label": "significantly decreased", "evidence": []},
        {"pmcid": "PMC9", "pmid": "9", "label": "significantly decreased", "evidence": []},
    ]
    numbers = {
        "pmcid": "PMC5", "pmid": "5", **question, "outcome_type": "continuous",
        "intervention_mean": 31.2, "comparator_mean": 28, "intervention_events": "", "comparator_events": "",
        "intervention_group_size": "", "comparator_group_size": "",
        "intervention_standard_deviation": "", "comparator_standard_deviation": "",
    }  # fmt: skip
    lines = "\n".join(json.dumps(question | row) for row in asked)
    zipped(tmp_path / "extraction" / "evidence_inference.jsonl.gz", lines)
    zipped(tmp_path / "extraction" / "numeric_outcomes.jsonl.gz", json.dumps(numbers))
    pool = [
        {"pmid": "1", "title": "Wool", "abstract": ABSTRACT},
        {"pmid": "3", "abstract": "Socks were worn."},
    ]
    zipped(tmp_path / "pubmed" / "pool.jsonl.gz", "\n".join(map(json.dumps, pool)))
    zipped(tmp_path / "jats" / "PMC5.nxml.gz", XML)
    return tmp_path


def test_a_run_counts_what_is_at_hand_and_only_the_part_asked_for(data, tmp_path, capsys):
    out = tmp_path / "extraction.json"
    assert extraction.main(["--data", str(data), "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    rows = {(row["task"], row["text"]): row for row in written["rows"]}
    assert (
        rows["direction", "abstract with evidence"] | {"asked": 1, "right": 1, "at_evidence": 1.0}
        == (rows["direction", "abstract with evidence"])
    )
    assert rows["direction", "abstract without"]["answered"] == 0
    assert rows["direction", "all"]["asked"] == 2
    assert (rows["results", "from tables"]["answered"], rows["results", "from tables"]["accuracy"]) == (
        2,
        0.5,
    )
    assert written["summary"]["confusion"]["increased"] == {"increased": 1}
    assert "held-out" in capsys.readouterr().out


def test_data_that_is_not_there_ends_with_a_remedy(tmp_path, capsys):
    assert extraction.main(["--data", str(tmp_path)]) == InputFileError("").exit_status
    assert "Remedy" in capsys.readouterr().err


def test_macro_f1_by_hand():
    pairs = [
        ("increased", "increased"),
        ("increased", "uncertain"),
        ("decreased", "increased"),
        ("decreased", "decreased"),
    ]
    # increased: 2·1/(2+2) = 0.5; decreased: 2·1/(2+1) = 2/3; no_difference does not occur
    assert macro_f1(pairs) == pytest.approx((0.5 + 2 / 3) / 2)
    assert macro_f1([]) is None


def test_a_question_that_failed_is_counted_and_never_an_answer():
    row = direction_row(
        "all", [Direct("a", "t", "increased", ""), Direct("b", "t", "increased", "increased", True)]
    )
    assert (row["asked"], row["answered"], row["failed"], row["accuracy"], row["at_evidence"]) == (
        2,
        1,
        1,
        1.0,
        1.0,
    )


def numeric(value, gold, events=False, size=None, spread=None, said_spread=None):
    answer = ResultsAnswer(
        status="found",
        denominator=size,
        values=(ResultValue(quote="a | b", value=value, spread=said_spread),),
    )
    return Numeric("r", gold, size, spread, events, answer)


def test_a_number_is_right_as_events_as_their_percentage_or_as_the_mean():
    assert numeric("31.2", 31.2).right
    assert numeric("8", 8, events=True, size=20).right
    assert numeric("40", 8, events=True, size=20).right
    assert not numeric("40", 8, size=20).right
    assert not numeric("31.4", 31.2).right
    assert numeric("31.2", 31.2, spread=0.8, said_spread="0.8").spread_right()
    assert numeric("31.2", 31.2, size=40).size_right()


def test_what_people_did_not_find_is_counted_apart():
    found = [numeric("1", None), numeric("2", 2.0)]
    row = numeric_row("all", [*found, Numeric("r", 3.0, None, None, False, None)], found)
    assert (row["asked"], row["answered"], row["right"], row["without_gold"], row["failed"]) == (
        2,
        1,
        1,
        1,
        1,
    )


def test_a_quote_is_at_the_evidence_when_one_has_half_of_the_others_words():
    assert overlaps("toe temperature was higher", "Toe temperature was lower")
    assert not overlaps("toe temperature", "blisters were fewer")
    assert not overlaps("", "anything")
