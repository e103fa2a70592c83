"""Several exports as one corpus: nothing lost, nothing twice, and everything odd is said."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.errors import InputFileError, SourceRefused
from tools.search.query import parse
from tools.search.sources.base import DateRange, Source
from tools.search.sources.local_files import LocalFiles, together

ALWAYS = DateRange()


def write(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def entry(key, title):
    return {"record_id": key, "title": title}


def titles(records):
    return {record.record_id: record.title for record in records}


def search(source, text, limit=100):
    return source.search(parse(text), search_id="s1", dates=ALWAYS, limit=limit)


def test_files_are_one_corpus_in_their_order(tmp_path):
    one = write(tmp_path / "one.jsonl", entry("a", "Cough"), entry("b", "Snail"))
    two = write(tmp_path / "two.jsonl", entry("c", "Syrup"))
    records, warnings = together("shelf", [one, two])
    assert titles(records) == {"shelf:a": "Cough", "shelf:b": "Snail", "shelf:c": "Syrup"}
    assert warnings == []


def test_the_same_record_in_two_files_is_kept_once_and_said(tmp_path):
    one = write(tmp_path / "one.jsonl", entry("a", "Cough"))
    two = write(tmp_path / "two.jsonl", entry("a", "Cough"), entry("b", "Snail"))
    records, warnings = together("shelf", [one, two])
    assert titles(records) == {"shelf:a": "Cough", "shelf:b": "Snail"}
    assert warnings == ["two.jsonl: shelf:a stands in an earlier file too; kept once"]


def test_another_record_under_the_same_id_is_kept_under_a_new_one_and_said(tmp_path):
    files = [write(tmp_path / f"{n}.jsonl", entry("a", t)) for n, t in enumerate(["Cough", "Snail", "Snail"])]
    records, warnings = together("shelf", files)
    assert titles(records) == {"shelf:a": "Cough", "shelf:a#2": "Snail"}
    assert warnings == [
        "1.jsonl: shelf:a is other content than before; kept as shelf:a#2",
        "2.jsonl: shelf:a stands in an earlier file too; kept once",
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["one", "two", "three"])), min_size=1, max_size=5),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_every_different_content_is_kept_exactly_once_whatever_the_files(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("files")
    paths = [
        write(folder / f"{n}.jsonl", *(entry(key, title) for key, title in entries))
        for n, entries in enumerate(files)
    ]
    records, _ = together("shelf", paths)
    kept = [(record.record_id.split("#")[0].removeprefix("shelf:"), record.title) for record in records]
    assert set(kept) == {pair for entries in files for pair in entries}
    assert len({record.record_id for record in records}) == len(records)


def test_a_search_finds_and_says_what_could_not_be_read(tmp_path):
    path = write(tmp_path / "one.jsonl", entry("a", "Snail syrup for cough"), entry("b", "Horses"))
    path.write_text(path.read_text() + "no JSON\n")
    source: Source = LocalFiles("shelf", [path], tmp_path / "cache", kind="file")
    result = search(source, "cough[tiab]")
    assert [r.record_id for r in result.records] == ["shelf:a"]
    assert result.count == 1
    assert any("one.jsonl" in warning for warning in result.warnings)
    assert result.parameters["files"] == ["one.jsonl"]
    assert result.parameters["records_in_files"] == 2
    assert str(tmp_path) not in result.model_dump_json(), "no paths of this machine in what is stored"


def test_nothing_is_read_before_a_search_and_a_missing_file_is_no_empty_result(tmp_path):
    source = LocalFiles("shelf", [tmp_path / "gone.ris"], tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(InputFileError, match=r"gone\.ris"):
        search(source, "cough[tiab]")


def test_one_empty_file_among_others_is_not_passed_over(tmp_path):
    good = write(tmp_path / "good.jsonl", entry("a", "Cough"))
    (tmp_path / "empty.ris").write_text("")
    with pytest.raises(InputFileError, match=r"empty\.ris: the file is empty"):
        search(LocalFiles("shelf", [good, tmp_path / "empty.ris"], tmp_path / "cache"), "cough[tiab]")


def test_more_hits_than_the_limit_are_refused_and_not_cut(tmp_path):
    path = write(tmp_path / "one.jsonl", *(entry(str(n), f"Cough {n}") for n in range(5)))
    source = LocalFiles("shelf", [path], tmp_path / "cache")
    with pytest.raises(SourceRefused):
        search(source, "cough[tiab]", limit=4)
    assert search(source, "cough[tiab]", limit=5).count == 5


def test_a_changed_file_is_searched_as_it_is_now(tmp_path):
    path = write(tmp_path / "one.jsonl", entry("a", "Cough"))
    source = LocalFiles("shelf", [path], tmp_path / "cache")
    assert search(source, "snail[tiab]").count == 0
    write(path, entry("a", "Snail"))
    assert search(source, "snail[tiab]").count == 1
