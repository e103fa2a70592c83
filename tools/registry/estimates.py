"""Posted analyses as estimates between groups: hazard ratios, odds ratios, differences. Pure.

The registry says which groups were compared, not which was divided by which or taken from which, and what was
estimated stands there in free text. The measure is named only where the words are certain, or where arithmetic
over the groups' own numbers settles it; the direction only by such arithmetic. Otherwise a person says.
"""

import math
import re
from typing import NamedTuple

from pydantic import Field

from tools.registry.arms import ArmMatch, match_groups
from tools.registry.reading import Leaf
from tools.registry.results import Analysis, PostedOutcome
from tools.registry.trial import RegisteredTrial, enum_word
from tools.registry.values import PostedRow, outcome_rows, percent_of_participants
from tools.schemas import Frozen
from tools.synthesis.values import RATIOS, ArmData, EffectMeasure

__all__ = ["PostedEstimate", "estimates", "measure_of", "p_value_of"]

NEAR = 0.35
"""How far, in relation to the larger of both, a crude contrast may be from the posted one and still be it."""

_MEASURES: tuple[tuple[EffectMeasure, str], ...] = (
    ("SMD", r"standardi[sz]ed mean difference|cohen'?s d\b|hedges'?s? g\b"),
    ("OR", r"\bodds[- ]ratio"),
    ("RR", r"\brisk[- ]ratio|\brelative risk\b(?! reduction)"),
    ("HR", r"\bhazards?[- ]ratio"),
    ("RD", r"\brisk difference|\bpercentage difference$|"
           r"\b(?:percentage|proportion|rate) difference \(?(?:of|in) (?:participants|subjects|patients)|"
           r"difference (?:of|in|between) (?:percentages?|proportions?)"),
    ("MD", r"\bmeans? difference|difference (?:of|in|between) (?:the )?(?:adjusted |ls |least[- ]squares? )*means?\b"),
)  # fmt: skip
_NOT = re.compile(r"\blog\b|\bln\b|logarithm|geometric|median|reduction", re.IGNORECASE)
_DIFFERENCE = re.compile(
    r"(?:treatment |adjusted |estimated |group )*difference(?: (?:in|between) (?:groups|treatments))?",
    re.IGNORECASE,
)
_P = re.compile(r"(?:p\s*)?([<>=≤≥]{0,2})\s*(\d*\.?\d+(?:e-?\d+)?)", re.IGNORECASE)


class PostedEstimate(Frozen):
    """One analysis between groups, on the natural scale (a ratio is a ratio)."""

    outcome: str
    number: int = Field(description="Of the outcome measure in the entry, from 1.")
    time_frame: str = ""
    groups: tuple[str, ...] = Field(description="Titles, in the order of the analysis; it is no direction.")
    matches: tuple[ArmMatch, ...] = ()
    measure: EffectMeasure | None = Field(
        default=None, description="None: the entry's words are not certain."
    )
    measure_text: str = Field(default="", description="What was estimated, as printed.")
    direction: tuple[str, str] | None = Field(
        default=None,
        description="(first, second): first ÷ second or first − second, as the groups' own numbers confirm.",
    )
    percentage_points: bool | None = Field(
        default=None, description="Of RD: in percent, or in proportions; None where that is not certain."
    )
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    se: float | None = Field(default=None, description="Of a difference.")
    p_value: float | None = None
    p_relation: str = Field(default="", description="`=`, `<`, `>`, `<=` or `>=`.")
    method: str = ""
    leaves: tuple[tuple[str, Leaf], ...] = Field(
        default=(), description="Statistic and the value as printed, with its path."
    )
    notes: tuple[str, ...] = ()


def estimates(trial: RegisteredTrial, outcome: PostedOutcome) -> tuple[PostedEstimate, ...]:
    """The analyses of an outcome that give an estimate or a p-value, in their order."""
    rows = outcome_rows(trial, outcome)
    made = (_estimate(trial, outcome, analysis, rows) for analysis in outcome.analyses)
    return tuple(estimate for estimate in made if estimate.leaves)


def measure_of(text: str) -> EffectMeasure | None:
    """What a free text names: `Odds Ratio (OR)`, `LS Mean Difference`; None where it is not certain.

    Logarithms of ratios, ratios of geometric means, differences of medians and risk reductions are none of
    these measures.
    """
    if _NOT.search(text):
        return None
    named = [measure for measure, form in _MEASURES if re.search(form, text.strip(), re.IGNORECASE)]
    return named[0] if len(named) == 1 or named[:1] == ["SMD"] else None


def p_value_of(text: str) -> tuple[str, float] | None:
    """Relation and number of a p-value as printed: `<0.001`, `=0.247`, `0.331`; None for anything else."""
    found = _P.fullmatch(text.strip())
    if not found or not 0 <= float(found.group(2)) <= 1:
        return None
    relation = found.group(1).replace("≤", "<=").replace("≥", ">=") or "="
    return relation, float(found.group(2))


# Within ------------------------------------------------------------------------------------------


def _estimate(
    trial: RegisteredTrial, outcome: PostedOutcome, analysis: Analysis, rows: tuple[PostedRow, ...]
) -> PostedEstimate:
    by_id = {group.id: group for group in outcome.groups}
    groups = [by_id[group_id] for group_id in analysis.group_ids if group_id in by_id]
    names = tuple(group.name for group in groups)
    text = analysis.param.text if analysis.param else ""
    value = analysis.value.number if analysis.value else None
    meaning = _meaning(text, value, _pair(names, rows), outcome)
    measure = meaning.measure
    notes: list[str] = []
    if text and measure is None:
        notes.append(f"what was estimated is not certain: {text}")
    limits = _limits(analysis, value, notes)
    p_value = p_value_of(analysis.p_value.text) if analysis.p_value else None
    se = analysis.dispersion_value if analysis.dispersion == "se" and measure not in RATIOS else None
    leaves = {
        "estimate": analysis.value if value is not None else None,
        "estimate_lower": analysis.lower if limits[0] is not None else None,
        "estimate_upper": analysis.upper if limits[1] is not None else None,
        "estimate_se": se,
        "p_value": analysis.p_value if p_value else None,
    }
    return PostedEstimate(
        outcome=outcome.name,
        number=outcome.number,
        time_frame=outcome.time_frame.text if outcome.time_frame else "",
        groups=names,
        matches=match_groups(trial, groups),
        measure=measure,
        measure_text=text,
        direction=meaning.direction,
        percentage_points=meaning.percentage_points,
        value=value,
        lower=limits[0],
        upper=limits[1],
        level=limits[2],
        se=se.number if se else None,
        p_value=p_value[1] if p_value else None,
        p_relation=p_value[0] if p_value else "",
        method=analysis.method.text if analysis.method else "",
        leaves=tuple((name, leaf) for name, leaf in leaves.items() if leaf is not None),
        notes=tuple(notes),
    )


def _limits(
    analysis: Analysis, value: float | None, notes: list[str]
) -> tuple[float | None, float | None, float | None]:
    """Lower and upper limit and level of a two-sided interval; without all three there is none."""
    lower, upper, percent = (
        figure.number if figure else None for figure in (analysis.lower, analysis.upper, analysis.ci_percent)
    )
    if lower is None and upper is None:
        return None, None, None
    if enum_word(analysis.ci_sides) in ("ONE_SIDED", "1_SIDED"):
        notes.append("a one-sided limit is left out")
        return None, None, None
    if percent is None or not 50 <= percent < 100:
        notes.append("an interval without its level is left out")
        return None, None, None
    if value is not None and not (lower is None or lower <= value) & (upper is None or value <= upper):
        notes.append("the interval does not hold the estimate")
    return lower, upper, percent / 100


def _pair(names: tuple[str, ...], rows: tuple[PostedRow, ...]) -> tuple[ArmData, ArmData] | None:
    """The two arms compared, where the outcome has a single row, so that there is no doubt which numbers."""
    if len(names) != 2 or len(rows) != 1:
        return None
    found = {arm.data.arm: arm.data for arm in rows[0].arms}
    if len(found) != len(rows[0].arms) or not set(names) <= set(found):
        return None
    return found[names[0]], found[names[1]]


class _Meaning(NamedTuple):
    measure: EffectMeasure | None
    direction: tuple[str, str] | None = None
    percentage_points: bool | None = None


def _meaning(
    text: str, value: float | None, pair: tuple[ArmData, ArmData] | None, outcome: PostedOutcome
) -> _Meaning:
    """Measure, direction and scale, as far as words and arithmetic make them certain."""
    measure = measure_of(text)
    in_percent = percent_of_participants(outcome.unit)
    told = _Meaning(measure, None, True if measure == "RD" and in_percent else None)
    tried = measure
    if measure is None and _DIFFERENCE.fullmatch(text.strip()):
        tried = "RD" if in_percent else "MD"
    if value is None or pair is None or tried is None:
        return told
    crude, posted = _crude(tried, *pair), _on_scale(tried, value)
    if not crude or not posted:
        return told
    for scale in (1.0, 0.01) if measure == "RD" and not in_percent else (1.0,):
        for first, second, contrast in ((pair[0], pair[1], crude), (pair[1], pair[0], -crude)):
            if abs(posted - scale * contrast) <= NEAR * max(abs(posted), abs(scale * contrast)):
                points = scale == 1.0 if tried == "RD" else None
                return _Meaning(tried, (first.arm, second.arm), points)
    return told


def _on_scale(measure: EffectMeasure, value: float) -> float | None:
    if measure not in RATIOS:
        return value
    return math.log(value) if value > 0 else None


def _crude(measure: EffectMeasure, first: ArmData, second: ArmData) -> float | None:
    """The contrast of both arms from their own numbers: a logarithm for ratios, percent for a difference."""
    if measure == "MD":
        return None if first.mean is None or second.mean is None else first.mean - second.mean
    one, two = _percent(first), _percent(second)
    if one is None or two is None:
        return None
    if measure == "RD":
        return one - two
    if measure not in ("OR", "RR") or not (0 < one < 100 and 0 < two < 100):
        return None
    if measure == "RR":
        return math.log(one / two)
    return math.log(one / (100 - one)) - math.log(two / (100 - two))


def _percent(arm: ArmData) -> float | None:
    if arm.percent is not None:
        return arm.percent
    return 100 * arm.events / arm.total if arm.events is not None and arm.total else None
