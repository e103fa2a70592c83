"""Results of Europe PMC's web service (JSON, `lite` or `core`) as records. Pure.

Source: Europe PMC, "Articles RESTful API" (https://europepmc.org/RestfulWebService).
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.errors import ReviewError
from tools.identifiers import normal_doi, normal_pmcid, normal_pmid, registry_ids
from tools.schemas import Correction, Record

__all__ = ["UnreadableResult", "key_of", "plain_text", "read_result"]

_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>h[1-6]|p|b|i|u|em|strong|sub|sup|br|ul|ol|li|div|span|small|sec|title|inf|jats:[a-z-]+)"
    r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>",
    re.IGNORECASE,
)
"""Tags that occur, in the form of a tag. Anything else after a `<` is text: `P<0.001`, `n<b and c>d`."""

_HEADING = re.compile(r"h[1-6]|title|jats:title")
_BREAKS = re.compile(r"p|br|li|ul|ol|div|sec|jats:(?:p|sec|list|list-item)")


class UnreadableResult(ReviewError):
    """A result has another shape than the service documents."""

    exit_status = 2


def key_of(result: Mapping[str, Any]) -> str | None:
    """`<source>:<id>`; an id alone names nothing, since each source counts for itself."""
    source, id_ = result.get("source"), result.get("id")
    if (
        isinstance(source, str)
        and re.fullmatch(r"[A-Z]{2,4}", source)
        and id_
        and not re.search(r"\s", str(id_))
    ):
        return f"{source}:{id_}"
    return None


def read_result(result: Mapping[str, Any], *, name: str = "europepmc") -> Record:
    """One result as a record; `name` begins its id.

    Raises:
        UnreadableResult: it has no source and id, or a field has another shape than documented.
    """
    key = key_of(result)
    if key is None:
        raise UnreadableResult("a result without source and id. Remedy: look at the answer of Europe PMC.")
    try:
        return _record(result, key, name)
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise UnreadableResult(f"{key} has an unexpected form: {e!r}. Remedy: look it up by hand.") from e


def _record(result: Mapping[str, Any], key: str, name: str) -> Record:
    source, _, own_id = key.partition(":")
    journal = result.get("journalInfo", {})
    about = journal.get("journal", {})
    title, abstract = plain_text(result.get("title", "")), plain_text(result.get("abstractText", ""))
    corrections, types = tuple(_corrections(result)), tuple(_types(result, source))
    retracted = any(kind.casefold() == "retracted publication" for kind in types)
    pmid = result.get("pmid") or (own_id if source == "MED" else "")
    pmcid = result.get("pmcid") or (own_id if source == "PMC" else "")
    year = str(result.get("pubYear") or journal.get("yearOfPublication") or "")
    return Record(
        record_id=f"{name}:{key}",
        title=title.replace("\n", " "),
        abstract=abstract,
        authors=tuple(_authors(result)),
        year=int(year) if re.fullmatch(r"\d{4}", year) else None,
        journal=about.get("title") or result.get("journalTitle") or _book(result),
        volume=str(journal.get("volume") or result.get("journalVolume") or ""),
        issue=str(journal.get("issue") or result.get("issue") or ""),
        pages=str(result.get("pageInfo") or ""),
        pmid=normal_pmid(str(pmid)),
        pmcid=normal_pmcid(str(pmcid)) if pmcid else None,
        doi=normal_doi(str(result.get("doi") or "")),
        language=str(result.get("language") or ""),
        publication_types=types,
        mesh=tuple(m["descriptorName"] for m in result.get("meshHeadingList", {}).get("meshHeading", ())),
        keywords=tuple(result.get("keywordList", {}).get("keyword", ())),
        registry_ids=registry_ids(f"{title}\n{abstract}"),
        retracted=retracted or any(c.kind == "RetractionIn" for c in corrections),
        issn=about.get("issn") or about.get("essn") or _issn(result),
        url=f"https://europepmc.org/article/{source}/{own_id}",
        corrections=corrections,
        created=_day(result.get("firstIndexDate") or result.get("dateOfCreation")),
        updated=_day(result.get("dateOfRevision")),
    )


def plain_text(marked: str) -> str:
    """Text without its markup: a heading begins a line (`Background: …`), sub- and superscript stay in place."""
    out: list[str] = []
    position, in_heading = 0, False
    for tag in _TAG.finditer(marked):
        out.append(marked[position : tag.start()])
        position = tag.end()
        name, ends = tag["name"].lower(), bool(tag["end"])
        if _HEADING.fullmatch(name):
            if ends and in_heading and out and out[-1].strip():
                out[-1] = out[-1].strip().rstrip(":") + ": "
            elif not ends:
                out.append("\n")
            in_heading = not ends
        elif _BREAKS.fullmatch(name):
            # A paragraph right below a heading belongs on the heading's line.
            out.append(" " if "".join(out[-2:]).rstrip(" ").endswith(":") else "\n")
    out.append(marked[position:])
    lines = (" ".join(line.split()) for line in html.unescape("".join(out)).splitlines())
    return "\n".join(line for line in lines if line)


def _authors(result: Mapping[str, Any]) -> Iterator[str]:
    """'Last, First', or a collective name; of `lite` results 'Last, Initials'."""
    listed = result.get("authorList", {}).get("author", ())
    if not listed:
        for author in str(result.get("authorString") or "").rstrip(".").split(", "):
            last, _, initials = author.rpartition(" ")
            yield from (f"{last}, {initials}" if last and initials.isupper() else author,) if author else ()
        return
    for author in listed:
        if author.get("collectiveName"):
            yield author["collectiveName"]
        elif author.get("lastName"):
            first = author.get("firstName") or author.get("initials") or ""
            yield f"{author['lastName']}, {first}" if first else author["lastName"]
        elif author.get("fullName"):
            yield author["fullName"]


def _types(result: Mapping[str, Any], source: str) -> Iterator[str]:
    listed = result.get("pubTypeList", {}).get("pubType")
    types = listed if listed is not None else filter(None, str(result.get("pubType") or "").split("; "))
    types = dict.fromkeys(types)
    if source == "PPR":
        types = dict.fromkeys(("Preprint", *(kind for kind in types if kind.casefold() != "preprint")))
    yield from types


def _corrections(result: Mapping[str, Any]) -> Iterator[Correction]:
    """Europe PMC writes `Retraction in` where PubMed has `RetractionIn`; here all are PubMed's."""
    for item in result.get("commentCorrectionList", {}).get("commentCorrection", ()):
        words = str(item.get("type") or "").split()
        source, other = str(item.get("source") or ""), str(item.get("id") or "")
        told = " ".join(str(item.get("reference") or item.get("note") or "").split())
        yield Correction(
            kind="".join(word[:1].upper() + word[1:] for word in words) or "Correction",
            citation=told or (f"{source}:{other}" if other else ""),
            pmid=normal_pmid(other) if source == "MED" else None,
        )


def _book(result: Mapping[str, Any]) -> str:
    return str(result.get("bookOrReportDetails", {}).get("publisher") or "")


def _issn(result: Mapping[str, Any]) -> str:
    return str(result.get("journalIssn") or "").partition(";")[0].strip()


def _day(date: Any) -> str | None:
    return date[:10] if isinstance(date, str) and re.match(r"\d{4}-\d\d-\d\d", date) else None
