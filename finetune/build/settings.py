"""What a build makes, of what, and how: one YAML file, every mistake in it told at once with its line and remedy.

Paths of sources and of the vocabulary are relative to the data folder (`--data`). Other folders are looked for there
and beside the file; a name for which there is no folder stays a name.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from finetune.build.sources import READERS, Source
from finetune.splitting.likeness import Likeness
from finetune.splitting.split import SplitSettings
from model.prompting import PACKS
from tools.engine_settings import EngineConfig
from tools.errors import ConfigError
from tools.schemas import Frozen
from tools.yaml_values import MAX_BYTES, Document, UnreadableError, dotted, read
from tools.yaml_values import Path as Place

__all__ = ["BuildSettings", "Invented", "Leaks", "Limit", "read_settings"]


class Limit(Frozen):
    """How much of one maker's instructions goes on, so that none drowns the others."""

    total: int | None = Field(default=None, ge=1, description="Instructions of this maker.")
    per_task: int | None = Field(default=None, ge=1, description="Of this maker, of one task.")
    per_review: int | None = Field(
        default=None, ge=1, description="Of this maker, of one task, from one review."
    )
    per_study: int | None = Field(
        default=None, ge=1, description="Of this maker, of one task, from one study."
    )


class Invented(Frozen):
    """Instructions about invented trials, of every task."""

    count: int = Field(default=0, ge=0, description="Instructions over all tasks, in turn.")
    seed: int = Field(default=1, ge=0)


class Leaks(Frozen):
    """What is looked for after the division, and what is done about it."""

    texts: Literal["drop", "fail"] = Field(
        default="drop",
        description="A text, title, quote or prompt that stands in two parts under two ids: drop the row of "
        "train (or of validation), or fail.",
    )
    likeness: Likeness = Likeness()


class BuildSettings(Frozen):
    """A build."""

    sources: tuple[Source, ...] = Field(
        default=(), description="What is read: name, kind, path, licence; none for invented ones alone."
    )
    makers: dict[str, dict[str, Any]] = Field(
        default={}, description="Maker to its options; {} for its defaults. See finetune/build/makers.py."
    )
    prompts: str = Field(default="ours", min_length=1, description="Prompt pack: ours, leads, or a folder.")
    engine: EngineConfig = Field(default=EngineConfig(), description="Whom the makers ask.")
    vocabulary: Path | None = Field(
        default=None, description="MeSH: a descriptor file, a folder of tables, or an installed .sqlite."
    )
    embedder: str = Field(
        default="minilm", min_length=1, description="Of near records: minilm, words, or a folder or name."
    )
    searched: int = Field(
        default=1_000_000,
        ge=1,
        description="Records in the index that search strategies are tried on; of a larger corpus a sample by hashes, "
        "about so many, and what reviews included.",
    )
    pieces: int = Field(
        default=1, ge=1, le=100_000, description="Into how many pieces each maker's work is cut."
    )
    limits: dict[str, Limit] = Field(default={}, description="Maker to its limits.")
    invented: Invented = Invented()
    split: SplitSettings = SplitSettings()
    leaks: Leaks = Leaks()
    tokenizer: str | None = Field(
        default=None, description="Folder or name of a tokenizer to count lengths with; else characters."
    )
    longest: int = Field(
        default=30_000,
        ge=64,
        description="Tokens (characters without a tokenizer) of question and answer; longer ones are left out.",
    )

    def vocabulary_in(self, data: Path) -> Path | None:
        """Where the vocabulary lies."""
        return None if self.vocabulary is None else data / self.vocabulary

    def sources_in(self, data: Path) -> tuple[Source, ...]:
        """The sources with their paths below the data folder."""
        return tuple(one.model_copy(update={"path": data / one.path}) for one in self.sources)


def read_settings(path: Path, data: Path) -> BuildSettings:
    """Read a build's settings.

    Raises:
        ConfigError: every mistake, each with its place and what to do.
    """
    text = _text(path)
    try:
        document = read(text)
    except UnreadableError as e:
        at = f":{e.problem.line}" if e.problem.line else ""
        raise ConfigError(f"{path.name}{at}: {e.problem.message}. Remedy: {e.problem.remedy}.") from e
    if not isinstance(document.value, dict):
        raise ConfigError(f"{path.name}: is no build. Remedy: begin with finetune/configs/build_shared.yaml.")
    found: list[tuple[Place, str, str]] = [(p.path, p.message, p.remedy) for p in document.problems]
    settings: BuildSettings | None = None
    try:
        settings = BuildSettings.model_validate(document.value)
    except ValidationError as e:
        found += [_explained(error, document.value) for error in e.errors(include_url=False)]
    if settings is not None:
        found += list(_mistakes(settings, data))
    if found or settings is None:
        raise ConfigError(dict.fromkeys(_line(path.name, document, *one) for one in found))
    return _placed(settings, data, path.parent)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode("utf-8-sig")
    except OSError as e:
        raise ConfigError(f"{path}: cannot be read: {e.strerror}. Remedy: see finetune/configs.") from e
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path}: is not UTF-8. Remedy: save the file as UTF-8.") from e


def _placed(settings: BuildSettings, *bases: Path) -> BuildSettings:
    """Names of folders that are there, as paths: a tokenizer or embedder may also be a name on the hub."""

    def at(name: str | None) -> str | None:
        found = (base / name for base in bases if name and (base / name).is_dir())
        return next((str(path.resolve()) for path in found), name)

    return settings.model_copy(
        update={
            "tokenizer": at(settings.tokenizer),
            "prompts": settings.prompts if (PACKS / settings.prompts).is_dir() else at(settings.prompts),
            "embedder": at(settings.embedder),
        }
    )


# Mistakes ----------------------------------------------------------------------------------------


def _mistakes(settings: BuildSettings, data: Path) -> Iterator[tuple[Place, str, str]]:
    """What is wrong although each value by itself could be right."""
    yield from _of_sources(settings, data)
    yield from _of_makers(settings)
    sources = [*(one.name for one in settings.sources), "invented"]
    for name in settings.split.sources.keys() - sources:
        yield ("split", "sources", name), "no such source", f"use one of {_choice(name, sources)}"


def _of_sources(settings: BuildSettings, data: Path) -> Iterator[tuple[Place, str, str]]:
    names = Counter(one.name for one in settings.sources)
    for at, source in enumerate(settings.sources):
        here: Place = ("sources", at)
        if source.kind not in READERS:
            yield (
                (*here, "kind"),
                f"{source.kind!r} is not known",
                f"use one of {_choice(source.kind, READERS)}",
            )
        if names[source.name] > 1 or source.name == "invented":
            yield (*here, "name"), f"{source.name!r} is taken", "give each source a name of its own"
        if not (data / source.path).exists():
            yield (*here, "path"), f"{data / source.path} is not there", "correct it, or give --data"
    if settings.vocabulary is not None and not (data / settings.vocabulary).exists():
        yield ("vocabulary",), f"{data / settings.vocabulary} is not there", "correct it, or give --data"


def _of_makers(settings: BuildSettings) -> Iterator[tuple[Place, str, str]]:
    from finetune.build.makers import MAKERS, misfit

    for name, options in settings.makers.items():
        if name not in MAKERS:
            yield ("makers", name), "no maker is called so", f"use one of {_choice(name, MAKERS)}"
        elif (wrong := misfit(name, options)) is not None:
            yield ("makers", name), wrong, "correct or remove it; {} takes the defaults"
        elif MAKERS[name].vocabulary and settings.vocabulary is None:
            yield ("makers", name), "needs a vocabulary", "name one under vocabulary, such as MeSH"
    if settings.makers and not settings.sources:
        yield ("sources",), "names nothing to read, and makers need a corpus", "name sources, or no makers"
    if not settings.makers and not settings.invented.count:
        yield ("makers",), "nothing is to be made", "name makers, or set invented.count"
    known = [*settings.makers, "invented"]
    for name in settings.limits.keys() - known:
        yield ("limits", name), "this build has no such maker", f"use one of {_choice(name, known)}"


def _choice(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return ", ".join(known) + (f" (did you mean {close[0]}?)" if close else "")


def _explained(error: Any, tree: Mapping[str, Any]) -> tuple[Place, str, str]:
    """One of pydantic's errors: its place, what is wrong, what to do."""
    place: Place = error["loc"]
    if error["type"] == "extra_forbidden":
        return place, "no such key", f"use one of {_choice(str(place[-1]), _keys(place[:-1]))}"
    if error["type"] == "missing":
        described = _fields(place[:-1])[str(place[-1])].description or ""
        return place, "is missing", f"add it ({described.rstrip('.')})" if described else "add it"
    if error["type"] == "value_error":
        what, _, remedy = str(error["ctx"]["error"]).partition("; ")
        return place, what, remedy or "write another value"
    said = str(error["msg"]).replace("Input should", "should").rstrip(".")
    shown = re.sub(r"\s+", " ", repr(error["input"]))[:60]
    return place, f"{said}, is {shown}", "write such a value"


def _keys(place: Place) -> list[str]:
    return list(_fields(place))


def _fields(place: Place) -> dict[str, Any]:
    """The fields of the model that stands at a place; positions and names of items are passed over."""
    model: Any = BuildSettings
    for step in place:
        field = model.model_fields.get(step) if isinstance(step, str) else None
        if field is not None and (inner := _model_in(field.annotation)) is not None:
            model = inner
    return dict(model.model_fields)


def _model_in(kind: Any) -> Any:
    """The model within a type, such as that of the items of a tuple."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next((found for part in getattr(kind, "__args__", ()) if (found := _model_in(part))), None)


def _line(name: str, document: Document, place: Place, what: str, remedy: str) -> str:
    lines = (document.lines.get(place[:n]) for n in range(len(place), 0, -1))
    line = next((number for number in lines if number is not None), None)
    at = f"{name}:{line}" if line else name
    return f"{at}: {dotted(place)}: {what}. Remedy: {remedy}."
