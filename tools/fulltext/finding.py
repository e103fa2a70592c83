"""Where full texts are looked for: the reviewer's folder first, then PubMed Central.

What was found is kept as an exchange, so that a replay reads the same bytes; what was not found is
looked for again at every resume, since people add files while a review waits.
"""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tools.errors import InputFileError
from tools.exchange import ExchangeLog, found_here, key_of
from tools.fulltext import jats, pmc
from tools.schemas import Record, canonical_json
from tools.transport import Transport

__all__ = ["FolderFinder", "Found", "NotFound", "PmcFinder", "Stored", "TextFinder", "either"]

SUFFIXES = (".nxml", ".xml", ".nxml.gz", ".xml.gz")


@dataclass(frozen=True)
class Found:
    """The bytes of a full text and where they came from."""

    data: bytes
    source: str


@dataclass(frozen=True)
class NotFound:
    """There is no full text here: an answer, not a failure."""

    reason: str


class TextFinder(Protocol):
    """Finds the full text of a report."""

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The text, or why there is none.

        Args:
            record: the report's record.
            look: counts the looks that found nothing usable; a new look may find another file.

        Raises:
            SourceUnavailable: a service that may have it did not answer; that is not "none".
        """
        ...


class FolderFinder:
    """JATS files in a folder, known by the identifiers inside them or by their names.

    A file belongs to a record when it carries the record's PMID, PMCID or DOI, or is named after one of
    them or after the record's own key, with `/` written as `_`. A number inside a file is compared with
    numbers of its own kind only: another database's key 123 is not PMID 123.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[tuple[str, str], Path] | None = None

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The first file that belongs to the record."""
        inside = [("pmcid", record.pmcid), ("pmid", record.pmid), ("doi", record.doi)]
        names = [*(name for _, name in inside), record.record_id.partition(":")[2]]
        paths = self._index()
        for kind, name in [*inside, *(("named", name) for name in names)]:
            if name and (path := paths.get((kind, _plain(name)))) is not None:
                return Found(_read(path), path.name)
        return NotFound(f"no file for it in {self.folder.name}/")

    def _index(self) -> dict[tuple[str, str], Path]:
        if self._paths is None:
            self._paths = {}
            files = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
            for path in (p for p in files if p.name.endswith(SUFFIXES)):
                stem = path.name[: -len(next(s for s in SUFFIXES if path.name.endswith(s)))]
                for kind, name in [*_identifiers(path), ("named", stem)]:
                    self._paths.setdefault((kind, _plain(name)), path)
        return self._paths


class PmcFinder:
    """Open-access texts in PubMed Central, for records that carry a PMCID."""

    def __init__(self, transport: Transport, *, email: str, api_key: str | None, event: str) -> None:
        self.transport, self.email, self.api_key, self.event = transport, email, api_key, event

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The article that PMC gives for the record's PMCID."""
        if record.pmcid is None:
            return NotFound("no PMCID, so PMC was not asked")
        answer = pmc.fetch_jats(
            self.transport, record.pmcid, email=self.email, api_key=self.api_key, event=self.event
        )
        if isinstance(answer, pmc.NoFullText):
            return NotFound(f"PMC: {answer.reason}")
        return Found(answer, f"PMC {record.pmcid}")


class Stored:
    """Keeps what a finder finds, and serves what is kept."""

    def __init__(self, finder: TextFinder, log: ExchangeLog, clock: Callable[[], str]) -> None:
        self.finder, self.log, self.clock = finder, log, clock

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The kept text, or what the finder finds now."""
        request = canonical_json(
            {"service": "fulltext", "record_id": record.record_id, "version": record.version, "look": look}
        )
        if (kept := self.log.find(key_of(request))) is not None:
            return Found(kept.body, kept.content_type)
        found = self.finder.find(record, look)
        if isinstance(found, Found):
            told = {"content_type": found.source, "at": self.clock()}
            self.log.save(found_here("fulltext", request, found.data, **told))
        return found


def either(first: TextFinder, second: TextFinder) -> TextFinder:
    """Ask the second where the first has nothing; the reasons of both are kept."""
    return _Either(first, second)


@dataclass(frozen=True)
class _Either:
    first: TextFinder
    second: TextFinder

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        found = self.first.find(record, look)
        if isinstance(found, Found):
            return found
        other = self.second.find(record, look)
        return other if isinstance(other, Found) else NotFound(f"{found.reason}; {other.reason}")


def _read(path: Path) -> bytes:
    try:
        if path.suffix != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            return file.read(
                jats.MAX_BYTES + 1
            )  # one more than is read later: a bomb stays small and is refused
    except (OSError, EOFError, zlib.error) as e:
        raise InputFileError(f"{path} cannot be read: {e}. Replace it, or move it out of the folder.") from e


def _plain(name: str) -> str:
    return name.casefold().replace("/", "_").replace(":", "_")


def _identifiers(path: Path) -> list[tuple[str, str]]:
    """PMCID, PMID and DOI inside a file; none if it is unreadable, which shows when it is read for good."""
    try:
        text = jats.parse(_read(path), report_id=path.name, source=path.name)
    except (InputFileError, jats.UnreadableFullText):
        return []
    found = [("pmcid", text.pmcid), ("pmid", text.pmid), ("doi", text.doi)]
    return [(kind, name) for kind, name in found if name]
