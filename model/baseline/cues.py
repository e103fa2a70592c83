"""What kind of study a text is, and whom it studied, by the signs in `kinds`. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.baseline.kinds import DESIGNS, FAMILY, KINDS, PRIMARY, WITHOUT_OWN_DATA, Kind, any_of
from model.baseline.reading import Reading

__all__ = ["Sign", "contradicts", "kinds_named", "signs"]

_CHARTS = re.compile(
    r"\b(?:retrospective|chart|records?|file|notes?|case|database|registry|institutional|clinical)\b[\w ,-]{0,25}review"
    r"|peer[- ]review|systematic",
    re.IGNORECASE,
)
"""A review that is the reading of charts, not of literature."""

_HUMANS = any_of(
    r"patients?", r"participants?", r"volunteers?", r"men", r"women", r"children", r"adults", r"adolescents?",
    r"infants", r"subjects", r"clinical (?:trial|study)", r"humans?",
)  # fmt: skip


@dataclass(frozen=True)
class Sign:
    """That a text is of a kind; `quote` is verbatim, empty when only the indexing says so."""

    kind: str
    sure: bool
    quote: str
    why: str
    in_title: bool = False


def kinds_named(text: str) -> frozenset[str]:
    """The kinds that a piece of a criterion names."""
    found = {name for name, kind in KINDS.items() if kind.named.search(text)}
    if PRIMARY.search(text):
        found |= {"trial", "cohort", "case_control", "cross_sectional", "case_series"}
        found |= set() if "quantitative" in text.lower() else {"qualitative"}
    # "Systematic review" holds the word review.
    if "systematic_review" in found and not re.search(r"narrative|literature|overview", text, re.IGNORECASE):
        found.discard("review")
    return frozenset(found)


def signs(
    reading: Reading, publication_types: Sequence[str] = (), mesh: Sequence[str] = ()
) -> dict[str, Sign]:
    """Kind to the best sign that the text is of it; kinds without a sign are absent.

    Args:
        reading: the text; only its opening is read for signs.
        publication_types: as in PubMed.
        mesh: headings of the record, with or without subheading and asterisk.
    """
    types = {value.lower() for value in publication_types}
    headings = {value.lower().split("/")[0].strip("* ") for value in mesh}
    found = {}
    for name, kind in KINDS.items():
        sign = _in_text(name, kind, reading) or _in_indexing(name, kind, reading, types | headings)
        if sign is not None:
            found[name] = sign
    animal, systematic = found.get("animal"), found.get("systematic_review")
    if animal is not None and ("humans" in headings or _HUMANS.search(animal.quote) is not None):
        found["animal"] = Sign("animal", False, animal.quote, animal.why)
    if systematic is not None and systematic.sure:
        found.pop("review", None)
    return found


def _in_text(name: str, kind: Kind, reading: Reading) -> Sign | None:
    titles = [index for index in reading.opening if reading.in_title(index)]
    for pattern, within, where in ((kind.title, titles, "title"), (kind.own, None, "abstract")):
        hit = reading.search(pattern, within) if pattern is not None else None
        if hit is not None and not _of_charts(name, hit[1]):
            return Sign(
                name, True, reading.quote(hit[0]), f'"{hit[1].group()}" in the {where}', where == "title"
            )
    return None


def _in_indexing(name: str, kind: Kind, reading: Reading, indexed: set[str]) -> Sign | None:
    """A publication type or heading, with a hint in the text as its quote; or the hint alone."""
    hit = reading.search(kind.hint) if kind.hint is not None else None
    if hit is not None and _of_charts(name, hit[1]):
        hit = None
    said = sorted(indexed.intersection((*kind.types, *kind.headings)))
    if said:
        return Sign(name, True, reading.quote(hit[0]) if hit else "", f"indexed as {said[0]}")
    return Sign(name, False, reading.quote(hit[0]), f'"{hit[1].group()}"') if hit is not None else None


def _of_charts(name: str, found: re.Match[str]) -> bool:
    """`A retrospective review of 40 cases` is a cohort."""
    return (
        name == "review"
        and _CHARTS.search(found.string[max(0, found.start() - 40) : found.end() + 25]) is not None
    )


def contradicts(sign: Sign, wanted: frozenset[str], found: dict[str, Sign]) -> bool:
    """Whether a report of this kind cannot be of a wanted design.

    Only a sure sign counts, and nothing as sure may speak for a wanted design. Reports with data of their
    own must say their design in the title, without a hint at a wanted one anywhere: authors call one
    study by several names.
    """
    related = frozenset[str]().union(*(FAMILY.get(design, frozenset({design})) for design in wanted))
    if not wanted or not sign.sure or sign.kind in related or sign.kind not in DESIGNS:
        return False
    rivals = [found[design] for design in related if design in found]
    if sign.kind in WITHOUT_OWN_DATA:
        return not any(rival.sure for rival in rivals)
    return sign.in_title and not rivals
