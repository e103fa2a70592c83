"""A registry entry written as reports are: its own layout, tables of two kinds, sentences. Pure.

Every number keeps the digits it is posted with, and each has a quote. The entry's own layout is that of
`tools.registry.text`; the others put the same values as papers do, so that what is learned is to read a table and not
to know one layout.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from finetune.build.make.papers import MAX_QUOTE, quote_at
from finetune.build.make.registered import denominator_of, dispersion_of, groups_of, parameter_of
from tools.registry.results import Group, Measure, Measurement, PostedOutcome
from tools.registry.text import Written
from tools.registry.trial import RegisteredTrial
from tools.schemas import Passage

__all__ = ["LAYOUTS", "Layout", "Piece", "Span", "Text", "as_paper", "joined", "of_entry"]

Layout = Literal["entry", "rows", "columns", "sentences"]
LAYOUTS: tuple[Layout, ...] = ("entry", "rows", "columns", "sentences")
"""entry      as `tools.registry.text` writes it
rows       tables with a column for each group
columns    tables with a row for each group
sentences  no tables"""

_KINDS = {
    "MEAN": "mean", "LEAST_SQUARES_MEAN": "least-squares mean", "GEOMETRIC_MEAN": "geometric mean",
    "GEOMETRIC_LEAST_SQUARES_MEAN": "geometric least-squares mean", "LOG_MEAN": "log mean", "MEDIAN": "median",
    "COUNT_OF_PARTICIPANTS": "n", "COUNT_OF_UNITS": "n", "NUMBER": "",
}  # fmt: skip
_SHORT = {
    "Standard Deviation": "SD",
    "Standard Error": "SE",
    "Inter-Quartile Range": "IQR",
    "Full Range": "range",
}


MAX_LINE = 400
"""Characters of a line of words that is quoted whole."""


class Span(NamedTuple):
    """A stretch of a passage that tells a value."""

    path: str
    start: int
    end: int


class Piece(NamedTuple):
    """A passage to be, and which stretch of it tells which value."""

    section: str
    kind: Literal["title", "abstract", "paragraph", "caption", "table"]
    text: str
    spans: tuple[Span, ...] = ()


class Text(NamedTuple):
    """Passages, and by the path of a posted value the quote that tells it."""

    passages: tuple[Passage, ...]
    quotes: Mapping[str, str]


# The entry's own layout --------------------------------------------------------------------------


def of_entry(written: Written, paths: Sequence[str], sections: Callable[[str], bool]) -> Text:
    """Some sections of an entry, as it is written out.

    Args:
        written: the whole entry.
        paths: of the values that quotes are wanted of.
        sections: whether a section, by its name, is shown; what is not shown has no quotes.
    """
    passages = tuple(p for p in written.text.passages if sections(p.section))
    quotes = {}
    for path in paths:
        start, end = written.spans.get(path, (0, 0))
        held = (n for n, p in enumerate(passages) if p.start <= start and end <= p.start + len(p.text))
        if end > start and (n := next(held, None)) is not None:
            quote = _line(passages, n, start - passages[n].start, end - passages[n].start)
            if quote is not None:
                quotes[path] = quote
    return Text(passages, quotes)


def _line(passages: Sequence[Passage], number: int, start: int, end: int) -> str | None:
    """The line that a value stands in; of one that is too long, the value and what stands before it."""
    text = passages[number].text
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    if stop - begin > (MAX_QUOTE if passages[number].kind == "table" else MAX_LINE):
        stop = end
    if stop - begin > MAX_QUOTE:
        begin = start
    return quote_at(passages, number, begin, stop)


# Other layouts -----------------------------------------------------------------------------------


def as_paper(
    trial: RegisteredTrial, measures: Sequence[Measure], layout: Layout, chance: random.Random
) -> Text:
    """A report about a trial that tells some measures.

    Args:
        trial: whose title, summary and arms stand above them.
        measures: baseline measures and outcomes, in the order in which they are to stand.
        layout: `rows`, `columns` or `sentences`.
        chance: draws how numbers are set, and what stands above them.
    """
    pieces = [Piece("", "title", trial.title)] if trial.title else []
    if trial.summary and chance.random() < 0.6:
        pieces.append(Piece("Abstract", "abstract", trial.summary.text))
    pieces += _methods(trial, chance)
    style = _Style(chance)
    for number, measure in enumerate(measures, 1):
        pieces += _SETTERS[layout](measure, number, style)
    return joined(pieces)


def _methods(trial: RegisteredTrial, chance: random.Random) -> Iterator[Piece]:
    if trial.arms and chance.random() < 0.7:
        yield Piece("Methods", "title", "Methods")
        for arm in trial.arms:
            more = f": {arm.description.text}" if arm.description else ""
            yield Piece("Methods", "paragraph", f"{arm.label.text}{more}")
    if trial.eligibility and chance.random() < 0.3:
        yield Piece("Methods > Eligibility", "paragraph", trial.eligibility.text)


class _Style:
    """How numbers are set in one report."""

    def __init__(self, chance: random.Random) -> None:
        self.plus_minus = chance.random() < 0.4
        self.limits = chance.choice(("({0} to {1})", "[{0}, {1}]", "({0}–{1})"))
        self.size = chance.choice(("(n = {0})", "(N={0})", "n={0}"))
        self.label_first = chance.random() < 0.5

    def number(self, told: Measurement) -> str:
        """Value with what stands beside it, and the comment of a value that does not exist."""
        said = told.value.text if told.value else "–"
        if told.spread is not None:
            said += f" ± {told.spread.text}" if self.plus_minus else f" ({told.spread.text})"
        if told.lower is not None or told.upper is not None:
            limits = self.limits
            if "–" in limits and any("-" in (f.text if f else "") for f in (told.lower, told.upper)):
                limits = "({0} to {1})"  # a dash before a minus sign cannot be read
            lower, upper = (figure.text if figure else "NA" for figure in (told.lower, told.upper))
            said += " " + limits.format(lower, upper)
        return said

    def beside(self, measure: Measure, told: Sequence[Measurement]) -> str:
        """What is printed of the kind of numbers: `mean (SD)`."""
        kind = _KINDS.get(parameter_of(measure), "")
        spread = dispersion_of(measure)
        name = _SHORT.get(spread) or spread.replace("Confidence Interval", "CI")
        if not name or not any(one.spread or one.lower for one in told):
            return kind
        if self.plus_minus and any(one.spread for one in told):
            return f"{kind} ± {name}".strip()
        return f"{kind} ({name})".strip()


class _Told(NamedTuple):
    """One row of a measure: its name, and the number of each group that has one."""

    name: str
    by_group: Mapping[str, Measurement]


def _rows_of(measure: Measure) -> list[_Told]:
    rows = []
    for held in measure.classes:
        for category in held.categories:
            name = ", ".join(leaf.text for leaf in (held.title, category.title) if leaf is not None)
            rows.append(_Told(name, {m.group_id: m for m in category.measurements}))
    return rows


def _name(measure: Measure) -> str:
    frame = measure.time_frame if isinstance(measure, PostedOutcome) else None
    title = measure.title.text if measure.title else "Measure"
    return f"{title} [{frame.text}]" if frame else title


def _section(measure: Measure) -> str:
    return "Results" if isinstance(measure, PostedOutcome) else "Results > Baseline characteristics"


def _sized(measure: Measure, group: Group, style: _Style) -> str:
    held = denominator_of(measure, group)
    return f"{group.name} {style.size.format(held[1].text)}" if held else group.name


def _heading(measure: Measure, rows: Sequence[_Told], style: _Style) -> str:
    """Kind of number and unit, as the head of a table's row says them."""
    kind = style.beside(measure, [m for row in rows for m in row.by_group.values()])
    unit = measure.unit.text if measure.unit and kind != "n" else ""
    return ", ".join(filter(None, (unit, kind)))


def _in_rows(measure: Measure, number: int, style: _Style) -> Iterator[Piece]:
    """A caption, and a table with a column for each group."""
    groups, rows = groups_of(measure.groups), _rows_of(measure)
    said = _heading(measure, rows, style)
    lines = [["", *(_sized(measure, group, style) for group in groups)]]
    paths: list[tuple[str, ...]] = [()]
    for row in rows:
        label = row.name or (measure.title.text if measure.title else "Value")
        own = [row.by_group.get(group.id) for group in groups]
        lines.append([", ".join(filter(None, (label, said))), *(style.number(m) if m else "" for m in own)])
        paths.append(tuple(m.value.path for m in own if m and m.value))
    yield from _table(measure, number, lines, paths)


def _in_columns(measure: Measure, number: int, style: _Style) -> Iterator[Piece]:
    """A caption, and a table with a row for each group."""
    groups, rows = groups_of(measure.groups), _rows_of(measure)
    said = _heading(measure, rows, style)
    head = [", ".join(filter(None, (row.name, said))) or "Value" for row in rows]
    lines, paths = [["Group", *head]], [()]  # type: tuple[list[list[str]], list[tuple[str, ...]]]
    for group in groups:
        own = [row.by_group.get(group.id) for row in rows]
        lines.append([_sized(measure, group, style), *(style.number(m) if m else "" for m in own)])
        paths.append(tuple(m.value.path for m in own if m and m.value))
    yield from _table(measure, number, lines, paths)


def _table(
    measure: Measure, number: int, lines: Sequence[Sequence[str]], paths: Sequence[tuple[str, ...]]
) -> Iterator[Piece]:
    section = f"Table {number}"
    yield Piece(section, "caption", f"{_name(measure)}")
    spans, at, texts = [], 0, [" | ".join(line) for line in lines]
    for text, held in zip(texts, paths, strict=True):
        spans += [Span(path, at, at + len(text)) for path in held]
        at += len(text) + 1
    yield Piece(section, "table", "\n".join(texts), tuple(spans))


def _in_sentences(measure: Measure, _number: int, style: _Style) -> Iterator[Piece]:
    """A paragraph: for each row of the measure a sentence that names every group."""
    groups, rows = groups_of(measure.groups), _rows_of(measure)
    said = _heading(measure, rows, style)
    text, spans = f"{_name(measure)}" + (f" ({said})" if said else "") + ".", []
    for row in rows:
        own = [(group, row.by_group[group.id]) for group in groups if group.id in row.by_group]
        parts = [_one(measure, group, told, style) for group, told in own]
        if parts:
            begin = len(text) + 1
            text += " " + (f"{row.name}: " if row.name else "") + "; ".join(parts) + "."
            spans += [Span(told.value.path, begin, len(text)) for _, told in own if told.value]
    yield Piece(_section(measure), "paragraph", text, tuple(spans))


def _one(measure: Measure, group: Group, told: Measurement, style: _Style) -> str:
    name, number = _sized(measure, group, style), style.number(told)
    return f"{name}, {number}" if style.label_first else f"{number} in {name}"


_SETTERS: Mapping[str, Callable[[Measure, int, _Style], Iterator[Piece]]] = {
    "rows": _in_rows,
    "columns": _in_columns,
    "sentences": _in_sentences,
}


def joined(pieces: Sequence[Piece]) -> Text:
    """Passages with offsets in the text that they make together, and the quotes."""
    passages, at = [], 0
    for piece in pieces:
        passages.append(Passage(section=piece.section, kind=piece.kind, start=at, text=piece.text))
        at += len(piece.text) + 1
    quotes = {}
    for number, piece in enumerate(pieces):
        for span in piece.spans:
            quote = quote_at(passages, number, span.start, span.end)
            if quote is not None:
                quotes[span.path] = quote
    return Text(tuple(passages), quotes)
