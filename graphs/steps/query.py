"""Step `query`: a Boolean strategy from the elements, every term of it checked before it is shown."""

from collections.abc import Iterable, Mapping
from typing import Any

from graphs.deps import Deps
from graphs.state import ReviewState
from model.engine import Request
from model.pool import ask
from model.tasks.query import TASK, QueryInput
from tools import frameworks
from tools.errors import ConfigError
from tools.schemas import Block, Strategy, sha256_of
from tools.search import query as queries

__all__ = ["query"]


def query(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Store the strategy as an artefact: the protocol's own, or one made from the approved elements."""
    elements = deps.store.artefact(deps.pass_id, "pico")
    assert elements is not None
    basis = sha256_of([deps.basis["query"], elements.sha256])
    standing = deps.store.artefact(deps.pass_id, "query")
    if standing is not None and standing.basis == basis:
        return {"query_id": standing.artefact_id}
    given = deps.config.search.strategy
    author, call_key = "protocol", ""
    if given is not None:
        strategy = Strategy(text=given, notes=deps.notes.of(given))
    else:
        strategy, call_key = _from_elements(elements.content["elements"], deps)
        author = f"machine:{deps.engines['query'].name}"
    content = strategy.model_dump(mode="json") | {"call_key": call_key}
    made = deps.store.add_artefact(deps.pass_id, "query", content, author=author, basis=basis)
    return {"query_id": made.artefact_id}


def _from_elements(elements: Mapping[str, list[str]], deps: Deps) -> tuple[Strategy, str]:
    searched = {name: tuple(elements[name]) for name in deps.config.searched if elements.get(name)}
    if not searched:
        raise ConfigError(
            f"nothing to search for: none of the elements {', '.join(deps.config.searched)} is filled. "
            "Remedy: fill question.elements or search.strategy in review.yaml."
        )
    review, question = deps.config.review, deps.config.question
    asked = QueryInput(title=review.title, framework=question.framework, elements=searched)
    answer = ask(deps.engines["query"], Request(TASK, asked, attempt=deps.attempt))
    blocks, refused = _usable(answer.value.blocks)
    text = " AND ".join(f"({' OR '.join(block.terms)})" for block in blocks)
    text = frameworks.with_filters(text, deps.config.search.filters)
    notes = (*refused, *deps.notes.of(text))
    return Strategy(text=text, blocks=blocks, notes=notes), answer.key


def _usable(blocks: Iterable[Block]) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """The blocks with those of their terms that are single, well-formed terms; the others as notes.

    An engine's words never reach a source unread: what is no term of the query language is shown to
    the person at the gate instead of being sent.
    """
    kept, refused = [], []
    for block in blocks:
        good = [term for term in block.terms if _is_term(term)]
        bad = [term for term in block.terms if term not in good]
        refused += [f"left out of block {block.name}: {term!r} is not one search term" for term in bad]
        if not good:
            raise ConfigError(
                f"no usable search term for {block.name!r}. Remedy: give more words in question.elements, or a "
                "search.strategy of your own, in review.yaml."
            )
        kept.append(Block(name=block.name, terms=tuple(good)))
    return tuple(kept), tuple(refused)


def _is_term(text: str) -> bool:
    """One term of the query language; no operators, so an engine cannot smuggle in a strategy of its own."""
    try:
        return isinstance(queries.parse(text), queries.Term)
    except queries.QuerySyntaxError:
        return False
