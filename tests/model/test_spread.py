"""The transport below the chat engine: connections used again, bodies read whole, logprobs put aside."""

import asyncio
import gzip
import json

import httpx
import pytest

from model.spread import Spread, _proxy_for, aside
from tests.servers.openai_server import MODEL, Reply, completion, held, serving

ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "How are you?"}], "logprobs": True}


def answering(told=None):
    """What comes of one question, with `aside` set to `told`."""

    async def ask(url):
        async with httpx.AsyncClient(transport=Spread(url, trust_env=False)) as client:
            aside.set(told)
            return await client.post(f"{url}/chat/completions", json=ASKED)

    return ask


def test_logprobs_are_put_aside_where_somebody_wants_them_so():
    with serving(lambda body: "") as served:
        whole = asyncio.run(answering()(served.base_url)).json()
        taken = []
        rest = asyncio.run(answering(taken)(served.base_url)).json()
    logprobs = whole["choices"][0].pop("logprobs")
    assert "".join(token["token"] for token in logprobs["content"]).startswith("Well, that")
    assert taken == [logprobs]
    assert rest == whole, "and nothing else is"


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"choices": null}', b'{"choices": [1]}', b"", b'{"choices": [', b"\xff"]
)
def test_what_is_no_completion_is_left_as_it_came(body):
    taken = []
    with serving(lambda body: "", [lambda reply, asked: Reply(200, body)]) as served:
        assert asyncio.run(answering(taken)(served.base_url)).content == body
    assert taken == []


def test_a_compressed_body_is_read():
    def compressed(reply, asked):
        return Reply(200, gzip.compress(completion("fine", asked).body), headers={"Content-Encoding": "gzip"})

    with serving(lambda body: "", [compressed, compressed]) as served:
        for taken in (None, []):
            told = asyncio.run(answering(taken)(served.base_url))
            assert json.loads(told.content)["choices"][0]["message"]["content"] == "fine"


def test_a_request_that_is_given_up_gives_its_place_back():
    async def impatient(url):
        async with httpx.AsyncClient(transport=Spread(url, trust_env=False), timeout=5) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.post(f"{url}/chat/completions", json=ASKED)
            for _ in range(3):
                assert (await client.post(f"{url}/chat/completions", json=ASKED)).status_code == 200
            return len(client._transport._made)

    with serving(lambda body: "", [held]) as served:
        assert asyncio.run(impatient(served.base_url)) == 1


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://proxy.example:3128"}, "http://proxy.example:3128"),
        ({"https_proxy": "proxy.example:3128"}, "http://proxy.example:3128"),
        ({"all_proxy": "http://proxy.example:3128"}, "http://proxy.example:3128"),
        ({"http_proxy": "http://proxy.example:3128"}, None),
        ({"https_proxy": "http://proxy.example:3128", "no_proxy": "model.example"}, None),
    ],
)
def test_a_proxy_of_the_environment_is_the_way_out(monkeypatch, environment, proxy):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _proxy_for("https://model.example/v1") == proxy
