"""An OpenAI-compatible chat server over real HTTP on this machine: answers by a script, misbehaves by another.

It does what vLLM does where that matters here: another model's name is a 404, a missing key a 401, a
prompt beyond the context a 400, fields it does not know are ignored, and without `response_format` it
answers in prose, so that a client which forgets to ask for a form does not get one.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "invented-7b"
PATIENCE_S = 20.0
"""After which a slow answer goes out in any case, so that no test hangs for ever."""

Script = Callable[[Mapping[str, Any]], str]
"""The request's body to the text of the answer."""


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """The text of its messages."""
        return "\n".join(message["content"] for message in self.body["messages"])


@dataclass(frozen=True)
class Reply:
    """What goes out."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    held: bool = False
    """It goes out when the server is told to, or ends."""
    trickle: bool = False
    """Its bytes go out one by one until the server is told to go on."""


Fault = Callable[[Reply, Asked], Reply]
"""A healthy reply to what goes out instead."""


@dataclass
class Served:
    """A running server."""

    base_url: str
    log: list[Asked] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    connections: int = 0


@contextmanager
def serving(
    script: Script,
    faults: Sequence[Fault | None] = (),
    *,
    key: str | None = None,
    context_chars: int = 1_000_000,
    model: str = MODEL,
) -> Iterator[Served]:
    """Serve until the block ends.

    Args:
        script: what a healthy server says.
        faults: what happens to the first, second, … chat request; None for nothing. Later ones are healthy.
        key: what `Authorization` must bear; None lets everybody in.
        context_chars: a longer prompt is refused.
        model: the only one there is.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    served = Served(f"http://127.0.0.1:{server.server_port}/v1")
    lock = threading.Lock()

    def respond(asked: Asked) -> Reply:
        with lock:
            served.log.append(asked)
            number = len(served.log)
        fault = faults[number - 1] if number <= len(faults) else None
        reply = _healthy(asked, script, key=key, context_chars=context_chars, model=model)
        return reply if fault is None else fault(reply, asked)

    server.RequestHandlerClass = _handler(respond, served)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _healthy(asked: Asked, script: Script, *, key: str | None, context_chars: int, model: str) -> Reply:
    body = asked.body
    if key is not None and asked.headers.get("authorization") != f"Bearer {key}":
        return error(401, "Unauthorized", "authentication_error")
    if asked.path != "/v1/chat/completions":
        return error(404, "Not Found", "NotFoundError")
    if body["model"] != model:
        return error(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
    if len(asked.prompt) > context_chars:
        said = f"This model's maximum context length is {context_chars} tokens. However, you requested more."
        return error(400, said, "BadRequestError")
    form = body.get("response_format", {}).get("type", "text")
    if form not in ("text", "json_object", "json_schema"):
        return error(400, f"unknown response_format {form!r}", "BadRequestError")
    text = script(body) if form == "json_schema" else "Well, that depends on how one looks at it."
    return completion(text, asked)


def completion(text: str, asked: Asked, finish: str = "stop", **message: Any) -> Reply:
    """A chat completion; tokens are counted in words."""
    tokens = {"prompt_tokens": len(asked.prompt.split()), "completion_tokens": len(text.split())}
    told = {"role": "assistant", "content": text} | message
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked.body["model"],
        "choices": [{"index": 0, "message": told, "finish_reason": finish, "logprobs": None}],
        "usage": tokens | {"total_tokens": sum(tokens.values())},
    }
    return Reply(200, json.dumps(body).encode())


def error(status: int, message: str, kind: str) -> Reply:
    """An error in the API's form."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return Reply(status, json.dumps(body).encode())


# Faults ------------------------------------------------------------------------------------------


def failing(status: int, message: str = "no", kind: str = "server_error") -> Fault:
    """An HTTP error."""
    return lambda healthy, asked: error(status, message, kind)


def echoing_the_key(status: int = 401) -> Fault:
    """An error that says the key back, as proxies have been seen to."""
    return lambda healthy, asked: error(status, f"Incorrect key: {asked.headers['authorization']}", "auth")


def reset(healthy: Reply, asked: Asked) -> Reply:
    """The connection breaks."""
    return replace(healthy, reset=True)


def held(healthy: Reply, asked: Asked) -> Reply:
    """The answer does not come before the client's patience ends."""
    return replace(healthy, held=True)


def trickling(healthy: Reply, asked: Asked) -> Reply:
    """The answer comes a byte at a time, which restarts a client's read timeout with each."""
    return replace(healthy, trickle=True)


def page(healthy: Reply, asked: Asked) -> Reply:
    """A proxy's page that claims success."""
    return Reply(200, b"<html><body>Please log in</body></html>", "text/html")


def broken_json(healthy: Reply, asked: Asked) -> Reply:
    """Half of a document, sent as a whole one."""
    return replace(healthy, body=healthy.body[: len(healthy.body) // 2])


def other_json(healthy: Reply, asked: Asked) -> Reply:
    """JSON, but no chat completion."""
    return Reply(200, b'{"error": "overloaded"}')


def no_choices(healthy: Reply, asked: Asked) -> Reply:
    """A completion with nothing in it."""
    body = json.loads(healthy.body) | {"choices": []}
    return Reply(200, json.dumps(body).encode())


def truncated(healthy: Reply, asked: Asked) -> Reply:
    """The model ran to its limit in the middle of a word."""
    text = _text(healthy)
    return completion(text[: len(text) // 2], asked, finish="length")


def filtered(healthy: Reply, asked: Asked) -> Reply:
    """A content filter stepped in."""
    return completion("", asked, finish="content_filter")


def refusing(healthy: Reply, asked: Asked) -> Reply:
    """The model declines in the API's own form."""
    return completion("", asked, content=None, refusal="I cannot help with that.")


def saying(text: str) -> Fault:
    """The model says something else, with finish_reason `stop`."""
    return lambda healthy, asked: completion(text, asked)


def with_prose(healthy: Reply, asked: Asked) -> Reply:
    """The right JSON with a friendly sentence around it."""
    return completion(f"Sure! Here it is:\n```json\n{_text(healthy)}\n```", asked)


def changed(change: Callable[[Any], Any]) -> Fault:
    """The model's JSON, with something else in it."""
    return lambda healthy, asked: completion(json.dumps(change(json.loads(_text(healthy)))), asked)


def _text(reply: Reply) -> str:
    text: str = json.loads(reply.body)["choices"][0]["message"]["content"]
    return text


# HTTP --------------------------------------------------------------------------------------------


def _handler(respond: Callable[[Asked], Reply], served: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body leave together
        timeout = PATIENCE_S

        def setup(self) -> None:
            super().setup()
            served.connections += 1

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(respond(Asked(self.path, headers, body)))

        def _send(self, reply: Reply) -> None:
            if reply.held:
                served.release.wait(PATIENCE_S)
            if reply.reset:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                return
            try:
                self._write(reply)
            except (BrokenPipeError, ConnectionResetError):  # the client lost patience, as it should
                self.close_connection = True

        def _write(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for byte in reply.body if reply.trickle else b"":
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                served.release.wait(0.05)
            self.wfile.write(b"" if reply.trickle else reply.body)
            self.wfile.flush()

        def finish(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                super().finish()

        def log_message(self, *_: object) -> None:
            """Quiet: the log is for asking, not for reading along."""

    return Handler
