"""One study less, one study more, subgroups, small studies: by hand and against ordinary regression. Data invented."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from bench.pooling_vectors import BCG
from tools.synthesis.effects import effect
from tools.synthesis.pooling import MixedMeasures, NothingToPool, WrongModel, pool
from tools.synthesis.sensitivity import TooFewStudies, cumulative, egger, funnel, leave_one_out, subgroups
from tools.synthesis.values import Effect


def one(study_id, y, v, **more):
    return Effect(
        **{"study_id": study_id, "label": f"Sock {study_id}", "measure": "MD", "y": y, "v": v} | more
    )


def test_each_study_is_left_out_once():
    made = [one("a", 0, 1), one("b", 3, 1), one("c", 9, 1)]
    steps = leave_one_out(made, model="common")
    assert [(step.study_id, step.pooled.y, step.pooled.k) for step in steps] == [
        ("a", 6, 2),
        ("b", 4.5, 2),
        ("c", 1.5, 2),
    ]


def test_a_study_of_two_rows_is_left_out_as_a_whole():
    steps = leave_one_out([one("a", 0, 1), one("b", 3, 1), one("a", 9, 1)], model="common")
    assert [(step.study_id, step.pooled.k) for step in steps] == [("a", 1), ("b", 2)]


def test_the_choices_of_the_analysis_are_those_of_each_step():
    made = [one(str(place), place, 1 + place / 10) for place in range(5)]
    choices = {
        "model": "random",
        "tau2_method": "PM",
        "interval": "hksj",
        "prediction": "normal",
        "level": 0.9,
    }
    for step in (*leave_one_out(made, **choices), *cumulative(made, **choices)[1:]):
        pooled = step.pooled
        assert (pooled.tau2_method, pooled.interval, pooled.level) == ("PM", "hksj", 0.9)
        assert pooled.prediction == "normal"


def test_leaving_one_out_needs_two():
    with pytest.raises(TooFewStudies):
        leave_one_out([one("a", 0, 1)], model="common")
    with pytest.raises(TooFewStudies):
        leave_one_out([], model="common")


def test_studies_come_in_by_year_then_label_and_those_without_a_year_last():
    made = [
        one("d", 8, 1),
        one("c", 4, 1, year=2002),
        one("b", 2, 1, year=2001, label="Birch 2001"),
        one("a", 0, 1, year=2001, label="Arden 2001"),
    ]
    steps = cumulative(made, model="common")
    assert [(step.study_id, step.year, step.pooled.y) for step in steps] == [
        ("a", 2001, 0),
        ("b", 2001, 1),
        ("c", 2002, 2),
        ("d", None, 3.5),
    ]
    with pytest.raises(NothingToPool):
        cumulative([], model="common")


def test_subgroups_by_hand():
    """Means 1 and 4 with variances 1/2 each: between them Q = 3²/(1/2 + 1/2) = 9."""
    made = [
        one("a", 0, 1, subgroup="adults"), one("b", 2, 1, subgroup="adults"),
        one("c", 3, 1, subgroup="children"), one("d", 5, 1, subgroup="children"),
    ]  # fmt: skip
    found = subgroups(made, model="common")
    assert [(group.name, group.pooled.y) for group in found.groups] == [("adults", 1), ("children", 4)]
    assert (found.q_between, found.df) == pytest.approx((9, 1))
    assert found.p == pytest.approx(math.erfc(3 / math.sqrt(2)))
    assert found.i2_between == pytest.approx(100 * 8 / 9)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.1, 4), st.sampled_from("xyz")), min_size=2, max_size=10)
)
def test_with_one_true_effect_the_squares_within_and_between_add_up(rows):
    made = [one(str(place), y, v, subgroup=name) for place, (y, v, name) in enumerate(rows)]
    if len({effect.subgroup for effect in made}) < 2:
        with pytest.raises(TooFewStudies):
            subgroups(made, model="common")
        return
    found = subgroups(made, model="common")
    within = sum(group.pooled.q or 0 for group in found.groups)
    assert within + found.q_between == pytest.approx(pool(made, model="common").q, abs=1e-9)


def test_what_has_no_subgroup_or_one_measure_too_many_is_refused():
    made = [one("a", 0, 1, subgroup="adults"), one("b", 2, 1)]
    with pytest.raises(TooFewStudies, match="Sock b"):
        subgroups(made, model="common")
    mixed = [made[0], one("b", 2, 1, subgroup="children", measure="SMD")]
    with pytest.raises(MixedMeasures):
        subgroups(mixed, model="common")
    with pytest.raises(WrongModel):
        subgroups([made[0], one("b", 2, 1, subgroup="children")], model="peto")


def test_egger_is_ordinary_regression_of_the_standardised_effect_on_precision():
    made = [effect(data, "RR") for data in BCG]
    found = egger(made)
    se = [math.sqrt(one.v) for one in made]
    theirs = linregress([1 / s for s in se], [one.y / s for one, s in zip(made, se, strict=True)])
    assert found.intercept == pytest.approx(theirs.intercept)
    assert found.se == pytest.approx(theirs.intercept_stderr)
    assert found.slope == pytest.approx(theirs.slope)
    assert (found.k, found.df) == (13, 11)
    assert found.t == pytest.approx(found.intercept / found.se)
    assert found.upper - found.intercept == pytest.approx(2.200985 * found.se, rel=1e-6)
    assert found.notes == ()
    assert egger([effect(data, "OR") for data in BCG]).notes


def test_egger_refuses_fewer_than_ten_studies():
    made = [effect(data, "RR") for data in BCG]
    assert egger(made[:10]).k == 10
    with pytest.raises(TooFewStudies, match="9 studies"):
        egger(made[:9])
    with pytest.raises(TooFewStudies, match="same standard error"):
        egger([one(str(place), place, 1) for place in range(12)])
    with pytest.raises(TooFewStudies, match="on a line"):
        egger([one(str(place), 0, 1 + place) for place in range(12)])
    with pytest.raises(MixedMeasures):
        egger([*made, one("x", 1, 1)])


def test_a_funnel_has_a_point_for_each_study_and_says_when_it_is_not_to_be_read():
    made = [one("a", 0, 4), one("b", 3, 9)]
    found = funnel(made, centre=1.0)
    assert [(point.label, point.y, point.se) for point in found.points] == [
        ("Sock a", 0, 2),
        ("Sock b", 3, 3),
    ]
    assert found.slope == pytest.approx(1.959964)
    assert "not to be read" in found.notes[0]
    assert funnel([effect(data, "RR") for data in BCG], centre=0.0, level=0.9).notes == ()
