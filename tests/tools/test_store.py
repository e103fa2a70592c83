"""The review's log: only inserted into, decided once, all of a step or none of it."""

import itertools
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from tests.graphs import small
from tools.blobs import Blobs
from tools.database import Database
from tools.errors import NotAllowed, StoreError
from tools.records.decisions import DuplicateDecision
from tools.records.linking import HandLink
from tools.schemas import Approval, Outcome, Record, SearchResult
from tools.store import Event, Protocol, Store

ROOT = Path(__file__).parents[2]
AT = "2026-01-02T03:04:05Z"
PASS = "snail/1"


def store_in(folder):
    return Store(Database.file(folder / "review.sqlite"), Blobs(folder / "blobs"), lambda: AT)


@pytest.fixture
def store(tmp_path):
    opened = store_in(tmp_path)
    opened.open_pass(PASS, "first")
    yield opened
    opened.database.close()


def protocol(revision=1):
    return Protocol(revision, "review: {}", {"a": 1}, {"b": [2]}, {"screen": "hash"}, "first", "Ada", AT)


def outcome(record_id, kind="passed", **more):
    return Outcome(step="screen", record_id=record_id, record_version="v", kind=kind, **more)


def artefact(store, content=None, **more):
    given_ = {"author": "machine", "basis": "b"} | more
    return store.add_artefact(PASS, "screen", {"n": 1} if content is None else content, **given_)


def approval(made, by="Ada", **more):
    fields = {"step": made.step, "artefact_id": made.artefact_id, "artefact_sha256": made.sha256}
    return Approval(**(fields | {"decision": "approve", "by": by, "at": AT} | more))


def result(records):
    return SearchResult(source="shelf", query_sent="cough", count=len(records), records=tuple(records))


# Insert-only -------------------------------------------------------------------------------------

ALLOWED = re.compile(
    r"(INSERT INTO|SELECT|WITH|CREATE (TABLE|INDEX|UNIQUE INDEX|VIEW)|BEGIN IMMEDIATE|PRAGMA)\b"
)


def test_a_whole_review_only_ever_inserts(tmp_path):
    """Every statement of a run through the graph with an edit, a failure and a second pass over it."""
    said = []

    def listen(_connection, _cursor, statement, _parameters, _context, _many):
        said.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        with small.opened(small.write(tmp_path / "snail")) as review:
            small.through(review)
            review.home.checkpoints.unlink()
            small.go(review, attempt=2)
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    assert len(said) > 100
    assert [statement for statement in said if not ALLOWED.match(statement)] == []
    assert {s.split()[2].strip('"') for s in said if s.startswith("INSERT")} >= {
        "protocol", "pass", "artefact", "approval", "search", "record", "hit", "outcome", "call", "event",
    }  # fmt: skip


def test_no_source_of_the_store_holds_a_statement_that_changes_rows():
    for name in ("store", "database", "tables", "logs"):
        source = (ROOT / "tools" / f"{name}.py").read_text()
        assert not re.search(r"\b(update|delete)\(|\b(UPDATE|DELETE|DROP|ALTER|REPLACE)\b", source), name


# Protocols and passes ----------------------------------------------------------------------------


def test_a_protocol_comes_back_as_it_was_given_and_a_revision_is_taken_once(store):
    store.add_protocol(protocol(1))
    store.add_protocol(protocol(2))
    assert store.protocols() == [protocol(1), protocol(2)]
    with pytest.raises(StoreError, match="revision 2 exists already; run the command again"):
        store.add_protocol(protocol(2))


def test_beginning_a_pass_again_changes_nothing(store):
    store.open_pass(PASS, "first")
    store.open_pass("snail/2", "update")
    assert store.passes() == [PASS, "snail/2"]


# Artefacts and gates -----------------------------------------------------------------------------


def test_an_edit_is_a_new_revision_with_its_parent(store):
    first = artefact(store)
    second = artefact(store, {"n": 2}, author="person:Bea", parent=first, note="fewer")
    assert (second.revision, second.parent_id, second.author) == (2, first.artefact_id, "person:Bea")
    assert store.artefact(PASS, "screen") == second
    assert store.artefacts(PASS) == [(first, AT), (second, AT)]
    assert store.artefact(PASS, "query") is None


def test_an_edit_of_what_is_no_longer_newest_is_refused(store):
    first = artefact(store)
    artefact(store, {"n": 2}, parent=first)
    with pytest.raises(NotAllowed, match="has changed since you looked"):
        artefact(store, {"n": 3}, parent=first)
    assert len(store.artefacts(PASS)) == 2


def test_an_approval_and_what_follows_from_it_land_together(store):
    made = artefact(store)
    store.approve(PASS, approval(made, note="good"), 1, [outcome("a"), outcome("b", "excluded")])
    assert store.approval(made.artefact_id) == approval(made, note="good")
    assert store.approvals(PASS) == [approval(made, note="good")]
    assert store.counts(PASS) == {"screen": {"passed": 1, "excluded": 1}}


def test_an_approval_whose_outcomes_cannot_be_stored_is_not_stored_either(store):
    store.add_outcomes(PASS, 1, [outcome("a")])
    made = artefact(store)
    with pytest.raises(Exception, match="UNIQUE"):
        store.approve(PASS, approval(made), 1, [outcome("b"), outcome("a")])
    assert store.approval(made.artefact_id) is None
    assert store.counts(PASS) == {"screen": {"passed": 1}}


def test_silence_is_not_consent(store):
    assert store.approval(artefact(store).artefact_id) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"artefact_sha256": "0" * 64}, "the hash does not belong"),
        ({"artefact_id": "snail/1/screen/9"}, "is not what the screen gate shows now"),
        ({"step": "query"}, "is not what the query gate shows now"),
    ],
)
def test_an_approval_of_anything_else_than_is_shown_is_refused(store, change, said):
    made = artefact(store)
    with pytest.raises(NotAllowed, match=said):
        store.approve(PASS, approval(made, **change), 1, [outcome("a")])
    assert store.approvals(PASS) == []
    assert store.counts(PASS) == {}


def test_an_older_revision_cannot_be_approved(store):
    first = artefact(store)
    artefact(store, {"n": 2}, parent=first)
    with pytest.raises(NotAllowed, match="look at it again"):
        store.approve(PASS, approval(first), 1, [])


def test_a_revision_is_decided_once_also_by_the_same_person(store):
    made = artefact(store)
    store.approve(PASS, approval(made), 1, [])
    with pytest.raises(NotAllowed, match="decided already"):
        store.approve(PASS, approval(made), 1, [outcome("late")])
    assert store.counts(PASS) == {}


def test_of_threads_that_approve_at_once_exactly_one_succeeds(store):
    made = artefact(store)
    ready = threading.Barrier(4)
    results = []

    def decide(name):
        ready.wait(10)
        try:
            store.approve(PASS, approval(made, by=name), 1, [outcome(name)])
            results.append(name)
        except NotAllowed:
            results.append(None)

    threads = [threading.Thread(target=decide, args=(name,)) for name in ("Ada", "Bea", "Cid", "Dot")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    winners = [name for name in results if name]
    assert len(results) == 4
    assert len(winners) == 1
    assert [a.by for a in store.approvals(PASS)] == winners
    assert list(store.outcomes(PASS, "screen")) == winners, "nothing of the losers was written"


DECIDES = """
import sys
from pathlib import Path
from tests.tools.test_store import PASS, approval, outcome, store_in
from tools.errors import NotAllowed

store = store_in(Path(sys.argv[1]))
made = store.artefact(PASS, "screen")
print("ready", flush=True)
sys.stdin.readline()
try:
    store.approve(PASS, approval(made, by=sys.argv[2]), 1, [outcome(sys.argv[2])])
    print("approved")
except NotAllowed as e:
    print("refused:", e)
"""


def test_of_processes_that_approve_at_once_exactly_one_succeeds(store, tmp_path):
    artefact(store)
    people = [
        subprocess.Popen(
            [sys.executable, "-c", DECIDES, str(tmp_path), name],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("Ada", "Bea")
    ]  # fmt: skip
    assert [person.stdout.readline() for person in people] == ["ready\n", "ready\n"]
    said = []
    for person in people:
        person.stdin.write("go\n")
        person.stdin.flush()
    for person in people:
        said.append(person.communicate(timeout=60)[0])
    assert sorted(line.split(":")[0].strip() for line in said) == ["approved", "refused"]
    winner = ("Ada", "Bea")[said.index("approved\n")]
    assert [a.by for a in store.approvals(PASS)] == [winner]
    assert list(store.outcomes(PASS, "screen")) == [winner]


# Searches and records ----------------------------------------------------------------------------


def test_a_search_keeps_the_sources_order_and_each_record_once(store):
    first = [Record(record_id=f"shelf:{n}", title=f"Title {n}") for n in (3, 1, 2)]
    changed = Record(record_id="shelf:1", title="Another title")
    store.add_search(PASS, "s1", "database", "b", result(first))
    store.add_search(PASS, "s2", "database", "b", result([changed, first[0]]))
    assert store.hits("s1") == [(r.record_id, r.version) for r in first]
    assert list(store.records(store.hits("s2"))) == [changed, first[0]]
    assert [(s.search_id, s.result.count, s.result.records) for s in store.searches(PASS)] == [
        ("s1", 3, ()),
        ("s2", 2, ()),
    ]


def test_more_records_than_one_statement_holds_come_back_in_order(store):
    records = [Record(record_id=f"shelf:{n}", title=f"Title {n}") for n in range(1203, 0, -1)]
    store.add_search(PASS, "s1", "database", "b", result(records))
    assert list(store.records(store.hits("s1"))) == records


def test_a_search_that_fails_half_way_leaves_nothing_of_it(store):
    records = [Record(record_id=f"shelf:{n}", title=f"Title {n}") for n in range(600)]
    broken = result([*records, records[0].model_copy(update={"record_id": None})])
    with pytest.raises(Exception, match="NOT NULL"):
        store.add_search(PASS, "s1", "database", "b", broken)
    assert store.searches(PASS) == []
    assert store.hits("s1") == []
    with store.database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM record")).scalar_one() == 0


def test_a_record_that_was_never_stored_is_a_store_error(store):
    with pytest.raises(StoreError, match="holds no record shelf:9 of version v"):
        list(store.records([("shelf:9", "v")]))


# Outcomes ----------------------------------------------------------------------------------------


def test_a_changed_mind_is_a_new_row_and_the_newest_speaks(store):
    store.add_outcomes(PASS, 1, [outcome("a", content={"x": [1]}), outcome("b")])
    store.add_outcomes(PASS, 1, [outcome("a", "excluded", reader="person:Ada", reason="cough")])
    assert {i: o.outcome.kind for i, o in store.outcomes(PASS, "screen").items()} == {
        "a": "excluded",
        "b": "passed",
    }
    assert [o.outcome.kind for o in store.outcome_log(PASS)] == ["passed", "passed", "excluded"]
    assert store.machine_outcomes(PASS, "screen")["a"].outcome.content == {"x": [1]}
    assert store.counts(PASS) == {"screen": {"excluded": 1, "passed": 1}}


def test_a_batch_with_one_outcome_twice_is_stored_not_at_all(store):
    store.add_outcomes(PASS, 1, [outcome("a")])
    with pytest.raises(StoreError, match="written twice.*Nothing of this batch"):
        store.add_outcomes(PASS, 1, [outcome("b"), outcome("a")])
    assert list(store.outcomes(PASS, "screen")) == ["a"]


@pytest.mark.parametrize("other", [{"attempt": 2}, {"reader": "person:Ada"}, {"record_version": "w"}])
def test_another_reader_attempt_or_version_is_another_outcome(store, other):
    store.add_outcomes(PASS, 1, [outcome("a")])
    store.add_outcomes(PASS, 1, [outcome("a").model_copy(update=other)])
    store.add_outcomes(PASS, 2, [outcome("a")])
    store.add_outcomes("snail/2", 1, [outcome("a")])
    assert len(list(store.outcome_log(PASS))) == 3
    assert len(list(store.outcome_log("snail/2"))) == 1


KINDS = ("passed", "excluded", "not_screened", "waiting", "failed", "duplicate", "superseded")


PASSES = (f"property/{n}" for n in itertools.count())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(KINDS)), max_size=12))
def test_what_is_current_is_the_last_thing_said_and_counts_are_its_sums(store, rows):
    pass_id = next(PASSES)
    for attempt, (record_id, kind) in enumerate(rows, 1):
        store.add_outcomes(pass_id, 1, [outcome(record_id, kind, attempt=attempt)])
    current = {i: o.outcome.kind for i, o in store.outcomes(pass_id, "screen").items()}
    assert current == dict(rows)
    assert store.counts(pass_id).get("screen", {}) == dict(Counter(current.values()))


# Links and trace ---------------------------------------------------------------------------------


def test_links_and_events_come_back_in_order(store):
    links = [
        HandLink(kind="join", report_ids=("a", "b"), by="Ada", why="same trial"),
        HandLink(kind="split", report_ids=("b",), by="Bea", why="another year"),
    ]
    for link in links:
        store.add_study_link(PASS, link)
    assert store.study_links(PASS) == [(link, AT) for link in links]
    store.log(PASS, Event("screen", "began"))
    store.log(PASS, Event("screen", "ended", {"passed": 3}, 0.5))
    assert store.events(PASS) == [
        Event("screen", "began", {}, None, AT),
        Event("screen", "ended", {"passed": 3}, 0.5, AT),
    ]


def test_words_about_duplicates_are_kept_in_their_order(store):
    words = [
        DuplicateDecision(kind=kind, record_ids=("a", "b"), by="Ada", why="looked")
        for kind in ("same", "different")
    ]
    for word in words:
        store.add_duplicate_decision(PASS, word)
    assert store.duplicate_decisions(PASS) == [(word, AT) for word in words]
    assert store.duplicate_decisions("another") == []


def test_a_second_process_may_decide_while_the_first_has_the_review_open(store, tmp_path):
    made = artefact(store)
    other = store_in(tmp_path)
    other.approve(PASS, approval(made, by="Bea"), 1, [])
    other.database.close()
    assert store.approval(made.artefact_id).by == "Bea"


def test_a_pass_is_opened_with_what_it_was_opened_for_in_one_line_of_its_trace(store):
    store.open_pass("8", "update", {"previous": "1"}, at="2031-01-01T00:00:00Z")
    store.open_pass("8", "update", {"previous": "7"})
    told = store.opened("8")
    assert (told.kind, told.content, told.at) == ("update", {"previous": "1"}, "2031-01-01T00:00:00Z")
    assert [event.kind for event in store.events("8")] == ["opened"]
    with pytest.raises(StoreError, match="no pass 9"):
        store.opened("9")
