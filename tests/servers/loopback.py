"""A service on a port of this machine, with its faults and a log of what it was asked."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from tests.servers.faults import Answer, Fault


class Service(Protocol):
    """What can be served, alone or below a prefix of a joint address."""

    def utility(self, path: str) -> str | None:
        """The name under which faults and the log know this path; None for an unknown one.

        A path that holds an id keeps it behind a slash: `studies/NCT00000001` is counted as `studies`, and
        `answer` gets the whole. Names are unique among the services of one address.
        """
        ...

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer:
        """A healthy answer. `params` is a `Form`: repeated parameters are in `params.every(name)`."""
        ...

    def forget(self) -> None:
        """Lose what was kept between requests, such as searches and cursors."""
        ...


class Form(dict[str, str]):
    """Parameters of a request; of a repeated one the last value, and all of them by `every`."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.pairs = tuple(pairs)

    def every(self, name: str) -> list[str]:
        """All values of a parameter, in order."""
        return [value for key, value in self.pairs if key == name]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    at_s: float
    """Of a monotonic clock."""
    method: str
    utility: str
    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""


@dataclass
class Served:
    """A running service, or several below one address."""

    address: str
    log: list[Seen] = field(default_factory=list)
    prefixes: tuple[str, ...] = ("",)

    def asked(self, utility: str) -> list[Seen]:
        """Requests for a utility, with or without an id behind its slash."""
        return [seen for seen in self.log if utility in (seen.utility, seen.utility.partition("/")[0])]

    def at(self, prefix: str) -> str:
        """The address of one of several services."""
        return self.address + prefix.strip("/") + ("/" if prefix.strip("/") else "")


@contextmanager
def serving(
    services: Service | Mapping[str, Service], faults: Sequence[Fault] = (), port: int = 0
) -> Iterator[Served]:
    """Serve until the block ends.

    Args:
        services: one, or several by the prefix of their paths, such as `{"eutils": …, "ctgov": …}`.
        faults: when they misbehave, and how; the first that meets a request decides.
        port: 0 takes any free one; it is in the address.
    """
    by_prefix = dict(services) if isinstance(services, Mapping) else {"": services}
    lock = threading.Lock()
    counts: Counter[str] = Counter()
    server = _Server(("127.0.0.1", port), BaseHTTPRequestHandler)
    served = Served(f"http://127.0.0.1:{server.server_port}/", prefixes=tuple(by_prefix))

    def respond(method: str, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(url)
        service, utility = _found(by_prefix, parts.path)
        params = Form(
            parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
        )
        with lock:
            served.log.append(Seen(time.monotonic(), method, utility or "", url, params, headers))
            name = (utility or "").partition("/")[0]
            counts[name] += 1
            count = counts[name]
        if service is None or utility is None:
            return Answer(b"Not Found", 404, "text/plain")
        for fault in faults:
            if fault.meets(utility, count):
                return fault.behaviour(params, lambda: service.answer(utility, params), service)
        return service.answer(utility, params)

    server.RequestHandlerClass = _handler(respond)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    # A burst of connections is not turned away, and a slow answer does not hold up the end.
    request_queue_size = 64
    daemon_threads = True


def _found(by_prefix: Mapping[str, Service], path: str) -> tuple[Service | None, str | None]:
    """The service whose prefix fits best, and its name for the rest of the path."""
    for prefix in sorted(by_prefix, key=len, reverse=True):
        start = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
        if path.startswith(f"{start}/"):
            service = by_prefix[prefix]
            return service, service.utility(path[len(start) :])
    return None, None


def _handler(respond: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Buffered, so that headers and body leave together: two small packets would wait 40 ms
        # for each other (Nagle against delayed acknowledgement).
        wbufsize = -1
        timeout = 30

        def do_GET(self) -> None:
            self._send(respond("GET", self.path, "", self._lower()))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            self._send(respond("POST", self.path, self.rfile.read(length).decode(), self._lower()))

        def _lower(self) -> Mapping[str, str]:
            return {name.lower(): value for name, value in self.headers.items()}

        def _send(self, answer: Answer) -> None:
            if answer.reset:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.drip_s:
                self._drip(answer.body, answer.drip_s)
            else:
                self.wfile.write(answer.body[: answer.cut_after])
            self.close_connection = answer.cut_after is not None

        def _drip(self, body: bytes, pause_s: float) -> None:
            """A twentieth at a time."""
            size = max(1, len(body) // 20)
            for start in range(0, len(body), size):
                try:
                    self.wfile.write(body[start : start + size])
                    self.wfile.flush()
                except OSError:  # the client has given up
                    self.close_connection = True
                    return
                time.sleep(pause_s)

        def log_message(self, *_: object) -> None:
            """Quiet: the request log is for asking, not for reading along."""

    return Handler
