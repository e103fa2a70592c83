"""Pooled effects: printed numbers to their last digit, symmetries, refusals. Data invented unless a source is named."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.pooling_printed import study
from bench.pooling_vectors import BCG, from_files, inline
from tools.synthesis.effects import effect
from tools.synthesis.heterogeneity import q_profile, q_statistic, tau2_of
from tools.synthesis.pooling import CannotPool, MixedMeasures, NothingToPool, WrongModel, natural, pool
from tools.synthesis.values import Effect

METHODS = ("DL", "PM", "REML", "ML", "HE")


def effects(ys, vs, measure="MD"):
    return [
        Effect(study_id=f"s{place}", label=f"Sock {place}", measure=measure, y=y, v=v)
        for place, (y, v) in enumerate(zip(ys, vs, strict=True))
    ]


def of(tables, measure):
    made = [effect(study(f"s{place}", *table), measure) for place, table in enumerate(tables)]
    return [one for one in made if isinstance(one, Effect)]


def limits(pooled):
    return pooled.lower, pooled.upper


# Printed numbers ---------------------------------------------------------------------------------------


def test_printed_numbers_are_met():
    """To the last digit; where metafor stopped early, to the last digit with its stop (bench.pooling_printed)."""
    found = list(inline())
    assert len(found) > 200
    assert [vector for vector in found if not (vector.met or vector.met_as_stopped)] == []


def test_an_early_stop_excuses_nothing_but_last_digits():
    excused = [vector for vector in inline() if not vector.met]
    assert len(excused) < 20
    for vector in excused:
        assert vector.ours == pytest.approx(float(vector.printed), rel=1e-4)


@pytest.mark.shared
def test_printed_numbers_of_shared_data_are_met(shared_data):
    found = list(from_files(shared_data / "meta_analysis" / "metadat"))
    assert len(found) > 30
    assert [vector for vector in found if not (vector.met or vector.met_as_stopped)] == []


# By hand -----------------------------------------------------------------------------------------------


def test_two_studies_by_hand():
    """Weights 1 and 3 on effects 0 and 4: mean 3, SE 1/2, Q = 9 + 3 = 12, τ² by each estimator below."""
    pooled = pool(effects((0, 4), (1, 1 / 3)), model="common")
    assert (pooled.y, pooled.se, pooled.q, pooled.q_df) == pytest.approx((3, 0.5, 12, 1))
    assert pooled.weights == pytest.approx((25, 75))
    assert pooled.i2 == pytest.approx(100 * 11 / 12)
    assert pooled.h2 == pytest.approx(12)
    assert pooled.statistic == pytest.approx(6)
    assert limits(pooled) == pytest.approx((3 - 0.98, 3 + 0.98), abs=1e-4)
    # Half the squared difference less the mean variance: for two studies all but ML agree.
    for method in ("DL", "PM", "REML", "HE"):
        assert pool(effects((0, 4), (1, 1 / 3)), model="random", tau2_method=method).tau2 == pytest.approx(
            8 - 2 / 3
        )


def test_hartung_knapp_by_hand():
    """Equal variances of 1 and τ² 0: SE² = Σ(y − ȳ)²/(k(k − 1)); effects 0, 1, 2: 2/6."""
    made = effects((0, 1, 2), (1, 1, 1))
    pooled = pool(made, model="random", interval="hksj")
    assert pooled.tau2 == 0
    assert (pooled.se, pooled.df) == pytest.approx((math.sqrt(1 / 3), 2))
    assert limits(pooled) == pytest.approx(
        (1 - 4.302653 / math.sqrt(3), 1 + 4.302653 / math.sqrt(3)), abs=1e-5
    )
    close = pool(effects((0.9, 1, 1.1), (1, 1, 1)), model="random", interval="hksj")
    modified = pool(effects((0.9, 1, 1.1), (1, 1, 1)), model="random", interval="hksj_modified")
    assert close.se < modified.se == pytest.approx(math.sqrt(1 / 3))
    assert any("smaller than Wald" in note for note in close.notes)


def test_hartung_knapp_of_equal_effects_is_not_certainty():
    pooled = pool(effects((0.1, 0.1, 0.1), (1, 2, 3)), model="random", interval="hksj")
    assert pooled.interval == "hksj_modified"
    assert pooled.se > 0
    assert any("equal" in note for note in pooled.notes)


def test_prediction_intervals():
    made = effects((0, 1, 2, 5), (0.1, 0.2, 0.1, 0.3))
    widths = {}
    for name, t in (("normal", 1.959964), ("t_k_minus_1", 3.182446), ("t_k_minus_2", 4.302653)):
        pooled = pool(made, model="random", prediction=name)
        widths[name] = pooled.prediction_upper - pooled.prediction_lower
        assert widths[name] == pytest.approx(2 * t * math.sqrt(pooled.tau2 + pooled.se**2), rel=1e-6)
    two = pool(made[:2], model="random", prediction="normal")
    assert (two.prediction, two.prediction_lower, two.prediction_upper) == ("normal", None, None)
    assert any("needs three" in note for note in two.notes)


def test_one_study_is_its_own_effect_whatever_the_model():
    one = of([(10, 50, 20, 40)], "OR")
    for model in ("common", "random", "mantel_haenszel"):
        pooled = pool(one, model=model)
        assert (pooled.y, pooled.se) == pytest.approx((one[0].y, math.sqrt(one[0].v)))
        assert (pooled.tau2, pooled.q, pooled.i2, pooled.prediction) == (None, None, None, None)
        assert pooled.weights == (100,)
        assert "one study" in pooled.notes[0]
    alone = pool(one, model="random", interval="hksj", prediction="normal")
    assert alone.interval == "wald"


def test_mantel_haenszel_leaves_zero_cells_as_they_are():
    """A table with a zero counts in the sums: Σad/N = 10·50/100 + 0, Σbc/N = 30·10/100 + 10·2/40."""
    pooled = pool(of([(10, 40, 10, 60), (0, 10, 2, 30)], "OR"), model="mantel_haenszel")
    assert pooled.y == pytest.approx(math.log(5 / 3.5))
    assert pooled.notes == ()


def test_mantel_haenszel_without_events_in_one_arm_of_all_studies_is_corrected_and_says_so():
    pooled = pool(of([(0, 20, 3, 20), (0, 30, 4, 30)], "RR"), model="mantel_haenszel")
    assert math.isfinite(pooled.y)
    assert "0.5" in pooled.notes[0]
    assert pool(of([(0, 20, 3, 20), (0, 30, 4, 30)], "RD"), model="mantel_haenszel").notes == ()


def test_few_studies_and_studies_that_come_twice_are_noted():
    made = effects((1, 2, 3), (1, 1, 1))
    twice = [made[0], made[1], made[2].model_copy(update={"study_id": "s0"})]
    notes = pool(twice, model="random").notes
    assert "3 studies" in notes[0]
    assert "Sock" in notes[1]


def test_an_estimate_outside_its_interval_is_noted():
    """Colditz et al. 1994, risk differences: DL finds a fiftieth of the lower limit (facts of the gold vectors)."""
    made = [effect(data, "RD") for data in BCG]
    pooled = pool(made, model="random", tau2_method="DL")
    assert pooled.tau2 < pooled.tau2_lower
    assert any("outside its Q-profile" in note for note in pooled.notes)


def test_effects_that_hardly_differ_have_no_interval_of_tau2():
    pooled = pool(effects((1, 1.001, 1.002), (1, 1, 1)), model="random")
    assert (pooled.tau2, pooled.tau2_lower, pooled.i2_upper) == (0, None, None)
    assert any("less than chance" in note for note in pooled.notes)


@pytest.mark.parametrize(
    ("ys", "vs", "summits"),
    [
        ((-3.0, -0.26, -7.83, -0.58), (0.2017, 0.0014, 2.0086, 0.1761), (0.0, 7.0)),
        ((-0.74, 17.25, 0.11, 0.06, -0.38), (4.0997, 17.2426, 0.0002, 0.4866, 0.0002), (0.06, 17.9)),
    ],
)
def test_the_highest_of_two_hills_is_found(ys, vs, summits):
    """The likelihood has two maxima here; a search from one start may end on the lower."""

    def height(tau2):
        return -math.fsum(math.log(v + tau2) for v in vs) - q_statistic(ys, vs, tau2)

    grid = [0.0, *(1e-5 * 1.01**step for step in range(1600))]
    heights = [-math.inf, *map(height, grid), -math.inf]
    tops = [g for g, a, b, c in zip(grid, heights, heights[1:], heights[2:], strict=False) if a < b > c]
    assert tops == [pytest.approx(summit, rel=0.05, abs=1e-4) for summit in summits]
    found = tau2_of(ys, vs, "ML")
    assert height(found) >= max(heights)
    assert found == pytest.approx(max(tops, key=height), rel=0.02)


def test_for_people():
    assert natural("OR", 0.0) == 1.0
    assert natural("MD", -2.5) == -2.5
    assert natural("PROPORTION", 0.0) == 0.5
    assert natural("HR", 1e6) == math.inf
    assert natural("PROPORTION", -1e6) == 0.0


# Refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "choices", "error"),
    [
        ([], {"model": "common"}, NothingToPool),
        ([*effects((1,), (1,)), *effects((1,), (1,), "SMD")], {"model": "random"}, MixedMeasures),
        (effects((1, math.nan), (1, 1)), {"model": "common"}, NothingToPool),
        (effects((1, math.inf), (1, 1)), {"model": "random"}, NothingToPool),
        (effects((1, 2), (1, math.inf)), {"model": "random"}, NothingToPool),
        (effects((1, 2), (1, 1)), {"model": "mantel_haenszel"}, WrongModel),
        (effects((1, 2), (1, 1)), {"model": "peto"}, WrongModel),
        (effects((1, 2), (1, 1), "OR"), {"model": "peto"}, WrongModel),
        (effects((1, 2), (1, 1), "OR"), {"model": "mantel_haenszel"}, WrongModel),
        (of([(1, 9, 2, 9)], "RR"), {"model": "peto"}, WrongModel),
        (effects((1, 2), (1, 1)), {"model": "common", "interval": "hksj"}, WrongModel),
        (effects((1, 2), (1, 1)), {"model": "common", "prediction": "normal"}, WrongModel),
        (effects((1, 2), (1, 1)), {"model": "common", "level": 1.0}, WrongModel),
        (effects((1, 2), (1, 1)), {"model": "common", "level": 95}, WrongModel),
        (effects((1e200, -1e200), (1e-300, 1e-300)), {"model": "random"}, NothingToPool),
    ],
)
def test_what_cannot_be_pooled_is_refused_with_a_remedy(made, choices, error):
    with pytest.raises(error, match="Remedy") as caught:
        pool(made, **choices)
    assert caught.value.exit_status == 2
    assert isinstance(caught.value, CannotPool)


# Properties --------------------------------------------------------------------------------------------

values = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.001, 10)), min_size=2, max_size=12)
choices = st.sampled_from(
    [("common", "DL", "wald"), *product(("random",), METHODS, ("wald", "hksj_modified"))]
)


def pooled_of(pairs, choice):
    model, method, interval = choice
    ys, vs = zip(*pairs, strict=True)
    return pool(effects(ys, vs), model=model, tau2_method=method, interval=interval)


@settings(deadline=None)
@given(values, choices)
def test_weights_are_per_cent_and_the_mean_lies_among_the_effects(pairs, choice):
    pooled = pooled_of(pairs, choice)
    ys = [y for y, _ in pairs]
    assert sum(pooled.weights) == pytest.approx(100)
    assert min(pooled.weights) >= 0
    assert min(ys) - 1e-9 <= pooled.y <= max(ys) + 1e-9
    assert pooled.lower < pooled.y < pooled.upper
    assert 0 <= pooled.p <= 1
    assert 0 <= pooled.i2 <= 100


@settings(deadline=None)
@given(values, choices, st.randoms(use_true_random=False))
def test_the_order_of_the_studies_changes_nothing(pairs, choice, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    one, other = pooled_of(pairs, choice), pooled_of(shuffled, choice)
    assert (one.y, one.se, one.tau2, one.q) == (other.y, other.se, other.tau2, other.q)


@settings(deadline=None)
@given(values, choices)
def test_turning_all_effects_round_turns_the_result_round(pairs, choice):
    one, other = pooled_of(pairs, choice), pooled_of([(-y, v) for y, v in pairs], choice)
    assert (one.y, one.lower, one.upper) == pytest.approx((-other.y, -other.upper, -other.lower), abs=1e-9)
    assert one.p == pytest.approx(other.p)


@settings(deadline=None)
@given(values, choices, st.floats(0.01, 100), st.floats(-10, 10))
def test_a_change_of_unit_changes_unit(pairs, choice, factor, shift):
    one = pooled_of(pairs, choice)
    other = pooled_of([(y * factor + shift, v * factor**2) for y, v in pairs], choice)
    assert other.y == pytest.approx(one.y * factor + shift, rel=1e-4, abs=1e-4 * factor)
    assert other.se == pytest.approx(one.se * factor, rel=1e-4)
    if one.tau2 is not None:
        assert other.tau2 == pytest.approx(one.tau2 * factor**2, rel=1e-4, abs=1e-5 * factor**2)


@settings(deadline=None)
@given(values, st.sampled_from(METHODS))
def test_tau2_is_where_its_equation_says(pairs, method):
    ys, vs = zip(*pairs, strict=True)
    tau2 = tau2_of(ys, vs, method)
    assert tau2 >= 0
    if method == "PM" and tau2 > 0:
        assert q_statistic(ys, vs, tau2) == pytest.approx(len(ys) - 1, rel=1e-6)
    if method == "PM" and tau2 == 0:
        assert q_statistic(ys, vs) <= len(ys) - 1


@settings(deadline=None)
@given(values)
def test_q_profile_limits_enclose_what_the_generalised_q_allows(pairs):
    ys, vs = zip(*pairs, strict=True)
    found = q_profile(ys, vs, 0.95)
    if found is not None:
        paule_mandel = tau2_of(ys, vs, "PM")
        assert 0 <= found.lower <= found.upper
        # Q at PM's τ² is its degrees of freedom, which lie between both quantiles but for one study pair.
        if len(ys) > 2:
            assert found.lower <= paule_mandel + 1e-9 <= found.upper + 2e-9


@settings(deadline=None)
@given(values)
def test_the_modified_interval_is_never_narrower_than_walds(pairs):
    ys, vs = zip(*pairs, strict=True)
    wald, modified = (
        pool(effects(ys, vs), model="random", interval=how) for how in ("wald", "hksj_modified")
    )
    assert modified.upper - modified.lower >= (wald.upper - wald.lower) * (1 - 1e-9)


wild = st.lists(
    st.tuples(st.floats(-1e59, 1e59), st.floats(1e-59, 1e59, exclude_min=True)), min_size=1, max_size=4
)


@settings(deadline=None)
@given(wild, choices)
def test_effects_of_any_size_pool_to_numbers_or_are_refused(pairs, choice):
    try:
        pooled = pooled_of(pairs, choice)
    except CannotPool:
        return
    for value in (
        pooled.y,
        pooled.se,
        pooled.lower,
        pooled.upper,
        pooled.p,
        pooled.tau2 or 0,
        *pooled.weights,
    ):
        assert math.isfinite(value)
    assert pooled.se > 0


tables = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 30), st.integers(0, 20), st.integers(0, 30)).filter(
        lambda t: t[0] + t[1] > 0 and t[2] + t[3] > 0
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(tables, st.sampled_from(("OR", "RR", "RD")), st.sampled_from(("mantel_haenszel", "peto")))
def test_tables_pool_to_a_number_or_are_refused_and_swapping_arms_turns_the_sign(rows, measure, model):
    there = of([(a, a + b, c, c + d) for a, b, c, d in rows], measure)
    back = of([(c, c + d, a, a + b) for a, b, c, d in rows], measure)
    try:
        one = pool(there, model=model)
    except CannotPool:
        with pytest.raises(CannotPool):
            pool(back, model=model)
        return
    other = pool(back, model=model)
    assert math.isfinite(one.y)
    assert sum(one.weights) == pytest.approx(100)
    assert (one.y, one.se) == pytest.approx((-other.y, other.se), abs=1e-9)
