"""Many requests, a bounded number in flight, and nobody waits for anybody else."""

import asyncio
import threading

import pytest

from model.engine import Answer, AnswerRejected, EngineRefused, EngineUnavailable, Request
from model.pool import ask, ask_all
from model.scripted import ScriptedEngine
from model.tasks import screen
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tools.errors import ReplayMiss
from tools.schemas import Criterion

COUGH = Criterion(id="cough", kind="include", text="People with a cough.")
YES = ScreenAnswer(verdicts=(Judgement(criterion_id="cough", label="YES", quote="cough"),))


def request(n):
    return Request(screen.TASK, ScreenInput(record_id=f"lib:{n}", criteria=(COUGH,), text="cough"))


def requests(n):
    return [request(i) for i in range(n)]


def number(asked):
    return int(asked.input.record_id.partition(":")[2])


class Acting(ScriptedEngine):
    """Does something asynchronous before it answers."""

    def __init__(self, act):
        super().__init__(lambda request: YES)
        self.act = act
        self.asked, self.cancelled = [], []

    async def answer(self, request):
        self.asked.append(number(request))
        try:
            await self.act(number(request))
        except asyncio.CancelledError:
            self.cancelled.append(number(request))
            raise
        return await super().answer(request)


async def at_once(_n):
    return None


class Landing:
    """What was handed over, in the order in which it was."""

    def __init__(self):
        self.results = []

    def __call__(self, position, result):
        self.results.append((position, result))

    @property
    def positions(self):
        return [position for position, _ in self.results]


@pytest.mark.parametrize(("n", "in_flight"), [(0, 3), (1, 3), (3, 3), (50, 1), (50, 7), (5, 64)])
def test_each_result_lands_exactly_once_under_its_own_position(n, in_flight):
    landing = Landing()

    async def shuffled(i):
        for _ in range(i * 7 % 5):
            await asyncio.sleep(0)

    ask_all(Acting(shuffled), requests(n), in_flight=in_flight, landed=landing)
    assert sorted(landing.positions) == list(range(n))
    assert all(isinstance(result, Answer) and result.value == YES for _, result in landing.results)


def test_one_at_a_time_they_land_in_order():
    landing = Landing()
    ask_all(Acting(at_once), requests(20), in_flight=1, landed=landing)
    assert landing.positions == list(range(20))


def test_a_slow_answer_holds_up_nobody_else():
    """The first answer waits for the last one: with barriers this would never end."""
    last = asyncio.Event()

    async def act(i):
        if i == 0:
            await asyncio.wait_for(last.wait(), 20)
        if i == 39:
            last.set()

    landing = Landing()
    ask_all(Acting(act), requests(40), in_flight=2, landed=landing)
    assert landing.positions[-1] == 0
    assert len(landing.positions) == 40


def test_no_more_are_in_flight_than_was_said_and_no_fewer():
    inside, most = [0], [0]

    async def act(_i):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        for _ in range(3):
            await asyncio.sleep(0)
        inside[0] -= 1

    ask_all(Acting(act), requests(30), in_flight=4, landed=Landing())
    assert most == [4]


def test_requests_are_read_as_they_are_needed():
    made, ahead = [0], []

    def lazily():
        for i in range(1000):
            made[0] += 1
            yield request(i)

    landing = Landing()

    def landed(position, result):
        landing(position, result)
        ahead.append(made[0] - len(landing.results))

    ask_all(Acting(at_once), lazily(), in_flight=5, landed=landed)
    assert len(landing.results) == 1000
    assert max(ahead) < 10


def test_a_failure_lands_as_a_failure_and_the_others_go_on():
    def script(asked):
        if number(asked) % 3 == 0:
            raise EngineRefused(f"no to {number(asked)}")
        return YES if number(asked) % 3 == 1 else "no JSON"

    landing = Landing()
    ask_all(ScriptedEngine(script), requests(9), in_flight=3, landed=landing)
    kinds = {position: type(result) for position, result in landing.results}
    assert kinds == {i: (EngineRefused, Answer, AnswerRejected)[i % 3] for i in range(9)}
    assert {str(r) for _, r in landing.results if isinstance(r, EngineRefused)} == {
        "no to 0",
        "no to 3",
        "no to 6",
    }


def test_an_engine_that_is_away_stops_everything_and_cancels_what_is_under_way():
    landing = Landing()
    under_way = asyncio.Event()

    async def act(i):
        if i == 3:
            under_way.set()
            await asyncio.Event().wait()
        if i == 4:
            await under_way.wait()
            raise EngineUnavailable("gone")

    engine = Acting(act)
    with pytest.raises(EngineUnavailable, match="gone"):
        ask_all(engine, requests(1000), in_flight=2, landed=landing)
    assert sorted(landing.positions) == [0, 1, 2], "what had landed before was handed over, nothing after"
    assert engine.cancelled == [3]
    assert max(engine.asked) == 4


@pytest.mark.parametrize("error", [ReplayMiss("not stored"), ZeroDivisionError("a bug of ours")])
def test_any_other_error_stops_everything_too_and_is_not_swallowed(error):
    async def act(i):
        if i == 5:
            raise error

    landing = Landing()
    with pytest.raises(type(error)):
        ask_all(Acting(act), requests(100), in_flight=1, landed=landing)
    assert landing.positions == [0, 1, 2, 3, 4]


def test_an_error_of_who_takes_the_results_or_makes_the_requests_comes_out():
    def failing(_position, _result):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        ask_all(Acting(at_once), requests(5), in_flight=2, landed=failing)

    def broken():
        yield request(0)
        raise KeyError("record")

    with pytest.raises(KeyError, match="record"):
        ask_all(Acting(at_once), broken(), in_flight=2, landed=Landing())


@pytest.mark.parametrize("in_flight", [0, -1])
def test_asking_nobody_is_a_mistake_and_not_an_empty_success(in_flight):
    with pytest.raises(ValueError, match="at least 1"):
        ask_all(Acting(at_once), requests(5), in_flight=in_flight, landed=Landing())


def test_it_works_inside_a_running_loop_as_in_a_notebook():
    landing = Landing()

    async def notebook():
        ask_all(Acting(at_once), requests(10), in_flight=3, landed=landing)
        with pytest.raises(EngineUnavailable):
            ask(ScriptedEngine(_away), request(0))
        return ask(Acting(at_once), request(0)).value

    assert asyncio.run(notebook()) == YES
    assert sorted(landing.positions) == list(range(10))


def _away(_request):
    raise EngineUnavailable("gone")


def test_results_are_handed_over_in_one_thread():
    threads = set()
    ask_all(
        Acting(at_once), requests(10), in_flight=3, landed=lambda *_: threads.add(threading.current_thread())
    )
    assert threads == {threading.current_thread()}


def test_one_request_is_answered_or_raises():
    assert ask(Acting(at_once), request(0)).value == YES
    with pytest.raises(AnswerRejected):
        ask(ScriptedEngine(lambda asked: ""), request(0))
