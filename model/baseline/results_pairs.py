"""Pairs of values that a sentence sets side by side, and which arm's each of them is. Pure."""

import itertools
import re
from collections.abc import Sequence

from model.baseline.direction_cues import comparison
from model.baseline.paper_groups import mentions
from model.baseline.results_arms import Arms
from tools.extraction.numbers import Reading, readings_in

__all__ = ["Pair", "can_be", "gainsaid", "is_list", "order_of", "pairs_in"]

_JOINS = re.compile(
    r"^(?P<unit>\s?(?:[a-zA-Z°%µμ²³/]{1,12}(?:\s?[a-z/]{1,8})?)?)[\s)\]]{0,2},?\s?"
    r"(?P<join>versus|vs\.?|v\.?|and|compared (?:with|to)|/|;|–|against|as compared (?:with|to)"
    r"|in comparison (?:with|to))\s?\(?$",
    re.IGNORECASE,
)
_RESPECTIVELY = re.compile(r"\bresp(?:ectively|\.)", re.IGNORECASE)
_NO_VALUE_BEFORE = re.compile(
    r"(?:\bafter|\bat|\bfor|\bsince|\bduring|\bwithin|\bday|\bweek|\bmonth|\byear|\bhour|\btable"
    r"|\bfig(?:ure)?\.?|\bgroup|\bgrade|\bphase"
    r"|\blevel|\btype|\bn\s?=|\baged?|\bthan|\bleast|\bof the|\bCI\b\W*|\bdose of|\bfrom|\bdf|\bt\s?="
    r"|\bF\s?=|\b(?:r|rho|tau|coefficient)\s?(?:=|of|was)?|\b95\s?%?)\s?[-−–]?$",
    re.IGNORECASE,
)
_NO_VALUE_AFTER = re.compile(
    r"^\s?(?:[-–]?\s?(?:weeks?|months?|years?|hours?|days?|min(?:utes?)?|h)\b(?=\s(?:after|post|follow"
    r"|later|of|in|and|,|\.|\())|mg\b|µg|μg|IU\b"
    r"|%\s?(?:CI|confidence)|%?\s?(?:\w+ )?(?:lower|higher|less|more|fewer|greater|reduction|increase"
    r"|decrease|times|fold)"
    r"|\s?-?fold|(?:st|nd|rd|th)\b|-)",
    re.IGNORECASE,
)
Pair = tuple[Reading, Reading]


def pairs_in(text: str, said: str = "") -> list[Pair]:
    """Two neighbouring values of one form, as sentences set them side by side; of three or more, none are a pair.

    >>> [(a.value, b.value) for a, b in pairs_in("less pain (2.1 ± 1.0 versus 3.4 ± 1.1, P = 0.01)")]
    [('2.1', '3.4')]
    """
    runs = _runs(text, said)
    return [(run[0], run[1]) for run in runs if len(run) == 2 and _is_pair(text[run[0].end : run[1].start])]


def is_list(text: str) -> bool:
    """Whether a sentence sets more values side by side than two: of several outcomes, times or arms."""
    runs = [run for run in _runs(text, "") if len(run) > 1]
    return len(runs) > 1 or any(len(run) > 2 for run in runs)


def _runs(text: str, said: str) -> list[list[Reading]]:
    """The values of a sentence, those together that are of one form and set side by side."""
    runs: list[list[Reading]] = []
    for value in readings_in(text, (said,)):
        if not can_be(text, value):
            continue
        if runs and _alike(runs[-1][-1], value) and _joint(text[runs[-1][-1].end : value.start], value):
            runs[-1].append(value)
        else:
            runs.append([value])
    return runs


def _joint(between: str, second: Reading) -> bool:
    """Whether what stands between two values sets them side by side, or makes them items of a list."""
    hit = _JOINS.match(between)
    if hit is not None:
        bare = second.kind == "number" and second.spread is None
        return not (bare and hit["join"] in ("–", "/"))  # a range
    return re.fullmatch(r"[^.;\d]{0,16}[,;]\s?(?:and )?", between) is not None or _apart(between) is not None


def _is_pair(between: str) -> bool:
    return _JOINS.match(between) is not None or _apart(between) is not None


def _apart(between: str) -> re.Match[str] | None:
    """Words between two values that each stand beside their arm: `12 with wool and 14`, `12 (wool) vs 14`."""
    bare = _NO_NUMBERS.sub("", between)
    if _THAN.search(bare) and not _OTHERWISE.search(bare):
        bare = _P_VALUE.sub("", bare)
    if re.search(r"\d", bare) or len(bare) > 90:
        return None
    return re.search(r"\b(?:and|versus|vs\.?|compared (?:with|to)|while|whereas|but|than)\b", between)


_RANGE = re.compile(r"\s?%?\s?to\s[-−–+]?\d")
"""Behind the first of two limits: the `to` of `68% to 80%`."""


_NO_NUMBERS = re.compile(r"\(?\bn\s?=\s?\d+\)?|\bgroup \d\b", re.IGNORECASE)
"""Sizes and names between two values."""

_P_VALUE = re.compile(r"\(\s?p(?:[- ]value)?\s?[<=>≤]\s?[01]?[.·]\d+\s?\)", re.IGNORECASE)
_THAN = re.compile(r"\b(?:than|compared (?:with|to))\b", re.IGNORECASE)
_OTHERWISE = re.compile(r"\b(?:and|but|while|whereas)\b", re.IGNORECASE)
"""What sets two values of one outcome side by side over a p-value, and what may begin another."""


def can_be(text: str, reading: Reading) -> bool:
    """Whether a number can be a result: no time, dose, size, bound or reference."""
    before, after = text[: reading.start], text[reading.end :]
    alone = reading.kind in ("number", "mean", "median") and reading.spread is None and reading.lower is None
    if alone and (_NO_VALUE_BEFORE.search(before[-16:]) or _NO_VALUE_AFTER.match(after[:24])):
        return False
    if reading.percent is None and reading.total is None and _RANGE.match(after):
        return False
    return not re.search(r"\bn\s?=\s?$", before[-6:], re.IGNORECASE) and reading.kind != "limits"


def _alike(first: Reading, second: Reading) -> bool:
    return (
        first.kind == second.kind
        and (first.spread is None) == (second.spread is None)
        and (first.lower is None) == (second.lower is None)
        and (first.percent is None) == (second.percent is None)
    )


# Arms --------------------------------------------------------------------------------------------


def order_of(text: str, pair: Pair, arms: Arms) -> int | None:
    """Which of a pair is the asked arm's; None where the sentence does not tell."""
    if not arms.others:
        return None
    mine = mentions(text, arms.asked, arms.shorts)
    theirs = [span for other in arms.others for span in mentions(text, other, arms.shorts)]
    mine = [span for span in mine if not any(_overlap(span, other) for other in theirs)]
    theirs = [
        span
        for span in theirs
        if not any(_overlap(span, own) for own in mentions(text, arms.asked, arms.shorts))
    ]
    if not mine and not theirs:
        return None
    between = (pair[0].end, pair[1].start)
    tight = _JOINS.match(text[slice(*between)]) is not None
    told = [_beside(text, pair, mine, theirs)]
    if tight:
        told += [_listed(text, pair, mine, theirs, between), _enclosing(text, pair, mine, theirs)]
        told += [_ahead(text, pair, mine, theirs)]
    sure = {which for which in told if which is not None}
    return sure.pop() if len(sure) == 1 else None


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] < second[1] and second[0] < first[1]


Spans = Sequence[tuple[int, int]]


def _beside(text: str, pair: Pair, mine: Spans, theirs: Spans) -> int | None:
    """Each value stands right before, or right after, its arm's name: alternating with them."""
    events = sorted(
        [(pair[0].start, pair[0].end, "0"), (pair[1].start, pair[1].end, "1")]
        + [(a, b, "m") for a, b in mine if _reach(pair, a, b)]
        + [(a, b, "t") for a, b in theirs if _reach(pair, a, b)]
    )
    line = "".join(kind for _, _, kind in events)
    line = re.sub(r"m+", "m", re.sub(r"t+", "t", line))
    for pattern, which in ((r"m0t1", 0), (r"t0m1", 1), (r"0m1t", 0), (r"0t1m", 1)):
        if re.fullmatch(pattern, line):
            return which
    return None


_REACH = 60


def _reach(pair: Pair, start: int, end: int) -> bool:
    return pair[0].start - end <= _REACH and start - pair[1].end <= _REACH


def _listed(text: str, pair: Pair, mine: Spans, theirs: Spans, between: tuple[int, int]) -> int | None:
    """Both arms are named before the pair, or behind it with `respectively`: in the values' order."""
    if any(between[0] <= a < between[1] for a, _ in (*mine, *theirs)):
        return None
    behind = _RESPECTIVELY.search(text, pair[1].end)
    if behind is not None and behind.start() - pair[1].end < 160:
        after = [(a, w) for spans, w in ((mine, 0), (theirs, 1)) for a, b in spans if pair[1].end <= a]
        if {w for _, w in after} == {0, 1}:
            return min(after)[1]
    before = [(a, w) for spans, w in ((mine, 0), (theirs, 1)) for a, b in spans if b <= pair[0].start]
    if {w for _, w in before} != {0, 1} or any(a >= pair[1].end for a, _ in (*mine, *theirs)):
        return None
    which = [w for _, w in sorted(before)]
    if _FRONTED.match(text) and len(which) == 2:  # `Compared with cotton, wool was warmer (31 vs. 29)`
        return which[1]
    return which[0] if len([w for w, _ in itertools.groupby(which)]) == 2 else None


def _enclosing(text: str, pair: Pair, mine: Spans, theirs: Spans) -> int | None:
    """One arm before the pair and the other behind it: `less with wool (12 vs 14) than with cotton`."""
    before = {w for spans, w in ((mine, 0), (theirs, 1)) for _, b in spans if b <= pair[0].start}
    behind = {w for spans, w in ((mine, 0), (theirs, 1)) for a, _ in spans if a >= pair[1].end}
    than = re.match(r"[^.;]{0,40}?\b(?:than|compared (?:with|to)|versus|vs)\b", text[pair[1].end :])
    if than is None or _FRONTED.match(text) or len(before) != 1 or behind != {0, 1} - before:
        return None
    return before.pop()


def _ahead(text: str, pair: Pair, mine: Spans, theirs: Spans) -> int | None:
    """The arm of the first value where one arm alone is named, and said to be ahead or behind as the values are.

    `More blisters healed with wool (30/40 vs 21/41)`: the first value is the greater, as it must be if it is wool's.
    """
    if bool(mine) == bool(theirs) or any(b > pair[0].start for _, b in (*mine, *theirs)):
        return None
    before = text[: pair[0].start]
    more, less = _AHEAD.search(before), _BEHIND.search(before)
    first, second = (_size_of(one) for one in pair)
    if (more is None) == (less is None) or first == second or _FRONTED.match(text) or _NOT.search(before):
        return None
    if (first > second) != (more is not None):
        return None
    return 0 if mine else 1


_AHEAD = re.compile(r"\b(?:more|higher|greater|larger|longer)\b", re.IGNORECASE)
_BEHIND = re.compile(r"\b(?:fewer|less|lower|smaller|shorter)\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:no|not|nor|neither|than|compared|versus|vs)\b", re.IGNORECASE)


def _size_of(one: Reading) -> float:
    """What two values are compared by: the share, where a count tells of how many it is."""
    return float(one.value) / one.total if one.total else float(one.value)


_FRONTED = re.compile(
    r"\W*(?:when |as |in )?(?:compar(?:ed|ison) (?:with|to)|relative to|in contrast to|unlike)\b",
    re.IGNORECASE,
)

_MORE = re.compile(
    r"\b(?:higher|greater|more|longer|larger|increased)\b[^.;]{0,60}\bthan\b|\b(?:higher|greater|longer"
    r"|larger)\b",
    re.IGNORECASE,
)
_LESS = re.compile(
    r"\b(?:lower|less|fewer|shorter|smaller|decreased|reduced)\b[^.;]{0,60}\bthan\b|\b(?:lower|fewer"
    r"|shorter|smaller)\b",
    re.IGNORECASE,
)


def gainsaid(text: str, mine: Reading, theirs: Reading, arms: Arms) -> bool:
    """Whether `higher in the wool than in the cotton group` and the values' order do not fit together."""
    before = text[: min(mine.start, theirs.start)]
    than = re.search(r"\b(?:than|compared (?:with|to)|versus|vs)\b", before)
    more, less = _MORE.search(text), _LESS.search(text)
    if than is None or _FRONTED.match(text) or (more is None) == (less is None) or not comparison(text):
        return False
    ahead = mentions(text[: than.start()], arms.asked, arms.shorts)
    behind = mentions(text[than.end() :], arms.asked, arms.shorts)
    if bool(ahead) == bool(behind):
        return False
    greater = float(mine.value) > float(theirs.value)
    return greater != ((more is not None) == bool(ahead)) and mine.value != theirs.value
