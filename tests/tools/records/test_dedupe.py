"""Answers by hand, and the law that every record stays in exactly one group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.records.decisions import DuplicateDecision
from tools.records.dedupe import doubts, group, related, sort_out, title_key
from tools.schemas import Correction, Record

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


def test_equal_titles_and_nothing_else_are_a_question_for_a_person():
    assert members([rec("a"), rec("b")]) == [["a"], ["b"]]
    assert [(d.first_id, d.second_id) for d in doubts([rec("a"), rec("b")])] == [("t:a", "t:b")]


def test_two_titles_of_one_doi_are_a_question():
    records = [rec("a", doi="10.1234/x"), rec("b", "Cold feet and other matters", doi="10.1234/x")]
    assert members(records) == [["a"], ["b"]]
    assert "DOI same" in doubts(records)[0].reason


def test_abstracts_that_share_their_proceedings_doi_are_neither_duplicates_nor_questions():
    titles = ("Warm socks", "Cold hands in winter", "A hat for every head", "Gloves: a survey of users")
    records = [rec(str(i), title, doi="10.1234/meeting") for i, title in enumerate(titles)]
    assert members(records) == [["0"], ["1"], ["2"], ["3"]]
    assert doubts(records) == []


def test_ten_records_of_one_title_are_nine_questions():
    found = doubts([rec(str(i)) for i in range(10)])
    assert len(found) == 9
    assert {i for d in found for i in (d.first_id, d.second_id)} == {f"t:{i}" for i in range(10)}


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
    assert {i for d in doubts(records) for i in (d.first_id, d.second_id)} == {"t:a", "t:b", "t:c"}


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
        assert len({by_id[m].doi for m in g.member_ids} - {None}) <= 1


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


# Fields together -----------------------------------------------------------------------------------

TEXT = "Background: feet are cold. Methods: we gave socks to forty people and watched them. " * 4

PRINTED = Record(
    record_id="t:printed",
    title=TITLE,
    abstract=TEXT,
    authors=("Arden, Ann Marie", "Birch, Carl", "Cole, Di"),
    year=2011,
    journal="Annals of Invented Footwear",
    volume="12",
    issue="3",
    pages="1008-1012",
    issn="1234-567X",
    pmid="7",
    doi="10.1234/socks",
)
"""Invented, as all records here."""

BARE = {"pmid": None, "doi": None, "issn": ""}


def like(key: str, **changes: object) -> Record:
    return PRINTED.model_copy(update={"record_id": f"t:{key}", **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"pages": "1008-12", "journal": "Ann Invent Footwear"},
        {"authors": ("A. M. Arden", "C. Birch"), "volume": "12 (3)", "abstract": ""},
        {"authors": ("Arden AM", "et al"), "year": 2012},
        {"title": "WARM SOCKS FOR COLD FEET: A RANDOMISED TRIAL. [Review] [45 refs]", "abstract": ""},
        {"title": TITLE.replace("socks", "scoks"), "pages": "1008"},
        {"pages": "", "volume": "", "abstract": TEXT + " \u00a9 2011 An Invented Press."},
        {"volume": "1", "issue": "Suppl"},
        {"doi": "10.1234/SOCKS", "authors": (), "journal": "", "pages": "", "abstract": ""},
        {"authors": ("Birch, Carl", "Arden, Ann Marie", "Cole, Di"), "abstract": ""},
    ],
)
def test_one_citation_as_another_database_prints_it_is_joined(changes):
    other = like("other", **{**BARE, **changes})
    assert members([PRINTED, other]) == [["printed", "other"]]
    assert doubts([PRINTED, other]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"pmid": "8", "doi": None},
        {"pmid": None, "doi": "10.1234/other"},
        {**BARE, "year": 2013},
        {**BARE, "title": f"Erratum: {TITLE}"},
        {**BARE, "title": f"{TITLE} Part II"},
        {**BARE, "title": f"Study protocol: {TITLE}"},
        {**BARE, "title": f"Withdrawn: {TITLE}"},
        {**BARE, "title": f"Reply to: {TITLE}"},
        {**BARE, "journal": "Journal of Other Shoes", "pages": "S12", "issue": "Suppl 1", "volume": "3"},
        {**BARE, "journal": "medRxiv", "volume": "", "pages": "", "publication_types": ("Preprint",)},
        {"pmid": None, "title": "Gloves", "pages": "1013", "authors": ("Dorn, Eve",), "abstract": ""},
    ],
)
def test_what_speaks_against_a_join_is_never_overruled_by_the_machine(changes):
    assert members([PRINTED, like("other", **changes)]) == [["printed"], ["other"]]


def test_a_chain_that_would_bring_two_pmids_together_becomes_questions():
    """The middle one has no PMID and fits both by every other field."""
    one = like("one", doi=None)
    middle = like("middle", **BARE)
    other = like("other", pmid="8", doi=None)
    out = sort_out([one, middle, other])
    assert [g.member_ids for g in out.groups] == [("t:one",), ("t:middle",), ("t:other",)]
    assert {i for d in out.doubts for i in (d.first_id, d.second_id)} == {"t:one", "t:middle", "t:other"}


def test_letters_that_matter_are_not_taken_for_errors_of_typing():
    one = like("c", **BARE, title="Vitamin C supplementation in pregnancy", pages="", abstract="")
    other = like("e", **BARE, title="Vitamin E supplementation in pregnancy", pages="", abstract="")
    assert members([one, other]) == [["c"], ["e"]]


def test_versions_of_a_cochrane_review_stay_apart():
    title, journal = "Socks for cold feet in adults", "Cochrane Database of Systematic Reviews"
    one = like("one", **BARE, title=title, journal=journal, year=2010, pages="CD000001", volume="")
    other = like("other", **BARE, title=title, journal=journal, year=2011, pages="CD000001", volume="")
    assert members([one, other]) == [["one"], ["other"]]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (
            {
                "journal": "medRxiv",
                "volume": "",
                "issue": "",
                "pages": "",
                "doi": "10.1101/2010.05.06.10101010",
            },
            "preprint",
        ),
        (
            {"publication_types": ("Conference abstract",), "journal": "Socks", "pages": "S3", "year": 2010},
            "conference",
        ),
        ({"title": f"Study protocol: {TITLE}", "year": 2010, "pages": "3"}, "protocol"),
    ],
)
def test_what_belongs_together_without_being_one_citation_is_linked(changes, kind):
    other = like("other", **{**BARE, **changes})
    found = related([PRINTED, other])
    assert [(link.kind, link.first_id, link.second_id) for link in found] == [(kind, "t:printed", "t:other")]
    assert doubts([PRINTED, other]) == []


def test_what_a_source_says_about_two_records_is_a_link():
    notice = like(
        "notice", title="Erratum", pmid="9", doi=None, corrections=(Correction(kind="ErratumFor", pmid="7"),)
    )
    assert [(k.kind, k.first_id, k.second_id) for k in related([PRINTED, notice])] == [
        ("ErratumFor", "t:notice", "t:printed")
    ]


def test_one_registry_entry_from_two_exports_is_one_record_and_two_entries_are_two():
    live = Record(
        record_id="ctgov:NCT00000001", title="Socks, official title", authors=("A Sponsor",), year=2009
    )
    export = Record(
        record_id="central:17",
        title="Warm feet study",
        registry_ids=("NCT00000001",),
        publication_types=("Trial registry record",),
    )
    twin = Record(
        record_id="ctgov:NCT00000002", title="Socks, official title", authors=("A Sponsor",), year=2009
    )
    assert [g.member_ids for g in group([live, export, twin])] == [
        ("ctgov:NCT00000001", "central:17"),
        ("ctgov:NCT00000002",),
    ]


# People --------------------------------------------------------------------------------------------


def word(kind: str, *keys: str) -> DuplicateDecision:
    return DuplicateDecision(kind=kind, record_ids=tuple(f"t:{k}" for k in keys), by="Ada", why="I looked")


def decided(records: list[Record], *words: DuplicateDecision) -> list[list[str]]:
    return [[m.removeprefix("t:") for m in g.member_ids] for g in group(records, words)]


def test_a_person_joins_what_the_machine_only_asks_about_and_is_named():
    records = [rec("a"), rec("b")]
    (joined,) = group(records, [word("same", "a", "b")])
    assert joined.member_ids == ("t:a", "t:b")
    assert joined.reason == "person:Ada: I looked"
    assert doubts(records, [word("same", "a", "b")]) == []


def test_a_person_may_join_two_pmids_and_what_fits_one_of_them_comes_along():
    records = [rec("a", pmid="7"), rec("b", pmid="8"), rec("c", pmid="8")]
    assert decided(records, word("same", "a", "b")) == [["a", "b", "c"]]


def test_a_person_parts_what_the_machine_joined_and_is_not_asked_again():
    records = [rec("a", pmid="7"), rec("b", pmid="7")]
    words = [word("different", "a", "b")]
    assert decided(records, *words) == [["a"], ["b"]]
    assert doubts(records, words) == []


def test_a_third_that_fitted_both_parts_becomes_a_question():
    records = [rec("a", pmid="7"), rec("b", pmid="7"), rec("c", pmid="7")]
    words = [word("different", "a", "b")]
    assert decided(records, *words) == [["a"], ["b"], ["c"]]
    assert {frozenset((d.first_id, d.second_id)) for d in doubts(records, words)} == {
        frozenset(("t:a", "t:c")),
        frozenset(("t:b", "t:c")),
    }


def test_the_later_word_wins_pair_by_pair():
    records = [rec("a"), rec("b"), rec("c")]
    together, apart = word("same", "a", "b", "c"), word("different", "a", "b")
    assert decided(records, together) == [["a", "b", "c"]]
    assert decided(records, apart, together) == [["a", "b", "c"]]
    later = decided(records, together, apart)
    assert not any({"a", "b"} <= set(members_) for members_ in later)


def test_words_about_records_that_are_gone_are_passed_over():
    assert decided([rec("a")], word("same", "a", "gone")) == [["a"]]


words = st.lists(
    st.tuples(
        st.sampled_from(["same", "different"]),
        st.lists(st.integers(0, 11), min_size=2, max_size=4, unique=True),
    ),
    max_size=5,
)


@given(pool, words)
def test_whatever_people_say_every_record_stays_in_one_group_and_the_last_word_holds(rows, said):
    records = [rec(str(i), title, pmid, doi) for i, (title, pmid, doi) in enumerate(rows)]
    spoken = [word(kind, *map(str, keys)) for kind, keys in said]
    groups = group(records, spoken)
    assert sorted(m for g in groups for m in g.member_ids) == sorted(r.record_id for r in records)
    last = set(spoken[-1].record_ids) & {r.record_id for r in records} if spoken else set()
    if last:
        inside = [last & set(g.member_ids) for g in groups]
        if spoken[-1].kind == "same":
            assert any(part == last for part in inside)
        else:
            assert all(len(part) <= 1 for part in inside)


# Real data -----------------------------------------------------------------------------------------


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
