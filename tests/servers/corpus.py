"""Records from JSON lines, as the servers take them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.schemas import Record

_TAKEN = frozenset(Record.model_fields) - {"record_id", "year", "pmid", "doi"}
# XML 1.0 has no form for these; PubMed would not send them either.
_FORBIDDEN = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


def records(path: Path) -> Iterator[Record]:
    """One record for each line that has a `pmid`; fields that a `Record` lacks are left out."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("pmid"):
                yield record(row)


def record(row: dict[str, Any]) -> Record:
    """A record of one row; a year may be a text that holds one."""
    year = str(row.get("year") or "")[:4]
    taken = {name: row[name] for name in _TAKEN & row.keys() if row[name] is not None}
    return Record(
        record_id=f"pubmed:{row['pmid']}",
        pmid=str(row["pmid"]),
        year=int(year) if year.isdigit() else None,
        doi=row["doi"].lower() if row.get("doi") else None,
        **{name: _clean(value) for name, value in taken.items()},
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.translate(_FORBIDDEN)
    return tuple(map(_clean, value)) if isinstance(value, list | tuple) else value
