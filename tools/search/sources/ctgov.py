"""ClinicalTrials.gov, live, through its API v2.

Source: https://clinicaltrials.gov/data-api/api (version 2.0.5), `/studies`, `/studies/{nctId}`, `/version`.

Limits of dates, of publication and of creation alike, are about the day on which the registry first posted
the study (`StudyFirstPostDate`): that is when an entry is published. Dates inside a strategy are about
articles and are dropped (see `dialects.ctgov`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tools.errors import ConfigError, SourceRefused, SourceUnavailable
from tools.exchange import Call, Judgement, Reply, Service
from tools.schemas import Hits, Record, SearchResult
from tools.search import query as queries
from tools.search.ctgov_json import UnreadableStudy, nct_of, read_study
from tools.search.dialects import ctgov as dialect
from tools.search.dialects.base import Translated
from tools.search.dialects.headings import Thesaurus
from tools.search.query import Query
from tools.search.sources.base import DateRange
from tools.search.sources.json_answers import Look, decoded, judge_json
from tools.search.sources.rounds import Expired, Round, walk
from tools.transport import Transport

__all__ = ["BASE_URL", "GAP_S", "PAGE_SIZE", "SERVICE", "CtgovSource", "service"]

SERVICE = "ctgov"
BASE_URL = "https://clinicaltrials.gov/api/v2/"

GAP_S = 1.0
"""No limit is documented; its robots.txt asks for a second between calls."""

MOST_PER_PAGE = 1000
"""The registry silently makes a larger page this one."""

PAGE_SIZE = 200

FIELDS = "protocolSection|derivedSection|hasResults"
"""Posted results are large, and a record holds none of them."""

SORT = "StudyFirstPostDate:asc"
"""Always said, since the registry promises no order by itself; it sorts by dates and numbers only."""


def service(base_url: str | None = None, *, gap_here: bool = False) -> Service:
    """The service for `Transport(services={SERVICE: …})`."""
    return Service(base_url=base_url or BASE_URL, gap_s=GAP_S, gap_here=gap_here)


class CtgovSource:
    """ClinicalTrials.gov as a `base.Source`; its records have no PMIDs.

    Args:
        transport: with a service named `SERVICE`.
        name: begins record ids: `<name>:NCT01234567`.
        thesaurus: for the entry terms of headings; see `dialects.ctgov`.
        page_size: studies per call.
        progress: called with (studies so far, all) after each page.

    Raises:
        ConfigError: no usable page size.
    """

    kind = "register"

    def __init__(
        self,
        transport: Transport,
        *,
        name: str = "ctgov",
        thesaurus: Thesaurus | None = None,
        page_size: int = PAGE_SIZE,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        if not 1 <= page_size <= MOST_PER_PAGE:
            raise ConfigError(f"page_size is {page_size}; give 1 to {MOST_PER_PAGE}, such as {PAGE_SIZE}")
        self.name, self._transport, self._thesaurus = name, transport, thesaurus
        self._page_size, self._progress = page_size, progress

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """See `base.Source.search`."""
        sent, asked = self._translated(query), self._asked(query, dates)
        hits = self._count(asked, sent.text, search_id, "count")
        if hits > limit:
            raise SourceRefused(
                self.name,
                _shown(asked),
                f"{hits:,} hits, more than the limit of {limit:,}; nothing was fetched",
                "narrow the strategy with `edit` at the query gate, or raise `limit` of this source in review.yaml",
            )
        version = self._version(search_id)
        found, notes = walk(
            self.name,
            lambda number: self._round(asked, sent.text, search_id, number),
            lambda number: self._count(asked, sent.text, search_id, f"count after {number}"),
        )
        items = found.items
        unread = tuple(
            f"{key} could not be read: {item}" for key, item in items.items() if isinstance(item, str)
        )
        return SearchResult(
            source=self.name,
            query_sent=_shown(asked),
            count=len(items),
            warnings=(*_said(sent), *notes, *unread),
            missing=tuple(key for key, item in items.items() if isinstance(item, str)),
            parameters={
                "database": "ClinicalTrials.gov, National Library of Medicine",
                "api": f"ClinicalTrials.gov API {version.get('apiVersion', '')}: studies",
                "data_timestamp": version.get("dataTimestamp"),
                "searched_at": found.at,
                "count_declared": found.declared,
                "expansion": "the registry's own (synonyms of words and phrases)",
                "dropped": sent.dropped,
                "date_field": "StudyFirstPostDate" if dates.start or dates.end else None,
                "date_start": dates.start,
                "date_end": dates.end,
                "sort": SORT,
                "page_size": self._page_size,
                "limit": limit,
            },
            records=tuple(item for item in items.values() if isinstance(item, Record)),
        )

    def probe(self, query: Query, *, search_id: str, dates: DateRange, pmids: int = 0) -> Hits:
        """See `base.Source.probe`; one call, and never a PMID."""
        sent, asked = self._translated(query), self._asked(query, dates)
        count = self._count(asked, sent.text, search_id, "probe")
        return Hits(source=self.name, query_sent=_shown(asked), count=count, warnings=_said(sent))

    def study(self, nct_id: str, *, search_id: str) -> Record:
        """One study by its number; a former number leads to the study that took its place.

        Raises:
            SourceRefused: there is no such study, or this is no number of a study.
            SourceUnavailable: as in `search`.
        """
        if not re.fullmatch(r"NCT\d{8}", nct_id):
            raise SourceRefused(self.name, nct_id, "not an NCT number", "write it as NCT01234567")
        call = Call(service=SERVICE, path=f"studies/{nct_id}", params=(("format", "json"),), event=search_id)
        reply = self._transport.exchange(call, lambda reply: judge_json(reply, _look_at_study))
        return read_study(decoded(reply), name=self.name)

    # Within ----------------------------------------------------------------------------------------

    def _translated(self, query: Query) -> Translated:
        sent = dialect.translate(query, self._thesaurus)
        if not sent.text:
            raise SourceRefused(
                self.name,
                queries.render(query),
                "no clause of this strategy can be asked of a registry",
                "add words for population or intervention with `edit` at the query gate",
            )
        return sent

    def _asked(self, query: Query, dates: DateRange) -> dict[str, str]:
        asked = {"query.term": self._translated(query).text}
        if dates.start or dates.end:
            days = [dates.start or "MIN", dates.end or "MAX"]
            if dates.start and dates.end and dates.start > dates.end:
                said = f"not a range of dates: {dates.start} to {dates.end}"
                raise SourceRefused(self.name, asked["query.term"], said, "write dates as YYYY-MM-DD")
            asked["filter.advanced"] = f"AREA[StudyFirstPostDate]RANGE[{days[0]},{days[1]}]"
        return asked

    def _get(
        self, path: str, params: Mapping[str, str], event: str, look: Look
    ) -> tuple[Mapping[str, Any], Reply]:
        call = Call(service=SERVICE, path=path, params=tuple(sorted(params.items())), event=event)
        reply = self._transport.exchange(call, lambda reply: judge_json(reply, look))
        return decoded(reply), reply

    def _version(self, event: str) -> Mapping[str, Any]:
        return self._get("version", {}, event, _look_at_version)[0]

    def _count(self, asked: Mapping[str, str], sent: str, event: str, purpose: str) -> int:
        params = {**asked, "countTotal": "true", "pageSize": "1", "fields": "NCTId", "format": "json"}
        try:
            page, _ = self._get("studies", params, f"{event}/{purpose}", _look_at_first_page)
        except SourceRefused as e:
            raise self._refused(sent, e) from e
        return int(page["totalCount"])

    def _refused(self, sent: str, e: SourceRefused) -> SourceRefused:
        remedy = "correct the strategy with `edit` at the query gate, then run again"
        return SourceRefused(self.name, sent, e.said, remedy)

    def _round(self, asked: Mapping[str, str], sent: str, event: str, number: int) -> Round[Record | str]:
        """All pages. The total stands on the first only; the last has no token for a next one."""
        params = {**asked, "pageSize": str(self._page_size), "sort": SORT, "fields": FIELDS, "format": "json"}
        event = event if number == 1 else f"{event}/round {number}"
        items, repeats, live = dict[str, Record | str](), 0, False
        declared, at, place, token = 0, "", 0, ""
        seen: set[str] = set()
        while True:
            turn = {"pageToken": token} if token else {"countTotal": "true"}
            look = _look_at_page if token else _look_at_first_page
            try:
                page, reply = self._get("studies", {**params, **turn}, event, look)
            except SourceRefused as e:
                if token:  # the same question was fine a page ago: it is about the token
                    raise Expired(e.said, live=live) from e
                raise self._refused(sent, e) from e
            if not token:
                declared, at = int(page["totalCount"]), reply.at
            live = live or not reply.from_store
            for study in page["studies"]:
                place += 1
                key = nct_of(study) or f"study {place}"
                repeats += key in items
                items.setdefault(key, _read(study, self.name))
            self._progress(len(items), declared)
            token = str(page.get("nextPageToken") or "")
            if not token:
                return Round(declared, items, repeats, live, at)
            if token in seen:
                raise SourceUnavailable(
                    self.name, f"its list does not end: {len(items)} of {declared} hits came"
                )
            seen.add(token)


def _look_at_page(document: Mapping[str, Any]) -> Judgement:
    if isinstance(document.get("studies"), list):
        return Judgement(kind="ok")
    return Judgement(kind="transient", said=f"an answer without studies: {sorted(document)}")


def _look_at_first_page(document: Mapping[str, Any]) -> Judgement:
    total = document.get("totalCount")
    if not isinstance(total, int) or isinstance(total, bool):
        return Judgement(kind="transient", said=f"an answer without a total: {sorted(document)}")
    return _look_at_page(document)


def _look_at_study(document: Mapping[str, Any]) -> Judgement:
    if nct_of(document):
        return Judgement(kind="ok")
    return Judgement(kind="transient", said=f"no study: {sorted(document)}")


def _look_at_version(document: Mapping[str, Any]) -> Judgement:
    if document.get("dataTimestamp"):
        return Judgement(kind="ok")
    return Judgement(kind="transient", said=f"no version: {sorted(document)}")


def _read(study: Mapping[str, Any], name: str) -> Record | str:
    """The record, or why there is none."""
    try:
        return read_study(study, name=name)
    except UnreadableStudy as e:
        return str(e)


def _shown(asked: Mapping[str, str]) -> str:
    """What was asked, as it can be pasted into the registry's API or its search form."""
    return " AND ".join(asked[name] for name in ("query.term", "filter.advanced") if name in asked)


def _said(sent: Translated) -> tuple[str, ...]:
    return (
        *(f"not searched for, a registry cannot express it: {clause}" for clause in sent.dropped),
        *sent.notes,
    )
