"""Search and screening of whole reviews: candidates, ranking, hits, groups; by hand on a handful of records."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from finetune.evaluation.ranking import measured, ranked, scores_of
from finetune.evaluation.reviews import (
    Candidate,
    Reviewed,
    candidates_of,
    from_folders,
    read_pool,
    read_topics,
    topic_of,
)
from finetune.evaluation.searching import index_of, note_search, proposals
from finetune.evaluation.sheet import Sheet
from model.engine import AnswerRejected, Request
from model.scripted import ScriptedEngine
from model.tasks.query import QueryAnswer
from model.tasks.screen import Judgement, ScreenAnswer
from tools.errors import InputFileError
from tools.labelled import LabelledRecord
from tools.schemas import Block, Criterion, Label, Record
from tools.search.vocabulary import install

CRITERION = Criterion(id="c", kind="include", text="Adults with cough")


def _record(name: str, title: str = "", abstract: str = "") -> Record:
    return Record(record_id=name, pmid=name, title=title or f"Title {name}", abstract=abstract)


def _review(*records: LabelledRecord, **more: Any) -> Reviewed:
    told: dict[str, Any] = {
        "review_id": "snails",
        "title": "Snail syrup for cough",
        "text": "Does it help?",
        "elements": {"population": ("cough",), "intervention": ("snail syrup",)},
        "criteria": (CRITERION,),
        "records": records,
        "included": frozenset(r.record.record_id for r in records if r.final),
    }
    return Reviewed(**(told | more))


def _labelled(name: str, ta: bool | None, final: bool | None) -> LabelledRecord:
    return LabelledRecord(_record(name), ta, final)


# What is ranked ----------------------------------------------------------------------------------


def test_the_last_word_counts_and_what_is_unknown_is_left_out() -> None:
    review = _review(_labelled("a", True, True), _labelled("b", True, False), _labelled("c", False, None),
                     _labelled("d", True, None), _labelled("e", None, None))  # fmt: skip
    assert review.truth == {"a": True, "b": False, "c": False}


def test_by_abstract_where_no_full_text_was_judged() -> None:
    review = _review(_labelled("a", True, None), _labelled("b", False, None))
    assert review.truth == {"a": True, "b": False}


def test_candidates_are_filled_up_from_the_pool_and_never_with_the_reviews_own() -> None:
    review = _review(_labelled("1", True, True), _labelled("2", True, None))
    pool = [_record(str(n)) for n in range(1, 30)]
    made = candidates_of(review, pool, 10, seed=1)
    ids = [one.record.record_id for one in made]
    assert len(made) == 10
    assert [one.record.record_id for one in made if one.included] == ["1"]
    assert "2" not in ids
    assert not {"pool:1", "pool:2"} & set(ids)
    assert ids == [one.record.record_id for one in candidates_of(review, pool[::-1], 10, seed=1)]
    assert ids != [one.record.record_id for one in candidates_of(review, pool, 10, seed=2)]


def test_candidates_are_thinned_among_what_was_excluded_alone() -> None:
    review = _review(*(_labelled(str(n), True, n < 3) for n in range(20)))
    made = candidates_of(review, [], 5, seed=1)
    assert sum(one.included for one in made) == 3
    assert len(made) == 5


# Ranking -----------------------------------------------------------------------------------------


def _candidates(*included: bool) -> list[Candidate]:
    return [Candidate(_record(chr(97 + n)), held) for n, held in enumerate(included)]


def test_ranking_by_score_then_similarity_then_id() -> None:
    order = ranked(
        _candidates(False, False, False, False),
        {"a": 0.0, "b": 1.0, "c": 0.0, "d": 0.0},
        {"a": 0.1, "b": 0.0, "c": 0.5, "d": 0.1},
    )
    assert [(one.record_id, one.place) for one in order] == [("b", 0), ("c", 1), ("a", 2), ("d", 2)]


def test_nothing_is_won_by_not_answering() -> None:
    """Two included, one without an answer: recall is 1 of 2 at any depth, and its place the last. The one that was not
    included and has no answer stands where a record stands that fulfils everything."""
    order = ranked(
        _candidates(True, True, False), {"a": None, "b": 0.5, "c": None}, {"a": 0.9, "b": 0.1, "c": 0.2}
    )
    assert [one.record_id for one in order] == ["c", "b", "a"]
    told = measured(order)
    assert told["recall@10"] == told["recall@100"] == 0.5
    assert told["AUROC"] == 0.0


def test_measures_by_hand() -> None:
    """12 candidates, the 1st and the 11th included: 1 of 2 among the first ten. AUROC: 10 and 1 of 10 pairs each."""
    held = [True, *[False] * 9, True, False]
    order = ranked(
        _candidates(*held), {chr(97 + n): -float(n) for n in range(12)}, {chr(97 + n): 0.0 for n in range(12)}
    )
    told = measured(order)
    assert told["recall@10"] == 0.5
    assert told["recall@20"] == 1.0
    assert told["AUROC"] == pytest.approx(11 / 20)


def test_scores_are_those_of_leads_and_a_failure_is_none() -> None:
    def script(request: Request[Any, Any]) -> ScreenAnswer:
        if request.input.record_id == "b":
            raise AnswerRejected("no JSON")
        label: Label = "YES" if request.input.record_id == "a" else "NO"
        return ScreenAnswer(verdicts=(Judgement(criterion_id="c", label=label, quote="Title"),))

    told = scores_of(_review(), _candidates(True, False, False), ScriptedEngine(script), "e")
    assert told == {"a": 1.0, "b": None, "c": -1.0}


# Searching ---------------------------------------------------------------------------------------

RECORDS = (
    _record("1", "Snail syrup for cough in adults"),
    _record("2", "Slug juice for cough"),
    _record("3", "Snail syrup for coughing horses"),
    _record("4", "Bridges and their paint"),
)


def _proposing(*told: str | None) -> ScriptedEngine:
    """One proposal per sample: terms of the intervention; None: no usable answer."""

    def script(request: Request[Any, Any]) -> QueryAnswer:
        term = told[request.sample % len(told)]
        if term is None:
            raise AnswerRejected("no JSON")
        blocks = {"population": '"cough"[tiab]', "intervention": term}
        return QueryAnswer(blocks=tuple(Block(name=name, terms=(text,)) for name, text in blocks.items()))

    return ScriptedEngine(script)


def _found(engine: ScriptedEngine, tmp_path: Path, samples: int) -> dict[str, float]:
    target = index_of(RECORDS, tmp_path / "index.sqlite", None, "publications")
    review = _review(included=frozenset({"1", "2", "99"}))
    sheet = Sheet(["e"], resamples=10)
    told = proposals(engine, review, "publications", samples, "e")
    note_search(sheet, "e", review, "Snails", target, told)
    target.source.close()
    assert {row["group"] for row in sheet.rows()} == {
        "publications",
        "publications, topic Snails",
        "publications, targets 1–5",
    }
    return {row["measure"]: row["value"] for row in sheet.rows() if row["group"] == "publications"}


def test_one_proposal_and_several(tmp_path: Path) -> None:
    """Two included are in the index; the first sample finds one of them, the second the other."""
    told = _found(_proposing('"snail syrup"[tiab]', '"slug juice"[tiab]'), tmp_path, 2)
    assert told["one: recall"] == 0.5
    assert told["one: hits"] == 1
    assert told["2 samples: recall"] == 1.0
    assert told["2 samples: hits"] == 2
    assert told["2 samples, united blocks: recall"] == 1.0
    assert told["no usable proposal"] == 0.0
    assert (told["included, in the index"], told["included, all"]) == (2, 3)
    assert told["one: recall of all included"] == pytest.approx(1 / 3)
    assert told["2 samples: recall of all included"] == pytest.approx(2 / 3)


def test_a_proposal_that_cannot_be_used_finds_nothing_and_is_counted(tmp_path: Path) -> None:
    told = _found(_proposing(None, '"slug juice"[tiab]'), tmp_path, 2)
    assert told["one: recall"] == 0.0
    assert told["2 samples: recall"] == 0.5
    assert told["no usable proposal"] == 0.5
    assert "one: hits" not in told  # a strategy that was never run is no cheap one
    assert told["2 samples: hits"] == 1


def test_what_is_no_search_term_is_no_proposal(tmp_path: Path) -> None:
    def script(_request: Request[Any, Any]) -> QueryAnswer:
        return QueryAnswer(blocks=(Block(name="population", terms=("a AND b",)),))

    told = _found(ScriptedEngine(script), tmp_path, 1)
    assert (told["one: recall"], told["no usable proposal"]) == (0.0, 1.0)


# Files and groups --------------------------------------------------------------------------------


def _folder(place: Path) -> None:
    place.mkdir(parents=True)
    said = {"title": "Snail syrup", "pico": {"P": "cough", "I": "snail syrup"}}
    (place / "review.json").write_text(json.dumps(said))
    rows = [{"record_id": "1", "pmid": "1", "title": "One", "abstract": "x", "label_ta": 1, "label_final": 1}]
    with gzip.open(place / "records.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def test_reviews_that_were_trained_on_are_left_out_and_named(tmp_path: Path) -> None:
    for name in ("snails", "slugs"):
        _folder(tmp_path / name)
    kept, left_out = from_folders(tmp_path, frozenset({"slugs"}))
    assert [review.review_id for review in kept] == ["snails"]
    assert left_out == ["slugs"]
    assert kept[0].included == {"1"}
    assert kept[0].elements == {"population": ("cough",), "intervention": ("snail syrup",)}


def test_files_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="holds no review"):
        from_folders(tmp_path)
    bad = tmp_path / "pool.jsonl"
    bad.write_text('{"title": "no pmid"}\n')
    with pytest.raises(InputFileError, match="cannot be read as a pool"):
        read_pool(bad)
    bad.write_text('{"pmid": 5, "title": "One"}\n')
    assert read_pool(bad)[0].pmid == "5"
    topics = tmp_path / "topics.csv"
    topics.write_text("snails,Respiratory\n")
    assert read_topics(topics) == {"snails": "Respiratory"}
    topics.write_text("snails,Respiratory,more\n")
    with pytest.raises(InputFileError, match="review id and topic"):
        read_topics(topics)


def test_topic_by_the_headings_of_the_population(tmp_path: Path) -> None:
    source = tmp_path / "mesh.jsonl"
    headings = [
        {"descriptor": "Cough", "ui": "D1", "entry_terms": [], "tree_numbers": ["C08.1", "C23.2"]},
        {"descriptor": "Bronchitis", "ui": "D2", "entry_terms": [], "tree_numbers": ["C08.3"]},
        {"descriptor": "Syrup", "ui": "D3", "entry_terms": [], "tree_numbers": ["D09.1"]},
    ]
    source.write_text("".join(json.dumps(heading) + "\n" for heading in headings))
    with install(tmp_path / "mesh.sqlite", source) as vocabulary:
        review = _review(elements={"population": ("cough or bronchitis",), "intervention": ("syrup",)})
        assert topic_of(review, vocabulary) == "Respiratory"
        assert topic_of(review, vocabulary, {"snails": "Snails"}) == "Snails"
        assert topic_of(_review(elements={}, title="Bridges"), vocabulary) == "no topic known"
    assert topic_of(review, None) == "no topic known"
