"""Engines around an engine: asked once, replayed exactly, never too many at once, patient without waiting."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.chat import ChatEngine, ChatSettings
from model.engine import (
    Answer,
    AnswerRejected,
    EngineBusy,
    EngineRefused,
    EngineUnavailable,
    Request,
    call_key,
    call_request,
)
from model.pool import ask
from model.scripted import ScriptedEngine
from model.tasks import pico, screen
from model.tasks.pico import PicoInput
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from model.wrappers import MAX_ATTEMPTS, Limited, Recorded, Replayed, Retried, pause_s
from tools.database import Database
from tools.errors import EngineError, ReplayMiss
from tools.logs import CallLog
from tools.schemas import Criterion

COUGH = Criterion(id="cough", kind="include", text="People with a cough.")
ASKED = ScreenInput(record_id="lib:1", criteria=(COUGH,), text="Snail syrup for cough")
REQUEST = Request(screen.TASK, ASKED)
YES = ScreenAnswer(verdicts=(Judgement(criterion_id="cough", label="YES", quote="cough"),))
NO = ScreenAnswer(verdicts=(Judgement(criterion_id="cough", label="NO", quote="cough"),))


@pytest.fixture
def log(tmp_path):
    database = Database.file(tmp_path / "review.sqlite")
    yield CallLog(database, lambda: "2026-01-02T03:04:05Z")
    database.close()


class Counting:
    """A script that counts how often it is asked, and says or raises one thing after the other."""

    def __init__(self, *says):
        self.says, self.asked = list(says), 0

    def __call__(self, request):
        self.asked += 1
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, BaseException):
            raise said
        return said


def key_of(engine, request):
    return call_key(call_request(engine, request))


# Keys --------------------------------------------------------------------------------------------

SETTINGS = ChatSettings(model="m", base_url="http://127.0.0.1:9/v1")
CHANGES = {
    "model": "other",
    "temperature": 0.5,
    "max_tokens": 99,
    "seed": 2,
}
IRRELEVANT = {"base_url": "http://127.0.0.1:10/v1", "api_key_env": "SOME_KEY", "timeout_s": 1.0}


def with_settings(**more):
    return ChatEngine(ChatSettings(**(vars(SETTINGS) | more)))


@pytest.mark.parametrize("change", CHANGES)
def test_what_may_change_an_answer_changes_the_key(change):
    assert key_of(with_settings(**{change: CHANGES[change]}), REQUEST) != key_of(with_settings(), REQUEST)


@given(st.sets(st.sampled_from(sorted(IRRELEVANT))))
def test_address_credentials_and_patience_do_not_change_the_key(names):
    other = with_settings(**{name: IRRELEVANT[name] for name in names})
    assert key_of(other, REQUEST) == key_of(with_settings(), REQUEST)


criteria = st.lists(
    st.builds(Criterion, id=st.text(min_size=1), kind=st.sampled_from(["include", "exclude"]), text=st.text()),
    min_size=1, max_size=3,
).map(tuple)  # fmt: skip
inputs = st.builds(ScreenInput, record_id=st.text(), criteria=criteria, text=st.text(), title=st.text())
requests = st.builds(
    Request, st.just(screen.TASK), inputs, sample=st.integers(0, 3), attempt=st.integers(1, 3)
)


@given(requests, requests)
def test_an_engine_that_reads_typed_input_has_one_key_per_different_question(one, other):
    engine = ScriptedEngine(Counting(YES))
    assert (key_of(engine, one) == key_of(engine, other)) == (one == other)


@given(requests, requests)
def test_a_language_model_has_one_key_per_different_prompt_sample_and_attempt(one, other):
    engine = with_settings()

    def told(request):
        return engine.seen(request)["text"], request.sample, request.attempt

    assert (key_of(engine, one) == key_of(engine, other)) == (told(one) == told(other))


def test_the_tasks_form_is_part_of_the_key():
    seen = with_settings().seen(REQUEST)
    assert set(seen) == {"prompt", "text", "structured", "schema", "sampling"}
    assert list(seen["schema"]["properties"]["verdicts"]["properties"]) == [c.id for c in ASKED.criteria]


def test_samples_have_seeds_of_their_own():
    seeds = [
        with_settings().seen(Request(screen.TASK, ASKED, sample=n))["sampling"]["seed"] for n in range(3)
    ]
    assert seeds == [1, 2, 3]


def test_another_engines_name_is_another_key():
    assert key_of(ScriptedEngine(Counting(YES), "a"), REQUEST) != key_of(
        ScriptedEngine(Counting(YES), "b"), REQUEST
    )


def test_wrapping_changes_neither_name_nor_key(log):
    backend = ScriptedEngine(Counting(YES))
    for wrapped in (
        Recorded(backend, log),
        Replayed(backend, log),
        Limited(backend, 1),
        Retried(backend, lambda: 1.0),
    ):
        assert wrapped.name == backend.name
        assert key_of(wrapped, REQUEST) == key_of(backend, REQUEST)


def test_the_recipe_of_keys_is_the_one_that_reviews_are_stored_under():
    """Written down and hashed by sha256sum; if it fails, every stored review would be asked again."""
    asked = PicoInput(title="t", question="q", framework="PICO", elements=("P",))
    told = (
        '{"attempt":1,"engine":"scripted","sample":0,"seen":{"input":{"elements":["P"],"framework":"PICO",'
        '"given":{},"question":"q","title":"t"}},"task":"pico"}'
    )
    assert call_request(ScriptedEngine(Counting(YES)), Request(pico.TASK, asked)) == told
    assert call_key(told) == "v1:245e04560470279a822b287d9741de892124192df97a89818f13eec04b41e14e"


# Recorded and Replayed ---------------------------------------------------------------------------


def test_a_question_is_asked_once_and_both_times_answered_alike(log):
    script = Counting(YES, NO)
    engine = Recorded(ScriptedEngine(script), log)
    first, second = ask(engine, REQUEST), ask(engine, REQUEST)
    assert script.asked == 1
    assert first == second
    assert first.value == YES
    assert first.key == key_of(engine, REQUEST) == log.find(first.key).key


def test_another_sample_and_another_attempt_are_asked_anew(log):
    script = Counting(YES)
    engine = Recorded(ScriptedEngine(script), log)
    for request in (REQUEST, Request(screen.TASK, ASKED, sample=1), Request(screen.TASK, ASKED, attempt=2)):
        ask(engine, request)
        ask(engine, request)
    assert script.asked == 3


@pytest.mark.parametrize(
    "failure",
    [
        AnswerRejected("screen: no JSON", raw="Well …"),
        EngineRefused("declined"),
        EngineBusy("too slow"),
        EngineError("odd"),
    ],
    ids=lambda e: e.kind,
)
def test_a_final_failure_is_stored_and_comes_again_without_asking(log, failure):
    script = Counting(failure)
    engine = Recorded(ScriptedEngine(script), log)
    raised = []
    for each in (engine, engine, Replayed(ScriptedEngine(script), log)):
        with pytest.raises(EngineError) as e:
            ask(each, REQUEST)
        raised.append(e.value)
    assert script.asked == 1
    assert {type(e) for e in raised} == {type(failure)}
    assert {str(e) for e in raised} == {str(failure)}
    assert {getattr(e, "raw", None) for e in raised} == {getattr(failure, "raw", None)}
    stored = log.find(key_of(engine, REQUEST))
    assert (stored.status, stored.error_kind, stored.error) == ("failed", failure.kind, str(failure))


def test_an_answer_that_does_not_fit_is_stored_with_what_was_said(log):
    engine = Recorded(ScriptedEngine(Counting('{"verdicts": []}')), log)
    with pytest.raises(AnswerRejected, match=r"criteria missing \['cough'\]"):
        ask(engine, REQUEST)
    assert log.find(key_of(engine, REQUEST)).raw == '{"verdicts":[]}'


def test_an_engine_that_is_away_is_asked_again(log):
    script = Counting(EngineUnavailable("gone"), YES)
    engine = Recorded(ScriptedEngine(script), log)
    with pytest.raises(EngineUnavailable):
        ask(engine, REQUEST)
    assert list(log.all()) == []
    assert ask(engine, REQUEST).value == YES


def test_a_cancelled_question_is_not_a_failure(log):
    class Hanging(ScriptedEngine):
        async def answer(self, request):
            await asyncio.Event().wait()

    async def impatient():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Recorded(Hanging(Counting(YES)), log).answer(REQUEST), 0.01)

    asyncio.run(impatient())
    assert list(log.all()) == []


def test_of_two_askings_in_flight_both_get_the_answer_that_is_stored(log):
    """Else what was used and what is replayed would differ."""

    class Meeting(ScriptedEngine):
        both = None
        waiting = 0

        async def answer(self, request):
            self.waiting += 1
            if self.waiting == 2:
                self.both.set()
            mine = YES if self.waiting == 1 else NO
            await self.both.wait()
            return Answer(mine, mine.model_dump_json())

    async def twice():
        backend = Meeting(Counting(YES))
        backend.both = asyncio.Event()
        engine = Recorded(backend, log)
        return await asyncio.gather(engine.answer(REQUEST), engine.answer(REQUEST))

    one, other = asyncio.run(twice())
    assert one == other
    assert [call.raw for call in log.all()] == [one.raw]


def test_a_replay_never_asks(log):
    ask(Recorded(ScriptedEngine(Counting(YES)), log), REQUEST)
    script = Counting(AssertionError("a replay asked"))
    replay = Replayed(ScriptedEngine(script), log)
    assert ask(replay, REQUEST).value == YES
    with pytest.raises(ReplayMiss):
        ask(replay, Request(screen.TASK, ASKED, sample=1))
    assert script.asked == 0


def test_a_miss_shows_how_the_nearest_question_differed(log):
    engine = ScriptedEngine(Counting(YES))
    for text in ("Snail syrup for cough", "Something else entirely, about horses and their hooves"):
        ask(Recorded(engine, log), Request(screen.TASK, ASKED.model_copy(update={"text": text})))
    with pytest.raises(ReplayMiss) as e:
        ask(
            Replayed(engine, log),
            Request(screen.TASK, ASKED.model_copy(update={"text": "Snail syrup for colds"})),
        )
    lines = str(e.value).splitlines()
    assert '-   "text": "Snail syrup for cough",' in lines
    assert '+   "text": "Snail syrup for colds",' in lines
    assert "horses" not in str(e.value)


def test_a_miss_in_a_review_without_such_calls_says_so(log):
    with pytest.raises(ReplayMiss, match="no call of task 'screen'. Was it run to this step"):
        ask(Replayed(ScriptedEngine(Counting(YES)), log), REQUEST)


# Limited -----------------------------------------------------------------------------------------


class Watched(ScriptedEngine):
    """Counts how many are inside at once; each goes on when the test lets it."""

    def __init__(self):
        super().__init__(Counting(YES))
        self.lock = threading.Lock()
        self.inside = self.most = self.done = 0

    async def answer(self, request):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            for _ in range(5):
                await asyncio.sleep(0)
            return await super().answer(request)
        finally:
            with self.lock:
                self.inside -= 1
                self.done += 1


async def many(engine, n):
    return await asyncio.gather(*(engine.answer(REQUEST) for _ in range(n)))


def test_no_more_than_the_limit_are_in_flight_in_one_loop_after_another():
    backend = Watched()
    engine = Limited(backend, 3)
    for _ in range(3):
        assert len(asyncio.run(many(engine, 20))) == 20
    assert (backend.most, backend.done) == (3, 60)


def test_the_limit_holds_across_event_loops_that_run_at_the_same_time():
    backend = Watched()
    engine = Limited(backend, 2)
    threads = [threading.Thread(target=lambda: asyncio.run(many(engine, 50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert backend.done == 200
    assert backend.most == 2


def test_a_cancelled_or_failed_request_gives_its_slot_back():
    class Hanging(ScriptedEngine):
        hang = True

        async def answer(self, request):
            if self.hang:
                await asyncio.Event().wait()
            return await super().answer(request)

    async def scene():
        backend = Hanging(Counting(EngineBusy("no"), YES))
        engine = Limited(backend, 1)
        hanging = asyncio.ensure_future(engine.answer(REQUEST))
        waiting = [asyncio.ensure_future(engine.answer(REQUEST)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        hanging.cancel()
        backend.hang = False
        results = await asyncio.gather(hanging, *waiting, return_exceptions=True)
        assert [type(r) for r in results] == [
            asyncio.CancelledError,
            asyncio.CancelledError,
            EngineBusy,
            Answer,
        ]
        return await engine.answer(REQUEST)

    assert asyncio.run(asyncio.wait_for(scene(), 10)).value == YES


def test_a_waiter_cancelled_just_as_its_turn_comes_passes_it_on():
    async def scene():
        gate = asyncio.Event()

        class Gated(ScriptedEngine):
            async def answer(self, request):
                await gate.wait()
                return await super().answer(request)

        engine = Limited(Gated(Counting(YES)), 1)
        first, second, third = (asyncio.ensure_future(engine.answer(REQUEST)) for _ in range(3))
        await asyncio.sleep(0)
        gate.set()
        await first  # its slot is now on the way to the second
        second.cancel()
        return await third

    assert asyncio.run(asyncio.wait_for(scene(), 10)).value == YES


def test_a_loop_that_ended_while_it_waited_holds_up_nobody():
    async def abandoned(engine):
        asyncio.ensure_future(engine.answer(REQUEST))  # noqa: RUF006 - abandoned on purpose
        await asyncio.sleep(0)

    backend = Watched()
    engine = Limited(backend, 1)

    async def holder():
        slot = asyncio.ensure_future(engine.answer(REQUEST))
        await asyncio.sleep(0)
        thread = threading.Thread(target=lambda: asyncio.run(abandoned(engine)))
        thread.start()
        thread.join(10)
        await slot
        return await engine.answer(REQUEST)

    assert asyncio.run(asyncio.wait_for(holder(), 10)).value == YES


def test_a_limit_of_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="at least 1"):
        Limited(ScriptedEngine(Counting(YES)), 0)


# Retried -----------------------------------------------------------------------------------------


def test_pauses_grow_and_end_by_hand():
    assert [pause_s(n) for n in range(1, 6)] == [2.0, 4.0, 8.0, None, None]
    assert MAX_ATTEMPTS == 4


def slept(script, jitter=lambda: 1.0):
    pauses = []

    async def sleep(pause):
        pauses.append(pause)

    return pauses, Retried(ScriptedEngine(script), jitter, sleep)


def test_a_busy_engine_is_asked_again_after_each_pause():
    pauses, engine = slept(Counting(EngineBusy("1"), EngineBusy("2"), YES))
    assert ask(engine, REQUEST).value == YES
    assert pauses == [2.0, 4.0]


def test_it_gives_up_in_the_end_and_says_why():
    script = Counting(EngineBusy("still"))
    pauses, engine = slept(script, jitter=lambda: 0.5)
    with pytest.raises(EngineBusy, match="still"):
        ask(engine, REQUEST)
    assert (script.asked, pauses) == (4, [1.0, 2.0, 4.0])


@pytest.mark.parametrize(
    "final", [AnswerRejected("x"), EngineRefused("x"), EngineUnavailable("x"), EngineError("x")]
)
def test_nothing_else_is_asked_again(final):
    script = Counting(final)
    pauses, engine = slept(script)
    with pytest.raises(type(final)):
        ask(engine, REQUEST)
    assert (script.asked, pauses) == (1, [])


def test_only_what_is_final_is_stored(log):
    script = Counting(EngineBusy("1"), YES)
    _, retried = slept(script)
    assert ask(Recorded(retried, log), REQUEST).value == YES
    assert [call.status for call in log.all()] == ["ok"]
