"""Shared arms, clusters, crossovers and changes: by hand and by the example of the Cochrane Handbook 5.1, 16.4.6.4."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.synthesis.adjusting import (
    CannotAdjust,
    clustered,
    clustered_effect,
    correlation_of_change,
    crossover,
    crossover_odds_ratio,
    design_effect,
    sd_of_change,
    split_control,
)
from tools.synthesis.effects import effect
from tools.synthesis.values import ArmData, Effect, NotEstimable, StudyData


def study(one, other, **more):
    return StudyData(
        study_id="s", label="Sock 2001",
        experimental=ArmData(arm="warm", **one), control=ArmData(arm="cold", **other), **more,
    )  # fmt: skip


COUNTS = study({"events": 12, "total": 60}, {"events": 20, "total": 60})
MEANS = study({"mean": 7.0, "sd": 2.38, "total": 10}, {"mean": 6.5, "sd": 2.21, "total": 10})


def test_a_shared_control_arm_is_divided_and_nobody_counts_twice():
    half = split_control(COUNTS, 2)
    assert (half.control.events, half.control.total) == (10, 30)
    assert half.experimental == COUNTS.experimental
    assert [(c.to, c.value) for c in half.conversions] == [("total", 30), ("events", 10)]
    assert all(c.source == "Cochrane Handbook 23.3.4" for c in half.conversions)
    assert "2 comparisons" in half.notes[0]
    whole, part = effect(COUNTS, "OR"), effect(half, "OR")
    assert part.y == pytest.approx(whole.y)
    assert part.v > whole.v
    means = split_control(MEANS, 4).control
    assert (means.mean, means.sd, means.total) == (6.5, 2.21, 2.5)


def test_what_cannot_be_divided_is_refused():
    with pytest.raises(CannotAdjust):
        split_control(COUNTS, 1)
    with pytest.raises(CannotAdjust, match="control"):
        split_control(COUNTS.model_copy(update={"control": None}), 2)


def test_a_cluster_trial_counts_with_its_effective_sample_size():
    """21 in a cluster and an ICC of 0.05: design effect 2."""
    assert design_effect(21, 0.05) == pytest.approx(2)
    data = COUNTS.model_copy(update={"design": "cluster"})
    fair = clustered(data, cluster_size=21, icc=0.05)
    assert (fair.experimental.total, fair.experimental.events) == pytest.approx((30, 6))
    assert [c.to for c in fair.conversions] == ["effective total", "effective events"] * 2
    assert "ICC = 0.05" in fair.conversions[0].formula
    there, here = effect(data, "OR"), effect(fair, "OR")
    assert (here.y, here.v) == pytest.approx((there.y, 2 * there.v))
    assert not any("too narrow" in note for note in here.notes)
    inflated = clustered_effect(there, cluster_size=21, icc=0.05)
    assert (inflated.y, inflated.v) == pytest.approx((here.y, here.v))
    assert "23.1.5" in inflated.notes[-1]


def test_clustering_is_corrected_once_and_with_numbers_that_can_be():
    fair = clustered(COUNTS, cluster_size=21, icc=0.05)
    with pytest.raises(CannotAdjust, match="already"):
        clustered(fair, cluster_size=21, icc=0.05)
    for size, icc in ((0.5, 0.1), (20, -0.1), (20, 1.1), (math.nan, 0.1), (20, math.nan)):
        with pytest.raises(CannotAdjust):
            clustered(COUNTS, cluster_size=size, icc=icc)
    with pytest.raises(CannotAdjust):
        clustered(COUNTS.model_copy(update={"experimental": None}), cluster_size=21, icc=0.05)


def test_a_crossover_trial_as_the_handbook_computes_it():
    difference, standardised = (crossover(MEANS, measure, correlation=0.68) for measure in ("MD", "SMD"))
    assert (difference.y, round(math.sqrt(difference.v), 3)) == (0.5, 0.583)
    assert (round(standardised.y, 3), round(math.sqrt(standardised.v), 3)) == (0.218, 0.256)
    assert "r = 0.68" in difference.notes[-1]


def test_without_correlation_a_crossover_is_two_groups():
    paired, parallel = crossover(MEANS, "MD", correlation=0.0), effect(MEANS, "MD")
    assert (paired.y, paired.v) == pytest.approx((parallel.y, parallel.v))


def test_a_crossover_that_cannot_be_is_refused_or_not_estimable():
    with pytest.raises(CannotAdjust):
        crossover(MEANS, "MD", correlation=1.5)
    with pytest.raises(CannotAdjust, match="crossover_odds_ratio"):
        crossover(MEANS, "OR", correlation=0.5)
    same = study({"mean": 1, "sd": 2, "total": 9}, {"mean": 0, "sd": 2, "total": 9})
    for data, r in (
        (same, 1.0), (COUNTS, 0.5), (StudyData(study_id="s", label="Sock 2001"), 0.5),
        (study({"mean": 1, "sd": 0, "total": 9}, {"mean": 0, "sd": 2, "total": 9}), 0.5),
        (study({"mean": 1, "sd": 2, "total": 1}, {"mean": 0, "sd": 2, "total": 9}), 0.5),
        (study({"mean": 1, "sd": 1e200, "total": 9}, {"mean": 0, "sd": 2, "total": 9}), 0.5),
    ):  # fmt: skip
        for measure in ("MD", "SMD"):
            assert isinstance(crossover(data, measure, correlation=r), NotEstimable)


def test_a_crossover_odds_ratio_by_hand():
    """60 people, 12 and 20 with the event, 8 with both: Δ = (60·8 − 12·20)·60/(12·48·20·40)."""
    found = crossover_odds_ratio(COUNTS, both=8)
    overlap = 240 * 60 / (12 * 48 * 20 * 40)
    assert found.y == pytest.approx(math.log(12 * 40 / (48 * 20)))
    assert found.v == pytest.approx(1 / 12 + 1 / 48 + 1 / 20 + 1 / 40 - 2 * overlap)
    # The correlation of the two yes-or-no outcomes that 8 with both amounts to.
    phi = (60 * 8 - 12 * 20) / math.sqrt(12 * 48 * 20 * 40)
    assert crossover_odds_ratio(COUNTS, correlation=phi).v == pytest.approx(found.v)


@settings(deadline=None)
@given(st.integers(1, 19), st.integers(1, 19), st.data())
def test_the_variance_is_that_of_the_difference_of_two_correlated_logits(events, others, data):
    """Against a numeric derivative of the log odds ratio in the four cells of the paired table."""
    n = 20
    both = data.draw(st.integers(max(0, events + others - n), min(events, others)))
    found = crossover_odds_ratio(
        study({"events": events, "total": n}, {"events": others, "total": n}), both=both
    )
    cells = (both, events - both, others - both, n - events - others + both)

    def log_or(shares):
        s, t, u, w = shares
        return math.log((s + t) / (u + w)) - math.log((s + u) / (t + w))

    shares = [cell / n for cell in cells]
    slopes = []
    for place in range(4):
        up, down = ([x + sign * 1e-6 * (i == place) for i, x in enumerate(shares)] for sign in (1, -1))
        slopes.append((log_or(up) - log_or(down)) / 2e-6)
    mean = sum(g * x for g, x in zip(slopes, shares, strict=True))
    v = sum(x * (g - mean) ** 2 for g, x in zip(slopes, shares, strict=True)) / n
    if isinstance(found, Effect):
        assert found.v == pytest.approx(v, rel=1e-4)
    else:
        assert v == pytest.approx(0, abs=1e-6)


def test_a_crossover_odds_ratio_that_cannot_be():
    for assumed in ({}, {"both": 8, "correlation": 0.1}, {"both": 13}, {"both": -1}, {"correlation": 2}):
        with pytest.raises(CannotAdjust):
            crossover_odds_ratio(COUNTS, **assumed)
    for one, other in (
        ({"events": 0, "total": 9}, {"events": 0, "total": 9}), ({"events": 9, "total": 9}, {"events": 9, "total": 9}),
        ({"events": 1, "total": 9}, {"events": 1, "total": 8}), ({"events": 9, "total": 8}, {"events": 1, "total": 8}),
        ({"total": 9}, {"events": 1, "total": 9}), ({"events": 4, "total": 9}, {"events": 4, "total": 9}),
    ):  # fmt: skip
        assert isinstance(crossover_odds_ratio(study(one, other), correlation=1), NotEstimable)
    zero = crossover_odds_ratio(study({"events": 0, "total": 9}, {"events": 4, "total": 9}), both=0)
    assert zero.y == pytest.approx(math.log(0.5 * 5.5 / (9.5 * 4.5)))


def test_the_sd_of_a_change_and_back():
    change = sd_of_change(4, 3, 0.5)
    assert change.value == pytest.approx(math.sqrt(16 + 9 - 12))
    assert change.source == "Cochrane Handbook 6.5.2.8"
    back = correlation_of_change(4, 3, change.value)
    assert back.value == pytest.approx(0.5)
    assert dict(back.inputs)["sd of change"] == change.value
    for wrong in ((0, 3, 0.5), (4, -3, 0.5), (4, 3, 1.5), (4, 4, 1.0), (math.nan, 3, 0.5)):
        with pytest.raises(CannotAdjust):
            sd_of_change(*wrong)
    with pytest.raises(CannotAdjust, match="SE"):
        correlation_of_change(4, 3, 0.3)
