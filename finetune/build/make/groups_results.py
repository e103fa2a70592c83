"""Instructions of the task `results` from marks in abstracts: the values of one outcome in two groups of a sentence.

A sentence is used where exactly one outcome is marked in it, and one value of a kind for each group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from finetune.build.make import annotated as read
from finetune.build.make.groups_marks import LONGEST, Mark, Marked
from finetune.build.make.numbers_placing import apart, in_order
from finetune.instructions import Instruction, Refusal, instruction
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.results import TASK, OutcomeMeasure, ResultsAnswer, ResultsInput, ResultValue, TrialGroup
from tools.errors import EngineError
from tools.extraction.forms import plain
from tools.extraction.numbers import readings_in
from tools.fulltext import relevance
from tools.schemas import Passage

__all__ = ["results_in"]

KINDS = ("bin-abs", "bin-percent", "cont-mean", "cont-median")
"""What is marked of an outcome, the one that says most first; `iv-` or `cv-` stands before it."""
_ASKED = {"bin": "Number of participants with the event.", "cont": ""}
_NUMBER = re.compile(r"[-−–+]?\s?\d{1,3}(?:,\d{3})+(?:[.·]\d+)?|[-−–+]?\s?\d+(?:[.·]\d+)?|[-−–+]?[.·]\d+")


class _Value(NamedTuple):
    mark: Mark
    number: str
    spread: str | None


def results_in(one: Marked, engine: Engine) -> Iterator[Instruction | Refusal]:
    """Two instructions for each sentence that can be used: one per group."""
    valued = [m for m in one.marks if m.kind.startswith(("iv-", "cv-"))]
    if not valued:
        yield one.refused(TASK.id, "no values marked")
        return
    if one.group_names is None:
        yield one.refused(TASK.id, "the groups are not called by one name each")
        return
    for at, marks in groupby(valued, key=lambda m: m.at):
        yield from _of_sentence(one, at, list(marks), one.group_names, engine)


def _of_sentence(
    one: Marked, at: int, marks: Sequence[Mark], names: tuple[str, str], engine: Engine
) -> Iterator[Instruction | Refusal]:
    outcomes = [m for m in one.marks if m.at == at and m.kind == "outcome"]
    where = f"at {at}"
    if len({m.text.casefold() for m in outcomes}) != 1:
        yield one.refused(TASK.id, "not one outcome in the sentence", where)
        return
    kind = next((k for k in KINDS if _pair(marks, k)), None)
    if kind is None:
        yield one.refused(TASK.id, "not one value of a kind for each group", where)
        return
    sentence = marks[0].sentence
    values = [_value(marks, side, kind) for side in ("iv", "cv")]
    told = [value for value in values if value is not None]
    why = _doubt(one, told, sentence, names, kind, outcomes[0].text)
    if why:
        yield one.refused(TASK.id, why, where)
        return
    made = [_made(one, outcomes[0], told[n], (names[n], names[1 - n]), kind) for n in (0, 1)]
    said = [_read(each, engine) for each in made]
    if any(said[n] == float(told[1 - n].number) != float(told[n].number) for n in (0, 1)):
        yield one.refused(TASK.id, "an engine reads the value of the other group", where)
        return
    yield from made


def _read(made: Instruction, engine: Engine) -> float | None:
    """The value that an engine reads in the quoted sentence alone; None where it reads none."""
    asked = ResultsInput.model_validate(made.asked)
    quote = made.answer["values"][0]["quote"]
    passage = Passage(section="Results", kind="paragraph", start=0, text=quote)
    try:
        answer = ask(engine, Request(TASK, asked.model_copy(update={"passages": (passage,)}))).value
    except EngineError:
        return None
    return float(answer.values[0].value) if len(answer.values) == 1 else None


def _pair(marks: Sequence[Mark], kind: str) -> bool:
    return all(len([m for m in marks if m.kind == f"{side}-{kind}"]) == 1 for side in ("iv", "cv"))


def _value(marks: Sequence[Mark], side: str, kind: str) -> _Value | None:
    mark = next(m for m in marks if m.kind == f"{side}-{kind}")
    numbers = _NUMBER.findall(mark.text)
    spreads = [m for m in marks if m.kind == f"{side}-cont-sd"] if kind == "cont-mean" else []
    spread = _NUMBER.findall(spreads[0].text) if len(spreads) == 1 else []
    if len(numbers) != 1 or len(spreads) > 1:
        return None
    return _Value(mark, plain(numbers[0]), plain(spread[0]) if len(spread) == 1 else None)


def _doubt(
    one: Marked, told: Sequence[_Value], sentence: str, names: tuple[str, str], kind: str, outcome: str
) -> str:
    """Why the values of a sentence are not taken; empty where they are."""
    if len(told) < 2 or (told[0].spread is None) != (told[1].spread is None):
        return "a mark that is not one number"
    if len(sentence) > LONGEST:
        return "a sentence too long for a quote"
    if kind == "bin-percent" and not all(0 <= float(v.number) <= 100 for v in told):
        return "a percentage that is none"
    if kind.startswith("bin") and _NO_COUNT.search(outcome):
        return "a count of an outcome that is no event"
    if kind == "bin-abs" and not all(v.number.isdigit() for v in told):
        return "a count that is none"
    if _AGAINST.search(sentence) or (kind == "bin-percent" and _CHANGE.search(sentence)):
        return "the values may be of two times, or of the difference between groups"
    if not any(one.names_group(name, value.mark) for name, value in zip(names, told, strict=True)):
        return "no group is named in the sentence"
    if not _at_their_groups(told, sentence, names):
        return "the values stand at the other group, or nothing tells whose they are"
    return ""


def _at_their_groups(told: Sequence[_Value], sentence: str, names: tuple[str, str]) -> bool:
    """Whether each value stands at its own group, and nothing that is said of higher and lower contradicts."""
    arms = apart(read.stems(names[0]), read.stems(names[1]))
    starts = (told[0].mark.start - told[0].mark.at, told[1].mark.start - told[1].mark.at)
    if not in_order(sentence, starts, arms):
        return False
    hit = _MORE_IN.search(sentence)
    if hit is None:
        return True
    named = [bool(arm & set(relevance.terms(hit["group"]))) for arm in arms]
    if named[0] == named[1]:
        return True
    more = _HIGHER.search(hit["way"]) is not None
    mine, theirs = (float(v.number) for v in (told if named[0] else told[::-1]))
    return mine == theirs or (mine > theirs) == more


_HIGHER = re.compile(r"higher|greater|more|larger|longer|increased|better", re.IGNORECASE)
_MORE_IN = re.compile(
    r"\b(?P<way>higher|greater|more|larger|longer|increased|lower|less|fewer|smaller|shorter|reduced)\b[^.;()]{0,60}?"
    r"\b(?:in|with|for|after|among|under)\s(?P<group>[^.;,()]{1,60})",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"%[^.;%]{0,70}\b(?:greater|higher|lower|fewer|reduction|decrease|increase|risk of|hazard of|improvement)"
    r"|\b(?:reduced|increased|decreased|improved)\s(?:\w+\s){0,2}by\b", re.IGNORECASE,
)  # fmt: skip
_NO_COUNT = re.compile(r"\b(?:median|mean|average|duration|time to)\b", re.IGNORECASE)
_AGAINST = re.compile(
    r"\b(?:from|before|after)\b[^.;]{0,80}\b(?:to|after|before)\b|\bbaseline\b", re.IGNORECASE
)

_PARAM = {
    "bin-abs": "COUNT_OF_PARTICIPANTS",
    "bin-percent": "NUMBER",
    "cont-mean": "MEAN",
    "cont-median": "MEDIAN",
}
_UNIT = {"bin-abs": "Participants", "bin-percent": "percent"}


def _made(one: Marked, outcome: Mark, mine: _Value, names: tuple[str, str], kind: str) -> Instruction:
    asked = ResultsInput(
        outcome=OutcomeMeasure(title=outcome.text, description=_ASKED[kind.partition("-")[0]]),
        group=TrialGroup(title=names[0]),
        others=(TrialGroup(title=names[1]),),
        **one.asked,
    )
    size = _size(one, mine, kind)
    answer = ResultsAnswer(
        status="found",
        param_type=_PARAM[kind],
        dispersion_type="Standard Deviation" if mine.spread is not None else "",
        unit=_UNIT.get(kind, _unit(mine)),
        denominator_unit="Participants" if size is not None else "",
        denominator=size,
        values=(ResultValue(quote=mine.mark.sentence, value=mine.number, spread=mine.spread),),
    )
    why = "people marked outcome and values of both groups in the sentence"
    return instruction(TASK.id, asked, answer, one.about(f"groups-{kind}", why))


def _size(one: Marked, value: _Value, kind: str) -> int | None:
    """How many were analysed: printed with the value, else the one size marked in the same sentence."""
    at = value.mark.start - value.mark.at
    for reading in readings_in(value.mark.sentence):
        if reading.start <= at < reading.end and reading.total is not None:
            return reading.total
    side = "intervention" if value.mark.kind.startswith("iv") else "control"
    near = [m for m in one.of(f"{side}-participants") if m.at == value.mark.at and m.people is not None]
    apart_from = [m for m in near if m.start >= value.mark.end or m.end <= value.mark.start]
    if len(near) != 1 or not apart_from or near[0].people is None:
        return None
    fits = kind != "bin-abs" or int(value.number) < near[0].people
    return near[0].people if fits else None


_AFTER = re.compile(
    r"\s?(%|months?|years?|weeks?|days?|hours?|mg|kg|cm|mm|ml|g|points?|minutes?|min)\b(?!/)|\s?(%)"
)


def _unit(value: _Value) -> str:
    """The unit printed behind the number."""
    sentence, end = value.mark.sentence, value.mark.end - value.mark.at
    inside = re.search(r"(?<=\d)\s?([A-Za-z%]+)\.?$", value.mark.text)
    if inside is not None:
        return "percent" if inside[1] == "%" else inside[1]
    hit = _AFTER.match(sentence, end)
    if hit is None:
        return ""
    return "percent" if "%" in hit.group() else str(hit[1])
