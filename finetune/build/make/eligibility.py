"""Instructions of the task `screen` from what reviewers decided: labels are outcomes, never a model's.

An engine judges each record by the review's criteria and is not told what the reviewers decided. What it says is kept
where it agrees with them: a record that was included meets the criteria, so nothing may rule it out and something must
speak for it; one that was excluded fails at least one, so something must rule it out, with a quote. A record that was
kept by its abstract and excluded after full text is neither: what excluded it is not in the abstract.

With an engine of rules a second reading leaves out single verdicts that are doubtful, together with their criteria:
a protocol may have any number of them. `whole` asks for all or nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from finetune.build.kinds import Review, Shard
from finetune.build.make.contrast import Contrast
from finetune.build.make.criteria_of_reviews import asked_criteria, renamed, title_only
from finetune.build.make.judging import (
    Opinion,
    answers_of,
    checked_opinions,
    question_about,
    studies_of_record,
)
from finetune.build.make.likeness import Alone
from finetune.build.make.negatives import Negatives, NegativeSettings, Picked
from finetune.build.make.rationale import RationaleSettings
from finetune.build.make.second_reading import SecondReading
from finetune.instructions import About, Instruction, Refusal, instruction
from model.engine import Engine
from model.tasks.screen import ScreenAnswer, ScreenInput
from tools.errors import EngineError
from tools.schemas import Criterion, Frozen
from tools.search.vocabulary import Vocabulary

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Eligibility", "EligibilitySettings"]


ENOUGH = "enough excluded records of this review are kept"


class EligibilitySettings(Frozen):
    """Whom is asked about what, and what is kept."""

    records: NegativeSettings = NegativeSettings()
    shown: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the inclusion criteria that must be shown to be met in an included record; one at least.",
    )
    kept_per_included: float = Field(
        default=1.5, ge=0, description="Excluded records that are kept, per included one that is kept."
    )
    kept_at_least: int = Field(
        default=12, ge=0, description="Excluded records that are kept of a review, if there are so many."
    )
    second_reading: bool = Field(
        default=True, description="Leave out doubtful verdicts; not needed for a good language model."
    )
    contrast: bool = Field(
        default=True,
        description="NO where the title names another subject by the vocabulary, if there is one.",
    )
    whole: bool = Field(
        default=False, description="Refuse a record of which one verdict is left out, instead of asking less."
    )
    rationales: RationaleSettings = RationaleSettings()
    at_once: int = Field(default=64, ge=1, description="Questions between two looks at what has been kept.")
    in_flight: int = Field(default=16, ge=1, description="Questions that an engine is asked at a time.")


class Eligibility:
    """Makes `screen` instructions of reviews with known outcomes."""

    name = "eligibility"
    task = "screen"

    def __init__(
        self,
        engine: Engine,
        likeness: Alone,
        vocabulary: Vocabulary | None = None,
        settings: EligibilitySettings | None = None,
    ) -> None:
        """
        Args:
            engine: judges; not told what the reviewers decided.
            likeness: embedder of near records and of the second reading.
            vocabulary: MeSH, for the contrast of subjects; without one there is none.
            settings: limits and filters.
        """
        self.engine = engine
        self.settings = settings or EligibilitySettings()
        self._choose = Negatives(likeness, self.settings.records)
        self._second = SecondReading(likeness)
        self._contrast = Contrast(vocabulary, likeness) if vocabulary and self.settings.contrast else None

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """The instructions of the shard's reviews, and what was refused.

        Raises:
            EngineUnavailable: nobody is there; what was given before stands.
        """
        for review in corpus.reviews(shard):
            yield from self._of_review(corpus, review)

    def _of_review(self, corpus: Corpus, review: Review) -> Iterator[Instruction | Refusal]:
        criteria = tuple(c for c in asked_criteria(review) if c.stage != "full_text")
        if (problem := _unfit(review, criteria)) is not None:
            yield self._refused(review, problem, review.review_id)
            return
        picked, apart = self._choose(corpus, review)
        for one in apart:
            yield self._refused(review, one.why, one.record.record_id)
        if not any(one.included for one in picked):
            yield self._refused(review, "review without included records to be found", review.review_id)
        kept: Counter[bool] = Counter()
        for included in (True, False):
            queue = [one for one in picked if one.included is included]
            while queue and not (not included and self._enough(kept)):
                batch, queue = queue[: self.settings.at_once], queue[self.settings.at_once :]
                for made in self._judged(review, criteria, batch):
                    if isinstance(made, Instruction):
                        if not included and self._enough(kept):
                            yield self._refused(review, ENOUGH, made.example_id)
                            continue
                        kept[included] += 1
                    yield made
            for left in queue:
                yield self._refused(review, ENOUGH, left.record.record_id)

    def _enough(self, kept: Counter[bool]) -> bool:
        wanted = max(self.settings.kept_at_least, self.settings.kept_per_included * kept[True])
        return kept[False] >= wanted

    def _judged(
        self, review: Review, criteria: Sequence[Criterion], batch: Sequence[Picked]
    ) -> Iterator[Instruction | Refusal]:
        asked = [
            question_about(one.record, renamed(criteria, review.review_id, one.record.record_id))
            for one in batch
        ]
        answers = answers_of(self.engine, asked, in_flight=self.settings.in_flight)
        for one, question, answer in zip(batch, asked, answers, strict=True):
            made = (
                f"the engine did not answer: {answer.kind}"
                if isinstance(answer, EngineError)
                else self._agreed(review, one, question, answer)
            )
            yield made if isinstance(made, Instruction) else self._refused(review, made, one.record.record_id)

    def _agreed(
        self, review: Review, picked: Picked, asked: ScreenInput, answer: ScreenAnswer
    ) -> Instruction | str:
        """The instruction, or why there is none."""
        opinions, unfounded = checked_opinions(asked, answer)
        if unfounded and self.settings.whole:
            return unfounded[0][1]
        if self._contrast is not None:
            opinions = [self._contrast.opinion(one, asked) for one in opinions]
        problem = _disagreement(picked.included, opinions)
        if problem is not None:
            return problem
        kept, settled = self._settled(self._sure(opinions, asked), picked, asked)
        if self.settings.whole and len(kept) < len(asked.criteria):
            return "a verdict did not stand up to the second reading"
        wanted = [c for c in asked.criteria if c.kind == "include"]
        shown = sum(one.shows for one in kept)
        if not _decides(picked.included, kept) or (
            picked.included and shown < self.settings.shown * len(wanted)
        ):
            return "no verdict that decides stood up to the second reading"
        question = asked.model_copy(update={"criteria": tuple(one.criterion for one in kept)})
        value = ScreenAnswer(verdicts=tuple(one.judgement for one in kept))
        return instruction(self.task, question, value, self._about(review, picked, asked, kept, settled))

    def _sure(self, opinions: Sequence[Opinion], asked: ScreenInput) -> list[Opinion]:
        if not self.settings.second_reading:
            return list(opinions)
        return [
            one
            for one in opinions
            if not self._second.objection(one, asked, tuple(other for other in opinions if other is not one))
        ]

    def _settled(
        self, opinions: Sequence[Opinion], picked: Picked, asked: ScreenInput
    ) -> tuple[list[Opinion], int]:
        """PARTIAL whose quote says nearly the whole criterion: YES where the record was included, else nothing certain.

        Rules say PARTIAL where they cannot tell how much is meant. That the criterion is met, the outcome tells.
        """
        if not self.settings.second_reading:
            return list(opinions), 0
        doubtful = [one for one in opinions if self._second.says_it_all(one)]
        if not picked.included:
            return [one for one in opinions if one not in doubtful], 0
        raised = [_met(one, asked) if one in doubtful else one for one in opinions]
        return raised, len(doubtful)

    def _about(
        self, review: Review, picked: Picked, asked: ScreenInput, kept: Sequence[Opinion], settled: int
    ) -> About:
        told = {
            "included": f"Included by the reviewers, {picked.stage}.",
            "excluded": f"Excluded by the reviewers, {picked.stage}.",
            "near": "Not included by the review; nobody is known to have judged it. Like an included record.",
            "random": "Not included by the review; nobody is known to have judged it.",
        }[picked.origin]
        by_rule = sum(one.judgement.rationale.startswith(Contrast.SAYS) for one in kept)
        if by_rule:
            told += f" {by_rule} verdicts are NO by a rule of the build: the title names another subject."
        stand = f"{len(kept)} of {len(asked.criteria)} verdicts stand"
        judged = f"Judged by {self.engine.name}, which was not told this; {stand}."
        evidence = [told, judged]
        if settled:
            evidence.append(
                f"PARTIAL became YES in {settled}: the quote says it, and the outcome that it is met."
            )
        if title_only(review):
            evidence.append("Of the criteria only the title is known.")
        return About(
            source=review.source,
            licence=review.licence,
            how=f"{self.name}-{picked.origin}",
            reviews=(review.review_id,),
            studies=studies_of_record(picked.record),
            year=picked.record.year or review.year,
            evidence=tuple(evidence),
        )

    def _refused(self, review: Review, why: str, what: str) -> Refusal:
        named = what if what.startswith(review.review_id) else f"{review.review_id} {what}"
        return Refusal(self.task, review.source, why, named)


def _met(one: Opinion, asked: ScreenInput) -> Opinion:
    where = "title" if one.judgement.quote in asked.title else "text"
    said = {"label": "YES", "rationale": f"The {where} says what is asked for."}
    return Opinion(one.criterion, one.judgement.model_copy(update=said))


def _unfit(review: Review, criteria: Sequence[Criterion]) -> str | None:
    """Why nothing can be asked about a review; None when it can."""
    if not criteria:
        return "review without criteria and title"
    name = review.review_id.rpartition(":")[2].replace("_", " ").casefold()
    if title_only(review) and all(c.text.replace("_", " ").casefold() == name for c in criteria):
        return "review without criteria, and its title is only a name"
    return None


def _decides(included: bool, opinions: Sequence[Opinion]) -> bool:
    """Whether something speaks for what the reviewers decided."""
    return any(one.shows if included else one.rules_out for one in opinions)


def _disagreement(included: bool, opinions: Sequence[Opinion]) -> str | None:
    """In what an engine's verdicts and the reviewers' decision differ; None when they agree."""
    if included and any(one.rules_out for one in opinions):
        return "included, and the engine rules it out"
    if not _decides(included, opinions):
        return (
            "included, and the engine finds nothing that speaks for it"
            if included
            else "not included, and the engine finds nothing that rules it out"
        )
    return None
