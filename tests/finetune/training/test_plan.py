"""What a training takes, by hand."""

import json

import pytest

from finetune.train import main
from finetune.training.plan import LEADS_LOAD, Load, Zero, memory_of, operations, plan_of
from finetune.training.settings import Adapter, Settings
from finetune.training.shapes import MISTRAL_7B, Shape, shape_of
from tools.errors import ConfigError

SMALL = Shape(hidden=4, inner=8, layers=2, heads=2, kv_heads=1, head=2, vocabulary=10)


def settings(**more):
    told = {"name": "x", "model": "mistralai/Mistral-7B-Instruct-v0.3", "data": "d", "out": "o"}
    return Settings.model_validate(told | more)


def test_parameters_by_hand():
    # q 4·4, k 4·2, v 4·2, o 4·4, gate and up 4·8, down 8·4, two norms of 4.
    assert SMALL.layer == 16 + 8 + 8 + 16 + 32 + 32 + 32 + 8 == 152
    assert SMALL.parameters == 2 * 10 * 4 + 2 * 152 + 4 == 388
    assert SMALL.working == 2 * 152 + 40


def test_mistral_s_parameters_are_those_of_its_makers():
    assert MISTRAL_7B.parameters == 7_248_023_552


@pytest.mark.parametrize("tied", [False, True])
def test_parameters_are_those_that_transformers_makes(tied):
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig(
        vocab_size=10, hidden_size=4, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=2, tie_word_embeddings=tied,
    )  # fmt: skip
    made = MistralForCausalLM(config)
    assert Shape(4, 8, 2, 2, 1, 2, 10, tied).parameters == sum(p.numel() for p in made.parameters())


def test_an_adapter_s_parameters_by_hand():
    # rank 3: q 3·8, k and v 3·6, o 3·8, gate and up 3·12, down 3·12; twice.
    assert SMALL.adapted(Adapter(rank=3), dora=False) == 2 * (24 + 18 + 18 + 24 + 36 + 36 + 36)
    only = Adapter(rank=3, targets=("q_proj", "v_proj"))
    assert SMALL.adapted(only, dora=False) == 2 * (24 + 18)
    assert SMALL.adapted(only, dora=True) == 2 * (24 + 18 + 4 + 2)


def test_memory_of_the_published_recipe_by_hand(tmp_path):
    n = MISTRAL_7B.parameters
    told = settings(deepspeed=tmp_path / "ds.json", hardware={"devices": 5})
    whole = memory_of(told, MISTRAL_7B, Zero(3), 0)
    at_work = 2 * (2 * MISTRAL_7B.layer + 32768 * 4096)
    assert whole.weights == pytest.approx(2 * n / 5 + at_work)
    assert (whole.gradients, whole.optimizer) == pytest.approx((2 * n / 5, 12 * n / 5))
    # 30,000 tokens: 32 inputs of 4,096 numbers, and one layer: 4 × 4,096 + 2 × 4,096 + 2 × 1,024 + 4 × 14,336.
    assert whole.activations == 30_000 * 2 * (32 * 4096 + 4 * 4096 + 2 * 4096 + 2 * 1024 + 4 * 14336)
    assert memory_of(told, MISTRAL_7B, Zero(1), 0).gradients == 2 * n
    assert memory_of(told, MISTRAL_7B, Zero(2), 0).weights == 2 * n
    away = memory_of(told, MISTRAL_7B, Zero(3, offload_optimizer=True, offload_parameters=True), 0)
    assert away.host == pytest.approx(16 * n / 5)
    assert (away.gradients, away.optimizer, away.weights) == (0, 0, at_work)


def test_memory_of_one_device_by_hand():
    full = memory_of(settings(), SMALL, Zero(), 7)
    assert (full.weights, full.gradients, full.optimizer) == (4 * 388, 4 * 388, 8 * 388)
    lora = memory_of(settings(method="lora", adapter={"rank": 3}), SMALL, Zero(), 7)
    assert (lora.weights, lora.gradients, lora.optimizer) == (2 * 388 + 4 * 384, 4 * 384, 8 * 384)
    # Without checkpointing both layers are kept: 4·4 + 2·4 + 2·2 + 4·8 numbers per token; 7 answers of 10 logits.
    kept = memory_of(settings(checkpointing=False, context=100), SMALL, Zero(), 7)
    assert kept.activations == 100 * 2 * 2 * 60 + 7 * 10 * 10


def test_work_by_hand():
    load = Load.of([3, 5], answers=2, rows=1)
    assert (load.tokens, load.squares) == (8, 34)
    forward, attention = 2 * SMALL.working * 8, 2 * 2 * 4 * 34
    plain = {"checkpointing": False}
    assert operations(settings(**plain), SMALL, load) == 3 * forward + 3 * attention
    assert operations(settings(), SMALL, load) == 4 * forward + 4 * attention
    assert operations(settings(**plain, method="lora"), SMALL, load) == 2 * forward + 3 * attention
    assert operations(settings(method="lora"), SMALL, load) == 3 * forward + 4 * attention


def test_hours_and_cost_by_hand():
    own = {"name": "mine", "devices": 2, "utilisation": 0.5, "tflops": 1, "memory_gb": 80, "price": 3}
    plan = plan_of(settings(hardware=own), Load.of([1000], 100, 1))
    assert plan.hours == pytest.approx(plan.work / 1e12 / 3600)
    assert plan.cost == pytest.approx(plan.hours * 2 * 3)
    assert plan.steps == 1


def test_the_published_run_is_of_the_published_order():
    plan = plan_of(settings(hardware={"devices": 5}), LEADS_LOAD)
    assert 0.3 < plan.hours / 60 < 3


def test_what_does_not_fit_is_said(tmp_path):
    small = plan_of(settings(hardware={"name": "rtx3090-24g"}), LEADS_LOAD)
    assert not small.fits
    assert "DOES NOT FIT" in str(small)


def test_a_shape_is_read_from_the_folder_and_an_unknown_one_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="download it first"):
        shape_of("someone/else")
    told = {"hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    (tmp_path / "config.json").write_text(json.dumps(told))
    with pytest.raises(ConfigError, match="vocab_size"):
        shape_of(str(tmp_path))
    more = {"vocab_size": 10, "num_key_value_heads": 1}
    (tmp_path / "config.json").write_text(json.dumps(told | more))
    assert shape_of(str(tmp_path)) == SMALL


def test_deepspeed_s_configuration_says_what_is_divided(tmp_path):
    path = tmp_path / "ds.json"
    assert Zero.of(None) == Zero()
    path.write_text(json.dumps({"zero_optimization": {"stage": 2, "offload_optimizer": {"device": "cpu"}}}))
    assert Zero.of(path) == Zero(2, offload_optimizer=True)
    path.write_text("{")
    with pytest.raises(ConfigError, match="no configuration of DeepSpeed"):
        Zero.of(path)


def test_the_command_line_plans_for_other_data_and_other_hardware(tmp_path, capsys):
    path = tmp_path / "c.yaml"
    path.write_text("name: x\nmodel: mistralai/Mistral-7B-Instruct-v0.3\ndata: d\nout: o\nmethod: lora\n")
    flags = ["--plan", "--hardware", "h200-141g:4", "--examples", "1000", "--mean-tokens", "2000"]
    assert main([str(path), *flags]) == 0
    said = capsys.readouterr().out
    assert "1,000 examples, 2,000,000 tokens" in said
    assert "4 × h200-141g" in said
    assert main([str(path), "--plan", "--hardware", "abacus"]) == 2
    assert "not in the table" in capsys.readouterr().err
