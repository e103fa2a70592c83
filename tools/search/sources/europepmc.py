"""Europe PMC, live: PubMed's records, preprints, and what else it collects.

Source: Europe PMC, "Articles RESTful API" (https://europepmc.org/RestfulWebService), `search` with cursors.
Publication dates are FIRST_PDATE, the first day of publication in any form; creation dates are FIRST_IDATE,
the day on which Europe PMC first indexed the record (`Record.created`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tools.errors import ConfigError, SourceRefused, SourceUnavailable
from tools.exchange import Call, Judgement, Reply, Service
from tools.schemas import Hits, Record, SearchResult
from tools.search import query as queries
from tools.search.dialects import europepmc as dialect
from tools.search.dialects.base import Translated
from tools.search.dialects.headings import Thesaurus
from tools.search.europepmc_json import UnreadableResult, key_of, read_result
from tools.search.query import And, Dates, Query
from tools.search.sources.base import DateRange
from tools.search.sources.json_answers import decoded, judge_json
from tools.search.sources.rounds import Round, walk
from tools.transport import Transport

__all__ = ["BASE_URL", "GAP_S", "PAGE_SIZE", "SERVICE", "EuropePmcSource", "ask", "service"]

SERVICE = "europepmc"
BASE_URL = "https://www.ebi.ac.uk/europepmc/webservices/rest/"

GAP_S = 0.2
"""No limit is documented; this is what its well-behaved clients keep."""

MOST_PER_PAGE = 1000
PAGE_SIZE = 500
"""Full records have about 10 kB each, so a page stays far below the cap on a body."""

LONGEST_IN_URL = 1500
"""Longer strategies go to `searchPOST`, where no gateway cuts or refuses them."""


def service(base_url: str | None = None, *, gap_here: bool = False) -> Service:
    """The service for `Transport(services={SERVICE: …})`."""
    return Service(base_url=base_url or BASE_URL, gap_s=GAP_S, gap_here=gap_here)


def ask(
    transport: Transport,
    path: str,
    params: Mapping[str, str],
    *,
    event: str,
    email: str | None = None,
    wants: str,
    method: str = "GET",
) -> tuple[Mapping[str, Any], Reply]:
    """One call, judged.

    Args:
        wants: the key that a good answer has besides `hitCount`; it may be absent where nothing was found.

    Raises:
        SourceRefused, SourceUnavailable, ReplayMiss: see `Transport.exchange`.
    """
    sent = {**params, "format": "json", **({"email": email} if email else {})}
    call = Call(
        service=SERVICE,
        path=path,
        method="POST" if method == "POST" else "GET",
        params=tuple(sorted(sent.items())),
        event=event,
    )
    reply = transport.exchange(call, lambda reply: judge_json(reply, lambda document: _look(document, wants)))
    return decoded(reply), reply


def _look(document: Mapping[str, Any], wants: str) -> Judgement:
    """An error comes with status 200, and so does an envelope that holds nothing but a version."""
    if "errCode" in document or "errMsg" in document:
        said = f"{document.get('errMsg', '')} (error {document.get('errCode', '')})".strip()
        # Its own code: 4xx is about the question, everything else about the service.
        code = str(document.get("errCode", ""))
        return Judgement(kind="permanent" if code.startswith("4") else "transient", said=said)
    hits = document.get("hitCount")
    if not isinstance(hits, int) or isinstance(hits, bool):
        return Judgement(kind="transient", said=f"an answer without a number of hits: {sorted(document)}")
    found = document.get(wants)
    if hits and not isinstance(found, dict):
        return Judgement(kind="transient", said=f"{hits} hits, but no {wants}")
    return Judgement(kind="ok")


class EuropePmcSource:
    """Europe PMC as a `base.Source`.

    Args:
        transport: with a service named `SERVICE`.
        name: begins record ids: `<name>:<SRC>:<id>`, such as `europepmc:PPR:PPR123`.
        email: sent along where given; the service does not ask for one.
        synonym: let Europe PMC add synonyms of its own, as its website does. Off, so that what is searched
            is what the strategy says.
        thesaurus: to write out headings; see `dialects.europepmc`.
        page_size: records per call.
        progress: called with (records so far, all) after each page.

    Raises:
        ConfigError: no usable page size.
    """

    kind = "database"

    def __init__(
        self,
        transport: Transport,
        *,
        name: str = "europepmc",
        email: str | None = None,
        synonym: bool = False,
        thesaurus: Thesaurus | None = None,
        page_size: int = PAGE_SIZE,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        if not 1 <= page_size <= MOST_PER_PAGE:
            raise ConfigError(f"page_size is {page_size}; give 1 to {MOST_PER_PAGE}, such as {PAGE_SIZE}")
        self.name, self._transport, self._email = name, transport, email
        self._synonym, self._thesaurus, self._page_size = synonym, thesaurus, page_size
        self._progress = progress

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """See `base.Source.search`."""
        sent = self._translated(query, dates)
        first, _ = self._page(sent.text, "*", search_id, size=1, result="idlist", purpose="count")
        if first["hitCount"] > limit:
            raise SourceRefused(
                self.name,
                sent.text,
                f"{first['hitCount']:,} hits, more than the limit of {limit:,}; nothing was fetched",
                "narrow the strategy with `edit` at the query gate, or raise `limit` of this source in review.yaml",
            )
        found, notes = walk(
            self.name,
            lambda number: self._round(sent.text, search_id, number),
            lambda number: self._count_again(sent.text, search_id, number),
        )
        items = found.items
        unread = tuple(
            f"{key} could not be read: {item}" for key, item in items.items() if isinstance(item, str)
        )
        return SearchResult(
            source=self.name,
            query_sent=sent.text,
            count=len(items),
            translation=str(first.get("request", {}).get("internalQuery") or ""),
            warnings=(*_said(sent), *notes, *unread),
            missing=tuple(key for key, item in items.items() if isinstance(item, str)),
            parameters={
                "database": "Europe PMC (PubMed, PubMed Central, preprints, Agricola, patents and others)",
                "api": f"Europe PMC Articles RESTful API {first.get('version', '')}: search with cursorMark",
                "searched_at": found.at,
                "count_declared": found.declared,
                "synonym": self._synonym,
                "dropped": sent.dropped,
                "date_field": _date_field(dates) if dates.start or dates.end else None,
                "date_start": dates.start,
                "date_end": dates.end,
                "page_size": self._page_size,
                "limit": limit,
            },
            records=tuple(item for item in items.values() if isinstance(item, Record)),
        )

    def probe(self, query: Query, *, search_id: str, dates: DateRange, pmids: int = 0) -> Hits:
        """See `base.Source.probe`; one call.

        Raises:
            ValueError: more PMIDs than one page holds.
        """
        if not 0 <= pmids <= MOST_PER_PAGE:
            raise ValueError(f"pmids is {pmids}; Europe PMC lists 0 to {MOST_PER_PAGE} at a time")
        sent = self._translated(query, dates)
        page, _ = self._page(sent.text, "*", search_id, size=max(1, pmids), result="idlist", purpose="probe")
        listed = [str(r["pmid"]) for r in _results(page) if r.get("pmid")]
        return Hits(
            source=self.name,
            query_sent=sent.text,
            count=page["hitCount"],
            translation=str(page.get("request", {}).get("internalQuery") or ""),
            warnings=_said(sent),
            pmids=tuple(listed[:pmids]),
        )

    # Within ----------------------------------------------------------------------------------------

    def _translated(self, query: Query, dates: DateRange) -> Translated:
        limited = query
        if dates.start or dates.end:
            start, end = dates.start or "1000-01-01", dates.end or "3000-12-31"
            field = "crdt" if dates.of == "creation" else "dp"
            try:
                limits = Dates(start.replace("-", "/"), end.replace("-", "/"), field)
            except ValueError as e:
                said = f"not a range of dates: {dates.start} to {dates.end}"
                raise SourceRefused(
                    self.name, queries.render(query), said, "write dates as YYYY-MM-DD"
                ) from e
            limited = And((query, limits))
        if not dialect.translate(query, self._thesaurus).text:
            said = "no clause of this strategy has a form in Europe PMC"
            raise SourceRefused(
                self.name,
                queries.render(query),
                said,
                "add words for title and abstract with `edit` at the query gate",
            )
        return dialect.translate(limited, self._thesaurus)

    def _page(
        self, sent: str, cursor: str, event: str, *, size: int, result: str, purpose: str = ""
    ) -> tuple[Mapping[str, Any], Reply]:
        params = {
            "query": sent,
            "resultType": result,
            "pageSize": str(size),
            "cursorMark": cursor,
            "synonym": str(self._synonym).lower(),
        }
        long = len(sent) > LONGEST_IN_URL
        try:
            return ask(
                self._transport,
                "searchPOST" if long else "search",
                params,
                event=f"{event}/{purpose}" if purpose else event,
                email=self._email,
                wants="resultList",
                method="POST" if long else "GET",
            )
        except SourceRefused as e:
            remedy = "correct the strategy with `edit` at the query gate, then run again"
            raise SourceRefused(self.name, sent, e.said, remedy) from e

    def _count_again(self, sent: str, event: str, number: int) -> int:
        page, _ = self._page(sent, "*", event, size=1, result="idlist", purpose=f"count after {number}")
        return int(page["hitCount"])

    def _round(self, sent: str, event: str, number: int) -> Round[Record | str]:
        """All pages. The list ends where the next cursor is the one that was sent, or is absent."""
        cursor, items, repeats, live = "*", dict[str, Record | str](), 0, False
        declared, at, place = 0, "", 0
        purpose = f"round {number}" if number > 1 else ""
        while True:
            page, reply = self._page(
                sent, cursor, event, size=self._page_size, result="core", purpose=purpose
            )
            if not at:
                declared, at = int(page["hitCount"]), reply.at
            live = live or not reply.from_store
            results = _results(page)
            for result in results:
                place += 1
                key = key_of(result) or f"result {place}"
                repeats += key in items
                items.setdefault(key, _read(result, self.name))
            self._progress(len(items), declared)
            following = page.get("nextCursorMark")
            if not following or following == cursor or not results:
                return Round(declared, items, repeats, live, at)
            if len(items) > declared + self._page_size * 10:
                raise SourceUnavailable(
                    self.name, f"its list does not end: {len(items)} of {declared} hits came"
                )
            cursor = str(following)


def _results(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = page.get("resultList", {}).get("result", [])
    return [result for result in listed if isinstance(result, dict)]


def _read(result: Mapping[str, Any], name: str) -> Record | str:
    """The record, or why there is none."""
    try:
        return read_result(result, name=name)
    except UnreadableResult as e:
        return str(e)


def _said(sent: Translated) -> tuple[str, ...]:
    return (
        *(f"not searched for, it has no form in Europe PMC: {clause}" for clause in sent.dropped),
        *sent.notes,
    )


def _date_field(dates: DateRange) -> str:
    return "FIRST_IDATE" if dates.of == "creation" else "FIRST_PDATE"
