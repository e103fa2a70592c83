"""The order in which records are looked at, and the cut below which nobody looks. Pure.

What lies below the cut is *not screened*, never *excluded*. A random sample of it is screened all the
same, so that what the cut costs can be estimated.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tools.errors import ConfigError

__all__ = ["Cut", "order", "prefilter"]


@dataclass(frozen=True)
class Cut:
    """Every ranked record is in exactly one of `kept`, `audit` and `below`."""

    ranked: tuple[str, ...]
    """All record ids, best first."""
    kept: tuple[str, ...]
    """Above the cut, best first."""
    audit: tuple[str, ...]
    """Drawn at random from below the cut, to be screened too; best first."""
    below: tuple[str, ...]
    """Not screened; best first."""


def order(scores: Mapping[str, float]) -> tuple[str, ...]:
    """Record ids by falling score; equals by record id, so that the order never depends on arrival."""
    return tuple(sorted(scores, key=lambda record_id: (-scores[record_id], record_id)))


def prefilter(scores: Mapping[str, float], keep: int | None, audit: int, seed: int) -> Cut:
    """Rank, cut, and draw the audit sample.

    Args:
        scores: record id to score; a higher one is nearer to the question.
        keep: how many records stay above the cut; None keeps all.
        audit: how many of those below are drawn (all of them, when there are fewer).
        seed: of the draw. The same records, scores and seed give the same sample.

    Raises:
        ConfigError: a negative number, or a score that is no number: it cannot be ranked.
    """
    if (keep is not None and keep < 0) or audit < 0:
        raise ConfigError(f"prefilter: keep is {keep}, audit is {audit}. Remedy: give numbers from 0 up.")
    broken = sorted(record_id for record_id, score in scores.items() if score != score)
    if broken:
        raise ConfigError(
            f"prefilter: {len(broken)} records have no score, such as {broken[0]}. "
            "Remedy: leave them out of the ranking and screen them."
        )
    ranked = order(scores)
    kept, rest = (ranked, ()) if keep is None else (ranked[:keep], ranked[keep:])
    # Seeded on purpose, so that the sample can be drawn again by whoever checks it.
    drawn = frozenset(random.Random(seed).sample(sorted(rest), min(audit, len(rest))))  # noqa: S311
    return Cut(
        ranked=ranked,
        kept=kept,
        audit=tuple(record_id for record_id in rest if record_id in drawn),
        below=tuple(record_id for record_id in rest if record_id not in drawn),
    )
