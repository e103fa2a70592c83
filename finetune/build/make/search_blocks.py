"""Which terms make a block, and which blocks a strategy: what each finds is asked of the index, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from finetune.build.make.search_evidence import Evidence
from finetune.build.make.search_terms import (
    Element,
    candidates,
    covers,
    origin_of,
    own_terms,
    text_words_of,
)
from model.baseline.query_headings import Lookup
from model.tasks.query import MAX_SPOKEN
from tools.schemas import Block, Frozen
from tools.search.building import block_query, blocks_query
from tools.search.query import And, Or, Query, Term, parse
from tools.search.sources.base import DateRange
from tools.search.sources.local import LocalSource

__all__ = ["Index", "Made", "Settings", "made_block", "required", "strategy"]

EVERYTHING = DateRange()


class Settings(Frozen):
    """What a strategy must do to be taught."""

    least_recall: float = Field(
        default=0.8, ge=0, le=1, description="Of the included records in the index, seeds aside."
    )
    most_share: float = Field(default=0.1, gt=0, le=1, description="Of the index that it may retrieve.")
    fewest: int = Field(default=2, ge=1, description="Included records in the index, seeds aside.")
    cheap_share: float = Field(
        default=0.1,
        ge=0,
        description="Hits that a term may bring that finds no further included record, as a share of its block's.",
    )
    most_terms: int = Field(default=MAX_SPOKEN, ge=1, le=MAX_SPOKEN, description="Of a block.")
    seeds: int = Field(default=2, ge=0, description="Known studies in the question, where some are given.")
    with_revision: float = Field(
        default=0.5, ge=0, le=1, description="Share of reviews that are also asked to revise a first draft."
    )
    with_seeds: float = Field(default=0.33, ge=0, le=1, description="Share of reviews that are given some.")


class Index:
    """A searchable set of records, each found by an id of its own."""

    def __init__(self, source: LocalSource, size: int, field: Literal["uid", "si"] = "uid") -> None:
        """
        Args:
            source: the records.
            size: how many they are.
            field: `uid` where the ids are PMIDs, `si` where they are registry numbers.
        """
        self.source, self.size, self.field = source, size, field

    def count(self, query: Query) -> int:
        """Hits in the whole index."""
        return self.source.probe(query, search_id="build", dates=EVERYTHING).count

    def found(self, query: Query, ids: Iterable[str]) -> frozenset[str]:
        """Those of these ids that a strategy retrieves."""
        wanted = frozenset(ids)
        return self._hits(And((query, self._any(wanted)))) & wanted if wanted else wanted

    def held(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of these ids that the index holds."""
        wanted = frozenset(ids)
        return self._hits(self._any(wanted)) & wanted if wanted else wanted

    def _any(self, ids: frozenset[str]) -> Query:
        named = tuple(Term(number, self.field) for number in sorted(ids))
        return named[0] if len(named) == 1 else Or(named)

    def _hits(self, query: Query) -> frozenset[str]:
        return frozenset(self._ids(query))

    def _ids(self, query: Query) -> Iterator[str]:
        result = self.source.search(query, search_id="build", dates=EVERYTHING, limit=self.size)
        for record in result.records:
            if self.field == "si":
                yield from record.registry_ids
            elif record.pmid:
                yield record.pmid


class Made(NamedTuple):
    """A block, what it finds of what it should, and where its terms come from."""

    element: Element
    block: Block
    finds: frozenset[str]
    origins: Counter[str]
    stray: int
    """Candidates that came from nowhere, and were left out."""


class _Tried(NamedTuple):
    """A candidate term, and what it does alone."""

    text: str
    finds: frozenset[str]
    hits: int
    own: bool
    """It is the question's."""


def made_block(
    element: Element,
    evidence: Evidence,
    index: Index,
    wanted: frozenset[str],
    lookup: Lookup,
    settings: Settings,
) -> Made | None:
    """The block of one element; None where none of its terms finds an included record.

    Args:
        wanted: ids of the included records, as the index knows them.
    """
    origins = {
        text: origin_of(text, element, evidence, lookup) for text in candidates(element, evidence, lookup)
    }
    own = own_terms(element, lookup)
    tried = [
        _Tried(text, index.found(parse(text), wanted), index.count(parse(text)), text in own)
        for text, origin in origins.items()
        if origin is not None
    ]
    terms = _chosen(tried, index, settings)
    if not terms:
        return None
    block = Block(name=element.name, terms=terms)
    kept = Counter(origin for text in terms if (origin := origins[text]) is not None)
    stray = sum(origin is None for origin in origins.values())
    return Made(element, block, index.found(block_query(block), wanted), kept, stray)


def _chosen(tried: Sequence[_Tried], index: Index, settings: Settings) -> tuple[str, ...]:
    """The terms of a block, in the candidates' order.

    First the question's own that find an included record and are not too broad; then, greedily, what finds most of
    what is still missing; then what costs few hits, and the names of the headings so far, as new records have no
    headings yet. A term that finds nothing that a shorter one does not find, or nothing in the whole index, is not
    needed.
    """
    kept = [one for one in tried if one.own and one.finds and one.hits <= settings.most_share * index.size]
    found = frozenset[str]().union(*(one.finds for one in kept))
    rest = [one for one in tried if one not in kept and one.hits]
    while rest:
        best = max(rest, key=lambda one: (len(one.finds - found), -one.hits))
        if not best.finds - found:
            break
        kept.append(best)
        found |= best.finds
        rest.remove(best)
    if not kept:
        return ()
    core = Block(name="core", terms=tuple(one.text for one in kept))
    most = settings.cheap_share * index.count(block_query(core))
    named = {word for one in kept for word in text_words_of(one.text)}
    kept += [one for one in rest if one.hits <= most or one.text in named]
    needed = [one for one in kept if not any(_spares(other, one) for other in kept)]
    order = {one.text: place for place, one in enumerate(tried)}
    return tuple(sorted((one.text for one in needed[: settings.most_terms]), key=order.__getitem__))


def _spares(other: _Tried, one: _Tried) -> bool:
    """Whether one term makes another needless; the question's own words stay beside what is wider."""
    return covers(other.text, one.text) and (other.own or not one.own)


def required(
    blocks: Sequence[Made], wanted: frozenset[str], index: Index, least_recall: float
) -> tuple[list[Made], list[str]]:
    """The blocks that can be joined by AND, and the names of those left out.

    While too few of the wanted records have all blocks, one is left out: what abstracts do not mention is no block
    (Cochrane Handbook 4.4.2). It is the one without which enough are found with the fewest hits; else the one without
    which most are found. The last block stays.
    """
    kept, left_out = list(blocks), list[str]()

    def without(one: Made) -> tuple[bool, int, int]:
        rest = [other for other in kept if other is not one]
        found = len(_all(rest, wanted))
        enough = found >= least_recall * len(wanted)
        return enough, -index.count(strategy(rest)) if enough else found, found

    while len(kept) > 1 and len(_all(kept, wanted)) < least_recall * len(wanted):
        worst = max(kept, key=without)
        kept.remove(worst)
        left_out.append(worst.element.name)
    return kept, left_out


def _all(blocks: Sequence[Made], wanted: frozenset[str]) -> frozenset[str]:
    return wanted.intersection(*(one.finds for one in blocks))


def strategy(blocks: Sequence[Made]) -> Query:
    """The blocks, joined by AND."""
    return blocks_query([one.block for one in blocks])
