"""Platt's calibration, against numbers worked out by other means."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from tools.screening.calibration import LEAST, brier, calibrate, reliability


def log_odds(p):
    return math.log(p / (1 - p))


def drawn(n, slope, shift, seed=1):
    """Probabilities of a model, and decisions that follow another curve."""
    chance = random.Random(seed)
    told = [chance.uniform(0.01, 0.99) for _ in range(n)]
    passed = [chance.random() < 1 / (1 + math.exp(-(slope * log_odds(p) + shift))) for p in told]
    return told, passed


def test_it_finds_the_curve_that_the_decisions_follow():
    fitted = calibrate(*drawn(20_000, slope=0.4, shift=-1.0))
    assert fitted is not None
    assert fitted.slope == pytest.approx(0.4, abs=0.03)
    assert fitted.shift == pytest.approx(-1.0, abs=0.05)


def test_it_is_logistic_regression_on_smoothed_targets():
    told, passed = drawn(200, slope=0.7, shift=0.3)
    fitted = calibrate(told, passed)
    yes, no = sum(passed), len(passed) - sum(passed)
    # A soft target is the same as both outcomes with its weights.
    rows = [[log_odds(p)] for p in told] * 2
    labels = [1] * len(told) + [0] * len(told)
    target = [(yes + 1) / (yes + 2) if y else 1 / (no + 2) for y in passed]
    weights = target + [1 - t for t in target]
    peer = LogisticRegression(C=1e12, tol=1e-12, max_iter=10_000).fit(rows, labels, sample_weight=weights)
    assert fitted is not None
    assert fitted.slope == pytest.approx(peer.coef_[0][0], rel=1e-4)
    assert fitted.shift == pytest.approx(peer.intercept_[0], rel=1e-4)


def test_a_model_that_is_too_sure_becomes_less_so():
    told, passed = drawn(2_000, slope=0.3, shift=0.0)
    fitted = calibrate(told, passed)
    assert fitted is not None
    assert 0.5 < fitted(0.99) < 0.99
    assert brier([fitted(p) for p in told], passed) < brier(told, passed)


def test_too_few_decisions_of_a_kind_fit_nothing():
    assert calibrate([0.9] * 50 + [0.1] * (LEAST - 1), [True] * 50 + [False] * (LEAST - 1)) is None
    assert calibrate([0.9] * LEAST + [0.1] * LEAST, [True] * LEAST + [False] * LEAST) is not None


def test_perfect_separation_keeps_doubt():
    fitted = calibrate([0.99] * 20 + [0.01] * 20, [True] * 20 + [False] * 20)
    assert fitted is not None
    assert 0.9 < fitted(0.99) < 1.0
    assert fitted(1.0) < 1.0


def test_probabilities_that_contradict_the_people_are_not_turned_round():
    assert calibrate([0.9] * 20 + [0.1] * 20, [False] * 20 + [True] * 20) is None


def test_a_constant_probability_tells_nothing():
    assert calibrate([0.5] * 40, [True] * 20 + [False] * 20) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2 * LEAST, max_size=60))
def test_the_order_of_records_never_changes(rows):
    fitted = calibrate([p for p, _ in rows], [y for _, y in rows])
    if fitted is not None:
        ordered = sorted(p for p, _ in rows)
        calibrated = [fitted(p) for p in ordered]
        assert calibrated == sorted(calibrated)
        assert all(0 <= p <= 1 for p in calibrated)


def test_the_table_counts_every_record_once():
    table = reliability([0.0, 0.19, 0.2, 0.95, 1.0], [False, True, False, True, True], bins=5)
    assert [(b.low, b.n, b.share_passed) for b in table] == [(0.0, 2, 0.5), (0.2, 1, 0.0), (0.8, 2, 1.0)]
    assert table[2].mean_probability == pytest.approx(0.975)


def test_no_records_have_no_score():
    with pytest.raises(ValueError, match="at least one"):
        brier([], [])
