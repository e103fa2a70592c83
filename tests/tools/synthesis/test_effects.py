"""Effects by hand, their symmetries, and that nothing impossible ever becomes a number. All data invented."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.synthesis.effects import effect, peto_effect
from tools.synthesis.values import ArmData, Conversion, Effect, NotEstimable, StudyData

MEASURES = ("OR", "RR", "RD", "MD", "SMD", "HR", "PROPORTION", "MEAN")


def counts(a, n1, c, n2, **more):
    return StudyData(
        study_id="s", label="Sock 2001",
        experimental=ArmData(arm="warm", events=a, total=n1), control=ArmData(arm="cold", events=c, total=n2), **more,
    )  # fmt: skip


def means(m1, s1, n1, m2, s2, n2, **more):
    return StudyData(
        study_id="s", label="Sock 2001",
        experimental=ArmData(arm="warm", mean=m1, sd=s1, total=n1),
        control=ArmData(arm="cold", mean=m2, sd=s2, total=n2), **more,
    )  # fmt: skip


def told(estimate, lower=None, upper=None, se=None, **more):
    return StudyData(
        study_id="s", label="Sock 2001", estimate=estimate, estimate_lower=lower, estimate_upper=upper,
        estimate_se=se, **more,
    )  # fmt: skip


def made(data, measure, **more) -> Effect:
    found = effect(data, measure, **more)
    assert isinstance(found, Effect), found
    return found


def refused(data, measure) -> str:
    found = effect(data, measure)
    assert isinstance(found, NotEstimable), found
    assert found.data == data
    assert found.label == "Sock 2001"
    return found.why


def test_a_table_by_hand():
    """10 of 50 against 20 of 40: odds 1/4 and 1, risks 0.2 and 0.5."""
    data = counts(10, 50, 20, 40)
    odds, risk, difference = (made(data, measure) for measure in ("OR", "RR", "RD"))
    assert (odds.y, odds.v) == pytest.approx((math.log(0.25), 1 / 10 + 1 / 40 + 1 / 20 + 1 / 20))
    assert (risk.y, risk.v) == pytest.approx((math.log(0.4), 1 / 10 - 1 / 50 + 1 / 20 - 1 / 40))
    assert (difference.y, difference.v) == pytest.approx((-0.3, 0.2 * 0.8 / 50 + 0.5 * 0.5 / 40))
    assert odds.notes == risk.notes == difference.notes == ()


def test_means_by_hand():
    """SD 2 and 2 with 9 and 9: pooled SD 2, d = 1.5, J of 16 degrees of freedom 0.952254."""
    data = means(13, 2, 9, 10, 2, 9)
    difference, standardised = made(data, "MD"), made(data, "SMD")
    assert (difference.y, difference.v) == pytest.approx((3, 8 / 9))
    j = math.gamma(8) / (math.sqrt(8) * math.gamma(7.5))
    assert j == pytest.approx(0.952254, abs=1e-6)
    assert standardised.y == pytest.approx(1.5 * j)
    assert standardised.v == pytest.approx(2 / 9 + (1.5 * j) ** 2 / 36)


def test_the_smd_of_review_manager():
    g = made(means(13, 2, 9, 10, 2, 9), "SMD", smd="revman")
    assert g.y == pytest.approx(1.5 * (1 - 3 / (4 * 18 - 9)))
    assert g.v == pytest.approx(18 / 81 + g.y**2 / (2 * (18 - 3.94)))
    assert "Review Manager" in g.notes[0]


def test_single_groups():
    data = StudyData(
        study_id="s",
        label="Sock 2001",
        experimental=ArmData(arm="all", events=20, total=100, mean=5, sd=3),
    )
    share, mean = made(data, "PROPORTION"), made(data, "MEAN")
    assert (share.y, share.v) == pytest.approx((math.log(0.25), 1 / 20 + 1 / 80))
    assert (mean.y, mean.v) == pytest.approx((5, 0.09))
    none = made(data.model_copy(update={"experimental": ArmData(arm="all", events=0, total=9)}), "PROPORTION")
    assert none.y == pytest.approx(math.log(0.5 / 9.5))
    assert none.notes


def test_a_zero_adds_a_half_to_the_four_cells_of_that_study():
    odds, risk = made(counts(0, 20, 5, 20), "OR"), made(counts(0, 20, 5, 20), "RR")
    assert odds.y == pytest.approx(math.log(0.5 * 15.5 / (20.5 * 5.5)))
    assert odds.v == pytest.approx(1 / 0.5 + 1 / 20.5 + 1 / 5.5 + 1 / 15.5)
    assert risk.y == pytest.approx(math.log(0.5 / 5.5))
    assert "0.5" in odds.notes[0]
    full = made(counts(4, 4, 3, 4), "RR")
    assert full.y == pytest.approx(math.log((4.5 / 5) / (3.5 / 5)))


def test_a_risk_difference_is_corrected_only_where_its_variance_would_be_nothing():
    plain, none, all_or_none = (made(data, "RD") for data in (
        counts(0, 20, 5, 20), counts(0, 20, 0, 30), counts(20, 20, 0, 30),
    ))  # fmt: skip
    assert (plain.y, plain.v, plain.notes) == (-0.25, pytest.approx(0.25 * 0.75 / 20), ())
    assert none.y == 0
    assert none.v == pytest.approx(0.5 * 20.5 / 21**3 + 0.5 * 30.5 / 31**3)
    assert none.notes
    assert all_or_none.y == 1


def test_a_study_without_events_has_no_ratio_and_one_with_nothing_but_events_no_odds():
    assert "Nobody" in refused(counts(0, 20, 0, 30), "OR")
    assert "Nobody" in refused(counts(0, 20, 0, 30), "RR")
    assert "Everyone" in refused(counts(20, 20, 30, 30), "OR")
    everyone = made(counts(58, 58, 52, 52), "RR")
    assert everyone.y == 0
    assert everyone.v == pytest.approx(1 / 58.5 - 1 / 59 + 1 / 52.5 - 1 / 53)


def test_peto_by_hand():
    """4 of 10 against 1 of 10: expected 2.5, V = 10·10·5·15/(400·19)."""
    found = peto_effect(counts(4, 10, 1, 10))
    v = 7500 / 7600
    assert isinstance(found, Effect)
    assert (found.y, found.v) == pytest.approx((1.5 / v, 1 / v))
    for data in (counts(0, 10, 0, 10), counts(10, 10, 10, 10), counts(11, 10, 1, 10), told(2, se=1)):
        assert isinstance(peto_effect(data), NotEstimable)


def test_a_reported_ratio_is_read_on_the_log_scale_at_its_level():
    by_se = made(told(2.0, se=0.2), "HR")
    assert (by_se.y, by_se.v) == pytest.approx((math.log(2), 0.04))
    half = 1.6448536269514722 * 0.2
    low, high = 2 * math.exp(-half), 2 * math.exp(half)
    by_interval = made(told(2.0, low, high, level=0.9), "HR")
    assert by_interval.v == pytest.approx(0.04)
    assert "0.9" in by_interval.notes[-1]
    assert made(told(2.0, low, high), "HR").v < by_interval.v


def test_a_reported_difference_is_read_as_it_is_and_with_t_where_the_participants_are_known():
    assert made(told(-3, -5, -1), "MD").v == pytest.approx((2 / 1.959964) ** 2, rel=1e-6)
    small = told(-3, -5, -1, experimental=ArmData(arm="e", total=6), control=ArmData(arm="c", total=6))
    assert made(small, "MD").v == pytest.approx((2 / 2.228139) ** 2, rel=1e-6)
    assert made(small, "SMD").v == pytest.approx((2 / 1.959964) ** 2, rel=1e-6)


def test_an_interval_that_leans_is_noted():
    assert len(made(told(2.0, 1.0, 4.0), "OR").notes) == 1
    assert "not symmetric" in made(told(2.0, 1.0, 3.0, level=0.9), "OR").notes[1]
    assert "not symmetric" in made(told(1.2, 1.0, 4.0), "OR").notes[1]


def test_a_reported_proportion_is_read_on_the_logit_scale():
    share = made(told(0.2, se=0.04), "PROPORTION")
    assert (share.y, share.v) == pytest.approx((math.log(0.25), (0.04 / 0.16) ** 2))
    y, se = math.log(0.25), 0.3
    low, high = (1 / (1 + math.exp(-(y + sign * 1.959963984540054 * se))) for sign in (-1, 1))
    assert made(told(0.2, low, high), "PROPORTION").v == pytest.approx(0.09)


def test_complete_arms_go_before_a_reported_estimate_and_are_not_passed_over_when_they_are_wrong():
    data = counts(10, 50, 20, 40, estimate=9.0, estimate_se=0.1)
    assert made(data, "OR").y == pytest.approx(math.log(0.25))
    assert "more events" in refused(counts(60, 50, 20, 40, estimate=9.0, estimate_se=0.1), "OR")
    half = data.model_copy(update={"control": ArmData(arm="cold", total=40)})
    assert made(half, "OR").y == pytest.approx(math.log(9))


def test_what_is_missing_is_named():
    data = StudyData(study_id="s", label="Sock 2001", experimental=ArmData(arm="warm", total=9))
    assert "events of the experimental arm, events of the control arm, total of the control" in refused(
        data, "OR"
    )
    assert "SD of the experimental arm" in refused(data, "MD")
    assert "hazard ratio" in refused(counts(1, 9, 2, 9), "HR")


def test_designs_are_not_passed_over_in_silence():
    assert "clustering" in made(counts(10, 50, 20, 40, design="cluster"), "OR").notes[0]
    assert "crossover" in made(means(1, 1, 9, 2, 1, 9, design="crossover"), "MD").notes[0]
    done = Conversion(to="effective total", value=1, inputs=(), formula="", source="")
    assert made(counts(10, 50, 20, 40, design="cluster", conversions=(done,)), "OR").notes == ()


def test_an_effect_keeps_where_it_is_from():
    data = counts(10, 50, 20, 40, subgroup="adults", year=2001, notes=("read from a figure",))
    found = made(data, "OR")
    assert (found.data, found.subgroup, found.year, found.notes) == (data, "adults", 2001, data.notes)


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("data", "measure"),
    [
        *((counts(*numbers), measure) for measure in ("OR", "RR", "RD") for numbers in (
            (5, 4, 1, 9), (1, 9, 5, 4), (-1, 9, 1, 9), (0, 0, 1, 9), (1, 9, 0, 0), (1, -9, 1, 9), (NAN, 9, 1, 9),
            (1, INF, 1, 9), (INF, INF, 1, 9), (1, 9, 1, NAN),
        )),
        *((means(*numbers), measure) for measure in ("MD", "SMD") for numbers in (
            (1, 0, 9, 2, 1, 9), (1, 1, 9, 2, -1, 9), (1, 1, 1, 2, 1, 9), (1, 1, 9, 2, 1, 0), (NAN, 1, 9, 2, 1, 9),
            (1, INF, 9, 2, 1, 9), (1, 1, 9, 2, 1, INF), (1e300, 1e300, 9, -1e300, 1e300, 9),
            (1, 1e-200, 9, 2, 1e-200, 9),
        )),
        *((told(*numbers), "HR") for numbers in (
            (0, 0.5, 2), (-1, None, None, 0.1), (1, 0, 2), (1, -1, 2), (1, 2, 0.5), (1, 1, 1), (3, 1, 2), (0.5, 1, 2),
            (1, 0.5, None), (1, None, 2), (1,), (1, None, None, 0), (1, None, None, -1), (NAN, 0.5, 2), (1, NAN, 2),
            (1, 0.5, INF), (INF, None, None, 1), (1, None, None, NAN), (2, 3, 4, 0.1),
        )),
        *((told(*numbers), "RD") for numbers in ((12, 2, 22), (0.1, 0.2, 0.3), (NAN, None, None, 1))),
        *((told(*numbers), "PROPORTION") for numbers in ((0, None, None, 0.1), (1, 0.9, 1), (0.5, 0, 0.6),
                                                                (50, 40, 60))),
        (told(None, 1, 2), "MD"),
        (StudyData(study_id="s", label="Sock 2001"), "MEAN"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_not_estimable_and_says_why(data, measure):
    assert refused(data, measure).endswith((".", "?)."))


numbers = st.none() | st.floats() | st.integers(-3, 50).map(float)
arms = st.none() | st.builds(
    ArmData, arm=st.just("a"), events=numbers, total=numbers, mean=numbers, sd=numbers
)
studies = st.builds(
    StudyData, study_id=st.just("s"), label=st.just("Sock 2001"), experimental=arms, control=arms,
    estimate=numbers, estimate_lower=numbers, estimate_upper=numbers, estimate_se=numbers,
    level=st.floats(0.01, 0.999),
)  # fmt: skip


@settings(deadline=None)
@given(studies, st.sampled_from(MEASURES))
def test_whatever_comes_in_comes_out_finite_or_not_estimable(data, measure):
    for found in (effect(data, measure), effect(data, measure, smd="revman"), peto_effect(data)):
        if isinstance(found, Effect):
            assert math.isfinite(found.y)
            assert 0 < found.v < math.inf
        else:
            assert found.why


cells = st.tuples(st.integers(0, 60), st.integers(0, 60)).filter(lambda pair: sum(pair) > 0)


@settings(deadline=None)
@given(cells, cells)
def test_swapping_the_arms_turns_the_sign_and_nothing_else(one, other):
    (a, b), (c, d) = one, other
    for measure in ("OR", "RR", "RD"):
        there, back = (effect(counts(*n), measure) for n in ((a, a + b, c, c + d), (c, c + d, a, a + b)))
        assert type(there) is type(back)
        if isinstance(there, Effect):
            assert (there.y, there.v) == pytest.approx((-back.y, back.v), abs=1e-12)


@settings(deadline=None)
@given(cells, cells)
def test_swapping_event_and_no_event_turns_the_sign_of_odds_and_difference(one, other):
    (a, b), (c, d) = one, other
    for measure in ("OR", "RD"):
        there, back = (effect(counts(*n), measure) for n in ((a, a + b, c, c + d), (b, a + b, d, c + d)))
        assert type(there) is type(back)
        if isinstance(there, Effect):
            assert (there.y, there.v) == pytest.approx((-back.y, back.v), abs=1e-12)


moments = st.tuples(st.floats(-50, 50), st.floats(0.5, 20), st.integers(2, 200))


@settings(deadline=None)
@given(moments, moments, st.floats(0.01, 100), st.floats(-100, 100))
def test_a_change_of_unit_scales_the_difference_and_leaves_the_standardised_one(one, other, factor, shift):
    data = means(*one, *other)
    moved = means(
        one[0] * factor + shift,
        one[1] * factor,
        one[2],
        other[0] * factor + shift,
        other[1] * factor,
        other[2],
    )
    before, after = made(data, "MD"), made(moved, "MD")
    assert after.y == pytest.approx(before.y * factor, rel=1e-6, abs=1e-6)
    assert after.v == pytest.approx(before.v * factor**2, rel=1e-6)
    before, after = made(data, "SMD"), made(moved, "SMD")
    assert (after.y, after.v) == pytest.approx((before.y, before.v), rel=1e-5, abs=1e-5)
