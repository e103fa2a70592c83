"""The demonstration review from question to report, answered by vLLM."""

import json

import pytest

from tests.e2e.processes import DEMO, Agent

pytestmark = pytest.mark.timeout(1200)


def test_a_real_server_reads_the_demonstration_from_question_to_report(server, tmp_path):
    agent = Agent(DEMO, tmp_path / "home", tmp_path / "cache")
    agent("run", "--engine", "vllm", "--set", f"engine.base_url={server.base_url}",
          "--set", "engine.context=8192", expect=3)  # fmt: skip
    for gate in ("query", "screen", "extract"):
        agent("approve", "--gate", gate, "--by", "Ada")
        agent("resume", expect=0 if gate == "extract" else 3)
    calls = agent.rows("SELECT engine, task, request, raw, tokens_in, tokens_out, seconds FROM call")
    assert {task for _, task, *_ in calls} >= {"pico", "query", "screen", "characteristics"}
    for engine, _, request, raw, tokens_in, tokens_out, seconds in calls:
        told = json.loads(str(request))["seen"]
        assert "leads" in str(engine)
        assert {"schema", "sampling", "text", "prompt"} <= told.keys()
        assert raw
        assert int(str(tokens_in)) > 0
        assert int(str(tokens_out)) > 0
        assert float(str(seconds)) > 0
    screened = agent.rows("SELECT kind, COUNT(*) FROM current_outcome WHERE step = 'screen' GROUP BY kind")
    assert dict(screened).get("failed", 0) == 0
    agent("verify")
    assert "byte-identical" in agent("replay", "--verify")
