"""Invented questions as a data folder, and an engine that makes the mistakes it is told to make."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.evaluation.items import Item, clusters_of
from finetune.instructions import About, Row, instruction, row_of, write_rows
from finetune.invention.questions import example
from model.engine import Request
from model.scripted import ScriptedEngine
from model.tasks import ALL
from tools.schemas import Frozen, Passage, canonical_json

__all__ = ["about", "data_folder", "invented_rows", "item_of", "knowing", "passages"]


def about(*studies: str, reviews: Sequence[str] = ()) -> About:
    """Where an invented instruction comes from."""
    return About(source="invented", licence="none", how="invented", studies=studies, reviews=tuple(reviews))


def invented_rows(count: int, seed: str = "evaluation", tasks: Sequence[str] = tuple(ALL)) -> list[Row]:
    """So many questions of each task; two of them make a study."""
    dice = random.Random(seed)
    made = []
    for task in tasks:
        for number in range(count):
            one = example(task, dice)
            source = about(f"doc:{task}-{number // 2}")
            made.append(row_of(instruction(task, one.request.input, one.value, source), "ours"))
    return made


def data_folder(folder: Path, rows: Sequence[Row], train: Sequence[Row] = ()) -> Path:
    """A folder as the build writes it."""
    write_rows(folder / "test" / "part.parquet", rows)
    if train:
        write_rows(folder / "train" / "part.parquet", train)
    return folder


def item_of(task: str, asked: Frozen, value: Frozen, *studies: str) -> Item:
    """One question as an item."""
    row = row_of(instruction(task, asked, value, about(*(studies or ("pmid:1",)))), "ours")
    return Item(row, row.request, row.value, clusters_of([row])[row.example_id])


def knowing(
    rows: Sequence[Row], wrong: Mapping[str, Callable[[Request[Any, Any], Any], Any]] | None = None
) -> ScriptedEngine:
    """An engine that knows every right answer, and spoils those of some tasks.

    Args:
        rows: what it knows.
        wrong: task to what it says, given the question and the right answer.
    """
    known = {(row.task, canonical_json(row.request.input)): row.value for row in rows}

    def script(request: Request[Any, Any]) -> str | Frozen:
        value = known[request.task.id, canonical_json(request.input)]
        spoil = (wrong or {}).get(request.task.id)
        told: str | Frozen = value if spoil is None else spoil(request, value)
        return told

    return ScriptedEngine(script)


def passages(text: str) -> tuple[Passage, ...]:
    """A text as the passages of a report."""
    return (Passage(section="Results", kind="paragraph", start=0, text=text),)
