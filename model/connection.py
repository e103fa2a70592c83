"""One model behind one address: what is sent, what comes back, and which error each failure is.

Through langchain-openai's ChatOpenAI, below its callbacks: what is asked in a review goes to the server that the
protocol names, and neither to a tracing service that the environment switches on nor into a cache of langchain's.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from model.engine import (
    EngineBusy,
    EngineRefused,
    EngineTimeout,
    EngineUnavailable,
    RequestTooLong,
)
from tools.errors import ConfigError, EngineError
from tools.exchange import Service, redact, retry_after_s

__all__ = ["Connection", "Said"]

CONNECT_S = 15.0
"""Seconds within which a server has to take a connection; one that does not is not there."""

ABOUT_US_S = 30.0
"""Seconds for what a server tells about itself."""

_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|prompt is too long|max_model_len|maximum (model|input|prompt) length"
    r"|input tokens exceed|exceed_context_size|ContextWindowExceeded"
    r"|max_tokens must be at least 1",  # what vLLM says of a prompt that leaves no room to answer
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Said:
    """A chat completion, read."""

    text: str
    refusal: str
    finish: str
    served: str
    system_fingerprint: str
    tokens_in: int | None
    tokens_out: int | None
    cached_tokens: int | None
    logprobs: Any
    """`logprobs.content` as the server sent it."""


class Connection:
    """Asks one server. A client per event loop, made when first needed, closed when the loop ends."""

    def __init__(
        self, name: str, model: str, base_url: str, api_key_env: str | None, timeout_s: float
    ) -> None:
        """
        Args:
            name: who speaks in messages.
        """
        self.name, self.model, self.base_url = name, model, base_url.rstrip("/")
        self.api_key_env, self.timeout_s = api_key_env, timeout_s
        self.shown = re.sub(r"//[^/@]*@", "//", self.base_url)
        """The address for messages: a name and password in it are told to nobody."""
        # The HTTP client belongs to an event loop, and each step of a review runs its own.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[_Client, Any]] = WeakKeyDictionary()

    async def complete(
        self, messages: Sequence[Mapping[str, str]], body: Mapping[str, Any], *, max_tokens: int
    ) -> Said:
        """Ask for a chat completion.

        Args:
            messages: role and content of each.
            body: further fields of the request, as the API names them.
            max_tokens: longest answer.

        Raises:
            EngineRefused: the server will not take this request; `RequestTooLong` where it says so.
            EngineBusy: overloaded, broken off or no chat completion; `EngineTimeout`: too slow.
            EngineUnavailable: no server, or it does not let us in.
            ConfigError: the key's variable is not set.
        """
        import openai

        from model.spread import aside

        client = await self._client()
        taken: list[Any] | None = [] if body.get("logprobs") else None
        kept = aside.set(taken)
        try:
            # The client's own timeout restarts with every byte; a server that trickles would hold us for ever.
            async with asyncio.timeout(self.timeout_s):
                result = await client.chat._agenerate(
                    client.messages(messages),
                    # In the extra body `response_format` is sent as it is. As an argument of its own it makes
                    # the client raise LengthFinishReasonError on a truncated answer, and parse twice.
                    extra_body={**body, self._limit: max_tokens},
                )
            return _said(result, taken)
        except (TimeoutError, openai.APIConnectionError) as e:
            raise self._no_reply(e) from e
        except (openai.OpenAIError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
            # langchain makes some refusals errors of its own, which no longer know their status.
            status = e if isinstance(e, openai.APIStatusError) else e.__cause__
            if isinstance(status, openai.APIStatusError):
                raise self.refusal(status.status_code, status.message, status.response.headers) from e
            # The client's reader meets a reply that is no chat completion, such as a proxy's page, in many ways.
            raise EngineBusy(f"{self.name}: the reply is no chat completion: {self.told(str(e))}") from e
        finally:
            aside.reset(kept)

    async def get(self, url: str) -> tuple[int, Any]:
        """Status and JSON (None where it is none) of what the server tells about itself.

        Raises:
            EngineBusy: no answer in time, or it broke off.
            EngineUnavailable: no server.
        """
        import httpx

        client = await self._client()
        headers = {"Authorization": f"Bearer {self.key()}"}
        try:
            async with asyncio.timeout(min(self.timeout_s, ABOUT_US_S)):
                response = await client.http.get(url, headers=headers)
        except (TimeoutError, httpx.HTTPError) as e:
            raise self._no_reply(e) from e
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, None

    async def is_healthy(self) -> bool:
        """Whether the server says that it can answer: `/health` beside the API (vLLM, llama.cpp), else its models."""
        try:
            status, _ = await self.get(f"{self.base_url.removesuffix('/v1')}/health")
            if status in (401, 403, 404, 405):
                status, _ = await self.get(f"{self.base_url}/models")
        except EngineError:
            return False
        return status == 200

    def refusal(self, status: int, message: str, headers: Mapping[str, str]) -> EngineError:
        """The error for an HTTP status that is no success."""
        said = f"{self.name}: HTTP {status}: {self.told(message)}"
        if status < 400 or status in (401, 403, 404, 405, 407):
            return EngineUnavailable(
                f"{said}. Check model, base_url and the variable named by api_key_env, "
                "then `python -m agent resume`."
            )
        if status in (408, 409, 425, 429) or status >= 500:
            return EngineBusy(said, retry_after_s(headers, datetime.now(UTC)))
        if status == 413 or _TOO_LONG.search(message):
            return RequestTooLong(said)
        return EngineRefused(said)

    def told(self, text: str) -> str:
        """What a server said, fit to be stored and shown: servers have been seen to echo the key."""
        clean = text[:4000].encode(errors="replace").decode()
        return redact(" ".join(clean.split()), [self.key()])[:500]

    def key(self) -> str:
        """The key.

        Raises:
            ConfigError: its variable is not set.
        """
        if self.api_key_env is None:
            return "none"  # the client insists on one; local servers ask for none
        key = os.environ.get(self.api_key_env)
        if not key:
            raise ConfigError(
                f"engine.api_key_env names {self.api_key_env}, which is not set. "
                f"Remedy: export {self.api_key_env}=… before the run."
            )
        return key

    @property
    def _limit(self) -> str:
        # OpenAI's newer models refuse the older name, Ollama and Mistral know no other.
        host = urlsplit(self.base_url).hostname or ""
        newer = host.endswith((".openai.com", ".openai.azure.com"))
        return "max_completion_tokens" if newer else "max_tokens"

    def _no_reply(self, e: Exception) -> EngineError:
        import httpx

        cause: BaseException | None = e
        while cause is not None and not isinstance(cause, httpx.HTTPError):
            cause = cause.__cause__
        if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
            why = self.told(str(cause)) or "no connection in time"
            return EngineUnavailable(
                f"{self.name}: no server at {self.shown} ({why}). Start it, then `python -m agent resume`."
            )
        if isinstance(e, TimeoutError) or isinstance(cause, httpx.TimeoutException):
            return EngineTimeout(
                f"{self.name}: no answer within {self.timeout_s:g} s. Remedy, where it happens often: "
                "raise engine.timeout_s, or lower engine.max_in_flight."
            )
        return EngineBusy(f"{self.name}: the connection broke off: {self.told(str(cause or e))}")

    async def _client(self) -> _Client:
        loop = asyncio.get_running_loop()
        held = self._clients.get(loop)
        if held is None:
            lease = _lease(self.model, self.base_url, self.key(), self.timeout_s)
            made = await anext(lease)
            # Another task may have made one while this one waited; then that one is used, and ours closes unused.
            held = self._clients.setdefault(loop, (made, lease))
        return held[0]


@dataclass(frozen=True)
class _Client:
    chat: Any
    http: Any

    def messages(self, said: Sequence[Mapping[str, str]]) -> list[Any]:
        from langchain_core.messages import AIMessage, HumanMessage

        return [
            (AIMessage if each["role"] == "assistant" else HumanMessage)(content=each["content"])
            for each in said
        ]


async def _lease(model: str, base_url: str, key: str, timeout_s: float) -> AsyncGenerator[_Client, None]:
    """A client, closed when its event loop ends: `asyncio.run` finishes the generators that are open in it."""
    import httpx
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    from model.spread import Spread

    # A proxy of the environment is for the way out, not for a server on this machine.
    trust_env = not Service(base_url=base_url).is_loopback
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S))
    async with httpx.AsyncClient(
        timeout=timeout, transport=Spread(base_url, trust_env=trust_env), trust_env=False
    ) as http:
        yield _Client(
            ChatOpenAI(
                model=model,
                base_url=base_url,
                api_key=SecretStr(key),
                timeout=timeout,
                max_retries=0,  # Retried does it, and tells the reasons apart
                use_responses_api=False,
                http_async_client=http,
            ),
            http,
        )


def _said(result: Any, taken: list[Any] | None) -> Said:
    """Raises one of several built-in errors where the reply is no chat completion."""
    generation, told = result.generations[0], result.llm_output
    message, usage = generation.message, told.get("token_usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    logprobs = taken[0] if taken else None
    return Said(
        text=message.content if isinstance(message.content, str) else "",
        refusal=str(message.additional_kwargs.get("refusal") or ""),
        finish=str((generation.generation_info or {}).get("finish_reason") or ""),
        served=str(told.get("model_name") or ""),
        system_fingerprint=str(told.get("system_fingerprint") or ""),
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
        cached_tokens=_count(cached),
        logprobs=logprobs.get("content") if isinstance(logprobs, dict) else None,
    )


def _count(told: Any) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else None
