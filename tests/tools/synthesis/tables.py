"""Invented extraction tables for the tests of rows, studies, analyses and checks; no number is from a real trial."""

from collections.abc import Iterable

from tools.evidence_settings import Analysis, OutcomeSpec, Synthesis
from tools.schemas import Cell
from tools.synthesis.studies import StudyCells

SLEPT = OutcomeSpec(id="slept", title="Slept through", kind="dichotomous", better="higher")
WORRY = OutcomeSpec(id="worry", title="Worry", kind="continuous", unit="points", better="lower")
RELAPSE = OutcomeSpec(id="relapse", title="Relapse", kind="time_to_event", better="lower")
OUTCOMES = (SLEPT, WORRY, RELAPSE)
SETTINGS = Synthesis()


def analysis(spec: OutcomeSpec = SLEPT, **told: object) -> Analysis:
    """An analysis of that outcome, common effect unless told otherwise."""
    return Analysis.model_validate({"id": "main", "outcome": spec.id, "model": "common", **told})


def number_cell(
    arm: str, statistic: str, value: str | None, *, of: OutcomeSpec = SLEPT, **told: object
) -> Cell:
    """One number of an outcome; without a value it is not found."""
    given = {"report_id": "r1", "outcome": of.id, "arm": arm, "field_id": statistic, "value": value}
    status = "not_found" if value is None else "grounded"
    return Cell.model_validate({"status": status, "reader": "machine:rules", **given, **told})


def role(arm: str, side: str, *, reader: str = "machine:rules", report_id: str = "r1") -> Cell:
    """Which side an arm is on."""
    given = {"report_id": report_id, "arm": arm, "field_id": "arm_role", "value": side, "reader": reader}
    return Cell.model_validate({"status": "grounded", **given})


def arm(
    name: str,
    side: str = "",
    *,
    of: OutcomeSpec = SLEPT,
    report_id: str = "r1",
    time_point: str = "",
    **numbers: object,
) -> list[Cell]:
    """An arm's role, where one is given, and its numbers."""
    at = {"report_id": report_id, "time_point": time_point}
    cells = [number_cell(name, key, None if v is None else str(v), of=of, **at) for key, v in numbers.items()]
    return ([role(name, side, report_id=report_id)] if side else []) + cells


def between(label: str, *, of: OutcomeSpec = RELAPSE, report_id: str = "r1", **numbers: object) -> list[Cell]:
    """An estimate between two arms."""
    return [number_cell(label, key, str(v), of=of, report_id=report_id) for key, v in numbers.items()]


def told(field_id: str, value: str | None, report_id: str = "r1") -> Cell:
    """A field about the whole report."""
    status = "not_found" if value is None else "grounded"
    return Cell(report_id=report_id, field_id=field_id, value=value, status=status)


def study(*cells: Iterable[Cell], name: str = "s1", **more: object) -> StudyCells:
    """A study of one or more reports."""
    flat = tuple(cell for group in cells for cell in group)
    return StudyCells.model_validate({"study_id": name, "label": f"Ash {name}", "cells": flat, **more})


def trial(name: str, a: int, n1: int, c: int, n2: int, **more: object) -> StudyCells:
    """A study of one report with counts in two arms, tea against water."""
    return study(
        arm("Tea", "experimental", report_id=name, events=a, total=n1),
        arm("Water", "control", report_id=name, events=c, total=n2),
        name=name,
        **more,
    )
