"""Input files to Parquet, one input after the other: whole or not at all, and none of them twice.

A *unit* is what is read and kept in one piece: a large file by itself, small ones in bundles. Its rows lie in
files of their own (`<table>/<unit>-<n>.parquet`), each of at most some 32 MB of text, so that memory does not
grow with the input. When all of them are there, a receipt (`receipts/<unit>.json`) is written: inputs with their
hashes, outputs with theirs, counts. What has no receipt does not count, whatever was stopped and when.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from finetune.build.sources import READERS, Part, Source, Unread
from finetune.build.tables import TABLES, Row, rows_of
from finetune.build.writing import Output, Writer, files_of, partials_of, sha256_of_file, write_whole
from tools.errors import InputFileError
from tools.schemas import Frozen, canonical_json, sha256_of

__all__ = [
    "TABLES",
    "Input",
    "Output",
    "Receipt",
    "Unit",
    "drop_damaged_receipts",
    "fingerprint",
    "make",
    "receipts",
    "remove",
    "standing",
    "units",
]

LARGE = 1 << 20
"""Bytes from which a file is a unit by itself: a Parquet file for each of a million articles helps nobody."""
PER_BUNDLE = 256
VERSION = 1
"""Of the tables themselves; goes up when they change."""


class Unit(NamedTuple):
    """What is read and kept in one piece."""

    key: str
    """`<source>/<file>` or `<source>/bundle 3 of 8`; the same on every machine."""
    source: Source
    parts: tuple[Part, ...]

    @property
    def stem(self) -> str:
        """How its files are named."""
        return f"{self.source.name}-{sha256_of(self.key)[:12]}"


class Input(Frozen):
    """A file that was read."""

    name: str
    size: int
    sha256: str


class Receipt(Frozen):
    """What became of a unit."""

    unit: str
    source: str
    kind: str
    licence: str
    version: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    counts: dict[str, int]
    unread: dict[str, int]


# Units -------------------------------------------------------------------------------------------


def units(source: Source) -> list[Unit]:
    """The units of a source, in the order of their keys.

    Raises:
        InputFileError: its path is not there, or holds nothing of its kind.
    """
    if not source.path.exists():
        raise InputFileError(
            f"{source.path}: is not there (source {source.name}). Remedy: correct its path in the list of sources."
        )
    parts = READERS[source.kind].parts(source.path)
    base = source.path if source.path.is_dir() else source.path.parent
    small = [p for p in parts if _size(p) < LARGE]
    bundles = 1
    while len(small) > bundles * PER_BUNDLE:
        bundles *= 2
    made: dict[str, list[Part]] = {}
    for part in parts:
        name = part.path.relative_to(base).as_posix()
        if len(small) > 1 and _size(part) < LARGE:
            # By its name's hash: a file that comes or goes changes one bundle, not all after it.
            name = f"bundle {int(sha256_of(name)[:8], 16) % bundles + 1} of {bundles}"
        made.setdefault(f"{source.name}/{name}", []).append(part)
    return [Unit(key, source, tuple(made[key])) for key in sorted(made)]


def _size(part: Part) -> int:
    return sum(p.stat().st_size for p in part.files)


def _version(source: Source) -> str:
    return f"{VERSION}.{READERS[source.kind].version}"


# Receipts ----------------------------------------------------------------------------------------


def receipts(folder: Path) -> list[Receipt]:
    """All receipts of a corpus, in the order of their names.

    Raises:
        InputFileError: one of them is damaged.
    """
    return [_receipt(p) for p in sorted((folder / "receipts").glob("*.json"))]


def _receipt(path: Path) -> Receipt:
    try:
        return Receipt.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise InputFileError(
            f"{path}: is no receipt of a shard: {e}. Remedy: delete it and ingest again; only its file is read anew."
        ) from e


def drop_damaged_receipts(folder: Path) -> None:
    """Take away receipts that cannot be read: what they stood for does not count, and is read again."""
    for path in sorted((folder / "receipts").glob("*.json")):
        try:
            _receipt(path)
        except InputFileError:
            path.unlink()


def standing(unit: Unit, folder: Path) -> Receipt | None:
    """The receipt of a unit that need not be read again: same inputs, same reader, its files undamaged."""
    path = folder / "receipts" / f"{unit.stem}.json"
    try:
        known = _receipt(path) if path.is_file() else None
    except InputFileError:
        return None
    same = (unit.key, unit.source.kind, unit.source.licence, _version(unit.source))
    if known is None or (known.unit, known.kind, known.licence, known.version) != same:
        return None
    if known.inputs != tuple(_inputs(unit)):
        return None
    return known if all(_undamaged(folder / o.name, o) for o in known.outputs) else None


def _undamaged(path: Path, output: Output) -> bool:
    return path.is_file() and path.stat().st_size == output.size and sha256_of_file(path) == output.sha256


def _inputs(unit: Unit) -> Iterator[Input]:
    base = unit.source.path if unit.source.path.is_dir() else unit.source.path.parent
    for path in dict.fromkeys(p for part in unit.parts for p in part.files):
        try:
            yield Input(
                name=os.path.relpath(path, base), size=path.stat().st_size, sha256=sha256_of_file(path)
            )
        except OSError as e:
            raise InputFileError(
                f"{path}: cannot be read: {e}. Remedy: check its name and its rights."
            ) from e


# Writing -----------------------------------------------------------------------------------------


def make(unit: Unit, folder: Path) -> Receipt:
    """Read a unit and write its files, its receipt last.

    A part that cannot be read, or not to its end, is an unread item; what was read of it before counts.

    Raises:
        InputFileError: the disk is full, or the folder cannot be written to.
    """
    inputs = tuple(_inputs(unit))
    path = folder / "receipts" / f"{unit.stem}.json"
    writer = Writer(folder, unit.stem)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # From here on the old files do not count: they are about to be replaced one by one.
        path.unlink(missing_ok=True)
        for row in _rows(unit):
            writer.add(row)
        outputs = writer.finish()
        receipt = Receipt(
            unit=unit.key,
            source=unit.source.name,
            kind=unit.source.kind,
            licence=unit.source.licence,
            version=_version(unit.source),
            inputs=inputs,
            outputs=outputs,
            counts=dict(sorted(writer.counts.items())),
            unread=dict(sorted(writer.unread.items())),
        )
        write_whole(path, json.dumps(receipt.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")
    except OSError as e:
        raise InputFileError(
            f"{folder}: {unit.key} cannot be kept: {e}. Remedy: free space, or choose another --out, and ingest "
            "again; what is finished is not read again."
        ) from e
    finally:
        writer.clear()
    for left in partials_of(folder, unit.stem):  # of a process that was killed
        left.unlink(missing_ok=True)
    return receipt


def _rows(unit: Unit) -> Iterator[Row]:
    kind = READERS[unit.source.kind]
    for part in unit.parts:
        try:
            for item in kind.read(part.path, unit.source):
                yield from rows_of(item, unit.source.name)
        except InputFileError as e:
            yield from rows_of(Unread(part.path.name, f"damaged file: {e}"), unit.source.name)
        except ValidationError as e:
            why = "; ".join(f"{'.'.join(map(str, x['loc']))}: {x['msg']}" for x in e.errors()[:3])
            yield from rows_of(Unread(part.path.name, f"not in its form: {why}"), unit.source.name)


def remove(receipt: Receipt, folder: Path) -> None:
    """Take a unit's files away, its receipt first: half of a unit never counts."""
    stem = f"{receipt.source}-{sha256_of(receipt.unit)[:12]}"
    (folder / "receipts" / f"{stem}.json").unlink(missing_ok=True)
    for path in (*files_of(folder, stem), *partials_of(folder, stem)):
        path.unlink(missing_ok=True)


def fingerprint(known: Iterable[Receipt]) -> str:
    """16 hex digits over all files of a corpus: what is derived from it is kept under this name."""
    return sha256_of(canonical_json([[o.name, o.sha256] for r in known for o in r.outputs]))[:16]
