"""`run` on a terminal asks at each gate: a real pseudo-terminal, and somebody who types."""

import os
import pty
import select
import subprocess
import time

import pytest

from tests.e2e.processes import ROOT, Agent, environment
from tests.graphs import small

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def agent(tmp_path, cache):
    home = small.write(tmp_path / "snail")
    return Agent(home.yaml, home.folder, cache)


def typed(agent, answers, verb="run"):
    """Run a command on a terminal; each (prompt, answer) is typed when the prompt stands there."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        agent.command(verb),
        cwd=ROOT,
        env=environment(agent.cache) | {"TERM": "dumb"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    seen, read, waiting = "", 0, list(answers)
    give_up = time.monotonic() + 200
    while time.monotonic() < give_up:
        ready, _, _ = select.select([master], [], [], 0.1)
        if ready:
            try:
                seen += os.read(master, 65536).decode(errors="replace")
            except OSError:  # the terminal is closed when the process ends
                break
        if waiting and (at := seen.find(waiting[0][0], read)) >= 0:
            os.write(master, (waiting[0][1] + "\n").encode())
            read = at + len(waiting.pop(0)[0])
    os.close(master)
    return process.wait(timeout=30), seen, waiting


def approval(by):
    return [("[q]uit:", "a"), ("Your name", by), ("Note", "seen")]


def test_a_person_on_a_terminal_is_asked_at_each_gate_until_the_report(agent):
    status, seen, left = typed(agent, [*approval("Ada"), *approval("Bea"), *approval("Ada")])
    assert (status, left) == (0, []), seen
    assert "Done:" in seen
    assert agent.rows("SELECT step, by, note FROM approval ORDER BY seq") == [
        ("query", "Ada", "seen"),
        ("screen", "Bea", "seen"),
        ("extract", "Ada", "seen"),
    ]


def test_leaving_at_a_gate_keeps_everything_and_decides_nothing(agent):
    status, seen, left = typed(agent, [("[q]uit:", "maybe"), ("[q]uit:", "q")])
    assert (status, left) == (3, []), seen
    assert agent.rows("SELECT COUNT(*) FROM approval") == [(0,)]


def test_a_person_edits_the_strategy_in_their_own_editor(agent, tmp_path, monkeypatch):
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\necho "horses[tiab] AND cough[tiab]" > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    answers = [("[q]uit:", "e"), ("Your name", "Cid"), ("revision 2 by person:Cid", ""), ("[q]uit:", "q")]
    status, seen, left = typed(agent, answers)
    assert (status, left) == (3, []), seen
    assert agent.rows("SELECT author FROM artefact WHERE step = 'query' ORDER BY revision")[-1] == (
        "person:Cid",
    )


def test_what_a_person_wrote_is_kept_when_it_does_not_fit(agent, tmp_path, monkeypatch):
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\necho "(horses[tiab] AND" > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    answers = [("[q]uit:", "e"), ("Your name", "Cid"), ("is kept in", ""), ("[q]uit:", "q")]
    status, seen, left = typed(agent, answers)
    assert (status, left) == (3, []), seen
    assert (agent.home / "gates" / "query-not-stored.txt").read_text() == "(horses[tiab] AND\n"
    assert agent.rows("SELECT COUNT(*) FROM artefact WHERE step = 'query'") == [(1,)]
