"""A report that was retrieved and that no machine can read is a person's to read. Trials are invented."""

import pytest

from agent.commands import open_gate, store_edit
from graphs.accounts import check_all
from graphs.gates import cells_of, dispositions_of
from tests.graphs import evident, small
from tests.graphs.evident import SYRUP

BROKEN = "<article><front></front></article>"
LINES = "report_id,outcome,time_point,arm,field_id,value,unit,quote,reason\n"


@pytest.fixture
def home(tmp_path):
    return evident.write(tmp_path / "snail", ("1", "2"), papers={"2": BROKEN})


def listed(review):
    return {x.record_id: x for x in dispositions_of(open_gate(review, "extract").content)}


def test_it_stands_in_the_list_and_waits_with_the_reason(home):
    with evident.opened(home) as review:
        evident.upto(review, "extract")
        line = listed(review)["shelf:2"]
        assert (line.decision, line.reason) == ("wait", "failed: unreadable")
        evident.through(review)
        counts = check_all(review.store, review.pass_id)
        assert counts["extract"] == {"entered": 2, "passed": 1, "waiting": 1}
        assert counts["approve"] == {"entered": 2, "passed": 1, "waiting": 1}


def test_a_person_who_has_read_it_includes_it_and_fills_in_its_numbers(home):
    with evident.opened(home) as review:
        evident.upto(review, "extract")
        edit = "record_id,decision,reason\nshelf:2,pass,\n"
        store_edit(review, open_gate(review, "extract"), edit, by="Ada", note="read on paper")
        evident.upto(review, "evidence")
        blank = evident.shown(review)
        own = [c for c in cells_of(blank.content) if c.report_id == "shelf:2"]
        assert {c.reason for c in own if c.outcome} == {"not machine-readable: people read it"}
        assert all(c.value is None for c in own if c.outcome)
        arms = list(dict.fromkeys(c.arm for c in own if c.outcome))
        numbers = [(arms[0], 2.0, 1.0, 50), (arms[1], 3.0, 1.0, 50)]
        told = "".join(
            f"shelf:2,nights,,{arm},{name},{value},,,\n"
            for arm, mean, sd, total in numbers
            for name, value in (("mean", mean), ("sd", sd), ("total", total))
        )
        store_edit(review, blank, LINES + told, by="Ada", note="")
        evident.through(review)
        (made,) = review.store.artefact(review.pass_id, "synthesis").content["analyses"]
        assert made["pooled"]["k"] == 2
        assert check_all(review.store, review.pass_id)["evidence"] == {"entered": 2, "passed": 2}


def test_a_better_file_is_read_as_long_as_nobody_has_decided(home):
    with evident.opened(home) as review:
        evident.upto(review, "extract")
    evident.publish(home.folder, ("1", "2"))
    with evident.opened(home) as review:
        small.go(review, evident.script)
        assert listed(review)["shelf:2"].decision == "pass"
        evident.upto(review, "evidence")
        cell = evident.cell(evident.shown(review), "shelf:2", "mean", SYRUP)
        assert cell.value == "7.0"
