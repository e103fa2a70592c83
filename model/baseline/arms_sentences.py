"""Lists of arms that one sentence names. Pure.

Read are sentences about this trial: on the random allocation, `randomised to X or Y`, `into two groups: X and Y`,
`40 to X and 38 to Y`, `the X group (n = 40) and the Y group (n = 38)`, `group A received X`. A list of which one item
cannot be an arm is no list of arms.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from model.baseline.arms_words import COMPARATOR, TREATED, Named, all_arms, plain
from model.baseline.counts import counts_in
from model.baseline.paper import Sentence, any_case
from model.baseline.sample_cues import NOUN, RANDOMISING, numbers_a_thing

__all__ = ["ALLOCATING", "COUNT", "RULES", "ratio_in", "trimmed"]

_RANDOM = (
    r"(?:randomi[sz]ed|randomly (?:assigned|allocated|divided|distributed|selected)"
    r"|random(?:ly)? allocation|allocated|assigned)"
)
ALLOCATING = any_case(rf"\b{_RANDOM}\b", RANDOMISING.pattern, r"\breceived either\b", r"\bdivided into\b")
"""Sentences on who got what."""

_ALLOCATED = any_case(
    rf"\b{_RANDOM}(?:,? in an? [\w:]+ (?:ratio|fashion|manner),?)?(?: \d:\d(?::\d)*)?(?: \([^)]*\))?"
    r"(?: in an? [\w:]+ (?:ratio|fashion|manner))?(?: [\w,]+){0,5}? to (?:(?:receive|take|undergo|get|have|wear"
    r"|use|drink|eat|one of"
    r"|treatment with|either|a|an|the|be given) ){0,3}(?P<list>(?:[^.;:]|\.(?=\d)|:(?=\d)){5,400})",
)
_DIVIDED = any_case(
    rf"\b{_RANDOM}[^.;:]{{0,60}}? (?:in)?to (?P<n>two|three|four|five|six|2|3|4|5|6) (?:\w+ ){{0,3}}?(?:groups|arms)"
    r"(?: \([^)]*\))?\s?[:,;]\s?(?P<list>[^.]{5,400})",
    rf"\b{_RANDOM}[^.;:]{{0,60}}? (?:of the )?following [^.;:]{{0,60}}:\s?(?P<list3>[^.]{{5,400}})",
    rf"\b{_RANDOM}[^.;:]{{0,60}}? (?:in)?to (?P<list2>(?:an? |the )[^.;:]{{5,300}}? groups?\b[^.;:]{{0,150}})",
)
COUNT = {word: n for n, word in enumerate(("two", "three", "four", "five", "six"), start=2)}

_OR = re.compile(r",? (?:or|versus|vs\.?) (?:to (?:receive )?)?")
_SPLIT_AND = re.compile(r",? (?:and|or|versus|vs\.?) (?=(?:an? |the )?\w)|[,;] (?:and )?|; ")
_STOP = re.compile(
    r"(?:,.*|;.*| (?:and (?:were|was|are|is|followed|assessed|treated|then|had|to|the \w+ (?:was|were))|who"
    r"|which|where|that|while|then"
    r"|using|with the|to|according|by (?:an?|the|means)|stratified|in addition|after|before|during|on (?:top|day|the)"
    r"|administered|given|as(?! usual)|in (?:an?|the|\d)|at (?:an?|the)|prior to|until|if|because|and \d|between"
    r"|for (?:up|an?|the))\b.*)$",
    re.IGNORECASE,
)
"""Where the last item of a list ends and the sentence goes on."""


def _allocated(own: Iterable[Sentence]) -> list[Named]:
    """`randomised to receive X or Y`, `X, Y, or Z`: the last item stands behind `or`."""
    for sentence in own:
        hit = _ALLOCATED.search(sentence.text)
        items = _alternatives(hit["list"], ratio_in(sentence.text)) if hit is not None else []
        if all_arms(items):
            return [Named(item, sentence.text) for item in items]
    return []


_EITHER = any_case(r"\b(?<!who )received either (?:an? |the )?(?P<list>(?:[^.;:]|\.(?=\d)){5,400})")


def _either(own: Iterable[Sentence]) -> list[Named]:
    """`Hikers received either X or Y`."""
    for sentence in own:
        hit = _EITHER.search(sentence.text)
        items = _alternatives(hit["list"], None) if hit is not None else []
        if all_arms(items):
            return [Named(item, sentence.text) for item in items]
    return []


def _alternatives(listed: str, wanted: int | None) -> list[str]:
    """The items of `X or Y`; `X, Y or Z` are three where that many are said to be.

    Of `daily, slow-release X or Y`, which commas part arms?
    """
    closed = _closed(listed)
    ors = list(_OR.finditer(closed))
    if not ors:
        return []
    first = ors[0]
    commas = [hit.span() for hit in re.finditer(r", ", closed[: first.start()])]
    listing = first.group().startswith(",") or len(commas) + 2 == wanted
    if commas and not listing:
        return []
    cuts = [*commas, first.span()]
    # `X or Y or Z` goes on; a comma behind `or` ends the list.
    end = _end(closed, first.end())
    cuts += [hit.span() for hit in ors[1:] if hit.end() < end]
    starts = [0, *(b for _, b in cuts)]
    ends = [*(a for a, _ in cuts), end]
    return [trimmed(listed[a:b]) for a, b in zip(starts, ends, strict=True)]


_RATIO = re.compile(r"(?<![\d:])\d(?:\s?[:∶]\s?\d){1,5}(?![\d:])")


def ratio_in(text: str) -> int | None:
    """How many arms a ratio of allocation is for: three of `1:1:1`."""
    hit = _RATIO.search(text)
    return len(re.findall(r"\d", hit.group())) if hit is not None else None


def _end(closed: str, start: int) -> int:
    return start + len(_STOP.sub("", closed[start:]))


def trimmed(item: str) -> str:
    item = re.sub(r"^\(?(?:\d|[ivx]{1,3}|[a-d])\)\s*", "", item.strip(" ,:"))
    item = re.sub(
        r"^(?:(?:either|the|an?|to|receive|be treated with|be given|be administered|be left|be) )+", "", item
    )
    return re.sub(r"(?: (?:delivered|administered|provided|given|alone or))+$", "", item)


def _divided(own: Iterable[Sentence]) -> list[Named]:
    """`divided into two groups: X and Y`, `into a wool group and a cotton group`."""
    for sentence in own:
        hit = _DIVIDED.search(sentence.text)
        if hit is None:
            continue
        items = _items(hit["list"] or hit["list3"] or hit["list2"])
        count = COUNT.get((hit["n"] or "").lower()) or (int(hit["n"]) if (hit["n"] or "").isdigit() else None)
        called = hit["list2"] is None or all(re.search(r"\b(?:group|arm)\b", item) for item in items)
        if called and all_arms(items) and count in (None, len(items)):
            return [Named(item, sentence.text) for item in items]
    return []


_RECEIVED = re.compile(
    r"\b(?:[Gg]roup|[Aa]rm) (?P<label>[A-H]|[1-6]|I{1,3}|IV)(?: \([^)]*\))?,? (?:received|were given|was given"
    r"|got|wore|underwent"
    r"|had) (?P<what>[^.;]{4,200}?)(?=[.;]|,? (?:and|while|whereas) (?:[Gg]roup|[Aa]rm) |$)"
)


def _received(own: Iterable[Sentence]) -> list[Named]:
    """`Group A received X and group B Y`, in one sentence or in neighbouring ones."""
    found: dict[str, Named] = {}
    for sentence in own:
        for hit in _RECEIVED.finditer(sentence.text):
            found.setdefault(hit["label"], Named(hit["what"].strip(), sentence.text))
    labels = list(found)
    wanted = next(
        (list(s[: len(labels)]) for s in ("ABCDEFGH", "123456") if labels == list(s[: len(labels)])), None
    )
    roman = ["I", "II", "III", "IV"][: len(labels)]
    # A group that is missing from the row was described in other words.
    named = labels in (wanted, roman) and all_arms([n.text for n in found.values()])
    return list(found.values()) if named else []


def _closed(listed: str) -> str:
    return re.sub(r"\([^)]*\)?|\[[^\]]*\]?", lambda hit: "\u25a1" * len(hit.group()), listed)


def _items(listed: str) -> list[str]:
    """The items of a list behind a colon, verbatim; what stands in brackets is not split."""
    closed = _closed(listed)
    cuts = [hit.span() for hit in _SPLIT_AND.finditer(closed)]
    starts, ends = [0, *(b for _, b in cuts)], [*(a for a, _ in cuts), len(closed)]
    ends[-1] = _end(closed, starts[-1])
    items = [trimmed(listed[a:b]) for a, b in zip(starts, ends, strict=True)]
    return [item for item in items if item]


# Sizes and groups --------------------------------------------------------------------------------

_WORD = r"[\w+/&’'-]+"
_TO = re.compile(
    rf"(?: (?:\w+ )?{NOUN})?(?: (?:were|was))?(?: \w+ly)?(?: (?:randomi[sz]ed|assigned|allocated))? (?:in)?to"
    rf"(?: receive)?(?: (?:an?|the|either))? (?P<what>{_WORD}(?: {_WORD}){{0,5}}?)"
    rf"(?=,? (?:and|versus|vs\.?|or|while|whereas) (?:the (?:other|remaining) )?(?:\d|{NOUN})|[,;.(]| \(|$)",
    re.IGNORECASE,
)
_ALIKE = 8
"""Factor within which the sizes of a trial's arms are."""


def _sized(own: Iterable[Sentence]) -> list[Named]:
    """`66 were randomised to wool and 73 to cotton`."""
    for sentence in own:
        if ALLOCATING.search(sentence.text) is None:
            continue
        named = [
            Named(trimmed(hit["what"]), sentence.text, count.value)
            for count in counts_in(sentence.text)
            if count.value > 1 and not numbers_a_thing(sentence.text, count)
            if (hit := _TO.match(sentence.text, count.end)) is not None
        ]
        if _are_alike(named) and all(_is_name(one.text) for one in named):
            return named
    return []


_BRACKET = re.compile(r",? ?[(\[](?:[^()\[\]]{0,60}[,;: ])?[nN]\s?=\s?(?P<n>\d+)\b[^()\[\]]{0,80}[)\]]")
_OPENING = any_case(r"(?:\b(?:either|receive|undergo|comparing|between|into|to be|(?<!\d )to)|:)\s")


def _counted(own: Iterable[Sentence]) -> list[Named]:
    """`assigned to wool (n = 59) or cotton (n = 53)`: what stands between the brackets, and before the first."""
    for sentence in own:
        begun = ALLOCATING.search(sentence.text)
        if begun is None:
            continue
        brackets = [hit for hit in _BRACKET.finditer(sentence.text) if hit.start() >= begun.end()]
        starts = [begun.end(), *(hit.end() for hit in brackets)]
        named = [
            Named(_last(sentence.text[a : hit.start()]), sentence.text, int(hit["n"]))
            for a, hit in zip(starts, brackets, strict=False)
        ]
        if _are_alike(named) and all(_is_name(one.text) for one in named):
            return named
    return []


def _last(text: str) -> str:
    """What follows the last `to` or `either`, or the comma of a list."""
    after = _OPENING.split(text)[-1]
    return trimmed(re.sub(r"^[\s,;]*(?:(?:and|or|versus|vs\.?) )?", "", after))


_GROUP = re.compile(
    rf"\b(?:to|into|or|and|either|versus|vs\.?)\s(?:(?:an?|the|either|to|in|into) )*"
    rf"(?P<what>(?!(?:an?|the|each|other|either|one|both|these|in|into|to)\b){_WORD}(?: {_WORD}){{0,3}}?)"
    r" (?P<kind>group|arm|condition)\b",
    re.IGNORECASE,
)


def _grouped(own: Iterable[Sentence]) -> list[Named]:
    """`allocated to the wool group or to the cotton group`."""
    for sentence in own:
        if ALLOCATING.search(sentence.text) is None:
            continue
        found: dict[str, Named] = {}
        for hit in _GROUP.finditer(sentence.text):
            name = f"{hit['what']} {hit['kind']}"
            found.setdefault(name.casefold(), Named(name, sentence.text))
        named = list(found.values())
        if len(named) >= 2 and all(_is_name(one.text) for one in named):
            return named
    return []


_NO_NAME = any_case(
    r"\b(?:was|were|had|did|is|are|receiv\w*|assigned|allocated|enrolled|whereas|comparing|who|which|that|from|than|after|before|between|during|patients"
    r"|participants|subjects|other|same|each|both|follow\w*|analy\w*|one of|groups|in)\b"
)


def _is_name(text: str) -> bool:
    """Whether it can be an arm; a role alone is one here, where groups are told apart in one sentence."""
    role = COMPARATOR.search(text) is not None or TREATED.search(text) is not None
    return _NO_NAME.search(text) is None and (role or all_arms([text, "wool"]))


def _are_alike(named: Sequence[Named]) -> bool:
    sizes = [one.size for one in named if one.size is not None]
    apart = {plain(one.text).casefold() for one in named}
    return len(sizes) >= 2 and len(apart) == len(named) and max(sizes) < _ALIKE * min(sizes)


RULES: tuple[Callable[[Iterable[Sentence]], list[Named]], ...] = (
    _allocated, _divided, _received, _either, _sized, _counted, _grouped,
)  # fmt: skip
"""From the surest to the least sure; each gives the arms of the first sentence that names them all, or none."""
