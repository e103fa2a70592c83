"""A graph of concepts in arrays: who is joined to whom, by which kind of edge, and through whom no path may lead.

Arrays and no graph library: a graph of four million edges takes 0.1 GB so, and 1.6 GB as dictionaries of Python
(networkx).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.search.vocabulary import words

__all__ = ["MOST_NEIGHBOURS", "ConceptGraph", "Edge", "Step", "graph_of"]

MOST_NEIGHBOURS = 300
"""Of a concept that a path may lead through. In MeSH 2022 only three have more, classes to which whole pharmacies
belong: enzyme inhibitors, antineoplastic agents, anti-bacterial agents."""


class Edge(NamedTuple):
    """`source` stands in the relation `kind` to `target`: a heading is a heading above it."""

    source: str
    kind: str
    target: str


class Step(NamedTuple):
    """One edge of a path. Against the edge's direction `forward` is False: then `target` stands in it to `source`."""

    source: str
    kind: str
    target: str
    forward: bool = True

    @property
    def told(self) -> str:
        """The edge in words, whichever way it is walked."""
        source, target = (self.source, self.target) if self.forward else (self.target, self.source)
        return f"{source} {self.kind} {target}"


@dataclass(frozen=True, eq=False)
class ConceptGraph:
    """Concepts by number, in the order of their names, and the arcs of each in both directions.

    The arcs of concept i are `starts[i]` to `starts[i + 1]`: the neighbour's number, and twice the number of the kind,
    one more where the arc runs against its edge. They are sorted, each once.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int32]
    labels: NDArray[np.int16]
    hubs: frozenset[int]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Name, in one spelling for any case, to number; of two concepts of one spelling the first."""
        found: dict[str, int] = {}
        for number, name in enumerate(self.names):
            found.setdefault(_key(name), number)
        return found

    def number(self, name: str) -> int | None:
        """The concept of this name in any case; None where the graph has none."""
        return self.numbers.get(_key(name))

    def neighbours(self, number: int) -> list[int]:
        """Numbers of the concepts one step away, in order; one of several edges may come several times."""
        near: list[int] = self.ends[self.starts[number] : self.starts[number + 1]].tolist()
        return near

    def step(self, source: int, target: int) -> Step:
        """The first edge between two neighbours; along an edge goes before against one."""
        at = int(self.starts[source])
        arcs = self.ends[at : self.starts[source + 1]]
        first = at + int(np.searchsorted(arcs, target))
        last = at + int(np.searchsorted(arcs, target, side="right"))
        label = min((int(n) for n in self.labels[first:last]), key=lambda n: (n % 2, n))
        return Step(self.names[source], self.kinds[label // 2], self.names[target], forward=label % 2 == 0)


def graph_of(
    edges: Iterable[Edge], *, hubs: Iterable[str] = (), most_neighbours: int = MOST_NEIGHBOURS
) -> ConceptGraph:
    """The graph of these edges. The same edges in any order make the same graph.

    Args:
        edges: read once, so that a file need not be in memory; doubles and loops count once and not at all.
        hubs: names of concepts that no path leads through.
        most_neighbours: a concept with more of them is a hub, too.
    """
    known: dict[str, int] = {}
    kinds: dict[str, int] = {}
    columns = array("i"), array("i"), array("i")
    for source, kind, target in edges:
        if source != target:
            columns[0].append(known.setdefault(source, len(known)))
            columns[1].append(known.setdefault(target, len(known)))
            columns[2].append(kinds.setdefault(kind, len(kinds)))
    names, rank = _ranked(known)
    kind_names, kind_rank = _ranked(kinds)
    sources, targets, labels = (np.frombuffer(column, dtype=np.int32) for column in columns)
    sources, targets, labels = rank[sources], rank[targets], kind_rank[labels] * 2
    heads, ends, labels = _sorted_once(
        np.concatenate((sources, targets)),
        np.concatenate((targets, sources)),
        np.concatenate((labels, labels + 1)),
    )
    starts = np.searchsorted(heads, np.arange(len(names) + 1))
    graph = ConceptGraph(names, kind_names, starts, ends, labels.astype(np.int16), frozenset())
    wide = np.flatnonzero(_neighbours(heads, ends, len(names)) > most_neighbours).tolist()
    told = (graph.number(name) for name in hubs)
    all_hubs = frozenset([*wide, *(n for n in told if n is not None)])
    return replace(graph, hubs=all_hubs)


def _ranked(known: dict[str, int]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The names in order, and for each number of before the one it has now."""
    ordered = sorted(known, key=lambda name: (name.casefold(), name))
    rank = np.empty(len(ordered), dtype=np.int32)
    rank[[known[name] for name in ordered]] = np.arange(len(ordered), dtype=np.int32)
    return tuple(ordered), rank


def _sorted_once(
    heads: NDArray[np.int32], ends: NDArray[np.int32], labels: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    order = np.lexsort((labels, ends, heads))
    heads, ends, labels = heads[order], ends[order], labels[order]
    if not len(heads):
        return heads, ends, labels
    same = (heads[1:] == heads[:-1]) & (ends[1:] == ends[:-1]) & (labels[1:] == labels[:-1])
    first = np.concatenate(([True], ~same))
    return heads[first], ends[first], labels[first]


def _neighbours(heads: NDArray[np.int32], ends: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """How many other concepts each is joined to, by whatever number of edges."""
    if not len(heads):
        return np.zeros(size, dtype=np.int64)
    new = np.concatenate(([True], (heads[1:] != heads[:-1]) | (ends[1:] != ends[:-1])))
    return np.bincount(heads[new], minlength=size)


def _key(name: str) -> str:
    return " ".join(words(name)) or name.casefold()
