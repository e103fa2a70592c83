"""The numbers of a review as its report tells them: approved cells, analyses, certainty. Read from stored rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.certainty import rating_of
from graphs.deps import Deps
from graphs.evidence_table import findings_of
from graphs.gates import cells_of
from graphs.passes import lineage
from graphs.steps.approve import studies_of
from graphs.steps.synthesis import approved_evidence, records_of, study_label
from tools.reporting.evidence import Certainty, EvidenceData, StudyName, Telling
from tools.schemas import Artefact, Cell
from tools.synthesis.analysing import AnalysisResult
from tools.synthesis.reviewing import TableFinding

__all__ = ["evidence_data"]


def evidence_data(deps: Deps) -> EvidenceData:
    """Everything about numbers that a person has approved; nothing where the review reads none."""
    if not deps.config.reads_evidence:
        return EvidenceData()
    elements = deps.config.question.elements
    tables = approved_evidence(deps)
    cells, findings = _cells_and_findings(tables)
    included = [study for study in studies_of(deps) if study.state == "included"]
    records = records_of(included, deps)
    synthesis = _approved_synthesis(deps)
    return EvidenceData(
        cells=cells,
        waiting=sum(
            report_id not in {c.report_id for c in cells} for s in included for report_id in s.report_ids
        ),
        outcomes=deps.config.extraction.outcomes,
        findings=findings,
        people=deps.config.extraction.people,
        tool=deps.bias_tool,
        studies=tuple(
            StudyName(
                study_id=study.study_id,
                label=study_label(study, [records[i] for i in study.report_ids if i in records]),
                report_ids=study.report_ids,
            )
            for study in included
        ),
        analyses=tuple(AnalysisResult.model_validate(one) for one in synthesis.get("analyses", ())),
        certainty=tuple(_certainty(name, synthesis) for name in synthesis.get("certainty", {})),
        narratives=tuple(
            Telling(
                analysis_id=name,
                narrative=told.get("narrative", {}),
                facts=told.get("facts", ()),
                engine=told.get("engine", ""),
                failed=told.get("failed", ""),
            )
            for name, told in synthesis.get("narratives", {}).items()
        ),
        experimental=next(iter(elements.get("intervention", elements.get("exposure", ()))), ""),
        control=next(iter(elements.get("comparator", ())), ""),
        population=next(iter(elements.get("population", ())), ""),
    )


def _cells_and_findings(tables: Sequence[Artefact]) -> tuple[tuple[Cell, ...], tuple[TableFinding, ...]]:
    """What stands in the newest approved table of each report."""
    cells: dict[str, list[Cell]] = {}
    found: dict[str, list[TableFinding]] = {}
    for table in tables:
        fresh: dict[str, list[Cell]] = {}
        for cell in cells_of(table.content):
            fresh.setdefault(cell.report_id, []).append(cell)
        cells |= fresh
        told = findings_of(table.content)
        found |= {report_id: [f for f in told if f.report_id == report_id] for report_id in fresh}
    return (
        tuple(cell for own in cells.values() for cell in own),
        tuple(finding for own in found.values() for finding in own),
    )


def _approved_synthesis(deps: Deps) -> Mapping[str, Any]:
    """The newest analyses that nothing stands behind: approved where there is a gate, of any pass.

    Where the protocol names none any more, there are none, whatever was pooled before.
    """
    if not deps.config.synthesis.analyses:
        return {}
    for pass_id in reversed([*lineage(deps.store, deps.pass_id), deps.pass_id]):
        made = deps.store.artefact(pass_id, "synthesis")
        if made is None:
            continue
        approval = deps.store.approval(made.artefact_id)
        if "synthesis" not in deps.config.gates or (approval is not None and approval.decision == "approve"):
            return made.content
    return {}


def _certainty(analysis_id: str, content: Mapping[str, Any]) -> Certainty:
    told = content["certainty"][analysis_id]
    return Certainty(
        analysis_id=analysis_id,
        suggestions=told["suggestions"],
        by=told["by"],
        rating=rating_of(content, analysis_id),
    )
