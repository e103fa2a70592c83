"""E-utilities over records of ours: real answers to real questions, in NCBI's forms.

ESearch evaluates the term over the records with our own query language; what that cannot
evaluate is reported the way PubMed reports such things, in ErrorList and WarningList.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lxml import etree

from tests.servers import render
from tests.servers.faults import Answer
from tools.errors import SourceRefused
from tools.schemas import Record, SearchResult
from tools.search.query import FIELDS, And, Dates, Not, Or, Query, QuerySyntaxError, Term, parse
from tools.search.query import render as spelt
from tools.search.sources.base import DateRange
from tools.search.sources.local import LocalSource

WALL = 9_999
UTILITIES = ("esearch", "efetch", "epost", "einfo")
_DROPPED = "dropped, cannot be evaluated in this corpus: "
_BEYOND = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed, ESearch can only "
    "retrieve the first 9,999 records matching the query."
)


class Eutils:
    """The service; `answer` is called from many threads.

    Args:
        records: with PMIDs, each once.
        jats: folder of full texts named by PMC id, such as `PMC123.nxml.gz`.
        index: where to keep the search index for the next time; None throws it away at the end.
    """

    def __init__(
        self, records: Iterable[Record], *, jats: Path | None = None, index: Path | None = None
    ) -> None:
        self._records = {record.pmid: record for record in records if record.pmid}
        self._jats = jats
        self._history: dict[str, list[tuple[str, ...]]] = {}
        self._lock = threading.Lock()
        self._opened = 0
        self._index = index
        self._folder = tempfile.TemporaryDirectory(prefix="eutils-")
        # One thread owns the index: a connection to SQLite belongs to the thread that made it.
        self._searcher = ThreadPoolExecutor(max_workers=1)
        self._source = self._searcher.submit(self._open_index).result()

    def close(self) -> None:
        self._searcher.submit(self._source.close).result()
        self._searcher.shutdown()
        self._folder.cleanup()

    def forget(self) -> None:
        """Lose all searches of the history server."""
        with self._lock:
            self._history.clear()

    def utility(self, path: str) -> str | None:
        name = path.removeprefix("/entrez/eutils").removeprefix("/").removesuffix(".fcgi")
        return name if name in UTILITIES and path.endswith(".fcgi") else None

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer:
        if utility == "einfo":
            return Answer(render.einfo_xml(["pubmed", "pmc"]))
        if params.get("db") not in ("pubmed", "pmc"):
            said = f"Invalid db name specified: {params.get('db', '')}"
            return self._error(utility, params, said)
        answers = {"esearch": self._esearch, "efetch": self._efetch, "epost": self._epost}
        return answers[utility](params)

    # ESearch -------------------------------------------------------------------------------------

    def _esearch(self, params: Mapping[str, str]) -> Answer:
        term = params.get("term", "").strip()
        if not term:
            return self._error("esearch", params, "Empty term and query_key - nothing todo")
        start, size = int(params.get("retstart", 0)), min(int(params.get("retmax", 20)), 10_000)
        if start > WALL - 1:
            return self._error("esearch", params, _BEYOND)
        dates = _dates(params)
        found = self._find(term, dates, params.get("sort"))
        web_env = query_key = ""
        if params.get("usehistory") == "y":
            web_env, query_key = self._keep(found.ids, params.get("WebEnv"))
        page = render.Found(
            count=len(found.ids),
            ids=found.ids[:WALL][start : start + size],
            start=start,
            translation=found.translation,
            errors=found.errors,
            warnings=found.warnings,
            web_env=web_env,
            query_key=query_key,
        )
        if params.get("retmode") == "json":
            return Answer(render.esearch_json(page), content_type="application/json; charset=UTF-8")
        return Answer(render.esearch_xml(page))

    def _find(self, term: str, dates: DateRange, sort: str | None) -> render.Found:
        """All hits of a term, in the order asked for."""
        nothing = [("OutputMessage", "No items found.")]
        try:
            query, unknown = _without_unknown_tags(parse(term))
        except QuerySyntaxError as e:
            warnings = [*nothing, ("OutputMessage", e.problem)]
            return render.Found(0, (), 0, term, [("PhraseNotFound", term)], warnings)
        errors = [("FieldNotFound", tag) for tag in unknown]
        try:
            result = self._searcher.submit(self._search, query, dates).result()
        except SourceRefused as e:
            errors.append(("PhraseNotFound", term))
            return render.Found(0, (), 0, spelt(query), errors, [*nothing, ("OutputMessage", e.said)])
        warnings = [
            ("PhraseIgnored", text.removeprefix(_DROPPED))
            if text.startswith(_DROPPED)
            else ("OutputMessage", text)
            for text in result.warnings
        ]
        records = sorted(result.records, key=_newest if sort == "pub_date" else _latest_id)
        ids = tuple(record.pmid for record in records if record.pmid)
        translation = result.query_sent + _shown(dates)
        return render.Found(len(ids), ids, 0, translation, errors, warnings if ids else [*warnings, *nothing])

    def _search(self, query: Query, dates: DateRange) -> SearchResult:
        return self._source.search(query, search_id="", dates=dates, limit=len(self._records))

    def _open_index(self) -> LocalSource:
        path = self._index or Path(self._folder.name) / "index.sqlite"
        return LocalSource("served", tuple(self._records.values()), path)

    # History -------------------------------------------------------------------------------------

    def _keep(self, ids: Sequence[str], web_env: str | None = None) -> tuple[str, str]:
        with self._lock:
            if web_env not in self._history:
                self._opened += 1
                web_env = f"MCID_{hashlib.sha256(str(self._opened).encode()).hexdigest()[:24]}"
            assert web_env is not None
            searches = self._history.setdefault(web_env, [])
            searches.append(tuple(ids))
            return web_env, str(len(searches))

    def _kept(self, params: Mapping[str, str]) -> Sequence[str] | None:
        with self._lock:
            searches = self._history.get(params["WebEnv"], [])
            place = int(params.get("query_key", "0"))
            return searches[place - 1] if 1 <= place <= len(searches) else None

    def _epost(self, params: Mapping[str, str]) -> Answer:
        ids = [i for i in re.split(r"[,\s]+", params.get("id", "")) if i.isdigit()]
        if not ids:
            return self._error("epost", params, "Empty ID list; Nothing to store")
        return Answer(render.epost_xml(*self._keep(ids, params.get("WebEnv"))))

    # EFetch --------------------------------------------------------------------------------------

    def _efetch(self, params: Mapping[str, str]) -> Answer:
        if params["db"] == "pmc":
            return self._full_texts(params)
        ids: Sequence[str] | None = [i for i in re.split(r"[,\s]+", params.get("id", "")) if i]
        if not ids and "WebEnv" in params:
            ids = self._kept(params)
            if ids is None:
                return self._error("efetch", params, "WebEnv not found")
            start, size = int(params.get("retstart", 0)), min(int(params.get("retmax", 20)), 10_000)
            ids = ids[start : start + size]
        if not ids:
            return self._error("efetch", params, "Empty id list - nothing todo")
        form = params.get("rettype") or "xml"
        if form == "uilist":
            return Answer("".join(f"{i}\n" for i in ids).encode(), content_type="text/plain; charset=UTF-8")
        if form not in ("xml", "full", "abstract") or params.get("retmode", "xml") != "xml":
            return Answer(b"")  # an unsupported form is an empty answer with status 200
        wanted = dict.fromkeys(ids)
        return Answer(render.article_set(self._records[i] for i in wanted if i in self._records))

    def _full_texts(self, params: Mapping[str, str]) -> Answer:
        parts = []
        for name in re.split(r"[,\s]+", params.get("id", "")):
            number = re.sub(r"\D", "", name)
            article = self._article(number)
            said = f"The following PMCID is not available: {number}"
            parts.append(article or f'<error id="{number}">{said}</error>'.encode())
        return Answer(render.pmc_articleset(parts))

    def _article(self, number: str) -> bytes | None:
        """The article element of a file, without its DOCTYPE."""
        for ending in (".nxml.gz", ".xml.gz", ".nxml", ".xml"):
            path = self._jats / f"PMC{number}{ending}" if self._jats else None
            if path is not None and path.is_file():
                body = gzip.decompress(path.read_bytes()) if ending.endswith(".gz") else path.read_bytes()
                parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
                return etree.tostring(etree.fromstring(body, parser), encoding="us-ascii")
        return None

    def _error(self, utility: str, params: Mapping[str, str], said: str) -> Answer:
        if utility == "esearch" and params.get("retmode") == "json":
            return Answer(render.error_json(said), content_type="application/json; charset=UTF-8")
        root = {"esearch": "eSearchResult", "efetch": "eFetchResult", "epost": "ePostResult"}[utility]
        return Answer(render.error_xml(root, said))


def _dates(params: Mapping[str, str]) -> DateRange:
    """NCBI heeds mindate and maxdate only together."""
    if "mindate" not in params or "maxdate" not in params:
        return DateRange()
    start, end = (params[name].replace("/", "-") for name in ("mindate", "maxdate"))
    return DateRange(start=start, end=end)


def _shown(dates: DateRange) -> str:
    if not dates.start or not dates.end:
        return ""
    return f" AND {dates.start}:{dates.end}[Date - Publication]".replace("-", "/", 4)


def _newest(record: Record) -> tuple[int, int]:
    return -(record.year or 0), -int(record.pmid or 0)


def _latest_id(record: Record) -> int:
    return -int(record.pmid or 0)


def _without_unknown_tags(query: Query) -> tuple[Query, list[str]]:
    """PubMed drops a tag that it does not know, and searches all fields for the word."""
    unknown: list[str] = []

    def walk(node: Query) -> Query:
        match node:
            case And(parts):
                return And(tuple(map(walk, parts)))
            case Or(parts):
                return Or(tuple(map(walk, parts)))
            case Not(left, right):
                return Not(walk(left), walk(right))
            case Term(text=text, field=field) if field and field not in FIELDS:
                unknown.append(field)
                return Term(text, phrase=node.phrase, truncated=node.truncated)
            case Dates() | Term():
                return node

    return walk(query), unknown
