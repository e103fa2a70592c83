"""Direction of effect and numeric results that an engine reads out of trial reports, beside what people read.

    python -m bench.extraction --data ../shared/data --part held-out --engine baseline

Direction: the questions of Evidence Inference 2.0 (Lehman 2019, DeYoung 2020), one intervention, comparator and
outcome each. Their gold was read from full texts; where only the abstract is at hand, questions whose evidence
stands in it and those whose evidence does not are told apart: of the latter the right answer of a reader of
the abstract is mostly `uncertain`. `accuracy` is that of what was answered, `macro F1` is over the three classes
and all questions, so that an unanswered one is a miss. `at evidence` is the share of answers whose quote has
half of the words of a passage that people marked, or the other way round.

Numbers: the outcomes per arm of Yun 2024 on full texts, where the outcome is named by its title and the arm by
its name alone. A found value is right when it is the number of events, the percentage that they are, or the mean.
People also computed values that no report prints (from percentages and confidence intervals), so `share` cannot
reach 1. `spread` and `n` are counted where both the engine and people give one.

The rules of the baseline were written on reports with an even PMC number: `--part design`. Figures to be
quoted are those of the others, `--part held-out`.
"""

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.report import Column, parser, table, write
from model.baseline import BaselineEngine
from model.embedding import NoEmbedder
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.direction import TASK as DIRECTION
from model.tasks.direction import DirectionInput
from model.tasks.results import TASK as RESULTS
from model.tasks.results import OutcomeMeasure, ResultsAnswer, ResultsInput, TrialGroup
from tools.errors import EngineError, InputFileError, ReviewError
from tools.fulltext import jats
from tools.schemas import Passage

__all__ = ["Direct", "Numeric", "direction_row", "macro_f1", "main", "numeric_row", "overlaps"]

LABELS = {
    "no significant difference": "no_difference",
    "significantly decreased": "decreased",
    "significantly increased": "increased",
    "significantly increase": "increased",
}
"""As the data set writes them."""

CLASSES = ("increased", "decreased", "no_difference")

COLUMNS = (
    Column("task", "task"),
    Column("text", "text"),
    Column("reports", "reports"),
    Column("asked", "asked"),
    Column("answered", "answered"),
    Column("share", "share"),
    Column("right", "right"),
    Column("accuracy", "accuracy"),
    Column("macro_f1", "macro F1"),
    Column("majority", "majority"),
    Column("at_evidence", "at evidence"),
    Column("spread", "spread"),
    Column("size", "n"),
    Column("failed", "failed"),
)


# Texts -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """A text at hand."""

    kind: str
    """`full text` or `abstract`."""
    title: str
    passages: tuple[Passage, ...]


class Texts:
    """The reports of a folder of data: full texts first, else abstracts by PMID."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._read: dict[str, Report | None] = {}

    @cached_property
    def _pool(self) -> dict[str, dict[str, Any]]:
        return {row["pmid"]: row for row in _lines(self._data / "pubmed" / "pool.jsonl.gz")}

    def of(self, pmcid: str, pmid: str) -> Report | None:
        """The report; None where neither text is at hand."""
        if pmcid not in self._read:
            self._read[pmcid] = self._full(pmcid) or self._abstract(pmid)
        return self._read[pmcid]

    def _full(self, pmcid: str) -> Report | None:
        path = self._data / "jats" / f"{pmcid}.nxml.gz"
        if not path.exists():
            return None
        text = jats.parse(gzip.decompress(path.read_bytes()), report_id=pmcid, source=path.name)
        return Report("full text", text.title, text.passages)

    def _abstract(self, pmid: str) -> Report | None:
        row = self._pool.get(pmid, {})
        if not row.get("abstract"):
            return None
        title = row.get("title") or ""
        abstract = Passage(
            section="abstract", kind="abstract", start=len(title) + 1, text=str(row["abstract"])
        )
        return Report(
            "abstract", title, (Passage(section="title", kind="title", start=0, text=title), abstract)
        )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, ValueError) as e:
        raise InputFileError(
            f"{path}: cannot be read as gzipped JSON lines: {e!r}. Remedy: see --data."
        ) from e


def _is_of(part: str, pmcid: str) -> bool:
    """Even PMC numbers are for writing rules, odd ones for measuring them."""
    even = int(pmcid.removeprefix("PMC")) % 2 == 0
    return part == "all" or even == (part == "design")


# Direction ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Direct:
    """One question of direction, its gold answer, and what the engine said; empty where it failed."""

    report: str
    text: str
    gold: str
    said: str
    at_evidence: bool = False


def directions(data: Path, part: str, texts: Texts, engine: Engine) -> Iterator[Direct]:
    """Every question whose report is at hand, answered."""
    for row in _lines(data / "extraction" / "evidence_inference.jsonl.gz"):
        if not _is_of(part, row["pmcid"]) or (report := texts.of(row["pmcid"], row["pmid"])) is None:
            continue
        evidence = [e["text"] for e in row["evidence"]]
        kind = report.kind
        if kind == "abstract":
            kind += " with evidence" if _stands_in(evidence, report.passages) else " without"
        asked = DirectionInput(
            report_id=row["pmcid"],
            title=report.title,
            passages=report.passages,
            **{name: row[name].strip() or "not named" for name in ("intervention", "comparator", "outcome")},
        )
        try:
            answer = ask(engine, Request(DIRECTION, asked)).value
        except EngineError:
            yield Direct(row["pmcid"], kind, LABELS[row["label"]], "")
            continue
        near = any(overlaps(answer.quote, text) for text in evidence)
        yield Direct(row["pmcid"], kind, LABELS[row["label"]], answer.direction, near)


def _stands_in(evidence: Iterable[str], passages: Sequence[Passage]) -> bool:
    whole = " ".join(passage.text for passage in passages)
    return any(text.strip()[:60] in whole for text in evidence)


def overlaps(quote: str, evidence: str) -> bool:
    """Whether one of two texts has half of the other's words."""
    first, second = set(quote.lower().split()), set(evidence.lower().split())
    return bool(first and second) and len(first & second) >= 0.5 * min(len(first), len(second))


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
        "accuracy": _ratio(right, len(answered)),
        "macro_f1": macro_f1([(f.gold, f.said) for f in found]),
        "majority": _ratio(common[0][1], len(found)) if common else None,
        "at_evidence": _ratio(sum(f.at_evidence for f in answered), len(answered)),
        "failed": sum(not f.said for f in found),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# Numbers -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numeric:
    """One outcome in one arm: what people read, and what the engine found."""

    report: str
    gold: float | None
    """Events or mean; None where people found the report to give neither."""
    size: int | None
    spread: float | None
    events: bool
    answer: ResultsAnswer | None
    """None where the engine failed."""

    @property
    def found(self) -> bool:
        return self.answer is not None and self.answer.status == "found"

    @property
    def right(self) -> bool:
        """Whether all values found are what people read; of several, whether one is."""
        return self.answer is not None and any(self._is_gold(float(v.value)) for v in self.answer.values)

    @property
    def in_table(self) -> bool:
        return self.answer is not None and any(" | " in v.quote for v in self.answer.values)

    def _is_gold(self, value: float) -> bool:
        if self.gold is None:
            return False
        # Rounded as reports round: a percentage to a whole number, a mean to what is printed.
        if abs(value - self.gold) <= 0.006 * max(1.0, abs(self.gold)):
            return True
        return self.events and bool(self.size) and abs(value - 100 * self.gold / (self.size or 1)) <= 0.51

    def spread_right(self) -> bool | None:
        """Whether the spread is people's; None where either gives none."""
        values = self.answer.values if self.answer is not None else ()
        if len(values) != 1 or values[0].spread is None or self.spread is None:
            return None
        return abs(float(values[0].spread) - self.spread) <= 0.01 * max(1.0, self.spread)

    def size_right(self) -> bool | None:
        """Whether the denominator is people's; None where either gives none."""
        if self.answer is None or self.answer.denominator is None or self.size is None:
            return None
        return self.answer.denominator == self.size


def numbers(data: Path, part: str, texts: Texts, engine: Engine) -> Iterator[Numeric]:
    """Every outcome in both arms, answered."""
    for row in _lines(data / "extraction" / "numeric_outcomes.jsonl.gz"):
        if not _is_of(part, row["pmcid"]) or (report := texts.of(row["pmcid"], row["pmid"])) is None:
            continue
        events = row["outcome_type"] == "binary"
        for arm in ("intervention", "comparator"):
            asked = ResultsInput(
                report_id=row["pmcid"],
                title=report.title,
                passages=report.passages,
                outcome=OutcomeMeasure(title=row["outcome"].strip()),
                group=TrialGroup(title=row[arm].strip()),
            )
            try:
                answer = ask(engine, Request(RESULTS, asked)).value
            except EngineError:
                answer = None
            size = _number(row[f"{arm}_group_size"])
            yield Numeric(
                row["pmcid"],
                _number(row[f"{arm}_{'events' if events else 'mean'}"]),
                None if size is None else int(size),
                _number(row[f"{arm}_standard_deviation"]),
                events,
                answer,
            )


def _number(written: Any) -> float | None:
    try:
        return float(str(written).replace(",", ""))
    except ValueError:
        return None


def numeric_row(text: str, asked: Sequence[Numeric], found: Sequence[Numeric]) -> dict[str, Any]:
    """One line of the table; values of outcomes for which people found none are counted apart."""
    known = [n for n in found if n.gold is not None]
    right = sum(n.right for n in known)
    spreads = [s for n in known if (s := n.spread_right()) is not None]
    sizes = [s for n in known if (s := n.size_right()) is not None]
    givable = sum(n.gold is not None for n in asked)
    return {
        "task": "results",
        "text": text,
        "reports": len({n.report for n in asked}),
        "asked": givable,
        "answered": len(known),
        "share": _ratio(len(known), givable),
        "right": right,
        "accuracy": _ratio(right, len(known)),
        "without_gold": len(found) - len(known),
        "spread": _ratio(sum(spreads), len(spreads)),
        "size": _ratio(sum(sizes), len(sizes)),
        "failed": sum(n.answer is None for n in asked),
    }


# Command -----------------------------------------------------------------------------------------


def rows_of(direct: Sequence[Direct], numeric: Sequence[Numeric]) -> list[dict[str, Any]]:
    """All lines of the table."""
    kinds = sorted({f.text for f in direct})
    rows = [direction_row(kind, [f for f in direct if f.text == kind]) for kind in kinds]
    rows.append(direction_row("all", direct))
    found = [n for n in numeric if n.found]
    rows.append(numeric_row("from tables", numeric, [n for n in found if n.in_table]))
    rows.append(numeric_row("from sentences", numeric, [n for n in found if not n.in_table]))
    rows.append(numeric_row("all", numeric, found))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print one table, and return 0; 2 when something given is wrong."""
    try:
        return _run(_parser().parse_args(arguments))
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status


def _run(given: argparse.Namespace) -> int:
    engine = _engine(given)
    texts = Texts(given.data)
    direct = list(directions(given.data, given.part, texts, engine))
    numeric = list(numbers(given.data, given.part, texts, engine))
    rows = rows_of(direct, numeric)
    print(f"engine {engine.name}, part {given.part}")
    print(table(rows, COLUMNS))
    print(f"results found for outcomes of which people found none: {rows[-1]['without_gold']}")
    summary: Mapping[str, Any] = {
        "engine": engine.name,
        "part": given.part,
        "confusion": {
            gold: dict(Counter(f.said or "failed" for f in direct if f.gold == gold)) for gold in CLASSES
        },
    }
    write(given.out, summary, rows)
    return 0


def _engine(given: argparse.Namespace) -> Engine:
    if given.engine == "baseline":
        return BaselineEngine(None, NoEmbedder())
    if not (given.model and given.base_url):
        raise InputFileError("--engine openai needs --model and --base-url. Remedy: give both.")
    from model.chat import ChatEngine, ChatSettings

    return ChatEngine(ChatSettings(model=given.model, base_url=given.base_url))


def _parser() -> argparse.ArgumentParser:
    made = parser(__doc__ or "")
    made.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder with extraction, jats and pubmed"
    )
    made.add_argument("--part", choices=("held-out", "design", "all"), default="held-out")
    made.add_argument("--engine", choices=("baseline", "openai"), default="baseline")
    made.add_argument("--model", help="with --engine openai: the served model")
    made.add_argument("--base-url", help="with --engine openai: the server's address, ending in /v1")
    return made


if __name__ == "__main__":
    sys.exit(main())
