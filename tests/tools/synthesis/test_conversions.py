"""Conversions against worked examples of the Cochrane Handbook and metafor's values, redone by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.synthesis.conversions import (
    Conversion,
    NotComputed,
    Skewness,
    change_correlation,
    change_mean,
    change_sd,
    combine_arms,
    complete,
    completion,
    events_from_percent,
    from_p_value,
    from_t,
    mean_from_five_numbers,
    percent_from_events,
    sd_from_ci,
    sd_from_difference_se,
    sd_from_five_numbers,
    sd_from_se,
    se_from_interval,
    se_from_p_value,
    skewed,
)
from tools.synthesis.values import ArmData, StudyData


def value(made: Conversion | NotComputed) -> float:
    assert isinstance(made, Conversion), made
    assert made.formula
    assert made.source
    assert made.inputs
    return made.value


def why(made: object) -> str:
    assert isinstance(made, NotComputed), made
    return made.why


def study(**arms: float) -> StudyData:
    """Two arms of 25 and 22 whose means differ by 3.8, as in Handbook 6.5.2.3."""
    one = ArmData(arm="intervention", total=25, mean=arms.get("mean", 33.8), sd=arms.get("sd"))
    return StudyData(
        study_id="s", label="Sock 2001", experimental=one, control=ArmData(arm="control", total=22, mean=30)
    )


# Cochrane Handbook, chapter 6 --------------------------------------------------------------------


def test_sd_of_a_group_from_its_interval_by_t() -> None:
    """25 participants: t(24) is 2.0639, so the divisor is 4.128 (Handbook 6.5.2.2)."""
    made = value(sd_from_ci(30.0, 34.2, 25))
    assert made == pytest.approx(5 * (34.2 - 30.0) / 4.128, rel=1e-3)
    large = value(sd_from_ci(30.0, 34.2, 4000))
    assert large == pytest.approx(math.sqrt(4000) * 4.2 / 3.92, rel=1e-3)
    ninety = value(sd_from_ci(30.0, 34.2, 4000, 0.90))
    assert ninety == pytest.approx(math.sqrt(4000) * 4.2 / 3.29, rel=1e-3)


def test_sd_of_a_group_from_its_se() -> None:
    assert value(sd_from_se(0.5, 100)) == 5.0
    assert "not known" in why(sd_from_se(0.5, None))
    assert "cannot be" in why(sd_from_se(-0.5, 100))


def test_sd_from_the_p_value_of_a_difference() -> None:
    """MD 3.8, p = 0.008, 25 and 22 participants: t = 2.78, SE = 1.37, SD = 4.69 (Handbook 6.5.2.3)."""
    made = from_p_value(study(), 0.008)
    assert not isinstance(made, NotComputed)
    data, (se, sd) = made
    assert 3.8 / se.value == pytest.approx(2.78, abs=0.005)
    assert se.value == pytest.approx(1.37, abs=0.005)
    assert sd.value == pytest.approx(4.69, abs=0.01)
    assert data.experimental is not None
    assert data.control is not None
    assert data.experimental.sd == data.control.sd == sd.value
    assert data.conversions == (se, sd)
    again = from_t(study(), 3.8 / se.value)
    assert not isinstance(again, NotComputed)
    assert again[1][1].value == pytest.approx(sd.value)
    assert value(sd_from_difference_se(1.37, 25, 22)) == pytest.approx(1.37 / math.sqrt(1 / 25 + 1 / 22))


def test_a_reported_sd_stays() -> None:
    made = from_t(study(sd=4.0), 2.78)
    assert not isinstance(made, NotComputed)
    assert made[0].experimental is not None
    assert made[0].experimental.sd == 4.0


def test_tests_that_say_nothing_of_the_sd_are_refused() -> None:
    assert "t = 0" in why(from_t(study(), 0))
    assert "no finite statistic" in why(from_p_value(study(), 0.0))
    assert "no effect" in why(from_p_value(study(mean=30.0), 0.4))
    assert "zero" in why(from_t(study(mean=30.0), 1.0))
    alone = StudyData(study_id="s", label="S", experimental=ArmData(arm="a", total=3))
    assert "totals" in why(from_t(alone, 2.0))


def test_se_of_a_difference_from_its_interval_and_p_value() -> None:
    """Risk difference 0.03 with p = 0.008: z = 2.652, SE = 0.011 (Handbook 6.3.1)."""
    made = value(se_from_p_value(0.03, 0.008))
    assert 0.03 / made == pytest.approx(2.652, abs=0.001)
    assert made == pytest.approx(0.011, abs=0.0005)
    assert value(se_from_interval(1.0, 4.92)) == pytest.approx(1.0, abs=1e-4)
    # 45 degrees of freedom: t is 2.0141, the divisor 4.028 (Handbook 6.5.2.3).
    assert value(se_from_interval(0.0, 4.028, df=45)) == pytest.approx(1.0, abs=1e-3)
    assert "wrong order" in why(se_from_interval(2, 1))


def test_se_of_a_ratio_is_that_of_its_logarithm() -> None:
    """OR 0.67 with p = 0.012 (z = 2.51); and any interval of ratios on the scale of logarithms (Handbook 6.3.2)."""
    assert value(se_from_p_value(0.67, 0.012, ratio=True)) == pytest.approx(
        abs(math.log(0.67)) / 2.512, rel=1e-3
    )
    assert value(se_from_interval(0.5, 2.0, ratio=True)) == pytest.approx(math.log(4) / 3.92, rel=1e-4)
    assert "no logarithm" in why(se_from_interval(0.0, 2.0, ratio=True))
    assert "cannot be" in why(se_from_p_value(-1, 0.5, ratio=True))
    assert "no effect" in why(se_from_p_value(1.0, 0.5, ratio=True))


def test_change_from_baseline() -> None:
    """Baseline 15.2 (6.4), final 16.2 (7.1), change 1.0 (4.5); control 15.7 (7.0), 17.2 (6.9), 1.5 (4.2).

    r = 0.78 and 0.82; with r = 0.80 the SD of change of the first is 4.3 (Handbook 6.5.2.8).
    """
    assert change_mean(15.2, 16.2).value == pytest.approx(1.0)
    assert value(change_correlation(6.4, 7.1, 4.5)) == pytest.approx(0.78, abs=0.005)
    assert value(change_correlation(7.0, 6.9, 4.2)) == pytest.approx(0.82, abs=0.005)
    made = change_sd(6.4, 7.1, 0.80)
    assert value(made) == pytest.approx(4.3, abs=0.05)
    assert isinstance(made, Conversion)
    assert made.approximate
    assert "correlation cannot be" in why(change_sd(1, 1, 1.1))
    assert "below zero" in why(change_sd(-1, 1, 0.5))
    assert "cannot be" in why(change_correlation(1, 1, 9))
    assert "above zero" in why(change_correlation(0, 1, 1))


# Arms together -----------------------------------------------------------------------------------

people = st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=8)


def arm_of(name: str, scores: list[float]) -> ArmData:
    mean = sum(scores) / len(scores)
    sd = math.sqrt(sum((score - mean) ** 2 for score in scores) / (len(scores) - 1))
    return ArmData(arm=name, total=len(scores), mean=mean, sd=sd, randomised=len(scores))


@given(st.lists(people, min_size=2, max_size=4))
def test_arms_together_are_all_their_people(groups: list[list[float]]) -> None:
    made = combine_arms(
        [arm_of(str(i), group) for i, group in enumerate(groups)], kind="continuous", name="all"
    )
    assert not isinstance(made, NotComputed)
    whole = arm_of("all", [score for group in groups for score in group])
    assert (made[0].total, made[0].randomised) == (whole.total, whole.randomised)
    assert made[0].mean == pytest.approx(whole.mean, abs=1e-9)
    assert made[0].sd == pytest.approx(whole.sd, abs=1e-6)


def test_events_together_and_what_is_missing() -> None:
    low, high = ArmData(arm="low", total=10, events=2), ArmData(arm="high", total=12, events=5, randomised=13)
    made = combine_arms([low, high], kind="dichotomous", name="any dose")
    assert not isinstance(made, NotComputed)
    assert made[0] == ArmData(arm="any dose", total=22, events=7)
    assert {step.to for step in made[1]} == {"total", "events"}
    assert "mean of low" in why(combine_arms([low, high], kind="continuous", name="x"))
    assert "two arms" in why(combine_arms([low], kind="dichotomous", name="x"))
    nobody = ArmData(arm="none", total=0, events=0)
    assert "no participants" in why(combine_arms([low, nobody], kind="dichotomous", name="x"))


# Medians -----------------------------------------------------------------------------------------

FIVE = (2.0, 6.0, 9.0, 17.0, 41.0)
"""Asymmetric on purpose, so that the weights count; with many participants it is too skewed to convert."""


def test_means_and_sds_are_those_of_metafor() -> None:
    """n = 7: metafor 4.4 conv.fivenum(2, 6, 9, 17, 41) gives 15.0215 and 14.2911 from the range, 10.8893 and
    10.1040 from the quartiles (Luo 2018, Wan 2014)."""
    by_range = (FIVE[0], None, FIVE[2], None, FIVE[4])
    by_quartiles = (None, *FIVE[1:4], None)
    assert value(mean_from_five_numbers(by_range, 7)) == pytest.approx(15.021544795358952)
    assert value(sd_from_five_numbers(by_range, 7)) == pytest.approx(14.29106691143328)
    assert value(mean_from_five_numbers(by_quartiles, 7)) == pytest.approx(10.889285714285714)
    assert value(sd_from_five_numbers(by_quartiles, 7)) == pytest.approx(10.103962147784886)
    assert value(mean_from_five_numbers(by_quartiles, 30)) == pytest.approx(10.782500000000001)
    assert value(sd_from_five_numbers(by_quartiles, 30)) == pytest.approx(8.5626224066574625)


def test_all_five_numbers_by_hand() -> None:
    """n = 20 with 3, 8, 10, 13, 20: ξ = 3.73648, η = 1.25337; Wan (17/ξ + 5/η)/2, Shi with w = 1/(1 + 0.07·20^0.6)."""
    five = (3.0, 8.0, 10.0, 13.0, 20.0)
    by_range, by_quartiles = 17 / 3.73648, 5 / 1.25337
    assert value(sd_from_five_numbers(five, 20, "wan")) == pytest.approx(
        (by_range + by_quartiles) / 2, rel=1e-5
    )
    w = 1 / (1 + 0.07 * 20**0.6)
    assert value(sd_from_five_numbers(five, 20)) == pytest.approx(
        w * by_range + (1 - w) * by_quartiles, rel=1e-5
    )
    w1, w2 = 2.2 / (2.2 + 20**0.75), 0.7 - 0.72 / 20**0.55
    luo = w1 * 11.5 + w2 * 10.5 + (1 - w1 - w2) * 10
    assert value(mean_from_five_numbers(five, 20)) == pytest.approx(luo)
    assert value(mean_from_five_numbers(five, 20, "wan")) == pytest.approx((3 + 16 + 20 + 26 + 20) / 8)
    assert value(mean_from_five_numbers((3, None, 10, None, 20), 20, "wan")) == pytest.approx(
        (3 + 20 + 20) / 4
    )
    assert value(mean_from_five_numbers((None, 8, 10, 13, None), 20, "wan")) == pytest.approx(31 / 3)


def test_skewness_by_hand() -> None:
    """Quartiles 6, 9, 17 of 100: (6 + 17 − 18)/11 = 0.4545 against 2.65/10 − 6/10000 = 0.2644."""
    test = skewed((None, 6, 9, 17, None), 100)
    assert isinstance(test, Skewness)
    assert test.statistic == pytest.approx(5 / 11)
    assert test.critical == pytest.approx(0.2644)
    assert test.skewed
    ends = skewed((2, None, 9, None, 41), 30)
    assert isinstance(ends, Skewness)
    assert ends.statistic == pytest.approx(25 / 39)
    assert ends.critical == pytest.approx(1 / math.log(39) + 2.5 / 31)
    both = skewed(FIVE, 30)
    assert isinstance(both, Skewness)
    assert both.statistic == pytest.approx(max(2.65 * math.log(18) / math.sqrt(30) * 25 / 39, 5 / 11))
    assert both.critical == pytest.approx(3 / math.sqrt(30) - 40 / 27000)
    refused = why(mean_from_five_numbers(FIVE, 30))
    assert "skewed" in refused
    assert "2, 6, 9, 17, 41" in refused
    assert "skewed" in why(sd_from_five_numbers(FIVE, 30))


def test_too_little_for_a_mean_says_so() -> None:
    assert "five participants" in why(mean_from_five_numbers((None, 1, 2, 3, None), 4))
    assert "neither" in why(mean_from_five_numbers((None, 1, 2, None, None), 40))
    assert "no median" in why(mean_from_five_numbers((None, 1, None, 3, None), 40))
    assert "rising" in why(sd_from_five_numbers((None, 3, 2, 1, None), 40))
    assert value(sd_from_five_numbers((None, 1, None, 3, None), 40)) > 0
    assert "at least five" in why(skewed((None, 1, 2, 3, None), 4))
    assert "neither" in why(skewed((None, 2, 2, 2, None), 40))


# Completing an arm -------------------------------------------------------------------------------


def test_events_only_where_one_count_rounds_to_the_percent() -> None:
    assert value(events_from_percent(33.3, 30)) == 10
    assert "no whole number" in why(events_from_percent(33.0, 10))
    assert "all round to 33 %" in why(events_from_percent(33.0, 1_000))
    assert value(events_from_percent(33.0, 1_000, "33.0")) == 330
    assert "no percent" in why(events_from_percent(133.0, 10))
    assert "no number of participants" in why(events_from_percent(33.0, 10.5))


@given(st.integers(1, 99), st.data())
def test_up_to_99_people_a_whole_percent_gives_the_events_back(total: int, data: st.DataObject) -> None:
    """Two counts of fewer than 100 are more than a percent apart, so exactly one rounds to each whole percent."""
    events = data.draw(st.integers(0, total))
    percent = float(round(100 * events / total))
    assert value(events_from_percent(percent, total)) == events


def test_percent_from_events() -> None:
    assert value(percent_from_events(1, 8)) == 12.5
    assert "no share" in why(percent_from_events(9, 8))


def test_an_arm_is_completed_and_nothing_reported_is_replaced() -> None:
    arm = ArmData(arm="a", total=25, mean=32.1, ci_lower=30.0, ci_upper=34.2)
    filled, (step,) = complete(arm, kind="continuous")
    assert filled == arm.model_copy(update={"sd": step.value})
    assert not step.approximate
    reported = ArmData(arm="a", total=100, mean=5, sd=9.9, se=0.5)
    assert complete(reported, kind="continuous") == (reported, ())
    with_se, (se,) = complete(ArmData(arm="a", total=100, mean=5, sd=9), kind="continuous")
    assert (with_se.se, se.to) == (0.9, "se")


def test_the_se_goes_before_the_interval_and_the_interval_before_quartiles() -> None:
    arm = ArmData(arm="a", total=25, mean=32.1, se=1.0, ci_lower=30.0, ci_upper=34.2, median=32, q1=30, q3=34)
    assert completion(arm, kind="continuous").conversions[0].formula == "SD = SE × √n"
    without = arm.model_copy(update={"se": None})
    assert "t of n − 1" in completion(without, kind="continuous").conversions[0].formula
    median = ArmData(arm="a", total=25, median=32, q1=30, q3=34)
    done = completion(median, kind="continuous")
    assert done.arm.mean == pytest.approx(32)
    assert all(step.approximate for step in done.conversions)


def test_an_interval_off_the_mean_gives_no_sd() -> None:
    arm = ArmData(arm="a", total=25, mean=30.5, ci_lower=30.0, ci_upper=34.2)
    done = completion(arm, kind="continuous")
    assert done.arm == arm
    assert "not symmetric" in done.not_computed[0].why
    assert "two participants" in why(sd_from_ci(1, 2, 1))
    assert "wrong order" in why(sd_from_ci(2, 1, 9))


def test_what_cannot_be_completed_says_why() -> None:
    for arm, said in (
        (ArmData(arm="a", percent=10), "total is not known"),
        (ArmData(arm="a", total=10), "neither events nor percent"),
    ):
        done = completion(arm, kind="dichotomous")
        assert done.arm == arm
        assert said in done.not_computed[0].why
    done = completion(ArmData(arm="a", total=10), kind="continuous")
    assert {step.to for step in done.not_computed} == {"mean", "sd"}
    both = ArmData(arm="a", total=10, events=3, percent=30)
    assert completion(both, kind="dichotomous").conversions == ()


optional = st.none() | st.floats(-50, 50)


anything = st.builds(
    ArmData,
    arm=st.just("a"),
    **dict.fromkeys(("total", "events", "percent", "mean", "sd", "se", "ci_lower", "ci_upper"), optional),
    **dict.fromkeys(("median", "q1", "q3", "minimum", "maximum"), optional),
)


@given(anything, st.sampled_from(["dichotomous", "continuous"]))
def test_no_reported_number_is_ever_changed(arm: ArmData, kind: str) -> None:
    done = completion(arm, kind=kind)  # type: ignore[arg-type]
    for name, number in arm:
        if number is not None:
            assert getattr(done.arm, name) == number
    for step in done.conversions:
        assert getattr(arm, step.to) is None
        assert math.isfinite(getattr(done.arm, step.to))
