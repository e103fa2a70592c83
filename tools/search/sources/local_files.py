"""A source made of files: read and indexed when first asked, then searched in the index alone.

Exports of any kind, and whole sets of PubMed XML such as NLM's baseline with its update files: of those a
later file says what has become of the records of earlier ones.
"""

import gzip
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tools.errors import InputFileError
from tools.schemas import Hits, SearchResult, sha256_of
from tools.search.pubmed_files import spooled
from tools.search.pubmed_xml import Deleted, Unreadable, is_pubmed_xml, parse_article_set
from tools.search.query import Query
from tools.search.sources.base import DateRange
from tools.search.sources.files import read_records
from tools.search.sources.local import LocalSource
from tools.search.sources.local_build import FORMAT, Builder, Prepared, Preparer, preparer
from tools.search.sources.local_index import Index, reuse
from tools.search.vocabulary import Vocabulary
from tools.search.vocabulary_source import write_atomically

__all__ = ["LocalFiles"]

_PARALLEL_BYTES = 30 * 2**20
"""Less than this is read sooner than other processes have started."""

_MOST_WORKERS = 8
"""Each holds the vocabulary, some 300 MB; the one process that writes is no faster with more."""

_SETTLED_NS = 2 * 10**9
"""A file that changed a moment ago may change again within the grain of its clock, and look the same."""

_NAMED = 5


class LocalFiles:
    """Meets `base.Source` over files that a reviewer brings; nothing is read before a search."""

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        index_folder: Path,
        vocabulary: Vocabulary | None = None,
        kind: str = "database",
        progress: Callable[[int, int], None] | None = None,
        workers: int | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        """See `LocalSource`.

        Args:
            name, vocabulary, kind: as there.
            paths: the files, oldest first.
            index_folder: lies in the user's cache; holds one index for each content of the files.
            progress: told (files done, of how many) while the index is built.
            workers: processes that read files while the index is built; None: one for small files, else
                as many as there are processors, eight at most.
            columns: of tables with unusual headers; see `files.read_records`.
        """
        self.name, self.kind, self.paths = name, kind, paths
        self.index_folder, self.vocabulary, self.progress = index_folder, vocabulary, progress
        self.workers = workers
        self.columns = tuple(sorted((columns or {}).items()))

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """See `base.Source.search`; what the files hold that could not be used stands in `warnings`.

        Raises:
            InputFileError: a file is missing, empty, or not what it should be.
            SourceRefused, SourceUnavailable: see `LocalSource.search`.
        """
        with self._opened() as (source, index):
            found = source.search(query, search_id=search_id, dates=dates, limit=limit)
        files = {"files": [p.name for p in self.paths], "records_in_files": index.size}
        told = {
            "warnings": (*found.warnings, *index.meta["warnings"]),
            "parameters": {**found.parameters, **files},
        }
        return found.model_copy(update=told)

    def probe(self, query: Query, *, search_id: str, dates: DateRange, pmids: int = 0) -> Hits:
        """See `base.Source.probe`.

        Raises:
            InputFileError, SourceRefused, SourceUnavailable: as in `search`.
        """
        with self._opened() as (source, index):
            found = source.probe(query, search_id=search_id, dates=dates, pmids=pmids)
        return found.model_copy(update={"warnings": (*found.warnings, *index.meta["warnings"])})

    @contextmanager
    def _opened(self) -> Iterator[tuple[LocalSource, Index]]:
        index = self._index()
        source = LocalSource.over(self.name, index, self.vocabulary, self.kind)
        try:
            yield source, index
        finally:
            source.close()

    def _index(self) -> Index:
        """The index of what the files hold now."""
        identity = self._identity()
        path = self.index_folder / f"{identity}.sqlite"
        index = reuse(path, identity)
        if index is None:
            with write_atomically(path) as scratch:
                self._build(scratch, identity)
                if self._identity() != identity:
                    raise InputFileError(f"{self.name}: its files changed while they were read; run again")
            index = Index(path)
        return index

    def _identity(self) -> str:
        hashes = _hashes(self.paths, self.index_folder / "files.json")
        files = [[path.name, content] for path, content in zip(self.paths, hashes, strict=True)]
        words = self.vocabulary.identity if self.vocabulary else None
        return sha256_of([FORMAT, self.name, words, files, *([self.columns] if self.columns else [])])[:24]

    def _build(self, path: Path, identity: str) -> None:
        size = sum(file.stat().st_size for file in self.paths)
        workers = self.workers or (min(os.cpu_count() or 1, _MOST_WORKERS) if size > _PARALLEL_BYTES else 1)
        workers = min(workers, len(self.paths))
        words = self.vocabulary.path if self.vocabulary else None
        jobs = [_Job(file, self.name, words, self.columns) for file in self.paths]
        read = _read if workers > 1 else partial(_told, prepare=Preparer(self.vocabulary))
        builder = Builder(path)
        try:
            corpus = _Corpus(self.name, builder)
            done = 0
            for job, told in spooled(read, jobs, workers=workers):
                corpus.take(job.file.name, told)
                if isinstance(told, _End):
                    done += 1
                    if self.progress is not None:
                        self.progress(done, len(jobs))
            builder.finish({"identity": identity, "warnings": corpus.warnings})
        finally:
            builder.close()


# What the files hold now -------------------------------------------------------------------------


def _hashes(paths: Sequence[Path], kept: Path) -> list[str]:
    """Content hashes of files; those of files that have not been touched since are remembered in `kept`."""
    try:
        known: dict[str, Any] = json.loads(kept.read_text())
    except (OSError, ValueError):
        known = {}
    settled: dict[str, Any] = {}
    hashes = []
    for path in paths:
        try:
            stat = path.stat()
            seen = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
            place = str(path.absolute())
            if place in known and known[place][:-1] == seen:
                hashes.append(str(known[place][-1]))
                continue
            with path.open("rb") as stream:
                hashes.append(file_digest(stream, "sha256").hexdigest())
            if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS:
                settled[place] = [*seen, hashes[-1]]
        except OSError as e:
            raise InputFileError(
                f"{path}: cannot be read ({e.strerror or e}); check the path and its permissions"
            ) from e
    if settled:
        with write_atomically(kept) as scratch:
            scratch.write_text(json.dumps({**known, **settled}))
    return hashes


# What is in one file -----------------------------------------------------------------------------


class _Job(NamedTuple):
    file: Path
    source: str
    vocabulary: Path | None
    columns: tuple[tuple[str, str], ...] = ()


class _Found(NamedTuple):
    """A record; of PubMed XML a later one takes the place of an earlier one of the same PMID."""

    record: Prepared
    is_pubmed_xml: bool


class _Gone(NamedTuple):
    """PubMed has deleted this PMID, or merged it into another."""

    pmid: str


class _End(NamedTuple):
    """The file was read whole."""


_Told: TypeAlias = _Found | _Gone | _End | str
"""What a file holds, or a sentence about it."""


def _read(job: _Job) -> Iterator[_Told]:
    """`_told` in a worker process."""
    return _told(job, prepare=preparer(job.vocabulary))


def _told(job: _Job, *, prepare: Preparer) -> Iterator[_Told]:
    told = _pubmed_xml(job, prepare) if is_pubmed_xml(_head(job.file)) else _others(job, prepare)
    yield from told
    yield _End()


def _pubmed_xml(job: _Job, prepare: Preparer) -> Iterator[_Told]:
    """Article by article, so that a file may be larger than the memory."""
    is_empty = True
    for item in parse_article_set(job.file, name=job.source):
        if isinstance(item, Unreadable):
            yield f"article {item.position}: PMID {item.pmid}: {item.reason}"
            continue
        is_empty = False
        yield _Gone(item.pmid) if isinstance(item, Deleted) else _Found(prepare(item), is_pubmed_xml=True)
    if is_empty:
        raise InputFileError(f"{job.file}: no record could be read; fetch or export it again")


def _others(job: _Job, prepare: Preparer) -> Iterator[_Told]:
    report = read_records(job.file, source=job.source, columns=dict(job.columns))
    yield from (f"{problem.place}: {problem.what}" for problem in report.problems)
    yield from (f"{again.place}: repeats {again.record_id}; kept once" for again in report.repeated)
    yield from (_Found(prepare(record), is_pubmed_xml=False) for record in report.records)


def _head(file: Path) -> bytes:
    """The first bytes, decompressed; none where the file cannot be read, which its reader says better."""
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            return (gzip.GzipFile(fileobj=raw) if packed else raw).read(4096)
    except (OSError, EOFError, zlib.error):
        return b""


# Several files as one corpus ---------------------------------------------------------------------


class _Corpus:
    """Puts file after file into one index, and says what was done about ids that come again.

    The same content under the same id is kept once. Other content under an id that is taken gets `#2`, as
    within one file; of two PubMed XML records of one PMID only the later one stays.
    """

    def __init__(self, source: str, builder: Builder) -> None:
        self._source, self._builder = source, builder
        self.warnings: list[str] = []
        self._same: list[str] = []
        self._replaced: list[str] = []
        self._deleted: list[str] = []

    def take(self, file: str, told: _Told) -> None:
        """Take the next thing that this file holds."""
        match told:
            case str():
                self.warnings.append(f"{file}: {told}")
            case _Gone(pmid):
                self._builder.drop(f"{self._source}:{pmid}")
                self._deleted.append(pmid)
            case _Found(record, is_pubmed_xml):
                self._take_record(file, record, is_pubmed_xml)
            case _End():
                self._say(file, "the same as before; kept once", self._same)
                self._say(file, "later versions; they replace the earlier ones", self._replaced)
                self._say(file, "deleted or merged by PubMed: no records", self._deleted)

    def _take_record(self, file: str, record: Prepared, is_pubmed_xml: bool) -> None:
        builder, wanted = self._builder, record.record_id
        if builder.holds(wanted, record.version):
            if is_pubmed_xml:
                self._same.append(record.pmid or wanted)
            else:
                self.warnings.append(f"{file}: {wanted} stands in an earlier file too; kept once")
            return
        if is_pubmed_xml and builder.drop(wanted):
            self._replaced.append(record.pmid or wanted)
        fresh = self._free(wanted)
        if fresh == wanted:
            builder.add(record, replaceable=is_pubmed_xml)
            return
        self.warnings.append(f"{file}: {wanted} is other content than before; kept as {fresh}")
        builder.add(record.renamed(fresh), given=wanted)

    def _free(self, record_id: str) -> str:
        number, free = 1, record_id
        while self._builder.taken(free):
            number += 1
            free = f"{record_id}#{number}"
        return free

    def _say(self, file: str, what: str, pmids: list[str]) -> None:
        """One sentence for many: an update file of NLM's replaces tens of thousands."""
        if pmids:
            more = ", …" if len(pmids) > _NAMED else ""
            self.warnings.append(f"{file}: {len(pmids)} PMIDs are {what} ({', '.join(pmids[:_NAMED])}{more})")
            pmids.clear()
