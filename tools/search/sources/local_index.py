"""The index file of a local corpus: words in an FTS5 table, lists of positions for everything exact, and
the records themselves, so that a search reads nothing else.

For records that nobody indexed it also holds which headings of the vocabulary their words name, so that a
heading with tens of thousands of terms below it is one row to read, not as many searches.
It can be deleted at any time.
Source: https://www.sqlite.org/fts5.html, "Contentless Tables", "Phrases", "NEAR Queries".
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tools.errors import InputFileError
from tools.schemas import Record
from tools.search.sources.local_build import BELOW, DEAD, FORMAT, HAS, NAMED, Builder, Preparer, unpacked
from tools.search.vocabulary import Vocabulary
from tools.search.vocabulary_source import write_atomically

__all__ = ["Index", "Positions", "Progress", "build_index", "identity_of", "open_index", "reuse"]

Progress = Callable[[int, int], None]
"""Told how many are done, of how many."""

Positions: TypeAlias = NDArray[np.bool_]
"""One truth value per position of the corpus; what an index answers."""

_BATCH = 500
_PORTION = 5_000


def identity_of(records: Sequence[Record], vocabulary: Vocabulary | None = None) -> str:
    """Content hash of a corpus in its order, 16 hex digits; recipe and vocabulary of the index go into it."""
    digest = sha256(f"{FORMAT}\n{vocabulary.identity if vocabulary else ''}\n".encode())
    for record in records:
        digest.update(record.model_dump_json().encode() + b"\n")
    return digest.hexdigest()[:16]


def open_index(
    path: Path,
    records: Sequence[Record],
    progress: Progress | None = None,
    vocabulary: Vocabulary | None = None,
) -> "Index":
    """The index of these records and this vocabulary at `path`; built anew when it is missing, of others
    or broken.

    Raises:
        InputFileError: two records share an id.
    """
    identity = identity_of(records, vocabulary)
    index = reuse(path, identity)
    if index is None:
        _refuse_doubles(records)
        told = progress and partial(_told, progress, len(records))
        index = build_index(path, records, identity, vocabulary, told)
        if progress is not None:
            progress(len(records), len(records))
    return index


def build_index(
    path: Path,
    records: Iterable[Record],
    identity: str,
    vocabulary: Vocabulary | None = None,
    progress: Callable[[int], None] | None = None,
) -> "Index":
    """Build an index of records that come one by one, in constant memory; it takes the place of what was at `path`.

    Args:
        path: a file that may be deleted at any time.
        records: in the order of results, each id once.
        identity: what the records and the vocabulary follow from.
        vocabulary: headings for the words of records that nobody indexed.
        progress: told how many are done, now and then.

    Raises:
        StoreError: the disk is full, or the folder cannot be written.
        sqlite3.IntegrityError: two records share an id.
    """
    with write_atomically(path) as scratch:
        _build(scratch, records, identity, progress, vocabulary)
    return Index(path)


def _told(progress: Progress, of: int, done: int) -> None:
    progress(done, of)


def reuse(path: Path, identity: str) -> "Index | None":
    """The index at `path` when it is there, whole, and of this identity."""
    if not path.is_file():
        return None
    try:
        index = Index(path)
    except sqlite3.DatabaseError:  # not SQLite, or of another shape: it is a cache, so we build it again
        return None
    if index.identity == identity:
        return index
    index.close()
    return None


def _refuse_doubles(records: Sequence[Record]) -> None:
    seen: set[str] = set()
    for record in records:
        if record.record_id in seen:
            raise InputFileError(
                f"two records of the corpus have the id {record.record_id!r}; "
                "remedy: give each its own id, duplicates are joined later and counted"
            )
        seen.add(record.record_id)


def _build(
    path: Path,
    records: Iterable[Record],
    identity: str,
    progress: Callable[[int], None] | None,
    vocabulary: Vocabulary | None,
) -> None:
    prepared = map(Preparer(vocabulary), records)
    builder = Builder(path)
    try:
        for done, record in enumerate(prepared):
            builder.add(record)
            if progress is not None and (done + 1) % _BATCH == 0:
                progress(done + 1)
        builder.finish({"identity": identity})
    finally:
        builder.close()


class Index:
    """Questions to an index file; each answer says for each position whether it holds there.

    Raises:
        sqlite3.DatabaseError: on opening or later, when the file is no index or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # immutable: a new index replaces the file by renaming, so what we have open never changes.
        self._db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._has: dict[str, Positions] = {}
        try:
            rows = self._db.execute("SELECT key, value FROM meta")
            self.meta: dict[str, Any] = {key: json.loads(value) for key, value in rows}
            self._positions: int = self.meta["size"]
            self._live = ~self.having(DEAD, [""])
        except (sqlite3.DatabaseError, KeyError, ValueError) as e:
            self._db.close()
            raise sqlite3.DatabaseError(str(e)) from e

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    @property
    def identity(self) -> str:
        """Of the content it was built from."""
        return str(self.meta["identity"])

    @property
    def size(self) -> int:
        """How many records it holds."""
        return int(self.meta["live"])

    def records(self, at: Positions) -> Iterator[Record]:
        """The records at these positions, in the order of the corpus."""
        return (unpacked(body) for body in self._column("body", at))

    def pmids(self, at: Positions) -> Iterator[str]:
        """The PMIDs of the records at these positions, in order; records without one are left out."""
        return (pmid for pmid in self._column("pmid", at) if pmid)

    def _column(self, name: str, at: Positions) -> Iterator[Any]:
        positions = np.flatnonzero(at).tolist()
        for start in range(0, len(positions), _PORTION):
            rows = self._db.execute(
                f"SELECT {name} FROM record WHERE position IN (SELECT value FROM json_each(?)) "  # noqa: S608
                "ORDER BY position",
                (json.dumps(positions[start : start + _PORTION]),),
            )
            yield from (value for (value,) in rows)

    def fields(self) -> frozenset[str]:
        """Fields that at least one record has."""
        rows = self._db.execute("SELECT value FROM facet WHERE field = ?", (HAS,))
        return frozenset(value for (value,) in rows)

    def present(self, field: str) -> Positions:
        """Where a record has this field."""
        if field not in self._has:
            self._has[field] = self.having(HAS, [field])
        return self._has[field]

    def absent(self, field: str) -> Positions:
        """Where a record has not this field."""
        return self._live & ~self.present(field)

    def match(self, columns: Sequence[str], expressions: Sequence[str]) -> Positions:
        """Where any of these FTS5 expressions holds in these columns."""
        found = self._nowhere()
        # In portions: FTS5 walks all branches of an OR at every hit, and its parser has a limit.
        for start in range(0, len(expressions), 40):
            either = " OR ".join(expressions[start : start + 40])
            rows = self._db.execute(
                "SELECT rowid FROM text WHERE text MATCH ?", (f"{{{' '.join(columns)}}} : ({either})",)
            )
            found[np.fromiter(chain.from_iterable(rows), dtype=np.int64)] = True
        return found & self._live

    def having(self, field: str, values: Iterable[str]) -> Positions:
        """Where this field has one of these values."""
        rows = self._db.execute(
            "SELECT positions FROM facet WHERE field = ? AND value IN (SELECT value FROM json_each(?))",
            (field, json.dumps(list(values))),
        )
        return self._united(rows)

    def naming(self, heading: str, *, exploded: bool) -> Positions:
        """Where a record without headings names this one in title, abstract or keywords or, where `exploded`,
        one below it, by any of their terms; of the vocabulary that the index was built with."""
        return self.having(BELOW if exploded else NAMED, [heading])

    def between(self, field: str, first: str, after: str) -> Positions:
        """Where this field has a value in `[first, after)`, as text."""
        asked = "SELECT positions FROM facet WHERE field = ? AND value >= ? AND value < ?"
        return self._united(self._db.execute(asked, (field, first, after)))

    def starting(self, field: str, prefix: str) -> Positions:
        """Where this field has a value that begins so."""
        return self.between(field, prefix, prefix + "\U0010ffff")

    def _united(self, rows: Iterable[tuple[bytes]]) -> Positions:
        found = self._nowhere()
        for (positions,) in rows:
            found[np.frombuffer(positions, dtype="<u4")] = True
        return found

    def _nowhere(self) -> Positions:
        return np.zeros(self._positions, dtype=np.bool_)
