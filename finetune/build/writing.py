"""Rows to Parquet files, table by table, in pieces that fit into memory; each file whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetune.build.tables import TABLES, Row, schema
from tools.schemas import Frozen

__all__ = ["Output", "Writer", "files_of", "partials_of", "sha256_of_file", "write_whole"]

MAX_TEXT = 32 << 20
"""Characters of a table that are held before they are written."""
PER_GROUP = 512
"""Rows of a row group at most; what is read to get at one row."""
GROUP_TEXT = 1 << 19


class Output(Frozen):
    """A file that was written."""

    table: str
    name: str
    rows: int
    size: int
    sha256: str


class Writer:
    """Rows to Parquet files, table by table, in pieces that fit into memory."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder, self._stem = folder, stem
        self._held: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
        self._text: Counter[str] = Counter()
        self._partial: list[tuple[str, Path, Path, int]] = []
        self.counts: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """Hold a row; what is held of its table is written where it has become too much."""
        self._held[row.table].append(row.values)
        self._text[row.table] += len(row.values.get("body", "")) + 100
        self.counts[row.table] += 1
        if row.table == "unread":
            self.unread[row.values["why"].partition(":")[0]] += 1
        if self._text[row.table] >= MAX_TEXT:
            self._write(row.table)

    def finish(self) -> tuple[Output, ...]:
        """Write what is left, give all files their names, and take away what an earlier reading left."""
        for table in TABLES:
            if self._held[table]:
                self._write(table)
        outputs = []
        for table, partial, final, rows in self._partial:
            partial.replace(final)
            name = final.relative_to(self._folder).as_posix()
            size, digest = final.stat().st_size, sha256_of_file(final)
            outputs.append(Output(table=table, name=name, rows=rows, size=size, sha256=digest))
        kept = {final for _, _, final, _ in self._partial}
        for old in files_of(self._folder, self._stem):
            if old not in kept:
                old.unlink()
        return tuple(sorted(outputs, key=lambda o: o.name))

    def clear(self) -> None:
        """Take away what was not finished."""
        for _, partial, _, _ in self._partial:
            partial.unlink(missing_ok=True)

    def _write(self, table: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        key = next(iter(TABLES[table]))
        rows = sorted(self._held[table], key=lambda values: values[key])
        number = sum(done == table for done, *_ in self._partial)
        final = self._folder / table / f"{self._stem}-{number:04}.parquet"
        partial = final.with_suffix(f".partial-{os.getpid()}")
        self._partial.append((table, partial, final, len(rows)))
        final.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(partial, schema(table), compression="zstd", write_page_checksum=True) as file:
            for group in _groups(rows):
                file.write_table(pa.Table.from_pylist(group, schema=schema(table)))
        self._held[table] = []
        self._text[table] = 0


def _groups(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Row groups: small enough that reading one row of it costs little, whatever the rows' length."""
    group: list[dict[str, Any]] = []
    text = 0
    for values in rows:
        group.append(values)
        text += len(values.get("body", ""))
        if len(group) == PER_GROUP or text >= GROUP_TEXT:
            yield group
            group, text = [], 0
    if group:
        yield group


# Files ---------------------------------------------------------------------------------------------


def files_of(folder: Path, stem: str) -> list[Path]:
    """The Parquet files of a unit."""
    return sorted(p for table in TABLES for p in (folder / table).glob(f"{stem}-[0-9]*.parquet"))


def partials_of(folder: Path, stem: str) -> list[Path]:
    """What a process left unfinished that was killed."""
    return sorted(p for table in (*TABLES, "receipts") for p in (folder / table).glob(f"{stem}*.partial-*"))


def sha256_of_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all; OSError where that cannot be."""
    partial = path.with_suffix(f".partial-{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
