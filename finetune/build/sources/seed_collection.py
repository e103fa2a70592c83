"""ielab's seed collection (doi:10.1145/3477495.3531748): titles, strategies with dates, included PMIDs."""

from collections.abc import Iterator
from pathlib import Path

from finetune.build.kinds import Review
from finetune.build.sources.source import (
    Item,
    Kind,
    Source,
    Unread,
    files_named,
    json_rows,
    pmids_in,
    year_in,
)

__all__ = ["KIND"]


def _read(path: Path, source: Source) -> Iterator[Item]:
    for number, row in json_rows(path):
        if isinstance(row, Unread):
            yield row
            continue
        missing = [k for k in ("id", "title", "query") if not row.get(k)]
        if missing:
            yield Unread(f"line {number}", f"fields missing: {', '.join(missing)}")
            continue
        included = pmids_in(row.get("included_studies") or ())
        if not included:
            yield Unread(f"review {row['id']}", "no included PMID")
            continue
        name = " ".join(str(row.get("search_name") or "").split())
        yield Review(
            review_id=f"{source.name}:{row['id']}",
            source=source.name,
            licence=source.licence,
            title=" ".join(str(row["title"]).split()),
            question=name,
            year=year_in(row.get("Date_to")),
            strategies=(str(row["query"]),),
            included=included,
        )


KIND = Kind(_read, files_named(".jsonl"))
