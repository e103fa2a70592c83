"""Entries of the registry into values; the trials are invented."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.registry.invented import measure, pair, study
from tools.registry.adverse import adverse_rows
from tools.registry.cells import cells
from tools.registry.comparing import compare
from tools.registry.differences import PaperReport
from tools.registry.estimates import estimates
from tools.registry.legacy import from_legacy
from tools.registry.text import write
from tools.registry.trial import NotATrial, read


class TestThePlan:
    def test_identity_design_and_dates(self):
        trial = read(study())
        assert (trial.nct_id, [a.text for a in trial.aliases]) == ("NCT09000001", ["NCT09000009"])
        assert [(i.id.text, i.type) for i in trial.other_ids] == [
            ("ZV-1", "organisation"),
            ("2019-000001-11", "EUDRACT_NUMBER"),
        ]
        assert trial.title == "A Trial of Zavidol (ZVD) >= 20 mg in Invented Cough"
        assert (trial.design, trial.enrollment.number, trial.enrollment_type.text) == (
            "parallel",
            92,
            "ACTUAL",
        )
        assert (trial.start.text, trial.start.kind) == ("2019-03", "ACTUAL")
        assert trial.first_submitted.text == "2019-02-11"
        assert trial.warnings == ()

    def test_a_value_knows_its_path(self):
        trial = read(study())
        assert trial.arms[1].label.path == "protocolSection.armsInterventionsModule.armGroups[1].label"
        outcome = trial.results.outcomes[2]
        value = outcome.classes[0].categories[0].measurements[1].upper
        assert value.path == (
            "resultsSection.outcomeMeasuresModule.outcomeMeasures[2].classes[0].categories[0]"
            ".measurements[1].upperLimit"
        )

    def test_references_keep_their_kind_and_retractions(self):
        background, derived = read(study()).references
        assert (background.type, background.pmid.text) == ("BACKGROUND", "1")
        assert (derived.type, [r.text for r in derived.retractions]) == ("DERIVED", ["3"])

    def test_nobody_knows_the_enrolment(self):
        entry = study()
        entry["protocolSection"]["designModule"]["enrollmentInfo"]["count"] = 99999999
        assert read(entry).enrollment is None

    def test_results_that_are_elsewhere_are_not_taken_for_none(self):
        entry = study()
        del entry["resultsSection"]
        trial = read(entry)
        assert trial.results is None
        assert "posted but not in this document" in trial.warnings[0]


class TestTraps:
    def test_sentinels_are_no_numbers(self):
        value = read(study()).results.outcomes[2].classes[0].categories[0].measurements[1]
        assert (value.value.text, value.value.number, value.value.sentinel) == ("NA", None, True)
        assert value.lower.number == 8.1
        assert value.comment.text == "The median was not reached."

    @pytest.mark.parametrize(
        ("printed", "expected"),
        [
            ("Standard Deviation", ("sd", None)),
            ("STANDARD_DEVIATION", ("sd", None)),
            ("Standard Error", ("se", None)),
            ("Inter-Quartile Range", ("iqr", None)),
            ("INTER_QUARTILE_RANGE", ("iqr", None)),
            ("Full Range", ("range", None)),
            ("95% Confidence Interval", ("ci", 0.95)),
            ("CONFIDENCE_95", ("ci", 0.95)),
            ("97.5% Confidence Interval", ("ci", 0.975)),
            ("CONFIDENCE_975", ("ci", 0.975)),
            ("Geometric Coefficient of Variation", ("geometric_cv", None)),
            ("NA", ("none", None)),
            (None, ("none", None)),
            ("Wild Guess", ("unknown", None)),
        ],
    )
    def test_labels_and_enumerations_of_spread(self, printed, expected):
        entry = study()
        told = {"dispersionType": printed} if printed else {}
        values = pair({"value": "1", "spread": "2"}, {"value": "1", "spread": "2"})
        posted = [measure("X", values, paramType="MEAN", **told)]
        entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"] = posted
        outcome = read(entry).results.outcomes[0]
        assert (outcome.dispersion, outcome.level) == expected

    def test_counts_as_text_and_as_numbers(self):
        results = read(study()).results
        assert results.flow[0].counts[0].count.number == 41
        assert results.adverse_groups[1].deaths.number == 1
        assert results.adverse_events[0].affected.number == 4

    def test_the_total_is_marked_and_a_total_knee_is_not(self):
        entry = study()
        module = entry["resultsSection"]["baselineCharacteristicsModule"]
        assert [g.total for g in read(entry).results.baseline_groups] == [False, False, True]
        module["groups"][2]["title"] = "Total Title"
        assert read(entry).results.baseline_groups[2].total
        module["groups"][2]["title"] = "Total Knee Replacement"
        module["denoms"][0]["counts"][2]["value"] = "30"
        assert not read(entry).results.baseline_groups[2].total

    def test_one_odd_field_costs_only_itself(self):
        entry = study()
        entry["protocolSection"]["statusModule"]["overallStatus"] = "PONDERING"
        entry["protocolSection"]["statusModule"]["startDateStruct"] = "soon"
        entry["protocolSection"]["armsInterventionsModule"]["armGroups"].append("an arm")
        entry["protocolSection"]["designModule"]["enrollmentInfo"]["count"] = True
        entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["denoms"] = {"units": 3}
        trial = read(entry)
        assert trial.status.text == "PONDERING"
        assert trial.start is None
        assert len(trial.arms) == 2
        assert trial.enrollment.number is None
        said = "\n".join(trial.warnings)
        for part in (
            "PONDERING",
            "startDateStruct: no date",
            "armGroups[2]",
            "enrollmentInfo.count",
            "denoms",
        ):
            assert part in said
        assert len(trial.results.outcomes) == 3

    @pytest.mark.parametrize(
        "document", [{}, {"studies": []}, {"protocolSection": {}}, {"protocolSection": []}]
    )
    def test_what_is_no_study(self, document):
        with pytest.raises(NotATrial, match="Remedy"):
            read(document)

    def test_a_study_without_a_number(self):
        entry = study()
        entry["protocolSection"]["identificationModule"]["nctId"] = "ISRCTN12345678"
        with pytest.raises(NotATrial, match="ISRCTN12345678"):
            read(entry)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


PLACES = [place for place in places(study()) if len(place) > 1]
ODD = st.sampled_from(
    [None, "", "x", "NA", "1,234.5", -1, 3.5, True, [], ["x"], [[]], {}, {"a": 1}, [{"groupId": "OG009"}]]
)


class TestAnyOddEntry:
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=4))
    def test_is_read_to_its_end_and_every_value_can_be_quoted(self, changes):
        entry = copy.deepcopy(study())
        for (*path, last), odd in changes:
            place: Any = entry
            for key in path:
                inside = isinstance(place, dict) or (
                    isinstance(place, list) and isinstance(key, int) and key < len(place)
                )
                place = place[key] if inside and (not isinstance(place, dict) or key in place) else None
            if isinstance(place, dict) or (
                isinstance(place, list) and isinstance(last, int) and last < len(place)
            ):
                place[last] = odd
        try:
            trial = read(entry)
        except NotATrial:
            return
        page = write(trial)
        for value in cells(trial, terms=True, written=page):
            assert page.text.canonical[value.start : value.end] == value.value_text
        for passage in page.text.passages:
            assert page.text.canonical[passage.start : passage.start + len(passage.text)] == passage.text
        for outcome in trial.results.outcomes if trial.results else ():
            estimates(trial, outcome)
        adverse_rows(trial)
        compare(trial, PaperReport(report_id="p", sample_size=3), page)


class TestTheOldForm:
    def test_results_of_the_old_api(self):
        old = {
            "ProtocolSection": {
                "IdentificationModule": {"NCTId": "NCT09000002", "BriefTitle": "Old"},
                "StatusModule": {"StudyFirstSubmitDate": "March 4, 2010"},
            },
            "ResultsSection": {
                "OutcomeMeasuresModule": {
                    "OutcomeMeasureList": {
                        "OutcomeMeasure": [
                            {
                                "OutcomeMeasureTitle": "Coughs",
                                "OutcomeMeasureParamType": "Mean",
                                "OutcomeMeasureDispersionType": "Standard Deviation",
                                "OutcomeGroupList": {"OutcomeGroup": [{"OutcomeGroupId": "OG000"}]},
                                "OutcomeClassList": {
                                    "OutcomeClass": [
                                        {
                                            "OutcomeCategoryList": {
                                                "OutcomeCategory": [
                                                    {
                                                        "OutcomeMeasurementList": {
                                                            "OutcomeMeasurement": [
                                                                {
                                                                    "OutcomeMeasurementGroupId": "OG000",
                                                                    "OutcomeMeasurementValue": "4",
                                                                    "OutcomeMeasurementSpread": "1",
                                                                }
                                                            ]
                                                        }
                                                    }
                                                ]
                                            }
                                        }
                                    ]
                                },
                                "OutcomeAnalysisList": {
                                    "OutcomeAnalysis": [
                                        {
                                            "OutcomeAnalysisGroupIdList": {
                                                "OutcomeAnalysisGroupId": ["OG000"]
                                            },
                                            "OutcomeAnalysisCIPctValue": "95",
                                            "OutcomeAnalysisPValue": "0.04",
                                        }
                                    ]
                                },
                            }
                        ]
                    }
                }
            },
        }
        trial = read(from_legacy(old))
        (outcome,) = trial.results.outcomes
        value = outcome.classes[0].categories[0].measurements[0]
        assert (outcome.name, outcome.parameter, outcome.dispersion) == ("Coughs", "mean", "sd")
        assert (value.group_id, value.value.number, value.spread.number) == ("OG000", 4, 1)
        assert (outcome.analyses[0].ci_percent.text, outcome.analyses[0].p_value.text) == ("95", "0.04")
        assert outcome.analyses[0].group_ids == ("OG000",)
        assert trial.first_submitted.text == "2010-03-04"

    def test_what_an_arm_gets_stands_in_a_list_of_another_name(self) -> None:
        given = {"ArmGroupInterventionName": ["Drug: Zavidol"]}
        arm = {"ArmGroupLabel": "Zavidol", "ArmGroupType": "Experimental", "ArmGroupInterventionList": given}
        module = {"ArmGroupList": {"ArmGroup": [arm]}}
        identity = {"NCTId": "NCT09000001"}
        old = {"ProtocolSection": {"IdentificationModule": identity, "ArmsInterventionsModule": module}}
        (read_arm,) = read(from_legacy(old)).arms
        assert [leaf.text for leaf in read_arm.interventions] == ["Drug: Zavidol"]
        assert read_arm.type is not None
        assert read_arm.type.text == "EXPERIMENTAL"
