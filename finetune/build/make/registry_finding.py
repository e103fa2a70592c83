"""Where a paper tells what a registry posts: the row or sentence with the numbers of all groups. Pure.

A number proves nothing by itself. It counts where a row or sentence names the measure, speaks of no other time, and
holds the numbers of all groups: in the columns that bear the groups' names, or, where no column can be told by its
name, each number in one cell only. `62.3` is `62.30`, and `1,204` is `1204`; any other number is another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from finetune.build.make.papers import MAX_QUOTE, quote_at
from finetune.build.make.registered import ALIKE, AMBIGUOUS, NOT_IN_TEXT, Posted
from tools.extraction.forms import NUM, plain
from tools.fulltext.quotes import sentences
from tools.fulltext.relevance import abbreviations, stem, terms, with_abbreviations
from tools.fulltext.tables import PaperTable, TableCell, TableRow, tables_in
from tools.registry.arms import ArmName, match_arms
from tools.registry.matching import days, same_time
from tools.schemas import Passage

__all__ = ["Found", "Named", "Wanted", "find", "named"]

LEAST_SHARE = 0.6
"""Of a measure's words, those that must stand in the row with its headings, or in the sentence."""

_NUMBER = re.compile(NUM)
_SIZE = re.compile(r"[\[(]?\s?\bn\s?=\s?[\d,]+\s?[\])]?", re.IGNORECASE)
_SYNONYMS = tuple(
    frozenset(map(stem, words.split()))
    for words in (
        "female females women woman girls", "male males men man boys", "sex gender", "white caucasian",
        "assigned randomised allocated",
    )
)  # fmt: skip
_EMPTY = frozenset(
    terms(
        "continuous categorical customized baseline mean median number percentage proportion participants patients "
        "subjects score total measure change from week weeks month months day days year years"
    )
)


class Wanted(NamedTuple):
    """One group's numbers."""

    group: str
    description: str
    posted: Posted


class Found(NamedTuple):
    """The numbers as the paper prints them, in plain digits, and the span that tells them."""

    quote: str
    value: str
    spread: str | None
    lower: str | None
    upper: str | None
    column: str = ""
    """What stands above the cell; empty in a sentence."""
    beside: str = ""
    """Row with its headings, or the sentence."""


class Named(NamedTuple):
    """What a row or sentence is told by."""

    words: tuple[Mapping[str, float], ...]
    """Of each part of the name its stems; each part has to be named."""
    time: str
    """Time points of the measure, in words; empty for none."""

    def fits(self, own: str, around: str) -> bool:
        """Whether a row or sentence is about it.

        Args:
            own: the row's label, or the sentence.
            around: what heads it: caption, headings of rows and columns.
        """
        here, there = _known(own), _known(own) | _known(around)
        last = self.words[-1] if self.words else {}
        if not last or not (set(last) & here):
            return False
        if any(part and _share(part, there) < LEAST_SHARE for part in self.words):
            return False
        return not self.time or same_time(self.time, f"{own} ; {around}") is not False


def named(parts: Sequence[str], time: str, passages: Sequence[Passage]) -> Named:
    """The name of a measure, with the paper's own abbreviations of it.

    Args:
        parts: such as the measure's title and the category; a row must name each, and the last in its own label.
        time: time points; empty for none.
        passages: the paper.
    """
    known = abbreviations(passage.text for passage in passages)
    made = []
    for part in parts:
        told = [term for term in terms(part) if term not in _EMPTY] or terms(part)
        made.append(with_abbreviations(dict.fromkeys(told, 1.0), known))
    return Named(tuple(part for part in made if part), time)


def find(passages: Sequence[Passage], name: Named, wanted: Sequence[Wanted]) -> tuple[Found, ...] | str:
    """The numbers of all groups in one row or sentence, or why they cannot be had.

    Returns:
        For each group what the paper prints, in the order of `wanted`; else a reason from `registered`.
    """
    why = NOT_IN_TEXT
    for found in (*_in_tables(passages, name, wanted), *_in_sentences(passages, name, wanted)):
        if not isinstance(found, str):
            return found
        why = AMBIGUOUS if AMBIGUOUS in (found, why) else ALIKE if ALIKE in (found, why) else why
    return why


# Words -------------------------------------------------------------------------------------------


def _known(text: str) -> frozenset[str]:
    told = set(terms(text))
    for words in _SYNONYMS:
        if told & words:
            told |= words
    return frozenset(told)


def _share(part: Mapping[str, float], there: frozenset[str]) -> float:
    return sum(weight for term, weight in part.items() if term in there) / sum(part.values())


# Tables ------------------------------------------------------------------------------------------


def _in_tables(
    passages: Sequence[Passage], name: Named, wanted: Sequence[Wanted]
) -> Iterator[tuple[Found, ...] | str]:
    for table in tables_in(passages):
        for row in table.rows:
            own = " ".join((*row.label, row.section))
            heads = " ".join(piece for path in row.columns for piece in path)
            if name.fits(own, f"{table.caption} {heads}"):
                yield _in_row(passages, table, row, wanted)


def _in_row(
    passages: Sequence[Passage], table: PaperTable, row: TableRow, wanted: Sequence[Wanted]
) -> tuple[Found, ...] | str:
    cells = [(n, cell) for n, cell in enumerate(row.cells) if n >= table.stub]
    columns = _columns(row, [n for n, _ in cells], wanted)
    taken: list[int] = []
    made = []
    for number, one in enumerate(wanted):
        fitting = [(n, told) for n, cell in cells if (told := _told(cell, one.posted)) is not None]
        if columns is not None:
            fitting = [(n, told) for n, told in fitting if n in columns[number]]
        if len(fitting) != 1:
            return AMBIGUOUS if fitting else NOT_IN_TEXT
        n, told = fitting[0]
        quote = _row_quote(passages, row, row.cells[n])
        if quote is None:
            return NOT_IN_TEXT
        taken.append(n)
        label = " ".join((table.caption, *row.label, row.section))
        made.append(told._replace(quote=quote, column=" ".join(row.columns[n]), beside=label))
    if len(set(taken)) < len(taken):
        return ALIKE
    # Columns that were told by their numbers may be another time's.
    times = {frozenset(days(one.column)) for one in made}
    return tuple(made) if len(times) == 1 else AMBIGUOUS


def _columns(row: TableRow, cells: Sequence[int], wanted: Sequence[Wanted]) -> list[set[int]] | None:
    """The columns of each group by their headings; None where not every group has one of its own."""
    heads = {n: _SIZE.sub(" ", " ".join(row.columns[n])).strip() for n in cells if n < len(row.columns)}
    if len(wanted) == 1 and len(cells) == 1:
        return [set(cells)]
    groups = [ArmName(name=_SIZE.sub(" ", one.group), description=one.description) for one in wanted]
    found = match_arms([ArmName(name=head) for head in heads.values()], groups)
    columns = [
        {n for n, match in zip(heads, found, strict=True) if match.arm == group.name} for group in groups
    ]
    if sum(not held for held in columns) == 1:
        _by_elimination(columns, heads, groups)
    return columns if all(columns) else None


def _by_elimination(columns: Sequence[set[int]], heads: Mapping[int, str], groups: Sequence[ArmName]) -> None:
    """The last group has the only column that is left and that shares a word with its name."""
    last = next(n for n, held in enumerate(columns) if not held)
    left = set(heads) - set().union(*columns)
    sharing = {n for n in left if set(terms(heads[n])) & set(terms(groups[last].name))}
    if len(sharing) == 1:
        columns[last].update(sharing)


def _told(cell: TableCell, posted: Posted) -> Found | None:
    """The numbers of a cell, where the first is the value and those beside it are there too."""
    printed = [plain(hit.group()) for hit in _NUMBER.finditer(cell.text)]
    if not printed or not _equal(printed[0], posted.value):
        return None
    return _beside(printed, posted)


def _beside(printed: Sequence[str], posted: Posted) -> Found | None:
    made: list[str | None] = []
    for number in (posted.spread, posted.lower, posted.upper):
        held = None if number is None else next((p for p in printed[1:] if _equal(p, number)), None)
        if number is not None and held is None:
            return None
        made.append(held)
    spread, lower, upper = made
    return Found("", printed[0], spread, lower, upper)


def _equal(printed: str, posted: str) -> bool:
    try:
        return float(printed) == float(posted)
    except ValueError:
        return False


def _row_quote(passages: Sequence[Passage], row: TableRow, cell: TableCell) -> str | None:
    """The row, or what of it reaches to the cell where the whole is too long."""
    for number, passage in enumerate(passages):
        if passage.kind == "table" and passage.start <= row.start < passage.start + len(passage.text):
            end = row.end if row.end - row.start <= MAX_QUOTE else cell.end
            return quote_at(passages, number, row.start - passage.start, end - passage.start)
    return None


# Sentences ---------------------------------------------------------------------------------------


def _in_sentences(
    passages: Sequence[Passage], name: Named, wanted: Sequence[Wanted]
) -> Iterator[tuple[Found, ...] | str]:
    for passage in passages:
        if passage.kind in ("table", "title"):
            continue
        for start, end in sentences(passage.text):
            text = passage.text[start:end]
            if len(text) <= MAX_QUOTE and name.fits(text, ""):
                yield _in_sentence(text, wanted)


def _in_sentence(text: str, wanted: Sequence[Wanted]) -> tuple[Found, ...] | str:
    """Every group's number once, and not by chance: two digits or more in all but one of them."""
    values = [one.posted.value for one in wanted]
    if len({float(value) for value in values}) < len(values):
        return ALIKE
    if sum(len(re.sub(r"\D", "", value)) < 2 for value in values) > (1 if len(values) > 1 else 0):
        return NOT_IN_TEXT
    if len(wanted) == 1 and len(re.sub(r"\D", "", values[0])) < 3:
        return NOT_IN_TEXT
    hits = list(_NUMBER.finditer(text))
    made = []
    for one in wanted:
        places = [n for n, hit in enumerate(hits) if _equal(plain(hit.group()), one.posted.value)]
        if len(places) != 1:
            return AMBIGUOUS if places else NOT_IN_TEXT
        near = [
            hits[places[0]],
            *(h for h in hits[places[0] + 1 :] if h.start() - hits[places[0]].end() <= 60),
        ]
        told = _beside([plain(hit.group()) for hit in near[:4]], one.posted)
        if told is None:
            return NOT_IN_TEXT
        made.append(told._replace(quote=text, beside=text))
    return tuple(made)
