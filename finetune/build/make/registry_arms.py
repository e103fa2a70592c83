"""Task `arms` from linked pairs: the arms as registered, each with the sentence of the paper that names what it got."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from finetune.build.make.papers import MAX_QUOTE
from finetune.build.make.registered import ALIKE, arms_of
from finetune.build.make.registry_links import Linked, LinkedMaker
from finetune.instructions import Instruction, Refusal
from model.tasks.arms import Arm, ArmsAnswer, ArmsInput
from tools.fulltext.quotes import locate, sentences
from tools.fulltext.relevance import terms
from tools.registry.trial import RegisteredArm, RegisteredTrial
from tools.schemas import Passage

__all__ = ["NOT_EVERY_ARM", "RegistryArms"]

NOT_EVERY_ARM = "not every arm is named in the paper"

_ASSIGNING = re.compile(
    r"random|assigned|allocat|receiv|treated with|\bgroups?\b|\barms?\b|compar|versus|\bvs\b", re.IGNORECASE
)
_OTHERS = re.compile(
    r"previous|earlier|et al|meta-analys|has been shown|have been shown|in contrast to", re.IGNORECASE
)
_OWN = re.compile(
    r"abstract|method|interven|treat|design|procedure|patients|participants|result", re.IGNORECASE
)
_EMPTY = frozenset(
    terms(
        "arm group drug treatment intervention matching matched mg day daily once twice week weeks control dose"
    )
)


class RegistryArms(LinkedMaker):
    """See `LinkedMaker`."""

    name = "registry-arms"
    task = "arms"

    def _of(self, pair: Linked) -> Iterator[Instruction | Refusal]:
        """One instruction."""
        yield self._one(pair)

    def _one(self, pair: Linked) -> Instruction | Refusal:
        registered = arms_of(pair.entry)
        if isinstance(registered, str):
            return pair.refused("arms", registered)
        names = _names_of(pair.entry)
        if isinstance(names, str):
            return pair.refused("arms", names)
        made = []
        for number, arm in enumerate(registered):
            told = _told(pair.report.passages, names[number], names)
            if told is None:
                return pair.refused("arms", NOT_EVERY_ARM)
            alone = sum(_names(told, other) for other in names) == 1
            made.append(_in_words_of_paper(arm, names[number], told, pair.report.passages, alone))
        labels = {arm.label.casefold() for arm in made}
        if len(labels) < len(made):
            return pair.refused("arms", ALIKE)
        answer = ArmsAnswer(status="found", arms=tuple(made))
        quotes = [arm.quote for arm in made]
        return pair.made("arms", ArmsInput, {}, answer, (), quotes, self._reading, f"{len(made)} arms")


class _Name(NamedTuple):
    """What an arm is known by in a paper."""

    label: str
    names: tuple[tuple[frozenset[str], ...], ...]
    """Of each intervention the stems of each of its names; any of its names will do."""
    apart: frozenset[str]
    """Stems and doses that tell its label from those of arms with the same interventions."""


def _names_of(trial: RegisteredTrial) -> tuple[_Name, ...] | str:
    """What each arm is known by; ALIKE where two cannot be told apart."""
    others = {leaf.name.text.casefold(): [o.text for o in leaf.other_names] for leaf in trial.interventions}
    given = [_interventions(arm, others) for arm in trial.arms]
    labels = [_stems(arm.label.text) for arm in trial.arms]
    made = []
    for number, arm in enumerate(trial.arms):
        same = [n for n in range(len(given)) if n != number and set(given[n]) == set(given[number])]
        apart = labels[number] - frozenset().union(*(labels[n] for n in same)) if same else frozenset()
        if same and not apart:
            return ALIKE
        names = given[number] or ((labels[number],) if labels[number] else (),)
        if not any(any(name) for name in names):
            return ALIKE
        made.append(_Name(arm.label.text, names, apart))
    return tuple(made)


def _interventions(
    arm: RegisteredArm, others: Mapping[str, Sequence[str]]
) -> tuple[tuple[frozenset[str], ...], ...]:
    """Of each intervention of an arm the stems of each of its names."""
    made = []
    for leaf in arm.interventions:
        name = leaf.text.partition(": ")[2] or leaf.text
        made.append(tuple(filter(None, map(_stems, (name, *others.get(name.casefold(), ()))))))
    return tuple(filter(None, made))


def _stems(text: str) -> frozenset[str]:
    told = frozenset(terms(text))
    return told - _EMPTY or told


# In the paper ------------------------------------------------------------------------------------


def _told(passages: Sequence[Passage], name: _Name, names: Sequence[_Name]) -> str | None:
    """The sentence that tells best of an arm: about the trial itself, of assignment, and of no other arm."""
    best: tuple[tuple[int, ...], str] | None = None
    for passage in passages:
        if passage.kind == "table" or (
            passage.section and not _OWN.search(f"{passage.section} {passage.kind}")
        ):
            continue
        for start, end in sentences(passage.text):
            text = passage.text[start:end]
            if len(text) > MAX_QUOTE or not _names(text, name) or _OTHERS.search(text):
                continue
            assigning = len(set(_ASSIGNING.findall(text)))
            if not assigning:
                continue
            alone = sum(_names(text, other) for other in names) == 1
            rank = (int(passage.kind != "title"), int(alone), min(assigning, 2), -len(text))
            if best is None or rank > best[0]:
                best = (rank, text)
    return best[1] if best is not None else None


def _names(text: str, name: _Name) -> bool:
    there = frozenset(terms(text))
    return name.apart <= there and all(any(one <= there for one in names) for names in name.names)


def _in_words_of_paper(arm: Arm, name: _Name, quote: str, passages: Sequence[Passage], alone: bool) -> Arm:
    """Label as the paper spells it, where it does; the description is the sentence, where it tells of this arm only."""
    texts = "\n".join(passage.text for passage in passages)
    spelled = locate(name.label, quote) or locate(name.label, texts)
    label = spelled.text if spelled is not None else _label_of(arm, texts)
    return arm.model_copy(
        update={"quote": quote, "label": label[:200], "description": quote if alone else ""}
    )


def _label_of(arm: Arm, texts: str) -> str:
    """The interventions as the paper spells them, where it spells them all; else the registered label."""
    found = [locate(given.partition(": ")[2] or given, texts) for given in arm.interventions]
    told = [one.text for one in found if one is not None]
    return " plus ".join(told) if told and len(told) == len(arm.interventions) else arm.label
