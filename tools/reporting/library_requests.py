"""Reports that nobody has got hold of yet, as a list for the library: RIS for its system, CSV for a person. Pure.

On it is what was sought and not found, and what was found in a form that no machine reads, since the library may
have a better copy. In PRISMA 2020 only the first are reports not retrieved.
"""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from tools.fulltext.languages import languages_of
from tools.fulltext.matching import Survey
from tools.reporting.data import RecordLine, ReviewData
from tools.reporting.standing import superseded_ids
from tools.reporting.text import cell_text, one_line
from tools.schemas import Record
from tools.search.formats import ris

__all__ = ["folder_csv", "library_requests_csv", "library_requests_ris", "wanted"]

_COLUMNS = ("record_id", "title", "authors", "year", "journal", "volume", "issue", "pages", "doi", "pmid", "pmcid",
            "issn", "language", "state", "tried")  # fmt: skip


class Wanted(NamedTuple):
    """A report for the list."""

    record: Record
    state: str
    """`not retrieved`, or `retrieved, not machine-readable`."""
    tried: str
    """What was tried, in the words of the finders."""


def wanted(data: ReviewData) -> tuple[Wanted, ...]:
    """Reports to ask the library for, in stored order; none that a person has excluded in the meantime."""
    gone = superseded_ids(data)
    return tuple(found for line in data.records if (found := _wanted(line, gone)) is not None)


def _wanted(line: RecordLine, gone: frozenset[str]) -> Wanted | None:
    if (
        line.report is None
        or line.duplicate_of
        or line.record.record_id in gone
        or line.full_text is not None
    ):
        return None
    states = {"not_retrieved": "not retrieved", "unreadable": "retrieved, not machine-readable"}
    state = states.get(line.report.state)
    return None if state is None else Wanted(line.record, state, one_line(line.report.why))


def library_requests_ris(data: ReviewData) -> str:
    """The list as RIS; the record's id, its state and what was tried stand in N1."""
    return "".join(
        ris.written(w.record, [f"Full text: {w.state}", f"Tried: {w.tried}"]) for w in wanted(data)
    )


def library_requests_csv(data: ReviewData) -> str:
    """The list as CSV (RFC 4180), formulas neutralised."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for row in map(_row, wanted(data)):
        writer.writerow([cell_text(one_line(value)) for value in row])
    return out.getvalue()


def folder_csv(survey: Survey) -> str:
    """The folder of full texts against the reports: each file once, what belongs to nobody first.

    A person settles a line by writing record id and file into `assigned.csv`.
    """
    several = {file for _, files in survey.several for file in files[1:]}
    rows = [("no report", s) for s in survey.unmatched]
    rows += [("another file is read" if s.file in several else "report", s) for s in survey.matched]
    rows += [("supplement", s) for s in survey.supplements]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("file", "belongs_as", "record_id", "how"))
    for kind, s in rows:
        writer.writerow([cell_text(one_line(v)) for v in (s.file, kind, s.record_id or "", s.how)])
    return out.getvalue()


def _row(w: Wanted) -> Iterator[str]:
    r = w.record
    yield from (r.record_id, r.title, "; ".join(r.authors), "" if r.year is None else str(r.year), r.journal)
    yield from (r.volume, r.issue, r.pages, r.doi or "", r.pmid or "", r.pmcid or "", r.issn)
    yield from (", ".join(languages_of(r.language)), w.state, w.tried)
