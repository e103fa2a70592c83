"""An OpenAI-compatible chat server over real HTTP on this machine: answers by a script, misbehaves by another.

It does what vLLM does where that matters here: another model's name is a 404, a missing key a 401, a
prompt beyond the context a 400, fields it does not know are ignored, and without `response_format` it
answers in prose, so that a client which forgets to ask for a form does not get one. It lists its model, says
whether it is well, tells logprobs in tokens of a few letters, and passes the examination of `model.canary` unless
it is told not to; neither its questions nor those about the server count among the chat requests.
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

from model import canary

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
    method: str = "POST"

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
    cut: bool = False
    """The connection ends in the middle of the body."""
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
    """Chat requests, but for those of the examination."""
    examined: list[Asked] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    """Paths of what was asked about the server itself."""
    well: bool = True
    """What `/health` says."""
    release: threading.Event = field(default_factory=threading.Event)
    connections: int = 0


@contextmanager
def serving(
    script: Script,
    faults: Sequence[Fault | None] = (),
    *,
    key: str | None = None,
    context_chars: int = 1_000_000,
    context: int | None = None,
    model: str = MODEL,
    holds_to_forms: bool = True,
    canary_fault: Fault | None = None,
    models: bytes | int | None = None,
    port: int = 0,
) -> Iterator[Served]:
    """Serve until the block ends.

    Args:
        script: what a healthy server says.
        faults: what happens to the first, second, … chat request; None for nothing. Later ones are healthy.
        key: what `Authorization` must bear; None lets everybody in.
        context_chars: a longer prompt is refused.
        context: likewise, in tokens (of four letters) and with the longest answer; it is told in `/v1/models`.
        model: the only one there is.
        holds_to_forms: False ignores `response_format`, as servers do that do not know it.
        canary_fault: what happens to questions of the examination.
        models: instead of the list of models, another body or an HTTP error.
        port: 0 takes any free one.
    """
    server = _Server(("127.0.0.1", port), BaseHTTPRequestHandler)
    served = Served(f"http://127.0.0.1:{server.server_port}/v1")
    canary.forget(served.base_url)  # another test may have had this port
    lock = threading.Lock()

    def respond(asked: Asked) -> Reply:
        if asked.method == "GET":
            with lock:
                served.about.append(asked.path)
            return _about(asked, served, key=key, model=model, context=context, models=models)
        asks_form = _is_canary(asked.body)
        with lock:
            log = served.examined if asks_form else served.log
            log.append(asked)
            number = len(log)
        said = (lambda body: '{"answer": "heron"}') if asks_form else script
        if not holds_to_forms:
            said = _freely
        reply = _healthy(asked, said, key=key, context_chars=context_chars, context=context, model=model)
        fault = canary_fault if asks_form else faults[number - 1] if number <= len(faults) else None
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


class _Server(ThreadingHTTPServer):
    # A burst of connections is not turned away, and a slow answer does not hold up the end.
    request_queue_size = 512
    daemon_threads = True


def _about(
    asked: Asked,
    served: Served,
    *,
    key: str | None,
    model: str,
    context: int | None,
    models: bytes | int | None,
) -> Reply:
    """What the server tells about itself."""
    if asked.path == "/health":
        return Reply(200 if served.well else 503, b"")
    if key is not None and asked.headers.get("authorization") != f"Bearer {key}":
        return error(401, "Unauthorized", "authentication_error")
    if asked.path != "/v1/models" or isinstance(models, int):
        status = models if isinstance(models, int) else 404
        return error(status, "Not Found", "NotFoundError")
    if models is not None:
        return Reply(200, models)
    told = {"id": model, "object": "model", "created": 1, "owned_by": "vllm", "root": f"invented/{model}"}
    listed = [told | ({"max_model_len": context} if context else {})]
    return Reply(200, json.dumps({"object": "list", "data": listed}).encode())


def _freely(_body: Mapping[str, Any]) -> str:
    return "Eight."


def _is_canary(body: Mapping[str, Any]) -> bool:
    form = body.get("response_format", {})
    return canary.SCHEMA in (form.get("schema"), form.get("json_schema", {}).get("schema"))


def _healthy(
    asked: Asked,
    script: Script,
    *,
    key: str | None,
    model: str,
    context_chars: int = 1_000_000,
    context: int | None = None,
) -> Reply:
    body = asked.body
    if key is not None and asked.headers.get("authorization") != f"Bearer {key}":
        return error(401, "Unauthorized", "authentication_error")
    if asked.path != "/v1/chat/completions":
        return error(404, "Not Found", "NotFoundError")
    if body["model"] != model:
        return error(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
    needed = len(asked.prompt) // 4 + body.get("max_completion_tokens", body.get("max_tokens", 0))
    if len(asked.prompt) > context_chars or (context is not None and needed > context):
        said = f"This model's maximum context length is {context or context_chars} tokens. However, you requested more."
        return error(400, said, "BadRequestError")
    form = body.get("response_format", {}).get("type", "text")
    if form not in ("text", "json_object", "json_schema"):
        return error(400, f"unknown response_format {form!r}", "BadRequestError")
    held = form == "json_schema" or "schema" in body.get("response_format", {})
    return completion(script(body) if held else "Well, that depends on how one looks at it.", asked)


def logprobs(text: str, length: int = 3) -> dict[str, Any]:
    """Tokens of a few letters; each was certain."""
    pieces = [text[at : at + length] for at in range(0, len(text), length)]
    told = [
        {"token": piece, "logprob": 0.0, "bytes": list(piece.encode(errors="replace"))} for piece in pieces
    ]
    return {"content": [one | {"top_logprobs": [one]} for one in told]}


def completion(text: str, asked: Asked, finish: str = "stop", **message: Any) -> Reply:
    """A chat completion; tokens are counted in words."""
    tokens = {"prompt_tokens": len(asked.prompt.split()), "completion_tokens": len(text.split())}
    told = {"role": "assistant", "content": text} | message
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked.body["model"],
        "choices": [
            {
                "index": 0,
                "message": told,
                "finish_reason": finish,
                "logprobs": logprobs(text) if asked.body.get("logprobs") else None,
            }
        ],
        "usage": tokens | {"total_tokens": sum(tokens.values())},
    }
    return Reply(200, json.dumps(body).encode())


def error(status: int, message: str, kind: str) -> Reply:
    """An error in the API's form."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return Reply(status, json.dumps(body).encode())


# Faults ------------------------------------------------------------------------------------------


def failing(status: int, message: str = "no", kind: str = "server_error", **headers: str) -> Fault:
    """An HTTP error. `headers`: with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda healthy, asked: replace(error(status, message, kind), headers=named)


def redirecting(healthy: Reply, asked: Asked) -> Reply:
    """Somebody wants us to go and log in elsewhere."""
    return Reply(302, b"", headers={"Location": "/login"})


def echoing_the_key(status: int = 401) -> Fault:
    """An error that says the key back, as proxies have been seen to."""
    return lambda healthy, asked: error(status, f"Incorrect key: {asked.headers['authorization']}", "auth")


def reset(healthy: Reply, asked: Asked) -> Reply:
    """The connection breaks."""
    return replace(healthy, reset=True)


def cut(healthy: Reply, asked: Asked) -> Reply:
    """The connection breaks in the middle of the answer."""
    return replace(healthy, cut=True)


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


def finishing(reason: str) -> Fault:
    """The answer ends for another reason."""
    return lambda healthy, asked: completion(_text(healthy), asked, finish=reason)


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

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(respond(Asked(self.path, headers, {}, "GET")))

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
            if not reply.trickle:
                self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
            self.wfile.flush()
            self.close_connection = self.close_connection or reply.cut

        def finish(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                super().finish()

        def log_message(self, *_: object) -> None:
            """Quiet: the log is for asking, not for reading along."""

    return Handler
