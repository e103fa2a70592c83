"""Verb `update`: the review once more, for what has come since. Old decisions stay; see `graphs.passes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from agent import config as configuration
from agent.commands import Done, Running, is_finished, resume, whoami
from agent.home import Home
from agent.protocol import flags_of, take_in
from agent.review import Review
from agent.wiring import bias_tool, environment_of
from graphs.passes import OVERLAP_DAYS, Opening
from tools.errors import ConfigError, NotAllowed
from tools.protocol import ReviewConfig

__all__ = ["Wish", "open_update", "update"]


@dataclass(frozen=True)
class Wish:
    """What a person says about an update."""

    since: str | None = None
    """Search from this create date, in the place of the last search's own."""
    overlap_days: int = OVERLAP_DAYS
    look_again: bool = False
    """Open the gates on the elements and the strategy again, although nothing in them has changed."""


def update(given: Path, wish: Wish, how: Running) -> Done:
    """Open an update of a finished review and advance it to its first gate, or to its report.

    The pass is one row, written before anything is searched: after a kill, `resume` goes on with it.

    Raises:
        NotAllowed: the review was never finished, or its last update is still under way.
        ConfigError: `since` would leave a gap, or review.yaml has changed and nobody said why.
    """
    home = Home.of(given, how.folder)
    if not home.database.is_file():
        raise NotAllowed(f"{home.folder}: nothing to update yet. Remedy: python -m agent run {given}")
    with home.driving(), Review.open(home, how.clock) as review:
        open_update(review, given, wish, reason=how.reason)
    return resume(given, replace(how, reason=None))


def open_update(review: Review, given: Path, wish: Wish, *, reason: str | None) -> str:
    """Insert the pass, after taking in review.yaml as it is now. Returns its id.

    Raises:
        NotAllowed, ConfigError: as `update`.
    """
    previous = _finished_pass(review, given)
    _check_dates(review, previous, wish)
    _check_outcomes(review, given)
    environment = review.protocol.content["environment"]
    take_in(review, reason=reason, author=f"person:{whoami()}")
    told = Opening(
        previous=previous,
        by=whoami(),
        reason=reason or "",
        since=wish.since,
        overlap_days=wish.overlap_days,
        look_again=wish.look_again,
        engines=_engines(review, previous),
        environment=environment,
    )
    pass_id = str(len(review.store.passes()) + 1)
    review.store.open_pass(pass_id, "update", told.model_dump(mode="json"))
    return pass_id


def _finished_pass(review: Review, given: Path) -> str:
    """The newest pass that came to its report; a rejected update is passed over.

    Raises:
        NotAllowed: there is none, or a newer one is under way.
    """
    for pass_id in reversed(review.store.passes()):
        if is_finished(review.store.events(pass_id)):
            return pass_id
        approvals = review.store.approvals(pass_id)
        if not (approvals and approvals[-1].decision == "reject"):
            raise NotAllowed(
                f"pass {pass_id} is not finished, so there is nothing to update yet. "
                f"Remedy: go on with `python -m agent resume {given}` until its report is made."
            )
    raise NotAllowed("a person rejected this review; it has no report that could be updated.")


def _check_dates(review: Review, previous: str, wish: Wish) -> None:
    """No day may lie between two searches.

    Raises:
        ConfigError: one would, or the date is none.
    """
    if wish.overlap_days < 0:
        raise ConfigError("--overlap: a negative number of days would leave a gap. Remedy: give 0 or more.")
    if wish.since is None:
        return
    try:
        since = date.fromisoformat(wish.since)
    except ValueError as e:
        raise ConfigError(f"--since {wish.since}: not a date. Remedy: write 2026-01-31.") from e
    searched: dict[str, str] = {}
    for search in review.store.searches(previous):
        if search.kind not in ("recheck", "carried"):
            searched[search.source] = str(search.result.parameters["searched_at"])[:10]
    late = {name: at for name, at in searched.items() if since > date.fromisoformat(at)}
    if late:
        told = ", ".join(f"{name} was last searched on {at}" for name, at in late.items())
        raise ConfigError(
            f"--since {wish.since} would leave a gap: {told}. Remedy: give a date before that, or none."
        )


def _check_outcomes(review: Review, given: Path) -> None:
    """An update reads new reports only: outcomes must be asked for in the words that the others were read in.

    Raises:
        ConfigError: they are not.
    """
    loaded = configuration.load(review.home.yaml, flags_of(review.protocol))
    environment = environment_of(loaded.config, review.home.yaml.parent)
    before = _asked(review.config, review.protocol.content["environment"])
    if not review.config.reads_evidence or before == _asked(loaded.config, environment):
        return
    raise ConfigError(
        "outcomes, or the questions about bias, are not those that the included reports were read with, and an "
        "update reads new reports only. Remedy: first read all of them anew with "
        f'`python -m agent resume {given} --reason "…"`, then update.'
    )


def _asked(config: ReviewConfig, environment: Mapping[str, str]) -> list[Any]:
    """The words in which people and engines are asked for numbers."""
    outcomes = [spec.model_dump(exclude={"better"}) for spec in config.extraction.outcomes]
    tool = bias_tool(config, environment)
    return [outcomes, None if tool is None else tool.model_dump(), config.appraised]


def _engines(review: Review, pass_id: str) -> Mapping[str, tuple[str, str]]:
    """Task to (engine, prompt) as the last run of a pass noted it; empty where it was not noted."""
    runs = [event for event in review.store.events(pass_id) if event.kind == "run"]
    noted: Mapping[str, Any] = runs[-1].content.get("engines", {}) if runs else {}
    return {task: (str(name), str(prompt)) for task, (name, prompt) in noted.items()}
