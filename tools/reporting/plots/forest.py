"""The forest plot, in the layout of Cochrane reviews. Pure: values in, bytes out.

From left to right: study, data of the arms, weight, effect with interval, the axis with squares and diamonds,
and risk of bias where it was given. A study without an estimable effect keeps its row.

Source of layout and wording: Cochrane Handbook 10.2.1 (what a forest plot shows); Review Manager's plots.
"""

from tools.reporting.plots.drawing import Drawing, Format
from tools.reporting.plots.forest_page import Page
from tools.reporting.plots.forest_values import ForestGroup, ForestLine, ForestPlot, StudyBias
from tools.reporting.plots.printing import rendered

__all__ = ["ForestGroup", "ForestLine", "ForestPlot", "StudyBias", "drawing", "forest"]


def forest(plot: ForestPlot, file_format: Format) -> bytes:
    """The plot as an SVG, PNG or PDF file. The page grows with the studies; same plot, same bytes."""
    return rendered(drawing(plot), file_format)


def drawing(plot: ForestPlot) -> Drawing:
    """The plot as marks at places; what `forest` renders."""
    return Page(plot).drawn()
