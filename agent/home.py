"""Where a review lives: one folder, one lock, one clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.errors import Busy, ConfigError

__all__ = ["Clock", "Home", "constant_clock", "system_clock"]

Clock = Callable[[], str]
"""UTC now as ISO 8601."""


def system_clock() -> str:
    """The machine's time, in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def constant_clock(at: str) -> Clock:
    """A clock that stands still, for runs that are to be compared byte by byte.

    Raises:
        ConfigError: `at` is not a time.
    """
    try:
        datetime.fromisoformat(at.replace("Z", "+00:00"))
    except ValueError as e:
        raise ConfigError(f"--clock {at!r} is not a time. Remedy: write 2026-01-31T12:00:00Z.") from e
    return lambda: at


@dataclass(frozen=True)
class Home:
    """The files of one review. `yaml` may lie elsewhere; relative paths in it start from its own folder."""

    yaml: Path
    folder: Path

    @classmethod
    def of(cls, given: Path, folder: Path | None = None) -> Home:
        """The review behind a path to review.yaml or to its folder.

        Raises:
            ConfigError: there is no such file.
        """
        path = given / "review.yaml" if given.is_dir() else given
        if not path.is_file():
            raise ConfigError(f"{path}: no such file. Remedy: `python -m agent init FOLDER` writes one.")
        return cls(path, folder or path.parent)

    @property
    def database(self) -> Path:
        """The review's log: the truth."""
        return self.folder / "review.sqlite"

    @property
    def checkpoints(self) -> Path:
        """LangGraph's own; can be deleted at any time."""
        return self.folder / "checkpoints.sqlite"

    @property
    def blobs(self) -> Path:
        """Large bodies."""
        return self.folder / "blobs"

    @property
    def out(self) -> Path:
        """What the report step writes."""
        return self.folder / "out"

    @property
    def gates(self) -> Path:
        """Lists to be looked at, written when a gate opens."""
        return self.folder / "gates"

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Hold the right to advance this review's graph.

        Raises:
            Busy: another process holds it.
        """
        import filelock

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout as e:
            raise Busy(
                f"another process is advancing {self.folder}. Wait for it or stop it; "
                "`approve` and `status` work meanwhile."
            ) from e
        try:
            yield
        finally:
            lock.release()
