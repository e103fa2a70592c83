"""Engines from settings: the backend that review.yaml names, and what stands around it.

From the inside out: a backend, which asks; around it what bounds, retries and records; around that what puts
several stored calls together. The order is explained in `model.wrappers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from model.engine import Engine, Request, Task
from model.forms import form
from model.prompting import PACKS
from tools.engine_settings import EngineConfig, EngineSettings
from tools.errors import ConfigError
from tools.schemas import sha256_of

if TYPE_CHECKING:
    from model.budget import Budget, TokenCounter
    from model.embedding import Embedder
    from tools.logs import CallLog, ScoreLog
    from tools.search.vocabulary import Vocabulary

__all__ = [
    "Backend",
    "Backends",
    "LanguageModel",
    "Rooms",
    "assembled",
    "check_card",
    "kept_live",
    "prompt_tag",
    "resolved",
]

CONTEXT = 32_768
"""Tokens that a language model is taken to read where the settings do not say: Mistral's, and so LEADS'."""

RESERVE = 2048
"""Tokens left free for what is said back when an answer has to be given again; less in a small context."""

Kept = Callable[[Engine, EngineSettings], Engine]
"""A backend to the same with its calls stored: live or in a replay."""


class Backend(Engine, Protocol):
    """An engine that answers by itself."""

    label: str
    """What it is, in words, for the report."""
    language_model: bool


@runtime_checkable
class LanguageModel(Protocol):
    """A backend that is asked in words."""

    def rendered(self, request: Request[Any, Any]) -> str:
        """The exact text that is sent."""
        ...


@dataclass
class Backends:
    """Makes backends, each once: the tasks of a review share a server's client or a loaded model."""

    vocabulary: Vocabulary | None
    embedder: Embedder
    folder: Path = field(default_factory=Path)
    """What relative paths of the settings are relative to: the folder of review.yaml."""
    made: dict[EngineSettings, Backend] = field(default_factory=dict)

    def __call__(self, settings: EngineSettings) -> Backend:
        """The backend of these settings.

        Raises:
            ConfigError: a prompt, a model's folder or its card cannot be used.
        """
        own = EngineSettings(**{name: getattr(settings, name) for name in EngineSettings.model_fields})
        if own not in self.made:
            self.made[own] = self._make(resolved(own, self.folder))
        return self.made[own]

    def _make(self, settings: EngineSettings) -> Backend:
        if settings.backend == "baseline":
            from model.baseline import BaselineEngine

            return BaselineEngine(self.vocabulary, self.embedder)
        if settings.backend == "transformers":
            return _local(settings)
        return _served(settings)


def _local(settings: EngineSettings) -> Backend:
    from model.local import LocalEngine, LocalSettings

    return LocalEngine(
        LocalSettings(
            model=settings.model_name,
            adapter=settings.adapter,
            prompts=settings.prompts,
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            seed=settings.seed,
            probabilities=settings.probabilities,
            allow_other_card=settings.allow_other_card,
        )
    )


def _served(settings: EngineSettings) -> Backend:
    from model.chat import ChatEngine, ChatSettings
    from model.endpoints import Balanced

    engines = [
        ChatEngine(
            ChatSettings(
                model=settings.model_name,
                base_url=address,
                api_key_env=settings.api_key_env,
                temperature=settings.temperature,
                max_tokens=settings.max_tokens,
                seed=settings.seed,
                timeout_s=settings.timeout_s,
                prompts=settings.prompts,
                structured=settings.structured_output,
                probabilities=settings.probabilities,
                context=settings.context or CONTEXT,
            )
        )
        for address in settings.addresses
    ]
    return engines[0] if len(engines) == 1 else Balanced(engines)


def resolved(settings: EngineSettings, folder: Path) -> EngineSettings:
    """The settings with their relative paths made absolute; names stay names."""

    def at(text: str | None) -> str | None:
        return str((folder / text).resolve()) if text and (folder / text).exists() else text

    paths: dict[str, str | None] = {"tokenizer": at(settings.tokenizer), "card": at(settings.card)}
    if settings.backend == "transformers":
        paths |= {"model": at(settings.model), "adapter": at(settings.adapter)}
    if not (PACKS / settings.prompts).is_dir():
        paths["prompts"] = at(settings.prompts)
    return settings.model_copy(update=paths)


def kept_live(calls: CallLog, jitter: Callable[[], float]) -> Kept:
    """Stored as it comes: bounded, retried, recorded, and asked once more after a wrong form."""
    from model.wrappers import Corrected, Limited, Recorded, Retried

    def kept(backend: Engine, settings: EngineSettings) -> Engine:
        return Corrected(Recorded(Retried(Limited(backend, settings.at_once), jitter), calls))

    return kept


class Rooms:
    """How long a prompt may be for each engine: its context, and who counts its tokens.

    Both are kept with the review, so that a replay divides a text where it was divided, with neither model at hand.
    """

    def __init__(self, folder: Path, scores: ScoreLog, *, live: bool = True) -> None:
        """
        Args:
            folder: what relative paths of the settings are relative to.
            scores: where contexts and counts are kept.
            live: False in a replay: nobody is asked.
        """
        self.folder, self.scores, self.live = folder, scores, live
        self._known: dict[EngineSettings, Budget] = {}

    def __call__(self, settings: EngineSettings) -> Budget:
        """The budget of an engine."""
        own = EngineSettings(**{name: getattr(settings, name) for name in EngineSettings.model_fields})
        if own not in self._known:
            from model.budget import Budget

            context = self.context(own)
            reserve = min(RESERVE, context // 8)
            self._known[own] = Budget(context, own.max_tokens, reserve, counter=self.counter(own))
        return self._known[own]

    def context(self, settings: EngineSettings) -> int:
        """Tokens that a model reads: as the settings say, as it said itself, or `CONTEXT`."""
        if settings.context is not None:
            return settings.context
        key = "context:v1:" + sha256_of([settings.backend, settings.model_name])
        if stored := self.scores.find([key]).get(key):
            return int(stored)
        told = self._told(resolved(settings, self.folder)) if self.live else None
        if told is None:
            return CONTEXT
        self.scores.save({key: float(told)})
        return told

    @staticmethod
    def _told(settings: EngineSettings) -> int | None:
        from model.budget import folder_context, served_context

        if settings.backend == "transformers":
            return folder_context(settings.model_name)
        if settings.backend == "vllm":
            return served_context(
                settings.addresses[0], settings.model_name, api_key_env=settings.api_key_env
            )
        return None

    def counter(self, settings: EngineSettings) -> TokenCounter:
        """Who counts: the model's own tokenizer where that can be had, else an upper bound."""
        from model.budget import ByteCounter, RememberedCounter, ServerCounter

        known = resolved(settings, self.folder)
        if tokenizer := known.tokenizer or (known.model if known.backend == "transformers" else None):
            name = f"tokenizer:{Path(tokenizer).name}"
            return RememberedCounter(name, partial(_tokenizer, tokenizer) if self.live else None, self.scores)
        if known.backend == "vllm":
            server = partial(
                ServerCounter, known.addresses[0], known.model_name, api_key_env=known.api_key_env
            )
            return RememberedCounter(f"server:{known.model_name}", server if self.live else None, self.scores)
        return ByteCounter()


def assembled(
    config: EngineConfig,
    backends: Callable[[EngineSettings], Backend],
    kept: Kept,
    *,
    rooms: Callable[[EngineSettings], Budget],
    log: CallLog | None,
) -> Engine:
    """The engine that a task asks: sections, votes and fallbacks around stored calls.

    Args:
        backends: see `Backends`.
        kept: see `kept_live`; a replay hands in another.
        rooms: see `Rooms`.
        log: where a replay will look why a fallback was asked; None in a replay.

    Raises:
        ConfigError: as a backend says.
    """
    from model.together import Fallback, Voted

    engines = [_whole(each, backends(each), kept, rooms) for each in (config, *config.fallbacks)]
    if config.votes > 1:
        engines[0] = Voted(engines[0], config.votes)
    return engines[0] if len(engines) == 1 else Fallback(engines, log)


def _whole(
    settings: EngineSettings, backend: Backend, kept: Kept, rooms: Callable[[EngineSettings], Budget]
) -> Engine:
    engine = kept(backend, settings)
    if not isinstance(backend, LanguageModel):
        return engine
    from model.sections import Sectioned

    return Sectioned(engine, backend.rendered, partial(rooms, settings))


@cache
def _tokenizer(where: str) -> TokenCounter:
    """Loaded once for all tasks."""
    from model.budget import TokenizerCounter

    return TokenizerCounter(where)


def check_card(task: Task[Any, Any], settings: EngineSettings, folder: Path) -> None:
    """Refuse a served model whose card, where the settings name one, tells of other prompts than are in use.

    Raises:
        ConfigError: there is no card, or it does not fit and `allow_other_card` is not set.
    """
    if settings.card is None or settings.backend == "transformers":  # which looks at its own folder's card
        return
    from model.card import CARD, ensure_card, read_card

    known = resolved(settings, folder)
    place = Path(known.card or settings.card)
    if read_card(place) is None:
        raise ConfigError(
            f"engine.card: {place} holds no {CARD}. Remedy: name the folder of the model or adapter that is served, "
            "or remove the line."
        )
    ensure_card(place, known.prompts, [task.id], allow_other=settings.allow_other_card)


def prompt_tag(task: Task[Any, Any], settings: EngineSettings, folder: Path) -> str:
    """The prompt that an engine is asked a task with; empty for an engine without prompts.

    Raises:
        ConfigError: the pack has none for this task.
    """
    if settings.backend == "baseline":
        return ""
    try:
        return form(resolved(settings, folder).prompts, task).tag
    except ConfigError as e:
        raise ConfigError(
            f"engine.prompts {settings.prompts} cannot ask the task {task.id}: {e} "
            f"Remedy: name another engine or pack under engine.tasks.{task.id}."
        ) from e
