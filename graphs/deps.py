"""What a step may use: handed in, never imported, so that tests and replays hand in others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from model.engine import Engine
from tools.appraisal.tool import Tool
from tools.fulltext.finding import Texts
from tools.protocol import ReviewConfig
from tools.reporting.data import EngineUse
from tools.schemas import Record
from tools.search.notes import Notes
from tools.search.sources.base import DateRange, Source
from tools.search.sources.citations import CitationIndex
from tools.store import Protocol as ProtocolRevision
from tools.store import Store

__all__ = ["Deps", "Ranker", "SourceUse", "effective_revision"]

Progress = Callable[[str, int, int], None]
"""(what is going on, done, total)"""


class Ranker(Protocol):
    """Scores texts by how near they are to a question."""

    name: str

    def scores(self, question: Sequence[str], texts: Mapping[str, str]) -> Mapping[str, float]:
        """Record id to similarity; every text gets one.

        Args:
            question: statements of the question and its criteria.
            texts: record id to title and abstract.
        """
        ...


@dataclass(frozen=True)
class SourceUse:
    """A source with the limits that the protocol sets for it."""

    source: Source
    dates: DateRange
    limit: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The protocol's words about it: what makes a search current."""


@dataclass(frozen=True)
class Deps:
    """Everything a step needs besides the state."""

    store: Store
    config: ReviewConfig
    protocols: Sequence[ProtocolRevision]
    review_id: str
    pass_id: str
    engines: Mapping[str, Engine]
    """Task id to engine."""
    in_flight: Mapping[str, int]
    """Task id to how many requests may be under way."""
    ranker: Ranker
    sources: Sequence[SourceUse]
    texts: Texts
    notes: Notes
    """Warnings about strategies."""
    out: Path
    progress: Progress
    version: str
    citations: CitationIndex | None = None
    """Who knows citations; None where the protocol asks for none."""
    trials: Callable[[str, str], Mapping[str, Any] | None] | None = None
    """(registration number, event) to the entry of the register; None where the protocol asks for none."""
    bias_tool: Tool | None = None
    """The risk-of-bias tool that the protocol names."""
    engine_uses: tuple[EngineUse, ...] = ()
    """What the report says about each task's engine."""
    given: str = ""
    """Hash of what people have brought besides the protocol: full texts, groupings."""
    attempt: int = 1
    """Raised by a person who wants failures tried again."""
    operator: str = ""
    """Who runs the command."""
    signed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Search event to the program and the person that first ran it: a replay signs as they did."""

    @property
    def revision(self) -> int:
        """The newest protocol revision."""
        return self.protocols[-1].revision

    @property
    def basis(self) -> Mapping[str, str]:
        """Step to hash of the parts of the protocol it depends on."""
        return self.protocols[-1].basis

    def revision_of(self, step: str) -> int:
        """See `effective_revision`."""
        return effective_revision(self.protocols, step)

    def signature(self, search_id: str) -> Mapping[str, str]:
        """The program and the person behind a search event."""
        own = {"tool": f"leads-agent {self.version}", "operator": self.operator}
        return self.signed.get(search_id, own)

    def records(self, keys: Sequence[tuple[str, str]]) -> list[Record]:
        """The records of (record_id, version) pairs."""
        return list(self.store.records(keys))


def effective_revision(protocols: Sequence[ProtocolRevision], step: str) -> int:
    """The protocol revision since which nothing has changed that this step depends on.

    A change of the extraction form must not ask the screening questions again.
    """
    since = protocols[-1]
    for protocol in reversed(protocols):
        if protocol.basis.get(step) != since.basis.get(step):
            break
        since = protocol
    return since.revision
