"""The tables of a corpus: which columns a row of each kind has, and how an item becomes a row. Pure.

Each row holds what it is looked up and sorted by in columns of its own, and everything as JSON in `body`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from finetune.build.kinds import Annotation, Candidate, Link, Paper, Review, Trial
from finetune.build.sources import Item, Unread
from finetune.build.told_links import links_of
from tools.schemas import Frozen, Record
from tools.search.pubmed_xml import Deleted

__all__ = ["TABLES", "Row", "rows_of", "schema"]

TABLES: dict[str, dict[str, str]] = {
    "reviews": {"review_id": "string", "source": "string", "body": "string"},
    "candidates": {"review_id": "string", "record_id": "string", "body": "string"},
    "records": {
        "pmid": "int64",
        "abstract": "bool",
        "updated": "string",
        "filled": "int32",
        "size": "int32",
        "source": "string",
        "body": "string",
    },
    "deleted": {"pmid": "int64"},
    "trials": {
        "nct_id": "string",
        "results": "bool",
        "updated": "string",
        "size": "int32",
        "source": "string",
        "body": "string",
    },
    "papers": {
        "report_id": "string",
        "pmid": "int64",
        "pmcid": "int64",
        "licensed": "bool",
        "size": "int32",
        "source": "string",
        "body": "string",
    },
    "annotations": {"annotation_id": "string", "kind": "string", "source": "string", "body": "string"},
    "links": {
        "pmid": "int64",
        "nct_id": "string",
        "evidence": "string",
        "source": "string",
        "where": "string",
    },
    "unread": {"source": "string", "what": "string", "why": "string"},
}
"""Table to columns. Rows of a file are sorted by the first column, then by the order in which they were read."""


class Row(NamedTuple):
    """A row and the table it belongs to."""

    table: str
    values: dict[str, Any]


def schema(table: str) -> Any:
    """The table's columns, for pyarrow."""
    import pyarrow as pa

    kinds = {"string": pa.string(), "int64": pa.int64(), "int32": pa.int32(), "bool": pa.bool_()}
    return pa.schema([(name, kinds[kind]) for name, kind in TABLES[table].items()])


def rows_of(item: Item, source: str) -> Iterator[Row]:
    """The rows that an item becomes: its own, and those of the links that it tells of."""
    if isinstance(item, Record):
        yield from _record(item, source)
    elif isinstance(item, Candidate):
        yield Row(
            "candidates",
            {"review_id": item.review_id, "record_id": item.record.record_id, "body": _json(item)},
        )
        if item.record.pmid and item.record.title:
            yield from _record(item.record, source)
    elif isinstance(item, Unread):
        yield Row("unread", {"source": source, "what": item.what[:200], "why": item.why[:500]})
    elif isinstance(item, Deleted):
        yield Row("deleted", {"pmid": int(item.pmid)})
    elif isinstance(item, Link):
        yield Row("links", item.model_dump() | {"pmid": int(item.pmid)})
    else:
        yield _document(item, source)
        for link in links_of(item, source):
            yield Row("links", link.model_dump() | {"pmid": int(link.pmid)})


def _record(record: Record, source: str) -> Iterator[Row]:
    # An export's tags, verbatim, are the whole record once more.
    body = _json(record.model_copy(update={"fields": ()}) if record.fields else record)
    filled = sum(bool(value) for name, value in record if name not in ("fields", "warnings"))
    values = {
        "pmid": int(record.pmid or 0),
        "abstract": bool(record.abstract),
        "updated": record.updated or "",
        "filled": filled,
        "size": len(body),
        "source": source,
        "body": body,
    }
    yield Row("records", values)
    for link in links_of(record, source):
        yield Row("links", link.model_dump() | {"pmid": int(link.pmid)})


def _document(item: Review | Trial | Paper | Annotation, source: str) -> Row:
    body = _json(item)
    shared = {"source": source, "body": body}
    if isinstance(item, Review):
        return Row("reviews", {"review_id": item.review_id, **shared})
    if isinstance(item, Annotation):
        return Row("annotations", {"annotation_id": item.annotation_id, "kind": item.kind, **shared})
    if isinstance(item, Trial):
        day = _day(item.document)
        return Row(
            "trials",
            {"nct_id": item.nct_id, "results": item.has_results, "updated": day, "size": len(body), **shared},
        )
    numbers = {
        "pmid": int(item.pmid) if item.pmid else None,
        "pmcid": int(item.pmcid.removeprefix("PMC")) if item.pmcid else None,
        "licensed": item.licence != "unknown",
    }
    return Row("papers", {"report_id": item.report_id, **numbers, "size": len(body), **shared})


def _day(document: dict[str, Any]) -> str:
    status = document.get("protocolSection", {}).get("statusModule") or {}
    return str(
        (status.get("lastUpdatePostDateStruct") or {}).get("date") or status.get("lastUpdateSubmitDate") or ""
    )


def _json(item: Frozen) -> str:
    return item.model_dump_json(exclude_defaults=True)
