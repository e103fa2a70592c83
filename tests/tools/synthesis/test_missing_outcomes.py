"""Participants whose outcome is not known: scenarios by hand, and what an odds ratio of missingness does. Invented."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.synthesis.adjusting import CannotAdjust
from tools.synthesis.effects import effect
from tools.synthesis.missing_outcomes import SCENARIOS, imputed, with_imor
from tools.synthesis.values import ArmData, Effect, NotEstimable, StudyData


def study(one, other):
    return StudyData(
        study_id="s", label="Sock 2001", notes=("kept",),
        experimental=ArmData(arm="warm", events=one[0], total=one[1], randomised=one[2]),
        control=ArmData(arm="cold", events=other[0], total=other[1], randomised=other[2]),
    )  # fmt: skip


DATA = study((10, 40, 50), (30, 60, 65))
"""10 missing beside a risk of 1/4, 5 beside a risk of 1/2."""


@pytest.mark.parametrize(
    ("scenario", "one", "other"),
    [
        ("ICA-0", 10, 30),
        ("ICA-1", 20, 35),
        ("ICA-b", 10, 35),
        ("ICA-w", 20, 30),
        ("ICA-pC", 15, 32.5),
        ("ICA-pE", 12.5, 31.25),
        ("ICA-p", 12.5, 32.5),
    ],
)
def test_a_scenario_by_hand(scenario, one, other):
    found = imputed(DATA, scenario, event_is_bad=True)
    assert (found.experimental.events, found.experimental.total) == (one, 50)
    assert (found.control.events, found.control.total) == (other, 65)
    assert [(c.to, c.value) for c in found.conversions] == [("events", one), ("events", other)]
    assert found.notes[0] == "kept"
    assert scenario in found.notes[1]
    assert "too narrow" in found.notes[1]


def test_best_and_worst_turn_round_with_the_meaning_of_the_event():
    for one, other in (("ICA-b", "ICA-w"), ("ICA-w", "ICA-b")):
        bad, good = imputed(DATA, one, event_is_bad=True), imputed(DATA, other, event_is_bad=False)
        assert (bad.experimental, bad.control) == (
            good.experimental.model_copy(),
            good.control.model_copy(),
        )


def test_nobody_missing_leaves_everything_as_it_is():
    whole = study((10, 40, 40), (30, 60, 60))
    for scenario in SCENARIOS:
        assert effect(imputed(whole, scenario, event_is_bad=True), "OR").y == effect(whole, "OR").y
    for measure in ("OR", "RR", "RD"):
        plain, same = effect(whole, measure), with_imor(whole, measure, experimental=3, control=0.2)
        assert (same.y, same.v) == pytest.approx((plain.y, plain.v))


def test_missing_at_random_is_the_available_case_analysis():
    for measure in ("OR", "RR", "RD"):
        plain, same = effect(DATA, measure), with_imor(DATA, measure, experimental=1, control=1)
        assert (same.y, same.v) == pytest.approx((plain.y, plain.v))
        assert "IMOR 1" in same.notes[-1]


def test_extreme_odds_are_the_extreme_scenarios():
    for imor, scenario in ((1e9, "ICA-1"), (1e-9, "ICA-0")):
        found = with_imor(DATA, "RD", experimental=imor, control=imor)
        assert found.y == pytest.approx(effect(imputed(DATA, scenario, event_is_bad=True), "RD").y)


def test_the_variance_by_hand():
    """Arm 1: p 1/4, 1/5 missing, IMOR 3 makes the missing 1/2: p* 0.3. Arm 2: p 1/2, 1/13 missing, IMOR 1."""
    found = with_imor(DATA, "RD", experimental=3, control=1)
    slope = 0.8 + 0.2 * 3 / 1.5**2
    v1 = slope**2 * 0.25 * 0.75 / 40 + 0.25**2 * 0.2 * 0.8 / 50
    assert found.y == pytest.approx(0.3 - 0.5)
    assert found.v == pytest.approx(v1 + 0.25 / 60)


@settings(deadline=None)
@given(st.integers(1, 29), st.integers(0, 30), st.sampled_from(("OR", "RR", "RD")))
def test_the_more_events_are_imputed_the_higher_the_effect(events, missing, measure):
    data = study((events, 30, 30 + missing), (15, 30, 30))
    found = [with_imor(data, measure, experimental=imor, control=1).y for imor in (0.1, 0.5, 1, 2, 10)]
    assert all(one <= other + 1e-12 for one, other in pairwise(found))


def test_a_zero_is_corrected_and_no_events_at_all_stay_not_estimable():
    found = with_imor(study((0, 40, 50), (30, 60, 65)), "OR", experimental=2, control=2)
    assert isinstance(found, Effect)
    assert math.isfinite(found.y)
    assert any("0.5" in note for note in found.notes)
    none = with_imor(study((0, 40, 50), (0, 60, 65)), "OR", experimental=2, control=2)
    assert isinstance(none, NotEstimable)


@pytest.mark.parametrize(
    ("one", "other"),
    [((10, 40, None), (30, 60, 65)), ((10, 40, 39), (30, 60, 65)), ((50, 40, 50), (30, 60, 65)),
     ((None, 40, 50), (30, 60, 65)),
     ((-1, 40, 50), (30, 60, 65)), ((0, 0, 50), (30, 60, 65)), ((math.nan, 40, 50), (30, 60, 65))],
)  # fmt: skip
def test_what_cannot_be_is_refused(one, other):
    with pytest.raises(CannotAdjust, match="Sock 2001"):
        imputed(study(one, other), "ICA-0", event_is_bad=True)
    with pytest.raises(CannotAdjust, match="Sock 2001"):
        with_imor(study(one, other), "OR", experimental=1, control=1)


def test_an_imor_is_a_positive_odds_ratio_of_counts():
    for imor in (0, -1, math.inf, math.nan):
        with pytest.raises(CannotAdjust):
            with_imor(DATA, "OR", experimental=imor, control=1)
    with pytest.raises(CannotAdjust):
        with_imor(DATA, "MD", experimental=1, control=1)
