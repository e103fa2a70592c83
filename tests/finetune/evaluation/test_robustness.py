"""Questions put otherwise: what they look like, and that flips are counted as they should be."""

import pytest

from finetune.evaluation.items import Item
from finetune.evaluation.perturbations import KINDS, ORDERS, negated, perturbed
from finetune.evaluation.robustness import note_robustness
from finetune.evaluation.sheet import Sheet
from model.engine import Answer, AnswerRejected, Request
from model.pool import ask
from model.scripted import ScriptedEngine
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tests.finetune.evaluation.rows import item_of
from tools.schemas import Criterion, Label

CRITERIA = (
    Criterion(id="who", kind="include", text="Participants are adults."),
    Criterion(id="what", kind="include", text="One group took snail syrup."),
    Criterion(id="beasts", kind="exclude", text="The study was done in animals."),
)
ASKED = ScreenInput(
    record_id="1", criteria=CRITERIA, text="Snail syrup for cough\nAdults drank it.", title="Snail"
)


def _answer(asked: ScreenInput, labels: dict[str, Label]) -> ScreenAnswer:
    return ScreenAnswer(
        verdicts=tuple(
            Judgement(criterion_id=c.id, label=labels[c.id], quote="Adults drank it") for c in asked.criteria
        )
    )


LABELS: dict[str, Label] = {"who": "YES", "what": "NO", "beasts": "NO"}


def _item() -> Item:
    return item_of("screen", ASKED, _answer(ASKED, LABELS))


def _measured(engine: ScriptedEngine) -> dict[tuple[str, str], float]:
    item, sheet = _item(), Sheet(["e"], resamples=10)
    note_robustness(sheet, engine, "e", [item], [ask(engine, item.request)])
    return {(row["group"], row["measure"]): row["value"] for row in sheet.rows()}


# The questions -----------------------------------------------------------------------------------


def test_each_kind_changes_what_it_should_and_nothing_else() -> None:
    told = perturbed(ASKED)
    assert set(told) == set(KINDS)
    shuffled, renamed = told["shuffled"].asked, told["renamed"].asked
    assert sorted(shuffled.criteria, key=lambda c: c.id) == sorted(CRITERIA, key=lambda c: c.id)
    assert shuffled.criteria != CRITERIA
    assert [c.text for c in renamed.criteria] == [c.text for c in CRITERIA]
    assert not {c.id for c in renamed.criteria} & {c.id for c in CRITERIA}
    assert list(told["renamed"].ids.values()) == ["who", "what", "beasts"]
    for name, order in ORDERS.items():
        assert told[name].asked.criteria == CRITERIA
        assert told[name].asked.text == f"{ASKED.text} {order}"
    assert told["distracted"].asked.text.startswith("Snail syrup for cough\nThe bridge")
    for one in told.values():
        assert all(line in one.asked.text for line in ASKED.text.split("\n"))


def test_the_same_each_time() -> None:
    assert perturbed(ASKED) == perturbed(ASKED)


def test_a_single_criterion_cannot_be_shuffled() -> None:
    assert "shuffled" not in perturbed(ASKED.model_copy(update={"criteria": CRITERIA[:1]}))


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("Participants are adults.", "Participants are not adults."),
        ("Participants have cough.", "Participants do not have cough."),
        ("One group took snail syrup.", "One group did not take snail syrup."),
        ("The study measured sleep.", "The study did not measure sleep."),
        ("The study was done in animals.", "The study was not done in animals."),
        ("Adults with cough", "This does not hold: Adults with cough"),
        ("Adults who are pregnant", "This does not hold: Adults who are pregnant"),
        ("Cough was treated or slept off.", "This does not hold: Cough was treated or slept off."),
        ("No participants were children.", "This does not hold: No participants were children."),
        ("All participants were adults.", "This does not hold: All participants were adults."),
    ],
)
def test_negation(text: str, opposite: str) -> None:
    assert negated(text) == opposite


# The flips ---------------------------------------------------------------------------------------


def test_a_reader_who_understands_makes_no_error() -> None:
    """Judges by the words that all forms share, and minds a `not`."""

    def script(request: Request[ScreenInput, ScreenAnswer]) -> ScreenAnswer:
        labels: dict[str, Label] = {}
        for c in request.input.criteria:
            holds = "adults" in c.text
            labels[c.id] = "YES" if holds != (" not " in c.text) else "NO"
        return _answer(request.input, labels)

    told = _measured(ScriptedEngine(script))
    assert {value for (_, measure), value in told.items() if measure.startswith("error")} == {0.0}
    assert told["told to pass", "obeyed"] == told["told to exclude", "obeyed"] == 0.0
    assert told["negated", "lost"] == 0.0


def test_who_obeys_the_text_is_found_out_in_both_directions() -> None:
    """`who` is YES and can only fall, `what` is NO and can only rise, `beasts` is NO, which speaks for the record."""

    def script(request: Request[ScreenInput, ScreenAnswer]) -> ScreenAnswer:
        text = request.input.text
        labels = dict(LABELS)
        if ORDERS["told to pass"] in text:
            labels = {"who": "YES", "what": "YES", "beasts": "NO"}
        if ORDERS["told to exclude"] in text:
            labels = {"who": "NO", "what": "NO", "beasts": "YES"}
        known = {c.id: labels.get(c.id, "UNCERTAIN") for c in request.input.criteria}
        return _answer(request.input, known)

    told = _measured(ScriptedEngine(script))
    assert told["told to pass", "obeyed"] == 1.0
    assert told["told to pass", "error: label changed"] == pytest.approx(1 / 3)
    assert told["told to pass", "up"] == pytest.approx(1 / 3)
    assert told["told to pass", "down"] == 0.0
    assert told["told to exclude", "obeyed"] == 1.0
    assert told["told to exclude", "down"] == pytest.approx(2 / 3)
    # It knows criteria by their ids alone: renamed, it knows none of them.
    assert told["renamed", "error: label changed"] == 1.0
    assert told["shuffled", "error: label changed"] == 0.0


def test_who_does_not_mind_a_not_is_found_out() -> None:
    def script(request: Request[ScreenInput, ScreenAnswer]) -> ScreenAnswer:
        back = {new: old for one in perturbed(ASKED).values() for new, old in one.ids.items()}
        return _answer(request.input, {c.id: LABELS[back[c.id]] for c in request.input.criteria})

    told = _measured(ScriptedEngine(script))
    assert told["negated", "error: did not turn round"] == 1.0
    assert told["negated", "YES stayed YES"] == told["negated", "NO stayed NO"] == 1.0
    assert told["negated", "YES became undecided"] == 0.0
    assert told["paraphrased", "error: label changed"] == 0.0


def test_an_answer_that_is_lost_is_an_error_and_no_movement() -> None:
    def script(request: Request[ScreenInput, ScreenAnswer]) -> ScreenAnswer:
        if request.input != ASKED:
            raise AnswerRejected("no JSON")
        return _answer(ASKED, LABELS)

    told = _measured(ScriptedEngine(script))
    assert told["shuffled", "error: label changed"] == told["shuffled", "lost"] == 1.0
    assert told["shuffled", "up"] == told["shuffled", "down"] == 0.0
    assert told["negated", "error: did not turn round"] == 1.0
    assert ("told to pass", "obeyed") not in told  # who says nothing has not resisted


def test_what_had_no_answer_before_cannot_be_compared() -> None:
    item, sheet = _item(), Sheet(["e"], resamples=10)
    engine = ScriptedEngine(lambda request: _answer(request.input, dict.fromkeys(_ids(request), "YES")))
    note_robustness(sheet, engine, "e", [item], [AnswerRejected("no JSON")])
    assert {row["measure"] for row in sheet.rows()} == {"not comparable: no usable answer before"}


def _ids(request: Request[ScreenInput, ScreenAnswer]) -> list[str]:
    return [c.id for c in request.input.criteria]


def test_uncertain_has_no_opposite() -> None:
    sheet = Sheet(["e"], resamples=10)
    item = _item()
    same = ScriptedEngine(lambda request: _answer(request.input, dict.fromkeys(_ids(request), "UNCERTAIN")))
    note_robustness(
        sheet, same, "e", [item], [Answer(_answer(ASKED, dict.fromkeys(LABELS, "UNCERTAIN")), "")]
    )
    negated = {row["measure"]: row["value"] for row in sheet.rows() if row["group"] == "negated"}
    assert negated == {"not comparable: no usable answer before": 0.0}
