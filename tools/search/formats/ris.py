"""RIS as reference managers and databases write it, read and written. Pure.

Read here line by line and not with rispy: rispy gives a dictionary per entry, so that the order of the fields
is gone, drops what stands outside entries without a word, and melts two entries into one where an ER is
missing. The tests use it as an independent reader of what `written` gives.

Sources: the RIS format specification of Research Information Systems (2011 revision), and the exports of
PubMed, Embase.com, Ovid, Scopus, Web of Science, CENTRAL, EndNote, Zotero, Mendeley, Covidence and Rayyan.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from sys import intern
from typing import Any

from tools.schemas import Record
from tools.search.citation_text import (
    Entry,
    Pairs,
    Problem,
    address_of,
    doi_among,
    finish,
    issn_of,
    one_line,
    outside,
    page_range,
    pmcid_among,
    pmid_among,
    safe,
    year_of,
)

__all__ = ["RIS_TAGS", "holds", "pairs_of", "read", "written"]

RIS_TAGS: Mapping[str, tuple[str, ...]] = {
    "title": ("TI", "T1", "CT", "BT", "ST"),
    "abstract": ("AB", "N2"),
    "authors": ("AU", "A1"),
    "year": ("PY", "Y1", "DA"),
    "journal": ("T2", "JF", "JO", "JA", "J2", "JI", "J9"),
    "volume": ("VL",),
    "issue": ("IS", "CP"),
    "language": ("LA",),
    "keywords": ("KW", "DE"),
    "own_id": ("AN", "ID", "U2", "UT"),
}
"""RIS tags by field, in order of preference: the first tag that holds a value gives it."""

_DOIS = ("DO", "DI", "M3", "L3")
_ADDRESSES = ("UR", "L2", "LK")
_STRICT = re.compile(r"([A-Z][A-Z0-9])  -(?: |$)")
_LOOSE = re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: |$)")
# In a file with two spaces everywhere a single one may stand in a text, but not before these two.
_EDGE = re.compile(r"(?:(TY) - {1,2}[A-Z]{3,8}|(ER) -) *$")
_OURS = "Record in the review: "


def holds(line: str) -> bool:
    """Whether an entry begins with this line."""
    return re.match(r"TY {1,2}-(?: |$)", line) is not None


def read(lines: Iterable[str], source: str, problems: list[Problem]) -> Iterator[Entry]:
    """Entries from TY to ER; lines between two tags belong to the first, blank ones included."""
    block: list[tuple[str, list[str]]] = []
    began = 0
    tag: re.Pattern[str] | None = None
    for number, line in enumerate(lines, 1):
        if tag is None and holds(line):
            tag = _STRICT if line.startswith("TY  -") else _LOOSE
        found = (tag.match(line) or _EDGE.match(line)) if tag else None
        name = next(filter(None, found.groups())) if found else ""
        if name == "TY":
            if block:
                what = f"entry begins before the one of line {began} has ended (ER missing); both were read"
                problems.append(Problem(place=f"line {number}", what=what))
                yield _entry(block, began, source)
            block, began = [], number
        elif not block and line.strip():
            problems.append(outside(number, line))
            continue
        if name == "ER" and block:
            yield _entry(block, began, source)
            block = []
        elif found and (block or name == "TY"):
            block.append((name, [line[line.index("-", 2) + 1 :].removeprefix(" ")]))
        elif block:
            block[-1][1].append(line)
    if block:
        what = "the last entry has no ER; the file may be cut off"
        problems.append(Problem(place=f"line {began}", what=what))
        yield _entry(block, began, source)


def _entry(block: Sequence[tuple[str, list[str]]], began: int, source: str) -> Entry:
    pairs: list[tuple[str, str]] = []
    values: dict[str, list[str]] = {}
    for tag, lines in block:
        while len(lines) > 1 and not lines[-1].strip():  # layout between entries, not content
            lines.pop()
        pairs.append((intern(tag), "\n".join(lines)))
        if tag != "N1" or not lines[0].startswith(_OURS):
            values.setdefault(tag, []).extend(v for line in lines if (v := safe(line).strip()))
    if not any(held for tag, held in values.items() if tag != "TY"):
        return Entry(f"line {began}", None, "an entry without any content")
    warnings: list[str] = []
    glued = sorted({m.group(1) for held in values.values() for v in held for m in _GLUED.finditer(v)})
    if glued:
        warnings.append(
            f"line breaks are missing in the file: {', '.join(glued)} stands inside another field"
        )
    fields = _fields(values, warnings)
    return Entry(f"line {began}", finish(source, _own_id(values), fields, warnings, pairs))


def _own_id(values: Mapping[str, list[str]]) -> str:
    """The entry's accession number; Scopus gives its own in the address only."""
    for tag in RIS_TAGS["own_id"]:
        if values.get(tag):
            return one_line(values[tag][0])
    found = re.search(r"[?&]eid=(2-s2\.0-\d+)", " ".join(values.get("UR", [])))
    return found.group(1) if found else ""


_GLUED = re.compile(r"(?<=\S)([A-Z][A-Z0-9])  - ")


def _fields(values: Mapping[str, list[str]], warnings: list[str]) -> dict[str, Any]:
    def first(field: str) -> list[str]:
        return next((values[t] for t in RIS_TAGS[field] if values.get(t)), [])

    def of(*tags: str) -> list[str]:
        return [value for tag in tags for value in values.get(tag, [])]

    addresses = of(*_ADDRESSES)
    doi = doi_among(of(*_DOIS), addresses)
    if values.get("DO") and not doi_among(of("DO")):
        warnings.append(f"DOI not understood: {values['DO'][0][:80]!r}")
    return {
        "title": one_line(" ".join(first("title"))),
        "abstract": _unwrapped(first("abstract")),
        "authors": tuple(map(one_line, first("authors"))),
        "year": next((y for t in RIS_TAGS["year"] for v in values.get(t, []) if (y := year_of(v))), None),
        "journal": one_line(" ".join(first("journal"))),
        "volume": one_line(" ".join(first("volume"))),
        "issue": one_line(" ".join(first("issue"))),
        "pages": page_range("".join(of("SP")[:1]), "".join(of("EP")[:1])) or "".join(of("C7", "AR")[:1]),
        "pmid": _pmid(values, addresses, warnings),
        "pmcid": pmcid_among(of("C2", "U2", "N1", "AN", "ID")),
        "doi": doi,
        "issn": issn_of(of("SN")),
        "url": address_of(addresses),
        "language": one_line("; ".join(first("language"))),
        "publication_types": tuple(v for v in of("M3", "PT") if not doi_among([v])),
        "keywords": tuple(dict.fromkeys(map(one_line, first("keywords")))),
    }


def _unwrapped(lines: Iterable[str]) -> str:
    """Lines of a field as paragraphs: a line that ends in mid-sentence was only wrapped."""
    out = ""
    for line in map(one_line, lines):
        out += ("\n" if out.endswith((".", "!", "?", ":", ")", "]")) else " " if out else "") + line
    return out


def _pmid(values: Mapping[str, list[str]], addresses: list[str], warnings: list[str]) -> str | None:
    """A PMID counts only where the entry says that it is one: numbers in AN may be anybody's."""
    said = " ".join(value for tag in ("DB", "DP") for value in values.get(tag, []))
    medline = re.search(r"pubmed|medline", said, re.I) and not re.search(r"embase", said, re.I)
    numbers = next((values[tag] for tag in ("AN", "U1", "ID", "UI") if values.get(tag)), [])
    notes = [v for tag, held in values.items() for v in held if tag not in ("AB", "N2", "TI", "T1")]
    return pmid_among(numbers if medline else [], notes, addresses, warnings)


# Writing -----------------------------------------------------------------------------------------


def written(record: Record, notes: Iterable[str] = ()) -> str:
    """A record as one RIS entry, with CRLF.

    A record that was imported from RIS gets its own fields back, tag for tag and byte for byte, unknown
    tags too; any other is written from its typed values. What is ours follows in N1, which may be repeated
    in RIS and so clashes with nothing: the record's id, then `notes`.
    """
    own = pairs_of(record)
    if own:
        pairs = [(t, v) for t, v in own if t != "N1" or not v.startswith(_OURS)]
        pairs.append(("N1", _OURS + " | ".join([_flat(record.record_id), *map(_flat, notes)])))
        lines = [line for tag, value in pairs for line in _verbatim(tag, value)]
    else:
        pairs = [*_typed(record), *(("N1", note) for note in notes)]
        lines = [f"{tag}  - {value}" for tag, raw in pairs if (value := _flat(raw))]
    return "\r\n".join([*lines, "ER  - ", "", ""])


def pairs_of(record: Record) -> Pairs:
    """The tags and values of a record that was imported from RIS; empty for any other."""
    own = record.fields
    from_ris = bool(own) and own[0][0] == "TY" and all(_TAG_NAME.fullmatch(tag) for tag, _ in own)
    return own if from_ris else ()


_TAG_NAME = re.compile(r"[A-Z][A-Z0-9]")


def _flat(text: str) -> str:
    """On one line without control characters: no tag can begin inside it."""
    return one_line(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text))


def _verbatim(tag: str, value: str) -> Iterator[str]:
    # A title must not forge an entry: a line inside a value that would be read as a tag is joined to the
    # one above it. No value that was read from RIS holds such a line.
    pieces = re.split("(\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])", value)
    line = f"{tag}  - {pieces[0]}"
    for mark, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if _STRICT.match(piece) or _EDGE.match(piece):
            line += f" {piece}"
        elif mark in ("\n", "\r", "\r\n"):
            yield line
            line = piece
        else:
            line += mark + piece
    yield line


def _typed(r: Record) -> list[tuple[str, str]]:
    pages = re.fullmatch(r"\s*(\w+)\s*[-–]\s*(\w+)\s*", r.pages)
    first, last = (pages[1], pages[2]) if pages else (r.pages, "")
    pairs: list[tuple[str, str]] = [("TY", "JOUR" if r.journal else "GEN"), ("ID", r.record_id)]
    pairs += [("TI", r.title), *(("AU", a) for a in r.authors), ("PY", "" if r.year is None else str(r.year))]
    pairs += [("JO", r.journal), ("VL", r.volume), ("IS", r.issue), ("SP", first), ("EP", last)]
    pairs += [("DO", r.doi or ""), ("AN", r.pmid or ""), ("C2", r.pmcid or ""), ("SN", r.issn)]
    pairs += [
        ("AB", r.abstract),
        ("LA", r.language),
        ("UR", r.url),
        *(("M3", t) for t in r.publication_types),
    ]
    pairs += [("KW", k) for k in dict.fromkeys((*r.mesh, *r.keywords))]
    pairs += [("N1", f"PMID: {r.pmid}")] if r.pmid else []
    pairs += [("N1", f"Registration: {i}") for i in r.registry_ids]
    pairs += [("N1", "Retracted publication")] if r.retracted else []
    return pairs
