"""PubMed's XML as records, one at a time, in constant memory.

Source: pubmed_250101.dtd and the MEDLINE/PubMed data element descriptions; see also the
traps named beside the functions, each seen in real answers.

Each element's children are visited once, into a table by tag, and what no record needs (affiliations,
references, grants) is never touched: looking each field up by its path took twice as long.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import IO, TypeAlias, cast

from lxml import etree

from tools.errors import InputFileError
from tools.identifiers import normal_doi, normal_pmcid, registry_ids
from tools.schemas import Correction, Frozen, Record
from tools.search.citation_text import absent, one_line, shown_title

__all__ = ["Deleted", "Item", "Unreadable", "is_pubmed_xml", "parse_article_set"]


class Deleted(Frozen):
    """PubMed says that this PMID no longer exists (deleted or merged). Not a record."""

    pmid: str


class Unreadable(Frozen):
    """One article of the set that cannot become a record; its neighbours are not affected."""

    position: int
    """Place among the articles of the file, from 1."""

    pmid: str | None
    reason: str


Item: TypeAlias = Record | Deleted | Unreadable
_Children: TypeAlias = Mapping[str, list[etree._Element]]

_ROOT = re.compile(rb"<Pubmed(?:Article|BookArticle)(?:Set)?[\s/>]")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")

_REGISTRIES = frozenset(
    {"anzctr", "chictr", "clinicaltrials.gov", "cris", "ctis", "ctri", "drks", "eudract", "irct", "isrctn"}
    | {"jprn", "lbctr", "ntr", "pactr", "rbr", "rebec", "repec", "rpcec", "slctr", "tctr", "umin", "umin-ctr"}
)
"""Data banks that register trials, as DataBankName spells them, in lower case; the others
(figshare, GEO, Dryad …) hold data sets."""

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip

_ALARMING = {
    "ExpressionOfConcernIn": "an expression of concern about it was published",
    "RetractedandRepublishedIn": "it was retracted and republished",
}
"""What a person has to see before relying on a paper that is not marked as retracted."""


def parse_article_set(source: IO[bytes] | Path, *, name: str = "pubmed") -> Iterator[Item]:
    """Read a PubmedArticleSet.

    Args:
        source: a binary stream of XML, or the path of a file; gzip is recognised by content.
        name: source of the records; ids become `<name>:<pmid>`.

    Yields:
        in document order: a `Record` for an article or a book, `Unreadable` where one of them
        lacks what a record needs, `Deleted` for each PMID of a DeleteCitation.

    Raises:
        InputFileError: not there, damaged, not XML, cut off, or not a PubmedArticleSet: a page of HTML
            or an error message must not read as a set without articles.
    """
    if not isinstance(source, Path):
        yield from _parse(source, name)
        return
    try:
        with source.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield from _parse(cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw, name)
    except InputFileError as e:
        raise InputFileError(f"{source}: {e}") from e
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise InputFileError(f"{source}: the gzip file is damaged ({e}). Copy or fetch it again") from e
    except OSError as e:
        raise InputFileError(f"{source} cannot be read: {e.strerror}. Check its name and its rights") from e


def is_pubmed_xml(head: bytes) -> bool:
    """Whether a file that begins like this (some 4 kB) is a set of PubMed's articles."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and _ROOT.search(start) is not None


def _parse(stream: IO[bytes], name: str) -> Iterator[Item]:
    known = False
    position = 0
    try:
        for event, element in _events(stream):
            if element.tag == "PubmedArticleSet":
                known = True
            elif event == "end":
                if not known:
                    break
                position += element.tag != "DeleteCitation"
                yield from _items(element, position, name)
                _forget(element)
    except etree.XMLSyntaxError as e:
        raise InputFileError(
            f"the PubMed XML cannot be read after {position} articles: {e.msg}. Fetch or export it again"
        ) from e
    if not known:
        raise InputFileError(
            "this is no PubMed XML: its root is not <PubmedArticleSet>. Export it again in PubMed's XML form"
        )


def _events(stream: IO[bytes]) -> Iterator[tuple[str, etree._Element]]:
    # Every one of these matters: lxml's iterparse has defaults of its own (CVE-2026-41066).
    yield from etree.iterparse(
        cast(IO[bytes], _Uncited(stream)),
        events=("start", "end"),
        tag=("PubmedArticleSet", "PubmedArticle", "PubmedBookArticle", "DeleteCitation"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


class _Uncited:
    """A stream of PubMed XML without its lists of cited papers, which no record needs.

    They are two thirds of the bytes of recent articles, and taking them out is faster than parsing them.
    In XML their tags stand nowhere else as they are, except in comments and CDATA sections, which PubMed
    does not use: from the first of those on, everything is passed through. Whatever goes wrong here leaves
    tags without their counterparts, which the parser refuses.
    """

    _BEGIN, _END, _CHUNK = b"<ReferenceList>", b"</ReferenceList>", 65_536

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._depth = 0  # such a list may hold others
        self._held = b""  # perhaps the first half of a tag
        self._as_it_is = False

    def read(self, size: int = -1) -> bytes:
        """The next part, of whatever size; empty at the end only."""
        while chunk := self._stream.read(self._CHUNK):
            if kept := self._without_lists(self._held + chunk):
                return kept
        held, self._held = self._held, b""
        return held

    def _without_lists(self, data: bytes) -> bytes:
        self._as_it_is = self._as_it_is or b"<!--" in data or b"<![CDATA[" in data
        self._held = b""
        kept = []
        at = 0
        while self._depth or not self._as_it_is:
            begin = data.find(self._BEGIN, at)
            end = data.find(self._END, at) if self._depth else -1
            if begin < 0 and end < 0:
                whole = max(at, len(data) - len(self._END))
                data, self._held = data[:whole], data[whole:]
                break
            if end < 0 or 0 <= begin < end:
                if not self._depth:
                    kept.append(data[at:begin])
                self._depth += 1
                at = begin + len(self._BEGIN)
            else:
                self._depth -= 1
                at = end + len(self._END)
        if not self._depth:
            kept.append(data[at:])
        return b"".join(kept)


def _forget(element: etree._Element) -> None:
    """Drop what was read, with its elder siblings, which lxml would keep for ever."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _items(element: etree._Element, position: int, name: str) -> Iterator[Item]:
    if element.tag == "DeleteCitation":
        for gone in element.iterchildren("PMID"):
            yield Deleted(pmid=_text(gone))
        return
    parts = _children(element)
    is_book = element.tag == "PubmedBookArticle"
    body = _only(parts, "BookDocument" if is_book else "MedlineCitation")
    inner = _children(body)
    pmid = _text(_only(inner, "PMID"))
    if not pmid.isdigit():
        yield Unreadable(position=position, pmid=None, reason=f"no PMID, but {pmid!r}")
    elif is_book:
        yield _book(inner, _children(_only(parts, "PubmedBookData")), pmid, name)
    elif "Article" not in inner:
        yield Unreadable(position=position, pmid=pmid, reason="no Article element")
    else:
        yield _article(inner, _children(_only(parts, "PubmedData")), pmid, name)


# One article -------------------------------------------------------------------------------------


def _article(citation: _Children, data: _Children, pmid: str, name: str) -> Record:
    article = _children(_only(citation, "Article"))
    journal = _children(_only(article, "Journal"))
    issue = _children(_only(journal, "JournalIssue"))
    about = _children(_only(citation, "MedlineJournalInfo"))
    ids = _ids(_only(data, "ArticleIdList"))
    warnings: list[str] = []
    original = _text(_only(article, "VernacularTitle"))
    title = shown_title(_text(_only(article, "ArticleTitle")), original, warnings)
    abstract = "\n".join(_sections(_only(article, "Abstract"), warnings))
    others = _other_abstracts(citation, abstract, warnings)
    types = _texts(article, "PublicationTypeList", "PublicationType")
    corrections = _corrections(citation, warnings)
    return Record(
        record_id=f"{name}:{pmid}",
        title=title,
        abstract=abstract,
        authors=_authors(_all(article, "AuthorList"), warnings),
        year=_year(warnings, _only(issue, "PubDate"), _only(article, "ArticleDate")),
        journal=_first(_only(journal, "Title"), _only(journal, "ISOAbbreviation"), _only(about, "MedlineTA")),
        volume=_text(_only(issue, "Volume")),
        issue=_text(_only(issue, "Issue")),
        pages=_pages(article),
        pmid=pmid,
        pmcid=_pmcid(ids),
        doi=_doi(ids, article, warnings),
        language="; ".join(_unique(_all(article, "Language"))),
        publication_types=types,
        mesh=_headings(citation),
        keywords=_texts(citation, "KeywordList", "Keyword"),
        registry_ids=_registrations(article, f"{title}\n{abstract}"),
        # Either sign may be missing. RetractionOf is the notice, an expression of concern is no retraction.
        retracted="Retracted Publication" in types or any(c.kind == "RetractionIn" for c in corrections),
        issn=_first(_only(journal, "ISSN"), _only(about, "ISSNLinking")),
        vernacular_title=original,
        other_abstracts=others,
        corrections=corrections,
        created=_created(data),
        updated=_day(_only(citation, "DateRevised")),
        warnings=(*warnings, *absent(title, abstract)),
    )


def _book(document: _Children, data: _Children, pmid: str, name: str) -> Record:
    """A chapter or a book of the NCBI Bookshelf; its own ids, not those of the book's references."""
    book = _children(_only(document, "Book"))
    warnings: list[str] = []
    book_title = _text(_only(book, "BookTitle"))
    original = _text(_only(document, "VernacularTitle"))
    title = shown_title(_text(_only(document, "ArticleTitle")), original, warnings) or book_title
    abstract = "\n".join(_sections(_only(document, "Abstract"), warnings))
    ids = [
        *_ids(_only(document, "ArticleIdList")),
        *_ids(_only(data, "ArticleIdList")),
    ]
    lists = _all(document, "AuthorList")
    writers = [one for one in lists if one.get("Type") == "authors"]
    return Record(
        record_id=f"{name}:{pmid}",
        title=title,
        abstract=abstract,
        authors=_authors(writers, warnings)
        or _authors(lists, warnings)
        or _authors(_all(book, "AuthorList"), warnings),
        year=_year(warnings, _only(book, "PubDate"), _only(document, "ContributionDate")),
        journal=book_title or _text(_only(_children(_only(book, "Publisher")), "PublisherName")),
        volume=_text(_only(book, "Volume")),
        pages=_pages(document),
        pmid=pmid,
        pmcid=_pmcid(ids),
        doi=_doi(ids, document, warnings),
        language="; ".join(_unique(_all(document, "Language"))),
        publication_types=_unique(_all(document, "PublicationType")),
        keywords=_texts(document, "KeywordList", "Keyword"),
        registry_ids=registry_ids(f"{title}\n{abstract}"),
        vernacular_title=original,
        created=_created(data),
        updated=_day(_only(document, "DateRevised")),
        warnings=(*warnings, *absent(title, abstract)),
    )


def _sections(abstract: etree._Element | None, warnings: list[str]) -> list[str]:
    """An abstract's sections with their labels; copyright lines are none."""
    sections = []
    for part in abstract.iterchildren("AbstractText") if abstract is not None else ():
        text = _text(part)
        if len(part) and next(part.iter(etree.Entity), None) is not None:
            warnings.append("the abstract holds an entity that is not declared; it is shown as it stands")
        if text:
            label = one_line(part.get("Label") or "")
            sections.append(f"{label}: {text}" if label and label.upper() != "UNLABELLED" else text)
    return sections


def _other_abstracts(citation: _Children, abstract: str, warnings: list[str]) -> tuple[str, ...]:
    """Translations and plain-language summaries; none of them ever stands in for the abstract."""
    found: list[str] = []
    for other in _all(citation, "OtherAbstract"):
        kind = f"{other.get('Type', 'unknown type')}, {other.get('Language', 'unknown language')}"
        if not found and not abstract:
            warnings.append(
                f"no abstract of its own; another one stands beside it and is not judged ({kind})"
            )
        if text := "\n".join(_sections(other, warnings)):
            found.append(f"{kind}: {text}")
    return tuple(found)


def _corrections(citation: _Children, warnings: list[str]) -> tuple[Correction, ...]:
    """Errata, retractions, comments, updates …; not the papers that this one cites."""
    found = []
    for group in _all(citation, "CommentsCorrectionsList"):
        for line in group.iterchildren("CommentsCorrections"):
            kind = line.get("RefType") or ""
            if kind == "Cites":
                continue
            parts = _children(line)
            texts = (_text(_only(parts, "RefSource")), _text(_only(parts, "Note")))
            one = Correction(
                kind=kind,
                citation="; ".join(filter(None, texts)),
                pmid=_text(_only(parts, "PMID")) or None,
            )
            if kind in _ALARMING:
                place = one.citation or (f"PMID {one.pmid}" if one.pmid else "place not given")
                warnings.append(f"{_ALARMING[kind]}: {place}")
            found.append(one)
    return tuple(dict.fromkeys(found))


def _authors(lists: Iterable[etree._Element], warnings: list[str]) -> tuple[str, ...]:
    """'Last, First' or 'Last, First, Suffix'; groups by their name. Investigators are no authors."""
    names = []
    for author in (author for one in lists for author in one.iterchildren("Author")):
        if author.get("ValidYN") == "N":  # a misspelling that was corrected in a further Author
            continue
        group = last = first = initials = suffix = ""
        for part in author:
            match part.tag:
                case "LastName":
                    last = _text(part)
                case "ForeName":
                    first = _text(part)
                case "Initials":
                    initials = _text(part)
                case "Suffix":
                    suffix = _text(part)
                case "CollectiveName":
                    group = _text(part)
        name = group or ", ".join(filter(None, (last, first or initials, suffix)))
        if name:
            names.append(name)
        else:
            warnings.append("an author without a name")
    return tuple(names)


def _year(warnings: list[str], *dates: etree._Element | None) -> int | None:
    """From the publication date, else the electronic one. Never the first Year of the record: that is
    the day on which a librarian finished or revised it."""
    for given in dates:
        parts = _children(given)
        text = _text(_only(parts, "Year")) or _text(_only(parts, "MedlineDate"))
        if match := _YEAR.search(text):
            return int(match.group())
    warnings.append("no year of publication")
    return None


def _created(data: _Children) -> str | None:
    """PubMed's Create Date, [crdt]: in the XML it is the date of status `entrez`.

    Not that of status `pubmed`, which is the Entrez Date, [edat]: PubMed sets that one back to the date of
    publication when a paper is added more than a year late. In NBIB exports, which name all of them, CRDT
    and `[entrez]` agree in every record, EDAT and `[pubmed]` too, and the two differ in four of ten.
    """
    for group in _all(data, "History"):
        for given in group.iterchildren("PubMedPubDate"):
            if given.get("PubStatus") == "entrez" and (day := _day(given)):
                return day
    return None


def _day(given: etree._Element | None) -> str | None:
    """YYYY-MM-DD; None where a part is missing or is no date, as a wrong day would hide a record."""
    parts = _children(given)
    year, month, day = (_text(_only(parts, name)) for name in ("Year", "Month", "Day"))
    number = _MONTHS.get(month[:3].lower(), month)
    try:
        return date(int(year), int(number), int(day)).isoformat()
    except ValueError:
        return None


def _pages(article: _Children) -> str:
    parts = _children(_only(article, "Pagination"))
    if pages := _text(_only(parts, "MedlinePgn")):
        return pages
    start, end = _text(_only(parts, "StartPage")), _text(_only(parts, "EndPage"))
    return f"{start}-{end}" if start and end and start != end else start


def _ids(group: etree._Element | None) -> list[tuple[str, str]]:
    """(kind, id) of the record's own list: a search for ArticleId would also find those of cited papers."""
    if group is None:
        return []
    return [(one.get("IdType", ""), _text(one)) for one in group.iterchildren("ArticleId")]


def _doi(ids: Iterable[tuple[str, str]], article: _Children, warnings: list[str]) -> str | None:
    given = [value for kind, value in ids if kind == "doi"]
    given += [
        _text(location)
        for location in _all(article, "ELocationID")
        if location.get("EIdType") == "doi" and location.get("ValidYN") != "N"
    ]
    found: dict[str, None] = {}
    for one in dict.fromkeys(filter(None, given)):
        if doi := normal_doi(one):
            found[doi] = None
        else:
            warnings.append(f"DOI not understood: {one[:80]!r}")
    if len(found) > 1:
        warnings.append(f"several DOIs: {', '.join(found)}; the first is used")
    return next(iter(found), None)


def _pmcid(ids: Iterable[tuple[str, str]]) -> str | None:
    return next((found for kind, value in ids if kind == "pmc" and (found := normal_pmcid(value))), None)


def _headings(citation: _Children) -> tuple[str, ...]:
    return _unique(
        name for group in _all(citation, "MeshHeadingList") for name in group.iter("DescriptorName")
    )


def _registrations(article: _Children, text: str) -> tuple[str, ...]:
    found: list[str] = []
    for group in _all(article, "DataBankList"):
        for bank in group.iterchildren("DataBank"):
            parts = _children(bank)
            is_registry = _text(_only(parts, "DataBankName")).lower() in _REGISTRIES
            for number in _texts(parts, "AccessionNumberList", "AccessionNumber"):
                found.extend(registry_ids(number) or ((number,) if is_registry else ()))
    return tuple(dict.fromkeys((*found, *registry_ids(text))))


# Elements and text -------------------------------------------------------------------------------


def _children(element: etree._Element | None) -> _Children:
    """Children by tag, in order; empty for None."""
    found: dict[str, list[etree._Element]] = {}
    for child in element if element is not None else ():
        found.setdefault(child.tag, []).append(child)
    return found


def _all(children: _Children, tag: str) -> Iterable[etree._Element]:
    return children.get(tag, ())


def _only(children: _Children, tag: str) -> etree._Element | None:
    """The first child of this tag; the DTD allows one of those that are asked for here."""
    found = children.get(tag)
    return found[0] if found else None


def _text(element: etree._Element | None) -> str:
    """All text inside, markup such as <sup> left out, white space collapsed; empty for None."""
    if element is None:
        return ""
    if len(element):
        return one_line("".join(str(part) for part in element.itertext()))
    return one_line(element.text or "")


def _unique(elements: Iterable[etree._Element]) -> tuple[str, ...]:
    """Each text once, in order; empty ones left out."""
    return tuple(dict.fromkeys(text for element in elements if (text := _text(element))))


def _texts(children: _Children, groups: str, tag: str) -> tuple[str, ...]:
    """The texts of all children `tag` of all `groups`, as `_unique`."""
    return _unique(one for group in _all(children, groups) for one in group.iterchildren(tag))


def _first(*elements: etree._Element | None) -> str:
    """The text of the first of these that has one."""
    return next((text for element in elements if (text := _text(element))), "")
