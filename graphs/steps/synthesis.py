"""Step `synthesis`: the analyses that the protocol names, over the numbers that people have approved.

Everything is computed from the approved table; a number that nobody approved is not there. How certain the evidence
is, is suggested from the data and decided by a person at the gate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.certainty import overall_risks, with_certainty
from graphs.deps import Deps
from graphs.gates import cells_of
from graphs.passes import lineage
from graphs.state import ReviewState
from graphs.steps.approve import studies_of
from graphs.telling import narratives
from tools.schemas import Artefact, Cell, Record, Study, sha256_of
from tools.synthesis.analysing import AnalysisResult, analyse
from tools.synthesis.studies import StudyCells

__all__ = ["approved_evidence", "form_cells", "records_of", "study_label", "synthesis"]


def synthesis(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Compute what has changed, then put it under its gate."""
    tables = approved_evidence(deps)
    studies = [study for study in studies_of(deps) if study.state == "included"]
    basis = sha256_of(
        [
            deps.basis["synthesis"],
            [table.sha256 for table in tables],
            [study.model_dump(mode="json") for study in studies],
            [[cell.report_id, cell.field_id, cell.value] for cell in form_cells(deps)],
        ]
    )
    newest = deps.store.artefact(deps.pass_id, "synthesis")
    if newest is not None and newest.basis == basis and not _words_wanted(newest, deps):
        return {"synthesis_id": newest.artefact_id}
    results = _results(studies, tables, deps)
    before = _decided_before(newest, deps)
    reports = {study.study_id: study.report_ids for study in studies}
    risks = overall_risks(_cells(tables), reports, deps.bias_tool)
    analyses = [_rounded(result.model_dump(mode="json")) for result in results]
    told = narratives([AnalysisResult.model_validate(one) for one in analyses], deps)
    content = with_certainty(
        {"analyses": analyses, "narratives": told, "attempt": deps.attempt}, before, risks
    )
    made = deps.store.add_artefact(
        deps.pass_id, "synthesis", content, author=f"rule:leads-agent {deps.version}", basis=basis
    )
    return {"synthesis_id": made.artefact_id}


def _words_wanted(newest: Artefact, deps: Deps) -> bool:
    """Whether words failed, and a person has asked since to try failures again."""
    failed = any("failed" in told for told in newest.content.get("narratives", {}).values())
    return failed and newest.content["attempt"] < deps.attempt


def _decided_before(newest: Artefact | None, deps: Deps) -> Mapping[str, Any]:
    """What people decided about certainty: in this pass, else in the one that it updates."""
    earlier = [deps.store.artefact(pass_id, "synthesis") for pass_id in lineage(deps.store, deps.pass_id)]
    made = [each for each in (*earlier, newest) if each is not None]
    return made[-1].content.get("certainty", {}) if made else {}


def approved_evidence(deps: Deps) -> list[Artefact]:
    """The tables that people approved, oldest first: of each pass the newest."""
    found = []
    for pass_id in [*lineage(deps.store, deps.pass_id), deps.pass_id]:
        approved = [
            made
            for made, _at in deps.store.artefacts(pass_id)
            if made.step == "evidence"
            and (approval := deps.store.approval(made.artefact_id)) is not None
            and approval.decision == "approve"
        ]
        found += approved[-1:]
    return found


def _cells(tables: Sequence[Artefact]) -> dict[str, list[Cell]]:
    """Report to its approved cells; what a later pass has read again stands as it read it."""
    cells: dict[str, list[Cell]] = {}
    for table in tables:
        fresh: dict[str, list[Cell]] = {}
        for cell in cells_of(table.content):
            fresh.setdefault(cell.report_id, []).append(cell)
        cells |= fresh
    return cells


def _entries(tables: Sequence[Artefact]) -> dict[str, list[str]]:
    """Report to the entries of registers that it names, which are reports of the same study."""
    found: dict[str, list[str]] = {}
    for table in tables:
        found |= table.content.get("entries", {})
    return found


def _results(studies: Sequence[Study], tables: Sequence[Artefact], deps: Deps) -> list[AnalysisResult]:
    cells, settings = _cells(tables), deps.config.synthesis
    outcomes = {spec.id: spec for spec in deps.config.extraction.outcomes}
    filled = {(cell.report_id, cell.field_id): cell.value for cell in form_cells(deps)}
    records, entries = records_of(studies, deps), _entries(tables)
    return [
        analyse(
            analysis,
            outcomes[analysis.outcome],
            [_study(study, records, cells, entries, filled, analysis.subgroup) for study in studies],
            settings,
        )
        for analysis in settings.analyses
    ]


def records_of(studies: Sequence[Study], deps: Deps) -> dict[str, Record]:
    """Record id to record, for the reports of these studies."""
    wanted = {report_id for study in studies for report_id in study.report_ids}
    keys = {
        record_id: (record_id, stored.outcome.record_version)
        for pass_id in [*lineage(deps.store, deps.pass_id), deps.pass_id]
        for record_id, stored in deps.store.outcomes(pass_id, "retrieve").items()
        if record_id in wanted
    }
    return {record.record_id: record for record in deps.records(list(keys.values()))}


def _study(
    study: Study,
    records: Mapping[str, Record],
    cells: Mapping[str, Sequence[Cell]],
    entries: Mapping[str, Sequence[str]],
    filled: Mapping[tuple[str, str], str | None],
    subgroup: str | None,
) -> StudyCells:
    reports = [records[i] for i in study.report_ids if i in records]
    years = [record.year for record in reports if record.year is not None]
    value = next((v for i in study.report_ids if (v := filled.get((i, subgroup or "")))), None)
    told = [*study.report_ids, *(entry for i in study.report_ids for entry in entries.get(i, ()))]
    return StudyCells(
        study_id=study.study_id,
        label=study_label(study, reports),
        year=min(years, default=None),
        subgroup=(value or "not reported") if subgroup else "",
        cells=tuple(cell for i in dict.fromkeys(told) for cell in cells.get(i, ())),
    )


def study_label(study: Study, reports: Sequence[Record]) -> str:
    """`Miller 2019`: first author and year of the first report, as forest plots name studies."""
    first = next(iter(sorted(reports, key=lambda r: r.year or 9999)), None)
    if first is None or not first.authors:
        return study.study_id
    name = first.authors[0].partition(",")[0].strip() or study.study_id
    return f"{name} {first.year}" if first.year else name


def form_cells(deps: Deps) -> list[Cell]:
    """The extraction form as filled in so far, over all passes."""
    found: list[Cell] = []
    for pass_id in [*lineage(deps.store, deps.pass_id), deps.pass_id]:
        extracted = deps.store.artefact(pass_id, "extract")
        found += [] if extracted is None else cells_of(extracted.content)
    return found


def _rounded(value: Any) -> Any:
    """Twelve digits: more than anybody reads, and fewer than two machines may differ in."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
