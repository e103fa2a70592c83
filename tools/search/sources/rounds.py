"""Listing a search page by page, from sources whose lists may change under one's hands.

A round is one walk from the first page to the last. Its sum must be what the source declared; where it is
not, the source is counted again, and only a difference that its own counts explain is accepted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from tools.errors import SourceUnavailable

__all__ = ["ROUNDS", "Expired", "Round", "walk"]

T = TypeVar("T")

ROUNDS = 3
"""Walks that may fail to add up before we give up for today."""


class Expired(Exception):
    """The source no longer knows the place in the list that it had given us.

    Attributes:
        said: what it said.
        live: the walk had begun just now, and not in the log, whose places are all old.
    """

    def __init__(self, said: str, *, live: bool) -> None:
        super().__init__(said)
        self.said, self.live = said, live


@dataclass(frozen=True)
class Round(Generic[T]):
    """One walk.

    Attributes:
        declared: hits as the first page gives them.
        items: by the source's own key, in its order.
        repeats: items that came more than once.
        live: something of it came from the service itself and not from the log.
        at: UTC, ISO 8601: when the first page came.
    """

    declared: int
    items: Mapping[str, T]
    repeats: int
    live: bool
    at: str


def walk(
    source: str, one_round: Callable[[int], Round[T]], recount: Callable[[int], int]
) -> tuple[Round[T], tuple[str, ...]]:
    """A round that adds up, and what has to be said about it.

    Args:
        source: its name, for messages.
        one_round: walks the list; its number names the walk among the exchanges of a review.
        recount: counts the hits again after the walk of that number.

    Raises:
        SourceUnavailable: no walk added up. What had been stored of them is passed over at the next try.
    """
    notes: list[str] = []
    failed = 0
    for number in count(1):
        try:
            found = one_round(number)
        except Expired as e:
            notes.append(f"the place in the list expired ({e.said}); the list was read again from the start")
            failed += e.live
        else:
            got = len(found.items)
            if got == found.declared:
                return found, (*notes, *_repeats(found))
            after = recount(number)
            if min(found.declared, after) <= got <= max(found.declared, after):
                told = f"the list changed while it was read: {found.declared} hits before, {after} after, {got} came"
                return found, (*notes, told, *_repeats(found))
            notes.append(f"{got} of {found.declared} hits came ({after} when counted again); read again")
            # A walk from the log has failed before; only new ones try our patience.
            failed += found.live
        if failed >= ROUNDS:
            break
    raise SourceUnavailable(
        source,
        f"its list did not add up in {failed} attempts: {'; '.join(notes[-ROUNDS:])}\n"
        "  nothing of it was taken; run again later",
    )


def _repeats(found: Round[T]) -> tuple[str, ...]:
    return (f"{found.repeats} hits were listed twice and are counted once",) if found.repeats else ()
