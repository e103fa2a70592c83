"""What a step makes of engines that stand in, read in parts, or fail: stored with the verdict, told at the gate."""

import pytest

from graphs.driver import advance, checkpoints
from model.engine import EngineBusy, EngineUnavailable
from model.scripted import ScriptedEngine
from model.together import Fallback, Voted
from model.wrappers import Corrected, Recorded
from tests.graphs import small


def busy(_request):
    raise EngineBusy("too much to do")


def gone(_request):
    raise EngineUnavailable("nobody there")


@pytest.fixture
def review(tmp_path):
    with small.opened(small.write(tmp_path / "snail")) as review:
        small.go(review)
        small.approve_open(review)
        yield review


def screened(review, engine):
    """The screening step with another engine; its stored verdicts."""
    deps = small.deps_of(review)
    with checkpoints(review.home.checkpoints) as saver:
        advance(small.same_but(deps, engines={**deps.engines, "screen": engine}), saver)
    return review.store.machine_outcomes(review.pass_id, "screen")


@pytest.mark.parametrize("trouble", [busy, gone])
def test_an_outcome_names_the_engine_that_answered_and_why_it_was_asked(review, trouble):
    first = Recorded(ScriptedEngine(trouble, "first"), review.calls)
    second = Recorded(ScriptedEngine(small.script, "second"), review.calls)
    outcomes = screened(review, Fallback([first, second], review.calls))
    good = [one.outcome for one in outcomes.values() if one.outcome.kind == "waiting"]
    assert good
    for outcome in good:
        verdict = outcome.content["verdict"]
        assert outcome.reader == "machine:second"
        assert verdict["engine"] == "second"
        assert verdict["notes"][0].startswith("first gave no usable answer")
    artefact = review.store.artefact(review.pass_id, "screen")
    assert set(artefact.content["notes"]) == {outcome.record_id for outcome in good}


def test_a_failure_names_the_call_that_failed(review):
    outcomes = screened(review, Recorded(ScriptedEngine(busy, "first"), review.calls))
    keys = {call.key for call in review.calls.all("screen")}
    told = [one.outcome.content["failure"] for one in outcomes.values()]
    assert {failure["kind"] for failure in told} == {"busy"}
    assert {failure["call_key"] for failure in told} <= keys


def test_votes_that_are_even_are_uncertain_and_pass_to_a_person(review):
    def torn(request):
        answer = small.script(request)
        if request.sample % 2:
            flipped = tuple(v.model_copy(update={"label": "PARTIAL"}) for v in answer.verdicts)
            return answer.model_copy(update={"verdicts": flipped})
        return answer

    outcomes = screened(review, Voted(Corrected(Recorded(ScriptedEngine(torn), review.calls)), 2))
    verdicts = [
        one.outcome.content["verdict"] for one in outcomes.values() if "verdict" in one.outcome.content
    ]
    assert verdicts
    for verdict in verdicts:
        assert {v["label"] for v in verdict["verdicts"]} <= {"UNCERTAIN", "PARTIAL"}
        assert verdict["suggestion"] == "pass"
