"""The work of `bench.engine`: invented papers, the prompts they become, and the clients that ask them.

Every client gets the prompts as text and hands back the answers as text, so that their answers can be compared
letter by letter. All run in one process of their own, timed from the first question to the last answer read.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from heapq import heapreplace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model.chat import ChatEngine
    from model.engine import Engine, Request
    from tools.engine_settings import EngineConfig

__all__ = ["CLIENTS", "Setting", "Took", "least_s", "pooled", "questions"]

CHARACTERS = 4000
"""Of a prompt: 1,000 tokens at four characters each."""

WORDS = (
    "adults",
    "cough",
    "snail",
    "syrup",
    "water",
    "placebo",
    "nights",
    "weeks",
    "daily",
    "randomised",
    "measured",
    "severity",
    "baseline",
    "mean",
    "difference",
    "adverse",
    "mild",
    "withdrew",
    "outpatients",
    "improved",
    "unchanged",
    "diary",
    "visits",
    "outcome",
)

CRITERIA = {
    "population": "Adults with a cough that has lasted for more than three weeks",
    "intervention": "Snail syrup by mouth, in any dose",
    "comparison": "Water, placebo or no treatment",
    "outcome": "Nights slept through, or severity of the cough on any scale",
}


@dataclass(frozen=True)
class Setting:
    """One measurement's conditions."""

    url: str
    model: str
    records: int
    in_flight: int
    seed: str
    """Another seed, other papers: no server has seen them before."""
    prompts: str = "leads"
    max_tokens: int = 1024
    leads: Path | None = None
    """The published client's repository."""
    leads_batch: int = 20


@dataclass(frozen=True)
class Took:
    """What came of it. Texts in the order of the prompts; an empty one is an answer that did not come."""

    seconds: float
    cpu_s: float
    """Of the client's process."""
    answers: Sequence[str]
    usable: int
    """Answers that the client itself made something of."""


Client = Callable[[Setting], Took]


def questions(setting: Setting) -> list[Request[Any, Any]]:
    """Invented papers with four criteria, each as long as makes a prompt of `CHARACTERS`."""
    from model.engine import Request
    from model.forms import form
    from model.tasks import screen
    from tools.schemas import Criterion

    criteria = tuple(
        Criterion(id=name, kind="include", element=name, text=text) for name, text in CRITERIA.items()
    )
    spoken = form(setting.prompts, screen.TASK)

    def asked(n: int, text: str) -> Any:
        return screen.ScreenInput(record_id=f"bench:{n}", criteria=criteria, text=text, title=f"Paper {n}")

    room = CHARACTERS - len(spoken.prompt(asked(0, "")).text)
    return [
        Request(screen.TASK, asked(n, _paper(f"{setting.seed}-{n}", room))) for n in range(setting.records)
    ]


def _paper(name: str, characters: int) -> str:
    drawn = random.Random(name)
    text = f"Paper {name}: "
    while len(text) < characters:
        text += f"{drawn.choice(WORDS)} "
    return text[:characters]


def texts(setting: Setting, requests: Iterable[Request[Any, Any]]) -> list[str]:
    """The prompts."""
    from model.forms import form

    return [form(setting.prompts, request.task).prompt(request.input).text for request in requests]


# Ours ---------------------------------------------------------------------------------------------


def engine_config(setting: Setting) -> EngineConfig:
    """What review.yaml would say."""
    from tools.engine_settings import EngineConfig

    return EngineConfig(
        backend="openai",
        model=setting.model,
        base_url=setting.url,
        prompts=setting.prompts,
        max_in_flight=setting.in_flight,
        max_tokens=setting.max_tokens,
        probabilities=False,  # the others do not ask for them
    )


def assembled_engine(setting: Setting, folder: Path) -> Engine:
    """The engine as a review has it: budget, correction, SQLite, retries, slots, client."""
    from model.building import Backends, Rooms, assembled, kept_live
    from model.embedding import NoEmbedder
    from tools.database import Database
    from tools.logs import CallLog, ScoreLog

    database = Database.file(folder / "review.sqlite")
    calls = CallLog(database, lambda: "2026-01-01T00:00:00Z")
    return assembled(
        engine_config(setting),
        Backends(None, NoEmbedder(), folder),
        kept_live(calls, lambda: 1.0),
        rooms=Rooms(folder, ScoreLog(database)),
        log=calls,
    )


def ours(setting: Setting) -> Took:
    """Pool, ChatEngine, and every call stored."""
    from model.engine import Answer
    from model.pool import ask_all

    with tempfile.TemporaryDirectory() as folder:
        engine = assembled_engine(setting, Path(folder))
        ask_all(engine, warm_up(setting), in_flight=1, landed=lambda *_: None)
        requests = questions(setting)
        answers = [""] * len(requests)

        def landed(position: int, result: Any) -> None:
            if isinstance(result, Answer):
                answers[position] = result.raw

        began = clock()
        ask_all(engine, requests, in_flight=setting.in_flight, landed=landed)
        seconds, cpu = since(began)
    return Took(seconds, cpu, answers, sum(map(bool, answers)))


def warm_up(setting: Setting) -> list[Request[Any, Any]]:
    """A question that is not counted: imports and the server's examination are no cost of a record."""
    from dataclasses import replace

    return questions(replace(setting, records=1, seed=f"warm-{setting.seed}"))


# Peers --------------------------------------------------------------------------------------------


def leads(setting: Setting) -> Took:
    """The published client's own batch function, its address, model and batch size given as its parameters."""
    if setting.leads is None:
        raise SystemExit("the published client needs --leads FOLDER")
    sys.path.insert(0, str(setting.leads))
    os.environ["TQDM_DISABLE"] = "1"
    from leads.client import call_leads  # type: ignore[import-not-found]
    from leads.modules.screening import (  # type: ignore[import-not-found]
        extract_json_from_llm_output,
        get_score,
    )

    def call(prompts: list[str]) -> list[str]:
        told: list[str] = call_leads(
            prompts,
            list(range(len(prompts))),
            model=setting.model,
            batch_size=setting.leads_batch,
            endpoint=setting.url,
            api_key="none",
            temperature=0.0,
            max_tokens=setting.max_tokens,
        )
        return told

    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        call(texts(setting, warm_up(setting)))
        prompts = texts(setting, questions(setting))
        began = clock()
        answers = call(prompts)
        scores = []
        for answer in answers:
            evaluations = extract_json_from_llm_output(answer).get("evaluations", [])
            scores += [get_score(evaluations)] if evaluations else []
        seconds, cpu = since(began)
    return Took(seconds, cpu, answers, len(scores))


def abatch(setting: Setting) -> Took:
    """langchain's own way: the same prompts and response_format, bounded by `max_concurrency`."""
    from langchain_openai import ChatOpenAI

    async def run() -> Took:
        plain = ChatOpenAI(
            model=setting.model,
            base_url=setting.url,
            api_key=lambda: "none",
            max_retries=0,
            timeout=120,
            temperature=0.0,
            max_completion_tokens=setting.max_tokens,
        )
        model = plain.bind(response_format=response_format(setting))
        first: list[Any] = texts(setting, warm_up(setting))[:1]
        await model.abatch(first, return_exceptions=True)
        prompts: list[Any] = texts(setting, questions(setting))
        began = clock()
        told = await model.abatch(
            prompts, config={"max_concurrency": setting.in_flight}, return_exceptions=True
        )
        seconds, cpu = since(began)
        await plain.root_async_client.close()
        answers = [str(message.content) if hasattr(message, "content") else "" for message in told]
        return Took(seconds, cpu, answers, sum(map(bool, answers)))

    return asyncio.run(run())


def bare(setting: Setting) -> Took:
    """A load generator: the same bodies through httpx, the answers not even looked at until the end."""
    import httpx

    async def run() -> Took:
        unbounded = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(limits=unbounded, timeout=120, trust_env=False) as client:
            at = f"{setting.url}/chat/completions"
            await client.post(at, json=body(setting, texts(setting, warm_up(setting))[0]))
            bodies = [body(setting, prompt) for prompt in texts(setting, questions(setting))]
            replies: list[Any] = [None] * len(bodies)

            async def one(n: int) -> None:
                replies[n] = await client.post(at, json=bodies[n])

            began = clock()
            await pooled(one, range(len(bodies)), setting.in_flight)
            seconds, cpu = since(began)
        answers = [reply.json()["choices"][0]["message"]["content"] for reply in replies]
        return Took(seconds, cpu, answers, sum(map(bool, answers)))

    return asyncio.run(run())


def body(setting: Setting, prompt: str) -> dict[str, Any]:
    """What our client puts on the wire for a prompt."""
    return {
        "model": setting.model,
        "messages": [{"role": "user", "content": prompt}],
        "temperature": 0.0,
        "seed": 0,
        "max_tokens": setting.max_tokens,
        "response_format": response_format(setting),
    }


def response_format(setting: Setting) -> dict[str, Any]:
    """The form that answers must have; the same for all papers, because the criteria are."""
    request = warm_up(setting)[0]
    schema = chat_engine(setting).seen(request)["schema"]
    return {"type": "json_schema", "json_schema": {"name": request.task.id, "schema": schema, "strict": True}}


def least_s(latencies: Iterable[float], in_flight: int) -> float:
    """Seconds until the last answer, if asking cost nothing: each free place takes the next question at once."""
    free = [0.0] * in_flight
    for latency in latencies:
        heapreplace(free, free[0] + latency)
    return max(free)


async def pooled(one: Callable[[Any], Awaitable[None]], items: Iterable[Any], in_flight: int) -> None:
    """Do something with every item, so many at a time."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await one(item)

    await asyncio.gather(*(work() for _ in range(in_flight)))


def clock() -> tuple[float, float]:
    """Now, in seconds of the wall and of this process."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> tuple[float, float]:
    """Seconds of the wall and of this process."""
    return time.perf_counter() - began[0], time.process_time() - began[1]


def chat_engine(setting: Setting) -> ChatEngine:
    """Our client alone."""
    from model.chat import ChatEngine, ChatSettings

    return ChatEngine(
        ChatSettings(
            model=setting.model,
            base_url=setting.url,
            seed=0,
            max_tokens=setting.max_tokens,
            prompts=setting.prompts,
            probabilities=False,
        )
    )


CLIENTS: dict[str, Client] = {"ours": ours, "leads": leads, "abatch": abatch, "bare": bare}
