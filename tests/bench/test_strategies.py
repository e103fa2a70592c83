"""The bench of strategies: what passes, what does not and why, over invented ones."""

import gzip
import json

import pytest

from bench import strategies
from tools.errors import InputFileError

POOL = [("1", "Wool socks for cold feet"), ("2", "Stockings and warm toes"), ("3", "Socks in a drawer")]


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path):
    """Six strategies: two of PubMed that pass, one that does not, two of Ovid, one of neither."""
    lines(tmp_path / "pool.jsonl.gz", [{"pmid": p, "title": t, "abstract": ""} for p, t in POOL])
    row = {"id": 1, "query": "socks[tiab]", "edited_search": "socks[tiab] AND feet[tiab]"}
    lines(tmp_path / "queries" / "seed_collection.jsonl.gz", [row])
    for number, query in enumerate(("socks.ti.\nfeet.ti.\n1 and 2", "socks.ti.\nlimit 1 to wool"), start=1):
        path = tmp_path / "queries" / "clef" / "2000" / f"{number}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        topic = f"Topic: T{number}\n\nTitle: Socks\n\nQuery: \n{query}\n\nPids: \n    1\n"
        path.write_bytes(gzip.compress(topic.encode()))
    for name, platform, query in (("a", "PubMed", "(socks[tiab]"), ("b", "Library card", "socks")):
        folder = tmp_path / "reviews" / name
        folder.mkdir(parents=True)
        (folder / "review.json").write_text(json.dumps({"query": query, "query_platform": platform}))
    return tmp_path


def run(data, *more):
    found = ["--queries", str(data / "queries"), "--reviews", str(data / "reviews")]
    return strategies.main([*found, "--pool", str(data / "pool.jsonl.gz"), *more])


def test_counts_are_those_made_by_hand(data, capsys):
    out = data / "strategies.json"
    assert run(data, "--out", str(out)) == 0
    written = json.loads(out.read_text())
    summary = written["summary"]
    assert (summary["pubmed_strategies"], summary["pubmed_passed"]) == (3, 2)
    assert (summary["ovid_strategies"], summary["ovid_passed"]) == (2, 1)
    assert (summary["ovid_lines"], summary["ovid_lines_complete"]) == (5, 4)
    assert summary["other_strategies"] == 1
    hits = {row["strategy"]: row.get("hits") for row in written["rows"]}
    assert hits == {
        "seed_1_query": 2,
        "seed_1_edited_search": 1,
        "clef_T1": 1,
        "clef_T2": 2,
        "review_a": None,
        "review_b": None,
    }
    printed = capsys.readouterr().out
    assert "pubmed: 2 of 3 strategies pass" in printed
    assert "ovid: 1 of 2 strategies pass, 4 of 5 lines" in printed


def test_what_fails_is_listed_with_its_reason_and_without_the_authors_words_in_the_file(data, capsys):
    out = data / "strategies.json"
    run(data, "--out", str(out))
    printed = capsys.readouterr().out
    assert "review_a (pubmed):\nthe search strategy cannot be read: a parenthesis is never closed" in printed
    assert "clef_T2 (ovid):\nline 2, character 12: wool: this limit has no form in PubMed" in printed
    assert "review_b (other):" in printed
    assert "wool" not in out.read_text().lower()
    problems = {row["strategy"]: row["problem"] for row in json.loads(out.read_text())["rows"]}
    assert problems["review_a"] == "a parenthesis is never closed"


def test_a_folder_without_queries_is_refused(data, capsys):
    assert strategies.main(["--queries", str(data), "--pool", str(data / "pool.jsonl.gz")]) == 2
    assert "Remedy" in capsys.readouterr().err
    with pytest.raises(InputFileError):
        strategies.read_strategies(data, None)
