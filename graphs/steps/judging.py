"""Asking the engine about many texts, and keeping what it says: shared by `screen` and `extract`."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from graphs.deps import Deps
from model.engine import Answer
from model.tasks.screen import ScreenAnswer, ScreenInput
from tools.errors import EngineError
from tools.schemas import Criterion, CriterionVerdict, Failed, Outcome, Record, RecordVerdict
from tools.screening.verdicts import conclude, ruling_out_label

__all__ = ["Batches", "answered_by", "at_stage", "screen_input", "to_try_again", "verdict_of"]

BATCH = 50
"""Outcomes per transaction: a kill costs at most so many rows, and no model call, since calls are stored."""


class Batches:
    """Collects outcomes and writes them in small transactions, the last one also when the step fails."""

    def __init__(self, deps: Deps, step: str, label: str, total: int) -> None:
        self.deps, self.step, self.label, self.total = deps, step, label, total
        self.done = 0
        self.waiting: list[Outcome] = []

    def __enter__(self) -> Self:
        self.deps.progress(self.label, 0, self.total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()

    def add(self, outcome: Outcome) -> None:
        """Take one record's outcome."""
        self.waiting.append(outcome)
        self.done += 1
        self.deps.progress(self.label, self.done, self.total)
        if len(self.waiting) >= BATCH:
            self._write()

    def _write(self) -> None:
        if self.waiting:
            rows, self.waiting = self.waiting, []
            self.deps.store.add_outcomes(self.deps.pass_id, self.deps.revision_of(self.step), rows)


def to_try_again(step: str, deps: Deps) -> set[str]:
    """Records whose judgement or cells failed before a person asked for another attempt, and nobody decided."""
    undecided = {
        record_id
        for record_id, stored in deps.store.standing(deps.pass_id, step).items()
        if stored.outcome.kind in ("failed", "waiting")
    }
    failed = {
        record_id
        for record_id, stored in deps.store.machine_outcomes(deps.pass_id, step).items()
        if stored.outcome.content["attempt"] < deps.attempt and _failed(stored.outcome)
    }
    return failed & undecided


def _failed(outcome: Outcome) -> bool:
    return outcome.kind == "failed" or any(c["status"] == "failed" for c in outcome.content.get("cells", ()))


def at_stage(criteria: Sequence[Criterion], stage: str) -> tuple[Criterion, ...]:
    """The criteria that are judged at this stage, in protocol order."""
    return tuple(criterion for criterion in criteria if criterion.stage in (stage, "both"))


def screen_input(record: Record, criteria: tuple[Criterion, ...], text: str) -> ScreenInput:
    """The question to the engine about one text."""
    return ScreenInput(
        record_id=record.record_id,
        criteria=criteria,
        text=text,
        title=record.title,
        publication_types=record.publication_types,
        mesh=record.mesh,
    )


def verdict_of(
    asked: ScreenInput, result: Answer[ScreenAnswer] | EngineError, *, can_exclude: bool
) -> RecordVerdict | Failed:
    """What an answer means for the record, its quotes located; or why there is none."""
    if isinstance(result, EngineError):
        return Failed(
            record_id=asked.record_id, kind=result.kind, reason=str(result), call_key=result.call_key
        )
    verdict = conclude(
        asked.record_id, asked.criteria, result.value.verdicts, asked.text, can_exclude=can_exclude
    )
    told = {"call_key": result.key, "engine": result.engine, "notes": result.notes}
    return verdict.model_copy(update=told | {"verdicts": _weighed(verdict, asked, result)})


def answered_by(verdict: RecordVerdict | Failed, deps: Deps) -> str:
    """The reader that an outcome names: who answered, which may be an engine that stood in."""
    stood_in = verdict.engine if isinstance(verdict, RecordVerdict) else ""
    return f"machine:{stood_in or deps.engines['screen'].name}"


def _weighed(
    verdict: RecordVerdict, asked: ScreenInput, result: Answer[ScreenAnswer]
) -> tuple[CriterionVerdict, ...]:
    """The verdicts with the probabilities of their labels, where the engine tells them."""
    ruling_out = {c.id: ruling_out_label(c) for c in asked.criteria}
    told = result.probabilities
    return tuple(
        v.model_copy(
            update={
                "probability": told[v.criterion_id].get(v.label),
                "p_excludes": told[v.criterion_id].get(ruling_out[v.criterion_id]),
            }
        )
        if v.criterion_id in told
        else v
        for v in verdict.verdicts
    )
