"""One study's effect: from what its arms scored, else from the estimate that it reports. Pure.

Formulas: Cochrane Handbook, chapter 6, and Deeks and Higgins, Statistical algorithms in Review Manager 5 (2010);
SMD: Hedges 1981, doi:10.3102/10769986006002107. What cannot be computed is a `NotEstimable` that says why; no input
makes these functions raise, and none makes them return a number that is not finite.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from tools.synthesis.estimated import Estimated, Unusable, answer
from tools.synthesis.reported import reported
from tools.synthesis.values import ArmData, Effect, EffectMeasure, NotEstimable, StudyData

__all__ = ["EFFECTIVE_TOTAL", "SINGLE", "Hedges", "Table", "effect", "peto_effect", "table_of"]

Hedges = Literal["exact", "revman"]
"""exact: J by the gamma function and v = 1/n₁ + 1/n₂ + g²/2N (metafor's default). revman: J = 1 − 3/(4N − 9) and
v = N/(n₁n₂) + g²/(2(N − 3.94)), for numbers that shall equal those of Review Manager."""

SINGLE: tuple[EffectMeasure, ...] = ("PROPORTION", "MEAN")
"""Measures of one group alone."""
DICHOTOMOUS: tuple[EffectMeasure, ...] = ("OR", "RR", "RD", "PROPORTION")
EFFECTIVE_TOTAL = "effective total"
"""`Conversion.to` of an arm's participants divided by the design effect (see tools.synthesis.adjusting)."""

CORRECTED = "0.5 was added to all four cells because one of them is zero"


def effect(data: StudyData, measure: EffectMeasure, *, smd: Hedges = "exact") -> Effect | NotEstimable:
    """The effect of `measure`, experimental against control, on the scale of analysis.

    From the arms where they are complete (events and total; mean, SD and total), else from the reported estimate
    with its SE or interval. PROPORTION and MEAN read the experimental arm alone. Arms that are complete but
    impossible are not passed over in favour of the reported estimate: a person has to look at them.

    Zero cells: 0.5 is added to all four cells of that study only; a study without any event, or with nothing but
    events in both arms, has no OR, and one without any event no RR. A RR of two arms with nothing but events is 1,
    as in Review Manager. A RD keeps its raw difference and has 0.5 in its variance only where that would be 0.
    """

    def compute() -> Estimated:
        return _from_arms(data, measure, smd) if _complete(data, measure) else _from_estimate(data, measure)

    return answer(data, measure, compute)


def peto_effect(data: StudyData) -> Effect | NotEstimable:
    """One study's log odds ratio by Peto: (O − E)/V with variance 1/V, as forest plots of that method show it.

    Yusuf et al. 1985, doi:10.1016/S0033-0620(85)80003-7. Needs no correction of zero cells.
    """

    def compute() -> Estimated:
        if not _complete(data, "OR"):
            raise Unusable(_what_is_missing(data, "OR"))
        excess, variance = table_of(data).peto()
        if not variance > 0:
            raise Unusable(_one_sided(table_of(data)))
        return Estimated(excess / variance, 1 / variance, ("Peto's method",))

    return answer(data, "OR", compute)


class Table(NamedTuple):
    """a, b: events and non-events of the experimental arm; c, d: those of control."""

    a: float
    b: float
    c: float
    d: float

    @property
    def n1(self) -> float:
        """Participants of the experimental arm."""
        return self.a + self.b

    @property
    def n2(self) -> float:
        """Participants of the control arm."""
        return self.c + self.d

    @property
    def n(self) -> float:
        """All participants."""
        return self.n1 + self.n2

    @property
    def has_zero(self) -> bool:
        """Whether a cell is zero."""
        return 0 in self

    def corrected(self) -> "Table":
        """0.5 more in each cell."""
        return Table(*(cell + 0.5 for cell in self))

    def peto(self) -> tuple[float, float]:
        """Observed less expected events of the experimental arm, and their hypergeometric variance."""
        events, others = self.a + self.c, self.b + self.d
        variance = self.n1 * self.n2 * events * others / (self.n**2 * (self.n - 1)) if self.n > 1 else 0.0
        return self.a - self.n1 * events / self.n, variance


def table_of(data: StudyData) -> Table:
    """The 2×2 table of two complete arms.

    Raises:
        Unusable: more events than participants, nobody in an arm, or no finite number.
    """
    assert data.experimental is not None
    assert data.control is not None
    a, n1 = _counts(data.experimental, "experimental")
    c, n2 = _counts(data.control, "control")
    return Table(a, n1 - a, c, n2 - c)


def _complete(data: StudyData, measure: EffectMeasure) -> bool:
    return measure != "HR" and not _missing(data, measure)


def _missing(data: StudyData, measure: EffectMeasure) -> list[str]:
    """What the arms lack, as `mean of the control arm`."""
    wanted = ("events", "total") if measure in DICHOTOMOUS else ("mean", "sd", "total")
    arms = {"experimental": data.experimental, "control": data.control}
    if measure in SINGLE:
        del arms["control"]
    return [
        f"{name.replace('sd', 'SD')} of the {place} arm"
        for place, arm in arms.items()
        for name in wanted
        if arm is None or getattr(arm, name) is None
    ]


def _what_is_missing(data: StudyData, measure: EffectMeasure) -> str:
    return f"Not known: {', '.join(_missing(data, measure))}."


def _from_estimate(data: StudyData, measure: EffectMeasure) -> Estimated:
    if data.estimate is not None:
        return reported(data, measure)
    if measure == "HR":
        raise Unusable("No hazard ratio is reported; it cannot be computed from numbers of events.")
    raise Unusable(f"{_what_is_missing(data, measure)} No estimate is reported either.")


def _from_arms(data: StudyData, measure: EffectMeasure, smd: Hedges) -> Estimated:
    assert data.experimental is not None
    if measure == "PROPORTION":
        return _proportion(*_counts(data.experimental, "experimental"))
    if measure == "MEAN":
        mean, sd, total = _moments(data.experimental, "experimental")
        return Estimated(mean, sd**2 / total)
    if measure in DICHOTOMOUS:
        made = TWO_BY_TWO[measure](table_of(data))
    else:
        assert data.control is not None
        one, other = _moments(data.experimental, "experimental"), _moments(data.control, "control")
        made = _mean_difference(one, other) if measure == "MD" else _smd(one, other, smd)
    return made._replace(notes=(*made.notes, *_design_notes(data)))


def _odds_ratio(table: Table) -> Estimated:
    if _all_alike(table):
        raise Unusable(_one_sided(table))
    a, b, c, d = table.corrected() if table.has_zero else table
    y = math.log(a) - math.log(b) - math.log(c) + math.log(d)
    return Estimated(y, 1 / a + 1 / b + 1 / c + 1 / d, (CORRECTED,) if table.has_zero else ())


def _risk_ratio(table: Table) -> Estimated:
    if table.a == table.c == 0:
        raise Unusable(_one_sided(table))
    used = table.corrected() if table.has_zero else table
    # Not by 1/a − 1/n₁, which loses all its digits where nearly everyone has the event.
    v = used.b / (used.a * used.n1) + used.d / (used.c * used.n2)
    if table.b == table.d == 0:
        return Estimated(0.0, v, ("everyone in both arms has the event: 0.5 in each cell of the variance",))
    y = math.log(used.a / used.n1) - math.log(used.c / used.n2)
    return Estimated(y, v, (CORRECTED,) if table.has_zero else ())


def _risk_difference(table: Table) -> Estimated:
    y = table.a / table.n1 - table.c / table.n2
    alike = table.a * table.b == 0 and table.c * table.d == 0
    a, b, c, d = table.corrected() if alike else table
    v = a * b / (a + b) ** 3 + c * d / (c + d) ** 3
    return Estimated(
        y, v, ("0.5 was added to each cell for the variance, which would be zero",) if alike else ()
    )


TWO_BY_TWO: dict[EffectMeasure, Callable[[Table], Estimated]] = {
    "OR": _odds_ratio,
    "RR": _risk_ratio,
    "RD": _risk_difference,
}


def _proportion(events: float, total: float) -> Estimated:
    others = total - events
    zero = events == 0 or others == 0
    if zero:
        events, others = events + 0.5, others + 0.5
    notes = ("0.5 was added to both cells because one of them is zero",) if zero else ()
    return Estimated(math.log(events / others), 1 / events + 1 / others, notes)


def _mean_difference(one: "Moments", other: "Moments") -> Estimated:
    return Estimated(one.mean - other.mean, one.sd**2 / one.total + other.sd**2 / other.total)


def _smd(one: "Moments", other: "Moments", smd: Hedges) -> Estimated:
    n1, n2 = one.total, other.total
    n, df = n1 + n2, n1 + n2 - 2
    pooled_sd = math.sqrt(((n1 - 1) * one.sd**2 + (n2 - 1) * other.sd**2) / df)
    d = (one.mean - other.mean) / pooled_sd
    if smd == "revman":
        if n <= 3.94:
            raise Unusable(
                "Fewer than four participants: Review Manager's variance of the SMD is not defined."
            )
        g = d * (1 - 3 / (4 * n - 9))
        return Estimated(g, n / (n1 * n2) + g**2 / (2 * (n - 3.94)), ("SMD as Review Manager computes it",))
    if df <= 1:
        raise Unusable("Too few participants for the small-sample correction of the SMD.")
    g = d * math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    return Estimated(g, 1 / n1 + 1 / n2 + g**2 / (2 * n))


class Moments(NamedTuple):
    """What a continuous arm scored, checked."""

    mean: float
    sd: float
    total: float


def _moments(arm: ArmData, place: str) -> Moments:
    made = Moments(_number(arm.mean), _number(arm.sd), _number(arm.total))
    if not made.total > 1:
        raise Unusable(f"The {place} arm has {made.total:g} participants: a mean needs two or more.")
    if not made.sd > 0:
        raise Unusable(f"The SD of the {place} arm is {made.sd:g}; it has to be above zero.")
    return made


def _counts(arm: ArmData, place: str) -> tuple[float, float]:
    events, total = _number(arm.events), _number(arm.total)
    if not total > 0:
        raise Unusable(f"The {place} arm has {total:g} participants.")
    if events < 0:
        raise Unusable(f"The {place} arm has {events:g} events; there cannot be fewer than none.")
    if events > total:
        raise Unusable(f"The {place} arm has more events ({events:g}) than participants ({total:g}).")
    return events, total


def _number(value: float | None) -> float:
    if value is None or not math.isfinite(value):
        raise Unusable("A number of the arms is infinite or not a number.")
    return value


def _all_alike(table: Table) -> bool:
    return table.a == table.c == 0 or table.b == table.d == 0


def _one_sided(table: Table) -> str:
    if table.a == table.c == 0:
        return "Nobody had the event in either arm, so the study says nothing about the ratio."
    if table.b == table.d == 0:
        return "Everyone had the event in both arms, so the study says nothing about the ratio."
    return "One participant alone: nothing can be compared."


def _design_notes(data: StudyData) -> tuple[str, ...]:
    """Designs whose arms may not be read as if each participant counted once and in one arm."""
    adjusted = any(conversion.to == EFFECTIVE_TOTAL for conversion in data.conversions)
    if data.design == "cluster" and not adjusted:
        return ("cluster-randomised and not corrected for clustering: the interval is too narrow",)
    if data.design == "crossover":
        return ("crossover trial analysed as if its arms were of different people: the interval is too wide",)
    return ()
