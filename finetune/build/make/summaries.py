"""Instructions of the task `summary`: what the cells of one outcome say, from numbers that people read per arm.

The cells are those of the product: a line per arm, and the effect between two arms with its interval, computed by the
product's own formulas; where trials share an outcome, what they come to together. The sentences are made by rules, in
several wordings, and only those stay that `tools.reporting.narrative` finds supported, as it does in a review.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from finetune.build.kinds import Shard
from finetune.build.make import annotated as read
from finetune.build.make.numbers import Row, row_of_people
from finetune.build.make.numbers_matching import Gold
from finetune.instructions import About, Instruction, Refusal, instruction
from model.tasks.summary import TASK, SummaryAnswer, SummaryCell, SummaryInput, SummarySentence
from tools.reporting.evidence_words import effect_in_words, p_in_words, pooled_in_words
from tools.reporting.narrative import Fact, Said, supported
from tools.schemas import Record, sha256_of
from tools.synthesis.effects import effect
from tools.synthesis.pooling import pool
from tools.synthesis.values import ArmData, Effect, EffectMeasure, StudyData

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Summaries"]

LONGEST = 150
"""Characters of an arm's or an outcome's name."""
MOST = 12
"""Comparisons of one outcome."""
WORDS: dict[EffectMeasure, str] = {"RR": "risk ratio", "MD": "mean difference"}


class _Compared(NamedTuple):
    """One comparison with its effect."""

    row: Row
    study: str
    effect: Effect | None


class Summaries:
    """The maker. It asks no engine."""

    name = "summaries"

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """An instruction for each outcome of a part, over all its trials and arms."""
        rows: dict[tuple[str, bool], list[Row]] = {}
        for annotation in corpus.annotations("numbers"):
            row = row_of_people(annotation)
            if isinstance(row, Refusal):
                if shard.has(annotation.annotation_id):
                    yield row._replace(task=TASK.id)
            else:
                rows.setdefault((row.named.outcome.casefold(), row.counted), []).append(row)
        for (outcome, counted), alike in sorted(rows.items()):
            if shard.has(f"{outcome} {counted}"):
                yield from self._made(alike, corpus)

    def _made(self, rows: Sequence[Row], corpus: Corpus) -> Iterator[Instruction | Refusal]:
        records = corpus.records(sorted({r.annotation.pmid for r in rows if r.annotation.pmid}))
        kept = []
        for row in rows:
            why = _doubt(row)
            if why:
                yield read.refused(TASK.id, row.annotation, why)
            else:
                kept.append(_compared(row, records.get(row.annotation.pmid or "")))
        if kept:
            yield self._of(kept[:MOST], records)
            yield from (
                read.refused(TASK.id, c.row.annotation, "more comparisons than are told") for c in kept[MOST:]
            )

    def _of(self, compared: Sequence[_Compared], records: dict[str, Record]) -> Instruction | Refusal:
        first = compared[0].row
        cells, told = _cells(compared)
        results, above = _pooled(compared)
        asked = SummaryInput(outcome=first.named.outcome, cells=tuple(cells), results=tuple(results))
        facts = [Fact(id=c.id, label=c.label, value=c.value) for c in asked.every]
        said = supported((Said(text=s.text, cells=s.cites) for s in (*above, *told)), facts)
        if not said.sentences:
            return read.refused(TASK.id, first.annotation, "no sentence that its cells support")
        answer = SummaryAnswer(
            status="summarised",
            sentences=tuple(SummarySentence(cites=s.cells, text=s.text) for s in said.sentences),
        )
        return instruction(TASK.id, asked, answer, _about(compared, records))


def _doubt(row: Row) -> str:
    """Why a row gives no cells; empty where it does."""
    if any(len(name) > LONGEST for name in (row.named.outcome, *row.named.arms)):
        return "a name too long for a cell"
    if any(gold.value is None or gold.size is None for gold in row.gold):
        return "a number is missing"
    if row.counted and any(gold.value > gold.size for gold in row.gold if gold.value and gold.size):
        return "more events than participants"
    return ""


def _compared(row: Row, record: Record | None) -> _Compared:
    study = _study(row, record)
    measure: EffectMeasure = "RR" if row.counted else "MD"
    arms = [_arm(name, gold) for name, gold in zip(row.named.arms, row.gold, strict=True)]
    found = effect(
        StudyData(study_id=row.annotation.annotation_id, label=study, experimental=arms[0], control=arms[1]),
        measure,
    )
    return _Compared(row, study, found if isinstance(found, Effect) else None)


def _study(row: Row, record: Record | None) -> str:
    """As tables name studies: first author and year where both are known."""
    if record is not None and record.authors and record.year:
        return f"{record.authors[0].partition(',')[0]} {record.year}"
    return f"Study {row.annotation.pmid or row.annotation.pmcid or row.annotation.annotation_id}"


def _arm(name: str, gold: Gold) -> ArmData:
    value = float(gold.value) if gold.value is not None else None
    return ArmData(
        arm=name,
        total=gold.size,
        events=value if gold.counted else None,
        mean=None if gold.counted else value,
        sd=float(gold.spread) if gold.spread is not None else None,
    )


# Cells and sentences -----------------------------------------------------------------------------


def _cells(compared: Sequence[_Compared]) -> tuple[list[SummaryCell], list[SummarySentence]]:
    cells: dict[tuple[str, str], SummaryCell] = {}
    sentences: dict[str, SummarySentence] = {}

    def cell(label: str, value: str) -> SummaryCell:
        made = SummaryCell(id=f"c{len(cells) + 1}", label=label, value=value)
        return cells.setdefault((label, value), made)

    for each in compared:
        arms = [
            cell(f"{each.study}, {name}", _told(gold))
            for name, gold in zip(each.row.named.arms, each.row.gold, strict=True)
        ]
        text = _arms_said(each)
        sentences.setdefault(text, SummarySentence(cites=tuple(a.id for a in arms), text=text))
        if each.effect is not None:
            measure = each.effect.measure
            pair = " against ".join(each.row.named.arms)
            made = cell(f"{each.study}, {measure} with 95% CI, {pair}", effect_in_words(each.effect))
            text = _effect_said(each, made.value)
            sentences.setdefault(text, SummarySentence(cites=(made.id,), text=text))
    return list(cells.values()), list(sentences.values())


def _told(gold: Gold) -> str:
    if gold.counted:
        return f"{gold.value} of {gold.size} participants"
    spread = f" (SD {gold.spread})" if gold.spread is not None else ""
    return f"mean {gold.value}{spread}, {gold.size} participants"


def _pick(each: _Compared, what: str, wordings: Sequence[str]) -> str:
    return wordings[read.nth(f"{what} {each.row.annotation.annotation_id}", len(wordings))]


def _arms_said(each: _Compared) -> str:
    one, other = (_told(gold) for gold in each.row.gold)
    names = each.row.named.arms
    outcome = each.row.named.outcome[0].lower() + each.row.named.outcome[1:]
    wording = _pick(each, "arms", (
        "In {study}, the result for {outcome} was {one} with {first}, and {other} with {second}.",
        "{study} found, for {outcome}, {one} with {first} and {other} with {second}.",
        "For {outcome}, {study} reports {one} ({first}) against {other} ({second}).",
    ))  # fmt: skip
    return wording.format(
        study=each.study, outcome=outcome, one=one, other=other, first=names[0], second=names[1]
    )


def _effect_said(each: _Compared, value: str) -> str:
    assert each.effect is not None
    wording = _pick(each, "effect", (
        "The {words} of {first} against {second} in {study} was {value}.",
        "{study} gives a {words} of {value} for {first} against {second}.",
    ))  # fmt: skip
    names = each.row.named.arms
    return wording.format(
        words=WORDS[each.effect.measure], first=names[0], second=names[1], study=each.study, value=value
    )


def _pooled(compared: Sequence[_Compared]) -> tuple[list[SummaryCell], list[SummarySentence]]:
    """What the first comparison of each study comes to together; nothing where there is one study."""
    by_study: dict[str, Effect] = {}
    for each in compared:
        if each.effect is not None:
            by_study.setdefault(each.study, each.effect)
    if len(by_study) < 2:
        return [], []
    found = pool(list(by_study.values()), model="random")
    cells = [
        SummaryCell(
            id="r1", label=f"Pooled effect of {found.k} studies, random model", value=pooled_in_words(found)
        ),
        SummaryCell(id="r2", label="Test of no effect", value=p_in_words(found.p)),
    ]
    text = f"The pooled effect of {found.k} studies was {cells[0].value}, {cells[1].value}."
    return cells, [SummarySentence(cites=("r1", "r2"), text=text)]


def _about(compared: Sequence[_Compared], records: dict[str, Record]) -> About:
    first = compared[0].row.annotation
    studies: list[str] = []
    for each in compared:
        one = each.row.annotation
        studies += read.studies_of(one, records.get(one.pmid or ""), None)
    years = [record.year for record in records.values() if record.year is not None]
    return About(
        source=first.source,
        licence=first.licence,
        how="summaries-of-numbers",
        studies=tuple(dict.fromkeys(studies)),
        year=max(years, default=None),
        evidence=(
            f"numbers that people read; comparisons: {len(compared)}",
            f"every number of a sentence stands in the cells it cites; rows {_ids(compared)}",
        ),
    )


def _ids(compared: Sequence[_Compared]) -> str:
    return sha256_of([each.row.annotation.annotation_id for each in compared])[:12]
