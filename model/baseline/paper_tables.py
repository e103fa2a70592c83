"""Tables as `tools.fulltext` keeps them, taken apart again: headings of columns, rows, and their values. Pure.

A table is lines of cells parted by ` | `; a spanning cell stands in every place that it covers.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from model.baseline.paper_values import MOST_PEOPLE, cell_value, size_in
from tools.schemas import Passage

__all__ = ["Row", "Table", "is_group", "outcome_share", "tables_of"]

_EMPTY = re.compile(r"[\s\-–—−.†*‡]*|n\.?[ad]\.?|nr|ns", re.IGNORECASE)
_NO_GROUP = re.compile(
    r"^\W*p\b|\bp[ -]?values?\b|^\W*(?:difference|diff|effect|change in mean|mean difference|between|OR\b|RR\b|HR\b"
    r"|MD\b|SMD\b|odds|risk|hazard|rate ratio|relative|absolute|statistic|test\b|[tfzd]\b|χ|chi|cohen|η|units?\b)",
    re.IGNORECASE,
)
"""Columns that hold no group's values."""

_EVERYONE = re.compile(r"^\W*(?:total|overall|all|pooled|combined)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A line of values."""

    line: str
    """Verbatim."""
    label: str
    under: str
    """The heading line above it, such as `Sex`; empty without one."""
    cells: tuple[str, ...]
    """Cells by column; the first is the label."""
    columns: tuple[str, ...]
    """What stands above each cell: all heading lines, outermost first."""
    sizes: tuple[int | None, ...]
    """`n` of each column, where the table tells it."""


@dataclass(frozen=True)
class Table:
    """One table with its caption."""

    caption: str
    section: str
    rows: tuple[Row, ...]


def tables_of(passages: Iterable[Passage]) -> Iterator[Table]:
    """All tables in reading order. A table's caption is the passage before it."""
    caption = ""
    for passage in passages:
        if passage.kind == "caption":
            caption = passage.text
        elif passage.kind == "table":
            yield Table(caption, passage.section, tuple(_rows(passage.text)))
        else:
            caption = ""


def is_group(heading: str) -> bool:
    """Whether a column can be a group's: not that of a p-value, a difference or a total."""
    innermost = heading.rpartition(" / ")[2]
    return not (_NO_GROUP.search(innermost) or _NO_GROUP.search(heading) or _EVERYONE.search(innermost))


def _rows(text: str) -> Iterator[Row]:
    lines = [line for line in text.split("\n") if line.strip()]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    width = max(map(len, cells), default=0)
    heads: list[list[str]] = []
    sizes: list[int | None] = [None] * width
    under = ""
    started = False
    for line, row in zip(lines, cells, strict=True):
        row = row + [""] * (width - len(row))
        if _all_same(row) or (started and not any(row[1:])):
            under = row[0] or under
            continue
        if not _holds_values(row):
            heads = [*heads, row] if not started else [heads[0], row] if heads else [row]
            started_sizes = [size_in(" ".join(h[i] for h in heads)) for i in range(width)]
            sizes = [new or old for new, old in zip(started_sizes, sizes, strict=True)]
            if started:
                under = row[0] or under
            continue
        if _is_size_row(row):
            sizes = [_whole(cell) or old for cell, old in zip(row, sizes, strict=True)]
        started = True
        yield Row(line, row[0], under, tuple(row), tuple(_column(heads, width)), tuple(sizes))


def _all_same(row: Sequence[str]) -> bool:
    return len(row) > 1 and bool(row[0]) and len(set(row)) == 1


def _holds_values(row: Sequence[str]) -> bool:
    """Whether a line is one of values: half of its filled cells, besides the label, are."""
    filled = [cell for cell in row[1:] if not _EMPTY.fullmatch(cell)]
    if not filled:
        return bool(any(row[1:]))  # a line of dashes is one of values, all missing
    return 2 * sum(_valued(cell) for cell in filled) >= len(filled)


def _valued(cell: str) -> bool:
    # A p-value, a range or a footnote's letter is no single value, and yet no heading.
    return cell_value(cell, "n (%)") is not None or bool(
        re.match(r"[<>=≤≥]?\s?[-−–+]?[\d.·](?!.*[^\W\d_]{4})", cell)
    )


def _is_size_row(row: Sequence[str]) -> bool:
    return bool(
        re.fullmatch(r"(?:n|no\.?|number)(?: of (?:patients|participants|subjects))?\W*", row[0], re.I)
    )


def _whole(cell: str) -> int | None:
    found = cell_value(cell)
    if found is None or found.kind != "single" or not found.value.isdigit():
        return None
    return int(found.value) if int(found.value) <= MOST_PEOPLE else None


def _column(heads: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    for i in range(width):
        yield " / ".join(dict.fromkeys(head[i] for head in heads if head[i]))


def outcome_share(asked: frozenset[str], told: frozenset[str]) -> tuple[float, float]:
    """Share of the asked words that are told, and share of the told words that were asked for."""
    both = len(asked & told)
    return (both / len(asked) if asked else 0.0, both / len(told) if told else 0.0)
