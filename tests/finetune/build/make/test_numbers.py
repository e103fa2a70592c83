"""Numbers: where people's numbers stand in the report, what is printed beside them, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from finetune.build.kinds import Shard
from finetune.build.make.numbers import Numbers
from finetune.build.make.numbers_matching import Gold, match
from finetune.build.make.numbers_placing import apart, in_order
from finetune.build.make.papers import NO_TEXT
from finetune.instructions import Instruction
from model.scripted import ScriptedEngine
from model.tasks.results import ResultsAnswer, ResultValue
from tests.finetune.build.make.annotated_world import ENGINE, corpus_of, made, numbers, paper, result_of
from tools.extraction.numbers import Reading, reading_of
from tools.fulltext.quotes import holds_number

MAKER = Numbers(ENGINE)
EVENTS = {
    "outcome": "Sneezing", "outcome_type": "binary",
    "intervention_events": 8, "comparator_events": 20,
}  # fmt: skip


def test_a_row_of_a_table_is_the_quote_of_both_arms(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, papers=(paper(),), rows=(numbers(),))
    kept, refused = made(MAKER, corpus)
    assert refused == []
    first = result_of(kept, outcome="Elbow stiffness score", group="Brauxin")
    second = result_of(kept, outcome="Elbow stiffness score", group="Placebo")
    quote = "Elbow stiffness score, mean (SD) | 12.5 (3.25) | 17.75 (4.5)"
    assert first.answer["values"] == [
        {"quote": quote, "title": "", "value": "12.5", "spread": "3.25", "lower": None, "upper": None}
    ]
    assert (second.answer["values"][0]["value"], second.answer["values"][0]["spread"]) == ("17.75", "4.5")
    assert (first.answer["denominator"], second.answer["denominator"]) == (50, 41)
    assert first.answer["param_type"] == "MEAN"
    assert first.answer["dispersion_type"] == "Standard Deviation"
    assert first.asked["others"] == [{"title": "Placebo", "description": ""}]
    assert "split there: DEV" in first.about.evidence


def test_a_standard_error_stays_one(tmp_path: Path) -> None:
    # 1.414 = 0.20 * sqrt(50) and 1.601 = 0.25 * sqrt(41): people worked out the deviations.
    row = numbers(
        outcome="Knee warmth",
        intervention_mean=31.4, intervention_standard_deviation=1.414,
        comparator_mean=30.1, comparator_standard_deviation=1.601,
    )  # fmt: skip
    kept, _ = made(MAKER, corpus_of(tmp_path, papers=(paper(),), rows=(row,)))
    assert [one.answer["dispersion_type"] for one in kept] == ["Standard Error"] * 2
    assert [one.answer["values"][0]["spread"] for one in kept] == ["0.20", "0.25"]
    assert [one.answer["values"][0]["value"] for one in kept] == ["31.40", "30.10"]


def test_events_are_counts_of_participants(tmp_path: Path) -> None:
    kept, _ = made(MAKER, corpus_of(tmp_path, papers=(paper("Nobody coughed."),), rows=(numbers(**EVENTS),)))
    first = result_of(kept, outcome="Sneezing", group="Brauxin")
    assert first.answer["param_type"] == "COUNT_OF_PARTICIPANTS"
    assert first.answer["unit"] == "Participants"
    assert first.answer["values"][0]["value"] == "8"
    assert first.asked["outcome"]["description"] == "Number of participants with the event."


def test_a_sentence_serves_where_there_is_no_table(tmp_path: Path) -> None:
    text = (
        "The elbow stiffness score at 12 weeks was 12.5 (SD 3.25) in 50 participants with brauxin and 17.75 (SD 4.5) "
        "in 41 participants with placebo."
    )
    kept, _ = made(MAKER, corpus_of(tmp_path, papers=(paper(text, table=""),), rows=(numbers(),)))
    assert [one.answer["values"][0]["quote"] for one in kept] == [text] * 2
    assert [one.answer["values"][0]["value"] for one in kept] == ["12.5", "17.75"]
    assert kept[0].asked["outcome"]["time_frame"] == "at 12 weeks"


def test_a_change_is_asked_for_as_one(tmp_path: Path) -> None:
    table = paper().replace("Elbow stiffness score, mean (SD)", "Change in elbow stiffness score, mean (SD)")
    kept, _ = made(MAKER, corpus_of(tmp_path, papers=(table,), rows=(numbers(),)))
    assert {one.asked["outcome"]["description"] for one in kept} == {
        "Mean and standard deviation. The change from baseline, not the final value."
    }


def test_a_sentence_about_two_times_is_not_used_for_none(tmp_path: Path) -> None:
    text = (
        "The elbow stiffness score was 13.0 (SD 3.0) with brauxin and 17.0 (SD 4.0) with placebo at 6 weeks, and 12.5 "
        "(SD 3.25) with brauxin and 17.75 (SD 4.5) with placebo at 12 weeks; there were "
        "50 participants and 41 participants."
    )
    corpus = corpus_of(tmp_path / "a", papers=(paper(text, table=""),), rows=(numbers(),))
    kept, refused = made(MAKER, corpus)
    assert kept == []
    assert {one.why for one in refused} == {"several times or arms in the row, and nothing says which"}
    row = numbers(notes="Values from week 12.")
    kept, _ = made(MAKER, corpus_of(tmp_path / "b", papers=(paper(text, table=""),), rows=(row,)))
    assert [one.asked["outcome"]["time_frame"] for one in kept] == ["week 12"] * 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"intervention_mean": 12.6}, "the numbers do not stand in the text"),
        ({"intervention_mean": -12.5}, "the numbers do not stand in the text"),
        ({"intervention_standard_deviation": ""}, "a number is missing from a row that is called complete"),
        ({"intervention_mean": ""}, "one arm without a value"),
        ({"outcome": "Hiccups at night"}, "the place does not name the outcome"),
        ({"intervention": "Placebo", "comparator": "Brauxin"}, "the numbers do not stand in the text"),
        (
            {"comparator_group_size": 40, "intervention_group_size": 51},
            "the number of participants is not told",
        ),
        ({"outcome_type": "rhyme"}, "a part of the question is not named"),
        ({"intervention_mean": "twelve"}, "a number that cannot be read"),
        ({"pmid": "90000009", "pmcid": "PMC90000009"}, NO_TEXT),
    ],
)
def test_what_is_not_sure_is_refused_with_its_reason(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    kept, refused = made(MAKER, corpus_of(tmp_path, papers=(paper(),), rows=(numbers(**changes),)))
    assert kept == []
    assert {one.why for one in refused} == {why}


def test_a_row_that_says_what_the_report_lacks_leaves_it_empty(tmp_path: Path) -> None:
    table = (
        "<table-wrap><label>Table 1</label><caption><p>Means</p></caption><table><thead><tr><th>Outcome</th>"
        "<th>Brauxin (n = 50)</th><th>Placebo (n = 41)</th></tr></thead><tbody>"
        "<tr><td>Elbow stiffness score, mean</td><td>12.5</td><td>17.75</td></tr></tbody></table></table-wrap>"
    )
    row = numbers(
        intervention_standard_deviation="", comparator_standard_deviation="", is_data_complete="FALSE",
        notes="Missing standard deviations",
    )  # fmt: skip
    kept, refused = made(MAKER, corpus_of(tmp_path, papers=(paper(table=table),), rows=(row,)))
    assert refused == []
    assert [one.answer["values"][0]["spread"] for one in kept] == [None, None]
    assert [one.answer["dispersion_type"] for one in kept] == ["", ""]


FIGURE = {
    name: ""
    for arm in ("intervention", "comparator")
    for name in (f"{arm}_mean", f"{arm}_standard_deviation", f"{arm}_group_size")
} | {"is_relevant_data_in_table": "FALSE", "is_data_complete": "FALSE"}


def test_numbers_in_a_figure_only_are_not_reported(tmp_path: Path) -> None:
    row = numbers(outcome="Moon brightness", is_data_in_figure_graphics="TRUE", **FIGURE)
    corpus = corpus_of(tmp_path, papers=(paper(),), rows=(row,))
    kept, refused = made(MAKER, corpus)
    assert refused == []
    assert [one.answer["status"] for one in kept] == ["not_reported"] * 2
    found = ResultsAnswer(status="found", values=(ResultValue(quote="placebo", value="1"),))
    kept, refused = made(Numbers(ScriptedEngine(lambda _: found)), corpus)
    assert (kept, {one.why for one in refused}) == ([], {"an engine finds what people did not"})


@pytest.mark.parametrize("changes", [{"is_data_in_figure_graphics": "FALSE"}, {"outcome": "Elbow stiffness"}])
def test_silence_of_people_is_no_evidence_of_absence(tmp_path: Path, changes: dict[str, str]) -> None:
    row = numbers(**({"is_data_in_figure_graphics": "TRUE"} | FIGURE | changes))
    kept, refused = made(MAKER, corpus_of(tmp_path, papers=(paper(),), rows=(row,)))
    assert kept == []
    assert len(refused) == 2


@pytest.mark.parametrize(
    ("text", "gold", "told"),
    [
        ("12.5 (3.25)", Gold(False, Decimal("12.50"), Decimal("3.25"), 50), "Standard Deviation"),
        ("12.5 ± 0.46", Gold(False, Decimal("12.5"), Decimal("3.25"), 50), "Standard Error"),
        ("12.5 ± 0.49", Gold(False, Decimal("12.5"), Decimal("3.25"), 50), None),
        ("12.5 (11.6 to 13.4)", Gold(False, Decimal("12.5"), Decimal("3.25"), 50), "95% Confidence Interval"),
        ("12.5 (10.6 to 14.4)", Gold(False, Decimal("12.5"), Decimal("3.25"), 50), None),
        ("8/50", Gold(True, Decimal(8), None, 50), ""),
        ("8/51", Gold(True, Decimal(8), None, 50), None),
        ("16%", Gold(True, Decimal(8), None, 50), ""),
        ("17%", Gold(True, Decimal(8), None, 50), None),
        ("-12.5", Gold(False, Decimal("12.5"), None, 50), None),
    ],
)
def test_a_printed_value_against_what_people_filled_in(text: str, gold: Gold, told: str | None) -> None:
    reading = reading_of(text, ("mean (SD)" if "(3" in text else "",))
    assert isinstance(reading, Reading)
    hit = match(reading, gold)
    assert (hit[1] if hit else None) == told


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("It was 5 with wool and 7 with silk.", 2),
        ("It was 7 with silk and 5 with wool.", 2),
        ("With wool and silk it was 5 and 7, respectively.", 2),
        ("With silk and wool it was 5 and 7, respectively.", None),
        ("Fewer sneezed with silk than with wool (5 vs 7).", None),
        ("It was 5 in the wool group against 7.", 1),
        ("It was 7 in the wool group against 5 elsewhere.", None),
        ("It was 5 and 7.", 0),
    ],
)
def test_whose_value_is_whose(sentence: str, named: int | None) -> None:
    arms = apart(frozenset({"wool"}), frozenset({"silk"}))
    assert in_order(sentence, (sentence.index("5"), sentence.index("7")), arms) == named


def test_real_rows_hold_their_numbers(shared_data: Path, tmp_path: Path) -> None:
    from finetune.build.corpus import Corpus
    from finetune.build.ingest import ingest
    from finetune.build.sources import Source

    rows = shared_data / "extraction" / "numeric_outcomes.jsonl.gz"
    names = ("PMC3648394", "PMC4675066")
    for name in names:
        place = tmp_path / "jats"
        place.mkdir(exist_ok=True)
        (place / f"{name}.nxml.gz").write_bytes((shared_data / "jats" / f"{name}.nxml.gz").read_bytes())
    sources = [
        Source(name="numeric", kind="numeric_outcomes", path=rows, licence="Apache-2.0"),
        Source(name="jats", kind="jats", path=tmp_path / "jats"),
    ]
    ingest(sources, tmp_path / "corpus")
    told = list(MAKER(Corpus(tmp_path / "corpus"), Shard()))
    kept = [one for one in told if isinstance(one, Instruction) and one.answer["status"] == "found"]
    assert len(kept) > 8
    for one in kept:
        value = one.answer["values"][0]
        assert any(value["quote"] in passage["text"] for passage in one.asked["passages"])
        assert all(holds_number(value["quote"], value[k]) for k in ("value", "spread") if value[k])
