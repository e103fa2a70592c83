"""Where the numbers that people read of an outcome in two arms stand: in a row of a table, or in a sentence. Pure.

Both arms are looked for together. A row or a sentence that holds mean and spread of both, each in a place of its own,
is hardly there by chance; one number alone may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from finetune.build.make import annotated as read
from finetune.build.make.numbers_matching import Gold, match
from tools.extraction.numbers import Reading, reading_of, readings_in
from tools.fulltext import relevance
from tools.fulltext.tables import PaperTable, TableRow, tables_in
from tools.schemas import Passage

__all__ = ["Named", "Place", "Told", "apart", "in_order", "places"]


class Named(NamedTuple):
    """Words of the question."""

    outcome: str
    arms: tuple[str, str]


class Told(NamedTuple):
    """One arm's value as the report prints it."""

    reading: Reading
    dispersion: str
    """What stands beside it, in ClinicalTrials.gov's words; empty where nothing does."""
    quote: str
    label: str
    """What the row is called, for its unit."""


@dataclass(frozen=True)
class Place:
    """The values of both arms."""

    arms: tuple[Told, Told]
    named: float
    """Share of the outcome's words that stand at the row, in its headings and its caption, or in the sentence."""
    close: float
    """As `named`, at the row's label or the sentence alone."""
    sides: int
    """How many arms are named at their values: of two."""
    when: str
    """The time that headings or label name; empty where they name none."""
    start: int
    others: int
    """How many more values of such a kind stand in the row or sentence."""
    changed: bool = False
    """Whether headings, label or caption call it a change."""


def places(passages: Sequence[Passage], named: Named, gold: tuple[Gold, Gold]) -> tuple[Place, ...]:
    """Every place that holds the numbers of both arms, the best first."""
    known = relevance.abbreviations(p.text for p in passages)
    words = _Words(
        outcome=read.names(named.outcome, known),
        arms=apart(*(read.stems(arm) for arm in named.arms)),
    )
    found = [*_in_tables(passages, words, gold), *_in_sentences(passages, words, gold)]
    return tuple(sorted(found, key=lambda p: (-p.close, -p.named, -p.sides, p.others, p.start)))


class _Words(NamedTuple):
    outcome: read.Names
    arms: tuple[frozenset[str], frozenset[str]]
    """What tells each arm from the other."""


def apart(one: frozenset[str], other: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The stems that tell each of two names from the other; a name that is a part of the other keeps all its own."""
    return (one - other or one, other - one or other)


# Tables ------------------------------------------------------------------------------------------


class _Cell(NamedTuple):
    row: TableRow
    at: int
    end: int
    told: Reading
    dispersion: str


def _in_tables(passages: Sequence[Passage], words: _Words, gold: tuple[Gold, Gold]) -> Iterator[Place]:
    for table in tables_in(passages):
        cells = [_matching(table, one) for one in gold]
        for first in cells[0]:
            for second in cells[1]:
                if (first.row.start, first.at) == (second.row.start, second.at):
                    continue
                if first.row is second.row or first.at == second.at:
                    place = _placed(table, (first, second), words, passages)
                    if place is not None:
                        yield place


def _matching(table: PaperTable, gold: Gold) -> list[_Cell]:
    found = []
    for row in table.rows:
        for j in range(table.stub, len(row.cells)):
            hit = _read(table, row, j, gold)
            if hit is not None:
                found.append(hit)
    return found


def _read(table: PaperTable, row: TableRow, j: int, gold: Gold) -> _Cell | None:
    """A cell, or a mean with the deviation in the cell behind it."""
    layers = (
        *row.label,
        row.section,
        *reversed(row.columns[j]),
        table.caption,
        *(n.text for n in table.notes),
    )
    reading = reading_of(row.cells[j].text, layers, gold.size, table.marks)
    if reading is None:
        return None
    hit = match(reading, gold)
    if hit is None and gold.spread is not None and reading.kind in ("mean", "number"):
        beside = _beside(table, row, j, gold)
        hit = match(replace(reading, spread=beside, spread_kind="sd"), gold) if beside else None
        if hit is not None:
            return _Cell(row, j, row.cells[j + 1].end, *hit)
    return _Cell(row, j, row.cells[j].end, *hit) if hit is not None else None


_DEVIATION = re.compile(r"\bS\.?D\b|standard deviation|±", re.IGNORECASE)


def _beside(table: PaperTable, row: TableRow, j: int, gold: Gold) -> str | None:
    """The standard deviation in a column of its own: its heading says so."""
    if j + 1 >= len(row.cells) or not any(_DEVIATION.search(piece) for piece in row.columns[j + 1]):
        return None
    reading = reading_of(row.cells[j + 1].text, (), None, table.marks)
    return reading.value if reading is not None and reading.spread is None else None


def _placed(
    table: PaperTable, both: tuple[_Cell, _Cell], words: _Words, passages: Sequence[Passage]
) -> Place | None:
    heads = [_head(cell) for cell in both]
    sides = _sides(heads, words)
    if sides is None:
        return None
    quotes = [_line(cell, passages) for cell in both]
    if not all(quotes):
        return None
    same = both[0].row is both[1].row
    label = " ".join((*both[0].row.label, both[0].row.section))
    close = label if same else " ".join(both[0].row.columns[both[0].at])
    around = f"{label} {' '.join(both[0].row.columns[both[0].at])} {table.caption}"
    told = [
        Told(cell.told, cell.dispersion, quote, " ".join(cell.row.label))
        for cell, quote in zip(both, quotes, strict=True)
    ]
    return Place(
        arms=(told[0], told[1]),
        named=read.covered(words.outcome, around),
        close=max(read.covered(words.outcome, close), _by_caption(table, both, words)),
        sides=sides,
        when=_when((*both[0].row.label, both[0].row.section, *both[0].row.columns[both[0].at])),
        start=both[0].row.start,
        others=_like(table, both, words),
        changed=_is_change(both[0], table),
    )


def _by_caption(table: PaperTable, both: tuple[_Cell, _Cell], words: _Words) -> float:
    """How well the caption names the outcome of a table whose rows are times."""
    labels = [" ".join(cell.row.label) for cell in both]
    timed = all(re.fullmatch(r"\W*\d*\W*", label) or _TIME.fullmatch(label.strip()) for label in labels)
    return read.covered(words.outcome, table.caption) if timed else 0.0


def _head(cell: _Cell) -> str:
    return " ".join((*cell.row.columns[cell.at], *cell.row.label))


_GENERAL = (
    re.compile(
        r"\b(?:intervention|treatment|treated|experimental|active|study group|exercise|training)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:controls?|placebo|usual|standard|sham|conventional|untreated|comparator)\b", re.IGNORECASE
    ),
)
"""How headings call the two sides, whatever was given."""


def _own(words: _Words, arm: int, head: str) -> float:
    """How well a heading names an arm; a general word for its side is worth half."""
    named = read.covered((words.arms[arm],), head)
    return max(named, 0.5 * bool(_GENERAL[arm].search(head) and not _GENERAL[1 - arm].search(head)))


def _sides(heads: Sequence[str], words: _Words) -> int | None:
    """How many arms are named at their own values and not at the other's; None where they are named crosswise."""
    own = [_own(words, n, heads[n]) for n in (0, 1)]
    cross = [_own(words, n, heads[1 - n]) for n in (0, 1)]
    if sum(cross) > sum(own):
        return None
    return sum(mine > theirs for mine, theirs in zip(own, cross, strict=True))


def _line(cell: _Cell, passages: Iterable[Passage], longest: int = 600) -> str:
    """The line of a table as the passage has it, up to the value where the whole is too long to be quoted."""
    for passage in passages:
        if passage.start <= cell.row.start < passage.start + len(passage.text):
            for end in (cell.row.end, cell.end):
                line = passage.text[cell.row.start - passage.start : end - passage.start].strip()
                if len(line) <= longest:
                    return line
    return ""


def _like(table: PaperTable, both: tuple[_Cell, _Cell], words: _Words) -> int:
    """How many other values of the arms' kind stand in their rows under headings that fit as well."""
    more = 0
    for arm, cell in enumerate(both):
        row, texts = cell.row, {each.row.cells[each.at].text for each in both}
        mine = _fit(words, arm, row.columns[cell.at])
        for j in range(table.stub, len(row.cells)):
            reading = reading_of(row.cells[j].text, (*row.label, table.caption), None, table.marks)
            alike = reading is not None and reading.kind in (cell.told.kind, "number")
            if j != cell.at and alike and row.cells[j].text not in texts:
                more += all(a >= b for a, b in zip(_fit(words, arm, row.columns[j]), mine, strict=True))
    return more


_CHANGE = re.compile(r"\bchange[sd]?\b|[ΔδΔ]", re.IGNORECASE)
_START = re.compile(r"\b(?:baseline|before|pre-?\w*|initial|at entry)\b", re.IGNORECASE)


def _is_change(cell: _Cell, table: PaperTable) -> bool:
    own = " ".join((*cell.row.columns[cell.at], *cell.row.label, cell.row.section))
    return _CHANGE.search(own) is not None or (
        _CHANGE.search(table.caption) is not None and _START.search(own) is None
    )


def _fit(words: _Words, arm: int, path: Sequence[str]) -> tuple[float, float]:
    """How well a heading names the arm and the outcome."""
    head = " ".join(path)
    return _own(words, arm, head), read.covered(words.outcome, head)


_TIME = re.compile(
    r"(?:\b(?:day|week|month|year|visit|hour)s?\s?[-–]?\s?\d+(?:[.–-]\d+)?\b"
    r"|\b\d+(?:[.–-]\d+)?[\s-]?(?:th|st|nd|rd)?[\s-]?(?:days?|d|weeks?|wks?|w|months?|mo|years?|yrs?|y|hours?|h|min)\b"
    r"|\b(?:baseline|post-?\s?(?:test|treatment|intervention|op\w*)|pre-?\s?(?:test|treatment|intervention|op\w*)"
    r"|follow[- ]?up|end ?point|discharge)\b)",
    re.IGNORECASE,
)  # fmt: skip


def _when(pieces: Iterable[str]) -> str:
    """The headings or labels that name a time, or what of a longer one names it."""
    parts = [part for piece in pieces for part in re.split(r"[;|]", piece)]
    found = [part if len(part) <= 40 else hit.group() for part in parts if (hit := _TIME.search(part))]
    return ", ".join(dict.fromkeys(each.strip(" ,;:") for each in found))


_TOLD_WHEN = re.compile(r"\b(?:at|after|during|until|by|within)\s(?:the\s)?" + _TIME.pattern, re.IGNORECASE)


def _times_told(sentence: str) -> list[str]:
    """The times that a sentence names, each once."""
    return sorted({hit.group().strip() for hit in _TOLD_WHEN.finditer(sentence)})


# Sentences ---------------------------------------------------------------------------------------


def _in_sentences(passages: Sequence[Passage], words: _Words, gold: tuple[Gold, Gold]) -> Iterator[Place]:
    texts = [p for p in passages if p.kind in ("paragraph", "abstract")]
    for passage, sentence in read.sentences_in(texts):
        if len(sentence) > 600:
            continue
        readings = list(readings_in(sentence))
        hits = [[(r, hit) for r in readings if (hit := match(r, one)) is not None] for one in gold]
        for first, one in hits[0]:
            for second, other in hits[1]:
                sides = in_order(sentence, (first.start, second.start), words.arms)
                if first.start == second.start or sides is None:
                    continue
                times = _times_told(sentence)
                yield Place(
                    arms=(Told(*one, sentence, ""), Told(*other, sentence, "")),
                    named=read.covered(words.outcome, f"{passage.section} {sentence}"),
                    close=read.covered(words.outcome, sentence),
                    sides=sides,
                    when=times[0] if len(times) == 1 else "",
                    start=passage.start,
                    others=max(0, len(times) - 1),
                    changed=_CHANGE.search(sentence) is not None,
                )


def in_order(
    sentence: str, values: tuple[int, int], arms: tuple[frozenset[str], frozenset[str]]
) -> int | None:
    """How many arms are named in the order of their values, or nearest to it; None where it is the other's.

    Args:
        sentence: that holds both values.
        values: where the value of each arm begins.
        arms: the stems that tell each arm from the other.
    """
    places = [_places(sentence, arm) for arm in arms]
    if places[0] and places[1]:
        return 2 if (places[0][0] < places[1][0]) == (values[0] < values[1]) else None
    for arm in (0, 1):
        if places[arm]:
            mine, theirs = (
                min(abs(at - value) for at in places[arm]) for value in (values[arm], values[1 - arm])
            )
            ahead = max(places[arm]) < min(values)
            return None if mine > theirs and not ahead else 1
    return 0


def _places(sentence: str, arm: frozenset[str]) -> list[int]:
    """Where words of an arm stand."""
    return [m.start() for m in re.finditer(r"[^\W_]+", sentence) if relevance.stem(m.group()) in arm]
