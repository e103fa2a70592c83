"""The same number in paper and registry: equal as far as both print decimals, or different. Pure.

A number is compared only where outcome, arm, time and row are all clear on both sides; the rest is silent. Two
differences have names of their own, because they turn an analysis around: another sign, and a standard error
where the other side has a standard deviation (SD = SE × √n; Cochrane Handbook 6.5.2.2).
"""

import math
from collections.abc import Iterator, Sequence

from tools.registry.adverse import adverse_rows
from tools.registry.arms import ArmName, group_names, match_arms
from tools.registry.differences import Difference, PaperReport, PaperValue, Side, side_of
from tools.registry.matching import AskedOutcome, alike, match_outcome, same_time
from tools.registry.reading import Leaf
from tools.registry.results import PostedOutcome
from tools.registry.text import Written, write
from tools.registry.trial import RegisteredTrial
from tools.registry.values import PostedArm, PostedRow, measured, outcome_rows

__all__ = ["different_numbers"]

SAME_ROW = 0.6


def different_numbers(
    trial: RegisteredTrial, paper: PaperReport, written: Written | None = None
) -> tuple[Difference, ...]:
    """Numbers of the paper that the registry gives otherwise, and numbers of the registry that cannot be."""
    if trial.results is None:
        return ()
    page = written or write(trial)
    found = list(_impossible(trial, page))
    for value in paper.values:
        posted = _posted(trial, paper, value)
        if posted is not None:
            found += _compared(value, *posted, paper, page)
    return tuple(found)


# The same place ----------------------------------------------------------------------------------


def _posted(
    trial: RegisteredTrial, paper: PaperReport, value: PaperValue
) -> tuple[PostedRow, PostedArm] | None:
    """The row and group of the registry that the value belongs to; None unless both are clear."""
    assert trial.results is not None
    asked = AskedOutcome(title=value.outcome, time_points=(value.time_point,) if value.time_point else ())
    found = match_outcome(asked, trial)
    if found.decision != "clear":
        return None
    outcome = next(o for o in trial.results.outcomes if o.number == found.candidates[0].number)
    row = _row(value, outcome_rows(trial, outcome))
    arm = _arm(paper, value, outcome, row) if row else None
    return (row, arm) if row and arm else None


def _row(value: PaperValue, rows: Sequence[PostedRow]) -> PostedRow | None:
    """The only row, or the only one whose class and category fit outcome and time."""
    if len(rows) == 1:
        return rows[0]
    fitting = []
    for row in rows:
        label = f"{row.class_title} {row.category_title}"
        time = same_time(value.time_point, label)
        if time or (time is None and alike(label, value.outcome) >= SAME_ROW):
            fitting.append(row)
    return fitting[0] if len(fitting) == 1 else None


def _arm(paper: PaperReport, value: PaperValue, outcome: PostedOutcome, row: PostedRow) -> PostedArm | None:
    """The group that is the paper's arm: of all arms of the paper, so that none is given twice."""
    names = paper.arms or tuple(dict.fromkeys(ArmName(name=v.arm) for v in paper.values))
    matches = match_arms(names, group_names(outcome.groups))
    chosen = next((m.arm for m in matches if m.group == value.arm), None)
    arms = [arm for arm in row.arms if arm.data.arm == chosen]
    return arms[0] if len(arms) == 1 else None


# Comparison --------------------------------------------------------------------------------------


def _compared(
    value: PaperValue, row: PostedRow, arm: PostedArm, paper: PaperReport, page: Written
) -> Iterator[Difference]:
    printed = dict(arm.leaves)
    there, theirs = printed.get(value.statistic), getattr(arm.data, value.statistic, None)
    if there is not None and theirs is not None:
        if not _equal(value, theirs, there):
            opposite = theirs == -value.value and theirs != 0
            yield _difference(
                "opposite-sign" if opposite else "different-number",
                f"{row.label}, {value.arm}: the paper gives {value.statistic} {_shown(value)}, the registry "
                f"{there.text}{': the signs are opposite' if opposite else ''}.",
                value, there, paper, page,
            )  # fmt: skip
    elif value.statistic in ("sd", "se"):
        yield from _spread(value, row, arm, printed, paper, page)
    elif value.statistic in ("events", "percent"):
        yield from _share(value, row, arm, printed, paper, page)


def _spread(
    value: PaperValue,
    row: PostedRow,
    arm: PostedArm,
    printed: dict[str, Leaf],
    paper: PaperReport,
    page: Written,
) -> Iterator[Difference]:
    """The paper has one kind of spread, the registry the other."""
    other = "se" if value.statistic == "sd" else "sd"
    there, theirs, n = printed.get(other), getattr(arm.data, other), arm.data.total
    if there is None or theirs is None or not n or n < 2:
        return
    factor = math.sqrt(n)
    same = theirs * factor if value.statistic == "sd" else theirs / factor
    if _equal(value, theirs, there):
        yield _difference(
            "sd-or-se",
            f"{row.label}, {value.arm}: the paper calls {_shown(value)} {value.statistic.upper()}, the registry "
            f"calls it {other.upper()}; with {n:g} participants that is a factor of {factor:.1f}.",
            value, there, paper, page,
        )  # fmt: skip
    elif abs(same - value.value) > 0.15 * max(abs(same), abs(value.value)):
        yield _difference(
            "different-spread",
            f"{row.label}, {value.arm}: the paper gives {value.statistic} {_shown(value)}; the registry's {other} "
            f"{there.text} of {n:g} participants would be {value.statistic} {same:.3g}.",
            value, there, paper, page,
        )  # fmt: skip


def _share(
    value: PaperValue,
    row: PostedRow,
    arm: PostedArm,
    printed: dict[str, Leaf],
    paper: PaperReport,
    page: Written,
) -> Iterator[Difference]:
    """The paper has events, the registry percent, or the reverse: more than one participant apart."""
    other = "percent" if value.statistic == "events" else "events"
    there, theirs, n = printed.get(other), getattr(arm.data, other), arm.data.total
    if there is None or theirs is None or not n:
        return
    same = theirs * n / 100 if value.statistic == "events" else 100 * theirs / n
    if abs(same - value.value) > (1 if value.statistic == "events" else 100 / n):
        yield _difference(
            "different-share",
            f"{row.label}, {value.arm}: the paper gives {value.statistic} {_shown(value)}; the registry's {other} "
            f"{there.text} of {n:g} participants would be {value.statistic} {same:.3g}.",
            value, there, paper, page,
        )  # fmt: skip


def _impossible(trial: RegisteredTrial, page: Written) -> Iterator[Difference]:
    """What the registry itself posts and cannot be."""
    assert trial.results is not None
    rows = [row for measure in trial.results.baseline for row in measured(trial, measure)]
    rows += [row for outcome in trial.results.outcomes for row in outcome_rows(trial, outcome)]
    for row in (*rows, *adverse_rows(trial)):
        for left in row.left:
            if left.leaf is not None and left.impossible:
                yield Difference(
                    rule="registry-impossible",
                    severity="error",
                    message=f"The registry posts for {row.label}, {left.group}: {left.why}.",
                    arms=(left.group,),
                    registry=side_of(page, left.leaf),
                )


def _equal(value: PaperValue, theirs: float, there: Leaf) -> bool:
    """Equal when both are rounded to the fewer decimals that either prints."""
    decimals = min(_decimals(_shown(value)), _decimals(there.text))
    return abs(value.value - theirs) <= 0.5 * 10.0**-decimals * 1.0001


def _decimals(text: str) -> int:
    return len(text.partition(".")[2].rstrip("%) ")) if "." in text else 0


def _shown(value: PaperValue) -> str:
    return value.value_text or f"{value.value:g}"


def _difference(
    rule: str, message: str, value: PaperValue, there: Leaf, paper: PaperReport, page: Written
) -> Difference:
    return Difference(
        rule=rule,
        severity="warning",
        message=message,
        arms=(value.arm,),
        statistics=(value.statistic,),
        registry=side_of(page, there),
        paper=Side(report_id=paper.report_id, says=f"{value.statistic} {_shown(value)}", quote=value.quote),
    )
