"""Step `query`: a Boolean strategy from the elements, grounded and tested before it is shown."""

from collections.abc import Mapping
from typing import Any

from graphs.counting import Counter
from graphs.deps import Deps, SourceUse
from graphs.known import known_studies
from graphs.state import ReviewState
from graphs.strategy import Plan, build, examine
from graphs.taking_over import taken_over
from model.tasks.query import QueryInput
from tools.errors import ConfigError
from tools.schemas import Strategy, sha256_of

__all__ = ["counter_of", "examined", "query"]

COUNTS = ("pubmed", "europepmc", "local")
"""Kinds of sources that can count a term, the best first."""

LIVE = ("pubmed", "europepmc")


def query(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Store the strategy as an artefact: the protocol's own, or one made from the approved elements."""
    elements = deps.store.artefact(deps.pass_id, "pico")
    assert elements is not None
    basis = sha256_of([deps.basis["query"], elements.sha256])
    standing = taken_over("query", basis, deps) or deps.store.artefact(deps.pass_id, "query")
    if standing is not None and standing.basis == basis:
        return {"query_id": standing.artefact_id}
    revision = 1 if standing is None else standing.revision + 1
    counter = counter_of(deps, f"{deps.pass_id}/query/{revision}")
    given = deps.config.search.strategy
    if given is not None:
        strategy, author = examined(given, deps, counter), "protocol"
    else:
        strategy = _from_elements(elements.content["elements"], deps, counter)
        author = f"machine:{deps.engines['query'].name}"
    content = strategy.model_dump(mode="json")
    made = deps.store.add_artefact(deps.pass_id, "query", content, author=author, basis=basis)
    return {"query_id": made.artefact_id}


def counter_of(deps: Deps, event: str) -> Counter:
    """Counts in the review's best source for that: a live database before a corpus of files."""
    use = _counting(deps)
    if use is None:
        return Counter(None)
    return Counter(use.source, event, live=use.settings.get("kind") in LIVE, progress=deps.progress)


def _counting(deps: Deps) -> SourceUse | None:
    able = [use for use in deps.sources if use.settings.get("kind") in COUNTS]
    return min(able, key=lambda use: COUNTS.index(use.settings["kind"]), default=None)


def examined(text: str, deps: Deps, counter: Counter) -> Strategy:
    """A person's strategy as it is, with its counts, its known studies and what is to be said about it."""
    known = known_studies(deps.config.search.seed_studies, counter)
    strategy = examine(text, counter, known)
    return strategy.model_copy(
        update={"notes": (*deps.notes.of(text), *strategy.notes, *_too_many(strategy, deps))}
    )


def _from_elements(elements: Mapping[str, list[str]], deps: Deps, counter: Counter) -> Strategy:
    searched = {name: tuple(elements[name]) for name in deps.config.searched if elements.get(name)}
    if not searched:
        raise ConfigError(
            f"nothing to search for: none of the elements {', '.join(deps.config.searched)} is filled. "
            "Remedy: fill question.elements or search.strategy in review.yaml."
        )
    review, settings = deps.config.review, deps.config.search
    plan = Plan(
        asked=QueryInput(title=review.title, framework=deps.config.question.framework, elements=searched),
        samples=settings.samples,
        revisions=settings.revisions,
        in_flight=deps.in_flight["query"],
        attempt=deps.attempt,
        filters=settings.filters,
    )
    known = known_studies(settings.seed_studies, counter)
    strategy = build(plan, deps.engines["query"], counter, deps.notes.headings, known)
    notes = (*strategy.notes, *deps.notes.of(strategy.text), *_too_many(strategy, deps))
    return strategy.model_copy(update={"notes": tuple(dict.fromkeys(notes))})


def _too_many(strategy: Strategy, deps: Deps) -> tuple[str, ...]:
    """A search over the limit would be refused at the next step; better known at the gate."""
    use = _counting(deps)
    hits = strategy.attempts[-1].hits if strategy.attempts else None
    if use is None or hits is None or hits <= use.limit:
        return ()
    return (
        f"{hits} hits in {use.source.name} are more than its limit of {use.limit}: narrow the strategy, or raise "
        "the limit in review.yaml",
    )
