"""Deaths and adverse events of a registry entry in the form of posted outcomes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tools.registry.matching import alike
from tools.registry.reading import Figure, Leaf
from tools.registry.results import (
    AdverseGroup,
    Category,
    Denominator,
    MeasureClass,
    Measurement,
    PostedOutcome,
    PostedResults,
)

__all__ = ["adverse_outcomes"]

NEAR = 0.5
"""Likeness of names from which an outcome of the entry may count the same events over another time."""
FIRST_NUMBER = 10_001
"""They have no number in the entry; these are above any that one has."""


class _Kind(NamedTuple):
    name: str
    title: str
    words: tuple[str, ...]
    """What outcomes that count the same are called."""


_KINDS = (
    _Kind("deaths", "Deaths from any cause", ("death", "mortality", "overall survival")),
    _Kind(
        "serious", "Participants with serious adverse events", ("serious adverse events", "adverse events")
    ),
)


def adverse_outcomes(results: PostedResults) -> Iterator[PostedOutcome]:
    """Deaths and serious adverse events in each group.

    What an outcome of the entry may count as well is left out: two answers would be right then.
    """
    for number, kind in enumerate(_KINDS, FIRST_NUMBER):
        counts = [(group, *_count(group, kind.name)) for group in results.adverse_groups]
        # Nobody at risk: such events were not looked for, whatever their count.
        held = [
            (group, count, total)
            for group, count, total in counts
            if count is not None and total is not None and (total.number or 0) > 0
        ]
        told_twice = any(alike(word, one.name) >= NEAR for word in kind.words for one in results.outcomes)
        if not held or len(held) < len(counts) or told_twice:
            continue
        yield PostedOutcome(
            number=number,
            title=Leaf(text=kind.title, path=f"adverse.{kind.name}.title"),
            parameter_as_printed=Leaf(text="COUNT_OF_PARTICIPANTS", path=f"adverse.{kind.name}.kind"),
            parameter="count_of_participants",
            unit=Leaf(text="Participants", path=f"adverse.{kind.name}.unit"),
            time_frame=results.adverse_time_frame,
            groups=tuple(group for group, _, _ in held),
            denominators=tuple(
                Denominator(units=None, group_id=group.id, count=total) for group, _, total in held
            ),
            classes=(
                MeasureClass(
                    categories=(
                        Category(
                            measurements=tuple(
                                Measurement(group_id=group.id, value=count) for group, count, _ in held
                            )
                        ),
                    )
                ),
            ),
        )


def _count(group: AdverseGroup, kind: str) -> tuple[Figure | None, Figure | None]:
    if kind == "deaths":
        return group.deaths, group.deaths_at_risk
    return group.serious, group.serious_at_risk
