"""The PRISMA 2020 flow diagram as SVG. Pure: counts in, text out.

Colours are presentation attributes, so the picture stands alone on paper and a page's style sheet can
still override them through the classes. Decisions of people and machines are told apart by words and by
the shape of a mark, never by colour alone (PRISMA-trAIce R1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from tools.reporting.counts import Pile, PrismaCounts, StageCounts
from tools.reporting.lettering import text_width, wrap
from tools.reporting.text import shown

__all__ = ["svg"]

Mark = Literal["person", "bulk", "machine"]

WIDTH = 960.0
BAR_X, BAR_WIDTH = 6.0, 30.0
LEFT_X, LEFT_WIDTH = 50.0, 380.0
RIGHT_X, RIGHT_WIDTH = 494.0, 460.0
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
class Row:
    """One level of the diagram: a box in the main flow and what leaves it."""

    phase: Literal["Identification", "Screening", "Included"]
    main: Box
    aside: tuple[Box, ...]


def svg(counts: PrismaCounts) -> str:
    """Draw the diagram.

    Returns:
        One `<svg>` element, 960 units wide, with title and description, no scripts, fonts or links.
    """
    rows = _rows(counts)
    parts: list[str] = [_header()]
    tops: list[float] = []
    y = 52.0
    for row in rows:
        tops.append(y)
        y += _row_height(row) + ROW_GAP
    y = max(y - ROW_GAP, tops[-1] + MIN_PHASE)
    for i, row in enumerate(rows):
        below = tops[i + 1] if i + 1 < len(rows) else None
        parts += _draw_row(row, tops[i], below)
    parts += _phase_bars(rows, tops, y)
    footnote, height = _footnote(counts, y + 24)
    return _document(counts, [*parts, *footnote], height)


# What the boxes say ------------------------------------------------------------------------------


def _n(words: str, n: int) -> str:
    return f"{words} (n = {n})"


def _rows(c: PrismaCounts) -> list[Row]:
    return [
        Row("Identification", _identified(c), (_removed(c),)),
        Row("Screening", _screened(c), (_excluded(c), *_unsettled(c.screening, "title and abstract"))),
        Row("Screening", _head(_n("Reports sought for retrieval", c.sought)), _retrieval(c)),
        Row(
            "Screening",
            _assessed(c),
            (_ineligible(c), *_unsettled(c.eligibility, "full text", c.unreadable - c.unreadable_decided)),
        ),
        Row("Included", _included(c), _set_aside(c)),
    ]


def _head(text: str, *lines: Line, pending: bool = False) -> Box:
    return Box((Line(text, bold=True), *lines), pending)


def _identified(c: PrismaCounts) -> Box:
    lines: list[Line] = []
    names = {"database": "Databases", "register": "Registers", "file": "Imported files"}
    for kind, words in names.items():
        group = [s for s in c.sources if s.kind == kind]
        if group or kind != "file":
            lines.append(Line(_n(words, sum(s.received for s in group))))
        lines += [Line(_n(s.source, s.received), indent=1) for s in group]
    return _head(_n("Records identified", c.identified), *lines)


def _removed(c: PrismaCounts) -> Box:
    lines = [Line(_n("Duplicate records removed", c.repeats + c.duplicates))]
    if c.not_screened:
        lines.append(Line(_n("Not screened: below the ranking cut", c.not_screened)))
    return _head(_n("Records removed before screening", c.repeats + c.duplicates + c.not_screened), *lines)


def _screened(c: PrismaCounts) -> Box:
    lines = [Line(_n("of these from the random sample below the cut", c.audit_decided))] if c.audit else []
    return _head(_n("Records screened", c.screening.decided), *lines)


def _by_whom(pile: Pile) -> tuple[Line, ...]:
    numbers: dict[Mark, int] = {"person": pile.individual, "bulk": pile.bulk, "machine": pile.machine}
    return tuple(Line(_n(MARK_WORDS[mark], n), mark=mark) for mark, n in numbers.items())


def _excluded(c: PrismaCounts) -> Box:
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


def _retrieval(c: PrismaCounts) -> tuple[Box, ...]:
    lines = _numbered(("being sought", c.seeking), ("not looked for yet", c.not_begun))
    missing = _head(_n("Reports not retrieved", c.not_retrieved))
    open_box = (_head(_n("Reports still to come", c.seeking + c.not_begun), *lines, pending=True),)
    return (missing, *(open_box if lines else ()))


def _assessed(c: PrismaCounts) -> Box:
    lines = _numbered(("of these not machine-readable, read by a person", c.unreadable_decided))
    return _head(_n("Reports assessed for eligibility", c.eligibility.decided), *lines)


def _ineligible(c: PrismaCounts) -> Box:
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
    return Box(
        (
            Line(_n("Studies included in review", c.studies_included), bold=True),
            Line(_n("Reports of included studies", c.reports_included), bold=True),
        )
    )


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


def _stack_height(boxes: Sequence[Box]) -> float:
    return sum(_box_height(b, RIGHT_WIDTH) for b in boxes) + STACK_GAP * max(0, len(boxes) - 1)


def _row_height(row: Row) -> float:
    return max(_box_height(row.main, LEFT_WIDTH), _stack_height(row.aside))


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


def _draw_row(row: Row, y: float, below: float | None) -> list[str]:
    height, spine = _box_height(row.main, LEFT_WIDTH), LEFT_X + LEFT_WIDTH / 2
    parts = _draw_box(row.main, LEFT_X, y, LEFT_WIDTH)
    top = y
    for box in row.aside:
        box_height = _box_height(box, RIGHT_WIDTH)
        parts += _draw_box(box, RIGHT_X, top, RIGHT_WIDTH)
        # The first leaves the main box where both have an edge; the others branch off further down.
        at = y + min(height, box_height) / 2 if top == y else top + box_height / 2
        if box.linked:
            parts += _branch(at, spine, bottom=y + height, last=below is None)
        top += box_height + STACK_GAP
    if below is not None:
        parts += _arrow(spine, y + height, spine, below)
    return parts


def _branch(at: float, spine: float, *, bottom: float, last: bool) -> list[str]:
    """From the main box, or from the line below it, to the right; the last row has no line of its own."""
    if at < bottom - 6:
        return _arrow(LEFT_X + LEFT_WIDTH, at, RIGHT_X, at)
    return [*([_flow(f"M{spine:g} {bottom:g}V{at:g}")] if last else []), *_arrow(spine, at, RIGHT_X, at)]


def _flow(path: str) -> str:
    return f'<path class="flow" d="{path}" fill="none" stroke="{EDGE}" stroke-width="1.5"/>'


def _arrow(x: float, y: float, to_x: float, to_y: float) -> list[str]:
    """A straight arrow to the right or down; its head is a shape of its own, which every viewer draws."""
    right = to_x > x
    line = f"L{to_x - 7:g} {to_y:g}" if right else f"L{to_x:g} {to_y - 7:g}"
    head = f"M{to_x:g} {to_y:g}{'l-8 -4v8z' if right else 'l-4 -8h8z'}"
    return [_flow(f"M{x:g} {y:g}{line}"), f'<path class="head" d="{head}" fill="{EDGE}"/>']


def _header() -> str:
    x, width = LEFT_X, WIDTH - LEFT_X - 6
    words = "Identification of studies via databases and registers"
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
    return [_text(LEFT_X, y, words, font_size="12")], y + 12


def _description(c: PrismaCounts) -> str:
    boxes = [b for row in _rows(c) for b in (row.main, *row.aside)]
    return "; ".join(", ".join(shown(line.text) for line in box.lines) for box in boxes) + "."


def _document(c: PrismaCounts, parts: Iterable[str], height: float) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="prisma" role="img" '
            f'aria-labelledby="prisma-title prisma-desc" viewBox="0 0 {WIDTH:g} {height:g}" '
            f'width="{WIDTH:g}" height="{height:g}" font-family="{escape(FONT)}" font-size="{SIZE:g}">',
            '<title id="prisma-title">PRISMA 2020 flow diagram</title>',
            f'<desc id="prisma-desc">{escape(_description(c))}</desc>',
            f'<rect class="ground" width="{WIDTH:g}" height="{height:g}" fill="{PAPER}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )
