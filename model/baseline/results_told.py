"""What the sentences of a report tell of one outcome in one arm. Pure.

A sentence counts where it names the outcome, names two arms once each, and gives two values of one form: then
their order says whose each is (`12 ± 3 with wool and 14 ± 2 with cotton`, `wool than cotton (12 versus 14)`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from model.baseline.direction_cues import AIM, WITHIN
from model.baseline.paper import Sentence
from model.baseline.paper_columns import Asked
from model.baseline.paper_groups import Token, keys, tokens
from model.baseline.results_arms import Arms
from model.baseline.results_pairs import Pair, can_be, gainsaid, is_list, order_of, pairs_in
from model.baseline.results_sizes import fitting
from model.baseline.results_wanted import Wanted
from model.baseline.told_values import told_of
from tools.extraction.numbers import Reading, readings_in, sizes_in, told_by

__all__ = ["Said", "beside_of", "said_of"]

TOLD_OUTCOME = 0.9
"""Share of the outcome's words, weighted, that a sentence must have."""


@dataclass(frozen=True)
class Said:
    """A value that a sentence gives, and the sentence."""

    reading: Reading
    size: int | None
    sentence: str


_DIFFERENCE = re.compile(
    r"\b(?:mean |absolute |risk |adjusted |between-group )?differences?\s?(?:\([^)]{1,12}\))?\s?(?:was|of|:"
    r"|=|in means)|\bratio\b|\bchange from\b",
    re.IGNORECASE,
)


def said_of(paper: Iterable[Sentence], wanted: Wanted, arms: Arms, longest: int) -> Said | None:
    """The one value that the report's sentences give; None where they give several, or none."""
    found: dict[str, Said] = {}
    for sentence in paper:
        if not _tells(sentence, wanted, arms, longest):
            continue
        for said in _values(sentence.text, wanted, arms):
            kept = found.get(said.reading.value)
            if kept is None or _fuller(said, kept):
                found[said.reading.value] = said
    return next(iter(found.values())) if len(found) == 1 else None


def _fuller(said: Said, kept: Said) -> bool:
    def parts(one: Said) -> int:
        return sum(x is not None for x in (one.reading.spread, one.reading.lower, one.size))

    return parts(said) > parts(kept)


def _tells(sentence: Sentence, wanted: Wanted, arms: Arms, longest: int) -> bool:
    results = sentence.section == "abstract" or "result" in sentence.section or "finding" in sentence.section
    if (
        not results
        or len(sentence.text) > longest
        or AIM.search(sentence.text)
        or WITHIN.search(sentence.text)
    ):
        return False
    if not wanted.baseline and (_BEFORE.search(sentence.text) or _NO_RESULTS.search(sentence.section)):
        return False
    if _PART.search(sentence.text) and not _PART.search(wanted.text):
        return False
    return wanted.covered(keys(sentence.text, arms.shorts)) >= TOLD_OUTCOME


_BEFORE = re.compile(
    r"\bbaseline\b|\bat (?:the )?(?:study |trial )?(?:entry|enrol\w+|inclusion|admission|start)\b"
    r"|\bpre-?\s?treatment\b"
    r"|\bprior to\b|\bbefore (?:the )?(?:treatment|intervention|surgery|randomi[sz]ation)",
    re.IGNORECASE,
)
_PART = re.compile(
    r"\bsub-?groups?\b|\bsubsets?\b|\bstratif|\bmeasurements were\b|\b(?:data|values) were available\b"
    r"|\bper[- ]protocol\b"
    r"|\bcompleters\b|\bsensitivity analys"
    r"|^\W*(?:among|of|for|in)\b[^,()]{0,60}\bwho(?:se)?\b"
    r"(?! (?:received|took|used|got|were (?:randomi[sz]ed|assigned|allocated|given|treated)))",
    re.IGNORECASE,
)
"""Speaks of a part of the participants, or of who was measured."""

_NO_RESULTS = re.compile(
    r"baseline|enrol|recruit|characteristic|participant flow|flow of|demograph|study population|sample size"
)
"""Sections that tell of participants before the trial."""


def _values(text: str, wanted: Wanted, arms: Arms) -> list[Said]:
    """The arm's values in one sentence, from pairs of values and from values beside the arms' names."""
    every = pairs_in(text, wanted.said)
    pairs = _about(text, every, wanted, arms)
    if len(pairs) != 1:
        return []
    order = order_of(text, pairs[0], arms)
    if order is None or _DIFFERENCE.search(text[: pairs[0][0].start][-40:]):
        return []
    mine, theirs = (pairs[0][order], pairs[0][1 - order])
    if not wanted.fits(mine):
        return []
    if gainsaid(text, mine, theirs, arms):
        return []
    sizes = _sizes_beside(text, mine, theirs)
    return [Said(mine, fitting(mine, mine.total or sizes), text)]


_NEAR = 140
"""Characters between the outcome's name and its values."""


def _about(text: str, pairs: Sequence[Pair], wanted: Wanted, arms: Arms) -> list[Pair]:
    """The pairs that are of the outcome: what stands between a pair and the one before names it best.

    Of `scores of a and b were 1 versus 2 and 3 versus 4`, which pair is whose only reading tells: none is taken.
    """
    if not pairs:
        return []
    named = [t for t in tokens(text, arms.shorts) if any(term.stands_in(t.keys) for term in wanted.terms)]
    begins = [0, *(pair[1].end for pair in pairs[:-1])]
    shares = [
        wanted.covered(keys(text[begin : pair[0].start], arms.shorts))
        for begin, pair in zip(begins, pairs, strict=True)
    ]
    unnamed = [
        not re.search(r"[^\W\d_]{4,}", _REST.sub("", text[begin : pair[0].start]))
        for begin, pair in zip(begins[1:], pairs[1:], strict=True)
    ]
    if any(unnamed):
        return []
    if not max(shares):
        return [pair for pair in pairs if _is_behind(text, named, pair)]
    best = [pair for pair, one in zip(pairs, shares, strict=True) if one >= max(shares) - 0.05]
    return [pair for pair in best if _is_near(text, [t.end for t in named], pair)]


_REST = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\brespectively\b|\bversus\b", re.IGNORECASE)
"""What may stand between the pairs of a list without naming anything."""


def _is_near(text: str, ends: Sequence[int], pair: Pair) -> bool:
    """Whether the outcome is named shortly before a pair, and no other value stands between them."""
    before = [end for end in ends if end <= pair[0].start]
    if not before or pair[0].start - before[-1] > _NEAR:
        return False
    gap = text[before[-1] : pair[0].start]
    return not any(can_be(gap, r) for r in readings_in(gap))


def _is_behind(text: str, named: Sequence[Token], pair: Pair) -> bool:
    """Whether the outcome follows the only values of a sentence: `6 with wool and 12 with cotton had blisters`.

    What a comma or a semicolon begins anew tells of something else.
    """
    if any(can_be(text, r) for r in readings_in(text) if r.end <= pair[0].start or r.start >= pair[1].end):
        return False
    behind = [t.start for t in named if t.start >= pair[1].end]
    gap = text[pair[1].end : behind[0]] if behind else ""
    return bool(behind) and len(gap) <= _NEAR and not _ANEW.search(gap)


_ANEW = re.compile(r"[.;:]\s|,\s(?:and|but|while|whereas|with|which|although|though)\b")


def _sizes_beside(text: str, mine: Reading, theirs: Reading) -> int | None:
    """The `n = 283` right behind a value, where the other value has one too."""
    own, other = (sizes_in(text[r.end : r.end + 12]) for r in (mine, theirs))
    return own[0] if len(own) == 1 and len(other) == 1 else None


def beside_of(paper: Iterable[Sentence], wanted: Wanted, arms: Arms, longest: int) -> Said | None:
    """A value beside the arm's own name, with its spread or as a count of a known number."""
    asked = Asked(wanted.weights, wanted.extra, wanted.text, wanted.baseline)
    found: dict[str, Said] = {}
    for sentence in paper:
        if not _tells(sentence, wanted, arms, longest) or is_list(sentence.text):
            continue
        for told in told_of(sentence.text, asked, arms.asked, arms.shorts):
            value = told.value
            if value.kind == "count":
                reading = Reading("count", value.value, percent=value.percent, total=value.denominator)
            elif value.kind == "spread":
                kind = _spread_kind(told.quote, wanted.said)
                reading = Reading("mean", value.value, spread=value.spread, spread_kind=kind)
            else:
                continue  # a bare number or percentage may be of another time or part
            if not wanted.fits(reading):
                continue
            found.setdefault(value.value, Said(reading, value.denominator, sentence.text))
    return next(iter(found.values())) if len(found) == 1 else None


def _spread_kind(*layers: str) -> Literal["sd", "se", "unknown"]:
    for layer in layers:
        told = told_by(layer) & {"sd", "se"}
        if len(told) == 1:
            return "sd" if "sd" in told else "se"
    return "unknown"
