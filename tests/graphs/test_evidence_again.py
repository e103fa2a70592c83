"""What is asked again and what stands: pilots, protocol revisions, failures, kills. Trials are invented."""

import json

import pytest

from agent.commands import store_edit
from agent.showing import gate_files, gate_text
from graphs.accounts import check_all
from graphs.gates import cells_of
from model.engine import EngineBusy, EngineUnavailable
from tests.graphs import evident, small
from tests.graphs.evident import SYRUP, TWO_PEOPLE, WATER, cell, edit, go_on, missing
from tools.errors import NotAllowed


@pytest.fixture
def home(tmp_path):
    return evident.write(tmp_path / "snail")


@pytest.fixture
def two(tmp_path):
    """A review whose numbers two people read."""
    return evident.write(tmp_path / "snail", yaml=TWO_PEOPLE)


# The pilot ----------------------------------------------------------------------------------------

PILOT = evident.YAML.replace("people: 1", "people: 1\n  pilot: 2")
FIVE = ("1", "2", "3", "4", "5")


def test_the_pilot_reads_the_first_reports_and_the_rest_after_its_approval(tmp_path):
    home = evident.write(tmp_path / "snail", FIVE, PILOT)
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        pilot = evident.shown(review)
        assert {line["record_id"] for line in pilot.content["dispositions"]} == {"shelf:1", "shelf:2"}
        assert "This is the pilot of the form" in gate_text(pilot, [])
        assert evident.calls(review)["arms"] == 2
        waits = check_all(review.store, review.pass_id)["evidence"]
        assert waits == {"entered": 5, "waiting": 5}
        edit(review, f"shelf:1,nights,,{SYRUP},mean,6.5,nights,,misprint\n")
        small.approve_open(review)
        assert go_on(review) == "evidence"
        whole = evident.shown(review)
        assert len(whole.content["dispositions"]) == 5
        assert "pilot" not in gate_text(whole, [])
        assert evident.calls(review)["arms"] == 5
        assert cell(whole, "shelf:1", "mean").value == "6.5"  # what the pilot settled stays settled
        small.approve_open(review)
        assert go_on(review) == "synthesis"
        assert check_all(review.store, review.pass_id)["evidence"] == {"entered": 5, "passed": 5}


def test_a_form_that_is_changed_after_its_pilot_is_tried_again(tmp_path):
    home = evident.write(tmp_path / "snail", FIVE, PILOT)
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
    home.yaml.write_text(PILOT.replace("title: Nights slept,", "title: Nights slept in a week,"))
    with evident.opened(home, reason="the pilot showed it") as review:
        evident.upto(review, "evidence")
        assert evident.shown(review).content["pilot"]
        assert evident.calls(review)["arms"] == 2


def test_a_pilot_of_two_people_waits_for_both(tmp_path):
    home = evident.write(tmp_path / "snail", FIVE, PILOT.replace("people: 1", "people: 2"))
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        assert missing(review) == {"shelf:1": 2, "shelf:2": 2}
        for name in ("Ada", "Bea"):
            evident.enter(review, evident.filled(evident.form_of(review)), name)
        go_on(review)
        small.approve_open(review)
        assert go_on(review) == "evidence"
        assert missing(review) == {"shelf:3": 2, "shelf:4": 2, "shelf:5": 2}


# Protocol revisions -------------------------------------------------------------------------------


def test_a_new_outcome_asks_about_itself_and_nothing_else(home):
    with evident.opened(home) as review:
        evident.through(review)
        before = evident.calls(review)
    more = "better: higher}\n    - {id: cups, title: Cups of tea, kind: dichotomous}"
    home.yaml.write_text(evident.YAML.replace("better: higher}", more))
    with evident.opened(home, reason="tea matters") as review:
        evident.upto(review, "evidence")
        after = evident.calls(review)
        assert cell(evident.shown(review), "shelf:1", "mean").value == "6.0"
    asked = {task: after[task] - before[task] for task in after}
    assert asked == {
        "screen": 0,
        "characteristics": 0,
        "arms": 0,
        "participants": 0,
        "results": 4,
        "direction": 2,
        "bias": 2,
        "summary": 0,
    }


def test_another_analysis_asks_nothing_and_leaves_the_table_approved(home):
    with evident.opened(home) as review:
        evident.through(review)
        before, table = evident.calls(review), review.store.artefact(review.pass_id, "evidence")
    home.yaml.write_text(evident.YAML.replace("model: common", "model: random"))
    with evident.opened(home, reason="studies differ") as review:
        assert small.go(review, evident.script).step == "synthesis"
        # Its own words are about the new numbers; about the reports nothing is asked.
        assert evident.calls(review) == before | {"summary": before["summary"] + 1}
        assert review.store.artefact(review.pass_id, "evidence") == table
        (made,) = evident.shown(review, "synthesis").content["analyses"]
        assert made["analysis"]["model"] == "random"


def test_readings_of_an_outcome_that_is_defined_anew_do_not_count_for_it(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        for name in ("Ada", "Bea"):
            evident.enter(review, evident.filled(evident.form_of(review)), name)
        evident.upto(review, "evidence")
        assert missing(review) == {}
    two.yaml.write_text(TWO_PEOPLE.replace("better: higher}", "better: higher, description: In a month.}"))
    with evident.opened(two, reason="a month") as review:
        evident.upto(review, "evidence")
        assert missing(review) == {"shelf:1": 2, "shelf:2": 2}


def test_what_a_person_settled_stays_settled_when_another_outcome_is_added(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        edit(review, f"shelf:1,nights,,{SYRUP},mean,6.5,nights,,misprint\n")
        edit(review, "shelf:1,nights,,,bias/A,high,,,the list was open\n")
    more = "better: higher}\n    - {id: cups, title: Cups of tea, kind: dichotomous}"
    home.yaml.write_text(evident.YAML.replace("better: higher}", more))
    with evident.opened(home, reason="tea matters") as review:
        evident.upto(review, "evidence")
        table = evident.shown(review)
        assert cell(table, "shelf:1", "mean").value == "6.5"
        assert cell(table, "shelf:1", "bias/A", arm="").value == "high"
    home.yaml.write_text(evident.YAML.replace("better: higher}", "better: higher, change: true}"))
    with evident.opened(home, reason="change scores") as review:
        evident.upto(review, "evidence")
        assert cell(evident.shown(review), "shelf:1", "mean").value == "6.0"


def test_one_reader_instead_of_two_is_a_revision_that_opens_the_table(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        evident.enter(review, evident.filled(evident.form_of(review)), "Ada")
        go_on(review)
        assert missing(review) == {"shelf:1": 1, "shelf:2": 1}
        before = evident.calls(review)
    two.yaml.write_text(evident.YAML)
    with evident.opened(two, reason="nobody else has time") as review:
        evident.upto(review, "evidence")
        assert missing(review) == {}
        assert cell(evident.shown(review), "shelf:1", "mean").reader == "person:Ada"
        assert evident.calls(review) == before


def test_readings_stay_when_only_another_part_of_the_protocol_changes(two):
    with evident.opened(two) as review:
        evident.upto(review, "evidence")
        for name in ("Ada", "Bea"):
            evident.enter(review, evident.filled(evident.form_of(review)), name)
        evident.upto(review, "evidence")
    two.yaml.write_text(TWO_PEOPLE.replace("model: common", "model: random"))
    with evident.opened(two, reason="studies differ") as review:
        evident.upto(review, "evidence")
        assert missing(review) == {}


def test_an_outcome_that_is_dropped_leaves_the_table_with_what_people_read_of_it(tmp_path):
    outcomes = "better: higher}\n    - {id: cups, title: Cups of tea, kind: dichotomous}"
    wide = TWO_PEOPLE.replace("better: higher}", outcomes)
    home = evident.write(tmp_path / "snail", yaml=wide)
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        for name in ("Ada", "Bea"):
            lines = evident.filled(evident.form_of(review))
            evident.enter(review, [x for x in lines if x["field_id"] != "events"], name)
        evident.upto(review, "evidence")
    home.yaml.write_text(TWO_PEOPLE)
    with evident.opened(home, reason="no tea") as review:
        evident.upto(review, "evidence")
        assert {c.outcome for c in cells_of(evident.shown(review).content)} == {"", "nights"}


def test_another_form_for_bias_asks_about_bias_again_and_nothing_else(home):
    with evident.opened(home) as review:
        evident.through(review)
        before = evident.calls(review)
    (home.folder / "form.yaml").write_text(evident.FORM.replace("Was it concealed?", "Was it hidden?"))
    with evident.opened(home, reason="clearer") as review:
        assert evident.upto(review, "evidence").step == "evidence"
        asked = {task: n - before[task] for task, n in evident.calls(review).items() if n != before[task]}
        assert asked == {"bias": 2}


# Failures -----------------------------------------------------------------------------------------


def test_an_engine_that_fails_leaves_failed_cells_with_the_reason_and_can_be_asked_again(home):
    say = evident.failing("shelf:2", lambda: EngineBusy("too slow today"))
    with evident.opened(home) as review:
        evident.upto(review, "evidence", say)
        table = evident.shown(review)
        for name in ("mean", "sd", "total"):
            said = cell(table, "shelf:2", name)
            assert (said.status, said.value, said.reason) == ("failed", None, "busy: too slow today")
        assert cell(table, "shelf:1", "mean").value == "6.0"
        before = evident.calls(review)
        evident.upto(review, "evidence", say, attempt=2)
        assert cell(evident.shown(review), "shelf:2", "mean").value == "7.0"
        # Two arms were not answered, and nothing else is asked again.
        after = evident.calls(review)
        assert {t: after[t] - before[t] for t in after if after[t] != before[t]} == {"results": 2}


def test_failed_numbers_are_left_out_of_the_analysis_and_never_zero(home):
    with evident.opened(home) as review:
        evident.upto(review, "synthesis", evident.failing("shelf:2", lambda: EngineBusy("too slow today")))
        (made,) = evident.shown(review, "synthesis").content["analyses"]
    left = {line["study_id"]: line.get("why") for line in made["lines"]}
    assert sum(why is not None for why in left.values()) == 1
    assert made["pooled"]["k"] == 1
    assert made["pooled"]["y"] == pytest.approx(1.0)


def test_a_report_whose_arms_failed_is_asked_under_the_names_of_the_question(home):
    with evident.opened(home) as review:
        evident.upto(
            review, "evidence", evident.failing("shelf:2", lambda: EngineBusy("too slow today"), "arms")
        )
        cells = [c for c in cells_of(evident.shown(review).content) if c.report_id == "shelf:2"]
        (arms,) = [c for c in cells if c.field_id == "arm"]
        assert (arms.status, arms.reason) == ("failed", "busy: too slow today")
        roles = {c.arm: (c.value, c.status) for c in cells if c.field_id == "arm_role"}
        assert roles == {SYRUP: ("experimental", "ungrounded"), WATER: ("control", "ungrounded")}
        evident.upto(review, "evidence", attempt=2)
        cells = [c for c in cells_of(evident.shown(review).content) if c.report_id == "shelf:2"]
        assert {c.status for c in cells if c.field_id == "arm"} == {"grounded"}


def test_an_outage_stops_and_what_was_answered_is_not_asked_again(home):
    left = [2]

    def going_away(request):
        if request.task.id == "results":
            left[0] -= 1
            if left[0] < 0:
                raise EngineUnavailable("gone")
        return evident.script(request)

    with evident.opened(home) as review:
        with pytest.raises(EngineUnavailable):
            evident.upto(review, "evidence", going_away)
        assert review.store.outcomes(review.pass_id, "evidence") == {}
        assert evident.upto(review, "evidence").step == "evidence"
        assert evident.calls(review)["results"] == 4
        assert all(c.status != "failed" for c in cells_of(evident.shown(review).content))


@pytest.mark.parametrize(("task", "calls"), [("arms", 1), ("results", 3), ("bias", 1)])
def test_a_kill_while_reading_loses_and_doubles_nothing(home, tmp_path, task, calls):
    with evident.opened(home) as review:
        with pytest.raises(small.Killed):
            evident.upto(review, "evidence", evident.dying_at(task, calls))
        assert evident.through(review).kind == "finished"
        asked = [c.request for c in review.calls.all()]
        assert len(asked) == len(set(asked))
        read = [
            s.outcome.record_id
            for s in review.store.outcome_log(review.pass_id)
            if s.outcome.step == "evidence" and s.outcome.reader.startswith("machine:")
        ]
        assert sorted(read) == ["shelf:1", "shelf:2"]
        killed = {path.name: path.read_bytes() for path in home.out.iterdir()}
    undisturbed = evident.write(tmp_path / "other" / "snail")
    with evident.opened(undisturbed) as review:
        evident.through(review)
    assert {path.name: path.read_bytes() for path in undisturbed.out.iterdir()} == killed


def test_the_checkpoints_stay_small_and_hold_no_numbers(home):
    with evident.opened(home) as review:
        evident.through(review)
        for event in review.store.events(review.pass_id):
            if event.kind == "started":
                assert "shelf:1" not in json.dumps(dict(event.content))
    assert home.checkpoints.stat().st_size < 200_000


def test_an_edit_that_says_what_the_table_says_is_refused(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        (text,) = gate_files(evident.shown(review), {}, {}).values()
        with pytest.raises(NotAllowed, match="changes nothing"):
            store_edit(review, evident.shown(review), text, by="Ada", note="")
