"""A review of a thousand records with a language model whose server misbehaves, and dies in the middle.

Real processes, real HTTP, the whole graph. Which question meets which fault is known beforehand, so what must have
become of every record is known too.
"""

import csv
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.e2e.processes import ROOT, Agent, environment
from tests.servers.gpu import MODEL, Gpu, fingerprint, gpu_server
from tests.servers.proxy import FAULTS, Mischief, proxying

pytestmark = pytest.mark.timeout(600)

RECORDS = 1000

REVIEW = """
review: {title: Snail syrup for invented cough, type: other, id: snails}
question:
  framework: PICO
  elements: {population: [cough], intervention: [snail syrup]}
criteria:
  - {id: cough, kind: include, element: population, text: The participants had a cough.}
  - {id: snail, kind: include, element: intervention, text: They were given snail syrup.}
  - {id: animals, kind: exclude, element: design, text: The study is about animals.}
search: {strategy: "hasabstract[sb]"}
sources: [{kind: local, name: shelf, files: [records.jsonl]}]
prefilter: {model: none}
gates: [screen]
"""

ENGINE = {"model": MODEL, "max_in_flight": 32, "timeout_s": 5}

FINAL = {"bad_request": "refused", "refusal": "refused", "truncated": "truncated"}
"""What no further asking can mend: fault to the type that the failure is listed under."""

STICKY = FINAL | {
    "rate_limit": "busy",
    "rate_limit_wait": "busy",
    "unavailable": "busy",
    "reset_before": "busy",
    "reset_after": "busy",
    "cut": "busy",
    "drip": "timeout",
    **dict.fromkeys(("wrong_schema", "empty", "prose", "twice", "missing"), "malformed"),
}
"""The same for faults that meet their question every time."""


def numbered(text: str) -> str | None:
    """The record a prompt is about."""
    found = re.search(r"Snail note (\d+)\b", text)
    return None if found is None else f"Snail note {found[1]}"


def question(body) -> str | None:
    """What the proxy may spoil: a record's screening, in whatever words it is asked again; not the examination."""
    return numbered(body["messages"][0]["content"])


def mischief(**more) -> Mischief:
    return Mischief(rate=0.05, seed=11, key=question, **more)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def agent_in(folder, cache) -> Agent:
    folder.mkdir()
    (folder / "review.yaml").write_text(REVIEW)
    with (folder / "records.jsonl").open("w") as out:
        for n in range(1, RECORDS + 1):
            title = f"Snail note {n}"
            told = {
                "pmid": str(n),
                "title": title,
                "abstract": f"{title}: {n % 90 + 5} people got snail syrup.",
            }
            out.write(json.dumps(told) + "\n")
    return Agent(folder / "review.yaml", folder, cache)


def settings(address) -> list[str]:
    """Flags that put a server in the place of the baseline."""
    given = ENGINE | {"base_url": address}
    return ["--engine", "openai", *(word for k, v in given.items() for word in ("--set", f"engine.{k}={v}"))]


def screened(agent) -> dict[str, tuple[str, dict]]:
    """Record to where it stands after screening, and what was said about it."""
    rows = agent.rows("SELECT record_id, kind, content FROM current_outcome WHERE step = 'screen'")
    return {str(record_id): (str(kind), json.loads(str(content))) for record_id, kind, content in rows}


def titles(agent) -> dict[str, str]:
    """Record to the question it is known by to the proxy."""
    rows = agent.rows("SELECT DISTINCT record_id FROM current_outcome WHERE step = 'screen'")
    return {str(record_id): f"Snail note {str(record_id).rpartition(':')[2]}" for (record_id,) in rows}


def verdicts(told: dict[str, tuple[str, dict]]) -> dict[str, object]:
    """What was found out about each record, without the call that told it: an answer to an objection is another."""
    return {
        record_id: (kind, {name: value for name, value in content["verdict"].items() if name != "call_key"})
        for record_id, (kind, content) in told.items()
        if "verdict" in content
    }


def failures(told: dict[str, tuple[str, dict]]) -> dict[str, str]:
    """Record to the type of its failure."""
    return {key: content["failure"]["kind"] for key, (kind, content) in told.items() if kind == "failed"}


def expected(agent, plan: Mischief, kinds: dict[str, str]) -> dict[str, str]:
    """The same, as it must be."""
    met = {key: plan.meets(asked) for key, asked in titles(agent).items()}
    return {key: kinds[found[0]] for key, found in met.items() if found and found[0] in kinds}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory, cache):
    """The review as it comes out when nothing goes wrong."""
    agent = agent_in(tmp_path_factory.mktemp("healthy") / "review", cache)
    with gpu_server(Gpu(median_s=0.02)) as (address, _):
        agent("run", *settings(address), expect=3)
    told = screened(agent)
    assert len(told) == RECORDS
    assert failures(told) == {}
    return told


def test_every_fault_is_met_in_this_review():
    asked = [f"Snail note {n}" for n in range(1, RECORDS + 1)]
    met = [found for each in asked if (found := mischief().meets(each))]
    assert {name for name, _ in met} == set(FAULTS)
    assert 30 < len(met) < 80


def test_faults_that_pass_cost_time_and_nothing_else(tmp_path, cache, healthy):
    agent, plan = agent_in(tmp_path / "review", cache), mischief()
    with gpu_server(Gpu(median_s=0.02)) as (server, _), proxying(server, plan) as proxy:
        agent("run", *settings(proxy.base_url), expect=3)
        told = screened(agent)
        injected = Counter(passed.fault for passed in proxy.log if passed.fault)
        failed = expected(agent, plan, FINAL)
        # Nobody is lost, nobody is decided about, and the failures are those that had to be, by type.
        assert told.keys() == healthy.keys()
        assert Counter(kind for kind, _ in told.values()) == {
            "failed": len(failed),
            "waiting": RECORDS - len(failed),
        }
        assert failures(told) == failed
        assert verdicts(told) == {
            key: verdict for key, verdict in verdicts(healthy).items() if key not in failed
        }
        # Stored as calls, and shown by type.
        calls = agent.rows(
            "SELECT error_kind FROM call WHERE status = 'failed' AND error_kind != 'malformed'"
        )
        assert Counter(kind for (kind,) in calls) == Counter(failed.values())
        summary = agent("calls", "--task", "screen", "--failed")
        for kind, count in Counter(failed.values()).items():
            assert f"{count} {kind}" in summary
        assert f"failed {len(failed)}" in agent("status", expect=3)
        # Another attempt mends them: the review is as it would have been.
        agent("resume", "--retry-failed", expect=3)
        assert verdicts(screened(agent)) == verdicts(healthy)
    assert set(injected) == set(FAULTS)


def test_faults_that_stay_fail_their_own_record_alone(tmp_path, cache, healthy):
    agent, plan = agent_in(tmp_path / "review", cache), mischief(sticky=1.0)
    with gpu_server(Gpu(median_s=0.02)) as (server, _), proxying(server, plan) as proxy:
        agent("run", *settings(proxy.base_url), expect=3)
    told = screened(agent)
    failed = expected(agent, plan, STICKY)
    assert told.keys() == healthy.keys()
    assert failures(told) == failed
    assert set(failed.values()) == {"refused", "truncated", "busy", "timeout", "malformed"}
    assert verdicts(told) == {key: verdict for key, verdict in verdicts(healthy).items() if key not in failed}
    # At the gate each of them waits for a person, whatever happened.
    with (agent.home / "gates" / "screen-1.csv").open(newline="") as file:
        lines = {line["record_id"]: line for line in csv.DictReader(file)}
    assert {key: lines[key]["reason"] for key in failed} == {
        key: f"failed: {kind}" for key, kind in failed.items()
    }
    assert {lines[key]["decision"] for key in failed} == {"wait"}


# A server that dies ------------------------------------------------------------------------------


@contextmanager
def gpu_process(folder, log, port=0):
    """The server in a process of its own; its address, and the process."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.servers.gpu", "--median", "0.3", "--sigma", "0.3"),
            *("--port", str(port), "--log", str(log)),
        ],
        cwd=ROOT,
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def running_until(agent, reached, act, *flags: str) -> tuple[int, str]:
    """Begin a run, do something once its database says so, and wait: exit status, and what it printed."""
    with (agent.home / "printed.txt").open("w+") as printed:
        run = subprocess.Popen(
            agent.command("run", *flags),
            cwd=ROOT,
            env=environment(agent.cache),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            while run.poll() is None and not (agent.database.exists() and agent.ask(reached)):
                time.sleep(0.01)
            act()
            ended = run.wait(timeout=200)
        finally:
            run.kill()
            run.wait()
        printed.seek(0)
        return ended, printed.read()


def prompts(agent) -> list[str]:
    """The prompts of the calls that are stored."""
    rows = agent.rows("SELECT request FROM call WHERE task = 'screen'")
    return [json.loads(str(request))["seen"]["text"] for (request,) in rows]


def test_a_server_killed_in_the_middle_stops_the_run_and_nothing_is_asked_twice(tmp_path, cache, healthy):
    agent = agent_in(tmp_path / "review", cache)

    def enough(connection: sqlite3.Connection) -> bool:
        (count,) = connection.execute("SELECT COUNT(*) FROM call WHERE task = 'screen'").fetchone()
        return int(count) >= RECORDS // 3

    with gpu_process(tmp_path, tmp_path / "first.txt") as (address, server):
        ended, told = running_until(
            agent, enough, lambda: server.send_signal(signal.SIGKILL), *settings(address)
        )
    assert ended == 4, told
    assert "Nothing is lost" in told
    before = prompts(agent)
    assert RECORDS // 3 <= len(before) < RECORDS
    assert agent.rows("SELECT 1 FROM call WHERE status = 'failed'") == []
    assert failures(screened(agent)) == {}
    # Nobody there: still resumable.
    assert "Nothing is lost" in agent("resume", expect=4)
    assert prompts(agent) == before

    again_log, port = tmp_path / "again.txt", int(address.split(":")[2].partition("/")[0])
    with gpu_process(tmp_path, again_log, port) as (again, _):
        assert again == address
        agent("resume", expect=3)
    assert verdicts(screened(agent)) == verdicts(healthy)
    after = prompts(agent)
    assert len(after) == len(set(after)) == RECORDS
    # The server that came back was asked what the first one had not answered, and that once.
    known, everything = ({fingerprint(prompt) for prompt in each} for each in (before, after))
    asked = [line.split()[1] for line in again_log.read_text().splitlines() if line.startswith("asked")]
    assert sorted(one for one in asked if one in everything) == sorted(everything - known)
    assert len(asked) == len(everything - known) + 1, "and it was examined"
