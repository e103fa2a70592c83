"""Posted results as values: participant flow, baseline, outcome measures, analyses, adverse events. Pure.

Ids of groups are local: `OG000` of one outcome may be another arm than `OG000` of the next, so groups are told
apart by their titles. Words of the registry are kept as printed; next to them stands what they mean, where
that is certain.

Source: https://clinicaltrials.gov/policy/results-definitions and the API's `/studies/enums`.
"""

import re
from typing import Literal

from pydantic import Field

from tools.registry.reading import Figure, Leaf
from tools.schemas import Frozen

__all__ = [
    "AdverseEvent",
    "AdverseGroup",
    "Analysis",
    "Category",
    "Denominator",
    "Dispersion",
    "FlowCount",
    "FlowPeriod",
    "Group",
    "Measure",
    "MeasureClass",
    "Measurement",
    "Parameter",
    "PostedOutcome",
    "PostedResults",
    "is_participants",
]

Parameter = Literal[
    "mean", "ls_mean", "geometric_mean", "geometric_ls_mean", "log_mean", "median", "number",
    "count_of_participants", "count_of_units", "unknown",
]  # fmt: skip
Dispersion = Literal["sd", "se", "iqr", "range", "ci", "geometric_cv", "none", "unknown"]


class Group(Frozen):
    """One column of a table of results."""

    id: str = Field(description="Valid in its own table only.")
    title: Leaf | None = None
    description: Leaf | None = None
    total: bool = Field(default=False, description="The sum of the other columns, not an arm.")

    @property
    def name(self) -> str:
        """Its title; its id where it has none."""
        return self.title.text if self.title else self.id


class Denominator(Frozen):
    """How many were analysed in one group, in one unit."""

    units: Leaf | None
    group_id: str
    count: Figure


class Measurement(Frozen):
    """What stands in one field of a table."""

    group_id: str
    value: Figure | None = None
    spread: Figure | None = None
    lower: Figure | None = None
    upper: Figure | None = None
    comment: Leaf | None = None


class Category(Frozen):
    """One row of a class; often without a title."""

    title: Leaf | None = None
    measurements: tuple[Measurement, ...] = ()


class MeasureClass(Frozen):
    """A block of rows, such as one time point; often the only one and without a title."""

    title: Leaf | None = None
    denominators: tuple[Denominator, ...] = Field(default=(), description="They hold instead of the table's.")
    categories: tuple[Category, ...] = ()


class Measure(Frozen):
    """One table: groups are its columns, classes and categories its rows."""

    title: Leaf | None = None
    description: Leaf | None = None
    population: Leaf | None = None
    parameter_as_printed: Leaf | None = None
    parameter: Parameter = "unknown"
    dispersion_as_printed: Leaf | None = None
    dispersion: Dispersion = "none"
    level: float | None = Field(default=None, description="Of an interval, such as 0.95.")
    unit: Leaf | None = None
    denominator_units: Leaf | None = Field(default=None, description="What was counted, if not participants.")
    groups: tuple[Group, ...] = ()
    denominators: tuple[Denominator, ...] = ()
    classes: tuple[MeasureClass, ...] = ()


class Analysis(Frozen):
    """One statistical analysis between groups, as printed. `param` is free text."""

    group_ids: tuple[str, ...] = ()
    description: Leaf | None = None
    method: Leaf | None = None
    p_value: Leaf | None = None
    p_comment: Leaf | None = None
    param: Leaf | None = None
    value: Figure | None = None
    lower: Figure | None = None
    upper: Figure | None = None
    ci_percent: Figure | None = None
    ci_sides: Leaf | None = None
    dispersion_as_printed: Leaf | None = None
    dispersion: Dispersion = "none"
    dispersion_value: Figure | None = None
    comment: Leaf | None = None
    hypothesis: Leaf | None = Field(default=None, description="Such as SUPERIORITY or NON_INFERIORITY.")


class PostedOutcome(Measure):
    """One outcome measure with its results, or with the word that they are not posted yet."""

    number: int = Field(ge=1, description="Its place in the entry, from 1.")
    type: Leaf | None = Field(default=None, description="PRIMARY, SECONDARY, OTHER_PRE_SPECIFIED, POST_HOC.")
    time_frame: Leaf | None = None
    reporting: Leaf | None = Field(default=None, description="POSTED or NOT_POSTED.")
    analyses: tuple[Analysis, ...] = ()

    @property
    def name(self) -> str:
        """Its title; its number where it has none."""
        return self.title.text if self.title else f"outcome {self.number}"


class FlowCount(Frozen):
    """How many of one group reached one milestone."""

    milestone: str = Field(description="STARTED, COMPLETED, NOT COMPLETED or free text.")
    group_id: str
    count: Figure


class FlowPeriod(Frozen):
    """One period of the trial with its milestones."""

    title: Leaf | None = None
    counts: tuple[FlowCount, ...] = ()
    withdrawals: tuple[FlowCount, ...] = Field(default=(), description="`milestone` is the reason.")


class AdverseGroup(Group):
    """Participants with events of one kind, and participants at risk of it."""

    deaths: Figure | None = None
    deaths_at_risk: Figure | None = None
    serious: Figure | None = None
    serious_at_risk: Figure | None = None
    other: Figure | None = None
    other_at_risk: Figure | None = None


class AdverseEvent(Frozen):
    """One term in one group."""

    term: Leaf
    organ_system: Leaf | None = None
    serious: bool
    group_id: str
    affected: Figure | None = None
    at_risk: Figure | None = None
    events: Figure | None = None


class PostedResults(Frozen):
    """All that is posted."""

    flow_groups: tuple[Group, ...] = ()
    flow: tuple[FlowPeriod, ...] = ()
    baseline_groups: tuple[Group, ...] = ()
    baseline_denominators: tuple[Denominator, ...] = ()
    baseline: tuple[Measure, ...] = ()
    outcomes: tuple[PostedOutcome, ...] = ()
    adverse_time_frame: Leaf | None = None
    adverse_threshold: Leaf | None = Field(default=None, description="Percent; rarer events are not listed.")
    adverse_groups: tuple[AdverseGroup, ...] = ()
    adverse_events: tuple[AdverseEvent, ...] = ()


def is_participants(units: Leaf | None) -> bool:
    """Whether a denominator counts people. Unsaid means participants, as the registry's default is."""
    return units is None or re.fullmatch(r"(?i)participants?|subjects?|patients?", units.text) is not None
