"""Figures with intervals that respect where they come from: the cluster bootstrap. Pure.

Rows of one review or one study resemble one another, so they are no independent observations: resampling rows would
make intervals too narrow. Whole clusters are drawn with replacement instead (Davison and Hinkley 1997, Bootstrap
Methods and their Application, 3.8; Field and Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x), and the interval
is the percentile interval. Two engines are compared on the same draws, so that what is hard for both cancels out.

A statistic is computed from additive *parts* of each cluster, such as a sum and a count; so a resample is a weighted
sum, and thousands of them are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate", "MacroF1", "Mean", "Parts", "Statistic", "compared", "estimated"]

Array = NDArray[np.float64]
Parts = Mapping[str, Array]
"""Cluster to its parts, all of one length."""

LEVEL = 0.95
FEWEST = 2
"""Clusters below which there is no interval: one cluster cannot tell how clusters differ."""


class Statistic(Protocol):
    """A number computed from summed parts."""

    def __call__(self, parts: Array) -> Array:
        """
        Args:
            parts: shape (resamples, parts), each row the sum over one resample.

        Returns:
            Shape (resamples,); not a number where it is undefined.
        """
        ...

    def units(self, parts: Array) -> int:
        """How many observations stand in these parts, shape (parts,)."""
        ...


@dataclass(frozen=True)
class Mean:
    """Parts are a sum and a count."""

    def __call__(self, parts: Array) -> Array:
        """See `Statistic`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(parts[:, 1] > 0, parts[:, 0] / parts[:, 1], np.nan))

    def units(self, parts: Array) -> int:
        """See `Statistic`."""
        return round(float(parts[1]))


@dataclass(frozen=True)
class MacroF1:
    """Mean F1 of the labels that occur in the truth, each counting alike (Sokolova and Lapalme 2009).

    Parts are a table, row by row: truth by what was said, whose last column is *no usable answer*. One of those counts
    as if every label but the right one had been said: were it a missing answer only, an engine could raise its F1 by
    failing where it is wrong.
    """

    labels: tuple[str, ...]

    def __call__(self, parts: Array) -> Array:
        """See `Statistic`."""
        n = len(self.labels)
        table = parts.reshape(-1, n, n + 1)
        right = table[:, range(n), range(n)]
        lost = table[:, :, n]
        there = table.sum(axis=2)
        said = table[:, :, :n].sum(axis=1) + lost.sum(axis=1, keepdims=True) - lost
        with np.errstate(divide="ignore", invalid="ignore"):
            f1 = np.where(there > 0, 2 * right / (there + said), np.nan)
        known = (there > 0).sum(axis=1)
        total = np.nansum(f1, axis=1)
        return np.asarray(np.where(known > 0, total / np.maximum(known, 1), np.nan))

    def units(self, parts: Array) -> int:
        """See `Statistic`."""
        return round(float(parts.sum()))

    def parts(self, truth: str, said: str | None) -> Array:
        """The parts of one observation; `said` None: there was no usable answer."""
        n = len(self.labels)
        table = np.zeros((n, n + 1))
        column = self.labels.index(said) if said in self.labels else n
        table[self.labels.index(truth), column] = 1
        return table.ravel()


@dataclass(frozen=True)
class Estimate:
    """A figure, its interval, and what it rests on. None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int


def estimated(parts: Parts, statistic: Statistic, *, resamples: int, seed: int) -> Estimate:
    """The statistic over all clusters with its percentile interval."""
    if not parts:
        return Estimate(None, None, None, 0, 0)
    table = _table(parts, sorted(parts))
    value = float(statistic(table.sum(axis=0, keepdims=True))[0])
    low, high = _limits(statistic(_draws(len(table), resamples, seed) @ table), len(table))
    return Estimate(_defined(value), low, high, statistic.units(table.sum(axis=0)), len(table))


def compared(first: Parts, other: Parts, statistic: Statistic, *, resamples: int, seed: int) -> Estimate:
    """`other` less `first`, on the same resamples of the clusters that either has."""
    names = sorted({*first, *other})
    if not first or not other:
        return Estimate(None, None, None, 0, len(names))
    tables = [_table(parts, names) for parts in (first, other)]
    values = [float(statistic(table.sum(axis=0, keepdims=True))[0]) for table in tables]
    draws = _draws(len(names), resamples, seed)
    low, high = _limits(statistic(draws @ tables[1]) - statistic(draws @ tables[0]), len(names))
    n = min(statistic.units(table.sum(axis=0)) for table in tables)
    return Estimate(_defined(values[1] - values[0]), low, high, n, len(names))


def _table(parts: Parts, names: Sequence[str]) -> Array:
    width = len(next(iter(parts.values())))
    nothing = np.zeros(width)
    return np.array([parts.get(name, nothing) for name in names])


def _draws(clusters: int, resamples: int, seed: int) -> Array:
    """How often each cluster is drawn; shape (resamples, clusters). The same for the same three numbers."""
    return _counts(clusters, resamples, seed).astype(np.float64)


@lru_cache(maxsize=16)
def _counts(clusters: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    # Small, as all are kept. Nobody is drawn 256 times: a cluster's count is Poisson with mean 1.
    dice = np.random.default_rng([seed, clusters])
    return dice.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples).astype(np.uint8)


def _limits(values: Array, clusters: int) -> tuple[float | None, float | None]:
    known = values[~np.isnan(values)]
    if clusters < FEWEST or not len(known):
        return None, None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value
