"""An engine over any OpenAI-compatible server, through langchain-openai: vLLM first.

The answer's form is asked for with `response_format` of type json_schema; servers are known to ignore
unknown fields and answer freely (vLLM dropped `guided_json` in 0.12), so every answer is validated
here again, and what does not fit is rejected, never repaired.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from model.engine import (
    A,
    Answer,
    AnswerRejected,
    EngineBusy,
    EngineRefused,
    EngineUnavailable,
    I,
    Request,
    parse_answer,
)
from model.prompting import Prompt, pack
from tools.errors import ConfigError

__all__ = ["ChatEngine", "ChatSettings"]


@dataclass(frozen=True)
class ChatSettings:
    """How to reach a server, and how it is to sample."""

    model: str
    base_url: str
    api_key_env: str | None = None
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int = 1
    timeout_s: float = 120.0
    prompts: str = "ours"


class ChatEngine:
    """One model behind one address."""

    label = "language model"

    def __init__(self, settings: ChatSettings) -> None:
        self.settings = settings
        self.name = f"openai:{settings.model}"
        # The HTTP client belongs to an event loop, and each step of a review runs its own.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """Prompt bytes, schema and sampling; neither address nor key."""
        prompt = self._prompt(request)
        return {
            "prompt": prompt.tag,
            "text": prompt.text,
            "schema": request.task.answer.model_json_schema(),
            "sampling": {
                "temperature": self.settings.temperature,
                "max_tokens": self.settings.max_tokens,
                "seed": self.settings.seed + request.sample,
            },
        }

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """Ask the server once.

        Raises:
            AnswerRejected: malformed, incomplete or cut off.
            EngineRefused: the server will not take this request, or the model declined.
            EngineBusy: overloaded or too slow.
            EngineUnavailable: no server, or it does not let us in.
        """
        began = time.perf_counter()
        message = await self._ask(request)
        raw = message.content if isinstance(message.content, str) else ""
        if message.additional_kwargs.get("refusal"):
            raise EngineRefused(f"{self.name} declined: {message.additional_kwargs['refusal']}")
        if message.response_metadata.get("finish_reason") == "length":
            raise AnswerRejected(
                f"{self.name}: cut off at {self.settings.max_tokens} tokens; raise max_tokens", raw
            )
        usage = message.usage_metadata or {}
        value = parse_answer(request, raw)
        seconds = time.perf_counter() - began
        return Answer(value, raw, "", usage.get("input_tokens"), usage.get("output_tokens"), seconds)

    def _prompt(self, request: Request[Any, Any]) -> Prompt:
        return pack(self.settings.prompts, request.task.id).fill(request.task.variables(request.input))

    async def _ask(self, request: Request[Any, Any]) -> Any:
        import openai

        schema = {"name": request.task.id, "schema": request.task.answer.model_json_schema(), "strict": True}
        bound = self._client().bind(
            response_format={"type": "json_schema", "json_schema": schema},
            seed=self.settings.seed + request.sample,
        )
        try:
            return await bound.ainvoke(self._prompt(request).text)
        except openai.APITimeoutError as e:
            raise EngineBusy(f"{self.name}: no answer within {self.settings.timeout_s:g} s") from e
        except openai.APIConnectionError as e:
            raise EngineUnavailable(
                f"{self.name}: no server at {self.settings.base_url}. Start it, then `python -m agent resume`."
            ) from e
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as e:
            raise EngineUnavailable(
                f"{self.name}: {self.settings.base_url} does not serve us: {e.message}. Check model, base_url and "
                "the variable named by api_key_env, then `python -m agent resume`."
            ) from e
        except openai.APIStatusError as e:
            if e.status_code in (408, 409, 429) or e.status_code >= 500:
                raise EngineBusy(f"{self.name}: HTTP {e.status_code}: {e.message}") from e
            raise EngineRefused(f"{self.name}: HTTP {e.status_code}: {e.message}") from e

    def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            import httpx
            from langchain_openai import ChatOpenAI
            from pydantic import SecretStr

            s = self.settings
            self._clients[loop] = ChatOpenAI(
                model=s.model,
                base_url=s.base_url,
                api_key=SecretStr(self._key()),
                temperature=s.temperature,
                max_completion_tokens=s.max_tokens,
                timeout=s.timeout_s,
                max_retries=0,  # Retried does it, and tells the reasons apart
                http_async_client=httpx.AsyncClient(timeout=s.timeout_s),
            )
        return self._clients[loop]

    def _key(self) -> str:
        if self.settings.api_key_env is None:
            return "none"  # the client insists on one; local servers ask for none
        key = os.environ.get(self.settings.api_key_env)
        if not key:
            raise ConfigError(
                f"engine.api_key_env names {self.settings.api_key_env}, which is not set. "
                f"Remedy: export {self.settings.api_key_env}=… before the run."
            )
        return key
