"""An engine over a model in this process: transformers, held to the answer's form by a grammar (xgrammar).

For a laptop, for one card, for a machine on which nothing may be served. A server answers faster: it takes new
questions while others are under way, and this generates a batch to its end before it begins the next.

An answer cannot have another form than its schema's: tokens that would leave it are never chosen. What a grammar
cannot say (a quote that is in the text, say) is validated after it, as for every engine.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from model import again
from model.card import ensure_card, fingerprint
from model.chat import SAMPLING_TEMPERATURE
from model.engine import A, Answer, AnswerTruncated, I, Request, Task
from model.forms import Form, form
from model.local_files import folder_of_adapter, folder_of_model
from model.local_model import Job, LocalModel, Said
from model.probabilities import label_probabilities

__all__ = ["LocalEngine", "LocalSettings"]

ALTERNATIVES = 50
"""Of the likeliest tokens at each place, so many are noted. Servers tell fewer; here they cost next to nothing, and a
label that is not among them counts as impossible."""


@dataclass(frozen=True)
class LocalSettings:
    """Which model, and how it is to sample."""

    model: str
    """A folder, or a name on the hub."""
    adapter: str | None = None
    """Folder of a LoRA adapter (PEFT)."""
    prompts: str = "ours"
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int = 1
    batch_size: int | None = None
    """Answers generated in one pass; None: 8 on a GPU, 1 on a CPU. See `LocalModel.batch_size` before raising it."""
    device: str | None = None
    """As torch names it; None: the first GPU, else the CPU."""
    dtype: str | None = None
    """bf16, fp16 or fp32; None: what the device computes fastest."""
    probabilities: bool = True
    """Whether answers tell how likely each label was."""
    revision: str | None = None
    """Commit on the hub."""
    allow_other_card: bool = False
    """Use weights although their card names other prompts; see `model.card`."""


class LocalEngine:
    """One model in this process. Engines with the same weights share them, and take turns."""

    label = "language model"
    language_model = True

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings
        self.name = f"transformers:{_served(settings)}"
        self.warnings: list[str] = []
        """What a person should know of the weights; complete once each task was asked or `prepare`d."""
        self._allowed: set[str] = set()

    def prepare(self, *tasks: Any) -> None:
        """Find and load the weights and check their card for these tasks (`Task`), before the first question does.

        Raises:
            ConfigError: the model, its adapter, its card, a prompt or a package is not as it should be.
            EngineUnavailable: there is not memory enough.
        """
        for task in tasks:
            self._allow(task)
        _ = self._shared.model

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """Weights, prompt bytes, schema and sampling. Neither paths nor the precision that a machine chooses."""
        spoken = form(self.settings.prompts, request.task)
        prompt = spoken.prompt(request.input)
        given = {"dtype": self.settings.dtype} if self.settings.dtype else {}
        told_again = {"again": again.TAG} if request.objection is not None else {}
        return {
            "weights": self._weights,
            "prompt": prompt.tag,
            "text": prompt.text,
            "schema": spoken.schema(request.input),
            "sampling": {
                "temperature": self._temperature(request),
                "max_tokens": self.settings.max_tokens,
                "seed": self.settings.seed + request.sample,
            }
            | given,
        } | told_again

    def rendered(self, request: Request[Any, Any]) -> str:
        """The words that are sent, without the marks of the chat template: for whoever counts tokens."""
        return "\n".join(message["content"] for message in self._messages(request))

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """Ask the model once.

        Raises:
            AnswerTruncated: cut off at `max_tokens`.
            AnswerRejected: it has the right form, and yet is no answer to this question.
            RequestTooLong: the question and the longest answer do not fit the model's context.
            EngineBusy: there is no memory for this question at present.
            EngineUnavailable: there is no memory for the model, or the device failed.
            ConfigError: the model, its adapter, its card, the prompt or a package is not as it should be.
        """
        began = time.perf_counter()
        self._allow(request.task)
        spoken, shared = form(self.settings.prompts, request.task), self._shared
        asked_likely = bool(spoken.labels) and self.settings.probabilities
        job = Job(
            messages=self._messages(request),
            schema=json.dumps(spoken.schema(request.input)),
            max_tokens=self.settings.max_tokens,
            temperature=self._temperature(request),
            seed=self.settings.seed + request.sample,
            alternatives=ALTERNATIVES if asked_likely else 0,
        )
        said = await shared.ask(job, self.settings.batch_size)
        if said.finish != "stop":
            raise AnswerTruncated(
                f"{self.name}: cut off at {self.settings.max_tokens} tokens. Remedy: raise engine.max_tokens.",
                said.text,
            )
        value = self.read(request, said.text)
        told: dict[str, Any] = {
            "served": self.name.partition(":")[2],
            "finish": said.finish,
        } | shared.model.told
        if asked_likely and (likely := self._likely(request, spoken, said)):
            told["probabilities"] = likely
        seconds = time.perf_counter() - began
        return Answer(value, said.text, "", said.tokens_in, said.tokens_out, seconds, told)

    def read(self, request: Request[I, A], raw: str) -> A:
        """In the format of the prompt pack."""
        return form(self.settings.prompts, request.task).read(request, raw)

    def _temperature(self, request: Request[Any, Any]) -> float:
        """As over a server: the first sample as configured; further ones warm enough to differ from it."""
        return max(self.settings.temperature, SAMPLING_TEMPERATURE if request.sample else 0.0)

    def _messages(self, request: Request[Any, Any]) -> tuple[dict[str, str], ...]:
        prompt = form(self.settings.prompts, request.task).prompt(request.input)
        return tuple(again.messages(prompt.text, request.objection))

    def _likely(self, request: Request[Any, Any], spoken: Form, said: Said) -> dict[str, dict[str, float]]:
        spans = spoken.label_spans(request, said.text)
        return spoken.meant(request, label_probabilities(said.tokens, spans, spoken.labels))

    def _allow(self, task: Task[Any, Any]) -> None:
        """Compare the card of the weights with the task's prompt, once."""
        if task.id not in self._allowed:
            warning = ensure_card(
                self._folders.adapter or self._folders.model,
                self.settings.prompts,
                [task.id],
                allow_other=self.settings.allow_other_card,
                base=self._folders.model if self._folders.adapter else None,
            )
            if warning and warning not in self.warnings:
                self.warnings.append(warning)
            self._allowed.add(task.id)

    @cached_property
    def _folders(self) -> Folders:
        adapter = self.settings.adapter
        return Folders(
            folder_of_model(self.settings.model, self.settings.revision),
            None if adapter is None else folder_of_adapter(adapter),
        )

    @cached_property
    def _weights(self) -> str:
        """Identity by content: other weights under the same name are another model, these elsewhere are the same."""
        folders = [self._folders.model, self._folders.adapter]
        return "+".join(fingerprint(folder) for folder in folders if folder is not None)

    @cached_property
    def _shared(self) -> Shared:
        return shared(self._folders, self.settings.device, self.settings.dtype)


def _served(settings: LocalSettings) -> str:
    """What the weights are called, without the way to them."""
    parts = [settings.model, *([settings.adapter] if settings.adapter else [])]
    names = [Path(part).expanduser().name or "model" for part in parts]
    return "+".join(re.sub(r"[^\w.:+-]+", "-", name) for name in names)


# One model, one thread ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Folders:
    """Where the weights lie."""

    model: Path
    adapter: Path | None


@dataclass(eq=False)
class _Waiting:
    job: Job
    at_most: int | None
    landed: Future[Said] = field(default_factory=Future)


class Shared:
    """Weights that several engines use, from however many event loops, through one thread.

    The thread begins with the first question and ends when none waits, so there is nothing to close, and nothing
    keeps a program from ending.
    """

    def __init__(self, folders: Folders, device: str | None, dtype: str | None) -> None:
        self._folders, self._device, self._dtype = folders, device, dtype
        self._loaded: LocalModel | None = None
        self._loading = threading.Lock()
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._working = False

    @property
    def model(self) -> LocalModel:
        """The weights; loads them once. Raises as `LocalModel` does."""
        with self._loading:
            if self._loaded is None:
                folders = self._folders
                self._loaded = LocalModel(folders.model, folders.adapter, self._device, self._dtype)
            return self._loaded

    async def ask(self, job: Job, at_most: int | None) -> Said:
        """Wait for a job's turn and its answer. Cancelled, it is not generated any further.

        Raises:
            EngineError: see `LocalModel.generate`.
        """
        waiting = _Waiting(job, at_most)
        with self._lock:
            self._queue.append(waiting)
            idle, self._working = not self._working, True
        if idle:
            threading.Thread(target=self._work, name="local model").start()
        try:
            return await asyncio.wrap_future(waiting.landed)
        except asyncio.CancelledError:
            job.abandoned.set()
            raise

    def _work(self) -> None:
        results: Sequence[Said | BaseException]
        while batch := self._next():
            try:
                results = self.model.generate([waiting.job for waiting in batch])
            except BaseException as e:  # noqa: BLE001 - carried to those who wait, nothing is swallowed
                results = [e] * len(batch)
            for waiting, result in zip(batch, results, strict=True):
                if isinstance(result, BaseException):
                    waiting.landed.set_exception(result)
                else:
                    waiting.landed.set_result(result)

    def _next(self) -> list[_Waiting]:
        """Those who have waited longest and still do; none when nobody waits, and then the thread ends."""
        batch: list[_Waiting] = []
        while not batch:
            self._gather()
            with self._lock:
                if not self._queue:
                    self._working = False
                    return []
                size = self._size()
                taken = [self._queue.popleft() for _ in range(min(size, len(self._queue)))]
            # What was cancelled while it waited is not begun; what has begun is not cancelled by its Future.
            batch = [waiting for waiting in taken if waiting.landed.set_running_or_notify_cancel()]
        return batch

    def _size(self) -> int:
        """How many to take at once: the least that one of those waiting allows."""
        usual = 1 if self._loaded is None else self._loaded.batch_size
        return min((waiting.at_most or usual for waiting in list(self._queue)), default=usual)

    def _gather(self) -> None:
        """Wait while questions come in, so that those who ask together are answered together."""
        before = -1
        while before < len(self._queue) < self._size():
            before = len(self._queue)
            time.sleep(GATHER_S)


GATHER_S = 0.005
"""No question in so many seconds: nobody else is about to ask. A pass takes hundreds of times as long."""

_SHARED: WeakValueDictionary[tuple[Folders, str | None, str | None], Shared] = WeakValueDictionary()
_SHARING = threading.Lock()


def shared(folders: Folders, device: str | None, dtype: str | None) -> Shared:
    """The same weights for the same folders, as long as an engine uses them: a card holds them once."""
    with _SHARING:
        found = _SHARED.get((folders, device, dtype))
        if found is None:
            found = _SHARED[folders, device, dtype] = Shared(folders, device, dtype)
        return found
