"""Instructions from what people marked in abstracts of trials (PICO corpus, Mutinda 2022, doi:10.3390/app122312350).

Marked are spans: how many took part in all and in each group, what each group was given, and the values of outcomes
in each group. Made of them are

* `characteristics`: sample size, intervention and comparator of the product's own form, and fields that
  the abstract can be shown not to tell;
* `participants`: the size of each group, or that it is not told;
* `results`: one value of an outcome in one group (`groups_results`).

A quote is the sentence in which the mark stands. What people marked twice and differently is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from finetune.build.kinds import Shard
from finetune.build.make import annotated as read
from finetune.build.make.groups_marks import LONGEST, Mark, Marked, marked
from finetune.build.make.groups_results import results_in
from finetune.build.make.numbers_placing import apart, in_order
from finetune.instructions import Instruction, Refusal, instruction
from model.engine import Engine, Request
from model.pool import ask
from model.tasks import characteristics, participants
from tools import frameworks
from tools.errors import EngineError
from tools.records.linking import registry_ids
from tools.schemas import FieldSpec

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Groups"]

FORM = {field.id: field for field in frameworks.kind_of("intervention", "PICO").form}
STUDIED = FieldSpec(
    id="sample_size",
    kind="number",
    unit="participants",
    question="How many participants were studied in total?",
)
"""Asked where the abstract does not say that those counted were randomised."""
TEXTS = {"intervention": "intervention", "comparator": "control"}
"""Field of the form to the kind of mark. What is marked as condition is often what a trial is to prevent."""
SIZE = participants.Measure(
    title="Number of participants assigned to the group",
    param_type="COUNT_OF_PARTICIPANTS",
    unit="participants",
)
"""As a review asks it of every report (`graphs.reading`)."""
ANALYSED = SIZE.model_copy(update={"title": "Number of participants"})
"""Where the sentence does not say that they were assigned."""
WHY = "people marked it in the abstract"

_RANDOMISED = re.compile(r"\b(?:random|allocat|assign)", re.IGNORECASE)
_PLANNED = re.compile(r"\btarget|\bpower (?:calc|anal)|\bsample size\b|\bplanned\b", re.IGNORECASE)
_RISK = re.compile(r"\b(?:odds|hazard|risk) ratio|\brelative risk|\bincidence\b", re.IGNORECASE)
_FUNDED = re.compile(
    r"\b(?:fund|support|grant|sponsor|financ|industry|pharmaceuticals?\b|inc\b|foundation)", re.I
)
_SIZED = re.compile(
    r"\bn\s?=|\bgroups? of \d|\beach (?:group|arm)|\bper (?:group|arm)|\b1:1\b", re.IGNORECASE
)


class Groups:
    """The maker; the engine is asked only whether it finds sizes of groups where people marked none."""

    name = "groups"

    def __init__(self, engine: Engine) -> None:
        """
        Args:
            engine: any; the baseline is enough.
        """
        self._engine = engine

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """Instructions of one part of the annotations, in the order of their ids."""
        for annotation in corpus.annotations("groups", shard):
            one = marked(annotation, corpus)
            if isinstance(one, Refusal):
                yield one
                continue
            yield from self._characteristics(one)
            yield self._sizes(one)
            yield from results_in(one, self._engine)

    # The form --------------------------------------------------------------------------------

    def _characteristics(self, one: Marked) -> Iterator[Instruction | Refusal]:
        told = [self._total(one), *(_text_field(one, field, kind) for field, kind in TEXTS.items())]
        found = [each for each in told if not isinstance(each, Refusal)]
        yield from (each for each in told if isinstance(each, Refusal))
        if not found:
            return
        silent = [FORM[name] for name in _silent(one)]
        fields = (*(field for field, _ in found), *silent)
        cells = (
            *(answer for _, answer in found),
            *(characteristics.FieldAnswer(field_id=f.id, status="not_reported") for f in silent),
        )
        asked = characteristics.CharacteristicsInput(fields=fields, **one.asked)
        answer = characteristics.CharacteristicsAnswer(cells=cells)
        why = [f"{WHY}: {field.id}" for field, _ in found]
        why += [f"no word for it in the abstract: {field.id}" for field in silent]
        yield instruction(characteristics.TASK.id, asked, answer, one.about("groups-form", *why))

    def _total(self, one: Marked) -> tuple[FieldSpec, characteristics.FieldAnswer] | Refusal:
        """How many took part: the one number marked, or the one of several that was randomised."""
        marks = [
            m
            for m in one.of("total-participants")
            if m.people is not None and not _PLANNED.search(m.sentence)
        ]
        if not marks:
            return one.refused(characteristics.TASK.id, "no total marked")
        assigned = [m for m in marks if _RANDOMISED.search(m.sentence)]
        among = assigned if len({m.people for m in assigned}) == 1 else marks
        if len({m.people for m in among}) > 1:
            return one.refused(characteristics.TASK.id, "several totals marked")
        best = among[0]
        if len(best.sentence) > LONGEST or one.is_exceeded(best):
            return one.refused(
                characteristics.TASK.id, "a total that its groups exceed, or too long a sentence"
            )
        field = FORM["sample_size"] if among is assigned else STUDIED
        cell = characteristics.FieldAnswer(
            field_id=field.id, quote=best.sentence, status="found", value=str(best.people), unit=field.unit
        )
        return field, cell

    # Sizes of groups -------------------------------------------------------------------------

    def _sizes(self, one: Marked) -> Instruction | Refusal:
        task = participants.TASK.id
        names = one.group_names
        if names is None:
            return one.refused(task, "the groups are not called by one name each")
        sizes = [one.size("intervention"), one.size("control")]
        if any(isinstance(size, str) for size in sizes):
            return one.refused(task, "several sizes marked for one group")
        groups = tuple(participants.Group(id=f"g{n}", title=name) for n, name in enumerate(names, 1))
        found = [size for size in sizes if isinstance(size, Mark)]
        assigned = all(_RANDOMISED.search(size.sentence) for size in found)
        measure = SIZE if assigned else ANALYSED
        asked = participants.ParticipantsInput(measure=measure, groups=groups, **one.asked)
        if not found:
            return self._no_sizes(one, asked)
        if len(found) < len(sizes):
            return one.refused(task, "the size of one group only is marked")
        if one.is_exceeded(None):
            return one.refused(task, "the groups together are more than all")
        if any(len(size.sentence) > LONGEST for size in found):
            return one.refused(task, "a sentence too long for a quote")
        if any(_RISK.search(size.sentence) for size in found):
            return one.refused(task, "a count that may be one of events")
        if not any(one.names_group(name, size) for name, size in zip(names, found, strict=True)):
            return one.refused(task, "no group is named where its size stands")
        if found[0].at == found[1].at and not _in_order(names, found):
            return one.refused(task, "the sizes stand at the other group")
        values = tuple(
            participants.GroupValue(group_id=g.id, quote=m.sentence, status="found", value=str(m.people))
            for g, m in zip(groups, found, strict=True)
        )
        answer = participants.ParticipantsAnswer(values=values)
        return instruction(task, asked, answer, one.about("groups-sizes", f"{WHY}, for both groups"))

    def _no_sizes(self, one: Marked, asked: participants.ParticipantsInput) -> Instruction | Refusal:
        task = participants.TASK.id
        if _SIZED.search(one.text):
            return one.refused(task, "no size marked, and the abstract may tell one")
        try:
            said = ask(self._engine, Request(participants.TASK, asked)).value.values
        except EngineError:
            said = ()
        if any(value.status == "found" for value in said):
            return one.refused(task, "no size marked, and an engine finds one")
        values = tuple(participants.GroupValue(group_id=g.id, status="not_reported") for g in asked.groups)
        why = f"people marked no size of a group; {self._engine.name} finds none either"
        answer = participants.ParticipantsAnswer(values=values)
        return instruction(task, asked, answer, one.about("groups-sizes-not-told", why))


_UNTOLD = re.compile(
    r"^(?:the )?(?:controls?|intervention|experimental|treatment)(?: group| arm)?$|\bwith(?: or |/)without\b|^\w{1,3}$"
    r"|^without$|^did\b|^\w+(?:al|ic)$|^(?:group|arm|schedule)s?\W+\w{1,3}$|\bversus\b|\bvs\b", re.IGNORECASE,
)  # fmt: skip


def _in_order(names: tuple[str, str], sizes: Sequence[Mark]) -> bool:
    """Whether both sizes of one sentence stand at their own groups."""
    arms = apart(read.stems(names[0]), read.stems(names[1]))
    places = (sizes[0].start - sizes[0].at, sizes[1].start - sizes[1].at)
    return in_order(sizes[0].sentence, places, arms) is not None


def _text_field(one: Marked, name: str, kind: str) -> tuple[FieldSpec, characteristics.FieldAnswer] | Refusal:
    """A field whose value is a span of words: where people marked one thing only."""
    task = characteristics.TASK.id
    marks = one.of(kind)
    if not marks:
        return one.refused(task, f"no {kind} marked")
    if not _one_thing([m.text for m in marks]):
        return one.refused(task, f"several things marked as {kind}")
    best = max(marks, key=lambda m: (len(m.text), -m.start))
    if _UNTOLD.search(best.text):
        return one.refused(task, f"what is marked as {kind} does not tell what was given")
    if len(best.sentence) > LONGEST:
        return one.refused(task, "a sentence too long for a quote")
    cell = characteristics.FieldAnswer(field_id=name, quote=best.sentence, status="found", value=best.text)
    return FORM[name], cell


def _one_thing(texts: Sequence[str]) -> bool:
    """Whether all spans have the words of one of them, or are of one: `tamoxifen`, `adjuvant tamoxifen`."""
    words = [read.stems(text) for text in texts]
    longest = max(words, key=len)
    return all(each <= longest for each in words)


def _silent(one: Marked) -> Iterator[str]:
    """Fields of the form of which an abstract can be shown to say nothing."""
    if not _FUNDED.search(one.text):
        yield "funding"
    if not registry_ids(one.text) and not re.search(r"regist|\bNCT|ISRCTN", one.text):
        yield "registration"
