"""Reading a list of edges, such as PrimeKG's `kg.csv`, as a graph of concepts.

PrimeKG: Chandak, Huang and Zitnik 2023, doi:10.1038/s41597-023-01960-3; its columns are `relation`,
`display_relation`, `x_name`, `y_name` and others that are not needed here, with each edge in both directions.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tools.errors import InputFileError
from tools.schemas import Frozen
from tools.search.concept_graph import ConceptGraph, Edge, graph_of

__all__ = ["MOST_NEIGHBOURS", "Columns", "read_edges", "read_graph"]

MOST_NEIGHBOURS = 2_000
"""As `concept_graph.MOST_NEIGHBOURS`; higher, as genes and drugs of PrimeKG have hundreds of neighbours each."""


class Columns(Frozen):
    """Names of the columns; those of PrimeKG unless told otherwise."""

    source: str = "x_name"
    kind: str = "display_relation"
    target: str = "y_name"


def read_graph(
    path: Path,
    columns: Columns | None = None,
    *,
    delimiter: str = ",",
    most_neighbours: int = MOST_NEIGHBOURS,
) -> ConceptGraph:
    """The graph of a file of edges; see `read_edges` and `concept_graph.graph_of`.

    Raises:
        InputFileError: it cannot be read, lacks a column, or holds no edge.
    """
    graph = graph_of(
        read_edges(path, columns or Columns(), delimiter=delimiter), most_neighbours=most_neighbours
    )
    if not graph.names:
        raise InputFileError(f"{path}: holds no edge. Remedy: give one edge in each line below the header.")
    return graph


def read_edges(path: Path, columns: Columns, *, delimiter: str = ",") -> Iterator[Edge]:
    """The edges of a file with a header, gzipped or not, line by line.

    Raises:
        InputFileError: it is missing, no UTF-8, cut off, lacks a column, or has a line without a name.
    """
    try:
        with _opened(path) as lines:
            rows = csv.reader(lines, delimiter=delimiter)
            places = _places(path, next(rows, []), columns)
            source, kind, target = places
            for row in rows:
                if not row:
                    continue
                try:  # here and not in a function of its own: lists of edges have millions of lines
                    edge = Edge(row[source].strip(), row[kind].strip(), row[target].strip())
                except IndexError:
                    edge = Edge("", "", "")
                if not all(edge):
                    raise InputFileError(
                        f"{path}, line {rows.line_num}: an edge without source, kind or target. "
                        "Remedy: complete or delete the line."
                    )
                yield edge
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as e:
        raise InputFileError(
            f"{path}: cannot be read as a list of edges: {e}. Remedy: fetch it anew; UTF-8, gzipped or plain."
        ) from e


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8", newline="")  # closes it, too
    return path.open(encoding="utf-8-sig", newline="")


def _places(path: Path, header: list[str], columns: Columns) -> tuple[int, int, int]:
    wanted = (columns.source, columns.kind, columns.target)
    if missing := [name for name in wanted if name not in header]:
        raise InputFileError(
            f"{path}: has no column {', '.join(missing)}; it has {', '.join(header) or 'no header'}. "
            "Remedy: name the columns of source, kind and target."
        )
    source, kind, target = map(header.index, wanted)
    return source, kind, target
