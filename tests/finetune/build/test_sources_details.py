"""What single kinds of sources have to get right beyond the contract."""

import io
import json
import random
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from finetune.build.kinds import Paper, Review
from finetune.build.sources import READERS, Source, Unread
from finetune.build.sources.jats import licence_of
from finetune.build.sources.pubmed_xml import _Noting
from finetune.build.sources.source import year_in
from tests.finetune.build.source_examples import article, article_set, banks, jats
from tools.errors import InputFileError


def items(kind: str, path, licence: str = "CC0") -> list:
    return list(READERS[kind].read(path, Source(name="a", kind=kind, path=path, licence=licence)))


# PubMed ------------------------------------------------------------------------------------------------

SET = article_set(
    article("1", more=banks("NCT00000001", "NCT00000002")),
    article("2", abstract="As in NCT00000009."),
    article("3", more=banks("GSE1", "NCT00000003")),
).encode()


class Pieces(io.BytesIO):
    """A stream that gives as little as it is told to."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        super().__init__(data)
        self._sizes = sizes

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._sizes.pop(0) if self._sizes else size)


@given(st.lists(st.integers(1, 700), max_size=40))
def test_data_banks_are_noted_wherever_the_stream_is_cut(sizes):
    noting = _Noting(Pieces(SET, sizes))
    while noting.read(65_536):
        pass
    assert {pmid: list(n) for pmid, n in noting.numbers.items()} == {
        "1": ["NCT00000001", "NCT00000002"],
        "3": ["NCT00000003"],
    }


def test_real_data_banks_are_told_from_abstracts(shared_data):
    path = next(p for p in READERS["pubmed_xml"].parts(shared_data / "pubmed" / "xml") if _names(p.path)).path
    links = [one for one in items("pubmed_xml", path) if getattr(one, "evidence", "") == "databank"]
    assert [one.nct_id for one in links] == ["NCT00717236"]


def _names(path) -> bool:
    import gzip

    return b"<AccessionNumber>NCT" in gzip.decompress(path.read_bytes())


# Full texts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "licence"),
    [
        ('<license href="http://creativecommons.org/licenses/by/2.0"/>', "CC BY 2.0"),
        (
            '<license href="https://creativecommons.org/licenses/by-nc-nd/4.0/"><p>x</p></license>',
            "CC BY-NC-ND 4.0",
        ),
        ('<license href="https://creativecommons.org/publicdomain/zero/1.0/"/>', "CC0"),
        (
            "<license><p>See https://creativecommons.org/licenses/by-sa/3.0/ for it.</p></license>",
            "CC BY-SA 3.0",
        ),
        ("<license><p>the Creative Commons Attribution Non-Commercial License</p></license>", "CC BY-NC"),
        ("<license><p>the Creative Commons Attribution License, which permits all</p></license>", "CC BY"),
        ("<copyright-statement>All rights reserved.</copyright-statement>", ""),
        ("", ""),
    ],
)
def test_licences_as_articles_state_them(permissions, licence):
    meta = etree.fromstring(f"<article-meta><permissions>{permissions}</permissions></article-meta>")
    assert licence_of(meta) == licence
    assert licence_of(None) == ""


def test_licences_and_years_of_real_articles(shared_data):
    papers = [
        p for part in READERS["jats"].parts(shared_data / "jats")[:25] for p in items("jats", part.path)
    ]
    assert len(papers) == 25
    assert all(p.licence.startswith("CC") for p in papers)
    assert all(2000 <= p.year <= 2026 for p in papers)
    assert all(p.report_id == p.pmcid == p.text.report_id for p in papers)


# Registry ----------------------------------------------------------------------------------------------


def test_real_answers_of_the_registry_old_and_new(shared_data):
    old = items("ctgov", shared_data / "ctgov" / "results_1.json.gz")
    new = [
        t
        for p in READERS["ctgov"].parts(shared_data / "api_captures" / "ctgov")
        for t in items("ctgov", p.path)
    ]
    assert (len(old), len(new)) == (100, 25)
    assert all(not isinstance(t, Unread) and t.document["protocolSection"] for t in (*old, *new))
    kept = [
        t for p in READERS["ctgov"].parts(shared_data / "ctgov" / "studies") for t in items("ctgov", p.path)
    ]
    assert len(kept) == 16
    assert sum(t.has_results for t in kept) >= 5


# Full texts in archives --------------------------------------------------------------------------------


def packed(path, **files: str):
    with tarfile.open(path, "w:gz") as box:
        for name, text in files.items():
            member = tarfile.TarInfo(f"PMC0/{name.replace('_', '.')}")
            member.size = len(text.encode())
            box.addfile(member, io.BytesIO(text.encode()))
    return path


def test_an_archive_gives_its_articles_as_single_files_do(tmp_path):
    texts = {f"PMC{n}_xml": jats(f"PMC{n}", pmid=str(n)) for n in (1, 2)}
    path = packed(
        tmp_path / "oa.tar.gz", **texts, list_csv="a,b", PMC3_xml="<article><front>", PMC4_nxml=jats("PMC4")
    )
    found = items("jats", path)
    for n in (1, 2):
        (tmp_path / f"PMC{n}.xml").write_text(texts[f"PMC{n}_xml"])
        assert found[n - 1] == items("jats", tmp_path / f"PMC{n}.xml")[0]
    assert [type(one) for one in found[2:]] == [Unread, Paper]
    assert found[2].what == "PMC3.xml"
    assert [part.path.name for part in READERS["jats"].parts(tmp_path)] == [
        "PMC1.xml",
        "PMC2.xml",
        "oa.tar.gz",
    ]


def test_an_archive_that_is_cut_off_gives_what_came_before_and_says_so(tmp_path):
    chance = random.Random("cut")
    body = "<p>" + " ".join(str(chance.random()) for _ in range(4000)) + "</p>"
    path = packed(tmp_path / "oa.tar.gz", PMC1_xml=jats("PMC1"), PMC2_xml=jats("PMC2", body=body))
    path.write_bytes(path.read_bytes()[:-20_000])
    first, last = items("jats", path)
    assert first.report_id == "PMC1"
    assert last.what == "oa.tar.gz"
    assert last.why.startswith("damaged file: ")


# Lists of reviews --------------------------------------------------------------------------------------


def test_a_table_of_reviews_without_its_columns_says_which_and_what_it_has(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("Review,PubMed ID\n1,2\n")
    with pytest.raises(
        InputFileError, match="no column review_id and no column pmid; it has: review, pubmed id"
    ):
        items("reviews_csv", path)


def test_a_table_may_be_quoted_have_a_mark_in_front_and_name_a_record_twice(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(
        '\ufeff"review_id","pmid","label","title"\r\n"r1","1","0","Tea, hot"\r\n"r1","1","1",""\r\n'.encode()
    )
    review, candidate = items("reviews_csv", path)
    assert (review.title, review.included, candidate.final) == ("Tea, hot", ("1",), True)


def test_a_table_may_tell_the_elements_of_a_review(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(
        "review_id,pmid,title,population,intervention\nr1,1,Tea,adults; thirsty people,tea\nr1,2,,,\nr2,3,,,\n"
    )
    first, second = (one for one in items("reviews_csv", path) if isinstance(one, Review))
    assert first.elements == {"population": ("adults", "thirsty people"), "intervention": ("tea",)}
    assert [(c.id, c.kind, c.element, c.text) for c in first.criteria] == [
        ("population", "include", "population", "adults; thirsty people"),
        ("intervention", "include", "intervention", "tea"),
    ]
    assert (second.elements, second.criteria) == ({}, ())


def test_ms2_without_its_backgrounds_and_with_a_review_in_two_places(tmp_path):
    path = tmp_path / "dev-inputs.csv"
    path.write_text(",ReviewID,PMID,Title,Abstract\n0,5,1,Tea,Hot.\n1,6,2,Ale,\n2,5,3,Milk,\n")
    found = items("ms2", path)
    assert [(r.review_id, r.included, r.title) for r in found[:2]] == [
        ("a:5", ("1", "3"), "Review 5"),
        ("a:6", ("2",), "Review 6"),
    ]
    assert [(c.review_id, c.record.pmid) for c in found[2:]] == [("a:5", "1"), ("a:6", "2"), ("a:5", "3")]


def test_an_empty_or_foreign_ms2_table_says_what_it_lacks(tmp_path):
    path = tmp_path / "dev-inputs.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputFileError, match="no column ReviewID, PMID; it has: a, b"):
        items("ms2", path)


def test_real_topics_with_strategies_in_pubmed_only(shared_data):
    parts = READERS["clef_tar"].parts(shared_data / "queries" / "clef")
    reviews = [r for p in parts for r in items("clef_tar", p.path) if not isinstance(r, Unread)]
    assert len({r.review_id for r in reviews}) > 70
    strategies = [s for r in reviews for s in r.strategies]
    assert len(strategies) >= 10
    assert not any(sign in s for s in strategies for sign in (".tw.", ".mp.", "adj3", "or/1"))


@pytest.mark.parametrize(
    ("given", "year"), [("1999 Jan", 1999), (2004, 2004), ("31/12/2019", 2019), (None, None), ("12345", None)]
)
def test_years(given, year):
    assert year_in(given) == year


def test_lines_that_are_no_json_do_not_hide_the_others(tmp_path):
    path = tmp_path / "pool.jsonl"
    path.write_text('{"pmid": "1", "title": "a"}\nnull\n\n' + json.dumps({"pmid": "2", "title": "b"}))
    assert [type(i).__name__ for i in items("pool", path)] == ["Record", "Unread", "Record"]
