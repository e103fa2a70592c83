"""Reading the evidence of included reports: arms, participants, numbers of outcomes, directions, bias.

The engine is asked one small question at a time about one report, and what it says becomes cells (`graphs.cells`).
The arms come first, since every other question names them. Beside a language model, the rules read each number too:
where both agree confidence rises, where they differ the cell says so.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graphs import cells as made
from graphs.asking import ask_each
from graphs.deps import Deps
from model.engine import Answer
from model.tasks import arms, bias, characteristics, direction, participants, results
from tools.appraisal.tool import question_fields
from tools.errors import EngineError
from tools.evidence_settings import WANTED, MeasureSpec, OutcomeKind, OutcomeSpec, comparison_label
from tools.fulltext.choosing import choose, cues_for
from tools.fulltext.cues import Task as Cues
from tools.schemas import Cell, FieldSpec, FullText, Record
from tools.synthesis.rows import RANDOMISED

__all__ = ["Paper", "ReadArm", "read", "unread"]


@dataclass(frozen=True)
class Paper:
    """A report and its text."""

    record: Record
    text: FullText


@dataclass(frozen=True)
class ReadArm:
    """An arm as the questions after it name it."""

    label: str
    role: made.Role
    description: str = ""


@dataclass
class _Reading:
    """What has been read of one report so far."""

    paper: Paper
    cells: list[Cell] = field(default_factory=list)
    arms: tuple[ReadArm, ...] = ()
    note: str = ""
    """What the last question left out of the report; empty when it holds all of it."""

    def blank(self, field_id: str, engine: str, **about: str) -> Cell:
        return Cell(
            report_id=self.paper.record.record_id,
            field_id=field_id,
            status="not_found",
            reader=f"machine:{engine}",
            **about,
        )

    def asked(self, task: Cues, words: Sequence[str], deps: Deps) -> dict[str, Any]:
        """What a question about this report holds: all of it, or for a language model the passages that matter."""
        passages = self.paper.text.passages
        if _by_model(task, deps):
            chosen = choose(
                passages,
                [word for word in words if word],
                characters=deps.config.extraction.characters,
                cues=cues_for(task),
                tables_by_rows=task in ("results", "participants"),
            )
            passages, self.note = chosen.passages, chosen.note
        return {
            "report_id": self.paper.record.record_id,
            "title": self.paper.record.title,
            "passages": passages,
        }

    def pairs(self) -> list[tuple[ReadArm, ReadArm]]:
        """Each experimental arm with each control arm."""
        experimental = [arm for arm in self.arms if arm.role == "experimental"]
        control = [arm for arm in self.arms if arm.role == "control"]
        return [(one, other) for one in experimental for other in control]


ASSIGNED = MeasureSpec(
    id=RANDOMISED,
    title="Number of participants assigned to the group",
    param_type="COUNT_OF_PARTICIPANTS",
    unit="participants",
)
"""Asked of every report: who is missing from an analysis is seen only beside who was assigned."""

Landed = Callable[[Answer[Any]], list[Cell]]


@dataclass(frozen=True)
class _Question:
    """A question under way, the cells it is to fill, and how its answer fills them."""

    reading: _Reading
    input: Any
    blanks: list[Cell]
    fill: Landed
    note: str
    """What of the report was not read for it."""


def read(papers: Sequence[Paper], deps: Deps) -> dict[str, list[Cell]]:
    """Record id to its cells: one for every number that is wanted, found or not."""
    readings = [_Reading(paper) for paper in papers]
    _ask(arms.TASK, [_about_arms(each, deps) for each in readings], deps)
    for each in readings:
        each.arms = _arms_of(each, deps)
    _ask(participants.TASK, [q for each in readings for q in _about_participants(each, deps)], deps)
    _ask(results.TASK, [q for each in readings for q in _about_results(each, deps)], deps)
    _ask(characteristics.TASK, [q for each in readings for q in _about_arm_fields(each, deps)], deps)
    _ask(characteristics.TASK, [q for each in readings for q in _about_estimates(each, deps)], deps)
    _ask(direction.TASK, [q for each in readings for q in _about_directions(each, deps)], deps)
    _ask(bias.TASK, [q for each in readings for q in _about_bias(each, deps)], deps)
    return {each.paper.record.record_id: each.cells for each in readings}


def unread(record: Record, deps: Deps) -> list[Cell]:
    """The cells of a report that no machine can read: everything that is wanted, under the names of the question."""
    each = _Reading(Paper(record, FullText(report_id=record.record_id, source="", canonical="", passages=())))
    each.arms = _arms_of_the_question(each, deps)
    why = {"reason": "not machine-readable: people read it"}
    return each.cells + [
        blank.model_copy(update=why)
        for spec, at in _rows(deps)
        if spec.kind != "time_to_event"
        for arm in each.arms
        for blank in made.blanks_of(
            each.blank("", "rules", outcome=spec.id, time_point=at, arm=arm.label), spec
        )
    ]


def _ask(task: Any, questions: Sequence[_Question], deps: Deps) -> None:
    """Ask all of one task. Cells come in the order of the questions, whatever lands first."""
    told = partial(deps.progress, f"evidence: {task.id}")
    answers = ask_each(task, [q.input for q in questions], deps, lambda done: told(done, len(questions)))
    for question, answer in zip(questions, answers, strict=True):
        if isinstance(answer, EngineError):
            question.reading.cells += made.failed(question.blanks, answer)
        else:
            question.reading.cells += question.fill(answer)


# Arms and participants ---------------------------------------------------------------------------


def _about_arms(each: _Reading, deps: Deps) -> _Question:
    blank = each.blank("arm", deps.engines["arms"].name)
    return _Question(
        each,
        arms.ArmsInput(**each.asked("arms", [], deps)),
        [blank],
        lambda answer: made.arm_cells(blank, answer, each.paper.text),
        each.note,
    )


def _arms_of(each: _Reading, deps: Deps) -> tuple[ReadArm, ...]:
    """The arms that were read; where none was, those that the review's question compares.

    A report whose arms nobody recognised may still tell its numbers under the names of the question.
    """
    told = {(cell.field_id, cell.arm): cell.value or "" for cell in each.cells}
    labels = [cell.arm for cell in each.cells if cell.field_id == "arm" and cell.arm]
    if labels:
        return tuple(
            ReadArm(label, _role(told["arm_role", label]), told.get(("arm_description", label), ""))
            for label in labels
        )
    return _arms_of_the_question(each, deps)


def _arms_of_the_question(each: _Reading, deps: Deps) -> tuple[ReadArm, ...]:
    """Intervention and comparator as the protocol names them, said to be just that."""
    elements, text = deps.config.question.elements, each.paper.text.canonical
    sides: list[tuple[made.Role, str]] = [("experimental", "intervention"), ("control", "comparator")]
    arms = tuple(
        ReadArm(_used_phrase(elements[name], text), role) for role, name in sides if elements.get(name)
    )
    why = "the report's arms were not recognised; named after the review's question"
    for arm in arms:
        blank = each.blank("arm_role", "rules", arm=arm.label)
        each.cells.append(
            blank.model_copy(
                update={"value": arm.role, "status": "ungrounded", "reader": "rule", "reason": why}
            )
        )
    return arms


def _used_phrase(phrases: Sequence[str], text: str) -> str:
    """The first of the protocol's phrases that the report uses; the first of all where it uses none."""
    folded = text.casefold()
    used = (p for p in phrases if re.search(rf"(?<!\w){re.escape(p.casefold())}(?!\w)", folded))
    return next(used, phrases[0])


def _role(said: str) -> made.Role:
    return next((role for role in made.ROLES if role == said), "other")


def _about_participants(each: _Reading, deps: Deps) -> list[_Question]:
    if not each.arms:
        return []
    return [_about_measure(each, spec, deps) for spec in (ASSIGNED, *deps.config.extraction.participants)]


def _about_measure(each: _Reading, spec: MeasureSpec, deps: Deps) -> _Question:
    engine = deps.engines["participants"].name
    blanks = [each.blank(spec.id, engine, arm=arm.label) for arm in each.arms]
    groups = tuple(
        participants.Group(id=f"g{n}", title=arm.label, description=arm.description)
        for n, arm in enumerate(each.arms, start=1)
    )
    words = [spec.title, spec.category, spec.unit, *(arm.label for arm in each.arms)]
    asked = each.asked("participants", words, deps)
    measure = participants.Measure(
        title=spec.title, category=spec.category, param_type=spec.param_type, unit=spec.unit
    )
    return _Question(
        each,
        participants.ParticipantsInput(measure=measure, groups=groups, **asked),
        blanks,
        lambda answer: made.participant_cells(blanks, spec, answer, each.paper.text),
        each.note,
    )


def _about_arm_fields(each: _Reading, deps: Deps) -> list[_Question]:
    """The fields of the form that are filled in per arm, all of one arm in one question."""
    fields = deps.config.extraction.arm_fields
    return [_about_fields(each, fields, arm, deps) for arm in each.arms if fields]


def _about_fields(each: _Reading, fields: Sequence[FieldSpec], arm: ReadArm, deps: Deps) -> _Question:
    engine = deps.engines["characteristics"].name
    blanks = [each.blank(spec.id, engine, arm=arm.label) for spec in fields]
    asked = tuple(
        spec.model_copy(update={"question": f"In the group {arm.label!r}: {spec.question}"})
        for spec in fields
    )
    text = each.asked("characteristics", [arm.label, *(spec.question for spec in fields)], deps)
    return _Question(
        each,
        characteristics.CharacteristicsInput(fields=asked, **text),
        blanks,
        lambda answer: made.field_cells(blanks, answer, each.paper.text),
        each.note,
    )


# Numbers -----------------------------------------------------------------------------------------


def _rows(deps: Deps) -> list[tuple[OutcomeSpec, str]]:
    """Every outcome at every time point that is asked for."""
    return [(spec, at) for spec in deps.config.extraction.outcomes for at in (spec.time_points or ("",))]


def _about_results(each: _Reading, deps: Deps) -> list[_Question]:
    return [
        _about_row(each, spec, at, arm, deps)
        for spec, at in _rows(deps)
        if spec.kind != "time_to_event"
        for arm in each.arms
    ]


def _about_row(each: _Reading, spec: OutcomeSpec, at: str, arm: ReadArm, deps: Deps) -> _Question:
    engine = deps.engines["results"]
    base = each.blank("", engine.name, outcome=spec.id, time_point=at, arm=arm.label)
    blanks = made.blanks_of(base, spec)
    asked = results.ResultsInput(
        outcome=results.OutcomeMeasure(title=spec.title, description=_defined(spec), time_frame=at),
        group=_group(arm),
        others=tuple(_group(other) for other in each.arms if other is not arm),
        **each.asked("results", [spec.title, spec.description, spec.unit or "", at, arm.label], deps),
    )

    def fill(answer: Answer[results.ResultsAnswer]) -> list[Cell]:
        cells = made.result_cells(blanks, spec, answer, each.paper.text)
        if not _by_model("results", deps):
            return cells
        whole = asked.model_copy(update={"passages": each.paper.text.passages})
        return made.beside(cells, made.by_rules(blanks, spec, whole, each.paper.text))

    return _Question(each, asked, blanks, fill, each.note)


def _group(arm: ReadArm) -> results.TrialGroup:
    return results.TrialGroup(title=arm.label, description=arm.description)


_NUMBERS: Mapping[OutcomeKind, str] = {
    "dichotomous": "Number of participants with the event.",
    "continuous": "Mean and standard deviation.",
}
"""What kind of number is wanted, as a form says it: `pain` may be counted or measured."""


def _defined(spec: OutcomeSpec) -> str:
    change = "The change from baseline, not the final value." if spec.change else ""
    unit = f"Unit: {spec.unit}." if spec.unit else ""
    return " ".join(filter(None, (_NUMBERS.get(spec.kind, ""), spec.description, unit, change)))


def _by_model(task: str, deps: Deps) -> bool:
    """Whether a language model answers."""
    return any(use.task == task and use.language_model for use in deps.engine_uses)


def _about_estimates(each: _Reading, deps: Deps) -> list[_Question]:
    """Hazard ratios stand between two arms: they are fields of a form of their own."""
    return [
        _about_estimate(each, spec, at, one, other, deps)
        for spec, at in _rows(deps)
        if spec.kind == "time_to_event"
        for one, other in each.pairs()
    ]


def _about_estimate(
    each: _Reading, spec: OutcomeSpec, at: str, one: ReadArm, other: ReadArm, deps: Deps
) -> _Question:
    label = comparison_label(one.label, other.label)
    base = each.blank("", deps.engines["characteristics"].name, outcome=spec.id, time_point=at, arm=label)
    blanks = made.blanks_of(base, spec)
    when = f" at {at}" if at else ""
    what = f"hazard ratio of {spec.title}{when}, {one.label} against {other.label}"
    said = {
        "estimate": f"The {what}.",
        "estimate_lower": f"Lower limit of the 95 % confidence interval of the {what}.",
        "estimate_upper": f"Upper limit of the 95 % confidence interval of the {what}.",
    }
    fields = tuple(FieldSpec(id=name, kind="number", question=said[name]) for name in WANTED[spec.kind])
    return _Question(
        each,
        characteristics.CharacteristicsInput(
            fields=fields,
            **each.asked("results", [spec.title, "hazard ratio", at, one.label, other.label], deps),
        ),
        blanks,
        lambda answer: made.field_cells(blanks, answer, each.paper.text),
        each.note,
    )


# Directions and bias -----------------------------------------------------------------------------


def _about_directions(each: _Reading, deps: Deps) -> list[_Question]:
    return [
        _about_direction(each, spec, one, other, deps)
        for spec in deps.config.extraction.outcomes
        for one, other in each.pairs()
    ]


def _about_direction(
    each: _Reading, spec: OutcomeSpec, one: ReadArm, other: ReadArm, deps: Deps
) -> _Question:
    label = comparison_label(one.label, other.label)
    blank = each.blank("direction", deps.engines["direction"].name, outcome=spec.id, arm=label)
    asked = direction.DirectionInput(
        intervention=one.label,
        comparator=other.label,
        outcome=spec.title,
        **each.asked("direction", [spec.title, one.label, other.label], deps),
    )
    return _Question(
        each,
        asked,
        [blank],
        lambda answer: made.direction_cells(blank, answer, each.paper.text),
        each.note,
    )


def _about_bias(each: _Reading, deps: Deps) -> list[_Question]:
    if deps.bias_tool is None:
        return []
    titles = {spec.id: spec.title for spec in deps.config.extraction.outcomes}
    return [_about_result(each, outcome, titles[outcome], deps) for outcome in deps.config.appraised]


def _about_result(each: _Reading, outcome: str, title: str, deps: Deps) -> _Question:
    assert deps.bias_tool is not None
    name = deps.engines["bias"].name
    asked = tuple(bias.SignallingQuestion.model_validate(q) for q in question_fields(deps.bias_tool))
    blanks = [each.blank(f"{made.BIAS}{q.id}", name, outcome=outcome) for q in asked]
    pairs = "; ".join(comparison_label(one.label, other.label) for one, other in each.pairs())
    result = f"{title}{': ' + pairs if pairs else ''}"
    return _Question(
        each,
        bias.BiasInput(result=result, questions=asked, **each.asked("bias", [title], deps)),
        blanks,
        lambda answer: made.bias_cells(blanks, answer, each.paper.text, by_rules=not _by_model("bias", deps)),
        each.note,
    )
