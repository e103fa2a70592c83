"""The one place that is asynchronous: many requests, a bounded number in flight, no barriers."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

from model.engine import A, Answer, Engine, EngineUnavailable, I, Request
from tools.errors import EngineError

__all__ = ["ask", "ask_all"]

Landed = Callable[[int, Answer[A] | EngineError], None]


def ask(engine: Engine, request: Request[I, A]) -> Answer[A]:
    """Ask one request and wait for its answer.

    Raises:
        EngineError: as the engine says.
    """
    answer: Answer[A] = _run(engine.answer(request))
    return answer


def ask_all(engine: Engine, requests: Iterable[Request[I, A]], *, in_flight: int, landed: Landed[A]) -> None:
    """Ask every request, at most `in_flight` at a time; each result is handed over as it lands.

    Args:
        engine: whom to ask.
        requests: read lazily, so a hundred thousand of them need no memory.
        in_flight: how many may be under way at once.
        landed: called in this function's thread with the request's position and its answer or error.

    Raises:
        ValueError: `in_flight` is below 1, so nothing would ever be asked.
        EngineUnavailable: nobody is there; what had landed before was handed over.
        ReplayMiss: in a replay.
    """
    if in_flight < 1:
        raise ValueError(f"in_flight must be at least 1, not {in_flight}")
    _run(_ask_all(engine, enumerate(requests), in_flight, landed))


async def _ask_all(
    engine: Engine, numbered: Iterator[tuple[int, Request[I, A]]], in_flight: int, landed: Landed[A]
) -> None:
    async def work() -> None:
        # All workers draw from one iterator, so a slow answer holds up nobody but its own worker.
        for position, request in numbered:
            try:
                result: Answer[A] | EngineError = await engine.answer(request)
            except EngineUnavailable:
                raise
            except EngineError as e:
                result = e
            landed(position, result)

    workers = [asyncio.ensure_future(work()) for _ in range(in_flight)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def _run(job: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end in an event loop of its own; in a thread where one is running already (notebooks)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(job)
    result: list[Any] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            result.append(asyncio.run(job))
        except BaseException as e:  # noqa: BLE001 - carried to the caller's thread, nothing is swallowed
            failure.append(e)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]
