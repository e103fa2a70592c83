"""A review small enough to know by heart: invented records, a scripted engine, no model.

The script reads the labels off the records: a title says what the engine is to answer about it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.home import Home
from agent.protocol import ensure_protocol
from agent.review import Review
from agent.wiring import bias_tool, brought, chaser, sources, tasks_of, texts, transport, trials
from graphs.deps import Deps
from graphs.driver import Halt, advance, checkpoints
from model.engine import EngineBusy, EngineUnavailable, Request
from model.scripted import ScriptedEngine
from model.tasks.characteristics import CharacteristicsAnswer, FieldAnswer
from model.tasks.pico import Element, PicoAnswer
from model.tasks.query import QueryAnswer
from model.tasks.screen import Judgement, ScreenAnswer
from model.wrappers import Recorded
from tools.reporting.data import EngineUse
from tools.schemas import Block
from tools.search.notes import Notes

AT = "2026-01-02T03:04:05Z"

YAML = """
review:
  title: Snail syrup for invented cough
  type: intervention
  id: snail
question:
  framework: PICO
  text: "P: people with cough I: snail syrup C: water O: nights slept"
criteria:
  - {id: cough, kind: include, element: population, text: The participants had a cough.}
  - {id: snail, kind: include, element: intervention, text: They were given snail syrup.}
  - {id: animals, kind: exclude, element: design, text: The study is about animals.}
sources:
  - {kind: local, name: shelf, files: [records.jsonl]}
prefilter: {keep: 6, audit: 1, seed: 7}
fulltext: {folder: fulltexts, pmc: false}
extraction:
  form:
    - {id: size, kind: number, question: "How many took part?"}
gates: [query, screen, extract]
"""

RECORDS = [
    {
        "pmid": "1",
        "title": "Snail syrup trial one [YES]",
        "abstract": "Forty people with cough got snail syrup.",
    },
    {
        "pmid": "2",
        "title": "Snail syrup trial two [YES]",
        "abstract": "Ninety people with cough got snail syrup.",
    },
    {"pmid": "3", "title": "Snail syrup in horses [NO]", "abstract": "Horses with cough got snail syrup."},
    {"pmid": "4", "title": "Snail syrup unclear [UNCERTAIN]", "abstract": "A note on cough and snail syrup."},
    {"pmid": "5", "title": "Snail syrup without abstract [NO]"},
    {
        "pmid": "6",
        "title": "Snail syrup failing [FAIL]",
        "abstract": "The engine fails on cough and snail syrup.",
    },
    {"pmid": "7", "title": "Snail syrup far away one [NO]", "abstract": "Cough."},
    {"pmid": "8", "title": "Snail syrup far away two [NO]", "abstract": "Cough."},
    {
        "pmid": "1",
        "id": "again",
        "title": "Snail syrup trial one [YES]",
        "abstract": "Forty people with cough.",
    },
]
"""Invented. The last one is the first again, from another export."""

FULL_TEXT = """<article><front><article-meta><article-id pub-id-type="pmid">{pmid}</article-id>
<title-group><article-title>{title}</article-title></title-group></article-meta></front>
<body><sec><title>Methods</title><p>We enrolled {n} people with cough; they got snail syrup.</p></sec></body></article>
"""


class WordRanker:
    """Nearness by order of the PMID: known beforehand."""

    name = "by-number"

    def scores(self, question: Sequence[str], texts: Mapping[str, str]) -> Mapping[str, float]:
        """The smaller the number, the nearer."""
        return {record_id: 1.0 - int(re.sub(r"\D", "", record_id)[:2]) / 100 for record_id in texts}


def script(request: Request[Any, Any]) -> Any:
    """What the engine of this review says."""
    asked = request.input
    if request.task.id == "pico":
        return PicoAnswer(elements=tuple(Element(name=n, phrases=(f"some {n}",)) for n in asked.elements))
    if request.task.id == "query":
        return QueryAnswer(blocks=(Block(name="intervention", terms=('"snail syrup"[tiab]', "a OR b")),))
    if request.task.id == "characteristics":
        quote = re.search(r"We enrolled (\d+) people", " ".join(p.text for p in asked.passages))
        assert quote is not None
        cell = FieldAnswer(field_id="size", status="found", value=quote[1], quote=quote[0])
        return CharacteristicsAnswer(cells=(cell,))
    return judged(asked, request.attempt)


def judged(asked: Any, attempt: int) -> ScreenAnswer:
    """As the title says; [FAIL] fails until it is tried again."""
    if "[FAIL]" in asked.title and attempt == 1:
        raise EngineBusy("too slow today")
    label = "NO" if "[NO]" in asked.title else "UNCERTAIN" if "[UNCERTAIN]" in asked.title else "YES"
    quote = "" if label == "UNCERTAIN" else "snail syrup" if "snail syrup" in asked.text else "Snail syrup"
    return ScreenAnswer(
        verdicts=tuple(
            Judgement(criterion_id=c.id, label="NO" if c.kind == "exclude" else label, quote=quote)  # type: ignore[arg-type]
            for c in asked.criteria
        )
    )


class Killed(BaseException):
    """A kill -9 in the middle of an engine call, as far as a test in one process can have it."""


def dying_after(calls: int, error: type[BaseException] = Killed) -> Callable[[Request[Any, Any]], Any]:
    """A script whose machine dies at a screening call."""
    left = [calls]

    def dying(request: Request[Any, Any]) -> Any:
        if request.task.id == "screen":
            left[0] -= 1
            if left[0] < 0:
                raise error("gone")
        return script(request)

    return dying


def unavailable_after(calls: int) -> Callable[[Request[Any, Any]], Any]:
    """A script whose server goes away."""
    return dying_after(calls, EngineUnavailable)


def write(folder: Path, yaml: str = YAML, records: Sequence[Mapping[str, Any]] = RECORDS) -> Home:
    """The review's files in a folder."""
    (folder / "fulltexts").mkdir(parents=True, exist_ok=True)
    (folder / "review.yaml").write_text(yaml)
    (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    for pmid, title, n in (
        ("1", "Snail syrup trial one [YES]", 40),
        ("2", "Snail syrup trial two [YES]", 90),
    ):
        (folder / "fulltexts" / f"{pmid}.nxml").write_text(FULL_TEXT.format(pmid=pmid, title=title, n=n))
    return Home.of(folder)


def deps_of(
    review: Review,
    say: Callable[[Request[Any, Any]], Any] = script,
    attempt: int = 1,
    addresses: Mapping[str, str] | None = None,
) -> Deps:
    """What the steps use: everything real but the engine and the ranking."""
    config, folder = review.config, review.home.yaml.parent
    backend = ScriptedEngine(say)
    way_out = review.closing.enter_context(transport(config, review.exchanges, addresses))
    use = EngineUse(task="screen", name="scripted", language_model=False, label=backend.label)
    return Deps(
        store=review.store,
        config=config,
        protocols=review.store.protocols(),
        review_id=config.review_id,
        pass_id=review.pass_id,
        engines={task: Recorded(backend, review.calls) for task in tasks_of(config)},
        in_flight=dict.fromkeys(tasks_of(config), 2),
        ranker=WordRanker(),
        sources=sources(review, config, folder, None, way_out, lambda *_: None),
        citations=chaser(config, way_out),
        texts=texts(review, config, folder, way_out),
        notes=Notes("none", None, review.exchanges, review.clock),
        out=review.home.out,
        progress=lambda *_: None,
        version="0",
        trials=trials(config, way_out),
        bias_tool=bias_tool(config, review.protocol.content["environment"]),
        engine_uses=(replace_task(use, "screen"),),
        given=brought(review, folder / "fulltexts"),
        attempt=attempt,
    )


def replace_task(use: EngineUse, task: str) -> EngineUse:
    """The same engine at another task."""
    return use.model_copy(update={"task": task})


@contextmanager
def opened(home: Home, reason: str | None = None) -> Iterator[Review]:
    """The review, with its protocol taken in, under a clock that stands still."""
    with Review.open(home, lambda: AT) as review:
        ensure_protocol(review, overrides=None, reason=reason, author="person:test")
        yield review


def go(
    review: Review,
    say: Callable[[Request[Any, Any]], Any] = script,
    attempt: int = 1,
    addresses: Mapping[str, str] | None = None,
) -> Halt:
    """Advance to the next gate or the end."""
    with checkpoints(review.home.checkpoints) as saver:
        return advance(deps_of(review, say, attempt, addresses), saver)


def approve_open(review: Review, by: str = "Ada") -> None:
    """Approve whatever waits."""
    from agent.commands import decide, open_gate

    decide(review, open_gate(review, None), by=by, decision="approve")


def through(
    review: Review,
    say: Callable[[Request[Any, Any]], Any] = script,
    addresses: Mapping[str, str] | None = None,
) -> Halt:
    """Advance to the end, approving every gate."""
    while (halt := go(review, say, addresses=addresses)).kind == "gate":
        approve_open(review)
    return halt


def same_but(deps: Deps, **changes: Any) -> Deps:
    """The same with something else in it."""
    return replace(deps, **changes)
