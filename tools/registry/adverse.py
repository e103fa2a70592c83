"""Posted adverse events as rows of participants with an event, of participants at risk. Pure.

Deaths of any cause, participants with any serious event and participants with any other event come first, then
each term. Other events rarer than the entry's own threshold are not listed there at all, so that a missing term
is no zero. Source: https://clinicaltrials.gov/policy/results-definitions (Adverse Event Information).
"""

from collections.abc import Iterator, Sequence

from tools.registry.arms import ArmMatch, match_groups
from tools.registry.reading import Figure
from tools.registry.results import AdverseGroup, Group, PostedResults
from tools.registry.trial import RegisteredTrial
from tools.registry.values import Left, PostedArm, PostedRow
from tools.synthesis.values import ArmData

__all__ = ["adverse_rows"]

DEATHS, SERIOUS, OTHER = "All-cause mortality", "Any serious adverse event", "Any other adverse event"


def adverse_rows(trial: RegisteredTrial, *, terms: bool = True) -> tuple[PostedRow, ...]:
    """Deaths, any serious event, any other event, and with `terms` each event by its name.

    A group whose counts are missing or impossible is among `left`.
    """
    results = trial.results
    if results is None or not results.adverse_groups:
        return ()
    groups = results.adverse_groups
    matches = {m.group: m for m in match_groups(trial, groups)}
    frame = results.adverse_time_frame.text if results.adverse_time_frame else ""
    summary = (
        (DEATHS, [(g, g.deaths, g.deaths_at_risk) for g in groups], ()),
        (SERIOUS, [(g, g.serious, g.serious_at_risk) for g in groups], ()),
        (OTHER, [(g, g.other, g.other_at_risk) for g in groups], tuple(_threshold(results))),
    )
    made = [_row(name, counts, groups, frame, matches, notes) for name, counts, notes in summary]
    if terms:
        made += _terms(results, groups, frame, matches)
    return tuple(row for row in made if row.arms or row.left)


def _threshold(results: PostedResults) -> Iterator[str]:
    if results.adverse_threshold and results.adverse_threshold.text not in ("0", "0.0"):
        yield f"only events in more than {results.adverse_threshold.text} % of a group are counted"


_Counts = Sequence[tuple[Group, Figure | None, Figure | None]]


def _terms(
    results: PostedResults, groups: Sequence[AdverseGroup], frame: str, matches: dict[str, ArmMatch]
) -> Iterator[PostedRow]:
    by_id = {group.id: group for group in groups}
    for path in dict.fromkeys(event.term.path for event in results.adverse_events):
        held = [event for event in results.adverse_events if event.term.path == path]
        counts = [(by_id[e.group_id], e.affected, e.at_risk) for e in held if e.group_id in by_id]
        kind = "serious" if held[0].serious else "other"
        yield _row(f"{held[0].term.text} ({kind} adverse event)", counts, groups, frame, matches, ())


def _row(
    name: str,
    counts: _Counts,
    groups: Sequence[Group],
    frame: str,
    matches: dict[str, ArmMatch],
    notes: tuple[str, ...],
) -> PostedRow:
    arms: list[PostedArm] = []
    left: list[Left] = []
    for group, affected, at_risk in counts:
        if group.total or (affected is None and at_risk is None):
            continue
        same = sum(other.id == group.id for other in groups)
        if why := f"two groups have the id {group.id}" if same > 1 else _missing(affected, at_risk):
            left.append(Left(group=group.name, why=why, leaf=affected))
            continue
        assert affected is not None and at_risk is not None  # noqa: PT018 - `_missing` says so
        events, total = affected.number or 0.0, at_risk.number or 0.0
        if not 0 <= events <= total:
            said = f"{events:g} of {total:g} participants cannot be"
            left.append(Left(group=group.name, why=said, leaf=affected, impossible=True))
            continue
        arms.append(
            PostedArm(
                data=ArmData(arm=group.name, events=events, total=total),
                group_id=group.id,
                match=matches[group.name],
                leaves=(("events", affected), ("total", at_risk)),
            )
        )
    return PostedRow(
        outcome=name,
        number=0,
        time_frame=frame,
        unit="Participants",
        arms=tuple(arms),
        left=tuple(left),
        notes=notes,
    )


def _missing(affected: Figure | None, at_risk: Figure | None) -> str:
    if affected is None or affected.number is None:
        return "nobody says how many were affected"
    if at_risk is None or at_risk.number is None:
        return "nobody says how many were at risk"
    return "" if at_risk.number else "nobody was at risk"
