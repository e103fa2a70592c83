"""Step `pico`: the question, taken apart into the elements of its framework."""

from typing import Any

from graphs.deps import Deps
from graphs.state import ReviewState
from graphs.taking_over import taken_over
from model.engine import Request
from model.pool import ask
from model.tasks.pico import TASK, PicoInput

__all__ = ["pico"]


def pico(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Store the elements as an artefact; what the reviewer gave stays, and an edited revision too."""
    standing = taken_over("pico", deps.basis["pico"], deps) or deps.store.artefact(deps.pass_id, "pico")
    if standing is not None and standing.basis == deps.basis["pico"]:
        return {"pico_id": standing.artefact_id}
    elements, author, call_key = _elements(deps)
    content = {"framework": deps.config.question.framework, "elements": elements, "call_key": call_key}
    made = deps.store.add_artefact(deps.pass_id, "pico", content, author=author, basis=deps.basis["pico"])
    return {"pico_id": made.artefact_id}


def _elements(deps: Deps) -> tuple[dict[str, list[str]], str, str]:
    """Element to its phrases, who says so, and the call; the engine is asked only about what is not given."""
    question, names = deps.config.question, deps.config.kind.element_ids
    if all(question.elements.get(name) for name in names):
        return {name: list(question.elements[name]) for name in names}, "protocol", ""
    asked = PicoInput(
        title=deps.config.review.title,
        question=question.text,
        framework=question.framework,
        elements=names,
        given=question.elements,
    )
    engine = deps.engines["pico"]
    answer = ask(engine, Request(TASK, asked, attempt=deps.attempt))
    found = {element.name: list(element.phrases) for element in answer.value.elements}
    elements = {name: list(question.elements.get(name, ())) or found[name] for name in names}
    return elements, f"machine:{engine.name}", answer.key
