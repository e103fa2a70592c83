"""The whole graph over an invented review whose every number is known beforehand."""

import csv
import io
import json

import pytest

from agent.commands import open_gate, store_edit
from graphs.accounts import check_all
from model.engine import EngineBusy
from tests.graphs import small
from tools.errors import NotAllowed
from tools.schemas import sha256_of


@pytest.fixture
def home(tmp_path):
    return small.write(tmp_path / "snail")


def test_it_stops_at_each_gate_and_then_reports(home):
    with small.opened(home) as review:
        stops = []
        while (halt := small.go(review)).kind == "gate":
            stops.append(halt.step)
            small.approve_open(review)
        assert stops == ["query", "screen", "extract"]
        assert halt.kind == "finished"
        assert {path.name for path in home.out.iterdir()} >= {"report.html", "prisma.svg", "decisions.csv"}


def test_every_record_is_accounted_for_by_hand(home):
    """Nine entries: one is a duplicate, six are kept, one of the two below the cut is audited."""
    with small.opened(home) as review:
        small.through(review)
        counts = check_all(review.store, review.pass_id)
    assert counts["retrieve"] == {"entered": 9, "passed": 8, "duplicate": 1}
    assert counts["prefilter"] == {"entered": 8, "passed": 7, "not_screened": 1}
    # 1, 2 and the unclear one pass, and the one without abstract too; the horse and the audited one are out.
    assert counts["screen"] == {"entered": 7, "passed": 4, "excluded": 2, "waiting": 1}
    assert counts["fulltext"] == {"entered": 4, "passed": 2, "waiting": 2}
    assert counts["extract"] == {"entered": 2, "passed": 2}
    assert counts["approve"] == {"entered": 4, "passed": 2, "waiting": 2}


def test_a_step_run_twice_writes_nothing_new(home):
    with small.opened(home) as review:
        small.through(review)
        before = [outcome.seq for outcome in review.store.outcome_log(review.pass_id)]
        home.checkpoints.unlink()
        assert small.go(review).kind == "finished"
        assert [outcome.seq for outcome in review.store.outcome_log(review.pass_id)] == before


def test_without_an_approval_the_gate_does_not_open_however_often_it_is_resumed(home):
    with small.opened(home) as review:
        for _ in range(3):
            assert (halt := small.go(review)).kind == "gate"
            assert halt.step == "query"
        assert review.store.searches(review.pass_id) == []


def test_deleted_checkpoints_open_the_same_gate_with_nothing_redone(home):
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        small.go(review)
        shown = open_gate(review, None)
        calls = len(list(review.calls.all()))
        home.checkpoints.unlink()
        assert small.go(review).step == "screen"
        assert open_gate(review, None) == shown
        assert len(list(review.calls.all())) == calls


def test_a_kill_during_screening_loses_and_doubles_nothing(home, tmp_path):
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        with pytest.raises(small.Killed):
            small.go(review, small.dying_after(3))
        assert small.through(review).kind == "finished"
        judged = [
            o for o in review.store.outcome_log(review.pass_id) if o.outcome.reader.startswith("machine:")
        ]
        screened = [o.outcome.record_id for o in judged if o.outcome.step == "screen"]
        assert len(screened) == len(set(screened)) == 7
        killed = {path.name: path.read_bytes() for path in home.out.iterdir()}
    undisturbed = small.write(tmp_path / "other" / "snail")
    with small.opened(undisturbed) as review:
        small.through(review)
        assert {path.name: path.read_bytes() for path in undisturbed.out.iterdir()} == killed


def test_an_edited_query_is_used_and_the_trace_says_who_changed_it(home):
    with small.opened(home) as review:
        small.go(review)
        shown = open_gate(review, "query")
        store_edit(review, shown, "horses[tiab] AND cough[tiab]", by="Bea", note="horses only")
        small.approve_open(review)
        small.go(review)
        searches = review.store.searches(review.pass_id)
        assert [s.result.query_sent for s in searches] == ["(horses[tiab] AND cough[tiab])"]
        edits = [e for e in review.store.events(review.pass_id) if e.kind == "edited"]
        assert [(e.content["by"], e.content["note"]) for e in edits] == [("Bea", "horses only")]
        assert review.store.artefact(review.pass_id, "query").author == "person:Bea"


def test_an_engines_term_that_is_no_term_is_shown_and_not_sent(home):
    with small.opened(home) as review:
        small.go(review)
        content = open_gate(review, "query").content
        assert content["text"] == '"snail syrup"[tiab]'
        assert [(x["term"], x["why"]) for x in content["set_aside"]] == [("a OR b", "is not one search term")]


def test_an_approval_of_something_else_than_is_shown_is_refused(home):
    with small.opened(home) as review:
        small.go(review)
        seen = open_gate(review, "query")
        store_edit(review, seen, "horses[tiab]", by="Bea", note="")
        from agent.commands import decide

        with pytest.raises(NotAllowed, match="not what the query gate shows now"):
            decide(review, seen, by="Ada", decision="approve")
        assert review.store.approvals(review.pass_id) == []


def test_an_edit_over_somebody_elses_edit_is_refused(home):
    with small.opened(home) as review:
        small.go(review)
        seen = open_gate(review, "query")
        store_edit(review, seen, "horses[tiab]", by="Bea", note="")
        with pytest.raises(NotAllowed, match="has changed since you looked"):
            store_edit(review, seen, "cows[tiab]", by="Cid", note="")


def test_a_rejection_ends_the_review(home):
    from agent.commands import decide

    with small.opened(home) as review:
        small.go(review)
        decide(review, open_gate(review, None), by="Ada", decision="reject")
        assert small.go(review).kind == "rejected"
        assert review.store.searches(review.pass_id) == []


def test_a_failure_waits_for_a_person_and_can_be_tried_again(home):
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        small.go(review)
        failed = review.store.outcomes(review.pass_id, "screen")["shelf:6"].outcome
        assert (failed.kind, failed.reason) == ("failed", "too slow today")
        small.go(review, attempt=2)
        again = review.store.outcomes(review.pass_id, "screen")["shelf:6"].outcome
        assert again.kind == "waiting"
        assert again.content["verdict"]["suggestion"] == "pass"
        asked = [json.loads(c.request) for c in review.calls.all("screen")]
        assert len(asked) == 8  # seven once, the failed one twice


def test_failed_cells_are_told_and_can_be_tried_again(home):
    def failing(request):
        if request.task.id == "characteristics" and request.attempt == 1:
            raise EngineBusy("too slow today")
        return small.script(request)

    with small.opened(home) as review:
        while small.go(review, failing).step != "extract":
            small.approve_open(review)
        cells = open_gate(review, "extract").content["cells"]
        assert {(c["status"], c["value"], c["reason"]) for c in cells} == {
            ("failed", None, "busy: too slow today")
        }
        # The record whose screening had failed is tried again as well, and its gate opens first.
        while small.go(review, failing, attempt=2).step != "extract":
            small.approve_open(review)
        assert {c["value"] for c in open_gate(review, "extract").content["cells"]} == {"40", "90"}


def test_an_outage_stops_the_step_and_what_was_judged_stays(home):
    from model.engine import EngineUnavailable

    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        with pytest.raises(EngineUnavailable):
            small.go(review, small.unavailable_after(3))
        kinds = {o.outcome.kind for o in review.store.outcomes(review.pass_id, "screen").values()}
        assert "excluded" not in kinds
        assert small.go(review).step == "screen"
        assert len(review.store.outcomes(review.pass_id, "screen")) == 7


def test_a_line_a_person_changed_is_their_own_decision_and_the_rest_is_bulk(home):
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        small.go(review)
        edit = "record_id,decision,reason\nshelf:4,exclude,snail\n"
        store_edit(review, open_gate(review, "screen"), edit, by="Bea", note="read it")
        small.approve_open(review, by="Ada")
        standing = review.store.outcomes(review.pass_id, "screen")
        assert standing["shelf:4"].outcome.reader == "person:Bea"
        assert standing["shelf:4"].outcome.content["how"] == "individual"
        assert standing["shelf:3"].outcome.reader == "person:Ada"
        assert standing["shelf:3"].outcome.content["how"] == "bulk approval of machine suggestions"


def test_a_record_without_abstract_is_never_suggested_for_exclusion(home):
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        small.go(review)
        verdict = review.store.outcomes(review.pass_id, "screen")["shelf:5"].outcome.content["verdict"]
        assert verdict["suggestion"] == "pass"


def test_without_a_screening_gate_nothing_is_excluded(tmp_path):
    home = small.write(tmp_path / "snail", small.YAML.replace("[query, screen, extract]", "[query, extract]"))
    with small.opened(home) as review:
        small.through(review)
        counts = check_all(review.store, review.pass_id)["screen"]
    assert counts == {"entered": 7, "passed": 4, "waiting": 2, "failed": 1}


def test_a_changed_criterion_is_a_new_revision_and_asks_screening_again_but_not_the_search(home):
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        small.go(review)
        searches = len(review.store.searches(review.pass_id))
    home.yaml.write_text(small.YAML.replace("They were given snail syrup.", "They drank snail syrup."))
    with small.opened(home, reason="clearer") as review:
        assert small.go(review).step == "screen"
        assert len(review.store.searches(review.pass_id)) == searches
        asked = [
            json.loads(c.request)["seen"]["input"]["criteria"][1]["text"] for c in review.calls.all("screen")
        ]
        assert asked.count("They drank snail syrup.") == 7
        assert review.store.protocols()[-1].reason == "clearer"
        small.through(review)
    report = (home.out / "report.html").read_text()
    assert "They drank snail syrup." in report
    assert "clearer" in report


def test_a_new_query_supersedes_the_records_it_no_longer_finds(home):
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        small.go(review)
    strategy = "search: {strategy: 'horses[tiab] AND cough[tiab]'}\ncriteria:"
    home.yaml.write_text(small.YAML.replace("criteria:", strategy, 1))
    with small.opened(home, reason="horses") as review:
        assert small.through(review).kind == "finished"
        counts = check_all(review.store, review.pass_id)
        assert counts["retrieve"] == {"entered": 1, "passed": 1}
        kinds = [o.outcome.kind for o in review.store.outcomes(review.pass_id, "screen").values()]
        assert sorted(kinds) == ["excluded", *["superseded"] * 6]


def test_the_decisions_table_has_one_row_per_record_with_quote_and_person(home):
    with small.opened(home) as review:
        small.through(review)
    rows = list(csv.DictReader(io.StringIO((home.out / "decisions.csv").read_text("utf-8-sig"))))
    assert len(rows) == 9
    first = next(row for row in rows if row["record_id"] == "shelf:1")
    assert any("snail syrup" in (value or "").lower() for key, value in first.items() if "quote" in key)
    assert any("Ada" in (value or "") for value in first.values())


def test_a_full_text_that_arrives_later_is_read_at_the_next_resume(home):
    with small.opened(home) as review:
        while small.go(review).step != "extract":
            small.approve_open(review)
        text = small.FULL_TEXT.format(pmid="4", title="Snail syrup unclear [UNCERTAIN]", n=12)
        (home.folder / "fulltexts" / "4.nxml").write_text(text)
        assert small.go(review).step == "extract"
        cells = open_gate(review, "extract").content["cells"]
        assert [(c["report_id"], c["value"]) for c in cells][-1] == ("shelf:4", "12")


def test_two_reports_with_one_hand_drawn_link_are_one_study(home):
    from graphs.steps.approve import studies_of
    from tools.records.linking import HandLink

    with small.opened(home) as review:
        small.through(review)
        link = HandLink(kind="join", report_ids=("shelf:1", "shelf:2"), by="Ada", why="same site and dates")
        review.store.add_study_link(review.pass_id, link)
        assert small.go(review).kind == "finished"
        included = [s for s in studies_of(small.deps_of(review)) if s.state == "included"]
    assert [s.report_ids for s in included] == [("shelf:1", "shelf:2")]
    assert "Ada" in included[0].grouped_by


def test_a_number_in_the_extraction_table_lies_where_its_offsets_say(home):
    with small.opened(home) as review:
        small.through(review)
        cells = review.store.artefact(review.pass_id, "extract").content["cells"]
        texts = review.store.outcomes(review.pass_id, "fulltext")
        assert {cell["value"] for cell in cells} == {"40", "90"}
        for cell in cells:
            body = json.loads(review.store.blobs.get(texts[cell["report_id"]].outcome.content["text"]))
            quote = cell["quote"]
            assert body["canonical"][quote["start"] : quote["end"]] == quote["text"]
            assert cell["status"] == "grounded"


def test_the_checkpoints_stay_small(home):
    with small.opened(home) as review:
        small.through(review)
    assert home.checkpoints.stat().st_size < 200_000


def test_the_state_holds_names_and_no_records(home):
    with small.opened(home) as review:
        small.through(review)
        finished = [e for e in review.store.events(review.pass_id) if e.kind == "started"]
        for event in finished:
            assert "shelf:1" not in json.dumps(dict(event.content))


def test_an_artefacts_hash_is_over_what_is_shown(home):
    with small.opened(home) as review:
        small.go(review)
        shown = open_gate(review, None)
        assert shown.sha256 == sha256_of({"step": "query", "content": shown.content})


def test_a_damaged_full_text_is_one_reports_failure_and_can_be_replaced(home):
    damaged = home.folder / "fulltexts" / "4.nxml.gz"
    damaged.write_bytes(b"\x1f\x8b damaged")
    with small.opened(home) as review:
        while small.go(review).step != "extract":
            small.approve_open(review)
        outcome = review.store.outcomes(review.pass_id, "fulltext")["shelf:4"].outcome
        assert outcome.kind == "failed"
        assert "4.nxml.gz" in outcome.reason
        damaged.unlink()
        (home.folder / "fulltexts" / "4.nxml").write_text("<article><front>")
        small.go(review)
        outcome = review.store.outcomes(review.pass_id, "fulltext")["shelf:4"].outcome
        assert outcome.kind == "failed"
        assert "4.nxml" in outcome.content["source"]
        text = small.FULL_TEXT.format(pmid="4", title="Snail syrup unclear [UNCERTAIN]", n=12)
        (home.folder / "fulltexts" / "4.nxml").write_text(text)
        small.go(review)
        assert review.store.outcomes(review.pass_id, "fulltext")["shelf:4"].outcome.kind == "passed"
