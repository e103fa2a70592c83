"""Engines around an engine: recording, replaying, limiting, retrying, asking once more.

The usual nesting is `Corrected(Recorded(Retried(Limited(backend))))`: only what is final is stored, waiting for
a slot is not counted as a failure, and an answer in the wrong form is stored beside the one that came instead.
What puts several answers together (`model.together`, `model.sections`) stands around that.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace

from model.engine import (
    A,
    Answer,
    AnswerRejected,
    AnswerTruncated,
    Around,
    Engine,
    EngineBusy,
    EngineRefused,
    EngineTimeout,
    EngineUnavailable,
    EngineUnfit,
    I,
    Objection,
    Request,
    RequestTooLong,
    call_key,
    call_request,
)
from tools.errors import EngineError, ReplayMiss
from tools.logs import CallLog, StoredCall
from tools.schemas import canonical_json

__all__ = [
    "Corrected",
    "Limited",
    "Recorded",
    "Replayed",
    "Retried",
    "pause_s",
    "stored_failure",
    "unreached",
]

MAX_ATTEMPTS = 4


class Recorded(Around):
    """Asks once in the life of a review: a stored call is the answer, a stored failure the failure."""

    def __init__(self, engine: Engine, log: CallLog) -> None:
        super().__init__(engine)
        self.log = log

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """The stored answer, or the engine's, stored before it is returned.

        Raises:
            EngineError: as the engine within; all but `EngineUnavailable` are stored as final.
        """
        told = call_request(self.engine, request)
        key = call_key(told)
        if (stored := self.log.find(key)) is not None:
            return _from_store(stored, request, self.engine)
        return _from_store(self.log.save(await self._asked(request, key, told)), request, self.engine)

    async def _asked(self, request: Request[I, A], key: str, told: str) -> StoredCall:
        began = time.perf_counter()
        call = StoredCall(key=key, task=request.task.id, engine=self.name, request=told, status="ok", raw="")
        try:
            answer = await self.engine.answer(request)
        except EngineUnavailable as e:
            e.asked = request  # who stands in has to note which call found nobody
            raise
        except EngineError as e:
            call = stored_failure(call, e)
        else:
            said = canonical_json(dict(answer.told))
            call = replace(
                call, raw=answer.raw, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out, told=said
            )
        return replace(call, seconds=time.perf_counter() - began)


class Replayed(Around):
    """Answers from the log alone. `engine` only tells what it would have been asked, and is never asked."""

    def __init__(self, engine: Engine, log: CallLog) -> None:
        super().__init__(engine)
        self.log = log

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """The stored answer.

        Raises:
            ReplayMiss: nothing is stored for this request; shows how the nearest one differs.
            EngineError: the stored failure.
        """
        told = call_request(self.engine, request)
        stored = self.log.find(call_key(told)) or self.log.find(call_key(unreached(told)))
        if stored is None:
            raise ReplayMiss(_nearest(self.log, request.task.id, told))
        return _from_store(stored, request, self.engine)


def unreached(told: str) -> str:
    """The request under which it is noted that nobody was there to answer `told`, and another engine was asked.

    Not the request's own: that would keep the engine from ever being asked it again.
    """
    return canonical_json(json.loads(told) | {"unreached": True})


class Corrected(Around):
    """Asks once more, with the reason, after an answer in the wrong form; a second such answer is final.

    An answer that was cut off is not asked for again: it would be cut off again.
    """

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """The engine's answer, or the one it gives when it is told what was wrong."""
        try:
            return await self.engine.answer(request)
        except AnswerTruncated:
            raise
        except AnswerRejected as e:
            objection = Objection(raw=e.raw[:MAX_RAW], error=str(e)[:MAX_ERROR])
            return await self.engine.answer(replace(request, objection=objection))


MAX_RAW, MAX_ERROR = 1500, 500
"""Characters of a wrong answer, and of what is wrong with it, that are said back to the model: enough to see what it
was, and no more than stays free in its context (`building.RESERVE`)."""


class Limited(Around):
    """At most `in_flight` requests at once, from however many event loops they come."""

    def __init__(self, engine: Engine, in_flight: int) -> None:
        super().__init__(engine)
        self.in_flight = in_flight
        self._slots = _Slots(in_flight)

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """As the engine within, after waiting for a slot."""
        async with self._slots:
            return await self.engine.answer(request)


class _Slots:
    """A semaphore that several event loops share; asyncio's own belongs to one, and each step runs its own."""

    def __init__(self, free: int) -> None:
        if free < 1:
            raise ValueError(f"in_flight must be at least 1, not {free}: nothing would ever be asked")
        self._free = free
        self._lock = threading.Lock()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            with self._lock:
                waited = turn in self._waiting
                if waited:
                    self._waiting.remove(turn)
            if not waited:  # the slot was on its way to us: pass it on
                self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                try:
                    turn.get_loop().call_soon_threadsafe(_grant, turn)
                except RuntimeError:  # its loop is closed: nobody waits there any more
                    continue
                return
            self._free += 1


def _grant(turn: asyncio.Future[None]) -> None:
    if not turn.done():  # done: cancelled, and its waiter passes the slot on
        turn.set_result(None)


class Retried(Around):
    """Asks again after `EngineBusy`, with growing pauses, or with the pause that the server asked for."""

    def __init__(
        self,
        engine: Engine,
        jitter: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(engine)
        self.jitter, self.sleep = jitter, sleep

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """As the engine within, at the latest after `MAX_ATTEMPTS`."""
        attempt = 1
        while True:
            try:
                return await self.engine.answer(request)
            except EngineBusy as e:
                if (pause := pause_s(attempt)) is None:
                    raise
                await self.sleep(min(e.retry_after_s or pause, MAX_PAUSE_S) * self.jitter())
                attempt += 1


def pause_s(attempt: int) -> float | None:
    """Seconds to wait after the `attempt`-th busy answer (from 1), or None when it is time to give up."""
    return None if attempt >= MAX_ATTEMPTS else min(2.0**attempt, MAX_PAUSE_S)


MAX_PAUSE_S = 30.0

_KINDS: dict[str, Callable[[str], EngineError]] = {
    kind.kind: kind
    for kind in (
        EngineRefused,
        RequestTooLong,
        EngineBusy,
        EngineTimeout,
        EngineUnavailable,
        EngineUnfit,
    )
}


def stored_failure(call: StoredCall, failure: EngineError) -> StoredCall:
    """A call that ended in a failure, as it is stored."""
    raw = failure.raw if isinstance(failure, AnswerRejected) else ""
    return replace(
        call,
        status="failed",
        raw=raw,
        error_kind=failure.kind,
        error=str(failure),
        tokens_in=failure.tokens_in,
        tokens_out=failure.tokens_out,
    )


def _from_store(stored: StoredCall, request: Request[I, A], engine: Engine) -> Answer[A]:
    if stored.status == "failed":
        failure = _failure(stored)
        failure.call_key = stored.key
        raise failure
    value = engine.read(request, stored.raw)
    return Answer(
        value,
        stored.raw,
        stored.key,
        stored.tokens_in,
        stored.tokens_out,
        stored.seconds,
        json.loads(stored.told),
    )


def _failure(stored: StoredCall) -> EngineError:
    said = stored.error or "failed"
    if stored.error_kind == AnswerRejected.kind:
        return AnswerRejected(said, stored.raw)
    if stored.error_kind == AnswerTruncated.kind:
        return AnswerTruncated(said, stored.raw)
    return _KINDS.get(stored.error_kind or "", EngineError)(said)


def _nearest(log: CallLog, task: str, wanted: str) -> str:
    """Say what a replay asked for, and how it differs from the most similar stored request."""
    requests = [call.request for call in log.all(task)]
    if not requests:
        return f"the review holds no call of task {task!r}. Was it run to this step?"
    # Comparing beginnings finds the neighbour: requests of one task share everything but the record.
    start = max(requests, key=lambda r: difflib.SequenceMatcher(None, r[:2000], wanted[:2000]).quick_ratio())
    old, new = (json.dumps(json.loads(t), indent=1, ensure_ascii=False).splitlines() for t in (start, wanted))
    diff = "\n".join(list(difflib.unified_diff(old, new, "stored", "asked for now", lineterm="", n=1))[:40])
    return f"no stored call of task {task!r} for this request. The nearest one differs so:\n{diff}"
