"""Arithmetic checks of extracted numbers: what cannot be so, and what is unusual. Pure; no number is changed.

`check_text` for what a cell holds, `check_arm` for one arm, `check_study` for a line of an analysis, `check_dates`,
`check_report` for all rows of one report, `check_studies` for the studies of one outcome. Each finding carries the
id of a rule in `RULES`, which says what it means and what to do; its message names the numbers and the arms.
"""

from typing import Literal

from tools.synthesis.checks_arm import check_arm
from tools.synthesis.checks_numbers import NotANumber, number_of
from tools.synthesis.checks_report import ReportRow, check_report, check_studies
from tools.synthesis.checks_rules import RULES, Rule, found
from tools.synthesis.checks_study import Reported, check_dates, check_study
from tools.synthesis.values import Finding

__all__ = [
    "RULES",
    "NotANumber",
    "ReportRow",
    "Reported",
    "Rule",
    "check_arm",
    "check_dates",
    "check_report",
    "check_studies",
    "check_study",
    "check_text",
    "number_of",
    "rules_table",
]


def check_text(text: str, *, arm: str, statistic: str) -> list[Finding]:
    """Whether a cell's text is the one number it should be. Nothing printed, or NR, is no finding."""
    read = number_of(text)
    if isinstance(read, float) or read.trouble in ("empty", "missing"):
        return []
    meant = f" It may mean {' or '.join(f'{value:g}' for value in read.possible)}." if read.possible else ""
    message = f"{arm}: {statistic} is not one number: {read.why}.{meant}"
    severity: Literal["error", "warning"] = "warning" if read.trouble in ("below", "above") else "error"
    return [found("not-a-number", message, arms=(arm,), statistics=(statistic,), severity=severity)]


def rules_table() -> str:
    """All rules as a Markdown table, for the documentation."""
    lines = ["| rule | severity | what it means | what to do |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{rule.id}` | {rule.severity} | {rule.meaning} | {rule.resolve} |" for rule in RULES.values()
    ]
    return "\n".join(lines)
