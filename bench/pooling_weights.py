"""The weights of each study in the pooled analyses that Cochrane reviews published, beside ours.

A weight depends on the model and, with random effects, on τ²; so six decimals of each weight tell whether the model
is computed as Review Manager computes it. The table does not say which model an analysis has: one counts as
reproduced when all its weights are those of one of `MODELS`. Two of them are not offered here and are made in this
file from our parts. Review Manager adds 0.5 to the cells of a table with a zero before Mantel and Haenszel's sums (here
they are summed as they are, as Handbook 10.4.4 advises), and its random effects with Mantel–Haenszel take τ² of
DerSimonian and Laird from squares around the Mantel–Haenszel mean.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.pooling_pairwise import Judged, made_by
from tools.synthesis.effects import table_of
from tools.synthesis.heterogeneity import typical_variance
from tools.synthesis.mantel_haenszel import Undefined, mantel_haenszel
from tools.synthesis.pooling import pool
from tools.synthesis.values import Effect

__all__ = ["MODELS", "Weighed", "models_of", "weighed"]

MODELS = ("common", "DL", "REML", "Mantel–Haenszel", "DL around Mantel–Haenszel", "Peto")
MAX_OFF = 1.5e-6
"""In per cent: both are rounded to six decimals somewhere."""


@dataclass(frozen=True)
class Weighed:
    """One pooled analysis (or one subgroup of an analysis without a total) of two studies or more."""

    analysis: tuple[str, str, str]
    subgroup: str
    studies: int
    models: tuple[str, ...]
    """Whose weights are those published; empty where none is."""


def weighed(judged: Sequence[Judged]) -> Iterator[Weighed]:
    """Each published pooled analysis; those whose weights do not sum to 100 were not pooled."""
    by_analysis: dict[tuple[str, str, str], list[Judged]] = defaultdict(list)
    for one in judged:
        if one.row.published is not None and one.row.weight is not None and one.measure is not None:
            by_analysis[one.row.analysis].append(one)
    for analysis, members in by_analysis.items():
        for subgroup, group in _scopes(members):
            if len(group) > 1:
                yield Weighed(analysis, subgroup, len(group), tuple(_reproducing(group)))


def _scopes(members: Sequence[Judged]) -> list[tuple[str, list[Judged]]]:
    """The whole where its weights sum to 100, else the subgroups, as far as theirs do."""
    if _sums_up(members):
        return [("", list(members))]
    by_subgroup: dict[str, list[Judged]] = defaultdict(list)
    for member in members:
        by_subgroup[member.row.data.subgroup].append(member)
    return [(name, group) for name, group in by_subgroup.items() if _sums_up(group)]


def _sums_up(members: Sequence[Judged]) -> bool:
    return abs(math.fsum(member.row.weight or 0 for member in members) - 100) < 1e-3


def _reproducing(group: Sequence[Judged]) -> Iterator[str]:
    made = [made_by(member.row, member.measure) for member in group if member.measure]
    effects = [one for one in made if isinstance(one, Effect)]
    if len(effects) < len(group):
        return
    published = [member.row.weight or 0 for member in group]
    for model, weights in models_of(effects):
        if all(abs(ours - there) <= MAX_OFF for ours, there in zip(weights, published, strict=True)):
            yield model


def models_of(effects: Sequence[Effect]) -> Iterator[tuple[str, Sequence[float]]]:
    """Weights in per cent under each of `MODELS` that the data allow."""
    yield "common", pool(effects, model="common").weights
    yield "DL", pool(effects, model="random", tau2_method="DL").weights
    yield "REML", pool(effects, model="random", tau2_method="REML").weights
    if effects[0].measure not in ("OR", "RR", "RD") or not all(
        e.data and e.data.experimental for e in effects
    ):
        return
    tables = [table_of(one.data) for one in effects if one.data]
    tables = [table.corrected() if table.has_zero else table for table in tables]
    try:
        summed = mantel_haenszel(tables, effects[0].measure)
    except Undefined:
        return
    total = math.fsum(summed.weights)
    yield "Mantel–Haenszel", [100 * weight / total for weight in summed.weights]
    vs, df = [one.v for one in effects], len(effects) - 1
    q = math.fsum((one.y - summed.y) ** 2 / one.v for one in effects)
    tau2 = max(0.0, (q - df) * typical_variance(vs) / df)
    weights = [1 / (v + tau2) for v in vs]
    total = math.fsum(weights)
    yield "DL around Mantel–Haenszel", [100 * weight / total for weight in weights]
    if effects[0].measure == "OR":
        yield "Peto", pool(effects, model="peto").weights
