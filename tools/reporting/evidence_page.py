"""The section about numbers in the HTML report: analyses with their plots, bias, and what the checks noticed. Pure."""

from dataclasses import dataclass

from tools.reporting.evidence import Certainty, EvidenceData, Telling
from tools.reporting.evidence_files import bias_table, forest_plot
from tools.reporting.evidence_words import pooled_in_words
from tools.reporting.plots.bias_plots import traffic_light
from tools.reporting.plots.forest import forest
from tools.reporting.words import plural
from tools.synthesis.analysing import AnalysisResult
from tools.synthesis.reviewing import TableFinding
from tools.synthesis.values import Conversion

__all__ = ["Numbers", "ShownAnalysis", "numbers_shown"]


@dataclass(frozen=True)
class ShownAnalysis:
    """One analysis as the page shows it."""

    result: AnalysisResult
    sentence: str
    forest: str
    """SVG; every text in it is escaped where it is drawn. Empty where no study is included."""
    certainty: Certainty | None
    conversions: tuple[tuple[str, str, Conversion], ...]
    without: tuple[tuple[str, str], ...]
    cumulative: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, str], ...]
    narrative: Telling | None


@dataclass(frozen=True)
class Numbers:
    """What the page says about numbers."""

    sentences: tuple[str, ...]
    analyses: tuple[ShownAnalysis, ...]
    bias: tuple[str, ...]
    findings: tuple[TableFinding, ...]


def numbers_shown(data: EvidenceData) -> Numbers | None:
    """The section's content; None where the review reads no numbers."""
    if not data.people:
        return None
    tables = [bias_table(spec.id, data) for spec in data.outcomes]
    return Numbers(
        sentences=_sentences(data),
        analyses=tuple(_shown(result, data) for result in data.analyses),
        bias=tuple(traffic_light(table, "svg").decode() for table in tables if table is not None),
        findings=data.findings,
    )


def _sentences(data: EvidenceData) -> tuple[str, ...]:
    who = (
        "Two people read the numbers of each report independently and settled their differences; the machine was a "
        "further voice."
        if data.people == 2
        else "One person approved the numbers that the machine suggested, or entered others."
    )
    numbers = sum(bool(cell.outcome) and cell.value is not None for cell in data.cells)
    quoted = sum(
        bool(cell.outcome) and cell.value is not None and cell.quote is not None for cell in data.cells
    )
    told = [
        who,
        f"{plural(numbers, 'value')} approved, {quoted:,} of them with a quote that stands in the report.",
    ]
    if data.waiting:
        told.append(
            f"The numbers of {plural(data.waiting, 'report', verb='is')} not approved yet and in no analysis."
        )
    if not data.analyses:
        told.append("Nothing was pooled.")
    return tuple(told)


def _shown(result: AnalysisResult, data: EvidenceData) -> ShownAnalysis:
    certainty = next((c for c in data.certainty if c.analysis_id == result.analysis.id), None)
    return ShownAnalysis(
        result=result,
        sentence=_sentence(result),
        forest=forest(forest_plot(result, data), "svg").decode() if result.lines else "",
        certainty=certainty,
        conversions=tuple(
            (effect.label, "", step)
            for effect in result.effects
            if effect.data is not None
            for step in effect.data.conversions
        ),
        narrative=next((n for n in data.narratives if n.analysis_id == result.analysis.id), None),
        without=tuple((step.label, pooled_in_words(step.pooled)) for step in result.leave_one_out),
        cumulative=tuple((step.label, pooled_in_words(step.pooled)) for step in result.cumulative),
        missing=tuple((each.words, pooled_in_words(each.pooled)) for each in result.missing),
    )


def _sentence(result: AnalysisResult) -> str:
    if result.pooled is None:
        return f"Not pooled: {result.why_not_pooled}"
    p = result.pooled
    studies = plural(len({e.study_id for e in result.effects}), "study")
    told = f"{studies} pooled, {p.model.replace('_', '-')} model: {pooled_in_words(p)}."
    out = len({line.study_id for line in result.lines} - {effect.study_id for effect in result.effects})
    return f"{told} {plural(out, 'study')} without an effect." if out else told
