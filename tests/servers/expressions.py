"""Boolean expressions as registries and databases take them, just enough to evaluate what clients send."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

Texts: TypeAlias = Mapping[str, str]
"""Field to its words, in lower case with one blank before, between and after them."""

Test: TypeAlias = Callable[[Texts], bool]
LeafReader: TypeAlias = Callable[[str, int], tuple[Test, int] | None]
"""Reads one clause at a position; None where none begins there."""


class BadExpression(ValueError):
    """The text is no expression; the message says where."""


def words(text: str) -> str:
    """A text as phrases are looked for in it."""
    return " " + " ".join(re.findall(r"[^\W_]+", text.lower())) + " "


def parse(text: str, read_leaf: LeafReader) -> Test:
    """`A AND (B OR C) NOT D`: AND before OR, NOT before both, words side by side joined by AND.

    Raises:
        BadExpression: unbalanced, empty, or with something that is no clause.
    """
    reader = _Reader(text, read_leaf)
    test = reader.alternatives()
    if reader.rest():
        raise BadExpression(f"no viable alternative at input `{reader.rest()[:20]}`")
    return test


class _Reader:
    def __init__(self, text: str, read_leaf: LeafReader) -> None:
        self.text, self.position, self.read_leaf = text, 0, read_leaf

    def rest(self) -> str:
        return self.text[self.position :].strip()

    def _takes(self, what: str) -> bool:
        found = re.compile(rf"\s*{what}").match(self.text, self.position)
        if found:
            self.position = found.end()
        return bool(found)

    def alternatives(self) -> Test:
        tests = [self.together()]
        while self._takes(r"OR\b"):
            tests.append(self.together())
        return tests[0] if len(tests) == 1 else lambda texts: any(test(texts) for test in tests)

    def together(self) -> Test:
        tests = [self.one()]
        while self.rest() and not re.match(r"\s*(OR\b|\))", self.text[self.position :]):
            self._takes(r"AND\b")
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda texts: all(test(texts) for test in tests)

    def one(self) -> Test:
        if self._takes(r"NOT\b"):
            unwanted = self.one()
            return lambda texts: not unwanted(texts)
        if self._takes(r"\("):
            test = self.alternatives()
            if not self._takes(r"\)"):
                raise BadExpression("missing `)` at the end")
            return test
        self._takes("")
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        found = self.read_leaf(self.text, self.position)
        if found is None:
            raise BadExpression(f"no viable alternative at input `{self.rest()[:20]}`")
        test, self.position = found
        return test


def has_phrase(field: str, phrase: str) -> Test:
    """The words side by side, in this order."""
    wanted = words(phrase)
    return lambda texts: wanted in texts.get(field, " ")


def has_word_like(field: str, pattern: str) -> Test:
    """A word with `*` for any letters."""
    form = r"[^\W_]*".join(re.escape(part) for part in pattern.lower().split("*"))
    wanted = re.compile(rf" {form} ")
    return lambda texts: bool(wanted.search(texts.get(field, " ")))


def has_near(field: str, phrase: str, slop: int) -> Test:
    """All words within a window that is `slop` words wider than the phrase."""
    wanted = words(phrase).split()

    def near(texts: Texts) -> bool:
        found = texts.get(field, " ").split()
        width = len(wanted) + slop
        return any(
            set(wanted) <= set(found[i : i + width]) for i in range(max(1, len(found) - len(wanted) + 1))
        )

    return near


def in_range(field: str, start: str, end: str) -> Test:
    """A day between two others, as ISO texts compare."""
    return lambda texts: bool(texts.get(field)) and start <= texts[field] <= end
