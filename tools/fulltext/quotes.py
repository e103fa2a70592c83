"""Does this quote occur in that text, and where? And: where do the sentences of a text begin and end? Pure.

Law 4 rests on `locate`: a verdict or a cell counts as grounded only with a span of the source. The text
is compared as it is first, then with spelling differences folded away that a model or a PDF introduces;
what comes back is always the source's own wording.
"""

import re
import unicodedata
from array import array
from functools import lru_cache
from typing import NamedTuple

from tools.schemas import Quote

__all__ = ["MIN_QUOTE_CHARS", "holds_number", "locate", "locate_once", "sentences"]

MIN_QUOTE_CHARS = 4
"""Fewer visible characters prove nothing: `12%` occurs in most papers."""


class _Folded(NamedTuple):
    """A text for comparison; character i stands for source[starts[i]:ends[i]]."""

    text: str
    starts: "array[int]"
    ends: "array[int]"


_FOLDED_CHARS = {
    **dict.fromkeys("‘’‚‛′`´ʼ＇", "'"),
    **dict.fromkeys("“”„‟″«»＂", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
    # Invisible: soft hyphen, zero-width, joiners, direction marks, byte order mark, tag characters.
    **dict.fromkeys(
        map(chr, [0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F)]), ""
    ),
    **dict.fromkeys(map(chr, [*range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080)]), ""),
}


def locate(quote: str, text: str) -> Quote | None:
    """Find `quote` in `text`; None when it does not occur.

    Tried in this order, first occurrence each time:

    1. verbatim, apart from white space around the quote;
    2. folded: Unicode NFKC (ligatures, full-width, superscripts), typographic quotes and dashes as ASCII,
       invisible characters removed, each run of white space as one space;
    3. folded, and without regard to case.

    A match that cuts a word or a number at its edge does not count: `5 mg` is not found in `2.5 mg` or
    `-5 mg`, nor `male` in `female`.

    Returns:
        A span with `quote.text == text[quote.start:quote.end]`; `located` stays False, since only the
        caller knows whether the engine gave the quote itself.
    """
    wanted = quote.strip()
    if len(_visible(wanted)) < MIN_QUOTE_CHARS:
        return None
    if (at := _find(wanted, text)) is not None:
        return Quote(text=wanted, start=at, end=at + len(wanted))
    for any_case in (False, True):
        needle = _fold(wanted, any_case).text.strip()
        folded = _fold_cached(text, any_case)
        if needle and (at := _find(needle, folded.text)) is not None:
            start, end = folded.starts[at], folded.ends[at + len(needle) - 1]
            return Quote(text=text[start:end], start=start, end=end)
    return None


def locate_once(value: str, text: str) -> Quote | None:
    """Look up a value that came without a quote: its place, where it occurs verbatim and exactly once.

    What occurs twice may have been read in either place, and a spelling that had to be folded may be another
    value; neither is evidence. Short values are not looked up, as in `locate`.

    Returns:
        A span that says that it was looked up after the fact: `located` is True.
    """
    wanted = value.strip()
    if len(_visible(wanted)) < MIN_QUOTE_CHARS:
        return None
    at = _find(wanted, text)
    if at is None or _find(wanted, text, at + 1) is not None:
        return None
    return Quote(text=wanted, start=at, end=at + len(wanted), located=True)


def _visible(text: str) -> str:
    return "".join(_fold(text, False).text.split())


def _find(needle: str, text: str, begin: int = 0) -> int | None:
    """First occurrence from there on that cuts no word at its edges."""
    at = text.find(needle, begin)
    while at >= 0:
        end = at + len(needle)
        if not (_cuts(text, at) or _cuts(text, end)):
            return at
        at = text.find(needle, at + 1)
    return None


def _cuts(text: str, at: int) -> bool:
    """Whether position `at` lies inside a word or a number."""
    if at <= 0 or at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    earlier = text[at - 2] if at > 1 else ""
    if before in ".,·" and after.isdigit():  # 2.|5 is cut here, 2|.5 below
        return earlier.isdigit()
    if before in "-−–" and after.isdigit():  # a sign belongs to its number; `3-5` is a range
        return not earlier.isalnum()
    if after in ".,·" and before.isdigit():
        return text[at + 1 : at + 2].isdigit()
    if unicodedata.combining(after):
        return True
    # Scripts from U+2E80 on (Chinese, Japanese, Korean) write words without spaces.
    return before.isalnum() and after.isalnum() and max(before, after) < "\u2e80"


_ASCII_SPACES = dict.fromkeys(map(ord, "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"), " ")
_ASCII_FOLDED = {**_ASCII_SPACES, ord("`"): "'"}
_SPACE_RUN = re.compile(r"\s\s")


def _fold(text: str, any_case: bool) -> _Folded:
    if text.isascii() and not _SPACE_RUN.search(text):  # most abstracts: nothing changes its place
        plain = text.translate(_ASCII_FOLDED)
        places = range(len(text) + 1)
        return _Folded(
            plain.casefold() if any_case else plain, array("q", places[:-1]), array("q", places[1:])
        )
    out: list[str] = []
    starts, ends = array("q"), array("q")

    def add(piece: str, start: int, end: int) -> None:
        for char in piece:
            if char == " " and out and out[-1] == " ":
                ends[-1] = end
                continue
            out.append(char)
            starts.append(start)
            ends.append(end)

    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1  # a letter and its accents are one unit: NFKC composes them
        add(_fold_unit(text[at:end], any_case), at, end)
        at = end
    return _Folded("".join(out), starts, ends)


# All criteria or cells of one text are looked up one after the other.
_fold_cached = lru_cache(maxsize=8)(_fold)


@lru_cache(maxsize=4096)
def _fold_unit(unit: str, any_case: bool) -> str:
    unit = "".join(_FOLDED_CHARS.get(char, char) for char in unit)
    unit = unicodedata.normalize("NFKC", unit)
    unit = "".join(" " if char.isspace() else _FOLDED_CHARS.get(char, char) for char in unit)
    return unit.casefold() if any_case else unit


# Sentences ---------------------------------------------------------------------------------------

_END = re.compile(r"[.!?]+[)\]\"'”’»]*(?=\s)")
_NEXT = re.compile(r"\s+([(\[\"'“‘«]*)(\S+)")
_TOKEN = re.compile(r"[^\s(\[\"'“‘]+$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ABBREVIATIONS = _words(
    "al approx art assoc ave ca cf cit co corp dept dr ed eds eq eqs et etc ex exp e.g fig figs gen i.e i.m "
    "i.p i.v inc incl int jr ltd max min mr mrs ms no nos nr p.o pp prof ref refs resp s.c sec sp spp sr ssp "
    "st subsp suppl tab tel univ var viz vol vs jan feb mar apr jun jul aug sep sept oct nov dec"
)
# These end a sentence as often as not, so what follows decides.
_EITHER = _words("al approx co corp etc ex exp inc jr ltd max min no sp spp sr")
_STARTERS = _words(
    "a after all although an as at background because both conclusion conclusions during each eligible five "
    "for four from furthermore however in it its methods moreover most no none of on one only our outcomes "
    "participants patients results similarly six some study subjects ten that the there these they this "
    "three to treatment two we when whereas while with"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans (start, end) of the sentences of a biomedical text, in order.

    A line break always ends a sentence, since structured abstracts and canonical full texts put each
    section on a line. Otherwise `.`, `!` or `?` end one where a capital, a digit or a bracket follows
    and no abbreviation, initial or enumeration precedes. When unsure it does not split: a long quote
    can be checked, half a sentence misleads.

    The spans do not overlap, have no white space at their edges, and leave out nothing but white space.
    """
    spans = []
    start = 0
    for line in text.splitlines(keepends=True):
        cuts = [m.end() for m in _END.finditer(line) if _ends_sentence(line, m.start(), m.end())]
        begin = 0
        for cut in [*cuts, len(line)]:
            piece = line[begin:cut]
            if stripped := piece.strip():
                left = start + begin + len(piece) - len(piece.lstrip())
                spans.append((left, left + len(stripped)))
            begin = cut
        start += len(line)
    return spans


def _ends_sentence(line: str, stop: int, end: int) -> bool:
    follows = _NEXT.match(line, end)
    if follows is None:
        return True
    opening, word = follows.groups()
    if not (opening or word[0].isupper() or word[0].isdigit() or word[0] in "<>≥≤=~±"):
        return False
    if line[stop] != "." or line[stop : stop + 2] in ("..", ".)"):
        return not (opening and line[stop] == ".") or word[0].isupper() or word[0].isdigit()
    token = _TOKEN.search(line[max(0, stop - 24) : stop])
    before = token.group() if token else ""
    starter = re.sub(r"\W", "", word).casefold() in _STARTERS
    if before.casefold() in _ABBREVIATIONS:
        return before.casefold() in _EITHER and starter
    if len(before) == 1 and before.isalpha() and before.isupper():  # an initial, or `vitamin C.`
        return starter
    # `1. Patients` at the start of a line counts something; `at day 1. Patients` ends a sentence.
    return not (before.isdigit() and len(before) <= 2 and not line[: stop - len(before)].strip())


# Numbers -----------------------------------------------------------------------------------------

_NUMBER = re.compile(r"\d+(?:[,\u2009\u202f\u00a0 ]\d{3})*(?:[.·∙]\d+)?|[.·∙]\d+")


def holds_number(quote: str, value: str) -> bool:
    """Whether a number stands in a quote, whatever its sign: a fall of `−3.1` is told as `fell by 3.1`.

    Compared by value: `12·30` holds 12.3, `1,204` holds 1204, and `31` does not hold 3.1. Words for numbers are
    none here.
    """
    try:
        wanted = abs(float(value))
    except ValueError:
        return False
    read = {written for hit in _NUMBER.finditer(quote) for written in _readings(hit.group())}
    return any(abs(number - wanted) <= 1e-9 * max(1.0, wanted) for number in read)


def _readings(written: str) -> tuple[float, ...]:
    """A number as printed; where its groups may as well be numbers of their own, those too."""
    plain = re.sub(r"[·∙]", ".", written)
    groups = [group for group in re.split(r"[,\u2009\u202f\u00a0 ]", plain) if group]
    joined = float("".join(groups))
    return (joined, *(float(group) for group in groups)) if len(groups) > 1 else (joined,)
