"""Asking all of one task, attempt by attempt: what was answered before is not asked again, only what failed."""

from collections.abc import Callable, Sequence
from typing import Any

from graphs.deps import Deps
from model.engine import Answer, Request, Task
from model.pool import ask_all
from tools.errors import EngineError

__all__ = ["ask_each"]


def ask_each(
    task: Task[Any, Any],
    inputs: Sequence[Any],
    deps: Deps,
    landed: Callable[[int], None] = lambda _done: None,
) -> list[Answer[Any] | EngineError]:
    """The answer to every input, in their order.

    A stored answer of an earlier attempt holds. A person's wish to try again is about what failed.

    Args:
        landed: told how many inputs have an answer or a failure so far.
    """
    answers: dict[int, Answer[Any] | EngineError] = {}
    engine, in_flight = deps.engines[task.id], deps.in_flight[task.id]
    for attempt in range(1, deps.attempt + 1):
        open_ = [n for n in range(len(inputs)) if not isinstance(answers.get(n), Answer)]
        requests = [Request(task, inputs[n], attempt=attempt) for n in open_]
        ask_all(engine, requests, in_flight=in_flight, landed=_landing(open_, answers, landed))
    return [answers[n] for n in range(len(inputs))]


def _landing(
    open_: Sequence[int], answers: dict[int, Answer[Any] | EngineError], told: Callable[[int], None]
) -> Callable[[int, Answer[Any] | EngineError], None]:
    """Keeps what lands; positions are those among the open inputs."""

    def landed(position: int, answer: Answer[Any] | EngineError) -> None:
        answers[open_[position]] = answer
        told(len(answers))

    return landed
