"""Where full texts are looked for, and how what was found is kept.

The finders themselves: the reviewer's folder (`folder`), PubMed Central, Europe PMC and BioC (`services`), open
repositories (`unpaywall`). What was found is kept as an exchange, so that a replay reads the same bytes; what was
not found is looked for again at every resume, since people add files while a review waits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tools.exchange import ExchangeLog, found_here, key_of
from tools.fulltext import reading
from tools.schemas import FullText, Record, canonical_json, sha256_of

__all__ = ["Found", "NotFound", "Stored", "TextFinder", "Texts", "either"]


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
            InputFileError: the reviewer's file for it cannot be opened.
        """
        ...


class Texts(TextFinder, Protocol):
    """Finds full texts, and reads what was found."""

    def read(self, record: Record, found: Found, look: int = 1) -> FullText:
        """The passages in these bytes.

        Raises:
            UnreadableFullText: there are none that a machine can read.
        """
        ...


class Stored:
    """Keeps what a finder finds and what a slow reader reads, and serves what is kept."""

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

    def read(self, record: Record, found: Found, look: int = 1) -> FullText:
        """The passages in these bytes, as they were read the first time.

        Reading a PDF depends on a reader's version and on limits of time and memory, so its result is kept,
        also that there was none: a replay on a slower machine must not come to another end.
        """
        if not reading.is_slow(found.data):
            return reading.read(found.data, report_id=record.record_id, source=found.source)
        # Without the reader's name: what was read once stays read, until a new look is taken.
        asked = {"service": "fulltext-reading", "data": sha256_of(found.data), "look": look}
        request = canonical_json(asked)
        if (kept := self.log.find(key_of(request))) is None:
            body = reading.told(found.data, source=found.source)
            kept = found_here(
                "fulltext-reading", request, body, content_type="application/json", at=self.clock()
            )
            self.log.save(kept)
        return reading.retold(kept.body, report_id=record.record_id, source=found.source)


def either(*finders: TextFinder) -> TextFinder:
    """Ask the next where those before have nothing; the reasons of all are kept."""
    return _Either(finders)


@dataclass(frozen=True)
class _Either:
    finders: tuple[TextFinder, ...]

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        reasons = []
        for finder in self.finders:
            found = finder.find(record, look)
            if isinstance(found, Found):
                return found
            reasons.append(found.reason)
        return NotFound("; ".join(reasons))
