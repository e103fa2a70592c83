"""One list of arms out of what tables and sentences name, each arm once. Pure.

The same arm has several names: `GIK group` over a column, `GIK infusion` in the methods. Names are matched by their
words, abbreviations written out; where all others of two lists match, what is left matches too. Numbers stand under
the names that tables use, so these are the labels. Where lists contradict each other, the sizes that add up to the
participants of the trial decide, then how many groups the report says to have had; else none is taken.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

from model.baseline.arms_tables import Listed
from model.baseline.arms_words import COMPARATOR, TREATED, Named, is_generic, without_role
from model.baseline.paper_groups import Shorts, doses_in, key, keys

__all__ = ["About", "Told", "best_list", "chosen", "is_same", "joined", "matched"]

Told = tuple[Named, Named | None]
"""An arm, and what a sentence tells of it."""

SURE = 0.5
"""Share of a name's words that must be another's for the two to be one arm's."""

ENOUGH = 2.0
"""Evidence that names over columns must have to be arms."""

_LETTER = re.compile(r"\((?:group|arm) (?:[A-H]|\d|I{1,3}|IV|V)\)$", re.IGNORECASE)

_PERMUTED = 6
"""Lists up to this long are matched as a whole."""

_COMMON_LIST = """
group groups arm arms condition conditions therapy treatment intervention interventions control controls only alone
day daily week weekly twice once mg dose participants patients
"""
_COMMON = frozenset(map(key, _COMMON_LIST.split()))
"""Words that tell no arm from another."""


@dataclass(frozen=True)
class About:
    """What is known of a report beside its lists."""

    shorts: Shorts
    total: int | None
    """Participants; None where the report does not say."""
    said: Counter[int]
    """How many groups it says to have, and how often."""
    words: frozenset[str]
    """Keys of the words of its title, and of its sentences on the allocation."""
    summary: frozenset[str] = frozenset()
    """Keys of the words of its title and abstract."""


# Matching ----------------------------------------------------------------------------------------


def _own(names: Sequence[str], shorts: Shorts) -> list[frozenset[str]]:
    """The keys that tell each name from the others of its list."""
    every = [keys(name, shorts) - _COMMON for name in names]
    shared = frozenset.intersection(*every) if len(every) > 1 else frozenset[str]()
    return [each - shared or each for each in every]


def _controls(names: Sequence[str]) -> list[bool]:
    """Which is the comparator; none where none or several are."""
    found = [COMPARATOR.search(name.strip()) is not None for name in names]
    if not any(found) and len(names) == 2:
        treated = [TREATED.search(name.strip()) is not None for name in names]
        found = [not own for own in treated] if treated.count(True) == 1 else found
    return found if found.count(True) == 1 else [False] * len(names)


def matched(first: Sequence[str], second: Sequence[str], shorts: Shorts) -> tuple[int, ...] | None:
    """For each name of a list the place of the same arm in a list as long; None where they are not the same arms.

    >>> matched(["GIK infusion", "no infusion"], ["Control group", "GIK group"], {})
    (1, 0)
    """
    if len(first) != len(second) or len(first) > _PERMUTED:
        return None
    one, other = _own(first, shorts), _own(second, shorts)
    ours, theirs = _controls(first), _controls(second)
    score = [
        [_alike(one[i], other[j], first[i], second[j], ours[i] and theirs[j]) for j in range(len(second))]
        for i in range(len(first))
    ]
    ranked = sorted(
        permutations(range(len(first))), key=lambda order: -sum(score[i][j] for i, j in enumerate(order))
    )
    best = ranked[0]
    told = [score[i][j] for i, j in enumerate(best)]
    sums = [sum(score[i][j] for i, j in enumerate(order)) for order in ranked[:2]]
    # One that is left over may be matched by elimination.
    if sum(value >= SURE for value in told) < len(first) - 1 or (len(sums) > 1 and sums[0] == sums[1]):
        return None
    return best


def _alike(one: frozenset[str], other: frozenset[str], a: str, b: str, controls: bool) -> float:
    doses = doses_in(a), doses_in(b)
    if doses[0] and doses[1] and not doses[0] & doses[1]:
        return 0.0
    shared = len(one & other) / min(len(one), len(other)) if one and other else 0.0
    if controls:
        return 1.0 + shared
    if doses[0] & doses[1]:
        shared += 0.5
    if without_role(a).casefold() == without_role(b).casefold():
        return 2.0
    return shared


# Tables ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Candidate:
    """Arms as tables name them, and what speaks for them."""

    arms: tuple[Named, ...]
    tables: int
    score: float


def best_list(lists: Sequence[Listed], about: About) -> tuple[Named, ...]:
    """The arms as tables name them; empty where no list, or more than one, can be that of the arms."""
    merged: list[list[Listed]] = []
    for each in lists:
        names = [arm.label for arm in each.arms]
        for same in merged:
            if matched(names, [arm.label for arm in same[0].arms], about.shorts) is not None:
                same.append(each)
                break
        else:
            merged.append([each])
    able = (_candidate(same, about) for same in merged)
    found = sorted((c for c in able if c is not None), key=lambda c: -c.score)
    if not found:
        return ()
    if len(found) > 1 and found[0].score == found[1].score:
        return ()
    return found[0].arms


def _candidate(same: Sequence[Listed], about: About) -> _Candidate | None:
    """The commonest names of a list of arms, with the sizes of the table that describes them; None if they are none."""
    told = Counter(tuple(arm.label for arm in each.arms) for each in same)
    labels = max(told, key=lambda names: (told[names], -sum(map(len, names))))
    shown = next(each for each in same if tuple(arm.label for arm in each.arms) == labels)
    evidence = _evidence(labels, about)
    if evidence < ENOUGH:
        return None
    summing = any(sum(each.sizes) == about.total for each in same if each.sizes)
    sized = any(each.sizes for each in same)
    score = evidence + min(len(same), 4) * 0.5 + 0.5 * any(each.baseline for each in same)
    score += 2.0 * summing + 0.5 * sized + _as_said(len(labels), about)
    sizes = next((each for each in same if each.sizes and sum(each.sizes) == about.total), None)
    arms = shown.arms
    if sizes is not None and sizes is not shown:
        order = matched(labels, [arm.label for arm in sizes.arms], about.shorts)
        if order is not None:
            arms = tuple(replace(arm, size=sizes.arms[j].size) for arm, j in zip(arms, order, strict=True))
    return _Candidate(arms, len(same), score)


def _as_said(many: int, about: About) -> float:
    if not about.said:
        return 0.0
    return 1.0 if about.said.most_common(1)[0][0] == many else 0.0 if many in about.said else -1.0


def _evidence(names: Sequence[str], about: About) -> float:
    """How much the words of names say that they are arms: a comparator, or the words of the allocation."""
    if all(is_generic(name) or _LETTER.search(name) for name in names):
        return 3.0
    control = any(COMPARATOR.search(name) for name in names)
    own = _own(names, about.shorts)
    if _told(names, own, about.words) == len(names):
        return 3.0 + control
    # Beside a comparator, what the abstract speaks of is enough.
    told = _told(names, own, about.summary)
    return 2.0 if control and told >= len(names) - (len(names) > 2) else 0.0


def _told(names: Sequence[str], own: Sequence[frozenset[str]], words: frozenset[str]) -> int:
    """How many names have half of their words among some; one that says only its role needs none."""
    return sum(
        is_generic(name)
        or COMPARATOR.search(name) is not None
        or (bool(each) and len(each & words) >= SURE * len(each))
        for name, each in zip(names, own, strict=True)
    )


# Tables and sentences ----------------------------------------------------------------------------


def joined(table: Sequence[Named], said: Sequence[Named], about: About) -> tuple[Told, ...]:
    """The arms of a table, each with what a sentence tells of it; empty where the two do not name the same arms."""
    names = [f"{arm.label} {arm.text}" if arm.text != arm.label else arm.label for arm in table]
    order = matched(names, [arm.text for arm in said], about.shorts) if table and said else None
    return tuple((arm, said[j]) for arm, j in zip(table, order, strict=True)) if order is not None else ()


def chosen(table: Sequence[Named], said: Sequence[Named], about: About) -> tuple[Told, ...]:
    """Of a table's and a sentence's arms that are not the same, those that can be; empty where nothing decides."""
    if not table or not said:
        alone = tuple(table or said)
        return () if table and _gainsaid(alone, about) else tuple((arm, None) for arm in alone)
    if len(table) == len(said):
        return tuple((arm, None) for arm in said)
    for first, other in ((table, said), (said, table)):
        if _adds_up(first, about) and not _adds_up(other, about):
            return tuple((arm, None) for arm in first)
    if about.said:
        (commonest, times), *others = about.said.most_common()
        if not others or times > others[0][1]:
            for arms in (table, said):
                if len(arms) == commonest:
                    return tuple((arm, None) for arm in arms)
    return _within(table, said, about)


def _within(table: Sequence[Named], said: Sequence[Named], about: About) -> tuple[Told, ...]:
    """What a sentence lists, where a table without sizes names the same and columns of something else besides."""
    if len(said) > len(table) or all(arm.size is not None for arm in table):
        return ()
    ways = [both for some in combinations(table, len(said)) if (both := joined(some, said, about))]
    return ways[0] if len(ways) == 1 else ()


def _adds_up(arms: Sequence[Named], about: About) -> bool:
    sizes = [arm.size for arm in arms if arm.size is not None]
    return len(sizes) == len(arms) and about.total is not None and sum(sizes) == about.total


def _gainsaid(arms: Sequence[Named], about: About) -> bool:
    return bool(about.said) and len(arms) not in about.said and not _adds_up(arms, about)


def is_same(name: str, text: str) -> bool:
    """Whether two names are one but for case and what every arm is called."""
    return (
        re.sub(r"\W", "", without_role(name)).casefold() == re.sub(r"\W", "", without_role(text)).casefold()
    )
