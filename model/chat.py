"""An engine over any OpenAI-compatible server, through langchain-openai: vLLM first.

The answer's form is asked for with `response_format` of type json_schema; servers are known to ignore
unknown fields and answer freely (vLLM dropped `guided_json` in 0.12), so every answer is validated
here again, and what does not fit is rejected, never repaired.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Mapping
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
from tools.exchange import Service, redact
from tools.schemas import Frozen

__all__ = ["ChatEngine", "ChatSettings"]

SAMPLING_TEMPERATURE = 0.8
"""Of second and later samples: ten samples at temperature 0 would be one answer ten times."""


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
    language_model = True

    def __init__(self, settings: ChatSettings) -> None:
        self.settings = settings
        self.name = f"openai:{settings.model}"
        # The HTTP client belongs to an event loop, and each step of a review runs its own.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Any, Any]] = WeakKeyDictionary()

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """Prompt bytes, schema and sampling; neither address nor key."""
        prompt = self._prompt(request)
        return {
            "prompt": prompt.tag,
            "text": prompt.text,
            "schema": _strict(request.task.answer),
            "sampling": {
                "temperature": self._temperature(request),
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
            ConfigError: the key's variable is not set.
        """
        began = time.perf_counter()
        message = await self._ask(request)
        raw = message.content if isinstance(message.content, str) else ""
        if message.additional_kwargs.get("refusal"):
            raise EngineRefused(f"{self.name} declined: {message.additional_kwargs['refusal']}")
        usage = message.usage_metadata or {}
        value = parse_answer(request, raw)
        seconds = time.perf_counter() - began
        return Answer(value, raw, "", usage.get("input_tokens"), usage.get("output_tokens"), seconds)

    def _temperature(self, request: Request[Any, Any]) -> float:
        """The first sample as configured; further ones warm enough to differ from it."""
        return max(self.settings.temperature, SAMPLING_TEMPERATURE if request.sample else 0.0)

    def _prompt(self, request: Request[Any, Any]) -> Prompt:
        return pack(self.settings.prompts, request.task.id).fill(request.task.variables(request.input))

    async def _ask(self, request: Request[Any, Any]) -> Any:
        import openai

        schema = {"name": request.task.id, "schema": _strict(request.task.answer), "strict": True}
        bound = (await self._client()).bind(
            response_format={"type": "json_schema", "json_schema": schema},
            seed=self.settings.seed + request.sample,
            temperature=self._temperature(request),
        )
        try:
            # The client's own timeout restarts with every byte; a server that trickles would hold us for ever.
            async with asyncio.timeout(self.settings.timeout_s):
                return await bound.ainvoke(self._prompt(request).text)
        except (TimeoutError, openai.APITimeoutError) as e:
            raise EngineBusy(f"{self.name}: no answer within {self.settings.timeout_s:g} s") from e
        except openai.APIConnectionError as e:
            raise EngineUnavailable(
                f"{self.name}: no server at {self.settings.base_url}. Start it, then `python -m agent resume`."
            ) from e
        except openai.APIStatusError as e:
            raise self._refusal(e.status_code, e.message) from e
        except openai.LengthFinishReasonError as e:
            raise AnswerRejected(
                f"{self.name}: cut off at {self.settings.max_tokens} tokens; raise max_tokens",
                e.completion.choices[0].message.content or "",
            ) from e
        except openai.ContentFilterFinishReasonError as e:
            raise EngineRefused(f"{self.name}: stopped by the server's content filter") from e
        except (openai.OpenAIError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
            # The client's reader meets a reply that is no chat completion, such as a proxy's page, in many ways.
            raise EngineBusy(f"{self.name}: the reply is no chat completion: {self._told(str(e))}") from e

    def _refusal(self, status: int, message: str) -> EngineBusy | EngineRefused | EngineUnavailable:
        said = f"{self.name}: HTTP {status}: {self._told(message)}"
        if status in (401, 403, 404):
            return EngineUnavailable(
                f"{said}. Check model, base_url and the variable named by api_key_env, "
                "then `python -m agent resume`."
            )
        if status in (408, 409, 425, 429) or status >= 500:
            return EngineBusy(said)
        return EngineRefused(said)

    def _told(self, text: str) -> str:
        # Servers have been seen to echo the key, and what we raise is stored and shown.
        return redact(" ".join(text.split()), [self._key()])[:500]

    async def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            lease = _lease(self.settings, self._key())
            self._clients[loop] = (await anext(lease), lease)
        return self._clients[loop][0]

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


async def _lease(settings: ChatSettings, key: str) -> AsyncGenerator[Any, None]:
    """A client, closed when its event loop ends: `asyncio.run` finishes the generators that are open in it."""
    import httpx
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    # A proxy of the environment is for the way out, not for a server on this machine.
    trust_env = not Service(base_url=settings.base_url).is_loopback
    async with httpx.AsyncClient(timeout=settings.timeout_s, trust_env=trust_env) as http:
        yield ChatOpenAI(
            model=settings.model,
            base_url=settings.base_url,
            api_key=SecretStr(key),
            temperature=settings.temperature,
            max_completion_tokens=settings.max_tokens,
            timeout=settings.timeout_s,
            max_retries=0,  # Retried does it, and tells the reasons apart
            http_async_client=http,
        )


def _strict(answer: type[Frozen]) -> dict[str, Any]:
    """The answer's JSON schema with every field asked for and no defaults, as strict mode demands.

    Source: OpenAI, Structured Outputs, "Supported schemas": all fields must be required.
    """
    strict: dict[str, Any] = _all_required(answer.model_json_schema())
    return strict


def _all_required(part: Any) -> Any:
    if isinstance(part, list):
        return [_all_required(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {name: _all_required(value) for name, value in part.items() if name != "default"}
    return kept | {"required": list(kept["properties"])} if "properties" in kept else kept
