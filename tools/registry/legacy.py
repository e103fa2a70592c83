"""Studies of the old ClinicalTrials.gov API (until 2024) with their posted results, in the form of API v2. Pure.

`tools.search.ctgov_classic` turns the plan of a study; this adds the results. Old names repeat the name of
the structure that they stand in (`OutcomeMeasurementGroupId`), lists stand in `…List` wrappers. Source: `name`
and `piece` of each field in v2's own `/studies/metadata`.

Paths of values are those of the form that this gives, not of the old file.
"""

from collections.abc import Mapping
from typing import Any

from tools.search.ctgov_classic import from_classic

__all__ = ["from_legacy"]

_MODULES = {
    "ParticipantFlowModule": ("participantFlowModule", "Flow"),
    "BaselineCharacteristicsModule": ("baselineCharacteristicsModule", "Baseline"),
    "OutcomeMeasuresModule": ("outcomeMeasuresModule", "Outcome"),
    "AdverseEventsModule": ("adverseEventsModule", "Events"),
}
_LISTS = {
    "FlowGroup": "groups", "FlowPeriod": "periods", "FlowMilestone": "milestones",
    "FlowAchievement": "achievements", "FlowDropWithdraw": "dropWithdraws", "FlowReason": "reasons",
    "BaselineGroup": "groups", "BaselineDenom": "denoms", "BaselineDenomCount": "counts",
    "BaselineMeasure": "measures", "BaselineMeasureDenom": "denoms", "BaselineMeasureDenomCount": "counts",
    "BaselineClass": "classes", "BaselineClassDenom": "denoms", "BaselineClassDenomCount": "counts",
    "BaselineCategory": "categories", "BaselineMeasurement": "measurements",
    "OutcomeMeasure": "outcomeMeasures", "OutcomeGroup": "groups", "OutcomeDenom": "denoms",
    "OutcomeDenomCount": "counts", "OutcomeClass": "classes", "OutcomeClassDenom": "denoms",
    "OutcomeClassDenomCount": "counts", "OutcomeCategory": "categories",
    "OutcomeMeasurement": "measurements", "OutcomeAnalysis": "analyses", "OutcomeAnalysisGroupId": "groupIds",
    "EventGroup": "eventGroups", "SeriousEvent": "seriousEvents", "SeriousEventStats": "stats",
    "OtherEvent": "otherEvents", "OtherEventStats": "stats",
}  # fmt: skip


def from_legacy(study: Mapping[str, Any]) -> dict[str, Any]:
    """The study as API v2 would give it, for `tools.registry.trial.read`.

    Args:
        study: the value of `Study` in `FullStudiesResponse.FullStudies[]`.
    """
    made = from_classic(study)
    status = made.get("protocolSection", {}).get("statusModule", {})
    if isinstance(submitted := status.get("studyFirstSubmitDate"), str):
        status["studyFirstSubmitDate"] = from_classic({"StartDate": submitted})["date"]  # words to ISO 8601
    section = study.get("ResultsSection")
    if isinstance(section, Mapping):
        made["resultsSection"] = {
            name: _renamed(section[old], prefix) for old, (name, prefix) in _MODULES.items() if old in section
        }
    return made


def _renamed(value: Any, prefix: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    made: dict[str, Any] = {}
    for key, inner in value.items():
        piece = key.removesuffix("List")
        if piece != key and piece in _LISTS and isinstance(inner, Mapping):
            items = inner.get(piece, ())
            made[_LISTS[piece]] = [_renamed(item, piece) for item in items]
        else:
            made[_name(key.removeprefix(prefix))] = inner
    return made


def _name(bare: str) -> str:
    """`GroupId` as groupId, `CIPctValue` as ciPctValue, `PValue` as pValue."""
    if bare.startswith("CI"):
        return "ci" + bare[2:]
    return bare[:1].lower() + bare[1:]
