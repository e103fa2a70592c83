"""The whole review with a server in the place of the baseline: real HTTP, real client, scripted answers."""

import json
import re

import pytest

from tests.e2e.processes import DEMO, Agent
from tests.servers.openai_server import MODEL, error, serving

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def said(body):
    """A small, careful model: it fills the form that it is asked for from the ids in the prompt."""
    prompt = body["messages"][-1]["content"]
    form = body["response_format"]["json_schema"]["name"]
    if form == "pico":
        names = re.findall(r"^- (\w+)$", prompt.partition("For every element")[0], re.MULTILINE)
        return json.dumps({"elements": [{"name": name, "phrases": ["migraine"]} for name in names]})
    if form == "query":
        blocks = [
            {"name": "drug", "terms": ["tarovexin[tiab]"]},
            {"name": "disease", "terms": ["migraine*[tiab]"]},
        ]
        return json.dumps({"blocks": blocks})
    if form == "screen":
        ids = re.findall(r"^- id ([\w-]+) \(", prompt, re.MULTILINE)
        animal = "rats" in prompt.partition("<<<")[2]
        labels = {name: "YES" if name == "animals" and animal else "UNCERTAIN" for name in ids}
        verdicts = [
            {"criterion_id": name, "label": label, "quote": "rats" if label == "YES" else ""}
            for name, label in labels.items()
        ]
        return json.dumps({"verdicts": verdicts})
    ids = re.findall(r"^- id ([\w-]+) \(", prompt, re.MULTILINE)
    return json.dumps({"cells": [{"field_id": name, "status": "not_found"} for name in ids]})


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
        for gate in ("query", "screen", "extract"):
            agent("approve", "--gate", gate, "--by", "Ada")
            agent("resume", expect=0 if gate == "extract" else 3)
        asked = len(server.log)
    calls = agent.rows("SELECT engine, request, raw, tokens_in, seconds FROM call")
    assert len(calls) == asked
    for engine, request, raw, tokens, seconds in calls:
        told = json.loads(str(request))
        assert engine == f"openai:{MODEL}"
        assert told["seen"]["prompt"].split("@")[0] in (
            "pico.v1",
            "query.v2",
            "screen.v1",
            "characteristics.v1",
        )
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
