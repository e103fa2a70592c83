"""Which examples stand together in a row of tokens. Pure: lengths in, indices out.

Best fit decreasing (Johnson 1973) within a window of examples: the longest first, each into the fullest row that
still has room. The window bounds time and keeps the order random over the run; within it the order of the rows is
drawn again, so that long examples do not all come first.
"""

from __future__ import annotations

import itertools
import random
from bisect import bisect_left, insort
from collections.abc import Sequence
from hashlib import sha256

__all__ = ["WINDOW", "Packed", "order", "pack_rows", "plan_rows", "starts"]

WINDOW = 4096
"""Examples that are packed together."""

Packed = tuple[int, ...]
"""Indices of the examples of one row, in order; an empty one fills a step up."""


def order(ids: Sequence[str], weights: Sequence[float], seed: int, epoch: int) -> list[int]:
    """Indices of the examples of an epoch, shuffled; a weight of 1.5 is once, and once more for every second one.

    Which ones come once more depends on seed, epoch and id alone, and so not on what else is in the data.

    Args:
        ids: example ids.
        weights: how often each comes on average; as long as `ids`.
        seed: of the run.
        epoch: from 0.
    """
    chosen = []
    for index, (name, weight) in enumerate(zip(ids, weights, strict=True)):
        whole = int(weight)
        more = weight > whole and _share(seed, epoch, name) < weight - whole
        chosen += [index] * (whole + more)
    random.Random(f"order {seed} {epoch}").shuffle(chosen)  # noqa: S311 - shuffles
    return chosen


def _share(seed: int, epoch: int, name: str) -> float:
    """A number from 0 up to 1 that is fixed by its arguments."""
    drawn = sha256(f"{seed} {epoch} {name}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") / 2**64


def pack_rows(indices: Sequence[int], lengths: Sequence[int], context: int) -> list[Packed]:
    """Rows of at most `context` tokens that hold each of `indices` once.

    Args:
        indices: of examples.
        lengths: tokens of every example, by index.
        context: tokens of a row.

    Raises:
        ValueError: an example is longer than a row. The caller leaves such examples out and counts them.
    """
    by_length = sorted(range(len(indices)), key=lambda at: (-lengths[indices[at]], at))
    rows: list[list[int]] = []
    free: list[tuple[int, int]] = []
    """(room left, row), sorted: the fullest row that has room is found by bisection."""
    for at in by_length:
        index = indices[at]
        length = lengths[index]
        if length > context:
            raise ValueError(f"example {index} has {length} tokens, a row {context}")
        place = bisect_left(free, (length, -1))
        room, row = free.pop(place) if place < len(free) else (context, len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append(index)
        if room > length:
            insort(free, (room - length, row))
    return [tuple(row) for row in rows]


def plan_rows(
    ids: Sequence[str],
    lengths: Sequence[int],
    weights: Sequence[float],
    *,
    context: int,
    packing: bool,
    batch: int,
    epochs: int,
    seed: int,
    steps: int | None = None,
    window: int = WINDOW,
) -> list[Packed]:
    """All rows of a run in order: a multiple of `batch`, the last step filled up with empty rows.

    It depends on nothing but its arguments, so a resumed run and one on other devices see the same rows.

    Args:
        ids: example ids.
        lengths: tokens of each.
        weights: how often each comes in an epoch, on average.
        context: tokens of a row.
        packing: several examples in a row, or one.
        batch: rows of a step.
        epochs: how often the data are gone through.
        seed: of the run.
        steps: end after so many, with as many epochs as that takes; None: by `epochs`.
        window: examples that are packed together.
    """
    rows: list[Packed] = []
    for epoch in itertools.count():
        enough = len(rows) >= steps * batch if steps is not None else epoch >= epochs
        if enough or len(rows) == 0 < epoch:
            break
        drawn = order(ids, weights, seed, epoch)
        for start in range(0, len(drawn), window):
            part = drawn[start : start + window]
            made = pack_rows(part, lengths, context) if packing else [(index,) for index in part]
            random.Random(f"rows {seed} {epoch} {start}").shuffle(made)  # noqa: S311 - shuffles
            rows += made
    if steps is not None:
        return rows[: steps * batch]
    return rows + [()] * (-len(rows) % batch)


def starts(lengths: Sequence[int]) -> list[int]:
    """Positions of the tokens of a row: for each example from 0 up, so that none sees the one before it."""
    return [position for length in lengths for position in range(length)]
