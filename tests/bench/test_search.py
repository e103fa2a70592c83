"""The search bench: figures by hand over a pool of invented records, and a run from end to end."""

import gzip
import json

import pytest

from bench import search
from tools.errors import InputFileError
from tools.labelled import elements_of, read_question, read_seed_collection

HEADINGS = [
    {"descriptor": "Cold Feet", "tree_numbers": ["C01.1"], "entry_terms": ["Chilly Toes"]},
    {"descriptor": "Socks", "tree_numbers": ["E07.1"], "entry_terms": ["Stockings"]},
]
POOL = [
    ("1", "Wool socks for cold feet"),
    ("2", "Stockings and chilly toes"),
    ("3", "Cold feet and what helps"),
    ("4", "Socks in a drawer"),
    ("5", "Cold feet in warm socks, a history"),
]


def lines(path, rows):
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path):
    """Two reviews of the same question, one with a strategy; a pool; a seed collection; a vocabulary."""
    lines(tmp_path / "pool.jsonl.gz", [{"pmid": p, "title": t, "abstract": ""} for p, t in POOL])
    for name, query in (("wool", '"cold feet"[tiab] AND socks[tiab]'), ("silk", "")):
        folder = tmp_path / "reviews" / name
        folder.mkdir(parents=True)
        said = {
            "title": f"Does {name} help?",
            "pico": [{"P": "People with cold feet", "I": "socks"}],
            "query": query,
            "query_platform": "PubMed MEDLINE",
        }
        (folder / "review.json").write_text(json.dumps(said))
        labels = {"1": (1, 1), "2": (1, None), "5": (1, 0), "99": (1, 1)}
        records = [
            {"record_id": p, "pmid": p, "title": "t", "label_ta": ta, "label_final": final}
            for p, (ta, final) in labels.items()
        ]
        lines(folder / "records.jsonl.gz", records)
    (tmp_path / "queries").mkdir()
    seed = {"id": 7, "title": "Socks for cold feet", "query": "wool[ti]", "included_studies": [1, 4]}
    lines(tmp_path / "queries" / "seed_collection.jsonl.gz", [seed])
    (tmp_path / "mesh.jsonl").write_text("\n".join(map(json.dumps, HEADINGS)))
    return tmp_path


def run(data, *more):
    given = ["--reviews", data / "reviews", "--pool", data / "pool.jsonl.gz", "--mesh", data / "mesh.jsonl"]
    out = data / "out.json"
    assert search.main([str(part) for part in (*given, "--out", out, *more)]) == 0
    return json.loads(out.read_text())


def test_a_review_is_read_with_its_question_its_strategy_and_what_full_text_included(data):
    question = read_question(data / "reviews" / "wool")
    assert question.elements == {"population": ("People with cold feet",), "intervention": ("socks",)}
    assert question.included == {"1", "2", "99"}  # 5 fell at full text, 2 has no final label
    assert (question.strategy, question.platform) == ('"cold feet"[tiab] AND socks[tiab]', "PubMed MEDLINE")


def test_elements_come_from_pico_else_from_lists_else_there_are_none():
    listed = "Population INCLUDE: hikers; walkers\nIntervention INCLUDE: wool\nOutcome INCLUDE: warmth"
    assert elements_of({"criteria_text": listed}) == {
        "population": ("hikers", "walkers"),
        "intervention": ("wool",),
    }
    pico = [{"P": "hikers", "I": ["wool", "silk"]}, {"P": "hikers", "I": "wool"}]
    assert elements_of({"pico": pico}) == {"population": ("hikers",), "intervention": ("wool", "silk")}
    assert elements_of({"criteria_text": "Anything."}) == {}


def test_figures_are_counted_over_the_included_records_that_the_pool_holds(data, monkeypatch, capsys):
    monkeypatch.setattr(search, "FEWEST", 2)
    written = run(data)
    rows = {row["review"]: row for row in written["rows"]}
    wool = rows["wool"]
    # Ours: 1, 2 (by entry terms) and 5. Theirs: 1 and 5. Included and in the pool: 1 and 2.
    assert [wool[key] for key in ("included", "in_pool", "hits", "recall")] == [3, 2, 3, 1.0]
    assert wool["precision"] == pytest.approx(2 / 3)
    assert [wool[key] for key in ("hits_authors", "recall_authors", "hits_ratio")] == [2, 0.5, 1.5]
    assert (wool["counted"], rows["silk"]["counted"]) == ("yes", "no")
    assert "recall_authors" not in rows["silk"]
    summary = written["summary"]
    assert [summary[key] for key in ("reviews", "recall_mean", "recall_authors_mean", "hits_ratio_mean")] == [
        1,
        1.0,
        0.5,
        1.5,
    ]
    assert summary["hits_ratio_of_sums"] == 1.5
    shown = capsys.readouterr().out
    assert "favours" in shown
    assert "favours" in summary["caveat"]


def test_a_review_with_too_few_included_records_has_a_row_and_no_say_in_the_means(data):
    written = run(data)
    assert {row["counted"] for row in written["rows"]} == {"no"}
    assert written["summary"]["recall_mean"] is None


def test_a_question_of_which_only_the_title_is_known_is_searched_by_its_title(data):
    written = run(data, "--queries", data / "queries", "--ids", "seed_7")
    (row,) = written["rows"]
    assert (row["hits"], row["hits_authors"], row["recall"]) == (3, 1, 0.5)


def test_an_engine_that_proposes_nothing_found_nothing(data, monkeypatch):
    """Left out of the means, such a review would flatter the engine."""
    monkeypatch.setattr(search, "FEWEST", 1)
    folder = data / "reviews" / "wool"
    said = json.loads((folder / "review.json").read_text())
    (folder / "review.json").write_text(json.dumps(said | {"pico": None, "title": "Effects of it"}))
    written = run(data, "--ids", "wool")
    assert written["summary"]["recall_mean"] == 0.0
    assert "question.elements" in written["rows"][0]["unproposed"]


def test_a_strategy_that_cannot_be_read_is_listed_with_the_reason(data, capsys):
    folder = data / "reviews" / "wool"
    said = json.loads((folder / "review.json").read_text())
    (folder / "review.json").write_text(json.dumps(said | {"query_platform": "Index cards"}))
    written = run(data, "--ids", "wool")
    assert "Index cards" in written["rows"][0]["unread"]
    assert "the authors' strategy is left out" in capsys.readouterr().out


def test_what_is_no_pool_or_collection_is_an_error_with_its_remedy(data, capsys):
    (data / "broken.gz").write_bytes(b"{")
    assert search.main(["--reviews", str(data / "reviews"), "--pool", str(data / "broken.gz")]) == 2
    assert "Remedy" in capsys.readouterr().err
    with pytest.raises(InputFileError, match="seed_collection"):
        read_seed_collection(data / "broken.gz")
