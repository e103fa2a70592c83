"""What a reader of one kind of source gives, and the small things that all of them need."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pydantic import Field

from finetune.build.kinds import Annotation, Candidate, Link, Paper, Review, Trial
from tools.errors import InputFileError
from tools.identifiers import normal_doi, normal_pmcid, normal_pmid
from tools.schemas import Frozen, Record
from tools.search.pubmed_xml import Deleted

__all__ = [
    "Item",
    "Kind",
    "Part",
    "Source",
    "Unread",
    "files_named",
    "json_rows",
    "plain_record",
    "text_of",
    "year_in",
]

NAME = r"[a-z0-9][a-z0-9_-]{0,40}"
"""Names of sources stand in file names and in ids."""


class Source(Frozen):
    """One line of the list of sources."""

    name: str = Field(pattern=f"^{NAME}$", description="Lower case; stands in ids and in file names.")
    kind: str = Field(description="How it is read: a key of `READERS`.")
    path: Path = Field(description="A file or a folder.")
    licence: str = Field(default="unknown", min_length=1, description="Of what does not state one itself.")


class Unread(NamedTuple):
    """An item of a source of which nothing was made."""

    what: str
    """Which item, such as `line 12` or a file's name."""
    why: str
    """Short and, up to the first colon, from a fixed set, so that it can be counted."""


Item: TypeAlias = Review | Candidate | Record | Trial | Paper | Annotation | Link | Deleted | Unread


class Part(NamedTuple):
    """What is read in one piece: a file or a folder, and what else its rows depend on."""

    path: Path
    beside: tuple[Path, ...] = ()
    """Further files. They are part of what makes it another input when they change."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files of it, in a fixed order."""
        own = (
            tuple(sorted(p for p in self.path.rglob("*") if p.is_file()))
            if self.path.is_dir()
            else (self.path,)
        )
        return (*own, *self.beside)


class Kind(NamedTuple):
    """How one kind of source is read."""

    read: Callable[[Path, Source], Iterator[Item]]
    """What one part holds. Raises InputFileError where the whole part is not what it should be."""
    parts: Callable[[Path], list[Part]]
    """The parts of a path, in the order of their names. Raises InputFileError where there are none."""
    version: int = 1
    """Goes up when the same file gives other items, so that it is read again."""


# Files -------------------------------------------------------------------------------------------


def files_named(*endings: str) -> Callable[[Path], list[Part]]:
    """A function that finds the files below a folder with these endings (gzip's may follow); a file is itself."""

    def find(path: Path) -> list[Part]:
        if path.is_file():
            return [Part(path)]
        whole = tuple(e + packed for e in endings for packed in ("", ".gz"))
        found = sorted(p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(whole))
        if not found:
            raise InputFileError(
                f"{path}: holds no file that ends in {', '.join(endings)} (or the same with .gz). "
                "Remedy: correct the path in the list of sources, or take the source out of it."
            )
        return [Part(p) for p in found]

    return find


def text_of(path: Path) -> str:
    """The text of a file, plain or gzipped; a byte order mark is dropped.

    Raises:
        InputFileError: it is not there, damaged, or no UTF-8.
    """
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as e:
        raise InputFileError(f"{path}: cannot be read: {e}. Remedy: copy or fetch it again.") from e


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a text file, plain or gzipped, one at a time.

    Raises:
        InputFileError: as `text_of`; also in the middle, where the damage is.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with (
            gzip.open(path, "rt", encoding="utf-8-sig")
            if packed
            else path.open(encoding="utf-8-sig") as lines
        ):
            yield from lines
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as e:
        raise InputFileError(f"{path}: cannot be read: {e}. Remedy: copy or fetch it again.") from e


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | Unread]]:
    """(number of the line, its JSON object), or why there is none; empty lines are passed over.

    Raises:
        InputFileError: as `lines_of`.
    """
    for number, line in enumerate(lines_of(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as e:
            yield number, Unread(f"line {number}", f"no JSON: {e}")
            continue
        yield number, row if isinstance(row, dict) else Unread(f"line {number}", "no JSON object")


# Records -----------------------------------------------------------------------------------------


def year_in(given: Any) -> int | None:
    """The first year in a value of any form; None where there is none."""
    found = re.search(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)", str(given or ""))
    return int(found.group()) if found else None


def plain_record(row: Mapping[str, Any], record_id: str = "") -> Record:
    """A record of plain fields: pmid, title, abstract, and year, doi, pmcid, journal, mesh where known.

    Args:
        record_id: where it has no PMID.
    """
    pmid = normal_pmid(str(row.get("pmid") or ""))
    return Record(
        record_id=f"pubmed:{pmid}" if pmid else record_id,
        title=" ".join(str(row.get("title") or "").split()),
        abstract=str(row.get("abstract") or "").strip(),
        year=year_in(row.get("year")),
        journal=str(row.get("journal") or ""),
        pmid=pmid,
        pmcid=normal_pmcid(str(row.get("pmcid") or "")),
        doi=normal_doi(str(row.get("doi") or "")),
        mesh=_texts(row.get("mesh") or row.get("mesh_terms")),
        publication_types=_texts(row.get("publication_types")),
    )


def pmids_in(given: Iterable[Any]) -> tuple[str, ...]:
    """Those that are PMIDs, each once, in order."""
    return tuple(dict.fromkeys(found for one in given if (found := normal_pmid(str(one)))))


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in given) if isinstance(given, list | tuple) else ()
