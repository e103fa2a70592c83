"""What stands in the way of approving a table of numbers; everything is invented."""

from agent.entering import blank_form
from agent.showing_evidence import evidence_text
from graphs.evidence_table import table
from graphs.gates import listing, obstacles
from tests.graphs.tables import SLEPT, cell, events
from tools.schemas import Artefact, Disposition

PEOPLE = {"needed": 1, "missing": {}, "read": []}
LINES = [Disposition(record_id="r1", record_version="v", decision="pass", suggested_by="rule")]


def shown(*cells):
    content = listing(LINES, "basis", **table(list(cells), [SLEPT], None, people=PEOPLE))
    return Artefact(
        artefact_id="1/evidence/1", step="evidence", revision=1, author="machine:rules", content=content
    )


def numbers(value="30", total="40"):
    return events(value), cell("total", total, outcome="slept", arm="Syrup")


def test_numbers_that_can_be_so_stand_in_nobodys_way():
    assert obstacles(shown(*numbers())) == []


def test_a_number_that_cannot_be_so_is_corrected_or_explained():
    impossible = shown(*numbers("50"))
    told = obstacles(impossible)
    assert "[events-exceed-total]" in told[0]
    assert "--note" in told[-1]
    assert obstacles(impossible, "  ") == told
    assert obstacles(impossible, "the paper counts episodes") == []


def test_what_only_the_machine_could_not_tell_apart_waits_for_nobody():
    unclear = events(None, status="conflicting", readings=("a: 1", "b: 2"))
    assert obstacles(shown(unclear)) == []
    people = unclear.model_copy(update={"reader": "person:ada + person:ben", "reason": "people differ"})
    assert len(obstacles(shown(people))) == 1


def test_an_arm_with_numbers_and_no_side_is_told_at_the_gate():
    role = cell("arm_role", "other", arm="Syrup")
    assert "without a side" in evidence_text(shown(*numbers(), role).content)
    sided = cell("arm_role", "experimental", arm="Syrup")
    assert "without a side" not in evidence_text(shown(*numbers(), sided).content)


def test_a_form_does_not_tell_that_the_machine_found_something_more():
    plain = shown(*numbers())
    more = shown(*numbers(), cell("percent", "75", outcome="slept", arm="Syrup"))
    assert blank_form(plain) == blank_form(more)
