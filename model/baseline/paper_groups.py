"""Phrases and groups as a report names them: abbreviations written out, `group A`, `the controls`. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from model.baseline.words import GENERIC, STOP, VAGUE, fold

__all__ = [
    "Group",
    "Shorts",
    "Token",
    "doses_in",
    "groups_of",
    "in_role",
    "key",
    "keys",
    "mentions",
    "read_shorts",
    "tokens",
]

Shorts = dict[str, frozenset[str]]
"""Abbreviation, as written, to the keys of what it stands for."""

_WORD = re.compile(r"[^\W_]+(?:['’][a-z]+)?")
_COMPOUND = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-/+][A-Za-z0-9]+)+")
_ENDINGS = re.compile(
    r"(?:ational|ations?|ating|ated|ate|ments?|ness|ities|ity|ical|ically|ional|ions?|ings?|ingly|ive|ous|ally|al|ed"
    r"|ic|ly|er|e|y)$"
)


@lru_cache(maxsize=100_000)
def key(word: str) -> str:
    """One form for words of one root, for comparing only.

    >>> key("hospitalisations") == key("hospitalised"), key("pain")
    (True, 'pain')
    """
    folded = fold(word)
    stem = _ENDINGS.sub("", folded) if len(folded) > 5 else folded
    return stem if len(stem) >= 4 else folded


@dataclass(frozen=True)
class Token:
    """A word at its place; an abbreviation has the keys of what it stands for too."""

    start: int
    end: int
    keys: frozenset[str]


def tokens(text: str, shorts: Shorts) -> list[Token]:
    """The words of a text in order; function words have no keys."""
    made = []
    for hit in _WORD.finditer(text):
        word = hit.group()
        own = frozenset({key(word)}) if word.lower() not in STOP else frozenset[str]()
        long = shorts.get(word) or shorts.get(word.removesuffix("s"), frozenset())
        made.append(Token(hit.start(), hit.end(), own | long))
    made += [
        Token(*hit.span(), shorts[hit.group()]) for hit in _COMPOUND.finditer(text) if hit.group() in shorts
    ]
    return sorted(made, key=lambda token: token.start)


def keys(text: str, shorts: Shorts) -> frozenset[str]:
    """All keys of a text."""
    return frozenset().union(*(token.keys for token in tokens(text, shorts)))


# Abbreviations -----------------------------------------------------------------------------------

_IN_BRACKETS = re.compile(r"\(\s?([A-Za-z][A-Za-z0-9/+-]{1,9})s?\s?[),;=]")


def read_shorts(texts: Iterable[str]) -> Shorts:
    """The abbreviations that a report explains: `mean arterial pressure (MAP)`.

    The letters must stand in the words before it in order, the first at a word's beginning (Schwartz and
    Hearst 2003); the first explanation counts.
    """
    found: Shorts = {}
    for text in texts:
        for hit in _IN_BRACKETS.finditer(text):
            short = hit[1].removesuffix("s")
            if sum(letter.isupper() for letter in short) < 2 or short in found:
                continue
            words = text[max(0, hit.start() - 120) : hit.start()].split()[-len(short) - 5 :]
            long = _long_form(short.lower(), words)
            if long:
                found[short] = frozenset(key(w) for w in _WORD.findall(long) if w.lower() not in STOP)
    return found


def _long_form(short: str, words: Sequence[str]) -> str:
    """The shortest run of words before an abbreviation that holds its letters in order; empty without one."""
    before = " ".join(words)
    at = len(before)
    letters = [letter for letter in short if letter.isalnum()]
    for number, letter in reversed(list(enumerate(letters))):
        at -= 1
        while at >= 0 and (
            before[at].lower() != letter or (number == 0 and at > 0 and before[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return ""
    return before[at:]


# Groups ------------------------------------------------------------------------------------------

_CONTROL = re.compile(
    r"\b(?:controls?|placebo|sham|usual|standard|conventional|routine|untreated|no (?:treatment|intervention)"
    r"|wait(?:ing)?[- ]?list(?:ed)?|vehicle|saline|comparison)\b",
    re.IGNORECASE,
)
_PEOPLE = (
    r"(?:groups?|arms?|patients|participants|subjects|women|men|children|conditions?|practices|schools?"
    r"|villages|clusters"
    r"|homes|sites?|sides?|eyes?|units?|animals|rats|mice|students|diet|period|treatment)"
)
_CONTROL_ALIAS = re.compile(
    rf"\bcontrols\b|\bcontrol (?:\w+ )?{_PEOPLE}\b|\b(?:the|in|than|to|with|vs\.?|versus|and"
    rf"|for) control\b(?! of| for)"
    r"|\b(?:placebo|sham|usual[- ]care|comparison group|comparator)\b",
    re.IGNORECASE,
)
_TREATED_ALIAS = re.compile(
    rf"\b(?:intervention|treatment|treated|experimental|active|verum)[- ](?:treatment )?{_PEOPLE}\b"
    r"|\bstudy (?:group|arm)\b|\bthe intervention\b",
    re.IGNORECASE,
)
_LABEL = r"(?:[A-H]|[1-6]|I{1,3}|IV|V)"
_DESIGNATED = re.compile(
    rf"\b(?:group|arm)s? ?[-–]?({_LABEL})\b(?![-–'’]\w)|\b([A-Z]{{1,2}}[1-4])\b", re.IGNORECASE
)
_UNTELLING_LIST = """
group groups arm arms condition plus alone day week month hour minute dose mg kg ml g µg μg mcg iu d h daily e i
"""
_UNTELLING = frozenset(map(key, (*GENERIC, *VAGUE, *_UNTELLING_LIST.split())))
"""Words that many groups' names have."""


@dataclass(frozen=True)
class Group:
    """How one of the compared groups is named."""

    keys: frozenset[str]
    """Words that no other group's name has."""
    labels: frozenset[str]
    """`A` of group A, lower case."""
    control: bool
    """Whether its name is that of a control: then "the controls" means it."""
    treated: bool
    """Whether "the intervention group" can mean it alone."""
    doses: frozenset[str] = frozenset()
    """Doses in its name, such as `600`."""


def groups_of(
    names: Sequence[str], shorts: Shorts, texts: Iterable[str], reference: int | None = None
) -> tuple[Group, ...]:
    """The groups behind these names, each with what tells it from the others.

    Args:
        names: as asked for, such as `insulin 5 U (group A)`.
        shorts: the report's abbreviations.
        texts: its sentences, in which `group A` may be explained.
        reference: which of them the others are compared with: the controls, where none is named as such.
    """
    own = [keys(name, shorts) - _UNTELLING or keys(name, shorts) for name in names]
    common = frozenset.intersection(*own) if len(own) > 1 else frozenset[str]()
    apart = [{k for k in each - common if not k.isdigit()} or (each - common) for each in own]
    labels = [set(_labels(name)) for name in names]
    explained = _explained(texts, shorts) if not any(labels) else {}
    for label, words in explained.items():
        shares = [len(words & each) / len(each) if each else 0.0 for each in apart]
        best = max(shares)
        if best >= 0.5 and shares.count(best) == 1:
            labels[shares.index(best)].add(label)
    control = [_CONTROL.search(name) is not None for name in names]
    if reference is not None and not any(control):
        control[reference] = True
    alone = control.count(True) == 1
    return tuple(
        Group(
            keys=frozenset(apart[i]),
            labels=frozenset(labels[i] - set().union(*(labels[j] for j in range(len(names)) if j != i))),
            control=control[i] and alone,
            treated=not control[i] and (len(names) == 1 or (len(names) == 2 and alone)),
            doses=doses_in(names[i]),
        )
        for i in range(len(names))
    )


_DOSE = re.compile(r"(\d[\d,.]*)\s?(?:mg|g|µg|μg|mcg|ml|mL|IU|U|units?|%)(?![A-Za-z])")


def doses_in(text: str) -> frozenset[str]:
    """Doses that a name gives.

    >>> sorted(doses_in("quetiapine 600 mg/day"))
    ['600']
    """
    return frozenset(_DOSE.findall(text))


def _labels(text: str) -> list[str]:
    return [(hit[1] or hit[2]).lower() for hit in _DESIGNATED.finditer(text)]


_BEFORE = re.compile(rf"([^.;()]{{3,90}})\((?:the )?(?:group|arm) ({_LABEL})\b", re.IGNORECASE)
_AFTER = re.compile(
    rf"\b(?:group|arm) ({_LABEL})\s?(?:[(:,=]|\breceived\b|\bwas given\b|\bwere given\b)([^.;)]{{3,90}})",
    re.IGNORECASE,
)


def _explained(texts: Iterable[str], shorts: Shorts) -> dict[str, frozenset[str]]:
    """`group A` to the words beside it where it is explained; a label explained twice differently is dropped."""
    found: dict[str, frozenset[str]] = {}
    for text in texts:
        if "roup" not in text and "rm" not in text:
            continue
        told = [(hit[2], hit[1]) for hit in _BEFORE.finditer(text)]
        told += [(hit[1], re.split(r"\b(?:group|arm)\b", hit[2])[0]) for hit in _AFTER.finditer(text)]
        for label, words in told:
            found.setdefault(label.lower(), keys(words.rpartition(",")[2] or words, shorts))
    return found


_CONTROL_NEAR = re.compile(rf"\bcontrols\b|\b(?:control|comparison) {_PEOPLE}\b", re.IGNORECASE)
_BESIDE = re.compile(r"[.;]|,|\b(?:and|while|whereas|but|or|versus|vs)\b")
"""Where what one group got ends."""


def in_role(group: Group, texts: Iterable[str], shorts: Shorts) -> Group:
    """A group asked for alone: whether the report calls it the control or the intervention group, or neither."""
    votes = {True: 0, False: 0}
    for text in texts:
        for control, pattern in ((True, _CONTROL_NEAR), (False, _TREATED_ALIAS)):
            for hit in pattern.finditer(text):
                bracketed = text[: hit.start()].rstrip().endswith("(")  # `wool socks (control group)`
                near = keys(_before(text[: hit.start()]) if bracketed else _after(text[hit.end() :]), shorts)
                votes[control] += 2 * len(near & group.keys) > len(group.keys)
    return replace(
        group,
        control=group.control or votes[True] > 2 * votes[False],
        treated=not group.control and votes[False] > 2 * votes[True],
    )


def _before(text: str) -> str:
    return _BESIDE.split(text)[-1]


def _after(text: str) -> str:
    return _BESIDE.split(text, maxsplit=1)[0]


def mentions(text: str, group: Group, shorts: Shorts) -> list[tuple[int, int]]:
    """Where a text names a group, in order."""
    found = [(t.start, t.end) for t in tokens(text, shorts) if t.keys & group.keys]
    found += [hit.span() for hit in _DESIGNATED.finditer(text) if (hit[1] or hit[2]).lower() in group.labels]
    if group.control:
        found += [hit.span() for hit in _CONTROL_ALIAS.finditer(text)]
    if group.treated:
        found += [hit.span() for hit in _TREATED_ALIAS.finditer(text)]
    return _joined(sorted(found), text)


def _joined(spans: Sequence[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Neighbouring words of one name are one mention."""
    made: list[tuple[int, int]] = []
    for start, end in spans:
        if made and start - made[-1][1] <= 12 and not re.search(r"[.;,()]", text[made[-1][1] : start]):
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made
