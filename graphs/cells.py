"""What an engine's answer becomes: cells, each with its quote looked up in the report. Pure.

A number whose quote is not in the text is kept and flagged; an answer that cannot be one number is `conflicting`;
an engine that failed leaves `failed` cells with the reason. Nothing is computed here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from model.baseline.results import results_of
from model.engine import Answer
from model.tasks.arms import ArmsAnswer
from model.tasks.bias import BiasAnswer
from model.tasks.characteristics import CharacteristicsAnswer
from model.tasks.direction import DirectionAnswer
from model.tasks.participants import ParticipantsAnswer
from model.tasks.results import ResultsAnswer, ResultsInput, ResultValue
from tools.errors import EngineError
from tools.evidence_settings import WANTED, MeasureSpec, OutcomeSpec
from tools.fulltext.quotes import holds_number, locate, locate_once
from tools.schemas import Cell, CellStatus, FullText, Quote
from tools.synthesis.agreement import Reading, compare
from tools.synthesis.rows import plain
from tools.synthesis.values import STATISTICS

__all__ = [
    "BIAS",
    "ROLES",
    "Role",
    "arm_cells",
    "beside",
    "bias_cells",
    "blanks_of",
    "by_rules",
    "direction_cells",
    "evidence_of",
    "failed",
    "field_cells",
    "participant_cells",
    "result_cells",
    "role_of_type",
    "section_at",
]

Role = Literal["experimental", "control", "other"]
ROLES: tuple[Role, ...] = ("experimental", "control", "other")

BIAS = "bias/"
"""Begins the field of every cell about risk of bias: `bias/1.1` a signalling question, `bias/D1` a judgement."""

_ROLE: Mapping[str, Role] = {
    "EXPERIMENTAL": "experimental",
    "ACTIVE_COMPARATOR": "control",
    "PLACEBO_COMPARATOR": "control",
    "SHAM_COMPARATOR": "control",
    "NO_INTERVENTION": "control",
}


def role_of_type(kind: str) -> Role:
    """What an arm's type says about its side of the comparison; a person may see it otherwise."""
    return _ROLE.get(kind, "other")


def evidence_of(value: str, quote: str, text: FullText) -> dict[str, object]:
    """Status, quote and section of a value: only a span of the text grounds it."""
    found = locate(quote, text.canonical) if quote else locate_once(value, text.canonical)
    status: CellStatus = "ungrounded" if found is None else "located" if found.located else "grounded"
    section = "" if found is None else section_at(found.start, text)
    return {"value": value, "status": status, "quote": found, "section": section}


def number_evidence(value: str, quote: str, text: FullText) -> dict[str, object]:
    """As `evidence_of`, for a number: a quote without the number in it is no evidence of it."""
    told = evidence_of(value, quote, text)
    found = told["quote"]
    if isinstance(found, Quote) and not holds_number(found.text, value):
        return told | {"status": "ungrounded", "reason": "the number does not stand in its quote"}
    return told


def section_at(offset: int, text: FullText) -> str:
    """The section that an offset of the canonical text lies in."""
    return next((p.section for p in reversed(text.passages) if p.start <= offset), "")


def failed(cells: Iterable[Cell], error: EngineError) -> list[Cell]:
    """The same cells without an answer, and why."""
    told = {"status": "failed", "reason": f"{error.kind}: {error}", "call_key": error.call_key}
    return [cell.model_copy(update=told) for cell in cells]


# Arms and participants ---------------------------------------------------------------------------


def arm_cells(base: Cell, answer: Answer[ArmsAnswer], text: FullText) -> list[Cell]:
    """`arm`, `arm_role` and, where told, `arm_description` of every arm; one empty cell where there is none."""
    told = {"call_key": answer.key, "reader": base.reader}
    if answer.value.status != "found":
        return [base.model_copy(update={"status": answer.value.status, **told})]
    cells = []
    for arm in answer.value.arms:
        own = base.model_copy(update={"arm": arm.label.strip(), **told})
        cells.append(own.model_copy(update=evidence_of(arm.label.strip(), arm.quote, text)))
        role = {"field_id": "arm_role", **evidence_of(role_of_type(arm.type), arm.quote, text)}
        cells.append(own.model_copy(update=role))
        if arm.description:
            more = {"field_id": "arm_description", **evidence_of(arm.description, arm.quote, text)}
            cells.append(own.model_copy(update=more))
    return cells


def participant_cells(
    blanks: Sequence[Cell], spec: MeasureSpec, answer: Answer[ParticipantsAnswer], text: FullText
) -> list[Cell]:
    """The value of each group that was asked about, and its spread in a cell of its own."""
    values = {v.group_id: v for v in answer.value.values}
    cells = []
    for number, blank in enumerate(blanks):
        value = values[f"g{number + 1}"]
        told = {"call_key": answer.key, "unit": spec.unit or None, "reason": value.note}
        if value.status != "found" or value.value is None:
            cells.append(blank.model_copy(update={"status": value.status, **told}))
            continue
        cells.append(blank.model_copy(update=told | number_evidence(value.value, value.quote, text)))
        if value.spread is not None:
            spread = {
                "field_id": f"{blank.field_id}_spread",
                **number_evidence(value.spread, value.quote, text),
            }
            cells.append(blank.model_copy(update=told | spread))
    return cells


# Numbers of outcomes -----------------------------------------------------------------------------


def result_cells(
    blanks: Sequence[Cell], spec: OutcomeSpec, answer: Answer[ResultsAnswer], text: FullText
) -> list[Cell]:
    """The statistics of one arm: those that are wanted, and those that the report gives instead."""
    said = answer.value
    told = {"call_key": answer.key}
    if said.status != "found":
        return [blank.model_copy(update={"status": said.status, **told}) for blank in blanks]
    if len(said.values) > 1:
        why = f"{len(said.values)} numbers, and nothing that tells which is meant"
        listed = tuple(f"{v.title or 'value'}: {v.value}" for v in said.values)
        more = {"status": "conflicting", "reason": why, "readings": listed}
        return [blank.model_copy(update=told | more) for blank in blanks]
    found = _statistics(said, said.values[0], spec, text)
    cells = [
        blank.model_copy(update=told | found.pop(blank.field_id, {"status": "not_found"})) for blank in blanks
    ]
    extra = blanks[0].model_copy(update=told)
    return [*cells, *(extra.model_copy(update={"field_id": name, **more}) for name, more in found.items())]


def _statistics(
    said: ResultsAnswer, value: ResultValue, spec: OutcomeSpec, text: FullText
) -> dict[str, dict[str, object]]:
    """Statistic to what its cell holds, in a fixed order."""
    found: dict[str, dict[str, object]] = {}
    unit = said.unit or spec.unit

    def put(name: str, number: str | None, of: str | None = unit) -> None:
        if number is not None:
            found[name] = {**number_evidence(number, value.quote, text), "unit": of}

    centre = _centre(said, spec)
    put(centre, value.value)
    if centre == "events":
        put("percent", _percent_beside(value), "percent")
    spread = _spread(said.dispersion_type)
    if spread in ("sd", "se"):
        put(spread, value.spread)
    elif value.spread is not None:
        why = f"a spread of {value.spread} is given, and nothing tells whether it is SD or SE"
        found["sd"] = {"status": "conflicting", "reason": why, "readings": (f"spread: {value.spread}",)}
    limits = {"iqr": ("q1", "q3"), "range": ("minimum", "maximum")}.get(spread, ("ci_lower", "ci_upper"))
    for name, limit in zip(limits, (value.lower, value.upper), strict=True):
        if spread in ("iqr", "range", "ci"):
            put(name, limit)
        elif limit is not None:
            why = f"a limit of {limit} is given, and nothing tells of what"
            found[name] = {"status": "not_found", "reason": why, "readings": (f"limit: {limit}",)}
    if said.denominator is not None:
        # The quote is of the value; the denominator may stand in a column's head.
        total = str(said.denominator)
        beside = value.quote if re.search(rf"(?<![\d.,]){total}(?![.,]?\d)", value.quote) else ""
        found["total"] = evidence_of(total, beside, text) if beside else _total(total, text)
    return found


def _total(total: str, text: FullText) -> dict[str, object]:
    """A denominator without a quote: where the text first says `n = 60`."""
    places = list(re.finditer(rf"\b[nN]\s?=\s?{total}(?![.,]?\d)", text.canonical))
    if not places:
        return {"value": total, "status": "ungrounded", "quote": None, "section": ""}
    quote = Quote(text=places[0].group(), start=places[0].start(), end=places[0].end(), located=True)
    return {"value": total, "status": "located", "quote": quote, "section": section_at(quote.start, text)}


def _centre(said: ResultsAnswer, spec: OutcomeSpec) -> str:
    """What the number is: what the answer calls it, and what the outcome wants only where it calls it nothing.

    A count that is given for a mean, or a mean for a count, keeps its own name and makes no complete row.
    """
    kind = said.param_type.upper()
    if "MEDIAN" in kind:
        return "median"
    if "MEAN" in kind:
        return "geometric_mean" if "GEOMETRIC" in kind else "mean"
    if spec.kind == "continuous" and "COUNT" not in kind:
        return "mean"
    percent = "PERCENT" in kind or "%" in said.unit or "percent" in said.unit.lower()
    return "percent" if percent else "events"


def _percent_beside(value: ResultValue) -> str | None:
    """The percentage that is printed right behind a count, `5 (22.7%)`: it shows a misprint in either of them."""
    count = re.escape(value.value)
    places = set(re.findall(rf"(?<![\d.]){count}\s?[(\[]\s?(\d{{1,3}}(?:\.\d+)?)\s?%?\s?[)\]]", value.quote))
    return places.pop() if len(places) == 1 else None


def _spread(dispersion: str) -> str:
    """What kind of spread a report names; empty where it names none."""
    told = dispersion.lower().replace("_", " ").replace("-", " ")
    for words, kind in (
        (("standard deviation", "sd"), "sd"),
        (("standard error", "sem", "se"), "se"),
        (("inter quartile", "interquartile", "iqr"), "iqr"),
        (("range",), "range"),
        (("confidence", "ci"), "ci"),
    ):
        if any(re.search(rf"\b{word}\b", told) for word in words):
            return kind
    return ""


def field_cells(blanks: Sequence[Cell], answer: Answer[CharacteristicsAnswer], text: FullText) -> list[Cell]:
    """The fields of a form, in the places of the blanks of the same names."""
    said = {a.field_id: a for a in answer.value.cells}
    cells = []
    for blank in blanks:
        one, told = said[blank.field_id], {"call_key": answer.key_of(blank.field_id)}
        if one.status != "found" or one.value is None:
            cells.append(blank.model_copy(update={"status": one.status, **told}))
        else:
            found = evidence_of(one.value, one.quote, text)
            if blank.field_id in STATISTICS:
                found |= _one_number(one.value, blank.reader)
            cells.append(blank.model_copy(update=told | {"unit": one.unit} | found))
    return cells


def _one_number(said: str, reader: str) -> dict[str, object]:
    """A statistic that was asked for as a field of a form: in words it is none, and the words stay as a reading."""
    try:
        return {"value": plain(said)}
    except ValueError as e:
        return {
            "value": None,
            "quote": None,
            "section": "",
            "status": "not_found",
            "reason": str(e),
            "readings": (f"{reader}: {said}",),
        }


def by_rules(
    blanks: Sequence[Cell], spec: OutcomeSpec, asked: ResultsInput, text: FullText
) -> dict[str, Cell]:
    """Statistic to the cell that the rules would fill; the second reader beside a language model."""
    answer = Answer(results_of(asked), raw="")
    return {cell.field_id: cell for cell in result_cells(blanks, spec, answer, text)}


def beside(cells: Sequence[Cell], rules: Mapping[str, Cell]) -> list[Cell]:
    """The model's cells with what the rules read; nothing is overwritten."""
    return [_weighed(cell, rules.get(cell.field_id)) for cell in cells]


def _weighed(cell: Cell, other: Cell | None) -> Cell:
    second = None if other is None else other.value
    listed = (f"{cell.reader}: {cell.value or cell.status}", f"rules: {second or 'not found'}")
    if cell.value is None and second is not None:
        why = "the model found none; the rules read one: for a person"
        return cell.model_copy(update={"reason": why, "readings": listed})
    said = compare(
        [
            Reading(reader=cell.reader, kind="engine", value=cell.value, unit=cell.unit or ""),
            Reading(reader="rules", kind="reader", value=second, unit=cell.unit or ""),
        ]
    )
    told: dict[str, object] = {"confidence": said.confidence, "readings": listed if second else ()}
    return cell.model_copy(update=told | ({"reason": said.note} if said.status == "conflicting" else {}))


# Directions and bias -----------------------------------------------------------------------------


def direction_cells(blank: Cell, answer: Answer[DirectionAnswer], text: FullText) -> list[Cell]:
    """Increased, decreased or no difference, with the passage; an uncertain one is not found."""
    said, told = answer.value, {"call_key": answer.key, "reason": answer.value.rationale}
    if said.direction == "uncertain":
        return [blank.model_copy(update={"status": "not_found", **told})]
    return [blank.model_copy(update=told | evidence_of(said.direction, said.quote, text))]


def bias_cells(
    blanks: Sequence[Cell], answer: Answer[BiasAnswer], text: FullText, *, by_rules: bool
) -> list[Cell]:
    """One cell per signalling question; `no information` needs no quote.

    Args:
        by_rules: rules answered. That they recognise nothing says nothing about the report, so their `no
            information` is no answer.
    """
    said = {a.question_id: a for a in answer.value.answers}
    cells = []
    for blank in blanks:
        one = said[blank.field_id.removeprefix(BIAS)]
        told = {"reason": one.rationale, "call_key": answer.key_of(one.question_id)}
        if by_rules and not one.quote:
            cells.append(blank.model_copy(update=told))
        elif one.answer in ("NI", "NA"):
            cells.append(blank.model_copy(update=told | {"value": one.answer, "status": "not_reported"}))
        else:
            cells.append(blank.model_copy(update=told | evidence_of(one.answer, one.quote, text)))
    return cells


def blanks_of(base: Cell, spec: OutcomeSpec) -> list[Cell]:
    """The numbers that make a complete row of an outcome, not yet read."""
    return [base.model_copy(update={"field_id": name}) for name in WANTED[spec.kind]]
