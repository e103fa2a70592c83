"""Text of unknown origin, made harmless for each place it goes to. Pure.

Titles, quotes and notes come from papers and from services. In a spreadsheet they must not become
formulas, in RIS not tags, on a page neither markup nor reordered writing.
"""

import re
import unicodedata

__all__ = ["cell_text", "one_line", "original_text", "person", "shown"]

_FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# Embeddings, overrides and isolates reorder what follows them. The plain marks U+200E and U+200F, and the
# joiners, are part of ordinary Arabic, Hebrew and Persian and stay.
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _looks_like_a_formula(text: str) -> bool:
    # Spaces and apostrophes before it are looked through: spreadsheets trim the first, and counting the
    # second makes `original_text` an exact inverse.
    bare = text.lstrip(" '\u00a0\u3000\u200b\ufeff")
    return bool(bare) and bare[0] in _FORMULA_STARTS and not _PLAIN_NUMBER.fullmatch(text)


def cell_text(text: str) -> str:
    """Text for a CSV cell: what a spreadsheet would run gets a leading apostrophe.

    Plain numbers stay as they are, so a negative effect remains a number.

    Source: OWASP, "CSV Injection".
    """
    return f"'{text}" if _looks_like_a_formula(text) else text


def original_text(cell: str) -> str:
    """What stood in a cell before `cell_text`; its exact inverse."""
    return cell[1:] if cell.startswith("'") and _looks_like_a_formula(cell[1:]) else cell


def one_line(text: str) -> str:
    """The text on one line without control characters: no RIS tag can begin inside it."""
    return " ".join("".join(" " if unicodedata.category(ch) == "Cc" else ch for ch in text).split())


def shown(text: str) -> str:
    """Text for a page or a picture: controls that hide or reorder are spelt out as ⟦U+202E⟧.

    Line breaks and tabs stay; escaping for HTML or XML is the caller's.
    """
    return "".join(f"⟦U+{ord(ch):04X}⟧" if _must_be_spelt_out(ch) else ch for ch in text)


def _must_be_spelt_out(ch: str) -> bool:
    if ch in "\n\t":
        return False
    # XML 1.0 forbids most of Cc and the two last code points of a plane in any form, escaped ones included.
    return ch in _REORDERING or unicodedata.category(ch) in ("Cc", "Cs") or ord(ch) & 0xFFFE == 0xFFFE


def person(reader: str) -> str:
    """`person:Ada` → `Ada`; engines and rules keep their name."""
    return reader.removeprefix("person:")
