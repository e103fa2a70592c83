"""What stands on the axis of a forest plot: squares, diamonds, prediction intervals, ticks, captions. Pure."""

from itertools import pairwise

from tools.reporting.plots.drawing import INK, Picture, Point, Shape, box
from tools.reporting.plots.fonts import clean, wrapped
from tools.reporting.plots.forest_rows import Mark
from tools.reporting.plots.scale import Scale

__all__ = ["draw_axis", "draw_mark"]

DIAMOND, ARROW, TICK_SIZE, CAPTION_SIZE = 5.0, 5.0, 8.5, 9.0


def draw_mark(picture: Picture, scale: Scale, mark: Mark, y: float, side: float, colour: str) -> None:
    """One row's mark, centred on the height `y`; `side` is that of a study's square."""
    match mark.kind:
        case "study":
            _interval(picture, scale, mark, y)
            if scale.shows(mark.y):
                x = scale.x(mark.y)
                picture.add(box(x - side / 2, y - side / 2, side, side, colour))
        case "diamond":
            picture.add(Shape(_diamond(scale, mark, y), INK))
        case "prediction":
            _prediction(picture, scale, mark, y)


def _interval(picture: Picture, scale: Scale, mark: Mark, y: float) -> None:
    """The line from limit to limit; an arrow where it goes on beyond the axis."""
    if mark.upper > scale.low and mark.lower < scale.high:
        picture.line((scale.x(mark.lower), y), (scale.x(mark.upper), y), width=0.9)
    if mark.lower < scale.low:
        _arrow(picture, scale.left, y, -1)
    if mark.upper > scale.high:
        _arrow(picture, scale.right, y, 1)


def _arrow(picture: Picture, x: float, y: float, way: int) -> None:
    back = x - way * ARROW
    picture.add(Shape(((x, y), (back, y - ARROW * 0.55), (back, y + ARROW * 0.55)), INK))


def _prediction(picture: Picture, scale: Scale, mark: Mark, y: float) -> None:
    left, right = scale.x(mark.lower), scale.x(mark.upper)
    picture.line((left, y), (right, y), width=1.6)
    for limit, x, way in ((mark.lower, left, -1), (mark.upper, right, 1)):
        if scale.shows(limit):
            picture.line((x, y - 3.5), (x, y + 3.5), width=1.6)
        else:
            _arrow(picture, x, y, way)


def _diamond(scale: Scale, mark: Mark, y: float) -> tuple[Point, ...]:
    """A diamond, cut off straight where it leaves the axis."""
    tips = ((mark.lower, 0.0), (mark.y, DIAMOND), (mark.upper, 0.0))
    upper: list[tuple[float, float]] = []
    for (x1, h1), (x2, h2) in pairwise(tips):
        upper.append((x1, h1))
        # Where an edge of the axis crosses a side, the side gets a corner there.
        upper += [(e, h1 + (h2 - h1) * (e - x1) / (x2 - x1)) for e in (scale.low, scale.high) if x1 < e < x2]
    upper.append(tips[-1])
    shown = [(scale.x(x), h) for x, h in upper if scale.shows(x)]
    shown = shown or [(scale.x(mark.y), 0.0), (scale.x(mark.y), DIAMOND)]
    return (*((x, y - h) for x, h in shown), *((x, y + h) for x, h in reversed(shown)))


def draw_axis(
    picture: Picture, scale: Scale, captions: tuple[str, str], top: float, y: float, null: float | None
) -> float:
    """Axis with ticks, line of no effect from `top` to the axis, captions below; returns the bottom."""
    if null is not None:
        picture.line((scale.x(null), top - 2), (scale.x(null), y), width=0.8)
    picture.line((scale.left, y), (scale.right, y), width=0.8)
    for value, label in scale.ticks:
        x = scale.x(value)
        picture.line((x, y), (x, y + 3.5), width=0.8)
        picture.text(x, y + 13, label, size=TICK_SIZE, anchor="middle")
    return _captions(picture, scale, captions, y + 14, null)


def _captions(
    picture: Picture, scale: Scale, captions: tuple[str, str], y: float, null: float | None
) -> float:
    middle = scale.x(null) if null is not None else (scale.left + scale.right) / 2
    bottom = y
    for text, x, room, way in (
        (captions[0], middle - 6, middle - 6 - scale.left, "end"),
        (captions[1], middle + 6, scale.right - middle - 6, "start"),
    ):
        for i, line in enumerate(wrapped(text, room, CAPTION_SIZE) if clean(text) else ()):
            at = y + (i + 1) * 12
            picture.text(x, at, line, size=CAPTION_SIZE, anchor="end" if way == "end" else "start")
            bottom = max(bottom, at)
    return bottom
