"""Many files of PubMed XML: read in their order, whatever is ready first, and one bad file spoils no other."""

import gzip

import pytest

from tools.errors import InputFileError
from tools.schemas import Record
from tools.search.pubmed_files import Broken, parse_files, spooled
from tools.search.pubmed_xml import Deleted, Unreadable

ARTICLE = (
    "<PubmedArticle><MedlineCitation><PMID Version='1'>{}</PMID><Article><ArticleTitle>Invented</ArticleTitle>"
    "</Article></MedlineCitation></PubmedArticle>"
)


@pytest.fixture
def paths(tmp_path):
    """A large file, a cut one, one that is not there, a gzipped one with a deletion."""
    large = "".join(map(ARTICLE.format, range(1, 1_201)))
    texts = {
        "1.xml": f"<PubmedArticleSet>{large}</PubmedArticleSet>",
        "2.xml": f"<PubmedArticleSet>{ARTICLE.format(5)}",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    last = f"<PubmedArticleSet>{ARTICLE.format('')}<DeleteCitation><PMID>9</PMID></DeleteCitation></PubmedArticleSet>"
    (tmp_path / "4.xml.gz").write_bytes(gzip.compress(last.encode()))
    return [tmp_path / name for name in ("1.xml", "2.xml", "3.xml", "4.xml.gz")]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_file_gives_what_it_holds_in_order_and_a_bad_one_says_so(paths, workers):
    found = [(path.name, item) for path, item in parse_files(paths, name="x", workers=workers)]
    records = [(name, item.record_id) for name, item in found if isinstance(item, Record)]
    assert records == [("1.xml", f"x:{n}") for n in range(1, 1_201)] + [("2.xml", "x:5")]
    others = [(name, type(item)) for name, item in found if not isinstance(item, Record)]
    assert others == [("2.xml", Broken), ("3.xml", Broken), ("4.xml.gz", Unreadable), ("4.xml.gz", Deleted)]
    assert "2.xml" in next(item.reason for _, item in found if isinstance(item, Broken))


def halves(number):
    """Job of a worker: fails for odd numbers."""
    if number % 2:
        raise InputFileError(f"{number} is odd")
    return [number // 2]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_worker_is_an_error_here(workers):
    results = spooled(halves, [4, 8, 9, 2], workers=workers)
    assert [next(results), next(results)] == [(4, 2), (8, 4)]
    with pytest.raises(InputFileError, match="9 is odd"):
        next(results)


def test_nothing_is_left_behind_where_the_reading_stops_early(paths, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    results = parse_files(paths, workers=2)
    next(results)
    assert list(tmp_path.glob("spool-*"))
    results.close()
    assert not list(tmp_path.glob("spool-*"))
