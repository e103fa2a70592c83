"""Quantiles and tail probabilities of the normal, t, χ², F and binomial distributions. Pure.

`scipy.special` is imported inside the functions: it takes a tenth of a second that a command line need not wait.
"""

from typing import NamedTuple

__all__ = [
    "Limits",
    "binomial_limits",
    "binomial_p",
    "chi2_p",
    "chi2_quantile",
    "critical",
    "two_sided_p",
    "upper_p",
]


class Limits(NamedTuple):
    """Both ends of an interval."""

    lower: float
    upper: float


def critical(level: float, df: float | None = None) -> float:
    """What a standard error is multiplied by for an interval of this level: 1.96 for 0.95 and no `df`.

    `df`: degrees of freedom of Student's t; None for the normal distribution.
    """
    from scipy.special import ndtri, stdtrit

    tail = (1 + level) / 2
    return float(ndtri(tail)) if df is None else float(stdtrit(df, tail))


def two_sided_p(statistic: float, df: float | None = None) -> float:
    """Probability of a statistic at least this far from 0: z, or t with `df`."""
    return 2 * upper_p(abs(statistic), df)


def upper_p(statistic: float, df: float | None = None) -> float:
    """Probability of a statistic this large or larger: z, or t with `df`."""
    from scipy.special import ndtr, stdtr

    return float(ndtr(-statistic)) if df is None else float(stdtr(df, -statistic))


def chi2_p(statistic: float, df: int) -> float:
    """Probability of a χ² of `df` degrees of freedom this large or larger."""
    from scipy.special import chdtrc

    return float(chdtrc(df, statistic))


def chi2_quantile(probability: float, df: int) -> float:
    """The χ² of `df` degrees of freedom that is undercut with this probability."""
    from scipy.special import chdtri

    return float(chdtri(df, 1 - probability))


def binomial_limits(hits: int, total: int, level: float) -> Limits:
    """Exact confidence limits of a proportion (Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404)."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    lower = float(betaincinv(hits, total - hits + 1, tail)) if hits else 0.0
    upper = float(betaincinv(hits + 1, total - hits, 1 - tail)) if hits < total else 1.0
    return Limits(lower, upper)


def binomial_p(hits: int, total: int) -> float:
    """Two-sided exact probability of so uneven a split, where both sides are equally likely (sign test)."""
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(hits, total - hits), total, 0.5)))
