"""MS^2 (DeYoung et al. 2021, arXiv 2104.06486): reviews, their included studies, and what they conclude.

Read in the form of the MSLR shared task, `<part>-inputs.csv` (ReviewID, PMID, Title, Abstract) with
`<part>-targets.csv` (ReviewID, Target) and `<part>-reviews-info.csv` (ReviewID, Background) beside it, or as
JSON lines of reviews: as downloaded (`docid`, `title`, `included_studies`) or as loaded from a hub of data
sets (`review_id`, `pmid`, `title`, `abstract`, `target`, `background`). A ReviewID is the review's own PMID.

The records have no full-text labels: all of them are included. A review has no title of its own in the first
form; its background stands for its question.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from finetune.build.kinds import Candidate, Review
from finetune.build.sources.source import (
    Item,
    Kind,
    Part,
    Source,
    Unread,
    json_rows,
    lines_of,
    plain_record,
    year_in,
)
from tools.errors import InputFileError
from tools.identifiers import normal_pmid
from tools.schemas import Record

__all__ = ["KIND"]

INPUTS, TARGETS, INFO = "inputs.csv", "targets.csv", "reviews-info.csv"


def _parts(path: Path) -> list[Part]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    found = []
    for file in files:
        plain = file.name.removesuffix(".gz")
        if plain.endswith((".jsonl", ".json")):
            found.append(Part(file))
        elif plain.endswith(INPUTS):
            found.append(Part(file, tuple(p for end in (TARGETS, INFO) if (p := _beside(file, end)))))
    if not found:
        raise InputFileError(
            f"{path}: holds neither ...{INPUTS} nor .jsonl. "
            "Remedy: unpack the data set (MSLR 2022) and give its folder."
        )
    return found


def _beside(inputs: Path, ending: str) -> Path | None:
    stem = inputs.name.removesuffix(".gz").removesuffix(INPUTS)
    return next(
        (p for packed in ("", ".gz") if (p := inputs.with_name(stem + ending + packed)).is_file()), None
    )


def _read(path: Path, source: Source) -> Iterator[Item]:
    if path.name.removesuffix(".gz").endswith(INPUTS):
        yield from _tables(path, source)
        return
    for number, row in json_rows(path):
        if isinstance(row, Unread):
            yield row
            continue
        key = str(row.get("review_id") or row.get("docid") or "").strip()
        if not key:
            yield Unread(f"line {number}", "no review id")
            continue
        about = {"title": row.get("title"), "year": row.get("year"), "Background": row.get("background")}
        if isinstance(row.get("title"), list):  # titles of the studies, as a hub's rows have them
            about["title"] = ""
        records: dict[str, Record] = {}
        for study in _studies(row):
            record = plain_record(study)
            if record.pmid is None:
                yield Unread(f"review {key}", f"no PMID: {str(study.get('pmid'))[:40]!r}")
            else:
                records.setdefault(record.pmid, record)
        yield _review(key, about, tuple(records), source)
        for record in records.values():
            yield Candidate(review_id=f"{source.name}:{key}", record=record, final=True)


def _studies(row: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Included studies of a JSON row, in either form."""
    if isinstance(row.get("included_studies"), list):
        for one in row["included_studies"]:
            told = one.get("reference", one) if isinstance(one, dict) else {"docid": one}
            yield {
                "pmid": told.get("docid") or told.get("pmid"),
                **{k: told.get(k) for k in ("title", "abstract", "year")},
            }
    elif isinstance(row.get("pmid"), list):
        titles, abstracts = row.get("title"), row.get("abstract")
        for at, pmid in enumerate(row["pmid"]):
            yield {"pmid": pmid, "title": _at(titles, at), "abstract": _at(abstracts, at)}


def _at(values: Any, at: int) -> Any:
    return values[at] if isinstance(values, list) and at < len(values) else None


def _tables(path: Path, source: Source) -> Iterator[Item]:
    """Twice through the table: for the reviews, then for their records, so that no abstract is held."""
    info = {row["ReviewID"]: row for row in _csv(_beside(path, INFO), ("ReviewID", "Background"))}
    included: dict[str, dict[str, None]] = {}
    for number, row in enumerate(_csv(path, ("ReviewID", "PMID")), 1):
        pmid = normal_pmid(row["PMID"] or "")
        kept = included.setdefault(row["ReviewID"], {})
        if pmid is None:
            yield Unread(f"review {row['ReviewID']}, row {number}", f"no PMID: {str(row['PMID'])[:40]!r}")
        else:
            kept[pmid] = None
    for key, pmids in sorted(included.items()):
        yield _review(key, info.get(key, {}), tuple(pmids), source)
    for row in _csv(path, ("ReviewID", "PMID")):
        told = {"pmid": row["PMID"], "title": row.get("Title"), "abstract": row.get("Abstract")}
        record = plain_record(told)
        if record.pmid and included[row["ReviewID"]].pop(record.pmid, True) is None:
            yield Candidate(review_id=f"{source.name}:{row['ReviewID']}", record=record, final=True)


def _csv(path: Path | None, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    if path is None:
        return
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.DictReader(lines_of(path))
    missing = [n for n in needed if n not in (reader.fieldnames or ())]
    if missing:
        raise InputFileError(
            f"{path}: has no column {', '.join(missing)}; it has: {', '.join(reader.fieldnames or ()) or 'none'}. "
            "Remedy: give the files of the MSLR 2022 shared task as they are."
        )
    yield from reader


def _review(key: str, about: Mapping[str, Any], pmids: tuple[str, ...], source: Source) -> Review | Unread:
    if not pmids:
        return Unread(f"review {key}", "no included PMID")
    background = " ".join(str(about.get("Background") or "").split())
    return Review(
        review_id=f"{source.name}:{key}",
        source=source.name,
        licence=source.licence,
        title=" ".join(str(about.get("title") or "").split()) or background or f"Review {key}",
        question=background,
        year=year_in(about.get("year")),
        included=pmids,
    )


KIND = Kind(_read, _parts)
