"""The child process that reads a PDF: bytes on standard input, one JSON object on standard output.

    python -I -c "…; from tools.fulltext.pdf_child import main; main()" < paper.pdf

Run by `tools.fulltext.pdf` only. It confines itself (`tools.fulltext.confine`) before it reads the first byte.
Scripts, attachments, forms and links of the PDF are never looked at: only the text that its pages draw.

The object is `{"unreadable": kind, "what": words}`, or `{"pages": [...], "reader": …, "held": [...]}` with for
each page `{"width", "height", "rotated", "lines": [[text, x, y, size], …], "images", "hidden": {reason: chars},
"ocr"}`. Lines are in the order in which the file draws them; x and y are the start of the baseline in points
from the lower left corner, size is the height of the type as drawn.
"""

import contextlib
import io
import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from tools.fulltext import confine

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

__all__ = ["LIMITS", "main"]

LIMITS = {
    "bytes": 100 * 2**20,
    "pages": 500,  # the longest reports are theses and agency reports; a proceedings volume is no report
    "chars": 5_000_000,
    "memory": 2**30,
    "cpu_s": 60,
}

TINY_PT = 1.5
WHITE = 0.97
_MARGIN_PT = 3.0


class Unreadable(Exception):
    """Why this file gives no text, in one word and in words."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind, self.what = kind, what


def main() -> None:
    """Read standard input, write standard output."""
    out = sys.stdout.buffer
    _preload()
    sys.path.pop(0)  # the folder that this very program came from need not be readable any more
    held = confine.confine(memory=LIMITS["memory"], cpu_s=LIMITS["cpu_s"])
    try:
        data = sys.stdin.buffer.read(LIMITS["bytes"] + 1)
        answer: dict[str, Any] = {**read(data, int(sys.argv[1]) or None), "held": held}
    except Unreadable as e:
        answer = {"unreadable": e.kind, "what": e.what}
    except MemoryError:
        answer = {"unreadable": "too_much_memory", "what": "reading it takes more memory than we allow"}
    out.write(json.dumps(answer).encode())
    out.flush()
    os._exit(0)  # taking a large document apart again can take longer than reading it did


def _preload() -> None:
    """What cannot be loaded once the doors are shut."""
    import codecs
    import encodings.aliases

    import pypdf

    logging.getLogger(pypdf.__name__).setLevel(logging.CRITICAL + 1)
    for name in sorted(set(encodings.aliases.aliases.values())):
        with contextlib.suppress(LookupError, ImportError):
            codecs.lookup(name)


def read(data: bytes, first_pages: int | None = None) -> dict[str, Any]:
    """The pages of a PDF, or so many of them.

    Raises:
        Unreadable: there is nothing to be read by machine.
        MemoryError: see `LIMITS`.
    """
    import pypdf
    from pypdf.errors import DependencyError, LimitReachedError

    if len(data) > LIMITS["bytes"]:
        raise Unreadable("too_large", f"more than the {LIMITS['bytes']:,} bytes that we read")
    try:
        reader = _opened(data)
        pages = _pages(reader, first_pages)
    except (Unreadable, MemoryError):
        raise
    except DependencyError as e:
        raise Unreadable("encrypted", f"its encryption needs a package that is not installed ({e})") from e
    except LimitReachedError as e:
        raise Unreadable("too_much_memory", f"a part of it unpacks to more than we allow ({e})") from e
    except RecursionError as e:
        raise Unreadable("damaged", "its objects are nested too deeply, or in a circle") from e
    except Exception as e:
        raise Unreadable("damaged", f"{type(e).__name__}: {str(e)[:200]}") from e
    return {"pages": pages, "reader": f"pypdf {pypdf.__version__}"}


def _opened(data: bytes) -> "PdfReader":
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data), strict=False)
    # Many publishers forbid copying by an owner's password only: such a file opens with an empty one.
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("encrypted", "it opens with a password only")
    return reader


def _pages(reader: "PdfReader", first_pages: int | None) -> list[dict[str, Any]]:
    pages = []
    chars = 0
    if (count := len(reader.pages)) > LIMITS["pages"]:
        raise Unreadable("too_many_pages", f"{count:,} pages, more than the {LIMITS['pages']} that we read")
    for number, page in enumerate(reader.pages, 1):
        if number > LIMITS["pages"]:
            raise Unreadable("too_many_pages", f"more than the {LIMITS['pages']} pages that we read")
        found = _page(page)
        chars += sum(len(line[0]) for line in found["lines"])
        if chars > LIMITS["chars"]:
            raise Unreadable("too_large", f"more than {LIMITS['chars']:,} characters of text")
        pages.append(found)
        if number == first_pages:
            break
    if not pages:
        raise Unreadable("damaged", "it has no pages")
    return pages


def _page(page: "PageObject") -> dict[str, Any]:
    seen = _Seen(page, keep_invisible=False)
    ocr = False
    if seen.images and seen.hidden.get("invisible", 0) > 2 * sum(len(line[0]) for line in seen.lines):
        # A picture of the page with invisible text beneath it: what optical character recognition leaves.
        seen, ocr = _Seen(page, keep_invisible=True), True
    return {
        "width": seen.width,
        "height": seen.height,
        "rotated": int(page.rotation or 0) % 360,
        "lines": seen.lines,
        "images": seen.images,
        "hidden": seen.hidden,
        "ocr": ocr,
    }


# What a page draws -------------------------------------------------------------------------------

_Matrix = list[float]
_SHOWING = (b"Tj", b"TJ", b"'", b'"')
_FILLING = (b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*")


class _Seen:
    """Lines of a page that a reader can see, and how much was drawn that they cannot."""

    def __init__(self, page: "PageObject", *, keep_invisible: bool) -> None:
        box = page.cropbox
        self.left, self.bottom = float(box.left), float(box.bottom)
        self.width, self.height = float(box.width), float(box.height)
        self.lines: list[list[Any]] = []
        self.images = 0
        self.hidden: dict[str, int] = {}
        self._keep_invisible = keep_invisible
        self._mode, self._white, self._size = 0, False, 1.0
        self._kept: list[tuple[int, bool, float]] = []
        self._path: list[tuple[float, float]] = []
        self._painted: list[tuple[float, float, float, float]] = []
        self._fragments: list[tuple[str, float, float, float]] = []
        page.extract_text(visitor_operand_before=self._operation, visitor_text=self._text)
        self._end_line()

    def _operation(self, operator: bytes, operands: Any, cm: _Matrix, tm: _Matrix) -> None:
        if operator in _SHOWING:
            self._showing(operator, operands, cm, tm)
        elif operator == b"q":
            self._kept.append((self._mode, self._white, self._size))
        elif operator == b"Q" and self._kept:
            self._mode, self._white, self._size = self._kept.pop()
        elif operator == b"Tr":
            self._mode = int(_number(operands, 0))
        elif operator == b"Tf":
            self._size = _number(operands, 1, 1.0)
        elif operator in (b"g", b"rg", b"k", b"sc", b"scn"):
            self._white = _is_white(operator, operands)
        elif operator == b"cs":
            self._white = False
        else:
            self._drawing(operator, operands, cm)

    def _drawing(self, operator: bytes, operands: Any, cm: _Matrix) -> None:
        """Remember what is painted, since white type on it can be read."""
        if operator == b"re" and len(operands) >= 4:
            x, y, width, height = (_number(operands, i) for i in range(4))
            self._path += [_placed(cm, x, y), _placed(cm, x + width, y + height)]
        elif operator in (b"m", b"l", b"c", b"v", b"y"):
            pairs = range(0, len(operands) - 1, 2)
            self._path += [_placed(cm, _number(operands, i), _number(operands, i + 1)) for i in pairs]
        elif operator in _FILLING:
            if self._path and not self._white:
                self._painted.append(_box(self._path))
            self._path = []
        elif operator in (b"S", b"s", b"n"):
            self._path = []
        elif operator in (b"Do", b"INLINE IMAGE"):
            self.images += 1
            self._painted.append(_box([_placed(cm, x, y) for x in (0, 1) for y in (0, 1)]))

    def _showing(self, operator: bytes, operands: Any, cm: _Matrix, tm: _Matrix) -> None:
        """Take what nobody can see out of what is shown."""
        from pypdf.generic import ArrayObject, TextStringObject

        reason = self._why_hidden(cm, tm)
        if not reason or not operands:
            return
        shown = operands[-1]
        pieces = shown if operator == b"TJ" and isinstance(shown, list) else [shown]
        size = sum(len(piece) for piece in pieces if isinstance(piece, str | bytes))
        self.hidden[reason] = self.hidden.get(reason, 0) + size
        if not (reason == "invisible" and self._keep_invisible):
            operands[-1] = ArrayObject() if operator == b"TJ" else TextStringObject("")

    def _why_hidden(self, cm: _Matrix, tm: _Matrix) -> str:
        if self._mode in (3, 7):
            return "invisible"
        x, y = _placed(cm, tm[4], tm[5])
        if _drawn_size(self._size, cm, tm) < TINY_PT:
            return "tiny"
        right, top = self.left + self.width, self.bottom + self.height
        if not (
            self.left - _MARGIN_PT <= x <= right + _MARGIN_PT
            and self.bottom - _MARGIN_PT <= y <= top + _MARGIN_PT
        ):
            return "outside the page"
        if self._white and not any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in self._painted):
            return "white"
        return ""

    def _text(self, text: str, cm: _Matrix, tm: _Matrix, _font: Any, size: float) -> None:
        x, y = _placed(cm, tm[4], tm[5])
        for number, piece in enumerate(text.split("\n")):
            if number:
                self._end_line()
            if piece:
                drawn = _drawn_size(size, cm, tm)
                self._fragments.append((piece, x - self.left, y - self.bottom, drawn))

    def _end_line(self) -> None:
        written = [f for f in self._fragments if f[0].strip()]
        if written:
            _, x, _, _ = written[0]
            _, _, y, size = max(written, key=lambda f: len(f[0]))
            self.lines.append([_joined(self._fragments, y, size), round(x, 1), round(y, 1), round(size, 1)])
        self._fragments = []


def _joined(fragments: list[tuple[str, float, float, float]], y: float, size: float) -> str:
    """The line's text; raised digits after a digit are written `10^9`, since `109` is another number."""
    text = ""
    for piece, _, at, height in fragments:
        raised = height < 0.85 * size and at > y + 0.12 * size
        if raised and text.rstrip()[-1:].isdigit() and piece.lstrip()[:1] in tuple("0123456789-−–+"):
            text = f"{text.rstrip()}^{piece.lstrip()}"
        else:
            text += piece
    return text


def _number(operands: Any, at: int, default: float = 0.0) -> float:
    try:
        return float(operands[at])
    except (IndexError, TypeError, ValueError):
        return default


def _is_white(operator: bytes, operands: Any) -> bool:
    values = [_number([v], 0, -1.0) for v in operands]
    if operator == b"k" or (operator in (b"sc", b"scn") and len(values) == 4):
        return len(values) == 4 and all(0 <= v <= 1 - WHITE for v in values)
    # A single operand of `scn` may be the share of a spot colour, where 1 is full ink.
    if operator in (b"sc", b"scn") and len(values) != 3:
        return False
    return len(values) in (1, 3) and all(v >= WHITE for v in values)


def _placed(m: _Matrix, x: float, y: float) -> tuple[float, float]:
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def _drawn_size(size: float, cm: _Matrix, tm: _Matrix) -> float:
    """Height of the type on the page: an upright unit of text space, taken through both matrices."""
    up = (cm[0] * tm[2] + cm[2] * tm[3], cm[1] * tm[2] + cm[3] * tm[3])
    return float(abs(size) * (up[0] ** 2 + up[1] ** 2) ** 0.5)


def _box(points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)
