"""Instructions of the task `direction` from what people read in reports of trials (Evidence Inference 2.0).

People said whether an outcome was significantly higher, lower, or neither, under an intervention than under a
comparator, and marked the passage that shows it (Lehman 2019, doi:10.18653/v1/N19-1371; DeYoung 2020,
doi:10.18653/v1/2020.bionlp-1.13). Their passage, as our own reading of the report has it, is the quote of the answer.

Where the evidence is taken out of a report, or an abstract does not speak of the outcome, the right answer is
`uncertain`: such an instruction is kept only where an engine finds nothing in what is left either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from finetune.build.kinds import Annotation, Shard
from finetune.build.make import annotated as read
from finetune.instructions import Instruction, Refusal, instruction
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.direction import TASK, Direction, DirectionAnswer, DirectionInput
from tools.errors import EngineError
from tools.fulltext.quotes import sentences
from tools.schemas import Passage

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["LABELS", "Asked", "Directions", "Evidence", "asked_in", "evidence_in"]

LABELS: dict[str, Direction] = {
    "no significant difference": "no_difference",
    "significantly decreased": "decreased",
    "significantly decrease": "decreased",
    "significantly increased": "increased",
    "significantly increase": "increased",
}
"""As the data set writes them."""

LONGEST = 600
"""Characters of a quote. The answer may have more, but no passage of that length is the shortest that shows it."""
NAMED = 0.34
"""Share of the outcome's telling words from which on a sentence may speak of it."""

_SAID: dict[Direction, str] = {
    "increased": "The report says that it was significantly higher or more frequent under the intervention.",
    "decreased": "The report says that it was significantly lower or less frequent under the intervention.",
    "no_difference": "The report compares the two and finds no significant difference.",
    "uncertain": "The text does not tell what the comparison found for this outcome.",
}


class Asked(NamedTuple):
    """One question that people answered about one report."""

    annotation: Annotation
    intervention: str
    comparator: str
    outcome: str
    direction: Direction

    @property
    def words(self) -> list[str]:
        """By which passages are chosen."""
        return [self.outcome, self.intervention, self.comparator]


class Evidence(NamedTuple):
    """A passage that people marked, as the text at hand has it."""

    quote: str
    passage: Passage
    marks: int
    """How many of the annotators' spans it stands for."""


class Directions:
    """The maker; `engine` is asked only whether it finds anything where nothing is to be found."""

    name = "directions"

    def __init__(
        self, engine: Engine, *, characters: int = read.CHARACTERS, uncertain_of: int = 4
    ) -> None:
        """
        Args:
            engine: any; of a review's engines, or the baseline.
            characters: of a report that a question may hold.
            uncertain_of: from one in so many questions the evidence is also taken out.
        """
        self._engine, self._characters, self._of = engine, characters, uncertain_of

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """Instructions of one part of the annotations, in the order of their ids."""
        for one in asked_in(corpus, shard):
            if isinstance(one, Refusal):
                yield one
            else:
                yield from self._made(one, corpus)

    def _made(self, one: Asked, corpus: Corpus) -> Iterator[Instruction | Refusal]:
        report = read.report_of(corpus, one.annotation)
        if report is None:
            yield _refused(one.annotation, "no text of the report")
            return
        evidence = evidence_in(one, report.text.passages)
        if isinstance(evidence, Refusal):
            yield self._silent(one, report) if report.kind == "abstract" else evidence
            return
        yield self._told(one, report, evidence)
        if read.nth(one.annotation.annotation_id, self._of) == 0:
            yield self._taken_out(one, report)

    # With evidence ---------------------------------------------------------------------------

    def _told(
        self, one: Asked, report: read.ReadReport, evidence: Sequence[Evidence]
    ) -> Instruction | Refusal:
        passages = read.chosen(report, "direction", one.words, self._characters)
        here = [e for e in evidence if any(e.quote in passage.text for passage in passages)]
        if not here:
            return _refused(one.annotation, "evidence not among the passages that are read")
        best = here[0]
        if self._contradicts(one, best):
            return _refused(one.annotation, "an engine reads the opposite in the evidence")
        answer = DirectionAnswer(
            quote=best.quote, direction=one.direction, rationale=_SAID[one.direction]
        )
        marked = f"annotators said {one.annotation.body['label']!r} and marked the quote in the {report.kind}"
        return instruction(
            TASK.id,
            _question(one, report, passages),
            answer,
            read.about(one.annotation, report, "directions-annotated", marked),
        )

    def _contradicts(self, one: Asked, evidence: Evidence) -> bool:
        """Whether the engine reads a rise where people read a fall, or the other way round."""
        said = self._said(one, "", (evidence.passage.model_copy(update={"text": evidence.quote}),))
        return {said, one.direction} == {"increased", "decreased"}

    # Without evidence ------------------------------------------------------------------------

    def _silent(self, one: Asked, report: read.ReadReport) -> Instruction | Refusal:
        """An abstract in which the marked passages do not stand; they stand further back in the report."""
        wanted = read.stems(one.outcome)
        if any(read.covered(wanted, p.text) >= NAMED for p in report.text.passages):
            return _refused(one.annotation, "evidence not in the abstract, which may tell it otherwise")
        return self._uncertain(one, report, report.text.passages, "directions-abstract-silent",
                               "the marked passages stand outside the abstract, which does not name the outcome")  # fmt: skip

    def _taken_out(self, one: Asked, report: read.ReadReport) -> Instruction | Refusal:
        kept = _without(one, report.text.passages)
        left = report._replace(text=report.text.model_copy(update={"passages": kept}))
        passages = read.chosen(left, "direction", one.words, self._characters)
        return self._uncertain(one, report, passages, "directions-evidence-removed",
                               "what people marked and all that speaks of the outcome was taken out")  # fmt: skip

    def _uncertain(
        self, one: Asked, report: read.ReadReport, passages: tuple[Passage, ...], how: str, why: str
    ) -> Instruction | Refusal:
        if sum(len(p.text) for p in passages) < _LEAST:
            return _refused(one.annotation, "too little text left without the evidence")
        if self._said(one, report.title, passages) != "uncertain":
            return _refused(one.annotation, "an engine finds an answer without the evidence")
        return instruction(
            TASK.id,
            _question(one, report, passages),
            DirectionAnswer(direction="uncertain", rationale=_SAID["uncertain"]),
            read.about(one.annotation, report, how, why, f"{self._engine.name} finds nothing either"),
        )

    def _said(self, one: Asked, title: str, passages: Sequence[Passage]) -> str:
        """What the engine answers; `failed` where it gives no answer."""
        asked = DirectionInput(
            report_id=one.annotation.annotation_id,
            title=title,
            passages=(*_as_passage(title), *passages),
            intervention=one.intervention,
            comparator=one.comparator,
            outcome=one.outcome,
        )
        try:
            return ask(self._engine, Request(TASK, asked)).value.direction
        except EngineError:
            return "failed"


_LEAST = 500
"""Characters of a text from which it can be said that it does not tell."""


def _as_passage(title: str) -> tuple[Passage, ...]:
    return (Passage(section="title", kind="paragraph", start=0, text=title),) if title else ()


def _question(one: Asked, report: read.ReadReport, passages: tuple[Passage, ...]) -> DirectionInput:
    return DirectionInput(
        report_id=report.report_id,
        title=report.title,
        passages=passages,
        intervention=one.intervention,
        comparator=one.comparator,
        outcome=one.outcome,
    )


def _refused(annotation: Annotation, why: str) -> Refusal:
    return Refusal(TASK.id, annotation.source, why, annotation.annotation_id)


# Annotations -------------------------------------------------------------------------------------


def asked_in(corpus: Corpus, shard: Shard) -> Iterator[Asked | Refusal]:
    """The questions of a part, each once; what people answered in different ways is refused."""
    found: dict[tuple[str, ...], list[Asked]] = {}
    for annotation in corpus.annotations("direction", shard):
        one = _asked(annotation)
        if isinstance(one, Refusal):
            yield one
        else:
            found.setdefault(_same(one), []).append(one)
    for alike in found.values():
        if len({one.direction for one in alike}) > 1:
            yield from (_refused(one.annotation, "annotators disagree") for one in alike)
        else:
            yield alike[0]
            yield from (_refused(one.annotation, "the same question twice") for one in alike[1:])


def _same(one: Asked) -> tuple[str, ...]:
    named = (one.annotation.pmcid or one.annotation.pmid or "", one.intervention, one.comparator, one.outcome)
    return tuple(" ".join(each.casefold().split()) for each in named)


def _asked(annotation: Annotation) -> Asked | Refusal:
    names = [" ".join(str(annotation.body.get(k, "")).split()) for k in ("intervention", "comparator", "outcome")]
    direction = LABELS.get(str(annotation.body.get("label", "")).strip())
    if not all(names):
        return _refused(annotation, "a part of the question is not named")
    if direction is None:
        return _refused(annotation, "a label that is not known")
    return Asked(annotation, *names, direction)


def evidence_in(one: Asked, passages: Sequence[Passage]) -> tuple[Evidence, ...] | Refusal:
    """What people marked, as it stands in these passages, the best first: marked by more, nearer, shorter."""
    told: Iterable[dict[str, object]] = one.annotation.body.get("evidence") or ()
    spans = [text for each in told if (text := str(each.get("text", "")).strip())]
    if not spans:
        return _refused(one.annotation, "no evidence marked")
    found: dict[str, Evidence] = {}
    for span in spans:
        here = _placed(span, passages)
        if here is not None:
            before = found.get(here.quote)
            found[here.quote] = here._replace(marks=before.marks + 1) if before else here
    if not found:
        return _refused(one.annotation, "evidence not in the text")
    wanted = read.stems(one.outcome)
    return tuple(
        sorted(
            found.values(),
            key=lambda e: (-min(1.0, read.covered(wanted, e.quote)), -e.marks, len(e.quote), e.passage.start),
        )
    )


def _placed(span: str, passages: Sequence[Passage]) -> Evidence | None:
    """A marked span in the text; of a longer one, its longest sentence that stands there is too little to go by."""
    placed = read.span_in(span, passages, LONGEST)
    return Evidence(placed[1].text, placed[0], 1) if placed is not None else None


def _without(one: Asked, passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """The report without what was marked and without every part that speaks of the outcome."""
    wanted = read.stems(one.outcome)
    marked = [e.passage.start for e in _all_evidence(one, passages)]
    return tuple(
        passage
        for passage in passages
        if passage.start not in marked and not _speaks(passage, wanted)
    )


def _all_evidence(one: Asked, passages: Sequence[Passage]) -> tuple[Evidence, ...]:
    found = evidence_in(one, passages)
    return () if isinstance(found, Refusal) else found


def _speaks(passage: Passage, wanted: frozenset[str]) -> bool:
    if passage.kind == "title":
        return False
    if passage.kind == "table":
        return read.covered(wanted, passage.text) >= NAMED
    return any(read.covered(wanted, passage.text[start:end]) >= NAMED for start, end in sentences(passage.text))
