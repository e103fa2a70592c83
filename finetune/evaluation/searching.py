"""Searching as LEADS measures it: which of a review's included reports a strategy finds, by one proposal and by ten.

The strategies are run on a local index: the pool and the reviews' own records. It is small and partly made of what
the reviews' authors found, so a recall here is no recall in PubMed; engines can be compared, and the hits that
recall was bought with stand beside it.

one          the first proposal
ten          what at least one of ten samples finds (LEADS' ensemble)
ten, united  one strategy of the blocks of all ten, as the agent searches; without its counting and revising

A proposal without a usable answer finds nothing, and is counted in a line of its own; it has no hits, for a strategy
that was never run is no cheap one. Recall is over the included reports that the index holds; beside it stands recall
over all that were included, and how many these are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from finetune.evaluation.items import Told, asked
from finetune.evaluation.reviews import Reviewed, size_of
from finetune.evaluation.sheet import Key, Sheet
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.pico import TASK as PICO
from model.tasks.pico import PicoInput
from model.tasks.query import TASK, QueryInput
from tools.errors import EngineError, SourceRefused
from tools.frameworks import kind_of
from tools.schemas import Block, Record
from tools.search.building import apart, blocks_query, unite, usable
from tools.search.query import Query
from tools.search.sources.base import DateRange
from tools.search.sources.local import LocalSource

if TYPE_CHECKING:
    from tools.search.vocabulary import Vocabulary

__all__ = ["SAMPLES", "Target", "index_of", "note_search", "proposals", "strategies"]

TABLE = "search"
SAMPLES = 10
FRAMEWORK = "PICO"
EVERYTHING = DateRange()


class Target(NamedTuple):
    """What is searched, and what ought to be found."""

    name: Literal["publications", "trials"]
    source: LocalSource
    ids: frozenset[str]
    """PMIDs, or registry numbers, that the source holds."""


def index_of(
    records: Iterable[Record],
    path: Path,
    vocabulary: Vocabulary | None,
    name: Literal["publications", "trials"],
) -> Target:
    """A source over records: those with a PMID, or, of trials, by their registry number; each once."""
    once: dict[str, Record] = {}
    for record in records:
        key = record.pmid if name == "publications" else next(iter(record.registry_ids), record.record_id)
        if key and key not in once:
            # LocalSource tells hits by PMID; a trial's own number takes its place.
            once[key] = record.model_copy(update={"record_id": key, "pmid": key})
    source = LocalSource(name, [once[key] for key in sorted(once)], path, vocabulary)
    return Target(name, source, frozenset(once))


def proposals(engine: Engine, review: Reviewed, target: str, samples: int, name: str) -> list[Told]:
    """So many proposals of one engine, in the order of sampling.

    Raises:
        Stopped: the engine cannot be reached any more.
    """
    try:
        elements = dict(review.elements) or _elements(engine, review)
    except EngineError as e:
        return [_or_raise(e)] * samples
    question = QueryInput.model_validate(
        {"title": review.title, "framework": FRAMEWORK, "elements": elements, "target": target}
    )
    requests = [Request(TASK, question, sample=n) for n in range(samples)]
    return asked(engine, requests, f"{name}, {review.review_id}, {target}")


def _or_raise(error: EngineError) -> EngineError:
    from model.engine import EngineUnavailable

    if isinstance(error, EngineUnavailable):
        raise error
    return error


def _elements(engine: Engine, review: Reviewed) -> dict[str, tuple[str, ...]]:
    """Where the review does not give its elements, those that the engine reads out of its question."""
    kind = kind_of("intervention", FRAMEWORK)
    question = PicoInput(
        title=review.title, question=review.text, framework=FRAMEWORK, elements=kind.element_ids
    )
    told = ask(engine, Request(PICO, question)).value.elements
    found = {element.name: element.phrases for element in told if element.phrases}
    return {name: found[name] for name in kind.searched if name in found}


def strategies(told: Sequence[Told]) -> list[tuple[Block, ...]]:
    """The usable blocks of each proposal; none where there is no usable answer, or no usable term in it."""
    return [() if isinstance(one, EngineError) else usable(one.value.blocks)[0] for one in told]


def note_search(
    sheet: Sheet, engine: str, review: Reviewed, topic: str, target: Target, told: Sequence[Told]
) -> None:
    """Run the proposals, and enter what they find.

    Reviews of which nothing that they included is in the index are left out by the caller.
    """
    every = review.included if target.name == "publications" else review.trials
    wanted = every & target.ids
    made = strategies(told)
    finds = [_found(target.source, blocks_query(blocks)) if blocks else frozenset() for blocks in made]
    proposed = [blocks for blocks in made if blocks]
    united = apart(unite(proposed)[0], proposed)[0] if proposed else ()
    ran = {"one": bool(made[0]), f"{len(told)} samples": bool(proposed)}
    ran[f"{len(told)} samples, united blocks"] = bool(united)
    results = {
        "one": finds[0],
        f"{len(told)} samples": frozenset().union(*finds),
        f"{len(told)} samples, united blocks": _found(target.source, blocks_query(united))
        if united
        else frozenset(),
    }
    own = [f"topic {topic}"] if topic else []
    groups = [target.name, *(f"{target.name}, {one}" for one in (*own, f"targets {size_of(len(wanted))}"))]
    for group in groups:
        for how, found in results.items():
            recall = len(found & wanted) / len(wanted)
            sheet.mean(Key(TABLE, group, f"{how}: recall"), engine, review.review_id, recall)
            if ran[how]:
                sheet.mean(Key(TABLE, group, f"{how}: hits"), engine, review.review_id, len(found))
    for how, found in results.items():
        share = len(found & wanted) / len(every)
        sheet.mean(Key(TABLE, target.name, f"{how}: recall of all included"), engine, review.review_id, share)
    for measure, ids in (("included, in the index", wanted), ("included, all", every)):
        sheet.mean(Key(TABLE, target.name, measure), engine, review.review_id, len(ids))
    lost = sum(not blocks for blocks in made)
    sheet.mean(Key(TABLE, target.name, "no usable proposal"), engine, review.review_id, lost, len(made))


def _found(source: LocalSource, query: Query) -> frozenset[str]:
    """PMIDs; nothing where the index cannot evaluate any clause."""
    try:
        return frozenset(source.probe(query, search_id="evaluation", dates=EVERYTHING, pmids=10**9).pmids)
    except SourceRefused:
        return frozenset()
