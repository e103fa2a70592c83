"""Mistakes in the sections `extraction`, `appraisal` and `synthesis` of review.yaml, and what will be regretted."""

import pathlib
from collections.abc import Iterator, Sequence

from tools.appraisal.rob2 import Variant
from tools.evidence_settings import (
    MEASURES,
    Analysis,
    Appraisal,
    Comparison,
    Extraction,
    OutcomeSpec,
    Synthesis,
)
from tools.protocol import ReviewConfig
from tools.schemas import FieldSpec
from tools.synthesis.values import EffectMeasure, PoolingModel
from tools.yaml_values import Path, Problem

__all__ = ["ROB2", "evidence_mistakes", "evidence_warnings"]

ROB2: dict[str, Variant] = {"rob2": "parallel", "rob2-cluster": "cluster", "rob2-crossover": "crossover"}
"""Names of the built-in tools to variants of RoB 2."""

ARM = ("arm", "arm_role", "arm_description")
"""Fields that every arm has."""

_COUNTED: dict[PoolingModel, tuple[EffectMeasure, ...]] = {
    "mantel_haenszel": ("OR", "RR", "RD"),
    "peto": ("OR",),
}
"""Models that need counts to the measures they know."""


def evidence_mistakes(
    extraction: Extraction | None,
    appraisal: Appraisal | None,
    synthesis: Synthesis | None,
    gates: Sequence[str],
    folder: pathlib.Path,
    usual: Sequence[FieldSpec] | None = None,
) -> Iterator[Problem]:
    """Every contradiction between what is read, judged and pooled; `usual` is the form of this type of review."""
    outcomes = {} if extraction is None else {spec.id: spec for spec in extraction.outcomes}
    if extraction is not None:
        yield from _doubled([o.id for o in extraction.outcomes], ("extraction", "outcomes"), "outcomes")
        yield from _doubled(
            [m.id for m in extraction.participants], ("extraction", "participants"), "measures"
        )
        fields = [f.id for f in extraction.arm_fields]
        yield from _doubled(fields, ("extraction", "arm_fields"), "fields")
        yield from _kinds(extraction)
        yield from _per_arm(extraction)
        if outcomes and "evidence" not in gates:
            yield Problem(
                ("gates",),
                "outcomes are read, and nobody would decide about their numbers",
                "add evidence to gates",
            )
    if appraisal is not None:
        yield from _appraisal(appraisal, outcomes, folder)
    if synthesis is not None:
        yield from _doubled([a.id for a in synthesis.analyses], ("synthesis", "analyses"), "analyses")
        known = usual if extraction is None or extraction.form is None else extraction.form
        form = None if known is None else {f.id for f in known}
        for i, analysis in enumerate(synthesis.analyses):
            yield from _analysis(analysis, ("synthesis", "analyses", i), outcomes, form)


def _doubled(ids: Sequence[str], path: Path, what: str) -> Iterator[Problem]:
    for i, one in enumerate(ids):
        if one in ids[:i]:
            yield Problem((*path, i, "id"), f'two {what} are called "{one}"', "give each an id of its own")


def _per_arm(extraction: Extraction) -> Iterator[Problem]:
    """Fields of an arm whose cells would be those of another field of the same arm."""
    measures = {m.id for m in extraction.participants}
    for what, ids in (
        ("participants", [m.id for m in extraction.participants]),
        ("arm_fields", [f.id for f in extraction.arm_fields]),
    ):
        for i, one in enumerate(ids):
            path: Path = ("extraction", what, i, "id")
            if one in ARM:
                yield Problem(path, f'"{one}" is what the arm itself is kept under', "choose another id")
            if what == "arm_fields" and one in measures:
                yield Problem(path, f'"{one}" is a measure of participants too', "give each an id of its own")


def _kinds(extraction: Extraction) -> Iterator[Problem]:
    for i, spec in enumerate(extraction.outcomes):
        path: Path = ("extraction", "outcomes", i)
        if len(set(spec.time_points)) < len(spec.time_points):
            yield Problem((*path, "time_points"), "name the same time point twice", "keep one of the two")
        if spec.kind != "continuous" and spec.change:
            yield Problem((*path, "change"), f"has no meaning for a {spec.kind} outcome", "remove it")


def _appraisal(
    appraisal: Appraisal, outcomes: dict[str, OutcomeSpec], folder: pathlib.Path
) -> Iterator[Problem]:
    if appraisal.tool is None:
        return
    if not outcomes:
        told = "appraises results, and no outcome is read"
        yield Problem(("appraisal", "tool"), told, "name outcomes in extraction.outcomes")
    for i, name in enumerate(appraisal.outcomes):
        if name not in outcomes:
            known = ", ".join(outcomes) or "none"
            yield Problem(
                ("appraisal", "outcomes", i), f'no outcome is called "{name}"', f"known are: {known}"
            )
    if appraisal.tool not in ROB2 and not (folder / appraisal.tool).is_file():
        yield Problem(
            ("appraisal", "tool"),
            f"{appraisal.tool} is neither a built-in tool nor a file",
            f"use one of {', '.join(ROB2)}, or the path of your own form",
        )


def _analysis(
    analysis: Analysis, path: Path, outcomes: dict[str, OutcomeSpec], form: set[str] | None
) -> Iterator[Problem]:
    spec = outcomes.get(analysis.outcome)
    if spec is None:
        known = ", ".join(outcomes) or "none"
        yield Problem((*path, "outcome"), f'no outcome is called "{analysis.outcome}"', f"known are: {known}")
        return
    measure = analysis.measure or MEASURES[spec.kind][0]
    if measure not in MEASURES[spec.kind]:
        fit = ", ".join(MEASURES[spec.kind])
        yield Problem((*path, "measure"), f"{measure} cannot be had of a {spec.kind} outcome", f"use {fit}")
    if measure not in _COUNTED.get(analysis.model, (measure,)):
        fit = ", ".join(_COUNTED[analysis.model])
        yield Problem(
            (*path, "model"), f"{analysis.model} pools {fit}, not {measure}", "use common or random"
        )
    yield from _time(analysis, path, spec)
    if analysis.comparison is not None:
        yield from _words(analysis.comparison, (*path, "comparison"))
    if analysis.subgroup is not None and form is not None and analysis.subgroup not in form:
        yield Problem(
            (*path, "subgroup"),
            f'the form has no field "{analysis.subgroup}"',
            "use an id of extraction.form",
        )


def _words(comparison: Comparison, path: Path) -> Iterator[Problem]:
    """Words that hold words of the other side: no arm could be found by them."""
    sides = {"experimental": comparison.experimental, "control": comparison.control}
    for side, other in (("experimental", "control"), ("control", "experimental")):
        for i, word in enumerate(sides[side]):
            within = [w for w in sides[other] if w.casefold() in word.casefold()]
            if within:
                told = (
                    f'every arm with "{word}" also holds "{within[0]}" of the other side, and is on neither'
                )
                yield Problem(
                    (*path, side, i), told, "use words that only one side has, or set roles at the gate"
                )


def _time(analysis: Analysis, path: Path, spec: OutcomeSpec) -> Iterator[Problem]:
    known = ", ".join(spec.time_points) or "none"
    if analysis.time_point is None and len(spec.time_points) > 1:
        yield Problem((*path, "time_point"), "is missing: the outcome has several", f"use one of {known}")
    if analysis.time_point is not None and analysis.time_point not in spec.time_points:
        told = f'"{analysis.time_point}" is no time point of {spec.id}'
        yield Problem((*path, "time_point"), told, f"the outcome has: {known}")


def evidence_warnings(config: ReviewConfig) -> Iterator[str]:
    """What is allowed and will probably be regretted."""
    if config.reads_evidence and config.extraction.people == 1:
        yield (
            "extraction: one person reads the numbers; two people who read them independently make fewer errors, "
            "and MECIR C46 asks for them. Remedy: people: 2."
        )
    for analysis in config.synthesis.analyses:
        if analysis.model == "random" and analysis.tau2 == "DL" and analysis.interval == "wald":
            yield (
                f"synthesis: {analysis.id}: DerSimonian-Laird with Wald intervals is too narrow where studies are "
                "few. Remedy: tau2: REML, interval: hksj."
            )
    unused = {o.id for o in config.extraction.outcomes} - {a.outcome for a in config.synthesis.analyses}
    if config.synthesis.analyses and unused:
        yield (
            f"synthesis: {', '.join(sorted(unused))} is read and in no analysis, so it will only stand in the table. "
            "Remedy: add an analysis, if it was planned."
        )
