"""Mean and SD from a median with quartiles or range, and whether the numbers allow it. Pure.

Wan 2014   doi:10.1186/1471-2288-14-135, mean and SD from median and range or quartiles
Luo 2018   doi:10.1177/0962280216669183, the mean with optimal weights
Shi 2020   doi:10.1002/jrsm.1429, the SD from all five numbers
Shi 2023   doi:10.1177/09622802231172043, whether the five numbers show skewness

All of them assume that the data come from a normal distribution, so each result is marked approximate.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal, TypeAlias

from tools.schemas import Frozen
from tools.synthesis.checks_numbers import shown
from tools.synthesis.values import Conversion

__all__ = [
    "Computed",
    "FiveNumberMethod",
    "FiveNumbers",
    "NotComputed",
    "Skewness",
    "mean_from_five_numbers",
    "sd_from_five_numbers",
    "skewed",
]

FiveNumberMethod = Literal["luo_wan_shi", "wan"]
"""luo_wan_shi: mean of Luo 2018, SD of Wan 2014, of Shi 2020 with all five numbers. wan: both of Wan 2014."""


class NotComputed(Frozen):
    """A number that was wanted and cannot be had from what is known."""

    to: str
    why: str


Computed: TypeAlias = Conversion | NotComputed

FiveNumbers: TypeAlias = tuple[float | None, float | None, float | None, float | None, float | None]
"""Minimum, first quartile, median, third quartile, maximum."""


class Skewness(Frozen):
    """Shi's test on five numbers: the statistic, its critical value at 5 %, and whether it is reached."""

    statistic: float
    critical: float
    skewed: bool


def skewed(five: FiveNumbers, n: float) -> Skewness | NotComputed:
    """Whether five numbers show that the data are skewed (Shi 2023), at 5 %; it takes five participants.

    T1 on the range, T2 on the quartiles, T3 on both; critical values 1/ln(n + 9) + 2.5/(n + 1),
    2.65/√n − 6/n², 3/√n − 40/n³.
    """
    low, q1, median, q3, high = five
    if n < 5 or median is None:
        return NotComputed(to="skewness", why="the test takes a median and at least five participants")
    by_range = _off_centre(low, median, high)
    by_quartiles = _off_centre(q1, median, q3)
    if by_range is not None and by_quartiles is not None:
        weight = 2.65 * math.log(0.6 * n) / math.sqrt(n)
        statistic, critical = max(weight * by_range, by_quartiles), 3 / math.sqrt(n) - 40 / n**3
    elif by_quartiles is not None:
        statistic, critical = by_quartiles, 2.65 / math.sqrt(n) - 6 / n**2
    elif by_range is not None:
        statistic, critical = by_range, 1 / math.log(n + 9) + 2.5 / (n + 1)
    else:
        return NotComputed(
            to="skewness", why="neither two different quartiles nor two different ends are known"
        )
    return Skewness(statistic=statistic, critical=critical, skewed=statistic >= critical)


def mean_from_five_numbers(
    five: FiveNumbers, n: float | None, method: FiveNumberMethod = "luo_wan_shi"
) -> Computed:
    """Mean from the median with range, quartiles or both; refused where the numbers show skewness."""
    low, q1, median, q3, high = five
    refusal = _refusal("mean", five, n)
    if refusal is not None or n is None or median is None:
        return refusal or NotComputed(to="mean", why="no median is known")
    has_range, has_quartiles = low is not None and high is not None, q1 is not None and q3 is not None
    middle, box = ((low or 0) + (high or 0)) / 2, ((q1 or 0) + (q3 or 0)) / 2
    if method == "wan":
        source = "Wan 2014"
        if has_range and has_quartiles:
            value, formula = (middle + 2 * box + median) / 4, "(min + 2 q1 + 2 median + 2 q3 + max) / 8"
        elif has_range:
            value, formula = (middle + median) / 2, "(min + 2 median + max) / 4"
        else:
            value, formula = (2 * box + median) / 3, "(q1 + median + q3) / 3"
    else:
        source = "Luo 2018"
        value, formula = _luo(n, median, middle if has_range else None, box if has_quartiles else None)
    return Conversion(to="mean", value=value, inputs=_inputs(five, n), formula=f"mean ≈ {formula}",
                      source=source + ", assuming a normal distribution", approximate=True)  # fmt: skip


def sd_from_five_numbers(
    five: FiveNumbers, n: float | None, method: FiveNumberMethod = "luo_wan_shi"
) -> Computed:
    """SD from range, quartiles or both; refused where the numbers show skewness. It works without a median."""
    low, q1, _, q3, high = five
    refusal = _refusal("sd", five, n)
    if refusal is not None or n is None:
        return refusal or NotComputed(to="sd", why="the number of participants is not known")
    xi = 2 * NormalDist().inv_cdf((n - 0.375) / (n + 0.25))
    eta = 2 * NormalDist().inv_cdf((0.75 * n - 0.125) / (n + 0.25))
    by_range = (high - low) / xi if low is not None and high is not None else None
    by_quartiles = (q3 - q1) / eta if q1 is not None and q3 is not None else None
    xi_said, eta_said = "2 Φ⁻¹((n − 0.375)/(n + 0.25))", "2 Φ⁻¹((0.75 n − 0.125)/(n + 0.25))"
    source = "Wan 2014"
    if by_range is not None and by_quartiles is not None:
        weight, said = 0.5, "w = 1/2"
        if method == "luo_wan_shi":
            weight, said, source = 1 / (1 + 0.07 * n**0.6), "w = 1/(1 + 0.07 n^0.6)", "Shi 2020"
        value = weight * by_range + (1 - weight) * by_quartiles
        formula = f"w (max − min)/({xi_said}) + (1 − w) (q3 − q1)/({eta_said}), {said}"
    elif by_range is not None:
        value, formula = by_range, f"(max − min)/({xi_said})"
    elif by_quartiles is not None:
        value, formula = by_quartiles, f"(q3 − q1)/({eta_said})"
    else:
        return NotComputed(to="sd", why="no SE, CI, quartiles or range is known")
    return Conversion(to="sd", value=value, inputs=_inputs(five, n), formula=f"SD ≈ {formula}",
                      source=source + ", assuming a normal distribution", approximate=True)  # fmt: skip


def _luo(n: float, median: float, middle: float | None, box: float | None) -> tuple[float, str]:
    """Luo's mean from the median, the middle of the range and the middle of the quartiles."""
    if middle is not None and box is not None:
        first, second = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
        formula = (
            "w1 (min + max)/2 + w2 (q1 + q3)/2 + (1 − w1 − w2) median, "
            "w1 = 2.2/(2.2 + n^0.75), w2 = 0.7 − 0.72/n^0.55"
        )
        return first * middle + second * box + (1 - first - second) * median, formula
    if box is not None:
        weight = 0.7 + 0.39 / n
        return weight * box + (1 - weight) * median, "w (q1 + q3)/2 + (1 − w) median, w = 0.7 + 0.39/n"
    assert middle is not None, "the caller has refused medians alone"
    weight = 4 / (4 + n**0.75)
    return weight * middle + (1 - weight) * median, "w (min + max)/2 + (1 − w) median, w = 4/(4 + n^0.75)"


def _refusal(to: str, five: FiveNumbers, n: float | None) -> NotComputed | None:
    low, q1, _, q3, high = five
    if (low is None or high is None) and (q1 is None or q3 is None):
        return NotComputed(to=to, why="neither both quartiles nor both ends of the range are known")
    if n is None or n < 5:
        return NotComputed(to=to, why="the estimate takes at least five participants, and how many there are")
    known = [number for number in five if number is not None]
    if known != sorted(known):
        return NotComputed(to=to, why=f"the numbers {_listed(known)} are not in rising order")
    test = skewed(five, n)
    if isinstance(test, Skewness) and test.skewed:
        why = (
            f"the numbers {_listed(known)} are skewed (Shi 2023: {test.statistic:.3f} reaches "
            f"{test.critical:.3f}); a mean and an SD would mislead"
        )
        return NotComputed(to=to, why=why)
    return None


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(map(shown, numbers))


def _off_centre(low: float | None, median: float, high: float | None) -> float | None:
    if low is None or high is None or high == low:
        return None
    return abs(low + high - 2 * median) / (high - low)


def _inputs(five: FiveNumbers, n: float) -> tuple[tuple[str, float], ...]:
    named = zip(("minimum", "q1", "median", "q3", "maximum"), five, strict=True)
    return (*((name, number) for name, number in named if number is not None), ("n", n))
