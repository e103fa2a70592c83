"""What the design of a trial means for its numbers: clusters shrink it, crossover trials are marked as such. Pure."""

from collections.abc import Sequence

from tools.evidence_settings import Synthesis
from tools.schemas import Cell
from tools.synthesis.adjusting import CannotAdjust, clustered
from tools.synthesis.rows import number
from tools.synthesis.values import EffectMeasure, NotEstimable, StudyData

__all__ = ["by_design"]


def by_design(
    data: StudyData, cells: Sequence[Cell], measure: EffectMeasure, settings: Synthesis
) -> StudyData | NotEstimable:
    """The line of a study as its design demands.

    Totals of cluster-randomised trials are divided by their design effect; without it they are not used.

    Args:
        data: the line.
        cells: of the study; `trial_design` and `cluster_size` are looked at.
        measure: of the analysis.
        settings: the intracluster correlation.
    """
    told = {c.field_id: c.value for c in cells if not c.outcome and c.value is not None}
    design = told.get("trial_design", "parallel")
    if design == "crossover":
        return data.model_copy(update={"design": "crossover"})
    if design != "cluster" or data.experimental is None:
        return data
    size = number(told.get("cluster_size"))
    try:
        if size is not None and settings.icc is not None:
            return clustered(data, cluster_size=size, icc=settings.icc)
        lacking = "the average size of its clusters" if size is None else "synthesis.icc in the protocol"
        why = f"{lacking} is not given"
    except CannotAdjust as e:
        why = str(e).rstrip(".")
    return NotEstimable(
        study_id=data.study_id,
        label=data.label,
        measure=measure,
        why=f"It randomised clusters ({why}), so its numbers cannot be used as they are.",
        subgroup=data.subgroup,
        data=data,
    )
