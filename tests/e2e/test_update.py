"""An update through the command line: opened, approved, verified, replayed to the same bytes, exported."""

import json
import shutil

import pytest

from agent.cli import main
from tests.graphs import small

FIRST, LATER = "2026-01-02T03:04:05Z", "2027-01-02T03:04:05Z"
YAML = small.YAML.replace("gates: [query, screen, extract]", "gates: [query, extract]")
NEW = {
    "pmid": "9",
    "title": "Snail syrup for cough: a new trial",
    "abstract": "People with cough got snail syrup.",
}


def agent(capsys, folder, *words, clock=FIRST, expect=0):
    verb, *more = words
    given = [verb, *more, str(folder)] if verb == "export" else [verb, str(folder), *more]
    status = main([*given, "--clock", clock])
    told = capsys.readouterr()
    assert status == expect, f"{words}: status {status}, not {expect}\n{told.out}\n{told.err}"
    return told.out + told.err


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A finished first version of a review over a local file."""
    home = small.write(tmp_path_factory.mktemp("prepared") / "snail", YAML)
    path = str(home.folder)
    assert main(["run", path, "--clock", FIRST]) == 3
    for gate, then in (("query", 3), ("extract", 0)):
        assert main(["approve", path, "--gate", gate, "--by", "Ada", "--clock", FIRST]) == 0
        assert main(["resume", path, "--clock", FIRST]) == then
    return home.folder


@pytest.fixture
def folder(prepared, tmp_path):
    shutil.copytree(prepared, tmp_path / "snail")
    return tmp_path / "snail"


def published(folder):
    text = (folder / "records.jsonl").read_text()
    (folder / "records.jsonl").write_text(text + json.dumps(NEW) + "\n")


def test_an_update_is_made_verified_replayed_and_exported(folder, capsys):
    published(folder)
    told = agent(capsys, folder, "update", "--reason", "a year has passed", clock=LATER, expect=3)
    assert "waits at the gate `extract`" in told  # the strategy's approval was taken over
    # While the update waits, out/ is still the first version's, and the log says so.
    assert "All equations hold." in agent(capsys, folder, "verify")
    assert "pass 2" in agent(capsys, folder, "status", expect=3)
    assert "is not finished" in agent(capsys, folder, "update", expect=2)
    agent(capsys, folder, "approve", "--gate", "extract", "--by", "Bea", clock=LATER)
    assert "new = " in agent(capsys, folder, "resume", clock=LATER)

    data = json.loads((folder / "out" / "data.json").read_text())
    seen = {x["record"]["record_id"]: x["seen_before"] for x in data["records"]}
    assert seen["shelf:9"] is False
    assert data["passes"][-1]["reason"] == "a year has passed"
    assert [(x["by"], x["step"]) for x in data["approvals"]] == [("Ada", "query"), ("Bea", "extract")]
    assert data["passes"][-1]["changes"] == []  # the same engine, prompt and models as before

    verified = agent(capsys, folder, "verify")
    assert "pass 1:" in verified
    assert "pass 2:" in verified
    assert "byte-identical" in agent(capsys, folder, "replay", "--verify")
    traced = agent(capsys, folder, "trace")
    assert "Pass 1" in traced
    assert "taken_over" in traced

    appendix = agent(capsys, folder, "export", "search")
    assert appendix.splitlines()[0] == "# Search appendix: Snail syrup for invented cough"
    assert "Run with leads-agent" in appendix
    assert "2026-12-03" not in appendix.split("## 13")[1]
    assert "2025-12-03" in appendix  # thirty days before the first search
    out = folder / "all.ris"
    agent(capsys, folder, "export", "ris", "--which", "all", "--out", str(out))
    assert "Standing: seen before" in out.read_text()


def test_a_pass_that_was_opened_and_killed_at_once_is_gone_on_with(folder, capsys, monkeypatch):
    published(folder)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("agent.update.resume", killed)
    agent(capsys, folder, "update", clock=LATER, expect=130)
    assert "resume" in agent(capsys, folder, "update", clock=LATER, expect=2)
    assert "Not finished; go on with" in agent(capsys, folder, "status")
    assert "All equations hold." in agent(capsys, folder, "verify")
    agent(capsys, folder, "resume", clock=LATER, expect=3)
    assert "byte-identical" not in agent(capsys, folder, "replay")


def test_nothing_can_be_updated_or_exported_before_there_is_a_review(tmp_path, capsys):
    home = small.write(tmp_path / "snail", YAML)
    assert "nothing to update yet" in agent(capsys, home.folder, "update", expect=2)
    assert "nothing was run here yet" in agent(capsys, home.folder, "export", "search", expect=2)
