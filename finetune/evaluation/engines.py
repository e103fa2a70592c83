"""From a word on the command line to an engine, assembled as a review assembles it, whose calls are kept in a file.

baseline                              the rules shipped with this program
FOLDER                                a model's folder, or an adapter's (its base: as its settings say), in this process
FOLDER@BASE                           an adapter on the base in another folder
http://127.0.0.1:8000/v1#NAME         a vLLM server and the model's name there; `leads` without one
FILE.yaml                             a section `engine` as in review.yaml, for everything else
LABEL=...                             any of these, called LABEL in the tables
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from model.api_engine import connect
from model.engine import A, Answer, Engine, I, Request
from model.local_files import folder_of_adapter
from tools.engine_settings import EngineConfig, EngineTasks, TaskName
from tools.errors import ConfigError

__all__ = ["Given", "PerTask", "connected", "described", "known_engines"]

ADAPTER = "adapter_config.json"
ADDRESS = re.compile(r"https?://\S+")
LABEL = re.compile(r"(?P<label>[\w.+-]{1,40})=(?P<rest>.+)", re.DOTALL)


@dataclass(frozen=True)
class Given:
    """An engine as it was asked for."""

    label: str
    """In the tables, and as the name of the file that keeps its calls."""
    config: EngineTasks
    folder: Path
    """What relative paths of its settings are relative to."""

    @property
    def weights(self) -> tuple[Path, Path | None] | None:
        """Folders of model and adapter, for an engine in this process; None for others."""
        if self.config.backend != "transformers" or not self.config.model:
            return None
        from model.local_files import folder_of_model

        adapter = self.config.adapter
        at = self.folder / self.config.model
        model = at if at.is_dir() else folder_of_model(self.config.model, None)
        return model, None if adapter is None else folder_of_adapter(str(self.folder / adapter))


class PerTask:
    """One engine to the outside, with settings of its own for single tasks."""

    def __init__(self, name: str, given: Given, store: Path, vocabulary: Path | None) -> None:
        self.name = name
        self.given, self._store, self._vocabulary = given, store, vocabulary
        self._made: dict[EngineConfig, Engine] = {}

    def of(self, task: TaskName) -> Engine:
        """The engine that is asked a task."""
        config = self.given.config.for_task(task)
        if config not in self._made:
            folder = self.given.folder
            self._made[config] = connect(
                config, store=self._store, vocabulary=self._vocabulary, folder=folder
            )
        return self._made[config]

    @property
    def in_flight(self) -> int:
        """How many questions at once."""
        return self.given.config.at_once

    def seen(self, request: Request[Any, Any]) -> Any:
        """As the engine of the task."""
        return self._of(request).seen(request)

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """As the engine of the task."""
        return await self._of(request).answer(request)

    def read(self, request: Request[I, A], raw: str) -> A:
        """As the engine of the task."""
        return self._of(request).read(request, raw)

    def _of(self, request: Request[Any, Any]) -> Engine:
        return self.of(request.task.id)  # type: ignore[arg-type]


def connected(given: Given, calls: Path, vocabulary: Path | None = None) -> Engine:
    """The engine, with its calls in a file of its own: what is asked again after a crash is answered from there.

    Raises:
        ConfigError: its settings cannot be used.
        StoreError: the file is not one of ours.
    """
    return PerTask(given.label, given, calls / f"{given.label}.sqlite", vocabulary)


def described(told: Sequence[str], prompts: str = "ours", max_tokens: int | None = None) -> list[Given]:
    """The engines of the command line, each with a label of its own.

    Raises:
        ConfigError: one is none of the forms above.
    """
    found: list[Given] = []
    for one in told:
        given = _described(one, prompts, max_tokens)
        labels = {other.label for other in found}
        number, label = 2, given.label
        while label in labels:
            label, number = f"{given.label}-{number}", number + 1
        found.append(Given(label, given.config, given.folder))
    return found


def known_engines() -> str:
    """The forms in one line, for messages."""
    return "baseline, a model's or adapter's folder, FOLDER@BASE, http://HOST:PORT/v1#MODEL, or a YAML file"


def _described(told: str, prompts: str, max_tokens: int | None) -> Given:
    named = None if ADDRESS.match(told) else LABEL.fullmatch(told)
    rest = named["rest"] if named else told
    more: dict[str, Any] = {"prompts": prompts} | ({} if max_tokens is None else {"max_tokens": max_tokens})
    if rest == "baseline":
        made = Given("baseline", EngineTasks(), Path())
    elif ADDRESS.fullmatch(rest):
        made = _served(rest, more)
    elif rest.endswith((".yaml", ".yml")):
        made = _file(Path(rest))
    else:
        made = _folder(rest, more)
    return Given(named["label"], made.config, made.folder) if named else made


def _served(address: str, more: dict[str, Any]) -> Given:
    url, _, model = address.partition("#")
    config = _config(
        {"backend": "vllm", "base_url": url.rstrip("/"), "model": model or None, **more}, address
    )
    return Given(_label(config.model_name), config, Path())


def _folder(told: str, more: dict[str, Any]) -> Given:
    place, _, base = told.partition("@")
    folder = Path(place).expanduser()
    if not folder.is_dir():
        raise ConfigError(f"--engines: {told} is nothing that is known. Remedy: {known_engines()}.")
    settings: dict[str, Any] = {"backend": "transformers", "model": str(folder.resolve()), **more}
    if (folder / ADAPTER).is_file():
        settings |= {"model": base or _base_of(folder), "adapter": str(folder.resolve())}
    elif base:
        raise ConfigError(
            f"--engines: {place} holds no {ADAPTER}, so it is no adapter. Remedy: name it without @."
        )
    elif not (folder / "config.json").is_file():
        raise ConfigError(
            f"--engines: {place} holds no config.json. Remedy: name a folder that transformers saved."
        )
    return Given(_label(folder.resolve().name), _config(settings, told), Path())


def _base_of(folder: Path) -> str:
    try:
        base = json.loads((folder / ADAPTER).read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError) as e:
        raise ConfigError(f"{folder / ADAPTER} names no base: {e!r}. Remedy: give FOLDER@BASE.") from e
    return str(base)


def _file(path: Path) -> Given:
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as e:
        raise ConfigError(
            f"--engines: {path} cannot be read: {e}. Remedy: see review.yaml, section engine."
        ) from e
    if not isinstance(told, dict):
        raise ConfigError(f"--engines: {path} holds no section engine. Remedy: write it as in review.yaml.")
    return Given(_label(path.stem), _config(told.get("engine", told), str(path)), path.parent)


def _config(settings: Any, told: str) -> EngineTasks:
    try:
        return EngineTasks.model_validate(settings)
    except ValidationError as e:
        raise ConfigError(
            f"--engines {told}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
            for one in e.errors(include_url=False)
        ) from e


def _label(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", text).strip("-")[:40] or "engine"
