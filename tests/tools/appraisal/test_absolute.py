"""Absolute effects against numbers worked out by hand."""

import math

import pytest

from tools.appraisal.absolute import AssumedRisk, absolute_effect, control_risk
from tools.errors import ConfigError
from tools.synthesis.values import ArmData, Pooled, StudyData


def pooled(measure, y, lower, upper):
    return Pooled(
        measure=measure, model="random", k=3, y=y, se=0.1, lower=lower, upper=upper, statistic=1, p=0.3,
        weights=(50.0, 30.0, 20.0),
    )  # fmt: skip


def ratio(measure, *values):
    return pooled(measure, *(math.log(x) for x in values))


@pytest.mark.parametrize(
    ("effect", "assumed", "per_thousand"),
    [
        # Risk ratio: 300 × 0.92 = 276, 24 fewer; 300 × 0.8 = 240; 300 × 1.05 = 315.
        (ratio("RR", 0.92, 0.8, 1.05), 0.3, (276, 240, 315)),
        # Odds ratio: 0.73 × 0.3 / (1 − 0.3 + 0.73 × 0.3) = 0.219 / 0.919 = 0.2383, so 61.7 fewer.
        (ratio("OR", 0.73, 0.5, 1.0), 0.3, (238.3, 176.5, 300)),
        # Odds 1:1 doubled is 2:1, tripled 3:1.
        (ratio("OR", 2, 1, 3), 0.5, (666.7, 500, 750)),
        (pooled("RD", -0.05, -0.1, 0.02), 0.3, (250, 200, 320)),
        # Hazard ratio: survival 0.64 to the power of a half is 0.8, of 2 is 0.4096.
        (ratio("HR", 0.5, 0.5, 2), 0.36, (200, 200, 590.4)),
    ],
)
def test_known_answers(effect, assumed, per_thousand):
    got = absolute_effect(effect, AssumedRisk(risk=assumed, source="given"))
    assert [1000 * x for x in (got.risk, got.lower, got.upper)] == pytest.approx(per_thousand, abs=0.05)
    assert got.differences[0] == pytest.approx(per_thousand[0] / 1000 - assumed, abs=1e-4)
    assert got.notes == ()


def test_no_effect_changes_nothing():
    for measure in ("OR", "RR", "RD", "HR"):
        got = absolute_effect(pooled(measure, 0, 0, 0), AssumedRisk(risk=0.123, source="given"))
        assert got.differences == pytest.approx((0, 0, 0), abs=1e-12)


def test_what_would_leave_the_scale_is_cut_and_told():
    got = absolute_effect(ratio("RR", 1.5, 1.1, 3), AssumedRisk(risk=0.6, source="given"))
    assert (got.risk, got.upper) == (pytest.approx(0.9), 1.0)
    assert "Cut at the ends" in got.notes[0]
    down = absolute_effect(pooled("RD", -0.05, -0.2, 0.1), AssumedRisk(risk=0.1, source="given"))
    assert (down.lower, len(down.notes)) == (0.0, 1)


def test_a_limit_beyond_all_numbers_is_certainty():
    for measure in ("OR", "RR", "HR"):
        got = absolute_effect(pooled(measure, 0.0, -800.0, 800.0), AssumedRisk(risk=0.3, source="given"))
        assert (got.lower, got.upper) == (pytest.approx(0), 1.0)


def test_a_ratio_from_no_risk_is_refused():
    none = AssumedRisk(risk=0, source="median of the control groups of 3 studies")
    with pytest.raises(ConfigError, match="0 .median of the control groups.* stays 0 with any RR"):
        absolute_effect(ratio("RR", 2, 1, 3), none)
    assert absolute_effect(pooled("RD", 0.1, 0, 0.2), none).risk == pytest.approx(0.1)
    with pytest.raises(ConfigError, match="MD has none"):
        absolute_effect(pooled("MD", 1, 0, 2), AssumedRisk(risk=0.5, source="given"))


def study(name, events, total):
    control = ArmData(arm="c", events=events, total=total)
    return StudyData(study_id=name, label=name, control=control)


def test_the_assumed_risk_is_the_median_of_the_control_groups():
    got = control_risk([study("a", 10, 100), study("b", 50, 100), study("c", 40, 200)])
    assert (got.risk, got.source) == (0.2, "median of the control groups of 3 studies")
    even = control_risk([study("a", 10, 100), study("b", 50, 100), study("c", None, 200)])
    assert (even.risk, even.source) == (0.3, "median of the control groups of 2 studies (1 without numbers)")
    assert control_risk([study("a", 0, 100)]).source == "median of the control groups of 1 study"


def test_without_control_groups_there_is_no_assumed_risk():
    with pytest.raises(ConfigError, match="give a risk and its source"):
        control_risk([study("a", None, 100), study("b", 3, None), StudyData(study_id="c", label="c")])
