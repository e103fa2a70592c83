"""The searches of a pass: the strategy in every source, and in an update the look back at what is known."""

from collections.abc import Sequence
from typing import Any

from graphs.accounts import Key
from graphs.deps import Deps, SourceUse
from graphs.passes import Past, Window, past_of, window
from tools.errors import SourceRefused
from tools.records.changes import material_changes
from tools.schemas import Record, SearchResult, sha256_of
from tools.search import query as queries
from tools.search.query import And, Dates, Or, Query, Term
from tools.search.sources.base import DateRange
from tools.store import Event

__all__ = ["CARRIED", "search_all"]

CARRIED = "earlier version"
"""Source of what an update takes up from the pass before: records left open, or changed since."""

_BY = {"pubmed": "uid", "europepmc": "uid", "local": "uid", "ctgov": "si"}
"""Kind of a source to the field in which it finds a record that is known."""

PER_LOOK = 200
"""Records looked up again in one query."""


def search_all(text: str, deps: Deps) -> None:
    """Run the strategy where it has not been run yet; an update looks at the known reports again too.

    A source that fails stops the step; the sources that had answered keep their answers.
    """
    for use in deps.sources:
        _search(text, use, deps)
    past = past_of(deps.store, deps.pass_id)
    if past.known:
        for use in deps.sources:
            _look_up(use, past, deps)
        _carry(past, deps)


def _search(text: str, use: SourceUse, deps: Deps) -> None:
    name = use.source.name
    plain = sha256_of([text, use.settings, use.dates.model_dump(), use.limit])
    since = window(deps.store, deps.pass_id, name, plain)
    if since.repeats and use.settings.get("kind") == "manual":
        return  # nobody has searched there again: the same files hold nothing new
    basis = plain if since.start is None else f"{plain}+{since.start}"
    earlier = [
        search
        for search in deps.store.searches(deps.pass_id)
        if (search.source, search.kind) == (name, use.source.kind)
    ]
    if earlier and earlier[-1].basis == basis:
        return
    search_id = f"{deps.pass_id}/{name}/{len(earlier) + 1}"
    query, dates = _within(queries.parse(text), use, since)
    result = use.source.search(query, search_id=search_id, dates=dates, limit=use.limit)
    told = {} if since.start is None else {"created_since": since.start, "searched_before": since.last}
    deps.store.add_search(
        deps.pass_id, search_id, use.source.kind, basis, _signed(result, search_id, deps, told)
    )


def _within(query: Query, use: SourceUse, since: Window) -> tuple[Query, DateRange]:
    """An update's search is limited by the day of listing; the protocol's own limits then stand in the query."""
    dates = use.dates
    if since.start is None:
        return query, dates
    if dates.end and since.start > dates.end:
        return query, dates  # nothing new can lie within the protocol's limits; late additions can
    if use.settings.get("kind") == "ctgov":  # there the protocol's limits are about the day of listing too
        return query, DateRange(start=max(since.start, dates.start or ""), end=dates.end, of="creation")
    if dates.start or dates.end:
        start, end = dates.start or "1000-01-01", dates.end or "3000-12-31"
        query = And((query, Dates(start.replace("-", "/"), end.replace("-", "/"), "dp")))
    return query, DateRange(start=since.start, of="creation")


def _signed(result: SearchResult, search_id: str, deps: Deps, more: dict[str, Any]) -> SearchResult:
    """With what PRISMA-S asks for and a source cannot know: the program and who ran it."""
    told = {**result.parameters, **more, **deps.signature(search_id)}
    return result.model_copy(update={"parameters": told})


# Looking back ------------------------------------------------------------------------------------


def _look_up(use: SourceUse, past: Past, deps: Deps) -> None:
    """The included and the open records of a source as it has them now: retracted, or with results posted."""
    tag = _BY.get(str(use.settings.get("kind")))
    if tag is None:
        return
    known = deps.records(past.to_look_up(use.source.name))
    asked = [(record.record_id, number) for record in known if (number := _number(record, tag))]
    done = {search.search_id for search in deps.store.searches(deps.pass_id)}
    for place, first in enumerate(range(0, len(asked), PER_LOOK), start=1):
        search_id = f"{deps.pass_id}/{use.source.name}/recheck/{place}"
        if search_id not in done:
            _look_up_these(asked[first : first + PER_LOOK], tag, search_id, use, deps)


def _number(record: Record, tag: str) -> str | None:
    """What a source knows the record by."""
    return record.pmid if tag == "uid" else record.record_id.partition(":")[2]


def _look_up_these(
    asked: Sequence[tuple[str, str]], tag: str, search_id: str, use: SourceUse, deps: Deps
) -> None:
    terms = tuple(Term(number, tag) for number in dict.fromkeys(number for _, number in asked))
    query: Query = terms[0] if len(terms) == 1 else Or(terms)
    limit = max(use.limit, 10 * PER_LOOK)
    try:
        result = use.source.search(query, search_id=search_id, dates=DateRange(), limit=limit)
    except SourceRefused as e:
        # The update can go on without it, but not in silence.
        told = {"source": use.source.name, "records": len(asked), "said": e.said}
        deps.store.log(deps.pass_id, Event("retrieve", "not_looked_up", told))
        return
    found = {record.record_id for record in result.records}
    gone = [record_id for record_id, _ in asked if record_id not in found]
    signed = _signed(result, search_id, deps, {"looked_up": len(asked), "not_found": gone})
    deps.store.add_search(deps.pass_id, search_id, "recheck", sha256_of(asked), signed)


def _carry(past: Past, deps: Deps) -> None:
    """What the pass before left open, and what has changed of the included, enters the flow again."""
    now = {
        key[0]: key
        for search in deps.store.searches(deps.pass_id)
        if search.kind == "recheck"
        for key in deps.store.hits(search.search_id)
    }
    keys: list[Key] = []
    for record_id, before in past.known.items():
        key = now.get(record_id, (record_id, before.version))
        again = before.included and key[1] != before.version
        if before.is_open or (again and _has_changed(before.version, key, deps)):
            keys.append(key)
    basis = sha256_of(keys)
    earlier = [search for search in deps.store.searches(deps.pass_id) if search.source == CARRIED]
    if (earlier and earlier[-1].basis == basis) or not (keys or earlier):
        return
    search_id = f"{deps.pass_id}/carried/{len(earlier) + 1}"
    result = SearchResult(
        source=CARRIED,
        query_sent="",
        count=len(keys),
        parameters={"searched_at": deps.store.opened(deps.pass_id).at},
        records=tuple(deps.records(keys)),
    )
    deps.store.add_search(deps.pass_id, search_id, "carried", basis, result)


def _has_changed(version: str, key: Key, deps: Deps) -> bool:
    old, new = deps.records([(key[0], version), key])
    return bool(material_changes(old, new))
