"""A search that a person ran elsewhere, as a source: its files are imported whole and checked against its hits.

Nothing is searched here. The strategy was evaluated by the platform, in its own language and on its own records,
so a query of ours decides nothing about what comes in.
"""

from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

from tools.errors import InputFileError, SourceRefused
from tools.protocol import ManualSource
from tools.schemas import Hits, Record, SearchResult
from tools.search.query import Query
from tools.search.sources.base import DateRange
from tools.search.sources.files import ReadReport, read_records

__all__ = ["ManualSearch"]


class ManualSearch:
    """Meets `base.Source` over a manual search event; nothing is read before a search."""

    def __init__(self, settings: ManualSource, folder: Path) -> None:
        """Files are taken from `folder`, the one of review.yaml."""
        self.settings, self.folder = settings, folder
        self.name = settings.name
        self.kind: str = settings.kind_in_prisma

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """All records of the files, whatever `query` and `dates` say.

        `query_sent` is the strategy as it was run on the platform. `count` is the number of different entries
        in the files and `missing` are those that could not be read, by place, so that the accounts balance over
        what was handed in. The hits that the platform declared stand in `parameters`; where they differ from
        the number of entries, a warning says so.

        Raises:
            InputFileError: a file is missing, empty, or not what it should be.
            SourceRefused: there are more records than `limit`.
        """
        reports = self._reports()
        records, warnings = _together(reports)
        if len(records) > limit:
            raise SourceRefused(
                self.name,
                self._strategy(),
                f"its files hold {len(records)} records, the limit is {limit}",
                "raise `limit` of this source, or search more narrowly",
            )
        missing = [f"{report.file}: {problem.place}" for report in reports for problem in report.lost]
        return SearchResult(
            source=self.name,
            query_sent=self._strategy(),
            count=len(records) + len(missing),
            warnings=(*self._differences(reports, len(records)), *warnings),
            missing=tuple(missing),
            parameters={**self._event(), "files": list(map(self._told, self.settings.files, reports))},
            records=tuple(records),
        )

    def probe(self, query: Query, *, search_id: str, dates: DateRange, pmids: int = 0) -> Hits:
        """The number of records that the event brought: it cannot be asked anything else, and says so.

        Raises:
            InputFileError: as in `search`.
        """
        records, _ = _together(self._reports())
        what = f"{self.name}: this search was run by hand, so no other query can be counted in it"
        return Hits(source=self.name, query_sent=self._strategy(), count=len(records), warnings=(what,))

    def _reports(self) -> list[ReadReport]:
        columns = {str(field): header for field, header in self.settings.columns.items()}
        return [
            read_records(self.folder / file, source=self.name, columns=columns)
            for file in self.settings.files
        ]

    def _strategy(self) -> str:
        if self.settings.strategy is not None:
            return self.settings.strategy
        path = self.folder / (self.settings.strategy_file or "")
        try:
            return path.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as e:
            raise InputFileError(
                f"{path}: the strategy cannot be read ({e}); save it as a text file in UTF-8, or write it as "
                "`strategy` in review.yaml"
            ) from e

    def _event(self) -> dict[str, Any]:
        s = self.settings
        told = {
            "platform": s.platform,
            "searched_on": s.searched_on,
            "searched_by": s.searched_by,
            "hits_declared": s.hits,
            "limits": s.limits,
            "note": s.note,
        }
        return {key: value for key, value in told.items() if value is not None}

    def _told(self, file: str, report: ReadReport) -> dict[str, Any]:
        with (self.folder / file).open("rb") as stream:
            content = file_digest(stream, "sha256").hexdigest()
        return {
            "file": report.file,
            "format": report.format,
            "entries": report.entries,
            "records": len(report.records),
            "repeated": len(report.repeated),
            "lost": len(report.lost),
            "sha256": content,
        }

    def _differences(self, reports: Sequence[ReadReport], records: int) -> list[str]:
        entries = sum(report.entries for report in reports)
        if entries == self.settings.hits:
            return []
        lost = sum(len(report.lost) for report in reports)
        apart = abs(entries - self.settings.hits)
        which = "fewer" if entries < self.settings.hits else "more"
        return [
            f"{self.settings.platform} declared {self.settings.hits} hits; the files hold {entries} entries, "
            f"{apart} {which} ({records} records, {entries - records - lost} repeated, {lost} lost). Export the "
            "search again whole, or correct `hits`"
        ]


def _together(reports: Sequence[ReadReport]) -> tuple[list[Record], list[str]]:
    """The records of several files as one, and what has to be said about them.

    An id that an earlier file used for other content gets `#2`, as within one file; the same content under
    the same id is kept once.
    """
    kept: dict[str, Record] = {}
    seen: set[tuple[str, str]] = set()
    warnings: list[str] = []
    for report in reports:
        warnings += [f"{report.file}: {problem.place}: {problem.what}" for problem in report.problems]
        warnings += [
            f"{report.file}: {again.place}: repeats {again.record_id}; kept once" for again in report.repeated
        ]
        for record in report.records:
            wanted = record.record_id
            if (wanted, record.version) in seen:
                warnings.append(f"{report.file}: {wanted} stands in an earlier file too; kept once")
                continue
            seen.add((wanted, record.version))
            number, free = 1, wanted
            while free in kept:
                number += 1
                free = f"{wanted}#{number}"
            if free != wanted:
                warnings.append(f"{report.file}: {wanted} is other content than before; kept as {free}")
            kept[free] = record if free == wanted else record.model_copy(update={"record_id": free})
    return list(kept.values()), warnings
