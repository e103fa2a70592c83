"""One analysis of the protocol, computed: effects, the pooled effect, and what a reader needs to judge it. Pure.

Nothing is pooled that a person has not chosen: outcome, measure and model are the protocol's. Where nothing can be
pooled the result says so, and reports the effects as SWiM asks (Campbell 2020, doi:10.1136/bmj.l6890).
"""

from collections.abc import Sequence

from pydantic import Field

from tools.evidence_settings import MEASURES, Analysis, OutcomeSpec, Synthesis
from tools.schemas import Frozen
from tools.synthesis.adjusting import CannotAdjust, crossover
from tools.synthesis.effects import SINGLE, effect, peto_effect
from tools.synthesis.missing_outcomes import SCENARIOS, Scenario, imputed
from tools.synthesis.pooling import CannotPool, pool
from tools.synthesis.sensitivity import (
    AsymmetryTest,
    Choices,
    Step,
    Subgroups,
    cumulative,
    egger,
    leave_one_out,
    subgroups,
)
from tools.synthesis.studies import StudyCells, lines_of
from tools.synthesis.swim import Group, groups
from tools.synthesis.values import Effect, EffectMeasure, NotEstimable, Pooled, StudyData

__all__ = ["AnalysisResult", "MissingScenario", "analyse"]


class MissingScenario(Frozen):
    """The pooled effect if the participants whose outcome is not known had fared so."""

    scenario: Scenario
    words: str
    studies: int = Field(description="In how many studies somebody's outcome is not known.")
    pooled: Pooled


class AnalysisResult(Frozen):
    """One analysis: the studies in the order of the review, pooled and looked at from all sides."""

    analysis: Analysis
    title: str
    outcome: OutcomeSpec
    measure: EffectMeasure
    lines: tuple[Effect | NotEstimable, ...] = Field(
        description="Every included study stands here once or more."
    )
    pooled: Pooled | None = None
    why_not_pooled: str = ""
    subgroups: Subgroups | None = None
    leave_one_out: tuple[Step, ...] = ()
    cumulative: tuple[Step, ...] = ()
    asymmetry: AsymmetryTest | None = None
    side_by_side: tuple[Group, ...] = Field(default=(), description="Where nothing was pooled: see SWiM.")
    missing: tuple[MissingScenario, ...] = Field(
        default=(), description="Dichotomous outcomes of which not everybody's is known, under assumptions."
    )
    notes: tuple[str, ...] = ()

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The studies that have an effect."""
        return tuple(line for line in self.lines if isinstance(line, Effect))


def analyse(
    analysis: Analysis, spec: OutcomeSpec, studies: Sequence[StudyCells], settings: Synthesis
) -> AnalysisResult:
    """Compute one analysis from the approved cells of the included studies."""
    measure = analysis.measure or MEASURES[spec.kind][0]
    data = [line for study in studies for line in lines_of(study, analysis, spec, measure, settings)]
    lines = tuple(_effect(line, measure, analysis, settings) for line in data)
    base = AnalysisResult(
        analysis=analysis, title=analysis.title or spec.title, outcome=spec, measure=measure, lines=lines
    )
    if not base.effects:
        return base.model_copy(
            update={"why_not_pooled": "No included study has an effect that can be computed."}
        )
    try:
        pooled = _pooled(base.effects, analysis)
    except CannotPool as e:
        # An effect of one group favours no arm.
        better = None if measure in SINGLE else spec.better
        beside = groups(base.effects, better=better)
        return base.model_copy(update={"why_not_pooled": str(e), "side_by_side": beside})
    around = _around(base.effects, analysis) | {"missing": _missing(base)}
    return base.model_copy(update={"pooled": pooled, **around})


def _effect(
    line: StudyData | NotEstimable, measure: EffectMeasure, analysis: Analysis, settings: Synthesis
) -> Effect | NotEstimable:
    if isinstance(line, NotEstimable):
        return line
    if line.design == "crossover" and measure in ("MD", "SMD"):
        return crossover(line, measure, correlation=settings.correlation)
    if line.design == "crossover":
        note = "crossover trial: its arms are compared as if they were parallel, which is cautious (Handbook 23.2)"
        line = line.model_copy(update={"notes": (*line.notes, note)})
    return peto_effect(line) if analysis.model == "peto" else effect(line, measure)


def _pooled(effects: Sequence[Effect], analysis: Analysis) -> Pooled:
    if analysis.model != "random":
        return pool(effects, model=analysis.model)
    return pool(
        effects,
        model="random",
        tau2_method=analysis.tau2,
        interval=analysis.interval,
        prediction=analysis.prediction if len(effects) >= 3 else None,
    )


def _around(effects: Sequence[Effect], analysis: Analysis) -> dict[str, object]:
    """What can be said besides with so many studies; what cannot is told in a note, not left out in silence."""
    random = analysis.model == "random"
    found: dict[str, object] = {}
    notes = []
    choices: Choices = {"tau2_method": analysis.tau2, "interval": analysis.interval} if random else {}
    for name, made in (
        ("leave_one_out", lambda: leave_one_out(effects, model=analysis.model, **choices)),
        ("cumulative", lambda: cumulative(effects, model=analysis.model, **choices)),
        ("asymmetry", lambda: egger(effects)),
        ("subgroups", lambda: subgroups(effects, model=analysis.model, **choices)),
    ):
        if name == "subgroups" and analysis.subgroup is None:
            continue
        try:
            found[name] = made()
        except CannotPool as e:
            notes.append(f"{name.replace('_', ' ')}: {e}")
    return found | {"notes": tuple(notes)}


def _missing(result: AnalysisResult) -> tuple[MissingScenario, ...]:
    """Best and worst case, and the observed risks: does the conclusion hold, whatever became of the missing?

    Only studies of which the number randomised is known can change; the others stay as they are.
    """
    if result.measure not in ("OR", "RR", "RD"):
        return ()
    lacking = [e for e in result.effects if e.data is not None and _somebody_missing(e.data)]
    if not lacking:
        return ()
    bad = result.outcome.better != "higher"
    made = []
    for scenario in ("ICA-b", "ICA-w", "ICA-p"):
        effects = [_as_if(e, scenario, result, bad) if e in lacking else e for e in result.effects]
        known = [e for e in effects if isinstance(e, Effect)]
        try:
            pooled = _pooled(known, result.analysis)
        except CannotPool:
            continue
        made.append(
            MissingScenario(scenario=scenario, words=SCENARIOS[scenario], studies=len(lacking), pooled=pooled)
        )
    return tuple(made)


def _somebody_missing(data: StudyData) -> bool:
    arms = (data.experimental, data.control)
    known = [arm for arm in arms if arm is not None and arm.randomised is not None and arm.total is not None]
    return len(known) == 2 and any((arm.randomised or 0) > (arm.total or 0) for arm in known)


def _as_if(one: Effect, scenario: Scenario, result: AnalysisResult, bad: bool) -> Effect | NotEstimable:
    assert one.data is not None
    try:
        data = imputed(one.data, scenario, event_is_bad=bad)
    except CannotAdjust:
        return one
    return peto_effect(data) if result.analysis.model == "peto" else effect(data, result.measure)
