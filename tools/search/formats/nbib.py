"""NBIB, the tagged text of MEDLINE and PubMed. Pure.

Read here and not with Bio.Medline, which takes wrapped lines of a keyword or a group name apart, joins fields
that come again, and gives a dictionary, so that the order is gone.

Source: NLM, MEDLINE/PubMed Data Element (Field) Descriptions.
"""

import re
from collections.abc import Iterable, Iterator
from sys import intern
from typing import Any

from tools.identifiers import normal_doi, normal_pmcid, normal_pmid, registry_ids
from tools.schemas import Correction
from tools.search.citation_text import (
    Entry,
    Problem,
    finish,
    iso_day,
    issn_of,
    one_line,
    outside,
    paragraphs,
    safe,
    shown_title,
    year_of,
)

__all__ = ["holds", "read"]

_LINE = re.compile(r"[A-Z][A-Z0-9]{0,3} *- ?")
# PubMed prints a structured abstract in one run; its labels are in capitals after a full stop.
_LABEL = re.compile(r"(?<=[.?!)]) (?=[A-Z][A-Z ,/&'()-]{3,60}: )")
_CORRECTIONS = {
    "CIN": "CommentIn",
    "CON": "CommentOn",
    "CRI": "CorrectedandRepublishedIn",
    "CRF": "CorrectedandRepublishedFrom",
    "ECF": "ExpressionOfConcernFor",
    "ECI": "ExpressionOfConcernIn",
    "EFR": "ErratumFor",
    "EIN": "ErratumIn",
    "RIN": "RetractionIn",
    "ROF": "RetractionOf",
    "RPF": "RepublishedFrom",
    "RPI": "RepublishedIn",
    "RRF": "RetractedandRepublishedFrom",
    "RRI": "RetractedandRepublishedIn",
    "UIN": "UpdateIn",
    "UOF": "UpdateOf",
}
"""Tag to the RefType that PubMed's XML has for the same."""


def holds(line: str) -> bool:
    """Whether an entry begins with this line."""
    return line.startswith("PMID- ")


def read(lines: Iterable[str], source: str, problems: list[Problem]) -> Iterator[Entry]:
    """Entries from one `PMID- ` line to the next; wrapped lines are put together."""
    pairs: list[tuple[str, str]] = []
    began = 0
    for number, line in enumerate(lines, 1):
        if holds(line):
            if pairs:
                yield _entry(pairs, began, source)
            pairs, began = [("PMID", line[6:].strip())], number
        elif not line.strip():
            continue
        elif not pairs:
            problems.append(outside(number, line))
        elif len(line) > 4 and line[4] == "-" and _LINE.match(line):
            pairs.append((intern(line[:4].strip()), line[6:].strip()))
        else:
            if not line.startswith("      "):
                what = f"neither a field nor indented; read as part of the line above: {line[:60]!r}"
                problems.append(Problem(place=f"line {number}", what=what))
            tag, value = pairs[-1]
            pairs[-1] = (tag, f"{value} {line.strip()}")
    if pairs:
        yield _entry(pairs, began, source)


def _entry(pairs: list[tuple[str, str]], began: int, source: str) -> Entry:
    values: dict[str, list[str]] = {}
    for tag, value in pairs:
        if clean := one_line(safe(value)):
            values.setdefault(tag, []).append(clean)
    warnings: list[str] = []
    pmid = normal_pmid(pairs[0][1])
    if pmid is None:
        if set(values) <= {"PMID"}:
            return Entry(f"line {began}", None, "an entry without any content")
        warnings.append(f"PMID not understood: {pairs[0][1][:40]!r}")
    return Entry(f"line {began}", finish(source, "", _fields(values, pmid, warnings), warnings, pairs))


def _fields(values: dict[str, list[str]], pmid: str | None, warnings: list[str]) -> dict[str, Any]:
    def one(*tags: str) -> str:
        return next((line for t in tags if (line := " ".join(values.get(t, [])))), "")

    def many(tag: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(values.get(tag, [])))

    authors = many("FAU") or tuple(re.sub(r" ([A-Z]{1,4})$", r", \1", a) for a in many("AU"))
    ids = re.search(r"(10\.\S+) \[doi\]", f"{one('AID')} {one('LID')}")
    return {
        "title": shown_title(one("TI", "BTI"), one("TT"), warnings),
        "vernacular_title": one("TT"),
        "abstract": paragraphs(part.removeprefix("UNLABELLED: ") for part in _LABEL.split(one("AB"))),
        "other_abstracts": many("OAB"),
        "authors": (*authors, *many("CN")),
        "year": year_of(one("DP")) or year_of(one("DEP")),
        "journal": one("JT", "TA"),
        "volume": one("VI"),
        "issue": one("IP"),
        "pages": one("PG"),
        "pmid": pmid,
        "pmcid": normal_pmcid(one("PMC")),
        "doi": normal_doi(ids.group(1)) if ids else None,
        "issn": issn_of(many("IS")),
        "language": "; ".join(many("LA")),
        "publication_types": many("PT"),
        "mesh": tuple(dict.fromkeys(m.split("/")[0].strip("* ") for m in many("MH"))),
        "keywords": tuple(k.strip("* ") for k in many("OT")),
        # SI names data banks of all kinds; only registers' numbers are taken.
        "registry_ids": registry_ids("\n".join(many("SI"))),
        "corrections": tuple(
            _correction(kind, text) for tag, kind in _CORRECTIONS.items() for text in many(tag)
        ),
        "created": iso_day(one("CRDT")),
        "updated": iso_day(one("LR")),
        "retracted": "RIN" in values,
    }


def _correction(kind: str, text: str) -> Correction:
    pmid = re.search(r"\s*\bPMID: (\d+)", text)
    citation = text.replace(pmid.group(), "") if pmid else text
    return Correction(kind=kind, citation=citation, pmid=normal_pmid(pmid.group(1)) if pmid else None)
