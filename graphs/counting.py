"""How many hits a query has, asked of one source of the review, each query once."""

from collections.abc import Callable, Mapping, Sequence

from tools.errors import SourceRefused
from tools.schemas import Hits, Record, sha256_of
from tools.search import query as queries
from tools.search.query import And, Or, Query, Term
from tools.search.sources.base import DateRange, Source

__all__ = ["Counter"]

EVERYTHING = DateRange()


class Counter:
    """Counts queries in one source, each once, and remembers what the source said about them."""

    def __init__(
        self,
        source: Source | None,
        event: str = "query",
        *,
        live: bool = False,
        progress: Callable[[str, int, int], None] = lambda label, done, total: None,
    ) -> None:
        """
        Args:
            source: where to count; None counts nothing.
            event: names these counts among the exchanges of a review.
            live: a database that is complete in its field, so that a term without hits in it is junk. In a
                corpus of a few thousand records it is not.
            progress: told (what, done, total).
        """
        self.source, self.event, self.live, self.progress = source, event, live, progress
        self.said: dict[str, None] = {}
        self._known: dict[tuple[Query, int], Hits | None] = {}

    @property
    def name(self) -> str:
        """The source's name; empty without one."""
        return "" if self.source is None else self.source.name

    def hits(self, query: Query, pmids: int = 0) -> Hits | None:
        """What the source says; None where it cannot evaluate the query at all.

        Raises:
            SourceUnavailable: it does not answer.
        """
        if self.source is None:
            return None
        key = (query, pmids)
        if key not in self._known:
            try:
                found = self.source.probe(query, search_id=self.event, dates=EVERYTHING, pmids=pmids)
            except SourceRefused as e:
                self.said[f"{self.name} cannot count {queries.render(query)[:80]}: {e.said}"] = None
                self._known[key] = None
            else:
                self._known[key] = found
                if self.live:
                    self.said.update(dict.fromkeys(found.warnings))
        return self._known[key]

    def count(self, query: Query) -> int | None:
        """Number of hits; None where it cannot be counted."""
        found = self.hits(query)
        return None if found is None else found.count

    def counts(self, what: str, nodes: Sequence[Query]) -> list[int | None]:
        """`count` of each, with progress told."""
        counted = []
        for done, node in enumerate(nodes, start=1):
            counted.append(self.count(node))
            self.progress(what, done, len(nodes))
        return counted

    def among(self, query: Query, pmids: Sequence[str]) -> frozenset[str] | None:
        """Which of these records the query finds; None where the source cannot tell."""
        found = self.hits(And((query, _these(pmids))), pmids=len(pmids))
        return None if found is None else frozenset(found.pmids)

    def records(self, pmids: Sequence[str]) -> Mapping[str, Record] | None:
        """The records of these PMIDs as far as the source holds them; None where it cannot be asked for them."""
        if not pmids:
            return {}
        wanted = _these(pmids)
        held = self.count(wanted)
        if self.source is None or held is None:
            return None
        if not held:
            return {}
        event = f"{self.event}/{sha256_of(list(pmids))[:8]}"
        result = self.source.search(wanted, search_id=event, dates=EVERYTHING, limit=max(1000, len(pmids)))
        return {record.pmid: record for record in result.records if record.pmid}


def _these(pmids: Sequence[str]) -> Query:
    terms = tuple(Term(pmid, "uid") for pmid in pmids)
    return terms[0] if len(terms) == 1 else Or(terms)
