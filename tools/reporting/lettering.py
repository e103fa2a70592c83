"""How wide text is, near enough to break it into lines without a font. Pure."""

import unicodedata

__all__ = ["text_width", "wrap"]

# Advance widths in thousandths of an em, of the Helvetica family that the diagram names first. Letters of
# one width share a row; anything not listed counts as 0.6 em, which errs on the wide side.
_WIDTHS = {
    222: "ijl'’‘",
    278: " .,:;/\\ftI!|[]·",
    333: "()-r`“”",
    500: "ckszvxyJ",
    556: "abdeghnopquL0123456789–_$?#",
    611: "FTZ",
    667: "ABEKPSVXY&",
    722: "CDHNRUw",
    778: "GOQ",
    833: "mM",
    944: "W",
    1000: "@%—…",
}
_WIDTH_OF = {ch: width for width, chars in _WIDTHS.items() for ch in chars}
_BOLD = 1.07


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width in the units of `size`; East Asian wide characters count as one em, combining marks as none."""
    thousandths = sum(_advance(ch) for ch in text)
    return thousandths / 1000 * size * (_BOLD if bold else 1.0)


def _advance(ch: str) -> int:
    if ch in _WIDTH_OF:
        return _WIDTH_OF[ch]
    if unicodedata.combining(ch):
        return 0
    return 1000 if unicodedata.east_asian_width(ch) in "WF" else 600


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Lines no wider than `width`, broken at spaces, and inside a word only where it fills a line alone.

    At least one line; white space of any kind becomes single spaces. The count at the end, such as
    "(n = 12)", stays on one line.
    """
    lines: list[str] = []
    line = ""
    for word in _words(text):
        joined = f"{line} {word}" if line else word
        if text_width(joined, size, bold=bold) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, width, size, bold)
        lines += full
    return [*lines, line] if line or not lines else lines


def _words(text: str) -> list[str]:
    words = text.split()
    if len(words) >= 3 and words[-3].startswith("(n") and words[-2] == "=":
        # No-break spaces keep "(n = 12)" together; split() would undo them, so this comes last.
        return [*words[:-3], "\u00a0".join(words[-3:])]
    return words


def _pieces(word: str, width: float, size: float, bold: bool) -> list[str]:
    pieces = [""]
    for ch in word:
        if pieces[-1] and text_width(pieces[-1] + ch, size, bold=bold) > width:
            pieces.append("")
        pieces[-1] += ch
    return pieces
