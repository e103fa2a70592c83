"""Errors of the kinds that people and machines make when they copy numbers, planted in study rows."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from bench.checks_rows import Line, as_printed
from tools.synthesis.values import ArmData, StudyData

__all__ = ["PLANTS", "planted"]

Plant: TypeAlias = Callable[[StudyData, random.Random], dict[str, Any] | None]
"""What to change of a study, or None where it cannot have this error."""


def _changed(data: StudyData, **per_arm: Callable[[ArmData], dict[str, Any] | None]) -> dict[str, Any] | None:
    made = {}
    for place, change in per_arm.items():
        arm: ArmData | None = getattr(data, place)
        update = change(arm) if arm is not None else None
        if arm is None or update is None:
            return None
        made[place] = arm.model_copy(update=update)
    return made


def _se_for_sd(arm: ArmData) -> dict[str, Any] | None:
    if not arm.sd or not arm.total or arm.total < 5:
        return None
    return {"sd": float(f"{arm.sd / math.sqrt(arm.total):.3g}")}


def _events_for_total(arm: ArmData) -> dict[str, Any] | None:
    if not arm.events or not arm.total or arm.events == arm.total:
        return None
    return {"events": arm.total, "total": arm.events}


def _percent_for_count(arm: ArmData) -> dict[str, Any] | None:
    if not arm.events or not arm.total:
        return None
    percent = float(round(100 * arm.events / arm.total))
    return {"events": percent} if percent != arm.events else None


def _digits(name: str) -> Callable[[ArmData], dict[str, Any] | None]:
    """The first two digits exchanged, where that changes the number: 52 → 25, 31.4 → 13.4."""

    def change(arm: ArmData) -> dict[str, Any] | None:
        value = getattr(arm, name)
        if value is None:
            return None
        text = f"{value:.10g}"
        places = [i for i, letter in enumerate(text) if letter.isdigit()]
        if len(places) < 2 or "e" in text or text[places[0]] == text[places[1]]:
            return None
        letters = list(text)
        letters[places[0]], letters[places[1]] = letters[places[1]], letters[places[0]]
        return {name: float("".join(letters))}

    return change


def _tenfold(name: str) -> Callable[[ArmData], dict[str, Any] | None]:
    def change(arm: ArmData) -> dict[str, Any] | None:
        value = getattr(arm, name)
        return {name: value * 10} if value else None

    return change


def _either(change: Callable[[ArmData], dict[str, Any] | None]) -> Plant:
    """The error in one arm, drawn."""

    def plant(data: StudyData, draw: random.Random) -> dict[str, Any] | None:
        place = draw.choice(("experimental", "control"))
        return _changed(data, **{place: change})

    return plant


def _both(change: Callable[[ArmData], dict[str, Any] | None]) -> Plant:
    return lambda data, _: _changed(data, experimental=change, control=change)


def _swapped_arms(data: StudyData, _: random.Random) -> dict[str, Any] | None:
    one, other = data.experimental, data.control
    if (
        one is None
        or other is None
        or data.estimate is None
        or one == other.model_copy(update={"arm": one.arm})
    ):
        return None
    return {
        "experimental": other.model_copy(update={"arm": one.arm}),
        "control": one.model_copy(update={"arm": other.arm}),
    }


def _limit(change: Callable[[float, float], tuple[float, float]]) -> Plant:
    def plant(data: StudyData, _: random.Random) -> dict[str, Any] | None:
        if (
            data.estimate_lower is None
            or data.estimate_upper is None
            or data.estimate_lower == data.estimate_upper
        ):
            return None
        lower, upper = change(data.estimate_lower, data.estimate_upper)
        if (lower, upper) == (data.estimate_lower, data.estimate_upper):
            return None
        return {"estimate_lower": lower, "estimate_upper": upper}

    return plant


def _estimate_tenfold(data: StudyData, _: random.Random) -> dict[str, Any] | None:
    return {"estimate": round(data.estimate * 10, 6)} if data.estimate else None


PLANTS: dict[str, Plant] = {
    "SE entered as SD, both arms": _both(_se_for_sd),
    "SE entered as SD, one arm": _either(_se_for_sd),
    "digits of the events exchanged": _either(_digits("events")),
    "digits of the total exchanged": _either(_digits("total")),
    "digits of the mean exchanged": _either(_digits("mean")),
    "digits of the SD exchanged": _either(_digits("sd")),
    "arms exchanged": _swapped_arms,
    "events and total exchanged": _either(_events_for_total),
    "percent typed as the count": _either(_percent_for_count),
    "mean times ten": _either(_tenfold("mean")),
    "SD times ten": _either(_tenfold("sd")),
    "events times ten": _either(_tenfold("events")),
    "estimate times ten": _estimate_tenfold,
    "limits of the interval exchanged": _limit(lambda lower, upper: (upper, lower)),
    "minus of the lower limit lost": _limit(lambda lower, upper: (abs(lower), upper)),
}
"""Kinds of errors, and how each is planted."""


def planted(line: Line, kind: str, draw: random.Random) -> Line | None:
    """The line with an error of this kind; None where it cannot have one."""
    update = PLANTS[kind](line.data, draw)
    if update is None:
        return None
    printed = {name: text for name, text in line.printed.items() if name not in update}
    printed |= {name: as_printed(value) for name, value in update.items() if name in line.printed}
    return replace(line, data=line.data.model_copy(update=update), printed=printed)
