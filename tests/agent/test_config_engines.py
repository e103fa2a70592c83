"""The section `engine` of review.yaml: backends, their settings, who stands in, and what changes an answer."""

import pytest

from agent import config
from agent.config import basis
from tests.agent.test_config import GOOD, only, parse, problems

ADDRESS = "http://localhost:8000/v1"
SERVER = f"engine:\n  backend: openai\n  model: m\n  base_url: {ADDRESS}\n"


def engine(text, folder, task="screen"):
    return parse(GOOD + text, folder).config.engine.for_task(task)


def test_vllm_needs_nothing_but_its_name(tmp_path):
    settings = engine("engine: {backend: vllm}\n", tmp_path)
    assert settings.addresses == ("http://127.0.0.1:8000/v1",)
    assert settings.model_name == "leads"


def test_several_addresses_and_copies_are_asked_more_at_once(tmp_path):
    both = f"[{ADDRESS}, 'http://localhost:8001/v1']"
    text = f"engine: {{backend: vllm, base_url: {both}, max_in_flight: 32, data_parallel: 4}}\n"
    settings = engine(text, tmp_path)
    assert settings.addresses == (ADDRESS, "http://localhost:8001/v1")
    assert settings.at_once == 256


@pytest.mark.parametrize(
    ("text", "told"),
    {
        "openai without an address": ("{backend: openai, model: m}", "engine.base_url: is missing"),
        "transformers without a model": ("{backend: transformers}", "engine.model: is missing"),
        "transformers with an address": (
            f"{{backend: transformers, model: m, base_url: {ADDRESS}}}",
            "engine.base_url: has no meaning for the backend transformers",
        ),
        "an adapter on a server": (
            "{backend: vllm, adapter: lora}",
            "engine.adapter: has no meaning for the backend vllm",
        ),
        "votes of rules": ("{votes: 3}", "engine.votes: has no meaning for the backend baseline"),
        "no such pack": (
            "{backend: vllm, prompts: elsewhere}",
            "engine.prompts: elsewhere is no prompt pack",
        ),
        "no room": ("{backend: vllm, context: 1024, max_tokens: 1000}", "engine.context: leaves no room"),
        "an empty list of addresses": ("{backend: vllm, base_url: []}", "engine.base_url: is an empty list"),
        "one address of two": (
            f"{{backend: vllm, base_url: [{ADDRESS}, 'localhost']}}",
            "engine.base_url: is not the address of a server",
        ),
        "a password in an address": (
            "{backend: vllm, base_url: ['http://me:secret@host/v1']}",
            "engine.base_url: is not the address of a server",
        ),
        "a stand-in without an address": (
            "{backend: vllm, fallbacks: [{backend: openai, model: m}]}",
            "engine.fallbacks[1].base_url: is missing",
        ),
        "a stand-in with a setting of others": (
            "{backend: vllm, fallbacks: [{seed: 3}]}",
            "engine.fallbacks[1].seed: has no meaning for the backend baseline",
        ),
        "votes for a task of rules": (
            "{tasks: {screen: {votes: 3}}}",
            "engine.tasks.screen.votes: has no meaning for the backend baseline",
        ),
    }.values(),
    ids=lambda value: value if value.startswith("engine.") else "",
)
def test_a_mistake_is_named_with_its_place_and_remedy(tmp_path, text, told):
    assert told in only(f"{GOOD}engine: {text}\n", tmp_path)


def test_a_pack_of_ones_own_is_a_folder_beside_the_protocol(tmp_path):
    (tmp_path / "prompts").mkdir()
    assert engine("engine: {backend: vllm, prompts: prompts}\n", tmp_path).prompts == "prompts"


@pytest.mark.parametrize("flag", ["vllm", "transformers", "baseline"])
def test_a_flag_takes_along_what_only_the_other_backend_knows(tmp_path, flag):
    text = GOOD + SERVER + "  fallbacks: [{backend: baseline}]\n"
    loaded = parse(text, tmp_path, engine__backend=(flag, "--engine"))
    settings = loaded.config.engine
    assert settings.backend == flag
    assert settings.model == (None if flag == "baseline" else "m")
    assert settings.base_url == (ADDRESS if flag == "vllm" else None)
    assert len(settings.fallbacks) == (0 if flag == "baseline" else 1)


def test_a_task_has_stand_ins_of_its_own_or_the_common_ones(tmp_path):
    text = SERVER + "  fallbacks: [{backend: baseline}]\n  tasks: {screen: {fallbacks: []}}\n"
    assert engine(text, tmp_path).fallbacks == ()
    assert [other.backend for other in engine(text, tmp_path, "characteristics").fallbacks] == ["baseline"]


BASE = SERVER + "  fallbacks: [{backend: vllm, model: spare}]\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("base_url: http://localhost:8000", "base_url: http://localhost:9"),
        ("  model: m\n", "  model: m\n  max_in_flight: 99\n"),
        ("  model: m\n", "  model: m\n  timeout_s: 9\n"),
        ("  model: m\n", "  model: m\n  probabilities: false\n"),
        ("model: spare", "model: spare, base_url: 'http://localhost:7/v1'"),
    ],
)
def test_where_and_how_fast_it_answers_asks_nothing_again(tmp_path, before, after):
    old, new = parse(GOOD + BASE, tmp_path).config, parse(GOOD + BASE.replace(before, after), tmp_path).config
    assert old != new
    assert {step for step in config.STEPS if basis(old, step) != basis(new, step)} == set()


@pytest.mark.parametrize(
    "more", ["votes: 3", "structured_output: none", "context: 8192", "tokenizer: t", "temperature: 0.5"]
)
def test_what_changes_answers_asks_again(tmp_path, more):
    old = parse(GOOD + BASE, tmp_path).config
    new = parse(GOOD + BASE.replace("  model: m\n", f"  model: m\n  {more}\n"), tmp_path).config
    assert {step for step in config.STEPS if basis(old, step) != basis(new, step)} == {"screen", "extract"}


def test_another_stand_in_asks_again(tmp_path):
    old = parse(GOOD + BASE, tmp_path).config
    new = parse(GOOD + BASE.replace("model: spare", "model: other"), tmp_path).config
    assert {step for step in config.STEPS if basis(old, step) != basis(new, step)} == {"screen", "extract"}


def test_all_mistakes_come_at_once(tmp_path):
    text = "engine: {backend: openai, prompts: elsewhere, adapter: a}\n"
    assert len(problems(GOOD + text, tmp_path)) == 4
