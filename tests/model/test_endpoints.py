"""Several servers of one model: who is asked, who is left alone, and what is no part of a call's identity."""

import asyncio
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest

from model.chat import ChatEngine, ChatSettings
from model.endpoints import Balanced
from model.engine import (
    AnswerRejected,
    EngineBusy,
    EngineRefused,
    EngineUnavailable,
    EngineUnfit,
    Request,
    call_key,
    call_request,
)
from model.pool import ask, ask_all
from model.tasks import screen
from model.wrappers import Retried
from tests.model.test_chat import ASKED, REQUEST, engine_at, healthy
from tests.servers import openai_server as server
from tests.servers.openai_server import MODEL, serving
from tools.errors import ConfigError


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@contextmanager
def endpoints(*behaviours, script=healthy):
    """As many servers as lists of faults, and one engine over all of them."""
    with ExitStack() as stack:
        served = [stack.enter_context(serving(script, faults)) for faults in behaviours]
        clock = Clock()
        yield Balanced([engine_at(each) for each in served], clock), served, clock


def nowhere():
    with serving(healthy) as served:
        return served


def port_of(served):
    return int(served.base_url.rsplit(":", 1)[1].split("/")[0])


def test_the_load_is_shared_by_what_is_under_way():
    together = threading.Barrier(6, timeout=10)

    def when_all_are_there(body):
        together.wait()
        return healthy(body)

    landed = {}
    with endpoints([], [], [], script=when_all_are_there) as (engine, served, _):
        requests = (Request(screen.TASK, ASKED, sample=i) for i in range(6))
        ask_all(engine, requests, in_flight=6, landed=landed.__setitem__)
        assert len(landed) == 6
        assert [len(each.log) for each in served] == [2, 2, 2]
        assert all(each.in_flight == 0 for each in engine.endpoints)


def test_a_request_that_finds_nobody_goes_to_another_and_is_not_lost():
    with serving(healthy) as served:
        engine = Balanced([engine_at(nowhere()), engine_at(served)], Clock())
        for sample in range(5):
            assert ask(engine, Request(screen.TASK, ASKED, sample=sample)).value.verdicts
        assert len(served.log) == 5


def test_an_endpoint_that_is_away_is_left_alone_for_longer_each_time_and_comes_back():
    away, clock = nowhere(), Clock()
    with serving(healthy) as served:
        engine = Balanced([engine_at(away), engine_at(served)], clock)
        gone = engine.endpoints[0]
        ask(engine, REQUEST)
        assert (gone.away, gone.until) == (True, 1.0)
        for now, until in [(0.5, 1.0), (1.0, 3.0), (3.0, 7.0), (7.0, 15.0)]:
            clock.now = now
            ask(engine, REQUEST)
            assert gone.until == until, "asked after its health when the pause is over, and not before"
        with serving(healthy, port=port_of(away)) as back:
            clock.now = 15.0

            async def until_it_is_back():
                while gone.away:
                    await engine.answer(REQUEST)
                    clock.now += 1.0
                return await engine.answer(REQUEST)

            asyncio.run(until_it_is_back())
            assert back.about[0] == "/health"
            assert back.log, "it takes part again"


def test_nobody_there_is_unavailable_and_all_are_looked_at_again_next_time():
    away, clock = nowhere(), Clock()
    engine = Balanced([engine_at(nowhere()), engine_at(away)], clock)
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match="no server at"):
            ask(engine, REQUEST)
    with serving(healthy, port=port_of(away)):
        assert ask(engine, REQUEST).value.verdicts, "without waiting for any pause: a person has started it"


def test_a_server_that_says_it_is_not_well_does_not_come_back():
    away, clock = nowhere(), Clock()
    with serving(healthy) as served:
        engine = Balanced([engine_at(away), engine_at(served)], clock)
        ask(engine, REQUEST)
        with serving(healthy, port=port_of(away)) as back:
            back.well = False
            clock.now = 100.0

            async def while_it_is_asked():
                await engine.answer(REQUEST)
                while not back.about:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.05)

            asyncio.run(while_it_is_asked())
            assert engine.endpoints[0].away
            assert back.log == []


def test_one_that_ignores_the_form_stops_everything():
    with serving(healthy) as well, serving(healthy, holds_to_forms=False) as unfit:
        engine = Balanced([engine_at(unfit), engine_at(well)], Clock())
        with pytest.raises(EngineUnfit):
            ask(engine, REQUEST)
        with pytest.raises(EngineUnfit):
            asyncio.run(engine.served())


def test_a_busy_one_rests_and_the_next_try_goes_to_another():
    with endpoints([server.failing(503, retry_after="9")] * 5, []) as (engine, served, clock):
        with pytest.raises(EngineBusy) as e:
            ask(engine, REQUEST)
        assert e.value.retry_after_s == 9.0
        for _ in range(3):
            assert ask(engine, REQUEST).value.verdicts
        assert [len(each.log) for each in served] == [1, 3], (
            "one that fails at once does not draw all the work"
        )
        clock.now = 9.0
        with pytest.raises(EngineBusy):
            ask(engine, REQUEST)


def test_when_all_rest_the_work_goes_on_with_the_least_busy():
    faulty = [server.failing(503), None]
    with endpoints(faulty, faulty) as (engine, _, _):
        for _ in range(2):
            with pytest.raises(EngineBusy):
                ask(engine, REQUEST)
        assert ask(engine, REQUEST).value.verdicts


@pytest.mark.parametrize(
    ("fault", "error"), [(server.saying("{}"), AnswerRejected), (server.failing(400), EngineRefused)]
)
def test_an_answer_that_is_none_is_passed_on_and_not_asked_of_another(fault, error):
    with endpoints([fault], []) as (engine, served, _):
        with pytest.raises(error):
            ask(engine, REQUEST)
        assert [len(each.log) for each in served] == [1, 0]
        assert engine.endpoints[0].failures == 0


def test_a_server_killed_in_the_middle_loses_nothing():
    landed = {}

    def slow(body):
        time.sleep(0.02)
        return healthy(body)

    with serving(slow) as served, ExitStack() as other:
        killed = other.enter_context(serving(slow))
        balanced = Balanced([engine_at(killed), engine_at(served)])

        async def at_once(_seconds):
            await asyncio.sleep(0.01)

        def note(position, result):
            landed[position] = result
            if len(landed) == 20:
                threading.Thread(target=other.close).start()

        requests = (Request(screen.TASK, ASKED, sample=i) for i in range(80))
        ask_all(Retried(balanced, lambda: 1.0, at_once), requests, in_flight=8, landed=note)
    assert len(landed) == 80
    assert all(not isinstance(result, Exception) for result in landed.values())


def test_neither_choice_nor_order_of_endpoints_is_in_the_key():
    def engine(*ports):
        return Balanced(
            [ChatEngine(ChatSettings(model=MODEL, base_url=f"http://127.0.0.1:{p}/v1")) for p in ports]
        )

    alone = ChatEngine(ChatSettings(model=MODEL, base_url="http://127.0.0.1:9/v1"))
    told = {call_key(call_request(each, REQUEST)) for each in (engine(1, 2), engine(2, 1), engine(3), alone)}
    assert len(told) == 1
    assert engine(1, 2).rendered(REQUEST) == alone.rendered(REQUEST)
    assert engine(1, 2).read(REQUEST, healthy(None)).verdicts
    assert engine(1, 2).label == alone.label


@pytest.mark.parametrize(
    "other", [{"model": "other"}, {"temperature": 0.5}, {"prompts": "leads"}, {"structured": "none"}]
)
def test_endpoints_that_differ_in_more_than_their_address_are_refused(other):
    same = {"model": MODEL, "base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(ConfigError, match="must have the same model"):
        Balanced([ChatEngine(ChatSettings(**same)), ChatEngine(ChatSettings(**(same | other)))])


def test_no_endpoint_at_all_is_refused():
    with pytest.raises(ConfigError, match="engine.base_url"):
        Balanced([])


def test_the_smallest_context_is_what_all_can_read():
    with serving(healthy, context=8192) as large, serving(healthy, context=4096) as small:
        engine = Balanced([engine_at(large), engine_at(small), engine_at(nowhere())])
        assert asyncio.run(engine.served()).context == 4096
        assert asyncio.run(engine.is_healthy())


def test_it_works_in_one_event_loop_after_another():
    with endpoints([], []) as (engine, served, _):
        for _ in range(3):
            asyncio.run(engine.answer(REQUEST))
        assert sum(len(each.log) for each in served) == 3
