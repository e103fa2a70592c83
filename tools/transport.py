"""Every HTTP call to a service goes through here: address, deadline, rate, retry, redaction, replay."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import filelock
import httpx

from tools.errors import ReplayMiss, SourceRefused, SourceUnavailable
from tools.exchange import (
    Browsable,
    Call,
    ExchangeLog,
    Judgement,
    Patience,
    Reply,
    Service,
    StoredExchange,
    difference,
    judge_status,
    pause_s,
    redact,
    retry_after_s,
)

__all__ = [
    "Browsable",
    "Call",
    "ExchangeLog",
    "Judgement",
    "Patience",
    "RateLimit",
    "Reply",
    "Service",
    "StoredExchange",
    "Transport",
]

log = logging.getLogger(__name__)

KEPT_HEADERS = ("content-type", "retry-after", "etag", "last-modified")
MAX_REDIRECTS = 3

# Rate --------------------------------------------------------------------------------------------


class RateLimit:
    """Start-to-start gap between calls, shared by all threads and processes of one host.

    A gap and not a bucket of tokens: services count in windows, and a burst after a pause is
    refused although its average is low. The last start lies in a file under a lock; wall-clock
    time, because a monotonic clock means nothing to another process.
    """

    def __init__(
        self,
        path: Path,
        gap_s: float,
        *,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path, self._gap_s, self._wall, self._sleep = path, gap_s, wall, sleep

    def wait(self, patience_s: float) -> None:
        """Return when a call may start.

        Raises:
            TimeoutError: the queue is longer than `patience_s`.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self._path.with_suffix(".lock"), timeout=max(0.0, patience_s))
        try:
            with lock.acquire(poll_interval=0.01):
                self._sleep(self._due_in_s())
                self._path.write_text(repr(self._wall()), encoding="ascii")
        except filelock.Timeout as e:
            raise TimeoutError(f"other calls to this service were waiting for {patience_s:.0f} s") from e

    def _due_in_s(self) -> float:
        now = self._wall()
        try:
            last = float(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0.0
        except ValueError:  # a write that was cut off: somebody may just have started
            last = now
        # A stamp from the future is a clock that was set back; never wait longer than one gap for it.
        return min(self._gap_s, max(0.0, last + self._gap_s - now))


# Transport ---------------------------------------------------------------------------------------


class Transport:
    """Answers calls, from the log where it can and from the service where it must.

    Args:
        services: by name, as calls name them.
        exchanges: the review's log. None: nothing is recorded (for one-off questions).
        cache: folder of the user for the rate limit's files, shared between reviews.
        replay_only: never touch the network; what the log lacks is a `ReplayMiss`.
        secrets: values that must not appear in anything stored, logged or raised.
        now, monotonic, sleep, chance: clock, stopwatch, pause and randomness, for tests.

    Thread-safe. Use it as a context manager, or `close` it.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        exchanges: ExchangeLog | None,
        *,
        cache: Path,
        replay_only: bool = False,
        patience: Patience | None = None,
        secrets: Iterable[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._services, self._log, self._cache = dict(services), exchanges, cache
        self._replay_only, self._patience = replay_only, patience or Patience()
        self._secrets = tuple(s for s in secrets if s)
        self._now, self._monotonic, self._sleep, self._chance = now, monotonic, sleep, chance
        # Proxies from the environment are for the world outside; a server on this machine needs none.
        self._outside = httpx.Client(follow_redirects=False)
        self._inside = httpx.Client(follow_redirects=False, trust_env=False)
        logging.getLogger("httpx").addFilter(_REDACTING)  # the same filter twice counts once

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._outside.close()
        self._inside.close()

    def exchange(
        self,
        call: Call,
        judge: Callable[[Reply], Judgement] = judge_status,
        *,
        attempts: int | None = None,
        kept: bool = True,
    ) -> Reply:
        """Answer a call. Asked before under the same key: the stored answer, without the network.

        Args:
            call: what is asked.
            judge: tells an answer from a failure that looks like one; only an answer is stored.
            attempts: less patience than usual, for a question that is a trial.
            kept: False asks the service in any case and stores nothing: is it well at this moment?

        Raises:
            SourceRefused: the service said no, for good.
            SourceUnavailable: no answer until our patience ended; nothing was stored.
            ReplayMiss: `replay_only`, and the log has no such exchange.
        """
        stored = self._log.find(call.key) if self._log is not None and kept else None
        if stored is not None:
            headers = {"content-type": stored.content_type}
            return Reply(
                status=stored.status, headers=headers, body=stored.body, at=stored.at, from_store=True
            )
        if self._replay_only:
            raise ReplayMiss(self._miss(call))
        reply = self._ask(call, judge, min(attempts or self._patience.attempts, self._patience.attempts))
        if kept:
            self._keep(call, reply)
        return reply

    def settle(self, call: Call, body: bytes, content_type: str) -> Reply:
        """Keep what was found out in the place of an answer that cannot be had, for resume and replay."""
        at = self._now().astimezone(UTC).isoformat(timespec="seconds")
        reply = Reply(status=200, headers={"content-type": content_type}, body=body, at=at)
        self._keep(call, reply)
        return reply

    def _keep(self, call: Call, reply: Reply) -> None:
        if self._log is not None:
            self._log.save(
                StoredExchange(
                    key=call.key,
                    service=call.service,
                    request=call.request,
                    status=reply.status,
                    content_type=reply.headers.get("content-type", ""),
                    body=reply.body,
                    at=reply.at,
                )
            )

    def _ask(self, call: Call, judge: Callable[[Reply], Judgement], attempts: int) -> Reply:
        """Ask until there is an answer, a refusal, or no patience left."""
        secrets = (*self._keys(call), *(v for n, v in call.params if n == "email"))
        end = self._monotonic() + self._patience.total_s
        for attempt in range(1, attempts + 1):
            wanted: float | None = None
            cause: Exception | None = None
            divisible = False
            try:
                reply = self._once(call, end)
            except (httpx.TransportError, httpx.DecodingError, TimeoutError) as e:
                said, cause = redact(f"{type(e).__name__}: {e}", secrets), e
            else:
                judgement = judge(reply)
                if judgement.kind == "ok":
                    log.info("%s %s: %d bytes", call.service, call.path, len(reply.body))
                    return reply
                said = redact(judgement.said, secrets)
                if judgement.kind == "permanent":
                    raise SourceRefused(
                        call.service, call.request, said, "change the query or its limits, then run again"
                    )
                wanted, divisible = retry_after_s(reply.headers, self._now()), judgement.divisible
            log.warning("%s %s: attempt %d failed: %s", call.service, call.path, attempt, said)
            pause = pause_s(attempt, wanted, self._chance())
            if attempt == attempts or self._monotonic() + pause > end:
                raise self._unavailable(call, attempt, said, wanted, divisible=divisible) from cause
            self._sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(self, call: Call, end: float) -> Reply:
        """One attempt, queue included. Raises httpx's errors and TimeoutError."""
        service = self._service(call.service)
        if service.is_rated:
            limit = RateLimit(self._cache / f"rate-{call.service}", service.gap_s, sleep=self._sleep)
            limit.wait(end - self._monotonic())
        client = self._inside if service.is_loopback else self._outside
        end = min(end, self._monotonic() + self._patience.call_s)
        request = self._request(client, service, call, end - self._monotonic())
        for _ in range(MAX_REDIRECTS + 1):
            response = client.send(request, stream=True)
            try:
                body = self._read(response, call.service, end)
            finally:
                response.close()
            if response.next_request is None:
                return self._reply(response, body, self._keys(call))
            target = response.next_request.url
            if target.host != request.url.host or (request.url.scheme, target.scheme) == ("https", "http"):
                raise SourceUnavailable(
                    call.service,
                    f"it sent us to {target.scheme}://{target.host}, which we do not follow. "
                    "Check the service's address, or whether a login page stands between",
                )
            request = response.next_request
        raise SourceUnavailable(call.service, f"more than {MAX_REDIRECTS} redirects for {call.path}")

    def _request(self, client: httpx.Client, service: Service, call: Call, left_s: float) -> httpx.Request:
        url = httpx.URL(service.base_url).join(call.path)
        timeout = httpx.Timeout(max(0.01, left_s), connect=min(self._patience.connect_s, max(0.01, left_s)))
        if call.method == "GET":
            return client.build_request("GET", url, params=httpx.QueryParams(call.params), timeout=timeout)
        form = str(httpx.QueryParams(call.params)).encode()
        return client.build_request("POST", url, content=form, headers=_FORM, timeout=timeout)

    def _read(self, response: httpx.Response, service: str, end: float) -> bytes:
        """The body, up to the cap and the deadline: httpx' own timeouts count from byte to byte."""
        chunks, size = [], 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > self._patience.max_bytes:
                raise SourceUnavailable(
                    service,
                    f"its answer is larger than {self._patience.max_bytes} bytes; ask for smaller batches",
                    divisible=True,
                )
            if self._monotonic() > end:
                raise TimeoutError(f"still receiving after the deadline, {size} bytes so far")
            chunks.append(chunk)
        return b"".join(chunks)

    def _keys(self, call: Call) -> tuple[str, ...]:
        """Values that must not get out. E-mail addresses are not among them: papers hold those, too."""
        return (*self._secrets, *(value for name, value in call.params if name == "api_key" and value))

    def _reply(self, response: httpx.Response, body: bytes, secrets: tuple[str, ...]) -> Reply:
        for secret in secrets:
            body = body.replace(secret.encode(), b"[redacted]")
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        at = self._now().astimezone(UTC).isoformat(timespec="seconds")
        return Reply(status=response.status_code, headers=headers, body=body, at=at)

    def _service(self, name: str) -> Service:
        try:
            return self._services[name]
        except KeyError:
            raise SourceUnavailable(
                name, f"no address is configured; known: {sorted(self._services)}"
            ) from None

    def _unavailable(
        self, call: Call, attempts: int, said: str, wanted: float | None, *, divisible: bool
    ) -> SourceUnavailable:
        wait = f", which asks us to wait {wanted:.0f} s" if wanted else ""
        return SourceUnavailable(
            call.service,
            f"{call.path} failed {attempts} time(s){wait}; last: {said}\n"
            "  nothing is lost: run again later, and what has arrived is not asked for again",
            divisible=divisible,
        )

    def _miss(self, call: Call) -> str:
        """What was asked for, against the nearest request that the log does have."""
        kept: list[str] = list(self._log.requests(call.service)) if isinstance(self._log, Browsable) else []
        lines = difference(call.request, kept) or f"asked: {call.request}\nnothing like it is stored"
        return (
            f"replay needs an exchange with {call.service} that was never stored: {call.key}\n"
            + "\n".join(f"  {line}" for line in lines.splitlines())
            + "\n  remedy: replay the review as it was; a changed query or protocol needs a new run"
        )


_FORM = {"content-type": "application/x-www-form-urlencoded"}


class _Redacting(logging.Filter):
    """httpx logs whole URLs at INFO; services that take an e-mail in the query would leak it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_REDACTING = _Redacting()
