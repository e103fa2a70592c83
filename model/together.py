"""Several answers to one question: engines that stand in for each other, and votes over samples.

Both are engines around recorded engines: every single answer is a stored call of its own, and what is made of
them is a function of those calls, so a replay comes to the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model.engine import (
    A,
    Answer,
    Around,
    Engine,
    EngineUnavailable,
    EngineUnfit,
    I,
    Request,
    call_key,
    call_request,
)
from model.wrappers import stored_failure, unreached
from tools.errors import EngineError
from tools.logs import CallLog, StoredCall
from tools.schemas import canonical_json

__all__ = ["VOTED", "Fallback", "Voted"]


class Fallback(Around):
    """Asks the next engine when one gives no usable answer; the answer says who gave it and why.

    An unfit server is not stood in for: that is a mistake in the set-up, to be mended and not to be hidden.
    """

    def __init__(self, engines: Sequence[Engine], log: CallLog | None = None) -> None:
        """
        Args:
            engines: whom to ask, in order; named and keyed like the first.
            log: where an unreachable engine is noted, so that a replay knows why the next one was asked. None in
                a replay, where nothing is stored, and where nothing needs to be replayed.
        """
        super().__init__(engines[0])
        self.engines, self.log = tuple(engines), log

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """The first usable answer.

        Raises:
            EngineError: of the last engine, when none gave one.
        """
        failed: list[str] = []
        for engine in self.engines:
            try:
                answer = await engine.answer(request)
            except EngineUnfit:
                raise
            except EngineError as e:
                if engine is self.engines[-1]:
                    raise
                if isinstance(e, EngineUnavailable):
                    self._note(engine, e.asked or request, e)
                failed.append(f"{engine.name} gave no usable answer ({e.kind})")
                continue
            if not failed:
                return answer
            why = f"{'; '.join(failed)}: answered by {engine.name}"
            return replace(answer, engine=answer.engine or engine.name, notes=(why, *answer.notes))
        raise AssertionError("there is a last engine")

    def _note(self, engine: Engine, request: Request[Any, Any], failure: EngineError) -> None:
        if self.log is None:
            return
        told = unreached(call_request(engine, request))
        call = StoredCall(
            key=call_key(told),
            task=request.task.id,
            engine=engine.name,
            request=told,
            status="failed",
            raw="",
        )
        self.log.save(stored_failure(call, failure))


@dataclass(frozen=True)
class Ballot:
    """What is voted on in a task's answers."""

    items: str
    """The answer's list; empty: the answer itself is the one item."""
    id: str
    fields: tuple[str, ...]
    """The fields that make up a vote; the rest of an item comes from the first sample that voted so."""
    tie: Mapping[str, Any] | None = None
    """What an item says where no vote has more than the others; None: as the first of them, with a note."""


VOTED: Mapping[str, Ballot] = {
    "screen": Ballot("verdicts", "criterion_id", ("label",), {"label": "UNCERTAIN", "quote": ""}),
    "rationale": Ballot("", "", ("supported",)),
    "characteristics": Ballot("cells", "field_id", ("status", "value", "unit")),
    "participants": Ballot("values", "group_id", ("status", "value")),
    "direction": Ballot("", "", ("direction",), {"direction": "uncertain", "quote": ""}),
    "bias": Ballot("answers", "question_id", ("answer",), {"answer": "NI", "quote": ""}),
}
"""Task id to its ballot. Other tasks are asked once: their answers are lists without ids, or are united already."""


class Voted(Around):
    """Self-consistency: asks several samples, and takes of each item what most of them say.

    Source: Wang et al. 2023, Self-Consistency Improves Chain of Thought Reasoning (arXiv 2203.11171).
    """

    def __init__(self, engine: Engine, samples: int) -> None:
        super().__init__(engine)
        self.samples = samples

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """What most samples say; samples that failed do not vote.

        Raises:
            EngineError: of the first sample that failed, when half of them or more did.
        """
        ballot = VOTED.get(request.task.id)
        if ballot is None or self.samples == 1:
            return await self.engine.answer(request)
        first = request.sample * self.samples
        asked = [replace(request, sample=first + n) for n in range(self.samples)]
        told = await asyncio.gather(*(self.engine.answer(each) for each in asked), return_exceptions=True)
        # Nobody there comes first: a replay has no more to say about samples that were under way at the time.
        for one in sorted(told, key=lambda one: not isinstance(one, EngineUnavailable)):
            if isinstance(one, BaseException) and (
                isinstance(one, EngineUnavailable) or not isinstance(one, EngineError)
            ):
                raise one
        answers = [one for one in told if isinstance(one, Answer)]
        if len(answers) * 2 <= self.samples:
            raise next(one for one in told if isinstance(one, EngineError))
        return _counted(request, answers, self.samples, ballot)


def _counted(request: Request[I, A], answers: Sequence[Answer[A]], asked: int, ballot: Ballot) -> Answer[A]:
    told = [answer.value.model_dump(mode="json") for answer in answers]
    items = [_items(value, ballot) for value in told]
    votes: dict[str, dict[str, int]] = {}
    keys: dict[str, str] = {}
    notes = (
        []
        if len(answers) == asked
        else [f"{asked - len(answers)} of {asked} samples failed and did not vote"]
    )
    chosen: dict[str, Any] = {}
    for key in items[0]:
        spoken = [canonical_json([one[key][name] for name in ballot.fields]) for one in items]
        count = Counter(spoken)
        most = max(count.values())
        leaders = [vote for vote in dict.fromkeys(spoken) if count[vote] == most]
        winner = spoken.index(leaders[0])
        chosen[key], keys[key] = items[winner][key], answers[winner].key_of(key)
        votes[key] = dict(sorted(count.items()))
        if len(leaders) > 1:
            chosen[key] = chosen[key] | dict(ballot.tie or {})
            notes.append(f"{key or request.task.id}: the samples disagree: {_spelled(votes[key])}")
    value = request.task.answer.model_validate(_put_back(told[0], chosen, ballot))
    request.task.check(value, request.input)
    said: dict[str, Any] = {"votes": votes, "samples": [answer.key for answer in answers]}
    if probabilities := _mean([answer.probabilities for answer in answers]):
        said["probabilities"] = probabilities
    return replace(
        answers[0],
        value=value,
        raw=canonical_json(value),
        tokens_in=_total(answer.tokens_in for answer in answers),
        tokens_out=_total(answer.tokens_out for answer in answers),
        seconds=sum(answer.seconds for answer in answers),
        told=said,
        keys=keys,
        notes=(*notes, *dict.fromkeys(note for answer in answers for note in answer.notes)),
    )


def _items(value: Mapping[str, Any], ballot: Ballot) -> dict[str, dict[str, Any]]:
    if not ballot.items:
        return {"": dict(value)}
    return {item[ballot.id]: item for item in value[ballot.items]}


def _put_back(value: Mapping[str, Any], chosen: Mapping[str, Any], ballot: Ballot) -> dict[str, Any]:
    return dict(value) | {ballot.items: list(chosen.values())} if ballot.items else dict(chosen[""])


def _spelled(votes: Mapping[str, int]) -> str:
    return ", ".join(f"{vote} {count}" for vote, count in votes.items())


def _mean(told: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """The mean of the samples' probabilities; nothing where one of them told none."""
    if not all(told):
        return {}
    return {
        key: {label: sum(one[key][label] for one in told) / len(told) for label in labels}
        for key, labels in told[0].items()
        if all(key in one and one[key].keys() == labels.keys() for one in told)
    }


def _total(counts: Any) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
