"""Train, validation, test: by review, by study and by date, all three at once. Pure.

Rows that share a review or a study hang together, directly or through others, and go to one part as a whole
(connected components). A date per source divides what is left: everything in test is newer than it, nothing in
train or validation is. A component with rows on both sides goes to the side that most of its rows are on, and
its other rows are dropped. What fits nowhere is dropped with its reason, never squeezed in.

Where a source has no dates at all, its components are dealt out by shares alone; the data card says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from pydantic import Field

from finetune.splitting.components import Component, Item, common, components_of, largest_of, spread
from tools.errors import ReviewError
from tools.schemas import Frozen, sha256_of

__all__ = [
    "APART",
    "COMMON",
    "PARTS",
    "TOO_NEW",
    "TOO_OLD",
    "UNDATED",
    "Component",
    "Division",
    "Item",
    "Part",
    "SplitError",
    "SplitSettings",
    "split",
]

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

COMMON = "a study of it stands in too many reviews"
TOO_NEW = "newer than the test date, among older rows of the same reviews and studies"
APART = "its studies went to several parts"
TOO_OLD = "not newer than the test date, among newer rows of the same reviews and studies"
UNDATED = "its year is unknown"

Year = int | Literal["auto"] | None


class SplitSettings(Frozen):
    """How instructions are divided."""

    validation: float = Field(
        default=0.05, ge=0, lt=0.5, description="Share of the rows that are not in test."
    )
    test: float = Field(default=0.1, ge=0, lt=0.5, description="Share of the rows that is aimed at.")
    seed: int = Field(default=0, ge=0, description="Another seed deals the components out otherwise.")
    after: Year = Field(
        default="auto",
        description="Test holds only rows newer than this year. `auto`: the year that comes nearest to the share.",
    )
    sources: dict[str, Year] = Field(
        default={},
        description="Another year for one source, `auto` for one of its own, or none where it has no dates.",
    )
    unknown_year: Literal["drop", "train"] = Field(
        default="drop",
        description="What becomes of a row without a year where its source has dates: nothing shows that it is old.",
    )
    common: int | None = Field(
        default=None,
        ge=1,
        description="A study that stands in more reviews than this is cut out with all its rows; it would tie "
        "reviews together that have little else in common.",
    )
    loose: tuple[str, ...] = Field(
        default=("question", "summary"),
        description="Tasks whose rows bring together studies that have nothing else in common. Such a row ties "
        "nothing: it goes where all its studies went, and is dropped where they went to several parts. So does a row "
        "about a record that the build drew for a review, and not the review itself.",
    )
    largest: float = Field(
        default=0.7, gt=0, le=1, description="Share of the rows that one component may hold at most."
    )


class SplitError(ReviewError):
    """The rows cannot be divided as the settings ask."""

    exit_status = 2


@dataclass(frozen=True)
class Division:
    """Where every row went."""

    parts: Mapping[str, Part]
    dropped: Mapping[str, str]
    """Example id to the reason."""
    after: Mapping[str, int | None]
    """Source to the year that its rows in test are newer than; None: it has no dates."""
    components: int
    largest: Component
    unknown_year: Mapping[str, int]
    """Source with dates to how many of its rows have none."""
    cut: tuple[str, ...] = ()
    """Studies that were cut out as too common."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Part to its components."""


def split(items: Iterable[Item], settings: SplitSettings, same: Iterable[Sequence[str]] = ()) -> Division:
    """Divide rows.

    Args:
        items: every row once.
        settings: shares, dates, seed.
        same: ids that are known to mean one study, such as a paper's PMID, its PMCID and its registry entry.

    Raises:
        SplitError: one component is too large, or a part that was asked for stays empty.
        ValueError: two items with one id.
    """
    rows = sorted(items, key=lambda row: row.example_id)
    doubled = [key for key, count in Counter(row.example_id for row in rows).items() if count > 1]
    if doubled:
        raise ValueError(f"{len(doubled)} rows stand twice, the first is {doubled[0]}")
    if not rows:
        raise SplitError("There are no instructions to divide. Remedy: see what the makers refused, and why.")
    dropped: dict[str, str] = {}
    unknown = Counter(row.source for row in rows if row.year is None and _rule(row, settings) is not None)
    if settings.unknown_year == "drop":
        rows = _without(
            rows, dropped, UNDATED, lambda row: row.year is None and _rule(row, settings) is not None
        )
    cut = common([row for row in rows if not _is_loose(row, settings)], settings.common)
    rows = _without(rows, dropped, COMMON, lambda row: not cut.isdisjoint(row.studies))
    if not rows:
        raise SplitError(
            f"All {len(dropped):,} rows were dropped before the division: {_counted(dropped)}. "
            "Remedy: set split.unknown_year to train, or a source's date under split.sources to none."
        )
    same = tuple(same)
    loose = [row for row in rows if _is_loose(row, settings)]
    rows = [row for row in rows if not _is_loose(row, settings)] or loose
    linked = components_of(rows, same)
    largest = largest_of(rows, linked)
    if largest.rows > settings.largest * len(rows):
        raise SplitError(_too_large(rows, largest, settings, same))
    dates = _dates(rows, linked, settings, {row.source for row in loose})
    parts = _dealt(rows, linked, dates, settings, dropped)
    if loose is not rows:
        _place(loose, rows, parts, dates, settings, same, dropped)
    for part in PARTS:
        if part not in parts.values() and (part == "train" or getattr(settings, part) > 0):
            raise SplitError(_empty(part, dates, dropped))
    at = {row.example_id: component for row, component in zip(rows, linked, strict=True)}
    sizes: dict[str, int] = {
        part: len({at[key] for key, where in parts.items() if where == part and key in at}) for part in PARTS
    }
    count = int(linked.max()) + 1
    return Division(
        parts, dropped, dates, count, largest, dict(sorted(unknown.items())), tuple(sorted(cut)), sizes
    )


def _is_loose(row: Item, settings: SplitSettings) -> bool:
    return row.loose or (row.group in settings.loose and len(row.studies) > 1)


def _rule(row: Item, settings: SplitSettings) -> Year:
    return settings.sources.get(row.source, settings.after)


def _without(rows: list[Item], dropped: dict[str, str], why: str, goes: Any) -> list[Item]:
    """The rows that stay; what goes is written down with its reason."""
    dropped.update((row.example_id, why) for row in rows if goes(row))
    return [row for row in rows if row.example_id not in dropped]


def _too_large(
    rows: Sequence[Item], largest: Component, settings: SplitSettings, same: Iterable[Sequence[str]]
) -> str:
    """The message, with a limit for common studies that would help, where one does."""
    said = (
        f"One component ({largest.key}, {largest.reviews:,} reviews, {largest.studies:,} studies) holds "
        f"{largest.rows:,} of {len(rows):,} rows; split.largest allows {settings.largest:.0%}. "
    )
    for limit in sorted(set(spread(rows).values()) - {1}, reverse=True):
        cut = common(rows, limit - 1)
        kept = [row for row in rows if cut.isdisjoint(row.studies)]
        if kept and largest_of(kept, components_of(kept, tuple(same))).rows <= settings.largest * len(kept):
            return (
                f"{said}Remedy: split.common: {limit - 1} cuts out {len(cut):,} studies that tie reviews "
                f"together, with {len(rows) - len(kept):,} rows."
            )
    return (
        f"{said}Remedy: give more sources, limit the rows of one review (limits.per_review), "
        "or raise split.largest."
    )


# Dates -------------------------------------------------------------------------------------------


def _dates(
    rows: Sequence[Item], linked: Any, settings: SplitSettings, more: Collection[str]
) -> dict[str, int | None]:
    """Source to its year; sources without a rule of their own share one."""
    sources = sorted({row.source for row in rows}.union(more))
    dates: dict[str, int | None] = {}
    shared = [name for name in sources if name not in settings.sources]
    for names, rule in [
        (shared, settings.after),
        *(([n], settings.sources[n]) for n in sources if n not in shared),
    ]:
        chosen = [at for at, row in enumerate(rows) if row.source in names]
        if rule == "auto":
            rule = _year(np.array([rows[at].year or 0 for at in chosen]), linked[chosen], settings.test)
        dates |= dict.fromkeys(names, rule)
    return dates


def _year(years: Any, linked: Any, share: float) -> int | None:
    """The year after which the part that would go to test comes nearest to its share; None without dates.

    Args:
        years: of each row, 0 where unknown (such rows count as old).
        linked: component of each row.
        share: of the rows.
    """
    known = np.unique(years[years > 0]) if len(years) else years
    if len(known) == 0:
        return None
    _, dense = np.unique(linked, return_inverse=True)
    whole = np.bincount(dense)
    best, distance = int(known[-1]), float("inf")
    for year in known[::-1]:
        newer = np.bincount(dense, weights=years > year).astype(np.int64)
        got = newer[2 * newer > whole].sum() / len(years)
        if got > 0 and abs(got - share) < distance:
            best, distance = int(year), abs(got - share)
    return best


# Dealing out -------------------------------------------------------------------------------------


def _dealt(
    rows: Sequence[Item],
    linked: Any,
    dates: Mapping[str, int | None],
    settings: SplitSettings,
    dropped: dict[str, str],
) -> dict[str, Part]:
    """Example id to part. Rows on the wrong side of the date are put among the dropped."""
    sides = [_side(row, dates) for row in rows]
    held: dict[int, list[int]] = {}
    for at, component in enumerate(linked):
        held.setdefault(int(component), []).append(at)
    told = {number: _leaning([sides[at] for at in inside]) for number, inside in held.items()}
    where: dict[int, Part] = {number: "test" for number, side in told.items() if side == "new"}
    _deal(where, held, rows, settings, "test", [n for n, side in told.items() if side == "any"])
    _deal(where, held, rows, settings, "validation", [n for n in held if n not in where])
    parts: dict[str, Part] = {}
    for number, inside in held.items():
        part = where.get(number, "train")
        for at in inside:
            if sides[at] == ("old" if part == "test" else "new"):
                dropped[rows[at].example_id] = TOO_OLD if part == "test" else TOO_NEW
            else:
                parts[rows[at].example_id] = part
    return parts


def _side(row: Item, dates: Mapping[str, int | None]) -> Literal["old", "new", "any"]:
    year = dates[row.source]
    if year is None:
        return "any"
    return "new" if row.year is not None and row.year > year else "old"


def _leaning(sides: Sequence[str]) -> str:
    """The side of most of a component's dated rows; the old one when they are even."""
    old, new = sides.count("old"), sides.count("new")
    if not old and not new:
        return "any"
    return "new" if new > old else "old"


def _deal(
    where: dict[int, Part],
    held: Mapping[int, Sequence[int]],
    rows: Sequence[Item],
    settings: SplitSettings,
    part: Literal["validation", "test"],
    free: Iterable[int],
) -> None:
    """Give components to a part until each group has its share, in an order that only seed and ids decide.

    A component that would take more than is still missing is passed over, unless its group would have nothing.
    """
    share: float = getattr(settings, part)
    groups: dict[tuple[str, str], list[int]] = {}
    for number in free:
        most = Counter((rows[at].source, rows[at].group) for at in held[number])
        groups.setdefault(min(most, key=lambda key: (-most[key], key)), []).append(number)
    for _, numbers in sorted(groups.items()):
        ordered = sorted(numbers, key=lambda n: sha256_of([settings.seed, part, rows[held[n][0]].example_id]))
        wanted = share * sum(len(held[n]) for n in numbers)
        got = 0
        for number in ordered:
            if got + len(held[number]) <= wanted + 0.5:
                where[number] = part
                got += len(held[number])
        if not got and share > 0 and len(numbers) > 1:
            where[min(ordered, key=lambda n: len(held[n]))] = part


def _place(
    loose: Sequence[Item],
    rows: Sequence[Item],
    parts: dict[str, Part],
    dates: Mapping[str, int | None],
    settings: SplitSettings,
    same: Sequence[Sequence[str]],
    dropped: dict[str, str],
) -> None:
    """Put rows that tie nothing where their studies are. Studies that stand in no other row go with the first."""
    keys = {
        (kind, key): _single(kind, key)
        for row in loose
        for kind in ("reviews", "studies", "titles")
        for key in getattr(row, kind)
    }
    numbers = components_of([*rows, *keys.values()], same)
    held = dict(zip(keys, numbers[len(rows) :], strict=True))
    where: dict[int, Part] = {
        number: parts[row.example_id]
        for row, number in zip(rows, numbers[: len(rows)], strict=True)
        if row.example_id in parts
    }
    for row in loose:
        own = {held[kind, key] for kind in ("reviews", "studies", "titles") for key in getattr(row, kind)}
        found = {where[number] for number in own if number in where}
        side = _side(row, dates)
        part = next(iter(found)) if found else _drawn(row, side, settings)
        if len(found) > 1:
            dropped[row.example_id] = APART
        elif side == ("old" if part == "test" else "new"):
            dropped[row.example_id] = TOO_OLD if part == "test" else TOO_NEW
        else:
            parts[row.example_id] = part
            where |= dict.fromkeys(own, part)


def _single(kind: str, key: str) -> Item:
    """A row of one review, study or title alone."""
    own: dict[str, Any] = {kind: (key,)}
    return Item(f"{kind} {key}", "", **own)


def _drawn(row: Item, side: str, settings: SplitSettings) -> Part:
    """A part for a row of which nothing stands elsewhere: by its date, or by its id and the shares."""
    if side == "new":
        return "test"
    chance = int(sha256_of([settings.seed, row.example_id])[:12], 16) / 16**12
    if side == "any" and chance < settings.test:
        return "test"
    return "validation" if chance >= 1 - settings.validation else "train"


def _empty(part: str, dates: Mapping[str, int | None], dropped: Mapping[str, str]) -> str:
    told = ", ".join(f"{source} {year or 'none'}" for source, year in dates.items())
    remedy = "set an earlier split.after" if part == "test" else "set a later split.after"
    return (
        f"The {part} part is empty. Dates by source: {told}. Dropped: {_counted(dropped)}. "
        f"Remedy: give more reviews, {remedy}, or a smaller split.{'test' if part == 'train' else part}."
    )


def _counted(dropped: Mapping[str, str]) -> str:
    return "; ".join(f"{n:,} {why}" for why, n in Counter(dropped.values()).most_common()) or "none"
