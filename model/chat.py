"""An engine over any OpenAI-compatible server, through langchain-openai: vLLM first.

The answer's form is asked for with `response_format`; servers are known to ignore unknown fields and answer
freely (vLLM dropped `guided_json` in 0.12). So a server is examined before its first answer (`model.canary`), every
answer is validated here again, and what does not fit is rejected, never repaired.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from model import again, canary
from model.canary import Served, Structured
from model.connection import Connection, Said
from model.engine import (
    A,
    Answer,
    AnswerRejected,
    AnswerTruncated,
    EngineBusy,
    EngineRefused,
    EngineUnavailable,
    I,
    Request,
    RequestTooLong,
)
from model.forms import Form, form, without_lengths
from model.probabilities import ALTERNATIVES, label_probabilities, spelled
from model.prompting import Prompt
from tools.errors import EngineError

__all__ = ["ChatEngine", "ChatSettings"]

SAMPLING_TEMPERATURE = 0.8
"""Of second and later samples: ten samples at temperature 0 would be one answer ten times."""

OUTAGE_S, OUTAGE_FAILURES = 10.0, 4
"""Nothing but failures, so many and for so long, may be an outage: less than `Retried` takes to give a question up."""

REMEMBERED = 256
"""Questions whose prompt and schema are kept: each is needed to count, to key, to ask and to read."""


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
    structured: Structured = "json_schema"
    """How the answer's form is asked for: `json_object` is llama.cpp's way, `none` leaves it to the prompt."""
    probabilities: bool = True
    """Whether to ask how likely each label was, for tasks that have labels."""
    context: int | None = None
    """Tokens that the model is taken to read, for messages; what the server tells wins."""


@dataclass(frozen=True)
class _Spoken:
    """A question in words."""

    asked: Any
    """Kept, so that nothing else can come to lie at its address while it is remembered by it."""
    form: Form
    prompt: Prompt
    schema: Mapping[str, Any]


class ChatEngine:
    """One model behind one address."""

    label = "language model"
    language_model = True

    def __init__(self, settings: ChatSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.name = f"openai:{settings.model}"
        self.connection = Connection(
            self.name, settings.model, settings.base_url, settings.api_key_env, settings.timeout_s
        )
        self._remembered: OrderedDict[tuple[str, int], _Spoken] = OrderedDict()
        self._lock = threading.Lock()
        self._clock = clock
        self._failures, self._failing_since = 0, 0.0

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """Prompt bytes, schema and sampling; neither address nor key."""
        spoken = self._spoken(request)
        told = {
            "prompt": spoken.prompt.tag,
            "text": spoken.prompt.text,
            "structured": self.settings.structured,
            "sampling": {
                "temperature": self._temperature(request),
                "max_tokens": self.settings.max_tokens,
                "seed": self.settings.seed + request.sample,
            },
        }
        if self.settings.structured != "none":
            told["schema"] = spoken.schema
        if request.objection is not None:
            told["again"] = again.TAG
        return told

    def rendered(self, request: Request[Any, Any]) -> str:
        """The exact text of all messages, for whoever counts its tokens; the chat template adds a few more."""
        return "\n".join(message["content"] for message in self._messages(request))

    async def served(self) -> Served:
        """What the server tells about the model, once it has passed the examination.

        Raises:
            EngineUnfit: it does not hold the model to a form.
            EngineUnavailable: nobody is there, or the model is not.
            EngineBusy: not now.
        """
        return await canary.examined(self.connection, self.settings.structured)

    async def is_healthy(self) -> bool:
        """Whether the server says that it can answer."""
        return await self.connection.is_healthy()

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """Ask the server once.

        Raises:
            AnswerRejected: malformed, incomplete or empty; `AnswerTruncated`: cut off.
            EngineRefused: the server will not take this request, or the model declined; `RequestTooLong`.
            EngineBusy: overloaded, or its reply broke off; `EngineTimeout`: too slow.
            EngineUnavailable: no server, or it does not let us in; `EngineUnfit`: its answers cannot be used.
            ConfigError: the key's variable is not set.
        """
        try:
            served = await self.served()
            began = time.perf_counter()
            said = await self._asked(request, served)
        except EngineUnavailable:
            canary.forget(self.settings.base_url)
            raise
        except EngineBusy as e:
            await self._ensure_there(e)
            raise
        except EngineError:
            self._failures = 0  # it declined, so it is there
            raise
        self._failures = 0
        try:
            raw = self._text(said)
            value = self.read(request, raw)
        except EngineError as e:  # an answer that cannot be used has been paid for
            e.tokens_in, e.tokens_out = said.tokens_in, said.tokens_out
            raise
        told = self._told(request, raw, said)
        return Answer(value, raw, "", said.tokens_in, said.tokens_out, time.perf_counter() - began, told)

    def read(self, request: Request[I, A], raw: str) -> A:
        """In the format of the prompt pack."""
        return form(self.settings.prompts, request.task).read(request, raw)

    async def _asked(self, request: Request[Any, Any], served: Served) -> Said:
        spoken, settings = self._spoken(request), self.settings
        body: dict[str, Any] = {
            "temperature": self._temperature(request),
            "seed": settings.seed + request.sample,
        } | canary.response_format(settings.structured, request.task.id, spoken.schema)
        if settings.probabilities and spoken.form.labels:
            body |= {"logprobs": True, "top_logprobs": ALTERNATIVES}
        messages = self._messages(request)
        try:
            return await self.connection.complete(messages, body, max_tokens=settings.max_tokens)
        except RequestTooLong as e:
            raise RequestTooLong(f"{str(e).rstrip('.')}. {self._too_long(served)}") from e

    async def _ensure_there(self, failure: EngineBusy) -> None:
        """After `OUTAGE_S` of nothing but failures, ask whether there is still a server behind them.

        Behind a proxy a dead server is an HTTP 502 without end. Without this every question would be given up as
        one that failed; so the step stops, and goes on from there.

        Raises:
            EngineUnavailable: there is none that is well.
        """
        now = self._clock()
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        lasted = now - self._failing_since
        if self._failures >= OUTAGE_FAILURES and lasted >= OUTAGE_S and not await self.is_healthy():
            canary.forget(self.settings.base_url)
            self._failures = 0
            raise EngineUnavailable(
                f"{failure} There was no answer for {lasted:.0f} s, and the server does not say that it is well. "
                "See to it, then `python -m agent resume`."
            ) from failure

    def _text(self, said: Said) -> str:
        """The text of an answer that came to its end.

        Raises:
            EngineError: it is none.
        """
        name, limit = self.name, self.settings.max_tokens
        if said.refusal:
            raise EngineRefused(f"{name} declined: {self.connection.told(said.refusal)}")
        if said.finish == "content_filter":
            raise EngineRefused(f"{name}: stopped by the server's content filter")
        if said.finish in ("abort", "error"):  # vLLM's words for an answer that it gave up itself
            raise EngineBusy(f"{name}: the server gave the answer up ({said.finish})")
        raw = said.text.encode(errors="replace").decode()
        if said.finish == "length":
            full = said.tokens_out is not None and said.tokens_out < limit
            why = "at the end of the model's context" if full else f"at {limit} tokens"
            remedy = "shorten the text, or lower engine.context" if full else "raise engine.max_tokens"
            raise AnswerTruncated(f"{name}: cut off {why}. Remedy: {remedy}.", raw)
        if not raw.strip():
            raise AnswerRejected(f"{name}: an empty answer", raw)
        if raw != said.text:
            raise AnswerRejected(f"{name}: half of a surrogate pair, which is no text", raw)
        return raw

    def _told(self, request: Request[Any, Any], raw: str, said: Said) -> dict[str, Any]:
        told = {
            "served": said.served,
            "system_fingerprint": said.system_fingerprint,
            "finish": said.finish,
            "cached_tokens": said.cached_tokens,
            "probabilities": self._likely(request, raw, said),
        }
        return {name: value for name, value in told.items() if value not in ("", None, {})}

    def _likely(self, request: Request[Any, Any], raw: str, said: Said) -> dict[str, dict[str, float]]:
        spoken = self._spoken(request).form
        if not said.logprobs or not spoken.labels or not self.settings.probabilities:
            return {}
        spans = spoken.label_spans(request, raw)
        return spoken.meant(request, label_probabilities(spelled(raw, said.logprobs), spans, spoken.labels))

    def _too_long(self, served: Served) -> str:
        context = served.context or self.settings.context
        if context is None:
            return "Remedy: set engine.context to the tokens that the model reads, so that papers are split."
        said = (
            f"The model reads {context} tokens, of which {self.settings.max_tokens} are kept for the answer. "
        )
        if self.settings.context is None or self.settings.context > context:
            now = self.settings.context or "not set"
            return (
                f"{said}Remedy: set engine.context: {context} (now {now}), so that papers are split to fit."
            )
        return f"{said}Remedy: lower engine.max_tokens, or serve the model with a longer context."

    def _temperature(self, request: Request[Any, Any]) -> float:
        """The first sample as configured; further ones warm enough to differ from it."""
        return max(self.settings.temperature, SAMPLING_TEMPERATURE if request.sample else 0.0)

    def _messages(self, request: Request[Any, Any]) -> list[dict[str, str]]:
        return again.messages(self._spoken(request).prompt.text, request.objection)

    def _spoken(self, request: Request[Any, Any]) -> _Spoken:
        key = request.task.id, id(request.input)
        with self._lock:
            if (spoken := self._remembered.get(key)) is not None:
                return spoken
        made = form(self.settings.prompts, request.task)
        spoken = _Spoken(
            request.input, made, made.prompt(request.input), without_lengths(made.schema(request.input))
        )
        with self._lock:
            self._remembered[key] = spoken
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return spoken
