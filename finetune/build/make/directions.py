"""Instructions of the task `direction` from what people read in reports of trials (Evidence Inference 2.0).

People said whether an outcome was significantly higher, lower, or neither, under an intervention than under a
comparator, and marked the passage that shows it (Lehman 2019, doi:10.18653/v1/N19-1371; DeYoung 2020,
doi:10.18653/v1/2020.bionlp-1.13). Their passage, as our own reading of the report has it, is the quote of the answer.

Where the evidence is taken out of a report, or an abstract does not speak of the outcome, the right answer is
`uncertain`: such an instruction is kept only where an engine finds nothing in what is left either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from finetune.build.kinds import Annotation, Shard
from finetune.build.make import annotated as read
from finetune.build.make.papers import CUT_AWAY, NO_TEXT, Reading, Report, show
from finetune.instructions import Instruction, Refusal, instruction
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.direction import TASK, Direction, DirectionAnswer, DirectionInput
from tools.errors import EngineError
from tools.extraction.numbers import p_values, readings_in
from tools.fulltext import relevance
from tools.fulltext.quotes import sentences
from tools.schemas import Passage

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["LABELS", "SAID", "Asked", "Directions", "asked_in", "evidence_in"]

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
SPEAKS = 0.34
"""Share of the outcome's telling words from which on a sentence may speak of it."""
LEAST = 500
"""Characters of a text from which on it can be said that it does not tell."""

SAID: dict[Direction, str] = {
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


class Directions:
    """The maker; the engine is asked only whether it finds anything where nothing is to be found."""

    name = "directions"

    def __init__(self, engine: Engine, *, reading: Reading | None = None, uncertain_of: int = 4) -> None:
        """
        Args:
            engine: any; the baseline is enough.
            reading: how much of a report a question holds.
            uncertain_of: of one in so many questions the evidence is also taken out.
        """
        self._engine, self._reading, self._of = engine, reading or Reading(), uncertain_of

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
            yield _refused(one, NO_TEXT)
            return
        evidence = evidence_in(one, report)
        if isinstance(evidence, Refusal):
            yield evidence if report.full_text else self._silent(one, report)
            return
        yield self._told(one, report, evidence)
        if read.nth(one.annotation.annotation_id, self._of) == 0:
            yield self._taken_out(one, report)

    # With evidence ---------------------------------------------------------------------------

    def _told(self, one: Asked, report: Report, evidence: Sequence[str]) -> Instruction | Refusal:
        if one.direction != "no_difference" and _CHANGE.search(one.outcome):
            return _refused(one, "the outcome's name has a direction of its own")
        fitting = [quote for quote in evidence if _names(one, report, quote)]
        if not fitting:
            return _refused(one, "the marked passage does not name the outcome")
        telling = [quote for quote in fitting if one.direction == "no_difference" or _tells_way(quote)]
        if not telling:
            return _refused(one, "the marked passage does not tell which way")
        sound = [quote for quote in telling if not contradicts(one, quote)]
        if not sound:
            return _refused(one, "the marked passage tells another significance")
        for quote in sound:
            shown = show(report, "direction", one.words, (quote,), self._reading)
            if shown is not None:
                answer = DirectionAnswer(quote=quote, direction=one.direction, rationale=SAID[one.direction])
                label, kind = one.annotation.body["label"], read.kind_of(report)
                why = f"annotators said {label!r} and marked the quote in the {kind}"
                origin = read.about(one.annotation, report, "directions-annotated", why)
                return instruction(TASK.id, _question(one, report, shown.passages), answer, origin)
        return _refused(one, CUT_AWAY)

    # Without evidence ------------------------------------------------------------------------

    def _silent(self, one: Asked, report: Report) -> Instruction | Refusal:
        """An abstract in which the marked passages do not stand; they stand further back in the report."""
        text = "\n".join(passage.text for passage in report.passages)
        if _may_tell(one, text) or _OTHERS.search(text):
            return _refused(one, "evidence not in the abstract, which may tell it otherwise")
        why = "the marked passages stand outside the abstract, which does not name the outcome"
        return self._uncertain(one, report, report.passages, "directions-abstract-silent", why)

    def _taken_out(self, one: Asked, report: Report) -> Instruction | Refusal:
        left = replace(report, passages=_without(one, report))
        shown = show(left, "direction", one.words, (), self._reading)
        assert shown is not None  # without evidence nothing can be cut away
        why = "what people marked and all that speaks of the outcome was taken out"
        return self._uncertain(one, report, shown.passages, "directions-evidence-removed", why)

    def _uncertain(
        self, one: Asked, report: Report, passages: tuple[Passage, ...], how: str, why: str
    ) -> Instruction | Refusal:
        if sum(len(p.text) for p in passages) < LEAST:
            return _refused(one, "too little text left without the evidence")
        if self._said(one, report, passages) != "uncertain":
            return _refused(one, "an engine finds an answer without the evidence")
        answer = DirectionAnswer(direction="uncertain", rationale=SAID["uncertain"])
        origin = read.about(one.annotation, report, how, why, f"{self._engine.name} finds nothing either")
        return instruction(TASK.id, _question(one, report, passages), answer, origin)

    def _said(self, one: Asked, report: Report, passages: Sequence[Passage]) -> str:
        """What the engine answers, the title read as text; `failed` where it gives no answer."""
        title = Passage(section="", kind="paragraph", start=0, text=report.title or report.report_id)
        try:
            asked = _question(one, report, (title, *passages))
            return ask(self._engine, Request(TASK, asked)).value.direction
        except EngineError:
            return "failed"


def _question(one: Asked, report: Report, passages: Sequence[Passage]) -> DirectionInput:
    return DirectionInput(
        intervention=one.intervention,
        comparator=one.comparator,
        outcome=one.outcome,
        **report.asked(passages),
    )


def _refused(one: Asked, why: str) -> Refusal:
    return read.refused(TASK.id, one.annotation, why)


# Annotations -------------------------------------------------------------------------------------


def asked_in(corpus: Corpus, shard: Shard) -> Iterator[Asked | Refusal]:
    """The questions of a part, each once; what people answered in different ways is refused.

    What others answered is looked up over all parts.
    """
    said: dict[tuple[str, ...], set[Direction]] = {}
    first: dict[tuple[str, ...], str] = {}
    for annotation in corpus.annotations("direction"):
        one = _asked(annotation)
        if not isinstance(one, Refusal):
            said.setdefault(_same(one), set()).add(one.direction)
            first.setdefault(_same(one), annotation.annotation_id)
    for annotation in corpus.annotations("direction", shard):
        one = _asked(annotation)
        if isinstance(one, Refusal):
            yield one
        elif len(said[_same(one)]) > 1:
            yield _refused(one, "annotators disagree")
        elif first[_same(one)] != annotation.annotation_id:
            yield _refused(one, "the same question twice")
        else:
            yield one


def _same(one: Asked) -> tuple[str, ...]:
    report = one.annotation.pmcid or one.annotation.pmid or one.annotation.title
    return (report, *(each.casefold() for each in (one.intervention, one.comparator, one.outcome)))


def _asked(annotation: Annotation) -> Asked | Refusal:
    body = annotation.body
    names = [read.cleaned(body.get(name)) for name in ("intervention", "comparator", "outcome")]
    direction = LABELS.get(str(body.get("label", "")).strip())
    if not all(names):
        return read.refused(TASK.id, annotation, "a part of the question is not named")
    if direction is None:
        return read.refused(TASK.id, annotation, "a label that is not known")
    return Asked(annotation, names[0], names[1], names[2], direction)


def evidence_in(one: Asked, report: Report) -> tuple[str, ...] | Refusal:
    """What people marked, as the text at hand has it, best first: names the outcome, marked by more, shorter."""
    marked = one.annotation.body.get("evidence") or ()
    spans = [text for each in marked if (text := str(each.get("text", "")).strip())]
    if not spans:
        return _refused(one, "no evidence marked")
    places = [read.span_in(span, report.passages, LONGEST) for span in spans]
    found = [place[1].text for place in places if place is not None]
    if not found:
        return _refused(one, "evidence not in the text")
    wanted = _wanted(one, report)
    return tuple(sorted(set(found), key=lambda q: (-read.covered(wanted, q), -found.count(q), len(q), q)))


# Words -------------------------------------------------------------------------------------------

_CHANGE = re.compile(
    r"\b(?:reduc|decreas|declin|improv|increas|lower|higher|worse|loss\b|lost\b|gain\b|impair|prevent|less\b|fewer\b"
    r"|better\b)", re.IGNORECASE,
)  # fmt: skip
"""What makes it unclear whether it is the outcome that rose, or its fall."""
_COMPARES = re.compile(
    r"\b(?:more|less|fewer|higher|lower|greater|smaller|larger|longer|shorter|faster|slower|better|worse|superior|inferior"
    r"|earlier|later|stronger|weaker|increas|decreas|reduc|improv|declin|rise|rose|fell|fall|drop|elevat|attenuat|suppress"
    r"|prevent|protect|prolong|shorten|enhanc|diminish|impair|likely|favou?r|gain|delay|excess|benefi|exceed|raise)",
    re.IGNORECASE,
)  # fmt: skip
_SIGNIFICANT = re.compile(r"significan", re.IGNORECASE)
_NOT = re.compile(
    r"\b(?:no|not|non|nor|neither|without|similar\w*|comparable|equal\w*|alike|same|but|only)\b|n't\b", re.I
)
_OTHERS = re.compile(
    r"\b(?:other|all|remaining|any|secondary)\b[^.]{0,40}\b(?:outcomes?|measures?|variables?|parameters?"
    r"|domains?|end ?points?|characteristics|scores?)\b", re.IGNORECASE,
)  # fmt: skip
"""An abstract that says something of outcomes that it does not name."""


def contradicts(one: Asked, quote: str) -> bool:
    """Whether the sentence about the outcome has p-values that all say the contrary of what people said.

    A difference without any p-value below 0.05 and without a word of significance, or no difference with nothing but
    p-values below it and no word that denies.
    """
    wanted = read.names(one.outcome)
    parts = [quote[start:end] for start, end in sentences(quote)] or [quote]
    best = max(parts, key=lambda part: (read.covered(wanted, part), len(part)))
    found = [(p.sign, float(p.value)) for p in p_values(best)]
    low = [value <= 0.05 and sign not in ">≥" for sign, value in found]
    if one.direction == "no_difference":
        return bool(low) and all(low) and not _NOT.search(quote)
    return bool(low) and not any(low) and not _SIGNIFICANT.search(best)


def _tells_way(quote: str) -> bool:
    """Whether a passage compares in words, or gives numbers of two groups beside its p-values."""
    if _COMPARES.search(quote):
        return True
    taken = [(p.start, p.end) for p in p_values(quote)]
    numbers = [n for n in readings_in(quote) if not any(a <= n.start < b for a, b in taken)]
    return len(numbers) >= 2


def _wanted(one: Asked, report: Report) -> read.Names:
    return read.names(one.outcome, relevance.abbreviations(p.text for p in report.passages))


def _names(one: Asked, report: Report, quote: str) -> bool:
    return read.covered(_wanted(one, report), quote) > 0


def _may_tell(one: Asked, text: str) -> bool:
    """Whether any telling word of the outcome stands in a text: as a stem, as a beginning, or without its gaps."""
    known = relevance.abbreviations([text])
    wanted = {term for each in read.names(one.outcome, known) for term in each if len(term) > 2}
    has = set(relevance.terms(text))
    if not wanted or wanted & has or _SHORT.search(one.outcome):
        return True
    starts = {term[:5] for term in has if len(term) > 4}
    return any(term[:5] in starts for term in wanted)


_SHORT = re.compile(r"\b(?:[A-Z]{2,}\w*|\w*[a-z]\w*[A-Z]\w*|\w*\d\w*[A-Za-z]\w*)\b")
"""An abbreviation: an abstract may say the same in words."""


def _without(one: Asked, report: Report) -> tuple[Passage, ...]:
    """The report without what was marked and without every part that speaks of the outcome."""
    wanted = _wanted(one, report)
    found = evidence_in(one, report)
    marked = () if isinstance(found, Refusal) else found
    return tuple(
        passage
        for passage in report.passages
        if not any(quote in passage.text for quote in marked) and not _speaks(passage, wanted)
    )


def _speaks(passage: Passage, wanted: read.Names) -> bool:
    if passage.kind == "title":
        return False
    if passage.kind == "table":
        return read.covered(wanted, passage.text) >= SPEAKS
    parts = [passage.text[start:end] for start, end in sentences(passage.text)]
    return any(read.covered(wanted, part) >= SPEAKS for part in parts)
