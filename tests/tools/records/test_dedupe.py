"""Answers by hand, and the law that every record stays in exactly one group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.records.dedupe import doubts, group, title_key
from tools.schemas import Record

TITLE = "Warm socks for cold feet: a randomised trial."


def rec(key: str, title: str = TITLE, pmid: str | None = None, doi: str | None = None) -> Record:
    return Record(record_id=f"t:{key}", title=title, pmid=pmid, doi=doi)


def members(records: list[Record]) -> list[list[str]]:
    return [[m.removeprefix("t:") for m in g.member_ids] for g in group(records)]


def test_one_pmid_and_one_title_is_one_citation_led_by_the_first():
    records = [
        rec("b", pmid="7"),
        rec("x", "Other"),
        rec("a", "WARM SOCKS for cold feet - a randomised trial", "7"),
    ]
    assert members(records) == [["b", "a"], ["x"]]
    assert group(records)[0].leader_id == "t:b"
    assert group(records)[0].reason == "same PMID 7"
    assert group(records)[1].reason == ""


def test_one_doi_and_one_title_is_one_citation_though_one_lacks_the_pmid():
    records = [rec("a", pmid="7", doi="10.1234/x"), rec("b", doi="10.1234/x")]
    assert members(records) == [["a", "b"]]
    assert doubts(records) == []


def test_equal_titles_without_a_common_identifier_stay_apart():
    assert members([rec("a"), rec("b")]) == [["a"], ["b"]]
    assert doubts([rec("a"), rec("b")]) == []


def test_abstracts_that_share_their_proceedings_doi_are_doubts_not_duplicates():
    records = [rec(k, f"Abstract {k}", doi="10.1234/meeting") for k in "abcd"]
    assert members(records) == [["a"], ["b"], ["c"], ["d"]]
    found = doubts(records)
    assert [(d.first_id, d.second_id) for d in found] == [("t:a", "t:b"), ("t:a", "t:c"), ("t:a", "t:d")]
    assert found[0].reason == "same DOI 10.1234/meeting, different titles (4 records share it)"


def test_two_pmids_are_never_one_citation():
    """An erratum can carry the title and the DOI of its article."""
    records = [rec("a", pmid="7", doi="10.1234/x"), rec("b", pmid="8", doi="10.1234/x")]
    assert members(records) == [["a"], ["b"]]
    assert "different PMIDs" in doubts(records)[0].reason


def test_a_missing_title_joins_where_only_one_title_is_possible():
    assert members([rec("a", doi="10.1234/x"), rec("b", "", doi="10.1234/x")]) == [["a", "b"]]


def test_a_missing_title_that_fits_two_titles_is_a_doubt():
    records = [rec("a", "One", doi="10.1/x"), rec("b", "", doi="10.1/x"), rec("c", "Two", doi="10.1/x")]
    assert members(records) == [["a"], ["b"], ["c"]]
    assert [d.second_id for d in doubts(records)] == ["t:b", "t:c"]


def test_a_chain_never_brings_two_titles_together():
    """b has no title; it may join a by PMID, and then no longer c by DOI."""
    records = [rec("a", "One", pmid="7"), rec("b", "", pmid="7", doi="10.1/x"), rec("c", "Two", doi="10.1/x")]
    assert members(records) == [["a", "b"], ["c"]]
    assert [(d.first_id, d.second_id) for d in doubts(records)] == [("t:b", "t:c")]


def test_a_missing_pmid_that_fits_two_is_a_doubt():
    records = [rec("a", pmid="7", doi="10.1/x"), rec("b", doi="10.1/x"), rec("c", pmid="8", doi="10.1/x")]
    assert members(records) == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[Warme Socken.]", "Warme Socken"),
        ("β-blockers — again", "Β-Blockers: again"),
        ("The eﬀect", "the effect"),
    ],
)
def test_typography_does_not_make_another_title(one: str, other: str):
    assert title_key(one) == title_key(other)


def test_ids_must_be_unique():
    with pytest.raises(ValueError, match="unique"):
        group([rec("a"), rec("a")])


pool = st.lists(
    st.tuples(
        st.sampled_from(["", "One", "Two"]),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from([None, "10.1/x", "10.1/y"]),
    ),
    max_size=12,
)


@given(pool)
def test_every_record_is_in_one_group_and_no_group_mixes_titles_or_pmids(rows):
    records = [rec(str(i), title, pmid, doi) for i, (title, pmid, doi) in enumerate(rows)]
    groups = group(records)
    assert sorted(m for g in groups for m in g.member_ids) == sorted(r.record_id for r in records)
    by_id = {r.record_id: r for r in records}
    for g in groups:
        assert g.leader_id == g.member_ids[0]
        assert list(g.member_ids) == [r.record_id for r in records if r.record_id in g.member_ids]
        assert len({by_id[m].title for m in g.member_ids} - {""}) <= 1
        assert len({by_id[m].pmid for m in g.member_ids} - {None}) <= 1


@given(pool)
def test_a_shared_identifier_ends_as_a_join_or_as_a_doubt(rows):
    records = [rec(str(i), title, pmid, doi) for i, (title, pmid, doi) in enumerate(rows)]
    group_of = {m: g.leader_id for g in group(records) for m in g.member_ids}
    in_doubt = {group_of[i] for d in doubts(records) for i in (d.first_id, d.second_id)}
    for a in records:
        for b in records:
            same = (a.pmid and a.pmid == b.pmid) or (a.doi and a.doi == b.doi)
            if same and group_of[a.record_id] != group_of[b.record_id]:
                assert group_of[b.record_id] in in_doubt


@pytest.mark.shared
def test_two_exports_of_one_library_meet_in_their_dois(shared_data):
    """Five hundred records of one DOI each, brought twice under other ids: all meet, none twice."""
    from tools.search.sources.files import read_records

    path = shared_data / "dedup" / "exports" / "scopus_538.ris.gz"
    once, twice = (read_records(path, source=s).records for s in ("one", "two"))
    dois = [r.doi for r in once]
    known = {r.record_id for r in once if r.doi and r.title and dois.count(r.doi) == 1}
    joined = {g.leader_id: g for g in group([*once, *twice])}
    assert len(known) > 500
    assert all(len(joined[i].member_ids) == 2 for i in known)
