"""PubMed, live, through NCBI's E-utilities: every hit is either delivered or named as missing.

A search that PubMed would not list completely is divided into windows (`pubmed_windows`), and the records
come in batches (`pubmed_fetch`). Source: NBK25499 (E-utilities Help); PubMed User Guide; PRISMA-S items 1,
8, 9, 13 and 14.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from tools import eutils
from tools.errors import ConfigError, SourceRefused
from tools.exchange import Judgement, Reply
from tools.schemas import Hits, SearchResult
from tools.search import query as queries
from tools.search.query import And, Dates, Query
from tools.search.sources.base import DateRange
from tools.search.sources.pubmed_fetch import OK, Batch, Fetcher, Kept, batches
from tools.search.sources.pubmed_windows import WALL, Listing, Window, by_days, by_uids, divide
from tools.transport import Transport

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["BATCH_SIZE", "Page", "PubMedSource", "estimate", "parse_esearch"]

BATCH_SIZE = 500
"""Records per EFetch call, as in NCBI's own example (NBK25498, "Application 3")."""

SORT = "pub_date"
"""Always said: without it the real order differs from the documented one."""

BYTES_PER_RECORD = 8_000
"""Kept for one record: its XML, compressed, and the record read from it; 5.1 kB measured on real articles."""

_WARNINGS = {
    "PhraseNotFound": "PubMed does not know this phrase",
    "FieldNotFound": "PubMed does not know this field tag and searched all fields instead",
    "QuotedPhraseNotFound": "not in PubMed's phrase index, so the quotes were ignored",
    "PhraseIgnored": "PubMed ignored this",
    "OutputMessage": "PubMed says",
}
"""Children of ErrorList and WarningList. They come with hits as well, so they are no failure; but a
strategy that meets one is not the strategy that was meant, and a person should see it."""


@dataclass(frozen=True)
class Page:
    """One answer of ESearch."""

    count: int
    ids: tuple[str, ...]
    translation: str
    warnings: tuple[str, ...]
    web_env: str
    query_key: str
    at: str


@dataclass(frozen=True)
class _Round:
    """One complete listing of a search."""

    listing: Listing
    pages: Mapping[Window, Page]
    drift: str = ""
    """What PubMed's counts did meanwhile."""

    @property
    def told(self) -> list[dict[str, Any]]:
        """The windows with their counts and times, as PRISMA-S asks for."""
        return [
            {**window.told(), "count": len(ids), "searched_at": self.pages[window].at}
            for window, ids in self.listing.parts
        ]


class PubMedSource:
    """PubMed as a `base.Source`.

    Args:
        transport: with a service named `eutils.SERVICE`.
        email: of the person responsible; NCBI wants it with every call (NBK25497).
        api_key: raises NCBI's limit from 3 calls a second to 10.
        tool: name of this program, for NCBI.
        batch_size: records per EFetch call.
        parallel: EFetch calls at a time; their starts keep NCBI's rate.
        wall: hits that ESearch lists of one search.
        date_field: field tag that limits of publication dates refer to. Limits of creation dates always
            refer to `crdt`, because NCBI sets `edat` back for papers that are added late.
        progress: called with (records so far, all) after each batch.

    Raises:
        ConfigError: no usable e-mail address or batch size.
    """

    name = "pubmed"
    kind = "database"

    def __init__(
        self,
        transport: Transport,
        *,
        email: str,
        api_key: str | None = None,
        tool: str = "leads-agent",
        batch_size: int = BATCH_SIZE,
        parallel: int = 3,
        wall: int = WALL,
        date_field: Literal["dp", "edat", "crdt"] = "dp",
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        if "@" not in email:
            raise ConfigError(f"NCBI asks for an e-mail address with every call, not {email!r}; give one")
        if not 1 <= batch_size <= WALL:
            raise ConfigError(f"batch_size is {batch_size}; give 1 to {WALL}, such as {BATCH_SIZE}")
        self._transport, self._batch_size, self._parallel = transport, batch_size, parallel
        self._wall = wall
        self._date_field, self._progress = date_field, progress
        self._caller = eutils.Caller(email=email, api_key=api_key, tool=tool)

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """See `base.Source.search`. Asked again under the same `search_id` after a crash, it goes on
        where it stopped: what has arrived comes from the log."""
        sent = self._render(query, dates)
        page = self._page(sent, search_id)
        self._refuse_too_many(page.count, limit, sent)
        found = self._listed(sent, page, search_id)
        ids = found.listing.ids
        fetcher = Fetcher(self._transport, self._caller, search_id, self._parallel)
        try:
            delivery = fetcher.fetch(self._batches(found), self._progress)
        except SourceRefused as e:
            remedy = "run again; if it stays, set another `batch_size` for this source in review.yaml"
            raise SourceRefused(self.name, sent, e.said, remedy) from e
        warnings = (*page.warnings, *((found.drift,) if found.drift else ()), *delivery.warnings)
        return SearchResult(
            source=self.name,
            query_sent=sent,
            count=len(ids),
            translation=page.translation,
            warnings=warnings,
            missing=delivery.missing(ids),
            parameters={
                "database": "PubMed (MEDLINE and further citations), National Library of Medicine",
                "api": "NCBI E-utilities: ESearch with history, EFetch",
                "searched_at": page.at,
                "finished_at": delivery.last_at or page.at,
                "count_declared": page.count,
                "windows": found.told if len(found.listing.parts) > 1 else [],
                "date_field": self._field(dates) if dates.start or dates.end else None,
                "date_start": dates.start,
                "date_end": dates.end,
                "sort": SORT,
                "batch_size": self._batch_size,
                "limit": limit,
            },
            records=tuple(delivery.records[i] for i in ids if i in delivery.records),
        )

    def probe(self, query: Query, *, search_id: str, dates: DateRange, pmids: int = 0) -> Hits:
        """See `base.Source.probe`; one call of ESearch.

        Raises:
            ValueError: more PMIDs than PubMed lists of one search.
        """
        if not 0 <= pmids <= WALL:
            raise ValueError(f"pmids is {pmids}; PubMed lists 0 to {WALL}")
        sent = self._render(query, dates)
        page = parse_esearch(self._esearch(sent, search_id, size=pmids))
        return Hits(
            source=self.name,
            query_sent=sent,
            count=page.count,
            translation=page.translation,
            warnings=page.warnings,
            pmids=page.ids[:pmids],
        )

    # The strategy --------------------------------------------------------------------------------

    def _field(self, dates: DateRange) -> str:
        return "crdt" if dates.of == "creation" else self._date_field

    def _render(self, query: Query, dates: DateRange) -> str:
        """The strategy with its date limits inside, so that it can be pasted into PubMed as it is."""
        if not dates.start and not dates.end:
            return queries.render(query)
        start, end = dates.start or "1000-01-01", dates.end or "3000-12-31"
        try:
            limits = Dates(start.replace("-", "/"), end.replace("-", "/"), self._field(dates))
        except ValueError as e:
            said = f"not a range of dates: {dates.start} to {dates.end}"
            raise SourceRefused(self.name, queries.render(query), said, "write dates as YYYY-MM-DD") from e
        return queries.render(And((query, limits)))

    # Listing -------------------------------------------------------------------------------------

    def _page(self, sent: str, search_id: str) -> Page:
        """One ESearch for count and ids together: between two calls PubMed may have changed."""
        return parse_esearch(self._esearch(sent, search_id, size=self._wall, history=True))

    def _esearch(
        self, sent: str, search_id: str, *, size: int, history: bool = False, purpose: str = ""
    ) -> Reply:
        params = {"db": "pubmed", "term": sent, "retstart": "0", "sort": SORT, "retmax": str(size)}
        try:
            return eutils.ask(
                self._transport,
                "esearch",
                caller=self._caller,
                event=search_id,
                params=params | ({"usehistory": "y"} if history else {}),
                stands_for=params | {"purpose": purpose} if purpose else None,
                root="eSearchResult",
                look=lambda root: _all_listed(root, size),
            )
        except SourceRefused as e:
            remedy = "correct the strategy with `edit` at the query gate, then run again"
            raise SourceRefused(self.name, sent, e.said, remedy) from e

    def _refuse_too_many(self, count: int, limit: int, sent: str) -> None:
        if count <= limit:
            return
        room = math.ceil(count * 1.02 / 1000) * 1000 if count > 1000 else count
        told = estimate(count, self._batch_size, keyed=self._caller.api_key is not None)
        said = f"{count:,} hits, more than the limit of {limit:,}; nothing was fetched. All of them: {told}"
        remedy = (
            "narrow the strategy with `edit` at the query gate, or, if you want them all, write\n"
            f"      limit: {room}\n"
            f"    under the source `{self.name}` in review.yaml and run again"
        )
        raise SourceRefused(self.name, sent, said, remedy)

    def _listed(self, sent: str, page: Page, search_id: str) -> _Round:
        """All PMIDs of a search. The sum of its windows is PubMed's own count, or the search stops.

        Raises:
            SourceRefused: the parts hold more or fewer records than the whole.
        """
        whole = Window()
        if page.count <= self._wall:
            return _Round(Listing(((whole, page.ids),)), {whole: page})
        told = []
        for round_of in (self._by_days, self._by_uids):
            pages: dict[Window, Page] = {}
            windows = round_of(sent, page, pages, search_id)
            listing = Listing(tuple((window, pages[window].ids) for window in windows))
            got = len(listing.ids)
            purpose = f"count again after {round_of.__name__.removeprefix('_by_')}"
            after = parse_esearch(self._esearch(sent, search_id, size=0, purpose=purpose)).count
            # What PubMed added or took away while we listed lies between its two counts.
            if min(page.count, after) <= got <= max(page.count, after):
                drift = "" if got == page.count == after else _drifted(page.count, after, got)
                return _Round(listing, pages, drift)
            told.append(
                f"{got:,} in {len(listing.parts)} windows of {round_of.__name__.removeprefix('_by_')}"
            )
        raise SourceRefused(
            self.name,
            sent,
            f"PubMed counts {page.count:,} hits ({after:,} when asked again), but its parts hold "
            f"{' and '.join(told)}: at least {abs(page.count - got):,} records cannot be accounted for; "
            "nothing was fetched",
            "split the search by `from` and `to` into several sources, or change the strategy: a changed one "
            "is listed anew",
        )

    def _by_days(self, sent: str, page: Page, pages: dict[Window, Page], search_id: str) -> list[Window]:
        """Windows of create dates, and the records that have none by PMID."""
        dated = by_days(date.fromisoformat(page.at[:10]))
        count = self._asking(sent, pages, search_id)
        with_day = count(dated)
        windows = list(divide(dated, with_day, count, self._wall))
        if page.count > with_day:
            undated = Window(days=dated.days, outside=True)
            windows.extend(divide(undated, page.count - with_day, count, self._wall))
        return windows

    def _by_uids(self, sent: str, page: Page, pages: dict[Window, Page], search_id: str) -> list[Window]:
        """Windows of PMIDs."""
        return list(divide(by_uids(), page.count, self._asking(sent, pages, search_id), self._wall))

    def _asking(self, sent: str, pages: dict[Window, Page], search_id: str) -> Callable[[Window], int]:
        def count(window: Window) -> int:
            if window not in pages:
                pages[window] = self._page(window.of(sent), search_id)
            return pages[window].count

        return count

    def _batches(self, found: _Round) -> list[Batch]:
        parts = [
            (ids, Kept(found.pages[window].web_env, found.pages[window].query_key))
            for window, ids in found.listing.parts
        ]
        return list(batches(parts, self._batch_size))


def estimate(count: int, batch_size: int = BATCH_SIZE, *, keyed: bool = False) -> str:
    """What fetching so many records takes, in words."""
    calls = math.ceil(count / batch_size) + (2 * math.ceil(count / WALL) if count > WALL else 0)
    seconds = calls * eutils.GAP_S["keyed" if keyed else "anonymous"]
    time = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    size = count * BYTES_PER_RECORD / 1e6
    disk = f"{size:.0f} MB" if size < 1000 else f"{size / 1000:.1f} GB"
    return f"{calls:,} requests, at least {time} at NCBI's rate, and about {disk} of disk"


def parse_esearch(reply: Reply) -> Page:
    """Read an answer that `eutils.judge` has found good. Pure.

    Raises:
        ValueError: it was not good: no count in it. No count is not a count of zero.
    """
    from lxml import etree

    root = etree.fromstring(reply.body, eutils.xml_parser())
    warnings = [
        f"{meaning}: {' '.join((element.text or '').split())}"
        for kind, meaning in _WARNINGS.items()
        for element in root.iterfind(f"*/{kind}")
    ]
    return Page(
        count=int(root.findtext("Count", "")),
        ids=tuple((element.text or "").strip() for element in root.iterfind("IdList/Id")),
        translation=root.findtext("QueryTranslation", ""),
        warnings=tuple(warnings),
        web_env=root.findtext("WebEnv", ""),
        query_key=root.findtext("QueryKey", ""),
        at=reply.at,
    )


def _all_listed(root: etree._Element, size: int) -> Judgement:
    """An ESearch answer has a count, and lists as many ids as it counts, up to those asked for."""
    count = root.findtext("Count", "")
    if not count.isdigit():
        return Judgement(kind="transient", said="an answer without a count")
    listed = len({element.text for element in root.iterfind("IdList/Id")})
    if listed < min(int(count), size):
        return Judgement(kind="transient", said=f"{count} hits declared, but {listed} ids listed")
    return OK


def _drifted(before: int, after: int, got: int) -> str:
    return (
        f"PubMed changed while it was listed: {before:,} hits at first, {after:,} at the end; this search "
        f"stands for the {got:,} records that were listed"
    )
