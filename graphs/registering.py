"""Registry entries of included reports: their posted results as cells beside the paper's, and what differs. Pure.

An entry is a report of the study, with quotes of its own. Its numbers are used only where no paper gives any; where
both do, people see the difference.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.cells import ROLES, role_of_type
from tools.evidence_settings import OutcomeSpec
from tools.registry.arms import ArmName
from tools.registry.comparing import compare
from tools.registry.differences import PaperOutcome, PaperReport, PaperValue
from tools.registry.matching import AskedOutcome, match_outcome, same_time
from tools.registry.text import Written, write
from tools.registry.trial import RegisteredTrial, read
from tools.registry.values import PostedRow, outcome_rows
from tools.schemas import Cell, Frozen, FullText
from tools.synthesis.checks import NotANumber, number_of
from tools.synthesis.reviewing import TableFinding
from tools.synthesis.rows import number, plain
from tools.synthesis.values import STATISTICS

__all__ = ["REGISTRY", "RegistryReading", "differences", "registry_reading", "report_of"]

REGISTRY = "registry"
"""Reader of the cells of an entry."""


class RegistryReading(Frozen):
    """What an entry gives for the outcomes of a review."""

    nct_id: str
    text: FullText
    cells: tuple[Cell, ...] = ()


def report_of(nct_id: str) -> str:
    """The report id of an entry: a registry record is a report of its study."""
    return f"ctgov:{nct_id}"


def registry_reading(study: Mapping[str, Any], outcomes: Sequence[OutcomeSpec]) -> RegistryReading:
    """Arms, and the numbers of every outcome of the review that one posted outcome clearly is.

    Args:
        study: the entry as the registry's API gives it.
        outcomes: what the review reads.
    """
    trial = read(study)
    report_id = report_of(trial.nct_id)
    page = write(trial, report_id=report_id)
    cells = _arms(trial, page, report_id)
    for spec in outcomes:
        for at in spec.time_points or ("",):
            cells += _numbers(trial, page, spec, at)
    return RegistryReading(nct_id=trial.nct_id, text=page.text, cells=tuple(cells))


def _arms(trial: RegisteredTrial, page: Written, report_id: str) -> list[Cell]:
    """Arms with a name of their own; of two with the same name nothing tells which numbers are whose."""
    cells = []
    times = Counter(arm.label.text for arm in trial.arms)
    for arm in (arm for arm in trial.arms if times[arm.label.text] == 1):
        told = {"status": "grounded", "reader": REGISTRY, "arm": arm.label.text, "report_id": report_id}
        cells.append(
            Cell.model_validate(
                told | {"field_id": "arm", "value": arm.label.text, "quote": page.quote(arm.label)}
            )
        )
        leaf = arm.type or arm.label
        role = role_of_type(arm.type.text if arm.type else "")
        assert role in ROLES
        cells.append(
            Cell.model_validate(told | {"field_id": "arm_role", "value": role, "quote": page.quote(leaf)})
        )
    return cells


def _numbers(trial: RegisteredTrial, page: Written, spec: OutcomeSpec, at: str) -> list[Cell]:
    """The one row that is this outcome at this time; none where several could be it."""
    asked = AskedOutcome(title=spec.title, description=spec.description, time_points=(at,) if at else ())
    found = match_outcome(asked, trial, among="posted")
    if found.decision != "clear" or trial.results is None:
        return []
    best = found.candidates[0]
    posted = next(o for o in trial.results.outcomes if o.number == best.number)
    rows = [row for row in outcome_rows(trial, posted) if row.arms]
    same = same_time(at, best.time_frame)
    # A time frame in words fits every time point, and the numbers are of one.
    if at and (same is False or (same is None and len(spec.time_points) > 1)):
        return []
    return _row(rows[0], page, spec, at) if len(rows) == 1 else []


def _row(row: PostedRow, page: Written, spec: OutcomeSpec, at: str) -> list[Cell]:
    """The numbers of a row's arms; none where two groups are taken for one arm."""
    names = [arm.match.arm or arm.data.arm for arm in row.arms]
    if len(set(names)) < len(names):
        return []
    cells = []
    for arm in row.arms:
        for statistic, leaf in arm.leaves:
            if statistic not in STATISTICS or isinstance(number_of(leaf.text), NotANumber):
                continue  # such as NA: a median that was not reached
            cells.append(
                Cell(
                    report_id=page.text.report_id,
                    field_id=statistic,
                    arm=arm.match.arm or arm.data.arm,
                    outcome=spec.id,
                    time_point=at,
                    value=plain(leaf.text),
                    unit=None if statistic == "total" else row.unit or None,
                    status="grounded",
                    quote=page.quote(leaf),
                    section=page.section(leaf),
                    reason="; ".join(filter(None, (*row.notes, arm.note))),
                    reader=REGISTRY,
                )
            )
    return cells


# Differences -------------------------------------------------------------------------------------


def differences(
    study: Mapping[str, Any], report_id: str, cells: Sequence[Cell], outcomes: Sequence[OutcomeSpec]
) -> list[TableFinding]:
    """Where a paper and its entry do not agree, and what the entry alone gives away.

    That a registered primary outcome is not among the cells says nothing: a review reads only its own outcomes.
    """
    trial = read(study)
    page = write(trial, report_id=report_of(trial.nct_id))
    paper = _paper(report_id, [cell for cell in cells if cell.report_id == report_id], outcomes)
    return [
        TableFinding(report_id=report_id, finding=found)
        for found in compare(trial, paper, page)
        if found.rule != "registered-primary-not-reported"
    ]


def _paper(report_id: str, cells: Sequence[Cell], outcomes: Sequence[OutcomeSpec]) -> PaperReport:
    titles = {spec.id: spec.title for spec in outcomes}
    told = [
        (c, value)
        for c in cells
        if c.outcome in titles and c.field_id in STATISTICS and (value := number(c.value)) is not None
    ]
    arms = dict.fromkeys(c.arm for c in cells if c.arm and " vs " not in c.arm)
    return PaperReport(
        report_id=report_id,
        arms=tuple(ArmName(name=name) for name in arms),
        outcomes=tuple(
            PaperOutcome(name=titles[outcome], time_point=at)
            for outcome, at in dict.fromkeys((c.outcome, c.time_point) for c, _ in told)
        ),
        values=tuple(
            PaperValue(
                outcome=titles[c.outcome],
                arm=c.arm,
                statistic=next(s for s in STATISTICS if s == c.field_id),
                value=value,
                value_text=c.value or "",
                time_point=c.time_point,
                quote=c.quote,
            )
            for c, value in told
        ),
    )
