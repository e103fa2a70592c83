"""Many files of PubMed XML at once, such as NLM's baseline: each is parsed in a process of its own.

A worker leaves what it read in a spool file, and only as many files are in work as there are workers: so
memory stays flat, and results come in the order of the files, whichever is ready first.
"""

import multiprocessing
import pickle
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from tools.errors import InputFileError
from tools.schemas import Frozen
from tools.search.pubmed_xml import Item, parse_article_set

__all__ = ["Broken", "FileItem", "parse_files", "spooled"]

_BATCH = 500


class Broken(Frozen):
    """What is left of this file cannot be read. Not an item of the file, and not its orderly end."""

    reason: str


FileItem: TypeAlias = Item | Broken


def parse_files(
    paths: Sequence[Path], *, name: str = "pubmed", workers: int = 1
) -> Iterator[tuple[Path, FileItem]]:
    """Read several files, plain or gzipped, in their order.

    Args:
        paths: the files.
        name: see `parse_article_set`.
        workers: processes; with 1 the files are read in this one. Each needs some 100 MB, and the disk
            as much room as the records of that many files.

    Yields:
        (file, item) as of `parse_article_set`. A file that cannot be read, or not to its end, gives what
        was read of it and then one `Broken`; the files after it are read all the same.
    """
    jobs = [(path, name) for path in paths]
    for (path, _), item in spooled(_items, jobs, workers=workers):
        yield path, item


def _items(job: tuple[Path, str]) -> Iterator[FileItem]:
    path, name = job
    try:
        yield from parse_article_set(path, name=name)
    except InputFileError as e:
        yield Broken(reason=str(e))


def spooled(
    read: Callable[[Any], Iterable[Any]],
    jobs: Sequence[Any],
    *,
    workers: int,
) -> Iterator[tuple[Any, Any]]:
    """(job, each value of `read(job)`), job after job, in the order of the jobs.

    Args:
        read: for several workers a function at the top of its module, as it is named to them, not copied.
        jobs: what it is called with; for several workers they and the values can be pickled.
        workers: processes; with 1 everything happens in this one, value by value.

    Raises:
        Whatever `read` raises: with one worker behind the values before it, else in the place of all.
    """
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            for value in read(job):
                yield job, value
        return
    folder = Path(tempfile.mkdtemp(prefix="spool-"))
    # Not forked: the threads of this process may hold locks that nobody would release in the copy.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn)
    waiting: deque[tuple[Any, Path, Future[None]]] = deque()
    try:
        coming = ((job, folder / str(number)) for number, job in enumerate(jobs))
        while True:
            for job, path in islice(coming, workers + 1 - len(waiting)):
                waiting.append((job, path, pool.submit(_spool, read, job, path)))
            if not waiting:
                return
            job, path, done = waiting.popleft()
            done.result()
            with path.open("rb") as stream:
                for value in _unspooled(stream):
                    yield job, value
            path.unlink()
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(folder, ignore_errors=True)


def _spool(read: Callable[[Any], Iterable[Any]], job: Any, path: Path) -> None:
    values = iter(read(job))
    with path.open("wb") as stream:
        while batch := list(islice(values, _BATCH)):
            pickle.dump(batch, stream, pickle.HIGHEST_PROTOCOL)


def _unspooled(stream: BinaryIO) -> Iterator[Any]:
    while True:
        try:
            batch = pickle.load(stream)  # noqa: S301 - written by our own worker, in a folder of our own
        except EOFError:
            return
        yield from batch
