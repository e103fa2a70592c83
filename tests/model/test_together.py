"""Fallbacks and votes: several stored calls, one answer that says how it came about."""

import itertools
from typing import Any

import pytest

from model.engine import (
    Answer,
    AnswerRejected,
    EngineBusy,
    EngineUnavailable,
    EngineUnfit,
    Request,
    call_key,
    call_request,
)
from model.pool import ask
from model.scripted import ScriptedEngine
from model.tasks import characteristics, direction, pico, screen
from model.tasks.characteristics import CharacteristicsAnswer, FieldAnswer
from model.tasks.direction import DirectionAnswer
from model.tasks.pico import PicoAnswer
from model.tasks.screen import Judgement, ScreenAnswer
from model.together import Fallback, Voted
from model.wrappers import Corrected, Recorded, Replayed
from tools.database import Database
from tools.errors import ReplayMiss
from tools.logs import CallLog
from tools.schemas import Criterion, FieldSpec

COUGH = Criterion(id="cough", kind="include", text="The participants had a cough.")
SYRUP = Criterion(id="syrup", kind="include", text="They were given snail syrup.")
TEXT = "Forty adults with cough were given snail syrup."
ASKED = screen.ScreenInput(record_id="lib:1", criteria=(COUGH, SYRUP), text=TEXT)
REQUEST = Request(screen.TASK, ASKED)


def judged(**labels: str) -> ScreenAnswer:
    """An answer with these labels; the quote tells which."""
    return ScreenAnswer(
        verdicts=tuple(
            Judgement(criterion_id=key, label=label, quote="" if label == "UNCERTAIN" else key)  # type: ignore[arg-type]
            for key, label in labels.items()
        )
    )


def raising(error: Exception) -> Any:
    def script(_request: Request[Any, Any]) -> Any:
        raise error

    return script


def saying(*answers: Any) -> Any:
    """The answer of each sample in turn; an exception is raised."""

    def script(request: Request[Any, Any]) -> Any:
        answer = answers[request.sample]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return script


@pytest.fixture
def log(tmp_path):
    database = Database.file(tmp_path / "review.sqlite")
    yield CallLog(database, lambda: "2026-01-02T03:04:05Z")
    database.close()


class TestFallback:
    """See `model.together.Fallback`."""

    def test_the_first_engine_answers_when_it_can(self):
        good = ScriptedEngine(lambda _: judged(cough="YES", syrup="YES"), "good")
        answer = ask(Fallback([good, ScriptedEngine(raising(AssertionError()), "never")]), REQUEST)
        assert answer.engine == ""
        assert answer.notes == ()

    @pytest.mark.parametrize(
        "error",
        [EngineBusy("full"), AnswerRejected("no", "{}"), EngineUnavailable("gone")],
        ids=lambda e: e.kind,
    )
    def test_the_next_one_stands_in_and_the_answer_says_so(self, log, error):
        bad = Recorded(ScriptedEngine(raising(error), "bad"), log)
        good = Recorded(ScriptedEngine(lambda _: judged(cough="YES", syrup="NO"), "good"), log)
        answer = ask(Fallback([bad, good], log), REQUEST)
        assert answer.engine == "good"
        assert answer.notes == (f"bad gave no usable answer ({error.kind}): answered by good",)
        assert [(c.engine, c.status, c.error_kind) for c in log.all()] == [
            ("bad", "failed", error.kind),
            ("good", "ok", None),
        ]

    @pytest.mark.parametrize("error", [EngineBusy("full"), EngineUnavailable("gone")], ids=lambda e: e.kind)
    def test_a_replay_comes_to_the_same_without_asking(self, log, error):
        scripts = {"bad": raising(error), "good": lambda _: judged(cough="YES", syrup="NO")}
        told = ask(Fallback([Recorded(ScriptedEngine(s, n), log) for n, s in scripts.items()], log), REQUEST)
        silent = [Replayed(ScriptedEngine(raising(AssertionError()), n), log) for n in scripts]
        assert ask(Fallback(silent), REQUEST) == told

    def test_a_replay_of_something_else_is_a_miss_and_no_reason_to_ask_the_next(self, log):
        with pytest.raises(ReplayMiss):
            ask(Fallback([Replayed(ScriptedEngine(lambda _: "{}", n), log) for n in "ab"]), REQUEST)

    def test_when_nobody_answers_the_last_reason_is_the_reason(self):
        engines = [
            ScriptedEngine(raising(EngineBusy("full")), "a"),
            ScriptedEngine(raising(AnswerRejected("no")), "b"),
        ]
        with pytest.raises(AnswerRejected):
            ask(Fallback(engines), REQUEST)

    def test_when_the_last_one_is_not_there_the_step_stops(self):
        engines = [
            ScriptedEngine(raising(EngineBusy("full")), "a"),
            ScriptedEngine(raising(EngineUnavailable("no")), "b"),
        ]
        with pytest.raises(EngineUnavailable):
            ask(Fallback(engines), REQUEST)

    def test_an_unfit_server_is_not_hidden(self):
        good = ScriptedEngine(lambda _: judged(cough="YES", syrup="YES"), "good")
        with pytest.raises(EngineUnfit):
            ask(Fallback([ScriptedEngine(raising(EngineUnfit("ignores schemas")), "bad"), good]), REQUEST)

    def test_it_is_named_and_keyed_like_the_first(self):
        engines = [ScriptedEngine(lambda _: "{}", "a"), ScriptedEngine(lambda _: "{}", "b")]
        both = Fallback(engines)
        assert call_key(call_request(both, REQUEST)) == call_key(call_request(engines[0], REQUEST))


class TestVoted:
    """See `model.together.Voted`."""

    def test_most_samples_decide_each_criterion_by_itself(self, log):
        script = saying(
            judged(cough="YES", syrup="NO"), judged(cough="NO", syrup="NO"), judged(cough="YES", syrup="YES")
        )
        answer = ask(Voted(Recorded(ScriptedEngine(script), log), 3), REQUEST)
        assert {v.criterion_id: v.label for v in answer.value.verdicts} == {"cough": "YES", "syrup": "NO"}
        assert answer.told["votes"] == {
            "cough": {'["NO"]': 1, '["YES"]': 2},
            "syrup": {'["NO"]': 2, '["YES"]': 1},
        }
        assert answer.told["samples"] == [call.key for call in log.all()]
        assert answer.notes == ()

    def test_a_tie_is_uncertain_and_a_person_is_told(self):
        script = saying(judged(cough="YES", syrup="YES"), judged(cough="NO", syrup="YES"))
        answer = ask(Voted(ScriptedEngine(script), 2), REQUEST)
        (cough, syrup) = answer.value.verdicts
        assert (cough.label, cough.quote) == ("UNCERTAIN", "")
        assert syrup.label == "YES"
        assert answer.notes == ('cough: the samples disagree: ["NO"] 1, ["YES"] 1',)

    def test_the_call_of_each_item_is_the_sample_it_was_taken_from(self, log):
        script = saying(
            judged(cough="NO", syrup="YES"), judged(cough="YES", syrup="YES"), judged(cough="YES", syrup="NO")
        )
        answer = ask(Voted(Recorded(ScriptedEngine(script), log), 3), REQUEST)
        keys = [call.key for call in log.all()]
        assert answer.key_of("cough") == keys[1]
        assert answer.key_of("syrup") == keys[0]

    def test_samples_that_fail_do_not_vote(self):
        script = saying(
            judged(cough="YES", syrup="YES"), EngineBusy("full"), judged(cough="YES", syrup="YES")
        )
        answer = ask(Voted(ScriptedEngine(script), 3), REQUEST)
        assert {v.label for v in answer.value.verdicts} == {"YES"}
        assert answer.notes == ("1 of 3 samples failed and did not vote",)

    def test_half_of_the_samples_are_not_enough(self):
        script = saying(EngineBusy("full"), judged(cough="YES", syrup="YES"))
        with pytest.raises(EngineBusy):
            ask(Voted(ScriptedEngine(script), 2), REQUEST)

    def test_nobody_there_stops_the_step(self):
        with pytest.raises(EngineUnavailable):
            ask(Voted(ScriptedEngine(raising(EngineUnavailable("gone"))), 3), REQUEST)

    @pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
    def test_the_order_of_the_samples_does_not_change_what_most_say(self, order):
        answers = [
            judged(cough="YES", syrup="NO"),
            judged(cough="NO", syrup="NO"),
            judged(cough="YES", syrup="YES"),
        ]
        answer = ask(Voted(ScriptedEngine(saying(*(answers[i] for i in order))), 3), REQUEST)
        assert {v.criterion_id: v.label for v in answer.value.verdicts} == {"cough": "YES", "syrup": "NO"}

    def test_cells_are_voted_on_by_value_and_keep_the_quote_of_a_sample_that_said_so(self):
        def cell(value: str, quote: str) -> CharacteristicsAnswer:
            return CharacteristicsAnswer(
                cells=(FieldAnswer(field_id="size", status="found", value=value, quote=quote),)
            )

        asked = characteristics.CharacteristicsInput(
            report_id="lib:1", title="", fields=(FieldSpec(id="size", question="How many?"),), passages=()
        )
        script = saying(cell("41", "41 adults"), cell("40", "Forty"), cell("40", "40 took part"))
        answer = ask(Voted(ScriptedEngine(script), 3), Request(characteristics.TASK, asked))
        (size,) = answer.value.cells
        assert (size.value, size.quote) == ("40", "Forty")

    def test_a_single_label_is_voted_on_too(self):
        asked = direction.DirectionInput(
            report_id="r", title="", passages=(), intervention="syrup", comparator="water", outcome="nights"
        )
        script = saying(*(DirectionAnswer(direction=d, quote="q") for d in ("increased", "decreased")))
        answer = ask(Voted(ScriptedEngine(script), 2), Request(direction.TASK, asked))
        assert (answer.value.direction, answer.value.quote) == ("uncertain", "")

    def test_what_cannot_be_voted_on_is_asked_once(self):
        asked = pico.PicoInput(title="t", question="q", framework="PICO", elements=())
        answer = ask(Voted(ScriptedEngine(saying(PicoAnswer(elements=()))), 5), Request(pico.TASK, asked))
        assert answer.told == {}

    def test_probabilities_are_the_mean_of_the_samples(self):
        class Weighing(ScriptedEngine):
            async def answer(self, request: Request[Any, Any]) -> Answer[Any]:
                p = (0.9, 0.7, 0.8)[request.sample]
                told = {"probabilities": {"cough": {"YES": p, "NO": 1 - p}}}
                return Answer(judged(cough="YES", syrup="YES"), "", told=told)

        answer = ask(Voted(Weighing(lambda _: ""), 3), REQUEST)
        assert answer.probabilities["cough"]["YES"] == pytest.approx(0.8)

    def test_a_replay_of_the_samples_comes_to_the_same(self, log):
        script = saying(judged(cough="YES", syrup="NO"), judged(cough="NO", syrup="NO"), EngineBusy("full"))
        told = ask(Voted(Recorded(ScriptedEngine(script), log), 3), REQUEST)
        silent = Replayed(ScriptedEngine(raising(AssertionError())), log)
        assert ask(Voted(silent, 3), REQUEST) == told


class TestCorrected:
    """See `model.wrappers.Corrected`."""

    def test_a_wrong_form_is_asked_for_once_more_with_the_reason(self, log):
        heard = []

        def script(request: Request[Any, Any]) -> Any:
            heard.append(request.objection)
            return judged(cough="YES") if request.objection is None else judged(cough="YES", syrup="NO")

        answer = ask(Corrected(Recorded(ScriptedEngine(script), log)), REQUEST)
        assert [v.criterion_id for v in answer.value.verdicts] == ["cough", "syrup"]
        assert heard[0] is None
        assert "syrup" in heard[1].error
        assert "cough" in heard[1].raw
        assert [(c.status, c.error_kind) for c in log.all()] == [("failed", "malformed"), ("ok", None)]
        assert answer.key == list(log.all())[1].key

    def test_a_second_wrong_form_is_final(self, log):
        calls = []

        def script(request: Request[Any, Any]) -> Any:
            calls.append(request)
            return judged(cough="YES")

        with pytest.raises(AnswerRejected) as failure:
            ask(Corrected(Recorded(ScriptedEngine(script), log)), REQUEST)
        assert len(calls) == 2
        assert failure.value.call_key == list(log.all())[1].key

    @pytest.mark.parametrize("error", [EngineBusy("full"), EngineUnavailable("gone")], ids=lambda e: e.kind)
    def test_other_failures_are_not_argued_with(self, error):
        calls = []

        def script(request: Request[Any, Any]) -> Any:
            calls.append(request)
            raise error

        with pytest.raises(type(error)):
            ask(Corrected(ScriptedEngine(script)), REQUEST)
        assert len(calls) == 1


def test_a_stand_in_for_one_sample_of_several_is_replayed(log):
    """The third sample finds nobody; the others may or may not have been stored by then."""
    script = saying(
        judged(cough="YES", syrup="YES"), judged(cough="YES", syrup="YES"), EngineUnavailable("gone")
    )
    scripts = {"bad": script, "good": lambda _: judged(cough="NO", syrup="NO")}

    def both(of):
        engines = [of(ScriptedEngine(say, name)) for name, say in scripts.items()]
        return [Voted(engines[0], 3), engines[1]]

    told = ask(Fallback(both(lambda engine: Recorded(engine, log)), log), REQUEST)
    assert told.engine == "good"
    assert ask(Fallback(both(lambda engine: Replayed(engine, log))), REQUEST) == told


def test_a_stand_in_after_a_second_asking_is_replayed(log):
    """The wrong form was asked for once more, and then nobody was there."""

    def script(request):
        if request.objection is not None:
            raise EngineUnavailable("gone")
        return judged(cough="YES")

    scripts = {"bad": script, "good": lambda _: judged(cough="NO", syrup="NO")}
    live = [Corrected(Recorded(ScriptedEngine(say, name), log)) for name, say in scripts.items()]
    told = ask(Fallback(live, log), REQUEST)
    again = [Corrected(Replayed(ScriptedEngine(say, name), log)) for name, say in scripts.items()]
    assert ask(Fallback(again), REQUEST) == told


def test_an_engine_that_was_not_there_is_asked_again_once_nobody_stands_in(log):
    """The stand-in was taken out of the protocol, and the server is back."""
    there = []

    def script(_request):
        if not there:
            raise EngineUnavailable("gone")
        return judged(cough="YES", syrup="YES")

    first = Recorded(ScriptedEngine(script, "first"), log)
    second = Recorded(ScriptedEngine(lambda _: judged(cough="NO", syrup="NO"), "second"), log)
    assert ask(Fallback([first, second], log), REQUEST).engine == "second"
    there.append(True)
    assert {v.label for v in ask(first, REQUEST).value.verdicts} == {"YES"}
    assert all(call.key == call_key(call.request) for call in log.all()), "as `verify` demands"
