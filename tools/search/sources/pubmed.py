"""PubMed, live, through NCBI's E-utilities: every hit is either delivered or named as missing.

Source: NBK25499 (E-utilities Help); PubMed User Guide; PRISMA-S items 1, 8, 9, 13 and 14.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tools import eutils
from tools.errors import ConfigError, SourceRefused
from tools.exchange import Judgement, Reply
from tools.schemas import Record, SearchResult
from tools.search import query as queries
from tools.search.query import And, Dates, Query
from tools.search.sources.base import DateRange
from tools.transport import Transport

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["Page", "PubMedSource", "parse_esearch"]

WALL = 9_999
"""ESearch lists no more of PubMed than this, history server or not (NBK25499)."""

SORT = "pub_date"
"""Always said: without it the real order differs from the documented one."""

OK = Judgement(kind="ok")
_STRANGERS = "the history server gave records that were not in the answer to the search"

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


@dataclass
class _Delivery:
    """What has arrived so far."""

    records: dict[str, Record] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    history: bool = True
    """Whether the history server still knows our search."""


class PubMedSource:
    """PubMed as a `base.Source`.

    Args:
        transport: with a service named `eutils.SERVICE`.
        email: of the person responsible; NCBI wants it with every call (NBK25497).
        api_key: raises NCBI's limit from 3 calls a second to 10.
        tool: name of this program, for NCBI.
        batch_size: records per EFetch call.
        date_field: field tag that date limits refer to; for an update use `crdt`, because NCBI
            sets `edat` back for papers that are added late.
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
        batch_size: int = 200,
        date_field: Literal["dp", "edat", "crdt"] = "dp",
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        if "@" not in email:
            raise ConfigError(f"NCBI asks for an e-mail address with every call, not {email!r}; give one")
        if not 1 <= batch_size <= WALL:
            raise ConfigError(f"batch_size is {batch_size}; give 1 to {WALL}, such as 200")
        self._transport, self._batch_size = transport, batch_size
        self._date_field, self._progress = date_field, progress
        self._caller = eutils.Caller(email=email, api_key=api_key, tool=tool)

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """See `base.Source.search`. Asked again under the same `search_id` after a crash, it goes on
        where it stopped: what has arrived comes from the log."""
        sent = self._render(query, dates)
        page = self._find(sent, search_id)
        self._refuse_too_many(page.count, limit, sent)
        delivery = self._deliver(page, sent, search_id)
        missing = sorted(set(page.ids) - delivery.records.keys(), key=int)
        return SearchResult(
            source=self.name,
            query_sent=sent,
            count=page.count,
            translation=page.translation,
            warnings=(*page.warnings, *delivery.warnings),
            missing=tuple(missing),
            parameters={
                "database": "PubMed (MEDLINE and further citations), National Library of Medicine",
                "api": "NCBI E-utilities: ESearch with history, EFetch",
                "searched_at": page.at,
                "date_field": self._date_field if dates.start or dates.end else None,
                "date_start": dates.start,
                "date_end": dates.end,
                "sort": SORT,
                "batch_size": self._batch_size,
                "limit": limit,
            },
            records=tuple(delivery.records[i] for i in page.ids if i in delivery.records),
        )

    def _render(self, query: Query, dates: DateRange) -> str:
        """The strategy with its date limits inside, so that it can be pasted into PubMed as it is."""
        if not dates.start and not dates.end:
            return queries.render(query)
        start, end = dates.start or "1000-01-01", dates.end or "3000-12-31"
        try:
            limits = Dates(start.replace("-", "/"), end.replace("-", "/"), self._date_field)
        except ValueError as e:
            said = f"not a range of dates: {dates.start} to {dates.end}"
            raise SourceRefused(self.name, queries.render(query), said, "write dates as YYYY-MM-DD") from e
        return queries.render(And((query, limits)))

    def _find(self, sent: str, search_id: str) -> Page:
        """One ESearch for count and ids together: between two calls PubMed may have changed."""
        params = {"db": "pubmed", "term": sent, "usehistory": "y", "retstart": "0", "sort": SORT}
        try:
            reply = eutils.ask(
                self._transport,
                "esearch",
                caller=self._caller,
                event=search_id,
                params=params | {"retmax": str(WALL)},
                root="eSearchResult",
                look=_all_listed,
            )
        except SourceRefused as e:
            remedy = "correct the strategy with `edit` at the query gate, then run again"
            raise SourceRefused(self.name, sent, e.said, remedy) from e
        return parse_esearch(reply)

    def _refuse_too_many(self, count: int, limit: int, sent: str) -> None:
        if count > limit:
            remedy = f"narrow the strategy, or raise `limit` in review.yaml (to {count} or more)"
            raise SourceRefused(self.name, sent, f"{count} hits, more than the limit of {limit}", remedy)
        if count > WALL:
            said = f"{count} hits, and PubMed lists no more than {WALL} of one search"
            remedy = "narrow the strategy, or split it by date limits into several searches"
            raise SourceRefused(self.name, sent, said, remedy)

    def _deliver(self, page: Page, sent: str, search_id: str) -> _Delivery:
        delivery = _Delivery()
        for start in range(0, len(page.ids), self._batch_size):
            asked = page.ids[start : start + self._batch_size]
            try:
                reply = self._batch(page, start, asked, delivery, search_id)
            except SourceRefused as e:
                remedy = "run again; if it stays, choose another batch_size"
                raise SourceRefused(self.name, sent, e.said, remedy) from e
            _take(reply, frozenset(page.ids), delivery)
            self._progress(min(start + self._batch_size, len(page.ids)), len(page.ids))
        return delivery

    def _batch(
        self, page: Page, start: int, asked: tuple[str, ...], delivery: _Delivery, search_id: str
    ) -> Reply:
        """Some records by the history server, or by their ids once it has forgotten our search.

        Both ways ask the same question, so both have one key: a search that was resumed after
        its history expired replays as well as one that ran through.
        """
        question = {"db": "pubmed", "retmode": "xml", "id": ",".join(asked)}
        place = {"WebEnv": page.web_env, "query_key": page.query_key}
        window = {"retstart": str(start), "retmax": str(len(asked))}

        def fetch(params: dict[str, str], look: eutils.Look) -> Reply:
            return eutils.ask(
                self._transport,
                "efetch",
                caller=self._caller,
                event=search_id,
                params=params,
                stands_for=question,
                root="PubmedArticleSet",
                look=look,
            )

        if delivery.history and page.web_env and page.query_key:
            try:
                params = {"db": "pubmed", "retmode": "xml"} | place | window
                return fetch(params, lambda root: _look_at_set(root, asked, strangers=False))
            except SourceRefused as e:
                if not (eutils.history_expired(e.said) or e.said == _STRANGERS):
                    raise
                delivery.history = False
        return fetch(question, lambda root: _look_at_set(root, asked, strangers=True))


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


def _all_listed(root: etree._Element) -> Judgement:
    """An ESearch answer has a count, and lists as many ids as it counts, up to the wall."""
    count = root.findtext("Count", "")
    if not count.isdigit():
        return Judgement(kind="transient", said="an answer without a count")
    listed = len({element.text for element in root.iterfind("IdList/Id")})
    if listed < min(int(count), WALL):
        return Judgement(kind="transient", said=f"{count} hits declared, but {listed} ids listed")
    return OK


def _look_at_set(root: etree._Element, asked: tuple[str, ...], *, strangers: bool) -> Judgement:
    """An EFetch answer brings something, and, where `strangers` are not welcome, nothing else."""
    if len(root) == 0 and len(asked) > 1:
        return Judgement(kind="transient", said=f"none of {len(asked)} records came")
    if not strangers and not set(asked).issuperset(_pmids(root)):
        return Judgement(kind="permanent", said=_STRANGERS)
    return OK


def _pmids(root: etree._Element) -> Iterator[str]:
    for path in ("PubmedArticle/MedlineCitation/PMID", "PubmedBookArticle/BookDocument/PMID"):
        for element in root.iterfind(path):
            yield (element.text or "").strip()


def _take(reply: Reply, wanted: frozenset[str], delivery: _Delivery) -> None:
    """Add a batch. What cannot be a record stays among the missing, and is said aloud."""
    # Imported here so that commands that never meet XML start without lxml.
    from tools.search.pubmed_xml import Deleted, Unreadable, parse_article_set

    for item in parse_article_set(io.BytesIO(reply.body), name=PubMedSource.name):
        if isinstance(item, Deleted):
            delivery.warnings.append(f"PMID {item.pmid} was deleted from PubMed or merged into another")
        elif isinstance(item, Unreadable):
            who = f"PMID {item.pmid}" if item.pmid else f"article {item.position} of a batch"
            delivery.warnings.append(f"{who} could not be read: {item.reason}")
        elif item.pmid not in wanted:
            delivery.warnings.append(
                f"PMID {item.pmid} came without being asked for, perhaps in place of a missing one; "
                "it is not taken up: look at it by hand"
            )
        else:
            delivery.records.setdefault(item.pmid, item)
