"""The sections `extraction`, `appraisal` and `synthesis` of review.yaml: what is read, judged and pooled. Pure."""

from typing import Literal

from pydantic import Field

from tools.protocol_values import Slug, Text
from tools.schemas import FieldSpec, Frozen
from tools.synthesis.values import EffectMeasure, Interval, PoolingModel, Prediction, Tau2Method

__all__ = [
    "MEASURES",
    "WANTED",
    "Analysis",
    "Appraisal",
    "Comparison",
    "Extraction",
    "MeasureSpec",
    "OutcomeKind",
    "OutcomeSpec",
    "Synthesis",
    "comparison_label",
]

OutcomeKind = Literal["dichotomous", "continuous", "time_to_event"]

WANTED: dict[OutcomeKind, tuple[str, ...]] = {
    "dichotomous": ("events", "total"),
    "continuous": ("mean", "sd", "total"),
    "time_to_event": ("estimate", "estimate_lower", "estimate_upper"),
}
"""Kind of outcome to the numbers that make a complete row: those of an arm, or between two for time to event."""

MEASURES: dict[OutcomeKind, tuple[EffectMeasure, ...]] = {
    "dichotomous": ("RR", "OR", "RD", "PROPORTION"),
    "continuous": ("MD", "SMD", "MEAN"),
    "time_to_event": ("HR",),
}
"""Kind of outcome to the effect measures that can be computed from it; the first is the default."""


def comparison_label(experimental: str, control: str) -> str:
    """How cells name the two arms of an estimate between them."""
    return f"{experimental} vs {control}"


class OutcomeSpec(Frozen):
    """One outcome whose numbers are taken out of each included report, per arm and time point."""

    id: Slug = Field(description="Short and unique.")
    title: Text = Field(description="The outcome as reports would name it.")
    description: str = Field(default="", description="Its definition: instrument, scale, threshold.")
    kind: OutcomeKind = Field(
        description="Events out of participants, a mean with its SD, or a hazard ratio."
    )
    unit: Text | None = Field(default=None, description="Unit of the mean, such as days per month.")
    time_points: tuple[Text, ...] = Field(
        default=(), description="Each is asked for by itself. Default: the one that the report gives."
    )
    change: bool = Field(
        default=False, description="The change from baseline is wanted, not the final value."
    )
    better: Literal["higher", "lower"] | None = Field(
        default=None, description="Which way is good for the participants; labels the forest plot."
    )


class MeasureSpec(Frozen):
    """One baseline characteristic of the participants, taken per arm."""

    id: Slug = Field(description="Short and unique.")
    title: Text = Field(description="Such as Age, or Sex: Female, Male.")
    category: str = Field(default="", description="The one category that is asked for, such as Female.")
    param_type: Literal["MEAN", "MEDIAN", "COUNT_OF_PARTICIPANTS", "NUMBER"] = Field(
        default="MEAN", description="What kind of number it is, in the words of ClinicalTrials.gov."
    )
    unit: str = Field(default="", description="Such as years.")


class Extraction(Frozen):
    """What is taken out of each included report, and who reads it."""

    form: tuple[FieldSpec, ...] | None = Field(
        default=None, min_length=1, description="Fields to fill in. Default: the form of this type of review."
    )
    outcomes: tuple[OutcomeSpec, ...] = Field(
        default=(), description="Outcomes whose numbers are read. Default: none, and then nothing is pooled."
    )
    participants: tuple[MeasureSpec, ...] = Field(
        default=(), description="Baseline characteristics that are read per arm."
    )
    arm_fields: tuple[FieldSpec, ...] = Field(
        default=(),
        description="Further fields of the form that are filled in per arm, such as dose or adherence.",
    )
    people: Literal[1, 2] = Field(
        default=2,
        description="How many people read the numbers and answer the questions about bias, each without seeing "
        "the other's (MECIR C46 asks for two). The machine is a further voice.",
    )
    characters: int = Field(
        default=16_000,
        ge=2_000,
        description="How much of a report a language model reads for one question: the passages and tables nearest to "
        "it. The rules read all of it.",
    )
    pilot: int = Field(
        default=0,
        ge=0,
        le=20,
        description="Read so many reports first and wait for a person, so that the form can be mended before "
        "the rest is read. Three to five are usual.",
    )
    registry: bool | None = Field(
        default=None,
        description="Also read posted results of the reports' registrations at ClinicalTrials.gov. Default: "
        "when ClinicalTrials.gov is a source.",
    )


class Appraisal(Frozen):
    """Risk of bias, per result."""

    tool: Text | None = Field(
        default=None,
        description="`rob2`, `rob2-cluster`, `rob2-crossover`, or a YAML file with a form of your own, relative "
        "to this file. Default: none.",
    )
    effect: Literal["assignment", "adhering"] = Field(
        default="assignment", description="RoB 2: effect of assignment to intervention, or of adhering to it."
    )
    outcomes: tuple[Slug, ...] = Field(
        default=(), description="Outcomes whose results are appraised. Default: every outcome."
    )


class Comparison(Frozen):
    """Which arms are compared; words that their labels hold."""

    experimental: tuple[Text, ...] = Field(min_length=1, description="Words of the experimental arms.")
    control: tuple[Text, ...] = Field(min_length=1, description="Words of the control arms.")


class Analysis(Frozen):
    """One pooled result, chosen by a person before the numbers are in; a change is a protocol revision."""

    id: Slug = Field(description="Short and unique; names its files.")
    outcome: Slug = Field(description="Id of the outcome.")
    title: Text | None = Field(
        default=None, description="As it stands above the plot. Default: the outcome's."
    )
    time_point: Text | None = Field(
        default=None, description="One of the outcome's. Default: its only one, or the one reported."
    )
    measure: EffectMeasure | None = Field(
        default=None, description="Default: RR, MD or HR, by the kind of outcome."
    )
    model: PoolingModel = Field(
        description="common, mantel_haenszel, peto or random. There is no default: choose."
    )
    tau2: Tau2Method = Field(default="REML", description="Estimator of the variance between studies.")
    interval: Interval = Field(default="hksj", description="Of the random-effects model.")
    prediction: Prediction | None = Field(
        default="t_k_minus_1", description="Distribution behind the prediction interval."
    )
    comparison: Comparison | None = Field(
        default=None, description="Default: arms whose role was set to experimental, against control."
    )
    multi_arm: Literal["combine", "split"] = Field(
        default="combine",
        description="Several experimental arms of one trial: combined into one, or each against a share of the "
        "control group (Cochrane Handbook 23.3.4).",
    )
    subgroup: str | None = Field(
        default=None, description="Field of the form whose value makes the subgroups."
    )
    baseline_risk: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Assumed risk of the control group. Default: the median of the control groups.",
    )


class Synthesis(Frozen):
    """What is pooled, and from how many studies on."""

    analyses: tuple[Analysis, ...] = Field(default=(), description="Default: nothing is pooled.")
    correlation: float = Field(
        default=0.5,
        ge=-1,
        le=1,
        description="Assumed between baseline and final values, and between periods of crossover trials, where "
        "no report tells (Cochrane Handbook 6.5.2.8, 23.2.7).",
    )
    icc: float | None = Field(
        default=None, ge=0, le=1, description="Intracluster correlation for cluster-randomised trials."
    )
