"""Values of a registry's JSON, each with the path it stands at; what is odd is kept and said. Pure.

One odd field never costs a whole trial: what has an unexpected type is kept as it reads, and a warning names
its path. Measurements, denominators and counts of participants come as text, counts of adverse events as
numbers; both are read (https://clinicaltrials.gov/data-api/about-api/study-data-structure).
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from tools.schemas import Frozen, canonical_json

__all__ = ["DatePoint", "Figure", "Leaf", "Node", "figure_of"]

SENTINELS = frozenset({"NA", "N/A", "NR", "NE"})
"""The registry's words for a number that there is not, such as a median that was not reached."""

_NUMBER = re.compile(r"[-+−]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?")
_MARKDOWN = re.compile(r"\\([\\`*_{}\[\]()#+\-.!<>~|^&=])")


class Leaf(Frozen):
    """One text of the entry and where it stands."""

    text: str = Field(description="On one line, without the backslashes of Markdown.")
    path: str = Field(description="Such as `protocolSection.statusModule.overallStatus`.")


class Figure(Leaf):
    """One number as the registry prints it. `number` is None where it prints none: never zero instead."""

    number: float | None = None
    sentinel: bool = Field(default=False, description="NA or NR: said not to exist; the comment tells why.")


class DatePoint(Leaf):
    """A day, a month or a year: YYYY-MM-DD, YYYY-MM or YYYY."""

    kind: str = Field(default="", description="ACTUAL or ESTIMATED; empty where the registry does not say.")


class Node:
    """A place in the JSON: its value, its path, and the list that warnings go to."""

    def __init__(self, value: Any, path: str, warnings: list[str]) -> None:
        self.value, self.path, self._warnings = value, path, warnings

    def warn(self, said: str, key: str = "") -> None:
        """Say what is odd about a field of this place, or about the place itself."""
        self._warnings.append(f"{self._at(key) if key else self.path}: {said}")

    def has(self, key: str) -> bool:
        """Whether there is such a field with something in it."""
        return isinstance(self.value, Mapping) and self.value.get(key) not in (None, "", [], {})

    def object(self, key: str) -> "Node":
        """The object in a field; an empty one where it is missing or, with a warning, of another type."""
        value = self._get(key)
        if value is not None and not isinstance(value, Mapping):
            self.warn(f"{_shape(value)} where an object should be", key)
            value = None
        return Node(value or {}, self._at(key), self._warnings)

    def objects(self, key: str) -> list["Node"]:
        """The objects in a list; of other things in it only a warning remains."""
        made = []
        for place in self._elements(key):
            if isinstance(place.value, Mapping):
                made.append(place)
            else:
                place.warn(f"{_shape(place.value)} where an object should be")
        return made

    def leaf(self, key: str) -> Leaf | None:
        """The text in a field; a number as text; None where there is none."""
        value = self._get(key)
        return None if value is None else self._leaf(value, key)

    def leaves(self, key: str) -> tuple[Leaf, ...]:
        """The texts in a list."""
        return tuple(
            leaf for place in self._elements(key) if (leaf := place._leaf(place.value, "")) and leaf.text
        )

    def text(self, key: str) -> str:
        """As `leaf`, its text only; empty where there is none."""
        leaf = self.leaf(key)
        return leaf.text if leaf else ""

    def figure(self, key: str) -> Figure | None:
        """The number in a field, as it is printed."""
        leaf = self.leaf(key)
        if leaf is None:
            return None
        figure = figure_of(leaf)
        if figure.number is None and not figure.sentinel:
            self.warn(f"no plain number: {leaf.text[:60]!r}", key)
        return figure

    def date(self, key: str) -> DatePoint | None:
        """The date in a field: of a structure `{date, type}`, or a text."""
        if isinstance(self._get(key), Mapping):
            place = self.object(key)
            return _date(place, "date", place.text("type"))
        return _date(self, key, "")

    def _elements(self, key: str) -> Iterator["Node"]:
        value = self._get(key)
        if value is not None and not isinstance(value, list):
            self.warn(f"{_shape(value)} where a list should be", key)
            value = [value]
        for i, item in enumerate(value or ()):
            yield Node(item, f"{self._at(key)}[{i}]", self._warnings)

    def _leaf(self, value: Any, key: str) -> Leaf | None:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.warn(f"{_shape(value)} where a text should be", key)
            value = canonical_json(value)
        text = _MARKDOWN.sub(r"\1", " ".join(str(value).split()))
        return Leaf(text=text, path=self._at(key) if key else self.path) if text else None

    def _get(self, key: str) -> Any:
        return self.value.get(key) if isinstance(self.value, Mapping) else None

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def figure_of(leaf: Leaf) -> Figure:
    """Read a text as a number; `<0.5`, a range or a word is none."""
    if leaf.text.upper() in SENTINELS:
        return Figure(text=leaf.text, path=leaf.path, sentinel=True)
    number = float(leaf.text.replace(",", "").replace("−", "-")) if _NUMBER.fullmatch(leaf.text) else math.inf
    return Figure(text=leaf.text, path=leaf.path, number=number if math.isfinite(number) else None)


def _date(place: Node, key: str, kind: str) -> DatePoint | None:
    leaf = place.leaf(key)
    if leaf is None:
        return None
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", leaf.text):
        place.warn(f"no date: {leaf.text[:60]!r}", key)
        return None
    return DatePoint(text=leaf.text, path=leaf.path, kind=kind)


def _shape(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", str: "a text"}
    return names.get(type(value), "nothing" if value is None else "a number")
