"""The words about an analysis: sentences that cite facts, of which only those stay whose numbers stand there."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from graphs.asking import ask_each
from graphs.deps import Deps
from model.engine import Answer
from model.tasks.summary import TASK, SummaryAnswer, SummaryCell, SummaryInput
from tools.errors import EngineError
from tools.reporting.evidence_words import effect_in_words, pooled_facts
from tools.reporting.narrative import Fact, Said, supported
from tools.synthesis.analysing import AnalysisResult
from tools.synthesis.values import Effect

__all__ = ["narratives"]


def narratives(results: Sequence[AnalysisResult], deps: Deps) -> dict[str, Mapping[str, Any]]:
    """Analysis to its sentences, to those that were dropped and why, or to why there are none."""
    asked = [result for result in results if result.effects]
    progress = partial(deps.progress, "narrative summary")
    inputs = [_input(result) for result in asked]
    answers = ask_each(TASK, inputs, deps, lambda done: progress(done, len(asked)))
    return {
        result.analysis.id: _checked(result, answer) for result, answer in zip(asked, answers, strict=True)
    }


def _input(result: AnalysisResult) -> SummaryInput:
    return SummaryInput(
        outcome=result.title,
        cells=tuple(SummaryCell(id=f.id, label=f.label, value=f.value) for f in _studies(result)),
        results=tuple(SummaryCell(id=f.id, label=f.label, value=f.value) for f in pooled_facts(result)),
    )


def _studies(result: AnalysisResult) -> list[Fact]:
    """A line for each study: its effect, or that it has none."""
    return [
        Fact(id=f"c{n}", label=f"{line.label}, {result.measure} with 95% CI", value=effect_in_words(line))
        if isinstance(line, Effect)
        else Fact(id=f"c{n}", label=f"{line.label}, no effect", value=line.why)
        for n, line in enumerate(result.lines, start=1)
    ]


def _checked(result: AnalysisResult, answer: Answer[SummaryAnswer] | EngineError) -> Mapping[str, Any]:
    if isinstance(answer, EngineError):
        return {"failed": f"{answer.kind}: {answer}", "call_key": answer.call_key}
    facts = [*pooled_facts(result), *_studies(result)]
    said = (Said(text=s.text, cells=s.cites) for s in answer.value.sentences)
    kept = supported(said, facts)
    return {
        "narrative": kept.model_dump(mode="json"),
        "facts": [fact.model_dump(mode="json") for fact in facts],
        "engine": answer.engine,
        "call_key": answer.key,
    }
