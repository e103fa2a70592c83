"""Several servers of one model that share the load: who is asked next, and who is left alone for a while.

Which of them answers is no part of a call's identity: they serve the same model under the same name.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from model.canary import Served
from model.chat import ChatEngine
from model.engine import A, Answer, EngineBusy, EngineUnavailable, EngineUnfit, I, Request
from tools.errors import ConfigError, EngineError

__all__ = ["Balanced"]

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""For so long an endpoint that failed is left alone; each failure after another doubles it."""


@dataclass(eq=False)
class _Endpoint:
    engine: ChatEngine
    in_flight: int = 0
    failures: int = 0
    """One after another."""
    until: float = 0.0
    """Of the clock: when it may be asked again."""
    away: bool = False
    """Nobody was there: its health is asked before it is asked anything else."""

    def failed(self, now: float, pause_s: float | None) -> None:
        pause = min(FIRST_PAUSE_S * 2.0**self.failures, LONGEST_PAUSE_S) if pause_s is None else pause_s
        self.until = now + min(pause, LONGEST_PAUSE_S)
        self.failures += 1

    def succeeded(self) -> None:
        self.failures, self.until, self.away = 0, 0.0, False


class Balanced:
    """Each request goes to the endpoint with the fewest in flight, of those that answer."""

    language_model = True

    def __init__(self, engines: Sequence[ChatEngine], clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            engines: equal but for their address and key.

        Raises:
            ConfigError: they are not, or there is none: it would depend on chance who answers.
        """
        if not engines:
            raise ConfigError("several endpoints: none is given. Remedy: name one under engine.base_url.")
        told = [replace(engine.settings, base_url="", api_key_env=None) for engine in engines]
        if any(one != told[0] for one in told):
            raise ConfigError(
                f"{engines[0].name}: endpoints that share the load must have the same model, prompts and sampling."
            )
        self.name, self.label, self.settings = engines[0].name, engines[0].label, engines[0].settings
        self.endpoints = tuple(_Endpoint(engine) for engine in engines)
        self._clock = clock
        self._lock = threading.Lock()

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """As any of them."""
        return self._first.seen(request)

    def rendered(self, request: Request[Any, Any]) -> str:
        """As any of them."""
        return self._first.rendered(request)

    def read(self, request: Request[I, A], raw: str) -> A:
        """As any of them."""
        return self._first.read(request, raw)

    async def served(self) -> Served:
        """What the servers tell of the model; the context is that of the smallest.

        Raises:
            EngineUnfit: one of them does not hold the model to a form.
            EngineUnavailable: none of them is there.
        """
        told: list[Served] = []
        problem: EngineUnavailable | None = None
        for endpoint in self.endpoints:
            try:
                told.append(await endpoint.engine.served())
            except EngineUnfit:
                raise
            except EngineUnavailable as e:
                problem = e
        if not told:
            raise problem or EngineUnavailable(f"{self.name}: no endpoint")
        known = [one.context for one in told if one.context is not None]
        return replace(told[0], context=min(known, default=None))

    async def is_healthy(self) -> bool:
        """Whether one of them says that it can answer."""
        return any(await asyncio.gather(*(each.engine.is_healthy() for each in self.endpoints)))

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """Ask one of them; where nobody is there, another.

        Raises:
            EngineUnavailable: none of them is there.
            EngineError: of the one that was asked.
        """
        tried: set[_Endpoint] = set()
        while True:
            endpoint = await self._next(tried)
            tried.add(endpoint)
            with self._asking(endpoint):
                try:
                    answer = await endpoint.engine.answer(request)
                except EngineUnfit:
                    raise
                except EngineUnavailable:
                    self._left_alone(endpoint, None, away=True)
                    if len(tried) == len(self.endpoints):
                        raise
                    continue
                except EngineBusy as e:
                    # Asked again later, by whoever retries: and then, while this one rests, of another.
                    self._left_alone(endpoint, e.retry_after_s, away=False)
                    raise
                except EngineError:
                    self._back(endpoint)  # no usable answer, but an answer
                    raise
            self._back(endpoint)
            return answer

    @property
    def _first(self) -> ChatEngine:
        return self.endpoints[0].engine

    @contextmanager
    def _asking(self, endpoint: _Endpoint) -> Iterator[None]:
        with self._lock:
            endpoint.in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                endpoint.in_flight -= 1

    def _left_alone(self, endpoint: _Endpoint, pause_s: float | None, *, away: bool) -> None:
        with self._lock:
            now = self._clock()
            if now >= endpoint.until:  # of many in flight that fail together, the first lengthens the pause
                endpoint.failed(now, pause_s)
            endpoint.away = endpoint.away or away

    async def _next(self, tried: set[_Endpoint]) -> _Endpoint:
        """The endpoint to ask: the least busy of those that are there, rested before resting."""
        await self._looked_after(tried)
        with self._lock:
            now = self._clock()
            there = [each for each in self.endpoints if not each.away and each not in tried]
            # All away: whichever is asked will say what is wrong.
            choice = there or [each for each in self.endpoints if each not in tried]
            return min(choice, key=lambda each: (now < each.until, each.in_flight))

    async def _looked_after(self, tried: set[_Endpoint]) -> None:
        """Ask those who were away whether they are back: whose pause is over, or all when nobody is left.

        This request waits for that where it has nobody else to ask; elsewhere it goes on, and the next one knows.
        """
        with self._lock:
            now = self._clock()
            away = [each for each in self.endpoints if each.away and each not in tried]
            left = [each for each in self.endpoints if not each.away and each not in tried]
            due = [each for each in away if now >= each.until] if left else away
            for each in due:
                each.failed(now, None)  # until it is known: nobody else asks at the same time
        looking = [asyncio.ensure_future(self._looked_at(each)) for each in due]
        for task in looking:
            _looking.add(task)
            task.add_done_callback(_looking.discard)
        if looking and not left:
            await asyncio.wait(looking)

    async def _looked_at(self, endpoint: _Endpoint) -> None:
        if await endpoint.engine.is_healthy():
            self._back(endpoint)

    def _back(self, endpoint: _Endpoint) -> None:
        with self._lock:
            endpoint.succeeded()


_looking: set[asyncio.Future[None]] = set()
"""Questions after somebody's health that nobody waits for: the event loop itself only holds them weakly."""
