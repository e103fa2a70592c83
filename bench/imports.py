"""Whether real exports come in whole, and whether RIS goes out again with every field.

    python -m bench.imports --exports ../shared/data/dedup/exports --out bench/results/imports.json

Entries are counted a second time without our readers: by the marks at which they begin, by the csv module, by
the elements of the XML. The fields of RIS are compared entry by entry, tag
by tag and byte by byte with those in the file, after the records have been through the JSON that the store keeps.
Records of other formats are written as RIS and read again: their typed values must be the same.
"""

import csv
import gzip
import io
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from bench.report import Column, parser, table, write
from tools.errors import InputFileError
from tools.schemas import Record, canonical_json
from tools.search.formats import ris
from tools.search.sources.files import read_records

__all__ = ["imported", "main", "ris_entries", "same_as_ris"]

EXPORTS = Path(os.environ.get("LEADS_SHARED_DATA", "../shared/data")) / "dedup" / "exports"
OURS = "Record in the review: "
TYPED = (
    *("title", "abstract", "authors", "year", "journal", "volume", "issue", "pages", "doi", "pmid", "pmcid"),
    *("issn", "url", "language", "publication_types", "keywords", "registry_ids", "retracted"),
)
"""What RIS has a place for."""

Entry: TypeAlias = tuple[tuple[str, str], ...]

COLUMNS = (
    Column("file", "file"),
    Column("format", "format"),
    Column("expected", "in the file"),
    Column("entries", "entries"),
    Column("records", "records"),
    Column("repeated", "repeated"),
    Column("lost", "lost"),
    Column("problems", "problems told"),
    Column("ris_fields", "RIS fields"),
    Column("ris_fields_kept", "kept"),
    Column("typed_kept", "same by way of RIS"),
    Column("seconds", "seconds", 2),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Import every file of a folder and print one table."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--exports", type=Path, default=EXPORTS, help="folder of exports, gzipped or not")
    given = arguments.parse_args(argv)
    rows = [imported(path) for path in sorted(given.exports.iterdir()) if path.is_file()]
    complete = [row for row in rows if row["complete"]]
    summary = {
        "files": len(rows),
        "files_complete": len(complete),
        "entries": sum(row["entries"] or 0 for row in rows),
        "records": sum(row["records"] or 0 for row in rows),
        "repeated": sum(row["repeated"] or 0 for row in rows),
        "lost": sum(row["lost"] or 0 for row in rows),
        "ris_fields": sum(row["ris_fields"] or 0 for row in rows),
        "ris_fields_kept": sum(row["ris_fields_kept"] or 0 for row in rows),
        "other_formats_same_by_way_of_ris": sum(row["typed_kept"] or 0 for row in rows),
    }
    print(table(rows, COLUMNS))
    for row in rows:
        for line in row["not_complete"]:
            print(f"{row['file']}: {line}")
    print(", ".join(f"{key} {value}" for key, value in summary.items()))
    write(given.out, summary, rows)


def imported(path: Path) -> dict[str, Any]:
    """One file: its counts, and what is not as it should be."""
    began = time.perf_counter()
    row: dict[str, Any] = dict.fromkeys(column.key for column in COLUMNS) | {"file": path.name}
    try:
        report = read_records(path, source="lib")
    except InputFileError as e:
        return row | {"complete": False, "not_complete": [str(e)]}
    row |= {
        "format": report.format,
        "entries": report.entries,
        "records": len(report.records),
        "repeated": len(report.repeated),
        "lost": len(report.lost),
        "problems": len(report.problems),
        "seconds": time.perf_counter() - began,
    }
    data = path.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    row["expected"] = expected(text, report.format)
    wrong = [f"LOST {problem.place}: {problem.what}" for problem in report.lost]
    if row["expected"] != report.entries:
        wrong.append(f"{row['expected']} entries were counted in the file, {report.entries} were read")
    if report.format == "ris":
        there, back = ris_entries(text), set(ris_entries("".join(map(stored_and_written, report.records))))
        gone = [entry for entry in there if entry not in back]
        row["ris_fields"] = sum(map(len, there))
        row["ris_fields_kept"] = row["ris_fields"] - sum(map(len, gone))
        wrong += [f"not the same in RIS: {dict(entry).get('TI', entry[:2])}" for entry in gone[:5]]
    else:
        changed = [record for record in report.records if not same_as_ris(record)]
        row["typed_kept"] = len(report.records) - len(changed)
        wrong += [f"another record by way of RIS: {record.record_id}" for record in changed[:5]]
    return row | {"complete": not wrong, "not_complete": wrong}


def stored_and_written(record: Record) -> str:
    """A record as RIS, after it was what the store keeps."""
    kept = canonical_json(record.model_dump(mode="json", exclude_defaults=True))
    return ris.written(Record.model_validate_json(kept))


def expected(text: str, format_: str) -> int | None:
    """Entries in a file, counted by other means than ours; None where there are none."""
    marks = {
        "ris": r"^TY  -",
        "nbib": r"^PMID- ",
        "bibtex": r"^@(?!comment|string|preamble)",
        "endnote_xml": r"<record>",
        "wos": r"^PT ",
    }
    if format_ in marks:
        return len(re.findall(marks[format_], re.sub(r"\r\n?", "\n", text), re.MULTILINE))
    if format_ in ("csv", "tsv"):
        rows = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if format_ == "tsv" else ",")
        return sum(bool(any(row)) for row in rows) - 1
    return None


def ris_entries(text: str) -> list[Entry]:
    """Each entry of RIS text as its tags and values in order, without ER and without what we add."""
    plain = re.sub(r"\r\n?", "\n", text)
    found = []
    for entry in re.split(r"^ER  -.*$", plain, flags=re.MULTILINE):
        start = re.search(r"^TY  -", entry, re.MULTILINE)
        if start is None:
            continue
        pieces = re.split(r"^([A-Z][A-Z0-9])  -(?: |$)", entry[start.start() :], flags=re.MULTILINE)
        pairs = zip(pieces[1::2], (re.sub(r"\n\s*\Z", "", value) for value in pieces[2::2]), strict=True)
        found.append(tuple(pair for pair in pairs if not pair[1].startswith(OURS)))
    return found


def same_as_ris(record: Record) -> bool:
    """Whether a record that came in another format has the same typed values after a way through RIS."""
    (entry,) = ris.read(stored_and_written(record).replace("\r\n", "\n").split("\n"), "lib", [])
    return entry.record is not None and _typed(entry.record) == _typed(record)


def _typed(record: Record) -> dict[str, Any]:
    values = record.model_dump(include=set(TYPED))
    # RIS has one field for headings and keywords, and one line for an abstract.
    values["abstract"] = " ".join(record.abstract.split())
    values["keywords"] = list(dict.fromkeys((*record.mesh, *record.keywords)))
    return values


if __name__ == "__main__":
    main()
