"""The narrative summary by rules: it says what the cells say, and every sentence passes the check. Invented cells."""

from hypothesis import given
from hypothesis import strategies as st

from model.baseline.summary import MOST, sentences_of_cells
from model.tasks.summary import TASK, SummaryCell, SummaryInput
from tools.reporting.narrative import Fact, Said, supported

CELLS = (
    SummaryCell(id="c1", label="snail syrup, mean", value="5.5 nights"),
    SummaryCell(id="c2", label="Water, mean", value="4.0 nights"),
)
POOLED = (SummaryCell(id="r1", label="Mean difference", value="1.5 (95% CI 0.5 to 2.5)."),)


def summary(cells=CELLS, results=POOLED):
    asked = SummaryInput(outcome="Nights slept", cells=cells, results=results)
    answer = sentences_of_cells(asked)
    TASK.check(answer, asked)
    facts = [Fact(id=cell.id, label=cell.label, value=cell.value) for cell in asked.every]
    narrative = supported([Said(text=s.text, cells=s.cites) for s in answer.sentences], facts)
    assert narrative.dropped == ()
    return answer


def test_results_come_first_and_each_sentence_cites_its_cell():
    answer = summary()
    assert [(s.cites, s.text) for s in answer.sentences] == [
        (("r1",), "Mean difference: 1.5 (95% CI 0.5 to 2.5)."),
        (("c1",), "Snail syrup, mean: 5.5 nights."),
        (("c2",), "Water, mean: 4.0 nights."),
    ]


def test_cells_without_a_value_say_nothing():
    answer = summary(cells=(SummaryCell(id="c1", label="Mean", value=" "),), results=())
    assert (answer.status, answer.sentences) == ("nothing_to_say", ())


def test_what_an_answer_cannot_hold_is_left_in_the_table():
    many = tuple(SummaryCell(id=f"c{n}", label=f"Study {n}", value=str(n)) for n in range(100))
    assert len(summary(cells=many, results=()).sentences) == MOST


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40)), min_size=1, max_size=5))
def test_whatever_the_cells_hold_no_sentence_is_dropped(told):
    summary(tuple(SummaryCell(id=f"c{n}", label=a, value=b) for n, (a, b) in enumerate(told)))
