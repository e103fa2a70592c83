"""Pooling 2×2 tables without a variance per study: Mantel and Haenszel, and Peto. Pure.

Formulas: Cochrane Handbook 10.4 and Deeks and Higgins, Statistical algorithms in Review Manager 5 (2010). Variances:
Robins, Breslow and Greenland 1986, doi:10.2307/2531052, for the OR; Greenland and Robins 1985, doi:10.2307/2530643,
for the RR and the RD.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tools.synthesis.effects import Table
from tools.synthesis.values import EffectMeasure

__all__ = ["Summed", "Undefined", "mantel_haenszel", "peto"]


class Undefined(Exception):
    """The sums have no logarithm or no variance; says why. It does not leave this package."""


class Summed(NamedTuple):
    """A pooled effect on the scale of analysis, its variance, and the weight of each table."""

    y: float
    v: float
    weights: tuple[float, ...]
    corrected: bool = False
    """Whether 0.5 had to be added to the tables with a zero."""


def mantel_haenszel(tables: Sequence[Table], measure: EffectMeasure) -> Summed:
    """Pooled log OR, log RR or RD. Zero cells are not corrected unless the sums could not be formed without it.

    Raises:
        Undefined: no sums even so.
    """
    of: Callable[[Sequence[Table]], Summed | None] = {
        "OR": _odds_ratio,
        "RR": _risk_ratio,
        "RD": _risk_difference,
    }[measure]
    made = of(tables)
    if made is None:
        # Such as no events in one arm of every study (Handbook 10.4.4.1): then each table with a zero is corrected.
        made = of([table.corrected() if table.has_zero else table for table in tables])
        made = made and made._replace(corrected=True)
    if made is None:
        raise Undefined("the tables have no events, or nothing but events, to compare")
    return made


def peto(tables: Sequence[Table]) -> Summed:
    """Pooled log OR by Peto's method: Σ(O − E)/ΣV.

    Raises:
        Undefined: no table has both events and non-events.
    """
    excess, variances = zip(*(table.peto() for table in tables), strict=True)
    total = math.fsum(variances)
    if not total > 0:
        raise Undefined("no study has both participants with and participants without the event")
    return Summed(math.fsum(excess) / total, 1 / total, variances)


def _odds_ratio(tables: Sequence[Table]) -> Summed | None:
    concordant = [(t.a + t.d) / t.n for t in tables]
    discordant = [(t.b + t.c) / t.n for t in tables]
    r, s = [t.a * t.d / t.n for t in tables], [t.b * t.c / t.n for t in tables]
    sum_r, sum_s = math.fsum(r), math.fsum(s)
    if sum_r == 0 or sum_s == 0:
        return None
    v = (
        _product(concordant, r) / (2 * sum_r**2)
        + (_product(concordant, s) + _product(discordant, r)) / (2 * sum_r * sum_s)
        + _product(discordant, s) / (2 * sum_s**2)
    )
    return Summed(math.log(sum_r / sum_s), v, tuple(s))


def _risk_ratio(tables: Sequence[Table]) -> Summed | None:
    r, s = [t.a * t.n2 / t.n for t in tables], [t.c * t.n1 / t.n for t in tables]
    sum_r, sum_s = math.fsum(r), math.fsum(s)
    if sum_r == 0 or sum_s == 0:
        return None
    top = math.fsum((t.n1 * t.n2 * (t.a + t.c) - t.a * t.c * t.n) / t.n**2 for t in tables)
    return Summed(math.log(sum_r / sum_s), top / (sum_r * sum_s), tuple(s)) if top > 0 else None


def _risk_difference(tables: Sequence[Table]) -> Summed | None:
    weights = [t.n1 * t.n2 / t.n for t in tables]
    total = math.fsum(weights)
    difference = math.fsum((t.a * t.n2 - t.c * t.n1) / t.n for t in tables) / total
    v = (
        math.fsum((t.a * t.b * t.n2**3 + t.c * t.d * t.n1**3) / (t.n1 * t.n2 * t.n**2) for t in tables)
        / total**2
    )
    return Summed(difference, v, tuple(weights)) if v > 0 else None


def _product(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))
