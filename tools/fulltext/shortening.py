"""What is read of a passage, or of a table with its caption, that is longer than all the room for it. Pure.

A text gives its sentences, a table its rows, best first, until the room is full; they stay in reading order, and
neighbours stay one piece. A table's header, and the row that heads a group of rows, go with what is taken of it.
Each piece is verbatim and has its own offset.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tools.fulltext import relevance
from tools.fulltext.quotes import sentences
from tools.schemas import Passage

__all__ = ["Shortened", "length", "shortened"]

MAX_HEADER = 1000
"""Characters of a table's header that are read with its rows."""
MAX_HEADER_ROWS = 3
WORTH = 80
"""Characters below which a piece of a passage says too little to be read."""


class Shortened(NamedTuple):
    """Pieces by the number of their passage, and which passages are not whole."""

    pieces: dict[int, tuple[Passage, ...]]
    cut: frozenset[int]


def length(passages: Iterable[Passage]) -> int:
    """Characters of some passages, a line break with each."""
    return sum(len(passage.text) + 1 for passage in passages)


def shortened(passages: Sequence[Passage], asked: relevance.Terms, room: int) -> Shortened | None:
    """What of these passages, which belong together, is read in that room; None where nothing of use fits.

    Args:
        passages: a paragraph, or a table or figure with caption and footnotes.
        asked: terms of the question with their weights.
        room: characters, a line break with each piece.
    """
    pieces: dict[int, tuple[Passage, ...]] = {}
    left = room
    main = next((n for n, p in enumerate(passages) if p.kind == "table"), 0)
    above, below = range(main), range(main + 1, len(passages))
    for n in (*above, main, *below):
        whole = length([passages[n]])
        if whole <= left:
            pieces[n] = (passages[n],)
        elif n == main:
            pieces[n] = _pieces(passages[n], asked, left)
        left -= length(pieces.get(n, ()))
    if not pieces.get(main):
        return None
    cut = frozenset(n for n in range(len(passages)) if pieces.get(n) != (passages[n],))
    return Shortened(pieces, cut)


class _Span(NamedTuple):
    start: int
    end: int


def _pieces(passage: Passage, asked: relevance.Terms, room: int) -> tuple[Passage, ...]:
    if room < WORTH:
        return ()
    is_table = passage.kind == "table"
    spans = _rows(passage.text) if is_table else [_Span(*s) for s in sentences(passage.text)]
    goes_with = _heads(passage.text, spans) if is_table else {}
    taken: set[int] = set()
    left = room
    for n in _best_first(passage.text, spans, asked):
        new = {n, *goes_with.get(n, ())} - taken
        # A line break for each, as if none were neighbours: never more than the room.
        cost = sum(spans[m].end - spans[m].start + 1 for m in new)
        if cost <= left:
            taken |= new
            left -= cost
    if not taken:
        return () if is_table else (_torn(passage, room),)
    return tuple(_joined(passage, spans, sorted(taken)))


def _best_first(text: str, spans: Sequence[_Span], asked: relevance.Terms) -> list[int]:
    scores = relevance.bm25([relevance.terms(text[s.start : s.end]) for s in spans], asked)
    return sorted(range(len(spans)), key=lambda n: (-scores[n], n))


def _joined(passage: Passage, spans: Sequence[_Span], taken: Sequence[int]) -> Iterable[Passage]:
    runs: list[list[int]] = []
    for n in taken:
        if runs and runs[-1][-1] == n - 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    for run in runs:
        start, end = spans[run[0]].start, spans[run[-1]].end
        yield passage.model_copy(update={"start": passage.start + start, "text": passage.text[start:end]})


def _torn(passage: Passage, room: int) -> Passage:
    """The beginning of a passage whose every sentence is too long, up to the last space that fits."""
    end = passage.text.rfind(" ", 1, room)
    return passage.model_copy(update={"text": passage.text[: end if end > 0 else room - 1]})


# Tables ------------------------------------------------------------------------------------------


def _rows(text: str) -> list[_Span]:
    return [_Span(*hit.span()) for hit in re.finditer(r"[^\n]+", text)]


def _heads(text: str, rows: Sequence[_Span]) -> Mapping[int, tuple[int, ...]]:
    """Rows that each row needs: the header, and the row that heads its group."""
    cells = [[cell.strip() for cell in text[row.start : row.end].split(" | ")] for row in rows]
    header = _header(cells, rows)
    needs: dict[int, tuple[int, ...]] = {}
    group: tuple[int, ...] = ()
    for n, row in enumerate(cells):
        if n in header:
            continue
        if len(set(filter(None, row))) == 1:  # one text, in one cell or across all
            group = (n,)
            needs[n] = header
        else:
            needs[n] = header + group
    return needs


def _header(cells: Sequence[Sequence[str]], rows: Sequence[_Span]) -> tuple[int, ...]:
    """The first row, and those after it that name columns still: no number beyond their first cell but `n = 12`."""
    count = 1
    while count < min(MAX_HEADER_ROWS, len(cells)) and not _has_data(cells[count]):
        count += 1
    if count == len(cells) or rows[count - 1].end > MAX_HEADER:
        count = 1
    return tuple(range(count)) if rows and rows[0].end <= MAX_HEADER else ()


def _has_data(row: Sequence[str]) -> bool:
    told = [re.sub(r"\bn\s*=\s*[\d,]+", "", cell, flags=re.IGNORECASE) for cell in row[1:]]
    return any(c.isdigit() for cell in told for c in cell) or len(set(filter(None, row))) == 1
