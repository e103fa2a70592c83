"""A list of papers and the registry entries that they belong to: `trials: [{pmid, nct_id, extraction_method}]`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from finetune.build.kinds import Link
from finetune.build.sources.source import Item, Kind, Source, Unread, files_named, text_of
from tools.errors import InputFileError
from tools.identifiers import normal_pmid

__all__ = ["KIND"]


def _read(path: Path, source: Source) -> Iterator[Item]:
    try:
        rows = json.loads(text_of(path))["trials"]
    except (ValueError, KeyError, TypeError) as e:
        raise InputFileError(f"{path}: no list of links: {e!r}. Remedy: JSON with a list `trials`.") from e
    for number, row in enumerate(rows, 1):
        pmid, nct_id = normal_pmid(str(row.get("pmid") or "")), str(row.get("nct_id") or "").upper()
        if pmid is None or not re.fullmatch(r"NCT\d{8}", nct_id):
            yield Unread(f"link {number}", "no PMID or no NCT number")
            continue
        yield Link(
            pmid=pmid,
            nct_id=nct_id,
            evidence="listed",
            source=source.name,
            where=str(row.get("extraction_method") or ""),
        )


KIND = Kind(_read, files_named(".json"))
