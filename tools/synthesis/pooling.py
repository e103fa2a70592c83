"""The pooled effect of several studies, with its interval, its heterogeneity and each study's weight. Pure.

Cochrane Handbook, chapter 10. A person chooses the model; nothing here chooses for them. What cannot be pooled raises
a `CannotPool` with the remedy. A fallback is told in `Pooled.notes`.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tools.errors import ReviewError
from tools.synthesis.distributions import chi2_p, critical, two_sided_p
from tools.synthesis.effects import Table, table_of
from tools.synthesis.estimated import Unusable
from tools.synthesis.heterogeneity import i2_of, q_profile, q_statistic, tau2_of, weighted
from tools.synthesis.mantel_haenszel import Summed, Undefined, mantel_haenszel, peto
from tools.synthesis.values import (
    RATIOS,
    Effect,
    EffectMeasure,
    Interval,
    Pooled,
    PoolingModel,
    Prediction,
    Tau2Method,
)

__all__ = ["CannotPool", "MixedMeasures", "NothingToPool", "WrongModel", "natural", "pool"]

COUNTED: tuple[PoolingModel, ...] = ("mantel_haenszel", "peto")
"""Models that read the 2×2 tables rather than the effects."""

FEW = 5
"""Below so many studies τ², and with it the prediction interval, is hardly known (Handbook 10.10.4.3)."""

LARGEST = 1e60
"""Beyond it, or below its inverse, squares of squares leave the range of a float."""


class CannotPool(ReviewError):
    """These effects cannot be pooled in this way; the message says why and what can be done."""

    exit_status = 2


class NothingToPool(CannotPool):
    """There is no effect at all, or one of them is not a number."""


class MixedMeasures(CannotPool):
    """The effects are not of one measure."""


class WrongModel(CannotPool):
    """The model, the interval or the prediction does not suit these effects."""


def pool(
    effects: Sequence[Effect],
    *,
    model: PoolingModel,
    tau2_method: Tau2Method = "REML",
    interval: Interval = "wald",
    prediction: Prediction | None = None,
    level: float = 0.95,
) -> Pooled:
    """Pool effects of one measure; y and limits are on the scale of analysis (see `natural`).

    Args:
        effects: one for each study, of one measure. `mantel_haenszel` (OR, RR, RD) and `peto` (OR) read `data`.
        model: see `PoolingModel`. `common`, `mantel_haenszel` and `peto` assume one true effect.
        tau2_method: estimator of τ²; only the random-effects model uses it.
        interval: `hksj` (doi:10.1002/sim.791) and `hksj_modified` belong to the random-effects model.
        prediction: distribution of the interval in which a new study's true effect is expected; needs three studies.
        level: of every interval, above 0 and below 1.

    One study is not pooled: its own effect comes back, with a note.

    Raises:
        NothingToPool: no effects, or one that is not finite.
        MixedMeasures: more than one measure.
        WrongModel: model, interval or prediction do not suit the measure, the data or each other.
    """
    _check(effects, model, interval, prediction, level)
    measure = effects[0].measure
    notes = _caveats(effects, model)
    if model in COUNTED:
        return _counted(effects, measure, model, level, notes)
    if len(effects) == 1 or model == "common":
        return _common(effects, measure, model, level, notes)
    return _random(effects, measure, tau2_method, interval, prediction, level, notes)


def natural(measure: EffectMeasure, y: float) -> float:
    """An effect as people read it: ratios from logarithms, proportions from logits, the others as they are."""
    if measure in RATIOS:
        return math.exp(y) if y < 709 else math.inf
    if measure == "PROPORTION":
        return 1 / (1 + math.exp(-y)) if y > -709 else 0.0
    return y


class _Core(NamedTuple):
    """A centre with what its interval rests on."""

    y: float
    se: float
    df: float | None = None


class _Spread(NamedTuple):
    """Heterogeneity as far as a model has it."""

    q: float | None = None
    tau2: float | None = None
    tau2_method: Tau2Method | None = None
    i2: float | None = None
    tau2_limits: tuple[float, float] | None = None
    i2_limits: tuple[float, float] | None = None


def _check(
    effects: Sequence[Effect],
    model: PoolingModel,
    interval: Interval,
    prediction: Prediction | None,
    level: float,
) -> None:
    if not effects:
        raise NothingToPool("No study has an effect to pool. Remedy: look at why each is not estimable.")
    measures = sorted({effect.measure for effect in effects})
    if len(measures) > 1:
        raise MixedMeasures(
            f"Effects of {' and '.join(measures)} cannot be pooled. Remedy: compute one measure."
        )
    for effect in effects:
        if not (abs(effect.y) < LARGEST and 1 / LARGEST < effect.v < LARGEST):
            raise NothingToPool(
                f"{effect.label}: the effect ({effect.y:g}) or its variance ({effect.v:g}) is not a number, or too "
                "large or too small to compute with. Remedy: look at its data, or change the unit."
            )
    if not 0 < level < 1:
        raise WrongModel(
            f"A confidence level of {level} cannot be. Remedy: give one between 0 and 1, as 0.95."
        )
    suited = {"mantel_haenszel": ("OR", "RR", "RD"), "peto": ("OR",)}.get(model)
    if suited is not None and measures[0] not in suited:
        raise WrongModel(
            f"{_named(model)} pools {', '.join(suited)}, not {measures[0]}. Remedy: choose `common` or `random`."
        )
    if model != "random" and (interval != "wald" or prediction is not None):
        raise WrongModel(
            f"{_named(model)} assumes one true effect: it has neither a Hartung–Knapp nor a prediction interval. "
            "Remedy: choose `random`, or leave them out."
        )


def _named(model: PoolingModel) -> str:
    return {"mantel_haenszel": "Mantel–Haenszel", "peto": "Peto's method"}.get(model, f"The model `{model}`")


def _caveats(effects: Sequence[Effect], model: PoolingModel) -> tuple[str, ...]:
    notes = []
    if len(effects) == 1:
        notes.append("one study: nothing is pooled")
    elif len(effects) < FEW and model == "random":
        notes.append(f"{len(effects)} studies: the variance between studies is hardly known")
    counts = Counter(effect.study_id for effect in effects)
    labels = {effect.study_id: effect.label for effect in effects}
    again = [labels[study] for study in sorted(counts) if counts[study] > 1]
    if again:
        notes.append(
            f"in it more than once, so their participants must have been divided: {', '.join(again)}"
        )
    return tuple(notes)


def _common(
    effects: Sequence[Effect],
    measure: EffectMeasure,
    model: PoolingModel,
    level: float,
    notes: tuple[str, ...],
) -> Pooled:
    ys, vs = [effect.y for effect in effects], [effect.v for effect in effects]
    mean = weighted(ys, vs)
    q = q_statistic(ys, vs) if len(ys) > 1 else None
    return _pooled(
        measure, model, _Core(mean.y, math.sqrt(mean.v)), _Spread(q=q, i2=_i2_of_q(q, len(ys))),
        [1 / v for v in vs], level, notes,
    )  # fmt: skip


def _random(
    effects: Sequence[Effect],
    measure: EffectMeasure,
    method: Tau2Method,
    interval: Interval,
    prediction: Prediction | None,
    level: float,
    notes: tuple[str, ...],
) -> Pooled:
    ys, vs = [effect.y for effect in effects], [effect.v for effect in effects]
    tau2 = tau2_of(ys, vs, method)
    core, interval, said = _centre(ys, vs, tau2, interval)
    notes += said
    limits = q_profile(ys, vs, level)
    if limits is None:
        notes += (f"the studies differ less than chance would make them: τ² has no {level:.4g} interval",)
    elif not limits.lower <= tau2 <= limits.upper:
        notes += (f"τ² by {method} lies outside its Q-profile interval: compare other estimators",)
    spread = _Spread(
        q=q_statistic(ys, vs),
        tau2=tau2,
        tau2_method=method,
        i2=i2_of(tau2, vs),
        tau2_limits=limits,
        i2_limits=limits and (i2_of(limits.lower, vs), i2_of(limits.upper, vs)),
    )
    made = _pooled(measure, "random", core, spread, [1 / (v + tau2) for v in vs], level, notes, interval)
    return made if prediction is None else _predicted(made, prediction)


def _centre(
    ys: Sequence[float], vs: Sequence[float], tau2: float, interval: Interval
) -> tuple[_Core, Interval, tuple[str, ...]]:
    """Mean and SE, by Wald or by Hartung, Knapp, Sidik and Jonkman; what was used; what is to be said of it."""
    mean = weighted(ys, vs, tau2)
    if interval == "wald":
        return _Core(mean.y, math.sqrt(mean.v)), interval, ()
    df = len(ys) - 1
    q = q_statistic(ys, vs, tau2) / df
    said = []
    if len(ys) == 2:
        said.append(
            "two studies: the Hartung–Knapp interval has one degree of freedom and is too wide to be of use"
        )
    # Effects as good as equal: an SE of 0 from rounding errors would be called certainty.
    if interval == "hksj" and q < 1e-12:
        interval = "hksj_modified"
        said.append(
            "all effects are equal, so the Hartung–Knapp variance is 0: the modified one (q ≥ 1) was used"
        )
    if interval == "hksj_modified":
        q = max(1.0, q)
    core = _Core(mean.y, math.sqrt(q * mean.v), df)
    if interval == "hksj" and q < 1:
        said.append(
            "the Hartung–Knapp standard error is smaller than Wald's, so the interval may be too narrow"
        )
    return core, interval, tuple(said)


def _counted(
    effects: Sequence[Effect],
    measure: EffectMeasure,
    model: PoolingModel,
    level: float,
    notes: tuple[str, ...],
) -> Pooled:
    tables = [_table(effect, model) for effect in effects]
    try:
        made = mantel_haenszel(tables, measure) if model == "mantel_haenszel" else peto(tables)
    except Undefined as e:
        raise WrongModel(f"{_named(model)} has no result here: {e}. Remedy: choose another model.") from e
    if made.corrected:
        notes += ("0.5 was added to each cell of the tables with a zero: without it the sums have no result",)
    q = _q_of_tables(effects, tables, model, made) if len(effects) > 1 else None
    spread = _Spread(q=q, i2=_i2_of_q(q, len(effects)))
    return _pooled(measure, model, _Core(made.y, math.sqrt(made.v)), spread, made.weights, level, notes)


def _table(effect: Effect, model: PoolingModel) -> Table:
    data = effect.data
    arms = (data.experimental, data.control) if data is not None else (None, None)
    if data is None or any(arm is None or arm.events is None or arm.total is None for arm in arms):
        raise WrongModel(
            f"{_named(model)} needs the events of both arms; {effect.label} has an estimate only. "
            "Remedy: choose `common` or `random`."
        )
    try:
        return table_of(data)
    except Unusable as e:
        raise WrongModel(f"{effect.label}: {e} Remedy: look at its data.") from e


def _q_of_tables(
    effects: Sequence[Effect], tables: Sequence[Table], model: PoolingModel, made: Summed
) -> float:
    """As Review Manager: inverse-variance weights around the pooled effect; for Peto, V around it."""
    if model == "mantel_haenszel":
        return math.fsum((effect.y - made.y) ** 2 / effect.v for effect in effects)
    parts = [table.peto() for table in tables]
    return math.fsum(v * (excess / v - made.y) ** 2 for excess, v in parts if v > 0)


def _i2_of_q(q: float | None, k: int) -> float | None:
    """(Q − df)/Q, which is τ²/(τ² + s²) for the estimator of DerSimonian and Laird."""
    if q is None:
        return None
    return max(0.0, 100 * (q - (k - 1)) / q) if q > 0 else 0.0


def _pooled(
    measure: EffectMeasure,
    model: PoolingModel,
    core: _Core,
    spread: _Spread,
    weights: Sequence[float],
    level: float,
    notes: tuple[str, ...],
    interval: Interval = "wald",
) -> Pooled:
    k, total = len(weights), math.fsum(weights)
    if not (math.isfinite(core.y) and 0 < core.se < math.inf and 0 < total < math.inf):
        raise NothingToPool(
            "The numbers are too large or too small to compute with. Remedy: change the unit."
        )
    half = critical(level, core.df) * core.se
    statistic = core.y / core.se
    tau2_limits, i2_limits = spread.tau2_limits or (None, None), spread.i2_limits or (None, None)
    return Pooled(
        measure=measure, model=model, tau2_method=spread.tau2_method, interval=interval, level=level, k=k,
        y=core.y, se=core.se, lower=core.y - half, upper=core.y + half,
        statistic=statistic, df=core.df, p=two_sided_p(statistic, core.df),
        q=spread.q, q_df=None if spread.q is None else k - 1,
        q_p=None if spread.q is None else chi2_p(spread.q, k - 1),
        i2=spread.i2, i2_lower=i2_limits[0], i2_upper=i2_limits[1],
        h2=None if spread.i2 is None or spread.i2 >= 100 else 1 / (1 - spread.i2 / 100),
        tau2=spread.tau2, tau2_lower=tau2_limits[0], tau2_upper=tau2_limits[1],
        weights=tuple(100 * weight / total for weight in weights), notes=notes,
    )  # fmt: skip


def _predicted(made: Pooled, prediction: Prediction) -> Pooled:
    """With the interval of a new study's true effect: Higgins et al. 2009, doi:10.1111/j.1467-985X.2008.00552.x."""
    if made.k < 3:
        said = f"{made.k} studies: a prediction interval needs three"
        return made.model_copy(update={"prediction": prediction, "notes": (*made.notes, said)})
    assert made.tau2 is not None
    df = {"t_k_minus_1": made.k - 1, "t_k_minus_2": made.k - 2, "normal": None}[prediction]
    half = critical(made.level, df) * math.sqrt(made.tau2 + made.se**2)
    return made.model_copy(
        update={
            "prediction": prediction,
            "prediction_lower": made.y - half,
            "prediction_upper": made.y + half,
        }
    )
