"""One analysis from cells to pooled effect. The trials are invented, apart from dat.bcg (metadat; Colditz 1994)."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.reporting.analyses import BCG
from tests.tools.synthesis.tables import (
    RELAPSE,
    SETTINGS,
    SLEPT,
    WORRY,
    analysis,
    arm,
    between,
    role,
    study,
    told,
    trial,
)
from tools.evidence_settings import MEASURES, Synthesis
from tools.synthesis.analysing import analyse
from tools.synthesis.studies import StudyCells
from tools.synthesis.values import Effect, NotEstimable

RANDOM = {"model": "random", "tau2": "REML", "interval": "wald"}


def bcg():
    """The thirteen trials as approved cells."""
    return [
        trial(f"b{n:02}", a, a + b, c, c + d, year=int(label[-4:]))
        for n, (label, a, b, c, d) in enumerate(BCG, start=1)
    ]


def test_the_bcg_trials_give_the_published_pooled_risk_ratio():
    """metafor's rma(measure="RR", data=dat.bcg): estimate −0.7145, SE 0.1798, τ² 0.3132, I² 92.22, Q 152.2330."""
    made = analyse(analysis(**RANDOM), SLEPT, bcg(), SETTINGS)
    assert made.pooled is not None
    p = made.pooled
    assert (round(p.y, 4), round(p.se, 4)) == (-0.7145, 0.1798)
    assert (round(p.tau2 or 0, 4), round(p.i2 or 0, 2), round(p.q or 0, 4)) == (0.3132, 92.22, 152.2330)
    assert (len(made.leave_one_out), len(made.cumulative), made.asymmetry is not None) == (13, 13, True)
    assert made.cumulative[-1].pooled.y == pytest.approx(p.y)
    assert made.cumulative[0].year == 1948
    assert made.notes == ()


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(13)), st.sampled_from(["random", "common", "mantel_haenszel"]))
def test_the_order_of_studies_and_of_their_cells_changes_nothing_but_the_order(order, model):
    told = {**RANDOM, "model": model}
    first = analyse(analysis(**told), SLEPT, bcg(), SETTINGS)
    turned = [s.model_copy(update={"cells": s.cells[::-1]}) for s in (bcg()[i] for i in order)]
    second = analyse(analysis(**told), SLEPT, turned, SETTINGS)
    assert first.pooled is not None
    assert second.pooled is not None
    assert second.pooled.y == pytest.approx(first.pooled.y, rel=1e-9)
    assert second.pooled.se == pytest.approx(first.pooled.se, rel=1e-9)
    ours = dict(zip((e.study_id for e in first.effects), first.pooled.weights, strict=True))
    theirs = dict(zip((e.study_id for e in second.effects), second.pooled.weights, strict=True))
    assert theirs == {name: pytest.approx(weight) for name, weight in ours.items()}
    assert [line.study_id for line in second.lines] == [s.study_id for s in turned]


def test_the_same_cells_give_the_same_bytes():
    made = [analyse(analysis(**RANDOM), SLEPT, bcg(), SETTINGS).model_dump_json() for _ in range(2)]
    assert made[0] == made[1]


_study = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(_study, st.none()), max_size=6),
    st.sampled_from(["common", "random", "mantel_haenszel", "peto"]),
    st.sampled_from(["RR", "OR", "RD"]),
    st.booleans(),
)
def test_every_included_study_stands_in_every_analysis_whatever_its_numbers(counts, model, measure, grouped):
    studies = [
        study(name=f"s{n}", subgroup="xy"[n % 2] if grouped else "")
        if given_counts is None
        else trial(f"s{n}", *given_counts, subgroup="xy"[n % 2] if grouped else "")
        for n, given_counts in enumerate(counts)
    ]
    asked = analysis(
        model=model, measure="OR" if model == "peto" else measure, subgroup="sex" if grouped else None
    )
    made = analyse(asked, SLEPT, studies, SETTINGS)
    assert [line.study_id for line in made.lines] == [s.study_id for s in studies]
    assert all(line.why for line in made.lines if isinstance(line, NotEstimable))
    assert all(math.isfinite(line.y) and line.v > 0 for line in made.effects)
    assert (made.pooled is None) == bool(made.why_not_pooled)
    if made.pooled is not None:
        assert made.pooled.k == len(made.effects)
        assert sum(made.pooled.weights) == pytest.approx(100)


@pytest.mark.parametrize("spec", [SLEPT, WORRY, RELAPSE])
@pytest.mark.parametrize("model", ["common", "random"])
def test_without_any_study_nothing_is_pooled_and_it_says_so(spec, model):
    for studies in ((), (study(),)):
        made = analyse(analysis(spec, model=model), spec, studies, SETTINGS)
        assert made.pooled is None
        assert made.why_not_pooled == "No included study has an effect that can be computed."
        assert len(made.lines) == len(studies)


def test_double_zero_studies_stay_in_the_table_without_an_effect_and_out_of_the_pool():
    made = analyse(analysis(), SLEPT, [trial("a", 3, 40, 9, 41), trial("b", 0, 30, 0, 31)], SETTINGS)
    assert [type(line) for line in made.lines] == [Effect, NotEstimable]
    assert made.pooled is not None
    assert made.pooled.k == 1
    assert math.exp(made.pooled.y) == pytest.approx((3 / 40) / (9 / 41))


def test_zero_events_in_one_arm_are_corrected_and_the_correction_is_told():
    made = analyse(analysis(measure="OR"), SLEPT, [trial("a", 0, 20, 5, 20)], SETTINGS)
    (only,) = made.effects
    assert math.exp(only.y) == pytest.approx((0.5 * 15.5) / (20.5 * 5.5))
    assert any("0.5" in note for note in only.notes)


def test_the_model_of_the_protocol_is_used_and_no_other():
    studies = [trial("a", 3, 40, 9, 41), trial("b", 12, 120, 20, 118), trial("c", 1, 33, 4, 31)]
    for model in ("common", "random", "mantel_haenszel"):
        made = analyse(analysis(model=model), SLEPT, studies, SETTINGS)
        assert made.pooled is not None
        assert made.pooled.model == model
    made = analyse(analysis(model="peto", measure="OR"), SLEPT, studies, SETTINGS)
    assert made.pooled is not None
    assert (made.pooled.model, made.measure) == ("peto", "OR")
    assert all("Peto's method" in effect.notes for effect in made.effects)


def test_the_prediction_interval_takes_three_studies():
    studies = [trial("a", 3, 40, 9, 41), trial("b", 12, 120, 20, 118), trial("c", 1, 33, 4, 31)]
    asked = analysis(model="random")
    two, three = (analyse(asked, SLEPT, studies[:k], SETTINGS).pooled for k in (2, 3))
    assert two is not None
    assert three is not None
    assert two.prediction_lower is None
    assert three.prediction_lower is not None


def test_split_arms_stand_as_lines_of_one_study_and_the_pool_says_that_it_is_in_it_more_than_once():
    doses = study(
        arm("Tea 1 g", "experimental", events=3, total=40),
        arm("Tea 2 g", "experimental", events=5, total=60),
        arm("Water", "control", events=10, total=50),
    )
    made = analyse(analysis(multi_arm="split"), SLEPT, [doses, trial("b", 3, 40, 9, 41)], SETTINGS)
    assert [line.study_id for line in made.lines] == ["s1", "s1", "b"]
    assert made.pooled is not None
    assert any("more than once" in note for note in made.pooled.notes)
    assert [step.study_id for step in made.leave_one_out] == ["s1", "b"]


def assigned(study_cells, **arms):
    """The study, with how many were randomised to each arm."""
    given_cells = [told("randomised", str(n)).model_copy(update={"arm": name}) for name, n in arms.items()]
    return study_cells.model_copy(update={"cells": (*study_cells.cells, *given_cells)})


def test_those_whose_outcome_is_not_known_are_put_to_the_worst_and_the_best():
    """10/100 of 120 and 20/100 of 110: at best 30/120 against 20/110 slept through, at worst 10/120 against 30/110."""
    one = trial("r1", 10, 100, 20, 100)
    made = analyse(analysis(), SLEPT, [assigned(one, Tea=120, Water=110)], SETTINGS)
    ratios = {m.scenario: math.exp(m.pooled.y) for m in made.missing}
    assert ratios["ICA-b"] == pytest.approx((30 / 120) / (20 / 110))
    assert ratios["ICA-w"] == pytest.approx((10 / 120) / (30 / 110))
    assert ratios["ICA-p"] == pytest.approx(0.5)
    assert made.pooled is not None
    assert math.exp(made.pooled.y) == pytest.approx(0.5)


@pytest.mark.parametrize("how", ["combine", "split"])
def test_where_nobody_was_lost_there_is_nothing_to_assume_however_arms_are_put_together(how):
    doses = study(
        arm("Tea 1 g", "experimental", events=3, total=40),
        arm("Tea 2 g", "experimental", events=5, total=60),
        arm("Water", "control", events=10, total=50),
    )
    whole = assigned(doses, **{"Tea 1 g": 40, "Tea 2 g": 60, "Water": 50})
    assert analyse(analysis(multi_arm=how), SLEPT, [whole], SETTINGS).missing == ()


def test_participants_that_a_design_effect_takes_away_were_not_lost():
    one = assigned(trial("r1", 20, 210, 42, 210), Tea=210, Water=210)
    cells = (*one.cells, told("trial_design", "cluster"), told("cluster_size", "21"))
    made = analyse(analysis(), SLEPT, [one.model_copy(update={"cells": cells})], Synthesis(icc=0.05))
    assert [e.data.design for e in made.effects if e.data] == ["cluster"]
    assert made.missing == ()


def test_subgroups_are_pooled_apart_and_compared():
    studies = [
        trial("a", 5, 50, 10, 50, subgroup="adults"),
        trial("b", 10, 100, 20, 100, subgroup="adults"),
        trial("c", 20, 50, 10, 50, subgroup="children"),
    ]
    made = analyse(analysis(subgroup="age"), SLEPT, studies, SETTINGS)
    assert made.subgroups is not None
    assert [(g.name, round(math.exp(g.pooled.y), 6)) for g in made.subgroups.groups] == [
        ("adults", 0.5),
        ("children", 2.0),
    ]
    assert made.subgroups.p < 0.01
    plain = analyse(analysis(), SLEPT, studies, SETTINGS)
    assert plain.subgroups is None


def test_one_subgroup_alone_is_told_in_a_note_and_the_pool_stands():
    made = analyse(analysis(subgroup="age"), SLEPT, [trial("a", 5, 50, 10, 50, subgroup="adults")], SETTINGS)
    assert made.subgroups is None
    assert made.pooled is not None
    assert any(note.startswith("subgroups: ") for note in made.notes)


def test_what_few_studies_cannot_tell_is_said_in_notes():
    made = analyse(analysis(), SLEPT, [trial("a", 3, 40, 9, 41)], SETTINGS)
    assert {note.partition(":")[0] for note in made.notes} == {"leave one out", "asymmetry"}
    assert made.pooled is not None
    assert "one study: nothing is pooled" in made.pooled.notes


def test_effects_that_cannot_be_pooled_are_put_side_by_side_with_the_reason():
    small = {"sd": "1e-40", "total": 50}
    of = study(
        arm("A", "experimental", of=WORRY, mean=1, **small), arm("B", "control", of=WORRY, mean=2, **small)
    )
    made = analyse(analysis(WORRY), WORRY, [of], SETTINGS)
    assert made.pooled is None
    assert "too large or too small" in made.why_not_pooled
    assert [group.k for group in made.side_by_side] == [1]
    assert made.side_by_side[0].directions is not None
    assert made.side_by_side[0].directions.favours_experimental == 1


def test_a_mean_of_one_group_that_cannot_be_pooled_favours_no_arm():
    of = study(arm("A", "experimental", of=WORRY, mean=1, sd="1e-40", total=50))
    made = analyse(analysis(WORRY, measure="MEAN"), WORRY, [of], SETTINGS)
    assert made.why_not_pooled
    assert [group.directions for group in made.side_by_side] == [None]


def test_hazard_ratios_are_pooled_on_the_scale_of_logarithms():
    sides = [role("Drug", "experimental"), role("Placebo", "control")]
    numbers = {"estimate": "0.50", "estimate_lower": "0.25", "estimate_upper": "1.00"}
    of = [study(sides, between("Drug vs Placebo", **numbers), name=name) for name in ("a", "b")]
    made = analyse(analysis(RELAPSE), RELAPSE, of, SETTINGS)
    assert made.pooled is not None
    assert made.pooled.y == pytest.approx(math.log(0.5))
    se = math.log(4) / (2 * 1.959963985)
    assert made.pooled.se == pytest.approx(se / math.sqrt(2))


def test_every_measure_of_every_kind_of_outcome_gets_through():
    cells = [
        *arm("Tea", "experimental", events=3, total=40),
        *arm("Water", "control", events=9, total=41),
        *arm("Tea", of=WORRY, mean=10, sd=2, total=40),
        *arm("Water", of=WORRY, mean=12, sd=3, total=41),
        *between("Tea vs Water", estimate="0.7", estimate_lower="0.5", estimate_upper="0.98"),
    ]
    for spec in (SLEPT, WORRY, RELAPSE):
        for measure in MEASURES[spec.kind]:
            made = analyse(analysis(spec, measure=measure), spec, [study(cells)], Synthesis())
            assert made.pooled is not None, (measure, made.lines)
            assert made.measure == measure


# Estimates between arms ----------------------------------------------------------------------------


def estimated(measure, spec=SLEPT, **numbers):
    cells = between("Syrup vs Water", of=spec, **numbers)
    return [c.model_copy(update={"unit": measure}) if c.field_id == "estimate" else c for c in cells]


def one_line(cells, spec=SLEPT, **more):
    gorm = StudyCells(study_id="s1", label="Gorm 2020", cells=tuple(cells))
    (line,) = analyse(analysis(spec, **more), spec, [gorm], SETTINGS).lines
    return line


def test_a_study_that_gives_only_the_ratio_of_the_analysis_is_in_it():
    line = one_line(estimated("rr", estimate=0.8, estimate_lower=0.64, estimate_upper=1.0))
    assert math.exp(line.y) == pytest.approx(0.8)
    assert math.sqrt(line.v) == pytest.approx(math.log(1.0 / 0.64) / (2 * 1.959964), rel=1e-6)


@pytest.mark.parametrize("measure", ["OR", "", "MD"])
def test_an_estimate_of_another_measure_or_of_none_is_not_used(measure):
    line = one_line(estimated(measure, estimate=0.8, estimate_lower=0.64, estimate_upper=1.0))
    assert isinstance(line, NotEstimable)


def test_complete_arms_go_before_the_estimate():
    arms = [
        *arm("Syrup", "experimental", events=30, total=40),
        *arm("Water", "control", events=20, total=40),
    ]
    line = one_line([*arms, *estimated("RR", estimate=9, estimate_lower=8, estimate_upper=10)])
    assert math.exp(line.y) == pytest.approx(1.5)


def test_arms_that_lack_a_number_leave_it_to_the_estimate():
    arms = [*arm("Syrup", "experimental", events=30), *arm("Water", "control", events=20, total=40)]
    line = one_line([*arms, *estimated("RR", estimate=1.6, estimate_lower=1.2, estimate_upper=2.1333333)])
    assert math.exp(line.y) == pytest.approx(1.6)
