"""Records from files that a reviewer brings, gzipped or not, in any format of `tools.search.formats`.

The format is read from the content, never from the name alone. Each entry of the file ends in exactly one place
of the report: among the records, among the repeated ones, or as a problem that says `lost` and where. Of a file
that was cut off, what could be read is read, and the rest is named.
"""

import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Literal, get_args

from tools.errors import InputFileError
from tools.schemas import Frozen, Record
from tools.search.citation_text import Entry, Problem
from tools.search.formats import bibtex, cochrane, json_lines, nbib, ris, table, wos
from tools.search.formats.table import Columns

__all__ = ["FORMATS", "MAX_BYTES", "Format", "Problem", "ReadReport", "Repeated", "read_records"]

MAX_BYTES = 200 * 1024 * 1024
"""Decompressed. A search that large is split into files more safely than read at once."""

Format = Literal[
    "ris",
    "nbib",
    "pubmed_xml",
    "jsonl",
    "endnote_xml",
    "ictrp_xml",
    "bibtex",
    "wos",
    "cochrane",
    "csv",
    "tsv",
    "xlsx",
]
FORMATS: tuple[Format, ...] = get_args(Format)

_SUFFIXES: Mapping[str, tuple[Format, ...]] = {
    ".ris": ("ris",),
    ".nbib": ("nbib",),
    ".medline": ("nbib",),
    ".xml": ("pubmed_xml", "endnote_xml", "ictrp_xml"),
    ".jsonl": ("jsonl",),
    ".ndjson": ("jsonl",),
    ".bib": ("bibtex",),
    ".ciw": ("wos",),
    ".csv": ("csv", "tsv"),
    ".tsv": ("tsv",),
    ".xlsx": ("xlsx",),
}
_XML: Mapping[str, Format] = {
    "PubmedArticleSet": "pubmed_xml",
    "PubmedArticle": "pubmed_xml",
    "PubmedBookArticleSet": "pubmed_xml",
    "PubmedBookArticle": "pubmed_xml",
    "xml": "endnote_xml",
    "records": "endnote_xml",
    "Trials_downloaded_from_ICTRP": "ictrp_xml",
    "Trial": "ictrp_xml",
}
_REMEDY = (
    "export the search as RIS, NBIB, PubMed XML, EndNote XML, BibTeX, CSV, XLSX, Web of Science's or Cochrane's "
    "text, or JSON lines"
)
_HEAD = 65536
_PIECE = 1 << 22


class Repeated(Frozen):
    """An entry left out because the same one, with the same content, came before."""

    record_id: str
    place: str


class ReadReport(Frozen):
    """What one file held. `entries == len(records) + len(repeated) + problems that are lost`."""

    file: str
    format: Format
    entries: int
    records: tuple[Record, ...]
    repeated: tuple[Repeated, ...] = ()
    problems: tuple[Problem, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """Of a table: each field that was read, and the header of its column."""

    @property
    def counts(self) -> dict[str, int]:
        """Entries found, by format."""
        return {self.format: self.entries}

    @property
    def lost(self) -> tuple[Problem, ...]:
        """Entries that gave no record."""
        return tuple(problem for problem in self.problems if problem.lost)


def read_records(path: Path, *, source: str, columns: Columns | None = None) -> ReadReport:
    """Read all records of a file.

    Args:
        path: the file; gzip is recognised by content.
        source: name of the source in review.yaml; ids are `<source>:<key>` with the PMID, else the
            entry's own id, else a hash of its content as key.
        columns: for tables, field of `table.COLUMNS` to the header of its column, where a header is not
            among the usual ones or another column is meant.

    Returns:
        Records in file order. An id that comes again with the same content is left out and listed in
        `repeated`; with other content it is kept as `<id>#2`, `#3`, …, and a problem says so.

    Raises:
        InputFileError: the file is missing, unreadable, empty, too large, in another format or not safe to
            open, `columns` names a column that is not there, or not a single record could be read.
    """
    problems: list[Problem] = []
    told: dict[str, str] = {}
    try:
        with path.open("rb") as raw:
            content = _Content(raw)
            format_ = _format_of(content)
            _names(path, format_, content.packed, problems)
            entries = _entries(content, format_, source, columns or {}, problems, told)
            report = _collect(path, format_, entries, problems, content)
    except OSError as e:
        raise InputFileError(
            f"{path}: cannot be read ({e.strerror or e}); check the path and its permissions"
        ) from e
    except InputFileError as e:
        raise e if str(e).startswith(str(path)) else InputFileError(f"{path}: {e}") from e
    if not report.records:
        worst = sorted(report.problems, key=lambda p: p.place != "file")[:3]
        said = "; ".join(f"{p.place}: {p.what}" for p in worst) or f"it holds no {format_} entry"
        raise InputFileError(f"{path}: no record could be read ({said}); {_REMEDY} again")
    return report.model_copy(update={"columns": tuple(told.items())})


def _names(path: Path, format_: Format, packed: bool, problems: list[Problem]) -> None:
    if packed != path.name.lower().endswith(".gz"):
        what = "is gzip, though not named .gz" if packed else "named .gz, but not compressed; read as it is"
        problems.append(Problem(place="file", what=what))
    named = _SUFFIXES.get(Path(path.name.lower().removesuffix(".gz")).suffix, ())
    if named and format_ not in named:
        what = f"named like {' or '.join(named)}, but holds {format_}; read as {format_}"
        problems.append(Problem(place="file", what=what))


def _collect(
    path: Path, format_: Format, entries: Iterable[Entry], problems: list[Problem], content: "_Content"
) -> ReadReport:
    records: list[Record] = []
    repeated: list[Repeated] = []
    variants: dict[str, list[Record]] = {}
    taken: set[str] = set()
    number = 0
    for number, entry in enumerate(entries, 1):  # noqa: B007 - the count is used below
        if entry.record is None:
            problems.append(Problem(place=entry.place, what=entry.lost, lost=True))
            continue
        known = variants.setdefault(entry.record.record_id, [])
        if entry.record in known:
            repeated.append(Repeated(record_id=entry.record.record_id, place=entry.place))
            continue
        known.append(entry.record)
        record = _with_free_id(entry.record, taken)
        if record is not entry.record:
            what = f"id {entry.record.record_id} came before with other content; kept as {record.record_id}"
            problems.append(Problem(place=entry.place, what=what))
        taken.add(record.record_id)
        records.append(record)
    if content.damage:
        problems.append(Problem(place="file", what=f"{content.damage}; what stood behind is lost", lost=True))
    return ReadReport(
        file=path.name,
        format=format_,
        entries=number + bool(content.damage),
        records=tuple(records),
        repeated=tuple(repeated),
        problems=tuple(problems),
    )


def _with_free_id(record: Record, taken: set[str]) -> Record:
    number = 1
    record_id = record.record_id
    while record_id in taken:
        number += 1
        record_id = f"{record.record_id}#{number}"
    return record if number == 1 else record.model_copy(update={"record_id": record_id})


# Readers -----------------------------------------------------------------------------------------

_TEXT_READERS: Mapping[Format, Callable[[Iterable[str], str, list[Problem]], Iterator[Entry]]] = {
    "ris": ris.read,
    "nbib": nbib.read,
    "jsonl": json_lines.read,
    "bibtex": bibtex.read,
    "wos": wos.read,
    "cochrane": cochrane.read,
}


def _entries(
    content: "_Content",
    format_: Format,
    source: str,
    columns: Columns,
    problems: list[Problem],
    told: dict[str, str],
) -> Iterator[Entry]:
    if reader := _TEXT_READERS.get(format_):
        return reader(_lines(content, problems), source, problems)
    if format_ in ("csv", "tsv"):
        mark = table.delimiter_of(_plain_text(content.head))
        rows = table.csv_rows(_lines(content, problems), mark, problems)
        return table.entries(rows, source, problems, columns, told)
    if format_ == "xlsx":
        return _workbook(content, source, columns, problems, told)
    if format_ == "pubmed_xml":
        return _pubmed_xml(content, source, problems)
    from tools.search.formats import citation_xml

    read = citation_xml.endnote if format_ == "endnote_xml" else citation_xml.ictrp
    return read(content, source, problems)  # type: ignore[arg-type]


def _workbook(
    content: "_Content", source: str, columns: Columns, problems: list[Problem], told: dict[str, str]
) -> Iterator[Entry]:
    from tools.search.formats import xlsx

    # Zip archives are read from their end, which neither gzip nor a pipe can do.
    with tempfile.SpooledTemporaryFile(max_size=_PIECE) as whole:
        for piece in iter(partial(content.read, _PIECE), b""):
            whole.write(piece)
        whole.seek(0)
        yield from table.entries(xlsx.rows(whole, columns, problems), source, problems, columns, told)


def _pubmed_xml(content: "_Content", source: str, problems: list[Problem]) -> Iterator[Entry]:
    from tools.search.pubmed_xml import Deleted, Unreadable, parse_article_set

    number = 0
    try:
        for number, item in enumerate(parse_article_set(content, name=source), 1):  # type: ignore[arg-type]
            if isinstance(item, Deleted):
                what = f"PubMed says that PMID {item.pmid} was deleted or merged: no record"
                problems.append(Problem(place=f"entry {number}", what=what))
            elif isinstance(item, Unreadable):
                yield Entry(f"article {item.position}", None, f"PMID {item.pmid}: {item.reason}")
            else:
                yield Entry(f"entry {number}", item)
    except InputFileError as e:
        if number == 0:
            raise
        yield Entry(f"entry {number + 1}", None, str(e))


# Bytes -------------------------------------------------------------------------------------------


class _Content:
    """A file's bytes, unpacked on the way, never more than a piece of them in memory.

    Where a gzip file breaks off, `read` ends and `damage` says so.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        """Raises InputFileError as `read` does."""
        self.raw = raw
        self.damage = ""
        self.size = 0
        start = raw.read(2)
        raw.seek(0)
        self.packed = start == b"\x1f\x8b"
        self.pieces = self._unpacked() if self.packed else iter(partial(raw.read, _PIECE), b"")
        self.waiting = b""
        self.head = self.waiting = self._at_least(_HEAD)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, or a piece of the size at hand; empty at the end only.

        Raises:
            InputFileError: there are more than MAX_BYTES.
        """
        data = self.waiting or self._next()
        self.waiting = b""
        if 0 < size < len(data):
            data, self.waiting = data[:size], data[size:]
        return data

    def _at_least(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (piece := self._next()):
            data += piece
        return data

    def _next(self) -> bytes:
        piece = next(self.pieces, b"")
        self.size += len(piece)
        if self.size > MAX_BYTES:
            raise InputFileError(
                f"more than {MAX_BYTES // 2**20} MB uncompressed; split the export into parts"
            )
        return piece

    def _unpacked(self) -> Iterator[bytes]:
        # Not gzip.GzipFile: where the file breaks off it raises and keeps what it had unpacked.
        unpack = zlib.decompressobj(wbits=31)
        try:
            while packed := self.raw.read(1 << 16):
                while packed:
                    if unpack.eof:
                        if not packed.strip(b"\x00"):  # padding behind the last member
                            break
                        unpack = zlib.decompressobj(wbits=31)
                    if out := unpack.decompress(packed, _PIECE):
                        yield out
                    packed = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
        except zlib.error as e:
            self.damage = f"the gzip file is damaged ({e})"
            return
        if not unpack.eof:
            self.damage = "the gzip file is damaged (it breaks off)"


def _format_of(content: _Content) -> Format:
    head = content.head
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        if content.damage:
            raise InputFileError(f"{content.damage}; copy or export it again")
        raise InputFileError(f"the file is empty; {_REMEDY} again")
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputFileError(
            "an old Excel file (.xls); save it as XLSX or CSV, or export the search again as such"
        )
    if head.startswith(b"%PDF-") or (b"\x00" in head and not _wide(head)):
        raise InputFileError(f"a binary file, not a list of citations; {_REMEDY}")
    return _text_format(head)


def _text_format(head: bytes) -> Format:
    text = _plain_text(head)
    start = text.lstrip()[:60]
    if start.startswith("<"):
        return _xml_format(head, start)
    if start.startswith("{"):
        return "jsonl"
    for line in text.split("\n"):
        if format_ := _tagged(line):
            return format_
        # Behind a table's header no line means more than its cells.
        if line.count('"') > 3 or len(re.findall(r"[,;\t]", line)) > 3:
            break
    if start.startswith("["):
        raise InputFileError(
            f"looks like a JSON array; write one object per line (it begins {start!r}); {_REMEDY}"
        )
    if re.search(r"[,;\t]", start) or "title" in table.recognised([start.split("\n")[0]], {}):
        return "tsv" if table.delimiter_of(text) == "\t" else "csv"
    raise InputFileError(f"looks like no format we know (it begins {start!r}); {_REMEDY}")


def _tagged(line: str) -> Format | None:
    known: tuple[tuple[Format, Callable[[str], bool]], ...] = (
        ("nbib", nbib.holds),
        ("ris", ris.holds),
        ("wos", wos.holds),
        ("cochrane", cochrane.holds),
        ("bibtex", bibtex.holds),
    )
    return next((format_ for format_, holds in known if holds(line)), None)


def _xml_format(head: bytes, start: str) -> Format:
    from tools.search.formats import citation_xml

    root = citation_xml.root_of(head)
    if root in _XML:
        return _XML[root]
    raise InputFileError(
        f"looks like XML or HTML other than PubMed's, EndNote's or ICTRP's (it begins {start!r}); {_REMEDY}"
    )


# Text --------------------------------------------------------------------------------------------


def _wide(head: bytes) -> str:
    """The UTF-16 encoding that the first bytes speak for, or an empty string."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    even, odd = head[0:200:2], head[1:200:2]
    if len(odd) > 8 and not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if len(even) > 8 and not any(even) and all(odd) else ""


def _plain_text(head: bytes) -> str:
    text = head.decode(_wide(head) or "utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return text.lstrip("\ufeff")


def _lines(content: _Content, problems: list[Problem]) -> Iterator[str]:
    """Lines without their ends, be they LF, CRLF or CR.

    UTF-8 or UTF-16; a line that is neither is read as Windows-1252, and the place is told.
    """
    odd: list[int] = []
    number = 0
    for block in _line_blocks(content):
        text = _decoded(block, number, odd)
        # Exports that were glued together keep the marks of their beginnings.
        text = text.replace("\n\ufeff", "\n") if number else text.replace("\n\ufeff", "\n").lstrip("\ufeff")
        lines = text.split("\n")
        number += len(lines)
        yield from lines
    if odd:
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        what = f"not UTF-8{more}; read as Windows-1252: check accents and signs such as ± in the records"
        problems.append(Problem(place=f"line {odd[0]}", what=what))


def _line_blocks(content: _Content) -> Iterator[bytes]:
    """Pieces of whole lines in UTF-8 or an 8-bit encoding, parted by LF and without the last one."""
    rest = b""
    for piece in _narrow(content):
        data = rest + piece
        # A CR at the very end may be half of a CRLF.
        data, rest = (data[:-1], b"\r") if data.endswith(b"\r") else (data, b"")
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = data.rfind(b"\n")
        if end >= 0:
            yield data[:end]
            rest = data[end + 1 :] + rest
        else:
            rest = data + rest
    if rest:
        yield rest.removesuffix(b"\r")


def _narrow(content: _Content) -> Iterator[bytes]:
    """The content's pieces, UTF-16 as UTF-8."""
    import codecs

    pieces = iter(partial(content.read, _PIECE), b"")
    wide = _wide(content.head)
    if not wide:
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(wide)()
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode()
        decoder.decode(b"", final=True)
    except UnicodeError:
        content.damage = f"damaged text (not {wide})"


def _decoded(block: bytes, before: int, odd: list[int]) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError:
        lines = []
        for number, line in enumerate(block.split(b"\n"), before + 1):
            try:
                lines.append(line.decode())
            except UnicodeDecodeError:
                odd.append(number)
                lines.append(_eight_bit(line))
        return "\n".join(lines)


def _eight_bit(line: bytes) -> str:
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:  # five of its places are empty
        return line.decode("latin-1")
