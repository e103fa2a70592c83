"""A source made of files: read, indexed and searched when first asked."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tools.schemas import Record, SearchResult, sha256_of
from tools.search.query import Query
from tools.search.sources.base import DateRange
from tools.search.sources.files import read_records
from tools.search.sources.local import LocalSource
from tools.search.vocabulary import Vocabulary

__all__ = ["LocalFiles", "together"]


class LocalFiles:
    """Meets `base.Source` over exports that a reviewer brings; nothing is read before a search."""

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        index_folder: Path,
        vocabulary: Vocabulary | None = None,
        kind: str = "database",
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """See `LocalSource`; `index_folder` lies in the user's cache."""
        self.name, self.kind, self.paths = name, kind, paths
        self.index_folder, self.vocabulary, self.progress = index_folder, vocabulary, progress

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """See `base.Source.search`; what the files hold that could not be used stands in `warnings`.

        Raises:
            InputFileError: a file is missing, empty, or not what it should be.
            SourceRefused: see `LocalSource.search`.
        """
        records, warnings = together(self.name, self.paths)
        content = sha256_of([[record.record_id, record.version] for record in records])
        path = self.index_folder / f"{content[:24]}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        index = LocalSource(self.name, records, path, self.vocabulary, kind=self.kind, progress=self.progress)
        try:
            found = index.search(query, search_id=search_id, dates=dates, limit=limit)
        finally:
            index.close()
        files = {"files": [p.name for p in self.paths], "records_in_files": len(records)}
        told = {"warnings": (*found.warnings, *warnings), "parameters": {**found.parameters, **files}}
        return found.model_copy(update=told)


def together(name: str, paths: Sequence[Path]) -> tuple[list[Record], list[str]]:
    """The records of several files as one corpus, and what has to be said about them.

    An id that an earlier file used for other content gets `#2`, as within one file; the same content
    under the same id is kept once.
    """
    kept: dict[str, Record] = {}
    seen: set[tuple[str, str]] = set()
    warnings: list[str] = []
    for path in paths:
        report = read_records(path, source=name)
        warnings += [f"{path.name}: {problem.place}: {problem.what}" for problem in report.problems]
        warnings += [f"{path.name}: {r.place}: repeats {r.record_id}; kept once" for r in report.repeated]
        for record in report.records:
            if (record.record_id, record.version) in seen:
                warnings.append(f"{path.name}: {record.record_id} stands in an earlier file too; kept once")
                continue
            seen.add((record.record_id, record.version))
            fresh = _free_id(record.record_id, kept)
            if fresh != record.record_id:
                warnings.append(
                    f"{path.name}: {record.record_id} is other content than before; kept as {fresh}"
                )
            kept[fresh] = record.model_copy(update={"record_id": fresh})
    return list(kept.values()), warnings


def _free_id(record_id: str, taken: dict[str, Record]) -> str:
    number, free = 1, record_id
    while free in taken:
        number += 1
        free = f"{record_id}#{number}"
    return free
