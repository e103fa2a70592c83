"""What an update knows of the passes before it: what was decided, what is open, since when to search.

Passes never share outcomes. An update reads those of the earlier passes and settles what is new, what has
changed and what was left open; a record that was decided on and has not changed is *seen before*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from tools.records.changes import material_changes, small_changes
from tools.schemas import Disposition, Frozen, Outcome, Record
from tools.store import Search, Store

__all__ = [
    "ASIDE",
    "OVERLAP_DAYS",
    "Earlier",
    "Opening",
    "Past",
    "Window",
    "changed_since",
    "decided_before",
    "lineage",
    "opening",
    "past_of",
    "standing_after",
    "taken_up",
    "window",
]

OVERLAP_DAYS = 30
"""How far an update's search reaches back before the last one. Databases list some records days or weeks
after the date that they give as the day of listing, so windows that only touch would lose them."""

ASIDE = ("recheck",)
"""Kinds of search events that bring nothing into the flow."""

State = Literal[
    "included", "excluded", "ongoing", "awaiting_classification", "undecided", "not_screened", "duplicate"
]

OPEN = ("ongoing", "awaiting_classification", "undecided")
"""An earlier pass ended without a decision about these: the update takes them up."""


class Opening(Frozen):
    """What an update is opened with: a person's wish, and what is known of the pass before."""

    previous: str
    """Pass that it updates: the last one that came to its report."""
    by: str
    reason: str = ""
    since: str | None = None
    """First create date to search from, in the place of the one that follows from the last search."""
    overlap_days: int = OVERLAP_DAYS
    look_again: bool = False
    """Gates open again on what is taken over."""
    engines: Mapping[str, tuple[str, str]] = {}
    """Task to (engine, prompt) of the pass before."""
    environment: Mapping[str, str] = {}
    """Embedding model and vocabulary of the pass before."""


def opening(store: Store, pass_id: str) -> Opening | None:
    """What an update was opened with; None for a first pass."""
    content = store.opened(pass_id).content
    return Opening.model_validate(content) if content else None


def lineage(store: Store, pass_id: str) -> list[str]:
    """The passes that this one builds on, oldest first. One that a person rejected is none of them."""
    found: list[str] = []
    while (told := opening(store, pass_id)) is not None:
        pass_id = told.previous
        found.insert(0, pass_id)
    return found


# Searching ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """How a source is searched in this pass."""

    start: str | None = None
    """First create date; None: everything, because nobody has searched it this way before."""
    last: str = ""
    """When it was searched before."""
    repeats: bool = False
    """An earlier pass has run exactly this search."""


def window(store: Store, pass_id: str, source: str, basis: str) -> Window:
    """Since when this source is to be searched.

    Args:
        source: its name.
        basis: hash of strategy, settings and limits. An earlier search under another one may have missed
            what this one finds, however old, so then everything is searched.
    """
    told = opening(store, pass_id)
    last = _last_search(store, pass_id, source)
    if told is None or last is None or last.basis.split("+")[0] != basis:
        return Window()
    at = str(last.result.parameters["searched_at"])[:10]
    start = told.since or (date.fromisoformat(at) - timedelta(days=told.overlap_days)).isoformat()
    return Window(start, at, repeats=True)


def _last_search(store: Store, pass_id: str, source: str) -> Search | None:
    searches = [
        search
        for earlier in lineage(store, pass_id)
        for search in store.searches(earlier)
        if search.source == source and search.kind not in (*ASIDE, "carried")
    ]
    return searches[-1] if searches else None


# What was decided --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Earlier:
    """How an earlier pass left a record."""

    pass_id: str
    version: str
    state: State
    included: bool
    """Stands in the review: included, and excluded by nobody since."""

    @property
    def is_open(self) -> bool:
        """Nobody has decided."""
        return self.state in OPEN


@dataclass(frozen=True)
class Past:
    """All records of the earlier passes. Empty in a first pass."""

    store: Store
    known: Mapping[str, Earlier] = field(default_factory=dict)

    def outcome(self, record: Record, carried: bool) -> Outcome | None:
        """What follows for a record that this pass found again; None: it is to be treated as new.

        Args:
            record: as it was found now.
            carried: whether it was taken up because it was left open, or has changed.
        """
        before = self.known.get(record.record_id)
        if before is None or before.state == "not_screened":
            return None  # nobody has judged it, so it may be ranked again
        content: dict[str, object] = {"earlier": {"pass_id": before.pass_id, "state": before.state}}
        kind: Literal["passed", "seen_before"] = "passed" if carried or before.is_open else "seen_before"
        if record.version != before.version:
            (old,) = self.store.records([(record.record_id, before.version)])
            if changes := material_changes(old, record):
                kind = "passed" if before.state != "duplicate" else kind
                content["changed"] = list(changes)
            elif small := small_changes(old, record):
                content["changed_slightly"] = list(small)
        return Outcome(
            step="retrieve",
            record_id=record.record_id,
            record_version=record.version,
            kind=kind,
            reader="rule",
            reason=f"{before.state.replace('_', ' ')} in pass {before.pass_id}",
            content=content,
        )

    def besides(self, ids: set[str]) -> list[tuple[str, str]]:
        """(record_id, version) of the earlier records that are not among these, without duplicates."""
        return [(i, e.version) for i, e in self.known.items() if i not in ids and e.state != "duplicate"]

    def included(self) -> list[tuple[str, str]]:
        """(record_id, version) of the reports that stood in the review before this pass."""
        return [(i, e.version) for i, e in self.known.items() if e.included]

    def to_look_up(self, source: str) -> list[tuple[str, str]]:
        """Those of a source that are included or open: they may have been retracted since."""
        mine = f"{source}:"
        return [
            (i, e.version) for i, e in self.known.items() if i.startswith(mine) and (e.included or e.is_open)
        ]


def past_of(store: Store, pass_id: str) -> Past:
    """How the earlier passes left their records; a later pass has the last word."""
    return Past(store, _known(store, lineage(store, pass_id)))


def standing_after(store: Store, pass_id: str) -> Past:
    """As `past_of`, this pass included: what the next update will find."""
    return Past(store, _known(store, [*lineage(store, pass_id), pass_id]))


def _known(store: Store, passes: Sequence[str]) -> dict[str, Earlier]:
    known: dict[str, Earlier] = {}
    for earlier in passes:
        for record_id, (version, state) in _ends(store, earlier).items():
            before = known.get(record_id)
            stood = before is not None and before.included
            # Without a decision in the later pass the earlier one holds.
            included = state == "included" or (stood and state != "excluded")
            known[record_id] = Earlier(earlier, version, state, included)
    return known


def _ends(store: Store, pass_id: str) -> dict[str, tuple[str, State]]:
    """Record id to (version, state) at the end of one pass, in the order in which they came."""
    ranked, screened = store.standing(pass_id, "prefilter"), store.standing(pass_id, "screen")
    approved = store.outcomes(pass_id, "approve")
    found: dict[str, tuple[str, State]] = {}
    for record_id, stored in store.standing(pass_id, "retrieve").items():
        outcome = stored.outcome
        state: State = "undecided"
        if outcome.kind in ("superseded", "seen_before"):
            continue
        if outcome.kind == "duplicate":
            state = "duplicate"
        elif record_id in ranked and ranked[record_id].outcome.kind == "not_screened":
            state = "not_screened"
        elif record_id in screened and screened[record_id].outcome.kind == "excluded":
            state = "excluded"
        elif record_id in approved and approved[record_id].outcome.kind != "superseded":
            state = approved[record_id].outcome.content["state"]
        found[record_id] = (outcome.record_version, state)
    return found


def taken_up(store: Store, pass_id: str) -> dict[str, Mapping[str, Any]]:
    """Record id to what is told of it, for known records that are decided on again: left open, or changed."""
    if opening(store, pass_id) is None:
        return {}
    return {
        record_id: stored.outcome.content
        for record_id, stored in store.outcomes(pass_id, "retrieve").items()
        if stored.outcome.kind == "passed" and "earlier" in stored.outcome.content
    }


def decided_before(store: Store, pass_id: str, basis: str) -> dict[tuple[str, str], Disposition]:
    """What people decided on title and abstract about records that are taken up again, by (id, version).

    A line that somebody wrote stays theirs; one of a batch is suggested again, and whoever approves decides.
    Under other criteria, or about another version, it is no decision on this question.
    """
    found: dict[tuple[str, str], Disposition] = {}
    again = taken_up(store, pass_id)
    for earlier in lineage(store, pass_id) if again else ():
        listed = store.artefact(earlier, "screen")
        if listed is None or listed.content.get("protocol_basis") != basis:
            continue
        for record_id, stored in store.outcomes(earlier, "screen").items():
            outcome = stored.outcome
            if record_id in again and outcome.reader.startswith("person:") and outcome.kind == "passed":
                own = outcome.content["how"] == "individual"
                found[record_id, outcome.record_version] = Disposition(
                    record_id=record_id,
                    record_version=outcome.record_version,
                    decision="pass",
                    reason=outcome.reason,
                    suggested_by=outcome.reader if own else f"pass:{earlier}",
                )
    return found


def changed_since(store: Store, pass_id: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Record id to (what it was, what has changed since), for records that are decided on again for that."""
    return {
        record_id: (str(told["earlier"]["state"]), tuple(told["changed"]))
        for record_id, told in taken_up(store, pass_id).items()
        if told.get("changed")
    }
