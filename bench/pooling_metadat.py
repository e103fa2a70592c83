"""The data sets of metadat through our effects and our pooling, PyMARE beside it where it can.

A file's columns tell what it holds: two arms with events or with means, effects with their variances, or events of
single groups. Files of other kinds (correlations, networks in long form, diagnostic accuracy, reliability …) are
listed as such. Each file is pooled as one set: the question is whether every number comes out, not what it means.

PyMARE (0.0.13) has ML, REML, DL and HE, each from the same effects. Its likelihood is climbed from one starting point,
so beside the difference it is told which of both τ² is likelier: `likelier` is twice the log-likelihood of ours less
theirs, and must not be negative but for rounding.
"""

import csv
import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, get_args

from tools.errors import ConfigError
from tools.synthesis.effects import effect
from tools.synthesis.heterogeneity import q_statistic, weighted
from tools.synthesis.pooling import CannotPool, pool
from tools.synthesis.sensitivity import cumulative, leave_one_out
from tools.synthesis.values import ArmData, Effect, EffectMeasure, NotEstimable, StudyData, Tau2Method

__all__ = ["Shape", "height", "measured", "shape_of"]

METHODS: tuple[Tau2Method, ...] = get_args(Tau2Method)
PEERS: tuple[Tau2Method, ...] = ("ML", "REML", "DL", "HE")
SAME = 1e-3
"""Relative to the total variance: PyMARE's climb ends where a step gains too little."""

ROUNDING = 1e-9


class Shape(NamedTuple):
    """What a file holds, and in which columns."""

    measure: EffectMeasure
    columns: tuple[str, ...]


SHAPES: tuple[Shape, ...] = (
    *(Shape("OR", tuple(names.split())) for names in (
        "ai n1i ci n2i", "Ee Ne Ec Nc", "xt nt xc nc", "xTi nTi xCi nCi", "x.a n.a x.p n.p", "b.xti nti b.xci nci",
        "pre.xti pre.nti pre.xci pre.nci", "hcq_arm_event hcq_arm_total control_arm_event control_arm_total",
        "x.nrt n.nrt x.ctrl n.ctrl", "ep1t nt ep1c nc", "e1i nei c1i nci", "waward wtotal maward mtotal",
        "treat.infarction treat.total cont.infarction cont.total", "resp1 n1 resp2 n2",
        "tiotropium.exa tiotropium.total placebo.exa placebo.total", "p2y12.mi p2y12.total aspirin.mi aspirin.total",
    )),
    *(Shape("SMD", tuple(names.split())) for names in (
        "n1i m1i sd1i n2i m2i sd2i", "Ne Me Se Nc Mc Sc", "nti mti sdti nci mci sdci", "n1 y1 sd1 n2 y2 sd2",
        "No_brain_n No_brain_m No_brain_s Brain_n Brain_m Brain_s",
    )),
    *(Shape("MD", tuple(names.split())) for names in (
        "yi vi", "y1i v1i", "es.z vi.z", "smd se", "b SE", "diff se", "total.logrr total.se", "mean SE", "mean se",
        "mean.das lower.das upper.das",
    )),
    *(Shape("HR", tuple(names.split())) for names in ("HR lowHR uppHR", "or lower upper", "or or.lb or.ub")),
    *(Shape("PROPORTION", tuple(names.split())) for names in (
        "xi ni", "cases total", "events total", "death n", "r N", "resp n", "stroke total", "death randomized",
        "exac total", "depr n", "same flips",
    )),
    Shape("MEAN", ("ni", "mi", "sdi")),
)  # fmt: skip
"""The first whose columns are all there. MD of two or three columns stands for effects as they are given, on whatever
scale, with their variance, SE or limits; HR for ratios with limits."""

CELLS: tuple[tuple[str, ...], ...] = (  # tables without totals
    ("tpos", "tneg", "cpos", "cneg"),
    ("ihd.exp", "noihd.exp", "ihd.cont", "noihd.cont"),
    ("cir.pos", "cir.neg", "non.pos", "non.neg"),
    ("resp.halo", "fail.halo", "resp.plac", "fail.plac"),
    ("n.cbt.rec", "n.cbt.non", "n.ctrl.rec", "n.ctrl.non"),
    ("bc.del.del", "bc.ins.ins", "ct.del.del", "ct.ins.ins"),
)
STANDARD_ERRORS = ("se", "SE", "total.se")
"""Columns that hold these rather than variances."""


def shape_of(columns: Sequence[str]) -> Shape | None:
    """How to read a file with these columns; None: data of another kind."""
    there = set(columns)
    for cells in CELLS:
        if there.issuperset(cells):
            return Shape("OR", cells)
    return next((shape for shape in SHAPES if there.issuperset(shape.columns)), None)


def measured(path: Path) -> dict[str, Any]:
    """One row of the table: what was computed of a file, and the largest difference from PyMARE."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    name = path.name.removeprefix("dat.").removesuffix(".csv")
    shape = shape_of(list(rows[0]))
    if shape is None:
        return {"data": name, "state": "another kind of data"}
    made = [_made(row, shape, str(place)) for place, row in enumerate(rows)]
    effects = [one for one in made if isinstance(one, Effect)]
    found: dict[str, Any] = {
        "data": name, "measure": shape.measure, "rows": len(rows), "effects": len(effects),
        "not_estimable": len(made) - len(effects),
        "why_not": dict(sorted(Counter(one.why for one in made if isinstance(one, NotEstimable)).items())),
    }  # fmt: skip
    try:
        return found | {"state": "computed"} | _pooled_all_ways(effects, with_tables=len(shape.columns) == 4)
    except CannotPool as e:
        return found | {"state": f"{type(e).__name__}: {e}"}


def _made(row: Mapping[str, str], shape: Shape, study_id: str) -> Effect | NotEstimable:
    return effect(_data([_number(row[name]) for name in shape.columns], shape, study_id), shape.measure)


def _data(values: Sequence[float | None], shape: Shape, study_id: str) -> StudyData:
    def arm(**known: float | None) -> ArmData:
        return ArmData(arm="arm", **known)

    def study(**known: Any) -> StudyData:
        return StudyData(study_id=study_id, label=study_id, **known)

    match len(values), shape.measure:
        case 4, _:
            a, n1, c, n2 = values
            if shape.columns in CELLS:
                n1, n2 = _sum(a, n1), _sum(c, n2)
            return study(experimental=arm(events=a, total=n1), control=arm(events=c, total=n2))
        case 6, _:
            one, other = ({"total": n, "mean": m, "sd": s} for n, m, s in (values[:3], values[3:]))
            return study(experimental=arm(**one), control=arm(**other))
        case 3, "MEAN":
            return study(experimental=arm(total=values[0], mean=values[1], sd=values[2]))
        case 3, _:
            return study(estimate=values[0], estimate_lower=values[1], estimate_upper=values[2])
        case 2, "PROPORTION":
            return study(experimental=arm(events=values[0], total=values[1]))
        case _:
            y, spread = values
            if spread is not None and shape.columns[1] not in STANDARD_ERRORS:
                spread = math.sqrt(spread) if spread >= 0 else math.nan
            return study(estimate=y, estimate_se=spread)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _pooled_all_ways(effects: Sequence[Effect], *, with_tables: bool) -> dict[str, Any]:
    """Every model, estimator and interval; leaving one out and accumulating too. The numbers shown are REML's."""
    pool(effects, model="common")
    if with_tables:
        pool(effects, model="mantel_haenszel")
        pool(effects, model="peto")
    several = len(effects) > 1
    for method in METHODS:
        pool(effects, model="random", tau2_method=method, interval="hksj", prediction="t_k_minus_1")
    shown = pool(effects, model="random")
    if 1 < len(effects) <= 100:
        leave_one_out(effects, model="random", interval="hksj_modified")
        cumulative(effects, model="random", tau2_method="PM")
    found = {"tau2": shown.tau2, "y": shown.y, "se": shown.se, "i2": shown.i2}
    return found | (_beside_pymare(effects) if several else {})


def _beside_pymare(effects: Sequence[Effect]) -> dict[str, Any]:
    """Largest differences over four estimators: of τ² and of the mean, relative to what sampling makes of them."""
    ys, vs = [one.y for one in effects], [one.v for one in effects]
    differ, moved, likelier = [], [], []
    for method in PEERS:
        ours = pool(effects, model="random", tau2_method=method)
        theirs = _pymare(ys, vs, method)
        assert ours.tau2 is not None
        differ.append(abs(ours.tau2 - theirs) / (ours.tau2 + sorted(vs)[len(vs) // 2]))
        moved.append(abs(weighted(ys, vs, theirs).y - ours.y) / ours.se)
        if method in ("ML", "REML"):
            gain = height(ys, vs, ours.tau2, method) - height(ys, vs, theirs, method)
            likelier.append(gain)
    return {
        "tau2_differs": max(differ),
        "mean_differs": max(moved),
        "likelier": max(likelier, key=abs),
        "never_less_likely": min(likelier) >= -ROUNDING * len(ys),
        "same": max(differ) <= SAME,
    }


def _pymare(ys: Sequence[float], vs: Sequence[float], method: Tau2Method) -> float:
    """τ² by PyMARE. It warns of what it does not do; nothing of that concerns τ²."""
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pymare = import_module("pymare")
        except ModuleNotFoundError as e:
            raise ConfigError("PyMARE is not installed. Remedy: pip install -e '.[dev]'.") from e
        peer = pymare.estimators
        estimator = {"DL": peer.DerSimonianLaird, "HE": peer.Hedges}.get(method)
        made = estimator() if estimator else peer.VarianceBasedLikelihoodEstimator(method=method)
        found = made.fit_dataset(pymare.Dataset(y=np.array(ys), v=np.array(vs))).summary().tau2
    return max(0.0, float(np.ravel(found)[0]))


def height(ys: Sequence[float], vs: Sequence[float], tau2: float, method: Tau2Method) -> float:
    """Twice the log-likelihood (ML) or restricted log-likelihood (REML) of τ², but for a constant."""
    logs = math.fsum(math.log(v + tau2) for v in vs)
    restricted = math.log(weighted(ys, vs, tau2).weight) if method == "REML" else 0.0
    return -logs - q_statistic(ys, vs, tau2) - restricted
