"""How long each text of an answer may be, kept while it is written.

A grammar could say it too, but pays for it at every token: with 32,000 tokens in the vocabulary, a mask for a string
of at most 600 characters that may hold escapes took xgrammar 0.2 more than a second, and one without a bound 0.1 ms.
So the grammar says what an answer looks like, and a count says when a text has to end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Bounds", "Lengths"]

QUOTE, BACKSLASH = ord('"'), ord("\\")

Node = Mapping[str, Any]
"""A part of a JSON Schema."""


@dataclass(frozen=True)
class Bounds:
    """What the text under way may still take, in characters as they are written: an escape counts as two."""

    at_least: int
    at_most: int


@dataclass
class _Open:
    """An object or array that has not been closed yet."""

    nodes: Sequence[Node]
    is_object: bool
    key: str = ""


@dataclass
class Lengths:
    """Follows an answer byte by byte. It is taken to be what the schema says: a grammar sees to that."""

    schema: Node
    _open: list[_Open] = field(default_factory=list)
    _text: bytearray | None = None
    """The text under way; None between texts."""
    _count: int = 0
    _escaped: bool = False
    _key_next: bool = False
    _limits: tuple[int, int] | None = None

    def said(self, piece: bytes) -> None:
        """Take note of the next bytes of the answer."""
        for byte in piece:
            if self._text is None:
                self._between(byte)
            else:
                self._within(byte)

    @property
    def bounds(self) -> Bounds | None:
        """Of the text under way; None where there is none, or one that may have any length."""
        if self._text is None or self._limits is None or self._escaped:
            return None
        least, most = self._limits
        return Bounds(max(0, least - self._count), max(0, most - self._count))

    def _within(self, byte: int) -> None:
        assert self._text is not None
        if byte == QUOTE and not self._escaped:
            if self._key_next:
                self._open[-1].key = json.loads(f'"{self._text.decode("utf-8", "replace")}"')
            self._text = None
            return
        self._text.append(byte)
        self._count += (byte & 0xC0) != 0x80  # the first byte of a character
        self._escaped = byte == BACKSLASH and not self._escaped

    def _between(self, byte: int) -> None:
        sign = chr(byte)
        if sign == '"':
            self._text, self._count = bytearray(), 0
            self._limits = None if self._key_next else _limits(self._here())
        elif sign in "{[":
            kind = "object" if sign == "{" else "array"
            nodes = [node for node in self._here() if _is(node, kind)]
            self._open.append(_Open(nodes, sign == "{"))
            self._key_next = sign == "{"
        elif sign in "}]":
            self._open.pop()
            self._key_next = False
        elif sign == ":":
            self._key_next = False
        elif sign == ",":
            self._key_next = bool(self._open) and self._open[-1].is_object

    def _here(self) -> list[Node]:
        """What the schema says of the value that comes next; several where it leaves a choice."""
        if not self._open:
            return self._plain(self.schema)
        top = self._open[-1]
        parts = [
            node.get("properties", {}).get(top.key) if top.is_object else node.get("items")
            for node in top.nodes
        ]
        return [plain for part in parts if isinstance(part, Mapping) for plain in self._plain(part)]

    def _plain(self, node: Node) -> list[Node]:
        """Without references and alternatives."""
        if "$ref" in node:
            found: Any = self.schema
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            return self._plain(found)
        choices = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
        return [plain for choice in choices for plain in self._plain(choice)] if choices else [node]


def _limits(nodes: Sequence[Node]) -> tuple[int, int] | None:
    """The shortest and the longest text that is allowed, where every alternative has a longest."""
    texts = [node for node in nodes if _is(node, "string") and "enum" not in node and "const" not in node]
    if not texts or any("maxLength" not in node for node in texts):
        return None
    return min(node.get("minLength", 0) for node in texts), max(node["maxLength"] for node in texts)


def _is(node: Node, kind: str) -> bool:
    told = node.get("type")
    return kind in told if isinstance(told, list) else told == kind
