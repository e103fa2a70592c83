"""The Cochrane Library's text export, as for CENTRAL: `Record #1 of 12`, then `TAG: value` lines. Pure.

Its RIS export is read by `ris`. Source: Cochrane Library, "Export selected citation(s)", plain text.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

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
    pmid_among,
    safe,
    year_of,
)

__all__ = ["holds", "read"]

_HEAD = re.compile(r"Record #(\d+) of (\d+)\s*$")
_TAG = re.compile(r"([A-Z][A-Z0-9]{1,3}): ?")


def holds(line: str) -> bool:
    """Whether an entry begins with this line."""
    return _HEAD.match(line) is not None


def read(lines: Iterable[str], source: str, problems: list[Problem]) -> Iterator[Entry]:
    """Entries from one `Record #` line to the next; the number of entries that it declares is checked."""
    pairs: list[tuple[str, str]] = []
    began, declared, seen = 0, 0, 0
    for number, line in enumerate(lines, 1):
        if head := _HEAD.match(line):
            if began:
                yield _entry(pairs, began, source)
            pairs, began, declared, seen = [], number, int(head.group(2)), seen + 1
        elif not line.strip():
            continue
        elif not began:
            problems.append(outside(number, line))
        elif found := _TAG.match(line):
            pairs.append((found.group(1), line[found.end() :]))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}\n{line}")
        else:
            problems.append(outside(number, line))
    if began:
        yield _entry(pairs, began, source)
    if declared != seen:
        what = f"the file says that it holds {declared} entries, and {seen} were found; it may be cut off"
        problems.append(Problem(place="file", what=what))


def _entry(pairs: Pairs, began: int, source: str) -> Entry:
    values: dict[str, list[str]] = {}
    for tag, value in pairs:
        if clean := one_line(safe(value)):
            values.setdefault(tag, []).append(clean)
    if not any(held for tag, held in values.items() if tag != "ID"):
        return Entry(f"line {began}", None, "an entry without any content")
    warnings: list[str] = []
    return Entry(
        f"line {began}", finish(source, _first(values, "ID"), _fields(values, warnings), warnings, pairs)
    )


def _first(values: dict[str, list[str]], *tags: str) -> str:
    return next((values[tag][0] for tag in tags if values.get(tag)), "")


def _fields(values: dict[str, list[str]], warnings: list[str]) -> dict[str, Any]:
    def parts(*tags: str) -> tuple[str, ...]:
        held = (part for t in tags for v in values.get(t, []) for part in v.split(";"))
        return tuple(dict.fromkeys(part.strip(" *") for part in held if part.strip(" *")))

    addresses = values.get("US", []) + values.get("UR", [])
    notes = [v for tag in ("PM", "XR", "C3") for v in values.get(tag, [])]
    return {
        "title": _first(values, "TI"),
        "abstract": " ".join(values.get("AB", [])),
        "authors": tuple(values.get("AU", ())),
        "year": year_of(_first(values, "YR", "PY")),
        "journal": _first(values, "SO"),
        "volume": _first(values, "VL"),
        "issue": _first(values, "NO"),
        "pages": _first(values, "PG").replace("\u2010", "-"),
        "pmid": pmid_among((), notes, addresses, warnings),
        "doi": doi_among(values.get("DOI", []), addresses),
        "issn": issn_of(values.get("SN", [])),
        "url": address_of(addresses),
        "language": _first(values, "LA"),
        "publication_types": parts("PT"),
        "keywords": parts("KY"),
    }
