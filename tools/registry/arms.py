"""Groups of posted results to the arms that were registered, and arms of a paper to both. Pure.

A group of results is free text: it may be an arm (`CZP 200 mg Q2W (FAS)`), a part of one, two arms one after
the other (`Placebo->OL CZP`), or a stratum that is no arm at all. What is not clearly one arm stays unmatched
or ambiguous, and says so: a swapped arm turns an effect around.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Literal

from pydantic import Field

from tools.registry.results import Group
from tools.registry.trial import RegisteredArm, RegisteredTrial
from tools.schemas import Frozen

__all__ = [
    "ArmMatch",
    "ArmName",
    "abbreviations",
    "group_names",
    "match_arms",
    "match_groups",
    "names_of_arms",
]

MIN_SCORE = 0.6
"""Least share of common words, on a scale where the same title is 1."""

MARGIN = 0.15
"""How much better than the next arm the best must be."""

How = Literal["title", "words", "description", "ambiguous", "unmatched"]

_SETS = re.compile(
    r"[\s,;:–-]*[\[(]?\b(?:m?itt|fas|ss|pps?|rs|safety|per[- ]protocol|full analysis|intent(?:ion)?[- ]to[- ]treat|"
    r"randomi[sz]ed|safety analysis|pk)(?:[- ](?:analysis|set|population))*\b[\])]?\s*$",
    re.IGNORECASE,
)
_SEQUENCE = re.compile(
    r"->|→|=>|\bthen\b|\bfollowed by\b|\bcross(?:ed)?[- ]?over to\b|\bswitch(?:ed|ing)? to\b|"
    r"\bto open[- ]label\b",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"^\s*(arm|group|cohort|part|stage)\s+([a-z]|\d{1,2}|[ivx]{1,4})\b\s*[:.)–-]*\s*", re.IGNORECASE
)
_STOP = frozenset({
    "a", "an", "and", "arm", "arms", "at", "by", "for", "from", "group", "groups", "in", "of", "on", "or",
    "participants", "patients", "period", "phase", "plus", "received", "receiving", "subjects", "the", "to",
    "treatment", "treated", "who", "with",
})  # fmt: skip
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_DEFINED = re.compile(r"\b([A-Za-z][\w/-]*(?:[ -][\w/-]+){0,5})\s*\(([A-Z][A-Za-z0-9/-]{1,9})\)")


class ArmName(Frozen):
    """What is known of one arm or group."""

    name: str
    description: str = ""


class ArmMatch(Frozen):
    """Where one group belongs, and how sure that is."""

    group: str = Field(description="Title of the group of results, or name of the paper's arm.")
    arm: str | None = Field(default=None, description="The registered arm; None unless it is clearly one.")
    how: How
    score: float = Field(ge=0, le=1)
    why: str = Field(default="", description="Why it is not matched, with the candidates.")


def names_of_arms(arms: Iterable[RegisteredArm]) -> tuple[ArmName, ...]:
    """Registered arms by label, description and interventions."""
    return tuple(
        ArmName(
            name=arm.label.text,
            description=" ".join(
                leaf.text for leaf in (arm.description, *arm.interventions) if leaf is not None
            ),
        )
        for arm in arms
    )


def group_names(groups: Iterable[Group]) -> tuple[ArmName, ...]:
    """Groups of results by title and description, the total left out."""
    return tuple(
        ArmName(name=g.name, description=g.description.text if g.description else "")
        for g in groups
        if not g.total
    )


def match_groups(trial: RegisteredTrial, groups: Sequence[Group]) -> tuple[ArmMatch, ...]:
    """Each group of one table (the total left out) to a registered arm, in the order of the groups."""
    return match_arms(group_names(groups), names_of_arms(trial.arms))


def match_arms(names: Sequence[ArmName], arms: Sequence[ArmName]) -> tuple[ArmMatch, ...]:
    """Each name to the arm that it clearly is.

    Titles count first: equal after tidying, or the most words in common. Numbers in both must agree (a dose
    of 300 mg is not one of 600 mg). Where titles share little, descriptions that are nearly equal decide.
    Of two names that come out at one arm, one that lacks words of its title, or has more, is ambiguous.
    """
    if not arms:
        return tuple(
            ArmMatch(group=n.name, how="unmatched", score=0, why="the entry registers no arms") for n in names
        )
    short = abbreviations(chain.from_iterable((n.name, n.description) for n in (*names, *arms)))
    found = [_match(name, arms, short) for name in names]
    return tuple(_alone(match, found) for match in found)


def abbreviations(texts: Iterable[str]) -> dict[str, str]:
    """Short forms that the texts define as `long form (SF)`: lower-case short form to long form.

    Only where the letters of the short form occur in order in the long form, beginning with its first.
    """
    made: dict[str, str] = {}
    for text in texts:
        for words, short in _DEFINED.findall(text):
            parts = words.split()
            for start in range(len(parts)):
                long = " ".join(parts[start:])
                if _abbreviates(short, long):
                    made.setdefault(short.lower(), long.lower())
                    break
    return made


def _abbreviates(short: str, long: str) -> bool:
    letters = [c for c in short.lower() if c.isalnum()]
    rest = long.lower()
    if not letters or not rest.startswith(letters[0]) or len(long) <= len(short):
        return False
    for letter in letters:
        at = rest.find(letter)
        if at < 0:
            return False
        rest = rest[at + 1 :]
    return True


# Within ------------------------------------------------------------------------------------------


def _match(name: ArmName, arms: Sequence[ArmName], short: dict[str, str]) -> ArmMatch:
    for tidy in (_tidy, _untagged):
        same = [
            arm for arm in arms if tidy(arm.name) == tidy(name.name) and not _other_tag(name.name, arm.name)
        ]
        if len(same) == 1:
            return ArmMatch(group=name.name, arm=same[0].name, how="title", score=1)
    if _SEQUENCE.search(name.name):
        return ArmMatch(
            group=name.name, how="unmatched", score=0, why="its title names treatments one after the other"
        )
    scored = sorted(
        ((_likeness(name.name, arm.name, short), i) for i, arm in enumerate(arms)),
        key=lambda x: (-x[0], x[1]),
    )
    if (best := _clear(scored)) is not None:
        return ArmMatch(group=name.name, arm=arms[best].name, how="words", score=scored[0][0])
    described = sorted(
        ((_described(name, arm, short), i) for i, arm in enumerate(arms)), key=lambda x: (-x[0], x[1])
    )
    if described[0][0] >= 0.85 and (best := _clear(described)) is not None:
        return ArmMatch(group=name.name, arm=arms[best].name, how="description", score=described[0][0])
    top = scored[0][0]
    near = [arms[i].name for score, i in scored if score > top - MARGIN and score >= MIN_SCORE]
    if len(near) > 1:
        return ArmMatch(
            group=name.name, how="ambiguous", score=top, why=f"as near to {' and to '.join(near)}"
        )
    return ArmMatch(group=name.name, how="unmatched", score=top, why=f"nearest is {arms[scored[0][1]].name}")


def _clear(scored: Sequence[tuple[float, int]]) -> int | None:
    """The best, where it is good enough and clearly before the next."""
    best, at = scored[0]
    next_best = scored[1][0] if len(scored) > 1 else 0.0
    return at if best >= MIN_SCORE and best - next_best >= MARGIN else None


def _alone(match: ArmMatch, found: Sequence[ArmMatch]) -> ArmMatch:
    others = [m for m in found if m is not match and m.arm == match.arm]
    if match.arm is None or match.score == 1 or not others:
        return match
    names = ", ".join(m.group for m in others)
    why = f"{names} would be the same arm, {match.arm}"
    return ArmMatch(group=match.group, how="ambiguous", score=match.score, why=why)


def _likeness(one: str, other: str, short: dict[str, str]) -> float:
    """Share of the words that both have (Dice), 0 where their numbers or letters contradict each other."""
    left, right = _words(one, short), _words(other, short)
    if not left or not right or _contradict(one, other) or _other_tag(one, other):
        return 0.0
    return 2 * len(left & right) / (len(left) + len(right))


def _described(name: ArmName, arm: ArmName, short: dict[str, str]) -> float:
    if not name.description or not arm.description or _contradict(name.name, arm.name):
        return 0.0
    return _likeness(name.description, arm.description, short)


def _contradict(one: str, other: str) -> bool:
    left, right = set(_NUMBERS.findall(_tidy(one))), set(_NUMBERS.findall(_tidy(other)))
    return bool(left and right) and not (left <= right or right <= left)


def _other_tag(one: str, other: str) -> bool:
    """`Arm A` is not `Arm B`, whatever else they have in common."""
    left, right = _TAG.match(one), _TAG.match(other)
    if not left or not right or left.group(1).lower() != right.group(1).lower():
        return False
    return left.group(2).lower() != right.group(2).lower()


def _untagged(title: str) -> str:
    return _tidy(_TAG.sub("", title))


def _tidy(title: str) -> str:
    """Without case, signs, the number in front (`2. Drug`) and the analysis set behind (`Drug (FAS)`)."""
    bare = re.sub(r"^\s*\d{1,2}[.):]?\s+(?=[^\W\d]{3})", "", _SETS.sub("", title))
    return " ".join(re.findall(r"[^\W_]+(?:\.\d+)?", bare.lower()))


def _words(text: str, short: dict[str, str]) -> frozenset[str]:
    spelled = (short.get(word, word) for word in _tidy(text).split())
    words = (word for part in spelled for word in re.findall(r"[^\W_]+(?:\.\d+)?", part))
    return frozenset(_stem(word) for word in words if word not in _STOP) or frozenset(_tidy(text).split())


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word
