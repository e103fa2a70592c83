"""Which line an analysis takes of a study: reports, sides, arms, designs, units. Numbers are invented."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.synthesis.tables import (
    RELAPSE,
    SETTINGS,
    SLEPT,
    WORRY,
    analysis,
    arm,
    between,
    number_cell,
    role,
    study,
    told,
    trial,
)
from tools.evidence_settings import MEASURES, OutcomeSpec, Synthesis
from tools.synthesis.effects import effect
from tools.synthesis.studies import StudyCells, lines_of
from tools.synthesis.values import Effect, NotEstimable, StudyData

WORDS = {"comparison": {"experimental": ["drug"], "control": ["placebo"]}}


def lines(of: StudyCells, spec: OutcomeSpec = SLEPT, *, settings: Synthesis = SETTINGS, **asked: object):
    """What the study brings, measured as the kind of outcome is by default."""
    wanted = analysis(spec, **asked)
    return lines_of(of, wanted, spec, wanted.measure or MEASURES[spec.kind][0], settings)


def line(of: StudyCells, spec: OutcomeSpec = SLEPT, **asked: object) -> StudyData:
    (made,) = lines(of, spec, **asked)
    assert isinstance(made, StudyData), made.why
    return made


def why(of: StudyCells, spec: OutcomeSpec = SLEPT, **asked: object) -> str:
    (made,) = lines(of, spec, **asked)
    assert isinstance(made, NotEstimable)
    assert (made.study_id, made.label) == (of.study_id, of.label)
    return made.why


def counts(data: StudyData) -> tuple[float | None, ...]:
    one, two = data.experimental, data.control
    return (one and one.events, one and one.total, two and two.events, two and two.total)


# Sides -------------------------------------------------------------------------------------------


def test_arms_are_compared_by_their_roles_whichever_comes_first():
    water = arm("Water", "control", events=9, total=41)
    tea = arm("Tea", "experimental", events=3, total=40)
    assert counts(line(study(tea, water))) == counts(line(study(water, tea))) == (3, 40, 9, 41)


def test_an_arm_of_neither_side_is_no_part_of_the_comparison():
    of = study(*(arm(n, s, events=e, total=40) for n, s, e in _THREE))
    assert counts(line(of)) == (3, 40, 9, 40)


_THREE = (("Tea", "experimental", 3), ("Water", "control", 9), ("Walks", "other", 20))


def test_numbers_of_arms_whose_side_nobody_knows_are_said_to_be_there():
    of = study(arm("Tea", events=3, total=40), arm("Water", events=9, total=41))
    said = why(of)
    assert "set the role" in said
    assert "Tea; Water" in said
    assert "No numbers" not in said


def test_a_study_without_the_outcome_says_that_there_are_no_numbers():
    assert why(study(arm("Tea", "experimental", of=WORRY, mean=3))).startswith("No numbers of this outcome")
    blank = [number_cell("Tea", "events", None), role("Tea", "experimental")]
    assert why(study(blank)).startswith("No numbers of this outcome")
    assert why(study()).startswith("No numbers of this outcome")


@pytest.mark.parametrize("missing", ["experimental", "control"])
def test_a_missing_side_is_named(missing):
    of = trial("s1", 3, 40, 9, 41)
    left = [c for c in of.cells if c.arm != {"experimental": "Tea", "control": "Water"}[missing]]
    assert f"known to be {missing}" in why(study(left))


def test_words_of_the_protocol_find_the_arms_without_any_role_and_without_regard_to_case():
    of = study(arm("DRUG 20 mg", events=3, total=40), arm("Matching placebo", events=9, total=41))
    assert counts(line(of, **WORDS)) == (3, 40, 9, 41)


def test_a_label_with_words_of_both_sides_is_neither_until_a_person_sets_its_role():
    both = arm("Drug plus placebo", events=3, total=40)
    of = study(both, arm("Placebo", events=9, total=41))
    assert "Drug plus placebo" in why(of, **WORDS)
    settled = study(both, arm("Placebo", events=9, total=41), [_by_hand("Drug plus placebo", "experimental")])
    assert counts(line(settled, **WORDS)) == (3, 40, 9, 41)


def test_a_machines_role_does_not_overrule_the_words_of_the_protocol_and_a_persons_does():
    cells = [*arm("Drug", events=3, total=40), *arm("Placebo", events=9, total=41)]
    machine = study(cells, [role("Drug", "control"), role("Placebo", "experimental")])
    assert counts(line(machine, **WORDS)) == (3, 40, 9, 41)
    person = study(cells, [_by_hand("Drug", "control"), _by_hand("Placebo", "experimental")])
    assert counts(line(person, **WORDS)) == (9, 41, 3, 40)


def _by_hand(arm_name: str, side: str):
    return role(arm_name, side, reader="person:ada")


def test_a_role_that_people_do_not_agree_on_takes_the_arm_out():
    open_ = role("Drug", "control", reader="person:ada + person:bo").model_copy(
        update={"value": None, "status": "conflicting"}
    )
    of = study(arm("Drug", events=3, total=40), arm("Placebo", events=9, total=41), [open_])
    assert "experimental" in why(of, **WORDS)


def test_only_the_time_point_of_the_analysis_is_taken():
    spec = SLEPT.model_copy(update={"time_points": ("6 weeks", "1 year")})
    cells = [
        *arm("Tea", "experimental", time_point="6 weeks", events=1, total=10),
        *arm("Tea", time_point="1 year", events=5, total=10),
        *arm("Water", "control", time_point="6 weeks", events=2, total=10),
        *arm("Water", time_point="1 year", events=6, total=10),
    ]
    assert counts(line(study(cells), spec, time_point="6 weeks")) == (1, 10, 2, 10)
    assert counts(line(study(cells), spec, time_point="1 year")) == (5, 10, 6, 10)
    one = spec.model_copy(update={"time_points": ("1 year",)})
    assert counts(line(study(cells), one)) == (5, 10, 6, 10)


# Several reports ---------------------------------------------------------------------------------


def two_reports(first: dict[str, object], second: dict[str, object], *, ids: tuple[str, str] = ("r1", "r2")):
    """A study whose reports give these numbers of tea; both say the same of water."""
    groups = [
        arm(name, side, report_id=report_id, **numbers)
        for report_id, own in zip(ids, (first, second), strict=True)
        for name, side, numbers in (
            ("Tea", "experimental", own),
            ("Water", "control", {"events": 9, "total": 41}),
        )
    ]
    return study(*groups)


def test_two_reports_that_say_the_same_count_once():
    numbers = {"events": 3, "total": 40}
    assert counts(line(two_reports(numbers, numbers))) == (3, 40, 9, 41)


@pytest.mark.parametrize("other", [{"events": 4, "total": 40}, {"events": 3, "total": 39}])
def test_reports_that_differ_keep_the_study_out_and_are_named(other):
    said = why(two_reports({"events": 3, "total": 40}, other))
    assert "different numbers" in said
    assert "r1, r2" in said


def test_a_difference_between_the_second_and_third_report_is_seen_though_the_first_is_silent_on_it():
    of = study(
        *(
            arm(name, side, report_id=r, **numbers)
            for r, numbers in (("r1", {"total": 40}), ("r2", {"events": 3}), ("r3", {"events": 4}))
            for name, side in (("Tea", "experimental"), ("Water", "control"))
        )
    )
    assert "different numbers" in why(of)


@given(st.permutations(["r1", "r2"]))
def test_the_report_that_gives_most_is_taken_whichever_comes_first(order):
    told_of = {"r1": {"total": 40}, "r2": {"events": 3, "total": 40}}
    of = two_reports(*(told_of[r] for r in order), ids=(order[0], order[1]))
    assert counts(line(of)) == (3, 40, 9, 41)


def test_a_report_with_one_side_alone_does_not_hide_the_one_with_both():
    of = study(
        arm("Tea", "experimental", report_id="r1", events=3, total=40, percent="7.5"),
        arm("Tea", "experimental", report_id="r2", events=3, total=40),
        arm("Water", "control", report_id="r2", events=9, total=41),
    )
    assert counts(line(of)) == (3, 40, 9, 41)


def test_reports_with_different_numbers_of_arms_differ():
    of = study(
        arm("Tea", "experimental", events=3, total=40),
        arm("Sage tea", "experimental", events=1, total=20),
        arm("Water", "control", events=9, total=41),
        arm("Tea", "experimental", report_id="r2", events=4, total=60),
        arm("Water", "control", report_id="r2", events=9, total=41),
    )
    assert "different numbers" in why(of)


def test_reports_that_list_their_arms_in_another_order_agree():
    doses = [("Tea 1 g", 3, 40), ("Tea 2 g", 5, 60)]

    def report(report_id, order):
        tea = [arm(n, "experimental", report_id=report_id, events=e, total=t) for n, e, t in order]
        return [*tea, arm("Water", "control", report_id=report_id, events=9, total=41)]

    assert counts(line(study(*report("r1", doses), *report("r2", doses[::-1])))) == (8, 100, 9, 41)
    swapped = [("Tea 1 g", 5, 60), ("Tea 2 g", 3, 40)]
    assert "different numbers" in why(study(*report("r1", doses), *report("r2", swapped)))
    renamed = [("Low dose", 3, 40), ("High dose", 5, 60)]
    assert counts(line(study(*report("r1", doses), *report("r2", renamed)))) == (8, 100, 9, 41)


def test_how_many_were_randomised_is_no_number_of_the_outcome():
    entry = "ctgov:NCT09000001"
    of_entry = [
        *arm("Tea", "experimental", report_id=entry, events=30, total=40),
        *arm("Water", "control", report_id=entry, events=9, total=41),
    ]
    assigned = [told("randomised", "44").model_copy(update={"arm": name}) for name in ("Tea", "Water")]
    silent = [*arm("Tea", "experimental", events=None), *arm("Water", "control", events=None)]
    assert counts(line(study(silent, assigned, of_entry))) == (30, 40, 9, 41)
    assert why(study(silent, assigned)).startswith("No numbers of this outcome")


def test_what_a_register_posts_counts_only_where_no_paper_gives_any():
    paper, entry = {"events": 3, "total": 40}, {"events": 30, "total": 40}
    both = two_reports(entry, paper, ids=("ctgov:NCT09000001", "r2"))
    assert counts(line(both)) == (3, 40, 9, 41)
    alone = two_reports(entry, {"events": None}, ids=("ctgov:NCT09000001", "r2"))
    of_entry = [c for c in alone.cells if c.report_id != "r2"]
    assert counts(line(study(of_entry))) == (30, 40, 9, 41)
    silent = arm("Tea", "experimental", report_id="r2", events=None, total=None)
    assert counts(line(study(silent, of_entry))) == (30, 40, 9, 41)


@given(st.permutations(range(12)))
def test_the_order_of_cells_changes_no_line(order):
    cells = two_reports({"events": 3, "total": 40}, {"events": 3, "total": 40, "percent": "7.5"}).cells
    assert len(cells) == 13
    shuffled = [cells[i] for i in order] + [cells[12]]
    assert counts(line(study(shuffled))) == (3, 40, 9, 41)


# Several arms ------------------------------------------------------------------------------------

DOSES = [
    *arm("Tea 1 g", "experimental", events=3, total=40),
    *arm("Tea 2 g", "experimental", events=5, total=60),
    *arm("Water", "control", events=10, total=50),
]


def test_experimental_arms_are_combined_by_adding_events_and_participants():
    made = line(study(DOSES))
    assert counts(made) == (8, 100, 10, 50)
    assert {step.to for step in made.conversions} == {"total", "events"}
    assert made.label == "Ash s1"


def test_combined_means_are_those_of_all_participants_together():
    of = study(
        arm("A", "experimental", of=WORRY, mean=10, sd=2, total=50),
        arm("B", "experimental", of=WORRY, mean=14, sd=2, total=50),
        arm("C", "control", of=WORRY, mean=9, sd=3, total=70),
    )
    made = line(of, WORRY)
    assert made.experimental is not None
    assert (made.experimental.mean, made.experimental.total) == (12, 100)
    # Sum of squares: 2 × 49 × 4 within, 100 × 2² between, over 99.
    assert made.experimental.sd == pytest.approx(((2 * 49 * 4 + 400) / 99) ** 0.5)


def test_split_arms_share_the_control_group_so_that_nobody_counts_twice():
    made = lines(study(DOSES), multi_arm="split")
    assert [counts(each) for each in made] == [(3, 40, 5, 25), (5, 60, 5, 25)]
    assert [each.label for each in made] == ["Ash s1 (Tea 1 g)", "Ash s1 (Tea 2 g)"]
    assert {each.study_id for each in made} == {"s1"}


@given(st.integers(2, 5), st.integers(1, 400), st.integers(0, 400), st.sampled_from(["combine", "split"]))
def test_however_arms_are_put_together_everybody_counts_exactly_once(doses, total, events, how):
    events = min(events, total)
    of = study(
        *(arm(f"Dose {n}", "experimental", events=min(n, total), total=total) for n in range(doses)),
        arm("None", "control", events=events, total=total),
    )
    made = lines(of, multi_arm=how)
    assert sum(each.control.total for each in made) == pytest.approx(total)
    assert sum(each.control.events for each in made) == pytest.approx(events)
    assert sum(each.experimental.total for each in made) == doses * total
    assert sum(each.experimental.events for each in made) == sum(min(n, total) for n in range(doses))


def test_several_control_groups_are_combined_too():
    of = study(
        arm("Tea", "experimental", events=3, total=40),
        arm("Water", "control", events=4, total=20),
        arm("Nothing", "control", events=6, total=30),
    )
    assert counts(line(of)) == (3, 40, 10, 50)


def test_arms_that_cannot_be_combined_say_why():
    of = study(
        arm("A", "experimental", of=WORRY, mean=10, sd=2, total=50),
        arm("B", "experimental", of=WORRY, median=14, total=50),
        arm("C", "control", of=WORRY, mean=9, sd=3, total=70),
    )
    assert "2 experimental arms cannot be combined" in why(of, WORRY)


def test_a_shared_control_group_of_unknown_size_is_not_split():
    of = study(
        arm("A", "experimental", events=3, total=40),
        arm("B", "experimental", events=3, total=40),
        arm("C", "control", events=9),
    )
    assert "not known" in why(of, multi_arm="split")


def test_a_measure_of_one_group_needs_no_control_group():
    of = study(arm("Tea", "experimental", events=3, total=40))
    made = line(of, measure="PROPORTION")
    assert counts(made) == (3, 40, None, None)
    assert isinstance(effect(made, "PROPORTION"), Effect)
    several = lines(study(DOSES), measure="PROPORTION", multi_arm="split")
    assert [counts(each) for each in several] == [(3, 40, None, None), (5, 60, None, None)]
    assert "control" in why(of)


# What is computed on the way ---------------------------------------------------------------------


def test_events_are_computed_from_a_percent_where_only_one_number_fits():
    of = study(
        arm("Tea", "experimental", percent="7.5", total=40), arm("Water", "control", events=9, total=41)
    )
    made = line(of)
    assert counts(made) == (3, 40, 9, 41)
    assert [(step.to, step.value) for step in made.conversions] == [("events", 3)]


def test_a_percent_that_several_counts_round_to_gives_no_events():
    of = study(
        arm("Tea", "experimental", percent="7", total=4000), arm("Water", "control", events=9, total=41)
    )
    assert counts(line(of)) == (None, 4000, 9, 41)


MEDIANS = {"q1": 4, "q3": 8, "total": 60}


def test_a_skewed_median_is_not_made_a_mean():
    of = study(
        arm("Tea", "experimental", of=WORRY, median="4.1", **MEDIANS),
        arm("Water", "control", of=WORRY, mean=6, sd=3, total=61),
    )
    made = line(of, WORRY)
    assert made.experimental is not None
    assert made.experimental.mean is None
    assert isinstance(effect(made, "MD"), NotEstimable)


def test_a_median_in_the_middle_of_its_quartiles_becomes_a_mean_and_says_that_it_is_approximate():
    of = study(
        arm("Tea", "experimental", of=WORRY, median=6, **MEDIANS),
        arm("Water", "control", of=WORRY, mean=6, sd=3, total=61),
    )
    made = line(of, WORRY)
    assert made.experimental is not None
    assert made.experimental.mean == pytest.approx(6)
    assert {(step.to, step.approximate) for step in made.conversions} == {("mean", True), ("sd", True)}


def test_nothing_that_was_not_reported_becomes_zero():
    of = study(arm("Tea", "experimental", total=40), arm("Water", "control", events=9, total=41))
    made = line(of)
    assert counts(made) == (None, 40, 9, 41)
    assert isinstance(effect(made, "RR"), NotEstimable)


def test_zero_events_stay_zero_events():
    assert counts(line(trial("s1", 0, 40, 0, 41))) == (0, 40, 0, 41)


# Estimates between arms --------------------------------------------------------------------------

HR = {"estimate": "0.70", "estimate_lower": "0.50", "estimate_upper": "0.98"}


def arms_of(*names_and_sides: tuple[str, str], report_id: str = "r1"):
    return [role(name, side, report_id=report_id) for name, side in names_and_sides]


SIDES = arms_of(("Drug", "experimental"), ("Placebo", "control"))


def test_a_hazard_ratio_is_taken_as_it_is_reported():
    made = line(study(SIDES, between("Drug vs Placebo", **HR, p_value="0.04")), RELAPSE)
    assert (made.estimate, made.estimate_lower, made.estimate_upper) == (0.7, 0.5, 0.98)


def test_a_hazard_ratio_of_control_against_experimental_is_not_taken_for_its_inverse():
    said = why(study(SIDES, between("Placebo vs Drug", **HR)), RELAPSE)
    assert "Placebo vs Drug" in said
    assert "set the role" in said


def test_of_several_comparisons_a_person_has_to_choose_by_setting_roles():
    several = [
        *between("Drug vs Placebo", **HR),
        *between("Walks vs Placebo", estimate="0.9", estimate_lower="0.7", estimate_upper="1.2"),
    ]
    two = arms_of(("Drug", "experimental"), ("Walks", "experimental"), ("Placebo", "control"))
    assert "several comparisons (Drug vs Placebo; Walks vs Placebo)" in why(study(two, several), RELAPSE)
    one = arms_of(("Drug", "experimental"), ("Walks", "other"), ("Placebo", "control"))
    assert line(study(one, several), RELAPSE).estimate == 0.7


def test_words_of_the_protocol_choose_among_comparisons():
    several = [
        *between("Drug vs Placebo", **HR),
        *between("Walks vs Placebo", estimate="0.9"),
        *between("Drug vs Walks", estimate="0.8"),
    ]
    assert line(study(several), RELAPSE, **WORDS).estimate == 0.7
    arms = arms_of(("Drug", "other"), ("Walks", "other"), ("Placebo", "other"))
    assert line(study(arms, several), RELAPSE, **WORDS).estimate == 0.7


def test_the_only_estimate_of_another_comparison_is_not_taken():
    assert "Walks vs Placebo" in why(study(between("Walks vs Placebo", **HR)), RELAPSE, **WORDS)


def test_arm_names_that_hold_the_word_between_two_arms_are_still_told_apart():
    arms = arms_of(("Drug vs nothing", "experimental"), ("Placebo", "control"))
    made = line(study(arms, between("Drug vs nothing vs Placebo", **HR)), RELAPSE)
    assert made.estimate == 0.7


def test_reports_with_different_hazard_ratios_keep_the_study_out():
    second = between("Drug vs Placebo", report_id="r2", estimate="0.80")
    sides = [*SIDES, *arms_of(("Drug", "experimental"), ("Placebo", "control"), report_id="r2")]
    assert "different numbers (r1, r2)" in why(
        study(sides, between("Drug vs Placebo", **HR), second), RELAPSE
    )
    same = between("Drug vs Placebo", report_id="r2", estimate="0.7", p_value="0.01")
    made = line(study(sides, same, between("Drug vs Placebo", **HR, p_value="0.04")), RELAPSE)
    assert (made.estimate, made.estimate_lower) == (0.7, 0.5)


def test_an_interval_without_its_estimate_is_no_estimate():
    only = between("Drug vs Placebo", estimate_lower="0.5", estimate_upper="0.98")
    assert "No estimate" in why(study(SIDES, only), RELAPSE)


def test_an_estimate_alone_does_not_stand_for_the_numbers_of_arms():
    said = why(study(SIDES, between("Drug vs Placebo", of=SLEPT, **HR)))
    assert "no numbers of the arms" in said


# Designs and units -------------------------------------------------------------------------------


def clusters(size: str | None, icc: float | None, *more) -> list[StudyData | NotEstimable]:
    of = study(
        trial("r1", 20, 210, 42, 210).cells,
        [told("trial_design", "cluster"), told("cluster_size", size), *more],
    )
    return lines(of, settings=Synthesis(icc=icc))


def test_totals_and_events_of_clusters_are_divided_by_the_design_effect():
    (made,) = clusters("21", 0.05)
    assert isinstance(made, StudyData)
    assert made.design == "cluster"
    assert counts(made) == pytest.approx((10, 105, 21, 105))  # design effect 1 + 20 × 0.05 = 2


@pytest.mark.parametrize(
    ("size", "icc", "said"),
    [
        (None, 0.05, "average size of its clusters"),
        ("21", None, "synthesis.icc"),
        ("about 20", 0.05, "average size of its clusters"),
        ("0", 0.05, "cannot be"),
        ("-4", 0.05, "cannot be"),
        ("1e999", 0.05, "average size"),
    ],
)
def test_clusters_without_size_or_correlation_are_not_used_as_if_people_had_been_randomised(size, icc, said):
    (made,) = clusters(size, icc)
    assert isinstance(made, NotEstimable)
    assert said in made.why
    assert made.data is not None


def test_clusters_whose_arms_have_no_total_are_not_used():
    of = study(
        arm("Tea", "experimental", events=3),
        arm("Water", "control", events=4, total=50),
        [told("trial_design", "cluster"), told("cluster_size", "10")],
    )
    (made,) = lines(of, settings=Synthesis(icc=0.02))
    assert isinstance(made, NotEstimable)
    assert "not known" in made.why


def test_split_arms_of_a_cluster_trial_are_corrected_each():
    made = lines(
        study(DOSES, [told("trial_design", "cluster"), told("cluster_size", "11")]),
        settings=Synthesis(icc=0.1),
        multi_arm="split",
    )
    assert [counts(each) for each in made] == [
        pytest.approx((1.5, 20, 2.5, 12.5)),
        pytest.approx((2.5, 30, 2.5, 12.5)),
    ]


def test_a_crossover_trial_says_how_it_was_read():
    made = line(study(trial("r1", 3, 40, 9, 40).cells, [told("trial_design", "crossover")]))
    assert made.design == "crossover"
    read = effect(made, "RR")
    assert isinstance(read, Effect)
    assert any("crossover" in note for note in read.notes)


def worried(unit: str | None, other: str | None = None, spec: OutcomeSpec = WORRY) -> StudyCells:
    cells = [
        *arm("Tea", "experimental", of=spec, mean=10, sd=2, total=50),
        *arm("Water", "control", of=spec, mean=12, sd=2, total=50),
    ]
    units = {"Tea": unit, "Water": unit if other is None else other}
    return study(
        [c.model_copy(update={"unit": units[c.arm] if c.field_id in ("mean", "sd") else None}) for c in cells]
    )


DAYS = WORRY.model_copy(update={"unit": "days"})


def test_numbers_in_another_unit_than_the_outcomes_are_not_pooled_as_if_they_were_in_it():
    assert "weeks, not in days" in why(worried("weeks", spec=DAYS), DAYS)
    assert line(worried("Days", spec=DAYS), DAYS).experimental is not None
    assert line(worried(None, spec=DAYS), DAYS).experimental is not None


def test_a_unit_that_nobody_knows_is_no_reason_to_leave_a_study_out():
    assert line(worried("points on the Ash scale"), WORRY).experimental is not None


def test_a_standardised_difference_takes_any_unit_that_both_arms_share():
    assert line(worried("weeks", spec=DAYS), DAYS, measure="SMD").experimental is not None
    assert "weeks" in why(worried("weeks", "days", spec=DAYS), DAYS, measure="SMD")


# Every study -------------------------------------------------------------------------------------

_values = st.one_of(st.none(), st.sampled_from(["0", "3", "40", "-1", "x", "12.5", "1e400", ""]))
_fields = st.sampled_from(
    ["events", "total", "percent", "mean", "sd", "median", "q1", "estimate", "arm_role"]
)


@st.composite
def any_cells(draw: st.DrawFn):
    """Cells as a hostile table may hold them."""
    cells = []
    keys = st.tuples(
        st.sampled_from(["r1", "r2", "ctgov:NCT1"]),
        st.sampled_from(["Drug", "Placebo", "Drug vs Placebo"]),
        _fields,
    )
    for report_id, name, field_id in draw(st.lists(keys, unique=True, max_size=14)):
        if field_id == "arm_role":
            cells.append(
                role(
                    name, draw(st.sampled_from(["experimental", "control", "other", ""])), report_id=report_id
                )
            )
        else:
            spec = draw(st.sampled_from([SLEPT, WORRY, RELAPSE]))
            cells.append(number_cell(name, field_id, draw(_values), of=spec, report_id=report_id))
    designs = draw(st.sampled_from([[], [("trial_design", "cluster")], [("trial_design", "crossover")]]))
    sizes = draw(st.sampled_from([[], [("cluster_size", "ten")], [("cluster_size", "10")]]))
    return [*cells, *(told(name, value) for name, value in (*designs, *sizes))]


@given(any_cells(), st.sampled_from(["combine", "split"]), st.booleans(), st.sampled_from([None, 0.05]))
def test_whatever_a_table_holds_a_study_has_a_line_and_a_reason_where_it_has_no_numbers(
    cells, how, words, icc
):
    of, comparison = study(cells), WORDS if words else {}
    for spec in (SLEPT, WORRY, RELAPSE):
        for measure in MEASURES[spec.kind]:
            made = lines(of, spec, settings=Synthesis(icc=icc), multi_arm=how, measure=measure, **comparison)
            assert made
            for each in made:
                assert each.study_id == "s1"
                assert not isinstance(each, NotEstimable) or each.why


@given(any_cells(), st.randoms(use_true_random=False))
def test_whatever_a_table_holds_the_order_of_its_reports_decides_nothing(cells, shuffled):
    other = list(cells)
    shuffled.shuffle(other)
    for spec in (SLEPT, WORRY, RELAPSE):
        kinds = [[type(each) for each in lines(study(own), spec)] for own in (cells, other)]
        assert kinds[0] == kinds[1]
        if kinds[0] == [StudyData] and spec is SLEPT:
            first, second = (lines(study(own), spec)[0] for own in (cells, other))
            assert counts(first) == counts(second)


def test_labels_and_arms_with_marks_are_taken_as_they_are():
    wild = '=1+1 <b>_x_</b> $y$\n"z"'
    of = study(
        arm(wild, "experimental", events=3, total=40), arm("Water", "control", events=9, total=41), name="s1"
    )
    made = line(of)
    assert made.experimental is not None
    assert made.experimental.arm == wild


def test_every_pair_of_agreeing_reports_gives_the_same_line_in_any_order():
    given_by = [{"events": 3}, {"total": 40}, {"events": 3, "total": 40}, {"percent": "7.5", "total": 40}]
    for first, second in itertools.permutations(given_by, 2):
        one = line(two_reports(first, second))
        other = line(two_reports(second, first, ids=("r2", "r1")))
        assert counts(one) == counts(other)
