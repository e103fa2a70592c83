"""Whether a paper can tell of the trial that it is linked to: what speaks for it, what against. Pure.

A registry entry may name any paper as its result, and some name what they read before (of the entries looked at
here, most references of type RESULT that do not share a word with the entry's title are older than the trial). A
paper may name the number of another trial. A pair is refused where nothing of it fits: neither the titles, nor
what the trial is about, nor how many took part; or where the paper came out well before the trial began.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import Field

from tools.registry.matching import alike
from tools.registry.trial import RegisteredTrial
from tools.schemas import Frozen

__all__ = ["Pairing", "Told", "pairing", "sizes_in"]

UNLIKE = 0.2
"""Titles that are less alike say nothing for a pair. Nine of ten titles of other trials are below 0.1."""
FAR = 2.0
"""Factor between the entry's enrolment and every number of participants in the abstract from which they differ."""

_PEOPLE = (
    r"(?:patients|participants|subjects|volunteers|adults|children|infants|women|men|persons|people|individuals|"
    r"adolescents|neonates|girls|boys|healthy|students|residents|mothers|cases|randomi[sz]ed|enrol+ed|included|recruited)"
)
_SIZES = (
    re.compile(
        rf"(?<![\d.,])(\d{{1,3}}(?:,\d{{3}})+|\d{{2,7}})(?![\d.,]*\d|%)\s+(?:[\w-]+\s+){{0,3}}{_PEOPLE}\b",
        re.IGNORECASE,
    ),
    re.compile(r"\bn\s?=\s?(\d{1,3}(?:,\d{3})+|\d{1,7})\b", re.IGNORECASE),
    re.compile(r"\b(?:total|sample) (?:of|size(?: of| was)?) (\d{1,3}(?:,\d{3})+|\d{2,7})\b", re.IGNORECASE),
)
_EMPTY = frozenset({
    "acute", "care", "chronic", "comparator", "control", "device", "disease", "disorder", "dose", "drug", "group",
    "healthy", "human", "intervention", "intravenous", "oral", "other", "patients", "placebo", "standard", "study",
    "subjects", "syndrome", "therapy", "treatment", "usual",
})  # fmt: skip
"""Words that many entries have in the names of their conditions and interventions."""
_WORD = re.compile(r"[^\W_]{4,}")


class Told(Frozen):
    """What a paper tells, from its record or its full text."""

    title: str
    text: str = Field(description="Abstract, headings, keywords: what a topic is looked for in.")
    abstract: bool = Field(description="False: only the title is known.")
    year: int | None = None


class Pairing(Frozen):
    """How a paper and an entry compare."""

    title: float = Field(description="0 to 1, as `tools.registry.matching.alike`.")
    topic: tuple[str, ...] = Field(
        description="Conditions and interventions of the entry that the paper names."
    )
    enrolment: int | None
    sizes: tuple[int, ...] = Field(description="Numbers of participants that the paper names.")
    size: bool | None = Field(description="Whether one of them is near the enrolment; None: cannot be said.")
    early: bool = Field(
        description="The paper came out more than a year before the one in which the trial began."
    )

    @property
    def wrong(self) -> str:
        """Why it is refused; empty where it is not."""
        if self.early:
            return "published before the trial began"
        if self.title < UNLIKE and not self.topic and not self.size:
            return "tells of something else"
        return ""

    @property
    def evidence(self) -> str:
        """All of it in a line."""
        size = (
            "not told" if self.size is None else f"{self.enrolment} to {', '.join(map(str, self.sizes[:6]))}"
        )
        return f"titles {self.title:.2f}; topic {', '.join(self.topic[:4]) or 'none'}; enrolment {size}"


def pairing(paper: Told, trial: RegisteredTrial) -> Pairing:
    """Compare a paper with an entry."""
    whole = f"{paper.title}\n{paper.text}".casefold()
    titles = [leaf.text for leaf in (trial.brief_title, trial.official_title) if leaf]
    enrolment = int(trial.enrollment.number) if trial.enrollment and trial.enrollment.number else None
    sizes = sizes_in(paper.text)
    began = int(trial.start.text[:4]) if trial.start and trial.start.text[:4].isdigit() else None
    return Pairing(
        title=max((alike(paper.title, title) for title in titles), default=0.0),
        topic=tuple(name for name in dict.fromkeys(_topics(trial)) if _names(whole, name)),
        enrolment=enrolment,
        sizes=sizes,
        size=any(_near(s, enrolment) for s in (*sizes, sum(sizes))) if enrolment and sizes else None,
        early=paper.year is not None and began is not None and paper.year < began - 1,
    )


def sizes_in(text: str) -> tuple[int, ...]:
    """Numbers of participants that a text names, each once, in rising order."""
    found = (int(m.group(1).replace(",", "")) for form in _SIZES for m in form.finditer(text))
    return tuple(sorted({n for n in found if n and not 1900 <= n <= 2030}))


def _near(size: int, enrolment: int) -> bool:
    return enrolment / FAR <= size <= enrolment * FAR


def _topics(trial: RegisteredTrial) -> Iterable[str]:
    yield from (leaf.text for leaf in trial.conditions)
    for one in trial.interventions:
        yield from (one.name.text, *(leaf.text for leaf in one.other_names))
    if trial.acronym:
        yield trial.acronym.text


def _names(text: str, name: str) -> bool:
    """Whether a text has every word of a name that carries meaning, or, of a long one, half of them."""
    words = [w for w in dict.fromkeys(_WORD.findall(name.casefold())) if w not in _EMPTY]
    # A plural or another ending is no other word.
    found = sum(word[: max(4, len(word) - 2)] in text for word in words)
    return bool(words) and found >= max(1, (len(words) + 1) // 2)
