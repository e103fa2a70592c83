"""A LEADS reply as a JSON value, and a value as a LEADS reply. Nothing is repaired.

Two spellings of a reply are read: the JSON document alone, and the document as the only thing in one fenced
block. Around either there may be white space and nothing else: no second block, no sentence, no comment.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = [
    "Digits",
    "Number",
    "NumberOrNull",
    "Said",
    "TextOrNumber",
    "Unreadable",
    "array",
    "document",
    "in_order",
    "one_object",
    "spoken",
    "text",
]

_FENCED = re.compile(r"```(?:json|JSON)?[ \t]*\r?\n(.*)\n[ \t]*```", re.DOTALL)
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


class Unreadable(ValueError):
    """A reply is not in its format. The message is fit to be told to the model."""


@dataclass(frozen=True)
class Digits:
    """A JSON number as it was written, so that 12.50 stays 12.50 and no number is taken for a text."""

    text: str


def _number(value: Any) -> Any:
    if not isinstance(value, Digits):
        raise ValueError("not a number: plain digits, without quotation marks, percent sign or unit")  # noqa: TRY004
    return value


def _number_or_null(value: Any) -> Any:
    return None if value is None else _number(value)


def _as_written(value: Any) -> Any:
    return value.text if isinstance(value, Digits) else value


Number = Annotated[Digits, BeforeValidator(_number)]
NumberOrNull = Annotated[Digits | None, BeforeValidator(_number_or_null)]
TextOrNumber = Annotated[str, BeforeValidator(_as_written)]
"""The published weights give some numbers with and some without quotation marks; read as written."""


class Said(BaseModel):
    """Base of what a reply consists of: every field is there, none besides, each of its own type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


def document(raw: str) -> Any:
    """The one JSON value of a reply, numbers as `Digits`.

    Raises:
        Unreadable: nothing, no JSON, more than one thing, or a property given twice.
    """
    body = raw.strip()
    if not body:
        raise Unreadable("the reply is empty")
    if fenced := _FENCED.fullmatch(body):
        body = fenced[1]
    try:
        return json.loads(
            body, object_pairs_hook=_once, parse_int=Digits, parse_float=Digits, parse_constant=_no_number
        )
    except Unreadable:
        raise
    except (ValueError, RecursionError) as e:
        said = f"not one JSON document with nothing around it and no comments in it: {e}"
        raise Unreadable(said) from e


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        names = [name for name, _ in pairs]
        raise Unreadable(f"given twice in one object: {sorted({n for n in names if names.count(n) > 1})}")
    return told


def _no_number(name: str) -> Any:
    raise Unreadable(f"{name} is no JSON")


def spoken(value: Any) -> str:
    """A value as JSON on one line; `Digits` as the numbers they are.

    Raises:
        ValueError: a number that JSON cannot spell, such as 007.
    """
    match value:
        case Digits(text=digits):
            if not _JSON_NUMBER.fullmatch(digits):
                raise ValueError(f"{digits} is no JSON number")
            return digits
        case dict():
            inside = ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {spoken(v)}" for k, v in value.items())
            return "{" + inside + "}"
        case list():
            return "[" + ", ".join(map(spoken, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


# JSON Schema ---------------------------------------------------------------------------------------


def one_object(**properties: Any) -> dict[str, Any]:
    """An object with all of these properties and no others."""
    names = list(properties)
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def array(item: dict[str, Any], least: int, most: int) -> dict[str, Any]:
    """A list of items of one kind."""
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


def in_order(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list of exactly these items, each in its place."""
    n = len(items)
    return {"type": "array", "prefixItems": items, "items": False, "minItems": n, "maxItems": n}


def text(longest: int) -> dict[str, Any]:
    """A text of so many characters at most."""
    return {"type": "string", "maxLength": longest}
