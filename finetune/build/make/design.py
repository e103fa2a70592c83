"""Instructions of the task `screen` from people's labels of what kind of study an abstract tells of.

Here each single criterion has a right answer, not only the record as a whole. The label is the annotators'. The quote
is the engine's, or that of the words in `design_claims`, and must show the same: where engine or words show the
opposite, the criterion is refused, as then one of them is wrong. Where nothing in the abstract shows it, the answer is
UNCERTAIN: annotators saw more than the abstract, and a model must learn to abstain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from finetune.build.kinds import Annotation, Shard
from finetune.build.make.criteria_of_reviews import chance_of, renamed
from finetune.build.make.design_claims import CLAIMS, Claim
from finetune.build.make.judging import answers_of, question_about, studies_of_record
from finetune.build.make.rationale import RationaleSettings
from finetune.instructions import About, Instruction, Refusal, instruction
from model.baseline.reading import Reading
from model.baseline.screen import RATIONALE
from model.engine import Engine
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tools.errors import EngineError
from tools.fulltext.quotes import locate
from tools.schemas import Criterion, Frozen, Label, Record

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Design", "DesignSettings"]


EASY = frozenset({"own data", "people"})
"""Claims that the same sentence shows as shows other, harder ones."""

BY_PEOPLE = frozenset({"rodents", "systematic review"})
"""Claims that a sentence may deny by telling that people were studied."""


class DesignSettings(Frozen):
    """How many criteria an instruction has."""

    fewest: int = Field(default=2, ge=1, description="Criteria per abstract, where so many have an answer.")
    most: int = Field(default=4, ge=1, description="Criteria per abstract, at most.")
    most_contrary: int = Field(
        default=2, ge=1, description="Of them, with the answer NO, which comes easily."
    )
    most_uncertain: int = Field(default=1, ge=0, description="Of them, with the answer UNCERTAIN.")
    rationales: RationaleSettings = RationaleSettings()
    at_once: int = Field(default=64, ge=1, description="Abstracts that are asked about together.")
    in_flight: int = Field(default=16, ge=1, description="Questions that an engine is asked at a time.")


class Design:
    """Makes `screen` instructions of annotations of the kind `design`."""

    name = "design"
    task = "screen"

    def __init__(self, engine: Engine, settings: DesignSettings | None = None) -> None:
        """
        Args:
            engine: judges the same criteria without being told the labels.
            settings: limits.
        """
        self.engine = engine
        self.settings = settings or DesignSettings()

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """The instructions of the shard's annotations, and what was refused: single criteria, too.

        Raises:
            EngineUnavailable: nobody is there.
        """
        batch: list[tuple[Annotation, Record]] = []
        for annotation in corpus.annotations("design", shard):
            record = _record_of(corpus, annotation)
            if not record.abstract.strip():
                yield Refusal(self.task, annotation.source, "no abstract", annotation.annotation_id)
                continue
            batch.append((annotation, record))
            if len(batch) == self.settings.at_once:
                yield from self._of(batch)
                batch = []
        if batch:
            yield from self._of(batch)

    def _of(self, batch: Sequence[tuple[Annotation, Record]]) -> Iterator[Instruction | Refusal]:
        asked = [question_about(record, _criteria(annotation)) for annotation, record in batch]
        answers = answers_of(self.engine, asked, in_flight=self.settings.in_flight)
        for (annotation, record), question, answer in zip(batch, asked, answers, strict=True):
            if isinstance(answer, EngineError):
                why = f"the engine did not answer: {answer.kind}"
                yield Refusal(self.task, annotation.source, why, annotation.annotation_id)
            else:
                yield from self._made(annotation, record, question, answer)

    def _made(
        self, annotation: Annotation, record: Record, asked: ScreenInput, answer: ScreenAnswer
    ) -> Iterator[Instruction | Refusal]:
        reading = Reading(asked.text, asked.title)
        given = {judgement.criterion_id: judgement for judgement in answer.verdicts}
        shown: list[tuple[Criterion, Judgement]] = []
        for criterion, claim in zip(asked.criteria, CLAIMS, strict=True):
            verdict = _verdict(claim, criterion, annotation, reading, given[criterion.id])
            if isinstance(verdict, Judgement):
                shown.append((criterion, verdict))
            elif verdict:
                what = f"{annotation.annotation_id} {claim.name}"
                yield Refusal(self.task, annotation.source, verdict, what)
        chosen = self._chosen(annotation, shown)
        if not chosen:
            why = "no criterion has an answer that the abstract shows"
            yield Refusal(self.task, annotation.source, why, annotation.annotation_id)
            return
        yield self._instruction(annotation, record, asked, chosen)

    def _chosen(
        self, annotation: Annotation, shown: Sequence[tuple[Criterion, Judgement]]
    ) -> list[tuple[Criterion, Judgement]]:
        """Some of the criteria, by chance, few of them UNCERTAIN; what holds goes before what does not."""
        chance = chance_of("design", annotation.annotation_id)
        mixed = sorted(_different(shown), key=lambda _: chance.random())
        first = [one for one in mixed if one[1].label == "YES"]
        against = [one for one in mixed if one[1].label == "NO"]
        silent = [one for one in mixed if one[1].label == "UNCERTAIN"][: self.settings.most_uncertain]
        if not first and not against:
            return []
        room = chance.randint(min(self.settings.fewest, self.settings.most), self.settings.most)
        decided = [*first, *against[: self.settings.most_contrary]][: room - len(silent)] or [
            *first,
            *against,
        ][:1]
        return sorted([*decided, *silent][:room], key=lambda _: chance.random())

    def _instruction(
        self,
        annotation: Annotation,
        record: Record,
        asked: ScreenInput,
        chosen: Sequence[tuple[Criterion, Judgement]],
    ) -> Instruction:
        named = renamed([criterion for criterion, _ in chosen], annotation.annotation_id)
        verdicts = {criterion.text: judgement for criterion, judgement in chosen}
        value = ScreenAnswer(
            verdicts=tuple(
                verdicts[criterion.text].model_copy(update={"criterion_id": criterion.id})
                for criterion in named
            )
        )
        about = About(
            source=annotation.source,
            licence=annotation.licence,
            how=self.name,
            studies=studies_of_record(record),
            year=record.year,
            evidence=(
                "People labelled the kind of study; the quotes show the same.",
                f"{self.engine.name}, not told the labels, shows nothing to the contrary.",
            ),
        )
        return instruction(self.task, asked.model_copy(update={"criteria": named}), value, about)


def _record_of(corpus: Corpus, annotation: Annotation) -> Record:
    """The corpus' own record, else the text that came with the annotation."""
    known = corpus.record(annotation.pmid) if annotation.pmid else None
    if known is not None and known.abstract.strip():
        return known
    title, _, abstract = annotation.text.partition("\n")
    return Record(
        record_id=annotation.annotation_id,
        title=annotation.title or title,
        abstract=abstract if annotation.title == title or not annotation.title else annotation.text,
        pmid=annotation.pmid,
        pmcid=annotation.pmcid,
    )


def _criteria(annotation: Annotation) -> tuple[Criterion, ...]:
    """Every claim in one of its wordings, in the order of the claims; the wording differs from report to report."""
    made = []
    for claim in CLAIMS:
        wording = chance_of(claim.name, annotation.annotation_id).choice(claim.wordings)
        made.append(Criterion(id=claim.name, kind=wording.kind, text=wording.text))
    return tuple(made)


def _different(shown: Sequence[tuple[Criterion, Judgement]]) -> list[tuple[Criterion, Judgement]]:
    """One verdict per sentence of those that only say that people were studied, what holds before what does not."""
    held = {judged.quote for criterion, judged in shown if judged.label == "YES" and criterion.id not in EASY}
    kept: list[tuple[Criterion, Judgement]] = []
    for criterion, judged in sorted(shown, key=lambda one: one[1].label != "YES"):
        if criterion.id not in EASY or judged.quote not in held:
            kept.append((criterion, judged))
        if criterion.id in EASY:
            held.add(judged.quote)
    told = {judged.quote for criterion, judged in kept if criterion.id in EASY and judged.label == "YES"}
    return [
        one for one in kept if not (one[0].id in BY_PEOPLE and one[1].label == "NO" and one[1].quote in told)
    ]


# Verdicts ----------------------------------------------------------------------------------------


def _verdict(
    claim: Claim, criterion: Criterion, annotation: Annotation, reading: Reading, judged: Judgement
) -> Judgement | str:
    """The verdict that the annotation calls for, with its quote; or why there is none: empty where it tells nothing."""
    truth = claim.truth(annotation.body)
    if truth is None:
        return ""
    holds, fails = reading.search(claim.holds), reading.search(claim.fails)
    right: Label = "YES" if truth else "NO"
    wrong: Label = "NO" if truth else "YES"
    shown, contrary = (holds, fails) if truth else (fails, holds)
    if judged.label == wrong:
        return f"the engine says {wrong}, the label {right}"
    if contrary is not None and (shown is None or not truth):
        return f"words of the abstract show {wrong}, the label is {right}"
    if shown is not None:
        return _grounded(claim, criterion, reading, judged, truth, shown)
    if judged.label != "UNCERTAIN" or not claim.silence(annotation.body):
        return "the abstract shows neither"
    if reading.search(claim.doubtful) is not None:
        return "silent, but for words that leave doubt"
    return Judgement(criterion_id=criterion.id, label="UNCERTAIN", rationale="The text does not tell.")


def _grounded(
    claim: Claim,
    criterion: Criterion,
    reading: Reading,
    judged: Judgement,
    truth: bool,
    shown: tuple[int, re.Match[str]],
) -> Judgement:
    """The engine's quote where it has the words, and its reasons where it has some; else the words' own sentence."""
    label: Label = "YES" if truth else "NO"
    words = claim.holds if truth else claim.fails
    quote, hit = reading.quote(shown[0]), shown[1]
    own = locate(judged.quote, reading.text) if judged.label == label and judged.quote else None
    if own is not None and (found := words.search(own.text)) is not None:
        quote, hit = own.text, found
    where = "title" if quote in reading.title else "abstract"
    reason = f'"{hit.group().strip()}" in the {where}' + ("." if truth else " shows otherwise.")
    if own is not None and not judged.rationale.startswith(RATIONALE):
        reason = judged.rationale
    return Judgement(criterion_id=criterion.id, quote=quote, label=label, rationale=reason)
