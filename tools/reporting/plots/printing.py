"""A drawing as PNG, PDF or SVG bytes; PNG and PDF through Matplotlib's Agg and PDF canvases, without pyplot.

Same drawing, same bytes: no date is written, the settings of the user's matplotlibrc are set aside, and the
only font is the one that Matplotlib brings along (`fonts`).
"""

import io
import threading
from typing import TYPE_CHECKING, Any, cast

from tools.reporting.plots.drawing import PAPER, Disc, Drawing, Format, Item, Line, Shape, Text
from tools.reporting.plots.fonts import font_file, printable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

__all__ = ["rendered"]

PNG_DPI, MOST_PIXELS = 200, 30_000
_one_at_a_time = threading.Lock()  # Matplotlib's settings are global to the process


def rendered(drawing: Drawing, file_format: Format) -> bytes:
    """The picture as a file.

    PNG has 200 dots per inch, fewer where a side would exceed 30,000 pixels. PDF embeds the font, so that its
    text can be searched.
    """
    if file_format == "svg":
        return drawing.svg()
    import matplotlib

    with _one_at_a_time, matplotlib.rc_context(cast(Any, _settings())):
        figure = _figure(drawing)
        out = io.BytesIO()
        if file_format == "png":
            dpi = min(PNG_DPI, 72 * MOST_PIXELS / max(drawing.width, drawing.height))
            figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None, "Title": drawing.title})
        else:
            told = {"CreationDate": None, "Producer": None, "Creator": None, "Title": drawing.title}
            figure.savefig(out, format="pdf", metadata=told)
        return out.getvalue()


def _settings() -> dict[str, Any]:
    from matplotlib import rcParamsDefault

    # The backend is the process's own affair, and naming it here would look for a display.
    defaults = {str(k): v for k, v in rcParamsDefault.items() if not k.startswith(("backend", "interactive"))}
    return defaults | {"pdf.fonttype": 42, "path.simplify": False, "text.parse_math": False}


def _figure(drawing: Drawing) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.transforms import Affine2D

    figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), facecolor=PAPER)
    FigureCanvasAgg(figure)
    # Points from the upper left corner to inches from the lower left one.
    place = Affine2D().scale(1 / 72, -1 / 72).translate(0, drawing.height / 72) + figure.dpi_scale_trans
    for order, item in enumerate(drawing.items):
        artist = _artist(item, place)
        artist.set_zorder(order)
        figure.add_artist(artist)
    return figure


def _artist(item: Item, place: "Transform") -> "Artist":
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon

    match item:
        case Text():
            return _text(item, place)
        case Line():
            (x1, y1), (x2, y2) = item.start, item.end
            line = Line2D([x1, x2], [y1, y2], lw=item.width, color=item.colour, transform=place)
            line.set_solid_capstyle("butt")
            if item.dash:
                line.set_linestyle((0, tuple(d / item.width for d in item.dash)))
            return line
        case Shape():
            edge = item.edge or "none"
            return Polygon(item.points, closed=True, fc=item.fill, ec=edge, lw=item.width, transform=place)
        case Disc():
            return _disc(item, place)


def _text(item: Text, place: "Transform") -> "Artist":
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text as Lettering

    return Lettering(
        item.x,
        item.y,
        printable(item.text),
        fontproperties=FontProperties(fname=font_file(bold=item.bold), size=item.size),
        color=item.colour,
        ha={"start": "left", "middle": "center", "end": "right"}[item.anchor],
        va="baseline",
        parse_math=False,
        usetex=False,
        transform=place,
    )


def _disc(item: Disc, place: "Transform") -> "Artist":
    from matplotlib.patches import Circle

    edge = item.edge or "none"
    return Circle((item.x, item.y), item.radius, fc=item.fill, ec=edge, lw=item.width, transform=place)
