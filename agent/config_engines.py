"""Mistakes in the section `engine` of review.yaml."""

import pathlib
import sys
from collections.abc import Iterator

from tools.engine_settings import EngineConfig, EngineSettings, EngineTasks
from tools.yaml_values import Path, Problem

__all__ = ["engine_mistakes", "without_meaning"]


def engine_mistakes(engine: EngineTasks, folder: pathlib.Path) -> Iterator[Problem]:
    """What is missing, or has no meaning, for the backends that are named."""
    yield from _engine(engine, engine.model_fields_set - {"backend", "tasks"}, ("engine",), folder)
    for task, override in engine.tasks.items():
        given = {name for name in override.model_fields_set if getattr(override, name) is not None}
        path: Path = ("engine", "tasks", task)
        if not given:
            yield Problem(path, "says nothing", "name what differs, or remove it")
        yield from _engine(engine.for_task(task), given - {"backend"}, path, folder)


_OF_SERVERS = {
    "base_url",
    "api_key_env",
    "structured_output",
    "timeout_s",
    "data_parallel",
}
"""Settings of engines behind an address."""

_NEEDS: dict[str, tuple[str, ...]] = {
    "vllm": (),
    "openai": ("model", "base_url"),
    "transformers": ("model",),
}
"""Backend to the settings that it cannot do without."""


def _engine(engine: EngineSettings, given: set[str], path: Path, folder: pathlib.Path) -> Iterator[Problem]:
    for name in sorted(given & without_meaning(engine.backend)):
        remedy = "remove it, or write backend: openai" if engine.backend == "baseline" else "remove it"
        yield Problem((*path, name), f"has no meaning for the backend {engine.backend}", remedy)
    for name in _NEEDS.get(engine.backend, ()):
        if getattr(engine, name) is None:
            yield Problem((*path, name), f"is missing: the backend {engine.backend} needs it", f"add {name}")
    if engine.max_tokens * 2 > (engine.context or sys.maxsize):
        message = f"leaves no room: an answer may take {engine.max_tokens} of {engine.context} tokens"
        yield Problem((*path, "context"), message, "lower max_tokens")
    if engine.backend != "baseline":
        yield from _prompts(engine, path, folder)
    for i, other in enumerate(engine.fallbacks if isinstance(engine, EngineConfig) else ()):
        yield from _engine(other, other.model_fields_set - {"backend"}, (*path, "fallbacks", i), folder)


def without_meaning(backend: str) -> set[str]:
    """Settings that a backend cannot make use of."""
    every = set(EngineConfig.model_fields) - {"backend", "tasks", "fallbacks"}
    if backend == "baseline":
        return every
    if backend == "transformers":
        return _OF_SERVERS
    return {"adapter"} | (set() if backend == "vllm" else {"data_parallel"})


def _prompts(engine: EngineSettings, path: Path, folder: pathlib.Path) -> Iterator[Problem]:
    """A pack must be there; whether it has a prompt for each task is seen when its engine is made."""
    from model.prompting import PACKS

    if (PACKS / engine.prompts).is_dir() or (folder / engine.prompts).is_dir():
        return
    shipped = " or ".join(sorted(pack.name for pack in PACKS.iterdir() if pack.is_dir()))
    message = f"{engine.prompts} is no prompt pack"
    yield Problem((*path, "prompts"), message, f"use {shipped}, or the folder of your own prompt files")
