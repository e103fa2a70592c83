"""Instructions of the tasks `rationale` and `screen` whose reasons are paths in a graph of concepts.

After MedReason (Wu et al. 2025, arXiv 2504.00993): the concepts of question and answer are looked up in a knowledge
graph, the shortest paths between them are turned into reasoning, and it is kept only if a model reaches the known
answer from it alone; there 32,682 items from seven sets of questions, with PrimeKG and language models. Here the
question is an eligibility criterion, the answer its label, the graph the vocabulary or a list of edges, and the words
of the steps are fixed.

A rationale is checked so: an engine is asked the task `screen` with the steps in the place of the record. It is not
told the label. What it does not judge as the label says is refused. A YES needs a path on which every step leads to
what the concept before is: that gastritis and peptic ulcer are both diseases of the stomach makes neither the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path as File
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from finetune.build.kinds import Shard
from finetune.build.make.criteria_of_reviews import chance_of
from finetune.build.make.judging import answers_of, question_about
from finetune.build.make.reasoning_cases import Case, cases
from finetune.build.make.reasoning_steps import Rationale, rationale_of, without_acronyms
from finetune.instructions import About, Instruction, Refusal, instruction
from model.engine import Engine
from model.tasks.rationale import RationaleAnswer, RationaleInput
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tools.errors import EngineError
from tools.schemas import Frozen, Label
from tools.search.concept_graph import ConceptGraph
from tools.search.concepts import LONGEST, Concepts, Path, paths
from tools.search.concepts_csv import MOST_NEIGHBOURS, Columns, read_graph
from tools.search.vocabulary import Vocabulary

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["ReasoningMaker", "Settings"]


_DULL = frozenset(
    {"Disease", "Patients", "Persons", "Pharmaceutical Preparations", "Research", "Therapeutics"}
)
"""Concepts that every criterion names and no record fails to meet."""


class Settings(Frozen):
    """Which graph, and what a rationale must be like."""

    graph: File | None = Field(default=None, description="A CSV of edges; None: the vocabulary itself.")
    columns: Columns = Field(default=Columns(), description="Its columns; by default those of PrimeKG.")
    most_neighbours: int = Field(default=MOST_NEIGHBOURS, ge=2, description="Of what a path of it may cross.")
    longest: int = Field(default=LONGEST, ge=1, le=8, description="Steps of a path.")
    most_words: int = Field(default=40, ge=5, description="Of a rationale, as the prompts ask for.")
    contradicted: float = Field(
        default=0.25, ge=0, le=1, description="Share that is also asked with a wrong verdict, to be denied."
    )
    in_flight: int = Field(default=8, ge=1, description="Requests under way at once.")
    at_once: int = Field(default=256, ge=1, description="Cases whose answers are waited for together.")


class _Drawn(NamedTuple):
    """A case and its rationale, before an engine has read it."""

    case: Case
    rationale: Rationale


class ReasoningMaker:
    """Makes instructions of `rationale` and `screen` with reasons along a graph."""

    name = "reasoning"

    def __init__(self, engine: Engine, vocabulary: Vocabulary, settings: Settings | None = None) -> None:
        """
        Args:
            engine: must reach the label from the steps.
            vocabulary: finds concepts in texts; is the graph, unless the settings name another.

        Raises:
            InputFileError: the list of edges cannot be read.
        """
        self.engine, self.settings = engine, settings or Settings()
        self.concepts = Concepts(vocabulary, self._graph())

    def _graph(self) -> ConceptGraph | None:
        told = self.settings
        if told.graph is None:
            return None
        return read_graph(told.graph, told.columns, most_neighbours=told.most_neighbours)

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """The instructions of a shard, and why there are no others."""
        yield from self.made(cases(corpus, shard, self.concepts))

    def made(self, given: Iterable[Case]) -> Iterator[Instruction | Refusal]:
        """The instructions of these cases, in their order."""
        rest = self._once(given)
        while some := list(islice(rest, self.settings.at_once)):
            drawn = [one if isinstance(one, Refusal) else self._drawn(one) for one in some]
            open_ = [one for one in drawn if isinstance(one, _Drawn)]
            reached = iter(self._reached(open_))
            for one in drawn:
                yield from [one] if isinstance(one, Refusal) else self._judged(one, next(reached))

    def _once(self, given: Iterable[Case]) -> Iterator[Case | Refusal]:
        seen: set[tuple[str, str]] = set()
        for case in given:
            key = (case.record.pmid or case.record.record_id, case.criterion.text)
            yield _refused(case, "the same case again") if key in seen else case
            seen.add(key)

    def _drawn(self, case: Case) -> _Drawn | Refusal:
        """The rationale of a case, or why it has none."""
        text = case.record.text
        own = self.concepts.named_in(without_acronyms(text))
        wanted = [name for name in self.concepts.named_in(case.criterion.text) if name not in _DULL]
        if not own or not wanted:
            return _refused(case, f"no concept in the {'criterion' if own else 'record'}")
        found = self._paths(own, wanted, case.label)
        if not found:
            return _refused(case, "no path")
        if not any(path.steps for path in found):
            return _refused(case, "named as it is asked for")
        rationale = rationale_of(self.concepts, found, text)
        if rationale is None:
            return _refused(case, "no sentence to quote")
        if len(rationale.text.split()) > self.settings.most_words or len(rationale.text) > 600:
            return _refused(case, "rationale too long")
        return _Drawn(case, rationale)

    def _paths(self, own: Sequence[str], wanted: Sequence[str], label: Label) -> list[Path]:
        """The first shortest path to each concept of the criterion; of a YES only those that lead up to it."""
        found = []
        for target in wanted:
            near = paths(self.concepts.graph, own, [target], self.settings.longest, most=len(own) + 1)
            fit = [path for path in near if label != "YES" or path.upward or self.settings.graph is not None]
            found += fit[:1]
        return found

    def _reached(self, drawn: list[_Drawn]) -> list[Label | None]:
        """The label that the engine gives to each criterion from the steps alone; None where it gives none."""
        questions = [
            ScreenInput(
                record_id=one.case.record.record_id,
                criteria=(one.case.criterion,),
                text=one.rationale.text,
            )
            for one in drawn
        ]
        answers = answers_of(self.engine, questions, in_flight=self.settings.in_flight)
        return [None if isinstance(a, EngineError) else a.verdicts[0].label for a in answers]

    def _judged(self, one: _Drawn, reached: Label | None) -> Iterator[Instruction | Refusal]:
        case, rationale = one
        if reached is None:
            yield _refused(case, "engine gave no answer")
            return
        if reached != case.label:
            yield _refused(case, f"engine reaches {reached}, not {case.label}")
            return
        about = _about(one, self.engine.name)
        asked = question_about(case.record, (case.criterion,))
        verdict = Judgement(
            criterion_id=case.criterion.id, quote=rationale.quote, label=case.label, rationale=rationale.text
        )
        yield instruction("screen", asked, ScreenAnswer(verdicts=(verdict,)), about)
        question = RationaleInput(
            record_id=asked.record_id, criterion=case.criterion, label=case.label, text=asked.text
        )
        answer = RationaleAnswer(quote=rationale.quote, supported=True, rationale=rationale.text)
        yield instruction("rationale", question, answer, about)
        chance = chance_of("contradicted", case.criterion.id, case.record.record_id, case.criterion.text)
        if chance.random() < self.settings.contradicted:
            wrong = question.model_copy(update={"label": "NO" if case.label == "YES" else "YES"})
            denied = RationaleAnswer(quote="", supported=False, rationale=rationale.text)
            yield instruction("rationale", wrong, denied, about)


def _refused(case: Case, why: str) -> Refusal:
    return Refusal("rationale", case.source, why, f"{case.how} {case.record.record_id} {case.criterion.id}")


def _about(one: _Drawn, engine: str) -> About:
    case = one.case
    return About(
        source=case.source,
        licence=case.licence,
        how=case.how,
        reviews=case.reviews,
        studies=case.studies,
        year=case.year,
        evidence=(
            case.why,
            *map(str, one.rationale.paths),
            f"{engine} reaches {case.label} from the steps alone",
        ),
    )
