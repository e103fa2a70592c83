"""PubMed's XML as records, one at a time, in constant memory.

Source: pubmed_250101.dtd and the MEDLINE/PubMed data element descriptions; see also the
traps named beside the functions, each seen in real answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeAlias

from lxml import etree

from tools.errors import InputFileError
from tools.identifiers import normal_doi, normal_pmcid, registry_ids
from tools.schemas import Frozen, Record
from tools.search.citation_text import absent, one_line, paragraphs, shown_title

__all__ = ["Deleted", "Item", "Unreadable", "parse_article_set"]


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

_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")

_REGISTRIES = frozenset(
    {"anzctr", "chictr", "clinicaltrials.gov", "cris", "ctis", "ctri", "drks", "eudract", "irct", "isrctn"}
    | {"jprn", "lbctr", "ntr", "pactr", "rbr", "rebec", "repec", "rpcec", "slctr", "tctr", "umin", "umin-ctr"}
)
"""Data banks that register trials, as DataBankName spells them, in lower case; the others
(figshare, GEO, Dryad …) hold data sets."""


def parse_article_set(source: IO[bytes] | Path, *, name: str = "pubmed") -> Iterator[Item]:
    """Read a PubmedArticleSet.

    Args:
        source: a binary stream, or the path of an uncompressed file.
        name: source of the records; ids become `<name>:<pmid>`.

    Yields:
        in document order: a `Record` for an article or a book, `Unreadable` where one of them
        lacks what a record needs, `Deleted` for each PMID of a DeleteCitation.

    Raises:
        InputFileError: not there, not XML, cut off, or not a PubmedArticleSet: a page of HTML
            or an error message must not read as a set without articles.
    """
    if not isinstance(source, Path):
        yield from _parse(source, name)
        return
    try:
        stream = source.open("rb")
    except OSError as e:
        raise InputFileError(f"{source} cannot be opened: {e.strerror}. Check its name and its rights") from e
    with stream:
        yield from _parse(stream, name)


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
        stream,
        events=("start", "end"),
        tag=("PubmedArticleSet", "PubmedArticle", "PubmedBookArticle", "DeleteCitation"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _forget(element: etree._Element) -> None:
    """Drop what was read, with its elder siblings, which lxml would keep for ever."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _items(element: etree._Element, position: int, name: str) -> Iterator[Item]:
    if element.tag == "DeleteCitation":
        for gone in element.iterfind("PMID"):
            yield Deleted(pmid=_text(gone))
        return
    pmid = _text(_first(element, "MedlineCitation/PMID", "BookDocument/PMID"))
    if not pmid.isdigit():
        yield Unreadable(position=position, pmid=None, reason=f"no PMID, but {pmid!r}")
    elif element.tag == "PubmedArticle" and element.find("MedlineCitation/Article") is None:
        yield Unreadable(position=position, pmid=pmid, reason="no Article element")
    else:
        yield _article(element, pmid, name) if element.tag == "PubmedArticle" else _book(element, pmid, name)


# One article -------------------------------------------------------------------------------------


def _article(element: etree._Element, pmid: str, name: str) -> Record:
    citation = element.find("MedlineCitation")
    article = element.find("MedlineCitation/Article")
    assert citation is not None
    assert article is not None
    warnings: list[str] = []
    title = shown_title(_text(article.find("ArticleTitle")), _text(article.find("VernacularTitle")), warnings)
    abstract = _abstract(article, citation, warnings)
    types = _texts(article, "PublicationTypeList/PublicationType")
    return Record(
        record_id=f"{name}:{pmid}",
        title=title,
        abstract=abstract,
        authors=_authors(article, "AuthorList/Author", warnings),
        year=_year(
            warnings,
            article.find("Journal/JournalIssue/PubDate"),
            article.find("ArticleDate"),
        ),
        journal=_text(_first(article, "Journal/Title", "Journal/ISOAbbreviation"))
        or _text(citation.find("MedlineJournalInfo/MedlineTA")),
        volume=_text(article.find("Journal/JournalIssue/Volume")),
        issue=_text(article.find("Journal/JournalIssue/Issue")),
        pages=_pages(article),
        pmid=pmid,
        pmcid=_pmcid(element.find("PubmedData/ArticleIdList")),
        doi=_doi(element.find("PubmedData/ArticleIdList"), article, warnings),
        language="; ".join(_texts(article, "Language")),
        publication_types=types,
        mesh=_texts(citation, "MeshHeadingList/MeshHeading/DescriptorName"),
        keywords=_texts(citation, "KeywordList/Keyword"),
        registry_ids=_registrations(article, f"{title}\n{abstract}"),
        retracted=_retracted(citation, types),
        warnings=(*warnings, *absent(title, abstract)),
    )


def _book(element: etree._Element, pmid: str, name: str) -> Record:
    """A chapter or a book of the NCBI Bookshelf; its own ids, not those of the book's references."""
    document = element.find("BookDocument")
    assert document is not None
    warnings: list[str] = []
    book_title = _text(document.find("Book/BookTitle"))
    title = _text(document.find("ArticleTitle")) or book_title
    abstract = _abstract(document, document, warnings)
    lists = (document.find("ArticleIdList"), element.find("PubmedBookData/ArticleIdList"))
    return Record(
        record_id=f"{name}:{pmid}",
        title=title,
        abstract=abstract,
        authors=_authors(document, "AuthorList[@Type='authors']/Author", warnings)
        or _authors(document, "AuthorList/Author", warnings)
        or _authors(document, "Book/AuthorList/Author", warnings),
        year=_year(warnings, document.find("Book/PubDate"), document.find("ContributionDate")),
        journal=book_title or _text(document.find("Book/Publisher/PublisherName")),
        volume=_text(document.find("Book/Volume")),
        pages=_pages(document),
        pmid=pmid,
        pmcid=next((found for ids in lists if (found := _pmcid(ids))), None),
        doi=next((found for ids in lists if (found := _doi(ids, document, warnings))), None),
        language="; ".join(_texts(document, "Language")),
        publication_types=_texts(document, "PublicationType"),
        keywords=_texts(document, "KeywordList/Keyword"),
        registry_ids=registry_ids(f"{title}\n{abstract}"),
        warnings=(*warnings, *absent(title, abstract)),
    )


def _abstract(article: etree._Element, citation: etree._Element, warnings: list[str]) -> str:
    """Sections on lines of their own, with their labels. OtherAbstract (a translation, a plain-language
    summary) never takes its place."""
    sections = []
    for part in article.iterfind("Abstract/AbstractText"):
        label = one_line(part.get("Label") or "")
        text = _text(part)
        if next(part.iter(etree.Entity), None) is not None:
            warnings.append("the abstract holds an entity that is not declared; it is shown as it stands")
        if text:
            sections.append(f"{label}: {text}" if label and label.upper() != "UNLABELLED" else text)
    if not sections and (other := citation.find("OtherAbstract")) is not None:
        kind = f"{other.get('Type', 'unknown type')}, {other.get('Language', 'unknown language')}"
        warnings.append(f"no abstract of its own; PubMed holds another one that is not read here ({kind})")
    return paragraphs(sections)


def _authors(parent: etree._Element, path: str, warnings: list[str]) -> tuple[str, ...]:
    """'Last, First' or 'Last, First, Suffix'; groups by their name. Investigators are no authors."""
    names = []
    for author in parent.iterfind(path):
        if author.get("ValidYN", "Y") == "N":  # a misspelling that was corrected in a further Author
            continue
        parts = (
            _text(author.find("LastName")),
            _text(_first(author, "ForeName", "Initials")),
            _text(author.find("Suffix")),
        )
        name = _text(author.find("CollectiveName")) or ", ".join(filter(None, parts))
        if name:
            names.append(name)
        else:
            warnings.append("an author without a name")
    return tuple(names)


def _year(warnings: list[str], *dates: etree._Element | None) -> int | None:
    """From the publication date, else the electronic one. Never the first Year of the record: that is
    the day on which a librarian finished or revised it."""
    for date in dates:
        if date is None:
            continue
        text = _text(date.find("Year")) or _text(date.find("MedlineDate"))
        if match := _YEAR.search(text):
            return int(match.group())
    warnings.append("no year of publication")
    return None


def _pages(article: etree._Element) -> str:
    if pages := _text(article.find("Pagination/MedlinePgn")):
        return pages
    start, end = _text(article.find("Pagination/StartPage")), _text(article.find("Pagination/EndPage"))
    return f"{start}-{end}" if start and end and start != end else start


def _doi(ids: etree._Element | None, article: etree._Element, warnings: list[str]) -> str | None:
    """From the record's own id list: `.//ArticleId` would also find those of the cited papers."""
    given = [_text(i) for i in ids.iterfind("ArticleId[@IdType='doi']")] if ids is not None else []
    electronic = article.iterfind("ELocationID[@EIdType='doi']")
    given += [_text(e) for e in electronic if e.get("ValidYN", "Y") != "N"]
    warnings += [
        f"DOI not understood: {one[:80]!r}" for one in dict.fromkeys(given) if one and not normal_doi(one)
    ]
    found = list(dict.fromkeys(doi for one in given if (doi := normal_doi(one))))
    if len(found) > 1:
        warnings.append(f"several DOIs: {', '.join(found)}; the first is used")
    return found[0] if found else None


def _pmcid(ids: etree._Element | None) -> str | None:
    return normal_pmcid(_text(ids.find("ArticleId[@IdType='pmc']"))) if ids is not None else None


def _registrations(article: etree._Element, text: str) -> tuple[str, ...]:
    found: list[str] = []
    for bank in article.iterfind("DataBankList/DataBank"):
        is_registry = _text(bank.find("DataBankName")).lower() in _REGISTRIES
        for number in _texts(bank, "AccessionNumberList/AccessionNumber"):
            found.extend(registry_ids(number) or ((number,) if is_registry else ()))
    return tuple(dict.fromkeys((*found, *registry_ids(text))))


def _retracted(citation: etree._Element, types: tuple[str, ...]) -> bool:
    """Either sign may be missing. RetractionOf is the notice, an expression of concern is no retraction."""
    signs = citation.iterfind("CommentsCorrectionsList/CommentsCorrections[@RefType='RetractionIn']")
    return "Retracted Publication" in types or next(signs, None) is not None


# Text --------------------------------------------------------------------------------------------


def _text(element: etree._Element | None) -> str:
    """All text inside, markup such as <sup> left out, white space collapsed; empty for None."""
    if element is None:
        return ""
    return one_line("".join(str(part) for part in element.itertext()))


def _texts(parent: etree._Element, path: str) -> tuple[str, ...]:
    """Each text once, in order; empty ones left out."""
    return tuple(dict.fromkeys(text for e in parent.iterfind(path) if (text := _text(e))))


def _first(parent: etree._Element, *paths: str) -> etree._Element | None:
    """The first of these elements that is there and has text."""
    found = (parent.find(path) for path in paths)
    return next((e for e in found if e is not None and _text(e)), None)
