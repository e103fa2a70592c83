"""From judged criteria to a verdict about the record. Pure.

The machine suggests, a person decides: what is computed here excludes nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from tools.errors import Unaccounted
from tools.fulltext.quotes import locate
from tools.schemas import Criterion, CriterionVerdict, Label, RecordVerdict

__all__ = ["Judged", "conclude", "excludes", "mean_score", "ruling_out_label"]

POINTS: Mapping[Label, float] = {"YES": 1.0, "PARTIAL": 0.5, "UNCERTAIN": 0.0, "NO": -1.0}
"""LEADS (arXiv 2501.16255): points of a criterion that must be met."""


class Judged(Protocol):
    """What an engine says about one criterion; `model.tasks.screen.Judgement` has it."""

    @property
    def criterion_id(self) -> str:
        """The criterion that was judged."""
        ...

    @property
    def label(self) -> Label:
        """Whether the text meets it."""
        ...

    @property
    def quote(self) -> str:
        """Verbatim evidence, as the engine gave it."""
        ...

    @property
    def rationale(self) -> str:
        """Why, for a person."""
        ...

    @property
    def confidence(self) -> float | None:
        """0 to 1, or None."""
        ...


def mean_score(criteria: Sequence[Criterion], labels: Mapping[str, Label]) -> float:
    """LEADS' mean over the criteria, in [-1, 1]; ranks records, never decides.

    An inclusion criterion counts YES 1, PARTIAL 0.5, UNCERTAIN 0, NO -1. LEADS knows inclusion criteria
    only; for an exclusion criterion the sign is turned, so that YES costs what NO costs elsewhere.
    Without any criterion the score is 0.
    """
    if not criteria:
        return 0.0
    points = [POINTS[labels[c.id]] * (1 if c.kind == "include" else -1) for c in criteria]
    return sum(points) / len(points)


def excludes(criterion: Criterion, label: Label) -> bool:
    """Whether this verdict alone rules the record out: NO where it must be met, YES where it must not.

    PARTIAL and UNCERTAIN always pass: a study that is read in vain costs minutes, a missed one the review.
    """
    return label == ruling_out_label(criterion)


def ruling_out_label(criterion: Criterion) -> Label:
    """The label that rules a record out."""
    return "NO" if criterion.kind == "include" else "YES"


def conclude(
    record_id: str,
    criteria: Sequence[Criterion],
    judgements: Sequence[Judged],
    source_text: str,
    *,
    can_exclude: bool,
) -> RecordVerdict:
    """Check the evidence of each judgement, and say what follows for the record.

    Args:
        record_id: the record.
        criteria: in protocol order; the first that excludes gives the reason.
        judgements: one for each criterion, in any order.
        source_text: what the engine read, and where its quotes must be found.
        can_exclude: False where too little was read to suggest an exclusion, as without an abstract;
            the record then passes whatever was judged.

    Returns:
        The verdicts in protocol order. A YES, PARTIAL or NO whose quote is missing or cannot be found
        is flagged and keeps its label.

    Raises:
        Unaccounted: a criterion without a judgement, judged twice, or unknown.
    """
    wanted, given = Counter(c.id for c in criteria), Counter(j.criterion_id for j in judgements)
    if wanted != given:
        raise Unaccounted(f"verdict of {record_id}", wanted - given, given - wanted)
    by_id = {judged.criterion_id: judged for judged in judgements}
    verdicts = tuple(_grounded(by_id[c.id], source_text) for c in criteria)
    reasons = [c.id for c in criteria if excludes(c, by_id[c.id].label)] if can_exclude else []
    return RecordVerdict(
        record_id=record_id,
        verdicts=verdicts,
        suggestion="exclude" if reasons else "pass",
        reason=reasons[0] if reasons else None,
        score=mean_score(criteria, {judged.criterion_id: judged.label for judged in judgements}),
    )


def _grounded(judged: Judged, source_text: str) -> CriterionVerdict:
    quote = locate(judged.quote, source_text) if judged.quote else None
    return CriterionVerdict(
        criterion_id=judged.criterion_id,
        label=judged.label,
        quote=quote,
        flagged=quote is None and judged.label != "UNCERTAIN",
        rationale=judged.rationale,
        confidence=judged.confidence,
    )
