"""The one font that all pictures are measured and printed with: DejaVu Sans, as Matplotlib brings it along.

A font of the machine would make the same plot come out differently elsewhere. SVG keeps text as text and
lets the reader's program choose the font (see `drawing`); DejaVu is among the widest of the common sans-serif
fonts, so that what fits by its measures also fits in the others.

PNG and PDF need the glyph itself. A character that the font lacks (Chinese, Japanese, Korean …) is spelt out
there as ⟦U+4E2D⟧: an empty box would make two studies look the same.
"""

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from tools.reporting.text import one_line, shown

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

__all__ = ["clean", "font_file", "printable", "text_width", "wrapped"]


def font_file(*, bold: bool = False) -> str:
    """Path of the font file inside Matplotlib's own data folder."""
    from matplotlib import get_data_path

    return f"{get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' if bold else ''}.ttf"


@lru_cache(maxsize=2)
def _font(bold: bool) -> "FT2Font":
    from matplotlib.ft2font import FT2Font

    return FT2Font(font_file(bold=bold))


@lru_cache(maxsize=4096)
def _advance(ch: str, bold: bool) -> float | None:
    """Width of a character in em; None where the font lacks it."""
    from matplotlib.ft2font import LoadFlags

    font = _font(bold)
    if not font.get_char_index(ord(ch)):
        return None
    return font.load_char(ord(ch), flags=LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM


def clean(text: str) -> str:
    """Text of unknown origin as one line for a picture: controls that hide or reorder are spelt out."""
    return shown(one_line(text))


def printable(text: str) -> str:
    """The text with what the font cannot draw spelt out; for PNG and PDF, where a glyph must be there."""
    return "".join(ch if _drawable(ch) else _spelt(ch) for ch in text)


def _drawable(ch: str) -> bool:
    return _advance(ch, False) is not None and _advance(ch, True) is not None


def _spelt(ch: str) -> str:
    # Joiners, marks of direction and soft hyphens have no look of their own: without a glyph they are left out.
    return "" if unicodedata.category(ch) == "Cf" else f"⟦U+{ord(ch):04X}⟧"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width in points at a font size in points: the wider of what SVG and what PNG and PDF show."""
    return size * sum(_width(ch, bold) for ch in text)


@lru_cache(maxsize=4096)
def _width(ch: str, bold: bool) -> float:
    advance = _advance(ch, bold)
    if advance is not None and _drawable(ch):
        return advance
    return sum(_advance(c, bold) or 0.0 for c in _spelt(ch))


def wrapped(text: str, width: float, size: float, *, bold: bool = False, most: int = 4) -> list[str]:
    """Lines no wider than `width` points, broken at spaces, inside a word only where it fills a line alone.

    At least one line and at most `most`: the last one then ends in "…".
    """
    lines: list[str] = []
    line = ""
    for word in clean(text).split():
        joined = f"{line} {word}" if line else word
        if text_width(joined, size, bold=bold) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, width, size, bold)
        lines += full
    lines.append(line)
    return lines if len(lines) <= most else [*lines[: most - 1], _cut(lines[most - 1], width, size, bold)]


def _pieces(word: str, width: float, size: float, bold: bool) -> list[str]:
    pieces = [""]
    for ch in word:
        if pieces[-1] and text_width(pieces[-1] + ch, size, bold=bold) > width:
            pieces.append("")
        pieces[-1] += ch
    return pieces


def _cut(line: str, width: float, size: float, bold: bool) -> str:
    while line and text_width(line + "…", size, bold=bold) > width:
        line = line[:-1]
    return line.rstrip() + "…"
