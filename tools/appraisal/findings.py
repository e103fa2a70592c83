"""A summary of findings before it is drawn: one line per outcome, and the words of every cell with its footnotes. Pure.

What the columns hold is the Cochrane Handbook's (14.1); the words are ours. Nothing is filled in: what is not known is
said to be not known.
"""

import re

from pydantic import Field

from tools.appraisal.absolute import AbsoluteEffect, AssumedRisk, absolute_effect
from tools.appraisal.grade import WORDS, Rating
from tools.errors import ConfigError
from tools.schemas import Frozen
from tools.synthesis.pooling import natural
from tools.synthesis.values import RATIOS, Pooled

__all__ = ["CellText", "FindingsTable", "LaidOut", "OutcomeLine", "RowText", "lay_out"]

UNKNOWN = "not known"
NOT_RATED = "not rated"


class OutcomeLine(Frozen):
    """One outcome of the table."""

    outcome: str = Field(min_length=1)
    follow_up: str = ""
    pooled: Pooled | None = Field(description="None: not pooled; `narrative` then says what was found.")
    narrative: str = ""
    assumed: AssumedRisk | None = Field(default=None, description="For OR, RR, RD and HR.")
    control_mean: str = Field(default="", description="For MD and SMD, in words: `between 12 and 15 points`.")
    unit: str = Field(default="", description="Of a mean difference, or of `sd`.")
    sd: float | None = Field(
        default=None, gt=0, description="On a known scale: turns an SMD into that scale's units."
    )
    participants: int | None = Field(default=None, ge=0)
    studies: int = Field(ge=0)
    rating: Rating | None = Field(default=None, description="None: nobody has rated it.")
    comments: str = ""


class FindingsTable(Frozen):
    """A comparison with its outcomes."""

    title: str = Field(min_length=1)
    population: str = ""
    setting: str = ""
    intervention: str = Field(min_length=1)
    comparison: str = Field(min_length=1)
    lines: tuple[OutcomeLine, ...] = Field(min_length=1)


class CellText(Frozen):
    """What stands in a cell, and the letters of its footnotes."""

    text: str
    marks: tuple[str, ...] = ()


class RowText(Frozen):
    """One row; the names are the columns'."""

    outcome: CellText
    control: CellText
    intervention: CellText
    relative: CellText
    evidence: CellText
    certainty: CellText
    comments: CellText

    @property
    def cells(self) -> tuple[CellText, ...]:
        """From left to right."""
        return (
            self.outcome, self.control, self.intervention, self.relative, self.evidence, self.certainty, self.comments,
        )  # fmt: skip


class LaidOut(Frozen):
    """The whole table in words."""

    headers: tuple[str, ...]
    rows: tuple[RowText, ...]
    footnotes: tuple[tuple[str, str], ...] = Field(description="Letter and text, in the order of their use.")


class _Footnotes:
    """Hands out letters: the same text has the same letter everywhere."""

    def __init__(self) -> None:
        self.letters: dict[str, str] = {}

    def mark(self, text: str) -> str:
        """The letter of a footnote."""
        return self.letters.setdefault(text, _letter(len(self.letters)))


def _letter(number: int) -> str:
    """0: a, 25: z, 26: aa."""
    before, last = divmod(number, 26)
    return (_letter(before - 1) if before else "") + chr(ord("a") + last)


def lay_out(table: FindingsTable) -> LaidOut:
    """The words of every cell.

    Raises:
        ConfigError: an outcome has neither a pooled effect nor words for what was found, its assumed risk does not fit
            its measure, or the outcomes are pooled at different levels of confidence.
    """
    interval = _interval_words(table)
    notes = _Footnotes()
    rows = tuple(_row(line, interval, notes) for line in table.lines)
    headers = (
        "Outcome",
        f"With {table.comparison}",
        f"With {table.intervention} ({interval})",
        f"Relative effect ({interval})",
        "Participants (studies)",
        "Certainty of the evidence (GRADE)",
        "Comments",
    )
    return LaidOut(
        headers=headers, rows=rows, footnotes=tuple((mark, text) for text, mark in notes.letters.items())
    )


def _interval_words(table: FindingsTable) -> str:
    levels = sorted({line.pooled.level for line in table.lines if line.pooled})
    if len(levels) > 1:
        told = ", ".join(f"{level:.0%}" for level in levels)
        raise ConfigError(f"summary of findings: outcomes are pooled at {told}; pool all at one level.")
    # No-break spaces: "95 %" and "CI" stay on one line.
    return f"{100 * (levels[0] if levels else 0.95):g}\u00a0%\u00a0CI"


def _row(line: OutcomeLine, interval: str, notes: _Footnotes) -> RowText:
    if line.pooled is None and not line.narrative.strip():
        raise ConfigError(
            f"summary of findings: {line.outcome!r} is not pooled; say in words what was found."
        )
    control, intervention = _absolute_cells(line, interval, notes)
    return RowText(
        outcome=CellText(text=f"{line.outcome} ({line.follow_up})" if line.follow_up else line.outcome),
        control=control,
        intervention=intervention,
        relative=CellText(text=_relative(line.pooled)),
        evidence=CellText(text=_evidence(line)),
        certainty=_certainty(line.rating, notes),
        comments=CellText(text=_comments(line)),
    )


def _absolute_cells(line: OutcomeLine, interval: str, notes: _Footnotes) -> tuple[CellText, CellText]:
    pooled = line.pooled
    if pooled is None:
        return CellText(text="not pooled"), CellText(text=line.narrative.strip())
    if line.assumed is not None:
        return _risk_cells(absolute_effect(pooled, line.assumed), notes)
    if pooled.measure == "RD":
        low, high = pooled.lower, pooled.upper
        return CellText(text=UNKNOWN), CellText(text=_fewer_or_more(pooled.y, low, high))
    if pooled.measure in RATIOS:
        return CellText(text=UNKNOWN), CellText(text="no assumed risk given")
    if pooled.measure == "PROPORTION":
        share, low, high = (100 * natural("PROPORTION", y) for y in (pooled.y, pooled.lower, pooled.upper))
        return CellText(text="no comparison"), CellText(text=f"{share:.1f} % ({low:.1f} to {high:.1f})")
    return _mean_cells(line, pooled)


def _risk_cells(effect: AbsoluteEffect, notes: _Footnotes) -> tuple[CellText, CellText]:
    source = f"Assumed risk: {effect.assumed.source}."
    risks = f"{_per_thousand(effect.risk)} per 1,000 ({_per_thousand(effect.lower)} to {_per_thousand(effect.upper)})"
    return (
        CellText(text=f"{_per_thousand(effect.assumed.risk)} per 1,000", marks=(notes.mark(source),)),
        CellText(
            text=f"{risks}; {_fewer_or_more(*effect.differences)}",
            marks=tuple(notes.mark(note) for note in effect.notes),
        ),
    )


def _per_thousand(risk: float) -> str:
    """Whole events, but a decimal where there are fewer than ten."""
    events = 1000 * risk
    return f"{events:.1f}" if 0 < round(events, 1) < 10 else f"{events:,.0f}"


def _fewer_or_more(estimate: float, lower: float, upper: float) -> str:
    def told(difference: float) -> str:
        size = _per_thousand(abs(difference))
        if size == "0":
            return "0"
        return f"{size} {'fewer' if difference < 0 else 'more'}"

    middle = told(estimate)
    said = "no difference" if middle == "0" else f"{middle} per 1,000"
    return f"{said} ({told(lower)} to {told(upper)})"


def _mean_cells(line: OutcomeLine, pooled: Pooled) -> tuple[CellText, CellText]:
    unit = f" {line.unit}" if line.unit else ""
    low, high = pooled.lower, pooled.upper
    if pooled.measure == "MEAN":
        said = f"{_number(pooled.y)}{unit} ({_number(low)} to {_number(high)})"
        return CellText(text="no comparison"), CellText(text=said)
    control = CellText(text=line.control_mean or UNKNOWN)
    if pooled.measure == "SMD":
        said = f"SMD {_lower_or_higher(pooled.y, low, high, '')}"
        if line.sd:
            scaled = _lower_or_higher(pooled.y * line.sd, low * line.sd, high * line.sd, unit)
            said += f"; with an SD of {line.sd:g}{unit}, {scaled}"
        return control, CellText(text=said)
    return control, CellText(text=f"MD {_lower_or_higher(pooled.y, low, high, unit)}")


def _lower_or_higher(estimate: float, lower: float, upper: float, unit: str) -> str:
    def told(difference: float, unit: str) -> str:
        size = _number(abs(difference))
        if not float(size.replace(",", "")):
            return f"0{unit}"
        return f"{size}{unit} {'lower' if difference < 0 else 'higher'}"

    return f"{told(estimate, unit)} ({told(lower, '')} to {told(upper, '')})"


def _number(x: float) -> str:
    """Two decimals, none from a hundred up, and a true minus."""
    return (f"{x:,.0f}" if abs(x) >= 100 else f"{x:.2f}").replace("-", "−")


def _relative(pooled: Pooled | None) -> str:
    if pooled is None:
        return "not pooled"
    if pooled.measure not in RATIOS:
        return "–"
    estimate, lower, upper = (natural(pooled.measure, y) for y in (pooled.y, pooled.lower, pooled.upper))
    return f"{pooled.measure} {_ratio(estimate)} ({_ratio(lower)} to {_ratio(upper)})"


def _ratio(x: float) -> str:
    """Two decimals, and two digits where those would say nothing."""
    return f"{x:.2f}" if x >= 0.1 else f"{x:.2g}"


def _evidence(line: OutcomeLine) -> str:
    people = UNKNOWN if line.participants is None else f"{line.participants:,}"
    return f"{people} ({line.studies} {'study' if line.studies == 1 else 'studies'})"


def _certainty(rating: Rating | None, notes: _Footnotes) -> CellText:
    if rating is None:
        return CellText(text=NOT_RATED)
    marks = tuple(notes.mark(reason) for reason in rating.reasons)
    return CellText(text=f"{rating.symbols} {WORDS[rating.certainty]}", marks=marks)


def _comments(line: OutcomeLine) -> str:
    said = [line.comments.strip()]
    if line.pooled and line.pooled.measure == "SMD":
        # Cohen 1988; Cochrane Handbook 15.5.3.1.
        said.append("SMD: about 0.2 is a small, 0.5 a moderate and 0.8 a large difference.")
    sentences = [text if re.search(r"[.!?]$", text) else f"{text}." for text in said if text]
    return " ".join(sentences)
