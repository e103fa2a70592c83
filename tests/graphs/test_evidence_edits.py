"""Lines that people write about numbers: what they become, and what is refused with its line. All invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.evidence_edits import COLUMNS, read_lines, settled
from graphs.evidence_table import findings_of, table
from graphs.gates import cells_of, listing
from tests.graphs.tables import RESULTS, SLEPT, WORRY, cell, events, paper, quoted
from tests.graphs.test_evidence_table import TOOL, answered
from tools.errors import ConfigError, NotAllowed
from tools.schemas import Disposition
from tools.synthesis.checks import number_of

TEXTS = {"r1": paper().canonical, "r2": ""}
CELLS = [
    cell("arm", "Syrup", arm="Syrup"),
    cell("arm_role", "experimental", arm="Syrup"),
    quoted(events("30"), "30 of 40 with snail syrup"),
    cell("total", "40", outcome="slept", arm="Syrup"),
    events(None, arm="Water"),
    cell("direction", "increased", outcome="slept", arm="Syrup vs Water"),
]


PEOPLE = {"needed": 1, "missing": {}, "read": []}


def content(cells=None, tool=None):
    lines = [
        Disposition(record_id=i, record_version="v", decision="pass", suggested_by="rule")
        for i in ("r1", "r2")
    ]
    return listing(
        lines, "basis", **table(CELLS if cells is None else cells, [SLEPT, WORRY], tool, people=PEOPLE)
    )


def row(field_id="events", value="", arm="Syrup", outcome="slept", **more):
    given = {"report_id": "r1", "outcome": outcome, "arm": arm, "field_id": field_id, "value": value}
    return dict.fromkeys(COLUMNS, "") | given | more


def entered(*rows, of=None, by="ada"):
    return read_lines(of or content(), rows, by, TEXTS.__getitem__)


def mistakes(*rows, of=None):
    with pytest.raises(ConfigError) as caught:
        entered(*rows, of=of)
    return str(caught.value)


# A person's own reading --------------------------------------------------------------------------


def test_a_line_becomes_a_cell_with_its_quote_found_in_the_report():
    (one,) = entered(row(value="30", unit="people", quote="30 of 40 with snail"))
    assert (one.value, one.unit, one.status, one.reader) == ("30", "people", "grounded", "person:ada")
    assert one.quote is not None
    assert TEXTS["r1"][one.quote.start : one.quote.end] == one.quote.text == "30 of 40 with snail"


def test_a_quote_that_is_not_in_the_report_is_flagged_and_not_kept_as_one():
    (one,) = entered(row(value="30", quote="35 of 40 with snail syrup"))
    assert (one.status, one.quote, one.value) == ("ungrounded", None, "30")


def test_a_line_without_a_value_says_that_the_report_does_not_tell():
    (one,) = entered(row(quote="30 of 40 with snail"))
    assert (one.value, one.status, one.quote) == (None, "not_reported", None)


@pytest.mark.parametrize(
    ("written", "held"),
    [("1,234", "1234"), ("12·30", "12.30"), ("−3", "-3"), ("45%", "45"), ("2e5", "200000"), ("0", "0")],
)
def test_numbers_are_held_as_plain_digits(written, held):
    assert entered(row(value=written))[0].value == held


@pytest.mark.parametrize(
    "written", ["about 30", "30 (75%)", "3-5", "12,3", "NR", "<5", "1_0", "=1+1", "<b>3</b>"]
)
def test_what_is_no_number_is_refused_with_its_line_and_a_way_out(written):
    said = mistakes(row(value="30"), row("total", value=written))
    assert "line 3" in said
    assert "plain digits" in said
    assert "line 2" not in said


def test_every_mistake_is_told_at_once_and_nothing_is_kept():
    said = mistakes(
        row(value="x"),
        row(report_id="r9"),
        row(outcome="joy"),
        row("wingspan"),
        row(value="30"),
        row(value="31"),
    )
    for line, words in (
        (2, "no number"),
        (3, "no report 'r9'"),
        (4, "no outcome 'joy'"),
        (5, "no field 'wingspan'"),
        (7, "the same cell stands on an earlier line"),
    ):
        assert any(f"line {line}:" in told and words in told for told in said.splitlines())
    assert "line 6" not in said


def test_people_may_add_arms_and_numbers_but_no_reports_and_no_outcomes():
    added = entered(row(value="5", arm="Third arm"), row("arm", "Third arm", arm="Third arm", outcome=""))
    assert [c.arm for c in added] == ["Third arm", "Third arm"]
    assert entered(row(value="5", report_id="r2", arm="Any"))[0].report_id == "r2"
    assert "no field" in mistakes(row(value="5", arm=""))


def test_roles_are_three_and_signalling_answers_are_those_of_the_question():
    assert entered(row("arm_role", "control", outcome=""))[0].value == "control"
    assert "no role" in mistakes(row("arm_role", "placebo", outcome=""))
    judging = content([*CELLS, *answered()], TOOL)
    assert entered(row("bias/1.1", "PN", arm=""), of=judging)[0].value == "PN"
    assert entered(row("bias/1.1", "NA", arm=""), of=judging)[0].value == "NA"
    assert "not offered" in mistakes(row("bias/1.1", "maybe", arm=""), of=judging)


def test_whoever_reads_answers_questions_and_sets_no_judgement():
    judging = content([*CELLS, *answered()], TOOL)
    said = mistakes(row("bias/1", "high", arm="", reason="it was"), of=judging)
    assert "follows from the answers" in said
    assert "`edit`" in said


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_of_a_person_breaks_the_reading_of_lines(value, quote):
    for given_row in (row(value=value, quote=quote), row("arm", value, arm="Third", outcome="", quote=quote)):
        number = given_row["field_id"] == "events"
        if value and number and not isinstance(number_of(value), float):
            assert "line 2" in mistakes(given_row)
            continue
        (one,) = entered(given_row)
        assert one.quote is None or TEXTS["r1"][one.quote.start : one.quote.end] == one.quote.text
        assert (one.value is None) == (not value)


def test_time_points_are_those_of_the_protocol():
    assert "no time point '6 weeks' of slept" in mistakes(row(value="5", time_point="6 weeks", arm="Third"))


def test_a_direction_is_one_of_three():
    known = {"arm": "Syrup vs Water"}
    assert entered(row("direction", "decreased", **known))[0].value == "decreased"
    assert "no direction" in mistakes(row("direction", "better", **known))


def test_how_people_were_assigned_can_be_entered_of_a_whole_report():
    design = [
        row("trial_design", "cluster", arm="", outcome=""),
        row("cluster_size", "20.0", arm="", outcome=""),
    ]
    assert [(c.field_id, c.value) for c in entered(*design)] == [
        ("trial_design", "cluster"),
        ("cluster_size", "20.0"),
    ]
    assert "no design" in mistakes(row("trial_design", "stepped wedge", arm="", outcome=""))
    assert "no number" in mistakes(row("cluster_size", "about twenty", arm="", outcome=""))


def test_an_entry_of_a_register_is_not_read_by_people_and_may_be_corrected_at_the_gate():
    posted = events("9", report_id="ctgov:NCT09000001", reader="registry")
    known = content([*CELLS, posted])
    line = row(value="8", report_id=posted.report_id)
    assert "read by rules" in mistakes(line, of=known)
    texts = {**TEXTS, posted.report_id: ""}
    made = settled(known, [line], "ada", texts.__getitem__)
    assert (found(made, posted).value, found(made, posted).readings) == ("8", ("registry: 9",))


# Settling at the gate ----------------------------------------------------------------------------


def settle(*rows, of=None, by="ada"):
    return settled(of or content(), rows, by, TEXTS.__getitem__)


def found(made, one):
    (cell_,) = (c for c in cells_of(made) if c.key == one.key)
    return cell_


def test_a_settled_cell_says_by_whom_and_what_was_read_before():
    made = settle(row(value="29", quote="30 of 40 with snail syrup", reason="a misprint"))
    now = found(made, events())
    assert (now.value, now.reader, now.reason) == ("29", "person:ada", "settled by ada: a misprint")
    assert now.readings == ("machine:rules: 30",)
    others = [c for c in cells_of(made) if c.key != now.key]
    assert others == [c for c in CELLS if c.key != now.key]


def test_a_line_that_changes_nothing_settles_nothing():
    before = content()
    assert settle(row(value="30", quote="30 of 40 with snail syrup"), of=before) == before


def test_settling_twice_keeps_the_first_readings():
    twice = settle(row(value="28"), of=settle(row(value="29")), by="bo")
    now = found(twice, events())
    assert (now.value, now.reason, now.readings) == ("28", "settled by bo", ("machine:rules: 30",))


def test_a_value_can_be_taken_away():
    now = found(settle(row()), events())
    assert (now.value, now.quote, now.status, now.readings) == (
        None,
        None,
        "not_reported",
        ("machine:rules: 30",),
    )


def test_a_conflict_stays_open_until_a_person_says_a_value_or_why_there_is_none():
    conflict = events(None, arm="Water", status="conflicting", reason="people read different values")
    before = content(
        [*CELLS[:4], conflict.model_copy(update={"readings": ("person:ada: 20", "person:bo: 21")})]
    )
    for why in ("", "people read different values"):
        assert settle(row(arm="Water", reason=why), of=before) == before
    left = found(settle(row(arm="Water", reason="of another population"), of=before), conflict)
    assert (left.value, left.status, left.reason) == (
        None,
        "not_reported",
        "settled by ada: of another population",
    )
    chosen = found(settle(row(value="21", arm="Water"), of=before), conflict)
    assert (chosen.value, chosen.readings) == ("21", ("person:ada: 20", "person:bo: 21"))


def test_numbers_are_not_settled_while_people_still_read_them_alone():
    waiting = content() | {"people": {"needed": 2, "missing": {"r1": 1}, "read": ["ada"]}}
    with pytest.raises(ConfigError, match="line 2: people still read r1"):
        settle(row(value="29"), of=waiting)
    roles = settle(row("arm_role", "control", outcome=""), of=waiting)
    assert found(roles, CELLS[1]).value == "control"
    unchanged = row(value="30", quote="30 of 40 with snail syrup")
    assert settle(unchanged, of=waiting) == waiting


def test_findings_are_about_the_settled_numbers():
    assert findings_of(content()) == []
    made = settle(row(value="43"))
    assert [f.finding.rule for f in findings_of(made)] == ["events-exceed-total"]
    assert findings_of(settle(row(value="30"), of=made)) == []


def test_what_is_not_about_cells_stays_as_it_is():
    before = content() | {"entries": {"r1": ["ctgov:NCT1"]}}
    made = settle(row(value="29"), of=before)
    for name in ("summary", "protocol_basis", "dispositions", "people", "entries", "outcomes", "tool"):
        assert made[name] == before[name]


def test_another_answer_changes_the_judgement_that_follows_from_it():
    before = content([*CELLS, *answered()], TOOL)
    made = settle(row("bias/1.2", "N", arm=""), of=before)
    levels = {c.field_id: c.value for c in cells_of(made)}
    assert (levels["bias/1"], levels["bias/overall"]) == ("high", "high")


def test_another_judgement_than_the_tools_needs_a_reason():
    before = content([*CELLS, *answered()], TOOL)
    with pytest.raises(ConfigError, match="line 2: another judgement than the tool's needs a reason"):
        settle(row("bias/4", "high", arm=""), of=before)
    made = settle(row("bias/4", "high", arm="", reason="they could guess"), of=before)
    levels = {c.field_id: c for c in cells_of(made)}
    assert levels["bias/4"].reason == "settled by ada: they could guess"
    assert levels["bias/overall"].value == "high"


def test_an_overall_judgement_better_than_a_domain_is_refused():
    before = content([*CELLS, *answered(q1_2="N")], TOOL)
    with pytest.raises(NotAllowed, match="better than domain 1"):
        settle(row("bias/overall", "low", arm="", reason="I like it"), of=before)


def test_mistakes_at_the_gate_are_told_with_their_lines():
    with pytest.raises(ConfigError, match="line 3"):
        settle(row(value="29"), row("total", "many"))


def test_hostile_words_are_kept_as_words_and_nothing_else():
    wild = '=HYPERLINK("x") <script>alert(1)</script> $a_b$'
    made = settle(row(value="29", reason=wild), row("arm", wild, arm=wild, outcome=""))
    assert found(made, events()).reason == f"settled by ada: {wild}"
    assert any(c.value == wild for c in cells_of(made))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Syrup", "Water"]), st.sampled_from(["events", "total"]), st.integers(0, 99)
        ),
        unique_by=lambda line: line[:2],
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_lines_changes_no_cell(lines, random):
    rows = [row(field_id, str(value), arm=arm) for arm, field_id, value in lines]
    turned = list(rows)
    random.shuffle(turned)
    first, second = ({c.key: c for c in cells_of(settle(*each))} for each in (rows, turned))
    assert first == second


def test_the_text_of_the_results_is_what_quotes_are_looked_up_in():
    assert RESULTS in TEXTS["r1"]
