"""A forest plot on its page: columns get widths, rows get places, marks are drawn on the axis. Pure."""

import math
from collections.abc import Sequence
from itertools import groupby

from tools.reporting.plots.drawing import EDGE, SOFT, Drawing, Picture
from tools.reporting.plots.fonts import clean, text_width, wrapped
from tools.reporting.plots.forest_marks import draw_axis, draw_mark
from tools.reporting.plots.forest_rows import Row, columns, rows
from tools.reporting.plots.forest_values import ForestPlot
from tools.reporting.plots.judgements import draw_judgement, look_up
from tools.reporting.plots.scale import null_value, scale_for
from tools.reporting.plots.wording import MEASURES, method
from tools.synthesis.values import NotEstimable

__all__ = ["Page"]

SIZE, LEADING, PAD, MARGIN = 9.0, 14.5, 8.0, 16.0
TITLE_SIZE, TITLE_LEADING = 11.0, 15.0
MOST_LABEL, LEAST_LABEL, AXIS_WIDTH, BIAS_STEP = 210.0, 90.0, 230.0, 13.5
BIAS_HEAD = "Risk of bias"
MARK_COLOURS = {"events": "#2458a6", "mean": "#2b7a3d", "y": "#b0302a"}


class Page:
    """One plot, laid out once; `drawn` gives the picture."""

    def __init__(self, plot: ForestPlot) -> None:
        self.plot = plot
        self.rows = rows(plot)
        self.columns = columns(plot)
        self.picture = Picture()
        self._set_columns()
        marks = [r.mark for r in self.rows if r.mark]
        pooled = [v for m in marks if m.kind != "study" for v in (m.lower, m.upper)]
        self.scale = scale_for(
            plot.measure,
            [*(m.y for m in marks), *pooled],
            [v for m in marks if m.kind == "study" for v in (m.lower, m.upper)],
            self.axis_left,
            self.axis_right,
        )
        self.heaviest = max((m.weight or 0.0 for m in marks if m.kind == "study"), default=0.0)
        first = self.columns[0].statistic
        self.colour = MARK_COLOURS.get(first, MARK_COLOURS["mean"])

    # Columns -------------------------------------------------------------------------------------

    def _set_columns(self) -> None:
        """Places of all columns: `ends` are the right edges of the data columns."""
        narrow = [r for r in self.rows if not r.wide]
        labels = (text_width(clean(r.label), SIZE, bold=r.bold) for r in narrow)
        self.label_width = min(MOST_LABEL, max(LEAST_LABEL, *labels))
        x = MARGIN + self.label_width
        self.ends: list[float] = []
        for i, column in enumerate(self.columns):
            cells = (r.cells[i] for r in narrow if r.cells)
            x += 2 * PAD + _widest([column.head, *cells], bold=True)
            self.ends.append(x)
        if any(r.weight for r in narrow):
            x += 2 * PAD + _widest(["Weight", *(r.weight for r in narrow)], bold=True)
        self.weight_end = x
        self.effect_width = _widest([*self._effect_head(), *(r.effect for r in narrow)], bold=True)
        self.effect_middle = x + 2 * PAD + self.effect_width / 2
        self.table_right = x + 2 * PAD + self.effect_width
        self.axis_left = self.table_right + 2 * PAD
        self.axis_right = self.axis_left + AXIS_WIDTH
        self.bias_left = self.axis_right + 2 * PAD
        head = text_width(BIAS_HEAD, SIZE, bold=True) if self.plot.domains else 0.0
        self.bias_width = max(len(self.plot.domains) * BIAS_STEP, head)
        self.width = (self.bias_left + self.bias_width if self.plot.domains else self.axis_right) + MARGIN

    def _effect_head(self) -> tuple[str, str]:
        pooled = self.plot.overall or next((g.pooled for g in self.plot.groups if g.pooled), None)
        return MEASURES[self.plot.measure], method(pooled, self.plot.level)

    # Drawing -------------------------------------------------------------------------------------

    def drawn(self) -> Drawing:
        """The whole page."""
        y = self._titles(MARGIN)
        top = y = self._heads(y)
        marked = max(i for i, r in enumerate(self.rows) if r.mark or r.cells) + 1
        for row in self.rows[:marked]:
            y = self._row(row, y)
        axis_y = y + 4
        bottom_of_axis = draw_axis(
            self.picture, self.scale, self._captions(), top, axis_y, null_value(self.plot.measure)
        )
        for row in self.rows[marked:]:
            y = self._row(row, y)
        y = self._footer(max(y, bottom_of_axis) + 8)
        return self.picture.drawing(self.width, y + MARGIN - 6, self._title(), self._description())

    def _captions(self) -> tuple[str, str]:
        return self.plot.favours_left, self.plot.favours_right

    def _titles(self, y: float) -> float:
        room = self.width - 2 * MARGIN
        for text, bold in ((self.plot.title, True), (self.plot.outcome, False)):
            for line in wrapped(text, room, TITLE_SIZE, bold=bold) if clean(text) else ():
                y += TITLE_LEADING
                self.picture.text(MARGIN, y - 4, line, size=TITLE_SIZE, bold=bold)
        return y + 4

    def _heads(self, y: float) -> float:
        """Names of arms over names of columns; returns where the rows begin."""
        blocks = self._arm_blocks()
        lines = max([len(texts) for _, _, texts in blocks] + [1])
        base = y + lines * 11.5
        for left, right, texts in blocks:
            for i, text in enumerate(reversed(texts)):
                self.picture.text(
                    (left + right) / 2, base - i * 11.5, text, size=SIZE, bold=True, anchor="middle"
                )
            self.picture.line((left, base + 3), (right, base + 3), width=0.5, colour=EDGE)
        second = base + LEADING
        self._text(MARGIN, second, "Study or subgroup" if self._subgroups() else "Study", bold=True)
        for column, end in zip(self.columns, self.ends, strict=True):
            self._text(end, second, column.head, bold=True, anchor="end")
        if any(r.weight for r in self.rows):
            self._text(self.weight_end, second, "Weight", bold=True, anchor="end")
        for x in (self.effect_middle, (self.axis_left + self.axis_right) / 2):
            for text, at in zip(self._effect_head(), (base, second), strict=True):
                self.picture.text(x, at, text, size=SIZE, bold=True, anchor="middle")
        self._bias_heads(base, second)
        self.picture.line((MARGIN, second + 4), (self.width - MARGIN, second + 4), width=0.8)
        return second + 6

    def _subgroups(self) -> bool:
        return any(g.name for g in self.plot.groups)

    def _arm_blocks(self) -> list[tuple[float, float, list[str]]]:
        """Left and right of each arm's columns, with its name broken to fit between."""
        names = {"experimental": self.plot.experimental, "control": self.plot.control}
        starts = [MARGIN + self.label_width, *self.ends]
        blocks = []
        for arm, found in groupby(range(len(self.columns)), key=lambda i: self.columns[i].arm):
            places = list(found)
            if not arm:
                continue
            left, right = starts[places[0]] + PAD, self.ends[places[-1]]
            blocks.append((left, right, wrapped(names[arm], right - left + PAD, SIZE, bold=True)))
        return blocks

    def _bias_heads(self, base: float, second: float) -> None:
        if not self.plot.domains:
            return
        middle = self.bias_left + self.bias_width / 2
        self.picture.text(middle, base, BIAS_HEAD, size=SIZE, bold=True, anchor="middle")
        for i in range(len(self.plot.domains)):
            self.picture.text(self._bias_x(i), second, _letter(i), size=SIZE, bold=True, anchor="middle")

    def _bias_x(self, domain: int) -> float:
        middle = self.bias_left + self.bias_width / 2
        return middle + (domain + 0.5 - len(self.plot.domains) / 2) * BIAS_STEP

    def _row(self, row: Row, y: float) -> float:
        """Draw a row from `y` down; returns where the next one begins."""
        if row.wide:
            return self._statement(row.label, y)
        lines = wrapped(row.label, self.label_width, SIZE, bold=row.bold)
        middle = y + LEADING * max(len(lines), 1) / 2
        base = middle + SIZE * 0.36
        for i, line in enumerate(lines):
            at = base + (i - (len(lines) - 1) / 2) * LEADING * 0.85
            self.picture.text(MARGIN, at, line, size=SIZE, bold=row.bold)
        for end, text in zip(self.ends, row.cells, strict=False):
            self._text(end, base, text, bold=row.bold, anchor="end")
        self._text(self.weight_end, base, row.weight, bold=row.bold, anchor="end")
        self._text(self.table_right, base, row.effect, bold=row.bold, anchor="end")
        if row.mark:
            draw_mark(self.picture, self.scale, row.mark, middle, self._side(row.mark.weight), self.colour)
        self._bias(row.study_id, middle)
        return y + LEADING * max(len(lines), 1)

    def _text(self, x: float, y: float, text: str, *, bold: bool = False, anchor: str = "start") -> None:
        self.picture.text(x, y, text, size=SIZE, bold=bold, anchor="end" if anchor == "end" else "start")

    def _side(self, weight: float | None) -> float:
        """Side of a square whose area follows the weight; the same for all where weights are unknown."""
        if weight is None or not self.heaviest:
            return 6.0
        return max(2.4, 11.0 * math.sqrt(max(weight, 0.0) / self.heaviest))

    def _statement(self, text: str, y: float) -> float:
        for line in wrapped(text, self.table_right - MARGIN, SIZE):
            y += LEADING
            self.picture.text(MARGIN, y - 4, line, size=SIZE)
        return y

    def _bias(self, study_id: str, y: float) -> None:
        found = next((b for b in self.plot.bias if b.study_id == study_id), None) if study_id else None
        for domain, judgement in found.judgements if found else ():
            place = self.plot.domains.index(domain)
            draw_judgement(self.picture, self._bias_x(place), y, look_up(judgement, self.plot.judgements))

    # Below the plot ------------------------------------------------------------------------------

    def _footer(self, y: float) -> float:
        room = self.width - 2 * MARGIN
        for note in (*self._not_estimable(), *self._caveats(), *self.plot.footnotes):
            for line in wrapped(note, room, 8, most=12):
                y += 11.5
                self.picture.text(MARGIN, y, line, size=8, colour=SOFT)
        return self._bias_legend(y + 4) if self.plot.domains else y

    def _not_estimable(self) -> Sequence[str]:
        """Why studies have no effect, each reason once."""
        reasons: dict[str, list[str]] = {}
        for line in self.plot.lines:
            if isinstance(line, NotEstimable):
                reasons.setdefault(line.why, []).append(line.label)
        return [f"Not estimable: {'; '.join(labels)}. {why}" for why, labels in reasons.items()]

    def _caveats(self) -> Sequence[str]:
        """Notes of studies and of poolings, each once, with the studies that they are about."""
        notes: dict[str, list[str]] = {}
        for effect in self.plot.effects:
            for note in effect.notes:
                notes.setdefault(note, []).append(effect.label)
        of_all = len(self.plot.effects)
        told = [
            f"{'All studies' if 1 < len(labels) == of_all else '; '.join(labels)}: {note}"
            for note, labels in notes.items()
        ]
        poolings = (self.plot.overall, *(g.pooled for g in self.plot.groups))
        return [*told, *dict.fromkeys(note for p in poolings if p for note in p.notes)]

    def _bias_legend(self, y: float) -> float:
        self.picture.text(MARGIN, y + 11.5, "Risk of bias legend", size=8, bold=True)
        y += 11.5
        for i, domain in enumerate(self.plot.domains):
            for line in wrapped(f"({_letter(i)}) {domain}", self.width - 2 * MARGIN, 8):
                y += 11.5
                self.picture.text(MARGIN, y, line, size=8)
        x, y = MARGIN + 5, y + 15
        for judgement in self.plot.judgements:
            draw_judgement(self.picture, x, y - 3, judgement, 5)
            self.picture.text(x + 9, y, judgement.words, size=8)
            x += 26 + text_width(clean(judgement.words), 8)
        return y

    # For those who do not see it -----------------------------------------------------------------

    def _title(self) -> str:
        return self.plot.title or self.plot.outcome or f"Forest plot, {MEASURES[self.plot.measure]}"

    def _description(self) -> str:
        """All rows in words, as a screen reader tells them."""
        told = [f"Forest plot, {', '.join(self._effect_head())}."]
        for r in self.rows:
            words = [clean(r.label), r.effect, f"weight {r.weight}" if r.weight else ""]
            if any(words):
                told.append(", ".join(w for w in words if w) + ".")
        return " ".join(told)


def _widest(texts: Sequence[str], *, bold: bool) -> float:
    return max(text_width(t, SIZE, bold=bold) for t in texts)


def _letter(place: int) -> str:
    """A, B, … Z, AA, AB, …"""
    before, letter = divmod(place, 26)
    return (_letter(before - 1) if before else "") + chr(ord("A") + letter)
