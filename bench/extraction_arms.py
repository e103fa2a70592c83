"""Arms that an engine recognises in trial reports, beside the two that people compared there.

A part of `bench.extraction`. The texts are the full texts of the trials of Evidence Inference 2.0 (Lehman 2019,
DeYoung 2020) and of Yun 2024. Each line of these names an intervention and a comparator in people's words; the arms
of a report are asked for once, and each pair of names is looked for among them.

An arm is a name's where label, interventions or description have at least half of the telling words of the shorter
of the two, abbreviations written out as the report explains them; or where both are the comparator by their words
(`placebo`, `control`, `usual care`), of which the report has one. `matched` is the share of pairs of which both
names have an arm, each one of its own, `matched_of_answered` that in reports for which arms were told. What is not
matched may still be right: people's words are sometimes neither the report's label nor its description.

`number` is the share of right numbers of arms among the answered reports where the number can be known otherwise:
where a line of a table has two or more cells with `n = …` that are not all participants together, the cells of the
first such line are counted; `known` is how many reports have one. Tables of subgroups make some of these counts
wrong. `grounded` is the share of arms whose quote stands verbatim in the report.

The rules of the baseline were written on reports with an even PMC number (`design`); the others are `held-out`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.extraction_texts import Texts, is_of, json_lines
from bench.report import Column
from model.baseline.paper_groups import Shorts, keys, read_shorts
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.arms import TASK, Arm, ArmsInput
from tools.errors import EngineError
from tools.schemas import Passage

__all__ = ["COLUMNS", "Listed", "arms_rows", "heads", "matches", "row_of"]

COLUMNS = (
    Column("task", "task"),
    Column("text", "data set"),
    Column("reports", "reports"),
    Column("answered", "answered"),
    Column("share", "answered share"),
    Column("pairs", "pairs"),
    Column("matched", "pairs matched"),
    Column("matched_of_answered", "of answered"),
    Column("known", "number known"),
    Column("number", "right number"),
    Column("grounded", "grounded"),
    Column("failed", "failed"),
)

FILES = ("evidence_inference", "numeric_outcomes")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Listed:
    """A report, the pairs that people compared in it, and the arms that an engine told; None where it failed."""

    report: str
    pairs: tuple[Pair, ...]
    arms: tuple[Arm, ...] | None
    passages: tuple[Passage, ...]

    @property
    def found(self) -> int:
        """Pairs of which both names have an arm of their own."""
        shorts = read_shorts(passage.text for passage in self.passages)
        return sum(matches(pair, self.arms or (), shorts) for pair in self.pairs)


# Matching ----------------------------------------------------------------------------------------

HALF = 0.5
_UNTELLING = keys(
    "group groups arm arms treatment therapy intervention control controls condition patients participants subjects"
    " daily day days week weeks month months mg ml dose received receive administration only alone standard usual"
    " placebo sham care baseline", {},
)  # fmt: skip
_COMPARATOR = re.compile(
    r"\b(?:placebo|controls?|sham|usual|standard|conventional|no|not|without|untreated|wait\w*|routine|TAU)\b",
    re.IGNORECASE,
)
COMPARATORS = ("PLACEBO_COMPARATOR", "SHAM_COMPARATOR", "NO_INTERVENTION", "ACTIVE_COMPARATOR")


def matches(pair: Pair, arms: Sequence[Arm], shorts: Shorts) -> bool:
    """Whether both names of a pair have an arm, each one of its own."""
    fits = [[_fit(name, arm, arms, shorts) for arm in arms] for name in pair]
    return any(fits[0][i] and fits[1][j] for i in range(len(arms)) for j in range(len(arms)) if i != j)


def _fit(name: str, arm: Arm, arms: Sequence[Arm], shorts: Shorts) -> bool:
    wanted = keys(name, shorts) - _UNTELLING
    for text in (arm.label, *arm.interventions, arm.description):
        told = keys(text, shorts) - _UNTELLING
        if wanted and told and len(wanted & told) / min(len(wanted), len(told)) >= HALF:
            return True
    alone = sum(other.type in COMPARATORS for other in arms) == 1
    return alone and arm.type in COMPARATORS and _COMPARATOR.search(name) is not None


_SIZED = re.compile(r"\bn\s?=\s?\d", re.IGNORECASE)
_EVERYONE = re.compile(r"\b(?:total|all|overall|both|pooled|combined|whole|entire)\b", re.IGNORECASE)


def heads(passages: Sequence[Passage]) -> int | None:
    """How many arms the sizes over a table's columns tell; None where no table has such a line.

    >>> line = "Age | Wool (n = 20) | Silk (n = 21) | Total (n = 41)"
    >>> heads([Passage(section="Results", kind="table", start=0, text=line)])
    2
    """
    for passage in passages:
        for line in passage.text.split("\n") if passage.kind == "table" else ():
            cells = {cell.strip() for cell in line.split(" | ") if _SIZED.search(cell)}
            count = sum(_EVERYONE.search(cell) is None for cell in cells)
            if count >= 2:
                return count
    return None


# Asking ------------------------------------------------------------------------------------------


def arms_rows(data: Path, part: str, reports: Texts, engine: Engine) -> list[dict[str, Any]]:
    """The lines of the table: each data set, and both together.

    Raises:
        InputFileError: when a data set cannot be read.
    """
    pairs = {name: _pairs(data / "extraction" / f"{name}.jsonl.gz", part) for name in FILES}
    both: dict[tuple[str, str], list[Pair]] = {}
    for of in pairs.values():
        for report, named in of.items():
            both.setdefault(report, []).extend(pair for pair in named if pair not in both.get(report, ()))
    told = {report: _asked(report, reports, engine) for report in sorted(both)}
    return [
        row_of(
            name,
            [listed for report in sorted(of) if (listed := _listed(told[report], of[report])) is not None],
        )
        for name, of in (*pairs.items(), ("both", both))
    ]


def _listed(told: Listed | None, pairs: Sequence[Pair]) -> Listed | None:
    return None if told is None else Listed(told.report, tuple(pairs), told.arms, told.passages)


def _pairs(path: Path, part: str) -> dict[tuple[str, str], list[Pair]]:
    """Report, as PMC number and PMID, to what people compared in it."""
    found: dict[tuple[str, str], list[Pair]] = {}
    for row in json_lines(path):
        if is_of(part, row["pmcid"]):
            pair = row["intervention"].strip(), row["comparator"].strip()
            named = found.setdefault((row["pmcid"], row.get("pmid") or ""), [])
            if pair not in named:
                named.append(pair)
    return found


def _asked(report: tuple[str, str], reports: Texts, engine: Engine) -> Listed | None:
    """The report with its arms; None where its full text is not at hand."""
    text = reports.of(*report)
    if text is None or text.kind != "full text":
        return None
    asked = ArmsInput(report_id=report[0], title=text.title, passages=text.passages)
    try:
        arms = ask(engine, Request(TASK, asked)).value.arms
    except EngineError:
        return Listed(report[0], (), None, text.passages)
    return Listed(report[0], (), arms, text.passages)


# Counting ----------------------------------------------------------------------------------------


def row_of(text: str, found: Sequence[Listed]) -> dict[str, Any]:
    """One line of the table."""
    answered = [f for f in found if f.arms]
    pairs = sum(len(f.pairs) for f in found)
    matched = sum(f.found for f in answered)
    known = [(count, len(f.arms or ())) for f in answered if (count := heads(f.passages)) is not None]
    arms = [(arm, f) for f in answered for arm in f.arms or ()]
    return {
        "task": "arms",
        "text": text,
        "reports": len(found),
        "answered": len(answered),
        "share": _ratio(len(answered), len(found)),
        "pairs": pairs,
        "matched": _ratio(matched, pairs),
        "matched_of_answered": _ratio(matched, sum(len(f.pairs) for f in answered)),
        "known": len(known),
        "number": _ratio(sum(count == told for count, told in known), len(known)),
        "grounded": _ratio(sum(_grounded(arm, f.passages) for arm, f in arms), len(arms)),
        "failed": sum(f.arms is None for f in found),
    }


def _grounded(arm: Arm, passages: Sequence[Passage]) -> bool:
    return bool(arm.quote.strip()) and any(arm.quote in passage.text for passage in passages)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
