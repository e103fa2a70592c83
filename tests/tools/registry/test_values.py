"""Posted numbers as values of an analysis; the trials are invented."""

from typing import Any

import pytest

from tests.tools.registry.invented import counts, measure, pair, study
from tools.registry.adverse import adverse_rows
from tools.registry.arms import ArmName, abbreviations, match_arms, match_groups
from tools.registry.estimates import estimates, measure_of, p_value_of
from tools.registry.trial import read
from tools.registry.values import PostedRow, arm_data, measured, outcome_rows
from tools.synthesis.values import ArmData


def rows(posted: dict[str, Any]) -> tuple[PostedRow, ...]:
    """The rows of one invented outcome measure."""
    entry = study()
    entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"] = [posted]
    trial = read(entry)
    return outcome_rows(trial, trial.results.outcomes[0])


def why(posted: dict[str, Any]) -> set[str]:
    """Why its values were left; none may have become a value."""
    (row,) = rows(posted)
    assert row.arms == ()
    return {left.why for left in row.left}


class TestArms:
    def test_counts_of_participants(self):
        trial = read(study())
        assert arm_data(trial, trial.results.outcomes[1]) == [
            ArmData(arm="Placebo (FAS)", events=8, total=40),
            ArmData(arm="ZVD 20 mg (FAS)", events=25, total=50),
        ]

    def test_least_squares_means_keep_their_standard_error_and_say_so(self):
        trial = read(study())
        (row,) = outcome_rows(trial, trial.results.outcomes[0])
        assert row.arms[1].data == ArmData(arm="ZVD 20 mg (FAS)", mean=-3.0, se=0.2, total=50)
        assert "adjusted by a model" in row.notes[0]

    def test_a_median_that_was_not_reached_keeps_its_arm(self):
        trial = read(study())
        (row,) = outcome_rows(trial, trial.results.outcomes[2])
        first, second = row.arms
        assert first.data == ArmData(arm="Placebo (FAS)", median=7.5, ci_lower=5.0, ci_upper=9.9, total=40)
        assert second.data == ArmData(arm="ZVD 20 mg (FAS)", ci_lower=8.1, total=50)
        assert second.note == "the registry gives NA for the value: The median was not reached."

    @pytest.mark.parametrize(
        ("told", "value", "expected"),
        [
            (
                {"paramType": "MEAN", "dispersionType": "Standard Deviation"},
                {"value": "5.5", "spread": "1.5"},
                {"mean": 5.5, "sd": 1.5},
            ),
            (
                {"paramType": "MEDIAN", "dispersionType": "Inter-Quartile Range"},
                {"value": "5", "lowerLimit": "2", "upperLimit": "9"},
                {"median": 5, "q1": 2, "q3": 9},
            ),
            (
                {"paramType": "MEDIAN", "dispersionType": "Full Range"},
                {"value": "5", "lowerLimit": "1", "upperLimit": "30"},
                {"median": 5, "minimum": 1, "maximum": 30},
            ),
            (
                {"paramType": "MEAN", "dispersionType": "95% Confidence Interval"},
                {"value": "5", "lowerLimit": "4", "upperLimit": "6"},
                {"mean": 5, "ci_lower": 4, "ci_upper": 6},
            ),
            (
                {"paramType": "MEAN", "dispersionType": "90% Confidence Interval"},
                {"value": "5", "lowerLimit": "4", "upperLimit": "6"},
                {"mean": 5},
            ),
            (
                {"paramType": "NUMBER", "unitOfMeasure": "Percentage of participants"},
                {"value": "62.5"},
                {"percent": 62.5},
            ),
            ({"paramType": "NUMBER", "unitOfMeasure": "% of subjects"}, {"value": "62.5"}, {"percent": 62.5}),
            ({"paramType": "NUMBER", "unitOfMeasure": "participants"}, {"value": "12"}, {"events": 12}),
            (
                {"paramType": "NUMBER", "unitOfMeasure": "participants with an event"},
                {"value": "12"},
                {"events": 12},
            ),
            ({"paramType": "MEAN", "unitOfMeasure": "Percentage of BSA"}, {"value": "12"}, {"mean": 12}),
        ],
    )
    def test_kinds_of_numbers(self, told, value, expected):
        (row,) = rows(measure("X", pair(value, value), **told))
        assert row.arms[0].data == ArmData(arm="Placebo (FAS)", total=40, **expected)
        assert {name for name, _ in row.arms[0].leaves} == {"total", *expected}

    @pytest.mark.parametrize(
        ("told", "value", "said"),
        [
            ({"paramType": "GEOMETRIC_MEAN"}, "5", "a geometric mean cannot be used as a mean"),
            (
                {"paramType": "GEOMETRIC_LEAST_SQUARES_MEAN"},
                "5",
                "a geometric ls mean cannot be used as a mean",
            ),
            ({"paramType": "LOG_MEAN"}, "5", "a log mean cannot be used as a mean"),
            (
                {"paramType": "COUNT_OF_UNITS", "unitOfMeasure": "eyes"},
                "5",
                "units are counted, not participants",
            ),
            ({"paramType": "MAGIC"}, "5", "what kind of number this is, is not said"),
            (
                {"paramType": "NUMBER", "unitOfMeasure": "events"},
                "5",
                "a number whose unit is not participants: events",
            ),
            (
                {"paramType": "NUMBER", "unitOfMeasure": "percentage of change"},
                "5",
                "a number whose unit is not participants: percentage of change",
            ),
            (
                {"paramType": "MEAN", "typeUnitsAnalyzed": "eyes", "denomUnitsSelected": "eyes"},
                "5",
                "the unit of analysis is eyes, not participants",
            ),
            ({"paramType": "MEAN"}, "<5", "no number: <5"),
            ({"paramType": "MEAN", "denoms": []}, "5", "nobody says how many were analysed"),
            ({"paramType": "MEAN", "denoms": counts("0", "0")}, "5", "nobody was analysed"),
            (
                {"paramType": "NUMBER", "unitOfMeasure": "% of patients"},
                "104",
                "104 % of participants cannot be",
            ),
            ({"paramType": "COUNT_OF_PARTICIPANTS"}, "7.5", "7.5 of 40 participants cannot be"),
        ],
    )
    def test_what_is_left_and_why(self, told, value, said):
        values = pair({"value": value}, {"value": value})
        reasons = why(measure("X", values, **told))
        assert said in reasons

    def test_more_events_than_participants_are_left(self):
        (row,) = rows(measure("X", pair({"value": "41"}, {"value": "41"}), paramType="COUNT_OF_PARTICIPANTS"))
        assert [arm.data.arm for arm in row.arms] == ["ZVD 20 mg (FAS)"]
        assert row.left[0].why == "41 of 40 participants cannot be"

    def test_denominators_of_a_class_hold(self):
        posted = measure("X", [], paramType="COUNT_OF_PARTICIPANTS")
        values = pair({"value": "3"}, {"value": "4"})
        posted["classes"] = [
            {"title": "Week 4", "denoms": counts("30", "33"), "categories": [{"measurements": values}]},
            {"title": "Week 12", "categories": [{"title": "Yes", "measurements": values}]},
        ]
        early, late = rows(posted)
        assert (early.label, [a.data.total for a in early.arms]) == ("X, Week 4", [30, 33])
        assert (late.label, [a.data.total for a in late.arms]) == ("X, Week 12, Yes", [40, 50])

    def test_nothing_posted_is_no_row(self):
        assert rows(measure("X", [], classes=[], reportingStatus="NOT_POSTED")) == ()

    def test_several_rows_are_not_one_result(self):
        entry = study()
        posted = entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][1]
        posted["classes"] *= 2
        trial = read(entry)
        assert arm_data(trial, trial.results.outcomes[1]) == []
        assert len(outcome_rows(trial, trial.results.outcomes[1])) == 2

    def test_two_groups_of_one_id_are_left(self):
        posted = measure("X", pair({"value": "3"}, {"value": "4"}), paramType="COUNT_OF_PARTICIPANTS")
        posted["groups"][1]["id"] = "OG000"
        assert why(posted) == {"two groups of this table have the id OG000"}

    def test_the_total_of_a_baseline_table_is_no_arm(self):
        trial = read(study())
        (row,) = measured(trial, trial.results.baseline[0])
        assert [arm.data for arm in row.arms] == [
            ArmData(arm="Placebo", mean=50.1, sd=9.0, total=41),
            ArmData(arm="Zavidol 20 mg", mean=51.2, sd=8.5, total=51),
        ]

    def test_adverse_events(self):
        # Nobody posted how many had other events: no row, and no zero.
        deaths, serious, hiccups = adverse_rows(read(study()))
        assert [a.data.events for a in deaths.arms] == [0, 1]
        assert [(a.data.events, a.data.total) for a in serious.arms] == [(2, 41), (3, 51)]
        assert [(a.data.events, a.data.total) for a in hiccups.arms] == [(4, 41), (2, 51)]


class TestGroups:
    def test_an_abbreviation_that_the_entry_defines_is_the_arm(self):
        trial = read(study())
        matches = match_groups(trial, trial.results.outcomes[0].groups)
        assert [(m.group, m.arm, m.how) for m in matches] == [
            ("Placebo (FAS)", "Placebo", "title"),
            ("ZVD 20 mg (FAS)", "Zavidol 20 mg", "words"),
        ]

    @pytest.mark.parametrize(
        ("name", "arm", "how"),
        [
            ("1. Zavidol 20 mg", "Zavidol 20 mg", "title"),
            ("ZAVIDOL 20 MG [Safety Set]", "Zavidol 20 mg", "title"),
            ("Participants who received placebo", "Placebo", "words"),
            ("Zavidol 40 mg", "Zavidol 40 mg", "title"),
            ("Zavidol 30 mg", None, "unmatched"),
            ("Zavidol", None, "unmatched"),
            ("Zavidol 20 mg or 40 mg", None, "ambiguous"),
            ("Placebo -> Zavidol 20 mg", None, "unmatched"),
            ("Placebo then Zavidol 20 mg", None, "unmatched"),
            ("Severe cough", None, "unmatched"),
        ],
    )
    def test_names_of_arms(self, name, arm, how):
        arms = [ArmName(name=n) for n in ("Zavidol 20 mg", "Zavidol 40 mg", "Placebo")]
        (match,) = match_arms([ArmName(name=name)], arms)
        assert (match.arm, match.how) == (arm, how)
        assert bool(match.why) == (arm is None)

    def test_letters_of_arms_tell_them_apart(self):
        arms = [ArmName(name="Arm A: zavidol weekly"), ArmName(name="Arm B: zavidol weekly")]
        matches = match_arms([ArmName(name="Arm B: zavidol"), ArmName(name="Arm C: zavidol weekly")], arms)
        assert [m.arm for m in matches] == ["Arm B: zavidol weekly", None]

    def test_two_groups_at_one_arm(self):
        arms = [ArmName(name="Zavidol 20 mg daily"), ArmName(name="Placebo")]
        first, second = match_arms(
            [ArmName(name="Zavidol 20 mg early"), ArmName(name="Zavidol 20 mg late")], arms
        )
        assert (first.how, second.how) == ("ambiguous", "ambiguous")
        assert "would be the same arm" in first.why

    def test_descriptions_decide_where_titles_say_nothing(self):
        arms = [
            ArmName(name="Intervention", description="zavidol tablets once a day before breakfast"),
            ArmName(name="Comparison", description="sugar tablets once a week at night"),
        ]
        (match,) = match_arms(
            [ArmName(name="Cohort X", description="zavidol tablets once a day, before breakfast")], arms
        )
        assert (match.arm, match.how) == ("Intervention", "description")

    def test_an_entry_without_arms(self):
        (match,) = match_arms([ArmName(name="X")], [])
        assert (match.arm, match.why) == (None, "the entry registers no arms")

    def test_abbreviations_have_the_letters_of_the_long_form(self):
        found = abbreviations(["quality of life (QoL) and a daily walk (XYZ); invented cough index (ICI)"])
        assert found == {"qol": "quality of life", "ici": "invented cough index"}


class TestEstimates:
    def test_measure_and_direction_by_arithmetic(self):
        trial = read(study())
        (difference,) = estimates(trial, trial.results.outcomes[0])
        assert (difference.measure, difference.value, difference.lower, difference.upper) == (
            "MD",
            -2.0,
            -2.6,
            -1.4,
        )
        assert difference.direction == ("ZVD 20 mg (FAS)", "Placebo (FAS)")
        assert (difference.p_relation, difference.p_value, difference.level) == ("<", 0.001, 0.95)
        (odds,) = estimates(trial, trial.results.outcomes[1])
        # Crude: (25/25)/(8/32) = 4.0 for zavidol against placebo.
        assert (odds.measure, odds.direction) == ("OR", ("ZVD 20 mg (FAS)", "Placebo (FAS)"))

    def test_the_other_direction(self):
        entry = study()
        analysis = entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][1]["analyses"][0]
        analysis |= {"paramValue": "0.25", "ciLowerLimit": "0.1", "ciUpperLimit": "0.6"}
        trial = read(entry)
        (odds,) = estimates(trial, trial.results.outcomes[1])
        assert odds.direction == ("Placebo (FAS)", "ZVD 20 mg (FAS)")

    def test_no_direction_is_guessed(self):
        trial = read(study())
        (hazard,) = estimates(trial, trial.results.outcomes[2])
        assert (hazard.measure, hazard.value, hazard.direction) == ("HR", 0.52, None)
        entry = study()
        analysis = entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][1]["analyses"][0]
        analysis["paramValue"] = "40"
        trial = read(entry)
        (odds,) = estimates(trial, trial.results.outcomes[1])
        assert odds.direction is None
        assert "the interval does not hold the estimate" in odds.notes

    def test_a_difference_without_arithmetic_has_no_measure(self):
        entry = study()
        analysis = entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"][0]
        analysis |= {"paramValue": "12", "ciLowerLimit": "11", "ciUpperLimit": "13"}
        trial = read(entry)
        (difference,) = estimates(trial, trial.results.outcomes[0])
        assert (difference.measure, difference.direction) == (None, None)
        assert difference.notes == ("what was estimated is not certain: Difference",)

    @pytest.mark.parametrize(
        ("change", "said"),
        [({"ciNumSides": "ONE_SIDED"}, "one-sided"), ({"ciPctValue": "NA"}, "without its level")],
    )
    def test_limits_that_are_no_interval(self, change, said):
        entry = study()
        entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"][0] |= change
        trial = read(entry)
        (difference,) = estimates(trial, trial.results.outcomes[0])
        assert (difference.lower, difference.upper, difference.level) == (None, None, None)
        assert said in difference.notes[0]

    @pytest.mark.parametrize(("factor", "points"), [(1, True), (0.01, False)])
    def test_percentage_points_or_proportions(self, factor, points):
        entry = study()
        analysis = entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][1]["analyses"][0]
        # 25 of 50 and 8 of 40: 30 percentage points.
        analysis |= {"paramType": "Risk Difference (RD)", "paramValue": str(30 * factor)}
        trial = read(entry)
        (difference,) = estimates(trial, trial.results.outcomes[1])
        assert (difference.measure, difference.percentage_points) == ("RD", points)

    @pytest.mark.parametrize(
        ("text", "measure"),
        [
            ("Odds Ratio (OR)", "OR"),
            ("Odds Ratio, log", None),
            ("Hazard Ratio (HR)", "HR"),
            ("Hazard Ratio, log", None),
            ("Risk Ratio (RR)", "RR"),
            ("Relative risk reduction", None),
            ("Rate Ratio", None),
            ("Risk Difference (RD)", "RD"),
            ("Mean Difference (Final Values)", "MD"),
            ("Mean Difference (Net)", "MD"),
            ("LS Mean Difference", "MD"),
            ("Least Squares Mean Difference", "MD"),
            ("Difference in LS means", "MD"),
            ("Median Difference (Final Values)", None),
            ("Standardized mean difference", "SMD"),
            ("Ratio of geometric means", None),
            ("Geometric mean difference", None),
            ("Slope", None),
            ("Difference", None),
            ("", None),
        ],
    )
    def test_names_of_measures(self, text, measure):
        assert measure_of(text) == measure

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("<0.001", ("<", 0.001)),
            ("=0.247", ("=", 0.247)),
            ("0.331", ("=", 0.331)),
            (".04", ("=", 0.04)),
            ("≤ 0.05", ("<=", 0.05)),
            ("p<0.01", ("<", 0.01)),
            ("1.7", None),
            ("NS", None),
        ],
    )
    def test_p_values(self, text, expected):
        assert p_value_of(text) == expected
