"""Data of trials that are not two plain parallel arms, made fit for pooling. Pure.

Shared control groups, cluster and crossover trials: Cochrane Handbook, chapter 23. Each function gives new values and
leaves a `Conversion` or a note that names formula and source; `StudyData.conversions` only grows.
"""

import math

from tools.errors import ReviewError
from tools.synthesis.effects import EFFECTIVE_TOTAL, Table, table_of
from tools.synthesis.estimated import Estimated, Unusable, answer
from tools.synthesis.values import ArmData, Conversion, Effect, EffectMeasure, NotEstimable, StudyData

__all__ = [
    "CannotAdjust",
    "clustered",
    "clustered_effect",
    "correlation_of_change",
    "crossover",
    "crossover_odds_ratio",
    "design_effect",
    "sd_of_change",
    "split_control",
]

SPLIT = "Cochrane Handbook 23.3.4"
CLUSTER = "Cochrane Handbook 23.1.4"
CROSSOVER = "Cochrane Handbook 23.2"


class CannotAdjust(ReviewError):
    """An assumption or a number does not allow the adjustment; the message says which."""

    exit_status = 2


def split_control(data: StudyData, comparisons: int) -> StudyData:
    """The study with its control arm divided evenly among so many comparisons, so that nobody counts twice.

    Events and participants are divided; mean and SD stay. Parts need not be whole numbers.

    Raises:
        CannotAdjust: fewer than two comparisons, or no control arm with a total.
    """
    control = data.control
    if comparisons < 2:
        raise CannotAdjust(f"A control arm shared by {comparisons} comparisons needs no division.")
    if control is None or control.total is None:
        raise CannotAdjust(f"{data.label}: the number of participants of the control arm is not known.")
    shared = float(comparisons)
    arm, made = _divided(
        control, shared, "total", "comparisons", "total ÷ comparisons that share the arm", SPLIT
    )
    note = f"control arm divided among {comparisons} comparisons"
    return _with(data, made, note, control=arm)


def design_effect(cluster_size: float, icc: float) -> float:
    """1 + (m − 1) · ICC for an average cluster of m participants (Handbook 23.1.4).

    Raises:
        CannotAdjust: clusters below one participant, or an ICC outside 0 to 1.
    """
    if not (math.isfinite(cluster_size) and cluster_size >= 1):
        raise CannotAdjust(f"An average cluster of {cluster_size:g} participants cannot be.")
    if not 0 <= icc <= 1:
        raise CannotAdjust(f"The intracluster correlation is {icc:g}; it has to lie between 0 and 1.")
    return 1 + (cluster_size - 1) * icc


def clustered(data: StudyData, *, cluster_size: float, icc: float) -> StudyData:
    """Arms of a cluster-randomised trial with their effective sample size: totals and events ÷ design effect.

    Raises:
        CannotAdjust: as `design_effect`, an arm without a total, or arms that are corrected already.
    """
    factor = design_effect(cluster_size, icc)
    if any(conversion.to == EFFECTIVE_TOTAL for conversion in data.conversions):
        raise CannotAdjust(f"{data.label}: the arms are corrected for clustering already.")
    arms: dict[str, ArmData] = {}
    made: tuple[Conversion, ...] = ()
    for name, arm in (("experimental", data.experimental), ("control", data.control)):
        if arm is None or arm.total is None:
            raise CannotAdjust(f"{data.label}: the number of participants of the {name} arm is not known.")
        formula = f"total ÷ (1 + (m − 1) · ICC), m = {cluster_size:g}, ICC = {icc:g}"
        arms[name], conversions = _divided(arm, factor, EFFECTIVE_TOTAL, "design effect", formula, CLUSTER)
        made += conversions
    note = f"corrected for clustering: design effect {factor:.4g} (m = {cluster_size:g}, ICC = {icc:g})"
    return _with(data, made, note, design="cluster", **arms)


def clustered_effect(effect: Effect, *, cluster_size: float, icc: float) -> Effect:
    """An effect whose analysis ignored clustering, with its variance times the design effect (Handbook 23.1.5).

    Raises:
        CannotAdjust: as `design_effect`.
    """
    factor = design_effect(cluster_size, icc)
    note = f"variance × design effect {factor:.4g} (m = {cluster_size:g}, ICC = {icc:g}), Cochrane Handbook 23.1.5"
    return effect.model_copy(update={"v": effect.v * factor, "notes": (*effect.notes, note)})


def crossover(data: StudyData, measure: EffectMeasure, *, correlation: float) -> Effect | NotEstimable:
    """MD or SMD of a crossover trial from the moments under each treatment and an assumed correlation.

    SD of the differences = √(s₁² + s₂² − 2 r s₁ s₂), SE = SD/√N with the N that completed both periods. SMD: divided by
    √((s₁² + s₂²)/2), variance (1/N + d²/2N) · 2(1 − r), without small-sample correction (Handbook 23.2; too
    small where d and r are large, doi:10.1002/sim.8669). Try several correlations: it is an assumption unless the paper
    gives it.

    Raises:
        CannotAdjust: another measure, or a correlation not between −1 and 1.
    """
    if measure not in ("MD", "SMD"):
        raise CannotAdjust(f"A correlation of means makes no {measure}. Remedy: see `crossover_odds_ratio`.")
    _check_correlation(correlation)

    def compute() -> Estimated:
        difference, s1, s2, n = _paired(data)
        if measure == "MD":
            y, v = difference, (s1**2 + s2**2 - 2 * correlation * s1 * s2) / n
            formula = "MD, SE = √(s₁² + s₂² − 2 r s₁ s₂)/√N"
        else:
            y = difference / math.sqrt((s1**2 + s2**2) / 2)
            v = (1 / n + y**2 / (2 * n)) * 2 * (1 - correlation)
            formula = "SMD, SE = √(1/N + d²/2N) · √(2(1 − r))"
        if not v > 1e-12 * (s1**2 if measure == "MD" else 1) / n:
            raise Unusable("With this correlation the effect has no variance.")
        return Estimated(y, v, (f"crossover trial, {formula}, N = {n:g}, r = {correlation:g} ({CROSSOVER})",))

    return answer(data, measure, compute)


def crossover_odds_ratio(
    data: StudyData, *, both: float | None = None, correlation: float | None = None
) -> Effect | NotEstimable:
    """The marginal log OR of a crossover trial, its variance less twice the covariance of the two logits.

    Becker and Balagtas 1993 (doi:10.2307/2532242), as recommended by Elbourne et al. 2002 (doi:10.1093/ije/31.1.140):
    v = 1/a + 1/b + 1/c + 1/d − 2Δ with Δ = (N·s − a·c)·N/(abcd), s being the participants with the event under both
    treatments; with a correlation r of the two outcomes instead, Δ = r·N/√(abcd). Zero cells: 0.5 to each of the four.

    Args:
        data: both arms hold all N participants.
        both: s, where the paper gives the paired table.
        correlation: r, where it does not.

    Raises:
        CannotAdjust: not exactly one of `both` and `correlation`, or one that the margins do not allow.
    """
    if (both is None) == (correlation is None):
        raise CannotAdjust(
            "Give either the participants with both events or a correlation, not both or none."
        )
    if correlation is not None:
        _check_correlation(correlation)

    def compute() -> Estimated:
        table = _one_sample(data)
        n = table.n1
        if both is not None and not max(0.0, table.a + table.c - n) <= both <= min(table.a, table.c):
            raise CannotAdjust(
                f"{data.label}: {both:g} participants with both events do not fit the margins."
            )
        a, b, c, d = table.corrected() if table.has_zero else table
        plain = 1 / a + 1 / b + 1 / c + 1 / d
        cells = a * b * c * d
        if both is not None:
            given, overlap = f"s = {both:g}", (n * both - table.a * table.c) * n / cells
        else:
            given, overlap = f"r = {correlation:g}", (correlation or 0) * n / math.sqrt(cells)
        if not plain - 2 * overlap > 1e-12 * plain:
            raise Unusable("With so close a correlation the effect has no variance.")
        note = f"crossover trial, marginal OR (Becker and Balagtas 1993), N = {n:g}, {given}"
        return Estimated(math.log(a * d / (b * c)), plain - 2 * overlap, (note,))

    return answer(data, "OR", compute)


def sd_of_change(sd_baseline: float, sd_final: float, correlation: float) -> Conversion:
    """SD of the change from baseline: √(s_b² + s_f² − 2 r s_b s_f) (Handbook 6.5.2.8).

    Raises:
        CannotAdjust: an SD that is not above 0, a correlation not between −1 and 1, or a change without variance.
    """
    _check_correlation(correlation)
    _check_sds(sd_baseline, sd_final)
    variance = sd_baseline**2 + sd_final**2 - 2 * correlation * sd_baseline * sd_final
    if not variance > 0:
        raise CannotAdjust("With equal SDs and a correlation of 1 the change has no SD.")
    return Conversion(
        to="sd", value=math.sqrt(variance),
        inputs=(("sd of baseline", sd_baseline), ("sd of final", sd_final), ("correlation", correlation)),
        formula="√(SD_baseline² + SD_final² − 2 · r · SD_baseline · SD_final)", source="Cochrane Handbook 6.5.2.8",
    )  # fmt: skip


def correlation_of_change(sd_baseline: float, sd_final: float, sd_change: float) -> Conversion:
    """The correlation of baseline and final values in a study that gives all three SDs, to lend to one that does not.

    Raises:
        CannotAdjust: an SD that is not above 0, or SDs that no correlation makes.
    """
    _check_sds(sd_baseline, sd_final, sd_change)
    r = (sd_baseline**2 + sd_final**2 - sd_change**2) / (2 * sd_baseline * sd_final)
    if not -1 <= r <= 1:
        raise CannotAdjust(
            f"These SDs would need a correlation of {r:.3g}. Remedy: look whether one is a SE."
        )
    return Conversion(
        to="correlation", value=r,
        inputs=(("sd of baseline", sd_baseline), ("sd of final", sd_final), ("sd of change", sd_change)),
        formula="(SD_baseline² + SD_final² − SD_change²)/(2 · SD_baseline · SD_final)",
        source="Cochrane Handbook 6.5.2.8",
    )  # fmt: skip


def _divided(
    arm: ArmData, factor: float, to: str, divisor: str, formula: str, source: str
) -> tuple[ArmData, tuple[Conversion, ...]]:
    """The arm with total and events divided, and what was computed. What rests on them otherwise is dropped."""
    assert arm.total is not None
    inputs = ((f"total of {arm.arm}", arm.total), (divisor, factor))
    made = [Conversion(to=to, value=arm.total / factor, inputs=inputs, formula=formula, source=source)]
    changed: dict[str, float | None] = {
        "total": arm.total / factor,
        "randomised": None,  # else those who are in the other parts would count as lost
        "se": None,
        "ci_lower": None,
        "ci_upper": None,
    }
    if arm.events is not None:
        changed["events"] = arm.events / factor
        inputs = ((f"events of {arm.arm}", arm.events), (divisor, factor))
        told = formula.replace("total", "events", 1)
        name = to.replace("total", "events")
        made.append(
            Conversion(to=name, value=arm.events / factor, inputs=inputs, formula=told, source=source)
        )
    return arm.model_copy(update=changed), tuple(made)


def _with(data: StudyData, made: tuple[Conversion, ...], note: str, **changed: object) -> StudyData:
    notes = {"conversions": (*data.conversions, *made), "notes": (*data.notes, note)}
    return data.model_copy(update={**changed, **notes})


def _paired(data: StudyData) -> tuple[float, float, float, float]:
    """Difference of means, both SDs and the participants in both periods."""
    one, other = data.experimental, data.control
    if one is None or other is None:
        raise Unusable("The values under both treatments are not known.")
    values = (one.mean, other.mean, one.sd, other.sd, one.total, other.total)
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < len(values):
        raise Unusable("Mean, SD or number of participants under a treatment is not known.")
    m1, m2, s1, s2, n1, n2 = known
    if not (s1 > 0 and s2 > 0):
        raise Unusable("An SD is not above zero.")
    if min(n1, n2) <= 1:
        raise Unusable("Fewer than two participants.")
    return m1 - m2, s1, s2, min(n1, n2)


def _one_sample(data: StudyData) -> Table:
    """The events of the same participants under both treatments."""
    if any(
        arm is None or arm.events is None or arm.total is None for arm in (data.experimental, data.control)
    ):
        raise Unusable("Events or totals of an arm are not known.")
    table = table_of(data)
    if not math.isclose(table.n1, table.n2):
        raise Unusable("The two periods hold different numbers of participants.")
    if table.a == table.c == 0 or table.b == table.d == 0:
        raise Unusable("Nobody or everybody had the event under both treatments.")
    return table


def _check_correlation(correlation: float) -> None:
    if not -1 <= correlation <= 1:
        raise CannotAdjust(f"The correlation is {correlation:g}; it has to lie between −1 and 1.")


def _check_sds(*sds: float) -> None:
    for sd in sds:
        if not (math.isfinite(sd) and sd > 0):
            raise CannotAdjust(f"The SD is {sd:g}; it has to be above zero.")
