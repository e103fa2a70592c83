"""The bench of the engine: its papers, its comparison and its table, over figures known beforehand."""

import argparse
import json
from dataclasses import asdict

import pytest

from bench import engine, engine_layers
from bench.engine_work import CHARACTERS, CLIENTS, Setting, Took, body, least_s, questions, texts
from tests.servers.gpu import MODEL, Gpu, gpu_server


def setting(url="http://127.0.0.1:1/v1", **more):
    return Setting(**({"url": url, "model": MODEL, "records": 12, "in_flight": 4, "seed": "a"} | more))


def took(seconds, answers, cpu_s=0.1):
    return Took(seconds, cpu_s, answers, len(answers))


def test_prompts_are_as_long_as_is_said_and_each_paper_is_another():
    prompts = texts(setting(), questions(setting()))
    assert {len(prompt) for prompt in prompts} == {CHARACTERS}
    assert len(set(prompts)) == 12


def test_the_same_seed_gives_the_same_papers():
    assert texts(setting(), questions(setting())) == texts(setting(), questions(setting()))
    assert texts(setting(), questions(setting())) != texts(setting(), questions(setting(seed="b")))


def test_best_rounds_are_compared_and_answers_letter_by_letter():
    rows = engine.compared(
        "gpu",
        {
            "ours": [took(3.0, ["a", "b"]), took(2.0, ["c", "d"], cpu_s=0.5)],
            "alike": [took(8.0, ["a", "b"]), took(6.0, ["c", "d"])],
            "other": [took(2.0, ["a", "b"]), took(1.0, ["c", ""])],
        },
        records=2,
    )
    ours, alike, other = rows
    assert (ours["ours_is"], ours["records_per_s"], ours["cpu_us"]) == (None, 1.0, 50_000)
    assert (alike["ours_is"], alike["same_answers"]) == (3.0, "yes")
    assert (other["ours_is"], other["same_answers"]) == (0.5, "no")
    assert ours["all_seconds"] == [3.0, 2.0]


def test_the_least_time_is_that_of_places_that_are_never_idle():
    assert least_s([3.0, 1.0, 1.0, 1.0], 2) == 3.0
    assert least_s([1.0, 1.0, 1.0, 3.0], 2) == 4.0
    assert least_s([2.0], 8) == 2.0


def test_clients_take_turns_and_begin_in_turn(monkeypatch):
    asked = []

    def child(what, given):
        asked.append((what[1], given.seed))
        return asdict(took(1.0, ["a"]))

    monkeypatch.setattr(engine, "_child", child)
    clients = {"ours": ("ours", setting()), "langchain abatch": ("abatch", setting())}
    engine.turns(clients, 2)
    assert asked == [("ours", "a"), ("abatch", "a"), ("abatch", "a"), ("ours", "a")]
    asked.clear()
    engine.turns(clients, 3, own_papers=True, once=("ours",))
    assert [client for client, _ in asked] == ["ours", "abatch", "abatch", "abatch"]
    assert len({seed for _, seed in asked}) == 4


def test_what_was_not_measured_is_said_and_is_no_nought(capsys, tmp_path):
    out = tmp_path / "engine.json"
    engine.main(["--parts", "vllm", "device", "--out", str(out)])
    printed = capsys.readouterr().out
    assert engine.NO_VLLM in printed
    assert engine.NO_DEVICE in printed
    told = json.loads(out.read_text())
    assert set(told["summary"].values()) == {None}
    assert "records/s" not in printed


def test_the_figures_that_count_are_picked_from_the_rows():
    rows = [
        {"part": "gpu", "client": "LEADS client", "ours_is": 20.0},
        {"part": "gpu", "client": "langchain abatch", "ours_is": 1.01},
        {"part": "vllm", "client": "ours", "share_of_server": 0.97},
        {"part": "layers", "client": "as in a review", "more_than_langchain_us": 900},
    ]
    told = engine.summary(rows)
    assert told["gpu_times_leads"] == 20.0
    assert told["gpu_times_abatch"] == 1.01
    assert told["vllm_share_of_server"] == 0.97
    assert told["cpu_us_over_langchain"] == 900
    assert told["gpu_times_leads_larger_batch"] is None


@pytest.mark.parametrize("client", ["ours", "abatch", "bare"])
def test_every_client_gets_the_same_answers_from_the_same_server(client):
    with gpu_server(Gpu(median_s=0.0)) as (url, server):
        done = CLIENTS[client](setting(url))
        expected = [
            json.loads(server._completion(body(setting(url), text), text).body)
            for text in server.prompts[-12:]
        ]
    by_prompt = dict(
        zip(server.prompts[-12:], (e["choices"][0]["message"]["content"] for e in expected), strict=True)
    )
    assert list(done.answers) == [by_prompt[text] for text in texts(setting(), questions(setting()))]
    assert done.usable == 12


def test_our_client_sends_the_bodies_that_the_load_generator_sends():
    bodies = []

    def heard(asked, _prompt):
        bodies.append(asked)

    with gpu_server(Gpu(median_s=0.0, said=heard)) as (url, _):
        CLIENTS["ours"](setting(url, records=1))
        CLIENTS["bare"](setting(url, records=1))
    ours, bare = (asked for asked in bodies if "Paper a-0:" in asked["messages"][0]["content"])
    assert {**ours, "stream": False} == {**bare, "stream": False}


def test_each_layer_has_a_row_and_the_store_answers_without_the_server():
    with gpu_server(Gpu(median_s=0.0)) as (url, server):
        rows = engine_layers.layers(setting(url, records=5), rounds=2)
    assert [row["layer"] for row in rows] == list(engine_layers.LAYERS)
    assert all(row["cpu_us"] > 0 for row in rows)
    papers = [prompt for prompt in server.prompts if "Provided Paper" in prompt]
    assert len(papers) == 5 * 2 * (len(engine_layers.LAYERS) - 1)


def test_the_published_client_is_asked_for_where_it_is_not_there():
    with pytest.raises(SystemExit, match="--leads FOLDER"):
        CLIENTS["leads"](setting())


def test_the_number_in_flight_is_part_of_what_a_child_is_told():
    given = engine._setting(json.loads(json.dumps(asdict(setting(in_flight=7)))))
    assert given.in_flight == 7
    assert isinstance(engine.arguments(), argparse.ArgumentParser)
