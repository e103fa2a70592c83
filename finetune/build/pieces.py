"""A piece of one maker's work, and the two files that it leaves: rows, and a receipt, which is written last.

    made/<maker>/0003-of-0008.parquet      instructions
    made/<maker>/0003-of-0008.json         what they follow from, counts, refusals by reason with examples

A piece whose receipt is there and fits its file is not made again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, ValidationError

from finetune.build.kinds import Shard
from finetune.build.settings import BuildSettings
from finetune.instructions import Refusal, Row, write_rows
from tools.errors import InputFileError
from tools.schemas import Frozen

__all__ = ["INVENTED", "Notes", "Piece", "Receipt", "Refused", "file_hash", "keep", "pieces", "receipt_of"]

INVENTED = "invented"
"""The maker that needs no corpus, and its source."""

EXAMPLES = 5
"""Candidates that a receipt names for each reason."""


class Refused(Frozen):
    """Candidates of one task that were refused for one reason."""

    task: str
    source: str
    why: str
    count: int
    examples: tuple[str, ...] = ()


class Receipt(Frozen):
    """What one piece came to."""

    follows_from: str = Field(description="Hash over everything that decides what is made.")
    sha256: str = Field(description="Of the file of rows.")
    counts: dict[str, int] = Field(description="Task to instructions.")
    refused: tuple[Refused, ...] = ()
    lengths: dict[str, int] = Field(default={}, description="Example id to tokens, or characters.")

    @property
    def line(self) -> str:
        """What it came to, in one line."""
        made = ", ".join(f"{count:,} {task}" for task, count in self.counts.items()) or "nothing"
        return f"{made}; {sum(one.count for one in self.refused):,} refused"


@dataclass(frozen=True)
class Piece:
    """One piece of one maker's work."""

    maker: str
    shard: Shard

    @property
    def name(self) -> str:
        """As its files are called."""
        return f"{self.shard.number:04}-of-{self.shard.of:04}"

    def file(self, folder: Path) -> Path:
        """Its rows below a folder."""
        return folder / self.maker / f"{self.name}.parquet"


@dataclass
class Notes:
    """What is counted while rows are drawn."""

    counts: Counter[str] = field(default_factory=Counter)
    """Task to rows."""
    refused: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Task, source and reason to candidates."""
    examples: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    """Example id to its length."""

    def refuse(self, one: Refusal) -> None:
        """Count a refusal, and name the first few."""
        key = (one.task, one.source, one.why)
        self.refused[key] += 1
        shown = self.examples.setdefault(key, [])
        if one.what and len(shown) < EXAMPLES:
            shown.append(one.what[:200])

    def told(self) -> tuple[Refused, ...]:
        """The refusals by task, source and reason."""
        return tuple(
            Refused(task=key[0], source=key[1], why=key[2], count=count, examples=tuple(self.examples[key]))
            for key, count in sorted(self.refused.items())
        )


def pieces(settings: BuildSettings, mine: Shard = Shard()) -> list[Piece]:  # noqa: B008 - immutable
    """The pieces of a build, or those of one process: makers in the order of the settings."""
    of = settings.pieces
    names = [*settings.makers, *([INVENTED] if settings.invented.count else [])]
    return [Piece(name, Shard(n, of)) for name in names for n in range(of) if n % mine.of == mine.number]


def receipt_of(path: Path) -> Receipt | None:
    """The receipt beside a file of rows; None where there is none, or the file is not the one it tells of."""
    try:
        receipt = Receipt.model_validate_json(path.with_suffix(".json").read_text(encoding="utf-8"))
        return receipt if receipt.sha256 == file_hash(path) else None
    except (OSError, ValidationError):
        return None


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(path: Path, rows: Iterator[Row], follows_from: str, notes: Notes) -> Receipt:
    """Write rows and, after them, the receipt: what is counted is counted while the rows are drawn.

    Raises:
        InputFileError: the disk is full, or the folder cannot be written to.
    """
    beside = path.with_suffix(".json")
    partial = path.with_suffix(".json.partial")
    try:
        beside.unlink(missing_ok=True)
        write_rows(path, rows)
        receipt = Receipt(
            follows_from=follows_from,
            sha256=file_hash(path),
            counts=dict(sorted(notes.counts.items())),
            refused=notes.told(),
            lengths=dict(sorted(notes.lengths.items())),
        )
        told = json.dumps(receipt.model_dump(mode="json"), indent=1, ensure_ascii=False)
        partial.write_text(told + "\n", encoding="utf-8")
        partial.replace(beside)
    except OSError as e:
        raise InputFileError(
            f"{path}: cannot be kept: {e}. Remedy: free space, or choose another --out."
        ) from e
    return receipt
