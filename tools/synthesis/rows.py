"""From cells to rows: what one arm scored in one outcome at one time point, and estimates between two arms. Pure.

A cell without a value leaves its number unknown, never zero; one whose value is no number is told apart.
"""

from collections.abc import Iterable, Sequence

from pydantic import Field

from tools.schemas import Cell, Frozen
from tools.synthesis.checks_numbers import NotANumber, decimals_of, number_of
from tools.synthesis.values import STATISTICS, ArmData

__all__ = [
    "BETWEEN",
    "RANDOMISED",
    "ArmRow",
    "BetweenRow",
    "arm_rows",
    "between_rows",
    "number",
    "plain",
    "row_cells",
]

BETWEEN = ("estimate", "estimate_lower", "estimate_upper", "estimate_se", "p_value")
"""Statistics that stand between two arms."""

RANDOMISED = "randomised"
"""Field of an arm, whatever the outcome: how many participants were assigned to it."""

_OF_ARMS = tuple(name for name in STATISTICS if name not in BETWEEN)

Place = tuple[str, str, str, str]


class ArmRow(Frozen):
    """One arm's line: the complete row is the unit in which extraction is right or wrong."""

    report_id: str
    outcome: str
    time_point: str
    data: ArmData
    cells: tuple[Cell, ...] = Field(description="What the numbers are from.")


class BetweenRow(Frozen):
    """One estimate between two arms, as the report gives it."""

    report_id: str
    outcome: str
    time_point: str
    arms: str = Field(description="As `evidence_settings.comparison_label` names them.")
    values: dict[str, float]
    cells: tuple[Cell, ...]

    @property
    def measure(self) -> str:
        """What the estimate is of, as its cell's unit says: `RR`, `MD`; empty where nobody has said."""
        units = [cell.unit or "" for cell in self.cells if cell.field_id == "estimate"]
        return units[0].strip().upper() if units else ""

    @property
    def estimates(self) -> dict[str, float]:
        """The estimate with its limits or its SE."""
        return {name: value for name, value in self.values.items() if name != "p_value"}


def number(text: str | None) -> float | None:
    """The number that a cell's value is; None for no value or for words.

    Cells hold plain digits: what people or engines write otherwise is refused where it comes in.
    """
    read = None if text is None else number_of(text)
    return read if isinstance(read, float) else None


def plain(text: str) -> str:
    """A number as cells hold it: plain digits, with the decimals that were printed, which the checks look at.

    Raises:
        ValueError: it is no number; `checks_numbers.number_of` says why.
    """
    read = number_of(text)
    if isinstance(read, NotANumber):
        raise ValueError(f"{text!r} is no number: {read.why}")  # noqa: TRY004 - a value that does not fit
    # Of 2e5 the last printed digit stands before the point.
    return f"{read:.{max(0, decimals_of(text) or 0)}f}"


def row_cells(cells: Iterable[Cell]) -> dict[Place, list[Cell]]:
    """(report, outcome, time point, arm) to the cells about it, in the order of the cells."""
    found: dict[Place, list[Cell]] = {}
    for cell in cells:
        if cell.outcome and cell.arm:
            found.setdefault((cell.report_id, cell.outcome, cell.time_point, cell.arm), []).append(cell)
    return found


def arm_rows(cells: Iterable[Cell]) -> list[ArmRow]:
    """A row for every arm of which a number of an outcome is wanted, known or not."""
    cells = list(cells)
    randomised = {(c.report_id, c.arm): number(c.value) for c in cells if c.field_id == RANDOMISED}
    rows = []
    for (report_id, outcome, time_point, arm), own in row_cells(cells).items():
        of_arm = [cell for cell in own if cell.field_id in _OF_ARMS]
        if not of_arm:
            continue
        values = {cell.field_id: number(cell.value) for cell in of_arm}
        assigned = randomised.get((report_id, arm))
        if assigned is not None and assigned == int(assigned):
            values["randomised"] = assigned
        rows.append(
            ArmRow(
                report_id=report_id,
                outcome=outcome,
                time_point=time_point,
                data=ArmData.model_validate({"arm": arm, **values}),
                cells=tuple(of_arm),
            )
        )
    return rows


def between_rows(cells: Sequence[Cell]) -> list[BetweenRow]:
    """A row for every pair of arms between which an estimate is wanted or given."""
    rows = []
    for (report_id, outcome, time_point, arms), own in row_cells(cells).items():
        between = [cell for cell in own if cell.field_id in BETWEEN]
        if not between:
            continue
        values = {cell.field_id: value for cell in between if (value := number(cell.value)) is not None}
        rows.append(
            BetweenRow(
                report_id=report_id,
                outcome=outcome,
                time_point=time_point,
                arms=arms,
                values=values,
                cells=tuple(between),
            )
        )
    return rows
