"""Several exports as one corpus: nothing lost, nothing twice, and everything odd is said."""

import gzip
import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.errors import InputFileError, SourceRefused
from tools.search.query import parse
from tools.search.sources.base import DateRange, Source
from tools.search.sources.local_files import LocalFiles

ALWAYS = DateRange()


def write(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def entry(key, title):
    return {"record_id": key, "title": title, "keywords": ["all"]}


def article(pmid, title, *, created=None):
    """A least article of PubMed's XML."""
    year, month, day = (created or "2020-01-01").split("-")
    date = f"<Year>{year}</Year><Month>{month}</Month><Day>{day}</Day>"
    history = f"<History><PubMedPubDate PubStatus='entrez'>{date}</PubMedPubDate></History>"
    return (
        f"<PubmedArticle><MedlineCitation><PMID Version='1'>{pmid}</PMID><Article><ArticleTitle>{title}"
        "</ArticleTitle></Article><KeywordList><Keyword>all</Keyword></KeywordList></MedlineCitation>"
        f"<PubmedData>{history if created else ''}</PubmedData></PubmedArticle>"
    )


def write_xml(path, *articles, deleted=()):
    """A file of NLM's: articles, then the PMIDs that are no more."""
    gone = "".join(f"<PMID>{pmid}</PMID>" for pmid in deleted)
    end = f"<DeleteCitation>{gone}</DeleteCitation>" if deleted else ""
    path.write_bytes(gzip.compress(f"<PubmedArticleSet>{''.join(articles)}{end}</PubmedArticleSet>".encode()))
    return path


def titles(records):
    return {record.record_id: record.title for record in records}


def search(source, text, limit=100, dates=ALWAYS):
    return source.search(parse(text), search_id="s1", dates=dates, limit=limit)


def together(paths, folder, name="shelf"):
    """All records of these files as one corpus, and what is said about the files."""
    found = search(LocalFiles(name, paths, folder / "cache"), "all[ot]")
    return found.records, [w for w in found.warnings if any(w.startswith(p.name) for p in paths)]


def test_files_are_one_corpus_in_their_order(tmp_path):
    one = write(tmp_path / "one.jsonl", entry("a", "Cough"), entry("b", "Snail"))
    two = write(tmp_path / "two.jsonl", entry("c", "Syrup"))
    records, warnings = together([one, two], tmp_path)
    assert titles(records) == {"shelf:a": "Cough", "shelf:b": "Snail", "shelf:c": "Syrup"}
    assert warnings == []


def test_the_same_record_in_two_files_is_kept_once_and_said(tmp_path):
    one = write(tmp_path / "one.jsonl", entry("a", "Cough"))
    two = write(tmp_path / "two.jsonl", entry("a", "Cough"), entry("b", "Snail"))
    records, warnings = together([one, two], tmp_path)
    assert titles(records) == {"shelf:a": "Cough", "shelf:b": "Snail"}
    assert warnings == ["two.jsonl: shelf:a stands in an earlier file too; kept once"]


def test_another_record_under_the_same_id_is_kept_under_a_new_one_and_said(tmp_path):
    files = [write(tmp_path / f"{n}.jsonl", entry("a", t)) for n, t in enumerate(["Cough", "Snail", "Snail"])]
    records, warnings = together(files, tmp_path)
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
    records, _ = together(paths, folder)
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


# PubMed XML: a baseline and its updates -----------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_later_file_says_what_has_become_of_a_pmid(tmp_path, workers):
    files = [
        write_xml(tmp_path / "1.xml.gz", article(1, "Cough"), article(2, "Snail"), article(3, "Horse")),
        write_xml(tmp_path / "2.xml.gz", article(2, "Snail syrup"), article(4, "Bee"), deleted=[3, 99]),
        write_xml(tmp_path / "3.xml.gz", article(1, "Cough"), article(4, "Bees"), article(4, "Bee hives")),
    ]
    source = LocalFiles("shelf", files, tmp_path / "cache", workers=workers)
    found = search(source, "all[ot]")
    assert titles(found.records) == {"shelf:1": "Cough", "shelf:2": "Snail syrup", "shelf:4": "Bee hives"}
    assert found.parameters["corpus_records"] == found.parameters["records_in_files"] == 3
    assert search(source, "snail[ti] OR horse[ti] OR bees[ti]").count == 1
    assert [w for w in found.warnings if ".xml.gz" in w] == [
        "2.xml.gz: 1 PMIDs are later versions; they replace the earlier ones (2)",
        "2.xml.gz: 2 PMIDs are deleted or merged by PubMed: no records (3, 99)",
        "3.xml.gz: 1 PMIDs are the same as before; kept once (1)",
        "3.xml.gz: 2 PMIDs are later versions; they replace the earlier ones (4, 4)",
    ]


def test_what_was_deleted_is_no_longer_a_value_either(tmp_path):
    """Fields are counted for what is said about them; replaced records must not count."""
    one = write_xml(tmp_path / "1.xml.gz", article(1, "Cough", created="2020-02-03"), article(2, "Snail"))
    two = write_xml(tmp_path / "2.xml.gz", article(3, "Bee"), deleted=[1])
    source = LocalFiles("shelf", [one, two], tmp_path / "cache")
    found = search(source, "all[ot] AND 2020/02/03[crdt]")
    assert titles(found.records) == {"shelf:2": "Snail", "shelf:3": "Bee"}
    assert any("[crdt]" in warning and "dropped" in warning for warning in found.warnings)
    assert search(source, "all[ot] NOT 1[pmid]").count == 2


def test_a_pmid_of_an_export_is_not_replaced_by_pubmeds_own_record(tmp_path):
    export = write(tmp_path / "a.jsonl", {"pmid": "1", "title": "Cough, as exported", "keywords": ["all"]})
    xml = write_xml(tmp_path / "b.xml.gz", article(1, "Cough"))
    found = search(LocalFiles("shelf", [export, xml], tmp_path / "cache"), "all[ot]")
    assert titles(found.records) == {"shelf:1": "Cough, as exported", "shelf:1#2": "Cough"}
    assert any("kept as shelf:1#2" in warning for warning in found.warnings)


def test_an_article_that_cannot_be_read_is_said_and_a_set_without_articles_is_an_error(tmp_path):
    path = write_xml(tmp_path / "1.xml.gz", article(1, "Cough"), article("", "Snail"))
    found = search(LocalFiles("shelf", [path], tmp_path / "cache"), "all[ot]")
    assert found.count == 1
    assert any("1.xml.gz: article 2" in warning for warning in found.warnings)
    with pytest.raises(InputFileError, match=r"2\.xml\.gz: no record"):
        search(LocalFiles("shelf", [path, write_xml(tmp_path / "2.xml.gz")], tmp_path / "cache"), "all[ot]")


# The index ----------------------------------------------------------------------------------------


def test_the_index_alone_answers_the_second_search(tmp_path, monkeypatch):
    path = write_xml(tmp_path / "1.xml.gz", article(1, "Cough"), article(2, "Snail"))
    other = write(tmp_path / "2.jsonl", entry("a", "Snail syrup"))
    first = search(LocalFiles("shelf", [path, other], tmp_path / "cache"), "snail[ti]")
    for reader in ("read_records", "parse_article_set"):
        monkeypatch.setattr(f"tools.search.sources.local_files.{reader}", None)
    again = search(LocalFiles("shelf", [path, other], tmp_path / "cache"), "snail[ti]")
    assert again == first
    assert [r.record_id for r in again.records] == ["shelf:2", "shelf:a"]


def test_a_copy_of_the_files_elsewhere_is_the_same_corpus(tmp_path, monkeypatch):
    path = write(tmp_path / "1.jsonl", entry("a", "Snail syrup"))
    first = search(LocalFiles("shelf", [path], tmp_path / "cache"), "snail[ti]")
    (tmp_path / "moved").mkdir()
    moved = shutil.move(path, tmp_path / "moved" / "1.jsonl")
    monkeypatch.setattr("tools.search.sources.local_files.read_records", None)
    assert search(LocalFiles("shelf", [moved], tmp_path / "cache"), "snail[ti]") == first


def test_a_file_that_was_not_touched_for_a_while_is_not_even_hashed(tmp_path, monkeypatch):
    path = write(tmp_path / "1.jsonl", entry("a", "Snail syrup"))
    long_ago = path.stat().st_mtime_ns + 10 * 10**9
    monkeypatch.setattr("tools.search.sources.local_files.time.time_ns", lambda: long_ago)
    source = LocalFiles("shelf", [path], tmp_path / "cache")
    assert search(source, "snail[ti]").count == 1
    with monkeypatch.context() as patch:
        patch.setattr("tools.search.sources.local_files.file_digest", None)
        assert search(source, "snail[ti]").count == 1
    write(path, entry("a", "Horse"))
    assert search(source, "snail[ti]").count == 0


def test_a_file_that_changes_while_it_is_read_gives_no_index_of_a_mixture(tmp_path, monkeypatch):
    path = write(tmp_path / "1.jsonl", entry("a", "Snail syrup"))

    def touched(done, total):
        write(path, entry("a", "Horse"), entry("b", "Cow"))

    with pytest.raises(InputFileError, match="changed while they were read"):
        search(LocalFiles("shelf", [path], tmp_path / "cache", progress=touched), "snail[ti]")
    assert search(LocalFiles("shelf", [path], tmp_path / "cache"), "horse[ti]").count == 1


def test_a_damaged_index_of_files_is_built_again(tmp_path):
    path = write(tmp_path / "1.jsonl", entry("a", "Snail syrup"))
    search(LocalFiles("shelf", [path], tmp_path / "cache"), "snail[ti]")
    (index,) = (tmp_path / "cache").glob("*.sqlite")
    index.write_bytes(b"no database")
    assert search(LocalFiles("shelf", [path], tmp_path / "cache"), "snail[ti]").count == 1


def test_progress_is_told_file_by_file(tmp_path):
    files = [write(tmp_path / f"{n}.jsonl", entry(str(n), "Snail")) for n in range(3)]
    told = []
    source = LocalFiles("shelf", files, tmp_path / "cache", progress=lambda *done: told.append(done))
    search(source, "snail[ti]")
    search(source, "snail[ti]")
    assert told == [(1, 3), (2, 3), (3, 3)]


# Counting -----------------------------------------------------------------------------------------


def test_a_probe_counts_all_hits_and_lists_the_pmids_of_the_first(tmp_path):
    path = write(
        tmp_path / "1.jsonl",
        entry("a", "Snail"),
        *({"pmid": str(n), "title": f"Snail {n}"} for n in range(9, 4, -1)),
    )
    (tmp_path / "1.jsonl").write_text(path.read_text() + "no JSON\n")
    source = LocalFiles("shelf", [path], tmp_path / "cache")
    probe = source.probe(parse("snail[ti] OR nurses[sh]"), search_id="s", dates=ALWAYS, pmids=3)
    assert (probe.count, probe.pmids, probe.query_sent) == (6, ("9", "8", "7"), "snail[ti]")
    assert any("nurses[sh]" in warning for warning in probe.warnings)
    assert any("1.jsonl" in warning for warning in probe.warnings)
    assert source.probe(parse("snail[ti]"), search_id="s", dates=ALWAYS).pmids == ()


def test_a_table_with_unusual_headers_is_read_by_the_columns_that_are_named(tmp_path):
    table = tmp_path / "export.csv"
    table.write_text("Name of paper,What it says,Study authors\nSnail syrup,Nobody coughed,Invented A\n")
    columns = {"title": "Name of paper", "abstract": "What it says"}
    source = LocalFiles("shelf", [table], tmp_path / "cache", columns=columns)
    found = source.search(parse("snail[ti] AND coughed[tiab]"), search_id="s", dates=DateRange(), limit=10)
    assert [record.title for record in found.records] == ["Snail syrup"]
    other = LocalFiles("shelf", [table], tmp_path / "cache", columns={"title": "What it says"})
    assert other.probe(parse("coughed[ti]"), search_id="s", dates=DateRange()).count == 1, (
        "an index of its own"
    )
