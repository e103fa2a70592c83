"""The files about numbers: tables, plots, and what other programs read. Pure: same value in, same bytes out."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence

from tools.appraisal.absolute import AssumedRisk, control_risk
from tools.appraisal.findings import FindingsTable, OutcomeLine
from tools.appraisal.overrides import OVERALL
from tools.appraisal.tool import Tool
from tools.errors import ConfigError
from tools.reporting.analysis import Analysis as Exported
from tools.reporting.evidence import EvidenceData
from tools.reporting.extraction_table import ExtractionTable, extraction_csv, extraction_xlsx
from tools.reporting.findings_table import findings_docx, findings_html
from tools.reporting.metafor import script
from tools.reporting.plots.bias_plots import BiasRow, BiasTable, Domain, summary_bars, traffic_light
from tools.reporting.plots.drawing import Format
from tools.reporting.plots.forest import forest
from tools.reporting.plots.forest_values import ForestGroup, ForestPlot, StudyBias
from tools.reporting.plots.funnel import FunnelPlot, funnel
from tools.reporting.plots.judgements import ROB2, ColourClass, Judgement
from tools.reporting.revman import revman_files
from tools.reporting.text import cell_text
from tools.synthesis.analysing import AnalysisResult
from tools.synthesis.pooling import CannotPool, pool
from tools.synthesis.sensitivity import MIN_FUNNEL
from tools.synthesis.values import Effect, NotEstimable, Pooled

__all__ = ["bias_table", "conversions_csv", "evidence_files", "findings_table", "forest_plot"]

PLOTS: tuple[Format, ...] = ("svg", "png", "pdf")


def evidence_files(data: EvidenceData, outputs: Sequence[str]) -> dict[str, bytes]:
    """Every wanted file about numbers under its name; none where the review reads no numbers.

    Args:
        data: the approved table and its analyses.
        outputs: kinds of files, as `outputs` in review.yaml names them.
    """
    made: dict[str, bytes] = {}
    if data.cells:
        table = ExtractionTable(cells=data.cells, labels=tuple(data.labels.items()))
        made |= _chosen(
            outputs,
            ("csv", "evidence.csv", lambda: extraction_csv(table)),
            ("xlsx", "evidence.xlsx", lambda: extraction_xlsx(table)),
        )
    for kind in PLOTS:
        if kind in outputs:
            made |= dict(_plots(data, kind))
    if data.analyses:
        made |= _of_analyses(data, outputs)
    return made


def _chosen(outputs: Sequence[str], *writers: tuple[str, str, Callable[[], bytes]]) -> dict[str, bytes]:
    return {name: write() for kind, name, write in writers if kind in outputs}


def _of_analyses(data: EvidenceData, outputs: Sequence[str]) -> dict[str, bytes]:
    findings = findings_table(data)
    exported = [_exported(result, data) for result in data.analyses]
    made = _chosen(
        outputs,
        ("html", "findings.html", lambda: findings_html(findings).encode()),
        ("docx", "findings.docx", lambda: findings_docx(findings)),
        ("r", "metafor.R", lambda: script(exported).encode()),
    )
    if "csv" in outputs:
        made["conversions.csv"] = conversions_csv(data)
        made |= {f"revman-{name}": body for name, body in revman_files(exported).files}
    return made


def _exported(result: AnalysisResult, data: EvidenceData) -> Exported:
    return Exported(
        analysis_id=result.analysis.id,
        outcome=result.title,
        time_point=result.analysis.time_point or "",
        measure=result.measure,
        experimental=data.experimental or "Experimental",
        control=data.control or "Control",
        lines=result.lines,
        pooled=result.pooled,
    )


def conversions_csv(data: EvidenceData) -> bytes:
    """Every computed number of every analysis: of which study, from what, by which formula, from which source."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("analysis", "study", "computed", "value", "from", "formula", "source", "approximate"))
    for result in data.analyses:
        for line in result.lines:
            for step in line.data.conversions if line.data is not None else ():
                came = "; ".join(f"{name} {value:.12g}" for name, value in step.inputs)
                rest = (came, step.formula, step.source, "yes" if step.approximate else "")
                row = (result.analysis.id, line.label, step.to, f"{step.value:.12g}", *rest)
                writer.writerow([cell_text(text) for text in row])
    return out.getvalue().encode("utf-8-sig")


# Plots -------------------------------------------------------------------------------------------


def _plots(data: EvidenceData, kind: Format) -> Iterator[tuple[str, bytes]]:
    for result in data.analyses:
        name = result.analysis.id
        if not result.lines:
            continue  # without any study there is nothing to draw
        yield f"forest-{name}.{kind}", forest(forest_plot(result, data), kind)
        if len(result.effects) >= MIN_FUNNEL:
            yield f"funnel-{name}.{kind}", funnel(_funnel_plot(result), kind)
    for spec in data.outcomes:
        if (table := bias_table(spec.id, data)) is not None:
            yield f"bias-{spec.id}.{kind}", traffic_light(table, kind)
            yield f"bias-summary-{spec.id}.{kind}", summary_bars(table, kind)


def forest_plot(result: AnalysisResult, data: EvidenceData) -> ForestPlot:
    """The forest plot of one analysis, subgroups apart, with the judgements of bias beside it."""
    at = result.analysis.time_point
    left, right = _favours(result, data)
    judged = data.judgements(result.outcome.id)
    domains = _domains(data.tool)
    return ForestPlot(
        title=result.title + (f", {at}" if at else ""),
        outcome="" if result.outcome.title == result.title else result.outcome.title,
        measure=result.measure,
        experimental=data.experimental or "Experimental",
        control=data.control or "Control",
        favours_left=left,
        favours_right=right,
        groups=_groups(result),
        overall=_overall(result),
        subgroup_test=_subgroup_test(result),
        bias=tuple(
            StudyBias(
                study_id=study_id,
                judgements=tuple((d.name, told[d.id]) for d in domains if d.id in told),
            )
            for study_id, told in judged.items()
        ),
        judgements=_judgements(data.tool),
        footnotes=_footnotes(result),
    )


def _drawn(result: AnalysisResult) -> tuple[Effect | NotEstimable, ...]:
    """The studies with numbers, as plots show them; all of them where none has any."""
    told = tuple(line for line in result.lines if isinstance(line, Effect) or line.data is not None)
    return told or result.lines


def _footnotes(result: AnalysisResult) -> tuple[str, ...]:
    """Why nothing was pooled, and which studies are no row of the plot."""
    drawn = {id(line) for line in _drawn(result)}
    out: dict[str, list[str]] = {}
    for line in result.lines:
        if isinstance(line, NotEstimable) and id(line) not in drawn:
            out.setdefault(line.why, []).append(line.label)
    notes = [f"Not in the plot: {', '.join(labels)}. {why}" for why, labels in out.items()]
    return tuple(filter(None, (result.why_not_pooled, *notes)))


def _groups(result: AnalysisResult) -> tuple[ForestGroup, ...]:
    lines = _drawn(result)
    if result.subgroups is None:
        return (ForestGroup(lines=lines),)
    pooled = {group.name: group.pooled for group in result.subgroups.groups}
    return tuple(
        ForestGroup(
            name=name,
            lines=tuple(line for line in lines if line.subgroup == name),
            pooled=pooled.get(name),
        )
        for name in dict.fromkeys(line.subgroup for line in lines)
    )


def _overall(result: AnalysisResult) -> Pooled | None:
    """The pooled effect with its weights in the order of the rows, which subgroups change."""
    if result.pooled is None or result.subgroups is None:
        return result.pooled
    weights = dict(zip(map(id, result.effects), result.pooled.weights, strict=True))
    rows = [line for group in _groups(result) for line in group.effects]
    return result.pooled.model_copy(update={"weights": tuple(weights[id(line)] for line in rows)})


def _subgroup_test(result: AnalysisResult) -> str:
    s = result.subgroups
    if s is None:
        return ""
    return (
        f"Test for subgroup differences: Chi² = {s.q_between:.2f}, df = {s.df} (P = {s.p:.2g}), "
        f"I² = {s.i2_between:.0f}%"
    )


def _favours(result: AnalysisResult, data: EvidenceData) -> tuple[str, str]:
    """What lies to the left and to the right of no effect; empty where nobody said which way is good."""
    better = result.outcome.better
    if better is None or result.measure in ("PROPORTION", "MEAN"):
        return "", ""
    good = f"Favours {data.experimental or 'experimental'}"
    bad = f"Favours {data.control or 'control'}"
    return (good, bad) if better == "lower" else (bad, good)


def _funnel_plot(result: AnalysisResult) -> FunnelPlot:
    try:
        centre = pool(result.effects, model="common")
    except CannotPool:
        centre = None
    return FunnelPlot(
        title=result.title,
        outcome="" if result.outcome.title == result.title else result.outcome.title,
        measure=result.measure,
        effects=result.effects,
        centre=centre,
    )


# Risk of bias ------------------------------------------------------------------------------------

_SYMBOLS: dict[ColourClass, str] = {
    "low": "+",
    "some": "!",
    "high": "–",
    "critical": "×",
    "no_information": "?",
}


def _judgements(tool: Tool | None) -> tuple[Judgement, ...]:
    if tool is None:
        return ROB2
    return tuple(
        Judgement(
            id=level.id,
            words=level.word,
            colour="no_information" if level.colour == "none" else level.colour,
            symbol=_SYMBOLS["no_information" if level.colour == "none" else level.colour],
        )
        for level in tool.levels
    )


def _domains(tool: Tool | None) -> list[Domain]:
    return [] if tool is None else [Domain(id=d.id, name=d.name) for d in tool.domains]


def bias_table(outcome: str, data: EvidenceData) -> BiasTable | None:
    """Judgements of every study's result, weighted where the outcome was pooled; None where nobody judged."""
    judged, domains = data.judgements(outcome), _domains(data.tool)
    if data.tool is None or not judged:
        return None
    result = next((r for r in data.analyses if r.outcome.id == outcome and r.pooled is not None), None)
    weights: dict[str, float] = {}
    if result is not None and result.pooled is not None:
        for effect, weight in zip(result.effects, result.pooled.weights, strict=True):
            weights[effect.study_id] = weights.get(effect.study_id, 0.0) + weight
    title = next(spec.title for spec in data.outcomes if spec.id == outcome)
    return BiasTable(
        title=f"Risk of bias: {title}",
        tool=data.tool.name,
        domains=tuple(domains),
        rows=tuple(
            BiasRow(
                label=study.label,
                judgements=tuple(judged[study.study_id].get(d.id, "") for d in domains),
                overall=judged[study.study_id].get(OVERALL, ""),
                weight=weights.get(study.study_id),
            )
            for study in data.studies
            if study.study_id in judged
        ),
        judgements=_judgements(data.tool),
    )


# Summary of findings -----------------------------------------------------------------------------


def findings_table(data: EvidenceData) -> FindingsTable:
    """The summary of findings: a line for each analysis, with the certainty that a person decided."""
    rated = {one.analysis_id: one.rating for one in data.certainty}
    return FindingsTable(
        title=f"{data.experimental or 'Intervention'} compared with {data.control or 'control'}",
        population=data.population,
        intervention=data.experimental or "Intervention",
        comparison=data.control or "Control",
        lines=tuple(
            OutcomeLine(
                outcome=result.title,
                follow_up=result.analysis.time_point or "",
                pooled=result.pooled,
                narrative=result.why_not_pooled,
                assumed=_assumed(result),
                unit=result.outcome.unit or "",
                participants=_participants(result),
                studies=len({line.study_id for line in result.effects}),
                rating=rated.get(result.analysis.id),
                comments=_without_effect(result.lines),
            )
            for result in data.analyses
        ),
    )


def _assumed(result: AnalysisResult) -> AssumedRisk | None:
    """The risk that the protocol assumes, else the median of the control groups; None where neither is there."""
    if result.measure not in ("OR", "RR", "RD", "HR"):
        return None
    if result.analysis.baseline_risk is not None:
        return AssumedRisk(risk=result.analysis.baseline_risk, source="given in the protocol")
    try:
        return control_risk([e.data for e in result.effects if e.data is not None])
    except ConfigError:
        return None


def _participants(result: AnalysisResult) -> int | None:
    totals = [
        None if arm is None else arm.total
        for effect in result.effects
        if effect.data is not None
        for arm in (effect.data.experimental, effect.data.control)
    ]
    known = [total for total in totals if total is not None]
    return round(sum(known)) if known and len(known) == len(totals) else None


def _without_effect(lines: Sequence[Effect | NotEstimable]) -> str:
    """Which studies are not in the pool, and which comparisons of those that are."""
    pooled = {line.study_id for line in lines if isinstance(line, Effect)}
    out = [line for line in lines if isinstance(line, NotEstimable)]
    studies = len({line.study_id for line in out} - pooled)
    partly = ", ".join(line.label for line in out if line.study_id in pooled)
    wholly = ", ".join(line.label for line in out if line.study_id not in pooled)
    many = "study that could not be pooled" if studies == 1 else "studies that could not be pooled"
    told = [f"{studies} more {many}: {wholly}"] if wholly else []
    return "; ".join([*told, f"not in it: {partly}"] if partly else told)
