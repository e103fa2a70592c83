"""The extraction bench: figures by hand, and a run from end to end over invented reports."""

import gzip
import json

import pytest

from bench import extraction
from bench.extraction_effects import effect_rows
from bench.extraction_numbers import ArmRow, Gold, judge, numeric_rows, wilson
from model.tasks.results import ResultsAnswer, ResultValue
from tools.errors import InputFileError

ABSTRACT = "Toe temperature was significantly higher with wool than with cotton (p = 0.01)."
XML = """<article><front><article-meta><title-group><article-title>Wool socks</article-title></title-group>
</article-meta></front><body><sec><title>Results</title>
<table-wrap><label>Table 2</label><caption><p>Outcomes</p></caption>
<table><tr><th/><th>Wool (n = 40)</th><th>Cotton (n = 38)</th></tr><tr><td>Toe temperature, mean (SD)</td>
<td>31.2 (0.8)</td><td>29.9 (0.9)</td></tr></table>
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
        "intervention_group_size": "40", "comparator_group_size": "38",
        "intervention_standard_deviation": "0.8", "comparator_standard_deviation": "0.9",
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
    rows = {(row["task"], row.get("text", row.get("measure"))): row for row in written["rows"]}
    assert rows["direction", "all"]["asked"] == 2
    complete = rows["results", "complete"]
    assert (complete["asked"], complete["answered"], complete["exact_rows"], complete["wrong_rows"]) == (
        2,
        2,
        1,
        1,
    )
    assert (complete["exact"], complete["wrong_of_answered"], complete["grounded"]) == (0.5, 0.5, 1.0)
    summary = written["summary"]
    assert summary["numeric_outcomes"]["wrong"] == 0.5
    assert summary["evidence_inference"]["not_found"] == 0.5
    assert summary["confusion"]["increased"] == {"increased": 1}
    assert "held-out" in capsys.readouterr().out


def test_one_data_set_alone_is_known_by_its_columns(data, tmp_path):
    out = tmp_path / "one.json"
    gold = tmp_path / "rows.jsonl"
    with gzip.open(data / "extraction" / "numeric_outcomes.jsonl.gz", "rt", encoding="utf-8") as lines:
        gold.write_text(lines.read())
    full_texts = tmp_path / "texts"
    (data / "jats").rename(full_texts)
    given = [
        "--data",
        str(tmp_path / "nowhere"),
        "--gold",
        str(gold),
        "--jats",
        str(full_texts),
        "--out",
        str(out),
    ]
    assert extraction.main(given) == 0
    written = json.loads(out.read_text())
    assert written["summary"]["part"] == "all"
    assert set(written["summary"]) == {"engine", "part", "numeric_outcomes"}
    questions = data / "extraction" / "evidence_inference.jsonl.gz"
    assert extraction.main(["--data", str(data), "--gold", str(questions), "--out", str(out)]) == 0
    assert "evidence_inference" in json.loads(out.read_text())["summary"]


def test_gold_of_another_kind_ends_with_a_remedy(tmp_path, capsys):
    gold = tmp_path / "rows.jsonl"
    gold.write_text('{"pmcid": "PMC1"}')
    assert extraction.main(["--gold", str(gold), "--jats", str(tmp_path)]) == InputFileError("").exit_status
    assert "Remedy" in capsys.readouterr().err


def test_data_that_is_not_there_ends_with_a_remedy(tmp_path, capsys):
    assert extraction.main(["--data", str(tmp_path)]) == InputFileError("").exit_status
    assert "Remedy" in capsys.readouterr().err


def answer(
    value, *, spread=None, kind="Standard Deviation", size=None, param="MEAN", unit="", lower=None, upper=None
):
    return ResultsAnswer(
        status="found",
        param_type=param,
        dispersion_type=kind if spread or lower else "",
        unit=unit,
        denominator=size,
        values=(ResultValue(quote="a | b", value=value, spread=spread, lower=lower, upper=upper),),
    )


MEAN = Gold(events=False, value=31.2, spread=0.8, size=40)
EVENTS = Gold(events=True, value=8, spread=None, size=20)


@pytest.mark.parametrize(
    ("said", "gold", "verdict", "why"),
    [
        (answer("31.2", spread="0.8", size=40), MEAN, "exact", ""),
        (answer("31.2", spread="0.8"), MEAN, "partial", ""),
        (answer("31.2", spread="0.8", kind="", size=40), MEAN, "partial", ""),
        (answer("31.2", spread="0.1265", kind="Standard Error", size=40), MEAN, "exact", ""),
        (
            answer("31.2", lower="30.95", upper="31.45", kind="95% Confidence Interval", size=40),
            MEAN,
            "exact",
            "",
        ),
        (answer("31.2", spread="0.9", size=40), MEAN, "wrong", "spread"),
        (answer("31.2", spread="0.8", size=38), MEAN, "wrong", "size"),
        (answer("29.9", spread="0.8", size=40), MEAN, "wrong", "value"),
        (answer("8", param="COUNT_OF_PARTICIPANTS", size=20), EVENTS, "exact", ""),
        (answer("40", param="NUMBER", unit="percent", size=20), EVENTS, "exact", ""),
        (answer("0.40", param="NUMBER", size=20), EVENTS, "exact", ""),
        (answer("40", param="NUMBER", unit="percent"), EVENTS, "partial", ""),
        (answer("35", param="NUMBER", unit="percent"), EVENTS, "wrong", "value"),
        (answer("7", param="COUNT_OF_PARTICIPANTS", size=20), EVENTS, "wrong", "value"),
        (answer("8", param="COUNT_OF_PARTICIPANTS", size=20), Gold(True, None, None, 20), "unjudged", ""),
        (ResultsAnswer(status="not_found"), MEAN, "not_found", ""),
        (None, MEAN, "failed", ""),
    ],
)
def test_a_row_is_exact_when_every_number_of_people_is_there_and_right(said, gold, verdict, why):
    judged = judge(said, gold)
    assert (judged.verdict, judged.why) == (verdict, why)


def test_a_wrong_sign_is_told_apart():
    assert judge(answer("1.4", size=40), Gold(False, -1.4, None, 40)).sign
    assert not judge(answer("1.5", size=40), Gold(False, -1.4, None, 40)).sign


def pair(number, first, second, gold_first=MEAN, gold_second=None):
    other = gold_second or Gold(False, 29.9, 0.9, 38)
    return [
        ArmRow("PMC1", "toes", number, "intervention", gold_first, other, first, True),
        ArmRow("PMC1", "toes", number, "comparator", other, gold_first, second, True),
    ]


def test_swapped_arms_are_told_apart():
    rows = pair(1, answer("29.9", spread="0.9", size=38), answer("31.2", spread="0.8", size=40))
    (line, *_) = numeric_rows(rows)
    assert (line["wrong_rows"], line["swapped"], line["signs"]) == (2, 2, 0)


def test_shares_are_of_complete_rows_and_several_times_are_no_answer():
    both = ResultsAnswer(
        status="found", values=(ResultValue(value="1", title="6"), ResultValue(value="2", title="12"))
    )
    rows = pair(1, answer("31.2", spread="0.8", size=40), both) + pair(
        2, None, ResultsAnswer(status="not_found")
    )
    rows += pair(
        3, answer("5", size=40), answer("5"), Gold(False, None, None, 40), Gold(False, None, None, 38)
    )
    complete, _, _, known, without = numeric_rows(rows)
    assert (complete["asked"], complete["answered"], complete["exact"], complete["several"]) == (
        4,
        1,
        0.25,
        1,
    )
    assert (complete["not_found"], complete["failed"], known["asked"]) == (0.5, 1, 4)
    assert (without["asked"], without["answered"]) == (2, 2)


def test_intervals_of_shares_are_wilsons():
    assert wilson(1, 10) == pytest.approx((0.0179, 0.4042), abs=1e-4)  # by hand from the formula
    assert wilson(0, 0) is None


def test_an_error_moves_the_pooled_effect_and_a_right_reading_does_not():
    right = pair(1, answer("31.2", spread="0.8", size=40), answer("29.9", spread="0.9", size=38))
    (_, same) = effect_rows(right)
    assert (same["comparisons"], same["read"], same["same"], same["shift"]) == (1, 1, 1, 0)
    wrong = pair(1, answer("28.2", spread="0.8", size=40), answer("29.9", spread="0.9", size=38))
    (_, moved) = effect_rows(wrong)
    assert (moved["moved"], moved["conclusions_changed"], moved["pooled_conclusion_same"]) == (1, 1, False)
    assert moved["shift"] < 0
    (_, none) = effect_rows(pair(1, answer("31.2"), answer("29.9")))
    assert (none["comparisons"], none["read"], "shift" in none) == (1, 0, False)
