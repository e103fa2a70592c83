"""What the reader of a PDF saw on its pages, as values; and whether it is the text of a report at all. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["LEAST_CHARS", "Line", "Page", "hidden_in", "is_garbled", "page_of", "trouble"]


class Line(NamedTuple):
    """A line as drawn: its baseline's start in points from the lower left corner, its type's height."""

    text: str
    x: float
    y: float
    size: float


class Page(NamedTuple):
    """A page as its reader saw it."""

    width: float
    height: float
    lines: tuple[Line, ...]
    images: int = 0
    hidden: tuple[tuple[str, int], ...] = ()
    """Reason, and how many characters were drawn so that nobody sees them."""
    ocr: bool = False


_LIGATURES = {chr(0xFB00 + i): s for i, s in enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"))}
_CLEANED = str.maketrans(
    {**_LIGATURES, "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2009": " ", "\u200b": "", "\ufeff": ""}
    | {chr(c): " " for c in (*range(9), 11, 12, *range(14, 32), 127)}
)


def page_of(told: Mapping[str, Any]) -> Page:
    """A page out of the reader's JSON; the file behind it is hostile, so types are made sure of."""
    lines = []
    for text, x, y, size in told["lines"]:
        clean = " ".join(str(text).translate(_CLEANED).encode("utf-8", "ignore").decode().split())
        if clean:
            lines.append(Line(clean, float(x), float(y), float(size)))
    hidden = tuple(sorted((str(why), int(n)) for why, n in told["hidden"].items()))
    return Page(
        float(told["width"]),
        float(told["height"]),
        tuple(lines),
        int(told["images"]),
        hidden,
        bool(told["ocr"]),
    )


# Can it be read? ---------------------------------------------------------------------------------

_GLYPH_NAMES = re.compile(r"\(cid:\d+\)|/(?:g|G|C|c|glyph|uni)[0-9A-F]{1,5}\b")
_WORD = re.compile(r"[A-Za-z]{4,}")
LEAST_CHARS = 200
"""A report has more letters than this on its first page alone; a stamp on scanned pages has fewer."""


def trouble(pages: Sequence[Page]) -> tuple[str, str] | None:
    """Why these pages hold no text of a report, as (kind, words); None where they do."""
    text = " ".join(line.text for page in pages for line in page.lines)
    letters = sum(ch.isalnum() for ch in text)
    hidden = sum(hidden_in(pages).values())
    if hidden > max(LEAST_CHARS, 0.25 * (hidden + len(text))):
        # So much cannot be an accident of layout: either it is aimed at machines, or we misjudge this file.
        return "hidden_text", f"{hidden:,} characters of it cannot be seen on its pages, more than a fourth"
    if letters < LEAST_CHARS:
        if any(page.images for page in pages):
            return "scanned", "its pages are pictures without text; run text recognition over it, or read it"
        return "no_text", f"its pages hold {letters} letters and digits in all"
    odd = sum(ch == "\ufffd" or "\ue000" <= ch <= "\uf8ff" or ch >= "\U000f0000" for ch in text)
    odd += sum(len(name) for name in _GLYPH_NAMES.findall(text))
    odd += sum(len(line.text) for page in pages for line in page.lines if is_garbled(line.text))
    if odd > 0.2 * len(text):
        return "garbled", "its fonts do not say which letters their signs stand for"
    words = _WORD.findall(text)
    spoken = sum(any(ch in "aeiouyAEIOUY" for ch in word) for word in words)
    if len(words) >= 50 and spoken < 0.6 * len(words) and len("".join(words)) > 0.5 * letters:
        return "garbled", "its fonts give out other letters than they show"
    return None


def is_garbled(text: str) -> bool:
    """Whether a line's signs stand for others: no language writes half of its letters with accents and signs.

    Only the range from Latin-1 to the phonetic letters is looked at, where shifted fonts land; Greek, Cyrillic and
    all other scripts lie above it.
    """
    signs = text.replace(" ", "")
    return len(signs) >= 6 and sum("\xa1" <= ch <= "\u02ff" for ch in signs) > 0.4 * len(signs)


def hidden_in(pages: Sequence[Page]) -> Counter[str]:
    """Characters that nobody can see, by the reason; recognised text beneath a picture is not meant."""
    hidden: Counter[str] = Counter()
    for page in pages:
        hidden.update({why: n for why, n in page.hidden if not (page.ocr and why == "invisible")})
    return hidden
