"""The fault proxy and the make-believe GPU server: they do what they say, over real HTTP."""

import asyncio
import json
import statistics
import time

import httpx
import pytest

from tests.servers.gpu import MODEL, Gpu, drawn, gpu_server, latency_s
from tests.servers.openai_server import serving
from tests.servers.proxy import FAULTS, Mischief, proxying

KEYED = {
    "type": "object",
    "properties": {
        "verdicts": {
            "type": "object",
            "properties": {"cough": {"type": "object"}, "snail": {"type": "object"}},
        }
    },
}


def body(text, schema=None):
    told = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    if schema:
        told["response_format"] = {"type": "json_schema", "json_schema": {"name": "screen", "schema": schema}}
    return told


def ask(address, told, patience=5.0):
    with httpx.Client(timeout=patience, trust_env=False, verify=False) as client:
        return client.post(f"{address}/chat/completions", json=told)


def said(reply):
    return json.loads(reply.json()["choices"][0]["message"]["content"])


def together(address, bodies):
    """All at once; the replies in order."""

    async def all_of_them():
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=20, trust_env=False, verify=False) as client:
            return await asyncio.gather(*(client.post(f"{address}/chat/completions", json=b) for b in bodies))

    return asyncio.run(all_of_them())


@pytest.fixture(scope="module")
def gpu():
    with gpu_server(Gpu(median_s=0.0)) as (address, _):
        yield address


def test_the_gpu_server_answers_every_criterion_of_the_schema_by_its_id(gpu):
    told = said(ask(gpu, body("Judge.\n<<<TEXT-1\nSnail syrup for cough in forty people\n", KEYED)))
    assert list(told["verdicts"]) == ["cough", "snail"]
    for verdict in told["verdicts"].values():
        assert (verdict["quote"] == "") == (verdict["label"] == "UNCERTAIN")
        assert verdict["quote"] in "Snail syrup for cough in forty people"


def test_a_client_without_a_schema_gets_the_list_that_leads_clients_expect(gpu):
    told = said(ask(gpu, body("Paper: snails.\n- Number of Criteria: 3\n")))
    assert len(told["evaluations"]) == 3
    assert {"eligibility", "rationale"} == told["evaluations"][0].keys()


def test_the_same_prompt_has_the_same_answer_and_the_same_latency():
    assert latency_s("a", seed=1, median_s=2.0) == latency_s("a", seed=1, median_s=2.0)
    assert latency_s("a", seed=1, median_s=2.0) != latency_s("a", seed=2, median_s=2.0)
    with gpu_server(Gpu(median_s=0.0)) as (one, _), gpu_server(Gpu(median_s=0.0)) as (other, _):
        assert said(ask(one, body("x", KEYED))) == said(ask(other, body("x", KEYED)))


def test_latencies_are_log_normal_with_the_median_that_was_asked_for():
    drawn_s = [latency_s(str(n), seed=3, median_s=2.0, sigma=0.6) for n in range(20_000)]
    assert statistics.median(drawn_s) == pytest.approx(2.0, rel=0.02)
    # Of a log-normal distribution: the mean is exp(sigma² / 2) medians, and 99 in 100 lie below exp(2.326 sigma).
    assert statistics.mean(drawn_s) == pytest.approx(2.0 * 1.1972, rel=0.02)
    assert statistics.quantiles(drawn_s, n=100)[98] == pytest.approx(2.0 * 4.039, rel=0.05)
    assert min(drawn_s) > 0


def test_no_more_sequences_are_under_way_than_there_are_seats():
    with gpu_server(Gpu(median_s=0.02, sigma=0.1, seats=4)) as (address, server):
        replies = together(address, [body(f"question {n}", KEYED) for n in range(40)])
    assert [reply.status_code for reply in replies] == [200] * 40
    assert server.most == 4
    assert server.asked == 40
    assert (server.running, server.waiting) == (0, 0)


def test_the_gpu_server_has_the_doors_of_a_real_one(gpu):
    root = gpu.removesuffix("/v1")
    assert httpx.get(f"{root}/health", trust_env=False, verify=False).status_code == 200
    assert httpx.get(f"{gpu}/models", trust_env=False, verify=False).json()["data"][0]["id"] == MODEL
    assert "vllm:num_requests_running" in httpx.get(f"{root}/metrics", trust_env=False, verify=False).text
    assert ask(gpu, body("x") | {"model": "another"}).status_code == 404


def spoiled(gpu, fault, **more):
    return proxying(gpu, Mischief(rate=1.0, faults=(fault,), **more))


@pytest.mark.parametrize(
    ("fault", "status"),
    [("bad_request", 400), ("rate_limit", 429), ("rate_limit_wait", 429), ("unavailable", 503)],
)
def test_refusals_by_status(gpu, fault, status):
    with spoiled(gpu, fault) as proxy:
        reply = ask(proxy.base_url, body("x", KEYED))
        healthy = ask(proxy.base_url, body("x", KEYED))
    assert reply.status_code == status
    assert reply.headers.get("retry-after") == ("1" if fault == "rate_limit_wait" else None)
    assert healthy.status_code == 200
    assert [(passed.nth, passed.fault, passed.status) for passed in proxy.log] == [
        (1, fault, status),
        (2, None, 200),
    ]


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "cut"])
def test_a_reply_that_breaks_off(gpu, fault):
    with spoiled(gpu, fault) as proxy, pytest.raises(httpx.TransportError):
        ask(proxy.base_url, body("x", KEYED))
    assert [passed.status for passed in proxy.log] == [None]


def test_a_drip_outlives_the_client_without_holding_up_others(gpu):
    with spoiled(gpu, "drip") as proxy:
        began = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            ask(proxy.base_url, body("x", KEYED), patience=0.05)
        assert ask(proxy.base_url, body("x", KEYED)).status_code == 200
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("wrong_schema", '{"decision"'),
        ("empty", ""),
        ("prose", "Sure!"),
        ("twice", '{"verdicts": {"cough": {"quote"'),
        ("missing", '{"verdicts": {"cough": {"quote"'),
        ("truncated", '{"verdicts"'),
    ],
)
def test_answers_that_say_something_else(gpu, fault, text):
    healthy = ask(gpu, body("x", KEYED)).json()["choices"][0]["message"]["content"]
    with spoiled(gpu, fault) as proxy:
        choice = ask(proxy.base_url, body("x", KEYED)).json()["choices"][0]
    content = choice["message"]["content"]
    assert content.startswith(text)
    assert content != healthy
    assert choice["finish_reason"] == ("length" if fault == "truncated" else "stop")
    if fault == "twice":
        assert content.count('"cough"') == 2
        assert json.loads(content) == json.loads(healthy), "a careless reader notices nothing"
    if fault == "missing":
        assert json.loads(content)["verdicts"].keys() == {"cough"}


def test_a_refusal_comes_in_the_form_of_the_api(gpu):
    with spoiled(gpu, "refusal") as proxy:
        message = ask(proxy.base_url, body("x", KEYED)).json()["choices"][0]["message"]
    assert message["content"] is None
    assert message["refusal"]


def test_a_sticky_fault_meets_its_question_every_time_and_a_transient_one_once(gpu):
    with spoiled(gpu, "unavailable", sticky=1.0) as proxy:
        assert [ask(proxy.base_url, body("x", KEYED)).status_code for _ in range(3)] == [503] * 3
    with spoiled(gpu, "unavailable") as proxy:
        assert [ask(proxy.base_url, body("x", KEYED)).status_code for _ in range(3)] == [503, 200, 200]


def test_who_is_met_depends_on_seed_and_question_alone():
    mischief = Mischief(rate=0.05, seed=7, sticky=0.5)
    questions = [f"question {n}" for n in range(20_000)]
    met = [mischief.meets(question) for question in questions]
    assert met == [Mischief(rate=0.05, seed=7, sticky=0.5).meets(question) for question in questions]
    assert met != [Mischief(rate=0.05, seed=8, sticky=0.5).meets(question) for question in questions]
    names = [each[0] for each in met if each]
    assert len(names) / len(questions) == pytest.approx(0.05, abs=0.005)
    assert set(names) == set(FAULTS)
    assert sum(each[1] for each in met if each) / len(names) == pytest.approx(0.5, abs=0.06)
    assert 0 < drawn(1, "x") < 1


def test_hundreds_of_questions_pass_at_once(gpu):
    with proxying(gpu, Mischief(rate=0.05, seed=1, faults=("unavailable",))) as proxy:
        replies = together(proxy.base_url, [body(f"question {n}", KEYED) for n in range(300)])
    failed = [passed.question for passed in proxy.log if passed.fault]
    assert [f"question {n}" for n, reply in enumerate(replies) if reply.status_code == 503] == sorted(
        failed, key=lambda question: int(question.split()[1])
    )
    assert failed
    assert len(proxy.log) == 300


def test_it_stands_before_any_server_and_resets_where_there_is_none():
    with serving(lambda asked: "{}") as served:
        with proxying(served.base_url, Mischief(rate=0.0)) as proxy:
            assert ask(proxy.base_url, body("x", KEYED)).json()["model"] == MODEL
    with proxying(served.base_url, Mischief(rate=0.0)) as proxy, pytest.raises(httpx.TransportError):
        ask(proxy.base_url, body("x", KEYED))
