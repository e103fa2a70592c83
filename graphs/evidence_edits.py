"""What people write about numbers: lines of a table in, cells out, every mistake with its line. Pure.

The same lines serve a person's own reading (`enter`) and the settling of a table at its gate (`edit`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from graphs.cells import BIAS, ROLES
from graphs.consensus import heard
from graphs.evidence_table import cells_with_judgements, outcomes_of, table, tool_of
from graphs.gates import cells_of
from model.tasks.direction import Direction
from tools.appraisal.tool import Tool
from tools.errors import ConfigError
from tools.evidence_settings import OutcomeSpec
from tools.fulltext.quotes import holds_number, locate
from tools.schemas import Cell
from tools.synthesis.checks_numbers import NotANumber, number_of
from tools.synthesis.rows import RANDOMISED, plain
from tools.synthesis.values import STATISTICS

__all__ = ["COLUMNS", "read_lines", "settled"]

COLUMNS = ("report_id", "outcome", "time_point", "arm", "field_id", "value", "unit", "quote", "reason")
"""Of the table that people fill in; the first five say which cell it is."""

DESIGN = ("trial_design", "cluster_size")
"""Fields about a whole report that an analysis needs: how participants were assigned, and people per cluster."""

DESIGNS = ("parallel", "cluster", "crossover")

DIRECTIONS = tuple(way for way in get_args(Direction) if way != "uncertain")

NUMBERS = (*STATISTICS, RANDOMISED, "cluster_size")

TextOf = Callable[[str], str]


def read_lines(
    content: Mapping[str, Any],
    rows: Sequence[Mapping[str, str]],
    by: str,
    text_of: TextOf,
    *,
    judging: bool = False,
) -> list[Cell]:
    """One person's cells.

    Args:
        content: the artefact of `evidence`: which reports, outcomes and arms there are.
        rows: lines with `COLUMNS`. A line without a value says that the report does not tell.
        by: who read.
        text_of: report id to its canonical text, to find quotes in.
        judging: judgements of bias may be among the lines; whoever reads answers questions, and they follow.

    Raises:
        ConfigError: one line per mistake, and then nothing of it is stored.
    """
    known = {cell.key: cell for cell in cells_of(content)}
    reports = {line["record_id"] for line in content["dispositions"]}
    outcomes = {spec.id: spec for spec in outcomes_of(content)}
    tool = tool_of(content)
    arms = {(cell.report_id, _plain(cell.arm)): cell.arm for cell in known.values()}
    problems: list[str] = []
    cells: dict[tuple[str, ...], Cell] = {}
    for line, row in enumerate(rows, start=2):
        base = _base(row, arms)
        told = _place_wrong(base, known, reports, outcomes) or _value_wrong(base, row, tool)
        if told is None and base.key in cells:
            told = "the same cell stands on an earlier line"
        if told is None and not judging and _is_judgement(base, tool):
            told = "a judgement follows from the answers; set another one at the gate, with `edit`"
        if told is None and not judging and base.report_id not in reports:
            told = "an entry of a register is read by rules; correct it at the gate, with `edit`"
        if told is not None:
            problems.append(f"line {line}: {told}.")
            continue
        cells[base.key] = _cell(base, row, by, text_of)
    if problems:
        raise ConfigError(problems)
    return list(cells.values())


def settled(
    content: Mapping[str, Any], rows: Sequence[Mapping[str, str]], by: str, text_of: TextOf
) -> dict[str, Any]:
    """The table with lines that a person settled at the gate; judgements and findings follow anew.

    Raises:
        ConfigError: as `read_lines`; also a judgement other than the tool's without a reason.
        NotAllowed: an overall judgement better than that of a domain, or a judgement taken away.
    """
    cells = {cell.key: cell for cell in cells_of(content)}
    problems = []
    read = read_lines(content, rows, by, text_of, judging=True)
    missing = content["people"]["missing"]
    for line, given in enumerate(read, start=2):
        before, row = cells.get(given.key), rows[line - 2]
        why = row.get("reason", "")
        if before is not None and _same(before, given) and not _left_open(before, why):
            continue
        if given.report_id in missing and given.outcome and given.field_id != "direction":
            problems.append(f"line {line}: people still read {given.report_id}, each alone; settle it then.")
        if _is_judgement(given, tool_of(content)) and not why:
            problems.append(f"line {line}: another judgement than the tool's needs a reason.")
        update: dict[str, Any] = {"reason": f"settled by {by}" + (f": {why}" if why else "")}
        if (
            before is not None
            and given.quote is None
            and given.value is not None
            and given.value == before.value
        ):
            # Confirmed without another quote: the evidence of the reading is that of the value.
            update |= {"quote": before.quote, "status": before.status, "section": before.section}
        if before is not None:
            update["readings"] = heard(before)
        cells[given.key] = given.model_copy(update=update)
    if problems:
        raise ConfigError(problems)
    tool, outcomes = tool_of(content), outcomes_of(content)
    more = {k: v for k, v in content.items() if k not in ("cells", "findings", "outcomes", "tool")}
    complete = cells_with_judgements(list(cells.values()), tool, strict=True)
    return more | table(complete, outcomes, tool)


def _base(row: Mapping[str, str], arms: dict[tuple[str, str], str]) -> Cell:
    """The place of a line. `placebo` is the arm that the table, or an earlier line, spells `Placebo`."""
    about = {name: row.get(name, "") for name in COLUMNS[:5]}
    spelt = arms.setdefault((about["report_id"], _plain(about["arm"])), about["arm"])
    return Cell(**about | {"arm": spelt}, status="not_reported")


def _plain(arm: str) -> str:
    return " ".join(arm.casefold().split())


def _place_wrong(
    base: Cell,
    known: Mapping[tuple[str, str, str, str, str], Cell],
    reports: set[str],
    outcomes: Mapping[str, OutcomeSpec],
) -> str | None:
    """Why there is no such cell; people may add arms and numbers, but no reports and no outcomes."""
    if base.key in known:
        return None
    if base.report_id not in reports:
        return f"no report {base.report_id!r} in this table"
    if base.outcome and base.outcome not in outcomes:
        return f"no outcome {base.outcome!r}; the protocol names {', '.join(sorted(outcomes)) or 'none'}"
    if base.outcome and base.time_point not in (at := outcomes[base.outcome].time_points or ("",)):
        offered = ", ".join(at) or "none: leave it empty"
        return f"no time point {base.time_point!r} of {base.outcome}; the protocol names {offered}"
    if base.outcome and base.arm and base.field_id in STATISTICS:
        return None
    if base.arm and not base.outcome and base.field_id in ("arm", "arm_role", "arm_description", RANDOMISED):
        return None
    if not base.arm and not base.outcome and base.field_id in DESIGN:
        return None
    return (
        f"no field {base.field_id!r} here; numbers of an arm are {', '.join(STATISTICS)}, with report, outcome "
        "and arm"
    )


def _value_wrong(base: Cell, row: Mapping[str, str], tool: Tool | None) -> str | None:
    value = row.get("value", "")
    if not value:
        return None
    if base.field_id in NUMBERS and isinstance(read := number_of(value), NotANumber):
        return f"{value!r} is no number ({read.why}); write plain digits such as 12.3"
    if base.field_id == "trial_design" and value not in DESIGNS:
        return f"{value!r} is no design; use one of {', '.join(DESIGNS)}"
    if base.field_id == "arm_role" and value not in ROLES:
        return f"{value!r} is no role; use one of {', '.join(ROLES)}"
    if base.field_id == "direction" and value not in DIRECTIONS:
        return f"{value!r} is no direction; use one of {', '.join(DIRECTIONS)}"
    if tool is not None and base.field_id.startswith(BIAS):
        return _signal_wrong(base.field_id.removeprefix(BIAS), value, tool)
    return None


def _signal_wrong(name: str, value: str, tool: Tool) -> str | None:
    options = {q.id: (*q.options, "NA") for domain in tool.domains for q in domain.questions}
    if name in options:
        offered: tuple[str, ...] = options[name]
    else:
        offered = tuple(level.id for level in tool.levels)
    return (
        None if value in offered else f"{value!r} is not offered for {name}; use one of {', '.join(offered)}"
    )


def _is_judgement(cell: Cell, tool: Tool | None) -> bool:
    if tool is None or not cell.field_id.startswith(BIAS):
        return False
    return cell.field_id.removeprefix(BIAS) in {"overall", *(domain.id for domain in tool.domains)}


def _cell(base: Cell, row: Mapping[str, str], by: str, text_of: TextOf) -> Cell:
    value, quote = row.get("value", ""), row.get("quote", "")
    told: dict[str, Any] = {"reader": f"person:{by}", "unit": row.get("unit") or None}
    if not value:
        return base.model_copy(update=told)
    if base.field_id in NUMBERS:
        value = plain(value)
    found = locate(quote, text_of(base.report_id)) if quote else None
    number = base.field_id in NUMBERS
    stands = found is not None and (not number or holds_number(found.text, value))
    told |= {"value": value, "quote": found, "status": "grounded" if stands else "ungrounded"}
    return base.model_copy(update=told)


def _left_open(cell: Cell, why: str) -> bool:
    """A person says, with a reason of their own, that a cell which readers differ about has no value."""
    return cell.status == "conflicting" and bool(why) and why != cell.reason


def _same(one: Cell, other: Cell) -> bool:
    quotes = [cell.quote.text if cell.quote else "" for cell in (one, other)]
    return (one.value, one.unit or "", quotes[0]) == (other.value, other.unit or "", quotes[1])
