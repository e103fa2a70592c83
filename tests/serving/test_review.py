"""The demonstration review from question to report, answered by vLLM."""

import json

import pytest

from tests.e2e.processes import DEMO, Agent

pytestmark = pytest.mark.timeout(1200)


NUMBERS = ("arms", "participants", "results", "direction", "bias")


def test_a_real_server_reads_the_demonstration_from_question_to_report(server, tmp_path):
    agent = Agent(DEMO, tmp_path / "home", tmp_path / "cache")
    strategy = tmp_path / "strategy.txt"
    strategy.write_text("tarovexin[tiab] AND migraine*[tiab]\n")
    flags = ["--engine", "vllm", "--set", f"engine.base_url={server.base_url}"]
    # Seven reports with a score of questions each are more than a CPU answers in a test: numbers are left to rules.
    flags += [word for task in NUMBERS for word in ("--set", f"engine.tasks.{task}.backend=baseline")]
    agent("run", *flags, expect=3)
    # A model of two million weights knows nothing of migraine: what it proposes is replaced by a person.
    agent("edit", "query", "--file", str(strategy), "--by", "Ada")
    agent.approve_all()
    calls = agent.rows("SELECT engine, task, request, raw, status, tokens_in, tokens_out, seconds FROM call")
    assert {task for _, task, *_ in calls} >= {"query", "screen", "characteristics"}
    for engine, task, request, raw, _, tokens_in, tokens_out, seconds in calls:
        if task in NUMBERS:
            continue
        told = json.loads(str(request))["seen"]
        assert engine == "openai:leads"
        assert {"schema", "sampling", "text", "prompt"} <= told.keys()
        assert raw
        assert int(str(tokens_in)) > 0
        assert int(str(tokens_out)) > 0
        assert float(str(seconds)) > 0
    screened = [status for _, task, _, _, status, *_ in calls if task == "screen"]
    assert screened.count("ok") > len(screened) / 2
    outcomes = agent.rows("SELECT kind, COUNT(*) FROM current_outcome WHERE step = 'screen' GROUP BY kind")
    entered = agent.rows("SELECT COUNT(*) FROM current_outcome WHERE step = 'prefilter' AND kind = 'passed'")
    assert sum(int(str(n)) for _, n in outcomes) == int(str(entered[0][0])) > 30
    assert "Every record is accounted for" in agent("verify")
    assert "byte-identical" in agent("replay", "--verify")
