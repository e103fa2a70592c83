"""What of a report tells the answer to a question, and the report without it. Pure.

A sentence, row or heading tells it that holds one of the answer's quotes or numbers, or that names the measure, the
arms or the field. Tables keep their other rows, paragraphs their other sentences; a section whose heading names the
measure goes as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from model.engine import Request
from tools.fulltext.quotes import locate, sentences
from tools.fulltext.relevance import terms
from tools.schemas import Passage

__all__ = ["NAMED", "Taken", "names_of", "stands", "units"]

NAMED = 0.6
"""Share of a measure's words from which a sentence or row is held to name it."""

_COMMON = frozenset(
    term
    for term in terms(
        "mean median number percentage percent proportion rate total baseline change score value measure measured "
        "outcome participants patients subjects people continuous categorical customized assigned group week weeks "
        "month months day days year years time study treatment from with at"
    )
)
"""Stems that stand in every report and name no measure."""

_SAME = tuple(
    frozenset(terms(words))
    for words in (
        "death deaths dead died mortality fatal survival", "hospitalised hospitalization admission admitted",
        "relapse recurrence recurrent", "adverse side", "remission remitted",
    )
)  # fmt: skip
"""Words that speak of the same thing: what counts the deaths tells of mortality."""

_SEX = frozenset(term for term in terms("female male women woman men man girls boys sex gender"))

_CUES: tuple[tuple[str, str], ...] = (
    (r"mask|blind", r"mask|blind|open[- ]label"),
    (r"allocat|random", r"random|allocat"),
    (r"sample size|how many|number of participants|planned number",
     r"enrol|\brecruited\b|\brandomi[sz]ed\b|\bn\s?=\s?\d|\d+ (?:\w+ ){0,3}(?:participants|patients|subjects)"),
    (r"phase", r"\bphase\b"),
    (r"sponsor|fund", r"sponsor|fund|grant|support"),
    (r"\bsex", r"\bsex|gender|women|female|\bmen\b|\bmale"),
    (r"\bage\b|oldest|youngest|how old", r"\bage[ds]?\b|years|older|younger|adult|child"),
    (r"countr|where", r"countr|hospital|universit|centre|center|site"),
    (r"\bbeg[ai]n|\bstart", r"start|began|begin|between|from|recruit|enrol"),
    (r"complet|\bend of", r"complet|ended|until|between"),
    (r"primary (?:outcome|endpoint)", r"primary|endpoint|end point"),
    (r"purpose|intervention for", r"purpose|intervention for"),
    (r"design|groups of the study related", r"parallel|cross-?over|factorial|single[- ]group|sequential|design|model"),
    (r"type of study|people observed", r"study type|interventional|observational|expanded"),
    (r"acronym|short name", r"acronym"),
    (r"condition|disease", r"condition|disease|disorder"),
    (r"regist", r"NCT\d|ISRCTN|regist"),
)  # fmt: skip
"""Words of a field's question, and what a sentence about it holds."""

_ARM_CUES = re.compile(
    r"random|\barms?\b|\bgroups?\b|placebo|sham|assigned|allocat|receiv|versus|compar|control|intervention|treatment",
    re.IGNORECASE,
)


# What tells the value ----------------------------------------------------------------------------


class Taken:
    """What of a text tells the answer to a question."""

    def __init__(self, request: Request[Any, Any]) -> None:
        self._task, self._asked = request.task.id, request.input

    def out_of(self, passages: Sequence[Passage], items: Sequence[Mapping[str, Any]]) -> tuple[Passage, ...]:
        """The passages without what tells these items; tables keep their other rows, paragraphs their sentences."""
        quotes = [item["quote"] for item in items if item["quote"]]
        numbers = [number for item in items for number in _numbers(item)]
        names = self.names_it(items)
        sections = {p.section for p in passages if p.kind == "title" and p.section and names(p.text)}
        sections |= {p.section for p in passages if p.kind == "caption" and names(p.text)}
        left: list[Passage] = []
        for passage in passages:
            if passage.section in sections:
                continue
            left += _pieces(passage, quotes, lambda text: names(text) or _has(text, numbers))
        return tuple(left)

    def names_it(self, items: Sequence[Mapping[str, Any]]) -> Callable[[str], bool]:
        """Whether a sentence, row or heading speaks of what is asked for."""
        match self._task:
            case "arms":
                return self._arms(items)
            case "characteristics":
                return self._fields(items)
            case "participants":
                measure = self._asked.measure
                groups = [names_of(measure.title), names_of(measure.category)]
                if (groups[0] | groups[1]) & _SEX:
                    return lambda text: bool(_SEX & set(terms(text)))
                if not any(groups):  # how many people there are stands in every sentence that counts some
                    return lambda text: re.search(r"\bn\s?=|STARTED|assigned|random|enrol", text) is not None
                return lambda text: any(_names_most(text, names) for names in groups if names)
            case _:
                names = names_of(self._asked.outcome.title)
                return lambda text: _names_most(text, names)

    def _arms(self, items: Sequence[Mapping[str, Any]]) -> Callable[[str], bool]:
        labels = [str(item["label"]).casefold() for item in items]
        labels += [
            str(name).split(": ", 1)[-1].casefold() for item in items for name in item["interventions"]
        ]
        return lambda text: (
            _ARM_CUES.search(text) is not None or any(label in text.casefold() for label in labels)
        )

    def _fields(self, items: Sequence[Mapping[str, Any]]) -> Callable[[str], bool]:
        specs = {spec.id: f"{spec.id.replace('_', ' ')} {spec.question}" for spec in self._asked.fields}
        cues = [
            re.compile(cue, re.IGNORECASE)
            for item in items
            for words, cue in _CUES
            if re.search(words, specs[item["field_id"]], re.IGNORECASE)
        ]
        values = [str(item["value"]).casefold() for item in items if len(str(item["value"])) > 3]
        return lambda text: (
            any(cue.search(text) for cue in cues) or any(value in text.casefold() for value in values)
        )


def names_of(title: str) -> frozenset[str]:
    """What tells a measure from others: the stems of its name that do not stand in every report."""
    told = frozenset(terms(title))
    return frozenset(term for term in told - _COMMON if not term.isdigit())


def _names_most(text: str, names: frozenset[str]) -> bool:
    there = set(terms(text))
    for words in _SAME:
        if there & words:
            there |= words
    return bool(names) and len(names & there) / len(names) >= NAMED


def _numbers(item: Mapping[str, Any]) -> list[str]:
    """Numbers of an answer that hardly stand in a text by chance: three digits or more."""
    told = [item.get(name) for name in ("value", "spread", "lower", "upper")]
    return [
        str(number)
        for number in told
        if number and re.fullmatch(r"[-+]?[\d.]+", str(number)) and sum(c.isdigit() for c in str(number)) >= 3
    ]


def _has(text: str, numbers: Sequence[str]) -> bool:
    return any(re.search(rf"(?<![\d.]){re.escape(n.lstrip('+-'))}(?!\d|\.\d)", text) for n in numbers)


def stands(quote: str, passages: Sequence[Passage]) -> bool:
    """Whether a quote stands in one of the passages."""
    return any(locate(quote, passage.text) is not None for passage in passages)


# Taking out --------------------------------------------------------------------------------------


def _pieces(passage: Passage, quotes: Sequence[str], tells: Callable[[str], bool]) -> Iterator[Passage]:
    """What is left of a passage, each run of sentences or rows with its own offset."""
    text = passage.text
    parts = units(passage)
    held = [(found.start, found.end) for quote in quotes if (found := locate(quote, text)) is not None]
    kept = [
        not tells(text[start:end]) and not any(start < stop and begin < end for begin, stop in held)
        for start, end in parts
    ]
    if passage.kind == "table" and (not kept or not kept[0] or not any(kept[1:])):
        return  # rows without a head are no table, and a head without rows tells nothing
    if passage.kind == "title" and not passage.section:
        kept = [True]  # the report's own title stays: the question names it too
    run: list[tuple[int, int]] = []
    for part, keep in zip([*parts, (0, 0)], [*kept, False], strict=True):
        if keep:
            run.append(part)
        elif run:
            start, end = run[0][0], run[-1][1]
            yield passage.model_copy(update={"start": passage.start + start, "text": text[start:end]})
            run = []


def units(passage: Passage) -> list[tuple[int, int]]:
    """Rows of a table, sentences of a paragraph; a heading or caption is one."""
    if passage.kind == "table":
        return [hit.span() for hit in re.finditer(r"[^\n]+", passage.text)]
    return [(0, len(passage.text))] if passage.kind in ("title", "caption") else sentences(passage.text)
