"""A model that fills in whatever form it is asked for: the most careful instance of a JSON Schema.

It knows nothing of tasks: labels are chosen for saying nothing (UNCERTAIN, not_found, NI), lists are as short as
they may be, texts are empty unless they must not be. Tests hand in what they want otherwise, by property name.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

CAREFUL = ("UNCERTAIN", "uncertain", "not_found", "not_in_the_records", "NI", "OTHER")
"""Preferred among the options of an enum."""

Choose = Callable[[str, str, Mapping[str, Any]], Any]
"""(id of the item or "", property, its schema) to a value, or to `...` for the careful one."""


def careful(_item: str, _name: str, _schema: Mapping[str, Any]) -> Any:
    """No wish of one's own."""
    return ...


def filled(schema: Mapping[str, Any], choose: Choose = careful) -> Any:
    """A value that fits a schema."""
    return _value(schema, schema, "", "", choose)


def fitting(body: Mapping[str, Any], choose: Choose = careful) -> str:
    """A reply to a chat request, in the form of its response_format."""
    return json.dumps(filled(schema_of(body), choose))


def schema_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that a chat request demands."""
    asked = body["response_format"]
    schema: dict[str, Any] = asked["schema"] if "schema" in asked else asked["json_schema"]["schema"]
    return schema


def task_of(body: Mapping[str, Any]) -> str:
    """The name of that schema: the task."""
    return str(body["response_format"]["json_schema"]["name"])


def _value(part: Mapping[str, Any], whole: Mapping[str, Any], item: str, name: str, choose: Choose) -> Any:
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    wished = choose(item, name, part)
    if wished is not ...:
        return wished
    if "enum" in part or "const" in part:
        options = part.get("enum", [part.get("const")])
        return next((one for one in options if one in CAREFUL or one is None), options[-1])
    if "anyOf" in part:
        kinds = part["anyOf"]
        null = next((kind for kind in kinds if kind.get("type") == "null"), None)
        return None if null else _value(kinds[0], whole, item, name, choose)
    return _typed(part, whole, item, name, choose)


def _typed(part: Mapping[str, Any], whole: Mapping[str, Any], item: str, name: str, choose: Choose) -> Any:
    match part["type"]:
        case "object":
            inside = part.get("properties", {})
            # An object whose properties are objects has one for each id that was asked about.
            return {
                key: _value(sub, whole, item if _plain(sub, whole) else key, key, choose)
                for key, sub in inside.items()
            }
        case "array":
            each = part.get("prefixItems") or [part["items"]] * part.get("minItems", 0)
            return [_value(sub, whole, item, name, choose) for sub in each]
        case "string":
            return _text(part, name)
        case "integer" | "number":
            return part.get("minimum", 0)
        case "boolean":
            return False
    raise AssertionError(part)


def _plain(part: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    return part.get("type") != "object"


def _text(part: Mapping[str, Any], name: str) -> str:
    if "pattern" in part:
        return next(text for text in ("1", "x") if re.search(part["pattern"], text))
    if name == "terms":
        return "cough[tiab]"
    if name == "query":
        return "(cough) AND (syrup)"
    return "none" if part.get("minLength") or name == "rationale" else ""
