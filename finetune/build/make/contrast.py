"""NO where a text is about another subject: the title names another disease or another drug, by MeSH.

Most records of a search are excluded for this, and rules that look for words only can never say it. So where the engine
finds nothing of a criterion, the title is asked what it names: headings of the criterion's own branch (diseases, mental
disorders, or chemicals), none of them above, below or beside what the criterion wants. Then the title is the quote of
a NO. It knows nothing of what the reviewers decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from finetune.build.make.judging import Opinion
from finetune.build.make.likeness import Alone
from finetune.build.make.second_reading import element_of, words_of
from model.baseline.criteria import prepare, split_items
from model.baseline.kinds import any_of
from model.baseline.reading import read
from model.baseline.words import expanded, folded_words
from model.tasks.screen import Judgement, ScreenInput
from tools.schemas import Criterion
from tools.search.vocabulary import Descriptor, Vocabulary

__all__ = ["Contrast"]

ELEMENTS = ("population", "participant", "patient", "intervention", "exposure", "condition")
"""What a title names, where it names anything. An outcome or a comparator that it does not name may be there."""

BRANCHES = {"disease": ("C", "F03"), "drug": ("D",)}
"""Where MeSH keeps them. Findings and symptoms (C23) and amino acids, proteins and carbohydrates that anything may
be about (D08, D09, D12, D23) tell no subject."""

_NO_SUBJECT = ("C23", "D08", "D12", "D23", "D09.698", "D13", "D27")

ALIKE = 2
"""Steps of a tree number that two headings share where they are kin: C08.460 is the nose, C08.127 the bronchi."""

FAR = 0.25
"""Cosine of criterion and text above which the text may be about the criterion after all."""

_BROAD = 2
"""Steps of a tree number that a heading of the title must have: `Neoplasms` (C04) says too little."""

_MEASURED = any_of(
    r"endogenous", r"serum", r"plasma", r"urinary", r"levels?", r"concentrations?", r"release", r"receptors?",
    r"synthesis", r"metabolism", r"deficiency", r"resistance", r"poisoning", r"intoxication",
)  # fmt: skip
"""Words by which a title tells of a substance that nobody was given as a treatment."""

_LABEL = re.compile(r"^\s*[\w ]{2,25}:\s*")


class _Wanted(NamedTuple):
    branch: str
    numbers: frozenset[str]


class Contrast:
    """Turns UNCERTAIN into NO where the title names another subject of the same sort."""

    SAYS = "The title names "
    """How its reasons begin."""

    def __init__(self, vocabulary: Vocabulary, likeness: Alone) -> None:
        self.vocabulary, self.likeness = vocabulary, likeness
        self._wanted = lru_cache(maxsize=512)(self._wanted_by)

    def opinion(self, told: Opinion, asked: ScreenInput) -> Opinion:
        """The same verdict, or NO with the title as its quote."""
        criterion = told.criterion
        if told.judgement.label != "UNCERTAIN" or criterion.kind != "include" or not asked.title:
            return told
        wanted = self._wanted(criterion)
        if wanted is None or self._mentioned(criterion, wanted, asked):
            return told
        other = self._other_subject(wanted, asked.title)
        if other is None or self.likeness.cosine(asked.text, _LABEL.sub("", criterion.text)[:600]) > FAR:
            return told
        title = read(asked.text, asked.title)
        judgement = Judgement(
            criterion_id=criterion.id,
            quote=title.quote(0),
            label="NO",
            rationale=f"{self.SAYS}{_said(other.name)}, and the text nothing of what is asked for.",
        )
        return Opinion(criterion, judgement)

    def _wanted_by(self, criterion: Criterion) -> _Wanted | None:
        """The headings that a criterion names, where most of its items are of one branch."""
        if not element_of(criterion).startswith(ELEMENTS) or prepare(criterion, None).denied:
            return None
        items = list(criterion.terms) or _items(_LABEL.sub("", criterion.text))
        found = {item: self._headings(item, whole=bool(criterion.terms)) for item in items}
        for branch, starts in BRANCHES.items():
            inside = {
                item: numbers
                for item, told in found.items()
                if (numbers := [n for heading in told for n in _telling(heading) if n.startswith(starts)])
            }
            others = [item for item, told in found.items() if words_of(item) and not told]
            if inside and len(others) <= len(inside):
                return _Wanted(branch, frozenset(n for numbers in inside.values() for n in numbers))
        return None

    def _headings(self, item: str, whole: bool) -> tuple[Descriptor, ...]:
        full = expanded(item)
        exact = self.vocabulary.lookup(full)
        if exact is not None:
            return (exact,)
        return () if whole and len(item.split()) < 2 else self.vocabulary.find_in(full)

    def _mentioned(self, criterion: Criterion, wanted: _Wanted, asked: ScreenInput) -> bool:
        """Whether any word of the criterion's subject, or any heading near to it, stands in the text."""
        subject = words_of(" ".join((_LABEL.sub("", criterion.text), *criterion.terms)))
        if subject & set(folded_words(asked.text)):
            return True
        return any(_kin(heading, wanted.numbers) for heading in self.vocabulary.find_in(asked.text))

    def _other_subject(self, wanted: _Wanted, title: str) -> Descriptor | None:
        """The first heading in the title that is of the wanted branch alone, and says enough."""
        if wanted.branch == "drug" and _MEASURED.search(title):
            return None
        for heading in self.vocabulary.find_in(title):
            numbers = heading.tree_numbers
            fits = all(number.startswith(BRANCHES[wanted.branch]) for number in numbers)
            deep = any(number.count(".") + 1 >= _BROAD for number in numbers)
            if (
                fits
                and deep
                and len(_telling(heading)) == len(numbers)
                and self._is_subject(heading, wanted.branch)
            ):
                return heading
        return None

    def _is_subject(self, heading: Descriptor, branch: str) -> bool:
        """Of chemicals only those with a pharmacological action are drugs: not lead, and not cholesterol."""
        return branch != "drug" or bool(self.vocabulary.pharmacological_actions(heading.name))


def _items(text: str) -> list[str]:
    return [
        part for item in split_items(text) for part in re.split(r",|\bor\b|\band\b|/", item) if part.strip()
    ]


def _telling(heading: Descriptor) -> tuple[str, ...]:
    return tuple(number for number in heading.tree_numbers if not number.startswith(_NO_SUBJECT))


def _kin(heading: Descriptor, numbers: Iterable[str]) -> bool:
    own = [tuple(number.split(".")[:ALIKE]) for number in _telling(heading)]
    others = {tuple(number.split(".")[:ALIKE]) for number in numbers}
    return any(part in others for part in own) or any(
        len(other) < ALIKE and part[: len(other)] == other for other in others for part in own
    )


def _said(name: str) -> str:
    """A heading in running words: `Rhinitis, Allergic` is `allergic rhinitis`."""
    first, _, rest = name.strip().partition(", ")
    said = f"{rest} {first}" if rest and "," not in rest else name.strip()
    return " ".join(
        word if word.isupper() or any(c.isdigit() for c in word) else word.lower() for word in said.split()
    )
