"""The screening bench: criteria from a review's own words, measures by hand, and a run from end to end.

The small reviews here are invented.
"""

import gzip
import json

import numpy as np
import pytest

from bench import screening
from bench.report import Column, environment, table, write
from model.engine import AnswerRejected
from tools.errors import InputFileError
from tools.labelled import criteria_of, read_review, statements_of
from tools.schemas import RecordVerdict


def criteria(**said):
    return [(c.kind, c.element, c.text, c.terms) for c in criteria_of({"title": "Wool socks", **said})]


def test_pico_gives_an_inclusion_criterion_per_filled_element():
    pico = [
        {"P": "Hikers", "I": "Wool", "C": ["None", " Cotton "], "O": {"None": ["Warmth", "Pain"]}, "S": ""}
    ]
    assert criteria(pico=pico, criteria_text="ignored") == [
        ("include", "population", "Hikers", ()),
        ("include", "intervention", "Wool", ()),
        ("include", "comparator", "None; Cotton", ()),
        ("include", "outcome", "Warmth; Pain", ()),
    ]


def test_several_questions_are_alternatives_and_each_part_is_named_once():
    pico = [{"P": "Hikers", "I": "Wool"}, {"P": "Hikers", "I": "Silk"}]
    assert [text for _, _, text, _ in criteria(pico=pico)] == ["Hikers", "Wool; Silk"]


def test_listed_criteria_keep_their_items_as_terms_and_empty_lists_vanish():
    text = "QUESTION: why?\nPopulation INCLUDE: hikers; walkers\nOutcome INCLUDE: \nStudy designs EXCLUDE: case report"
    assert criteria(criteria_text=text) == [
        ("include", "population", "Population: hikers; walkers", ("hikers", "walkers")),
        ("exclude", "design", "Study designs: case report", ("case report",)),
    ]


def test_bullets_belong_to_the_heading_above_them():
    text = (
        "INCLUDE:\n- wool was worn\n- in English\nEXCLUDE:\n- reviews\nNotes on the rest\n- not a criterion"
    )
    assert [(kind, said) for kind, _, said, _ in criteria(criteria_text=text)] == [
        ("include", "wool was worn"),
        ("include", "in English"),
        ("exclude", "reviews"),
    ]


def test_bullets_that_are_headings_themselves_take_the_topic_before_them():
    lines = ("str_c(", '  sep = "\\n",', '  "Population:",', '  "- Inclusion criteria: hikers",')
    text = "\n".join((*lines, '  "- Exclusion criteria: cats"', ")"))
    assert [(kind, said) for kind, _, said, _ in criteria(criteria_text=text)] == [
        ("include", "Population: hikers"),
        ("exclude", "Population: cats"),
    ]


def test_other_text_is_one_criterion_and_without_text_the_title_is():
    assert criteria(criteria_text="We took wool.") == [("include", None, "We took wool.", ())]
    assert criteria(criteria_text="") == [("include", None, "Wool socks", ())]


ROWS = [
    {
        "record_id": "a",
        "title": "Wool socks in hikers.",
        "abstract": "Warm.",
        "label_ta": 1,
        "label_final": 1,
    },
    {"record_id": "b", "title": "Wool in rats.", "abstract": "Twenty rats.", "label_ta": 1, "label_final": 0},
    {"record_id": "c", "title": "Knots: a case report.", "abstract": "We report a case.", "label_ta": 0},
    {"record_id": "d", "title": "Knots: a case report.", "abstract": None, "label_ta": 0, "label_final": 0},
]


@pytest.fixture
def reviews(tmp_path):
    folder = tmp_path / "reviews" / "wool"
    folder.mkdir(parents=True)
    said = {
        "title": "Wool socks for hikers",
        "criteria_text": "Population INCLUDE: hikers; patients\nStudy designs EXCLUDE: case report",
    }
    (folder / "review.json").write_text(json.dumps(said))
    (folder / "records.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, ROWS)).encode()))
    return tmp_path / "reviews"


class Letters:
    """An embedder without a model."""

    name = "letters"

    def encode(self, texts):
        rows = np.array(
            [[text.count(c) + 0.01 for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts], np.float32
        )
        rows = rows.reshape(len(texts), 26)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_labels_are_true_false_or_unknown(reviews):
    review = read_review(reviews / "wool")
    assert [(r.ta, r.final) for r in review.records] == [
        (True, True),
        (True, False),
        (False, None),
        (False, False),
    ]
    assert statements_of(review) == ["Wool socks for hikers", "Population: hikers; patients"]


def test_a_limit_keeps_what_was_included(reviews):
    assert [r.record.record_id for r in read_review(reviews / "wool", limit=2).records] == ["a", "b"]


@pytest.mark.parametrize("broken", ["review.json", "records.jsonl.gz"])
def test_what_is_no_review_is_told_with_its_remedy(reviews, broken):
    (reviews / "wool" / broken).write_bytes(b"nothing of the kind")
    with pytest.raises(InputFileError, match=r"records\.jsonl\.gz"):
        read_review(reviews / "wool")


def verdict(record_id, score, suggestion="pass"):
    return RecordVerdict(record_id=record_id, verdicts=(), suggestion=suggestion, score=score)


def test_rankings_break_ties_by_similarity_and_then_by_id():
    similarity = {"a": 0.1, "b": 0.9, "c": 0.5, "d": 0.5}
    verdicts = {
        "a": verdict("a", 1.0),
        "b": verdict("b", 0.0),
        "c": verdict("c", 0.0),
        "d": verdict("d", 0.0),
    }
    ranked = screening.rankings(similarity, verdicts)
    assert [row[2] for row in ranked["similarity"]] == ["b", "c", "d", "a"]
    assert [row[2] for row in ranked["verdicts"]] == ["a", "b", "c", "d"]


def test_the_combined_score_is_the_mean_of_two_ranks():
    combined = screening.combined_scores({"a": 3.0, "b": 2.0, "c": 2.0}, {"a": 0.1, "b": 0.3, "c": 0.2})
    # Ranks 1, 2.5, 2.5 and 3, 1, 2.
    assert combined == {"a": -2.0, "b": -1.75, "c": -2.25}


def test_a_record_without_an_answer_is_ranked_first_and_counted_as_failed(reviews):
    review = read_review(reviews / "wool")
    similarity = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.1}
    verdicts = {i: verdict(i, 0.0) for i in "abc"} | {"d": AnswerRejected("no JSON")}
    assert screening.rankings(similarity, verdicts)["verdicts"][0][2] == "d"
    rows = screening.measure(review, similarity, verdicts)
    decided = {row["label"]: row for row in rows if row["ranking"] == "verdicts"}
    assert [decided[label]["failed"] for label in ("final", "ta")] == [1, 1]
    # Two of the four records have no final label or failed: they are in no cell of the matrix.
    assert [decided["final"][key] for key in ("tp", "fp", "fn", "tn")] == [1, 1, 0, 0]


def test_the_baseline_runs_from_end_to_end(reviews, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(screening, "load", Letters)
    out = tmp_path / "out.json"
    assert screening.main(["--reviews", str(reviews), "--ids", "wool", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    written = json.loads(out.read_text())
    assert set(written) == {"summary", "rows", "environment"}
    rows = {(row["label"], row["ranking"]): row for row in written["rows"]}
    assert len(rows) == 6
    # Rats are excluded by the population, case reports by design, but d has no abstract and passes.
    ta = rows["ta", "verdicts"]
    assert [ta[key] for key in ("tp", "fp", "fn", "tn", "failed")] == [1, 1, 1, 1, 0]
    assert [rows["final", "verdicts"][key] for key in ("n", "included", "tp", "fn")] == [3, 1, 1, 0]
    assert shown.count("\n| wool") == 6
    assert "baseline-3" in shown


def test_a_wrong_argument_ends_with_its_remedy_and_status_two(reviews, capsys, monkeypatch):
    monkeypatch.setattr(screening, "load", Letters)
    assert screening.main(["--reviews", str(reviews), "--ids", "silk"]) == 2
    assert "Remedy" in capsys.readouterr().err
    assert screening.main(["--reviews", str(reviews), "--engine", "openai"]) == 2
    assert "--base-url" in capsys.readouterr().err


def test_a_table_shows_what_is_undefined_as_a_dash():
    text = table(
        [{"a": "x", "b": 0.5}, {"a": "longer", "b": None}], (Column("a", "name"), Column("b", "value", 2))
    )
    assert text.splitlines() == [
        "| name   | value |",
        "| ------ | ----: |",
        "| x      |  0.50 |",
        "| longer |     – |",
    ]


def test_the_environment_names_what_can_change_a_number(tmp_path):
    told = environment()
    assert {"python", "platform", "cores", "packages", "date"} <= set(told)
    assert told["packages"]["numpy"] == np.__version__
    write(None, {}, [])
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "x.json", {"auroc": float("nan")}, [])


@pytest.mark.shared
def test_criteria_can_be_made_for_every_real_review(shared_data):
    for folder in sorted((shared_data / "reviews").iterdir()):
        made = criteria_of(json.loads((folder / "review.json").read_text()))
        ids = [c.id for c in made]
        assert made
        assert len(set(ids)) == len(ids)
        assert all(c.text.strip() for c in made)
