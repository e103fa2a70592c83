"""The reports that extraction is measured on: full texts of a folder of data, else abstracts."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tools.errors import InputFileError
from tools.fulltext import jats
from tools.schemas import Passage

__all__ = ["Report", "Texts", "is_of", "json_lines"]


@dataclass(frozen=True)
class Report:
    """A text at hand."""

    kind: str
    """`full text` or `abstract`."""
    title: str
    passages: tuple[Passage, ...]


class Texts:
    """The reports of a folder of data: full texts first, else abstracts by PMID."""

    def __init__(self, data: Path, full_texts: Path | None = None) -> None:
        self._data, self._jats = data, full_texts or data / "jats"
        self._read: dict[str, Report | None] = {}

    @cached_property
    def _pool(self) -> dict[str, dict[str, Any]]:
        pool = self._data / "pubmed" / "pool.jsonl.gz"
        return {row["pmid"]: row for row in json_lines(pool)} if pool.exists() else {}

    def of(self, pmcid: str, pmid: str) -> Report | None:
        """The report; None where neither text is at hand."""
        if pmcid not in self._read:
            self._read[pmcid] = self._full(pmcid) or self._abstract(pmid)
        return self._read[pmcid]

    def _full(self, pmcid: str) -> Report | None:
        names = (f"{pmcid}.{ending}" for ending in ("nxml.gz", "xml.gz", "nxml", "xml"))
        path = next((self._jats / name for name in names if (self._jats / name).exists()), None)
        if path is None:
            return None
        data = path.read_bytes()
        text = jats.parse(
            gzip.decompress(data) if path.suffix == ".gz" else data, report_id=pmcid, source=path.name
        )
        return Report("full text", text.title, text.passages)

    def _abstract(self, pmid: str) -> Report | None:
        row = self._pool.get(pmid, {})
        if not row.get("abstract"):
            return None
        title = row.get("title") or ""
        abstract = Passage(
            section="abstract", kind="abstract", start=len(title) + 1, text=str(row["abstract"])
        )
        return Report(
            "abstract", title, (Passage(section="title", kind="title", start=0, text=title), abstract)
        )


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, gzipped or not.

    Raises:
        InputFileError: when it cannot be read.
    """
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
        ) as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, ValueError) as e:
        raise InputFileError(
            f"{path}: cannot be read as JSON lines: {e!r}. Remedy: see --data and --gold."
        ) from e


def is_of(part: str, pmcid: str) -> bool:
    """Even PMC numbers are for writing rules (`design`), odd ones for measuring them (`held-out`); `all` is both."""
    even = int(pmcid.removeprefix("PMC")) % 2 == 0
    return part == "all" or even == (part == "design")
