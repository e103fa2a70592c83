"""An R script that recomputes every analysis with metafor, the data inside it. Pure.

For readers who trust R more than us: each analysis becomes a data frame, effects are computed again from the
arms by `escalc`, pooled again by `rma`, `rma.mh` or `rma.peto` with the arguments that we pooled with, drawn by
`forest`, and compared with our numbers, which the script carries along. Studies whose effect came from a
reported estimate, or whose effect could not be computed, are told apart by the column `from_arms`.

Labels come from papers. They are written as R string literals in plain ASCII, in which quotes, backslashes,
control characters and all other characters are escapes: no label can end its literal, and none stands in code
or comment. Numbers are written without loss.

Source: metafor's reference, https://wviechtb.github.io/metafor/reference/ (escalc, rma.uni, rma.mh, rma.peto,
predict.rma, forest.rma). Needs metafor 3.8 or newer.
"""

import math
from collections.abc import Iterable, Sequence

from tools.reporting.analysis import Analysis
from tools.reporting.plots.fonts import clean
from tools.synthesis.values import RATIOS, ArmData, Effect, EffectMeasure, NotEstimable, Pooled

__all__ = ["r_literal", "script"]

Line = Effect | NotEstimable

_COUNTS = {"ai": ("experimental", "events"), "n1i": ("experimental", "total")}
_COUNTS |= {"ci": ("control", "events"), "n2i": ("control", "total")}
_MEANS = {"m1i": ("experimental", "mean"), "sd1i": ("experimental", "sd"), "n1i": ("experimental", "total")}
_MEANS |= {"m2i": ("control", "mean"), "sd2i": ("control", "sd"), "n2i": ("control", "total")}
_ARGUMENTS: dict[EffectMeasure, tuple[str, dict[str, tuple[str, str]]]] = {
    "OR": ("OR", _COUNTS),
    "RR": ("RR", _COUNTS),
    "RD": ("RD", _COUNTS),
    "MD": ("MD", _MEANS),
    "SMD": ("SMD", _MEANS),
    "PROPORTION": ("PLO", {"xi": ("experimental", "events"), "ni": ("experimental", "total")}),
    "MEAN": (
        "MN",
        {"mi": ("experimental", "mean"), "sdi": ("experimental", "sd"), "ni": ("experimental", "total")},
    ),
    "HR": ("GEN", {}),
}
"""Measure in metafor's words, and its argument for each number of an arm."""

_TESTS = {"wald": "z", "hksj": "knha", "hksj_modified": "adhoc"}

_HEAD = """\
# Recomputes the analyses of a review with metafor, and compares them with the numbers of the review.
# install.packages("metafor")
library(metafor)

# One line per number: what the review has, what metafor has, and whether they agree to `share` of the value.
# Values are compared relatively, because standard errors and variances can be small; below 1e-8 all are equal.
compare <- function(what, review, here, share = 1e-4) {
  review <- as.numeric(review)
  here <- as.numeric(here)
  same <- length(review) == length(here) && all(abs(review - here) <= pmax(share * abs(review), 1e-8))
  shown <- function(x) paste(formatC(x, digits = 6, format = "g"), collapse = ", ")
  said <- if (length(review) > 4) sprintf("%d values", length(review)) else
    sprintf("review: %s | metafor: %s", shown(review), shown(here))
  cat(sprintf("%-22s %s | %s\\n", what, said, if (isTRUE(same)) "agrees" else "DIFFERS"))
}
"""


def script(analyses: Sequence[Analysis]) -> str:
    """The whole script; analyses without an effect get their data and a message instead of a pooling."""
    return "\n".join([_HEAD, *(_analysis(number, a) for number, a in enumerate(analyses, 1))])


def r_literal(text: str) -> str:
    """Text as one R string literal in ASCII, quotes included; line breaks become spaces."""
    return '"' + "".join(map(_escaped, clean(text))) + '"'


def _escaped(ch: str) -> str:
    if ch in '"\\':
        return "\\" + ch
    if " " <= ch <= "~":
        return ch
    return f"\\u{ord(ch):04x}" if ord(ch) <= 0xFFFF else f"\\U{ord(ch):08x}"


def _analysis(number: int, analysis: Analysis) -> str:
    data, fit = f"dat{number}", f"res{number}"
    name = f"{analysis.analysis_id} {analysis.comparison}: {analysis.name}"
    told = name if analysis.comparison else f"{analysis.analysis_id} {analysis.name}"
    lines = [
        f"# ---- analysis {number} ----",
        f'cat("\\n", {r_literal(told)}, "\\n", sep = "")',
        _data_frame(data, analysis),
        *_effects(data, analysis),
    ]
    if not analysis.effects:
        lines.append('cat("No study has an effect that can be computed: nothing to pool.\\n")')
    elif analysis.pooled:
        # `try`: what one analysis trips over must not keep the others from being computed.
        lines += ["try({", _fit(fit, data, analysis, analysis.pooled), f"print({fit})"]
        lines += [*_comparisons(fit, analysis.pooled), *_shown(fit, analysis), "})"]
        lines += _subgroups(data, analysis, analysis.pooled)
    else:
        lines.append('cat("Not pooled in the review: effects only.\\n")')
        lines.append(
            f"with({data}[{data}$estimable, ], forest(yi, vi, slab = slab, header = TRUE{_transformed(analysis)}))"
        )
    return "\n".join(lines) + "\n"


# Data --------------------------------------------------------------------------------------------


def _data_frame(name: str, analysis: Analysis) -> str:
    """All studies with the review's effects, and the arms' numbers where they have some."""
    lines = analysis.lines
    columns = {
        "slab": _vector(r_literal(x.label) for x in lines),
        "subgroup": _vector(r_literal(x.subgroup) for x in lines),
        "estimable": _vector("TRUE" if isinstance(x, Effect) else "FALSE" for x in lines),
        "from_arms": _vector("TRUE" if _whole_arms(analysis, x) else "FALSE" for x in lines),
        "review_yi": _numbers(x.y if isinstance(x, Effect) else None for x in lines),
        "review_vi": _numbers(x.v if isinstance(x, Effect) else None for x in lines),
    }
    for argument, (arm, statistic) in _ARGUMENTS[analysis.measure][1].items():
        columns[argument] = _numbers(_number(x, arm, statistic) for x in lines)
    inside = ",\n".join(f"  {column} = {vector}" for column, vector in columns.items())
    return f"{name} <- data.frame(\n{inside},\n  stringsAsFactors = FALSE\n)"


def _number(line: Line, arm: str, statistic: str) -> float | None:
    data: ArmData | None = getattr(line.data, arm) if line.data else None
    value = getattr(data, statistic) if data else None
    return None if value is None else float(value)


def _whole_arms(analysis: Analysis, line: Line) -> bool:
    """Whether the effect follows from the arms alone; that of a crossover trial also needs a correlation."""
    wanted = _ARGUMENTS[analysis.measure][1].values()
    if line.data and line.data.design == "crossover":
        return False
    return bool(wanted) and all(_number(line, arm, statistic) is not None for arm, statistic in wanted)


def _vector(values: Iterable[str]) -> str:
    return f"c({', '.join(values)})"


def _numbers(values: Iterable[float | None]) -> str:
    return f"as.numeric({_vector(map(_r, values))})"


def _r(value: float | None) -> str:
    """A number without loss; NA where unknown."""
    if value is None or not math.isfinite(value):
        return "NA"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _effects(data: str, analysis: Analysis) -> list[str]:
    """`yi` and `vi`: from the arms where they are whole, else as the review has them."""
    measure, arguments = _ARGUMENTS[analysis.measure]
    lines = [f"{data}$yi <- {data}$review_yi", f"{data}$vi <- {data}$review_vi"]
    if not any(_whole_arms(analysis, x) for x in analysis.effects):
        return lines
    given = ", ".join(f"{a} = {a}" for a in arguments)
    # Peto's estimate of one study is its own measure; everything else is what it is called.
    named = "PETO" if analysis.pooled and analysis.pooled.model == "peto" else measure
    return [
        *lines,
        f"again <- {data}$estimable & {data}$from_arms",
        f'computed <- escalc(measure = "{named}", {given}, data = {data}[again, ], append = FALSE)',
        f"{data}$yi[again] <- as.numeric(computed$yi)",
        f"{data}$vi[again] <- as.numeric(computed$vi)",
        f'compare("effects", {data}$review_yi[{data}$estimable], {data}$yi[{data}$estimable])',
        f'compare("their variances", {data}$review_vi[{data}$estimable], {data}$vi[{data}$estimable])',
    ]


# Pooling -----------------------------------------------------------------------------------------


def _fit(fit: str, data: str, analysis: Analysis, pooled: Pooled) -> str:
    call = _call(data, analysis, pooled, "estimable")
    if pooled.model != "mantel_haenszel":
        return f"{fit} <- {call})"
    sato = "# metafor takes Sato's variance of a Mantel-Haenszel risk difference: its standard error may differ.\n"
    before = sato if analysis.measure == "RD" else ""
    # Tables with a zero are corrected only where the sums have no result without it, as in the review.
    again = f'{call},\n  add = c(1/2, 1/2), to = c("only0", "only0"))'
    return f"{before}{fit} <- {call})\nif (is.na({fit}$beta[1])) {fit} <- {again}"


def _call(data: str, analysis: Analysis, pooled: Pooled, subset: str) -> str:
    """metafor's function with the arguments that the review pooled with; the last bracket is left open."""
    common = f"data = {data}, subset = {subset}, slab = slab, level = {_r(_percent(pooled.level))}"
    measure = _ARGUMENTS[analysis.measure][0]
    if pooled.model == "mantel_haenszel":
        return f'rma.mh(measure = "{measure}", ai = ai, n1i = n1i, ci = ci, n2i = n2i, {common}'
    if pooled.model == "peto":
        return f"rma.peto(ai = ai, n1i = n1i, ci = ci, n2i = n2i, {common}"
    how = "EE" if pooled.model == "common" else pooled.tau2_method or "REML"
    return (
        f'rma(yi, vi, measure = "{measure}", method = "{how}", test = "{_TESTS[pooled.interval]}", {common}'
    )


def _subgroups(data: str, analysis: Analysis, pooled: Pooled) -> list[str]:
    """Each subgroup pooled by itself, with the arguments of the whole."""
    if len({x.subgroup for x in analysis.effects}) < 2:
        return []
    call = _call(data, analysis, pooled, "estimable & subgroup == group")
    return [
        f"for (group in unique({data}$subgroup[{data}$estimable])) {{",
        '  cat("\\nSubgroup: ", group, "\\n", sep = "")',
        f"  try(print({call})))",
        "}",
    ]


def _percent(level: float) -> float:
    return round(100 * level, 10)


def _comparisons(fit: str, p: Pooled) -> list[str]:
    told = [
        ("pooled effect", p.y, f"{fit}$beta"),
        ("standard error", p.se, f"{fit}$se"),
        ("lower limit", p.lower, f"{fit}$ci.lb"),
        ("upper limit", p.upper, f"{fit}$ci.ub"),
        ("p value", p.p, f"{fit}$pval"),
    ]
    if p.q is not None and p.k > 1:
        told.append(("Q", p.q, f"{fit}$QE"))
    if p.model == "random":
        told += [(n, v, f"{fit}${n}") for n, v in (("tau2", p.tau2), ("I2", p.i2)) if v is not None]
    # Estimators of tau-squared are iterated, each program to its own precision, and a small p value reacts most.
    loose = {"tau2": ", share = 1e-3", "I2": ", share = 1e-3", "p value": ", share = 1e-2"}
    lines = [f'compare("{what}", {_r(review)}, {here}{loose.get(what, "")})' for what, review, here in told]
    return [*lines, *_prediction(fit, p)]


def _prediction(fit: str, p: Pooled) -> list[str]:
    """Written out, because what `predict` takes for its degrees of freedom depends on version and test."""
    if p.prediction is None or p.prediction_lower is None or p.prediction_upper is None:
        return []
    half = f"{_r(p.level)} / 2 + 0.5"
    quantile = {
        "normal": f"qnorm({half})",
        "t_k_minus_1": f"qt({half}, {fit}$k - 1)",
        "t_k_minus_2": f"qt({half}, {fit}$k - 2)",
    }[p.prediction]
    return [
        f"reach <- {quantile} * sqrt({fit}$tau2 + {fit}$se^2)",
        f'compare("prediction interval", c({_r(p.prediction_lower)}, {_r(p.prediction_upper)}), '
        f"as.numeric({fit}$beta) + c(-reach, reach))",
    ]


def _shown(fit: str, analysis: Analysis) -> list[str]:
    transformed = {"PROPORTION": ", transf = transf.ilogit"}
    back = ", transf = exp" if analysis.measure in RATIOS else transformed.get(analysis.measure, "")
    return [f"print(predict({fit}{back}))", f"forest({fit}, header = TRUE{_transformed(analysis)})"]


def _transformed(analysis: Analysis) -> str:
    if analysis.measure in RATIOS:
        return ", atransf = exp"
    return ", transf = transf.ilogit" if analysis.measure == "PROPORTION" else ""
