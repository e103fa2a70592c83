"""A proxy on loopback that spoils some of what passes between a client and an OpenAI-compatible server.

Which fault meets which question is a function of seed and question, and is written down, so that a test knows
beforehand which records must have failed, and how. A transient fault meets a question the first time it is asked; a
sticky one, every time.

    with proxying(server_url, Mischief(rate=0.05, seed=7)) as proxy:
        ...  # ask proxy.base_url
    proxy.log
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from tests.servers.gpu import drawn, prompt_of
from tests.servers.streams import Heard, Out, headers_of, running

Spoil = Callable[[Out], Out]
"""What the server said to what goes out."""


def _error(status: int, message: str, kind: str, **headers: str) -> Out:
    told = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Out(json.dumps(told).encode(), status, headers=names)


def _reworded(out: Out, change: Callable[[str], str], **choice: Any) -> Out:
    """The completion with other words in it."""
    told = json.loads(out.body)
    first = told["choices"][0]
    first["message"]["content"] = change(first["message"]["content"])
    first |= choice
    return replace(out, body=json.dumps(told).encode())


def _refused(out: Out) -> Out:
    told = json.loads(out.body)
    told["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I would rather not."}
    return replace(out, body=json.dumps(told).encode())


def twice(text: str) -> str:
    """A JSON object in which the first item comes a second time: as a property, or in a list."""
    name, items = _listed(json.loads(text))
    if isinstance(items, list):
        return json.dumps({name: [*items[:1], *items]})
    pairs = [f"{json.dumps(key)}: {json.dumps(item)}" for key, item in items.items()]
    return f"{{{json.dumps(name)}: {{{', '.join([pairs[0], *pairs])}}}}}"


def without_one(text: str) -> str:
    """The same without its last item."""
    name, items = _listed(json.loads(text))
    rest = items[:-1] if isinstance(items, list) else dict(list(items.items())[:-1])
    return json.dumps({name: rest})


def _listed(told: Mapping[str, Any]) -> tuple[str, Any]:
    return next((name, items) for name, items in told.items() if isinstance(items, list | dict) and items)


FAULTS: Mapping[str, Spoil | None] = {
    "bad_request": lambda _: _error(400, "This prompt is not to my taste.", "BadRequestError"),
    "rate_limit": lambda _: _error(429, "Too many requests.", "rate_limit_error"),
    "rate_limit_wait": lambda _: _error(429, "Too many requests.", "rate_limit_error", Retry_After="1"),
    "unavailable": lambda _: _error(503, "The queue is full.", "QueueOverflowError"),
    "reset_before": None,
    "reset_after": lambda out: replace(out, reset=True),
    "drip": lambda out: replace(out, drip_s=0.1),
    "cut": lambda out: replace(out, cut_after=len(out.body) // 2),
    "wrong_schema": lambda out: _reworded(out, lambda _: '{"decision": "include", "confidence": 0.9}'),
    "empty": lambda out: _reworded(out, lambda _: ""),
    "prose": lambda out: _reworded(
        out, lambda text: f"Sure! Here it is:\n```json\n{text}\n```\nAnything else?"
    ),
    "twice": lambda out: _reworded(out, twice),
    "missing": lambda out: _reworded(out, without_one),
    "truncated": lambda out: _reworded(out, lambda text: text[: len(text) // 2], finish_reason="length"),
    "refusal": _refused,
}
"""Name to what goes out instead. None: the server is not even asked. The first four are not asked either."""

UNASKED = ("bad_request", "rate_limit", "rate_limit_wait", "unavailable")


@dataclass(frozen=True)
class Mischief:
    """Whom a fault meets, and which."""

    rate: float
    """Share of the questions, from 0 to 1."""
    seed: int = 0
    sticky: float = 0.0
    """Share of the faults that meet their question every time."""
    faults: Sequence[str] = tuple(FAULTS)
    key: Callable[[Mapping[str, Any]], str | None] = prompt_of
    """What of a request's body is the question; None: it is never spoiled."""

    def meets(self, question: str) -> tuple[str, bool] | None:
        """The fault of a question and whether it is sticky; None for the healthy ones."""
        at = drawn(self.seed, "fault", question)
        if at >= self.rate:
            return None
        name = self.faults[int(at / self.rate * len(self.faults))]
        return name, drawn(self.seed, "sticky", question) < self.sticky


@dataclass(frozen=True)
class Passed:
    """One question that went by."""

    question: str
    nth: int
    """The how-manieth time it was asked, from 1."""
    fault: str | None
    status: int | None
    """Of the HTTP reply; None where there was none."""


@dataclass
class Proxy:
    """A running proxy."""

    upstream: str
    mischief: Mischief
    base_url: str = ""
    log: list[Passed] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def __call__(self, heard: Heard) -> Out:
        """Pass one request on, or spoil it."""
        question = self._question(heard)
        if question is None:
            return await self._upstream(heard)
        self._counts[question] += 1
        nth = self._counts[question]
        name, sticky = self.mischief.meets(question) or (None, False)
        if nth > 1 and not sticky:
            name = None
        out = await self._spoiled(heard, name)
        lost = out.reset or out.cut_after is not None
        self.log.append(Passed(question, nth, name, None if lost else out.status))
        return out

    def close(self) -> None:
        """Let go of the connections to the server."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _spoiled(self, heard: Heard, name: str | None) -> Out:
        if name is None:
            return await self._upstream(heard)
        spoil = FAULTS[name]
        if spoil is None:
            return Out(reset=True)
        if name in UNASKED:
            return spoil(Out())
        out = await self._upstream(heard)
        return spoil(out) if out.status == 200 else out

    def _question(self, heard: Heard) -> str | None:
        if not heard.path.endswith("/chat/completions"):
            return None
        return self.mischief.key(json.loads(heard.body))

    async def _upstream(self, heard: Heard) -> Out:
        """The server's reply; a reset where there is no server."""
        try:
            return await self._exchange(heard)
        except (OSError, asyncio.IncompleteReadError):
            return Out(reset=True)

    async def _exchange(self, heard: Heard) -> Out:
        address = urlsplit(self.upstream)
        if self._idle:
            reader, writer = self._idle.pop()
            if reader.at_eof() or writer.is_closing():
                writer.close()
                return await self._exchange(heard)
        else:
            reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 20)
        dropped = ("host", "connection", "accept-encoding", "content-length")
        lines = [f"{name}: {value}" for name, value in heard.headers.items() if name not in dropped]
        lines += [f"Host: {address.netloc}", f"Content-Length: {len(heard.body)}"]
        head = f"{heard.method} {heard.path} HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n"
        try:
            writer.write(head.encode("latin-1") + heard.body)
            await writer.drain()
            out, lives = await _reply(reader)
        except BaseException:
            writer.close()
            raise
        if lives:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return out


async def _reply(reader: asyncio.StreamReader) -> tuple[Out, bool]:
    """A whole reply, and whether its connection can be used again."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = headers_of(lines)
    status = int(first.split(" ")[1])
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        return Out(await reader.read(), status, headers.get("content-type", "")), False
    kept = {name: headers[name] for name in ("retry-after",) if name in headers}
    lives = headers.get("connection", "").lower() != "close"
    return Out(body, status, headers.get("content-type", "application/json"), kept), lives


@contextmanager
def proxying(upstream: str, mischief: Mischief, port: int = 0) -> Iterator[Proxy]:
    """Stand before a server until the block ends.

    Args:
        upstream: its address for clients, such as `http://127.0.0.1:8000/v1`.
    """
    proxy = Proxy(upstream, mischief)
    with running(proxy, port, proxy.close) as listening:
        proxy.base_url = f"http://127.0.0.1:{listening}{urlsplit(upstream).path}"
        yield proxy
