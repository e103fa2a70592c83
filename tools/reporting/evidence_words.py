"""Effects and pooled effects in words, on the scale that people read. Pure."""

import math

from tools.reporting.narrative import Fact
from tools.synthesis.analysing import AnalysisResult
from tools.synthesis.pooling import natural
from tools.synthesis.values import Effect, Pooled

__all__ = ["effect_in_words", "interval_in_words", "p_in_words", "pooled_facts", "pooled_in_words"]

Z = 1.959963984540054
"""97.5 % of the standard normal distribution."""


def interval_in_words(y: float, low: float, high: float) -> str:
    """`0.85 (0.70 to 1.03)`: three digits, and two decimals at most where numbers are large."""
    return f"{_digits(y)} ({_digits(low)} to {_digits(high)})"


def _digits(x: float) -> str:
    """Two decimals for what is near 1, as many as say something for what is small."""
    if x == 0:
        return "0"
    said = f"{x:.0f}" if abs(x) >= 100 else f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}"
    return said if abs(x) >= 0.1 else f"{x:.2g}" if abs(x) >= 1e-4 else f"{x:.1e}"


def p_in_words(p: float) -> str:
    """`p < 0.001`, else two digits."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def effect_in_words(effect: Effect) -> str:
    """One study's effect with its 95 % interval."""
    half = Z * math.sqrt(effect.v)
    return interval_in_words(
        *(natural(effect.measure, y) for y in (effect.y, effect.y - half, effect.y + half))
    )


def pooled_in_words(pooled: Pooled) -> str:
    """`RR 0.85 (95% CI 0.70 to 1.03)`."""
    y, low, high = (natural(pooled.measure, x) for x in (pooled.y, pooled.lower, pooled.upper))
    return f"{pooled.measure} {_digits(y)} ({pooled.level:.0%} CI {_digits(low)} to {_digits(high)})"


def pooled_facts(result: AnalysisResult) -> list[Fact]:
    """What was computed, line by line, each to be cited by its id."""
    p = result.pooled
    if p is None:
        return [Fact(id="r1", label="Not pooled", value=result.why_not_pooled)]
    studies = "1 study" if p.k == 1 else f"{p.k} studies"
    model = p.model.replace("_", "-")
    facts = [
        Fact(id="r1", label=f"Pooled effect of {studies}, {model} model", value=pooled_in_words(p)),
        Fact(id="r2", label="Test of no effect", value=p_in_words(p.p)),
    ]
    if p.prediction_lower is not None and p.prediction_upper is not None:
        low, high = natural(p.measure, p.prediction_lower), natural(p.measure, p.prediction_upper)
        facts.append(
            Fact(
                id="r3",
                label=f"{p.level:.0%} prediction interval",
                value=f"{_digits(low)} to {_digits(high)}",
            )
        )
    if p.i2 is not None and p.k > 1:
        facts.append(Fact(id="r4", label="Heterogeneity, I²", value=f"{p.i2:.0f}%"))
    return facts
