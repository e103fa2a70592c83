"""Which reports are one study: by shared registration, by hand, and when to doubt it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import NotAllowed
from tools.records.linking import HandLink, about_leaders, as_told_by_all, registry_ids, registry_of, studies
from tools.schemas import Correction, Record

N1, N2, N3 = "NCT00000001", "NCT00000002", "NCT00000003"
I1, I2 = "ISRCTN00000001", "ISRCTN00000002"


def rep(key: str, *numbers: str) -> Record:
    return Record(record_id=key, title=key, registry_ids=numbers)


def groups(reports: list[Record], *links: HandLink) -> list[list[str]]:
    return [list(s.report_ids) for s in studies(reports, links)]


def join(*ids: str, by: str = "Ada") -> HandLink:
    return HandLink(kind="join", report_ids=ids, by=by, why="same centre and dates")


def split(*ids: str, by: str = "Ada") -> HandLink:
    return HandLink(kind="split", report_ids=ids, by=by, why="wrong number in the paper")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("registered (NCT01234567).", ("NCT01234567",)),
        ("nct 01234567 and NCT01234567", ("NCT01234567",)),
        ("ISRCTN-12345678; EudraCT number: 2010-012345-67", ("ISRCTN12345678", "EudraCT 2010-012345-67")),
        ("EudraCT no. 2010-012345-67", ("EudraCT 2010-012345-67",)),
        ("2022-501234-12-00", ("EUCT 2022-501234-12-00",)),
        ("JPRN-UMIN000012345, jrcts031180001", ("UMIN000012345", "jRCTs031180001")),
        ("chictr2000012345 ChiCTR-TRC-08000123", ("ChiCTR2000012345", "ChiCTR-TRC-08000123")),
        ("ACTRN12605000123456 DRKS00001234", ("ACTRN12605000123456", "DRKS00001234")),
        ("CTRI/2015/06/005123, RBR-2ab3cd", ("CTRI/2015/06/005123", "RBR-2ab3cd")),
        ("rbr-2AB3CD", ("RBR-2ab3cd",)),
        ("Dutch register NTR123", ("NTR123",)),
        ("now nl-omon4123 and NL-OMON51234", ("NL-OMON4123", "NL-OMON51234")),
        ("SLCTR/2015/012", ("SLCTR/2015/012",)),
        ("NCT0123456 NCT012345678 XNCT01234567", ()),
        ("in 2010-2012 we saw 012345-67 cases", ()),
    ],
)
def test_registrations_are_read_in_one_spelling(text, found):
    assert registry_ids(text) == found
    assert all(registry_ids(n) == (n,) and registry_of(n) for n in found)


def test_reports_of_one_number_are_one_study_named_after_it():
    study, alone = studies([rep("a", N1), rep("x"), rep("b", N1)])
    assert (study.study_id, study.report_ids, study.grouped_by) == (N1, ("a", "b"), N1)
    assert (alone.study_id, alone.report_ids, alone.grouped_by) == ("x", ("x",), "")
    assert study.doubts == alone.doubts == ()


def test_a_single_report_with_a_number_bears_its_name():
    assert studies([rep("a", I1, N2)])[0].study_id == N2


def test_numbers_link_along_the_chain_of_registers():
    assert groups([rep("a", N1), rep("b", I1), rep("c", N1, I1)]) == [["a", "b", "c"]]


def test_spelling_does_not_part_a_study():
    assert groups([rep("a", "NCT 00000001"), rep("b", "nct00000001")]) == [["a", "b"]]


def test_a_pooled_report_joins_nothing_and_says_so():
    pooled, one, two = studies([rep("p", N1, N2), rep("a", N1), rep("b", N2)])
    assert [pooled.report_ids, one.report_ids, two.report_ids] == [("p",), ("a",), ("b",)]
    assert pooled.study_id == "p"
    assert pooled.doubts == (
        f"p names {N1}, {N2}: perhaps several studies; reports of the same numbers: a, b",
    )
    assert one.doubts == two.doubts == ()


def test_a_report_in_four_registers_is_doubted_one_in_three_is_not():
    numbers = (N1, I1, "DRKS00000001", "UMIN000000001")
    assert studies([rep("a", *numbers[:3])])[0].doubts == ()
    assert studies([rep("a", *numbers)])[0].doubts != ()


def test_a_chain_that_holds_two_numbers_of_one_register_is_joined_and_doubted():
    (study,) = studies([rep("a", N1, I1), rep("b", N2, I1)])
    assert study.report_ids == ("a", "b")
    assert study.doubts == (f"the chain of reports holds several ClinicalTrials.gov numbers: {N1}, {N2}",)


def test_a_person_joins_and_is_named():
    (study,) = studies([rep("a", N1), rep("b")], [join("a", "b")])
    assert (study.study_id, study.report_ids) == (N1, ("a", "b"))
    assert (study.grouped_by, study.why) == ("person:Ada", "same centre and dates")


def test_a_person_splits_and_the_rest_keeps_the_number():
    rest, gone = studies([rep("a", N1), rep("b", N1), rep("c", N1)], [split("b")])
    assert (rest.study_id, rest.report_ids) == (N1, ("a", "c"))
    assert (gone.study_id, gone.report_ids, gone.grouped_by) == ("b", ("b",), "person:Ada")
    assert studies([rep("a", N1), rep("b", N1), rep("c", N1)], [split("a")])[1].study_id == N1


def test_what_leaves_together_stays_together():
    assert groups([rep("a", N1), rep("b", N1), rep("c", N1)], split("b", "c")) == [["a"], ["b", "c"]]


def test_the_later_word_wins():
    reports = [rep("a", N1), rep("b", N1)]
    assert groups(reports, split("b"), join("a", "b")) == [["a", "b"]]
    assert groups(reports, split("b"), join("a", "b"), split("b")) == [["a"], ["b"]]


def test_a_person_settles_a_doubt():
    settled = studies([rep("p", N1, N2), rep("a", N1)], [join("p", "a")])
    assert [s.report_ids for s in settled] == [("p", "a")]
    assert settled[0].doubts == ()


def test_a_link_to_an_unknown_report_is_refused_by_name():
    with pytest.raises(NotAllowed, match=r"Ada linked \['z'\].*withdraw"):
        studies([rep("a")], [join("a", "z")])


def test_ids_must_be_unique():
    with pytest.raises(ValueError, match="unique"):
        studies([rep("a"), rep("a")])


# Registry entries --------------------------------------------------------------------------------


def entry(number: str, *numbers: str, **references: str) -> Record:
    """A registry entry with its numbers elsewhere, and its references by kind."""
    told = tuple(Correction(kind=kind, pmid=pmid) for kind, pmid in references.items())
    return Record(
        record_id=f"ctgov:{number}",
        title=f"Entry {number}",
        registry_ids=(number, *numbers),
        corrections=told,
    )


def paper(key: str, pmid: str, *numbers: str) -> Record:
    return Record(record_id=key, title=key, pmid=pmid, registry_ids=numbers)


def test_a_paper_that_names_no_number_joins_the_entry_whose_sponsor_calls_it_its_result():
    (study,) = studies([paper("a", "7"), entry(N1, ResultReference="7")])
    assert (study.study_id, study.report_ids) == (N1, ("a", f"ctgov:{N1}"))
    assert study.grouped_by == N1


def test_a_paper_that_nlm_matched_to_an_entry_is_a_question():
    first, second = studies([paper("a", "7"), entry(N1, DerivedReference="7")])
    assert first.report_ids == ("a",)
    assert second.doubts == (
        f"a was matched to this entry by NLM, not by its sponsor (ctgov:{N1}): perhaps one study",
    )
    assert studies([paper("a", "7"), entry(N1, BackgroundReference="7")])[1].doubts == ()


def test_a_result_of_two_entries_joins_neither():
    pooled, one, two = studies(
        [paper("p", "7"), entry(N1, ResultReference="7"), entry(N2, ResultReference="7")]
    )
    assert [pooled.report_ids, one.report_ids, two.report_ids] == [("p",), (f"ctgov:{N1}",), (f"ctgov:{N2}",)]
    assert "perhaps several studies" in pooled.doubts[0]


def test_a_result_that_names_another_trial_joins_neither():
    found = studies([paper("p", "7", N2), entry(N1, ResultReference="7")])
    assert [s.report_ids for s in found] == [("p",), (f"ctgov:{N1}",)]
    assert found[0].doubts != ()


def test_an_entry_joins_by_its_numbers_in_other_registers_however_many():
    numbers = (I1, "DRKS00000001", "UMIN000000001")
    assert groups([entry(N1, *numbers), paper("a", "7", I1)]) == [[f"ctgov:{N1}", "a"]]


def test_an_entrys_second_number_in_its_own_register_joins_nothing():
    """It may be a former number, or the number of the study that it extends."""
    assert groups([entry(N2, N1), entry(N1), paper("a", "7", N1)]) == [
        [f"ctgov:{N2}"],
        [f"ctgov:{N1}", "a"],
    ]


def test_a_preprint_and_its_article_are_a_question_until_a_person_answers():
    title = "Warm socks for cold feet in forty adults"
    article = Record(record_id="a", title=title, authors=("Arden, A",), year=2021, journal="Feet")
    preprint = Record(record_id="p", title=title, authors=("Arden, A",), year=2020, journal="medRxiv")
    _, second = studies([article, preprint])
    assert second.doubts == ("p is perhaps its preprint, or its published form (a): perhaps one study",)
    assert [s.doubts for s in studies([article, preprint], [split("p")])] == [(), ()]


def test_a_duplicate_lends_its_registration_and_its_pmid():
    record = Record(record_id="a", title="a", registry_ids=(I1,))
    copies = [rep("b", N1), paper("c", "7")]
    told = as_told_by_all(record, copies)
    assert (told.registry_ids, told.pmid) == ((I1, N1), "7")
    assert as_told_by_all(record, []) is record


def test_a_word_about_a_duplicate_holds_for_the_record_that_stands_for_it():
    assert about_leaders(join("b", "x"), {"a": [rep("b")]}).report_ids == ("a", "x")
    assert about_leaders(join("a", "x"), {"a": [rep("b")]}) == join("a", "x")


number_sets = st.lists(st.sets(st.sampled_from([N1, N2, N3, I1, I2]), max_size=3), max_size=8)
link_list = st.lists(
    st.tuples(st.sampled_from(["join", "split"]), st.sets(st.integers(0, 7), min_size=1)), max_size=4
)


@given(number_sets, link_list)
def test_every_report_is_in_one_study_and_every_study_has_its_own_id(sets, links):
    reports = [rep(str(i), *sorted(s)) for i, s in enumerate(sets)]
    hands = []
    for kind, named in links:
        ids = tuple(str(i) for i in sorted(named) if i < len(reports))
        if ids:
            hands.append(HandLink(kind=kind, report_ids=ids, by="Ada", why="seen"))
    found = studies(reports, hands)
    assert sorted(i for s in found for i in s.report_ids) == sorted(r.record_id for r in reports)
    assert len({s.study_id for s in found}) == len(found)
    if hands and hands[-1].kind == "join":
        assert any(set(hands[-1].report_ids) <= set(s.report_ids) for s in found)
    if hands and hands[-1].kind == "split":
        leaving = set(hands[-1].report_ids)
        assert all(set(s.report_ids) <= leaving or not set(s.report_ids) & leaving for s in found)


@given(number_sets)
def test_the_groups_do_not_depend_on_the_order(sets):
    reports = [rep(str(i), *sorted(s)) for i, s in enumerate(sets)]
    one = {frozenset(s.report_ids) for s in studies(reports)}
    assert one == {frozenset(s.report_ids) for s in studies(reports[::-1])}
