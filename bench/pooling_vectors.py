"""Published meta-analyses, number by number: what was printed, and what this project computes.

Sources: the tests of metafor (wviechtb/metafor at 71ae8f5a), which hold the numbers of the articles they redo;
Lipsey and Wilson 2001, Practical Meta-Analysis, exhibits 7.3 and 7.4; the archived Cochrane Handbook 5.1, 16.4.6.4.
A printed number is met when ours rounds to it.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.pooling_printed import Vector, effects_of, fields, given, stopped, study, study_of_means
from tools.synthesis.adjusting import crossover
from tools.synthesis.effects import effect
from tools.synthesis.pooling import pool
from tools.synthesis.sensitivity import cumulative, leave_one_out, subgroups
from tools.synthesis.values import Effect, EffectMeasure, PoolingModel, Prediction, StudyData, Tau2Method

__all__ = ["BCG", "from_files", "inline"]

_BCG = (
    (4, 119, 11, 128, 1948), (6, 300, 29, 274, 1949), (3, 228, 11, 209, 1960), (62, 13536, 248, 12619, 1977),
    (33, 5036, 47, 5761, 1973), (180, 1361, 372, 1079, 1953), (8, 2537, 10, 619, 1973),
    (505, 87886, 499, 87892, 1980), (29, 7470, 45, 7232, 1968), (17, 1699, 65, 1600, 1961),
    (186, 50448, 141, 27197, 1974), (5, 2493, 3, 2338, 1969), (27, 16886, 29, 17825, 1976),
)  # fmt: skip

BCG: tuple[StudyData, ...] = tuple(
    study(f"{place:02}", a, a + b, c, c + d, year=year) for place, (a, b, c, d, year) in enumerate(_BCG, 1)
)
"""Trials of BCG vaccine against tuberculosis (Colditz et al. 1994); ids in the order of metafor's dat.bcg."""


def inline() -> Iterator[Vector]:
    """Vectors whose data are in this file."""
    yield from _bcg_common()
    yield from _bcg_random()
    yield from _bcg_over_time()
    yield from _small()
    yield from _lipsey()
    yield from _viechtbauer_2005()
    yield from _clasp()
    yield from _tolbutamide()
    yield from _crossover()


def from_files(metadat: Path) -> Iterator[Vector]:
    """Vectors whose data are files of metadat."""
    yield from _raudenbush(_rows(metadat / "dat.raudenbush1985.csv"))
    yield from _normand(_rows(metadat / "dat.normand1999.csv"))
    lee = _tables(_rows(metadat / "dat.lee2004.csv"), "OR")
    yield from fields("lee2004 OR DL (Henmi and Copas 2010)", pool(lee, model="random", tau2_method="DL"),
                       tau2="0.3325", y="-0.6787", lower="-1.0664", upper="-0.2911")  # fmt: skip
    rows = [row for row in _rows(metadat / "dat.yusuf1985.csv") if row["table"] == "6" and row["ai"]]
    peto = pool(_tables(rows, "OR"), model="peto")
    for what, printed, value in (
        ("Peto OR", ".9332", peto.y),
        ("lower", ".7385", peto.lower),
        ("upper", "1.1792", peto.upper),
    ):
        yield Vector("yusuf1985, table 6", what, printed, math.exp(value))
    yield from _collins(_rows(metadat / "dat.collins1985b.csv"))
    risk = _tables(_rows(metadat / "dat.hine1989.csv"), "RD")
    for method in ("REML", "DL"):
        yield from fields(f"hine1989 RD {method}", pool(risk, model="random", tau2_method=method),
                           y="0.029444", lower="0.003831", upper="0.055058", tau2="0.0000")  # fmt: skip


def _bcg_common() -> Iterator[Vector]:
    rr, odds, rd = (effects_of(BCG, measure) for measure in ("RR", "OR", "RD"))
    yield from fields("bcg RR common", pool(rr, model="common"),
                       y="-0.4303", lower="-0.5097", upper="-0.3509", q="152.2330", statistic="-10.6247")  # fmt: skip
    yield from fields("bcg OR common", pool(odds, model="common"), y="-0.4361", lower="-0.5190", upper="-0.3533",
                       q="163.1649", statistic="-10.3190")  # fmt: skip
    yield from fields("bcg RD common", pool(rd, model="common"),
                       y="-0.0009", lower="-0.0014", upper="-0.0005", q="276.4737", statistic="-4.0448")  # fmt: skip
    yield from fields("bcg RR MH", pool(rr, model="mantel_haenszel"), y="-0.4537", lower="-0.5308",
                       upper="-0.3766", q="152.5676", statistic="-11.5338")  # fmt: skip
    yield from fields("bcg OR MH", pool(odds, model="mantel_haenszel"), y="-0.4734", lower="-0.5538",
                       upper="-0.3930", q="163.9426", statistic="-11.5444")  # fmt: skip
    yield from fields("bcg RD MH (Greenland–Robins)", pool(rd, model="mantel_haenszel"),
                       y="-0.0033", se="0.0002845", q="386.7759")  # fmt: skip
    yield from fields("bcg OR Peto", pool(odds, model="peto"), y="-0.4744", lower="-0.5541", upper="-0.3948")


def _bcg_random() -> Iterator[Vector]:
    rr, odds, rd = (effects_of(BCG, measure) for measure in ("RR", "OR", "RD"))
    yield from fields(
        "bcg RR DL", pool(rr, model="random", tau2_method="DL"),
        tau2="0.3088", y="-0.7141", lower="-1.0644", upper="-0.3638", statistic="-3.9952", i2="92.1173", h2="12.6861",
        tau2_lower="0.1197", tau2_upper="1.1115", i2_lower="81.92", i2_upper="97.68",
    )  # fmt: skip
    yield from fields("bcg RR REML", pool(rr, model="random"),
                       tau2="0.313243", y="-0.714532", se="0.179782", i2="92.2214")  # fmt: skip
    yield from fields("bcg RR REML HKSJ", pool(rr, model="random", interval="hksj"),
                       se="0.180792", lower="-1.1084", upper="-0.3206")  # fmt: skip
    intervals: tuple[tuple[Prediction, str, str], ...] = (
        ("normal", "-1.8667", "0.4376"),
        ("t_k_minus_2", "-2.0084", "0.5793"),
        ("t_k_minus_1", "-1.9953", "0.5663"),
    )
    for prediction, low, high in intervals:
        yield from fields(f"bcg RR REML prediction {prediction}", pool(rr, model="random", prediction=prediction),
                           prediction_lower=low, prediction_upper=high)  # fmt: skip
    yield from fields("bcg RR ML", pool(rr, model="random", tau2_method="ML"), tau2="0.280028")
    yield from fields("bcg RR PM", pool(rr, model="random", tau2_method="PM"), tau2="0.318068")
    yield from fields("bcg OR DL", pool(odds, model="random", tau2_method="DL"), tau2="0.3663", y="-0.7474",
                       lower="-1.1242", upper="-0.3706", statistic="-3.8873", i2="92.6455")  # fmt: skip
    yield from fields("bcg OR REML", pool(odds, model="random"), tau2="0.337772", y="-0.745178")
    yield from fields("bcg RD DL", pool(rd, model="random", tau2_method="DL"), tau2="0.000019", y="-0.0071")
    yield from fields("bcg RD REML", pool(rd, model="random"), tau2="0.001421", y="-0.025173")


def _bcg_over_time() -> Iterator[Vector]:
    """metafor's order within 1973 is that of its rows, as is that of our ids."""
    printed: dict[PoolingModel, tuple[EffectMeasure, str]] = {
        "random": ("RR", "-0.889311 -1.325003 -0.972080 -1.001094 -1.101424 -0.973464 -0.901251 -0.788566 -0.865607 "
                   "-0.785211 -0.708206 -0.794768 -0.714532"),
        "mantel_haenszel": ("RR", "-0.889311 -1.351739 -0.827295 -0.837892 -0.894003 -0.850672 -0.835785 -0.774442 "
                            "-0.789605 -0.666015 -0.635076 -0.775798 -0.453710"),
        "peto": ("OR", "-0.860383 -1.240086 -0.957016 -0.964222 -1.000315 -0.940979 -0.924632 -0.850145 -0.871198 "
                 "-0.726791 -0.691247 -0.816134 -0.474446"),
    }  # fmt: skip
    for model, (measure, numbers) in printed.items():
        made = effects_of(BCG, measure)
        steps = cumulative(made, model=model)
        of = {one.study_id: one for one in made}
        for place, (step, number) in enumerate(zip(steps, numbers.split(), strict=True), 1):
            so_far = [of[one.study_id] for one in steps[:place]]
            early = stopped(so_far, step.pooled)["y"] if model == "random" and place > 1 else None
            what = f"{step.year} {step.label}"
            yield Vector(f"bcg {measure} cumulative {model}", what, number, step.pooled.y, early)
    made = effects_of(BCG, "RR")
    first = leave_one_out(made, model="random")[0].pooled
    yield from fields("bcg RR REML without the first", first, of=made[1:], y="-0.707083788", se="0.189961025",
                       tau2="0.336156745", i2="93.2259349", h2="14.7621847", q="151.582572747109")  # fmt: skip
    first = leave_one_out(effects_of(BCG, "RR"), model="mantel_haenszel")[0].pooled
    yield from fields("bcg RR MH without the first", first, y="-0.451379469928476", se="0.0394350331703394",
                       q="151.915260738878", i2="92.7591211399706", h2="13.8104782489889")  # fmt: skip
    first = leave_one_out(effects_of(BCG, "OR"), model="peto")[0].pooled
    yield from fields("bcg OR Peto without the first", first, y="-0.472177269248539", se="0.0407784291562603",
                       q="167.200450619361", i2="93.4210703623987")  # fmt: skip


def _small() -> Iterator[Vector]:
    made = given((0.28, 0.01, 0.34, 0.56, 0.89, 0.12), (0.04, 0.05, 0.03, 0.06, 0.02, 0.05))
    yield from fields("six effects DL", pool(made, model="random", tau2_method="DL"),
                       q="17.0559", tau2="0.090786", i2="70.68")  # fmt: skip
    methods: tuple[tuple[Tau2Method, str], ...] = (("ML", ".06049"), ("HE", ".05984"))
    for method, tau2 in methods:
        yield from fields(f"six effects {method}", pool(made, model="random", tau2_method=method), tau2=tau2)
    yield from fields("six effects REML", pool(made, model="random"), tau2=".07735", y=".38739", se=".13990")
    yield from fields("six effects REML HKSJ", pool(made, model="random", interval="hksj"),
                       se=".13434", lower=".0420", upper=".7327")  # fmt: skip


def _lipsey() -> Iterator[Vector]:
    ys = (-0.33, 0.32, 0.39, 0.31, 0.17, 0.64, -0.33, 0.15, -0.02, 0.00)
    vs = (0.084, 0.035, 0.017, 0.034, 0.072, 0.117, 0.102, 0.093, 0.012, 0.067)
    made = given(ys, vs, ["not randomised"] * 6 + ["randomised"] * 4)
    yield from fields("Lipsey and Wilson 2001 common", pool(made, model="common"), y="0.1549", se="0.0609",
                       statistic="2.5450", p="0.0109",
                       lower="0.0356", upper="0.2742", q="14.7640", q_p="0.0976")  # fmt: skip
    yield from fields("Lipsey and Wilson 2001 DL", pool(made, model="random", tau2_method="DL"), y="0.1534",
                       se="0.0858", statistic="1.7893", p="0.0736",
                       lower="-0.0146", upper="0.3215", tau2="0.025955")  # fmt: skip
    split = subgroups(made, model="common")
    yield Vector("Lipsey and Wilson 2001 subgroups", "Q between", "7.0739", split.q_between)
    yield Vector("Lipsey and Wilson 2001 subgroups", "p", "0.0078", split.p)
    one, other = (group.pooled for group in split.groups)
    yield from fields("Lipsey and Wilson 2001 subgroup 1", one,
                       y="0.2984", se="0.0813", lower="0.1390", upper="0.4578", q="6.4382", q_p="0.2659")  # fmt: skip
    yield from fields("Lipsey and Wilson 2001 subgroup 2", other,
                       y="-0.0277", se="0.0917", lower="-0.2075", upper="0.1521", q="1.2519", q_p="0.7406")  # fmt: skip


def _viechtbauer_2005() -> Iterator[Vector]:
    ys = (-0.581, 0.530, 0.771, 1.031, 0.553, 0.295, 0.078, 0.573, -0.176, -0.232)
    vs = (0.023, 0.052, 0.060, 0.115, 0.095, 0.203, 0.200, 0.211, 0.051, 0.040)
    yield from _estimators("Viechtbauer 2005, example 1", given(ys, vs), {
        "HE": ("0.1484", "68.7988", "3.205"), "DL": ("0.2768", "80.4447", "5.1137"),
        "ML": ("0.1967", "74.5098", "3.9231"), "REML": ("0.2232", "76.8399", "4.3178"),
        "PM": ("0.192", "74.0511", "3.8537"),
    })  # fmt: skip
    more = (0.100, -0.162, -0.090, -0.049, -0.046, -0.010, -0.431, -0.261, 0.134, 0.019, 0.175, 0.056, 0.045,
          0.103, 0.121, -0.482, 0.290, 0.342)  # fmt: skip
    variances = (0.016, 0.015, 0.050, 0.050, 0.032, 0.052, 0.036, 0.024, 0.034, 0.033, 0.031, 0.034, 0.039, 0.167,
          0.134, 0.096, 0.016, 0.035)  # fmt: skip
    yield from _estimators("Viechtbauer 2005, example 2", given(more, variances), {
        "HE": ("0.0000", "0.0000", "1.0000"), "DL": ("0.0126", "27.5275", "1.3798"),
        "ML": ("0.0132", "28.4505", "1.3976"), "REML": ("0.0157", "32.0203", "1.471"),
        "PM": ("0.0104", "23.7198", "1.311"),
    })  # fmt: skip


def _clasp() -> Iterator[Vector]:
    """DerSimonian and Kacker 2007, doi:10.1016/j.cct.2006.04.004: τ, not τ²."""
    rows = ((5, 156, 8, 74), (5, 303, 17, 303), (12, 565, 9, 477), (69, 1570, 94, 1565), (9, 103, 11, 105),
            (313, 4659, 352, 4650))  # fmt: skip
    made = effects_of([study(str(place), *row) for place, row in enumerate(rows)], "OR")
    printed: dict[Tau2Method, tuple[str, str, str]] = {
        "PM": ("0.3681", "-0.3811", "0.2060"),
        "HE": ("0.4410", "-0.4035", "0.2327"),
        "DL": ("0.2323", "-0.3240", "0.1540"),
        "REML": ("0.1843", "-0.2980", "0.1343"),
    }
    for method, (tau, y, se) in printed.items():
        pooled = pool(made, model="random", tau2_method=method)
        assert pooled.tau2 is not None
        yield Vector(f"CLASP {method}", "tau", tau, math.sqrt(pooled.tau2))
        yield from fields(f"CLASP {method}", pooled, y=y, se=se)


def _tolbutamide() -> Iterator[Vector]:
    """Rothman, Greenland and Lash 2008, chapter 15: two strata, 90 % limits."""
    strata = (study("below 55", 8, 106, 5, 120), study("55 or more", 22, 98, 16, 85))
    printed: dict[EffectMeasure, tuple[str, str, str, str]] = {
        "RR": ("0.2818", "-0.1442", "0.7078", "0.4472"),
        "OR": ("0.3387", "-0.1731", "0.8505", "0.3474"),
    }
    for measure, (y, lower, upper, q) in printed.items():
        pooled = pool(effects_of(strata, measure), model="mantel_haenszel", level=0.9)
        yield from fields(f"tolbutamide MH {measure}", pooled, y=y, lower=lower, upper=upper, q=q)


def _crossover() -> Iterator[Vector]:
    data = study_of_means("crossover", (10, 7.0, 2.38), (10, 6.5, 2.21))
    printed: tuple[tuple[EffectMeasure, str, str], ...] = (("MD", "0.5", "0.583"), ("SMD", "0.218", "0.256"))
    for measure, y, se in printed:
        made = crossover(data, measure, correlation=0.68)
        assert isinstance(made, Effect)
        yield Vector(f"crossover {measure}", "effect", y, made.y)
        yield Vector(f"crossover {measure}", "SE", se, math.sqrt(made.v))


def _raudenbush(rows: Sequence[dict[str, str]]) -> Iterator[Vector]:
    made = given([float(row["yi"]) for row in rows], [float(row["vi"]) for row in rows])
    yield from fields("raudenbush1985 REML", pool(made, model="random", prediction="normal"), of=made, tau2="0.0188",
                       y="0.0837", se="0.0516", q="35.8295", statistic="1.6208", prediction_lower="-0.2036",
                       prediction_upper="0.3711")  # fmt: skip
    yield from fields("raudenbush1985 REML HKSJ", pool(made, model="random", interval="hksj"),
                       se="0.0616", lower="-0.0457", upper="0.2131")  # fmt: skip
    yield from fields(
        "raudenbush1985 DL", pool(made, model="random", tau2_method="DL"), tau2="0.0259", y="0.0893"
    )
    yield from fields("raudenbush1985 ML", pool(made, model="random", tau2_method="ML"), tau2="0.0126")
    yield from fields("raudenbush1985 HE", pool(made, model="random", tau2_method="HE"), tau2="0.0804")


def _normand(rows: Sequence[dict[str, str]]) -> Iterator[Vector]:
    printed = (("-0.3552", "0.0131"), ("-0.3479", "0.0645"), ("-2.3176", "0.0458"), ("-1.8880", "0.1606"))
    for row, (g, v) in zip(rows, printed, strict=False):
        arms = [[float(row[f"{key}{arm}i"]) for key in ("n", "m", "sd")] for arm in "12"]
        made = effect(study_of_means(row["study"], *arms), "SMD")
        assert isinstance(made, Effect)
        yield Vector("normand1999 SMD", f"g of {row['source']}", g, made.y)
        yield Vector("normand1999 SMD", f"v of {row['source']}", v, made.v)


def _collins(rows: Sequence[dict[str, str]]) -> Iterator[Vector]:
    """Viechtbauer 2007, doi:10.1002/sim.2514, table II; its nine trials of diuretics in pregnancy."""
    columns = ("pre.xti", "pre.nti", "pre.xci", "pre.nci")
    made = effects_of([study(row["id"], *(float(row[name]) for name in columns)) for row in rows], "OR")
    methods: tuple[tuple[Tau2Method, str], ...] = (("DL", ".2297"), ("ML", ".2386"), ("REML", ".3008"))
    for method, tau2 in methods:
        yield from fields(
            f"collins1985b OR {method}", pool(made, model="random", tau2_method=method), tau2=tau2
        )
    yield from fields("collins1985b OR Q-profile", pool(made, model="random"),
                       tau2_lower=".0723", tau2_upper="2.2027")  # fmt: skip


def _estimators(
    data: str, made: Sequence[Effect], printed: dict[Tau2Method, tuple[str, str, str]]
) -> Iterator[Vector]:
    for method, (tau2, i2, h2) in printed.items():
        yield from fields(
            f"{data} {method}",
            pool(made, model="random", tau2_method=method),
            tau2=tau2,
            i2=i2,
            h2=h2,
            of=None if method in ("DL", "HE") else made,
        )


def _tables(rows: Sequence[dict[str, str]], measure: EffectMeasure) -> list[Effect]:
    columns = ("ai", "n1i", "ci", "n2i")
    return effects_of(
        [study(str(place), *(float(row[name]) for name in columns)) for place, row in enumerate(rows)],
        measure,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
