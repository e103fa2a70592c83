"""Metrics against values worked out by hand, and against what must hold for any ranking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.screening.metrics import (
    Confusion,
    auroc,
    average_time_to_discovery,
    confusion,
    normalised_loss,
    recall_at,
    wss,
)

RANKED = [True, False, True, False, False, True, False, False, False, False]
"""Ten records, three included, at ranks 1, 3 and 6."""


def test_recall_at_k_by_hand():
    assert recall_at(RANKED, 1) == pytest.approx(1 / 3)
    assert recall_at(RANKED, 3) == pytest.approx(2 / 3)
    assert recall_at(RANKED, 100) == 1.0


def test_work_saved_by_hand():
    """All three are found after 6 of 10 records: 4/10 saved, less the 5% that chance would save."""
    assert wss(RANKED, 0.95) == pytest.approx(0.4 - 0.05)
    # Two of three suffice for 60%: found after 3 of 10.
    assert wss(RANKED, 0.60) == pytest.approx(0.7 - 0.40)


def test_ninety_five_percent_of_twenty_is_nineteen():
    labels = [True] * 19 + [False] * 10 + [True]
    assert wss(labels, 0.95) == pytest.approx(11 / 30 - 0.05)


def test_time_to_discovery_by_hand():
    assert average_time_to_discovery(RANKED) == pytest.approx((1 + 3 + 6) / 3)


def test_auroc_by_hand():
    """21 pairs; rank 1 beats 7, rank 3 beats 6, rank 6 beats 4."""
    scores = [float(-i) for i in range(10)]
    assert auroc(scores, RANKED) == pytest.approx(17 / 21)


def test_ties_count_one_half():
    assert auroc([1.0, 1.0, 1.0], [True, False, False]) == 0.5
    assert auroc([2.0, 1.0, 1.0, 0.0], [True, True, False, False]) == pytest.approx((2 + 1.5) / 4)


def test_loss_by_hand():
    """Cumulative recall counts 1 1 2 2 2 3 3 3 3 3 sum to 23; (3 * (10 - 1) - 23) / 21."""
    assert normalised_loss(RANKED) == pytest.approx(4 / 21)


def test_perfect_and_worst_orders_are_the_ends_of_the_scale():
    best, worst = [True] * 3 + [False] * 7, [False] * 7 + [True] * 3
    assert (normalised_loss(best), normalised_loss(worst)) == (0.0, 1.0)


def test_what_is_undefined_is_none_and_never_zero():
    nothing = [False, False]
    assert (recall_at(nothing, 1), wss(nothing), average_time_to_discovery(nothing)) == (None, None, None)
    assert (auroc([1.0, 2.0], nothing), normalised_loss(nothing), normalised_loss([True])) == (
        None,
        None,
        None,
    )


@given(st.lists(st.booleans(), min_size=2, max_size=60).filter(lambda labels: 0 < sum(labels) < len(labels)))
def test_without_ties_loss_and_auroc_tell_the_same(labels):
    scores = [float(-i) for i in range(len(labels))]
    area = auroc(scores, labels)
    loss = normalised_loss(labels)
    assert area is not None
    assert loss == pytest.approx(1 - area)


def test_confusion_by_hand():
    found = confusion([True, True, True, False, False, False], [True, True, False, True, False, False])
    assert found == Confusion(tp=2, fp=1, fn=1, tn=2)
    assert (found.recall, found.precision, found.specificity) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert found.mcc == pytest.approx((2 * 2 - 1 * 1) / 9)
    assert found.n == 6


def test_with_nothing_excluded_correlation_is_undefined():
    found = confusion([True, True], [True, False])
    assert (found.mcc, found.specificity) == (None, 0.0)


def test_different_lengths_are_a_mistake():
    with pytest.raises(ValueError, match="zip"):
        confusion([True], [True, False])
