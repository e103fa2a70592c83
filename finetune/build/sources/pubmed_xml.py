"""PubMed's XML: NLM's baseline and update files, or any set of articles, plain or gzipped.

A record's registrations come from its DataBankList and from its abstract, and no longer tell which. For links that
matters, so that the data banks' numbers are noted as the bytes go by, which costs little beside parsing them.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from finetune.build.kinds import Link
from finetune.build.sources.source import Item, Kind, Source, Unread, files_named
from tools.errors import InputFileError
from tools.schemas import Record
from tools.search.pubmed_xml import Unreadable, parse_article_set

__all__ = ["KIND"]

_NOTED = re.compile(
    rb"<MedlineCitation\b[^>]*>\s*<PMID[^>]*>(?P<pmid>\d+)|<AccessionNumber>\s*(?P<number>NCT\d{8})\s*<"
)
_LONGEST = 400
"""Bytes that such a place may take: attributes and white space included."""


def _read(path: Path, source: Source) -> Iterator[Item]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            noting = _Noting(cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw)
            for item in parse_article_set(cast(IO[bytes], noting)):
                if isinstance(item, Unreadable):
                    yield Unread(f"article {item.position}, PMID {item.pmid or 'unknown'}", item.reason)
                    continue
                yield item
                for number in noting.numbers.pop(item.pmid or "", ()) if isinstance(item, Record) else ():
                    yield Link(pmid=item.pmid or "", nct_id=number, evidence="databank", source=source.name)
    except (OSError, EOFError, zlib.error) as e:
        raise InputFileError(f"{path}: cannot be read: {e}. Remedy: copy or fetch it again.") from e


class _Noting:
    """A stream of PubMed XML that notes which registrations stand in the data banks of which article."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._seen = b""
        self._pmid = ""
        self.numbers: dict[str, dict[str, None]] = {}
        """PMID to its numbers; an article's are complete when the parser gives its record."""

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._seen += data
        end = 0
        for found in _NOTED.finditer(self._seen):
            end = found.end()
            if found["pmid"]:
                self._pmid = found["pmid"].decode()
            else:
                self.numbers.setdefault(self._pmid, {})[found["number"].decode()] = None
        self._seen = self._seen[max(end, len(self._seen) - _LONGEST) :]
        return data


KIND = Kind(_read, files_named(".xml"))
