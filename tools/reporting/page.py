"""One self-contained HTML page: the review as a reader meets it. Pure, but for reading its own template.

Nothing is loaded from anywhere, no script runs, and no text becomes a link. Long tables are cut at
`MAX_ROWS` and say so; the CSV files beside the page are complete.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.reporting.counts import PrismaCounts, reason_in_words
from tools.reporting.data import FinalDecision, RecordLine, ReviewData
from tools.reporting.diagram import svg
from tools.reporting.evidence_page import Numbers, numbers_shown
from tools.reporting.prisma import equations, ledger
from tools.reporting.prisma_s import appendix
from tools.reporting.standing import Standing, standing, superseded_ids
from tools.reporting.text import person, shown
from tools.reporting.words import (
    audit_sentence,
    engine_sentences,
    human_sentences,
    summary,
    version_sentences,
)
from tools.schemas import Cell, CriterionVerdict, FieldSpec, Record, Study, sha256_of

__all__ = ["MAX_ROWS", "MAX_STUDIES", "html"]

MAX_ROWS = 300
MAX_STUDIES = 100

STATUS_WORDS = {
    "grounded": "quote found in the text",
    "located": "quote looked up afterwards",
    "ungrounded": "no quote found: to be checked",
    "computed": "follows from other cells",
    "not_reported": "the report does not tell",
    "not_found": "nothing recognised; says nothing about the report",
    "conflicting": "readers differ: to be settled",
    "failed": "no answer",
}


@dataclass(frozen=True)
class Numbered:
    """A record with its row in decisions.csv."""

    row: int
    line: RecordLine
    standing: Standing

    @property
    def record(self) -> Record:
        """The record itself."""
        return self.line.record


@dataclass(frozen=True)
class Shortened:
    """The first rows of a table, and how many there are."""

    rows: Sequence[Any]
    total: int

    @property
    def left_out(self) -> int:
        """Rows that only the CSV has."""
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Excluded:
    """A report excluded at full text, and what the machine quoted for the reason."""

    row: Numbered
    reason: str
    decision: FinalDecision
    evidence: CriterionVerdict | None


@dataclass(frozen=True)
class Open:
    """A record that waits, and why."""

    row: Numbered
    why: str


@dataclass(frozen=True)
class FilledField:
    """One cell of the form with its field and its row in extraction.csv."""

    row: int
    field: FieldSpec | None
    cell: Cell
    words: str


@dataclass(frozen=True)
class StudyCard:
    """An included study: its reports, each with its cells."""

    study: Study
    reports: tuple[tuple[Numbered | None, str, tuple[FilledField, ...]], ...]


def html(data: ReviewData, counts: PrismaCounts) -> str:
    """Render the page.

    Args:
        data: the review.
        counts: its counts; shown whether they balance or not, since hiding that would be worse.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def visible(value: Any) -> Any:
        # Applied to every {{ … }}, before escaping: nobody can forget it in the template.
        return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("tools.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["person"] = person
    # Safe to pass as markup: diagram.svg escapes every text it is given.
    drawing = Markup(svg(counts))  # noqa: S704
    return environment.get_template("report.html").render(
        diagram=drawing, data=data, counts=counts, numbers=_numbers(data), **_context(data, counts)
    )


def _numbers(data: ReviewData) -> Numbers | None:
    """The section about numbers, its drawings marked as such."""
    from markupsafe import Markup

    shown = numbers_shown(data.evidence)
    if shown is None:
        return None
    # Safe to pass as markup: the plots escape every text they are given.
    drawn = tuple(replace(x, forest=Markup(x.forest)) for x in shown.analyses)  # noqa: S704
    return replace(shown, analyses=drawn, bias=tuple(Markup(x) for x in shown.bias))  # noqa: S704


def _context(data: ReviewData, counts: PrismaCounts) -> dict[str, Any]:
    gone = superseded_ids(data)
    rows = [Numbered(i, line, standing(line, gone)) for i, line in enumerate(data.records, 1)]
    by_id = {x.record.record_id: x for x in rows}
    included = [s for s in data.studies if s.state == "included"]
    return {
        "summary": summary(data, counts),
        "engine_sentences": engine_sentences(data),
        "human_sentences": human_sentences(data, counts),
        "audit": audit_sentence(counts),
        "ledger": ledger(counts),
        "equations": equations(counts),
        "searches": [(s, sha256_of(s.query_sent), sorted(s.parameters.items())) for s in data.searches],
        "studies": _cards(data, included, by_id),
        "other_studies": _shorten(_others(data, by_id)),
        "excluded": _shorten(_excluded(data, rows)),
        "open": _shorten(_open(data, rows)),
        "weak_cells": _shorten(_weak_cells(data, by_id)),
        "flagged": _flagged(rows),
        "agreements": [
            ("Title and abstract", counts.screening_agreement),
            ("Full text", counts.eligibility_agreement),
        ],
        "appendix": appendix(data, counts),
        "changed": _shorten([x for x in rows if x.line.changed]),
        "earlier": {x.record.record_id: x.record for x in data.earlier},
        "version_sentences": version_sentences(data, counts),
        "data_sha256": sha256_of(data),
    }


def _shorten(rows: Sequence[Any], limit: int = MAX_ROWS) -> Shortened:
    return Shortened(rows[:limit], len(rows))


def _cards(data: ReviewData, studies: Sequence[Study], by_id: dict[str, Numbered]) -> Shortened:
    fields = {f.id: f for f in data.fields}
    cells: dict[str, list[FilledField]] = {}
    for number, cell in enumerate(data.cells, 1):
        filled = FilledField(number, fields.get(cell.field_id), cell, STATUS_WORDS[cell.status])
        cells.setdefault(cell.report_id, []).append(filled)
    cards = [
        StudyCard(study, tuple((by_id.get(r), r, tuple(cells.get(r, ()))) for r in study.report_ids))
        for study in studies[:MAX_STUDIES]
    ]
    return Shortened(cards, len(studies))


def _others(data: ReviewData, by_id: dict[str, Numbered]) -> list[tuple[Study, list[tuple[str, str]]]]:
    """Studies that are not included, with the id and title of each report."""
    return [
        (s, [(r, by_id[r].record.title if r in by_id else "") for r in s.report_ids])
        for s in data.studies
        if s.state != "included"
    ]


def _excluded(data: ReviewData, rows: Iterable[Numbered]) -> list[Excluded]:
    found = []
    for row in rows:
        decision = row.line.full_text
        if row.standing != "full text: excluded" or decision is None:
            continue
        verdicts = row.line.full_text_verdict.verdicts if row.line.full_text_verdict else ()
        evidence = next((v for v in verdicts if v.criterion_id == decision.reason), None)
        reason = reason_in_words((decision.reason or "").strip() or None, data.criteria)
        found.append(Excluded(row, reason, decision, evidence))
    return found


def _open(data: ReviewData, rows: Iterable[Numbered]) -> list[Open]:
    grouped = {r for s in data.studies for r in s.report_ids}
    found = []
    for row in rows:
        why = _why_open(row)
        if not why and row.standing == "full text: passed" and row.record.record_id not in grouped:
            why = "passed at full text and not grouped into a study yet"
        if why:
            found.append(Open(row, why))
    return found


def _weak_cells(data: ReviewData, by_id: dict[str, Numbered]) -> list[tuple[FilledField, Numbered | None]]:
    """Cells without an answer, or without a quote that can be found."""
    fields = {f.id: f for f in data.fields}
    return [
        (FilledField(i, fields.get(c.field_id), c, STATUS_WORDS[c.status]), by_id.get(c.report_id))
        for i, c in enumerate(data.cells, 1)
        if c.status in ("failed", "ungrounded")
    ]


def _why_open(row: Numbered) -> str:
    """Why a record is not settled, in the machine's or the service's own words; empty when it is settled."""
    line = row.line
    match row.standing:
        case "title/abstract: no machine answer" if line.failure:
            return f"{line.failure.kind}: {line.failure.reason}"
        case "full text: no machine answer" if line.full_text_failure:
            return f"{line.full_text_failure.kind}: {line.full_text_failure.reason}"
        case "full text: no machine answer" if line.report:
            return f"not machine-readable: {line.report.why}" if line.report.why else "not machine-readable"
        case "report: not retrieved" if line.report:
            return line.report.why or "no reason recorded"
        case "report: being sought" | "report: not sought yet":
            return "the full text is not here yet"
        case "title/abstract: waiting" | "full text: waiting":
            return "no person has decided yet"
    return ""


def _flagged(rows: Iterable[Numbered]) -> int:
    """Records or reports with a machine verdict whose evidence could not be found in the text."""
    return sum(
        any(v is not None and v.flagged for v in (x.line.verdict, x.line.full_text_verdict))
        for x in rows
        if x.standing not in ("superseded", "duplicate")
    )
