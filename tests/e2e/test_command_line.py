"""The demonstration review through the command line, with kills, interferences and forgeries."""

import json
import shutil
import sqlite3

import pytest

from tests.e2e.processes import CLOCK, DEMO, Agent, at_least

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cache):
    """The review, undisturbed, from protocol to report."""
    agent = Agent(DEMO, tmp_path_factory.mktemp("finished"), cache)
    agent.through()
    return agent


@pytest.fixture
def fresh(tmp_path, cache):
    return Agent(DEMO, tmp_path / "home", cache)


@pytest.fixture
def copied(finished, tmp_path):
    """A finished review of one's own, to be spoilt."""
    shutil.copytree(finished.home, tmp_path / "home")
    return Agent(DEMO, tmp_path / "home", finished.cache)


def test_the_report_finds_what_the_invented_corpus_hides(finished):
    known = json.loads((DEMO.parent / "known_answers.json").read_text())
    data = json.loads(finished.outputs()["data.json"])
    decided = {line["record"]["pmid"]: line["title_abstract"] for line in data["records"]}
    lost = [i for i in known["included"] if (decided.get(i) or {}).get("kind") == "excluded"]
    assert lost == []


def test_a_finished_review_verifies_and_replays_to_the_same_bytes(finished):
    assert "All equations hold." in finished("verify")
    assert "byte-identical" in finished("replay", "--verify")


def test_running_a_finished_review_again_changes_nothing(copied):
    before, rows = copied.outputs(), copied.rows("SELECT COUNT(*) FROM outcome")
    assert "Done" in copied("run")
    assert copied.outputs() == before
    assert copied.rows("SELECT COUNT(*) FROM outcome") == rows


def test_a_kill_during_screening_leaves_the_same_report_in_the_end(fresh, finished):
    fresh("run", expect=3)
    fresh("approve", "--gate", "query", "--by", "Ada")
    fresh.killed_when(at_least("screen", 8), "resume")
    assert len(fresh.rows("SELECT * FROM call WHERE task = 'screen'")) < 45
    fresh("resume", expect=3)
    twice = "SELECT record_id FROM outcome WHERE step = 'screen' GROUP BY record_id HAVING COUNT(*) > 1"
    assert fresh.rows(twice) == []
    fresh.approve_all("screen")
    assert fresh.outputs() == finished.outputs()


def test_without_its_checkpoints_the_same_gate_opens_and_nothing_is_asked_again(fresh):
    shown = fresh("run", expect=3)
    calls = fresh.rows("SELECT COUNT(*) FROM call")
    (fresh.home / "checkpoints.sqlite").unlink()
    again = fresh("resume", expect=3)
    assert [line for line in shown.splitlines() if "Hash" in line] == [
        line for line in again.splitlines() if "Hash" in line
    ]
    assert fresh.rows("SELECT COUNT(*) FROM call") == calls


def test_a_kill_right_after_an_approval_doubles_nothing(fresh):
    fresh("run", expect=3)
    fresh("approve", "--gate", "query", "--by", "Ada")
    fresh.killed_when(begun_after_the_approval, "resume")
    fresh("resume", expect=3)
    assert fresh.rows("SELECT COUNT(*) FROM approval") == [(1,)]
    assert fresh.rows("SELECT COUNT(*) FROM search") == [(2,)]


def begun_after_the_approval(log: sqlite3.Connection) -> bool:
    (runs,) = log.execute("SELECT COUNT(*) FROM event WHERE kind = 'run'").fetchone()
    return bool(runs >= 2)


def test_a_second_driver_is_refused_while_deciding_is_allowed(fresh):
    import filelock

    fresh("run", expect=3)
    with filelock.FileLock(fresh.home / ".lock"):
        assert "another process is advancing" in fresh("resume", expect=2)
        assert "Approved by Ada" in fresh("approve", "--by", "Ada")


def test_a_decision_about_something_that_has_changed_is_refused(fresh, tmp_path):
    shown = fresh("run", expect=3)
    old = next(line.split()[-1] for line in shown.splitlines() if "Hash" in line)
    strategy = tmp_path / "new.txt"
    strategy.write_text("tarovexin[tiab] AND migraine[tiab]\n")
    assert "revision 2 by person:Bea" in fresh("edit", "query", "--file", str(strategy), "--by", "Bea")
    assert "Look at it again" in fresh("approve", "--hash", old, "--by", "Ada", expect=2)
    fresh("approve", "--gate", "query", "--by", "Ada")
    fresh("resume", expect=3)
    told = fresh("trace")
    assert "edited" in told
    assert "by=Bea" in told
    assert fresh.rows("SELECT COUNT(*) FROM search") == [(2,)]
    sent = [json.loads(str(content))["query_sent"] for (content,) in fresh.rows("SELECT content FROM search")]
    assert all("tarovexin[tiab]" in query for query in sent)


def test_a_gate_that_is_not_open_cannot_be_approved(fresh):
    fresh("run", expect=3)
    assert "not waiting" in fresh("approve", "--gate", "screen", "--by", "Ada", expect=2)


def test_a_changed_review_yaml_needs_a_reason(tmp_path, cache):
    review = tmp_path / "demo"
    shutil.copytree(DEMO.parent, review, ignore=shutil.ignore_patterns("out", "blobs", "*.sqlite*"))
    agent = Agent(review / "review.yaml", review, cache)
    agent("run", expect=3)
    yaml = review / "review.yaml"
    yaml.write_text(yaml.read_text().replace("keep: 40", "keep: 30"))
    told = agent("resume", expect=2)
    assert "prefilter.keep: 40 became 30" in told
    agent("resume", "--reason", "fewer hands", expect=3)
    agent("approve", "--by", "Ada")
    agent("resume", expect=3)
    assert agent.rows("SELECT revision, reason FROM protocol") == [(1, "first protocol"), (2, "fewer hands")]


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("call", "UPDATE call SET request = replace(request, 'migraine', 'Migraine') WHERE seq = 5"),
        (
            "exchange",
            "UPDATE exchange SET request = replace(request, 'tarovexin', 'other') "
            "WHERE seq = (SELECT MIN(seq) FROM exchange WHERE request GLOB '*tarovexin*')",
        ),
        ("approval", "UPDATE approval SET artefact_sha256 = 'x' || artefact_sha256 WHERE seq = 1"),
        (
            "outcome",
            "DELETE FROM outcome WHERE seq = (SELECT MIN(seq) FROM outcome WHERE step = 'prefilter')",
        ),
    ],
)
def test_a_forged_row_is_found(copied, table, change):
    connection = sqlite3.connect(copied.database)
    connection.execute("PRAGMA foreign_keys = OFF")
    assert connection.execute(change).rowcount > 0, table
    connection.commit()
    connection.close()
    copied("verify", expect=1)


def test_a_report_that_was_edited_by_hand_is_found(copied):
    page = copied.home / "out" / "report.html"
    page.write_text(page.read_text().replace("Tarovexin", "Miraclexin"))
    assert "report.html" in copied("verify", expect=1)


def test_a_changed_blob_is_found(copied):
    blob = next(path for path in sorted((copied.home / "blobs").rglob("*.z")))
    blob.write_bytes(blob.read_bytes()[:-4])
    copied("verify", expect=1)


def test_a_replay_against_a_changed_log_says_what_is_missing(copied):
    connection = sqlite3.connect(copied.database)
    connection.execute("DELETE FROM call WHERE task = 'query'")
    connection.commit()
    connection.close()
    assert "no call of task 'query'" in copied("replay", "--verify", expect=1)


def test_tracing_to_a_remote_service_is_refused(fresh, monkeypatch):
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    assert "remote service" in fresh("run", expect=2)


def test_an_unreachable_pubmed_stops_as_resumable_and_never_reads_as_no_hits(tmp_path, cache):
    review = tmp_path / "live"
    review.mkdir()
    yaml = DEMO.read_text()
    sources = yaml[yaml.index("sources:") : yaml.index("engine:")]
    yaml = yaml.replace(sources, "sources:\n  - {kind: pubmed, email: someone@institute.org}\n\n")
    (review / "review.yaml").write_text(yaml)
    shutil.copy(DEMO.parent / "vocabulary.jsonl", review)
    agent = Agent(review / "review.yaml", review, cache, CLOCK)
    told = agent("run", "--pubmed-url", "http://127.0.0.1:9", "--patience", "2", expect=4)
    assert "not available" in told
    assert "Nothing is lost" in told
    assert agent.rows("SELECT COUNT(*) FROM search") == [(0,)]
