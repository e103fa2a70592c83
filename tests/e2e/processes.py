"""The command line as a person or a script uses it: real processes, exit statuses, files."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo" / "review.yaml"
CLOCK = ("--clock", "2026-03-04T05:06:07Z")

GATES = ("query", "screen", "extract", "evidence", "synthesis")
"""Of the demonstration, in order."""

ONE_READER = ("--set", "extraction.people=1")
"""The demonstration has two people read every number; here one approves what the machine has read."""


def environment(cache: Path) -> dict[str, str]:
    """No network, no hub, and a cache of its own."""
    return {**os.environ, "XDG_CACHE_HOME": str(cache), "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "default"}


class Agent:
    """`python -m agent` for one review's home."""

    def __init__(self, review: Path, home: Path, cache: Path, clock: tuple[str, ...] = CLOCK) -> None:
        self.review, self.home, self.cache, self.clock = review, home, cache, clock

    def command(self, verb: str, *more: str) -> list[str]:
        """The command as a list of words."""
        if verb == "run" and self.review == DEMO:
            more = (*ONE_READER, *more)
        return [
            sys.executable, "-m", "agent", verb, str(self.review), *more, "--home", str(self.home), *self.clock
        ]  # fmt: skip

    def __call__(self, verb: str, *more: str, expect: int | None = 0) -> str:
        """Run a command to its end and return what it printed.

        Raises:
            AssertionError: another exit status than expected.
        """
        done = subprocess.run(
            self.command(verb, *more),
            cwd=ROOT,
            env=environment(self.cache),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        told = f"{' '.join(self.command(verb, *more))}\n{done.stdout}\n{done.stderr}"
        assert expect is None or done.returncode == expect, f"status {done.returncode}, not {expect}\n{told}"
        return done.stdout + done.stderr

    def through(self) -> None:
        """From the first command to the report, approving every gate."""
        self("run", expect=3)
        self.approve_all()

    def approve_all(self, first: str = "query") -> None:
        """Approve what every gate shows, from one on, to the report."""
        for gate in GATES[GATES.index(first) :]:
            self("approve", "--gate", gate, "--by", "Ada")
            self("resume", expect=0 if gate == GATES[-1] else 3)

    def start(self, verb: str, *more: str) -> "subprocess.Popen[bytes]":
        """Begin a command and let it run."""
        return subprocess.Popen(
            self.command(verb, *more),
            cwd=ROOT,
            env=environment(self.cache),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def killed_when(self, reached: Callable[[sqlite3.Connection], bool], verb: str, *more: str) -> None:
        """Begin a command, and kill -9 it as soon as its database says so.

        Raises:
            AssertionError: it ended before.
        """
        process = self.start(verb, *more)
        try:
            while process.poll() is None:
                if self.database.exists() and self.ask(reached):
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    return
                time.sleep(0.002)
        finally:
            if process.poll() is None:
                process.kill()
        raise AssertionError(f"{verb} ended with {process.returncode} before it could be killed")

    @property
    def database(self) -> Path:
        """The review's log."""
        return self.home / "review.sqlite"

    def ask(self, question: Callable[[sqlite3.Connection], bool]) -> bool:
        """Look into the log while another process writes it."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return question(connection)
        except sqlite3.OperationalError:  # the tables are not there yet
            return False
        finally:
            connection.close()

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of the log."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def outputs(self) -> dict[str, bytes]:
        """The files in out/."""
        return {path.name: path.read_bytes() for path in sorted((self.home / "out").iterdir())}


def at_least(task: str, calls: int) -> Callable[[sqlite3.Connection], bool]:
    """So many calls of a task are stored."""

    def reached(connection: sqlite3.Connection) -> bool:
        (count,) = connection.execute("SELECT COUNT(*) FROM call WHERE task = ?", (task,)).fetchone()
        return int(count) >= calls

    return reached
