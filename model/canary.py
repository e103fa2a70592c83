"""What a server must show before its answers are used: that it has the model, and that it holds it to a form.

A server that does not know `response_format` answers all the same, with whatever the model likes to say. So it is
asked something whose natural answer the form does not allow. That is no call of the review, and not stored.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

from model.connection import Connection, Said
from model.engine import EngineRefused, EngineUnavailable, EngineUnfit, RequestTooLong
from tools.errors import EngineError

__all__ = ["NAME", "SCHEMA", "Served", "Structured", "examined", "forget", "response_format"]

Structured = Literal["json_schema", "json_object", "none"]
"""How the form of an answer is asked for: OpenAI's way, llama.cpp's older one, or in the words of the prompt only."""

NAME = "canary"
ANSWERS = ("heron", "marten")
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": list(ANSWERS)}},
    "required": ["answer"],
    "additionalProperties": False,
}
QUESTION = "How many legs has a spider? Answer with one digit and nothing else."
MAX_TOKENS = 512
"""A model that thinks before it answers needs more than the answer's six."""


@dataclass(frozen=True)
class Served:
    """What a server tells about the model it serves; None where it does not tell."""

    model: str
    root: str | None = None
    """The folder or name of the weights behind the model's name."""
    context: int | None = None
    """Tokens that a request and its answer may have together."""


def response_format(structured: Structured, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that ask for an answer of this form; none for `none`."""
    if structured == "json_schema":
        return {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": name, "schema": schema, "strict": True},
            }
        }
    if structured == "json_object":
        return {"response_format": {"type": "json_object", "schema": schema}}
    return {}


async def examined(connection: Connection, structured: Structured) -> Served:
    """What a server told about its model, once it has passed: once per process and endpoint.

    Callers at the same time share the examination. A failure is not remembered: a server that was mended or
    started since is asked again.

    Raises:
        EngineUnfit: it answers otherwise than in the form asked for, or does not take the question.
        EngineUnavailable: nobody is there, or the model is not.
        EngineBusy: not now.
    """
    key = _key(connection, structured)
    if (passed := _passed.get(key)) is not None:
        return passed
    loop = asyncio.get_running_loop()
    underway = _underway.setdefault(loop, {})
    if key not in underway:
        underway[key] = loop.create_task(_exam(connection, structured, key))
        underway[key].add_done_callback(lambda done: _over(done, underway.pop(key, None)))
    try:
        return await asyncio.shield(underway[key])
    except EngineError as e:
        raise copy.copy(e) from e  # each caller its own: what is noted on one is not on the others'


def forget(base_url: str) -> None:
    """Examine what answers at an address anew when it is next asked: it may be another server by then."""
    for key in [key for key in _passed if key[0] == base_url.rstrip("/")]:
        _passed.pop(key, None)


_Key = tuple[str, str, str | None, str]
_passed: dict[_Key, Served] = {}
_underway: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Key, asyncio.Task[Served]]] = (
    WeakKeyDictionary()
)


def _key(connection: Connection, structured: Structured) -> _Key:
    return connection.base_url, connection.model, connection.api_key_env, structured


def _over(done: asyncio.Task[Served], _removed: object) -> None:
    if not done.cancelled():
        done.exception()  # where every caller gave up before, nobody else looks at it


async def _exam(connection: Connection, structured: Structured, key: _Key) -> Served:
    served = await _listed(connection)
    if structured != "none":
        await _held_to_a_form(connection, structured, served.context)
    _passed[key] = served
    return served


async def _listed(connection: Connection) -> Served:
    status, told = await connection.get(f"{connection.base_url}/models")
    if status in (404, 405, 501):  # it tells no models; whether it has ours shows when it is asked
        return Served(connection.model)
    if status != 200:
        raise connection.refusal(status, json.dumps(told), {})
    models = _models(told)
    wanted = {connection.model, f"{connection.model}:latest"}  # Ollama's name for a name without a tag
    found = next((model for model in models if model["id"] in wanted), None)
    if models and found is None:
        names = ", ".join(connection.told(model["id"]) for model in models[:20])
        raise EngineUnavailable(
            f"{connection.name}: the server at {connection.shown} has no model {connection.model}; "
            f"it has: {names}. Remedy: correct engine.model, then `python -m agent resume`."
        )
    if found is None:
        return Served(connection.model)
    root, context = found.get("root"), found.get("max_model_len")
    if context is None and found.get("parent"):  # an adapter reads as much as the model it is put on
        context = next(
            (model.get("max_model_len") for model in models if model["id"] == found["parent"]), None
        )
    return Served(
        found["id"], root if isinstance(root, str) else None, context if isinstance(context, int) else None
    )


def _models(told: Any) -> list[Mapping[str, Any]]:
    """The models of a listing; none where it is no listing."""
    listed = told.get("data") if isinstance(told, dict) else None
    entries = listed if isinstance(listed, list) else []
    return [each for each in entries if isinstance(each, dict) and isinstance(each.get("id"), str)]


async def _held_to_a_form(connection: Connection, structured: Structured, context: int | None) -> None:
    max_tokens = MAX_TOKENS if context is None else min(MAX_TOKENS, context // 2)
    body = {"temperature": 0.0, "seed": 1} | response_format(structured, NAME, SCHEMA)
    try:
        said = await connection.complete([{"role": "user", "content": QUESTION}], body, max_tokens=max_tokens)
    except RequestTooLong:
        raise
    except EngineRefused as e:
        raise EngineUnfit(f"{e}. It was asked for an answer in a given form. {_remedy(structured)}") from e
    if not _fits(said):
        shown = connection.told(said.text)[:80]
        how = "cut off before its end" if said.finish == "length" else "not in the form"
        raise EngineUnfit(
            f"{connection.name}: the server at {connection.shown} does not hold the model to a form: asked for "
            f"one of {', '.join(ANSWERS)} in JSON, it said {shown!r}, which is {how}. {_remedy(structured)}"
        )


def _fits(said: Said) -> bool:
    if said.finish == "length":
        # Some grammars allow white space without end. As far as it goes it must be the form, not a number.
        begun = "".join(said.text.split())
        return bool(begun) and any(f'{{"answer":"{one}"}}'.startswith(begun) for one in ANSWERS)
    try:
        told = json.loads(said.text)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and list(told) == ["answer"] and told["answer"] in ANSWERS


def _remedy(structured: Structured) -> str:
    other = "json_object (llama.cpp)" if structured == "json_schema" else "json_schema (vLLM, Ollama)"
    return (
        'Remedy: start vLLM with --structured-outputs-config \'{"backend": "xgrammar", '
        '"disable_any_whitespace": true}\' as `python -m model.serve` does, or try engine.structured_output: '
        f"{other}. Only `none` goes on without: then the prompt's words alone ask for the form, and answers in "
        "another are lost."
    )
