"""What came in: verb `import-check` before a review takes a file in, and what its searches said when it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from agent.commands import Done
from agent.review import Review
from tools.errors import ConfigError, InputFileError
from tools.schemas import Record
from tools.search.formats.table import COLUMNS
from tools.search.sources.files import ReadReport, read_records

__all__ = ["columns_of", "import_check", "searches_told"]

FIELDS = ("title", "abstract", "authors", "year", "journal", "doi", "pmid", "registry_ids")
"""Of these the number of records that have them is shown: a column that was read wrongly is seen there."""


def columns_of(given: Iterable[str]) -> dict[str, str]:
    """`title=Article name` as a mapping.

    Raises:
        ConfigError: an entry has no equals sign, or names no field.
    """
    columns = {}
    problems = []
    for text in given:
        field, equals, header = text.partition("=")
        if not equals or field.strip() not in COLUMNS:
            problems.append(
                f'--columns {text}: no field and header. Remedy: write --columns "title=Name of the column"; '
                f"the fields are {', '.join(COLUMNS)}."
            )
        columns[field.strip()] = header.strip()
    if problems:
        raise ConfigError(problems)
    return columns


def import_check(files: Sequence[Path], columns: Mapping[str, str], shown: int = 20) -> Done:
    """Per file: format, entries and where they went, fields found, and every problem with its place.

    Args:
        files: what was exported.
        columns: field to header, for tables with unusual headers.
        shown: how many problems of a file are printed; the others are counted.

    Returns:
        Status 0 where every entry of every file gave a record or repeats one, else 2.
    """
    parts = []
    wrong = False
    for path in files:
        try:
            report = read_records(path, source="import", columns=columns)
        except InputFileError as e:
            parts.append(f"{path}\n  cannot be imported: {str(e).removeprefix(f'{path}: ')}")
            wrong = True
            continue
        wrong = wrong or bool(report.lost)
        parts.append(f"{path}\n" + "\n".join(f"  {line}" for line in _lines(report, shown)))
    return Done("\n\n".join(parts), status=2 if wrong else 0)


def _lines(report: ReadReport, shown: int) -> list[str]:
    lines = [
        f"{report.format}: {report.entries} entries = {len(report.records)} records + {len(report.repeated)} "
        f"repeated + {len(report.lost)} lost"
    ]
    lines += [f"column of {field}: {header}" for field, header in report.columns]
    filled = ", ".join(f"{field} {_having(report.records, field)}" for field in FIELDS)
    lines.append(f"records that have: {filled}")
    odd = Counter(warning.partition(":")[0] for record in report.records for warning in record.warnings)
    lines += [f"{number} records: {what}" for what, number in odd.most_common()]
    problems = sorted(report.problems, key=lambda problem: not problem.lost)
    lines += [f"{'LOST ' if p.lost else ''}{p.place}: {p.what}" for p in problems[:shown]]
    if len(problems) > shown:
        lines.append(f"… and {len(problems) - shown} more problems")
    lines += [f"{again.place}: repeats {again.record_id}" for again in report.repeated[:shown]]
    if len(report.repeated) > shown:
        lines.append(f"… and {len(report.repeated) - shown} more repeated")
    return lines


def _having(records: Iterable[Record], field: str) -> int:
    return sum(bool(getattr(record, field)) for record in records)


def searches_told(review: Review, shown: int = 8) -> str:
    """One line per search that counts now, and below it the first warnings; the report has them all."""
    from graphs.accounts import current_searches

    current = current_searches(review.store, review.pass_id)
    lines = []
    for search in (s for s in review.store.searches(review.pass_id) if s.search_id in current):
        result = search.result
        received = len(review.store.hits(search.search_id))
        missing = f", {len(result.missing)} missing" if result.missing else ""
        lines.append(f"Search {search.search_id}: {result.count} declared, {received} received{missing}.")
        lines += [f"  warning: {warning}" for warning in result.warnings[:shown]]
        if len(result.warnings) > shown:
            lines.append(f"  … and {len(result.warnings) - shown} more warnings, all in the report")
    return "\n".join(lines)
