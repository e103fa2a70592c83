"""A page that is written piece by piece and remembers where each value of the registry stands. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from tools.registry.reading import Leaf
from tools.schemas import Passage

__all__ = ["Cell", "Page", "listed", "optional"]

Piece = str | Leaf | None
Cell = tuple[Piece, ...]


class Page:
    """Passages in order, and the spans of the leaves in them; the first place of a leaf counts."""

    def __init__(self) -> None:
        self.passages: list[Passage] = []
        self.spans: dict[str, tuple[int, int]] = {}
        self.section = ""
        self._at = 0

    def heading(self, section: str) -> None:
        """Begin a section; its last part is printed."""
        self.section = section
        self._add("title", [(section.rpartition(" > ")[2],)])

    def title(self, leaf: Leaf, section: str) -> None:
        """A heading that is itself a value."""
        self.section = section
        self._add("title", [(leaf,)])

    def line(self, *pieces: Piece) -> None:
        """A paragraph, where at least one value is there to be told."""
        if any(isinstance(piece, Leaf) for piece in pieces):
            self._add("paragraph", [pieces])

    def words(self, text: str) -> None:
        """A paragraph of ours."""
        self._add("paragraph", [(text,)])

    def table(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Lines of cells separated by ` | `."""
        if rows:
            self._add("table", [_joined(row) for row in rows])

    def _add(self, kind: Literal["title", "paragraph", "table"], lines: Sequence[Cell]) -> None:
        parts: list[str] = []
        size = 0
        for number, line in enumerate(lines):
            for piece in ("\n", *line) if number else line:
                text = piece.text if isinstance(piece, Leaf) else piece or ""
                if isinstance(piece, Leaf):
                    self.spans.setdefault(piece.path, (self._at + size, self._at + size + len(text)))
                parts.append(text)
                size += len(text)
        self.passages.append(Passage(section=self.section, kind=kind, start=self._at, text="".join(parts)))
        self._at += size + 1


def _joined(row: Sequence[Cell]) -> Cell:
    pieces: list[Piece] = []
    for number, cell in enumerate(row):
        pieces += [" | "] if number else []
        pieces += cell
    return tuple(pieces)


def listed(leaves: Iterable[Leaf], between: str = ", ") -> Iterator[Piece]:
    """Values one after the other, with something between them."""
    for number, leaf in enumerate(leaves):
        if number:
            yield between
        yield leaf


def optional(before: str, leaf: Leaf | None, after: str = "") -> Cell:
    """A value with words before and after it; nothing at all where there is no value."""
    return (before, leaf, after) if leaf else ()
