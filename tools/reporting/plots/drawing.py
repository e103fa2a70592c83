"""A picture as a value: texts, lines, shapes at places in points, y downwards; and its SVG. Pure.

Layout ends here: a `Drawing` can be tested for overlaps without opening an image, and the three formats show
the same marks. SVG is written directly, so that its bytes depend on nothing but the drawing: no version of a
library, no date, no random id. Its text stays text: it can be searched, read aloud, copied, shown in any
script, and is small. It has a title and a description, and no scripts, fonts, styles or links. PNG and PDF
are Matplotlib's work (`printing`).
"""

from dataclasses import dataclass
from html import escape
from typing import Literal

from tools.reporting.plots.fonts import clean, text_width

__all__ = ["Anchor", "Disc", "Drawing", "Format", "Item", "Line", "Picture", "Shape", "Text", "box"]

Format = Literal["svg", "png", "pdf"]
Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]

INK, SOFT, EDGE, PAPER = "#111111", "#555555", "#8a8a8a", "#ffffff"
FONT = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Text:
    """One line of text; y is its baseline. Always literal: no markup of any kind is interpreted."""

    x: float
    y: float
    text: str
    size: float = 9.0
    bold: bool = False
    anchor: Anchor = "start"
    colour: str = INK

    @property
    def left(self) -> float:
        """Where the text begins, by the widest font."""
        return self.x - self.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]

    @property
    def width(self) -> float:
        """In points, by the widest font."""
        return text_width(self.text, self.size, bold=self.bold)


@dataclass(frozen=True)
class Line:
    """A straight line; `dash` gives lengths of strokes and gaps in points."""

    start: Point
    end: Point
    width: float = 0.8
    colour: str = INK
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Shape:
    """A filled polygon."""

    points: tuple[Point, ...]
    fill: str
    edge: str = ""
    width: float = 0.6


@dataclass(frozen=True)
class Disc:
    """A filled circle."""

    x: float
    y: float
    radius: float
    fill: str
    edge: str = ""
    width: float = 0.6


Item = Text | Line | Shape | Disc


@dataclass(frozen=True)
class Drawing:
    """A finished picture. Items are painted in order."""

    width: float
    height: float
    items: tuple[Item, ...]
    title: str
    description: str

    def svg(self) -> bytes:
        """The picture as one SVG file in UTF-8."""
        size = f'width="{_n(self.width)}" height="{_n(self.height)}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'role="img" font-family="{FONT}">'
        )
        told = f"<title>{_escaped(self.title)}</title>\n<desc>{_escaped(self.description)}</desc>"
        ground = f'<rect {size} fill="{PAPER}"/>'
        return "\n".join([head, told, ground, *map(_svg, self.items), "</svg>", ""]).encode()


class Picture:
    """Collects items while a layout is made; `drawing` ends it."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9.0,
        bold: bool = False,
        anchor: Anchor = "start",
        colour: str = INK,
    ) -> None:
        """Add a line of text; what is empty is left out."""
        if cleaned := clean(text):
            self.items.append(Text(x, y, cleaned, size, bold, anchor, colour))

    def line(
        self,
        start: Point,
        end: Point,
        *,
        width: float = 0.8,
        colour: str = INK,
        dash: tuple[float, ...] = (),
    ) -> None:
        """Add a straight line."""
        self.items.append(Line(start, end, width, colour, dash))

    def add(self, item: Item) -> None:
        """Add any item."""
        self.items.append(item)

    def drawing(self, width: float, height: float, title: str, description: str) -> Drawing:
        """What has been collected, on a page of this size."""
        return Drawing(width, height, tuple(self.items), clean(title), clean(description))


def box(x: float, y: float, width: float, height: float, fill: str, edge: str = "") -> Shape:
    """A rectangle by its upper left corner."""
    return Shape(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), fill, edge)


def _svg(item: Item) -> str:
    match item:
        case Text():
            weight = ' font-weight="bold"' if item.bold else ""
            anchor = "" if item.anchor == "start" else f' text-anchor="{item.anchor}"'
            return (
                f'<text x="{_n(item.x)}" y="{_n(item.y)}" font-size="{_n(item.size)}"{weight}{anchor} '
                f'fill="{item.colour}">{_escaped(item.text)}</text>'
            )
        case Line():
            (x1, y1), (x2, y2) = item.start, item.end
            dash = f' stroke-dasharray="{" ".join(map(_n, item.dash))}"' if item.dash else ""
            return (
                f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" '
                f'stroke="{item.colour}" stroke-width="{_n(item.width)}"{dash}/>'
            )
        case Shape():
            points = " ".join(f"{_n(x)},{_n(y)}" for x, y in item.points)
            return f'<polygon points="{points}" {_paint(item)}/>'
        case Disc():
            return f'<circle cx="{_n(item.x)}" cy="{_n(item.y)}" r="{_n(item.radius)}" {_paint(item)}/>'


def _paint(item: Shape | Disc) -> str:
    edge = f' stroke="{item.edge}" stroke-width="{_n(item.width)}"' if item.edge else ""
    return f'fill="{item.fill}"{edge}'


def _n(value: float) -> str:
    """A coordinate with at most two decimals and one spelling."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if round(value, 2) else "0"


def _escaped(text: str) -> str:
    return escape(text, quote=True)
