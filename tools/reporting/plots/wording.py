"""Numbers and statements as forest plots print them: effects, P values, heterogeneity, names of methods. Pure.

Names and order of the statements follow the forest plots of Cochrane reviews. A number that is not known is
left out with its name; nothing is filled in.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

from tools.synthesis.pooling import natural
from tools.synthesis.values import RATIOS, Effect, EffectMeasure, Pooled

__all__ = [
    "MEASURES",
    "amount",
    "count",
    "decimals_for",
    "decimals_of",
    "heterogeneity",
    "interval",
    "interval_note",
    "limits",
    "method",
    "overall_test",
    "p_value",
    "percent_level",
]

MEASURES: dict[EffectMeasure, str] = {
    "OR": "Odds Ratio",
    "RR": "Risk Ratio",
    "RD": "Risk Difference",
    "MD": "Mean Difference",
    "SMD": "Std. Mean Difference",
    "HR": "Hazard Ratio",
    "PROPORTION": "Proportion",
    "MEAN": "Mean",
}
_MODELS = {
    "common": "IV, Fixed",
    "mantel_haenszel": "M-H, Fixed",
    "peto": "Peto, Fixed",
    "random": "IV, Random",
}


def limits(effect: Effect, level: float) -> tuple[float, float]:
    """A study's confidence limits on the scale of analysis, by the normal distribution."""
    half = NormalDist().inv_cdf(0.5 + level / 2) * math.sqrt(effect.v)
    return effect.y - half, effect.y + half


def percent_level(level: float) -> str:
    """0.95 → `95%`."""
    return f"{100 * level:.10g}%"


def method(pooled: Pooled | None, level: float) -> str:
    """Weighting, model and interval: `IV, Random, 95% CI`; without a pooled effect the interval alone."""
    told = f"{percent_level(level)} CI"
    return f"{_MODELS[pooled.model]}, {told}" if pooled else told


def decimals_for(measure: EffectMeasure, half_widths: Sequence[float]) -> int:
    """Decimals of the column of effects: two, more where typical intervals would vanish in the rounding."""
    if measure in RATIOS or not half_widths:
        return 2
    typical = sorted(half_widths)[len(half_widths) // 2]
    return 2 if typical >= 0.05 else min(6, 1 - math.floor(math.log10(max(typical, 1e-9))))


def amount(value: float, decimals: int = 2) -> str:
    """A number with a true minus sign; very large and very small ones are not rounded away to nothing."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if abs(value) >= 1e6:
        return f"{value:.1e}".replace("-", "−")
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def _effect_amount(y: float, measure: EffectMeasure, decimals: int) -> str:
    value = natural(measure, y)
    if measure in RATIOS and 0 < value < 0.005:
        return f"{value:.1g}" if value < 1e-4 else f"{value:.4f}".rstrip("0")
    return amount(value, decimals)


def interval(y: float | None, lower: float, upper: float, measure: EffectMeasure, decimals: int = 2) -> str:
    """`0.49 [0.34, 0.70]` in natural units from values on the scale of analysis; without `y` the limits alone."""
    low, high = (_effect_amount(v, measure, decimals) for v in (lower, upper))
    told = f"[{low}, {high}]"
    return told if y is None else f"{_effect_amount(y, measure, decimals)} {told}"


def count(value: float | None, decimals: int = 0) -> str:
    """A number of people or an arm's statistic; empty where unknown."""
    if value is None:
        return ""
    return f"{value:.0f}" if decimals == 0 and abs(value) < 1e15 else amount(value, decimals)


def decimals_of(values: Sequence[float], most: int = 2) -> int:
    """Decimals that a column of data needs so that its numbers stand as they were given, up to `most`."""
    return next((d for d in range(most) if all(round(v, d) == round(v, most) for v in values)), most)


def p_value(p: float) -> str:
    """`P = 0.04`, `P = 0.0003`, `P < 0.00001`."""
    for bound in ("0.00001", "0.0001"):
        if p < float(bound):
            return f"P < {bound}"
    return f"P = {p:.{4 if p < 0.001 else 3 if p < 0.01 else 2}f}"


def heterogeneity(pooled: Pooled) -> str:
    """The line under a pooled effect; a single study has no heterogeneity to speak of."""
    if pooled.k < 2 or pooled.q is None:
        return "Heterogeneity: Not applicable"
    parts = []
    if pooled.model == "random" and pooled.tau2 is not None:
        parts.append(_tau2(pooled))
    chi2 = f"Chi² = {pooled.q:.2f}"
    chi2 += f", df = {pooled.q_df}" if pooled.q_df is not None else ""
    parts.append(chi2 + (f" ({p_value(pooled.q_p)})" if pooled.q_p is not None else ""))
    if pooled.i2 is not None:
        parts.append(f"I² = {pooled.i2:.0f}%")
    return "Heterogeneity: " + "; ".join(parts)


def _tau2(pooled: Pooled) -> str:
    assert pooled.tau2 is not None
    named: str = pooled.tau2_method or ""
    if pooled.tau2_lower is not None and pooled.tau2_upper is not None:
        span = f"{percent_level(pooled.level)} CI {_small(pooled.tau2_lower)} to {_small(pooled.tau2_upper)}"
        named = f"{named}, {span}" if named else span
    return f"Tau² = {_small(pooled.tau2)}" + (f" ({named})" if named else "")


def _small(value: float) -> str:
    return f"{value:.2f}" if value >= 0.005 or value == 0 else f"{value:.2g}"


def overall_test(pooled: Pooled) -> str:
    """`Test for overall effect: Z = 3.97 (P < 0.0001)`, or t with its degrees of freedom.

    For single groups there is no such test: no value means "no effect".
    """
    if pooled.measure in ("PROPORTION", "MEAN"):
        return ""
    told = f"{'Z' if pooled.df is None else 't'} = {abs(pooled.statistic):.2f}"
    told += "" if pooled.df is None else f", df = {pooled.df:.10g}"
    return f"Test for overall effect: {told} ({p_value(pooled.p)})"


def interval_note(pooled: Pooled) -> str:
    """How the intervals were computed, where that is not Wald's with z."""
    notes = []
    if pooled.interval != "wald":
        kind = "Hartung-Knapp-Sidik-Jonkman"
        kind += ", never narrower than Wald's" if pooled.interval == "hksj_modified" else ""
        notes.append(f"Confidence interval: {kind}")
    if pooled.prediction is not None and pooled.prediction_lower is not None:
        by = {
            "t_k_minus_1": "t with k − 1 df",
            "t_k_minus_2": "t with k − 2 df",
            "normal": "normal distribution",
        }
        notes.append(f"Prediction interval: {by[pooled.prediction]}")
    return "; ".join(notes)
