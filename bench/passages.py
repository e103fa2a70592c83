"""Whether the passages that are chosen for a question hold its answer, and how much of the paper is read for it.

    python -m bench.passages --data ../shared/data --part held-out

Each question of `evidence_inference` and `numeric_outcomes` whose full text is at hand is given a budget of characters,
and four ways choose what is read within it:

ours     `tools.fulltext.choosing`, with the words of the question and the cues of its task.
rows     the same, but a table for which there is no room any more gives its nearest rows.
first    the first characters, as clients do that cut a paper at a limit.
random   title and abstract as ours, then whole passages in random order (fixed seed).

`evidence`: a passage that people marked for the question stands, letter by letter, in what is read. Marked passages
that stand nowhere in the paper as parsed do not count. `beyond`: the same, of the questions of which no marked passage
stands in title or abstract, which all ways read at any budget.

`values`: both arms' numbers of events, or means, stand in one passage that is read, of the questions for which a
passage of the paper holds both. `numbers`: of all numbers of a question (events or mean, SD, group size) that the
paper prints, the share that is read; small numbers occur by chance, so this one flatters every way. People also
computed values that no report prints; those do not count.

`read` is the characters read of those of the papers, all questions together; a paper that fits is read whole.

The rules were written on papers with an even PMC number: `--part design`. Figures to be quoted are those of the
others, `--part held-out`.
"""

import argparse
import gzip
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.extraction_texts import is_of, json_lines
from bench.report import Column, parser, table, write
from tools.errors import ReviewError
from tools.fulltext import jats
from tools.fulltext.choosing import Task, choose, cues_for
from tools.schemas import Passage

__all__ = [
    "WAYS",
    "Asked",
    "Paper",
    "by_rows",
    "directions",
    "first",
    "main",
    "numbers_in",
    "numeric",
    "ours",
    "row_of",
    "shuffled",
]

BUDGETS = (4_000, 8_000, 16_000, 32_000)
SEED = 5

COLUMNS = (
    Column("task", "task"),
    Column("characters", "budget"),
    Column("way", "way"),
    Column("papers", "papers"),
    Column("read", "read"),
    Column("asked", "asked"),
    Column("evidence", "evidence"),
    Column("asked_beyond", "beyond: asked"),
    Column("beyond", "beyond"),
    Column("asked_values", "values: asked"),
    Column("values", "values"),
    Column("numbers", "numbers"),
)


# Papers and questions ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """A full text."""

    pmcid: str
    passages: tuple[Passage, ...]

    @cached_property
    def letters(self) -> str:
        """Of the whole text."""
        return letters_of(self.passages)

    @cached_property
    def outset(self) -> str:
        """Letters of title and abstract."""
        return letters_of([p for p in self.passages if _is_outset(p)])


@dataclass(frozen=True)
class Asked:
    """One question, and what of its answer the paper holds."""

    task: Task
    paper: Paper
    words: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    """Letters of the marked passages that stand in the paper."""
    values: tuple[float, ...] = ()
    """Of both arms, where a passage holds both."""
    numbers: frozenset[float] = frozenset()
    """All that the paper prints."""

    @property
    def is_beyond(self) -> bool:
        """Whether the evidence stands outside title and abstract only."""
        return bool(self.evidence) and not any(text in self.paper.outset for text in self.evidence)


def _is_outset(passage: Passage) -> bool:
    return passage.kind == "abstract" or (passage.kind == "title" and not passage.section)


def letters_of(passages: Sequence[Passage]) -> str:
    """Letters and digits alone: the marked passages were taken from another rendering of the same paper."""
    return _letters("".join(passage.text for passage in passages))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:[.·]\d+)?")


def numbers_in(text: str) -> frozenset[float]:
    """The numbers of a text, without their signs.

    >>> sorted(numbers_in("1,204 of 2·5 (−3.0), group B12"))
    [2.5, 3.0, 1204.0]
    """
    told = (hit.replace(",", "").replace("·", ".") for hit in _NUMBER.findall(text))
    return frozenset(float(number) for number in told)


class _Papers:
    """The full texts of a folder."""

    def __init__(self, data: Path, part: str) -> None:
        self._folder, self._part = data / "jats", part
        self._read: dict[str, Paper | None] = {}

    def of(self, pmcid: str) -> Paper | None:
        """The paper; None where it is not at hand or of the other part."""
        if pmcid not in self._read:
            path = self._folder / f"{pmcid}.nxml.gz"
            known = path.exists() and is_of(self._part, pmcid)
            self._read[pmcid] = self._paper(path, pmcid) if known else None
        return self._read[pmcid]

    def _paper(self, path: Path, pmcid: str) -> Paper:
        text = jats.parse(gzip.decompress(path.read_bytes()), report_id=pmcid, source=path.name)
        return Paper(pmcid, text.passages)


def directions(data: Path, papers: _Papers) -> Iterator[Asked]:
    """The questions of Evidence Inference whose marked passages stand in the paper."""
    for row in json_lines(data / "extraction" / "evidence_inference.jsonl.gz"):
        if (paper := papers.of(row["pmcid"])) is None:
            continue
        marked = dict.fromkeys(_letters(e["text"]) for e in row["evidence"])
        evidence = tuple(text for text in marked if text and text in paper.letters)
        words = (row["outcome"], row["intervention"], row["comparator"])
        if evidence:
            yield Asked("direction", paper, words, evidence=evidence)


def numeric(data: Path, papers: _Papers) -> Iterator[Asked]:
    """The outcomes of Yun 2024 of which the paper prints a number."""
    for row in json_lines(data / "extraction" / "numeric_outcomes.jsonl.gz"):
        if (paper := papers.of(row["pmcid"])) is None:
            continue
        value = "events" if row["outcome_type"] == "binary" else "mean"
        arms = ("intervention", "comparator")
        gold = {f"{arm}_{name}": _number(row[f"{arm}_{name}"])
                for arm in arms for name in (value, "standard_deviation", "group_size")}  # fmt: skip
        known = frozenset(number for number in gold.values() if number is not None)
        printed = known & frozenset().union(*(numbers_in(p.text) for p in paper.passages))
        both = [number for arm in arms if (number := gold[f"{arm}_{value}"]) is not None]
        stand = len(both) == len(arms) and any(set(both) <= numbers_in(p.text) for p in paper.passages)
        words = (row["outcome"], row["intervention"], row["comparator"])
        if printed:
            yield Asked("results", paper, words, values=tuple(both) if stand else (), numbers=printed)


def _number(written: Any) -> float | None:
    try:
        return abs(float(str(written).replace(",", "")))
    except ValueError:
        return None


# Ways --------------------------------------------------------------------------------------------

Way = Callable[[Asked, int], Sequence[Passage]]


def ours(asked: Asked, characters: int) -> Sequence[Passage]:
    """As the product chooses."""
    cues = cues_for(asked.task)
    return choose(asked.paper.passages, asked.words, characters=characters, cues=cues).passages


def by_rows(asked: Asked, characters: int) -> Sequence[Passage]:
    """As ours, with the nearest rows of tables that do not fit whole."""
    cues = cues_for(asked.task)
    return choose(
        asked.paper.passages, asked.words, characters=characters, cues=cues, tables_by_rows=True
    ).passages


def first(asked: Asked, characters: int) -> Sequence[Passage]:
    """The first characters, the last passage cut where they end."""
    kept = []
    for passage in asked.paper.passages:
        if characters <= 0:
            break
        kept.append(passage.model_copy(update={"text": passage.text[:characters]}))
        characters -= len(passage.text) + 1
    return kept


def shuffled(asked: Asked, characters: int) -> Sequence[Passage]:
    """Title and abstract, then passages as a seeded shuffle has them, each whole where it still fits."""
    passages = asked.paper.passages
    drawn = [n for n, p in enumerate(passages) if not _is_outset(p)]
    random.Random(f"{SEED} {asked.paper.pmcid} {asked.words}").shuffle(drawn)
    kept = []
    for n in [*(n for n, p in enumerate(passages) if _is_outset(p)), *drawn]:
        if len(passages[n].text) + 1 <= characters:
            kept.append(n)
            characters -= len(passages[n].text) + 1
    return [passages[n] for n in sorted(kept)]


WAYS: dict[str, Way] = {"ours": ours, "rows": by_rows, "first": first, "random": shuffled}


# Figures -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Read:
    """A question and what is read for it."""

    asked: Asked
    passages: Sequence[Passage]

    @property
    def has_evidence(self) -> bool:
        """Whether a marked passage is read."""
        read = letters_of(self.passages)
        return any(text in read for text in self.asked.evidence)

    @property
    def has_values(self) -> bool:
        """Whether both arms' values are read in one passage, which may have been shortened."""
        wanted = set(self.asked.values)
        homes = [p for p in self.asked.paper.passages if wanted <= numbers_in(p.text)]
        return any(
            wanted <= numbers_in(" ".join(p.text for p in self.passages if _is_within(p, home)))
            for home in homes
        )

    @property
    def numbers(self) -> int:
        """How many of the question's numbers are read."""
        return len(self.asked.numbers & numbers_in("\n".join(p.text for p in self.passages)))


def _is_within(piece: Passage, passage: Passage) -> bool:
    return passage.start <= piece.start < passage.start + len(passage.text)


def row_of(task: str, characters: int, way: str, reads: Sequence[Read]) -> dict[str, Any]:
    """One line of the table."""
    row = {
        "task": task,
        "characters": characters,
        "way": way,
        "papers": len({r.asked.paper.pmcid for r in reads}),
        "read": _ratio(sum(map(_size, (r.passages for r in reads))),
                       sum(_size(r.asked.paper.passages) for r in reads)),
        "asked": len(reads),
    }  # fmt: skip
    if task == "direction":
        beyond = [r for r in reads if r.asked.is_beyond]
        return row | {
            "evidence": _ratio(sum(r.has_evidence for r in reads), len(reads)),
            "asked_beyond": len(beyond),
            "beyond": _ratio(sum(r.has_evidence for r in beyond), len(beyond)),
        }
    valued = [r for r in reads if r.asked.values]
    return row | {
        "asked_values": len(valued),
        "values": _ratio(sum(r.has_values for r in valued), len(valued)),
        "numbers": _ratio(sum(r.numbers for r in reads), sum(len(r.asked.numbers) for r in reads)),
    }


def _size(passages: Sequence[Passage]) -> int:
    return sum(len(passage.text) + 1 for passage in passages)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# Command -----------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print one table, and return 0; 2 when something given is wrong."""
    try:
        return _run(_parser().parse_args(arguments))
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status


def _run(given: argparse.Namespace) -> int:
    papers = _Papers(given.data, given.part)
    questions = [*directions(given.data, papers), *numeric(given.data, papers)]
    rows = []
    for task in ("direction", "results"):
        asked = [question for question in questions if question.task == task]
        for characters in given.budgets:
            for name, way in WAYS.items():
                rows.append(row_of(task, characters, name, [Read(a, way(a, characters)) for a in asked]))
    sizes = [_size(paper.passages) for paper in {q.paper.pmcid: q.paper for q in questions}.values()]
    fit = {str(n): _ratio(sum(size <= n for size in sizes), len(sizes)) for n in given.budgets}
    print(f"part {given.part}, seed {SEED}, {len(sizes)} papers")
    print(table(rows, COLUMNS))
    print("share of papers that fit whole:", ", ".join(f"{n}: {share or 0:.2f}" for n, share in fit.items()))
    write(given.out, {"part": given.part, "seed": SEED, "papers": len(sizes), "fit_whole": fit}, rows)
    return 0


def _parser() -> argparse.ArgumentParser:
    made = parser(__doc__ or "")
    made.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder with extraction and jats"
    )
    made.add_argument("--part", choices=("held-out", "design", "all"), default="held-out")
    made.add_argument("--budgets", type=int, nargs="+", default=list(BUDGETS), help="characters")
    return made


if __name__ == "__main__":
    sys.exit(main())
