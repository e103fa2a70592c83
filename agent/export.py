"""Verb `export`: the search appendix, or the records for other programs, from stored rows alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent.commands import Done
from agent.home import Home
from agent.review import Review
from tools.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from tools.reporting.data import ReviewData

__all__ = ["KINDS", "Which", "export"]

KINDS = ("search", "ris", "csv")
"""The PRISMA-S appendix; the records as RIS; the table of decisions."""

Which = Literal["included", "all"]


def export(
    given: Path,
    kind: str,
    *,
    which: Which = "included",
    out: Path | None = None,
    folder: Path | None = None,
) -> Done:
    """Print or write one export of the newest pass, finished or not. Nothing is asked of any service.

    Args:
        given: review.yaml or its folder.
        kind: one of `KINDS`.
        which: records of a RIS export: the included reports, or all that are in the review, duplicates left out.
        out: file to write; None prints.
        folder: home of the review, where it is not beside review.yaml.

    Raises:
        ConfigError: the review was never run.
        StoreError: the file cannot be written.
    """
    home = Home.of(given, folder)
    if not home.database.is_file():
        raise ConfigError(f"{home.folder}: nothing was run here yet. Remedy: python -m agent run {given}")
    with Review.open(home) as review:
        text = _WRITERS[kind](_data(review), which)
    if out is None:
        return Done(text.rstrip("\r\n"))
    try:
        out.write_bytes(text.encode())
    except OSError as e:
        raise StoreError(f"cannot write {out}: {e}. Choose a file that you may write to.") from e
    return Done(f"Wrote {out}.")


def _data(review: Review) -> ReviewData:
    """The review as its newest run left it."""
    from agent.replay import replay_deps
    from graphs.steps.report import review_data

    for pass_id in reversed(review.store.passes()):
        runs = [event for event in review.store.events(pass_id) if event.kind == "run"]
        if runs:
            return review_data(replay_deps(review, review, runs[-1], None, pass_id))
    raise ConfigError("nothing was run here yet. Remedy: python -m agent run")


def _search(data: ReviewData, _which: Which) -> str:
    from tools.reporting.prisma import count
    from tools.reporting.prisma_s import markdown

    return markdown(data, count(data))


def _ris(data: ReviewData, which: Which) -> str:
    from tools.reporting.export import included_ris, records_ris

    return included_ris(data) if which == "included" else records_ris(data)


def _csv(data: ReviewData, _which: Which) -> str:
    from tools.reporting.export import decisions_csv

    # A byte-order mark, because spreadsheets read UTF-8 as something else without one.
    return "\ufeff" + decisions_csv(data)


_WRITERS: Mapping[str, Callable[[ReviewData, Which], str]] = {"search": _search, "ris": _ris, "csv": _csv}
