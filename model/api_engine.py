"""Engines for notebooks: from a short description to one that answers every task; and many questions in order."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pydantic import ValidationError

from model.building import Backends, Rooms, assembled, kept_live
from model.engine import A, Answer, Around, Engine, EngineUnavailable, I, Request
from model.pool import ask_all
from tools.engine_settings import EngineConfig, EngineSettings
from tools.errors import ConfigError, EngineError
from tools.logs import CallLog, ScoreLog

if TYPE_CHECKING:
    from model.embedding import Embedder, Vectors
    from tools.search.vocabulary import Vocabulary

__all__ = ["Batch", "Connected", "EngineLike", "Progress", "Stopped", "ask_in_order", "connect", "engine_of"]

R = TypeVar("R")

EngineLike = Engine | EngineConfig | Mapping[str, Any] | str
"""An engine; or what the section `engine` of review.yaml says, as a dict; or the name of a backend alone."""

Progress = Callable[[int, int], None]
"""Called with how many have landed, and how many there are."""

_NEEDS = {"openai": ("model", "base_url"), "transformers": ("model",)}


class Stopped(EngineUnavailable):
    """Nobody answers any more. `results` is the batch as far as it came: this error stands where nothing landed."""

    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message)
        self.exit_status = exit_status
        self.results: list[Any] = []


class Connected(Around):
    """One engine for all tasks, built as a review's engines are."""

    def __init__(
        self, config: EngineConfig, backends: Backends, calls: CallLog | None, scores: ScoreLog
    ) -> None:
        kept = kept_live(calls, _jitter) if calls else _kept
        super().__init__(assembled(config, backends, kept, rooms=Rooms(backends.folder, scores), log=calls))
        self.in_flight = config.at_once

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """As the engine within."""
        return await self.engine.answer(request)


def connect(
    engine: EngineLike = "baseline",
    *,
    store: str | Path | None = None,
    vocabulary: str | Path | None = None,
    folder: str | Path = ".",
) -> Engine:
    """An engine to hand to many calls.

    Args:
        engine: see `EngineLike`; an engine is given back as it is.
        store: a file that keeps every call, so that what was answered once is not asked again, also after a
            crash or in another notebook.
        vocabulary: an installed vocabulary, for the baseline's synonyms.
        folder: what relative paths of the description are relative to.

    Raises:
        ConfigError: the description cannot be used.
    """
    if not isinstance(engine, str | Mapping | EngineConfig):
        return engine
    words: Vocabulary | None = None
    if vocabulary is not None:
        from tools.search.vocabulary import Vocabulary as Words

        words = Words(Path(vocabulary))
    backends = Backends(words, cast("Embedder", _LazyEmbedder()), Path(folder))
    if store is None:
        return Connected(config_of(engine), backends, None, _InMemory())
    from tools.database import Database

    database = Database.file(Path(store))
    return Connected(config_of(engine), backends, CallLog(database, _now), ScoreLog(database))


def engine_of(engine: EngineLike) -> Engine:
    """As `connect` without options; the same description is built once, so that models are loaded once.

    Raises:
        ConfigError: the description cannot be used.
    """
    return _built(config_of(engine)) if isinstance(engine, str | Mapping | EngineConfig) else engine


@lru_cache(maxsize=8)
def _built(config: EngineConfig) -> Engine:
    return connect(config)


def config_of(engine: EngineConfig | Mapping[str, Any] | str) -> EngineConfig:
    """The settings that a description stands for.

    Raises:
        ConfigError: an unknown or missing setting.
    """
    if isinstance(engine, str):
        engine = {"backend": engine}
    if not isinstance(engine, EngineConfig):
        try:
            engine = EngineConfig.model_validate(dict(engine))
        except ValidationError as e:
            raise ConfigError(
                f"{'.'.join(('engine', *map(str, one['loc'])))}: {one['msg']}"
                for one in e.errors(include_url=False)
            ) from e
    missing = [name for name in _NEEDS.get(engine.backend, ()) if getattr(engine, name) is None]
    if missing:
        raise ConfigError(f"engine: the backend {engine.backend} needs {' and '.join(missing)}")
    return engine


def ask_in_order(
    engine: EngineLike,
    requests: Sequence[Request[I, A]],
    finish: Callable[[Request[I, A], Answer[A]], R],
    *,
    in_flight: int | None = None,
    progress: Progress | None = None,
) -> list[R | EngineError]:
    """Ask all, many at a time; the results in the order of the questions.

    Args:
        engine: whom.
        requests: equal ones stay separate entries.
        finish: what becomes of each answer.
        in_flight: how many at a time; as the engine's settings say unless given.
        progress: told of each that lands.

    Returns:
        For each question its answer, or the typed error of its failure; never None.

    Raises:
        Stopped: nobody is there any more; it holds what had landed.
        ConfigError: the engine cannot be used.
    """
    asked = engine_of(engine)
    results: list[R | EngineError | None] = [None] * len(requests)
    done = 0

    def landed(position: int, told: Answer[A] | EngineError) -> None:
        nonlocal done
        results[position] = (
            told if isinstance(told, EngineError) else _finished(finish, requests[position], told)
        )
        done += 1
        if progress is not None:
            progress(done, len(requests))

    at_once = in_flight if in_flight is not None else getattr(asked, "in_flight", 8)
    try:
        ask_all(asked, requests, in_flight=at_once, landed=landed)
    except EngineUnavailable as e:
        stopped = Stopped(f"{e} ({done} of {len(requests)} had been answered: see .results)", e.exit_status)
        stopped.results = [stopped if one is None else one for one in results]
        raise stopped from e
    return [one for one in results if one is not None]


def _finished(
    finish: Callable[[Request[I, A], Answer[A]], R], request: Request[I, A], told: Answer[A]
) -> Any:
    """What is made of an answer, or why nothing can be made of it."""
    try:
        return finish(request, told)
    except EngineError as e:
        return e


class Batch(Generic[I, A, R]):
    """The batch form of a function; see `model.api`."""

    def __init__(
        self, build: Callable[..., Request[I, A]], finish: Callable[[Request[I, A], Answer[A]], R]
    ) -> None:
        """
        Args:
            build: the question of one item; its first argument may be given alone.
            finish: what becomes of the answer.
        """
        self.build, self.finish = build, finish
        self._signature = inspect.signature(build)

    def __call__(
        self,
        items: Iterable[object],
        *,
        engine: EngineLike = "baseline",
        in_flight: int | None = None,
        progress: Progress | None = None,
        **common: Any,
    ) -> list[R | EngineError]:
        """Ask about each item.

        Args:
            items: dicts of the function's arguments, or its first argument alone.
            engine, in_flight, progress: see `ask_in_order`.
            common: arguments that are the same for all items.

        Raises:
            ConfigError: an item cannot be asked about; nothing has been asked then.
            Stopped: the engine cannot be reached any more.
        """
        requests = [self._question(item, common, number) for number, item in enumerate(items)]
        return ask_in_order(engine, requests, self.finish, in_flight=in_flight, progress=progress)

    def _question(self, item: object, common: Mapping[str, Any], number: int) -> Request[I, A]:
        names = list(self._signature.parameters)
        own = dict(item) if isinstance(item, Mapping) and set(item) <= set(names) else {names[0]: item}
        try:
            bound = self._signature.bind(**{**common, **own})
        except TypeError as e:
            raise ConfigError(f"item {number}: {e}. Arguments are {', '.join(names)}.") from e
        try:
            return self.build(*bound.args, **bound.kwargs)
        except ConfigError as e:
            raise ConfigError(f"item {number}: {problem}" for problem in e.problems) from e


def _kept(backend: Engine, settings: EngineSettings) -> Engine:
    """As `kept_live`, with nothing stored."""
    from model.wrappers import Corrected, Limited, Retried

    return Corrected(Retried(Limited(backend, settings.at_once), _jitter))


class _LazyEmbedder:
    """The bundled embedder, loaded when the first text comes: most tasks never ask for one."""

    @property
    def name(self) -> str:
        """As the bundled one's."""
        return self._embedder().name

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the bundled one.

        Raises:
            ConfigError: its package is not installed.
        """
        return self._embedder().encode(texts)

    @staticmethod
    @lru_cache(maxsize=1)
    def _embedder() -> Embedder:
        from model.embedding import load

        return load()


class _InMemory(ScoreLog):
    """Counts of tokens, kept as long as the engine."""

    def __init__(self) -> None:
        self.known: dict[str, float] = {}

    def find(self, keys: Iterable[str]) -> dict[str, float]:
        """See `ScoreLog`."""
        return {key: self.known[key] for key in keys if key in self.known}

    def save(self, scores: Mapping[str, float]) -> None:
        """See `ScoreLog`."""
        self.known = dict(scores) | self.known


def _jitter() -> float:
    """Spreads retries, decides nothing."""
    return random.uniform(0.75, 1.25)  # noqa: S311


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
