"""Published study rows as the lines that `bench.checks` checks."""

import csv
import gzip
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from tools.errors import InputFileError
from tools.synthesis.checks import Reported, check_study
from tools.synthesis.effects import effect, peto_effect
from tools.synthesis.values import RATIOS, ArmData, Effect, EffectMeasure, Finding, StudyData

__all__ = ["FILE", "Line", "Part", "as_printed", "lines_of", "measured", "rows_of"]

FILE = "pairwise_effects.csv.gz"
Part: TypeAlias = Literal["design", "held-out", "all"]
Row: TypeAlias = Mapping[str, str]
_ESTIMATE = ("estimate", "estimate_lower", "estimate_upper", "estimate_se")


@dataclass(frozen=True)
class Line:
    """One study row with the measure of its analysis and the printed texts of its estimate."""

    data: StudyData
    measure: EffectMeasure
    printed: Mapping[str, str]
    recomputable: bool
    analysis: str

    def findings(self, *, with_estimate: bool = True) -> list[Finding]:
        """What the checks say of it."""
        data = self.data
        if not with_estimate:
            data = data.model_copy(update=dict.fromkeys(_ESTIMATE))
        return check_study(data, measure=self.measure, reported=Reported(printed=self.printed, adjusted=None))


def lines_of(path: Path, part: Part) -> list[Line]:
    """The rows of a part as lines; rows without participants or without a known measure are left out.

    Raises:
        InputFileError: the file is not there.
    """
    analyses: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows_of(path, part):
        analyses[row["dataset"], row["Analysis.group"], row["Analysis.number"]].append(row)
    return [line for rows in analyses.values() for line in _analysis(rows)]


def rows_of(path: Path, part: Part) -> list[Row]:
    """The rows of a part as they stand in the file.

    Raises:
        InputFileError: the file is not there.
    """
    if not path.is_file():
        raise InputFileError(f"{path} is not there; --data is the folder that holds {FILE}")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if part == "all" or _part(row["dataset"]) == part]


def _part(dataset: str) -> Part:
    return "design" if int(dataset[2:8]) % 2 == 0 else "held-out"


def _analysis(rows: Sequence[Row]) -> Iterator[Line]:
    continuous = any(_number(row, "Experimental.SD") for row in rows)
    studies = [_study(row, continuous) for row in rows]
    measure, recomputable = measured(studies, continuous)
    if measure is None:
        return
    for data in studies:
        totals = [arm.total for arm in (data.experimental, data.control) if arm is not None]
        if not recomputable:
            # An estimate of its own: the arms may be other people than those of the adjusted analysis.
            data = data.model_copy(update={"experimental": None, "control": None})
            if data.estimate is None:
                continue
        elif not all(totals):
            continue
        printed = {
            name: as_printed(value) for name in _ESTIMATE if (value := getattr(data, name)) is not None
        }
        read = {name: float(text) for name, text in printed.items()}
        analysis = ".".join(rows[0][name] for name in ("dataset", "Analysis.group", "Analysis.number"))
        yield Line(data.model_copy(update=read), measure, printed, recomputable, analysis)


def _study(row: Row, continuous: bool) -> StudyData:
    arms = {}
    for place in ("Experimental", "Control"):
        numbers = {"total": _number(row, f"{place}.N")}
        if continuous:
            numbers |= {"mean": _number(row, f"{place}.mean"), "sd": _number(row, f"{place}.SD")}
        else:
            numbers |= {"events": _number(row, f"{place}.cases")}
        arms[place.lower()] = ArmData(arm=place.lower(), **numbers)
    return StudyData(
        study_id=row["Study"],
        label=row["Study"],
        estimate=_number(row, "Mean"),
        estimate_lower=_number(row, "CI.start"),
        estimate_upper=_number(row, "CI.end"),
        estimate_se=_number(row, "GIV.SE") or None,
        **arms,
    )


def _number(row: Row, name: str) -> float | None:
    return float(row[name]) if row[name] not in ("", "NA") else None


def measured(studies: Sequence[StudyData], continuous: bool) -> tuple[EffectMeasure | None, bool]:
    """The measure that gives most rows' estimates from their arms, and whether one does at all.

    Peto's odds ratios are checked as odds ratios without arms, and so are estimates entered as such: as a ratio
    where the interval is symmetric on the scale of logarithms. None: no row has an estimate.
    """
    candidates: tuple[EffectMeasure, ...] = ("MD", "SMD") if continuous else ("OR", "RR", "RD")
    fits = Counter({measure: sum(_fits(data, measure) for data in studies) for measure in candidates})
    best, count = fits.most_common(1)[0]
    with_estimate = [data for data in studies if data.estimate is not None]
    if count * 2 > len(with_estimate):
        return best, True
    if not with_estimate:
        return None, False
    peto = sum(
        _close(data, peto_effect(data.model_copy(update=dict.fromkeys(_ESTIMATE)))) for data in studies
    )
    if peto * 2 > len(with_estimate):
        return "OR", False
    ratios = sum(_symmetric(data, logarithms=True) for data in with_estimate)
    differences = sum(_symmetric(data, logarithms=False) for data in with_estimate)
    return ("OR" if ratios > differences else "MD"), False


def _fits(data: StudyData, measure: EffectMeasure) -> bool:
    return _close(data, effect(data.model_copy(update=dict.fromkeys(_ESTIMATE)), measure))


def _close(data: StudyData, made: object) -> bool:
    if data.estimate is None or not isinstance(made, Effect):
        return False
    ratio = made.measure in RATIOS
    value = math.exp(made.y) if ratio else made.y
    if abs(value - data.estimate) > max(1e-4, 0.01 * abs(data.estimate)):
        return False
    # Odds and risk ratios of 1 are the same; their intervals are not.
    upper = made.y + 1.96 * math.sqrt(made.v)
    shown = data.estimate_upper
    if shown is None or (ratio and shown <= 0):
        return True
    return abs((math.log(shown) if ratio else shown) - upper) <= 0.1 * math.sqrt(made.v)


def _symmetric(data: StudyData, *, logarithms: bool) -> bool:
    known = (data.estimate, data.estimate_lower, data.estimate_upper)
    if any(value is None or (logarithms and value <= 0) for value in known):
        return False
    y, lower, upper = (math.log(value or 1) if logarithms else (value or 0.0) for value in known)
    return abs((lower + upper) / 2 - y) <= 0.01 * (upper - lower)


def as_printed(value: float) -> str:
    """Two decimals, or two significant digits of what is nearer to zero than 0.1."""
    if value == 0 or abs(value) >= 0.1:
        return f"{value:.2f}"
    return f"{value:.{1 - math.floor(math.log10(abs(value)))}f}"
