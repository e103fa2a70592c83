"""Rows that hang together by a review, a study or a title, directly or through others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Component", "Item", "common", "components_of", "largest_of", "spread"]


class Item(NamedTuple):
    """What of a row decides where it goes."""

    example_id: str
    source: str
    reviews: Sequence[str] = ()
    studies: Sequence[str] = ()
    year: int | None = None
    titles: Sequence[str] = ()
    """Folded titles of its texts: the same study or review under another id."""
    group: str = ""
    """Components are dealt out within groups, such as tasks, so that each is in every part."""
    loose: bool = False
    """It ties nothing: its studies came together by chance, such as a review and a record drawn to be refused."""


@dataclass(frozen=True)
class Component:
    """Rows that hang together."""

    rows: int
    reviews: int
    studies: int
    key: str
    """Its first review or study, by name."""


def common(rows: Iterable[Item], limit: int | None) -> frozenset[str]:
    """Studies that stand in more reviews than `limit`."""
    if limit is None:
        return frozenset()
    return frozenset(study for study, count in spread(rows).items() if count > limit)


def spread(rows: Iterable[Item]) -> Counter[str]:
    """Study to how many reviews name it."""
    pairs = {(study, review) for row in rows for study in row.studies for review in row.reviews}
    return Counter(study for study, _ in pairs)


def _keys(row: Item) -> list[str]:
    """What ties a row to others; one without review, study and title stands for itself."""
    keys = [f"review {key}" for key in row.reviews] + [f"study {key}" for key in row.studies]
    return [*keys, *(f"title {key}" for key in row.titles)] or [f"row {row.example_id}"]


def components_of(rows: Sequence[Item], same: Sequence[Sequence[str]]) -> Any:
    """The number of its component for each row (int array), counted in the order in which components first occur.

    Args:
        rows: in an order that is always the same.
        same: ids that mean one study.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    numbers: dict[str, int] = {}
    left: list[int] = []
    right: list[int] = []
    for at, row in enumerate(rows):
        for key in _keys(row):
            left.append(at)
            right.append(len(rows) + numbers.setdefault(key, len(numbers)))
    for ids in same:
        ends = [len(rows) + numbers.setdefault(f"study {one}", len(numbers)) for one in ids]
        left += ends[:-1]
        right += ends[1:]
    size = len(rows) + len(numbers)
    edges = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    _, labels = connected_components(edges, directed=False)
    _, first, inverse = np.unique(labels[: len(rows)], return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[inverse]


def largest_of(rows: Sequence[Item], linked: Any) -> Component:
    """The component of most rows."""
    number = int(np.bincount(linked).argmax())
    inside = [row for row, component in zip(rows, linked, strict=True) if component == number]
    reviews = {key for row in inside for key in row.reviews}
    studies = {key for row in inside for key in row.studies}
    return Component(
        len(inside), len(reviews), len(studies), min(reviews or studies or {inside[0].example_id})
    )
