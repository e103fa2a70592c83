"""The baseline as an engine: its identity, its answers, and how it shares the embedder."""

import asyncio

import pytest

from model.baseline import BaselineEngine
from model.engine import EngineRefused, Request, Task, call_key, call_request, parse_answer
from model.pool import ask, ask_all
from model.tasks import characteristics, pico, query, screen
from tools.schemas import Criterion, FieldSpec, Passage

TOPIC = Criterion(id="t", kind="include", text="Warmth of extremities ~")

INPUTS = {
    pico.TASK: pico.PicoInput(
        title="Wool",
        question="P: hikers\nI: wool socks",
        framework="PICO",
        elements=("population", "intervention"),
    ),
    query.TASK: query.QueryInput(title="Wool", framework="PICO", elements={"intervention": ("wool socks",)}),
    screen.TASK: screen.ScreenInput(
        record_id="r", criteria=(TOPIC,), text="Cold toes ~.\nForty hikers took part."
    ),
    characteristics.TASK: characteristics.CharacteristicsInput(
        report_id="r",
        title="Wool",
        fields=(FieldSpec(id="sample_size", kind="number", question="What is the sample size?"),),
        passages=(
            Passage(
                section="abstract", kind="abstract", start=0, text="We enrolled 60 patients with cold feet."
            ),
        ),
    ),
}


def requests(n):
    texts = [f"Cold toes ~ number {i}.\nForty hikers took part." for i in range(n)]
    inputs = [
        screen.ScreenInput(record_id=f"r{i}", criteria=(TOPIC,), text=text) for i, text in enumerate(texts)
    ]
    return [Request(screen.TASK, asked) for asked in inputs]


@pytest.mark.parametrize("task", list(INPUTS), ids=lambda task: task.id)
def test_every_task_is_answered_in_its_own_form(task, likeness, vocabulary):
    request = Request(task, INPUTS[task])
    answer = ask(BaselineEngine(vocabulary, likeness), request)
    assert parse_answer(request, answer.raw) == answer.value
    assert (answer.tokens_in, answer.tokens_out) == (None, None)


@pytest.mark.parametrize("task", list(INPUTS), ids=lambda task: task.id)
def test_the_same_request_gets_the_same_answer(task, likeness, vocabulary):
    request = Request(task, INPUTS[task])
    assert (
        ask(BaselineEngine(vocabulary, likeness), request).raw
        == ask(BaselineEngine(vocabulary, likeness), request).raw
    )


def test_it_says_what_it_is():
    engine = BaselineEngine(None, type("E", (), {"name": "e"})())
    assert (engine.name, engine.language_model) == ("baseline-3", False)
    assert engine.label == "baseline rules (no language model)"


def test_the_identity_of_a_call_holds_all_that_can_change_its_answer(likeness, vocabulary):
    request = Request(screen.TASK, INPUTS[screen.TASK])
    key = call_key(call_request(BaselineEngine(vocabulary, likeness), request))
    other = type(likeness)()
    other.name = "another/fp32"
    assert key == call_key(call_request(BaselineEngine(vocabulary, type(likeness)()), request))
    assert key != call_key(call_request(BaselineEngine(None, likeness), request))
    assert key != call_key(call_request(BaselineEngine(vocabulary, other), request))
    moved = INPUTS[screen.TASK].model_copy(update={"text": "Another text."})
    assert key != call_key(call_request(BaselineEngine(vocabulary, likeness), Request(screen.TASK, moved)))


def test_an_unknown_task_is_refused_with_a_remedy(likeness):
    task = Task("poetry", pico.PicoInput, pico.PicoAnswer, lambda asked: {})
    with pytest.raises(EngineRefused, match="language model"):
        ask(BaselineEngine(None, likeness), Request(task, INPUTS[pico.TASK]))


def test_each_record_is_embedded_by_itself(likeness):
    """Three lists a record (criterion, record, sentences), none of them mixed with another record's."""
    answers = {}
    ask_all(BaselineEngine(None, likeness), requests(20), in_flight=20, landed=answers.__setitem__)
    assert {answer.value.verdicts[0].label for answer in answers.values()} == {"PARTIAL"}
    assert len(likeness.calls) == 60


def test_answers_do_not_depend_on_company(likeness):
    together, alone = {}, {}
    ask_all(BaselineEngine(None, likeness), requests(12), in_flight=12, landed=together.__setitem__)
    ask_all(BaselineEngine(None, likeness), requests(12), in_flight=1, landed=alone.__setitem__)
    assert {i: a.raw for i, a in together.items()} == {i: a.raw for i, a in alone.items()}


def test_a_failing_embedder_fails_everyone_who_waits_and_nobody_gets_a_verdict():
    class Broken:
        name = "broken"

        def encode(self, texts):
            raise RuntimeError("no memory")

    async def both():
        engine = BaselineEngine(None, Broken())
        return await asyncio.gather(*(engine.answer(r) for r in requests(2)), return_exceptions=True)

    assert [type(result) for result in asyncio.run(both())] == [RuntimeError, RuntimeError]


def test_one_engine_serves_several_event_loops(likeness):
    engine = BaselineEngine(None, likeness)
    first, second = (ask(engine, requests(1)[0]) for _ in range(2))
    assert first.raw == second.raw
