"""What was said, under content keys: asked once, kept first, and read back as it was."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from tools.blobs import Blobs
from tools.database import Database
from tools.errors import StoreError
from tools.exchange import ExchangeLog, StoredExchange
from tools.logs import CallLog, Exchanges, ScoreLog, StoredCall

ROOT = Path(__file__).parents[2]
AT = "2026-01-02T03:04:05Z"

CALL = StoredCall(
    key="v1:a",
    task="screen",
    engine="scripted",
    request="{}",
    status="ok",
    raw="{}",
    tokens_in=3,
    seconds=0.5,
)


@pytest.fixture
def database(tmp_path):
    opened = Database.file(tmp_path / "review.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def calls(database):
    return CallLog(database, lambda: AT)


def exchange(key="v1:x", body=b"snail", service="eutils"):
    return StoredExchange(
        key=key, service=service, request=f'"{key}"', status=200, content_type="text/xml", body=body, at=AT
    )


# Calls -------------------------------------------------------------------------------------------


def test_a_call_comes_back_as_it_was_saved(calls):
    assert calls.find("v1:a") is None
    stored = calls.save(CALL)
    assert stored == replace(CALL, at=AT)
    assert calls.find("v1:a") == stored
    assert list(calls.all()) == list(calls.all("screen")) == [stored]
    assert list(calls.all("query")) == []


def test_of_two_answers_to_one_request_the_first_stands_and_the_second_is_told(calls):
    first = calls.save(CALL)
    assert calls.save(replace(CALL, raw='{"other": 1}')) == first
    assert list(calls.all()) == [first]


def test_a_call_that_cannot_be_stored_is_not_silently_dropped(calls):
    with pytest.raises(IntegrityError, match="NOT NULL"):
        calls.save(replace(CALL, raw=None))
    assert list(calls.all()) == []


SAVES = """
import sys
from pathlib import Path
from tests.tools.test_logs import CALL
from dataclasses import replace
from tools.database import Database
from tools.logs import CallLog

log = CallLog(Database.file(Path(sys.argv[1]) / "review.sqlite"), lambda: "now")
for n in range(30):
    log.save(replace(CALL, key=f"v1:{n}", raw=sys.argv[2]))
"""


def test_two_processes_that_save_the_same_keys_leave_each_once(calls, tmp_path):
    processes = [
        subprocess.Popen([sys.executable, "-c", SAVES, str(tmp_path), name], cwd=ROOT) for name in "ab"
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert sorted(call.key for call in calls.all()) == sorted(f"v1:{n}" for n in range(30))


# Scores ------------------------------------------------------------------------------------------


def test_a_score_keeps_its_first_value(database):
    scores = ScoreLog(database)
    scores.save({"a": 0.125, "b": -1.0})
    scores.save({"a": 0.5, "c": 0.0})
    assert scores.find(["a", "b", "c", "d"]) == {"a": 0.125, "b": -1.0, "c": 0.0}


def test_more_scores_than_one_statement_holds_are_found(database):
    scores = ScoreLog(database)
    many = {f"{n:05}": n / 4096 for n in range(1300)}
    scores.save(many)
    assert scores.find(list(many)) == many
    scores.save({})
    assert scores.find([]) == {}


# Exchanges ---------------------------------------------------------------------------------------


def test_an_exchange_comes_back_with_its_body_and_the_first_is_kept(database, tmp_path):
    log = Exchanges(database, Blobs(tmp_path / "blobs"))
    as_protocol: ExchangeLog = log
    as_protocol.save(exchange(body=bytes(range(256))))
    log.save(exchange(body=b"later"))
    assert log.find("v1:x") == exchange(body=bytes(range(256)))
    assert log.find("v1:y") is None
    assert list(log.all()) == [exchange(body=bytes(range(256)))]


def test_requests_are_listed_by_service_in_order(database, tmp_path):
    log = Exchanges(database, Blobs(tmp_path / "blobs"))
    for key, service in (("c", "eutils"), ("a", "fulltext"), ("b", "eutils")):
        log.save(exchange(key, service=service))
    assert log.requests("eutils") == ['"c"', '"b"']
    assert log.requests() == ['"c"', '"a"', '"b"']


def test_the_log_as_it_was_knows_nothing_that_came_later(database, tmp_path):
    log = Exchanges(database, Blobs(tmp_path / "blobs"))
    assert log.last == 0
    log.save(exchange("a"))
    then = log.until(log.last)
    log.save(exchange("b"))
    assert (then.find("a"), then.find("b")) == (exchange("a"), None)
    assert list(then.all()) == [exchange("a")]
    assert log.last == 2
    assert (then.last, then.requests()) == (1, ['"a"'])


def test_a_row_whose_body_is_gone_is_a_store_error_and_no_miss(database, tmp_path):
    log = Exchanges(database, Blobs(tmp_path / "blobs"))
    log.save(exchange())
    next(path for path in (tmp_path / "blobs").rglob("*.z")).unlink()
    with pytest.raises(StoreError, match="Restore it from a backup"):
        log.find("v1:x")


def test_the_body_is_there_before_the_row_that_names_it(database, tmp_path, monkeypatch):
    blobs = Blobs(tmp_path / "blobs")
    log = Exchanges(database, blobs)

    def full(body):
        raise StoreError("no room")

    monkeypatch.setattr(blobs, "put", full)
    with pytest.raises(StoreError, match="no room"):
        log.save(exchange())
    assert log.requests() == []
