"""A source around a source: keeps what a search brought, and gives it again.

For sources that do not go through the transport, such as files. A replay, or a resume on a machine
where the files are gone, finds the same records under the same search event.
"""

import json
from collections.abc import Callable
from typing import Any

from tools.errors import ReplayMiss, SourceRefused
from tools.exchange import ExchangeLog, found_here, key_of
from tools.schemas import Hits, SearchResult, canonical_json
from tools.search import query as queries
from tools.search.query import Query
from tools.search.sources.base import DateRange, Source

__all__ = ["Recorded"]


class Recorded:
    """The results of `source` by what was asked; without a source it serves what is kept."""

    def __init__(
        self, name: str, kind: str, source: Source | None, log: ExchangeLog, clock: Callable[[], str]
    ) -> None:
        self.name, self.kind = name, kind
        self.source, self.log, self.clock = source, log, clock

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """See `base.Source.search`.

        Raises:
            ReplayMiss: nothing is kept for this search, and there is no source to ask.
        """
        asked = {"query": queries.render(query), "dates": dates.model_dump(), "limit": limit}
        request = canonical_json({"service": self.name, "event": search_id, **asked})
        if (kept := self.log.find(key_of(request))) is not None:
            return SearchResult.model_validate_json(kept.body)
        if self.source is None:
            raise ReplayMiss(f"{self.name}: the review holds no search {search_id} for {asked['query']}")
        began = self.clock()
        found = self.source.search(query, search_id=search_id, dates=dates, limit=limit)
        at = self.clock()
        # As it will be read back: JSON knows no tuples, and a resumed run must not differ from the first.
        parameters = json.loads(canonical_json({**found.parameters, "searched_at": began, "finished_at": at}))
        result = found.model_copy(update={"parameters": parameters})
        body = canonical_json(result).encode()
        self.log.save(found_here(self.name, request, body, content_type="application/json", at=at))
        return result

    def probe(self, query: Query, *, search_id: str, dates: DateRange, pmids: int = 0) -> Hits:
        """See `base.Source.probe`. A refusal is kept as well: it is what the source said about the query.

        Raises:
            ReplayMiss: as in `search`.
        """
        asked = {"probe": queries.render(query), "dates": dates.model_dump(), "pmids": pmids}
        request = canonical_json({"service": self.name, "event": search_id, **asked})
        kept = self.log.find(key_of(request))
        if kept is not None:
            return _said(json.loads(kept.body))
        if self.source is None:
            raise ReplayMiss(f"{self.name}: the review holds no count {search_id} of {asked['probe']}")
        try:
            told: Any = self.source.probe(query, search_id=search_id, dates=dates, pmids=pmids).model_dump()
        except SourceRefused as e:
            told = {"refused": [e.source, e.query, e.said, e.remedy]}
        body = canonical_json(told).encode()
        self.log.save(found_here(self.name, request, body, content_type="application/json", at=self.clock()))
        return _said(json.loads(body))


def _said(told: Any) -> Hits:
    """A kept answer; a kept refusal is raised again."""
    if "refused" in told:
        raise SourceRefused(*told["refused"])
    return Hits.model_validate(told)
