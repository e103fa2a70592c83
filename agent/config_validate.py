"""Values to models, part by part, so that one mistake does not hide the next. Pure.

The criteria and the sources are read one by one: a misspelt key in the third criterion must not keep
anybody from hearing that the first two carry the same id.
"""

import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tools.protocol import ReviewConfig, SourceConfig
from tools.schemas import Criterion
from tools.yaml_values import Path, Problem

__all__ = ["Parts", "nearest", "validate"]

_LISTS: Mapping[str, Any] = {"criteria": Criterion, "sources": SourceConfig}
"""Sections read item by item."""


@dataclass
class Parts:
    """What could be read. A section that could not is absent; so is an item of a list."""

    sections: dict[str, Any] = field(default_factory=dict)
    items: dict[str, dict[int, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def config(self) -> ReviewConfig:
        """The whole protocol; only to be called without problems."""
        lists = {name: tuple(found.values()) for name, found in self.items.items()}
        return ReviewConfig(**self.sections, **lists)


def validate(tree: Mapping[str, Any]) -> Parts:
    """Read every section of a file's values by its model. A key without a value counts as not given."""
    tree = _without_nulls(tree, (), tree)
    parts = Parts()
    for key in tree.keys() - ReviewConfig.model_fields.keys():
        parts.problems.append(_unknown(tree, (key,)))
    for name, info in ReviewConfig.model_fields.items():
        if name not in tree:
            if info.is_required():
                parts.problems.append(_missing(tree, (name,)))
            elif info.default is not None:
                parts.sections[name] = info.default
        elif name in _LISTS:
            _read_items(parts, tree, name)
        else:
            _read(parts.sections, name, parts.problems, info.rebuild_annotation(), tree, (name,))
    return parts


def _read_items(parts: Parts, tree: Mapping[str, Any], name: str) -> None:
    values = tree[name]
    if not isinstance(values, list) or not values:
        what = "is empty" if values == [] else f"should be a list, is {_shown(values)}"
        parts.problems.append(Problem((name,), what, "write at least one item, each beginning with `- `"))
        return
    found: dict[int, Any] = {}
    for i in range(len(values)):
        _read(found, i, parts.problems, _LISTS[name], tree, (name, i))
    parts.items[name] = found


def _read(
    into: dict[Any, Any], key: Any, problems: list[Problem], type_: Any, tree: Mapping[str, Any], path: Path
) -> None:
    value = _at(tree, path)
    try:
        # Strict, and as JSON: there a list may become a tuple, but 1 is no truth value and "5" no number.
        into[key] = TypeAdapter(type_).validate_json(json.dumps(value), strict=True)
    except ValidationError as e:
        for error in e.errors(include_url=False):
            problems.append(_explained(tree, path, error))


# What pydantic says, in the words of a reviewer ---------------------------------------------------

_SIMPLE = {
    "string_type": ("should be text", "put it in quotes"),
    "int_type": ("should be a whole number", "write digits only, without quotes"),
    "int_from_float": ("should be a whole number", "write digits only, without quotes"),
    "float_type": ("should be a number", "write digits, without quotes"),
    "bool_type": ("should be true or false", "write true or false, without quotes"),
    "tuple_type": ("should be a list", "write the items as [a, b], or each on a line beginning with `- `"),
    "model_type": ("should be a group of keys", "write `key: value` lines below it, indented"),
    "dict_type": ("should be a group of keys", "write `key: value` lines below it, indented"),
    "string_too_short": ("should not be empty", "write it, or remove the line"),
    "too_short": ("should not be empty", "write at least one item, or remove the line"),
    "string_pattern_mismatch": (
        "should be a short name",
        "use lower-case letters a-z, digits and hyphens, such as flu-2025",
    ),
}


def _explained(tree: Mapping[str, Any], base: Path, error: Any) -> Problem:
    """One pydantic error as a problem of ours."""
    path, kind, context = _real_path(tree, base, error["loc"]), error["type"], error.get("ctx", {})
    if kind == "missing":
        return _missing(tree, path)
    if kind == "extra_forbidden":
        return _unknown(tree, path)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        kinds = context.get("expected_tags", "'pubmed', 'europepmc', 'ctgov', 'local', 'manual'")
        given = f"{_shown(_at(tree, (*path, 'kind')))} is not known" if "tag" in context else "is missing"
        return Problem((*path, "kind"), given, f"write one of {kinds}")
    if kind == "literal_error" and path == ("screening", "mode"):
        return Problem(
            path,
            f"{_shown(error['input'])} is not possible: exclusion without a person needs a pilot on this "
            "very review, which this version cannot run",
            "write machine_suggests; a person can approve a listed batch in one decision",
        )
    if kind == "literal_error":
        choice = nearest(str(error["input"]), re.findall(r"'([^']+)'", str(context["expected"])))
        return Problem(path, f"{_shown(error['input'])} is not known", f"write {context['expected']}{choice}")
    if kind == "value_error":
        what, _, remedy = str(context["error"]).partition("; ")
        return Problem(path, what, remedy)
    if kind in _SIMPLE:
        what, remedy = _SIMPLE[kind]
        return Problem(path, f"{what}, is {_shown(error['input'])}", remedy)
    said = str(error["msg"]).replace("Input should", "should").removesuffix(".")
    return Problem(path, f"{said}, is {_shown(error['input'])}", "write a value within these limits")


def _real_path(tree: Mapping[str, Any], base: Path, loc: tuple[str | int, ...]) -> Path:
    """A path as in the file. Pydantic's holds the tags of unions and of dictionary keys as well."""
    path, value = base, _at(tree, base)
    for position, part in enumerate(loc):
        inside = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside:
            path, value = (*path, part), value[part]
        elif position == len(loc) - 1 and isinstance(value, dict) and part != "[key]":
            path = (*path, part)
    return path


def _missing(tree: Mapping[str, Any], path: Path) -> Problem:
    description = _node(tree, path[:-1]).get("properties", {}).get(str(path[-1]), {}).get("description", "")
    return Problem(path, "is missing", f"add it ({description.rstrip('.')})" if description else "add it")


def _unknown(tree: Mapping[str, Any], path: Path) -> Problem:
    known = tuple(_node(tree, path[:-1]).get("properties", ()))
    key = str(path[-1])
    return Problem(
        path, f'no key is called "{key}" here', f"use one of {', '.join(known)}{nearest(key, known)}"
    )


def nearest(word: str, known: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    """` (did you mean …?)` for a word that resembles a known one, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' (did you mean "{close[0]}"?)' if close else ""


def _shown(value: Any) -> str:
    """A value in a message, cut short."""
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


# The file's values against the schema --------------------------------------------------------------


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else tree[part]
    return tree


def _without_nulls(value: Any, path: Path, tree: Mapping[str, Any]) -> Any:
    """A copy without the known keys that have no value; unknown ones stay, to be reported."""
    if isinstance(value, list):
        return [_without_nulls(item, (*path, i), tree) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    node = _node(tree, path)
    known = node.get("properties", {})
    return {
        key: _without_nulls(item, (*path, key), tree)
        for key, item in value.items()
        if item is not None or not (key in known or isinstance(node.get("additionalProperties"), dict))
    }


@functools.cache
def _schema() -> dict[str, Any]:
    return ReviewConfig.model_json_schema()


def _node(tree: Any, path: Path) -> Mapping[str, Any]:
    """The part of the JSON schema that governs a path; the tree's values choose between variants."""
    node, value = _resolved(_schema(), tree), tree
    for part in path:
        value = value.get(part) if isinstance(value, dict) else value[int(part)]
        inner = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part)
        node = _resolved(node.get("additionalProperties") if inner is None else inner, value)
    return node


def _resolved(node: Any, value: Any) -> Mapping[str, Any]:
    """A schema node without references and variants; empty where the schema says nothing."""
    if not isinstance(node, Mapping):
        return {}
    if "$ref" in node:
        return _resolved(_schema()["$defs"][node["$ref"].rpartition("/")[2]], value)
    if "discriminator" in node:
        tag = value.get(node["discriminator"]["propertyName"]) if isinstance(value, dict) else None
        target = node["discriminator"]["mapping"].get(tag) if isinstance(tag, str) else None
        return _resolved({"$ref": target} if target else {}, value)
    if "anyOf" in node:
        return _resolved(next((n for n in node["anyOf"] if n.get("type") != "null"), {}), value)
    return node
