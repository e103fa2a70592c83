"""MEDLINE's tagged text (NBIB), plain or gzipped."""

from collections.abc import Iterator
from pathlib import Path

from finetune.build.sources.source import Item, Kind, Source, Unread, files_named, lines_of
from tools.search.citation_text import Problem
from tools.search.formats import nbib

__all__ = ["KIND"]


def _read(path: Path, source: Source) -> Iterator[Item]:
    problems: list[Problem] = []
    for entry in nbib.read(lines_of(path), "pubmed", problems):
        if entry.record is None:
            yield Unread(entry.place, entry.lost)
        elif entry.record.pmid is None:
            yield Unread(entry.place, "no PMID")
        else:
            yield entry.record.model_copy(update={"record_id": f"pubmed:{entry.record.pmid}"})
    for problem in problems:
        yield Unread(problem.place, problem.what)


KIND = Kind(_read, files_named(".nbib", ".txt", ".medline"))
