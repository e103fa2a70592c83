"""The values of a synthesis: what one arm scored, one study's contrast, its effect, the pooled effect. Pure.

Numbers are floats in the unit that the outcome names. Effects of ratio measures (OR, RR, HR) live on the scale of
natural logarithms everywhere but in `reported_*` fields and in what people read.
"""

from typing import Literal

from pydantic import Field

from tools.schemas import Frozen

__all__ = [
    "RATIOS",
    "STATISTICS",
    "ArmData",
    "Conversion",
    "Effect",
    "EffectMeasure",
    "Finding",
    "Interval",
    "NotEstimable",
    "Pooled",
    "PoolingModel",
    "Prediction",
    "Statistic",
    "StudyData",
    "Tau2Method",
]

EffectMeasure = Literal["OR", "RR", "RD", "MD", "SMD", "HR", "PROPORTION", "MEAN"]
"""Odds ratio, risk ratio, risk difference, mean difference, standardised mean difference (Hedges' g), hazard
ratio; and of single groups, proportion (pooled on the logit scale) and mean. Cochrane Handbook, chapter 6."""

RATIOS: tuple[EffectMeasure, ...] = ("OR", "RR", "HR")

Statistic = Literal[
    "total", "events", "percent", "mean", "sd", "se", "ci_lower", "ci_upper", "median", "q1", "q3",
    "minimum", "maximum", "estimate", "estimate_lower", "estimate_upper", "estimate_se", "p_value",
]  # fmt: skip
"""What a number of an outcome is. `total`: participants analysed. `ci_*`: of the arm's own mean, median or
proportion. `estimate*` and `p_value`: between two arms, on the natural scale (a ratio is a ratio)."""

STATISTICS: tuple[Statistic, ...] = (
    "total", "events", "percent", "mean", "sd", "se", "ci_lower", "ci_upper", "median", "q1", "q3",
    "minimum", "maximum", "estimate", "estimate_lower", "estimate_upper", "estimate_se", "p_value",
)  # fmt: skip


class Conversion(Frozen):
    """One computed number: what became of what, by which formula, from which source."""

    to: str = Field(description="What was computed, such as `sd`.")
    value: float
    inputs: tuple[tuple[str, float], ...] = Field(description="Names and values that went in.")
    formula: str = Field(description="In words or symbols, as a reader can redo it: `SE × √n`.")
    source: str = Field(description="Paper or handbook section the formula is from.")
    approximate: bool = Field(
        default=False,
        description="It rests on an assumption, such as a normal distribution; not plain algebra.",
    )


class Finding(Frozen):
    """One thing that a check noticed. It never changes a number: a person looks."""

    rule: str = Field(description="Id of the rule, such as `events-exceed-total`.")
    severity: Literal["error", "warning"] = Field(
        description="error: cannot be so. warning: unusual, to be looked at."
    )
    message: str = Field(description="What does not fit, with the numbers, in one sentence.")
    arms: tuple[str, ...] = ()
    statistics: tuple[str, ...] = Field(default=(), description="Names of the numbers involved.")


class ArmData(Frozen):
    """What one arm scored in one outcome at one time point. None: not known; never zero instead."""

    arm: str
    total: float | None = Field(
        default=None, description="Participants analysed; after corrections not whole."
    )
    events: float | None = Field(default=None, description="Participants with the event.")
    percent: float | None = None
    mean: float | None = None
    sd: float | None = None
    se: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    median: float | None = None
    q1: float | None = None
    q3: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    randomised: int | None = Field(default=None, description="Participants assigned, where known.")


class StudyData(Frozen):
    """One study's line of one analysis: two arms, or an estimate between them, or both."""

    study_id: str
    label: str = Field(description="As forest plots name studies: `Miller 2019`.")
    year: int | None = None
    experimental: ArmData | None = None
    control: ArmData | None = None
    estimate: float | None = Field(default=None, description="Reported effect on its natural scale.")
    estimate_lower: float | None = None
    estimate_upper: float | None = None
    estimate_se: float | None = Field(
        default=None, description="Reported SE; of a ratio that of its logarithm."
    )
    level: float = Field(default=0.95, gt=0, lt=1, description="Of the reported interval.")
    subgroup: str = ""
    design: Literal["parallel", "cluster", "crossover"] = "parallel"
    conversions: tuple[Conversion, ...] = Field(default=(), description="What was computed on the way here.")
    notes: tuple[str, ...] = ()


class Effect(Frozen):
    """One study's effect on the scale of analysis (logarithms for ratios, logits for proportions)."""

    study_id: str
    label: str
    measure: EffectMeasure
    y: float = Field(description="Effect.")
    v: float = Field(gt=0, description="Its sampling variance.")
    subgroup: str = ""
    year: int | None = None
    data: StudyData | None = Field(default=None, description="What it was computed from.")
    notes: tuple[str, ...] = Field(default=(), description="Such as a continuity correction.")


class NotEstimable(Frozen):
    """A study whose effect cannot be computed. It stays in the table and in the plot, without an effect."""

    study_id: str
    label: str
    measure: EffectMeasure
    why: str
    subgroup: str = ""
    data: StudyData | None = None


PoolingModel = Literal["common", "mantel_haenszel", "peto", "random"]
"""common: inverse variance, one true effect. random: inverse variance with τ²."""

Tau2Method = Literal["REML", "DL", "PM", "ML", "HE"]
Interval = Literal["wald", "hksj", "hksj_modified"]
"""hksj: Hartung, Knapp, Sidik, Jonkman on t(k−1). hksj_modified: the same, never narrower than Wald's (q ≥ 1)."""

Prediction = Literal["t_k_minus_1", "t_k_minus_2", "normal"]


class Pooled(Frozen):
    """A pooled effect with all that a reader needs to judge it; y and limits on the scale of analysis."""

    measure: EffectMeasure
    model: PoolingModel
    tau2_method: Tau2Method | None = None
    interval: Interval = "wald"
    level: float = 0.95
    k: int = Field(ge=1, description="Studies in it.")
    y: float
    se: float
    lower: float
    upper: float
    statistic: float = Field(description="z or t of the test of no effect.")
    df: float | None = Field(default=None, description="Of t; None for z.")
    p: float
    q: float | None = Field(default=None, description="Cochran's Q.")
    q_df: int | None = None
    q_p: float | None = None
    i2: float | None = Field(default=None, description="0 to 100, from τ² (Cochrane Handbook 10.10.2).")
    i2_lower: float | None = None
    i2_upper: float | None = None
    h2: float | None = None
    tau2: float | None = None
    tau2_lower: float | None = None
    tau2_upper: float | None = None
    prediction: Prediction | None = None
    prediction_lower: float | None = None
    prediction_upper: float | None = None
    weights: tuple[float, ...] = Field(description="Percent, in the order of the effects; they sum to 100.")
    notes: tuple[str, ...] = Field(default=(), description="Caveats, such as few studies.")
