"""The LEADS forms for reading a report: characteristics, participants, arms and results."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, get_args

from model.leads.base import LeadsForm, a_list, one_line, said_as
from model.leads.reply import (
    Digits,
    Number,
    NumberOrNull,
    Said,
    TextOrNumber,
    Unreadable,
    array,
    in_order,
    one_object,
    text,
)
from model.tasks import arms, characteristics, participants, results
from model.tasks.paper import paper_variables
from tools.schemas import FieldSpec

__all__ = ["NOT_FOUND", "NOT_REPORTED", "ArmsForm", "CharacteristicsForm", "ParticipantsForm", "ResultsForm"]

NOT_REPORTED, NOT_FOUND = "Not reported", "Not found"
"""How a value says that there is none: the paper does not tell, or nothing was recognised."""

MAX_NUMBER = 10**9
"""No count, dose or laboratory value is larger; a grammar then ends a number after so many digits."""

_NUMBER = {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}
_COUNT = re.compile(r"[0-9]{1,8}")


def _paper(asked: Any) -> dict[str, str]:
    """The report in reading order, its title first, and the mark that closes it."""
    told = paper_variables(asked)
    return {"paper_content": f"Title: {told['title']}\n{told['text']}", "boundary": told["boundary"]}


def _absent(value: str | None, options: Sequence[str] = ()) -> str | None:
    """The status that a value stands for which says that there is none; None for a real value."""
    said = (value or "").strip().casefold()
    if said in {option.casefold() for option in options}:
        return None
    return {"": "not_found", NOT_FOUND.casefold(): "not_found", NOT_REPORTED.casefold(): "not_reported"}.get(
        said
    )


class FieldSaid(Said):
    """One field, under its name."""

    name: str
    value: TextOrNumber


class CharacteristicsForm(LeadsForm):
    """A list of fields, each once under the name it was asked by, so that none can stand in another's place."""

    offered = frozenset({"paper_content", "num_fields", "fields_info", "boundary"})
    needed = (frozenset({"paper_content", "num_fields", "fields_info"}),)

    def values(self, asked: characteristics.CharacteristicsInput) -> dict[str, str]:
        """See `LeadsForm`."""
        told = characteristics.TASK.variables(asked)
        lines = [f"<field id={n}>{self._described(field)}</field>" for n, field in enumerate(asked.fields)]
        return {
            "paper_content": f"Title: {told['title']}\n{told['text']}",
            "boundary": told["boundary"],
            "num_fields": str(len(asked.fields)),
            "fields_info": "\n".join(lines),
        }

    @staticmethod
    def _described(field: FieldSpec) -> str:
        extras = [f"Unit: {field.unit}."] if field.unit else []
        extras += [f"One of: {'; '.join(field.options)}."] if field.options else []
        return " ".join([f"{field.id}: {one_line(field.question)}", *extras])

    def schema(self, asked: characteristics.CharacteristicsInput) -> dict[str, Any]:
        """See `Form`. Each place of the list holds the field that was asked for there."""
        items = [
            one_object(name={"type": "string", "const": field.id}, value=self._value(field))
            for field in asked.fields
        ]
        return in_order(items)

    @staticmethod
    def _value(field: FieldSpec) -> dict[str, Any]:
        if not field.options:
            return text(2000)
        return {"type": "string", "enum": list(dict.fromkeys((*field.options, NOT_REPORTED, NOT_FOUND)))}

    def told(self, asked: characteristics.CharacteristicsInput, reply: Any) -> dict[str, Any]:
        """See `LeadsForm`."""
        items = a_list(reply, "the reply", exactly=len(asked.fields))
        fields = {field.id: field for field in asked.fields}
        cells = []
        for n, item in enumerate(items):
            one = said_as(FieldSaid, item, str(n))
            field = fields.get(one.name)
            if field is None:
                raise Unreadable(f"{n}.name: {one.name!r} is none of the names {list(fields)}")
            cells.append(self._cell(field, one.value))
        return {"cells": cells}

    @staticmethod
    def _cell(field: FieldSpec, value: str) -> dict[str, Any]:
        if status := _absent(value, field.options):
            return {"field_id": field.id, "status": status}
        if field.options and value not in field.options:
            raise Unreadable(f"{field.id}: {value!r} is none of {list(field.options)}")
        return {"field_id": field.id, "status": "found", "value": value, "located": True}

    def said(
        self, asked: characteristics.CharacteristicsInput, value: characteristics.CharacteristicsAnswer
    ) -> Any:
        """See `LeadsForm`."""
        by_id = {cell.field_id: cell for cell in value.cells}
        return [{"name": field.id, "value": self._words(field, by_id[field.id])} for field in asked.fields]

    @staticmethod
    def _words(field: FieldSpec, cell: characteristics.FieldAnswer) -> str:
        if cell.status == "found":
            if _absent(cell.value, field.options):
                raise ValueError(f"{field.id}: the LEADS format reads {cell.value!r} as no value")
            return str(cell.value)
        return NOT_REPORTED if cell.status == "not_reported" else NOT_FOUND


class GroupSaid(Said):
    """One group's number; null where there is none."""

    groupId: str  # noqa: N815 - LEADS' own name
    value: NumberOrNull
    note: str


class GroupsSaid(Said):
    """`{"results": […]}`."""

    results: list[Any]


class ParticipantsForm(LeadsForm):
    """One number per group, under the group's id. A spread has no place here."""

    offered = frozenset({"paper_content", "paramType", "unitOfMeasure", "groupDef", "measureDef", "boundary"})
    needed = (frozenset({"paper_content", "groupDef", "measureDef"}),)

    def values(self, asked: participants.ParticipantsInput) -> dict[str, str]:
        """See `LeadsForm`."""
        measure = asked.measure
        category = f"the category {measure.category}" if measure.category else ""
        groups = [
            {"groupId": g.id, "def": one_line(": ".join(filter(None, (g.title, g.description))))}
            for g in asked.groups
        ]
        return {
            **_paper(asked),
            "paramType": measure.param_type or "(not specified)",
            "unitOfMeasure": measure.unit or "(not specified)",
            "groupDef": json.dumps(groups, ensure_ascii=False),
            "measureDef": "; ".join(
                one_line(words) for words in (measure.title, category, measure.description) if words.strip()
            ),
        }

    def schema(self, asked: participants.ParticipantsInput) -> dict[str, Any]:
        """See `Form`. Each place of the list holds the group that was asked for there."""
        value = {"anyOf": [_NUMBER, {"type": "null"}]}
        items = [
            one_object(groupId={"type": "string", "const": group.id}, value=value, note=text(300))
            for group in asked.groups
        ]
        return one_object(results=in_order(items))

    def told(self, asked: participants.ParticipantsInput, reply: Any) -> dict[str, Any]:
        """See `LeadsForm`."""
        items = a_list(said_as(GroupsSaid, reply, "").results, "results", exactly=len(asked.groups))
        values = []
        for n, item in enumerate(items):
            one = said_as(GroupSaid, item, f"results.{n}")
            told: dict[str, Any] = {"group_id": one.groupId, "note": one.note, "status": "found"}
            if one.value is None:
                told["status"] = "not_reported" if _absent(one.note) == "not_reported" else "not_found"
                told["note"] = "" if _absent(one.note) else one.note
            else:
                told["value"] = one.value.text
            values.append(told)
        return {"values": values}

    def said(self, asked: participants.ParticipantsInput, value: participants.ParticipantsAnswer) -> Any:
        """See `LeadsForm`."""
        by_id = {one.group_id: one for one in value.values}
        return {"results": [self._group(by_id[group.id]) for group in asked.groups]}

    @staticmethod
    def _group(one: participants.GroupValue) -> dict[str, Any]:
        note = NOT_REPORTED if one.status == "not_reported" else one.note
        number = None if one.value is None else Digits(one.value)
        return {"groupId": one.group_id, "value": number, "note": note}


class ArmSaid(Said):
    """One arm, its fields named as the register names them."""

    label: str
    type: str
    description: str
    interventionNames: list[str]  # noqa: N815 - LEADS' own name


class ArmsForm(LeadsForm):
    """A list of arms; an empty one says that none was recognised."""

    offered = frozenset({"paper_content", "boundary"})
    needed = (frozenset({"paper_content"}),)

    def values(self, asked: arms.ArmsInput) -> dict[str, str]:
        """See `LeadsForm`."""
        return _paper(asked)

    def schema(self, _asked: arms.ArmsInput) -> dict[str, Any]:
        """See `Form`."""
        item = one_object(
            label=text(200),
            type={"type": "string", "enum": list(get_args(arms.ArmType))},
            description=text(1000),
            interventionNames=array(text(200), 0, 20),
        )
        return array(item, 0, 20)

    def told(self, _asked: arms.ArmsInput, reply: Any) -> dict[str, Any]:
        """See `LeadsForm`."""
        told = []
        for n, item in enumerate(a_list(reply, "the reply")):
            one = said_as(ArmSaid, item, str(n))
            names = {"interventions": one.interventionNames}
            told.append({"label": one.label, "type": one.type, "description": one.description} | names)
        return {"status": "found" if told else "not_found", "arms": told}

    def said(self, _asked: arms.ArmsInput, value: arms.ArmsAnswer) -> Any:
        """See `LeadsForm`."""
        return [
            {
                "label": arm.label,
                "type": arm.type,
                "description": arm.description,
                "interventionNames": list(arm.interventions),
            }
            for arm in value.arms
        ]


class ValueSaid(Said):
    """One number of a result."""

    value: Number
    title: str


class ResultSaid(Said):
    """The result of one group in one outcome, its fields named as the register names them."""

    paramType: str  # noqa: N815 - LEADS' own names
    unitOfMeasure: str  # noqa: N815
    timeFrame: str  # noqa: N815
    unitOfDenom: str  # noqa: N815
    denomValue: NumberOrNull  # noqa: N815
    results: list[Any]


class ResultsForm(LeadsForm):
    """One outcome in one group; an empty list of results says that none was recognised."""

    offered = frozenset({"paper_content", "outcome_def", "group_def", "boundary"})
    needed = (frozenset({"paper_content", "outcome_def", "group_def"}),)

    def values(self, asked: results.ResultsInput) -> dict[str, str]:
        """See `LeadsForm`."""
        told = results.TASK.variables(asked)
        return {
            **_paper(asked),
            "outcome_def": one_line(told["outcome"]),
            "group_def": one_line(told["group"]),
        }

    def schema(self, _asked: results.ResultsInput) -> dict[str, Any]:
        """See `Form`."""
        count = {"type": "integer", "minimum": 0, "maximum": 10_000_000}
        return one_object(
            paramType=text(60),
            unitOfMeasure=text(100),
            timeFrame=text(300),
            unitOfDenom=text(60),
            denomValue={"anyOf": [count, {"type": "null"}]},
            results=array(one_object(value=_NUMBER, title=text(200)), 0, 20),
        )

    def told(self, _asked: results.ResultsInput, reply: Any) -> dict[str, Any]:
        """See `LeadsForm`."""
        said = said_as(ResultSaid, reply, "")
        values = []
        for n, item in enumerate(a_list(said.results, "results")):
            one = said_as(ValueSaid, item, f"results.{n}")
            values.append({"value": one.value.text, "title": one.title})
        if said.denomValue is not None and not _COUNT.fullmatch(said.denomValue.text):
            raise Unreadable(f"denomValue: {said.denomValue.text} is no count")
        return {
            "status": "found" if values else "not_found",
            "param_type": said.paramType,
            "unit": said.unitOfMeasure,
            "time_frame": said.timeFrame,
            "denominator_unit": said.unitOfDenom,
            "denominator": None if said.denomValue is None else int(said.denomValue.text),
            "values": values,
        }

    def said(self, _asked: results.ResultsInput, value: results.ResultsAnswer) -> Any:
        """See `LeadsForm`."""
        return {
            "paramType": value.param_type,
            "unitOfMeasure": value.unit,
            "timeFrame": value.time_frame,
            "unitOfDenom": value.denominator_unit,
            "denomValue": None if value.denominator is None else Digits(str(value.denominator)),
            "results": [{"value": Digits(one.value), "title": one.title} for one in value.values],
        }
