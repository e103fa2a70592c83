"""What a result is asked for. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from model.baseline.outcome_words import EMPTY, outcome_weights
from model.baseline.paper_columns import asks_baseline
from model.baseline.paper_groups import Shorts, key, keys, tokens
from model.tasks.results import ResultsInput
from tools.extraction.numbers import Reading, told_by
from tools.schemas import Passage

__all__ = ["Term", "Wanted", "wanted_of"]


@dataclass(frozen=True)
class Term:
    """One word of an outcome, under its own form or written out."""

    weight: float
    own: frozenset[str]
    long: frozenset[str] = frozenset()
    """What an abbreviation stands for."""

    def stands_in(self, has: frozenset[str]) -> bool:
        """Whether the word, a form of it, or what it stands for, stands among these keys; of four words three do."""
        if self.own & has or (self.long and len(self.long - has) <= (len(self.long) > 3)):
            return True
        return any(_alike(one, other) for one in self.own for other in has)


def _alike(one: str, other: str) -> bool:
    """Whether two keys are forms of one root that the stemmer left apart: `oper` and `operat`."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and long.startswith(short) and len(long) - len(short) <= 2


@dataclass(frozen=True)
class Wanted:
    """What a value is asked for."""

    terms: tuple["Term", ...]
    """Words of the outcome, with weight, 1 together."""
    weights: Mapping[str, float]
    """Keys of the outcome, with weight, 1 together."""
    extra: frozenset[str]
    """Keys that a row may have besides: of the description, the time frame, what stands in brackets."""
    title: frozenset[str]
    """All keys of the title, brackets apart, those that tell little too."""
    text: str
    """Title, description and time frame, for what only patterns can tell."""
    baseline: bool
    """Whether values before the intervention are asked for."""
    kind: Literal["count", "mean", ""] = ""
    """Whether participants are counted, or something is measured on them; empty where the question leaves it open."""
    said: str = ""
    """What the report says of all its numbers: `data are mean ± SD`."""

    def fits(self, reading: Reading) -> bool:
        """Whether a value is of the kind that is asked for."""
        if self.kind == "mean":
            return reading.kind not in ("count", "percent")
        return self.kind != "count" or (reading.spread is None and reading.kind != "median")

    def covered(self, has: frozenset[str]) -> float:
        """Share of the outcome's words, weighted, that stand among these keys."""
        return sum(term.weight for term in self.terms if term.stands_in(has))

    def knows(self, one: str) -> bool:
        """Whether a row may have this word."""
        return one in self.extra or any(term.stands_in(frozenset({one})) for term in self.terms)


# The question ----------------------------------------------------------------------------------

_SAID = re.compile(
    r"\bmeans?\b[^.;|\n]{0,40}(?:±|\+/-|[(\[,]|\band\b|\bwith\b)\s?(?:the |their )?(?:S\.?D\b|S\.?E\.?M?\b"
    r"|s\.?d\b|s\.?e\.?m?\b"
    r"|standard (?:deviation|error)s?)[^.;|\n]{0,30}",
    re.IGNORECASE,
)
"""How a report says that it prints its numbers: `data are presented as mean ± SD`, `mean age ± SD`."""


_ASKS_MEAN = re.compile(
    r"\b(?:means?|medians?|averages?|standard deviation|scores?|duration|length of|time (?:to|for|until)"
    r"|concentrations?|levels? of"
    r"|pressure|volume|weight|height)\b",
    re.IGNORECASE,
)
_ASKS_COUNT = re.compile(
    r"\b(?:incidence|proportions?|percentages?|prevalence|mortality|numbers? of (?:patients|participants"
    r"|subjects|women|men|children"
    r"|people|cases)|participants with|rates? of|frequency of)\b",
    re.IGNORECASE,
)


def _kind(text: str) -> Literal["count", "mean", ""]:
    """What kind of number a text asks for; empty where it does not tell."""
    mean, count = _ASKS_MEAN.search(text) is not None, _ASKS_COUNT.search(text) is not None
    return "" if mean == count else "mean" if mean else "count"


def _told_everywhere(texts: Sequence[str], passages: Sequence[Passage]) -> str:
    """What a report says of ± in all places where it says it; empty where it says SD here and SE there."""
    every = [*texts, *(p.text for p in passages if p.kind in ("caption", "table"))]
    said = {hit.group() for text in every for hit in _SAID.finditer(text)}
    kinds = {frozenset(told_by(one) & {"sd", "se"}) for one in said}
    return min(said) if len(kinds) == 1 and len(next(iter(kinds))) == 1 else ""


def wanted_of(asked: ResultsInput, shorts: Shorts, texts: Sequence[str]) -> Wanted:
    """A question with what the report adds: abbreviations, how rare a word is, what ± is."""
    outcome = asked.outcome
    around = f"{outcome.description} {outcome.time_frame}"
    inside = " ".join(re.findall(r"\(([^)]*)\)", outcome.title))
    weights = outcome_weights(outcome.title, shorts, texts)
    return Wanted(
        terms=_terms(_specific(outcome.title), weights, shorts),
        weights=weights,
        extra=keys(f"{outcome.title} {around} {inside}", shorts),
        title=keys(re.sub(r"\([^)]*\)", " ", _specific(outcome.title)), {}),
        text=f"{outcome.title} {around}",
        kind=_kind(outcome.title) or _kind(outcome.description),
        baseline=asks_baseline(f"{outcome.title} {outcome.time_frame}"),
        said=_told_everywhere(texts, asked.passages),
    )


_GENERAL = re.compile(r"[^()]*[^()\s]\s?(?:\s[-–]|:)\s(?P<specific>[^()]+)(?:\([^()]*\)\s*)*")
_ABBREVIATION = re.compile(r"(?=\w*[A-Z]\w*[A-Z])[A-Za-z0-9]{2,8}")


def _specific(title: str) -> str:
    """Of `Warmth of feet - TCS (ABC12)` the abbreviation, which names the measure alone; else the title."""
    hit = _GENERAL.fullmatch(title.strip())
    if hit is None or not all(_ABBREVIATION.fullmatch(word) for word in hit["specific"].split()):
        return title
    return hit["specific"]


_SOFT_LIST = """
component components test tests subscale domain domains questionnaire index inventory assessment measured improvement
improved reduction reduced decrease decreased increase increased effect effects difference differences change weekly
daily use final adult adults severity duration performance outcome event events status occurrence presence status
detected contaminated contamination
"""
_SOFT = frozenset(map(key, _SOFT_LIST.split())) | EMPTY
"""Words of an outcome that rows often leave out."""

_LIGHT = 0.1
"""How much they weigh of what they would."""


def _terms(title: str, weights: Mapping[str, float], shorts: Shorts) -> tuple[Term, ...]:
    """The words of an outcome; an abbreviation and what it stands for are one."""
    text = re.sub(r"\([^)]*\)", " ", title)
    made: dict[frozenset[str], tuple[float, frozenset[str]]] = {}
    for token in tokens(text, shorts) or tokens(title, shorts):
        own = keys(text[token.start : token.end], {}) & token.keys
        if own and own & weights.keys():
            heavy = max(weights.get(k, 0.0) for k in own)
            made[own] = (heavy * (_LIGHT if own <= _SOFT else 1.0), token.keys - own)
    total = sum(weight for weight, _ in made.values())
    return tuple(Term(weight / total, own, long) for own, (weight, long) in made.items())
