"""Uniting proposals, sorting terms out, numbering lines; all terms are invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.schemas import Block
from tools.search.building import apart, blocks_query, numbered, swamping, unite, usable
from tools.search.query import And, Or, Term, parse, render


def block(name: str, *terms: str) -> Block:
    return Block(name=name, terms=terms)


def test_blocks_of_one_name_become_one_block_with_the_terms_of_all():
    united, notes = unite([[block("Cough", "a[tiab]", "b[tiab]")], [block("cough ", "b[tiab]", "c[tiab]")]])
    assert united == (block("Cough", "a[tiab]", "b[tiab]", "c[tiab]"),)
    assert notes == ()


def test_a_block_that_few_proposals_have_is_not_required_because_it_would_lose_what_the_others_find():
    one, two = [block("cough", "a[tiab]")], [block("cough", "a[tiab]"), block("honey", "h[tiab]")]
    united, notes = unite([one, two, one])
    assert [b.name for b in united] == ["cough"]
    assert notes == ("block 'honey' is not required: 1 of 3 proposals have it",)


def test_when_no_block_has_a_majority_the_most_frequent_one_stays():
    united, _ = unite(
        [[block("a", "x[tiab]")], [block("b", "y[tiab]")], [block("b", "z[tiab]")], [block("c", "q[tiab]")]]
    )
    assert [b.name for b in united] == ["b"]


@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4), min_size=1, max_size=6))
def test_no_term_of_a_required_block_is_lost(proposals):
    given_ = [[block("x", *(f"{t}[tiab]" for t in terms))] for terms in proposals]
    united, _ = unite(given_)
    assert set(united[0].terms) == {f"{t}[tiab]" for terms in proposals for t in terms}


def test_what_is_no_single_term_is_set_aside_with_its_reason():
    kept, aside = usable(
        [block("p", "cough[tiab]", "a[tiab] OR b[tiab]", "x[foo]", "(y[tiab]", "cough[tiab]")]
    )
    assert kept == (block("p", "cough[tiab]"),)
    assert [(x.term, x.why) for x in aside][:2] == [
        ("a[tiab] OR b[tiab]", "is not one search term"),
        ("x[foo]", "PubMed knows no field [foo]"),
    ]
    assert aside[2].why.startswith("is not one search term: a parenthesis is never closed")


def test_a_block_without_a_usable_term_is_left_out():
    kept, aside = usable([block("p", "a OR b"), block("q", "cough[tiab]")])
    assert [b.name for b in kept] == ["q"]
    assert len(aside) == 1


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ({"cough": 100, "tussis": 5, "barking": 10, "patients": 9000}, ("patients",)),
        ({"cough": 100, "tussis": 5, "barking": 10, "patients": 2000}, ()),
        ({"cough": 100, "patients": 9_000_000}, ()),  # too few neighbours to say so
    ],
)
def test_a_term_swamps_its_block_when_it_has_twenty_times_the_hits_of_all_the_others(hits, expected):
    assert swamping(hits) == expected


def test_lines_are_numbered_terms_first_and_the_whole_last():
    query = parse("(cough[tiab] OR tussis[tiab]) AND (honey[tiab] OR cough[tiab])")
    lines = numbered(query, {query.parts[0]: "population"})
    assert [line.text for line, _ in lines] == [
        "cough[tiab]",
        "tussis[tiab]",
        "#1 OR #2",
        "honey[tiab]",
        "#4 OR #1",
        "#3 AND #5",
    ]
    assert [line.label for line, _ in lines][2] == "population"
    assert lines[-1][1] == query


_LEAVES = st.sampled_from(
    [Term("cough", "tiab"), Term("Asthma", "mh", phrase=True), Term("snail", "ti", truncated=True)]
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(tuple).flatmap(lambda p: st.sampled_from([And(p), Or(p)]))
    ),
    max_leaves=8,
)


@given(_TREES)
def test_numbered_lines_read_back_as_the_strategy(query):
    text = "\n".join(f"{n}. {line.text}" for n, (line, _) in enumerate(numbered(query), start=1))
    assert render(parse(text)) == render(query)


def test_blocks_are_joined_by_and_their_terms_by_or():
    query = blocks_query([block("p", "a[tiab]", "b[tiab]"), block("i", "c[tiab]")])
    assert render(query) == "((a[tiab] OR b[tiab]) AND c[tiab])"


class TestApart:
    """A term in two blocks would fulfil both of them."""

    def test_a_term_stays_where_most_proposals_have_it(self):
        usual = [block("p", "kidney[tiab]"), block("i", "biopsy[tiab]")]
        stray = [block("p", "kidney[tiab]", "biopsy[tiab]"), block("i", "biopsy[tiab]", "kidney[tiab]")]
        proposals = [usual, usual, stray]
        united, _ = unite(proposals)
        kept, aside = apart(united, proposals)
        assert [b.terms for b in kept] == [("kidney[tiab]",), ("biopsy[tiab]",)]
        assert {(x.block, x.term, x.why) for x in aside} == {
            ("p", "biopsy[tiab]", "belongs to block i"),
            ("i", "kidney[tiab]", "belongs to block p"),
        }

    def test_what_few_proposals_put_into_two_blocks_fits_neither(self):
        usual = [block("p", "kidney[tiab]"), block("i", "biopsy[tiab]")]
        stray = [block("p", "kidney[tiab]", "renal[tiab]"), block("i", "biopsy[tiab]", "renal[tiab]")]
        proposals = [usual, usual, stray]
        kept, aside = apart(unite(proposals)[0], proposals)
        assert [b.terms for b in kept] == [("kidney[tiab]",), ("biopsy[tiab]",)]
        assert {(x.block, x.why) for x in aside} == {(b, "fits several blocks alike") for b in "pi"}

    def test_what_most_proposals_put_into_both_is_meant(self):
        both = [
            block("p", "kidney[tiab]", "renal biopsy[tiab]"),
            block("i", "biopsy[tiab]", "renal biopsy[tiab]"),
        ]
        kept, aside = apart(unite([both, both])[0], [both, both])
        assert all("renal biopsy[tiab]" in b.terms for b in kept)
        assert aside == ()

    def test_no_block_is_emptied(self):
        proposals = [[block("p", "a[tiab]", "b[tiab]"), block("i", "a[tiab]")]] + [
            [block("p", "a[tiab]"), block("i", "c[tiab]")]
        ] * 2
        kept, _ = apart((block("p", "a[tiab]", "b[tiab]"), block("i", "a[tiab]")), proposals)
        assert kept[1].terms == ("a[tiab]",)
