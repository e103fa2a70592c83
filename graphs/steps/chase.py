"""Step `chase`: works that the included reports cite, and works that cite them (citation searching).

It follows `approve`, where the protocol wants it, and leads back to `retrieve`: what it finds is screened,
read and decided on like everything else. Each report is asked about once in each direction. A report that a
database gave is of generation 0, one that only citations gave is one further than the report that led to it;
`rounds` is the number of generations that are asked about, in whatever order reports come to be included.

Works that the review knows already are hits as well, under their own record and version: finding a paper
again must not put it before the reviewers again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from graphs.accounts import CITATIONS, Key, current_searches, entering
from graphs.deps import Deps
from graphs.passes import lineage, past_of
from graphs.state import ReviewState
from tools.errors import SourceRefused
from tools.protocol import Citations
from tools.schemas import Record, SearchResult, sha256_of
from tools.search.sources.citations import CitationIndex, Delivered, Direction, Neighbours
from tools.store import Search

__all__ = ["CHASED", "chase", "only_by_citations"]

CHASED = "chased"
"""Parameter of a search event: the records whose citations were asked about."""

_WORDS: Mapping[Direction, str] = {"backward": "works cited by", "forward": "works that cite"}


def chase(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Ask about what has not been asked about yet; one search event per direction and generation.

    A direction that fails stops the step; the ones that had answered keep their answers.
    """
    settings, index = deps.config.search.citations, deps.citations
    assert settings is not None
    assert index is not None
    found = [
        search_id
        for direction in _directions(settings)
        for generation, keys in _to_chase(direction, settings, deps)
        if (search_id := _search(direction, generation, keys, settings, index, deps))
    ]
    return {"found_by_citations": found, "search_ids": current_searches(deps.store, deps.pass_id)}


def only_by_citations(deps: Deps) -> set[str]:
    """Records of this pass that no search of a database or register has brought."""
    searches = deps.store.searches(deps.pass_id)
    by_citations = {key[0] for s in searches if _is_chase(s) for key in deps.store.hits(s.search_id)}
    return by_citations - {
        key[0] for s in searches if not _is_chase(s) for key in deps.store.hits(s.search_id)
    }


# What to ask about -------------------------------------------------------------------------------


def _directions(settings: Citations) -> Iterator[Direction]:
    if settings.backward:
        yield "backward"
    if settings.forward:
        yield "forward"


def _to_chase(direction: Direction, settings: Citations, deps: Deps) -> Iterator[tuple[int, list[Key]]]:
    """(generation, reports) that have not been asked about in this direction, nearest generation first."""
    generations = _generations(deps)
    asked = _asked(direction, deps)
    open_ = [
        (generations.get(key[0], 0), key)
        for key in _starting_points(direction, settings, deps)
        if key[0] not in asked and generations.get(key[0], 0) < settings.rounds
    ]
    for generation, group in groupby(sorted(open_, key=lambda one: one[0]), key=lambda one: one[0]):
        yield generation, [key for _, key in group]


def _starting_points(direction: Direction, settings: Citations, deps: Deps) -> list[Key]:
    keys = entering(deps.store, deps.pass_id, "approve")
    ends = deps.store.standing(deps.pass_id, "approve")
    included = [key for key in keys if ends[key[0]].outcome.kind == "passed"]
    # In an update the earlier reports are asked about again: who cites them may be new.
    earlier = past_of(deps.store, deps.pass_id).included() if direction == "forward" else []
    known = {key[0] for key in included}
    included += [key for key in earlier if key[0] not in known]
    if settings.start == "included":
        return included
    seeds = set(deps.config.search.seed_studies)
    everything = entering(deps.store, deps.pass_id, "retrieve")
    return [(r.record_id, r.version) for r in deps.records(everything) if r.pmid in seeds]


def _asked(direction: Direction, deps: Deps) -> set[str]:
    """Record ids that this pass, and for reference lists an earlier one, has asked about."""
    passes = [deps.pass_id, *(lineage(deps.store, deps.pass_id) if direction == "backward" else ())]
    return {
        record_id
        for pass_id in passes
        for search in deps.store.searches(pass_id)
        if _is_chase(search) and search.result.parameters["direction"] == direction
        for record_id in search.result.parameters[CHASED]
    }


def _generations(deps: Deps) -> dict[str, int]:
    """Record id to generation, for those that only citations gave."""
    alone = only_by_citations(deps)
    found: dict[str, int] = {}
    for search in filter(_is_chase, deps.store.searches(deps.pass_id)):
        generation = int(search.result.parameters["generation"]) + 1
        for record_id, _ in deps.store.hits(search.search_id):
            if record_id in alone:
                found[record_id] = min(generation, found.get(record_id, generation))
    return found


def _is_chase(search: Search) -> bool:
    return (search.source, search.kind) == (CITATIONS, CITATIONS) and CHASED in search.result.parameters


# Asking ------------------------------------------------------------------------------------------


def _search(
    direction: Direction,
    generation: int,
    keys: Sequence[Key],
    settings: Citations,
    index: CitationIndex,
    deps: Deps,
) -> str:
    number = 1 + sum(_is_chase(search) for search in deps.store.searches(deps.pass_id))
    search_id = f"{deps.pass_id}/{CITATIONS}/{number}"
    works = deps.records(keys)
    near = index.neighbours(works, direction, event=search_id)
    known = _known(deps)
    new = [key for key in near.keys if near.pmids.get(key) not in known]
    if len(new) > settings.limit:
        raise SourceRefused(
            CITATIONS,
            _told(direction, works),
            f"{len(near.keys):,} works, {len(new):,} of them new to the review, are more than the limit of "
            f"{settings.limit:,}; nothing was fetched",
            "raise search.citations.limit in review.yaml, or choose one direction only",
        )
    deps.progress(f"citations, {direction}", 0, len(new))
    delivered = index.records(new, event=search_id)
    deps.progress(f"citations, {direction}", len(new), len(new))
    opened = deps.store.opened(deps.pass_id).at
    result = _result(near, known, delivered, _told(direction, works), index.title, opened)
    more = {"direction": direction, "generation": generation, CHASED: [key[0] for key in keys]}
    told = {**result.parameters, **more, **deps.signature(search_id)}
    result = result.model_copy(update={"parameters": told})
    deps.store.add_search(deps.pass_id, search_id, CITATIONS, sha256_of(more), result)
    return search_id


def _known(deps: Deps) -> dict[str, Record]:
    """PMID, or id where there is none, to the record that stands for it in this pass and is no duplicate."""
    keys = entering(deps.store, deps.pass_id, "retrieve")
    standing = deps.store.standing(deps.pass_id, "retrieve")
    known: dict[str, Record] = {}
    for record in deps.records(keys):
        # What the other direction has just brought has no standing yet.
        if record.record_id not in standing or standing[record.record_id].outcome.kind != "duplicate":
            known.setdefault(record.pmid or record.record_id, record)
    return known


def _result(
    near: Neighbours,
    known: Mapping[str, Record],
    delivered: Delivered,
    told: str,
    title: str,
    opened: str,
) -> SearchResult:
    by_id = {record.record_id: record for record in known.values()}
    records: dict[str, Record] = {}
    missing = []
    for key in near.keys:
        record = known.get(near.pmids.get(key, "")) or delivered.records.get(key)
        # The index may have a newer version of what the review holds; that is not what was asked.
        record = by_id.get(record.record_id, record) if record else None
        if record is None:
            missing.append(key)
        else:
            records.setdefault(record.record_id, record)
    again = sum(near.pmids.get(key) in known for key in near.keys)
    return SearchResult(
        source=CITATIONS,
        query_sent=told,
        # Two keys can lead to one record that the review knows; it is one hit.
        count=len(records) + len(missing),
        warnings=(*delivered.warnings, *_remarks(near)),
        missing=tuple(missing),
        parameters={
            "database": title,
            # Where no report could be asked about, the event only says so.
            "searched_at": near.at or opened,
            "links": len(near.keys),
            "known_before": again,
            "not_in_a_database": sum(near.unmatched.values()),
            "cannot_be_asked_about": list(near.unknown),
        },
        records=tuple(records.values()),
    )


def _remarks(near: Neighbours) -> Iterable[str]:
    for record_id, n in near.unmatched.items():
        yield f"{n} references of {record_id} are in no database and have to be looked through by hand"
    if near.unknown:
        yield (
            f"{len(near.unknown)} reports have no PMID or PMCID, so their citations could not be asked about: "
            f"{', '.join(near.unknown)}"
        )


def _told(direction: Direction, works: Sequence[Record]) -> str:
    return f"{_WORDS[direction]}: {', '.join(_name(work) for work in works)}"


def _name(work: Record) -> str:
    return f"PMID {work.pmid}" if work.pmid else work.record_id
