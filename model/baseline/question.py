"""Task `question` by rules: the sentences of the records that are nearest to the question, verbatim.

Nothing is worded anew: a statement is the sentence it rests on.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model.baseline.reading import MAX_QUOTE
from model.baseline.words import folded_words, telling
from model.embedding import Vectors
from model.tasks.question import QuestionAnswer, QuestionInput, SourceText, Statement
from tools.fulltext.quotes import sentences

__all__ = ["sentences_for"]

MOST = 5
"""Statements of one answer."""

CANDIDATES = 30
"""Sentences whose embedding is asked for: those that share most words with the question."""

ENOUGH = 0.6
"""Share of the question's telling words from which a sentence is taken by its words alone."""

SOME, NEAR = 0.3, 0.55
"""Share of its words and cosine from which they are taken together; the cosine is that of the screener."""

_HOW_MANY = re.compile(
    r"\b(?:how (?:many|much|long|often|old)|what (?:dose|percentage|proportion|number)|when)\b", re.I
)
_ASKING = frozenset(
    (
        "many",
        "much",
        "long",
        "often",
        "old",
        "big",
        "large",
        "number",
        "proportion",
        "percentage",
        "say",
        "tell",
    )
)
"""Words of a question that its answer need not have."""

_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|forty|fifty|sixty|seventy"
    r"|eighty|ninety|hundred|thousand|none|nobody)\b",
    re.I,
)


@dataclass(frozen=True)
class _Candidate:
    record_id: str
    text: str
    share: float
    """Of the question's telling words that occur in it."""
    place: int
    """In reading order, over all records."""


def sentences_for(asked: QuestionInput, encode: Callable[[Sequence[str]], Vectors]) -> QuestionAnswer:
    """The nearest sentences, best first; `not_in_the_records` where none is near.

    A question for a number is answered by sentences with numbers only.
    """
    candidates = _candidates(asked)
    if not candidates:
        return QuestionAnswer(status="not_in_the_records")
    vectors = encode([asked.question, *(one.text for one in candidates)])
    near = vectors[1:] @ vectors[0]
    chosen = [
        (one.share + float(cosine), one)
        for one, cosine in zip(candidates, near, strict=True)
        if one.share >= ENOUGH or (one.share >= SOME and cosine >= NEAR)
    ]
    best = sorted(chosen, key=lambda each: (-each[0], each[1].place))[:MOST]
    if not best:
        return QuestionAnswer(status="not_in_the_records")
    return QuestionAnswer(status="answered", statements=tuple(_stated(one) for _, one in best))


def _candidates(asked: QuestionInput) -> list[_Candidate]:
    """Sentences that share words with the question, most words first."""
    wanted = frozenset(telling(asked.question)) - _ASKING
    number = _HOW_MANY.search(asked.question) is not None
    found: list[_Candidate] = []
    for record_id, text in _sentences(asked.sources):
        share = len(wanted.intersection(folded_words(text))) / len(wanted) if wanted else 0.0
        if share > 0 and (not number or _NUMBER.search(text)):
            found.append(_Candidate(record_id, text, share, len(found)))
    return sorted(found, key=lambda one: (-one.share, one.place))[:CANDIDATES]


def _sentences(sources: Sequence[SourceText]) -> list[tuple[str, str]]:
    """(record, sentence) in reading order, each sentence of a record once; the title is one of them."""
    told: dict[tuple[str, str], None] = {}
    for source in sources:
        if source.title.strip() and source.title not in source.text:
            told[source.record_id, source.title] = None
        for start, end in sentences(source.text):
            told[source.record_id, source.text[start:end]] = None
    return list(told)


def _stated(one: _Candidate) -> Statement:
    quote = one.text if len(one.text) <= MAX_QUOTE else one.text[:MAX_QUOTE].rsplit(None, 1)[0]
    return Statement(record_id=one.record_id, quote=quote, text=quote)
