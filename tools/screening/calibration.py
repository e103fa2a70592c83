"""From a model's own probabilities to ones that hold for this review, once people have decided about some records.

A language model's label probabilities rank well and are far too sure. Platt's method fits two numbers to the
decisions of people: P(passes) = 1 / (1 + exp(-(slope · f + shift))), f being the log odds that the model gave.
Two numbers, because a review has dozens of decisions to learn from and not thousands. Pure.

Sources: Platt 1999, Probabilistic Outputs for Support Vector Machines (the smoothed targets, after Lin, Lin and
Weng 2007); Brier 1950 for the score; DeGroot and Fienberg 1983 for the table.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST", "Bin", "Calibration", "brier", "calibrate", "reliability"]

LEAST = 10
"""Decisions of each kind below which nothing is fitted: two numbers from fewer would be noise."""

FLOOR = 1e-6
"""Odds are taken of probabilities no nearer to 0 or 1: a model that says 1 does not mean certainty."""

STEPS, CLOSE = 100, 1e-10


class Calibration(NamedTuple):
    """What was fitted, and to how much."""

    slope: float
    shift: float
    passed: int
    excluded: int

    def __call__(self, probability: float) -> float:
        """The calibrated probability that a record passes."""
        return _logistic(self.slope * _log_odds(probability) + self.shift)


class Bin(NamedTuple):
    """Records that were given about the same probability, and how many of them passed."""

    low: float
    high: float
    n: int
    mean_probability: float
    share_passed: float


def calibrate(probabilities: Sequence[float], passed: Sequence[bool]) -> Calibration | None:
    """Fit to records about which a person decided one by one.

    Args:
        probabilities: that the record passes, by the model; 0 to 1, one per record.
        passed: what the person decided.

    Returns:
        None with fewer than `LEAST` decisions of either kind, or where the model's order contradicts the people's:
        a slope that is not positive would turn the ranking round, and says that the probabilities are useless.
    """
    yes = sum(passed)
    no = len(passed) - yes
    if min(yes, no) < LEAST:
        return None
    features = np.array([[_log_odds(p), 1.0] for p in probabilities])
    # Targets off 0 and 1: with few decisions a perfect separation would else fit an infinite slope.
    targets = np.where(np.array(passed), (yes + 1) / (yes + 2), 1 / (no + 2))
    slope, shift = _newton(features, targets)
    return Calibration(slope, shift, yes, no) if slope > 0 else None


def _newton(features: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[float, float]:
    """Least cross-entropy, by Newton's method with halved steps."""
    weights = np.zeros(2)

    def loss(at: NDArray[np.float64]) -> float:
        z = features @ at
        return float(np.sum(np.logaddexp(0.0, z) - targets * z))

    for _ in range(STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(features @ weights, -500, 500)))
        gradient = features.T @ (p - targets)
        curvature = (features * (p * (1 - p))[:, None]).T @ features + np.eye(2) * 1e-12
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while loss(weights - size * step) > loss(weights) and size > CLOSE:
            size /= 2
        weights = weights - size * step
        if float(np.abs(size * step).max()) < CLOSE:
            break
    return float(weights[0]), float(weights[1])


def brier(probabilities: Sequence[float], passed: Sequence[bool]) -> float:
    """Mean squared difference between probability and outcome; 0 is perfect, 0.25 a coin's.

    Raises:
        ValueError: no records.
    """
    if not probabilities:
        raise ValueError("a Brier score needs at least one record")
    return sum((p - y) ** 2 for p, y in zip(probabilities, passed, strict=True)) / len(probabilities)


def reliability(probabilities: Sequence[float], passed: Sequence[bool], bins: int = 5) -> tuple[Bin, ...]:
    """Records in classes of equal width by their probability; empty classes are left out."""
    rows = []
    for i in range(bins):
        low, high = i / bins, (i + 1) / bins
        inside = [
            (p, y)
            for p, y in zip(probabilities, passed, strict=True)
            if low <= p < high or (p == 1.0 and i == bins - 1)
        ]
        if inside:
            mean = sum(p for p, _ in inside) / len(inside)
            rows.append(Bin(low, high, len(inside), mean, sum(y for _, y in inside) / len(inside)))
    return tuple(rows)


def _log_odds(probability: float) -> float:
    p = min(max(probability, FLOOR), 1 - FLOOR)
    return math.log(p / (1 - p))


def _logistic(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z)) if z >= 0 else math.exp(z) / (1.0 + math.exp(z))
