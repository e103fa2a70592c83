"""The retrieval bench at a small size: the readers are given the same, and the figures are of what they say.

Articles, corpus and strategies are invented.
"""

import gzip
import json

import pytest

from bench import retrieval
from tools.schemas import Record
from tools.search.pubmed_xml import parse_article_set

ARTICLE = (
    b'<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">%d</PMID>'
    b'<Article PubModel="Print"><Journal><JournalIssue CitedMedium="Print"><PubDate><Year>2001</Year></PubDate>'
    b"</JournalIssue></Journal><ArticleTitle>Socks</ArticleTitle><Pagination><MedlinePgn>1</MedlinePgn>"
    b'</Pagination><Language>eng</Language><PublicationTypeList><PublicationType UI="">Journal Article'
    b"</PublicationType></PublicationTypeList></Article><MedlineJournalInfo><MedlineTA>J</MedlineTA>"
    b"</MedlineJournalInfo><CommentsCorrectionsList><CommentsCorrections RefType='CommentIn'><RefSource>L"
    b'</RefSource><PMID Version="1">77</PMID></CommentsCorrections></CommentsCorrectionsList></MedlineCitation>'
    b"<PubmedData><PublicationStatus>ppublish</PublicationStatus><ArticleIdList>"
    b'<ArticleId IdType="pubmed">1</ArticleId></ArticleIdList></PubmedData></PubmedArticle>'
)


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.xml.gz"
    retrieval.write_articles(path, [ARTICLE % 3, ARTICLE % 4], 7)
    return path


def test_each_article_of_the_made_file_has_a_pmid_of_its_own(large):
    records = [item for item in parse_article_set(large) if isinstance(item, Record)]
    assert len({record.pmid for record in records}) == len(records) == 7
    assert {record.corrections[0].pmid for record in records} == {"77"}, "other PMIDs stay"


@pytest.mark.parametrize("reader", retrieval.READERS)
def test_every_reader_finds_all_records_of_the_file(large, reader):
    if reader == "pubmed_parser":
        pytest.importorskip("pubmed_parser")
    row = retrieval.read(reader, str(large))
    assert (row["records"], row["reader"]) == (7, reader)
    assert row["records_per_s"] == pytest.approx(7 / row["seconds"])


def test_several_files_are_counted_together(large):
    assert retrieval.files("1", str(large), str(large))["records"] == 14


def test_a_corpus_is_the_pool_and_then_texts_put_together_from_it(tmp_path, monkeypatch):
    monkeypatch.setattr(retrieval, "PER_FILE", 4)
    pool = tmp_path / "pool.jsonl.gz"
    rows = [{"title": f"Title {n} < & >", "abstract": f"{n}{n} begins; ends {n}{n}"} for n in range(3)]
    pool.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    names = retrieval.write_corpus(tmp_path, pool, 10)
    assert names == ["part0000.xml.gz", "part0001.xml.gz", "part0002.xml.gz"]
    records = [record for name in names for record in parse_article_set(tmp_path / name)]
    assert [record.pmid for record in records] == [str(n) for n in range(1, 11)]
    assert [(r.title, r.abstract) for r in records[:3]] == [(row["title"], row["abstract"]) for row in rows]
    assert {record.title for record in records[3:]} <= {row["title"] for row in rows}
    assert all(record.created and record.year for record in records)


def test_an_index_is_built_opened_and_asked(tmp_path):
    pool = tmp_path / "pool.jsonl.gz"
    pool.write_bytes(gzip.compress(json.dumps({"title": "Wool socks", "abstract": "They warm."}).encode()))
    names = retrieval.write_corpus(tmp_path, pool, 5)
    headings = tmp_path / "headings.jsonl"
    headings.write_text('{"descriptor": "Socks", "tree_numbers": ["A1"]}')
    retrieval.vocabulary(str(tmp_path), str(headings))
    built = retrieval.build(str(tmp_path), "1", *names)
    assert built["build_records_per_s"] == pytest.approx(5 / built["build_s"])
    words = " OR ".join(f"word{n}[ti]" for n in range(500))
    queries = tmp_path / "queries.jsonl.gz"
    queries.write_bytes(gzip.compress(json.dumps({"query": f"socks[mh] OR {words}"}).encode()))
    asked = retrieval.ask(str(tmp_path), str(queries), *names)
    assert (asked["strategies"], asked["sixty_in_one_or_hits"]) == (1, 5)
    assert asked["median_ms"] == asked["max_ms"] > 0
