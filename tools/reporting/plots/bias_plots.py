"""Risk-of-bias plots: the traffic-light table of studies by domains, and the weighted summary bars. Pure.

Generic over tools: domains and judgements come with the table. Judgements show as colour and symbol, and the
bars carry symbol and percentage too, so that nothing rests on colours.

Source: layout as in Cochrane reviews and in McGuinness 2021 (robvis), doi:10.1002/jrsm.1411.
"""

import math
from typing import Self

from pydantic import Field, model_validator

from tools.reporting.plots.drawing import SOFT, Disc, Drawing, Format, Picture, box
from tools.reporting.plots.fonts import clean, text_width, wrapped
from tools.reporting.plots.judgements import COLOURS, ROB2, Judgement, draw_judgement, ink_on, look_up
from tools.reporting.plots.printing import rendered
from tools.schemas import Frozen

__all__ = [
    "BiasRow",
    "BiasTable",
    "Domain",
    "summary_bars",
    "summary_drawing",
    "traffic_drawing",
    "traffic_light",
]

SIZE, SMALL, STEP, MARGIN, MOST_LABEL = 9.0, 8.5, 17.0, 16.0, 230.0
CELL = 26.0
BAR_WIDTH, BAR_HEIGHT = 330.0, 16.0


class Domain(Frozen):
    """One domain of a tool, such as D1."""

    id: str = Field(min_length=1)
    name: str


class BiasRow(Frozen):
    """One study's result: a judgement id per domain, in order; empty where nobody has judged."""

    label: str
    judgements: tuple[str, ...]
    overall: str = ""
    weight: float | None = Field(default=None, ge=0, description="In the analysis, percent; None: unknown.")


class BiasTable(Frozen):
    """Risk of bias of the studies of one analysis, or of one review."""

    title: str = ""
    tool: str = Field(default="", description="Name of the tool, such as RoB 2.")
    domains: tuple[Domain, ...] = Field(min_length=1)
    rows: tuple[BiasRow, ...] = Field(min_length=1)
    judgements: tuple[Judgement, ...] = ROB2

    @property
    def columns(self) -> tuple[Domain, ...]:
        """The domains, and the overall judgement where one was made."""
        made = any(r.overall for r in self.rows)
        return (*self.domains, *([Domain(id="Overall", name="Overall risk of bias")] if made else []))

    def judged(self, row: BiasRow) -> tuple[str, ...]:
        """A row's judgement ids, one per column."""
        return (*row.judgements, row.overall)[: len(self.columns)]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for row in self.rows:
            if len(row.judgements) != len(self.domains):
                raise ValueError(
                    f"{row.label}: {len(row.judgements)} judgements for {len(self.domains)} domains; "
                    "give one per domain, empty where not judged"
                )
            for judgement in filter(None, (*row.judgements, row.overall)):
                look_up(judgement, self.judgements)
        return self


def traffic_light(table: BiasTable, file_format: Format) -> bytes:
    """Studies by domains with coloured symbols, as an SVG, PNG or PDF file; same table, same bytes."""
    return rendered(traffic_drawing(table), file_format)


def summary_bars(table: BiasTable, file_format: Format) -> bytes:
    """Share of each judgement per domain, as an SVG, PNG or PDF file; same table, same bytes.

    Weighted where every row has a weight and they do not sum to zero; else each study counts the same. The
    caption says which.
    """
    return rendered(summary_drawing(table), file_format)


# Traffic light -----------------------------------------------------------------------------------


def traffic_drawing(table: BiasTable) -> Drawing:
    """The traffic-light table as marks at places."""
    picture = Picture()
    label = max(60.0, *(text_width(clean(r.label), SIZE) for r in table.rows))
    label = min(label, MOST_LABEL)
    left = MARGIN + label + 12
    width = max(left + len(table.columns) * _step(table) + MARGIN, 380.0)
    y = _title(picture, table, width)
    for i, column in enumerate(table.columns):
        picture.text(_middle(left, table, i), y + 12, column.id, size=SIZE, bold=True, anchor="middle")
    picture.text(MARGIN, y + 12, "Study", size=SIZE, bold=True)
    y += 18
    picture.line((MARGIN, y), (width - MARGIN, y))
    for row in table.rows:
        lines = wrapped(row.label, label, SIZE)
        height = max(STEP, 12.0 * len(lines) + 4)
        middle = y + height / 2
        for i, line in enumerate(lines):
            picture.text(MARGIN, middle + 3.2 + (i - (len(lines) - 1) / 2) * 12, line, size=SIZE)
        for i, judgement in enumerate(table.judged(row)):
            _sign(picture, _middle(left, table, i), middle, judgement, table)
        y += height
        picture.line((MARGIN, y), (width - MARGIN, y), width=0.4, colour="#d0d5db")
    y = _legend(picture, table, y + 8, width)
    return picture.drawing(width, y + MARGIN, table.title or "Risk of bias", _told(table))


def _step(table: BiasTable) -> float:
    """Width of a domain's column: room for the longest id."""
    return max(CELL, *(text_width(clean(c.id), SIZE, bold=True) + 10 for c in table.columns))


def _middle(left: float, table: BiasTable, column: int) -> float:
    return left + (column + 0.5) * _step(table)


def _sign(picture: Picture, x: float, y: float, judgement: str, table: BiasTable) -> None:
    if judgement:
        draw_judgement(picture, x, y, look_up(judgement, table.judgements), 6.5)
    else:
        picture.add(Disc(x, y, 6.5, "#ffffff", "#9aa1a9"))


def _title(picture: Picture, table: BiasTable, width: float) -> float:
    y = MARGIN - 6
    heading = table.title or "Risk of bias"
    heading += f" ({table.tool})" if table.tool else ""
    for line in wrapped(heading, width - 2 * MARGIN, 11, bold=True):
        y += 15
        picture.text(MARGIN, y, line, size=11, bold=True)
    return y + 6


def _legend(picture: Picture, table: BiasTable, y: float, width: float) -> float:
    for column in table.columns:
        if column.id == "Overall":
            continue
        for line in wrapped(f"{column.id}: {column.name}", width - 2 * MARGIN, SMALL):
            y += 12
            picture.text(MARGIN, y, line, size=SMALL)
    return _key(picture, table, MARGIN, y + 6, width)


def _key(picture: Picture, table: BiasTable, left: float, y: float, width: float) -> float:
    """Symbols in words, on as many lines as they need; returns the last baseline."""
    named = [(j.words, j.id) for j in table.judgements]
    if any(not j for r in table.rows for j in table.judged(r)):
        named.append(("Not judged", ""))
    x, y = left, y + 12
    for words, judgement in named:
        wide = 30 + text_width(clean(words), SMALL)
        if x + wide > width - MARGIN + 14 and x > left:
            x, y = left, y + 17
        _sign(picture, x + 6.5, y - 3, judgement, table)
        picture.text(x + 17, y, words, size=SMALL)
        x += wide
    return y


def _told(table: BiasTable) -> str:
    """The table in words, as a screen reader tells it."""
    words = {j.id: j.words for j in table.judgements} | {"": "not judged"}
    rows = (
        f"{clean(r.label)}: "
        + ", ".join(f"{c.id} {words[j]}" for c, j in zip(table.columns, table.judged(r), strict=True))
        for r in table.rows
    )
    return f"Risk of bias. {'; '.join(rows)}."


# Summary -----------------------------------------------------------------------------------------


def summary_drawing(table: BiasTable) -> Drawing:
    """The summary bars as marks at places."""
    picture = Picture()
    label = min(MOST_LABEL, max(text_width(clean(c.name), SIZE) for c in table.columns))
    left = MARGIN + label + 12
    width = left + BAR_WIDTH + MARGIN + 8
    y = _title(picture, table, width) + 2
    for i, column in enumerate(table.columns):
        lines = wrapped(column.name, label, SIZE)
        height = max(BAR_HEIGHT + 8, 12.0 * len(lines) + 6)
        middle = y + height / 2
        for n, line in enumerate(lines):
            at = middle + 3.2 + (n - (len(lines) - 1) / 2) * 12
            picture.text(left - 8, at, line, size=SIZE, bold=column.id == "Overall", anchor="end")
        _bar(picture, left, middle - BAR_HEIGHT / 2, _shares(table, i), table)
        y += height
    for percent in (0, 25, 50, 75, 100):
        x = left + BAR_WIDTH * percent / 100
        picture.line((x, y), (x, y + 3.5))
        picture.text(x, y + 13, f"{percent}%", size=SMALL, anchor="middle")
    picture.line((left, y), (left + BAR_WIDTH, y))
    y = _key(picture, table, MARGIN, y + 20, width) + 15
    how = (
        "Studies weighted by their weight in the analysis"
        if _weighted(table)
        else "Each study counts the same"
    )
    picture.text(MARGIN, y, f"{how}; {len(table.rows)} in all.", size=SMALL, colour=SOFT)
    return picture.drawing(width, y + MARGIN - 4, table.title or "Risk of bias", _told_shares(table))


def _weighted(table: BiasTable) -> bool:
    known = [r.weight for r in table.rows if r.weight is not None]
    return len(known) == len(table.rows) and math.fsum(known) > 0


def _shares(table: BiasTable, column: int) -> tuple[tuple[str, float], ...]:
    """Judgement ids in the order of the key, each with its share of 1; "" is not judged."""
    weights = [(r.weight or 0.0) if _weighted(table) else 1.0 for r in table.rows]
    whole = math.fsum(weights)
    ids = (*(j.id for j in table.judgements), "")
    return tuple(
        (
            j,
            math.fsum(w for r, w in zip(table.rows, weights, strict=True) if table.judged(r)[column] == j)
            / whole,
        )
        for j in ids
    )


def _bar(
    picture: Picture, left: float, top: float, shares: tuple[tuple[str, float], ...], table: BiasTable
) -> None:
    x = left
    for judgement, share in shares:
        if not share:
            continue
        wide = share * BAR_WIDTH
        known = look_up(judgement, table.judgements) if judgement else None
        picture.add(box(x, top, wide, BAR_HEIGHT, COLOURS[known.colour] if known else "#ffffff", "#333333"))
        symbol, ink = (known.symbol, ink_on(known.colour)) if known else ("", "#111111")
        for words in (f"{symbol} {share:.0%}".strip(), symbol):
            if words and text_width(words, SMALL, bold=True) + 4 <= wide:
                at = top + BAR_HEIGHT / 2 + 3
                picture.text(x + wide / 2, at, words, size=SMALL, bold=True, anchor="middle", colour=ink)
                break
        x += wide


def _told_shares(table: BiasTable) -> str:
    words = {j.id: j.words for j in table.judgements} | {"": "not judged"}
    told = (
        f"{clean(c.name)}: " + ", ".join(f"{words[j]} {share:.0%}" for j, share in _shares(table, i) if share)
        for i, c in enumerate(table.columns)
    )
    return f"Risk of bias by domain. {'; '.join(told)}."
