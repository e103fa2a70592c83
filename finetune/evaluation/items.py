"""The questions of a data folder's test part, each with the cluster it belongs to; and asking them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.instructions import Row, read_rows
from model.api_engine import ask_in_order
from model.engine import Answer, Engine, Request
from tools.errors import ConfigError, EngineError

__all__ = ["Item", "Told", "ask_items", "asked", "clusters_of", "read_items", "seen_reviews"]

Told = Answer[Any] | EngineError
"""An answer, or why there is no usable one."""


@dataclass(frozen=True)
class Item:
    """One question of the test part, its right answer, and whose kind it is."""

    row: Row
    request: Request[Any, Any]
    value: Any
    cluster: str

    @property
    def asked(self) -> Any:
        """The task's typed input."""
        return self.request.input


def read_items(data: Path, tasks: Iterable[str], limit: int | None = None) -> dict[str, list[Item]]:
    """Task to its test questions.

    Args:
        data: a data folder, whose `test` is read; or the folder of the test part itself.
        tasks: which.
        limit: so many of each task, drawn by their ids: the same ones each time, from all sources.

    Raises:
        InputFileError: there is none, or a file is damaged.
        ConfigError: it holds no question of these tasks.
    """
    wanted = set(tasks)
    folder = data / "test" if (data / "test").is_dir() else data
    by_task: dict[str, list[Row]] = {}
    for row in read_rows(folder):
        if row.task in wanted:
            by_task.setdefault(row.task, []).append(row)
    if not by_task:
        raise ConfigError(f"{folder} holds no question of {', '.join(sorted(wanted))}. Remedy: see --tasks.")
    clusters = clusters_of([row for rows in by_task.values() for row in rows])
    return {
        task: [
            Item(row, row.request, row.value, clusters[row.example_id])
            # An id is a hash, so its order is a draw that nobody chose.
            for row in sorted(by_task[task], key=lambda row: row.example_id)[:limit]
        ]
        for task in sorted(by_task)
    }


def clusters_of(rows: Sequence[Row]) -> dict[str, str]:
    """Example id to its cluster: its review, with all reviews that a row names beside it; without one, all that share
    a study; without that, itself."""
    from networkx.utils import UnionFind

    together = UnionFind()
    for row in rows:
        if members := _members(row):
            together.union(*members)
    names: dict[tuple[str, str], str] = {}
    for kind, name in sorted(together):
        names.setdefault(together[kind, name], f"{kind} {name}")
    told = {}
    for row in rows:
        members = _members(row)
        told[row.example_id] = names[together[members[0]]] if members else f"example {row.example_id}"
    return told


def _members(row: Row) -> list[tuple[str, str]]:
    """What ties a row to others."""
    if row.reviews:
        return [("review", name) for name in row.reviews]
    return [("study", name) for name in row.studies]


def seen_reviews(data: Path) -> frozenset[str]:
    """Ids of the reviews in a data folder's training and validation parts; empty where there are no such parts."""
    parts = [data / name for name in ("train", "validation") if any((data / name).glob("**/*.parquet"))]
    return frozenset(
        review for part in parts for told in read_rows(part, ["reviews"]) for review in told["reviews"]
    )


def asked(engine: Engine, requests: Sequence[Request[Any, Any]], what: str = "") -> list[Told]:
    """An answer to each, or why there is none, in their order.

    Raises:
        Stopped: the engine cannot be reached any more; what had been answered is stored.
    """
    step = max(1, len(requests) // 10)

    def progress(done: int, of: int) -> None:
        if what and (done % step == 0 or done == of):
            print(f"{what}: {done}/{of}", file=sys.stderr, flush=True)

    return ask_in_order(engine, requests, lambda _request, answer: answer, progress=progress)


def ask_items(engine: Engine, name: str, items: Mapping[str, Sequence[Item]]) -> dict[str, list[Told]]:
    """Every question of every task."""
    return {
        task: asked(engine, [item.request for item in own], f"{name}, {task}") for task, own in items.items()
    }
