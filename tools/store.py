"""The review's log and its views. Insert-only: a changed mind is a new row.

Every method is one transaction. What is *current* is always a view over what was inserted, so any
process may ask at any moment, and a crash leaves either all of a step's rows or none of them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from tools import tables
from tools.blobs import Blobs
from tools.database import Database
from tools.errors import NotAllowed, StoreError
from tools.records.decisions import DuplicateDecision
from tools.records.linking import HandLink
from tools.schemas import Approval, Artefact, Cell, Outcome, Record, SearchResult, canonical_json

__all__ = ["Event", "OpenedPass", "Protocol", "Search", "Store", "StoredOutcome", "StoredReading"]

CHUNK = 500
"""Ids per IN clause, below the variable limits of every SQLite build."""


@dataclass(frozen=True)
class Protocol:
    """One revision of the review's protocol, as it took effect."""

    revision: int
    yaml: str
    overrides: Mapping[str, Any]
    content: Mapping[str, Any]
    basis: Mapping[str, str]
    reason: str
    author: str
    at: str


@dataclass(frozen=True)
class OpenedPass:
    """A pass over the graph: the first walk, or an update."""

    pass_id: str
    kind: str
    content: Mapping[str, Any]
    """What it was opened with; empty for the first."""
    at: str


@dataclass(frozen=True)
class Search:
    """One finished search event. Its records are hits; `result.records` is empty here."""

    search_id: str
    source: str
    kind: str
    basis: str
    result: SearchResult
    at: str


@dataclass(frozen=True)
class StoredReading:
    """What one person has read, and the table whose form they filled in."""

    by: str
    cells: Sequence[Cell]
    artefact_id: str
    at: str


@dataclass(frozen=True)
class StoredOutcome:
    """An outcome with its place in the log."""

    seq: int
    protocol_revision: int
    outcome: Outcome
    at: str


@dataclass(frozen=True)
class Event:
    """A step began, ended or stopped."""

    step: str
    kind: str
    content: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    at: str = ""


class Store:
    """One review. `clock` gives UTC as ISO 8601; it labels rows and never orders them."""

    def __init__(self, database: Database, blobs: Blobs, clock: Callable[[], str]) -> None:
        self.database, self.blobs, self.clock = database, blobs, clock

    # Protocol and passes -------------------------------------------------------------------------

    def add_protocol(self, protocol: Protocol) -> None:
        """Insert the next revision.

        Raises:
            StoreError: this revision exists already: two processes changed the protocol at once.
        """
        row = dict(vars(protocol))
        row |= {key: canonical_json(row[key]) for key in ("overrides", "content", "basis")}
        try:
            with self.database.writing() as connection:
                connection.execute(insert(tables.protocol).values(row))
        except IntegrityError as e:
            raise StoreError(
                f"protocol revision {protocol.revision} exists already; run the command again."
            ) from e

    def protocols(self) -> list[Protocol]:
        """All revisions, oldest first."""
        rows = self._all(select(tables.protocol).order_by(tables.protocol.c.revision))
        return [
            Protocol(
                **{
                    **row._asdict(),
                    **{k: json.loads(row._mapping[k]) for k in ("overrides", "content", "basis")},
                }
            )
            for row in rows
        ]

    def open_pass(
        self, pass_id: str, kind: str, content: Mapping[str, Any] | None = None, at: str | None = None
    ) -> None:
        """Begin a pass over the graph; beginning it again changes nothing.

        Args:
            pass_id: its number.
            kind: `first` or `update`.
            content: what it is opened with; it becomes the first line of the pass's trace, in the same
                transaction.
            at: when, for a replay; None reads the clock.
        """
        now = at or self.clock()
        known = select(tables.pass_).where(tables.pass_.c.pass_id == pass_id)
        with self.database.writing() as connection:
            if connection.execute(known).first() is not None:
                return
            connection.execute(insert(tables.pass_).values(pass_id=pass_id, kind=kind, at=now))
            if content is not None:
                line = {"pass_id": pass_id, "step": "review", "kind": "opened", "seconds": None, "at": now}
                connection.execute(insert(tables.event).values(line | {"content": canonical_json(content)}))

    def opened(self, pass_id: str) -> OpenedPass:
        """How and when a pass began.

        Raises:
            StoreError: there is no such pass.
        """
        row = self._first(select(tables.pass_).where(tables.pass_.c.pass_id == pass_id))
        if row is None:
            raise StoreError(f"the review has no pass {pass_id}; see `python -m agent status`.")
        table = tables.event
        query = select(table.c.content).where(table.c.pass_id == pass_id, table.c.kind == "opened")
        told = self._first(query.order_by(table.c.seq))
        return OpenedPass(row.pass_id, row.kind, {} if told is None else json.loads(told.content), row.at)

    def passes(self) -> list[str]:
        """Pass ids, oldest first."""
        return [row.pass_id for row in self._all(select(tables.pass_).order_by(tables.pass_.c.seq))]

    # Artefacts and gates -------------------------------------------------------------------------

    def add_artefact(
        self,
        pass_id: str,
        step: str,
        content: Mapping[str, Any],
        *,
        author: str,
        basis: str,
        parent: Artefact | None = None,
        note: str = "",
        at: str | None = None,
    ) -> Artefact:
        """Insert the next revision of a step's product.

        Raises:
            NotAllowed: somebody else has put a newer revision on top of `parent` meanwhile.
        """
        body = self.blobs.put(canonical_json(content).encode())
        with self.database.writing() as connection:
            newest = self._newest_artefact(connection, pass_id, step)
            if parent is not None and (newest is None or newest.artefact_id != parent.artefact_id):
                raise NotAllowed(f"the {step} has changed since you looked; look at it again with `status`.")
            revision = 1 if newest is None else newest.revision + 1
            made = Artefact(
                artefact_id=f"{pass_id}/{step}/{revision}",
                step=step,
                revision=revision,
                parent_id=None if newest is None else newest.artefact_id,
                author=author,
                content=content,
                basis=basis,
                note=note,
            )
            row = made.model_dump(exclude={"content"})
            row |= {
                "pass_id": pass_id,
                "content_sha256": body,
                "sha256": made.sha256,
                "at": at or self.clock(),
            }
            connection.execute(insert(tables.artefact).values(row))
        return made

    def artefact(self, pass_id: str, step: str) -> Artefact | None:
        """The newest revision of a step's product, if it has one."""
        with self.database.reading() as connection:
            row = self._newest_artefact(connection, pass_id, step)
        return None if row is None else self._to_artefact(row)

    def artefacts(self, pass_id: str) -> list[tuple[Artefact, str]]:
        """All revisions of all steps with their times, in order of insertion."""
        query = (
            select(tables.artefact)
            .where(tables.artefact.c.pass_id == pass_id)
            .order_by(tables.artefact.c.seq)
        )
        return [(self._to_artefact(row), row.at) for row in self._all(query)]

    def approval(self, artefact_id: str) -> Approval | None:
        """What a person decided about this revision; None while nobody has."""
        row = self._first(select(tables.approval).where(tables.approval.c.artefact_id == artefact_id))
        return None if row is None else _to_approval(row)

    def approvals(self, pass_id: str) -> list[Approval]:
        """All decisions at gates, in order of insertion."""
        query = (
            select(tables.approval)
            .where(tables.approval.c.pass_id == pass_id)
            .order_by(tables.approval.c.seq)
        )
        return [_to_approval(row) for row in self._all(query)]

    def approve(self, pass_id: str, approval: Approval, revision: int, outcomes: Sequence[Outcome]) -> None:
        """Insert a decision and all that follows from it for single records, as one transaction.

        Raises:
            NotAllowed: the revision is no longer the newest, is another than was shown, or is
                decided already.
        """
        with self.database.writing() as connection:
            newest = self._newest_artefact(connection, pass_id, approval.step)
            if newest is None or newest.artefact_id != approval.artefact_id:
                raise NotAllowed(
                    f"{approval.artefact_id} is not what the {approval.step} gate shows now; "
                    "look at it again with `python -m agent status`."
                )
            if newest.sha256 != approval.artefact_sha256:
                raise NotAllowed(
                    "the hash does not belong to what the gate shows; look at it again with `status`."
                )
            try:
                row = approval.model_dump() | {"pass_id": pass_id}
                connection.execute(insert(tables.approval).values(row))
            except IntegrityError as e:
                raise NotAllowed(
                    f"{approval.artefact_id} is decided already; see `python -m agent status`."
                ) from e
            self._insert_outcomes(connection, pass_id, revision, outcomes, at=approval.at)

    # Searches and records ------------------------------------------------------------------------

    def add_search(self, pass_id: str, search_id: str, kind: str, basis: str, result: SearchResult) -> None:
        """Insert a finished search with all its records: the whole event, or nothing of it."""
        content = canonical_json(result.model_copy(update={"records": ()}))
        row = {"search_id": search_id, "pass_id": pass_id, "source": result.source, "kind": kind}
        row |= {"basis": basis, "content": content, "at": self.clock()}
        with self.database.writing() as connection:
            connection.execute(insert(tables.search).values(row))
            for first in range(0, len(result.records), CHUNK):
                part = result.records[first : first + CHUNK]
                self._insert_new_records(connection, part)
                connection.execute(
                    insert(tables.hit),
                    [
                        {
                            "search_id": search_id,
                            "position": first + i,
                            "record_id": r.record_id,
                            "version": r.version,
                        }
                        for i, r in enumerate(part)
                    ],
                )

    def searches(self, pass_id: str) -> list[Search]:
        """Finished search events, in order of insertion."""
        query = select(tables.search).where(tables.search.c.pass_id == pass_id).order_by(tables.search.c.seq)
        return [
            Search(r.search_id, r.source, r.kind, r.basis, SearchResult.model_validate_json(r.content), r.at)
            for r in self._all(query)
        ]

    def hits(self, search_id: str) -> list[tuple[str, str]]:
        """(record_id, version) of a search's records in the source's order."""
        query = select(tables.hit).where(tables.hit.c.search_id == search_id).order_by(tables.hit.c.position)
        return [(row.record_id, row.version) for row in self._all(query)]

    def records(self, keys: Iterable[tuple[str, str]]) -> Iterator[Record]:
        """The records of these (record_id, version) pairs, in the order given.

        Raises:
            StoreError: one of them was never stored.
        """
        wanted = list(keys)
        for first in range(0, len(wanted), CHUNK):
            part = wanted[first : first + CHUNK]
            query = select(tables.record).where(
                tables.record.c.record_id.in_([record_id for record_id, _ in part])
            )
            found = {(row.record_id, row.version): row.content for row in self._all(query)}
            for key in part:
                if key not in found:
                    raise StoreError(
                        f"the review holds no record {key[0]} of version {key[1]}. Restore it from a backup."
                    )
                record = Record.model_validate_json(found[key])
                record.__dict__["version"] = key[1]  # known: spares hashing the content again
                yield record

    # Outcomes ------------------------------------------------------------------------------------

    def add_outcomes(self, pass_id: str, revision: int, outcomes: Sequence[Outcome]) -> None:
        """Insert what became of records at a step, all or none.

        Raises:
            StoreError: one of them is there already: the step was run twice at the same time.
        """
        try:
            with self.database.writing() as connection:
                self._insert_outcomes(connection, pass_id, revision, outcomes, at=self.clock())
        except IntegrityError as e:
            raise StoreError(
                f"an outcome was written twice: {e.orig}. Nothing of this batch was stored."
            ) from e

    def outcomes(self, pass_id: str, step: str) -> dict[str, StoredOutcome]:
        """Where each record stands after a step, by record id, in order of insertion."""
        query = text(f"SELECT {_COLUMNS} FROM current_outcome WHERE pass_id = :p AND step = :s ORDER BY seq")
        return _by_record(self._all(query, p=pass_id, s=step))

    def standing(self, pass_id: str, step: str) -> dict[str, StoredOutcome]:
        """As `outcomes`, without their content: for accounts over many records."""
        columns = _COLUMNS.replace("content", "'{}'")
        query = text(f"SELECT {columns} FROM current_outcome WHERE pass_id = :p AND step = :s ORDER BY seq")
        return _by_record(self._all(query, p=pass_id, s=step))

    def machine_outcomes(self, pass_id: str, step: str) -> dict[str, StoredOutcome]:
        """The newest outcome at a step that no person and no rule decided: verdicts and extracted cells."""
        query = text(
            f"SELECT {_COLUMNS} FROM outcome WHERE seq IN (SELECT MAX(seq) FROM outcome WHERE pass_id = :p "
            "AND step = :s AND reader NOT LIKE 'person:%' AND reader <> 'rule' GROUP BY record_id) ORDER BY seq"
        )
        return _by_record(self._all(query, p=pass_id, s=step))

    def outcome_log(self, pass_id: str) -> Iterator[StoredOutcome]:
        """Every outcome ever inserted in a pass, in order."""
        query = text(f"SELECT {_COLUMNS} FROM outcome WHERE pass_id = :p ORDER BY seq")
        yield from map(_to_outcome, self._all(query, p=pass_id))

    def counts(self, pass_id: str) -> dict[str, dict[str, int]]:
        """Step to kind to number of records."""
        counted: dict[str, dict[str, int]] = {}
        for row in self._all(
            text("SELECT * FROM step_count WHERE pass_id = :p ORDER BY step, kind"), p=pass_id
        ):
            counted.setdefault(row.step, {})[row.kind] = row.n
        return counted

    # Studies and trace ---------------------------------------------------------------------------

    def add_study_link(self, pass_id: str, link: HandLink, at: str | None = None) -> None:
        """Insert what a person says about which reports belong together."""
        row = {"pass_id": pass_id, "content": canonical_json(link), "by": link.by, "at": at or self.clock()}
        with self.database.writing() as connection:
            connection.execute(insert(tables.study_link).values(row))

    def study_links(self, pass_id: str) -> list[tuple[HandLink, str]]:
        """All such words with their times, oldest first."""
        table = tables.study_link
        rows = self._all(select(table).where(table.c.pass_id == pass_id).order_by(table.c.seq))
        return [(HandLink.model_validate_json(row.content), row.at) for row in rows]

    def add_duplicate_decision(
        self, pass_id: str, decision: DuplicateDecision, at: str | None = None
    ) -> None:
        """Insert what a person says about records that look alike."""
        row = {"pass_id": pass_id, "content": canonical_json(decision), "by": decision.by}
        with self.database.writing() as connection:
            connection.execute(insert(tables.duplicate_decision).values(row | {"at": at or self.clock()}))

    def duplicate_decisions(self, pass_id: str) -> list[tuple[DuplicateDecision, str]]:
        """All such words with their times, oldest first."""
        table = tables.duplicate_decision
        rows = self._all(select(table).where(table.c.pass_id == pass_id).order_by(table.c.seq))
        return [(DuplicateDecision.model_validate_json(row.content), row.at) for row in rows]

    def add_reading(
        self, pass_id: str, artefact_id: str, cells: Sequence[Cell], by: str, at: str | None = None
    ) -> None:
        """Insert what one person has read out of the reports; a later reading of a cell replaces the earlier.

        Args:
            artefact_id: the table whose form was filled in; it holds what was asked.
        """
        content = canonical_json([cell.model_dump(mode="json") for cell in cells])
        row = {"pass_id": pass_id, "artefact_id": artefact_id, "content": content, "by": by}
        with self.database.writing() as connection:
            connection.execute(insert(tables.reading).values(row | {"at": at or self.clock()}))

    def readings(self, pass_id: str) -> list[StoredReading]:
        """Everything that people entered, in order."""
        table = tables.reading
        query = select(table).where(table.c.pass_id == pass_id).order_by(table.c.seq)
        return [
            StoredReading(
                by=row.by,
                cells=[Cell.model_validate(cell) for cell in json.loads(row.content)],
                artefact_id=row.artefact_id,
                at=row.at,
            )
            for row in self._all(query)
        ]

    def log(self, pass_id: str, event: Event) -> None:
        """Insert a line of the trace."""
        row = {"pass_id": pass_id, "step": event.step, "kind": event.kind, "seconds": event.seconds}
        row |= {"content": canonical_json(event.content), "at": self.clock()}
        with self.database.writing() as connection:
            connection.execute(insert(tables.event).values(row))

    def events(self, pass_id: str) -> list[Event]:
        """The trace, in order."""
        query = select(tables.event).where(tables.event.c.pass_id == pass_id).order_by(tables.event.c.seq)
        return [Event(r.step, r.kind, json.loads(r.content), r.seconds, r.at) for r in self._all(query)]

    # Within ----------------------------------------------------------------------------------------

    def _all(self, query: Any, **values: Any) -> Sequence[Row[Any]]:
        with self.database.reading() as connection:
            return connection.execute(query, values).all()

    def _first(self, query: Any) -> Row[Any] | None:
        with self.database.reading() as connection:
            return connection.execute(query).first()

    def _newest_artefact(self, connection: Connection, pass_id: str, step: str) -> Row[Any] | None:
        table = tables.artefact
        newest = (
            select(func.max(table.c.revision))
            .where(table.c.pass_id == pass_id, table.c.step == step)
            .scalar_subquery()
        )
        query = select(table).where(
            table.c.pass_id == pass_id, table.c.step == step, table.c.revision == newest
        )
        return connection.execute(query).first()

    def _to_artefact(self, row: Row[Any]) -> Artefact:
        return Artefact(
            artefact_id=row.artefact_id,
            step=row.step,
            revision=row.revision,
            parent_id=row.parent_id,
            author=row.author,
            content=json.loads(self.blobs.get(row.content_sha256)),
            basis=row.basis,
            note=row.note,
        )

    def _insert_new_records(self, connection: Connection, records: Sequence[Record]) -> None:
        ids = [record.record_id for record in records]
        query = select(tables.record.c.record_id, tables.record.c.version).where(
            tables.record.c.record_id.in_(ids)
        )
        known = {(row.record_id, row.version) for row in connection.execute(query)}
        new = {
            (r.record_id, r.version): canonical_json(r.model_dump(mode="json", exclude_defaults=True))
            for r in records
        }
        rows = [
            {"record_id": record_id, "version": version, "content": content}
            for (record_id, version), content in new.items()
            if (record_id, version) not in known
        ]
        if rows:
            connection.execute(insert(tables.record), rows)

    def _insert_outcomes(
        self, connection: Connection, pass_id: str, revision: int, outcomes: Sequence[Outcome], *, at: str
    ) -> None:
        rows = [
            {
                **outcome.model_dump(exclude={"content"}),
                "content": canonical_json(outcome.content),
                "pass_id": pass_id,
                "protocol_revision": revision,
                "at": at,
            }
            for outcome in outcomes
        ]
        if rows:
            connection.execute(insert(tables.outcome), rows)


def _to_approval(row: Row[Any]) -> Approval:
    return Approval.model_validate({name: row._mapping[name] for name in Approval.model_fields})


_COLUMNS = ", ".join((*Outcome.model_fields, "seq", "protocol_revision", "at"))


def _to_outcome(row: Row[Any]) -> StoredOutcome:
    """A row of `_COLUMNS`; by position, since a review reads hundreds of thousands of them."""
    *values, seq, revision, at = list(row)
    told = dict(zip(Outcome.model_fields, values, strict=True))
    told["content"] = {} if told["content"] == "{}" else json.loads(told["content"])
    return StoredOutcome(seq, revision, Outcome.model_construct(**told), at)


def _by_record(rows: Iterable[Row[Any]]) -> dict[str, StoredOutcome]:
    stored = map(_to_outcome, rows)
    return {one.outcome.record_id: one for one in stored}
