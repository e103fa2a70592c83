"""The small model's folder: complete, loadable, checked by its card, and the same for the same seed."""

import json

import pytest

from finetune.tiny import Recipe, build
from model.card import ensure_card, read_card
from model.tasks import ALL
from tools.errors import ConfigError

SMALL = Recipe(
    steps=30,
    rate=0.01,
    slow=1.0,
    tokens=512,
    vocabulary=700,
    hidden=64,
    inner=64,
    layers=1,
    heads=1,
    kv_heads=1,
    held_out=1,
    longest=24,
    wired=False,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that has hardly been trained."""
    made = tmp_path_factory.mktemp("tiny") / "model"
    build(made, SMALL)
    return made


def test_training_lowers_the_loss_and_every_task_is_examined(folder):
    report = json.loads((folder / "report.json").read_text())
    assert report["loss_last"] < report["loss_first"]
    assert list(report["tasks"]) == list(ALL)
    assert all(0 <= share["valid"] <= 1 for share in report["tasks"].values())


def test_the_folder_is_loaded_as_any_mistral(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.config.model_type == "mistral"
    assert model.config.head_dim % 32 == 0
    assert len(tokenizer) == model.config.vocab_size
    assert "{% generation %}" in tokenizer.chat_template
    assert tokenizer.eos_token_id == model.generation_config.eos_token_id


def test_the_card_fits_the_prompts_and_the_files(folder):
    card = read_card(folder)
    assert card is not None
    assert card.trained.examples == json.loads((folder / "report.json").read_text())["examples"] > 0
    assert ensure_card(folder, "ours", ALL) is None
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(ConfigError, match="weights"):
            ensure_card(folder, "ours", ALL)
    finally:
        weights.write_bytes(whole)


def test_the_same_seed_makes_the_same_model(folder, tmp_path):
    build(tmp_path / "again", SMALL)
    first, second = (read_card(where) for where in (folder, tmp_path / "again"))
    assert (first.data, first.tokenizer, first.weights) == (second.data, second.tokenizer, second.weights)


def test_a_pack_without_prompts_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no prompt"):
        build(tmp_path / "none", Recipe(prompts=str(tmp_path)))
