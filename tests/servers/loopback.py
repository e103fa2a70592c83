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
    """What can be served."""

    def utility(self, path: str) -> str | None:
        """The name under which faults know this path; None for an unknown one."""
        ...

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer: ...

    def forget(self) -> None: ...


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    at_s: float
    """Of a monotonic clock."""
    method: str
    utility: str
    url: str
    params: Mapping[str, str]


@dataclass
class Served:
    """A running service."""

    address: str
    log: list[Seen] = field(default_factory=list)

    def asked(self, utility: str) -> list[Seen]:
        return [seen for seen in self.log if seen.utility == utility]


@contextmanager
def serving(service: Service, faults: Sequence[Fault] = (), port: int = 0) -> Iterator[Served]:
    """Serve until the block ends. `port` 0 takes any free one; it is in the address."""
    lock = threading.Lock()
    counts: Counter[str] = Counter()
    server = ThreadingHTTPServer(("127.0.0.1", port), BaseHTTPRequestHandler)
    served = Served(f"http://127.0.0.1:{server.server_port}/")

    def respond(method: str, url: str, body: str) -> Answer:
        parts = urlsplit(url)
        utility = service.utility(parts.path)
        params = dict(
            parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
        )
        with lock:
            served.log.append(Seen(time.monotonic(), method, utility or "", url, params))
            counts[utility or ""] += 1
            count = counts[utility or ""]
        if utility is None:
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


def _handler(respond: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Buffered, so that headers and body leave together: two small packets would wait 40 ms
        # for each other (Nagle against delayed acknowledgement).
        wbufsize = -1
        timeout = 30

        def do_GET(self) -> None:
            self._send(respond("GET", self.path, ""))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            self._send(respond("POST", self.path, self.rfile.read(length).decode()))

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
            self.wfile.write(answer.body[: answer.cut_after])
            self.close_connection = answer.cut_after is not None

        def log_message(self, *_: object) -> None:
            """Quiet: the request log is for asking, not for reading along."""

    return Handler
