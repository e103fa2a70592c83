"""Articles with everything that makes PubMed's XML hard to read. All invented; PMIDs that do not exist.

`FORMS` is what EFetch sends for them, `records()` what the index of the server holds.
"""

from __future__ import annotations

import io

from tools.schemas import Record
from tools.search.pubmed_xml import parse_article_set

__all__ = ["FORMS", "records"]

_HISTORY = (
    '<History><PubMedPubDate PubStatus="entrez"><Year>2019</Year><Month>3</Month><Day>4</Day></PubMedPubDate>'
    "</History><PublicationStatus>ppublish</PublicationStatus>"
)
_YEAR = "<PubDate><Year>2019</Year></PubDate>"
_TYPE = '<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList>'


def _article(
    pmid: int,
    title: str,
    *,
    inside: str = "",
    status: str = "MEDLINE",
    dates: str = _YEAR,
    after_language: str = _TYPE,
    after_article: str = "",
    ids: str = "",
) -> str:
    return (
        f'<PubmedArticle><MedlineCitation Status="{status}" Owner="NLM"><PMID Version="1">{pmid}</PMID>'
        "<DateRevised><Year>2024</Year><Month>11</Month><Day>05</Day></DateRevised>"
        f'<Article PubModel="Print"><Journal><JournalIssue CitedMedium="Internet">{dates}</JournalIssue>'
        f"<Title>Journal of invented trials</Title></Journal><ArticleTitle>{title}</ArticleTitle>{inside}"
        f"<Language>eng</Language>{after_language}</Article>"
        f"<MedlineJournalInfo><MedlineTA>J Inv Tr</MedlineTA></MedlineJournalInfo>{after_article}"
        f"</MedlineCitation><PubmedData>{_HISTORY}<ArticleIdList>"
        f'<ArticleId IdType="pubmed">{pmid}</ArticleId>{ids}</ArticleIdList>'
    )


def _closed(text: str, references: str = "") -> str:
    return f"{text}{references}</PubmedData></PubmedArticle>"


_ABSTRACT = "<Abstract><AbstractText>An invented trial of syrup.</AbstractText></Abstract>"
_REFERENCES = (
    "<ReferenceList><Reference><Citation>Somebody else. J Inv Tr 2001.</Citation><ArticleIdList>"
    '<ArticleId IdType="doi">10.5555/not.mine</ArticleId><ArticleId IdType="pmc">PMC7</ArticleId>'
    '<ArticleId IdType="pubmed">77</ArticleId></ArticleIdList></Reference></ReferenceList>'
)
_BOOK = (
    '<PubmedBookArticle><BookDocument><PMID Version="1">99000001</PMID><ArticleIdList>'
    '<ArticleId IdType="bookaccession">NBK990001</ArticleId></ArticleIdList><Book><Publisher>'
    "<PublisherName>Invented Press</PublisherName></Publisher><BookTitle>Invented reviews</BookTitle>"
    "<PubDate><Year>2019</Year></PubDate></Book><ArticleTitle>Syrup, an invented chapter</ArticleTitle>"
    "<Language>eng</Language><Abstract><AbstractText>What is known.</AbstractText></Abstract></BookDocument>"
    "<PubmedBookData><PublicationStatus>ppublish</PublicationStatus><ArticleIdList>"
    '<ArticleId IdType="pubmed">99000001</ArticleId></ArticleIdList></PubmedBookData></PubmedBookArticle>'
)
_GROUP = (
    '<AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>Doe</LastName><ForeName>Ada</ForeName></Author>'
    '<Author ValidYN="Y"><CollectiveName>The Invented Syrup Group</CollectiveName></Author></AuthorList>'
)
_INVESTIGATORS = (
    '<InvestigatorList><Investigator ValidYN="Y"><LastName>Nobody</LastName><ForeName>Bo</ForeName>'
    "</Investigator></InvestigatorList>"
)
_MARKUP = (
    '<Abstract><AbstractText Label="METHODS" NlmCategory="METHODS">At 70 µg per 1.73 m<sup>2</sup> of CO<sub>2</sub>, '
    "<i>in vitro</i>; p&lt;0.05.</AbstractText></Abstract>"
)
_RETRACTED = (
    '<PublicationTypeList><PublicationType UI="D016441">Retracted Publication</PublicationType>'
    "</PublicationTypeList>"
)
_NOTICE = (
    '<CommentsCorrectionsList><CommentsCorrections RefType="RetractionIn"><RefSource>J Inv Tr. 2020;1:1</RefSource>'
    "</CommentsCorrections></CommentsCorrectionsList>"
)
_OTHER = (
    '<OtherAbstract Type="plain-language-summary" Language="eng"><AbstractText>An invented summary.</AbstractText>'
    "</OtherAbstract>"
)

FORMS: dict[str, str] = {
    "99000001": _BOOK,
    "99000002": _closed(
        _article(99000002, "Invented, in process and without an abstract", status="In-Process")
    ),
    "99000003": _closed(_article(99000003, "", inside=_ABSTRACT)),
    "99000004": _closed(
        _article(
            99000004,
            "An invented trial of a season",
            inside=_ABSTRACT,
            dates="<PubDate><MedlineDate>2018 Dec-2019 Jan</MedlineDate></PubDate>",
        )
    ),
    "99000005": _closed(
        _article(
            99000005, "An invented trial of a group", inside=_ABSTRACT + _GROUP, after_article=_INVESTIGATORS
        )
    ),
    "99000006": _closed(_article(99000006, "An invented trial of H<sub>2</sub>O", inside=_MARKUP)),
    "99000007": _closed(
        _article(
            99000007,
            "An invented trial with references",
            inside=_ABSTRACT,
            ids='<ArticleId IdType="doi">10.5555/mine</ArticleId>',
        ),
        _REFERENCES,
    ),
    "99000008": _closed(
        _article(99000008, "An invented trial, retracted", inside=_ABSTRACT, after_language=_RETRACTED)
    ),
    "99000009": _closed(
        _article(99000009, "An invented trial with a notice", inside=_ABSTRACT, after_article=_NOTICE)
    ),
    "99000010": _closed(_article(99000010, "[An invented trial in another language].", after_article=_OTHER)),
}
"""XML by PMID: a book chapter; in process, without abstract and headings; an empty title; a MedlineDate; a
collective author; markup inside; ids of cited papers; retracted by type; retracted by notice; no abstract
but a plain-language summary."""


def records() -> list[Record]:
    """The records of `FORMS`, for the index of the server."""
    body = f"<PubmedArticleSet>{''.join(FORMS.values())}</PubmedArticleSet>".encode()
    return [item for item in parse_article_set(io.BytesIO(body)) if isinstance(item, Record)]
