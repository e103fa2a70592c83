"""The checks over a whole extraction table: arms, pairs of arms, reports, each finding with its place. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, permutations

from tools.evidence_settings import MEASURES, OutcomeSpec, comparison_label
from tools.schemas import Cell, Frozen
from tools.synthesis.checks import Reported, ReportRow, check_arm, check_report, check_study
from tools.synthesis.conversions import Kind
from tools.synthesis.effects import SINGLE
from tools.synthesis.rows import ArmRow, BetweenRow, arm_rows, between_rows
from tools.synthesis.values import Finding, StudyData

__all__ = ["TableFinding", "findings"]

Place = tuple[str, str, str]
"""(report, outcome, time point)"""


class TableFinding(Frozen):
    """What a check noticed, and where in the table."""

    report_id: str
    outcome: str = ""
    time_point: str = ""
    finding: Finding


def findings(cells: Sequence[Cell], outcomes: Iterable[OutcomeSpec]) -> list[TableFinding]:
    """All findings, each once, in the order of the table; a table without numbers has none."""
    specs = {spec.id: spec for spec in outcomes}
    rows: dict[Place, list[ArmRow]] = {}
    between: dict[Place, list[BetweenRow]] = {}
    for row in arm_rows(cells):
        rows.setdefault((row.report_id, row.outcome, row.time_point), []).append(row)
    for pair in between_rows(cells):
        between.setdefault((pair.report_id, pair.outcome, pair.time_point), []).append(pair)
    places = [place for place in dict.fromkeys((*rows, *between)) if place[1] in specs]
    found = [
        TableFinding(report_id=place[0], outcome=place[1], time_point=place[2], finding=finding)
        for place in places
        for finding in _of_row(rows.get(place, ()), between.get(place, ()), specs[place[1]])
    ]
    rows = {place: arms for place, arms in rows.items() if place[1] in specs}
    found += [
        TableFinding(report_id=report_id, finding=finding)
        for report_id, own in _by_report(rows).items()
        for finding in check_report([_report_row(place, arms, specs[place[1]]) for place, arms in own])
    ]
    return list({one.model_dump_json(): one for one in found}.values())


def _of_row(arms: Sequence[ArmRow], between: Sequence[BetweenRow], spec: OutcomeSpec) -> list[Finding]:
    """Each arm by itself, and each estimate between two arms, with their numbers where these are given."""
    kind: Kind = "continuous" if spec.kind == "continuous" else "dichotomous"
    found: list[Finding] = []
    for row in arms:
        found += check_arm(row.data, kind=kind, printed=_printed(row.cells))
    pairs = {comparison_label(a.data.arm, b.data.arm): (a, b) for a, b in permutations(arms, 2)}
    estimates = {row.arms: row for row in between if row.values}
    said_of = {frozenset(label) for name in estimates if (label := _names(pairs.get(name)))}
    for a, b in combinations(arms, 2):
        if frozenset((a.data.arm, b.data.arm)) not in said_of:
            found += _of_pair((a, b), None, spec)
    for name, said in estimates.items():
        found += _of_pair(pairs.get(name), said, spec)
    return found


def _names(pair: tuple[ArmRow, ArmRow] | None) -> tuple[str, ...]:
    return () if pair is None else tuple(row.data.arm for row in pair)


def _of_pair(arms: tuple[ArmRow, ArmRow] | None, said: BetweenRow | None, spec: OutcomeSpec) -> list[Finding]:
    """What does not fit between two arms, and in what is said of them.

    A table does not tell which measure an estimate is: the one that fits best counts.
    """
    data: dict[str, object] = {"study_id": "", "label": ""}
    beside: dict[str, object] = {}
    if arms is not None:
        for side, row in zip(("experimental", "control"), arms, strict=True):
            data[side] = row.data
            beside |= {f"printed_{side}": _printed(row.cells), f"unit_{side}": _unit(row.cells)}
    if said is not None:
        data |= {name: value for name, value in said.values.items() if name != "p_value"}
        beside |= {"p_value": said.values.get("p_value"), "printed": _printed(said.cells)}
    line, reported = StudyData.model_validate(data), Reported.model_validate(beside)
    measures = [measure for measure in MEASURES[spec.kind] if measure not in SINGLE]
    return min((check_study(line, measure=m, reported=reported) for m in measures), key=len)


def _unit(cells: Iterable[Cell]) -> str:
    """What an arm's mean or median is measured in; empty where nobody says."""
    return next((cell.unit for cell in cells if cell.field_id in ("mean", "median") and cell.unit), "")


def _printed(cells: Iterable[Cell]) -> dict[str, str]:
    """Statistic to its digits as printed: how far a rounded number can be off."""
    return {cell.field_id: cell.value for cell in cells if cell.value is not None}


def _by_report(rows: Mapping[Place, list[ArmRow]]) -> dict[str, list[tuple[Place, list[ArmRow]]]]:
    found: dict[str, list[tuple[Place, list[ArmRow]]]] = {}
    for place, arms in rows.items():
        found.setdefault(place[0], []).append((place, arms))
    return found


def _report_row(place: Place, arms: Sequence[ArmRow], spec: OutcomeSpec) -> ReportRow:
    return ReportRow(
        outcome=spec.title, time_point=place[2], unit=spec.unit or "", arms=tuple(row.data for row in arms)
    )
