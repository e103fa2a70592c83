"""The gates `evidence` and `synthesis` as text and as tables to be edited."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.cells import BIAS
from graphs.certainty import COLUMNS as CERTAINTY_COLUMNS
from graphs.certainty import certainty_rows
from graphs.evidence_edits import COLUMNS
from graphs.evidence_table import findings_of, outcomes_of, tool_of
from graphs.gates import cells_of
from tools.reporting.text import cell_text
from tools.schemas import Artefact, Cell
from tools.synthesis.analysing import AnalysisResult
from tools.synthesis.pooling import natural
from tools.synthesis.reviewing import TableFinding
from tools.synthesis.rows import row_cells
from tools.synthesis.values import Effect

__all__ = ["evidence_files", "evidence_text", "result_lines", "synthesis_files", "synthesis_text"]

MARK = {
    "grounded": "",
    "located": "~",
    "ungrounded": "?",
    "computed": "=",
    "conflicting": "!",
    "failed": "failed",
    "not_found": "-",
    "not_reported": "NR",
}
"""Behind a number: what stands behind it."""

LEGEND = "~ quote looked up afterwards, ? no quote found, ! readers differ, - not found, NR not reported"


# Evidence ----------------------------------------------------------------------------------------


def evidence_text(content: Mapping[str, Any]) -> str:
    """The table outcome by outcome, what the checks noticed, and who still has to read.

    Before everybody has read, nobody's numbers are shown: the next person's reading would not be independent.
    """
    missing = content["people"]["missing"]
    reports = len(content["dispositions"])
    head = [f"Numbers of {reports} {'report' if reports == 1 else 'reports'}."]
    if content.get("pilot"):
        head.append("This is the pilot of the form: approve it, and the other reports are read.")
    if missing:
        who = ", ".join(content["people"]["read"]) or "nobody yet"
        waiting = [f"  {report_id}: {short} more" for report_id, short in missing.items()]
        told = f"{content['people']['needed']} people read each report by themselves; so far: {who}. Missing:"
        return "\n".join(
            [*head, told, *waiting, "Each of them: `form --by NAME`, then `enter --file FORM --by NAME`."]
        )
    cells = cells_of(content)
    parts = [
        "\n".join(head),
        *_tables(cells, content),
        _without_side(cells),
        _bias(cells, content),
        _findings(findings_of(content)),
        _beside(content),
    ]
    return "\n\n".join(part for part in parts if part)


def _without_side(cells: Sequence[Cell]) -> str:
    """Arms with numbers that no analysis can use, since nobody has said which side they are on."""
    sides = {(cell.report_id, cell.arm): cell.value for cell in cells if cell.field_id == "arm_role"}
    numbers = dict.fromkeys(
        (cell.report_id, cell.arm)
        for cell in cells
        if cell.outcome and cell.arm and cell.value is not None and cell.field_id != "direction"
    )
    open_ = [
        arm for arm in numbers if sides.get(arm) not in ("experimental", "control") and " vs " not in arm[1]
    ]
    if not open_:
        return ""
    listed = ", ".join(f"{report_id} ({arm})" for report_id, arm in open_)
    return f"Arms with numbers and without a side; set arm_role to experimental or control: {listed}"


def _tables(cells: Sequence[Cell], content: Mapping[str, Any]) -> list[str]:
    titles = {spec.id: spec.title for spec in outcomes_of(content)}
    tables: dict[tuple[str, str], list[str]] = {}
    empty: dict[tuple[str, str], list[str]] = {}
    for (report_id, outcome, at, arm), own in row_cells(cells).items():
        place = (outcome, at)
        tables.setdefault(place, [])
        numbers = [cell for cell in own if cell.field_id != "direction"]
        said = "  ".join(f"{cell.field_id} {_value(cell)}" for cell in numbers)
        way = next((cell.value for cell in own if cell.field_id == "direction" and cell.value), None)
        if way is not None:
            tables[place].append(f"  {report_id} | {arm} | {way.replace('_', ' ')}")
        elif any(cell.status != "not_found" for cell in numbers):
            tables[place].append(f"  {report_id} | {arm} | {said}")
        elif numbers:
            empty.setdefault(place, []).append(f"{report_id} ({arm})")
    made = []
    for (outcome, at), lines in tables.items():
        nothing = [f"  nothing found: {', '.join(empty[outcome, at])}"] if (outcome, at) in empty else []
        made.append(
            "\n".join([f"{titles.get(outcome, outcome)}{', ' + at if at else ''}:", *lines, *nothing])
        )
    return [*made, LEGEND] if made else []


def _value(cell: Cell) -> str:
    return f"{cell.value}{MARK[cell.status]}" if cell.value is not None else MARK[cell.status]


def _bias(cells: Sequence[Cell], content: Mapping[str, Any]) -> str:
    tool = tool_of(content)
    if tool is None:
        return ""
    names = [*(domain.id for domain in tool.domains), "overall"]
    told: dict[tuple[str, str], dict[str, str]] = {}
    for cell in cells:
        name = cell.field_id.removeprefix(BIAS)
        if cell.field_id.startswith(BIAS) and name in names:
            own = " (by a person)" if cell.reader.startswith("person:") else ""
            told.setdefault((cell.report_id, cell.outcome), {})[name] = f"{cell.value or 'not judged'}{own}"
    lines = [
        f"  {report_id} | {outcome} | " + ", ".join(f"{name} {given.get(name, '')}" for name in names)
        for (report_id, outcome), given in told.items()
    ]
    return "\n".join([f"Risk of bias ({tool.name}), suggested from the answers:", *lines]) if lines else ""


def _findings(found: Sequence[TableFinding]) -> str:
    lines = [
        f"  {one.finding.severity}: {one.report_id}, {one.outcome}: {one.finding.message} [{one.finding.rule}]"
        for one in found
    ]
    return "\n".join(["What the checks noticed:", *lines]) if lines else "The checks noticed nothing."


def _beside(content: Mapping[str, Any]) -> str:
    """Where papers and registers differ."""
    found = [TableFinding.model_validate(one) for one in content.get("beside", ())]
    lines = [f"  {one.report_id}: {one.finding.message} [{one.finding.rule}]" for one in found]
    return "\n".join(["Papers beside their registrations:", *lines]) if lines else ""


def evidence_files(artefact: Artefact) -> dict[str, str]:
    """The whole table as CSV, to be looked at, changed, and given to `edit --file`; none while people still read."""
    if artefact.content["people"]["missing"]:
        return {}
    places: dict[tuple[str, str, str], list[str]] = {}
    for one in findings_of(artefact.content):
        for arm in one.finding.arms or ("",):
            places.setdefault((one.report_id, one.outcome, arm), []).append(one.finding.message)
    head = [*COLUMNS, "status", "confidence", "readings", "section", "checks"]
    rows = [
        [
            cell.report_id,
            cell.outcome,
            cell.time_point,
            cell.arm,
            cell.field_id,
            cell.value or "",
            cell.unit or "",
            cell.quote.text if cell.quote else "",
            cell.reason,
            cell.status,
            "" if cell.confidence is None else f"{cell.confidence:g}",
            "; ".join(cell.readings),
            cell.section,
            " ".join(places.get((cell.report_id, cell.outcome, cell.arm), ())) if cell.arm else "",
        ]
        for cell in cells_of(artefact.content)
    ]
    return {f"evidence-{artefact.revision}.csv": _csv(head, rows)}


# Synthesis ---------------------------------------------------------------------------------------


def synthesis_text(content: Mapping[str, Any]) -> str:
    """Every analysis with its studies and its pooled effect, and how certain the evidence is held to be."""
    results = [AnalysisResult.model_validate(one) for one in content["analyses"]]
    rows = certainty_rows(content)
    parts = []
    for result in results:
        own = [row for row in rows if row["analysis"] == result.analysis.id]
        told = [_certainty(row) for row in own]
        parts.append(
            "\n".join([*result_lines(result), "  Certainty (GRADE), to be decided by a person:", *told])
        )
    return "\n\n".join(parts)


def _certainty(row: Mapping[str, str]) -> str:
    domain, said = row["domain"].replace("_", " "), row["decided"] or "not decided"
    return f"  {domain}: {said}; suggested {row['suggested']}: {row['why']}"


def result_lines(result: AnalysisResult) -> list[str]:
    """One analysis in lines: each study's effect, the pooled one, heterogeneity."""
    lines = [f"{result.title} ({result.measure}, {result.analysis.model.replace('_', '-')}):"]
    left_out: dict[str, list[str]] = {}
    for line in result.lines:
        if isinstance(line, Effect):
            half = 1.959963984540054 * math.sqrt(line.v)
            numbers = [natural(line.measure, y) for y in (line.y, line.y - half, line.y + half)]
            lines.append(f"  {line.label}: {_interval(*numbers)}")
        else:
            left_out.setdefault(line.why, []).append(line.label)
    lines += [f"  Not estimable: {', '.join(labels)}. {why}" for why, labels in left_out.items()]
    if result.pooled is None:
        return [*lines, f"  Not pooled: {result.why_not_pooled}"]
    p = result.pooled
    numbers = [natural(p.measure, y) for y in (p.y, p.lower, p.upper)]
    name = "One study" if p.k == 1 else f"Pooled, {p.k} studies"
    lines.append(f"  {name}: {_interval(*numbers)}, p {_p(p.p)}")
    if p.prediction_lower is not None and p.prediction_upper is not None:
        low, high = natural(p.measure, p.prediction_lower), natural(p.measure, p.prediction_upper)
        lines.append(f"  95 % prediction interval {low:.3g} to {high:.3g}")
    if p.i2 is not None and p.tau2 is not None:
        lines.append(f"  tau² {p.tau2:.3g}, I² {p.i2:.0f} %")
    return [*lines, *(f"  note: {note}" for note in (*p.notes, *result.notes))]


def _interval(y: float, low: float, high: float) -> str:
    return f"{y:.3g} [{low:.3g}, {high:.3g}]"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def synthesis_files(artefact: Artefact) -> dict[str, str]:
    """The decisions about certainty as CSV, to be filled in and given to `edit --file`."""
    rows = [[row.get(name, "") for name in CERTAINTY_COLUMNS] for row in certainty_rows(artefact.content)]
    return {f"synthesis-{artefact.revision}.csv": _csv(list(CERTAINTY_COLUMNS), rows)}


def _csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([[cell_text(value) for value in row] for row in rows])
    return out.getvalue()
