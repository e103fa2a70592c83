"""What the outside world and the machine said, under content keys: calls, scores, exchanges.

A key holds all that can change an answer, so finding a key means having the answer: a run that is
resumed pays for nothing twice, and a replay needs neither network nor model.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from tools import tables
from tools.blobs import Blobs
from tools.database import Database
from tools.exchange import StoredExchange

__all__ = ["CallLog", "Exchanges", "ScoreLog", "StoredCall"]


@dataclass(frozen=True)
class StoredCall:
    """One call of the reasoning engine, answered or failed for good."""

    key: str
    task: str
    engine: str
    request: str
    status: str
    raw: str
    error_kind: str | None = None
    error: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0
    told: str = "{}"
    """JSON object: what else the backend said, such as how the server names the model, and label probabilities."""
    at: str = ""


# Built once: making a statement costs more than running it, and a review makes ten thousand calls.
_CALL_BY_KEY = select(tables.call).where(tables.call.c.key == bindparam("key"))
_INSERT_CALL = insert(tables.call)


class CallLog:
    """Calls of the reasoning engine, by key."""

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self.database, self.clock = database, clock

    def find(self, key: str) -> StoredCall | None:
        """The stored call with this key."""
        with self.database.reading() as connection:
            row = connection.execute(_CALL_BY_KEY, {"key": key}).first()
        return None if row is None else _to_call(row)

    def save(self, call: StoredCall) -> StoredCall:
        """Insert a call at once, so that a crash in the next second does not cost it again.

        Returns:
            The call that stands: where the same request was in flight twice, the one that landed first.
        """
        stored = replace(call, at=call.at or self.clock())
        try:
            with self.database.writing() as connection:
                connection.execute(_INSERT_CALL, vars(stored))
        except IntegrityError:
            if (first := self.find(call.key)) is None:
                raise  # not because the key was there
            return first
        return stored

    def all(self, task: str | None = None) -> Iterator[StoredCall]:
        """Every stored call, in order of insertion, of one task or of all."""
        query = select(tables.call).order_by(tables.call.c.seq)
        if task is not None:
            query = query.where(tables.call.c.task == task)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield _to_call(row)


def _to_call(row: Row[Any]) -> StoredCall:
    return StoredCall(**{name: value for name, value in row._asdict().items() if name != "seq"})


class ScoreLog:
    """Similarity scores of the prefilter, by key."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def find(self, keys: Sequence[str]) -> dict[str, float]:
        """Those of the keys that are stored."""
        with self.database.reading() as connection:
            return _scores(connection, keys)

    def save(self, scores: Mapping[str, float]) -> None:
        """Insert new scores; a key that is there keeps its value."""
        with self.database.writing() as connection:
            known = _scores(connection, list(scores))
            rows = [{"key": key, "value": value} for key, value in scores.items() if key not in known]
            if rows:
                connection.execute(insert(tables.score), rows)


def _scores(connection: Connection, keys: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for first in range(0, len(keys), 500):
        query = select(tables.score).where(tables.score.c.key.in_(keys[first : first + 500]))
        found |= {row.key: row.value for row in connection.execute(query)}
    return found


class Exchanges:
    """HTTP exchanges and searches of local files, by key; bodies in blobs. Meets `transport.ExchangeLog`."""

    def __init__(self, database: Database, blobs: Blobs, newest: int | None = None) -> None:
        self.database, self.blobs, self.newest = database, blobs, newest

    def find(self, key: str) -> StoredExchange | None:
        """The stored exchange with this key."""
        with self.database.reading() as connection:
            table = tables.exchange
            row = connection.execute(self._known(select(table).where(table.c.key == key))).first()
        if row is None:
            return None
        fields = {k: v for k, v in row._asdict().items() if k not in ("seq", "body_sha256")}
        return StoredExchange(**fields, body=self.blobs.get(row.body_sha256))

    def save(self, exchange: StoredExchange) -> None:
        """Store the body, then the row that names it. Saving a key twice keeps the first."""
        row = exchange.model_dump(exclude={"body"}) | {"body_sha256": self.blobs.put(exchange.body)}
        table = tables.exchange
        with self.database.writing() as connection:
            if connection.execute(select(table.c.seq).where(table.c.key == exchange.key)).first() is None:
                connection.execute(insert(table).values(row))

    def all(self) -> Iterator[StoredExchange]:
        """Every exchange with its body, in order of insertion."""
        with self.database.reading() as connection:
            query = self._known(select(tables.exchange.c.key)).order_by(tables.exchange.c.seq)
            keys = [row.key for row in connection.execute(query)]
        for key in keys:
            if (exchange := self.find(key)) is not None:
                yield exchange

    @property
    def last(self) -> int:
        """Sequence number of the newest exchange; 0 when there is none."""
        with self.database.reading() as connection:
            query = self._known(select(func.coalesce(func.max(tables.exchange.c.seq), 0)))
            return int(connection.execute(query).scalar_one())

    def until(self, last: int) -> "Exchanges":
        """The log as it was when `last` was its newest exchange."""
        return Exchanges(self.database, self.blobs, last)

    def requests(self, service: str | None = None) -> list[str]:
        """Canonical request texts in order of insertion, of one service or of all."""
        query = self._known(select(tables.exchange.c.request)).order_by(tables.exchange.c.seq)
        if service is not None:
            query = query.where(tables.exchange.c.service == service)
        with self.database.reading() as connection:
            return [row.request for row in connection.execute(query)]

    def _known(self, query: Select[Any]) -> Select[Any]:
        return query if self.newest is None else query.where(tables.exchange.c.seq <= self.newest)
