"""Studies in the form of the old ClinicalTrials.gov API (until 2024), turned into that of API v2. Pure.

Old exports and archives still hold it: upper-case names, lists inside `…List` wrappers, dates in words.
Source: field names of both APIs in v2's own `/studies/metadata` (`name` and `piece`).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

__all__ = ["from_classic"]

_DATES = ("%B %d, %Y", "%B %Y")

_STRUCTS = (
    "StartDate",
    "PrimaryCompletionDate",
    "CompletionDate",
    "StudyFirstPostDate",
    "LastUpdatePostDate",
    "ResultsFirstPostDate",
)

_NAMES = {
    "NCTId": "nctId",
    "NCTIdAlias": "nctIdAliases",
    "OrgStudyId": "id",
    "SecondaryIdInfo": "secondaryIdInfos",
    "SecondaryId": "id",
    "SecondaryIdType": "type",
    "OrgFullName": "fullName",
    "LeadSponsorName": "name",
    "Condition": "conditions",
    "Keyword": "keywords",
    "Phase": "phases",
    "DesignAllocation": "allocation",
    "DesignInterventionModel": "interventionModel",
    "DesignObservationalModel": "observationalModel",
    "DesignTimePerspective": "timePerspective",
    "DesignPrimaryPurpose": "primaryPurpose",
    "DesignMaskingInfo": "maskingInfo",
    "DesignMasking": "masking",
    "DesignWhoMasked": "whoMasked",
    "EnrollmentCount": "count",
    "EnrollmentType": "type",
    "ArmGroup": "armGroups",
    "ArmGroupLabel": "label",
    "ArmGroupType": "type",
    "ArmGroupDescription": "description",
    "ArmGroupIntervention": "interventionNames",
    "Intervention": "interventions",
    "InterventionType": "type",
    "InterventionName": "name",
    "InterventionDescription": "description",
    "InterventionOtherName": "otherNames",
    "InterventionArmGroupLabel": "armGroupLabels",
    "PrimaryOutcome": "primaryOutcomes",
    "SecondaryOutcome": "secondaryOutcomes",
    "OtherOutcome": "otherOutcomes",
    **{f"{kind}Outcome{part}": part[:1].lower() + part[1:] for kind in ("Primary", "Secondary", "Other")
       for part in ("Measure", "Description", "TimeFrame")},
    "Gender": "sex",
    "Reference": "references",
    "ReferencePMID": "pmid",
    "ReferenceType": "type",
    "ReferenceCitation": "citation",
    "Retraction": "retractions",
    "RetractionPMID": "pmid",
    "RetractionSource": "source",
    "ConditionMesh": "meshes",
    "ConditionMeshTerm": "term",
    "InterventionMesh": "meshes",
    "InterventionMeshTerm": "term",
}  # fmt: skip
"""Old names that are not simply the new ones in another case."""

_IRREGULAR = ("ArmGroupInterventionName", "ArmGroupInterventionList")
"""The one list whose wrapper bears another name than what is in it."""

_SINGLE = {"DesignObservationalModel", "DesignTimePerspective"}
"""Lists of old that are one value now."""

_ENUMS = {"phases", "type", "overallStatus", "studyType", "sex"}
_PHASES = {"NOT APPLICABLE": "NA", "EARLY PHASE 1": "EARLY_PHASE1"}
_REFERENCES = {"results": "RESULT", "result": "RESULT"}


def from_classic(study: Mapping[str, Any]) -> dict[str, Any]:
    """The study as API v2 would give it, as far as a record is made from it.

    Args:
        study: the value of `Study` in `FullStudiesResponse.FullStudies[]`.
    """
    made: dict[str, Any] = _value("", study)
    made["hasResults"] = "resultsSection" in made
    return made


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = [key for key in value if f"{key}List" == name or (key, name) == _IRREGULAR]
        if inner:  # a wrapper: {"ConditionList": {"Condition": […]}}
            items = [_value(inner[0], item) for item in value[inner[0]]]
            return ", ".join(items) if inner[0] in _SINGLE else items
        return {_name(key): _value(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(name, item) for item in value]
    return _plain(name, value)


def _name(key: str) -> str:
    bare = key.removesuffix("List")
    if bare in _NAMES:
        return _NAMES[bare]
    if key in _STRUCTS:
        return "date"
    return re.sub(r"^[A-Z]+(?=[A-Z][a-z])|^[A-Z]", lambda m: m.group().lower(), bare)


def _plain(name: str, value: Any) -> Any:
    if name in _STRUCTS:
        return _iso(str(value))
    new = _NAMES.get(name, name[:1].lower() + name[1:])
    if name == "ReferenceType":
        return _REFERENCES.get(str(value), str(value).upper())
    if new == "phases":
        plain = str(value).upper()
        return _PHASES.get(plain, plain.replace(" ", ""))
    if new in _ENUMS:
        return re.sub(r"\W+", "_", str(value).upper())
    if new == "count":
        return int(value)
    return value


def _iso(text: str) -> str:
    """`March 3, 2021` as 2021-03-03, `March 2021` as 2021-03; anything else as it is."""
    for form in _DATES:
        try:
            return datetime.strptime(text, form).strftime("%Y-%m-%d" if "%d" in form else "%Y-%m")
        except ValueError:
            continue
    return text
