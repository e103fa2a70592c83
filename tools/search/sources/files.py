"""Records from files that a reviewer brings: RIS, NBIB (MEDLINE text), PubMed XML, JSON lines; also gzipped.

The format is read from the content. Each entry of the file ends in exactly one place of the report:
among the records, among the repeated ones, or as a problem that says `lost` and where.
"""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Literal

from tools.errors import InputFileError
from tools.schemas import Frozen, Record
from tools.search.citation_text import Entry, Problem, json_lines, nbib, ris

__all__ = ["MAX_BYTES", "Problem", "ReadReport", "Repeated", "read_records"]

MAX_BYTES = 200 * 1024 * 1024
"""Decompressed. A search that large is split into files more safely than read at once."""

Format = Literal["ris", "nbib", "pubmed_xml", "jsonl"]

_SUFFIXES: dict[str, Format] = {
    ".ris": "ris",
    ".nbib": "nbib",
    ".medline": "nbib",
    ".xml": "pubmed_xml",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_REMEDY = "export the search as RIS, NBIB, PubMed XML or JSON lines"


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

    @property
    def counts(self) -> dict[str, int]:
        """Entries found, by format."""
        return {self.format: self.entries}


def read_records(path: Path, *, source: str) -> ReadReport:
    """Read all records of a file.

    Args:
        path: the file; gzip is recognised by content.
        source: name of the source in review.yaml; ids are `<source>:<key>` with the PMID, else the
            entry's own id, else a hash of its content as key.

    Returns:
        Records in file order. An id that comes again with the same content is left out and listed in
        `repeated`; with other content it is kept as `<id>#2`, `#3`, …, and a problem says so.

    Raises:
        InputFileError: the file is missing, unreadable, empty, too large or in another format, or not a
            single record could be read from it.
    """
    data, problems = _content(path)
    if _is_pubmed_xml(data):
        format_: Format = "pubmed_xml"
        entries: Iterable[Entry] = _pubmed_xml(data, path, source, problems)
    else:
        text = _decoded(data, path, problems)
        format_ = _text_format(text, path)
        readers = {"ris": ris, "nbib": nbib, "jsonl": json_lines}
        entries = readers[format_](text, source, problems)
    named = _SUFFIXES.get(Path(path.name.lower().removesuffix(".gz")).suffix)
    if named and named != format_:
        problems.append(
            Problem(place="file", what=f"named like {named}, but holds {format_}; read as {format_}")
        )
    report = _collect(path, format_, list(entries), problems)
    if not report.records:
        said = (
            "; ".join(f"{p.place}: {p.what}" for p in report.problems[:3]) or f"it holds no {format_} entry"
        )
        raise InputFileError(f"{path}: no record could be read ({said}); {_REMEDY} again")
    return report


def _collect(path: Path, format_: Format, entries: list[Entry], problems: list[Problem]) -> ReadReport:
    records: list[Record] = []
    repeated: list[Repeated] = []
    variants: dict[str, list[Record]] = {}
    taken: set[str] = set()
    for entry in entries:
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
    return ReadReport(
        file=path.name,
        format=format_,
        entries=len(entries),
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


# Bytes and formats -------------------------------------------------------------------------------


def _content(path: Path) -> tuple[bytes, list[Problem]]:
    problems: list[Problem] = []
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            data = (gzip.GzipFile(fileobj=raw) if packed else raw).read(MAX_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise InputFileError(f"{path}: the gzip file is damaged ({e}); copy or export it again") from e
    except OSError as e:
        raise InputFileError(
            f"{path}: cannot be read ({e.strerror or e}); check the path and its permissions"
        ) from e
    if len(data) > MAX_BYTES:
        raise InputFileError(
            f"{path}: more than {MAX_BYTES // 2**20} MB uncompressed; split the export into parts"
        )
    if not data.strip():
        raise InputFileError(f"{path}: the file is empty; {_REMEDY} again")
    if packed != path.name.lower().endswith(".gz"):
        what = "is gzip, though not named .gz" if packed else "named .gz, but not compressed; read as it is"
        problems.append(Problem(place="file", what=what))
    return data, problems


def _is_pubmed_xml(data: bytes) -> bool:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return (
        head.startswith(b"<") and re.search(rb"<Pubmed(?:Article|BookArticle)(?:Set)?[\s>]", head) is not None
    )


def _decoded(data: bytes, path: Path, problems: list[Problem]) -> str:
    """UTF-8 or UTF-16 with mark, else Windows-1252, with line ends as \\n."""
    encodings = ["utf-8-sig", "cp1252", "latin-1"]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\x00" in data[:65536] or data.startswith(b"%PDF-"):
        raise InputFileError(f"{path}: a binary file, not a list of citations; {_REMEDY}")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding in ("cp1252", "latin-1"):
            what = f"not UTF-8; read as {encoding}: check accents and signs such as ± in the records"
            problems.append(Problem(place="file", what=what))
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise InputFileError(f"{path}: damaged text (not {encodings[0]}); {_REMEDY} again")


def _text_format(text: str, path: Path) -> Format:
    if text.lstrip().startswith("{"):
        return "jsonl"
    found = re.search(r"^(?:(?P<nbib>PMID- )|(?P<ris>TY {1,2}- ))", text, re.MULTILINE)
    if found:
        return "nbib" if found["nbib"] else "ris"
    start = text.lstrip()[:60]
    looks = {
        "<": "XML or HTML other than PubMed's",
        "@": "BibTeX",
        "[": "a JSON array; write one object per line",
    }
    guess = looks.get(start[:1], "a table" if re.search(r"[,\t;].*[,\t;]", start) else "no format we know")
    raise InputFileError(f"{path}: looks like {guess} (it begins {start!r}); {_REMEDY}")


def _pubmed_xml(data: bytes, path: Path, source: str, problems: list[Problem]) -> Iterator[Entry]:
    from tools.search.pubmed_xml import Deleted, Unreadable, parse_article_set

    try:
        for number, item in enumerate(parse_article_set(BytesIO(data), name=source), 1):
            if isinstance(item, Deleted):
                what = f"PubMed says that PMID {item.pmid} was deleted or merged: no record"
                problems.append(Problem(place=f"entry {number}", what=what))
            elif isinstance(item, Unreadable):
                yield Entry(f"article {item.position}", None, f"PMID {item.pmid}: {item.reason}")
            else:
                yield Entry(f"entry {number}", item)
    except InputFileError as e:
        raise InputFileError(f"{path}: {e}") from e
