"""The extraction table of outcomes as a gate shows it: cells, and everything that follows from them. Pure.

What follows (findings of the checks, judgements of bias) is computed anew whenever a cell changes, whoever changed
it, so that it can never be about other numbers than those on the screen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.cells import BIAS
from tools.appraisal.overrides import OVERALL, Appraisal, PersonsJudgement, settle
from tools.appraisal.tool import Judgement, Tool, judge
from tools.errors import NotAllowed
from tools.evidence_settings import OutcomeSpec
from tools.schemas import Cell
from tools.synthesis.reviewing import TableFinding, findings

__all__ = ["cells_with_judgements", "findings_of", "outcomes_of", "table", "tool_of"]


def table(
    cells: Sequence[Cell], outcomes: Sequence[OutcomeSpec], tool: Tool | None, **more: Any
) -> dict[str, Any]:
    """The part of the artefact that is about cells.

    Args:
        cells: machine's, people's, or both agreed.
        outcomes: what is read; kept in the artefact, so that an edit can be checked without the protocol.
        tool: the risk-of-bias tool whose answers are among the cells.
    """
    complete = cells_with_judgements(cells, tool)
    return {
        "cells": [cell.model_dump(mode="json") for cell in complete],
        "findings": [f.model_dump(mode="json") for f in findings(complete, outcomes)],
        "outcomes": [spec.model_dump(mode="json") for spec in outcomes],
        "tool": None if tool is None else tool.model_dump(mode="json"),
        **more,
    }


def outcomes_of(content: Mapping[str, Any]) -> list[OutcomeSpec]:
    """The outcomes that a table is about."""
    return [OutcomeSpec.model_validate(spec) for spec in content.get("outcomes", ())]


def tool_of(content: Mapping[str, Any]) -> Tool | None:
    """The risk-of-bias tool of a table."""
    told = content.get("tool")
    return None if told is None else Tool.model_validate(told)


def findings_of(content: Mapping[str, Any]) -> list[TableFinding]:
    """What the checks noticed in a table."""
    return [TableFinding.model_validate(finding) for finding in content.get("findings", ())]


def cells_with_judgements(cells: Sequence[Cell], tool: Tool | None, *, strict: bool = False) -> list[Cell]:
    """The cells, and behind each result's answers the judgement of every domain that follows from them.

    A judgement that a person has set stays: its cell says who, and why. One that can no longer be (an overall
    judgement better than what a domain has become) gives way to what follows from the answers, and is told beside it.

    Args:
        cells: of the whole table.
        tool: the tool; answers to questions of another one are kept, and judge nothing.
        strict: refuse a person's judgement that cannot be, as where it is set.

    Raises:
        NotAllowed: such a judgement, where `strict`.
    """
    if tool is None:
        return list(cells)
    own = {c.key: c for c in cells if c.field_id.startswith(BIAS) and c.reason.startswith("settled by ")}
    domains = {f"{BIAS}{name}" for name in (*(d.id for d in tool.domains), OVERALL)}
    kept = [cell for cell in cells if cell.field_id not in domains]
    offered = {f"{BIAS}{q.id}": (*q.options, "NA") for domain in tool.domains for q in domain.questions}
    answers: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in kept:
        if cell.value is not None and cell.value in offered.get(cell.field_id, ()):
            question = cell.field_id.removeprefix(BIAS)
            answers.setdefault((cell.report_id, cell.outcome), {})[question] = cell.value
    for cell in own.values():
        if cell.field_id in domains:
            answers.setdefault((cell.report_id, cell.outcome), {})
    made = [
        cell
        for (report_id, outcome), given in answers.items()
        for cell in _judgements(report_id, outcome, tool, given, own, strict)
    ]
    return [*kept, *made]


def _judgements(
    report_id: str,
    outcome: str,
    tool: Tool,
    answers: Mapping[str, Any],
    own: Mapping[Any, Cell],
    strict: bool,
) -> list[Cell]:
    """What the tool's algorithm makes of the answers, domain by domain and overall, beside a person's judgement."""
    blank = Cell(report_id=report_id, outcome=outcome, field_id="", status="not_found", reader="rule")
    places = {
        name: blank.model_copy(update={"field_id": f"{BIAS}{name}"})
        for name in (*(domain.id for domain in tool.domains), OVERALL)
    }
    said = [
        PersonsJudgement(domain=name, level=own[cell.key].value or "", reason=own[cell.key].reason)
        for name, cell in places.items()
        if cell.key in own
    ]
    judged = judge(tool, answers)
    rules = {d.domain: d.rule for d in judged.domains}
    settled, standing = _settled(tool, judged, said, strict)
    cells = []
    for one in (*settled.domains, settled.overall):
        cell = places[one.domain]
        if one.domain in standing:
            cells.append(own[cell.key])
            continue
        if cell.key in own:
            gone = own[cell.key]
            cell = cell.model_copy(update={"readings": (f"{gone.reader}: {gone.value} ({gone.reason})",)})
        rule = rules.get(one.domain, settled.suggested.rule)
        told = {
            "value": one.final,
            "reason": rule,
            "status": "not_found" if one.final is None else "computed",
        }
        cells.append(cell.model_copy(update=told))
    return cells


def _settled(
    tool: Tool, judged: Judgement, said: Sequence[PersonsJudgement], strict: bool
) -> tuple[Appraisal, set[str]]:
    """The judgements side by side, and the domains where a person's stands."""
    of_domains = [judgement for judgement in said if judgement.domain != OVERALL]
    for kept in (said, of_domains):
        try:
            return settle(tool, judged, kept), {judgement.domain for judgement in kept}
        except NotAllowed:
            if strict:
                raise
    return settle(tool, judged), set()
