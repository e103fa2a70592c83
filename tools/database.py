"""Opening the review's database: schema, locking and disk errors, in one place.

SQLite: write-ahead log, so that a web page may read while a run writes; `BEGIN IMMEDIATE`, so that two
writers queue instead of failing half-way (https://www.sqlite.org/lang_transaction.html); a busy
timeout, so that the queue is patient.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError

from tools import tables
from tools.errors import StoreError

__all__ = ["Database"]

APPLICATION = "leads-agent"
BUSY_TIMEOUT_MS = 30_000


class Database:
    """A connection pool over one review's database."""

    def __init__(self, url: str) -> None:
        """Open, creating the schema in an empty database.

        Args:
            url: an SQLAlchemy URL, for example `sqlite:////path/review.sqlite`.

        Raises:
            StoreError: no database, somebody else's, or one of another schema version.
        """
        self.url = url
        self.engine = _sqlite(url) if url.startswith("sqlite") else create_engine(url)
        with self.writing() as connection:
            self._prepare(connection)
        if url.startswith("sqlite"):
            self._write_ahead()

    @classmethod
    def file(cls, path: Path) -> "Database":
        """Open an SQLite file, readable by its owner alone: it holds the review's data."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as e:
            raise StoreError(f"cannot open {path}: {e}. Choose a folder that you may write to.") from e
        os.close(handle)
        return cls(f"sqlite:///{path}")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it lands, or none.

        Raises:
            StoreError: the disk is full, the file is locked for too long, or it is damaged.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except DatabaseError as e:
            if not _of_the_file(e):
                raise
            raise StoreError(
                f"{self.url}: {e.orig}. Nothing of this step was written; make room or release the "
                "file, then `python -m agent resume`."
            ) from e

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read without taking the write lock, also while somebody writes.

        Raises:
            StoreError: the file cannot be read, or is damaged.
        """
        try:
            with self.engine.connect().execution_options(reading=True) as connection:
                yield connection
        except DatabaseError as e:
            if not _of_the_file(e):
                raise
            raise StoreError(
                f"{self.url} cannot be read: {e.orig}. Close what holds the file, or restore it from a backup."
            ) from e

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    def _write_ahead(self) -> None:
        # Only now that the file is known to be ours: this setting is kept in the file itself.
        # It needs the file for itself, and SQLite does not wait for that by its own timeout.
        give_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                with self.reading() as connection:
                    if connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != "wal":
                        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            except StoreError as e:
                if "locked" not in str(e) or time.monotonic() > give_up_at:
                    raise
                time.sleep(0.02)
            else:
                return

    def _prepare(self, connection: Connection) -> None:
        names = set(inspect(connection).get_table_names())
        if not names:
            tables.metadata.create_all(connection)
            for name, select_ in tables.VIEWS.items():
                connection.execute(text(f"CREATE VIEW {name} AS {select_}"))
            row = {"application": APPLICATION, "version": tables.SCHEMA_VERSION}
            connection.execute(insert(tables.schema_info).values(row))
            return
        if "schema_info" not in names:
            raise StoreError(
                f"{self.url} is a database of another program. Move it away, or choose a new folder."
            )
        found = connection.execute(select(tables.schema_info)).one()
        if (found.application, found.version) != (APPLICATION, tables.SCHEMA_VERSION):
            raise StoreError(
                f"{self.url} is {found.application} schema {found.version}; this program knows "
                f"{APPLICATION} schema {tables.SCHEMA_VERSION}. Use the program version that made it."
            )


def _of_the_file(error: SQLAlchemyError) -> bool:
    """Whether disk, lock or file are to blame; a broken constraint or statement is for the caller to name."""
    # "Not a database" and "malformed" come as the base class itself.
    return isinstance(error, OperationalError) or type(error) is DatabaseError


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # We open transactions ourselves (below); the driver's own habit of opening them late
        # would let two writers both read first and then deadlock.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # An option of our own: switching the driver to autocommit and back costs more than a small read.
        if not connection.get_execution_options().get("reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
