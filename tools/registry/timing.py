"""What the dates and the status of an entry give away: stopped early, registered late, never published. Pure.

Dates may lack day or month. Of such a date always that end counts which makes a finding less likely, so that
only certain cases are listed.
"""

import calendar
from collections.abc import Iterable
from datetime import date

from tools.registry.differences import Difference, side_of
from tools.registry.reading import DatePoint
from tools.registry.text import Written, write
from tools.registry.trial import RegisteredTrial, enum_word

__all__ = ["early_termination", "retrospective", "unpublished"]

MONTHS_TO_POST = 12
"""So long after its primary completion a trial that falls under 42 CFR 11.44 has time to post results. Counted
here from the completion of the whole trial where that is known, which is later."""

ENDED = ("COMPLETED", "TERMINATED")


def early_termination(trial: RegisteredTrial, written: Written | None = None) -> tuple[Difference, ...]:
    """A trial that was stopped, suspended or withdrawn, with the reason that the entry gives."""
    if trial.status is None or enum_word(trial.status) not in ("TERMINATED", "SUSPENDED", "WITHDRAWN"):
        return ()
    page = written or write(trial)
    why = f"“{trial.why_stopped.text}”" if trial.why_stopped else "no reason is given"
    withdrawn = enum_word(trial.status) == "WITHDRAWN"
    more = "Nobody was enrolled." if withdrawn else "Stopping early can exaggerate effects."
    return (
        Difference(
            rule="stopped-early",
            severity="warning",
            message=f"The trial is {trial.status.text.lower()}: {why}. {more}",
            registry=side_of(page, trial.status),
        ),
    )


def retrospective(trial: RegisteredTrial, written: Written | None = None) -> tuple[Difference, ...]:
    """A study of an intervention that began before it was registered.

    By the day of submission, or of posting where that is missing. Of a start without a day the last day of its
    month (or year) counts, so that only certain cases are listed.
    """
    registered = trial.first_submitted or trial.first_posted
    if enum_word(trial.study_type) != "INTERVENTIONAL" or trial.start is None or registered is None:
        return ()
    if trial.start.kind == "ESTIMATED" or _latest(trial.start) >= _earliest(registered):
        return ()
    page = written or write(trial)
    word = "submitted" if trial.first_submitted else "posted"
    return (
        Difference(
            rule="registered-after-start",
            severity="warning",
            message=f"The trial began on {trial.start.text} and was first {word} on {registered.text}: its "
            "outcomes may have been registered with knowledge of data.",
            registry=side_of(page, trial.start),
        ),
    )


def unpublished(
    trial: RegisteredTrial, *, as_of: str, reports: Iterable[str] = (), written: Written | None = None
) -> tuple[Difference, ...]:
    """A trial that ended and whose results are missing: everywhere, or as a paper.

    Args:
        trial: the entry.
        as_of: the day to count from, YYYY-MM-DD; there is no clock here.
        reports: papers of the trial that the review has linked. The entry's own list counts as well, without
            background references.
        written: the entry's text, where the caller has it already.

    Raises:
        ValueError: `as_of` is no date.
    """
    day = date.fromisoformat(as_of)
    papers = [*reports, *_own_papers(trial)]
    ended = trial.completion or trial.primary_completion
    if papers or ended is None or trial.status is None or enum_word(trial.status) not in ENDED:
        return ()
    posted = trial.results is not None or trial.results_first_posted is not None
    if not posted and _months_later(_latest(ended), MONTHS_TO_POST) >= day:
        return ()
    page = written or write(trial)
    what = (
        "its results are posted, but no paper is linked: the posted results may be the only report"
        if posted
        else f"more than {MONTHS_TO_POST} months before {as_of}, and neither results nor a paper are known"
    )
    return (
        Difference(
            rule="results-without-paper" if posted else "completed-unpublished",
            severity="warning",
            message=f"The trial was {trial.status.text.lower()}, its completion is {ended.text}; {what}.",
            registry=side_of(page, ended),
        ),
    )


def _own_papers(trial: RegisteredTrial) -> list[str]:
    return [
        reference.pmid.text if reference.pmid else reference.citation.text if reference.citation else ""
        for reference in trial.references
        if reference.type.upper() in ("RESULT", "DERIVED")
    ]


def _latest(point: DatePoint) -> date:
    year, month, day = _parts(point)
    month = month or 12
    return date(year, month, min(day or 31, calendar.monthrange(year, month)[1]))


def _earliest(point: DatePoint) -> date:
    year, month, day = _parts(point)
    month = month or 1
    return date(year, month, min(day or 1, calendar.monthrange(year, month)[1]))


def _parts(point: DatePoint) -> tuple[int, int, int]:
    numbers = [int(part) for part in point.text.split("-")]
    year, month, day = (*numbers, 0, 0)[:3]
    return max(1, year), month, day


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
