"""What the engine was asked and said, as people see it: the verb `calls`, and the gate's list."""

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from agent.calls import calls
from agent.commands import open_gate, shown_gate, status, store_edit
from model.engine import Answer, Around, Request
from model.scripted import ScriptedEngine
from model.wrappers import Recorded
from tests.graphs import small
from tools.errors import ConfigError


@pytest.fixture
def home(tmp_path):
    return small.write(tmp_path / "snail")


@pytest.fixture
def screened(home):
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        small.go(review)
    return home


def test_before_a_run_there_is_nothing_to_show(home):
    with pytest.raises(ConfigError, match="nothing was run"):
        calls(home.yaml)


def test_every_call_is_listed_with_its_state_and_cost(screened):
    told = calls(screened.yaml, task="screen").text
    listed, summary = told.split("\n\n")
    assert len(listed.splitlines()) == 7
    assert "FAILED busy" in told
    assert summary.startswith("screen by scripted: 7 calls, ")
    assert summary.endswith("failed: 1 busy")


def test_only_what_failed(screened):
    (line,) = calls(screened.yaml, failed=True).text.split("\n\n")[0].splitlines()
    assert "FAILED busy" in line


def test_one_call_whole_by_its_number_or_its_key(screened):
    (one,) = [json.loads(x) for x in calls(screened.yaml, failed=True, as_json=True).text.splitlines()]
    whole = calls(screened.yaml, key=str(one["number"])).text
    assert calls(screened.yaml, key=one["key"]).text == whole
    assert calls(screened.yaml, key=one["key"].removeprefix("v1:")[:12]).text == whole
    assert "failed: busy: too slow today" in whole
    assert "The engine fails on cough" in whole


@pytest.mark.parametrize(("key", "told"), [("v1:", "several calls have"), ("zz", "no call has")])
def test_a_key_must_name_one_call(screened, key, told):
    with pytest.raises(ConfigError, match=told):
        calls(screened.yaml, key=key)


def test_json_holds_everything(screened):
    rows = [json.loads(line) for line in calls(screened.yaml, as_json=True).text.splitlines()]
    assert {row["task"] for row in rows} == {"pico", "query", "screen"}
    for row in rows:
        assert row["request"]["seen"]
        assert {"raw", "seconds", "tokens_in", "tokens_out", "status", "told", "at"} <= row.keys()


class Weighing(ScriptedEngine):
    """Tells label probabilities: the number in a record's id says how sure it is."""

    async def answer(self, request: Request[Any, Any]) -> Answer[Any]:
        answer = await super().answer(request)
        if request.task.id != "screen":
            return answer
        yes = int(request.input.record_id.rpartition(":")[2]) / 60
        labels = {"YES": yes, "NO": 1 - yes, "PARTIAL": 0.0, "UNCERTAIN": 0.0}
        sure = {"YES": 0.0, "NO": 1.0, "PARTIAL": 0.0, "UNCERTAIN": 0.0}
        told = {c.id: sure if c.kind == "exclude" else labels for c in request.input.criteria}
        return Answer(answer.value, answer.raw, told={"probabilities": told})


class Noting(Around):
    """Has something to tell about how its answers come about, as `Sectioned` and `Fallback` have."""

    async def answer(self, request: Request[Any, Any]) -> Answer[Any]:
        return replace(await self.engine.answer(request), notes=("read in two parts",))


def weighed(review):
    """The screening gate of a review with forty records, asked of an engine that tells probabilities."""
    deps = small.deps_of(review)
    engines = {**deps.engines, "screen": Noting(Recorded(Weighing(small.script), review.calls))}
    with small.checkpoints(review.home.checkpoints) as saver:
        small.advance(small.same_but(deps, engines=engines), saver)


def listed(review):
    """Record id to its row in the gate's file."""
    shown_gate(review, "screen")
    artefact = open_gate(review, "screen")
    text = (review.home.gates / f"screen-{artefact.revision}.csv").read_text()
    return {row["record_id"]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.fixture
def forty(tmp_path):
    records = [
        {"pmid": str(n), "title": f"Snail syrup trial {n} [YES]", "abstract": "Cough and snail syrup."}
        for n in range(10, 50)
    ]
    home = small.write(tmp_path / "forty", small.YAML.replace("{keep: 6, audit: 1, seed: 7}", "{}"), records)
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        weighed(review)
        yield review


def test_a_models_own_probability_is_shown_as_such(forty):
    row = listed(forty)["shelf:30"]
    # Two criteria to be met, each YES with 30/60; nothing else can rule the record out.
    assert row["p_passes"] == "0.250"
    assert row["p_is"] == "the model's own, uncalibrated"


def test_once_people_have_decided_the_probabilities_are_calibrated(forty):
    before = listed(forty)
    lines = [("exclude" if n < 30 else "pass") for n in range(10, 50)]
    text = "record_id,decision,reason\n" + "".join(
        f"shelf:{n},{decision},{'not what we look for' if decision == 'exclude' else 'fits'}\n"
        for n, decision in zip(range(10, 50), lines, strict=True)
    )
    store_edit(forty, open_gate(forty, "screen"), text, by="Ada", note="")
    after = listed(forty)
    assert after["shelf:30"]["p_is"] == "calibrated on 40 decisions of persons"
    assert float(after["shelf:48"]["p_passes"]) > float(before["shelf:48"]["p_passes"])
    ranks = [
        sorted(rows, key=lambda key, rows=rows: float(rows[key]["p_passes"])) for rows in (before, after)
    ]
    assert ranks[0][0] == ranks[1][0]
    assert ranks[0][-1] == ranks[1][-1]


def test_how_a_suggestion_came_about_is_told_at_the_gate(forty):
    assert "read in two parts" in shown_gate(forty, "screen")
    assert listed(forty)["shelf:30"]["notes"] == "read in two parts"


def test_status_tells_failures_by_their_kind(screened):
    assert re.search(r"screen .*failed 1.*\n\s+failed: 1 busy\n", status(screened.yaml).text)
