"""The chat engine over real HTTP: each fault is its own error, none is an answer."""

import asyncio
import gc
import json
import os
import socket
import threading
import warnings
from dataclasses import replace

import pytest

from model import again
from model.chat import ChatEngine, ChatSettings
from model.connection import Connection
from model.engine import (
    AnswerRejected,
    AnswerTruncated,
    EngineBusy,
    EngineRefused,
    EngineTimeout,
    EngineUnavailable,
    Objection,
    Request,
    RequestTooLong,
    call_key,
    call_request,
)
from model.pool import ask, ask_all
from model.tasks import pico, screen
from model.tasks.screen import ScreenInput
from model.wrappers import Recorded, Retried
from tests.servers import openai_server as server
from tests.servers.openai_server import MODEL, serving
from tools.database import Database
from tools.errors import ConfigError, EngineError
from tools.logs import CallLog
from tools.schemas import Criterion

KEY = "sesame-opens-0123456789"

ASKED = ScreenInput(
    record_id="lib:1",
    criteria=(
        Criterion(id="cough", kind="include", text="People with a cough."),
        Criterion(id="animals", kind="exclude", text="About animals."),
    ),
    text="Snail syrup for cough\nForty people got snail syrup.",
)
REQUEST = Request(screen.TASK, ASKED)
VERDICTS = {
    "verdicts": {
        "cough": {"quote": "for cough", "label": "YES"},
        "animals": {"quote": "Forty people", "label": "NO"},
    }
}


def healthy(body):
    return json.dumps(VERDICTS)


def engine_at(served, **more):
    return ChatEngine(
        ChatSettings(**({"model": MODEL, "base_url": served.base_url, "timeout_s": 10.0} | more))
    )


def without_the_last(answer):
    return {"verdicts": {"cough": answer["verdicts"]["cough"]}}


def with_a_stranger(answer):
    return {"verdicts": answer["verdicts"] | {"mood": answer["verdicts"]["cough"]}}


def with_another_label(answer):
    return {"verdicts": {key: item | {"label": "MAYBE"} for key, item in answer["verdicts"].items()}}


def as_a_list(answer):
    return {"verdicts": list(answer["verdicts"].values())}


TWICE = healthy(None).replace('"animals"', '"cough"')

FAULTS = {
    "context overflow": (server.failing(400, "maximum context length is 4096 tokens"), RequestTooLong),
    "context overflow, OpenAI's words": (server.failing(400, "context_length_exceeded"), RequestTooLong),
    "context overflow, vLLM's odd words": (
        server.failing(400, "max_tokens must be at least 1, got -563072."),
        RequestTooLong,
    ),
    "context overflow, llama.cpp's words": (
        server.failing(400, "the request exceeds the available context size"),
        RequestTooLong,
    ),
    "context overflow, as langchain hides it": (
        server.failing(422, "Your input exceeds the context window of this model"),
        RequestTooLong,
    ),
    "too large": (server.failing(413), RequestTooLong),
    "unprocessable": (server.failing(422), EngineRefused),
    "a field it does not like": (server.failing(400, "seed: extra inputs are not permitted"), EngineRefused),
    "wrong key": (server.failing(401), EngineUnavailable),
    "forbidden": (server.failing(403), EngineUnavailable),
    "no such model": (server.failing(404), EngineUnavailable),
    "sent elsewhere": (server.redirecting, EngineUnavailable),
    "throttled": (server.failing(429), EngineBusy),
    "server error": (server.failing(500), EngineBusy),
    "bad gateway": (server.failing(502), EngineBusy),
    "overloaded": (server.failing(503), EngineBusy),
    "connection reset": (server.reset, EngineBusy),
    "cut in the middle": (server.cut, EngineBusy),
    "a page": (server.page, EngineBusy),
    "half a document": (server.broken_json, EngineBusy),
    "another document": (server.other_json, EngineBusy),
    "no choices": (server.no_choices, EngineBusy),
    "given up by the server": (server.finishing("abort"), EngineBusy),
    "truncated": (server.truncated, AnswerTruncated),
    "filtered": (server.filtered, EngineRefused),
    "refused": (server.refusing, EngineRefused),
    "prose": (server.saying("Both criteria are met: YES and NO."), AnswerRejected),
    "prose around": (server.with_prose, AnswerRejected),
    "empty": (server.saying(""), AnswerRejected),
    "white space": (server.saying("   \n"), AnswerRejected),
    "an empty object": (server.saying("{}"), AnswerRejected),
    "null": (server.saying("null"), AnswerRejected),
    "half of a surrogate pair": (server.saying(healthy(None).replace("Forty", "\ud800")), AnswerRejected),
    "half of a surrogate pair, escaped": (
        server.saying(healthy(None).replace("Forty", "\\ud800")),
        AnswerRejected,
    ),
    "a criterion missing": (server.changed(without_the_last), AnswerRejected),
    "a criterion doubled": (server.saying(TWICE), AnswerRejected),
    "a criterion nobody asked for": (server.changed(with_a_stranger), AnswerRejected),
    "a label nobody knows": (server.changed(with_another_label), AnswerRejected),
    "verdicts by position": (server.changed(as_a_list), AnswerRejected),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_its_own_error_and_never_an_answer(fault):
    behaviour, error = FAULTS[fault]
    with serving(healthy, [behaviour]) as served:
        engine = engine_at(served)
        with pytest.raises(EngineError) as raised:
            ask(engine, REQUEST)
        assert type(raised.value) is error
        assert str(raised.value).startswith((engine.name, "screen:"))
        assert ask(engine, REQUEST).value.verdicts[0].label == "YES", "the next request is healthy again"


@pytest.mark.parametrize("behaviour", [server.held, server.trickling])
def test_an_answer_that_takes_too_long_is_given_up_even_if_bytes_trickle(behaviour):
    with serving(healthy, [behaviour]) as served:
        with pytest.raises(EngineTimeout, match=r"no answer within 0\.6 s"):
            ask(engine_at(served, timeout_s=0.6), REQUEST)


def test_no_server_is_unavailable_and_says_what_to_do():
    with serving(healthy) as served:
        engine = engine_at(served)
    with pytest.raises(
        EngineUnavailable, match=r"no server at http.*Start it, then `python -m agent resume`"
    ):
        ask(engine, REQUEST)


@pytest.mark.parametrize(("well", "error"), [(False, EngineUnavailable), (True, EngineBusy)])
def test_nothing_but_failures_is_an_outage_if_the_server_is_not_well(well, error):
    """A dead server behind a proxy stops the step, instead of failing question after question for good."""
    now = [0.0]

    async def passing(seconds):
        now[0] += seconds

    with serving(healthy, [server.failing(502)] * 4) as served:
        served.well = well
        engine = ChatEngine(ChatSettings(model=MODEL, base_url=served.base_url), clock=lambda: now[0])
        with pytest.raises(EngineError) as e:
            ask(Retried(engine, lambda: 0.75, passing), REQUEST)
        assert type(e.value) is error
        assert len(served.log) == 4
        served.well = True
        assert ask(engine, REQUEST).value.verdicts, "and when it is back, it is asked"


def test_failures_between_answers_are_no_outage():
    now = [0.0]
    with serving(
        healthy, [server.failing(503), server.failing(503), server.failing(503), None] * 3
    ) as served:
        served.well = False
        engine = ChatEngine(ChatSettings(model=MODEL, base_url=served.base_url), clock=lambda: now[0])
        for n in range(12):
            now[0] += 20.0
            if n % 4 == 3:
                ask(engine, REQUEST)
            else:
                with pytest.raises(EngineBusy):
                    ask(engine, REQUEST)
    assert "/health" not in served.about


def test_an_answer_is_read_and_its_tokens_counted():
    with serving(healthy) as served:
        answer = ask(engine_at(served), REQUEST)
        assert [v.label for v in answer.value.verdicts] == ["YES", "NO"]
        assert json.loads(answer.raw) == VERDICTS
        assert answer.told["served"] == MODEL
        assert answer.told["finish"] == "stop"
        assert answer.tokens_in == len(served.log[0].prompt.split())
        assert answer.tokens_out == len(healthy(None).split())


@pytest.mark.parametrize(
    ("finish_at", "remedy"), [(1000, "raise engine.max_tokens"), (None, "shorten the text")]
)
def test_a_truncated_answer_keeps_what_was_said_and_tells_which_limit_it_met(finish_at, remedy):
    def cut_off(reply, asked):
        body = json.loads(server.truncated(reply, asked).body)
        body["usage"]["completion_tokens"] = finish_at or 3
        return replace(reply, body=json.dumps(body).encode())

    with serving(healthy, [cut_off]) as served, pytest.raises(AnswerTruncated, match=remedy) as e:
        ask(engine_at(served, max_tokens=1000), REQUEST)
    assert healthy(None).startswith(e.value.raw)
    assert e.value.raw


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("Fri, 01 Jan 2100 00:00:00 GMT", None), ("soon", None)]
)
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(header, seconds):
    with serving(healthy, [server.failing(503, retry_after=header)]) as served:
        with pytest.raises(EngineBusy) as e:
            ask(engine_at(served), REQUEST)
    if header.startswith("Fri"):
        assert e.value.retry_after_s > 1e8, "a date is read as the seconds until then"
    else:
        assert e.value.retry_after_s == seconds


def test_form_seed_and_temperature_are_sent_with_the_prompt():
    with serving(healthy) as served:
        engine = engine_at(served, seed=7, temperature=0.25, max_tokens=99)
        ask(engine, Request(screen.TASK, ASKED, sample=3))
        body = served.log[0].body
    assert body["response_format"]["type"] == "json_schema"
    sent = body["response_format"]["json_schema"]
    assert (sent["name"], sent["strict"]) == ("screen", True)
    assert (body["seed"], body["temperature"], body["model"]) == (10, 0.8, MODEL), "a sample is warm enough"
    assert body["max_tokens"] == 99
    assert "stream" not in body or not body["stream"]
    seen = engine.seen(Request(screen.TASK, ASKED, sample=3))
    assert served.log[0].prompt == seen["text"], "what is keyed is what is sent, byte for byte"
    assert seen["sampling"]["temperature"] == 0.8
    first = engine.seen(Request(screen.TASK, ASKED))
    assert first["sampling"]["temperature"] == 0.25, "the first sample is as configured"
    assert sent["schema"] == seen["schema"]
    assert seen["sampling"] == {"temperature": 0.8, "max_tokens": 99, "seed": 10}


def test_a_server_of_llama_cpp_is_asked_in_its_own_way():
    with serving(healthy) as served:
        engine = engine_at(served, structured="json_object")
        assert ask(engine, REQUEST).value.verdicts[0].label == "YES"
        form = served.log[0].body["response_format"]
    assert form == {"type": "json_object", "schema": engine.seen(REQUEST)["schema"]}


def test_without_structured_output_no_form_is_sent_and_none_is_in_the_key():
    with serving(healthy) as served:
        engine = engine_at(served, structured="none")
        with pytest.raises(AnswerRejected):
            ask(engine, REQUEST)
        assert "response_format" not in served.log[0].body
    assert "schema" not in engine.seen(REQUEST)
    keys = {
        call_key(call_request(engine_at(served, structured=how), REQUEST))
        for how in ("json_schema", "json_object", "none")
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("base_url", "field"),
    [
        ("http://127.0.0.1:8000/v1", "max_tokens"),
        ("https://api.mistral.example/v1", "max_tokens"),
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://api.openai.com.example/v1", "max_tokens"),
    ],
)
def test_the_longest_answer_is_named_as_the_server_knows_it(base_url, field):
    """Ollama ignores the newer name, and goes on for ever; OpenAI's newer models refuse the older one."""
    assert Connection("openai:m", "m", base_url, None, 1.0)._limit == field


def test_an_objection_is_told_with_the_answer_it_is_about():
    asked_again = replace(
        REQUEST, objection=Objection(raw='{"verdicts": {}}', error="screen: cough is missing")
    )
    with serving(healthy) as served:
        engine = engine_at(served)
        ask(engine, asked_again)
        messages = served.log[0].body["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "user"]
    assert messages[0]["content"] == engine.seen(REQUEST)["text"], "the prefix that the server remembers"
    assert messages[1]["content"] == '{"verdicts": {}}'
    assert "screen: cough is missing" in messages[2]["content"]
    assert engine.rendered(asked_again) == served.log[0].prompt, "what is counted is what is sent"
    assert engine.seen(asked_again)["again"] == again.TAG, "other words of ours would be another call"
    assert "again" not in engine.seen(REQUEST)


def test_after_an_empty_answer_the_turn_of_the_model_is_not_empty():
    told = again.messages("Question?", Objection(raw=" ", error="{braces} and $dollars stay"))
    assert all(m["content"].strip() for m in told)
    assert "{braces} and $dollars stay" in told[2]["content"]


def test_probabilities_are_told_for_each_criterion():
    def half_sure(reply, asked):
        body = json.loads(reply.body)
        for token in body["choices"][0]["logprobs"]["content"]:
            if token["token"] == "YES":
                other = {"token": "NO", "logprob": -2.0, "bytes": [78, 79]}
                token["logprob"] = -1.0
                token["top_logprobs"] = [{k: v for k, v in token.items() if k != "top_logprobs"}, other]
        return replace(reply, body=json.dumps(body).encode())

    padded = healthy(None).replace(" ", "")
    while padded.index("YES") % 3:  # so that YES is a token of this server
        padded = padded[:1] + " " + padded[1:]
    with serving(lambda body: padded, [half_sure]) as served:
        answer = ask(engine_at(served), REQUEST)
        assert (served.log[0].body["logprobs"], served.log[0].body["top_logprobs"]) == (True, 8)
    assert set(answer.probabilities) == {"cough", "animals"}
    assert answer.probabilities["cough"]["YES"] == pytest.approx(0.731059, abs=1e-6), "1 / (1 + exp(-1))"
    assert answer.probabilities["cough"]["NO"] == pytest.approx(0.268941, abs=1e-6)
    assert answer.probabilities["animals"]["NO"] == 1.0


def test_probabilities_are_not_asked_for_where_there_are_no_labels_or_nobody_wants_them():
    request = Request(
        pico.TASK, pico.PicoInput(title="Snails", question="?", framework="PICO", elements=("population",))
    )
    with serving(healthy) as served:
        with pytest.raises(AnswerRejected):
            ask(engine_at(served), request)
        ask(engine_at(served, probabilities=False), REQUEST)
        assert all("logprobs" not in asked.body for asked in served.log)
    told = engine_at(served).seen(REQUEST), engine_at(served, probabilities=False).seen(REQUEST)
    assert told[0] == told[1], "asking for them changes no answer"


def test_logprobs_of_another_text_give_no_probabilities():
    def of_another(reply, asked):
        body = json.loads(reply.body)
        body["choices"][0]["logprobs"] = server.logprobs("something else")
        return replace(reply, body=json.dumps(body).encode())

    with serving(healthy, [of_another]) as served:
        answer = ask(engine_at(served), REQUEST)
    assert answer.probabilities == {}
    assert "probabilities" not in answer.told


def test_what_the_server_remembered_of_the_prompt_is_told():
    def remembering(reply, asked):
        body = json.loads(reply.body) | {"system_fingerprint": "fp-1"}
        body["usage"]["prompt_tokens_details"] = {"cached_tokens": 64}
        return replace(reply, body=json.dumps(body).encode())

    with serving(healthy, [remembering]) as served:
        told = ask(engine_at(served), REQUEST).told
    assert (told["cached_tokens"], told["system_fingerprint"]) == (64, "fp-1")


def test_the_key_opens_the_door_and_is_told_to_nobody(monkeypatch, tmp_path):
    monkeypatch.setenv("INVENTED_KEY", KEY)
    with serving(
        healthy, [None, server.echoing_the_key(401), server.echoing_the_key(400)], key=KEY
    ) as served:
        engine = engine_at(served, api_key_env="INVENTED_KEY")
        calls = CallLog(Database.file(tmp_path / "review.sqlite"), lambda: "2026-01-02T03:04:05Z")
        ask(Recorded(engine, calls), REQUEST)
        assert served.log[0].headers["authorization"] == f"Bearer {KEY}"
        with pytest.raises(EngineUnavailable) as unavailable:
            ask(engine, REQUEST)
        with pytest.raises(EngineRefused) as refused:
            ask(Recorded(engine, calls), Request(screen.TASK, ASKED, sample=1))
    calls.database.close()
    assert KEY not in f"{unavailable.value} {refused.value}"
    assert KEY not in call_request(engine, REQUEST)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"screen" in written
    assert KEY.encode() not in written


def test_a_wrong_key_is_unavailable_before_anything_is_asked():
    with serving(healthy, key=KEY) as served, pytest.raises(EngineUnavailable, match="HTTP 401"):
        ask(engine_at(served), REQUEST)
    assert served.log == served.examined == []


def test_a_key_that_is_not_set_is_a_mistake_in_the_configuration(monkeypatch):
    monkeypatch.delenv("INVENTED_KEY", raising=False)
    with serving(healthy) as served, pytest.raises(ConfigError, match="INVENTED_KEY, which is not set"):
        ask(engine_at(served, api_key_env="INVENTED_KEY"), REQUEST)
    assert served.log == []


@pytest.mark.parametrize(
    ("configured", "remedy"),
    [
        (600, "lower engine.max_tokens"),
        (None, "set engine.context: 600 \\(now not set\\)"),
        (32768, "set engine.context: 600 \\(now 32768\\)"),
    ],
)
def test_a_prompt_beyond_the_context_is_refused_by_the_server_and_not_cut(configured, remedy):
    with serving(healthy, context=600) as served:
        engine = engine_at(served, context=configured, max_tokens=500)
        with pytest.raises(RequestTooLong, match=f"maximum context length.*reads 600 tokens.*{remedy}"):
            ask(engine, REQUEST)
    assert ASKED.text in served.log[0].prompt


def test_another_models_name_is_unavailable_and_the_right_ones_are_named():
    with serving(healthy) as served:
        with pytest.raises(EngineUnavailable, match=f"has no model other; it has: {MODEL}"):
            ask(engine_at(served, model="other"), REQUEST)
        assert served.log == []


def test_two_runs_one_after_the_other_work_and_leave_no_connection_open():
    with serving(healthy) as served:
        engine = engine_at(served)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            for _ in range(2):
                asyncio.run(engine.answer(REQUEST))
            gc.collect()
        assert len(served.log) == 2
        assert served.connections == 2
    assert not list(_sockets_to(served)), "a client outlived its event loop"


def _sockets_to(served):
    port = int(served.base_url.rsplit(":", 1)[1].split("/")[0])
    for each in gc.get_objects():
        # By its type: asking torch's lazy objects for their class warns of a deprecation.
        if issubclass(type(each), socket.socket) and each.fileno() >= 0:
            try:
                if each.getpeername()[1] == port:
                    yield each
            except OSError:
                continue


def test_requests_of_one_run_share_their_connection():
    async def three(engine):
        return [await engine.answer(REQUEST) for _ in range(3)]

    with serving(healthy) as served:
        asyncio.run(three(engine_at(served)))
        assert (len(served.log), served.connections) == (3, 1)


def test_hundreds_in_flight_have_a_connection_each_and_keep_them():
    together, n = threading.Barrier(150, timeout=15), 150

    def all_at_once(body):
        if not together.broken:
            with warnings.catch_warnings():
                together.wait()
        return healthy(body)

    landed = {}
    with serving(all_at_once) as served:
        requests = (Request(screen.TASK, ASKED, sample=i) for i in range(2 * n))
        ask_all(engine_at(served), requests, in_flight=n, landed=landed.__setitem__)
        assert len(landed) == 2 * n
        assert all(answer.value.verdicts for answer in landed.values())
        assert served.connections == n, "one each, and the second round uses them again"
        assert len(served.examined) == 1


def test_a_tracing_service_of_the_environment_is_told_nothing(monkeypatch):
    with serving(healthy) as served, serving(healthy) as tracing:
        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_API_KEY", "invented")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", tracing.base_url)
        ask(engine_at(served), REQUEST)
        assert (len(served.log), tracing.connections) == (1, 0)


def test_a_proxy_of_the_environment_is_not_asked_about_a_server_on_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert os.environ["HTTP_PROXY"]
    with serving(healthy) as served:
        ask(engine_at(served), REQUEST)
        assert len(served.log) == 1


def test_the_report_can_say_that_it_is_a_language_model():
    engine = ChatEngine(ChatSettings(model="m", base_url="http://127.0.0.1:9/v1"))
    assert (engine.name, engine.language_model) == ("openai:m", True)
    assert engine.label
