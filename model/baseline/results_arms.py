"""The asked arm and the others it is told from, in headings, labels and captions. Pure.

Where the trial's other arms are known, what no name tells apart may still be told by elimination: of two columns
one is the other arm's, so that the second is the asked one's.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from model.baseline.paper_groups import Group, Shorts, doses_in, groups_of, in_role, key, keys, mentions
from model.tasks.results import ResultsInput

__all__ = ["Arms", "arm_columns", "arms_in", "is_arm_heading", "side"]

_CONTROL_HEAD = re.compile(
    r"^\W*(?:controls?|no (?:intervention|treatment)|usual care|standard care|comparison|comparator|placebo"
    r"|sham|c)\b",
    re.IGNORECASE,
)
_TREATED_HEAD = re.compile(
    r"^\W*(?:intervention|experimental|treatment|treated|active|verum|study group|test group)\b",
    re.IGNORECASE,
)
"""Headings that say an arm's role alone."""

_NO_ARM = re.compile(
    r"^\W*p(?![-\w])|\bp[ -]?values?\b|\bp (?:for|between|within|interaction)\b|^\W*[tfzdr]\W*$|\bstatistic"
    r"|\btest\b(?! group)"
    r"|^\W*χ|\bchi\b|\bcohen"
    r"|\beffects?\b|\bdiff(?:erences?|\.)?(?!\w)|^\W*(?:OR|RR|HR|MD|SMD|NNT|β|η\S*|beta|df|SDE"
    r"|ICC)(?![-\w])|\bodds\b"
    r"|\bratio\b|\bhazard|\brelative risk|\bversus\b|\bvs\.?(?!\w)|\bcompar(?:ed|isons?)\b(?! group)"
    r"|\bbetween\b"
    r"|^\W*(?:units?|references?|sig(?:nificance)?|missing|direction|interpretation)\b|\badjusted\b.*\bCI\b",
    re.IGNORECASE,
)
"""Columns that hold no arm's values."""

_EVERYONE = re.compile(
    r"^\W*(?:total|overall|all|pooled|combined|entire|whole)\b|\btotal (?:cohort|sample)\b", re.IGNORECASE
)


_UNTELLING = frozenset(
    map(key, ("group", "groups", "arm", "arms", "condition", "conditions", "treatment", "therapy"))
)


@dataclass(frozen=True)
class Arms:
    """The arm that is asked for, and those it is told from."""

    asked: Group
    others: tuple[Group, ...]
    shorts: Shorts
    common: frozenset[str] = frozenset()
    """Words that all of the arms' names have: of `hot` and `hot and cooled`, the first is known by no other word."""
    aliases: tuple[tuple[str, int], ...] = ()
    """What captions shorten the arms to, such as `I`: 0 is the asked one, others follow."""
    listed: frozenset[str] = frozenset()
    """The doses of an asked arm that has several, such as `5, 10 or 20 mg`: a column of one of them is not it."""


def arms_in(asked: ResultsInput, texts: Sequence[str], captions: Iterable[str], shorts: Shorts) -> Arms:
    """The arms of a question, with all that the report calls them."""
    names = [asked.group.title, *(other.title for other in asked.others)]
    groups = list(groups_of(names, shorts, texts))
    if len(groups) <= 2 and not any(group.control for group in groups):
        groups = [in_role(group, texts, shorts) for group in groups]
        if len(groups) == 2:
            groups = _opposed(groups[0], groups[1], names)
    common = (
        frozenset.intersection(*(keys(name, shorts) for name in names))
        if len(names) > 1
        else frozenset[str]()
    )
    common -= _UNTELLING
    arms = Arms(groups[0], tuple(groups[1:]), shorts, common, listed=_listed(asked.group.title))
    return replace(arms, aliases=tuple(_aliases(captions, arms)))


_DOSES = re.compile(
    r"(?:\d[\d.]*\s?(?:mg|µg|μg|mcg|g|ml|mL|IU|%)?\s?(?:,|/|[-–]|\bor\b|\bto\b|\band\b)\s?(?:or\s|and\s)?){1,8}"
    r"\d[\d.]*\s?(?:mg|µg|μg|mcg|g|ml|mL|IU|%)(?![A-Za-z])"
)


def _listed(name: str) -> frozenset[str]:
    """The doses of a name that gives several."""
    return frozenset(
        number for hit in _DOSES.finditer(name) for number in re.findall(r"\d[\d.]*", hit.group())
    )


_LACKS = re.compile(r"\b(?:without|no|non)\b", re.IGNORECASE)


def _opposed(first: Group, second: Group, names: Sequence[str]) -> list[Group]:
    """Two arms are not both the control, nor both the intervention; what one is, the other is not."""
    lacking = [_LACKS.search(name) is not None for name in names]
    if not (first.control or second.control) and lacking[0] != lacking[1]:
        first = replace(first, control=lacking[0], treated=not lacking[0])
        second = replace(second, control=lacking[1], treated=not lacking[1])
    if first.control == second.control and first.treated == second.treated:
        return [replace(group, control=False, treated=False) for group in (first, second)]
    control = first.control or (second.treated and not second.control)
    return [
        replace(first, control=control, treated=not control),
        replace(second, control=not control, treated=control),
    ]


_ALIAS = re.compile(r"([^.;,()\[\]|]{3,80}?)\s?[(\[]([A-Z][A-Za-z]{0,2}\d?)\s?(?=[;,)\]:=])")
_ALIAS_LIST = re.compile(r"(?:^|[;,.]\s?)([A-Z][A-Za-z]{0,2}\d?)\s?[=:]\s?([^.;,()=]{3,60})")


def _aliases(captions: Iterable[str], arms: Arms) -> Iterable[tuple[str, int]]:
    found: dict[str, int] = {}
    for text in captions:
        told = [(hit[2], hit[1]) for hit in _ALIAS.finditer(text)]
        told += [(hit[1], hit[2]) for hit in _ALIAS_LIST.finditer(text)]
        for short, words in told:
            near = re.split(r"\b(?:and|or|versus|vs|the|in|for)\b", words)[-1]
            which = side(near, arms)
            if which is not None and not re.fullmatch(r"N|SD|SE|CI|OR|RR|HR|P|IQR", short):
                found[short] = which if found.get(short, which) == which else -1
    return [(short, which) for short, which in found.items() if which >= 0]


def side(text: str, arms: Arms) -> int | None:
    """Which arm a piece of a heading or label names: 0 is the asked one; None where none, or two alike."""
    stripped = re.sub(r"\W*\bn\s?=\s?[\d,]+\W*", "", text).strip(" *†‡¤")
    for short, which in arms.aliases:
        if stripped == short:
            return which
    scores = [_score(text, group, arms) for group in (arms.asked, *arms.others)]
    best = max(scores)
    if best <= 0 or scores.count(best) > 1:
        return None
    return scores.index(best)


def _score(text: str, group: Group, arms: Arms) -> float:
    found, shorts = keys(text, arms.shorts), arms.shorts
    if not group.keys and arms.common:
        of_others = frozenset[str]().union(*(other.keys for other in (arms.asked, *arms.others)))
        return 0.9 * len(found & arms.common) / len(arms.common) if not found & of_others else 0.0
    shared = len(found & group.keys) / len(group.keys) if group.keys else 0.0
    if group.doses and (told := doses_in(text)):
        return shared if told & group.doses else 0.0
    if shared:
        return shared
    if (group.control and _CONTROL_HEAD.search(text)) or (group.treated and _TREATED_HEAD.search(text)):
        return 0.5
    labels = Group(frozenset(), group.labels, control=False, treated=False)
    return 0.5 if group.labels and mentions(text, labels, shorts) else 0.0


def is_arm_heading(path: Sequence[str]) -> bool:
    """Whether a column can be an arm's: not that of a p-value, a difference or a total."""
    return bool(path) and not any(_NO_ARM.search(piece) for piece in path) and not _EVERYONE.search(path[-1])


def arm_columns(columns: Sequence[tuple[str, ...]], stub: int, arms: Arms) -> tuple[int, ...]:
    """The columns of the asked arm, by name, else by elimination; none where headings do not tell.

    Args:
        columns: what stands above each column, outermost first.
        stub: how many of them name rows.
        arms: who is asked for.
    """
    able = [j for j in range(stub, len(columns)) if is_arm_heading(columns[j])]
    common = (
        frozenset.intersection(*(frozenset(columns[j]) for j in able)) if len(able) > 1 else frozenset[str]()
    )
    named = {j: _named(columns[j], common, arms) for j in able}
    mine = [j for j in able if named[j] == 0]
    if mine and any(_is_one_dose(columns[j], arms) for j in mine):
        return ()
    if mine:
        return _plainest(mine, columns, arms)
    theirs = {j for j in able if named[j] is not None}
    return _left_over(able, theirs, columns, common)


def _named(path: Sequence[str], common: frozenset[str], arms: Arms) -> int | None:
    """Which arm a heading names; its pieces must not name two."""
    told = {which for piece in path if piece not in common and (which := side(piece, arms)) is not None}
    return told.pop() if len(told) == 1 else None


def _is_one_dose(path: Sequence[str], arms: Arms) -> bool:
    told = frozenset(number for piece in path for number in re.findall(r"\d[\d.]*", piece)) & arms.listed
    return bool(told) and told != arms.listed and any(doses_in(piece) for piece in path)


def _plainest(mine: Sequence[int], columns: Sequence[tuple[str, ...]], arms: Arms) -> tuple[int, ...]:
    """Of `Wool` and `Wool and cotton`, what is asked for is the one that has most of the name, and least besides."""

    def naming(j: int) -> str:
        return max(columns[j], key=lambda piece: (side(piece, arms) == 0, _score(piece, arms.asked, arms)))

    pieces = {j: naming(j) for j in mine}
    best = max(_score(piece, arms.asked, arms) for piece in pieces.values())
    mine = [j for j in mine if _score(pieces[j], arms.asked, arms) == best]
    spare = {j: len(_besides(pieces[j], arms)) for j in mine}
    return tuple(j for j in mine if spare[j] == min(spare.values()))


_NO_MORE_LIST = """
baseline pre post test pretest posttest before after follow up followup initial final end start week weeks wk day days
month months mo year years hour hours min visit time change mean median sd se n t0 t1 t2 t3 t4 group groups arm value
score treatment intervention study phase period patients participants subjects total
"""
_NO_MORE = frozenset(map(key, _NO_MORE_LIST.split()))
"""Words beside an arm's name that make it no other arm: times, statistics, what every arm is called."""


def _besides(piece: str, arms: Arms) -> frozenset[str]:
    """The words of a heading that are neither the arm's name nor a time or a statistic."""
    found = keys(re.sub(r"\([^)]*\)", "", piece), arms.shorts) - arms.asked.keys - _NO_MORE
    return frozenset(k for k in found if not k.isdigit())


def _left_over(
    able: Sequence[int], theirs: set[int], columns: Sequence[tuple[str, ...]], common: frozenset[str]
) -> tuple[int, ...]:
    """The columns that are not the other arm's, where they are one arm's and as many as the other's."""
    rest = [j for j in able if j not in theirs]
    if not theirs or len(rest) != len(theirs):
        return ()
    apart = frozenset.intersection(*(frozenset(columns[j]) - common for j in rest))
    own = apart - frozenset(piece for j in theirs for piece in columns[j])
    return tuple(rest) if any(not _NO_NAME.search(piece) for piece in own) else ()


_NO_NAME = re.compile(
    r"^\W*$|^\W*\d|\bbaseline\b|\b(?:week|month|day|year|hour|visit|time|follow|pre|post|before|after)\b"
    r"|^\W*(?:n|no|mean"
    r"|median|m|sd|se|sem|ci|iqr|range|%|per ?cent\w*|change|score|number)\b",
    re.IGNORECASE,
)
"""Pieces of a heading that name a time or a statistic, and no arm."""
