"""Answers in NCBI's own forms: the same elements, the same order, the same DOCTYPE."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from tools.schemas import Correction, Record

PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>\n'
_DTD = "https://eutils.ncbi.nlm.nih.gov/eutils/dtd"
_ARTICLES = (
    '<?xml version="1.0" ?>\n'
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)
_FULL_TEXTS = (
    '<?xml version="1.0"  ?><!DOCTYPE pmc-articleset PUBLIC "-//NLM//DTD ARTICLE SET 2.0//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pmc/articleset/nlm-articleset-2.0.dtd">'
)
_LABELLED = re.compile(r"([A-Z][A-Z ,/&-]{1,60}): (.+)", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """A search as ESearch reports it. `errors` and `warnings` by NCBI's element names."""

    count: int
    ids: Sequence[str]
    start: int
    translation: str
    errors: Sequence[tuple[str, str]] = ()
    warnings: Sequence[tuple[str, str]] = ()
    web_env: str = ""
    query_key: str = ""


def esearch_xml(found: Found) -> bytes:
    history = f"<QueryKey>{found.query_key}</QueryKey><WebEnv>{found.web_env}</WebEnv>"
    ids = "".join(f"\n<Id>{i}</Id>" for i in found.ids)
    return (
        f'{PROLOG}<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN" '
        f'"{_DTD}/20060628/esearch.dtd">\n'
        f"<eSearchResult><Count>{found.count}</Count><RetMax>{len(found.ids)}</RetMax>"
        f"<RetStart>{found.start}</RetStart>{history if found.web_env else ''}"
        + (f"<IdList>{ids}\n</IdList>" if ids else "<IdList/>")
        + f"<TranslationSet/><QueryTranslation>{escape(found.translation)}</QueryTranslation>"
        + _complaints("ErrorList", found.errors)
        + _complaints("WarningList", found.warnings)
        + "</eSearchResult>\n"
    ).encode()


def _complaints(name: str, pairs: Sequence[tuple[str, str]]) -> str:
    inside = "".join(f"<{kind}>{escape(text)}</{kind}>" for kind, text in pairs)
    return f"<{name}>{inside}</{name}>" if inside else ""


def esearch_json(found: Found) -> bytes:
    result: dict[str, object] = {
        "count": str(found.count),
        "retmax": str(len(found.ids)),
        "retstart": str(found.start),
    }
    if found.web_env:
        result |= {"querykey": found.query_key, "webenv": found.web_env}
    result |= {"idlist": list(found.ids), "translationset": [], "querytranslation": found.translation}
    if found.errors:
        result["errorlist"] = {
            "phrasesnotfound": [text for kind, text in found.errors if kind == "PhraseNotFound"],
            "fieldsnotfound": [text for kind, text in found.errors if kind == "FieldNotFound"],
        }
    if found.warnings:
        result["warninglist"] = {
            "phrasesignored": [text for kind, text in found.warnings if kind == "PhraseIgnored"],
            "quotedphrasesnotfound": [t for kind, t in found.warnings if kind == "QuotedPhraseNotFound"],
            "outputmessages": [text for kind, text in found.warnings if kind == "OutputMessage"],
        }
    return json.dumps({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result}).encode()


def error_xml(root: str, text: str) -> bytes:
    return f"{PROLOG}<{root}>\n\t<ERROR>{escape(text)}</ERROR>\n</{root}>".encode()


def error_json(text: str) -> bytes:
    """NCBI does not escape line breaks here, so a strict JSON parser refuses the answer."""
    said = json.dumps(text).replace("\\n", "\n")
    return f'{{"header":{{"type":"esearch","version":"0.3"}},"esearchresult":{{"ERROR":{said}}}}}'.encode()


def epost_xml(web_env: str, query_key: str) -> bytes:
    return (
        f'{PROLOG}<!DOCTYPE ePostResult PUBLIC "-//NLM//DTD epost 20090526//EN" '
        f'"{_DTD}/20090526/epost.dtd"><ePostResult>\n'
        f"\t<QueryKey>{query_key}</QueryKey>\n\t<WebEnv>{web_env}</WebEnv>\n</ePostResult>\n"
    ).encode()


def einfo_xml(databases: Iterable[str]) -> bytes:
    names = "".join(f"\n\t<DbName>{name}</DbName>" for name in databases)
    return (
        f'{PROLOG}<!DOCTYPE eInfoResult PUBLIC "-//NLM//DTD einfo 20190110//EN" '
        f'"{_DTD}/20190110/einfo.dtd">\n<eInfoResult>\n<DbList>\n{names}\n</DbList>\n\n</eInfoResult>\n'
    ).encode()


def count_xml(count: int) -> bytes:
    """What ESearch says to `rettype=count`: neither ids nor a translation."""
    return (
        f'{PROLOG}<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN" '
        f'"{_DTD}/20060628/esearch.dtd">\n<eSearchResult>\n\t<Count>{count}</Count>\n</eSearchResult>\n'
    ).encode()


LinkSets = Sequence[tuple[Sequence[str], Sequence[tuple[str, Sequence[str]]]]]
"""For each asked-for set of ids: the names of its links and what they lead to."""


def elink_xml(to: str, sets: LinkSets) -> bytes:
    parts = []
    for ids, links in sets:
        asked = "".join(f"\n      <Id>{i}</Id>" for i in ids)
        found = ""
        for name, others in links:
            inside = "".join(f"\n      <Link>\n        <Id>{i}</Id>\n      </Link>" for i in others)
            found += f"\n    <LinkSetDb>\n      <DbTo>{to}</DbTo>\n      <LinkName>{name}</LinkName>{inside}"
            found += "\n    </LinkSetDb>"
        parts.append(
            f"  <LinkSet>\n    <DbFrom>pubmed</DbFrom>\n    <IdList>{asked}\n    </IdList>{found}\n  </LinkSet>\n"
        )
    return (
        f'{PROLOG}<!DOCTYPE eLinkResult PUBLIC "-//NLM//DTD elink 20101123//EN" '
        f'"{_DTD}/20101123/elink.dtd">\n<eLinkResult>\n{"".join(parts)}</eLinkResult>\n'
    ).encode()


def elink_json(to: str, sets: LinkSets) -> bytes:
    told: list[dict[str, object]] = []
    for ids, links in sets:
        one: dict[str, object] = {"dbfrom": "pubmed", "ids": list(ids)}
        if links:
            one["linksetdbs"] = [{"dbto": to, "linkname": name, "links": list(i)} for name, i in links]
        told.append(one)
    return json.dumps({"header": {"type": "elink", "version": "0.3"}, "linksets": told}).encode()


def esummary_xml(told: Iterable[tuple[str, Record | None]]) -> bytes:
    parts = []
    for i, record in told:
        if record is None:
            parts.append(f"<ERROR>UID={i}: cannot get document summary</ERROR>\n")
            continue
        people = [_item("Author", "String", name) for name in map(_short_name, record.authors)]
        ids = {"pubmed": i, "doi": record.doi, "pmc": record.pmcid}
        listed = [_item(kind, "String", value) for kind, value in ids.items() if value]
        parts.append(
            f"<DocSum>\n\t<Id>{i}</Id>\n"
            + _item("PubDate", "Date", str(record.year or ""))
            + _item("Source", "String", record.journal)
            + _item("AuthorList", "List", "", people)
            + _item("Title", "String", record.title)
            + _item("Volume", "String", record.volume)
            + _item("Issue", "String", record.issue)
            + _item("Pages", "String", record.pages)
            + _item("ArticleIds", "List", "", listed)
            + _item("HasAbstract", "Integer", "1" if record.abstract else "0")
            + "</DocSum>\n"
        )
    return (
        f'{PROLOG}<!DOCTYPE eSummaryResult PUBLIC "-//NLM//DTD esummary v1 20041029//EN" '
        f'"{_DTD}/20041029/esummary-v1.dtd">\n<eSummaryResult>\n{"".join(parts)}\n</eSummaryResult>\n'
    ).encode()


def _item(name: str, kind: str, text: str, inside: Sequence[str] = ()) -> str:
    return f'\t<Item Name="{name}" Type="{kind}">{escape(text)}{"".join(inside)}</Item>\n'


def _short_name(name: str) -> str:
    last, comma, rest = name.partition(", ")
    return f"{last} {''.join(word[0] for word in rest.split())}" if comma else name


def esummary_json(told: Iterable[tuple[str, Record | None]]) -> bytes:
    result: dict[str, object] = {"uids": []}
    uids: list[str] = []
    for i, record in told:
        uids.append(i)
        if record is None:
            result[i] = {"uid": i, "error": "cannot get document summary"}
            continue
        ids = {"pubmed": i, "doi": record.doi, "pmc": record.pmcid}
        result[i] = {
            "uid": i,
            "pubdate": str(record.year or ""),
            "source": record.journal,
            "authors": [
                {"name": _short_name(n), "authtype": "Author", "clusterid": ""} for n in record.authors
            ],
            "title": record.title,
            "volume": record.volume,
            "issue": record.issue,
            "pages": record.pages,
            "pubtype": list(record.publication_types),
            "articleids": [{"idtype": kind, "value": value} for kind, value in ids.items() if value],
            "attributes": ["Has Abstract"] if record.abstract else [],
        }
    result["uids"] = uids
    return json.dumps({"header": {"type": "esummary", "version": "0.3"}, "result": result}).encode()


def pmc_articleset(articles: Iterable[bytes]) -> bytes:
    inside = b"".join(articles)
    return _FULL_TEXTS.encode() + b"<pmc-articleset>" + inside + b"</pmc-articleset>\n"


def entry_day(record: Record) -> str | None:
    """The entry date [edat]: that of creation, but of what came more than a year late its publication's."""
    if record.created and record.year and int(record.created[:4]) > record.year + 1:
        return f"{record.year}-01-01"
    return record.created


def article_set(articles: Iterable[Record | str]) -> bytes:
    """A PubmedArticleSet that is valid against NLM's DTD; what is XML already goes in as it is."""
    inside = "\n".join(one if isinstance(one, str) else _article(one) for one in articles)
    return f"{_ARTICLES}<PubmedArticleSet>\n{inside}\n</PubmedArticleSet>".encode()


def _article(record: Record) -> str:
    citation = _element("PMID", record.pmid or "", Version="1") + _date("DateRevised", record.updated)
    citation += _body(record)
    citation += "<MedlineJournalInfo>" + _element("MedlineTA", record.journal) + "</MedlineJournalInfo>"
    citation += _list("CommentsCorrectionsList", [_correction(one) for one in _corrections(record)])
    headings = [
        f"<MeshHeading>{_element('DescriptorName', name, UI='', MajorTopicYN='N')}</MeshHeading>"
        for name in record.mesh
    ]
    citation += _list("MeshHeadingList", headings)
    keywords = [_element("Keyword", keyword, MajorTopicYN="N") for keyword in record.keywords]
    citation += _list("KeywordList", keywords, Owner="NOTNLM")
    status = "MEDLINE" if record.mesh else "PubMed-not-MEDLINE"
    return (
        f'<PubmedArticle><MedlineCitation Status="{status}" Owner="NLM">{citation}</MedlineCitation>'
        f"<PubmedData>{_history(record)}<PublicationStatus>ppublish</PublicationStatus>{_ids(record)}"
        "</PubmedData></PubmedArticle>"
    )


def _corrections(record: Record) -> Sequence[Correction]:
    """Those of the record; a retraction that shows nowhere else gets a line."""
    signs = {one.kind for one in record.corrections} | set(record.publication_types)
    if record.retracted and not signs & {"RetractionIn", "Retracted Publication"}:
        return (*record.corrections, Correction(kind="RetractionIn", citation="not known"))
    return record.corrections


def _correction(one: Correction) -> str:
    inside = _element("RefSource", one.citation) + (
        _element("PMID", one.pmid, Version="1") if one.pmid else ""
    )
    return f"<CommentsCorrections RefType={quoteattr(one.kind)}>{inside}</CommentsCorrections>"


def _history(record: Record) -> str:
    """`entrez` is PubMed's create date, `pubmed` its entry date."""
    days = {"entrez": record.created, "pubmed": entry_day(record)}
    parts = [_date("PubMedPubDate", day, PubStatus=status) for status, day in days.items() if day]
    return _list("History", parts)


def _date(name: str, day: str | None, **attributes: str) -> str:
    if not day:
        return ""
    year, month, number = day.split("-")
    inside = _element("Year", year) + _element("Month", month) + _element("Day", number)
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{given}>{inside}</{name}>"


def _body(record: Record) -> str:
    """The Article element; what a record lacks is an empty element where the DTD wants one."""
    year = _element("Year", str(record.year)) if record.year else "<MedlineDate></MedlineDate>"
    issue = _element("Volume", record.volume) if record.volume else ""
    issue += _element("Issue", record.issue) if record.issue else ""
    issn = _element("ISSN", record.issn, IssnType="Print") if record.issn else ""
    journal = (
        f'<Journal>{issn}<JournalIssue CitedMedium="Print">{issue}<PubDate>{year}</PubDate></JournalIssue>'
        f"{_element('Title', record.journal) if record.journal else ''}</Journal>"
    )
    pages = f"<Pagination>{_element('MedlinePgn', record.pages)}</Pagination>"
    doi = _element("ELocationID", record.doi, EIdType="doi", ValidYN="Y") if record.doi else ""
    languages = record.language.split("; ") if record.language else [""]
    types = [_element("PublicationType", kind, UI="") for kind in record.publication_types or ("",)]
    vernacular = _element("VernacularTitle", record.vernacular_title) if record.vernacular_title else ""
    return (
        f'<Article PubModel="Print">{journal}{_element("ArticleTitle", record.title)}{pages}{doi}'
        f"{_abstract(record.abstract)}{_authors(record.authors)}"
        f"{''.join(_element('Language', language) for language in languages)}"
        f"{_registrations(record.registry_ids)}{_list('PublicationTypeList', types)}{vernacular}</Article>"
    )


def _abstract(abstract: str) -> str:
    parts = []
    for line in filter(None, abstract.split("\n")):
        match = _LABELLED.fullmatch(line)
        parts.append(
            _element("AbstractText", match[2], Label=match[1], NlmCategory="UNASSIGNED")
            if match
            else _element("AbstractText", line)
        )
    return _list("Abstract", parts)


def _authors(names: Sequence[str]) -> str:
    parts = []
    for name in names:
        last, comma, rest = name.partition(", ")
        first, _, suffix = rest.partition(", ")
        inside = _element("LastName", last) + _element("ForeName", first)
        inside += _element("Suffix", suffix) if suffix else ""
        parts.append(f'<Author ValidYN="Y">{inside if comma else _element("CollectiveName", name)}</Author>')
    return _list("AuthorList", parts, CompleteYN="Y")


def _registrations(numbers: Sequence[str]) -> str:
    banks = [
        f"<DataBank>{_element('DataBankName', 'ClinicalTrials.gov' if n.startswith('NCT') else 'ISRCTN')}"
        f"<AccessionNumberList>{_element('AccessionNumber', n)}</AccessionNumberList></DataBank>"
        for n in numbers
    ]
    return _list("DataBankList", banks, CompleteYN="Y")


def _ids(record: Record) -> str:
    known: Mapping[str, str | None] = {"pubmed": record.pmid, "doi": record.doi, "pmc": record.pmcid}
    return _list("ArticleIdList", [_element("ArticleId", v, IdType=k) for k, v in known.items() if v])


def _element(name: str, text: str, **attributes: str) -> str:
    inside = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{inside}>{escape(text)}</{name}>"


def _list(name: str, parts: Sequence[str], **attributes: str) -> str:
    inside = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{inside}>{''.join(parts)}</{name}>" if parts else ""
