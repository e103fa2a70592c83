"""What the forms of the LEADS format share; see `model.forms.Form`.

What the format cannot say stays unsaid: it has no quotes, no units beside a value, no spreads and limits. So a
verdict comes without evidence and is flagged, and a found value is looked up in the text afterwards, and marked
as such.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from model.engine import A, AnswerRejected, I, Request, Task, parse_answer
from model.leads.reply import Said, Unreadable, document, spoken
from model.prompting import Prompt, Template
from tools.errors import ConfigError

__all__ = ["LeadsForm", "a_list", "one_line", "said_as"]

S = TypeVar("S", bound=Said)


class LeadsForm(ABC):
    """What the forms share: prompts with LEADS' variables, replies read as a whole or not at all.

    A prompt file may use any of the `offered` variables and must use one of the sets in `needed`.
    """

    offered: ClassVar[frozenset[str]]
    needed: ClassVar[tuple[frozenset[str], ...]]
    labels: tuple[str, ...] = ()

    def __init__(self, template: Template, task: Task[Any, Any]) -> None:
        self.template, self.task = template, task
        self.tag = template.tag
        used = template.variables
        if unknown := used - self.offered:
            raise ConfigError(
                f"prompt {task.id}: variables {sorted(unknown)} are not known; there are {sorted(self.offered)}. "
                "See docs/prompts.md."
            )
        if not any(needed <= used for needed in self.needed):
            sets = " or ".join(str(sorted(needed)) for needed in self.needed)
            raise ConfigError(f"prompt {task.id}: it must use the variables {sets}. See docs/prompts.md.")

    def prompt(self, asked: Any) -> Prompt:
        """See `Form`. One user message.

        Raises:
            EngineRefused: the question cannot be put in this format.
        """
        values = self.values(asked)
        return self.template.fill({name: values[name] for name in self.template.variables})

    def read(self, request: Request[I, A], raw: str) -> A:
        """See `Form`."""
        try:
            told = self.told(request.input, document(raw))
            return parse_answer(request, json.dumps(told))
        except AnswerRejected as e:
            raise AnswerRejected(str(e), raw=raw) from e
        except Unreadable as e:
            raise AnswerRejected(f"{self.task.id}: {e}", raw=raw) from e

    def write(self, request: Request[I, A], value: A) -> str:
        """See `Form`; quotes and whatever else the format cannot hold are left out.

        Raises:
            ValueError: the format cannot say this at all.
        """
        return spoken(self.said(request.input, value))

    def label_spans(self, _request: Request[Any, Any], _raw: str) -> dict[str, tuple[int, int]]:
        """See `Form`: no labels here."""
        return {}

    def meant(
        self, _request: Request[Any, Any], likely: Mapping[str, Mapping[str, float]]
    ) -> dict[str, dict[str, float]]:
        """See `Form`."""
        return {item: dict(by_label) for item, by_label in likely.items()}

    @abstractmethod
    def values(self, asked: Any) -> dict[str, str]:
        """The offered variables, filled."""

    @abstractmethod
    def schema(self, asked: Any) -> dict[str, Any]:
        """See `Form`."""

    @abstractmethod
    def told(self, asked: Any, reply: Any) -> dict[str, Any]:
        """A reply's JSON value as our answer's.

        Raises:
            Unreadable: it is not in the format.
        """

    @abstractmethod
    def said(self, asked: Any, value: Any) -> Any:
        """Our answer as a reply's JSON value."""


def said_as(kind: type[S], value: Any, where: str) -> S:
    """One part of a reply, each of its fields there and of its type.

    Raises:
        Unreadable: it is not; `where` tells which part.
    """
    if not isinstance(value, dict):
        raise Unreadable(f"{where or 'the reply'} is not an object with {', '.join(kind.model_fields)}")
    try:
        return kind.model_validate(value)
    except ValidationError as e:
        first = e.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(part) for part in (where, *first["loc"]) if part != "")
        raise Unreadable(f"{path or 'reply'}: {first['msg']}") from e


def a_list(value: Any, where: str, exactly: int | None = None) -> list[Any]:
    """A list, of exactly so many items where it must answer so many.

    Raises:
        Unreadable: it is none, or of another length.
    """
    if not isinstance(value, list):
        raise Unreadable(f"{where} is not a list")
    if exactly is not None and len(value) != exactly:
        raise Unreadable(f"{where}: {len(value)} given, {exactly} asked for; one for each, in their order")
    return value


def one_line(words: str) -> str:
    """Words on one line."""
    return " ".join(words.split())
