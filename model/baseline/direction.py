"""Task `direction` by rules: the sentence that compares the two groups in this outcome, and what it says.

A sentence counts by how many of the outcome's words it has, by where it stands, and by whether it names the
groups. What it says is read from its p-value, its denials, its comparing word, and the group named beside
it. Where the best sentences contradict each other, or none tells, the answer is `uncertain`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.baseline.direction_cues import (
    AGAINST,
    AIM,
    ALIKE,
    BEFORE,
    WITHIN,
    Way,
    clauses,
    comparison,
    significance,
)
from model.baseline.outcome_words import outcome_weights, share
from model.baseline.paper import Sentence, sentences_of
from model.baseline.paper_groups import Group, Shorts, groups_of, keys, mentions, read_shorts, tokens
from model.baseline.paper_values import NUM, plain
from model.tasks.direction import Direction, DirectionAnswer, DirectionInput

__all__ = ["direction_of"]

MAX_QUOTE = 1000
"""Characters that this task's quote may have."""

ENOUGH = 0.2
"""Share of the outcome's words, weighted, that the evidence must have."""

_MUTE = "The report does not speak of this outcome."

FAINT = 0.3
"""Weight below which the rationale says that the sentence is weak evidence: another section, half of the words."""

AGAIN = 0.25
"""Share of a sentence's weight that it adds to a stronger one that says the same."""


@dataclass(frozen=True)
class _Found:
    direction: Direction
    score: float
    quote: str
    why: str


def direction_of(asked: DirectionInput) -> DirectionAnswer:
    """What the report says of the intervention against the comparator in this outcome."""
    paper = [s for s in sentences_of(asked) if s.prose and s.section != "title" and len(s.text) <= MAX_QUOTE]
    comparing = _Comparing.of(asked, paper)
    found = [f for sentence in paper if (f := comparing.read(sentence)) is not None]
    if not found:
        return (
            _denied(paper)
            if comparing.knows(asked)
            else DirectionAnswer(direction="uncertain", rationale=_MUTE)
        )
    weights = {
        direction: _weight_of([f for f in found if f.direction == direction]) for direction in DIRECTIONS
    }
    heaviest = max(weights.values())
    if sum(weight == heaviest for weight in weights.values()) > 1:
        quote = max(found, key=lambda f: f.score).quote
        return DirectionAnswer(
            direction="uncertain", quote=quote, rationale="Sentences contradict each other."
        )
    direction = next(d for d in DIRECTIONS if weights[d] == heaviest)
    best = max((f for f in found if f.direction == direction), key=lambda f: f.score)
    against = any(weights[d] >= RIVAL * heaviest for d in DIRECTIONS if d != direction)
    notes = (" Others say otherwise." if against else "") + (
        " It speaks of this outcome and comparison only in part." if best.score < FAINT else ""
    )
    return DirectionAnswer(direction=direction, quote=best.quote, rationale=best.why + notes)


DIRECTIONS: tuple[Direction, ...] = ("no_difference", "increased", "decreased")

RIVAL = 0.75
"""Share of the heaviest weight at which the rationale says that other sentences say otherwise."""


def _weight_of(found: Sequence[_Found]) -> float:
    """The weight of the best sentence, and a part of those that say the same."""
    scores = sorted((f.score for f in found), reverse=True)
    return scores[0] + AGAIN * sum(scores[1:3]) if scores else 0.0


def _denied(paper: Sequence[Sentence]) -> DirectionAnswer:
    """Where nothing is said of the outcome: a sentence that denies any difference between the groups."""
    for sentence in paper:
        text = sentence.text
        if _place(sentence.section) < 1.0 or AIM.search(text) or BEFORE.search(text):
            continue
        if ALIKE.search(text) and significance(text, 0) is False:
            why = "It denies a difference between the groups in general, and of this outcome nothing else is said."
            return DirectionAnswer(direction="no_difference", quote=text, rationale=why)
    return DirectionAnswer(direction="uncertain", rationale="No sentence compares the two in this outcome.")


@dataclass(frozen=True)
class _Comparing:
    """One question, ready to be put to each sentence."""

    shorts: Shorts
    outcome: dict[str, float]
    """Keys of the outcome with their weight; 1 together."""
    bad: bool
    """Whether less of the outcome is better."""
    time: bool
    """Whether it is a time, so that faster is less."""
    before: bool
    """Whether it is about the time before the intervention."""
    intervention: Group
    comparator: Group

    @classmethod
    def of(cls, asked: DirectionInput, paper: Sequence[Sentence]) -> "_Comparing":
        texts = [s.text for s in paper]
        shorts = read_shorts([asked.outcome, asked.intervention, asked.comparator, *texts])
        groups = groups_of((asked.intervention, asked.comparator), shorts, texts, reference=1)
        weights = outcome_weights(asked.outcome, shorts, texts)
        bad, time, before = (p.search(asked.outcome) is not None for p in (_BAD, _TIME, BEFORE))
        return cls(shorts, weights, bad, time, before, *groups)

    def knows(self, asked: DirectionInput) -> bool:
        """Whether a word of the outcome stands anywhere in the report, be it in a table or a caption."""
        return any(self._share(passage.text) > 0 for passage in asked.passages)

    def read(self, sentence: Sentence) -> _Found | None:
        """What a sentence says; None where it does not tell."""
        text = sentence.text
        if AIM.search(text) or self._share(text) < ENOUGH:
            return None
        parts = clauses(text)
        shares = [self._share(text[a:b]) for a, b in parts]
        best: _Found | None = None
        for number, had in enumerate(shares):
            # Each clause that has most of the outcome's words; what follows it only where it is silent.
            if had < 0.8 * max(shares):
                continue
            told = self._told_from(number, parts, text)
            if told is not None:
                score = self._weight(sentence, had) * told[1]
                if best is None or score > best.score:
                    best = _Found(told[0], score, text, told[2])
        return best

    def _told_from(
        self, number: int, parts: Sequence[tuple[int, int]], text: str
    ) -> tuple[Direction, float, str] | None:
        """What a clause tells; with the next one where it is silent, or where the next speaks of it."""
        (start, end), following = parts[number], parts[number + 1 :]
        alone = text[start:end]
        silent = significance(alone, 0) is None
        if silent and any(
            _REFERS.search(text[a:b]) and significance(text[a:b], 0) is False for a, b in following[1:]
        ):
            return "no_difference", 0.9, "It tells of no significant difference."
        if silent and following:
            both, after = text[start : following[0][1]], text[slice(*following[0])]
            if _REFERS.search(after) and significance(after, 0) is False:
                return self._told(both, text)
            return self._told(alone, text) or self._told(both, text)
        return self._told(alone, text)

    def _weight(self, sentence: Sentence, had: float) -> float:
        """How far a sentence is to be believed, before it is known what it says."""
        named = 1.0 if self._names_both(sentence.text) else 0.8
        return self._share(sentence.text) * had * named * _place(sentence.section)

    def _share(self, text: str) -> float:
        return share(self.outcome, keys(text, self.shorts))

    def _names_both(self, text: str) -> bool:
        return all(mentions(text, group, self.shorts) for group in (self.intervention, self.comparator))

    def _places(self, text: str) -> list[int]:
        """Where the outcome's weightiest words stand."""
        heavy = max(self.outcome.values(), default=0.0)
        telling = {k for k, weight in self.outcome.items() if weight >= 0.7 * heavy}
        return [t.start for t in tokens(text, self.shorts) if t.keys & telling]

    def _told(self, part: str, sentence: str) -> tuple[Direction, float, str] | None:
        """Direction, how sure it is (0 to 1), and why."""
        places = self._places(part)
        sure = significance(part, places[0] if places else 0)
        if BEFORE.search(part) and not self.before:
            return None
        if sure is False or ALIKE.search(part):
            return "no_difference", 0.9, "It tells of no significant difference."
        direction = self._compared(part, sentence) or (self._by_numbers(part) if sure else None)
        if direction is None:
            return None
        within = WITHIN.search(part) is not None and not AGAINST.search(WITHIN.sub(" ", part))
        strength = (1.0 if sure else 0.32) * (0.3 if within else 1.0)
        return direction, strength, f"It says that the outcome was {direction} under the intervention."

    def _compared(self, part: str, sentence: str) -> Direction | None:
        """From the comparing word nearest to the outcome, and the group it stands with."""
        words = comparison(part)
        if not words:
            return None
        places = self._places(part)

        def far(word: tuple[int, int, Way]) -> float:
            near = min((abs(word[0] - p) for p in places), default=0)
            return near * (0.5 if AGAINST.search(part, word[1], word[1] + 80) else 1.0)

        start, end, way = min(words, key=far)
        subject = self._subject(part, start, end)
        if subject is None and part != sentence:
            at = sentence.find(part)
            subject = self._subject(sentence, at + start, at + end)
        if subject is None:
            return None
        return "increased" if self._more(way) == (subject == "i") else "decreased"

    def _more(self, way: Way) -> bool:
        if way in ("better", "worse"):
            return (way == "better") != self.bad
        if way in ("faster", "slower"):
            return (way == "faster") != self.time
        return way == "increased"

    def _subject(self, text: str, start: int, end: int) -> str | None:
        """Which of the two a comparing word says it of: `i` or `c`."""
        both = (("i", self.intervention), ("c", self.comparator))
        named = sorted((a, who) for who, group in both for a, _ in mentions(text, group, self.shorts))
        if not named:
            return None
        # `higher in A (…`: the group that stands right behind the word.
        for at, who in named:
            if at >= end and _LINK.fullmatch(text[end:at]) and not AGAINST.search(text[end:at]):
                return who
        # `… higher than B`, `compared with B, A was higher`: what stands behind `than` is the other.
        for against in AGAINST.finditer(text):
            behind = [(at, who) for at, who in named if 0 <= at - against.end() <= _REACH]
            if behind and (against.start() >= end or "," in text[behind[0][0] : start]):
                return "i" if behind[0][1] == "c" else "c"
        before = [who for at, who in named if at < start]
        if before:
            return before[0] if len(set(before)) == 1 else before[-1]
        return named[0][1] if len({who for _, who in named}) == 1 else None

    def _by_numbers(self, part: str) -> Direction | None:
        """`12.1 in A and 9.3 in B (p = 0.01)`: of two numbers, each beside its group, which is larger."""
        spots = [(a, b, "i") for a, b in mentions(part, self.intervention, self.shorts)]
        spots += [(a, b, "c") for a, b in mentions(part, self.comparator, self.shorts)]
        spots.sort()
        if [who for _, _, who in spots] not in (["i", "c"], ["c", "i"]):
            return None
        numbers = list(_RESULT.finditer(part))
        if len(numbers) != 2:
            return None
        first, second = (float(plain(hit["v"])) for hit in numbers)
        if first == second:
            return None
        return "increased" if (first > second) == (spots[0][2] == "i") else "decreased"


_REFERS = re.compile(
    r"\b(?:this|these|those|the|which|it|they) (?:\w+ ){0,2}?(?:differences?|effects?|changes?|trends?"
    r"|increases?|decreases?"
    r"|reductions?|was|were|did|is)\b|\b(?:but|although|though|however,?) (?:not|non-?significant\w*|failed"
    r"|without)\b",
    re.IGNORECASE,
)
"""Speaks of the difference that the clause before told of."""

_REACH = 60
"""Characters behind `than` within which the other group is named."""

_TIME = re.compile(
    r"\b(?:time|times|duration|latency|days|hours|minutes|onset|delay|period)\b", re.IGNORECASE
)

_LINK = re.compile(
    r"[^.;,]{0,40}\b(?:in|for|with|by|among|after|on|of|under|from|favou?ring|during)\b[^.;,]{0,40}"
)

_RESULT = re.compile(
    rf"(?<![\w.,·(/±-])(?<!p )(?<![=<>] )(?<![=<>±])(?<!± )(?P<v>{NUM})(?=\s?(?:%|±|\(|\[|\+/-)|\s(?:mm|cm|kg|h"
    rf"|min|days?|months?"
    r"|weeks?|hours?|minutes?|points?|mg|µg|g|ml|L|in|for|and|vs|versus)\b)",
    re.IGNORECASE,
)
"""A number that is a group's result by what stands behind it."""

_BAD = re.compile(
    r"\b(?:pain|mortality|deaths?|died|symptoms?|depress\w*|anxiety|complications?|adverse|side.effects?"
    r"|toxicity|nausea"
    r"|vomiting|relapse|recurrence|fatigue|stress|distress|disability|blood loss|bleeding|h[ae]+morrhage|infections?"
    r"|incidence|severity|length of stay|hospital stay|hba1c|cholesterol|ldl\S*|triglycerides?|blood pressure"
    r"|bmi|weight"
    r"|fat|fever|duration of (?:illness|diarrh\w+|symptoms|hospital\w*)|readmission|hospitali[sz]ation|falls?"
    r"|errors?|risk"
    r"|failure|cough|insomnia|latency|glucose|insulin resistance|crp|inflammation|disease activity"
    r"|index of disability|das28"
    r"|womac|impact questionnaire|burden|smoking|drinking|craving|score of pain|vas|scale for depression|madrs|hamd"
    r"|panss|symptom|edema|oedema|swelling|ulcers?|lesions?|plaque|gingiv\w+|itch\w*|pruritus|seizures?|wheez\w*)\b",
    re.IGNORECASE,
)
"""Outcomes of which less is better."""


def _starts(spans: Sequence[tuple[int, int]]) -> list[int]:
    return [start for start, _ in spans]


def _place(section: str) -> float:
    """How far a section speaks of this study's results."""
    if "result" in section or section == "abstract" or "conclusion" in section or "finding" in section:
        return 1.0
    if "discussion" in section:
        return 0.6
    return 0.3 if re.search(r"introduction|background|method|statistic|material", section) else 0.8
