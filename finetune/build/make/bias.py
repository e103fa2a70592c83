"""Instructions of the task `bias` from texts in which reviewers answered RoB 2's signalling questions one by one.

Some reviews write their answers into the text that supports a judgement: `1.1: Y; 1.2: PY. Quote: "…"`. What they
quote is the trial report's own wording, so the passages of a question are the report as far as it was quoted. Asked
are the questions that were answered with a quotation, which is the evidence, and those that were answered `NI`: what
the whole report does not tell, a part of it does not either. A domain counts only where RoB 2's algorithm comes from
all its answers to the judgement that the reviewers gave.

Texts without such answers are refused: a judgement alone leaves open which answers it rests on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple, cast

from finetune.build.kinds import Annotation, Shard
from finetune.build.make import annotated as read
from finetune.build.make.papers import doc_id
from finetune.instructions import About, Instruction, Refusal, instruction
from model.tasks.bias import TASK, BiasAnswer, BiasInput, Signal, SignallingAnswer, SignallingQuestion
from tools.appraisal.rob2 import rob2
from tools.appraisal.tool import Tool, UnusableAnswer, judge, question_fields
from tools.fulltext.quotes import locate
from tools.schemas import Passage

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Bias", "Told", "told_in"]

LONGEST = 600
"""Characters of a quote."""
SHORTEST = 30
"""Characters of a quotation that can show something."""
LEVELS = {"Low risk": "low", "Some concerns": "some", "High risk": "high"}

_NUMBER = re.compile(
    r"(?<![\d.])(?P<id>[1-5]\.[1-7])\s?(?P<part>[a-c])?\s{0,2}[:.]?\s{0,2}(?P<said>PY|PN|NI|NA|Y|N)\b(?!-)"
)
_QUOTED = re.compile(r'["“](?P<text>[^"“”]{5,1500})["”]')
_TRACES = re.compile(r"\[|\(\.\.\.\)|\(…\)")
"""Where the reviewers left something out or put something in."""


_CUES = {
    "1.1": r"random",
    "1.2": r"conceal|seal|envelope|central|independent|\bblind|\bmask|telephone|web|online|e-?mail"
    r"|not (?:directly )?involved",
    "1.3": r"baseline|differ|similar|balanc|compar|equal|equivalent",
    "2.1": r"\bblind|\bmask|\bopen|\baware|placebo|sham",
    "2.2": r"\bblind|\bmask|\bopen|\baware|placebo|sham",
    "2.6": r"intention|intent|\bITT\b|all (?:\w+ ){0,3}(?:randomi|participants|patients)",
    "3.1": r"attrition|drop|lost|loss|complet|missing|withdr|follow|available|\d ?%",
    "4.1": r"valid|reliab|scale|questionnaire|instrument|alpha|measure|inventory|interview",
    "4.2": r"measur|assess|both groups|same|visit",
    "4.3": r"\bblind|\bmask|\baware|\bopen",
    "5.1": r"protocol|regist|prespecif|pre-specif|planned",
}
"""Words of which a quotation must have one to be evidence: reviewers quote once for several questions."""


class Told(NamedTuple):
    """One question as reviewers answered it."""

    question_id: str
    answer: Signal
    quotes: tuple[str, ...]
    """What they quoted for it."""


class Bias:
    """The maker. It asks no engine."""

    name = "bias"

    def __init__(self) -> None:
        self._tool = rob2()
        self._fields = {
            str(f["id"]): SignallingQuestion.model_validate(f) for f in question_fields(self._tool)
        }

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """One instruction for each result of a trial of which something can be asked."""
        for annotation in corpus.annotations("bias", shard):
            yield self._made(annotation)

    def _made(self, annotation: Annotation) -> Instruction | Refusal:
        supports: Mapping[str, str] = annotation.body["supports"]
        told = {domain: told_in(text, domain) for domain, text in sorted(supports.items())}
        if not any(told.values()):
            return _refused(annotation, "no answers to signalling questions in the text")
        sound = {
            domain: answers
            for domain, answers in told.items()
            if answers and _agrees(self._tool, domain, answers, annotation.body["judgements"].get(domain, ""))
        }
        if not sound:
            return _refused(annotation, "the answers do not lead to the judgement")
        passages = _passages(supports)
        asked = [t for answers in sound.values() for t in answers if t.answer == "NI" or _quote(t, passages)]
        if not passages or all(t.answer == "NI" for t in asked):
            return _refused(annotation, "no answer with a quotation of the report")
        return self._instruction(annotation, passages, asked)

    def _instruction(
        self, annotation: Annotation, passages: tuple[Passage, ...], asked: Sequence[Told]
    ) -> Instruction:
        body = annotation.body
        question = BiasInput(
            report_id=annotation.annotation_id,
            title=str(body["study"]),
            passages=passages,
            result=str(body["analysis"]),
            questions=tuple(self._fields[t.question_id] for t in asked),
        )
        answers = tuple(
            SignallingAnswer(
                question_id=t.question_id,
                quote="" if t.answer == "NI" else _quote(t, passages),
                answer=t.answer,
                rationale=_RATIONALES[t.answer],
            )
            for t in asked
        )
        judged = ", ".join(f"{n}: {said}" for n, said in sorted(body["judgements"].items()))
        origin = About(
            source=annotation.source,
            licence=annotation.licence,
            how="bias-answered",
            reviews=(f"{annotation.source}:{body['review']}",),
            studies=(doc_id(f"{body['study']} {body['review']}"),),
            year=body.get("year"),
            evidence=(
                "reviewers wrote down their answers with what they quote",
                f"RoB 2's algorithm leads from them to the judgement; {judged}",
            ),
        )
        return instruction(TASK.id, question, BiasAnswer(answers=answers), origin)


_RATIONALES: dict[str, str] = {
    "Y": "The report shows it.",
    "PY": "The report points this way without saying so.",
    "N": "The report shows the contrary.",
    "PN": "The report points to the contrary without saying so.",
    "NI": "The report gives no information on it.",
}


def told_in(text: str, domain: str) -> tuple[Told, ...]:
    """The answers that a supporting text gives to its domain's questions, in order; none where one is given twice.

    A quotation belongs to the question named last before it, and to those named together with it.
    """
    hits = list(_NUMBER.finditer(text))
    if any(hit["part"] for hit in hits):  # the questions of the variant for clusters, which is another tool
        return ()
    found: list[Told] = []
    waiting: list[tuple[str, Signal]] = []
    for hit, following in zip_longest(hits, hits[1:]):
        waiting.append((hit["id"], cast("Signal", hit["said"])))
        between = text[hit.end() : following.start() if following is not None else len(text)]
        if following is not None and len(between.strip(" .;,\n")) == 0:
            continue
        quotes = tuple(q["text"].strip() for q in _QUOTED.finditer(between))
        found += [Told(name, said, quotes) for name, said in waiting]
        waiting = []
    ids = [each.question_id for each in found]
    if len(set(ids)) < len(ids) or any(not name.startswith(f"{domain}.") for name in ids):
        return ()
    return tuple(found)


def _agrees(tool: Tool, domain: str, answers: Sequence[Told], judged: str) -> bool:
    try:
        made = judge(tool, {t.question_id: t.answer for t in answers})
    except UnusableAnswer:
        return False
    level = next((d.level for d in made.domains if d.domain == domain), None)
    return level is not None and level == LEVELS.get(judged)


def _passages(supports: Mapping[str, str]) -> tuple[Passage, ...]:
    """What is quoted of the report in any domain, each once, in the order of the domains."""
    quotes = dict.fromkeys(
        quote.strip()
        for _, text in sorted(supports.items())
        for match in _QUOTED.finditer(text)
        if len(quote := match["text"]) >= SHORTEST and not _TRACES.search(quote)
    )
    passages, at = [], 0
    for quote in quotes:
        passages.append(Passage(section="Report, as quoted", kind="paragraph", start=at, text=quote))
        at += len(quote) + 1
    return tuple(passages)


def _quote(told: Told, passages: Sequence[Passage]) -> str:
    """The first of its quotations that speaks of the question and can be shown; empty where it has none."""
    cue = _CUES.get(told.question_id)
    if told.answer in ("NI", "NA") or cue is None:
        return ""
    for quote in told.quotes:
        fits = SHORTEST <= len(quote) <= LONGEST and re.search(cue, quote, re.IGNORECASE)
        if fits and any(locate(quote, p.text) for p in passages):
            return quote
    return ""


def _refused(annotation: Annotation, why: str) -> Refusal:
    return read.refused(TASK.id, annotation, why)
