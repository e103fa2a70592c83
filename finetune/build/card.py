"""The data card: what a data folder holds, from where, under which licences, and what was left out and why.

`card.json` is for programs, `README.md` for people (`card_page`); both follow from the files and the receipts
(`card_making`), and hold no clock.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from finetune.build.pieces import file_hash
from finetune.splitting.leaks import LeakReport
from finetune.splitting.split import PARTS
from tools.errors import InputFileError
from tools.schemas import Frozen

__all__ = [
    "Card",
    "Count",
    "Lengths",
    "Licence",
    "Refusals",
    "Splitting",
    "data_hash",
    "files_of",
    "read_card",
    "write_card",
]


class Count(Frozen):
    """Rows of one kind."""

    task: str
    part: str
    source: str
    how: str
    rows: int


class Refusals(Frozen):
    """Candidates that came to nothing, or rows that went no further."""

    stage: str = Field(description="make, word or divide.")
    maker: str
    task: str
    why: str
    rows: int
    examples: tuple[str, ...] = ()


class Licence(Frozen):
    """One licence and what stands under it."""

    licence: str
    rows: int
    sources: tuple[str, ...]
    forbids: str | None = Field(description="Why its rows cannot be passed on; None: they can.")


class Lengths(Frozen):
    """Of one task's questions with their answers, in the card's unit."""

    rows: int
    mean: int
    median: int
    p95: int
    longest: int
    over: int = Field(description="Left out, as they were longer than the context.")


class Splitting(Frozen):
    """How the parts came about."""

    settings: dict[str, Any]
    after: dict[str, int | None] = Field(description="Source to the year its test rows are newer than.")
    components: int
    sizes: dict[str, int] = Field(description="Part to its components.")
    largest: dict[str, Any]
    unknown_year: dict[str, int]
    cut: int = Field(description="Studies that were cut out as too common.")
    years: dict[str, dict[str, tuple[int, int] | None]] = Field(
        description="Part to source to first and last year."
    )


class Card(Frozen):
    """`card.json`."""

    data_hash: str
    program: str
    settings: dict[str, Any] = Field(description="As the build's file, without paths.")
    prompts: str
    tags: dict[str, str] = Field(
        description="Task to the tag of its prompt; the pack's other tasks are not there."
    )
    rows: dict[str, int]
    files: dict[str, str] = Field(description="File to its SHA-256.")
    counts: tuple[Count, ...]
    left_out: tuple[Refusals, ...]
    licences: tuple[Licence, ...]
    redistribution: str | None = Field(description="Why the whole cannot be passed on; None: it can.")
    unit: str = Field(description="Of the lengths: tokens of which tokenizer, or characters.")
    context: int
    lengths: dict[str, Lengths]
    split: Splitting
    leaks: LeakReport
    links: dict[str, Any] = Field(description="Papers and registry entries: what the evidence agrees on.")
    unread: dict[str, dict[str, int]] = Field(description="Source to reason to items that could not be read.")
    warnings: tuple[str, ...]


def data_hash(folder: Path) -> str:
    """What names a data set in the card of a model that was trained on it; checked against the files.

    Raises:
        InputFileError: no card, or files that are not those it tells of.
    """
    card = read_card(folder)
    files = files_of(folder)
    if files != card.files:
        other = sorted(
            name for name in files.keys() | card.files.keys() if files.get(name) != card.files.get(name)
        )
        raise InputFileError(
            f"{folder}: {other[0]} is not the file that the card tells of. Remedy: build again."
        )
    return card.data_hash


def read_card(folder: Path) -> Card:
    """The card of a data folder.

    Raises:
        InputFileError: there is none, so the folder is no finished data set.
    """
    try:
        return Card.model_validate_json((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError) as e:
        raise InputFileError(
            f"{folder}: no data card: {e}. Remedy: build it with python -m finetune.build."
        ) from e


def files_of(folder: Path) -> dict[str, str]:
    """The files of the parts, with their SHA-256."""
    found = sorted(path for part in PARTS for path in (folder / part).glob("*.parquet"))
    return {path.relative_to(folder).as_posix(): file_hash(path) for path in found}


def write_card(out: Path, card: Card, readme: str) -> None:
    """Write both, the one for programs last: where it is, the folder is whole.

    Raises:
        InputFileError: the disk is full.
    """
    try:
        (out / "README.md").write_text(readme, encoding="utf-8")
        partial = out / "card.json.partial"
        partial.write_text(
            json.dumps(card.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        partial.replace(out / "card.json")
    except OSError as e:
        raise InputFileError(f"{out}: the card cannot be written: {e}. Remedy: free space.") from e
