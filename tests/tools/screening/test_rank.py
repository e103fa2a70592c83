"""The cut: what is kept, what is audited, what nobody looks at; and that nothing is lost between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import ConfigError
from tools.screening.rank import order, prefilter

SCORES = {"a": 0.2, "b": 0.9, "c": 0.2, "d": 0.5, "e": -0.1}


def test_records_are_ranked_by_score_and_equals_by_id():
    assert order(SCORES) == ("b", "d", "a", "c", "e")


def test_the_order_does_not_depend_on_arrival():
    assert order(dict(reversed(SCORES.items()))) == order(SCORES)


def test_what_is_above_the_cut_is_kept_and_the_rest_is_not_screened():
    cut = prefilter(SCORES, keep=2, audit=0, seed=1)
    assert (cut.kept, cut.audit, cut.below) == (("b", "d"), (), ("a", "c", "e"))


def test_no_cut_keeps_everything_and_audits_nothing():
    cut = prefilter(SCORES, keep=None, audit=3, seed=1)
    assert cut.kept == cut.ranked
    assert (cut.audit, cut.below) == ((), ())


def test_an_audit_larger_than_what_is_left_takes_all_of_it():
    cut = prefilter(SCORES, keep=4, audit=10, seed=1)
    assert (cut.audit, cut.below) == (("e",), ())


def test_another_seed_draws_another_sample_and_the_same_seed_the_same():
    scores = {f"r{i:03}": float(i) for i in range(200)}
    draws = {seed: prefilter(scores, keep=50, audit=20, seed=seed).audit for seed in (1, 2)}
    assert draws[1] != draws[2]
    assert prefilter(scores, keep=50, audit=20, seed=1).audit == draws[1]


def test_the_audit_sample_comes_from_all_depths():
    """Of 900 records below the cut, 300 are drawn; the chance that a given half has under 100 is below 1e-11."""
    scores = {f"r{i:04}": -float(i) for i in range(1000)}
    drawn = prefilter(scores, keep=100, audit=300, seed=7).audit
    deep = sum(record_id >= "r0550" for record_id in drawn)
    assert 100 < deep < 200


@given(
    st.dictionaries(st.text(min_size=1, max_size=4), st.floats(-1, 1), max_size=30),
    st.none() | st.integers(0, 40),
    st.integers(0, 40),
    st.integers(),
)
def test_every_record_is_in_exactly_one_part(scores, keep, audit, seed):
    cut = prefilter(scores, keep, audit, seed)
    assert sorted(cut.kept + cut.audit + cut.below) == sorted(scores)
    worst_kept = min((scores[i] for i in cut.kept), default=2.0)
    assert all(scores[i] <= worst_kept for i in cut.audit + cut.below)


@pytest.mark.parametrize(("keep", "audit"), [(-1, 0), (1, -1)])
def test_negative_numbers_are_refused(keep, audit):
    with pytest.raises(ConfigError, match="from 0 up"):
        prefilter(SCORES, keep, audit, seed=0)


def test_a_score_that_is_no_number_is_refused_and_never_ranked_last():
    with pytest.raises(ConfigError, match="screen them"):
        prefilter({"a": float("nan"), "b": 0.1}, keep=1, audit=0, seed=0)
