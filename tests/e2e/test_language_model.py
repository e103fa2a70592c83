"""The whole review with a server in the place of the baseline: real HTTP, real client, scripted answers."""

import json

import pytest

from tests.e2e.processes import DEMO, Agent
from tests.servers.answering import fitting
from tests.servers.openai_server import MODEL, error, serving

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def said(body):
    """A small, careful model: it fills the form that it is asked for."""
    animal = "rats" in body["messages"][-1]["content"].partition("<<<")[2]

    def choose(item, name, _schema):
        if name == "phrases":
            return ["migraine"]
        if name == "terms":
            return ["tarovexin[tiab]" if item == "intervention" else "migraine*[tiab]"]
        if item == "animals" and animal and name in ("label", "quote"):
            return "YES" if name == "label" else "rats"
        return ...

    return fitting(body, choose)


def settings(server):
    """Flags that put the server in the place of the baseline."""
    return (
        "--engine",
        "openai",
        "--set",
        f"engine.model={MODEL}",
        "--set",
        f"engine.base_url={server.base_url}",
    )


def test_a_language_model_reads_the_demonstration_from_question_to_report(tmp_path, cache):
    agent = Agent(DEMO, tmp_path / "home", cache)
    with serving(said) as server:
        agent("run", *settings(server), expect=3)
        agent.approve_all()
        asked = len(server.log)
    calls = agent.rows("SELECT engine, request, raw, tokens_in, seconds FROM call")
    assert len(calls) == asked
    tasks = {str(task) for (task,) in agent.rows("SELECT task FROM call")}
    numbers = {"arms", "participants", "results", "direction", "bias"}
    assert tasks >= {"screen", "characteristics", *numbers}
    for engine, request, raw, tokens, seconds in calls:
        told = json.loads(str(request))
        assert engine == f"openai:{MODEL}"
        assert told["seen"]["prompt"].partition(".")[0] == told["task"]
        assert {"schema", "sampling", "text"} <= told["seen"].keys()
        assert json.loads(str(raw))
        assert int(str(tokens)) > 0
        assert float(str(seconds)) > 0
    report = (agent.home / "out" / "report.html").read_text()
    assert MODEL in report
    assert "No language model was used" not in report
    # The server is gone: a replay has no need of it.
    assert "byte-identical" in agent("replay", "--verify")


def test_a_server_that_fails_now_and_then_loses_and_excludes_nothing(tmp_path, cache):
    agent = Agent(DEMO, tmp_path / "home", cache)

    mended = []

    def refused(reply, asked):
        return reply if mended else error(400, "This prompt is not to my taste.", "BadRequestError")

    every_fifth = [refused if number % 5 == 4 else None for number in range(100)]
    with serving(said, every_fifth) as server:
        agent("run", *settings(server), expect=3)
        agent("approve", "--by", "Ada")
        agent("resume", expect=3)
        failed = agent.rows(
            "SELECT record_id, reason FROM current_outcome WHERE step = 'screen' AND kind = 'failed'"
        )
        assert failed
        assert all("not to my taste" in str(reason) for _, reason in failed)
        everybody = agent.rows("SELECT COUNT(*) FROM current_outcome WHERE step = 'screen'")
        assert everybody == agent.rows(
            "SELECT COUNT(*) FROM current_outcome WHERE step = 'prefilter' AND kind = 'passed'"
        )
        mended.append(True)
        agent("resume", "--retry-failed", expect=3)
        assert (
            agent.rows("SELECT reason FROM current_outcome WHERE step = 'screen' AND kind = 'failed'") == []
        )


def test_a_server_that_is_gone_stops_the_run_as_resumable(tmp_path, cache):
    agent = Agent(DEMO, tmp_path / "home", cache)
    with serving(said) as server:
        agent("run", *settings(server), expect=3)
        agent("approve", "--by", "Ada")
    told = agent("resume", expect=4)
    assert "no server at" in told
    assert "Nothing is lost" in told
    assert agent.rows("SELECT 1 FROM outcome WHERE step = 'screen'") == []
