"""Pairs of a registry entry and a paper about the same trial, as they were linked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from finetune.build.corpus import Corpus
from finetune.build.kinds import Shard, Trial
from finetune.build.linking import Pair, accepted
from finetune.build.make.abstain import Abstaining, with_abstained
from finetune.build.make.papers import (
    CUT_AWAY,
    NO_TEXT,
    Reading,
    Report,
    report_of_paper,
    report_of_record,
    show,
)
from finetune.build.make.registered import LINK_REFUSED
from finetune.instructions import About, Instruction, Refusal, instruction
from tools.fulltext.cues import Task
from tools.registry.trial import NotATrial, RegisteredTrial, read
from tools.schemas import Frozen

__all__ = ["NO_ENTRY", "Linked", "LinkedMaker", "pairs", "papers_of"]

NO_ENTRY = "the document is no registry entry"


@dataclass(frozen=True)
class Linked:
    """An entry, and the text of a paper about the same trial."""

    trial: Trial
    entry: RegisteredTrial
    report: Report
    evidence: tuple[str, ...]

    def made(
        self, task: Task, kind: Any, more: Mapping[str, Any], answer: Frozen, words: Iterable[str],
        quotes: Iterable[str], reading: Reading, what: str, how: str = "",
    ) -> Instruction | Refusal:  # fmt: skip
        """The instruction, where what is shown of the paper holds all quotes."""
        shown = show(self.report, task, list(words), quotes, reading)
        if shown is None:
            return self.refused(task, CUT_AWAY, what)
        return instruction(
            task,
            kind(**self.report.asked(shown.passages), **more),
            answer,
            self.about(how or f"registry-{task}", what),
        )

    def about(self, how: str, what: str) -> About:
        """Source and studies of both."""
        return About(
            source=self.report.source,
            licence=self.report.licence,
            how=how,
            studies=(*self.report.studies, f"nct:{self.trial.nct_id}"),
            year=max(
                (year for year in (self.report.year, self.trial.year) if year is not None), default=None
            ),
            evidence=(f"{self.trial.nct_id}: {what}, as registered ({self.trial.source})", *self.evidence),
        )

    def refused(self, task: str, why: str, what: str = "") -> Refusal:
        """Why nothing was made of one thing of this pair."""
        told = (self.trial.nct_id, *self.report.studies[:1], what)
        return Refusal(task, self.report.source, why, " ".join(filter(None, told)))


class LinkedMaker:
    """What the makers of linked pairs share; meets the protocol of makers. Subclasses say what a pair gives."""

    name: str
    task: str

    def __init__(
        self,
        reading: Reading = Reading(),  # noqa: B008 - frozen
        *,
        abstaining: Abstaining | None = None,
    ) -> None:
        self._reading, self._abstaining = reading, abstaining

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """The instructions of each linked pair of a shard, some of them with the answer taken out of the text."""
        yield from with_abstained(self._made(corpus, shard), self._abstaining)

    def _made(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        for pair in pairs(corpus, shard, self.task):
            if isinstance(pair, Refusal):
                yield pair
            else:
                yield from self._of(pair)

    def _of(self, pair: Linked) -> Iterator[Instruction | Refusal]:
        raise NotImplementedError


def pairs(corpus: Corpus, shard: Shard, task: str) -> Iterator[Linked | Refusal]:
    """The linked entries of a shard with each of their papers, ordered by NCT number and PMID.

    Of a pair that some evidence speaks for and that does not stand, or whose text is not at hand, comes a refusal.
    """
    stand = {(pair.nct_id, pair.pmid): pair for pair in accepted(corpus)}
    papers: dict[str, set[str]] = {}
    for link in corpus.links():
        papers.setdefault(link.nct_id, set()).add(link.pmid)
    for trial in corpus.trials(shard) if papers else ():
        try:
            entry = read(trial.document)
        except NotATrial:
            yield Refusal(task, trial.source, NO_ENTRY, trial.nct_id)
            continue
        for pmid in sorted(papers.get(trial.nct_id, ()), key=lambda number: (len(number), number)):
            pair = stand.get((trial.nct_id, pmid))
            report = _report(corpus, pmid, pair)
            if report is None or pair is None:
                why = NO_TEXT if report is None else LINK_REFUSED
                yield Refusal(task, trial.source, why, f"{trial.nct_id} pmid:{pmid}")
            else:
                told = f"{', '.join(pair.evidence)} ({', '.join(pair.sources)}): {pair.fits}"
                yield Linked(trial, entry, report, (told,))


def papers_of(corpus: Corpus) -> dict[str, tuple[str, ...]]:
    """NCT number to the papers of that trial, as `About.studies` names them."""
    found: dict[str, list[str]] = {}
    for pair in accepted(corpus):
        found.setdefault(pair.nct_id, []).append(f"pmid:{pair.pmid}")
    return {number: tuple(sorted(papers)) for number, papers in found.items()}


def _report(corpus: Corpus, pmid: str, pair: Pair | None) -> Report | None:
    """The full text, else the abstract."""
    paper = corpus.paper(pmid=pmid)
    if paper is not None:
        return report_of_paper(paper)
    record = corpus.record(pmid)
    source = pair.sources[0] if pair is not None else "pubmed"
    return report_of_record(record, source, "unknown") if record is not None else None
