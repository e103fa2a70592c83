"""Direction of effect, read by an engine out of trial reports, beside what people read there.

A part of `bench.extraction`: the questions of Evidence Inference 2.0 (Lehman 2019, DeYoung 2020), one
intervention, comparator and outcome each. Their gold was read from full texts; where only the abstract is at hand,
questions whose evidence stands in it and those whose evidence does not are told apart: of the latter the right answer
of a reader of the abstract is mostly `uncertain`. `full text and abstract with evidence` is both kinds together in
which the answer can be read.

`accuracy_all` is over all questions: one that is left open or answered `uncertain` counts as wrong. `accuracy` is
that of the answered. `majority` is what always saying the commonest class would reach. `macro_f1` is over the three
classes and all questions. `at_evidence` is the share of answers whose quote has half of the words of a passage that
people marked, or the other way round; `grounded` that whose quote stands verbatim in the report.

The rules of the baseline were written on reports with an even PMC number (`design`); the others are `held-out`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.extraction_texts import Report, Texts, is_of, json_lines
from bench.report import Column
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.direction import TASK, DirectionInput
from tools.errors import EngineError
from tools.schemas import Passage

__all__ = [
    "CLASSES",
    "COLUMNS",
    "Direct",
    "confusion",
    "direction_row",
    "direction_rows",
    "directions",
    "macro_f1",
    "overlaps",
]

LABELS = {
    "no significant difference": "no_difference",
    "significantly decreased": "decreased",
    "significantly increased": "increased",
    "significantly increase": "increased",
}
"""As the data set writes them."""

CLASSES = ("increased", "decreased", "no_difference")

FULL, WITH, WITHOUT = "full text", "abstract with evidence", "abstract without"

COLUMNS = (
    Column("task", "task"),
    Column("text", "text"),
    Column("reports", "reports"),
    Column("asked", "asked"),
    Column("answered", "answered"),
    Column("accuracy_all", "accuracy of all"),
    Column("accuracy", "of answered"),
    Column("macro_f1", "macro F1"),
    Column("majority", "majority"),
    Column("at_evidence", "at evidence"),
    Column("grounded", "grounded"),
    Column("failed", "failed"),
)


@dataclass(frozen=True)
class Direct:
    """One question, its gold answer, and what the engine said; empty where it failed."""

    report: str
    text: str
    gold: str
    said: str
    at_evidence: bool = False
    grounded: bool = False


# Asking ------------------------------------------------------------------------------------------


def directions(data: Path, part: str, reports: Texts, engine: Engine) -> Iterator[Direct]:
    """Every question of a part whose report is at hand, answered; `data` is the data's folder, or the file alone.

    Raises:
        InputFileError: when the questions cannot be read.
    """
    path = data if data.is_file() else data / "extraction" / "evidence_inference.jsonl.gz"
    for row in json_lines(path):
        if not is_of(part, row["pmcid"]):
            continue
        report = reports.of(row["pmcid"], row["pmid"])
        if report is not None:
            yield _asked(row, report, engine)


def _asked(row: dict[str, Any], report: Report, engine: Engine) -> Direct:
    evidence = [e["text"] for e in row["evidence"]]
    kind = report.kind
    if kind == "abstract":
        kind = WITH if _stands_in(evidence, report.passages) else WITHOUT
    asked = DirectionInput(
        report_id=row["pmcid"],
        title=report.title,
        passages=report.passages,
        **{name: row[name].strip() or "not named" for name in ("intervention", "comparator", "outcome")},
    )
    gold = LABELS[row["label"]]
    try:
        answer = ask(engine, Request(TASK, asked)).value
    except EngineError:
        return Direct(row["pmcid"], kind, gold, "")
    quoted = bool(answer.quote) and any(answer.quote in passage.text for passage in report.passages)
    near = any(overlaps(answer.quote, text) for text in evidence)
    return Direct(row["pmcid"], kind, gold, answer.direction, near, quoted)


def _stands_in(evidence: Sequence[str], passages: Sequence[Passage]) -> bool:
    whole = " ".join(passage.text for passage in passages)
    return any(text.strip()[:60] in whole for text in evidence)


def overlaps(quote: str, evidence: str) -> bool:
    """Whether one of two texts has half of the other's words."""
    first, second = set(quote.lower().split()), set(evidence.lower().split())
    return bool(first and second) and len(first & second) >= 0.5 * min(len(first), len(second))


# Counting ----------------------------------------------------------------------------------------


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Mean F1 over the classes that occur, of (gold, said); None without any."""
    scores = []
    for name in CLASSES:
        hit = sum(gold == said == name for gold, said in pairs)
        of_gold, of_said = sum(gold == name for gold, _ in pairs), sum(said == name for _, said in pairs)
        if of_gold:
            scores.append(2 * hit / (of_gold + of_said))
    return sum(scores) / len(scores) if scores else None


def direction_row(text: str, found: Sequence[Direct]) -> dict[str, Any]:
    """One line of the table."""
    answered = [f for f in found if f.said in CLASSES]
    right = sum(f.said == f.gold for f in answered)
    common = Counter(f.gold for f in found).most_common(1)
    return {
        "task": "direction",
        "text": text,
        "reports": len({f.report for f in found}),
        "asked": len(found),
        "answered": len(answered),
        "share": _ratio(len(answered), len(found)),
        "right": right,
        "accuracy_all": _ratio(right, len(found)),
        "accuracy": _ratio(right, len(answered)),
        "macro_f1": macro_f1([(f.gold, f.said) for f in found]),
        "majority": _ratio(common[0][1], len(found)) if common else None,
        "at_evidence": _ratio(sum(f.at_evidence for f in answered), len(answered)),
        "grounded": _ratio(sum(f.grounded for f in answered), len(answered)),
        "failed": sum(not f.said for f in found),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def direction_rows(found: Sequence[Direct]) -> list[dict[str, Any]]:
    """The lines of the table: each kind of text, those that hold the evidence together, and all."""
    rows = [
        direction_row(kind, own)
        for kind in (FULL, WITH, WITHOUT)
        if (own := [f for f in found if f.text == kind])
    ]
    readable = [f for f in found if f.text in (FULL, WITH)]
    return [*rows, direction_row(f"{FULL} and {WITH}", readable), direction_row("all", found)]


def confusion(found: Sequence[Direct]) -> dict[str, dict[str, int]]:
    """Gold class to what was said how often."""
    return {
        gold: dict(sorted(Counter(f.said or "failed" for f in found if f.gold == gold).items()))
        for gold in CLASSES
    }
