"""The engine protocol: a typed request in, a typed answer or an `EngineError` out.

EngineError                  (tools.errors) the engine did not give a usable answer
├── AnswerRejected           it answered, but not in the task's form: malformed or incomplete
│   └── AnswerTruncated      it was cut off at the longest answer allowed
├── EngineRefused            it declined: asking again cannot help
│   └── RequestTooLong       the request can never fit the model's context
├── EngineBusy               overloaded, or its reply broke off; worth asking again later
│   └── EngineTimeout        no answer in time
└── EngineUnavailable        nobody there: the whole step stops and can be resumed; exit status 4
    └── EngineUnfit          a server that ignores what it is asked for: nothing it says can be used; exit status 2
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from tools.errors import EngineError
from tools.schemas import Frozen, canonical_json, sha256_of

__all__ = [
    "Answer",
    "AnswerRejected",
    "AnswerTruncated",
    "Around",
    "Engine",
    "EngineBusy",
    "EngineRefused",
    "EngineTimeout",
    "EngineUnavailable",
    "EngineUnfit",
    "FitsQuestion",
    "Keyed",
    "Objection",
    "Request",
    "RequestTooLong",
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


class AnswerTruncated(AnswerRejected):
    """The answer was cut off at the longest length allowed, so its end is missing."""

    kind = "truncated"


class EngineRefused(EngineError):
    """The engine will not answer this request, now or later."""

    kind = "refused"


class RequestTooLong(EngineRefused):
    """The request and its answer do not fit into the model's context."""

    kind = "too_long"


class EngineBusy(EngineError):
    """Overloaded, rate-limited, or its reply broke off; the same request may succeed later.

    `retry_after_s` is how many seconds the server asked to be left alone, where it said so.
    """

    kind = "busy"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EngineTimeout(EngineBusy):
    """No answer within the time allowed."""

    kind = "timeout"


class EngineUnavailable(EngineError):
    """The engine cannot be reached at all. The step stops; `resume` goes on from here."""

    kind = "unavailable"
    exit_status = 4
    asked: Request[Any, Any] | None = None
    """The request that found nobody there, where that is a part of the one that was asked."""


class EngineUnfit(EngineUnavailable):
    """The server answers, but not as it is asked to: its answers would be accidents. The step stops."""

    kind = "unfit"
    exit_status = 2


@dataclass(frozen=True)
class Keyed(Generic[I]):
    """Which list of an answer holds one item per thing asked about, and how those are told apart.

    To a language model such a list is an object with a property for each id, so that a grammar can demand
    every item exactly once; see `model.forms`.
    """

    items: str
    """The answer's field that holds the list."""
    id: str
    """The item's field that holds its id."""
    ids: Callable[[I], Sequence[str]]
    """The ids that are asked about, in order."""
    bounds: Callable[[I, str], Mapping[str, Any]] = lambda _asked, _id: {}
    """What the schema of one id's item says besides, by field: such as the options of a category."""


@dataclass(frozen=True)
class Task(Generic[I, A]):
    """One thing an engine can be asked: its id, its input, its answer, and what its prompt is filled with."""

    id: str
    input: type[I]
    answer: type[A]
    variables: Callable[[I], dict[str, str]]
    keyed: Keyed[I] | None = None
    limits: Callable[[I], Mapping[str, Mapping[str, Any]]] = lambda _asked: {}
    """What the schema says besides, for this very question: name of a part to its fields to their schema."""
    label: str = ""
    """The item's field, or the answer's where there are no items, whose probability can be read off the model."""

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
class Objection:
    """Why the answer before cannot be used: what an engine is told when it is asked once more."""

    raw: str
    error: str


@dataclass(frozen=True)
class Request(Generic[I, A]):
    """One question. `sample` tells repeated askings apart, `attempt` a person's wish to try again."""

    task: Task[I, A]
    input: I
    sample: int = 0
    attempt: int = 1
    objection: Objection | None = None


@dataclass(frozen=True)
class Answer(Generic[A]):
    """A validated answer and what it cost."""

    value: A
    raw: str
    key: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0
    told: Mapping[str, Any] = field(default_factory=dict)
    """What else the backend said, JSON values: `served` (the model as the server names it), `finish`,
    `cached_tokens`, `probabilities` (item id to label to probability; the id is "" where there are no items)."""
    engine: str = ""
    """Who answered, where it is not the engine that was asked: see `wrappers.Fallback`."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Item id to the key of the call that gave it, where several calls made up this answer."""
    notes: tuple[str, ...] = ()
    """For the person who reads the answer: sections not read, parts that disagree, who stood in for whom."""

    @property
    def probabilities(self) -> Mapping[str, Mapping[str, float]]:
        """Item id to label to its probability by the model's own weights, renormalised over the labels.

        Not calibrated: a model may be sure and wrong. Empty where the backend tells none.
        """
        told: Mapping[str, Mapping[str, float]] = self.told.get("probabilities", {})
        return told

    def key_of(self, item: str) -> str:
        """The stored call that an item of the answer came from."""
        return self.keys.get(item, self.key)


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

    def read(self, request: Request[I, A], raw: str) -> A:
        """Read the raw text of an answer, fresh or stored, as the task's answer.

        Raises:
            AnswerRejected: it is none.
        """
        ...


class Around:
    """An engine around an engine: named, keyed and read like the one within. Subclasses answer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """As the engine within."""
        return self.engine.seen(request)

    def read(self, request: Request[I, A], raw: str) -> A:
        """As the engine within."""
        return self.engine.read(request, raw)


def call_request(engine: Engine, request: Request[Any, Any]) -> str:
    """Canonical JSON of all that identifies a call; stored beside its answer."""
    told = {
        "engine": engine.name,
        "task": request.task.id,
        "seen": dict(engine.seen(request)),
        "sample": request.sample,
        "attempt": request.attempt,
    }
    if request.objection is not None:  # absent elsewhere, so that keys from before there were any still hold
        told["objection"] = vars(request.objection)
    return canonical_json(told)


def call_key(stored_request: str) -> str:
    """Identity of a call, from its `call_request`. `v1:` names this recipe: change it, change the tag."""
    return "v1:" + sha256_of(stored_request)


def parse_answer(request: Request[I, A], raw: str) -> A:
    """Read JSON in the task's own form as its answer. Nothing is repaired.

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
