"""Rows of a corpus' Parquet files, found by key: quick with millions of rows, and each thing once.

DuckDB resolves which of several versions stands, over the key columns and never over the bodies. A body is then
read with its row group, of half a megabyte at most or one long row. Where a number such as a PMID lies is found by
bisection in a sorted array of 16 bytes a row, which is kept in `index/` under the fingerprint of the files, made
when it is not there, and mapped into memory: one lookup costs one row group, however many millions there are.

What is put into the SQL here are names of columns and files, never a value.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from finetune.build.kinds import Shard
from finetune.build.shards import Output
from finetune.build.tables import TABLES
from tools.errors import InputFileError
from tools.schemas import sha256_of

__all__ = ["Table"]

RANKS = {
    "records": "abstract DESC, updated DESC, filled DESC, size DESC, ",
    "trials": "results DESC, updated DESC, size DESC, ",
    "papers": "licensed DESC, size DESC, ",
}
"""Which of several versions of one thing stands; at last the file's name and the place in it."""

NUMBERS = {"pmid": "pmid", "pmcid": "pmcid", "nct": "substr(nct_id, 4)::BIGINT"}

KEPT_KEYS = 1_000_000
"""Rows up to which a table's keys are kept in memory; 100 bytes each."""
HELD_GROUPS = 256
HELD_FILES = 64


class Place(NamedTuple):
    """Where a row lies: number of the file, number of the row in it."""

    file: int
    row: int


class Table:
    """One table of a corpus.

    Raises:
        InputFileError: one of its files is gone or has another length.
    """

    def __init__(self, folder: Path, name: str, outputs: Sequence[Output]) -> None:
        self._folder, self._name = folder, name
        made = sorted((o for o in outputs if o.table == name), key=lambda o: o.name)
        self._files = [folder / o.name for o in made]
        gone = sorted(
            (o for o in outputs if name == "records" and o.table == "deleted"), key=lambda o: o.name
        )
        self._gone = [folder / o.name for o in gone]
        self._mark = sha256_of([[o.name, o.sha256] for o in (*made, *gone)])[:16]
        self.rows = sum(o.rows for o in made)
        self._bodies = _Bodies(self._files)
        self._kept: dict[tuple[str, tuple[str, str] | None], list[tuple[Any, ...]]] = {}
        for path, output in zip(self._files, made, strict=True):
            if not path.is_file() or path.stat().st_size != output.size:
                raise _damaged(path, "it is gone or has another length")

    def each(self, key: str, shard: Shard, only: tuple[str, str] | None = None) -> Iterator[str]:
        """The body of each thing once, ordered by its key; of those whose key is this shard's."""
        for found, file, row in self._keys(key, only):
            if shard.of == 1 or shard.has(found):
                yield self._bodies.at(Place(file, row))

    def _keys(self, key: str, only: tuple[str, str] | None) -> Iterable[tuple[Any, ...]]:
        """Key, file and row of each thing in order; kept where they are not too many, as every piece asks anew."""
        if (key, only) in self._kept:
            return self._kept[key, only]
        condition, values = (f"WHERE {only[0]} = ?", [only[1]]) if only else ("", [])
        sql = f"SELECT {key}, file, file_row_number FROM rows {condition} {self._first(key)} ORDER BY {key}"  # noqa: S608
        found = self._query(sql, values)
        return found if self.rows > KEPT_KEYS else self._kept.setdefault((key, only), list(found))

    def where(self, column: str, value: str, key: str | None = None) -> list[str]:
        """The bodies whose column has this value; with a key, each key once and in its order."""
        order = f"{self._first(key)} ORDER BY {key}" if key else "ORDER BY file, file_row_number"
        sql = f"SELECT body FROM rows WHERE {column} = ? {order}"  # noqa: S608
        return [body for (body,) in self._query(sql, [value])]

    def distinct(self) -> Iterator[dict[str, Any]]:
        """All different rows, ordered by all columns."""
        columns = ", ".join(f'"{name}"' for name in TABLES[self._name])
        sql = f"SELECT DISTINCT {columns} FROM rows ORDER BY ALL"  # noqa: S608
        for row in self._query(sql, []):
            yield dict(zip(TABLES[self._name], row, strict=True))

    def by_number(self, number: str, keys: Iterable[int]) -> dict[int, str]:
        """The bodies with these numbers, by number; what is not there is left out."""
        index = self._index(number)
        places = sorted((place, key) for key in set(keys) if (place := index.place(key)))
        return {key: self._bodies.at(place) for place, key in places}

    def known(self, number: str, keys: Iterable[int]) -> frozenset[int]:
        """Those numbers that are there."""
        index = self._index(number)
        return frozenset(key for key in set(keys) if index.place(key))

    def all_numbers(self, number: str, shard: Shard) -> Iterator[str]:
        """The body of each thing that has such a number, in the order of the files and of the rows in them."""
        for key, place in self._index(number).in_order():
            if shard.of == 1 or shard.has(str(key)):
                yield self._bodies.at(place)

    def numbers(self, number: str) -> int:
        """How many different ones there are."""
        return len(self._index(number))

    # DuckDB --------------------------------------------------------------------------------------

    def _first(self, key: str) -> str:
        """Of several rows with one key the one that stands."""
        rank = RANKS.get(self._name, "")
        return f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {rank} file, file_row_number) = 1"

    def _query(self, sql: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        import duckdb

        if not self._files:
            return
        try:
            cursor = self._db.cursor().execute(sql, values)
            while rows := cursor.fetchmany(10_000):
                yield from rows
        except duckdb.Error as e:
            raise _damaged(self._folder / self._name, str(e).splitlines()[0]) from e

    @cached_property
    def _db(self) -> Any:
        import duckdb

        # What does not fit into memory goes there, and not to the folder that one happens to be in.
        room = str(Path(tempfile.gettempdir()) / f"corpus-{self._mark}")
        db = duckdb.connect(":memory:", config={"threads": 2, "temp_directory": room})
        names = [str(path) for path in self._files]
        db.execute(
            "CREATE TABLE files AS SELECT unnest(?) AS filename, unnest(range(?)) AS file",
            [names, len(names)],
        )
        what = f"read_parquet({_listed(self._files)}, filename = true, file_row_number = true)"
        if self._gone:
            what += f" WHERE pmid NOT IN (SELECT pmid FROM read_parquet({_listed(self._gone)}))"  # noqa: S608
        db.execute(f"CREATE VIEW rows AS SELECT * FROM (FROM {what}) JOIN files USING (filename)")  # noqa: S608
        return db

    # Numbers -------------------------------------------------------------------------------------

    def _index(self, number: str) -> _Index:
        if number not in self._indexes:
            self._indexes[number] = _Index(self._sorted(number))
        return self._indexes[number]

    @cached_property
    def _indexes(self) -> dict[str, _Index]:
        return {}

    def _sorted(self, number: str) -> Any:
        """The array of numbers and places; from its file, which is made where it is not there."""
        import numpy as np

        path = self._folder / "index" / f"{self._name}-{number}-{self._mark}.npy"
        try:
            return np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            made = self._made(number)
        try:
            path.parent.mkdir(exist_ok=True)
            partial = path.with_suffix(f".partial-{os.getpid()}")
            with partial.open("wb") as file:
                np.save(file, made)
            partial.replace(path)
        except OSError:
            return made  # a folder that cannot be written to can be read all the same
        return np.load(path, mmap_mode="r")

    def _made(self, number: str) -> Any:
        import duckdb
        import numpy as np

        kinds = [("key", np.int64), ("file", np.int32), ("row", np.int32)]
        if not self._files:
            return np.empty(0, dtype=kinds)
        said = NUMBERS[number]
        sql = f"SELECT {said} AS key, file, file_row_number AS row FROM rows WHERE key IS NOT NULL "  # noqa: S608
        try:
            columns = self._db.cursor().execute(sql + f"{self._first('key')} ORDER BY key").fetchnumpy()
        except duckdb.Error as e:
            raise _damaged(self._folder / self._name, str(e).splitlines()[0]) from e
        made = np.empty(len(columns["key"]), dtype=kinds)
        for name, _ in kinds:
            made[name] = columns[name]
        return made


class _Index:
    """Numbers in rising order, and where each lies."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self._keys = rows["key"]

    def __len__(self) -> int:
        return len(self._rows)

    def place(self, key: int) -> Place | None:
        at = int(self._keys.searchsorted(key))
        if at == len(self._rows) or int(self._keys[at]) != key:
            return None
        return Place(int(self._rows["file"][at]), int(self._rows["row"][at]))

    def in_order(self) -> Iterator[tuple[int, Place]]:
        """(number, place), in the order of the places."""
        import numpy as np

        for at in np.lexsort((self._rows["row"], self._rows["file"])):
            key, file, row = self._rows[at].item()
            yield key, Place(file, row)


class _Bodies:
    """The column `body` of files, a row group at a time; the last ones are kept."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._open: OrderedDict[int, tuple[Any, list[int]]] = OrderedDict()
        self._groups: OrderedDict[Place, list[str]] = OrderedDict()

    def at(self, place: Place) -> str:
        """The body in one place.

        Raises:
            InputFileError: the file is damaged there.
        """
        file, starts = self._file(place.file)
        number = bisect_right(starts, place.row) - 1
        return self._group(file, Place(place.file, number))[place.row - starts[number]]

    def _file(self, number: int) -> tuple[Any, list[int]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if number not in self._open:
            try:
                file = pq.ParquetFile(self._files[number], page_checksum_verification=True)
            except (OSError, pa.ArrowException) as e:
                raise _damaged(self._files[number], str(e).splitlines()[0]) from e
            lengths = (file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups))
            self._open[number] = (file, [0, *accumulate(lengths)])
            if len(self._open) > HELD_FILES:
                _, (old, _) = self._open.popitem(last=False)
                old.close()
        self._open.move_to_end(number)
        return self._open[number]

    def _group(self, file: Any, group: Place) -> list[str]:
        import pyarrow as pa

        if group not in self._groups:
            try:
                self._groups[group] = file.read_row_group(group.row, columns=["body"])["body"].to_pylist()
            except (OSError, pa.ArrowException) as e:
                raise _damaged(self._files[group.file], str(e).splitlines()[0]) from e
            if len(self._groups) > HELD_GROUPS:
                self._groups.popitem(last=False)
        self._groups.move_to_end(group)
        return self._groups[group]


def _listed(files: Iterable[Path]) -> str:
    return "[" + ", ".join("'" + str(path).replace("'", "''") + "'" for path in files) + "]"


def _damaged(path: Path, why: str) -> InputFileError:
    return InputFileError(
        f"{path}: a file of the corpus is damaged: {why}. Remedy: ingest again; only what is damaged is made anew."
    )
