"""Answers taken apart into cells: one value that is right or wrong, with all that is needed to say why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from finetune.evaluation.items import Item, Told
from finetune.evaluation.matching import Likeness, folded, number_of, one_to_one, same_number, within
from model.engine import Answer
from tools.errors import EngineError
from tools.fulltext.quotes import locate

__all__ = ["ABSTAINS", "LABELS", "Cell", "Kind", "cells_of", "grounded", "learn", "right", "texts_of"]

Kind = Literal["text", "number", "label"]

LABELS: Mapping[str, tuple[str, ...]] = {
    "screen": ("YES", "PARTIAL", "NO", "UNCERTAIN"),
    "direction": ("increased", "decreased", "no_difference", "uncertain"),
    "bias": ("Y", "PY", "PN", "N", "NI", "NA"),
    "rationale": ("supported", "unsupported"),
}
"""Tasks that give labels, and the labels; for `macro-F1`."""

ABSTAINS: Mapping[str, str] = {"screen": "UNCERTAIN", "direction": "uncertain", "bias": "NI"}
"""The label that says that the text does not tell."""


@dataclass(frozen=True)
class Cell:
    """One value of an answer beside the right one.

    `truth` and `said` are None where it is said that there is none.
    """

    task: str
    example_id: str
    cluster: str
    slot: str
    """Which value, such as a field's or group's id."""
    name: str
    """What kind of value, as the tables call it: `text`, `number`, `spread`, `arm type`, ..."""
    kind: Kind
    truth: str | None
    said: str | None
    text: str
    """All that the engine was given to read."""
    truth_quote: str = ""
    said_quote: str = ""
    failed: str = ""
    """Kind of the error, where there was no usable answer."""
    main: bool = True
    """Whether it stands for its question: a spread beside a value does not."""
    unit: str = ""
    said_unit: str = ""
    total: float | None = None
    """Participants of the group, where known."""
    others: tuple[float, ...] = ()
    """Other true numbers of the same answer: what could have been computed or mistaken."""


def right(cell: Cell, likeness: Likeness) -> tuple[bool, bool]:
    """Whether a cell is right by its rule, and by the second rule of its kind (see `matching.RULES`)."""
    if cell.failed or cell.truth is None or cell.said is None:
        same = not cell.failed and cell.truth is None and cell.said is None
        return same, same
    if cell.kind == "label":
        return (cell.truth == cell.said,) * 2
    if cell.kind == "text":
        word = folded(cell.truth) == folded(cell.said)
        return word or likeness.same(cell.truth, cell.said), word
    one, other = number_of(cell.said), number_of(cell.truth)
    if one is None or other is None:
        return (folded(cell.truth) == folded(cell.said),) * 2
    return same_number(one, other), within(one, other)


def grounded(cell: Cell) -> bool | None:
    """Whether the quote of a value that was given stands in the text; None where no quote is due.

    False without a usable answer, so that nothing is won by failing.
    """
    if cell.failed:
        return False if cell.main else None
    if cell.said is None or not cell.main or cell.said == ABSTAINS.get(cell.task):
        return None
    return bool(cell.said_quote) and (
        cell.said_quote in cell.text or locate(cell.said_quote, cell.text) is not None
    )


def texts_of(task: str, value: Any) -> Iterator[str]:
    """The texts of an answer that may have to be compared, to be embedded together."""
    if task == "characteristics":
        yield from (cell.value for cell in value.cells if cell.value)
    elif task == "arms":
        for arm in value.arms:
            yield from (arm.label, *arm.interventions)
    elif task == "results":
        yield from (value.unit, value.param_type, value.dispersion_type, value.time_frame)
        yield from (one.title for one in value.values)


def cells_of(item: Item, told: Told, likeness: Likeness) -> list[Cell]:
    """The cells of one question; none for a task that has no table of values."""
    make = _MAKERS.get(item.row.task)
    if make is None:
        return []
    value = None if isinstance(told, EngineError) else told.value
    failed = told.kind if isinstance(told, EngineError) else ""
    text = _read(item.asked)
    return [
        Cell(
            task=item.row.task, example_id=item.row.example_id, cluster=item.cluster, text=text, failed=failed, **one
        )
        for one in make(item, value, likeness)
    ]  # fmt: skip


def _read(asked: Any) -> str:
    if hasattr(asked, "passages"):
        return "\n".join((asked.title, *(passage.text for passage in asked.passages)))
    return str(getattr(asked, "text", ""))


# Tasks -------------------------------------------------------------------------------------------

_Raw = Iterator[dict[str, Any]]


def _characteristics(item: Item, value: Any, _likeness: Likeness) -> _Raw:
    said = {cell.field_id: cell for cell in value.cells} if value else {}
    fields = {field.id: field for field in item.asked.fields}
    for true in item.value.cells:
        told, field = said.get(true.field_id), fields[true.field_id]
        kinds: dict[str, tuple[str, Kind]] = {
            "number": ("number", "number"),
            "category": ("category", "label"),
        }
        name, kind = kinds.get(field.kind, ("text", "text"))
        yield {
            "slot": true.field_id,
            "name": name,
            "kind": kind,
            "truth": _found(true),
            "said": _found(told),
            "truth_quote": true.quote,
            "said_quote": told.quote if told else "",
            "unit": true.unit or field.unit or "",
            "said_unit": (told.unit or field.unit or "") if told else "",
        }


def _found(cell: Any) -> str | None:
    return cell.value if cell is not None and cell.status == "found" else None


def _arms(item: Item, value: Any, likeness: Likeness) -> _Raw:
    true, said = item.value.arms, value.arms if value else ()
    if not true:
        told = "; ".join(arm.label for arm in said) or None
        yield {"slot": "arms", "name": "arm", "kind": "text", "truth": None, "said": told,
               "said_quote": said[0].quote if said else ""}  # fmt: skip
        return
    pairs = one_to_one([arm.label for arm in true], [arm.label for arm in said], likeness)
    for i, arm in enumerate(true):
        other = said[pairs[i]] if i in pairs else None
        mate = other if other is not None and likeness.same(arm.label, other.label) else None
        quotes = {"truth_quote": arm.quote, "said_quote": other.quote if other else ""}
        yield {"slot": arm.label, "name": "arm", "kind": "text", "truth": arm.label,
               "said": other.label if other else None, **quotes}  # fmt: skip
        yield {"slot": f"{arm.label}, type", "name": "arm type", "kind": "label", "truth": arm.type,
               "said": mate.type if mate else None, "main": False, **quotes}  # fmt: skip
        given = one_to_one(arm.interventions, mate.interventions if mate else (), likeness)
        for k, one in enumerate(arm.interventions):
            yield {"slot": f"{arm.label}, {one}", "name": "intervention", "kind": "text", "truth": one,
                   "said": mate.interventions[given[k]] if mate and k in given else None, "main": False,
                   **quotes}  # fmt: skip
    for j, arm in enumerate(said):
        if j not in pairs.values():
            yield {"slot": f"{arm.label}, more", "name": "more arms", "kind": "text", "truth": None,
                   "said": arm.label, "said_quote": arm.quote, "main": False}  # fmt: skip


def _participants(item: Item, value: Any, _likeness: Likeness) -> _Raw:
    said = {one.group_id: one for one in value.values} if value else {}
    numbers = _numbers((one.value, one.spread) for one in item.value.values)
    for true in item.value.values:
        told = said.get(true.group_id)
        common = {"kind": "number", "truth_quote": true.quote, "said_quote": told.quote if told else "",
                  "others": numbers, "unit": item.asked.measure.unit}  # fmt: skip
        yield common | {"slot": true.group_id, "name": "number", "truth": _found(true), "said": _found(told)}
        if true.spread is not None:
            yield common | {"slot": f"{true.group_id}, spread", "name": "spread", "truth": true.spread,
                            "said": told.spread if told else None, "main": False}  # fmt: skip


_DESCRIBED = ("param_type", "dispersion_type", "unit", "time_frame")


def _results(item: Item, value: Any, likeness: Likeness) -> _Raw:
    true, said = item.value.values, value.values if value else ()
    if not true:
        told = "; ".join(one.value for one in said) or None
        yield {"slot": "value", "name": "number", "kind": "number", "truth": None, "said": told,
               "said_quote": said[0].quote if said else ""}  # fmt: skip
        return
    pairs = {0: 0} if len(true) == len(said) == 1 else one_to_one(_titles(true), _titles(said), likeness)
    size = item.value.denominator
    numbers = _numbers((one.value, one.spread, one.lower, one.upper) for one in true)
    common = {
        "unit": item.value.unit,
        "said_unit": value.unit if value else "",
        "total": size,
        "others": numbers,
    }
    for i, one in enumerate(true):
        other = said[pairs[i]] if i in pairs else None
        quotes = {"truth_quote": one.quote, "said_quote": other.quote if other else ""}
        for name, kept in (("number", "value"), ("spread", "spread"), ("limit", "lower"), ("limit", "upper")):
            wanted = getattr(one, kept)
            if wanted is not None:
                yield {"slot": f"{one.title or i + 1}, {kept}", "name": name, "kind": "number", "truth": wanted,
                       "said": getattr(other, kept) if other else None, "main": kept == "value",
                       **common, **quotes}  # fmt: skip
    if size is not None:
        yield {"slot": "denominator", "name": "denominator", "kind": "number", "truth": str(size),
               "said": str(value.denominator) if value and value.denominator is not None else None, "main": False,
               "others": numbers}  # fmt: skip
    for kept in _DESCRIBED:
        if wanted := getattr(item.value, kept):
            yield {"slot": kept, "name": "text", "kind": "text", "truth": wanted,
                   "said": (getattr(value, kept) or None) if value else None, "main": False}  # fmt: skip


def _titles(values: Sequence[Any]) -> list[str]:
    return [one.title for one in values]


def _numbers(rows: Iterator[tuple[str | None, ...]]) -> tuple[float, ...]:
    return tuple(dict.fromkeys(float(one) for row in rows for one in row if one is not None))


def _direction(item: Item, value: Any, _likeness: Likeness) -> _Raw:
    yield {"slot": "direction", "name": "direction", "kind": "label", "truth": item.value.direction,
           "said": value.direction if value else None, "truth_quote": item.value.quote,
           "said_quote": value.quote if value else ""}  # fmt: skip


def _bias(item: Item, value: Any, _likeness: Likeness) -> _Raw:
    said = {one.question_id: one for one in value.answers} if value else {}
    for true in item.value.answers:
        told = said.get(true.question_id)
        yield {"slot": true.question_id, "name": "answer", "kind": "label", "truth": true.answer,
               "said": told.answer if told else None, "truth_quote": true.quote,
               "said_quote": told.quote if told else ""}  # fmt: skip


def _screen(item: Item, value: Any, _likeness: Likeness) -> _Raw:
    said = {one.criterion_id: one for one in value.verdicts} if value else {}
    for true in item.value.verdicts:
        told = said.get(true.criterion_id)
        yield {"slot": true.criterion_id, "name": "criterion", "kind": "label", "truth": true.label,
               "said": told.label if told else None, "truth_quote": true.quote,
               "said_quote": told.quote if told else ""}  # fmt: skip


def _rationale(item: Item, value: Any, _likeness: Likeness) -> _Raw:
    words = {True: "supported", False: "unsupported"}
    yield {"slot": "supported", "name": "supported", "kind": "label", "truth": words[item.value.supported],
           "said": words[value.supported] if value else None, "main": False, "truth_quote": item.value.quote,
           "said_quote": value.quote if value else ""}  # fmt: skip


_MAKERS: Mapping[str, Callable[[Item, Any, Likeness], _Raw]] = {
    "characteristics": _characteristics,
    "arms": _arms,
    "participants": _participants,
    "results": _results,
    "direction": _direction,
    "bias": _bias,
    "screen": _screen,
    "rationale": _rationale,
}


def learn(items: Sequence[Item], told: Sequence[Told], likeness: Likeness) -> None:
    """Embed together what will be compared."""
    texts = [text for item in items for text in texts_of(item.row.task, item.value)]
    for item, answer in zip(items, told, strict=True):
        if isinstance(answer, Answer):
            texts += texts_of(item.row.task, answer.value)
    likeness.learn(texts)
