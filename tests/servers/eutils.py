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
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from lxml import etree

from tests.servers import render
from tests.servers.faults import Answer
from tests.servers.loopback import Form
from tools.errors import SourceRefused
from tools.schemas import Record, SearchResult
from tools.search.query import FIELDS, And, Dates, Leaf, Not, Or, Query, QuerySyntaxError, Term, leaves, parse
from tools.search.query import render as spelt
from tools.search.sources.base import DateRange
from tools.search.sources.local import LocalSource

WALL = 9_999
Links: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]

_ROOTS = {
    "esearch": "eSearchResult",
    "efetch": "eFetchResult",
    "epost": "ePostResult",
    "esummary": "eSummaryResult",
    "elink": "eLinkResult",
}
UTILITIES = (*_ROOTS, "einfo")
_DROPPED = "dropped, cannot be evaluated in this corpus: "
_BEYOND = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed, ESearch can only "
    "retrieve the first 9,999 records matching the query."
)


class Eutils:
    """The service; `answer` is called from many threads.

    Args:
        records: with PMIDs, each once. `created` is their create date; without it no window of create
            or entry dates holds them.
        jats: folder of full texts named by PMC id, such as `PMC123.nxml.gz`.
        index: where to keep the search index for the next time; None throws it away at the end.
        links: what ELink knows, by link name and PMID, such as
            `{"pubmed_pubmed_citedin": {"1": ["2", "3"]}}`; `pubmed_pmc` follows from the records.
        forms: XML to send for a PMID in the place of what `render` makes of its record.
        wall: hits that ESearch lists of one search.
    """

    def __init__(
        self,
        records: Iterable[Record],
        *,
        jats: Path | None = None,
        index: Path | None = None,
        links: Links | None = None,
        forms: Mapping[str, str] | None = None,
        wall: int = WALL,
    ) -> None:
        self._records = {record.pmid: record for record in records if record.pmid}
        self._jats, self._links, self._forms = jats, dict(links or {}), dict(forms or {})
        self._days = {name: _by_day(self._records.values(), name) for name in ("crdt", "edat", "lr")}
        self._hidden: frozenset[str] = frozenset()
        self._wall = wall
        self._delegated: dict[tuple[Query, DateRange], SearchResult] = {}
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

    def hide(self, *pmids: str) -> None:
        """From now on searches do not find these records, and all others are found (again)."""
        self._hidden = frozenset(pmids)

    def utility(self, path: str) -> str | None:
        name = path.removeprefix("/entrez/eutils").removeprefix("/").removesuffix(".fcgi")
        return name if name in UTILITIES and path.endswith(".fcgi") else None

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer:
        if utility == "einfo":
            return Answer(render.einfo_xml(["pubmed", "pmc"]))
        params = params if isinstance(params, Form) else Form(tuple(params.items()))
        if params.get("db") not in ("pubmed", "pmc"):
            said = f"Invalid db name specified: {params.get('db', '')}"
            return self._error(utility, params, said)
        answers = {
            "esearch": self._esearch,
            "efetch": self._efetch,
            "epost": self._epost,
            "elink": self._elink,
            "esummary": self._esummary,
        }
        return answers[utility](params)

    # ESearch -------------------------------------------------------------------------------------

    def _esearch(self, params: Mapping[str, str]) -> Answer:
        term = params.get("term", "").strip()
        if not term:
            return self._error("esearch", params, "Empty term and query_key - nothing todo")
        start, size = int(params.get("retstart", 0)), min(int(params.get("retmax", 20)), 10_000)
        if start > self._wall - 1:
            return self._error("esearch", params, _BEYOND)
        found = self._find(term, _dates(params), params.get("sort"), params.get("WebEnv"))
        if params.get("rettype") == "count":
            return Answer(render.count_xml(found.count))
        web_env = query_key = ""
        if params.get("usehistory") == "y":
            web_env, query_key = self._keep(found.ids, params.get("WebEnv"))
        page = render.Found(
            count=len(found.ids),
            ids=found.ids[: self._wall][start : start + size],
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

    def _find(self, term: str, dates: _Days, sort: str | None, web_env: str | None) -> render.Found:
        """All hits of a term, in the order asked for."""
        nothing = [("OutputMessage", "No items found.")]
        try:
            query, unknown = _without_unknown_tags(parse(_spelt_for_us(term)))
        except QuerySyntaxError as e:
            warnings = [*nothing, ("OutputMessage", e.problem)]
            return render.Found(0, (), 0, term, [("PhraseNotFound", term)], warnings)
        errors = [("FieldNotFound", tag) for tag in unknown]
        within = dates.for_the_index
        notes: list[str] = []
        try:
            hits, translation = self._hits(query, within, web_env, notes)
        except SourceRefused as e:
            errors.append(("PhraseNotFound", term))
            return render.Found(0, (), 0, spelt(query), errors, [*nothing, ("OutputMessage", e.said)])
        if dates.field != "dp":
            hits &= self._between(dates.field, dates.start, dates.end)
        warnings = [
            ("PhraseIgnored", text.removeprefix(_DROPPED))
            if text.startswith(_DROPPED)
            else ("OutputMessage", text)
            for text in dict.fromkeys(notes)
        ]
        order = _newest if sort == "pub_date" else _latest_id
        ids = tuple(sorted(hits - self._hidden, key=lambda pmid: order(self._records[pmid])))
        translation += dates.shown
        return render.Found(len(ids), ids, 0, translation, errors, warnings if ids else [*warnings, *nothing])

    def _hits(
        self, node: Query, within: DateRange, web_env: str | None, notes: list[str]
    ) -> tuple[frozenset[str], str]:
        """PMIDs and translation. What the index cannot know (days, ranges of PMIDs, earlier searches) is
        worked out here; all the rest goes to the index in pieces as large as possible."""
        if not any(_is_ours(leaf) for leaf in leaves(node)):
            result = self._from_index(node, within)
            notes.extend(result.warnings)
            return frozenset(r.pmid for r in result.records if r.pmid), result.query_sent
        match node:
            case And(parts) | Or(parts):
                joint = And if isinstance(node, And) else Or
                plain = [part for part in parts if not any(_is_ours(leaf) for leaf in leaves(part))]
                others = [part for part in parts if part not in plain]
                asked = [joint(tuple(plain)) if len(plain) > 1 else plain[0]] if plain else []
                found = [self._hits(part, within, web_env, notes) for part in (*asked, *others)]
                sets = [hits for hits, _ in found]
                hits = frozenset.intersection(*sets) if joint is And else frozenset.union(*sets)
                word = " AND " if joint is And else " OR "
                return hits, f"({word.join(said for _, said in found)})"
            case Not(left, right):
                (kept, first), (gone, second) = (
                    self._hits(part, within, web_env, notes) for part in (left, right)
                )
                return kept - gone, f"({first} NOT {second})"
            case Dates(start, end, field):
                return self._between(field, start, end), spelt(node)
            case Term(text=text, field="served-history"):
                kept_ids = self._kept({"WebEnv": web_env or "", "query_key": text})
                if kept_ids is None:
                    raise SourceRefused("pubmed", f"#{text}", f"#{text} was not found", "")
                return frozenset(kept_ids), f"#{text}"
            case Term(text=text):
                low, high = (int(number) for number in text.split("-"))
                return frozenset(i for i in self._records if low <= int(i) <= high), f"{low}:{high}[uid]"

    def _between(self, field: str, start: str, end: str) -> frozenset[str]:
        days = self._days[field]
        first = bisect_left(days, (start.replace("/", "-"), ""))
        after = bisect_left(days, (end.replace("/", "-") + "~", ""))  # "~" sorts behind every digit and "-"
        return frozenset(pmid for _, pmid in days[first:after])

    def _from_index(self, query: Query, dates: DateRange) -> SearchResult:
        key = (query, dates)
        if key not in self._delegated:
            self._delegated[key] = self._searcher.submit(self._search, query, dates).result()
        return self._delegated[key]

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
            place = int(params.get("query_key") or "0")
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
        ids: Sequence[str] | None = _listed(params)
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
        wanted = [i for i in dict.fromkeys(ids) if i in self._records]
        return Answer(render.article_set([self._forms.get(i) or self._records[i] for i in wanted]))

    # ESummary and ELink --------------------------------------------------------------------------

    def _esummary(self, params: Mapping[str, str]) -> Answer:
        ids: Sequence[str] | None = _listed(params)
        if not ids and "WebEnv" in params:
            ids = self._kept(params)
        if not ids:
            return self._error("esummary", params, "Empty id list - nothing todo")
        start, size = int(params.get("retstart", 0)), int(params.get("retmax", 10_000))
        told = [(i, self._records.get(i)) for i in ids[start : start + size]]
        if params.get("retmode") == "json":
            return Answer(render.esummary_json(told), content_type="application/json; charset=UTF-8")
        return Answer(render.esummary_xml(told))

    def _elink(self, params: Mapping[str, str]) -> Answer:
        """Neighbours: one set for each `id` parameter, however many ids stand in it."""
        if params.get("cmd", "neighbor") != "neighbor":
            return self._error("elink", params, f"Invalid cmd parameter: {params['cmd']}")
        every = params.every("id") if isinstance(params, Form) else [params.get("id", "")]
        asked = [ids for text in every if (ids := _split(text))]
        if not asked:
            return self._error("elink", params, "Empty id list - nothing todo")
        to, name = params["db"], params.get("linkname")
        names = [name] if name else sorted({*self._links, "pubmed_pmc"})
        sets = [
            (ids, [(n, found) for n in names if n.split("_")[1] == to and (found := self._linked(n, ids))])
            for ids in asked
        ]
        if params.get("retmode") == "json":
            return Answer(render.elink_json(to, sets), content_type="application/json; charset=UTF-8")
        return Answer(render.elink_xml(to, sets))

    def _linked(self, name: str, ids: Sequence[str]) -> list[str]:
        if name == "pubmed_pmc":
            texts = [record.pmcid for i in ids if (record := self._records.get(i)) and record.pmcid]
            return [text.upper().removeprefix("PMC") for text in texts]
        known = self._links.get(name, {})
        return list(dict.fromkeys(other for i in ids for other in known.get(i, ())))

    # PMC -----------------------------------------------------------------------------------------

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
        return Answer(render.error_xml(_ROOTS[utility], said))


@dataclass(frozen=True)
class _Days:
    """Limits given as parameters and not in the term."""

    field: str = "dp"
    start: str = ""
    end: str = ""

    @property
    def for_the_index(self) -> DateRange:
        """What the index has to heed: it knows publication dates only."""
        given = self.field == "dp" and self.start
        return DateRange(start=self.start, end=self.end) if given else DateRange()

    @property
    def shown(self) -> str:
        """As PubMed shows them in its translation."""
        name = {"dp": "Publication", "edat": "Entry", "lr": "Modification", "crdt": "Create"}[self.field]
        days = f"{self.start}:{self.end}".replace("-", "/")
        return f" AND {days}[Date - {name}]" if self.start else ""


_DATE_TYPES = {"pdat": "dp", "edat": "edat", "mdat": "lr", "crdt": "crdt"}


def _dates(params: Mapping[str, str]) -> _Days:
    """NCBI heeds mindate and maxdate only together; reldate counts back from today."""
    field = _DATE_TYPES[params.get("datetype", "edat" if "reldate" in params else "pdat")]
    if "reldate" in params:
        today = datetime.now(UTC).date()
        return _Days(field, (today - timedelta(days=int(params["reldate"]))).isoformat(), today.isoformat())
    if "mindate" not in params or "maxdate" not in params:
        return _Days()
    start, end = (params[name].replace("/", "-") for name in ("mindate", "maxdate"))
    return _Days(field, start, end)


def _by_day(records: Iterable[Record], field: str) -> list[tuple[str, str]]:
    """(day, PMID) in order, of those that have the day."""
    days = ((_day(record, field), record.pmid or "") for record in records)
    return sorted((day, pmid) for day, pmid in days if day)


def _day(record: Record, field: str) -> str | None:
    """The entry date of what was added more than a year late is set back to its publication."""
    if field == "lr":
        return record.updated
    return render.entry_day(record) if field == "edat" else record.created


_UIDS = re.compile(r"(?<![\w/])(\d+)\s*:\s*(\d+)\s*\[(?:uid|pmid)\]", re.IGNORECASE)
_EARLIER = re.compile(r"(?<!\w)#(\d+)\b")


def _spelt_for_us(term: str) -> str:
    """Ranges of PMIDs and numbers of earlier searches as terms in fields of this server's own."""
    term = _UIDS.sub(r'"\1-\2"[served-uids]', term)
    return _EARLIER.sub(r'"\1"[served-history]', term)


def _is_ours(leaf: Leaf) -> bool:
    if isinstance(leaf, Dates):
        return leaf.field in ("crdt", "edat", "lr")
    return leaf.field in ("served-uids", "served-history")


def _listed(params: Mapping[str, str]) -> list[str]:
    every = params.every("id") if isinstance(params, Form) else [params.get("id", "")]
    return _split(",".join(every))


def _split(text: str) -> list[str]:
    return [i for i in re.split(r"[,\s]+", text) if i]


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
            case Term(text=text, field=field) if field and field not in FIELDS and not _is_ours(node):
                unknown.append(field)
                return Term(text, phrase=node.phrase, truncated=node.truncated)
            case Dates() | Term():
                return node

    return walk(query), unknown
