"""The chat engine over real HTTP: each fault is its own error, none is an answer."""

import asyncio
import gc
import json
import os
import warnings

import pytest

from model.chat import ChatEngine, ChatSettings
from model.engine import AnswerRejected, EngineBusy, EngineRefused, EngineUnavailable, Request, call_request
from model.pool import ask
from model.tasks import characteristics, pico, query, screen
from model.tasks.screen import ScreenInput
from model.wrappers import Recorded
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
    "verdicts": [
        {"criterion_id": "cough", "label": "YES", "quote": "for cough", "rationale": "", "confidence": 0.9},
        {
            "criterion_id": "animals",
            "label": "NO",
            "quote": "Forty people",
            "rationale": "",
            "confidence": None,
        },
    ]
}


def healthy(body):
    return json.dumps(VERDICTS)


def engine_at(served, **more):
    return ChatEngine(
        ChatSettings(**({"model": MODEL, "base_url": served.base_url, "timeout_s": 10.0} | more))
    )


def without_the_last(answer):
    return {"verdicts": answer["verdicts"][:-1]}


def doubled(answer):
    return {"verdicts": [*answer["verdicts"], answer["verdicts"][0]]}


def with_a_stranger(answer):
    return {"verdicts": [*answer["verdicts"], answer["verdicts"][0] | {"criterion_id": "mood"}]}


def with_another_label(answer):
    return {"verdicts": [verdict | {"label": "MAYBE"} for verdict in answer["verdicts"]]}


FAULTS = {
    "context overflow": (server.failing(400, "maximum context length is 4096 tokens"), EngineRefused),
    "context overflow, OpenAI's words": (server.failing(400, "context_length_exceeded"), EngineRefused),
    "unprocessable": (server.failing(422), EngineRefused),
    "too large": (server.failing(413), EngineRefused),
    "wrong key": (server.failing(401), EngineUnavailable),
    "forbidden": (server.failing(403), EngineUnavailable),
    "no such model": (server.failing(404), EngineUnavailable),
    "throttled": (server.failing(429), EngineBusy),
    "server error": (server.failing(500), EngineBusy),
    "overloaded": (server.failing(503), EngineBusy),
    "connection reset": (server.reset, EngineUnavailable),
    "a page": (server.page, EngineBusy),
    "half a document": (server.broken_json, EngineBusy),
    "another document": (server.other_json, EngineBusy),
    "no choices": (server.no_choices, EngineBusy),
    "truncated": (server.truncated, AnswerRejected),
    "filtered": (server.filtered, EngineRefused),
    "refused": (server.refusing, EngineRefused),
    "prose": (server.saying("Both criteria are met: YES and NO."), AnswerRejected),
    "prose around": (server.with_prose, AnswerRejected),
    "empty": (server.saying(""), AnswerRejected),
    "white space": (server.saying("   \n"), AnswerRejected),
    "an empty object": (server.saying("{}"), AnswerRejected),
    "null": (server.saying("null"), AnswerRejected),
    "a criterion missing": (server.changed(without_the_last), AnswerRejected),
    "a criterion doubled": (server.changed(doubled), AnswerRejected),
    "a criterion nobody asked for": (server.changed(with_a_stranger), AnswerRejected),
    "a label nobody knows": (server.changed(with_another_label), AnswerRejected),
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
def test_an_answer_that_takes_too_long_is_busy_even_if_bytes_trickle(behaviour):
    with serving(healthy, [behaviour]) as served:
        with pytest.raises(EngineBusy, match=r"no answer within 0\.6 s"):
            ask(engine_at(served, timeout_s=0.6), REQUEST)


def test_no_server_is_unavailable_and_says_what_to_do():
    with serving(healthy) as served:
        engine = engine_at(served)
    with pytest.raises(
        EngineUnavailable, match=r"no server at http.*Start it, then `python -m agent resume`"
    ):
        ask(engine, REQUEST)


def test_an_answer_is_read_and_its_tokens_counted():
    with serving(healthy) as served:
        answer = ask(engine_at(served), REQUEST)
        assert [v.label for v in answer.value.verdicts] == ["YES", "NO"]
        assert json.loads(answer.raw) == VERDICTS
        assert answer.tokens_in == len(served.log[0].prompt.split())
        assert answer.tokens_out == len(healthy(None).split())


def test_a_truncated_answer_keeps_what_was_said():
    with (
        serving(healthy, [server.truncated]) as served,
        pytest.raises(AnswerRejected, match="raise max_tokens") as e,
    ):
        ask(engine_at(served), REQUEST)
    assert healthy(None).startswith(e.value.raw)
    assert e.value.raw


def test_form_seed_and_temperature_are_sent_with_the_prompt():
    with serving(healthy) as served:
        engine = engine_at(served, seed=7, temperature=0.25, max_tokens=99)
        ask(engine, Request(screen.TASK, ASKED, sample=3))
        body = served.log[0].body
    assert body["response_format"]["type"] == "json_schema"
    sent = body["response_format"]["json_schema"]
    assert (sent["name"], sent["strict"]) == ("screen", True)
    assert (body["seed"], body["temperature"], body["model"]) == (10, 0.8, MODEL), "a sample is warm enough"
    assert body["max_completion_tokens"] == 99
    seen = engine.seen(Request(screen.TASK, ASKED, sample=3))
    assert served.log[0].prompt == seen["text"], "what is keyed is what is sent, byte for byte"
    assert seen["sampling"]["temperature"] == 0.8
    first = engine.seen(Request(screen.TASK, ASKED))
    assert first["sampling"]["temperature"] == 0.25, "the first sample is as configured"
    assert sent["schema"] == seen["schema"]
    assert seen["sampling"] == {"temperature": 0.8, "max_tokens": 99, "seed": 10}


@pytest.mark.parametrize(
    "task", [characteristics.TASK, pico.TASK, query.TASK, screen.TASK], ids=lambda t: t.id
)
def test_the_form_asks_for_every_field_and_leaves_none_to_a_default(task):
    def objects(part):
        if isinstance(part, dict):
            if "properties" in part:
                yield part
            for value in part.values():
                yield from objects(value)

    from model.chat import _strict

    found = list(objects(_strict(task.answer)))
    assert found
    for each in found:
        assert each["required"] == list(each["properties"])
        assert each["additionalProperties"] is False
        assert not any("default" in value for value in each["properties"].values())


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


def test_a_wrong_key_is_unavailable():
    with serving(healthy, key=KEY) as served, pytest.raises(EngineUnavailable, match="HTTP 401"):
        ask(engine_at(served), REQUEST)


def test_a_key_that_is_not_set_is_a_mistake_in_the_configuration(monkeypatch):
    monkeypatch.delenv("INVENTED_KEY", raising=False)
    with serving(healthy) as served, pytest.raises(ConfigError, match="INVENTED_KEY, which is not set"):
        ask(engine_at(served, api_key_env="INVENTED_KEY"), REQUEST)
    assert served.log == []


def test_a_prompt_beyond_the_context_is_refused_by_the_server_and_not_cut():
    with (
        serving(healthy, context_chars=50) as served,
        pytest.raises(EngineRefused, match="maximum context length"),
    ):
        ask(engine_at(served), REQUEST)
    assert ASKED.text in served.log[0].prompt


def test_another_models_name_is_unavailable():
    with (
        serving(healthy) as served,
        pytest.raises(EngineUnavailable, match="The model `other` does not exist"),
    ):
        ask(engine_at(served, model="other"), REQUEST)


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
    import socket

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
