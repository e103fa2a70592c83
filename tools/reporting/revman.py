"""Study data as RevMan's CSV files: study arms, study results, study information, and the rows of analyses. Pure.

What is confirmed, and by what:

* That RevMan imports "study information" (a row per study), "study arms" and "study results" (a row per arm)
  as CSV, and that names of interventions and outcomes must equal those of the review's criteria: Cochrane's
  RevMan knowledge base, "Data extraction templates" and "Populate study data".
* Header, encoding (UTF-8 with a byte-order mark) and line ends of study information, and header and encoding
  of the rows of analyses: a data package that RevMan Web itself wrote (`Fleiss1993.zip` of the R package meta),
  format version 1, as its reader `read.cdir` and Cochrane's "Data package specification" describe it.
  Packages made after 23 September 2024 have a newer version, which was not seen.
* Columns of study arms and study results, the values of "Data type" and the names of effect measures
  (`LOG_OR` …): second-hand, from a public program that writes these files after Cochrane's JSON schema
  of results. Not checked against a file from RevMan, and no import was tried.

Nothing is filled in: RevMan's own packages write 0 for what is not there, here the cell stays empty. Whoever
imports should compare one forest plot with ours before going on.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.reporting.analysis import Analysis
from tools.reporting.plots.wording import limits
from tools.reporting.text import cell_text, one_line
from tools.synthesis.pooling import natural
from tools.synthesis.values import ArmData, Effect, NotEstimable

__all__ = [
    "DATA_ROWS",
    "STUDY_ARMS",
    "STUDY_INFORMATION",
    "STUDY_RESULTS",
    "RevManFiles",
    "data_rows_csv",
    "revman_files",
    "study_arms_csv",
    "study_information_csv",
    "study_results_csv",
]

STUDY_INFORMATION = (
    *("Study", "Year", "Data source", "Char: Methods", "Char: Participants", "Char: Interventions"),
    *("Char: Outcomes", "Char: Notes"),
)
STUDY_ARMS = ("Study", "Arm", "Description", "Intervention")
STUDY_RESULTS = (
    *("Study", "Outcome", "Data type", "Effect measure", "Arm", "Reference arm", "Sample size", "Cases"),
    *("Mean", "SD", "SE", "Variance", "CI level", "CI start", "CI end", "Exp mean", "Exp CI start"),
    *("Exp CI end", "t-test", "z-test", "P value", "Covariance method", "Covariance", "Other arm 1"),
    *("Other arm 2", "Correlation arm 1", "Correlation arm 2", "Correlation", "Other mean", "Other SE"),
    *("Other variance", "Other CI level", "Other CI start", "Other CI end", "Other exp mean"),
    *("Other exp CI start", "Other exp CI end", "Other t-test", "Other z-test", "Other P value", "Footnotes"),
)
DATA_ROWS = (
    *(
        "Analysis group",
        "Analysis number",
        "Analysis name",
        "Subgroup",
        "Applicability",
        "Study",
        "Study year",
    ),
    *("GIV Mean", "GIV SE", "Experimental mean", "Experimental SD", "Experimental cases", "Experimental N"),
    *("Control mean", "Control SD", "Control cases", "Control N", "O-E", "Variance", "Weight", "Mean"),
    *("CI start", "CI end", "Footnotes"),
)
_CONTRASTS = {"OR": "LOG_OR", "RR": "LOG_RR", "HR": "LOG_HR", "RD": "RD", "MD": "MD", "SMD": "SMD"}

Line = Effect | NotEstimable
Row = dict[str, str]


@dataclass(frozen=True)
class RevManFiles:
    """The files by name, and in words what could not go into them: for a person to enter or to leave."""

    files: tuple[tuple[str, bytes], ...]
    left_out: tuple[str, ...]


def revman_files(analyses: Sequence[Analysis]) -> RevManFiles:
    """All files for the review's analyses."""
    results, left_out = _results(analyses)
    return RevManFiles(
        (
            ("study-information.csv", study_information_csv(analyses)),
            ("study-arms.csv", study_arms_csv(analyses)),
            ("study-results.csv", _csv(STUDY_RESULTS, results)),
            ("data-rows.csv", data_rows_csv(analyses)),
        ),
        left_out,
    )


# Studies -----------------------------------------------------------------------------------------


def study_information_csv(
    analyses: Sequence[Analysis], characteristics: Mapping[str, Mapping[str, str]] | None = None
) -> bytes:
    """One row per study.

    Args:
        analyses: whose studies are listed, each once, by label.
        characteristics: by study label: column of `STUDY_INFORMATION` → text.
    """
    rows: dict[str, Row] = {}
    for line in _lines(analyses):
        row = rows.setdefault(line.label, {"Study": line.label})
        if year := _year(line):
            row["Year"] = str(year)
    for label, texts in (characteristics or {}).items():
        if label in rows:
            rows[label] |= {name: text for name, text in texts.items() if name in STUDY_INFORMATION[2:]}
    return _csv(STUDY_INFORMATION, rows.values())


def study_arms_csv(analyses: Sequence[Analysis]) -> bytes:
    """One row per arm of each study, with the intervention of the comparison that it stands for."""
    rows: dict[tuple[str, str], Row] = {}
    for analysis in analyses:
        for line in analysis.lines:
            for arm, intervention in _named_arms(analysis, line):
                row = {"Study": line.label, "Arm": arm, "Intervention": intervention}
                rows.setdefault((line.label, arm), row)
    return _csv(STUDY_ARMS, rows.values())


def _lines(analyses: Sequence[Analysis]) -> Iterable[Line]:
    return (line for analysis in analyses for line in analysis.lines)


def _year(line: Line) -> int | None:
    return (line.data.year if line.data else None) or (line.year if isinstance(line, Effect) else None)


def _named_arms(analysis: Analysis, line: Line) -> tuple[tuple[str, str], ...]:
    """Name of each arm in the study, with its intervention; the study's own name where it has one."""
    experimental = line.data.experimental if line.data else None
    control = line.data.control if line.data else None
    first = (experimental.arm if experimental else "") or analysis.experimental
    if analysis.measure in ("PROPORTION", "MEAN"):
        return ((first, analysis.experimental),)
    second = (control.arm if control else "") or analysis.control
    return ((first, analysis.experimental), (second, analysis.control))


# Results -----------------------------------------------------------------------------------------


def study_results_csv(analyses: Sequence[Analysis]) -> bytes:
    """One row per arm and outcome, or per contrast where a study only has an effect; see `revman_files`."""
    return _csv(STUDY_RESULTS, _results(analyses)[0])


def _results(analyses: Sequence[Analysis]) -> tuple[list[Row], tuple[str, ...]]:
    """Rows, each once, and what could not become one."""
    rows: dict[tuple[str, ...], Row] = {}
    left_out: list[str] = []
    for analysis in analyses:
        for line in analysis.lines:
            found = _study_rows(analysis, line)
            if not found:
                why = line.why if isinstance(line, NotEstimable) else "neither whole arms nor a contrast"
                left_out.append(f"{analysis.analysis_id} {analysis.name}, {line.label}: {why}")
            for row in found:
                kind = row.get("Effect measure", "")
                key = (row["Study"], row["Outcome"], row["Arm"], row.get("Reference arm", ""), kind)
                if rows.setdefault(key, row) != row:
                    left_out.append(
                        f"{analysis.analysis_id} {analysis.name}, {line.label}, {row['Arm']}: another analysis has "
                        "other numbers for this arm and outcome; only the first are in the file"
                    )
    return list(rows.values()), tuple(left_out)


def _study_rows(analysis: Analysis, line: Line) -> list[Row]:
    """Arm-level rows where every arm is complete, else one contrast, else none."""
    arms = _arms(analysis, line)
    statistics = _arm_statistics(analysis, arms)
    names = _named_arms(analysis, line)
    if statistics and len({name for name, _ in names}) == len(names):
        kind = "Dichotomous" if "Cases" in statistics[0] else "Continuous"
        common = {"Study": line.label, "Outcome": analysis.name, "Data type": kind}
        return [common | {"Arm": name} | told for (name, _), told in zip(names, statistics, strict=True)]
    if isinstance(line, Effect) and analysis.measure in _CONTRASTS and names[0][0] != names[1][0]:
        return [_contrast(analysis, line, names)]
    return []


def _arms(analysis: Analysis, line: Line) -> tuple[ArmData | None, ...]:
    if not line.data:
        return ()
    both = (line.data.experimental, line.data.control)
    return both[:1] if analysis.measure in ("PROPORTION", "MEAN") else both


def _arm_statistics(analysis: Analysis, arms: Sequence[ArmData | None]) -> list[Row]:
    """Numbers of all arms, or nothing unless all are complete and RevMan can hold them."""
    read = _cases if analysis.measure in ("OR", "RR", "RD", "PROPORTION") else _means
    found = [read(arm) if arm and analysis.measure != "HR" else None for arm in arms]
    return [row for row in found if row] if arms and None not in found else []


def _cases(arm: ArmData) -> Row | None:
    events, total = _whole(arm.events), _whole(arm.total)
    # Totals divided by a design effect are not whole: such a study goes in as a contrast.
    return {"Cases": events, "Sample size": total} if events and total else None


def _means(arm: ArmData) -> Row | None:
    total = _whole(arm.total)
    if arm.mean is None or arm.sd is None or not total:
        return None
    return {"Mean": _n(arm.mean), "SD": _n(arm.sd), "Sample size": total}


def _contrast(analysis: Analysis, line: Effect, names: Sequence[tuple[str, str]]) -> Row:
    return {
        "Study": line.label,
        "Outcome": analysis.name,
        "Data type": "Continuous" if analysis.measure in ("MD", "SMD") else "Dichotomous",
        "Effect measure": _CONTRASTS[analysis.measure],
        "Arm": names[0][0],
        "Reference arm": names[1][0],
        "Mean": _computed(line.y),
        "SE": _computed(math.sqrt(line.v)),
    }


# Analyses ----------------------------------------------------------------------------------------


def data_rows_csv(analyses: Sequence[Analysis]) -> bytes:
    """One row per study of each analysis, as in the analysis data of a RevMan data package.

    Analysis `2.3` has group 2 and number 3; an id of another form goes whole into the group. "GIV Mean" and
    "GIV SE" are on the scale of analysis, "Mean" and its limits as the forest plot shows them.
    """
    rows = []
    for analysis in analyses:
        weights = iter(analysis.pooled.weights if analysis.pooled else ())
        rows += [
            _data_row(analysis, x, next(weights, None) if isinstance(x, Effect) else None)
            for x in analysis.lines
        ]
    return _csv(DATA_ROWS, rows)


def _data_row(analysis: Analysis, line: Line, weight: float | None) -> Row:
    group, dot, number = analysis.analysis_id.partition(".")
    year = _year(line)
    row = {
        "Analysis group": group if dot else analysis.analysis_id,
        "Analysis number": number,
        "Analysis name": analysis.name,
        "Subgroup": line.subgroup,
        "Applicability": "SUBGROUP_AND_OVERALL",
        "Study": line.label,
        "Study year": str(year) if year else "",
        "Weight": "" if weight is None else _computed(weight),
        "Footnotes": line.why if isinstance(line, NotEstimable) else "; ".join(line.notes),
    }
    for name, arm in zip(("Experimental", "Control"), _arms(analysis, line), strict=False):
        if arm:
            row |= {f"{name} mean": _n(arm.mean), f"{name} SD": _n(arm.sd)}
            row |= {f"{name} cases": _n(arm.events), f"{name} N": _n(arm.total)}
    if isinstance(line, Effect):
        row |= {"GIV Mean": _computed(line.y), "GIV SE": _computed(math.sqrt(line.v))}
        lower, upper = limits(line, analysis.pooled.level if analysis.pooled else 0.95)
        for name, value in (("Mean", line.y), ("CI start", lower), ("CI end", upper)):
            row[name] = _computed(natural(analysis.measure, value))
    return row


# Writing -----------------------------------------------------------------------------------------


def _whole(value: float | None) -> str:
    return "" if value is None or not float(value).is_integer() else str(int(value))


def _n(value: float | None) -> str:
    """A number as short as it can be without loss; whole ones without a decimal point."""
    if value is None or not math.isfinite(value):
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _computed(value: float) -> str:
    """A computed number to twelve digits: the next ones depend on the machine's arithmetic."""
    return _n(float(f"{value:.12g}"))


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell_text(one_line(row.get(name, ""))) for name in columns])
    return out.getvalue().encode("utf-8-sig")
