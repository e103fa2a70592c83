"""Invented analyses for the tests of plots and exports; all names and numbers are made up.

Exception: BCG holds the counts of dat.bcg (metadat; Colditz 1994), whose published results the tests know.
"""

from tools.reporting.analysis import Analysis
from tools.reporting.plots.forest_values import ForestGroup, ForestPlot
from tools.synthesis.effects import effect
from tools.synthesis.pooling import pool
from tools.synthesis.values import ArmData, Effect, EffectMeasure, NotEstimable, Pooled, StudyData

BCG = (
    ("Aronson 1948", 4, 119, 11, 128),
    ("Ferguson 1949", 6, 300, 29, 274),
    ("Rosenthal 1960", 3, 228, 11, 209),
    ("Hart 1977", 62, 13536, 248, 12619),
    ("Frimodt-Moller 1973", 33, 5036, 47, 5761),
    ("Stein 1953", 180, 1361, 372, 1079),
    ("Vandiviere 1973", 8, 2537, 10, 619),
    ("Madras 1980", 505, 87886, 499, 87892),
    ("Coetzee 1968", 29, 7470, 45, 7232),
    ("Rosenthal 1961", 17, 1699, 65, 1600),
    ("Comstock 1974", 186, 50448, 141, 27197),
    ("Comstock 1969", 5, 2493, 3, 2338),
    ("Comstock 1976", 27, 16886, 29, 17825),
)

Line = Effect | NotEstimable


def events(label: str, a: float, n1: float, c: float, n2: float, *, year: int | None = None) -> StudyData:
    """A study with counts in two arms."""
    return StudyData(
        study_id=label,
        label=label,
        year=year,
        experimental=ArmData(arm="Sage tea", events=a, total=n1),
        control=ArmData(arm="Tap water", events=c, total=n2),
    )


def means(label: str, first: tuple[float, ...], second: tuple[float, ...]) -> StudyData:
    """A study with mean, SD and total in two arms."""
    (m1, s1, n1), (m2, s2, n2) = first, second
    return StudyData(
        study_id=label,
        label=label,
        experimental=ArmData(arm="Sage tea", mean=m1, sd=s1, total=n1),
        control=ArmData(arm="Tap water", mean=m2, sd=s2, total=n2),
    )


def reported(label: str, estimate: float, lower: float, upper: float) -> StudyData:
    """A study that reports no more than a contrast."""
    return StudyData(
        study_id=label, label=label, estimate=estimate, estimate_lower=lower, estimate_upper=upper
    )


def effects(measure: EffectMeasure, *studies: StudyData) -> tuple[Line, ...]:
    """Their effects, in order."""
    return tuple(effect(s, measure) for s in studies)


def pooled(lines: tuple[Line, ...], **how: object) -> Pooled:
    """Those with an effect, pooled."""
    return pool([x for x in lines if isinstance(x, Effect)], **{"model": "random", **how})  # type: ignore[arg-type]


def bcg(measure: EffectMeasure = "RR") -> tuple[Line, ...]:
    """The thirteen trials of dat.bcg."""
    return effects(measure, *(events(label, a, a + b, c, c + d) for label, a, b, c, d in BCG))


DICHOTOMOUS = effects(
    "RR",
    events("Ash 2001", 3, 40, 9, 41, year=2001),
    events("Birch 2004", 12, 120, 20, 118, year=2004),
    events("Cedar 2010", 0, 33, 0, 31),
)
CONTINUOUS = effects(
    "MD", means("Ash 2001", (-4.5, 6.25, 40), (-2, 7, 41)), means("Elm 2015", (-3, 5, 66), (-2.5, 5.5, 64))
)
CONTRASTS = effects("HR", reported("Fir 2018", 0.8, 0.6, 1.0666), reported("Oak 2020", 0.7, 0.5, 0.98))


def analyses() -> tuple[Analysis, ...]:
    """One analysis of each kind, as a review might hold them."""
    common = {"experimental": "Herbal tea", "control": "Water", "comparison": "Tea against water"}
    return (
        Analysis(
            analysis_id="1.1",
            outcome="Sleepless nights",
            time_point="12 weeks",
            measure="RR",
            lines=DICHOTOMOUS,
            pooled=pooled(DICHOTOMOUS, model="mantel_haenszel"),
            **common,
        ),
        Analysis(
            analysis_id="1.2",
            outcome="Worry score",
            measure="MD",
            lines=CONTINUOUS,
            pooled=pooled(CONTINUOUS, tau2_method="DL"),
            **common,
        ),
        Analysis(analysis_id="2.1", outcome="Time to sleep", measure="HR", lines=CONTRASTS, **common),
    )


def plot(lines: tuple[Line, ...] | None = None, **fields: object) -> ForestPlot:
    """A forest plot of one group, pooled at random effects."""
    lines = bcg() if lines is None else lines
    given: dict[str, object] = {
        "measure": lines[0].measure,
        "groups": (ForestGroup(lines=lines),),
        "favours_left": "Favours tea",
        "favours_right": "Favours water",
    }
    if "overall" not in fields:
        given["overall"] = pooled(lines)
    return ForestPlot(**{**given, **fields})  # type: ignore[arg-type]
