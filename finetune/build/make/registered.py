"""What a registry entry says, in the form of answers: arms, baseline characteristics, results. Pure.

ClinicalTrials.gov's words for kinds of numbers and spreads come in two spellings (API v2 and the old one); answers
have one. A number that the registry says not to exist (NA, NR) is none, and what holds one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, get_args

from model.tasks.arms import Arm, ArmType
from model.tasks.paper import NUMBER
from model.tasks.results import TrialGroup
from tools.fulltext.quotes import sentences
from tools.registry.reading import Figure, Leaf
from tools.registry.results import (
    Category,
    Dispersion,
    Group,
    Measure,
    MeasureClass,
    Measurement,
    PostedOutcome,
    PostedResults,
    is_participants,
)
from tools.registry.trial import RegisteredTrial, enum_word

__all__ = [
    "ALIKE",
    "AMBIGUOUS",
    "ASSIGNED",
    "LINK_REFUSED",
    "NOT_IN_TEXT",
    "NO_ARMS",
    "NO_NUMBER",
    "NO_RESULTS",
    "NO_VALUE",
    "SENTINEL",
    "TOO_MANY",
    "Posted",
    "PostedGroup",
    "arms_of",
    "assigned",
    "baseline_rows",
    "denominator_of",
    "described",
    "digits",
    "dispersion_of",
    "groups_of",
    "parameter_of",
    "posted_rows",
    "posted_values",
    "same_name",
    "spread_note",
    "trial_group",
    "unit_of",
]

NO_RESULTS = "no results are posted"
NO_ARMS = "no arms are registered, or one without a type"
NO_VALUE = "nothing is posted for this group"
SENTINEL = "the registry says that there is no such number (NA)"
NO_NUMBER = "what is posted is no plain number"
TOO_MANY = "more values than an answer may have, or longer ones"
ALIKE = "groups or outcomes that cannot be told apart"
LINK_REFUSED = "link refused"
NOT_IN_TEXT = "value not in the text"
AMBIGUOUS = "the number occurs several times"
"""Reasons of refusals."""

MOST_VALUES = 20
MOST_DESCRIBED = 1000

_DISPERSIONS: Mapping[Dispersion, str] = {
    "sd": "Standard Deviation",
    "se": "Standard Error",
    "iqr": "Inter-Quartile Range",
    "range": "Full Range",
    "geometric_cv": "Geometric Coefficient of Variation",
}
_SHORT: Mapping[Dispersion, str] = {"sd": "SD", "se": "SE", "iqr": "IQR", "range": "range"}


class Posted(NamedTuple):
    """One posted number in plain digits, with what stands beside it."""

    title: str
    """Class and category that it stands for; empty where there is one only."""
    value: str
    spread: str | None
    lower: str | None
    upper: str | None
    leaf: Figure

    @property
    def numbers(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(n for n in (self.value, self.spread, self.lower, self.upper) if n is not None)


class PostedGroup(NamedTuple):
    """One group's value in one row; a row without a number for it has a reason instead."""

    group: Group
    posted: Posted | str


# Words -------------------------------------------------------------------------------------------


def digits(figure: Figure) -> str | None:
    """A posted number as answers write them; None for a word, a range or a power of ten."""
    plain = figure.text.replace(",", "").replace("−", "-")
    return plain if re.fullmatch(NUMBER, plain) else None


def parameter_of(measure: Measure) -> str:
    """`Mean` and `MEAN` as MEAN; empty where nothing is said."""
    printed = measure.parameter_as_printed.text if measure.parameter_as_printed else ""
    return re.sub(r"[^A-Z0-9]+", "_", printed.upper()).strip("_")


def dispersion_of(measure: Measure) -> str:
    """The spread in the registry's label, such as `95% Confidence Interval`; empty where there is none."""
    if measure.dispersion == "ci":
        return f"{measure.level:.1%}".replace(".0%", "%") + " Confidence Interval" if measure.level else ""
    return _DISPERSIONS.get(measure.dispersion, "")


def spread_note(measure: Measure, posted: Posted) -> str:
    """What a reader must know of the numbers beside a value, as the rules write it: `SD`, `IQR 3 to 5`."""
    name = _SHORT.get(measure.dispersion) or dispersion_of(measure).replace("Confidence Interval", "CI")
    if posted.lower is not None and posted.upper is not None:
        return f"{name or 'limits'} {posted.lower} to {posted.upper}"
    return name if posted.spread is not None else ""


def unit_of(measure: Measure) -> str:
    """The unit as posted, cut to what an answer may hold."""
    return measure.unit.text[:100] if measure.unit else ""


def trial_group(group: Group) -> TrialGroup:
    """A column of results, as the task `results` names it."""
    return TrialGroup(title=group.name, description=group.description.text if group.description else "")


def groups_of(groups: Sequence[Group]) -> tuple[Group, ...]:
    """The columns that are no total; none where two of them bear one name."""
    own = tuple(group for group in groups if not group.total)
    names = [" ".join(group.name.casefold().split()) for group in own]
    return own if len(set(names)) == len(names) else ()


# Numbers -----------------------------------------------------------------------------------------


def posted_rows(measure: Measure) -> Iterator[tuple[str, tuple[PostedGroup, ...]]]:
    """Each row of a table: its class and category, and each group's value (totals left out)."""
    groups = groups_of(measure.groups)
    for held in measure.classes:
        for category in held.categories:
            parts = (held.title.text if held.title else "", category.title.text if category.title else "")
            name = ", ".join(filter(None, parts))
            yield (
                name,
                tuple(
                    PostedGroup(
                        group, _read(name, [m for m in category.measurements if m.group_id == group.id])
                    )
                    for group in groups
                ),
            )


def posted_values(measure: Measure, group: Group) -> tuple[Posted, ...] | str:
    """All that is posted for one group, or why it cannot be an answer.

    A row without a value for this group is passed over; one whose value is a word makes the whole unusable, since
    an answer without it would teach to leave things out.
    """
    rows = [
        told.posted
        for _, row in posted_rows(measure)
        for told in row
        if told.group.id == group.id and told.posted != NO_VALUE
    ]
    refused = [told for told in rows if isinstance(told, str)]
    made = [told for told in rows if isinstance(told, Posted)]
    if refused or not made:
        return refused[0] if refused else NO_VALUE
    titles = [told.title for told in made]
    if len(made) > MOST_VALUES or any(len(title) > 200 for title in titles):
        return TOO_MANY
    if len(set(titles)) < len(titles):
        return ALIKE
    # A row's name tells nothing where there is one row.
    return tuple(made) if len(made) > 1 else (made[0]._replace(title=""),)


def _read(name: str, measurements: Sequence[Measurement]) -> Posted | str:
    if len(measurements) != 1:
        return ALIKE if measurements else NO_VALUE
    one = measurements[0]
    if one.value is None:
        return NO_VALUE
    if one.value.sentinel:
        return SENTINEL
    value = digits(one.value)
    beside = [_beside(figure) for figure in (one.spread, one.lower, one.upper)]
    if value is None or "" in beside:
        return NO_NUMBER
    spread, lower, upper = beside
    return Posted(name, value, spread, lower, upper, one.value)


def _beside(figure: Figure | None) -> str | None:
    """A spread or limit; None where there is none, empty where it is no number."""
    return None if figure is None or figure.sentinel else digits(figure) or ""


def denominator_of(measure: Measure, group: Group) -> tuple[int, Leaf] | None:
    """How many participants were analysed in a group, and where that stands; None unless it is one number."""
    of_classes = [_counts(held, group) for held in measure.classes]
    held = [found for found in of_classes if found] or [_counts(measure, group)]
    found = {figure.text: figure for some in held for figure in some}
    if len(found) != 1 or (any(of_classes) and not all(of_classes)):
        return None
    figure = next(iter(found.values()))
    count = figure.number
    return (int(count), figure) if count is not None and count >= 0 and count == int(count) else None


def _counts(of: Measure | MeasureClass, group: Group) -> tuple[Figure, ...]:
    own = [d for d in of.denominators if d.group_id == group.id]
    return tuple(d.count for d in own if is_participants(d.units))


def assigned(results: PostedResults) -> Mapping[str, Figure]:
    """Group of the flow to how many started its first period; empty where one of them did not say."""
    if not results.flow:
        return {}
    started = {
        count.group_id: count.count
        for count in results.flow[0].counts
        if count.milestone.upper() == "STARTED" and count.count.number is not None
    }
    groups = [group.id for group in groups_of(results.flow_groups)]
    return {name: started[name] for name in groups} if groups and all(n in started for n in groups) else {}


ASSIGNED = "Number of participants assigned to the group"
"""As `graphs.reading` words it."""


def baseline_rows(results: PostedResults) -> Iterator[tuple[Measure, str]]:
    """Each row of each baseline measure, by its name; first how many were assigned to each group."""
    if started := assigned(results):
        held = tuple(Measurement(group_id=name, value=count) for name, count in started.items())
        yield (
            Measure(
                title=Leaf(text=ASSIGNED, path="assigned.title"),
                parameter_as_printed=Leaf(text="COUNT_OF_PARTICIPANTS", path="assigned.kind"),
                parameter="count_of_participants",
                unit=Leaf(text="participants", path="assigned.unit"),
                groups=results.flow_groups,
                classes=(MeasureClass(categories=(Category(measurements=held),)),),
            ),
            "",
        )
    for measure in results.baseline:
        for name, _ in posted_rows(measure):
            yield measure, name


# Arms --------------------------------------------------------------------------------------------


def arms_of(trial: RegisteredTrial) -> tuple[Arm, ...] | str:
    """The arms as registered, still without quotes; or why they cannot be an answer."""
    types = [enum_word(arm.type) for arm in trial.arms]
    if not types or any(word not in get_args(ArmType) for word in types):
        return NO_ARMS
    labels = [" ".join(arm.label.text.casefold().split()) for arm in trial.arms]
    if len(set(labels)) < len(labels):
        return ALIKE
    if len(labels) > MOST_VALUES or any(len(label) > 200 for label in labels):
        return TOO_MANY
    if any(len(arm.interventions) > MOST_VALUES for arm in trial.arms):
        return TOO_MANY
    return tuple(
        Arm.model_validate(
            {
                "label": arm.label.text,
                "type": word,
                "description": described(arm.description),
                "interventions": tuple(given.text[:200] for given in arm.interventions),
            }
        )
        for arm, word in zip(trial.arms, types, strict=True)
    )


def described(leaf: Leaf | None) -> str:
    """A description as an answer holds it: its first sentences, as many as fit."""
    text = leaf.text if leaf else ""
    if len(text) <= MOST_DESCRIBED:
        return text
    ends = [end for _, end in sentences(text) if end <= MOST_DESCRIBED]
    return text[: ends[-1]] if ends else ""


def same_name(outcome: PostedOutcome, others: Sequence[PostedOutcome]) -> bool:
    """Whether another outcome of the entry bears the same name and is measured at the same time."""

    def told(one: PostedOutcome) -> tuple[str, str]:
        frame = one.time_frame.text if one.time_frame else ""
        return (" ".join(one.name.casefold().split()), " ".join(frame.casefold().split()))

    return any(told(other) == told(outcome) for other in others if other.number != outcome.number)
