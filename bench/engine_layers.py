"""What each of our layers costs per request, for `bench.engine`: the same prompts to a server that answers at once.

All layers are asked in turn in one process and one event loop, several rounds; of each the cheapest round counts.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.engine_work import (
    Setting,
    assembled_engine,
    body,
    chat_engine,
    clock,
    pooled,
    questions,
    response_format,
    since,
)

if TYPE_CHECKING:
    from model.engine import Engine, Request

__all__ = ["LAYERS", "layers"]

LAYERS = (
    "httpx",
    "openai",
    "langchain",
    "ChatEngine",
    "+ Limited, Retried",
    "+ Recorded",
    "as in a review",
    "from the store",
)
"""From the inside out; each of ours stands around the one before. The last finds everything stored."""

Asking = Callable[["Request[Any, Any]"], Awaitable[Any]]


def layers(setting: Setting, rounds: int) -> list[dict[str, Any]]:
    """A row per layer: microseconds per request, of the wall and of this process."""
    with tempfile.TemporaryDirectory() as folder:
        # They outlive the event loop, whose end closes their clients.
        engines = _engines(setting, Path(folder))
        return asyncio.run(_layers(setting, rounds, engines))


async def _layers(setting: Setting, rounds: int, engines: Mapping[str, Engine]) -> list[dict[str, Any]]:
    best: dict[str, tuple[float, float]] = {}
    async with AsyncExitStack() as stack:
        asked = {
            "httpx": await _httpx(setting, stack),
            "openai": await _openai(setting, stack),
            "langchain": _langchain(setting, stack),
            **{name: engine.answer for name, engine in engines.items()},
        }
        assert tuple(asked) == LAYERS
        for number in range(rounds):
            papers = _papers(setting, number)
            for name, ask in asked.items():
                # The store knows what the layer before it has asked.
                requests = papers["as in a review" if name == "from the store" else name]
                took = await _one_round(ask, requests, setting.in_flight)
                before = best.get(name, took)
                best[name] = min(before[0], took[0]), min(before[1], took[1])
    return [
        {
            "layer": name,
            "wall_us": round(best[name][0] * 1e6 / setting.records),
            "cpu_us": round(best[name][1] * 1e6 / setting.records),
            "more_than_langchain_us": round((best[name][1] - best["langchain"][1]) * 1e6 / setting.records),
        }
        for name in LAYERS
    ]


def _papers(setting: Setting, number: int) -> dict[str, list[Request[Any, Any]]]:
    """Papers of their own for each layer, so that no store knows them."""
    return {name: questions(replace(setting, seed=f"{setting.seed}-{name}-{number}")) for name in LAYERS}


async def _one_round(
    ask: Asking, requests: Sequence[Request[Any, Any]], in_flight: int
) -> tuple[float, float]:
    began = clock()
    await pooled(ask, requests, in_flight)
    return since(began)


async def _httpx(setting: Setting, stack: AsyncExitStack) -> Asking:
    import httpx

    from model.forms import form

    unbounded = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = await stack.enter_async_context(
        httpx.AsyncClient(limits=unbounded, timeout=120, trust_env=False)
    )

    async def ask(request: Request[Any, Any]) -> Any:
        prompt = form(setting.prompts, request.task).prompt(request.input).text
        reply = await client.post(f"{setting.url}/chat/completions", json=body(setting, prompt))
        return reply.json()["choices"][0]["message"]["content"]

    return ask


async def _openai(setting: Setting, stack: AsyncExitStack) -> Asking:
    import openai

    from model.forms import form

    client = await stack.enter_async_context(openai.AsyncOpenAI(api_key="none", base_url=setting.url))
    create: Any = client.chat.completions.create

    async def ask(request: Request[Any, Any]) -> Any:
        prompt = form(setting.prompts, request.task).prompt(request.input).text
        return await create(**body(setting, prompt))

    return ask


def _langchain(setting: Setting, stack: AsyncExitStack) -> Asking:
    from langchain_openai import ChatOpenAI

    from model.forms import form

    model = ChatOpenAI(
        model=setting.model,
        base_url=setting.url,
        api_key=lambda: "none",
        max_retries=0,
        temperature=0.0,
        max_completion_tokens=setting.max_tokens,
    )
    stack.push_async_callback(model.root_async_client.close)
    bound = model.bind(response_format=response_format(setting))

    async def ask(request: Request[Any, Any]) -> Any:
        return await bound.ainvoke(form(setting.prompts, request.task).prompt(request.input).text)

    return ask


def _engines(setting: Setting, folder: Path) -> dict[str, Engine]:
    from model.wrappers import Limited, Recorded, Retried
    from tools.database import Database
    from tools.logs import CallLog

    def limited() -> Engine:
        return Retried(Limited(chat_engine(setting), setting.in_flight), lambda: 1.0)

    calls = CallLog(Database.file(folder / "calls.sqlite"), lambda: "2026-01-01T00:00:00Z")
    whole = assembled_engine(setting, folder)
    return {
        "ChatEngine": chat_engine(setting),
        "+ Limited, Retried": limited(),
        "+ Recorded": Recorded(limited(), calls),
        "as in a review": whole,
        "from the store": whole,
    }
