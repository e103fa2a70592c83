"""Two people read the same numbers without seeing each other's; what both say holds, the rest waits for them. Pure.

MECIR C46: outcome data are collected by two people independently, with a way to settle differences. The machine is a
further voice: it raises or lowers confidence, and fills nothing where people disagree.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from tools.schemas import Cell, canonical_json
from tools.synthesis.agreement import Reading, compare, same

__all__ = ["Readings", "agreed", "digest", "heard", "latest", "missing_people", "settled_by_hand"]

Key = tuple[str, str, str, str, str]
Readings = Mapping[str, Mapping[Key, Cell]]
"""Person to what they read, by cell."""


def latest(entered: Iterable[tuple[str, Sequence[Cell]]]) -> dict[str, dict[Key, Cell]]:
    """Each person's readings; of several of one cell the last holds."""
    found: dict[str, dict[Key, Cell]] = {}
    for person, cells in entered:
        found.setdefault(person, {}).update({cell.key: cell for cell in cells})
    # Who came first must not matter.
    return {person: dict(sorted(found[person].items())) for person in sorted(found)}


def missing_people(readings: Readings, report_ids: Iterable[str], needed: int) -> dict[str, int]:
    """Report to how many more people have to read it."""
    short = {}
    for report_id in report_ids:
        people = sum(any(key[0] == report_id for key in own) for own in readings.values())
        if people < needed:
            short[report_id] = needed - people
    return short


def agreed(machine: Sequence[Cell], readings: Readings, needed: int) -> list[Cell]:
    """The machine's cells with what people read, in the machine's order; cells that only people have come last.

    Where two people read, a number that the machine alone found does not count. A report that fewer than `needed`
    people have read keeps the machine's cells: one person's reading must not be seen by the next.
    """
    ours = {cell.key: cell for cell in machine}
    short = missing_people(readings, {key[0] for own in readings.values() for key in own}, max(needed, 1))
    read = {key for own in readings.values() for key in own if key[0] not in short}
    reports = {key[0] for key in read}
    cells = []
    for key in [*ours, *sorted(read - ours.keys())]:
        if key in read:
            cells.append(_cell(key, ours.get(key), readings, needed))
        elif needed > 1 and key[0] in reports and _read_by_people(ours[key]):
            cells.append(_unconfirmed(ours[key]))
        else:
            cells.append(ours[key])
    return cells


def _read_by_people(cell: Cell) -> bool:
    """Numbers of outcomes and answers about bias; arms and directions are proposed, and settled at the gate."""
    return bool(cell.outcome) and cell.field_id != "direction"


def _unconfirmed(cell: Cell) -> Cell:
    """What the machine alone has read counts for nothing where people read the report and left it out."""
    if cell.value is None:
        return cell
    told = {"reason": "read by the machine alone", "readings": heard(cell), "confidence": None}
    return cell.model_copy(update={"value": None, "quote": None, "status": "not_found", **told})


def heard(cell: Cell) -> tuple[str, ...]:
    """What readers said of a cell; of one reader what it holds."""
    return cell.readings or (f"{cell.reader}: {cell.value or cell.status}",)


def _cell(key: Key, machine: Cell | None, readings: Readings, needed: int) -> Cell:
    """What people agree on. Whoever read the report and left this cell out has said nothing, which is a difference."""
    people = {
        person: own.get(key) for person, own in readings.items() if any(other[0] == key[0] for other in own)
    }
    given = {person: cell for person, cell in people.items() if cell is not None}
    first = next(iter(given.values()))
    listed = tuple(
        f"person:{person}: {'left out' if cell is None else _said(cell)}" for person, cell in people.items()
    )
    if machine is not None:
        listed += machine.readings or (f"{machine.reader}: {_said(machine)}",)
    base = first.model_copy(
        update={"reader": " + ".join(f"person:{person}" for person in given), "readings": listed}
    )
    people_say = compare([_reading(cell, "person") for cell in given.values()])
    told = [cell for cell in given.values() if cell.value is not None]
    if people_say.status == "conflicting" or (told and len(told) < max(needed, len(people))):
        why = "people read different values"
        return base.model_copy(update={"status": "conflicting", "value": None, "quote": None, "reason": why})
    if people_say.value is None:
        return base.model_copy(update={"status": "not_reported", "quote": None, "reason": ""})
    base = base.model_copy(update={"value": people_say.value, "unit": people_say.unit or base.unit})
    return base.model_copy(update=_evidence(told, machine))


def _reading(cell: Cell, kind: Literal["person", "engine"]) -> Reading:
    return Reading(reader=cell.reader, kind=kind, value=cell.value, unit=cell.unit or "")


def _evidence(people: Sequence[Cell], machine: Cell | None) -> dict[str, object]:
    """A person's quote if one was found, else the machine's where it read the same value."""
    readings = [_reading(cell, "person") for cell in people]
    quoted = [cell for cell in people if cell.quote is not None]
    if machine is not None and machine.value is not None:
        heard = _reading(machine, "engine")
        if machine.quote is not None and same(readings[0], heard):
            quoted.append(machine)
        readings.append(heard)
    told: dict[str, object] = {"confidence": compare(readings).confidence, "reason": ""}
    if not quoted:
        return told | {"status": "ungrounded"}
    best = quoted[0]
    return told | {"status": best.status, "quote": best.quote, "section": best.section}


def _said(cell: Cell) -> str:
    return cell.status.replace("_", " ") if cell.value is None else cell.value


def settled_by_hand(cells: Sequence[Cell], before: Sequence[Cell]) -> list[Cell]:
    """Cells that a person settled at the gate stay settled, as long as the readers still say the same."""
    own = {cell.key: cell for cell in before if cell.reason.startswith("settled by ")}
    now = {cell.key for cell in cells}
    kept = [
        own[cell.key] if cell.key in own and heard(own[cell.key]) == heard(cell) else cell for cell in cells
    ]
    return [*kept, *(cell for key, cell in own.items() if key not in now)]


def digest(readings: Readings) -> str:
    """What has been entered, as one text to take a hash over."""
    return canonical_json(
        {person: [cell.model_dump(mode="json") for cell in own.values()] for person, own in readings.items()}
    )
