"""The verbs `form` and `enter`, and what `approve` says while people still read. Trials are invented."""

import csv

import pytest

from agent import commands, entering
from tests.graphs import evident, small
from tests.graphs.evident import SYRUP, WATER
from tools.errors import ConfigError, NotAllowed
from tools.reporting.text import cell_text

YAML = evident.YAML.replace("people: 1", "people: 2")


@pytest.fixture
def home(tmp_path):
    """A review that waits for its readers."""
    home = evident.write(tmp_path / "snail", yaml=YAML)
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
    return home


def blank(home, by):
    """The form that `form` writes for a person."""
    told = entering.form(home.folder, by=by).text
    path = told.splitlines()[0].partition(f"The form for {by}: ")[2]
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def entered(home, lines, by):
    path = home.folder / "mine.csv"
    path.write_text(evident.as_csv(lines), encoding="utf-8")
    return entering.enter(home.folder, file=path, by=by, clock=lambda: small.AT).text


def resumed(home):
    with evident.opened(home) as review:
        return small.go(review, evident.script)


def readings(home):
    with evident.opened(home) as review:
        return review.store.readings(review.pass_id)


def entered_events(home):
    with evident.opened(home) as review:
        return [e.content for e in review.store.events(review.pass_id) if e.kind == "entered"]


def test_a_form_asks_for_every_number_and_every_question_and_shows_none(home):
    lines = blank(home, "Ada")
    asked = {(x["report_id"], x["outcome"], x["arm"], x["field_id"]) for x in lines}
    for report_id in ("shelf:1", "shelf:2"):
        for arm in (SYRUP, WATER):
            assert {(report_id, "nights", arm, name) for name in ("mean", "sd", "total")} <= asked
        assert {(report_id, "nights", "", f"bias/{n}") for n in ("1.1", "1.2")} <= asked
        assert (report_id, "nights", "", "bias/A") not in asked  # a judgement follows from the answers
    assert {x[name] for x in lines for name in ("value", "unit", "quote", "reason")} == {""}


def test_two_people_get_the_same_form_whoever_has_entered_before(home):
    before = blank(home, "Ada")
    entered(home, evident.filled(before), "Ada")
    resumed(home)
    assert blank(home, "Bea") == before


def test_what_a_person_enters_is_stored_with_their_name_and_how_much_of_it_is_quoted(home):
    lines = evident.filled(blank(home, "Ada"))
    lines[0]["quote"] = "Nights slept, mean (SD) | 6.0 (2.0)"
    lines[1]["quote"] = "no such words"
    told = entered(home, lines, "Ada")
    assert told.startswith(f"Stored {len(lines)} cells of Ada, 1 with a quote that stands in the report.")
    (reading,) = readings(home)
    assert (reading.by, len(reading.cells), reading.at) == ("Ada", len(lines), small.AT)
    first, second = reading.cells[:2]
    assert (first.status, first.quote.text) == ("grounded", lines[0]["quote"])
    assert (second.status, second.quote) == ("ungrounded", None)
    assert {c.reader for c in reading.cells} == {"person:Ada"}
    assert entered_events(home) == [{"by": "Ada", "cells": len(lines), "reports": ["shelf:1", "shelf:2"]}]


def test_the_same_twice_is_refused(home):
    lines = evident.filled(blank(home, "Ada"))
    entered(home, lines, "Ada")
    with pytest.raises(NotAllowed, match="entered exactly this before"):
        entered(home, lines, "Ada")
    assert len(readings(home)) == 1
    # A correction is a reading of its own, and the later one holds.
    entered(home, [{**lines[0], "value": "6.9"}], "Ada")
    assert [len(r.cells) for r in readings(home)] == [len(lines), 1]


@pytest.mark.parametrize("name", ["ada", "Ada ", " ADA"])
def test_one_person_under_two_spellings_is_not_two_people(home, name):
    lines = evident.filled(blank(home, "Ada"))
    entered(home, lines, "Ada")
    with pytest.raises(NotAllowed, match="looks like the same person"):
        entered(home, lines, name)
    entered(home, lines, "Bea")
    assert [r.by for r in readings(home)] == ["Ada", "Bea"]


def test_a_form_with_bad_lines_is_refused_as_a_whole_with_their_numbers(home):
    lines = evident.filled(blank(home, "Ada"))
    lines[0]["value"], lines[3]["report_id"] = "about six", "shelf:7"
    with pytest.raises(ConfigError) as refused:
        entered(home, lines, "Ada")
    assert [p.partition(":")[0] for p in refused.value.problems] == ["line 2", "line 5"]
    assert readings(home) == []
    assert entered_events(home) == []


def test_a_judgement_is_not_entered(home):
    lines = evident.filled(blank(home, "Ada"))
    judged = {**lines[0], "arm": "", "field_id": "bias/A", "value": "low", "reason": "I think so"}
    with pytest.raises(ConfigError, match="a judgement follows from the answers"):
        entered(home, [*lines, judged], "Ada")
    assert readings(home) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "holds no lines"),
        (b"report_id,outcome\n", "holds no lines"),
        (b"\xff\xfe\x00", "cannot be read as text"),
        (b"report_id;outcome\nshelf:1;nights\n", "no report ''"),
    ],
)
def test_a_file_that_is_no_form_is_refused(home, body, told):
    path = home.folder / "mine.csv"
    path.write_bytes(body)
    with pytest.raises(ConfigError, match=told):
        entering.enter(home.folder, file=path, by="Ada")
    with pytest.raises(ConfigError, match="cannot be read"):
        entering.enter(home.folder, file=home.folder / "nothing.csv", by="Ada")
    assert readings(home) == []


def test_a_form_that_a_spreadsheet_has_written_is_read(home):
    """A mark at its begin, guards before formulas, a true minus."""
    lines = evident.filled(blank(home, "Ada"))
    lines[0]["value"], lines[0]["reason"] = "−0.5", "=so it says"
    guarded = [{name: cell_text(value) for name, value in line.items()} for line in lines]
    assert guarded[0]["reason"] == "'=so it says"
    path = home.folder / "mine.csv"
    path.write_text("\ufeff" + evident.as_csv(guarded).replace("\n", "\r\n"), encoding="utf-8", newline="")
    entering.enter(home.folder, file=path, by="Ada")
    assert readings(home)[0].cells[0].value == "-0.5"


def test_there_is_no_form_and_no_entering_unless_the_gate_waits(tmp_path):
    home = evident.write(tmp_path / "snail", yaml=YAML)
    with evident.opened(home) as review:
        evident.upto(review, "extract")
    (home.folder / "mine.csv").write_text("report_id\nshelf:1\n")
    with pytest.raises(NotAllowed, match="`evidence` is not waiting"):
        entering.form(home.folder, by="Ada")
    with pytest.raises(NotAllowed, match="`evidence` is not waiting"):
        entering.enter(home.folder, file=home.folder / "mine.csv", by="Ada")


def test_an_approval_is_refused_with_reasons_until_everybody_has_read_and_agrees(home):
    def refused():
        with pytest.raises(NotAllowed) as told:
            commands.approve(home.folder, step="evidence", by="Ada")
        return str(told.value)

    assert "shelf:1 is to be read by 2 more people" in refused()
    assert "shelf:2 is to be read by 2 more people" in refused()
    form = blank(home, "Ada")
    entered(home, evident.filled(form), "Ada")
    resumed(home)
    assert "shelf:1 is to be read by 1 more person." in refused()
    entered(home, evident.filled(form, {("shelf:2", WATER, "sd"): "2.2"}), "Bea")
    resumed(home)
    told = refused()
    assert "shelf:2 / nights / water / sd: people read different values" in told
    assert "person:Ada: 2.0; person:Bea: 2.2" in told
    assert "shelf:1" not in told
    settled = home.folder / "settled.csv"
    settled.write_text(
        "report_id,outcome,time_point,arm,field_id,value,unit,quote,reason\n"
        f"shelf:2,nights,,{WATER},sd,2.0,nights,,Bea misread\n"
    )
    commands.edit(home.folder, step="evidence", file=settled, by="Cid")
    assert "Approved by Ada" in commands.approve(home.folder, step="evidence", by="Ada").text
    assert resumed(home).step == "synthesis"


def test_status_shows_nobodys_numbers_while_people_read(home):
    entered(home, evident.filled(blank(home, "Ada"), {("shelf:1", SYRUP, "mean"): "6.66"}), "Ada")
    resumed(home)
    told = commands.status(home.folder).text
    assert "so far: Ada" in told
    assert "6.66" not in told
    assert not list(home.gates.glob("evidence-*.csv"))
    with pytest.raises(NotAllowed, match="nothing to edit yet"):
        commands.editable(home.folder)


def test_settling_before_everybody_has_read_is_refused(home):
    """An edit would fix numbers that the next person is to read alone. Arms are proposed, and can be mended."""
    path, head = (
        home.folder / "settled.csv",
        "report_id,outcome,time_point,arm,field_id,value,unit,quote,reason\n",
    )
    path.write_text(head + f"shelf:1,nights,,{SYRUP},mean,6.5,nights,,\n")
    with pytest.raises(ConfigError, match="line 2: people still read shelf:1, each alone"):
        commands.edit(home.folder, step="evidence", file=path, by="Cid")
    path.write_text(head + f"shelf:1,,,{WATER},arm_role,other,,,it is no control\n")
    told = commands.edit(home.folder, step="evidence", file=path, by="Cid").text
    assert "Missing:" in told
    assert "6.0" not in told
