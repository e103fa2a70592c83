"""All values of an entry that can fill an extraction form, each with its place in the entry's text. Pure.

A `RegistryValue` says nothing about a form of ours: what it is, of which arm, outcome and time point, how it is
printed, and where it stands, so that it can be quoted like a value of a paper.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from tools.registry.adverse import adverse_rows
from tools.registry.arms import match_groups
from tools.registry.estimates import PostedEstimate, estimates
from tools.registry.reading import Leaf
from tools.registry.text import Written, write
from tools.registry.trial import RegisteredTrial
from tools.registry.values import PostedRow, measured, outcome_rows
from tools.schemas import Frozen

__all__ = ["RegistryField", "RegistryValue", "cells"]

RegistryField = Literal[
    "design", "enrolled", "arm", "intervention", "eligibility", "planned_outcome", "started", "completed",
    "baseline", "outcome", "estimate", "adverse_event",
]  # fmt: skip


class RegistryValue(Frozen):
    """One value of an entry: `value_text == canonical[start:end]` of the entry's full text."""

    report_id: str
    field: RegistryField
    arm: str = Field(default="", description="As posted; the groups of an estimate joined by ` | `.")
    registered_arm: str | None = Field(default=None, description="The arm of the plan, where it is clear.")
    outcome: str = Field(default="", description="With class and category; for a plan its kind.")
    time_point: str = ""
    statistic: str = Field(default="", description="As `tools.synthesis.values.Statistic`; empty for words.")
    value_text: str
    unit: str = ""
    start: int
    end: int
    path: str = Field(description="In the registry's JSON.")
    note: str = ""


def cells(
    trial: RegisteredTrial, report_id: str = "", *, terms: bool = False, written: Written | None = None
) -> tuple[RegistryValue, ...]:
    """All values, in the order of the entry.

    Args:
        trial: the entry.
        report_id: id of the report in the review; `ctgov:<number>` where none is given.
        terms: every adverse event by its name as well, not only deaths, serious and other events.
        written: the entry's text, where the caller has it already.
    """
    page = written or write(trial, report_id=report_id)
    maker = _Maker(page)
    made = [*_planned(maker, trial), *_flow(maker, trial)]
    if trial.results is not None:
        rows = (row for measure in trial.results.baseline for row in measured(trial, measure))
        made += _rows(maker, "baseline", rows)
        for outcome in trial.results.outcomes:
            made += _rows(maker, "outcome", outcome_rows(trial, outcome))
            made += _estimates(maker, estimates(trial, outcome))
        made += _rows(maker, "adverse_event", adverse_rows(trial, terms=terms))
    return tuple(made)


class _Maker:
    """Makes values of leaves."""

    def __init__(self, page: Written) -> None:
        self._page = page

    def value(self, field: RegistryField, leaf: Leaf | None, **told: str | None) -> Iterator[RegistryValue]:
        """The value of a leaf; nothing where there is none."""
        if leaf is not None:
            start, end = self._page.spans[leaf.path]
            yield RegistryValue(
                report_id=self._page.text.report_id,
                field=field,
                value_text=leaf.text,
                start=start,
                end=end,
                path=leaf.path,
                **told,
            )


def _planned(maker: _Maker, trial: RegisteredTrial) -> Iterator[RegistryValue]:
    for name, leaf in (
        ("study type", trial.study_type),
        ("allocation", trial.allocation),
        ("intervention model", trial.intervention_model),
        ("masking", trial.masking),
    ):
        yield from maker.value("design", leaf, outcome=name)
    kind = trial.enrollment_type.text.lower() if trial.enrollment_type else "actual or planned is not said"
    yield from maker.value("enrolled", trial.enrollment, statistic="total", unit="participants", note=kind)
    yield from maker.value("eligibility", trial.eligibility)
    for arm in trial.arms:
        label = arm.label.text
        told = (("label", arm.label), ("type", arm.type), ("description", arm.description))
        for name, leaf in told:
            yield from maker.value("arm", leaf, arm=label, registered_arm=label, outcome=name)
        for leaf in arm.interventions:
            yield from maker.value("intervention", leaf, arm=label, registered_arm=label)
    for outcome in trial.outcomes:
        frame = outcome.time_frame.text if outcome.time_frame else ""
        yield from maker.value("planned_outcome", outcome.measure, outcome=outcome.kind, time_point=frame)


def _flow(maker: _Maker, trial: RegisteredTrial) -> Iterator[RegistryValue]:
    """Started and completed, of each group in each period."""
    if trial.results is None:
        return
    matches = {m.group: m.arm for m in match_groups(trial, trial.results.flow_groups)}
    names = {group.id: group.name for group in trial.results.flow_groups if not group.total}
    steps: dict[str, RegistryField] = {"STARTED": "started", "COMPLETED": "completed"}
    for period in trial.results.flow:
        for count in period.counts:
            field, name = steps.get(count.milestone.upper()), names.get(count.group_id)
            if field and name:
                yield from maker.value(
                    field,
                    count.count,
                    arm=name,
                    registered_arm=matches.get(name),
                    time_point=period.title.text if period.title else "",
                    statistic="total",
                    unit="participants",
                )


def _rows(maker: _Maker, field: RegistryField, rows: Iterable[PostedRow]) -> Iterator[RegistryValue]:
    for row in rows:
        for arm in row.arms:
            for statistic, leaf in arm.leaves:
                yield from maker.value(
                    field,
                    leaf,
                    arm=arm.data.arm,
                    registered_arm=arm.match.arm,
                    outcome=row.label,
                    time_point=row.time_frame,
                    statistic=statistic,
                    unit="participants" if statistic in ("total", "events") else row.unit,
                    note="; ".join(filter(None, (*row.notes, arm.note))),
                )


def _estimates(maker: _Maker, found: Iterable[PostedEstimate]) -> Iterator[RegistryValue]:
    for estimate in found:
        direction = f"{estimate.direction[0]} against {estimate.direction[1]}" if estimate.direction else ""
        for statistic, leaf in estimate.leaves:
            yield from maker.value(
                "estimate",
                leaf,
                arm=" | ".join(estimate.groups),
                outcome=estimate.outcome,
                time_point=estimate.time_frame,
                statistic=statistic,
                unit=estimate.measure or estimate.measure_text,
                note="; ".join(filter(None, (direction or "direction not said", *estimate.notes))),
            )
