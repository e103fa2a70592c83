"""Which sentences of a narrative summary may stand: those whose every number is in a cell that they cite. Pure.

Sentences come from an engine, and may come from a language model. No such number is believed: a sentence that
cites nothing, cites a cell that does not exist, or says a number that none of its cells holds is dropped, and
listed with the reason. Numbers are compared by their value as written, `0.80` as `0.8` and `1,204` as `1204`,
never rounded; a percentage is another number than a count, and a minus sign makes another number.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from pydantic import Field

from tools.schemas import Frozen

__all__ = ["Dropped", "Fact", "Narrative", "Said", "numbers_of", "supported"]


class Fact(Frozen):
    """A cell or a pooled result as a summary may cite it."""

    id: str = Field(min_length=1)
    label: str
    value: str


class Said(Frozen):
    """A sentence and the ids of the cells it rests on."""

    text: str
    cells: tuple[str, ...] = ()


class Dropped(Frozen):
    """A sentence that may not stand, and why."""

    text: str
    cells: tuple[str, ...] = ()
    reason: str = Field(min_length=1)


class Narrative(Frozen):
    """A summary as it may be shown: what stands, and what was taken out."""

    sentences: tuple[Said, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def supported(sentences: Iterable[Said], facts: Sequence[Fact]) -> Narrative:
    """The sentences that their cells support, in order, and the others with the reason.

    Raises:
        ValueError: when two facts have one id; what a sentence cites would be open.
    """
    known = {fact.id: fact for fact in facts}
    if len(known) != len(facts):
        raise ValueError("two facts with one id. Remedy: number the cells of a summary through.")
    stands: list[Said] = []
    dropped: list[Dropped] = []
    for said in sentences:
        reason = _against(said, known)
        if reason is None:
            stands.append(said)
        else:
            dropped.append(Dropped(text=said.text, cells=said.cells, reason=reason))
    return Narrative(sentences=tuple(stands), dropped=tuple(dropped))


def _against(said: Said, known: dict[str, Fact]) -> str | None:
    """What speaks against a sentence; None where its cells support it."""
    if not said.text.strip():
        return "says nothing"
    if not said.cells:
        return "cites no cell"
    unknown = [cell for cell in said.cells if cell not in known]
    if unknown:
        return f"cites cells that do not exist: {', '.join(unknown)}"
    held = {n for cell in said.cells for n in numbers_of(f"{known[cell].label} ; {known[cell].value}")}
    missing = [written for written, number in _found(said.text) if number not in held]
    if missing:
        return f"says numbers that its cells do not hold: {', '.join(dict.fromkeys(missing))}"
    amounts = _AMOUNT.findall(said.text)
    cited = " ; ".join(f"{known[cell].label} {known[cell].value}".lower() for cell in said.cells)
    unheld = [word for word in amounts if word.lower() not in cited]
    return f"says amounts that its cells do not hold: {', '.join(dict.fromkeys(unheld))}" if unheld else None


# Numbers -----------------------------------------------------------------------------------------

Number = tuple[Decimal, bool]
"""A value, and whether it is a percentage."""

_DIGITS = re.compile(
    r"(?<![\w.])(?<![A-Za-z]-)(?P<minus>(?<!\d)(?<!\d )[-\u2212\u2013](?=[\d.]))?"
    r"(?P<n>\d{1,3}(?:[,\u2009\u202f\u00a0]\d{3})+(?:[.\u00b7]\d+)?|\d+(?:[.\u00b7]\d+)?|[.\u00b7]\d+)"
    r"(?P<exponent>e[-+]?\d+)?(?P<share>\s?(?:%|percent\b|per cent\b))?",
    re.IGNORECASE,
)
_SMALL = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_WORDS = {word: value for value, word in enumerate(f"{_SMALL} eighteen nineteen".split(), start=2)}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2
    )
}
_LARGE = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_WORD = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})(?:[ -](?P<unit>one|{'|'.join(_WORDS)}))?|(?P<small>{'|'.join(_WORDS)})"
    rf"|(?P<large>{'|'.join(_LARGE)}))\b(?P<share>\s?(?:%|percent\b|per cent\b))?",
    re.IGNORECASE,
)
"""Number words. `one` alone is as often a pronoun, and says nothing that could be wrong by much."""

_AMOUNT = re.compile(
    r"\b(?:half|halve[ds]?|third|thirds|quarters?|twice|twofold|threefold|doubl(?:e|ed|es|ing)|tripl(?:e|ed|es|ing)"
    r"|dozens?|\w+-fold)\b",
    re.IGNORECASE,
)
"""Amounts in words that are worked out rather than read."""


def numbers_of(text: str) -> tuple[Number, ...]:
    """The numbers of a text in order, in digits or words, each with whether it is a percentage.

    >>> [(str(n), share) for n, share in numbers_of("Of 1,204 adults, 40.0% (−0.5)")]
    [('1204', False), ('40.0', True), ('-0.5', False)]
    """
    return tuple(number for _, number in _found(text))


def _found(text: str) -> Iterator[tuple[str, Number]]:
    """Each number as written, and what it is."""
    both = [(hit.start(), hit, False) for hit in _DIGITS.finditer(text)]
    both += [(hit.start(), hit, True) for hit in _WORD.finditer(text)]
    for _, hit, in_words in sorted(both, key=lambda found: found[0]):
        value = _worth(hit) if in_words else _value(hit)
        yield hit.group().strip(), (value, hit["share"] is not None)


def _value(hit: re.Match[str]) -> Decimal:
    digits = re.sub(r"[,\u2009\u202f\u00a0]", "", hit["n"]).replace("\u00b7", ".")
    value = Decimal(f"{digits}{hit['exponent'] or ''}")
    return -value if hit["minus"] else value


def _worth(hit: re.Match[str]) -> Decimal:
    if hit["tens"]:
        unit = (hit["unit"] or "").lower()
        return Decimal(_TENS[hit["tens"].lower()] + (1 if unit == "one" else _WORDS.get(unit, 0)))
    return Decimal(_WORDS[hit["small"].lower()] if hit["small"] else _LARGE[hit["large"].lower()])
