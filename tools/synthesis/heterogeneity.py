"""How much the studies' true effects differ: τ² by five estimators, Cochran's Q, Q-profile limits, I². Pure.

Sums are exactly rounded (`math.fsum`), so the order of the studies changes no digit. Estimators: Viechtbauer 2005,
doi:10.3102/10769986030003261, and Veroniki et al. 2016, doi:10.1002/jrsm.1164. Limits of τ²: Viechtbauer 2007,
doi:10.1002/sim.2514. I² from τ²: Cochrane Handbook 10.10.2.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tools.synthesis.distributions import Limits, chi2_quantile
from tools.synthesis.values import Tau2Method

__all__ = ["Mean", "i2_of", "q_profile", "q_statistic", "tau2_of", "typical_variance", "weighted"]

GRID = 120
"""Points on which the likelihood of τ² is looked at before its highest hill is climbed: it can have several."""


class Mean(NamedTuple):
    """An inverse-variance mean: with its sum of weights, whose inverse is its variance."""

    y: float
    weight: float

    @property
    def v(self) -> float:
        """Variance of the mean."""
        return 1 / self.weight


def weighted(ys: Sequence[float], vs: Sequence[float], tau2: float = 0.0) -> Mean:
    """Mean with the weights 1/(v + τ²)."""
    weights = _weights(vs, tau2)
    total = math.fsum(weights)
    return Mean(math.fsum(w * y for w, y in zip(weights, ys, strict=True)) / total, total)


def q_statistic(ys: Sequence[float], vs: Sequence[float], tau2: float = 0.0) -> float:
    """Weighted squares around the mean of the same weights; Cochran's Q where τ² is 0."""
    mean = weighted(ys, vs, tau2).y
    return math.fsum(w * (y - mean) ** 2 for w, y in zip(_weights(vs, tau2), ys, strict=True))


def tau2_of(ys: Sequence[float], vs: Sequence[float], method: Tau2Method) -> float:
    """Variance of the true effects between two or more studies; never below 0.

    DL: DerSimonian and Laird. PM: Paule and Mandel, to the root. HE: Hedges and Olkin. ML, REML: the highest point of
    the (restricted) likelihood over all τ² ≥ 0, searched on a grid and then between its neighbours, so that there is
    no iteration that could fail to converge.
    """
    if method in ("ML", "REML"):
        return _likeliest(ys, vs, restricted=method == "REML")
    return {"DL": _dersimonian_laird, "PM": _paule_mandel, "HE": _hedges_olkin}[method](ys, vs)


def q_profile(ys: Sequence[float], vs: Sequence[float], level: float) -> Limits | None:
    """Confidence limits of τ². None: the studies differ so little that no τ² fits at this level."""
    df = len(ys) - 1
    high, low = chi2_quantile((1 + level) / 2, df), chi2_quantile((1 - level) / 2, df)
    if q_statistic(ys, vs) < low:
        return None
    return Limits(_where_q_is(high, ys, vs), _where_q_is(low, ys, vs))


def typical_variance(vs: Sequence[float]) -> float:
    """The sampling variance of a typical study: Higgins and Thompson 2002, doi:10.1002/sim.1186, formula 9."""
    weights = _weights(vs, 0.0)
    total = math.fsum(weights)
    # Not (Σw)² − Σw², which is nothing but rounding error where one study has nearly all the weight.
    pairs = math.fsum(w * (total - w) for w in weights)
    return (len(vs) - 1) * total / pairs


def i2_of(tau2: float, vs: Sequence[float]) -> float:
    """Share, in per cent, of the total variance that is between studies: τ²/(τ² + s²)."""
    return 100 * tau2 / (tau2 + typical_variance(vs))


def _weights(vs: Sequence[float], tau2: float) -> list[float]:
    return [1 / (v + tau2) for v in vs]


def _dersimonian_laird(ys: Sequence[float], vs: Sequence[float]) -> float:
    df = len(ys) - 1
    return max(0.0, (q_statistic(ys, vs) - df) * typical_variance(vs) / df)


def _hedges_olkin(ys: Sequence[float], vs: Sequence[float]) -> float:
    k = len(ys)
    mean = math.fsum(ys) / k
    return max(0.0, math.fsum((y - mean) ** 2 for y in ys) / (k - 1) - math.fsum(vs) / k)


def _paule_mandel(ys: Sequence[float], vs: Sequence[float]) -> float:
    return _where_q_is(len(ys) - 1, ys, vs)


def _where_q_is(wanted: float, ys: Sequence[float], vs: Sequence[float]) -> float:
    """The τ² at which the generalised Q has this value; 0 where it lies below it already at 0. Q falls with τ²."""

    def excess(tau2: float) -> float:
        return q_statistic(ys, vs, tau2) - wanted

    return 0.0 if excess(0.0) <= 0 else _root(excess, 0.0, _above(excess, ys, vs))


def _above(falling: Callable[[float], float], ys: Sequence[float], vs: Sequence[float]) -> float:
    """A τ² at which a function that falls below 0 in the end has done so."""
    high = (max(ys) - min(ys)) ** 2 + min(vs)
    while falling(high) > 0:
        high *= 4
    return high


def _root(of: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(of, low, high, xtol=1e-15 * high, rtol=1e-13, maxiter=500))


def _likeliest(ys: Sequence[float], vs: Sequence[float], *, restricted: bool) -> float:
    def score(tau2: float) -> float:
        """Twice the slope of the log-likelihood."""
        mean, total = weighted(ys, vs, tau2)
        weights = _weights(vs, tau2)
        squares = math.fsum((w * (y - mean)) ** 2 for w, y in zip(weights, ys, strict=True))
        lost = math.fsum(w * w for w in weights) / total if restricted else 0.0
        return squares - total + lost

    def height(tau2: float) -> float:
        """Twice the log-likelihood, but for what does not depend on τ²."""
        total = math.fsum(_weights(vs, tau2))
        logs = math.fsum(math.log(v + tau2) for v in vs)
        return -logs - q_statistic(ys, vs, tau2) - (math.log(total) if restricted else 0.0)

    top = _above(score, ys, vs)
    lowest = min(min(vs) * 1e-4, top / 4)
    ratio = (top / lowest) ** (1 / (GRID - 1))
    grid = [0.0, *(lowest * ratio**step for step in range(GRID))]
    best = max(range(len(grid)), key=lambda place: (height(grid[place]), -place))
    return _summit(score, height, grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])


def _summit(
    score: Callable[[float], float], height: Callable[[float], float], low: float, high: float
) -> float:
    """The highest point between two neighbours of the highest point of the grid."""
    if score(low) > 0 >= score(high):
        return _root(score, low, high)
    if low == 0 and score(high) <= 0:
        return 0.0
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda tau2: -height(tau2), bounds=(low, high), method="bounded")
    return float(max((low, high, float(found.x)), key=height))
