"""Worded pieces to train, validation and test: doubles, limits, division, leaks, in this order.

Nothing is lost on the way: what does not reach a part is counted with its reason.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.build.linking import perhaps_one_study
from finetune.build.make.negatives import DRAWN
from finetune.build.pieces import INVENTED, Piece
from finetune.build.settings import Limit
from finetune.build.workshop import Workshop
from finetune.instructions import Row, read_rows, write_rows
from finetune.splitting.contents import titles_of
from finetune.splitting.leaks import (
    COLUMNS,
    LeakReport,
    find,
    from_folder,
    refuse,
    settled,
    to_drop,
    write_report,
)
from finetune.splitting.split import PARTS, Division, Item, Part, split

__all__ = ["DOUBLED", "Divided", "LeftOut", "divide", "taken"]

DOUBLED = "the same instruction as one of another piece"
OVER = "over the maker's limit"
LEAKS = "shares its text with a part that is tested by"

READ = ("example_id", "task", "source", "how", "reviews", "studies", "year", "asked")


@dataclass
class LeftOut:
    """Rows that reached no part, by maker, task and reason."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, maker: str, task: str, why: str) -> None:
        """Count one."""
        self.counts[maker, task, why] += 1


@dataclass(frozen=True)
class Divided:
    """What came of it."""

    division: Division
    report: LeakReport
    left_out: LeftOut


def divide(workshop: Workshop, out: Path, made: Sequence[Piece], say: Callable[[str], None]) -> Divided:
    """Write the parts and look for leaks in what was written.

    Raises:
        SplitError: the rows cannot be divided as the settings ask.
        LeakError: the parts share what they must not. They are taken away again; leaks.json tells.
        InputFileError: a piece is damaged, or the disk is full.
    """
    settings = workshop.settings
    left_out = LeftOut()
    files = {piece: piece.file(workshop.work / "worded") for piece in made}
    items = taken(files, settings.limits, left_out)
    say(f"dividing {len(items):,} instructions")
    division = split([item for item, _ in items.values()], settings.split, _same(workshop, made))
    parts: dict[str, Part] = dict(division.parts)
    for key, why in division.dropped.items():
        left_out.add(items[key][1].maker, items[key][0].group, why)
    say("looking for texts that stand in two parts")
    likeness = settings.leaks.likeness
    first, found = find(_reading(files, parts), division.after, likeness)
    drops = to_drop(found) if settings.leaks.texts == "drop" else {}
    for key in sorted(drops):
        left_out.add(items[key][1].maker, items[key][0].group, LEAKS)
        del parts[key]
    _write(files, parts, out)
    report, _ = find(from_folder(out), division.after, likeness)
    report = settled(report, first, drops)
    if not report.clean:
        _away(out)
    write_report(out / "leaks.json", report)
    refuse(report)
    return Divided(division, report, left_out)


def _same(workshop: Workshop, made: Sequence[Piece]) -> Iterable[tuple[str, str]]:
    """Papers and registry entries that somebody linked: one study under two ids. Doubtful links count here, too."""
    if all(piece.maker == INVENTED for piece in made):
        return ()
    return [(f"pmid:{pmid}", f"nct:{nct_id}") for pmid, nct_id in perhaps_one_study(workshop.corpus)]


# Which rows go on --------------------------------------------------------------------------------


def taken(
    files: Mapping[Piece, Path], limits: Mapping[str, Limit], left_out: LeftOut
) -> dict[str, tuple[Item, Piece]]:
    """Each instruction once, within the limits: example id to what decides its part, and its piece.

    Which ones a limit leaves is decided by their ids, so that it never hangs on who came first.
    """
    held: dict[str, tuple[Item, Piece]] = {}
    for piece, path in files.items():
        for row in read_rows(path, READ):
            if row["example_id"] in held:
                left_out.add(piece.maker, row["task"], DOUBLED)
            else:
                held[row["example_id"]] = (_item(row), piece)
    used: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in limits}
    for key in sorted(held):
        item, piece = held[key]
        limit = limits.get(piece.maker)
        if limit is None:
            continue
        uses = _uses(item, limit)
        if any(used[piece.maker][use] >= most for use, most in uses.items()):
            left_out.add(piece.maker, item.group, OVER)
            del held[key]
        else:
            used[piece.maker].update(uses.keys())
    return held


def _item(row: Mapping[str, Any]) -> Item:
    return Item(
        row["example_id"],
        row["source"],
        tuple(row["reviews"]),
        tuple(row["studies"]),
        row["year"],
        tuple(titles_of(json.loads(row["asked"]))),
        row["task"],
        row["how"].startswith(DRAWN),
    )


def _uses(item: Item, limit: Limit) -> dict[tuple[str, str], int]:
    """What an instruction uses up, and how much of it there is."""
    uses: dict[tuple[str, str], int | None] = {
        ("total", ""): limit.total,
        ("task", item.group): limit.per_task,
        **{(f"review {item.group}", key): limit.per_review for key in item.reviews},
        **{(f"study {item.group}", key): limit.per_study for key in item.studies},
    }
    return {use: most for use, most in uses.items() if most is not None}


# Writing -----------------------------------------------------------------------------------------


def _reading(
    files: Mapping[Piece, Path], parts: Mapping[str, Part]
) -> Callable[[Part], Iterator[Mapping[str, Any]]]:
    def read(part: Part) -> Iterator[Mapping[str, Any]]:
        seen: set[str] = set()
        for path in files.values():
            for row in read_rows(path, COLUMNS):
                if parts.get(key := row["example_id"]) == part and key not in seen:
                    seen.add(key)
                    yield row

    return read


def _write(files: Mapping[Piece, Path], parts: Mapping[str, Part], out: Path) -> None:
    """One file per part and piece; what an earlier build left goes first, its card before all."""
    _away(out)
    for part in PARTS:
        seen: set[str] = set()
        for piece, path in files.items():
            write_rows(out / part / f"{piece.maker}-{piece.name}.parquet", _rows(path, part, parts, seen))


def _rows(path: Path, part: Part, parts: Mapping[str, Part], seen: set[str]) -> Iterator[Row]:
    for row in read_rows(path):
        if parts.get(row.example_id) == part and row.example_id not in seen:
            seen.add(row.example_id)
            yield row


def _away(out: Path) -> None:
    """Take away what an earlier build left. Without a card the rest is no data set."""
    for name in ("card.json", "leaks.json", "README.md"):
        (out / name).unlink(missing_ok=True)
    for part in PARTS:
        shutil.rmtree(out / part, ignore_errors=True)
