"""The PRISMA 2020 flow diagram as SVG, in its four templates. Pure: counts in, text out.

New reviews and updates, databases and registers alone or other methods beside them: columns appear with what
they show. The column of other methods has no box for screening, as in the template; what did not go on is told
beside the way from identification to retrieval, so that its numbers add up as well.

Source: Page et al. 2021, doi:10.1136/bmj.n71, with the templates at https://www.prisma-statement.org.

Colours are presentation attributes, so the picture stands alone on paper and a page's style sheet can
still override them through the classes. Decisions of people and machines are told apart by words and by
the shape of a mark, never by colour alone (PRISMA-trAIce R1).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from tools.reporting.counts import Flow, Pile, PrismaCounts, StageCounts
from tools.reporting.lettering import text_width, wrap
from tools.reporting.text import shown

__all__ = ["svg"]

Mark = Literal["person", "bulk", "machine"]

BAR_X, BAR_WIDTH, MARGIN = 6.0, 30.0, 6.0
FIRST_X, COLUMN_GAP = 50.0, 44.0
PREVIOUS_WIDTH = 210.0
SIZE, LEADING, PADDING = 14.0, 19.0, 12.0
INDENT, MARK_WIDTH = 16.0, 18.0
ROW_GAP, STACK_GAP = 34.0, 10.0
MIN_PHASE = 92.0  # room for the longest of the phases' names, written upwards
MAX_REASONS, MAX_REASON_LETTERS = 12, 160
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
INK, EDGE, PAPER, BAR, PENDING, MACHINE = "#111827", "#475569", "#ffffff", "#1f3a5f", "#b45309", "#7c3aed"
MARK_WORDS: dict[Mark, str] = {
    "person": "decided by a person, one by one",
    "bulk": "suggested by the machine, approved in bulk by a person",
    "machine": "decided by the machine alone",
}


@dataclass(frozen=True)
class Line:
    """One statement in a box, before wrapping."""

    text: str
    indent: int = 0
    bold: bool = False
    mark: Mark | None = None


@dataclass(frozen=True)
class Box:
    """A box's statements; `pending` ones wait for something and are dashed, unlinked ones have no arrow."""

    lines: tuple[Line, ...]
    pending: bool = False
    linked: bool = True


@dataclass(frozen=True)
class Cell:
    """A box of a column at one level and what leaves it there; without a box the flow only passes."""

    main: Box | None = None
    aside: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Row:
    """One level of the diagram, in the column of databases and in that of other methods."""

    phase: Literal["Identification", "Screening", "Included"]
    main: Cell
    other: Cell = Cell()


@dataclass(frozen=True)
class Column:
    """Where a flow runs: boxes at `x`, what leaves them at `aside_x`."""

    x: float
    width: float
    aside_x: float
    aside_width: float

    @property
    def spine(self) -> float:
        """The line that the flow follows."""
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        """Where the column ends."""
        return self.aside_x + self.aside_width

    def height(self, cell: Cell) -> float:
        """Of what stands at one level."""
        main = _box_height(cell.main, self.width) if cell.main else 0.0
        return max(main, _stack_height(cell.aside, self.aside_width))


@dataclass(frozen=True)
class Layout:
    """The columns of a diagram."""

    previous: float | None
    main: Column
    other: Column | None

    @property
    def right(self) -> float:
        """Where the last column ends."""
        return (self.other or self.main).right


def _layout(c: PrismaCounts) -> Layout:
    x = FIRST_X + (PREVIOUS_WIDTH + COLUMN_GAP if c.is_update else 0.0)
    main = Column(x, 380.0, x + 444.0, 460.0)
    start = main.right + COLUMN_GAP
    other = Column(start, 300.0, start + 344.0, 330.0) if c.other else None
    return Layout(FIRST_X if c.is_update else None, main, other)


def svg(counts: PrismaCounts) -> str:
    """Draw the diagram.

    Returns:
        One `<svg>` element with title and description, no scripts, fonts or links. 960 units wide for a new
        review from databases and registers; each further column makes it wider.
    """
    rows, layout = _rows(counts), _layout(counts)
    parts: list[str] = [*_banners(layout)]
    tops: list[float] = []
    y = 52.0
    for row in rows:
        tops.append(y)
        other = layout.other.height(row.other) if layout.other else 0.0
        least = _box_height(_previous(counts), PREVIOUS_WIDTH) if counts.is_update and y == 52.0 else 0.0
        y += max(layout.main.height(row.main), other, least) + ROW_GAP
    y = max(y - ROW_GAP, tops[-1] + MIN_PHASE)
    parts += _draw_column(layout.main, [row.main for row in rows], tops)
    if layout.other:
        parts += _draw_column(layout.other, [row.other for row in rows], tops)
        parts += _joined(layout, rows, tops)
    if layout.previous is not None:
        parts += _draw_previous(counts, layout, rows, tops)
    parts += _phase_bars(rows, tops, y)
    footnote, height = _footnote(counts, y + 24)
    return _document(counts, [*parts, *footnote], layout.right + MARGIN, height)


# What the boxes say ------------------------------------------------------------------------------


def _n(words: str, n: int) -> str:
    return f"{words} (n = {n})"


def _rows(c: PrismaCounts) -> list[Row]:
    o = c.other
    rows = [
        Row(
            "Identification",
            Cell(_identified(c), (_removed(c),)),
            Cell(_identified_otherwise(o)) if o else Cell(),
        ),
        Row(
            "Screening",
            Cell(_screened(c), (_excluded(c), *_unsettled(c.screening, "title and abstract"))),
            Cell(None, (_not_sought(o), *_unsettled(o.screening, "title and abstract"))) if o else Cell(),
        ),
        Row("Screening", _sought(c), _sought(o) if o else Cell()),
        Row("Screening", _eligibility(c), _eligibility(o) if o else Cell()),
        Row("Included", Cell(_included(c), _set_aside(c))),
    ]
    return [*rows, Row("Included", Cell(_total(c), _withdrawn(c)))] if c.is_update else rows


def _sought(c: Flow) -> Cell:
    return Cell(_head(_n("Reports sought for retrieval", c.sought)), _retrieval(c))


def _eligibility(c: Flow) -> Cell:
    unread = c.unreadable - c.unreadable_decided
    return Cell(_assessed(c), (_ineligible(c), *_unsettled(c.eligibility, "full text", unread)))


def _head(text: str, *lines: Line, pending: bool = False) -> Box:
    return Box((Line(text, bold=True), *lines), pending)


_ALWAYS = ("database", "register")
_NAMES = {
    "database": "Databases",
    "register": "Registers",
    "carried": "Taken up again from the earlier version",
}
_OTHER_NAMES = {
    "website": "Websites",
    "organisation": "Organisations",
    "citations": "Citation searching",
    "other": "Other methods",
}


def _identified(c: Flow) -> Box:
    return _head(_n("Records identified", c.identified), *_by_kind(c, _NAMES))


def _identified_otherwise(c: Flow) -> Box:
    return _head(_n("Records identified", c.identified), *_by_kind(c, _OTHER_NAMES))


def _by_kind(c: Flow, names: Mapping[str, str]) -> list[Line]:
    lines: list[Line] = []
    for kind, words in names.items():
        group = [s for s in c.sources if s.kind == kind]
        if group or kind in _ALWAYS:
            lines.append(Line(_n(words, sum(s.received for s in group))))
        lines += [Line(_n(s.source, s.received), indent=1) for s in group if kind != "carried"]
    return lines


def _removed(c: Flow) -> Box:
    lines = [Line(_n("Duplicate records removed", c.repeats + c.duplicates))]
    lines += _numbered(
        ("Settled by an earlier version, unchanged since", c.seen_before),
        ("Not screened: below the ranking cut", c.not_screened),
    )
    n = c.repeats + c.duplicates + c.seen_before + c.not_screened
    return _head(_n("Records removed before screening", n), *lines)


def _not_sought(c: Flow) -> Box:
    pile = c.screening.excluded
    lines = _numbered(
        ("Duplicates, also of what databases and registers found", c.repeats + c.duplicates),
        ("Settled by an earlier version, unchanged since", c.seen_before),
        ("Below the ranking cut", c.not_screened),
        ("Irrelevant on title and abstract", pile.n),
    )
    n = c.repeats + c.duplicates + c.seen_before + c.not_screened + pile.n
    return _head(_n("Not sought", n), *lines, *(_by_whom(pile) if pile.n else ()))


def _screened(c: Flow) -> Box:
    lines = [Line(_n("of these from the random sample below the cut", c.audit_decided))] if c.audit else []
    return _head(_n("Records screened", c.screening.decided), *lines)


def _by_whom(pile: Pile) -> tuple[Line, ...]:
    numbers: dict[Mark, int] = {"person": pile.individual, "bulk": pile.bulk, "machine": pile.machine}
    return tuple(Line(_n(MARK_WORDS[mark], n), mark=mark) for mark, n in numbers.items())


def _excluded(c: Flow) -> Box:
    pile = c.screening.excluded
    return _head(_n("Records excluded", pile.n), *(_by_whom(pile) if pile.n else ()))


def _numbered(*pairs: tuple[str, int]) -> tuple[Line, ...]:
    return tuple(Line(_n(words, n)) for words, n in pairs if n)


def _unsettled(stage: StageCounts, where: str, unreadable: int = 0) -> tuple[Box, ...]:
    aside = _numbered(
        ("of ongoing studies", stage.ongoing), ("awaiting classification", stage.awaiting_classification)
    )
    todo = _numbered(
        ("not machine-readable, a person must read", unreadable),
        ("no machine answer, a person must read", stage.failed - unreadable),
        ("not decided yet", stage.waiting),
    )
    n, n_todo = stage.ongoing + stage.awaiting_classification, stage.failed + stage.waiting
    boxes = [_head(_n(f"Set aside at {where}", n), *aside)] if n else []
    boxes += [_head(_n(f"Waiting for a person at {where}", n_todo), *todo, pending=True)] if n_todo else []
    return tuple(boxes)


def _retrieval(c: Flow) -> tuple[Box, ...]:
    lines = _numbered(("being sought", c.seeking), ("not looked for yet", c.not_begun))
    missing = _head(_n("Reports not retrieved", c.not_retrieved))
    open_box = (_head(_n("Reports still to come", c.seeking + c.not_begun), *lines, pending=True),)
    return (missing, *(open_box if lines else ()))


def _assessed(c: Flow) -> Box:
    lines = _numbered(("of these not machine-readable, read by a person", c.unreadable_decided))
    return _head(_n("Reports assessed for eligibility", c.eligibility.decided), *lines)


def _ineligible(c: Flow) -> Box:
    pile = c.eligibility.excluded
    lines = [Line(_n(_short(r.words), r.excluded.n), indent=1) for r in c.reasons[:MAX_REASONS]]
    rest = c.reasons[MAX_REASONS:]
    if rest:
        lines.append(Line(_n(f"{len(rest)} further reasons", sum(r.excluded.n for r in rest)), indent=1))
    reasons = [Line("for these reasons:"), *lines] if lines else []
    return _head(_n("Reports excluded", pile.n), *(_by_whom(pile) if pile.n else ()), *reasons)


def _short(words: str) -> str:
    return words if len(words) <= MAX_REASON_LETTERS else words[: MAX_REASON_LETTERS - 1].rstrip() + "…"


def _included(c: PrismaCounts) -> Box:
    if c.is_update:
        v = c.versions
        return Box(
            (
                Line(_n("New studies included in review", v.studies_new), bold=True),
                Line(_n("Reports of new included studies", v.reports_of_new_studies), bold=True),
                *_numbered(("New reports of studies included before", v.new_reports_of_earlier_studies)),
            )
        )
    return Box(
        (
            Line(_n("Studies included in review", c.studies_included), bold=True),
            Line(_n("Reports of included studies", c.reports_included), bold=True),
        )
    )


def _previous(c: PrismaCounts) -> Box:
    v = c.versions
    return Box(
        (
            Line(_n("Studies included in previous version of review", v.studies_before), bold=True),
            Line(
                _n("Reports of studies included in previous version of review", v.reports_before), bold=True
            ),
        )
    )


def _total(c: PrismaCounts) -> Box:
    return Box(
        (
            Line(_n("Total studies included in review", c.studies_included), bold=True),
            Line(_n("Reports of total included studies", c.reports_included), bold=True),
        )
    )


def _withdrawn(c: PrismaCounts) -> tuple[Box, ...]:
    v = c.versions
    lines = _numbered(("Studies", v.studies_withdrawn), ("Reports", v.reports_withdrawn))
    title = Line("Included before and excluded by this update", bold=True)
    return (Box((title, *lines), linked=False),) if lines else ()


def _set_aside(c: PrismaCounts) -> tuple[Box, ...]:
    apart = _numbered(
        ("Studies ongoing", c.studies_ongoing),
        ("Studies awaiting classification", c.studies_awaiting_classification),
    )
    todo = _numbered(
        ("Studies not decided yet", c.studies_undecided),
        ("Reports not grouped into a study yet", c.ungrouped),
    )
    boxes = [Box((Line("Beside the included studies", bold=True), *apart), linked=False)] if apart else []
    boxes += [_head("Waiting for a person", *todo, pending=True)] if todo else []
    return tuple(boxes)


# Drawing -----------------------------------------------------------------------------------------


def _text(x: float, y: float, text: str, **attributes: str) -> str:
    given = {"class": "ink", "fill": INK} | {
        k.replace("_", "-").rstrip("-"): v for k, v in attributes.items()
    }
    spelt = "".join(f' {k}="{escape(v)}"' for k, v in given.items())
    return f'<text x="{x:g}" y="{y:g}"{spelt}>{escape(shown(text))}</text>'


def _wrapped(line: Line, width: float) -> list[str]:
    room = width - 2 * PADDING - line.indent * INDENT - (MARK_WIDTH if line.mark else 0)
    return wrap(shown(line.text), room, SIZE, bold=line.bold)


def _box_height(box: Box, width: float) -> float:
    return 2 * PADDING - 4 + LEADING * sum(len(_wrapped(line, width)) for line in box.lines)


def _stack_height(boxes: Sequence[Box], width: float) -> float:
    return sum(_box_height(b, width) for b in boxes) + STACK_GAP * max(0, len(boxes) - 1)


def _draw_box(box: Box, x: float, y: float, width: float) -> list[str]:
    height = _box_height(box, width)
    kind, edge, dash = (
        ("box pending", PENDING, ' stroke-dasharray="5 4"') if box.pending else ("box", EDGE, "")
    )
    parts = [
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" '
        f'fill="{PAPER}" stroke="{edge}" stroke-width="1.25"{dash}/>'
    ]
    at = y + PADDING + SIZE - 3
    for line in box.lines:
        left = x + PADDING + line.indent * INDENT
        if line.mark:
            parts.append(_mark(line.mark, left + 6, at - 5))
            left += MARK_WIDTH
        for text in _wrapped(line, width):
            parts.append(_text(left, at, text, **({"font_weight": "bold"} if line.bold else {})))
            at += LEADING
    return parts


def _mark(mark: Mark, x: float, y: float) -> str:
    if mark == "machine":
        return (
            f'<path class="mark machine" d="M{x:g} {y - 6:g}l6 6l-6 6l-6 -6z" fill="none" '
            f'stroke="{MACHINE}" stroke-width="1.75"/>'
        )
    circle = (
        f'<circle class="mark {mark}" cx="{x:g}" cy="{y:g}" r="5" stroke="{BAR}" stroke-width="1.5" '
        f'fill="{BAR if mark == "person" else PAPER}"/>'
    )
    if mark == "bulk":
        circle += f'<path class="mark half" d="M{x:g} {y - 5:g}a5 5 0 0 0 0 10z" fill="{BAR}"/>'
    return circle


def _draw_column(column: Column, cells: Sequence[Cell], tops: Sequence[float]) -> list[str]:
    """All boxes of a column, and the arrows from each to the next that there is."""
    parts: list[str] = []
    for i, (cell, top) in enumerate(zip(cells, tops, strict=True)):
        below = next((tops[k] for k in range(i + 1, len(cells)) if cells[k].main), None)
        parts += _draw_cell(column, cell, top, below)
    return parts


def _draw_cell(column: Column, cell: Cell, y: float, below: float | None) -> list[str]:
    height = _box_height(cell.main, column.width) if cell.main else 0.0
    parts = _draw_box(cell.main, column.x, y, column.width) if cell.main else []
    top = y
    for box in cell.aside:
        box_height = _box_height(box, column.aside_width)
        parts += _draw_box(box, column.aside_x, top, column.aside_width)
        # The first leaves the main box where both have an edge; the others branch off further down.
        at = y + min(height or box_height, box_height) / 2 if top == y else top + box_height / 2
        if box.linked:
            parts += _branch(at, column, bottom=y + height, last=below is None)
        top += box_height + STACK_GAP
    if cell.main and below is not None:
        parts += _arrow(column.spine, y + height, column.spine, below)
    return parts


def _branch(at: float, column: Column, *, bottom: float, last: bool) -> list[str]:
    """From the main box, or from the line below it, to the right; the last row has no line of its own."""
    if at < bottom - 6:
        return _arrow(column.x + column.width, at, column.aside_x, at)
    stem = [_path(f"M{column.spine:g} {bottom:g}V{at:g}")] if last else []
    return [*stem, *_arrow(column.spine, at, column.aside_x, at)]


def _joined(layout: Layout, rows: Sequence[Row], tops: Sequence[float]) -> list[str]:
    """What other methods brought goes into the same box of included studies: a line between two rows."""
    assert layout.other is not None
    last = max(i for i, row in enumerate(rows) if row.other.main)
    box = rows[last].other.main
    assert box is not None
    bottom = tops[last] + _box_height(box, layout.other.width)
    between = tops[last + 1] - ROW_GAP / 2
    return [_path(f"M{layout.other.spine:g} {bottom:g}V{between:g}H{layout.main.spine:g}")]


def _draw_previous(c: PrismaCounts, layout: Layout, rows: Sequence[Row], tops: Sequence[float]) -> list[str]:
    """The studies of the previous version, and their way into the total."""
    assert layout.previous is not None
    box, total = _previous(c), rows[-1].main.main
    assert total is not None
    middle = tops[-1] + _box_height(total, layout.main.width) / 2
    x, bottom = layout.previous + PREVIOUS_WIDTH / 2, tops[0] + _box_height(box, PREVIOUS_WIDTH)
    return [
        *_draw_box(box, layout.previous, tops[0], PREVIOUS_WIDTH),
        _path(f"M{x:g} {bottom:g}V{middle:g}"),
        *_arrow(x, middle, layout.main.x, middle),
    ]


def _path(path: str) -> str:
    return f'<path class="flow" d="{path}" fill="none" stroke="{EDGE}" stroke-width="1.5"/>'


def _arrow(x: float, y: float, to_x: float, to_y: float) -> list[str]:
    """A straight arrow to the right or down; its head is a shape of its own, which every viewer draws."""
    right = to_x > x
    line = f"L{to_x - 7:g} {to_y:g}" if right else f"L{to_x:g} {to_y - 7:g}"
    head = f"M{to_x:g} {to_y:g}{'l-8 -4v8z' if right else 'l-4 -8h8z'}"
    return [_path(f"M{x:g} {y:g}{line}"), f'<path class="head" d="{head}" fill="{EDGE}"/>']


def _banners(layout: Layout) -> Iterable[str]:
    new = "new studies" if layout.previous is not None else "studies"
    if layout.previous is not None:
        yield _banner("Previous studies", layout.previous, PREVIOUS_WIDTH)
    for column, how in ((layout.main, "databases and registers"), (layout.other, "other methods")):
        if column is not None:
            yield _banner(f"Identification of {new} via {how}", column.x, column.right - column.x)


def _banner(words: str, x: float, width: float) -> str:
    left = x + (width - text_width(words, 15, bold=True)) / 2
    band = f'<rect class="bar" x="{x:g}" y="6" width="{width:g}" height="30" rx="4" fill="{BAR}"/>'
    return band + _text(left, 26, words, font_size="15", font_weight="bold", fill="#ffffff", class_="bar-ink")


def _phase_bars(rows: Sequence[Row], tops: Sequence[float], bottom: float) -> Iterable[str]:
    starts: dict[str, float] = {}
    for row, top in zip(rows, tops, strict=True):
        starts.setdefault(row.phase, top)
    ends = [*(start - 10 for start in list(starts.values())[1:]), bottom]
    for (phase, top), end in zip(starts.items(), ends, strict=True):
        height = end - top
        x, middle = BAR_X + BAR_WIDTH / 2, top + height / 2
        yield (
            f'<rect class="bar" x="{BAR_X:g}" y="{top:g}" width="{BAR_WIDTH:g}" height="{height:g}" '
            f'rx="4" fill="{BAR}"/>'
        )
        yield _text(
            x,
            middle,
            phase,
            font_size="13",
            font_weight="bold",
            fill="#ffffff",
            class_="bar-ink",
            text_anchor="middle",
            dominant_baseline="central",
            transform=f"rotate(-90 {x:g} {middle:g})",
        )


def _footnote(c: PrismaCounts, y: float) -> tuple[list[str], float]:
    if not (c.superseded_records or c.superseded_identified):
        return [], y - 12
    words = (
        f"Apart from this flow: {c.superseded_records} records known only from searches that were replaced."
    )
    return [_text(FIRST_X, y, words, font_size="12")], y + 12


def _description(c: PrismaCounts) -> str:
    cells = [row.main for row in _rows(c)] + [row.other for row in _rows(c)]
    boxes = [_previous(c)] if c.is_update else []
    boxes += [b for cell in cells for b in ((cell.main,) if cell.main else ()) + cell.aside]
    return "; ".join(", ".join(shown(line.text) for line in box.lines) for box in boxes) + "."


def _document(c: PrismaCounts, parts: Iterable[str], width: float, height: float) -> str:
    wide = " wide" if c.other or c.is_update else ""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="prisma{wide}" role="img" '
            f'aria-labelledby="prisma-title prisma-desc" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" font-family="{escape(FONT)}" font-size="{SIZE:g}">',
            '<title id="prisma-title">PRISMA 2020 flow diagram</title>',
            f'<desc id="prisma-desc">{escape(_description(c))}</desc>',
            f'<rect class="ground" width="{width:g}" height="{height:g}" fill="{PAPER}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )
