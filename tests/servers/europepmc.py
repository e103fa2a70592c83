"""Europe PMC's web service over records of ours: search with cursors, citations, references."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tests.servers.expressions import (
    BadExpression,
    Test,
    Texts,
    has_near,
    has_phrase,
    has_word_like,
    in_range,
    parse,
    words,
)
from tests.servers.faults import Answer, Behaviour, Forgetful
from tools.schemas import Record, sha256_of

VERSION = "6.9"
_TEXT_FIELDS = {
    "TITLE",
    "ABSTRACT",
    "TITLE_ABS",
    "KW",
    "AUTH",
    "AUTH_FIRST",
    "AUTH_LAST",
    "AFF",
    "JOURNAL",
    "CHEM",
}
_TEXT_FIELDS |= {"GRANT_ID", "VOLUME", "ISSUE", "ISBN", "INVESTIGATOR", "PUB_TYPE", "ACCESSION_ID"}
_EXACT_FIELDS = {"EXT_ID", "SRC", "PMCID", "DOI", "LANG", "HAS_ABSTRACT"}
_DATE_FIELDS = {"FIRST_PDATE", "FIRST_IDATE", "E_PDATE", "P_PDATE", "UPDATE_DATE"}
_LEAF = re.compile(r'(?:([A-Z_0-9]+):)?(?:"([^"]*)"(?:~(\d+))?|\[(\S+) TO (\S+)\]|((?:\\.|[^\s()"\[\]:])+))')


def key_of(record: Record) -> str:
    """`<SRC>:<id>`: as the record's id says after its name, else MED and the PMID."""
    found = re.fullmatch(r"[^:]+:([A-Z]{2,3}:\S+)", record.record_id)
    return found[1] if found else f"MED:{record.pmid}"


class EuropePmc:
    """The service.

    Args:
        records: each with a PMID, or with an id such as `europepmc:PPR:PPR7`.
        cites: key to the keys in its reference list, such as `{"MED:1": ["MED:2", "PPR:PPR7"]}`; a key that no
            record has is a reference that Europe PMC could not match.
        forms: JSON to send for a key in the place of what is made of its record.
        jats: folder of full texts named by PMCID: these are open access.
    """

    def __init__(
        self,
        records: Iterable[Record],
        *,
        cites: Mapping[str, Sequence[str]] | None = None,
        forms: Mapping[str, Mapping[str, Any]] | None = None,
        jats: Path | None = None,
    ) -> None:
        self._records = {key_of(record): record for record in records}
        self._jats = jats
        self._results = {
            key: dict((forms or {}).get(key) or core(record)) for key, record in self._records.items()
        }
        self._texts = {key: _texts(record, self._results[key]) for key, record in self._records.items()}
        self._cites = {key: tuple(keys) for key, keys in (cites or {}).items()}
        self._cursors: dict[str, int] = {}
        self._lock = threading.Lock()
        self._hidden: frozenset[str] = frozenset()

    def forget(self) -> None:
        """Lose all cursors; asked with one, it begins from the start."""
        with self._lock:
            self._cursors.clear()

    def hide(self, *keys: str) -> None:
        """From now on nothing finds these records, and all others are found (again)."""
        self._hidden = frozenset(keys)

    def utility(self, path: str) -> str | None:
        name = path.strip("/")
        if name in ("search", "searchPOST"):
            return name
        if text := re.fullmatch(r"(PMC\d+)/fullTextXML", name):
            return f"fullTextXML/{text[1]}"
        found = re.fullmatch(r"([A-Z]{2,3})/([^/]+)/(citations|references)", name)
        return f"{found[3]}/{found[1]}:{found[2]}" if found else None

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer:
        if utility.startswith("fullTextXML/"):
            return self._text(utility.partition("/")[2])
        if params.get("format") != "json":
            return Answer(b'<?xml version="1.0"?><responseWrapper/>', content_type="application/xml")
        name, _, key = utility.partition("/")
        try:
            size = int(params.get("pageSize", "25"))
        except ValueError:
            size = 0
        if not 1 <= size <= 1000:
            return error("Invalid page size provided. Valid size is between 1 and 1000")
        if name in ("citations", "references"):
            return self._linked(name, key, size, int(params.get("page", "1")))
        return self._search(params, size)

    def _text(self, pmcid: str) -> Answer:
        """The article of a PMCID out of the folder; 404 with an empty body where there is none."""
        for path in sorted(self._jats.glob(f"{pmcid}.*")) if self._jats else ():
            data = path.read_bytes()
            body = gzip.decompress(data) if path.suffix == ".gz" else data
            return Answer(body, content_type="application/xml;charset=UTF-8")
        return Answer(b"", 404, "application/xml")

    # Search ----------------------------------------------------------------------------------------

    def _search(self, params: Mapping[str, str], size: int) -> Answer:
        sort = params.get("sort", "")
        if sort and not re.fullmatch(r"(P_PDATE_D|CITED|AUTH_FIRST|PUB_YEAR) (asc|desc)", sort):
            return _json({"version": VERSION})  # as the real one does: no error, and no hits either
        query = params.get("query", "").strip()
        if not query:
            return error("No query provided")
        try:
            wanted = parse(query, _read_leaf)
        except BadExpression as e:
            return error(f"Invalid query: {e}")
        keys = [key for key, texts in self._texts.items() if key not in self._hidden and wanted(texts)]
        mark = params.get("cursorMark", "*")
        start = 0 if mark == "*" else self._cursors.get(mark, 0)
        page = keys[start : start + size]
        following = self._cursor(query, start + len(page)) if len(page) == size else mark
        if len(keys) == 1:
            following = ""  # a single hit comes without a cursor
        synonym = params.get("synonym", "false") == "true"
        told = {
            "queryString": query,
            "internalQuery": query,
            "resultType": params.get("resultType", "lite").upper(),
            "cursorMark": mark.replace("*", "%2A"),
            "pageSize": size,
            "sort": sort,
            "synonym": synonym,
        }
        results = [_cut(self._results[key], params.get("resultType", "lite")) for key in page]
        document: dict[str, Any] = {"version": VERSION, "hitCount": len(keys)}
        if following:
            document |= {"nextCursorMark": following}
        return _json(document | {"request": told, "resultList": {"result": results}})

    def _cursor(self, query: str, position: int) -> str:
        mark = f"AoE{sha256_of([query, position])[:12]}=="
        with self._lock:
            self._cursors[mark] = position
        return mark

    # Links -----------------------------------------------------------------------------------------

    def _linked(self, name: str, key: str, size: int, page: int) -> Answer:
        if name == "references":
            keys: Sequence[str] = self._cites.get(key, ())
        else:
            keys = [other for other, cited in self._cites.items() if key in cited and other in self._records]
        part = keys[(page - 1) * size : page * size]
        source, _, id_ = key.partition(":")
        items = [self._link(other, place) for place, other in enumerate(part, start=1 + (page - 1) * size)]
        document: dict[str, Any] = {"version": VERSION, "hitCount": len(keys)}
        document["request"] = {"id": id_, "source": source, "offSet": (page - 1) * size, "pageSize": size}
        if keys:
            outer, inner = (
                ("referenceList", "reference") if name == "references" else ("citationList", "citation")
            )
            document[outer] = {inner: items}
        return _json(document)

    def _link(self, key: str, place: int) -> dict[str, Any]:
        record = self._records.get(key)
        if record is None:
            return {"title": f"An unmatched reference, {key}", "citedOrder": place, "match": "N"}
        source, _, id_ = key.partition(":")
        told = {"id": id_, "source": source, "citationType": "journal article", "title": record.title}
        return told | {"pubYear": record.year, "citedOrder": place, "match": "Y"}


def core(record: Record) -> dict[str, Any]:
    """What the service says about a record, `resultType=core`."""
    source, _, id_ = key_of(record).partition(":")
    year = record.year or 2000
    result: dict[str, Any] = {"id": id_, "source": source, "title": escape(record.title, quote=False)}
    if record.pmid:
        result["pmid"] = record.pmid
    if record.pmcid:
        result["pmcid"] = record.pmcid
    if record.doi:
        result["doi"] = record.doi.upper()  # letter case differs from source to source
    authors = [_author(author) for author in record.authors]
    if authors:
        result["authorList"] = {"author": authors}
    if record.journal:
        result["journalInfo"] = {
            "issue": record.issue,
            "volume": record.volume,
            "yearOfPublication": year,
            "journal": {"title": record.journal, "issn": record.issn},
        }
    if record.abstract:
        result["abstractText"] = _marked(record.abstract)
    result |= {"pubYear": str(year), "pageInfo": record.pages, "language": record.language}
    result["pubTypeList"] = {"pubType": [kind for kind in record.publication_types if kind != "Preprint"]}
    if source == "PPR":
        result["pubTypeList"]["pubType"].append("Preprint")
    result["meshHeadingList"] = {"meshHeading": [{"descriptorName": name} for name in record.mesh]}
    result["keywordList"] = {"keyword": list(record.keywords)}
    result["firstPublicationDate"] = f"{year:04}-06-15"
    result["firstIndexDate"] = record.created or f"{year:04}-07-01"
    return result


def _author(author: str) -> dict[str, str]:
    last, comma, first = author.partition(", ")
    return {"lastName": last, "firstName": first} if comma else {"collectiveName": author}


def _marked(abstract: str) -> str:
    """With a heading where a line begins with a label; `<` stays as it is, as it does there."""
    return "".join(
        re.sub(r"^([A-Z][A-Z ]+): ", lambda m: f"<h4>{m[1].capitalize()}</h4>", line) + "\n"
        for line in abstract.splitlines()
    ).strip()


def _cut(result: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    if kind == "core":
        return result
    if kind == "idlist":
        return {name: result[name] for name in ("id", "source", "pmid") if name in result}
    left_out = ("abstractText", "authorList", "journalInfo", "meshHeadingList", "keywordList", "pubTypeList")
    return {name: value for name, value in result.items() if name not in left_out}


# Evaluating ----------------------------------------------------------------------------------------


def _texts(record: Record, result: Mapping[str, Any]) -> Texts:
    source, _, id_ = key_of(record).partition(":")
    return {
        "TITLE": words(record.title),
        "ABSTRACT": words(record.abstract),
        "TITLE_ABS": words(record.title) + "| " + words(record.abstract),
        "KW": " | ".join(words(word) for word in (*record.mesh, *record.keywords)),
        "AUTH": " | ".join(words(author) for author in record.authors),
        "JOURNAL": words(record.journal),
        "PUB_TYPE": " | ".join(words(kind) for kind in record.publication_types),
        "ACCESSION_ID": " | ".join(words(number) for number in record.registry_ids),
        "EXT_ID": id_.lower(),
        "SRC": source.lower(),
        "PMCID": (record.pmcid or "").lower(),
        "DOI": (record.doi or "").lower(),
        "LANG": record.language.lower(),
        "HAS_ABSTRACT": "y" if record.abstract else "n",
        "FIRST_PDATE": str(result.get("firstPublicationDate", "")),
        "FIRST_IDATE": str(result.get("firstIndexDate", "")),
        "UPDATE_DATE": record.updated or "",
    }


def _read_leaf(text: str, position: int) -> tuple[Test, int] | None:
    found = _LEAF.match(text, position)
    if not found:
        return None
    field, phrase, slop, start, end, word = found.groups()
    return _test(field or "TITLE_ABS", phrase, slop, start, end, word), found.end()


def _test(
    field: str, phrase: str | None, slop: str | None, start: str | None, end: str | None, word: str | None
) -> Test:
    if start is not None and end is not None:
        if field not in _DATE_FIELDS:
            raise BadExpression(f"no range in field {field}")
        return in_range(field, start, end)
    if field in _EXACT_FIELDS:
        value = (phrase if phrase is not None else word or "").lower()
        return lambda texts: texts.get(field, "") == value
    if field not in _TEXT_FIELDS:
        raise BadExpression(f"unknown field {field}")
    if word is not None:
        return has_word_like(field, word.replace("\\", ""))
    assert phrase is not None
    if "*" in phrase:
        raise BadExpression("a wildcard inside a phrase")
    return has_near(field, phrase, int(slop)) if slop else has_phrase(field, phrase)


# Misbehaviour --------------------------------------------------------------------------------------


def _json(document: Mapping[str, Any]) -> Answer:
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(body, content_type="application/json;charset=UTF-8")


def error(said: str, code: int = 404) -> Answer:
    """An error as the service has them: with status 200."""
    return _json({"version": VERSION, "errCode": code, "errMsg": said})


def error_body(said: str, code: int = 404) -> Behaviour:
    """It refuses, or (`code=500`) breaks down, and says so with status 200."""
    return lambda params, healthy, service: error(said, code)


def version_only() -> Behaviour:
    """An envelope without a word about hits."""
    return lambda params, healthy, service: _json({"version": VERSION})


def _changed(change: Callable[[dict[str, Any], Mapping[str, str]], dict[str, Any]]) -> Behaviour:
    def behave(params: Mapping[str, str], healthy: Callable[[], Answer], service: Forgetful) -> Answer:
        return _json(change(json.loads(healthy().body), params))

    return behave


def repeated_cursor() -> Behaviour:
    """The list ends too soon: the next cursor is the one that was sent."""
    return _changed(lambda page, params: page | {"nextCursorMark": params.get("cursorMark", "*")})


def count_of(hits: int) -> Behaviour:
    """The number of hits is another than before."""
    return _changed(lambda page, params: page | {"hitCount": hits})
