"""Records that look alike: what the machine joined, what it asks, and what people say about it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from agent.commands import Done, whoami
from agent.home import Clock, Home, system_clock
from agent.review import Review
from tools.errors import ConfigError, NotAllowed
from tools.records.decisions import DuplicateDecision
from tools.records.dedupe import Doubt, Link
from tools.schemas import Record
from tools.store import Event

__all__ = ["decide", "listed"]

COLUMN = 58
"""Characters of one citation, so that two stand side by side."""

SHOWN = 20
"""Pairs shown at once; the next ones follow when these are decided."""


def listed(given: Path, *, joined: bool = False, folder: Path | None = None) -> Done:
    """The pairs that a person is asked about, side by side; with `joined`, what is joined and why.

    Raises:
        NotAllowed: nothing was retrieved yet.
    """
    with Review.open(Home.of(given, folder)) as review:
        parts = list(_joined_shown(review)) if joined else list(_asked(review))
        return Done("\n\n".join(parts))


def decide(
    given: Path,
    record_ids: Sequence[str],
    *,
    kind: Literal["same", "different"],
    by: str | None,
    why: str,
    folder: Path | None = None,
    clock: Clock = system_clock,
) -> Done:
    """Say that records are one citation, or that no two of them are; a later word overrides an earlier one.

    Raises:
        ConfigError: fewer than two records, or one that the review does not hold.
    """
    ids = tuple(dict.fromkeys(record_ids))
    if len(ids) < 2:
        raise ConfigError(f"--{kind} needs at least two records. Remedy: give their ids, from --list.")
    with Review.open(Home.of(given, folder), clock) as review:
        known = _known(review)
        if unknown := [i for i in ids if i not in known]:
            raise ConfigError(
                f"no such record: {', '.join(unknown)}. Remedy: use ids from --list or out/decisions.csv."
            )
        decision = DuplicateDecision(kind=kind, record_ids=ids, by=by or whoami(), why=why)
        review.store.add_duplicate_decision(review.pass_id, decision)
        review.store.log(review.pass_id, Event("retrieve", "compared", decision.model_dump(mode="json")))
    word = "one citation" if kind == "same" else "different citations"
    return Done(f"Stored: {', '.join(ids)} are {word}. It takes effect with: python -m agent resume {given}")


def _known(review: Review) -> set[str]:
    return {
        record_id for each in review.store.passes() for record_id in review.store.standing(each, "retrieve")
    }


# Showing -------------------------------------------------------------------------------------------


def _asked(review: Review) -> Iterator[str]:
    """What is open, two citations side by side; what was decided since is left out."""
    artefact = review.store.artefact(review.pass_id, "retrieve")
    if artefact is None:
        raise NotAllowed("nothing was retrieved yet. Remedy: `python -m agent run` up to the first search.")
    doubts = [Doubt.model_validate(x) for x in artefact.content["doubts"]]
    links = [Link.model_validate(x) for x in artefact.content["links"]]
    decided = _decided(review)
    open_ = [d for d in doubts if frozenset((d.first_id, d.second_id)) not in decided]
    records = _records(review, {i for d in open_[:SHOWN] for i in (d.first_id, d.second_id)})
    waiting = len(doubts) - len(open_)
    since = f"; decided since: {waiting}" if waiting else ""
    yield f"Pairs that may be one citation: {len(open_)}{since}."
    for number, doubt in enumerate(open_[:SHOWN], start=1):
        yield f"{number}. likeness {doubt.score:.2f}: {doubt.reason}\n" + _side_by_side(
            records[doubt.first_id], records[doubt.second_id]
        )
    if len(open_) > SHOWN:
        yield f"… and more, less alike: {len(open_) - SHOWN}."
    if links:
        yield f"Pairs that belong together and are not one citation: {len(links)}.\n" + "\n".join(
            f"  {link.first_id} – {link.second_id}: {link.kind}" for link in links[:SHOWN]
        )
    yield from _told(review)


def _joined_shown(review: Review) -> Iterator[str]:
    """Every record that another stands for, beside that other."""
    outcomes = review.store.outcomes(review.pass_id, "retrieve")
    duplicates = [s.outcome for s in outcomes.values() if s.outcome.kind == "duplicate"]
    yield f"Records for which another stands: {len(duplicates)}. Undo a join with --different."
    records = _records(review, {i for o in duplicates for i in (str(o.content["duplicate_of"]), o.record_id)})
    for outcome in duplicates:
        first, second = records.get(str(outcome.content["duplicate_of"])), records[outcome.record_id]
        if first is not None:
            yield f"{outcome.reason}\n{_side_by_side(first, second)}"


def _told(review: Review) -> Iterator[str]:
    decisions = review.store.duplicate_decisions(review.pass_id)
    if decisions:
        rows = [f"  {at} {d.by}: {', '.join(d.record_ids)} {d.kind} ({d.why})" for d, at in decisions]
        yield "Decided so far, the later over the earlier:\n" + "\n".join(rows)


def _decided(review: Review) -> set[frozenset[str]]:
    decisions = review.store.duplicate_decisions(review.pass_id)
    return {frozenset((a, b)) for d, _at in decisions for a in d.record_ids for b in d.record_ids if a != b}


def _records(review: Review, ids: set[str]) -> dict[str, Record]:
    versions = {
        record_id: stored.outcome.record_version
        for each in review.store.passes()
        for record_id, stored in review.store.standing(each, "retrieve").items()
        if record_id in ids
    }
    return {record.record_id: record for record in review.store.records(sorted(versions.items()))}


def _side_by_side(one: Record, other: Record) -> str:
    rows = []
    for left, right in zip(_fields(one), _fields(other), strict=True):
        columns = zip_longest(*(textwrap.wrap(side, COLUMN) or [""] for side in (left, right)), fillvalue="")
        rows += [f"   {a.ljust(COLUMN)} | {b}".rstrip() for a, b in columns]
    return "\n".join(rows)


def _fields(record: Record) -> tuple[str, ...]:
    authors = "; ".join(record.authors[:4]) + (" …" if len(record.authors) > 4 else "")
    place = f"{record.journal} {record.year or ''};{record.volume}({record.issue}):{record.pages}"
    numbers = " ".join(filter(None, (f"PMID {record.pmid}" if record.pmid else "", record.doi or "")))
    abstract = textwrap.shorten(record.abstract, 240, placeholder=" …")
    told = (record.record_id, record.title, authors, place, numbers or "(no PMID, no DOI)", abstract)
    # A record's text is data: an escape sequence in it must not reach the terminal.
    return tuple("".join(c if c.isprintable() else " " for c in part) for part in told)
