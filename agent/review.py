"""An open review: its files, its store and its logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.home import Clock, Home, system_clock
from tools.blobs import Blobs
from tools.database import Database
from tools.errors import ConfigError
from tools.protocol import ReviewConfig
from tools.store import Protocol, Store

if TYPE_CHECKING:
    from tools.logs import CallLog, Exchanges

__all__ = ["Review", "attempts", "config_of"]


@dataclass(frozen=True)
class Review:
    """An open review: its files and its store."""

    home: Home
    clock: Clock
    database: Database
    store: Store
    closing: ExitStack = field(default_factory=ExitStack)
    """What is to be let go of with the review, such as connections."""

    @classmethod
    @contextmanager
    def open(cls, home: Home, clock: Clock = system_clock) -> Iterator[Review]:
        """Open the database, making it where there is none."""
        with ExitStack() as closing:
            database = Database.file(home.database)
            closing.callback(database.close)
            yield cls(home, clock, database, Store(database, Blobs(home.blobs), clock), closing)

    @property
    def calls(self) -> CallLog:
        """Model calls."""
        from tools.logs import CallLog

        return CallLog(self.database, self.clock)

    @property
    def exchanges(self) -> Exchanges:
        """HTTP exchanges, searches of files, full texts."""
        from tools.logs import Exchanges

        return Exchanges(self.database, self.store.blobs)

    @property
    def config(self) -> ReviewConfig:
        """The protocol in force.

        Raises:
            ConfigError: the review was never run.
        """
        return config_of(self.protocol)

    @property
    def protocol(self) -> Protocol:
        """The newest protocol revision.

        Raises:
            ConfigError: the review was never run.
        """
        protocols = self.store.protocols()
        if not protocols:
            raise ConfigError(
                f"{self.home.folder}: nothing was run here yet. Remedy: `python -m agent run` first."
            )
        return protocols[-1]

    @property
    def pass_id(self) -> str:
        """The pass that is under way."""
        return self.store.passes()[-1]


def config_of(protocol: Protocol) -> ReviewConfig:
    """The configuration in a stored protocol revision."""
    return ReviewConfig.model_validate({k: v for k, v in protocol.content.items() if k != "environment"})


def attempts(review: Review) -> int:
    """The attempt that the last run made: 1, and one more for every wish to try failures again."""
    runs = [event for event in review.store.events(review.pass_id) if event.kind == "run"]
    return int(runs[-1].content["attempt"]) if runs else 1
