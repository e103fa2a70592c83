"""Duplicates found, missed and wrongly joined: on labelled citations, on real reviews, and at size.

    python -m bench.dedupe --labelled ../shared/data/dedup/labelled_1845.csv.gz
    python -m bench.dedupe --labelled … --reviews ../shared/data/reviews --generate 80000 \
        --pool ../shared/data/pubmed/pool.jsonl.gz --medline ../shared/data/pubmed/medline

`--labelled`: a table that says of every record whether it is the one kept of its citation or a duplicate (ASySD's
form; doi:10.1186/s12915-023-01686-z). It does not say of which record one is a duplicate, so a group is right as
far as it holds one kept record: further kept records in it are false merges, its other members are duplicates
found. A group without a kept record misses one. Beside ours, in the same run: joining on equal DOI, or equal title
and year; and joining on an equal identifier where the titles agree.

sensitivity            duplicates joined by the machine or by a person who is shown `pairs_for_a_person` and is right
sensitivity_automatic  duplicates joined by the machine alone
specificity            kept records that the machine left apart
false_merges           kept records that the machine joined to another kept record, without a person

`--reviews`: an included record may not be lost. `included_lost` counts included records that were joined with an
excluded one of another title and no common identifier; `labelled_both_ways` counts joined records of one citation
that their reviewers included once and excluded once, which is why duplicates are worth finding.

`--generate`: records made from real ones with known truth (see bench.noise), at an eighth, a quarter, half and all
of the size; `exponent` is the slope of log seconds over log records (`exponent_cpu` of the processor's own, which
other work on the machine disturbs less).
"""

import argparse
import csv
import gzip
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from bench.noise import Generated, generate
from bench.report import Column, parser, table, write
from tools.errors import InputFileError, ReviewError
from tools.identifiers import normal_doi, normal_pmid
from tools.records.dedupe import Doubt, Group, sort_out, title_key
from tools.schemas import Record
from tools.search.sources.files import read_records

__all__ = ["Labelled", "by_identifier", "by_title_or_doi", "confused", "main", "read_labelled"]

SEED = 1

SAME_TITLE = 90
"""Of 100 (rapidfuzz.fuzz.ratio of the plain titles): below this, two joined records are another citation each."""

Grouping = Sequence[Sequence[str]]
"""Record ids by group."""

COLUMNS = (
    Column("what", "data"),
    Column("rule", "rule"),
    Column("records", "records"),
    Column("duplicates", "duplicates"),
    Column("sensitivity", "sens", 4),
    Column("sensitivity_automatic", "sens alone", 4),
    Column("specificity", "spec", 4),
    Column("false_merges", "false merges"),
    Column("pairs_for_a_person", "pairs asked"),
    Column("links", "links"),
    Column("seconds", "s", 2),
    Column("cpu_seconds", "CPU s", 2),
)

REVIEW_COLUMNS = (
    Column("what", "review"),
    Column("records", "records"),
    Column("included", "included"),
    Column("joined", "joined"),
    Column("included_joined", "incl. joined"),
    Column("labelled_both_ways", "both labels"),
    Column("included_lost", "incl. lost"),
    Column("pairs_for_a_person", "pairs asked"),
    Column("links", "links"),
)


@dataclass(frozen=True)
class Labelled:
    """Records, and the ids of those that are kept when every duplicate is removed."""

    records: tuple[Record, ...]
    kept: frozenset[str]


# Reading -----------------------------------------------------------------------------------------------


def read_labelled(path: Path) -> Labelled:
    """Read ASySD's table: `source` is `unique` for the kept one of a citation, else `duplicate`; `NA` is empty.

    Authors stand there without separators, `Adeli K.Lewis G. F.`: a name begins after a point without a blank.

    Raises:
        InputFileError: the file is missing or is not in this form.
    """
    try:
        with gzip.open(path, "rt", encoding="latin-1", newline="") as lines:
            rows = [
                {key: "" if value == "NA" else value for key, value in row.items()}
                for row in csv.DictReader(lines)
            ]
        records = tuple(_labelled(row) for row in rows)
        kept = frozenset(_id(row) for row in rows if row["source"] == "unique")
    except (OSError, ValueError, KeyError, csv.Error) as e:
        raise InputFileError(
            f"{path}: cannot be read as labelled citations: {e!r}. Remedy: give the gzipped CSV of ASySD."
        ) from e
    return Labelled(records, kept)


def _id(row: Mapping[str, str]) -> str:
    return f"labelled:{row['record_id']}"


def _labelled(row: Mapping[str, str]) -> Record:
    names = row["author"].replace(".", ".\0").replace(".\0 ", ". ").split("\0")
    return Record(
        record_id=_id(row),
        title=row["title"],
        abstract=row["abstract"],
        authors=tuple(name.strip() for name in names if name.strip()),
        year=int(row["year"]) if row["year"].isdigit() else None,
        journal=row["journal"],
        doi=normal_doi(row["doi"]),
        issue=row["number"],
        volume=row["volume"],
        pages=row["pages"],
        issn=row["isbn"],
    )


def read_texts(path: Path) -> list[Record]:
    """Titles, abstracts, years and identifiers of a file with a JSON object per line, gzipped.

    Raises:
        InputFileError: the file is missing or is not in this form.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return [_text(json.loads(line), place) for place, line in enumerate(lines) if line.strip()]
    except (OSError, ValueError) as e:
        raise InputFileError(
            f"{path}: cannot be read: {e!r}. Remedy: give a gzipped file of JSON lines."
        ) from e


def _text(row: Mapping[str, Any], place: int) -> Record:
    year = str(row.get("year") or "")
    return Record(
        record_id=f"text:{place}",
        title=row.get("title") or "",
        abstract=row.get("abstract") or "",
        year=int(year) if year.isdigit() else None,
        pmid=normal_pmid(str(row.get("pmid") or "")),
        doi=normal_doi(row.get("doi") or ""),
    )


def read_labels(path: Path) -> list[bool | None]:
    """What the reviewers decided in the end: after full text, else by title and abstract; None: unknown."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    said = [row["label_final"] if row.get("label_final") is not None else row.get("label_ta") for row in rows]
    return [None if label is None else bool(label) for label in said]


# Rules -------------------------------------------------------------------------------------------------


def by_title_or_doi(records: Sequence[Record]) -> Grouping:
    """The peer: an equal DOI, or an equal title of letters and digits in an equal year, is a duplicate."""
    return _joined(
        records,
        lambda r: [("doi", r.doi)] if r.doi else [],
        lambda r: [(title_key(r.title), r.year)] if r.title else [],
    )


def by_identifier(records: Sequence[Record]) -> Grouping:
    """An equal PMID or DOI with an equal title; what is left without a look at other fields."""
    return _joined(
        records,
        *(
            lambda r, n=name: [(getattr(r, n), title_key(r.title))] if getattr(r, n) else []
            for name in ("pmid", "doi")
        ),
    )


def _joined(records: Sequence[Record], *keys: Callable[[Record], Iterable[Any]]) -> Grouping:
    """Groups of records that share a key, and so on along the chain."""
    group_of: dict[str, list[str]] = {record.record_id: [record.record_id] for record in records}
    holder: dict[Any, str] = {}
    for record in records:
        for key in (key for give in keys for key in give(record)):
            one, other = group_of[holder.setdefault(key, record.record_id)], group_of[record.record_id]
            if one is not other:
                one += other
                group_of.update(dict.fromkeys(other, one))
    return list({id(group): group for group in group_of.values()}.values())


# Measuring ---------------------------------------------------------------------------------------------


def confused(groups: Grouping, kept: frozenset[str]) -> dict[str, Any]:
    """Sensitivity, specificity and false merges of a grouping, by the kept records alone."""
    found = false_merges = duplicates = 0
    for members in groups:
        own = sum(member in kept for member in members)
        duplicates += len(members) - own
        found += len(members) - max(own, 1)
        false_merges += max(own - 1, 0)
    return {
        "records": sum(map(len, groups)),
        "duplicates": duplicates,
        "sensitivity_automatic": found / duplicates,
        "specificity": 1 - false_merges / len(kept),
        "false_merges": false_merges,
    }


def with_a_person(groups: Sequence[Group], doubts: Sequence[Doubt], kept: frozenset[str]) -> Grouping:
    """The groups after somebody has looked at every doubt, and has never joined two kept records."""
    group_of = {member: list(g.member_ids) for g in groups for member in g.member_ids}
    group_of |= {member: group_of[g.leader_id] for g in groups for member in g.member_ids}
    for doubt in doubts:
        one, other = group_of[doubt.first_id], group_of[doubt.second_id]
        if one is not other and sum(member in kept for member in (*one, *other)) <= 1:
            one += other
            group_of.update(dict.fromkeys(other, one))
    return list({id(members): members for members in group_of.values()}.values())


def measured(what: str, data: Labelled) -> Iterator[dict[str, Any]]:
    """One row for our rules and one for each rule beside them."""
    began = time.perf_counter()
    ours = sort_out(data.records)
    seconds = time.perf_counter() - began
    alone = confused([g.member_ids for g in ours.groups], data.kept)
    asked = confused(with_a_person(ours.groups, ours.doubts, data.kept), data.kept)
    yield {
        "what": what,
        "rule": "ours",
        **alone,
        "sensitivity": asked["sensitivity_automatic"],
        "pairs_for_a_person": len(ours.doubts),
        "links": len(ours.links),
        "seconds": seconds,
    }
    for name, rule in (("title+year or DOI", by_title_or_doi), ("identifier and title", by_identifier)):
        began = time.perf_counter()
        groups = rule(data.records)
        seconds = time.perf_counter() - began
        found = confused(groups, data.kept)
        yield {
            "what": what,
            "rule": name,
            **found,
            "sensitivity": found["sensitivity_automatic"],
            "seconds": seconds,
        }


def measured_review(folder: Path) -> dict[str, Any]:
    """What joining does to one review's included records.

    Raises:
        InputFileError: as `read_texts`.
    """
    records = read_texts(folder / "records.jsonl.gz")
    labels = read_labels(folder / "records.jsonl.gz")
    included = {record.record_id for record, label in zip(records, labels, strict=True) if label}
    by_id = {record.record_id: record for record in records}
    out = sort_out(records)
    several = [group for group in out.groups if len(group.member_ids) > 1]
    lost, both = set(), 0
    for group in several:
        inside = [member for member in group.member_ids if member in included]
        outside = [member for member in group.member_ids if member not in included]
        both += bool(inside and outside)
        lost |= {i for i in inside for o in outside if not _one_citation(by_id[i], by_id[o])}
    return {
        "what": folder.name,
        "records": len(records),
        "included": len(included),
        "joined": sum(len(group.member_ids) - 1 for group in several),
        "included_joined": sum(bool(included & set(group.member_ids)) for group in several),
        "labelled_both_ways": both,
        "included_lost": len(lost),
        "pairs_for_a_person": len(out.doubts),
        "links": len(out.links),
    }


def _one_citation(one: Record, other: Record) -> bool:
    """By an equal identifier or by the titles alone, whatever our own rules look at."""
    if (one.pmid and one.pmid == other.pmid) or (one.doi and one.doi == other.doi):
        return True
    return fuzz.ratio(title_key(one.title), title_key(other.title)) >= SAME_TITLE


def measured_at_size(size: int, texts: Sequence[Record], printed: Sequence[Record]) -> dict[str, Any]:
    """Time and truth for so many generated records."""
    made = generate(size, texts, printed, SEED)
    began, worked = time.perf_counter(), time.process_time()
    out = sort_out(made.records)
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - worked}
    counts = _true_counts(made, out.groups, out.doubts)
    return {"what": f"generated {size}", "rule": "ours", **took, **counts, "links": len(out.links)}


def _true_counts(made: Generated, groups: Sequence[Group], doubts: Sequence[Doubt]) -> dict[str, Any]:
    """As `confused`, where it is known of which citation each record is a print."""
    truth = {record.record_id: citation for record, citation in zip(made.records, made.truth, strict=True)}
    duplicates = len(truth) - len(set(truth.values()))
    found = false_merges = 0
    for group in groups:
        citations = {truth[member] for member in group.member_ids}
        found += len(group.member_ids) - len(citations)
        false_merges += len(citations) - 1
    group_of = {member: group.leader_id for group in groups for member in group.member_ids}
    shown: dict[str, str] = {}

    def root(leader: str) -> str:
        while leader in shown:
            leader = shown[leader]
        return leader

    for doubt in doubts:
        one, other = root(group_of[doubt.first_id]), root(group_of[doubt.second_id])
        if one != other and truth[doubt.first_id] == truth[doubt.second_id]:
            shown[other] = one
    return {
        "records": len(truth),
        "duplicates": duplicates,
        "sensitivity": (found + len(shown)) / duplicates,
        "sensitivity_automatic": found / duplicates,
        "specificity": 1 - false_merges / len(set(truth.values())),
        "false_merges": false_merges,
        "pairs_for_a_person": len(doubts),
    }


def exponent(rows: Sequence[Mapping[str, Any]], time_s: str = "seconds") -> float:
    """Slope of log seconds over log records: 1 is linear growth."""
    points = [(math.log(row["records"]), math.log(row[time_s])) for row in rows]
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    rise = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return float(rise / sum((x - mean_x) ** 2 for x, _ in points))


# Whole -------------------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for, print the tables, write JSON with `--out`."""
    options = parser(__doc__ or "")
    options.add_argument("--labelled", type=Path, help="labelled citations, ASySD's gzipped CSV")
    options.add_argument("--reviews", type=Path, help="folder with a folder per review")
    options.add_argument(
        "--generate", type=int, metavar="N", help="time N records; needs --pool and --medline"
    )
    options.add_argument("--pool", type=Path, help="gzipped JSON lines with titles and abstracts")
    options.add_argument("--medline", type=Path, help="folder of gzipped MEDLINE files")
    given = options.parse_args(argv)
    try:
        return _run(given)
    except ReviewError as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return e.exit_status


def _run(given: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    summary: dict[str, Any] = {}
    if given.labelled:
        found = list(measured(given.labelled.name.partition(".")[0], read_labelled(given.labelled)))
        rows += found
        keys = ("sensitivity", "sensitivity_automatic", "specificity", "false_merges", "pairs_for_a_person")
        summary |= {key: found[0][key] for key in keys}
        summary |= {
            "sensitivity_title_year_or_doi": found[1]["sensitivity"],
            "false_merges_title_year_or_doi": found[1]["false_merges"],
        }
        print(table(found, COLUMNS))
    if given.reviews:
        found = [measured_review(folder) for folder in sorted(given.reviews.iterdir()) if folder.is_dir()]
        rows += found
        for key in ("included_lost", "labelled_both_ways", "joined"):
            summary[f"reviews_{key}"] = sum(row[key] for row in found)
        print(table(found, REVIEW_COLUMNS))
    if given.generate:
        found = _at_sizes(given)
        rows += found
        summary |= {
            "generated": given.generate,
            "generated_seconds": found[-1]["seconds"],
            "generated_cpu_seconds": found[-1]["cpu_seconds"],
            "exponent": exponent(found),
            "exponent_cpu": exponent(found, "cpu_seconds"),
        }
        summary |= {
            f"generated_{key}": found[-1][key]
            for key in ("sensitivity", "false_merges", "pairs_for_a_person")
        }
        print(table(found, COLUMNS))
    print(json.dumps(summary, indent=1))
    write(given.out, summary, rows)
    return 0


def _at_sizes(given: argparse.Namespace) -> list[dict[str, Any]]:
    if given.pool is None or given.medline is None:
        raise InputFileError("--generate needs real records. Remedy: give --pool and --medline.")
    texts = [record for record in read_texts(given.pool) if len(record.title) > 20]
    printed = [
        record
        for path in sorted(given.medline.glob("*.gz"))
        for record in read_records(path, source="medline").records
        if record.authors and record.journal
    ]
    sizes = [max(given.generate // part, 1) for part in (8, 4, 2, 1)]
    return [measured_at_size(size, texts, printed) for size in sizes]


if __name__ == "__main__":
    sys.exit(main())
