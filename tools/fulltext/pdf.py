"""PDFs that people bring: bytes in, passages in reading order out, through a child process that cannot do harm.

A PDF is a program for a printer, and its readers have a long list of holes and endless loops. So it is read in a
child that has given up everything else (`tools.fulltext.confine`), with limits on memory, time, pages and output,
and is ended with its whole group when the time is over. What comes back is text with places on pages;
`tools.fulltext.pdf_layout` makes passages of it.

What a PDF does not hold cannot be read out of it: tables are lines of text, columns come in the order in which the
file draws them, formulas and figures are left out. The warnings of the text say so.
"""

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from tools.fulltext import pdf_layout, pdf_pages
from tools.fulltext.jats import UnreadableFullText
from tools.schemas import FullText

__all__ = ["MAX_BYTES", "WALL_S", "is_pdf", "parse", "reader_name"]

MAX_BYTES = 100 * 2**20
WALL_S = 120.0
MAX_OUTPUT = 64 * 2**20

log = logging.getLogger(__name__)

_ROOT = str(Path(__file__).parents[2])
_PROGRAM = (
    "import sys; sys.path.insert(0, {root!r}); from tools.fulltext.pdf_child import main; main()".format
)


def is_pdf(data: bytes) -> bool:
    """Whether these bytes say of themselves that they are a PDF; its header may stand behind some junk."""
    return b"%PDF-" in data[:1024]


def reader_name() -> str:
    """The reader and its version: another one may read another text."""
    from importlib.metadata import version

    return f"pypdf {version('pypdf')}, layout {pdf_layout.VERSION}"


def parse(
    data: bytes, *, report_id: str, source: str, wall_s: float = WALL_S, first_pages: int | None = None
) -> FullText:
    """Read one PDF.

    Args:
        data: the file.
        report_id: id of the report in this review, passed through.
        source: where the bytes came from, passed through.
        wall_s: time after which the child is ended.
        first_pages: read so many only, to see which report it is.

    Returns:
        The text as `pdf_layout.full_text` makes it.

    Raises:
        UnreadableFullText: with `kind` one of `empty`, `not_pdf`, `too_large`, `damaged`, `truncated`,
            `encrypted`, `too_many_pages`, `timed_out`, `too_much_memory`, `scanned`, `no_text`, `hidden_text`,
            `garbled`.
    """

    def unreadable(kind: str, what: str) -> UnreadableFullText:
        return UnreadableFullText(report_id, what, kind=kind)

    if not data.strip():
        raise unreadable("empty", "the file is empty")
    if len(data) > MAX_BYTES:
        raise unreadable("too_large", f"{len(data):,} bytes, more than the {MAX_BYTES:,} we read")
    if not is_pdf(data):
        raise unreadable("not_pdf", "it is named a PDF and is none")
    if b"%%EOF" not in data[-4096:]:
        # What is missing may be the results; half a report read as a whole one would be a wrong answer.
        raise unreadable("truncated", "the file ends in the middle; bring it again")
    answer = _read_apart(data, wall_s, first_pages)
    if "unreadable" in answer:
        raise unreadable(answer["unreadable"], answer["what"])
    try:
        pages = [pdf_pages.page_of(page) for page in answer["pages"]]
        log.info("%s was read by %s, held by %s", source, answer["reader"], ", ".join(answer["held"]))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
        # What comes out of the child is as little to be trusted as what went into it.
        raise unreadable("damaged", f"its reader gave nonsense ({type(e).__name__})") from e
    if trouble := pdf_pages.trouble(pages):
        raise unreadable(*trouble)
    return pdf_layout.full_text(pages, report_id=report_id, source=source)


# The child ---------------------------------------------------------------------------------------


def _read_apart(data: bytes, wall_s: float, first_pages: int | None) -> dict[str, Any]:
    """What the child says, or what became of it."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        child = subprocess.Popen(  # noqa: S603 (our own interpreter and our own program)
            [sys.executable, "-I", "-c", _PROGRAM(root=_ROOT), str(first_pages or 0)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/" if os.name == "posix" else None,
            env={},
            close_fds=True,
            start_new_session=True,
        )
    try:
        assert child.stdout is not None
        told = _all_of(child.stdout, time.monotonic() + wall_s)
    except TimeoutError:
        return {"unreadable": "timed_out", "what": f"reading it takes longer than {wall_s:.0f} s"}
    except OverflowError:
        return {"unreadable": "too_large", "what": "its text is larger than any report's"}
    finally:
        _end(child)
    return _answer(told, child.returncode)


def _all_of(pipe: IO[bytes], end: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, end - time.monotonic())):
                raise TimeoutError
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                return b"".join(chunks)
            size += len(chunk)
            if size > MAX_OUTPUT:
                raise OverflowError
            chunks.append(chunk)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Wait a moment for a child that has said all; end it, and whatever it may have started, otherwise."""
    assert child.stdout is not None
    child.stdout.close()
    try:
        child.wait(timeout=0.5 if child.poll() is None else 0)
    except subprocess.TimeoutExpired:
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
        child.wait()


def _answer(told: bytes, status: int) -> dict[str, Any]:
    try:
        answer = json.loads(told)
    except ValueError:
        answer = None
    # A whole answer counts, whichever way the child went after it.
    if isinstance(answer, dict):
        return answer
    if status == -getattr(signal, "SIGXCPU", 0) or status == -getattr(signal, "SIGKILL", 0):
        return {"unreadable": "timed_out", "what": "reading it takes more processor time than we allow"}
    return {"unreadable": "damaged", "what": f"its reader broke down over it (status {status})"}
