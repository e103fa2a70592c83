"""XML of reference managers (EndNote's, which Zotero and Mendeley write too) and of ICTRP, entry by entry.

Read with lxml under the settings that keep entities unresolved and the network out (CVE-2026-41066), in
constant memory. A file that declares entities is refused: no export needs them.

Sources: EndNote X-series XML export (record, contributors, titles …, text inside `style`); ICTRP search portal,
"Export results to XML" (Trials_downloaded_from_ICTRP).
"""

import re
from collections.abc import Iterator, Mapping
from sys import intern
from typing import IO, Any

from lxml import etree

from tools.errors import InputFileError
from tools.search.citation_text import (
    Entry,
    Problem,
    address_of,
    doi_among,
    finish,
    issn_of,
    one_line,
    page_range,
    paragraphs,
    pmcid_among,
    pmid_among,
    safe,
    year_of,
)
from tools.search.formats import table

__all__ = ["endnote", "ictrp", "root_of"]

_ILLEGAL = bytes(b for b in range(32) if b not in (9, 10, 13))
_CUT_OFF = "the XML breaks off or is damaged here, so this entry and what follows it could not be read"


def root_of(head: bytes) -> str:
    """Name of the outermost element, empty where there is none in these bytes."""
    text = head.replace(b"\x00", b"")
    bare = re.sub(rb"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>", b"", text, flags=re.DOTALL)
    found = re.match(rb"[\xef\xbb\xbf\xfe\xff\s]*<([A-Za-z_][\w.:-]*)", bare)
    return found.group(1).decode() if found else ""


def endnote(stream: IO[bytes], source: str, problems: list[Problem]) -> Iterator[Entry]:
    """One entry per `record`.

    Raises:
        InputFileError: the file declares entities.
    """
    for place, element, why in _elements(stream, "record", problems):
        if element is None:
            yield Entry(place, None, why)
        else:
            yield _endnote_entry(place, _pairs(element), source)


def ictrp(stream: IO[bytes], source: str, problems: list[Problem]) -> Iterator[Entry]:
    """One entry per `Trial`.

    Raises:
        InputFileError: the file declares entities.
    """
    for place, element, why in _elements(stream, "Trial", problems):
        if element is None:
            yield Entry(place, None, why)
        else:
            pairs = _pairs(element)
            known = table.recognised([name for name, _ in pairs], {})
            yield table.entry(place, pairs, known, source)


def _elements(
    stream: IO[bytes], tag: str, problems: list[Problem]
) -> Iterator[tuple[str, etree._Element | None, str]]:
    """Place and element, one at a time; where the XML ends too early, a place and why."""
    clean = _Clean(stream)
    number, line, checked = 0, 1, False
    try:
        # Every one of these matters: lxml's iterparse has defaults of its own.
        for event, element in etree.iterparse(
            clean,
            events=("start", "end"),
            tag=tag,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        ):
            if not checked:
                _refuse_entities(element)
                checked = True
            if event == "start":
                continue
            number, line = number + 1, element.sourceline or line
            yield f"entry {number}", element, ""
            _forget(element)
    except etree.XMLSyntaxError as e:
        yield f"entry {number + 1}", None, f"{_CUT_OFF} (line {e.lineno or line}: {e.msg})"
    if clean.removed:
        what = f"{clean.removed} control characters, which XML forbids, were left out"
        problems.append(Problem(place="file", what=what))


def _refuse_entities(root: etree._Element) -> None:
    dtd: Any = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise InputFileError(
            "the XML declares entities of its own, which is not safe to read. Export the citations again, or as RIS"
        )


def _forget(element: etree._Element) -> None:
    """Drop what was read, with its elder siblings, which lxml would keep for ever."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


class _Clean:
    """A stream without the control characters that reference managers let through and parsers stop at."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.removed, self.wide = stream, 0, False

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; fewer than that is not the end, nothing is."""
        while piece := self.stream.read(size if size > 0 else 1 << 16):
            self.wide = self.wide or b"\x00" in piece[:200]  # UTF-16, where such bytes are halves of letters
            kept = piece if self.wide else piece.translate(None, _ILLEGAL)
            self.removed += len(piece) - len(kept)
            if kept:
                return kept
        return b""


def _pairs(record: etree._Element) -> list[tuple[str, str]]:
    """Path and text of every leaf and attribute below an entry, in order; `style` is only dress."""
    pairs: list[tuple[str, str]] = []

    def walk(element: etree._Element, path: str) -> None:
        if not isinstance(element.tag, str):
            return
        below = [child for child in element if isinstance(child.tag, str) and child.tag != "style"]
        pairs.extend((f"{path}@{name!s}", str(value)) for name, value in element.attrib.items())
        text = "".join(map(str, element.itertext())) if not below else (element.text or "").strip()
        if text or not below:
            pairs.append((intern(path), text))
        for child in below:
            walk(child, f"{path}/{child.tag}")

    for child in record:
        if isinstance(child.tag, str):
            walk(child, child.tag)
    return pairs


# EndNote -----------------------------------------------------------------------------------------


def _endnote_entry(place: str, pairs: list[tuple[str, str]], source: str) -> Entry:
    values: dict[str, list[str]] = {}
    for path, text in pairs:
        if clean := safe(text).strip():
            values.setdefault(path, []).append(clean)
    about = ("database", "source-app", "rec-number", "foreign-keys", "ref-type")
    if not any(not path.startswith(about) for path in values):
        return Entry(place, None, "an entry without any content")
    warnings: list[str] = []
    fields = _endnote_fields(values, warnings)
    own_id = "".join(values.get("accession-num", values.get("rec-number", []))[:1])
    return Entry(place, finish(source, one_line(own_id), fields, warnings, pairs))


def _endnote_fields(values: Mapping[str, list[str]], warnings: list[str]) -> dict[str, Any]:
    def of(*paths: str) -> list[str]:
        return [value for path in paths for value in values.get(path, [])]

    def one(*paths: str) -> str:
        return next((line for value in of(*paths) if (line := one_line(value))), "")

    urls = [value for path, held in values.items() if path.startswith("urls/") for value in held]
    notes = of("notes", "research-notes", "custom1", "custom2", "custom3", "custom7", "label")
    said = " ".join(of("remote-database-name", "remote-database-provider"))
    numbers = of("accession-num") if re.search(r"pubmed|medline|nlm", said, re.I) else []
    doi = doi_among(of("electronic-resource-num"), urls)
    if of("electronic-resource-num") and not doi:
        warnings.append(f"DOI not understood: {one('electronic-resource-num')[:80]!r}")
    return {
        "title": one("titles/title", "titles/short-title"),
        "abstract": paragraphs("\n".join(of("abstract")[:1]).splitlines()),
        "authors": tuple(dict.fromkeys(map(one_line, of("contributors/authors/author")))),
        "year": year_of(one("dates/year")) or year_of(one("dates/pub-dates/date")),
        "journal": one("periodical/full-title", "titles/secondary-title", "periodical/abbr-1"),
        "volume": one("volume"),
        "issue": one("number", "issue"),
        "pages": page_range(one("pages")) or one("electronic-location"),
        "pmid": pmid_among(numbers, [*notes, *of("accession-num")], urls, warnings),
        "pmcid": pmcid_among(of("custom2", "notes", "accession-num")),
        "doi": doi,
        "issn": issn_of(of("isbn", "issn")),
        "url": address_of(urls),
        "language": one("language"),
        "publication_types": tuple(map(one_line, of("work-type"))),
        "keywords": tuple(dict.fromkeys(map(one_line, of("keywords/keyword")))),
    }
