"""What people get wrong, through the command line: a clear message with its remedy, and nothing half-written."""

import json
import resource
import subprocess

import pytest

from tests.e2e.processes import CLOCK, ROOT, Agent, environment
from tests.graphs import small


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def agent(tmp_path, cache):
    home = small.write(tmp_path / "snail", small.YAML.replace("[query, screen, extract]", "[screen]"))
    return Agent(home.yaml, home.folder, cache)


def change(agent, old, new):
    text = agent.review.read_text()
    assert old in text
    agent.review.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("review:", "review: [", "not YAML"),
        ("type: intervention", "typ: intervention", 'did you mean "type"'),
        ('text: "P: people with cough I: snail syrup C: water O: nights slept"', "text: ''", "question"),
        ("{id: cough, kind", "{kind", "criteria[1].id"),
        ("id: snail, kind", "id: cough, kind", "cough"),
        ("sources:\n  - {kind: local, name: shelf, files: [records.jsonl]}", "sources: []", "sources"),
        ("files: [records.jsonl]", "files: [records.jsonl], from: 2020-01-01, to: 2019-01-01", "2019-01-01"),
        ("files: [records.jsonl]", "files: [gone.ris]", "gone.ris"),
        ("framework: PICO", "framework: PCC", "not supported"),
    ],
)
def test_a_mistake_in_review_yaml_is_status_2_with_its_place_and_remedy(agent, old, new, said):
    change(agent, old, new)
    told = agent("run", expect=2)
    assert said in told
    assert "Remedy" in told
    assert "review.yaml" in told
    assert agent.rows("SELECT COUNT(*) FROM protocol") == [(0,)]


def test_two_mistakes_are_told_at_once(agent):
    change(agent, "type: intervention", "type: interventional")
    change(agent, "kind: exclude", "kind: excluded")
    told = agent("run", expect=2)
    assert "review.type" in told
    assert "criteria[3].kind" in told


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"\x00\x01\x02\xff" * 50, "records.jsonl"), (b"Dear sir or madam,\n", "records.jsonl")],
)
def test_an_import_file_that_is_none_is_status_2_and_leaves_no_search(agent, content, said):
    (agent.home / "records.jsonl").write_bytes(content)
    told = agent("run", expect=2)
    assert said in told
    assert agent.rows("SELECT COUNT(*) FROM search") == [(0,)]


def test_a_broken_line_among_good_ones_is_named_and_the_others_are_kept(agent):
    records = agent.home / "records.jsonl"
    records.write_text(records.read_text() + '{"title": "cut off\n')
    agent("run", expect=3)
    (content,) = agent.rows("SELECT content FROM search")[0]
    warnings = json.loads(str(content))["warnings"]
    assert any("line 10" in warning for warning in warnings)
    assert agent.rows("SELECT COUNT(*) FROM hit") == [(8,)]  # of nine; one says nothing of a cough


def test_no_review_at_all_says_how_to_begin(tmp_path, cache):
    assert "agent init" in Agent(tmp_path / "none.yaml", tmp_path, cache)("run", expect=2)


def test_a_full_disk_stops_with_a_remedy_and_the_review_goes_on_when_there_is_room(agent):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    done = subprocess.run(
        agent.command("run"),
        cwd=ROOT,
        env=environment(agent.cache),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=little_room,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "resume" in done.stderr
    agent("run", expect=3)
    assert agent.rows("SELECT COUNT(*) FROM hit") == [(8,)]  # of nine; one says nothing of a cough


def test_a_database_of_another_program_is_left_alone(agent):
    import sqlite3

    connection = sqlite3.connect(agent.database)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()
    assert "another program" in agent("run", expect=1)
    assert agent.rows("SELECT name FROM sqlite_master WHERE type = 'table'") == [("recipes",)]


def test_help_names_every_verb():
    from agent.cli import parser

    told = parser().format_help()
    for verb in (
        "init",
        "check",
        "run",
        "resume",
        "approve",
        "reject",
        "edit",
        "status",
        "trace",
        "replay",
        "verify",
    ):
        assert f"    {verb}" in told


def test_init_writes_a_review_that_check_wants_filled_in(tmp_path, cache):
    import sys

    folder = tmp_path / "mine"
    run = [sys.executable, "-m", "agent"]
    made = subprocess.run(
        [*run, "init", str(folder)],
        cwd=ROOT,
        env=environment(cache),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "agent check" in made.stdout
    checked = subprocess.run(
        [*run, "check", str(folder)],
        cwd=ROOT,
        env=environment(cache),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 2
    assert "Remedy" in checked.stderr


def test_the_clock_must_be_a_time(agent):
    agent.clock = ("--clock", "noon")
    assert "is not a time" in agent("run", expect=2)
    assert CLOCK
