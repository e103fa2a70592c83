"""Instructions of the task `pico`: the elements of a question, in the question's own words or not at all.

From reviews: of the phrases that the review gives for an element, those that stand in its title or question.
From registry entries: the official title and the brief summary are the question; conditions are the population, what
the experimental arms are given the intervention, what only the others are given the comparator, and primary outcomes
the outcome. Here too a phrase is kept only where it stands in the question, and as it stands there: a model that is
taught phrases from elsewhere learns to make them up.

Where an element's phrases do not stand in the question, either the question does not name it, and the right answer is
none; or it does in other words, and nobody knows the right answer: then it is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from finetune.build.kinds import Review, Shard, Trial
from finetune.instructions import About, Instruction, Refusal, instruction
from model.baseline.words import fold, telling
from model.tasks.pico import MAX_SPOKEN, Element, PicoAnswer, PicoInput
from tools.frameworks import KINDS
from tools.fulltext.quotes import locate
from tools.records.citation import folded
from tools.search.vocabulary import words

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["PicoMaker"]

FRAMEWORK = "PICO"
ELEMENTS = ("population", "intervention", "comparator", "outcome")

_TESTED = frozenset({"EXPERIMENTAL"})
_COMPARED = frozenset({"ACTIVE_COMPARATOR", "PLACEBO_COMPARATOR", "SHAM_COMPARATOR", "NO_INTERVENTION"})

_ALIKE = frozenset({"population", "comparator"})
_EMPTY = re.compile(r"\b(?:placebo|sham|vehicle)\b", re.IGNORECASE)

_SIGNS = {
    "population": r"\b(?:patients?|adults?|children|infants?|adolescents?|wom[ae]n|m[ae]n|people|persons?|participants?"
    r"|subjects?|volunteers?|individuals?|students?|users?|smokers?|survivors?)\b",
    "intervention": r"\b(?:effects?|efficacy|effectiveness|using|use of|treat\w*|therap\w+|program\w*|training)\b",
    "comparator": r"\b(?:versus|vs|compar\w+|placebo|controls?|controlled|sham|usual|standard|alternative|than|or)\b",
    "outcome": r"\b(?:outcomes?|effects?|efficacy|effective\w*|safe\w*|improv\w+|reduc\w+|increas\w+|decreas\w+"
    r"|prevent\w*|surviv\w+|mortality|risk|rates?|toler\w+|pharmacokinetics?|measur\w+|whether|response|quality|benefi\w+)\b",
}
"""Words that may name an element in other words than the registry's: with one of them, its absence is not certain."""


class _Found(NamedTuple):
    """One element of a question: its phrases there, `()` for certainly none, None where nobody knows."""

    name: str
    phrases: tuple[str, ...] | None


class PicoMaker:
    """Makes instructions of the task `pico`, one for each review and each trial whose question names its elements."""

    name = "pico"

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """The instructions of a shard's reviews and trials, and why others give none."""
        for review in corpus.reviews(shard):
            yield of_review(review)
        for trial in corpus.trials(shard):
            yield of_trial(trial)


# Reviews -----------------------------------------------------------------------------------------


def of_review(review: Review) -> Instruction | Refusal:
    """What its title and question name of its elements; elements that they do not are not asked for.

    A review that words its population otherwise in its question than in its elements does name it.
    """
    told = {name: phrases for name, phrases in review.elements.items() if phrases}
    if not told:
        return Refusal("pico", review.source, "no elements known", review.review_id)
    order = next((k.element_ids for (_, name), k in KINDS.items() if name == review.framework), tuple(told))
    text = f"{review.title}\n{review.question}"
    found = [_of_phrases(name, told[name], text) for name in order if name in told]
    if not any(one.phrases for one in found):
        return Refusal("pico", review.source, "no phrase in the question", review.review_id)
    about = About(
        source=review.source,
        licence=review.licence,
        how="pico-review",
        reviews=(review.review_id,),
        year=review.year,
        evidence=_evidence(found),
    )
    return _made(review.title, review.question or review.title, review.framework, found, about)


# Trials ------------------------------------------------------------------------------------------


def of_trial(trial: Trial) -> Instruction | Refusal:
    """What the title and the summary of a registry entry name of its own fields."""
    protocol = trial.document.get("protocolSection") or {}
    kind = _at(protocol, "designModule").get("studyType")
    if kind != "INTERVENTIONAL":
        return Refusal("pico", trial.source, "not interventional", trial.nct_id)
    identity = _at(protocol, "identificationModule")
    title = _line(identity.get("officialTitle") or identity.get("briefTitle") or trial.title)
    summary = _line(_at(protocol, "descriptionModule").get("briefSummary") or "")
    if not summary:
        return Refusal("pico", trial.source, "no summary", trial.nct_id)
    fields = _fields(protocol)
    found = [_in_question(name, fields[name], f"{title}\n{summary}") for name in ELEMENTS]
    if not any(one.phrases for one in found):
        return Refusal("pico", trial.source, "no phrase in the question", trial.nct_id)
    about = About(
        source=trial.source,
        licence=trial.licence,
        how="pico-registry",
        studies=(f"nct:{trial.nct_id}",),
        year=trial.year,
        evidence=_evidence(found),
    )
    return _made(title, summary, FRAMEWORK, found, about)


_Names = tuple[str, ...]
"""Names of one thing."""


def _fields(protocol: Mapping[str, Any]) -> dict[str, list[_Names]]:
    """The registry's own phrases for each element."""
    arms = _at(protocol, "armsInterventionsModule")
    types = {str(arm.get("label")): str(arm.get("type") or "") for arm in arms.get("armGroups") or ()}
    tested, compared = list[_Names](), list[_Names]()
    for given in arms.get("interventions") or ():
        names = tuple(map(_line, [given.get("name") or "", *(given.get("otherNames") or ())]))
        kinds = {types.get(str(label), "") for label in given.get("armGroupLabels") or ()}
        # Who gets one drug often gets another's placebo: that is no intervention.
        is_tested = (kinds & _TESTED or not kinds & _COMPARED) and not _EMPTY.search(names[0])
        (tested if is_tested else compared).append(names)
    if not any(kind in _TESTED for kind in types.values()):
        # Active arms against each other: which of them is the comparator, nobody has said.
        tested += [names for names in compared if not _EMPTY.search(names[0])]
        compared = [names for names in compared if _EMPTY.search(names[0])]
    else:
        compared += [(label,) for label, kind in types.items() if kind in _COMPARED]
    known = {folded(name) for group in tested for name in group}
    compared = [group for group in compared if not known & {folded(name) for name in group}]
    outcomes = _at(protocol, "outcomesModule").get("primaryOutcomes") or ()
    return {
        "population": [(_line(one),) for one in _at(protocol, "conditionsModule").get("conditions") or ()],
        "intervention": tested,
        "comparator": compared,
        "outcome": [(_line(one.get("measure") or ""),) for one in outcomes],
    }


def _in_question(name: str, things: Sequence[_Names], text: str) -> _Found:
    """The phrases that stand in a text; none, where no word of them does and nothing hints at others.

    Of several drugs or outcomes all must stand there: half an answer is a wrong one. Conditions and comparators are
    often several names of one thing.
    """
    standing = [_standing(names, text) for names in things]
    quotes = [quote for found in standing for quote in found]
    missing = [names[0] for names, found in zip(things, standing, strict=True) if not found]
    touched = _touched(missing, quotes, text)
    if quotes:
        half = touched or (missing and name not in _ALIKE)
        return _Found(name, None if half else _whole(quotes, text))
    hinted = re.search(_SIGNS[name], text, re.IGNORECASE) is not None
    return _Found(name, None if touched or hinted else ())


def _of_phrases(name: str, phrases: Sequence[str], text: str) -> _Found:
    """Of a review's element what stands in a text; unknown where another of its phrases stands there in part."""
    quotes = _standing(phrases, text)
    missing = [phrase for phrase in phrases if not _place(phrase, text)]
    return _Found(name, quotes if quotes and not _touched(missing, quotes, text) else None)


# Both --------------------------------------------------------------------------------------------


def _touched(phrases: Iterable[str], quotes: Iterable[str], text: str) -> bool:
    """Whether a text has a telling word of a phrase that does not stand there, other than in these quotes."""
    rest = folded(text)
    for quote in sorted(map(folded, quotes), key=len, reverse=True):
        rest = rest.replace(quote, " ")
    own = {fold(word) for word in words(rest)}
    return any(word in own for phrase in phrases for word in telling(phrase))


def _standing(phrases: Iterable[str], text: str) -> tuple[str, ...]:
    """Those that stand in a text, in its spelling."""
    return _whole([quote for phrase in phrases if (quote := _place(phrase, text))], text)


def _whole(quotes: Sequence[str], text: str) -> tuple[str, ...]:
    """Each once, in the text's order; what is part of another is left out."""
    once = {folded(quote): quote for quote in reversed(quotes)}
    whole = [
        quote
        for key, quote in once.items()
        if key and not any(f" {key} " in f" {other} " and key != other for other in once)
    ]
    return tuple(sorted(whole, key=lambda quote: (text.find(quote), quote))[:MAX_SPOKEN])


def _place(phrase: str, text: str) -> str:
    """The phrase as the text has it; empty where it does not. A name of three letters must be in capitals."""
    phrase = " ".join(phrase.split()).strip(" .,;:")
    if (quote := locate(phrase, text)) is not None:
        return quote.text
    exact = re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) if phrase.isupper() else None
    return exact.group() if exact else ""


def _made(title: str, question: str, framework: str, found: Sequence[_Found], about: About) -> Instruction:
    known = {one.name: one.phrases for one in found if one.phrases is not None}
    asked = PicoInput(title=title, question=question, framework=framework, elements=tuple(known))
    answer = PicoAnswer(
        elements=tuple(Element(name=name, phrases=phrases) for name, phrases in known.items())
    )
    return instruction("pico", asked, answer, about)


def _evidence(found: Sequence[_Found]) -> tuple[str, ...]:
    """Counts; and which elements are not asked for."""
    standing = sum(len(one.phrases or ()) for one in found)
    absent = [one.name for one in found if one.phrases == ()]
    unknown = [one.name for one in found if one.phrases is None]
    told = [f"{standing} phrases stand in the question"]
    if absent:
        told.append(f"no word of {', '.join(absent)} in the question")
    if unknown:
        told.append(f"not asked for {', '.join(unknown)}: perhaps in other words")
    return tuple(told)


def _at(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, Mapping) else {}


def _line(text: str) -> str:
    return " ".join(str(text).split())
