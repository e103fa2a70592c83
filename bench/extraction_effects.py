"""What misread numbers do to a synthesis: effects from an engine's rows beside those from people's.

A part of `bench.extraction`. Each line of `numeric_outcomes` compares two arms. Where people's rows of both are
complete, their effect is computed (log odds ratio for events, standardised mean difference for means), and so is
that of what the engine read, where it read both rows in full. The lines are of different trials and outcomes, so
that their pooled effects answer no clinical question: they measure how far errors move a pooled estimate. The
comparison is between the same lines, read twice; what an engine leaves out shifts nothing here and is counted
as `read`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from bench.extraction_numbers import ArmRow, Gold
from bench.report import Column
from tools.synthesis.effects import effect
from tools.synthesis.pooling import pool
from tools.synthesis.values import ArmData, Effect, EffectMeasure, StudyData

__all__ = ["COLUMNS", "effect_rows"]

COLUMNS = (
    Column("measure", "measure"),
    Column("comparisons", "comparisons"),
    Column("read", "read in full"),
    Column("same", "same effect"),
    Column("moved", "moved by more than half a SE"),
    Column("conclusions_changed", "conclusions changed"),
    Column("pooled_people", "pooled, people"),
    Column("pooled_engine", "pooled, engine"),
    Column("shift", "shift"),
    Column("shift_in_se", "shift in SE"),
    Column("pooled_conclusion_same", "same conclusion"),
)


def effect_rows(found: Sequence[ArmRow]) -> list[dict[str, Any]]:
    """One line of the table for each measure."""
    lines: Mapping[int, list[ArmRow]] = _by_line(found)
    made = []
    for measure, events in (("OR", True), ("SMD", False)):
        pairs = [_pair(rows, measure) for rows in lines.values() if rows[0].gold.events == events]  # type: ignore[arg-type]
        made.append(_line(measure, [pair for pair in pairs if pair is not None]))  # type: ignore[arg-type]
    return made


def _by_line(found: Sequence[ArmRow]) -> dict[int, list[ArmRow]]:
    lines: dict[int, list[ArmRow]] = defaultdict(list)
    for row in found:
        lines[row.number].append(row)
    return {number: rows for number, rows in lines.items() if len(rows) == 2}


_Pair = tuple[Effect, Effect | None]


def _pair(rows: Sequence[ArmRow], measure: EffectMeasure) -> _Pair | None:
    """The effect by people and by the engine; None where people's is not estimable."""
    people = _effect(rows[0], [row.gold for row in rows], measure)
    if people is None:
        return None
    judged = [row.judged for row in rows]
    said = [Gold(rows[0].gold.events, one.value, one.spread, one.size) for one in judged]
    return people, _effect(rows[0], said, measure) if all(one.complete for one in said) else None


def _effect(row: ArmRow, arms: Sequence[Gold], measure: EffectMeasure) -> Effect | None:
    if not all(arm.complete for arm in arms):
        return None
    first, second = (_arm(name, arm) for name, arm in zip(("experimental", "control"), arms, strict=True))
    study = StudyData(
        study_id=f"{row.report}-{row.number}", label=row.report, experimental=first, control=second
    )
    made = effect(study, measure)
    return made if isinstance(made, Effect) else None


def _arm(name: str, gold: Gold) -> ArmData:
    if gold.events:
        return ArmData(arm=name, events=gold.value, total=gold.size)
    return ArmData(arm=name, mean=gold.value, sd=gold.spread, total=gold.size)


def _line(measure: EffectMeasure, pairs: Sequence[_Pair]) -> dict[str, Any]:
    read = [(people, said) for people, said in pairs if said is not None]
    made: dict[str, Any] = {
        "measure": measure,
        "comparisons": len(pairs),
        "read": len(read),
        "same": sum(_steps(people, said) < 0.05 for people, said in read),
        "moved": sum(_steps(people, said) > 0.5 for people, said in read),
        "conclusions_changed": sum(_conclusion(people) != _conclusion(said) for people, said in read),
    }
    if not read:
        return made
    by_people = pool([people for people, _ in read], model="random")
    by_engine = pool([said for _, said in read], model="random")
    return made | {
        "pooled_people": by_people.y,
        "pooled_engine": by_engine.y,
        "shift": by_engine.y - by_people.y,
        "shift_in_se": (by_engine.y - by_people.y) / by_people.se,
        "pooled_conclusion_same": _beyond(by_people.lower, by_people.upper)
        == _beyond(by_engine.lower, by_engine.upper),
    }


def _steps(people: Effect, said: Effect) -> float:
    """How far two effects are apart, in standard errors of people's."""
    return float(abs(people.y - said.y) / people.v**0.5)


def _conclusion(one: Effect) -> int:
    half = 1.959964 * one.v**0.5
    return _beyond(one.y - half, one.y + half)


def _beyond(lower: float, upper: float) -> int:
    """1 where an interval lies above no effect, -1 below, 0 where it holds it."""
    return 1 if lower > 0 else -1 if upper < 0 else 0
