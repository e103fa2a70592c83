"""Questions from plain values: what the functions of `model.api` ask. Each raises `ConfigError` for a mistake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from model import tasks
from model.api_inputs import Paper, Text, listed, made, paper_of, phrases_of, record_of
from model.engine import A, I, Request, Task
from tools import frameworks
from tools.errors import ConfigError
from tools.schemas import Criterion, FieldSpec

__all__ = [
    "arms",
    "bias",
    "characteristics",
    "direction",
    "participants",
    "pico",
    "query",
    "question",
    "rationale",
    "results",
    "screen",
    "summary",
]


def pico(
    question: str, *, title: str = "", framework: str = "PICO"
) -> Request[tasks.pico.PicoInput, tasks.pico.PicoAnswer]:
    """The elements of a question."""
    told = {"title": title, "question": question, "framework": framework, "elements": _elements_of(framework)}
    return _request(tasks.pico.TASK, told)


def _elements_of(framework: str) -> tuple[str, ...]:
    known = {kind.framework: kind.element_ids for kind in frameworks.KINDS.values()}
    for name, elements in known.items():
        if name == framework:
            return elements
    raise ConfigError(f"framework: {framework!r} is none of {sorted(known)}")


def query(
    elements: Mapping[str, str | Sequence[str]],
    *,
    target: str = "publications",
    title: str = "",
    framework: str = "PICO",
) -> Request[tasks.query.QueryInput, tasks.query.QueryAnswer]:
    """A strategy."""
    told = {"title": title, "framework": framework, "target": target}
    return _request(tasks.query.TASK, told | {"elements": phrases_of(elements, "elements")})


def screen(text: Text, criteria: object) -> Request[tasks.screen.ScreenInput, tasks.screen.ScreenAnswer]:
    """Criteria, judged on a text."""
    wanted = listed(Criterion, criteria, "criteria", short="text", named="c", more={"kind": "include"})
    return _request(tasks.screen.TASK, {**record_of(text), "criteria": wanted})


def rationale(
    text: Text, criterion: object, label: str
) -> Request[tasks.rationale.RationaleInput, tasks.rationale.RationaleAnswer]:
    """Why a verdict."""
    (wanted,) = listed(Criterion, [criterion], "criterion", short="text", named="c", more={"kind": "include"})
    told = {name: value for name, value in record_of(text).items() if name in ("record_id", "text")}
    return _request(tasks.rationale.TASK, {**told, "criterion": wanted, "label": label})


def characteristics(
    paper: Paper, fields: object
) -> Request[tasks.characteristics.CharacteristicsInput, tasks.characteristics.CharacteristicsAnswer]:
    """The fields of a form."""
    form = listed(FieldSpec, fields, "fields", short="question")
    return _request(tasks.characteristics.TASK, {**paper_of(paper), "fields": form})


def arms(paper: Paper) -> Request[tasks.arms.ArmsInput, tasks.arms.ArmsAnswer]:
    """The arms of a trial."""
    return _request(tasks.arms.TASK, paper_of(paper))


def participants(
    paper: Paper, measure: object, groups: object
) -> Request[tasks.participants.ParticipantsInput, tasks.participants.ParticipantsAnswer]:
    """One characteristic, by group."""
    told = {
        "measure": made(tasks.participants.Measure, measure, "measure", "title"),
        "groups": listed(tasks.participants.Group, groups, "groups", short="title", named="g"),
    }
    return _request(tasks.participants.TASK, paper_of(paper) | told)


def results(
    paper: Paper, outcome: object, group: object
) -> Request[tasks.results.ResultsInput, tasks.results.ResultsAnswer]:
    """One outcome in one group."""
    told = {
        "outcome": made(tasks.results.OutcomeMeasure, outcome, "outcome", "title"),
        "group": made(tasks.results.TrialGroup, group, "group", "title"),
    }
    return _request(tasks.results.TASK, paper_of(paper) | told)


def direction(
    paper: Paper, intervention: str, comparator: str, outcome: str
) -> Request[tasks.direction.DirectionInput, tasks.direction.DirectionAnswer]:
    """A direction of effect."""
    told = {"intervention": intervention, "comparator": comparator, "outcome": outcome}
    return _request(tasks.direction.TASK, paper_of(paper) | told)


def bias(
    paper: Paper, result: str, questions: object
) -> Request[tasks.bias.BiasInput, tasks.bias.BiasAnswer]:
    """Signalling questions."""
    asked = listed(
        tasks.bias.SignallingQuestion, questions, "questions", short="text", named="q", more={"domain": ""}
    )
    return _request(tasks.bias.TASK, {**paper_of(paper), "result": result, "questions": asked})


def question(
    question: str, records: Sequence[Text]
) -> Request[tasks.question.QuestionInput, tasks.question.QuestionAnswer]:
    """A plain question to records."""
    sources = []
    for number, record in enumerate(records, 1):
        told = record_of(record, f"records.{number - 1}")
        named = told["record_id"] if told["record_id"] != "text" else f"r{number}"
        sources.append(
            tasks.question.SourceText(record_id=named, title=told.get("title", ""), text=told["text"])
        )
    return _request(tasks.question.TASK, {"question": question, "sources": sources})


def summary(
    outcome: str, cells: object, results: object = ()
) -> Request[tasks.summary.SummaryInput, tasks.summary.SummaryAnswer]:
    """The cells of one outcome, put into sentences."""
    told = {"outcome": outcome, "cells": _cells(cells, "cells"), "results": _cells(results, "results")}
    return _request(tasks.summary.TASK, told)


def _cells(told: object, what: str) -> tuple[tasks.summary.SummaryCell, ...]:
    """Cells from a dict of label to value, which are numbered through, or from a list of them."""
    if isinstance(told, Mapping):
        told = [
            {"id": f"{what[0]}{number}", "label": str(label), "value": str(value)}
            for number, (label, value) in enumerate(told.items(), 1)
        ]
    if isinstance(told, str) or not isinstance(told, Iterable):
        raise ConfigError(f"{what}: write a dict of label to value, or a list of cells")
    return tuple(
        made(tasks.summary.SummaryCell, cell, f"{what}.{number}") for number, cell in enumerate(told)
    )


def _request(task: Task[I, A], told: Mapping[str, Any]) -> Request[I, A]:
    return Request(task, made(task.input, told, task.id))
