"""What only a terminal needs: progress bars, and questions at a gate."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from agent import commands
from agent.commands import WAITING, Done, Running
from agent.home import Home
from tools.errors import ConfigError, NotAllowed, ReviewError

__all__ = ["Bars", "asking"]

MISTAKEN = 2
"""Exit status of errors that the person at the terminal can mend in what they wrote."""


class Bars:
    """One bar per kind of work on a terminal; elsewhere one line when it begins and when it ends."""

    def __enter__(self) -> Self:
        from rich.console import Console

        self.console = Console(stderr=True)
        self.progress: Any = None
        self.tasks: dict[str, Any] = {}
        self.told: set[str] = set()
        return self

    def __exit__(self, *_: object) -> None:
        self._rest()

    def show(self, label: str, done: int, total: int) -> None:
        """Called by the steps; the bars go away when everything under way is done."""
        if total == 0:
            return
        if not self.console.is_terminal:
            self._line(label, done, total)
            return
        if self.progress is None:
            self._begin()
        if label not in self.tasks:
            self.tasks[label] = self.progress.add_task(label, total=total)
        self.progress.update(self.tasks[label], completed=done, total=total)
        if self.progress.finished:
            self._rest()

    def _begin(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        # What we print ourselves is text: through the bars' console its square brackets would be markup.
        self.progress = Progress(
            *columns, console=self.console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self.progress.start()

    def _rest(self) -> None:
        if self.progress is not None:
            self.progress.stop()
        self.progress, self.tasks = None, {}

    def _line(self, label: str, done: int, total: int) -> None:
        if done >= total and label not in self.told:
            self.told.add(label)
            print(f"{label}: {done}", file=sys.stderr)


def asking(given: Path, how: Running, done: Done) -> Done:
    """At a gate on a terminal, ask; go on until the review rests. Elsewhere say how to decide."""
    while done.status == WAITING and sys.stdin.isatty() and sys.stdout.isatty():
        print(done.text)
        answer = _answer()
        if answer == "q":
            return Done("Left at the gate; everything is stored.", WAITING)
        by = input(f"Your name [{commands.whoami()}]: ").strip() or commands.whoami()
        try:
            if answer == "e":
                done = _edited(given, how, by)
                continue
            decision: Any = "approve" if answer == "a" else "reject"
            note = input("Note (may be empty): ").strip()
            commands.approve(
                given, step=None, by=by, note=note, decision=decision, folder=how.folder, clock=how.clock
            )
        except (ConfigError, NotAllowed) as e:
            print(e, file=sys.stderr)
            continue
        done = commands.resume(given, replace(how, reason=None, retry_failed=False))
    return done


def _answer() -> str:
    while True:
        said = input("\n[a]pprove, [e]dit, [r]eject, [q]uit: ").strip().lower()[:1]
        if said in ("a", "e", "r", "q"):
            return said


def _edited(given: Path, how: Running, by: str) -> Done:
    """Open what the gate shows in the person's editor, and store what comes back."""
    import os

    step, text, suffix = commands.editable(given, folder=how.folder)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{step}{suffix}"
        file.write_text(text, encoding="utf-8")
        editor = os.environ.get("EDITOR", "nano").split()
        try:
            subprocess.run([*editor, str(file)], check=True)  # noqa: S603 - the person's own editor
        except (OSError, subprocess.CalledProcessError) as e:
            raise ConfigError(
                f"the editor {editor[0]} failed: {e}. Remedy: set EDITOR, or use `edit --file`."
            ) from e
        try:
            edited = commands.edit(given, step=step, file=file, by=by, folder=how.folder, clock=how.clock)
        except NotAllowed:
            raise
        except ReviewError as e:
            if e.exit_status != MISTAKEN:
                raise
            raise ConfigError([str(e), _kept(file, Home.of(given, how.folder))]) from e
    return Done(edited.text, WAITING)


def _kept(file: Path, home: Home) -> str:
    """Keep what a person wrote and what could not be stored: it may be an hour's work."""
    kept = home.gates / f"{file.stem}-not-stored{file.suffix}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(file.read_bytes())
    return f"Nothing of it was stored; what you wrote is kept in {kept}. Remedy: mend it and give it to `edit --file`."
