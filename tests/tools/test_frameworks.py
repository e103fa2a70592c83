"""The table of supported reviews, and what each kind switches."""

import itertools
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import ConfigError
from tools.frameworks import FILTERS, KINDS, Framework, ReviewType, kind_of, with_filters

PAIRS = sorted(itertools.product(get_args(ReviewType), get_args(Framework)))


def test_exactly_these_reviews_are_supported():
    assert set(KINDS) == {
        ("intervention", "PICO"),
        ("prognosis", "PICO"),
        ("prognosis", "PECO"),
        ("diagnostic_accuracy", "PIRD"),
        ("scoping", "PCC"),
        ("other", "PICO"),
        ("other", "PECO"),
        ("other", "PCC"),
    }


@pytest.mark.parametrize(("review_type", "framework"), PAIRS)
def test_a_pair_is_either_in_the_table_or_refused_with_the_list(review_type, framework):
    if (review_type, framework) in KINDS:
        kind = kind_of(review_type, framework)
        assert (kind.type, kind.framework) == (review_type, framework)
    else:
        with pytest.raises(ConfigError, match=r"choose one of: intervention with PICO, .*other with PCC"):
            kind_of(review_type, framework)


ELEMENTS = {
    "PICO": ("population", "intervention", "comparator", "outcome"),
    "PECO": ("population", "exposure", "comparator", "outcome"),
    "PCC": ("population", "concept", "context"),
    "PIRD": ("population", "index_test", "reference_test", "diagnosis"),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=map(str, KINDS))
class TestEveryKind:
    def test_has_its_frameworks_elements_in_order(self, kind):
        assert kind.element_ids == ELEMENTS[kind.framework]
        assert all(e.label for e in kind.elements)

    def test_searches_something_but_neither_outcomes_nor_comparators(self, kind):
        assert kind.searched
        assert not {"outcome", "comparator", "reference_test"} & set(kind.searched)

    def test_permits_filters_for_trials_only_where_trials_are_wanted(self, kind):
        trials = {"cochrane_rct_sensitive", "cochrane_rct_balanced"}
        assert bool(trials & set(kind.filters)) == (kind.type == "intervention")
        assert "no_animals" in kind.filters
        assert set(kind.filters) <= set(FILTERS)

    def test_has_a_form_with_ids_of_its_own_and_whole_questions(self, kind):
        ids = [f.id for f in kind.form]
        assert len(ids) == len(set(ids)) >= 8
        for spec in kind.form:
            assert spec.question.endswith("?")
            assert (spec.kind == "category") == (len(spec.options) >= 2)
            assert (spec.kind == "number") == (spec.unit is not None)

    def test_reports_by_the_statement_for_its_type(self, kind):
        expected = {"scoping": "PRISMA-ScR", "diagnostic_accuracy": "PRISMA-DTA"}
        assert kind.report == expected.get(kind.type, "PRISMA 2020")


def test_only_reviews_of_interventions_ask_for_a_dose():
    assert {k for k, v in KINDS.items() if "dose" in {f.id for f in v.form}} == {("intervention", "PICO")}


@given(st.lists(st.sampled_from(sorted(FILTERS)), unique=True))
def test_a_strategy_with_filters_keeps_its_parentheses_closed(names):
    text = with_filters("asthma[mh] OR wheez*[tiab]", names)
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        assert depth >= 0
    assert depth == 0


def test_filters_are_joined_in_order_each_with_its_own_operator():
    assert (
        with_filters("a[ti] OR b[ti]", ["no_animals"]) == "(a[ti] OR b[ti]) NOT (animals[mh] NOT humans[mh])"
    )
    both = with_filters("a[ti]", ["cochrane_rct_balanced", "no_animals"])
    assert both.startswith("((a[ti]) AND ((randomized controlled trial[pt] OR ")
    assert both.endswith("NOT (animals[mh] NOT humans[mh]))) NOT (animals[mh] NOT humans[mh])")
    assert with_filters("a[ti]", []) == "a[ti]"


def test_an_unknown_filter_is_refused():
    with pytest.raises(ConfigError, match="use one of cochrane_rct_sensitive"):
        with_filters("a[ti]", ["rct"])


def test_the_filters_for_trials_differ_as_cochrane_describes_them():
    sensitive, balanced = FILTERS["cochrane_rct_sensitive"].text, FILTERS["cochrane_rct_balanced"].text
    assert "groups[tiab]" in sensitive
    assert "drug therapy[sh]" in sensitive
    assert "groups[tiab]" not in balanced
    assert "clinical trials as topic[mesh:noexp]" in balanced
    assert "trial[ti]" in balanced
    for text in (sensitive, balanced):
        assert text.startswith("((")
        assert text.endswith("NOT (animals[mh] NOT humans[mh]))")
        assert all(f.source for f in FILTERS.values())
