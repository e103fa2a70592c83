"""The engine protocol: a typed request in, a typed answer or an `EngineError` out.

EngineError                  (tools.errors) the engine did not give a usable answer
├── AnswerRejected           it answered, but not in the task's form: malformed, incomplete, truncated
├── EngineRefused            it declined, or the request can never fit (too long): asking again cannot help
├── EngineBusy               overloaded or too slow; worth asking again later
└── EngineUnavailable        nobody there: the whole step stops and can be resumed; exit status 4
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from tools.errors import EngineError
from tools.schemas import Frozen, canonical_json, sha256_of

__all__ = [
    "Answer",
    "AnswerRejected",
    "Engine",
    "EngineBusy",
    "EngineRefused",
    "EngineUnavailable",
    "Request",
    "Task",
    "boundary",
    "call_key",
    "call_request",
    "parse_answer",
]

I = TypeVar("I", bound=Frozen)  # noqa: E741 - input
A = TypeVar("A", bound=Frozen)


class AnswerRejected(EngineError):
    """The engine answered, but not in the form the task asks for. `raw` keeps what it said."""

    kind = "malformed"

    def __init__(self, message: str, raw: str = "") -> None:
        super().__init__(message)
        self.raw = raw


class EngineRefused(EngineError):
    """The engine will not answer this request, now or later."""

    kind = "refused"


class EngineBusy(EngineError):
    """Overloaded, rate-limited or too slow; the same request may succeed later."""

    kind = "busy"


class EngineUnavailable(EngineError):
    """The engine cannot be reached at all. The step stops; `resume` goes on from here."""

    kind = "unavailable"
    exit_status = 4


@dataclass(frozen=True)
class Task(Generic[I, A]):
    """One thing an engine can be asked: its id, its input, its answer, and what its prompt is filled with."""

    id: str
    input: type[I]
    answer: type[A]
    variables: Callable[[I], dict[str, str]]

    def check(self, value: A, asked: I) -> None:
        """Refuse an answer that does not fit its question, such as one with a criterion missing.

        Raises:
            AnswerRejected: what is missing, doubled or unknown.
        """
        problem = value.misfit(asked) if isinstance(value, FitsQuestion) else None
        if problem:
            raise AnswerRejected(f"{self.id}: {problem}", raw=value.model_dump_json())


class FitsQuestion(Frozen):
    """An answer that can tell whether it fits the question it was given to."""

    def misfit(self, asked: Any) -> str | None:
        """What is wrong with this as an answer to `asked`; None when nothing is."""
        return None


@dataclass(frozen=True)
class Request(Generic[I, A]):
    """One question. `sample` tells repeated askings apart, `attempt` a person's wish to try again."""

    task: Task[I, A]
    input: I
    sample: int = 0
    attempt: int = 1


@dataclass(frozen=True)
class Answer(Generic[A]):
    """A validated answer and what it cost."""

    value: A
    raw: str
    key: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0


class Engine(Protocol):
    """Answers requests. Recording, limiting and retrying are engines around an engine."""

    name: str
    """Stored beside every answer and printed in the report, for example `baseline-1`."""

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """All that can change the answer and nothing that cannot: JSON values only.

        Prompt bytes or typed input, schema and sampling belong here; addresses, timeouts and keys do
        not, so that a replay elsewhere finds the same call. `call_key` adds sample and attempt itself.
        """
        ...

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """Answer one request.

        Raises:
            EngineError: one of its kinds; never an empty or invented answer.
        """
        ...


def call_request(engine: Engine, request: Request[Any, Any]) -> str:
    """Canonical JSON of all that identifies a call; stored beside its answer."""
    return canonical_json(
        {
            "engine": engine.name,
            "task": request.task.id,
            "seen": dict(engine.seen(request)),
            "sample": request.sample,
            "attempt": request.attempt,
        }
    )


def call_key(stored_request: str) -> str:
    """Identity of a call, from its `call_request`. `v1:` names this recipe: change it, change the tag."""
    return "v1:" + sha256_of(stored_request)


def parse_answer(request: Request[I, A], raw: str) -> A:
    """Read an engine's JSON as the task's answer. Nothing is repaired.

    Raises:
        AnswerRejected: no JSON, wrong shape, or not an answer to this question.
    """
    try:
        value = request.task.answer.model_validate_json(raw)
    except ValidationError as e:
        first = e.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "answer"
        raise AnswerRejected(f"{request.task.id}: {where}: {first['msg']}", raw=raw) from e
    request.task.check(value, request.input)
    return value


def boundary(text: str) -> str:
    """A marker line that the text cannot hold, because it is made from the text's own hash."""
    return f"TEXT-{sha256_of(text)[:16]}"
