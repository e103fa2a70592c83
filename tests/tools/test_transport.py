"""The one transport: what is asked, what is kept, what is never told."""

import json
import logging
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.faults import (
    Answer,
    Fault,
    altered,
    redirect,
    reset,
    slow_drip,
    too_many_requests,
    truncated,
    unavailable,
)
from tests.servers.loopback import Served, serving
from tools.errors import ReplayMiss, SourceRefused, SourceUnavailable
from tools.exchange import Judgement, judge_status, pause_s, redact, retry_after_s
from tools.transport import Call, Patience, RateLimit, Reply, Service, StoredExchange, Transport

KEY = "0123456789abcdef-secret"
NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Log:
    """An exchange log in memory."""

    kept: dict[str, StoredExchange] = field(default_factory=dict)

    def find(self, key: str) -> StoredExchange | None:
        return self.kept.get(key)

    def save(self, exchange: StoredExchange) -> None:
        self.kept.setdefault(exchange.key, exchange)

    def requests(self, service: str) -> list[str]:
        return [e.request for e in self.kept.values() if e.service == service]


class Echo:
    """A service that says back what it was asked, except for who asked."""

    def utility(self, path: str) -> str | None:
        return path.strip("/") or None

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer:
        if utility == "refuse":
            return Answer(f"no such thing for {params.get('email')}".encode(), 400, "text/plain")
        return Answer(f"{utility} {params.get('q', '')}".encode(), content_type="text/plain")

    def forget(self) -> None: ...


@dataclass
class Clock:
    """Time that passes only by sleeping."""

    slept: list[float] = field(default_factory=list)

    def sleep(self, pause_s: float) -> None:
        self.slept.append(pause_s)

    def monotonic(self) -> float:
        return sum(self.slept)


@dataclass
class Bench:
    """A transport, its log, its clock and the service it talks to."""

    transport: Transport
    served: Served
    log: Log
    clock: Clock


@contextmanager
def bench(
    tmp_path: Path, *faults: Fault, log: Log | None = None, replay_only: bool = False, **patience: float
) -> Iterator[Bench]:
    log = Log() if log is None else log
    clock = Clock()
    with (
        serving(Echo(), faults) as served,
        Transport(
            {"echo": Service(base_url=served.address)},
            log,
            cache=tmp_path,
            replay_only=replay_only,
            patience=Patience.model_validate(patience),
            secrets=[KEY],
            now=lambda: NOW,
            monotonic=clock.monotonic,
            sleep=clock.sleep,
            chance=lambda: 0.5,
        ) as transport,
    ):
        yield Bench(transport, served, log, clock)


def call(q: str = "x", event: str = "s1", path: str = "say", **more: str) -> Call:
    return Call(service="echo", path=path, params=tuple({"q": q, **more}.items()), event=event)


# Identity ----------------------------------------------------------------------------------------


def test_the_key_is_the_hash_of_the_stored_request_and_never_changes():
    """Worked out once, outside this program: a change of this value would orphan every stored exchange."""
    asked = Call(service="s", path="p", params=(("b", "2"), ("a", "1")), event="e")
    assert asked.request == (
        '{"event":"e","method":"GET","params":[["a","1"],["b","2"]],"path":"p","service":"s"}'
    )
    assert asked.key == "v1:c8300def4933d206461715a303b5645fc51857154982e6ed9fba4c1970981685"


def test_who_asks_is_no_part_of_what_is_asked():
    ours = call(api_key=KEY, email="a@example.org", tool="t")
    assert ours.key == call().key
    assert KEY not in ours.request


@pytest.mark.parametrize(
    "other",
    [call("y"), call(event="s2"), call(path="other"), call().model_copy(update={"method": "POST"})],
    ids=["parameters", "event", "path", "method"],
)
def test_another_question_has_another_key(other):
    assert other.key != call().key


def test_two_ways_to_the_same_question_share_a_key():
    ways = [
        call(place=place).model_copy(update={"stands_for": (("ids", "1,2"),)}) for place in ("here", "there")
    ]
    assert ways[0].key == ways[1].key != call().key


# Record and replay -------------------------------------------------------------------------------


def test_what_was_answered_once_is_not_asked_again(tmp_path):
    with bench(tmp_path) as b:
        first, second = b.transport.exchange(call()), b.transport.exchange(call())
    assert (first.body, first.from_store) == (b"say x", False)
    assert (second.body, second.at, second.from_store) == (b"say x", first.at, True)
    assert second.content_type == first.content_type == "text/plain"
    assert len(b.served.log) == 1


def test_a_new_search_event_is_a_new_exchange(tmp_path):
    with bench(tmp_path) as b:
        b.transport.exchange(call(event="s1"))
        assert not b.transport.exchange(call(event="s2")).from_store
    assert len(b.log.kept) == 2


def test_what_is_stored_is_dated_by_the_clock_that_was_given(tmp_path):
    with bench(tmp_path) as b:
        b.transport.exchange(call(api_key=KEY))
    (stored,) = b.log.kept.values()
    assert stored.at == "2030-01-02T03:04:05+00:00"
    assert stored == StoredExchange(
        key=call().key,
        service="echo",
        request=call().request,
        status=200,
        content_type="text/plain",
        body=b"say x",
        at=stored.at,
    )


def test_a_replay_needs_no_service(tmp_path):
    with bench(tmp_path) as b:
        b.transport.exchange(call())
    with Transport({}, b.log, cache=tmp_path, replay_only=True) as replaying:
        assert replaying.exchange(call()).body == b"say x"


def test_a_replay_that_misses_shows_the_nearest_request_and_asks_nobody(tmp_path):
    with bench(tmp_path) as b:
        b.transport.exchange(call("asthma AND cats"))
        b.transport.exchange(call("something else entirely"))
    with bench(tmp_path, log=b.log, replay_only=True) as replay:
        with pytest.raises(ReplayMiss) as caught:
            replay.transport.exchange(call("asthma AND dogs"))
        assert replay.served.log == []
    said = str(caught.value)
    assert "-" in said
    assert "cats" in said
    assert "dogs" in said
    assert "something else" not in said
    assert "remedy" in said


def test_a_replay_over_an_empty_log_says_so(tmp_path):
    with bench(tmp_path, replay_only=True) as b, pytest.raises(ReplayMiss, match="nothing like it"):
        b.transport.exchange(call())


def test_what_was_found_out_in_the_place_of_an_answer_is_kept_like_one(tmp_path):
    with bench(tmp_path) as b:
        settled = b.transport.settle(call(), b'{"parts": []}', "application/json")
        again = b.transport.exchange(call())
    assert (again.body, again.content_type, again.at) == (settled.body, "application/json", settled.at)
    assert b.served.log == []


def test_a_question_about_this_moment_is_asked_anew_and_not_kept(tmp_path):
    with bench(tmp_path) as b:
        b.transport.exchange(call())
        assert not b.transport.exchange(call(), kept=False).from_store
        assert not b.transport.exchange(call("y"), kept=False).from_store
    assert len(b.served.log) == 3
    assert len(b.log.kept) == 1


# Failures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [unavailable(500), unavailable(503), too_many_requests(), reset(), truncated()],
    ids=["500", "503", "429", "reset", "truncated"],
)
def test_a_passing_failure_is_asked_again_and_only_the_answer_is_stored(tmp_path, behaviour):
    with bench(tmp_path, Fault("say", 1, behaviour)) as b:
        assert b.transport.exchange(call()).body == b"say x"
    assert len(b.served.log) == 2
    assert [e.body for e in b.log.kept.values()] == [b"say x"]
    assert b.clock.slept == [1.0]


def test_patience_ends_by_attempts_with_a_remedy_and_nothing_stored(tmp_path):
    with (
        bench(tmp_path, Fault("say", 0, unavailable()), attempts=4) as b,
        pytest.raises(SourceUnavailable, match=r"failed 4 time.*HTTP 503.*\n.*run again later"),
    ):
        b.transport.exchange(call())
    assert b.clock.slept == [1.0, 2.0, 4.0]
    assert b.log.kept == {}


def test_a_trial_has_fewer_attempts(tmp_path):
    with bench(tmp_path, Fault("say", 0, unavailable())) as b, pytest.raises(SourceUnavailable):
        b.transport.exchange(call(), attempts=2)
    assert len(b.served.log) == 2


def test_a_broken_answer_is_told_from_none(tmp_path):
    """Only where the service does answer can a smaller question help."""

    def broken(reply):
        return Judgement(kind="transient", said="breaks off", divisible=True)

    for script, judge, divisible in (
        ((), broken, True),
        ((Fault("say", 0, unavailable()),), judge_status, False),
    ):
        with bench(tmp_path, *script, attempts=2) as b, pytest.raises(SourceUnavailable) as caught:
            b.transport.exchange(call(), judge)
        assert caught.value.divisible is divisible


def test_a_slow_drip_ends_at_the_deadline_of_the_call(tmp_path):
    """Each byte comes in good time; the whole does not."""
    fault = Fault("say", 0, slow_drip(0.05))
    with (
        serving(Echo(), [fault]) as served,
        Transport(
            {"echo": Service(base_url=served.address)},
            None,
            cache=tmp_path,
            patience=Patience(attempts=1, call_s=0.15),
        ) as transport,
    ):
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match="after the deadline"):
            transport.exchange(call("x" * 100))
        assert time.monotonic() - began < 0.8


def test_patience_ends_by_the_total_deadline(tmp_path):
    with (
        bench(tmp_path, Fault("say", 0, unavailable()), attempts=99, total_s=20) as b,
        pytest.raises(SourceUnavailable),
    ):
        b.transport.exchange(call())
    assert b.clock.slept == [1.0, 2.0, 4.0, 8.0]


def test_a_service_that_asks_for_more_time_than_we_have_is_believed(tmp_path):
    fault = Fault("say", 1, too_many_requests(retry_after="3600"))
    with bench(tmp_path, fault) as b, pytest.raises(SourceUnavailable, match="asks us to wait 3600 s"):
        b.transport.exchange(call())
    assert b.clock.slept == []


def test_retry_after_wins_over_our_own_pause(tmp_path):
    with bench(tmp_path, Fault("say", 1, too_many_requests(retry_after="7"))) as b:
        b.transport.exchange(call())
    assert b.clock.slept == [7.0]


def test_a_refusal_is_not_asked_again(tmp_path):
    with bench(tmp_path) as b, pytest.raises(SourceRefused, match="HTTP 400: no such thing"):
        b.transport.exchange(call(path="refuse"))
    assert len(b.served.log) == 1
    assert b.log.kept == {}


def test_nobody_there_is_unavailable(tmp_path):
    with bench(tmp_path) as b:
        pass
    services = {"echo": Service(base_url=b.served.address)}
    with (
        Transport(services, None, cache=tmp_path, sleep=lambda s: None, patience=Patience(attempts=2)) as t,
        pytest.raises(SourceUnavailable, match="ConnectError"),
    ):
        t.exchange(call())


def test_a_service_without_an_address_is_named(tmp_path):
    with Transport({}, None, cache=tmp_path) as t, pytest.raises(SourceUnavailable, match="no address"):
        t.exchange(call())


def test_a_redirect_to_another_host_is_not_followed(tmp_path):
    fault = Fault("say", 1, redirect("http://169.254.169.254/latest/"))
    with bench(tmp_path, fault) as b, pytest.raises(SourceUnavailable, match=r"169\.254|which we do not"):
        b.transport.exchange(call())
    assert len(b.served.log) == 1


def test_a_redirect_within_the_host_is_followed(tmp_path):
    with bench(tmp_path, Fault("say", 1, redirect("/moved?q=y"))) as b:
        assert b.transport.exchange(call()).body == b"moved y"


def test_redirects_in_a_circle_end(tmp_path):
    with (
        bench(tmp_path, Fault("say", 0, redirect("/say"))) as b,
        pytest.raises(SourceUnavailable, match="redirects"),
    ):
        b.transport.exchange(call())


def test_an_answer_beyond_the_cap_is_refused_unread(tmp_path):
    fault = Fault("say", 1, altered(b"x", b"x" * 10_000))
    with (
        bench(tmp_path, fault, max_bytes=5_000) as b,
        pytest.raises(SourceUnavailable, match="larger than 5000"),
    ):
        b.transport.exchange(call())


# Discretion --------------------------------------------------------------------------------------


def test_neither_key_nor_address_gets_out(tmp_path, caplog):
    """NCBI's 429 echoes the key; httpx logs whole URLs."""
    caplog.set_level(logging.DEBUG)
    asked = call(api_key=KEY, email="reviewer@example.org")
    faults = (Fault("say", 0, too_many_requests()),)
    with bench(tmp_path, *faults, attempts=2) as b, pytest.raises(SourceUnavailable) as caught:
        b.transport.exchange(asked)
    told = f"{caught.value}\n{caplog.text}"
    assert "rate limit exceeded" in told
    assert KEY not in told
    assert "reviewer@example.org" not in told
    assert "HTTP Request" in caplog.text, "httpx was to log, or this test proves nothing"


def test_the_callers_address_in_a_keyless_429_is_redacted(tmp_path):
    with (
        bench(tmp_path, Fault("say", 0, too_many_requests()), attempts=1) as b,
        pytest.raises(SourceUnavailable) as caught,
    ):
        b.transport.exchange(call())
    assert "203.0.113.7" not in str(caught.value)


def test_a_key_that_an_answer_echoes_is_not_stored(tmp_path):
    with bench(tmp_path, Fault("say", 1, altered(b"x", KEY.encode()))) as b:
        assert b.transport.exchange(call()).body == b"say [redacted]"
    assert all(KEY.encode() not in e.body for e in b.log.kept.values())


def test_redaction_by_hand():
    assert redact("GET /x?api_key=abc&term=y&email=a@b.org") == (
        "GET /x?api_key=[redacted]&term=y&email=[redacted]"
    )
    assert redact('{"api-key":"1.2.3.4","count":"4"}') == '{"api-key":"[redacted]","count":"4"}'
    assert redact("word hunter2 word", ["hunter2"]) == "word [redacted] word"


# Policies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "ok"), (400, "permanent"), (403, "permanent"), (404, "permanent"), (414, "permanent")]
    + [(s, "transient") for s in (408, 425, 429, 500, 502, 503, 504)],
)
def test_the_table_of_statuses(status, kind):
    assert judge_status(Reply(status=status, body=b"", at="")).kind == kind


@pytest.mark.parametrize(("attempt", "pause"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (60, 30)])
def test_the_table_of_pauses_without_spread(attempt, pause):
    assert pause_s(attempt, None, 0.5) == pause


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_spread_by_a_quarter_and_never_above_thirty_seconds(attempt, chance):
    plain = pause_s(attempt, None, 0.5)
    assert 0.75 * plain <= pause_s(attempt, None, chance) <= min(30, 1.25 * 2.0 ** min(attempt - 1, 10))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12.0),
        ("Wed, 02 Jan 2030 03:05:05 GMT", 60.0),
        ("Wed, 02 Jan 2019 03:05:05 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_comes_as_seconds_or_as_a_date(value, seconds):
    assert retry_after_s({"retry-after": value}, NOW) == seconds


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8000/", True),
        ("http://localhost:1/", True),
        ("http://[::1]:1/", True),
        ("https://eutils.ncbi.nlm.nih.gov/", False),
        ("http://10.0.0.1/", False),
        ("http://localhost.example.org/", False),
    ],
)
def test_only_this_machine_is_loopback(url, loopback):
    assert Service(base_url=url).is_loopback is loopback


@pytest.mark.parametrize(
    "path", ["/etc", "../x", "a/../b", "http://example.org/", "//example.org/x", "a?b=c", "a b", "", "a//b"]
)
def test_a_path_never_leaves_the_service(path):
    with pytest.raises(ValueError, match="path"):
        call(path=path)


def test_an_address_is_one_of_a_web_service_and_gets_its_slash():
    assert Service(base_url="https://example.org/a").base_url == "https://example.org/a/"
    for wrong in ("example.org", "file:///etc/passwd", "http://"):
        with pytest.raises(ValueError, match="address"):
            Service(base_url=wrong)


# Rate --------------------------------------------------------------------------------------------


def gaps(starts: list[float]) -> list[float]:
    ordered = sorted(starts)
    return [later - earlier for earlier, later in pairwise(ordered)]


def test_threads_share_the_gap(tmp_path):
    """Eight threads, each with a limiter of its own, as separate transports would have."""
    starts: list[float] = []

    def go() -> None:
        told: list[float] = []
        RateLimit(tmp_path / "rate-x", 0.05, wall=lambda: told.append(time.time()) or told[-1]).wait(30)
        starts.append(told[-1])  # the last look at the clock is the start

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts) == 8
    assert min(gaps(starts)) >= 0.0499


def test_processes_share_the_gap(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from tools.transport import RateLimit\n"
        "told = []\n"
        "wall = lambda: told.append(time.time()) or told[-1]\n"
        "for _ in range(3):\n"
        "    RateLimit(Path(sys.argv[1]), 0.1, wall=wall).wait(30); print(repr(told[-1]))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "rate-x")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    starts = [float(line) for process in both for line in process.communicate()[0].split()]
    assert len(starts) == 6
    assert min(gaps(starts)) >= 0.0999


ASKING = """
import sys
from pathlib import Path
from tools.transport import Call, Service, Transport

services = {"echo": Service(base_url=sys.argv[1], gap_s=0.15, gap_here=True)}
with Transport(services, None, cache=Path(sys.argv[2])) as transport:
    for n in range(4):
        transport.exchange(Call(service="echo", path="say", params=(("q", str(n)),), event="e"))
"""


def test_two_processes_that_ask_one_service_keep_its_gap_between_them(tmp_path):
    """Seen from the service: when requests arrived."""
    with serving(Echo()) as served:
        command = [sys.executable, "-c", ASKING, served.address, str(tmp_path)]
        both = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(2)]
        assert [process.wait(60) for process in both] == [0, 0]
    assert len(served.log) == 8
    # The way over the loopback varies by some milliseconds, more on a busy machine; a burst would be below 0.05.
    assert min(gaps([seen.at_s for seen in served.log])) > 0.075
    assert served.log[-1].at_s - served.log[0].at_s > 7 * 0.15 - 0.075


def test_only_a_service_elsewhere_is_rated_unless_one_asks_for_it():
    here, there = "http://127.0.0.1:8000/", "https://example.org/"
    assert not Service(base_url=here, gap_s=1).is_rated
    assert Service(base_url=here, gap_s=1, gap_here=True).is_rated
    assert Service(base_url=there, gap_s=1).is_rated
    assert not Service(base_url=there).is_rated


def test_a_long_queue_ends_in_time(tmp_path):
    limit = RateLimit(tmp_path / "rate-x", 0.5)
    limit.wait(1)
    holder = threading.Thread(target=limit.wait, args=(5,))
    holder.start()
    time.sleep(0.05)
    with pytest.raises(TimeoutError, match="waiting"):
        RateLimit(tmp_path / "rate-x", 0.5).wait(0.05)
    holder.join()


@pytest.mark.parametrize(
    ("stamp", "pause"), [("100.0", 0.0), ("999.9", 0.9), ("1000.0", 1.0), ("9e9", 1.0), ("1e", 1.0)]
)
def test_the_gap_counts_from_the_last_start_and_a_clock_set_back_costs_one_gap(tmp_path, stamp, pause):
    path = tmp_path / "rate-x"
    path.write_text(stamp)
    slept: list[float] = []
    RateLimit(path, 1.0, wall=lambda: 1000.0, sleep=slept.append).wait(10)
    assert slept == [pytest.approx(pause)]


def test_the_real_clock_is_utc_and_the_real_chance_varies(tmp_path):
    with (
        serving(Echo()) as served,
        Transport({"echo": Service(base_url=served.address)}, None, cache=tmp_path) as transport,
    ):
        at = datetime.fromisoformat(transport.exchange(call()).at)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert pause_s(3, None, random.random()) != pause_s(3, None, random.random())


def test_a_stored_request_is_json_that_says_what_was_asked():
    assert json.loads(call("é").request)["params"] == [["q", "é"]]
