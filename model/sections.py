"""Long papers are read section by section, and what the parts say is put together cell by cell.

A request for which the model has room goes through as it is. A longer one becomes several, each a stored call of its
own: whole sections together as long as they fit, in reading order, and the title with each. A section that is too
long alone is divided between its paragraphs, a paragraph between its sentences, a table between its rows (its first
row goes with each piece), and only a sentence that is too long alone is cut inside; a note says so. Every character
is read, or nothing is answered: where one part fails the whole fails with it, since neither a NO nor a
`not_reported` can stand on a text of which a part was not read. How answers are put together: `model.merging`.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model.budget import Budget
from model.dividing import Indivisible, Unit, divided
from model.engine import A, Answer, Around, Engine, EngineUnavailable, I, Request, parse_answer
from model.merging import MERGES, Merged, Part
from tools.errors import EngineError, ReplayMiss
from tools.schemas import Passage, canonical_json

__all__ = ["READINGS", "Reading", "Sectioned"]


@dataclass(frozen=True)
class Reading:
    """What the text of a task's input consists of."""

    units: Callable[[Any], Sequence[Unit]]
    """In reading order; together they are all of it."""
    part: Callable[[Any, Sequence[Unit]], Any]
    """The same question about these units alone."""
    text: Callable[[Any], str]
    """What is read, as a quote has to match it."""


# What texts consist of ---------------------------------------------------------------------------


def _stretches(units: Sequence[Unit]) -> list[tuple[Unit, str]]:
    """Neighbouring pieces of one source joined again: the first of them, and their text."""
    joined: list[tuple[Unit, str]] = []
    for unit in units:
        if joined and joined[-1][0].source == unit.source:
            joined[-1] = (joined[-1][0], joined[-1][1] + unit.text)
        else:
            joined.append((unit, unit.text))
    return joined


def _passage_units(asked: Any) -> list[Unit]:
    return [Unit(passage.text, passage.section, n) for n, passage in enumerate(asked.passages)]


def _passage_part(asked: Any, units: Sequence[Unit]) -> Any:
    passages: list[Passage] = []
    for first, text in _stretches(units):
        whole: Passage = asked.passages[first.source]
        header = whole.text.partition("\n")[0]
        if whole.kind == "table" and len(header) < first.at and len(header) <= MAX_HEADER:
            passages.append(whole.model_copy(update={"text": header}))
        passages.append(whole.model_copy(update={"start": whole.start + first.at, "text": text}))
    return asked.model_copy(update={"passages": tuple(passages)})


MAX_HEADER = 1000
"""Characters of a table's first row that go with each of its pieces: without names columns mean nothing."""


def _passage_text(asked: Any) -> str:
    return "\n".join([asked.title, *(passage.text for passage in asked.passages)])


def _line_units(asked: Any) -> list[Unit]:
    """Lines of a plain text; a line that looks like a heading begins a section."""
    units: list[Unit] = []
    section = ""
    for n, line in enumerate(asked.text.splitlines(keepends=True)):
        if n and _heads(line):
            section = line.strip()
        units.append(Unit(line, section, n))
    return units


def _heads(line: str) -> bool:
    """Guessed: only where a part ends depends on it."""
    told = line.strip()
    return 0 < len(told) <= 80 and told[-1] not in ".,;:!?" and told[0].isalnum() and " | " not in told


def _line_part(asked: Any, units: Sequence[Unit]) -> Any:
    text = "".join(unit.text for unit in units)
    first = asked.text.splitlines(keepends=True)[0] if asked.text else ""
    title = getattr(asked, "title", "")
    if units and (units[0].source or units[0].at) and title and first.split() == title.split():
        text = first + text
    return asked.model_copy(update={"text": text})


def _source_units(asked: Any) -> list[Unit]:
    return [Unit(source.text, source.record_id, n) for n, source in enumerate(asked.sources)]


def _source_part(asked: Any, units: Sequence[Unit]) -> Any:
    sources = [asked.sources[first.source].model_copy(update={"text": t}) for first, t in _stretches(units)]
    return asked.model_copy(update={"sources": tuple(sources)})


def _source_text(asked: Any) -> str:
    return "\n".join(f"{source.title}\n{source.text}" for source in asked.sources)


_PASSAGES = Reading(_passage_units, _passage_part, _passage_text)
_LINES = Reading(_line_units, _line_part, lambda asked: str(asked.text))
_SOURCES = Reading(_source_units, _source_part, _source_text)

READINGS: Mapping[str, Reading] = {
    "screen": _LINES,
    "rationale": _LINES,
    "characteristics": _PASSAGES,
    "arms": _PASSAGES,
    "participants": _PASSAGES,
    "results": _PASSAGES,
    "direction": _PASSAGES,
    "bias": _PASSAGES,
    "question": _SOURCES,
}
"""Task id to what its text consists of. Other tasks have no text that could be read in parts."""


# Asking ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """One part of a request."""

    where: str
    sections: tuple[str, ...]
    request: Request[Any, Any]


class Sectioned(Around):
    """Asks about a text that is too long for the model part by part.

    It stands around recorded engines, so that each part is a stored call, and is the same in a replay.
    """

    def __init__(
        self,
        engine: Engine,
        rendered: Callable[[Request[Any, Any]], str],
        budget: Budget | Callable[[], Budget],
    ) -> None:
        """
        Args:
            engine: whom to ask.
            rendered: the exact text that a request is sent as.
            budget: how long that may be, or who tells when it is first needed. One for all requests of a model.
        """
        super().__init__(engine)
        self.rendered, self._budget = rendered, budget

    @property
    def budget(self) -> Budget:
        """How long a request may be."""
        return self._budget if isinstance(self._budget, Budget) else self._budget()

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """The engine's answer, or what its answers about all parts come to.

        `Answer.told` then has `parts` (for each the `sections` it read and the `key` of its call) and `unread`,
        which is empty: an answer stands on the whole text or is not given.

        Raises:
            RequestTooLong: the question alone leaves no room for a text, or its text cannot be read in parts.
            EngineError: of the first part that failed; its message names the part, and its `call_key` the call.
            ReplayMiss: a part, or a text's length in tokens, was never stored.
        """
        if self.budget.fits_surely(self.rendered(request)):
            return await self.engine.answer(request)
        # Counting takes a while, and may ask a server: other answers must not wait for it.
        try:
            pieces = await asyncio.to_thread(self._pieces, request)
        except ReplayMiss:
            # Where nobody could count, the whole request ended as it is stored, or nothing is stored at all.
            return await self.engine.answer(request)
        if not pieces:
            return await self.engine.answer(request)
        told = await asyncio.gather(*(self._ask(piece.request) for piece in pieces))
        return _put_together(request, pieces, _all_answered(pieces, told))

    def _pieces(self, request: Request[Any, Any]) -> list[_Piece]:
        """The parts of a request; none where there is room for all of it."""
        text = self.rendered(request)
        if self.budget.fits(text):
            return []
        task = request.task.id
        reading = READINGS.get(task)
        if reading is None:
            raise self.budget.too_long(
                f"{task} cannot be read in parts",
                text,
                "Remedy: give it less, or an engine with a longer context.",
            )

        def about(units: Sequence[Unit]) -> Request[Any, Any]:
            return replace(request, input=reading.part(request.input, units))

        def fits(units: Sequence[Unit]) -> bool:
            return self.budget.fits(self.rendered(about(units)))

        empty = self.rendered(about([]))
        remedy = "Remedy: fewer criteria, fields or questions at once, or an engine with a longer context."
        if not self.budget.fits(empty):
            raise self.budget.too_long(f"{task}: the question alone is too long", empty, remedy)
        try:
            parts = divided(reading.units(request.input), fits)
        except Indivisible:
            said = f"{task}: the question leaves no room for a text"
            raise self.budget.too_long(said, empty, remedy) from None
        return [_piece(n, parts, about(part)) for n, part in enumerate(parts)]

    async def _ask(self, request: Request[I, A]) -> Answer[A] | EngineError | ReplayMiss:
        try:
            return await self.engine.answer(request)
        except EngineUnavailable as e:
            e.asked = e.asked or request
            return e
        except (EngineError, ReplayMiss) as e:
            return e


def _piece(n: int, parts: Sequence[Sequence[Unit]], request: Request[Any, Any]) -> _Piece:
    sections = tuple(dict.fromkeys(unit.section for unit in parts[n]))
    chapters = [name for name in dict.fromkeys(unit.chapter for unit in parts[n]) if name]
    named = f" ({chapters[0]}{' to ' + chapters[-1] if len(chapters) > 1 else ''})" if chapters else ""
    torn = n > 0 and parts[n][0].torn
    where = f"part {n + 1} of {len(parts)}{named}{', from inside a sentence' if torn else ''}"
    return _Piece(where, sections, request)


def _all_answered(
    pieces: Sequence[_Piece], told: Sequence[Answer[A] | EngineError | ReplayMiss]
) -> list[Answer[A]]:
    """The answers, when there is one for each part.

    Raises:
        EngineUnavailable: before everything else, as the step then stops, and its replay stops at the same place.
        ReplayMiss: before what a replay cannot know to be all.
        EngineError: the first failure.
    """
    for stops in (EngineUnavailable, ReplayMiss):
        for one in told:
            if isinstance(one, stops):
                raise one
    failed = [(piece, one) for piece, one in zip(pieces, told, strict=True) if isinstance(one, EngineError)]
    if failed:
        piece, first = failed[0]
        others = f" So were {len(failed) - 1} more." if len(failed) > 1 else ""
        failure = copy.copy(first)
        failure.args = (
            f"{piece.where} was not read: {first}.{others} No answer rests on a part of the text.",
        )
        raise failure from first
    return [one for one in told if isinstance(one, Answer)]


def _put_together(
    request: Request[Any, A], pieces: Sequence[_Piece], answers: Sequence[Answer[A]]
) -> Answer[A]:
    text = READINGS[request.task.id].text
    parts = [Part(p.where, text(p.request.input), a) for p, a in zip(pieces, answers, strict=True)]
    merged = MERGES[request.task.id](request.input, parts)
    raw = canonical_json(request.task.answer.model_construct(**merged.fields))
    engines = dict.fromkeys(answer.engine for answer in answers)
    read = (
        f"too long to be read at once, and read in {len(parts)} parts: {'; '.join(p.where for p in pieces)}"
    )
    return Answer(
        value=parse_answer(request, raw),
        raw=raw,
        key=answers[0].key,
        tokens_in=_total([answer.tokens_in for answer in answers]),
        tokens_out=_total([answer.tokens_out for answer in answers]),
        seconds=sum(answer.seconds for answer in answers),
        told=_told(pieces, parts, merged),
        engine=", ".join(filter(None, engines)),
        keys={key: one.source.part.answer.key_of(key) for key, one in merged.ones.items()},
        notes=(read, *merged.all_notes, *dict.fromkeys(note for a in answers for note in a.notes)),
    )


def _told(pieces: Sequence[_Piece], parts: Sequence[Part], merged: Merged) -> dict[str, Any]:
    told: dict[str, Any] = {
        "parts": [
            {"key": part.answer.key, "sections": list(piece.sections)}
            for piece, part in zip(pieces, parts, strict=True)
        ],
        "unread": [],
    }
    served = [part.answer.told.get("served") for part in parts]
    if served[0] is not None and all(one == served[0] for one in served):
        told["served"] = served[0]
    probabilities = {
        key: dict(one.source.part.answer.probabilities[key])
        for key, one in merged.ones.items()
        if one.own and key in one.source.part.answer.probabilities
    }
    return told | ({"probabilities": probabilities} if probabilities else {})


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
