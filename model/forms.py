"""How a task is put to a language model, and how its reply is read: one form per task and prompt pack.

A pack is a folder of prompt files with a `pack.yaml` that says in which format its answers come: `ours`, as
written here, or `leads`, as the published weights give them (`model.leads`). The steps never see a format.

In our own format a list with one item per criterion, field or element is an object with a property for each id.
So the grammar that a server compiles from the schema demands every item exactly once, and no item can take
another's place. A property that comes twice is an error, where JSON readers silently keep the last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol, get_args

import yaml
from pydantic import Field

from model.engine import A, AnswerRejected, I, Keyed, Request, Task, parse_answer
from model.prompting import Prompt, Template, folder_of, pack
from tools.errors import ConfigError
from tools.schemas import Frozen

__all__ = ["Form", "OwnForm", "form", "form_of", "json_object", "label_spans", "strict", "without_lengths"]


class Form(Protocol):
    """One task in the words of one pack."""

    tag: str
    """Id, version and hash of the prompt file."""
    labels: tuple[str, ...]
    """The labels whose probability can be read off the model; empty where the task has none."""

    def prompt(self, asked: Any) -> Prompt:
        """The exact text that is sent."""
        ...

    def schema(self, asked: Any) -> dict[str, Any]:
        """JSON Schema of a reply to this very question; bounded, so that no model can go on for ever."""
        ...

    def read(self, request: Request[I, A], raw: str) -> A:
        """A reply as the task's answer.

        Raises:
            AnswerRejected: it is none; the message is fit to be told to the model.
        """
        ...

    def write(self, request: Request[I, A], value: A) -> str:
        """The reply that `read` reads as this answer: what a model is trained to say."""
        ...

    def label_spans(self, request: Request[Any, Any], raw: str) -> dict[str, tuple[int, int]]:
        """Item id to (start, end) of its label's characters in a reply; nothing where they cannot be told."""
        ...

    def meant(
        self, request: Request[Any, Any], likely: Mapping[str, Mapping[str, float]]
    ) -> dict[str, dict[str, float]]:
        """Item id to label to probability, from the labels of a reply to those of the answer.

        They are the same but where a format puts a criterion turned round.
        """
        ...


@cache
def form(prompts: str, task: Task[Any, Any]) -> Form:
    """The form of a task in a shipped pack (`ours`, `leads`) or in a user's folder.

    Raises:
        ConfigError: the pack has no prompt for this task, or one that cannot be used.
    """
    answers = answers_of(prompts)
    if (
        answers == "leads"
    ):  # before its prompt is looked for: there is none for a task that LEADS does not know
        from model.leads import check_known

        check_known(task.id)
    return form_of(answers, pack(prompts, task.id), task)


def form_of(answers: str, template: Template, task: Task[Any, Any]) -> Form:
    """A form from its parts.

    Raises:
        ConfigError: the format has no answers for this task.
    """
    if answers == "leads":
        from model.leads import leads_form

        return leads_form(template, task)
    return OwnForm(template, task)


class PackCard(Frozen):
    """`pack.yaml` of a folder of prompts."""

    answers: str = Field(default="ours", pattern="^(ours|leads)$", description="Format of the answers.")
    description: str = ""


@cache
def answers_of(prompts: str) -> str:
    """The format of a pack's answers; a folder without `pack.yaml` has ours.

    Raises:
        ConfigError: `pack.yaml` cannot be read.
    """
    path: Path = folder_of(prompts) / "pack.yaml"
    if not path.is_file():
        return "ours"
    try:
        return PackCard.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).answers
    except (OSError, ValueError, yaml.YAMLError) as e:
        raise ConfigError(f"{path} does not describe a prompt pack: {e}. See model/prompts/leads.") from e


class OwnForm:
    """Our own answers: the task's model as JSON, its keyed list as an object."""

    def __init__(self, template: Template, task: Task[Any, Any]) -> None:
        self.template, self.task = template, task
        self.tag = template.tag
        self.labels = _labels(task)

    def prompt(self, asked: Any) -> Prompt:
        """See `Form`."""
        return self.template.fill(self.task.variables(asked))

    def schema(self, asked: Any) -> dict[str, Any]:
        """See `Form`."""
        base = _limited(_schema_of(self.task), self.task.limits(asked))
        keyed = self.task.keyed
        if keyed is None:
            return base
        item = base["properties"][keyed.items]["items"]
        defined = item["$ref"].rpartition("/")[2] if "$ref" in item else ""
        item = _without(keyed.id, base["$defs"][defined] if defined else item)
        if defined:
            base["$defs"] = base["$defs"] | {defined: item}
        by_id = {}
        for key in keyed.ids(asked):
            bounds = dict(keyed.bounds(asked, key))
            own = item | {"properties": item["properties"] | bounds}
            by_id[key] = {"$ref": f"#/$defs/{defined}"} if defined and not bounds else own
        told = {"type": "object", "properties": by_id, "required": list(by_id), "additionalProperties": False}
        base["properties"] = base["properties"] | {keyed.items: told}
        return base

    def read(self, request: Request[I, A], raw: str) -> A:
        """See `Form`."""
        told = json_object(self.task.id, raw)
        keyed = self.task.keyed
        try:
            if keyed is None:
                return parse_answer(request, raw)
            listed = self._listed(keyed, told)
            value = parse_answer(request, json.dumps(told | {keyed.items: listed}))
            self._complete(keyed.ids(request.input), told[keyed.items])
        except AnswerRejected as e:
            raise AnswerRejected(str(e), raw=raw) from e
        return value

    def _listed(self, keyed: Keyed[Any], told: dict[str, Any]) -> list[dict[str, Any]]:
        by_id = told.get(keyed.items)
        if not isinstance(by_id, dict) or not all(isinstance(item, dict) for item in by_id.values()):
            raise AnswerRejected(
                f"{self.task.id}: {keyed.items!r} is not an object with an object for each id"
            )
        if any(keyed.id in item for item in by_id.values()):  # it would take the place of the property's name
            raise AnswerRejected(f"{self.task.id}: an item of {keyed.items!r} with a {keyed.id!r} of its own")
        return [{keyed.id: key} | item for key, item in by_id.items()]

    def _complete(self, asked: Sequence[str], given: Mapping[str, Any]) -> None:
        """Every id, also for a task whose other engines may leave one out, as `query`."""
        missing, unknown = sorted(set(asked) - set(given)), sorted(set(given) - set(asked))
        if missing or unknown:
            raise AnswerRejected(f"{self.task.id}: missing {missing}, unknown {unknown}")

    def write(self, request: Request[I, A], value: A) -> str:
        """See `Form`.

        Fields in the schema's order and without white space, as vLLM's grammar lets them come: a model that was
        trained on other bytes would be made to stumble at every comma.
        """
        told = _in_order(value.model_dump(mode="json"), _schema_of(self.task))
        if keyed := self.task.keyed:
            by_id = {
                item[keyed.id]: {k: v for k, v in item.items() if k != keyed.id} for item in told[keyed.items]
            }
            told[keyed.items] = {key: by_id[key] for key in keyed.ids(request.input)}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    def label_spans(self, request: Request[Any, Any], raw: str) -> dict[str, tuple[int, int]]:
        """See `Form`."""
        if not self.labels:
            return {}
        if self.task.keyed is None:
            return label_spans(raw, self.task.label, [""])
        try:
            given = json_object(self.task.id, raw)[self.task.keyed.items]
        except (AnswerRejected, LookupError):
            return {}
        return label_spans(raw, self.task.label, list(given))

    def meant(
        self, _request: Request[Any, Any], likely: Mapping[str, Mapping[str, float]]
    ) -> dict[str, dict[str, float]]:
        """See `Form`."""
        return {item: dict(by_label) for item, by_label in likely.items()}


def _limited(schema: Mapping[str, Any], limits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The schema with what a task says of its parts for this very question."""
    base = dict(schema)
    for name, fields in limits.items():
        part = base["$defs"][name]
        bounded = {field: part["properties"][field] | dict(more) for field, more in fields.items()}
        told = part | {"properties": part["properties"] | bounded}
        base["$defs"] = base["$defs"] | {name: told}
    return base


def label_spans(raw: str, field: str, ids: list[str]) -> dict[str, tuple[int, int]]:
    """Where the values of a text field stand in JSON text, for items in order; nothing where the count differs.

    A quotation mark inside a JSON string is always escaped, so a text that speaks of the field is not found.
    """
    found = list(re.finditer(rf'"{re.escape(field)}"\s*:\s*"([^"\\]*)"', raw))
    return {key: m.span(1) for key, m in zip(ids, found, strict=True)} if len(found) == len(ids) else {}


def json_object(task: str, raw: str) -> dict[str, Any]:
    """A reply as a JSON object in which no property comes twice.

    Raises:
        AnswerRejected: it is none.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        told = dict(pairs)
        if len(told) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"given twice: {sorted({n for n in names if names.count(n) > 1})}")
        return told

    def no_number(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    try:
        told = json.loads(raw, object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError) as e:
        raise AnswerRejected(f"{task}: not one JSON object: {e}", raw=raw) from e
    if not isinstance(told, dict):
        raise AnswerRejected(f"{task}: not a JSON object", raw=raw)
    return told


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema with every field asked for and no defaults or titles, as strict mode demands.

    Source: OpenAI, Structured Outputs, "Supported schemas": all fields must be required.
    """
    told: dict[str, Any] = _all_required(schema, names=False)
    return told


@cache
def _schema_of(task: Task[Any, Any]) -> dict[str, Any]:
    """Made once: pydantic takes longer for it than all the rest of a question. Nobody may change what is in it."""
    return strict(task.answer.model_json_schema())


def without_lengths(schema: Any, *, names: bool = False) -> Any:
    """A JSON Schema whose texts have no longest and shortest length, for servers that make a grammar of it.

    xgrammar (0.2, in vLLM and elsewhere) writes a bounded text as characters without any escape, so that no passage
    with a quotation mark in it could be quoted letter by letter, and it takes seconds to compile one (its issues 286,
    800). `max_tokens` bounds an answer as a whole, and lengths are validated when it is read.

    Args:
        names: the keys of this object are names of ours, and not words of JSON Schema.
    """
    if isinstance(schema, list):
        return [without_lengths(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        word: without_lengths(value, names=not names and word in ("properties", "$defs"))
        for word, value in schema.items()
        if names or word not in ("minLength", "maxLength")
    }


def _all_required(part: Any, *, names: bool) -> Any:
    """`names`: the keys of this object are names of ours, and not words of JSON Schema."""
    if isinstance(part, list):
        return [_all_required(item, names=False) for item in part]
    if not isinstance(part, dict):
        return part
    if names:
        return {name: _all_required(value, names=False) for name, value in part.items()}
    kept = {
        word: _all_required(value, names=word in ("properties", "$defs"))
        for word, value in part.items()
        if word not in ("default", "title")
    }
    return kept | {"required": list(kept["properties"])} if "properties" in kept else kept


def _in_order(told: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the schema knows, all the way down."""

    def ordered(value: Any, part: Mapping[str, Any]) -> Any:
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
        if isinstance(value, dict) and "properties" in part:
            return {name: ordered(value[name], sub) for name, sub in part["properties"].items()}
        if isinstance(value, list) and "items" in part:
            return [ordered(item, part["items"]) for item in value]
        return value

    done: dict[str, Any] = ordered(told, schema)
    return done


def _without(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    rest = {k: v for k, v in item["properties"].items() if k != name}
    return dict(item) | {"properties": rest, "required": list(rest)}


def _labels(task: Task[Any, Any]) -> tuple[str, ...]:
    if not task.label:
        return ()
    model = task.answer
    if task.keyed is not None:
        model = get_args(task.answer.model_fields[task.keyed.items].annotation)[0]
    return tuple(str(label) for label in get_args(model.model_fields[task.label].annotation))
