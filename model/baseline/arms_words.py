"""Names of arms: what is one and what is not, its details, and the type that its words tell. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.baseline.paper import any_case
from model.tasks.arms import ArmType

__all__ = [
    "COMPARATOR",
    "GENERIC",
    "MOST",
    "TREATED",
    "Named",
    "all_arms",
    "given",
    "is_generic",
    "parts",
    "plain",
    "types_of",
    "without_role",
]

MOST = 8
"""Arms that a list may have; longer lists are of something else."""


@dataclass(frozen=True)
class Named:
    """An arm as a report names it once."""

    text: str
    quote: str
    size: int | None = None
    label: str = ""
    """What a table calls it; empty where only prose names it."""


# What is none ------------------------------------------------------------------------------------

_NO_ARM = any_case(
    r"^\W*[\d.]+\s?(?:mg|g|ml|%|weeks?|days?|months?|patients|participants|$|\()",
    r"^(?:one of|two|three|four|five|each)\b",
    r"^(?:(?:the )?(?:intervention|treatment|study|other|second|first))?(?: or| and)?(?: groups?| arms?"
    r"| conditions?)?$",
    r"\b(?:compared|significant\w*|differ\w*|was|were|had|did|is|are|would|could)\b",
    r"\b(?:with|of|the|an?|in|by|for|to|and|delivered|based|controlled)$", r"^intervention treatment$",
    r"^(?:groups?|arms?) ?(?:[a-z]|[ivx]+|\d)?\b", r"^(?:in|for|by|at|of|with|from|on|who|which)\b",
    r"^\d+ to\b", r"^(?:both|either|comparator|and)\b", r"\b(?:either|their|receive|consume|seen|same)\b",
    r"\bstratif\w+|\bblocks?\b|\brandom\w*|\bratio\b|\breceived\b",
)  # fmt: skip
"""What a phrase that is no arm by itself looks like."""


def all_arms(items: Sequence[str]) -> bool:
    """Whether a list is one of arms: at least two items, and none that cannot be an arm."""
    return len(items) >= 2 and all(
        _is_long_enough(bare := re.sub(r"\s*\([^)]*\)?", "", item).strip()) and not _NO_ARM.search(bare)
        for item in items
    )


def _is_long_enough(name: str) -> bool:
    return 3 <= len(name) <= 160 or (len(name) == 2 and name.isupper())


# Roles -------------------------------------------------------------------------------------------

_PEOPLE = (
    r"(?:groups?|arms?|conditions?|participants|patients|subjects|practices|schools?|clusters?|villages"
    r"|households|children|treatment)"
)
COMPARATOR = any_case(
    r"^\W*(?:controls?|comparators?|comparison|placebo|sham|(?:no|without) (?:\w+ )?(?:intervention|treatment|therapy)"
    r"|(?:usual|standard|routine|conventional) (?:\w+ )?(?:care|treatment|therapy|practice|management)"
    r"|(?:treatment|care) as usual|TAU|wait(?:ing)?[- ]?list|untreated|delayed|vehicle|non-?intervention"
    r"|(?:matching|oral|inactive) placebo|(?:con|ctrl|ctl|cont)\.?\W*$)(?!\w)",
    r"\bcontrols?(?: \w+)?$|\bplacebo(?: \w+)?$|\(controls?\b",
)
"""Names that say that an arm is what others are compared with."""

TREATED = any_case(
    r"^\W*(?:(?:interventions?|experimental|treatment|treated|active|verum|study|test)"
    rf"(?:[ -]{_PEOPLE})?(?: [A-H\d])?|exp|int)(?: \([A-Z]{{1,3}}\))?\W*$"
)
"""Names that say nothing but that an arm gets what is studied."""

_LETTERED = any_case(r"^(?:the )?(?:groups?|arms?) ?[-–]?(?:[A-H]|\d|I{1,3}|IV|V)$")
_BARE_CONTROL = any_case(
    rf"^(?:the )?(?:controls?|comparison|comparator|non-?intervention|con|ctrl|ctl)(?:[ -]{_PEOPLE})?(?: [A-H\d])?"
    r"(?: \([A-Z]{1,3}\))?$"
)
GENERIC = any_case(_LETTERED.pattern, TREATED.pattern, _BARE_CONTROL.pattern)
"""Names that do not say what was given: `Group A`, `intervention group`, `control`."""


def is_generic(name: str) -> bool:
    """Whether a name says nothing of what was given.

    >>> is_generic("Control group"), is_generic("Group A"), is_generic("wool group")
    (True, True, False)
    """
    return GENERIC.search(name.strip()) is not None


_ENDING = re.compile(
    r"^the |[\s-]*\b(?:groups?|arms?|conditions?|participants|patients|subjects|practices|schools?|clusters?|villages"
    r"|households|children)$",
    re.IGNORECASE,
)


def without_role(name: str) -> str:
    """A name without what every arm is called.

    >>> without_role("the wool group")
    'wool'
    """
    return _ENDING.sub("", name.strip())


# Types -------------------------------------------------------------------------------------------

_TYPES: tuple[tuple[ArmType, re.Pattern[str]], ...] = (
    ("SHAM_COMPARATOR", any_case(r"\bsham\b", r"\bsimulated\b")),
    ("PLACEBO_COMPARATOR", any_case(r"\bplacebos?\b", r"\bdummy (?:pill|tablet)s?\b")),
    (
        "NO_INTERVENTION",
        any_case(
            r"\b(?:no|without) (?:\w+ )?(?:treatment|intervention|therapy|supplement\w*|training)\b", r"^nothing\b",
            r"^no \w+$", r"\buntreated\b", r"\bwait(?:ing)?[- ]?list", r"\bobservation(?: only| alone)?$",
            r"\bdelayed intervention\b", r"^non-?intervention\b",
        ),
    ),
    (
        "ACTIVE_COMPARATOR",
        any_case(
            r"^(?:usual|standard|conventional|routine) (?:\w+ )?(?:care|treatment|therapy|management|practice)\b",
            r"^(?:treatment|care) as usual\b", r"^TAU\b",
        ),
    ),
)  # fmt: skip
_CONTROL = any_case(
    r"^(?:the )?(?:controls?|comparison|comparators?)\b",
    r"\bcontrols?(?: \w+)?$",
    r"\(controls?\b",
    r"^con$|^ctrl$",
)
_PLUS = re.compile(r"\s?\+\s?|\s(?:plus|and|combined with|in addition to)\s", re.IGNORECASE)


def types_of(names: Sequence[str], told: Sequence[str]) -> tuple[ArmType, ...]:
    """The type of each arm, by its name, and by what is told of one without a telling name; else `OTHER`.

    Beside one that is a comparator by its words, the others are experimental. A control of which nothing more is
    told stands as an active comparator: the register has no type for a comparator of unknown kind. What an arm gets
    beside a placebo, and not all arms get, makes it none of placebo.

    >>> types_of(["wool + placebo", "cotton + placebo"], ["", ""])
    ('OTHER', 'OTHER')
    >>> types_of(["education plus usual care", "usual care"], ["", ""])
    ('EXPERIMENTAL', 'ACTIVE_COMPARATOR')
    """
    besides = [
        {part.strip().casefold() for part in _PLUS.split(_outside(name)) if _type(part) is None}
        for name in names
    ]
    shared = set.intersection(*besides)
    types = [
        _kind(name, more) if not (own - shared) or _is_one(name) else None
        for name, more, own in zip(names, told, besides, strict=True)
    ]
    control = [
        kind is not None or _CONTROL.search(name) is not None for name, kind in zip(names, types, strict=True)
    ]
    treated = [TREATED.search(name) is not None for name in names]
    if not any(control) and any(treated) and not all(treated):
        return tuple("EXPERIMENTAL" if own else "OTHER" for own in treated)
    if all(control):  # each is one by its words: what they are compared with is not told
        return tuple(kind or "OTHER" for kind in types)
    return tuple(
        kind or ("ACTIVE_COMPARATOR" if own else "EXPERIMENTAL" if any(control) else "OTHER")
        for kind, own in zip(types, control, strict=True)
    )


def _is_one(name: str) -> bool:
    """Whether a name is of one thing, and not of several given together."""
    return _PLUS.search(_outside(name)) is None


def _outside(name: str) -> str:
    """A name without what stands in brackets, and without what every arm is called."""
    return without_role(re.sub(r"\s*\([^)]*\)?", "", name))


def _kind(name: str, told: str) -> ArmType | None:
    """By the name; by what is told only where the name says no more than that it is a control, or a letter."""
    own = _type(name)
    bare = re.sub(r"\s*\([^)]*\)?", "", name).strip()
    if own is None and is_generic(bare) and TREATED.search(bare) is None:
        inside = (_type(text) for text in re.findall(r"\(([^)]*)\)", name))
        return next(filter(None, inside), None) or _type(told)
    return own


def _type(text: str) -> ArmType | None:
    bare = re.sub(r"\s*\([^)]*\)?", "", text).strip()
    return next((kind for kind, words in _TYPES if words.search(bare)), None)


# Details -----------------------------------------------------------------------------------------

_DETAIL = re.compile(
    r"\s*(?:,\s*)?\b(?:(?:at )?(?:an? )?(?:(?:\w+ )?(?:dose|dosage) of )?"
    r"\d[\d.,–-]*\s?(?:mg|g|µg|μg|mcg|ml|mL|IU|U|units?|%|mmol"
    r"|minutes?|min|sessions?"
    r"|times|hours?|h)\b|(?:once|twice|thrice|daily|weekly|every)\b|for (?:\d+|\w+) (?:days?|weeks?|months?"
    r"|years?)\b).*$",
    re.IGNORECASE,
)
_NO_DETAIL = any_case(
    r"^\d+(?: (?:patients|participants|subjects|children|wom[ae]n|m[ae]n|people|adults))?$",
    r"^(?:see )?(?:fig|table)",
)
"""How many there were, and where more is told."""
_SIZE = re.compile(r"\s*[(\[]?\bn\s?=\s?[\d,]+\s*[)\]]?,?\s*", re.IGNORECASE)


def plain(text: str) -> str:
    """A name without how many there were."""
    return _SIZE.sub(" ", text).replace("()", "").strip(" ,;")


def parts(text: str) -> tuple[str, str]:
    """Name and details.

    >>> parts("metformin 500 mg twice daily (n = 40)")
    ('metformin', '500 mg twice daily')
    """
    whole = plain(text)
    inside = [m.strip("() ") for m in re.findall(r"\([^)]*\)", whole)]
    inside = [text for text in inside if not _NO_DETAIL.match(text)]
    bare = re.sub(r"\s*\([^)]*\)?", "", whole).strip(" ,")
    name = re.sub(r"(?: (?:for|at|on|in|over|and|least|within))+$", "", _DETAIL.sub("", bare).strip(" ,"))
    if not name or re.search(r"(?:^| )(?:with|of|to|up|about)$", name):  # `treatment with 20 mg omeprazole`
        return bare, "; ".join(inside)
    detail = bare[len(name) :].strip(" ,")
    return name, "; ".join(filter(None, (detail, *inside)))


def given(label: str) -> tuple[str, ...]:
    """What was given, by name: `wool plus lotion` are two."""
    bare = re.sub(r"\s*\b(?:groups?|arms?)\b", "", label)
    return tuple(
        part.strip()[:200] for part in re.split(r"\s(?:plus|\+|combined with)\s", bare) if part.strip()
    )[:20]
