"""A second reading of each verdict, so that one engine's mistake is not taught: rules and likeness must both agree.

Made for engines of rules, whose mistakes are coarse: a word of a list found in another sense, a design that belongs to
the trials which a review cites, silence where the text plainly tells. Whatever is doubtful is left out with its reason.
"""

from __future__ import annotations

import re
from functools import lru_cache

from finetune.build.make.judging import Opinion, item_in
from finetune.build.make.likeness import Alone
from model.baseline.criteria import Prepared, prepare
from model.baseline.cues import Sign, signs
from model.baseline.kinds import DESIGNS, WITHOUT_OWN_DATA, any_of
from model.baseline.reading import read
from model.baseline.words import GENERIC, PEOPLE, QUALIFIERS, VAGUE, fold, folded_words, telling
from model.tasks.screen import ScreenInput
from tools.schemas import Criterion

__all__ = ["SecondReading", "administrative", "element_of", "words_of"]

LIKE_WITH_ITEM, LIKE_WITHOUT = 0.20, 0.50
"""Cosine of quote and criterion that is wanted where an item of the criterion stands in the quote, and where none
does. MiniLM puts unrelated sentences of medicine at 0.0 to 0.2, and those of one field at 0.2 to 0.4."""

MOST_WORDS = 25
"""Of a criterion that is one statement."""

LIKE_FULLY = 0.60
"""From which a quote says what a criterion asks for, in other words."""

LIKE_PARTLY = 0.50
"""The same for PARTIAL, which rules give lightly."""

SILENT = 0.30
"""Cosine of text and criterion below which the text may be said not to tell."""

_ADMINISTRATIVE = any_of(
    r"english",
    r"languages? of publication",
    r"published in (?:a|any) language",
    r"peer[- ]reviewed",
    r"full[- ](?:text|length)",
    r"published (?:in|between|after|from)",
    r"any year",
)
_ELEMENT = re.compile(
    r"\s*(?P<element>population|participants?|patients|intervention|exposure|comparators?|comparison|outcomes?)\s*:",
    re.IGNORECASE,
)
_THIS_REVIEW = re.compile(r"\b(?:this|our|the present) (?:\w+ )?review\b", re.IGNORECASE)
_LIST_LABEL = re.compile(r"^\s*[\w ]{2,25}:\s*")
PEOPLE_STUDIED = any_of(
    r"\d+(?:,\d{3})* (?:(?!(?:and|in|of|or|for|to|from) )[\w-]+ ){0,4}(?:patients|participants|women|men|volunteers"
    r"|subjects|adults|children)",
    r"(?:patients|participants|women|men|volunteers|children) (?:were|was|with|who|received)",
)
_TAKING_PART = any_of(
    r"patients?", r"participants?", r"subjects?", r"wo?men", r"adults?", r"children", r"people", r"persons?",
    r"volunteers?", r"outpatients?", r"inpatients?", r"residents?", r"sufferers?", r"individuals?", r"n ?= ?\d+",
)  # fmt: skip
_DONE = any_of(
    r"received", r"compared?", r"comparing", r"comparison", r"randomi[sz]ed", r"randomly", r"assigned", r"allocated",
    r"versus", r"vs", r"treated", r"given", r"administered", r"were", r"was", r"we", r"this study", r"underwent",
    r"took", r"taking",
)  # fmt: skip
_SURVEY = re.compile(r"cross[- ]sectional|survey", re.IGNORECASE)
"""`Prevalence of` in a title is a sign of a survey that the rules call sure, and may begin a trial's title, too."""
_ECONOMY = re.compile(
    r"cost[- ](?:effective|utility|benefit)|economic (?:evaluation|model|analysis)|markov", re.IGNORECASE
)


def administrative(criterion: Criterion) -> bool:
    """Whether it is about the publication, of which an abstract says nothing: language, year, peer review."""
    return _ADMINISTRATIVE.search(criterion.text) is not None and len(criterion.text.split()) <= 14


def element_of(criterion: Criterion) -> str:
    """Element of the framework in small letters, as it is told or as the text begins; empty where neither tells."""
    begun = _ELEMENT.match(criterion.text)
    return (criterion.element or (begun["element"] if begun else "")).lower()


def words_of(text: str) -> frozenset[str]:
    """The folded words of a text that can name a subject: nothing generic, no people, no qualifiers."""
    plain = [word for word in telling(text) if len(word) > 2]
    return frozenset(plain) - _COMMON


_COMMON = frozenset(fold(word) for word in GENERIC | PEOPLE | QUALIFIERS | VAGUE)


class SecondReading:
    """Objections to verdicts. It knows neither what the reviewers decided nor which way a verdict would tell."""

    def __init__(self, likeness: Alone) -> None:
        self.likeness = likeness
        self._prepared = lru_cache(maxsize=512)(lambda criterion: prepare(criterion, None))
        self._signs = lru_cache(maxsize=8)(lambda text, title: signs(read(text, title)))

    def objection(self, opinion: Opinion, asked: ScreenInput, others: tuple[Opinion, ...]) -> str:
        """Why a verdict is doubtful, from a fixed set; empty where nothing speaks against it.

        Args:
            opinion: the verdict.
            asked: the question it answers.
            others: the other verdicts on this text: a text that meets none of the criteria is about something
                else, and then UNCERTAIN is too kind.
        """
        prepared = self._prepared(opinion.criterion)
        found = self._signs(asked.text, asked.title)
        label, kind = opinion.judgement.label, opinion.criterion.kind
        if label == "UNCERTAIN":
            return self._silent(prepared, asked, found, others)
        if prepared.denied and label != "NO":
            return "a denial, which rules cannot judge"
        if _by_animals(opinion, found) and PEOPLE_STUDIED.search(asked.text):
            return "animals, and people are studied as well"
        if prepared.only_kinds:
            return _by_kind(opinion, prepared, found)
        if label == "NO":
            return ""  # needs a sure sign of the contrary already
        if kind == "exclude" and label == "PARTIAL":
            return "an exclusion that is only mentioned"
        return _of_others(opinion, asked) or self._topical(opinion)

    def says_it_all(self, opinion: Opinion) -> bool:
        """Whether a PARTIAL has a quote so like its criterion, one short statement, that the outcome may settle it."""
        text = _LIST_LABEL.sub("", opinion.criterion.text)
        short = len(text.split()) <= MOST_WORDS and not re.search(r"[;\n]|\d[.)] ", text)
        partial = opinion.judgement.label == "PARTIAL" and opinion.criterion.kind == "include"
        return partial and short and self.likeness.cosine(text, opinion.judgement.quote) >= LIKE_FULLY

    def _topical(self, opinion: Opinion) -> str:
        judgement, criterion = opinion.judgement, opinion.criterion
        item = item_in(criterion, judgement.quote)
        subject = words_of(_LIST_LABEL.sub("", criterion.text))
        named = bool(words_of(item)) or (bool(subject) and subject <= set(folded_words(judgement.quote)))
        like = self.likeness.cosine(_LIST_LABEL.sub("", criterion.text)[:600], judgement.quote)
        if judgement.label == "PARTIAL":
            return "" if like >= LIKE_PARTLY else "in part, and not like the criterion"
        if like >= LIKE_WITHOUT or (named and like >= LIKE_WITH_ITEM):
            return ""
        nearest = self._nearest_item(criterion, judgement.quote) if not named else 0.0
        return "" if nearest >= LIKE_WITHOUT else "quote and criterion are not alike"

    def _nearest_item(self, criterion: Criterion, quote: str) -> float:
        items = [item for item in criterion.terms if words_of(item)][:20]
        return max((self.likeness.cosine(item, quote) for item in items), default=0.0)

    def _silent(
        self, prepared: Prepared, asked: ScreenInput, found: dict[str, Sign], others: tuple[Opinion, ...]
    ) -> str:
        criterion = prepared.criterion
        if administrative(criterion):
            return ""
        if prepared.denied or prepared.prose:
            return "silent on a denial or on prose"
        if criterion.kind == "include" and element_of(criterion).startswith(("population", "intervention")):
            return "silent on what a study is about"
        if criterion.kind == "include" and any(other.rules_out for other in others):
            return "silent on a text that something rules out"
        if re.search(r"\bothers?\b", criterion.text, re.IGNORECASE):
            return "silent on whatever is other"
        if prepared.kinds and _some_sign(prepared.kinds, found):
            return "silent, and the text shows a kind of study"
        subject = words_of(criterion.text)
        if not prepared.only_kinds and (not subject or subject & set(folded_words(asked.text))):
            return "silent, and words of the criterion stand in the text"
        if self.likeness.cosine(asked.text, criterion.text[:600]) >= SILENT:
            return "silent, and text and criterion are alike"
        if not any(other.shows and other.judgement.label == "YES" for other in others):
            return "silent on a text about something else"
        return ""


def _by_animals(opinion: Opinion, found: dict[str, Sign]) -> bool:
    """Whether a record is ruled out because it was done in animals: `conjugated equine oestrogens` look like it."""
    sign = found.get("animal")
    return opinion.rules_out and sign is not None and sign.quote == opinion.judgement.quote


def _of_others(opinion: Opinion, asked: ScreenInput) -> str:
    """A sentence of the background tells of the field: `sumatriptan is effective in migraine` is no population."""
    judgement, element = opinion.judgement, element_of(opinion.criterion)
    if judgement.quote in asked.title or opinion.criterion.kind == "exclude":
        return ""
    if element.startswith("population") and not _TAKING_PART.search(judgement.quote):
        return "the quote may speak of others' patients"
    if element.startswith(("intervention", "compar", "exposure", "outcome")) and not _DONE.search(
        judgement.quote
    ):
        return "the quote may speak of others' treatment"
    return ""


def _some_sign(kinds: frozenset[str], found: dict[str, Sign]) -> bool:
    """Whether the text shows any kind of the same sort as those that are asked about: designs, or those studied."""
    shown = frozenset(found)
    if kinds & DESIGNS:
        return bool(shown & DESIGNS)
    return bool(shown - DESIGNS)


def _by_kind(opinion: Opinion, prepared: Prepared, found: dict[str, Sign]) -> str:
    """Verdicts on kinds of study need a sure sign, and no sure sign of a kind that does not go with it."""
    label = opinion.judgement.label
    sure = frozenset(name for name, sign in found.items() if sign.sure)
    if label == "PARTIAL":
        return "a kind of study that is only hinted at"
    if label == "NO":
        others = sure - prepared.kinds
        if others == {"cross_sectional"} and not _SURVEY.search(opinion.judgement.quote):
            return "a kind of study that is only hinted at"
        return "" if others else "no sign of another kind of study"
    if not sure & prepared.kinds:
        return "no sure sign of the kind of study"
    if opinion.criterion.kind == "include":
        if sure & prepared.kinds == {"systematic_review"} and _THIS_REVIEW.search(opinion.criterion.text):
            return "the criterion speaks of its own review"
        if (sure & (WITHOUT_OWN_DATA | {"systematic_review"})) - prepared.kinds:
            return "signs of several kinds of study"
        if "trial" in sure & prepared.kinds and _ECONOMY.search(opinion.judgement.quote):
            return "signs of several kinds of study"
    if re.search(r"in vivo and in vitro|in vitro and in vivo", opinion.judgement.quote, re.IGNORECASE):
        return "signs of several kinds of study"
    return ""
