"""Task `bias` by rules: the signalling questions of RoB 2 that a passage can answer, with that passage.

NI wherever no passage speaks, and where direct passages contradict each other. No domain is judged.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from model.baseline.bias_cues import QUESTIONS, Cue
from model.baseline.paper import Sentence, sentences_of
from model.baseline.reading import MAX_QUOTE
from model.tasks.bias import BiasAnswer, BiasInput, Signal, SignallingAnswer, SignallingQuestion

__all__ = ["answers_of"]

RATIONALE = "Rules, no language model: "

NEARLY_ALL, FEW = 0.95, 0.80
"""Shares of participants with data from which data are taken to be there for nearly all, and below which not.
Source: RoB 2 guidance, 3.1: for continuous outcomes 95 % will often be sufficient."""

_OTHERS = re.compile(r"introduction|background|discussion|conclusion|reference|acknowledg|limitation")
"""Sections that speak of other studies, or weigh this one."""

_DENIED = re.compile(
    r"\b(?:not|no|without|neither|nor|never|nothing|absence|lack(?:ed|ing)?|un(?:clear|known)|whether)\W+(?:\w+\W+){0,3}$"
)
_PERCENT = re.compile(
    r"(?<![\d.·])(?P<share>\d{1,3}(?:[.·]\d+)?)\s?%\)?[\w ,()-]{0,40}?\b"
    r"(?P<what>lost to follow-?up|dropped out|withdrew|attrition|completed|retention|follow(?:ed)?-?up rate)",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"(?P<some>\d+) (?:out )?of (?:the )?(?P<all>\d+) (?:\w+ ){0,4}?(?P<what>completed|were lost|dropped out|withdrew)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Hit:
    answer: Signal
    why: str
    quote: str


def answers_of(asked: BiasInput) -> BiasAnswer:
    """Every question, in the order asked; NI where the rules know none."""
    paper = [s for s in sentences_of(asked) if s.prose and not _OTHERS.search(s.section)]
    given = [_answer(question, paper) for question in asked.questions]
    return BiasAnswer(answers=tuple(given))


def _answer(question: SignallingQuestion, paper: Sequence[Sentence]) -> SignallingAnswer:
    known = QUESTIONS.get(question.id)
    if known is None or not known.about.search(question.text):
        return _silent(question, "no rules for this question; for a person.")
    hits = [*_by_cues(known.cues, paper), *(_by_numbers(paper) if question.id == "3.1" else ())]
    hits = [hit for hit in hits if hit.answer in question.options]
    told = _agreed([h for h in hits if h.answer in ("Y", "N")]) or _agreed(
        [h for h in hits if h.answer in ("PY", "PN")]
    )
    if told is None:
        return _silent(question, "no passage with the words that settle it.")
    if told.quote:
        return SignallingAnswer(
            question_id=question.id, quote=told.quote, answer=told.answer, rationale=f"{RATIONALE}{told.why}."
        )
    return _silent(question, told.why)


def _agreed(hits: Sequence[_Hit]) -> _Hit | None:
    """The first of hits that point one way; a hit without a quote where they do not."""
    if len({hit.answer for hit in hits}) > 1:
        return _Hit("NI", "passages contradict each other; for a person.", "")
    return hits[0] if hits else None


def _silent(question: SignallingQuestion, why: str) -> SignallingAnswer:
    """NI; where the tool does not offer it, the cautious answer that it does offer."""
    options = question.options
    answer: Signal = next((one for one in ("NI", "PN", "N") if one in options), options[-1])
    return SignallingAnswer(question_id=question.id, answer=answer, rationale=RATIONALE + why)


def _by_cues(cues: Iterable[Cue], paper: Sequence[Sentence]) -> Iterator[_Hit]:
    for cue in cues:
        for sentence in paper:
            found = cue.pattern.search(sentence.text)
            if found is not None and not _DENIED.search(sentence.text[: found.start()]):
                yield _Hit(cue.answer, cue.why, _quote(sentence.text, found))
                break


def _by_numbers(paper: Sequence[Sentence]) -> Iterator[_Hit]:
    """How many stayed, where a sentence says so: only the least share counts."""
    shares = [(share, s.text, found) for s in paper for share, found in _shares(s.text)]
    if not shares:
        return
    least, text, found = min(shares, key=lambda one: one[0])
    if least >= NEARLY_ALL:
        yield _Hit("PY", f"{least:.0%} have data", _quote(text, found))
    elif least < FEW:
        yield _Hit("PN", f"{least:.0%} have data", _quote(text, found))


def _shares(text: str) -> Iterator[tuple[float, re.Match[str]]]:
    """Shares of participants that stayed."""
    for found in _PERCENT.finditer(text):
        share = float(found["share"].replace("·", ".")) / 100
        yield _stayed(share, found), found
    for found in _COUNTS.finditer(text):
        if int(found["all"]) > 0 and int(found["some"]) <= int(found["all"]):
            yield _stayed(int(found["some"]) / int(found["all"]), found), found


def _stayed(share: float, found: re.Match[str]) -> float:
    kept = re.match(r"completed|retention|follow", found["what"], re.IGNORECASE)
    return share if kept else 1 - share


def _quote(text: str, found: re.Match[str]) -> str:
    """The sentence; of one that is longer than a quote may be, the part around what was found."""
    if len(text) <= MAX_QUOTE:
        return text
    start = max(0, min(found.start() - 50, len(text) - MAX_QUOTE))
    return text[start : start + MAX_QUOTE].strip()
