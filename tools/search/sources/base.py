"""What every source of records can do. A new source is one file here and one line in the contract test."""

from typing import Literal, Protocol

from tools.schemas import Frozen, Hits, SearchResult
from tools.search.query import Query

__all__ = ["DateRange", "Source"]


class DateRange(Frozen):
    """Limits of a search, both ends included; ISO dates, or None for no limit."""

    start: str | None = None
    end: str | None = None
    of: Literal["publication", "creation"] = "publication"
    """Which date is meant. `creation` is the day on which the source first listed the record: updates
    search by it, because a paper can be added to a database long after its publication date."""


class Source(Protocol):
    """A place that answers a Boolean strategy with records."""

    name: str
    """As in review.yaml and in record ids: `<name>:<key>`."""

    kind: str
    """Its box in the PRISMA diagram: `database` or `register`, or of the other methods `website`, `organisation`,
    `citations` or `other`."""

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """Run the strategy and bring every hit, or say which ones did not come.

        Args:
            query: the strategy as a value; the source renders it in its own language.
            search_id: names this search event; a new event is a new exchange with the service.
            dates: limits of the search.
            limit: more hits than this are refused before anything is fetched.

        Raises:
            SourceRefused: the query cannot be run as it is, or has more hits than `limit`.
            SourceUnavailable: the service did not answer; no records is never the result of that.
        """
        ...

    def probe(self, query: Query, *, search_id: str, dates: DateRange, pmids: int = 0) -> Hits:
        """Count the hits of a query, and list the PMIDs of the first `pmids` of them; nothing is fetched.

        For grounding terms, counts per line, and asking which known studies a strategy finds. A source
        whose records have no PMIDs lists none.

        Raises:
            SourceRefused, SourceUnavailable: as in `search`.
        """
        ...
