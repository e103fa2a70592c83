"""Reading numbers as a process: who reads, what is asked again, what waits for people. Trials are invented."""

import json
import re

import pytest

from agent.commands import decide, open_gate, store_edit
from agent.showing import gate_files, gate_text
from graphs.accounts import check_all
from graphs.gates import cells_of, obstacles
from model.engine import EngineBusy
from tests.graphs import evident, small
from tests.graphs.evident import HEADER, SYRUP, TWO_PEOPLE, WATER, cell, edit, go_on, missing
from tools.errors import ConfigError, NotAllowed


@pytest.fixture
def home(tmp_path):
    return evident.write(tmp_path / "snail")


@pytest.fixture
def two(tmp_path):
    """A review whose numbers two people read."""
    return evident.write(tmp_path / "snail", yaml=TWO_PEOPLE)


# One person ---------------------------------------------------------------------------------------


def test_every_number_of_every_report_stands_in_the_table_with_its_quote(home):
    with evident.opened(home) as review:
        assert evident.upto(review, "evidence").step == "evidence"
        table = evident.shown(review)
        texts = review.store.outcomes(review.pass_id, "fulltext")
    for number in ("1", "2"):
        for arm, (mean, sd, total) in zip((SYRUP, WATER), evident.TRIALS[number], strict=True):
            said = {name: cell(table, f"shelf:{number}", name, arm) for name in ("mean", "sd", "total")}
            assert {name: c.value for name, c in said.items()} == {
                "mean": mean,
                "sd": sd,
                "total": str(total),
            }
            assert {c.status for c in said.values()} <= {"grounded", "located"}
    for one in cells_of(table.content):
        if one.quote is not None:
            name = texts[one.report_id].outcome.content["text"]
            text = json.loads(review.store.blobs.get(name))["canonical"]
            assert text[one.quote.start : one.quote.end] == one.quote.text


def test_one_person_approves_and_every_report_is_accounted_for(home):
    with evident.opened(home) as review:
        assert evident.through(review).kind == "finished"
        assert check_all(review.store, review.pass_id)["evidence"] == {"entered": 2, "passed": 2}
        assert review.store.outcomes(review.pass_id, "evidence")["shelf:1"].outcome.reader == "person:Ada"


def test_without_an_approval_the_table_is_not_passed_however_often_it_is_resumed(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        for _ in range(3):
            assert go_on(review) == "evidence"
        kinds = {s.outcome.kind for s in review.store.outcomes(review.pass_id, "evidence").values()}
        assert kinds == {"waiting"}
        assert review.store.artefact(review.pass_id, "synthesis") is None


def test_a_step_walked_twice_asks_and_writes_nothing_new(home):
    with evident.opened(home) as review:
        evident.through(review)
        asked, before = evident.calls(review), [s.seq for s in review.store.outcome_log(review.pass_id)]
        made = [a.artefact_id for a, _ in review.store.artefacts(review.pass_id)]
        home.checkpoints.unlink()
        assert small.go(review, evident.script).kind == "finished"
        assert evident.calls(review) == asked
        assert [s.seq for s in review.store.outcome_log(review.pass_id)] == before
        assert [a.artefact_id for a, _ in review.store.artefacts(review.pass_id)] == made


def test_a_rejection_ends_the_review_before_anything_is_pooled(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        decide(review, evident.shown(review), by="Ada", decision="reject")
        assert small.go(review, evident.script).kind == "rejected"
        assert review.store.artefact(review.pass_id, "synthesis") is None


def test_a_settled_number_is_the_persons_and_what_the_machine_said_stays_beside_it(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        edit(review, f"shelf:1,nights,,{SYRUP},mean,6.5,nights,,misprint\n")
        said = cell(evident.shown(review), "shelf:1", "mean")
    assert (said.value, said.reader, said.reason) == ("6.5", "person:Ada", "settled by Ada: misprint")
    assert said.readings == ("machine:scripted: 6.0",)


def test_a_settled_number_stays_settled_when_the_table_is_made_anew(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence", evident.failing("shelf:2", lambda: EngineBusy("too slow today")))
        edit(review, f"shelf:1,nights,,{SYRUP},mean,6.5,nights,,misprint\n")
        evident.upto(review, "evidence", attempt=2)
        table = evident.shown(review)
        assert cell(table, "shelf:2", "mean").value == "7.0"
        assert cell(table, "shelf:1", "mean").value == "6.5"
        assert len({c.key for c in cells_of(table.content)}) == len(cells_of(table.content))


def test_settled_cells_of_a_report_that_has_left_the_review_leave_with_it(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        edit(review, f"shelf:1,nights,,{SYRUP},mean,6.5,nights,,misprint\n")
    home.yaml.write_text(evident.YAML.replace("terms: [snail syrup]", "terms: [snail syrup, snails]"))
    with evident.opened(home, reason="another word") as review:
        evident.upto(review, "extract")
        lines = "record_id,decision,reason\nshelf:1,exclude,snail\n"
        while small.go(review, evident.script).step != "extract":
            small.approve_open(review)
        store_edit(review, open_gate(review, "extract"), lines, by="Ada", note="")
        small.approve_open(review)
        assert go_on(review) == "evidence"
        assert {c.report_id for c in cells_of(evident.shown(review).content)} == {"shelf:2"}


def test_findings_follow_the_numbers_on_the_screen(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        assert evident.shown(review).content["findings"] == []
        made = edit(review, f"shelf:1,nights,,{SYRUP},sd,-2.0,nights,,a misprint\n")
        (found,) = made.content["findings"]
        assert (found["report_id"], found["outcome"]) == ("shelf:1", "nights")
        edit(review, f"shelf:1,nights,,{SYRUP},sd,2.0,nights,,\n")
        assert evident.shown(review).content["findings"] == []


# Two people ---------------------------------------------------------------------------------------


def test_a_form_is_the_same_whatever_others_have_read(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        blank = evident.form_of(review)
        evident.enter(review, evident.filled(blank), "Ada")
        assert go_on(review) == "evidence"
        assert evident.form_of(review) == blank
    for line in blank:
        assert {line[name] for name in ("value", "unit", "quote", "reason")} == {""}
    assert {line["arm"] for line in blank} <= {"", SYRUP, WATER}
    assert next(line["question"] for line in blank if line["field_id"] == "bias/1.1").startswith("Was the")


def test_nobody_sees_a_number_before_everybody_has_read(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        lines = [x for x in evident.form_of(review) if x["report_id"] == "shelf:1"]
        own = {("shelf:1", SYRUP, "mean"): "6.66"}
        evident.enter(review, evident.filled(lines, own), "Ada")
        go_on(review)
        table = evident.shown(review)
        assert missing(review) == {"shelf:1": 1, "shelf:2": 2}
        told = gate_text(table, [])
        assert gate_files(table, {}, {}) == {}
        assert not re.search(r"\d\.\d", told)
        assert "6.66" not in json.dumps(table.content)


def test_two_people_who_agree_need_nothing_but_an_approval(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        blank = evident.form_of(review)
        for name in ("Ada", "Bea"):
            evident.enter(review, evident.filled(blank), name)
        assert go_on(review) == "evidence"
        table = evident.shown(review)
        assert obstacles(table) == []
        said = cell(table, "shelf:1", "mean")
        assert (said.value, said.reader) == ("6.0", "person:Ada + person:Bea")
        assert said.quote is not None  # the machine's, for the same value
        assert said.readings == ("person:Ada: 6.0", "person:Bea: 6.0", "machine:scripted: 6.0")
        assert said.confidence > 0.9
        assert cell(table, "shelf:1", "bias/A", arm="").value == "low"
        small.approve_open(review)
        assert go_on(review) == "synthesis"


def test_a_conflict_waits_until_a_person_settles_it(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        blank = evident.form_of(review)
        evident.enter(review, evident.filled(blank), "Ada")
        evident.enter(review, evident.filled(blank, {("shelf:1", SYRUP, "mean"): "6.5"}), "Bea")
        go_on(review)
        table = evident.shown(review)
        said = cell(table, "shelf:1", "mean")
        assert (said.status, said.value) == ("conflicting", None)
        (why,) = obstacles(table)
        assert "shelf:1 / nights / snail syrup / mean" in why
        assert "person:Ada: 6.0; person:Bea: 6.5" in why
        edit(review, f"shelf:1,nights,,{SYRUP},mean,6.0,nights,,Bea misread\n", by="Cid")
        table = evident.shown(review)
        assert obstacles(table) == []
        assert cell(table, "shelf:1", "mean").reason == "settled by Cid: Bea misread"


def test_a_conflict_can_be_settled_as_not_reported(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        blank = evident.form_of(review)
        evident.enter(review, evident.filled(blank), "Ada")
        evident.enter(review, evident.filled(blank, {("shelf:1", SYRUP, "mean"): "6.5"}), "Bea")
        go_on(review)
        edit(review, f"shelf:1,nights,,{SYRUP},mean,,,,both read a baseline value\n", by="Cid")
        table = evident.shown(review)
        assert obstacles(table) == []
        said = cell(table, "shelf:1", "mean")
        assert (said.status, said.value) == ("not_reported", None)
        assert said.reason == "settled by Cid: both read a baseline value"
        # The whole table, given back as it is, settles nothing.
        (text,) = gate_files(table, {}, {}).values()
        with pytest.raises(NotAllowed, match="changes nothing"):
            store_edit(review, table, text, by="Ada", note="")


def test_what_only_one_of_two_has_read_is_a_conflict(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        blank = evident.form_of(review)
        evident.enter(review, evident.filled(blank), "Ada")
        left_out = [x for x in blank if (x["report_id"], x["arm"], x["field_id"]) != ("shelf:2", WATER, "sd")]
        evident.enter(review, evident.filled(left_out), "Bea")
        go_on(review)
        said = cell(evident.shown(review), "shelf:2", "sd", WATER)
    assert (said.status, said.value) == ("conflicting", None)
    assert "person:Bea: left out" in said.readings


def test_a_settled_conflict_stays_settled_while_its_readers_say_the_same(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        blank = evident.form_of(review)
        evident.enter(review, evident.filled(blank), "Ada")
        evident.enter(review, evident.filled(blank, {("shelf:1", SYRUP, "mean"): "6.5"}), "Bea")
        go_on(review)
        edit(review, f"shelf:1,nights,,{SYRUP},mean,6.0,nights,,Bea misread\n", by="Cid")
        # Bea corrects another cell: the table is made anew.
        other = [x for x in blank if (x["report_id"], x["arm"], x["field_id"]) == ("shelf:2", SYRUP, "sd")]
        evident.enter(review, evident.filled(other, {("shelf:2", SYRUP, "sd"): "2.5"}), "Bea")
        go_on(review)
        table = evident.shown(review)
        assert cell(table, "shelf:1", "mean").value == "6.0"
        assert cell(table, "shelf:2", "sd").status == "conflicting"
        # And when Bea reads the settled cell again and otherwise, it is open again.
        again = [x for x in blank if (x["report_id"], x["arm"], x["field_id"]) == ("shelf:1", SYRUP, "mean")]
        evident.enter(review, evident.filled(again, {("shelf:1", SYRUP, "mean"): "6.9"}), "Bea")
        go_on(review)
        assert cell(evident.shown(review), "shelf:1", "mean").status == "conflicting"


def test_a_reading_after_the_table_was_made_opens_the_gate_again_even_if_it_was_approved(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        blank = evident.form_of(review)
        for name in ("Ada", "Bea"):
            evident.enter(review, evident.filled(blank), name)
        go_on(review)
        evident.enter(review, evident.filled(blank[:1], {}), "Cid")
        small.approve_open(review)  # of a table without Cid's reading
        assert go_on(review) == "evidence"
        assert evident.shown(review).content["people"]["read"] == ["Ada", "Bea", "Cid"]


def test_what_people_have_entered_and_nobody_has_looked_at_is_no_reason_to_read_again(two):
    """Between `enter` and `resume` the gate still shows the old table, and says what to do."""
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        for name in ("Ada", "Bea"):
            evident.enter(review, evident.filled(evident.form_of(review)), name)
        told = obstacles(evident.shown(review))
    assert any("`resume`" in line for line in told)


# Bad lines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"shelf:9,nights,,{SYRUP},mean,6,,,", "no report 'shelf:9' in this table"),
        (f"shelf:1,days,,{SYRUP},mean,6,,,", "no outcome 'days'; the protocol names nights"),
        (f"shelf:1,nights,,{SYRUP},meen,6,,,", "no field 'meen' here"),
        ("shelf:1,nights,,,mean,6,,,", "no field 'mean' here"),
        (f"shelf:1,nights,week 9,{SYRUP},mean,6,,,", "no time point 'week 9'"),
        (f"shelf:1,nights,,{SYRUP},mean,six,,,", "'six' is no number"),
        (f"shelf:1,nights,,{SYRUP},total,20 or so,,,", "'20 or so' is no number"),
        (f"shelf:1,,,{SYRUP},randomised,many,,,", "'many' is no number"),
        (f"shelf:1,nights,,{SYRUP},mean,nan,,,", "is no number"),
        (f"shelf:1,nights,,{SYRUP},mean,inf,,,", "is no number"),
        (f"shelf:1,nights,,{WATER},mean,6,,,", "the same cell stands on an earlier line"),
        ("shelf:1,nights,,,bias/1.1,PY,,,", "'PY' is not offered for 1.1; use one of Y, N, NI, NA"),
        ("shelf:1,nights,,,bias/9.9,Y,,,", "no field 'bias/9.9' here"),
        (f"shelf:1,,,{SYRUP},arm_role,hero,,,", "'hero' is no role"),
        (f"shelf:1,nights,,{SYRUP} vs {WATER},direction,sideways,,,", "'sideways' is no direction"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_nothing_is_stored(two, line, told):
    good = f"shelf:1,nights,,{WATER},mean,5.0,nights,,\n"
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        from graphs.edits import rows_of
        from graphs.evidence_edits import read_lines

        with pytest.raises(ConfigError) as refused:
            read_lines(evident.shown(review).content, rows_of(HEADER + good + line), "Ada", lambda _: "")
        (problem,) = refused.value.problems
        assert problem.startswith("line 3: ")
        assert told in problem
        with pytest.raises(ConfigError):
            store_edit(review, evident.shown(review), HEADER + good + line, by="Ada", note="")
        assert review.store.readings(review.pass_id) == []
        assert evident.shown(review).revision == 1


def test_an_arm_is_the_same_in_capitals_and_a_new_one_is_spelt_as_first_written(two):
    lines = [
        {"report_id": "shelf:1", "outcome": "nights", "arm": arm, "field_id": name, "value": value}
        for arm, name, value in (
            ("SNAIL  Syrup", "mean", "6.0"),
            ("Snail syrup, twice a day", "mean", "7.5"),
            ("snail syrup, twice a day", "sd", "2.0"),
        )
    ]
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        cells = evident.enter(review, lines, "Ada")
    assert [c.arm for c in cells] == [SYRUP, "Snail syrup, twice a day", "Snail syrup, twice a day"]


def test_every_bad_line_is_told_at_once(two):
    lines = [f"shelf:9,nights,,{SYRUP},mean,6,,,", f"shelf:1,nights,,{SYRUP},mean,six,,,"]
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        with pytest.raises(ConfigError) as refused:
            store_edit(review, evident.shown(review), HEADER + "\n".join(lines), by="Ada", note="")
    assert [p.partition(":")[0] for p in refused.value.problems] == ["line 2", "line 3"]


def test_a_judgement_other_than_the_tools_needs_a_reason(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        with pytest.raises(ConfigError, match="needs a reason"):
            edit(review, "shelf:1,nights,,,bias/A,high,,,\n")
        edit(review, "shelf:1,nights,,,bias/A,high,,,the list was open\n")
        said = cell(evident.shown(review), "shelf:1", "bias/A", arm="")
        assert (said.value, said.reader) == ("high", "person:Ada")
        assert cell(evident.shown(review), "shelf:1", "bias/overall", arm="").value == "high"
