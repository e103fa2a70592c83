"""What follows from the cells of a table: judgements of bias and findings, anew with every change. All invented."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.evidence_table import cells_with_judgements, findings_of, outcomes_of, table, tool_of
from tests.graphs.tables import SLEPT, WORRY, cell, events
from tools.appraisal.rob2 import rob2
from tools.errors import NotAllowed
from tools.schemas import Cell

TOOL = rob2()
SOUND = {
    "1.1": "Y", "1.2": "Y", "1.3": "N", "2.1": "N", "2.2": "N", "2.6": "Y", "3.1": "Y",
    "4.1": "N", "4.2": "N", "4.3": "N", "5.1": "Y", "5.2": "N", "5.3": "N",
}  # fmt: skip
"""Low risk in every domain."""


def answered(**changed: str | None) -> list[Cell]:
    """Answers to the signalling questions: `q1_1="N"` changes one, None leaves it open."""
    answers = SOUND | {name[1:].replace("_", "."): value for name, value in changed.items()}
    return [cell(f"bias/{name}", value, outcome="slept") for name, value in answers.items()]


def judged(domain: str, level: str | None, **told: object) -> Cell:
    """A judgement that a person set."""
    more = {"reader": "person:ada", "reason": "settled by ada: it was", "status": "ungrounded", **told}
    return cell(f"bias/{domain}", level, outcome="slept", **more)


def levels(cells: list[Cell], **told: bool) -> dict[str, str | None]:
    """Domain to level, `overall` last."""
    names = (*(d.id for d in TOOL.domains), "overall")
    made = {c.field_id: c.value for c in cells_with_judgements(cells, TOOL, **told)}
    return {name: made[f"bias/{name}"] for name in names if f"bias/{name}" in made}


def test_judgements_follow_from_the_answers_and_say_by_which_rule():
    cells = cells_with_judgements(answered(q1_1="NI", q1_2="N"), TOOL)
    first = next(c for c in cells if c.field_id == "bias/1")
    assert (first.value, first.status, first.reader) == ("high", "computed", "rule")
    assert first.reason
    assert levels(answered()) == dict.fromkeys(["1", "2", "3", "4", "5", "overall"], "low")
    assert levels(answered(q1_1="NI", q1_2="N"))["overall"] == "high"


def test_a_question_without_an_answer_leaves_its_domain_and_the_whole_open():
    found = levels(answered(q3_1=None))
    assert (found["3"], found["overall"], found["1"]) == (None, None, "low")
    open_ = next(c for c in cells_with_judgements(answered(q3_1=None), TOOL) if c.field_id == "bias/3")
    assert (open_.status, "3.1" in open_.reason) == ("not_found", True)


def test_without_answers_or_without_a_tool_nothing_is_judged():
    cells = [events("30"), cell("bias/1.1", None, outcome="slept")]
    assert cells_with_judgements(cells, TOOL) == cells
    assert cells_with_judgements(answered(), None) == answered()


def test_judging_twice_changes_nothing():
    once = cells_with_judgements([events("30"), *answered(q1_2="N")], TOOL)
    assert cells_with_judgements(once, TOOL) == once
    assert len({c.key for c in once}) == len(once)


def test_an_outdated_judgement_is_replaced_when_an_answer_changes():
    once = cells_with_judgements(answered(), TOOL)
    changed = [c.model_copy(update={"value": "N"}) if c.field_id == "bias/1.2" else c for c in once]
    assert levels(changed)["1"] == "high"


def test_results_and_reports_are_judged_apart():
    other = [c.model_copy(update={"outcome": "worry"}) for c in answered(q1_2="N")]
    second = [c.model_copy(update={"report_id": "r2"}) for c in answered(q3_1=None)]
    made = cells_with_judgements([*answered(), *other, *second], TOOL)
    wholes = {(c.report_id, c.outcome): c.value for c in made if c.field_id == "bias/overall"}
    assert wholes == {("r1", "slept"): "low", ("r1", "worry"): "high", ("r2", "slept"): None}


def test_a_persons_judgement_stays_and_the_whole_follows_it():
    made = cells_with_judgements([*answered(), judged("4", "high")], TOOL)
    assert next(c for c in made if c.field_id == "bias/4") == judged("4", "high")
    assert next(c for c in made if c.field_id == "bias/overall").value == "high"


def test_a_judgement_that_nobody_settled_is_no_persons():
    assert levels([*answered(), judged("4", "high", reason="")])["4"] == "low"


def test_a_persons_judgement_is_not_lost_with_the_answers_it_stood_beside():
    made = levels([judged("4", "high"), judged("overall", "high")])
    assert (made["4"], made["overall"], made["1"]) == ("high", "high", None)


def test_an_overall_judgement_that_can_no_longer_be_gives_way_and_is_told():
    cells = [*answered(), judged("overall", "low")]
    assert levels(cells)["overall"] == "low"
    worse = [*answered(q1_2="N"), judged("overall", "low")]
    made = next(c for c in cells_with_judgements(worse, TOOL) if c.field_id == "bias/overall")
    assert (made.value, made.status) == ("high", "computed")
    assert made.readings == ("person:ada: low (settled by ada: it was)",)


def test_where_it_is_set_such_a_judgement_is_refused():
    with pytest.raises(NotAllowed, match="better than domain 1"):
        cells_with_judgements([*answered(q1_2="N"), judged("overall", "low")], TOOL, strict=True)
    with pytest.raises(NotAllowed, match="no judgement"):
        cells_with_judgements([*answered(), judged("4", "terrible")], TOOL, strict=True)


def test_a_level_of_another_tool_does_not_stop_the_review():
    made = levels([*answered(), judged("4", "serious"), judged("overall", "high")])
    assert (made["4"], made["overall"]) == ("low", "low")


@pytest.mark.parametrize(("question", "value"), [("9.9", "Y"), ("1.1", "perhaps"), ("1.1", "")])
def test_answers_to_another_tools_questions_are_kept_and_judge_nothing(question, value):
    odd = cell(f"bias/{question}", value, outcome="slept", reader="person:ada")
    others = [c for c in answered() if c.field_id != odd.field_id]
    made = cells_with_judgements([*others, odd], TOOL)
    assert odd in made
    assert levels([*others, odd])["1"] == ("low" if question == "9.9" else None)


_answers = st.dictionaries(
    st.sampled_from([q.id for d in TOOL.domains for q in d.questions] + ["x"]),
    st.sampled_from(["Y", "PY", "PN", "N", "NI", "NA", "?", None]),
)
_own = st.dictionaries(
    st.sampled_from(["1", "2", "3", "4", "5", "overall"]), st.sampled_from(["low", "some", "high", "", None])
)


@given(_answers, _own)
def test_whatever_was_answered_and_judged_the_table_can_be_built(answers, own):
    cells = [cell(f"bias/{q}", value, outcome="slept") for q, value in answers.items()]
    made = cells_with_judgements([*cells, *(judged(d, level) for d, level in own.items())], TOOL)
    assert [c for c in made if c.field_id in {x.field_id for x in cells}] == cells
    assert len({c.key for c in made}) == len(made)
    assert cells_with_judgements(made, TOOL) == cells_with_judgements(cells_with_judgements(made, TOOL), TOOL)
    for domain, level in own.items():
        (now,) = (c for c in made if c.field_id == f"bias/{domain}")
        assert now == judged(domain, level) or any(f"{level}" in told for told in now.readings)


def test_a_table_holds_what_an_edit_needs_and_can_be_stored():
    cells = [events("41"), cell("total", "40", outcome="slept", arm="Syrup"), *answered()]
    content = json.loads(json.dumps(table(cells, [SLEPT, WORRY], TOOL, people={"needed": 2})))
    assert outcomes_of(content) == [SLEPT, WORRY]
    assert tool_of(content) == TOOL
    assert content["people"] == {"needed": 2}
    (found,) = findings_of(content)
    assert (found.report_id, found.outcome, found.finding.rule) == ("r1", "slept", "events-exceed-total")


def test_a_table_of_nothing_is_a_table():
    content = table([], [], None)
    assert (outcomes_of(content), tool_of(content), findings_of(content)) == ([], None, [])
    assert tool_of({}) is None
