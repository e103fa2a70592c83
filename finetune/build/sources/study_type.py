"""Abstracts and what kind of study they tell of (wmotte/asreview_rcts): a table with a column of 0 and 1 per kind.

Where a cell says neither, the kind is not told. Each row is also a record.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from finetune.build.kinds import Annotation
from finetune.build.sources.source import Item, Kind, Source, Unread, files_named, lines_of, plain_record
from tools.errors import InputFileError

__all__ = ["KIND"]

NEEDED = ("pmid", "title", "abstract")


def _read(path: Path, source: Source) -> Iterator[Item]:
    reader = csv.DictReader(lines_of(path), delimiter="\t", quoting=csv.QUOTE_NONE)
    names = reader.fieldnames or ()
    if missing := [n for n in NEEDED if n not in names]:
        raise InputFileError(
            f"{path}: has no column {', '.join(missing)}; it has: {', '.join(names) or 'none'}. "
            f"Remedy: a table separated by tabs, whose first line names {', '.join(NEEDED)} and the kinds."
        )
    kinds = [n for n in names if n not in (*NEEDED, "text")]
    for number, row in enumerate(reader, 2):
        record = plain_record(row)
        if record.pmid is None or not record.title:
            yield Unread(f"line {number}", "no PMID or no title")
            continue
        yield record
        yield Annotation(
            annotation_id=f"{source.name}:{record.pmid}",
            kind="design",
            source=source.name,
            licence=source.licence,
            pmid=record.pmid,
            title=record.title,
            text=record.text,
            body={kind: row[kind] == "1" for kind in kinds if row.get(kind) in ("0", "1")},
        )


KIND = Kind(_read, files_named(".tsv"))
