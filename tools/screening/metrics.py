"""How good a ranking and a set of decisions are, against the reviewers' labels. Pure.

A *ranking* is given as its labels in order, best first: True where the reviewers included the record.
Ties are the caller's to break (by record id, for instance); `auroc` alone reads scores and counts
ties as one half. Undefined values are None, never 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Confusion",
    "auroc",
    "average_time_to_discovery",
    "confusion",
    "normalised_loss",
    "recall_at",
    "wss",
]

Labels = Sequence[bool]


def recall_at(labels: Labels, k: int) -> float | None:
    """Share of the included records among the first `k`; None when nothing is included.

    With fewer than `k` records all of them count (LEADS' Recall@K, arXiv 2501.16255).
    """
    total = sum(labels)
    return sum(labels[:k]) / total if total else None


def wss(labels: Labels, recall: float = 0.95) -> float | None:
    """Work saved over sampling at a recall (Cohen et al. 2006, doi:10.1197/jamia.M1929).

    (TN + FN) / N - (1 - recall), where the ranking is left as soon as `recall` is reached. It can be
    negative; None when nothing is included.
    """
    total, n = sum(labels), len(labels)
    if not total:
        return None
    # 1e-9: 0.95 * 20 is 19.000000000000004 in some orders of evaluation, and must ask for 19, not 20.
    needed = math.ceil(recall * total - 1e-9)
    found = 0
    for read, label in enumerate(labels, start=1):
        found += label
        if found >= needed:
            return (n - read) / n - (1 - recall)
    raise AssertionError("all records were read and not all found")


def auroc(scores: Sequence[float], labels: Labels) -> float | None:
    """Chance that an included record scores above one that is not, ties counted as one half.

    The Mann-Whitney statistic, from mid-ranks. None when one of the classes is empty.
    """
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    pairs = sorted(zip(scores, labels, strict=True), key=lambda pair: pair[0])
    rank_sum, start = 0.0, 0
    while start < len(pairs):
        end = start
        while end < len(pairs) and pairs[end][0] == pairs[start][0]:
            end += 1
        middle = (start + 1 + end) / 2
        rank_sum += middle * sum(label for _, label in pairs[start:end])
        start = end
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def average_time_to_discovery(labels: Labels) -> float | None:
    """Mean rank, from 1, at which an included record is met (ATD); None when nothing is included."""
    ranks = [rank for rank, label in enumerate(labels, start=1) if label]
    return sum(ranks) / len(ranks) if ranks else None


def normalised_loss(labels: Labels) -> float | None:
    """Area between the perfect recall curve and this one: 0 is perfect, 1 the worst order possible.

    (N+ (N - (N+ - 1) / 2) - sum of the cumulative recall counts) / (N+ (N - N+)), as in
    asreview-insights. None when everything or nothing is included.
    """
    n, positives = len(labels), sum(labels)
    if not positives or positives == n:
        return None
    found, area = 0, 0
    for label in labels:
        found += label
        area += found
    return (positives * (n - (positives - 1) / 2) - area) / (positives * (n - positives))


@dataclass(frozen=True)
class Confusion:
    """Decisions against labels. *Positive* is: passes, or was included by the reviewers."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def n(self) -> int:
        """All decisions."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def recall(self) -> float | None:
        """Of those the reviewers included, the share that passes."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float | None:
        """Of those that pass, the share that the reviewers included."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def specificity(self) -> float | None:
        """Of those the reviewers excluded, the share that does not pass."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def mcc(self) -> float | None:
        """Matthews correlation coefficient in [-1, 1]; None when a margin of the table is empty."""
        margins = (self.tp + self.fp, self.tp + self.fn, self.tn + self.fp, self.tn + self.fn)
        if not all(margins):
            return None
        return (self.tp * self.tn - self.fp * self.fn) / math.sqrt(math.prod(margins))


def confusion(passes: Sequence[bool], labels: Labels) -> Confusion:
    """Count the four kinds of agreement and disagreement."""
    pairs = list(zip(passes, labels, strict=True))
    return Confusion(
        tp=sum(p and y for p, y in pairs),
        fp=sum(p and not y for p, y in pairs),
        fn=sum(y and not p for p, y in pairs),
        tn=sum(not p and not y for p, y in pairs),
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
