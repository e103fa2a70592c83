"""What people have entered, as far as it still answers what is asked.

A reading is an answer to the form of one table. When the protocol defines an outcome anew, or another risk-of-bias
tool is used, what was read under the old words is no answer to the new ones: it stays in the log, and people are
asked again about just that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.cells import BIAS
from graphs.consensus import Key, Readings
from graphs.evidence_table import outcomes_of, tool_of
from graphs.gates import cells_of
from tools.appraisal.tool import Tool
from tools.evidence_settings import OutcomeSpec
from tools.schemas import Cell, sha256_of
from tools.store import Store

__all__ = ["Standing", "asked", "asked_in", "still_asked", "still_standing"]

Part = tuple[str, bool]
"""(outcome, whether it is about bias): what a change of the protocol touches as one."""


@dataclass(frozen=True)
class Standing:
    """What people have read that still stands."""

    readings: Readings = field(default_factory=dict)
    asked: Mapping[str, Mapping[str, set[Part]]] = field(default_factory=dict)
    """Person to report to the parts that they were asked about."""

    def missing(self, report_ids: Iterable[str], parts: Iterable[Part], needed: int) -> dict[str, int]:
        """Report to how many more people have to read it, or read again what is asked anew."""
        wanted = set(parts)
        short = {}
        for report_id in report_ids:
            people = sum(
                own.get(report_id, set()) >= wanted for own in self.asked.values() if report_id in own
            )
            if people < needed:
                short[report_id] = needed - people
        return short

    def of(self, report_ids: Iterable[str]) -> dict[str, dict[Key, Cell]]:
        """The readings of these reports alone."""
        wanted = set(report_ids)
        found = {
            person: {key: cell for key, cell in own.items() if key[0] in wanted}
            for person, own in self.readings.items()
        }
        return {person: own for person, own in found.items() if own}


def asked(outcomes: Sequence[OutcomeSpec], tool: Tool | None, cells: Iterable[Cell]) -> dict[Part, str]:
    """Part to a hash of the words it is asked in.

    Args:
        cells: of the table; they tell which outcomes are appraised.
    """
    specs = {spec.id: spec.model_dump(mode="json", exclude={"better"}) for spec in outcomes}
    parts: dict[Part, str] = {(name, False): sha256_of(spec) for name, spec in specs.items()}
    appraised = {cell.outcome for cell in cells if cell.field_id.startswith(BIAS)}
    if tool is not None:
        form = tool.model_dump(mode="json")
        parts |= {(name, True): sha256_of([spec, form]) for name, spec in specs.items() if name in appraised}
    return parts


def asked_in(content: Mapping[str, Any]) -> dict[Part, str]:
    """`asked` of a table that was shown."""
    return asked(outcomes_of(content), tool_of(content), cells_of(content))


def still_standing(store: Store, pass_id: str, now: Mapping[Part, str]) -> Standing:
    """Each person's cells, of several of one cell the last; those that were asked in other words are left out."""
    tables = {
        made.artefact_id: made.content for made, _at in store.artefacts(pass_id) if made.step == "evidence"
    }
    then = {name: asked_in(content) for name, content in tables.items()}
    readings: dict[str, dict[Key, Cell]] = {}
    parts: dict[str, dict[str, set[Part]]] = {}
    for row in store.readings(pass_id):
        own = still_asked(row.cells, then[row.artefact_id], now)
        same = _same(then[row.artefact_id], now)
        readings.setdefault(row.by, {}).update({cell.key: cell for cell in own})
        for report_id in dict.fromkeys(cell.report_id for cell in row.cells):
            parts.setdefault(row.by, {}).setdefault(report_id, set()).update(same)
    return Standing(readings, parts)


def still_asked(cells: Iterable[Cell], then: Mapping[Part, str], now: Mapping[Part, str]) -> list[Cell]:
    """The cells that are about what is asked in the same words now; arms and participants are always."""
    same = _same(then, now)
    return [cell for cell in cells if not cell.outcome or _part(cell) in same]


def _same(then: Mapping[Part, str], now: Mapping[Part, str]) -> set[Part]:
    return {part for part, words in then.items() if now.get(part) == words}


def _part(cell: Cell) -> Part:
    return (cell.outcome, cell.field_id.startswith(BIAS))
