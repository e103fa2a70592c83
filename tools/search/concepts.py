"""A graph of concepts, and the shortest paths in it: how what a record names is what a criterion asks for.

The vocabulary is such a graph: a heading *is a* kind of the headings above it in the tree, a substance *has the
action* of what it does. So is any list of edges (`concepts_csv`). A path reads "Empagliflozin -> Sodium-Glucose
Transporter 2 Inhibitors -> Hypoglycemic Agents".

A path through a concept that is joined to nearly everything says nothing, so none leads through a *hub*: the top of
a tree of the vocabulary, or a concept with more neighbours than allowed. A path may begin or end there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tools.search.concept_graph import MOST_NEIGHBOURS, ConceptGraph, Edge, Step, graph_of
from tools.search.vocabulary import Vocabulary, words

__all__ = [
    "HAS_ACTION",
    "IS_A",
    "ConceptGraph",
    "Concepts",
    "Edge",
    "Path",
    "Step",
    "graph_of",
    "mesh_graph",
    "paths",
]

IS_A, HAS_ACTION = "is a", "has action"

_SORTING = {"C04": 2, "C23": 2, "D27": 3}
"""Levels of trees that only sort what is below them, by site, by kind of sign, by kind of use: hubs like a top."""

LONGEST, MOST = 4, 5
"""Steps of a path, and paths that are given, unless told otherwise. Longer paths join anything with anything."""

SHORTEST_NAME = 5
"""Letters of a name of one word that is looked for in texts besides the vocabulary's headings."""

LONGEST_NAME = 6
"""Words of such a name."""


@dataclass(frozen=True)
class Path:
    """From one concept to another; without steps where both are the same."""

    source: str
    steps: tuple[Step, ...] = ()

    @property
    def target(self) -> str:
        """The concept at its end."""
        return self.steps[-1].target if self.steps else self.source

    @property
    def names(self) -> tuple[str, ...]:
        """The concepts on it, in order."""
        return (self.source, *(step.target for step in self.steps))

    @property
    def upward(self) -> bool:
        """Whether each step leads to what the concept before *is*; a path without steps does."""
        return all(step.forward and step.kind in (IS_A, HAS_ACTION) for step in self.steps)

    def __str__(self) -> str:
        return " → ".join(self.names)


# The vocabulary ----------------------------------------------------------------------------------


def mesh_graph(vocabulary: Vocabulary, *, most_neighbours: int = MOST_NEIGHBOURS) -> ConceptGraph:
    """The installed vocabulary as a graph: its trees, and what its substances do.

    The tops of its trees are hubs, and headings that only sort, as `Therapeutic Uses`: two diseases are not akin
    because both are of the nervous system, nor two drugs because both are used against something.
    """
    names = list(dict.fromkeys(name for name, _ in vocabulary.terms()))
    trees = {name: found.tree_numbers for name in names if (found := vocabulary.descriptor(name))}
    at = {number: name for name, numbers in trees.items() for number in numbers}
    tops = [
        name for number, name in at.items() if number.count(".") < _SORTING.get(number.partition(".")[0], 1)
    ]
    return graph_of(_mesh_edges(vocabulary, trees, at), hubs=tops, most_neighbours=most_neighbours)


def _mesh_edges(
    vocabulary: Vocabulary, trees: dict[str, tuple[str, ...]], at: dict[str, str]
) -> Iterator[Edge]:
    for name, numbers in trees.items():
        for number in numbers:
            if (above := at.get(number.rpartition(".")[0])) is not None:
                yield Edge(name, IS_A, above)
        for substance in vocabulary.with_action(name):
            yield Edge(substance, HAS_ACTION, name)


# Paths -------------------------------------------------------------------------------------------


def paths(
    graph: ConceptGraph,
    sources: Iterable[str],
    targets: Iterable[str],
    longest: int = LONGEST,
    most: int = MOST,
) -> tuple[Path, ...]:
    """The shortest paths between each of the sources and each of the targets.

    Args:
        sources, targets: names of concepts in any case; those that the graph does not have are passed over.
        longest: steps of a path; what is further apart has none.
        most: how many paths are given, of each pair and in all.

    Returns:
        Shortest first, then in the order of their concepts' names. A concept that is both a source and a target
        is a path without steps.
    """
    ends = [n for n in map(graph.number, targets) if n is not None]
    found = {
        way
        for start in {n for n in map(graph.number, sources) if n is not None}
        for end in set(ends)
        for way in _shortest(graph, start, end, longest, most)
    }
    return tuple(_path(graph, way) for way in sorted(found, key=lambda way: (len(way), way))[:most])


def _path(graph: ConceptGraph, way: Sequence[int]) -> Path:
    return Path(graph.names[way[0]], tuple(graph.step(a, b) for a, b in pairwise(way)))


def _shortest(
    graph: ConceptGraph, source: int, target: int, longest: int, most: int
) -> list[tuple[int, ...]]:
    """The shortest ways between two concepts, the first `most` in order; none where they are too far apart."""
    if source == target:
        return [(source,)]
    left, right = [{source}], [{target}]
    seen_left, seen_right = {source}, {target}
    while len(left) + len(right) - 2 < longest and left[-1] and right[-1]:
        # The smaller side grows: so a concept with many neighbours at one end is rarely walked from.
        if len(left[-1]) <= len(right[-1]):
            _grow(graph, left, seen_left, target)
        else:
            _grow(graph, right, seen_right, source)
        if meeting := left[-1] & right[-1]:
            return _ways(graph, _layers(graph, left, right, meeting), most)
    return []


def _grow(graph: ConceptGraph, levels: list[set[int]], seen: set[int], other: int) -> None:
    """One level more; hubs are not entered, but for the end that is looked for."""
    new: set[int] = set()
    for number in levels[-1]:
        new.update(graph.neighbours(number))
    new -= seen
    levels.append({number for number in new if number == other or number not in graph.hubs})
    seen |= new


def _layers(
    graph: ConceptGraph, left: list[set[int]], right: list[set[int]], meeting: set[int]
) -> list[set[int]]:
    """The concepts on shortest ways, by their distance from the source."""
    before, after = [meeting], [meeting]
    for level in reversed(left[:-1]):
        before.append(level & {n for number in before[-1] for n in graph.neighbours(number)})
    for level in reversed(right[:-1]):
        after.append(level & {n for number in after[-1] for n in graph.neighbours(number)})
    return [*reversed(before), *after[1:]]


def _ways(graph: ConceptGraph, layers: list[set[int]], most: int) -> list[tuple[int, ...]]:
    """The ways through the layers, in order; what is not asked for is not walked."""
    made: list[tuple[int, ...]] = []

    def walk(way: tuple[int, ...]) -> None:
        if len(way) == len(layers):
            made.append(way)
            return
        for number in sorted(layers[len(way)] & set(graph.neighbours(way[-1]))):
            if len(made) < most:
                walk((*way, number))

    (source,) = layers[0]
    walk((source,))
    return made


# Texts -------------------------------------------------------------------------------------------


class Concepts:
    """The concepts of texts and the paths between them, over one vocabulary and one graph."""

    def __init__(self, vocabulary: Vocabulary, graph: ConceptGraph | None = None) -> None:
        """
        Args:
            vocabulary: names headings in texts.
            graph: None for that of the vocabulary.
        """
        self.vocabulary = vocabulary
        self.graph = mesh_graph(vocabulary) if graph is None else graph

    def named_in(self, text: str) -> tuple[str, ...]:
        """Concepts of the graph that a text names: headings in order, then those that are no heading.

        A heading that the graph does not have under its own name is looked for by its entry terms.
        """
        headings = (self._of_heading(found.name) for found in self.vocabulary.find_in(text))
        return tuple(dict.fromkeys([*filter(None, headings), *self._others(text)]))

    def between(
        self,
        record: str,
        criterion: str,
        mesh: Iterable[str] = (),
        longest: int = LONGEST,
        most: int = MOST,
    ) -> tuple[Path, ...]:
        """Shortest paths from what a record names to what a criterion names; see `paths`.

        Args:
            record: title and abstract; may be empty where `mesh` says what it is about.
            criterion: its text.
            mesh: the record's headings.
        """
        own = dict.fromkeys([*self.named_in(record), *(n for name in mesh if (n := self._of_heading(name)))])
        return paths(self.graph, own, self.named_in(criterion), longest, most)

    def _of_heading(self, name: str) -> str | None:
        number = self.graph.number(name)
        if number is None and self.vocabulary.descriptor(name) is not None:
            terms = map(self.graph.number, self.vocabulary.entry_terms(name, permuted=True))
            number = next((n for n in terms if n is not None), None)
        return None if number is None else self.graph.names[number]

    @cached_property
    def _own_names(self) -> dict[str, int]:
        """Names that no heading has, such as those of substances; telling ones only."""
        return {
            key: number
            for key, number in self.graph.numbers.items()
            if len(key) >= SHORTEST_NAME
            and len(key.split()) <= LONGEST_NAME
            and any(word.isalpha() and len(word) >= SHORTEST_NAME for word in key.split())
            and self.vocabulary.lookup(key) is None
        }

    def _others(self, text: str) -> Iterator[str]:
        parts = words(text)
        at = 0
        while at < len(parts):
            for length in range(min(LONGEST_NAME, len(parts) - at), 0, -1):
                number = self._own_names.get(" ".join(parts[at : at + length]))
                if number is not None:
                    yield self.graph.names[number]
                    at += length - 1
                    break
            at += 1
