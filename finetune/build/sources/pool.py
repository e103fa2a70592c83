"""JSON lines of records: `pmid`, `title`, `abstract`, and `year`, `doi`, `pmcid` where known."""

from collections.abc import Iterator
from pathlib import Path

from finetune.build.sources.source import Item, Kind, Source, Unread, files_named, json_rows, plain_record

__all__ = ["KIND"]


def _read(path: Path, source: Source) -> Iterator[Item]:
    for number, row in json_rows(path):
        if isinstance(row, Unread):
            yield row
            continue
        record = plain_record(row)
        if record.pmid is None:
            yield Unread(f"line {number}", "no PMID")
        elif not record.title and not record.abstract:
            yield Unread(f"line {number}", "neither title nor abstract")
        else:
            yield record


KIND = Kind(_read, files_named(".jsonl"))
