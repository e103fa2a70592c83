"""Numbers per arm of one outcome, events or means (hyesunyun/llm-meta-analysis): JSON lines."""

from collections.abc import Iterator
from pathlib import Path

from finetune.build.kinds import Annotation
from finetune.build.sources.source import Item, Kind, Source, Unread, files_named, json_rows
from tools.identifiers import normal_pmcid, normal_pmid

__all__ = ["KIND"]

_NEEDED = ("id", "pmcid", "outcome", "intervention", "comparator", "outcome_type")


def _read(path: Path, source: Source) -> Iterator[Item]:
    for number, row in json_rows(path):
        if isinstance(row, Unread):
            yield row
            continue
        missing = [k for k in _NEEDED if not row.get(k)]
        if missing:
            yield Unread(f"line {number}", f"fields missing: {', '.join(missing)}")
            continue
        yield Annotation(
            annotation_id=f"{source.name}:{row['id']}",
            kind="numbers",
            source=source.name,
            licence=source.licence,
            pmid=normal_pmid(str(row.get("pmid") or "")),
            pmcid=normal_pmcid(str(row["pmcid"])),
            body=row,
        )


KIND = Kind(_read, files_named(".jsonl"))
