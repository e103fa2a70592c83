"""The arms of a registry entry as papers tell them: in paragraphs, in one paragraph, in a table. Pure."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from finetune.build.make.registry_layouts import Piece, Span, Text, joined
from tools.registry.trial import RegisteredArm, RegisteredTrial, enum_word

__all__ = ["arms_in_prose", "types_show"]


def types_show(trial: RegisteredTrial) -> bool:
    """Whether the types of all arms follow from what is told of them, so that they need not be printed.

    What is compared with placebo, sham or nothing is experimental; which of two active arms is, nobody can tell.
    """
    for arm in trial.arms:
        said = " ".join(
            leaf.text for leaf in (arm.label, arm.description, *arm.interventions) if leaf
        ).lower()
        word = enum_word(arm.type)
        if word == "EXPERIMENTAL":
            shown = bool(arm.interventions) and not re.search(
                r"placebo|sham|\bcontrol\b|usual care", arm.label.text.lower()
            )
        elif word == "NO_INTERVENTION":
            shown = (
                not arm.interventions
                and re.search(r"\bno |without|control|wait|usual|standard", said) is not None
            )
        else:
            shown = {"PLACEBO_COMPARATOR": "placebo", "SHAM_COMPARATOR": "sham"}.get(word, "\0") in said
        if not shown:
            return False
    return bool(trial.arms)


def arms_in_prose(trial: RegisteredTrial, chance: random.Random) -> Text:
    """A report that tells the arms in paragraphs, in one paragraph, or in a table; quotes by the labels' paths."""
    pieces = [Piece("", "title", trial.title)] if trial.title else []
    if trial.summary and chance.random() < 0.7:
        pieces.append(Piece("Abstract", "abstract", trial.summary.text))
    pieces.append(Piece("Methods", "title", "Methods"))
    if trial.eligibility and chance.random() < 0.4:
        pieces.append(Piece("Methods > Participants", "paragraph", trial.eligibility.text))
    pieces += _ARMS[chance.randrange(len(_ARMS))](trial, chance)
    for outcome in trial.outcomes[: chance.choice((0, 1, 3, 6))]:
        frame = f" ({outcome.time_frame.text})" if outcome.time_frame else ""
        pieces.append(Piece("Methods > Outcomes", "paragraph", f"{outcome.measure.text}{frame}"))
    return joined(pieces)


def _given(arm: RegisteredArm) -> str:
    """What an arm gets, without the kind that the registry puts before it."""
    return " and ".join(leaf.text.partition(": ")[2] or leaf.text for leaf in arm.interventions)


def _in_paragraphs(trial: RegisteredTrial, chance: random.Random) -> Iterator[Piece]:
    with_given = chance.random() < 0.5
    for arm in trial.arms:
        text = ". ".join(filter(None, (arm.label.text, _given(arm) if with_given else "", _said(arm))))
        yield Piece("Methods > Interventions", "paragraph", text, (Span(arm.label.path, 0, len(text)),))


def _in_one(trial: RegisteredTrial, chance: random.Random) -> Iterator[Piece]:
    how = "randomly assigned" if enum_word(trial.allocation) == "RANDOMIZED" else "assigned"
    names = "; ".join(arm.label.text for arm in trial.arms)
    text, spans = (
        f"Participants were {how} to: {names}." if len(trial.arms) > 1 else "There was one group.",
        [],
    )
    verb = chance.choice(("received", "were given", "were allocated to"))
    for arm in trial.arms:
        begin = len(text) + 1
        given = f" {verb} {_given(arm)}" if arm.interventions else " received no intervention of the study"
        text += f" Participants in {arm.label.text!r}{given}." + (f" {_said(arm)}" if arm.description else "")
        spans.append(Span(arm.label.path, begin, len(text)))
    yield Piece("Methods > Interventions", "paragraph", text, tuple(spans))


def _in_table(trial: RegisteredTrial, _chance: random.Random) -> Iterator[Piece]:
    lines, spans = ["Group | Given | Description"], []
    for arm in trial.arms:
        begin = sum(len(line) + 1 for line in lines)
        lines.append(f"{arm.label.text} | {_given(arm) or 'nothing'} | {_said(arm) or '–'}")
        spans.append(Span(arm.label.path, begin, begin + len(lines[-1])))
    yield Piece("Table 1", "caption", "Table 1. Groups of the study")
    yield Piece("Table 1", "table", "\n".join(lines), tuple(spans))


def _said(arm: RegisteredArm) -> str:
    return arm.description.text if arm.description else ""


_ARMS = (_in_paragraphs, _in_one, _in_table)
