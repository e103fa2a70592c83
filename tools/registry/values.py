"""Posted numbers as values of an analysis: arms of an outcome, and estimates between arms. Pure.

Only what is certain becomes an `ArmData`; everything else is left, with the reason. The traps: a standard
error is no standard deviation; a percentage of a body surface is none of participants; a geometric mean cannot
be pooled as a mean; NA means that a number does not exist (a median that was not reached) and never zero;
denominators of a class hold instead of those of the table; eyes or lesions are not participants.

Source: https://clinicaltrials.gov/policy/results-definitions (Outcome Measure Information).
"""

import re
from collections.abc import Iterator, Sequence

from pydantic import Field

from tools.registry.arms import ArmMatch, match_groups
from tools.registry.reading import Figure, Leaf
from tools.registry.results import (
    Category,
    Denominator,
    Group,
    Measure,
    MeasureClass,
    Measurement,
    PostedOutcome,
    is_participants,
)
from tools.registry.trial import RegisteredTrial
from tools.schemas import Frozen
from tools.synthesis.values import ArmData

__all__ = [
    "Left",
    "PostedArm",
    "PostedRow",
    "arm_data",
    "counts_participants",
    "measured",
    "outcome_rows",
    "percent_of_participants",
]


_PEOPLE = (
    r"(?:participants?|subjects?|patients?|people|persons?|individuals?|children|women|men|infants?|adults)"
    r"(?: (?:with|who|achieving|having|experiencing) .*)?"
)


class PostedArm(Frozen):
    """One group's numbers in one row, and where each of them is printed."""

    data: ArmData = Field(description="`arm` is the group's title as posted.")
    group_id: str
    match: ArmMatch = Field(description="The registered arm, where it is clear.")
    note: str = Field(default="", description="Such as a median that was not reached: the arm stays.")
    leaves: tuple[tuple[str, Leaf], ...] = Field(
        description="Statistic and the value as printed, with its path."
    )


class Left(Frozen):
    """A posted value that did not become one of an analysis, and why."""

    group: str
    why: str
    leaf: Leaf | None = None
    impossible: bool = Field(default=False, description="The registry contradicts itself here.")


class PostedRow(Frozen):
    """One row of one table: a class and category in every group."""

    outcome: str
    number: int = Field(description="Of the outcome measure in the entry, from 1; 0 for a baseline measure.")
    time_frame: str = ""
    class_title: str = ""
    category_title: str = ""
    unit: str = ""
    arms: tuple[PostedArm, ...] = ()
    left: tuple[Left, ...] = ()
    notes: tuple[str, ...] = Field(
        default=(), description="Caveats for all its numbers, such as adjusted means."
    )

    @property
    def label(self) -> str:
        """The outcome with class and category."""
        return ", ".join(filter(None, (self.outcome, self.class_title, self.category_title)))


def arm_data(trial: RegisteredTrial, outcome: PostedOutcome) -> list[ArmData]:
    """The arms of an outcome that has one row of numbers; empty where it has several: see `outcome_rows`."""
    rows = outcome_rows(trial, outcome)
    return [arm.data for arm in rows[0].arms] if len(rows) == 1 else []


def outcome_rows(trial: RegisteredTrial, outcome: PostedOutcome) -> tuple[PostedRow, ...]:
    """All rows of an outcome measure.

    Returns:
        One row for each class and category; none where nothing is posted. In each row each group with a
        measurement is among `arms` or among `left`, a total column among neither.
    """
    frame = outcome.time_frame.text if outcome.time_frame else ""
    return _rows(trial, outcome, outcome.name, outcome.number, frame)


def measured(trial: RegisteredTrial, measure: Measure) -> tuple[PostedRow, ...]:
    """All rows of a baseline measure, as `outcome_rows`."""
    return _rows(trial, measure, measure.title.text if measure.title else "", 0, "")


def counts_participants(unit: Leaf | None) -> bool:
    """Whether a unit of measure is people: `Participants`, `number of subjects with an event`."""
    text = unit.text.lower() if unit else ""
    return re.fullmatch(rf"(?:(?:number|count|no\.?) of )?{_PEOPLE}", text) is not None


def percent_of_participants(unit: Leaf | None) -> bool:
    """Whether a unit is a percentage of people: `percentage of participants`, `% of subjects`."""
    text = unit.text.lower() if unit else ""
    share = r"(?:percentages?|percents?|per cent|%)"
    return re.fullmatch(rf"{share} (?:of )?(?:the )?{_PEOPLE}|{_PEOPLE} \({share}\)", text) is not None


# Rows --------------------------------------------------------------------------------------------


def _rows(
    trial: RegisteredTrial, measure: Measure, name: str, number: int, frame: str
) -> tuple[PostedRow, ...]:
    groups = [group for group in measure.groups if not group.total]
    matches = {m.group: m for m in match_groups(trial, groups)}
    reader = _Reader(measure, groups, matches)
    made = []
    for held in measure.classes:
        for category in held.categories:
            arms, left = reader.row(held, category)
            made.append(
                PostedRow(
                    outcome=name,
                    number=number,
                    time_frame=frame,
                    class_title=held.title.text if held.title else "",
                    category_title=category.title.text if category.title else "",
                    unit=measure.unit.text if measure.unit else "",
                    arms=arms,
                    left=left,
                    notes=reader.notes,
                )
            )
    return tuple(made)


class _Reader:
    """Reads the rows of one table."""

    def __init__(self, measure: Measure, groups: Sequence[Group], matches: dict[str, ArmMatch]) -> None:
        self._measure, self._groups, self._matches = measure, groups, matches
        self._obstacle = _obstacle(measure)
        self.notes = tuple(_notes(measure))

    def row(self, held: MeasureClass, category: Category) -> tuple[tuple[PostedArm, ...], tuple[Left, ...]]:
        arms: list[PostedArm] = []
        left: list[Left] = []
        for group in self._groups:
            measurements = [m for m in category.measurements if m.group_id == group.id]
            for measurement in measurements[:1]:
                made = self._arm(group, measurement, held)
                if isinstance(made, PostedArm):
                    arms.append(made)
                else:
                    left.append(made)
            if len(measurements) > 1:
                left.append(Left(group=group.name, why="more than one value in this place"))
        return tuple(arms), tuple(left)

    def _arm(self, group: Group, m: Measurement, held: MeasureClass) -> PostedArm | Left:
        def leave(why: str, *, impossible: bool = False) -> Left:
            return Left(group=group.name, why=why, leaf=m.value, impossible=impossible)

        if self._obstacle:
            return leave(self._obstacle)
        if sum(other.id == group.id for other in self._groups) > 1:
            return leave(f"two groups of this table have the id {group.id}")
        total = _total(group.id, held.denominators) or _total(group.id, self._measure.denominators)
        if total is None or total.number is None:
            return leave("nobody says how many were analysed")
        if total.number == 0:
            return leave("nobody was analysed")
        if m.value is None or (m.value.number is None and not m.value.sentinel):
            return leave(f"no number: {m.value.text if m.value else 'empty'}")
        said = f": {m.comment.text}" if m.comment else ""
        found = {"total": total, **_statistics(self._measure, m)}
        if why := _impossible({name: leaf.number for name, leaf in found.items()}):
            return leave(why, impossible=True)
        numbers = {name: figure.number for name, figure in found.items()}
        return PostedArm(
            data=ArmData(arm=group.name, **numbers),
            group_id=group.id,
            match=self._matches[group.name],
            leaves=tuple(found.items()),
            note=f"the registry gives {m.value.text} for the value{said}" if m.value.sentinel else "",
        )


def _obstacle(measure: Measure) -> str:
    """Why no number of this table can be used; empty where they can."""
    parameter = measure.parameter
    if parameter in ("geometric_mean", "geometric_ls_mean", "log_mean"):
        return f"a {parameter.replace('_', ' ')} cannot be used as a mean"
    if parameter == "count_of_units":
        return "units are counted, not participants"
    if parameter == "unknown":
        return "what kind of number this is, is not said"
    if parameter == "number" and not (
        counts_participants(measure.unit) or percent_of_participants(measure.unit)
    ):
        unit = measure.unit.text if measure.unit else "not said"
        return f"a number whose unit is not participants: {unit}"
    if parameter != "count_of_participants" and not is_participants(measure.denominator_units):
        units = measure.denominator_units.text if measure.denominator_units else ""
        return f"the unit of analysis is {units}, not participants"
    return ""


def _notes(measure: Measure) -> Iterator[str]:
    if measure.parameter == "ls_mean":
        yield "least-squares means: adjusted by a model, and so is their standard error"
    if measure.dispersion == "ci" and measure.level != 0.95:
        level = f"{measure.level:.1%}" if measure.level else "a level that is not said"
        yield f"the interval has {level} and is left out"
    if measure.dispersion in ("geometric_cv", "unknown"):
        printed = measure.dispersion_as_printed.text if measure.dispersion_as_printed else ""
        yield f"the spread is left out: {printed}"


def _statistics(measure: Measure, m: Measurement) -> dict[str, Figure]:
    """Names of statistics and their values; only those with a number."""
    name = {
        "count_of_participants": "events",
        "number": "percent" if percent_of_participants(measure.unit) else "events",
        "median": "median",
    }.get(measure.parameter, "mean")
    pairs = {
        "sd": (("sd", m.spread),),
        "se": (("se", m.spread),),
        "iqr": (("q1", m.lower), ("q3", m.upper)),
        "range": (("minimum", m.lower), ("maximum", m.upper)),
        "ci": (("ci_lower", m.lower), ("ci_upper", m.upper)) if measure.level == 0.95 else (),
    }.get(measure.dispersion, ())
    if name == "events":
        pairs = ()
    made = {name: m.value, **dict(pairs)}
    return {key: figure for key, figure in made.items() if figure is not None and figure.number is not None}


def _total(group_id: str, denominators: Sequence[Denominator]) -> Figure | None:
    for denominator in denominators:
        if denominator.group_id == group_id and is_participants(denominator.units):
            return denominator.count
    return None


def _impossible(numbers: dict[str, float | None]) -> str:
    """What cannot be so in one arm."""
    total, events, percent = numbers.get("total") or 0.0, numbers.get("events"), numbers.get("percent")
    if events is not None and (events < 0 or events > total or events != int(events)):
        return f"{events:g} of {total:g} participants cannot be"
    if percent is not None and not 0 <= percent <= 100:
        return f"{percent:g} % of participants cannot be"
    if any((numbers.get(name) or 0.0) < 0 for name in ("sd", "se")):
        return "a spread below zero cannot be"
    for low, high in (("ci_lower", "ci_upper"), ("q1", "q3"), ("minimum", "maximum")):
        lower, upper = numbers.get(low), numbers.get(high)
        if lower is not None and upper is not None and lower > upper:
            return f"limits in the wrong order: {lower:g} to {upper:g}"
    return ""
