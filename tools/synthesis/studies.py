"""From the rows of a study's reports to the one line that an analysis takes of it. Pure.

Which arms are compared is a person's word (roles in the table, or words in the protocol); several arms of one side are
combined or share the control group; two reports that disagree keep the study out until somebody has settled it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from pydantic import Field

from tools.evidence_settings import Analysis, Comparison, OutcomeSpec, Synthesis, comparison_label
from tools.schemas import Cell, Frozen
from tools.synthesis.adjusting import CannotAdjust, split_control
from tools.synthesis.conversions import Kind, NotComputed, combine_arms, completion
from tools.synthesis.designs import by_design
from tools.synthesis.effects import SINGLE
from tools.synthesis.rows import BETWEEN, ArmRow, BetweenRow, arm_rows, between_rows
from tools.synthesis.units import relation
from tools.synthesis.values import STATISTICS, ArmData, Conversion, EffectMeasure, NotEstimable, StudyData

__all__ = ["StudyCells", "lines_of"]


MEASURED = tuple(name for name in STATISTICS if name not in (*BETWEEN, "total", "events", "percent"))
"""Statistics that have the unit of the outcome."""

REGISTRY = "ctgov:"
"""Begins the id of a report that is an entry of a register."""


class StudyCells(Frozen):
    """An included study, and the approved cells of its reports."""

    study_id: str
    label: str = Field(description="As forest plots name studies: `Miller 2019`.")
    year: int | None = None
    subgroup: str = ""
    cells: tuple[Cell, ...] = ()


class _Line(Frozen):
    """What one report of a study gives for an analysis."""

    report_id: str
    experimental: tuple[ArmData, ...] = ()
    control: tuple[ArmData, ...] = ()
    between: tuple[BetweenRow, ...] = Field(default=(), description="Of an experimental and a control arm.")
    elsewhere: tuple[str, ...] = Field(default=(), description="Arms and pairs with numbers on neither side.")


def lines_of(
    study: StudyCells, analysis: Analysis, spec: OutcomeSpec, measure: EffectMeasure, settings: Synthesis
) -> list[StudyData | NotEstimable]:
    """What the study brings to the analysis: one line, or several where its arms share a control group.

    Numbers that a register posts count where no paper gives any.
    """

    def out(why: str) -> list[StudyData | NotEstimable]:
        told = {"study_id": study.study_id, "label": study.label, "subgroup": study.subgroup}
        return [NotEstimable.model_validate({**told, "measure": measure, "why": why})]

    given = [line for line in _reports(study, analysis, spec) if _says_something(line, spec)]
    if not given:
        return out("No numbers of this outcome were found in its reports.")
    papers = [line for line in given if not line.report_id.startswith(REGISTRY)]
    given = papers or given
    if any(not _agree(one, other, spec) for one, other in combinations(given, 2)):
        named = ", ".join(line.report_id for line in given)
        return out(f"Its reports give different numbers ({named}); a person has to settle which hold.")
    line = min(given, key=_least)
    if odd := _other_units(study, line, analysis, spec, measure):
        return out(f"It measures in {odd}: a person has to convert its numbers.")
    made = _compared(study, line, analysis, spec, measure)
    if isinstance(made, str):
        return out(made)
    return [by_design(line, study.cells, measure, settings) for line in made]


# Reports -----------------------------------------------------------------------------------------


def _reports(study: StudyCells, analysis: Analysis, spec: OutcomeSpec) -> list[_Line]:
    """The arms of each report by side, at the time point of the analysis."""
    at = _time_point(study.cells, analysis, spec)
    timed = spec.kind == "time_to_event"
    arms = [r for r in arm_rows(study.cells) if (r.outcome, r.time_point) == (spec.id, at)]
    between = [r for r in between_rows(study.cells) if (r.outcome, r.time_point) == (spec.id, at)]
    reports = [r.report_id for r in arms] + [r.report_id for r in between]
    sides = _sides(study.cells, analysis)
    lines = []
    for report_id in dict.fromkeys(reports):
        own = [r for r in arms if r.report_id == report_id]
        pairs = [r for r in between if r.report_id == report_id and r.values]
        known = {cell.arm for cell in study.cells if cell.report_id == report_id}
        meant = [r for r in pairs if _is_meant(r, known, sides, analysis.comparison)]
        placed = ("experimental", "control")
        unplaced = [r.data for r in own if sides.get((report_id, r.data.arm)) not in placed]
        unused = [r.arms for r in pairs if r not in meant]
        lines.append(
            _Line(
                report_id=report_id,
                experimental=_side(own, sides, "experimental"),
                control=_side(own, sides, "control"),
                between=tuple(meant),
                elsewhere=tuple(unused if timed else [arm.arm for arm in unplaced if _numbers(arm)]),
            )
        )
    return lines


def _time_point(cells: Iterable[Cell], analysis: Analysis, spec: OutcomeSpec) -> str:
    """The one that the analysis names, or the outcome's only one; else the one that the table has."""
    if analysis.time_point is not None:
        return analysis.time_point
    return spec.time_points[0] if len(spec.time_points) == 1 else ""


def _sides(cells: Iterable[Cell], analysis: Analysis) -> dict[tuple[str, str], str]:
    """(report, arm) to its side: by the words of the protocol, else by the role in the table."""
    wanted = analysis.comparison
    if wanted is None:
        return {(c.report_id, c.arm): c.value or "" for c in cells if c.field_id == "arm_role"}
    by_words = {(c.report_id, c.arm): _by_words(c.arm, wanted) for c in cells if c.arm}
    by_hand = {(c.report_id, c.arm): c.value or "" for c in cells if _settled_role(c)}
    return by_words | by_hand


def _by_words(arm: str, wanted: Comparison) -> str:
    """The side whose words an arm's name holds; none where it holds words of both, as in `drug plus placebo`."""
    name = arm.casefold()
    hits = [
        side
        for side, words in (("experimental", wanted.experimental), ("control", wanted.control))
        if any(word.casefold() in name for word in words)
    ]
    return hits[0] if len(hits) == 1 else ""


def _is_meant(
    row: BetweenRow, arms: Iterable[str], sides: Mapping[tuple[str, str], str], wanted: Comparison | None
) -> bool:
    """Whether an estimate is of an experimental against a control arm, in this order.

    One of arms that the table does not know is read by the words of the protocol; without these nothing speaks
    against it.
    """
    pairs = [(one, other) for one in arms for other in arms if comparison_label(one, other) == row.arms]
    if pairs:
        placed = [(sides.get((row.report_id, a), ""), sides.get((row.report_id, b), "")) for a, b in pairs]
        return ("experimental", "control") in placed
    if wanted is None:
        return True
    one, _, other = row.arms.partition(comparison_label("", ""))
    return (_by_words(one, wanted), _by_words(other, wanted)) == ("experimental", "control")


def _settled_role(cell: Cell) -> bool:
    return cell.field_id == "arm_role" and cell.reader.startswith("person:")


def _side(rows: Sequence[ArmRow], sides: Mapping[tuple[str, str], str], side: str) -> tuple[ArmData, ...]:
    """The arms of one side that have a number; one of which nothing is known is no part of a comparison."""
    return tuple(
        row.data for row in rows if sides.get((row.report_id, row.data.arm)) == side and _numbers(row.data)
    )


def _says_something(line: _Line, spec: OutcomeSpec) -> bool:
    """Whether a report has numbers that this kind of outcome takes, of whatever arms."""
    if spec.kind == "time_to_event":
        return bool(line.between or line.elsewhere)
    return bool(line.experimental or line.control or line.between or line.elsewhere)


def _least(line: _Line) -> tuple[bool, int, str]:
    """Sorts the report first that gives most; numbers of several reports are not put together into one arm."""
    one_sided = not (line.experimental and line.control) and not line.between
    known = [*map(_numbers, (*line.experimental, *line.control)), *(row.values for row in line.between)]
    return one_sided, -sum(map(len, known)), line.report_id


def _numbers(arm: ArmData) -> dict[str, float]:
    """What the report tells of the outcome; how many were randomised is known without it."""
    about = arm.model_dump(exclude={"arm", "randomised"})
    return {name: value for name, value in about.items() if value is not None}


def _agree(one: _Line, other: _Line, spec: OutcomeSpec) -> bool:
    """Whether what both reports give is the same; what only one of them gives is no disagreement."""
    for ours, theirs in ((one.experimental, other.experimental), (one.control, other.control)):
        if len(ours) != len(theirs) and ours and theirs:
            return False
        named = {arm.arm: arm for arm in theirs}
        for a, b in zip(ours, theirs, strict=False):
            # Reports may list arms in another order, and may call them otherwise.
            first, second = _numbers(a), _numbers(named.get(a.arm, b))
            if any(first[name] != second[name] for name in first.keys() & second.keys()):
                return False
    return spec.kind != "time_to_event" or _estimated_alike(one.between, other.between)


def _estimated_alike(ours: Sequence[BetweenRow], theirs: Sequence[BetweenRow]) -> bool:
    """Whether two reports give the same estimates; the one comparison of each is the same, however it is called."""
    if len(ours) != len(theirs):
        return not ours or not theirs
    return all(
        a.values[name] == b.values[name]
        for a, b in zip(ours, theirs, strict=True)
        for name in (a.values.keys() & b.values.keys()) - {"p_value"}
    )


def _other_units(
    study: StudyCells, line: _Line, analysis: Analysis, spec: OutcomeSpec, measure: EffectMeasure
) -> str:
    """Where the arms' numbers are known to be of another unit than is pooled; empty where nothing tells so."""
    if spec.kind != "continuous":
        return ""
    place = (line.report_id, spec.id, _time_point(study.cells, analysis, spec))
    arms = {arm.arm for arm in (*line.experimental, *line.control)}
    told = [
        cell.unit
        for cell in study.cells
        if cell.key[:3] == place
        and cell.arm in arms
        and cell.field_id in MEASURED
        and cell.value
        and cell.unit
    ]
    # A standardised difference takes any unit, the same in all arms.
    wanted = [] if measure == "SMD" or not spec.unit else [spec.unit]
    for one, other in combinations(dict.fromkeys([*told, *wanted]), 2):
        if relation(one, other) in ("convertible", "different"):
            return f"{one}, not in {other}"
    return ""


# Arms --------------------------------------------------------------------------------------------


def _compared(
    study: StudyCells, line: _Line, analysis: Analysis, spec: OutcomeSpec, measure: EffectMeasure
) -> list[StudyData] | str:
    """Two arms, or several comparisons that share a control group; a text says why there is neither."""
    base = StudyData(study_id=study.study_id, label=study.label, year=study.year, subgroup=study.subgroup)
    if spec.kind == "time_to_event":
        return _estimates(base, line)
    given = [row.estimates for row in line.between if "estimate" in row.values and row.measure == measure]
    # Of the arms an effect can be computed in any measure; an estimate only serves the measure that it is of.
    base = base.model_copy(update=given[0]) if len(given) == 1 else base
    sides = {"experimental": line.experimental, "control": line.control}
    if measure in SINGLE:
        del sides["control"]
    if lacking := [side for side, arms in sides.items() if not arms]:
        return [base] if len(given) == 1 else _lacking(line, " or ".join(lacking))
    experimental, made = _completed(line.experimental, spec)
    control, more = _completed(() if measure in SINGLE else line.control, spec)
    if len(control) > 1:
        together = combine_arms(control, kind=_kind(spec), name="control groups combined")
        if isinstance(together, NotComputed):
            return f"Its {len(control)} control groups cannot be combined: {together.why}."
        control, more = [together[0]], (*more, *together[1])
    if len(experimental) > 1 and analysis.multi_arm == "combine":
        joined = combine_arms(experimental, kind=_kind(spec), name=" + ".join(a.arm for a in experimental))
        if isinstance(joined, NotComputed):
            return f"Its {len(experimental)} experimental arms cannot be combined: {joined.why}."
        experimental, made = [joined[0]], (*made, *joined[1])
    several = len(experimental) > 1
    lines = [
        base.model_copy(
            update={
                "label": f"{study.label} ({arm.arm})" if several else study.label,
                "experimental": arm,
                "control": control[0] if control else None,
                **(dict.fromkeys(given[0]) if several and given else {}),
                "conversions": (*made, *more),
            }
        )
        for arm in experimental
    ]
    try:
        return [split_control(each, len(lines)) for each in lines] if several and control else lines
    except CannotAdjust as e:
        return str(e)


def _lacking(line: _Line, side: str) -> str:
    """Why a report with numbers has no comparison."""
    if line.elsewhere:
        named = "; ".join(line.elsewhere)
        return f"No arm with numbers is known to be {side} ({named} is neither): set the role of its arms."
    if line.between and not (line.experimental or line.control):
        return "Its report gives an estimate between the arms, and no numbers of the arms, which are wanted here."
    return f"No arm of its report is known to be {side} and has numbers: set the role of its arms."


def _kind(spec: OutcomeSpec) -> Kind:
    return "dichotomous" if spec.kind == "dichotomous" else "continuous"


def _completed(arms: Sequence[ArmData], spec: OutcomeSpec) -> tuple[list[ArmData], tuple[Conversion, ...]]:
    """Each arm with what its numbers imply; a median stays a median where it may not stand for a mean."""
    done = [completion(arm, kind=_kind(spec)) for arm in arms]
    # The SE is only of interest where the SD is wanted from it.
    steps = tuple(step for each in done for step in each.conversions if step.to not in ("se", "percent"))
    return [each.arm for each in done], steps


def _estimates(base: StudyData, line: _Line) -> list[StudyData] | str:
    rows = [row for row in line.between if "estimate" in row.values]
    if not rows and line.elsewhere:
        named = "; ".join(line.elsewhere)
        return f"No estimate is of an experimental against a control arm (there is {named}): set the role of its arms."
    if not rows:
        return "No estimate between the arms was found in its reports."
    if len(rows) > 1:
        named = "; ".join(row.arms for row in rows)
        return f"Its report gives several comparisons ({named}); a person has to choose one."
    return [base.model_copy(update=rows[0].estimates)]
