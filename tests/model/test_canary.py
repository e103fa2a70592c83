"""A server is examined before its first answer: does it have the model, and does it hold it to a form?"""

import asyncio
import json
import threading

import pytest

from model import canary
from model.canary import SCHEMA, Served
from model.engine import EngineBusy, EngineUnavailable, EngineUnfit, Request
from model.pool import ask, ask_all
from model.tasks import screen
from tests.model.test_chat import ASKED, REQUEST, engine_at, healthy
from tests.servers import openai_server as server
from tests.servers.openai_server import MODEL, serving


def test_a_server_is_examined_once_and_that_is_no_call_of_the_review():
    with serving(healthy) as served:
        engine = engine_at(served)
        for sample in range(3):
            ask(engine, Request(screen.TASK, ASKED, sample=sample))
        ask(engine_at(served, max_tokens=77), REQUEST)
        assert len(served.log) == 4
        assert len(served.examined) == 1, "once per endpoint, whatever else differs"
        assert served.about == ["/v1/models"]
        asked = served.examined[0].body
    assert asked["response_format"]["json_schema"]["schema"] == SCHEMA
    assert asked["temperature"] == 0.0


def test_callers_at_the_same_time_share_one_examination():
    landed = {}
    with serving(healthy) as served:
        requests = (Request(screen.TASK, ASKED, sample=i) for i in range(20))
        ask_all(engine_at(served), requests, in_flight=20, landed=landed.__setitem__)
        assert len(landed) == 20
        assert (len(served.examined), served.about) == (1, ["/v1/models"])


def test_a_server_that_ignores_the_form_is_unfit_and_nothing_is_asked():
    with serving(healthy, holds_to_forms=False) as served:
        engine = engine_at(served)
        with pytest.raises(EngineUnfit) as e:
            ask(engine, REQUEST)
        assert served.log == []
        with pytest.raises(EngineUnfit):
            ask(engine, REQUEST)
    said = str(e.value)
    assert e.value.exit_status == 2
    assert "Eight." in said, "what it said instead"
    assert "--structured-outputs-config" in said
    assert "json_object (llama.cpp)" in said
    assert "`none`" in said


@pytest.mark.parametrize(
    "answer",
    [
        server.saying("8"),
        server.saying('{"answer": "8"}'),
        server.saying('{"answer": "heron", "legs": 8}'),
        server.saying('["heron"]'),
        server.saying('Of course: {"answer": "heron"}'),
        server.saying(""),
        server.failing(400, "response_format is not supported"),
        server.failing(422, "extra_forbidden: response_format"),
        lambda healthy, asked: server.completion("8 legs has a", asked, finish="length"),
        lambda healthy, asked: server.completion("   ", asked, finish="length"),
    ],
)
def test_anything_but_the_form_is_unfit(answer):
    with serving(healthy, canary_fault=answer) as served, pytest.raises(EngineUnfit):
        ask(engine_at(served), REQUEST)


def test_white_space_without_end_is_a_form_all_the_same():
    def spacious(healthy, asked):
        return server.completion('{ \n\n\t "answer"' + " " * 50, asked, finish="length")

    with serving(healthy, canary_fault=spacious) as served:
        assert ask(engine_at(served), REQUEST).value.verdicts


def test_a_server_that_was_mended_is_asked_again():
    broken = [True]

    def at_first(reply, asked):
        return server.completion("8", asked) if broken.pop() else reply

    broken.insert(0, False)
    with serving(healthy, canary_fault=at_first) as served:
        engine = engine_at(served)
        with pytest.raises(EngineUnfit):
            ask(engine, REQUEST)
        assert ask(engine, REQUEST).value.verdicts
        assert len(served.examined) == 2


def test_a_busy_server_fails_all_who_wait_as_busy_and_is_asked_again():
    busy = [False, True]

    def at_first(reply, asked):
        return server.error(503, "loading", "x") if busy.pop() else reply

    async def four(engine):
        return await asyncio.gather(*(engine.answer(REQUEST) for _ in range(4)), return_exceptions=True)

    with serving(healthy, canary_fault=at_first) as served:
        engine = engine_at(served)
        failed = asyncio.run(four(engine))
        assert {type(each) for each in failed} == {EngineBusy}
        assert len({id(each) for each in failed}) == 4, "what is noted on one is not on the others'"
        assert ask(engine, REQUEST).value.verdicts


def test_an_impatient_caller_does_not_end_the_examination_for_the_others():
    entered = threading.Event()

    def slow(reply, asked):
        entered.set()
        release.wait(5)
        return reply

    release = threading.Event()

    async def two(engine):
        first = asyncio.ensure_future(engine.answer(REQUEST))
        second = asyncio.ensure_future(engine.answer(REQUEST))
        await asyncio.to_thread(entered.wait, 5)
        first.cancel()
        release.set()
        return await second

    with serving(healthy, canary_fault=slow) as served:
        assert asyncio.run(two(engine_at(served))).value.verdicts
        assert len(served.examined) == 1


def test_a_server_that_went_away_is_examined_when_it_is_back():
    with serving(healthy) as served:
        engine = engine_at(served)
        ask(engine, REQUEST)
        port = int(served.base_url.rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(EngineUnavailable):
        ask(engine, REQUEST)
    with serving(healthy, port=port, holds_to_forms=False), pytest.raises(EngineUnfit):
        ask(engine, REQUEST)


def test_without_structured_output_only_the_model_is_looked_for():
    with serving(healthy, [server.saying(healthy(None))], holds_to_forms=False) as served:
        assert ask(engine_at(served, structured="none"), REQUEST).value.verdicts
        assert (served.examined, served.about) == ([], ["/v1/models"])


def test_llama_cpps_way_is_examined_in_its_own_way():
    with serving(healthy) as served:
        ask(engine_at(served, structured="json_object"), REQUEST)
        assert served.examined[0].body["response_format"] == {"type": "json_object", "schema": SCHEMA}


def test_what_is_served_is_told():
    with serving(healthy, context=4096) as served:
        told = asyncio.run(engine_at(served).served())
    assert told == Served(MODEL, f"invented/{MODEL}", 4096)


@pytest.mark.parametrize("models", [404, 405, 501, b"[]", b"{}", b"not JSON", b'{"data": [1, {"id": 2}]}'])
def test_a_server_that_lists_no_models_is_taken_at_its_word(models):
    with serving(healthy, models=models) as served:
        engine = engine_at(served)
        assert asyncio.run(engine.served()) == Served(MODEL)
        assert ask(engine, REQUEST).value.verdicts


def test_ollamas_name_of_a_model_without_a_tag_is_that_model():
    listed = json.dumps({"data": [{"id": f"{MODEL}:latest"}]}).encode()
    with serving(healthy, models=listed) as served:
        assert ask(engine_at(served), REQUEST).value.verdicts


@pytest.mark.parametrize(
    ("status", "error"), [(401, EngineUnavailable), (403, EngineUnavailable), (503, EngineBusy)]
)
def test_a_listing_that_is_refused_says_why(status, error):
    with serving(healthy, models=status) as served, pytest.raises(error, match=f"HTTP {status}"):
        ask(engine_at(served), REQUEST)


def test_a_small_context_leaves_room_for_the_question():
    with serving(healthy, context=256) as served:
        asyncio.run(engine_at(served).served())
        assert served.examined[0].body["max_tokens"] == 128


def test_nothing_is_left_under_way():
    with serving(healthy) as served:
        ask(engine_at(served), REQUEST)
    assert all(not tasks for tasks in canary._underway.values())
