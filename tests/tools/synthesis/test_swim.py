"""Synthesis without pooling: ranges, directions and p values by hand, and no word of significance. Data invented."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, combine_pvalues

from tools.synthesis.pooling import MixedMeasures, NothingToPool, WrongModel
from tools.synthesis.swim import combine_p, directions, groups, one_sided_p, summarise
from tools.synthesis.values import Effect


def one(y, v=1.0, **more):
    return Effect(**{"study_id": f"s{y}", "label": f"Sock {y}", "measure": "SMD", "y": y, "v": v} | more)


def test_range_median_and_quartiles_by_hand():
    found = summarise([one(y) for y in (4, 1, 3, 2, 10)], name="adults")
    assert (found.smallest, found.q1, found.median, found.q3, found.largest) == (1, 2, 3, 4, 10)
    assert found.labels == ("Sock 1", "Sock 2", "Sock 3", "Sock 4", "Sock 10")
    assert (found.name, found.k, found.directions) == ("adults", 5, None)
    even = summarise([one(y) for y in (1, 2, 3, 4)])
    assert (even.q1, even.median, even.q3) == (1.75, 2.5, 3.25)
    alone = summarise([one(7)])
    assert (alone.q1, alone.median, alone.q3) == (7, 7, 7)


def test_groups_are_subgroups_of_one_measure_in_the_order_of_their_first_study():
    made = [
        one(1, subgroup="b"),
        one(2, subgroup="a"),
        one(3, subgroup="b"),
        one(4, subgroup="b", measure="MD"),
    ]
    found = groups(made, better="higher")
    assert [(group.name, group.measure, group.k) for group in found] == [
        ("b", "SMD", 2),
        ("a", "SMD", 1),
        ("b", "MD", 1),
    ]
    assert all(group.directions.favours_experimental == group.k for group in found)


def test_directions_by_hand():
    """Four for, one against, one neither: 4/5, sign test 2·(1 + 5)/32."""
    made = [one(y) for y in (1, 2, 0.01, 3, -5, 0)]
    found = directions(made, better="higher")
    assert (found.favours_experimental, found.favours_control, found.neither) == (4, 1, 1)
    assert (found.share, found.p) == pytest.approx((0.8, 12 / 32))
    # Clopper and Pearson for 4 of 5.
    assert (found.lower, found.upper) == pytest.approx((0.283582, 0.994949), abs=1e-6)
    lower = directions(made, better="lower")
    assert (lower.favours_experimental, lower.share) == (1, pytest.approx(0.2))


def test_size_and_significance_do_not_count():
    vague = directions([one(0.001, 100), one(0.002, 100), one(-9, 0.0001)], better="higher")
    assert (vague.favours_experimental, vague.favours_control) == (2, 1)


def test_no_direction_is_no_share_rather_than_nought():
    found = directions([one(0)], better="higher")
    assert (found.neither, found.share, found.lower, found.p) == (1, None, None, None)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.5, 0.999))
def test_the_interval_and_the_sign_test_are_exact(hits, misses, level):
    if hits + misses == 0:
        return
    made = [one(1.0)] * hits + [one(-1.0)] * misses
    found = directions(made, better="higher", level=level)
    theirs = binomtest(hits, hits + misses, 0.5)
    interval = theirs.proportion_ci(level, method="exact")
    assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert found.p == pytest.approx(theirs.pvalue)


@settings(deadline=None)
@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=20))
def test_fishers_method_is_fishers(p_values):
    found = combine_p(p_values)
    theirs = combine_pvalues(p_values, method="fisher")
    assert (found.chi2, found.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9, abs=1e-300)
    assert (found.k, found.df) == (len(p_values), 2 * len(p_values))


def test_one_sided_p_values_know_what_is_better():
    made = one(1.959964, 1.0)
    assert one_sided_p(made, better="higher") == pytest.approx(0.025, abs=1e-6)
    assert one_sided_p(made, better="lower") == pytest.approx(0.975, abs=1e-6)
    assert one_sided_p(one(0), better="lower") == 0.5


def test_what_says_nothing_is_refused():
    with pytest.raises(NothingToPool):
        summarise([])
    with pytest.raises(NothingToPool):
        groups([])
    with pytest.raises(MixedMeasures):
        summarise([one(1), one(2, measure="MD")])
    for p_values in ([], [0.0], [-0.1], [1.1], [math.nan]):
        with pytest.raises(NothingToPool):
            combine_p(p_values)
    for act in (directions, lambda made, better: one_sided_p(made[0], better=better)):
        with pytest.raises(WrongModel):
            act([one(1, measure="PROPORTION")], better="higher")
