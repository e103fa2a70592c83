"""Examples whose right answer is that the report does not tell: made from kept ones, by taking the value out.

From the text of an instruction everything is taken that tells its value: the quotes, whatever else holds its numbers,
and what names the measure. The right answer is then `not_reported`, and an engine that reads the rest has to find
nothing either, else the candidate is refused. A second kind asks a report for an outcome of another trial. Both work
for the tasks arms, participants, results and characteristics, whoever made the instruction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from finetune.build.make.taking_out import NAMED, Taken, names_of, stands, units
from finetune.instructions import About, Instruction, Refusal, instruction, request_of
from model.engine import Engine, EngineUnavailable, Request
from model.pool import ask
from model.tasks import ALL
from tools.errors import ConfigError, EngineError
from tools.fulltext.relevance import terms
from tools.schemas import sha256_of

__all__ = [
    "ENGINE_FINDS",
    "TOLD",
    "TOO_LITTLE",
    "Abstaining",
    "abstained",
    "elsewhere",
    "silent_of",
    "with_abstained",
]

TOO_LITTLE = "too little is left of the text without the value"
ENGINE_FINDS = "an engine still finds a value"
TOLD = "the text tells something of it"
IN_TITLE = "the report's title tells it"
NOTHING_FOUND = "there is no found value to take out"
"""Reasons of refusals."""

LEAST = 300
"""Characters that must be left of a text: of a shorter one `not reported` goes without saying."""
_TASKS = frozenset({"arms", "participants", "results", "characteristics"})


@dataclass(frozen=True)
class Abstaining:
    """How examples without their value are made."""

    engine: Engine
    """It has to find nothing in what is left: the baseline, or a language model."""
    share: float = 0.15
    """Of the instructions that hold a value, how many are made again without it."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ConfigError(
                f"share {self.share} of examples without a value. Remedy: a number from 0 to 1."
            )

    def takes(self, one: Instruction, how: str = "abstained") -> bool:
        """Whether this instruction is one of the share: by its own id, on every machine alike."""
        return int(sha256_of(f"{how} {one.example_id}")[:12], 16) < self.share * 16**12


def with_abstained(
    made: Iterable[Instruction | Refusal], abstaining: Abstaining | None
) -> Iterator[Instruction | Refusal]:
    """What was made, and behind each instruction of the share the same without its value."""
    for one in made:
        yield one
        if abstaining is None or not isinstance(one, Instruction) or one.task not in _TASKS:
            continue
        if _found(one) and abstaining.takes(one):
            yield abstained(one, abstaining.engine)


def abstained(one: Instruction, engine: Engine) -> Instruction | Refusal:
    """The same question of a text that does not tell, or why that cannot be had.

    Of a form with several fields one is taken out, with all others that go with it.

    Raises:
        ConfigError: the task is none whose answers can abstain.
        EngineUnavailable: nobody is there to ask.
    """
    if one.task not in _TASKS:
        raise ConfigError(
            f"instructions of task {one.task} cannot abstain. Remedy: hand in those of {', '.join(sorted(_TASKS))}."
        )
    items = _found(one)
    if not items:
        return _refused(one, NOTHING_FOUND)
    request = request_of(one.task, one.asked)
    passages = tuple(request.input.passages)
    if one.task == "characteristics":
        items = [items[int(one.example_id[12:], 16) % len(items)]]
    taken = Taken(request)
    if one.task == "arms" and taken.names_it(items)(request.input.title):
        return _refused(one, IN_TITLE)
    left = taken.out_of(passages, items)
    if one.task == "characteristics":
        gone = [item for item in _found(one) if item not in items and not stands(item["quote"], left)]
        items += gone
        left = taken.out_of(passages, items)
        if any(not stands(item["quote"], left) for item in _found(one) if item not in items):
            return _refused(one, TOO_LITTLE)
    if sum(len(p.text) for p in left if p.kind != "title") < LEAST:
        return _refused(one, TOO_LITTLE)
    asked = request.input.model_copy(update={"passages": left})
    ids = {item["field_id"] for item in items} if one.task == "characteristics" else set()
    return _verified(one, asked, ids, engine, "abstained", "the passages that tell it were taken out")


def elsewhere(one: Instruction, other: Instruction, engine: Engine) -> Instruction | Refusal:
    """The text of one instruction asked for the outcome of another trial.

    Both are of the task results. Where any sentence or row of the text names that outcome, the candidate is refused.
    """
    request, foreign = request_of(one.task, one.asked), request_of(other.task, other.asked)
    if set(one.about.studies) & set(other.about.studies):
        return _refused(one, TOLD)
    asked = request.input.model_copy(update={"outcome": foreign.input.outcome})
    names = names_of(foreign.input.outcome.title)
    text = [asked.title, *(p.text for p in asked.passages), *(p.section for p in asked.passages)]
    spoken = {term for part in text for term in terms(part)}
    if not names or len(names & spoken) / len(names) >= NAMED:
        return _refused(one, TOLD)
    about = one.about.model_copy(
        update={
            "studies": tuple(dict.fromkeys((*one.about.studies, *other.about.studies))),
            "reviews": tuple(dict.fromkeys((*one.about.reviews, *other.about.reviews))),
        }
    )
    moved = one.model_copy(update={"about": about})
    return _verified(moved, asked, set(), engine, "elsewhere", "the outcome is another trial's")


def silent_of(task: str, asked: Any, engine: Engine) -> str:
    """Whether a report tells nothing of what is asked: empty where it is sure, else why it is not.

    Sure is what no heading, sentence or row names, and of which an engine finds no value either.

    Args:
        task: participants or results: what they ask for has a name that can be looked for.
        asked: the question, about the whole report.
        engine: who has to find nothing.

    Raises:
        ConfigError: another task.
        EngineUnavailable: nobody is there to ask.
    """
    if task not in ("participants", "results"):
        raise ConfigError(f"silence about {task} cannot be sure. Remedy: see `abstained`.")
    request = Request(ALL[task], asked)
    names = Taken(request).names_it(())
    for passage in asked.passages:
        if any(names(passage.text[start:end]) for start, end in units(passage)):
            return TOLD
    told = _asked(engine, request)
    return told if isinstance(told, str) else ENGINE_FINDS if _found_in(task, told) else ""


def _asked(engine: Engine, request: Request[Any, Any]) -> dict[str, Any] | str:
    """What an engine answers, or why it does not.

    Raises:
        EngineUnavailable: nobody is there to ask.
    """
    try:
        return ask(engine, request).value.model_dump(mode="json")  # type: ignore[no-any-return]
    except EngineUnavailable:
        raise
    except EngineError as e:
        return f"{engine.name} did not answer: {e.kind}"


# The answer --------------------------------------------------------------------------------------


def _found(one: Instruction) -> list[dict[str, Any]]:
    return _found_in(one.task, one.answer)


def _found_in(task: str, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of an answer that give a value."""
    if task == "arms":
        return list(told["arms"])
    if task == "results":
        return list(told["values"])
    items = told["values" if task == "participants" else "cells"]
    return [item for item in items if item["status"] == "found"]


def _silent(task: str, answer: Mapping[str, Any], ids: set[str]) -> dict[str, Any]:
    """The answer of one who was told nothing; of a form, nothing of these fields."""
    if task in ("arms", "results"):
        return {"status": "not_reported"}
    if task == "participants":
        groups = [value["group_id"] for value in answer["values"]]
        return {"values": [{"group_id": name, "status": "not_reported"} for name in groups]}
    return {
        "cells": [
            {"field_id": cell["field_id"], "status": "not_reported"} if cell["field_id"] in ids else cell
            for cell in answer["cells"]
        ]
    }


def _verified(
    one: Instruction, asked: Any, ids: set[str], engine: Engine, how: str, why: str
) -> Instruction | Refusal:
    """The instruction, where an engine finds nothing either."""
    task = ALL[one.task]
    told = _asked(engine, Request(task, asked))
    if isinstance(told, str):
        return _refused(one, told)
    found = _found_in(one.task, told)
    if any(not ids or item["field_id"] in ids for item in found):
        return _refused(one, ENGINE_FINDS)
    about = About.model_validate(
        {
            **one.about.model_dump(),
            "how": f"{one.about.how}-{how}",
            "evidence": (*one.about.evidence, f"{why}; {engine.name} finds none"),
        }
    )
    value = task.answer.model_validate(_silent(one.task, one.answer, ids))
    return instruction(one.task, asked, value, about)


def _refused(one: Instruction, why: str) -> Refusal:
    return Refusal(one.task, one.about.source, why, f"{', '.join(one.about.studies)} {one.about.how}")
