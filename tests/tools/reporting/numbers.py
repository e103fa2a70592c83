"""Invented evidence for the tests of the report about numbers; no study, arm or number is real."""

from collections.abc import Sequence
from typing import Any

from tests.tools.synthesis.tables import OUTCOMES, SETTINGS, SLEPT, analysis, trial
from tools.appraisal.rob2 import rob2
from tools.evidence_settings import Analysis, OutcomeSpec
from tools.reporting.evidence import EvidenceData, StudyName
from tools.schemas import Cell
from tools.synthesis.analysing import AnalysisResult, analyse
from tools.synthesis.studies import StudyCells

TRIALS = (
    trial("a", 10, 100, 20, 100, subgroup="adults", year=2001),
    trial("b", 3, 400, 9, 400, subgroup="children", year=2004),
    trial("c", 30, 250, 41, 240, subgroup="adults", year=2010),
    trial("d", 0, 30, 0, 31, subgroup="children", year=2012),
    trial("e", 12, 90, 22, 95, subgroup="children", year=2015),
)


def pooled(
    trials: Sequence[StudyCells] = TRIALS,
    spec: OutcomeSpec = SLEPT,
    asked: Analysis | None = None,
    **told: Any,
) -> AnalysisResult:
    """These studies, pooled."""
    return analyse(asked or analysis(spec, **told), spec, trials, SETTINGS)


def judged(report_id: str, domain: str, level: str, outcome: str = "slept", **told: Any) -> Cell:
    """A judgement of bias."""
    given = {"report_id": report_id, "outcome": outcome, "field_id": f"bias/{domain}", "value": level}
    return Cell.model_validate({"status": "computed", "reader": "rule", **given, **told})


def names(trials: Sequence[StudyCells] = TRIALS) -> tuple[StudyName, ...]:
    """Each study with its one report."""
    return tuple(StudyName(study_id=s.study_id, label=s.label, report_ids=(s.study_id,)) for s in trials)


def data(
    trials: Sequence[StudyCells] = TRIALS, results: Sequence[AnalysisResult] | None = None, **told: Any
) -> EvidenceData:
    """What two people approved, analysed once unless told otherwise."""
    given: dict[str, Any] = {
        "cells": tuple(c for s in trials for c in s.cells),
        "outcomes": OUTCOMES[:1],
        "people": 2,
        "tool": rob2(),
        "studies": names(trials),
        "analyses": (pooled(trials),) if results is None else tuple(results),
        "experimental": "Tea",
        "control": "Water",
        "population": "people who sleep badly",
    }
    return EvidenceData.model_validate({**given, **told})
