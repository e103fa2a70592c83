"""Task `arms` by rules: the arms that one sentence on the random allocation names. It abstains rather than guesses.

Read are the title, the abstract and the methods, where a report says `randomised to X or Y`, `into two
groups: X and Y`, or `group A received X`. A list of which one item cannot be an arm is no list of arms.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from model.baseline.paper import Sentence, any_case, sentences_of
from model.baseline.reading import MAX_QUOTE
from model.tasks.arms import Arm, ArmsAnswer, ArmsInput, ArmType

__all__ = ["arms_of"]

MOST = 8
"""Arms that a list in a sentence may have; longer lists are of something else."""


@dataclass(frozen=True)
class _Named:
    """An arm as a sentence names it."""

    text: str
    quote: str


def arms_of(asked: ArmsInput) -> ArmsAnswer:
    """The arms, from the first sentence that names them all; `not_found` where none does."""
    own = [s for s in sentences_of(asked) if s.about_itself and len(s.text) <= MAX_QUOTE]
    for rule in (_allocated, _divided, _received):
        named = rule(own)
        arms = _arms(named) if 2 <= len(named) <= MOST else ()
        if arms:
            return ArmsAnswer(status="found", arms=arms)
    return ArmsAnswer(status="not_found")


# Sentences ---------------------------------------------------------------------------------------

_RANDOM = (
    r"(?:randomi[sz]ed|randomly (?:assigned|allocated|divided|distributed|selected)"
    r"|random(?:ly)? allocation|allocated|assigned)"
)
_ALLOCATED = any_case(
    rf"\b{_RANDOM}(?:,? in an? [\w:]+ (?:ratio|fashion|manner),?)?(?: \d:\d(?::\d)*)?(?: \([^)]*\))?"
    r"(?: in an? [\w:]+ (?:ratio|fashion|manner))?(?: [\w,]+){0,5}? to (?:(?:receive|take|undergo|get|have|wear"
    r"|use|drink|eat|one of"
    r"|treatment with|either|a|an|the|be given) ){0,3}(?P<list>[^.;:]{5,400})"
)
_DIVIDED = any_case(
    rf"\b{_RANDOM}[^.;:]{{0,60}}? (?:in)?to (?P<n>two|three|four|five|six|2|3|4|5|6) (?:\w+ ){{0,3}}?(?:groups|arms)"
    r"(?: \([^)]*\))?\s?[:,;]\s?(?P<list>[^.]{5,400})",
    rf"\b{_RANDOM}[^.;:]{{0,60}}? (?:in)?to (?P<list2>(?:an? |the )[^.;:]{{5,300}}? groups?\b[^.;:]{{0,150}})",
)
_COUNT = {word: n for n, word in enumerate(("two", "three", "four", "five", "six"), start=2)}

_OR = re.compile(r",? (?:or|versus|vs\.?) (?:to (?:receive )?)?")
_SPLIT_AND = re.compile(r",? (?:and|or|versus|vs\.?) (?=(?:an? |the )?\w)|[,;] (?:and )?|; ")
_STOP = re.compile(
    r"(?:,.*|;.*| (?:and (?:were|was|are|is|followed|assessed|treated|then|had|to|the \w+ (?:was|were))|who"
    r"|which|where|that|while|then"
    r"|using|with the|to|according|by (?:an?|the|means)|stratified|in addition|after|before|during|on (?:top|day|the)"
    r"|administered|given|as(?! usual)|in (?:an?|\d)|at (?:an?|the)|prior to|until|if|because|and \d|for (?:up"
    r"|an?|the))\b.*)$",
    re.IGNORECASE,
)
"""Where the last item of a list ends and the sentence goes on."""


def _allocated(own: Iterable[Sentence]) -> list[_Named]:
    """`randomised to receive X or Y`, `X, Y, or Z`: the last item stands behind `or`."""
    for sentence in own:
        hit = _ALLOCATED.search(sentence.text)
        items = _alternatives(hit["list"]) if hit is not None else []
        if _all_arms(items):
            return [_Named(item, sentence.text) for item in items]
    return []


def _alternatives(listed: str) -> list[str]:
    closed = _closed(listed)
    ors = list(_OR.finditer(closed))
    if not ors:
        return []
    first = ors[0]
    before = closed[: first.start()]
    if "," in before and not first.group().startswith(","):
        return []  # `daily, slow-release X or Y`: of such commas, which part arms?
    cuts = [hit.span() for hit in re.finditer(r", ", before)] if "," in first.group() else []
    cuts.append(first.span())
    # `X or Y or Z` goes on; a comma behind `or` ends the list.
    end = _end(closed, first.end())
    cuts += [hit.span() for hit in ors[1:] if hit.end() < end]
    starts = [0, *(b for _, b in cuts)]
    ends = [*(a for a, _ in cuts), end]
    return [_trimmed(listed[a:b]) for a, b in zip(starts, ends, strict=True)]


def _end(closed: str, start: int) -> int:
    return start + len(_STOP.sub("", closed[start:]))


def _trimmed(item: str) -> str:
    return re.sub(r"^(?:(?:either|the|an?|to|receive) )+", "", item.strip(" ,:"))


def _divided(own: Iterable[Sentence]) -> list[_Named]:
    """`divided into two groups: X and Y`, `into a wool group and a cotton group`."""
    for sentence in own:
        hit = _DIVIDED.search(sentence.text)
        if hit is None:
            continue
        items = _items(hit["list"] or hit["list2"])
        count = _COUNT.get((hit["n"] or "").lower()) or (
            int(hit["n"]) if (hit["n"] or "").isdigit() else None
        )
        called = hit["list2"] is None or all(re.search(r"\b(?:group|arm)\b", item) for item in items)
        if called and _all_arms(items) and count in (None, len(items)):
            return [_Named(item, sentence.text) for item in items]
    return []


_RECEIVED = re.compile(
    r"\b(?:[Gg]roup|[Aa]rm) (?P<label>[A-H]|[1-6]|I{1,3}|IV)(?: \([^)]*\))?,? (?:received|were given|was given"
    r"|got|wore|underwent"
    r"|had) (?P<what>[^.;]{4,200}?)(?=[.;]|,? (?:and|while|whereas) (?:[Gg]roup|[Aa]rm) |$)"
)


def _received(own: Sequence[Sentence]) -> list[_Named]:
    """`Group A received X and group B Y`, in one sentence or in neighbouring ones."""
    found: dict[str, _Named] = {}
    for sentence in own:
        for hit in _RECEIVED.finditer(sentence.text):
            found.setdefault(hit["label"], _Named(hit["what"].strip(), sentence.text))
    labels = list(found)
    wanted = next(
        (list(s[: len(labels)]) for s in ("ABCDEFGH", "123456") if labels == list(s[: len(labels)])), None
    )
    roman = ["I", "II", "III", "IV"][: len(labels)]
    # A group that is missing from the row was described in other words.
    return (
        list(found.values())
        if labels in (wanted, roman) and _all_arms([n.text for n in found.values()])
        else []
    )


def _closed(listed: str) -> str:
    return re.sub(r"\([^)]*\)?|\[[^\]]*\]?", lambda hit: "\u25a1" * len(hit.group()), listed)


def _items(listed: str) -> list[str]:
    """The items of a list behind a colon, verbatim; what stands in brackets is not split."""
    closed = _closed(listed)
    cuts = [hit.span() for hit in _SPLIT_AND.finditer(closed)]
    starts, ends = [0, *(b for _, b in cuts)], [*(a for a, _ in cuts), len(closed)]
    ends[-1] = _end(closed, starts[-1])
    items = [_trimmed(listed[a:b]) for a, b in zip(starts, ends, strict=True)]
    return [item for item in items if item]


_NO_ARM = any_case(
    r"^\W*[\d.]+\s?(?:mg|g|ml|%|weeks?|days?|months?|patients|participants|$|\()",
    r"^(?:one of|two|three|four|five|each)\b",
    r"^(?:(?:the )?(?:intervention|treatment|study|other|second|first))?(?: or| and)?(?: groups?| arms?"
    r"| conditions?)?$",
    r"\b(?:compared|significant\w*|differ\w*|was|were|had|did|is|are|would|could)\b",
    r"\b(?:with|of|the|an?|in|by|for|to|and|delivered|based|controlled)$", r"^intervention treatment$",
    r"^(?:groups?|arms?) ?(?:[a-z]|[ivx]+|\d)?\b", r"^(?:in|for|by|at|of|with|from|on|who|which)\b",
    r"^\d+ to\b", r"^(?:both|either|comparator|and)\b", r"\b(?:either|their|receive|consume|seen|same)\b",
    r"\bstratif\w+|\bblocks?\b|\brandom\w*|\bratio\b",
)  # fmt: skip
"""What a phrase that is no arm by itself looks like."""


def _all_arms(items: Sequence[str]) -> bool:
    return len(items) >= 2 and all(
        3 <= len(bare := re.sub(r"\s*\([^)]*\)?", "", item).strip()) <= 160 and not _NO_ARM.search(bare)
        for item in items
    )


# Arms --------------------------------------------------------------------------------------------

_TYPES: tuple[tuple[ArmType, re.Pattern[str]], ...] = (
    ("SHAM_COMPARATOR", any_case(r"\bsham\b", r"\bsimulated\b")),
    ("PLACEBO_COMPARATOR", any_case(r"\bplacebos?\b", r"\bdummy (?:pill|tablet)s?\b")),
    (
        "NO_INTERVENTION",
        any_case(
            r"\b(?:no|without) (?:\w+ )?(?:treatment|intervention|therapy|supplement\w*|training)\b", r"^nothing\b",
            r"^no \w+$", r"\buntreated\b", r"\bwait(?:ing)?[- ]?list", r"\bobservation(?: only| alone)?$",
            r"\bdelayed intervention\b",
        ),
    ),
    (
        "ACTIVE_COMPARATOR",
        any_case(
            r"^(?:usual|standard|conventional|routine) (?:\w+ )?(?:care|treatment|therapy|management|practice)\b",
            r"^(?:treatment|care) as usual\b", r"^TAU$",
        ),
    ),
)  # fmt: skip
_DETAIL = re.compile(
    r"\s*(?:,\s*)?\b(?:(?:at )?(?:an? )?(?:dose of )?\d[\d.,–-]*\s?(?:mg|g|µg|μg|mcg|ml|mL|IU|U|units?|%|mmol"
    r"|minutes?|min|sessions?"
    r"|times|hours?|h)\b|(?:once|twice|thrice|daily|weekly|every)\b|for (?:\d+|\w+) (?:days?|weeks?|months?"
    r"|years?)\b).*$",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\s*[(\[]?\bn\s?=\s?[\d,]+\s*[)\]]?,?\s*", re.IGNORECASE)


def _arms(named: Sequence[_Named]) -> tuple[Arm, ...]:
    """Label, type and details of each; none where two would have the same name."""
    parts = [_parts(n.text) for n in named]
    labels = [label for label, _ in parts]
    if len({label.casefold() for label in labels}) < len(labels):  # two doses of one drug
        parts = [(_plain(n.text), "") for n in named]
        labels = [label for label, _ in parts]
    if "" in labels or len({label.casefold() for label in labels}) < len(labels):
        return ()
    types = [_type(_plain(n.text)) for n in named]
    compared = any(types) or any(_CONTROL.search(n.text) for n in named)
    return tuple(
        Arm(
            quote=n.quote,
            label=label[:200],
            type=kind or ("EXPERIMENTAL" if compared and not _CONTROL.search(n.text) else "OTHER"),
            description=detail[:1000],
            interventions=() if kind == "NO_INTERVENTION" else _given(label),
        )
        for n, (label, detail), kind in zip(named, parts, types, strict=True)
    )


_CONTROL = any_case(r"^controls?\b", r"\(controls?\b")


def _type(text: str) -> ArmType | None:
    return next((kind for kind, words in _TYPES if words.search(text)), None)


def _plain(text: str) -> str:
    return _SIZE.sub(" ", text).replace("()", "").strip(" ,;")


def _parts(text: str) -> tuple[str, str]:
    """Name and details: `metformin` and `500 mg twice daily`."""
    whole = _plain(text)
    inside = [m.strip("() ") for m in re.findall(r"\([^)]*\)", whole)]
    inside = [text for text in inside if not text.isdigit()]  # how many there were
    bare = re.sub(r"\s*\([^)]*\)?", "", whole).strip(" ,")
    name = _DETAIL.sub("", bare).strip(" ,")
    if not name:
        return bare, "; ".join(inside)
    detail = bare[len(name) :].strip(" ,")
    return name, "; ".join(filter(None, (detail, *inside)))


def _given(label: str) -> tuple[str, ...]:
    """What was given, by name: `wool plus lotion` are two."""
    bare = re.sub(r"\s*\b(?:groups?|arms?)\b", "", label)
    return tuple(
        part.strip()[:200] for part in re.split(r"\s(?:plus|\+|combined with)\s", bare) if part.strip()
    )[:20]
