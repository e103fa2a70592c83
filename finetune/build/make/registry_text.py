"""Instructions from registry entries alone: the entry, or what is posted in it, written as a report and asked about.

A posted result needs no paper to be a question with an exact answer and quote. So that no single layout is learned,
an entry is told in one of several (`registry_layouts`), with other sections and outcomes beside the one that is asked
for, and its questions vary in what they hold. All draws depend on the entry's number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from finetune.build.corpus import Corpus
from finetune.build.kinds import Shard, Trial
from finetune.build.make.abstain import Abstaining, elsewhere, with_abstained
from finetune.build.make.papers import Reading
from finetune.build.make.registered import (
    NO_RESULTS,
    baseline_rows,
)
from finetune.build.make.registry_adverse import adverse_outcomes
from finetune.build.make.registry_entries import Entry
from finetune.build.make.registry_links import NO_ENTRY, papers_of
from finetune.instructions import Instruction, Refusal
from tools.registry.trial import NotATrial, read

__all__ = ["RegistryText"]

NOT_TAKEN = "more than are taken of one entry"


class RegistryText:
    """Meets the protocol of makers: questions of the tasks arms, characteristics, participants and results."""

    name = "registry-text"

    def __init__(
        self,
        reading: Reading = Reading(),  # noqa: B008 - frozen
        *,
        most: int = 30,
        abstaining: Abstaining | None = None,
    ) -> None:
        """
        Args:
            reading: how much of an entry a question holds.
            most: questions of each of the tasks participants and results that are made of one entry, so that a
                large entry does not outweigh a hundred small ones.
            abstaining: makes examples whose value is taken out of the text; None: none are made.
        """
        self._reading, self._most, self._abstaining = reading, most, abstaining

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """All instructions of a shard's entries, in their order."""
        papers = papers_of(corpus)
        before: list[Instruction] = []
        for trial in corpus.trials(shard):
            results = []
            for one in with_abstained(self.of(trial, papers.get(trial.nct_id, ())), self._abstaining):
                yield one
                if isinstance(one, Instruction) and one.task == "results" and one.answer["values"]:
                    results.append(one)
            if before and results:
                yield from self._exchanged(before, results)
                before = []
            else:
                before = results or before

    def _exchanged(
        self, one: Sequence[Instruction], other: Sequence[Instruction]
    ) -> Iterator[Instruction | Refusal]:
        """Two entries, each asked for outcomes of the other; no third is drawn in, so that they can be split."""
        if self._abstaining is None:
            return
        for mine, theirs in ((one, other), (other, one)):
            for number, text in enumerate(mine):
                if self._abstaining.takes(text, "elsewhere"):
                    yield elsewhere(text, theirs[number % len(theirs)], self._abstaining.engine)

    def of(self, trial: Trial, papers: Sequence[str] = ()) -> Iterator[Instruction | Refusal]:
        """The instructions of one entry.

        Args:
            trial: the entry.
            papers: reports of the same trial, `pmid:…`: their results stand in the entry too.
        """
        try:
            entry = Entry(trial, read(trial.document), tuple(papers), self._reading)
        except NotATrial:
            yield Refusal("arms", trial.source, NO_ENTRY, trial.nct_id)
            return
        yield entry.arms()
        yield entry.characteristics()
        results = entry.trial.results
        if results is None:
            for task in ("participants", "results"):
                yield Refusal(task, trial.source, NO_RESULTS, trial.nct_id)
            return
        yield from self._some(entry, "participants", list(baseline_rows(results)), entry.participants)
        outcomes = (*results.outcomes, *adverse_outcomes(results))
        pairs = [(outcome, group) for outcome in outcomes for group in outcome.groups if not group.total]
        yield from self._some(entry, "results", pairs, entry.results)

    def _some(
        self, entry: Entry, task: str, candidates: Sequence[Any], make: Any
    ) -> Iterator[Instruction | Refusal]:
        """The candidates in their order, at most so many; what is not taken is counted."""
        taken = set(entry.chance(task).sample(range(len(candidates)), min(self._most, len(candidates))))
        for number, candidate in enumerate(candidates):
            if number in taken:
                yield make(*candidate)
            else:
                yield Refusal(task, entry.of.source, NOT_TAKEN, f"{entry.of.nct_id} {task} {number + 1}")
