"""Means and SDs of whole numbers: which ones can be (GRIM and a test in the manner of GRIMMER). Pure.

Brown and Heathers 2017, doi:10.1177/1948550616673876; Anaya 2016, doi:10.7287/peerj.preprints.2400v1. Both hold
for scores that are whole numbers in every participant, and for small groups only: with more participants than the
printed digits can tell apart, everything is possible.
"""

import math

from tools.synthesis.checks_numbers import Printed, last_unit, shown
from tools.synthesis.checks_rules import found
from tools.synthesis.values import ArmData, Finding

__all__ = ["whole_numbers"]


def whole_numbers(arm: ArmData, printed: Printed) -> list[Finding]:
    """What cannot be if every participant scored a whole number."""
    if arm.mean is None or arm.total is None or arm.total < 2 or arm.total != int(arm.total):
        return []
    n = int(arm.total)
    sums = _sums(arm.mean, n, last_unit(arm.mean, printed.get("mean")))
    mean = shown(arm.mean, printed.get("mean"))
    if not sums:
        message = f"{arm.arm}: no {n} whole numbers have the mean {mean}."
        return [found("grim", message, arms=(arm.arm,), statistics=("mean", "total"))]
    if arm.sd is None or arm.sd < 0 or _possible(arm.sd, sums, n, last_unit(arm.sd, printed.get("sd"))):
        return []
    message = f"{arm.arm}: no {n} whole numbers with the mean {mean} have the SD "
    return [found("grimmer", f"{message}{shown(arm.sd, printed.get('sd'))}.", arms=(arm.arm,),
                  statistics=("mean", "sd", "total"))]  # fmt: skip


def _sums(mean: float, n: int, unit: float) -> range:
    """Whole sums whose mean rounds to the printed one (half up, half down and half to even all allowed)."""
    low, high = (mean - unit / 2) * n, (mean + unit / 2) * n
    return range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)


def _possible(sd: float, sums: range, n: int, unit: float) -> bool:
    """Whether a sum of squares fits: whole, odd or even as the sum is, not below that of the most even scores."""
    low, high = max(0.0, sd - unit / 2), sd + unit / 2
    for total in sums:
        base = total * total / n
        first = math.ceil(low * low * (n - 1) + base - 1e-9)
        last = math.floor(high * high * (n - 1) + base + 1e-9)
        # The least sum of squares: every score is one of the two whole numbers next to the mean.
        floor, more = divmod(total, n)
        first = max(first, (n - more) * floor**2 + more * (floor + 1) ** 2)
        first += (first - total) % 2
        if first <= last:
            return True
    return False
