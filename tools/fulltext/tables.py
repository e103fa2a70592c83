"""Tables of a full text as structure: captions, headings of columns, labels of rows, cells with their places. Pure.

`tools.fulltext.jats` keeps a table as lines of cells parted by ` | `, with the text of a spanning cell in each
place that it covers. Here the lines are taken apart again. What is a heading is told from what stands in the
lines, since many tables of PubMed Central mark none: a heading line holds no values, a line of one text alone
heads the rows below it, and the columns before the first one with values name the rows (the stub of a table,
in the terms of the Chicago Manual of Style).
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from tools.extraction.forms import form_of
from tools.schemas import Frozen, FullText, Passage

__all__ = ["Note", "PaperTable", "TableCell", "TableRow", "bare", "is_blank", "tables_in", "tables_of"]

MAX_CELLS = 50_000
"""Cells of a table that is taken apart; the largest real one seen has some 3,000."""

_BLANK = re.compile(r"[\s\-–—−.…†*‡/]*|n\.?/?[ad]\.?|nr|ns|na", re.IGNORECASE)
_SIZE = re.compile(r"\W*n\s?=\s?[\d,]+\W*(?:\([\d.]+\s?%\))?\W*", re.IGNORECASE)
_NAME = re.compile(r"^\s*(?:Table|Tab\.|Box)[\s-]*(?:[A-Z]?\d+[a-z]?|[IVXL]+)\b", re.IGNORECASE)
_NOTE = re.compile(r"^\W?\^?([a-z])(?=[A-Z\d ]|[a-z]+[ =])")


class TableCell(Frozen):
    """One cell: `text == canonical[start:end]`."""

    text: str
    start: int
    end: int


class Note(Frozen):
    """A footnote."""

    text: str
    start: int
    mark: str = ""
    """Its letter, where it begins with one."""


class TableRow(Frozen):
    """A line of values."""

    start: int
    end: int
    label: tuple[str, ...]
    """The stub's cells of this line, outermost first; a blank one has what stands above it."""
    section: str
    """The heading lines above it, such as `Adverse events`; empty without one."""
    cells: tuple[TableCell, ...]
    """All cells, those of the stub too."""
    columns: tuple[tuple[str, ...], ...]
    """What stands above each cell, outermost first, no text twice."""


class PaperTable(Frozen):
    """One table with what is said about it."""

    name: str
    """`Table 2`; empty without a number."""
    caption: str
    section: str
    """Section of the paper."""
    start: int
    end: int
    stub: int
    """How many columns, from the left, name the rows."""
    rows: tuple[TableRow, ...]
    notes: tuple[Note, ...] = ()

    @property
    def marks(self) -> frozenset[str]:
        """Letters that footnotes explain."""
        return frozenset(note.mark for note in self.notes if note.mark)


def tables_of(text: FullText) -> tuple[PaperTable, ...]:
    """The tables of a full text in reading order; offsets are into `text.canonical`."""
    return tables_in(text.passages)


def tables_in(passages: Iterable[Passage]) -> tuple[PaperTable, ...]:
    """The tables among passages. The caption is the passage before a table, its footnotes the captions behind it."""
    made: list[PaperTable] = []
    caption, open_ = "", False
    for passage in passages:
        if passage.kind == "table":
            made.append(_table(passage, caption))
            open_ = True
        elif passage.kind == "caption" and open_ and not _is_caption(passage.text):
            made[-1] = made[-1].model_copy(update={"notes": (*made[-1].notes, _note(passage))})
        else:
            caption, open_ = (passage.text if passage.kind == "caption" else ""), False
    return tuple(made)


def _is_caption(text: str) -> bool:
    return (
        re.match(r"\s*(?:Table|Tab\.|Fig|Box|Additional file|Supplement|Scheme|Appendix)", text) is not None
    )


def _note(passage: Passage) -> Note:
    hit = _NOTE.match(passage.text)
    return Note(text=passage.text, start=passage.start, mark=hit[1] if hit is not None else "")


def is_blank(text: str) -> bool:
    """Whether a cell says nothing: empty, a dash, `NA`."""
    return _BLANK.fullmatch(text) is not None


def bare(text: str, marks: frozenset[str]) -> str:
    """A label without the letter of a footnote that is glued to one of its words.

    >>> bare("Cognitive Standardised Scorea", frozenset("ab"))
    'Cognitive Standardised Score'
    """
    if not marks:
        return text
    letters = "".join(sorted(marks))
    text = re.sub(rf"(?:(?<=[a-z]{{3}})|(?<=[A-Z]{{2}}))[{letters}](?=\s?(?:\(|,|$))", "", text)
    return re.sub(rf"(?<=[)%\d])\^?[{letters}]$", "", text)


# Taking apart ------------------------------------------------------------------------------------


def _table(passage: Passage, caption: str) -> PaperTable:
    lines = list(_lines(passage))
    width = max((len(line) for line in lines), default=0)
    if width * len(lines) > MAX_CELLS:
        lines, width = [], 0
    lines = [_padded(line, width) for line in lines]
    stub = _stub(lines, width)
    name = _NAME.match(caption)
    return PaperTable(
        name=name.group().strip() if name is not None else "",
        caption=caption,
        section=passage.section,
        start=passage.start,
        end=passage.start + len(passage.text),
        stub=stub,
        rows=tuple(_rows(lines, stub)),
    )


_Line = tuple[TableCell, ...]


def _lines(passage: Passage) -> Iterator[_Line]:
    at = passage.start
    for line in passage.text.split("\n"):
        cells, begin = [], at
        for piece in line.split(" | "):
            left = len(piece) - len(piece.lstrip())
            text = piece.strip()
            cells.append(TableCell(text=text, start=begin + left, end=begin + left + len(text)))
            begin += len(piece) + 3
        if any(cell.text for cell in cells):
            yield tuple(cells)
        at += len(line) + 1


def _padded(line: _Line, width: int) -> _Line:
    end = line[-1].end
    return line + (TableCell(text="", start=end, end=end),) * (width - len(line))


def _is_value(text: str) -> bool:
    """Whether a cell holds a value, a p-value, or a count of people: no heading and no label."""
    text = re.sub(r"^[<>=≤≥~]\s?", "", text)
    return form_of(text, frozenset("abcdefgh")) is not None or bool(
        re.fullmatch(r"(?!n\s?=)[^A-Za-z]*\d(?:[^A-Za-z]*|.{0,24}[a-z]?)", text)
        and not re.search(r"[A-Za-z]{4}", text)
    )


def _is_number(text: str) -> bool:
    """Whether a cell is a value, or several of them: `3.6 (0.1); (22)`, and not `0.5 session`."""
    if form_of(text, frozenset("abcdefgh")) is not None:
        return True
    return (
        re.match(r"[<>=≤≥~(\[]?\s?[-−–+]?[\d.]", text) is not None
        and len(re.findall(r"\d+(?:[.·]\d+)?", text)) > 1
    )


def _stub(lines: Sequence[_Line], width: int) -> int:
    """How many columns from the left name rows: the first always does, others while they hold words."""
    first = next((n for n, line in enumerate(lines) if _has_values(line[1:])), 0)
    lines = lines[first:]  # headings are words, whatever stands below them
    stub = 1
    while stub < width - 1:
        filled = [
            line[stub].text for line in lines if not is_blank(line[stub].text) and not _is_section(line)
        ]
        values = sum(_is_number(text) for text in filled)
        if 3 * values > len(filled) or not any(_has_values(line[stub + 1 :]) for line in lines):
            break
        beyond = [sum(_is_value(line[j].text) for line in lines) for j in range(stub + 1, width)]
        # A column of words in the middle of values (`Improved`) names nothing.
        if not beyond or 2 * max(beyond) < len(filled) / 2:
            break
        stub += 1
    return min(stub, max(1, width - 1))


def _has_values(cells: Iterable[TableCell]) -> bool:
    """Whether half of the filled cells hold values."""
    filled = [cell.text for cell in cells if not is_blank(cell.text)]
    return bool(filled) and 2 * sum(map(_is_value, filled)) >= len(filled)


def _is_section(line: _Line) -> bool:
    texts = {cell.text for cell in line if not is_blank(cell.text)}
    return len(texts) == 1 and not is_blank(line[0].text)


def _rows(lines: Sequence[_Line], stub: int) -> Iterator[TableRow]:
    heads: list[_Line] = []
    above: tuple[str, ...] = ()
    section = ""
    started = False
    for number, line in enumerate(lines):
        if _is_section(line) and len(line) > 1 and (started or heads or number):
            section, above = line[0].text, ()
            continue
        if not started and _heads(line, stub, heads):
            heads.append(line)
            continue
        if started and _is_new_head(line, stub):
            named = next((cell.text for cell in line[:stub] if cell.text), "")
            section, above = named or section, ()
            heads = _replaced(heads, line)
            continue
        started = True
        label = _label(line, stub, above)
        above = label
        yield TableRow(
            start=line[0].start,
            end=line[-1].end,
            label=tuple(dict.fromkeys(filter(None, label))),
            section=section,
            cells=line,
            columns=_paths(heads, len(line)),
        )


def _heads(line: _Line, stub: int, heads: Sequence[_Line]) -> bool:
    """Whether a line before the first values is a heading: it has no values, or counts columns (`1 | 2 | 3`)."""
    beyond = [cell.text for cell in line[stub:] if not is_blank(cell.text)]
    if not beyond:
        return not any(cell.text for cell in line[stub:])
    if not _has_values(line[stub:]):
        return True
    unnamed = not any(cell.text for cell in line[:stub])
    return unnamed and bool(heads) and all(re.fullmatch(r"\d{1,4}\W?", text) for text in beyond)


def _is_new_head(line: _Line, stub: int) -> bool:
    """Whether a line between values heads those below it: words, or `n = 20`, and at least two of them."""
    filled = [cell.text for cell in line[stub:] if not is_blank(cell.text)]
    if len(filled) < 2:
        return False
    sized = sum(_SIZE.fullmatch(text) is not None for text in filled)
    words = sum(
        not _is_value(text) and re.search(r"[A-Za-z]{1}", text) is not None and not re.match(r"\d", text)
        for text in filled
    )
    return sized == len(filled) or 3 * words > 2 * len(filled)


def _replaced(heads: Sequence[_Line], line: _Line) -> list[_Line]:
    """The headings after a new heading line: it takes the place of the innermost, or of all of them.

    A line of sizes stands under what heads the columns; so does one under a heading that spans columns.
    """
    outer = [head for head in heads if not _only_sizes(head)]
    if all(_SIZE.fullmatch(cell.text) or is_blank(cell.text) for cell in line[1:]):
        return [*outer, line]
    if len(outer) < 2:
        spanning = outer and len({c.text for c in outer[0][1:] if c.text}) < sum(
            bool(c.text) for c in outer[0][1:]
        )
        return [*outer, line] if spanning else [line]
    return [*outer[:-1], line]


def _only_sizes(line: _Line) -> bool:
    return all(_SIZE.fullmatch(cell.text) or is_blank(cell.text) for cell in line[1:])


def _label(line: _Line, stub: int, above: tuple[str, ...]) -> tuple[str, ...]:
    """The stub's cells; left of the first filled one, blanks mean what stands above."""
    own = [cell.text for cell in line[:stub]]
    first = next((j for j, text in enumerate(own) if text), None)
    if first is None or not above:
        return tuple(own)
    return tuple(above[:first]) + tuple(own[first:])


def _paths(heads: Sequence[_Line], width: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(dict.fromkeys(head[j].text for head in heads if head[j].text)) for j in range(width))
