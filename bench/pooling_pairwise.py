"""Study rows of Cochrane reviews: our effect and its interval beside what was published.

The table (Pairwise70) holds, for each row, the arms or an estimate with its SE, and the published effect (`Mean`)
with its 95 % interval to six decimals, made by Review Manager. It does not hold the measure. 0 stands for numbers
that are not there as well as for nothing, so a row is read as

contrast     GIV.SE above 0 and GIV.Mean not 0, or no `Variance` (with one, GIV.SE was computed from the arms);
             Mean is then the estimate itself, or its exponential for a ratio
means        a mean or an SD that is not 0
counts       else

The measure of an analysis (dataset, group, number) is the one by which most of its rows come out; by
`siblings` it is the one by which most of the *other* rows come out, so that a row does not choose for itself.
Published rows without an effect are recomputed when ours is not estimable either.
"""

import csv
import gzip
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.errors import InputFileError
from tools.synthesis.distributions import critical
from tools.synthesis.effects import effect, peto_effect
from tools.synthesis.pooling import natural
from tools.synthesis.values import ArmData, Effect, EffectMeasure, NotEstimable, StudyData

__all__ = ["MEASURES", "Judged", "Kind", "Measure", "judged", "made_by", "read", "recomputed"]

Kind = Literal["counts", "means", "contrast"]
Measure = Literal["OR", "RR", "RD", "Peto OR", "MD", "SMD", "ratio", "difference"]

MEASURES: dict[Kind, tuple[Measure, ...]] = {
    "counts": ("RR", "OR", "RD", "Peto OR"),
    "means": ("MD", "SMD"),
    "contrast": ("ratio", "difference"),
}
"""By kind of row, commonest first: of two measures that fit as many rows, the earlier is taken."""

EFFECTS: dict[Measure, EffectMeasure] = {"OR": "OR", "RR": "RR", "RD": "RD", "MD": "MD", "SMD": "SMD"}

FITS: dict[Measure, tuple[Measure, ...]] = {
    "ratio": ("RR", "OR", "Peto OR"),
    "difference": ("MD", "SMD", "RD"),
}
"""A contrast in an analysis with arms: its ratio is one of these."""

DECIMALS = 6
"""To which the published numbers are rounded."""


@dataclass(frozen=True)
class Row:
    """One published study row."""

    analysis: tuple[str, str, str]
    kind: Kind
    data: StudyData
    published: tuple[float, float, float] | None
    """Effect, lower and upper limit; None where none was published."""
    weight: float | None = None
    """Per cent in the analysis or its subgroup, where it was pooled."""


@dataclass(frozen=True)
class Judged:
    """One row, by which measure, and what became of it."""

    row: Row
    measure: Measure | None
    """None: nothing in the analysis was published with an effect."""
    ok: bool
    ok_by_siblings: bool | None
    """None: the analysis has no other row with an effect."""
    reason: str = ""


def read(path: Path) -> list[Row]:
    """The rows of the gzipped table.

    Raises:
        InputFileError: missing, or not in this form.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            return [_row(cells) for cells in csv.DictReader(lines)]
    except (OSError, ValueError, KeyError, csv.Error) as e:
        raise InputFileError(
            f"{path}: cannot be read as study rows: {e!r}. Remedy: give pairwise_effects.csv.gz of Pairwise70."
        ) from e


def _row(cells: Mapping[str, str]) -> Row:
    def number(name: str) -> float:
        return float(cells[name] or 0)

    estimate, se, variance = number("GIV.Mean"), number("GIV.SE"), number("Variance")
    arms = {
        name: ArmData(
            arm=name,
            total=number(f"{name}.N"),
            events=number(f"{name}.cases"),
            mean=number(f"{name}.mean"),
            sd=number(f"{name}.SD"),
        )
        for name in ("Experimental", "Control")
    }
    kind: Kind = "counts"
    if any(arm.mean or arm.sd for arm in arms.values()):
        kind = "means"
    elif se > 0 and (estimate or not variance) and not any(arm.events for arm in arms.values()):
        kind = "contrast"
    common = {"study_id": cells["Study"], "label": cells["Study"], "subgroup": cells["Subgroup"]}
    if kind == "contrast":
        data = StudyData(**common, estimate=estimate, estimate_se=se)
    else:
        data = StudyData(**common, experimental=arms["Experimental"], control=arms["Control"])
    numbers = [cells[name] for name in ("Mean", "CI.start", "CI.end")]
    published = None if "" in numbers else (float(numbers[0]), float(numbers[1]), float(numbers[2]))
    analysis = (cells["dataset"], cells["Analysis.group"], cells["Analysis.number"])
    return Row(analysis, kind, data, published, float(cells["Weight"]) if cells["Weight"] else None)


def made_by(row: Row, measure: Measure) -> Effect | NotEstimable:
    """Our effect, as Review Manager defines the measure."""
    if row.kind == "contrast":
        estimate = row.data.estimate
        assert estimate is not None
        if measure in ("ratio", *FITS["ratio"]):
            return effect(row.data.model_copy(update={"estimate": math.exp(estimate)}), "HR")
        return effect(row.data, "MD")
    if measure in ("ratio", "difference"):
        # An analysis of estimates does not look at arms that a row may have besides.
        bare = row.data.model_copy(update={"experimental": None, "control": None})
        return effect(bare, "HR" if measure == "ratio" else "MD")
    if measure == "Peto OR":
        return peto_effect(row.data)
    return effect(row.data, EFFECTS[measure], smd="revman")


def recomputed(row: Row, measure: Measure) -> str:
    """Empty where the row comes out: effect and both limits, or no effect on either side. Else what differs."""
    made = made_by(row, measure)
    if isinstance(made, NotEstimable):
        return "" if row.published is None else f"not estimable here, published there: {made.why}"
    if row.published is None:
        return "an effect here, none published"
    half = critical(0.95) * math.sqrt(made.v)
    limits = ((made.y, "effect"), (made.y - half, "lower limit"), (made.y + half, "upper limit"))
    for (value, what), there in zip(limits, row.published, strict=True):
        if not _agree(natural(made.measure, value), there):
            return f"the {what} differs"
    return ""


def _agree(ours: float, there: float) -> bool:
    return abs(ours - there) <= 0.5 * 10.0**-DECIMALS * (1 + 1e-6)


def judged(rows: Sequence[Row]) -> Iterator[Judged]:
    """Each row by the measure of its analysis; in the order of the table."""
    by_analysis: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        by_analysis[row.analysis].append(place)
    found: dict[int, Judged] = {}
    for places in by_analysis.values():
        found |= _analysis(rows, places)
    return (found[place] for place in range(len(rows)))


def _analysis(rows: Sequence[Row], places: Sequence[int]) -> dict[int, Judged]:
    candidates = _candidates({rows[place].kind for place in places if rows[place].published})
    if not candidates:
        return {place: _unpublished(rows[place]) for place in places}
    misses = {
        place: {measure: recomputed(rows[place], measure) for measure in candidates} for place in places
    }
    published = [place for place in places if rows[place].published is not None]
    votes = Counter(measure for place in published for measure in candidates if not misses[place][measure])
    best = _most(votes, candidates)
    judged_here = {}
    for place in places:
        others = Counter(votes)
        if place in published:
            others -= Counter(measure for measure in candidates if not misses[place][measure])
        alone = not [other for other in published if other != place]
        sibling = None if alone else not misses[place][_most(others, candidates)]
        reason = misses[place][best]
        judged_here[place] = Judged(rows[place], best, not reason, sibling, reason)
    return judged_here


def _candidates(kinds: set[Kind]) -> tuple[Measure, ...]:
    """Measures that an analysis of these kinds of rows can have; with arms, contrasts follow their measure."""
    arms = [measure for kind in ("counts", "means") if kind in kinds for measure in MEASURES[kind]]
    return tuple(arms) or (MEASURES["contrast"] if "contrast" in kinds else ())


def _most(votes: Mapping[Measure, int], candidates: Sequence[Measure]) -> Measure:
    return max(candidates, key=lambda measure: (votes.get(measure, 0), -candidates.index(measure)))


def _unpublished(row: Row) -> Judged:
    """Nothing in the analysis tells the measure: none of its kind may be estimable, bar a RD of counts."""
    wanted = [measure for measure in MEASURES[row.kind] if measure != "RD"]
    reasons = [reason for measure in wanted if (reason := recomputed(row, measure))]
    return Judged(row, None, not reasons, None, reasons[0] if reasons else "")
