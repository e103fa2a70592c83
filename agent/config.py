"""review.yaml → `ReviewConfig`: every mistake at once, each with its line and its remedy.

One order of precedence: command-line flag, file, default; no environment variable changes a protocol.
Lists count from 1 in everything people read or write: `criteria[2].id` is the second criterion's.
"""

import copy
import importlib.resources
import json
import pathlib
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from agent.config_checks import find_mistakes, find_placeholders, find_warnings
from agent.config_engines import without_meaning
from agent.config_validate import validate
from tools.engine_settings import EngineConfig
from tools.errors import ConfigError
from tools.protocol import ReviewConfig, slug
from tools.schemas import sha256_of
from tools.yaml_values import MAX_BYTES, Path, Problem, UnreadableError, dotted, read

__all__ = [
    "STEPS",
    "Loaded",
    "Overrides",
    "ReviewConfig",
    "basis",
    "describe",
    "json_schema",
    "load",
    "parse",
    "sections_of",
    "template",
    "warnings",
]

Overrides = Mapping[str, tuple[Any, str]]
"""Dotted path to (value, the flag it came from): `{"engine.backend": ("baseline", "--engine")}`."""


@dataclass(frozen=True)
class Loaded:
    """A protocol as read.

    Attributes:
        config: every value, defaults included.
        text: the file as given; what is stored as the protocol's revision.
        origins: dotted path of each value to `review.yaml:12`, `default`, or the flag that set it.
        folder: the folder that paths in the file start from.
    """

    config: ReviewConfig
    text: str
    origins: Mapping[str, str]
    folder: pathlib.Path


def load(path: pathlib.Path | str, overrides: Overrides | None = None) -> Loaded:
    """Read review.yaml, reporting every mistake in it at once.

    Raises:
        ConfigError: the file is absent, not UTF-8, no YAML, or wrong; `problems` has one line per mistake.
    """
    path = pathlib.Path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except OSError as e:
        remedy = "check the path, or begin with `python -m agent init`"
        raise ConfigError(f"{path}: cannot be read: {e.strerror}. Remedy: {remedy}.") from e
    except UnicodeDecodeError as e:
        line = raw[: e.start].count(b"\n") + 1
        raise ConfigError(f"{path.name}:{line}: this is not UTF-8. Remedy: save the file as UTF-8.") from e
    return parse(text, folder=path.parent, name=path.name, overrides=overrides)


def parse(
    text: str, *, folder: pathlib.Path, name: str = "review.yaml", overrides: Overrides | None = None
) -> Loaded:
    """As `load`, for a text that is already in hand; paths in it start from `folder`.

    Raises:
        ConfigError: one line per mistake, in the order of the file.
    """
    try:
        document = read(text)
    except UnreadableError as e:
        raise ConfigError(_line(e.problem, name, {}, {})) from e
    tree = document.value
    if not isinstance(tree, dict):
        what = "is empty" if tree is None else "is no protocol"
        raise ConfigError(f"{name}: {what}. Remedy: begin with `python -m agent init`.")
    tree, flags, problems = _overridden(tree, overrides or {})
    problems += document.problems
    parts = validate(tree)
    problems += [*parts.problems, *find_mistakes(parts, folder)]
    unfilled = {p.path: p for p in find_placeholders(tree)}
    problems = [*unfilled.values(), *(p for p in problems if p.path not in unfilled)]
    if problems:
        ordered = sorted(problems, key=lambda p: (_place(p, document.lines), dotted(p.path)))
        raise ConfigError(dict.fromkeys(_line(p, name, document.lines, flags) for p in ordered))
    config = parts.config().completed(slug(folder.resolve().name))
    return Loaded(config, text, _origins(config, tree, document.lines, flags, name), folder)


# Flags -------------------------------------------------------------------------------------------

_STEP_IN_PATH = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)|\[([1-9][0-9]*)\]")


def _overridden(
    tree: dict[str, Any], overrides: Overrides
) -> tuple[dict[str, Any], dict[Path, str], list[Problem]]:
    """The file's values with the flags' on top, the flag behind each path, and flags that fit nowhere."""
    tree = copy.deepcopy(tree)
    flags: dict[Path, str] = {}
    problems: list[Problem] = []
    for text, (value, flag) in overrides.items():
        found = _STEP_IN_PATH.findall(text)
        path: Path = tuple(name or int(number) - 1 for name, number in found)
        try:
            _put(tree, path, value)
        except (LookupError, TypeError):
            problems.append(Problem((), f"{flag} sets {text}, which this file does not have", "correct one"))
            continue
        flags[path] = flag
    if ("engine", "backend") in flags:
        _keep_what_fits(tree["engine"], tree["engine"]["backend"], flags)
    return tree, flags, problems


def _put(tree: Any, path: Path, value: Any) -> None:
    """Set one value; sections that are absent are made, list items are not.

    Raises:
        LookupError, TypeError: the path leads through something that is not there or no container.
    """
    for part in path[:-1]:
        if isinstance(tree, dict) and tree.get(part) is None:
            tree[part] = {}
        tree = tree[part]
    if isinstance(tree, list) and (not isinstance(path[-1], int) or path[-1] >= len(tree)):
        raise LookupError(path)
    tree[path[-1]] = value


def _keep_what_fits(engine: dict[str, Any], backend: Any, flags: Mapping[Path, str]) -> None:
    """A flag that names the backend names it for every task; what belongs to another one goes with it."""
    unfit = (
        {"fallbacks", "tasks", *without_meaning("baseline")}
        if backend == "baseline"
        else without_meaning(backend)
    )
    for key in [k for k in engine if k in unfit and ("engine", k) not in flags]:
        del engine[key]
    if isinstance(tasks := engine.get("tasks"), dict):
        engine["tasks"] = {
            name: task
            for name, task in tasks.items()
            if not isinstance(task, dict) or task.get("backend", backend) == backend
        }


# Mistakes and origins as text --------------------------------------------------------------------


def _place(problem: Problem, lines: Mapping[Path, int]) -> int:
    """The line of a problem: its own, or that of the innermost part of the file that holds it."""
    if problem.line is not None:
        return problem.line
    return next(
        (lines[problem.path[:n]] for n in range(len(problem.path), 0, -1) if problem.path[:n] in lines), 0
    )


def _line(problem: Problem, name: str, lines: Mapping[Path, int], flags: Mapping[Path, str]) -> str:
    number = _place(problem, lines)
    place = _flag(problem.path, flags) or (f"{name}:{number}" if number else name)
    at = f" {dotted(problem.path)}:" if problem.path else ""
    return f"{place}:{at} {problem.message}. Remedy: {problem.remedy}."


def _flag(path: Path, flags: Mapping[Path, str]) -> str | None:
    """The flag that set a path, or the part of the protocol around it."""
    return next((flags[path[:n]] for n in range(len(path), 0, -1) if path[:n] in flags), None)


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Values with their paths; a list of plain values is one value."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for i, item in enumerate(value):
            yield from _leaves(item, (*path, i))
    else:
        yield path, value


def _origins(
    config: ReviewConfig,
    tree: dict[str, Any],
    lines: Mapping[Path, int],
    flags: Mapping[Path, str],
    name: str,
) -> dict[str, str]:
    given = {path for path, value in _leaves(tree) if value is not None}
    origins: dict[str, str] = {}
    for path, _ in _leaves(config.model_dump(mode="json", by_alias=True)):
        flag = _flag(path, flags)
        # A part that stands in no line of the file although it is given was opened by a flag for something in it.
        said = f"{name}:{lines[path]}" if path in lines else "a flag for a part of it"
        origins[dotted(path)] = flag or (said if path in given else "default")
    return origins


def describe(loaded: Loaded) -> str:
    """Every value with its origin, one line each: what `check` prints."""
    rows = [
        (dotted(path), json.dumps(value, ensure_ascii=False), loaded.origins[dotted(path)])
        for path, value in _leaves(loaded.config.model_dump(mode="json", by_alias=True))
    ]
    width = max(len(path) for path, _, _ in rows)
    return "\n".join(f"{path:<{width}}  {value}  ({origin})" for path, value, origin in rows)


def warnings(config: ReviewConfig) -> tuple[str, ...]:
    """What is allowed and will probably be regretted; one line each, with its remedy."""
    return tuple(find_warnings(config))


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of review.yaml, for editors that complete and check while one types."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ReviewConfig.model_json_schema(by_alias=True),
        "title": "review.yaml",
    }


def template(title: str) -> str:
    """A commented review.yaml to begin with; valid as soon as every << … >> is filled in."""
    text = importlib.resources.files("agent").joinpath("templates/review.yaml").read_text(encoding="utf-8")
    # A JSON string is a YAML string once nothing unprintable and no odd line break is left in it.
    plain = "".join(c for c in " ".join(title.split()) if c.isprintable())
    return string.Template(text).substitute(title=json.dumps(plain, ensure_ascii=False))


# What each step depends on ------------------------------------------------------------------------

_SAME_ANSWER = {
    "base_url",
    "api_key_env",
    "timeout_s",
    "max_in_flight",
    "data_parallel",
    "probabilities",
    "card",
    "allow_other_card",
}
"""Settings of an engine that change where or how fast it answers, or what else it tells, never the answer."""

_SAME_RECORDS = {"email", "api_key_env", "limit", "batch_size", "page_size"}
"""Settings of a source that do not change which records match."""

_AFTER_THE_SEARCH = {"citations"}
"""Settings of the search that begin once reports are included, and leave the strategy alone."""


_PARTS: Mapping[str, Callable[[ReviewConfig], Any]] = {
    "review.title": lambda c: c.review.title,
    "review.type": lambda c: c.review.type,
    "question": lambda c: _dump(c.question),
    "search": lambda c: {**_dump(c.search, _AFTER_THE_SEARCH), "include_elements": c.searched},
    "sources": lambda c: [_dump(s, _SAME_RECORDS) for s in c.sources],
    "criteria": lambda c: [_dump(k) for k in c.criteria],
    "criteria on title and abstract": lambda c: [_dump(k) for k in c.criteria if k.stage != "full_text"],
    "criteria on full text": lambda c: [_dump(k) for k in c.criteria if k.stage != "title_abstract"],
    "prefilter": lambda c: _dump(c.prefilter),
    "screening": lambda c: _dump(c.screening),
    "engine for screen": lambda c: _engine(c.engine.for_task("screen")),
    "engine for characteristics": lambda c: _engine(c.engine.for_task("characteristics")),
    "fulltext": lambda c: {**_dump(c.fulltext), "pmc": c.fetch_pmc},
    "extraction form": lambda c: [_dump(f) for f in c.form],
    "outcomes": lambda c: [_dump(o) for o in c.extraction.outcomes],
    "participants": lambda c: [_dump(m) for m in (*c.extraction.participants, *c.extraction.arm_fields)],
    "registry": lambda c: c.reads_registry,
    "characters": lambda c: c.extraction.characters if c.reads_evidence else 0,
    "appraisal": lambda c: _dump(c.appraisal),
    "synthesis": lambda c: _dump(c.synthesis),
    # A report whose arms nobody recognises is asked about under the names of the question.
    "question for evidence": lambda c: _dump(c.question) if c.reads_evidence else {},
    "engine for summary": lambda c: _engine(c.engine.for_task("summary")) if c.synthesis.analyses else {},
    "engines for evidence": lambda c: {
        task: _engine(c.engine.for_task(task))
        for task in ("arms", "participants", "results", "characteristics", "direction", "bias")
        if c.reads_evidence
    },
}


def _engine(engine: EngineConfig) -> dict[str, Any]:
    own = _dump(engine, _SAME_ANSWER | {"fallbacks"})
    return own | {"fallbacks": [_dump(other, _SAME_ANSWER) for other in engine.fallbacks]}


_PICO = ("review.type", "question")
_QUERY = (*_PICO, "search")

_BASES: Mapping[str, tuple[str, ...]] = {
    "pico": _PICO,
    "query": _QUERY,
    "retrieve": (*_QUERY, "sources"),
    # Records are ranked by their likeness to the title, too.
    "prefilter": ("review.title", "question", "criteria", "prefilter"),
    "screen": ("criteria on title and abstract", "engine for screen", "screening"),
    "fulltext": ("fulltext",),
    # Full texts are judged by the task `screen`, so its engine belongs here too.
    "extract": (
        "criteria on full text",
        "engine for screen",
        "extraction form",
        "engine for characteristics",
    ),
    "evidence": (
        "question for evidence",
        "outcomes",
        "participants",
        "registry",
        "characters",
        "appraisal",
        "engines for evidence",
    ),
    "synthesis": ("outcomes", "synthesis", "appraisal", "engine for summary"),
}

STEPS = tuple(_BASES)
"""Steps whose product depends on the protocol, in the order of the review."""


def _dump(model: BaseModel, leave_out: Iterable[str] = ()) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude=set(leave_out))


def sections_of(step: str) -> tuple[str, ...]:
    """Names of the parts of a protocol that the product of one step depends on.

    A part that is not named can change without the step being done again: new criteria do not
    repeat the search, a new address of the same model asks nothing again.

    Raises:
        ValueError: no step has this name.
    """
    if step not in _BASES:
        raise ValueError(f"no step is called {step!r}; the steps are {', '.join(STEPS)}")
    return _BASES[step]


def basis(config: ReviewConfig, step: str) -> str:
    """SHA-256 over the parts that `sections_of` names: equal until one of them changes.

    Raises:
        ValueError: no step has this name.
    """
    return sha256_of({"step": step, "parts": {name: _PARTS[name](config) for name in sections_of(step)}})
