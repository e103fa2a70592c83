"""The review's tables and views. Rows are inserted and never changed; what is current is a view.

The same definitions serve SQLite and PostgreSQL; JSON is kept as canonical text, so that a hash
over a column means the same everywhere.
"""

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = ["SCHEMA_VERSION", "VIEWS", "metadata"]

SCHEMA_VERSION = 4
"""Raised with every change of this file; a database of another version is refused, never guessed at."""

metadata = MetaData()


def _seq() -> Column[int]:
    """Order of insertion: the only order that outputs may depend on; clocks jump."""
    return Column("seq", Integer, primary_key=True, autoincrement=True)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


schema_info = Table("schema_info", metadata, _text("application"), Column("version", Integer, nullable=False))

protocol = Table(
    "protocol",
    metadata,
    Column("revision", Integer, primary_key=True, autoincrement=False),
    _text("yaml"),
    _text("overrides"),
    _text("content"),
    _text("basis"),
    _text("reason"),
    _text("author"),
    _text("at"),
)

pass_ = Table("pass", metadata, _seq(), Column("pass_id", Text, unique=True), _text("kind"), _text("at"))

artefact = Table(
    "artefact",
    metadata,
    _seq(),
    Column("artefact_id", Text, unique=True, nullable=False),
    _text("pass_id"),
    _text("step"),
    Column("revision", Integer, nullable=False),
    _text("parent_id", nullable=True),
    _text("author"),
    _text("content_sha256"),
    _text("sha256"),
    _text("basis"),
    _text("note"),
    _text("at"),
    UniqueConstraint("pass_id", "step", "revision"),
)

approval = Table(
    "approval",
    metadata,
    _seq(),
    _text("pass_id"),
    _text("step"),
    Column("artefact_id", Text, ForeignKey("artefact.artefact_id"), nullable=False, unique=True),
    _text("artefact_sha256"),
    _text("decision"),
    _text("by"),
    _text("note"),
    _text("at"),
)

search = Table(
    "search",
    metadata,
    _seq(),
    Column("search_id", Text, unique=True, nullable=False),
    _text("pass_id"),
    _text("source"),
    _text("kind"),
    _text("basis"),
    _text("content"),
    _text("at"),
)

record = Table(
    "record",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    _text("content"),
)

hit = Table(
    "hit",
    metadata,
    Column("search_id", Text, ForeignKey("search.search_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    _text("record_id"),
    _text("version"),
)

outcome = Table(
    "outcome",
    metadata,
    _seq(),
    _text("pass_id"),
    _text("step"),
    _text("record_id"),
    _text("record_version"),
    Column("protocol_revision", Integer, nullable=False),
    _text("reader"),
    Column("attempt", Integer, nullable=False),
    _text("kind"),
    _text("reason", nullable=True),
    _text("content"),
    _text("at"),
    UniqueConstraint(
        "pass_id", "step", "record_id", "record_version", "protocol_revision", "reader", "attempt"
    ),
)
Index("outcome_by_record", outcome.c.pass_id, outcome.c.step, outcome.c.record_id, outcome.c.seq)

call = Table(
    "call",
    metadata,
    _seq(),
    Column("key", Text, unique=True, nullable=False),
    _text("task"),
    _text("engine"),
    _text("request"),
    _text("status"),
    _text("raw"),
    _text("error_kind", nullable=True),
    _text("error", nullable=True),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("seconds", Float, nullable=False),
    _text("told"),
    _text("at"),
)

exchange = Table(
    "exchange",
    metadata,
    _seq(),
    Column("key", Text, unique=True, nullable=False),
    _text("service"),
    _text("request"),
    Column("status", Integer, nullable=False),
    _text("content_type"),
    _text("body_sha256"),
    _text("at"),
)

score = Table(
    "score", metadata, Column("key", Text, primary_key=True), Column("value", Float, nullable=False)
)

study_link = Table(
    "study_link", metadata, _seq(), _text("pass_id"), _text("content"), _text("by"), _text("at")
)

duplicate_decision = Table(
    "duplicate_decision", metadata, _seq(), _text("pass_id"), _text("content"), _text("by"), _text("at")
)

reading = Table(
    "reading",
    metadata,
    _seq(),
    _text("pass_id"),
    _text("artefact_id"),
    _text("content"),
    _text("by"),
    _text("at"),
)

event = Table(
    "event",
    metadata,
    _seq(),
    _text("pass_id"),
    _text("step"),
    _text("kind"),
    _text("content"),
    Column("seconds", Float),
    _text("at"),
)

VIEWS = {
    # The newest row about a record at a step speaks for it; older ones are its history.
    "current_outcome": """
        SELECT o.* FROM outcome o
        JOIN (SELECT pass_id, step, record_id, MAX(seq) AS seq FROM outcome
              GROUP BY pass_id, step, record_id) newest ON newest.seq = o.seq
    """,
    "current_artefact": """
        SELECT a.* FROM artefact a
        JOIN (SELECT pass_id, step, MAX(revision) AS revision FROM artefact GROUP BY pass_id, step) newest
          ON newest.pass_id = a.pass_id AND newest.step = a.step AND newest.revision = a.revision
    """,
    "gate": """
        SELECT a.pass_id, a.step, a.artefact_id, a.revision, a.author, a.sha256,
               p.decision, p."by", p.at AS decided_at
        FROM current_artefact a LEFT JOIN approval p ON p.artefact_id = a.artefact_id
    """,
    "step_count": """
        SELECT pass_id, step, kind, COUNT(*) AS n FROM current_outcome GROUP BY pass_id, step, kind
    """,
}
"""Name to SELECT, in the order of creation."""
