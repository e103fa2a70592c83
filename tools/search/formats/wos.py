"""Web of Science's own tagged text: `FN`, then entries from `PT` to `ER`, then `EF`. Pure.

Read here and not with rispy's WokParser, which gives a dictionary per entry and leaves out what it does not know.

Source: Web of Science Core Collection Help, "Web of Science Core Collection Field Tags".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from sys import intern
from typing import Any

from tools.search.citation_text import (
    Entry,
    Problem,
    doi_among,
    finish,
    issn_of,
    one_line,
    outside,
    page_range,
    paragraphs,
    pmid_among,
    safe,
    year_of,
)

__all__ = ["fields_of", "holds", "read"]

_TAG = re.compile(r"([A-Z][A-Z0-9])(?: |$)")
_AROUND = {"FN", "VR", "EF"}


def holds(line: str) -> bool:
    """Whether a file of this form begins with this line."""
    return re.match(r"FN (?:Clarivate|Thomson|ISI)|PT [JBSPC]$", line) is not None


def read(lines: Iterable[str], source: str, problems: list[Problem]) -> Iterator[Entry]:
    """Entries from PT to ER; lines that begin with three spaces belong to the field above."""
    block: list[tuple[str, list[str]]] = []
    began = 0
    for number, line in enumerate(lines, 1):
        found = _TAG.match(line)
        tag = found.group(1) if found else ""
        if tag in ("PT", "EF") and block:
            what = f"the entry of line {began} has not ended (ER missing); it was read"
            problems.append(Problem(place=f"line {number}", what=what))
            yield _entry(block, began, source)
            block = []
        if tag == "ER" and block:
            yield _entry(block, began, source)
            block = []
        elif tag == "PT" or (tag and block):
            began = number if tag == "PT" else began
            block.append((tag, [line[3:]]))
        elif block:
            block[-1][1].append(line.removeprefix("   "))
        elif line.strip() and tag not in _AROUND:
            problems.append(outside(number, line))
    if block:
        what = "the last entry has no ER; the file may be cut off"
        problems.append(Problem(place=f"line {began}", what=what))
        yield _entry(block, began, source)


def _entry(block: Sequence[tuple[str, list[str]]], began: int, source: str) -> Entry:
    values: dict[str, list[str]] = {}
    for tag, lines in block:
        while len(lines) > 1 and not lines[-1].strip():  # the line between two entries
            lines.pop()
        values.setdefault(tag, []).extend(v for line in lines if (v := one_line(safe(line))))
    if not any(held for tag, held in values.items() if tag != "PT"):
        return Entry(f"line {began}", None, "an entry without any content")
    warnings: list[str] = []
    fields = fields_of(values, warnings)
    own_id = "".join(values.get("UT", [])[:1])
    pairs = [(intern(tag), "\n".join(lines)) for tag, lines in block]
    return Entry(f"line {began}", finish(source, own_id, fields, warnings, pairs))


def fields_of(values: Mapping[str, Sequence[str]], warnings: list[str]) -> dict[str, Any]:
    """Typed fields of one entry, from its tags; the tab-delimited export has the same."""

    def one(*tags: str) -> str:
        return next((line for t in tags if (line := " ".join(values.get(t, [])))), "")

    def many(*tags: str) -> tuple[str, ...]:
        held = next((values[t] for t in tags if values.get(t)), ())
        return tuple(held)

    def listed(*tags: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v for t in tags for part in one(t).split(";") if (v := part.strip())))

    return {
        "title": one("TI"),
        "abstract": paragraphs(values.get("AB", ())).replace("\n", " "),
        "authors": (*many("AF", "AU"), *many("CA")),
        "year": year_of(one("PY")) or year_of(one("EA")),
        "journal": one("SO"),
        "volume": one("VL"),
        "issue": one("IS"),
        "pages": page_range(one("BP"), one("EP")) or one("AR"),
        "pmid": pmid_among(many("PM"), (), (), warnings),
        "doi": doi_among(many("DI", "D2")),
        "issn": issn_of((*many("SN"), *many("EI"))),
        "language": one("LA"),
        "publication_types": listed("DT"),
        "keywords": listed("DE", "ID"),
    }
