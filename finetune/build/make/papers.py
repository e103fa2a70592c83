"""A report as a question about it holds it: all of it, or the passages that matter, as the product asks.

A language model is not shown a whole paper but the passages nearest to the question (`tools.fulltext.choosing`). An
instruction must look the same, and its right answer must stand in what is shown: where the budget cuts the evidence
away, the candidate is refused, or the whole text is shown instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from finetune.build.kinds import Paper
from tools.fulltext.choosing import choose, cues_for
from tools.fulltext.cues import Task
from tools.fulltext.quotes import locate
from tools.schemas import Passage, Record, sha256_of

__all__ = [
    "CUT_AWAY",
    "MAX_QUOTE",
    "NO_TEXT",
    "Reading",
    "Report",
    "Shown",
    "doc_id",
    "holds",
    "quote_at",
    "report_of_paper",
    "report_of_record",
    "show",
]

CUT_AWAY = "the passages chosen do not hold it"
NO_TEXT = "the paper's text is not at hand"
"""Reasons of refusals."""

BY_ROWS: frozenset[Task] = frozenset({"results", "participants"})
"""Tasks whose tables may be read by rows, as in `graphs.reading`."""


@dataclass(frozen=True)
class Reading:
    """How much of a report a question holds."""

    characters: int | None = 16_000
    """As `extraction.characters` in review.yaml, whose default this is; None: always the whole report."""
    where_cut: Literal["refuse", "whole"] = "refuse"
    """What is done where the passages chosen do not hold the evidence: no instruction, or the whole text."""


@dataclass(frozen=True)
class Report:
    """A text at hand, and who stands behind it."""

    report_id: str
    title: str
    passages: tuple[Passage, ...]
    source: str
    licence: str
    studies: tuple[str, ...]
    """As in `About.studies`."""
    full_text: bool
    year: int | None = None

    def asked(self, passages: Sequence[Passage]) -> dict[str, Any]:
        """The part of a task's input that holds the report."""
        return {"report_id": self.report_id, "title": self.title, "passages": tuple(passages)}


class Shown(NamedTuple):
    """What a question holds of a report."""

    passages: tuple[Passage, ...]
    whole: bool
    """Whether nothing was left out."""


def report_of_paper(paper: Paper) -> Report:
    """A full text."""
    return Report(
        report_id=paper.report_id,
        title=paper.title,
        passages=paper.text.passages,
        source=paper.source,
        licence=paper.licence,
        studies=_studies(paper.pmid, paper.pmcid, paper.title),
        full_text=True,
        year=paper.year,
    )


def report_of_record(record: Record, source: str, licence: str) -> Report | None:
    """Title and abstract as passages, offsets as in `Record.text`; None where there is no abstract."""
    if not record.abstract.strip():
        return None
    title = Passage(section="", kind="title", start=0, text=record.title)
    abstract = Passage(section="Abstract", kind="abstract", start=len(record.title) + 1, text=record.abstract)
    return Report(
        report_id=record.record_id,
        title=record.title,
        passages=(title, abstract) if record.title else (abstract,),
        source=source,
        licence=licence,
        studies=_studies(record.pmid, record.pmcid, record.title),
        full_text=False,
        year=record.year,
    )


def show(
    report: Report, task: Task, words: Sequence[str], evidence: Iterable[str], reading: Reading
) -> Shown | None:
    """The passages that a question about a report holds.

    Args:
        report: the text.
        task: whose question it is; it brings its cues.
        words: words and phrases of the question, as `graphs.reading` gives them: outcome, unit, time point, arms.
        evidence: quotes that must stand in what is shown; none for an answer that says that nothing is told.
        reading: how much is shown.

    Returns:
        Passages in reading order; None where the evidence is cut away, or stands nowhere in the report.
    """
    quotes = tuple(filter(None, evidence))
    passages, whole = report.passages, True
    if reading.characters is not None:
        chosen = choose(
            passages,
            [word for word in words if word],
            characters=reading.characters,
            cues=cues_for(task),
            tables_by_rows=task in BY_ROWS,
        )
        passages, whole = chosen.passages, chosen.whole
    if all(holds(passages, quote) for quote in quotes):
        return Shown(passages, whole)
    if whole or reading.where_cut == "refuse" or not all(holds(report.passages, q) for q in quotes):
        return None
    return Shown(report.passages, True)


def holds(passages: Iterable[Passage], quote: str) -> bool:
    """Whether a quote stands in one of the passages, as `tools.fulltext.quotes.locate` finds it."""
    return any(locate(quote, passage.text) is not None for passage in passages)


def doc_id(title: str) -> str:
    """`doc:` and 16 hex digits, for a text without an id: the same for titles that differ in case and signs only."""
    folded = " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold()))
    return f"doc:{sha256_of(folded)[:16]}"


def _studies(pmid: str | None, pmcid: str | None, title: str) -> tuple[str, ...]:
    known = (*([f"pmid:{pmid}"] if pmid else []), *([f"pmcid:{pmcid}"] if pmcid else []))
    return known or (doc_id(title),)


MAX_QUOTE = 600
"""Characters that an answer's quote may have."""


def quote_at(passages: Sequence[Passage], number: int, start: int, end: int) -> str | None:
    """The span of a passage as a quote, with the lines before it where it would else be found elsewhere.

    A row such as `Participants | 0 | 0` stands in many tables: with the rows above it, it stands in one. None where
    the span is longer than a quote may be.
    """
    text = passages[number].text
    span = text[start:end]
    if len(span) > MAX_QUOTE:
        return None
    longer = start
    while _places(passages, text[longer:end]) > 1 and longer > 0:
        longer = text.rfind("\n", 0, longer - 1) + 1
        if end - longer > MAX_QUOTE:
            return span
    return text[longer:end]


def _places(passages: Sequence[Passage], quote: str) -> int:
    return sum(passage.text.count(quote) for passage in passages)
