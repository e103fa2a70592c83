"""Reviews in a table: a line for each of their records, columns `review_id` and `pmid`, by name.

Also read where they are there: `title` and `year` and `question` of the review, and `label` of the record
(1, yes, included; 0, no, excluded; none: included). A `strategy` column is one of PubMed's. Columns `population`,
`intervention`, `comparator` and `outcome` hold the review's phrases for its elements, with semicolons between them;
each is also an inclusion criterion.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.build.kinds import Candidate, Review
from finetune.build.sources.source import (
    Item,
    Kind,
    Source,
    Unread,
    files_named,
    lines_of,
    plain_record,
    year_in,
)
from tools.errors import InputFileError
from tools.identifiers import normal_pmid
from tools.schemas import Criterion

__all__ = ["KIND"]

NEEDED = ("review_id", "pmid")
ELEMENTS = ("population", "intervention", "comparator", "outcome")
KNOWN = (*NEEDED, "label", "title", "year", "question", "strategy", *ELEMENTS)
YES = frozenset({"1", "1.0", "true", "yes", "y", "include", "included"})
NO = frozenset({"0", "0.0", "false", "no", "n", "exclude", "excluded"})


def _read(path: Path, source: Source) -> Iterator[Item]:
    reviews: dict[str, list[dict[str, str]]] = {}
    for number, row in _rows(path):
        if not row["review_id"]:
            yield Unread(f"line {number}", "no review_id")
        elif normal_pmid(row["pmid"]) is None:
            yield Unread(f"line {number}", f"no PMID: {row['pmid'][:40]!r}")
        elif row.get("label", "").casefold() not in YES | NO | {""}:
            yield Unread(f"line {number}", f"unknown label: {row['label'][:40]!r}")
        else:
            reviews.setdefault(row["review_id"], []).append(row)
    for key in sorted(reviews):
        yield from _review(key, reviews[key], source)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    lines = lines_of(path)
    head = next(lines, "")
    separator = max(",;\t", key=head.count)
    names = [n.strip().casefold() for n in next(csv.reader([head], delimiter=separator), [])]
    missing = [n for n in NEEDED if n not in names]
    if missing:
        raise InputFileError(
            f"{path}: has no column {' and no column '.join(missing)}; it has: {', '.join(names) or 'none'}. "
            f"Remedy: name the columns in the first line: {', '.join(KNOWN)}."
        )
    try:
        reader = csv.reader(lines, delimiter=separator)
        for values in reader:
            if any(values):
                row = dict(zip(names, (v.strip() for v in values), strict=False))
                yield reader.line_num + 1, dict.fromkeys(NEEDED, "") | row
    except csv.Error as e:
        raise InputFileError(f"{path}: no CSV: {e}. Remedy: save it again as CSV in UTF-8.") from e


def _review(key: str, rows: list[dict[str, str]], source: Source) -> Iterator[Item]:
    labels: dict[str, bool] = {}
    for row in rows:
        pmid = normal_pmid(row["pmid"]) or ""
        # A PMID that stands there twice is included if one line says so.
        labels[pmid] = labels.get(pmid, False) or row.get("label", "").casefold() not in NO
    included = tuple(pmid for pmid, kept in labels.items() if kept)
    if not included:
        yield Unread(f"review {key}", "no included PMID")
        return
    review_id = f"{source.name}:{key}"

    def first(column: str) -> str:
        return next((row[column] for row in rows if row.get(column)), "")

    phrases = {name: tuple(filter(None, map(str.strip, first(name).split(";")))) for name in ELEMENTS}
    elements = {name: told for name, told in phrases.items() if told}
    yield Review(
        review_id=review_id,
        source=source.name,
        licence=source.licence,
        title=first("title") or key,
        question=first("question"),
        elements=elements,
        criteria=tuple(
            Criterion(id=name, kind="include", element=name, text="; ".join(told))
            for name, told in elements.items()
        ),
        year=year_in(first("year")),
        strategies=(first("strategy"),) if first("strategy") else (),
        included=included,
    )
    for pmid, kept in labels.items():
        record: Any = plain_record({"pmid": pmid})
        yield Candidate(review_id=review_id, record=record, final=kept)


KIND = Kind(_read, files_named(".csv", ".tsv"), version=2)
