"""Instructions of the task `rationale`: which words bear a verdict out, or that none do.

Both come from `screen` instructions that were kept. The quote and reasons of a supported verdict are those of that
instruction: nobody was asked to find reasons for it. For an unsupported one the label is turned round, and an
engine is asked whether the text bears that out; it is kept where it denies it. So a model learns not to look for
excuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from pydantic import Field

from finetune.build.kinds import Shard
from finetune.build.make.criteria_of_reviews import chance_of
from finetune.build.make.judging import MOST_WORDS, answers_of, worded
from finetune.build.make.negatives import DRAWN
from finetune.instructions import Instruction, Refusal, instruction
from model.baseline.screen import RATIONALE
from model.engine import Engine
from model.tasks.rationale import TASK, RationaleAnswer, RationaleInput
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tools.errors import EngineError
from tools.schemas import Criterion, Frozen, Label

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Explained", "RationaleSettings"]


class RationaleSettings(Frozen):
    """Of how many `screen` instructions a verdict is explained."""

    supported: float = Field(
        default=0.4, ge=0, le=1, description="Share that gives a verdict with its reasons."
    )
    unsupported: float = Field(
        default=0.4, ge=0, le=1, description="Share that gives a verdict which the text does not bear out."
    )
    uncertain: float = Field(
        default=0.1, ge=0, le=1, description="Of the supported ones, share with the verdict UNCERTAIN."
    )
    at_once: int = Field(default=64, ge=1, description="Instructions that are looked at together.")
    in_flight: int = Field(default=16, ge=1, description="Questions that an engine is asked at a time.")


class Screening(Protocol):
    """What makes `screen` instructions."""

    name: str

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """Instructions and refusals."""
        ...


class _Turned(NamedTuple):
    source: Instruction
    asked: RationaleInput
    judged: Judgement


TURNED: dict[Label, Label] = {"YES": "NO", "NO": "YES", "PARTIAL": "NO"}


class Explained:
    """A maker of `screen` instructions, and beside each of some of them one of the task `rationale`."""

    task = "rationale"

    def __init__(
        self, screening: Screening, engine: Engine, settings: RationaleSettings | None = None
    ) -> None:
        """
        Args:
            screening: whose instructions are handed on and explained.
            engine: says that a verdict which was turned round is not borne out.
            settings: shares.
        """
        self.name = screening.name
        self.screening, self.engine = screening, engine
        self.settings = settings or RationaleSettings()

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """All that the other maker gives, and the rationales.

        Raises:
            EngineUnavailable: nobody is there.
        """
        waiting: list[Instruction] = []
        for made in self.screening(corpus, shard):
            yield made
            if isinstance(made, Instruction):
                waiting.append(made)
            if len(waiting) == self.settings.at_once:
                yield from self.of(waiting)
                waiting = []
        yield from self.of(waiting)

    def of(self, screened: Sequence[Instruction]) -> Iterator[Instruction | Refusal]:
        """The rationales of some instructions, and what was refused of them."""
        for one in screened:
            if chance_of("supported", one.example_id).random() < self.settings.supported:
                made = self._supported(one)
                if made is not None:
                    yield made
        yield from self._unsupported(
            [
                one
                for one in screened
                if chance_of("unsupported", one.example_id).random() < self.settings.unsupported
            ]
        )

    def _supported(self, one: Instruction) -> Instruction | Refusal | None:
        asked, verdicts = _parts(one)
        chance = chance_of("which", one.example_id)
        silent = [pair for pair in verdicts if pair[1].label == "UNCERTAIN"]
        told = [pair for pair in verdicts if pair[1].label != "UNCERTAIN"]
        among = silent if silent and (not told or chance.random() < self.settings.uncertain) else told
        criterion, judged = chance.choice(among)
        if len(judged.rationale.split()) > MOST_WORDS:
            return self._refused(one, "rationale too long")
        if not judged.rationale.strip():
            return self._refused(one, "rationale without a word")
        question = _question(asked, criterion, judged.label)
        answer = RationaleAnswer(quote=judged.quote, supported=True, rationale=judged.rationale)
        return self._made(one, question, answer, "supported")

    def _unsupported(self, chosen: Sequence[Instruction]) -> Iterator[Instruction | Refusal]:
        turned = [_turned(one) for one in chosen]
        answers = answers_of(
            self.engine, [each.asked for each in turned], TASK, in_flight=self.settings.in_flight
        )
        for each, answer in zip(turned, answers, strict=True):
            yield self._denied(each, answer)

    def _denied(self, each: _Turned, answer: RationaleAnswer | EngineError) -> Instruction | Refusal:
        if isinstance(answer, EngineError):
            return self._refused(each.source, f"the engine did not answer: {answer.kind}")
        if answer.supported:
            return self._refused(each.source, "the engine bears out a verdict that was turned round")
        reasons = _denial(answer.rationale, each)
        if len(reasons.split()) > MOST_WORDS:
            return self._refused(each.source, "rationale too long")
        value = RationaleAnswer(quote="", supported=False, rationale=reasons)
        return self._made(each.source, each.asked, value, "unsupported")

    def _made(
        self,
        one: Instruction,
        asked: RationaleInput,
        answer: RationaleAnswer,
        how: Literal["supported", "unsupported"],
    ) -> Instruction:
        said = (
            "The quote and the reasons are those of the screening instruction."
            if how == "supported"
            else f"The verdict was turned round, and {self.engine.name} does not bear it out."
        )
        # Of a record that the build drew for a review, this stays to be seen: the division goes by it.
        start = f"{one.about.how}-" * one.about.how.startswith(DRAWN)
        about = one.about.model_copy(
            update={"how": f"{start}rationale-{how}", "evidence": (*one.about.evidence, said)}
        )
        return instruction(self.task, asked, answer, about)

    def _refused(self, one: Instruction, why: str) -> Refusal:
        return Refusal(self.task, one.about.source, why, one.example_id)


def _parts(one: Instruction) -> tuple[ScreenInput, list[tuple[Criterion, Judgement]]]:
    asked = ScreenInput.model_validate(one.asked)
    given = {j.criterion_id: j for j in ScreenAnswer.model_validate(one.answer).verdicts}
    return asked, [(criterion, given[criterion.id]) for criterion in asked.criteria]


def _question(asked: ScreenInput, criterion: Criterion, label: Label) -> RationaleInput:
    return RationaleInput(record_id=asked.record_id, criterion=criterion, label=label, text=asked.text)


def _turned(one: Instruction) -> _Turned:
    """One of its verdicts with another label: the contrary, or any where the text does not tell."""
    asked, verdicts = _parts(one)
    chance = chance_of("turned", one.example_id)
    criterion, judged = chance.choice(verdicts)
    either: tuple[Label, ...] = ("YES", "NO")
    label: Label = TURNED[judged.label] if judged.label in TURNED else chance.choice(either)
    return _Turned(one, _question(asked, criterion, label), judged)


_SEEN = re.compile(r"^they see (?P<own>[A-Z]+) and not (?P<label>[A-Z]+): (?P<why>.*)$", re.DOTALL)


def _denial(rationale: str, each: _Turned) -> str:
    """An engine's reasons, as a model may say them of itself: see `judging.worded`."""
    if not rationale.startswith(RATIONALE):
        return rationale.strip()
    seen = _SEEN.match(rationale.removeprefix(RATIONALE))
    if seen is None or seen["own"] != each.judged.label:
        shown = each.judged.label not in ("UNCERTAIN", each.asked.label)
        said = each.judged.rationale if shown else ""
        return f"Nothing in the text speaks for {each.asked.label}. {said}".strip()
    why = worded(RATIONALE + seen["why"], each.asked.criterion, each.judged.quote)
    return f"The text shows {seen['own']} and not {seen['label']}: {why[:1].lower()}{why[1:]}"
