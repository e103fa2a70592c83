"""An adapter on the small model, behind a key."""

import asyncio
import json
import random

import pytest

from finetune.invention.questions import example
from model.building import Backends
from model.engine import EngineUnavailable
from tests.serving.conftest import started
from tools.engine_settings import EngineSettings

pytestmark = pytest.mark.timeout(600)

KEY = "LEADS_TEST_KEY"
RANK = 4


def adapter_for(folder, tiny):
    """A LoRA adapter with random weights, large enough to change what the model says."""
    import torch
    from safetensors.torch import save_file

    config = json.loads((tiny / "config.json").read_text())
    hidden, out = config["hidden_size"], config["num_attention_heads"] * config["head_dim"]
    torch.manual_seed(1)
    weights = {}
    for layer in range(config["num_hidden_layers"]):
        at = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        weights[f"{at}.lora_A.weight"] = torch.randn(RANK, hidden)
        weights[f"{at}.lora_B.weight"] = torch.randn(out, RANK)
    folder.mkdir()
    save_file(weights, folder / "adapter_model.safetensors")
    told = {
        "peft_type": "LORA", "r": RANK, "lora_alpha": RANK, "target_modules": ["q_proj"], "bias": "none",
        "base_model_name_or_path": str(tiny), "task_type": "CAUSAL_LM",
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def adapted(vllm, tiny, tmp_path_factory):
    """The adapter, served behind a key."""
    base = tmp_path_factory.mktemp("adapted")
    folder = adapter_for(base / "adapter", tiny)
    with started(vllm, folder, base / "log", "--key-env", KEY, **{KEY: "s3cret"}) as running:
        yield running


def asked(server, model, **settings):
    """The answer of one of the two models behind the address."""
    request = example("direction", random.Random("adapted")).request
    told = {"backend": "vllm", "base_url": server.base_url, "model": model, "context": 8192} | settings
    backend = Backends(None, None)(EngineSettings.model_validate(told))  # type: ignore[arg-type]
    return asyncio.run(backend.answer(request))


def test_the_adapter_answers_under_the_name_and_its_base_beside_it(adapted, monkeypatch):
    monkeypatch.setenv(KEY, "s3cret")
    one, other = (asked(adapted, name, api_key_env=KEY) for name in ("leads", "leads-base"))
    assert (one.told["served"], other.told["served"]) == ("leads", "leads-base")
    assert one.probabilities != other.probabilities


def test_without_the_key_nobody_is_answered(adapted):
    with pytest.raises(EngineUnavailable, match="401"):
        asked(adapted, "leads")


def test_the_lines_for_review_yaml_name_the_variable_and_not_the_key(adapted):
    assert f"api_key_env: {KEY}" in adapted.said
    assert "context: 8192" in adapted.said
    assert "s3cret" not in adapted.said
