"""HTTP/1.1 on loopback with asyncio, for servers that hundreds of clients ask at once.

One event loop, no threads per connection; whole bodies in and out. What real libraries hide is in reach here: a
reply can be cut, dripped, or the connection reset in its stead.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(frozen=True)
class Heard:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Out:
    """What goes out."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    """The connection is reset instead."""
    cut_after: int | None = None
    """The connection ends after so many bytes of the body, although more were promised."""
    drip_s: float = 0.0
    """Seconds between single bytes of the body."""


Answering = Callable[[Heard], Awaitable[Out]]

_GONE = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


async def start(answering: Answering, port: int = 0) -> tuple[asyncio.Server, int]:
    """Listen on loopback.

    Returns:
        The server, and its port.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (heard := await _heard(reader)) is not None:
                if not await _sent(writer, await answering(heard)):
                    return
        except _GONE:  # the client left in the middle, as an impatient one does
            pass
        except asyncio.CancelledError:  # the server ends; asyncio would report the task as failed
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, backlog=1024, limit=1 << 20)
    return server, int(server.sockets[0].getsockname()[1])


@contextmanager
def running(answering: Answering, port: int = 0, ending: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Serve from a thread until the block ends; the port. `ending` is called in the loop before it ends."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ports: list[int] = []
    done = asyncio.Event()

    async def serve() -> None:
        server, listening = await start(answering, port)
        ports.append(listening)
        ready.set()
        await done.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        ending()
        for _ in range(3):  # transports close in the turns after
            await asyncio.sleep(0)

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            loop.close()
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    if not ports:
        raise OSError(f"port {port} cannot be listened on")
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


async def _heard(reader: asyncio.StreamReader) -> Heard | None:
    """The next request of a connection; None when the client closed it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, path, _ = first.split(" ", 2)
    headers = headers_of(lines)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, path, headers, body)


def headers_of(lines: list[str]) -> dict[str, str]:
    """Header lines by lower-case name."""
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


async def _sent(writer: asyncio.StreamWriter, out: Out) -> bool:
    """Send a reply. Whether the connection lives on."""
    if out.reset:
        reset(writer)
        return False
    told = {"Content-Type": out.content_type, "Content-Length": str(len(out.body)), **out.headers}
    head = f"HTTP/1.1 {out.status} {_phrase(out.status)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n"
    body = out.body if out.cut_after is None else out.body[: out.cut_after]
    if not out.drip_s:
        writer.write(head.encode("latin-1") + body)
        await writer.drain()
        return out.cut_after is None
    writer.write(head.encode("latin-1"))
    for byte in body:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(out.drip_s)
    return out.cut_after is None


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off so that the other side learns of it at once."""
    raw: socket.socket | None = writer.get_extra_info("socket")
    with suppress(OSError):
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
