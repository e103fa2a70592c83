"""A search of PubMed in parts that it lists completely: windows of days, then of PMIDs. Pure.

ESearch lists the first 9,999 hits of a search and no more, history server or not. So a larger search is
halved by the day on which PubMed created the records [crdt] until every part is small enough; a single day
with too many (a bulk load) and records without such a day are halved by PMID.

Source: NBK25499 (E-utilities Help), "ESearch", retmax; PubMed User Guide, "Create date".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from tools.errors import SourceRefused

__all__ = ["WALL", "Listing", "Window", "by_days", "by_uids", "divide"]

WALL = 9_999
"""ESearch lists no more of PubMed than this (NBK25499)."""

FIRST_DAY = date(1800, 1, 1)
_LAST_UID = 99_999_999
"""Far above the newest PMID (41 million in 2026)."""


@dataclass(frozen=True)
class Window:
    """A part of a search. Both ends of each range are included.

    Attributes:
        days: create dates; None for no limit.
        outside: True for the records whose create date is *not* in `days`, or that have none.
        uids: PMIDs; None for no limit.
    """

    days: tuple[date, date] | None = None
    outside: bool = False
    uids: tuple[int, int] | None = None

    def of(self, sent: str) -> str:
        """The strategy, narrowed to this window."""
        limits = [] if self.uids is None else [f"{self.uids[0]}:{self.uids[1]}[uid]"]
        if self.days is not None and not self.outside:
            limits.insert(0, _dates(self.days))
        text = " AND ".join((sent, *limits))
        text = f"({text})" if limits else text
        return f"({text} NOT {_dates(self.days)})" if self.days is not None and self.outside else text

    def halves(self) -> tuple[Window, Window] | None:
        """Two windows that make up this one; None for a single PMID."""
        if self.days is not None and not self.outside and self.days[0] < self.days[1]:
            first, last = self.days
            middle = first + (last - first) // 2
            return replace(self, days=(first, middle)), replace(self, days=(middle + timedelta(days=1), last))
        low, high = self.uids or (1, _LAST_UID)
        if low == high:
            return None
        middle_uid = (low + high) // 2
        return replace(self, uids=(low, middle_uid)), replace(self, uids=(middle_uid + 1, high))

    def told(self) -> dict[str, Any]:
        """For the account of the search."""
        days = {} if self.days is None else {"from": str(self.days[0]), "to": str(self.days[1])}
        where = {"field": "crdt", "outside": self.outside} if self.days is not None else {}
        uids = {} if self.uids is None else {"pmid_from": self.uids[0], "pmid_to": self.uids[1]}
        return {**where, **days, **uids}


def by_days(until: date) -> Window:
    """All create dates until the end of the year after `until`."""
    return Window(days=(FIRST_DAY, date(until.year + 1, 12, 31)))


def by_uids() -> Window:
    """All PMIDs."""
    return Window(uids=(1, _LAST_UID))


@dataclass(frozen=True)
class Listing:
    """The parts of a search, none larger than the wall, with what each of them listed."""

    parts: tuple[tuple[Window, tuple[str, ...]], ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """PMIDs, each once, in the order of the parts."""
        return tuple(dict.fromkeys(pmid for _, ids in self.parts for pmid in ids))


def divide(window: Window, count: int, ask: Callable[[Window], int], wall: int = WALL) -> Iterator[Window]:
    """The windows that hold a search, youngest days last.

    Args:
        window: the whole.
        count: its hits, as far as known.
        ask: the hits of a window. Asked about every window that is given out, and about no other than
            is necessary: of two halves the second follows from the first.
        wall: most hits of a window.

    Raises:
        SourceRefused: the service does not heed the limits of a window, so that no part is small enough.
    """
    if count <= wall:
        count = ask(window)
        if count <= wall:
            if count:
                yield window
            return
    halves = window.halves()
    if halves is None:
        raise SourceRefused(
            "pubmed",
            window.of("…"),
            f"{count} hits within one PMID: PubMed does not heed the limits that should divide this search",
            "narrow the strategy, or split it by `from` and `to` into several sources",
        )
    first = ask(halves[0])
    if first > wall:
        yield from divide(halves[0], first, ask, wall)
    elif first:
        yield halves[0]
    if count > first:
        yield from divide(halves[1], count - first, ask, wall)


def _dates(days: tuple[date, date]) -> str:
    first, last = (day.strftime("%Y/%m/%d") for day in days)
    return f"{first}:{last}[crdt]"
