"""Differences between a trial's registry entry and its paper, each with what both sides say. Pure.

Every difference is a suggestion for a person: entries are often updated late, papers shorten names, and a
difference can have honest reasons as well (Cochrane Handbook, chapter 7, on selective reporting). Numbers are
compared in `tools.registry.numbers`, dates in `tools.registry.timing`.
"""

from collections.abc import Iterator, Sequence

from tools.registry.differences import Difference, PaperOutcome, PaperReport, Side, side_of
from tools.registry.matching import AskedOutcome, OutcomeMatch, alike, match_outcome, same_time
from tools.registry.numbers import different_numbers
from tools.registry.reading import Leaf
from tools.registry.text import Written, write
from tools.registry.timing import early_termination, retrospective
from tools.registry.trial import RegisteredOutcome, RegisteredTrial, enum_word

__all__ = ["compare", "outcome_switching", "sample_size"]

SAME, POSSIBLY_SAME = 0.6, 0.4
"""From which likeness of names two outcomes count as the same, and from which the nearest is worth telling."""


def compare(
    trial: RegisteredTrial, paper: PaperReport, written: Written | None = None
) -> tuple[Difference, ...]:
    """All differences between an entry and one paper of the trial, and what the entry alone gives away."""
    page = written or write(trial)
    return (
        *outcome_switching(trial, paper, page),
        *sample_size(trial, paper, page),
        *different_numbers(trial, paper, page),
        *early_termination(trial, page),
        *retrospective(trial, page),
    )


# Outcomes ----------------------------------------------------------------------------------------


def outcome_switching(
    trial: RegisteredTrial, paper: PaperReport, written: Written | None = None
) -> tuple[Difference, ...]:
    """Primary outcomes that changed their place, their time or are missing on one side.

    Nothing is said where the paper's outcomes were not extracted. A paper's outcome whose kind is not known
    counts as reported, never as demoted.
    """
    if not paper.outcomes:
        return ()
    page = written or write(trial)
    return (*_from_plan(trial, paper, page), *_from_paper(trial, paper, page))


def _from_plan(trial: RegisteredTrial, paper: PaperReport, page: Written) -> Iterator[Difference]:
    for planned in (outcome for outcome in trial.outcomes if outcome.kind == "primary"):
        here = side_of(page, planned.measure, f"primary outcome: {_named(planned)}")
        scored = [(_likeness(other, planned), other) for other in paper.outcomes]
        same = [other for score, other in scored if score >= SAME]
        if not same:
            score, nearest = max(scored, key=lambda pair: pair[0])
            yield Difference(
                rule="registered-primary-not-reported",
                severity="warning",
                message=f"The registered primary outcome “{planned.measure.text}” was not found among the "
                f"{len(paper.outcomes)} outcomes taken from the paper{_near(score, nearest.name)}; check whether "
                "it is reported.",
                registry=here,
                paper=_paper_side(paper, nearest) if score >= POSSIBLY_SAME else None,
            )
            continue
        kinds = {other.kind for other in same}
        if kinds and kinds <= {"secondary", "other"}:
            yield _between(
                "primary-demoted",
                f"“{planned.measure.text}” is registered as primary; the paper calls “{same[0].name}” "
                f"{same[0].kind}.",
                here,
                paper,
                same[0],
            )
        yield from _time_changed(planned, same, paper, here)


def _time_changed(
    planned: RegisteredOutcome, same: Sequence[PaperOutcome], paper: PaperReport, here: Side
) -> Iterator[Difference]:
    frame = planned.time_frame.text if planned.time_frame else ""
    agreed = [same_time(frame, f"{other.time_point} ; {other.name}") for other in same]
    if agreed and all(agree is False for agree in agreed):
        yield _between(
            "time-frame-changed",
            f"“{planned.measure.text}” is registered for {frame}; the paper reports it at "
            f"{same[0].time_point or same[0].name}.",
            here,
            paper,
            same[0],
        )


def _from_paper(trial: RegisteredTrial, paper: PaperReport, page: Written) -> Iterator[Difference]:
    for reported in (outcome for outcome in paper.outcomes if outcome.kind == "primary"):
        asked = AskedOutcome(title=reported.name)
        found = match_outcome(asked, trial, among="registered").candidates
        near = [match for match in found if match.words >= SAME]
        if not near:
            nearest = _near(found[0].words, found[0].title) if found else ""
            yield Difference(
                rule="reported-primary-not-registered",
                severity="warning",
                message=f"The paper's primary outcome “{reported.name}” was not found among the "
                f"{len(trial.outcomes)} registered outcomes{nearest}; it may have been added or renamed.",
                registry=_plan_side(trial, page),
                paper=_paper_side(paper, reported),
            )
        elif all(match.kind != "primary" for match in near):
            yield _between(
                "secondary-promoted",
                f"The paper's primary outcome “{reported.name}” is registered as {near[0].kind}: "
                f"“{near[0].title}”.",
                side_of(page, _planned(trial, near[0]).measure),
                paper,
                reported,
            )


def _near(score: float, name: str) -> str:
    return f" (nearest: “{name}”)" if score >= POSSIBLY_SAME else ""


def _likeness(reported: PaperOutcome, planned: RegisteredOutcome) -> float:
    more = planned.description.text if planned.description else ""
    there = alike(planned.measure.text, reported.name)
    return max(alike(reported.name, planned.measure.text, more), there)


def _planned(trial: RegisteredTrial, match: OutcomeMatch) -> RegisteredOutcome:
    return trial.outcomes[match.number - 1]


def _plan_side(trial: RegisteredTrial, page: Written) -> Side:
    primary = [o.measure for o in trial.outcomes if o.kind == "primary"]
    says = "primary outcomes: " + ("; ".join(leaf.text for leaf in primary) or "none registered")
    if primary:
        return side_of(page, primary[0], says)
    return Side(report_id=page.text.report_id, says=says, path="protocolSection.outcomesModule")


def _named(planned: RegisteredOutcome) -> str:
    return planned.measure.text + (f" [{planned.time_frame.text}]" if planned.time_frame else "")


# Numbers of participants -------------------------------------------------------------------------


def sample_size(
    trial: RegisteredTrial, paper: PaperReport, written: Written | None = None
) -> tuple[Difference, ...]:
    """The paper's number of participants against enrolment, and against those who started.

    An actual enrolment that differs at all is listed, a planned one only by more than a tenth. Where people
    are counted in more than one group (crossover and factorial designs), starters are not added up.
    """
    page = written or write(trial)
    return tuple(_sizes(trial, paper, page))


def _sizes(trial: RegisteredTrial, paper: PaperReport, page: Written) -> Iterator[Difference]:
    enrolled, started = trial.enrollment, _started(trial)
    if enrolled is not None and enrolled.number is not None and paper.sample_size is not None:
        planned = enum_word(trial.enrollment_type) != "ACTUAL"
        gap = abs(enrolled.number - paper.sample_size)
        if gap > (0.1 * enrolled.number if planned else 0):
            word = "planned" if planned else "actual"
            yield Difference(
                rule="sample-size",
                severity="warning",
                message=f"The registry gives {enrolled.text} participants ({word} enrolment), the paper "
                f"{paper.sample_size}.",
                statistics=("total",),
                registry=side_of(page, enrolled),
                paper=_size_side(paper),
            )
    if started is None:
        return
    leaf, total = started
    said = f"{total:g} participants started, over all groups of the first period"
    if paper.sample_size is not None and total != paper.sample_size:
        yield Difference(
            rule="sample-size-flow",
            severity="warning",
            message=f"In the registry {said}; the paper gives {paper.sample_size}.",
            statistics=("total",),
            registry=side_of(page, leaf, said),
            paper=_size_side(paper),
        )
    actual = enrolled if enum_word(trial.enrollment_type) == "ACTUAL" else None
    if actual is not None and actual.number is not None and total != actual.number:
        yield Difference(
            rule="registry-enrolment-flow",
            severity="warning",
            message=f"In the registry {said}, but {actual.text} were enrolled.",
            statistics=("total",),
            registry=side_of(page, leaf, said),
        )


def _started(trial: RegisteredTrial) -> tuple[Leaf, float] | None:
    """The first count and the sum of those who started the first period, where each is in one group only."""
    results = trial.results
    if results is None or not results.flow or trial.design in ("crossover", "factorial"):
        return None
    totals = {group.id for group in results.flow_groups if group.total}
    counts = [
        c.count
        for c in results.flow[0].counts
        if c.milestone.upper() == "STARTED" and c.group_id not in totals
    ]
    numbers = [count.number for count in counts if count.number is not None]
    if not counts or len(numbers) != len(counts):
        return None
    return counts[0], sum(numbers)


# Sides -------------------------------------------------------------------------------------------


def _between(rule: str, message: str, here: Side, paper: PaperReport, reported: PaperOutcome) -> Difference:
    return Difference(
        rule=rule, severity="warning", message=message, registry=here, paper=_paper_side(paper, reported)
    )


def _paper_side(paper: PaperReport, reported: PaperOutcome) -> Side:
    kind = f"{reported.kind} outcome: " if reported.kind else ""
    time = f" [{reported.time_point}]" if reported.time_point else ""
    return Side(report_id=paper.report_id, says=f"{kind}{reported.name}{time}", quote=reported.quote)


def _size_side(paper: PaperReport) -> Side:
    return Side(report_id=paper.report_id, says=str(paper.sample_size), quote=paper.sample_quote)
