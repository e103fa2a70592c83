"""YAML as plain values, with the line each value stands on. Pure.

A deliberately small YAML: one document of mappings, lists and scalars. Anchors and aliases (a few
bytes of which can expand to gigabytes), tags, merge keys and doubled keys are mistakes. Dates stay text.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

__all__ = ["MAX_BYTES", "Document", "Path", "Problem", "UnreadableError", "dotted", "read"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

Path = tuple[str | int, ...]
"""Keys and list positions from the top of the file; positions count from 0 here, from 1 for people."""

_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "timestamp")}


def dotted(path: Path) -> str:
    """A path as people read it; list items count from 1: `("criteria", 0, "id")` is `criteria[1].id`."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@dataclass(frozen=True)
class Problem:
    """One mistake: where, what, and what to do about it. `line` counts from 1; None looks it up by path."""

    path: Path
    message: str
    remedy: str
    line: int | None = None


class UnreadableError(Exception):
    """The text is no YAML at all, so nothing can be said about its parts."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True)
class Document:
    """The values of a YAML text, the line of each path (from 1), and what was wrong on the way."""

    value: Any
    lines: Mapping[Path, int]
    problems: tuple[Problem, ...]


@dataclass
class _Reader:
    """Turns nodes into values; collects lines and problems."""

    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    scalars: yaml.constructor.SafeConstructor = field(default_factory=yaml.constructor.SafeConstructor)

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _PLAIN:
            return self.scalar(node, path)
        tag = node.tag.removeprefix("tag:yaml.org,2002:")
        self.problem(node, path, f"the tag {tag!r} is not used here", "remove it, or put the text in quotes")
        return None

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        kind = node.tag.rpartition(":")[2]
        if kind in ("str", "timestamp"):
            return node.value
        try:
            value: Any = getattr(self.scalars, f"construct_yaml_{kind}")(node)
        except ValueError:  # such as 1__ or 0b, which YAML 1.1 takes for numbers
            self.problem(node, path, f"{node.value!r} cannot be read as a number", "put it in quotes")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.problem(
                node, path, f"{node.value!r} is not a number one can use", "write an ordinary number"
            )
            return None
        return value

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            # Keys are taken as written: YAML 1.1 would read `no:` or `on:` as a truth value.
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _PLAIN:
                shown = key_node.value if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
                self.problem(
                    key_node, path, f"{shown} cannot be a key", "write a plain word before the colon"
                )
                continue
            key, line = key_node.value, key_node.start_mark.line + 1
            if key in found:
                first = self.lines[(*path, key)]
                self.problem(
                    key_node, (*path, key), f"written twice (first in line {first})", "keep one of the two"
                )
                continue
            self.lines[(*path, key)] = line
            found[key] = self.value(value_node, (*path, key))
        return found

    def problem(self, node: yaml.Node, path: Path, message: str, remedy: str) -> None:
        self.problems.append(Problem(path, message, remedy, node.start_mark.line + 1))


def read(text: str) -> Document:
    """Read one YAML document.

    Raises:
        UnreadableError: over `MAX_BYTES`, broken YAML, more than one document, nested too deeply, or
            with anchors or aliases.
    """
    size = len(text.encode("utf-8", errors="surrogatepass"))
    if size > MAX_BYTES:
        raise UnreadableError(
            Problem(
                (),
                f"the file has {size:,} bytes; {MAX_BYTES:,} are the limit",
                "keep records and long lists in files of their own and name them under `sources`",
            )
        )
    try:
        _refuse_expansion(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as e:
        raise UnreadableError(_broken(e)) from e
    reader = _Reader()
    value = None if node is None else reader.value(node, ())
    return Document(value, reader.lines, tuple(reader.problems))


def _refuse_expansion(text: str) -> None:
    """Look at the events before any node is built, so that nothing can grow."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = None if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise UnreadableError(
                Problem((), "anchors (&) and aliases (*) are not accepted", "write the value out", line)
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise UnreadableError(Problem((), "nested too deeply", "a few levels are enough", line))


def _broken(error: yaml.YAMLError) -> Problem:
    """What the YAML library says, in one line, with its place where it knows one."""
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    remedy = "check indentation (spaces, no tabs), colons and quotes in this line and the one before"
    return Problem((), f"this is not YAML: {what}", remedy, None if mark is None else mark.line + 1)
