"""How certain the evidence of each analysis is: suggested from the data, decided by a person, domain by domain. Pure.

A decision is about exactly the numbers that it was taken on: when an analysis changes, it is open again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from graphs.cells import BIAS
from tools.appraisal.grade import DOWN, Design, GradeDomain, Rating, Step, Undecided, rate
from tools.appraisal.grade_evidence import OutcomeEvidence, Risk, Suggestion
from tools.appraisal.grade_suggest import suggest
from tools.appraisal.overrides import OVERALL
from tools.appraisal.tool import Tool
from tools.errors import ConfigError, NotAllowed
from tools.schemas import Cell, sha256_of
from tools.synthesis.analysing import AnalysisResult

__all__ = ["COLUMNS", "certainty_rows", "decided", "overall_risks", "rating_of", "with_certainty"]

COLUMNS = ("analysis", "domain", "steps", "reason", "suggested", "why", "decided")
"""Of the table that a person fills in: `steps` from -2 to 2, and a reason for every step."""

DESIGN: Design = "randomised"
"""Reviews of interventions here are of randomised trials; a form field may tell otherwise one day."""


def with_certainty(
    content: Mapping[str, Any], before: Mapping[str, Any], risks: Mapping[str, Mapping[str, Risk]]
) -> dict[str, Any]:
    """The analyses with a suggestion for every domain, and what a person decided on the same numbers before.

    Args:
        content: the artefact of `synthesis`, with its analyses.
        before: `certainty` of the artefact before it.
        risks: outcome to study to its overall judgement of bias.
    """
    told = {}
    for raw in content["analyses"]:
        result = AnalysisResult.model_validate(raw)
        name = result.analysis.id
        suggestions = [s.model_dump(mode="json") for s in suggest(_evidence(result, risks))]
        # Judgements of bias are in the suggestions alone, and a decision rests on them too.
        of = sha256_of([raw, suggestions])
        old = before.get(name, {})
        told[name] = {
            "of": of,
            "suggestions": suggestions,
            "steps": old["steps"] if old.get("of") == of else [],
            "by": old["by"] if old.get("of") == of else "",
        }
    return {**content, "certainty": told}


def overall_risks(
    cells: Mapping[str, Sequence[Cell]], reports: Mapping[str, Sequence[str]], tool: Tool | None = None
) -> dict[str, dict[str, Risk]]:
    """Outcome to study to the overall judgement of its result: a person's where one judged.

    Args:
        cells: report to its approved cells.
        reports: study to its reports; the first that was judged speaks for it.
        tool: whose words the judgements are; None: those of RoB 2.
    """
    found: dict[str, dict[str, Risk]] = {}
    for study_id, report_ids in reports.items():
        for cell in (cell for report_id in report_ids for cell in cells.get(report_id, ())):
            if cell.field_id == f"{BIAS}{OVERALL}" and (risk := _risk(cell.value, tool)) is not None:
                found.setdefault(cell.outcome, {}).setdefault(study_id, risk)
    return found


def _risk(value: str | None, tool: Tool | None) -> Risk | None:
    """A tool's own words by their colour; what a tool holds worse than high is high."""
    colours = {} if tool is None else {level.id: level.colour for level in tool.levels}
    said = colours.get(value or "", value)
    return "high" if said == "critical" else next((risk for risk in get_args(Risk) if risk == said), None)


def _evidence(result: AnalysisResult, risks: Mapping[str, Mapping[str, Risk]]) -> OutcomeEvidence:
    arms = [
        arm
        for effect in result.effects
        if effect.data is not None
        for arm in (effect.data.experimental, effect.data.control)
        if arm is not None
    ]
    totals = [arm.total for arm in arms if arm.total is not None]
    events = [arm.events for arm in arms if arm.events is not None]
    every = len(totals) == len(arms) > 0
    own = risks.get(result.outcome.id, {})
    return OutcomeEvidence(
        design=DESIGN,
        pooled=result.pooled,
        effects=result.effects if result.pooled is not None else (),
        risks=tuple((e.study_id, own.get(e.study_id)) for e in result.effects),
        participants=sum(totals) if every else None,
        events=sum(events) if every and len(events) == len(arms) else None,
        egger_p=None if result.asymmetry is None else result.asymmetry.p,
        assumed_risk=result.analysis.baseline_risk,
    )


def certainty_rows(content: Mapping[str, Any]) -> list[dict[str, str]]:
    """A line for each domain of each analysis, with `COLUMNS`."""
    rows = []
    for name, told in content["certainty"].items():
        steps = {step["domain"]: step for step in told["steps"]}
        for raw in told["suggestions"]:
            said = Suggestion.model_validate(raw)
            step = steps.get(said.domain)
            rows.append(
                {
                    "analysis": name,
                    "domain": said.domain,
                    "steps": "" if step is None else str(step["steps"]),
                    "reason": "" if step is None else step["reason"],
                    "suggested": "a person's" if said.steps is None else str(said.steps),
                    "why": said.words,
                    "decided": "" if step is None else f"{step['steps']} by {told['by']}",
                }
            )
    return rows


def decided(content: Mapping[str, Any], rows: Sequence[Mapping[str, str]], by: str) -> dict[str, Any]:
    """The artefact with a person's decisions; a line without steps leaves its domain open.

    Raises:
        ConfigError: one line per mistake.
    """
    steps: dict[str, list[Step]] = {name: [] for name in content["certainty"]}
    problems = []
    for line, row in enumerate(rows, start=2):
        told = _step(row, steps)
        if isinstance(told, str):
            problems.append(f"line {line}: {told}.")
        elif told is not None:
            steps[row["analysis"]].append(told)
    if problems:
        raise ConfigError(problems)
    certainty = {
        name: {
            **told,
            "steps": [step.model_dump(mode="json") for step in steps[name]],
            "by": by if steps[name] else "",
        }
        for name, told in content["certainty"].items()
    }
    made = {**content, "certainty": certainty}
    for name in certainty:
        try:
            rating_of(made, name)
        except NotAllowed as e:
            problems.append(f"{name}: {e}")
    if problems:
        raise ConfigError(problems)
    return made


def _step(row: Mapping[str, str], known: Mapping[str, Any]) -> Step | str | None:
    if row.get("analysis", "") not in known:
        return f"no analysis {row.get('analysis', '')!r}; there are {', '.join(known)}"
    domain = next((d for d in get_args(GradeDomain) if d == row.get("domain", "")), None)
    if domain is None:
        return f"no domain {row.get('domain', '')!r}; there are {', '.join(get_args(GradeDomain))}"
    if not row.get("steps", ""):
        return None
    if row["steps"] not in ("-2", "-1", "0", "1", "2", "+1", "+2"):
        return f"{row['steps']!r} is no number of steps from -2 to 2"
    return Step(domain=domain, steps=int(row["steps"]), reason=row.get("reason", ""))


def rating_of(content: Mapping[str, Any], analysis_id: str) -> Rating | None:
    """The certainty that follows from a person's decisions; None while a domain is open.

    Raises:
        NotAllowed: a decision that GRADE does not know, or one without a reason.
    """
    steps = [Step.model_validate(step) for step in content["certainty"][analysis_id]["steps"]]
    if not steps:
        return None
    try:
        return rate(DESIGN, steps)
    except Undecided:
        open_ = set(DOWN) - {step.domain for step in steps}
        # What is decided must be right all the same: the open ones are taken as nothing for the check.
        rate(DESIGN, [*steps, *(Step(domain=domain, steps=0) for domain in DOWN if domain in open_)])
        return None
