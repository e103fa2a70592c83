"""Instructions of the task `results` from numbers that people read per arm (Yun 2024, arXiv:2405.01686).

People filled in events and participants, or mean, standard deviation and participants, of two arms. An instruction is
made where the report's own text or tables hold these very numbers (`numbers_placing`), about the same outcome and arms;
the quote is the row or the sentence. What is converted is left as the report prints it: a standard error stays one. A
number that people left out stays empty only where they say that the report does not give it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from finetune.build.kinds import Annotation, Shard
from finetune.build.make import annotated as read
from finetune.build.make.numbers_matching import Gold
from finetune.build.make.numbers_placing import Named, Place, Told, places
from finetune.build.make.papers import CUT_AWAY, NO_TEXT, Reading, Report, show
from finetune.instructions import About, Instruction, Refusal, instruction
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.results import TASK, OutcomeMeasure, ResultsAnswer, ResultsInput, ResultValue, TrialGroup
from tools.errors import EngineError
from tools.extraction.numbers import readings_in, sizes_in
from tools.fulltext.quotes import holds_number
from tools.schemas import Passage

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["ARMS", "Numbers", "Row", "row_of_people"]

ARMS = ("intervention", "comparator")
ASKED = {True: "Number of participants with the event.", False: "Mean and standard deviation."}
"""The kind of number that is wanted, as a review's form says it (`graphs.reading`)."""
CHANGED = "The change from baseline, not the final value."
NAMED = 0.5
"""Share of the outcome's telling words that must stand at the row."""
SURE = 0.75
"""The same where numbers alone prove little: counts of people."""


class Row(NamedTuple):
    """What people filled in about one outcome in two arms."""

    annotation: Annotation
    named: Named
    gold: tuple[Gold, Gold]
    when: str
    """The time that their note names."""

    @property
    def counted(self) -> bool:
        """Whether the outcome counts participants."""
        return self.gold[0].counted


class Numbers:
    """The maker; the engine is asked only whether it finds anything where people found no numbers."""

    name = "numbers"

    def __init__(self, engine: Engine, *, reading: Reading | None = None) -> None:
        """
        Args:
            engine: any; the baseline is enough.
            reading: how much of a report a question holds.
        """
        self._engine, self._reading = engine, reading or Reading()

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """Instructions of one part of the annotations, two for each row: one per arm."""
        for annotation in corpus.annotations("numbers", shard):
            row = row_of_people(annotation)
            if isinstance(row, Refusal):
                yield row
                continue
            report = read.report_of(corpus, annotation)
            if report is None or not report.full_text:
                yield _refused(row, NO_TEXT)
            elif row.gold[0].value is None and row.gold[1].value is None:
                yield from (self._not_told(row, report, arm) for arm in (0, 1))
            else:
                yield from self._told(row, report)

    # Told ------------------------------------------------------------------------------------

    def _told(self, row: Row, report: Report) -> Iterator[Instruction | Refusal]:
        why = _incomplete(row)
        found = () if why else places(report.passages, row.named, row.gold)
        place = found[0] if found else None
        why = why or ("the numbers do not stand in the text" if place is None else _unsure(row, place, found))
        if why or place is None:
            yield _refused(row, why)
            return
        for arm in (0, 1):
            yield self._of_arm(row, report, place, arm)

    def _of_arm(self, row: Row, report: Report, place: Place, arm: int) -> Instruction | Refusal:
        told, size = place.arms[arm], row.gold[arm].size
        when = row.when or place.when
        shown = show(report, "results", _words(row, arm, when), (told.quote,), self._reading)
        if shown is None:
            return _refused(row, CUT_AWAY, ARMS[arm])
        if size is not None and told.reading.total != size and not _says_size(shown.passages, size):
            return _refused(row, "the number of participants is not told", ARMS[arm])
        asked = _question(row, report, shown.passages, arm, when, changed=place.changed and not row.counted)
        return instruction(TASK.id, asked, _answer(told, size, place.when), self._about(row, report, place))

    def _about(self, row: Row, report: Report, place: Place) -> About:
        body = row.annotation.body
        said = [
            f"people's numbers of both arms stand together in the {read.kind_of(report)}",
            f"split there: {body.get('split', 'unknown')}",
            f"share of the outcome's words at the place: {place.named:.2f}; arms named at their values: {place.sides}",
        ]
        said += [f"people's note: {note}" for note in [read.cleaned(body.get("notes"))] if note]
        return read.about(row.annotation, report, "numbers-annotated", *said)

    # Not told --------------------------------------------------------------------------------

    def _not_told(self, row: Row, report: Report, arm: int) -> Instruction | Refusal:
        """What people looked for and found in a figure only, or nowhere."""
        body = row.annotation.body
        if _flag(body, "is_relevant_data_in_table") or not _flag(body, "is_data_in_figure_graphics"):
            return _refused(row, "people give no numbers, and do not say that the text has none", ARMS[arm])
        shown = show(report, "results", _words(row, arm, row.when), (), self._reading)
        assert shown is not None  # without evidence nothing can be cut away
        asked = _question(row, report, shown.passages, arm, row.when)
        try:
            said = ask(self._engine, Request(TASK, asked)).value.status
        except EngineError:
            said = "not_found"
        if said == "found" or _may_be_told(row, shown.passages):
            return _refused(row, "an engine finds what people did not", ARMS[arm])
        why = f"people found its numbers in a figure only; {self._engine.name} finds none either"
        split = f"split there: {body.get('split', 'unknown')}"
        origin = read.about(row.annotation, report, "numbers-in-figures", why, split)
        return instruction(TASK.id, asked, ResultsAnswer(status="not_reported"), origin)


def _question(
    row: Row, report: Report, passages: Sequence[Passage], arm: int, when: str, *, changed: bool = False
) -> ResultsInput:
    described = f"{ASKED[row.counted]} {CHANGED}" if changed else ASKED[row.counted]
    return ResultsInput(
        outcome=OutcomeMeasure(title=row.named.outcome, description=described, time_frame=when),
        group=TrialGroup(title=row.named.arms[arm]),
        others=(TrialGroup(title=row.named.arms[1 - arm]),),
        **report.asked(passages),
    )


_PARAM = {"count": "COUNT_OF_PARTICIPANTS", "mean": "MEAN", "percent": "NUMBER"}


def _answer(told: Told, size: int | None, when: str) -> ResultsAnswer:
    reading = told.reading
    limits = told.dispersion == "95% Confidence Interval"
    spread = reading.spread if told.dispersion and not limits else None
    value = ResultValue(
        quote=told.quote,
        value=reading.value,
        spread=spread,
        lower=reading.lower if limits else None,
        upper=reading.upper if limits else None,
    )
    return ResultsAnswer(
        status="found",
        param_type=_PARAM[reading.kind],
        dispersion_type=told.dispersion,
        unit=_unit(told),
        time_frame=when,
        denominator_unit="Participants" if size is not None else "",
        denominator=size,
        values=(value,),
    )


_UNIT = re.compile(r"[(\[,]\s?((?:[µμ]?[A-Za-z°%]+)(?:[/·][A-Za-z0-9²]+){0,3})\s?[)\]]?\s*(?:\||$)")
_NO_UNIT = re.compile(r"n|sd|se|sem|iqr|ci|mean|median|range|%|.*[A-Z]{3,}.*|\w{8,}", re.IGNORECASE)


def _unit(told: Told) -> str:
    """What stands in brackets at the end of the row's label, as `Weight (kg)`."""
    if told.reading.kind in ("count", "percent"):
        return "Participants" if told.reading.kind == "count" else "percent"
    hit = _UNIT.search(told.label)
    return hit[1] if hit is not None and not _NO_UNIT.fullmatch(hit[1]) else ""


def _words(row: Row, arm: int, when: str) -> list[str]:
    return [row.named.outcome, ASKED[row.counted], when, row.named.arms[arm]]


# Doubts ------------------------------------------------------------------------------------------


def _incomplete(row: Row) -> str:
    """Why a row that lacks a number is no row; empty where it lacks none, or the report does."""
    full = [
        gold.value is not None and gold.size is not None and (row.counted or gold.spread is not None)
        for gold in row.gold
    ]
    if all(full):
        return ""
    if any(gold.value is None for gold in row.gold):
        return "one arm without a value"
    if _flag(row.annotation.body, "is_data_complete"):
        return "a number is missing from a row that is called complete"
    if row.counted:
        return "events without participants"
    return ""


def _unsure(row: Row, place: Place, found: Sequence[Place]) -> str:
    """Why the best place is not taken; empty where it is."""
    if place.named < (SURE if row.counted and place.arms[0].reading.percent is None else NAMED):
        return "the place does not name the outcome"
    if place.close < (NAMED if row.counted else 0.01):
        return "the row or sentence does not name the outcome"
    if not place.sides and row.gold[0][:3] != row.gold[1][:3]:
        return "nothing at the place tells the arms apart"
    if any(gold.value is not None and gold.value < 0 for gold in row.gold) and not _signed(place):
        return "the sign is not that of the text"
    if not (row.when or place.when) and place.others > 0:
        return "several times or arms in the row, and nothing says which"
    return _rivals(place, found)


def _signed(place: Place) -> bool:
    return all(holds_number(told.quote, told.reading.value) for told in place.arms)


def _rivals(place: Place, found: Sequence[Place]) -> str:
    """Another place that fits as well, in other words of the report, for other times."""
    for other in found[1:]:
        alike = (other.close, other.named) == (place.close, place.named)
        if alike and other.start != place.start and other.when != place.when:
            return "two rows fit alike, at different times"
        if (
            alike
            and {t.quote for t in other.arms} != {t.quote for t in place.arms}
            and other.start == place.start
        ):
            return "two places in one table fit alike"
    return ""


def _may_be_told(row: Row, passages: Sequence[Passage]) -> bool:
    """Whether a sentence or a line of a table names the outcome and holds values of people's kind."""
    wanted = read.names(row.named.outcome)
    told = (text for _, text in read.sentences_in(p for p in passages if p.kind != "caption"))
    return any(
        any(r.kind in ("mean", "count", "percent") for r in readings_in(sentence))
        for sentence in told
        if read.covered(wanted, sentence) >= SURE
    )


_PEOPLE = (
    r"(?:patients?|participants?|subjects?|women|men|children|infants?|people|adults?|volunteers?|mothers?|girls|boys"
    r"|individuals|babies|neonates|students?|persons?|nurses|households)"
)


def _says_size(passages: Sequence[Passage], size: int) -> bool:
    """Whether a number is told as one of people: `n = 30`, `/30`, `30 patients`, `30 were randomised`."""
    written = rf"(?:{size}|{size:,})"
    told = re.compile(
        rf"(?:/|\bof )\s?{written}\b|\b{written}\s(?:[\w-]+\s){{0,3}}{_PEOPLE}\b"
        rf"|\b{written}\b[^.;|]{{0,40}}\b(?:randomi|allocat|assign|analy|complet|includ|enrol)"
        rf"|\b(?:group|arm|placebo|control)\W{{0,3}}\(?{written}\)?",
        re.IGNORECASE,
    )
    return any(size in sizes_in(p.text) or told.search(p.text) for p in passages)


# People's rows -----------------------------------------------------------------------------------


def row_of_people(annotation: Annotation) -> Row | Refusal:
    """What people filled in, or why it is no row."""
    body = annotation.body
    kind = str(body.get("outcome_type", ""))
    names = [read.cleaned(body.get(name)) for name in ("outcome", *ARMS)]
    if kind not in ("binary", "continuous") or not all(names):
        return read.refused(TASK.id, annotation, "a part of the question is not named")
    gold = [_gold(body, arm, kind == "binary") for arm in ARMS]
    if gold[0] is None or gold[1] is None:
        return read.refused(TASK.id, annotation, "a number that cannot be read")
    return Row(
        annotation, Named(names[0], (names[1], names[2])), (gold[0], gold[1]), _time(body.get("notes"))
    )


def _gold(body: dict[str, object], arm: str, counted: bool) -> Gold | None:
    try:
        value = _number(body.get(f"{arm}_{'events' if counted else 'mean'}"))
        spread = None if counted else _number(body.get(f"{arm}_standard_deviation"))
        size = _number(body.get(f"{arm}_group_size"))
    except InvalidOperation:
        return None
    if size is not None and (size <= 0 or size != int(size)):
        return None
    if counted and value is not None and value != int(value):
        return None
    return Gold(counted, value, spread, int(size) if size is not None else None)


def _number(written: object) -> Decimal | None:
    text = str(written if written is not None else "").replace(",", "").strip()
    return Decimal(text) if text else None


_TIME = re.compile(
    r"\b(?:weeks?|months?|days?|years?|hours?)\s?[-–]?\s?\d+\b|\b\d+(?:[.–-]\d+)?[\s-]?(?:th)?[\s-]?(?:weeks?|months?"
    r"|days?|years?|hours?|h|min(?:utes?)?)\b(?:\s(?:follow[- ]?up|post\w*))?|\bfollow[- ]?up\b|\bbaseline\b"
    r"|\bpost-?\s?(?:test|treatment|intervention)\b",
    re.IGNORECASE,
)  # fmt: skip


def _time(notes: object) -> str:
    """The one time that a note names; empty where it names none or several."""
    found = {hit.group().strip().lower() for hit in _TIME.finditer(read.cleaned(notes))}
    return found.pop() if len(found) == 1 else ""


def _flag(body: dict[str, object], name: str) -> bool:
    return str(body.get(name, "")).strip().upper() == "TRUE"


def _refused(row: Row, why: str, more: str = "") -> Refusal:
    return read.refused(TASK.id, row.annotation, why, more)
