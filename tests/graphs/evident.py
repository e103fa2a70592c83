"""A small review that reads numbers: invented trials with one table each, and an engine that reads that table.

Every mean, SD and group size is in `TRIALS`, so that differences and pooled effects can be told by hand. Nothing
here is real: no such syrup, trial, person or number exists.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.commands import open_gate, store_edit, texts_of
from agent.entering import blank_form, store_reading
from agent.home import Home
from agent.review import Review
from graphs.driver import Halt
from graphs.edits import rows_of
from graphs.evidence_edits import read_lines
from graphs.gates import cells_of
from model.baseline.results import results_of
from model.engine import Request
from model.tasks.arms import Arm, ArmsAnswer
from model.tasks.bias import BiasAnswer, SignallingAnswer
from model.tasks.characteristics import CharacteristicsAnswer, FieldAnswer
from model.tasks.direction import DirectionAnswer
from model.tasks.participants import GroupValue, ParticipantsAnswer
from model.tasks.results import ResultsAnswer
from model.tasks.summary import SummaryAnswer, SummaryInput, SummarySentence
from tests.graphs import small
from tools.schemas import Artefact, Cell

YAML = """
review: {title: Snail syrup for invented cough, type: intervention, id: snail}
question:
  framework: PICO
  elements: {population: [cough], intervention: [snail syrup], comparator: [water], outcome: [nights slept]}
criteria:
  - {id: snail, kind: include, element: intervention, text: They were given snail syrup., terms: [snail syrup]}
search: {strategy: "syrup[tiab]"}
sources:
  - {kind: local, name: shelf, files: [records.jsonl]}
prefilter: {keep: 10, audit: 0, seed: 7}
fulltext: {folder: fulltexts, pmc: false}
extraction:
  form:
    - {id: size, kind: number, question: "How many took part?"}
  outcomes:
    - {id: nights, title: Nights slept, kind: continuous, unit: nights, better: higher}
  people: 1
appraisal: {tool: form.yaml}
synthesis:
  analyses:
    - {id: nights, outcome: nights, measure: MD, model: common}
gates: [extract, evidence, synthesis]
"""
TWO_PEOPLE = YAML.replace("people: 1", "people: 2")
HEADER = "report_id,outcome,time_point,arm,field_id,value,unit,quote,reason\n"

FORM = """
id: invented-list
name: Invented list
version: "1"
judgements:
  - {id: low, word: Low, colour: low}
  - {id: high, word: High, colour: high}
answers: {Y: "Yes", N: "No", NI: "No information"}
overall: worst
domains:
  - id: "A"
    name: Allocation
    questions:
      - {id: "1.1", text: "Was the allocation drawn at random?"}
      - {id: "1.2", text: "Was it concealed?"}
    rules:
      - {when: "1.1 yes", level: low, why: Drawn at random.}
      - {when: "1.1 no ni", level: high, why: Not drawn at random.}
"""
"""A risk-of-bias form of the user's own."""

Arms = tuple[tuple[str, str, int], tuple[str, str, int]]
TRIALS: Mapping[str, Arms] = {
    "1": (("6.0", "2.0", 20), ("5.0", "2.0", 20)),
    "2": (("7.0", "2.0", 40), ("5.0", "2.0", 40)),
    "3": (("5.0", "2.0", 20), ("5.0", "2.0", 20)),
    "4": (("6.0", "2.0", 80), ("5.0", "2.0", 80)),
    "5": (("6.0", "2.0", 20), ("5.0", "2.0", 20)),
}
"""Number to mean, SD and size of the syrup group and of the water group."""

POOLED = {("1", "2"): 5 / 3, ("1", "2", "3"): 1.25}
"""Common effect by hand: each difference weighted by the inverse of 4 · (1/n + 1/n): 2.5, 5 and 2.5."""

SYRUP, WATER = "snail syrup", "water"

FULL_TEXT = """<article><front><article-meta><article-id pub-id-type="pmid">{pmid}</article-id>
<title-group><article-title>{title}</article-title></title-group></article-meta></front>
<body><sec><title>Methods</title><p>We enrolled {all} people with cough. They were randomly assigned to snail syrup
or to water: {n1} to snail syrup and {n2} to water. A computer drew the allocation.{more}</p></sec>
<sec><title>Results</title><p>Nights slept were counted for a week.</p>
<table-wrap id="t1"><label>Table 1</label><caption><p>Nights slept</p></caption><table><thead><tr><th></th>
<th>Snail syrup (n={n1})</th><th>Water (n={n2})</th></tr></thead><tbody><tr><td>Nights slept, mean (SD)</td>
<td>{m1} ({s1})</td><td>{m2} ({s2})</td></tr></tbody></table></table-wrap></sec></body></article>
"""


def title(number: str) -> str:
    return f"Snail syrup or water for cough: invented trial {number}"


def record(number: str, **more: Any) -> dict[str, Any]:
    """The record of a trial."""
    abstract = "People with cough were randomised to snail syrup or water."
    told = {"pmid": number, "title": title(number), "abstract": abstract, "year": 2000 + int(number)}
    return told | {"authors": [f"Author{number}, A"]} | more


def paper(number: str, more: str = "", arms: Arms | None = None) -> str:
    """The full text of a trial."""
    (m1, s1, n1), (m2, s2, n2) = arms or TRIALS[number]
    told = {"m1": m1, "s1": s1, "n1": n1, "m2": m2, "s2": s2, "n2": n2}
    return FULL_TEXT.format(pmid=number, title=title(number), all=n1 + n2, more=more, **told)


def write(
    folder: Path,
    trials: Sequence[str] = ("1", "2"),
    yaml: str = YAML,
    papers: Mapping[str, str] | None = None,
) -> Home:
    """The review's files in a folder."""
    (folder / "fulltexts").mkdir(parents=True, exist_ok=True)
    (folder / "review.yaml").write_text(yaml)
    (folder / "form.yaml").write_text(FORM)
    publish(folder, trials, papers)
    return Home.of(folder)


def publish(folder: Path, trials: Sequence[str], papers: Mapping[str, str] | None = None) -> None:
    """The database holds these trials, and their full texts are at hand."""
    lines = [json.dumps(record(number)) + "\n" for number in trials]
    (folder / "records.jsonl").write_text("".join(lines))
    for number in trials:
        path = folder / "fulltexts" / f"{number}.nxml"
        text = (papers or {}).get(number, paper(number))
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


# The engine ---------------------------------------------------------------------------------------


def script(request: Request[Any, Any]) -> Any:
    """Reads the table; of bias it knows where the allocation came from, and nothing else."""
    asked = request.input
    text = " ".join(p.text for p in getattr(asked, "passages", ()))
    match request.task.id:
        case "screen":
            return small.judged(asked, request.attempt)
        case "characteristics":
            return _fields(asked, text)
        case "arms":
            quote = "randomly assigned to snail syrup"
            return ArmsAnswer(
                status="found",
                arms=(
                    Arm(label=SYRUP, type="EXPERIMENTAL", quote=quote),
                    Arm(label=WATER, type="PLACEBO_COMPARATOR", quote="or to water"),
                ),
            )
        case "participants":
            return _participants(asked, text)
        case "results":
            return results_of(asked)
        case "direction":
            return DirectionAnswer(direction="uncertain")
        case "bias":
            return BiasAnswer(
                answers=tuple(
                    SignallingAnswer(question_id=q.id, answer="Y", quote="A computer drew the allocation.")
                    if q.id == "1.1"
                    else SignallingAnswer(question_id=q.id, answer="NI")
                    for q in asked.questions
                )
            )
        case "summary":
            return _summary(asked)
    return small.script(request)


def _summary(asked: SummaryInput) -> SummaryAnswer:
    """One sentence that says what its fact says, and one with a number of nobody's."""
    fact = asked.results[0]
    return SummaryAnswer(
        status="summarised",
        sentences=(
            SummarySentence(text=f"Together the trials give {fact.value}.", cites=(fact.id,)),
            SummarySentence(text="It helped 4711 people.", cites=(fact.id,)),
        ),
    )


def _fields(asked: Any, text: str) -> CharacteristicsAnswer:
    found = re.search(r"We enrolled (\d+) people", text)
    assert found is not None
    return CharacteristicsAnswer(
        cells=tuple(
            FieldAnswer(field_id=f.id, status="found", value=found[1], quote=found[0])
            if f.id == "size"
            else FieldAnswer(field_id=f.id, status="not_found")
            for f in asked.fields
        )
    )


def _participants(asked: Any, text: str) -> ParticipantsAnswer:
    """How many were randomised; nothing else about participants is told."""
    values = []
    for group in asked.groups:
        found = re.search(rf"(\d+) to {group.title}", text) if asked.measure.title != "Age" else None
        told = (
            {"status": "not_found"}
            if found is None
            else {"status": "found", "value": found[1], "quote": found[0]}
        )
        values.append(GroupValue.model_validate({"group_id": group.id, **told}))
    return ParticipantsAnswer(values=tuple(values))


def failing(
    report_id: str, error: Callable[[], Exception], task: str = "results"
) -> Callable[[Request[Any, Any]], Any]:
    """The engine fails at one task for one report, until it is tried again."""

    def say(request: Request[Any, Any]) -> Any:
        if request.task.id == task and request.input.report_id == report_id and request.attempt == 1:
            raise error()
        return script(request)

    return say


def dying_at(task: str, calls: int) -> Callable[[Request[Any, Any]], Any]:
    """The machine dies at a call of a task."""
    left = [calls]

    def say(request: Request[Any, Any]) -> Any:
        if request.task.id == task:
            left[0] -= 1
            if left[0] < 0:
                raise small.Killed("gone")
        return script(request)

    return say


def reading_nothing(_request: Request[Any, Any]) -> ResultsAnswer:
    """No number anywhere."""
    return ResultsAnswer(status="not_found")


# Walking ------------------------------------------------------------------------------------------


@contextmanager
def opened(home: Home, reason: str | None = None) -> Iterator[Review]:
    """As `small.opened`."""
    with small.opened(home, reason) as review:
        yield review


def upto(review: Review, step: str, say: Any = script, **more: Any) -> Halt:
    """Advance to a gate, approving all before it."""
    while (halt := small.go(review, say, **more)).kind == "gate" and halt.step != step:
        small.approve_open(review)
    return halt


def through(review: Review, say: Any = script) -> Halt:
    """Advance to the end, approving every gate."""
    return small.through(review, say)


def shown(review: Review, step: str = "evidence") -> Artefact:
    return open_gate(review, step)


def cell(
    artefact: Artefact, report_id: str, field_id: str, arm: str = SYRUP, outcome: str = "nights"
) -> Cell:
    """One cell of a table; an error where there is none, or two."""
    wanted = (report_id, outcome, "", arm, field_id)
    (found,) = [c for c in cells_of(artefact.content) if c.key == wanted]
    return found


def form_of(review: Review) -> list[dict[str, str]]:
    """The blank form, line by line."""
    return list(csv.DictReader(io.StringIO(blank_form(shown(review)))))


def rows(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_csv(lines: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO()
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def filled(
    lines: Sequence[Mapping[str, str]], own: Mapping[tuple[str, str, str], str] | None = None
) -> list[dict[str, str]]:
    """A form as a careful person fills it in.

    Args:
        lines: of the blank form.
        own: (report, arm, field) to what this person reads otherwise.
    """
    done = []
    for line in lines:
        number = line["report_id"].rpartition(":")[2]
        value = _true(number, line["arm"], line["field_id"])
        value = (own or {}).get((line["report_id"], line["arm"], line["field_id"]), value)
        done.append({**line, "value": value})
    return done


def _true(number: str, arm: str, field_id: str) -> str:
    if field_id.startswith("bias/"):
        return "Y" if field_id == "bias/1.1" else "NI"
    mean, sd, total = TRIALS[number][0 if arm.casefold() == SYRUP else 1]
    return {"mean": mean, "sd": sd, "total": str(total)}.get(field_id, "")


def enter(review: Review, lines: Sequence[Mapping[str, str]], by: str) -> list[Cell]:
    """Store a person's reading, as `agent enter` does."""
    artefact = shown(review)
    cells = read_lines(artefact.content, rows_of(as_csv(lines)), by, texts_of(review, artefact))
    store_reading(review, artefact, cells, by)
    return cells


def calls(review: Review) -> dict[str, int]:
    """Task to the number of stored calls."""
    found: dict[str, int] = {}
    for call in review.calls.all():
        found[call.task] = found.get(call.task, 0) + 1
    return found


def edit(review: Review, lines: str, step: str = "evidence", by: str = "Ada") -> Artefact:
    """Lines of the table, without their head, given back at a gate."""
    return store_edit(review, open_gate(review, step), HEADER + lines, by=by, note="")


def missing(review: Review) -> dict[str, int]:
    """Report to how many people have not read it yet."""
    told: dict[str, int] = shown(review).content["people"]["missing"]
    return told


def go_on(review: Review, say: Any = script, **more: Any) -> str:
    """To the next gate, and what it is."""
    return small.go(review, say, **more).step
