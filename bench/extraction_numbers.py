"""The numeric part of `bench.extraction`: rows of outcomes per arm, as people and as an engine read them.

The unit is the complete row: the right arm, outcome and time, with events and participants, or with mean, standard
deviation and participants. People convert where a report gives percentages, standard errors or confidence
intervals; so does the bench with what the engine read, by the same formulas (Cochrane Handbook 6.5.2), and counts
what it converted. A row is

* `exact`: every number that people read is there and right;
* `partial`: none is wrong, and some are missing (a spread that nothing calls SD or SE is missing);
* `wrong`: one of its numbers is not people's. Signs and swapped arms are counted among these, and apart;
* `unjudged`: people found the report to give no value, or not all that it would take to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose, sqrt
from typing import Any, Literal

from bench.report import Column
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.results import TASK, OutcomeMeasure, ResultsAnswer, ResultsInput, TrialGroup
from tools.errors import EngineError
from tools.extraction.numbers import percent_fits
from tools.schemas import Passage
from tools.synthesis.conversions import events_from_percent, sd_from_ci, sd_from_se
from tools.synthesis.values import Conversion

__all__ = [
    "ARMS",
    "COLUMNS",
    "ArmRow",
    "Gold",
    "Judged",
    "Verdict",
    "judge",
    "numeric_rows",
    "read_rows",
    "told_row",
    "wilson",
]

COLUMNS = (
    Column("task", "task"),
    Column("text", "rows"),
    Column("reports", "reports"),
    Column("asked", "asked"),
    Column("answered", "answered"),
    Column("coverage", "coverage"),
    Column("exact", "exact"),
    Column("partial", "partial"),
    Column("wrong", "wrong"),
    Column("wrong_of_answered", "wrong ÷ answered"),
    Column("wrong_of_answered_lower", "from"),
    Column("wrong_of_answered_upper", "to"),
    Column("wrong_reports", "reports with wrong"),
    Column("signs", "signs"),
    Column("swapped", "arms swapped"),
    Column("several", "several times"),
    Column("not_found", "not found"),
    Column("converted", "converted"),
    Column("grounded", "grounded"),
    Column("failed", "failed"),
)

ARMS = ("intervention", "comparator")
ASKED = {"binary": "Number of participants with the event", "continuous": "Mean and standard deviation"}
"""The kind of number that the form asks for, as people who fill one in know it."""

Verdict = Literal["exact", "partial", "wrong", "unjudged", "several", "not_found", "failed"]


@dataclass(frozen=True)
class Gold:
    """What people read of one arm; None where the report does not give it."""

    events: bool
    """Whether the outcome counts participants."""
    value: float | None
    spread: float | None
    size: float | None

    @property
    def complete(self) -> bool:
        """Whether it is a row that a synthesis can use."""
        return self.value is not None and self.size is not None and (self.events or self.spread is not None)


@dataclass(frozen=True)
class Judged:
    """What an engine read of one arm, in people's terms, and how it compares."""

    verdict: Verdict
    value: float | None = None
    spread: float | None = None
    size: float | None = None
    converted: bool = False
    sign: bool = False
    """Wrong by the sign alone."""
    why: str = ""


@dataclass(frozen=True)
class ArmRow:
    """One outcome in one arm, asked and answered."""

    report: str
    outcome: str
    number: int
    """Of the line in the file: both arms of one line are one comparison."""
    arm: str
    gold: Gold
    other: Gold
    """People's row of the arm it is compared with, to know swapped arms by."""
    answer: ResultsAnswer | None
    """None where the engine failed."""
    grounded: bool
    """Whether every quote stands verbatim in the report."""

    @property
    def judged(self) -> Judged:
        """See `judge`."""
        return judge(self.answer, self.gold)

    @property
    def swapped(self) -> bool:
        """Whether the wrong value is that of the other arm."""
        if self.judged.verdict != "wrong" or self.gold.value == self.other.value:
            return False
        return judge(self.answer, self.other).verdict in ("exact", "partial")

    @property
    def in_table(self) -> bool:
        """Whether it was read from a table."""
        return self.answer is not None and any(" | " in v.quote for v in self.answer.values)


def judge(answer: ResultsAnswer | None, gold: Gold) -> Judged:
    """How an answer compares with what people read."""
    if answer is None:
        return Judged("failed")
    if answer.status != "found":
        return Judged("not_found")
    if len(answer.values) > 1:
        return Judged("several")
    size = answer.denominator
    if gold.value is None:
        return Judged("unjudged", size=size)
    said, spread, converted = told_row(answer, gold.events)
    made = {"value": said, "spread": spread, "size": size, "converted": converted}
    if not _value_right(answer, said, gold):
        sign = said is not None and gold.value != 0 and isclose(said, -gold.value, rel_tol=0.006)
        return Judged("wrong", **made, sign=sign, why="value")  # type: ignore[arg-type]
    if gold.spread is not None and spread is not None and not _near(spread, gold.spread, converted):
        return Judged("wrong", **made, why="spread")  # type: ignore[arg-type]
    if gold.size is not None and size is not None and size != gold.size:
        return Judged("wrong", **made, why="size")  # type: ignore[arg-type]
    missing = (
        said is None
        or (gold.spread is not None and spread is None)
        or (gold.size is not None and size is None)
    )
    return Judged("partial" if missing else "exact", **made)  # type: ignore[arg-type]


def told_row(answer: ResultsAnswer, events: bool) -> tuple[float | None, float | None, bool]:
    """Value and standard deviation that an answer of one value gives, and whether either was converted.

    Events come from percentages and proportions (0.746 of 1,525) where one whole number alone rounds to them;
    standard deviations from standard errors and 95 % confidence intervals of means.
    """
    if not events:
        spread, converted = _deviation(answer)
        return float(answer.values[0].value), spread, converted
    share = _percentage(answer)
    if share is None:
        return float(answer.values[0].value), None, False
    if answer.denominator is None:
        return None, None, False
    made = events_from_percent(float(share), answer.denominator, share)
    return (made.value, None, True) if isinstance(made, Conversion) else (None, None, False)


def _percentage(answer: ResultsAnswer) -> str | None:
    """The printed percentage, or proportion as a percentage; None where the value counts participants."""
    printed = answer.values[0].value
    if answer.param_type == "COUNT_OF_PARTICIPANTS":
        return None
    if answer.unit == "percent":
        return printed
    if printed.lstrip("+-").isdigit() or not 0 <= float(printed) <= 1:
        return None
    digits = max(0, len(printed.partition(".")[2]) - 2)
    return f"{100 * float(printed):.{digits}f}"


def _deviation(answer: ResultsAnswer) -> tuple[float | None, bool]:
    value, size = answer.values[0], answer.denominator
    if value.spread is not None and answer.dispersion_type == "Standard Deviation":
        return float(value.spread), False
    made = None
    if value.spread is not None and answer.dispersion_type == "Standard Error":
        made = sd_from_se(float(value.spread), size)
    elif answer.dispersion_type == "95% Confidence Interval" and value.lower and value.upper:
        made = sd_from_ci(float(value.lower), float(value.upper), size)
    return (made.value, True) if isinstance(made, Conversion) else (None, False)


def _value_right(answer: ResultsAnswer, said: float | None, gold: Gold) -> bool:
    assert gold.value is not None
    share = _percentage(answer) if gold.events else None
    if share is not None:  # what people made of a percentage, or what it is a percentage of
        return not gold.size or percent_fits(round(gold.value), gold.size, share)
    assert said is not None
    return abs(said - gold.value) <= 0.006 * max(1.0, abs(gold.value))


def _near(spread: float, gold: float, converted: bool) -> bool:
    return abs(spread - gold) <= (0.03 if converted else 0.01) * max(0.1, gold)


# Asking ------------------------------------------------------------------------------------------


def read_rows(
    rows: Sequence[Mapping[str, Any]],
    passages_of: Mapping[str, tuple[str, Sequence[Passage]]],
    engine: Engine,
) -> Iterator[ArmRow]:
    """Every outcome in both arms, answered.

    Args:
        rows: lines of `numeric_outcomes`, see the data set's README.
        passages_of: PMC number to title and passages.
        engine: who answers.
    """
    for number, row in enumerate(rows):
        title, passages = passages_of[row["pmcid"]]
        for arm, other in (ARMS, ARMS[::-1]):
            asked = ResultsInput(
                report_id=row["pmcid"],
                title=title,
                passages=tuple(passages),
                outcome=OutcomeMeasure(
                    title=row["outcome"].strip(), description=ASKED.get(row["outcome_type"], "")
                ),
                group=TrialGroup(title=row[arm].strip()),
                others=(TrialGroup(title=row[other].strip()),),
            )
            answer: ResultsAnswer | None
            try:
                answer = ask(engine, Request(TASK, asked)).value
            except EngineError:
                answer = None
            yield ArmRow(
                row["pmcid"], row["outcome"].strip(), number, arm, _gold(row, arm), _gold(row, other), answer,
                answer is not None and _stands(answer, passages),
            )  # fmt: skip


def _stands(answer: ResultsAnswer, passages: Sequence[Passage]) -> bool:
    """Whether each value has a quote, verbatim in a passage, that holds it."""
    return all(v.quote and any(v.quote in p.text for p in passages) for v in answer.values)


def _gold(row: Mapping[str, Any], arm: str) -> Gold:
    events = row["outcome_type"] == "binary"
    return Gold(
        events,
        _number(row[f"{arm}_{'events' if events else 'mean'}"]),
        None if events else _number(row[f"{arm}_standard_deviation"]),
        _number(row[f"{arm}_group_size"]),
    )


def _number(written: Any) -> float | None:
    try:
        return float(str(written).replace(",", ""))
    except ValueError:
        return None


# Counting ----------------------------------------------------------------------------------------


def wilson(part: int, whole: int, z: float = 1.959964) -> tuple[float, float] | None:
    """Wilson's score interval of a proportion (1927, doi:10.1080/01621459.1927.10502953); None of nothing.

    >>> tuple(round(limit, 3) for limit in wilson(1, 10))
    (0.018, 0.404)
    """
    if not whole:
        return None
    share, spread = part / whole, z * z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def numeric_rows(found: Sequence[ArmRow]) -> list[dict[str, Any]]:
    """The lines of the table: complete rows of people, those read from tables and from sentences, and all rows."""
    complete = [row for row in found if row.gold.complete]
    return [
        _line("complete", complete),
        _line("complete, from tables", complete, [r for r in complete if r.in_table]),
        _line("complete, from sentences", complete, [r for r in complete if not r.in_table]),
        _line("any value", [row for row in found if row.gold.value is not None]),
        {
            "task": "results",
            "text": "no value by people",
            "asked": sum(row.gold.value is None for row in found),
            "answered": sum(row.judged.verdict == "unjudged" for row in found),
        },
    ]


_ANSWERED = ("exact", "partial", "wrong")


def _line(text: str, asked: Sequence[ArmRow], among: Sequence[ArmRow] | None = None) -> dict[str, Any]:
    """One line: what was asked, and what became of it among these rows. Shares are of what was asked."""
    verdicts = [(row, row.judged) for row in (asked if among is None else among)]
    answered = [(row, judged) for row, judged in verdicts if judged.verdict in _ANSWERED]
    count = {name: sum(judged.verdict == name for _, judged in verdicts) for name in _COUNTED}
    limits = wilson(count["wrong"], len(answered))
    return {
        "task": "results",
        "text": text,
        "reports": len({row.report for row in asked}),
        "asked": len(asked),
        "answered": len(answered),
        "coverage": _ratio(len(answered), len(asked)),
        "exact": _ratio(count["exact"], len(asked)),
        "partial": _ratio(count["partial"], len(asked)),
        "wrong": _ratio(count["wrong"], len(asked)),
        "wrong_of_answered": _ratio(count["wrong"], len(answered)),
        "wrong_of_answered_lower": limits[0] if limits else None,
        "wrong_of_answered_upper": limits[1] if limits else None,
        "exact_rows": count["exact"],
        "wrong_rows": count["wrong"],
        "wrong_reports": len({row.report for row, judged in answered if judged.verdict == "wrong"}),
        "wrong_values": sum(judged.why == "value" for _, judged in answered),
        "wrong_spreads": sum(judged.why == "spread" for _, judged in answered),
        "wrong_sizes": sum(judged.why == "size" for _, judged in answered),
        "signs": sum(judged.sign for _, judged in answered),
        "swapped": sum(row.swapped for row, _ in answered),
        "several": count["several"],
        "not_found": _ratio(count["not_found"] + count["several"], len(asked)) if among is None else None,
        "converted": sum(judged.converted for _, judged in answered),
        "grounded": _ratio(sum(row.grounded for row, _ in answered), len(answered)),
        "failed": count["failed"] if among is None else None,
    }


_COUNTED: tuple[Verdict, ...] = ("exact", "partial", "wrong", "several", "not_found", "failed")


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
