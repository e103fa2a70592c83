"""What every reader of citations shares: entries and problems, and plain fields made into a record. Pure.

A reader yields one `Entry` per entry of the file: a record, or why there is none. What is odd about the file
goes to `problems`, what is odd about one record to its `warnings`. Nothing is dropped without one of them.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from tools.identifiers import normal_doi, normal_pmcid, normal_pmid, registry_ids
from tools.schemas import Frozen, Record

__all__ = [
    "Entry",
    "Pairs",
    "Problem",
    "absent",
    "address_of",
    "doi_among",
    "doi_of_address",
    "finish",
    "iso_day",
    "issn_of",
    "one_line",
    "outside",
    "page_range",
    "paragraphs",
    "pmcid_among",
    "pmid_among",
    "safe",
    "shown_title",
    "year_of",
]

Pairs = Sequence[tuple[str, str]]
"""Tags and values of one entry, verbatim and in order."""


class Problem(Frozen):
    """Something in the file that did not go as it should, and where."""

    place: str = Field(description="`line 12`, `entry 3`, or `file`.")
    what: str
    lost: bool = Field(default=False, description="True when an entry of the file gave no record.")


class Entry(NamedTuple):
    """One entry of a file: a record without its final id, or why there is none."""

    place: str
    record: Record | None
    lost: str = ""


def outside(number: int, line: str) -> Problem:
    """The problem of a line that belongs to no entry."""
    return Problem(place=f"line {number}", what=f"outside any entry, not read: {line[:60]!r}")


# Text --------------------------------------------------------------------------------------------


def one_line(text: str) -> str:
    """A field's text as every reader gives it, PubMed's XML included: all white space, thin and no-break
    spaces too, is one plain space, so that a record is the same text whatever form it came in."""
    return " ".join(text.split())


def paragraphs(lines: Iterable[str]) -> str:
    """Sections of an abstract, each `one_line` of its own; empty ones left out."""
    return "\n".join(line for raw in lines if (line := one_line(raw)))


def shown_title(title: str, original: str, warnings: list[str]) -> str:
    """MEDLINE's title, which for other languages is a translation in brackets; without one the original."""
    if original and title.strip("[]. ").lower() in ("", "not available"):
        warnings.append("no English title; the original one is shown")
        return original
    return title


def absent(title: str, abstract: str) -> list[str]:
    """The warnings of a record whose title or abstract is empty, the same from every format."""
    return [f"no {name}" for name, text in (("title", title), ("abstract", abstract)) if not text]


def safe(text: str) -> str:
    """Without what no database or XML takes: control characters, and halves of surrogate pairs."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text)


# Dates, pages, addresses -------------------------------------------------------------------------


def year_of(given: str) -> int | None:
    """The first year in a date of any form, such as `2020///`, `Epub 2019 May` or `AUG 1999`."""
    found = re.search(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)", given) or re.match(
        r"(1[5-9]\d\d|20\d\d)(?=[01]\d[0-3]\d$)", given.strip()
    )
    return int(found.group()) if found else None


def iso_day(given: str) -> str | None:
    """`YYYY-MM-DD` of a date that is given to the day with its year first; else None."""
    found = re.match(r"\s*(\d{4})[-/.]?([01]\d)[-/.]?([0-3]\d)(?!\d)", given)
    return "-".join(found.groups()) if found else None


def page_range(start: str, end: str = "") -> str:
    """`start-end`, or one page; some exports write the whole range as the start."""
    start, end = one_line(start), one_line(end)
    if same := re.fullmatch(r"(\w+)-\1", start):
        return same.group(1)
    if not end or end == start or re.search(r"\w[-–‐]\w", start):
        return start
    return f"{start}-{end}" if start else end


def issn_of(given: Iterable[str]) -> str:
    """The first ISSN, with its hyphen; ISBNs, which stand in the same field, are none."""
    for value in given:
        if found := re.search(r"(?<![\dX-])(\d{4})-?(\d{3}[\dXx])(?![\dX-])", value):
            return f"{found[1]}-{found[2].upper()}"
    return ""


def address_of(given: Iterable[str]) -> str:
    """The first web address."""
    for value in given:
        if found := re.search(r"https?://[^\s<>\"]+", value):
            return found.group()
    return ""


# Identifiers -------------------------------------------------------------------------------------

_DOI_PATH = re.compile(r"/(10\.\d{4,9}(?:\.\d+)*/.+)$")
_DOI_TAIL = re.compile(r"(?:/(?:full|abstract|pdf|epdf|summary|meta|html|fulltext|full-text))+$|\.pdf$", re.I)
_LONGEST = 2_000
"""Characters of a DOI or an address that are looked at: a pattern must not work for hours on a hostile one."""

_CENTRAL = "10.1002/central/"
"""CENTRAL's own numbers are written like DOIs. Taken for the report's they would keep it apart from its
copies in other databases."""


def doi_of_address(address: str) -> str | None:
    """The DOI that a web address names, as a resolver's path, as a publisher's, or as `doi=…`."""
    try:
        parts = urlsplit(address.strip()[:_LONGEST])
        named = parse_qs(parts.query).get("doi", [])
    except ValueError:  # not an address after all
        return None
    path = _DOI_PATH.search(parts.path.replace("%2F", "/").replace("%2f", "/"))
    for given in (*named, *([_DOI_TAIL.sub("", path.group(1))] if path else ())):
        if (doi := normal_doi(given)) and not doi.startswith(_CENTRAL):
            return doi
    return None


def doi_among(plain: Iterable[str], addresses: Iterable[str] = ()) -> str | None:
    """The first DOI: of values that are DOIs, else of web addresses."""
    for value in plain:
        found = doi_of_address(value) if value.lower().startswith("http") else normal_doi(value[:_LONGEST])
        if found and not found.startswith(_CENTRAL):
            return found
    return next((doi for value in addresses if (doi := doi_of_address(value))), None)


_PMID_SAID = re.compile(
    r"(?:^|[;,.|\s])PMID:?\s*0*([1-9]\d{0,7})\s*(?=$|[;,.|]|PMCID|\s\s)"
    r"|^\s*0*([1-9]\d{0,7})\s*\[pmid\]"
    r"|(?:^|,)\s*PUBMED:?\s+0*([1-9]\d{0,7})\b"
)
_PMID_ADDRESS = re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/0*([1-9]\d{0,7})\b")
_NOT_OUR_OWN = re.compile(r"\b(?:of|on|in|for|see|with|to)\b[^;|]{0,40}PMID", re.IGNORECASE)


def pmid_among(
    certain: Iterable[str], notes: Iterable[str], addresses: Iterable[str], warnings: list[str]
) -> str | None:
    """The PMID that an entry names as its own.

    Args:
        certain: values of fields that hold a PMID and nothing else.
        notes: other values, of which only those count that say so: `PMID: 77`, `77 [pmid]`, `PUBMED 77`.
        addresses: web addresses, PubMed's own among them.
        warnings: told when the entry names several; then none is taken.
    """
    found = [pmid for value in certain if (pmid := normal_pmid(value))]
    for value in notes:
        if any(sign in value for sign in ("PMID", "pmid", "PUBMED")):
            said = [] if _NOT_OUR_OWN.search(value) else _PMID_SAID.findall(value)
            found += [next(filter(None, groups)) for groups in said]
    found += [m.group(1) for value in addresses for m in _PMID_ADDRESS.finditer(value)]
    if len(set(found)) > 1:
        warnings.append(f"several PMIDs: {', '.join(dict.fromkeys(found))}; none was taken")
        return None
    return found[0] if found else None


def pmcid_among(given: Iterable[str]) -> str | None:
    """The first PMCID among values that hold one alone, or say `PMCID: PMC77`."""
    for value in given:
        if "PMC" in value and (
            found := re.fullmatch(r"\s*(PMC\d+)(?:\.\d+)?(?:\s*\[pmcid\])?;?\s*", value)
            or re.search(r"PMCID:?\s*(PMC\d+)", value)
        ):
            return normal_pmcid(found.group(1))
    return None


# Records -----------------------------------------------------------------------------------------


def finish(
    source: str, own_id: str, fields: dict[str, Any], warnings: list[str], verbatim: Pairs = ()
) -> Record:
    """A record from plain fields: registrations, retraction, warnings and id are worked out here.

    `verbatim` is what the file says, tag by tag; it is kept for export and has no part in the id.
    """
    text = f"{fields.get('title', '')}\n{fields.get('abstract', '')}"
    given = (one for number in fields.pop("registry_ids", ()) for one in registry_ids(number) or (number,))
    fields["registry_ids"] = tuple(dict.fromkeys([*given, *registry_ids(text)]))
    types = [t.casefold() for t in fields.get("publication_types", ())]
    fields["retracted"] = bool(fields.get("retracted")) or "retracted publication" in types
    warnings += absent(fields.get("title", ""), fields.get("abstract", ""))
    # Most values are the same text as their field; kept once, a large file takes a third less memory.
    kept = {value: value for _, value in verbatim}
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = kept.get(value, value)
        elif isinstance(value, tuple):
            fields[name] = tuple(kept.get(one, one) for one in value)
    record = Record(record_id="", warnings=tuple(warnings), **fields)
    # Content as key needs no running number: equal content is the same entry twice.
    key = record.pmid or own_id.removeprefix(f"{source}:") or record.version
    return record.model_copy(update={"record_id": f"{source}:{key}", "fields": tuple(verbatim)})
