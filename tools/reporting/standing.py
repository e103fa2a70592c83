"""Where each record ended up, in one phrase: a partition of all records. Pure.

The phrases stand in decisions.csv, so that every number of the flow diagram is a filter over that file.
"""

from collections.abc import Collection
from typing import Literal

from tools.reporting.data import OTHER_METHODS, FinalDecision, RecordLine, ReviewData

__all__ = ["Arm", "Standing", "arms", "awaits_a_report", "in_review", "standing", "superseded_ids"]

Standing = Literal[
    "superseded",
    "seen before",
    "duplicate",
    "not screened",
    "title/abstract: no machine answer",
    "title/abstract: waiting",
    "title/abstract: excluded",
    "title/abstract: ongoing",
    "title/abstract: awaiting classification",
    "report: not sought yet",
    "report: being sought",
    "report: not retrieved",
    "full text: no machine answer",
    "full text: waiting",
    "full text: excluded",
    "full text: ongoing",
    "full text: awaiting classification",
    "full text: passed",
]
"""The last place a record reached. 'not screened' lies below the ranking cut; nobody judged it. 'seen before'
was settled by an earlier pass."""

Arm = Literal["databases and registers", "other methods"]
"""A column of the flow diagram."""


def superseded_ids(data: ReviewData) -> frozenset[str]:
    """Ids of the searches that a later search replaced."""
    return frozenset(s.search_id for s in data.searches if s.superseded)


def in_review(line: RecordLine, superseded: Collection[str]) -> bool:
    """Whether at least one search that still counts brought this record."""
    return any(search_id not in superseded for search_id in line.search_ids)


def arms(data: ReviewData) -> tuple[Arm, ...]:
    """The column of each record, in the order of `data.records`.

    A record that databases or registers found as well stands in their column, and its other finding is a
    repeat there: what other methods brought is what would have been missed without them.
    """
    other = {s.search_id for s in data.searches if s.kind in OTHER_METHODS}
    gone = superseded_ids(data)
    found: list[Arm] = []
    for line in data.records:
        counting = [s for s in line.search_ids if s not in gone] or list(line.search_ids)
        is_other = all(s in other for s in counting)
        found.append("other methods" if is_other else "databases and registers")
    return tuple(found)


def standing(line: RecordLine, superseded: Collection[str]) -> Standing:
    """The one place where this record is now."""
    if not in_review(line, superseded):
        return "superseded"
    if line.seen_before:
        return "seen before"
    if line.duplicate_of is not None:
        return "duplicate"
    if line.title_abstract is None:
        return _before_screening(line)
    match line.title_abstract.kind:
        case "excluded":
            return "title/abstract: excluded"
        case "ongoing":
            return "title/abstract: ongoing"
        case "awaiting_classification":
            return "title/abstract: awaiting classification"
        case "passed":
            return _after_screening(line)


def _before_screening(line: RecordLine) -> Standing:
    if line.prefilter is not None and not line.prefilter.kept and not line.prefilter.audit:
        return "not screened"
    return "title/abstract: no machine answer" if line.failure else "title/abstract: waiting"


def _after_screening(line: RecordLine) -> Standing:
    if line.report is None:
        return "report: not sought yet"
    if line.report.state == "sought":
        return "report: being sought"
    if line.report.state == "not_retrieved":
        return "report: not retrieved"
    if line.full_text is None:
        silent = line.full_text_failure is not None or line.report.state == "unreadable"
        return "full text: no machine answer" if silent else "full text: waiting"
    return _at_full_text(line.full_text)


def _at_full_text(decision: FinalDecision) -> Standing:
    match decision.kind:
        case "passed":
            return "full text: passed"
        case "excluded":
            return "full text: excluded"
        case "ongoing":
            return "full text: ongoing"
        case "awaiting_classification":
            return "full text: awaiting classification"


def awaits_a_report(line: RecordLine) -> bool:
    """Set aside as awaiting classification because its report could not be had (Cochrane's way)."""
    return (
        line.report is not None
        and line.report.state == "not_retrieved"
        and line.full_text is not None
        and line.full_text.kind == "awaiting_classification"
    )
