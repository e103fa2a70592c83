"""An engine with known mistakes gives the known tables."""

from typing import Any

import pytest

from finetune.evaluation.cells import cells_of, learn
from finetune.evaluation.items import ask_items, clusters_of, read_items
from finetune.evaluation.matching import Likeness
from finetune.evaluation.sheet import Sheet
from finetune.evaluation.tables import confusion, note_cells
from model.embedding import load
from model.engine import Answer
from model.scripted import ScriptedEngine
from model.tasks.arms import Arm, ArmsAnswer, ArmsInput
from model.tasks.characteristics import CharacteristicsAnswer, CharacteristicsInput, FieldAnswer
from model.tasks.direction import DirectionAnswer, DirectionInput
from model.tasks.participants import Group, GroupValue, Measure, ParticipantsAnswer, ParticipantsInput
from model.tasks.results import OutcomeMeasure, ResultsAnswer, ResultsInput, ResultValue, TrialGroup
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tests.finetune.evaluation.rows import about, data_folder, invented_rows, item_of, knowing, passages
from tools.schemas import Criterion, FieldSpec

TEXT = (
    "Adults with a cough took snail syrup or water. Of 40 on snail syrup 12 slept, of 38 on water 5 did. "
    "Mean age was 54.2 (SD 8.0) years on snail syrup and 51.0 (SD 7.5) years on water. It lasted 6 weeks."
)
PAPER: dict[str, Any] = {"report_id": "1", "title": "Snail syrup", "passages": passages(TEXT)}


@pytest.fixture(scope="module")
def likeness() -> Likeness:
    return Likeness(load())


def _figures(item: Any, said: Any, likeness: Likeness) -> dict[str, Any]:
    """Measure to value of one answer; an error is one too."""
    told = Answer(said, "") if not isinstance(said, Exception) else said
    sheet = Sheet(["e"], resamples=10)
    learn([item], [told], likeness)  # type: ignore[list-item]
    note_cells(sheet, "e", cells_of(item, told, likeness), likeness)  # type: ignore[arg-type]
    return {row["measure"]: row["value"] for row in sheet.rows()}


# By task -----------------------------------------------------------------------------------------


def _fields(*cells: FieldAnswer) -> CharacteristicsAnswer:
    return CharacteristicsAnswer(cells=cells)


def _cell(name: str, value: str | None, quote: str = "") -> FieldAnswer:
    status = "found" if value else "not_reported"
    return FieldAnswer.model_validate({"field_id": name, "status": status, "value": value, "quote": quote})


FIELDS = CharacteristicsInput(
    fields=(
        FieldSpec(id="who", question="Who took part?"),
        FieldSpec(id="long", kind="number", question="How long?", unit="weeks"),
        FieldSpec(id="how", kind="category", question="Which design?", options=("trial", "cohort")),
        FieldSpec(id="funder", question="Who paid?"),
        FieldSpec(id="place", question="Where?"),
    ),
    **PAPER,
)


def test_characteristics(likeness: Likeness) -> None:
    """Text alike but not word for word, number right, category wrong, one of two abstentions kept."""
    item = item_of(
        "characteristics",
        FIELDS,
        _fields(
            _cell("who", "adults with a cough", "Adults with a cough"),
            _cell("long", "6", "6 weeks"),
            _cell("how", "trial", "took"),
            _cell("funder", None),
            _cell("place", None),
        ),
    )
    said = _fields(
        _cell("who", "adults with cough", "Adults with a cough"),
        _cell("long", "6.0", "lasted 6 weeks"),
        _cell("how", "cohort", "took snail syrup"),
        _cell("funder", None),
        _cell("place", "Norland", "It was done in Norland"),
    )
    found = _figures(item, said, likeness)
    assert found["text: cosine"] == 1.0
    assert found["text: word for word"] == 0.0
    assert found["number: exact"] == 1.0
    assert found["category: accuracy"] == 0.0
    assert found["not reported: recognised"] == 0.5
    assert found["reported, not told"] == 0.0
    assert found["quote stands in the text"] == 0.75
    assert found["no usable answer"] == 0.0


def test_no_usable_answer_is_neither_a_value_nor_an_abstention(likeness: Likeness) -> None:
    from model.engine import AnswerRejected

    item = item_of(
        "characteristics",
        FIELDS.model_copy(update={"fields": FIELDS.fields[2:4]}),
        _fields(_cell("how", "trial", "took"), _cell("funder", None)),
    )
    found = _figures(item, AnswerRejected("no JSON"), likeness)
    assert found == {
        "category: accuracy": 0.0,
        "no usable answer": 1.0,
        "reported, not told": 1.0,
        "not reported: recognised": 0.0,
        "quote stands in the text": 0.0,
    }


def _arm(label: str, kind: str, *given: str) -> Arm:
    return Arm.model_validate({"label": label, "type": kind, "interventions": given, "quote": label})


def test_arms_are_matched_and_what_is_too_much_is_counted(likeness: Likeness) -> None:
    """Told in another order; one of two types right; one arm that does not exist."""
    true = ArmsAnswer(
        status="found",
        arms=(_arm("snail syrup", "EXPERIMENTAL", "Drug: snail syrup"), _arm("water", "PLACEBO_COMPARATOR")),
    )
    said = ArmsAnswer(
        status="found",
        arms=(
            _arm("water", "NO_INTERVENTION"),
            _arm("Snail syrup", "EXPERIMENTAL", "Drug: snail syrup"),
            _arm("helicopter flights", "OTHER"),
        ),
    )
    found = _figures(item_of("arms", ArmsInput(**PAPER), true), said, likeness)
    assert found["arm: cosine"] == 1.0
    assert found["arm type: accuracy"] == 0.5
    assert found["intervention: cosine"] == 1.0
    assert found["arms told that are right"] == pytest.approx(2 / 3)


def test_participants_by_group(likeness: Likeness) -> None:
    groups = (Group(id="a", title="snail syrup"), Group(id="b", title="water"), Group(id="c", title="all"))
    asked = ParticipantsInput(
        measure=Measure(title="Age", param_type="MEAN", unit="years"), groups=groups, **PAPER
    )

    def value(name: str, number: str | None, spread: str | None = None) -> GroupValue:
        status = "found" if number else "not_reported"
        told = {"group_id": name, "status": status, "value": number, "spread": spread}
        return GroupValue.model_validate(told)

    true = ParticipantsAnswer(values=(value("a", "54.2", "8.0"), value("b", "51.0", "7.5"), value("c", None)))
    said = ParticipantsAnswer(values=(value("a", "54.20", "7.5"), value("b", None), value("c", None)))
    found = _figures(item_of("participants", asked, true), said, likeness)
    assert found["number: exact"] == 0.5
    assert found["spread: exact"] == 0.0
    assert found["not reported: recognised"] == 1.0
    assert found["reported, not told"] == 0.5


def test_results_by_category_titles(likeness: Likeness) -> None:
    """Values are told in another order under their titles; one of two is right, the unit is alike."""
    asked = ResultsInput(
        outcome=OutcomeMeasure(title="Sleep"), group=TrialGroup(title="snail syrup"), **PAPER
    )
    true = ResultsAnswer(
        status="found",
        unit="participants",
        denominator=40,
        values=(ResultValue(title="week 2", value="12"), ResultValue(title="week 6", value="5", spread="2")),
    )
    said = ResultsAnswer(
        status="found",
        unit="Participants",
        denominator=38,
        values=(ResultValue(title="week 6", value="5.00"), ResultValue(title="week 2", value="11.95")),
    )
    found = _figures(item_of("results", asked, true), said, likeness)
    assert found["number: exact"] == 0.5
    assert found["number: within 1 %"] == 1.0
    assert found["spread: exact"] == 0.0
    assert found["denominator: exact"] == 0.0
    assert found["text: word for word"] == 1.0


def test_criteria_and_their_confusion(likeness: Likeness) -> None:
    criteria = tuple(Criterion(id=f"c{n}", kind="include", text=f"Criterion {n}") for n in range(4))
    asked = ScreenInput(record_id="1", criteria=criteria, text=TEXT)

    def answer(*labels: str) -> ScreenAnswer:
        verdicts = [
            {
                "criterion_id": f"c{n}",
                "label": label,
                "quote": "" if label == "UNCERTAIN" else "took snail syrup",
            }
            for n, label in enumerate(labels)
        ]
        return ScreenAnswer(verdicts=tuple(Judgement.model_validate(v) for v in verdicts))

    item = item_of("screen", asked, answer("YES", "NO", "UNCERTAIN", "YES"))
    told = Answer(answer("YES", "NO", "YES", "UNCERTAIN"), "")
    found = _figures(item, told.value, likeness)
    assert found["criterion: accuracy"] == 0.5
    # YES: 1 of 2 true, 2 told: F1 1/2. NO: 1. UNCERTAIN: 0.
    assert found["criterion: macro-F1"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert found["share of UNCERTAIN"] == 0.25
    assert found["not reported: recognised"] == 0.0
    assert found["reported, not told"] == pytest.approx(1 / 3)
    table = confusion(cells_of(item, told, likeness))["screen"]
    assert table["YES"] == {"YES": 1, "PARTIAL": 0, "NO": 0, "UNCERTAIN": 1, "no usable answer": 0}


def test_direction(likeness: Likeness) -> None:
    asked = DirectionInput(intervention="snail syrup", comparator="water", outcome="sleep", **PAPER)
    item = item_of("direction", asked, DirectionAnswer(direction="increased", quote="12 slept"))
    assert _figures(item, DirectionAnswer(direction="decreased"), likeness)["direction: accuracy"] == 0.0
    right = _figures(item, DirectionAnswer(direction="increased", quote="12 slept"), likeness)
    assert right["direction: accuracy"] == 1.0
    assert right["quote stands in the text"] == 1.0


# Whole -------------------------------------------------------------------------------------------


def test_who_knows_everything_is_right_everywhere(tmp_path: Any, likeness: Likeness) -> None:
    rows = invented_rows(4)
    items = read_items(data_folder(tmp_path, rows), {row.task for row in rows})
    engine = knowing(rows)
    sheet = Sheet(["e"], resamples=10)
    for task, told in ask_items(engine, "e", items).items():
        cells = [
            cell
            for item, one in zip(items[task], told, strict=True)
            for cell in cells_of(item, one, likeness)
        ]
        note_cells(sheet, "e", cells, likeness)
    for row in sheet.rows():
        wanted = 0.0 if row["measure"] in ("no usable answer", "reported, not told") else 1.0
        if not row["measure"].startswith(("share of", "quote")):
            assert row["value"] == wanted, row


COSTS = ("no usable answer", "reported, not told")


@pytest.mark.parametrize("lost", range(4))
def test_failing_is_never_better_than_any_answer(lost: int, tmp_path: Any, likeness: Likeness) -> None:
    """Every figure of an engine that is wrong everywhere is at least as good as when it fails at one question."""
    from model.engine import AnswerRejected

    rows = invented_rows(4)
    items = read_items(data_folder(tmp_path, rows), {row.task for row in rows})
    sheet = Sheet(["answers", "fails"], resamples=10)
    for task, told in ask_items(knowing(rows), "e", items).items():
        values = [one.value for one in told if isinstance(one, Answer)]
        wrong: list[Any] = [_blundered(task, value) for value in values]
        for name in ("answers", "fails"):
            for n, item in enumerate(items[task]):
                failed = name == "fails" and n == lost
                answer = AnswerRejected("no JSON") if failed else Answer(wrong[n], "")
                note_cells(sheet, name, cells_of(item, answer, likeness), likeness)
    found = {
        (row["table"], row["group"], row["measure"], row["engine"]): row["value"] for row in sheet.rows()
    }
    compared = 0
    for (table, group, measure, engine), value in found.items():
        other = found.get((table, group, measure, "answers"))
        if engine == "fails" and other is not None and not measure.startswith("share of"):
            compared += 1
            assert value >= other if measure in COSTS else value <= other, (group, measure)
    assert compared > 20


def _blundered(task: str, value: Any) -> Any:
    """Labels turned into others; the rest as it is."""
    other = {"YES": "NO", "NO": "YES", "PARTIAL": "YES", "UNCERTAIN": "NO"}
    if task == "screen":
        verdicts = [v.model_copy(update={"label": other[v.label]}) for v in value.verdicts]
        return value.model_copy(update={"verdicts": tuple(verdicts)})
    if task == "direction":
        turned = "decreased" if value.direction == "increased" else "increased"
        return value.model_copy(update={"direction": turned})
    if task == "rationale":
        return value.model_copy(update={"supported": not value.supported})
    return value


def test_a_limit_draws_the_same_questions_each_time(tmp_path: Any) -> None:
    rows = invented_rows(6, tasks=("arms",))
    first = read_items(data_folder(tmp_path / "a", rows), {"arms"}, 3)
    again = read_items(data_folder(tmp_path / "b", rows[::-1]), {"arms"}, 3)
    assert [i.row for i in first["arms"]] == [i.row for i in again["arms"]]
    assert len(first["arms"]) == 3


def test_studies_that_share_a_report_are_one_cluster() -> None:
    from finetune.instructions import instruction, row_of

    [model] = invented_rows(1, tasks=("arms",))
    sources = (
        about("pmid:1", "nct:1"),
        about("nct:1", "pmcid:1"),
        about("pmid:9"),
        about("pmid:1", reviews=("s:a", "s:b")),
        about(),
        about("pmid:7", reviews=("s:b", "s:c")),
    )
    asked = [model.request.input.model_copy(update={"report_id": str(n)}) for n in range(len(sources))]
    made = [
        row_of(instruction("arms", one, model.value, source), "ours")
        for one, source in zip(asked, sources, strict=True)
    ]
    told = clusters_of(made)
    first, second, third, fourth, fifth, sixth = (told[row.example_id] for row in made)
    assert first == second == "study nct:1"
    assert third == "study pmid:9"
    assert fourth == sixth == "review s:a"
    assert fifth == f"example {made[4].example_id}"


def test_the_scripted_engine_is_asked_by_typed_questions() -> None:
    """Guards the helper: an unknown question would raise, not be answered wrongly."""
    engine = knowing(invented_rows(1, tasks=("arms",)))
    assert isinstance(engine, ScriptedEngine)
