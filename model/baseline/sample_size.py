"""How many people a trial took in, as its report says. Pure.

Every number that counts people is a candidate. What is said of them tells how likely they are the sample:
who was randomised before who was enrolled, who was enrolled before who was analysed. A part of the sample
is none: the screened, the lost, those of one group, those with an event. Numbers of groups that sum to a
candidate speak for it and against themselves. Where two readings are about as likely, it abstains.

Weights and phrases were written on the abstracts of PICO-Corpus with an even PubMed number, and on
unlabelled abstracts; `bench.extraction_participants` measures them on those with an odd one.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.baseline import sample_cues as cues
from model.baseline.counts import Count, counts_in
from model.baseline.paper import Finding, Sentence

__all__ = ["Candidate", "candidates", "total_of"]

ENOUGH = 3.0
"""Score that the likeliest number must have."""

LEAD = 0.5
"""Score by which it must lead."""

TOLD = 6.0
"""Score of a number of people who are said to have been taken in."""

RANDOMISED = 10.0
"""Score of a number of people who were randomised; what else can be said of them scores less."""

SUMMED = 2.5
"""Score of a number that the numbers of the groups sum to, and what each of these loses."""

AS_GROUP = 8.0
"""What a number loses that stands beside that of another group."""

ALIKE = 4
"""Factor within which the numbers of two groups are."""

SMALLEST_PART = 12
"""A number that is less than one in so many of a sum is none of its groups."""

MOST_PEOPLE = 20_000_000

FEW = 10
"""Fewer people are rarely a trial, and small numbers count many other things."""


@dataclass(frozen=True)
class Candidate:
    """A number that counts people, and how likely it is the whole sample."""

    count: Count
    score: float
    randomised: bool
    """Whether these people are said to have been randomised."""


# One sentence ------------------------------------------------------------------------------------


def candidates(text: str) -> list[Candidate]:
    """The numbers of a sentence that count people, in order."""
    every = [c for c in counts_in(text) if 1 < c.value <= MOST_PEOPLE and not cues.numbers_a_thing(text, c)]
    people = [c for c in every if _counts_people(text, c)]
    beside = _beside_each_other(text)
    made = []
    for number, count in enumerate(people):
        until = people[number + 1].start if number + 1 < len(people) else len(text)
        said, score = _score(text, count, until)
        score -= 1.5 * (number > 0) + AS_GROUP * (count.start in beside)
        made.append(Candidate(count, score, said >= RANDOMISED - 1.0))
    return made


_WERE_TAKEN_IN = re.compile(
    r" (?:[\w-]+ ){0,3}?(?:were|was) (?:\w+ )?(?:randomi|enrol|recruited|allocated)", re.IGNORECASE
)


def _counts_people(text: str, count: Count) -> bool:
    before, after = text[max(0, count.start - 160) : count.start], text[count.end :]
    if cues.people_behind(after) is not None or cues.IN_BRACKETS.search(before):
        return True
    if count.value >= FEW and _WERE_TAKEN_IN.match(after):
        return True
    return cues.TAKING_IN.search(before) is not None and after.startswith((" to ", " were "))


def _beside_each_other(text: str) -> frozenset[int]:
    """Where the numbers stand that are each of one group: `40 received wool and 38 cotton`."""
    arms = [c for c in counts_in(text) if c.value > 1 and cues.of_group(text, c)]
    found: set[int] = set()
    for first, second in itertools.combinations(arms, 2):
        if max(first.value, second.value) < ALIKE * min(first.value, second.value):
            found |= {first.start, second.start} if _is_beside(text, first, second) else set()
    sums = {sum(run) for run in _runs([c.value for c in arms])}
    return frozenset(found - {c.start for c in arms if c.value in sums})


def _is_beside(text: str, first: Count, second: Count) -> bool:
    between = text[first.end : second.start]
    if cues.OF.search(text[: first.start]) or cues.SUBSET.search(between):
        return False
    if all(cues.N_IS.search(text[: c.start]) for c in (first, second)):
        return True
    return bool(cues.BESIDE.match(text[second.end :]) and cues.SIDE.search(between))


def _score(text: str, count: Count, until: int) -> tuple[float, float]:
    """What is said of a number, and how likely it is the whole sample by all that stands around it."""
    before, after = text[max(0, count.start - 160) : count.start], text[count.end :]
    behind = cues.people_behind(after)
    tail = after[behind or 0 :]
    own = tail[: max(0, until - count.end - (behind or 0))] or tail
    part = cues.PART_BEHIND.search(tail) or cues.PART_BEHIND.match(after)
    weights = (
        (2.0, cues.TOTAL.search(before)),
        (-8.0, cues.PART_BEFORE.search(before)),
        (-8.0, part),
        (-6.0, not part and cues.ARM_BEHIND.search(tail)),
        (-1.0, behind is None and not cues.IN_BRACKETS.search(before)),
        (-4.0, count.value < FEW),
        (-5.0, cues.SHARE_OF.search(before)),
        (-4.0, cues.UNSAMPLED.search(text) or cues.PARTIAL.search(text)),
    )
    said = _said(before, own, text)
    return said, said + sum(weight for weight, holds in weights if holds)


def _said(before: str, own: str, whole: str) -> float:
    """What is said of the people of a number: right before it, or behind it."""
    taking = cues.TAKING_IN.search(before)
    if taking is not None and taking["weak"] is None:
        return RANDOMISED
    at = [(hit.start(), worth) for verb, worth in cues.VERBS if (hit := verb.search(own)) is not None]
    first = min(at, default=(0, 1.0))[1]
    lost = first <= -6.0
    if cues.RANDOMISING.search(own) and not lost:
        return RANDOMISED
    if any(worth == 7.0 for _, worth in at) and not lost:
        return 7.0
    if cues.RANDOMISING.search(before) and "(" in before[-8:]:
        return RANDOMISED - 1.0
    return first if lost else max(first, _before(before, own, whole, taking is not None, bool(at)))


def _before(before: str, own: str, whole: str, taking: bool, did: bool) -> float:
    """The least that what stands before a number makes it worth."""
    if taking:
        return 3.0 if re.search(r"\banaly[sz]", before[-70:]) else 6.0
    if cues.TRIAL_OF.search(before):
        return 4.5
    if cues.OF.search(before) or (cues.AT_START.match(before) and not did and not cues.FINITE.search(own)):
        return 4.0
    if cues.AIM.search(whole) and cues.IN.search(before):
        return 3.5
    if cues.THE.search(before):
        return 3.0
    bracketed = "(" in before[-8:] and cues.IN_BRACKETS.search(before)
    return 3.5 if bracketed and not cues.GROUP_NAMED.search(before[-60:]) else -6.0


# All sentences -----------------------------------------------------------------------------------


def total_of(paper: Sequence[Sentence]) -> Finding | None:
    """The number of people in the trial with the sentence that tells it; None where it is not clear.

    The title and the abstract are read first; methods and results only where these do not tell.
    """
    own = [s for s in paper if s.about_its_sample]
    first = [s for s in own if s.section in ("title", "abstract")]
    return _likeliest(first) or _likeliest(own)


@dataclass(frozen=True)
class _Read:
    value: int
    score: float
    randomised: bool
    quote: str
    at: int


def _likeliest(paper: Sequence[Sentence]) -> Finding | None:
    read = [
        _Read(c.count.value, c.score, c.randomised, s.text, n)
        for n, s in enumerate(paper)
        for c in candidates(s.text)
    ]
    scores = _scores(read, _sums([s.text for s in paper], {r.value for r in read}))
    ranked = sorted(scores, key=lambda value: (-scores[value], -value))
    if not ranked or scores[ranked[0]] < ENOUGH:
        return None
    if len(ranked) > 1 and scores[ranked[0]] - scores[ranked[1]] < LEAD:
        return None
    best = max((r for r in read if r.value == ranked[0]), key=lambda r: (r.score, -r.at))
    if not best.randomised and any(scores[value] >= TOLD for value in ranked if value > best.value):
        return (
            None  # more people were taken in than these, and of neither is it said that they were randomised
        )
    return Finding(str(best.value), best.quote)


def _scores(read: Sequence[_Read], sums: dict[int, tuple[int, ...]]) -> dict[int, float]:
    """Number to its best score; said again, and summed to by the groups, it is likelier."""
    parts = {part for whole in sums.values() for part in whole} - sums.keys()
    made: dict[int, float] = {}
    for value in dict.fromkeys(r.value for r in read):
        own = sorted((r.score for r in read if r.value == value), reverse=True)
        again = min(1.0, 0.5 * sum(score > 0 for score in own[1:]))
        made[value] = own[0] + again + SUMMED * (value in sums) - SUMMED * (value in parts)
    return made


def _sums(texts: Sequence[str], wanted: set[int]) -> dict[int, tuple[int, ...]]:
    """Number to the neighbouring numbers of groups that sum to it, in one sentence or two."""
    found: dict[int, tuple[int, ...]] = {}
    for text in (*texts, *(f"{a} {b}" for a, b in itertools.pairwise(texts))):
        arms = [c.value for c in counts_in(text) if cues.of_group(text, c)]
        for run in _runs(arms):
            if sum(run) in wanted and min(run) * SMALLEST_PART > sum(run):
                found.setdefault(sum(run), run)
    return found


def _runs(values: Sequence[int]) -> list[tuple[int, ...]]:
    """All runs of two to four neighbouring numbers."""
    return [tuple(values[at : at + size]) for size in (2, 3, 4) for at in range(len(values) - size + 1)]
