"""How often the arithmetic checks cry wolf on published study rows, and how often they catch planted errors.

    python -m bench.checks --data ../shared/data/meta_analysis --out bench/results/checks.json

`pairwise_effects.csv.gz` holds study rows of Cochrane reviews: both arms, and the effect with its interval as the
review computed it from them. The estimate is rounded as papers print it. False alarms are findings on the rows as
they are, per 1,000 rows; a few of them will be true errors, which makes the rates upper bounds. As the reviews'
software computed estimate and interval from the same arms, what is said of the rules that recompute holds for
unadjusted analyses only. `estimate-se` speaks where the file's SE column is not of the row's interval; most of
these rows are in three reviews. Then one error of each kind is planted in each row that can have it, and it counts as
caught when there is a finding that the row did not have before: with the arms alone, and with estimate and interval as
well. Analyses of mean differences with five studies or more are also looked at side by side. The measure of an analysis
is the one that gives most of its rows. Thresholds were chosen on reviews with an even number (`--part design`);
figures are of the others.
"""

import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from bench.checks_plants import PLANTS, planted
from bench.checks_rows import FILE, Line, lines_of, rows_of
from bench.report import Column, parser, table, write
from tools.synthesis.checks import RULES, check_studies
from tools.synthesis.values import Finding, StudyData

__all__ = ["main"]

DATA = Path(os.environ.get("LEADS_SHARED_DATA", "../shared/data")) / "meta_analysis"
SEED = 20260101

COLUMNS = (
    Column("what", "what"),
    Column("rule", "rule, or kind of planted error"),
    Column("rows", "rows"),
    Column("findings", "rows with it"),
    Column("per_1000", "per 1,000", 2),
    Column("caught_arms_only", "caught, arms only"),
    Column("caught_among_studies", "caught, among studies"),
    Column("caught_with_estimate", "caught, with estimate"),
    Column("as_error", "as error"),
    Column("mostly_by", "mostly by"),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Check every row as it is and with each planted error, and print one table."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--data", type=Path, default=DATA, help=f"folder with {FILE}")
    arguments.add_argument("--part", choices=("design", "held-out", "all"), default="held-out")
    given = arguments.parse_args(argv)
    began = time.perf_counter()
    lines = lines_of(given.data / FILE, given.part)
    left_out = len(rows_of(given.data / FILE, given.part)) - len(lines)
    rows = [*_alarms(lines), *_plantings(lines)]
    print(table(rows, COLUMNS))
    summary = _summary(lines, rows) | {
        "rows_left_out": left_out,
        "part": given.part,
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(", ".join(f"{key} {value}" for key, value in summary.items()))
    write(given.out, summary, rows)


# Measuring ---------------------------------------------------------------------------------------


def _alarms(lines: Sequence[Line]) -> list[dict[str, Any]]:
    hits: Counter[tuple[str, str]] = Counter()
    for line in lines:
        hits.update({(finding.rule, finding.severity) for finding in line.findings()})
    order = {rule: place for place, rule in enumerate(RULES)}
    return [
        {
            "what": f"false alarm, {severity}",
            "rule": rule,
            "rows": len(lines),
            "findings": count,
            "per_1000": 1000 * count / len(lines),
        }
        for (rule, severity), count in sorted(hits.items(), key=lambda hit: (hit[0][1], order[hit[0][0]]))
    ] + _company_alarms(lines)


def _company_alarms(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """What is said of whole analyses of mean differences as they are."""
    companies = _companies(lines)
    size = sum(map(len, companies.values()))
    hits = Counter(finding.rule for company in companies.values() for finding in check_studies(company))
    return [
        {"what": "false alarm among studies", "rule": rule, "rows": size, "findings": count,
         "per_1000": 1000 * count / size}
        for rule, count in sorted(hits.items())
    ]  # fmt: skip


def _plantings(lines: Sequence[Line]) -> list[dict[str, Any]]:
    rows = []
    companies = _companies(lines)
    usual = {name: set(check_studies(company)) for name, company in companies.items()}
    before = [(line, _broken(line, with_estimate=True), _broken(line, with_estimate=False)) for line in lines]
    for kind in PLANTS:
        draw = random.Random(f"{SEED} {kind}")
        tried, arms_only, with_estimate, as_error = 0, 0, 0, 0
        pairs: list[tuple[Line, Line]] = []
        by: Counter[str] = Counter()
        for line, full, bare in before:
            wrong = planted(line, kind, draw)
            if wrong is None:
                continue
            tried += 1
            pairs.append((line, wrong))
            new = _new(wrong.findings(), full)
            arms_only += bool(_new(wrong.findings(with_estimate=False), bare))
            with_estimate += bool(new)
            as_error += any(finding.severity == "error" for finding in new)
            by.update({finding.rule for finding in new})
        if tried:
            often = sorted(by.items(), key=lambda rule: (-rule[1], rule[0]))[:2]
            rows.append({"what": "planted", "rule": kind, "rows": tried, "caught_arms_only": arms_only / tried,
                         "caught_with_estimate": with_estimate / tried, "as_error": as_error / tried,
                         "caught_among_studies": _among_studies(pairs, companies, usual),
                         "mostly_by": ", ".join(rule for rule, _ in often)})  # fmt: skip
    return rows


COMPANY = 5
"""Studies with mean differences that an analysis has at least, to be looked at side by side."""


def _companies(lines: Sequence[Line]) -> dict[str, list[StudyData]]:
    """Analyses of mean differences with enough studies; the studies, each under an id of its own."""
    analyses: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.measure == "MD" and line.recomputable:
            analyses[line.analysis].append(line)
    return {name: [line.data for line in group] for name, group in analyses.items() if len(group) >= COMPANY}


def _among_studies(
    pairs: Sequence[tuple[Line, Line]],
    companies: Mapping[str, Sequence[StudyData]],
    usual: Mapping[str, set[Finding]],
) -> float | None:
    """Share of planted errors that the other studies of the analysis show; None where none has enough company."""
    tried = caught = 0
    for line, wrong in pairs:
        company = companies.get(line.analysis)
        if company is None or line.measure != "MD":
            continue
        tried += 1
        found = check_studies([wrong.data if data is line.data else data for data in company])
        before = {
            finding.rule for finding in usual[line.analysis] if finding.message.startswith(line.data.label)
        }
        caught += any(
            finding.message.startswith(line.data.label) and finding.rule not in before for finding in found
        )
    return caught / tried if tried else None


Broken: TypeAlias = set[tuple[str, str]]
"""Rules with severity that a row breaks as it is."""


def _broken(line: Line, *, with_estimate: bool) -> Broken:
    return {(finding.rule, finding.severity) for finding in line.findings(with_estimate=with_estimate)}


def _new(findings: Sequence[Finding], before: Broken) -> list[Finding]:
    """Findings of rules that the row did not break before, or at a lower severity."""
    return [finding for finding in findings if (finding.rule, finding.severity) not in before]


def _summary(lines: Sequence[Line], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    severities = [{finding.severity for finding in line.findings()} for line in lines]
    plants = [row for row in rows if row["what"] == "planted"]
    tried = sum(row["rows"] for row in plants)
    return {
        "rows": len(lines),
        "rows_with_both_arms": sum(line.recomputable for line in lines),
        "errors_per_1000": round(1000 * sum("error" in each for each in severities) / len(lines), 2),
        "warnings_per_1000": round(1000 * sum("warning" in each for each in severities) / len(lines), 2),
        "planted": tried,
        "caught_arms_only": round(sum(row["rows"] * row["caught_arms_only"] for row in plants) / tried, 4),
        "caught_with_estimate": round(
            sum(row["rows"] * row["caught_with_estimate"] for row in plants) / tried, 4
        ),
    }


if __name__ == "__main__":
    main()
