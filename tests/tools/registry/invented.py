"""An invented trial with posted results, in the form of API v2. No real trial, drug or number is in it."""

from typing import Any

__all__ = ["measure", "study"]


def counts(first: str, second: str) -> list[dict[str, Any]]:
    """Denominators of two groups, in participants."""
    values = [{"groupId": "OG000", "value": first}, {"groupId": "OG001", "value": second}]
    return [{"units": "Participants", "counts": values}]


def measure(title: str, values: list[dict[str, Any]], **told: Any) -> dict[str, Any]:
    """An outcome measure of two groups and one row."""
    return {
        "type": "SECONDARY",
        "title": title,
        "reportingStatus": "POSTED",
        "timeFrame": "Week 12",
        "groups": [{"id": "OG000", "title": "Placebo (FAS)"}, {"id": "OG001", "title": "ZVD 20 mg (FAS)"}],
        "denoms": counts("40", "50"),
        "classes": [{"categories": [{"measurements": values}]}],
        **told,
    }


def pair(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    """Measurements of both groups."""
    return [{"groupId": "OG000", **first}, {"groupId": "OG001", **second}]


def study() -> dict[str, Any]:
    """A fresh copy that a test may change."""
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": "NCT09000001",
                "nctIdAliases": ["NCT09000009"],
                "orgStudyIdInfo": {"id": "ZV-1"},
                "secondaryIdInfos": [{"id": "2019-000001-11", "type": "EUDRACT_NUMBER"}],
                "briefTitle": "Zavidol for Invented Cough",
                "officialTitle": "A Trial of Zavidol (ZVD) \\>= 20 mg in Invented Cough",
                "acronym": "COUGH-0",
            },
            "statusModule": {
                "overallStatus": "COMPLETED",
                "startDateStruct": {"date": "2019-03", "type": "ACTUAL"},
                "primaryCompletionDateStruct": {"date": "2020-05-02", "type": "ACTUAL"},
                "completionDateStruct": {"date": "2020-06", "type": "ACTUAL"},
                "studyFirstSubmitDate": "2019-02-11",
                "studyFirstPostDateStruct": {"date": "2019-02-14", "type": "ACTUAL"},
                "resultsFirstPostDateStruct": {"date": "2021-01-09", "type": "ACTUAL"},
            },
            "conditionsModule": {"conditions": ["Cough"]},
            "designModule": {
                "studyType": "INTERVENTIONAL",
                "phases": ["PHASE2", "PHASE3"],
                "designInfo": {
                    "allocation": "RANDOMIZED",
                    "interventionModel": "PARALLEL",
                    "maskingInfo": {"masking": "DOUBLE", "whoMasked": ["PARTICIPANT", "INVESTIGATOR"]},
                },
                "enrollmentInfo": {"count": 92, "type": "ACTUAL"},
            },
            "armsInterventionsModule": {
                "armGroups": [
                    {
                        "label": "Zavidol 20 mg",
                        "type": "EXPERIMENTAL",
                        "description": "Zavidol (ZVD) once a day",
                        "interventionNames": ["Drug: Zavidol"],
                    },
                    {"label": "Placebo", "type": "PLACEBO_COMPARATOR"},
                ],
                "interventions": [{"type": "DRUG", "name": "Zavidol", "otherNames": ["ZVD"]}],
            },
            "outcomesModule": {
                "primaryOutcomes": [{"measure": "Change in Cough Severity Score", "timeFrame": "12 weeks"}],
                "secondaryOutcomes": [
                    {"measure": "Participants Free of Cough", "timeFrame": "12 weeks"},
                    {"measure": "Time to Relapse", "timeFrame": "Up to 1 year"},
                ],
            },
            "eligibilityModule": {"eligibilityCriteria": "Inclusion Criteria:\n\n* Cough", "sex": "ALL"},
            "referencesModule": {
                "references": [
                    {"pmid": "1", "type": "BACKGROUND", "citation": "Nobody A. On coughing. 2001."},
                    {
                        "pmid": "2",
                        "type": "DERIVED",
                        "citation": "Nobody B. Zavidol. 2021.",
                        "retractions": [{"pmid": "3", "source": "J Inv. 2022"}],
                    },
                ]
            },
        },
        "resultsSection": {
            "participantFlowModule": {
                "groups": [{"id": "FG000", "title": "Placebo"}, {"id": "FG001", "title": "Zavidol 20 mg"}],
                "periods": [
                    {
                        "title": "Overall Study",
                        "milestones": [
                            {"type": "STARTED", "achievements": started("41", "51")},
                            {"type": "COMPLETED", "achievements": started("38", "49")},
                        ],
                        "dropWithdraws": [{"type": "Lost to Follow-up", "reasons": started("3", "2")}],
                    }
                ],
            },
            "baselineCharacteristicsModule": {
                "groups": [
                    {"id": "BG000", "title": "Placebo"},
                    {"id": "BG001", "title": "Zavidol 20 mg"},
                    {"id": "BG002", "title": "Total"},
                ],
                "denoms": [{"units": "Participants", "counts": baseline("41", "51", "92")}],
                "measures": [
                    {
                        "title": "Age, Continuous",
                        "paramType": "MEAN",
                        "dispersionType": "STANDARD_DEVIATION",
                        "unitOfMeasure": "years",
                        "classes": [
                            {
                                "categories": [
                                    {
                                        "measurements": [
                                            {"groupId": "BG000", "value": "50.1", "spread": "9.0"},
                                            {"groupId": "BG001", "value": "51.2", "spread": "8.5"},
                                            {"groupId": "BG002", "value": "50.7", "spread": "8.7"},
                                        ]
                                    }
                                ]
                            }
                        ],
                    }
                ],
            },
            "outcomeMeasuresModule": {
                "outcomeMeasures": [
                    measure(
                        "Change in Cough Severity Score",
                        pair({"value": "-1.0", "spread": "0.25"}, {"value": "-3.0", "spread": "0.20"}),
                        type="PRIMARY",
                        paramType="LEAST_SQUARES_MEAN",
                        dispersionType="Standard Error",
                        unitOfMeasure="units on a scale",
                        analyses=[
                            {
                                "groupIds": ["OG000", "OG001"],
                                "paramType": "Difference",
                                "paramValue": "-2.0",
                                "ciPctValue": "95",
                                "ciNumSides": "TWO_SIDED",
                                "ciLowerLimit": "-2.6",
                                "ciUpperLimit": "-1.4",
                                "pValue": "<0.001",
                            }
                        ],
                    ),
                    measure(
                        "Participants Free of Cough",
                        pair({"value": "8"}, {"value": "25"}),
                        paramType="COUNT_OF_PARTICIPANTS",
                        unitOfMeasure="Participants",
                        analyses=[
                            {
                                "groupIds": ["OG000", "OG001"],
                                "paramType": "Odds Ratio (OR)",
                                "paramValue": "4.1",
                                "ciPctValue": "95",
                                "ciLowerLimit": "1.6",
                                "ciUpperLimit": "10.2",
                                "pValue": "=0.002",
                            }
                        ],
                    ),
                    measure(
                        "Time to Relapse",
                        pair(
                            {"value": "7.5", "lowerLimit": "5.0", "upperLimit": "9.9"},
                            {
                                "value": "NA",
                                "lowerLimit": "8.1",
                                "upperLimit": "NA",
                                "comment": "The median was not reached.",
                            },
                        ),
                        timeFrame="Up to 1 year",
                        paramType="MEDIAN",
                        dispersionType="95% Confidence Interval",
                        unitOfMeasure="months",
                        analyses=[
                            {
                                "groupIds": ["OG000", "OG001"],
                                "paramType": "Hazard Ratio (HR)",
                                "paramValue": "0.52",
                                "ciPctValue": "95",
                                "ciNumSides": "TWO_SIDED",
                                "ciLowerLimit": "0.31",
                                "ciUpperLimit": "0.88",
                                "pValue": "0.014",
                            }
                        ],
                    ),
                ]
            },
            "adverseEventsModule": {
                "frequencyThreshold": "5",
                "timeFrame": "1 year",
                "eventGroups": [
                    {
                        "id": "EG000",
                        "title": "Placebo",
                        "deathsNumAffected": 0,
                        "deathsNumAtRisk": 41,
                        "seriousNumAffected": 2,
                        "seriousNumAtRisk": 41,
                    },
                    {
                        "id": "EG001",
                        "title": "Zavidol 20 mg",
                        "deathsNumAffected": 1,
                        "deathsNumAtRisk": 51,
                        "seriousNumAffected": 3,
                        "seriousNumAtRisk": 51,
                    },
                ],
                "otherEvents": [
                    {
                        "term": "Hiccups",
                        "organSystem": "Invented disorders",
                        "stats": [
                            {"groupId": "EG000", "numEvents": 9, "numAffected": 4, "numAtRisk": 41},
                            {"groupId": "EG001", "numEvents": 2, "numAffected": 2, "numAtRisk": 51},
                        ],
                    }
                ],
            },
        },
        "hasResults": True,
    }


def started(first: str, second: str) -> list[dict[str, Any]]:
    return [{"groupId": "FG000", "numSubjects": first}, {"groupId": "FG001", "numSubjects": second}]


def baseline(first: str, second: str, both: str) -> list[dict[str, Any]]:
    values = zip(("BG000", "BG001", "BG002"), (first, second, both), strict=True)
    return [{"groupId": group, "value": value} for group, value in values]
