"""How many participants an arm's value is about: by heading, label, size row, caption, or the text. Pure."""

import re
from collections.abc import Iterable, Sequence

from model.baseline.paper import Sentence
from model.baseline.paper_groups import mentions
from model.baseline.results_arms import Arms, arm_columns, side
from tools.extraction.forms import MOST_PEOPLE, form_of
from tools.extraction.numbers import Reading, percent_fits, sizes_in
from tools.fulltext.tables import PaperTable, TableRow, is_blank

__all__ = ["fitting", "size_at", "size_noted", "sizes_of", "sizes_said", "whole"]

_SIZE_ROW = re.compile(
    r"(?:total )?(?:(?:n|no\.?|numbers?)(?: of)? )?(?:n|no\.?|numbers?|participants|patients|subjects"
    r"|sample size|randomi[sz]ed)"
    r"(?: (?:of|in|per) \w+)*"
    r"(?: (?:analy[sz]ed|randomi[sz]ed|included|group))?[\W\d]*(?:n|%)?\W*",
    re.IGNORECASE,
)


def fitting(reading: Reading, size: int | None) -> int | None:
    """A size, unless the count or its percentage gainsays it."""
    if size is None or reading.kind != "count":
        return size
    fits = int(reading.value) <= size and (
        reading.percent is None or percent_fits(int(reading.value), size, reading.percent)
    )
    return size if fits else None


def whole(text: str) -> int | None:
    """The number of participants that is all of a cell."""
    form = form_of(text)
    if form is None or form.name != "single" or not form.value.isdigit():
        return None
    return int(form.value) if 0 < int(form.value) <= MOST_PEOPLE else None


def size_at(table: PaperTable, row: TableRow, j: int, arms: Arms) -> int | None:
    """How many participants a cell is about, by the table: heading, label, or a row of sizes above it."""
    by_alias = _by_alias(" ".join(row.label), arms)
    if by_alias is not None:
        return by_alias
    named = [sizes_in(piece) for piece in row.columns[j] if sizes_in(piece)]
    own = [sizes_in(piece) for piece in row.label if sizes_in(piece) and side(piece, arms) == 0]
    for sizes in [*own, *reversed(named)]:
        return sizes[0] if len(set(sizes)) == 1 else None
    if any(sizes_in(piece) for piece in row.label):
        return None  # `Pain (n = 628)` is about both arms together, and not all of them
    found = [
        size
        for other in table.rows
        if other.start <= row.start
        and other.label
        and _SIZE_ROW.fullmatch(other.label[0])
        and (size := whole(other.cells[j].text)) is not None
    ]
    if found:
        return found[-1]
    return _by_alias(table.caption, arms)


def size_noted(notes: Iterable[str], arms: Arms) -> tuple[int | None, ...]:
    """What footnotes of a row say of its sizes: empty where nothing, else the arm's, None where they do not tell it.

    The 31 of `n = 31 in the wool group; n = 30 in the cotton group`.
    """
    pieces = [piece for note in notes for piece in re.split(r"[;,]|\band\b", note) if sizes_in(piece)]
    own = {sizes_in(piece) for piece in pieces if side(piece, arms) == 0}
    told = own.pop() if len(own) == 1 else ()
    return (told[0] if len(told) == 1 else None,) if pieces else ()


def _by_alias(text: str, arms: Arms) -> int | None:
    """The 12 of `(I = 12, C = 8)`, and the 104 of `intervention group (I; n=104)`."""
    for short, which in arms.aliases:
        hit = re.search(rf"(?<!\w){re.escape(short)}\s?(?:;\s?n\s?)?=\s?(\d[\d,]*)", text)
        if which == 0 and hit is not None:
            return int(hit[1].replace(",", ""))
    return None


def sizes_of(tables: Sequence[PaperTable], arms: Arms) -> frozenset[int]:
    """All sizes of the arm that headings and size rows of the report's tables tell."""
    found: set[int] = set()
    for table in tables:
        for row in table.rows:
            for j in arm_columns(row.columns, table.stub, arms):
                if any(sizes_in(piece) for piece in row.columns[j]) or (
                    row.label and _SIZE_ROW.fullmatch(row.label[0]) and not is_blank(row.cells[j].text)
                ):
                    size = size_at(table, row, j, arms)
                    found |= {size} if size is not None else set()
            for piece in row.label:
                if side(piece, arms) == 0:
                    found |= set(sizes_in(piece))
    return frozenset(found)


def sizes_said(paper: Iterable[Sentence], arms: Arms) -> frozenset[int]:
    """Sizes of the arm that sentences tell: `the wool group (n = 40)`, `40 to wool and 38 to cotton`."""
    found: set[int] = set()
    for sentence in paper:
        for _, b in mentions(sentence.text, arms.asked, arms.shorts):
            hit = re.match(r"[^.;()\d]{0,40}?[(\[,]\s?n\s?=\s?(\d[\d,]*)", sentence.text[b:], re.IGNORECASE)
            if hit is not None and not any(
                b <= c < b + hit.end()
                for o in arms.others
                for c, _ in mentions(sentence.text, o, arms.shorts)
            ):
                found.add(int(hit[1].replace(",", "")))
    return frozenset(found)
